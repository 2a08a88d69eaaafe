/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact profile: who a person is to us, and what the person asked for: shown, or changed and then shown.
 */
#include <config.h>

#include <string.h>

#include "private.h"

static const struct cli_option options[] = {{"zone", "ZONE", "time zone, as Europe/London", false},
    {"home", "OWNER", "the owner whose territory the person belongs to", false},
    {"language", "TAG", "language, as en or pt-BR", false},
    {"own-limit", "N/TIME", "how much the person wants at most, as 4/7d or \"2 per calendar-month\"", false},
    {"occasion", "NAME=DATE", "a date of the person's, as birthday=1980-05-17 or birthday=--05-17", true},
    {"no-occasion", "NAME", "forget that date", true},
    {"clear", "FIELD", "forget zone, home, language or own-limit", true},
    {"pause", "TIME", "no mail that one can unsubscribe from for so long, as 30d", false},
    {"pause-until", "TIME", "the same, until then", false},
    {"no-pause", NULL, "end the person's pauses", false},
    {"topic", "SCOPE", "the person left this topic: list:X, stream:X, purpose:X ...", true},
    {"until", "TIME", "when the topics left now are joined again (default: never)", false},
    {"no-topic", "SCOPE", "the person joined this topic again", true},
    {"source", "TEXT", "where the wish came from (default: tact profile)", false},
    {"sha256", NULL, "the operand is the hex SHA-256 of an address", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

struct wishes {
	struct cli *cli;
	const char *source;
	struct tact_profile_change profile;
	struct tact_occasion *occasions;
	size_t occasions_count;
	int64_t topics_until_us;
	struct tact_change *changes; /* endings first: a pause may take the place of another */
	size_t changes_count;
};

/* ---- the profile's own fields ---- */

static int read_field(struct wishes *wishes, const struct cli_profile_field *field)
{
	struct cli *cli = wishes->cli;
	const char *text = cli_value(cli, field->option);
	struct tact_error err;

	if (text == NULL)
		return EX_OK;
	if (field->check(&cli->config->rules, text, &err) != TACT_OK)
		return cli_fail(EX_USAGE, "--%s: %s", field->option, cli_safe(cli->arena, err.text));
	*cli_profile_set(&wishes->profile, field) = text;
	return EX_OK;
}

static int clear_field(struct wishes *wishes, const char *name)
{
	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++) {
		const struct cli_profile_field *field = &cli_profile_fields[i];

		if (strcmp(name, field->option) != 0)
			continue;
		if (cli_has(wishes->cli, name))
			return cli_fail(EX_USAGE, "--clear %s contradicts --%s", name, name);
		*cli_profile_set(&wishes->profile, field) = "";
		return EX_OK;
	}
	return cli_fail(EX_USAGE,
	    "--clear: there is no field \"%.40s\"; zone, home, language and own-limit are known", name);
}

static int push_occasion(struct wishes *wishes, const char *option, const struct tact_occasion *occasion)
{
	for (size_t i = 0; i < wishes->occasions_count; i++)
		if (strcmp(wishes->occasions[i].name, occasion->name) == 0)
			return cli_fail(EX_USAGE, "--%s: %s is named twice", option, occasion->name);
	*TACT_PUSH(wishes->cli->arena, wishes->occasions, wishes->occasions_count) = *occasion;
	return EX_OK;
}

/* NAME=DATE, or with no date allowed NAME. */
static int read_occasion(struct wishes *wishes, const char *option, const char *text, bool dated)
{
	struct tact_arena *arena = wishes->cli->arena;
	const char *equals = strchr(text, '=');
	struct tact_occasion occasion = {0};
	struct tact_error err = {"write it as birthday=1980-05-17 or birthday=--05-17"};
	size_t length = equals != NULL && dated ? (size_t)(equals - text) : strlen(text);
	int result = dated && equals == NULL ? TACT_INVALID : TACT_OK;

	if (result == TACT_OK)
		result =
		    cli_occasion_name(arena, tact_arena_strndup(arena, text, length), &occasion.name, &err);
	if (result == TACT_OK && dated)
		result = tact_dossier_parse_date(equals + 1, &occasion, &err);
	if (result != TACT_OK)
		return cli_fail(EX_USAGE, "--%s: %s", option, cli_safe(arena, err.text));
	return push_occasion(wishes, option, &occasion);
}

static int read_many(struct wishes *wishes, const struct cli_given *given)
{
	if (strcmp(given->name, "clear") == 0)
		return clear_field(wishes, given->value);
	if (strcmp(given->name, "occasion") == 0)
		return read_occasion(wishes, given->name, given->value, true);
	if (strcmp(given->name, "no-occasion") == 0)
		return read_occasion(wishes, given->name, given->value, false);
	return EX_OK;
}

static int read_profile(struct wishes *wishes)
{
	struct cli *cli = wishes->cli;
	bool any = false;
	int code = EX_OK;

	for (size_t i = 0; i < CLI_PROFILE_FIELDS && code == EX_OK; i++)
		code = read_field(wishes, &cli_profile_fields[i]);
	for (size_t i = 0; i < cli->given_count && code == EX_OK; i++)
		code = read_many(wishes, &cli->given[i]);
	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++)
		any |= *cli_profile_set(&wishes->profile, &cli_profile_fields[i]) != NULL;
	wishes->profile.occasions = wishes->occasions;
	wishes->profile.occasions_count = wishes->occasions_count;
	if (any || wishes->occasions_count > 0)
		*TACT_PUSH(cli->arena, wishes->changes, wishes->changes_count) =
		    (struct tact_change){.kind = TACT_CHANGE_PROFILE,
			.profile = wishes->profile,
			.by = cli->by,
			.why = wishes->source};
	return code;
}

