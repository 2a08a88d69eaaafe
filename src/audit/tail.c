/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The end of the log on disk: find it, check it, mend it, write behind it. All of it is done with the
 * folder's lock held, so what stands incomplete at the end is nobody's work in progress. Knows nothing of
 * threads.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private.h"

#define FILE_MODE 0640
#define TORN_NAME_BYTES 64

int audit_error(struct tact_error *err, const char *folder, const char *doing, int error)
{
	static const struct {
		int error;
		const char *advice;
	} advices[] = {
	    {ENOSPC, "no space left: free space below"},
	    {EDQUOT, "the quota is used up: raise it or free space below"},
	    {EFBIG, "file size limit reached: raise LimitFSIZE= (ulimit -f) of what writes below"},
	    {EROFS, "the file system is read-only: look at the kernel's log and mount it read-write again, "
		    "below"},
	    {EIO, "the disk reports an error: look at the kernel's log and mend the disk below"},
	    {EACCES, "permission denied: give the user that tact runs as the folder"},
	    {EPERM,
		"not permitted (ownership, or chattr +a/+i?): give the user that tact runs as the folder"},
	    {ENOTDIR, "something that is not a folder is in the way of"},
	    {ENOENT, "missing: restore the folder"},
	};

	for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
		if (advices[i].error == error)
			return tact_error_set(
			    err, TACT_SYSTEM, "%s: %s %s", doing, advices[i].advice, folder);
	return tact_error_set(err, TACT_SYSTEM, "%s: %s in %s", doing, strerrordesc_np(error), folder);
}

static int failed(const struct tact_audit *audit, struct tact_error *err, const char *doing)
{
	return audit_error(err, audit->folder, doing, errno);
}

/* A verb run by root must not leave files that tactd's own user cannot open. */
static int belong_to_folder(const struct tact_audit *audit, int fd)
{
	struct stat folder;

	if (geteuid() != 0)
		return 0;
	if (fstat(audit->folder_fd, &folder) < 0)
		return -1;
	return fchown(fd, folder.st_uid, folder.st_gid);
}

