/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The canonical profile as one line of text: how a store remembers the rules its keys were made by.
 */
#include <config.h>

#include "internal.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* " plus=a.example,b.example": lower case, sorted, each once; nothing at all for an empty list. */
static const char *format_list(
    struct tact_arena *arena, const char *name, const char *const *domains, size_t count)
{
	if (count == 0)
		return "";
	const char **sorted = tact_arena_alloc(arena, count * sizeof *sorted);
	for (size_t i = 0; i < count; i++)
		sorted[i] = facts_lower(arena, domains[i], strlen(domains[i]), false);
	qsort(sorted, count, sizeof *sorted, compare_names);
	const char *line = tact_arena_printf(arena, " %s=%s", name, sorted[0]);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(sorted[i], sorted[i - 1]) != 0)
			line = tact_arena_printf(arena, "%s,%s", line, sorted[i]);
	}
	return line;
}

char *tact_facts_format_profile(struct tact_arena *arena, const struct tact_canonical_profile *profile)
{
	return tact_arena_printf(arena, "case=%s%s%s", profile->fold_local_case ? "fold" : "keep",
	    format_list(arena, "plus", profile->plus_domains, profile->plus_domains_count),
	    format_list(arena, "dots", profile->dot_domains, profile->dot_domains_count));
}

static int parse_list(
    struct tact_arena *arena, char *text, const char *const **ret, size_t *ret_count, struct tact_error *err)
{
	const char **domains = NULL;
	size_t count = 0;
	while (text != NULL) {
		const char *word = strsep(&text, ",");
		char *domain;
		if (tact_facts_parse_domain(arena, word, &domain, err) != TACT_OK ||
		    strcmp(domain, word) != 0)
			return tact_error_set(
			    err, TACT_INVALID, "canonical profile: \"%s\" is no domain in A-labels", word);
		*TACT_PUSH(arena, domains, count) = domain;
	}
	*ret = domains;
	*ret_count = count;
	return TACT_OK;
}

static int parse_word(
    struct tact_arena *arena, char *word, struct tact_canonical_profile *profile, struct tact_error *err)
{
	char *value = word;
	const char *name = strsep(&value, "=");
	if (value != NULL && strcmp(name, "plus") == 0)
		return parse_list(arena, value, &profile->plus_domains, &profile->plus_domains_count, err);
	if (value != NULL && strcmp(name, "dots") == 0)
		return parse_list(arena, value, &profile->dot_domains, &profile->dot_domains_count, err);
	return tact_error_set(
	    err, TACT_INVALID, "canonical profile: \"%s\" is neither plus= nor dots=", name);
}

int tact_facts_parse_profile(
    struct tact_arena *arena, const char *text, struct tact_canonical_profile *ret, struct tact_error *err)
{
	struct tact_canonical_profile profile = {0};
	char *rest = tact_arena_strdup(arena, text);
	const char *first = strsep(&rest, " ");
	profile.fold_local_case = strcmp(first, "case=fold") == 0;
	if (!profile.fold_local_case && strcmp(first, "case=keep") != 0)
		return tact_error_set(
		    err, TACT_INVALID, "canonical profile: it starts with case=fold or case=keep");
	while (rest != NULL) {
		int result = parse_word(arena, strsep(&rest, " "), &profile, err);
		if (result != TACT_OK)
			return result;
	}
	/* A line that is not its own format was not written by us: then it must not name anyone's key. */
	if (strcmp(tact_facts_format_profile(arena, &profile), text) != 0)
		return tact_error_set(
		    err, TACT_INVALID, "canonical profile: not in its one spelling (sorted, each once)");
	*ret = profile;
	return TACT_OK;
}
