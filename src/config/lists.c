/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How lists are read and written: {a, b}. Each member that is wrong is a mistake of its own. Single values
 * stand in scalars.c.
 */
#include <config.h>

#include <arpa/inet.h>
#include <string.h>

#include "private.h"
#include "values.h"

/* A list's place in its struct: the array and the count beside it. */
static size_t *count_of(const struct row *row, void *target)
{
	return (size_t *)((char *)target - row->offset + row->count_offset);
}

static size_t fetch_count(const struct row *row, const void *target)
{
	return *(const size_t *)((const char *)target - row->offset + row->count_offset);
}

static const char *join(struct tact_arena *arena, const char *const *parts, size_t count)
{
	size_t size = 3;
	for (size_t i = 0; i < count; i++)
		size += strlen(parts[i]) + 2;
	if (count == 0)
		return NULL;
	char *text = tact_arena_alloc(arena, size), *to = text;
	for (size_t i = 0; i < count; i++)
		to = stpcpy(stpcpy(to, i > 0 ? ", " : "{"), parts[i]);
	*to = '}';
	return text;
}

/* ---- lists of text ---------------------------------------------------------------------------------------
 */

/* One member made fit, or NULL with the reason. */
typedef const char *(*member_fn)(struct build *build, const char *text, const char **ret_why);

static void parse_texts(
    struct build *build, const struct row *row, const struct entry *entry, void *target, member_fn member)
{
	const char **items = NULL;
	size_t count = 0;
	for (size_t i = 0; i < entry->count; i++) {
		const char *why = "not right", *text = member(build, entry->values[i], &why);
		if (text == NULL)
			tact_config_refuse(build, row, entry, entry->values[i], why);
		else
			*TACT_PUSH(build->reading->arena, items, count) = text;
	}
	*(const char ***)target = items;
	*count_of(row, target) = count;
}

static const char *print_texts(struct tact_arena *arena, const struct row *row, const void *target)
{
	const char *const *items = *(const char *const *const *)target;
	const char **parts = NULL;
	size_t count = 0;
	for (size_t i = 0; i < fetch_count(row, target); i++)
		*TACT_PUSH(arena, parts, count) = tact_config_quote(arena, items[i]);
	return join(arena, parts, count);
}

static const char *any_member(struct build *build, const char *text, const char **ret_why)
{
	*ret_why = "too long";
	return strlen(text) > 256 ? NULL : tact_arena_strdup(build->reading->arena, text);
}

static void parse_names(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	parse_texts(build, row, entry, target, any_member);
}

static const char *domain_member(struct build *build, const char *text, const char **ret_why)
{
	*ret_why = "not a domain";
	return tact_config_domain(build, text);
}

static void parse_domains(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	parse_texts(build, row, entry, target, domain_member);
}

/* A canonical address, or "@domain". */
static const char *sender_member(struct build *build, const char *text, const char **ret_why)
{
	struct tact_address address;
	struct tact_arena *arena = build->reading->arena;
	*ret_why = "not an address";
	if (text[0] == '@') {
		const char *domain = tact_config_domain(build, text + 1);
		return domain != NULL ? tact_arena_printf(arena, "@%s", domain) : NULL;
	}
	int result = tact_facts_parse_address(arena, text, &build->whole->config.profile, &address, NULL);
	return result == TACT_OK ? address.canonical : NULL;
}

static void parse_senders(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	parse_texts(build, row, entry, target, sender_member);
}

/* ---- networks and header patterns ------------------------------------------------------------------------
 */

static void parse_networks(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_network *items = NULL, network;
	size_t count = 0;
	for (size_t i = 0; i < entry->count; i++)
		if (tact_facts_parse_network(entry->values[i], &network, NULL) != TACT_OK)
			tact_config_refuse(build, row, entry, entry->values[i], "not a network");
		else
			*TACT_PUSH(build->reading->arena, items, count) = network;
	*(struct tact_network **)target = items;
	*count_of(row, target) = count;
}

