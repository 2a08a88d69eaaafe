/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What Postfix keeps for us, asked for again at the gate: is it due, what do today's dossier and rules say,
 * and has it passed.
 */
#include <config.h>

#include <string.h>

#include "private.h"

/* One delivery attempt at the gate being decided. */
struct pass {
	struct tact_decider *decider;
	struct tact_arena *arena;
	const struct tact_rule_set *rules;
	struct record_terms terms;
	const struct tact_message *message; /* NULL when only passing is recorded */
	struct content_reading reading;
	const char *excerpt;
	int64_t now_us, deadline_ms;
	struct tact_waiting **waiting; /* those asked about, one per person[] */
	struct whom *people;
	size_t count;
	struct pass_result *results;
};

struct pass_result {
	int result;
	struct tact_claim claim; /* as found, then as written; strings in the arena */
	struct tact_opinion opinion;
	struct tact_facts facts;
	bool found, released, discarded;
	int waiting_change; /* goes to the ledger */
	struct tact_id decision;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
	bool has_person_key;
	uint64_t version_seen, version_written;
};

static void say(struct tact_waiting *waiting, enum tact_look look, const char *code, const char *text)
{
	waiting->look = look;
	waiting->code = code;
	waiting->text = text;
}

static void say_failure(struct tact_waiting *waiting, int result)
{
	waiting->look = TACT_LOOK_FAIL;
	waiting->fate = TACT_FATE_UNDECIDED;
	undecided_words(result, &waiting->code, &waiting->text);
}

/* "2026-11-24 09:00 UTC": what an admin reads in postqueue -p. */
static const char *clock_text(struct tact_arena *arena, int64_t time_us)
{
	char *text = tact_text_format_time(arena, time_us - time_us % 1000000);
	size_t length = strlen(text);

	if (length >= 20 && text[10] == 'T') {
		text[10] = ' ';
		text[strncmp(text + 16, ":00", 3) == 0 ? 16 : 19] = '\0';
	}
	return tact_arena_printf(arena, "%s UTC", text);
}

/* The rule's words end with the place they were said with, and the place may have moved since: an admin must
 * not read two of them. */
static const char *without_place(struct tact_arena *arena, const char *why)
{
	static const char place[] = "next place ";
	const char *at = NULL;

	for (const char *next = strstr(why, place); next != NULL; next = strstr(next + 1, place))
		at = next;
	if (at == NULL)
		return why;
	if (at - why >= 2 && at[-2] == ',' && at[-1] == ' ')
		at -= 2;
	return tact_arena_strndup(arena, why, (size_t)(at - why));
}

static void say_place(
    struct tact_arena *arena, struct tact_waiting *waiting, const char *why, int64_t place_us)
{
	const char *words = without_place(arena, why);

	waiting->until_us = place_us;
	say(waiting, TACT_LOOK_WAIT, "4.7.1",
	    tact_arena_printf(arena, "<%s> waits%s%s; next place %s",
		tact_text_printable(arena, waiting->given, 100), *words == '\0' ? "" : ": ", words,
		clock_text(arena, place_us)));
}

/* ---- RCPT at the gate: a read ---- */

static int read_person(struct tact_decider *decider, struct tact_arena *arena, const char *given,
    struct whom *whom, int64_t deadline_ms)
{
	int result = tact_facts_recipient(arena, decider->parts.identity, given, &whom->recipient, NULL);

	if (result != TACT_OK)
		return result;
	whom_resolve(decider, arena, whom, 1, deadline_ms);
	return whom->result;
}

static void look_at_review(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_claim *claim, struct tact_waiting *waiting, int64_t deadline_ms)
{
	struct tact_review review;
	bool exists;
	int result = review_read(decider, arena, &claim->review, &review, &exists, deadline_ms);

	if (result != TACT_OK) {
		say_failure(waiting, result);
		return;
	}
	if (exists && review.state != TACT_REVIEW_HELD) {
		waiting->look = TACT_LOOK_TAKE;
		return;
	}
	say(waiting, TACT_LOOK_WAIT, "4.7.1", claim->text);
}

