/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The files of one connection among themselves, and the only place that knows libpq's header: postgres_link.c
 * calls and answers, postgres_connect.c its beginning and its end, postgres_hosts.c which host is taken.
 */
#ifndef TACT_STORE_POSTGRES_LINK_H
#define TACT_STORE_POSTGRES_LINK_H

#include "postgres.h"

#include <libpq-fe.h>

struct pg_link {
	const struct pg_url *url;
	struct pg_origins *origins;
	struct pg_origin origin; /* as the server told it in its first words */
	PGconn *conn;
	bool prepare; /* known once greeted */
	bool prepared[PG_STATEMENTS];
	int stop; /* an eventfd */
	PGresult *rows;
	bool noticed, refused;
	bool copying; /* the server waits for rows */
	char state[6];
	char words[700];
};

/* ---- postgres_link.c ---- */

/* As one line, for pg_link_words. */
void pg_link_set_words(struct pg_link *link, const char *text);
/* The same of an error or a notice. */
void pg_link_set_words_of(struct pg_link *link, const PGresult *result);

/* ---- postgres_connect.c ---- */

/* One of the hosts in the url's lists, each NULL or "" where there is none. */
struct pg_host {
	const char *name, *address, *port;
};

/* The word that is in force, whether it came from the url, a service file or the environment; it is OPTIONS'.
 * NULL: there is none. */
char *pg_link_setting(const PQconninfoOption *options, const char *name);
/* NULL: connects to the first of the url's hosts that answers, and blocks. With ONE somebody has to go on
 * with PQconnectPoll. Whether it is connected, PQstatus tells. To be closed. */
struct pg_link *pg_link_new(const struct pg_url *url, struct pg_origins *origins, const struct pg_host *one);
/* It is connected. */
void pg_link_begin(struct pg_link *link);
/* The caller goes on with what OTHER has, which is closed. */
void pg_link_take_over(struct pg_link *link, struct pg_link **other);
/* It is not connected. TACT_UNAVAILABLE, with words that say why and what to do. */
int pg_link_refuse(struct pg_link *link, struct tact_error *err);
/* The first words, within WAIT_MS. TACT_OK: the origin is known; TACT_UNAVAILABLE; TACT_SYSTEM: what is wrong
 * will not pass by itself. */
int pg_link_check_hello(struct pg_link *link, int64_t wait_ms, struct tact_error *err);

#endif
