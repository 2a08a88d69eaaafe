/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Entries about tactd itself that could not be written when they were due (the disk of the evidence was
 * full): tried again each second, so that no policy under which mail is decided stays without its text.
 */
#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "private.h"

/* One kind of entry. Of two policies owed only the later one matters: nothing was decided under the earlier,
 * whose entries would have failed alike. */
struct debt {
	enum tact_audit_kind kind;
	bool due;
	char detail[192];
};

struct owed {
	struct tact_decider *decider;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	struct debt debts[2]; /* in the order in which they are written */
};

/* With the lock held. A debt that stays is complained of once, when it is made. */
static void pay(struct owed *owed, struct tact_error *err)
{
	for (size_t i = 0; i < 2; i++) {
		struct debt *debt = &owed->debts[i];

		if (!debt->due)
			continue;
		if (tact_decide_record(owed->decider, debt->kind,
			debt->detail[0] != '\0' ? debt->detail : NULL, tact_clock_now_us(), err) != TACT_OK)
			return;
		debt->due = false;
	}
}

static bool is_due(const struct owed *owed)
{
	return owed->debts[0].due || owed->debts[1].due;
}

static void wait_a_second(struct owed *owed)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	while (!owed->stop && pthread_cond_timedwait(&owed->wake, &owed->lock, &until) == 0)
		;
}

static void *run(void *context)
{
	struct owed *owed = context;
	struct tact_error err;

	(void)pthread_mutex_lock(&owed->lock);
	while (!owed->stop) {
		if (!is_due(owed)) {
			(void)pthread_cond_wait(&owed->wake, &owed->lock);
			continue;
		}
		wait_a_second(owed);
		pay(owed, &err);
		if (!is_due(owed))
			tact_log(TACT_LOG_INFO, "service=gate the evidence is written again");
	}
	(void)pthread_mutex_unlock(&owed->lock);
	return NULL;
}

struct owed *owed_open(struct tact_decider *decider)
{
	struct owed *owed = tact_calloc(1, sizeof *owed);
	pthread_condattr_t attributes;

	owed->decider = decider;
	owed->debts[0].kind = TACT_AUDIT_START;
	owed->debts[1].kind = TACT_AUDIT_POLICY;
	(void)pthread_mutex_init(&owed->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&owed->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (pthread_create(&owed->thread, NULL, run, owed) != 0) {
		(void)pthread_cond_destroy(&owed->wake);
		(void)pthread_mutex_destroy(&owed->lock);
		free(owed);
		return NULL;
	}
	return owed;
}

int owed_record(struct owed *owed, enum tact_audit_kind kind, const char *detail, struct tact_error *err)
{
	struct debt *debt = &owed->debts[kind == TACT_AUDIT_START ? 0 : 1];
	int result;

	(void)pthread_mutex_lock(&owed->lock);
	debt->due = true;
	snprintf(debt->detail, sizeof debt->detail, "%s", detail);
	pay(owed, err);
	result = debt->due ? TACT_UNAVAILABLE : TACT_OK;
	(void)pthread_cond_signal(&owed->wake);
	(void)pthread_mutex_unlock(&owed->lock);
	return result;
}

void owed_close(struct owed **owed)
{
	struct tact_error err;

	if (*owed == NULL)
		return;
	(void)pthread_mutex_lock(&(*owed)->lock);
	(*owed)->stop = true;
	(void)pthread_cond_signal(&(*owed)->wake);
	(void)pthread_mutex_unlock(&(*owed)->lock);
	(void)pthread_join((*owed)->thread, NULL);
	pay(*owed, &err);
	(void)pthread_cond_destroy(&(*owed)->wake);
	(void)pthread_mutex_destroy(&(*owed)->lock);
	free(*owed);
	*owed = NULL;
}
