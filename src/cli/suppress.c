/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact suppress and tact unsuppress: wishes as people type them in.
 */
#include <config.h>

#include <string.h>

#include "private.h"

static const struct cli_option suppress_options[] = {
    {"scope", "SCOPE", "what it covers: global (default), brand:X, owner:X, list:X, stream:X ...", false},
    {"reason", "REASON", "unsubscribe, complaint, hard_bounce, manual (default), erasure, pause or topic",
	false},
    {"purposes", "LIST", "purposes it covers, with commas (default: as the reason says)", false},
    {"source", "TEXT", "where the wish came from (default: tact suppress)", false},
    {"until", "TIME", "when it ends (default: never)", false},
    {"at", "TIME", "when the wish was made (default: now)", false},
    {"campaign", "NAME",
	"the campaign that a complaint, unsubscribe or hard bounce is counted against (default: that of the "
	"latest mail)",
	false},
    {"note", "TEXT", "a note, kept with it", false},
    {"sha256", NULL, "the operands are hex SHA-256 digests of addresses", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

static const struct cli_option unsuppress_options[] = {
    {"scope", "SCOPE", "scope of the suppressions to end: global (default), brand:X ...", false},
    {"id", "ID", "end only this one, as show prints it", false},
    {"why", "TEXT", "the reason, kept as evidence (required)", false},
    {"sha256", NULL, "the operands are hex SHA-256 digests of addresses", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

/* ---- reading the wish ---- */

static int read_purposes(struct cli *cli, unsigned *ret)
{
	const char *text = cli_value(cli, "purposes");
	struct tact_error err;

	if (text == NULL || cli_parse_purposes(cli->arena, text, ret, &err) == TACT_OK)
		return EX_OK;
	return cli_fail(EX_USAGE, "--purposes: %s", err.text);
}

static int read_reason(struct cli *cli, enum tact_reason *ret)
{
	const char *text = cli_value(cli, "reason");

	if (text == NULL || tact_dossier_parse_reason(text, ret) == TACT_OK)
		return EX_OK;
	return cli_fail(EX_USAGE,
	    "--reason: there is no reason \"%.40s\"; unsubscribe, complaint, hard_bounce, manual, erasure, "
	    "pause "
	    "and topic are known",
	    text);
}

static int read_wish(struct cli *cli, struct tact_change *ret)
{
	struct tact_suppression *wish = &ret->suppression;
	int code;

	*ret = (struct tact_change){.kind = TACT_CHANGE_SUPPRESS, .by = cli->by};
	wish->reason = TACT_MANUAL;
	wish->time_us = cli->now_us;
	wish->ended_by = wish->ended_why = "";
	code = cli_scope(cli, "scope", "global", &wish->scope);
	if (code == EX_OK)
		code = read_reason(cli, &wish->reason);
	if (code == EX_OK)
		code = read_purposes(cli, &wish->purposes);
	if (code == EX_OK)
		code = cli_text(cli, "source", "tact suppress", &wish->source);
	if (code == EX_OK)
		code = cli_text(cli, "campaign", NULL, &ret->campaign);
	if (code == EX_OK)
		code = cli_text(cli, "note", "", &wish->note);
	if (code == EX_OK)
		code = cli_past_time(cli, "at", &wish->time_us);
	if (code == EX_OK)
		code = cli_time(cli, "until", &wish->until_us);
	if (code == EX_OK && wish->until_us != 0 && wish->until_us <= cli->now_us)
		code = cli_fail(EX_USAGE, "--until: %s has passed already", cli_value(cli, "until"));
	if (code == EX_OK && wish->until_us == 0 && wish->reason == TACT_PAUSE)
		code = cli_fail(EX_USAGE,
		    "--reason pause wants --until: a pause has an end; one for good is an unsubscribe");
	ret->why = wish->note;
	return code;
}

static int read_ending(struct cli *cli, struct tact_change *ret)
{
	const char *id = cli_value(cli, "id");
	int code;

	*ret = (struct tact_change){.kind = TACT_CHANGE_UNSUPPRESS, .by = cli->by};
	code = cli_scope(cli, "scope", "global", &ret->suppression.scope);
	if (code == EX_OK)
		code = cli_text(cli, "why", NULL, &ret->why);
	if (code == EX_OK && (ret->why == NULL || *ret->why == '\0'))
		code = cli_fail(EX_USAGE, "unsuppress wants --why TEXT: ending a wish needs a reason");
	if (code == EX_OK && id != NULL && tact_id_parse(id, &ret->suppression.id) != TACT_OK)
		code = cli_fail(EX_USAGE, "--id: \"%.40s\" is no id; show prints them", id);
	return code;
}

/* ---- doing it ---- */

static void print_changed(struct cli *cli, const struct tact_recipient *recipient,
    const struct tact_change *change, const struct tact_changed *changed)
{
	const struct tact_suppression *wish = &change->suppression;
	const char *scope = tact_dossier_format_scope(cli->arena, &wish->scope),
		   *key = tact_id_format(cli->arena, &recipient->key);
	bool begins = change->kind == TACT_CHANGE_SUPPRESS;
	struct cli_json *object;

	if (!cli->json) {
		printf("%s: %s %s%s%s\n", cli_name_of(recipient, cli->arena),
		    !changed->changed ? "known already:"
		    : begins	      ? "suppressed:"
				      : "ended:",
		    cli_safe(cli->arena, scope), begins ? " " : "",
		    begins ? tact_dossier_reason_name(wish->reason) : "");
		return;
	}
	object = cli_json_object();
	cli_json_put_text(object, "recipient", cli_name_of(recipient, cli->arena));
	cli_json_put_text(object, "key", key);
	cli_json_put_text(object, "scope", scope);
	if (begins) {
		cli_json_put_text(object, "reason", tact_dossier_reason_name(wish->reason));
		cli_json_put_time(object, "until", wish->until_us);
	}
	cli_json_put_bool(object, "changed", changed->changed);
	cli_json_print(object);
}

static int tell(struct cli *cli, const struct tact_recipient *recipient, const struct tact_change *change,
    const struct tact_changed *changed, const struct tact_error *err)
{
	const char *name = cli_name_of(recipient, cli->arena);

	if (changed->result == TACT_OK) {
		print_changed(cli, recipient, change, changed);
		return EX_OK;
	}
	if (changed->result == TACT_ABSENT)
		return cli_fail(EX_DATAERR,
		    "%s: there is nothing to end: no such suppression of scope %s is in force", name,
		    cli_safe(cli->arena, tact_dossier_format_scope(cli->arena, &change->suppression.scope)));
	return cli_fail(
	    cli_exit_code(changed->result), "%s: %s: %s", name, tact_result_name(changed->result), err->text);
}

static int apply(struct cli *cli, const struct tact_recipient *recipients, const struct tact_change *change)
{
	size_t count = cli->operands_count;
	struct tact_change *changes = tact_arena_alloc(cli->arena, count * sizeof *changes);
	struct tact_changed *changed = tact_arena_alloc(cli->arena, count * sizeof *changed);
	struct tact_error err = {""};
	int code = EX_OK, result;

	for (size_t i = 0; i < count; i++)
		changes[i] = *change;
	result = tact_decide_change(
	    cli->decider, cli->arena, recipients, changes, count, cli->now_us, 0, changed, &err);
	for (size_t i = 0; i < count; i++) {
		int answer = tell(cli, &recipients[i], change, &changed[i], &err);

		if (answer != EX_OK)
			code = answer;
	}
	if (code == EX_OK && result != TACT_OK) /* done, and without evidence */
		code = cli_fail(
		    cli_exit_code(result), "done, but the evidence could not be written: %s", err.text);
	return code;
}

static int run_with(struct cli *cli, int (*read_change)(struct cli *cli, struct tact_change *ret))
{
	struct tact_recipient *recipients;
	struct tact_change change;
	int code = cli_need_operands(cli, 1, SIZE_MAX);

	if (code == EX_OK)
		code = cli_text(cli, "by", cli->by, &cli->by);
	if (code == EX_OK)
		code = read_change(cli, &change);
	if (code == EX_OK)
		code = cli_open(cli, CLI_CHANGE);
	if (code == EX_OK)
		code = cli_recipients(cli, &recipients);
	if (code != EX_OK)
		return code;
	if (change.kind == TACT_CHANGE_SUPPRESS)
		cli_warn_of_scope(
		    cli->arena, cli->config_path, &cli->config->rules, &change.suppression.scope);
	return apply(cli, recipients, &change);
}

static int run_suppress(struct cli *cli)
{
	return run_with(cli, read_wish);
}

static int run_unsuppress(struct cli *cli)
{
	return run_with(cli, read_ending);
}

const struct cli_verb cli_suppress = {
    "suppress", "ADDRESS...", "Send no more: a wish, from now on enforced.", suppress_options, run_suppress};
const struct cli_verb cli_unsuppress = {"unsuppress", "ADDRESS...",
    "End suppressions of a scope, with a reason.", unsuppress_options, run_unsuppress};
