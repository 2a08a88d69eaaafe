/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What an error of the server says about our transaction. The table names the errors that are only raised
 * before a transaction is committed; an error that is not in it may come after the commit (a cancelled wait
 * for a standby, a connection that broke between two servers), so it is uncertain.
 */
#include <config.h>

#include "postgres.h"

#include <string.h>

static const struct state {
	const char *code; /* a whole one, or the two characters of a class */
	enum pg_meaning meaning;
	const char *advice;
} states[] = {
    {"40001", PG_MEANS_AGAIN, NULL}, /* serialization failure */
    {"40P01", PG_MEANS_AGAIN, NULL}, /* deadlock */
    {"55P03", PG_MEANS_NOT_COMMITTED, "somebody holds a lock on tact's tables"},
    {"25006", PG_MEANS_ELSEWHERE, "this server only reads: name the one that writes in host="},
    {"26000", PG_MEANS_NOT_COMMITTED, "a pooler hands out transactions: add prepared=no to the store's url"},
    {"42P05", PG_MEANS_NOT_COMMITTED, "a pooler hands out transactions: add prepared=no to the store's url"},
    {"3F000", PG_MEANS_NOT_COMMITTED, "the database has no tact schema: run \"tact store init\""},
    {"42883", PG_MEANS_NOT_COMMITTED,
	"the database has no tact schema, or one of another version: run \"tact store init\""},
    {"42P01", PG_MEANS_NOT_COMMITTED, "a table of tact is missing: run \"tact store init\""},
    {"42501", PG_MEANS_NOT_COMMITTED, "the login lacks a role: GRANT tact_relay TO it"},
    {"53100", PG_MEANS_NOT_COMMITTED, "the database's disk is full: free space there"},
    {"53200", PG_MEANS_NOT_COMMITTED, "the database is out of memory"},
    {"53300", PG_MEANS_NOT_COMMITTED, "the database has no connection left: raise max_connections"},
    {"57P03", PG_MEANS_ELSEWHERE, "the database is starting or stopping"},
    {"22", PG_MEANS_NOT_COMMITTED, NULL}, /* a value the functions do not take */
    {"23", PG_MEANS_NOT_COMMITTED, NULL}, /* a constraint of the tables */
    {"28", PG_MEANS_NOT_COMMITTED,
	"the database does not know the login: see user=, passfile= and pg_hba.conf"},
    {"42", PG_MEANS_NOT_COMMITTED, "the tact schema is another version's: run \"tact store upgrade\""},
};

static const struct state *find_state(const char *code)
{
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (code[0] && strncmp(code, states[i].code, strlen(states[i].code)) == 0)
			return &states[i];
	return NULL;
}

enum pg_meaning pg_state_meaning(const char *code)
{
	const struct state *state = find_state(code);
	return state ? state->meaning : PG_MEANS_UNCERTAIN;
}

const char *pg_state_advice(const char *code)
{
	const struct state *state = find_state(code);
	return state ? state->advice : NULL;
}
