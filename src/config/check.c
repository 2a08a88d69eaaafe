/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Settings that are right alone and wrong together: names without a section, windows longer than the history,
 * times that cross.
 */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "private.h"

#define DAY 86400

static const struct section *top(const struct build *build)
{
	return &build->reading->sections[0]; /* the file itself always begins first */
}

static bool has_name(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (tact_text_equal_nocase(names[i], name))
			return true;
	return false;
}

/* ---- names that must be declared -------------------------------------------------------------------------
 */

struct declared {
	const char *kind;
	const char **names;
	size_t count;
};

static struct declared declared(const struct build *build, const char *kind)
{
	struct declared all = {.kind = kind};
	const struct reading *reading = build->reading;
	for (size_t i = 0; i < reading->sections_count; i++)
		if (strcmp(reading->sections[i].kind, kind) == 0)
			*TACT_PUSH(reading->arena, all.names, all.count) = reading->sections[i].title;
	for (size_t i = 0; strcmp(kind, "pattern") == 0 && tact_facts_pattern_set_name(i) != NULL; i++)
		*TACT_PUSH(reading->arena, all.names, all.count) = tact_facts_pattern_set_name(i);
	if (strcmp(kind, "stream") == 0 && !has_name(STREAM_UNMATCHED, all.names, all.count))
		*TACT_PUSH(reading->arena, all.names, all.count) = STREAM_UNMATCHED;
	return all;
}

/* A message carries its listener's name as it is written there; the other names are compared without case. */
static bool is_declared(const char *name, const struct declared *all)
{
	if (strcmp(all->kind, "listener") != 0)
		return has_name(name, all->names, all->count);
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->names[i], name) == 0)
			return true;
	return false;
}

static void check_name(const struct build *build, const struct section *section, const char *option,
    const char *name, const struct declared *all)
{
	struct reading *reading = build->reading;
	if (is_declared(name, all))
		return;
	const char *near = tact_config_nearest(name, all->names, all->count),
		   *shown = tact_config_show(reading, name);
	if (near != NULL)
		tact_config_mistake(reading, tact_config_line(section, option),
		    "%s: there is no %s \"%s\"; did you mean %s?", option, all->kind, shown, near);
	else
		tact_config_mistake(reading, tact_config_line(section, option),
		    "%s: there is no %s \"%s\"; add the section %s \"%s\" { }", option, all->kind, shown,
		    all->kind, shown);
}

static void check_names(
    const struct build *build, const struct section *section, const char *option, const char *kind)
{
	const struct entry *entry = tact_config_entry(section, option);
	if (entry == NULL)
		return;
	struct declared all = declared(build, kind);
	for (size_t i = 0; i < entry->count; i++)
		if (entry->values[i][0] != '\0')
			check_name(build, section, option, entry->values[i], &all);
}

/* What every rule may name. */
static void check_applies(const struct build *build, const struct section *section)
{
	enum tact_rule_kind kind;
	if (tact_policy_parse_rule_kind(section->kind, &kind) != TACT_OK)
		return;
	check_names(build, section, "streams", "stream");
	check_names(build, section, "brands", "brand");
	check_names(build, section, "owners", "owner");
}

static void check_all_names(const struct build *build)
{
	static const struct {
		const char *section, *option, *kind;
	} references[] = {
	    {"trusted", "listeners", "listener"},
	    {"stream", "owner", "owner"},
	    {"stream", "brand", "brand"},
	    {"stream", "listeners", "listener"},
	    {"limit", "count_streams", "stream"},
	    {"limit", "count_brands", "brand"},
	    {"limit", "count_owners", "owner"},
	    {"content", "must", "pattern"},
	    {"content", "must_not", "pattern"},
	    {"", "strictest_stream", "stream"},
	};
	for (size_t i = 0; i < build->reading->sections_count; i++) {
		check_applies(build, &build->reading->sections[i]);
		for (size_t r = 0; r < sizeof references / sizeof *references; r++)
			if (strcmp(build->reading->sections[i].kind, references[r].section) == 0)
				check_names(build, &build->reading->sections[i], references[r].option,
				    references[r].kind);
	}
}

