/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Segments and the frames in them, as bytes: u16 big-endian length ‖ entry. Reads only; changes nothing.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

#define BUFFER_BYTES (256u * 1024u)
#define LENGTH_BYTES 2
#define NAME_LEAST_DIGITS 12
#define NAME_MOST_DIGITS 19

void audit_frames_start(struct audit_frames *frames, int fd, uint64_t offset)
{
	*frames = (struct audit_frames){.fd = fd, .offset = offset, .buffer = tact_malloc(BUFFER_BYTES + 1)};
}

void audit_frames_end(struct audit_frames *frames)
{
	free(frames->buffer);
	frames->buffer = NULL;
}

static size_t held(const struct audit_frames *frames)
{
	return frames->end - frames->start;
}

/* Makes at least NEED bytes stand in the buffer, or as many as the file has. */
static int fill(struct audit_frames *frames, size_t need)
{
	if (held(frames) >= need)
		return 0;
	memmove(frames->buffer, frames->buffer + frames->start, held(frames));
	frames->end = held(frames);
	frames->start = 0;
	while (frames->end < need) {
		ssize_t n = pread(frames->fd, frames->buffer + frames->end, BUFFER_BYTES - frames->end,
		    (off_t)(frames->offset + frames->end));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		frames->end += (size_t)n;
	}
	return 0;
}

static void unhide(struct audit_frames *frames)
{
	if (frames->mended_at != NULL)
		*frames->mended_at = frames->hidden;
	frames->mended_at = NULL;
}

enum audit_frame audit_frames_next(struct audit_frames *frames, const char **ret_json, size_t *ret_length)
{
	const unsigned char *size;
	size_t length;

	unhide(frames);
	if (fill(frames, LENGTH_BYTES) < 0)
		return AUDIT_FRAME_ERROR;
	if (held(frames) < LENGTH_BYTES)
		return held(frames) == 0 ? AUDIT_FRAME_END : AUDIT_FRAME_SHORT;
	size = (const unsigned char *)frames->buffer + frames->start;
	length = (size_t)size[0] << 8 | size[1];
	if (fill(frames, LENGTH_BYTES + length) < 0)
		return AUDIT_FRAME_ERROR;
	if (held(frames) < LENGTH_BYTES + length)
		return AUDIT_FRAME_SHORT;
	*ret_json = frames->buffer + frames->start + LENGTH_BYTES;
	*ret_length = length;
	frames->start += LENGTH_BYTES + length;
	frames->offset += LENGTH_BYTES + length;
	frames->mended_at = frames->buffer + frames->start;
	frames->hidden = *frames->mended_at;
	*frames->mended_at = '\0';
	return AUDIT_FRAME;
}

static bool is_object(const char *json, size_t length)
{
	return length >= 2 && json[0] == '{' && json[length - 1] == '}' && memchr(json, '\0', length) == NULL;
}

/* Nothing before seq can hold a quote of its own, so the first find is the field. */
static const char *find_seq(const char *json)
{
	return strstr(json, ",\"seq\":");
}

bool audit_frame_fits(const char *json, size_t length, uint64_t seq)
{
	char want[40];
	size_t n = (size_t)snprintf(want, sizeof want, ",\"seq\":%" PRIu64 ",", seq);
	const char *at = is_object(json, length) ? find_seq(json) : NULL;

	return at != NULL && strncmp(at, want, n) == 0;
}

/* The number of what may be any entry; false for what is none. */
static bool frame_number(const char *json, size_t length, uint64_t *ret)
{
	const char *at = is_object(json, length) ? find_seq(json) : NULL;

	if (at == NULL)
		return false;
	*ret = strtoull(at + strlen(",\"seq\":"), NULL, 10);
	return audit_frame_fits(json, length, *ret);
}

bool audit_frame_parses(const char *json, size_t length)
{
	json_t *entry = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
	bool good = json_is_object(entry);

	json_decref(entry);
	return good;
}

/* ---- entries, past damage ---- */

/* To where the last frame or what was no frame began, or behind: what it holds since then is still in the
 * buffer, which is only moved when the next is asked for. */
static void seek(struct audit_frames *frames, uint64_t offset)
{
	unhide(frames);
	frames->start += (size_t)(offset - frames->offset); /* wraps where it goes back */
	frames->offset = offset;
}

/* The first whole entry at OFFSET or behind. A text must be an entry to be taken for one: its length may be
 * made of any two bytes. */
static enum audit_frame find_entry(
    struct audit_frames *frames, uint64_t offset, const char **ret_json, size_t *ret_length)
{
	enum audit_frame what;