static const char *print_network(struct tact_arena *arena, const struct tact_network *network)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	char text[INET6_ADDRSTRLEN] = "";
	if (network->bits >= 96 && memcmp(network->address, mapped, sizeof mapped) == 0) {
		inet_ntop(AF_INET, network->address + 12, text, sizeof text);
		return tact_arena_printf(arena, "\"%s/%d\"", text, network->bits - 96);
	}
	inet_ntop(AF_INET6, network->address, text, sizeof text);
	return tact_arena_printf(arena, "\"%s/%d\"", text, network->bits);
}

static const char *print_networks(struct tact_arena *arena, const struct row *row, const void *target)
{
	const struct tact_network *items = *(const struct tact_network *const *)target;
	const char **parts = NULL;
	size_t count = 0;
	for (size_t i = 0; i < fetch_count(row, target); i++)
		*TACT_PUSH(arena, parts, count) = print_network(arena, &items[i]);
	return join(arena, parts, count);
}

static bool is_field_name(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p < 33 || *p > 126)
			return false;
	return *text != '\0';
}

/* "Name: pattern". */
static void parse_header(struct build *build, const struct row *row, const struct entry *entry,
    const char *text, struct tact_header_match *ret)
{
	struct tact_arena *arena = build->reading->arena;
	struct tact_pattern *pattern = NULL;
	struct tact_error err = {""};
	const char *colon = strchr(text, ':');
	*ret = (struct tact_header_match){.name = NULL};
	if (colon == NULL) {
		tact_config_refuse(build, row, entry, text, "without a colon");
		return;
	}
	const char *name = tact_arena_strndup(arena, text, (size_t)(colon - text));
	const char *wanted = tact_text_trim(arena, colon + 1);
	if (!is_field_name(name))
		tact_config_refuse(build, row, entry, text, "without the name of a header field");
	else if (*wanted == '\0')
		tact_config_refuse(build, row, entry, text, "without a pattern");
	else if (tact_facts_compile_pattern(wanted, &pattern, &err) != TACT_OK)
		tact_config_refuse(build, row, entry, text,
		    tact_arena_printf(
			arena, "not a pattern (%s)", tact_text_printable(arena, err.text, 200)));
	else
		*ret = (struct tact_header_match){.name = name, .text = wanted, .pattern = pattern};
	if (pattern != NULL)
		*TACT_PUSH(arena, build->whole->patterns, build->whole->patterns_count) = pattern;
}

static void parse_headers(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_header_match *items = NULL, item;
	size_t count = 0;
	for (size_t i = 0; i < entry->count; i++) {
		parse_header(build, row, entry, entry->values[i], &item);
		if (item.name != NULL)
			*TACT_PUSH(build->reading->arena, items, count) = item;
	}
	*(struct tact_header_match **)target = items;
	*count_of(row, target) = count;
}

static const char *print_headers(struct tact_arena *arena, const struct row *row, const void *target)
{
	const struct tact_header_match *items = *(const struct tact_header_match *const *)target;
	const char **parts = NULL;
	size_t count = 0;
	for (size_t i = 0; i < fetch_count(row, target); i++)
		*TACT_PUSH(arena, parts, count) = tact_config_quote(
		    arena, tact_arena_printf(arena, "%s: %s", items[i].name, items[i].text));
	return join(arena, parts, count);
}

/* ---- sets and weights ------------------------------------------------------------------------------------
 */

static void parse_purposes(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	enum tact_purpose purpose;
	for (size_t i = 0; i < entry->count; i++)
		if (tact_facts_parse_purpose(entry->values[i], &purpose) != TACT_OK)
			tact_config_refuse(build, row, entry, entry->values[i], "not a purpose");
		else
			*(unsigned *)target |= 1U << purpose;
}

