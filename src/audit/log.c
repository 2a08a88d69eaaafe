/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * An open log, and a batch of encoded entries made durable in it with one write and one fdatasync: only their
 * number is put in here, under the folder's lock that other processes take too. Who waits for that is
 * queue.c's matter, what the end of the file looks like tail.c's.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "private.h"

#define FOLDER_MODE 0750
#define LOCK_MODE 0640
#define LOCK_PATIENCE_MS 4000
#define LOCK_AGAIN_MS 50 /* a signal that came just before the wait ended nothing */
#define LOCK_SIGNAL SIGRTMIN

/* ---- open and close ------------------------------------------------------------------------------------ */

static int sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	if (fd < 0)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

/* The folder's owner is its parent's where root makes it: tactd's own user must be able to write there later.
 */
static int make_folder(const char *path)
{
	char parent[PATH_MAX];
	struct stat status;

	if (mkdir(path, FOLDER_MODE) < 0)
		return errno == EEXIST ? 0 : -1;
	snprintf(parent, sizeof parent, "%s/..", path);
	if (geteuid() == 0 && (stat(parent, &status) < 0 || chown(path, status.st_uid, status.st_gid) < 0))
		return -1;
	return sync_folder(parent);
}

/* PATH and what is missing above it. */
static int make_folders(const char *path)
{
	char *copy = tact_strdup(path);
	int result = 0;

	for (char *slash = strchr(copy + 1, '/'); result == 0 && slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		result = make_folder(copy);
		*slash = '/';
	}
	if (result == 0)
		result = make_folder(copy);
	free(copy);
	return result;
}

