/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What a message does to one dossier: the question, and its answer written down. Runs inside the store's
 * update and is pure: the same record and message give the same change.
 */
#include <config.h>

#include <string.h>

#include "work.h"

#define HOUR_US (3600 * INT64_C(1000000))

/* Is a thing of this age still the one a retry means (DESIGN §5, "Idempotent counting")? */
static bool is_retry(const struct work *work, int64_t time_us, bool open)
{
	int64_t age_us = work->request->now_us - time_us;

	return age_us < (open ? work->rules->retry_window_s * 1000000 : HOUR_US);
}

struct tact_contact *work_find_contact(
    const struct work *work, struct tact_dossier *dossier, const struct tact_id *id)
{
	struct tact_contact *contact = tact_dossier_find_contact(dossier, id);

	return contact != NULL && is_retry(work, contact->time_us, contact->open) ? contact : NULL;
}

static struct tact_claim *find_claim(
    const struct work *work, struct tact_dossier *dossier, const struct tact_id *id)
{
	struct tact_claim *claim = tact_dossier_find_claim_of_contact(dossier, id);

	if (claim == NULL || !is_retry(work, claim->made_us, claim->open))
		return NULL;
	return claim->state == TACT_CLAIM_PASSED || claim->state == TACT_CLAIM_BOUNCED ||
		       claim->state == TACT_CLAIM_PASSING
		   ? NULL
		   : claim;
}

struct tact_id work_contact_id(const struct work *work, const struct whom *whom, struct tact_dossier *dossier)
{
	struct tact_id own = tact_facts_contact_id(work->request->message, &whom->key);

	for (size_t i = 0; i <= whom->asked_count; i++) {
		struct tact_id id =
		    i == 0 ? own : tact_facts_contact_id(work->request->message, &whom->asked[i - 1]);

		if (work_find_contact(work, dossier, &id) != NULL || find_claim(work, dossier, &id) != NULL)
			return id;
	}
	return own;
}

static bool header_may_lift(const struct tact_dossier *view)
{
	for (size_t i = 0; i < view->consents_count; i++) {
		const struct tact_consent *consent = &view->consents[i];

		if (consent->basis == TACT_EXPRESS && !consent->imported && consent->ended_us == 0 &&
		    (consent->scope.kind == TACT_SCOPE_LIST || consent->scope.kind == TACT_SCOPE_CAMPAIGN ||
			consent->scope.kind == TACT_SCOPE_OFFER))
			return true;
	}
	return false;
}

/* What the campaign of this mail planned for this person, if it is still to come. */
static struct tact_claim *find_planned(const struct work *work, struct tact_dossier *dossier)
{
	for (size_t i = 0; i < dossier->claims_count && *work->facts.campaign != '\0'; i++) {
		struct tact_claim *claim = &dossier->claims[i];

		if (claim->planned && claim->state == TACT_CLAIM_WAITING &&
		    claim->not_after_us > work->request->now_us &&
		    tact_text_equal_nocase(claim->facts.campaign, work->facts.campaign) &&
		    tact_text_equal_nocase(claim->facts.owner, work->facts.owner))
			return claim;
	}
	return NULL;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The mail has come: the claim is its own from now on, and ranks as it was planned. */
static struct tact_claim *take_planned(
    struct work *work, size_t person, struct tact_dossier *dossier, const struct tact_id *contact_id)
{
	struct tact_claim *claim = find_planned(work, dossier);
	int64_t now_us = work->request->now_us;

