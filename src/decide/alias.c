/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One more name for a person: a second address, a phone number or an old key that from now on stands for
 * another dossier. One hop: an alias of an alias is led on, and what led to the new alias is led on with it.
 *
 * What counts is brought to the person first, then the alias leads there, and last its own record is left:
 * emptied of what went over, with a mark that makes whoever looked it up before look again. Only a record
 * that nobody wrote meanwhile is left; else it is brought anew. So nothing that counts, waits or forbids ever
 * stands where mail to the person does not look.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "alias.h"
#include "alias_record.h"

/* One record whose contents go over. */
struct source {
	struct tact_id key;
	bool stays; /* it is somebody's who goes on: copied, not moved */
	uint64_t version;
	struct tact_dossier dossier, earlier; /* as read last, and the time before */
	bool again;			      /* earlier went over already */
	bool late;			      /* it was written since it was read */
};

struct aliasing {
	struct tact_decider *decider;
	struct tact_arena *arena;
	const struct record_terms *terms;
	const struct tact_change *change;
	const struct tact_recipient *recipient; /* the alias, with its other keys */
	struct tact_id alias, target;		/* target none: there is none yet, or no more */
	struct tact_id into; /* whom it is brought to: the target, or the alias that ends */
	bool ends;
	uint64_t version_seen, version_written;
	struct recovery_wishes wishes; /* of into, as they are now */
	bool has_person_key;	       /* the target's, before anything went over */
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
	int result;		   /* of reading a dossier inside the store's update */
	struct tact_dossier found; /* into, before anything went over */
	bool again;		   /* something did */
	struct source *sources;
	size_t sources_count;
	struct tact_id *led_here; /* other aliases that point to one of those that move */
	size_t led_here_count;
};

/* ---- alias records ---- */

/* Where some records are to lead to, and the bytes of each. */
struct pointing {
	struct alias_record alias;
	bool led_on; /* under which key they were made stays as it is */
	uint8_t (*bytes)[ALIAS_RECORD_BYTES];
};

static bool point_to(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct pointing *pointing = context;
	struct alias_record alias = pointing->alias;
	uint8_t *bytes = pointing->bytes[index];
	size_t size;

	(void)store_now_us;
	if (pointing->led_on)
		alias.made_under = alias_record_made_under(now);
	size = alias_record_print(&alias, bytes);
	if (now->size == size && (size == 0 || memcmp(now->bytes, bytes, size) == 0))
		return false;
	*ret = (struct tact_store_put){.bytes = bytes, .size = size};
	return true;
}

/* Whoever is named by more than a key has one under every secret; of a mere key nobody can tell, once there
 * was more than one secret. */
static struct tact_id made_under(const struct aliasing *aliasing)
{
	const struct tact_keyring *keyring = aliasing->decider->parts.identity->keyring;

	if (aliasing->recipient->also_count == 0 && tact_facts_keyring_count(keyring) > 1)
		return (struct tact_id){{0}};
	return tact_facts_keyring_fingerprint(keyring, 0);
}

/* The target of KEY, none when it is no alias; its version. */
static int read_alias(
    struct aliasing *aliasing, const struct tact_id *key, struct tact_id *ret, uint64_t *ret_version)
{
	struct tact_store_key store_key = {.kind = TACT_STORE_ALIAS, .id = *key};
	struct tact_record record;
	struct tact_store_answer answer;
	int result = tact_store_read(
	    aliasing->decider->parts.store, &store_key, 1, aliasing->arena, &record, &answer, 0);

	*ret = (struct tact_id){{0}};
	if (result != TACT_OK)
		return result;
	*ret_version = record.version;
	return alias_record_read(&record, ret);
}

static bool is_moved(const struct aliasing *aliasing, const struct tact_id *key)
{
	for (size_t i = 0; i < aliasing->sources_count; i++)
		if (!aliasing->sources[i].stays && tact_id_equal(&aliasing->sources[i].key, key))
			return true;
	return false;
}

/* Or to the one asked for, which is an alias itself: as one who was told to try again may have left it. */
static bool leads_away(const struct aliasing *aliasing, const struct tact_id *key)
{
	const struct tact_id *asked = &aliasing->change->alias_of;

	return is_moved(aliasing, key) ||
	       (!tact_id_equal(asked, &aliasing->into) && tact_id_equal(asked, key));
}

