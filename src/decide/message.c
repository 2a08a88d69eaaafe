/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A message at the milter: every recipient asked, dossiers updated, evidence appended, in that order. The
 * change function below runs inside the store's update and is pure: the same record and message give the same
 * change.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "private.h"

#define HOUR_US (3600 * INT64_C(1000000))

/* One message being decided. people[i] is a distinct person; ruling_of[i] the first ruling that is about
 * them. */
struct work {
	struct tact_decider *decider;
	struct tact_arena *arena;
	const struct tact_decide_request *request;
	const struct tact_rule_set *rules;
	struct record_terms terms;
	struct tact_match match;
	struct tact_facts facts;
	bool automatic, no_waiting, recording;
	bool released; /* the message's review was released: what would be quarantined passes */
	struct tact_id review;
	struct tact_ruling *rulings;
	struct whom *people;
	size_t *ruling_of;
	size_t people_count;
	struct rings rings;
	struct person_result *results;
};

/* What the change function found out about one person, besides the ruling. */
struct person_result {
	int result;
	bool has_person_key;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
	struct tact_id previous; /* decision that made the claim found again */
	uint64_t version_seen, version_written;
	bool new_waiting; /* counts in the ledger */
};

/* ---- before the question ---- */

/* Personal mail of one sender and subject beyond personal_max a day is bulk. */
static void unmask_bulk(struct work *work, size_t recipients)
{
	const struct tact_stream *stream = work->match.stream;
	const struct tact_message *message = work->request->message;
	int64_t sum;

	if (stream->purpose != TACT_PERSONAL || work->match.strictest)
		return;
	sum = volume_add(work->decider->volume, message->envelope.sender, message->subject,
	    work->recording ? (int64_t)recipients : 0, work->request->now_us);
	if (!work->recording)
		sum += (int64_t)recipients;
	if (sum <= stream->personal_max)
		return;
	work->match = (struct tact_match){.stream = work->rules->streams.strictest,
	    .certain = true,
	    .strictest = true,
	    .bulk = true,
	    .why = "calls itself personal and goes to more recipients a day than personal_max"};
}

/* Mail from the null sender (DESIGN §3): machines' answers pass uncounted, the rest meets the strictest
 * stream and never waits. */
static void judge_null_sender(struct work *work)
{
	const struct tact_message *message = work->request->message;

	if (message->envelope.sender[0] != '\0')
		return;
	work->automatic = message->automatic;
	work->no_waiting = true;
	work->match = (struct tact_match){.stream = work->rules->streams.strictest,
	    .certain = true,
	    .strictest = true,
	    .why = message->automatic ? "answer of a mail system" : "null sender"};
}

static void gather(struct work *work)
{
	const struct tact_decide_request *request = work->request;

	tact_facts_match_stream(&work->rules->streams, request->message, true, &work->match);
	unmask_bulk(work, request->asked_count);
	judge_null_sender(work);
	tact_facts_gather(work->arena, &work->rules->streams, request->message, &work->match, &work->facts);
	if (work->automatic) {
		work->facts.purpose = TACT_TRANSACTIONAL;
		work->facts.counts = false;
		work->facts.exempt = true;
	}
}

static void refuse_address(struct tact_ruling *ruling, const struct tact_error *err, struct tact_arena *arena)
{
	ruling->fate = TACT_FATE_REFUSE;
	ruling->code = "5.1.3";
	ruling->text = tact_text_printable(arena, err->text, 160);
	ruling->opinion =
	    (struct tact_opinion){.verdict = TACT_REJECT, .code = ruling->code, .text = ruling->text};
}

/* A new person, unless an earlier recipient of the message is the same one by key. */
static void add_person(struct work *work, size_t index)
{
	struct tact_ruling *ruling = &work->rulings[index];
	struct whom *whom = &work->people[work->people_count];

	*whom = (struct whom){.recipient = ruling->recipient, .key = ruling->recipient.key};
	work->ruling_of[work->people_count++] = index;
}

