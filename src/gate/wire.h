/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A connected socket with buffers, deadlines and an ear for the end of the daemon. Knows lines and bytes, no
 * protocol.
 */
#ifndef TACT_GATE_WIRE_H
#define TACT_GATE_WIRE_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_LINE_MAX 65536 /* longest line without its end */

enum wire_result {
	WIRE_OK = 0,
	WIRE_CLOSED = -1,  /* the other side went, or the socket broke */
	WIRE_TIMEOUT = -2, /* also: the daemon ends and its time of grace is over */
	WIRE_LONG = -3, /* the line was longer than WIRE_LINE_MAX; it was read to its end and thrown away */
	WIRE_STOP = -4	/* nothing had arrived and the daemon ends */
};

struct wire {
	int fd;
	int stop_fd;		    /* readable once the daemon ends; -1 for none */
	const atomic_llong *end_ms; /* then: the last moment for any I/O; 0 until then */
	char *in;
	size_t in_at, in_end;
	char *out;
	size_t out_size;
	int broken; /* first failure of a write: all later ones fail alike */
};

/* A unix socket, for wire_init; within ten seconds. -1 with errno. */
int wire_connect(const char *path);
/* Takes over FD, which must not block. */
void wire_init(struct wire *wire, int fd, int stop_fd, const atomic_llong *end_ms);
void wire_clear(struct wire *wire);

/* One line without its CR LF (or LF), NUL-terminated, valid until the next read. With stoppable, waiting for
 * a first byte ends with WIRE_STOP when the daemon does. What was written is sent first. */
int wire_read_line(struct wire *wire, int64_t timeout_ms, int stoppable, char **ret, size_t *ret_size);
/* Bytes as they come, valid until the next read; wire_used says how many were taken. */
int wire_read_some(struct wire *wire, int64_t timeout_ms, const char **ret, size_t *ret_size);
void wire_used(struct wire *wire, size_t size);

void wire_write(struct wire *wire, const void *data, size_t size, int64_t timeout_ms);
void wire_print(struct wire *wire, int64_t timeout_ms, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int wire_flush(struct wire *wire, int64_t timeout_ms);

#endif
