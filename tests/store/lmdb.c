/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What only the LMDB engine can do or suffer: shared flushes, other processes, kills, and a disk that is
 * full, read-only, slow or broken. The system calls that LMDB makes go through this file, so that a disk can
 * fail at a chosen one.
 */
#include <config.h>

#include "kit.h"
#include "src/store/engine.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define D(n) kit_key(TACT_STORE_DOSSIER, (n))

static char *folder;

static void setup(void)
{
	folder = kit_folder();
}

static void teardown(void)
{
	kit_remove(&folder);
}

static void expect_words(struct tact_store *store, const char *want)
{
	struct tact_error err;
	tact_store_last_error(store, &err);
	ck_assert_msg(
	    strstr(err.text, want) != NULL, "last error: got \"%s\", want \"…%s…\"", err.text, want);
}

static void expect_open(const char *url, int want, const char *words)
{
	struct tact_store *store = NULL;
	struct tact_error err = {""};
	int got = tact_store_open(url, &store, &err);
	ck_assert_msg(got == want, "open %s: got %s (%s), want %s", url, tact_result_name(got), err.text,
	    tact_result_name(want));
	ck_assert_ptr_null(store);
	ck_assert_msg(
	    strstr(err.text, words) != NULL, "open %s: got \"%s\", want \"…%s…\"", url, err.text, words);
}

/* ---- the disk as this test wants it ------------------------------------------------------------------ */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool hold_sync, in_sync;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
static atomic_int sync_errno, root_errno, write_errno;
static atomic_bool write_short;

int fdatasync(int fd)
{
	int code = atomic_load(&sync_errno);
	pthread_mutex_lock(&disk.lock);
	disk.in_sync = true;
	pthread_cond_broadcast(&disk.moved);
	while (disk.hold_sync)
		pthread_cond_wait(&disk.moved, &disk.lock);
	disk.in_sync = false;
	pthread_mutex_unlock(&disk.lock);
	if (code != 0) {
		errno = code;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* The only writes to the first two pages are those of the root. */
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	int code = at < 8192 ? atomic_load(&root_errno) : atomic_load(&write_errno);
	if (code != 0) {
		errno = code;
		return -1;
	}
	if (at >= 8192 && atomic_load(&write_short))
		size /= 2;
	return (ssize_t)syscall(SYS_pwrite64, fd, bytes, size, at);
}

/* What is found once, and moved away as soon as it was seen, by who then keeps the answer back for a while.
 */
static struct {
	_Atomic(const char *) from;
	const char *to;
} mover;

int stat(const char *path, struct stat *ret)
{
	int code = fstatat(AT_FDCWD, path, ret, 0);
	const char *from = atomic_exchange(&mover.from, NULL);
	int64_t until_ms = tact_clock_monotonic_ms() + 20;

	if (from == NULL)
		return code;
	if (rename(from, mover.to) != 0)
		abort();
	while (tact_clock_monotonic_ms() < until_ms)
		sched_yield();
	return code;
}

static void hold_sync(bool hold)
{
	pthread_mutex_lock(&disk.lock);
	disk.hold_sync = hold;
	pthread_cond_broadcast(&disk.moved);
	pthread_mutex_unlock(&disk.lock);
}

/* ---- what stays -------------------------------------------------------------------------------------- */

static bool see_one(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	(void)key, (void)record;
	++*(size_t *)context;
	return true;
}

START_TEST(all_is_there_after_reopening)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	struct tact_arena *arena = tact_arena_new();
	struct tact_error err;
	size_t count = 0;
	char *identity;

	kit_write(store, D(1), "stays", 500, NULL);
	ck_assert_int_eq(tact_store_set_identity(store, "", "who we are", &err), TACT_OK);
	tact_store_close(&store);
	store = kit_open(kit_lmdb_url(folder, ""));
	ck_assert_str_eq(kit_text(store, D(1)), "stays");
	ck_assert_int_eq(tact_store_identity(store, arena, &identity, &err), TACT_OK);
	ck_assert_str_eq(identity, "who we are");
	ck_assert_int_eq(tact_store_due(store, 0, 1000, 9, see_one, &count, &err), TACT_OK);
	ck_assert_uint_eq(count, 1);
	tact_arena_free(&arena);
	tact_store_close(&store);
}
END_TEST

START_TEST(folder_and_files_are_closed_to_others)
{
	struct tact_store *store;
	struct stat status;
	char path[600];

	umask(0);
	store = kit_open(kit_lmdb_url(folder, ""));
	snprintf(path, sizeof path, "%s/db", folder);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0700);
	snprintf(path, sizeof path, "%s/db/data.mdb", folder);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0600);
	ck_assert_msg(status.st_blocks * 512 < 1 << 20, "the map is not sparse: %lld blocks",
	    (long long)status.st_blocks);
	tact_store_close(&store);
}
END_TEST

