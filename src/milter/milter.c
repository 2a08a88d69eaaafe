/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * libmilter's callbacks: they collect. What a message comes to is decided by decide and acted out in
 * actions.c.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

#include "private.h"

#define BODY_KEPT (64 * 1024) /* of room between two messages */
#define BACKLOG 1024

/* One milter a process: libmilter has no place for a context of our own. A copy, because libmilter's threads
 * outlive the call that runs them. */
static struct tact_milter_parts ours;
static const struct tact_milter_parts *const parts = &ours;

/* libmilter ends without waiting for its threads, and what they decide with is closed after that. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static size_t deciding;
static bool over;

static bool enter(void)
{
	bool may;

	pthread_mutex_lock(&lock);
	may = !over;
	deciding += may;
	pthread_mutex_unlock(&lock);
	return may;
}

static void leave(void)
{
	pthread_mutex_lock(&lock);
	deciding--;
	pthread_cond_signal(&left);
	pthread_mutex_unlock(&lock);
}

/* Every decision has a deadline of its own, so that this ends. */
static void wait_for_decisions(void)
{
	pthread_mutex_lock(&lock);
	over = true;
	while (deciding > 0)
		pthread_cond_wait(&left, &lock);
	pthread_mutex_unlock(&lock);
}

static struct connection *connection_of(SMFICTX *ctx)
{
	return smfi_getpriv(ctx);
}

/* ---- one message ends, another begins ---- */

static void forget_message(struct connection *connection)
{
	tact_arena_reset(connection->arena);
	connection->message = NULL;
	connection->recipients = NULL;
	connection->recipients_count = 0;
	connection->body_bytes = 0;
	connection->body_cut = false;
	if (connection->body_room > BODY_KEPT) {
		free(connection->body);
		connection->body = NULL;
		connection->body_room = 0;
	}
	connection->names_gate = false;
}

/* ---- callbacks ---- */

/* Ask for nothing that is not needed: every callback and reply given up is a round trip less. */
static sfsistat negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
    unsigned long f3, unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	unsigned long edits = SMFIF_ADDRCPT | SMFIF_DELRCPT | SMFIF_ADDRCPT_PAR | SMFIF_QUARANTINE |
			      SMFIF_CHGHDRS; /* of a mark */
	unsigned long wanted = SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NR_CONN |
			       SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_NR_BODY;
	struct connection *connection;
	size_t body_max;

	(void)f2;
	(void)f3;
	if (!enter())
		return SMFIS_REJECT; /* of the connection to us: Postfix falls back to its default action */
	body_max = tact_decide_wants_body(parts->decider);
	if (body_max == 0)
		wanted |= SMFIP_NOBODY;
	if (tact_decide_wants_edits(parts->decider))
		edits |= SMFIF_ADDHDRS;
	if (!parts->smtp)
		edits |= SMFIF_ADDHDRS; /* of a mark */
	leave();
	if ((f0 & edits) != edits) {
		tact_log(TACT_LOG_ERROR,
		    "milter=%s Postfix does not offer the edits tact needs: message refused",
		    parts->listener);
		return SMFIS_REJECT;
	}
	if (!parts->smtp)
		wanted |= SMFIP_NR_RCPT;
	*pf0 = edits;
	*pf1 = wanted & f1;
	*pf2 = *pf3 = 0;
	connection = tact_calloc(1, sizeof *connection);
	connection->parts = parts;
	connection->arena = tact_arena_new();
	connection->lasting = tact_arena_new();
	connection->protocol = *pf1;
	connection->body_max = body_max;
	smfi_setpriv(ctx, connection);
	return SMFIS_CONTINUE;
}

/* The reply to a step Postfix does not wait for is NOREPLY, to any other CONTINUE. */
static sfsistat carry_on(const struct connection *connection, unsigned long no_reply)
{
	return (connection->protocol & no_reply) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	struct connection *connection = connection_of(ctx);
	char text[INET6_ADDRSTRLEN] = "";

	if (connection == NULL)
		return SMFIS_TEMPFAIL;
	if (address != NULL && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)address)->sin_addr, text, sizeof text);
	else if (address != NULL && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)address)->sin6_addr, text, sizeof text);
	connection->envelope = (struct tact_envelope){
	    .listener = parts->listener,
	    .smtp = parts->smtp,
	    .client_ip = text[0] != '\0' ? tact_arena_strdup(connection->lasting, text) : NULL,
	    .client_name = name != NULL ? tact_arena_strdup(connection->lasting, name) : NULL,
	};
	return carry_on(connection, SMFIP_NR_CONN);
}

static const char *without_brackets(struct tact_arena *arena, const char *text)
{
	size_t length = strlen(text);

	if (length >= 2 && text[0] == '<' && text[length - 1] == '>')
		return tact_arena_strndup(arena, text + 1, length - 2);
	return tact_arena_strdup(arena, text);
}

