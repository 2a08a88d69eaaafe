/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Mail that comes in from a person to our desks: every recipient is accepted, and who wrote it is remembered,
 * so that a conversation opens and renews itself. What machines send opens none. Nothing is read of what it
 * says.
 */
#include <config.h>

#include <string.h>

#include "work.h"

/* ---- who wrote it ---- */

/* Fields that people's mail does not have; value NULL: whatever it says. "no" of Auto-Submitted is a person's
 * (RFC 3834); the others are what automatic repliers before and beside it say of themselves. */
static bool is_machines(const struct tact_header *header)
{
	static const struct {
		const char *name, *value;
	} marks[] = {{"Precedence", "bulk"}, {"Precedence", "list"}, {"Precedence", "junk"},
	    {"Precedence", "auto_reply"}, {"X-Autoreply", NULL}, {"X-Autorespond", NULL},
	    {"X-Auto-Response-Suppress", NULL}, {"List-Id", NULL}, {"List-Unsubscribe", NULL}};

	if (tact_text_equal_nocase(header->name, "Auto-Submitted"))
		return !tact_text_starts_nocase(header->value, "no") ||
		       (header->value[2] != '\0' && strchr(" ;\t(", header->value[2]) == NULL);
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (tact_text_equal_nocase(header->name, marks[i].name) &&
		    (marks[i].value == NULL || tact_text_starts_nocase(header->value, marks[i].value)))
			return true;
	return false;
}

/* Why the message opens no conversation, or NULL. Each field is looked at, also of an ambiguous message: one
 * that says "machine" is enough. */
static const char *why_no_conversation(const struct tact_message *message)
{
	if (message->envelope.sender[0] == '\0')
		return "null sender";
	if (message->automatic || message->platform)
		return message->automatic ? "answer of a machine" : "list or platform headers";
	for (size_t i = 0; i < message->headers_count; i++)
		if (is_machines(&message->headers[i]))
			return message->headers[i].name;
	return NULL;
}

/* The one From mailbox; where there is none or a message is ambiguous, who the envelope says. */
static const char *who_wrote(const struct tact_message *message)
{
	return message->ambiguous == NULL && message->from != NULL ? message->from : message->envelope.sender;
}

/* ---- the contact ---- */

struct inbound {
	struct work *work;
	struct whom person;
	struct person_result result;
};

/* A tact_store_change_fn. It writes also when the contact is known: an answer rests on a commit of its own.
 */
static bool remember(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct inbound *inbound = context;
	struct work *work = inbound->work;
	struct person_result *result = &inbound->result;
	struct tact_dossier dossier;
	struct tact_id id;
	struct tact_contact fresh;

	(void)index;
	(void)store_now_us;
	*result = (struct person_result){.version_seen = now->version};
	result->result = tact_dossier_decode(work->arena, now->bytes, now->size, &dossier, NULL);
	if (result->result == TACT_OK && !tact_id_is_none(&dossier.stands_for))
		result->result = TACT_UNAVAILABLE; /* it became an alias since it was looked up */
	if (result->result != TACT_OK)
		return false;
	record_withdraw_lapsed(work->arena, &work->terms, &dossier);
	id = work_contact_id(work, &inbound->person, &dossier);
	fresh = contact_of(&work->facts, &id, work->request->now_us);
	fresh.direction = TACT_IN;
	work_remember(work, &dossier, work_find_contact(work, &dossier, &id), &fresh);
	record_finish(work->arena, &work->terms, &inbound->person, &dossier, ret);
	result->has_person_key = dossier.has_person_key;
	memcpy(result->person_key, dossier.person_key, sizeof result->person_key);
	return true;
}

