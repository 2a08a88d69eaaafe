/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact alias: a second address, a phone number or an old key that stands for a person.
 */
#include <config.h>

#include "private.h"

static const struct cli_option options[] = {{"end", NULL, "each operand stands for itself again", false},
    {"why", "TEXT", "the reason, kept as evidence", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

static int read_people(struct cli *cli, struct tact_recipient *ret)
{
	struct tact_error err;
	int code = EX_OK;

	for (size_t i = 0; i < cli->operands_count; i++)
		if (cli_read_person(cli, cli->operands[i], &ret[i], &err) != TACT_OK)
			code =
			    cli_fail(EX_DATAERR, "%s: %s", cli_safe(cli->arena, cli->operands[i]), err.text);
	return code;
}

static void print_changed(struct cli *cli, const struct tact_recipient *alias,
    const struct tact_recipient *person, const struct tact_changed *changed)
{
	struct cli_json *object;

	if (!cli->json) {
		printf("%s: %sstands for %s\n", cli_name_of(alias, cli->arena),
		    changed->changed ? "" : "known already: ",
		    person != NULL ? cli_name_of(person, cli->arena) : "itself");
		return;
	}
	object = cli_json_object();
	cli_json_put_text(object, "recipient", cli_name_of(alias, cli->arena));
	cli_json_put_text(object, "key", tact_id_format(cli->arena, &alias->key));
	cli_json_put_text(
	    object, "stands_for", person != NULL ? tact_id_format(cli->arena, &person->key) : NULL);
	cli_json_put_bool(object, "changed", changed->changed);
	cli_json_print(object);
}

/* One after the other: the second may lead to what the first made. */
static int change(
    struct cli *cli, const char *why, const struct tact_recipient *alias, const struct tact_recipient *person)
{
	struct tact_change change = {.kind = TACT_CHANGE_ALIAS, .by = cli->by, .why = why};
	struct tact_changed changed;
	struct tact_error err = {""};
	int result;

	if (person != NULL) {
		change.alias_of = person->key;
		change.alias_also = person->also;
		change.alias_also_count = person->also_count;
	}
	result =
	    tact_decide_change(cli->decider, cli->arena, alias, &change, 1, cli->now_us, 0, &changed, &err);
	if (result != TACT_OK)
		return cli_fail(
		    result == TACT_ABSENT || result == TACT_INVALID ? EX_DATAERR : cli_exit_code(result),
		    "%s: %s", cli_name_of(alias, cli->arena),
		    err.text[0] != '\0' ? err.text : tact_result_name(result));
	print_changed(cli, alias, person, &changed);
	return EX_OK;
}

static int run(struct cli *cli)
{
	bool ends = cli_has(cli, "end");
	struct tact_recipient *people;
	const char *why;
	int code = cli_need_operands(cli, ends ? 1 : 2, SIZE_MAX);

	if (code == EX_OK)
		code = cli_text(cli, "by", cli->by, &cli->by);
	if (code == EX_OK)
		code = cli_text(cli, "why", "", &why);
	if (code == EX_OK)
		code = cli_open(cli, CLI_CHANGE);
	if (code != EX_OK)
		return code;
	people = tact_arena_alloc(cli->arena, cli->operands_count * sizeof *people);
	code = read_people(cli, people);
	for (size_t i = ends ? 0 : 1; code == EX_OK && i < cli->operands_count; i++)
		code = change(cli, why, &people[i], ends ? NULL : &people[0]);
	return code;
}

const struct cli_verb cli_alias = {"alias", "ADDRESS OTHER...",
    "Let other addresses, phone numbers or keys stand for one person.", options, run};
