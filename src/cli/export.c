/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact export: what stands in the dossiers, one kind at a time, as CSV that tact import reads back, or as
 * JSON lines. Addresses only where they are kept.
 */
#include <config.h>

#include <csv.h>
#include <string.h>

#include "private.h"

static const struct cli_option options[] = {
    {"suppressions", NULL, "export the suppressions in force (the default)", false},
    {"consent", NULL, "export the consents in force", false}, {"profile", NULL, "export the profiles", false},
    {NULL, NULL, NULL, false}};

#define FIXED 5 /* key, and the fields of a profile */

struct export
{
	struct cli *cli;
	const struct kind *kind;
	struct tact_arena *arena; /* of one record */
	const char **columns;
	size_t columns_count;
	const char **occasions; /* those of any profile, in the order of their columns */
	size_t occasions_count;
	bool addresses; /* the last column */
	struct tact_id *aliases;
	size_t aliases_count;
	size_t unreadable;
};

/* One thing to export: its columns without the address, and how a dossier is written. */
struct kind {
	const char *option;
	const char *const *columns;
	size_t columns_count;
	void (*write)(struct export *export, const char *key, const struct tact_dossier *dossier);
};

/* ---- one line ---- */

static void write_line(const struct export *export, const char *const *values)
{
	for (size_t i = 0; i < export->columns_count; i++) {
		if (i > 0)
			putchar(',');
		csv_fwrite(stdout, values[i], strlen(values[i]));
	}
	putchar('\n');
}

static void write_json(const struct export *export, const char *const *values)
{
	struct cli_json *object = cli_json_object();

	for (size_t i = 0; i < export->columns_count; i++)
		cli_json_put_text(object, export->columns[i], *values[i] != '\0' ? values[i] : NULL);
	cli_json_print(object);
}

static void write_values(const struct export *export, const char *const *values)
{
	if (export->cli->json)
		write_json(export, values);
	else
		write_line(export, values);
}

static bool in_force(int64_t ended_us, int64_t until_us, int64_t now_us)
{
	return ended_us == 0 && (until_us == 0 || until_us > now_us);
}

/* ---- suppressions ---- */

static const char *const suppression_columns[] = {
    "key", "scope", "reason", "source", "created_at", "expires_at", "purposes"};

static void write_suppressions(struct export *export, const char *key, const struct tact_dossier *dossier)
{
	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		const struct tact_suppression *one = &dossier->suppressions[i];
		const char *const values[] = {
		    key,
		    tact_dossier_format_scope(export->arena, &one->scope),
		    tact_dossier_reason_name(one->reason),
		    one->source,
		    cli_when(export->arena, one->time_us, ""),
		    cli_when(export->arena, one->until_us, ""),
		    cli_purposes(export->arena, one->purposes),
		    dossier->address,
		};

		if (in_force(one->ended_us, one->until_us, export->cli->now_us))
			write_values(export, values);
	}
}

/* ---- consents ---- */

static const char *const consent_columns[] = {
    "key", "basis", "scope", "source", "proof", "created_at", "expires_at"};

static bool is_instead(const struct tact_consent *later, const struct tact_consent *one)
{
	bool sooner_over = later->until_us != 0 && (one->until_us == 0 || later->until_us < one->until_us);

	return later->ended_us == 0 && later->basis == one->basis && later->scope.kind == one->scope.kind &&
	       tact_text_equal_nocase(later->scope.value, one->scope.value) &&
	       (later->time_us > one->time_us || (later->time_us == one->time_us && sooner_over));
}

/* One from a file and the person's own may stand side by side, of which the newest counts: once that has run
 * out, the other must not come back in another store. */
static bool is_replaced(const struct tact_dossier *dossier, const struct tact_consent *one)
{
	for (size_t i = 0; i < dossier->consents_count; i++)
		if (is_instead(&dossier->consents[i], one))
			return true;
	return false;
}

