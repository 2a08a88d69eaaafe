/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Many at once: threads, processes, readers beside writers, and processes killed in the middle.
 */
#include <config.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "test_audit_help.h"

#define THREADS 32
#define APPENDS 200

static struct tact_audit *shared;
static atomic_uchar seen[THREADS * APPENDS * 2];

/* Two entries an append: their numbers must follow each other. */
static void *append_in_thread(void *context)
{
	struct tact_audit_entry entries[2] = {{.kind = TACT_AUDIT_DECISION, .decision = "first"},
	    {.kind = TACT_AUDIT_DECISION, .decision = "second"}};

	(void)context;
	for (int i = 0; i < APPENDS; i++) {
		uint64_t seq;

		if (tact_audit_append(shared, entries, 2, NOW_US, &seq, NULL) != TACT_OK)
			return (void *)"append failed";
		if (seq + 1 >= sizeof seen || atomic_fetch_add(&seen[seq], 1) != 0 ||
		    atomic_fetch_add(&seen[seq + 1], 2) != 0)
			return (void *)"a number was given out twice";
	}
	return NULL;
}

static void run_threads(pthread_t *threads, int count)
{
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, append_in_thread, NULL), 0);
}

static void join_threads(pthread_t *threads, int count)
{
	for (int i = 0; i < count; i++) {
		void *problem;

		pthread_join(threads[i], &problem);
		ck_assert_msg(problem == NULL, "got \"%s\"", (const char *)problem);
	}
}

START_TEST(test_threads)
{
	pthread_t threads[THREADS];
	struct texts all;
	uint64_t appends = THREADS * APPENDS;

	shared = open_log();
	run_threads(threads, THREADS);
	join_threads(threads, THREADS);
	ck_assert_msg(shared->syncs * 4 < appends, "got %ju syncs for %ju appends, want far fewer",
	    (uintmax_t)shared->syncs, (uintmax_t)appends);
	tact_audit_close(&shared);
	all = collect();
	ck_assert_uint_eq(all.count, 2 * appends);
	for (size_t i = 0; i < all.count;
	     i++) /* the entry that stands there is the one the number was given to */
		ck_assert_msg(
		    (strstr(all.json[i], "\"second\"") != NULL) == (seen[i] == 2), "got %s", all.json[i]);
	texts_clear(&all);
}
END_TEST

/* ---- appends that nobody waits in ---- */

#define LATER 5000

struct announced {
	struct tact_audit_entry entry;
	char decision[24];
	int result;
	atomic_int made, done;
};

static atomic_int done_in_all;

static size_t make_one(void *context, const struct tact_audit_entry **ret_entries)
{
	struct announced *one = context;

	one->entry = (struct tact_audit_entry){.kind = TACT_AUDIT_DECISION, .decision = one->decision};
	one->made++;
	*ret_entries = &one->entry;
	return 1;
}

static void end_one(void *context, int result)
{
	struct announced *one = context;

	one->result = result;
	one->done++;
	done_in_all++;
}

static void announce(struct announced *list, int count)
{
	for (int i = 0; i < count; i++) {
		snprintf(list[i].decision, sizeof list[i].decision, "later-%d", i);
		tact_audit_append_later(
		    shared, &(struct tact_audit_later){
				.make = make_one, .done = end_one, .context = &list[i], .now_us = NOW_US});
	}
}

/* Beside others who wait; all that were announced stand there in their order, once each. */
START_TEST(test_later)
{
	struct announced *list = calloc(LATER, sizeof *list);
	pthread_t threads[4];
	struct texts all;
	int next = 0;

	ck_assert_ptr_nonnull(list);
	done_in_all = 0;
	shared = open_log();
	run_threads(threads, 4);
	announce(list, LATER);
	join_threads(threads, 4);
	while (done_in_all < LATER)
		sched_yield();
	tact_audit_close(&shared);
	for (int i = 0; i < LATER; i++)
		ck_assert_msg(list[i].made == 1 && list[i].done == 1 && list[i].result == TACT_OK,
		    "got made %d, done %d, result %d, want 1 1 0", list[i].made, list[i].done,
		    list[i].result);
	all = collect();
	ck_assert_uint_eq(all.count, 2 * 4 * APPENDS + LATER);
	for (size_t i = 0; i < all.count; i++) {
		char want[40];

		snprintf(want, sizeof want, "\"later-%d\"", next);
		if (strstr(all.json[i], "\"later-") == NULL)
			continue;
		ck_assert_msg(strstr(all.json[i], want) != NULL, "got %s, want %s", all.json[i], want);
		next++;
	}
	ck_assert_int_eq(next, LATER);
	texts_clear(&all);
	free(list);
}
END_TEST

static int fail_sync(int fd)
{
	(void)fd;
	errno = EIO;
	return -1;
}

START_TEST(test_later_fails)
{
	struct announced one = {.result = 1};
	struct tact_error err = {""};

	done_in_all = 0;
	shared = open_log();
	shared->disk.sync = fail_sync;
	tact_audit_append_later(
	    shared, &(struct tact_audit_later){
			.make = make_one, .done = end_one, .context = &one, .now_us = NOW_US, .err = &err});
	while (done_in_all < 1)
		sched_yield();
	ck_assert_int_eq(one.result, TACT_UNAVAILABLE);
	ck_assert_msg(strstr(err.text, "disk") != NULL, "got \"%s\", want words about the disk", err.text);
	shared->disk.sync = fdatasync;
	ck_assert_uint_eq(append_one(shared, "after"), 0);
	tact_audit_close(&shared);
}
END_TEST

static bool still_dense(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	uint64_t *next = context;

	(void)host;
	ck_assert_uint_eq(seq, (*next)++);
	ck_assert(audit_frame_parses(json, length));
	return true;
}

