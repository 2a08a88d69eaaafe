/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Load, free, compare, print: the room's door. How a file is read stands in scan.c and load.c, what becomes
 * of it in build.c and check.c.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define FILE_MOST (1 << 20)

/* ---- load ------------------------------------------------------------------------------------------------
 */

static int report_system(struct tact_config_mistakes *mistakes, const char *path, const char *why)
{
	*TACT_PUSH(mistakes->arena, mistakes->texts, mistakes->count) =
	    tact_arena_printf(mistakes->arena, "%s: cannot be read: %s", path, why);
	return TACT_SYSTEM;
}

/* Room for one byte more than is allowed, so that too long is seen. */
static int read_file(struct reading *reading, char **ret_text, size_t *ret_length, const char **ret_why)
{
	FILE *file = fopen(reading->path, "re");
	if (file == NULL) {
		*ret_why = strerror(errno);
		return TACT_SYSTEM;
	}
	char *text = tact_arena_alloc(reading->arena, FILE_MOST + 2);
	size_t length = fread(text, 1, FILE_MOST + 1, file);
	int failed = ferror(file) ? errno : 0;
	fclose(file);
	if (failed != 0) {
		*ret_why = strerror(failed);
		return TACT_SYSTEM;
	}
	*ret_text = text;
	*ret_length = length;
	return TACT_OK;
}

/* What a C string could not hold is asked of a file only: whoever hands over a text printed it himself. */
static void refuse_file(struct reading *reading, const char *text, size_t length)
{
	int line = 1;
	for (const char *p = text; p < text + strlen(text); p++)
		line += *p == '\n';
	if (length > FILE_MOST)
		tact_config_mistake(reading, 1, "longer than 1 MiB; is this the right file?");
	else if (strlen(text) != length)
		tact_config_mistake(reading, line,
		    "there is a NUL byte here; write the file in UTF-8, without control characters");
}

static void release(struct whole *whole)
{
	for (size_t i = 0; i < whole->zones_count; i++)
		tact_zone_free(&whole->zones[i]);
	for (size_t i = 0; i < whole->patterns_count; i++)
		tact_facts_free_pattern(&whole->patterns[i]);
}

static void build_and_check(struct reading *reading, struct whole *whole)
{
	struct build build = {.reading = reading, .whole = whole};
	bool readable = !reading->stopped;
	tact_config_build(&build);
	if (readable) /* else what is missing may stand in the part that was not read */
		tact_config_check(&build);
}

static int by_line(const void *a, const void *b)
{
	const struct mistake *left = a, *right = b;
	return left->line != right->line ? left->line - right->line : left->order - right->order;
}

static void hand_over(struct reading *reading, struct tact_config_mistakes *mistakes)
{
	if (reading->mistakes_count > 0)
		qsort(reading->mistakes, reading->mistakes_count, sizeof *reading->mistakes, by_line);
	for (size_t i = 0; i < reading->mistakes_count; i++)
		*TACT_PUSH(mistakes->arena, mistakes->texts, mistakes->count) =
		    tact_arena_strdup(mistakes->arena, reading->mistakes[i].text);
}

static int load_text(struct reading *reading, const char *text, struct whole **ret)
{
	struct whole *whole = tact_arena_alloc(reading->arena, sizeof *whole);
	tact_config_read(reading, tact_config_scan(reading, text));
	build_and_check(reading, whole);
	if (reading->mistakes_count > 0) {
		release(whole);
		return reading->mistakes_count > reading->passing_count ? TACT_INVALID : TACT_SYSTEM;
	}
	*ret = whole;
	return TACT_OK;
}

