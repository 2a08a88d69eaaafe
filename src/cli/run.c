/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Finds the verb and runs it; help. What a verb does is its own file's matter.
 */
#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "private.h"

#define DEFAULT_CONFIG SYSCONFDIR "/tact/tact.conf"

static const struct cli_verb *const verbs[] = {
    &cli_check,
    &cli_canonical,
    &cli_key_new,
    &cli_key_show,
    &cli_show,
    &cli_explain,
    &cli_suppress,
    &cli_unsuppress,
    &cli_alias,
    &cli_profile,
    &cli_consent,
    &cli_contact,
    &cli_import,
    &cli_export,
    &cli_preflight,
    &cli_campaign_list,
    &cli_campaign_show,
    &cli_campaign_plan,
    &cli_campaign_pause,
    &cli_campaign_resume,
    &cli_campaign_cancel,
    &cli_campaign_done,
    &cli_replay,
    &cli_report_monitor,
    &cli_report_pressure,
    &cli_quarantine_list,
    &cli_quarantine_show,
    &cli_quarantine_release,
    &cli_quarantine_discard,
    &cli_audit_trail,
    &cli_store_init,
    &cli_store_upgrade,
    &cli_store_check,
    &cli_store_stats,
    &cli_store_copy,
    &cli_store_recover,
    &cli_store_sweep,
    &cli_store_adopt,
};

#define VERBS (sizeof verbs / sizeof *verbs)

/* ---- help ---- */

static int print_overview(FILE *to, int code)
{
	fprintf(to, "usage: tact [-c FILE] [--json] VERB [OPTION...] [OPERAND...]\n"
		    "       tact VERB --help | tact --help | tact --version\n\n");
	for (size_t i = 0; i < VERBS; i++)
		fprintf(to, "  %-20s %s\n", verbs[i]->name, verbs[i]->help);
	fprintf(to, "\ntact(1) tells more.\n");
	return code;
}

static void print_options(const struct cli_option *options)
{
	for (; options->name != NULL; options++) {
		const char *argument = options->argument != NULL ? options->argument : "";
		int width = (int)(strlen(options->name) + strlen(argument));

		printf("  --%s%s%s%*s %s\n", options->name, *argument != '\0' ? " " : "", argument,
		    width < 22 ? 22 - width - (*argument != '\0') : 1, "", options->help);
	}
}

static int print_help(const struct cli_verb *verb)
{
	printf("usage: tact [-c FILE] [--json] %s%s%s%s\n\n%s\n\n", verb->name,
	    verb->options->name != NULL ? " [OPTION...]" : "", *verb->operands != '\0' ? " " : "",
	    verb->operands, verb->help);
	print_options(verb->options);
	print_options(cli_common_options);
	return EX_OK;
}

/* ---- finding the verb ---- */

/* How many of the words spell this verb: 0, 1 or 2. */
static int words_of(const struct cli_verb *verb, int count, char *const *words)
{
	const char *blank = strchr(verb->name, ' ');
	size_t length = blank != NULL ? (size_t)(blank - verb->name) : strlen(verb->name);

	if (count < 1 || strlen(words[0]) != length || strncmp(words[0], verb->name, length) != 0)
		return 0;
	if (blank == NULL)
		return 1;
	return count > 1 && strcmp(words[1], blank + 1) == 0 ? 2 : 0;
}

static const struct cli_verb *find_verb(int count, char *const *words, int *ret_words)
{
	for (size_t i = 0; i < VERBS; i++)
		if ((*ret_words = words_of(verbs[i], count, words)) > 0)
			return verbs[i];
	return NULL;
}

/* "tact key", "tact key --help": what there is of it. */
static int print_group(const char *group, int count, char *const *words)
{
	bool help = count > 1 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0);
	size_t length = strlen(group), found = 0;

	for (size_t i = 0; i < VERBS; i++) {
		if (strncmp(verbs[i]->name, group, length) != 0 || verbs[i]->name[length] != ' ')
			continue;
		fprintf(help ? stdout : stderr, "%-20s %s\n", verbs[i]->name, verbs[i]->help);
		found++;
	}
	if (found == 0)
		return cli_fail(EX_USAGE, "there is no verb \"%.40s\"; tact --help lists them all", group);
	return help ? EX_OK : EX_USAGE;
}

/* ---- running it ---- */

/* Output that did not arrive is a failure, whatever the verb says. */
int cli_finish_output(int code)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return cli_fail(EX_IOERR, "standard output: %s", strerror(errno));
	return code;
}

static int run_verb(struct cli *cli, int argc, char **argv)
{
	int code;

	cli->arena = tact_arena_new();
	cli->now_us = tact_clock_now_us();
	cli->by = cli_who(cli->arena);
	code = cli_read_arguments(cli, argc, argv);
	if (code == -1)
		code = print_help(cli->verb);
	else if (code == EX_OK)
		code = cli->verb->run(cli);
	cli_close(cli);
	tact_arena_free(&cli->arena);
	return cli_finish_output(code);
}

int tact_cli_run(int argc, char **argv)
{
	static const struct option names[] = {{"config", required_argument, NULL, 'c'},
	    {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
	struct cli cli = {.config_path = DEFAULT_CONFIG};
	int c, words;

	while ((c = getopt_long(argc, argv, "+c:hV", names, NULL)) != -1) {
		if (c == 'c')
			cli.config_path = optarg;
		else if (c == 'j')
			cli.json = true;
		else if (c == 'V')
			return cli_finish_output(puts("tact " PACKAGE_VERSION) < 0 ? EX_IOERR : EX_OK);
		else
			return cli_finish_output(
			    print_overview(c == 'h' ? stdout : stderr, c == 'h' ? EX_OK : EX_USAGE));
	}
	if (optind >= argc)
		return print_overview(stderr, EX_USAGE);
	cli.verb = find_verb(argc - optind, argv + optind, &words);
	if (cli.verb == NULL)
		return cli_finish_output(print_group(argv[optind], argc - optind, argv + optind));
	/* The verb's last word becomes the name that getopt complains under. */
	return run_verb(&cli, argc - optind - words + 1, argv + optind + words - 1);
}