static void look_at_place(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_dossier *view, const struct tact_claim *claim, struct tact_waiting *waiting,
    int64_t now_us)
{
	int64_t *places = tact_arena_alloc(arena, (view->claims_count + 1) * sizeof *places), place = 0;

	tact_policy_places(arena, rules, NULL, view, now_us, places);
	for (size_t i = 0; i < view->claims_count; i++)
		if (tact_id_equal(&view->claims[i].id, &claim->id))
			place = places[i];
	/* No place at all, or lapsed: the whole question is asked again. */
	if (place == INT64_MAX || place <= now_us)
		waiting->look = TACT_LOOK_TAKE;
	else
		say_place(arena, waiting, claim->text, place);
}

static void look_at_claim(struct tact_decider *decider, struct tact_arena *arena, const struct whom *whom,
    struct tact_dossier *dossier, struct tact_waiting *waiting, int64_t now_us, int64_t deadline_ms)
{
	const struct tact_claim *claim = tact_dossier_find_claim(dossier, &waiting->claim);
	const struct tact_rule_set *rules;

	if (claim == NULL) {
		say(waiting, TACT_LOOK_UNKNOWN, "4.7.1",
		    "not known here as waiting; ask the operator of this relay");
		return;
	}
	waiting->notify_added = claim->notify_added;
	waiting->queue_id = claim->queue_id;
	switch (claim->state) {
	case TACT_CLAIM_PASSED:
	case TACT_CLAIM_BOUNCED:
		waiting->look = TACT_LOOK_DROP;
		return;
	case TACT_CLAIM_REVIEW:
		look_at_review(decider, arena, claim, waiting, deadline_ms);
		return;
	case TACT_CLAIM_WAITING:
		rules = tact_decider_take_rules(decider);
		look_at_place(arena, rules, whom_view(arena, whom, dossier), claim, waiting, now_us);
		tact_decider_put_rules(decider, rules);
		return;
	default:
		waiting->look = TACT_LOOK_TAKE;
	}
}

/* What the milter refused among others, because it is nobody's address, has no claim: its ring says so. */
static void look_at_no_address(struct tact_arena *arena, struct tact_waiting *waiting)
{
	if (waiting->ring != NULL && tact_text_equal(waiting->ring, RING_NO_ADDRESS))
		say(waiting, TACT_LOOK_REFUSE, "5.1.3",
		    tact_arena_printf(arena, "<%s> is not an address that mail can be decided for",
			tact_text_printable(arena, waiting->given, 100)));
	else
		say(waiting, TACT_LOOK_UNKNOWN, "4.1.3", "not an address of ours");
}

/* The record that holds the claim: the person's own, as a rule. */
static int read_home(struct tact_decider *decider, struct tact_arena *arena, struct whom *whom,
    const struct tact_id *claim, struct tact_dossier *ret, int64_t deadline_ms)
{
	struct tact_id home;
	int result = whom_read(decider, arena, &whom->key, ret, deadline_ms);

	if (result != TACT_OK || tact_dossier_find_claim(ret, claim) != NULL)
		return result;
	result = whom_find_claim(decider, arena, whom, claim, deadline_ms, &home);
	if (result != TACT_OK)
		return result == TACT_ABSENT ? TACT_OK : result;
	whom_write_to(decider, arena, whom, &home, deadline_ms);
	return whom->result != TACT_OK ? whom->result : whom_read(decider, arena, &home, ret, deadline_ms);
}

void tact_decide_look(struct tact_decider *decider, struct tact_arena *arena, struct tact_waiting *waiting,
    int64_t now_us, int64_t deadline_ms, struct tact_error *err)
{
	struct whom whom = {0};
	struct tact_dossier dossier;
	int result = read_person(decider, arena, waiting->given, &whom, deadline_ms);

	waiting->code = waiting->text = waiting->queue_id = "";
	waiting->fate = TACT_FATE_UNDECIDED;
	if (result == TACT_INVALID) {
		look_at_no_address(arena, waiting);
		return;
	}
	if (result == TACT_OK)
		result = read_home(decider, arena, &whom, &waiting->claim, &dossier, deadline_ms);
	waiting->key = whom.key;
	if (result != TACT_OK)
		say_failure(waiting, result);
	else
		look_at_claim(decider, arena, &whom, &dossier, waiting, now_us, deadline_ms);
	if (waiting->look == TACT_LOOK_FAIL)
		tact_store_last_error(decider->parts.store, err);
}

/* ---- the message again, inside the store's update ---- */

