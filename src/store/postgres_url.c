/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What follows "postgres:": libpq's own KEYWORD=VALUE text, from which our words are taken out. Knows the
 * quoting of such a text, and of libpq's words those that must not stand there and those whose mistakes libpq
 * would report only when it connects.
 */
#include <config.h>

#include "postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITERS_DEFAULT 4
#define WRITERS_MOST 64
#define NAME_MOST 64
#define VALUE_MOST 1024

struct setting {
	const char *from, *to; /* where it stands, blanks before it included */
	char name[NAME_MOST], value[VALUE_MOST];
};

/* While a url is read. */
struct parsing {
	struct pg_url url;
	size_t kept_bytes;
	size_t hosts, addresses, ports; /* as many as are named */
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

static void add(char *to, size_t size, char c)
{
	size_t length = strlen(to);
	if (length + 1 < size) {
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
		add(value, VALUE_MOST, *p);
	}
	if (quoted)
		return *p == '\'' ? p + 1 : NULL;
	return p;
}

/* What stands there is not repeated: it may be the second half of a password. */
static int take_setting(const char *p, size_t number, struct setting *ret, struct tact_error *err)
{
	*ret = (struct setting){.from = p};
	for (p = skip_blanks(p); *p && *p != '=' && !is_blank(*p); p++)
		add(ret->name, NAME_MOST, *p);
	p = skip_blanks(p);
	if (*p != '=' || ret->name[0] == '\0')
		return tact_error_set(err, TACT_INVALID,
		    "\"postgres:\": word %zu is not KEYWORD=VALUE; postgres:host=db1,db2 dbname=tact "
		    "user=relay would do",
		    number);
	ret->to = take_value(skip_blanks(p + 1), ret->value);
	if (!ret->to)
		return tact_error_set(
		    err, TACT_INVALID, "\"postgres:\": the quote after %s= is not closed", ret->name);
	return TACT_OK;
}

static size_t count_parts(const char *list)
{
	size_t count = 1;
	for (; *list; list++)
		count += *list == ',';
	return count;
}

static int take_prepared(struct parsing *parsing, const char *value, struct tact_error *err)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return tact_error_set(
		    err, TACT_INVALID, "\"postgres:\": prepared=%s: yes or no would do", value);
	parsing->url.prepare = strcmp(value, "yes") == 0 ? PG_PREPARE_YES : PG_PREPARE_NO;
	return TACT_OK;
}

static int take_connections(struct parsing *parsing, const char *value, struct tact_error *err)
{
	int64_t count;
	if (tact_text_parse_int(value, 1, WRITERS_MOST, &count, NULL) != TACT_OK)
		return tact_error_set(err, TACT_INVALID,
		    "\"postgres:\": connections=%s: a number from 1 to %d would do", value, WRITERS_MOST);
	parsing->url.writers = (int)count;
	return TACT_OK;
}

