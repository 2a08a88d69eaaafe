/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One delivery: whom Postfix brought is decided again, handed to the next hop, and recorded as passed before
 * Postfix hears yes.
 */
#include <config.h>

#include <poll.h>
#include <string.h>

#include "private.h"
#include "verp.h"

#define RETRY_MS 250

/* Postfix says nothing of mail that sendmail(1) brought, but the claim does. NULL: not known. */
static const char *first_queue_id(struct delivery *delivery)
{
	const char *id = xforward_value(delivery->arena, &delivery->xforward, XF_IDENT);

	if (id == NULL && delivery->count > 0 && delivery->waiting[0].queue_id[0] != '\0')
		return delivery->waiting[0].queue_id;
	return id;
}

const char *delivery_queue_id(struct delivery *delivery)
{
	const char *id = first_queue_id(delivery);

	return id == NULL ? "NOQUEUE" : id;
}

void delivery_log(struct delivery *delivery, const struct tact_waiting *waiting, const char *action,
    const char *reason, const char *next)
{
	struct tact_arena *arena = delivery->arena;
	bool waits = waiting->look == TACT_LOOK_WAIT && waiting->until_us != 0;

	if (!tact_log_writes(TACT_LOG_INFO))
		return;
	tact_log(TACT_LOG_INFO, "%s: gate=%s claim=%s to=<%s> reason=\"%s\"%s%s%s%s",
	    delivery_queue_id(delivery), action, tact_id_format(arena, &waiting->claim),
	    tact_text_path(arena, waiting->given, 320), tact_text_printable(arena, reason, 300),
	    waits ? " until=" : "", waits ? tact_text_format_time(arena, waiting->until_us) : "",
	    next == NULL ? "" : " next=", next == NULL ? "" : next);
}

/* ---- what Postfix is told ---- */

static void answer(struct delivery *delivery, size_t i, int code, const char *text)
{
	delivery->recipients[i].code = code;
	delivery->recipients[i].text = tact_text_printable(delivery->arena, text, 480);
}

/* A 451 whose enhanced code says 5 would be taken for neither. */
static const char *later_code(const struct tact_waiting *waiting)
{
	const char *code = waiting->code;

	if (code != NULL && code[0] == '4')
		return code;
	return waiting->look == TACT_LOOK_FAIL || waiting->fate == TACT_FATE_UNDECIDED ? "4.3.0" : "4.7.1";
}

static void answer_later(struct delivery *delivery, size_t i, const char *action)
{
	const struct tact_waiting *waiting = &delivery->waiting[i];
	const char *text = waiting->text == NULL ? "" : waiting->text;

	answer(delivery, i, 451, tact_arena_printf(delivery->arena, "%s %s", later_code(waiting), text));
	delivery_log(delivery, waiting, action, text, NULL);
}

static bool is_handed_on(const struct tact_waiting *waiting)
{
	return waiting->look == TACT_LOOK_TAKE &&
	       (waiting->fate == TACT_FATE_PASS || waiting->fate == TACT_FATE_REFUSE);
}

/* Postfix is told yes, and has it no longer. */
static void end_claim(struct delivery *delivery, size_t i)
{
	const struct tact_waiting *waiting = &delivery->waiting[i];

	bell_ended(delivery->gate->bell, &waiting->claim);
	bell_left(delivery->gate->bell, waiting->ring, delivery->recipients[i].review, waiting->queue_id);
}

/* Those who go no further: passed before, waiting anew, or undecided. */
static void answer_rest(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++) {
		const struct tact_waiting *waiting = &delivery->waiting[i];

		if (is_handed_on(waiting))
			continue;
		if (waiting->look == TACT_LOOK_DROP) {
			answer(delivery, i, 250, "2.0.0 Ok: passed before");
			delivery_log(delivery, waiting, "dropped", "passed before", NULL);
			end_claim(delivery, i);
		} else if (waiting->look == TACT_LOOK_FAIL || waiting->fate == TACT_FATE_UNDECIDED) {
			answer_later(delivery, i, "undecided"); /* rung for again */
		} else {
			answer_later(delivery, i, "waits");
			bell_waits(delivery->gate->bell, &waiting->claim, waiting->until_us);
		}
	}
}

