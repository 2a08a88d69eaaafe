/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The gate's dialog with Postfix (RFC 2033). Each step is a row of the table; what a delivery comes to is
 * session.c's matter.
 */
#include <config.h>

#include <string.h>

#include "command.h"
#include "dots.h"
#include "private.h"

#define IDLE_MS (300 * 1000) /* longest wait for Postfix */
#define SEND_MS (60 * 1000)
#define RCPT_MAX 1000  /* RCPT commands in one transaction, taken or not */
#define ERRORS_MAX 100 /* a connection: Postfix makes none */

/* One connection. */
struct lmtp {
	struct gate *gate;
	struct wire wire;
	struct tact_arena *arena;   /* dies with each transaction */
	struct tact_arena *scratch; /* dies with each command */
	struct xforward xforward;
	bool greeted, has_mail, quit, store_slow;
	const char *sender, *mail_args;
	struct tact_waiting *waiting;
	struct delivery_recipient *recipients;
	size_t waiting_count, recipients_count, asked, errors;
};

static void say(struct lmtp *lmtp, int code, const char *text)
{
	wire_print(&lmtp->wire, SEND_MS, "%d %s\r\n", code, text);
}

static void say_error(struct lmtp *lmtp, int code, const char *text)
{
	if (++lmtp->errors <= ERRORS_MAX) {
		say(lmtp, code, text);
		return;
	}
	say(lmtp, 421, "4.7.0 too many errors");
	lmtp->quit = true;
}

static void reset(struct lmtp *lmtp)
{
	tact_arena_reset(lmtp->arena);
	memset(&lmtp->xforward, 0, sizeof lmtp->xforward);
	lmtp->has_mail = lmtp->store_slow = false;
	lmtp->sender = lmtp->mail_args = NULL;
	lmtp->waiting = NULL;
	lmtp->recipients = NULL;
	lmtp->waiting_count = lmtp->recipients_count = lmtp->asked = 0;
}

/* ---- commands ---- */

static void do_lhlo(struct lmtp *lmtp, const struct command *command)
{
	(void)command;
	reset(lmtp);
	lmtp->greeted = true;
	wire_print(&lmtp->wire, SEND_MS,
	    "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-"
	    "DSN\r\n250-SIZE\r\n"
	    "250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n",
	    lmtp->gate->parts.host);
}

static void do_helo(struct lmtp *lmtp, const struct command *command)
{
	(void)command;
	say_error(lmtp, 500, "5.5.1 this is LMTP: say LHLO");
}

static void do_xforward(struct lmtp *lmtp, const struct command *command)
{
	if (lmtp->has_mail)
		say_error(lmtp, 503, "5.5.1 XFORWARD comes before MAIL");
	else if (!xforward_read(lmtp->arena, command->args, &lmtp->xforward))
		say_error(lmtp, 501, "5.5.4 bad XFORWARD attribute");
	else
		say(lmtp, 250, "2.0.0 Ok");
}

static void do_mail(struct lmtp *lmtp, const struct command *command)
{
	if (!lmtp->greeted || lmtp->has_mail) {
		say_error(lmtp, 503, lmtp->greeted ? "5.5.1 nested MAIL" : "5.5.1 say LHLO first");
		return;
	}
	lmtp->has_mail = true;
	lmtp->sender = tact_arena_strdup(lmtp->arena, command->address);
	lmtp->mail_args = tact_arena_strdup(lmtp->arena, command->args);
	say(lmtp, 250, "2.1.0 Ok");
}

static const char *without_brackets(struct tact_arena *arena, const char *given)
{
	size_t length = strlen(given);

	if (length >= 2 && given[0] == '<' && given[length - 1] == '>')
		return tact_arena_strndup(arena, given + 1, length - 2);
	return given;
}

/* The claim and the person an address of ours stands for. */
static bool read_address(struct lmtp *lmtp, const char *address, struct tact_waiting *ret, bool *ret_review)
{
	const struct tact_gate_parts *parts = &lmtp->gate->parts;
	const char *const domains[] = {parts->gate_domain, parts->review_domain};

	for (size_t i = 0; i < 2; i++) {
		if (tact_decide_read_gate_address(
			lmtp->arena, address, domains[i], &ret->claim, &ret->given, &ret->ring) != TACT_OK)
			continue;
		ret->given = without_brackets(lmtp->arena, ret->given);
		*ret_review = i == 1;
		return true;
	}
	return false;
}

/* Asks the store, within the time a gate has. One that used it up for one recipient is not asked for the
 * next. */
