/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How a connection begins and ends: what libpq makes of the url, whom it is protected from, why there is
 * none, and the first words with the server.
 */
#include <config.h>

#include "postgres_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the url ---- */

int pg_link_check_words(const char *conninfo, struct tact_error *err)
{
	char *words = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &words);
	int result = options ? TACT_OK
			     : tact_error_set(err, TACT_INVALID, "\"postgres:\": %.*s",
				   (int)strcspn(words ? words : "libpq does not take it", "\n"),
				   words ? words : "libpq does not take it");

	PQconninfoFree(options);
	PQfreemem(words);
	return result;
}

/* ONE: only that host, or NULL: the first of the url's that answers. */
static PGconn *connect_to(const struct pg_url *url, const struct pg_host *one,
    PGconn *(*connect)(const char *const *, const char *const *, int))
{
	static const struct pg_host all = {NULL, NULL, NULL};
	const struct pg_host *host = one ? one : &all;
	/* The later word wins: what stands before dbname is a default, what stands behind it is not to be
	 * chosen. */
	const char *const names[] = {"connect_timeout", "keepalives_idle", "keepalives_interval",
	    "keepalives_count", "tcp_user_timeout", "application_name", "dbname", "target_session_attrs",
	    "client_encoding", "sslmode", "host", "hostaddr", "port", NULL};
	const char *const values[] = {"5", "10", "5", "3", "20000", "tact", url->conninfo, "read-write",
	    "UTF8", url->verify ? "verify-full" : NULL, host->name, host->address, host->port, NULL};
	/* An empty dbname would not be read as a conninfo; what is NULL or empty is not there. */
	return connect(names, values, 1);
}

char *pg_link_setting(const PQconninfoOption *options, const char *name)
{
	for (; options && options->keyword; options++)
		if (strcmp(options->keyword, name) == 0)
			return options->val;
	return NULL;
}

static const char *text_of(const PQconninfoOption *options, const char *name)
{
	const char *text = pg_link_setting(options, name);
	return text ? text : "";
}

/* A part of a list of hosts. None: the socket in its usual folder. */
static bool is_here(const char *host, size_t length)
{
	static const char *const names[] = {"localhost", "::1"};

	if (length == 0 || host[0] == '/' || host[0] == '@')
		return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (length == strlen(names[i]) && strncmp(host, names[i], length) == 0)
			return true;
	return strncmp(host, "127.", 4) == 0 &&
	       strspn(host, "0123456789.") >= length; /* and not a name that begins so */
}

static bool are_here(const char *hosts)
{
	for (;;) {
		size_t length = strcspn(hosts, ",");
		if (!is_here(hosts, length))
			return false;
		if (hosts[length] == '\0')
			return true;
		hosts += length + 1;
	}
}

/* Beginning to connect fails for what it was told, or for the network; that is left to the connections to
 * come. */
static int judge_beginning(const PGconn *conn, struct tact_error *err)
{
	const char *words = PQerrorMessage(conn), *advice = pg_words_advice(words);

	if (PQstatus(conn) != CONNECTION_BAD || !pg_words_are_of_url(words))
		return TACT_OK;
	return tact_error_set(err, TACT_INVALID, "\"postgres:\": %.*s%s%s", (int)strcspn(words, "\n"), words,
	    advice ? ": " : "", advice ? advice : "");
}

static char *copy_of(const PQconninfoOption *options, const char *name)
{
	const char *text = text_of(options, name);
	return *text != '\0' ? tact_strdup(text) : NULL;
}

int pg_link_protect(struct pg_url *url, struct tact_error *err)
{
	PGconn *conn = connect_to(url, NULL, PQconnectStartParams);
	PQconninfoOption *options = PQconninfo(conn);
	const char *mode = text_of(options, "sslmode");
	int result = judge_beginning(conn, err);

	if (!are_here(text_of(options, "host")) || !are_here(text_of(options, "hostaddr"))) {
		url->verify = strcmp(mode, "prefer") == 0;
		if (!url->verify && strcmp(mode, "verify-full") != 0)
			snprintf(url->weak, sizeof url->weak, "%s", mode);
	}
	url->hosts = copy_of(options, "host");
	url->addresses = copy_of(options, "hostaddr");
	url->ports = copy_of(options, "port");
	PQconninfoFree(options);
	PQfinish(conn);
	return result;
}

/* ---- begin and end ---- */

/* What a login is shown of the server's log (client_min_messages) says nothing about a commit: a wait that
 * was broken off is a WARNING, or through a proxy a NOTICE. */
static bool is_of_log(const PGresult *result)
{
	static const char *const severities[] = {"DEBUG", "LOG", "INFO"};
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	for (size_t i = 0; severity && i < sizeof severities / sizeof *severities; i++)
		if (strcmp(severity, severities[i]) == 0)
			return true;
	return false;
}

static void hear_notice(void *context, const PGresult *result)
{
	struct pg_link *link = context;

	if (is_of_log(result))
		return;
	link->noticed = true;
	pg_link_set_words_of(link, result);
}