static bool note_led_here(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct aliasing *aliasing = context;
	struct tact_id target;

	if (alias_record_read(record, &target) == TACT_OK && leads_away(aliasing, &target) &&
	    !tact_id_equal(&key->id, &aliasing->into))
		*TACT_PUSH(aliasing->arena, aliasing->led_here, aliasing->led_here_count) = key->id;
	return true;
}

static int point(struct aliasing *aliasing, const struct tact_id *aliases, size_t count,
    struct tact_id target, bool led_on, struct tact_store_answer *answers)
{
	struct tact_store_key *keys = tact_arena_alloc(aliasing->arena, (count + 1) * sizeof *keys);
	struct pointing pointing = {.alias = {target, made_under(aliasing)},
	    .led_on = led_on,
	    .bytes = tact_arena_alloc(aliasing->arena, (count + 1) * sizeof *pointing.bytes)};

	for (size_t i = 0; i < count; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_ALIAS, .id = aliases[i]};
	return count == 0 ? TACT_OK
			  : tact_store_update(
				aliasing->decider->parts.store, keys, count, point_to, &pointing, answers, 0);
}

/* To the target, or with none to nobody else. */
static int point_alias(struct aliasing *aliasing, struct tact_id target)
{
	struct tact_store_answer answer;
	int result = point(aliasing, &aliasing->alias, 1, target, false, &answer);

	aliasing->version_written = answer.version;
	return result;
}

/* All else that moves: the other keys. */
static int point_others(struct aliasing *aliasing)
{
	struct tact_id *keys = NULL;
	size_t count = 0;

	for (size_t i = 0; i < aliasing->sources_count; i++)
		if (!aliasing->sources[i].stays &&
		    !tact_id_equal(&aliasing->sources[i].key, &aliasing->alias))
			*TACT_PUSH(aliasing->arena, keys, count) = aliasing->sources[i].key;
	return point(aliasing, keys, count, aliasing->into, false,
	    tact_arena_alloc(aliasing->arena, (count + 1) * sizeof(struct tact_store_answer)));
}

static int point_led_here(struct aliasing *aliasing, const struct tact_id *target)
{
	size_t count = aliasing->led_here_count;

	return point(aliasing, aliasing->led_here, count, *target, true,
	    tact_arena_alloc(aliasing->arena, (count + 1) * sizeof(struct tact_store_answer)));
}

/* Looked for only after the alias leads on: whoever makes an alias of it meanwhile finds out by himself. */
static int lead_others_on(struct aliasing *aliasing, struct tact_error *err)
{
	int result =
	    tact_store_scan(aliasing->decider->parts.store, TACT_STORE_ALIAS, note_led_here, aliasing, err);

	return result != TACT_OK ? result : point_led_here(aliasing, &aliasing->target);
}

/* BACK: whom it stands for after all, none for itself. Who was led on with it goes with it. */
static void take_back(struct aliasing *aliasing, const struct tact_id *back)
{
	(void)point_alias(aliasing, *back);
	(void)point_led_here(aliasing, tact_id_is_none(back) ? &aliasing->alias : back);
}

/* Somebody else may have made the person an alias at the same time, perhaps of this very one. Then all is as
 * it was; only whoever stood for the person before stands for whom that one stands for. */
static int check_target(struct aliasing *aliasing, const struct tact_id *now, struct tact_error *err)
{
	struct tact_id further;
	uint64_t unused;
	int result = read_alias(aliasing, &aliasing->target, &further, &unused);

	if (result != TACT_OK || tact_id_is_none(&further))
		return result;
	take_back(aliasing, tact_id_equal(now, &aliasing->target) ? &further : now);
	return tact_error_set(
	    err, TACT_UNAVAILABLE, "whom it is to stand for became an alias just now; try again");
}

/* ---- what goes over ---- */

/* What was folded lost its ids. Out of its record it goes under one made of what it says, the same each time:
 * so what two people were sent alike counts twice, and what comes back to where it came from, once. */
