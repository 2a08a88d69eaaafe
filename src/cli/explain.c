/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact explain: what would become of a message, by the same pipeline that decides real mail, recording
 * nothing.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define MESSAGE_MAX (64u << 20)

static const struct cli_option options[] = {
    {"sender", "ADDRESS", "envelope sender; <> is the null sender (required)", false},
    {"rcpt", "ADDRESS", "envelope recipient (required; may be given again)", true},
    {"sasl", "USER", "SASL login name of the client", false},
    {"client", "IP", "address of the client", false},
    {"listener", "NAME", "listener the mail comes in on (default: the first of its kind)", false},
    {"non-smtp", NULL, "the mail comes from sendmail(1)", false},
    {"at", "TIME", "decide as if it were this time", false}, {NULL, NULL, NULL, false}};

/* ---- the question ---- */

static int read_stdin(char **ret, size_t *ret_length)
{
	size_t room = 65536, length = 0, got;
	char *data = tact_malloc(room);

	while ((got = fread(data + length, 1, room - length, stdin)) > 0) {
		length += got;
		if (length == room && room < MESSAGE_MAX)
			data = tact_realloc(data, room *= 2);
	}
	*ret = data;
	*ret_length = length;
	if (length == room && getchar() != EOF)
		return cli_fail(
		    EX_DATAERR, "standard input: the message is longer than %u MiB", MESSAGE_MAX >> 20);
	return ferror(stdin) ? cli_fail(EX_IOERR, "standard input: %s", strerror(errno)) : EX_OK;
}

static const char *without_brackets(struct tact_arena *arena, const char *address)
{
	size_t length = strlen(address);

	if (length >= 2 && address[0] == '<' && address[length - 1] == '>')
		return tact_arena_strndup(arena, address + 1, length - 2);
	return address;
}

static int find_listener(struct cli *cli, struct tact_envelope *envelope)
{
	const char *name = cli_value(cli, "listener");
	bool smtp = !cli_has(cli, "non-smtp");

	for (size_t i = 0; i < cli->config->listeners_count; i++) {
		const struct tact_listener *listener = &cli->config->listeners[i];

		if (name != NULL ? tact_text_equal(name, listener->name) : listener->smtp == smtp) {
			envelope->listener = listener->name;
			envelope->smtp = listener->smtp && smtp;
			return EX_OK;
		}
	}
	if (name != NULL)
		return cli_fail(
		    EX_USAGE, "--listener: there is no listener \"%s\" in %s", name, cli->config_path);
	envelope->listener = "";
	envelope->smtp = smtp;
	return EX_OK;
}

static int check_client(const char *ip)
{
	struct tact_network network;
	struct tact_error err;

	if (ip == NULL ||
	    (strchr(ip, '/') == NULL && tact_facts_parse_network(ip, &network, &err) == TACT_OK))
		return EX_OK;
	return cli_fail(EX_USAGE, "--client: \"%.80s\" is no IP address", ip);
}

static int read_envelope(struct cli *cli, struct tact_envelope *ret)
{
	*ret = (struct tact_envelope){
	    .sasl_user = cli_value(cli, "sasl"),
	    .client_ip = cli_value(cli, "client"),
	    .sender = without_brackets(cli->arena, cli_value(cli, "sender")),
	};
	int code = check_client(ret->client_ip);

	return code == EX_OK ? find_listener(cli, ret) : code;
}

static int read_question(struct cli *cli, struct tact_decide_request *ret)
{
	struct tact_envelope envelope;
	struct tact_message *message;
	struct tact_body *body = tact_arena_alloc(cli->arena, sizeof *body);
	struct tact_error err;
	size_t length, offset = 0;
	char *data = NULL;
	int code = read_envelope(cli, &envelope);

	if (code == EX_OK)
		code = read_stdin(&data, &length);
	if (code == EX_OK && tact_facts_read_message(cli->arena, &envelope, data, length,
				 &cli->config->profile, &message, &offset, &err) != TACT_OK)
		code = cli_fail(EX_DATAERR, "the message: %s", err.text);
	if (code == EX_OK) {
		*body =
		    (struct tact_body){.bytes = tact_arena_copy(cli->arena, data + offset, length - offset),
			.size_bytes = length - offset,
			.whole = true};
		ret->message = message;
		ret->body = body;
	}
	free(data);
	return code;
}

static void list_recipients(struct cli *cli, struct tact_decide_request *ret)
{
	struct tact_asked *asked = NULL;
	size_t count = 0;

	for (size_t i = 0; i < cli->given_count; i++)
		if (strcmp(cli->given[i].name, "rcpt") == 0)
			*TACT_PUSH(cli->arena, asked, count) =
			    (struct tact_asked){.given = cli->given[i].value};
	ret->asked = asked;
	ret->asked_count = count;
}

