/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A message at the milter: every recipient asked, dossiers updated, evidence appended, in that order.
 */
#include <config.h>

#include <string.h>

#include "work.h"

static struct tact_store_key *keys_of(const struct work *work)
{
	struct tact_store_key *keys = tact_arena_alloc(work->arena, (work->people_count + 1) * sizeof *keys);

	for (size_t i = 0; i < work->people_count; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = work->people[i].key};
	return keys;
}

static struct tact_store_answer *new_answers(const struct work *work)
{
	return tact_arena_alloc(work->arena, (work->people_count + 1) * sizeof(struct tact_store_answer));
}

static void take_answers(struct work *work, const struct tact_store_answer *answers)
{
	for (size_t i = 0; i < work->people_count; i++) {
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

static void update(struct work *work)
{
	struct tact_store_answer *answers = new_answers(work);

	(void)tact_store_update(work->decider->parts.store, keys_of(work), work->people_count, work_change,
	    work, answers, work->request->deadline_ms);
	take_answers(work, answers);
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
	evidence_released(work->arena, &ruling->opinion, work->reviewed, entry);
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
static size_t list_entries(struct work *work, const char *phase, const struct tact_audit_entry **ret_entries)
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
	*ret_entries = entries;
	return count;
}

static int append(struct work *work, const char *phase, struct tact_error *err)
{
	const struct tact_audit_entry *entries;
	size_t count = list_entries(work, phase, &entries);

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

/* Of the message, or of those of its recipients whom rules about people hold. */
static int hold_for_review(struct work *work, bool about_people, struct tact_error *err)
{
	struct review_ask ask = {.about_people = about_people,
	    .facts = &work->facts,
	    .message = work->request->message,
	    .excerpt = work->reading.excerpt != NULL ? work->reading.excerpt : work->request->excerpt,
	    .now_us = work->request->now_us,
	    .deadline_ms = work->request->deadline_ms};
	size_t held = 0;

	for (size_t i = 0; i < work->people_count; i++) {
		const struct tact_ruling *ruling = &work->rulings[work->ruling_of[i]];
		bool known = false;

		if (ruling->fate != TACT_FATE_REVIEW ||
		    review_is_about_people(&ruling->opinion) != about_people)
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
	ask.id = review_id(&work->facts, work->request->message, about_people);
	int result = review_hold(work->decider, work->arena, &ask);
	return result == TACT_OK ? result
				 : tact_error_set(err, result, "the review record cannot be written");
}

/* ---- from the commit to the evidence without waking the message in between ---- */

static size_t make_entries(void *context, const struct tact_audit_entry **ret_entries)
{
	return list_entries(context, "end-of-message", ret_entries);
}

static void end_append(void *context, int result)
{
	struct work *work = context;

	work->appended = result;
	tact_store_resume(work->turn);
}

/* Nothing but its evidence stands between this message and its answer. */
static bool is_settled(const struct work *work)
{
	bool settled = work->people_count > 0 && work->decider->parts.audit != NULL;

	for (size_t i = 0; i < work->people_count; i++) {
		enum tact_fate fate = work->rulings[work->ruling_of[i]].fate;
		settled &= fate != TACT_FATE_UNDECIDED && fate != TACT_FATE_REVIEW &&
			   !whom_is_alias(&work->people[i]);
	}
	return settled;
}

/* In the store's thread. */
static void hand_over(void *context, struct tact_store_turn *turn)
{
	struct work *work = context;

	take_answers(work, work->answers);
	work->answered = true;
	tact_edge("after-update");
	if (!is_settled(work)) {
		tact_store_resume(turn);
		return;
	}
	work->turn = turn;
	tact_audit_append_later(work->decider->parts.audit, &(struct tact_audit_later){.make = make_entries,
								.done = end_append,
								.context = work,
								.now_us = work->request->now_us,
								.err = work->err});
}

/* Written to whom the alias led to then: leads it elsewhere now, what was wished and sent there meanwhile was
 * not asked about, nor may the contact have come along. The retry finds the right one. */
static void check_aliases(struct work *work)
{
	whom_check(work->decider, work->arena, work->people, work->people_count, work->request->deadline_ms);
	for (size_t i = 0; i < work->people_count; i++) {
		struct tact_ruling *ruling = &work->rulings[work->ruling_of[i]];

		if (work->people[i].result == TACT_OK || ruling->fate == TACT_FATE_UNDECIDED)
			continue;
		work->results[i].sent = false;
		leave_undecided(ruling, work->people[i].result, "", "");
		undecided_words(work->people[i].result, &ruling->code, &ruling->text);
	}
}

static int update_and_append(struct work *work, struct tact_error *err)
{
	int result;

	work->answers = new_answers(work);
	work->err = err;
	(void)tact_store_update_then(work->decider->parts.store, keys_of(work), work->people_count,
	    work_change, hand_over, work, work->answers, work->request->deadline_ms);
	if (work->turn != NULL)
		return work->appended;
	if (!work->answered)
		take_answers(work, work->answers);
	check_aliases(work);
	tact_store_last_error(work->decider->parts.store, err);
	result = hold_for_review(work, false, err);
	if (result == TACT_OK)
		result = hold_for_review(work, true, err);
	return result == TACT_OK ? append(work, "end-of-message", err) : result;
}

/* What was written, whatever comes of it: those who wait at the client after all are counted off by reopen.
 */
static void count_in_ledger(struct work *work)
{
	for (size_t i = 0; i < work->people_count; i++) {
		const struct person_result *result = &work->results[i];

		if (result->result == TACT_OK && result->waiting_change != 0)
			tact_ledger_add(work->decider->parts.ledger, work->facts.stream,
			    ring_slot(result->ring), result->waiting_change);
	}
}

/* What came of the campaign: what was sent, and whether a breaker stopped it. */
static void count_for_campaign(struct work *work)
{
	for (size_t i = 0; i < work->people_count; i++) {
		const struct tact_ruling *ruling = &work->rulings[work->ruling_of[i]];

		if (work->results[i].result == TACT_OK && work->results[i].sent)
			health_count(work->decider, work->facts.campaign, HEALTH_SENT, work->request->now_us);
		campaigns_note(work->decider, work->rules, work->terms.campaigns, &work->facts,
		    &ruling->opinion, work->request->now_us);
	}
}

static struct work begin(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *rulings, bool recording)
{
	struct work work = {.decider = decider,
	    .arena = arena,
	    .request = request,
	    .rulings = rulings,
	    .recording = recording,
	    .rules = request->rules != NULL ? request->rules : tact_decider_take_rules(decider)};

	work.terms = (struct record_terms){.rules = work.rules,
	    .campaigns = campaigns_take(decider, request->deadline_ms, NULL),
	    .host = decider->parts.host,
	    .now_us = request->now_us};
	return work;
}

static void end(const struct work *work)
{
	tact_decider_put_campaigns(work->decider, work->terms.campaigns);
	if (work->request->rules == NULL)
		tact_decider_put_rules(work->decider, work->rules);
}

static void say_doubt(struct work *work, struct tact_error *err)
{
	if (work->doubt != NULL)
		campaigns_say_doubt(work->arena, work->facts.campaign, work->doubt, err);
}

static void decide_outgoing(struct work *work, struct tact_error *err)
{
	int result;

	work_prepare(work);
	tact_edge("before-update");
	result = update_and_append(work, err);
	tact_edge("after-append");
	count_in_ledger(work);
	count_for_campaign(work);
	if (result != TACT_OK)
		undecide_all(work, result);
	copy_to_duplicates(work);
	say_doubt(work, err);
}

void tact_decide_message(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *ret, struct tact_error *err)
{
	struct work work = begin(decider, arena, request, ret, true);

	work_gather(&work);
	if (work.match.stream->direction == TACT_IN)
		inbound_decide(&work, err);
	else
		decide_outgoing(&work, err);
	if (tact_decide_sum(ret, request->asked_count) == TACT_SUM_TEMPFAIL)
		tact_decide_reopen(
		    decider, arena, ret, request->asked_count, request->now_us, request->deadline_ms);
	end(&work);
}

/* ---- the same without recording ---- */

static void consider_read(struct work *work, size_t person, const struct tact_record *record, int result)
{
	struct tact_ruling *ruling = &work->rulings[work->ruling_of[person]];
	struct tact_dossier dossier;

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
	work_consider(work, person, &dossier);
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
		consider_read(work, i, &records[i], answers[i].result);
}

void tact_decide_explain(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *ret, struct tact_error *err)
{
	struct work work = begin(decider, arena, request, ret, false);

	work_gather(&work);
	if (work.match.stream->direction == TACT_IN) {
		inbound_decide(&work, err);
	} else {
		work_prepare(&work);
		read_and_consider(&work);
		copy_to_duplicates(&work);
	}
	if (tact_decide_sum(ret, request->asked_count) == TACT_SUM_TEMPFAIL)
		tact_store_last_error(decider->parts.store, err);
	say_doubt(&work, err);
	end(&work);
}

/* ---- at RCPT ---- */

/* Only what no later header and no retry can change may be refused here: a suppression, unless the person
 * permits a list, campaign or offer that only a header names. A limit might count the very mail this is a
 * retry of. */
static bool refuses_now(const struct work *work)
{
	const struct tact_ruling *ruling = &work->rulings[0];
	bool may_be_lifted = work->people_count == 1 && work->results[0].header_may_lift;

	return ruling->fate == TACT_FATE_REFUSE && !may_be_lifted &&
	       (ruling->opinion.rule == NULL || ruling->opinion.rule->kind == TACT_RULE_SUPPRESSION);
}

static void ask_at_rcpt(struct work *work, struct tact_error *err)
{
	struct tact_ruling *ruling = &work->rulings[0];

	if (work->people_count == 1 && work->people[0].has_own)
		consider_read(work, 0, &work->people[0].own, TACT_OK);
	else if (work->people_count == 1)
		read_and_consider(work);
	if (ruling->fate == TACT_FATE_UNDECIDED) {
		tact_store_last_error(work->decider->parts.store, err);
		return;
	}
	if (!refuses_now(work)) {
		ruling->fate = TACT_FATE_PASS;
		return;
	}
	/* Somebody refused for the first time has no person key yet: the record gets one. */
	if (work->people_count == 1 && !work->results[0].has_person_key) {
		update(work);
		if (ruling->fate == TACT_FATE_UNDECIDED)
			tact_store_last_error(work->decider->parts.store, err);
		else if (!refuses_now(work)) /* the wish was ended in between */
			ruling->fate = TACT_FATE_PASS;
	}
	if (ruling->fate == TACT_FATE_REFUSE && append(work, "rcpt", err) != TACT_OK)
		undecide_all(work, TACT_UNAVAILABLE);
}

void tact_decide_rcpt(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *ret, struct tact_error *err)
{
	struct work work = begin(decider, arena, request, ret, false);

	*ret = (struct tact_ruling){
	    .given = request->asked[0].given, .fate = TACT_FATE_PASS, .ring = "", .code = "", .text = ""};
	work.no_message = true;
	tact_facts_match_stream(&work.rules->streams, request->message, false, &work.match);
	if (request->message->envelope.sender[0] != '\0' && work.match.certain &&
	    work.match.stream->direction == TACT_OUT) {
		work_prepare_rcpt(&work);
		ask_at_rcpt(&work, err);
	}
	end(&work);
}
