/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What becomes of a batch and its connection after each outcome: who is answered what, who tries again, and
 * what it says about the group. What is not known is uncertain.
 */
#include <config.h>

#include "postgres_pool.h"

#include <string.h>

static bool may_again(const struct pg_worker *me)
{
	return !me->lane->pool->stopping && !me->lane->circuits[me->group].open;
}

/* Under the lock, from the last to the first, so that the order stays. */
static void end_batch(struct pg_worker *me, enum pg_fate (*judge)(struct pg_worker *me, struct pg_step *step),
    struct pg_request_list *woken)
{
	struct pg_lane *lane = me->lane;

	for (size_t i = me->batch.count; i-- > 0;) {
		struct pg_step *step = me->batch.steps[i];
		if (!step)
			continue;
		if (step->request->abandoned) {
			step->state = PG_SETTLED;
			pg_request_unref(step->request, 1);
		} else if (judge(me, step) == PG_FATE_AGAIN && may_again(me)) {
			pg_queue_add_again(lane, step);
		} else {
			pg_step_settle(step, woken);
		}
	}
	me->batch.count = me->batch.cells_count = 0;
	tact_arena_reset(me->batch.arena);
}

void pg_fate_end_batch(struct pg_worker *me,
    enum pg_fate (*judge)(struct pg_worker *me, struct pg_step *step), enum pg_circuit_move move)
{
	struct pg_lane *lane = me->lane;
	struct pg_request_list woken = TAILQ_HEAD_INITIALIZER(woken);

	pthread_mutex_lock(&lane->pool->lock);
	if (move == PG_CIRCUIT_OPENS)
		pg_circuit_open(lane, me->group, &woken);
	else if (move == PG_CIRCUIT_CLOSES)
		pg_circuit_close(lane, me->group);
	end_batch(me, judge, &woken);
	if (!TAILQ_EMPTY(&lane->queue))
		pthread_cond_broadcast(&lane->work);
	pthread_mutex_unlock(&lane->pool->lock);
	pg_request_wake(&woken);
}

enum pg_fate pg_fate_unavailable(struct pg_worker *me, struct pg_step *step)
{
	(void)me;
	step->answer.result = TACT_UNAVAILABLE;
	return PG_FATE_ANSWER;
}

static enum pg_fate judge_again(struct pg_worker *me, struct pg_step *step)
{
	(void)me;
	step->answer.result = TACT_UNAVAILABLE;
	return PG_FATE_AGAIN;
}

/* A connection that was found dead before anything was sent to be committed: once more with a new one. */
static enum pg_fate judge_retry(struct pg_worker *me, struct pg_step *step)
{
	bool first = !step->retried;

	(void)me;
	step->retried = true;
	step->answer.result = TACT_UNAVAILABLE;
	return first ? PG_FATE_AGAIN : PG_FATE_ANSWER;
}

enum pg_fate pg_fate_delivered(struct pg_worker *me, struct pg_step *step)
{
	(void)me, (void)step;
	return PG_FATE_ANSWER;
}

static void doubt(struct pg_step *step)
{
	if (step->answer.result == TACT_OK)
		step->answer.result = step->changed ? TACT_UNCERTAIN : TACT_UNAVAILABLE;
}

static enum pg_fate judge_uncertain(struct pg_worker *me, struct pg_step *step)
{
	(void)me;
	doubt(step);
	return PG_FATE_ANSWER;
}

static enum pg_fate judge_committed(struct pg_worker *me, struct pg_step *step)
{
	const struct pg_cell *cell = &me->batch.cells[step->cell];

	if (step->answer.result != TACT_OK || cell->done)
		return PG_FATE_ANSWER;
	if (!cell->refused)
		doubt(step);
	else
		step->answer.result = TACT_UNAVAILABLE;
	return cell->refused ? PG_FATE_AGAIN : PG_FATE_ANSWER;
}

/* ---- outcomes ---- */

