/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What people and imports bring, wishes, contacts, profiles and consents: into the dossier, durable, with an
 * entry of evidence each. What each kind does to a dossier is told in change_*.c.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "alias.h"
#include "campaigns.h"
#include "change.h"

/* One change to one record. What ends or clears something goes to every key the person may stand under. */
struct step {
	size_t change; /* index of the caller's */
	struct tact_id key;
	bool also; /* one of the other keys: nothing is made there, only ended and cleared */
	/* Was changed; or stands as it was asked for, in a record written of late. */
	bool changed, known;
	const char *campaign; /* whose mail brought the wish, "" and NULL for none */
};

struct changing {
	struct tact_decider *decider;
	struct tact_arena *arena;
	const struct tact_recipient *recipients;
	const struct tact_change *changes;
	struct tact_changed *ret;
	struct record_terms terms;
	struct whom *people; /* as the caller's recipients */
	struct step *steps;  /* sorted by key */
	size_t steps_count;
	struct tact_store_key *keys;
	size_t keys_count;
	size_t *first_step; /* of each key, and one past the end */
	struct record_found *found;
};

struct record_found {
	int result;
	uint64_t version_seen;
	bool changed, has_person_key;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
	struct recovery_wishes wishes; /* as they are now */
};

/* ---- the change itself ---- */

static bool apply_profile(struct changing *changing, const struct step *step, struct tact_dossier *dossier)
{
	struct tact_profile_change change = changing->changes[step->change].profile;

	if (step->also)
		change = change_profile_clearing(changing->arena, &change);
	return change_profile(changing->arena, &dossier->profile, &change);
}

static const struct tact_dossier *view_of(
    const struct changing *changing, const struct step *step, const struct tact_dossier *dossier)
{
	return whom_view(changing->arena, &changing->people[step->change], dossier);
}

bool change_apply(struct tact_arena *arena, const struct tact_dossier *view, struct tact_dossier *dossier,
    const struct tact_change *change, int64_t now_us)
{
	switch (change->kind) {
	case TACT_CHANGE_SUPPRESS:
		return change_suppress(arena, view, dossier, &change->suppression, now_us);
	case TACT_CHANGE_UNSUPPRESS:
		return change_unsuppress(dossier, change, now_us);
	case TACT_CHANGE_CONTACT:
		return change_contact(arena, view, dossier, &change->contact);
	case TACT_CHANGE_PROFILE:
		return change_profile(arena, &dossier->profile, &change->profile);
	case TACT_CHANGE_CONSENT:
		return change_consent(arena, view, dossier, &change->consent);
	case TACT_CHANGE_END_CONSENT:
		return change_end_consent(dossier, change, now_us);
	case TACT_CHANGE_ALIAS:
	case TACT_CHANGES:
		break;
	}
	return false;
}

static bool apply(struct changing *changing, const struct step *step, struct tact_dossier *dossier)
{
	const struct tact_change *change = &changing->changes[step->change];

	if (change->kind == TACT_CHANGE_PROFILE)
		return apply_profile(changing, step, dossier);
	return change_apply(
	    changing->arena, view_of(changing, step, dossier), dossier, change, changing->terms.now_us);
}

/* Ending what nobody ended is worth no entry. */
static bool is_known(const struct changing *changing, const struct step *step, struct tact_dossier *dossier)
{
	const struct tact_change *change = &changing->changes[step->change];

	if (step->changed || step->also)
		return false;
	if (change->kind == TACT_CHANGE_UNSUPPRESS)
		return change_was_unsuppressed(dossier, change);
	return change->kind != TACT_CHANGE_END_CONSENT || change_consent_was_ended(dossier, change);
}

#define BROUGHT_US (30 * 86400 * INT64_C(1000000)) /* a wish says nothing of mail that is older */

static const char *latest_campaign(const struct tact_dossier *dossier, int64_t before_us)
{
	const struct tact_contact *latest = NULL;

	for (size_t i = 0; i < dossier->contacts_count; i++) {
		const struct tact_contact *contact = &dossier->contacts[i];

		if (contact->direction == TACT_OUT && contact->time_us <= before_us &&
		    contact->time_us > before_us - BROUGHT_US &&
		    (latest == NULL || contact->time_us >= latest->time_us))
			latest = contact;
	}
	return latest != NULL ? latest->campaign : "";
}