static struct tact_id row_id(
    struct tact_arena *arena, const struct tact_id *key, const struct tact_contact *row)
{
	const char *fields[] = {"folded", tact_id_format(arena, key),
	    tact_arena_printf(arena, "%" PRId64 " %" PRId64 " %d %d %d %d %d", row->time_us, row->span_us,
		(int)row->channel, (int)row->direction, (int)row->sentiment, (int)row->purpose, row->counts),
	    row->stream, row->owner, row->brand, row->campaign, row->offer, row->list};

	return tact_digest_id(fields, sizeof fields / sizeof *fields);
}

static void name_rows(struct tact_arena *arena, const struct tact_id *key, struct tact_dossier *dossier)
{
	for (size_t i = 0; i < dossier->contacts_count; i++)
		if (tact_id_is_none(&dossier->contacts[i].id))
			dossier->contacts[i].id = row_id(arena, key, &dossier->contacts[i]);
}

static const struct tact_contact *find_carried(
    const struct tact_dossier *in, const struct tact_contact *contact)
{
	for (size_t i = 0; i < in->contacts_count; i++) {
		const struct tact_contact *one = &in->contacts[i];

		if (tact_id_equal(&one->id, &contact->id) && one->time_us == contact->time_us &&
		    one->span_us == contact->span_us)
			return one;
	}
	return NULL;
}

static bool went_before(const struct source *source, const struct tact_contact *contact)
{
	const struct tact_contact *earlier = source->again ? find_carried(&source->earlier, contact) : NULL;

	return earlier != NULL && earlier->count >= contact->count;
}

/* What has an id is known by it when a process died half-way and all of this is done again. */
static bool carry_contacts(
    const struct aliasing *aliasing, const struct source *source, struct tact_dossier *dossier)
{
	struct tact_dossier before;
	bool changed = false;

	tact_dossier_copy(aliasing->arena, dossier, &before);
	name_rows(aliasing->arena, &aliasing->into, &before);
	for (size_t i = 0; i < source->dossier.contacts_count; i++) {
		const struct tact_contact *contact = &source->dossier.contacts[i];
		const struct tact_contact *known = find_carried(&before, contact);

		if (went_before(source, contact) || (known != NULL && known->count >= contact->count))
			continue;
		if (known != NULL)
			dossier->contacts[known - before.contacts].count = contact->count;
		else
			tact_dossier_add_contact(aliasing->arena, dossier, contact);
		changed = true;
	}
	return changed;
}

/* As it was when it went over; NULL: it did not yet. */
static const struct tact_suppression *find_earlier(const struct source *source, const struct tact_id *id)
{
	struct tact_dossier earlier = source->earlier;

	return source->again ? tact_dossier_find_suppression(&earlier, id) : NULL;
}

static bool holds_in(struct tact_dossier dossier, const struct tact_id *id)
{
	const struct tact_suppression *known = tact_dossier_find_suppression(&dossier, id);

	return known != NULL && known->ended_us == 0;
}

/* Does it hold also without those who go on? */
static bool holds_by_itself(const struct aliasing *aliasing, const struct tact_id *id)
{
	bool holds = holds_in(aliasing->found, id);

	for (size_t i = 0; i < aliasing->sources_count; i++)
		holds |= !aliasing->sources[i].stays && holds_in(aliasing->sources[i].dossier, id);
	return holds;
}

/* The longer of the two ends. */
static bool carry_until(const struct tact_suppression *wish, struct tact_suppression *known)
{
	if (known->until_us == 0 || (wish->until_us != 0 && wish->until_us <= known->until_us))
		return false;
	known->until_us = wish->until_us;
	return true;
}

/* Nobody is permitted more for standing under two names: what holds on one side holds for both. Once it went
 * over only what is new goes: it may have been ended there, or ended here by one who still found it here. Of
 * somebody who goes on that ends but what came from him. */
static bool carry_wish(const struct aliasing *aliasing, const struct source *source,
    const struct tact_suppression *wish, struct tact_dossier *dossier)
{
	const struct tact_suppression *was = find_earlier(source, &wish->id);
	struct tact_suppression *known = tact_dossier_find_suppression(dossier, &wish->id);

	if (was != NULL && was->ended_us == wish->ended_us && was->until_us == wish->until_us)
		return false;
	if (known == NULL) {
		tact_dossier_add_suppression(aliasing->arena, dossier, wish);
		return true;
	}
	if (wish->ended_us == 0 && known->ended_us == 0)
		return carry_until(wish, known);
	if (wish->ended_us != 0 &&
	    (known->ended_us != 0 || was == NULL || (source->stays && holds_by_itself(aliasing, &wish->id))))
		return false;
	*known = *wish;
	return true;
}

