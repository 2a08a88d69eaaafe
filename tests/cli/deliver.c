/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * deliver CONFIG SENDER RECIPIENT... < MESSAGE decides and records a message as tactd would, and prints a
 * fate a recipient; deliver CONFIG damage KEY writes a record under that key that is no dossier. For tests of
 * verbs that show what only mail brings about.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include <tact/config.h>
#include <tact/decide.h>

struct holdings {
	struct tact_arena *arena;
	struct tact_config *config;
	struct tact_keyring *keyring;
	struct tact_store *store;
	struct tact_audit *audit;
	struct tact_identity identity;
};

static int open_all(struct holdings *h, const char *path, struct tact_error *err)
{
	struct tact_config_mistakes mistakes = {.arena = h->arena};
	int result = tact_config_load(path, NULL, &h->config, &mistakes);

	if (result != TACT_OK)
		return tact_error_set(err, result, "%s", mistakes.texts[0]);
	result = tact_facts_load_keyring(h->config->key_file, &h->keyring, err);
	if (result == TACT_OK)
		result = tact_store_open(h->config->store, &h->store, err);
	if (result == TACT_OK)
		result = tact_decide_open_identity(
		    h->store, h->keyring, &h->config->profile, TACT_OPEN_CHANGE, h->arena, &h->identity, err);
	if (result == TACT_OK)
		result = tact_audit_open(h->config->audit, h->config->host, &h->audit, NULL, err);
	return result;
}

static void close_all(struct holdings *h)
{
	tact_audit_close(&h->audit);
	tact_store_close(&h->store);
	tact_facts_free_keyring(&h->keyring);
	tact_config_free(&h->config);
	tact_arena_free(&h->arena);
}

static bool write_garbage(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	(void)context;
	(void)index;
	(void)now;
	(void)store_now_us;
	*ret = (struct tact_store_put){.bytes = "\xff\xff\xff\xff", .size = 4};
	return true;
}

static int damage(struct holdings *h, enum tact_store_kind kind, const char *text, struct tact_error *err)
{
	struct tact_store_key key = {.kind = kind};
	struct tact_store_answer answer;

	if (tact_id_parse(text, &key.id) != TACT_OK)
		return tact_error_set(err, TACT_INVALID, "%s is no key", text);
	return tact_store_update(h->store, &key, 1, write_garbage, NULL, &answer, 0);
}

static int deliver(struct holdings *h, int count, char **addresses, struct tact_error *err)
{
	static char data[1 << 20];
	static const char *const fates[] = {"pass", "gate", "review", "refuse", "undecided"};
	size_t length = fread(data, 1, sizeof data, stdin), body, recipients = (size_t)count - 1;
	struct tact_envelope envelope = {.listener = "smtp", .smtp = true, .sender = addresses[0]};
	struct tact_asked *asked = tact_arena_alloc(h->arena, recipients * sizeof *asked);
	struct tact_ruling *rulings = tact_arena_alloc(h->arena, recipients * sizeof *rulings);
	struct tact_decide_request request = {
	    .asked = asked, .asked_count = recipients, .now_us = tact_clock_now_us()};
	struct tact_message *message;
	struct tact_body content;
	struct tact_decider *decider;
	int result = tact_facts_read_message(
	    h->arena, &envelope, data, length, &h->config->profile, &message, &body, err);

	if (result != TACT_OK)
		return result;
	request.message = message;
	content = (struct tact_body){.bytes = data + body, .size_bytes = length - body, .whole = true};
	request.body = &content;
	request.excerpt = tact_arena_strndup(h->arena, data + body, length - body);
	for (size_t i = 0; i < recipients; i++)
		asked[i].given = addresses[i + 1];
	decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = h->store, .audit = h->audit, .identity = &h->identity, .host = h->config->host});
	tact_decider_set_rules(decider, &h->config->rules, NULL, NULL);
	tact_decide_message(decider, h->arena, &request, rulings, err);
	for (size_t i = 0; i < recipients; i++)
		printf("%s\n", fates[rulings[i].fate]);
	(void)tact_decide_tend_campaigns(decider, request.now_us, NULL, NULL, NULL);
	tact_decider_free(&decider);
	return TACT_OK;
}

int main(int argc, char **argv)
{
	struct holdings h = {.arena = tact_arena_new()};
	struct tact_error err = {""};
	int result = TACT_INVALID;

	if (argc >= 4)
		result = open_all(&h, argv[1], &err);
	if (result == TACT_OK && strcmp(argv[2], "damage") == 0)
		result = damage(&h, TACT_STORE_DOSSIER, argv[3], &err);
	else if (result == TACT_OK && strcmp(argv[2], "damage-alias") == 0)
		result = damage(&h, TACT_STORE_ALIAS, argv[3], &err);
	else if (result == TACT_OK)
		result = deliver(&h, argc - 2, argv + 2, &err);
	if (result != TACT_OK)
		fprintf(stderr, "deliver: %s\n", err.text);
	close_all(&h);
	return result != TACT_OK;
}
