/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What Postfix brings is decided again: what do today's dossier and rules say.
 */
#include <config.h>

#include <string.h>

#include "pass.h"

/* ---- the message again, inside the store's update ---- */

/* The stream kept in the claim, as configured today; matched again from the message when it is gone. */
static const struct tact_stream *stream_of(
    struct pass *pass, const struct tact_claim *claim, struct tact_facts *facts)
{
	const struct tact_stream_set *set = &pass->rules->streams;
	const struct tact_stream *stream = tact_facts_find_stream(set, claim->facts.stream);
	struct tact_match match;

	if (stream == NULL && tact_text_equal_nocase(set->strictest->name, claim->facts.stream))
		stream = set->strictest;
	if (stream == NULL) {
		tact_facts_match_stream(set, pass->message, true, &match);
		stream = match.stream;
	}
	*facts = claim->facts;
	facts->stream = stream->name;
	facts->owner = stream->owner;
	facts->brand = stream->brand;
	facts->purpose = stream->purpose;
	facts->occasion = stream->occasion;
	facts->priority = claim->facts.priority;
	facts->exempt = stream->exempt;
	facts->counts = stream->counts;
	return stream;
}

static struct tact_contact *own_contact(struct tact_dossier *dossier, const struct tact_claim *claim)
{
	const struct tact_contact *known = tact_dossier_own_contact(dossier, claim);

	return known == NULL ? NULL : &dossier->contacts[known - dossier->contacts];
}

/* A reviewer's time is no delay: what is let go on after its last time goes now, or never. */
static int64_t not_after(
    const struct pass *pass, const struct pass_result *result, const struct tact_claim *claim)
{
	bool held = claim->state == TACT_CLAIM_REVIEW || claim->state == TACT_CLAIM_PASSING;

	return held && (result->released || result->cleared_us != 0) && claim->not_after_us < pass->now_us
		   ? pass->now_us
		   : claim->not_after_us;
}

static void ask_again(
    struct pass *pass, size_t person, struct tact_dossier *dossier, const struct tact_claim *claim)
{
	struct pass_result *result = &pass->results[person];
	const struct tact_contact *own = own_contact(dossier, claim);
	struct candidate candidate = {
	    .rules = pass->rules,
	    .stream = stream_of(pass, claim, &result->facts),
	    .facts = &result->facts,
	    .view = whom_view(pass->arena, &pass->people[person], dossier),
	    .contact_id = own != NULL ? own->id : (struct tact_id){{0}},
	    .contact_from_us = own != NULL ? own->time_us : 0,
	    .claim_id = claim->id,
	    .now_us = pass->now_us,
	    .made_us = claim->made_us,
	    .rank_us = claim->rank_us,
	    .campaigns = pass->terms.campaigns,
	    .not_after_us = not_after(pass, result, claim),
	    .released = result->released,
	    .cleared_us = result->cleared_us,
	    .no_waiting = false,
	    .automatic = false,
	    .contents = pass->reading.contents,
	};

	if (result->discarded) {
		result->opinion = (struct tact_opinion){
		    .verdict = TACT_REJECT, .code = "5.7.1", .text = "discarded by a reviewer"};
		return;
	}
	candidate_ask(pass->arena, &candidate, &result->opinion);
}

/* It leaves now: an attempt that failed at the next hop left a contact with an earlier time. */
static void write_contact(struct pass *pass, size_t person, struct tact_dossier *dossier,
    struct tact_claim *claim, struct tact_contact *own, const struct tact_facts *facts)
{
	claim->contact_us = pass->now_us;
	if (own != NULL) {
		own->time_us = pass->now_us;
		return;
	}
	struct tact_contact contact = contact_of(facts, &claim->contact_id, pass->now_us);
	tact_dossier_add_contact(pass->arena, dossier, &contact);
	pass->results[person].sent = true;
}

/* A reviewer's no, and a bounce that was promised, are no matter of the rules: monitor mode does not undo
 * them. */
static bool is_refused(const struct pass_result *result, const struct tact_claim *claim)
{
	return result->discarded || claim->state == TACT_CLAIM_REFUSED;
}