static sfsistat on_mail(SMFICTX *ctx, char **args)
{
	struct connection *connection = connection_of(ctx);
	const char *user = smfi_getsymval(ctx, unchanged("{auth_authen}"));

	if (connection == NULL)
		return SMFIS_TEMPFAIL;
	forget_message(connection);
	connection->envelope.sender = without_brackets(connection->arena, args[0]);
	connection->envelope.sasl_user =
	    user != NULL && user[0] != '\0' ? tact_arena_strdup(connection->arena, user) : NULL;
	connection->message = tact_facts_new_message(connection->arena, &connection->envelope);
	return carry_on(connection, SMFIP_NR_MAIL);
}

static const char *join_args(struct tact_arena *arena, char **args)
{
	const char *all = "";

	for (; *args != NULL; args++)
		all = tact_arena_printf(arena, "%s%s%s", all, all[0] != '\0' ? " " : "", *args);
	return all;
}

static const char *find_arg(struct tact_arena *arena, char **args, const char *name)
{
	for (; *args != NULL; args++)
		if (tact_text_starts_nocase(*args, name))
			return tact_arena_strdup(arena, *args + strlen(name));
	return NULL;
}

/* Nobody outside may speak of places in the queue: such an address would reach the gate unasked. */
static bool is_gate_address(const struct tact_milter_parts *with, const char *given)
{
	const char *at = strrchr(given, '@');
	const char *domains[] = {with->gate_domain, with->review_domain};

	for (size_t i = 0; at != NULL && i < 2; i++) {
		size_t have = strlen(at + 1), want = strlen(domains[i]);

		if (have >= want && tact_text_equal_nocase(at + 1 + have - want, domains[i]) &&
		    (have == want || at[have - want] == '.'))
			return true;
	}
	return false;
}

