/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Rulings turned into Postfix's terms: the rows of DESIGN §3's table, and the log lines that tell of them.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "private.h"

#define EDITS_PER_PROGRESS 50 /* deleting a recipient costs Postfix time proportional to their number */
#define REPLY_TEXT_MAX 400
#define MARK "Tact-Undecided"
#define PATH_TEXT_MAX 320 /* RFC 5321: 64 octets, an '@' and 255 */

/* ---- replies ---- */

/* libmilter formats the text: a per cent sign stands for itself only when doubled. */
static char *escape_percent(struct tact_arena *arena, const char *text)
{
	char *out = tact_arena_alloc(arena, 2 * strlen(text) + 1), *at = out;

	for (; *text != '\0'; text++) {
		if (*text == '%')
			*at++ = '%';
		*at++ = *text;
	}
	return out;
}

sfsistat answer(
    SMFICTX *ctx, struct connection *connection, const char *reply, const char *code, const char *text)
{
	const char *safe = tact_text_printable(connection->arena, text, REPLY_TEXT_MAX);
	char own_code[16];

	/* An enhanced code of the other class would be refused by libmilter: the reply's class is the truth.
	 */
	snprintf(own_code, sizeof own_code, "%c%s", reply[0], strlen(code) > 1 ? code + 1 : ".7.1");
	if (smfi_setreply(ctx, unchanged(reply), own_code, escape_percent(connection->arena, safe)) !=
	    MI_SUCCESS)
		tact_log(TACT_LOG_WARNING, "milter=%s reply %s %s cannot be set", connection->parts->listener,
		    reply, own_code);
	return reply[0] == '5' ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static int64_t deadline(int64_t seconds)
{
	return tact_clock_monotonic_ms() + seconds * 1000;
}

static sfsistat refuse_at_rcpt(SMFICTX *ctx, struct connection *connection, const struct tact_ruling *ruling,
    const struct tact_error *err)
{
	bool refused = ruling->fate == TACT_FATE_REFUSE;
	enum tact_log_level level = refused ? TACT_LOG_INFO : TACT_LOG_WARNING;
	struct tact_arena *arena = connection->arena;

	if (!refused)
		tact_log(TACT_LOG_ERROR, "NOQUEUE: milter=%s undecided: %s", connection->parts->listener,
		    err->text);
	if (tact_log_writes(level))
		tact_log(level,
		    "NOQUEUE: milter=%s phase=rcpt verdict=%s to=<%s> from=<%s> stream=%s rule=%s code=%s "
		    "text=\"%s\"",
		    connection->parts->listener, refused ? "reject" : "undecided",
		    tact_text_path(arena, ruling->given, PATH_TEXT_MAX),
		    tact_text_path(arena, connection->envelope.sender, PATH_TEXT_MAX),
		    ruling->facts.stream != NULL ? ruling->facts.stream : "",
		    ruling->opinion.rule != NULL ? ruling->opinion.rule->name : "", ruling->code,
		    tact_text_printable(arena, ruling->text, REPLY_TEXT_MAX));
	return answer(ctx, connection, refused ? "550" : "451", ruling->code, ruling->text);
}

sfsistat ask_at_rcpt(SMFICTX *ctx, struct connection *connection, struct recipient *recipient)
{
	const struct tact_milter_parts *parts = connection->parts;
	struct tact_asked asked = {.given = recipient->meant, .notify = recipient->notify};
	struct tact_decide_request request = {.message = connection->message,
	    .asked = &asked,
	    .asked_count = 1,
	    .now_us = tact_clock_now_us(),
	    .deadline_ms = deadline(parts->rcpt_timeout_s),
	    .rules = tact_decider_take_rules(parts->decider)};
	struct tact_ruling ruling;
	sfsistat status = SMFIS_CONTINUE;
	struct tact_error err = {""};

	tact_decide_rcpt(parts->decider, connection->arena, &request, &ruling, &err);
	if (!tact_id_is_none(&ruling.recipient.key))
		recipient->known =
		    tact_arena_copy(connection->arena, &ruling.recipient, sizeof ruling.recipient);
	if (ruling.fate != TACT_FATE_PASS)
		status = refuse_at_rcpt(ctx, connection, &ruling, &err);
	tact_decider_put_rules(parts->decider, request.rules);
	return status;
}

/* ---- editing the recipients ---- */

/* RFC 3461 xtext. */
static char *xtext(struct tact_arena *arena, const char *text)
{
	char *out = tact_arena_alloc(arena, 3 * strlen(text) + 1), *at = out;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 33 || c > 126 || c == '+' || c == '=')
			at += snprintf(at, 4, "+%02X", c);
		else
			*at++ = (char)c;
	}
	return out;
}

