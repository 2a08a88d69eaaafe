/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What stays when things go wrong: torn tails, damage, full and failing disks, and what one thread alone sees
 * of segments.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "test_audit_help.h"

static char path[512];

static const char *below(const char *name)
{
	snprintf(path, sizeof path, "%s/" HOST "/%s", folder, name);
	return path;
}

#define FIRST_SEGMENT "entries/000000000000"

static off_t size_of(const char *name)
{
	struct stat status;

	return stat(below(name), &status) == 0 ? status.st_size : -1;
}

static void overwrite(const char *name, off_t at, const void *bytes, size_t length)
{
	int fd = open(below(name), O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, bytes, length, at), (ssize_t)length);
	close(fd);
}

static void append_many(struct tact_audit *audit, int count)
{
	for (int i = 0; i < count; i++)
		append_one(audit, "d");
}

static int open_result(struct tact_error *err)
{
	struct tact_audit *audit = NULL;
	int result = tact_audit_open(folder, HOST, &audit, NULL, err);

	tact_audit_close(&audit);
	return result;
}

static int append_result(struct tact_audit *audit, struct tact_error *err)
{
	struct tact_audit_entry entry = {.kind = TACT_AUDIT_DECISION, .decision = "d"};

	return tact_audit_append(audit, &entry, 1, NOW_US, NULL, err);
}

/* An append that must fail, with a text that says what to do. */
static void check_append_fails(struct tact_audit *audit, const char *want)
{
	struct tact_error err = {.text = ""};
	int got = append_result(audit, &err);

	ck_assert_msg(got == TACT_UNAVAILABLE, "got %d (%s), want %d", got, err.text, TACT_UNAVAILABLE);
	ck_assert_msg(strstr(err.text, want) != NULL, "got \"%s\", want \"%s\" in it", err.text, want);
}

static bool stop_at_first(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	(void)host, (void)seq, (void)json, (void)length;
	++*(int *)context;
	return false;
}

static bool count_all(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	(void)host, (void)seq, (void)json, (void)length;
	++*(int *)context;
	return true;
}

static void check_scan_corrupt(const char *want)
{
	struct tact_error err = {.text = ""};
	int count = 0, got = tact_audit_scan(folder, HOST, count_all, &count, &err);

	ck_assert_msg(got == TACT_CORRUPT, "scan: got %d (%s), want %d", got, err.text, TACT_CORRUPT);
	ck_assert_msg(strstr(err.text, want) != NULL, "got \"%s\", want \"%s\" in it", err.text, want);
}

/* ---- open, number, scan -------------------------------------------------------------------------------- */

START_TEST(test_numbers_go_on_after_reopening)
{
	for (uint64_t want = 0; want < 5; want++) {
		struct tact_audit *audit = open_log();

		ck_assert_uint_eq(append_one(audit, "d"), want);
		tact_audit_close(&audit);
	}
	ck_assert_uint_eq(count_entries(), 5);
}
END_TEST

/* Somebody stopped in the middle of a write, as seen from here: nobody stands still with him. */
START_TEST(test_a_lock_that_is_never_let_go)
{
	struct tact_audit *audit = open_log();
	struct tact_error err = {.text = ""};
	int fd, got;

	append_one(audit, "d");
	audit->patience_ms = 100;
	fd = open(below("lock"), O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	check_append_fails(audit, "/lock is held");
	check_append_fails(audit, "fuser");
	got = open_result(&err);
	ck_assert_msg(got == TACT_UNAVAILABLE, "open: got %d (%s), want %d", got, err.text, TACT_UNAVAILABLE);
	ck_assert_int_eq(flock(fd, LOCK_UN), 0);
	ck_assert_uint_eq(append_one(audit, "d"), 1);
	close(fd);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 2);
}
END_TEST

static int flush_slowly(int fd)
{
	usleep(30000);
	return fdatasync(fd);
}

/* Writes without end, as a program on a slow disk does for whom many wait. */
static _Noreturn void write_until_closed(int door)
{
	struct pollfd end = {.fd = door, .events = POLLIN};
	struct tact_error err = {.text = ""};
	struct tact_audit *audit = open_log();

	audit->disk.sync = flush_slowly;
	while (poll(&end, 1, 0) == 0)
		if (append_result(audit, &err) != TACT_OK)
			_exit(1);
	tact_audit_close(&audit);
	_exit(0);
}