static void carry_into_claim(
    struct pass *pass, size_t person, struct tact_dossier *dossier, struct tact_claim *claim)
{
	struct pass_result *result = &pass->results[person];
	struct tact_waiting *waiting = pass->waiting[person];
	struct tact_contact *own = own_contact(dossier, claim);
	bool waited = claim->state == TACT_CLAIM_WAITING;

	waiting->fate = is_refused(result, claim) ? TACT_FATE_REFUSE : fate_of(pass->rules, &result->opinion);
	waiting->code = result->opinion.code;
	waiting->text = result->opinion.text;
	claim->decision = result->decision;
	switch (waiting->fate) {
	case TACT_FATE_PASS:
		claim->state = TACT_CLAIM_PASSING;
		write_contact(pass, person, dossier, claim, own, &result->facts);
		break;
	case TACT_FATE_GATE:
		claim->state = TACT_CLAIM_WAITING;
		claim->text = waiting_for(pass->arena, &result->opinion);
		claim->asked_us = pass->now_us;
		say_place(pass->arena, waiting, claim->text, result->opinion.until_us);
		break;
	case TACT_FATE_REVIEW:
		claim->state = TACT_CLAIM_REVIEW;
		review_bind(claim,
		    review_id(&result->facts, pass->message, review_is_about_people(&result->opinion)),
		    result->cleared_us, pass->now_us);
		claim->text = result->opinion.text;
		break;
	case TACT_FATE_REFUSE:
	case TACT_FATE_UNDECIDED:
		claim->state = TACT_CLAIM_REFUSED;
		claim->code = waiting->code;
		claim->text = waiting->text;
		claim->done_us = pass->now_us;
		/* A contact stays: the next hop may have taken the mail at an earlier attempt. */
		break;
	}
	result->waiting_change = (claim->state == TACT_CLAIM_WAITING) - waited;
}

/* As the stream is today: the same rules will be asked. */
static bool is_in_doubt(struct pass *pass, size_t person, const struct tact_claim *claim)
{
	struct tact_facts facts;
	const char *doubt;

	if (is_refused(&pass->results[person], claim))
		return false;
	(void)stream_of(pass, claim, &facts);
	doubt = campaigns_doubt(pass->rules, pass->terms.campaigns, &facts);
	if (doubt == NULL)
		return false;
	pass->doubt = doubt;
	pass->doubtful = tact_arena_strdup(pass->arena, facts.campaign);
	return true;
}

static bool take_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct pass *pass = context;
	struct pass_result *result = &pass->results[index];
	struct tact_waiting *waiting = pass->waiting[index];
	struct tact_dossier dossier;
	struct record_places before;

	(void)store_now_us;
	result->version_seen = now->version;
	result->found = false;
	result->sent = false;
	result->waiting_change = 0;
	result->result = tact_dossier_decode(pass->arena, now->bytes, now->size, &dossier, NULL);
	if (result->result != TACT_OK)
		return false;
	struct tact_claim *claim = tact_dossier_find_claim(&dossier, &waiting->claim);
	if (claim == NULL && !tact_id_is_none(&dossier.stands_for)) {
		result->result = TACT_UNAVAILABLE; /* it became an alias since it was looked up */
		return false;
	}
	if (claim == NULL) {
		say_look(waiting, TACT_LOOK_UNKNOWN, "4.7.1",
		    "not known here as waiting; ask the operator of this relay");
		return false;
	}
	if (claim->state == TACT_CLAIM_PASSED || claim->state == TACT_CLAIM_BOUNCED) {
		waiting->look = TACT_LOOK_DROP;
		return false;
	}
	if (is_in_doubt(pass, index, claim)) {
		result->result = TACT_UNAVAILABLE;
		return false;
	}
	result->found = true;
	result->claim = *claim;
	if (claim->state == TACT_CLAIM_REFUSED) {
		(void)stream_of(pass, claim, &result->facts);
		result->opinion =
		    (struct tact_opinion){.verdict = TACT_REJECT, .code = claim->code, .text = claim->text};
	} else {
		ask_again(pass, index, &dossier, claim);
	}
	record_note_places(pass->arena, &pass->terms, &dossier, &before);
	carry_into_claim(pass, index, &dossier, claim);
	if (waiting->fate == TACT_FATE_GATE) /* asked anew, it may stand where others had moved up */
		record_count_bumps(pass->arena, &pass->terms, &before, claim->priority, &dossier);
	record_finish(pass->arena, &pass->terms, &pass->people[index], &dossier, ret);
	result->has_person_key = dossier.has_person_key;
	memcpy(result->person_key, dossier.person_key, sizeof result->person_key);
	return true;
}

