/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Reads the decisions of a period from the evidence. What they come to is the verbs' matter.
 */
#include <config.h>

#include <string.h>

#include "decisions.h"

#define PERIOD_US (INT64_C(30) * 86400 * 1000000)

const char *cli_decision_text(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

bool cli_decision_is(json_t *object, const char *name, const char *value)
{
	return strcmp(cli_decision_text(object, name), value) == 0;
}

int cli_decision_verdict(json_t *object, enum tact_verdict *ret)
{
	for (int i = TACT_ACCEPT; i <= TACT_REJECT; i++)
		if (cli_decision_is(object, "verdict", tact_policy_verdict_name((enum tact_verdict)i))) {
			*ret = (enum tact_verdict)i;
			return TACT_OK;
		}
	return TACT_INVALID;
}

int cli_decisions_period(struct cli *cli, struct cli_decisions *decisions)
{
	int code;

	decisions->from_us = cli->now_us - PERIOD_US;
	decisions->to_us = cli->now_us;
	code = cli_time(cli, "from", &decisions->from_us);
	if (code == EX_OK)
		code = cli_time(cli, "to", &decisions->to_us);
	if (code == EX_OK && decisions->from_us >= decisions->to_us)
		code = cli_fail(EX_USAGE, "--from is not earlier than --to");
	return code;
}

static bool is_first(json_t *entry)
{
	bool mail =
	    cli_decision_is(entry, "phase", "end-of-message") || cli_decision_is(entry, "phase", "rcpt");

	return mail && cli_decision_is(entry, "kind", "decision") &&
	       json_object_get(entry, "previous") == NULL &&
	       (!cli_decision_is(entry, "action", "tempfail") || cli_decision_is(entry, "verdict", "delay"));
}

static bool read_entry(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	struct cli_decisions *decisions = context;
	json_t *entry = json_loadb(json, length, 0, NULL);
	int64_t time_us = json_integer_value(json_object_get(entry, "time_us"));

	(void)host;
	(void)seq;
	decisions->damaged += entry == NULL;
	if (time_us >= decisions->from_us && time_us < decisions->to_us && is_first(entry))
		decisions->entry(decisions->context, entry, time_us);
	json_decref(entry);
	return true;
}

int cli_decisions_scan(struct cli *cli, struct cli_decisions *decisions)
{
	struct tact_error err = {""};
	int result = tact_audit_scan(cli->config->audit, NULL, read_entry, decisions, &err);

	if (decisions->damaged > 0)
		cli_fail(EX_DATAERR, "%llu entries of the evidence are damaged: what they tell is not known",
		    (unsigned long long)decisions->damaged);
	if (result == TACT_OK)
		return decisions->damaged > 0 ? EX_DATAERR : EX_OK;
	return cli_fail(cli_exit_code(result), "%s", err.text);
}
