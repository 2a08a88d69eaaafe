/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the file said: mistakes, and finding an entry in a section. Judges nothing.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "private.h"

static void add_mistake(
    struct reading *reading, int line, const char *path, int path_line, const char *format, va_list args)
{
	char text[1024];
	vsnprintf(text, sizeof text, format, args);
	struct mistake *mistake = TACT_PUSH(reading->arena, reading->mistakes, reading->mistakes_count);
	mistake->line = line;
	mistake->order = (int)reading->mistakes_count;
	mistake->text = tact_arena_printf(reading->arena, "%s:%d: %s", path, path_line, text);
}

void tact_config_mistake(struct reading *reading, int line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_mistake(reading, line, reading->path, line, format, args);
	va_end(args);
}

void tact_config_mistake_in(
    struct reading *reading, int line, const char *path, int path_line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_mistake(reading, line, path, path_line, format, args);
	va_end(args);
}

const char *tact_config_show(struct reading *reading, const char *value)
{
	return tact_text_printable(reading->arena, value, 80);
}

const struct entry *tact_config_entry(const struct section *section, const char *name)
{
	for (size_t i = 0; i < section->entries_count; i++)
		if (strcmp(section->entries[i].name, name) == 0)
			return &section->entries[i];
	return NULL;
}

int tact_config_line(const struct section *section, const char *name)
{
	const struct entry *entry = tact_config_entry(section, name);
	return entry != NULL ? entry->line : section->line;
}

/* ---- the nearest name ------------------------------------------------------------------------------------
 */

#define LONGEST_NAME 32

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* Insertions, deletions and replacements from a to b. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[LONGEST_NAME + 1];
	size_t length = strlen(b);
	for (size_t j = 0; j <= length; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= length; j++) {
			unsigned above = row[j];
			row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[length];
}

const char *tact_config_nearest(const char *name, const char *const *candidates, size_t count)
{
	const char *nearest = NULL;
	size_t length = strlen(name);
	unsigned bound = length < 4 ? length > 1 : (unsigned)length / 4 + 1;
	if (length > LONGEST_NAME)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (strlen(candidates[i]) > LONGEST_NAME)
			continue;
		unsigned d = distance(name, candidates[i]);
		if (d <= bound) {
			nearest = candidates[i];
			bound = d == 0 ? 0 : d - 1;
		}
		if (d == 0)
			break;
	}
	return nearest;
}