/* The client's own arguments, NOTIFY=FAILURE where it gave none (or Postfix would warn of our delays), ORCPT
 * where it gave none (or a bounce could not name the person). */
static char *gate_args(struct tact_arena *arena, const struct recipient *recipient)
{
	const char *args = recipient->args;

	if (recipient->notify == NULL)
		args = tact_arena_printf(arena, "%s%sNOTIFY=FAILURE", args, args[0] != '\0' ? " " : "");
	if (recipient->orcpt == NULL)
		args = tact_arena_printf(arena, "%s ORCPT=rfc822;%s", args, xtext(arena, recipient->given));
	return tact_arena_strdup(arena, args);
}

static int remove_recipient(SMFICTX *ctx, struct connection *connection, const char *given)
{
	return smfi_delrcpt(ctx, tact_arena_printf(connection->arena, "<%s>", given));
}

/* Written by the same, or by it and what Postfix completes it with: that begins where END does. */
static bool some_pass_as(const struct connection *connection, const struct tact_ruling *rulings,
    const char *start, const char *end)
{
	size_t length = (size_t)(end - start);

	for (size_t i = 0; i < connection->recipients_count; i++) {
		const char *given = connection->recipients[i].given;

		if (rulings[i].fate == TACT_FATE_PASS && strncmp(given, start, length) == 0 &&
		    (given[length] == '\0' || given[length] == *end))
			return true;
	}
	return false;
}

/* Others may be meant by the same: none of them may pass. */
static int remove_start(SMFICTX *ctx, struct connection *connection, const struct tact_ruling *rulings,
    const char *given, const char *end)
{
	if (end == given || some_pass_as(connection, rulings, given, end))
		return MI_SUCCESS;
	return remove_recipient(
	    ctx, connection, tact_arena_strndup(connection->arena, given, (size_t)(end - given)));
}

/* Postfix tells whom sendmail(1) names without a domain with one of its own, and a domain without a dot with
 * what it appends to it, and takes off only who was written so. */
static int remove_unqualified(
    SMFICTX *ctx, struct connection *connection, const struct tact_ruling *rulings, const char *given)
{
	const char *at = strrchr(given, '@'), *dot = at != NULL ? strchr(at, '.') : NULL;
	int result = MI_SUCCESS;

	if (connection->parts->smtp || at == NULL)
		return MI_SUCCESS;
	if (dot != NULL && at[1] != '[')
		result = remove_start(ctx, connection, rulings, given, dot);
	return result == MI_SUCCESS ? remove_start(ctx, connection, rulings, given, at) : result;
}

static int add_gate_recipient(SMFICTX *ctx, struct connection *connection, const struct tact_ruling *ruling,
    const struct recipient *recipient)
{
	const struct tact_milter_parts *parts = connection->parts;
	const char *domain = ruling->fate == TACT_FATE_REVIEW ? parts->review_domain : parts->gate_domain;
	const char *address;

	if (ruling->ring[0] == '\0') /* no transport would take it to the gate: Postfix would bounce it */
		return MI_FAILURE;
	address = tact_decide_gate_address(
	    connection->arena, &ruling->claim, recipient->meant, ruling->ring, domain);
	return smfi_addrcpt_par(ctx, tact_arena_printf(connection->arena, "<%s>", address),
	    gate_args(connection->arena, recipient));
}

