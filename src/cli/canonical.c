/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact canonical: by what form and key an address is known. Asks no store.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

static const struct cli_option options[] = {{NULL, NULL, NULL, false}};

static void print_known(
    struct cli *cli, struct tact_arena *arena, const char *given, const struct tact_recipient *recipient)
{
	const char *key = tact_id_format(arena, &recipient->key);
	struct cli_json *object;

	if (!cli->json) {
		printf("%s\t%s\n", recipient->address.canonical, key);
		return;
	}
	object = cli_json_object();
	cli_json_put_text(object, "address", given);
	cli_json_put_text(object, "canonical", recipient->address.canonical);
	cli_json_put_text(object, "key", key);
	cli_json_put_text(object, "error", NULL);
	cli_json_print(object);
}

static int print_refused(
    struct cli *cli, struct tact_arena *arena, const char *given, size_t line, const char *why)
{
	struct cli_json *object;

	if (line > 0)
		fprintf(stderr, "stdin:%zu: %s: %s\n", line, cli_safe(arena, given), why);
	else
		cli_fail(EX_DATAERR, "%s: %s", cli_safe(arena, given), why);
	if (cli->json) {
		object = cli_json_object();
		cli_json_put_text(object, "address", given);
		cli_json_put_text(object, "canonical", NULL);
		cli_json_put_text(object, "key", NULL);
		cli_json_put_text(object, "error", why);
		cli_json_print(object);
	}
	return EX_DATAERR;
}

static int one(struct cli *cli, struct tact_arena *arena, const char *given, size_t line)
{
	struct tact_recipient recipient;
	struct tact_error err;

	tact_arena_reset(arena);
	if (tact_facts_recipient(arena, &cli->identity, given, &recipient, &err) != TACT_OK)
		return print_refused(cli, arena, given, line, err.text);
	print_known(cli, arena, given, &recipient);
	return EX_OK;
}

/* One end of a line only, and the mark that editors put before the first: what else stands there is told. */
static const char *strip_line(char *line, size_t length, size_t number)
{
	if (length > 0 && line[length - 1] == '\n')
		line[--length] = '\0';
	if (length > 0 && line[length - 1] == '\r')
		line[--length] = '\0';
	return number == 1 ? line + cli_csv_skip_mark(line, length) : line;
}

static int from_stdin(struct cli *cli, struct tact_arena *arena)
{
	char *line = NULL;
	size_t room = 0, number = 0;
	ssize_t length;
	int code = EX_OK;

	while ((length = getline(&line, &room, stdin)) >= 0) {
		int answer = EX_OK;

		number++;
		if (strlen(line) != (size_t)length) {
			tact_arena_reset(arena);
			answer = print_refused(cli, arena, line, number, "there is a NUL byte in this line");
		} else {
			const char *given = strip_line(line, (size_t)length, number);

			if (*given != '\0')
				answer = one(cli, arena, given, number);
		}
		if (answer != EX_OK)
			code = answer;
	}
	free(line);
	return ferror(stdin) ? cli_fail(EX_IOERR, "standard input: %s", strerror(errno)) : code;
}

static int run(struct cli *cli)
{
	struct tact_arena *arena;
	int code = cli_open(cli, CLI_KEY);

	if (code != EX_OK)
		return code;
	arena = tact_arena_new();
	if (cli->operands_count == 0)
		code = from_stdin(cli, arena);
	for (size_t i = 0; i < cli->operands_count; i++)
		if (one(cli, arena, cli->operands[i], 0) != EX_OK)
			code = EX_DATAERR;
	tact_arena_free(&arena);
	return code;
}

const struct cli_verb cli_canonical = {"canonical", "[ADDRESS...]",
    "Print the canonical form of addresses and the key they are known by.", options, run};
