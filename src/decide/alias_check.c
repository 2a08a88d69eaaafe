/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Aliases with which something is amiss: whose making, or end, was broken off half way, and what stands where
 * an alias should and is none. Nothing is mended here: an alias that is made again is (alias.c).
 */
#include <config.h>

#include "alias_record.h"

struct alias_checking {
	struct tact_decider *decider;
	struct tact_arena *arena; /* of one alias */
	tact_alias_fault_fn fault;
	void *context;
	int result; /* of what was read beside */
	struct tact_error *err;
};

static bool read_beside(struct alias_checking *checking, enum tact_store_kind kind, const struct tact_id *id,
    struct tact_record *ret)
{
	struct tact_store *store = checking->decider->parts.store;
	struct tact_store_key key = {.kind = kind, .id = *id};
	struct tact_store_answer answer;
	int result = tact_store_read(store, &key, 1, checking->arena, ret, &answer, 0);

	if (result == TACT_OK)
		return true;
	if (result != TACT_CORRUPT) { /* which is told of where it stands */
		checking->result = result;
		tact_store_last_error(store, checking->err);
	}
	return false;
}

/* Whom it leads to leads on: one who looked it up would look for its person where he is not. */
static bool leads_on(struct alias_checking *checking, const struct tact_id *person)
{
	struct tact_record record;
	struct tact_id further;

	return read_beside(checking, TACT_STORE_ALIAS, person, &record) && record.size > 0 &&
	       alias_record_read(&record, &further) == TACT_OK && !tact_id_is_none(&further);
}

/* The last step: what stands under the alias says that it counts elsewhere, and nothing is left to count.
 * Whom it says it stands for may have been led on since. */
static bool is_unfinished(struct alias_checking *checking, const struct tact_id *alias)
{
	struct tact_record record;
	struct tact_dossier left;

	if (!read_beside(checking, TACT_STORE_DOSSIER, alias, &record) ||
	    tact_dossier_decode(checking->arena, record.bytes, record.size, &left, NULL) != TACT_OK)
		return false;
	return tact_id_is_none(&left.stands_for) || left.contacts_count + left.claims_count > 0;
}

static bool check_one(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct alias_checking *checking = context;
	struct tact_id person;

	tact_arena_reset(checking->arena);
	if (record->size == 0)
		return true;
	if (alias_record_read(record, &person) != TACT_OK)
		checking->fault(checking->context, &key->id, NULL, "this is no alias");
	else if (leads_on(checking, &person))
		checking->fault(checking->context, &key->id, &person,
		    "leads to one who became an alias: mail to it is answered 451");
	else if (is_unfinished(checking, &key->id))
		checking->fault(checking->context, &key->id, &person,
		    "was not made, or not ended, to the end: some of what it is known for counts for it "
		    "alone");
	return checking->result == TACT_OK;
}

int tact_decide_check_aliases(
    struct tact_decider *decider, tact_alias_fault_fn fault, void *context, struct tact_error *err)
{
	struct alias_checking checking = {.decider = decider,
	    .arena = tact_arena_new(),
	    .fault = fault,
	    .context = context,
	    .result = TACT_OK,
	    .err = err};
	int result = tact_store_scan(decider->parts.store, TACT_STORE_ALIAS, check_one, &checking, err);

	tact_arena_free(&checking.arena);
	return checking.result != TACT_OK ? checking.result : result;
}
