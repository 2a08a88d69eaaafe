/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Who waits for the log: many threads queue, one at a time leads and makes what all have queued durable at
 * once. Callers who wait lead each other, so that one alone needs nobody; for those who do not, a thread of
 * the log's own leads. What is waited for was encoded before it queued, the rest is by who leads. Nobody is
 * woken under the mutex, which he would only go to sleep again on: what he needs to know is written before
 * the post.
 */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "private.h"

/* ---- encoding ------------------------------------------------------------------------------------------ */

/* One entry, or several where its configuration is long. */
static void encode_entry(struct audit_writer *w, struct tact_arena *arena, const char *host,
    const struct tact_audit_entry *entry, int64_t now_us, struct audit_encoded **list, size_t *count)
{
	struct tact_audit_entry rest = *entry;
	uint8_t salt[AUDIT_SALT_BYTES];
	size_t told;

	do {
		struct audit_encoded *encoded = TACT_PUSH(arena, *list, *count);

		tact_random_bytes(salt, sizeof salt);
		told = audit_encode(w, arena, host, &rest, now_us, salt, encoded);
		if (rest.policy_text != NULL)
			rest.policy_text += told;
	} while (rest.policy_text != NULL && *rest.policy_text != '\0');
}

/* What was only announced. Its buffer is done growing before anybody is told where it is. */
static void encode_announced(
    struct tact_audit *audit, struct audit_request *batch, struct audit_writer *w, struct tact_arena *arena)
{
	for (struct audit_request *request = batch; request != NULL; request = request->next) {
		const struct tact_audit_entry *entries = NULL;
		struct audit_encoded *list = NULL;
		size_t count;

		if (request->later.make == NULL)
			continue;
		count = request->later.make(request->later.context, &entries);
		for (size_t i = 0; i < count; i++)
			encode_entry(w, arena, audit->host, &entries[i], request->later.now_us, &list,
			    &request->count);
		request->entries = list;
		tact_edge("audit-before-append");
	}
	for (struct audit_request *request = batch; request != NULL; request = request->next)
		if (request->later.make != NULL)
			request->bytes = w->data;
}

/* ---- who leads ----------------------------------------------------------------------------------------- */

/* With the mutex held: takes what is queued. */
static struct audit_request *take_batch(struct tact_audit *audit)
{
	struct audit_request *batch = audit->first;

	audit->first = NULL;
	audit->last = &audit->first;
	return batch;
}

/* Who waits stays until he is told; whom nobody waits for may be gone as soon as the mutex is free. True:
 * there is nobody to tell, and the leader goes on. */
static bool hand_over(struct tact_audit *audit)
{
	struct audit_request *next;
	bool waits, own;

	pthread_mutex_lock(&audit->mutex);
	next = audit->first;
	audit->led = next != NULL;
	waits = next != NULL && next->later.make == NULL;
	own = next != NULL && !waits && audit->own_runs;
	if (waits)
		next->leads = true;
	audit->own_leads |= own;
	pthread_mutex_unlock(&audit->mutex);
	if (waits)
		sem_post(&next->wake);
	if (own)
		pthread_cond_signal(&audit->own_wake);
	return next != NULL && !waits && !own;
}

static void answer(struct audit_request *batch, int result, const struct tact_error *err)
{
	struct audit_request *next;

	for (struct audit_request *request = batch; request != NULL; request = next) {
		next = request->next; /* once told, it may be gone */
		request->result = result == TACT_OK ? TACT_OK : TACT_UNAVAILABLE;
		if (result != TACT_OK)
			tact_error_set(request->err, result, "%s", err->text);
		if (request->later.make == NULL) {
			sem_post(&request->wake);
			continue;
		}
		request->later.done(request->later.context, request->result);
		free(request);
	}
}

/* True: go on. */
static bool lead_once(struct tact_audit *audit)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_error err = {.text = ""};
	struct audit_writer w = {0};
	struct audit_request *batch;
	int result;
	bool more;

	pthread_mutex_lock(&audit->mutex);
	batch = take_batch(audit);
	pthread_mutex_unlock(&audit->mutex);
	encode_announced(audit, batch, &w, arena);
	result = audit_commit(audit, batch, &err);
	more = hand_over(audit);
	answer(batch, result, &err);
	audit_writer_clear(&w);
	tact_arena_free(&arena);
	return more;
}