static const char *print_purposes(struct tact_arena *arena, const struct row *row, const void *target)
{
	const char **parts = NULL;
	size_t count = 0;
	(void)row;
	for (int i = 0; i < TACT_PURPOSES; i++)
		if (*(const unsigned *)target & 1U << i)
			*TACT_PUSH(arena, parts, count) = tact_facts_purpose_name((enum tact_purpose)i);
	return join(arena, parts, count);
}

static const char *const sentiments[] = {
    [TACT_NEUTRAL] = "neutral", [TACT_POSITIVE] = "positive", [TACT_NEGATIVE] = "negative"};
#define SENTIMENTS (sizeof sentiments / sizeof *sentiments)

static bool parse_sentiment(const char *text, unsigned *ret)
{
	for (size_t i = 0; i < SENTIMENTS; i++)
		if (strcmp(sentiments[i], text) == 0) {
			*ret |= 1U << i;
			return true;
		}
	return false;
}

/* Purposes and sentiments, mixed. */
static void parse_counted(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_limit *limit = target;
	enum tact_purpose purpose;
	for (size_t i = 0; i < entry->count; i++) {
		if (tact_facts_parse_purpose(entry->values[i], &purpose) == TACT_OK)
			limit->purposes |= 1U << purpose;
		else if (!parse_sentiment(entry->values[i], &limit->sentiments))
			tact_config_refuse(
			    build, row, entry, entry->values[i], "neither a purpose nor a sentiment");
	}
}

static const char *print_counted(struct tact_arena *arena, const struct row *row, const void *target)
{
	const struct tact_limit *limit = target;
	const char **parts = NULL;
	size_t count = 0;
	(void)row;
	for (int i = 0; i < TACT_PURPOSES; i++)
		if (limit->purposes & 1U << i)
			*TACT_PUSH(arena, parts, count) = tact_facts_purpose_name((enum tact_purpose)i);
	for (size_t i = 0; i < SENTIMENTS; i++)
		if (limit->sentiments & 1U << i)
			*TACT_PUSH(arena, parts, count) = sentiments[i];
	return join(arena, parts, count);
}

static void parse_channels(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	enum tact_channel channel;
	for (size_t i = 0; i < entry->count; i++)
		if (tact_facts_parse_channel(entry->values[i], &channel) != TACT_OK)
			tact_config_refuse(build, row, entry, entry->values[i], "not a channel");
		else
			*(unsigned *)target |= 1U << channel;
}

static const char *print_channels(struct tact_arena *arena, const struct row *row, const void *target)
{
	const char **parts = NULL;
	size_t count = 0;
	(void)row;
	for (int i = 0; i < TACT_CHANNELS; i++)
		if (*(const unsigned *)target & 1U << i)
			*TACT_PUSH(arena, parts, count) = tact_facts_channel_name((enum tact_channel)i);
	return join(arena, parts, count);
}

/* "phone=3". */
static const char *parse_weight(struct build *build, const char *text, int64_t *weights, unsigned *seen)
{
	const char *equal = strchr(text, '=');
	enum tact_channel channel;
	int64_t milli;
	if (equal == NULL)
		return "without a =";
	const char *name = tact_arena_strndup(build->reading->arena, text, (size_t)(equal - text));
	if (tact_facts_parse_channel(name, &channel) != TACT_OK)
		return "for no channel that is known";
	if (tact_policy_parse_milli(equal + 1, strlen(equal + 1), &milli) != TACT_OK)
		return "without a number such as 3 or 0.5";
	if (*seen & 1U << channel)
		return "a second weight for this channel";
	*seen |= 1U << channel;
	weights[channel] = milli;
	return NULL;
}

static void parse_weights(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	unsigned seen = 0;
	for (size_t i = 0; i < entry->count; i++) {
		const char *why = parse_weight(build, entry->values[i], target, &seen);
		if (why != NULL)
			tact_config_refuse(build, row, entry, entry->values[i], why);
	}
}