	for (seek(frames, offset); fill(frames, LENGTH_BYTES + 1) == 0; seek(frames, ++offset)) {
		if (held(frames) <= LENGTH_BYTES)
			return AUDIT_FRAME_END;
		if (frames->buffer[frames->start + LENGTH_BYTES] != '{')
			continue;
		what = audit_frames_next(frames, ret_json, ret_length);
		if (what == AUDIT_FRAME_ERROR)
			return what;
		if (what == AUDIT_FRAME && frame_number(*ret_json, *ret_length, &frames->seq) &&
		    audit_frame_parses(*ret_json, *ret_length))
			return AUDIT_FRAME;
	}
	return AUDIT_FRAME_ERROR;
}

static bool is_due(const struct audit_frames *frames, bool parsed, const char *json, size_t length)
{
	return audit_frame_fits(json, length, frames->next_seq) &&
	       (!parsed || audit_frame_parses(json, length));
}

/* What stands here, and whether that is damage. */
static enum audit_frame look(
    struct audit_frames *frames, bool parsed, const char **ret_json, size_t *ret_length)
{
	enum audit_frame what = audit_frames_next(frames, ret_json, ret_length);

	frames->damaged = what == AUDIT_FRAME_SHORT ||
			  (what == AUDIT_FRAME && !is_due(frames, parsed, *ret_json, *ret_length));
	return what;
}

/* A reader may have come while a place was being written: once something stands behind it, it is done. */
static enum audit_frame look_again(
    struct audit_frames *frames, uint64_t offset, bool parsed, const char **ret_json, size_t *ret_length)
{
	unhide(frames);
	frames->start = frames->end = 0;
	frames->offset = offset;
	return look(frames, parsed, ret_json, ret_length);
}

/* The entry found in place of another one tells the number of those that follow; alone it may be its number
 * that is damaged, and none is to be given twice. */
static uint64_t number_behind(const struct audit_frames *frames, bool damaged_before)
{
	bool tells = damaged_before || frames->seq > frames->next_seq;

	return 1 + (tells ? frames->seq : frames->next_seq);
}

enum audit_frame audit_frames_entry(
    struct audit_frames *frames, bool parsed, const char **ret_json, size_t *ret_length)
{
	bool damaged_before = frames->damaged;
	uint64_t at = frames->offset;
	enum audit_frame what = look(frames, parsed, ret_json, ret_length);

	if (frames->damaged)
		what = find_entry(frames, at, ret_json, ret_length);
	if (frames->damaged && what == AUDIT_FRAME) {
		what = look_again(frames, at, parsed, ret_json, ret_length);
		if (frames->damaged)
			what = find_entry(frames, at, ret_json, ret_length);
	}
	if (frames->damaged) {
		frames->damaged_at = at;
		frames->due_seq = frames->next_seq;
	}
	if (what != AUDIT_FRAME)
		return what;
	if (!frames->damaged)
		frames->seq = frames->next_seq;
	frames->next_seq = number_behind(frames, damaged_before);
	return what;
}

/* ---- segments ---- */

void audit_segment_name(uint64_t first_seq, char ret[AUDIT_SEGMENT_NAME_BYTES])
{
	snprintf(ret, AUDIT_SEGMENT_NAME_BYTES, "%0*" PRIu64, NAME_LEAST_DIGITS, first_seq);
}

static bool segment_parse(const char *name, uint64_t *ret)
{
	size_t length = strlen(name);
	int64_t seq;

	if (length < NAME_LEAST_DIGITS || length > NAME_MOST_DIGITS || strspn(name, "0123456789") != length)
		return false;
	if (tact_text_parse_int(name, 0, INT64_MAX, &seq, NULL) != TACT_OK)
		return false;
	*ret = (uint64_t)seq;
	return true;
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int audit_segments_list(int entries_fd, uint64_t **ret, size_t *ret_count)
{
	int fd =
	    openat(entries_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* an own position in the folder */
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	uint64_t *list = NULL, seq;
	size_t count = 0, room = 0;
	struct dirent *item;
	int error;

	if (folder == NULL) {
		error = errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	while (errno = 0, (item = readdir(folder)) != NULL) {
		if (!segment_parse(item->d_name, &seq))
			continue;
		if (count == room) {
			room = 2 * room + 16;
			list = tact_realloc(list, room * sizeof *list);
		}
		list[count++] = seq;
	}
	error = errno;
	closedir(folder);
	if (error != 0) {
		free(list);
		return error;
	}
	if (count > 0)
		qsort(list, count, sizeof *list, by_seq);
	*ret = list;
	*ret_count = count;
	return 0;
}