/* ---- listeners -------------------------------------------------------------------------------------------
 */

static void check_listeners(const struct build *build)
{
	const struct tact_config *config = &build->whole->config;
	if (config->listeners_count == 0)
		tact_config_mistake(build->reading, build->reading->last_line,
		    "no listener is given; write listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }");
}

static bool is_non_smtp(const struct build *build, const char *name)
{
	const struct tact_config *config = &build->whole->config;
	for (size_t i = 0; i < config->listeners_count; i++)
		if (tact_text_equal_nocase(config->listeners[i].name, name))
			return !config->listeners[i].smtp;
	return false;
}

/* ---- streams ---------------------------------------------------------------------------------------------
 */

/* No rule is asked of mail that comes in, so nothing that its writer chooses may make it that. */
static void check_inbound(
    const struct build *build, const struct tact_stream *stream, const struct section *section)
{
	struct reading *reading = build->reading;
	int line = tact_config_line(section, "direction");
	if (stream->listeners_count + stream->networks_count + stream->sasl_users_count == 0)
		tact_config_mistake(reading, line,
		    "direction: anybody could say that his mail comes in; write listeners, networks or "
		    "sasl_users that bring it");
	if (stream->from_domains_count + stream->headers_count > 0)
		tact_config_mistake(reading, line,
		    "direction: a header is whatever its writer wants; leave from_domains and headers out of "
		    "a stream that comes in");
	if (stream == build->whole->config.rules.streams.strictest)
		tact_config_mistake(reading, line,
		    "direction: stream \"%s\" is the strictest, which is for mail that goes out; name "
		    "another "
		    "as strictest_stream",
		    stream->name);
}

/* As tact profile and imports take them: no dossier could hold another. */
static void check_occasions(const struct build *build, const char *option, const char *const *names,
    size_t count, const struct section *section)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	for (size_t i = 0; i < count; i++)
		if (names[i][strspn(names[i], letters)] != '\0' || strlen(names[i]) > 64)
			tact_config_mistake(build->reading, tact_config_line(section, option),
			    "%s: \"%s\" is no name of an occasion; write 1 to 64 letters, digits, hyphens "
			    "and "
			    "underscores",
			    option, tact_config_show(build->reading, names[i]));
}

static void check_stream(
    const struct build *build, const struct tact_stream *stream, const struct section *section)
{
	struct reading *reading = build->reading;
	int64_t slot_length_s = build->whole->config.rules.slot_length_s;
	if (tact_config_entry(section, "max_delay") != NULL && stream->exempt)
		tact_config_mistake(reading, tact_config_line(section, "max_delay"),
		    "max_delay: stream \"%s\" is exempt from limits and never delayed; leave max_delay out "
		    "or write exempt = no",
		    stream->name);
	if (tact_config_entry(section, "max_delay") != NULL && stream->max_delay_s < slot_length_s)
		tact_config_mistake(reading, tact_config_line(section, "max_delay"),
		    "max_delay: shorter than slot_length (%s); write no less",
		    tact_text_format_duration(reading->arena, slot_length_s));
	for (size_t i = 0; i < stream->listeners_count; i++)
		if (stream->delay_by == TACT_DELAY_TEMPFAIL && is_non_smtp(build, stream->listeners[i]))
			tact_config_mistake(reading, tact_config_line(section, "listeners"),
			    "listeners: \"%s\" is non-smtp, where nobody comes again after a tempfail; write "
			    "delay_by = queue",
			    stream->listeners[i]);
	if (stream->direction == TACT_IN)
		check_inbound(build, stream, section);
	check_occasions(build, "occasion", &stream->occasion, stream->occasion != NULL, section);
}

/* ---- rules -----------------------------------------------------------------------------------------------
 */

