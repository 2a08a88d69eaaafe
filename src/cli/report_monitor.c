/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact report monitor: what rules on monitor, or a whole tactd on monitor, would have done in a period.
 */
#include <config.h>

#include <inttypes.h>

#include "decisions.h"

static const struct cli_option options[] = {CLI_DECISIONS_OPTIONS, {NULL, NULL, NULL, false}};

struct monitored {
	struct cli *cli;
	uint64_t mails;	    /* decided in the period, one for each recipient */
	uint64_t different; /* for which something else would have come of it */
	struct cli_tallies by_rule, by_owner, by_stream;
};

/* Where a delay became a reject for want of a place in time, no rule says reject. */
static bool is_turned(json_t *entry)
{
	json_t *rules = json_object_get(entry, "rules"), *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
	{
		if (cli_decision_is(rule, "verdict", "reject"))
			return false;
	}
	return cli_decision_is(entry, "verdict", "reject");
}

/* What every monitored rule says; answers the strictest of them. */
static enum tact_verdict count_rules(struct monitored *monitored, json_t *entry, bool all)
{
	json_t *rules = json_object_get(entry, "rules"), *rule;
	enum tact_verdict strictest = TACT_ACCEPT, verdict;
	bool turned = all && is_turned(entry);
	size_t i;

	json_array_foreach(rules, i, rule)
	{
		if ((!all && !cli_decision_is(rule, "mode", "monitor")) ||
		    cli_decision_verdict(rule, &verdict) != TACT_OK || verdict == TACT_ACCEPT)
			continue;
		verdict = turned && verdict == TACT_DELAY ? TACT_REJECT : verdict;
		cli_tally(&monitored->by_rule, cli_decision_text(rule, "name"))->verdicts[verdict]++;
		strictest = verdict > strictest ? verdict : strictest;
	}
	return strictest;
}

static void count(void *context, json_t *entry, int64_t time_us)
{
	struct monitored *monitored = context;
	bool all = cli_decision_is(entry, "mode", "monitor");
	enum tact_verdict done = TACT_ACCEPT, would;

	(void)time_us;
	monitored->mails++;
	if (cli_decision_verdict(entry, &done) != TACT_OK)
		return;
	would = count_rules(monitored, entry, all);
	if (all) {
		would = done > would ? done : would;
		done = TACT_ACCEPT;
	}
	if (would <= done)
		return;
	monitored->different++;
	cli_tally(&monitored->by_owner, cli_decision_text(entry, "owner"))->verdicts[would]++;
	cli_tally(&monitored->by_stream, cli_decision_text(entry, "stream"))->verdicts[would]++;
}

static void tell(struct monitored *monitored, const struct cli_decisions *period)
{
	struct tact_arena *arena = monitored->cli->arena;
	struct cli_json *object;

	if (!monitored->cli->json) {
		printf("%" PRIu64 " decisions from %s to %s; %" PRIu64 " would have been stricter\n",
		    monitored->mails, tact_text_format_time(arena, period->from_us),
		    tact_text_format_time(arena, period->to_us), monitored->different);
		cli_tally_print(arena, "rule on monitor, would be", &monitored->by_rule);
		cli_tally_print(arena, "owner, would be", &monitored->by_owner);
		cli_tally_print(arena, "stream, would be", &monitored->by_stream);
		return;
	}
	object = cli_json_object();
	cli_json_put_time(object, "from", period->from_us);
	cli_json_put_time(object, "to", period->to_us);
	cli_json_put_integer(object, "decisions", (int64_t)monitored->mails);
	cli_json_put_integer(object, "different", (int64_t)monitored->different);
	cli_tally_put(object, "rules", "rule", &monitored->by_rule);
	cli_tally_put(object, "owners", "owner", &monitored->by_owner);
	cli_tally_put(object, "streams", "stream", &monitored->by_stream);
	cli_json_print(object);
}

static int run(struct cli *cli)
{
	struct monitored monitored = {.cli = cli,
	    .by_rule.arena = cli->arena,
	    .by_owner.arena = cli->arena,
	    .by_stream.arena = cli->arena};
	struct cli_decisions decisions = {.entry = count, .context = &monitored};
	int code = cli_need_operands(cli, 0, 0);

	if (code == EX_OK)
		code = cli_decisions_period(cli, &decisions);
	if (code == EX_OK)
		code = cli_open(cli, CLI_CONFIG);
	if (code != EX_OK)
		return code;
	code = cli_decisions_scan(cli, &decisions);
	if (code != EX_OK && code != EX_DATAERR)
		return code;
	cli_tally_sort(&monitored.by_rule);
	cli_tally_sort(&monitored.by_owner);
	cli_tally_sort(&monitored.by_stream);
	tell(&monitored, &decisions);
	return code;
}

const struct cli_verb cli_report_monitor = {
    "report monitor", "", "Sum up what rules on monitor would have done.", options, run};