/* ---- the message, as decide wants it ---- */

static struct tact_message *read_message(
    struct delivery *delivery, const char *sender, struct tact_body *ret_body)
{
	struct tact_arena *arena = delivery->arena;
	const struct tact_envelope envelope = {
	    .listener = "",
	    .smtp = true,
	    .client_ip = xforward_value(arena, &delivery->xforward, XF_ADDR),
	    .client_name = xforward_value(arena, &delivery->xforward, XF_NAME),
	    .sender = sender,
	};
	struct tact_message *message;
	size_t offset = 0;

	if (tact_facts_read_message(arena, &envelope,
		delivery->body.memory == NULL ? "" : delivery->body.memory, delivery->body.memory_size,
		&delivery->gate->profile, &message, &offset, NULL) != TACT_OK) {
		/* The claim keeps what the rules read; of the message nothing can be said. */
		message = tact_facts_new_message(arena, &envelope);
		tact_facts_finish_message(arena, message, &delivery->gate->profile);
	}
	*ret_body =
	    (struct tact_body){.bytes = delivery->body.memory == NULL ? "" : delivery->body.memory + offset,
		.size_bytes = delivery->body.memory_size - offset,
		.whole = delivery->body.size == delivery->body.memory_size};
	message->queue_id = first_queue_id(delivery);
	return message;
}

/* The first words after the header block. */
static const char *excerpt_of(struct delivery *delivery)
{
	const struct body *body = &delivery->body;
	const char *end =
	    body->memory == NULL ? NULL : memmem(body->memory, body->memory_size, "\r\n\r\n", 4);
	size_t at;

	if (end == NULL || tact_decide_wants_body(delivery->gate->parts.decider) == 0)
		return NULL;
	at = (size_t)(end + 4 - body->memory);
	return tact_decide_excerpt(delivery->arena, body->memory + at, body->memory_size - at);
}

static void decide(struct delivery *delivery, const char *sender)
{
	struct gate *gate = delivery->gate;
	struct tact_error err = {""};
	struct tact_message *message;
	struct tact_body body;
	bool failed = false;

	message = read_message(delivery, sender, &body);
	tact_decide_take(gate->parts.decider, delivery->arena, message, &body, excerpt_of(delivery),
	    delivery->waiting, delivery->count, tact_clock_now_us(),
	    tact_clock_monotonic_ms() + 1000 * gate->parts.message_timeout_s, &err);
	for (size_t i = 0; i < delivery->count; i++)
		failed = failed || delivery->waiting[i].look == TACT_LOOK_FAIL;
	if (!failed)
		return;
	tact_log(TACT_LOG_WARNING, "%s: gate=undecided error=\"%s\"", delivery_queue_id(delivery), err.text);
	health_suspect(gate->health);
}

/* ---- the next hop ---- */

struct hop {
	struct delivery *delivery;
	enum tact_fate fate;
	const char *name, *socket;
	const char *sender; /* with XVERP, the right one */
	size_t *which;	    /* index in delivery of recipients[] */
	struct smtp_recipient *recipients;
	size_t count;
	struct smtp_outcome outcome;
};

/* RCPT's arguments without the NOTIFY that we added ourselves. */
static const char *without_notify(struct tact_arena *arena, const char *args)
{
	const char *ret = "";

	while (*args != '\0') {
		size_t length = strcspn(args, " \t");

		if (length > 0 && !tact_text_starts_nocase(args, "NOTIFY="))
			ret = tact_arena_printf(
			    arena, "%s%s%.*s", ret, *ret == '\0' ? "" : " ", (int)length, args);
		args += length;
		args += strspn(args, " \t");
	}
	return ret;
}