	if (claim == NULL)
		return NULL;
	claim->planned = false;
	claim->contact_id = *contact_id;
	claim->rank_us = claim->made_us;
	claim->made_us = now_us;
	claim->asked_us = 0;
	claim->not_after_us =
	    earlier(claim->not_after_us, now_us + work->match.stream->max_delay_s * 1000000);
	claim->relay = work->decider->parts.host;
	work->results[person].took = true;
	return claim;
}

/* A claim that was planned keeps the priority it was planned with. */
static const struct tact_facts *facts_of(struct work *work, const struct tact_claim *claim)
{
	struct tact_facts *facts;

	if (claim == NULL || claim->rank_us == 0)
		return &work->facts;
	facts = tact_arena_copy(work->arena, &work->facts, sizeof *facts);
	facts->priority = claim->priority;
	return facts;
}

static void ask(struct work *work, size_t person, struct tact_dossier *dossier,
    const struct tact_claim *claim, const struct tact_contact *contact)
{
	struct tact_ruling *ruling = &work->rulings[work->ruling_of[person]];
	int64_t now_us = work->request->now_us;
	bool waited = claim != NULL && claim->state != TACT_CLAIM_REFUSED;
	struct candidate candidate = {
	    .rules = work->rules,
	    .stream = work->match.stream,
	    .facts = facts_of(work, claim),
	    .view = whom_view(work->arena, &work->people[person], dossier),
	    .contact_id = contact != NULL ? contact->id : (struct tact_id){{0}},
	    .contact_from_us = contact != NULL ? contact->time_us : 0,
	    .claim_id = claim != NULL ? claim->id : ruling->claim,
	    .now_us = now_us,
	    .made_us = waited ? claim->made_us : now_us,
	    .rank_us = claim != NULL ? claim->rank_us : 0,
	    .campaigns = work->terms.campaigns,
	    .not_after_us = waited ? claim->not_after_us : now_us + work->match.stream->max_delay_s * 1000000,
	    .released = work->released,
	    .cleared_us = claim != NULL ? review_cleared_us(&work->people_review, claim) : 0,
	    .no_waiting = work->no_waiting,
	    .automatic = work->automatic,
	    .contents = work->reading.contents,
	    .no_message = work->no_message,
	};

	work->results[person].header_may_lift = header_may_lift(candidate.view);
	candidate_ask(work->arena, &candidate, &ruling->opinion);
	ruling->fate = fate_of(work->rules, &ruling->opinion);
	ruling->monitored = work->rules->monitor;
	ruling->code = ruling->opinion.code;
	ruling->text = ruling->opinion.text;
	ruling->tempfail = work->match.stream->delay_by == TACT_DELAY_TEMPFAIL;
	ruling->hold = work->match.stream->quarantine_by == TACT_QUARANTINE_HOLD;
	ruling->add_notify = work->request->asked[work->ruling_of[person]].notify == NULL;
}

void leave_undecided(struct tact_ruling *ruling, int result, const char *code, const char *text)
{
	ruling->fate = TACT_FATE_UNDECIDED;
	ruling->result = result;
	ruling->code = code;
	ruling->text = text;
}

/* An address that is nobody's is refused through the gate, and takes the one person along into the queue. */
static bool names_one_person(const struct work *work)
{
	for (size_t i = 0; i < work->request->asked_count; i++)
		if (tact_id_is_none(&work->rulings[i].recipient.key))
			return false;
	return work->people_count == 1;
}

/* Nothing of this message is queued anywhere: the client comes again by itself. What is known of it before
 * the others are decided; tact_decide_sum has the last word. */
static bool waits_at_client(const struct work *work, const struct tact_ruling *ruling)
{
	return ruling->fate == TACT_FATE_GATE && ruling->tempfail && names_one_person(work);
}

static bool waits_on_a_ring(const struct tact_claim *claim)
{
	return claim->state == TACT_CLAIM_WAITING && claim->ring[0] != '\0';
}

static struct tact_id review_of(const struct work *work, const struct tact_ruling *ruling)
{
	return review_id(&work->facts, work->request->message, review_is_about_people(&ruling->opinion));
}

static void fill_claim(struct work *work, const struct tact_ruling *ruling, const struct tact_id *contact_id,
    struct tact_claim *claim)
{
	int64_t now_us = work->request->now_us;

