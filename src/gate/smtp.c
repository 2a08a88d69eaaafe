/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * SMTP to a unix socket, one command at a time: the next hop is next door, and every answer is looked at.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dots.h"
#include "smtp.h"

#define QUIT_MS 1000
#define REPLY_LINES_MAX 100
#define XFORWARD_LINE_BYTES 500
#define CHUNK_BYTES 65536

struct smtp {
	struct wire wire;
	struct smtp_terms terms;
	bool takes_xforward[XF_COUNT];
	bool over; /* the dialog cannot go on */
};

bool smtp_is_good(const struct smtp_reply *reply)
{
	return reply->code >= 200 && reply->code < 300;
}

/* ---- answers ---- */

static struct smtp_reply no_answer(const char *why)
{
	return (struct smtp_reply){.code = 0, .text = why};
}

static const char *words_of(int result)
{
	switch (result) {
	case WIRE_TIMEOUT:
		return "no answer in time";
	case WIRE_LONG:
		return "an endless answer";
	default:
		return "connection lost";
	}
}

static int code_of(const char *line, size_t size)
{
	int code = 0;

	if (size < 3 || (size > 3 && line[3] != ' ' && line[3] != '-'))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		code = 10 * code + (line[i] - '0');
	}
	return code >= 200 && code <= 599 ? code : 0;
}

typedef void (*line_fn)(struct smtp *smtp, struct tact_arena *arena, const char *text);

/* Reads one answer of any number of lines; fn (may be NULL) sees each. */
static struct smtp_reply read_reply(
    struct smtp *smtp, struct tact_arena *arena, int64_t timeout_ms, line_fn fn)
{
	for (int i = 0; i < REPLY_LINES_MAX; i++) {
		char *line;
		size_t size;
		int result = wire_read_line(&smtp->wire, timeout_ms, 0, &line, &size), code;

		smtp->over = true;
		if (result != WIRE_OK)
			return no_answer(words_of(result));
		code = code_of(line, size);
		if (code == 0)
			return no_answer("the answer is not SMTP");
		smtp->over = code == 421;
		if (fn != NULL)
			fn(smtp, arena, line + (size > 3 ? 4 : 3));
		if (size == 3 || line[3] == ' ')
			return (struct smtp_reply){
			    .code = code, .text = tact_text_printable(arena, line + (size > 3 ? 4 : 3), 400)};
	}
	smtp->over = true;
	return no_answer("an endless answer");
}

static struct smtp_reply say(
    struct smtp *smtp, struct tact_arena *arena, const char *line, int64_t timeout_ms, line_fn fn)
{
	if (smtp->over)
		return no_answer("connection lost");
	if (strpbrk(line, "\r\n") != NULL)
		return no_answer("a line break inside a command");
	wire_print(&smtp->wire, timeout_ms, "%s\r\n", line);
	return read_reply(smtp, arena, timeout_ms, fn);
}

struct smtp_reply smtp_say(struct smtp *smtp, struct tact_arena *arena, const char *line)
{
	return say(smtp, arena, line, smtp->terms.step_ms, NULL);
}

/* ---- opening and closing ---- */

static void note_feature(struct smtp *smtp, struct tact_arena *arena, const char *text)
{
	const char *word = text + strcspn(text, " ");

	(void)arena;
	if (!tact_text_starts_nocase(text, "XFORWARD "))
		return;
	for (size_t i = 0; i < XF_COUNT; i++)
		for (const char *at = word; *at != '\0'; at += strcspn(at, " ")) {
			at += strspn(at, " ");
			if (tact_text_starts_nocase(at, xforward_names[i]) &&
			    strcspn(at, " ") == strlen(xforward_names[i]))
				smtp->takes_xforward[i] = true;
		}
}

static struct smtp_reply greet(struct smtp *smtp, struct tact_arena *arena)
{
	struct smtp_reply reply = read_reply(smtp, arena, smtp->terms.step_ms, NULL);

	if (reply.code != 220) {
		smtp->over = true;
		return reply.code >= 200 && reply.code < 400 ? no_answer("the greeting is not 220") : reply;
	}
	return say(smtp, arena, tact_arena_printf(arena, "EHLO %s", smtp->terms.host), smtp->terms.step_ms,
	    note_feature);
}

struct smtp *smtp_open(
    struct tact_arena *arena, const struct smtp_terms *terms, const char *path, struct smtp_reply *ret)
{
	struct smtp *smtp;
	int fd = wire_connect(path);

	if (fd < 0) {
		char words[128];

		*ret = no_answer(
		    tact_arena_printf(arena, "%s: %s", path, strerror_r(errno, words, sizeof words)));
		return NULL;
	}
	smtp = tact_calloc(1, sizeof *smtp);
	smtp->terms = *terms;
	wire_init(&smtp->wire, fd, -1, terms->end_ms);
	*ret = greet(smtp, arena);
	if (smtp_is_good(ret))
		return smtp;
	if (ret->code >= 300 && ret->code < 400)
		*ret = no_answer("the answer to EHLO is neither yes nor no");
	smtp_close(&smtp);
	return smtp;
}

