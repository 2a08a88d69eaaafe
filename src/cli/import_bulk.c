/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact import --bulk: files of millions of rows, in a bounded memory. Everything is read, checked and sorted
 * by key on the disk first; then people of whom nothing is known are loaded, and all others changed as an
 * import changes them, which undoes nothing. A mark tells how far it came: run again, it goes on. This is its
 * course; how rows come into the store stands in import_chunks.c.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import_chunks.h"

#define MARK_MS 1000
#define NICE 10
#define THREADS_MOST 8
#define GATHER_BYTES ((size_t)32 << 20) /* of rows being sorted, by all threads together */
#define PROGRESS_ROWS 65536
#define CACHE_LINE 64

/* ---- files and their digest ---- */

static int check_file(const char *name, FILE *file)
{
	struct stat status;

	if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode))
		return EX_OK;
	return cli_fail(EX_USAGE, "%s: --bulk reads a file more than once: name a plain one", name);
}

static const char *or_none(const char *text)
{
	return text != NULL ? text : "-";
}

/* What rows came to be depends on the options as well. */
static const char *options_of(const struct bulk *bulk)
{
	const struct cli_import *import = bulk->import;

	return tact_arena_printf(bulk->cli->arena, "%d %d %d %s %s %d", import->kind, import->reason,
	    import->basis, or_none(import->scope), or_none(cli_value(bulk->cli, "source")), import->plain);
}

/* Of all together, once each file has its own. */
static void take_digests(struct bulk *bulk)
{
	struct cli *cli = bulk->cli;
	size_t n = cli->operands_count;
	uint8_t all[TACT_SHA256_BYTES];
	const char *options = options_of(bulk);

	tact_digest_sha256(options, strlen(options), bulk->digests + n * TACT_SHA256_BYTES);
	tact_digest_sha256(bulk->digests, (n + 1) * TACT_SHA256_BYTES, all);
	bulk->digest = tact_hex_encode(cli->arena, all, sizeof all);
	for (size_t i = 0; i < n; i++)
		bulk->sources = tact_arena_printf(cli->arena, "%s%s%s (sha256 %s)",
		    i > 0 ? bulk->sources : "", i > 0 ? ", " : "", cli_safe(cli->arena, cli->operands[i]),
		    tact_hex_encode(cli->arena, bulk->digests + i * TACT_SHA256_BYTES, TACT_SHA256_BYTES));
}

/* Of files whose rows are not to be read any more. */
static int digest_all(struct bulk *bulk)
{
	struct cli *cli = bulk->cli;

	for (size_t i = 0; i < cli->operands_count; i++)
		if (tact_digest_sha256_file(fileno(bulk->files[i]), bulk->digests + i * TACT_SHA256_BYTES) !=
		    TACT_OK)
			return cli_fail(EX_IOERR, "%s: %s", cli->operands[i], strerror(errno));
	take_digests(bulk);
	return EX_OK;
}

/* ---- where it is kept ---- */

static int make_folder(struct bulk *bulk)
{
	struct cli *cli = bulk->cli;
	const char *audit = cli->config->audit, *given = cli_value(cli, "work");
	size_t length = strlen(audit);

	/* Its folder, whether or not a slash stands behind it: nobody else writes between the evidence. */
	while (length > 1 && audit[length - 1] == '/')
		length--;
	while (length > 0 && audit[length - 1] != '/')
		length--;
	bulk->folder =
	    given != NULL ? given : tact_arena_printf(cli->arena, "%.*simport", (int)length, audit);
	if (mkdir(bulk->folder, 0700) == 0 || errno == EEXIST)
		return EX_OK;
	return cli_fail(EX_CANTCREAT, "%s: %s; name a folder with --work", bulk->folder, strerror(errno));
}

/* A lock that another run took away when it was done is no lock. */
static bool is_there(int fd, const char *path)
{
	struct stat held, now;

	return fstat(fd, &held) == 0 && stat(path, &now) == 0 && held.st_ino == now.st_ino &&
	       held.st_dev == now.st_dev;
}

/* Two runs of one import would write the same rows file at once. Whoever dies lets go of it. */
static int lock_work(struct bulk *bulk)
{
	struct cli *cli = bulk->cli;

	bulk->lock_path = tact_arena_printf(cli->arena, "%s.lock", bulk->rows_path);
	for (;;) {
		int fd = open(bulk->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return cli_fail(EX_CANTCREAT, "%s: %s", bulk->lock_path, strerror(errno));
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			close(fd);
			return cli_fail(EX_TEMPFAIL,
			    "%s: another process is importing it just now; run it again once that has ended",
			    cli->operands[0]);
		}
		if (is_there(fd, bulk->lock_path)) {
			bulk->lock_fd = fd;
			return EX_OK;
		}
		close(fd);
	}
}