/* Does it come from the records? What is uncertain may be a proxy's word about a server that is gone. */
static bool is_answer(const struct pg_worker *me, enum pg_outcome outcome)
{
	enum pg_meaning meaning;

	if (outcome != PG_REFUSED)
		return outcome == PG_DONE;
	meaning = pg_state_meaning(pg_link_state(me->link));
	return meaning == PG_MEANS_NOT_COMMITTED || meaning == PG_MEANS_AGAIN;
}

/* The callers have their answers. */
static void wait_on(struct pg_worker *me)
{
	struct pg_pool *pool = me->lane->pool;
	enum pg_outcome outcome;
	bool answer;

	pthread_mutex_lock(&pool->lock);
	me->late = true;
	pthread_mutex_unlock(&pool->lock);
	outcome = pg_worker_wait(me);
	answer = is_answer(me, outcome);
	pthread_mutex_lock(&pool->lock);
	me->late = false;
	if (answer)
		pg_circuit_close(me->lane, me->group);
	pthread_mutex_unlock(&pool->lock);
	if (!answer)
		pg_worker_drop_link(me);
}

static void report_refused(struct pg_worker *me)
{
	const char *advice = pg_state_advice(pg_link_state(me->link));

	tact_store_report(me->lane->pool->store, TACT_UNAVAILABLE, NULL, "the database says %s %s%s%s",
	    pg_link_state(me->link), pg_link_words(me->link), advice ? ": " : "", advice ? advice : "");
}

/* Who is asked again says later what came of it. */
static bool all_try_again(struct pg_worker *me)
{
	bool again;

	pthread_mutex_lock(&me->lane->pool->lock);
	again = may_again(me);
	pthread_mutex_unlock(&me->lane->pool->lock);
	for (size_t i = 0; i < me->batch.count; i++)
		again = again && (!me->batch.steps[i] || !me->batch.steps[i]->retried);
	return again;
}

static void report_lost(struct pg_worker *me)
{
	const char *words = pg_link_words(me->link);

	if (all_try_again(me))
		return;
	if (pg_link_deposed(me->link)) {
		tact_store_report(me->lane->pool->store, TACT_UNAVAILABLE, NULL,
		    "the server that records were read from was deposed meanwhile: another was promoted");
		return;
	}
	tact_store_report(me->lane->pool->store, TACT_UNAVAILABLE, NULL,
	    "the connection to the database broke while records were read%s%s", *words != '\0' ? ": " : "",
	    words);
}

/* Who has no deadline of his own says nothing about it. */
static void report_late(struct pg_worker *me, int result)
{
	tact_store_report(me->lane->pool->store, result, NULL,
	    "no answer from the database in time: it is slow, it waits for a standby, or somebody holds a "
	    "lock "
	    "(pg_stat_activity tells)");
}

/* One of them in words: who asks for many is answered for each. */
static void report_corrupt(struct pg_worker *me)
{
	for (size_t i = 0; i < me->batch.cells_count; i++) {
		const struct tact_store_key *key = &me->batch.cells[i].key;

		if (me->batch.cells[i].corrupt)
			tact_store_report(me->lane->pool->store, TACT_CORRUPT, NULL,
			    "%s %s in the database cannot be read: run \"tact store check\"",
			    tact_store_kind_name(key->kind), tact_id_format(me->batch.arena, &key->id));
	}
}

/* The error is about one record, and nobody knows which. */
static void try_alone(struct pg_worker *me)
{
	struct pg_pool *pool = me->lane->pool;

	pthread_mutex_lock(&pool->lock);
	me->lane->alone = me->batch.count;
	pthread_mutex_unlock(&pool->lock);
	pg_fate_end_batch(me, judge_again, PG_CIRCUIT_STAYS);
}

/* Does the server fail to read what it keeps? It answers, and others stand elsewhere on its disk. */
static bool is_damage(const struct pg_worker *me)
{
	const char *state = pg_link_state(me->link);

	return strcmp(state, "XX001") == 0 || strcmp(state, "XX002") == 0;
}

