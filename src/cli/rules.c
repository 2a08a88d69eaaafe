/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the rules said, rule by rule, with the numbers they rested on: for explain and contact --may.
 */
#include <config.h>

#include <string.h>

#include "private.h"

static void put_numbers(struct cli_json *in, const struct tact_finding *finding)
{
	struct cli_json *numbers = cli_json_put_object(in, "numbers");

	if (!finding->has_numbers)
		return;
	cli_json_put_milli(numbers, "count", finding->count_milli);
	cli_json_put_milli(numbers, "at_most", finding->at_most_milli);
	cli_json_put_text(numbers, "window", finding->window);
	cli_json_put_time(numbers, "frees_at", finding->frees_at_us);
}

static const struct tact_finding *finding_of(const struct tact_opinion *opinion, const struct tact_rule *rule)
{
	for (size_t i = 0; i < opinion->findings_count; i++)
		if (opinion->findings[i].rule == rule)
			return &opinion->findings[i];
	return NULL;
}

/* Of a rule without a finding. Some mail is accepted or refused before any rule is asked. */
static const char *why_not_asked(struct cli *cli, const struct tact_opinion *opinion,
    const struct tact_facts *facts, const struct tact_rule *rule)
{
	const char *why = tact_policy_why_not_asked(cli->arena, rule, facts);

	return why != NULL ? why : tact_arena_printf(cli->arena, "is not asked: %s", opinion->text);
}

/* ---- for a script ---- */

static void put_finding(struct cli_json *list, const struct tact_finding *finding)
{
	struct cli_json *object = cli_json_put_object(list, NULL);

	cli_json_put_text(object, "name", finding->rule->name);
	cli_json_put_text(object, "kind", tact_policy_rule_kind_name(finding->rule->kind));
	cli_json_put_text(object, "mode", finding->rule->monitor ? "monitor" : "enforce");
	cli_json_put_text(object, "verdict", tact_policy_verdict_name(finding->verdict));
	cli_json_put_time(object, "until", finding->until_us);
	cli_json_put_text(object, "why", finding->why);
	cli_json_put_text(object, "holder", *finding->holder != '\0' ? finding->holder : NULL);
	put_numbers(object, finding);
}

void cli_put_rules(
    struct cli *cli, struct cli_json *in, const struct tact_opinion *opinion, const struct tact_facts *facts)
{
	const struct tact_rule_set *rules = &cli->config->rules;
	struct cli_json *asked = cli_json_put_list(in, "rules"), *others = cli_json_put_list(in, "not_asked");

	for (size_t i = 0; i < opinion->findings_count; i++)
		put_finding(asked, &opinion->findings[i]);
	for (size_t i = 0; i < rules->rules_count && facts != NULL; i++) {
		const struct tact_rule *rule = &rules->rules[i];
		struct cli_json *object;

		if (finding_of(opinion, rule) != NULL)
			continue;
		object = cli_json_put_object(others, NULL);
		cli_json_put_text(object, "name", rule->name);
		cli_json_put_text(object, "kind", tact_policy_rule_kind_name(rule->kind));
		cli_json_put_text(object, "why", why_not_asked(cli, opinion, facts, rule));
	}
}

/* ---- for a reader ---- */

/* Those of other kinds stand in their words already. */
static void print_numbers(struct cli *cli, const struct tact_finding *finding)
{
	if (!finding->has_numbers || finding->rule->kind != TACT_RULE_LIMIT)
		return;
	printf(", %s of at %s %s %s%s", cli_milli(cli->arena, finding->count_milli),
	    finding->rule->limit.form == TACT_LIMIT_AT_LEAST ? "least" : "most",
	    cli_milli(cli->arena, finding->at_most_milli),
	    finding->rule->limit.form == TACT_LIMIT_SINCE ? "" : "in ", finding->window);
	if (finding->frees_at_us != 0 && finding->frees_at_us != INT64_MAX)
		printf(", frees at %s", cli_when(cli->arena, finding->frees_at_us, ""));
}

static void print_finding(struct cli *cli, const struct tact_finding *finding)
{
	if (!finding->fired)
		printf("does not fire");
	else if (finding->verdict != TACT_DELAY)
		printf("%s", tact_policy_verdict_name(finding->verdict));
	else if (finding->until_us == INT64_MAX)
		printf("no time will do");
	else
		printf("delay until %s", cli_when(cli->arena, finding->until_us, ""));
	print_numbers(cli, finding);
	printf(": %s%s%s\n", cli_safe(cli->arena, finding->why),
	    finding->holder[0] != '\0' ? "; held by " : "", cli_safe(cli->arena, finding->holder));
}

/* Every rule of the configuration, also those that were not asked. */
void cli_print_rules(struct cli *cli, const struct tact_opinion *opinion, const struct tact_facts *facts)
{
	const struct tact_rule_set *rules = &cli->config->rules;

	for (size_t i = 0; i < rules->rules_count; i++) {
		const struct tact_rule *rule = &rules->rules[i];
		const struct tact_finding *finding = finding_of(opinion, rule);

		printf("  %s \"%s\"%s: ", tact_policy_rule_kind_name(rule->kind), rule->name,
		    rule->monitor ? " (monitor)" : "");
		if (finding != NULL)
			print_finding(cli, finding);
		else
			printf("%s\n", cli_safe(cli->arena, why_not_asked(cli, opinion, facts, rule)));
	}
}