/* ---- pauses and topics: suppressions that the recipient made ---- */

static void push_wish(
    struct wishes *wishes, enum tact_reason reason, const struct tact_scope *scope, int64_t until_us)
{
	*TACT_PUSH(wishes->cli->arena, wishes->changes, wishes->changes_count) =
	    (struct tact_change){.kind = TACT_CHANGE_SUPPRESS,
		.suppression = {.scope = *scope,
		    .reason = reason,
		    .source = wishes->source,
		    .note = "",
		    .time_us = wishes->cli->now_us,
		    .until_us = until_us,
		    .ended_by = "",
		    .ended_why = ""},
		.by = wishes->cli->by,
		.why = wishes->source};
}

static int read_later(const struct cli *cli, const char *name, int64_t *ret_us)
{
	int code = cli_time(cli, name, ret_us);

	if (code == EX_OK && *ret_us != 0 && *ret_us <= cli->now_us)
		code = cli_fail(EX_USAGE, "--%s: %s has passed already", name, cli_value(cli, name));
	return code;
}

static int read_pause(struct wishes *wishes)
{
	static const struct tact_scope global = {TACT_SCOPE_GLOBAL, ""};
	struct cli *cli = wishes->cli;
	const char *length = cli_value(cli, "pause");
	int64_t until_us = 0, length_s;
	struct tact_error err;
	int code = read_later(cli, "pause-until", &until_us);

	if (code == EX_OK && length != NULL && until_us != 0)
		return cli_fail(EX_USAGE, "--pause and --pause-until exclude each other");
	if (code == EX_OK && length != NULL) {
		if (tact_text_parse_duration(length, &length_s, &err) != TACT_OK)
			return cli_fail(EX_USAGE, "--pause: %s", cli_safe(cli->arena, err.text));
		if (length_s < 1 || length_s > 3660 * INT64_C(86400))
			return cli_fail(EX_USAGE, "--pause: write 1s to 3660d");
		until_us = cli->now_us + length_s * 1000000;
	}
	if (code == EX_OK && until_us != 0)
		push_wish(wishes, TACT_PAUSE, &global, until_us);
	return code;
}

static int read_topic(struct wishes *wishes, const char *option, const char *text, struct tact_scope *ret)
{
	int code = cli_parse_scope(wishes->cli, option, text, ret);

	if (code == EX_OK && ret->kind == TACT_SCOPE_GLOBAL)
		code = cli_fail(EX_USAGE, "--%s: global is no topic; --pause is for everything", option);
	return code;
}