static const char *campaign_of(const struct tact_change *change, const struct tact_dossier *dossier)
{
	enum health_count what;

	if (change->kind != TACT_CHANGE_SUPPRESS || !health_of_reason(change->suppression.reason, &what))
		return "";
	if (change->campaign != NULL)
		return change->campaign;
	return change->suppression.scope.kind == TACT_SCOPE_CAMPAIGN
		   ? change->suppression.scope.value
		   : latest_campaign(dossier, change->suppression.time_us);
}

/* Not only ends and clears what may stand there. */
static bool writes_there(const struct changing *changing, size_t key)
{
	for (size_t i = changing->first_step[key]; i < changing->first_step[key + 1]; i++)
		if (!changing->steps[i].also)
			return true;
	return false;
}

static bool change_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct changing *changing = context;
	struct record_found *found = &changing->found[index];
	struct tact_dossier dossier;
	const struct whom *whom = NULL;

	bool recent = (int64_t)now->version > store_now_us - changing->terms.rules->retry_window_s * 1000000;

	*found = (struct record_found){.version_seen = now->version};
	found->result = tact_dossier_decode(changing->arena, now->bytes, now->size, &dossier, NULL);
	if (found->result == TACT_OK && writes_there(changing, index) &&
	    !tact_id_is_none(&dossier.stands_for))
		found->result = TACT_UNAVAILABLE; /* it became an alias since it was looked up */
	if (found->result != TACT_OK)
		return false;
	for (size_t i = changing->first_step[index]; i < changing->first_step[index + 1]; i++) {
		struct step *step = &changing->steps[i];

		step->changed = apply(changing, step, &dossier);
		step->campaign = campaign_of(&changing->changes[step->change], &dossier);
		step->known = recent && is_known(changing, step, &dossier);
		found->changed |= step->changed;
		if (!step->also)
			whom = &changing->people[step->change];
	}
	if (found->changed)
		record_finish(changing->arena, &changing->terms, whom, &dossier, ret);
	recovery_encode(changing->arena, &dossier, &found->wishes);
	found->has_person_key = dossier.has_person_key;
	memcpy(found->person_key, dossier.person_key, sizeof found->person_key);
	return found->changed;
}

/* ---- around the update ---- */

static bool ends_something(enum tact_change_kind kind)
{
	return kind == TACT_CHANGE_UNSUPPRESS || kind == TACT_CHANGE_END_CONSENT;
}

static bool reaches_others(enum tact_change_kind kind)
{
	return ends_something(kind) || kind == TACT_CHANGE_PROFILE;
}

static void list_steps(struct changing *changing, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct whom *whom = &changing->people[i];

		changing->ret[i] = (struct tact_changed){.result = whom->result};
		if (whom->result != TACT_OK || changing->changes[i].kind == TACT_CHANGE_ALIAS)
			continue;
		*TACT_PUSH(changing->arena, changing->steps, changing->steps_count) =
		    (struct step){.change = i, .key = whom->key};
		for (size_t j = 0; reaches_others(changing->changes[i].kind) && j < whom->asked_count; j++)
			*TACT_PUSH(changing->arena, changing->steps, changing->steps_count) =
			    (struct step){.change = i, .key = whom->asked[j], .also = true};
	}
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *left = a, *right = b;
	int order = memcmp(left->key.b, right->key.b, TACT_ID_BYTES);

	return order != 0 ? order : (left->change > right->change) - (left->change < right->change);
}

static void group_by_key(struct changing *changing)
{
	size_t n = changing->steps_count;

	if (n > 1)
		qsort(changing->steps, n, sizeof *changing->steps, compare_steps);
	changing->keys = tact_arena_alloc(changing->arena, (n + 1) * sizeof *changing->keys);
	changing->first_step = tact_arena_alloc(changing->arena, (n + 2) * sizeof *changing->first_step);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && tact_id_equal(&changing->steps[i].key, &changing->steps[i - 1].key))
			continue;
		changing->first_step[changing->keys_count] = i;
		changing->keys[changing->keys_count++] =
		    (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = changing->steps[i].key};
	}
	changing->first_step[changing->keys_count] = n;
	changing->found =
	    tact_arena_alloc(changing->arena, (changing->keys_count + 1) * sizeof *changing->found);
}