static int64_t longest_window_s(const struct tact_limit *limit)
{
	static const int64_t longest_s[] = {
	    DAY + 7200, 7 * DAY + 7200, 31 * DAY + 7200, 92 * DAY + 7200, 366 * DAY + 7200};
	if (*limit->window == '\0' || limit->form == TACT_LIMIT_SINCE)
		return 0;
	return limit->window_s > 0 ? limit->window_s : longest_s[limit->period];
}

static void check_window(
    const struct build *build, const struct tact_rule *rule, const struct section *section)
{
	struct reading *reading = build->reading;
	const char *option = rule->limit.form == TACT_LIMIT_AT_LEAST ? "at_least" : "at_most";
	int64_t history_s = build->whole->config.rules.history_s, rest_s = rule->limit.rest_s;
	int64_t window_s = longest_window_s(&rule->limit);
	if (window_s == 0 || history_s <= 0)
		return;
	if (window_s > history_s)
		tact_config_mistake(reading, tact_config_line(section, option),
		    "%s: a window of %s is longer than history (%s); shorten it or lengthen history", option,
		    rule->limit.window, tact_text_format_duration(reading->arena, history_s));
	else if (rest_s > history_s - window_s)
		tact_config_mistake(reading, tact_config_line(section, "rest"),
		    "rest: %s after a window of %s is longer than history (%s); shorten it or lengthen "
		    "history",
		    tact_text_format_duration(reading->arena, rest_s), rule->limit.window,
		    tact_text_format_duration(reading->arena, history_s));
}

/* Settings of a limit that leave one another no meaning. */
static void check_limit(
    const struct build *build, const struct tact_rule *rule, const struct section *section)
{
	struct reading *reading = build->reading;
	const struct tact_limit *limit = &rule->limit;
	bool least = tact_config_entry(section, "at_least") != NULL,
	     most = tact_config_entry(section, "at_most") != NULL;
	if (!least && !most && !reading->stopped)
		tact_config_mistake(reading, section->line, "limit \"%s\" has no at_most; write at_most = %s",
		    section->title, tact_config_row_find("limit", "at_most")->doc.range);
	if (least && most)
		tact_config_mistake(reading, tact_config_line(section, "at_least"),
		    "at_least: at_most is given too, in line %d; write two limits",
		    tact_config_line(section, "at_most"));
	else if (least && rule->action == TACT_DELAY)
		tact_config_mistake(reading, tact_config_line(section, "action"),
		    "action: a limit with at_least cannot delay, waiting brings no contact; write action = "
		    "reject or quarantine");
	if (least && *limit->window != '\0' && limit->at_most_milli == 0)
		tact_config_mistake(reading, tact_config_line(section, "at_least"),
		    "at_least: 0 contacts are always there; write a higher number");
	if (limit->rest_s > 0 && limit->form != TACT_LIMIT_AT_MOST && limit->form != TACT_LIMIT_SINCE)
		tact_config_mistake(reading, tact_config_line(section, "rest"),
		    "rest: only a limit with at_most = N/WINDOW, N per calendar window or N since positive "
		    "can rest; leave rest out");
	else if (limit->rest_s > 0 && limit->at_most_milli == 0)
		tact_config_mistake(reading, tact_config_line(section, "rest"),
		    "rest: at_most = 0 is never reached, it lets nothing pass; leave rest out");
	if (limit->look_ahead_s > 0 && limit->form == TACT_LIMIT_AT_LEAST)
		tact_config_mistake(reading, tact_config_line(section, "look_ahead"),
		    "look_ahead: at_least counts only what has come; leave look_ahead out");
	check_window(build, rule, section);
}