static int read_topics(struct wishes *wishes)
{
	struct cli *cli = wishes->cli;
	int64_t until_us = 0;
	int code = read_later(cli, "until", &until_us);

	if (code == EX_OK && until_us != 0 && !cli_has(cli, "topic"))
		code = cli_fail(EX_USAGE, "--until says when a --topic is joined again, and there is none");
	for (size_t i = 0; i < cli->given_count && code == EX_OK; i++) {
		struct tact_scope scope;

		if (strcmp(cli->given[i].name, "topic") != 0)
			continue;
		code = read_topic(wishes, "topic", cli->given[i].value, &scope);
		if (code != EX_OK)
			continue;
		cli_warn_of_scope(cli->arena, cli->config_path, &cli->config->rules, &scope);
		push_wish(wishes, TACT_TOPIC, &scope, until_us);
	}
	return code;
}

static bool in_force(const struct tact_suppression *one, int64_t now_us)
{
	return one->ended_us == 0 && (one->until_us == 0 || one->until_us > now_us);
}

static bool same_scope(const struct tact_scope *a, const struct tact_scope *b)
{
	return a->kind == b->kind && tact_text_equal_nocase(a->value, b->value);
}

/* Ends those in force of a reason, and of a scope unless that is NULL. By id, so that no other wish ends with
 * them. */
static int end_wishes(struct wishes *wishes, const struct tact_dossier *dossier, enum tact_reason reason,
    const struct tact_scope *scope)
{
	struct cli *cli = wishes->cli;
	size_t before = wishes->changes_count;

	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		const struct tact_suppression *one = &dossier->suppressions[i];

		if (one->reason == reason && in_force(one, cli->now_us) &&
		    (scope == NULL || same_scope(scope, &one->scope)))
			*TACT_PUSH(cli->arena, wishes->changes, wishes->changes_count) =
			    (struct tact_change){.kind = TACT_CHANGE_UNSUPPRESS,
				.suppression = {.id = one->id, .scope = one->scope},
				.by = cli->by,
				.why = wishes->source};
	}
	if (wishes->changes_count > before)
		return EX_OK;
	if (scope == NULL)
		return cli_fail(EX_DATAERR, "there is nothing to end: no pause is in force");
	return cli_fail(EX_DATAERR, "there is nothing to end: topic %s was not left",
	    cli_safe(cli->arena, tact_dossier_format_scope(cli->arena, scope)));
}

static int read_endings(struct wishes *wishes, const struct tact_dossier *dossier)
{
	struct cli *cli = wishes->cli;
	int code = cli_has(cli, "no-pause") ? end_wishes(wishes, dossier, TACT_PAUSE, NULL) : EX_OK;

	for (size_t i = 0; i < cli->given_count && code == EX_OK; i++) {
		struct tact_scope scope;

		if (strcmp(cli->given[i].name, "no-topic") != 0)
			continue;
		code = read_topic(wishes, "no-topic", cli->given[i].value, &scope);
		if (code == EX_OK)
			code = end_wishes(wishes, dossier, TACT_TOPIC, &scope);
	}
	return code;
}

/* ---- showing it ---- */

static void put_wish(struct cli *cli, struct cli_json *list, const struct tact_suppression *one)
{
	struct cli_json *in = cli_json_put_object(list, NULL);

	cli_json_put_text(in, "scope", tact_dossier_format_scope(cli->arena, &one->scope));
	cli_json_put_text(in, "reason", tact_dossier_reason_name(one->reason));
	cli_json_put_time(in, "until", one->until_us);
}

static void put_person(struct cli *cli, const char *name, const struct tact_id *key,
    const struct tact_dossier *dossier, bool changed)
{
	struct cli_json *object = cli_json_object(), *list;

	cli_json_put_text(object, "recipient", name);
	cli_json_put_text(object, "key", tact_id_format(cli->arena, key));
	cli_put_profile(cli, object, &dossier->profile);
	list = cli_json_put_list(object, "wishes");
	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		const struct tact_suppression *one = &dossier->suppressions[i];

		if ((one->reason == TACT_PAUSE || one->reason == TACT_TOPIC) && in_force(one, cli->now_us))
			put_wish(cli, list, one);
	}
	cli_json_put_bool(object, "changed", changed);
	cli_json_print(object);
}