static void take_answers(struct changing *changing, const struct tact_store_answer *answers)
{
	for (size_t k = 0; k < changing->keys_count; k++) {
		int result = worst(answers[k].result, changing->found[k].result);

		for (size_t i = changing->first_step[k]; i < changing->first_step[k + 1]; i++) {
			struct tact_changed *changed = &changing->ret[changing->steps[i].change];

			changed->result = worst(changed->result, result);
			changed->changed |= changing->steps[i].changed;
			if (!changing->steps[i].also)
				changed->version = answers[k].version;
		}
	}
}

static const char *const change_names[TACT_CHANGES] = {[TACT_CHANGE_SUPPRESS] = "suppress",
    [TACT_CHANGE_UNSUPPRESS] = "unsuppress",
    [TACT_CHANGE_CONTACT] = "contact",
    [TACT_CHANGE_ALIAS] = "alias",
    [TACT_CHANGE_PROFILE] = "profile",
    [TACT_CHANGE_CONSENT] = "consent",
    [TACT_CHANGE_END_CONSENT] = "end-consent"};

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* "phone in at 2026-11-20T10:00:00Z, negative": what of a contact has no clear field. */
static const char *contact_words(struct tact_arena *arena, const struct tact_contact *contact)
{
	static const char *const sentiments[] = {
	    [TACT_NEUTRAL] = "", [TACT_POSITIVE] = ", positive", [TACT_NEGATIVE] = ", negative"};

	return tact_arena_printf(arena, "%s %s at %s%s%s%s", tact_facts_channel_name(contact->channel),
	    contact->direction == TACT_IN ? "in" : "out", tact_text_format_time(arena, contact->time_us),
	    sentiments[contact->sentiment], *contact->offer != '\0' ? ", offer " : "", contact->offer);
}

/* What goes under seal: who asked, why, and what has no clear field of its own. */
static const char *words_of(struct tact_arena *arena, const struct tact_change *change)
{
	const char *by = or_empty(change->by), *why = or_empty(change->why);

	if (change->kind == TACT_CHANGE_PROFILE)
		return tact_arena_printf(arena, "by %s: %s%s%s", by,
		    change_profile_words(arena, &change->profile), *why != '\0' ? "; " : "", why);
	if (change->kind == TACT_CHANGE_CONSENT)
		return tact_arena_printf(arena, "by %s: %s%s%s%s", by,
		    change->consent.imported ? "imported, " : "", or_empty(change->consent.source),
		    *change->consent.proof != '\0' ? ", proof " : "", change->consent.proof);
	if (change->kind == TACT_CHANGE_CONTACT)
		return tact_arena_printf(arena, "by %s: %s", by, contact_words(arena, &change->contact));
	return tact_arena_printf(arena, "by %s: %s", by, why);
}

static void weigh(struct tact_arena *arena, const struct tact_change *change, struct tact_audit_weighed *ret)
{
	bool consent = change->kind == TACT_CHANGE_CONSENT || change->kind == TACT_CHANGE_END_CONSENT;
	const struct tact_suppression *suppression = &change->suppression;

	*ret = (struct tact_audit_weighed){
	    .scope = tact_dossier_format_scope(arena, consent ? &change->consent.scope : &suppression->scope),
	    .time_us = consent ? change->consent.time_us : suppression->time_us};
	if (change->kind == TACT_CHANGE_SUPPRESS)
		ret->reason = tact_dossier_reason_name(suppression->reason);
	else if (change->kind == TACT_CHANGE_CONSENT)
		ret->reason = tact_dossier_basis_name(change->consent.basis);
}

static const char *or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

static void describe(
    struct changing *changing, const struct tact_change *change, struct tact_audit_entry *entry)
{
	entry->action = change_names[change->kind];
	entry->text = words_of(changing->arena, change);
	if (change->kind == TACT_CHANGE_PROFILE)
		return;
	if (change->kind == TACT_CHANGE_CONTACT) {
		entry->purpose = tact_facts_purpose_name(change->contact.purpose);
		entry->stream = or_null(change->contact.stream);
		entry->owner = or_null(change->contact.owner);
		entry->brand = or_null(change->contact.brand);
		entry->campaign = or_null(change->contact.campaign);
		return;
	}
	struct tact_audit_weighed *weighed = tact_arena_alloc(changing->arena, sizeof *weighed);
	weigh(changing->arena, change, weighed);
	entry->weighed = weighed;
	entry->weighed_count = 1;
	entry->until_us =
	    change->kind == TACT_CHANGE_CONSENT ? change->consent.until_us : change->suppression.until_us;
}

/* A change whose entry could not be written is repaired by asking for it again: what is known already gets an
 * entry too, while the record is young. */
