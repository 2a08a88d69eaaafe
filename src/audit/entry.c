/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * An entry as JSON, version 1: the fields and their order are DESIGN §7's and stay so, since signed history
 * cannot be rewritten. Does no input or output.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "private.h"

#define SEQ_MAX_DIGITS 20
#define PSEUDONYM_MAX 128
/* A long configuration is told in several entries, so that none of it is cut. */
#define CONFIGURATION_MAX 24000

/* What gives way when an entry grows too long, the least missed first. With the last row nothing can exceed
 * the entry's room: 22 strings × 512 + 2 lists × 8,000 + 7 sealed × 1,000 × 4/3 + configuration 24,000 (or
 * wishes, 20,000 × 4/3, which no policy entry has) and names. */
static const struct room {
	size_t clear, sealed, list;
} rooms[] = {
    {AUDIT_ENTRY_MAX_BYTES, 16000, AUDIT_ENTRY_MAX_BYTES},
    {AUDIT_ENTRY_MAX_BYTES, 1000, AUDIT_ENTRY_MAX_BYTES},
    {AUDIT_ENTRY_MAX_BYTES, 1000, 24000},
    {512, 1000, 8000},
};

struct encoding {
	struct audit_writer *w;
	struct tact_arena *arena;
	const char *host, *salt, *pseudonym, *configuration;
	const struct tact_audit_entry *entry;
	int64_t now_us;
	bool more, shortened;
};

static void put_numbers(struct encoding *e, const struct tact_audit_numbers *numbers)
{
	struct audit_writer *w = e->w;

	if (!numbers->present)
		return;
	audit_put_name(w, "numbers");
	audit_put(w, "{", 1);
	audit_put_milli(w, "count", numbers->count_milli);
	audit_put_milli(w, "at_most", numbers->at_most_milli);
	audit_put_string(w, "window", numbers->window);
	audit_put_time(w, e->arena, "frees_at", numbers->frees_at_us);
	audit_put(w, "}", 1);
}

static void put_rule(struct encoding *e, size_t i)
{
	const struct tact_audit_rule *rule = &e->entry->rules[i];
	struct audit_writer *w = e->w;

	audit_put_string(w, "name", rule->name);
	audit_put_string(w, "kind", rule->kind);
	audit_put_string(w, "verdict", rule->verdict);
	audit_put_time(w, e->arena, "until", rule->until_us);
	audit_put_string(w, "mode", rule->mode);
	put_numbers(e, &rule->numbers);
}

static void put_weighed(struct encoding *e, size_t i)
{
	const struct tact_audit_weighed *weighed = &e->entry->weighed[i];

	audit_put_string(e->w, "id", weighed->id);
	audit_put_string(e->w, "scope", weighed->scope);
	audit_put_string(e->w, "reason", weighed->reason);
	audit_put_time(e->w, e->arena, "time", weighed->time_us);
}

/* Items beyond ROOM bytes are dropped whole. */
static void put_list(struct encoding *e, const char *name, size_t count, size_t room,
    void (*put_item)(struct encoding *e, size_t i))
{
	struct audit_writer *w = e->w;
	size_t start = w->length;

	if (count == 0)
		return;
	audit_put_name(w, name);
	audit_put(w, "[", 1);
	for (size_t i = 0; i < count; i++) {
		size_t before = w->length;

		audit_put_name(w, NULL);
		audit_put(w, "{", 1);
		put_item(e, i);
		audit_put(w, "}", 1);
		if (w->length - start > room) {
			w->length = before;
			w->cut = true;
			break;
		}
	}
	audit_put(w, "]", 1);
}

/* v … seq: the same in every version to come, because open and scan look for seq there. */
static size_t put_head(struct encoding *e)
{
	struct audit_writer *w = e->w;

	audit_put(w, "{\"v\":1", 6);
	audit_put_string(w, "kind", tact_audit_kind_name(e->entry->kind));
	audit_put_string(w, "host", e->host);
	audit_put_name(w, "seq");
	return w->length;
}

static void put_identity(struct encoding *e)
{
	const struct tact_audit_entry *entry = e->entry;
	struct audit_writer *w = e->w;

	audit_put_integer(w, "time_us", e->now_us);
	audit_put_string(w, "salt", e->salt);
	audit_put_string(w, "pseudonym", e->pseudonym);
	audit_put_string(w, "phase", entry->phase);
	audit_put_string(w, "decision", entry->decision);
	audit_put_string(w, "previous", entry->previous);
	if (entry->version_seen != 0)
		audit_put_integer(w, "version_seen", (int64_t)entry->version_seen);
	if (entry->version_written != 0)
		audit_put_integer(w, "version_written", (int64_t)entry->version_written);
	audit_put_string(w, "policy", entry->policy);
}