static void read_recipients(struct work *work)
{
	const struct tact_decide_request *request = work->request;

	for (size_t i = 0; i < request->asked_count; i++) {
		struct tact_ruling *ruling = &work->rulings[i];
		struct tact_error err;

		*ruling = (struct tact_ruling){.given = request->asked[i].given,
		    .first = i,
		    .match = work->match,
		    .facts = work->facts,
		    .decision = tact_id_random(),
		    .ring = "",
		    .code = "",
		    .text = ""};
		if (tact_facts_recipient(work->arena, work->decider->parts.identity, ruling->given,
			&ruling->recipient, &err) != TACT_OK)
			refuse_address(ruling, &err, work->arena);
		else
			add_person(work, i);
	}
}

static int compare_keys(const void *a, const void *b, void *context)
{
	const struct whom *people = context;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int order = memcmp(people[left].key.b, people[right].key.b, TACT_ID_BYTES);

	return order != 0 ? order : (left > right) - (left < right);
}

/* The same person twice is one decision: later ones point to the first and leave the list. */
static void join_duplicates(struct work *work)
{
	size_t n = work->people_count, kept = 0;
	size_t *order = tact_arena_alloc(work->arena, (n + 1) * sizeof *order);
	bool *again = tact_arena_alloc(work->arena, n + 1);

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	if (n > 1)
		qsort_r(order, n, sizeof *order, compare_keys, work->people);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (!tact_id_equal(&work->people[order[i]].key, &work->people[order[first]].key)) {
			first = i;
			continue;
		}
		again[order[i]] = true;
		work->rulings[work->ruling_of[order[i]]].first = work->ruling_of[order[first]];
	}
	for (size_t i = 0; i < n; i++) {
		if (again[i])
			continue;
		work->people[kept] = work->people[i];
		work->ruling_of[kept++] = work->ruling_of[i];
	}
	work->people_count = kept;
}

/* ---- the question, inside the store's update ---- */

/* Is a thing of this age still the one a retry means (DESIGN §5, "Idempotent counting")? */
static bool is_retry(const struct work *work, int64_t time_us, bool open)
{
	int64_t age_us = work->request->now_us - time_us;

	return age_us < (open ? work->rules->retry_window_s * 1000000 : HOUR_US);
}