/* The stream kept in the claim, as configured today; matched again from the message when it is gone. */
static const struct tact_stream *stream_of(
    struct pass *pass, const struct tact_claim *claim, struct tact_facts *facts)
{
	const struct tact_stream_set *set = &pass->rules->streams;
	const struct tact_stream *stream = NULL;
	struct tact_match match;

	for (size_t i = 0; i < set->streams_count; i++)
		if (tact_text_equal_nocase(set->streams[i].name, claim->facts.stream))
			stream = &set->streams[i];
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
	    .not_after_us = claim->not_after_us,
	    .released = result->released,
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
static void write_contact(struct pass *pass, struct tact_dossier *dossier, const struct tact_claim *claim,
    struct tact_contact *own, const struct tact_facts *facts)
{
	if (own != NULL) {
		own->time_us = pass->now_us;
		return;
	}
	struct tact_contact contact = contact_of(facts, &claim->contact_id, pass->now_us);
	tact_dossier_add_contact(pass->arena, dossier, &contact);
}

static void carry_into_claim(
    struct pass *pass, size_t person, struct tact_dossier *dossier, struct tact_claim *claim)
{
	struct pass_result *result = &pass->results[person];
	struct tact_waiting *waiting = pass->waiting[person];
	struct tact_contact *own = own_contact(dossier, claim);
	bool waited = claim->state == TACT_CLAIM_WAITING;

