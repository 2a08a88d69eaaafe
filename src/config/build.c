/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Makes the configuration of what was read: every row of the table applied to every section. Whether the
 * settings agree is check.c's matter.
 */
#include <config.h>

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "private.h"
#include "values.h"

static void parse_entry(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct reading *reading = build->reading;
	if (!row->type->list && entry->count != 1) {
		tact_config_mistake(reading, entry->line, "%s takes one value, not %zu; write %s",
		    row->doc.name, entry->count, row->doc.range);
		return;
	}
	for (size_t i = 0; i < entry->count; i++)
		if (entry->values[i][0] == '\0' && !row->blank) {
			tact_config_mistake(reading, entry->line,
			    "%s is blank; write %s, or leave the option out", row->doc.name, row->doc.range);
			return;
		}
	row->type->parse(build, row, entry, target);
}

/* A preset list is written as in a file: {a, b}. */
static struct entry preset_of(struct build *build, const struct section *section, const struct row *row)
{
	struct tact_arena *arena = build->reading->arena;
	struct entry entry = {.name = row->doc.name, .line = section->line};
	const char *preset = row->doc.preset;
	size_t length;
	if (!row->type->list || *preset != '{') {
		*TACT_PUSH(arena, entry.values, entry.count) = preset;
		return entry;
	}
	for (preset++; *preset != '\0'; preset += length + strspn(preset + length, ", }")) {
		length = strcspn(preset, ",}");
		*TACT_PUSH(arena, entry.values, entry.count) = tact_arena_strndup(arena, preset, length);
	}
	return entry;
}

static void apply_row(struct build *build, const struct section *section, const struct row *row, void *target)
{
	bool given = false;
	for (size_t i = 0; i < section->entries_count; i++) {
		if (strcmp(section->entries[i].name, row->doc.name) != 0)
			continue;
		parse_entry(build, row, &section->entries[i], target); /* said twice, both are judged */
		given = true;
	}
	if (given)
		return;
	if (row->doc.required && !build->reading->stopped)
		tact_config_mistake(build->reading, section->line, "%s \"%s\" has no %s; write %s = %s",
		    section->kind, section->title, row->doc.name, row->doc.name, row->doc.range);
	else if (*row->doc.preset != '\0') {
		struct entry preset = preset_of(build, section, row);
		row->type->parse(build, row, &preset, target);
	}
}

void tact_config_apply(struct build *build, const struct section *section, void *target)
{
	for (size_t i = 0; tact_config_row_at(i) != NULL; i++) {
		const struct row *row = tact_config_row_at(i);
		if (strcmp(row->doc.section, section->kind) == 0)
			apply_row(build, section, row, (char *)target + row->offset);
	}
}

/* ---- sections that stand once ----------------------------------------------------------------------------
 */

static void apply_single(struct build *build, const char *kind)
{
	struct reading *reading = build->reading;
	const struct section *found = NULL, none = {.kind = kind, .title = "", .line = 1};
	for (size_t i = 0; i < reading->sections_count; i++) {
		const struct section *section = &reading->sections[i];
		if (strcmp(section->kind, kind) != 0)
			continue;
		if (found == NULL)
			found = section;
		else if (*kind == '\0')
			tact_config_mistake(reading, section->line,
			    "there is no option (section); tact.conf(5) lists them all");
		else
			tact_config_mistake(reading, section->line,
			    "%s is given a second time, first in line %d; make one of the two", kind,
			    found->line);
	}
	tact_config_apply(build, found != NULL ? found : &none, build->whole);
}

static void name_host(struct build *build)
{
	struct tact_config *config = &build->whole->config;
	char name[HOST_NAME_MAX + 1] = "";
	if (config->host != NULL && *config->host != '\0')
		return;
	if (gethostname(name, sizeof name - 1) != 0 || *name == '\0')
		tact_config_mistake(build->reading, 1, "this machine has no name; write host = NAME");
	else if (!tact_text_is_host(name))
		tact_config_mistake(build->reading, 1,
		    "this machine calls itself \"%s\", which is no name of a relay; write host = NAME",
		    tact_config_show(build->reading, name));
	config->host = tact_arena_strdup(build->reading->arena, name);
}

/* ---- sections with names ---------------------------------------------------------------------------------
 */

static bool is_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t length = strspn(text, letters);
	return length > 0 && length <= 64 && text[length] == '\0';
}

static bool is_kind(const struct section *section, const char *kind)
{
	return strcmp(section->kind, kind) == 0;
}

