/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact campaign plan: a place in the calendar of each recipient of a list, for mail that is still to come.
 * The whole list is read and checked first, sixteen bytes of it kept for each recipient, then claimed in
 * chunks that leave the store to mail.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

static const struct cli_option options[] = {
    {"stream", "NAME", "the stream that will carry the mail (required)", false},
    {"at", "TIME", "when it is to be sent (required)", false},
    {"not-after", "TIME", "until when its places are held (default: max_delay of the stream later)", false},
    {"priority", "N", "0 to 1000 (default: that of the stream)", false},
    {"offer", "NAME", "offer in the mail", false}, {"list", "NAME", "list it goes to", false},
    {"dry-run", NULL, "check and count, write nothing", false},
    {"plain", NULL, "the file is one address a line, without a header", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

struct planning {
	struct cli *cli;
	const char *name;
	struct tact_campaign campaign;
	struct tact_facts facts;
	struct tact_id *keys; /* as read, then in order and each once */
	size_t count, room, at;
	size_t rows, mistakes;
	bool shown;
};

/* ---- the list ---- */

static void take_row(void *context, struct cli_csv *csv)
{
	struct planning *planning = context;
	struct tact_recipient recipient;
	bool sha256;

	if (cli_csv_person(csv, &planning->cli->identity, &recipient, &sha256) == NULL)
		return;
	if (planning->count == planning->room) {
		planning->room = planning->room == 0 ? 4096 : planning->room + planning->room / 2;
		planning->keys = tact_realloc(planning->keys, planning->room * sizeof *planning->keys);
	}
	planning->keys[planning->count++] = recipient.key;
	planning->rows++;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct tact_id));
}

/* In the order of the store; the same person twice is one. */
static void sort_keys(struct planning *planning)
{
	size_t kept = 0;

	if (planning->count > 1)
		qsort(planning->keys, planning->count, sizeof *planning->keys, compare_keys);
	for (size_t i = 0; i < planning->count; i++)
		if (i == 0 || !tact_id_equal(&planning->keys[i], &planning->keys[kept - 1]))
			planning->keys[kept++] = planning->keys[i];
	planning->count = kept;
}

static int read_list(struct planning *planning, FILE *file)
{
	const struct cli_csv_file csv = {.name = planning->cli->operands[1],
	    .plain = cli_has(planning->cli, "plain"),
	    .keys = true,
	    .row = take_row,
	    .context = planning,
	    .mistakes = &planning->mistakes};
	int code = cli_csv_read(&csv, file);

	if (code == EX_OK && planning->mistakes > 0)
		code = cli_fail(EX_DATAERR, "%zu mistake%s; nothing was planned", planning->mistakes,
		    planning->mistakes == 1 ? "" : "s");
	sort_keys(planning);
	return code;
}

/* ---- the campaign ---- */

static int read_times(struct planning *planning, const struct tact_stream *stream)
{
	struct cli *cli = planning->cli;
	struct tact_campaign *campaign = &planning->campaign;
	int code = cli_time(cli, "at", &campaign->planned_us);

	campaign->not_after_us = campaign->planned_us + stream->max_delay_s * 1000000;
	if (code == EX_OK)
		code = cli_time(cli, "not-after", &campaign->not_after_us);
	if (code == EX_OK && campaign->not_after_us <= campaign->planned_us)
		code = cli_fail(EX_USAGE, "--not-after: is not later than --at");
	if (code == EX_OK && campaign->not_after_us <= cli->now_us)
		code = cli_fail(EX_USAGE, "--at: its places would be held until %s, which has passed",
		    tact_text_format_time(cli->arena, campaign->not_after_us));
	return code;
}

static int read_priority(struct planning *planning, const struct tact_stream *stream)
{
	const char *text = cli_value(planning->cli, "priority");
	struct tact_error err;
	int64_t priority = stream->priority;

	if (text != NULL && tact_text_parse_int(text, 0, 1000, &priority, &err) != TACT_OK)
		return cli_fail(EX_USAGE, "--priority: %s", err.text);
	planning->campaign.priority = planning->facts.priority = (int)priority;
	return EX_OK;
}

/* With the configuration open. */
static int describe(struct planning *planning)
{
	struct cli *cli = planning->cli;
	const struct tact_stream *stream;
	const char *offer, *list;
	int code = cli_stream(cli, &stream);

	if (code == EX_OK)
		code = cli_text(cli, "offer", "", &offer);
	if (code == EX_OK)
		code = cli_text(cli, "list", "", &list);
	if (code != EX_OK)
		return code;
	tact_facts_of_stream(stream, planning->name, offer, list, &planning->facts);
	planning->campaign = (struct tact_campaign){.name = planning->name,
	    .stream = stream->name,
	    .owner = stream->owner,
	    .brand = stream->brand,
	    .offer = offer,
	    .by = cli->by,
	    .why = ""};
	code = read_priority(planning, stream);
	return code == EX_OK ? read_times(planning, stream) : code;
}