/* A length for a permission that will not do. */
static void check_expiries(
    const struct build *build, const struct tact_rule *rule, const struct section *section)
{
	struct reading *reading = build->reading;
	for (size_t i = 0; i < rule->consent.expiries_count; i++)
		if (!(rule->consent.bases >> (unsigned)rule->consent.expiries[i].basis & 1))
			tact_config_mistake(reading, tact_config_line(section, "expires_after"),
			    "expires_after: \"%s\" is for a basis that is not among bases; add it there, or "
			    "leave this out",
			    tact_config_show(reading,
				tact_policy_format_expiry(reading->arena, &rule->consent.expiries[i])));
}

/* ---- content ---------------------------------------------------------------------------------------------
 */

static void check_pattern(const struct build *build, const struct section *section)
{
	if (tact_facts_pattern_set_text(section->title, 0) != NULL)
		tact_config_mistake(build->reading, section->line,
		    "pattern \"%s\" is one that tact brings along; give this one another name",
		    section->title);
}

/* The mail would not be read any more, or not as it was sent. */
static bool is_needed(const char *name)
{
	static const char *const needed[] = {"From", "Date", "Message-ID", "Received", "Return-Path",
	    "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition"};
	size_t length = strlen(name);
	bool prefix = length > 0 && name[length - 1] == '*';
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (prefix ? strncasecmp(needed[i], name, length - 1) == 0
			   : tact_text_equal_nocase(needed[i], name))
			return true;
	return false;
}

static void check_edits(
    const struct build *build, const struct tact_content_rule *content, const struct section *section)
{
	struct reading *reading = build->reading;
	for (size_t i = 0; i < content->strip_headers.count; i++)
		if (is_needed(content->strip_headers.names[i]))
			tact_config_mistake(reading, tact_config_line(section, "strip_headers"),
			    "strip_headers: \"%s\" would take off a field that mail needs; name others",
			    tact_config_show(reading, content->strip_headers.names[i]));
	for (size_t i = 0; i < content->add_headers.count; i++) {
		const char *field = content->add_headers.names[i];
		const char *name = tact_arena_strndup(reading->arena, field, strcspn(field, ":"));
		if (is_needed(name))
			tact_config_mistake(reading, tact_config_line(section, "add_headers"),
			    "add_headers: \"%s\" is for the sender to write; name others",
			    tact_config_show(reading, name));
	}
}

static bool has_domains(const struct build *build)
{
	for (size_t i = 0; i < build->whole->brands_count; i++)
		if (build->whole->brands[i].domains.count > 0)
			return true;
	return false;
}

static bool asks_anything(const struct section *section)
{
	static const char *const options[] = {"must_not", "must", "headers_must", "headers_must_not",
	    "from_domains", "add_headers", "strip_headers"};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (tact_config_entry(section, options[i]) != NULL)
			return true;
	return false;
}

static void check_content(
    const struct build *build, const struct tact_rule *rule, const struct section *section)
{
	const struct tact_content_rule *content = &rule->content;
	if (!asks_anything(section) && !build->reading->stopped)
		tact_config_mistake(build->reading, section->line,
		    "content \"%s\" asks for nothing; write must_not, must, headers_must, headers_must_not, "
		    "from_domains, add_headers or strip_headers",
		    section->title);
	if (content->from_brand && !has_domains(build))
		tact_config_mistake(build->reading, tact_config_line(section, "from_domains"),
		    "from_domains: no brand has domains; add domains = {\"DOMAIN\"} to the section brand");
	check_edits(build, content, section);
}

/* ---- the top level ---------------------------------------------------------------------------------------
 */

static void check_order(
    const struct build *build, const char *low, int64_t low_s, const char *high, int64_t high_s)
{
	const struct section *section = top(build);
	struct reading *reading = build->reading;
	const char *written = tact_config_entry(section, low) != NULL ? low : high;
	if (high_s > 0 && low_s > high_s) /* 0: was refused already */
		tact_config_mistake(reading, tact_config_line(section, written),
		    "%s (%s) is longer than %s (%s); write no more", low,
		    tact_text_format_duration(reading->arena, low_s), high,
		    tact_text_format_duration(reading->arena, high_s));
}