static bool is_told(const struct changing *changing, const struct step *step)
{
	int result = changing->ret[step->change].result;

	return (result == TACT_OK || result == TACT_ABSENT) && (step->changed || step->known);
}

/* What somebody wants since this call, with the first of his entries: what each of a thousand rows about one
 * person left would fill the disk. What was not changed is told as of now: it is so still, or again. */
static void seal_wishes(
    struct changing *changing, size_t key, struct tact_audit_entry **entries, size_t *count)
{
	struct recovery_wishes wishes = changing->found[key].wishes;
	uint64_t now = (uint64_t)changing->terms.now_us, version = (*entries)[*count - 1].version_written;

	wishes.key = changing->keys[key].id;
	wishes.version = changing->found[key].changed || version > now ? version : now;
	recovery_seal(changing->arena, changing->decider->parts.identity, &wishes, changing->terms.now_us,
	    entries, count);
}

static int append(struct changing *changing, struct tact_error *err)
{
	struct tact_audit_entry *entries = NULL;
	size_t count = 0;

	for (size_t k = 0; k < changing->keys_count; k++) {
		const struct record_found *found = &changing->found[k];
		bool sealed = false;

		for (size_t i = changing->first_step[k]; i < changing->first_step[k + 1]; i++) {
			const struct step *step = &changing->steps[i];
			struct tact_audit_entry *entry;

			if (!is_told(changing, step))
				continue;
			entry = TACT_PUSH(changing->arena, entries, count);
			evidence_common(changing->terms.rules, TACT_AUDIT_CHANGE, "command", entry);
			describe(changing, &changing->changes[step->change], entry);
			if (step->known)
				entry->text =
				    tact_arena_printf(changing->arena, "%s (known already)", entry->text);
			entry->version_seen = found->version_seen;
			entry->version_written = changing->ret[step->change].version;
			if (found->has_person_key)
				evidence_person(changing->arena, found->person_key, &step->key,
				    changing->people[step->change].recipient.address.domain, entry);
			if (!sealed && changing->changes[step->change].kind != TACT_CHANGE_CONTACT) {
				seal_wishes(changing, k, &entries, &count);
				sealed = true;
			}
		}
	}
	return evidence_append(changing->decider, entries, count, changing->terms.now_us, err);
}

/* Wishes that are new tell how their campaigns fare. A verb ends soon: what it counted is written at once. */
static void count_for_campaigns(struct changing *changing)
{
	struct tact_decider *decider = changing->decider;
	enum health_count what;
	bool any = false;

	for (size_t i = 0; i < changing->steps_count; i++) {
		const struct step *step = &changing->steps[i];
		const struct tact_suppression *wish = &changing->changes[step->change].suppression;

		if (!step->changed || step->also || changing->ret[step->change].result != TACT_OK ||
		    step->campaign == NULL || *step->campaign == '\0' ||
		    !health_of_reason(wish->reason, &what))
			continue;
		health_count(decider, step->campaign, what, changing->terms.now_us);
		any = true;
	}
	if (any && decider->parts.writer == NULL)
		(void)health_flush(decider, changing->terms.now_us, NULL);
}

static struct changing begin(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipients, const struct tact_change *changes, size_t count, int64_t now_us,
    int64_t deadline_ms, struct tact_changed *ret)
{
	struct changing changing = {.decider = decider,
	    .arena = arena,
	    .recipients = recipients,
	    .changes = changes,
	    .ret = ret,
	    .people = tact_arena_alloc(arena, (count + 1) * sizeof *changing.people),
	    .terms = {.rules = tact_decider_take_rules(decider),
		.campaigns = campaigns_take(decider, deadline_ms, NULL),
		.host = decider->parts.host,
		.now_us = now_us}};

	for (size_t i = 0; i < count; i++)
		changing.people[i].recipient = recipients[i];
	whom_resolve(decider, arena, changing.people, count, deadline_ms);
	list_steps(&changing, count);
	group_by_key(&changing);
	return changing;
}

/* Written to whom the alias led to then: leads it elsewhere now, that may not have come along. Asked again,
 * it finds the right one. What was written has its entry all the same. */
static int take_moved(struct changing *changing, size_t count, struct tact_error *err)
{
	int result = TACT_OK;

	for (size_t i = 0; i < count; i++) {
		struct tact_changed *changed = &changing->ret[i];
		int moved = changing->people[i].result;

		if (changing->changes[i].kind == TACT_CHANGE_ALIAS ||
		    worst(changed->result, moved) == changed->result)
			continue;
		changed->result = moved;
		result =
		    worst(result, tact_error_set(err, moved,
				      "whom it stands for changed just now, or is not known; try again"));
	}
	return result;
}