START_TEST(test_a_busy_log_is_had_in_turn)
{
	struct tact_audit *audit = open_log();
	int door[2], status;
	pid_t pid;

	append_one(audit, "d");
	audit->patience_ms = 2000;
	ck_assert_int_eq(pipe(door), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(door[1]);
		write_until_closed(door[0]);
	}
	while (count_entries() < 3) /* the other one is at work */
		usleep(1000);
	for (int i = 0; i < 20; i++)
		append_one(audit, "d");
	close(door[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(door[0]);
	tact_audit_close(&audit);
}
END_TEST

START_TEST(test_modes)
{
	static const struct {
		const char *name;
		mode_t want;
	} rows[] = {{"", 0750}, {"entries", 0750}, {FIRST_SEGMENT, 0640}, {"lock", 0640}};
	struct tact_audit *audit;
	struct stat status;

	umask(022);
	audit = open_log();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_int_eq(stat(below(rows[i].name), &status), 0);
		ck_assert_int_eq(status.st_mode & 07777, rows[i].want);
	}
	tact_audit_close(&audit);
}
END_TEST

/* A verb run by root must not lock tactd's own user out. */
START_TEST(test_root_leaves_files_to_the_folders_owner)
{
	struct tact_audit *audit;
	struct stat status;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(folder, 12345, 12346), 0);
	audit = open_log();
	tact_audit_close(&audit);
	ck_assert_int_eq(stat(below(FIRST_SEGMENT), &status), 0);
	ck_assert_uint_eq(status.st_uid, 12345);
	ck_assert_uint_eq(status.st_gid, 12346);
}
END_TEST

static const char *const bad_hosts[] = {"", ".", "..", ".x", "a/b", "../x", "a b", "\xc3\xa4", "a\"b"};

START_TEST(test_host_names)
{
	struct tact_audit *audit = NULL;
	struct tact_error err = {.text = ""};

	ck_assert_int_eq(tact_audit_open(folder, bad_hosts[_i], &audit, NULL, &err), TACT_INVALID);
	ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(test_append_of_nothing)
{
	struct tact_audit *audit = open_log();

	ck_assert_int_eq(tact_audit_append(audit, NULL, 0, NOW_US, NULL, NULL), TACT_OK);
	ck_assert_uint_eq(append_one(audit, "d"), 0);
	tact_audit_close(&audit);
}
END_TEST

START_TEST(test_scan_stops_when_told)
{
	struct tact_audit *audit = open_log();
	int count = 0;

	append_many(audit, 3);
	tact_audit_close(&audit);
	ck_assert_int_eq(tact_audit_scan(folder, NULL, stop_at_first, &count, NULL), TACT_OK);
	ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(test_scan_of_all_hosts)
{
	static const char *const hosts[] = {"relay2", "relay1"};
	int count = 0;

	for (size_t i = 0; i < 2; i++) {
		struct tact_audit *audit = NULL;

		ck_assert_int_eq(tact_audit_open(folder, hosts[i], &audit, NULL, NULL), TACT_OK);
		append_many(audit, 2);
		tact_audit_close(&audit);
	}
	snprintf(path, sizeof path, "%s/notes", folder);
	ck_assert_int_eq(mkdir(path, 0750), 0); /* somebody's folder is not a log */
	ck_assert_int_eq(tact_audit_scan(folder, NULL, count_all, &count, NULL), TACT_OK);
	ck_assert_int_eq(count, 4);
	ck_assert_int_eq(tact_audit_scan(folder, "relay2", count_all, &count, NULL), TACT_OK);
	ck_assert_int_eq(count, 6);
	ck_assert_int_eq(tact_audit_scan(folder, "relay3", count_all, &count, NULL), TACT_SYSTEM);
	ck_assert_int_eq(tact_audit_scan(folder, "../x", count_all, &count, NULL), TACT_SYSTEM);
}
END_TEST

START_TEST(test_segments_roll_over)
{
	struct tact_audit *audit = open_log();
	uint64_t *segments = NULL;
	size_t count = 0;

	audit->segment_limit_bytes = 1000;
	append_many(audit, 100);
	ck_assert_int_eq(audit_segments_list(audit->entries_fd, &segments, &count), 0);
	ck_assert_uint_ge(count, 10);
	ck_assert_uint_eq(segments[0], 0);
	ck_assert_uint_gt(segments[1], 1);
	ck_assert_uint_lt(segments[count - 1], 100);
	free(segments);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 100);
	audit = open_log();
	ck_assert_uint_eq(append_one(audit, "d"), 100);
	tact_audit_close(&audit);
}
END_TEST

/* Old segments may be archived from the front; the log goes on and is read from what is left. */
START_TEST(test_front_segments_may_go)
{
	struct tact_audit *audit = open_log();
	int count = 0;

	audit->segment_limit_bytes = 1000;
	append_many(audit, 50);
	ck_assert_int_eq(unlink(below(FIRST_SEGMENT)), 0);
	ck_assert_uint_eq(append_one(audit, "d"), 50);
	tact_audit_close(&audit);
	ck_assert_int_eq(tact_audit_scan(folder, HOST, count_all, &count, NULL), TACT_OK);
	ck_assert_int_lt(count, 51);
}
END_TEST

/* ---- tears and damage ---------------------------------------------------------------------------------- */

static char *slurp(const char *name, size_t *ret_length)
{
	off_t size = size_of(name);
	char *bytes = tact_malloc((size_t)size + 1);
	int fd = open(below(name), O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, bytes, (size_t)size + 1), size);
	close(fd);
	*ret_length = (size_t)size;
	return bytes;
}

