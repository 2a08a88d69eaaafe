/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact store check, tact store sweep, tact store adopt: the store itself, not what stands in it.
 */
#include <config.h>

#include <string.h>

#include "private.h"

static const struct cli_option check_options[] = {{NULL, NULL, NULL, false}};
static const struct cli_option adopt_options[] = {
    {"yes", NULL, "do it; without it nothing is done", false}, {NULL, NULL, NULL, false}};

static const struct {
	enum tact_store_kind kind;
	const char *name;
} kinds[] = {{TACT_STORE_DOSSIER, "dossiers"}, {TACT_STORE_CAMPAIGN, "campaigns"},
    {TACT_STORE_REVIEW, "reviews"}, {TACT_STORE_ALIAS, "aliases"}};

#define KINDS (sizeof kinds / sizeof *kinds)

/* ---- check ---- */

struct damage {
	enum tact_store_kind kind;
	const char *id, *why;
};

/* An alias that is to be made, or ended, again. */
struct unfinished {
	const char *alias, *person, *why;
};

struct checking {
	struct cli *cli;
	struct tact_arena *arena; /* of one record */
	struct damage *damaged;
	size_t count;
	struct unfinished *unfinished;
	size_t unfinished_count;
};

const char *cli_store_kind(enum tact_store_kind kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "unknown";
}

static void report(void *context, const struct tact_store_key *key, const char *why)
{
	struct checking *checking = context;

	*TACT_PUSH(checking->cli->arena, checking->damaged, checking->count) = (struct damage){
	    .kind = key->kind,
	    .id = tact_id_format(checking->cli->arena, &key->id),
	    .why = tact_arena_strdup(checking->cli->arena, why),
	};
}

/* The store vouches for the bytes; whether they still are a dossier is another question. */
static bool decode_one(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct checking *checking = context;
	struct tact_dossier dossier;
	struct tact_review review;
	struct tact_error err = {""};
	int result;

	tact_arena_reset(checking->arena);
	if (record->size == 0)
		return true;
	result = key->kind == TACT_STORE_REVIEW
		     ? tact_dossier_decode_review(checking->arena, record->bytes, record->size, &review, &err)
		     : tact_dossier_decode(checking->arena, record->bytes, record->size, &dossier, &err);
	if (result != TACT_OK)
		report(checking, key, err.text);
	return true;
}

static void take_fault(
    void *context, const struct tact_id *alias, const struct tact_id *person, const char *why)
{
	struct checking *checking = context;
	struct tact_store_key key = {.kind = TACT_STORE_ALIAS, .id = *alias};

	if (person == NULL)
		report(checking, &key, why);
	else
		*TACT_PUSH(checking->cli->arena, checking->unfinished, checking->unfinished_count) =
		    (struct unfinished){.alias = tact_id_format(checking->cli->arena, alias),
			.person = tact_id_format(checking->cli->arena, person),
			.why = why};
}

static int check_records(struct checking *checking, struct tact_store_figures *ret, struct tact_error *err)
{
	struct tact_store *store = checking->cli->store;
	int result = tact_store_check(store, ret, report, checking, err);

	if (result == TACT_OK || result == TACT_CORRUPT)
		result = tact_store_scan(store, TACT_STORE_DOSSIER, decode_one, checking, err);
	if (result == TACT_OK || result == TACT_CORRUPT)
		result = tact_store_scan(store, TACT_STORE_REVIEW, decode_one, checking, err);
	if (result == TACT_OK || result == TACT_CORRUPT)
		result = tact_decide_check_aliases(checking->cli->decider, take_fault, checking, err);
	return result == TACT_CORRUPT ? TACT_OK : result; /* each was reported */
}

static const char *fingerprint(struct cli *cli)
{
	struct tact_id id = tact_facts_keyring_fingerprint(cli->keyring, 0);

	return tact_id_format(cli->arena, &id);
}

static void print_faults(const struct checking *checking)
{
	for (size_t i = 0; i < checking->count; i++)
		printf("damaged: %s %s: %s\n", cli_store_kind(checking->damaged[i].kind),
		    checking->damaged[i].id, checking->damaged[i].why);
	for (size_t i = 0; i < checking->unfinished_count; i++)
		printf("unfinished: alias %s %s; to mend it: tact alias %s %s (or tact alias --end %s)\n",
		    checking->unfinished[i].alias, checking->unfinished[i].why,
		    checking->unfinished[i].person, checking->unfinished[i].alias,
		    checking->unfinished[i].alias);
}

static void print_figures(const struct checking *checking, const struct tact_store_figures *figures)
{
	struct cli *cli = checking->cli;

	print_faults(checking);
	printf("store: %s\nkey: %s\n", cli->config->store, fingerprint(cli));
	for (size_t i = 0; i < cli->identity.profiles_count; i++)
		printf("canonical%s: %s\n", i == 0 ? "" : " (earlier)",
		    tact_facts_format_profile(cli->arena, &cli->identity.profiles[i]));
	for (size_t i = 0; i < KINDS; i++)
		printf("%s: %llu, emptied %llu\n", kinds[i].name,
		    (unsigned long long)figures->records[kinds[i].kind],
		    (unsigned long long)figures->emptied[kinds[i].kind]);
	printf("waiting to be woken: %llu\n", (unsigned long long)figures->waking);
	printf("bytes: %llu", (unsigned long long)figures->size_bytes);
	if (figures->limit_bytes > 0)
		printf(" of %llu", (unsigned long long)figures->limit_bytes);
	printf("\n");
	printf("damaged: %zu\n", checking->count);
	printf("unfinished: %zu\n", checking->unfinished_count);
}