/* ---- claiming ---- */

static bool next_key(void *context, struct tact_id *ret_key)
{
	struct planning *planning = context;

	if (planning->at == planning->count)
		return false;
	*ret_key = planning->keys[planning->at++];
	return true;
}

static void show_progress(void *context, const struct tact_planned *planned)
{
	struct planning *planning = context;

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%" PRIu64 " of %zu", planned->claimed + planned->known + planned->full,
	    planning->count);
	planning->shown = true;
}

static void tell(const struct planning *planning, const struct tact_planned *planned, bool applied)
{
	struct cli *cli = planning->cli;
	struct cli_json *object;

	if (!cli->json) {
		printf("%zu rows, %zu recipients", planning->rows, planning->count);
		if (applied)
			printf(": %" PRIu64 " claimed, %" PRIu64 " known already, %" PRIu64
			       " without room, %" PRIu64 " unreadable",
			    planned->claimed, planned->known, planned->full, planned->unreadable);
		printf(applied ? "\n" : "\nnothing was written (--dry-run)\n");
		return;
	}
	object = cli_json_object();
	cli_json_put_text(object, "campaign", planning->name);
	cli_json_put_integer(object, "rows", (int64_t)planning->rows);
	cli_json_put_integer(object, "recipients", (int64_t)planning->count);
	cli_json_put_integer(object, "claimed", (int64_t)planned->claimed);
	cli_json_put_integer(object, "known", (int64_t)planned->known);
	cli_json_put_integer(object, "without_room", (int64_t)planned->full);
	cli_json_put_integer(object, "unreadable", (int64_t)planned->unreadable);
	cli_json_put_bool(object, "applied", applied);
	cli_json_print(object);
}

static int claim(struct planning *planning)
{
	struct cli *cli = planning->cli;
	struct tact_planned planned = {0};
	struct tact_error err = {""};
	int result;

	if (cli_has(cli, "dry-run")) {
		tell(planning, &planned, false);
		return EX_OK;
	}
	result = tact_decide_plan(cli->decider, &planning->campaign, &planning->facts, next_key,
	    show_progress, planning, cli->now_us, &planned, &err);
	if (planning->shown)
		fputc('\n', stderr);
	if (result == TACT_REFUSED)
		return cli_fail(EX_DATAERR, "%s", err.text);
	if (result != TACT_OK && result != TACT_CORRUPT)
		return cli_fail(cli_exit_code(result),
		    "%s: %s; %" PRIu64 " recipients were claimed; plan again to go on",
		    tact_result_name(result), err.text, planned.claimed + planned.known);
	tell(planning, &planned, true);
	return result == TACT_OK ? EX_OK : cli_fail(cli_exit_code(result), "%s", err.text);
}

/* ---- the verb ---- */

/* Before root becomes somebody who may not read it. */
static int open_list(const char *name, FILE **ret)
{
	*ret = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	return *ret != NULL ? EX_OK : cli_fail(EX_NOINPUT, "%s: %s", name, strerror(errno));
}

static int need(const struct cli *cli, const char *option)
{
	return cli_has(cli, option) ? EX_OK : cli_fail(EX_USAGE, "campaign plan wants --%s", option);
}

static int run(struct cli *cli)
{
	struct planning planning = {.cli = cli};
	FILE *file = NULL;
	int code = cli_need_operands(cli, 2, 2);

	if (code == EX_OK)
		code = need(cli, "stream");
	if (code == EX_OK)
		code = need(cli, "at");
	if (code == EX_OK)
		code = cli_text(cli, "by", cli->by, &cli->by);
	if (code == EX_OK)
		code = cli_campaign_name(cli, planning.name = cli->operands[0]);
	if (code == EX_OK)
		code = open_list(cli->operands[1], &file);
	if (code == EX_OK)
		code = cli_open(cli, cli_has(cli, "dry-run") ? CLI_READ : CLI_CHANGE);
	if (code == EX_OK)
		code = describe(&planning);
	if (code == EX_OK)
		code = read_list(&planning, file);
	if (code == EX_OK)
		code = claim(&planning);
	if (file != NULL && file != stdin)
		fclose(file);
	free(planning.keys);
	return code;
}

const struct cli_verb cli_campaign_plan = {"campaign plan", "NAME FILE",
    "Claim a place for each recipient of a list, for mail that is still to come.", options, run};