static int write_all(
    const struct tact_audit *audit, int fd, const char *bytes, size_t length, uint64_t offset)
{
	while (length > 0) {
		ssize_t n = audit->disk.write(fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? ENOSPC : errno;
			return -1;
		}
		bytes += n;
		length -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static void close_segment(struct tact_audit *audit)
{
	if (audit->segment_fd >= 0)
		close(audit->segment_fd);
	audit->segment_fd = -1;
}

/* Opens (making it when it is not there) the segment that starts with FIRST as the tail, none of it read yet.
 */
static int open_segment(struct tact_audit *audit, uint64_t first, struct tact_error *err)
{
	char name[AUDIT_SEGMENT_NAME_BYTES];
	struct stat status;
	int fd;

	audit_segment_name(first, name);
	fd = openat(audit->entries_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return failed(audit, err, "cannot open the last segment");
	/* An empty one is new, and whoever made it may have died before its name was safe. */
	if (fstat(fd, &status) < 0 || (status.st_size == 0 && (belong_to_folder(audit, fd) < 0 ||
								  audit->disk.sync(audit->entries_fd) < 0))) {
		failed(audit, err, "cannot make a new segment");
		close(fd);
		return TACT_SYSTEM;
	}
	close_segment(audit);
	audit->segment_fd = fd;
	audit->segment_first = first;
	audit->size_bytes = 0;
	audit->next_seq = first;
	audit->damaged = false;
	return TACT_OK;
}

/* The first place is told; how many there are a reader tells. */
static void note_damage(struct tact_audit *audit, const struct audit_frames *frames)
{
	if (audit->damaged)
		return;
	audit->damaged = true;
	tact_error_set(&audit->damage, TACT_CORRUPT,
	    "%s/entries/%012" PRIu64 " is damaged at offset %" PRIu64 ", where entry %" PRIu64
	    " should stand: restore it from a copy. What stands behind is read all the same, nothing was "
	    "moved, and the log goes on in a new segment",
	    audit->folder, audit->segment_first, frames->damaged_at, frames->due_seq);
}

/* Near the end an entry must parse as well: there a torn write may have left it. */
static enum audit_frame next_entry(
    const struct tact_audit *audit, struct audit_frames *frames, uint64_t file_bytes, bool thorough)
{
	bool near_end = file_bytes - audit->size_bytes <= AUDIT_TEAR_MAX_BYTES;
	const char *json;
	size_t length;

	return audit_frames_entry(frames, thorough && near_end, &json, &length);
}

/* Reads whole entries from the known size on and takes them in; where others stand behind damage, that is no
 * torn write: it is noted. TACT_CORRUPT (no text) where bytes are left behind the last one. */
static int take_in(struct tact_audit *audit, uint64_t file_bytes, bool thorough, struct tact_error *err)
{
	struct audit_frames frames;
	enum audit_frame what;

	audit_frames_start(&frames, audit->segment_fd, audit->size_bytes);
	frames.next_seq = audit->next_seq;
	while ((what = next_entry(audit, &frames, file_bytes, thorough)) == AUDIT_FRAME) {
		if (frames.damaged)
			note_damage(audit, &frames);
		audit->size_bytes = frames.offset;
		audit->next_seq = frames.next_seq;
	}
	if (what == AUDIT_FRAME_ERROR)
		failed(audit, err, "cannot read the last segment");
	audit_frames_end(&frames);
	return what == AUDIT_FRAME_ERROR ? TACT_SYSTEM : frames.damaged ? TACT_CORRUPT : TACT_OK;
}

static int open_torn_file(const struct tact_audit *audit, char name[TORN_NAME_BYTES])
{
	int fd = -1;

	for (int i = 0; fd < 0 && i < 1000; i++) {
		if (i == 0)
			snprintf(name, TORN_NAME_BYTES, AUDIT_TORN "%" PRIu64, audit->next_seq);
		else
			snprintf(name, TORN_NAME_BYTES, AUDIT_TORN "%" PRIu64 ".%d", audit->next_seq, i);
		fd = openat(audit->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	return fd;
}

static int save_torn(const struct tact_audit *audit, const char *bytes, size_t length)
{
	char name[TORN_NAME_BYTES];
	int fd = open_torn_file(audit, name), error = 0;

	if (fd < 0)
		return -1;
	if (belong_to_folder(audit, fd) < 0 || write_all(audit, fd, bytes, length, 0) < 0 ||
	    audit->disk.sync(fd) < 0 || audit->disk.sync(audit->folder_fd) < 0) {
		error = errno;
		unlinkat(audit->folder_fd, name, 0);
	}
	close(fd);
	errno = error;
	return error == 0 ? 0 : -1;
}

static int read_torn(const struct tact_audit *audit, char *bytes, size_t length)
{
	size_t got = 0;

	while (got < length) {
		ssize_t n =
		    pread(audit->segment_fd, bytes + got, length - got, (off_t)(audit->size_bytes + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? EIO : errno;
			return -1;
		}
		got += (size_t)n;
	}
	return 0;
}

/* Moves what stands behind the last good frame out of the way. */
static int set_aside(struct tact_audit *audit, uint64_t file_bytes, struct tact_error *err)
{
	size_t length = (size_t)(file_bytes - audit->size_bytes);
	char *bytes;
	int result;

	if (length > AUDIT_TEAR_MAX_BYTES)
		return tact_error_set(err, TACT_CORRUPT,
		    "%s/entries/%012" PRIu64 " is damaged at offset %" PRIu64 " (entry %" PRIu64
		    "), and what follows is too long for a torn write: restore it from a copy, or move %s "
		    "away to begin a new log",
		    audit->folder, audit->segment_first, audit->size_bytes, audit->next_seq, audit->folder);
	bytes = tact_malloc(length);
	result = read_torn(audit, bytes, length) < 0 ? -1 : save_torn(audit, bytes, length);
	free(bytes);
	if (result < 0)
		return failed(audit, err, "cannot set a torn tail aside");
	if (audit->disk.cut(audit->segment_fd, (off_t)audit->size_bytes) < 0 ||
	    audit->disk.sync(audit->segment_fd) < 0)
		return failed(audit, err, "cannot cut a torn tail off");
	return TACT_OK;
}

/* Takes in all that stands behind the known size and sets aside what is torn. What another process wrote and
 * perhaps died before syncing is made safe here, so that never more than one write can tear. */
static int verify(struct tact_audit *audit, uint64_t file_bytes, bool thorough, uint64_t *ret_torn_bytes,
    struct tact_error *err)
{
	int result = take_in(audit, file_bytes, thorough, err);

	*ret_torn_bytes = 0;
	if (result == TACT_CORRUPT) {
		*ret_torn_bytes = file_bytes - audit->size_bytes;
		result = set_aside(audit, file_bytes, err);
	}
	if (result == TACT_OK && audit->disk.sync(audit->segment_fd) < 0) {
		audit->doubtful = true;
		return failed(audit, err, "cannot make entries safe");
	}
	return result;
}

int audit_tail_open(struct tact_audit *audit, uint64_t *ret_torn_bytes, struct tact_error *err)
{
	uint64_t *segments = NULL, torn_bytes;
	struct stat status;
	size_t count = 0;
	int error = audit_segments_list(audit->entries_fd, &segments, &count), result;

	if (error != 0)
		return audit_error(err, audit->folder, "cannot list the segments", error);
	result = open_segment(audit, count > 0 ? segments[count - 1] : 0, err);
	free(segments);
	if (result != TACT_OK)
		return result;
	posix_fadvise(audit->segment_fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (fstat(audit->segment_fd, &status) < 0)
		return failed(audit, err, "cannot look at the last segment");
	result = verify(audit, (uint64_t)status.st_size, true, &torn_bytes, err);
	if (result == TACT_OK && ret_torn_bytes != NULL)
		*ret_torn_bytes = torn_bytes;
	return result;
}

/* After a failed fdatasync the page cache tells nothing about the disk: drop it and read again. */
static int reopen(struct tact_audit *audit, struct tact_error *err)
{
	uint64_t known = audit->next_seq;
	int result;

	if (audit->segment_fd >= 0)
		posix_fadvise(audit->segment_fd, 0, 0, POSIX_FADV_DONTNEED);
	result = audit_tail_open(audit, NULL, err);
	if (result == TACT_OK && audit->next_seq < known)
		result = tact_error_set(err, TACT_CORRUPT,
		    "entries %" PRIu64 " to %" PRIu64
		    " were safe on disk and are gone from %s: restore them and restart",
		    audit->next_seq, known - 1, audit->folder);
	if (audit->next_seq < known)
		audit->next_seq = known;
	audit->doubtful = result != TACT_OK;
	return result;
}

/* Whether a segment begins where this one ends. */
static bool has_successor(const struct tact_audit *audit)
{
	char name[AUDIT_SEGMENT_NAME_BYTES];

	audit_segment_name(audit->next_seq, name);
	return audit->size_bytes > 0 && faccessat(audit->entries_fd, name, F_OK, 0) == 0;
}

int audit_tail_catch_up(struct tact_audit *audit, struct tact_error *err)
{
	uint64_t torn_bytes, file_bytes;
	struct stat status;
	int result;

	while (!audit->doubtful) {
		if (fstat(audit->segment_fd, &status) < 0)
			return failed(audit, err, "cannot look at the last segment");
		file_bytes = (uint64_t)status.st_size;
		if (status.st_nlink == 0 || file_bytes < audit->size_bytes)
			break; /* cut or removed by another hand */
		result = file_bytes > audit->size_bytes ? verify(audit, file_bytes, false, &torn_bytes, err)
							: TACT_OK;
		if (result != TACT_OK || !has_successor(audit))
			return result;
		result = open_segment(audit, audit->next_seq, err);
		if (result != TACT_OK)
			return result;
	}
	return reopen(audit, err);
}

/* Where numbers are damaged too, the next one might name a segment that is there already. */
static int begin_segment(struct tact_audit *audit, struct tact_error *err)
{
	if (audit->next_seq <= audit->segment_first)
		return tact_error_set(err, TACT_CORRUPT, "%s", audit->damage.text);
	return open_segment(audit, audit->next_seq, err);
}

int audit_tail_write(
    struct tact_audit *audit, const char *frames, size_t length, size_t count, struct tact_error *err)
{
	const char *doing = "cannot append";
	int error, result = TACT_OK;

	if (audit->size_bytes >= audit->segment_limit_bytes || audit->damaged)
		result = begin_segment(audit, err);
	if (result != TACT_OK)
		return result;
	if (write_all(audit, audit->segment_fd, frames, length, audit->size_bytes) < 0) {
		error = errno;
		goto fail;
	}
	tact_edge("audit-written");
	audit->syncs++;
	if (audit->disk.sync(audit->segment_fd) < 0) {
		error = errno;
		audit->doubtful = true;
		doing = "cannot make entries safe";
		goto fail;
	}
	audit->size_bytes += length;
	audit->next_seq += count;
	tact_edge("audit-durable");
	return TACT_OK;
fail:
	if (audit->disk.cut(audit->segment_fd, (off_t)audit->size_bytes) < 0)
		audit->doubtful = true;
	return audit_error(err, audit->folder, doing, error);
}