	/* A reviewer's no, and a bounce that was promised, are no matter of the rules: monitor mode does not
	 * undo them. */
	waiting->fate = result->discarded || claim->state == TACT_CLAIM_REFUSED
			    ? TACT_FATE_REFUSE
			    : fate_of(pass->rules, &result->opinion);
	waiting->code = result->opinion.code;
	waiting->text = result->opinion.text;
	claim->decision = result->decision;
	switch (waiting->fate) {
	case TACT_FATE_PASS:
		claim->state = TACT_CLAIM_PASSING;
		write_contact(pass, dossier, claim, own, &result->facts);
		break;
	case TACT_FATE_GATE:
		claim->state = TACT_CLAIM_WAITING;
		claim->text = waiting_for(&result->opinion);
		claim->asked_us = pass->now_us;
		if (own != NULL)
			own->time_us = pass->now_us;
		claim->bumps++;
		say_place(pass->arena, waiting, claim->text, result->opinion.until_us);
		break;
	case TACT_FATE_REVIEW:
		claim->state = TACT_CLAIM_REVIEW;
		claim->review = review_id(&result->facts, pass->message);
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

static bool take_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct pass *pass = context;
	struct pass_result *result = &pass->results[index];
	struct tact_waiting *waiting = pass->waiting[index];
	struct tact_dossier dossier;

	(void)store_now_us;
	result->version_seen = now->version;
	result->found = false;
	result->waiting_change = 0;
	result->result = tact_dossier_decode(pass->arena, now->bytes, now->size, &dossier, NULL);
	if (result->result != TACT_OK)
		return false;
	struct tact_claim *claim = tact_dossier_find_claim(&dossier, &waiting->claim);
	if (claim == NULL) {
		say(waiting, TACT_LOOK_UNKNOWN, "4.7.1",
		    "not known here as waiting; ask the operator of this relay");
		return false;
	}
	if (claim->state == TACT_CLAIM_PASSED || claim->state == TACT_CLAIM_BOUNCED) {
		waiting->look = TACT_LOOK_DROP;
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
	carry_into_claim(pass, index, &dossier, claim);
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
		if (result == TACT_OK) {
			whom_write_to(pass->decider, pass->arena, &whom, &waiting[i].key, pass->deadline_ms);
			result = whom.result;
		}
		if (result != TACT_OK) {
			say_failure(&waiting[i], result);
			continue;
		}
		if (contains_key(pass, &whom.key)) {
			waiting[i].fate = TACT_FATE_UNDECIDED;
			say(&waiting[i], TACT_LOOK_WAIT, "4.7.1", "waits for another mail to this person");
			continue;
		}
		waiting[i].key = whom.key;
		pass->waiting[pass->count] = &waiting[i];
		pass->results[pass->count].decision = tact_id_random();
		pass->people[pass->count++] = whom;
	}
}

static int read_review_of(struct pass *pass, size_t person)
{
	struct pass_result *result = &pass->results[person];
	struct tact_dossier dossier;
	struct tact_review review;
	bool exists = false;
	int read =
	    whom_read(pass->decider, pass->arena, &pass->people[person].key, &dossier, pass->deadline_ms);

	if (read != TACT_OK)
		return read;
	const struct tact_claim *claim = tact_dossier_find_claim(&dossier, &pass->waiting[person]->claim);
	if (claim == NULL)
		return TACT_OK;
	/* Not held yet, but the rest of the message or campaign may have been, and released. */
	bool held = !tact_id_is_none(&claim->review);
	if (!held && !can_quarantine(pass->rules))
		return TACT_OK;
	struct tact_id id = held ? claim->review : review_id(&claim->facts, pass->message);
	read = review_read(pass->decider, pass->arena, &id, &review, &exists, pass->deadline_ms);
	result->released = read == TACT_OK && exists && review.state == TACT_REVIEW_RELEASED;
	result->discarded = held && read == TACT_OK && exists && review.state == TACT_REVIEW_DISCARDED;
	return read;
}

/* What a reviewer said of it. Whoever's review cannot be read is left out: not to know of a
 * discard would be to pass the mail. */
static void read_reviews(struct pass *pass)
{
	size_t kept = 0;

	for (size_t i = 0; i < pass->count; i++) {
		int result = read_review_of(pass, i);

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

static struct pass begin(
    struct tact_decider *decider, struct tact_arena *arena, size_t count, int64_t now_us, int64_t deadline_ms)
{
	struct pass pass = {.decider = decider,
	    .arena = arena,
	    .now_us = now_us,
	    .deadline_ms = deadline_ms,
	    .rules = tact_decider_take_rules(decider),
	    .waiting = tact_arena_alloc(arena, (count + 1) * sizeof *pass.waiting),
	    .people = tact_arena_alloc(arena, (count + 1) * sizeof *pass.people),
	    .results = tact_arena_alloc(arena, (count + 1) * sizeof *pass.results)};

	pass.terms =
	    (struct record_terms){.rules = pass.rules, .host = decider->parts.host, .now_us = now_us};
	return pass;
}

static void update(struct pass *pass, tact_store_change_fn fn)
{
	struct tact_store_key *keys = tact_arena_alloc(pass->arena, (pass->count + 1) * sizeof *keys);
	struct tact_store_answer *answers =
	    tact_arena_alloc(pass->arena, (pass->count + 1) * sizeof *answers);

	if (pass->count == 0)
		return;
	for (size_t i = 0; i < pass->count; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = pass->people[i].key};
	(void)tact_store_update(
	    pass->decider->parts.store, keys, pass->count, fn, pass, answers, pass->deadline_ms);
	for (size_t i = 0; i < pass->count; i++) {
		struct pass_result *result = &pass->results[i];

		result->version_written = answers[i].version;
		result->result = worst(result->result, answers[i].result);
		if (result->result != TACT_OK)
			say_failure(pass->waiting[i], result->result);
	}
}

static void fill_entry(
    struct pass *pass, size_t i, enum tact_audit_kind kind, const char *phase, struct tact_audit_entry *entry)
{
	const struct pass_result *result = &pass->results[i];

	evidence_common(pass->rules, kind, phase, entry);
	entry->previous = tact_id_format(pass->arena, &result->claim.decision);
	entry->version_seen = result->version_seen;
	entry->version_written = result->version_written;
	if (result->has_person_key)
		evidence_person(pass->arena, result->person_key, &pass->people[i].key,
		    pass->people[i].recipient.address.domain, entry);
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
		fill_entry(pass, i, TACT_AUDIT_DECISION, "gate", entry);
		evidence_facts(&result->facts, entry);
		evidence_message(pass->message, entry);
		evidence_rules(pass->arena, &result->opinion, entry);
		entry->decision = tact_id_format(pass->arena, &result->decision);
		entry->action = gate_action(pass->waiting[i]->fate);
		entry->not_after_us = result->claim.not_after_us;
	}
	return evidence_append(pass->decider, entries, count, pass->now_us, err);
}

static void hold_anew(struct pass *pass, size_t i)
{
	const struct pass_result *result = &pass->results[i];
	struct review_ask ask = {.id = review_id(&result->facts, pass->message),
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

void tact_decide_take(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_message *message, const struct tact_body *body, const char *excerpt,
    struct tact_waiting *waiting, size_t count, int64_t now_us, int64_t deadline_ms, struct tact_error *err)
{
	struct pass pass = begin(decider, arena, count, now_us, deadline_ms);

	pass.message = message;
	content_read(arena, pass.rules, NULL, message, body, &pass.reading);
	pass.excerpt = pass.reading.excerpt != NULL ? pass.reading.excerpt : excerpt;
	list_people(&pass, waiting, count, TACT_LOOK_TAKE);
	read_reviews(&pass);
	tact_edge("gate-before-update");
	update(&pass, take_one);
	tact_edge("gate-after-update");
	tact_store_last_error(decider->parts.store, err);
	settle(&pass, append_decisions(&pass, err));
	tact_edge("gate-after-append");
	/* A rule's text ends with its rules. */
	for (size_t i = 0; i < count; i++) {
		waiting[i].code = waiting[i].code != NULL ? tact_arena_strdup(arena, waiting[i].code) : NULL;
		waiting[i].text = waiting[i].text != NULL ? tact_arena_strdup(arena, waiting[i].text) : NULL;
	}
	tact_decider_put_rules(decider, pass.rules);
}

/* ---- passed ---- */

static bool pass_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct pass *pass = context;
	struct pass_result *result = &pass->results[index];
	struct tact_dossier dossier;

	(void)store_now_us;
	result->version_seen = now->version;
	result->found = false;
	result->result = tact_dossier_decode(pass->arena, now->bytes, now->size, &dossier, NULL);
	if (result->result != TACT_OK)
		return false;
	struct tact_claim *claim = tact_dossier_find_claim(&dossier, &pass->waiting[index]->claim);
	if (claim == NULL)
		return false;
	result->found = true;
	result->claim = *claim;
	result->has_person_key = dossier.has_person_key;
	memcpy(result->person_key, dossier.person_key, sizeof result->person_key);
	claim->state =
	    pass->waiting[index]->fate == TACT_FATE_REFUSE ? TACT_CLAIM_BOUNCED : TACT_CLAIM_PASSED;
	claim->done_us = pass->now_us;
	record_finish(pass->arena, &pass->terms, &pass->people[index], &dossier, ret);
	return true;
}

static int append_outcomes(
    struct pass *pass, const char *queue_id, const char *reinjected_id, struct tact_error *err)
{
	struct tact_audit_entry *entries = NULL;
	size_t count = 0;

	for (size_t i = 0; i < pass->count; i++) {
		if (pass->results[i].result != TACT_OK || !pass->results[i].found)
			continue;
		struct tact_audit_entry *entry = TACT_PUSH(pass->arena, entries, count);
		fill_entry(pass, i, TACT_AUDIT_OUTCOME, "release", entry);
		entry->action = pass->waiting[i]->fate == TACT_FATE_REFUSE ? "bounced" : "reinjected";
		entry->queue_id = queue_id;
		entry->reinjected_id = reinjected_id;
	}
	return evidence_append(pass->decider, entries, count, pass->now_us, err);
}

static bool has_next_hop(const struct tact_waiting *waiting)
{
	return waiting->look == TACT_LOOK_TAKE &&
	       (waiting->fate == TACT_FATE_PASS || waiting->fate == TACT_FATE_REFUSE);
}

int tact_decide_passed(struct tact_decider *decider, struct tact_arena *arena, struct tact_waiting *waiting,
    size_t count, const char *queue_id, const char *reinjected_id, int64_t now_us, int64_t deadline_ms,
    struct tact_error *err)
{
	struct pass pass = begin(decider, arena, count, now_us, deadline_ms);
	int result = TACT_OK;

	for (size_t i = 0; i < count; i++) {
		if (!has_next_hop(&waiting[i]))
			continue;
		pass.waiting[pass.count] = &waiting[i];
		pass.people[pass.count] = (struct whom){.key = waiting[i].key};
		(void)tact_facts_recipient(arena, decider->parts.identity, waiting[i].given,
		    &pass.people[pass.count].recipient, NULL);
		pass.count++;
	}
	tact_edge("gate-before-passed");
	update(&pass, pass_one);
	tact_edge("gate-after-passed");
	for (size_t i = 0; i < pass.count; i++)
		result = worst(result, pass.results[i].result);
	if (result != TACT_OK)
		tact_store_last_error(decider->parts.store, err);
	else
		result = append_outcomes(&pass, queue_id, reinjected_id, err);
	tact_decider_put_rules(decider, pass.rules);
	return result;
}