static struct tact_contact *find_contact(
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

/* Asks about one person; the ruling gets opinion, fate and words. */
static void consider(struct work *work, size_t person, struct tact_dossier *dossier,
    const struct tact_claim *claim, bool has_contact, const struct tact_id *contact_id)
{
	struct tact_ruling *ruling = &work->rulings[work->ruling_of[person]];
	int64_t now_us = work->request->now_us;
	struct candidate candidate = {
	    .rules = work->rules,
	    .stream = work->match.stream,
	    .facts = &work->facts,
	    .view = whom_view(work->arena, &work->people[person], dossier),
	    .contact_id = has_contact ? *contact_id : (struct tact_id){{0}},
	    .claim_id = claim != NULL ? claim->id : ruling->claim,
	    .now_us = now_us,
	    .made_us = claim != NULL ? claim->made_us : now_us,
	    .not_after_us =
		claim != NULL ? claim->not_after_us : now_us + work->match.stream->max_delay_s * 1000000,
	    .released = work->released,
	    .no_waiting = work->no_waiting,
	    .automatic = work->automatic,
	};

	candidate_ask(work->arena, &candidate, &ruling->opinion);
	ruling->fate = fate_of(work->rules, &ruling->opinion);
	ruling->monitored = work->rules->monitor;
	ruling->code = ruling->opinion.code;
	ruling->text = ruling->opinion.text;
	ruling->tempfail = work->match.stream->delay_by == TACT_DELAY_TEMPFAIL;
	ruling->hold = work->match.stream->quarantine_by == TACT_QUARANTINE_HOLD;
	ruling->add_notify = work->request->asked[work->ruling_of[person]].notify == NULL;
}

static void leave_undecided(struct tact_ruling *ruling, int result, const char *code, const char *text)
{
	ruling->fate = TACT_FATE_UNDECIDED;
	ruling->result = result;
	ruling->code = code;
	ruling->text = text;
}

/* Nothing of this message is queued anywhere: the client comes again by itself. */
static bool waits_at_client(const struct work *work, const struct tact_ruling *ruling)
{
	return ruling->fate == TACT_FATE_GATE && ruling->tempfail && work->people_count == 1;
}

static void fill_claim(struct work *work, const struct tact_ruling *ruling, const struct tact_id *contact_id,
    struct tact_claim *claim)
{
	int64_t now_us = work->request->now_us;

	if (tact_id_is_none(&claim->id)) {
		claim->id = ruling->claim;
		claim->contact_id = *contact_id;
		claim->made_us = now_us;
		claim->not_after_us = now_us + work->match.stream->max_delay_s * 1000000;
		claim->priority = work->facts.priority;
		claim->relay = work->decider->parts.host;
		claim->ring = "";
	}
	claim->state = ruling->fate == TACT_FATE_GATE	  ? TACT_CLAIM_WAITING
		       : ruling->fate == TACT_FATE_REVIEW ? TACT_CLAIM_REVIEW
							  : TACT_CLAIM_REFUSED;
	claim->facts = work->facts;
	claim->tempfail = waits_at_client(work, ruling);
	claim->open = claim->tempfail;
	claim->notify_added = ruling->add_notify;
	claim->review = ruling->fate == TACT_FATE_REVIEW ? work->review : (struct tact_id){{0}};
	claim->decision = ruling->decision;
	claim->code = ruling->code;
	claim->text = ruling->text;
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
	bool is_new = claim == NULL;

	if (is_new) {
		claim = &fresh;
		if (ruling->fate == TACT_FATE_GATE &&
		    tact_ledger_waiting(work->decider->parts.ledger, work->facts.stream) >=
			work->match.stream->max_waiting) {
			leave_undecided(ruling, TACT_REFUSED, "4.7.1",
			    "too much is waiting in this stream, try again later");
			return false;
		}
	}
	fill_claim(work, ruling, contact_id, claim);
	ruling->claim = claim->id;
	ruling->ring = claim->ring;
	work->results[person].new_waiting = is_new && ruling->fate == TACT_FATE_GATE && !claim->tempfail;
	if (is_new && !tact_dossier_add_claim(work->arena, dossier, claim)) {
		leave_undecided(
		    ruling, TACT_REFUSED, "4.7.1", "too much is waiting for this recipient, try again later");
		return false;
	}
	return true;
}

static void write_pass(struct work *work, struct tact_dossier *dossier, struct tact_contact *contact,
    struct tact_claim *claim, const struct tact_id *contact_id)
{
	if (claim != NULL) {
		claim->state = TACT_CLAIM_PASSED;
		claim->done_us = work->request->now_us;
	}
	if (contact != NULL) {
		contact->open = false;
		return;
	}
	struct tact_contact fresh = contact_of(&work->facts, contact_id, work->request->now_us);
	tact_dossier_add_contact(work->arena, dossier, &fresh);
}

/* Carries the ruling into the dossier; answers whether there is anything to write. */
static bool apply(struct work *work, size_t person, struct tact_dossier *dossier,
    struct tact_contact *contact, struct tact_claim *claim, const struct tact_id *contact_id)
{
	struct tact_ruling *ruling = &work->rulings[work->ruling_of[person]];

	switch (ruling->fate) {
	case TACT_FATE_PASS:
		write_pass(work, dossier, contact, claim, contact_id);
		return true;
	case TACT_FATE_GATE:
	case TACT_FATE_REVIEW:
		return write_claim(work, person, dossier, claim, contact_id);
	case TACT_FATE_REFUSE:
		/* Alone it is answered 550 and needs no record; among others the gate must know it. */
		if (work->people_count > 1)
			return write_claim(work, person, dossier, claim, contact_id);
		return !dossier->has_person_key;
	case TACT_FATE_UNDECIDED:
		break;
	}
	return false;
}

static bool change(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct work *work = context;
	struct person_result *result = &work->results[index];
	struct tact_ruling *ruling = &work->rulings[work->ruling_of[index]];
	struct tact_dossier dossier;
	struct tact_id contact_id;
	bool write;

	(void)store_now_us;
	*result = (struct person_result){.version_seen = now->version};
	result->result = tact_dossier_decode(work->arena, now->bytes, now->size, &dossier, NULL);
	if (result->result != TACT_OK)
		return false;
	contact_id = tact_facts_contact_id(work->request->message, &work->people[index].key);
	struct tact_contact *contact = find_contact(work, &dossier, &contact_id);
	struct tact_claim *claim = find_claim(work, &dossier, &contact_id);
	if (claim != NULL)
		result->previous = claim->decision;
	consider(work, index, &dossier, claim, contact != NULL, &contact_id);
	write = apply(work, index, &dossier, contact, claim, &contact_id);
	if (ruling->fate == TACT_FATE_UNDECIDED) {
		result->result = ruling->result;
		return false;
	}
	if (write)
		record_finish(work->arena, &work->terms, &work->people[index], &dossier, ret);
	result->has_person_key = dossier.has_person_key;
	memcpy(result->person_key, dossier.person_key, sizeof result->person_key);
	return write;
}

/* ---- after the update ---- */

/* Those who cannot be looked up are left undecided before the store is asked to write anything for them. */
static size_t drop_unresolved(struct work *work)
{
	size_t kept = 0;

	for (size_t i = 0; i < work->people_count; i++) {
		if (work->people[i].result != TACT_OK) {
			struct tact_ruling *ruling = &work->rulings[work->ruling_of[i]];
			leave_undecided(ruling, work->people[i].result, "", "");
			undecided_words(ruling->result, &ruling->code, &ruling->text);
			continue;
		}
		work->people[kept] = work->people[i];
		work->ruling_of[kept++] = work->ruling_of[i];
	}
	return kept;
}

static void update(struct work *work)
{
	size_t n = work->people_count;
	struct tact_store_key *keys = tact_arena_alloc(work->arena, (n + 1) * sizeof *keys);
	struct tact_store_answer *answers = tact_arena_alloc(work->arena, (n + 1) * sizeof *answers);

	for (size_t i = 0; i < n; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = work->people[i].key};
	if (n > 0)
		(void)tact_store_update(
		    work->decider->parts.store, keys, n, change, work, answers, work->request->deadline_ms);
	for (size_t i = 0; i < n; i++) {
		struct tact_ruling *ruling = &work->rulings[work->ruling_of[i]];
		int result = answers[i].result;

		work->results[i].version_written = answers[i].version;
		if (result == TACT_OK && work->results[i].result != TACT_OK)
			result = work->results[i].result;
		work->results[i].result = result;
		if (result == TACT_OK || result == TACT_UNCERTAIN)
			ruling->written = work->people[i].key;
		if (result == TACT_OK || ruling->fate == TACT_FATE_UNDECIDED)
			continue;
		leave_undecided(ruling, result, "", "");
		undecided_words(result, &ruling->code, &ruling->text);
	}
}

enum tact_sum tact_decide_sum(const struct tact_ruling *rulings, size_t count)
{
	size_t fates[TACT_FATE_UNDECIDED + 1] = {0}, tempfail = 0, hold = 0;

	for (size_t i = 0; i < count; i++) {
		const struct tact_ruling *ruling = &rulings[rulings[i].first];

		fates[ruling->fate]++;
		tempfail += ruling->fate == TACT_FATE_GATE && ruling->tempfail;
		hold += ruling->fate == TACT_FATE_REVIEW && ruling->hold;
	}
	if (fates[TACT_FATE_UNDECIDED] > 0 || (tempfail == count && count > 0))
		return TACT_SUM_TEMPFAIL;
	if (fates[TACT_FATE_PASS] == count)
		return TACT_SUM_CONTINUE;
	if (fates[TACT_FATE_REFUSE] == count)
		return TACT_SUM_REJECT;
	return hold == count ? TACT_SUM_HOLD : TACT_SUM_EDIT;
}

/* What Postfix is told about one recipient, given what it is told about the message. */
static const char *action_name(const struct tact_ruling *ruling, enum tact_sum sum)
{
	static const char *const rewritten[] = {[TACT_FATE_PASS] = "continue",
	    [TACT_FATE_GATE] = "gate",
	    [TACT_FATE_REVIEW] = "review",
	    [TACT_FATE_REFUSE] = "bounce",
	    [TACT_FATE_UNDECIDED] = "tempfail"};

	switch (sum) {
	case TACT_SUM_TEMPFAIL:
		return "tempfail";
	case TACT_SUM_REJECT:
		return "reject";
	case TACT_SUM_HOLD:
		return "hold";
	case TACT_SUM_CONTINUE:
	case TACT_SUM_EDIT:
		break;
	}
	return rewritten[ruling->fate];
}

static void fill_entry(struct work *work, const struct tact_ruling *ruling, enum tact_sum sum,
    const char *phase, struct tact_audit_entry *entry)
{
	evidence_common(work->rules, TACT_AUDIT_DECISION, phase, entry);
	evidence_facts(&work->facts, entry);
	evidence_message(work->request->message, entry);
	evidence_rules(work->arena, &ruling->opinion, entry);
	entry->decision = tact_id_format(work->arena, &ruling->decision);
	entry->action = action_name(ruling, sum);
	if (ruling->opinion.verdict == TACT_DELAY)
		entry->not_after_us = work->request->now_us + work->match.stream->max_delay_s * 1000000;
}

static void fill_person(struct work *work, size_t person, struct tact_audit_entry *entry)
{
	const struct person_result *result = &work->results[person];

	entry->version_seen = result->version_seen;
	entry->version_written = result->version_written;
	if (!tact_id_is_none(&result->previous))
		entry->previous = tact_id_format(work->arena, &result->previous);
	if (result->has_person_key)
		evidence_person(work->arena, result->person_key, &work->people[person].key,
		    work->people[person].recipient.address.domain, entry);
}

/* One entry per person decided, and one for each address that cannot be anybody's. */
static int append(struct work *work, const char *phase, struct tact_error *err)
{
	enum tact_sum sum = tact_decide_sum(work->rulings, work->request->asked_count);
	struct tact_audit_entry *entries = NULL;
	size_t count = 0;

	for (size_t i = 0; i < work->people_count; i++) {
		const struct tact_ruling *ruling = &work->rulings[work->ruling_of[i]];

		if (ruling->fate == TACT_FATE_UNDECIDED)
			continue;
		struct tact_audit_entry *entry = TACT_PUSH(work->arena, entries, count);
		fill_entry(work, ruling, sum, phase, entry);
		fill_person(work, i, entry);
	}
	for (size_t i = 0; i < work->request->asked_count; i++)
		if (tact_id_is_none(&work->rulings[i].recipient.key))
			fill_entry(
			    work, &work->rulings[i], sum, phase, TACT_PUSH(work->arena, entries, count));
	return evidence_append(work->decider, entries, count, work->request->now_us, err);
}

static void copy_to_duplicates(struct work *work)
{
	for (size_t i = 0; i < work->request->asked_count; i++) {
		struct tact_ruling *ruling = &work->rulings[i];

		if (ruling->first == i)
			continue;
		const char *given = ruling->given;
		size_t first = ruling->first;
		struct tact_recipient recipient = ruling->recipient;
		*ruling = work->rulings[first];
		ruling->given = given;
		ruling->first = first;
		ruling->recipient = recipient;
	}
}

static void undecide_all(struct work *work, int result)
{
	for (size_t i = 0; i < work->request->asked_count; i++) {
		struct tact_ruling *ruling = &work->rulings[i];

		if (ruling->fate == TACT_FATE_UNDECIDED)
			continue;
		leave_undecided(ruling, result, "4.3.0", "evidence cannot be written, try again later");
	}
}

static int hold_for_review(struct work *work, struct tact_error *err)
{
	struct review_ask ask = {.id = work->review,
	    .facts = &work->facts,
	    .message = work->request->message,
	    .excerpt = work->request->excerpt,
	    .now_us = work->request->now_us,
	    .deadline_ms = work->request->deadline_ms};
	size_t held = 0;

	for (size_t i = 0; i < work->people_count; i++) {
		const struct tact_ruling *ruling = &work->rulings[work->ruling_of[i]];
		bool known = false;

		if (ruling->fate != TACT_FATE_REVIEW)
			continue;
		held++;
		ask.why = ruling->text;
		for (size_t j = 0; j < ask.rings_count; j++)
			known |= tact_text_equal(ask.rings[j], ruling->ring);
		if (!known && ask.rings_count < RINGS_MAX)
			ask.rings[ask.rings_count++] = ruling->ring;
	}
	if (held == 0)
		return TACT_OK;
	int result = review_hold(work->decider, work->arena, &ask);
	return result == TACT_OK ? result
				 : tact_error_set(err, result, "the review record cannot be written");
}

static void count_in_ledger(struct work *work)
{
	for (size_t i = 0; i < work->people_count; i++) {
		const struct tact_ruling *ruling = &work->rulings[work->ruling_of[i]];

		if (work->results[i].result == TACT_OK && work->results[i].new_waiting)
			tact_ledger_add(
			    work->decider->parts.ledger, work->facts.stream, ring_slot(ruling->ring), 1);
	}
}

/* Has the review that this message would fall under been released already? */
static int look_at_review(struct work *work)
{
	struct tact_review review;
	bool exists;
	int result;

	if (!tact_decide_wants_body(work->decider)) /* no rule quarantines */
		return TACT_OK;
	work->review = review_id(&work->facts, work->request->message);
	result = review_read(
	    work->decider, work->arena, &work->review, &review, &exists, work->request->deadline_ms);
	work->released = result == TACT_OK && exists && review.state == TACT_REVIEW_RELEASED;
	return result;
}

/* Everything before the first question; leaves unresolvable people undecided. */
static void prepare(struct work *work)
{
	size_t n = work->request->asked_count;

	work->people = tact_arena_alloc(work->arena, (n + 1) * sizeof *work->people);
	work->ruling_of = tact_arena_alloc(work->arena, (n + 1) * sizeof *work->ruling_of);
	gather(work);
	read_recipients(work);
	whom_resolve(
	    work->decider, work->arena, work->people, work->people_count, work->request->deadline_ms);
	join_duplicates(work);
	int review = look_at_review(work);
	for (size_t i = 0; i < work->people_count; i++) {
		work->people[i].result = worst(work->people[i].result, review);
		work->rulings[work->ruling_of[i]].claim = tact_id_random();
	}
	work->people_count = drop_unresolved(work);
	work->results = tact_arena_alloc(work->arena, (work->people_count + 1) * sizeof *work->results);
}

static struct work begin(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *rulings, bool recording)
{
	struct work work = {.decider = decider,
	    .arena = arena,
	    .request = request,
	    .rulings = rulings,
	    .recording = recording,
	    .rules = tact_decider_take_rules(decider)};

	work.terms = (struct record_terms){
	    .rules = work.rules, .host = decider->parts.host, .now_us = request->now_us};
	return work;
}

void tact_decide_message(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *ret, struct tact_error *err)
{
	struct work work = begin(decider, arena, request, ret, true);
	int result;

	prepare(&work);
	tact_edge("before-update");
	update(&work);
	tact_edge("after-update");
	tact_store_last_error(decider->parts.store, err);
	result = hold_for_review(&work, err);
	if (result == TACT_OK)
		result = append(&work, "end-of-message", err);
	tact_edge("after-append");
	if (result != TACT_OK)
		undecide_all(&work, result);
	else
		count_in_ledger(&work);
	copy_to_duplicates(&work);
	if (tact_decide_sum(ret, request->asked_count) == TACT_SUM_TEMPFAIL)
		tact_decide_reopen(
		    decider, arena, ret, request->asked_count, request->now_us, request->deadline_ms);
	tact_decider_put_rules(decider, work.rules);
}

/* ---- the same without recording ---- */

static void consider_read(struct work *work, size_t person, const struct tact_record *record,
    const struct tact_store_answer *answer)
{
	struct tact_ruling *ruling = &work->rulings[work->ruling_of[person]];
	struct tact_dossier dossier;
	int result = answer->result;

	if (result == TACT_OK)
		result = tact_dossier_decode(work->arena, record->bytes, record->size, &dossier, NULL);
	if (result != TACT_OK) {
		leave_undecided(ruling, result, "", "");
		undecided_words(result, &ruling->code, &ruling->text);
		return;
	}
	struct person_result *found = &work->results[person];
	*found =
	    (struct person_result){.version_seen = record->version, .has_person_key = dossier.has_person_key};
	memcpy(found->person_key, dossier.person_key, sizeof found->person_key);
	struct tact_id contact_id = tact_facts_contact_id(work->request->message, &work->people[person].key);
	struct tact_contact *contact = find_contact(work, &dossier, &contact_id);
	consider(
	    work, person, &dossier, find_claim(work, &dossier, &contact_id), contact != NULL, &contact_id);
}

static void read_and_consider(struct work *work)
{
	size_t n = work->people_count;
	struct tact_store_key *keys = tact_arena_alloc(work->arena, (n + 1) * sizeof *keys);
	struct tact_record *records = tact_arena_alloc(work->arena, (n + 1) * sizeof *records);
	struct tact_store_answer *answers = tact_arena_alloc(work->arena, (n + 1) * sizeof *answers);

	for (size_t i = 0; i < n; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = work->people[i].key};
	if (n > 0)
		(void)tact_store_read(work->decider->parts.store, keys, n, work->arena, records, answers,
		    work->request->deadline_ms);
	for (size_t i = 0; i < n; i++)
		consider_read(work, i, &records[i], &answers[i]);
}

void tact_decide_explain(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *ret, struct tact_error *err)
{
	struct work work = begin(decider, arena, request, ret, false);

	prepare(&work);
	read_and_consider(&work);
	if (tact_decide_sum(ret, request->asked_count) == TACT_SUM_TEMPFAIL)
		tact_store_last_error(decider->parts.store, err);
	copy_to_duplicates(&work);
	tact_decider_put_rules(decider, work.rules);
}

/* ---- at RCPT ---- */

/* Only what no later header and no retry can change may be refused here: a suppression. A limit might count
 * the very mail this is a retry of. */
static bool refuses_now(const struct tact_ruling *ruling)
{
	return ruling->fate == TACT_FATE_REFUSE &&
	       (ruling->opinion.rule == NULL || ruling->opinion.rule->kind == TACT_RULE_SUPPRESSION);
}

static void ask_at_rcpt(struct work *work, struct tact_error *err)
{
	struct tact_ruling *ruling = &work->rulings[0];

	if (work->people_count == 1)
		read_and_consider(work);
	if (ruling->fate == TACT_FATE_UNDECIDED)
		return;
	if (!refuses_now(ruling)) {
		ruling->fate = TACT_FATE_PASS;
		return;
	}
	/* Somebody refused for the first time has no person key yet: the record gets one. */
	if (work->people_count == 1 && !work->results[0].has_person_key)
		update(work);
	if (ruling->fate == TACT_FATE_REFUSE && append(work, "rcpt", err) != TACT_OK)
		undecide_all(work, TACT_UNAVAILABLE);
}

void tact_decide_rcpt(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *ret)
{
	struct work work = begin(decider, arena, request, ret, false);
	struct tact_error err;

	*ret = (struct tact_ruling){
	    .given = request->asked[0].given, .fate = TACT_FATE_PASS, .ring = "", .code = "", .text = ""};
	tact_facts_match_stream(&work.rules->streams, request->message, false, &work.match);
	if (request->message->envelope.sender[0] != '\0' && work.match.certain) {
		work.people = tact_arena_alloc(arena, sizeof *work.people);
		work.ruling_of = tact_arena_alloc(arena, sizeof *work.ruling_of);
		work.results = tact_arena_alloc(arena, sizeof *work.results);
		tact_facts_gather(arena, &work.rules->streams, request->message, &work.match, &work.facts);
		read_recipients(&work);
		whom_resolve(decider, arena, work.people, work.people_count, request->deadline_ms);
		work.people_count = drop_unresolved(&work);
		ask_at_rcpt(&work, &err);
	}
	tact_decider_put_rules(decider, work.rules);
}

/* ---- taking an answer back ---- */

struct reopening {
	struct tact_arena *arena;
	struct record_terms terms;
	const struct tact_ruling **rulings;
	const struct tact_message *message;
	struct whom *people;
};

static bool reopen_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct reopening *reopening = context;
	const struct tact_ruling *ruling = reopening->rulings[index];
	struct tact_dossier dossier;
	bool changed = false;

	(void)store_now_us;
	if (tact_dossier_decode(reopening->arena, now->bytes, now->size, &dossier, NULL) != TACT_OK)
		return false;
	for (size_t i = 0; i < dossier.contacts_count; i++) {
		struct tact_contact *contact = &dossier.contacts[i];

		if (contact->time_us == reopening->terms.now_us && !contact->open &&
		    !tact_id_is_none(&contact->id))
			changed = contact->open = true;
	}
	struct tact_claim *claim =
	    tact_id_is_none(&ruling->claim) ? NULL : tact_dossier_find_claim(&dossier, &ruling->claim);
	if (claim != NULL && !claim->open) {
		changed = claim->open = true;
		if (ruling->fate == TACT_FATE_GATE && ruling->tempfail) {
			claim->tempfail = true;
			claim->ring = "";
		}
	}
	if (changed)
		record_finish(reopening->arena, &reopening->terms, &reopening->people[index], &dossier, ret);
	return changed;
}