/* Names are compared without case wherever rules name them, so they must differ by more than case. */
static void check_title(struct build *build, const struct section *section)
{
	struct reading *reading = build->reading;
	if (!is_name(section->title))
		tact_config_mistake(reading, section->line,
		    "\"%s\" is no name for a section; write 1 to 64 letters, digits, dots, hyphens and "
		    "underscores",
		    tact_config_show(reading, section->title));
	for (const struct section *other = reading->sections; other < section; other++)
		if (is_kind(other, section->kind) && tact_text_equal_nocase(other->title, section->title)) {
			tact_config_mistake(reading, section->line,
			    "%s \"%s\" is given a second time, first in line %d; give it another name",
			    section->kind, tact_config_show(reading, section->title), other->line);
			break;
		}
}

static void build_listener(struct build *build, const struct section *section)
{
	struct whole *whole = build->whole;
	struct tact_listener *listener =
	    TACT_PUSH(build->reading->arena, whole->listeners, whole->config.listeners_count);
	listener->name = section->title;
	tact_config_apply(build, section, listener);
}

static void build_owner(struct build *build, const struct section *section)
{
	struct tact_owner *owner =
	    TACT_PUSH(build->reading->arena, build->whole->owners, build->whole->owners_count);
	owner->name = section->title;
	tact_config_apply(build, section, owner);
}

static void build_brand(struct build *build, const struct section *section)
{
	struct tact_brand *brand =
	    TACT_PUSH(build->reading->arena, build->whole->brands, build->whole->brands_count);
	brand->name = section->title;
	tact_config_apply(build, section, brand);
}

static void build_search(struct build *build, const struct section *section)
{
	struct search *search =
	    TACT_PUSH(build->reading->arena, build->whole->searches, build->whole->searches_count);
	search->name = section->title;
	tact_config_apply(build, section, search);
}

static void push_stream(struct build *build, const char *name, const struct section *section)
{
	struct whole *whole = build->whole;
	struct tact_arena *arena = build->reading->arena;
	size_t count = whole->streams_count;
	*TACT_PUSH(arena, build->streams, count) = section;
	*TACT_PUSH(arena, whole->streams, whole->streams_count) = (struct tact_stream){
	    .name = name,
	    .owner = "",
	    .brand = "",
	    .delay_by = whole->delay_by,
	    .quarantine_by = whole->quarantine_by,
	    .max_delay_s = whole->max_delay_s,
	    .max_waiting = whole->max_waiting,
	    .personal_max = whole->personal_max,
	};
}

static void build_stream(struct build *build, const struct section *section)
{
	push_stream(build, section->title, section);
	struct tact_stream *stream = &build->whole->streams[build->whole->streams_count - 1];
	tact_config_apply(build, section, stream);
	if (stream->direction == TACT_IN && tact_config_entry(section, "purpose") == NULL)
		stream->purpose = TACT_PERSONAL;
	if (tact_config_entry(section, "exempt") == NULL)
		stream->exempt = stream->purpose == TACT_PERSONAL || stream->purpose == TACT_TRANSACTIONAL;
	if (tact_config_entry(section, "counts") == NULL)
		stream->counts = stream->purpose != TACT_TRANSACTIONAL;
}

static void push_rule(
    struct build *build, const char *name, enum tact_rule_kind kind, const struct section *section)
{
	struct whole *whole = build->whole;
	struct tact_arena *arena = build->reading->arena;
	size_t count = whole->rules_count;
	*TACT_PUSH(arena, build->rules, count) = section;
	struct tact_rule *rule = TACT_PUSH(arena, whole->rules, whole->rules_count);
	*rule = (struct tact_rule){
	    .name = name,
	    .kind = kind,
	    .action = TACT_REJECT,
	    .limit = {.zone = whole->config.zone, .window = ""},
	    .consent = {.zone = whole->config.zone},
	    .quiet_hours = {.zone = whole->config.zone},
	    .occasion = {.zone = whole->config.zone},
	    .breaker = {.complaints_milli = -1, .unsubscribes_milli = -1, .bounces_milli = -1},
	};
	for (size_t i = 0; i < TACT_CHANNELS; i++)
		rule->limit.weight_milli[i] = 1000;
}

static void finish_content(struct build *build, const struct section *section, struct tact_rule *rule)
{
	tact_config_find_sets(build, &rule->content);
	if (tact_config_entry(section, "on_unreadable") == NULL)
		rule->content.on_unreadable = rule->action;
}