static void spill(const char *name, const char *bytes, size_t length)
{
	int fd = open(below(name), O_WRONLY | O_CREAT | O_TRUNC, 0640);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

/* The last segment is BYTES, of which GOOD hold the first two entries and the rest is torn. */
static void check_mended(const char *bytes, size_t length, size_t good)
{
	struct tact_audit *audit = NULL;
	uint64_t torn = 99;
	size_t kept = 0;
	char *aside;

	spill(FIRST_SEGMENT, bytes, length);
	ck_assert_uint_eq(count_entries(), 2); /* a reader stops there quietly */
	ck_assert_int_eq(tact_audit_open(folder, HOST, &audit, &torn, NULL), TACT_OK);
	ck_assert_uint_eq(torn, length - good);
	ck_assert_int_eq(size_of(FIRST_SEGMENT), (off_t)good);
	if (length > good) {
		aside = slurp("torn-2", &kept);
		ck_assert_uint_eq(kept, length - good);
		ck_assert_mem_eq(aside, bytes + good, kept);
		free(aside);
		ck_assert_int_eq(unlink(below("torn-2")), 0);
	}
	ck_assert_int_eq(size_of("torn-2"), -1);
	ck_assert_uint_eq(append_one(audit, "again"), 2);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 3);
}

/* Two whole entries and a third in BYTES; answers where the third begins. */
static size_t make_three(char **bytes, size_t *length)
{
	struct tact_audit *audit = open_log();
	size_t good;

	append_many(audit, 2);
	good = (size_t)size_of(FIRST_SEGMENT);
	append_one(audit, "last");
	tact_audit_close(&audit);
	*bytes = slurp(FIRST_SEGMENT, length);
	return good;
}

START_TEST(test_torn_at_every_byte)
{
	char *bytes;
	size_t length, good = make_three(&bytes, &length);

	for (size_t cut = good; cut < length; cut++)
		check_mended(bytes, cut, good);
	free(bytes);
}
END_TEST

/* A page that never reached the disk reads as zeros, wherever it lay. */
START_TEST(test_zeros_at_every_byte)
{
	char *bytes, *holed;
	size_t length, good = make_three(&bytes, &length);

	holed = tact_malloc(length);
	for (size_t at = good; at < length; at += 7) {
		memcpy(holed, bytes, length);
		memset(holed + at, 0, length - at);
		check_mended(holed, length, good);
		memcpy(holed, bytes, length);
		memset(holed + at, 0, length - at < 8 ? length - at : 8);
		check_mended(holed, length, good);
	}
	free(holed);
	free(bytes);
}
END_TEST

static bool take_number(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	uint64_t *seen = context;

	ck_assert_str_eq(host, HOST);
	ck_assert_uint_eq(strlen(json), length);
	*seen |= UINT64_C(1) << seq;
	return true;
}

static void check_salvaged(uint64_t want, uint64_t want_places)
{
	struct tact_audit_damage damage;
	uint64_t seen = 0;

	ck_assert_int_eq(tact_audit_salvage(folder, take_number, &seen, &damage, NULL), TACT_OK);
	ck_assert_uint_eq(seen, want);
	ck_assert_uint_eq(damage.places, want_places);
}

static void check_read(uint64_t want, const char *want_damage)
{
	struct tact_error err = {.text = ""};
	uint64_t seen = 0;
	int got = tact_audit_scan(folder, HOST, take_number, &seen, &err);

	ck_assert_int_eq(got, *want_damage != '\0' ? TACT_CORRUPT : TACT_OK);
	ck_assert_msg(
	    strstr(err.text, want_damage) != NULL, "got \"%s\", want \"%s\" in it", err.text, want_damage);
	ck_assert_msg(seen == want, "got entries %lx, want %lx", seen, want);
}

static void check_unchanged(const char *bytes, size_t length)
{
	size_t got_length;
	char *got = slurp(FIRST_SEGMENT, &got_length);

	ck_assert_uint_eq(got_length, length);
	ck_assert_mem_eq(got, bytes, length);
	free(got);
	ck_assert_int_eq(size_of("torn-2"), -1);
}

/* BYTES are entries 0, 1 and 3, and damage at AT: all readers go on behind it, who opens says where it is and
 * touches nothing, and what is appended stands in a segment of its own. */
static void check_damage(const char *bytes, size_t length, size_t at)
{
	struct tact_audit *audit;
	char want[100];

	snprintf(
	    want, sizeof want, FIRST_SEGMENT " is damaged at offset %zu, where entry 2 should stand", at);
	spill(FIRST_SEGMENT, bytes, length);
	check_read(11, want);
	check_salvaged(11, 1);
	audit = open_log();
	ck_assert_msg(strstr(tact_audit_damaged(audit), want) != NULL, "got \"%s\", want \"%s\" in it",
	    tact_audit_damaged(audit), want);
	ck_assert_int_eq(size_of("entries/000000000004"), -1);
	ck_assert_uint_eq(append_one(audit, "new"), 4);
	tact_audit_close(&audit);
	check_unchanged(bytes, length);
	check_read(27, want);
	audit = open_log();
	ck_assert_uint_eq(append_one(audit, "new"), 5);
	tact_audit_close(&audit);
	check_read(59, want);
	ck_assert_int_eq(unlink(below("entries/000000000004")), 0);
}