static void gather(struct hop *hop)
{
	struct delivery *delivery = hop->delivery;

	hop->which = tact_arena_alloc(delivery->arena, (delivery->count + 1) * sizeof *hop->which);
	hop->recipients = tact_arena_alloc(delivery->arena, (delivery->count + 1) * sizeof *hop->recipients);
	for (size_t i = 0; i < delivery->count; i++) {
		const struct tact_waiting *waiting = &delivery->waiting[i];
		const char *args = delivery->recipients[i].args;

		if (!is_handed_on(waiting) || waiting->fate != hop->fate)
			continue;
		hop->which[hop->count] = i;
		hop->recipients[hop->count++] = (struct smtp_recipient){
		    .address = waiting->given,
		    .args = waiting->notify_added ? without_notify(delivery->arena, args) : args,
		    .reply = {.code = 0, .text = ""},
		};
	}
}

static bool is_over(const struct hop *hop, size_t i)
{
	return smtp_is_good(&hop->outcome.reply) && smtp_is_good(&hop->recipients[i].reply);
}

/* A second pass that is refused is our configuration's fault, and no sender's: an alarm, and the mail stays
 * queued. */
static void answer_failed(struct hop *hop, size_t i)
{
	struct delivery *delivery = hop->delivery;
	const struct smtp_reply *own = &hop->recipients[i].reply;
	const struct smtp_reply *reply = own->code != 0 && !smtp_is_good(own) ? own : &hop->outcome.reply;
	const char *words =
	    tact_arena_printf(delivery->arena, "%s listener: %d %s", hop->name, reply->code, reply->text);

	if (reply->code >= 500)
		tact_log(TACT_LOG_ERROR,
		    "%s: ALARM: the %s listener %s refuses mail for <%s>: %d %s; the mail stays queued; see "
		    "\"tact check\"",
		    delivery_queue_id(delivery), hop->name, hop->socket,
		    tact_text_path(delivery->arena, hop->recipients[i].address, 320), reply->code,
		    reply->text);
	answer(delivery, hop->which[i], 451,
	    tact_arena_printf(delivery->arena, "%s %s", reply->code == 0 ? "4.4.1" : "4.3.0", words));
	delivery_log(delivery, &delivery->waiting[hop->which[i]], "failed", words, NULL);
}

/* The passed ones durably, however long the store is willing to be asked. */
static bool record_passed(struct hop *hop, struct tact_error *err)
{
	struct delivery *delivery = hop->delivery;
	struct gate *gate = delivery->gate;
	int64_t deadline_ms = tact_clock_monotonic_ms() + 1000 * gate->parts.message_timeout_s;
	struct tact_waiting *passed = tact_arena_alloc(delivery->arena, (hop->count + 1) * sizeof *passed);

	for (;;) {
		size_t count = 0;

		/* Copies: an answer of the store is written into them, and it may be asked again. */
		for (size_t i = 0; i < hop->count; i++)
			if (is_over(hop, i))
				passed[count++] = delivery->waiting[hop->which[i]];
		if (tact_decide_passed(gate->parts.decider, delivery->arena, passed, count,
			first_queue_id(delivery), hop->outcome.queue_id, tact_clock_now_us(), deadline_ms,
			err) == TACT_OK)
			return true;
		if (tact_clock_monotonic_ms() + RETRY_MS >= deadline_ms || atomic_load(&gate->end_ms) != 0)
			return false;
		(void)poll(NULL, 0, RETRY_MS);
	}
}

/* The next hop has the mail. Even when that cannot be recorded, Postfix hears yes: a no would send it a
 * second time, for certain. */
static void answer_passed(struct hop *hop)
{
	struct delivery *delivery = hop->delivery;
	struct tact_error err = {""};
	bool refused = hop->fate == TACT_FATE_REFUSE;
	const char *text =
	    tact_arena_printf(delivery->arena, "2.0.0 Ok: %s as %s", refused ? "bounced" : "passed on",
		hop->outcome.queue_id == NULL ? "unknown" : hop->outcome.queue_id);

	if (!record_passed(hop, &err))
		tact_log(TACT_LOG_ERROR, "%s: passed on as %s, and that could not be recorded: %s",
		    delivery_queue_id(delivery),
		    hop->outcome.queue_id == NULL ? "unknown" : hop->outcome.queue_id, err.text);
	for (size_t i = 0; i < hop->count; i++) {
		const struct tact_waiting *waiting = &delivery->waiting[hop->which[i]];

		if (!is_over(hop, i))
			continue;
		answer(delivery, hop->which[i], 250, text);
		end_claim(delivery, hop->which[i]);
		delivery_log(delivery, waiting, refused ? "bounced" : "passed",
		    waiting->text == NULL ? "" : waiting->text, hop->outcome.queue_id);
	}
}