static bool carry_suppressions(
    const struct aliasing *aliasing, const struct source *source, struct tact_dossier *dossier)
{
	bool changed = false;

	for (size_t i = 0; i < source->dossier.suppressions_count; i++)
		changed |= carry_wish(aliasing, source, &source->dossier.suppressions[i], dossier);
	return changed;
}

/* Of two that were one, the one that got further tells what became of the mail. */
static int progress_of(const struct tact_claim *claim)
{
	static const int progress[TACT_CLAIM_STATES] = {[TACT_CLAIM_WITHDRAWN] = 1,
	    [TACT_CLAIM_REFUSED] = 2,
	    [TACT_CLAIM_PASSING] = 3,
	    [TACT_CLAIM_PASSED] = 4,
	    [TACT_CLAIM_BOUNCED] = 4};

	return progress[claim->state];
}

/* It was moved while its alias was made: by one who still found it where it was. */
static bool moved_on(const struct source *source, const struct tact_claim *claim)
{
	struct tact_dossier earlier = source->earlier;
	const struct tact_claim *was =
	    source->again && !source->stays ? tact_dossier_find_claim(&earlier, &claim->id) : NULL;

	return was != NULL && was->state != claim->state;
}

static bool has_planned(const struct tact_dossier *dossier, const struct tact_claim *claim)
{
	for (size_t i = 0; i < dossier->claims_count; i++) {
		const struct tact_claim *one = &dossier->claims[i];

		if (one->planned && one->state == TACT_CLAIM_WAITING &&
		    tact_text_equal_nocase(one->facts.campaign, claim->facts.campaign) &&
		    tact_text_equal_nocase(one->facts.owner, claim->facts.owner))
			return true;
	}
	return false;
}

/* No maximum here: one left out would be a mail that nobody finds, or a place given away. */
static bool carry_claim(struct tact_arena *arena, const struct aliasing *aliasing,
    const struct source *source, struct tact_claim claim, struct tact_dossier *dossier)
{
	struct tact_claim *known;
	bool waits = claim.state == TACT_CLAIM_WAITING || claim.state == TACT_CLAIM_PASSING;

	/* By the id that planning it again would give it. */
	if (claim.planned && claim.state == TACT_CLAIM_WAITING) {
		claim.id = tact_dossier_planned_id(claim.facts.campaign, &aliasing->into);
		if (source->stays || has_planned(dossier, &claim))
			return false;
	} else if (source->stays && waits) {
		/* Whose it is nobody knows. It holds one place only; come, it is decided again. */
		claim.state = TACT_CLAIM_WITHDRAWN;
		claim.done_us = aliasing->terms->now_us;
	}
	known = tact_dossier_find_claim(dossier, &claim.id);
	if (known == NULL)
		*TACT_PUSH(arena, dossier->claims, dossier->claims_count) = claim;
	else if (progress_of(known) < progress_of(&claim) ||
		 (progress_of(known) == progress_of(&claim) && moved_on(source, &claim)))
		*known = claim;
	else
		return false;
	return true;
}

/* Who has one keeps it, unless it came from here and is another one now, or none. */
static bool carry_own_limit(const struct source *source, bool left, struct tact_dossier *dossier)
{
	const char *from = source->dossier.profile.own_limit, **into = &dossier->profile.own_limit;
	const char *was = source->again ? source->earlier.profile.own_limit : "";

	if (left || tact_text_equal(from, was) || tact_text_equal(from, *into) ||
	    !tact_text_equal(*into, was))
		return false;
	*into = from;
	return true;
}

static bool carry(struct aliasing *aliasing, const struct source *source, struct tact_dossier *dossier)
{
	struct tact_arena *arena = aliasing->arena;
	const struct tact_dossier *from = &source->dossier;
	/* Left before, it has only what stayed behind as it was then. */
	bool left = !source->stays && tact_id_equal(&from->stands_for, &aliasing->into);
	bool changed = carry_contacts(aliasing, source, dossier);

	/* So that it is known when it is told of again, by either name. What both had been told of counts for
	 * both, like mail that was folded: the strict side. */
	changed |= tact_dossier_merge_told(arena, dossier, from);
	if (!left)
		changed |= carry_suppressions(aliasing, source, dossier);
	for (size_t i = 0; i < from->claims_count; i++)
		changed |= carry_claim(arena, aliasing, source, from->claims[i], dossier);
	changed |= carry_own_limit(source, left, dossier);
	return changed;
}

