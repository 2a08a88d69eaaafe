/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The bell's memory and its timetable.
 */
#include <config.h>

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define SECOND_US 1000000LL
#define AGAIN_US (10 * SECOND_US)
#define MINUTE_US (60 * SECOND_US)
#define FORGET_RING_US (5 * MINUTE_US)
#define REVIEW_US (10 * MINUTE_US)
#define LAPSED_US (60 * MINUTE_US) /* its place is gone, the mail is not: tactd may have been down */
#define TAKEN_US (3600 * SECOND_US)
#define STALLED_US (30 * SECOND_US)
#define WAITS_US (10 * MINUTE_US)
#define CROWD 300 /* rung claims under way that hold up other rings */

struct ring {
	struct plan_ring name;
	size_t waiting;
	int times;	 /* rung since it last became non-empty */
	int64_t next_us; /* INT64_MAX: not at all */
	int64_t last_us; /* 0: never */
	bool draining;	 /* rung, and its claims are coming */
	int64_t progress_us;
	struct kept kept;
	struct ring *next, **back;
};

struct due_claim {
	struct tact_id claim;
	struct ring *ring;
	struct tact_store_key key; /* kind 0: not known */
	int64_t give_up_us;	   /* 0: never */
	unsigned reading;
	bool taken;
	struct due_claim *next, **back;
};

/* A claim that waits, whatever the index says. */
struct waits {
	struct tact_id claim;
	int64_t until_us, steady_us; /* no longer than either */
	struct waits *next;
};

struct seen {
	void *tree;
	int64_t since_us;
};

struct plan {
	int64_t start_us, slot_length_s;
	void *entry_tree, *ring_tree;
	struct due_claim *entries;
	struct ring *rings;
	unsigned reading;
	int64_t forgot_us;
	struct seen seen[2]; /* the running span and the one before */
	void *ended;	     /* since the reading began: it may still name them */
	void *waits_tree;
	struct waits *waits;
};

/* ---- trees ---- */

static int compare_rings(const void *a, const void *b)
{
	const struct plan_ring *x = a, *y = b;

	return x->review != y->review ? (x->review ? 1 : -1) : strcmp(x->label, y->label);
}

static int compare_claims(const void *a, const void *b)
{
	const struct due_claim *x = a, *y = b;
	int order = memcmp(&x->claim, &y->claim, sizeof x->claim);

	/* A key without a ring finds any entry of that claim. */
	if (order != 0 || x->ring == NULL || y->ring == NULL)
		return order;
	return compare_rings(&x->ring->name, &y->ring->name);
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct tact_id));
}

static void *tree_add(void *node, void **tree, int (*compare)(const void *, const void *))
{
	void *slot = tsearch(node, tree, compare);

	if (slot == NULL)
		(void)tact_malloc(SIZE_MAX); /* ends the process as all want of memory does */
	return *(void **)slot;
}

static void *tree_find(const void *node, void *const *tree, int (*compare)(const void *, const void *))
{
	void *slot = tfind(node, tree, compare);

	return slot == NULL ? NULL : *(void **)slot;
}

/* ---- rings ---- */