static void print_person(
    struct cli *cli, const char *name, const struct tact_dossier *dossier, const char *what)
{
	printf("%s:%s", name, what);
	cli_print_profile(cli, &dossier->profile);
	printf("\n");
	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		const struct tact_suppression *one = &dossier->suppressions[i];

		if ((one->reason != TACT_PAUSE && one->reason != TACT_TOPIC) || !in_force(one, cli->now_us))
			continue;
		printf("  %s %s%s%s\n", tact_dossier_reason_name(one->reason),
		    cli_safe(cli->arena, tact_dossier_format_scope(cli->arena, &one->scope)),
		    one->until_us != 0 ? " until=" : "", cli_when(cli->arena, one->until_us, ""));
	}
}

static int look(struct cli *cli, const struct tact_recipient *recipient, struct tact_dossier *ret,
    struct tact_id *ret_key)
{
	struct tact_error err = {""};
	uint64_t version;
	int result = tact_decide_view(cli->decider, cli->arena, recipient, ret, ret_key, &version, &err);

	return result == TACT_OK
		   ? EX_OK
		   : cli_fail(cli_exit_code(result), "%s: %s", cli_name_of(recipient, cli->arena), err.text);
}

/* ---- doing it ---- */

static int apply(struct wishes *wishes, const struct tact_recipient *recipient, bool *ret_changed)
{
	size_t count = wishes->changes_count;
	struct tact_changed *changed = tact_arena_alloc(wishes->cli->arena, (count + 1) * sizeof *changed);
	int code = count > 0 ? cli_change(wishes->cli, recipient, wishes->changes, count, changed) : EX_OK;

	for (size_t i = 0; i < count && code == EX_OK; i++)
		*ret_changed |= changed[i].changed;
	return code;
}

static int change_and_show(struct wishes *wishes, const struct tact_recipient *recipient)
{
	struct cli *cli = wishes->cli;
	const char *name = cli_name_of(recipient, cli->arena);
	struct tact_dossier dossier;
	struct tact_id key;
	bool changed = false;
	int code = look(cli, recipient, &dossier, &key);

	if (code == EX_OK)
		code = read_endings(wishes, &dossier);
	if (code == EX_OK)
		code = read_profile(wishes);
	if (code == EX_OK)
		code = read_pause(wishes);
	if (code == EX_OK)
		code = read_topics(wishes);
	if (code == EX_OK)
		code = apply(wishes, recipient, &changed);
	if (code == EX_OK && wishes->changes_count > 0)
		code = look(cli, recipient, &dossier, &key);
	if (code != EX_OK)
		return code;
	if (cli->json)
		put_person(cli, name, &key, &dossier, changed);
	else
		print_person(cli, name, &dossier,
		    changed			? " changed,"
		    : wishes->changes_count > 0 ? " known already,"
						: "");
	return EX_OK;
}

/* Without a wish it only looks, and needs no evidence to write to. */
static bool only_looks(const struct cli *cli)
{
	static const char *const others[] = {"config", "json", "sha256", "by", "source"};

	for (size_t i = 0; i < cli->given_count; i++) {
		bool other = false;

		for (size_t j = 0; j < sizeof others / sizeof *others; j++)
			other |= strcmp(cli->given[i].name, others[j]) == 0;
		if (!other)
			return false;
	}
	return true;
}

static int run(struct cli *cli)
{
	struct wishes wishes = {.cli = cli};
	struct tact_recipient *recipients;
	int code = cli_need_operands(cli, 1, 1);

	if (code == EX_OK)
		code = cli_text(cli, "by", cli->by, &cli->by);
	if (code == EX_OK)
		code = cli_text(cli, "source", "tact profile", &wishes.source);
	if (code == EX_OK)
		code = cli_open(cli, only_looks(cli) ? CLI_READ : CLI_CHANGE);
	if (code == EX_OK)
		code = cli_recipients(cli, &recipients);
	return code == EX_OK ? change_and_show(&wishes, recipients) : code;
}

const struct cli_verb cli_profile = {"profile", "ADDRESS",
    "Show or change what is known of a person: zone, owner, dates, own limit, pauses.", options, run};