/* Ending what is not there is worth an answer of its own. */
static int sum_up(const struct changing *changing, size_t count)
{
	int result = TACT_OK;

	for (size_t i = 0; i < count; i++) {
		struct tact_changed *changed = &changing->ret[i];

		if (changed->result == TACT_OK && !changed->changed &&
		    ends_something(changing->changes[i].kind))
			changed->result = TACT_ABSENT;
		result = worst(result, changed->result);
	}
	return result;
}

int tact_decide_change(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipients, const struct tact_change *changes, size_t count, int64_t now_us,
    int64_t deadline_ms, struct tact_changed *ret, struct tact_error *err)
{
	struct changing changing =
	    begin(decider, arena, recipients, changes, count, now_us, deadline_ms, ret);
	int result = TACT_OK, stores, appended, moved;

	if (changing.keys_count > 0) {
		struct tact_store_answer *answers =
		    tact_arena_alloc(arena, changing.keys_count * sizeof *answers);
		result = tact_store_update(decider->parts.store, changing.keys, changing.keys_count,
		    change_one, &changing, answers, deadline_ms);
		take_answers(&changing, answers);
		whom_check(decider, arena, changing.people, count, deadline_ms);
	}
	for (size_t i = 0; i < count; i++)
		if (changes[i].kind == TACT_CHANGE_ALIAS && ret[i].result == TACT_OK)
			ret[i].result = alias_change(
			    decider, arena, &changing.terms, &recipients[i], &changes[i], &ret[i], err);
	stores = worst(result, sum_up(&changing, count));
	if (stores == TACT_UNAVAILABLE || stores == TACT_UNCERTAIN || stores == TACT_CORRUPT)
		tact_store_last_error(decider->parts.store, err);
	appended = append(&changing, err);
	moved = take_moved(&changing, count, err);
	count_for_campaigns(&changing);
	tact_decider_put_campaigns(decider, changing.terms.campaigns);
	tact_decider_put_rules(decider, changing.terms.rules);
	return worst(worst(stores, appended), moved);
}

int tact_decide_change_preview(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipients, const struct tact_change *changes, size_t count, int64_t now_us,
    struct tact_changed *ret, struct tact_error *err)
{
	struct changing changing = begin(decider, arena, recipients, changes, count, now_us, 0, ret);
	size_t n = changing.keys_count;
	struct tact_record *records = tact_arena_alloc(arena, (n + 1) * sizeof *records);
	struct tact_store_answer *answers = tact_arena_alloc(arena, (n + 1) * sizeof *answers);
	struct tact_store_put unused;

	if (n > 0)
		(void)tact_store_read(decider->parts.store, changing.keys, n, arena, records, answers, 0);
	for (size_t k = 0; k < n; k++) {
		if (answers[k].result == TACT_OK)
			(void)change_one(&changing, k, &records[k], now_us, &unused);
		answers[k].version = records[k].version;
	}
	take_answers(&changing, answers);
	int result = sum_up(&changing, count);
	if (result == TACT_UNAVAILABLE)
		tact_store_last_error(decider->parts.store, err);
	tact_decider_put_campaigns(decider, changing.terms.campaigns);
	tact_decider_put_rules(decider, changing.terms.rules);
	return result;
}

int tact_decide_view(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipient, struct tact_dossier *ret, struct tact_id *ret_key,
    uint64_t *ret_version, struct tact_error *err)
{
	struct whom whom = {.recipient = *recipient};
	struct tact_record record;
	struct tact_store_answer answer;
	struct tact_dossier own;
	int result;

	whom_resolve(decider, arena, &whom, 1, 0);
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = whom.key};
	result = whom.result;
	if (result == TACT_OK)
		result = tact_store_read(decider->parts.store, &key, 1, arena, &record, &answer, 0);
	if (result != TACT_OK) {
		tact_store_last_error(decider->parts.store, err);
		return result;
	}
	result = tact_dossier_decode(arena, record.bytes, record.size, &own, err);
	if (result != TACT_OK)
		return result;
	*ret = *whom_view(arena, &whom, &own);
	*ret_key = whom.key;
	*ret_version = record.version;
	return TACT_OK;
}
