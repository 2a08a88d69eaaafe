/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A row of a file of profiles: which columns there are, and what they say. An empty cell says nothing.
 */
#include <config.h>

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* ---- columns ---- */

/* "birthday" and "occasion_NAME" name occasions. */
static const char *occasion_of(struct cli_import *import, const char *column)
{
	static const char prefix[] = "occasion_";
	const char *name;
	struct tact_error err;

	if (tact_text_equal_nocase(column, "birthday"))
		return "birthday";
	if (!tact_text_starts_nocase(column, prefix) ||
	    cli_occasion_name(import->lasting, column + strlen(prefix), &name, &err) != TACT_OK)
		return NULL;
	return name;
}

static int occasion_field(struct cli_import *import, int first, const char *name)
{
	size_t i = 0;

	while (i < import->occasions_count && strcmp(import->occasions[i], name) != 0)
		i++;
	if (i == import->occasions_count)
		*TACT_PUSH(import->lasting, import->occasions, import->occasions_count) = name;
	return first + CLI_PROFILE_FIELDS + (int)i;
}

int cli_import_profile_field(struct cli_import *import, int first, const char *column)
{
	const char *name = occasion_of(import, column);

	for (int i = 0; i < CLI_PROFILE_FIELDS; i++)
		if (tact_text_equal_nocase(column, cli_profile_fields[i].name))
			return first + i;
	return name != NULL ? occasion_field(import, first, name) : -1;
}

/* ---- cells ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The value, kept; NULL and words when it cannot be. Each is checked once, however many rows say it. */
static const char *check_once(struct cli_import *import, struct cli_csv *csv,
    const struct cli_profile_field *field, const char *text, struct tact_error *err)
{
	size_t offset = strlen(field->name) + 1;
	const char *whole = tact_arena_printf(cli_csv_arena(csv), "%s=%s", field->name, text);
	char *const *found = tfind(whole, &import->checked, compare_texts);

	if (found == NULL && field->check(import->rules, text, err) != TACT_OK)
		return NULL;
	if (found == NULL)
		found = tsearch(tact_arena_strdup(import->lasting, whole), &import->checked, compare_texts);
	if (found == NULL)
		abort(); /* out of memory */
	return *found + offset;
}

static bool read_fields(
    struct cli_import *import, struct cli_csv *csv, int first, struct tact_profile_change *ret)
{
	bool says = false;

	for (int i = 0; i < CLI_PROFILE_FIELDS; i++) {
		const struct cli_profile_field *field = &cli_profile_fields[i];
		const char *text = cli_csv_cell(csv, first + i), *value;
		struct tact_error err;

		if (*text == '\0')
			continue;
		value = check_once(import, csv, field, text, &err);
		if (value == NULL) {
			cli_csv_mistake(csv, "%s: %s", field->name, cli_safe(cli_csv_arena(csv), err.text));
			continue;
		}
		*cli_profile_set(ret, field) = value;
		import->fields[i]++;
		says = true;
	}
	return says;
}

static size_t read_occasions(
    struct cli_import *import, struct cli_csv *csv, int first, struct tact_occasion *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < import->occasions_count; i++) {
		const char *text = cli_csv_cell(csv, first + CLI_PROFILE_FIELDS + (int)i);
		struct tact_error err;

		if (*text == '\0')
			continue;
		ret[count] = (struct tact_occasion){.name = import->occasions[i]};
		if (tact_dossier_parse_date(text, &ret[count], &err) == TACT_OK)
			count++;
		else
			cli_csv_mistake(
			    csv, "%s: %s", import->occasions[i], cli_safe(cli_csv_arena(csv), err.text));
	}
	return count;
}

const struct tact_profile_change *cli_import_profile(
    struct cli_import *import, struct cli_csv *csv, int first)
{
	struct tact_profile_change change = {0};
	struct tact_occasion *occasions =
	    tact_arena_alloc(cli_csv_arena(csv), (import->occasions_count + 1) * sizeof *occasions);
	bool says = read_fields(import, csv, first, &change);

	change.occasions_count = read_occasions(import, csv, first, occasions);
	if (!says && change.occasions_count == 0)
		return NULL;
	if (change.occasions_count > 0) {
		change.occasions =
		    tact_arena_copy(import->arena, occasions, change.occasions_count * sizeof *occasions);
		import->fields[CLI_PROFILE_FIELDS]++;
	}
	return tact_arena_copy(import->arena, &change, sizeof change);
}