static void hand_on(struct hop *hop)
{
	struct delivery *delivery = hop->delivery;
	struct smtp_job job = {.xforward = &delivery->xforward,
	    .sender = hop->sender,
	    .mail_args = delivery->mail_args,
	    .body = &delivery->body};
	struct smtp *smtp;

	gather(hop);
	if (hop->count == 0)
		return;
	job.recipients = hop->recipients;
	job.count = hop->count;
	smtp = smtp_open(delivery->arena, &delivery->gate->terms, hop->socket, &hop->outcome.reply);
	if (smtp != NULL)
		smtp_deliver(smtp, delivery->arena, &job, &hop->outcome);
	if (smtp_is_good(&hop->outcome.reply)) {
		tact_edge("gate-after-nexthop");
		answer_passed(hop);
	}
	for (size_t i = 0; i < hop->count; i++)
		if (!is_over(hop, i))
			answer_failed(hop, i);
	smtp_close(&smtp);
}

/* Whoever is in another hand is not decided now. That other hand writes down what becomes of him, and then he
 * is found to have passed. */
static void take_in_hand(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++) {
		struct tact_waiting *waiting = &delivery->waiting[i];

		if (waiting->look != TACT_LOOK_TAKE)
			continue;
		delivery->recipients[i].in_hand = hands_take(delivery->gate->hands, &waiting->claim);
		if (delivery->recipients[i].in_hand)
			continue;
		waiting->look = TACT_LOOK_WAIT;
		waiting->fate = TACT_FATE_UNDECIDED;
		waiting->code = "4.4.5";
		waiting->text = "an earlier attempt is still being handed on";
	}
}

static void let_go(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++)
		if (delivery->recipients[i].in_hand)
			hands_put(delivery->gate->hands, &delivery->waiting[i].claim);
}

static bool wants_decision(const struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++)
		if (delivery->waiting[i].look == TACT_LOOK_TAKE)
			return true;
	return false;
}

static void fail_all(struct delivery *delivery)
{
	char words[128];

	tact_log(TACT_LOG_ERROR,
	    "%s: the message cannot be kept while it is decided: %s; is the temporary folder full?",
	    delivery_queue_id(delivery), strerror_r(delivery->body.error, words, sizeof words));
	for (size_t i = 0; i < delivery->count; i++)
		answer(delivery, i, 452, "4.3.1 no room to keep the message while it is decided");
}

void delivery_run(struct delivery *delivery)
{
	const struct gate *gate = delivery->gate;
	const char *sender = delivery->sender, *original = delivery->sender;
	struct hop pass = {.delivery = delivery,
	    .fate = TACT_FATE_PASS,
	    .name = "re-injection",
	    .socket = gate->parts.pass_socket};
	struct hop refuse = {.delivery = delivery,
	    .fate = TACT_FATE_REFUSE,
	    .name = "refusing",
	    .socket = gate->parts.refuse_socket};

	if (delivery->body.error != 0) {
		fail_all(delivery);
		return;
	}
	/* With XVERP every recipient comes alone. */
	if (delivery->count == 1)
		(void)verp_restore(delivery->arena, delivery->sender, delivery->recipients[0].gate_address,
		    delivery->waiting[0].given, &sender, &original);
	take_in_hand(delivery);
	if (wants_decision(delivery))
		decide(delivery, original);
	answer_rest(delivery);
	pass.sender = refuse.sender = sender;
	hand_on(&pass);
	hand_on(&refuse);
	let_go(delivery);
}