/* ---- the answer ---- */

static const char *verdict_of(const struct tact_ruling *ruling)
{
	return ruling->fate == TACT_FATE_UNDECIDED ? "undecided"
						   : tact_policy_verdict_name(ruling->opinion.verdict);
}

static int64_t until_of(const struct tact_ruling *ruling)
{
	return ruling->fate != TACT_FATE_UNDECIDED && ruling->opinion.verdict == TACT_DELAY
		   ? ruling->opinion.until_us
		   : 0;
}

static void put_ruling(struct cli *cli, const struct tact_ruling *ruling)
{
	const struct tact_facts *facts = &ruling->facts;
	struct cli_json *object = cli_json_object();
	bool undecided = ruling->fate == TACT_FATE_UNDECIDED;
	static const struct tact_opinion nothing;

	cli_json_put_text(object, "recipient", ruling->given);
	cli_json_put_text(object, "stream", facts->stream);
	cli_json_put_text(object, "stream_why", ruling->match.why);
	cli_json_put_text(object, "purpose", tact_facts_purpose_name(facts->purpose));
	cli_json_put_text(object, "owner", facts->owner);
	cli_json_put_integer(object, "priority", facts->priority);
	cli_json_put_bool(object, "exempt", facts->exempt);
	cli_json_put_bool(object, "counts", facts->counts);
	cli_json_put_text(object, "mode", ruling->monitored ? "monitor" : "enforce");
	cli_json_put_text(object, "verdict", verdict_of(ruling));
	cli_json_put_time(object, "until", until_of(ruling));
	cli_json_put_text(object, "code", ruling->code);
	cli_json_put_text(object, "text", ruling->text);
	cli_put_rules(
	    cli, object, undecided ? &nothing : &ruling->opinion, undecided ? NULL : &ruling->facts);
	cli_json_print(object);
}

static void print_ruling(struct cli *cli, const struct tact_ruling *ruling)
{
	const struct tact_facts *facts = &ruling->facts;
	const char *until = cli_when(cli->arena, until_of(ruling), "");

	printf("%s: %s%s%s%s: %s %s\n", cli_safe(cli->arena, ruling->given), verdict_of(ruling),
	    *until != '\0' ? " until " : "", until,
	    ruling->monitored ? " (monitor: would be, is accepted)" : "", ruling->code,
	    cli_safe(cli->arena, ruling->text));
	printf("  stream \"%s\": %s\n", facts->stream, ruling->match.why);
	printf("  purpose %s, owner %s, priority %d%s%s\n", tact_facts_purpose_name(facts->purpose),
	    *facts->owner != '\0' ? facts->owner : "none", facts->priority, facts->exempt ? ", exempt" : "",
	    facts->counts ? "" : ", does not count");
	if (ruling->fate != TACT_FATE_UNDECIDED)
		cli_print_rules(cli, &ruling->opinion, facts);
}

static int answer(struct cli *cli, const struct tact_decide_request *request)
{
	struct tact_ruling *rulings = tact_arena_alloc(cli->arena, request->asked_count * sizeof *rulings);
	struct tact_error err = {""};
	int code = EX_OK;

	tact_decide_explain(cli->decider, cli->arena, request, rulings, &err);
	for (size_t i = 0; i < request->asked_count; i++) {
		if (cli->json)
			put_ruling(cli, &rulings[i]);
		else
			print_ruling(cli, &rulings[i]);
		if (rulings[i].fate == TACT_FATE_UNDECIDED)
			code = EX_TEMPFAIL;
	}
	if (code != EX_OK)
		cli_fail(code, "undecided: %s", err.text);
	return code;
}

static int run(struct cli *cli)
{
	struct tact_decide_request request = {.now_us = cli->now_us};
	int code = cli_need_operands(cli, 0, 0);

	if (code == EX_OK)
		code = cli_time(cli, "at", &request.now_us);
	if (code == EX_OK && (!cli_has(cli, "sender") || !cli_has(cli, "rcpt")))
		code = cli_fail(
		    EX_USAGE, "explain wants --sender and --rcpt, and the message on standard input");
	if (code == EX_OK)
		code = cli_open(cli, CLI_READ);
	if (code == EX_OK)
		code = read_question(cli, &request);
	if (code != EX_OK)
		return code;
	list_recipients(cli, &request);
	request.deadline_ms = tact_clock_monotonic_ms() + cli->config->message_timeout_s * 1000;
	return answer(cli, &request);
}

const struct cli_verb cli_explain = {"explain", "< MESSAGE",
    "Tell what would become of a message, and why; nothing is recorded.", options, run};