/* Wherever the third entry is hit, the two before it and the one behind it are had. */
START_TEST(test_damage_at_every_byte)
{
	char *three, *bytes, *holed;
	size_t length, to, at = make_three(&three, &to), begin = at;
	struct tact_audit *audit = open_log();

	append_one(audit, "behind");
	tact_audit_close(&audit);
	bytes = slurp(FIRST_SEGMENT, &length);
	check_read(15, "");
	check_salvaged(15, 0);
	holed = tact_malloc(length);
	for (; at < to; at++) {
		memcpy(holed, bytes, length);
		holed[at] = bytes[at] == 0 ? 1 : 0;
		check_damage(holed, length, begin);
	}
	free(three);
	free(bytes);
	free(holed);
}
END_TEST

/* The last of two bytes of a length made so long that it ends with the file, or beyond it. */
START_TEST(test_damaged_length)
{
	char *three, *bytes;
	size_t length, to, begin = make_three(&three, &to);
	struct tact_audit *audit = open_log();

	append_one(audit, "behind");
	tact_audit_close(&audit);
	bytes = slurp(FIRST_SEGMENT, &length);
	for (size_t said = length - begin - 4; said <= length - begin; said++) {
		bytes[begin] = (char)(said >> 8);
		bytes[begin + 1] = (char)said;
		check_damage(bytes, length, begin);
	}
	free(three);
	free(bytes);
}
END_TEST

/* Within the damage stands what looks like an entry and is none. */
START_TEST(test_damage_like_an_entry)
{
	static const char like[] = "{?,\"seq\":7,?}";
	char *three, *bytes;
	size_t length, to, begin = make_three(&three, &to);
	struct tact_audit *audit = open_log();

	append_one(audit, "behind");
	tact_audit_close(&audit);
	bytes = slurp(FIRST_SEGMENT, &length);
	bytes[begin] = bytes[begin + 10] = 0;
	bytes[begin + 11] = (char)strlen(like);
	memcpy(bytes + begin + 12, like, strlen(like));
	check_damage(bytes, length, begin);
	free(three);
	free(bytes);
}
END_TEST

/* Near the end who opens looks closer than a reader: what does not parse is a tear there, unless an entry
 * stands behind. */
START_TEST(test_entry_that_does_not_parse)
{
	char *three, *bytes;
	size_t length, to, begin = make_three(&three, &to);
	struct tact_audit *audit = open_log();

	append_one(audit, "behind");
	tact_audit_close(&audit);
	bytes = slurp(FIRST_SEGMENT, &length);
	bytes[begin + 3] = '?';
	spill(FIRST_SEGMENT, bytes, length);
	audit = open_log();
	ck_assert_ptr_nonnull(strstr(tact_audit_damaged(audit), "where entry 2 should stand"));
	ck_assert_uint_eq(append_one(audit, "new"), 4);
	tact_audit_close(&audit);
	check_unchanged(bytes, length);
	ck_assert_int_eq(unlink(below("entries/000000000004")), 0);
	spill(FIRST_SEGMENT, bytes, to);
	audit = open_log();
	ck_assert_str_eq(tact_audit_damaged(audit), "");
	ck_assert_uint_eq(append_one(audit, "new"), 2);
	tact_audit_close(&audit);
	ck_assert_int_eq(size_of("torn-2"), (off_t)(to - begin));
	free(three);
	free(bytes);
}
END_TEST

/* What a reader holds may be older than what it finds behind. */
struct late {
	uint64_t seen;
	const char *bytes;
	size_t length;
};

static bool finish_writing(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	struct late *late = context;

	if (seq == 1)
		spill(FIRST_SEGMENT, late->bytes, late->length);
	return take_number(&late->seen, host, seq, json, length);
}

START_TEST(test_place_that_was_being_written)
{
	struct late late = {.seen = 0};
	char *three, *bytes;
	size_t to, begin = make_three(&three, &to);
	struct tact_audit *audit = open_log();

	append_one(audit, "behind");
	tact_audit_close(&audit);
	bytes = slurp(FIRST_SEGMENT, &late.length);
	late.bytes = bytes;
	overwrite(FIRST_SEGMENT, (off_t)begin + 2, "\0\0\0", 3);
	ck_assert_int_eq(tact_audit_scan(folder, HOST, finish_writing, &late, NULL), TACT_OK);
	ck_assert_uint_eq(late.seen, 15);
	free(three);
	free(bytes);
}
END_TEST

/* The third entry's number becomes DIGIT. */
static size_t misnumber(char *bytes, size_t begin, size_t end, char digit)
{
	char *seq = memmem(bytes + begin, end - begin, "\"seq\":2", 7);

	ck_assert_ptr_nonnull(seq);
	seq[6] = digit;
	return end;
}

/* A whole entry is nothing that a torn write leaves, whatever number it says; and no number is given twice.
 */