static void put_configuration(struct encoding *e)
{
	struct audit_writer *w = e->w;
	size_t usual = w->string_max;

	w->string_max = CONFIGURATION_MAX;
	audit_put_string(w, "configuration", e->configuration);
	w->string_max = usual;
	if (e->more) {
		audit_put_name(w, "more");
		audit_put(w, "true", 4);
	}
}

static void put_verdict(struct encoding *e)
{
	const struct tact_audit_entry *entry = e->entry;
	struct audit_writer *w = e->w;

	audit_put_string(w, "software", entry->software);
	audit_put_string(w, "mode", entry->mode);
	audit_put_string(w, "verdict", entry->verdict);
	audit_put_string(w, "action", entry->action);
	audit_put_string(w, "code", entry->code);
	audit_put_time(w, e->arena, "until", entry->until_us);
	audit_put_time(w, e->arena, "not_after", entry->not_after_us);
	audit_put_string(w, "stream", entry->stream);
	audit_put_string(w, "purpose", entry->purpose);
	audit_put_string(w, "owner", entry->owner);
	audit_put_string(w, "brand", entry->brand);
	audit_put_string(w, "campaign", entry->campaign);
	if (entry->has_priority)
		audit_put_integer(w, "priority", entry->priority);
	audit_put_string(w, "queue_id", entry->queue_id);
	audit_put_string(w, "reinjected_id", entry->reinjected_id);
}

static void put_sealed(struct encoding *e, size_t string_max)
{
	char *sealed = audit_seal(e->arena, e->host, e->salt, e->pseudonym, e->entry, string_max, &e->w->cut);
	size_t usual = e->w->string_max;

	e->w->string_max = SIZE_MAX; /* a cut seal opens for nobody; its inside is what was cut */
	audit_put_string(e->w, "sealed", sealed);
	e->w->string_max = usual;
}

/* It opens whole or not at all. */
static void put_recover(struct encoding *e)
{
	size_t usual = e->w->string_max;

	e->w->string_max = SIZE_MAX;
	audit_put_string(e->w, "recover", e->entry->recover);
	e->w->string_max = usual;
}

static void encode_within(struct encoding *e, const struct room *room, struct audit_encoded *ret)
{
	struct audit_writer *w = e->w;

	w->length = ret->start;
	w->string_max = room->clear;
	w->cut = e->shortened;
	ret->seq_at = put_head(e);
	put_identity(e);
	put_configuration(e);
	put_verdict(e);
	put_list(e, "rules", e->entry->rules_count, room->list, put_rule);
	put_list(e, "weighed", e->entry->weighed_count, room->list, put_weighed);
	put_recover(e);
	put_sealed(e, room->sealed);
	if (w->cut) {
		audit_put_name(w, "cut");
		audit_put(w, "true", 4);
	}
	audit_put(w, "}", 1);
	ret->end = w->length;
}

/* TEXT, no longer than MAX as JSON, such that JSON gives back exactly these bytes. */
static const char *clean_copy(struct tact_arena *arena, const char *text, size_t max, size_t *ret_covered)
{
	size_t length, all = text != NULL ? strlen(text) : 0;
	char *copy;

	if (text == NULL)
		return NULL;
	copy = tact_arena_alloc(arena, 3 * (all < max ? all : max) + 1);
	*ret_covered = audit_clean(text, max, copy, &length);
	return copy;
}

size_t audit_encode(struct audit_writer *w, struct tact_arena *arena, const char *host,
    const struct tact_audit_entry *entry, int64_t now_us, const uint8_t salt[AUDIT_SALT_BYTES],
    struct audit_encoded *ret)
{
	size_t told = 0, named = 0, count = sizeof rooms / sizeof rooms[0];
	struct encoding e = {
	    .w = w,
	    .arena = arena,
	    .host = host,
	    .salt = tact_hex_encode(arena, salt, AUDIT_SALT_BYTES),
	    .pseudonym = clean_copy(arena, entry->pseudonym, PSEUDONYM_MAX, &named),
	    .configuration = clean_copy(arena, entry->policy_text, CONFIGURATION_MAX, &told),
	    .entry = entry,
	    .now_us = now_us,
	};

	e.shortened = entry->pseudonym != NULL && entry->pseudonym[named] != '\0';
	e.more = entry->policy_text != NULL && entry->policy_text[told] != '\0';
	ret->start = w->length;
	for (size_t i = 0; i < count; i++) {
		encode_within(&e, &rooms[i], ret);
		if (ret->end - ret->start + SEQ_MAX_DIGITS <= AUDIT_ENTRY_MAX_BYTES)
			break;
	}
	return told;
}