static void unlock_work(const struct bulk *bulk)
{
	if (bulk->lock_fd < 0)
		return;
	unlink(bulk->lock_path);
	close(bulk->lock_fd);
}

static int find_names(const struct bulk *bulk, const char **ret)
{
	struct cli *cli = bulk->cli;
	const char *names = "";
	int code = EX_OK;

	for (size_t i = 0; i < cli->operands_count && code == EX_OK; i++) {
		char *path = realpath(cli->operands[i], NULL);

		names =
		    tact_arena_printf(cli->arena, "%s%s\n", names, path != NULL ? path : cli->operands[i]);
		free(path);
		code = check_file(cli->operands[i], bulk->files[i]);
	}
	*ret = names;
	return code;
}

/* The names say which import it is, so that a changed file is known for what it is. */
static int find_paths(struct bulk *bulk)
{
	struct tact_arena *arena = bulk->cli->arena;
	const char *names;
	uint8_t digest[TACT_SHA256_BYTES];
	int code = find_names(bulk, &names);

	if (code == EX_OK)
		code = make_folder(bulk);
	if (code != EX_OK)
		return code;
	tact_digest_sha256(names, strlen(names), digest);
	bulk->mark_path =
	    tact_arena_printf(arena, "%s/%s.mark", bulk->folder, tact_hex_encode(arena, digest, 8));
	bulk->rows_path =
	    tact_arena_printf(arena, "%s/%s.rows", bulk->folder, tact_hex_encode(arena, digest, 8));
	bulk->digests = tact_arena_alloc(arena, (bulk->cli->operands_count + 1) * TACT_SHA256_BYTES);
	return EX_OK;
}

static void forget_work(const struct bulk *bulk)
{
	unlink(bulk->mark_path);
	unlink(bulk->rows_path);
}

static int find_mark(struct bulk *bulk)
{
	struct cli *cli = bulk->cli;
	struct tact_error err;
	int result, code;

	if (cli_has(cli, "anew"))
		forget_work(bulk);
	result = cli_mark_read(cli->arena, bulk->mark_path, &bulk->mark, &err);
	if (result == TACT_ABSENT)
		return EX_OK;
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	code = digest_all(bulk);
	if (code != EX_OK)
		return code;
	if (!tact_text_equal(bulk->mark.digest, bulk->digest))
		return cli_fail(EX_DATAERR,
		    "%s: the file, or an option, is not what it was when its import began at %s, of which "
		    "%llu "
		    "of %llu rows are in the store: put it back to go on, or begin again with --anew",
		    cli->operands[0], cli_when(cli->arena, bulk->mark.begun_us, "an unknown time"),
		    (unsigned long long)bulk->mark.done, (unsigned long long)bulk->mark.rows);
	bulk->went_on = true;
	return EX_OK;
}

/* ---- reading and sorting ---- */

/* What one thread does with the rows that it read; no two stand in one line of a processor's cache. */
struct taker {
	alignas(CACHE_LINE) struct bulk *bulk;
	struct cli_sorter *sorter;
	struct cli_bytes packed;
	uint64_t rows, expired;
};

static void show_read(struct bulk *bulk)
{
	uint64_t read = atomic_fetch_add(&bulk->read, PROGRESS_ROWS) + PROGRESS_ROWS;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rread %llu", (unsigned long long)read);
}

static void take_row(void *context, const struct cli_import_row *row)
{
	struct taker *taker = context;

	if (cli_import_expired(taker->bulk->import, row)) {
		taker->expired++;
		return;
	}
	cli_spool_pack(row, &taker->packed);
	cli_sorter_add(taker->sorter, &row->key, row->order, taker->packed.data, taker->packed.size);
	if (++taker->rows % PROGRESS_ROWS == 0)
		show_read(taker->bulk);
}

static void *end_sorter(void *taker)
{
	cli_sorter_end(&((struct taker *)taker)->sorter);
	return NULL;
}