/* On both sides alike, or what is folded on one alone is not known again. */
static void tidy(const struct aliasing *aliasing, struct tact_dossier *dossier)
{
	tact_dossier_tidy(
	    aliasing->arena, dossier, aliasing->terms->now_us, aliasing->terms->rules->history_s);
}

static bool adopt(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct aliasing *aliasing = context;
	struct tact_dossier dossier;
	bool changed;

	(void)index;
	(void)store_now_us;
	aliasing->result = tact_dossier_decode(aliasing->arena, now->bytes, now->size, &dossier, NULL);
	if (aliasing->result == TACT_OK && !aliasing->ends && !tact_id_is_none(&dossier.stands_for))
		aliasing->result = TACT_UNAVAILABLE; /* it became an alias itself, just now */
	if (aliasing->result != TACT_OK)
		return false;
	if (!aliasing->again)
		tact_dossier_copy(aliasing->arena, &dossier, &aliasing->found);
	changed = !dossier.has_person_key || !tact_id_is_none(&dossier.stands_for);
	dossier.stands_for = (struct tact_id){{0}};
	tidy(aliasing, &dossier);
	for (size_t i = 0; i < aliasing->sources_count; i++)
		changed |= carry(aliasing, &aliasing->sources[i], &dossier);
	if (changed)
		record_finish(aliasing->arena, aliasing->terms, NULL, &dossier, ret);
	if (!aliasing->has_person_key)
		memcpy(aliasing->person_key, dossier.person_key, sizeof aliasing->person_key);
	recovery_encode(aliasing->arena, &dossier, &aliasing->wishes);
	return changed;
}

static int read_source(struct aliasing *aliasing, struct source *source)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = source->key};
	struct tact_record record;
	struct tact_store_answer answer;
	int result =
	    tact_store_read(aliasing->decider->parts.store, &key, 1, aliasing->arena, &record, &answer, 0);

	if (result != TACT_OK)
		return result;
	source->version = record.version;
	result = tact_dossier_decode(aliasing->arena, record.bytes, record.size, &source->dossier, NULL);
	if (result != TACT_OK)
		return result;
	tidy(aliasing, &source->dossier);
	name_rows(aliasing->arena, &source->key, &source->dossier);
	return TACT_OK;
}

static int bring(struct aliasing *aliasing)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = aliasing->into};
	struct tact_store_answer answer;
	int result = TACT_OK;

	for (size_t i = 0; i < aliasing->sources_count && result == TACT_OK; i++)
		result = read_source(aliasing, &aliasing->sources[i]);
	if (result != TACT_OK)
		return result;
	result = tact_store_update(aliasing->decider->parts.store, &key, 1, adopt, aliasing, &answer, 0);
	aliasing->again = true;
	return worst(result, aliasing->result);
}

/* ---- what is left ---- */

/* Wishes and permissions have ids, and stay for the day it stands for itself again; what counts, or waits,
 * must stand in one place. */
static bool leave_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct aliasing *aliasing = context;
	struct source *source = NULL;
	struct tact_dossier left;

	(void)store_now_us;
	for (size_t i = 0, moved = 0; i < aliasing->sources_count; i++)
		if (!aliasing->sources[i].stays && moved++ == index)
			source = &aliasing->sources[i];
	source->late = now->version != source->version;
	left = source->dossier;
	if (source->late || (tact_id_equal(&left.stands_for, &aliasing->into) &&
				left.contacts_count + left.claims_count == 0))
		return false;
	left.stands_for = aliasing->into;
	left.contacts_count = left.told_count = left.claims_count = 0;
	left.profile.own_limit = "";
	record_finish(aliasing->arena, aliasing->terms, NULL, &left, ret);
	return true;
}