/* ---- one flush for many ------------------------------------------------------------------------------ */

#define THREADS 32
#define UPDATES 50

struct counting {
	struct tact_store *store;
	uint64_t number;
	int failed;
};

static void *count_own(void *context)
{
	struct counting *counting = context;
	for (int i = 0; i < UPDATES; i++)
		counting->failed += kit_count(counting->store, D(counting->number)) != TACT_OK;
	return NULL;
}

START_TEST(concurrent_updates_share_flushes)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	struct counting countings[THREADS];
	pthread_t threads[THREADS];
	uint64_t before = tact_store_commits(store), commits;

	for (uint64_t i = 0; i < THREADS; i++) {
		countings[i] = (struct counting){store, i, 0};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count_own, &countings[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(countings[i].failed, 0);
		ck_assert_int_eq(kit_number(store, D(i)), UPDATES);
	}
	commits = tact_store_commits(store) - before;
	ck_assert_msg(commits * 4 <= THREADS * UPDATES,
	    "got %llu commits for %d updates, want a quarter at most", (unsigned long long)commits,
	    THREADS * UPDATES);
	tact_store_close(&store);
}
END_TEST

START_TEST(what_changes_nothing_flushes_nothing)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	struct tact_store_key key = D(1);
	struct tact_store_answer answer;
	uint64_t before = tact_store_commits(store);

	ck_assert_int_eq(tact_store_update(store, &key, 1, kit_change_nothing, NULL, &answer, 0), TACT_OK);
	ck_assert_uint_eq(tact_store_commits(store), before);
	tact_store_close(&store);
}
END_TEST

/* ---- other processes --------------------------------------------------------------------------------- */

static _Noreturn void count_in_child(uint64_t own)
{
	struct tact_store *store = NULL;
	struct tact_error err;
	int failed = tact_store_open(kit_lmdb_url(folder, ""), &store, &err) != TACT_OK;
	for (int i = 0; i < 200 && !failed; i++)
		failed = kit_count(store, D(0)) != TACT_OK || kit_count(store, D(own)) != TACT_OK;
	tact_store_close(&store);
	_exit(failed);
}

static void expect_exit_0(pid_t child)
{
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: got status %#x, want 0", status);
}

START_TEST(two_processes_lose_nothing)
{
	pid_t children[2];
	struct tact_store *store;

	for (uint64_t i = 0; i < 2; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] == 0)
			count_in_child(1 + i);
	}
	store = kit_open(kit_lmdb_url(folder, ""));
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(kit_count(store, D(0)), TACT_OK);
	expect_exit_0(children[0]);
	expect_exit_0(children[1]);
	ck_assert_int_eq(kit_number(store, D(0)), 600);
	ck_assert_int_eq(kit_number(store, D(1)), 200);
	ck_assert_int_eq(kit_number(store, D(2)), 200);
	tact_store_close(&store);
}
END_TEST

START_TEST(a_store_moved_away_is_not_written_to)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	char here[4096], away[4096];

	snprintf(here, sizeof here, "%s/db", folder);
	snprintf(away, sizeof away, "%s/away", folder);
	ck_assert_int_eq(kit_write(store, D(1), "before", 0, NULL), TACT_OK);
	ck_assert_int_eq(rename(here, away), 0);
	ck_assert_int_eq(kit_write(store, D(1), "meanwhile", 0, NULL), TACT_UNAVAILABLE);
	expect_words(store, "was moved away, deleted or replaced: put it back, or restart");
	ck_assert_str_eq(kit_text(store, D(1)), "unavailable");
	ck_assert_int_eq(rename(away, here), 0);
	ck_assert_str_eq(kit_text(store, D(1)), "before");
	ck_assert_int_eq(kit_write(store, D(1), "after", 0, NULL), TACT_OK);
	tact_store_close(&store);
}
END_TEST

/* A look that took long tells where the file was when it began. */
START_TEST(a_long_look_at_its_place_is_believed_from_its_beginning)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	char here[4096], away[4096];

	snprintf(here, sizeof here, "%s/db", folder);
	snprintf(away, sizeof away, "%s/away", folder);
	ck_assert_int_eq(kit_write(store, D(1), "before", 0, NULL), TACT_OK);
	mover.to = away;
	atomic_store(&mover.from, here);
	while (atomic_load(&mover.from) != NULL) { /* Check keeps a note of each assertion: not too many */
		ck_assert_str_eq(kit_text(store, D(1)), "before");
		usleep(1000);
	}
	ck_assert_str_eq(kit_text(store, D(1)), "unavailable");
	ck_assert_int_eq(rename(away, here), 0);
	ck_assert_str_eq(kit_text(store, D(1)), "before");
	tact_store_close(&store);
}
END_TEST