static void look(struct lmtp *lmtp, struct tact_waiting *waiting)
{
	struct gate *gate = lmtp->gate;
	int64_t now_us = tact_clock_now_us(), start_ms = tact_clock_monotonic_ms();
	int64_t timeout_ms = 1000 * gate->parts.gate_timeout_s;
	struct tact_error err = {""};

	if (lmtp->store_slow || health_is_down(gate->health)) {
		waiting->look = TACT_LOOK_FAIL;
		waiting->code = "4.3.0";
		waiting->text = "the store does not answer, try again later";
		return;
	}
	tact_decide_look(gate->parts.decider, lmtp->scratch, waiting, now_us, start_ms + timeout_ms, &err);
	if (waiting->look != TACT_LOOK_FAIL)
		return;
	tact_log(TACT_LOG_ERROR, "gate: undecided: %s", err.text);
	lmtp->store_slow = tact_clock_monotonic_ms() - start_ms > timeout_ms / 2;
	health_suspect(gate->health);
}

static void take_recipient(
    struct lmtp *lmtp, const struct command *command, const struct tact_waiting *waiting, bool review)
{
	struct tact_waiting *kept = TACT_PUSH(lmtp->arena, lmtp->waiting, lmtp->waiting_count);
	struct delivery_recipient *recipient =
	    TACT_PUSH(lmtp->arena, lmtp->recipients, lmtp->recipients_count);

	*kept = *waiting;
	kept->code = kept->text = "";
	kept->queue_id = tact_arena_strdup(lmtp->arena, waiting->queue_id);
	*recipient = (struct delivery_recipient){
	    .gate_address = tact_arena_strdup(lmtp->arena, command->address),
	    .args = tact_arena_strdup(lmtp->arena, command->args),
	    .review = review,
	};
	if (waiting->look == TACT_LOOK_TAKE)
		bell_taken(lmtp->gate->bell, &waiting->claim, waiting->ring, review);
	say(lmtp, 250, "2.1.5 Ok");
}

static void log_look(struct lmtp *lmtp, const struct tact_waiting *waiting)
{
	static const char *const actions[] = {[TACT_LOOK_WAIT] = "waits",
	    [TACT_LOOK_REFUSE] = "refused",
	    [TACT_LOOK_UNKNOWN] = "unknown",
	    [TACT_LOOK_FAIL] = "undecided"};
	struct delivery delivery = {.gate = lmtp->gate, .arena = lmtp->scratch, .xforward = lmtp->xforward};

	delivery_log(&delivery, waiting, actions[waiting->look], waiting->text, NULL);
}

static void refuse_recipient(struct lmtp *lmtp, const struct tact_waiting *waiting)
{
	const char *code = waiting->code != NULL && waiting->code[0] == '4' ? waiting->code : "4.3.0";
	bool for_good = waiting->look == TACT_LOOK_REFUSE;

	/* A 550 of the gate makes a bounce that names the gate's address as the final one: here there is no
	 * other. */
	wire_print(&lmtp->wire, SEND_MS, "%s %s %s\r\n", for_good ? "550" : "451",
	    for_good ? waiting->code : code, tact_text_printable(lmtp->scratch, waiting->text, 480));
	log_look(lmtp, waiting);
}

static void do_rcpt(struct lmtp *lmtp, const struct command *command)
{
	struct tact_waiting waiting = {0};
	bool review = false;

	if (!lmtp->has_mail) {
		say_error(lmtp, 503, "5.5.1 need MAIL first");
		return;
	}
	if (++lmtp->asked > RCPT_MAX) {
		say(lmtp, 452, "4.5.3 too many recipients");
		return;
	}
	/* Not 550: a mistake of ours must not bounce anybody's mail. */
	if (!read_address(lmtp, command->address, &waiting, &review)) {
		say(lmtp, 451, "4.7.1 not an address of this gate");
		return;
	}
	look(lmtp, &waiting);
	if (waiting.look != TACT_LOOK_UNKNOWN && waiting.look != TACT_LOOK_FAIL) {
		bell_saw(lmtp->gate->bell, &waiting.claim);
		bell_met(lmtp->gate->bell, waiting.ring, review, waiting.queue_id);
	}
	if (waiting.look == TACT_LOOK_TAKE || waiting.look == TACT_LOOK_DROP) {
		take_recipient(lmtp, command, &waiting, review);
		return;
	}
	if (waiting.look == TACT_LOOK_WAIT)
		bell_waits(lmtp->gate->bell, &waiting.claim, waiting.until_us);
	refuse_recipient(lmtp, &waiting);
}

static void append(void *context, const char *data, size_t size)
{
	body_append(context, data, size);
}

/* False: the connection is gone. */
static bool read_body(struct lmtp *lmtp, struct body *body)
{
	struct dots_in dots = {.state = DOTS_LINE_START};

	while (dots.state != DOTS_DONE) {
		const char *data;
		size_t size;

		if (wire_read_some(&lmtp->wire, IDLE_MS, &data, &size) != WIRE_OK)
			return false;
		wire_used(&lmtp->wire, dots_feed(&dots, data, size, append, body));
	}
	return true;
}

