/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A store engine that stands before another one and fails at random, and what the linker puts in the place of
 * tact's clock, chance and evidence (--wrap).
 *
 * A machine that dies does nothing more, and everything it is asked answers so: whoever called it finds out
 * at the end that there was nobody to hear the answer. That is what a kill leaves behind: the records.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "src/store/engine.h"

struct front {
	struct tact_store store;
	struct tact_store *behind;
	struct faults *faults;
	struct machine *machine;
};

struct faults *machine_faults;

static bool happens(const struct faults *faults, int per_mille)
{
	return !faults->off && per_mille > 0 && chance_of(faults->chance, per_mille, 1000);
}

/* One step nearer to its end; false: dead. */
static bool live_on(struct machine *machine)
{
	if (machine->steps > 0 && --machine->steps == 0)
		machine->dead = true;
	return !machine->dead;
}

/* Only between steps of a decision: whoever writes other records may hold a lock, and the others are this
 * very thread. */
static void let_others(const struct front *front, const struct tact_store_key *keys, size_t count)
{
	const struct faults *faults = front->faults;

	if (count > 0 && keys[0].kind == TACT_STORE_DOSSIER && faults->meanwhile != NULL &&
	    !front->machine->dead && happens(faults, faults->meanwhile_per_mille))
		faults->meanwhile(faults->context);
}

/* ---- the engine --------------------------------------------------------------------------------- */

static void front_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	const struct front *front = (const struct front *)store;

	if (!live_on(front->machine))
		return;
	front->behind->engine->read(front->behind, keys, count, arena, ret_records, ret_answers, deadline_ms);
	for (size_t i = 0; i < count; i++) {
		if (!happens(front->faults, front->faults->store_per_mille))
			continue;
		front->faults->lost++;
		ret_records[i] = (struct tact_record){0};
		ret_answers[i] = (struct tact_store_answer){.result = TACT_UNAVAILABLE};
	}
}

/* An update passed on, key by key when one of them fails. */
struct passing {
	const struct front *front;
	tact_store_change_fn fn;
	void *context;
	size_t first;
};

static bool pass_change(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct passing *passing = context;
	struct faults *faults = passing->front->faults;
	bool write = passing->fn(passing->context, passing->first + index, now, store_now_us, ret);

	if (write && ret->wake_us != 0 && (faults->wake_us == 0 || ret->wake_us < faults->wake_us))
		faults->wake_us = ret->wake_us;
	return write;
}

/* As an engine does that lost a race: the change is made for a record that is then found to be old. */
static void try_in_vain(const struct front *front, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_record *records = tact_arena_alloc(arena, count * sizeof *records);
	struct tact_store_answer *answers = tact_arena_alloc(arena, count * sizeof *answers);

	front->behind->engine->read(front->behind, keys, count, arena, records, answers, 0);
	for (size_t i = 0; i < count; i++) {
		struct tact_store_put put = {.wake_us = records[i].wake_us};

		(void)fn(context, i, &records[i], front->faults->now_us, &put);
	}
	front->faults->repeated++;
	tact_arena_free(&arena);
}

/* One key whose answer is lost: it happened, or it did not. */
static void lose(struct passing *passing, const struct tact_store_key *key, struct tact_store_answer *ret)
{
	const struct front *front = passing->front;
	int64_t how = chance_below(front->faults->chance, 4);

	front->faults->uncounted = front->faults->uncounted || key->kind == TACT_STORE_CAMPAIGN;
	front->faults->lost++;
	if (how == 0) {
		ret->result = TACT_UNAVAILABLE;
		return;
	}
	if (how != 1)
		front->behind->engine->update(front->behind, key, 1, pass_change, passing, ret, 0);
	ret->result = TACT_UNCERTAIN;
}

static void front_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	const struct front *front = (const struct front *)store;
	struct passing passing = {.front = front, .fn = fn, .context = context};
	bool loses = false;

	if (!live_on(front->machine))
		return;
	if (happens(front->faults, front->faults->again_per_mille))
		try_in_vain(front, keys, count, fn, context);
	let_others(front, keys, count);
	if (front->machine->dead)
		return;
	front->faults->sequence++;
	if (front->machine->note != NULL)
		*front->machine->note = front->faults->sequence;
	front->machine->note = NULL;
	for (size_t i = 0; i < count; i++)
		loses = happens(front->faults, front->faults->store_per_mille) || loses;
	if (!loses)
		front->behind->engine->update(
		    front->behind, keys, count, pass_change, &passing, ret_answers, deadline_ms);
	for (size_t i = 0; loses && i < count; i++) {
		passing.first = i;
		if (chance_of(front->faults->chance, 1, 2))
			lose(&passing, &keys[i], &ret_answers[i]);
		else
			front->behind->engine->update(
			    front->behind, &keys[i], 1, pass_change, &passing, &ret_answers[i], deadline_ms);
	}
	if (!live_on(front->machine))
		for (size_t i = 0; i < count; i++)
			ret_answers[i].result = TACT_UNCERTAIN;
	let_others(front, keys, count);
}

