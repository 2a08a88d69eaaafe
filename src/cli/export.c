/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact export: the suppressions in force, as CSV or JSON lines. Addresses only where they are kept.
 */
#include <config.h>

#include <csv.h>
#include <string.h>

#include "private.h"

static const struct cli_option options[] = {
    {"suppressions", NULL, "export suppressions (there is nothing else yet, and this is the default)", false},
    {NULL, NULL, NULL, false}};

static const char *const columns[] = {
    "key", "scope", "reason", "source", "created_at", "expires_at", "address"};

#define COLUMNS (sizeof columns / sizeof *columns)

struct export
{
	struct cli *cli;
	struct tact_arena *arena; /* of one record */
	bool addresses;		  /* the last column */
	size_t unreadable;
};

static void write_line(const struct export *export, const char *const *values)
{
	size_t count = export->addresses ? COLUMNS : COLUMNS - 1;

	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			putchar(',');
		csv_fwrite(stdout, values[i], strlen(values[i]));
	}
	putchar('\n');
}

static void write_json(const struct export *export, const char *const *values)
{
	struct cli_json *object = cli_json_object();

	for (size_t i = 0; i < COLUMNS; i++)
		if (i + 1 < COLUMNS || export->addresses)
			cli_json_put_text(object, columns[i], *values[i] != '\0' ? values[i] : NULL);
	cli_json_print(object);
}

static void write_one(struct export *export, const struct tact_id *key, const struct tact_dossier *dossier,
    const struct tact_suppression *one)
{
	const char *const values[COLUMNS] = {
	    tact_id_format(export->arena, key),
	    tact_dossier_format_scope(export->arena, &one->scope),
	    tact_dossier_reason_name(one->reason),
	    one->source,
	    cli_when(export->arena, one->time_us, ""),
	    cli_when(export->arena, one->until_us, ""),
	    dossier->address,
	};

	if (export->cli->json)
		write_json(export, values);
	else
		write_line(export, values);
}

static bool in_force(const struct tact_suppression *one, int64_t now_us)
{
	return one->ended_us == 0 && (one->until_us == 0 || one->until_us > now_us);
}

static bool write_record(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct export *export = context;
	struct tact_dossier dossier;
	struct tact_error err;

	tact_arena_reset(export->arena);
	if (tact_dossier_decode(export->arena, record->bytes, record->size, &dossier, &err) != TACT_OK) {
		export->unreadable++;
		cli_fail(EX_DATAERR, "record %s: %s", tact_id_format(export->arena, &key->id), err.text);
		return true;
	}
	for (size_t i = 0; i < dossier.suppressions_count; i++)
		if (in_force(&dossier.suppressions[i], export->cli->now_us))
			write_one(export, &key->id, &dossier, &dossier.suppressions[i]);
	return !ferror(stdout);
}

static int run(struct cli *cli)
{
	struct export export = {.cli = cli};
	struct tact_error err = {""};
	int code = cli_open(cli, CLI_READ), result;

	if (code != EX_OK)
		return code;
	export.arena = tact_arena_new();
	export.addresses = cli->config->rules.keep_addresses;
	if (!cli->json)
		write_line(&export, columns);
	result = tact_store_scan(cli->store, TACT_STORE_DOSSIER, write_record, &export, &err);
	tact_arena_free(&export.arena);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	return export.unreadable > 0 ? EX_DATAERR : EX_OK;
}

const struct cli_verb cli_export = {
    "export", "", "Write the suppressions in force as CSV to standard output.", options, run};
