/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One connection, the only file that knows libpq. Each call is a transaction of its own and is answered by
 * ReadyForQuery alone: rows come before the commit, and before the wait for a standby, so rows acknowledge
 * nothing. No pipeline, no cancel: a cancelled wait for a standby would show what is not replicated to
 * everybody. The deadline is ours, on the socket, because statement_timeout does not end that wait.
 */
#include <config.h>

#include "postgres.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARAMS_MOST 6
#define OPEN_WAIT_MS 10000  /* for the first words with a server that took the connection */
#define OTHERS_WAIT_MS 1000 /* for all other hosts together */
#define HOSTS_MOST 16

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

/* ---- words ---- */

static void set_words(struct pg_link *link, const char *text)
{
	size_t used = 0;

	for (; *text && used + 1 < sizeof link->words; text++)
		if (*text != '\n' || text[1] != '\0')
			link->words[used++] = *text == '\n' || *text == '\t' ? ' ' : *text;
	link->words[used] = '\0';
}

static void hear_notice(void *context, const PGresult *result)
{
	struct pg_link *link = context;

	link->noticed = true;
	set_words(link, PQresultErrorMessage(result));
}

static void take_error(struct pg_link *link, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	link->refused = true;
	snprintf(link->state, sizeof link->state, "%s", state ? state : "");
	set_words(link, PQresultErrorMessage(result));
}

/* ---- open and close ---- */

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

/* One of the hosts in the url's lists, each NULL or "" where there is none. */
struct host {
	const char *name, *address, *port;
};

/* ONE: only that host, or NULL: the first of the url's that answers. */
static PGconn *connect_to(const struct pg_url *url, const struct host *one,
    PGconn *(*connect)(const char *const *, const char *const *, int))
{
	static const struct host all = {NULL, NULL, NULL};
	const struct host *host = one ? one : &all;
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

/* The word that is in force, whether it came from the url, a service file or the environment. */
static char *setting_of(const PQconninfoOption *options, const char *name)
{
	for (; options && options->keyword; options++)
		if (strcmp(options->keyword, name) == 0)
			return options->val;
	return NULL;
}

static const char *text_of(const PQconninfoOption *options, const char *name)
{
	const char *text = setting_of(options, name);
	return text ? text : "";
}

/* A part of a list of hosts. None: the socket in its usual folder. */
static bool is_here(const char *host, size_t length)
{
	static const char *const names[] = {"localhost", "127.", "::1"};

	if (length == 0 || host[0] == '/' || host[0] == '@')
		return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(host, names[i], strlen(names[i])) == 0 &&
		    (length == strlen(names[i]) || names[i][strlen(names[i]) - 1] == '.'))
			return true;
	return false;
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
	PQconninfoFree(options);
	PQfinish(conn);
	return result;
}

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

static int refuse_connection(struct pg_link *link, struct tact_error *err)
{
	struct tact_error found = {""};
	const char *advice = found.text;

	set_words(link, PQerrorMessage(link->conn));
	if (PQconnectionNeedsPassword(link->conn))
		explain_passfile(link->conn, &found);
	else
		advice = pg_words_advice(link->words);
	return tact_error_set(err, TACT_UNAVAILABLE, "no database: %s%s%s", link->words,
	    advice && advice[0] ? ": " : "", advice ? advice : "");
}

static int check_hello(struct pg_link *link, int64_t wait_ms, struct tact_error *err)
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

/* With ONE somebody has to go on with PQconnectPoll. */
static struct pg_link *link_new(const struct pg_url *url, struct pg_origins *origins, const struct host *one)
{
	struct pg_link *link = tact_calloc(1, sizeof *link);

	link->url = url;
	link->origins = origins;
	link->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	link->conn = connect_to(url, one, one ? PQconnectStartParams : PQconnectdbParams);
	return link;
}

/* It is connected. */
static void begin_link(struct pg_link *link)
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

/* ---- the other hosts ---- */

/* Word NUMBER of a list parted by commas, cut out of TEXT; the only one stands for all. NULL: there is none.
 */
static const char *nth_word(char *text, size_t number)
{
	char *word = text, *end;

	if (!text || text[0] == '\0')
		return NULL;
	while (number-- > 0 && strchr(word, ','))
		word = strchr(word, ',') + 1;
	end = strchr(word, ',');
	if (end)
		*end = '\0';
	return word;
}

static size_t count_words(const char *text)
{
	size_t count = text != NULL;
	for (; text && *text; text++)
		count += *text == ',';
	return count;
}

static size_t count_hosts(PGconn *conn)
{
	PQconninfoOption *options = PQconninfo(conn);
	size_t names = options ? count_words(setting_of(options, "host")) : 0,
	       addresses = options ? count_words(setting_of(options, "hostaddr")) : 0;
	size_t count = names > addresses ? names : addresses;

	PQconninfoFree(options);
	return count < HOSTS_MOST ? count : HOSTS_MOST;
}

/* All hosts at once: one that says nothing holds up no other. */
struct others {
	struct pg_link *links[HOSTS_MOST];
	PostgresPollingStatusType polling[HOSTS_MOST];
	size_t count;
};

static void start_other(struct others *others, const struct pg_link *link, size_t number)
{
	PQconninfoOption *options = PQconninfo(link->conn);

	if (!options)
		return;
	const struct host host = {.name = nth_word(setting_of(options, "host"), number),
	    .address = nth_word(setting_of(options, "hostaddr"), number),
	    .port = nth_word(setting_of(options, "port"), number)};
	others->links[others->count] = link_new(link->url, link->origins, &host);
	others->polling[others->count++] = PGRES_POLLING_WRITING;
	PQconninfoFree(options);
}

