/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact store init, tact store upgrade, tact store stats: a store before anybody works with it, and how large
 * it has become. No key is needed.
 */
#include <config.h>

#include <string.h>

#include "private.h"

static const struct cli_option no_options[] = {{NULL, NULL, NULL, false}};

static const struct {
	enum tact_store_kind kind;
	const char *name;
} kinds[] = {{TACT_STORE_DOSSIER, "dossiers"}, {TACT_STORE_CAMPAIGN, "campaigns"},
    {TACT_STORE_REVIEW, "reviews"}, {TACT_STORE_ALIAS, "aliases"}};

#define KINDS (sizeof kinds / sizeof *kinds)

/* The operand, or the store of the configuration. */
static int find_url(struct cli *cli, const char **ret)
{
	int code = cli_need_operands(cli, 0, 1);

	if (code == EX_OK)
		code = cli_open_config(cli);
	if (code == EX_OK)
		*ret = cli->operands_count > 0 ? cli->operands[0] : cli->config->store;
	return code == EX_OK ? cli_become_user(cli) : code;
}

/* ---- init, upgrade ---- */

static int say_done(struct cli *cli, const char *what, const char *url)
{
	if (cli->json) {
		struct cli_json *object = cli_json_object();
		cli_json_put_text(object, "store", url);
		cli_json_put_text(object, "done", what);
		cli_json_print(object);
	} else {
		printf("%s: %s\n", what, url);
	}
	return EX_OK;
}

static int run_init(struct cli *cli)
{
	struct tact_error err = {""};
	const char *url;
	int code = find_url(cli, &url), result;

	if (code != EX_OK)
		return code;
	result = tact_store_create(url, &err);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	return say_done(cli, "ready", url);
}

static int run_upgrade(struct cli *cli)
{
	struct tact_store *store = NULL;
	struct tact_error err = {""};
	const char *url;
	int code = find_url(cli, &url), result;

	if (code != EX_OK)
		return code;
	result = tact_store_create(url, &err);
	if (result == TACT_OK)
		result = tact_store_open(url, &store, &err);
	tact_store_close(&store);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	return say_done(cli, "upgraded", url);
}

/* ---- stats ---- */

static uint64_t sum_of(const uint64_t figures[5])
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KINDS; i++)
		sum += figures[kinds[i].kind];
	return sum;
}

static void print_stats(const char *url, const struct tact_store_figures *figures)
{
	uint64_t records = sum_of(figures->records);

	printf("store: %s\n", url);
	for (size_t i = 0; i < KINDS; i++)
		printf("%s: %llu, emptied %llu\n", kinds[i].name,
		    (unsigned long long)figures->records[kinds[i].kind],
		    (unsigned long long)figures->emptied[kinds[i].kind]);
	printf("waiting to be woken: %llu\n", (unsigned long long)figures->waking);
	printf("bytes: %llu, a record: %llu\n", (unsigned long long)figures->size_bytes,
	    (unsigned long long)(records > 0 ? figures->size_bytes / records : 0));
	printf("damaged: %llu\n", (unsigned long long)figures->corrupt);
}

static void put_stats(const char *url, const struct tact_store_figures *figures)
{
	struct cli_json *object = cli_json_object(), *records, *emptied;

	cli_json_put_text(object, "store", url);
	records = cli_json_put_object(object, "records");
	emptied = cli_json_put_object(object, "emptied");
	for (size_t i = 0; i < KINDS; i++) {
		cli_json_put_integer(records, kinds[i].name, (int64_t)figures->records[kinds[i].kind]);
		cli_json_put_integer(emptied, kinds[i].name, (int64_t)figures->emptied[kinds[i].kind]);
	}
	cli_json_put_integer(object, "waking", (int64_t)figures->waking);
	cli_json_put_integer(object, "size_bytes", (int64_t)figures->size_bytes);
	cli_json_put_integer(object, "damaged", (int64_t)figures->corrupt);
	cli_json_print(object);
}

static int run_stats(struct cli *cli)
{
	struct tact_store_figures figures;
	struct tact_error err = {""};
	const char *url;
	int code = find_url(cli, &url), result;

	if (code != EX_OK)
		return code;
	result = tact_store_open(url, &cli->store, &err);
	if (result == TACT_OK)
		result = tact_store_check(cli->store, &figures, NULL, NULL, &err);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	if (cli->json)
		put_stats(url, &figures);
	else
		print_stats(url, &figures);
	return EX_OK;
}

const struct cli_verb cli_store_init = {"store init", "[URL]",
    "Make a store ready to be used: a database gets its schema.", no_options, run_init};
const struct cli_verb cli_store_upgrade = {"store upgrade", "[URL]",
    "Bring a store to what this program needs, while others work with it.", no_options, run_upgrade};
const struct cli_verb cli_store_stats = {
    "store stats", "[URL]", "Count what is in a store, and its bytes.", no_options, run_stats};