void tact_decide_reopen(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_ruling *rulings, size_t count, int64_t now_us, int64_t deadline_ms)
{
	struct reopening reopening = {.arena = arena,
	    .terms = {
		.rules = tact_decider_take_rules(decider), .host = decider->parts.host, .now_us = now_us}};
	struct tact_store_key *keys = NULL;
	size_t n = 0, people = 0, listed = 0;

	for (size_t i = 0; i < count; i++) {
		const struct tact_ruling *ruling = &rulings[i];

		if (ruling->first != i || tact_id_is_none(&ruling->written) ||
		    (ruling->fate == TACT_FATE_GATE && ruling->tempfail && ruling->ring[0] == '\0'))
			continue;
		*TACT_PUSH(arena, keys, n) =
		    (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = ruling->written};
		*TACT_PUSH(arena, reopening.rulings, listed) = ruling;
		*TACT_PUSH(arena, reopening.people, people) = (struct whom){.recipient = ruling->recipient};
	}
	if (n > 0) {
		struct tact_store_answer *answers = tact_arena_alloc(arena, n * sizeof *answers);
		(void)tact_store_update(
		    decider->parts.store, keys, n, reopen_one, &reopening, answers, deadline_ms);
	}
	tact_decider_put_rules(decider, reopening.terms.rules);
}