START_TEST(a_store_replaced_is_not_written_to)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	char here[4096], fresh[4096], copy[4096];
	FILE *file;

	snprintf(here, sizeof here, "%s/db/data.mdb", folder);
	snprintf(fresh, sizeof fresh, "%s/db/other", folder);
	snprintf(copy, sizeof copy, "%s/db/kept", folder);
	ck_assert_int_eq(link(here, copy), 0);
	file = fopen(fresh, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(rename(fresh, here), 0);
	ck_assert_int_eq(kit_write(store, D(1), "meanwhile", 0, NULL), TACT_UNAVAILABLE);
	ck_assert_int_eq(rename(copy, here), 0);
	ck_assert_int_eq(kit_write(store, D(1), "after", 0, NULL), TACT_OK);
	tact_store_close(&store);
}
END_TEST

START_TEST(one_process_opens_it_once)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	expect_open(kit_lmdb_url(folder, "/"), TACT_UNAVAILABLE, "already open");
	tact_store_close(&store);
	store = kit_open(kit_lmdb_url(folder, ""));
	tact_store_close(&store);
}
END_TEST

/* A program of somebody else that holds the write lock until it is told to go. */
struct holder {
	pid_t pid;
	int go;
};

static _Noreturn void hold_in_child(int ready, int go, bool die)
{
	char path[600], byte = 0;
	MDB_env *env;
	MDB_txn *txn;
	snprintf(path, sizeof path, "%s/db", folder);
	if (mdb_env_create(&env) != 0 || mdb_env_set_maxdbs(env, 16) != 0 ||
	    mdb_env_set_maxreaders(env, 4096) != 0 || mdb_env_open(env, path, 0, 0600) != 0 ||
	    mdb_txn_begin(env, NULL, 0, &txn) != 0)
		_exit(1);
	if (write(ready, "x", 1) != 1 || read(go, &byte, 1) < 0)
		_exit(1);
	if (die)
		kill(getpid(), SIGKILL);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	_exit(0);
}

static struct holder start_holder(bool die)
{
	struct holder holder;
	int ready[2], go[2];
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	holder.pid = fork();
	ck_assert_int_ge(holder.pid, 0);
	if (holder.pid == 0) {
		close(go[1]);
		hold_in_child(ready[1], go[0], die);
	}
	close(ready[1]);
	close(go[0]);
	ck_assert_msg(read(ready[0], &byte, 1) == 1, "the lock holder did not start");
	close(ready[0]);
	holder.go = go[1];
	return holder;
}

/* LMDB forbids an environment across fork, so the holder starts first and the store is opened beside it. */
static void make_store(void)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	kit_write(store, D(1), "before", 0, NULL);
	tact_store_close(&store);
}

START_TEST(a_locked_store_is_unavailable_in_time)
{
	struct holder holder;
	struct tact_store *store;
	struct tact_store_key key = D(1);
	struct tact_store_answer answer;
	int64_t began_ms;

	make_store();
	holder = start_holder(false);
	store = kit_open(kit_lmdb_url(folder, ""));
	ck_assert_str_eq(kit_text(store, D(1)), "before"); /* reads go on */
	began_ms = tact_clock_monotonic_ms();
	ck_assert_int_eq(tact_store_update(store, &key, 1, kit_change_nothing, NULL, &answer, began_ms + 200),
	    TACT_UNAVAILABLE);
	ck_assert_int_ge(tact_clock_monotonic_ms() - began_ms, 199);
	expect_words(store, "holds its lock");
	close(holder.go);
	expect_exit_0(holder.pid);
	ck_assert_int_eq(kit_write(store, D(1), "after", 0, NULL), TACT_OK);
	ck_assert_str_eq(kit_text(store, D(1)), "after");
	tact_store_close(&store);
}
END_TEST

