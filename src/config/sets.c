/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The patterns behind the names in content rules: those of the file's own pattern sections, and those that
 * tact brings along, each compiled once.
 */
#include <config.h>

#include "private.h"

static const struct tact_pattern *compile(struct build *build, const char *text)
{
	struct whole *whole = build->whole;
	struct tact_pattern *pattern = NULL;
	struct tact_error err;
	if (tact_facts_compile_search(text, true, &pattern, &err) != TACT_OK) {
		tact_config_mistake(build->reading, 1,
		    "a pattern that tact brings along does not compile: %s",
		    tact_config_show(build->reading, err.text));
		return NULL;
	}
	*TACT_PUSH(build->reading->arena, whole->patterns, whole->patterns_count) = pattern;
	return pattern;
}

static struct tact_pattern_set bring_along(struct build *build, const char *name)
{
	struct whole *whole = build->whole;
	size_t count = 0, made = 0;
	const char *const *texts = tact_facts_pattern_set(name, &count);
	const struct tact_pattern **patterns = NULL;
	for (size_t i = 0; i < whole->sets_count; i++)
		if (tact_text_equal_nocase(whole->sets[i].name, name))
			return whole->sets[i];
	for (size_t i = 0; i < count; i++) {
		const struct tact_pattern *pattern = compile(build, texts[i]);
		if (pattern != NULL)
			*TACT_PUSH(build->reading->arena, patterns, made) = pattern;
	}
	struct tact_pattern_set set = {.name = name, .patterns = patterns, .count = made};
	*TACT_PUSH(build->reading->arena, whole->sets, whole->sets_count) = set;
	return set;
}

static struct tact_pattern_set find(struct build *build, const char *name)
{
	const struct whole *whole = build->whole;
	for (size_t i = 0; i < whole->searches_count; i++)
		if (tact_text_equal_nocase(whole->searches[i].name, name))
			return (struct tact_pattern_set){.name = whole->searches[i].name,
			    .patterns = whole->searches[i].compiled,
			    .count = whole->searches[i].match.count};
	return bring_along(build, name);
}

static const struct tact_pattern_set *find_all(struct build *build, const struct tact_names *names)
{
	struct tact_pattern_set *sets = NULL;
	size_t count = 0;
	for (size_t i = 0; i < names->count; i++) {
		struct tact_pattern_set set = find(build, names->names[i]);
		*TACT_PUSH(build->reading->arena, sets, count) = set;
	}
	return sets;
}

void tact_config_find_sets(struct build *build, struct tact_content_rule *rule)
{
	rule->must_not_sets = find_all(build, &rule->must_not);
	rule->must_sets = find_all(build, &rule->must);
}