static void write_consents(struct export *export, const char *key, const struct tact_dossier *dossier)
{
	for (size_t i = 0; i < dossier->consents_count; i++) {
		const struct tact_consent *one = &dossier->consents[i];
		const char *const values[] = {
		    key,
		    tact_dossier_basis_name(one->basis),
		    tact_dossier_format_scope(export->arena, &one->scope),
		    one->source,
		    one->proof,
		    cli_when(export->arena, one->time_us, ""),
		    cli_when(export->arena, one->until_us, ""),
		    dossier->address,
		};

		if (in_force(one->ended_us, one->until_us, export->cli->now_us) && !is_replaced(dossier, one))
			write_values(export, values);
	}
}

/* ---- profiles ---- */

static const char *const profile_columns[FIXED] = {"key", "zone", "home_owner", "language", "own_limit"};

static size_t find_occasion(const struct export *export, const char *name)
{
	size_t i = 0;

	while (i < export->occasions_count && !tact_text_equal_nocase(export->occasions[i], name))
		i++;
	return i;
}

static void write_profile(struct export *export, const char *key, const struct tact_dossier *dossier)
{
	const struct tact_profile *profile = &dossier->profile;
	const char **values = tact_arena_alloc(export->arena, (export->columns_count + 1) * sizeof *values);
	bool says = profile->occasions_count > 0;

	values[0] = key;
	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++) {
		values[1 + i] = cli_profile_get(profile, &cli_profile_fields[i]);
		says |= *values[1 + i] != '\0';
	}
	for (size_t i = 0; i < export->occasions_count; i++)
		values[FIXED + i] = "";
	for (size_t i = 0; i < profile->occasions_count; i++) {
		size_t at = find_occasion(export, profile->occasions[i].name);

		if (at < export->occasions_count) /* else it was written since we looked */
			values[FIXED + at] = tact_dossier_format_date(export->arena, &profile->occasions[i]);
	}
	if (export->addresses)
		values[export->columns_count - 1] = dossier->address;
	if (says)
		write_values(export, values);
}

/* ---- the store, from end to end ---- */