/* Every recipient that does not pass is taken off and put on the gate. New ones first: a message is never
 * without recipients, not even for a moment (Postfix would answer 250 and the mail be gone). */
static bool edit(SMFICTX *ctx, struct connection *connection, const struct tact_ruling *rulings)
{
	size_t edits = 0;

	for (size_t i = 0; i < connection->recipients_count; i++) {
		if (rulings[i].fate == TACT_FATE_PASS || rulings[i].first != i)
			continue;
		if (add_gate_recipient(ctx, connection, &rulings[i], &connection->recipients[i]) !=
		    MI_SUCCESS)
			return false;
	}
	for (size_t i = 0; i < connection->recipients_count; i++) {
		if (rulings[i].fate == TACT_FATE_PASS)
			continue;
		const char *given = connection->recipients[i].given;
		if (remove_recipient(ctx, connection, given) != MI_SUCCESS ||
		    remove_unqualified(ctx, connection, rulings, given) != MI_SUCCESS)
			return false;
		if (++edits % EDITS_PER_PROGRESS == 0)
			(void)smfi_progress(ctx);
	}
	return true;
}

/* ---- editing the header ---- */

/* Every field of that name, the last first: Postfix numbers those of one name from 1, and none may move. */
static bool strip_fields(SMFICTX *ctx, const struct tact_message *message, const char *name)
{
	int count = 0;

	for (size_t i = 0; i < message->headers_count; i++)
		count += tact_text_equal_nocase(message->headers[i].name, name);
	for (; count > 0; count--)
		if (smfi_chgheader(ctx, unchanged(name), count, NULL) != MI_SUCCESS)
			return false;
	return true;
}

/* Never the body. The facts were read before and stay as they came. A mark of somebody else's would be
 * believed of mail that is put back (postsuper -r): as undecided, although it was decided. */
static bool edit_header(SMFICTX *ctx, const struct connection *connection, const struct tact_ruling *ruling)
{
	const struct tact_header_edits *edits = ruling->edits;

	if (!strip_fields(ctx, connection->message, MARK))
		return false;
	for (size_t i = 0; edits != NULL && i < edits->strip_count; i++)
		if (!strip_fields(ctx, connection->message, edits->strip[i]))
			return false;
	for (size_t i = 0; edits != NULL && i < edits->add_count; i++)
		if (smfi_addheader(ctx, unchanged(edits->add[i].name), unchanged(edits->add[i].value)) !=
		    MI_SUCCESS)
			return false;
	return true;
}

/* ---- the message ---- */

static void log_ruling(const struct connection *connection, const struct tact_ruling *ruling,
    const char *sender, const char *action, enum tact_log_level level)
{
	static const char *const fates[] = {[TACT_FATE_PASS] = "accept",
	    [TACT_FATE_GATE] = "delay",
	    [TACT_FATE_REVIEW] = "quarantine",
	    [TACT_FATE_REFUSE] = "reject",
	    [TACT_FATE_UNDECIDED] = "undecided"};
	const char *queue_id = connection->message->queue_id;
	struct tact_arena *arena = connection->arena;

	tact_log(level,
	    "%s: milter=%s action=%s verdict=%s%s to=<%s> from=<%s> stream=%s rule=%s until=%s "
	    "claim=%s text=\"%s\"",
	    queue_id != NULL ? queue_id : "NOQUEUE", connection->parts->listener, action, fates[ruling->fate],
	    ruling->monitored ? " mode=monitor" : "", tact_text_path(arena, ruling->given, PATH_TEXT_MAX),
	    sender, ruling->facts.stream, ruling->opinion.rule != NULL ? ruling->opinion.rule->name : "",
	    ruling->fate == TACT_FATE_GATE ? tact_text_format_time(arena, ruling->opinion.until_us) : "",
	    ruling->ring[0] != '\0' ? tact_id_format(arena, &ruling->claim) : "",
	    tact_text_printable(arena, ruling->text, REPLY_TEXT_MAX));
}