static int leave(struct aliasing *aliasing, bool *ret_late)
{
	size_t count = 0, n = aliasing->sources_count;
	struct tact_store_key *keys = tact_arena_alloc(aliasing->arena, (n + 1) * sizeof *keys);
	struct tact_store_answer *answers = tact_arena_alloc(aliasing->arena, (n + 1) * sizeof *answers);
	int result = TACT_OK;

	for (size_t i = 0; i < n; i++)
		if (!aliasing->sources[i].stays)
			keys[count++] = (struct tact_store_key){
			    .kind = TACT_STORE_DOSSIER, .id = aliasing->sources[i].key};
	if (count > 0)
		result = tact_store_update(
		    aliasing->decider->parts.store, keys, count, leave_one, aliasing, answers, 0);
	*ret_late = false;
	for (size_t i = 0; i < n; i++) {
		struct source *source = &aliasing->sources[i];

		*ret_late |= source->late;
		source->earlier = source->dossier;
		source->again = true;
	}
	return result;
}

static bool any_stays(const struct aliasing *aliasing)
{
	for (size_t i = 0; i < aliasing->sources_count; i++)
		if (aliasing->sources[i].stays)
			return true;
	return false;
}

#define LEAVE_TRIES 16

/* To one who goes on there came what was meant for the alias until it led elsewhere: once more is looked. */
static int leave_all(struct aliasing *aliasing, struct tact_error *err)
{
	for (int tries = 0; tries < LEAVE_TRIES; tries++) {
		bool late;
		int result = leave(aliasing, &late);

		if (result != TACT_OK || (!late && (tries > 0 || !any_stays(aliasing))))
			return result;
		result = bring(aliasing);
		if (result != TACT_OK)
			return result;
	}
	return tact_error_set(err, TACT_UNAVAILABLE, "it is written to all the time; try again");
}

/* ---- all of it ---- */

static void seal_alias(struct aliasing *aliasing, struct tact_audit_entry **entries, size_t *count)
{
	aliasing->wishes.key = aliasing->into;
	aliasing->wishes.alias = aliasing->alias;
	aliasing->wishes.ends = aliasing->ends;
	aliasing->wishes.version = aliasing->version_written;
	recovery_seal(aliasing->arena, aliasing->decider->parts.identity, &aliasing->wishes,
	    aliasing->terms->now_us, entries, count);
}

static int append(struct aliasing *aliasing, bool known, struct tact_error *err)
{
	struct tact_audit_entry *entries = NULL, *entry;
	size_t count = 0;
	const struct tact_change *change = aliasing->change;
	struct tact_arena *arena = aliasing->arena;
	const char *why = change->why != NULL ? change->why : "";

	entry = TACT_PUSH(arena, entries, count);
	evidence_common(aliasing->terms->rules, TACT_AUDIT_CHANGE, "command", entry);
	entry->action = aliasing->ends ? "alias-ended" : "alias";
	entry->text = tact_arena_printf(arena, "by %s: %s %s%s%s%s", change->by != NULL ? change->by : "",
	    tact_id_format(arena, &aliasing->alias), aliasing->ends ? "stands for itself" : "stands for this",
	    *why != '\0' ? ": " : "", why, known ? " (known already)" : "");
	entry->version_seen = aliasing->version_seen;
	entry->version_written = aliasing->version_written;
	evidence_person(arena, aliasing->person_key, &aliasing->target, NULL, entry);
	seal_alias(aliasing, &entries, &count);
	return evidence_append(aliasing->decider, entries, count, aliasing->terms->now_us, err);
}

/* Whom the alias stands for now, and whom it is to stand for. */
static int find_target(struct aliasing *aliasing, struct tact_id *ret_now, struct tact_error *err)
{
	uint64_t unused;
	struct tact_id further;
	int result = read_alias(aliasing, &aliasing->alias, ret_now, &aliasing->version_seen);

	aliasing->version_written = aliasing->version_seen;
	if (result != TACT_OK)
		return result;
	if (aliasing->ends) {
		aliasing->target = *ret_now;
		return tact_id_is_none(ret_now)
			   ? tact_error_set(err, TACT_ABSENT, "it stands for nobody else")
			   : TACT_OK;
	}
	aliasing->target = aliasing->change->alias_of;
	result = read_alias(aliasing, &aliasing->target, &further, &unused);
	if (result == TACT_OK && !tact_id_is_none(&further))
		aliasing->target = further;
	if (result == TACT_OK && tact_id_equal(&aliasing->target, &aliasing->alias))
		return tact_error_set(err, TACT_INVALID, "it cannot stand for itself");
	return result;
}