static const char *print_weights(struct tact_arena *arena, const struct row *row, const void *target)
{
	const int64_t *weights = target;
	const char **parts = NULL;
	size_t count = 0;
	(void)row;
	for (int i = 0; i < TACT_CHANNELS; i++)
		if (weights[i] != 1000)
			*TACT_PUSH(arena, parts, count) = tact_arena_printf(arena, "\"%s=%s\"",
			    tact_facts_channel_name((enum tact_channel)i),
			    tact_config_print_milli(arena, weights[i]));
	return join(arena, parts, count);
}

/* ---- what is looked for in messages, and header fields ---------------------------------------------------
 */

static void parse_searches(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct whole *whole = build->whole;
	struct tact_arena *arena = build->reading->arena;
	struct search *search = (struct search *)(void *)((char *)target - row->offset);
	size_t count = 0, compiled = 0;
	const char **texts = NULL;
	for (size_t i = 0; i < entry->count; i++) {
		struct tact_pattern *pattern = NULL;
		struct tact_error err = {""};
		if (tact_facts_compile_search(entry->values[i], &pattern, &err) != TACT_OK) {
			tact_config_refuse(build, row, entry, entry->values[i],
			    tact_arena_printf(
				arena, "not a pattern (%s)", tact_text_printable(arena, err.text, 200)));
			continue;
		}
		*TACT_PUSH(arena, whole->patterns, whole->patterns_count) = pattern;
		*TACT_PUSH(arena, search->compiled, compiled) = pattern;
		*TACT_PUSH(arena, texts, count) = tact_arena_strdup(arena, entry->values[i]);
	}
	search->match = (struct tact_names){texts, count};
}

static const char *field_name_member(struct build *build, const char *text, const char **ret_why)
{
	size_t length = strlen(text);
	*ret_why = "not the name of a header field";
	if (!is_field_name(text) || strchr(text, ':') != NULL || length > 76 ||
	    strcspn(text, "*") < length - 1 || strcmp(text, "*") == 0)
		return NULL;
	return tact_arena_strdup(build->reading->arena, text);
}

static void parse_field_names(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	parse_texts(build, row, entry, target, field_name_member);
}

/* What goes into a header as it stands. */
static bool is_field_value(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p < 32 || *p > 126)
			return false;
	return *text != '\0';
}

static const char *field_member(struct build *build, const char *text, const char **ret_why)
{
	struct tact_arena *arena = build->reading->arena;
	const char *colon = strchr(text, ':');
	*ret_why = "without a colon";
	if (colon == NULL)
		return NULL;
	const char *name = tact_arena_strndup(arena, text, (size_t)(colon - text));
	const char *value = tact_text_trim(arena, colon + 1);
	*ret_why = "without the name of a header field";
	if (!is_field_name(name) || strchr(name, '*') != NULL || strlen(name) > 76)
		return NULL;
	*ret_why = "without a value in plain ASCII, of at most 900 characters";
	if (!is_field_value(value) || strlen(value) > 900)
		return NULL;
	return tact_arena_printf(arena, "%s: %s", name, value);
}

static void parse_fields(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	parse_texts(build, row, entry, target, field_member);
}

const struct value_type tact_config_type_searches = {true, parse_searches, print_texts};
const struct value_type tact_config_type_field_names = {true, parse_field_names, print_texts};
const struct value_type tact_config_type_fields = {true, parse_fields, print_texts};
const struct value_type tact_config_type_names = {true, parse_names, print_texts};
const struct value_type tact_config_type_domains = {true, parse_domains, print_texts};
const struct value_type tact_config_type_senders = {true, parse_senders, print_texts};
const struct value_type tact_config_type_networks = {true, parse_networks, print_networks};
const struct value_type tact_config_type_headers = {true, parse_headers, print_headers};
const struct value_type tact_config_type_purposes = {true, parse_purposes, print_purposes};
const struct value_type tact_config_type_counted = {true, parse_counted, print_counted};
const struct value_type tact_config_type_channels = {true, parse_channels, print_channels};
const struct value_type tact_config_type_weights = {true, parse_weights, print_weights};