static void lead(struct tact_audit *audit)
{
	while (lead_once(audit))
		continue;
}

/* ---- the log's own thread ------------------------------------------------------------------------------ */

static void *lead_for_others(void *context)
{
	struct tact_audit *audit = context;

	pthread_mutex_lock(&audit->mutex);
	while (!audit->ending || audit->own_leads) {
		if (!audit->own_leads) {
			pthread_cond_wait(&audit->own_wake, &audit->mutex);
			continue;
		}
		audit->own_leads = false;
		pthread_mutex_unlock(&audit->mutex);
		lead(audit);
		pthread_mutex_lock(&audit->mutex);
	}
	pthread_mutex_unlock(&audit->mutex);
	return NULL;
}

/* With the mutex held. Not before it is needed: most programs that open a log append and wait. */
static void begin_own(struct tact_audit *audit)
{
	sigset_t all, before;

	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	audit->own_runs = pthread_create(&audit->own, NULL, lead_for_others, audit) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void audit_queue_begin(struct tact_audit *audit)
{
	pthread_mutex_init(&audit->mutex, NULL);
	pthread_cond_init(&audit->own_wake, NULL);
	audit->last = &audit->first;
}

void audit_queue_end(struct tact_audit *audit)
{
	pthread_mutex_lock(&audit->mutex);
	audit->ending = true;
	pthread_mutex_unlock(&audit->mutex);
	pthread_cond_signal(&audit->own_wake);
	if (audit->own_runs)
		pthread_join(audit->own, NULL);
	pthread_cond_destroy(&audit->own_wake);
	pthread_mutex_destroy(&audit->mutex);
}

/* ---- append -------------------------------------------------------------------------------------------- */

/* With the mutex held. True: nobody leads yet. */
static bool enqueue(struct tact_audit *audit, struct audit_request *request)
{
	bool led = audit->led;

	*audit->last = request;
	audit->last = &request->next;
	audit->led = true;
	return !led;
}

static void wait_for_post(struct audit_request *request)
{
	while (sem_wait(&request->wake) != 0)
		continue; /* a signal */
}

static void queue_and_wait(struct tact_audit *audit, struct audit_request *request)
{
	bool leads;

	sem_init(&request->wake, 0, 0);
	pthread_mutex_lock(&audit->mutex);
	leads = enqueue(audit, request);
	pthread_mutex_unlock(&audit->mutex);
	if (!leads)
		wait_for_post(request);
	if (leads || request->leads) {
		lead(audit);
		wait_for_post(request); /* by itself, among the others */
	}
	sem_destroy(&request->wake);
}

int tact_audit_append(struct tact_audit *audit, const struct tact_audit_entry *entries, size_t count,
    int64_t now_us, uint64_t *ret_first_seq, struct tact_error *err)
{
	struct tact_arena *arena = tact_arena_new();
	struct audit_writer w = {0};
	struct audit_encoded *list = NULL;
	struct audit_request request = {.err = err};

	for (size_t i = 0; i < count; i++)
		encode_entry(&w, arena, audit->host, &entries[i], now_us, &list, &request.count);
	request.bytes = w.data;
	request.entries = list;
	tact_edge("audit-before-append");
	if (count > 0)
		queue_and_wait(audit, &request);
	audit_writer_clear(&w);
	tact_arena_free(&arena);
	if (request.result == TACT_OK && ret_first_seq != NULL)
		*ret_first_seq = request.first_seq;
	return request.result;
}

void tact_audit_append_later(struct tact_audit *audit, const struct tact_audit_later *later)
{
	struct audit_request *request = tact_calloc(1, sizeof *request);
	bool leads, own;

	request->later = *later;
	request->err = later->err;
	pthread_mutex_lock(&audit->mutex);
	if (!audit->own_runs)
		begin_own(audit);
	own = audit->own_runs;
	leads = enqueue(audit, request);
	audit->own_leads |= leads && own;
	/* Under the lock: once it is let go the entries may be durable and the log closed. */
	if (leads && own)
		pthread_cond_signal(&audit->own_wake);
	pthread_mutex_unlock(&audit->mutex);
	if (leads && !own) /* no thread is to be had: better late than never */
		lead(audit);
}