static void put_damaged(const struct checking *checking, struct cli_json *object)
{
	struct cli_json *list = cli_json_put_list(object, "damaged");

	for (size_t i = 0; i < checking->count; i++) {
		struct cli_json *one = cli_json_put_object(list, NULL);
		cli_json_put_text(one, "kind", cli_store_kind(checking->damaged[i].kind));
		cli_json_put_text(one, "key", checking->damaged[i].id);
		cli_json_put_text(one, "why", checking->damaged[i].why);
	}
}

static void put_unfinished(const struct checking *checking, struct cli_json *object)
{
	struct cli_json *list = cli_json_put_list(object, "unfinished");

	for (size_t i = 0; i < checking->unfinished_count; i++) {
		struct cli_json *one = cli_json_put_object(list, NULL);
		cli_json_put_text(one, "key", checking->unfinished[i].alias);
		cli_json_put_text(one, "stands_for", checking->unfinished[i].person);
		cli_json_put_text(one, "why", checking->unfinished[i].why);
	}
}

static void put_figures(const struct checking *checking, const struct tact_store_figures *figures)
{
	struct cli *cli = checking->cli;
	struct cli_json *object = cli_json_object(), *profiles, *records, *emptied;

	cli_json_put_text(object, "store", cli->config->store);
	cli_json_put_text(object, "key", fingerprint(cli));
	profiles = cli_json_put_list(object, "canonical");
	for (size_t i = 0; i < cli->identity.profiles_count; i++)
		cli_json_put_text(
		    profiles, NULL, tact_facts_format_profile(cli->arena, &cli->identity.profiles[i]));
	records = cli_json_put_object(object, "records");
	emptied = cli_json_put_object(object, "emptied");
	for (size_t i = 0; i < KINDS; i++) {
		cli_json_put_integer(records, kinds[i].name, (int64_t)figures->records[kinds[i].kind]);
		cli_json_put_integer(emptied, kinds[i].name, (int64_t)figures->emptied[kinds[i].kind]);
	}
	cli_json_put_integer(object, "waking", (int64_t)figures->waking);
	cli_json_put_integer(object, "size_bytes", (int64_t)figures->size_bytes);
	cli_json_put_integer(object, "limit_bytes", (int64_t)figures->limit_bytes);
	put_damaged(checking, object);
	put_unfinished(checking, object);
	cli_json_print(object);
}

static int run_check(struct cli *cli)
{
	struct checking checking = {.cli = cli};
	struct tact_store_figures figures;
	struct tact_error err = {""};
	int code = cli_open(cli, CLI_READ), result;

	if (code != EX_OK)
		return code;
	checking.arena = tact_arena_new();
	result = check_records(&checking, &figures, &err);
	tact_arena_free(&checking.arena);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	if (cli->json)
		put_figures(&checking, &figures);
	else
		print_figures(&checking, &figures);
	return checking.count + checking.unfinished_count > 0 ? EX_DATAERR : EX_OK;
}

/* ---- adopt ---- */

static int run_adopt(struct cli *cli)
{
	struct tact_error err = {""};
	int code, result;

	if (!cli_has(cli, "yes"))
		return cli_fail(EX_USAGE,
		    "store adopt goes over to the first secret of the key file and to the canonical "
		    "options of the configuration; stop tactd on every relay and say --yes");
	code = cli_open(cli, CLI_KEY);
	if (code == EX_OK)
		code = cli_become_user(cli);
	if (code != EX_OK)
		return code;
	result = cli_open_store(cli, TACT_OPEN_ADOPT, &err);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	if (cli->json) {
		struct cli_json *object = cli_json_object();
		cli_json_put_text(object, "key", fingerprint(cli));
		cli_json_put_text(
		    object, "canonical", tact_facts_format_profile(cli->arena, &cli->identity.profiles[0]));
		cli_json_print(object);
	} else {
		printf("the store is now under key %s and canonical options %s\n", fingerprint(cli),
		    tact_facts_format_profile(cli->arena, &cli->identity.profiles[0]));
	}
	return EX_OK;
}

/* ---- sweep ---- */

static int run_sweep(struct cli *cli)
{
	struct tact_swept swept;
	struct tact_error err = {""};
	int code = cli_open(cli, CLI_CHANGE), result;

	if (code != EX_OK)
		return code;
	result = tact_decide_sweep(cli->decider, cli->now_us, NULL, NULL, NULL, &swept, &err);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	if (cli->json) {
		struct cli_json *object = cli_json_object();
		cli_json_put_integer(object, "records", (int64_t)swept.records);
		cli_json_put_integer(object, "trimmed", (int64_t)swept.trimmed);
		cli_json_put_integer(object, "removed", (int64_t)swept.removed);
		cli_json_print(object);
	} else {
		printf("%llu records read, %llu trimmed, %llu emptied ones removed\n",
		    (unsigned long long)swept.records, (unsigned long long)swept.trimmed,
		    (unsigned long long)swept.removed);
	}
	return EX_OK;
}

const struct cli_verb cli_store_check = {
    "store check", "", "Read every record, list the damaged ones, print figures.", check_options, run_check};
const struct cli_verb cli_store_adopt = {
    "store adopt", "", "Go over to a new secret or other canonical options.", adopt_options, run_adopt};
const struct cli_verb cli_store_sweep = {"store sweep", "",
    "Trim what is older than the history; tactd does so each night.", check_options, run_sweep};