void smtp_close(struct smtp **smtp)
{
	char *line;
	size_t size;

	if (*smtp == NULL)
		return;
	if (!(*smtp)->over) {
		wire_print(&(*smtp)->wire, QUIT_MS, "QUIT\r\n");
		(void)wire_read_line(&(*smtp)->wire, QUIT_MS, 0, &line, &size);
	}
	wire_clear(&(*smtp)->wire);
	free(*smtp);
	*smtp = NULL;
}

/* ---- one message ---- */

/* Who the client was is for the next hop's log; that it does not want to know stops no mail. */
static void say_xforward(struct smtp *smtp, struct tact_arena *arena, const struct xforward *xforward)
{
	const char *line = "XFORWARD";

	for (size_t i = 0; i < XF_COUNT; i++) {
		const char *more;

		if (!smtp->takes_xforward[i] || xforward->raw[i] == NULL)
			continue;
		more = tact_arena_printf(arena, " %s=%s", xforward_names[i], xforward->raw[i]);
		if (strcmp(line, "XFORWARD") != 0 && strlen(line) + strlen(more) > XFORWARD_LINE_BYTES) {
			(void)smtp_say(smtp, arena, line);
			line = "XFORWARD";
		}
		line = tact_arena_printf(arena, "%s%s", line, more);
	}
	if (strcmp(line, "XFORWARD") != 0)
		(void)smtp_say(smtp, arena, line);
}

static const char *with_args(
    struct tact_arena *arena, const char *verb, const char *address, const char *args)
{
	return tact_arena_printf(arena, "%s:<%s>%s%s", verb, address, *args == '\0' ? "" : " ", args);
}

/* Answers whether anybody was taken; else *ret is the last refusal. */
static bool say_recipients(
    struct smtp *smtp, struct tact_arena *arena, const struct smtp_job *job, struct smtp_reply *ret)
{
	bool any = false;

	for (size_t i = 0; i < job->count; i++) {
		struct smtp_recipient *one = &job->recipients[i];

		one->reply = smtp_say(smtp, arena, with_args(arena, "RCPT TO", one->address, one->args));
		if (smtp_is_good(&one->reply))
			any = true;
		else
			*ret = one->reply;
	}
	return any;
}

struct sending {
	struct wire *wire;
	int64_t timeout_ms;
};

static void send_part(void *context, const char *data, size_t size)
{
	const struct sending *sending = context;

	wire_write(sending->wire, data, size, sending->timeout_ms);
}

/* The whole message and its end. False: it could not be read or sent, and nothing may be taken for its end.
 */
static bool send_body(struct smtp *smtp, const struct body *body)
{
	struct sending sending = {.wire = &smtp->wire, .timeout_ms = smtp->terms.step_ms};
	struct dots_out dots = {0};
	char *chunk = tact_malloc(CHUNK_BYTES);
	uint64_t at = 0;
	ssize_t n;

	while ((n = body_read(body, at, chunk, CHUNK_BYTES)) > 0 && smtp->wire.broken == WIRE_OK) {
		dots_write(&dots, chunk, (size_t)n, send_part, &sending);
		at += (uint64_t)n;
	}
	free(chunk);
	if (n != 0 || at != body->size)
		return false;
	tact_edge("gate-before-nexthop");
	dots_end(&dots, send_part, &sending);
	return smtp->wire.broken == WIRE_OK;
}

static const char *queue_id_of(struct tact_arena *arena, const char *text)
{
	static const char *const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *at = strstr(text, "queued as ");
	size_t length = at == NULL ? 0 : strspn(at + strlen("queued as "), alphabet);

	return length == 0 ? NULL : tact_arena_strndup(arena, at + strlen("queued as "), length);
}

static struct smtp_reply say_data(struct smtp *smtp, struct tact_arena *arena, const struct smtp_job *job)
{
	struct smtp_reply reply = smtp_say(smtp, arena, "DATA");

	/* 2xx to DATA is no answer to it. */
	if (smtp_is_good(&reply) || (reply.code >= 300 && reply.code != 354)) {
		smtp->over = smtp->over || reply.code < 400;
		return reply.code < 400 ? no_answer("the answer to DATA is not 354") : reply;
	}
	if (reply.code == 0)
		return reply;
	if (!send_body(smtp, job->body)) {
		smtp->over = true;
		return no_answer("the message could not be sent");
	}
	return read_reply(smtp, arena, smtp->terms.final_ms, NULL);
}

void smtp_deliver(
    struct smtp *smtp, struct tact_arena *arena, const struct smtp_job *job, struct smtp_outcome *ret)
{
	*ret = (struct smtp_outcome){0};
	say_xforward(smtp, arena, job->xforward);
	ret->reply = smtp_say(smtp, arena, with_args(arena, "MAIL FROM", job->sender, job->mail_args));
	if (!smtp_is_good(&ret->reply))
		return;
	if (!say_recipients(smtp, arena, job, &ret->reply))
		return;
	ret->reply = say_data(smtp, arena, job);
	if (ret->reply.code != 0 && ret->reply.code < 400 && !smtp_is_good(&ret->reply))
		ret->reply = no_answer("the answer to the message is neither yes nor no");
	if (smtp_is_good(&ret->reply))
		ret->queue_id = queue_id_of(arena, ret->reply.text);
}
