/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What follows "postgres:": libpq's own KEYWORD=VALUE text, from which our words are taken out. Knows the
 * quoting of such a text and none of libpq's words but the one that is refused.
 */
#include <config.h>

#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define WRITERS_DEFAULT 4
#define WRITERS_MOST 64
#define WORD_MOST 64

struct setting {
	const char *from, *to; /* where it stands, blanks before it included */
	char name[WORD_MOST], value[WORD_MOST];
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_blanks(const char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

static void add(char *to, char c)
{
	size_t length = strlen(to);
	if (length + 1 < WORD_MOST) {
		to[length] = c;
		to[length + 1] = '\0';
	}
}

/* What stands behind the value, or NULL: an open quote. */
static const char *take_value(const char *p, char *value)
{
	bool quoted = *p == '\'';

	for (p += quoted; *p && (quoted ? *p != '\'' : !is_blank(*p)); p++) {
		if (*p == '\\' && p[1])
			p++;
		add(value, *p);
	}
	if (quoted)
		return *p == '\'' ? p + 1 : NULL;
	return p;
}

static int take_setting(const char *p, struct setting *ret, struct tact_error *err)
{
	*ret = (struct setting){.from = p};
	for (p = skip_blanks(p); *p && *p != '=' && !is_blank(*p); p++)
		add(ret->name, *p);
	p = skip_blanks(p);
	if (*p != '=' || ret->name[0] == '\0')
		return tact_error_set(err, TACT_INVALID,
		    "\"postgres:\": KEYWORD=VALUE is missing at \"%.40s\"; postgres:host=db1,db2 dbname=tact "
		    "user=relay would do",
		    skip_blanks(ret->from));
	ret->to = take_value(skip_blanks(p + 1), ret->value);
	if (!ret->to)
		return tact_error_set(
		    err, TACT_INVALID, "\"postgres:\": the quote after %s= is not closed", ret->name);
	return TACT_OK;
}

static int take_prepared(struct pg_url *url, const char *value, struct tact_error *err)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return tact_error_set(
		    err, TACT_INVALID, "\"postgres:\": prepared=%s: yes or no would do", value);
	url->prepare = strcmp(value, "yes") == 0;
	return TACT_OK;
}

static int take_connections(struct pg_url *url, const char *value, struct tact_error *err)
{
	int64_t count;
	if (tact_text_parse_int(value, 1, WRITERS_MOST, &count, NULL) != TACT_OK)
		return tact_error_set(err, TACT_INVALID,
		    "\"postgres:\": connections=%s: a number from 1 to %d would do", value, WRITERS_MOST);
	url->writers = (int)count;
	return TACT_OK;
}

/* The url is shown, and stands in the evidence as part of the policy in force. */
static int refuse_password(struct tact_error *err)
{
	return tact_error_set(err, TACT_INVALID,
	    "\"postgres:\": a password would be shown with the url: put it into a file of mode 0600 and name "
	    "it "
	    "with passfile=");
}

static int refuse_uri(struct tact_error *err)
{
	return tact_error_set(err, TACT_INVALID,
	    "\"postgres:\" is followed by KEYWORD=VALUE words, not by an address: postgres:host=db1,db2 "
	    "dbname=tact user=relay would do");
}

/* *ret_kept: libpq is to see it. */
static int judge_setting(
    struct pg_url *url, const struct setting *setting, bool *ret_kept, struct tact_error *err)
{
	*ret_kept = false;
	if (strcmp(setting->name, "prepared") == 0)
		return take_prepared(url, setting->value, err);
	if (strcmp(setting->name, "connections") == 0)
		return take_connections(url, setting->value, err);
	if (strcmp(setting->name, "password") == 0)
		return refuse_password(err);
	*ret_kept = true;
	return TACT_OK;
}

int pg_url_parse(const char *rest, struct pg_url *ret, struct tact_error *err)
{
	struct pg_url url = {.writers = WRITERS_DEFAULT, .prepare = true};
	const char *p = rest;
	int result = TACT_OK;
	size_t kept_bytes = 0;

	if (rest[0] == '/' || strncmp(rest, "postgres", 8) == 0)
		return refuse_uri(err);
	url.conninfo = tact_calloc(1, strlen(rest) + 1);
	while (*skip_blanks(p) && result == TACT_OK) {
		struct setting setting;
		bool kept = false;
		result = take_setting(p, &setting, err);
		if (result == TACT_OK)
			result = judge_setting(&url, &setting, &kept, err);
		if (result != TACT_OK)
			break;
		p = setting.to;
		if (kept) {
			memcpy(url.conninfo + kept_bytes, setting.from, (size_t)(setting.to - setting.from));
			kept_bytes += (size_t)(setting.to - setting.from);
		}
	}
	if (result != TACT_OK)
		pg_url_clear(&url);
	else
		*ret = url;
	return result;
}

void pg_url_clear(struct pg_url *url)
{
	free(url->conninfo);
	url->conninfo = NULL;
}