START_TEST(a_killed_lock_holder_leaves_no_lock)
{
	struct holder holder;
	struct tact_store *store;
	int status;

	make_store();
	holder = start_holder(true);
	store = kit_open(kit_lmdb_url(folder, ""));
	close(holder.go);
	ck_assert_int_eq(waitpid(holder.pid, &status, 0), holder.pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(kit_write(store, D(1), "after", 0, NULL), TACT_OK);
	tact_store_close(&store);
}
END_TEST

/* ---- kills ------------------------------------------------------------------------------------------- */

#define KILL_ROUNDS 25
#define KILL_THREADS 4

struct ack {
	int thread;
	int number; /* made durable */
};

struct acking {
	struct tact_store *store;
	int thread, fd;
};

static void *write_and_ack(void *context)
{
	struct acking *acking = context;
	for (;;) {
		struct tact_store_key key = D((uint64_t)acking->thread);
		if (kit_count(acking->store, key) != TACT_OK)
			_exit(1);
		struct ack ack = {acking->thread, (int)kit_number(acking->store, key)};
		if (write(acking->fd, &ack, sizeof ack) != (ssize_t)sizeof ack)
			_exit(1);
	}
}

static _Noreturn void write_until_killed(int fd)
{
	struct acking ackings[KILL_THREADS];
	pthread_t thread;
	struct tact_store *store = NULL;
	struct tact_error err;

	if (tact_store_open(kit_lmdb_url(folder, ""), &store, &err) != TACT_OK)
		_exit(1);
	for (int i = 0; i < KILL_THREADS; i++) {
		ackings[i] = (struct acking){store, i, fd};
		pthread_create(&thread, NULL, write_and_ack, &ackings[i]);
	}
	for (;;)
		pause();
}

static void take_acks(int fd, int most, int *numbers)
{
	struct ack ack;
	while (most-- != 0 && read(fd, &ack, sizeof ack) == (ssize_t)sizeof ack)
		numbers[ack.thread] = ack.number;
}

static void kill_after(int acks, int *numbers)
{
	int fds[2], status;
	pid_t child;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(fds[0]);
		write_until_killed(fds[1]);
	}
	close(fds[1]);
	take_acks(fds[0], acks, numbers);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSIGNALED(status), "the writing child ended by itself: status %#x", status);
	take_acks(fds[0], -1, numbers); /* what it acknowledged before it died */
	close(fds[0]);
}

START_TEST(what_was_acknowledged_survives_kill_9)
{
	int numbers[KILL_THREADS] = {0};
	unsigned seed = 20260101;

	for (int round = 0; round < KILL_ROUNDS; round++) {
		struct tact_store_figures figures;
		struct tact_error err;
		struct tact_store *store;

		kill_after(rand_r(&seed) % 40, numbers);
		store = kit_open(kit_lmdb_url(folder, ""));
		for (int i = 0; i < KILL_THREADS; i++) {
			long got = kit_number(store, D((uint64_t)i));
			ck_assert_msg(got == numbers[i] || got == numbers[i] + 1,
			    "round %d, thread %d: got %ld, acknowledged %d", round, i, got, numbers[i]);
			numbers[i] = (int)got;
		}
		ck_assert_int_eq(tact_store_check(store, &figures, NULL, NULL, &err), TACT_OK);
		ck_assert_uint_eq(figures.corrupt, 0);
		tact_store_close(&store);
	}
}
END_TEST

/* ---- full, read-only, slow, broken ------------------------------------------------------------------- */

static char large_text[3001];

/* How many keys from 0 on take a large record before the store says no. */
static uint64_t fill(struct tact_store *store, uint64_t most)
{
	uint64_t n = 0;
	memset(large_text, 'x', sizeof large_text - 1);
	while (n < most && kit_write(store, D(n), large_text, 0, NULL) == TACT_OK)
		n++;
	return n;
}

START_TEST(a_full_map_says_so_and_can_be_emptied_or_raised)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, "?map_size=512K"));
	uint64_t n = fill(store, 10000);

	ck_assert_uint_lt(n, 10000);
	ck_assert_uint_gt(n, 20);
	expect_words(store, "map_size");
	ck_assert_str_eq(kit_text(store, D(n)), "(absent)");
	ck_assert_str_ne(kit_text(store, D(n - 1)), "(absent)");
	for (uint64_t i = 0; i < n; i++)
		kit_write(store, D(i), "", 0, NULL);
	ck_assert_int_eq(kit_write(store, D(n), large_text, 0, NULL), TACT_OK);
	fill(store, 10000);
	tact_store_close(&store);

	store = kit_open(kit_lmdb_url(folder, "?map_size=64M"));
	ck_assert_uint_eq(fill(store, 1000), 1000);
	tact_store_close(&store);
}
END_TEST

