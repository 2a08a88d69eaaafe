/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How single values are read and written: text, paths, durations, numbers, words. Lists stand in lists.c.
 */
#include <config.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <tact/store.h>

#include "private.h"
#include "values.h"

#define SOCKET_PATH_MOST 107 /* sun_path without its NUL */

void tact_config_refuse(
    struct build *build, const struct row *row, const struct entry *entry, const char *value, const char *why)
{
	struct reading *reading = build->reading;
	tact_config_mistake(reading, entry->line, "%s: \"%s\" is %s; write %s", row->doc.name,
	    tact_config_show(reading, value), why, row->doc.range);
}

const char *tact_config_quote(struct tact_arena *arena, const char *text)
{
	if (strpbrk(text, "\\\"$") == NULL)
		return tact_arena_printf(arena, "\"%s\"", text);
	char *quoted = tact_arena_alloc(arena, 2 * strlen(text) + 3), *to = quoted;
	*to++ = '\'';
	for (const char *from = text; *from != '\0'; *to++ = *from++)
		if (*from == '\'' || *from == '\\')
			*to++ = '\\';
	*to = '\'';
	return quoted;
}

static const char *keep(struct build *build, const char *text)
{
	return tact_arena_strdup(build->reading->arena, text);
}

static const char *print_text(struct tact_arena *arena, const struct row *row, const void *target)
{
	const char *text = *(const char *const *)target;
	(void)row;
	return tact_config_quote(arena, text != NULL ? text : "");
}

/* ---- text ------------------------------------------------------------------------------------------------
 */

static void parse_text(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	const char *text = entry->values[0];
	if (strlen(text) > (size_t)row->most)
		tact_config_refuse(build, row, entry, text, "too long");
	else
		*(const char **)target = keep(build, text);
}

static bool is_header_name(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p < 33 || *p > 126 || *p == ':')
			return false;
	return *text != '\0' && strlen(text) <= 76;
}

static void parse_header_name(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	const char *text = entry->values[0];
	if (*text == '\0')
		*(const char **)target = NULL;
	else if (!is_header_name(text))
		tact_config_refuse(build, row, entry, text, "not the name of a header field");
	else
		*(const char **)target = keep(build, text);
}

/* Goes into an SMTP reply as it stands. */
static void parse_reply(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	const char *text = entry->values[0];
	if (*text == '\0')
		*(const char **)target = NULL;
	else if (!tact_text_is_ascii(text))
		tact_config_refuse(build, row, entry, text, "not plain ASCII");
	else if (strchr(text, '\t') != NULL)
		tact_config_refuse(build, row, entry, text, "text with a tab");
	else
		parse_text(build, row, entry, target);
}

static void parse_path(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	const char *path = entry->values[0];
	if (*path != '/')
		tact_config_refuse(build, row, entry, path, "not an absolute path");
	else
		parse_text(build, row, entry, target);
}

static void parse_url(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_error err;
	/* The url is not shown: a password may stand in it. */
	if (tact_store_check_url(entry->values[0], &err) != TACT_OK)
		tact_config_mistake(build->reading, entry->line, "%s: %s", row->doc.name, err.text);
	else
		parse_text(build, row, entry, target);
	build->whole->config.store_line = entry->line;
}

/* libmilter's form: inet:PORT@HOST, inet6:PORT@HOST, unix:PATH, local:PATH. */
static const char *judge_socket(const char *text)
{
	int64_t port;
	if (strncmp(text, "unix:", 5) == 0 || strncmp(text, "local:", 6) == 0) {
		const char *path = strchr(text, ':') + 1;
		return *path != '/'			 ? "without an absolute path"
		       : strlen(path) > SOCKET_PATH_MOST ? "too long"
							 : NULL;
	}
	if (strncmp(text, "inet:", 5) != 0 && strncmp(text, "inet6:", 6) != 0)
		return "not a socket";
	const char *number = strchr(text, ':') + 1, *at = strchr(number, '@');
	char digits[8];
	size_t length = at != NULL ? (size_t)(at - number) : strlen(number);
	if (length >= sizeof digits || (at != NULL && at[1] == '\0'))
		return "not a socket";
	snprintf(digits, sizeof digits, "%.*s", (int)length, number);
	return tact_text_parse_int(digits, 1, 65535, &port, NULL) == TACT_OK
		   ? NULL
		   : "without a port from 1 to 65535";
}

static void parse_socket(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	const char *why = judge_socket(entry->values[0]);
	if (why != NULL)
		tact_config_refuse(build, row, entry, entry->values[0], why);
	else
		*(const char **)target = keep(build, entry->values[0]);
}

/* The evidence asks the same of it when it is opened, too late for a check. */
static void parse_host(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	const char *host = entry->values[0];
	if (*host != '\0' && !tact_text_is_host(host))
		tact_config_refuse(build, row, entry, host, "no name of a relay");
	else
		*(const char **)target = keep(build, host);
}