static const struct {
	const char *name;
	enum tact_breaker_about about;
	enum tact_verdict action;
} always[] = {
    {"paused-campaign", TACT_BREAKER_PAUSED, TACT_DELAY},
    {"cancelled-campaign", TACT_BREAKER_CANCELLED, TACT_REJECT},
};
#define ALWAYS (sizeof always / sizeof *always)

static void check_breaker(struct build *build, const struct section *section)
{
	for (size_t i = 0; i < ALWAYS; i++)
		if (tact_text_equal_nocase(section->title, always[i].name))
			tact_config_mistake(build->reading, section->line,
			    "breaker \"%s\" is always there and needs no section; give this one another name",
			    always[i].name);
}

/* Nothing, when the section is no rule's. */
static void build_rule(struct build *build, const struct section *section)
{
	enum tact_rule_kind kind;
	if (tact_policy_parse_rule_kind(section->kind, &kind) != TACT_OK)
		return;
	check_title(build, section);
	if (kind == TACT_RULE_BREAKER)
		check_breaker(build, section);
	push_rule(build, section->title, kind, section);
	struct tact_rule *rule = &build->whole->rules[build->whole->rules_count - 1];
	tact_config_apply(build, section, rule);
	if (kind == TACT_RULE_QUIET_HOURS)
		tact_config_finish_quiet_hours(build, section, &rule->quiet_hours);
	if (kind == TACT_RULE_CONTENT)
		finish_content(build, section, rule);
}

static void build_kind(
    struct build *build, const char *kind, void (*build_one)(struct build *, const struct section *))
{
	for (size_t i = 0; i < build->reading->sections_count; i++)
		if (is_kind(&build->reading->sections[i], kind)) {
			check_title(build, &build->reading->sections[i]);
			build_one(build, &build->reading->sections[i]);
		}
}

static bool has_section(const struct build *build, const char *kind)
{
	for (size_t i = 0; i < build->reading->sections_count; i++)
		if (is_kind(&build->reading->sections[i], kind))
			return true;
	return false;
}

/* What a person said of a campaign needs no section. */
static void build_always(struct build *build)
{
	for (size_t i = 0; i < ALWAYS; i++) {
		push_rule(build, always[i].name, TACT_RULE_BREAKER, NULL);
		struct tact_rule *rule = &build->whole->rules[build->whole->rules_count - 1];
		rule->action = always[i].action;
		rule->breaker.about = always[i].about;
	}
}

/* Rules of all kinds in file order. Nobody forgets the unsubscribes by leaving a section out. */
static void build_rules(struct build *build)
{
	if (!has_section(build, "suppression"))
		push_rule(build, "suppression", TACT_RULE_SUPPRESSION, NULL);
	for (size_t i = 0; i < build->reading->sections_count; i++)
		build_rule(build, &build->reading->sections[i]);
	build_always(build);
}

static const struct tact_stream *find_stream(const struct whole *whole, const char *name)
{
	for (size_t i = 0; i < whole->streams_count; i++)
		if (tact_text_equal_nocase(whole->streams[i].name, name))
			return &whole->streams[i];
	return NULL;
}

/* The built-in stream stands last and has no conditions: mail only falls to it. */
static void build_strictest(struct build *build)
{
	struct whole *whole = build->whole;
	bool built_in = tact_text_equal_nocase(whole->strictest, STREAM_UNMATCHED);
	if (built_in && find_stream(whole, STREAM_UNMATCHED) == NULL) {
		push_stream(build, STREAM_UNMATCHED, NULL);
		whole->streams[whole->streams_count - 1].counts = true;
	}
	whole->config.rules.streams.strictest =
	    find_stream(whole, whole->strictest); /* NULL is check's matter */
}

void tact_config_build(struct build *build)
{
	struct whole *whole = build->whole;
	apply_single(build, "");
	apply_single(build, "canonical");
	apply_single(build, "trusted");
	name_host(build);
	build_kind(build, "listener", build_listener);
	build_kind(build, "owner", build_owner);
	build_kind(build, "brand", build_brand);
	build_kind(build, "pattern", build_search);
	build_kind(build, "stream", build_stream);
	build_strictest(build);
	build_rules(build);
	whole->config.path = build->reading->path;
	whole->config.listeners = whole->listeners;
	whole->config.rules.streams.streams = whole->streams;
	whole->config.rules.streams.streams_count = whole->streams_count;
	whole->config.rules.owners = whole->owners;
	whole->config.rules.owners_count = whole->owners_count;
	whole->config.rules.brands = whole->brands;
	whole->config.rules.brands_count = whole->brands_count;
	whole->config.rules.rules = whole->rules;
	whole->config.rules.rules_count = whole->rules_count;
}
