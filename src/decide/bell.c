/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the bell needs to know: which claims of this relay are due, and how a record that nobody fetches moves
 * on. Ringing is the gate's.
 */
#include <config.h>

#include <string.h>

#include "private.h"

struct due_list {
	struct tact_arena *arena;
	struct tact_store_key *keys;
	int64_t *wakes_us;
	size_t keys_count, wakes_count;
	size_t page; /* stop at the first new instant after so many */
	bool more;
};

static bool note_due(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct due_list *list = context;

	if (list->keys_count >= list->page && list->wakes_us[list->wakes_count - 1] != record->wake_us) {
		list->more = true;
		return false;
	}
	*TACT_PUSH(list->arena, list->keys, list->keys_count) = *key;
	*TACT_PUSH(list->arena, list->wakes_us, list->wakes_count) = record->wake_us;
	return true;
}

struct bell_list {
	struct tact_decider *decider;
	struct tact_arena *arena;   /* of the answer */
	struct tact_arena *scratch; /* of the records it is made from */
	const struct tact_rule_set *rules;
	const struct tact_campaigns *campaigns;
	int64_t now_us;
	struct tact_bell_claim *claims;
	size_t count;
};

static bool is_on_a_ring(const struct tact_claim *claim)
{
	return (claim->state == TACT_CLAIM_WAITING || claim->state == TACT_CLAIM_PASSING) &&
	       claim->ring[0] != '\0';
}

static bool is_ours(const struct bell_list *list, const struct tact_claim *claim)
{
	return is_on_a_ring(claim) && tact_text_equal(claim->relay, list->decider->parts.host);
}

/* Without a place: now. */
static int64_t ring_us(int64_t place_us, int64_t now_us)
{
	return place_us == INT64_MAX || place_us == 0 ? now_us : place_us;
}

static bool is_others_due(
    const struct bell_list *list, const struct tact_dossier *dossier, const int64_t *places)
{
	for (size_t i = 0; i < dossier->claims_count; i++)
		if (is_on_a_ring(&dossier->claims[i]) && !is_ours(list, &dossier->claims[i]) &&
		    ring_us(places[i], list->now_us) <= list->now_us)
			return true;
	return false;
}

static void list_claims(
    struct bell_list *list, const struct tact_store_key *key, const struct tact_record *record)
{
	struct tact_dossier dossier;
	int64_t *places;
	bool shared;

	if (tact_dossier_decode(list->scratch, record->bytes, record->size, &dossier, NULL) != TACT_OK)
		return;
	places = tact_arena_alloc(list->scratch, (dossier.claims_count + 1) * sizeof *places);
	tact_policy_places(list->scratch, list->rules, list->campaigns, &dossier, list->now_us, places);
	shared = is_others_due(list, &dossier, places);
	for (size_t i = 0; i < dossier.claims_count; i++) {
		const struct tact_claim *claim = &dossier.claims[i];

		if (!is_ours(list, claim))
			continue;
		*TACT_PUSH(list->arena, list->claims, list->count) = (struct tact_bell_claim){
		    .claim = claim->id,
		    .key = *key,
		    .ring = tact_arena_strdup(list->arena, claim->ring),
		    .queue_id = tact_arena_strdup(list->arena, claim->queue_id),
		    .stream = tact_arena_strdup(list->arena, claim->facts.stream),
		    /* Without a place: rung now, so that the gate refuses it in time. */
		    .place_us = ring_us(places[i], list->now_us),
		    .made_us = claim->made_us,
		    .lapsed = places[i] == 0 && claim->state == TACT_CLAIM_WAITING,
		    .passing = claim->state == TACT_CLAIM_PASSING,
		    .shared = shared,
		};
	}
}

static void list_review(
    struct bell_list *list, const struct tact_store_key *key, const struct tact_record *record)
{
	struct tact_review review;