START_TEST(test_wrong_number_is_damage)
{
	static const struct {
		char digit;
		uint64_t seen, next;
	} rows[] = {{'1', 3, 3}, {'3', 11, 4}, {'7', 131, 8}};
	char *bytes;
	size_t length, good = make_three(&bytes, &length);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct tact_audit *audit;
		char name[64];

		spill(FIRST_SEGMENT, bytes, misnumber(bytes, good, length, rows[i].digit));
		check_read(rows[i].seen, "where entry 2 should stand");
		audit = open_log();
		ck_assert_uint_eq(append_one(audit, "new"), rows[i].next);
		tact_audit_close(&audit);
		check_unchanged(bytes, length);
		check_read(rows[i].seen | UINT64_C(1) << rows[i].next, "where entry 2 should stand");
		snprintf(name, sizeof name, "entries/%012d", (int)rows[i].next);
		ck_assert_int_eq(unlink(below(name)), 0);
		bytes[(char *)memmem(bytes + good, length - good, "\"seq\":", 6) - bytes + 6] = '2';
	}
	free(bytes);
}
END_TEST

/* Those behind it tell that it was its number only. */
START_TEST(test_wrong_number_among_others)
{
	struct tact_audit *audit;
	char *bytes;
	size_t length, to, good = make_three(&bytes, &to);

	free(bytes);
	audit = open_log();
	append_many(audit, 2);
	tact_audit_close(&audit);
	bytes = slurp(FIRST_SEGMENT, &length);
	misnumber(bytes, good, to, '9');
	spill(FIRST_SEGMENT, bytes, length);
	check_read(1 | 2 | 8 | 16 | 512, "where entry 2 should stand");
	audit = open_log();
	ck_assert_uint_eq(append_one(audit, "new"), 5);
	tact_audit_close(&audit);
	check_unchanged(bytes, length);
	free(bytes);
}
END_TEST

/* Damage and a tear in one: only the tear is set aside. */
START_TEST(test_tear_behind_damage)
{
	char *three, *bytes;
	size_t length, to, good = make_three(&three, &to);
	struct tact_audit *audit = open_log();
	uint64_t torn = 0;

	append_one(audit, "behind");
	tact_audit_close(&audit);
	bytes = slurp(FIRST_SEGMENT, &length);
	overwrite(FIRST_SEGMENT, (off_t)good + 2, "?", 1);
	overwrite(FIRST_SEGMENT, (off_t)length, "\x01\x02{half", 7);
	check_read(11, "where entry 2 should stand");
	audit = NULL;
	ck_assert_int_eq(tact_audit_open(folder, HOST, &audit, &torn, NULL), TACT_OK);
	ck_assert_uint_eq(torn, 7);
	ck_assert_int_eq(size_of("torn-4"), 7);
	ck_assert_int_eq(size_of(FIRST_SEGMENT), (off_t)length);
	ck_assert_uint_eq(append_one(audit, "new"), 4);
	tact_audit_close(&audit);
	check_read(27, "where entry 2 should stand");
	free(three);
	free(bytes);
}
END_TEST

/* Who has the log open when another finds the damage writes where that one does. */
START_TEST(test_damage_while_others_write)
{
	char *three;
	size_t to, good = make_three(&three, &to);
	struct tact_audit *before = open_log(), *after;

	ck_assert_uint_eq(append_one(before, "behind"), 3);
	overwrite(FIRST_SEGMENT, (off_t)good + 2, "?", 1);
	after = open_log();
	ck_assert_str_ne(tact_audit_damaged(after), "");
	ck_assert_str_eq(tact_audit_damaged(before), "");
	ck_assert_uint_eq(append_one(before, "d"), 4); /* it cannot know yet */
	ck_assert_uint_eq(append_one(after, "d"), 5);
	ck_assert_uint_eq(append_one(before, "d"), 6);
	ck_assert_uint_eq(append_one(after, "d"), 7);
	ck_assert_int_gt(size_of("entries/000000000005"), 0);
	tact_audit_close(&before);
	tact_audit_close(&after);
	check_read(251, "where entry 2 should stand");
	free(three);
}
END_TEST

START_TEST(test_torn_files_are_kept_apart)
{
	static const char *const want[] = {"torn-0", "torn-0.1", "torn-0.2"};

	for (size_t i = 0; i < 3; i++) {
		struct tact_audit *audit = open_log();

		tact_audit_close(&audit);
		spill(FIRST_SEGMENT, "\x01xyz", i + 1);
		audit = open_log();
		tact_audit_close(&audit);
		ck_assert_int_eq(size_of(want[i]), (off_t)i + 1);
	}
}
END_TEST

START_TEST(test_torn_new_segment)
{
	struct tact_audit *audit = open_log();

	audit->segment_limit_bytes = 1;
	append_many(audit, 2);
	tact_audit_close(&audit);
	ck_assert_int_eq(truncate(below("entries/000000000001"), 10), 0);
	audit = open_log();
	ck_assert_int_eq(size_of("torn-1"), 10);
	ck_assert_uint_eq(append_one(audit, "d"), 1);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 2);
}
END_TEST

