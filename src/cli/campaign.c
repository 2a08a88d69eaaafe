/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact campaign list, show, pause, resume, cancel and done. Planning one is campaign_plan.c's.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "private.h"

#define CAMPAIGN_NAME_MAX 255 /* what facts keep of a name */

static const struct cli_option list_options[] = {
    {"all", NULL, "those that were cancelled or are done, too", false}, {NULL, NULL, NULL, false}};
static const struct cli_option show_options[] = {{NULL, NULL, NULL, false}};
static const struct cli_option deed_options[] = {
    {"reason", "TEXT", "why; resume needs it for one that a breaker stopped", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

int cli_campaign_name(const struct cli *cli, const char *name)
{
	if (*name == '\0' || strlen(name) > CAMPAIGN_NAME_MAX || !cli_is_clean(name))
		return cli_fail(EX_USAGE,
		    "%s: the name of a campaign is 1 to %d bytes of UTF-8 without control characters",
		    cli->verb->name, CAMPAIGN_NAME_MAX);
	return EX_OK;
}

/* ---- telling of one ---- */

static void put_health(struct cli_json *in, const char *name, const struct tact_campaign_health *health)
{
	struct cli_json *object = cli_json_put_object(in, name);

	cli_json_put_integer(object, "sent", health->sent);
	cli_json_put_integer(object, "complaints", health->complaints);
	cli_json_put_integer(object, "unsubscribes", health->unsubscribes);
	cli_json_put_integer(object, "hard_bounces", health->bounces);
}

static const char *or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

static void put_record(struct cli_json *object, const struct tact_campaign *record)
{
	cli_json_put_text(object, "campaign", record->name);
	cli_json_put_text(object, "state", tact_dossier_campaign_state_name(record->state));
	cli_json_put_bool(object, "stopped", record->tripped_us != 0);
	cli_json_put_text(object, "stopped_by", or_null(record->tripped_by));
	cli_json_put_text(object, "stopped_why", or_null(record->tripped_why));
	cli_json_put_time(object, "stopped_at", record->tripped_us);
	cli_json_put_time(object, "planned", record->planned_us);
	cli_json_put_time(object, "not_after", record->not_after_us);
	cli_json_put_text(object, "stream", or_null(record->stream));
	cli_json_put_text(object, "owner", or_null(record->owner));
	cli_json_put_text(object, "brand", or_null(record->brand));
	cli_json_put_text(object, "offer", or_null(record->offer));
	cli_json_put_integer(object, "priority", record->priority);
	cli_json_put_integer(object, "recipients", record->recipients);
	cli_json_put_time(object, "made", record->made_us);
	cli_json_put_time(object, "changed", record->changed_us);
	cli_json_put_time(object, "resumed", record->resumed_us);
	cli_json_put_text(object, "by", or_null(record->by));
	cli_json_put_text(object, "why", or_null(record->why));
}

/* All that was counted, whether or not a breaker still looks at it. */
static struct tact_campaign_health sum_of(const struct tact_campaign_view *view)
{
	struct tact_campaign_view all = *view;
	struct tact_campaign_health sum;

	all.record.resumed_us = 0;
	tact_policy_campaign_health(&all, 0, 0, &sum);
	return sum;
}

static void put_view(struct cli *cli, const struct tact_campaign_view *view)
{
	struct cli_json *object = cli_json_object();
	struct tact_campaign_health sum = sum_of(view), since;

	tact_policy_campaign_health(view, 0, cli->now_us, &since);
	put_record(object, &view->record);
	put_health(object, "counted", &sum);
	put_health(object, "since_resumed", &since);
	cli_json_print(object);
}

static const char *state_words(const struct tact_campaign *record)
{
	return record->tripped_us != 0 && record->state != TACT_CAMPAIGN_CANCELLED
		   ? "stopped"
		   : tact_dossier_campaign_state_name(record->state);
}

static void print_line(struct cli *cli, const struct tact_campaign_view *view)
{
	const struct tact_campaign *record = &view->record;
	struct tact_campaign_health sum = sum_of(view);

	printf("%-9s %-24s %-20s %10" PRId64 " planned %10" PRId64 " sent %6" PRId64 " complaints %6" PRId64
	       " unsubscribes %6" PRId64 " bounces\n",
	    state_words(record), cli_safe(cli->arena, record->name),
	    cli_when(cli->arena, record->planned_us, "-"), record->recipients, sum.sent, sum.complaints,
	    sum.unsubscribes, sum.bounces);
}

static void print_detail(struct cli *cli, const char *name, const char *value)
{
	if (*value != '\0')
		printf("  %-13s%s\n", name, cli_safe(cli->arena, value));
}

static void print_rate(struct cli *cli, const char *name, int64_t count, int64_t sent)
{
	if (sent > 0)
		printf(
		    "  %-13s%" PRId64 " (%s%%)\n", name, count, cli_milli(cli->arena, count * 100000 / sent));
	else
		printf("  %-13s%" PRId64 "\n", name, count);
}

static void print_view(struct cli *cli, const struct tact_campaign_view *view)
{
	const struct tact_campaign *record = &view->record;
	struct tact_campaign_health sum = sum_of(view);

	printf("%s %s\n", cli_safe(cli->arena, record->name), state_words(record));
	print_detail(cli, "stopped by", record->tripped_by);
	print_detail(cli, "stopped why", record->tripped_why);
	print_detail(cli, "stopped at", cli_when(cli->arena, record->tripped_us, ""));
	print_detail(cli, "planned", cli_when(cli->arena, record->planned_us, ""));
	print_detail(cli, "not after", cli_when(cli->arena, record->not_after_us, ""));
	print_detail(cli, "stream", record->stream);
	print_detail(cli, "owner", record->owner);
	print_detail(cli, "brand", record->brand);
	print_detail(cli, "offer", record->offer);
	if (record->planned_us != 0)
		printf("  %-13s%d\n  %-13s%" PRId64 "\n", "priority", record->priority, "recipients",
		    record->recipients);
	print_detail(cli, "changed", cli_when(cli->arena, record->changed_us, ""));
	print_detail(cli, "by", record->by);
	print_detail(cli, "why", record->why);
	print_detail(cli, "resumed", cli_when(cli->arena, record->resumed_us, ""));
	printf("  %-13s%" PRId64 "\n", "sent", sum.sent);
	print_rate(cli, "complaints", sum.complaints, sum.sent);
	print_rate(cli, "unsubscribes", sum.unsubscribes, sum.sent);
	print_rate(cli, "hard bounces", sum.bounces, sum.sent);
}

/* ---- list, show ---- */

static bool is_over(const struct tact_campaign *record)
{
	return record->state == TACT_CAMPAIGN_CANCELLED || record->state == TACT_CAMPAIGN_DONE;
}

static int run_list(struct cli *cli)
{
	const struct tact_campaigns *campaigns;
	struct tact_error err = {""};
	int code = cli_open(cli, CLI_READ);

	if (code != EX_OK)
		return code;
	campaigns = tact_decider_take_campaigns(cli->decider, &err);
	if (campaigns == NULL)
		return cli_fail(EX_TEMPFAIL, "%s", err.text);
	for (size_t i = 0; i < campaigns->count; i++) {
		const struct tact_campaign_view *view = &campaigns->views[i];

		if (is_over(&view->record) && !cli_has(cli, "all"))
			continue;
		if (cli->json)
			put_view(cli, view);
		else
			print_line(cli, view);
	}
	tact_decider_put_campaigns(cli->decider, campaigns);
	return EX_OK;
}

static int show(struct cli *cli, const char *name, const struct tact_campaigns *campaigns)
{
	const struct tact_campaign_view *view = tact_policy_find_campaign(campaigns, name);

	if (view == NULL)
		return cli_fail(EX_DATAERR, "%s: there is no such campaign", cli_safe(cli->arena, name));
	if (cli->json)
		put_view(cli, view);
	else
		print_view(cli, view);
	return EX_OK;
}

static int run_show(struct cli *cli)
{
	const struct tact_campaigns *campaigns;
	struct tact_error err = {""};
	int code = cli_need_operands(cli, 1, 1);

	if (code == EX_OK)
		code = cli_campaign_name(cli, cli->operands[0]);
	if (code == EX_OK)
		code = cli_open(cli, CLI_READ);
	if (code != EX_OK)
		return code;
	campaigns = tact_decider_take_campaigns(cli->decider, &err);
	if (campaigns == NULL)
		return cli_fail(EX_TEMPFAIL, "%s", err.text);
	code = show(cli, cli->operands[0], campaigns);
	tact_decider_put_campaigns(cli->decider, campaigns);
	return code;
}

/* ---- pause, resume, cancel, done ---- */

static void tell(struct cli *cli, const struct tact_campaign *campaign, bool changed)
{
	struct cli_json *object;

	if (!cli->json) {
		printf("%s: %s%s\n", cli_safe(cli->arena, campaign->name),
		    tact_dossier_campaign_state_name(campaign->state), changed ? "" : " already");
		return;
	}
	object = cli_json_object();
	put_record(object, campaign);
	cli_json_put_bool(object, "changed", changed);
	cli_json_print(object);
}

static int do_one(struct cli *cli, const char *name, enum tact_campaign_deed deed, const char *why)
{
	struct tact_campaign campaign;
	struct tact_error err = {""};
	bool changed;
	int result = tact_decide_campaign(
	    cli->decider, cli->arena, name, deed, cli->by, why, cli->now_us, &campaign, &changed, &err);

	if (result != TACT_OK)
		return cli_fail(result == TACT_REFUSED ? EX_DATAERR : cli_exit_code(result), "%s", err.text);
	tell(cli, &campaign, changed);
	return EX_OK;
}

static int run_deed(struct cli *cli, enum tact_campaign_deed deed)
{
	const char *why = "";
	int code = cli_need_operands(cli, 1, SIZE_MAX), ended = EX_OK;

	for (size_t i = 0; i < cli->operands_count && code == EX_OK; i++)
		code = cli_campaign_name(cli, cli->operands[i]);
	if (code == EX_OK)
		code = cli_text(cli, "reason", "", &why);
	if (code == EX_OK)
		code = cli_text(cli, "by", cli->by, &cli->by);
	if (code == EX_OK)
		code = cli_open(cli, CLI_CHANGE);
	for (size_t i = 0; i < cli->operands_count && code == EX_OK; i++) {
		int one = do_one(cli, cli->operands[i], deed, why);

		ended = one != EX_OK ? one : ended;
	}
	return code != EX_OK ? code : ended;
}

static int run_pause(struct cli *cli)
{
	return run_deed(cli, TACT_CAMPAIGN_PAUSE);
}

static int run_resume(struct cli *cli)
{
	return run_deed(cli, TACT_CAMPAIGN_RESUME);
}

static int run_cancel(struct cli *cli)
{
	return run_deed(cli, TACT_CAMPAIGN_CANCEL);
}

static int run_done(struct cli *cli)
{
	return run_deed(cli, TACT_CAMPAIGN_FINISH);
}

const struct cli_verb cli_campaign_list = {
    "campaign list", "", "List campaigns and how they fare.", list_options, run_list};
const struct cli_verb cli_campaign_show = {
    "campaign show", "NAME", "Print all that is known of one campaign.", show_options, run_show};
const struct cli_verb cli_campaign_pause = {
    "campaign pause", "NAME...", "Hold the mail of a campaign until it is resumed.", deed_options, run_pause};
const struct cli_verb cli_campaign_resume = {"campaign resume", "NAME...",
    "Let a campaign go on that was paused, or stopped by a breaker.", deed_options, run_resume};
const struct cli_verb cli_campaign_cancel = {"campaign cancel", "NAME...",
    "Refuse the mail of a campaign for good and free its places.", deed_options, run_cancel};
const struct cli_verb cli_campaign_done = {
    "campaign done", "NAME...", "Free the places of a campaign whose mail has gone.", deed_options, run_done};
