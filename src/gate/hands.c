/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A tree of claims behind a lock.
 */
#include <config.h>

#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "hands.h"

struct hands {
	pthread_mutex_t lock;
	void *tree;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct tact_id));
}

struct hands *hands_new(void)
{
	struct hands *hands = tact_calloc(1, sizeof *hands);

	(void)pthread_mutex_init(&hands->lock, NULL);
	return hands;
}

void hands_free(struct hands **hands)
{
	if (*hands == NULL)
		return;
	tdestroy((*hands)->tree, free);
	(void)pthread_mutex_destroy(&(*hands)->lock);
	free(*hands);
	*hands = NULL;
}

bool hands_take(struct hands *hands, const struct tact_id *claim)
{
	struct tact_id *copy = tact_malloc(sizeof *copy);
	void *slot;
	bool taken;

	*copy = *claim;
	(void)pthread_mutex_lock(&hands->lock);
	slot = tsearch(copy, &hands->tree, compare);
	if (slot == NULL)
		_exit(EX_OSERR); /* as tact_malloc does */
	taken = *(void **)slot == copy;
	(void)pthread_mutex_unlock(&hands->lock);
	if (!taken)
		free(copy);
	return taken;
}

void hands_put(struct hands *hands, const struct tact_id *claim)
{
	void *slot, *held = NULL;

	(void)pthread_mutex_lock(&hands->lock);
	slot = tfind(claim, &hands->tree, compare);
	if (slot != NULL) {
		held = *(void **)slot;
		(void)tdelete(claim, &hands->tree, compare);
	}
	(void)pthread_mutex_unlock(&hands->lock);
	free(held);
}