/* TACT_ABSENT when what wrote it has no address that can be anybody's. */
static int write_contact(struct inbound *inbound)
{
	struct work *work = inbound->work;
	struct tact_decider *decider = work->decider;
	struct whom *person = &inbound->person;
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER};
	struct tact_store_answer answer;

	if (tact_facts_recipient(work->arena, decider->parts.identity, who_wrote(work->request->message),
		&person->recipient, NULL) != TACT_OK)
		return TACT_ABSENT;
	if (tact_store_check_clock(decider->parts.store, decider->parts.max_skew_us, NULL) != TACT_OK)
		return TACT_REFUSED;
	whom_resolve(decider, work->arena, person, 1, work->request->deadline_ms);
	if (person->result != TACT_OK)
		return person->result;
	key.id = person->key;
	(void)tact_store_update(
	    decider->parts.store, &key, 1, remember, inbound, &answer, work->request->deadline_ms);
	inbound->result.version_written = answer.version;
	if (answer.result == TACT_OK || answer.result == TACT_UNCERTAIN)
		work->rulings[0].written = person->key;
	return answer.result == TACT_OK ? inbound->result.result : answer.result;
}

/* ---- the answer ---- */

static void fill_rulings(struct work *work)
{
	const struct tact_decide_request *request = work->request;
	struct tact_id decision = tact_id_random();

	for (size_t i = 0; i < request->asked_count; i++)
		work->rulings[i] = (struct tact_ruling){.given = request->asked[i].given,
		    .first = i,
		    .fate = TACT_FATE_PASS,
		    .opinion = {.verdict = TACT_ACCEPT, .code = "2.0.0", .text = "mail that comes in"},
		    .match = work->match,
		    .facts = work->facts,
		    .decision = decision,
		    .ring = "",
		    .code = "2.0.0",
		    .text = "mail that comes in"};
}

static void undecide(struct work *work, int result, const char *code, const char *text)
{
	for (size_t i = 0; i < work->request->asked_count; i++)
		leave_undecided(&work->rulings[i], result, code, text);
}

static int append(const struct inbound *inbound, const char *words, struct tact_error *err)
{
	struct work *work = inbound->work;
	struct tact_audit_entry entry = {0};

	evidence_common(work->rules, TACT_AUDIT_DECISION, "inbound", &entry);
	evidence_facts(&work->facts, &entry);
	evidence_message(work->request->message, &entry);
	entry.decision = tact_id_format(work->arena, &work->rulings[0].decision);
	entry.verdict = tact_policy_verdict_name(TACT_ACCEPT);
	entry.action = "continue";
	entry.text = words;
	entry.version_seen = inbound->result.version_seen;
	entry.version_written = inbound->result.version_written;
	if (inbound->result.has_person_key)
		evidence_person(work->arena, inbound->result.person_key, &inbound->person.key,
		    inbound->person.recipient.address.domain, &entry);
	return evidence_append(work->decider, &entry, 1, work->request->now_us, err);
}

static void record(struct work *work, struct tact_error *err)
{
	struct inbound inbound = {.work = work};
	const char *why = why_no_conversation(work->request->message), *code, *text;
	int result = why == NULL ? write_contact(&inbound) : TACT_ABSENT;

	tact_store_last_error(work->decider->parts.store, err);
	if (result == TACT_REFUSED) {
		undecide(work, TACT_UNAVAILABLE, "4.3.0", CLOCK_WORDS);
		return;
	}
	if (result != TACT_OK && result != TACT_ABSENT) {
		undecided_words(result, &code, &text);
		undecide(work, result, code, text);
		return;
	}
	text = result == TACT_OK ? "direction in: a conversation"
				 : tact_arena_printf(work->arena, "direction in: no conversation, %s",
				       why != NULL ? why : "the sender is no address");
	result = append(&inbound, text, err);
	if (result != TACT_OK)
		undecide(work, result, "4.3.0", "evidence cannot be written, try again later");
}

void inbound_decide(struct work *work, struct tact_error *err)
{
	fill_rulings(work);
	if (work->recording && work->request->asked_count > 0)
		record(work, err);
}