static void do_data(struct lmtp *lmtp, const struct command *command)
{
	struct delivery delivery = {.gate = lmtp->gate,
	    .arena = lmtp->arena,
	    .xforward = lmtp->xforward,
	    .sender = lmtp->sender,
	    .mail_args = lmtp->mail_args,
	    .waiting = lmtp->waiting,
	    .recipients = lmtp->recipients,
	    .count = lmtp->waiting_count};

	(void)command;
	/* Postfix sends DATA along with the recipients: no error of its own when all of them have to wait. */
	if (lmtp->waiting_count == 0) {
		say(lmtp, 503, "5.5.1 no valid recipients");
		return;
	}
	say(lmtp, 354, "end with a dot");
	body_init(&delivery.body);
	if (read_body(lmtp, &delivery.body)) {
		delivery_run(&delivery);
		for (size_t i = 0; i < delivery.count; i++)
			say(lmtp, delivery.recipients[i].code, delivery.recipients[i].text);
	} else {
		lmtp->quit = true;
	}
	body_clear(&delivery.body);
	reset(lmtp);
}

static void do_rset(struct lmtp *lmtp, const struct command *command)
{
	(void)command;
	reset(lmtp);
	say(lmtp, 250, "2.0.0 Ok");
}

static void do_noop(struct lmtp *lmtp, const struct command *command)
{
	(void)command;
	say(lmtp, 250, "2.0.0 Ok");
}

static void do_quit(struct lmtp *lmtp, const struct command *command)
{
	(void)command;
	say(lmtp, 221, "2.0.0 Bye");
	lmtp->quit = true;
}

static void do_refused(struct lmtp *lmtp, const struct command *command)
{
	(void)command;
	say_error(lmtp, 502, "5.5.1 not done here");
}

static void do_unknown(struct lmtp *lmtp, const struct command *command)
{
	(void)command;
	say_error(lmtp, 500, "5.5.2 unknown command");
}

static void do_broken(struct lmtp *lmtp, const struct command *command)
{
	(void)command;
	say_error(lmtp, 501, "5.5.4 syntax");
}

static void (*const steps[])(struct lmtp *lmtp, const struct command *command) = {
    [VERB_LHLO] = do_lhlo,
    [VERB_HELO] = do_helo,
    [VERB_XFORWARD] = do_xforward,
    [VERB_MAIL] = do_mail,
    [VERB_RCPT] = do_rcpt,
    [VERB_DATA] = do_data,
    [VERB_RSET] = do_rset,
    [VERB_NOOP] = do_noop,
    [VERB_QUIT] = do_quit,
    [VERB_REFUSED] = do_refused,
    [VERB_UNKNOWN] = do_unknown,
    [VERB_BROKEN] = do_broken,
};

/* ---- the connection ---- */

static bool is_idle(const struct lmtp *lmtp)
{
	return !lmtp->has_mail;
}

/* One command. False: the connection is over. */
static bool serve_one(struct lmtp *lmtp)
{
	struct command command;
	char *line;
	size_t size;
	int result = wire_read_line(&lmtp->wire, IDLE_MS, is_idle(lmtp), &line, &size);

	if (result == WIRE_STOP)
		say(lmtp, 421, "4.3.2 shutting down");
	if (result == WIRE_LONG)
		say_error(lmtp, 500, "5.5.2 line too long");
	if (result != WIRE_OK)
		return result == WIRE_LONG && !lmtp->quit;
	command_parse(lmtp->scratch, line, size, &command);
	steps[command.verb](lmtp, &command);
	tact_arena_reset(lmtp->scratch);
	return !lmtp->quit;
}

static void converse(struct lmtp *lmtp)
{
	if (health_is_down(lmtp->gate->health)) {
		/* A greeting makes Postfix leave the gate alone for a while; an answer to RCPT does not. */
		say(lmtp, 421, "4.3.0 the store does not answer, try again later");
		return;
	}
	wire_print(&lmtp->wire, SEND_MS, "220 %s LMTP tact gate\r\n", lmtp->gate->parts.host);
	while (serve_one(lmtp))
		;
}

void lmtp_serve(struct gate *gate, int fd)
{
	struct lmtp lmtp = {.gate = gate, .arena = tact_arena_new(), .scratch = tact_arena_new()};

	wire_init(&lmtp.wire, fd, gate->stop_fd, &gate->end_ms);
	converse(&lmtp);
	(void)wire_flush(&lmtp.wire, SEND_MS);
	wire_clear(&lmtp.wire);
	tact_arena_free(&lmtp.arena);
	tact_arena_free(&lmtp.scratch);
}

void lmtp_turn_away(struct gate *gate, int fd)
{
	struct lmtp lmtp = {.gate = gate};

	wire_init(&lmtp.wire, fd, gate->stop_fd, &gate->end_ms);
	say(&lmtp, 421, "4.3.2 too many connections");
	(void)wire_flush(&lmtp.wire, 0);
	wire_clear(&lmtp.wire);
}
