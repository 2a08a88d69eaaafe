/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What is said over one connection: calls, COPY, and their answers. Each call is a transaction of its own and
 * is answered by ReadyForQuery alone: rows come before the commit, and before the wait for a standby, so rows
 * acknowledge nothing. No pipeline, no cancel: a cancelled wait for a standby would show what is not
 * replicated to everybody. The deadline is ours, on the socket, because statement_timeout does not end that
 * wait.
 */
#include <config.h>

#include "postgres_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define PARAMS_MOST 6

enum {
	BYTEA = 17,
	INT8 = 20,
	INT2 = 21,
	INT4 = 23,
	TEXT = 25,
	BYTEA_LIST = 1001,
	INT2_LIST = 1005,
	INT8_LIST = 1016
};

static const struct statement {
	const char *name, *text;
	Oid types[PARAMS_MOST];
} statements[PG_STATEMENTS] = {
    [PG_LOAD] = {"tact_load",
	"SELECT found_kind, found_id, found_version, found_bytes, now_us FROM tact.tact_load($1, $2)",
	{INT2_LIST, BYTEA_LIST}},
    [PG_COMMIT] = {"tact_commit",
	"SELECT changed_kind, changed_id, done FROM tact.tact_commit($1, $2, $3, $4, $5, $6)",
	{INT2_LIST, BYTEA_LIST, INT8_LIST, INT8_LIST, INT8_LIST, BYTEA_LIST}},
    [PG_FILL] = {"tact_fill", "SELECT known_kind, known_id FROM tact.tact_fill($1, $2, $3, $4, $5)",
	{INT2_LIST, BYTEA_LIST, INT8_LIST, INT8_LIST, BYTEA_LIST}},
    [PG_MAY_COPY] = {"tact_may_copy",
	"SELECT coalesce(pg_catalog.has_table_privilege("
	"pg_catalog.to_regclass('tact.tact_record')::pg_catalog.oid, 'INSERT'), false)",
	{0}},
    [PG_FIND_GROUPS] = {"tact_groups", "SELECT tact.tact_groups()", {0}},
    [PG_NOW] = {"tact_now", "SELECT tact.tact_now()", {0}},
    [PG_SCAN] = {"tact_scan",
	"SELECT found_id, found_version, found_wake, found_bytes FROM tact.tact_scan($1, $2, $3)",
	{INT2, BYTEA, INT4}},
    [PG_SCAN_PART] = {"tact_scan_part",
	"SELECT found_id, found_version, found_wake, found_bytes FROM tact.tact_scan_part($1, $2, $3, $4)",
	{INT2, BYTEA, INT4, INT4}},
    [PG_DUE] = {"tact_due", "SELECT due_us, due_kind, due_id FROM tact.tact_due($1, $2, $3, $4, $5)",
	{INT8, INT2, BYTEA, INT8, INT4}},
    [PG_DUE_PART] = {"tact_due_part",
	"SELECT due_us, due_kind, due_id FROM tact.tact_due_part($1, $2, $3, $4, $5, $6)",
	{INT8, INT2, BYTEA, INT8, INT4, INT4}},
    [PG_IDENTITY] = {"tact_identity", "SELECT tact.tact_identity()", {0}},
    [PG_SET_IDENTITY] = {"tact_set_identity", "SELECT tact.tact_set_identity($1, $2)", {TEXT, TEXT}},
    [PG_SIZE] = {"tact_size", "SELECT tact.tact_size()", {0}},
    [PG_HELLO] = {"tact_hello",
	"SELECT tact.tact_schema(), pg_catalog.current_setting('client_min_messages'), "
	"pg_catalog.current_setting('synchronous_commit'), o.origin_database, o.origin_timeline, "
	"pg_catalog.pg_backend_pid() "
	"FROM tact.tact_origin() AS o",
	{0}},
};

/* ---- words ---- */

void pg_link_set_words(struct pg_link *link, const char *text)
{
	size_t used = 0;

	for (; *text && used + 1 < sizeof link->words; text++)
		if (*text != '\n' || text[1] != '\0')
			link->words[used++] = *text == '\n' || *text == '\t' ? ' ' : *text;
	link->words[used] = '\0';
}

/* Without its details, in which stand records. */
void pg_link_set_words_of(struct pg_link *link, const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY),
		   *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char text[sizeof link->words];

	snprintf(text, sizeof text, "%s:  %s", severity ? severity : "", message ? message : "");
	pg_link_set_words(link, severity && message ? text : PQresultErrorMessage(result));
}

