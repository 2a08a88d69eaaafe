/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Reviews: one record per quarantined message or campaign, never one per recipient, so that no record is
 * written by every mail.
 */
#include <config.h>

#include <string.h>

#include "private.h"

#define RINGS_KEPT_MAX 512 /* of one review; those beyond wait for Postfix's own retry */

struct tact_id review_id(
    const struct tact_facts *facts, const struct tact_message *message, bool about_people)
{
	if (facts->campaign[0] != '\0') {
		const char *fields[] = {"campaign", facts->stream, facts->campaign, "people"};
		return tact_digest_id(fields, about_people ? 4 : 3);
	}
	const char *fields[] = {"message", facts->stream, message->envelope.sender, message->message_id,
	    message->date, message->subject, "people"};
	return tact_digest_id(fields, about_people ? 7 : 6);
}

bool review_is_about_people(const struct tact_opinion *opinion)
{
	return opinion->rule != NULL && tact_policy_is_about_people(opinion->rule->kind);
}

static struct tact_store_key review_key(const struct tact_id *id)
{
	return (struct tact_store_key){.kind = TACT_STORE_REVIEW, .id = *id};
}

int review_read(struct tact_decider *decider, struct tact_arena *arena, const struct tact_id *id,
    struct tact_review *ret, bool *ret_exists, int64_t deadline_ms)
{
	struct tact_store_key key = review_key(id);
	struct tact_record record;
	struct tact_store_answer answer;
	int result = tact_store_read(decider->parts.store, &key, 1, arena, &record, &answer, deadline_ms);

	if (result != TACT_OK)
		return result;
	*ret_exists = record.size > 0;
	return record.size > 0 ? tact_dossier_decode_review(arena, record.bytes, record.size, ret, NULL)
			       : TACT_OK;
}

/* ---- holding ---- */

struct holding {
	struct tact_arena *arena;
	struct tact_decider *decider;
	const struct review_ask *ask;
};

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

const char *review_words(struct tact_arena *arena, const struct tact_review *review)
{
	enum tact_review_state state = review->state;

	if (review->done_us == 0)
		return NULL;
	if (state == TACT_REVIEW_HELD)
		state = TACT_REVIEW_RELEASED;
	return tact_arena_printf(arena, "%s by %s%s%s", tact_dossier_review_state_name(state), review->by,
	    *review->note != '\0' ? ": " : "", review->note);
}

int64_t review_cleared_us(const struct tact_review *review, const struct tact_claim *claim)
{
	bool cleared = review->about_people && review->state != TACT_REVIEW_DISCARDED &&
		       tact_id_equal(&review->id, &claim->review) && review->done_us > claim->held_us;

	return cleared ? review->done_us : 0;
}

void review_bind(struct tact_claim *claim, struct tact_id review, int64_t cleared_us, int64_t now_us)
{
	if (cleared_us == 0 && tact_id_equal(&claim->review, &review))
		return;
	claim->review = review;
	claim->held_us = now_us;
}

static bool has_ring(const struct tact_review *review, const char *ring)
{
	for (size_t i = 0; i < review->rings_count; i++)
		if (tact_text_equal(review->rings[i], ring))
			return true;
	return ring[0] == '\0';
}

static bool add_rings(struct tact_arena *arena, struct tact_review *review, const struct review_ask *ask)
{
	size_t room = review->rings_count + ask->rings_count, before = review->rings_count;
	const char **rings = tact_arena_alloc(arena, (room + 1) * sizeof *rings);

	if (review->rings_count > 0)
		memcpy(rings, review->rings, review->rings_count * sizeof *rings);
	review->rings = rings;
	for (size_t i = 0; i < ask->rings_count; i++)
		if (review->rings_count < RINGS_KEPT_MAX && !has_ring(review, ask->rings[i]))
			rings[review->rings_count++] = ask->rings[i];
	return review->rings_count > before;
}

static struct tact_review fresh_review(const struct holding *holding)
{
	const struct review_ask *ask = holding->ask;

	return (struct tact_review){
	    .id = ask->id,
	    .state = TACT_REVIEW_HELD,
	    .stream = ask->facts->stream,
	    .owner = ask->facts->owner,
	    .campaign = ask->facts->campaign,
	    .sender = or_empty(ask->message->envelope.sender),
	    .subject = or_empty(ask->message->subject),
	    .excerpt = or_empty(ask->excerpt),
	    .why = or_empty(ask->why),
	    .relay = holding->decider->parts.host,
	    .made_us = ask->now_us,
	    .by = "",
	    .note = "",
	    .about_people = ask->about_people,
	};
}

/* Whom it held goes, now or soon; nobody has looked at who comes after. */
static bool is_over(const struct tact_review *review)
{
	return review->about_people && review->state == TACT_REVIEW_RELEASED;
}

static struct tact_review begin_again(const struct holding *holding, const struct tact_review *before)
{
	struct tact_review review = fresh_review(holding);

	review.rings = before->rings;
	review.rings_count = before->rings_count;
	review.done_us = before->done_us;
	review.by = before->by;
	review.note = before->note;
	review.unknown = before->unknown;
	return review;
}

static bool hold_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct holding *holding = context;
	struct tact_review review;
	bool exists = now->size > 0, again = false, more;

	(void)index;
	(void)store_now_us;
	if (exists &&
	    tact_dossier_decode_review(holding->arena, now->bytes, now->size, &review, NULL) != TACT_OK)
		return false;
	if (!exists)
		review = fresh_review(holding);
	else if (is_over(&review)) {
		again = true;
		review = begin_again(holding, &review);
	}
	more = add_rings(holding->arena, &review, holding->ask);
	if (exists && !again && !more)
		return false;
	ret->wake_us = review.state == TACT_REVIEW_HELD ? now->wake_us : holding->ask->now_us;
	tact_dossier_encode_review(holding->arena, &review, &ret->bytes, &ret->size);
	return true;
}

