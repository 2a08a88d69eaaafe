/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact consent: permission given and taken back, as people type it in.
 */
#include <config.h>

#include <string.h>

#include "private.h"

static const struct cli_option options[] = {
    {"basis", "WORD", "express, implied or soft-opt-in (required, unless --end)", false},
    {"scope", "SCOPE", "what it permits or no longer permits: global, brand:X, list:X ... (required)", false},
    {"source", "TEXT", "where it was given (required, unless --end)", false},
    {"proof", "TEXT", "what proves it", false}, {"at", "TIME", "when it was given (default: now)", false},
    {"until", "TIME", "when it runs out (default: as the rules say)", false},
    {"end", NULL, "the person takes back every consent of the scope", false},
    {"reason", "TEXT", "with --end: why, kept as evidence (required)", false},
    {"sha256", NULL, "the operand is the hex SHA-256 of an address", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

/* ---- reading it ---- */

/* Options that say nothing beside the others. */
static int refuse_beside(const struct cli *cli, const char *const *names, const char *beside)
{
	for (; *names != NULL; names++)
		if (cli_has(cli, *names))
			return cli_fail(EX_USAGE, "--%s says nothing %s --end", *names, beside);
	return EX_OK;
}

static int read_basis(struct cli *cli, enum tact_basis *ret)
{
	const char *text = cli_value(cli, "basis");

	if (text == NULL)
		return cli_fail(EX_USAGE, "consent wants --basis WORD, or --end");
	if (tact_dossier_parse_basis(text, ret) != TACT_OK)
		return cli_fail(EX_USAGE,
		    "--basis: there is no basis \"%.40s\"; express, implied and soft-opt-in are known", text);
	return EX_OK;
}

static int read_needed_text(struct cli *cli, const char *name, const char **ret)
{
	int code = cli_text(cli, name, "", ret);

	return code == EX_OK && **ret == '\0' ? cli_fail(EX_USAGE, "consent wants --%s TEXT", name) : code;
}

static int read_times(struct cli *cli, struct tact_consent *ret)
{
	int code = cli_past_time(cli, "at", &ret->time_us);

	if (code == EX_OK)
		code = cli_time(cli, "until", &ret->until_us);
	if (code == EX_OK && ret->until_us != 0 && ret->until_us <= ret->time_us)
		code = cli_fail(
		    EX_USAGE, "--until: %s is not later than when it was given", cli_value(cli, "until"));
	return code;
}

static int read_given(struct cli *cli, struct tact_change *ret)
{
	static const char *const beside[] = {"reason", NULL};
	struct tact_consent *consent = &ret->consent;
	int code = refuse_beside(cli, beside, "without");

	*ret = (struct tact_change){.kind = TACT_CHANGE_CONSENT,
	    .by = cli->by,
	    .consent = {.time_us = cli->now_us, .ended_by = "", .ended_why = ""}};
	if (code == EX_OK)
		code = read_basis(cli, &consent->basis);
	if (code == EX_OK)
		code = read_needed_text(cli, "source", &consent->source);
	if (code == EX_OK)
		code = cli_text(cli, "proof", "", &consent->proof);
	return code == EX_OK ? read_times(cli, consent) : code;
}

static int read_end(struct cli *cli, struct tact_change *ret)
{
	static const char *const beside[] = {"basis", "source", "proof", "at", "until", NULL};
	int code = refuse_beside(cli, beside, "beside");

	*ret = (struct tact_change){.kind = TACT_CHANGE_END_CONSENT, .by = cli->by};
	return code == EX_OK ? read_needed_text(cli, "reason", &ret->why) : code;
}

static int read_change(struct cli *cli, struct tact_change *ret)
{
	int code = cli_has(cli, "end") ? read_end(cli, ret) : read_given(cli, ret);

	if (code == EX_OK && !cli_has(cli, "scope"))
		code = cli_fail(EX_USAGE, "consent wants --scope SCOPE");
	return code == EX_OK ? cli_scope(cli, "scope", "global", &ret->consent.scope) : code;
}

/* ---- telling it ---- */

static void print_changed(struct cli *cli, const struct tact_recipient *recipient,
    const struct tact_change *change, const struct tact_changed *changed)
{
	const struct tact_consent *consent = &change->consent;
	const char *scope = tact_dossier_format_scope(cli->arena, &consent->scope),
		   *name = cli_name_of(recipient, cli->arena);
	bool begins = change->kind == TACT_CHANGE_CONSENT;
	struct cli_json *object;

	if (!cli->json) {
		printf("%s: %s %s%s%s\n", name,
		    !changed->changed ? "nothing new, or ended later:"
		    : begins	      ? "consent:"
				      : "ended:",
		    cli_safe(cli->arena, scope), begins ? " " : "",
		    begins ? tact_dossier_basis_name(consent->basis) : "");
		return;
	}
	object = cli_json_object();
	cli_json_put_text(object, "recipient", name);
	cli_json_put_text(object, "key", tact_id_format(cli->arena, &recipient->key));
	cli_json_put_text(object, "scope", scope);
	if (begins) {
		cli_json_put_text(object, "basis", tact_dossier_basis_name(consent->basis));
		cli_json_put_time(object, "time", consent->time_us);
		cli_json_put_time(object, "until", consent->until_us);
	}
	cli_json_put_bool(object, "changed", changed->changed);
	cli_json_print(object);
}

static int apply(struct cli *cli, const struct tact_recipient *recipient, const struct tact_change *change)
{
	struct tact_changed changed;
	int code = cli_change(cli, recipient, change, 1, &changed);

	if (code != EX_OK)
		return code;
	if (changed.result == TACT_ABSENT)
		return cli_fail(EX_DATAERR, "%s: there is nothing to end: no consent of scope %s is in force",
		    cli_name_of(recipient, cli->arena),
		    cli_safe(cli->arena, tact_dossier_format_scope(cli->arena, &change->consent.scope)));
	print_changed(cli, recipient, change, &changed);
	return EX_OK;
}

static int run(struct cli *cli)
{
	struct tact_recipient *recipients;
	struct tact_change change;
	int code = cli_need_operands(cli, 1, 1);

	if (code == EX_OK)
		code = cli_text(cli, "by", cli->by, &cli->by);
	if (code == EX_OK)
		code = read_change(cli, &change);
	if (code == EX_OK)
		code = cli_open(cli, CLI_CHANGE);
	if (code == EX_OK)
		code = cli_recipients(cli, &recipients);
	if (code == EX_OK && change.kind == TACT_CHANGE_CONSENT)
		cli_warn_of_scope(cli->arena, cli->config_path, &cli->config->rules, &change.consent.scope);
	return code == EX_OK ? apply(cli, recipients, &change) : code;
}

const struct cli_verb cli_consent = {
    "consent", "ADDRESS", "Record that a person permits something, or no longer does.", options, run};
