/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Reads logs from the first entry to the last, with read access only and no lock: writers only ever append,
 * so what is incomplete at the very end is either being written or a tear that the next open will set aside.
 * Understands of an entry no more than its number. It goes on behind damage; who salvages reads what was set
 * aside as well, for a tear and damage of the last entry look the same.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private.h"

struct scan {
	const char *dir, *host;
	tact_audit_scan_fn fn;
	void *context;
	struct tact_error *err;
	struct tact_audit_damage *damage;
	bool salvages; /* a tear is a loss as well */
	int entries_fd;
	uint64_t next_seq;
	bool stopped;
};

static int cannot(const struct scan *s, const char *what)
{
	return tact_error_set(
	    s->err, TACT_SYSTEM, "cannot read %s/%s%s: %s", s->dir, s->host, what, strerrordesc_np(errno));
}

/* Whether damage at OFFSET can be the tear of a last write. */
static bool may_be_tear(int fd, uint64_t offset)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (uint64_t)status.st_size - offset <= AUDIT_TEAR_MAX_BYTES;
}

/* ---- damage ---- */

static void note_damage(struct scan *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note_damage(struct scan *s, const char *format, ...)
{
	va_list values;

	if (s->damage->places++ > 0)
		return;
	va_start(values, format);
	vsnprintf(s->damage->first.text, sizeof s->damage->first.text, format, values);
	va_end(values);
}

static void note_place(struct scan *s, const char *name, const struct audit_frames *frames)
{
	note_damage(s, "%s/%s/%s is damaged at offset %" PRIu64 ", where entry %" PRIu64 " should stand",
	    s->dir, s->host, name, frames->damaged_at, frames->due_seq);
}

/* ---- segments ---- */

/* From one whole entry to the next, whatever stands in between. */
static int scan_frames(struct scan *s, int fd, const char *name, bool last)
{
	struct audit_frames frames;
	enum audit_frame what = AUDIT_FRAME_END;
	const char *json;
	size_t length;

	audit_frames_start(&frames, fd, 0);
	frames.next_seq = s->next_seq;
	while (!s->stopped && (what = audit_frames_entry(&frames, false, &json, &length)) == AUDIT_FRAME) {
		if (frames.damaged)
			note_place(s, name, &frames);
		s->stopped = !s->fn(s->context, s->host, frames.seq, json, length);
	}
	if (what == AUDIT_FRAME_END && frames.damaged && (!last || !may_be_tear(fd, frames.damaged_at)))
		note_place(s, name, &frames);
	s->next_seq = frames.next_seq;
	audit_frames_end(&frames);
	return what == AUDIT_FRAME_ERROR ? cannot(s, "/entries") : TACT_OK;
}

static int scan_segment(struct scan *s, uint64_t first, bool last)
{
	char name[sizeof "entries/" + AUDIT_SEGMENT_NAME_BYTES] = "entries/", *number = name + strlen(name);
	int fd, result;

	audit_segment_name(first, number);
	fd = openat(s->entries_fd, number, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cannot(s, "/entries");
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	result = scan_frames(s, fd, name, last && !s->salvages);
	close(fd);
	return result;
}

/* Segments in order. Old ones may have been taken away from the front, none from the middle. */
static int scan_segments(struct scan *s, const uint64_t *segments, size_t count)
{
	int result = TACT_OK;

	s->next_seq = count > 0 ? segments[0] : 0;
	for (size_t i = 0; i < count && result == TACT_OK && !s->stopped; i++) {
		if (segments[i] != s->next_seq)
			note_damage(s,
			    "%s/%s/entries: entry %" PRIu64
			    " should follow, and the next segment begins with %" PRIu64,
			    s->dir, s->host, s->next_seq, segments[i]);
		s->next_seq = segments[i];
		result = scan_segment(s, segments[i], i + 1 == count);
	}
	return result;
}

/* ---- what was set aside ---- */

static int is_torn(const struct dirent *item)
{
	return strncmp(item->d_name, AUDIT_TORN, strlen(AUDIT_TORN)) == 0;
}

/* Its name tells which entry should begin it. */
static int salvage_one(struct scan *s, const char *name)
{
	char path[NAME_MAX + 4];
	int fd, result;

	snprintf(path, sizeof path, "../%s", name);
	fd = openat(s->entries_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cannot(s, "");
	s->next_seq = strtoull(name + strlen(AUDIT_TORN), NULL, 10);
	result = scan_frames(s, fd, name, false);
	close(fd);
	return result;
}

static int salvage_torn(struct scan *s)
{
	struct dirent **names;
	int count = scandirat(s->entries_fd, "..", &names, is_torn, alphasort), result = TACT_OK;

	if (count < 0)
		return cannot(s, "");
	for (int i = 0; i < count; i++) {
		if (result == TACT_OK && !s->stopped)
			result = salvage_one(s, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return result;
}

/* ---- hosts ---- */

static int open_entries(const char *dir, const char *host)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), host_fd, fd = -1, error;

	host_fd = dir_fd >= 0 ? openat(dir_fd, host, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (host_fd >= 0)
		fd = openat(host_fd, "entries", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = errno;
	if (host_fd >= 0)
		close(host_fd);
	if (dir_fd >= 0)
		close(dir_fd);
	errno = error;
	return fd;
}

static int scan_host(struct scan *s, const char *host)
{
	uint64_t *segments = NULL;
	size_t count = 0;
	int result;

	s->host = host;
	s->entries_fd = open_entries(s->dir, host);
	if (s->entries_fd < 0)
		return cannot(s, "/entries");
	errno = audit_segments_list(s->entries_fd, &segments, &count);
	result = errno != 0 ? cannot(s, "/entries") : scan_segments(s, segments, count);
	free(segments);
	if (result == TACT_OK && s->salvages)
		result = salvage_torn(s);
	close(s->entries_fd);
	return result;
}

static int is_host(const struct dirent *item)
{
	return tact_text_is_host(item->d_name);
}

static int scan_hosts(struct scan *s)
{
	struct dirent **hosts;
	int count = scandir(s->dir, &hosts, is_host, alphasort), result = TACT_OK;

	s->host = "";
	if (count < 0)
		return cannot(s, "");
	for (int i = 0; i < count; i++) {
		int fd = open_entries(s->dir, hosts[i]->d_name);

		if (fd >= 0)
			close(fd);
		/* Other things may lie in the folder; a log that may not be read is an error. */
		if (result == TACT_OK && !s->stopped && (fd >= 0 || (errno != ENOENT && errno != ENOTDIR)))
			result = scan_host(s, hosts[i]->d_name);
		free(hosts[i]);
	}
	free(hosts);
	return result;
}

int tact_audit_scan(
    const char *dir, const char *host, tact_audit_scan_fn fn, void *context, struct tact_error *err)
{
	struct tact_audit_damage damage = {.places = 0};
	struct scan s = {.dir = dir, .fn = fn, .context = context, .err = err, .damage = &damage};
	int result;

	if (host != NULL && !tact_text_is_host(host))
		return tact_error_set(err, TACT_SYSTEM, "no log can be named \"%s\"", host);
	result = host != NULL ? scan_host(&s, host) : scan_hosts(&s);
	if (result != TACT_OK || damage.places == 0)
		return result;
	if (damage.places > 1)
		return tact_error_set(err, TACT_CORRUPT, "%s; there is damage in %" PRIu64 " places",
		    damage.first.text, damage.places);
	return tact_error_set(err, TACT_CORRUPT, "%s", damage.first.text);
}

int tact_audit_salvage(const char *dir, tact_audit_scan_fn fn, void *context, struct tact_audit_damage *ret,
    struct tact_error *err)
{
	struct scan s = {
	    .dir = dir, .fn = fn, .context = context, .err = err, .damage = ret, .salvages = true};

	*ret = (struct tact_audit_damage){.places = 0};
	return scan_hosts(&s);
}
