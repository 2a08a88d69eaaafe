/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What an error of the server says about our transaction, and what to do when there is no connection. The
 * table names the errors that are only raised before a transaction is committed, also by a proxy; an error
 * that is not in it may come after the commit (a cancelled wait for a standby, a connection that broke
 * between two servers), so it is uncertain.
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
    {"53200", PG_MEANS_UNCERTAIN, "the database is out of memory"}, /* a proxy may lack it afterwards */
    {"53300", PG_MEANS_NOT_COMMITTED, "the database has no connection left: raise max_connections"},
    {"57P03", PG_MEANS_ELSEWHERE, "the database is starting or stopping"},
    {"TA001", PG_MEANS_ELSEWHERE,
	"end that server, or take it out of the proxy's list of hosts"}, /* plproxy.sql */
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

/* Without a connection there is no SQLSTATE, only libpq's English; nobody sets its locale. The first one that
 * stands in it. */
static const struct complaint {
	const char *words, *advice;
	bool of_url; /* no server was needed to say so */
} complaints[] = {
    {"root certificate file",
	"name with sslrootcert= the file with the certificate of whoever signed the server's", false},
    {"certificate verify failed",
	"the server's certificate is not signed by what stands in sslrootcert=, or has expired: name the "
	"right file, have it renewed, or ask who it is that answers there",
	false},
    {"host name must be specified",
	"write in host= the name that stands in the server's certificate, beside hostaddr=", false},
    {"does not match host name",
	"write in host= a name that stands in the server's certificate, and in hostaddr= its address if that "
	"name is not found",
	false},
    {"server does not support SSL",
	"turn on ssl in its postgresql.conf; sslmode=disable is for networks that nobody else can reach",
	false},
    {"password authentication failed",
	"the password in the passfile or service file is not the login's, or its VALID UNTIL has passed",
	false},
    {"pg_hba.conf", "pg_hba.conf on the server must name this database, login and address", false},
    {"definition of service",
	"services stand in ~/.pg_service.conf of the user of tact, or where PGSERVICEFILE says", true},
    {"session is read-only",
	"no host in host= takes writes: name the primary, promote a standby, or set "
	"default_transaction_read_only to off for this login",
	false},
    {"remaining connection slots", "raise max_connections on the server", false},
    {"too many clients", "raise max_connections on the server", false},
    {"too many connections for", "raise CONNECTION LIMIT of the login or the database", false},
    {"no more connections allowed", "raise max_client_conn of the pooler", false},
    {"could not translate host name", "the name is not found: see host= and the resolver", false},
    {"invalid ", NULL, true},
    {"could not match", NULL, true},
    {"not supported", NULL, true},
    {"service file", NULL, true},
};

static const struct complaint *find_complaint(const char *words)
{
	for (size_t i = 0; i < sizeof complaints / sizeof *complaints; i++)
		if (strstr(words, complaints[i].words))
			return &complaints[i];
	return NULL;
}

const char *pg_words_advice(const char *words)
{
	const struct complaint *complaint = find_complaint(words);
	return complaint ? complaint->advice : NULL;
}

bool pg_words_are_of_url(const char *words)
{
	const struct complaint *complaint = find_complaint(words);
	return complaint && complaint->of_url;
}
