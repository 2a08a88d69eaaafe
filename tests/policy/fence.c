/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A page behind each copy that nobody may touch.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fence.h"

#define ROOM_BYTES ((size_t)256 * 1024)

static char *rooms[FENCES];

static char *make_room(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *room =
	    mmap(NULL, ROOM_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED || mprotect(room + ROOM_BYTES, page, PROT_NONE) != 0) {
		perror("a fence");
		exit(99);
	}
	return room;
}

void *fence_copy(enum fence fence, const void *bytes, size_t size_bytes)
{
	char *copy;

	if (rooms[fence] == NULL)
		rooms[fence] = make_room();
	if (size_bytes > ROOM_BYTES) {
		(void)fprintf(stderr, "%zu bytes do not fit before a fence\n", size_bytes);
		exit(99);
	}
	copy = rooms[fence] + ROOM_BYTES - size_bytes;
	if (size_bytes > 0)
		memcpy(copy, bytes, size_bytes);
	return copy;
}

void fence_remove_all(void)
{
	for (int i = 0; i < FENCES; i++) {
		if (rooms[i] != NULL)
			(void)munmap(rooms[i], ROOM_BYTES + (size_t)sysconf(_SC_PAGESIZE));
		rooms[i] = NULL;
	}
}