/* The url is shown, and stands in the evidence as part of the policy in force. */
static int refuse_secret(struct parsing *parsing, const char *value, struct tact_error *err)
{
	(void)parsing, (void)value;
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

static int check_sslmode(struct parsing *parsing, const char *value, struct tact_error *err)
{
	static const char *const modes[] = {
	    "disable", "allow", "prefer", "require", "verify-ca", "verify-full"};

	(void)parsing;
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (strcmp(value, modes[i]) == 0)
			return TACT_OK;
	return tact_error_set(err, TACT_INVALID,
	    "\"postgres:\": sslmode=%s: verify-full would do; disable, require and verify-ca protect less",
	    value);
}

static int check_target(struct parsing *parsing, const char *value, struct tact_error *err)
{
	(void)parsing;
	if (strcmp(value, "read-write") == 0)
		return TACT_OK;
	return tact_error_set(err, TACT_INVALID,
	    "\"postgres:\": target_session_attrs=%s: read-write is what tact asks for by itself; leave it "
	    "out",
	    value);
}

/* A relative one would be looked for below whatever folder a program stands in. */
static int check_file(struct parsing *parsing, const char *value, struct tact_error *err)
{
	(void)parsing;
	if (value[0] == '/')
		return TACT_OK;
	return tact_error_set(
	    err, TACT_INVALID, "\"postgres:\": the file \"%s\" is not an absolute path", value);
}

static int check_root(struct parsing *parsing, const char *value, struct tact_error *err)
{
	return strcmp(value, "system") == 0 ? TACT_OK : check_file(parsing, value, err);
}

static int check_hosts(struct parsing *parsing, const char *value, struct tact_error *err)
{
	(void)err;
	parsing->hosts = count_parts(value);
	return TACT_OK;
}

static int check_addresses(struct parsing *parsing, const char *value, struct tact_error *err)
{
	(void)err;
	parsing->addresses = count_parts(value);
	return TACT_OK;
}

static int check_ports(struct parsing *parsing, const char *value, struct tact_error *err)
{
	char port[8];
	int64_t number;

	parsing->ports = count_parts(value);
	for (const char *p = value; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		size_t length = strcspn(p, ",");
		snprintf(port, sizeof port, "%.*s", (int)(length < sizeof port ? length : sizeof port), p);
		if (length > 0 &&
		    (length >= sizeof port || tact_text_parse_int(port, 1, 65535, &number, NULL) != TACT_OK))
			return tact_error_set(err, TACT_INVALID,
			    "\"postgres:\": port=%s: numbers from 1 to 65535 would do", value);
	}
	return TACT_OK;
}

/* Words that are ours, and words of libpq's that are looked at. */
static const struct word {
	const char *name;
	bool ours; /* libpq does not see it */
	int (*judge)(struct parsing *parsing, const char *value, struct tact_error *err);
} words[] = {
    {"prepared", true, take_prepared},
    {"connections", true, take_connections},
    {"password", false, refuse_secret},
    {"sslpassword", false, refuse_secret},
    {"sslmode", false, check_sslmode},
    {"target_session_attrs", false, check_target},
    {"passfile", false, check_file},
    {"sslrootcert", false, check_root},
    {"sslcert", false, check_file},
    {"sslkey", false, check_file},
    {"sslcrl", false, check_file},
    {"host", false, check_hosts},
    {"hostaddr", false, check_addresses},
    {"port", false, check_ports},
};

static void keep_setting(struct parsing *parsing, const struct setting *setting)
{
	size_t bytes = (size_t)(setting->to - setting->from);

	memcpy(parsing->url.conninfo + parsing->kept_bytes, setting->from, bytes);
	parsing->kept_bytes += bytes;
}

static int judge_setting(struct parsing *parsing, const struct setting *setting, struct tact_error *err)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(setting->name, words[i].name) != 0)
			continue;
		int result = words[i].judge(parsing, setting->value, err);
		if (result != TACT_OK || words[i].ours)
			return result;
	}
	keep_setting(parsing, setting);
	return TACT_OK;
}

static int judge_all(const struct parsing *parsing, struct tact_error *err)
{
	size_t hosts = parsing->hosts > 0 ? parsing->hosts : parsing->addresses;

	if (parsing->hosts > 0 && parsing->addresses > 0 && parsing->hosts != parsing->addresses)
		return tact_error_set(err, TACT_INVALID,
		    "\"postgres:\": host= names %zu and hostaddr= names %zu", parsing->hosts,
		    parsing->addresses);
	if (parsing->ports > 1 && parsing->ports != (hosts > 0 ? hosts : 1))
		return tact_error_set(err, TACT_INVALID,
		    "\"postgres:\": port= names %zu for %zu hosts: one for all would do, or one for each",
		    parsing->ports, hosts > 0 ? hosts : 1);
	return TACT_OK;
}

int pg_url_parse(const char *rest, struct pg_url *ret, struct tact_error *err)
{
	struct parsing parsing = {.url.writers = WRITERS_DEFAULT};
	const char *p = rest;
	size_t number = 0;
	int result = TACT_OK;

	if (rest[0] == '/' || strncmp(rest, "postgres", 8) == 0)
		return refuse_uri(err);
	parsing.url.conninfo = tact_calloc(1, strlen(rest) + 1);
	while (*skip_blanks(p) && result == TACT_OK) {
		struct setting setting;
		result = take_setting(p, ++number, &setting, err);
		if (result == TACT_OK)
			result = judge_setting(&parsing, &setting, err);
		if (result == TACT_OK)
			p = setting.to;
	}
	if (result == TACT_OK)
		result = judge_all(&parsing, err);
	if (result == TACT_OK)
		result = pg_link_check_words(parsing.url.conninfo, err);
	if (result != TACT_OK)
		pg_url_clear(&parsing.url);
	else
		*ret = parsing.url;
	return result;
}

void pg_url_clear(struct pg_url *url)
{
	free(url->conninfo);
	free(url->hosts);
	free(url->addresses);
	free(url->ports);
	url->conninfo = url->hosts = url->addresses = url->ports = NULL;
}