/* What another process left torn while this one runs is mended before the next write. */
START_TEST(test_tear_by_another_process)
{
	struct tact_audit *audit = open_log();

	append_many(audit, 2);
	overwrite(FIRST_SEGMENT, size_of(FIRST_SEGMENT), "\x01\x02half", 6);
	ck_assert_uint_eq(append_one(audit, "d"), 2);
	ck_assert_int_eq(size_of("torn-2"), 6);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 3);
}
END_TEST

START_TEST(test_damage_in_an_earlier_segment)
{
	struct tact_audit *audit = open_log();
	off_t size;

	audit->segment_limit_bytes = 1000;
	append_many(audit, 20);
	tact_audit_close(&audit);
	size = size_of(FIRST_SEGMENT);
	overwrite(FIRST_SEGMENT, size - 1, "\0", 1);
	check_scan_corrupt(FIRST_SEGMENT " is damaged at offset ");
	ck_assert_int_eq(truncate(below(FIRST_SEGMENT), size - 5), 0);
	check_scan_corrupt(FIRST_SEGMENT " is damaged at offset ");
	ck_assert_int_eq(truncate(below(FIRST_SEGMENT), 0), 0);
	check_scan_corrupt("should follow");
}
END_TEST

/* Three small entries and 60 of which each is 20 kB. */
static off_t fill_far(void)
{
	struct tact_audit *audit = open_log();
	char *text = tact_calloc(1, 20001);
	struct tact_audit_entry entry = {.kind = TACT_AUDIT_DECISION, .action = text};
	off_t small;

	memset(text, 'x', 20000);
	append_many(audit, 3);
	small = size_of(FIRST_SEGMENT);
	for (int i = 0; i < 60; i++)
		ck_assert_int_eq(tact_audit_append(audit, &entry, 1, NOW_US, NULL, NULL), TACT_OK);
	tact_audit_close(&audit);
	free(text);
	return small;
}

/* The same far from the end as near it. */
START_TEST(test_damage_far_from_the_end)
{
	off_t small = fill_far(), begin = small / 3;
	size_t length;
	char *bytes = slurp(FIRST_SEGMENT, &length);

	for (off_t at = begin; at < 2 * begin; at++) {
		struct tact_audit *audit;
		char was = bytes[at], want[64];

		snprintf(
		    want, sizeof want, "is damaged at offset %d, where entry 1 should stand", (int)begin);
		bytes[at] = was == 0 ? 1 : 0;
		overwrite(FIRST_SEGMENT, at, bytes + at, 1);
		check_read(~UINT64_C(0) >> 1 & ~UINT64_C(2), want);
		audit = open_log();
		ck_assert(strstr(tact_audit_damaged(audit), want) != NULL);
		ck_assert_uint_eq(append_one(audit, "new"), 63);
		tact_audit_close(&audit);
		check_read(~UINT64_C(2), want);
		check_unchanged(bytes, length);
		ck_assert_int_eq(unlink(below("entries/000000000063")), 0);
		bytes[at] = was;
		overwrite(FIRST_SEGMENT, at, &was, 1);
	}
	free(bytes);
}
END_TEST

/* So much at the end is no tear, and what number comes next cannot be known: nothing is cut, somebody has to
 * look. */
START_TEST(test_no_end_to_be_read)
{
	struct tact_error err = {.text = ""};
	off_t small = fill_far(), size = size_of(FIRST_SEGMENT);
	char *zeros = tact_calloc(1, (size_t)(size - small));

	overwrite(FIRST_SEGMENT, small, zeros, (size_t)(size - small));
	check_read(7, "where entry 3 should stand");
	ck_assert_int_eq(open_result(&err), TACT_CORRUPT);
	ck_assert_msg(strstr(err.text, "too long for a torn write") != NULL, "got \"%s\"", err.text);
	ck_assert_int_eq(size_of(FIRST_SEGMENT), size);
	free(zeros);
}
END_TEST

START_TEST(test_entries_cut_by_another_hand)
{
	struct tact_audit *audit = open_log();
	char *bytes;
	size_t length;

	append_many(audit, 3);
	bytes = slurp(FIRST_SEGMENT, &length);
	ck_assert_int_eq(truncate(below(FIRST_SEGMENT), (off_t)length / 3), 0);
	check_append_fails(audit, "entries 1 to 2 were safe on disk and are gone");
	check_append_fails(audit, "are gone");
	ck_assert_int_eq(unlink(below(FIRST_SEGMENT)), 0);
	check_append_fails(audit, "are gone");
	spill(FIRST_SEGMENT, bytes, length); /* restored: it goes on */
	ck_assert_uint_eq(append_one(audit, "d"), 3);
	tact_audit_close(&audit);
	free(bytes);
}
END_TEST

/* ---- the disk says no ---------------------------------------------------------------------------------- */

static int fail_with, fail_after_bytes;

static ssize_t failing_write(int fd, const void *bytes, size_t length, off_t offset)
{
	if (fail_after_bytes > 0) {
		size_t part = length < (size_t)fail_after_bytes ? length : (size_t)fail_after_bytes;
		ssize_t n = pwrite(fd, bytes, part, offset);

		fail_after_bytes -= (int)n;
		return n;
	}
	errno = fail_with;
	return -1;
}