/* ---- around the update ---- */

static bool contains_key(const struct pass *pass, const struct tact_id *key)
{
	for (size_t i = 0; i < pass->count; i++)
		if (tact_id_equal(&pass->people[i].key, key))
			return true;
	return false;
}

/* ---- a claim that stands under another of the person's keys ---- */

struct bringing {
	struct pass *pass;
	struct tact_claim claim;
	int result;
};

static bool add_claim(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct bringing *bringing = context;
	struct tact_arena *arena = bringing->pass->arena;
	struct tact_dossier dossier;

	(void)index;
	(void)store_now_us;
	bringing->result = tact_dossier_decode(arena, now->bytes, now->size, &dossier, NULL);
	if (bringing->result == TACT_OK && !tact_id_is_none(&dossier.stands_for))
		bringing->result = TACT_UNAVAILABLE; /* it became an alias since it was looked up */
	if (bringing->result != TACT_OK || tact_dossier_find_claim(&dossier, &bringing->claim.id) != NULL)
		return false;
	*TACT_PUSH(arena, dossier.claims, dossier.claims_count) = bringing->claim;
	record_finish(arena, &bringing->pass->terms, NULL, &dossier, ret);
	return true;
}

static bool withdraw_claim(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct bringing *bringing = context;
	struct pass *pass = bringing->pass;
	struct tact_dossier dossier;
	struct tact_claim *claim;

	(void)index;
	(void)store_now_us;
	bringing->result = tact_dossier_decode(pass->arena, now->bytes, now->size, &dossier, NULL);
	if (bringing->result != TACT_OK)
		return false;
	claim = tact_dossier_find_claim(&dossier, &bringing->claim.id);
	if (claim == NULL || claim->state == TACT_CLAIM_WITHDRAWN)
		return false;
	claim->state = TACT_CLAIM_WITHDRAWN;
	claim->done_us = pass->now_us;
	record_finish(pass->arena, &pass->terms, NULL, &dossier, ret);
	return true;
}

static int update_at(struct bringing *bringing, const struct tact_id *id, tact_store_change_fn fn)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = *id};
	struct tact_store_answer answer;
	int result = tact_store_update(bringing->pass->decider->parts.store, &key, 1, fn, bringing, &answer,
	    bringing->pass->deadline_ms);

	return worst(result, bringing->result);
}

/* What it leaves must stand where mail to any form of the address looks. One that was handed on before left a
 * contact where it stands, and passes there. */
static int bring_home(struct pass *pass, struct whom *whom, const struct tact_waiting *waiting)
{
	struct bringing bringing = {.pass = pass};
	struct tact_dossier dossier;
	const struct tact_claim *claim;
	int result;

	if (tact_id_equal(&whom->key, &waiting->key))
		return TACT_OK;
	result = whom_read(pass->decider, pass->arena, &waiting->key, &dossier, pass->deadline_ms);
	claim = result == TACT_OK ? tact_dossier_find_claim(&dossier, &waiting->claim) : NULL;
	if (claim != NULL && (claim->contact_us != 0 || claim->state == TACT_CLAIM_PASSED ||
				 claim->state == TACT_CLAIM_BOUNCED)) {
		whom_write_to(pass->decider, pass->arena, whom, &waiting->key, pass->deadline_ms);
		return whom->result;
	}
	if (claim == NULL)
		return result;
	bringing.claim = *claim;
	result = update_at(&bringing, &whom->key, add_claim);
	return result == TACT_OK ? update_at(&bringing, &waiting->key, withdraw_claim) : result;
}

/* Lists the people of the attempt; somebody whose key is already there (two claims of one person in one
 * message) comes next time. */