static const struct kind kinds[] = {
    {"consent", consent_columns, sizeof consent_columns / sizeof *consent_columns, write_consents},
    {"profile", profile_columns, FIXED, write_profile},
    {"suppressions", suppression_columns, sizeof suppression_columns / sizeof *suppression_columns,
	write_suppressions},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static bool read_record(struct export *export, const struct tact_store_key *key,
    const struct tact_record *record, struct tact_dossier *ret, struct tact_error *err)
{
	(void)key;
	tact_arena_reset(export->arena);
	return tact_dossier_decode(export->arena, record->bytes, record->size, ret, err) == TACT_OK;
}

static bool collect_occasions(
    void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct export *export = context;
	struct tact_dossier dossier;
	struct tact_error err;

	if (!read_record(export, key, record, &dossier, &err))
		return true; /* told when it is to be written */
	for (size_t i = 0; i < dossier.profile.occasions_count; i++) {
		const char *name = dossier.profile.occasions[i].name;

		if (find_occasion(export, name) == export->occasions_count)
			*TACT_PUSH(export->cli->arena, export->occasions, export->occasions_count) =
			    tact_arena_strdup(export->cli->arena, name);
	}
	return true;
}

static bool write_record(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct export *export = context;
	struct tact_dossier dossier;
	struct tact_error err;

	if (!read_record(export, key, record, &dossier, &err)) {
		export->unreadable++;
		cli_fail(EX_DATAERR, "record %s: %s", tact_id_format(export->arena, &key->id), err.text);
		return true;
	}
	export->kind->write(export, tact_id_format(export->arena, &key->id), &dossier);
	return !ferror(stdout);
}

/* ---- who has several keys ---- */

static bool collect_alias(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct export *export = context;

	(void)record;
	*TACT_PUSH(export->cli->arena, export->aliases, export->aliases_count) = key->id;
	return true;
}

static int write_alias(struct export *export, const struct tact_id *alias, struct tact_error *err)
{
	struct tact_recipient recipient;
	struct tact_dossier dossier;
	struct tact_id person;
	uint64_t version;
	const char *key;
	int result;

	tact_arena_reset(export->arena);
	key = tact_id_format(export->arena, alias);
	result = cli_recipient_of_key(export->arena, key, &recipient, err);
	if (result == TACT_OK)
		result = tact_decide_view(
		    export->cli->decider, export->arena, &recipient, &dossier, &person, &version, err);
	if (result != TACT_OK || tact_id_equal(&person, alias))
		return result; /* the alias has ended */
	dossier.address = "";  /* that of the person */
	export->kind->write(export, key, &dossier);
	return TACT_OK;
}

/* A wish stands with the person only; in another store, where nobody knows who that is, it must hold for each
 * of his addresses. */
static int write_aliases(struct export *export, struct tact_error *err)
{
	int result = tact_store_scan(export->cli->store, TACT_STORE_ALIAS, collect_alias, export, err);

	for (size_t i = 0; i < export->aliases_count && result == TACT_OK && !ferror(stdout); i++) {
		result = write_alias(export, &export->aliases[i], err);
		if (result != TACT_CORRUPT)
			continue;
		export->unreadable++;
		cli_fail(EX_DATAERR, "alias %s: %s", tact_id_format(export->arena, &export->aliases[i]),
		    err->text);
		result = TACT_OK;
	}
	return result;
}

static void name_columns(struct export *export)
{
	struct tact_arena *arena = export->cli->arena;

	for (size_t i = 0; i < export->kind->columns_count; i++)
		*TACT_PUSH(arena, export->columns, export->columns_count) = export->kind->columns[i];
	for (size_t i = 0; i < export->occasions_count; i++)
		*TACT_PUSH(arena, export->columns, export->columns_count) =
		    strcmp(export->occasions[i], "birthday") == 0
			? "birthday"
			: tact_arena_printf(arena, "occasion_%s", export->occasions[i]);
	if (export->addresses)
		*TACT_PUSH(arena, export->columns, export->columns_count) = "address";
}

static int scan(struct export *export)
{
	struct tact_store *store = export->cli->store;
	struct tact_error err = {""};
	int result = TACT_OK;

	if (export->kind->write == write_profile)
		result = tact_store_scan(store, TACT_STORE_DOSSIER, collect_occasions, export, &err);
	name_columns(export);
	if (result == TACT_OK && !export->cli->json)
		write_line(export, export->columns);
	if (result == TACT_OK)
		result = tact_store_scan(store, TACT_STORE_DOSSIER, write_record, export, &err);
	if (result == TACT_OK && export->kind->write == write_suppressions)
		result = write_aliases(export, &err);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	return export->unreadable > 0 ? EX_DATAERR : EX_OK;
}

static int choose_kind(struct export *export)
{
	size_t chosen = 0;

	export->kind = &kinds[KINDS - 1];
	for (size_t i = 0; i < KINDS; i++)
		if (cli_has(export->cli, kinds[i].option)) {
			export->kind = &kinds[i];
			chosen++;
		}
	return chosen <= 1
		   ? EX_OK
		   : cli_fail(EX_USAGE,
			 "--suppressions, --consent and --profile exclude each other: each has columns of "
			 "its own");
}

static int run(struct cli *cli)
{
	struct export export = {.cli = cli};
	int code = choose_kind(&export);

	if (code == EX_OK)
		code = cli_open(cli, CLI_READ);
	if (code != EX_OK)
		return code;
	export.arena = tact_arena_new();
	export.addresses = cli->config->rules.keep_addresses;
	code = scan(&export);
	tact_arena_free(&export.arena);
	return code;
}

const struct cli_verb cli_export = {
    "export", "", "Write suppressions, consents or profiles as CSV to standard output.", options, run};