/* Each has megabytes left to be sorted. */
static void end_sorters(struct taker *takers, size_t count)
{
	pthread_t threads[THREADS_MOST];
	bool started[THREADS_MOST] = {false};

	for (size_t i = 1; i < count; i++)
		started[i] = pthread_create(&threads[i], NULL, end_sorter, &takers[i]) == 0;
	for (size_t i = 0; i < count; i++)
		if (!started[i])
			end_sorter(&takers[i]);
	for (size_t i = 1; i < count; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
}

static size_t threads_here(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors < 1 ? 1 : processors > THREADS_MOST ? THREADS_MOST : (size_t)processors;
}

static int read_rows(struct bulk *bulk)
{
	struct cli_import *import = bulk->import;
	struct taker takers[THREADS_MOST] = {{0}};
	void *contexts[THREADS_MOST];
	int code;

	import->threads = threads_here();
	import->take = take_row;
	import->takers = contexts;
	import->digests = bulk->digests;
	for (size_t i = 0; i < import->threads; i++) {
		takers[i].bulk = bulk;
		takers[i].sorter = cli_sorter_new(bulk->runs, GATHER_BYTES / import->threads);
		contexts[i] = &takers[i];
	}
	code = cli_import_read_files(bulk->cli, import, bulk->files);
	end_sorters(takers, import->threads);
	for (size_t i = 0; i < import->threads; i++) {
		bulk->mark.rows += takers[i].rows;
		bulk->mark.expired += takers[i].expired;
		free(takers[i].packed.data);
	}
	return code;
}

static int read_and_sort(struct bulk *bulk)
{
	struct tact_error err;
	int code, result = cli_runs_new(bulk->rows_path, &bulk->runs, &err);

	if (result != TACT_OK)
		return cli_fail(EX_OSERR, "%s", err.text);
	bulk->mark = (struct cli_mark){.begun_us = bulk->cli->now_us};
	code = read_rows(bulk);
	take_digests(bulk);
	bulk->mark.digest = bulk->digest;
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	result = code == EX_OK ? cli_runs_end(&bulk->runs, &err) : TACT_OK;
	cli_runs_free(&bulk->runs);
	bulk->mark.known = bulk->import->blank;
	return result == TACT_OK ? code : cli_fail(EX_IOERR, "%s", err.text);
}

/* As far as an earlier run had come. */
static int skip_rows(struct bulk *bulk, struct tact_error *err)
{
	int result = TACT_OK;

	for (uint64_t i = 0; i < bulk->mark.done && result == TACT_OK; i++) {
		struct tact_id key;
		const void *bytes;
		size_t size;

		result = cli_merge_next(bulk->merge, &key, &bytes, &size, err);
	}
	/* Fewer than the mark says: told once all are counted. */
	return result == TACT_ABSENT ? TACT_OK : result;
}

static int open_rows(struct bulk *bulk, struct tact_error *err)
{
	uint64_t records;
	int result = cli_merge_open(bulk->rows_path, &bulk->merge, &records, err);

	if (result == TACT_OK && records != bulk->mark.rows)
		result = tact_error_set(err, TACT_CORRUPT,
		    "%s holds other rows than were written; begin again with --anew", bulk->rows_path);
	return result == TACT_OK ? skip_rows(bulk, err) : result;
}

/* ---- all of them ---- */

int cli_bulk_mark(struct bulk *bulk, bool now, struct tact_error *err)
{
	int64_t now_ms = tact_clock_monotonic_ms();

	if (!now && now_ms < bulk->marked_ms + MARK_MS)
		return TACT_OK;
	bulk->marked_ms = now_ms;
	tact_arena_reset(bulk->arena);
	return cli_mark_write(bulk->arena, bulk->mark_path, &bulk->mark, err);
}

static const char *const kind_names[] = {[CLI_SUPPRESSIONS] = "suppressions",
    [CLI_PROFILES] = "profiles",
    [CLI_CONSENTS] = "consents",
    [CLI_CONTACTS] = "contacts"};

/* One entry stands for all whom nobody knew before; others have theirs. */
static int record(struct bulk *bulk, const char *what, struct tact_error *err)
{
	struct cli *cli = bulk->cli;

	return tact_decide_record(cli->decider, TACT_AUDIT_CHANGE,
	    tact_arena_printf(bulk->arena, "import of %llu rows of %s by %s from %s: %s",
		(unsigned long long)bulk->mark.rows, kind_names[bulk->import->kind], cli->by, bulk->sources,
		what),
	    tact_clock_now_us(), err);
}

/* The command's own arena is the makers' meanwhile. */
static int load_all(struct bulk *bulk, struct tact_error *err)
{
	struct tact_arena *arena = bulk->arena;
	int result = cli_bulk_mark(bulk, true, err);

	if (result == TACT_OK)
		result = record(bulk,
		    bulk->went_on ? tact_arena_printf(
					arena, "gone on behind row %llu", (unsigned long long)bulk->mark.done)
				  : "begun",
		    err);
	if (result == TACT_OK)
		result = cli_chunks_run(bulk, err);
	if (result == TACT_OK)
		result = record(bulk,
		    tact_arena_printf(arena, "done, %llu new, %llu known already",
			(unsigned long long)bulk->mark.fresh, (unsigned long long)bulk->mark.known),
		    err);
	if (result == TACT_OK)
		forget_work(bulk);
	else
		(void)cli_bulk_mark(bulk, true, NULL);
	return result;
}

/* ---- telling ---- */

static void tell(const struct bulk *bulk, bool dry)
{
	const struct cli_import *import = bulk->import;
	const struct cli_mark *mark = &bulk->mark;

	printf("%llu rows: %llu new, %llu known already, %llu expired\n",
	    (unsigned long long)(mark->rows + mark->expired + import->blank), (unsigned long long)mark->fresh,
	    (unsigned long long)mark->known, (unsigned long long)mark->expired);
	for (size_t i = 0; i < import->ignored_count; i++)
		printf("%s%s", i == 0 ? "columns not read: " : ", ", import->ignored[i]);
	printf(import->ignored_count > 0 ? "\n" : "");
	printf(dry ? "nothing was written (--dry-run)\n" : "written\n");
}

static void tell_json(const struct bulk *bulk, bool dry)
{
	const struct cli_mark *mark = &bulk->mark;
	struct cli_json *object = cli_json_object(), *ignored;

	cli_json_put_integer(object, "rows", (int64_t)(mark->rows + mark->expired + bulk->import->blank));
	cli_json_put_integer(object, "new", (int64_t)mark->fresh);
	cli_json_put_integer(object, "known", (int64_t)mark->known);
	cli_json_put_integer(object, "expired", (int64_t)mark->expired);
	ignored = cli_json_put_list(object, "not_read");
	for (size_t i = 0; i < bulk->import->ignored_count; i++)
		cli_json_put_text(ignored, NULL, bulk->import->ignored[i]);
	cli_json_put_bool(object, "went_on", bulk->went_on);
	cli_json_put_bool(object, "applied", !dry);
	cli_json_print(object);
}

/* ---- the verb ---- */

static int run_rows(struct bulk *bulk)
{
	struct tact_error err = {""};
	int result = open_rows(bulk, &err);

	if (result != TACT_OK) {
		if (bulk->dry)
			unlink(bulk->rows_path);
		return cli_fail(cli_exit_code(result), "%s", err.text);
	}
	cli_chunks_begin(bulk);
	result = bulk->dry ? cli_chunks_run(bulk, &err) : load_all(bulk, &err);
	cli_chunks_end(bulk);
	cli_merge_close(&bulk->merge);
	if (bulk->dry)
		unlink(bulk->rows_path);
	if (result == TACT_OK)
		return EX_OK;
	return cli_fail(cli_exit_code(result), "%s: %s; %llu of %llu rows are done: import again to go on",
	    tact_result_name(result), err.text, (unsigned long long)bulk->mark.done,
	    (unsigned long long)bulk->mark.rows);
}

static int run_locked(struct bulk *bulk)
{
	int code = lock_work(bulk);

	if (code == EX_OK && !bulk->dry)
		code = find_mark(bulk);
	if (code == EX_OK && !bulk->went_on)
		code = read_and_sort(bulk);
	if (code == EX_OK)
		code = run_rows(bulk);
	unlock_work(bulk);
	return code;
}

int cli_import_bulk(struct cli *cli, struct cli_import *import, FILE *const *files)
{
	struct bulk bulk = {
	    .cli = cli, .import = import, .files = files, .dry = cli_has(cli, "dry-run"), .lock_fd = -1};
	int code = find_paths(&bulk);

	(void)setpriority(PRIO_PROCESS, 0, NICE); /* mail goes first */
	umask(077);				  /* rows name people, wherever they are kept */
	if (code == EX_OK && bulk.dry)
		bulk.rows_path = tact_arena_printf(cli->arena, "%s.dry", bulk.rows_path);
	if (code == EX_OK)
		code = run_locked(&bulk);
	if (code == EX_OK && cli->json)
		tell_json(&bulk, bulk.dry);
	else if (code == EX_OK)
		tell(&bulk, bulk.dry);
	return code;
}