	if (tact_dossier_decode_review(list->scratch, record->bytes, record->size, &review, NULL) !=
		TACT_OK ||
	    review.done_us == 0 || !tact_text_equal(review.relay, list->decider->parts.host))
		return;
	for (size_t i = 0; i < review.rings_count; i++)
		*TACT_PUSH(list->arena, list->claims, list->count) = (struct tact_bell_claim){
		    .claim = review.id,
		    .key = *key,
		    .ring = tact_arena_strdup(list->arena, review.rings[i]),
		    .review = true,
		    .queue_id = "",
		    .stream = tact_arena_strdup(list->arena, review.stream),
		    .place_us = review.done_us,
		    .made_us = review.made_us,
		};
}

#define CHUNK 64 /* records read at a time */
#define READ_MS 5000
#define CAMPAIGNS_MS 1000 /* what is known of them otherwise will do */

static int read_chunk(
    struct bell_list *list, const struct tact_store_key *keys, size_t count, struct tact_error *err)
{
	struct tact_record records[CHUNK];
	struct tact_store_answer answers[CHUNK];
	int result = tact_store_read(list->decider->parts.store, keys, count, list->scratch, records, answers,
	    tact_clock_monotonic_ms() + READ_MS);

	if (result == TACT_UNAVAILABLE || result == TACT_UNCERTAIN) {
		tact_store_last_error(list->decider->parts.store, err);
		return result;
	}
	for (size_t i = 0; i < count; i++) {
		if (answers[i].result != TACT_OK || records[i].size == 0)
			continue;
		if (keys[i].kind == TACT_STORE_REVIEW)
			list_review(list, &keys[i], &records[i]);
		else if (keys[i].kind == TACT_STORE_DOSSIER)
			list_claims(list, &keys[i], &records[i]);
	}
	return TACT_OK;
}

/* Records are large and what the bell wants of them is small: they are let go chunk by chunk. */
static int read_due(struct bell_list *list, const struct due_list *due, struct tact_error *err)
{
	int result = TACT_OK;

	list->scratch = tact_arena_new();
	for (size_t at = 0; at < due->keys_count && result == TACT_OK; at += CHUNK) {
		size_t left = due->keys_count - at;

		result = read_chunk(list, due->keys + at, left < CHUNK ? left : CHUNK, err);
		tact_arena_reset(list->scratch);
	}
	tact_arena_free(&list->scratch);
	return result;
}

/* With DUE filled. */
static int list_due(
    struct tact_decider *decider, struct due_list *due, struct bell_list *list, struct tact_error *err)
{
	int result;

	list->rules = tact_decider_take_rules(decider);
	list->campaigns = campaigns_take(decider, tact_clock_monotonic_ms() + CAMPAIGNS_MS, NULL);
	result = read_due(list, due, err);
	tact_decider_put_campaigns(decider, list->campaigns);
	tact_decider_put_rules(decider, list->rules);
	return result;
}

static int end_page(struct tact_decider *decider, struct due_list *due, int64_t until_us, int64_t now_us,
    struct tact_bell_claim **ret, size_t *ret_count, int64_t *ret_next_us, struct tact_error *err)
{
	struct bell_list list = {.decider = decider, .arena = due->arena, .now_us = now_us};
	int result = list_due(decider, due, &list, err);

	if (result != TACT_OK)
		return result;
	*ret = list.claims;
	*ret_count = list.count;
	*ret_next_us = due->more ? due->wakes_us[due->wakes_count - 1] : until_us;
	return TACT_OK;
}

int tact_decide_due_page(struct tact_decider *decider, struct tact_arena *arena, int64_t after_us,
    int64_t until_us, size_t limit, int64_t now_us, struct tact_bell_claim **ret, size_t *ret_count,
    int64_t *ret_next_us, struct tact_error *err)
{
	struct due_list due = {.arena = arena, .page = limit};
	int result = tact_store_due(decider->parts.store, after_us, until_us, SIZE_MAX, note_due, &due, err);

	return result != TACT_OK
		   ? result
		   : end_page(decider, &due, until_us, now_us, ret, ret_count, ret_next_us, err);
}

int tact_decide_layout(struct tact_decider *decider, struct tact_store_layout *ret, struct tact_error *err)
{
	return tact_store_layout(decider->parts.store, ret, err);
}