START_TEST(a_file_size_limit_is_an_answer_and_no_signal)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	struct rlimit before, small;
	uint64_t n;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 300 << 10;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	n = fill(store, 10000);
	ck_assert_int_eq(kit_write(store, D(n), large_text, 0, NULL), TACT_UNAVAILABLE);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_uint_lt(n, 10000);
	expect_words(store, "LimitFSIZE");
	ck_assert_str_eq(kit_text(store, D(n)), "(absent)");
	ck_assert_int_eq(kit_write(store, D(n), large_text, 0, NULL), TACT_OK);
	tact_store_close(&store);
}
END_TEST

START_TEST(a_file_size_limit_at_open_is_an_answer_too)
{
	struct tact_store *store = NULL;
	struct tact_error err = {""};
	struct rlimit before, none;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	/* Check writes a file at each assertion: none in between. */
	setrlimit(RLIMIT_FSIZE, &none);
	int got = tact_store_open(kit_lmdb_url(folder, ""), &store, &err);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_str_eq(tact_result_name(got), tact_result_name(TACT_UNAVAILABLE));
	ck_assert_msg(strstr(err.text, "LimitFSIZE") != NULL, "got \"%s\", want \"LimitFSIZE\"", err.text);
	store = kit_open(kit_lmdb_url(folder, ""));
	tact_store_close(&store);
}
END_TEST

START_TEST(a_full_disk_did_not_happen)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	static const int codes[] = {ENOSPC, EDQUOT, EROFS};
	static const char *const words[] = {"disk full", "quota", "read-only"};

	fill(store, 50);
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		atomic_store(&write_errno, codes[i]);
		ck_assert_int_eq(kit_write(store, D(0), "lost", 0, NULL), TACT_UNAVAILABLE);
		expect_words(store, words[i]);
		atomic_store(&write_errno, 0);
		ck_assert_str_ne(kit_text(store, D(0)), "lost");
		ck_assert_int_eq(kit_write(store, D(100 + i), "well again", 0, NULL), TACT_OK);
	}
	tact_store_close(&store);
}
END_TEST

/* A real small file system, where the machine lets us. */
START_TEST(a_really_full_disk_did_not_happen)
{
	struct tact_store *store;
	char path[600];
	uint64_t n;

	snprintf(path, sizeof path, "%s/small", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", path, "tmpfs", 0, "size=1m") != 0) {
		printf("skipped: no right to mount\n");
		return;
	}
	store = kit_open(kit_lmdb_url(path, ""));
	n = fill(store, 10000);
	ck_assert_uint_lt(n, 10000);
	expect_words(store, "disk full");
	ck_assert_str_ne(kit_text(store, D(n - 1)), "(absent)");
	ck_assert_int_eq(mount("none", path, "tmpfs", MS_REMOUNT, "size=8m"), 0);
	ck_assert_int_eq(kit_write(store, D(n), large_text, 0, NULL), TACT_OK);
	tact_store_close(&store);
	ck_assert_int_eq(umount(path), 0);
}
END_TEST

START_TEST(a_read_only_disk_is_named_at_open)
{
	char path[600];

	make_store();
	snprintf(path, sizeof path, "%s/db", folder);
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount(path, path, NULL, MS_BIND, NULL) != 0 ||
	    mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0) {
		printf("skipped: no right to mount\n");
		return;
	}
	expect_open(kit_lmdb_url(folder, ""), TACT_UNAVAILABLE, "read-only");
	ck_assert_int_eq(umount(path), 0);
}
END_TEST

static void expect_broken(struct tact_store *store)
{
	struct tact_error err;
	size_t count = 0;
	ck_assert_int_eq(kit_write(store, D(2), "no", 0, NULL), TACT_UNAVAILABLE);
	expect_words(store, "restart");
	ck_assert_msg(tact_store_is_over(store), "got a store that goes on, want one that is over");
	ck_assert_str_eq(kit_text(store, D(1)), tact_result_name(TACT_UNAVAILABLE));
	ck_assert_int_eq(tact_store_scan(store, TACT_STORE_DOSSIER, see_one, &count, &err), TACT_UNAVAILABLE);
	ck_assert_uint_eq(count, 0);
}

START_TEST(eio_in_the_flush_is_uncertain_until_restart)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));

	kit_write(store, D(1), "before", 0, NULL);
	ck_assert_msg(!tact_store_is_over(store), "got a store that is over, want one that goes on");
	atomic_store(&sync_errno, EIO);
	ck_assert_int_eq(kit_write(store, D(1), "during", 0, NULL), TACT_UNCERTAIN);
	expect_words(store, "restart");
	atomic_store(&sync_errno, 0);
	expect_broken(store);
	tact_store_close(&store);
	store = kit_open(kit_lmdb_url(folder, ""));
	ck_assert_int_eq(kit_write(store, D(2), "after", 0, NULL), TACT_OK);
	tact_store_close(&store);
}
END_TEST