	/* What was refused did not wait: should it be let in after all, its time begins now. */
	if (tact_id_is_none(&claim->id) || claim->state == TACT_CLAIM_REFUSED) {
		claim->made_us = now_us;
		claim->not_after_us = now_us + work->match.stream->max_delay_s * 1000000;
	}
	if (tact_id_is_none(&claim->id)) {
		claim->id = ruling->claim;
		claim->contact_id = *contact_id;
		claim->priority = work->facts.priority;
		claim->relay = work->decider->parts.host;
		claim->ring = "";
	} else if (ruling->fate == TACT_FATE_GATE) {
		claim->asked_us = now_us; /* should its place have lapsed, it gets another */
	}
	claim->state = ruling->fate == TACT_FATE_GATE	  ? TACT_CLAIM_WAITING
		       : ruling->fate == TACT_FATE_REVIEW ? TACT_CLAIM_REVIEW
							  : TACT_CLAIM_REFUSED;
	claim->facts = work->facts;
	claim->tempfail = waits_at_client(work, ruling);
	claim->open = claim->tempfail;
	claim->notify_added = ruling->add_notify;
	if (ruling->fate == TACT_FATE_REVIEW)
		review_bind(
		    claim, review_of(work, ruling), review_cleared_us(&work->people_review, claim), now_us);
	else
		claim->review = (struct tact_id){{0}};
	claim->decision = ruling->decision;
	claim->queue_id = work->request->message->queue_id != NULL ? work->request->message->queue_id : "";
	claim->code = ruling->code;
	claim->text =
	    ruling->fate == TACT_FATE_GATE ? waiting_for(work->arena, &ruling->opinion) : ruling->text;
	if (claim->tempfail)
		claim->ring = "";
	else if (claim->ring[0] == '\0')
		claim->ring = ring_choose(work->arena, work->rules, work->decider->parts.ledger, &work->rings,
		    ruling->fate == TACT_FATE_GATE ? ruling->opinion.until_us : now_us);
}

/* The recipient is to be rewritten to the gate (or to be found again by the client's retry): a claim says
 * why. */
static bool write_claim(struct work *work, size_t person, struct tact_dossier *dossier,
    struct tact_claim *claim, const struct tact_id *contact_id)
{
	struct tact_ruling *ruling = &work->rulings[work->ruling_of[person]];
	struct tact_claim fresh = {0};
	bool is_new = claim == NULL, waits_anew = is_new || work->results[person].took;

	if (is_new)
		claim = &fresh;
	if (waits_anew) {
		if (ruling->fate == TACT_FATE_GATE &&
		    tact_ledger_waiting(work->decider->parts.ledger, work->facts.stream) >=
			work->match.stream->max_waiting) {
			leave_undecided(ruling, TACT_REFUSED, "4.7.1",
			    "too much is waiting in this stream, try again later");
			return false;
		}
	}
	fill_claim(work, ruling, contact_id, claim);
	if (work->results[person].contact_us != 0)
		claim->contact_us = work->results[person].contact_us;
	ruling->claim = claim->id;
	ruling->ring = claim->ring;
	work->results[person].waiting_change += waits_on_a_ring(claim);
	work->results[person].ring = claim->ring;
	if (is_new && !tact_dossier_add_claim(work->arena, dossier, claim)) {
		leave_undecided(
		    ruling, TACT_REFUSED, "4.7.1", "too much is waiting for this recipient, try again later");
		return false;
	}
	return true;
}

void work_remember(const struct work *work, struct tact_dossier *dossier, struct tact_contact *known,
    const struct tact_contact *fresh)
{
	if (known == NULL) {
		tact_dossier_add_contact(work->arena, dossier, fresh);
		return;
	}
	/* The client was never told 250: the mail leaves now, not when it was first decided. Otherwise it
	 * keeps its time, or a constant Message-ID would renew it for ever. */
	if (known->open)
		known->time_us = work->request->now_us;
	known->open = false;
}

static void write_pass(struct work *work, size_t person, struct tact_dossier *dossier,
    struct tact_contact *contact, struct tact_claim *claim, const struct tact_id *contact_id)
{
	if (claim != NULL) {
		claim->state = TACT_CLAIM_PASSED;
		claim->done_us = work->request->now_us;
	}
	struct tact_contact fresh = contact_of(&work->facts, contact_id, work->request->now_us);
	work_remember(work, dossier, contact, &fresh);
	work->results[person].sent = contact == NULL && !work->automatic;
}

/* A mail found again that does not pass this time. Its contact goes when the client was never told 250; else
 * it stays, from now on the claim's own. */
static void take_back(
    const struct work *work, size_t person, struct tact_dossier *dossier, struct tact_contact *contact)
{
	if (contact == NULL)
		return;
	contact->time_us = work->request->now_us;
	if (contact->open)
		tact_dossier_remove_contact(dossier, &contact->id);
	else
		work->results[person].contact_us = work->request->now_us;
}

/* Alone it is answered 550 and needs no record; but what an earlier attempt left behind goes. */
static bool write_refusal(const struct work *work, struct tact_dossier *dossier, struct tact_contact *contact,
    struct tact_claim *claim)
{
	bool changed = !dossier->has_person_key;

