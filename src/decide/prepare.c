/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Before the first question: which stream carries the message, who the recipients are, and who of them is the
 * same person.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "work.h"

/* Personal mail of one sender and subject beyond personal_max a day is bulk. */
static void unmask_bulk(struct work *work)
{
	const struct tact_stream *stream = work->match.stream;
	const struct tact_decide_request *request = work->request;
	int64_t sum;

	if (stream->purpose != TACT_PERSONAL || work->match.strictest)
		return;
	sum = volume_of(work->decider->volume, request->message, request->asked, request->asked_count,
	    work->recording, request->now_us);
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

void work_gather(struct work *work)
{
	const struct tact_decide_request *request = work->request;

	tact_facts_match_stream(&work->rules->streams, request->message, true, &work->match);
	if (work->match.stream->direction == TACT_OUT) {
		unmask_bulk(work);
		judge_null_sender(work);
	}
	tact_facts_gather(work->arena, &work->rules->streams, request->message, &work->match, &work->facts);
	if (work->automatic) {
		work->facts.purpose = TACT_TRANSACTIONAL;
		work->facts.counts = false;
		work->facts.exempt = true;
	}
}

/* The connection began under rules that did not look into messages. */
static bool misses_body(const struct work *work)
{
	return work->recording && !work->automatic && work->request->body == NULL &&
	       tact_policy_wants_content(work->rules, &work->facts);
}

/* What is done to the header when the message is let on. */
static const struct tact_header_edits *edits_of(struct work *work)
{
	struct tact_header_edits *edits = tact_arena_alloc(work->arena, sizeof *edits);

	if (work->automatic)
		return NULL;
	tact_policy_edit_headers(work->arena, work->rules, &work->facts, work->request->message, edits);
	return edits->add_count + edits->strip_count > 0 ? edits : NULL;
}

static void read_content(struct work *work)
{
	if (work->automatic)
		return;
	content_read(work->arena, work->rules, &work->facts, work->request->message, work->request->body,
	    &work->reading);
}

/* There is nobody to keep a claim for; among others it still needs a name in the queue that Postfix can read.
 */
static void refuse_address(struct work *work, struct tact_ruling *ruling, const struct tact_error *err)
{
	ruling->claim = tact_id_random();
	ruling->ring = RING_NO_ADDRESS;
	ruling->fate = TACT_FATE_REFUSE;
	ruling->code = "5.1.3";
	ruling->text = tact_text_printable(work->arena, err->text, 160);
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

/* Keys cost several digests each: what was found out at RCPT is not found out again. */
static int find_recipient(
    struct work *work, const struct tact_asked *asked, struct tact_recipient *ret, struct tact_error *err)
{
	if (asked->known == NULL)
		return tact_facts_recipient(
		    work->arena, work->decider->parts.identity, asked->given, ret, err);
	*ret = *asked->known;
	return TACT_OK;
}

static void read_recipients(struct work *work)
{
	const struct tact_decide_request *request = work->request;
	const struct tact_header_edits *edits = work->no_message ? NULL : edits_of(work);

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
		    .text = "",
		    .edits = edits};
		if (find_recipient(work, &request->asked[i], &ruling->recipient, &err) != TACT_OK)
			refuse_address(work, ruling, &err);
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

/* A relay whose clock is off would count into the wrong windows and let go too early. */
static bool has_wrong_clock(const struct work *work)
{
	const struct tact_decider_parts *parts = &work->decider->parts;

	return work->recording && tact_store_check_clock(parts->store, parts->max_skew_us, NULL) != TACT_OK;
}

/* Those who cannot be looked up are left undecided before the store is asked to write anything for them. */
static size_t drop_unresolved(struct work *work)
{
	size_t kept = 0;
	bool unread = misses_body(work), off = has_wrong_clock(work);

	for (size_t i = 0; i < work->people_count; i++) {
		if (work->people[i].result == TACT_OK && off) {
			leave_undecided(
			    &work->rulings[work->ruling_of[i]], TACT_UNAVAILABLE, "4.3.0", CLOCK_WORDS);
			continue;
		}
		if (work->people[i].result == TACT_OK && unread) {
			leave_undecided(&work->rulings[work->ruling_of[i]], TACT_REFUSED, "4.3.0",
			    "rules that read the message came into force meanwhile, try again later");
			continue;
		}
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

/* Has this review been released already? */
static int look_at(struct work *work, bool about_people, struct tact_review *ret)
{
	struct tact_id id = review_id(&work->facts, work->request->message, about_people);
	bool exists;
	int result = review_read(work->decider, work->arena, &id, ret, &exists, work->request->deadline_ms);

	if (result != TACT_OK || !exists)
		*ret = (struct tact_review){.state = TACT_REVIEW_HELD};
	else if (ret->state != TACT_REVIEW_DISCARDED && work->reviewed == NULL)
		work->reviewed = review_words(work->arena, ret);
	return result;
}

/* The reviews that this message would fall under. */
static int look_at_reviews(struct work *work)
{
	struct tact_review review = {.state = TACT_REVIEW_HELD};
	int result = TACT_OK;

	if (can_quarantine(work->rules))
		result = look_at(work, false, &review);
	work->released = review.state == TACT_REVIEW_RELEASED;
	if (result == TACT_OK && can_hold_people(work->rules))
		result = look_at(work, true, &work->people_review);
	return result;
}

/* Not to know whether a campaign may go on is no leave to let it. */
static int look_at_campaign(struct work *work)
{
	if (!work->automatic)
		work->doubt = campaigns_doubt(work->rules, work->terms.campaigns, &work->facts);
	return work->doubt != NULL ? TACT_UNAVAILABLE : TACT_OK;
}

void work_prepare(struct work *work)
{
	size_t n = work->request->asked_count;

	work->people = tact_arena_alloc(work->arena, (n + 1) * sizeof *work->people);
	work->ruling_of = tact_arena_alloc(work->arena, (n + 1) * sizeof *work->ruling_of);
	read_content(work);
	read_recipients(work);
	whom_resolve(
	    work->decider, work->arena, work->people, work->people_count, work->request->deadline_ms);
	join_duplicates(work);
	int known = worst(look_at_reviews(work), look_at_campaign(work));
	for (size_t i = 0; i < work->people_count; i++) {
		work->people[i].result = worst(work->people[i].result, known);
		work->rulings[work->ruling_of[i]].claim = tact_id_random();
	}
	work->people_count = drop_unresolved(work);
	work->results = tact_arena_alloc(work->arena, (work->people_count + 1) * sizeof *work->results);
}

void work_prepare_rcpt(struct work *work)
{
	work->people = tact_arena_alloc(work->arena, sizeof *work->people);
	work->ruling_of = tact_arena_alloc(work->arena, sizeof *work->ruling_of);
	work->results = tact_arena_alloc(work->arena, sizeof *work->results);
	tact_facts_gather(
	    work->arena, &work->rules->streams, work->request->message, &work->match, &work->facts);
	read_recipients(work);
	work->people[0].wants_own = true;
	whom_resolve(
	    work->decider, work->arena, work->people, work->people_count, work->request->deadline_ms);
	work->people_count = drop_unresolved(work);
}