static void take_error(struct pg_link *link, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	link->refused = true;
	snprintf(link->state, sizeof link->state, "%s", state ? state : "");
	pg_link_set_words_of(link, result);
}

/* ---- waiting ---- */

/* A server that ends a connection says so first: the end stands behind its words. */
bool pg_link_alive(struct pg_link *link)
{
	struct pollfd fd = {.fd = PQsocket(link->conn), .events = POLLIN};

	while (poll(&fd, 1, 0) > 0)
		if (!PQconsumeInput(link->conn))
			return false;
	return PQstatus(link->conn) == CONNECTION_OK;
}

void pg_link_stop(struct pg_link *link)
{
	(void)eventfd_write(link->stop, 1);
}

/* PG_DONE: something moved. */
static enum pg_outcome wait_for_socket(struct pg_link *link, bool writing, int64_t deadline_ms)
{
	struct pollfd fds[2] = {
	    {.fd = PQsocket(link->conn), .events = POLLIN}, {.fd = link->stop, .events = POLLIN}};
	int64_t left_ms = deadline_ms == 0 ? -1 : deadline_ms - tact_clock_monotonic_ms();
	int got;

	if (writing)
		fds[0].events |= POLLOUT;
	if (deadline_ms != 0 && left_ms <= 0)
		return PG_LATE;
	got = poll(fds, 2, left_ms > 60000 ? 60000 : (int)left_ms);
	if (got < 0 && errno != EINTR)
		return PG_LOST;
	return got > 0 && fds[1].revents ? PG_LATE : PG_DONE;
}

static enum pg_outcome lose(struct pg_link *link)
{
	pg_link_set_words(link, PQerrorMessage(link->conn));
	if (link->words[0] == '\0')
		pg_link_set_words(link, "the connection to the database broke");
	return PG_LOST;
}

/* Keeps the rows of the last statement that had any. */
static void take_result(struct pg_link *link, PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_TUPLES_OK:
		PQclear(link->rows);
		link->rows = result;
		return;
	case PGRES_COMMAND_OK:
		break;
	default:
		take_error(link, result);
	}
	PQclear(result);
}

static bool take_copy(struct pg_link *link, PGresult *result)
{
	if (PQresultStatus(result) != PGRES_COPY_IN)
		return false;
	link->copying = true;
	PQclear(result);
	return true;
}

/* PQgetResult answers NULL only after ReadyForQuery. PG_DONE also where the server waits for COPY's rows. */
enum pg_outcome pg_link_wait(struct pg_link *link, int64_t deadline_ms)
{
	for (;;) {
		int unsent = PQflush(link->conn);
		PGresult *result;

		if (unsent < 0 || !PQconsumeInput(link->conn))
			return lose(link);
		while (!PQisBusy(link->conn)) {
			result = PQgetResult(link->conn);
			if (result == NULL)
				return PQstatus(link->conn) != CONNECTION_OK ? lose(link)
				       : link->refused			     ? PG_REFUSED
									     : PG_DONE;
			if (take_copy(link, result))
				return PG_DONE;
			take_result(link, result);
		}
		enum pg_outcome outcome = wait_for_socket(link, unsent > 0, deadline_ms);
		if (outcome != PG_DONE)
			return outcome;
	}
}

/* ---- calls ---- */

static void begin_call(struct pg_link *link)
{
	PQclear(link->rows);
	link->rows = NULL;
	link->noticed = link->refused = link->copying = false;
	link->state[0] = link->words[0] = '\0';
}

static int count_types(const struct statement *statement)
{
	int count = 0;
	while (count < PARAMS_MOST && statement->types[count] != 0)
		count++;
	return count;
}

static enum pg_outcome prepare(struct pg_link *link, enum pg_statement statement, int64_t deadline_ms)
{
	const struct statement *what = &statements[statement];
	enum pg_outcome outcome;

	if (!PQsendPrepare(link->conn, what->name, what->text, count_types(what), what->types))
		return lose(link);
	outcome = pg_link_wait(link, deadline_ms);
	/* A late one is answered to somebody who thinks that his statement ran. */
	if (outcome == PG_LATE) {
		pg_link_set_words(link, "did not prepare a statement within the time that there is for it");
		return PG_LOST;
	}
	link->prepared[statement] = outcome == PG_DONE;
	return outcome;
}