/* The address parser knows A-labels. */
const char *tact_config_domain(struct build *build, const char *text)
{
	struct tact_address address;
	struct tact_canonical_profile profile = {.fold_local_case = true};
	struct tact_arena *arena = build->reading->arena;
	const char *whole = tact_arena_printf(arena, "x@%s", text);
	if (strchr(text, '@') != NULL ||
	    tact_facts_parse_address(arena, whole, &profile, &address, NULL) != TACT_OK)
		return NULL;
	return address.domain[0] == '[' ? NULL : address.domain;
}

static void parse_domain(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	const char *domain = tact_config_domain(build, entry->values[0]);
	if (domain == NULL)
		tact_config_refuse(build, row, entry, entry->values[0], "not a domain");
	else
		*(const char **)target = domain;
}

static void parse_zone(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_zone *zone = tact_zone_open(entry->values[0]);
	if (zone == NULL) {
		tact_config_refuse(build, row, entry, entry->values[0], "no time zone this machine knows");
		return;
	}
	struct whole *whole = build->whole;
	*TACT_PUSH(build->reading->arena, whole->zones, whole->zones_count) = zone;
	*(const struct tact_zone **)target = zone;
}

static const char *print_zone(struct tact_arena *arena, const struct row *row, const void *target)
{
	(void)row;
	return tact_config_quote(arena, tact_zone_name(*(const struct tact_zone *const *)target));
}

/* ---- numbers ---------------------------------------------------------------------------------------------
 */

static void parse_duration(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	int64_t seconds;
	if (tact_text_parse_duration(entry->values[0], &seconds, NULL) != TACT_OK)
		tact_config_refuse(
		    build, row, entry, entry->values[0], "not a duration (90s, 15m, 20h, 7d, 2w)");
	else if (seconds < row->least || seconds > row->most)
		tact_config_refuse(build, row, entry, entry->values[0], "out of range");
	else
		*(int64_t *)target = seconds;
}

static const char *print_duration(struct tact_arena *arena, const struct row *row, const void *target)
{
	if (*row->doc.preset == '\0' && *(const int64_t *)target == 0)
		return NULL; /* left out, which is not the same as none */
	return tact_text_format_duration(arena, *(const int64_t *)target);
}

static void parse_integer(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	int64_t number;
	if (tact_text_parse_int(entry->values[0], INT64_MIN, INT64_MAX, &number, NULL) != TACT_OK)
		tact_config_refuse(build, row, entry, entry->values[0], "not a whole number");
	else if (number < row->least || number > row->most)
		tact_config_refuse(build, row, entry, entry->values[0], "out of range");
	else if (row->size == sizeof(int))
		*(int *)target = (int)number;
	else
		*(int64_t *)target = number;
}

static const char *print_integer(struct tact_arena *arena, const struct row *row, const void *target)
{
	long long number = row->size == sizeof(int) ? *(const int *)target : *(const int64_t *)target;
	if (number < row->least) /* left out, where nothing is said by it */
		return NULL;
	return tact_arena_printf(arena, "%lld", number);
}

/* ---- words -----------------------------------------------------------------------------------------------
 */

static void store_word(const struct row *row, void *target, int value)
{
	if (row->size == sizeof(bool))
		*(bool *)target = value != 0;
	else
		memcpy(target, &value, sizeof value); /* an enum */
}

static int fetch_word(const struct row *row, const void *target)
{
	int value;
	if (row->size == sizeof(bool))
		return *(const bool *)target;
	memcpy(&value, target, sizeof value);
	return value;
}

static void parse_word(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	for (const struct word *word = row->words; word->text != NULL; word++)
		if (strcmp(word->text, entry->values[0]) == 0) {
			store_word(row, target, word->value);
			return;
		}
	tact_config_refuse(build, row, entry, entry->values[0], "not known here");
}

static const char *print_word(struct tact_arena *arena, const struct row *row, const void *target)
{
	(void)arena;
	const struct word *word = row->words;
	while (word->text != NULL && word->value != fetch_word(row, target))
		word++;
	return word->text;
}

/* ---- N in a window ---------------------------------------------------------------------------------------
 */

const char *tact_config_print_milli(struct tact_arena *arena, int64_t milli)
{
	long long units = milli / 1000, rest = milli % 1000;
	if (rest == 0)
		return tact_arena_printf(arena, "%lld", units);
	int places = rest % 10 != 0 ? 3 : rest % 100 != 0 ? 2 : 1;
	return tact_arena_printf(arena, "%lld.%0*lld", units, places,
	    places == 3	  ? rest
	    : places == 2 ? rest / 10
			  : rest / 100);
}

/* ---- percentages -----------------------------------------------------------------------------------------
 */