static int front_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err)
{
	const struct front *front = (const struct front *)store;

	if (!live_on(front->machine))
		return TACT_UNAVAILABLE;
	if (kind == TACT_STORE_CAMPAIGN && happens(front->faults, front->faults->store_per_mille)) {
		front->faults->lost++;
		front->faults->deaf_us = front->faults->now_us;
		return tact_error_set(err, TACT_UNAVAILABLE, "lost, says the simulation");
	}
	return front->behind->engine->scan(front->behind, kind, fn, context, err);
}

static int front_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	const struct front *front = (const struct front *)store;

	if (!live_on(front->machine))
		return TACT_UNAVAILABLE;
	return front->behind->engine->due(front->behind, after_us, until_us, limit, fn, context, err);
}

static int front_identity(
    struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err)
{
	const struct front *front = (const struct front *)store;

	return front->behind->engine->identity(front->behind, arena, ret, err);
}

static int front_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err)
{
	const struct front *front = (const struct front *)store;

	return front->behind->engine->set_identity(front->behind, expected, text, err);
}

static int64_t front_now_us(struct tact_store *store)
{
	return ((const struct front *)store)->faults->now_us;
}

static void front_close(struct tact_store *store)
{
	tact_store_clear(store);
	free(store);
}

static const struct tact_store_engine front_engine = {
    .scheme = "front:",
    .close = front_close,
    .read = front_read,
    .update = front_update,
    .scan = front_scan,
    .due = front_due,
    .identity = front_identity,
    .set_identity = front_set_identity,
    .now_us = front_now_us,
};

void machine_open(struct machine *machine, struct faults *faults, struct tact_store *shared)
{
	struct front *front = tact_calloc(1, sizeof *front);

	tact_store_init(&front->store, &front_engine);
	front->behind = shared;
	front->faults = faults;
	front->machine = machine;
	*machine = (struct machine){.store = &front->store};
	/* Nobody but the wrapper below looks behind it. */
	machine->audit = (struct tact_audit *)machine;
}

void machine_close(struct machine *machine)
{
	tact_store_close(&machine->store);
}

/* ---- in the place of the system ----------------------------------------------------------------- */

int64_t __wrap_tact_clock_now_us(void);
int64_t __wrap_tact_clock_monotonic_ms(void);
int64_t __real_tact_clock_monotonic_ms(void);
void __wrap_tact_random_bytes(void *ret, size_t size_bytes);
struct tact_id __wrap_tact_id_random(void);
int __real_tact_audit_append(struct tact_audit *audit, const struct tact_audit_entry *entries, size_t count,
    int64_t now_us, uint64_t *ret_first_seq, struct tact_error *err);
int __wrap_tact_audit_append(struct tact_audit *audit, const struct tact_audit_entry *entries, size_t count,
    int64_t now_us, uint64_t *ret_first_seq, struct tact_error *err);

void __wrap_tact_audit_append_later(struct tact_audit *audit, const struct tact_audit_later *later);

int64_t __wrap_tact_clock_now_us(void)
{
	return machine_faults->now_us;
}

/* What is kept for two seconds is kept for two of the world's. */
int64_t __wrap_tact_clock_monotonic_ms(void)
{
	if (machine_faults->threads)
		return __real_tact_clock_monotonic_ms();
	return machine_faults->now_us / 1000;
}

void __wrap_tact_random_bytes(void *ret, size_t size_bytes)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	unsigned char *to = ret;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < size_bytes; i++)
		to[i] = (unsigned char)chance_next(&machine_faults->secrets);
	pthread_mutex_unlock(&lock);
}

struct tact_id __wrap_tact_id_random(void)
{
	struct tact_id id;

	__wrap_tact_random_bytes(id.b, sizeof id.b);
	return id;
}

int __wrap_tact_audit_append(struct tact_audit *audit, const struct tact_audit_entry *entries, size_t count,
    int64_t now_us, uint64_t *ret_first_seq, struct tact_error *err)
{
	struct machine *machine = (struct machine *)audit;
	int result = TACT_OK;

	if (!live_on(machine))
		return tact_error_set(err, TACT_UNAVAILABLE, "dead");
	if (happens(machine_faults, machine_faults->audit_per_mille)) {
		machine_faults->lost++;
		return tact_error_set(err, TACT_UNAVAILABLE, "the disk is full, says the simulation");
	}
	if (machine->really != NULL)
		result =
		    __real_tact_audit_append(machine->really, entries, count, now_us, ret_first_seq, err);
	machine->entries += count;
	return live_on(machine) ? result : tact_error_set(err, TACT_UNAVAILABLE, "dead");
}

/* Nobody waits here: it is done at once. */
void __wrap_tact_audit_append_later(struct tact_audit *audit, const struct tact_audit_later *later)
{
	const struct tact_audit_entry *entries = NULL;
	size_t count = later->make(later->context, &entries);

	later->done(later->context,
	    count == 0 ? TACT_OK
		       : __wrap_tact_audit_append(audit, entries, count, later->now_us, NULL, later->err));
}