	if (claim != NULL) {
		claim->state = TACT_CLAIM_WITHDRAWN;
		claim->done_us = work->request->now_us;
		changed = true;
	}
	if (contact != NULL && contact->open) {
		tact_dossier_remove_contact(dossier, &contact->id);
		changed = true;
	}
	return changed;
}

/* Carries the ruling into the dossier; answers whether there is anything to write. */
static bool apply(struct work *work, size_t person, struct tact_dossier *dossier,
    struct tact_contact *contact, struct tact_claim *claim, const struct tact_id *contact_id)
{
	struct tact_ruling *ruling = &work->rulings[work->ruling_of[person]];

	if (!work->recording) /* at RCPT: there is no message yet to remember, only somebody to name */
		return ruling->fate == TACT_FATE_REFUSE && !dossier->has_person_key;
	switch (ruling->fate) {
	case TACT_FATE_PASS:
		write_pass(work, person, dossier, contact, claim, contact_id);
		return true;
	case TACT_FATE_GATE:
	case TACT_FATE_REVIEW:
		take_back(work, person, dossier, contact);
		return write_claim(work, person, dossier, claim, contact_id);
	case TACT_FATE_REFUSE:
		if (work->people_count == 1)
			return write_refusal(work, dossier, contact, claim);
		take_back(work, person, dossier, contact); /* among others the gate must know it */
		return write_claim(work, person, dossier, claim, contact_id);
	case TACT_FATE_UNDECIDED:
		break;
	}
	return false;
}

bool work_change(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct work *work = context;
	struct person_result *result = &work->results[index];
	struct tact_ruling *ruling = &work->rulings[work->ruling_of[index]];
	struct tact_dossier dossier;
	struct tact_id contact_id;
	struct record_places before;
	bool write;
	int priority;

	(void)store_now_us;
	*result = (struct person_result){.version_seen = now->version};
	result->result = tact_dossier_decode(work->arena, now->bytes, now->size, &dossier, NULL);
	if (result->result == TACT_OK && !tact_id_is_none(&dossier.stands_for))
		result->result = TACT_UNAVAILABLE; /* it became an alias since it was looked up */
	if (result->result != TACT_OK)
		return false;
	record_withdraw_lapsed(work->arena, &work->terms, &dossier);
	contact_id = work_contact_id(work, &work->people[index], &dossier);
	struct tact_contact *contact = work_find_contact(work, &dossier, &contact_id);
	struct tact_claim *claim = find_claim(work, &dossier, &contact_id);
	/* Before the mail has what was planned for it: come late, it stands where others had moved up. */
	record_note_places(work->arena, &work->terms, &dossier, &before);
	if (claim != NULL) {
		result->previous = claim->decision;
		result->waiting_change -= waits_on_a_ring(claim);
		result->ring = claim->ring;
	} else {
		claim = take_planned(work, index, &dossier, &contact_id);
	}
	/* What was found in an older record may be another mail's by now, or over. */
	if (claim == NULL && tact_dossier_find_claim(&dossier, &ruling->claim) != NULL)
		ruling->claim = tact_id_random();
	ask(work, index, &dossier, claim, contact);
	priority = facts_of(work, claim)->priority;
	write = apply(work, index, &dossier, contact, claim, &contact_id);
	if (ruling->fate == TACT_FATE_UNDECIDED) {
		result->result = ruling->result;
		return false;
	}
	if (write) {
		record_count_bumps(work->arena, &work->terms, &before, priority, &dossier);
		record_finish(work->arena, &work->terms, &work->people[index], &dossier, ret);
	}
	result->has_person_key = dossier.has_person_key;
	memcpy(result->person_key, dossier.person_key, sizeof result->person_key);
	return write;
}

void work_consider(struct work *work, size_t person, struct tact_dossier *dossier)
{
	struct tact_id contact_id = work_contact_id(work, &work->people[person], dossier);
	struct tact_claim *claim = find_claim(work, dossier, &contact_id);

	if (claim == NULL)
		claim = take_planned(work, person, dossier, &contact_id);
	ask(work, person, dossier, claim, work_find_contact(work, dossier, &contact_id));
}