int tact_decide_due_part(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_layout *layout, size_t part, int64_t after_us, int64_t until_us, size_t limit,
    int64_t now_us, struct tact_bell_claim **ret, size_t *ret_count, int64_t *ret_next_us,
    struct tact_error *err)
{
	struct due_list due = {.arena = arena, .page = limit};
	int result = tact_store_due_part(
	    decider->parts.store, layout, part, after_us, until_us, SIZE_MAX, note_due, &due, err);

	return result != TACT_OK
		   ? result
		   : end_page(decider, &due, until_us, now_us, ret, ret_count, ret_next_us, err);
}

/* ---- moving a record on ---- */

struct refresh {
	struct tact_decider *decider;
	struct tact_arena *arena;
	struct record_terms terms;
	const struct tact_id *withdraw;
	size_t withdraw_count;
	bool review;
	struct tact_audit_entry *entries;
	size_t entries_count;
	const struct tact_claim **gone;
	size_t gone_count;
	struct tact_id key;
};

static bool is_named(const struct refresh *refresh, const struct tact_id *claim)
{
	for (size_t i = 0; i < refresh->withdraw_count; i++)
		if (tact_id_equal(&refresh->withdraw[i], claim))
			return true;
	return false;
}

static void note_withdrawn(
    struct refresh *refresh, const struct tact_dossier *dossier, const struct tact_claim *claim, bool lapsed)
{
	struct tact_audit_entry *entry = TACT_PUSH(refresh->arena, refresh->entries, refresh->entries_count);

	evidence_common(refresh->terms.rules, TACT_AUDIT_OUTCOME, "bell", entry);
	entry->action = lapsed ? "lapsed" : "withdrawn";
	entry->previous = tact_id_format(refresh->arena, &claim->decision);
	if (dossier->has_person_key)
		evidence_person(refresh->arena, dossier->person_key, &refresh->key, NULL, entry);
	*TACT_PUSH(refresh->arena, refresh->gone, refresh->gone_count) =
	    tact_arena_copy(refresh->arena, claim, sizeof *claim);
}

/* Its own bell rings for what lapsed, too, for as long as Postfix may have it. */
static bool is_of_another(const struct refresh *refresh, const struct tact_claim *claim)
{
	return claim->ring[0] != '\0' && !tact_text_equal(claim->relay, refresh->terms.host);
}

/* Is that when the bell should look at it? What is due is due, since whenever. */
static bool wakes_so(struct tact_arena *arena, const struct record_terms *terms,
    const struct tact_dossier *dossier, int64_t wake_us)
{
	int64_t right_us = record_wake_us(arena, terms, dossier);

	return right_us == wake_us ||
	       (right_us != 0 && right_us <= terms->now_us && wake_us != 0 && wake_us <= terms->now_us);
}

static bool refresh_dossier(
    struct refresh *refresh, const struct tact_record *now, struct tact_store_put *ret)
{
	struct tact_dossier dossier;
	int64_t *places;

	if (now->size == 0 ||
	    tact_dossier_decode(refresh->arena, now->bytes, now->size, &dossier, NULL) != TACT_OK)
		return false;
	places = tact_arena_alloc(refresh->arena, (dossier.claims_count + 1) * sizeof *places);
	tact_policy_places(refresh->arena, refresh->terms.rules, refresh->terms.campaigns, &dossier,
	    refresh->terms.now_us, places);
	for (size_t i = 0; i < dossier.claims_count; i++) {
		struct tact_claim *claim = &dossier.claims[i];
		bool named = is_named(refresh, &claim->id);

		if (claim->state != TACT_CLAIM_WAITING || claim->planned || is_of_another(refresh, claim) ||
		    (places[i] != 0 && !named))
			continue;
		note_withdrawn(refresh, &dossier, claim, !named);
		claim->state = TACT_CLAIM_WITHDRAWN;
		claim->done_us = refresh->terms.now_us;
	}
	if (refresh->gone_count == 0 && wakes_so(refresh->arena, &refresh->terms, &dossier, now->wake_us))
		return false;
	record_finish(refresh->arena, &refresh->terms, NULL, &dossier, ret);
	return true;
}

