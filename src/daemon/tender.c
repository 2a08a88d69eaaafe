/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Campaigns, tended once a second: what this process counted is written, what others wrote is read, and what
 * becomes of a campaign is logged. Besides, a look whether the store can still be used at all.
 */
#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "private.h"

#define SAY_MS (60 * 1000) /* between two complaints of the same thing */

struct tender {
	struct tact_decider *decider;
	struct tact_store *store;
	const char *name;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop, over;
	int64_t said_ms;
};

static void tell(void *context, const struct tact_campaign *campaign)
{
	const struct tender *tender = context;
	bool stopped = campaign->tripped_us != 0;

	tact_log(stopped ? TACT_LOG_WARNING : TACT_LOG_INFO,
	    "service=%s campaign=\"%s\" %s=\"%s\" why=\"%s\"", tender->name, campaign->name,
	    stopped ? "stopped_by" : "state",
	    stopped ? campaign->tripped_by : tact_dossier_campaign_state_name(campaign->state),
	    stopped ? campaign->tripped_why : campaign->why);
}

static void tend(struct tender *tender)
{
	struct tact_error err = {""};
	int64_t now_ms = tact_clock_monotonic_ms();

	if (tact_decide_tend_campaigns(tender->decider, tact_clock_now_us(), tell, tender, &err) == TACT_OK)
		return;
	if (tender->said_ms != 0 && now_ms - tender->said_ms < SAY_MS)
		return;
	tender->said_ms = now_ms;
	tact_log(TACT_LOG_WARNING, "service=%s campaigns: %s", tender->name, err.text);
}

/* Who opens it again is a process started anew. Till then all is 451, and what is under way has its answer
 * first. */
static void look_at_store(struct tender *tender)
{
	struct tact_error err = {""};

	if (tender->over || !tact_store_is_over(tender->store))
		return;
	tender->over = true;
	tact_store_last_error(tender->store, &err);
	tact_log(TACT_LOG_ERROR,
	    "service=%s the store cannot be used any more by this process, which ends: %s", tender->name,
	    err.text);
	(void)kill(getpid(), SIGTERM);
}

/* False: the process ends. */
static bool wait_a_second(struct tender *tender)
{
	struct timespec until;
	bool stop;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	(void)pthread_mutex_lock(&tender->lock);
	while (!tender->stop && pthread_cond_timedwait(&tender->wake, &tender->lock, &until) == 0)
		;
	stop = tender->stop;
	(void)pthread_mutex_unlock(&tender->lock);
	return !stop;
}

static void *run(void *context)
{
	struct tender *tender = context;

	do {
		tend(tender);
		look_at_store(tender);
	} while (wait_a_second(tender));
	tend(tender); /* what was counted since */
	return NULL;
}

struct tender *tender_open(struct tact_decider *decider, struct tact_store *store, const char *name)
{
	struct tender *tender = tact_calloc(1, sizeof *tender);
	pthread_condattr_t attributes;

	tender->decider = decider;
	tender->store = store;
	tender->name = name;
	(void)pthread_mutex_init(&tender->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&tender->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (pthread_create(&tender->thread, NULL, run, tender) == 0)
		return tender;
	(void)pthread_cond_destroy(&tender->wake);
	(void)pthread_mutex_destroy(&tender->lock);
	free(tender);
	return NULL;
}

void tender_close(struct tender **tender)
{
	if (*tender == NULL)
		return;
	(void)pthread_mutex_lock(&(*tender)->lock);
	(*tender)->stop = true;
	(void)pthread_cond_signal(&(*tender)->wake);
	(void)pthread_mutex_unlock(&(*tender)->lock);
	(void)pthread_join((*tender)->thread, NULL);
	(void)pthread_cond_destroy(&(*tender)->wake);
	(void)pthread_mutex_destroy(&(*tender)->lock);
	free(*tender);
	*tender = NULL;
}