static void add_source(struct aliasing *aliasing, const struct tact_id *key, bool stays)
{
	if (tact_id_is_none(key) || tact_id_equal(key, &aliasing->into))
		return;
	for (size_t i = 0; i < aliasing->sources_count; i++)
		if (tact_id_equal(&aliasing->sources[i].key, key))
			return;
	*TACT_PUSH(aliasing->arena, aliasing->sources, aliasing->sources_count) =
	    (struct source){.key = *key, .stays = stays};
}

/* NOW: whom it stood for so far. */
static void list_sources(struct aliasing *aliasing, const struct tact_id *now)
{
	const struct tact_recipient *recipient = aliasing->recipient;
	const struct tact_change *change = aliasing->change;

	add_source(aliasing, &aliasing->alias, false);
	for (size_t i = 0; i < recipient->also_count; i++)
		add_source(aliasing, &recipient->also[i], false);
	for (size_t i = 0; i < change->alias_also_count; i++)
		add_source(aliasing, &change->alias_also[i], false);
	add_source(aliasing, now, true);
}

/* Its person goes on, and nobody can tell which of his contacts, wishes and mails were this one's: it keeps
 * them all, before it stands for itself. */
static int end_alias(struct aliasing *aliasing, struct tact_error *err)
{
	const struct tact_recipient *recipient = aliasing->recipient;
	struct tact_dossier person;
	int result = whom_read(aliasing->decider, aliasing->arena, &aliasing->target, &person, 0);

	if (result != TACT_OK)
		return result;
	aliasing->has_person_key = person.has_person_key;
	memcpy(aliasing->person_key, person.person_key, sizeof aliasing->person_key);
	aliasing->into = aliasing->alias;
	add_source(aliasing, &aliasing->target, true);
	for (size_t i = 0; i < recipient->also_count; i++)
		add_source(aliasing, &recipient->also[i], false);
	result = bring(aliasing);
	if (result == TACT_OK)
		result = point_others(aliasing);
	if (result == TACT_OK)
		result = point_alias(aliasing, (struct tact_id){{0}});
	return result == TACT_OK ? leave_all(aliasing, err) : result;
}

static int make_alias(struct aliasing *aliasing, const struct tact_id *now, struct tact_error *err)
{
	int result;

	aliasing->into = aliasing->target;
	list_sources(aliasing, now);
	/* The person first: an alias must not lead away from what was known under it. */
	result = bring(aliasing);
	if (result == TACT_OK)
		result = point_alias(aliasing, aliasing->target);
	if (result == TACT_OK)
		result = point_others(aliasing);
	if (result == TACT_OK)
		result = lead_others_on(aliasing, err);
	if (result == TACT_OK)
		result = check_target(aliasing, now, err);
	return result == TACT_OK ? leave_all(aliasing, err) : result;
}

int alias_change(struct tact_decider *decider, struct tact_arena *arena, const struct record_terms *terms,
    const struct tact_recipient *alias, const struct tact_change *change, struct tact_changed *ret,
    struct tact_error *err)
{
	struct aliasing aliasing = {.decider = decider,
	    .arena = arena,
	    .terms = terms,
	    .change = change,
	    .recipient = alias,
	    .alias = alias->key,
	    .ends = tact_id_is_none(&change->alias_of)};
	struct tact_id now;
	bool known;
	int result = find_target(&aliasing, &now, err);

	if (result != TACT_OK)
		return result;
	known = !aliasing.ends && tact_id_equal(&now, &aliasing.target);
	result = aliasing.ends ? end_alias(&aliasing, err) : make_alias(&aliasing, &now, err);
	if (result != TACT_OK) {
		if (err != NULL && err->text[0] == '\0')
			tact_store_last_error(decider->parts.store, err);
		return result;
	}
	ret->changed = !known;
	ret->version = aliasing.version_written;
	if (known && (int64_t)aliasing.version_seen <=
			 tact_store_now_us(decider->parts.store) - terms->rules->retry_window_s * 1000000)
		return TACT_OK;
	return append(&aliasing, known, err);
}