static enum pg_fate judge_damaged(struct pg_worker *me, struct pg_step *step)
{
	(void)me;
	step->answer.result = TACT_CORRUPT;
	return PG_FATE_ANSWER;
}

static void settle_unread(struct pg_worker *me)
{
	report_refused(me);
	if (is_damage(me) && me->batch.cells_count > 1) {
		try_alone(me);
	} else if (is_damage(me)) {
		pg_fate_end_batch(me, judge_damaged, PG_CIRCUIT_STAYS);
	} else {
		pg_worker_drop_link(me);
		pg_fate_end_batch(me, pg_fate_unavailable, PG_CIRCUIT_OPENS);
	}
}

bool pg_fate_of_load(struct pg_worker *me, enum pg_outcome outcome)
{
	/* What it read may have been written over elsewhere. */
	if (outcome == PG_DONE && pg_link_deposed(me->link))
		outcome = PG_LOST;
	switch (outcome) {
	case PG_DONE:
		pg_clock_hear(&me->lane->pool->clock, me->batch.store_now_us, me->batch.asked_us);
		me->batch.store_now_us = pg_clock_now_us(&me->lane->pool->clock);
		report_corrupt(me);
		return true;
	case PG_LATE:
		report_late(me, TACT_UNAVAILABLE);
		pg_fate_end_batch(me, pg_fate_unavailable, PG_CIRCUIT_OPENS);
		wait_on(me);
		return false;
	case PG_LOST:
		report_lost(me);
		pg_worker_drop_link(me);
		pg_fate_end_batch(me, judge_retry, PG_CIRCUIT_STAYS);
		return false;
	case PG_REFUSED:
		settle_unread(me);
	}
	return false;
}

static void settle_refused(struct pg_worker *me)
{
	enum pg_meaning meaning = pg_state_meaning(pg_link_state(me->link));

	report_refused(me);
	if (meaning == PG_MEANS_AGAIN) {
		pg_fate_end_batch(me, judge_again, PG_CIRCUIT_STAYS);
	} else if (meaning == PG_MEANS_NOT_COMMITTED && me->batch.cells_count > 1) {
		try_alone(me);
	} else if (meaning == PG_MEANS_NOT_COMMITTED) {
		pg_fate_end_batch(me, pg_fate_unavailable, PG_CIRCUIT_STAYS);
	} else {
		pg_worker_drop_link(me);
		pg_fate_end_batch(me, meaning == PG_MEANS_ELSEWHERE ? pg_fate_unavailable : judge_uncertain,
		    PG_CIRCUIT_STAYS);
	}
}

static void settle_done(struct pg_worker *me)
{
	struct pg_pool *pool = me->lane->pool;

	if (pg_link_noticed(me->link)) {
		tact_store_report(pool->store, TACT_UNCERTAIN, NULL,
		    "the database spoke during a commit, which may not be replicated: %s",
		    pg_link_words(me->link));
		pg_fate_end_batch(me, judge_uncertain, PG_CIRCUIT_STAYS);
		return;
	}
	atomic_fetch_add(&pool->commits, 1);
	pg_fate_end_batch(me, judge_committed, PG_CIRCUIT_CLOSES);
}

void pg_fate_of_commit(struct pg_worker *me, enum pg_outcome outcome)
{
	switch (outcome) {
	case PG_DONE:
		settle_done(me);
		break;
	case PG_REFUSED:
		settle_refused(me);
		break;
	case PG_LATE:
		report_late(me, TACT_UNCERTAIN);
		pg_fate_end_batch(me, judge_uncertain, PG_CIRCUIT_OPENS);
		wait_on(me);
		break;
	case PG_LOST:
		tact_store_report(me->lane->pool->store, TACT_UNCERTAIN, NULL,
		    "the connection to the database broke during a commit: %s", pg_link_words(me->link));
		pg_worker_drop_link(me);
		pg_fate_end_batch(me, judge_uncertain, PG_CIRCUIT_STAYS);
	}
}