static bool is_below(const char *domain, const char *other)
{
	size_t length = strlen(domain), other_length = strlen(other);
	return length > other_length && domain[length - other_length - 1] == '.' &&
	       strcmp(domain + length - other_length, other) == 0;
}

static void check_domains(const struct build *build)
{
	const char *gate = build->whole->config.gate_domain, *review = build->whole->config.review_domain;
	if (gate == NULL || review == NULL)
		return;
	const char *written =
	    tact_config_entry(top(build), "review_domain") != NULL ? "review_domain" : "gate_domain";
	if (strcmp(gate, review) == 0 || is_below(gate, review) || is_below(review, gate))
		tact_config_mistake(build->reading, tact_config_line(top(build), written),
		    "%s: gate_domain (%s) and review_domain (%s) must lie apart; write another domain",
		    written, gate, review);
}

/* What matches no stream falls to it, so that whoever wants no rules would only have to match none. One that
 * comes in is told of already. */
static void check_strictest(const struct build *build)
{
	const struct tact_stream *strictest = build->whole->config.rules.streams.strictest;
	if (strictest == NULL || strictest->direction == TACT_IN)
		return;
	bool written = tact_config_entry(top(build), "strictest_stream") != NULL;
	const struct section *section =
	    written ? top(build) : build->streams[strictest - build->whole->streams];
	if (section == NULL) /* the built-in one */
		return;
	int line = tact_config_line(section, "strictest_stream");
	const char *which = written ? tact_arena_printf(build->reading->arena,
					  "strictest_stream: stream \"%s\"", strictest->name)
				    : "stream \"" STREAM_UNMATCHED "\", to which unmatched mail falls,";
	const char *mend = written ? "name another, or write" : "write";
	if (strictest->exempt)
		tact_config_mistake(
		    build->reading, line, "%s is exempt from limits; %s exempt = no there", which, mend);
	if (!strictest->counts)
		tact_config_mistake(build->reading, line,
		    "%s does not count toward limits; %s counts = yes there", which, mend);
}

void tact_config_check(struct build *build)
{
	const struct whole *whole = build->whole;
	const struct tact_rule_set *rules = &whole->config.rules;
	check_all_names(build);
	check_listeners(build);
	check_order(build, "slot_length", rules->slot_length_s, "max_delay", whole->max_delay_s);
	check_order(build, "release_spread", rules->release_spread_s, "max_delay", whole->max_delay_s);
	check_order(build, "rcpt_timeout", whole->config.rcpt_timeout_s, "message_timeout",
	    whole->config.message_timeout_s);
	check_order(build, "retry_window", rules->retry_window_s, "history", rules->history_s);
	check_domains(build);
	tact_config_check_sockets(build);
	check_strictest(build);
	for (size_t i = 0; i < whole->streams_count; i++)
		if (build->streams[i] != NULL)
			check_stream(build, &whole->streams[i], build->streams[i]);
	for (size_t i = 0; i < build->reading->sections_count; i++)
		if (strcmp(build->reading->sections[i].kind, "pattern") == 0)
			check_pattern(build, &build->reading->sections[i]);
	for (size_t i = 0; i < whole->rules_count; i++)
		if (build->rules[i] != NULL && whole->rules[i].kind == TACT_RULE_CONTENT)
			check_content(build, &whole->rules[i], build->rules[i]);
	for (size_t i = 0; i < whole->rules_count; i++) {
		if (build->rules[i] != NULL && whole->rules[i].kind == TACT_RULE_LIMIT)
			check_limit(build, &whole->rules[i], build->rules[i]);
		if (build->rules[i] != NULL && whole->rules[i].kind == TACT_RULE_CONSENT)
			check_expiries(build, &whole->rules[i], build->rules[i]);
		if (build->rules[i] != NULL && whole->rules[i].kind == TACT_RULE_OCCASION)
			check_occasions(build, "occasions", whole->rules[i].occasion.occasions.names,
			    whole->rules[i].occasion.occasions.count, build->rules[i]);
	}
}