static int open_folders(struct tact_audit *audit)
{
	char entries[PATH_MAX - 4];

	if (snprintf(entries, sizeof entries, "%s/entries", audit->folder) >= (int)sizeof entries) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (make_folders(entries) < 0)
		return -1;
	audit->folder_fd = open(audit->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	audit->entries_fd = open(entries, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (audit->folder_fd < 0 || audit->entries_fd < 0)
		return -1;
	audit->lock_fd = openat(audit->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, LOCK_MODE);
	if (audit->lock_fd < 0)
		return -1;
	return fsync(audit->folder_fd);
}

/* Beyond RLIMIT_FSIZE a write should answer EFBIG, not kill the daemon. */
static void ignore_file_size_signal(void)
{
	struct sigaction now;

	if (sigaction(SIGXFSZ, NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
		now.sa_handler = SIG_IGN;
		sigaction(SIGXFSZ, &now, NULL);
	}
}

/* Whom it comes for only stops waiting for a lock. */
static void stop_waiting(int number)
{
	(void)number;
}

static void handle_lock_signal(void)
{
	struct sigaction action = {.sa_handler = stop_waiting};

	sigemptyset(&action.sa_mask);
	sigaction(LOCK_SIGNAL, &action, NULL);
}

static struct tact_audit *new_audit(const char *dir, const char *host)
{
	struct tact_audit *audit = tact_calloc(1, sizeof *audit);
	size_t length = strlen(dir) + strlen(host) + 2;

	audit->host = tact_strdup(host);
	audit->folder = tact_malloc(length);
	snprintf(audit->folder, length, "%s/%s", dir, host);
	audit->folder_fd = audit->entries_fd = audit->lock_fd = audit->segment_fd = -1;
	audit->disk = (struct audit_disk){.write = pwrite, .sync = fdatasync, .cut = ftruncate};
	audit->segment_limit_bytes = AUDIT_SEGMENT_BYTES;
	audit->patience_ms = LOCK_PATIENCE_MS;
	audit->batch = tact_malloc(AUDIT_WRITE_MAX_BYTES);
	audit_queue_begin(audit);
	return audit;
}

static struct timespec time_of(int64_t ms)
{
	return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

/* Blocks as flock does, so that those who wait have the lock in turn: who only asked again and again would
 * hardly find a busy log free. A signal of the thread's own ends it. */
static bool lock_until(struct tact_audit *audit, int64_t until_ms)
{
	while (flock(audit->lock_fd, LOCK_EX) < 0)
		if (errno != EINTR || tact_clock_monotonic_ms() >= until_ms)
			return false;
	return true;
}

static bool lock_within_patience(struct tact_audit *audit)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = LOCK_SIGNAL};
	struct itimerspec when = {
	    .it_value = time_of(audit->patience_ms), .it_interval = time_of(LOCK_AGAIN_MS)};
	sigset_t ours, before;
	timer_t timer;
	bool locked;
	int code;

	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return false;
	sigemptyset(&ours);
	sigaddset(&ours, LOCK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &ours, &before);
	timer_settime(timer, 0, &when, NULL);
	locked = lock_until(audit, tact_clock_monotonic_ms() + audit->patience_ms);
	code = errno;
	timer_delete(timer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = code;
	return locked;
}

/* Whoever holds the lock does so for one write. One that stands still meanwhile must not have all others
 * stand still with it: they answer 451, and can end. */
static int lock_folder(struct tact_audit *audit, struct tact_error *err)
{
	if (flock(audit->lock_fd, LOCK_EX | LOCK_NB) == 0 || lock_within_patience(audit))
		return TACT_OK;
	if (errno != EINTR)
		return audit_error(err, audit->folder, "cannot lock", errno);
	return tact_error_set(err, TACT_UNAVAILABLE,
	    "%s/lock is held by others for more than %" PRId64
	    " s; one that stands still? (fuser names them)",
	    audit->folder, audit->patience_ms / 1000);
}

static void unlock_folder(struct tact_audit *audit)
{
	flock(audit->lock_fd, LOCK_UN);
}

int tact_audit_open(const char *dir, const char *host, struct tact_audit **ret, uint64_t *ret_torn_bytes,
    struct tact_error *err)
{
	struct tact_audit *audit;
	int result;

	if (!tact_text_is_host(host))
		return tact_error_set(err, TACT_INVALID,
		    "a log is named after its host: letters, digits, dots, hyphens and underscores, no dot "
		    "first");
	ignore_file_size_signal();
	handle_lock_signal();
	audit = new_audit(dir, host);
	if (open_folders(audit) < 0) {
		result = audit_error(err, audit->folder, "cannot open the audit log", errno);
		goto out;
	}
	result = lock_folder(audit, err);
	if (result != TACT_OK)
		goto out;
	result = audit_tail_open(audit, ret_torn_bytes, err);
	unlock_folder(audit);
out:
	if (result == TACT_OK)
		*ret = audit;
	else
		tact_audit_close(&audit);
	return result;
}

const char *tact_audit_damaged(const struct tact_audit *audit)
{
	return audit->damage.text;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void tact_audit_close(struct tact_audit **audit)
{
	struct tact_audit *a = *audit;

	if (a == NULL)
		return;
	audit_queue_end(a);
	close_fd(a->segment_fd);
	close_fd(a->lock_fd);
	close_fd(a->entries_fd);
	close_fd(a->folder_fd);
	free(a->batch);
	free(a->folder);
	free(a->host);
	free(a);
	*audit = NULL;
}

/* ---- a batch ------------------------------------------------------------------------------------------- */

/* How far into a batch of requests the frames have been built. */
struct cursor {
	struct audit_request *request;
	size_t entry;
};

static size_t build_frame(char *to, const struct audit_request *request, size_t i, uint64_t seq)
{
	const struct audit_encoded *entry = &request->entries[i];
	char digits[24];
	size_t head = entry->seq_at - entry->start, tail = entry->end - entry->seq_at;
	size_t seq_bytes = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, seq);
	size_t length = head + seq_bytes + tail;

	to[0] = (char)(length >> 8);
	to[1] = (char)length;
	memcpy(to + 2, request->bytes + entry->start, head);
	memcpy(to + 2 + head, digits, seq_bytes);
	memcpy(to + 2 + head + seq_bytes, request->bytes + entry->seq_at, tail);
	return length + 2;
}

/* Fills the batch buffer from the cursor on with as many whole frames as surely fit. */
static size_t build_frames(struct tact_audit *audit, struct cursor *at, size_t *ret_count)
{
	size_t length = 0, count = 0;

	while (at->request != NULL && length + AUDIT_ENTRY_MAX_BYTES + 2 <= AUDIT_WRITE_MAX_BYTES) {
		if (at->entry == at->request->count) {
			*at = (struct cursor){.request = at->request->next};
			continue;
		}
		if (at->entry == 0)
			at->request->first_seq = audit->next_seq + count;
		length += build_frame(audit->batch + length, at->request, at->entry, audit->next_seq + count);
		at->entry++;
		count++;
	}
	*ret_count = count;
	return length;
}

int audit_commit(struct tact_audit *audit, struct audit_request *batch, struct tact_error *err)
{
	struct cursor at = {.request = batch};
	size_t length, count;
	int result = lock_folder(audit, err);

	if (result != TACT_OK)
		return result;
	result = audit_tail_catch_up(audit, err);
	while (result == TACT_OK && (length = build_frames(audit, &at, &count)) > 0)
		result = audit_tail_write(audit, audit->batch, length, count, err);
	unlock_folder(audit);
	return result;
}
