/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * See decide_help.h.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decide_help.h"

struct bench b;

const char *bench_below(const char *name)
{
	return tact_arena_printf(b.arena, "%s/%s", b.dir, name);
}

void bench_use_audit(struct tact_audit *audit)
{
	tact_decider_free(&b.decider);
	b.decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = b.store, .audit = audit, .identity = &b.identity, .host = "relay"});
	tact_decider_set_rules(b.decider, &b.config->rules, NULL, NULL);
}

void bench_open(const char *url, const char *configuration)
{
	struct tact_error err = {""};
	struct tact_config_mistakes mistakes;

	memset(&b, 0, sizeof b);
	snprintf(b.dir, sizeof b.dir, "/tmp/tact-bench-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(b.dir));
	b.arena = tact_arena_new();
	mistakes = (struct tact_config_mistakes){.arena = b.arena};
	ck_assert_msg(tact_config_load("test.conf", configuration, &b.config, &mistakes) == TACT_OK,
	    "configuration: got %s", mistakes.count > 0 ? mistakes.texts[0] : "?");
	ck_assert_int_eq(tact_facts_create_key_file(bench_below("key"), false, &err), TACT_OK);
	ck_assert_int_eq(tact_facts_load_keyring(bench_below("key"), &b.keyring, &err), TACT_OK);
	if (url == NULL)
		url = tact_arena_printf(b.arena, "lmdb:%s?map_size=16M", bench_below("db"));
	ck_assert_msg(tact_store_open(url, &b.store, &err) == TACT_OK, "store: got %s", err.text);
	ck_assert_msg(tact_decide_open_identity(b.store, b.keyring, &b.config->profile, TACT_OPEN_CHANGE,
			  b.arena, &b.identity, &err) == TACT_OK,
	    "identity: got %s", err.text);
	ck_assert_msg(tact_audit_open(bench_below("audit"), "relay", &b.audit, NULL, &err) == TACT_OK,
	    "audit: got %s", err.text);
	bench_use_audit(b.audit);
}

void bench_close(void)
{
	const char *const files[] = {"key", "db/data.mdb", "db/lock.mdb", "db", "audit/relay/lock",
	    "audit/relay/entries/000000000000", "audit/relay/entries", "audit/relay", "audit", ""};
	char path[160];

	tact_decider_free(&b.decider);
	tact_audit_close(&b.audit);
	tact_store_close(&b.store);
	tact_facts_free_keyring(&b.keyring);
	tact_config_free(&b.config);
	tact_arena_free(&b.arena);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", b.dir, files[i]);
		(void)remove(path);
	}
}

struct tact_recipient bench_person(const char *address)
{
	struct tact_recipient recipient;

	ck_assert_int_eq(tact_facts_recipient(b.arena, &b.identity, address, &recipient, NULL), TACT_OK);
	return recipient;
}

struct tact_dossier bench_view(const char *address)
{
	struct tact_recipient recipient = bench_person(address);
	struct tact_dossier dossier;
	struct tact_id key;
	uint64_t version;

	ck_assert_int_eq(
	    tact_decide_view(b.decider, b.arena, &recipient, &dossier, &key, &version, NULL), TACT_OK);
	return dossier;
}