static void parse_percent(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	const char *text = entry->values[0];
	size_t length = strlen(text);
	int64_t milli;
	if (length < 2 || text[length - 1] != '%' ||
	    tact_policy_parse_milli(text, length - 1, &milli) != TACT_OK)
		tact_config_refuse(build, row, entry, text, "not a percentage such as 0.3%");
	else if (milli > 100000)
		tact_config_refuse(build, row, entry, text, "more than everything");
	else
		*(int64_t *)target = milli;
}

/* Negative: there is none. */
static const char *print_percent(struct tact_arena *arena, const struct row *row, const void *target)
{
	int64_t milli = *(const int64_t *)target;
	(void)row;
	return milli < 0 ? NULL : tact_arena_printf(arena, "\"%s%%\"", tact_config_print_milli(arena, milli));
}

int tact_config_parse_at_most(const char *text, struct tact_limit *ret, struct tact_error *err)
{
	return tact_policy_parse_at_most(text, ret, err);
}

#define SINCE_POSITIVE " since positive"

/* "12 since positive". */
static int parse_since(const char *text, struct tact_limit *ret)
{
	size_t length = strlen(text), tail = strlen(SINCE_POSITIVE);
	if (length <= tail || strcmp(text + length - tail, SINCE_POSITIVE) != 0 ||
	    tact_policy_parse_milli(text, length - tail, &ret->at_most_milli) != TACT_OK)
		return TACT_INVALID;
	ret->form = TACT_LIMIT_SINCE;
	ret->window = SINCE_POSITIVE + 1;
	return TACT_OK;
}

static void parse_number(struct build *build, const struct row *row, const struct entry *entry,
    enum tact_limit_form form, struct tact_limit *ret)
{
	struct tact_error err;
	if (tact_policy_parse_at_most(entry->values[0], ret, &err) != TACT_OK) {
		tact_config_refuse(build, row, entry, entry->values[0], err.text);
		return;
	}
	ret->form = form;
	if (ret->window_s > 0)
		ret->window = tact_text_format_duration(build->reading->arena, ret->window_s);
}

static void parse_at_most(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_limit *limit = target;
	if (strcmp(entry->values[0], "recipient") == 0)
		limit->form = TACT_LIMIT_RECIPIENT;
	else if (parse_since(entry->values[0], limit) != TACT_OK)
		parse_number(build, row, entry, TACT_LIMIT_AT_MOST, limit);
}

static void parse_at_least(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	parse_number(build, row, entry, TACT_LIMIT_AT_LEAST, target);
}

static const char *print_number(struct tact_arena *arena, const struct tact_limit *limit)
{
	const char *number = tact_config_print_milli(arena, limit->at_most_milli);
	if (limit->form == TACT_LIMIT_SINCE)
		return tact_arena_printf(arena, "\"%s %s\"", number, limit->window);
	if (limit->window_s > 0)
		return tact_arena_printf(
		    arena, "%s/%s", number, tact_text_format_duration(arena, limit->window_s));
	return tact_arena_printf(arena, "\"%s per %s\"", number, limit->window);
}

static const char *print_at_most(struct tact_arena *arena, const struct row *row, const void *target)
{
	(void)row;
	const struct tact_limit *limit = target;
	if (limit->form == TACT_LIMIT_AT_LEAST)
		return NULL;
	return limit->form == TACT_LIMIT_RECIPIENT ? "recipient" : print_number(arena, limit);
}

static const char *print_at_least(struct tact_arena *arena, const struct row *row, const void *target)
{
	(void)row;
	const struct tact_limit *limit = target;
	return limit->form == TACT_LIMIT_AT_LEAST ? print_number(arena, limit) : NULL;
}

const struct value_type tact_config_type_text = {false, parse_text, print_text};
const struct value_type tact_config_type_path = {false, parse_path, print_text};
const struct value_type tact_config_type_url = {false, parse_url, print_text};
const struct value_type tact_config_type_socket = {false, parse_socket, print_text};
const struct value_type tact_config_type_host = {false, parse_host, print_text};
const struct value_type tact_config_type_domain = {false, parse_domain, print_text};
const struct value_type tact_config_type_zone = {false, parse_zone, print_zone};
const struct value_type tact_config_type_reply = {false, parse_reply, print_text};
const struct value_type tact_config_type_header_name = {false, parse_header_name, print_text};
const struct value_type tact_config_type_duration = {false, parse_duration, print_duration};
const struct value_type tact_config_type_integer = {false, parse_integer, print_integer};
const struct value_type tact_config_type_word = {false, parse_word, print_word};
const struct value_type tact_config_type_yes_no = {false, parse_word, print_word};
const struct value_type tact_config_type_percent = {false, parse_percent, print_percent};
const struct value_type tact_config_type_at_most = {false, parse_at_most, print_at_most};
const struct value_type tact_config_type_at_least = {false, parse_at_least, print_at_least};