enum pg_outcome pg_link_call(struct pg_link *link, enum pg_statement statement, const struct pg_param *params,
    size_t count, int64_t deadline_ms)
{
	static const int binary[PARAMS_MOST] = {1, 1, 1, 1, 1, 1};
	const struct statement *what = &statements[statement];
	const char *values[PARAMS_MOST];
	int sizes[PARAMS_MOST], sent;

	begin_call(link);
	if (link->prepare && !link->prepared[statement]) {
		enum pg_outcome outcome = prepare(link, statement, deadline_ms);
		if (outcome != PG_DONE)
			return outcome;
		begin_call(link);
	}
	for (size_t i = 0; i < count; i++) {
		values[i] = params[i].bytes ? params[i].bytes : "";
		sizes[i] = (int)params[i].size;
	}
	if (link->prepare)
		sent = PQsendQueryPrepared(link->conn, what->name, (int)count, values, sizes, binary, 1);
	else
		sent = PQsendQueryParams(
		    link->conn, what->text, (int)count, what->types, values, sizes, binary, 1);
	return sent ? pg_link_wait(link, deadline_ms) : lose(link);
}

/* What is late in the midst of COPY is lost: nobody would send the rest. */
static enum pg_outcome lose_late(struct pg_link *link, enum pg_outcome outcome)
{
	if (outcome != PG_LATE)
		return outcome;
	pg_link_set_words(link, "did not take rows within the time that there is for it");
	return PG_LOST;
}

enum pg_outcome pg_link_copy_begin(struct pg_link *link, int64_t deadline_ms)
{
	/* One text of two statements is one transaction. */
	static const char text[] = "SELECT tact.tact_durable(), "
				   "pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()); "
				   "COPY tact.tact_record (kind, id, version, wake, bytes) FROM STDIN "
				   "(FORMAT binary)";
	enum pg_outcome outcome;

	begin_call(link);
	if (!PQsendQuery(link->conn, text))
		return lose(link);
	outcome = lose_late(link, pg_link_wait(link, deadline_ms));
	return outcome == PG_DONE && !link->copying ? lose(link) : outcome;
}

/* What the server does not take yet is waited for here, since libpq would move all of it at each step. */
enum pg_outcome pg_link_copy_rows(struct pg_link *link, const void *rows, size_t size, int64_t deadline_ms)
{
	enum pg_outcome outcome = PG_DONE;
	int unsent;

	if (PQputCopyData(link->conn, rows, (int)size) != 1)
		return lose(link);
	while (outcome == PG_DONE && (unsent = PQflush(link->conn)) != 0) {
		if (unsent < 0 || !PQconsumeInput(link->conn))
			return lose(link);
		outcome = wait_for_socket(link, true, deadline_ms);
	}
	return lose_late(link, outcome);
}

enum pg_outcome pg_link_copy_end(struct pg_link *link, int64_t deadline_ms)
{
	link->copying = false;
	return PQputCopyEnd(link->conn, NULL) == 1 ? pg_link_wait(link, deadline_ms) : lose(link);
}

/* A text is answered as text. */
uint64_t pg_link_next_transaction(const struct pg_link *link)
{
	size_t size;
	return strtoull(pg_link_value(link, 0, 1, &size), NULL, 10);
}

enum pg_outcome pg_link_run(struct pg_link *link, const char *text, int64_t deadline_ms)
{
	begin_call(link);
	return PQsendQuery(link->conn, text) ? pg_link_wait(link, deadline_ms) : lose(link);
}

/* ---- answers ---- */

size_t pg_link_rows(const struct pg_link *link)
{
	return link->rows ? (size_t)PQntuples(link->rows) : 0;
}

const void *pg_link_value(const struct pg_link *link, size_t row, int column, size_t *ret_size)
{
	*ret_size = 0;
	if (row >= pg_link_rows(link) || column >= PQnfields(link->rows))
		return "";
	*ret_size = (size_t)PQgetlength(link->rows, (int)row, column);
	return PQgetvalue(link->rows, (int)row, column);
}

int64_t pg_link_integer(const struct pg_link *link, size_t row, int column)
{
	size_t size;
	const uint8_t *bytes = pg_link_value(link, row, column, &size);
	uint64_t value = size > 0 && size < 8 && bytes[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < size && i < 8; i++)
		value = value << 8 | bytes[i];
	return (int64_t)value;
}

bool pg_link_noticed(const struct pg_link *link)
{
	return link->noticed;
}

const char *pg_link_state(const struct pg_link *link)
{
	return link->state;
}

const char *pg_link_words(const struct pg_link *link)
{
	return link->words;
}
