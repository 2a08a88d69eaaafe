/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A message between its arrival and its passing on: the first part in memory, the rest in a file without a
 * name.
 */
#ifndef TACT_GATE_BODY_H
#define TACT_GATE_BODY_H

#include <sys/types.h>

#include <tact/base.h>

struct body {
	char *memory;
	size_t memory_size, capacity;
	int fd; /* -1: all of it is in memory */
	uint64_t size;
	int error; /* errno of the first failure; from then on nothing is kept */
};
void body_init(struct body *body);
void body_clear(struct body *body);
void body_append(struct body *body, const char *data, size_t size);
/* Up to SIZE bytes from OFFSET; 0 at the end, -1 when they cannot be read. */
ssize_t body_read(const struct body *body, uint64_t offset, char *to, size_t size);

#endif
