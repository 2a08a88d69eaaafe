/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * An open log: many threads append, one of them at a time leads and makes what all have queued durable with
 * one write and one fdatasync. Entries are encoded before they queue; only their number is put in by the
 * leader, under the folder's lock that other processes take too. Nobody is woken under the mutex, which he
 * would only go to sleep on again: what he needs to know is written before the post. What the end of the file
 * looks like is tail.c's matter.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private.h"

#define FOLDER_MODE 0750
#define LOCK_MODE 0640

/* What one call of append wants written. Lives on that call's stack until it is done. */
struct audit_request {
	const char *bytes;
	const struct audit_encoded *entries;
	size_t count;
	uint64_t first_seq;
	int result;
	struct tact_error *err;
	bool leads;
	sem_t wake; /* posted when it is done, or to lead */
	struct audit_request *next;
};

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
	audit->batch = tact_malloc(AUDIT_WRITE_MAX_BYTES);
	pthread_mutex_init(&audit->mutex, NULL);
	audit->last = &audit->first;
	return audit;
}

static int lock_folder(struct tact_audit *audit, struct tact_error *err)
{
	while (flock(audit->lock_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return audit_error(err, audit->folder, "cannot lock", errno);
	return TACT_OK;
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

	if (!audit_host_valid(host))
		return tact_error_set(err, TACT_INVALID,
		    "a log is named after its host: letters, digits, dots, hyphens and underscores, no dot "
		    "first");
	ignore_file_size_signal();
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
	close_fd(a->segment_fd);
	close_fd(a->lock_fd);
	close_fd(a->entries_fd);
	close_fd(a->folder_fd);
	pthread_mutex_destroy(&a->mutex);
	free(a->batch);
	free(a->folder);
	free(a->host);
	free(a);
	*audit = NULL;
}

/* ---- what the leader does ------------------------------------------------------------------------------ */

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

static int commit(struct tact_audit *audit, struct audit_request *batch, struct tact_error *err)
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

/* ---- the queue ----------------------------------------------------------------------------------------- */

/* With the mutex held: takes what is queued. */
static struct audit_request *take_batch(struct tact_audit *audit)
{
	struct audit_request *batch = audit->first;

	audit->first = NULL;
	audit->last = &audit->first;
	return batch;
}

/* The next one leads, if anybody waits. */
static void hand_over(struct tact_audit *audit)
{
	struct audit_request *next;

	pthread_mutex_lock(&audit->mutex);
	next = audit->first;
	audit->led = next != NULL;
	if (next != NULL)
		next->leads = true;
	pthread_mutex_unlock(&audit->mutex);
	if (next != NULL)
		sem_post(&next->wake);
}

static void answer(struct audit_request *batch, int result, const struct tact_error *err)
{
	struct audit_request *next;

	for (struct audit_request *request = batch; request != NULL; request = next) {
		next = request->next; /* once posted to, it may be gone */
		request->result = result;
		if (result != TACT_OK)
			tact_error_set(request->err, result, "%s", err->text);
		sem_post(&request->wake);
	}
}

static void lead(struct tact_audit *audit)
{
	struct tact_error err = {.text = ""};
	struct audit_request *batch;
	int result;

	pthread_mutex_lock(&audit->mutex);
	batch = take_batch(audit);
	pthread_mutex_unlock(&audit->mutex);
	result = commit(audit, batch, &err);
	hand_over(audit);
	answer(batch, result, &err);
}

static void wait_for_post(struct audit_request *request)
{
	while (sem_wait(&request->wake) != 0)
		continue; /* a signal */
}

static void queue_and_wait(struct tact_audit *audit, struct audit_request *request)
{
	bool leads;

	sem_init(&request->wake, 0, 0);
	pthread_mutex_lock(&audit->mutex);
	*audit->last = request;
	audit->last = &request->next;
	leads = !audit->led;
	audit->led = true;
	pthread_mutex_unlock(&audit->mutex);
	if (!leads)
		wait_for_post(request);
	if (leads || request->leads) {
		lead(audit);
		wait_for_post(request); /* by itself, among the others */
	}
	sem_destroy(&request->wake);
}

/* ---- append -------------------------------------------------------------------------------------------- */

/* One entry, or several where its configuration is long. */
static void encode_entry(struct audit_writer *w, struct tact_arena *arena, const char *host,
    const struct tact_audit_entry *entry, int64_t now_us, struct audit_encoded **list, size_t *count)
{
	struct tact_audit_entry rest = *entry;
	uint8_t salt[AUDIT_SALT_BYTES];
	size_t told;

	do {
		struct audit_encoded *encoded = TACT_PUSH(arena, *list, *count);

		tact_random_bytes(salt, sizeof salt);
		told = audit_encode(w, arena, host, &rest, now_us, salt, encoded);
		if (rest.policy_text != NULL)
			rest.policy_text += told;
	} while (rest.policy_text != NULL && *rest.policy_text != '\0');
}

int tact_audit_append(struct tact_audit *audit, const struct tact_audit_entry *entries, size_t count,
    int64_t now_us, uint64_t *ret_first_seq, struct tact_error *err)
{
	struct tact_arena *arena = tact_arena_new();
	struct audit_writer w = {0};
	struct audit_encoded *list = NULL;
	struct audit_request request = {.err = err};

	for (size_t i = 0; i < count; i++)
		encode_entry(&w, arena, audit->host, &entries[i], now_us, &list, &request.count);
	request.bytes = w.data;
	request.entries = list;
	tact_edge("audit-before-append");
	if (count > 0)
		queue_and_wait(audit, &request);
	audit_writer_clear(&w);
	tact_arena_free(&arena);
	if (request.result != TACT_OK)
		return TACT_UNAVAILABLE;
	if (ret_first_seq != NULL)
		*ret_first_seq = request.first_seq;
	return TACT_OK;
}
