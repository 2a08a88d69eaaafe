/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Fuzz target: any bytes as a message, read, matched and named.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <tact/facts.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static const char *const domains[] = {"example.com"};
static const char *const listeners[] = {"main"};

static const struct tact_canonical_profile profile = {.fold_local_case = true};
static const struct tact_envelope envelope = {
    .listener = "main", .smtp = true, .client_ip = "192.0.2.7", .sender = "a@example.com"};
static const struct tact_stream streams[] = {
    {.name = "personal",
	.purpose = TACT_PERSONAL,
	.from_domains = domains,
	.from_domains_count = 1,
	.offer_header = "X-Offer"},
    {.name = "rest",
	.purpose = TACT_PROMOTIONAL,
	.listeners = listeners,
	.listeners_count = 1,
	.campaign_header = "X-Campaign-Name"},
};
static const struct tact_stream_set set = {.streams = streams,
    .streams_count = 2,
    .strictest = &streams[1],
    .trusted_listeners = listeners,
    .trusted_listeners_count = 1};

/* The rules that no input may break. */
static void check(struct tact_arena *arena, const struct tact_message *message)
{
	const struct tact_id key = {{1}};
	struct tact_match match;
	struct tact_facts facts;
	tact_facts_match_stream(&set, message, true, &match);
	tact_facts_gather(arena, &set, message, &match, &facts);
	struct tact_id id = tact_facts_contact_id(message, &key);
	if (tact_id_is_none(&id) || (message->ambiguous == NULL && message->from == NULL) ||
	    (message->ambiguous != NULL && (!match.strictest || message->automatic)) ||
	    strlen(facts.campaign) > 255 || strlen(facts.offer) > 255 || strlen(facts.list) > 255)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct tact_arena *arena = tact_arena_new();
	const char *text = tact_arena_copy(arena, data, size_bytes);
	struct tact_message *message;
	struct tact_error err;
	size_t body;
	if (tact_facts_read_message(arena, &envelope, text, size_bytes, &profile, &message, &body, &err) ==
	    TACT_OK) {
		if (body > size_bytes)
			abort();
		check(arena, message);
	}
	tact_arena_free(&arena);
	return 0;
}