static void list_people(struct pass *pass, struct tact_waiting *waiting, size_t count, enum tact_look look)
{
	for (size_t i = 0; i < count; i++) {
		struct whom whom = {0};
		int result;

		if (waiting[i].look != look)
			continue;
		result = read_person(pass->decider, pass->arena, waiting[i].given, &whom, pass->deadline_ms);
		if (result == TACT_OK)
			result = bring_home(pass, &whom, &waiting[i]);
		if (result != TACT_OK) {
			say_failure(&waiting[i], result);
			continue;
		}
		if (contains_key(pass, &whom.key)) {
			waiting[i].fate = TACT_FATE_UNDECIDED;
			say_look(
			    &waiting[i], TACT_LOOK_WAIT, "4.7.1", "waits for another mail to this person");
			continue;
		}
		waiting[i].key = whom.key;
		pass->waiting[pass->count] = &waiting[i];
		pass->results[pass->count].decision = tact_id_random();
		pass->people[pass->count++] = whom;
	}
}

/* What a reviewer said of one of the reviews that may concern it. */
static int read_review(
    struct pass *pass, const struct tact_id *id, const struct tact_claim *claim, struct pass_result *result)
{
	struct tact_review review;
	bool exists = false;
	int read = review_read(pass->decider, pass->arena, id, &review, &exists, pass->deadline_ms);

	if (read != TACT_OK || !exists)
		return read;
	int64_t cleared_us = review_cleared_us(&review, claim);
	bool own = tact_id_equal(id, &claim->review),
	     discarded = own && review.state == TACT_REVIEW_DISCARDED,
	     released = review.state == TACT_REVIEW_RELEASED && !review.about_people;
	result->released |= released;
	result->discarded |= discarded;
	if (cleared_us != 0)
		result->cleared_us = cleared_us;
	if (result->reviewed == NULL && (discarded || released || cleared_us != 0))
		result->reviewed = review_words(pass->arena, &review);
	return TACT_OK;
}

static int read_reviews_of(struct pass *pass, size_t person)
{
	struct pass_result *result = &pass->results[person];
	struct tact_dossier dossier;
	int read =
	    whom_read(pass->decider, pass->arena, &pass->people[person].key, &dossier, pass->deadline_ms);

	if (read != TACT_OK)
		return read;
	const struct tact_claim *claim = tact_dossier_find_claim(&dossier, &pass->waiting[person]->claim);
	if (claim == NULL)
		return TACT_OK;
	if (!tact_id_is_none(&claim->review))
		read = read_review(pass, &claim->review, claim, result);
	if (read != TACT_OK || !can_quarantine(pass->rules))
		return read;
	/* Not held by it, but the rest of the message or campaign may have been, and released. */
	struct tact_id whole = review_id(&claim->facts, pass->message, false);
	return tact_id_equal(&claim->review, &whole) ? TACT_OK : read_review(pass, &whole, claim, result);
}

/* What a reviewer said of it. Whoever's review cannot be read is left out: not to know of a
 * discard would be to pass the mail. */
static void read_reviews(struct pass *pass)
{
	size_t kept = 0;

	for (size_t i = 0; i < pass->count; i++) {
		int result = read_reviews_of(pass, i);

		if (result != TACT_OK) {
			say_failure(pass->waiting[i], result);
			continue;
		}
		pass->waiting[kept] = pass->waiting[i];
		pass->people[kept] = pass->people[i];
		pass->results[kept++] = pass->results[i];
	}
	pass->count = kept;
}

static const char *gate_action(enum tact_fate fate)
{
	switch (fate) {
	case TACT_FATE_PASS:
		return "reinject";
	case TACT_FATE_REFUSE:
		return "bounce";
	case TACT_FATE_GATE:
	case TACT_FATE_REVIEW:
	case TACT_FATE_UNDECIDED:
		break;
	}
	return "tempfail";
}

static int append_decisions(struct pass *pass, struct tact_error *err)
{
	struct tact_audit_entry *entries = NULL;
	size_t count = 0;

	for (size_t i = 0; i < pass->count; i++) {
		const struct pass_result *result = &pass->results[i];

		if (result->result != TACT_OK || !result->found)
			continue;
		struct tact_audit_entry *entry = TACT_PUSH(pass->arena, entries, count);
		pass_fill_entry(pass, i, TACT_AUDIT_DECISION, "gate", entry);
		evidence_facts(&result->facts, entry);
		evidence_message(pass->message, entry);
		evidence_rules(pass->arena, &result->opinion, entry);
		evidence_released(pass->arena, &result->opinion, result->reviewed, entry);
		if (result->discarded)
			entry->text = result->reviewed;
		entry->decision = tact_id_format(pass->arena, &result->decision);
		entry->action = gate_action(pass->waiting[i]->fate);
		entry->not_after_us = result->claim.not_after_us;
	}
	return evidence_append(pass->decider, entries, count, pass->now_us, err);
}

