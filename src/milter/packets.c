/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Reads Postfix's packets, as many at a time as have come.
 *
 * A message is some seventeen packets, most of which Postfix sends in one write; libmilter asks the kernel
 * five times for each of them, which is a third of the time it takes over a message. Like mi_start_session,
 * libmilter calls mi_rd_cmd by name, so ours stands in its place. Before each call libmilter waits until the
 * socket can be read, so what was handed out last must be the last to leave the kernel: until then the
 * packets are looked at, not taken.
 *
 * Only with a thread for each connection (session.c): what was looked at is the thread's.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "private.h"

#if defined(HAVE_MI_START_SESSION) && defined(HAVE_MI_RD_CMD)

#define HEAD_BYTES 5 /* the length of what follows it, the command among it */
#define LOOK_BYTES 8192
#define DATA_MOST 65535 /* libmilter's own bound, which Postfix keeps */

/* No command: what libmilter's own mi_rd_cmd says then. */
#define NO_ANSWER_IN_TIME 1
#define READ_FAILED 4
#define CLOSED 5
#define TOO_BIG 7

char *mi_rd_cmd(int fd, struct timeval *timeout, char *ret_command, size_t *ret_bytes, char *name);

/* Whole packets from AT on; TO is where the last of them ends. The kernel still has all up to TO. */
static _Thread_local struct {
	size_t at, to;
	char bytes[LOOK_BYTES];
} seen;

void packets_begin(void)
{
	seen.at = seen.to = 0;
}

/* Of the whole packet; 0 where it is none. */
static size_t packet_bytes(const char *head)
{
	uint32_t length;

	memcpy(&length, head, sizeof length);
	length = ntohl(length);
	return length == 0 || length - 1 > DATA_MOST ? 0 : sizeof length + length;
}

/* 0, or why there is no command. */
static char wait_for_more(int fd, const struct timeval *timeout)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&polled, 1, (int)timeout->tv_sec * 1000);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? NO_ANSWER_IN_TIME : READ_FAILED;
}

/* What there is, at least one byte; waits only where there is none. */
static char receive(int fd, const struct timeval *timeout, void *to, size_t size, int flags, size_t *ret_got)
{
	char failure = 0;

	*ret_got = 0;
	while (failure == 0) {
		ssize_t n = recv(fd, to, size, flags | MSG_DONTWAIT);

		if (n == 0)
			failure = CLOSED;
		else if (n < 0 && errno == EAGAIN)
			failure = wait_for_more(fd, timeout);
		else if (n < 0 && errno != EINTR)
			failure = READ_FAILED;
		if (n <= 0)
			continue;
		*ret_got = (size_t)n;
		break;
	}
	return failure;
}

static char receive_all(int fd, const struct timeval *timeout, char *to, size_t size)
{
	char failure = 0;
	size_t got;

	for (; size > 0 && failure == 0; to += got, size -= got)
		failure = receive(fd, timeout, to, size, 0, &got);
	return failure;
}

static char look(int fd, const struct timeval *timeout)
{
	size_t got, bytes;
	char failure = receive(fd, timeout, seen.bytes, sizeof seen.bytes, MSG_PEEK, &got);

	seen.at = seen.to = 0;
	while (got - seen.to >= HEAD_BYTES && (bytes = packet_bytes(seen.bytes + seen.to)) > 0 &&
	       got - seen.to >= bytes)
		seen.to += bytes;
	return failure;
}

/* libmilter's to free; NULL where there is none. */
static char *new_data(size_t bytes)
{
	return bytes > 0 ? tact_malloc(bytes) : NULL;
}

/* One that was seen whole. */
static char hand_out(int fd, const struct timeval *timeout, char *ret_command, char **ret, size_t *ret_bytes)
{
	const char *packet = seen.bytes + seen.at;
	size_t bytes = packet_bytes(packet), all = seen.to;

	*ret_command = packet[HEAD_BYTES - 1];
	*ret_bytes = bytes - HEAD_BYTES;
	*ret = new_data(*ret_bytes);
	if (*ret != NULL)
		memcpy(*ret, packet + HEAD_BYTES, *ret_bytes);
	seen.at += bytes;
	if (seen.at < all)
		return 0;
	seen.at = seen.to = 0;
	return receive_all(fd, timeout, seen.bytes, all);
}

/* One that has not come whole, or is larger than what we look at. */
static char read_one(int fd, const struct timeval *timeout, char *ret_command, char **ret, size_t *ret_bytes)
{
	char head[HEAD_BYTES], failure = receive_all(fd, timeout, head, sizeof head);
	size_t bytes;

	if (failure != 0)
		return failure;
	bytes = packet_bytes(head);
	if (bytes == 0)
		return TOO_BIG;
	*ret_command = head[HEAD_BYTES - 1];
	*ret_bytes = bytes - HEAD_BYTES;
	*ret = new_data(*ret_bytes);
	return *ret_bytes > 0 ? receive_all(fd, timeout, *ret, *ret_bytes) : 0;
}

/* The data of the next packet, libmilter's to free, or NULL; *ret_command is then what has none, or one of
 * the failures above. */
char *mi_rd_cmd(int fd, struct timeval *timeout, char *ret_command, size_t *ret_bytes, char *name)
{
	char *data = NULL, failure = 0;

	(void)name;
	*ret_bytes = 0;
	if (!sessions_may_read(fd))
		failure = CLOSED;
	else if (seen.at == seen.to)
		failure = look(fd, timeout);
	if (failure == 0 && seen.at < seen.to)
		failure = hand_out(fd, timeout, ret_command, &data, ret_bytes);
	else if (failure == 0)
		failure = read_one(fd, timeout, ret_command, &data, ret_bytes);
	if (failure == 0)
		return data;
	free(data);
	*ret_command = failure;
	return NULL;
}

#else

void packets_begin(void)
{
}

#endif
