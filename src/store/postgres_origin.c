/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The latest timeline of each database that this process has seen. A server that was the primary once and
 * comes back takes writes as before, and knows nothing of what was written elsewhere since: its timeline
 * tells.
 */
#include <config.h>

#include "postgres.h"

#include <pthread.h>
#include <stdlib.h>

#define DATABASES_MOST 16

struct pg_origins {
	pthread_mutex_t lock;
	struct pg_origin latest[DATABASES_MOST];
	size_t count, oldest; /* of which the place is taken when there are too many */
};

struct pg_origins *pg_origins_new(void)
{
	struct pg_origins *origins = tact_calloc(1, sizeof *origins);
	pthread_mutex_init(&origins->lock, NULL);
	return origins;
}

void pg_origins_free(struct pg_origins **origins)
{
	if (!*origins)
		return;
	pthread_mutex_destroy(&(*origins)->lock);
	free(*origins);
	*origins = NULL;
}

/* Under the lock, or NULL. */
static struct pg_origin *find(struct pg_origins *origins, int64_t database)
{
	for (size_t i = 0; i < origins->count; i++)
		if (origins->latest[i].database == database)
			return &origins->latest[i];
	return NULL;
}

static void add(struct pg_origins *origins, const struct pg_origin *origin)
{
	if (origins->count < DATABASES_MOST) {
		origins->latest[origins->count++] = *origin;
		return;
	}
	origins->latest[origins->oldest] = *origin;
	origins->oldest = (origins->oldest + 1) % DATABASES_MOST;
}

bool pg_origins_hear(struct pg_origins *origins, const struct pg_origin *origin)
{
	struct pg_origin *known;
	bool latest = true;

	pthread_mutex_lock(&origins->lock);
	known = find(origins, origin->database);
	if (!known)
		add(origins, origin);
	else if (known->timeline < origin->timeline)
		known->timeline = origin->timeline;
	else
		latest = known->timeline == origin->timeline;
	pthread_mutex_unlock(&origins->lock);
	return latest;
}

int64_t pg_origins_latest(struct pg_origins *origins, int64_t database)
{
	const struct pg_origin *known;
	int64_t timeline;

	pthread_mutex_lock(&origins->lock);
	known = find(origins, database);
	timeline = known ? known->timeline : 0;
	pthread_mutex_unlock(&origins->lock);
	return timeline;
}