/* The next character of an address that may be quoted, as a small letter; NUL at the end. */
static char next_of(const char **at)
{
	char c;

	*at += strspn(*at, "\"");
	if (**at == '\\' && (*at)[1] != '\0')
		++*at;
	c = **at;
	*at += c != '\0';
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Postfix tells an address in small letters, and quotes it where that is needed. */
static bool is_one_address(const char *a, const char *b)
{
	char of_a, of_b;

	do {
		of_a = next_of(&a);
		of_b = next_of(&b);
	} while (of_a == of_b && of_a != '\0');
	return of_a == of_b;
}

/* An address but for its domain, which may be missing. Postfix makes something of much else, such as source
 * routes, that it could not be asked to take off a message again by what was written. */
static bool is_well_written(struct tact_arena *arena, const char *given)
{
	const char *whole =
	    strchr(given, '@') != NULL ? given : tact_arena_printf(arena, "%s@localhost", given);
	struct tact_address address;
	struct tact_error err;

	return tact_facts_parse_address(arena, whole, parts->profile, &address, &err) == TACT_OK;
}

/* Its domain is whole, and nothing before it names another. */
static bool says_its_domain(const char *given)
{
	const char *at = strrchr(given, '@');

	return at != NULL && strcspn(given, "%!@") == (size_t)(at - given) && strchr(at, '.') != NULL;
}

/* Unless told otherwise Postfix takes ann%person.example@localhost, person.example!ann@localhost and
 * "ann@person.example"@localhost to ann@person.example, also where person.example is a domain of its own, and
 * postmaster to such a domain; told to append its domain, ann@person to ann@person.example: those are the
 * people that wishes and limits are of. */
static const char *find_meant(SMFICTX *ctx, struct tact_arena *arena, const char *given)
{
	const char *resolved;

	if (says_its_domain(given))
		return given;
	resolved = smfi_getsymval(ctx, unchanged("{rcpt_addr}"));
	if (resolved == NULL || strchr(resolved, '@') == NULL || is_one_address(given, resolved) ||
	    !is_well_written(arena, given))
		return given;
	return tact_arena_strdup(arena, resolved);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **args)
{
	struct connection *connection = connection_of(ctx);
	struct recipient recipient;

	if (connection == NULL || connection->message == NULL)
		return SMFIS_TEMPFAIL;
	recipient = (struct recipient){
	    .given = without_brackets(connection->arena, args[0]),
	    .args = join_args(connection->arena, args + 1),
	    .notify = find_arg(connection->arena, args + 1, "NOTIFY="),
	    .orcpt = find_arg(connection->arena, args + 1, "ORCPT="),
	};
	recipient.meant = find_meant(ctx, connection->arena, recipient.given);
	if (is_gate_address(parts, recipient.given) || is_gate_address(parts, recipient.meant)) {
		if (parts->smtp)
			return answer(ctx, connection, "550", "5.7.1", "no mail is taken for this domain");
		connection->names_gate = true; /* one cannot be refused here by itself, so all are */
	}
	if (parts->smtp) {
		if (!enter())
			return SMFIS_TEMPFAIL;
		sfsistat refused = ask_at_rcpt(ctx, connection, &recipient);
		leave();
		if (refused != SMFIS_CONTINUE)
			return refused;
	}
	*TACT_PUSH(connection->arena, connection->recipients, connection->recipients_count) = recipient;
	return carry_on(connection, SMFIP_NR_RCPT);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct connection *connection = connection_of(ctx);

	if (connection == NULL || connection->message == NULL)
		return SMFIS_TEMPFAIL;
	tact_facts_add_header(connection->arena, connection->message, name, value);
	return carry_on(connection, SMFIP_NR_HDR);
}

static void keep_body(struct connection *connection, const char *chunk, size_t size)
{
	size_t wanted = connection->body_max - connection->body_bytes;

	connection->body_cut = connection->body_cut || size > wanted;
	if (size > wanted)
		size = wanted;
	if (connection->body_room - connection->body_bytes < size) {
		connection->body_room = 2 * (connection->body_bytes + size);
		connection->body = tact_realloc(connection->body, connection->body_room);
	}
	if (size > 0)
		memcpy(connection->body + connection->body_bytes, chunk, size);
	connection->body_bytes += size;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t size)
{
	struct connection *connection = connection_of(ctx);

	if (connection == NULL || connection->message == NULL)
		return SMFIS_TEMPFAIL;
	keep_body(connection, (const char *)chunk, size);
	return carry_on(connection, SMFIP_NR_BODY);
}

/* The cleanup that takes mail of sendmail(1) sends what is marked to smtpd, where it is decided: only there
 * does Postfix tell where it takes each recipient, and take off everyone. It says so in a macro of its own.
 */
static bool is_to_be_marked(SMFICTX *ctx)
{
	return !parts->smtp && smfi_getsymval(ctx, unchanged("{tact_undecided}")) != NULL;
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
	struct connection *connection = connection_of(ctx);
	sfsistat status;

	if (connection == NULL || connection->message == NULL || !enter())
		return SMFIS_TEMPFAIL;
	status = is_to_be_marked(ctx) ? mark(ctx, connection) : decide_and_act(ctx, connection);
	leave();
	forget_message(connection);
	return status;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct connection *connection = connection_of(ctx);

	if (connection != NULL)
		forget_message(connection);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct connection *connection = connection_of(ctx);

	if (connection == NULL)
		return SMFIS_CONTINUE;
	smfi_setpriv(ctx, NULL);
	tact_arena_free(&connection->arena);
	tact_arena_free(&connection->lasting);
	free(connection->body);
	free(connection);
	return SMFIS_CONTINUE;
}

/* ---- running ---- */

/* A unix socket is Postfix's to connect to and nobody else's. */
static int open_to_group(const char *socket, const char *group, struct tact_error *err)
{
	const char *path = strncmp(socket, "unix:", 5) == 0    ? socket + 5
			   : strncmp(socket, "local:", 6) == 0 ? socket + 6
							       : NULL;
	struct group *entry;

	if (path == NULL)
		return TACT_OK;
	if (chmod(path, 0660) != 0)
		return tact_error_set(err, TACT_SYSTEM, "%s: cannot set its mode: %s", path, strerror(errno));
	if (group[0] == '\0')
		return TACT_OK;
	entry = getgrnam(group);
	if (entry == NULL)
		return tact_error_set(err, TACT_SYSTEM, "socket_group %s: no such group", group);
	if (chown(path, (uid_t)-1, entry->gr_gid) != 0)
		return tact_error_set(
		    err, TACT_SYSTEM, "%s: cannot give it to group %s: %s", path, group, strerror(errno));
	return TACT_OK;
}

static int listen_on(const struct tact_milter_parts *with, struct tact_error *err)
{
	struct smfiDesc description = {
	    .xxfi_name = unchanged("tact"),
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_connect = on_connect,
	    .xxfi_envfrom = on_mail,
	    .xxfi_envrcpt = on_rcpt,
	    .xxfi_header = on_header,
	    .xxfi_body = on_body,
	    .xxfi_eom = on_end_of_message,
	    .xxfi_abort = on_abort,
	    .xxfi_close = on_close,
	    .xxfi_negotiate = negotiate,
	};
	mode_t mask;
	int opened;

	if (smfi_register(description) != MI_SUCCESS || smfi_setconn(unchanged(with->socket)) != MI_SUCCESS)
		return tact_error_set(err, TACT_SYSTEM, "listener %s: libmilter does not take socket \"%s\"",
		    with->listener, with->socket);
	(void)smfi_setbacklog(BACKLOG);
	mask = umask(0117); /* never open to others, not even for a moment */
	opened = smfi_opensocket(true);
	umask(mask);
	if (opened != MI_SUCCESS)
		return tact_error_set(err, TACT_SYSTEM, "listener %s: cannot listen on \"%s\": %s",
		    with->listener, with->socket, strerror(errno));
	return open_to_group(with->socket, with->socket_group, err);
}

int tact_milter_run(const struct tact_milter_parts *with, struct tact_error *err)
{
	int result;

	ours = *with;
	sessions_begin();
	result = listen_on(with, err);
	if (result != TACT_OK)
		return result;
	if (with->ready != NULL)
		with->ready(with->context);
	result = smfi_main() == MI_SUCCESS
		     ? TACT_OK
		     : tact_error_set(
			   err, TACT_SYSTEM, "listener %s: libmilter ended with an error", with->listener);
	wait_for_decisions();
	sessions_end();
	return result;
}
