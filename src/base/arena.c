/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Arenas: memory that dies together; not for anything that outlives its message or call.
 */
#include <config.h>

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tact/base.h>

/* One chunk holds the ordinary message; what is larger than a quarter of it gets a chunk of its own,
 * so that the rest of the current one is not wasted. */
#define CHUNK_BYTES ((size_t)32 * 1024)
#define LARGE_BYTES (CHUNK_BYTES / 4)

struct chunk {
	struct chunk *next;
	size_t used_bytes;
	size_t size_bytes;
	alignas(max_align_t) unsigned char data[];
};

/* The first chunk is always an ordinary one, and the one being filled. */
struct tact_arena {
	struct chunk *first;
	size_t used_bytes;
};

static struct chunk *chunk_new(size_t size_bytes, struct chunk *next)
{
	struct chunk *chunk = tact_malloc(sizeof *chunk + size_bytes);

	*chunk = (struct chunk){.next = next, .size_bytes = size_bytes};
	return chunk;
}

static void chunks_free(struct chunk *chunk)
{
	while (chunk != NULL) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

/* Zeroed here and not before: most calls use a small part of their chunk. */
static void *chunk_take(struct chunk *chunk, size_t size_bytes)
{
	void *p = chunk->data + chunk->used_bytes;

	chunk->used_bytes += size_bytes;
	return memset(p, 0, size_bytes);
}

struct tact_arena *tact_arena_new(void)
{
	struct tact_arena *arena = tact_calloc(1, sizeof *arena);

	arena->first = chunk_new(CHUNK_BYTES, NULL);
	return arena;
}

void tact_arena_free(struct tact_arena **arena)
{
	if (arena == NULL || *arena == NULL)
		return;
	chunks_free((*arena)->first);
	free(*arena);
	*arena = NULL;
}

void tact_arena_reset(struct tact_arena *arena)
{
	struct chunk *first = arena->first;

	chunks_free(first->next);
	first->next = NULL;
	first->used_bytes = 0;
	arena->used_bytes = 0;
}

size_t tact_arena_used_bytes(const struct tact_arena *arena)
{
	return arena->used_bytes;
}

void *tact_arena_alloc(struct tact_arena *arena, size_t size_bytes)
{
	size_t align = alignof(max_align_t), room = arena->first->size_bytes - arena->first->used_bytes;

	/* Nobody has half the address space: tact_malloc says so and ends the process. */
	if (size_bytes > SIZE_MAX / 2)
		return tact_malloc(size_bytes);
	/* Even nothing gets a place of its own, so that two pointers are never equal by accident. */
	size_bytes = size_bytes == 0 ? align : (size_bytes + align - 1) / align * align;
	arena->used_bytes += size_bytes;
	if (size_bytes <= room)
		return chunk_take(arena->first, size_bytes);
	if (size_bytes > LARGE_BYTES) {
		arena->first->next = chunk_new(size_bytes, arena->first->next);
		return chunk_take(arena->first->next, size_bytes);
	}
	arena->first = chunk_new(CHUNK_BYTES, arena->first);
	return chunk_take(arena->first, size_bytes);
}

void *tact_arena_copy(struct tact_arena *arena, const void *from, size_t size_bytes)
{
	void *p = tact_arena_alloc(arena, size_bytes);

	if (size_bytes > 0)
		memcpy(p, from, size_bytes);
	return p;
}

char *tact_arena_strdup(struct tact_arena *arena, const char *text)
{
	return tact_arena_copy(arena, text, strlen(text) + 1);
}

char *tact_arena_strndup(struct tact_arena *arena, const char *text, size_t length)
{
	size_t n = strnlen(text, length);
	char *copy = tact_arena_alloc(arena, n + 1);

	memcpy(copy, text, n);
	return copy;
}

char *tact_arena_printf(struct tact_arena *arena, const char *format, ...)
{
	char *text = NULL, *copy;
	va_list args;
	int n;

	/* Not vsnprintf: under -fsanitize=undefined gcc takes its own check for NULL for a call with it. */
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return tact_malloc(SIZE_MAX);
	copy = tact_arena_copy(arena, text, (size_t)n + 1);
	free(text);
	return copy;
}

/* The array is full exactly when its count is 0 or a power of two. */
void *tact_arena_push(struct tact_arena *arena, void **items, size_t *count, size_t item_bytes)
{
	size_t n = *count, capacity = n == 0 ? 1 : 2 * n;
	unsigned char *array, *grown;

	/* Copied as bytes: the caller's variable is a pointer to its own type, not a void pointer. */
	memcpy(&array, items, sizeof array);
	if ((n & (n - 1)) == 0) {
		if (n > SIZE_MAX / 4 / item_bytes)
			return tact_malloc(SIZE_MAX);
		grown = tact_arena_alloc(arena, capacity * item_bytes);
		if (n > 0)
			memcpy(grown, array, n * item_bytes);
		array = grown;
		memcpy(items, &array, sizeof array);
	}
	*count = n + 1;
	return memset(array + n * item_bytes, 0, item_bytes);
}