static bool refresh_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct refresh *refresh = context;

	(void)index;
	(void)store_now_us;
	refresh->entries_count = refresh->gone_count = 0;
	refresh->entries = NULL;
	refresh->gone = NULL;
	if (!refresh->review)
		return refresh_dossier(refresh, now, ret);
	*ret = (struct tact_store_put){
	    .bytes = tact_arena_copy(refresh->arena, now->bytes, now->size), .size = now->size};
	return now->size > 0 && now->wake_us != 0;
}

int tact_decide_refresh(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_key *key, const struct tact_id *withdraw, size_t withdraw_count, int64_t now_us,
    int64_t deadline_ms, struct tact_error *err)
{
	struct refresh refresh = {.decider = decider,
	    .arena = arena,
	    .withdraw = withdraw,
	    .withdraw_count = withdraw_count,
	    .review = key->kind == TACT_STORE_REVIEW,
	    .key = key->id,
	    .terms = {.rules = tact_decider_take_rules(decider),
		.campaigns = campaigns_take(decider, deadline_ms, NULL),
		.host = decider->parts.host,
		.now_us = now_us}};
	struct tact_store_answer answer;
	int result =
	    tact_store_update(decider->parts.store, key, 1, refresh_one, &refresh, &answer, deadline_ms);

	if (result != TACT_OK)
		tact_store_last_error(decider->parts.store, err);
	else
		result = evidence_append(decider, refresh.entries, refresh.entries_count, now_us, err);
	for (size_t i = 0; result == TACT_OK && i < refresh.gone_count; i++)
		tact_ledger_add(decider->parts.ledger, refresh.gone[i]->facts.stream,
		    ring_slot(refresh.gone[i]->ring), -1);
	tact_decider_put_campaigns(decider, refresh.terms.campaigns);
	tact_decider_put_rules(decider, refresh.terms.rules);
	return result;
}

/* ---- wake times, when campaigns gave up places or took them ---- */

struct rewaking {
	struct tact_arena *arena;
	struct record_terms terms;
};

static bool rewake_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct rewaking *rewaking = context;
	struct tact_dossier dossier;

	(void)index;
	(void)store_now_us;
	if (now->size == 0 || now->wake_us == 0 ||
	    tact_dossier_decode(rewaking->arena, now->bytes, now->size, &dossier, NULL) != TACT_OK ||
	    wakes_so(rewaking->arena, &rewaking->terms, &dossier, now->wake_us))
		return false;
	record_finish(rewaking->arena, &rewaking->terms, NULL, &dossier, ret);
	return true;
}

static bool is_among(const struct tact_store_key *keys, size_t count, const struct tact_id *id)
{
	for (size_t i = 0; i < count; i++)
		if (tact_id_equal(&keys[i].id, id))
			return true;
	return false;
}

/* Those of the chunk that would wake at another time, once each: one that moved while the due ones were
 * listed may be listed twice. */
static int pick_moved(struct tact_decider *decider, struct rewaking *rewaking,
    const struct tact_store_key *keys, size_t count, struct tact_store_key *ret, size_t *ret_count)
{
	struct tact_record records[CHUNK];
	struct tact_store_answer answers[CHUNK];
	struct tact_store_put unused;
	int result = tact_store_read(decider->parts.store, keys, count, rewaking->arena, records, answers,
	    tact_clock_monotonic_ms() + READ_MS);

	*ret_count = 0;
	if (result == TACT_UNAVAILABLE || result == TACT_UNCERTAIN)
		return result;
	for (size_t i = 0; i < count; i++)
		if (answers[i].result == TACT_OK && keys[i].kind == TACT_STORE_DOSSIER &&
		    !is_among(ret, *ret_count, &keys[i].id) &&
		    rewake_one(rewaking, i, &records[i], 0, &unused))
			ret[(*ret_count)++] = keys[i];
	return TACT_OK;
}