/* Here even "disk full" says nothing about whether it happened. */
START_TEST(a_failure_at_the_root_is_uncertain)
{
	static const int codes[] = {EIO, ENOSPC};
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));

	kit_write(store, D(1), "before", 0, NULL);
	atomic_store(&root_errno, codes[_i]);
	ck_assert_int_eq(kit_write(store, D(1), "during", 0, NULL), TACT_UNCERTAIN);
	atomic_store(&root_errno, 0);
	expect_broken(store);
	tact_store_close(&store);
	store = kit_open(kit_lmdb_url(folder, ""));
	ck_assert_int_eq(kit_write(store, D(2), "after", 0, NULL), TACT_OK);
	tact_store_close(&store);
}
END_TEST

static void *write_slowly(void *context)
{
	struct counting *counting = context;
	struct tact_store_key keys[2] = {D(1), D(2)};
	struct tact_store_answer answers[2];
	/* A record in this frame's own memory: it is gone when the commit ends. */
	char text[] = "from a caller that left";
	struct kit_put put = {text, sizeof text - 1, 0};
	counting->failed = tact_store_update(
	    counting->store, keys, 2, kit_change_put, &put, answers, tact_clock_monotonic_ms() + 300);
	memset(text, '!', sizeof text);
	return NULL;
}

START_TEST(a_deadline_in_the_commit_is_uncertain)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	struct counting counting = {.store = store};
	pthread_t thread;

	hold_sync(true);
	pthread_create(&thread, NULL, write_slowly, &counting);
	pthread_join(thread, NULL);
	ck_assert_str_eq(tact_result_name(counting.failed), tact_result_name(TACT_UNCERTAIN));
	expect_words(store, "slow");
	hold_sync(false);
	ck_assert_int_eq(kit_write(store, D(3), "next", 0, NULL), TACT_OK);
	ck_assert_str_eq(kit_text(store, D(1)), "from a caller that left");
	tact_store_close(&store);
}
END_TEST

/* ---- damage ------------------------------------------------------------------------------------------ */

enum damage {
	TOO_SHORT,
	WRONG_FRAME,
	FLIPPED_PAYLOAD,
	FLIPPED_VERSION,
	FLIPPED_WAKE,
	OTHER_FRAME,
	FLIPPED_CRC,
	CUT,
	LONGER,
	OTHER_KEY,
	DAMAGES
};

static void damage_bytes(enum damage damage, uint8_t *bytes, size_t *size)
{
	size_t crc_at = bytes[0] == 1 ? 17 : 9; /* a frame of version 2 has no wake time */

	switch (damage) {
	case TOO_SHORT:
		*size = 5;
		break;
	case WRONG_FRAME:
		bytes[0] = 3;
		break;
	case FLIPPED_VERSION:
		bytes[3] ^= 1;
		break;
	case FLIPPED_WAKE:
		bytes[crc_at - 1] ^= 0x80; /* of version 2: the version's last byte */
		break;
	case OTHER_FRAME:
		bytes[0] ^= 1 ^ 2;
		break;
	case FLIPPED_CRC:
		bytes[crc_at] ^= 1;
		break;
	case FLIPPED_PAYLOAD:
		bytes[crc_at + 4] ^= 0x10;
		break;
	case CUT:
		*size -= 1;
		break;
	case LONGER:
		bytes[(*size)++] = 0;
		break;
	case OTHER_KEY:
	case DAMAGES:
		break;
	}
}

