/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Profiles: fields set and cleared, occasions by their name. Pure.
 */
#include <config.h>

#include <string.h>

#include "change.h"

/* ---- fields ---- */

/* The fields that are text, each with its name. */
static const struct {
	const char *name;
	size_t from, to; /* in the change, in the profile */
} fields[] = {
    {"zone", offsetof(struct tact_profile_change, zone), offsetof(struct tact_profile, zone)},
    {"home_owner", offsetof(struct tact_profile_change, home_owner),
	offsetof(struct tact_profile, home_owner)},
    {"language", offsetof(struct tact_profile_change, language), offsetof(struct tact_profile, language)},
    {"own_limit", offsetof(struct tact_profile_change, own_limit), offsetof(struct tact_profile, own_limit)},
};
#define FIELDS (sizeof fields / sizeof *fields)

static const char **field_at(const void *base, size_t offset)
{
	return (const char **)((uintptr_t)base + offset);
}

static bool set_field(const char **field, const char *value)
{
	if (value == NULL || tact_text_equal(*field, value))
		return false;
	*field = value;
	return true;
}

/* ---- occasions ---- */

static size_t find_occasion(const struct tact_profile *profile, const char *name)
{
	size_t i = 0;

	while (i < profile->occasions_count && !tact_text_equal_nocase(profile->occasions[i].name, name))
		i++;
	return i;
}

static bool clear_occasion(struct tact_profile *profile, size_t at)
{
	if (at == profile->occasions_count)
		return false;
	profile->occasions_count--;
	memmove(&profile->occasions[at], &profile->occasions[at + 1],
	    (profile->occasions_count - at) * sizeof *profile->occasions);
	return true;
}

static bool set_occasion(
    struct tact_arena *arena, struct tact_profile *profile, const struct tact_occasion *occasion)
{
	size_t at = find_occasion(profile, occasion->name);
	struct tact_occasion *known;

	if (occasion->month == 0)
		return clear_occasion(profile, at);
	if (at == profile->occasions_count) {
		*TACT_PUSH(arena, profile->occasions, profile->occasions_count) = *occasion;
		return true;
	}
	known = &profile->occasions[at];
	if (known->year == occasion->year && known->month == occasion->month && known->day == occasion->day)
		return false;
	known->year = occasion->year;
	known->month = occasion->month;
	known->day = occasion->day;
	return true;
}

/* ---- the whole ---- */

bool change_profile(
    struct tact_arena *arena, struct tact_profile *profile, const struct tact_profile_change *change)
{
	bool changed = false;

	for (size_t i = 0; i < FIELDS; i++)
		changed |= set_field(field_at(profile, fields[i].to), *field_at(change, fields[i].from));
	for (size_t i = 0; i < change->occasions_count; i++)
		changed |= set_occasion(arena, profile, &change->occasions[i]);
	return changed;
}

struct tact_profile_change change_profile_clearing(
    struct tact_arena *arena, const struct tact_profile_change *change)
{
	struct tact_profile_change clearing = {0};
	struct tact_occasion *occasions =
	    tact_arena_alloc(arena, (change->occasions_count + 1) * sizeof *occasions);

	for (size_t i = 0; i < FIELDS; i++) {
		const char *value = *field_at(change, fields[i].from);

		if (value != NULL && *value == '\0')
			*field_at(&clearing, fields[i].from) = "";
	}
	for (size_t i = 0; i < change->occasions_count; i++)
		if (change->occasions[i].month == 0)
			occasions[clearing.occasions_count++] = change->occasions[i];
	clearing.occasions = occasions;
	return clearing;
}

static const char *add_words(struct tact_arena *arena, const char *words, const char *name, const char *value)
{
	return tact_arena_printf(arena, "%s%s%s%s%s", words, *words != '\0' ? " " : "", name,
	    *value != '\0' ? "=" : " cleared", value);
}

const char *change_profile_words(struct tact_arena *arena, const struct tact_profile_change *change)
{
	const char *words = "";

	for (size_t i = 0; i < FIELDS; i++) {
		const char *value = *field_at(change, fields[i].from);

		if (value != NULL)
			words = add_words(arena, words, fields[i].name, value);
	}
	for (size_t i = 0; i < change->occasions_count; i++)
		words = add_words(arena, words, change->occasions[i].name,
		    change->occasions[i].month != 0 ? tact_dossier_format_date(arena, &change->occasions[i])
						    : "");
	return words;
}
