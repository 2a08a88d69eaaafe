/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * malloc and friends that never return NULL; arenas are in arena.c.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <tact/base.h>

/* _exit and not exit: handlers run at exit may want memory too, and other threads are still at work. */
static _Noreturn void out_of_memory(size_t size_bytes)
{
	tact_log(TACT_LOG_ERROR, "out of memory: %zu bytes wanted", size_bytes);
	_exit(EX_OSERR);
}

/* Zero bytes are asked for as one, because malloc(0) may answer NULL without being out of memory. */
void *tact_malloc(size_t size_bytes)
{
	void *p = malloc(size_bytes == 0 ? 1 : size_bytes);

	if (p == NULL)
		out_of_memory(size_bytes);
	return p;
}

void *tact_calloc(size_t count, size_t size_bytes)
{
	void *p = count == 0 || size_bytes == 0 ? calloc(1, 1) : calloc(count, size_bytes);

	if (p == NULL)
		out_of_memory(size_bytes);
	return p;
}

void *tact_realloc(void *old, size_t size_bytes)
{
	void *p = realloc(old, size_bytes == 0 ? 1 : size_bytes);

	if (p == NULL)
		out_of_memory(size_bytes);
	return p;
}

char *tact_strdup(const char *text)
{
	size_t size_bytes = strlen(text) + 1;

	return memcpy(tact_malloc(size_bytes), text, size_bytes);
}
