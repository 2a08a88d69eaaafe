/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Keeps one message while it is decided. Knows no line and no header.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "body.h"

/* Enough for every header block that facts reads (1 MiB of fields) with its folding, and for as much of the
 * body as content rules read (content_max is at most 1 MiB). */
#define MEMORY_MAX (2 * 1024 * 1024 + 64 * 1024)

void body_init(struct body *body)
{
	*body = (struct body){.fd = -1};
}

void body_clear(struct body *body)
{
	if (body->fd >= 0)
		(void)close(body->fd);
	free(body->memory);
	body_init(body);
}

static int open_nameless(void)
{
	const char *dir = getenv("TMPDIR");
	char name[4096];
	int fd = open(dir != NULL ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	if (snprintf(name, sizeof name, "%s/tact-gate-XXXXXX", dir != NULL ? dir : "/tmp") >=
	    (int)sizeof name)
		return -1;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(name);
	return fd;
}

static void keep_in_memory(struct body *body, const char *data, size_t size)
{
	while (body->capacity - body->memory_size < size) {
		body->capacity = body->capacity == 0 ? 16384 : 2 * body->capacity;
		body->memory = tact_realloc(body->memory, body->capacity);
	}
	memcpy(body->memory + body->memory_size, data, size);
	body->memory_size += size;
	body->size += size;
}

static void keep_in_file(struct body *body, const char *data, size_t size)
{
	if (body->fd < 0)
		body->fd = open_nameless();
	if (body->fd < 0)
		body->error = errno;
	while (size > 0 && body->error == 0) {
		ssize_t n = write(body->fd, data, size);

		if (n < 0 && errno != EINTR)
			body->error = errno;
		if (n <= 0)
			continue;
		data += n;
		size -= (size_t)n;
		body->size += (size_t)n;
	}
}

void body_append(struct body *body, const char *data, size_t size)
{
	size_t room = MEMORY_MAX - body->memory_size, part = size < room ? size : room;

	if (body->error != 0)
		return;
	if (part > 0)
		keep_in_memory(body, data, part);
	if (size > part)
		keep_in_file(body, data + part, size - part);
}

ssize_t body_read(const struct body *body, uint64_t offset, char *to, size_t size)
{
	ssize_t n;

	if (offset < body->memory_size) {
		size_t left = body->memory_size - (size_t)offset;

		memcpy(to, body->memory + offset, size < left ? size : left);
		return (ssize_t)(size < left ? size : left);
	}
	if (body->fd < 0)
		return 0;
	do {
		n = pread(body->fd, to, size, (off_t)(offset - body->memory_size));
	} while (n < 0 && errno == EINTR);
	return n;
}