/* Rewrites the record of D(2), or puts that of D(1) in its place, with LMDB itself. */
static void damage_record(enum damage damage)
{
	struct tact_store_key from = D(damage == OTHER_KEY ? 1 : 2), to = D(2);
	MDB_val key = {TACT_ID_BYTES, from.id.b}, value;
	uint8_t bytes[256];
	char path[600];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	snprintf(path, sizeof path, "%s/db", folder);
	ck_assert_int_eq(mdb_env_create(&env), 0);
	ck_assert_int_eq(mdb_env_set_maxdbs(env, 16), 0);
	ck_assert_int_eq(mdb_env_open(env, path, 0, 0600), 0);
	ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	ck_assert_int_eq(mdb_dbi_open(txn, "dossier", 0, &dbi), 0);
	ck_assert_int_eq(mdb_get(txn, dbi, &key, &value), 0);
	ck_assert_uint_lt(value.mv_size, sizeof bytes);
	memcpy(bytes, value.mv_data, value.mv_size);
	size_t size = value.mv_size;
	damage_bytes(damage, bytes, &size);
	key.mv_data = to.id.b;
	value = (MDB_val){size, bytes};
	ck_assert_int_eq(mdb_put(txn, dbi, &key, &value, 0), 0);
	ck_assert_int_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void count_report(void *context, const struct tact_store_key *key, const char *why)
{
	struct tact_store_key want = D(2);
	ck_assert_int_eq(tact_store_key_compare(key, &want), 0);
	ck_assert_ptr_nonnull(why);
	++*(size_t *)context;
}

START_TEST(a_damaged_record_is_corrupt_for_its_key_only)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	struct tact_store_key keys[3] = {D(1), D(2), D(3)};
	struct tact_store_answer answers[3];
	struct tact_record records[3];
	struct tact_store_figures figures;
	struct tact_arena *arena = tact_arena_new();
	struct tact_error err;
	size_t count = 0;

	for (int i = 0; i < 3; i++)
		kit_write(store, keys[i], "1", _i < DAMAGES ? 1000 : 0, NULL);
	tact_store_close(&store);
	damage_record((enum damage)(_i % DAMAGES));
	store = kit_open(kit_lmdb_url(folder, ""));

	ck_assert_int_eq(tact_store_read(store, keys, 3, arena, records, answers, 0), TACT_CORRUPT);
	ck_assert_int_eq(answers[0].result, TACT_OK);
	ck_assert_int_eq(answers[1].result, TACT_CORRUPT);
	ck_assert_int_eq(answers[2].result, TACT_OK);
	ck_assert_uint_eq(records[1].size, 0);
	expect_words(store, "tact store check");
	for (int i = 0; i < 2; i++) { /* it stays corrupt: nothing overwrote it */
		ck_assert_int_eq(
		    tact_store_update(store, keys, 3, kit_change_count, NULL, answers, 0), TACT_CORRUPT);
		ck_assert_int_eq(answers[0].result, TACT_OK);
		ck_assert_int_eq(answers[1].result, TACT_CORRUPT);
		ck_assert_int_eq(answers[2].result, TACT_OK);
	}
	ck_assert_int_eq(kit_number(store, keys[2]), 3);
	ck_assert_int_eq(tact_store_scan(store, TACT_STORE_DOSSIER, see_one, &count, &err), TACT_CORRUPT);
	ck_assert_uint_eq(count, 2);
	count = 0;
	ck_assert_int_eq(tact_store_check(store, &figures, count_report, &count, &err), TACT_OK);
	ck_assert_uint_eq(figures.records[TACT_STORE_DOSSIER], 3);
	ck_assert_uint_eq(figures.corrupt, 1);
	ck_assert_uint_eq(count, 1);
	tact_arena_free(&arena);
	tact_store_close(&store);
}
END_TEST

static void overwrite_file(off_t at, const void *bytes, size_t size)
{
	char path[600];
	snprintf(path, sizeof path, "%s/db/data.mdb", folder);
	int fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(syscall(SYS_pwrite64, fd, bytes, size, at), (long)size);
	close(fd);
}

START_TEST(a_damaged_header_is_named_at_open)
{
	static uint8_t noise[8192];
	memset(noise, 0xa5, sizeof noise);
	make_store();
	overwrite_file(0, noise, sizeof noise);
	expect_open(kit_lmdb_url(folder, ""), TACT_CORRUPT, "restore it from a backup");
}
END_TEST

/* Everything behind the header is gone: every answer may say corrupt, none may crash or invent an empty
 * record. */
START_TEST(a_truncated_file_is_corrupt_and_no_crash)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	struct tact_error err = {""};
	char path[600];
	size_t count = 0;

	fill(store, 200);
	tact_store_close(&store);
	snprintf(path, sizeof path, "%s/db/data.mdb", folder);
	ck_assert_int_eq(truncate(path, 3 * 4096), 0);
	if (tact_store_open(kit_lmdb_url(folder, ""), &store, &err) != TACT_OK) {
		ck_assert_msg(strstr(err.text, "damaged") != NULL, "got \"%s\", want \"damaged\"", err.text);
		return;
	}
	for (uint64_t i = 0; i < 200; i++)
		ck_assert_str_ne(kit_text(store, D(i)), "(absent)");
	ck_assert_int_eq(tact_store_scan(store, TACT_STORE_DOSSIER, see_one, &count, &err), TACT_CORRUPT);
	tact_store_close(&store);
}
END_TEST

