/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The patterns behind the names in content rules: those of the file's own pattern sections, and those that
 * tact brings along, each compiled once.
 */
#include <config.h>

#include "private.h"

static struct tact_pattern_set compile(struct build *build, const char *name)
{
	struct whole *whole = build->whole;
	struct tact_arena *arena = build->reading->arena;
	struct tact_pattern *pattern = NULL;
	struct tact_pattern_set set = {.name = name};
	const struct tact_pattern **patterns = NULL;
	struct tact_error err;
	if (tact_facts_compile_set(name, &pattern, &err) != TACT_OK) {
		tact_config_mistake(build->reading, 1, "what tact brings along does not compile: %s",
		    tact_config_show(build->reading, err.text));
		return set;
	}
	*TACT_PUSH(arena, whole->patterns, whole->patterns_count) = pattern;
	*TACT_PUSH(arena, patterns, set.count) = pattern;
	set.patterns = patterns;
	return set;
}

/* A name that is none is told elsewhere. */
static struct tact_pattern_set bring_along(struct build *build, const char *name)
{
	struct whole *whole = build->whole;
	for (size_t i = 0; i < whole->sets_count; i++)
		if (tact_text_equal_nocase(whole->sets[i].name, name))
			return whole->sets[i];
	if (tact_facts_pattern_set_text(name, 0) == NULL)
		return (struct tact_pattern_set){.name = name};
	struct tact_pattern_set set = compile(build, name);
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