int review_hold(struct tact_decider *decider, struct tact_arena *arena, const struct review_ask *ask)
{
	struct holding holding = {.arena = arena, .decider = decider, .ask = ask};
	struct tact_store_key key = review_key(&ask->id);
	struct tact_store_answer answer;
	struct tact_review review;
	bool exists = false, known = true;
	int result = review_read(decider, arena, &ask->id, &review, &exists, ask->deadline_ms);

	if (result != TACT_OK)
		return result;
	for (size_t i = 0; exists && i < ask->rings_count; i++)
		known &= has_ring(&review, ask->rings[i]);
	if (exists && known && !is_over(&review))
		return TACT_OK; /* a campaign of millions reads here and writes nothing */
	return tact_store_update(
	    decider->parts.store, &key, 1, hold_one, &holding, &answer, ask->deadline_ms);
}

/* ---- listing and ending ---- */

struct listing {
	struct tact_arena *arena;
	tact_review_fn fn;
	void *context;
};

static bool list_one(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct listing *listing = context;
	struct tact_review review;

	(void)key;
	if (record->size == 0 ||
	    tact_dossier_decode_review(listing->arena, record->bytes, record->size, &review, NULL) != TACT_OK)
		return true;
	return listing->fn(listing->context, &review);
}

int tact_decide_list_reviews(struct tact_decider *decider, struct tact_arena *arena, tact_review_fn fn,
    void *context, struct tact_error *err)
{
	struct listing listing = {.arena = arena, .fn = fn, .context = context};

	return tact_store_scan(decider->parts.store, TACT_STORE_REVIEW, list_one, &listing, err);
}

struct ending {
	struct tact_arena *arena;
	enum tact_review_state state;
	const char *by, *note;
	int64_t now_us, known_since_us;
	int result;
	bool known; /* ended so already, of late */
	struct tact_review review;
};

static bool ended_so(const struct ending *ending, const struct tact_review *review)
{
	return review->state == ending->state && review->done_us > ending->known_since_us &&
	       tact_text_equal(review->by, or_empty(ending->by)) &&
	       tact_text_equal(review->note, or_empty(ending->note));
}

static bool end_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct ending *ending = context;
	struct tact_review review;

	(void)index;
	(void)store_now_us;
	ending->result = TACT_ABSENT;
	if (now->size == 0)
		return false;
	ending->result = tact_dossier_decode_review(ending->arena, now->bytes, now->size, &review, NULL);
	if (ending->result != TACT_OK)
		return false;
	ending->review = review;
	ending->known = ended_so(ending, &review);
	if (review.state != TACT_REVIEW_HELD) {
		ending->result = ending->known ? TACT_OK : TACT_REFUSED;
		return false;
	}
	review.state = ending->state;
	review.by = or_empty(ending->by);
	review.note = or_empty(ending->note);
	review.done_us = ending->now_us;
	review.sender = review.subject = review.excerpt = ""; /* kept for the reviewer only */
	ret->wake_us = ending->now_us;
	tact_dossier_encode_review(ending->arena, &review, &ret->bytes, &ret->size);
	return true;
}

static int end_words(int result, struct tact_error *err)
{
	if (result == TACT_ABSENT)
		return tact_error_set(err, result, "no such review");
	if (result == TACT_REFUSED)
		return tact_error_set(err, result, "this review has ended already");
	return result;
}

static int append_ending(struct tact_decider *decider, const struct tact_rule_set *rules,
    const struct ending *ending, const struct tact_id *id, uint64_t version, struct tact_error *err)
{
	struct tact_audit_entry entry = {0};

	evidence_common(rules, TACT_AUDIT_CHANGE, "command", &entry);
	entry.action = tact_arena_printf(ending->arena, "%s by %s%s",
	    ending->state == TACT_REVIEW_RELEASED ? "release" : "discard",
	    ending->known ? ending->review.by : or_empty(ending->by),
	    ending->known ? " (known already)" : "");
	entry.decision = tact_id_format(ending->arena, id);
	entry.stream = ending->review.stream;
	entry.campaign = ending->review.campaign[0] != '\0' ? ending->review.campaign : NULL;
	entry.version_written = version;
	return evidence_append(decider, &entry, 1, ending->now_us, err);
}

int tact_decide_end_review(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_id *review, enum tact_review_state state, const char *by, const char *note,
    int64_t now_us, struct tact_error *err)
{
	const struct tact_rule_set *rules = tact_decider_take_rules(decider);
	struct ending ending = {.arena = arena,
	    .state = state,
	    .by = by,
	    .note = note,
	    .now_us = now_us,
	    .known_since_us = now_us - rules->retry_window_s * 1000000};
	struct tact_store_key key = review_key(review);
	struct tact_store_answer answer;
	int result = tact_store_update(decider->parts.store, &key, 1, end_one, &ending, &answer, 0);

	if (result != TACT_OK)
		tact_store_last_error(decider->parts.store, err);
	else if (ending.result != TACT_OK)
		result = end_words(ending.result, err);
	else
		result = append_ending(decider, rules, &ending, review, answer.version, err);
	tact_decider_put_rules(decider, rules);
	return result;
}