/* A label comes from an address or a record and goes into a command. */
static bool name_ring(const char *label, bool review, struct plan_ring *ret)
{
	size_t length = strspn(label, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");

	if (length == 0 || length >= sizeof ret->label || label[length] != '\0')
		return false;
	memset(ret, 0, sizeof *ret);
	memcpy(ret->label, label, length);
	ret->review = review;
	return true;
}

static struct ring *ring_of(struct plan *plan, const struct plan_ring *name)
{
	struct ring *ring = tree_find(name, &plan->ring_tree, compare_rings);

	if (ring != NULL)
		return ring;
	ring = tact_calloc(1, sizeof *ring);
	ring->name = *name;
	ring->next_us = INT64_MAX;
	ring->next = plan->rings;
	ring->back = &plan->rings;
	if (ring->next != NULL)
		ring->next->back = &ring->next;
	plan->rings = ring;
	return tree_add(ring, &plan->ring_tree, compare_rings);
}

static void forget_ring(struct plan *plan, struct ring *ring)
{
	(void)tdelete(ring, &plan->ring_tree, compare_rings);
	*ring->back = ring->next;
	if (ring->next != NULL)
		ring->next->back = ring->back;
	kept_clear(&ring->kept);
	free(ring);
}

/* The end of the slot the label names; 0 when it names none. */
static int64_t slot_instant_us(const struct plan *plan, const char *label)
{
	int64_t slot;

	if (label[0] != 's' || plan->slot_length_s <= 0 ||
	    tact_text_parse_int(label + 1, 0, INT64_MAX / SECOND_US / plan->slot_length_s, &slot, NULL) !=
		TACT_OK)
		return 0;
	return slot * plan->slot_length_s * SECOND_US;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* One more claim of this ring is due. */
static void schedule(const struct plan *plan, struct ring *ring, int64_t now_us, int64_t steady_us)
{
	int64_t left_us = slot_instant_us(plan, ring->name.label) - now_us, at_us;

	if (ring->last_us == 0)
		at_us = steady_us;
	else if (left_us > 0 && left_us <= plan->slot_length_s * SECOND_US)
		at_us = steady_us + left_us;
	else
		at_us = most(steady_us, ring->last_us + AGAIN_US);
	ring->next_us = least(ring->next_us, at_us);
}

/* ---- claims ---- */

static struct due_claim *insert(struct plan *plan, const struct tact_id *claim, struct ring *ring)
{
	struct due_claim *entry = tact_calloc(1, sizeof *entry);

	entry->claim = *claim;
	entry->ring = ring;
	entry->next = plan->entries;
	entry->back = &plan->entries;
	if (entry->next != NULL)
		entry->next->back = &entry->next;
	plan->entries = entry;
	ring->waiting++;
	return tree_add(entry, &plan->entry_tree, compare_claims);
}

static void remove_entry(struct plan *plan, struct due_claim *entry)
{
	struct ring *ring = entry->ring;

	(void)tdelete(entry, &plan->entry_tree, compare_claims);
	*entry->back = entry->next;
	if (entry->next != NULL)
		entry->next->back = entry->back;
	free(entry);
	if (--ring->waiting > 0)
		return;
	ring->times = 0;
	ring->next_us = INT64_MAX;
	ring->draining = false;
}

static struct due_claim *find_claim(const struct plan *plan, const struct tact_id *claim)
{
	const struct due_claim wanted = {.claim = *claim};

	return tree_find(&wanted, &plan->entry_tree, compare_claims);
}

static struct due_claim *find_entry(const struct plan *plan, const struct tact_id *claim, struct ring *ring)
{
	const struct due_claim wanted = {.claim = *claim, .ring = ring};

	return tree_find(&wanted, &plan->entry_tree, compare_claims);
}

static void forget_waits(struct plan *plan, int64_t steady_us)
{
	for (struct waits **at = &plan->waits; *at != NULL;) {
		struct waits *waits = *at;

		if (steady_us < waits->steady_us) {
			at = &waits->next;
			continue;
		}
		(void)tdelete(waits, &plan->waits_tree, compare_ids);
		*at = waits->next;
		free(waits);
	}
}

void plan_forget_waits(struct plan *plan)
{
	forget_waits(plan, INT64_MAX);
}

/* ---- making and ending ---- */

struct plan *plan_new(int64_t start_us, int64_t steady_us)
{
	struct plan *plan = tact_calloc(1, sizeof *plan);

	plan->start_us = start_us;
	plan->slot_length_s = 60;
	plan->seen[0].since_us = plan->seen[1].since_us = steady_us;
	return plan;
}

void plan_free(struct plan **plan)
{
	if (*plan == NULL)
		return;
	while ((*plan)->entries != NULL)
		remove_entry(*plan, (*plan)->entries);
	while ((*plan)->rings != NULL)
		forget_ring(*plan, (*plan)->rings);
	for (size_t i = 0; i < 2; i++)
		tdestroy((*plan)->seen[i].tree, free);
	tdestroy((*plan)->ended, free);
	forget_waits(*plan, INT64_MAX);
	free(*plan);
	*plan = NULL;
}

void plan_set_slot_length(struct plan *plan, int64_t slot_length_s)
{
	plan->slot_length_s = slot_length_s;
}

/* ---- the due index ---- */

static bool waits_still(
    const struct plan *plan, const struct tact_id *claim, int64_t now_us, int64_t steady_us)
{
	const struct waits *waits = tree_find(claim, &plan->waits_tree, compare_ids);

	return waits != NULL && now_us < waits->until_us && steady_us < waits->steady_us;
}

void plan_waits(struct plan *plan, const struct tact_id *claim, int64_t until_us, int64_t steady_us)
{
	struct waits *waits = tree_find(claim, &plan->waits_tree, compare_ids);

	if (waits == NULL) {
		/* Nobody rang for it: the index says so too. */
		if (find_claim(plan, claim) == NULL)
			return;
		waits = tact_calloc(1, sizeof *waits);
		waits->claim = *claim;
		waits->next = plan->waits;
		plan->waits = waits;
		(void)tree_add(waits, &plan->waits_tree, compare_ids);
	}
	waits->until_us = until_us;
	waits->steady_us = steady_us + WAITS_US;
	plan_ended(plan, claim, steady_us);
}

enum plan_answer plan_add(
    struct plan *plan, const struct tact_bell_claim *claim, int64_t now_us, int64_t steady_us)
{
	struct plan_ring name;
	struct ring *ring;
	struct due_claim *entry;

	if (!name_ring(claim->ring, claim->review, &name) ||
	    tree_find(&claim->claim, &plan->ended, compare_ids) != NULL ||
	    waits_still(plan, &claim->claim, now_us, steady_us))
		return PLAN_KEPT;
	ring = ring_of(plan, &name);
	entry = find_entry(plan, &claim->claim, ring);
	if (claim->place_us > now_us && !claim->lapsed) {
		if (entry != NULL && !entry->taken)
			remove_entry(plan, entry);
		return PLAN_REFRESH;
	}
	if (entry == NULL) {
		entry = insert(plan, &claim->claim, ring);
		schedule(plan, ring, now_us, steady_us);
	}
	kept_expect(&ring->kept, claim->queue_id, steady_us);
	entry->key = claim->key;
	entry->reading = plan->reading;
	if (entry->give_up_us == 0 && (claim->review || claim->lapsed))
		entry->give_up_us = steady_us + (claim->review ? REVIEW_US : LAPSED_US);
	return PLAN_KEPT;
}

void plan_begin_reading(struct plan *plan, bool whole)
{
	tdestroy(plan->ended, free);
	plan->ended = NULL;
	if (whole)
		plan->reading++;
}

void plan_end_reading(struct plan *plan)
{
	struct due_claim *next;

	for (struct due_claim *entry = plan->entries; entry != NULL; entry = next) {
		next = entry->next;
		if (entry->reading != plan->reading && !entry->taken)
			remove_entry(plan, entry);
	}
}

/* ---- the gate ---- */

static void note_id(void **tree, const struct tact_id *claim)
{
	struct tact_id *copy;

	if (tree_find(claim, tree, compare_ids) != NULL)
		return;
	copy = tact_malloc(sizeof *copy);
	*copy = *claim;
	(void)tree_add(copy, tree, compare_ids);
}

static void turn_seen(struct plan *plan, int64_t steady_us)
{
	if (steady_us - plan->seen[0].since_us < 2 * PLAN_SHOW_UP_US)
		return;
	tdestroy(plan->seen[1].tree, free);
	plan->seen[1] = plan->seen[0];
	plan->seen[0] = (struct seen){.since_us = steady_us};
}

void plan_saw(struct plan *plan, const struct tact_id *claim, int64_t steady_us)
{
	turn_seen(plan, steady_us);
	note_id(&plan->seen[0].tree, claim);
}

void plan_taken(
    struct plan *plan, const struct tact_id *claim, const char *ring, bool review, int64_t steady_us)
{
	struct due_claim *entry = find_claim(plan, claim);
	struct plan_ring name;

	if (entry == NULL) {
		if (!name_ring(ring, review, &name))
			return;
		entry = insert(plan, claim, ring_of(plan, &name));
		entry->ring->next_us = least(entry->ring->next_us, steady_us + MINUTE_US);
	}
	entry->taken = true;
	entry->ring->progress_us = steady_us;
	if (entry->give_up_us == 0)
		entry->give_up_us = steady_us + TAKEN_US;
}

void plan_ended(struct plan *plan, const struct tact_id *claim, int64_t steady_us)
{
	struct due_claim *entry = find_claim(plan, claim);

	note_id(&plan->ended, claim);
	if (entry == NULL)
		return;
	entry->ring->progress_us = steady_us;
	remove_entry(plan, entry);
}

void plan_met(struct plan *plan, const char *label, bool review, const char *queue_id, int64_t steady_us)
{
	struct plan_ring name;

	if (name_ring(label, review, &name))
		kept_met(&ring_of(plan, &name)->kept, queue_id, steady_us);
}

void plan_left(struct plan *plan, const char *label, bool review, const char *queue_id)
{
	struct plan_ring name;
	struct ring *ring;

	if (!name_ring(label, review, &name))
		return;
	ring = tree_find(&name, &plan->ring_tree, compare_rings);
	if (ring != NULL)
		kept_left(&ring->kept, queue_id);
}

bool plan_was_never_queued(
    const struct plan *plan, const struct tact_bell_claim *claim, int64_t from_us, int64_t now_us)
{
	if (claim->review || claim->made_us <= plan->start_us || claim->made_us <= from_us ||
	    claim->made_us > now_us - PLAN_SHOW_UP_US)
		return false;
	for (size_t i = 0; i < 2; i++)
		if (tree_find(&claim->claim, &plan->seen[i].tree, compare_ids) != NULL)
			return false;
	return true;
}

/* ---- the timetable ---- */

static int compare_due(const void *a, const void *b)
{
	const struct ring *x = *(struct ring *const *)a, *y = *(struct ring *const *)b;

	if (x->next_us != y->next_us)
		return x->next_us < y->next_us ? -1 : 1;
	return compare_rings(&x->name, &y->name);
}

/* Rung claims that Postfix is fetching now; a ring that moved nothing for a while holds nobody up. */
static size_t count_under_way(const struct plan *plan, int64_t steady_us)
{
	size_t count = 0;

	for (const struct ring *ring = plan->rings; ring != NULL; ring = ring->next)
		if (ring->draining && steady_us - ring->progress_us < STALLED_US)
			count += ring->waiting;
	return count;
}

static void forget_old_rings(struct plan *plan, int64_t steady_us)
{
	struct ring *next;

	if (steady_us - plan->forgot_us < MINUTE_US)
		return;
	plan->forgot_us = steady_us;
	forget_waits(plan, steady_us);
	for (struct ring *ring = plan->rings; ring != NULL; ring = next) {
		next = ring->next;
		kept_forget(&ring->kept, steady_us);
		if (ring->waiting == 0 && ring->kept.first == NULL &&
		    steady_us - ring->last_us > FORGET_RING_US)
			forget_ring(plan, ring);
	}
}

static size_t list_due(const struct plan *plan, int64_t steady_us, struct ring ***ret)
{
	size_t count = 0, size = 0;

	*ret = NULL;
	for (struct ring *ring = plan->rings; ring != NULL; ring = ring->next) {
		if (ring->waiting == 0 || ring->next_us > steady_us)
			continue;
		if (count == size) {
			size = size == 0 ? 64 : 2 * size;
			*ret = tact_realloc(*ret, size * sizeof **ret);
		}
		(*ret)[count++] = ring;
	}
	if (count > 1)
		qsort(*ret, count, sizeof **ret, compare_due);
	return count;
}

size_t plan_rings(struct plan *plan, int64_t steady_us, struct plan_ring *ret, size_t max)
{
	struct ring **due;
	size_t count, under_way, taken = 0;

	forget_old_rings(plan, steady_us);
	count = list_due(plan, steady_us, &due);
	under_way = count_under_way(plan, steady_us);
	for (size_t i = 0; i < count && taken < max; i++) {
		if (under_way > CROWD && !due[i]->draining)
			continue;
		if (!due[i]->draining)
			under_way += due[i]->waiting;
		ret[taken++] = due[i]->name;
	}
	free(due);
	return taken;
}

void plan_rang(struct plan *plan, const struct plan_ring *name, bool heard, int64_t steady_us)
{
	struct ring *ring = tree_find(name, &plan->ring_tree, compare_rings);

	if (ring == NULL || ring->waiting == 0)
		return;
	if (!heard) {
		ring->next_us = steady_us + AGAIN_US;
		return;
	}
	if (ring->times++ == 0)
		ring->progress_us = steady_us;
	ring->last_us = steady_us;
	ring->draining = true;
	ring->next_us = steady_us + (ring->times == 1 ? AGAIN_US : MINUTE_US);
}

size_t plan_missing(struct plan *plan, int64_t steady_us, struct kept_id *ret, size_t max)
{
	size_t count = 0;

	for (struct ring *ring = plan->rings; ring != NULL && count < max; ring = ring->next)
		if (ring->draining && steady_us - ring->progress_us >= AGAIN_US)
			count +=
			    kept_missing(&ring->kept, ring->last_us, steady_us, ret + count, max - count);
	return count;
}

size_t plan_give_up(struct plan *plan, int64_t steady_us, struct tact_store_key *ret, size_t max)
{
	size_t count = 0;
	struct due_claim *next;

	for (struct due_claim *entry = plan->entries; entry != NULL && count < max; entry = next) {
		next = entry->next;
		if (entry->give_up_us == 0 || entry->give_up_us > steady_us)
			continue;
		if (entry->key.kind != 0)
			ret[count++] = entry->key;
		remove_entry(plan, entry);
	}
	return count;
}

void plan_ring_all(struct plan *plan, int64_t steady_us)
{
	for (struct ring *ring = plan->rings; ring != NULL; ring = ring->next) {
		ring->times = 0;
		ring->draining = false;
		if (ring->waiting > 0)
			ring->next_us = steady_us;
	}
}