static void hold_anew(struct pass *pass, size_t i)
{
	const struct pass_result *result = &pass->results[i];
	bool about_people = review_is_about_people(&result->opinion);
	struct review_ask ask = {.id = review_id(&result->facts, pass->message, about_people),
	    .about_people = about_people,
	    .facts = &result->facts,
	    .message = pass->message,
	    .excerpt = pass->excerpt,
	    .why = pass->waiting[i]->text,
	    .rings = {result->claim.ring},
	    .rings_count = result->claim.ring[0] != '\0',
	    .now_us = pass->now_us,
	    .deadline_ms = pass->deadline_ms};
	int held = review_hold(pass->decider, pass->arena, &ask);

	if (held != TACT_OK)
		say_failure(pass->waiting[i], held);
}

/* What was decided becomes what is answered: decisions without evidence are none. */
static void settle(struct pass *pass, int appended)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct pass_result *result = &pass->results[i];

		if (result->result != TACT_OK || !result->found)
			continue;
		if (result->sent)
			health_count(pass->decider, result->facts.campaign, HEALTH_SENT, pass->now_us);
		campaigns_note(pass->decider, pass->rules, pass->terms.campaigns, &result->facts,
		    &result->opinion, pass->now_us);
		if (result->waiting_change != 0)
			tact_ledger_add(pass->decider->parts.ledger, result->claim.facts.stream,
			    ring_slot(result->claim.ring), result->waiting_change);
		if (appended != TACT_OK) {
			say_failure(pass->waiting[i], appended);
			pass->waiting[i]->text = "evidence cannot be written, try again later";
		} else if (pass->waiting[i]->fate == TACT_FATE_REVIEW) {
			hold_anew(pass, i);
		}
	}
}

static void fail_for_clock(struct tact_decider *decider, struct tact_waiting *waiting, size_t count)
{
	if (tact_store_check_clock(decider->parts.store, decider->parts.max_skew_us, NULL) == TACT_OK)
		return;
	for (size_t i = 0; i < count; i++)
		if (waiting[i].look == TACT_LOOK_TAKE) {
			say_failure(&waiting[i], TACT_REFUSED);
			waiting[i].text = CLOCK_WORDS;
		}
}

void tact_decide_take(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_message *message, const struct tact_body *body, const char *excerpt,
    struct tact_waiting *waiting, size_t count, int64_t now_us, int64_t deadline_ms, struct tact_error *err)
{
	struct pass pass = pass_begin(decider, arena, count, now_us, deadline_ms);

	pass.message = message;
	content_read(arena, pass.rules, NULL, message, body, &pass.reading);
	pass.excerpt = pass.reading.excerpt != NULL ? pass.reading.excerpt : excerpt;
	fail_for_clock(decider, waiting, count);
	list_people(&pass, waiting, count, TACT_LOOK_TAKE);
	read_reviews(&pass);
	tact_edge("gate-before-update");
	pass_update(&pass, take_one);
	tact_edge("gate-after-update");
	tact_store_last_error(decider->parts.store, err);
	if (pass.doubtful != NULL)
		campaigns_say_doubt(arena, pass.doubtful, pass.doubt, err);
	settle(&pass, append_decisions(&pass, err));
	tact_edge("gate-after-append");
	/* A rule's text ends with its rules. */
	for (size_t i = 0; i < count; i++) {
		waiting[i].code = waiting[i].code != NULL ? tact_arena_strdup(arena, waiting[i].code) : NULL;
		waiting[i].text = waiting[i].text != NULL ? tact_arena_strdup(arena, waiting[i].text) : NULL;
	}
	tact_decider_put_campaigns(decider, pass.terms.campaigns);
	tact_decider_put_rules(decider, pass.rules);
}