static bool is_pending(const struct others *others, size_t i)
{
	return PQstatus(others->links[i]->conn) != CONNECTION_BAD &&
	       (others->polling[i] == PGRES_POLLING_READING || others->polling[i] == PGRES_POLLING_WRITING);
}

/* False when nothing is left to be waited for, or no time. */
static bool move_others(struct others *others, const struct pg_link *link, int64_t deadline_ms)
{
	struct pollfd fds[HOSTS_MOST + 1] = {{.fd = link->stop, .events = POLLIN}};
	int64_t left_ms = deadline_ms - tact_clock_monotonic_ms();
	bool pending = false;

	for (size_t i = 0; i < others->count; i++) {
		bool reads = others->polling[i] == PGRES_POLLING_READING;
		fds[i + 1] = (struct pollfd){.fd = -1, .events = reads ? POLLIN : POLLOUT};
		if (is_pending(others, i))
			fds[i + 1].fd = PQsocket(others->links[i]->conn);
		pending = pending || fds[i + 1].fd >= 0;
	}
	if (!pending || left_ms <= 0 || poll(fds, others->count + 1, (int)left_ms) <= 0 || fds[0].revents)
		return false;
	for (size_t i = 0; i < others->count; i++)
		if (fds[i + 1].revents)
			others->polling[i] = PQconnectPoll(others->links[i]->conn);
	return true;
}

/* Does another that has told its origin come after BEST? */
static bool is_later(struct others *others, size_t i, const struct pg_link *best, int64_t deadline_ms)
{
	struct pg_link *other = others->links[i];
	int64_t left_ms = deadline_ms - tact_clock_monotonic_ms();
	struct tact_error err;

	if (others->polling[i] != PGRES_POLLING_OK)
		return false;
	begin_link(other);
	if (check_hello(other, left_ms > 0 ? left_ms : 1, &err) != TACT_OK)
		return false;
	return best->origin.database == 0 || (other->origin.database == best->origin.database &&
						 other->origin.timeline > best->origin.timeline);
}

/* Of all hosts, the link with the latest timeline above this one's, or with the latest of all where this
 * one's is not known; or NULL. */
static struct pg_link *find_later(struct pg_link *link)
{
	int64_t deadline_ms = tact_clock_monotonic_ms() + OTHERS_WAIT_MS;
	size_t hosts = count_hosts(link->conn);
	struct others others = {.count = 0};
	struct pg_link *latest = NULL;

	for (size_t i = 0; hosts > 1 && i < hosts; i++)
		start_other(&others, link, i);
	while (move_others(&others, link, deadline_ms))
		;
	for (size_t i = 0; i < others.count; i++) {
		if (is_later(&others, i, latest ? latest : link, deadline_ms)) {
			pg_link_close(&latest);
			latest = others.links[i];
		} else {
			pg_link_close(&others.links[i]);
		}
	}
	return latest;
}

/* The caller goes on with what OTHER has. */
static void take_over(struct pg_link *link, struct pg_link **other)
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

/* libpq gives up where a host takes the connection and hangs up, as proxies do before a server that is gone.
 */
int pg_link_open(
    const struct pg_url *url, struct pg_origins *origins, struct pg_link **ret, struct tact_error *err)
{
	struct pg_link *link = link_new(url, origins, NULL), *other;
	int result = TACT_OK;

	if (PQstatus(link->conn) == CONNECTION_OK)
		begin_link(link);
	else if ((other = find_later(link)))
		take_over(link, &other);
	else
		result = refuse_connection(link, err);
	if (result == TACT_OK)
		*ret = link;
	else
		pg_link_close(&link);
	return result;
}

static bool is_latest_known(const struct pg_link *link)
{
	return pg_origins_latest(link->origins, link->origin.database) == link->origin.timeline;
}

int pg_link_greet(struct pg_link *link, struct tact_error *err)
{
	struct pg_link *later;
	int result = check_hello(link, OPEN_WAIT_MS, err);

	if (result != TACT_OK)
		return result;
	if (!is_latest_known(link) && (later = find_later(link)))
		take_over(link, &later);
	if (!pg_origins_hear(link->origins, &link->origin))
		return tact_error_set(err, TACT_UNAVAILABLE,
		    "the server at %s port %s was deposed (it is on timeline %lld, %lld was promoted since): "
		    "end "
		    "it; start this program anew if it is to be used all the same",
		    PQhost(link->conn), PQport(link->conn), (long long)link->origin.timeline,
		    (long long)pg_origins_latest(link->origins, link->origin.database));
	return TACT_OK;
}

bool pg_link_deposed(const struct pg_link *link)
{
	return pg_origins_latest(link->origins, link->origin.database) > link->origin.timeline;
}

bool pg_link_ask_deposed(struct pg_link *link)
{
	struct pg_link *later = find_later(link);

	if (later)
		pg_origins_hear(link->origins, &later->origin);
	pg_link_close(&later);
	return pg_link_deposed(link);
}

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

/* ---- calls ---- */

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
	set_words(link, PQerrorMessage(link->conn));
	if (link->words[0] == '\0')
		set_words(link, "the connection to the database broke");
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
		set_words(link, "did not prepare a statement within the time that there is for it");
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
	set_words(link, "did not take rows within the time that there is for it");
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