static int rewake_chunk(
    struct tact_decider *decider, struct rewaking *rewaking, const struct tact_store_key *keys, size_t count)
{
	struct tact_store_key moved[CHUNK];
	struct tact_store_answer answers[CHUNK];
	size_t moved_count;
	int result = pick_moved(decider, rewaking, keys, count, moved, &moved_count);

	if (result == TACT_OK && moved_count > 0)
		result = tact_store_update(decider->parts.store, moved, moved_count, rewake_one, rewaking,
		    answers, tact_clock_monotonic_ms() + READ_MS);
	return result == TACT_CORRUPT ? TACT_OK : result;
}

static int rewake_all(struct tact_decider *decider, const struct due_list *due, struct rewaking *rewaking,
    struct tact_error *err)
{
	int result = TACT_OK;

	for (size_t at = 0; at < due->keys_count && result == TACT_OK; at += CHUNK) {
		size_t left = due->keys_count - at;

		result = rewake_chunk(decider, rewaking, due->keys + at, left < CHUNK ? left : CHUNK);
		if (result != TACT_OK)
			tact_store_last_error(decider->parts.store, err);
		tact_arena_reset(rewaking->arena);
	}
	return result;
}

/* As not known, campaigns would hold all the places they ever held. */
static int rewake_listed(struct tact_decider *decider, const struct due_list *due, int64_t now_us,
    int64_t *ret_next_us, struct tact_error *err)
{
	const struct tact_campaigns *campaigns =
	    campaigns_take(decider, tact_clock_monotonic_ms() + CAMPAIGNS_MS, err);
	struct rewaking rewaking;
	int result;

	if (campaigns == NULL)
		return TACT_UNAVAILABLE;
	rewaking = (struct rewaking){.arena = tact_arena_new(),
	    .terms = {.rules = tact_decider_take_rules(decider),
		.campaigns = campaigns,
		.host = decider->parts.host,
		.now_us = now_us}};
	result = rewake_all(decider, due, &rewaking, err);
	if (result == TACT_OK)
		*ret_next_us = due->more ? due->wakes_us[due->wakes_count - 1] : INT64_MAX;
	tact_decider_put_campaigns(decider, campaigns);
	tact_decider_put_rules(decider, rewaking.terms.rules);
	tact_arena_free(&rewaking.arena);
	return result;
}

int tact_decide_rewake(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_layout *layout, size_t part, int64_t after_us, size_t limit, int64_t now_us,
    int64_t *ret_next_us, struct tact_error *err)
{
	struct due_list due = {.arena = arena, .page = limit};
	int result = tact_store_due_part(
	    decider->parts.store, layout, part, after_us, INT64_MAX, SIZE_MAX, note_due, &due, err);

	return result == TACT_OK ? rewake_listed(decider, &due, now_us, ret_next_us, err) : result;
}

/* ---- counting anew ---- */

#define RECOUNT_PAGE 1000

void tact_decide_forget_counts(struct tact_decider *decider)
{
	tact_ledger_clear(decider->parts.ledger);
}

int tact_decide_recount(struct tact_decider *decider, const struct tact_store_layout *layout, size_t part,
    int64_t *at_us, int64_t now_us, struct tact_error *err)
{
	struct tact_arena *arena = tact_arena_new();
	int result = TACT_OK;

	while (*at_us < INT64_MAX && result == TACT_OK) {
		struct tact_bell_claim *claims;
		size_t count = 0;

		result = tact_decide_due_part(decider, arena, layout, part, *at_us, INT64_MAX, RECOUNT_PAGE,
		    now_us, &claims, &count, at_us, err);
		for (size_t i = 0; result == TACT_OK && i < count; i++)
			if (!claims[i].review && !claims[i].passing) /* as when it was taken */
				tact_ledger_add(
				    decider->parts.ledger, claims[i].stream, ring_slot(claims[i].ring), 1);
		tact_arena_reset(arena);
	}
	tact_arena_free(&arena);
	return result;
}