/* Windows' editors put it there. */
static const char *skip_mark(const char *text)
{
	return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

static void name_policy(struct whole *whole, struct tact_arena *arena, const char *read)
{
	uint8_t digest[TACT_SHA256_BYTES];
	char *text = tact_config_print(arena, &whole->config);
	tact_digest_sha256(text, strlen(text), digest);
	whole->config.rules.text = text;
	whole->config.text = whole->config.reads_files ? text : tact_arena_strdup(arena, read);
	whole->config.rules.digest = tact_hex_encode(arena, digest, sizeof digest);
}

int tact_config_load(
    const char *path, const char *text, struct tact_config **ret, struct tact_config_mistakes *mistakes)
{
	struct tact_arena *arena = tact_arena_new();
	struct reading reading = {.arena = arena, .path = tact_arena_strdup(arena, path), .last_line = 1};
	struct whole *whole = NULL;
	const char *why = NULL;
	char *file_text = NULL;
	size_t length = 0;
	int result = text != NULL ? TACT_OK : read_file(&reading, &file_text, &length, &why);
	if (result != TACT_OK) {
		report_system(mistakes, path, why);
		goto out;
	}
	if (text == NULL)
		refuse_file(&reading, file_text, length);
	text = skip_mark(text != NULL ? text : file_text);
	result = reading.mistakes_count > 0 ? TACT_INVALID : load_text(&reading, text, &whole);
	hand_over(&reading, mistakes);
out:
	if (result == TACT_OK) {
		whole->config.arena = arena;
		name_policy(whole, arena, text);
		*ret = &whole->config;
	} else {
		tact_arena_free(&arena);
	}
	return result;
}

void tact_config_free(struct tact_config **config)
{
	if (config == NULL || *config == NULL)
		return;
	struct tact_arena *arena = (*config)->arena; /* owns the configuration too */
	release(tact_config_whole(*config));
	tact_arena_free(&arena);
	*config = NULL;
}

/* ---- print -----------------------------------------------------------------------------------------------
 */

struct page {
	char *text;
	size_t length, size;
};

static void put(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct page *page, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	size_t more = (size_t)vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (page->length + more + 1 > page->size) {
		page->size = 2 * (page->length + more + 1);
		page->text = tact_realloc(page->text, page->size);
	}
	vsnprintf(page->text + page->length, more + 1, format, args);
	page->length += more;
	va_end(args);
}

/* An exempt stream is never delayed, so that a max_delay of its own would be a mistake. */
static bool is_moot(const struct row *row, const void *target)
{
	return row == tact_config_row_find("stream", "max_delay") &&
	       ((const struct tact_stream *)target)->exempt;
}

static void put_options(struct page *page, const char *kind, const void *target, const char *indent)
{
	struct tact_arena *scratch = tact_arena_new();
	for (size_t i = 0; tact_config_row_at(i) != NULL; i++) {
		const struct row *row = tact_config_row_at(i);
		if (strcmp(row->doc.section, kind) != 0)
			continue;
		const char *value = row->type->print(scratch, row, (const char *)target + row->offset);
		if (value != NULL && !is_moot(row, target))
			put(page, "%s%s = %s\n", indent, row->doc.name, value);
		else
			put(page, "%s# %s: none\n", indent, row->doc.name);
	}
	tact_arena_free(&scratch);
}

static void put_section(struct page *page, const char *kind, const char *title, const void *target)
{
	if (title != NULL)
		put(page, "\n%s \"%s\" {\n", kind, title);
	else
		put(page, "\n%s {\n", kind);
	put_options(page, kind, target, "\t");
	put(page, "}\n");
}

static void put_listeners(struct page *page, const struct whole *whole)
{
	for (size_t i = 0; i < whole->config.listeners_count; i++)
		put_section(page, "listener", whole->listeners[i].name, &whole->listeners[i]);
}

char *tact_config_print(struct tact_arena *arena, const struct tact_config *config)
{
	const struct whole *whole = tact_config_whole(config);
	struct page page = {NULL, 0, 0};
	put_options(&page, "", whole, "");
	put_section(&page, "canonical", NULL, whole);
	put_section(&page, "trusted", NULL, whole);
	put_listeners(&page, whole);
	for (size_t i = 0; i < whole->owners_count; i++)
		put_section(&page, "owner", whole->owners[i].name, &whole->owners[i]);
	for (size_t i = 0; i < whole->brands_count; i++)
		put_section(&page, "brand", whole->brands[i].name, &whole->brands[i]);
	for (size_t i = 0; i < whole->searches_count; i++)
		put_section(&page, "pattern", whole->searches[i].name, &whole->searches[i]);
	for (size_t i = 0; i < whole->streams_count; i++)
		put_section(&page, "stream", whole->streams[i].name, &whole->streams[i]);
	for (size_t i = 0; i < whole->rules_count; i++) {
		const struct tact_rule *rule = &whole->rules[i];
		if (rule->kind == TACT_RULE_BREAKER && rule->breaker.about != TACT_BREAKER_RATES)
			continue; /* always there, and nothing of it can be set */
		put_section(&page, tact_policy_rule_kind_name(rule->kind), rule->name, rule);
	}
	char *text = tact_arena_strdup(arena, page.text);
	free(page.text);
	return text;
}

/* ---- compare ---------------------------------------------------------------------------------------------
 */

static void compare_row(const struct row *row, const struct whole *running, const struct whole *fresh,
    struct tact_config_mistakes *ret)
{
	const char *old = row->type->print(ret->arena, row, (const char *)running + row->offset);
	const char *new = row->type->print(ret->arena, row, (const char *)fresh + row->offset);
	if (!tact_text_equal(old, new))
		*TACT_PUSH(ret->arena, ret->texts, ret->count) =
		    tact_arena_printf(ret->arena, "%s%s%s: needs a restart", row->doc.section,
			*row->doc.section != '\0' ? " " : "", row->doc.name);
}

static void compare_listeners(
    const struct whole *running, const struct whole *fresh, struct tact_config_mistakes *ret)
{
	struct page old = {NULL, 0, 0}, new = {NULL, 0, 0};
	put_listeners(&old, running);
	put_listeners(&new, fresh);
	if (!tact_text_equal(old.text, new.text))
		*TACT_PUSH(ret->arena, ret->texts, ret->count) =
		    tact_arena_strdup(ret->arena, "listener: needs a restart");
	free(old.text);
	free(new.text);
}

/* Rows of the top level and of the two sections that stand once lie in the whole; of the others only
 * listeners need a restart. */
void tact_config_compare(
    const struct tact_config *running, const struct tact_config *fresh, struct tact_config_mistakes *ret)
{
	for (size_t i = 0; tact_config_row_at(i) != NULL; i++) {
		const struct row *row = tact_config_row_at(i);
		bool single = *row->doc.section == '\0' || !tact_config_has_title(row->doc.section);
		if (!row->doc.reloadable && single)
			compare_row(row, tact_config_whole(running), tact_config_whole(fresh), ret);
	}
	compare_listeners(tact_config_whole(running), tact_config_whole(fresh), ret);
}