struct pg_link *pg_link_new(const struct pg_url *url, struct pg_origins *origins, const struct pg_host *one)
{
	struct pg_link *link = tact_calloc(1, sizeof *link);

	link->url = url;
	link->origins = origins;
	link->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	link->conn = connect_to(url, one, one ? PQconnectStartParams : PQconnectdbParams);
	return link;
}

void pg_link_begin(struct pg_link *link)
{
	PQsetNoticeReceiver(link->conn, hear_notice, link);
	PQsetnonblocking(link->conn, 1);
}

void pg_link_close(struct pg_link **link)
{
	if (!*link)
		return;
	PQclear((*link)->rows);
	PQfinish((*link)->conn);
	if ((*link)->stop >= 0)
		close((*link)->stop);
	free(*link);
	*link = NULL;
}

void pg_link_take_over(struct pg_link *link, struct pg_link **other)
{
	PGconn *conn = link->conn;

	link->conn = (*other)->conn;
	link->origin = (*other)->origin;
	link->prepare = (*other)->prepare;
	memcpy(link->prepared, (*other)->prepared, sizeof link->prepared);
	(*other)->conn = conn;
	PQsetNoticeReceiver(link->conn, hear_notice, link);
	pg_link_close(other);
}

/* ---- why there is none ---- */

/* Why libpq found no password, which it keeps to itself. */
static void explain_passfile(const PGconn *conn, struct tact_error *ret)
{
	PQconninfoOption *options = PQconninfo((PGconn *)conn);
	const char *path = text_of(options, "passfile");
	struct stat about;

	if (stat(path, &about) != 0)
		snprintf(ret->text, sizeof ret->text, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(about.st_mode) || (about.st_mode & (S_IRWXG | S_IRWXO)))
		snprintf(ret->text, sizeof ret->text,
		    "others may read %s, so libpq does not: change its password if they have, and chmod 600 "
		    "it",
		    path);
	else if (access(path, R_OK) != 0)
		snprintf(ret->text, sizeof ret->text, "%s: %s: chown it to the user of tact", path,
		    strerror(errno));
	else
		snprintf(ret->text, sizeof ret->text,
		    "%s has no line HOST:PORT:DATABASE:LOGIN:PASSWORD for this host, database and login",
		    path);
	PQconninfoFree(options);
}

int pg_link_refuse(struct pg_link *link, struct tact_error *err)
{
	struct tact_error found = {""};
	const char *advice = found.text;

	pg_link_set_words(link, PQerrorMessage(link->conn));
	if (PQconnectionNeedsPassword(link->conn))
		explain_passfile(link->conn, &found);
	else
		advice = pg_words_advice(link->words);
	return tact_error_set(err, TACT_UNAVAILABLE, "no database: %s%s%s", link->words,
	    advice && advice[0] ? ": " : "", advice ? advice : "");
}

/* ---- the first words ---- */

int pg_link_check_hello(struct pg_link *link, int64_t wait_ms, struct tact_error *err)
{
	size_t size;
	const char *text;

	if (pg_link_call(link, PG_HELLO, NULL, 0, tact_clock_monotonic_ms() + wait_ms) != PG_DONE) {
		const char *advice = pg_state_advice(link->state);
		return tact_error_set(err, advice ? TACT_SYSTEM : TACT_UNAVAILABLE, "%s%s%s",
		    link->words[0] ? link->words : "the database took the connection and then said nothing",
		    advice ? ": " : "", advice ? advice : "");
	}
	if (pg_link_integer(link, 0, 0) != PG_SCHEMA_VERSION)
		return tact_error_set(err, TACT_SYSTEM,
		    "the database has version %lld of tact's schema, this program needs %d: run \"tact store "
		    "upgrade\" with the newer of the two",
		    (long long)pg_link_integer(link, 0, 0), PG_SCHEMA_VERSION);
	text = pg_link_value(link, 0, 1, &size);
	if (size == 5 && memcmp(text, "error", 5) == 0)
		return tact_error_set(err, TACT_SYSTEM,
		    "client_min_messages = error hides that a commit was not replicated: set it to warning "
		    "for this login");
	text = pg_link_value(link, 0, 2, &size);
	if (!(size == 2 && memcmp(text, "on", 2) == 0) &&
	    !(size == 12 && memcmp(text, "remote_apply", 12) == 0))
		return tact_error_set(err, TACT_SYSTEM,
		    "synchronous_commit = %.*s acknowledges what may be lost: set it to on for this login",
		    (int)size, text);
	link->origin.database = pg_link_integer(link, 0, 3);
	link->origin.timeline = pg_link_integer(link, 0, 4);
	/* A pooler gives its clients process numbers of its own making. */
	link->prepare = link->url->prepare == PG_PREPARE_YES ||
			(link->url->prepare == PG_PREPARE_ALONE &&
			    pg_link_integer(link, 0, 5) == PQbackendPID(link->conn));
	return TACT_OK;
}