static void log_rulings(
    const struct connection *connection, const struct tact_ruling *rulings, const char *action)
{
	const char *sender = NULL;

	for (size_t i = 0; i < connection->recipients_count; i++) {
		enum tact_log_level level =
		    rulings[i].fate == TACT_FATE_UNDECIDED ? TACT_LOG_WARNING : TACT_LOG_INFO;

		if (rulings[i].first != i || !tact_log_writes(level))
			continue;
		if (sender == NULL)
			sender =
			    tact_text_path(connection->arena, connection->envelope.sender, PATH_TEXT_MAX);
		log_ruling(connection, &rulings[i], sender, action, level);
	}
}

static const struct tact_ruling *first_with(
    const struct tact_ruling *rulings, size_t count, enum tact_fate fate)
{
	for (size_t i = 0; i < count; i++)
		if (rulings[i].fate == fate)
			return &rulings[i];
	return &rulings[0];
}

static sfsistat tempfail(SMFICTX *ctx, struct connection *connection, const struct tact_ruling *rulings,
    const struct tact_error *err)
{
	size_t count = connection->recipients_count;
	const struct tact_ruling *told = first_with(rulings, count, TACT_FATE_UNDECIDED);

	if (told->fate == TACT_FATE_UNDECIDED && told->result != TACT_REFUSED)
		tact_log(TACT_LOG_ERROR, "%s: milter=%s undecided: %s",
		    connection->message->queue_id != NULL ? connection->message->queue_id : "NOQUEUE",
		    connection->parts->listener, err->text);
	log_rulings(connection, rulings, "tempfail");
	return answer(ctx, connection, "451", told->code, told->text);
}

static sfsistat act(SMFICTX *ctx, struct connection *connection, const struct tact_ruling *rulings,
    const struct tact_error *err)
{
	size_t count = connection->recipients_count;
	const struct tact_ruling *told;

	switch (tact_decide_sum(rulings, count)) {
	case TACT_SUM_CONTINUE:
		if (!edit_header(ctx, connection, &rulings[0]))
			break;
		log_rulings(connection, rulings, "continue");
		return SMFIS_CONTINUE;
	case TACT_SUM_REJECT:
		told = first_with(rulings, count, TACT_FATE_REFUSE);
		log_rulings(connection, rulings, "reject");
		return answer(ctx, connection, "550", told->code, told->text);
	case TACT_SUM_HOLD:
		told = first_with(rulings, count, TACT_FATE_REVIEW);
		if (!edit_header(ctx, connection, &rulings[0]) ||
		    smfi_quarantine(ctx, tact_arena_strdup(connection->arena, told->text)) != MI_SUCCESS)
			break;
		log_rulings(connection, rulings, "hold");
		return SMFIS_CONTINUE;
	case TACT_SUM_EDIT:
		if (!edit_header(ctx, connection, &rulings[0]) || !edit(ctx, connection, rulings))
			break;
		log_rulings(connection, rulings, "edit");
		return SMFIS_CONTINUE;
	case TACT_SUM_TEMPFAIL:
		return tempfail(ctx, connection, rulings, err);
	}
	/* An edit failed half way: Postfix throws all of them away with the 451. */
	tact_decide_reopen(connection->parts->decider, connection->arena, rulings, count, connection->now_us,
	    deadline(connection->parts->message_timeout_s));
	log_rulings(connection, rulings, "tempfail");
	return answer(ctx, connection, "451", "4.3.0", "the message cannot be edited, try again later");
}

static const char *excerpt_of(struct connection *connection)
{
	if (connection->body_bytes == 0)
		return NULL;
	return tact_decide_excerpt(connection->arena, connection->body, connection->body_bytes);
}

/* NULL when so little was asked for that it is no body. */
static const struct tact_body *body_of(struct connection *connection)
{
	struct tact_body *body = tact_arena_alloc(connection->arena, sizeof *body);

	if (connection->body_max == 0 || (connection->body_cut && connection->body_max == TACT_EXCERPT_BYTES))
		return NULL;
	*body = (struct tact_body){.bytes = connection->body_bytes > 0 ? connection->body : "",
	    .size_bytes = connection->body_bytes,
	    .whole = !connection->body_cut};
	return body;
}

