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

void cli_put_rules(struct cli_json *in, const struct tact_opinion *opinion)
{
	struct cli_json *list = cli_json_put_list(in, "rules");

	for (size_t i = 0; i < opinion->findings_count; i++) {
		const struct tact_finding *finding = &opinion->findings[i];
		struct cli_json *object = cli_json_put_object(list, NULL);

		cli_json_put_text(object, "name", finding->rule->name);
		cli_json_put_text(object, "kind", tact_policy_rule_kind_name(finding->rule->kind));
		cli_json_put_text(object, "verdict", tact_policy_verdict_name(finding->verdict));
		cli_json_put_time(object, "until", finding->until_us);
		put_numbers(object, finding);
	}
}

static void print_numbers(struct cli *cli, const struct tact_finding *finding)
{
	if (!finding->has_numbers)
		return;
	printf(", %s of at %s %s %s%s", cli_milli(cli->arena, finding->count_milli),
	    finding->rule->limit.form == TACT_LIMIT_AT_LEAST ? "least" : "most",
	    cli_milli(cli->arena, finding->at_most_milli),
	    finding->rule->limit.form == TACT_LIMIT_SINCE ? "" : "in ", finding->window);
	if (finding->frees_at_us != 0 && finding->frees_at_us != INT64_MAX)
		printf(", frees at %s", cli_when(cli->arena, finding->frees_at_us, ""));
}

static void print_finding(struct cli *cli, const struct tact_rule *rule, const struct tact_finding *finding)
{
	printf("  %s \"%s\"%s: ", tact_policy_rule_kind_name(rule->kind), rule->name,
	    rule->monitor ? " (monitor)" : "");
	if (finding == NULL) {
		printf("is not for such mail\n");
		return;
	}
	if (!finding->fired)
		printf("does not fire");
	else if (finding->verdict == TACT_DELAY)
		printf("delay until %s", cli_when(cli->arena, finding->until_us, "never"));
	else
		printf("%s", tact_policy_verdict_name(finding->verdict));
	print_numbers(cli, finding);
	printf(": %s%s%s\n", cli_safe(cli->arena, finding->why),
	    finding->holder[0] != '\0' ? "; held by " : "", cli_safe(cli->arena, finding->holder));
}

/* Every rule of the configuration, also those that were not asked. */
void cli_print_rules(struct cli *cli, const struct tact_opinion *opinion)
{
	const struct tact_rule_set *rules = &cli->config->rules;

	for (size_t i = 0; i < rules->rules_count; i++) {
		const struct tact_finding *finding = NULL;

		for (size_t j = 0; j < opinion->findings_count && finding == NULL; j++)
			if (opinion->findings[j].rule == &rules->rules[i])
				finding = &opinion->findings[j];
		print_finding(cli, &rules->rules[i], finding);
	}
}