START_TEST(test_reader_beside_writers)
{
	pthread_t threads[4];
	uint64_t next = 0, last = 0;

	shared = open_log();
	shared->segment_limit_bytes = 20000;
	run_threads(threads, 4);
	while (next < 4 * APPENDS * 2) {
		next = 0;
		ck_assert_int_eq(tact_audit_scan(folder, HOST, still_dense, &next, NULL), TACT_OK);
		ck_assert_uint_ge(next, last);
		last = next;
	}
	join_threads(threads, 4);
	tact_audit_close(&shared);
}
END_TEST

/* ---- processes ----------------------------------------------------------------------------------------- */

struct acknowledged {
	uint64_t seq;
	char decision[24];
};

/* Appends until COUNT or killed, telling of each acknowledged entry. */
static void append_and_tell(int to, int process, int count, uint64_t segment_limit_bytes)
{
	struct tact_audit *audit = NULL;
	struct acknowledged done = {0};

	if (tact_audit_open(folder, HOST, &audit, NULL, NULL) != TACT_OK)
		_exit(2);
	audit->segment_limit_bytes = segment_limit_bytes;
	for (int i = 0; i < count; i++) {
		struct tact_audit_entry entry = {.kind = TACT_AUDIT_DECISION, .decision = done.decision};

		snprintf(done.decision, sizeof done.decision, "%d.%d", process, i);
		if (tact_audit_append(audit, &entry, 1, NOW_US, &done.seq, NULL) != TACT_OK)
			_exit(3);
		if (write(to, &done, sizeof done) != sizeof done)
			_exit(4);
	}
	tact_audit_close(&audit);
	_exit(0);
}

static pid_t start(int *from, int process, int count, uint64_t segment_limit_bytes)
{
	int ends[2];
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(ends[0]);
		append_and_tell(ends[1], process, count, segment_limit_bytes);
	}
	close(ends[1]);
	*from = ends[0];
	return child;
}

static int wait_for(pid_t child)
{
	int status = 0;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

struct acknowledgements {
	struct acknowledged *list;
	size_t count;
};

static bool read_one(int from, struct acknowledgements *all)
{
	struct acknowledged one;

	if (read(from, &one, sizeof one) != sizeof one)
		return false;
	all->list = tact_realloc(all->list, (all->count + 1) * sizeof one);
	all->list[all->count++] = one;
	return true;
}

static void check_all_there(struct acknowledgements *told)
{
	struct texts all = collect();

	for (size_t i = 0; i < told->count; i++) {
		json_t *entry;

		ck_assert_uint_lt(told->list[i].seq, all.count);
		entry = parse(all.json[told->list[i].seq]);
		ck_assert_str_eq(text_of(entry, "decision"), told->list[i].decision);
		json_decref(entry);
	}
	texts_clear(&all);
	free(told->list);
}

static const uint64_t limits[] = {AUDIT_SEGMENT_BYTES, 3000, 1};

START_TEST(test_processes)
{
	struct acknowledgements told = {0};
	pid_t children[3];
	int from[3];

	for (int i = 0; i < 3; i++)
		children[i] = start(&from[i], i, 150, limits[_i]);
	for (int i = 0; i < 3; i++) {
		while (read_one(from[i], &told))
			;
		close(from[i]);
		ck_assert_int_eq(wait_for(children[i]), 0);
	}
	ck_assert_uint_eq(told.count, 450);
	ck_assert_uint_eq(count_entries(), 450);
	check_all_there(&told);
}
END_TEST

/* One process goes on while others come and are killed at any moment: what was acknowledged is there. */
START_TEST(test_kills)
{
	struct acknowledgements told = {0};
	struct tact_audit *audit;
	int from;

	for (int round = 0; round < 40; round++) {
		pid_t child = start(&from, round, 1000000, limits[_i]);

		for (int i = 0; i < 1 + round % 7; i++)
			ck_assert_msg(
			    read_one(from, &told), "round %d: got end of file, want acknowledgement", round);
		kill(child, SIGKILL);
		wait_for(child);
		while (read_one(from, &told))
			;
		close(from);
	}
	audit = open_log();
	append_one(audit, "after");
	tact_audit_close(&audit);
	check_all_there(&told);
}
END_TEST

#ifdef TACT_EDGES
static const char *const edges[] = {"audit-before-append:5", "audit-written:5", "audit-durable:5"};

START_TEST(test_kill_at_edges)
{
	struct acknowledgements told = {0};
	struct tact_audit *survivor = open_log();
	pid_t child;
	int from;

	setenv("TACT_KILL_AT", edges[_i], 1);
	child = start(&from, 0, 10, AUDIT_SEGMENT_BYTES);
	while (read_one(from, &told))
		;
	close(from);
	ck_assert_int_eq(wait_for(child), SIGKILL);
	ck_assert_uint_eq(told.count, 4);
	/* The lock died with its holder; the fifth entry may stand there from the moment it was written. */
	ck_assert_uint_eq(append_one(survivor, "after"), _i == 0 ? 4 : 5);
	tact_audit_close(&survivor);
	check_all_there(&told);
}
END_TEST
#endif

static void add(TCase *tests)
{
	tcase_add_test(tests, test_threads);
	tcase_add_test(tests, test_later);
	tcase_add_test(tests, test_later_fails);
	tcase_add_test(tests, test_reader_beside_writers);
	ADD_ROWS(tests, test_processes, limits);
	ADD_ROWS(tests, test_kills, limits);
#ifdef TACT_EDGES
	ADD_ROWS(tests, test_kill_at_edges, edges);
#endif
}

int main(void)
{
	return run_suite("audit many", add);
}