static ssize_t one_byte_write(int fd, const void *bytes, size_t length, off_t offset)
{
	return pwrite(fd, bytes, length > 0 ? 1 : 0, offset);
}

static int failing_sync(int fd)
{
	(void)fd;
	errno = fail_with;
	return -1;
}

static int failing_cut(int fd, off_t length)
{
	(void)fd, (void)length;
	errno = EIO;
	return -1;
}

static const struct {
	int error;
	const char *want;
} errors[] = {{ENOSPC, "no space left: free space below "}, {EDQUOT, "quota"}, {EFBIG, "LimitFSIZE"},
    {EROFS, "read-only"}, {EIO, "disk"}, {ENOMEM, "Cannot allocate memory"}};

START_TEST(test_write_fails)
{
	struct tact_audit *audit = open_log();
	struct audit_disk good = audit->disk;
	off_t size;

	append_many(audit, 2);
	size = size_of(FIRST_SEGMENT);
	audit->disk.write = failing_write;
	fail_with = errors[_i].error;
	fail_after_bytes = 20;
	check_append_fails(audit, errors[_i].want);
	check_append_fails(audit, folder);
	ck_assert_int_eq(size_of(FIRST_SEGMENT), size);
	audit->disk = good;
	ck_assert_uint_eq(append_one(audit, "d"), 2);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 3);
}
END_TEST

START_TEST(test_short_writes)
{
	struct tact_audit *audit = open_log();

	audit->disk.write = one_byte_write;
	append_many(audit, 3);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 3);
}
END_TEST

/* The tail could not even be cut back: the next append finds and mends it. */
START_TEST(test_write_and_cut_fail)
{
	struct tact_audit *audit = open_log();
	struct audit_disk good = audit->disk;

	append_many(audit, 2);
	audit->disk = (struct audit_disk){.write = failing_write, .sync = failing_sync, .cut = failing_cut};
	fail_with = EIO;
	fail_after_bytes = 20;
	check_append_fails(audit, "disk");
	check_append_fails(audit, "disk");
	audit->disk = good;
	ck_assert_uint_eq(append_one(audit, "d"), 2);
	ck_assert_int_eq(size_of("torn-2"), 20);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 3);
}
END_TEST

START_TEST(test_sync_fails)
{
	struct tact_audit *audit = open_log();
	struct audit_disk good = audit->disk;
	int before;

	append_many(audit, 2);
	before = audit->segment_fd;
	audit->disk.sync = failing_sync;
	fail_with = EIO;
	check_append_fails(audit, "disk");
	ck_assert(audit->doubtful);
	check_append_fails(audit, "disk");
	audit->disk = good;
	ck_assert_uint_eq(append_one(audit, "d"), 2);
	ck_assert(!audit->doubtful);
	ck_assert_int_ge(before, 0);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 3);
}
END_TEST

/* Written whole, but neither synced nor cut: nobody was told, and it may stand in the log; numbers stay
 * dense. */
START_TEST(test_sync_and_cut_fail)
{
	struct tact_audit *audit = open_log();
	struct audit_disk good = audit->disk;

	append_many(audit, 2);
	audit->disk.sync = failing_sync;
	audit->disk.cut = failing_cut;
	fail_with = EIO;
	check_append_fails(audit, "disk");
	audit->disk = good;
	ck_assert_uint_eq(append_one(audit, "d"), 3);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 4);
}
END_TEST

START_TEST(test_new_segment_cannot_be_made)
{
	struct tact_audit *audit = open_log();

	append_many(audit, 2);
	audit->segment_limit_bytes = 1;
	ck_assert_int_eq(mkdir(below("entries/000000000002"), 0750), 0);
	check_append_fails(audit, "cannot open the last segment");
	ck_assert_int_eq(rmdir(below("entries/000000000002")), 0);
	ck_assert_uint_eq(append_one(audit, "d"), 2);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), 3);
}
END_TEST

/* Nothing is asserted while the limit stands: Check itself writes a file, which grows with the length of our
 * path. */
START_TEST(test_file_size_limit)
{
	struct tact_audit *audit = open_log();
	struct tact_error err = {.text = ""};
	struct rlimit limit, was;
	size_t good = 0;
	int limited, got;

	getrlimit(RLIMIT_FSIZE, &was);
	limit = was;
	limit.rlim_cur = 2000;
	limited = setrlimit(RLIMIT_FSIZE, &limit);
	while (limited == 0 && append_result(audit, NULL) == TACT_OK)
		good++;
	got = append_result(audit, &err);
	setrlimit(RLIMIT_FSIZE, &was);
	ck_assert_int_eq(limited, 0);
	ck_assert_msg(good > 2 && good < 20, "got %zu entries in 2000 bytes", good);
	ck_assert_int_eq(got, TACT_UNAVAILABLE);
	ck_assert_msg(
	    strstr(err.text, "file size limit reached: raise LimitFSIZE") != NULL, "got \"%s\"", err.text);
	ck_assert_uint_eq(count_entries(), good);
	ck_assert_uint_eq(append_one(audit, "d"), good);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), good + 1);
}
END_TEST

