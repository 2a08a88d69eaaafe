/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A call of a program's thread and its steps, one for each key, from the moment it is made until the last of
 * those who know it lets it go. Knows no connection.
 */
#include <config.h>

#include "postgres_request.h"

#include <stdlib.h>

static void resume(struct tact_store_turn *turn);

struct pg_request *pg_request_new(const struct tact_store_key *keys, size_t count)
{
	struct pg_request *r = tact_calloc(1, sizeof *r + count * sizeof *r->steps);

	atomic_init(&r->refs, (unsigned)count + 1);
	r->turn.resume = resume;
	r->count = r->open = count;
	sem_init(&r->moved, 0, 0);
	pthread_mutex_init(&r->fn_lock, NULL);
	for (size_t i = 0; i < count; i++) {
		r->steps[i].request = r;
		r->steps[i].key = keys[i];
		r->steps[i].answer.result = TACT_UNAVAILABLE;
	}
	return r;
}

void pg_request_unref(struct pg_request *r, unsigned refs)
{
	if (refs == 0 || atomic_fetch_sub(&r->refs, refs) > refs)
		return;
	for (size_t i = 0; i < r->count; i++)
		free((void *)r->steps[i].record.bytes);
	pthread_mutex_destroy(&r->fn_lock);
	sem_destroy(&r->moved);
	free(r);
}

void pg_request_copy_answers(struct pg_request *r)
{
	for (size_t i = 0; i < r->count; i++)
		r->answers[i] = r->steps[i].answer;
}

static void resume(struct tact_store_turn *turn)
{
	struct pg_request *r = (struct pg_request *)turn;

	atomic_store(&r->over, true);
	sem_post(&r->moved);
	pg_request_unref(r, 1);
}

void pg_request_nudge(struct pg_request *r)
{
	if (!r->impatient)
		return;
	r->impatient = false;
	sem_post(&r->moved);
}

void pg_step_settle(struct pg_step *step, struct pg_request_list *woken)
{
	struct pg_request *r = step->request;

	step->state = PG_SETTLED;
	if (step->answer.result != TACT_OK)
		step->answer.version = 0;
	if (--r->open > 0) {
		pg_request_nudge(r);
		pg_request_unref(r, 1);
		return;
	}
	TAILQ_INSERT_TAIL(woken, r, link); /* with the reference of this step */
}

void pg_request_wake(struct pg_request_list *woken)
{
	struct pg_request *r;

	while ((r = TAILQ_FIRST(woken))) {
		TAILQ_REMOVE(woken, r, link);
		if (r->after) {
			pg_request_copy_answers(r);
			r->after(r->context, &r->turn);
		} else {
			resume(&r->turn);
		}
	}
}

bool pg_request_is_running(const struct pg_request *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->steps[i].state == PG_RUNNING)
			return true;
	return false;
}
