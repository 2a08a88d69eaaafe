/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Options and operands of a verb, read by its own table.
 */
#include <config.h>

#include <getopt.h>
#include <string.h>

#include "private.h"

#define LAST_US INT64_C(253402300799999999)

const struct cli_option cli_common_options[] = {
    {"config", "FILE", "configuration (default " SYSCONFDIR "/tact/tact.conf)", true},
    {"json", NULL, "print JSON, one object a line", true},
    {"help", NULL, "print this", true},
    {NULL, NULL, NULL, false},
};

static void push_options(
    struct tact_arena *arena, struct option **list, size_t *count, const struct cli_option *options)
{
	for (; options->name != NULL; options++)
		*TACT_PUSH(arena, *list, *count) = (struct option){.name = options->name,
		    .has_arg = options->argument != NULL ? required_argument : no_argument};
}

static struct option *all_options(struct cli *cli)
{
	struct option *list = NULL;
	size_t count = 0;

	push_options(cli->arena, &list, &count, cli->verb->options);
	push_options(cli->arena, &list, &count, cli_common_options);
	(void)TACT_PUSH(cli->arena, list, count); /* all zero: the end */
	return list;
}

static const struct cli_option *find_option(const struct cli *cli, const char *name)
{
	for (const struct cli_option *o = cli->verb->options; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	for (const struct cli_option *o = cli_common_options; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static int take_option(struct cli *cli, const char *name, const char *value)
{
	if (!find_option(cli, name)->many && cli_has(cli, name))
		return cli_fail(EX_USAGE, "--%s is given twice; once is enough", name);
	*TACT_PUSH(cli->arena, cli->given, cli->given_count) =
	    (struct cli_given){.name = name, .value = value != NULL ? value : ""};
	if (strcmp(name, "config") == 0)
		cli->config_path = value;
	if (strcmp(name, "json") == 0)
		cli->json = true;
	return strcmp(name, "help") == 0 ? -1 : EX_OK;
}

int cli_read_arguments(struct cli *cli, int argc, char **argv)
{
	struct option *options = all_options(cli);
	int which, c, code = EX_OK;
	char *name = tact_arena_printf(cli->arena, "tact %s", cli->verb->name);

	argv[0] = name;
	optind = 0; /* getopt starts afresh */
	while (code == EX_OK && (c = getopt_long(argc, argv, "c:h", options, &which)) != -1) {
		if (c == 'c')
			cli->config_path = optarg;
		else if (c == 'h')
			code = -1;
		else if (c == '?')
			code = EX_USAGE;
		else
			code = take_option(cli, options[which].name, optarg);
	}
	cli->operands = argv + optind;
	cli->operands_count = (size_t)(argc - optind);
	if (code == EX_OK && cli->verb->operands[0] == '\0')
		code = cli_need_operands(cli, 0, 0);
	if (code == EX_USAGE)
		fprintf(stderr, "tact %s --help tells what can be said\n", cli->verb->name);
	return code;
}

const char *cli_value(const struct cli *cli, const char *name)
{
	for (size_t i = cli->given_count; i-- > 0;)
		if (strcmp(cli->given[i].name, name) == 0)
			return cli->given[i].value;
	return NULL;
}

bool cli_has(const struct cli *cli, const char *name)
{
	return cli_value(cli, name) != NULL;
}

int cli_text(const struct cli *cli, const char *name, const char *preset, const char **ret)
{
	const char *text = cli_value(cli, name);

	if (text != NULL && (!cli_is_clean(text) || strlen(text) > CLI_TEXT_MOST))
		return cli_fail(EX_USAGE, "--%s: write UTF-8 without control characters, at most %d bytes",
		    name, CLI_TEXT_MOST);
	*ret = text != NULL ? text : preset;
	return EX_OK;
}

int cli_parse_scope(struct cli *cli, const char *name, const char *text, struct tact_scope *ret)
{
	struct tact_error err;

	if (!cli_is_clean(text) || strlen(text) > CLI_TEXT_MOST)
		return cli_fail(EX_USAGE, "--%s: write UTF-8 without control characters, at most %d bytes",
		    name, CLI_TEXT_MOST);
	if (tact_dossier_parse_scope(cli->arena, text, ret, &err) != TACT_OK)
		return cli_fail(EX_USAGE, "--%s: %s", name, err.text);
	return EX_OK;
}

int cli_scope(struct cli *cli, const char *name, const char *preset, struct tact_scope *ret)
{
	const char *text = cli_value(cli, name);

	return cli_parse_scope(cli, name, text != NULL ? text : preset, ret);
}

int cli_stream(const struct cli *cli, const struct tact_stream **ret)
{
	const char *name = cli_value(cli, "stream");
	const struct tact_stream *stream = tact_facts_find_stream(&cli->config->rules.streams, name);

	if (stream == NULL)
		return cli_fail(
		    EX_USAGE, "--stream: there is no stream \"%.64s\" in %s", name, cli->config_path);
	*ret = stream;
	return EX_OK;
}

const char *cli_find_owner(const struct tact_rule_set *rules, const char *name)
{
	for (size_t i = 0; i < rules->owners_count; i++)
		if (tact_text_equal_nocase(rules->owners[i].name, name))
			return rules->owners[i].name;
	return NULL;
}

/* No record holds a time before 1970: it could not be read again. None after 9999 can be written. */
int cli_parse_time(const char *text, int64_t *ret_us, struct tact_error *err)
{
	int64_t time_us;
	int result = tact_text_parse_time(text, &time_us, err);

	if (result != TACT_OK)
		return result;
	if (time_us < 0 || time_us > LAST_US)
		return tact_error_set(
		    err, TACT_INVALID, "\"%.64s\" is a time before 1970 or after 9999", text);
	*ret_us = time_us;
	return TACT_OK;
}

static bool is_of_configuration(const struct tact_rule_set *rules, const struct tact_scope *scope)
{
	if (scope->kind == TACT_SCOPE_OWNER)
		return cli_find_owner(rules, scope->value) != NULL;
	if (scope->kind == TACT_SCOPE_STREAM)
		return tact_facts_find_stream(&rules->streams, scope->value) != NULL ||
		       tact_text_equal_nocase(rules->streams.strictest->name, scope->value);
	for (size_t i = 0; scope->kind == TACT_SCOPE_BRAND && i < rules->brands_count; i++)
		if (tact_text_equal_nocase(rules->brands[i].name, scope->value))
			return true;
	return scope->kind != TACT_SCOPE_BRAND;
}

/* It may be meant for another relay, or for a brand to come; or be a slip, and mail goes on. */
void cli_warn_of_scope(struct tact_arena *arena, const char *config_path, const struct tact_rule_set *rules,
    const struct tact_scope *scope)
{
	if (!is_of_configuration(rules, scope))
		fprintf(stderr, "tact: %s is not in %s: no mail of this relay is covered by it\n",
		    cli_safe(arena, tact_dossier_format_scope(arena, scope)), config_path);
}

int cli_time(const struct cli *cli, const char *name, int64_t *ret_us)
{
	const char *text = cli_value(cli, name);
	struct tact_error err;

	if (text == NULL || cli_parse_time(text, ret_us, &err) == TACT_OK)
		return EX_OK;
	return cli_fail(EX_USAGE, "--%s: %s", name, err.text);
}

int cli_past_time(const struct cli *cli, const char *name, int64_t *ret_us)
{
	int64_t time_us = *ret_us;
	int code = cli_time(cli, name, &time_us);

	if (code != EX_OK)
		return code;
	if (time_us > cli->now_us)
		return cli_fail(EX_USAGE, "--%s: %s lies in the future", name, cli_value(cli, name));
	*ret_us = time_us;
	return EX_OK;
}

int cli_need_operands(const struct cli *cli, size_t least, size_t most)
{
	if (cli->operands_count < least)
		return cli_fail(EX_USAGE, "%s wants %s", cli->verb->name, cli->verb->operands);
	if (cli->operands_count > most)
		return cli_fail(EX_USAGE, "%s does not take \"%.80s\"", cli->verb->name, cli->operands[most]);
	return EX_OK;
}
