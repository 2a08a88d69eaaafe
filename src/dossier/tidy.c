/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Housekeeping: old contacts fold into day counts, and what nobody may need any more goes. Never a wish that
 * still holds.
 */
#include <config.h>

#include <string.h>

#include "record.h"

#define FOLD_AFTER_US (35 * DAY_US)
#define CLAIM_KEPT_US (7 * DAY_US)
#define CLAIM_FORGOTTEN_US (30 * DAY_US) /* no queue holds a mail for so long after its time */
#define CLAIM_PLANNED_US DAY_US

static bool is_same_unknown(const struct tact_unknown *a, const struct tact_unknown *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

/* May they be counted as one? Fields of a newer tact must agree too, or one contact's would be lost. */
static bool is_alike(const struct tact_contact *a, const struct tact_contact *b)
{
	return a->channel == b->channel && a->direction == b->direction && a->sentiment == b->sentiment &&
	       a->purpose == b->purpose && a->counts == b->counts && tact_text_equal(a->stream, b->stream) &&
	       tact_text_equal(a->owner, b->owner) && tact_text_equal(a->brand, b->brand) &&
	       tact_text_equal(a->campaign, b->campaign) && tact_text_equal(a->offer, b->offer) &&
	       tact_text_equal(a->list, b->list) && is_same_unknown(&a->unknown, &b->unknown);
}

static int64_t day_start_us(int64_t time_us)
{
	return time_us - time_us % DAY_US;
}

static bool is_folded_row(const struct tact_contact *contact, int64_t day_us)
{
	return contact->count > 0 && contact->time_us == day_us && contact->span_us == DAY_US &&
	       !contact->open && tact_id_is_none(&contact->id);
}

static struct tact_contact *find_row(struct tact_dossier *dossier, const struct tact_contact *contact)
{
	int64_t day_us = day_start_us(contact->time_us);

	for (size_t i = 0; i < dossier->contacts_count; i++)
		if (is_folded_row(&dossier->contacts[i], day_us) && is_alike(&dossier->contacts[i], contact))
			return &dossier->contacts[i];
	return NULL;
}

/* Into the row of its day, and then its count is 0: to be dropped. Or it becomes that row. */
static void fold_contact(struct tact_dossier *dossier, struct tact_contact *contact)
{
	struct tact_contact *row = find_row(dossier, contact);

	if (row != NULL) {
		row->count =
		    contact->count > UINT32_MAX - row->count ? UINT32_MAX : row->count + contact->count;
		contact->count = 0;
		return;
	}
	contact->id = (struct tact_id){0};
	contact->open = false;
	contact->time_us = day_start_us(contact->time_us);
	contact->span_us = DAY_US;
}

static void drop_folded(struct tact_dossier *dossier)
{
	size_t kept = 0;

	for (size_t i = 0; i < dossier->contacts_count; i++)
		if (dossier->contacts[i].count > 0)
			dossier->contacts[kept++] = dossier->contacts[i];
	dossier->contacts_count = kept;
}

static bool fold_contacts(struct tact_dossier *dossier, int64_t before_us)
{
	bool changed = false;

	for (size_t i = 0; i < dossier->contacts_count; i++) {
		struct tact_contact *contact = &dossier->contacts[i];

		if (contact->span_us != 0 || contact->time_us >= before_us)
			continue;
		fold_contact(dossier, contact);
		changed = true;
	}
	if (changed)
		drop_folded(dossier);
	return changed;
}

static bool trim_contacts(struct tact_dossier *dossier, int64_t before_us)
{
	size_t kept = 0, count = dossier->contacts_count;

	for (size_t i = 0; i < count; i++) {
		const struct tact_contact *contact = &dossier->contacts[i];

		if (contact->time_us >= before_us - contact->span_us)
			dossier->contacts[kept++] = *contact;
	}
	dossier->contacts_count = kept;
	return kept < count;
}

/* As long as the row that its contact was folded into. */
static bool trim_told(struct tact_dossier *dossier, int64_t before_us)
{
	size_t kept = 0, count = dossier->told_count;

	for (size_t i = 0; i < count; i++)
		if ((int64_t)dossier->told[i].day + 1 >= (before_us + DAY_US - 1) / DAY_US)
			dossier->told[kept++] = dossier->told[i];
	dossier->told_count = kept;
	return kept < count;
}

static bool is_done(const struct tact_claim *claim)
{
	return claim->state == TACT_CLAIM_PASSED || claim->state == TACT_CLAIM_WITHDRAWN ||
	       claim->state == TACT_CLAIM_BOUNCED;
}

/* Nobody tells us when Postfix gives a mail up: what was never released or never fetched ends by its age. */
static bool claim_stays(const struct tact_claim *claim, int64_t now_us)
{
	if (is_done(claim))
		return claim->done_us > now_us - CLAIM_KEPT_US ||
		       claim->not_after_us > now_us - CLAIM_KEPT_US;
	return claim->not_after_us > now_us - (claim->planned ? CLAIM_PLANNED_US : CLAIM_FORGOTTEN_US);
}

static bool trim_claims(struct tact_dossier *dossier, int64_t now_us)
{
	size_t kept = 0, count = dossier->claims_count;

	for (size_t i = 0; i < count; i++) {
		if (claim_stays(&dossier->claims[i], now_us))
			dossier->claims[kept++] = dossier->claims[i];
	}
	dossier->claims_count = kept;
	return kept < count;
}

/* One whose date has passed stays: should a clock have run ahead, it is in force again when the clock is
 * right. */
static bool trim_suppressions(struct tact_dossier *dossier, int64_t before_us)
{
	size_t kept = 0, count = dossier->suppressions_count;

	for (size_t i = 0; i < count; i++)
		if (dossier->suppressions[i].ended_us == 0 || dossier->suppressions[i].ended_us >= before_us)
			dossier->suppressions[kept++] = dossier->suppressions[i];
	dossier->suppressions_count = kept;
	return kept < count;
}

bool tact_dossier_tidy(
    struct tact_arena *arena, struct tact_dossier *dossier, int64_t now_us, int64_t history_s)
{
	int64_t history_start_us = now_us - history_s * SECOND_US;
	bool changed = false;

	(void)arena; /* everything only shrinks, in place */
	changed |= trim_contacts(dossier, history_start_us);
	changed |= trim_told(dossier, history_start_us);
	changed |= fold_contacts(dossier, now_us - FOLD_AFTER_US);
	changed |= trim_claims(dossier, now_us);
	changed |= trim_suppressions(dossier, history_start_us);
	return changed;
}