/* Postfix keeps it in maildrop, and tries again. */
static sfsistat leave_in_maildrop(SMFICTX *ctx, struct connection *connection, const char *queue_id)
{
	tact_log(TACT_LOG_ERROR,
	    "%s: milter=%s action=tempfail from=<%s>: smtpd would refuse this sender, and its bounce could "
	    "not be delivered: the mail stays in maildrop; let what sends it name one that is an address "
	    "(sendmail -f), and take this mail out of maildrop",
	    queue_id != NULL ? queue_id : "NOQUEUE", connection->parts->listener,
	    tact_text_path(connection->arena, connection->envelope.sender, PATH_TEXT_MAX));
	return answer(ctx, connection, "451", "4.3.0", "the sender is no address that smtpd takes");
}

sfsistat mark(SMFICTX *ctx, struct connection *connection)
{
	const char *queue_id = smfi_getsymval(ctx, unchanged("i"));
	bool marked;

	if (!sender_is_taken(connection->arena, connection->envelope.sender))
		return leave_in_maildrop(ctx, connection, queue_id);
	marked = smfi_addheader(ctx, unchanged(MARK), unchanged("yes")) == MI_SUCCESS;
	tact_log(marked ? TACT_LOG_INFO : TACT_LOG_ERROR, "%s: milter=%s action=%s from=<%s>",
	    queue_id != NULL ? queue_id : "NOQUEUE", connection->parts->listener,
	    marked ? "resubmit" : "tempfail",
	    tact_text_path(connection->arena, connection->envelope.sender, PATH_TEXT_MAX));
	return marked
		   ? SMFIS_CONTINUE
		   : answer(ctx, connection, "451", "4.3.0", "the message cannot be edited, try again later");
}

sfsistat decide_and_act(SMFICTX *ctx, struct connection *connection)
{
	const struct tact_milter_parts *parts = connection->parts;
	struct tact_arena *arena = connection->arena;
	size_t count = connection->recipients_count;
	struct tact_asked *asked = tact_arena_alloc(arena, (count + 1) * sizeof *asked);
	struct tact_ruling *rulings = tact_arena_alloc(arena, (count + 1) * sizeof *rulings);
	const char *queue_id = smfi_getsymval(ctx, unchanged("i"));
	const struct tact_rule_set *rules;
	struct tact_error err = {""};

	if (connection->names_gate)
		return answer(ctx, connection, "550", "5.7.1", "no mail is taken for the gate's domains");
	if (count == 0)
		return SMFIS_CONTINUE; /* every recipient was refused at RCPT: nothing will be queued */
	connection->message->queue_id = queue_id != NULL ? tact_arena_strdup(arena, queue_id) : NULL;
	tact_facts_finish_message(arena, connection->message, parts->profile);
	for (size_t i = 0; i < count; i++)
		asked[i] = (struct tact_asked){.given = connection->recipients[i].meant,
		    .notify = connection->recipients[i].notify,
		    .known = connection->recipients[i].known};
	connection->now_us = tact_clock_now_us();
	/* What is logged and answered names streams and rules: a reload must not take them away meanwhile. */
	rules = tact_decider_take_rules(parts->decider);
	tact_decide_message(parts->decider, arena,
	    &(struct tact_decide_request){.message = connection->message,
		.asked = asked,
		.asked_count = count,
		.excerpt = excerpt_of(connection),
		.body = body_of(connection),
		.now_us = connection->now_us,
		.deadline_ms = deadline(parts->message_timeout_s),
		.rules = rules},
	    rulings, &err);
	tact_edge("before-answer");
	sfsistat status = act(ctx, connection, rulings, &err);
	tact_decider_put_rules(parts->decider, rules);
	tact_edge("after-edits");
	return status;
}