START_TEST(half_a_file_is_corrupt_for_what_is_missing)
{
	struct tact_store *store = kit_open(kit_lmdb_url(folder, ""));
	struct tact_error err = {""};
	struct stat status;
	char path[600];
	int corrupt = 0;

	fill(store, 400);
	tact_store_close(&store);
	snprintf(path, sizeof path, "%s/db/data.mdb", folder);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(truncate(path, status.st_size / 2), 0);
	if (tact_store_open(kit_lmdb_url(folder, ""), &store, &err) != TACT_OK) {
		ck_assert_msg(strstr(err.text, "damaged") != NULL, "got \"%s\", want \"damaged\"", err.text);
		return;
	}
	for (uint64_t i = 0; i < 400; i++) {
		const char *text = kit_text(store, D(i));
		ck_assert_str_ne(text, "(absent)");
		corrupt += strcmp(text, tact_result_name(TACT_CORRUPT)) == 0;
		kit_count(store, D(10000 + i));
	}
	ck_assert_int_gt(corrupt, 0);
	tact_store_close(&store);
}
END_TEST

START_TEST(wrong_folders_are_named_at_open)
{
	char path[600], url[700];
	FILE *file;

	snprintf(url, sizeof url, "lmdb:%s/no/db", folder);
	expect_open(url, TACT_SYSTEM, "parent");
	snprintf(path, sizeof path, "%s/file", folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	snprintf(url, sizeof url, "lmdb:%s/file", folder);
	expect_open(url, TACT_SYSTEM, "not a folder");
}
END_TEST

START_TEST(no_file_descriptor_stays_open)
{
	struct tact_store *store;
	char path[64], name[256];

	store = kit_open(kit_lmdb_url(folder, ""));
	tact_store_close(&store);
	DIR *fds = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(fds);
	for (struct dirent *entry; (entry = readdir(fds));) {
		snprintf(path, sizeof path, "/proc/self/fd/%.40s", entry->d_name);
		ssize_t length = readlink(path, name, sizeof name - 1);
		name[length > 0 ? length : 0] = '\0';
		ck_assert_msg(strstr(name, folder) == NULL, "still open: %s", name);
	}
	closedir(fds);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(suite, tc);
	return tc;
}

static Suite *lmdb_suite(void)
{
	Suite *suite = suite_create("store lmdb");
	TCase *tc = new_case(suite, "what stays");
	tcase_add_test(tc, all_is_there_after_reopening);
	tcase_add_test(tc, folder_and_files_are_closed_to_others);
	tcase_add_test(tc, concurrent_updates_share_flushes);
	tcase_add_test(tc, what_changes_nothing_flushes_nothing);
	tcase_add_test(tc, no_file_descriptor_stays_open);

	tc = new_case(suite, "other processes and kills");
	tcase_add_test(tc, two_processes_lose_nothing);
	tcase_add_test(tc, one_process_opens_it_once);
	tcase_add_test(tc, a_store_moved_away_is_not_written_to);
	tcase_add_test(tc, a_long_look_at_its_place_is_believed_from_its_beginning);
	tcase_add_test(tc, a_store_replaced_is_not_written_to);
	tcase_add_test(tc, a_locked_store_is_unavailable_in_time);
	tcase_add_test(tc, a_killed_lock_holder_leaves_no_lock);
	tcase_add_test(tc, what_was_acknowledged_survives_kill_9);

	tc = new_case(suite, "disks");
	tcase_add_test(tc, a_full_map_says_so_and_can_be_emptied_or_raised);
	tcase_add_test(tc, a_file_size_limit_is_an_answer_and_no_signal);
	tcase_add_test(tc, a_file_size_limit_at_open_is_an_answer_too);
	tcase_add_test(tc, a_full_disk_did_not_happen);
	tcase_add_test(tc, a_really_full_disk_did_not_happen);
	tcase_add_test(tc, a_read_only_disk_is_named_at_open);
	tcase_add_test(tc, eio_in_the_flush_is_uncertain_until_restart);
	tcase_add_loop_test(tc, a_failure_at_the_root_is_uncertain, 0, 2);
	tcase_add_test(tc, a_deadline_in_the_commit_is_uncertain);

	tc = new_case(suite, "damage");
	tcase_add_loop_test(tc, a_damaged_record_is_corrupt_for_its_key_only, 0, 2 * DAMAGES);
	tcase_add_test(tc, a_damaged_header_is_named_at_open);
	tcase_add_test(tc, a_truncated_file_is_corrupt_and_no_crash);
	tcase_add_test(tc, half_a_file_is_corrupt_for_what_is_missing);
	tcase_add_test(tc, wrong_folders_are_named_at_open);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(lmdb_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
