/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Opens what tactd opens, from the same configuration file.
 */
#include <config.h>

#include <sysexits.h>

#include "bench.h"
#include "house.h"

void house_need(int result, const char *what, const struct tact_error *err)
{
	if (result == TACT_OK)
		return;
	fprintf(stderr, "%s: %s: %s\n", what, tact_result_name(result), err != NULL ? err->text : "");
	exit(EX_SOFTWARE);
}

static void load(const char *path, struct house *house)
{
	struct tact_config_mistakes mistakes = {.arena = house->arena};
	int result = tact_config_load(path, NULL, &house->config, &mistakes);

	for (size_t i = 0; i < mistakes.count; i++)
		fprintf(stderr, "%s\n", mistakes.texts[i]);
	if (result != TACT_OK)
		exit(EX_CONFIG);
}

void house_open(const char *config_path, bool with_audit, struct house *ret)
{
	struct tact_error err = {""};

	*ret = (struct house){.arena = tact_arena_new()};
	load(config_path, ret);
	house_need(tact_facts_load_keyring(ret->config->key_file, &ret->keyring, &err), "key_file", &err);
	house_need(tact_store_open(ret->config->store, &ret->store, &err), "store", &err);
	tact_store_go_first(ret->store); /* as tactd does */
	house_need(tact_decide_open_identity(ret->store, ret->keyring, &ret->config->profile,
		       TACT_OPEN_CHANGE, ret->arena, &ret->identity, &err),
	    "identity", &err);
	if (with_audit)
		house_need(tact_audit_open(ret->config->audit, ret->config->host, &ret->audit, NULL, &err),
		    "audit", &err);
}

void house_close(struct house *house)
{
	tact_audit_close(&house->audit);
	tact_store_close(&house->store);
	tact_facts_free_keyring(&house->keyring);
	tact_config_free(&house->config);
	tact_arena_free(&house->arena);
}

struct tact_id house_key(const struct house *house, struct tact_arena *arena, uint64_t number)
{
	struct tact_recipient recipient;
	struct tact_error err = {""};
	char address[64];

	snprintf(address, sizeof address, BENCH_ADDRESS, (unsigned long long)number);
	house_need(tact_facts_recipient(arena, &house->identity, address, &recipient, &err), address, &err);
	return recipient.key;
}
