/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Buffered reading and writing on one socket, each step with a deadline.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <tact/base.h>

#include "wire.h"

#define IN_BYTES (WIRE_LINE_MAX + 2)
#define OUT_BYTES 16384
#define CONNECT_S 10
#define SLICE_MS 1000 /* how often a wait looks whether the daemon ends */

int wire_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = CONNECT_S};
	int fd;

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* A full backlog makes connect wait; this bounds it. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

void wire_init(struct wire *wire, int fd, int stop_fd, const atomic_llong *end_ms)
{
	*wire = (struct wire){.fd = fd, .stop_fd = stop_fd, .end_ms = end_ms};
	wire->in = tact_malloc(IN_BYTES + 1);
	wire->out = tact_malloc(OUT_BYTES);
}

void wire_clear(struct wire *wire)
{
	if (wire->fd >= 0)
		(void)close(wire->fd);
	free(wire->in);
	free(wire->out);
	*wire = (struct wire){.fd = -1, .stop_fd = -1};
}

static int64_t last_moment(const struct wire *wire, int64_t until_ms)
{
	int64_t end_ms = wire->end_ms == NULL ? 0 : atomic_load(wire->end_ms);

	return end_ms != 0 && end_ms < until_ms ? end_ms : until_ms;
}

/* Waits until FD can be read or written. */
static int wait_for(struct wire *wire, short events, int64_t until_ms, int stoppable)
{
	for (;;) {
		struct pollfd fds[2] = {
		    {.fd = wire->fd, .events = events}, {.fd = wire->stop_fd, .events = POLLIN}};
		int64_t left_ms = last_moment(wire, until_ms) - tact_clock_monotonic_ms();
		int n;

		if (left_ms <= 0)
			return WIRE_TIMEOUT;
		n = poll(fds, stoppable ? 2 : 1, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS);
		if (n < 0 && errno != EINTR)
			return WIRE_CLOSED;
		if (n > 0 && fds[0].revents != 0)
			return WIRE_OK;
		if (n > 0 && stoppable && fds[1].revents != 0)
			return WIRE_STOP;
	}
}

/* Reads what there is into the free end of the buffer. */
static int fill(struct wire *wire, int64_t until_ms, int stoppable)
{
	for (;;) {
		ssize_t n = recv(wire->fd, wire->in + wire->in_end, IN_BYTES - wire->in_end, 0);
		int result;

		if (n > 0) {
			wire->in_end += (size_t)n;
			return WIRE_OK;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return WIRE_CLOSED;
		result = wait_for(wire, POLLIN, until_ms, stoppable);
		if (result != WIRE_OK)
			return result;
	}
}

static void make_room(struct wire *wire)
{
	if (wire->in_at == 0)
		return;
	memmove(wire->in, wire->in + wire->in_at, wire->in_end - wire->in_at);
	wire->in_end -= wire->in_at;
	wire->in_at = 0;
}

/* The rest of an over-long line goes nowhere. */
static int skip_line(struct wire *wire, int64_t until_ms)
{
	for (;;) {
		char *lf = memchr(wire->in + wire->in_at, '\n', wire->in_end - wire->in_at);
		int result;

		if (lf != NULL) {
			wire->in_at = (size_t)(lf + 1 - wire->in);
			return WIRE_LONG;
		}
		wire->in_at = wire->in_end = 0;
		result = fill(wire, until_ms, 0);
		if (result != WIRE_OK)
			return result;
	}
}

static int take_line(struct wire *wire, char *lf, char **ret, size_t *ret_size)
{
	char *start = wire->in + wire->in_at;
	size_t size = (size_t)(lf - start);

	wire->in_at = (size_t)(lf + 1 - wire->in);
	if (size > 0 && start[size - 1] == '\r')
		size--;
	start[size] = '\0';
	*ret = start;
	*ret_size = size;
	return WIRE_OK;
}

int wire_read_line(struct wire *wire, int64_t timeout_ms, int stoppable, char **ret, size_t *ret_size)
{
	int64_t until_ms = tact_clock_monotonic_ms() + timeout_ms;
	size_t seen = 0;

	for (;;) {
		size_t held = wire->in_end - wire->in_at;
		char *lf = held > seen ? memchr(wire->in + wire->in_at + seen, '\n', held - seen) : NULL;
		int result;

		if (lf != NULL)
			return take_line(wire, lf, ret, ret_size);
		seen = held;
		make_room(wire);
		if (held == IN_BYTES)
			return skip_line(wire, until_ms);
		result = wire_flush(wire, timeout_ms);
		if (result == WIRE_OK)
			result = fill(wire, until_ms, stoppable && held == 0);
		if (result != WIRE_OK)
			return result;
	}
}

int wire_read_some(struct wire *wire, int64_t timeout_ms, const char **ret, size_t *ret_size)
{
	int result = WIRE_OK;

	if (wire->in_at == wire->in_end) {
		wire->in_at = wire->in_end = 0;
		result = wire_flush(wire, timeout_ms);
		if (result == WIRE_OK)
			result = fill(wire, tact_clock_monotonic_ms() + timeout_ms, 0);
	}
	*ret = wire->in + wire->in_at;
	*ret_size = wire->in_end - wire->in_at;
	return result;
}

void wire_used(struct wire *wire, size_t size)
{
	wire->in_at += size;
}

/* ---- writing ---- */

int wire_flush(struct wire *wire, int64_t timeout_ms)
{
	int64_t until_ms = tact_clock_monotonic_ms() + timeout_ms;
	size_t at = 0;

	while (wire->broken == WIRE_OK && at < wire->out_size) {
		ssize_t n = send(wire->fd, wire->out + at, wire->out_size - at, MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else if (errno == EAGAIN)
			wire->broken = wait_for(wire, POLLOUT, until_ms, 0);
		else if (errno != EINTR)
			wire->broken = WIRE_CLOSED;
	}
	wire->out_size = 0;
	return wire->broken;
}

void wire_write(struct wire *wire, const void *data, size_t size, int64_t timeout_ms)
{
	const char *from = data;

	while (size > 0 && wire->broken == WIRE_OK) {
		size_t room = OUT_BYTES - wire->out_size, part = size < room ? size : room;

		memcpy(wire->out + wire->out_size, from, part);
		wire->out_size += part;
		from += part;
		size -= part;
		if (wire->out_size == OUT_BYTES)
			(void)wire_flush(wire, timeout_ms);
	}
}

void wire_print(struct wire *wire, int64_t timeout_ms, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0)
		abort(); /* out of memory: as everywhere, the process ends */
	wire_write(wire, text, (size_t)size, timeout_ms);
	free(text);
}