START_TEST(test_folder_is_a_file)
{
	struct tact_error err = {.text = ""};
	struct tact_audit *audit = NULL;
	int fd;

	snprintf(path, sizeof path, "%s/file", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(tact_audit_open(path, HOST, &audit, NULL, &err), TACT_SYSTEM);
	ck_assert_msg(strstr(err.text, "not a folder") != NULL, "got \"%s\"", err.text);
}
END_TEST

/* A small disk of our own, where the machine lets us: false where not. */
static bool mount_small_disk(const char *options)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tact-test", folder, "tmpfs", 0, options) < 0) {
		fprintf(stderr, "not tried: mounting needs root\n");
		return false;
	}
	return true;
}

static void unmount_small_disk(void)
{
	ck_assert_int_eq(umount(folder), 0);
}

START_TEST(test_disk_full)
{
	struct tact_audit *audit;
	size_t good = 0;
	int fd;

	if (!mount_small_disk("size=128k,mode=0750"))
		return;
	audit = open_log();
	snprintf(path, sizeof path, "%s/ballast", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(posix_fallocate(fd, 0, 64 * 1024), 0);
	close(fd);
	while (append_result(audit, NULL) == TACT_OK)
		good++;
	check_append_fails(audit, "no space left: free space below ");
	snprintf(path, sizeof path, "%s/ballast", folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_uint_eq(append_one(audit, "d"), good);
	tact_audit_close(&audit);
	ck_assert_uint_eq(count_entries(), good + 1);
	unmount_small_disk();
}
END_TEST

START_TEST(test_disk_goes_read_only)
{
	struct tact_error err = {.text = ""};
	struct tact_audit *audit = NULL;

	if (!mount_small_disk("size=1m,mode=0750"))
		return;
	audit = open_log();
	append_many(audit, 2);
	tact_audit_close(&audit);
	ck_assert_int_eq(mount("none", folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	ck_assert_int_eq(tact_audit_open(folder, HOST, &audit, NULL, &err), TACT_SYSTEM);
	ck_assert_msg(strstr(err.text, "read-only") != NULL, "got \"%s\"", err.text);
	ck_assert_uint_eq(count_entries(), 2);
	ck_assert_int_eq(mount("none", folder, NULL, MS_REMOUNT, NULL), 0);
	audit = open_log();
	ck_assert_uint_eq(append_one(audit, "d"), 2);
	tact_audit_close(&audit);
	unmount_small_disk();
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, test_numbers_go_on_after_reopening);
	tcase_add_test(tests, test_a_lock_that_is_never_let_go);
	tcase_add_test(tests, test_a_busy_log_is_had_in_turn);
	tcase_add_test(tests, test_modes);
	tcase_add_test(tests, test_root_leaves_files_to_the_folders_owner);
	ADD_ROWS(tests, test_host_names, bad_hosts);
	tcase_add_test(tests, test_append_of_nothing);
	tcase_add_test(tests, test_scan_stops_when_told);
	tcase_add_test(tests, test_scan_of_all_hosts);
	tcase_add_test(tests, test_segments_roll_over);
	tcase_add_test(tests, test_front_segments_may_go);
	tcase_add_test(tests, test_torn_at_every_byte);
	tcase_add_test(tests, test_zeros_at_every_byte);
	tcase_add_test(tests, test_damage_at_every_byte);
	tcase_add_test(tests, test_damaged_length);
	tcase_add_test(tests, test_damage_like_an_entry);
	tcase_add_test(tests, test_entry_that_does_not_parse);
	tcase_add_test(tests, test_place_that_was_being_written);
	tcase_add_test(tests, test_wrong_number_is_damage);
	tcase_add_test(tests, test_wrong_number_among_others);
	tcase_add_test(tests, test_tear_behind_damage);
	tcase_add_test(tests, test_damage_while_others_write);
	tcase_add_test(tests, test_torn_files_are_kept_apart);
	tcase_add_test(tests, test_torn_new_segment);
	tcase_add_test(tests, test_tear_by_another_process);
	tcase_add_test(tests, test_damage_in_an_earlier_segment);
	tcase_add_test(tests, test_damage_far_from_the_end);
	tcase_add_test(tests, test_no_end_to_be_read);
	tcase_add_test(tests, test_entries_cut_by_another_hand);
	ADD_ROWS(tests, test_write_fails, errors);
	tcase_add_test(tests, test_short_writes);
	tcase_add_test(tests, test_write_and_cut_fail);
	tcase_add_test(tests, test_sync_fails);
	tcase_add_test(tests, test_sync_and_cut_fail);
	tcase_add_test(tests, test_new_segment_cannot_be_made);
	tcase_add_test(tests, test_file_size_limit);
	tcase_add_test(tests, test_folder_is_a_file);
	tcase_add_test(tests, test_disk_full);
	tcase_add_test(tests, test_disk_goes_read_only);
}

/* In one process: Check 0.15 misreads its own messages after very many assertions in a forked test. */
int main(void)
{
	if (setenv("CK_FORK", "no", 0) != 0)
		return EXIT_FAILURE;
	return run_suite("audit log", add);
}
