/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How many recipients one sender and subject reached today: what calls itself personal and is sent to
 * hundreds is bulk (DESIGN §6). Kept in memory, by process: a restart forgets the day, which errs by one
 * day's personal_max at most.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define CELLS 65536
#define PROBES 16
#define DAY_US (86400 * INT64_C(1000000))

struct cell {
	struct tact_id id;
	int64_t day, count;
};
struct volume {
	pthread_mutex_t lock;
	struct cell cells[CELLS];
};

struct volume *volume_new(void)
{
	struct volume *volume = tact_calloc(1, sizeof *volume);

	pthread_mutex_init(&volume->lock, NULL);
	return volume;
}

void volume_free(struct volume **volume)
{
	if (*volume == NULL)
		return;
	pthread_mutex_destroy(&(*volume)->lock);
	free(*volume);
	*volume = NULL;
}

/* The cell of ID today: its own, else a free or bygone one, else the one that counted least. */
static struct cell *find(struct volume *volume, const struct tact_id *id, int64_t day)
{
	size_t start;
	struct cell *best = NULL;

	memcpy(&start, id->b, sizeof start);
	for (size_t i = 0; i < PROBES; i++) {
		struct cell *cell = &volume->cells[(start + i) % CELLS];

		if (cell->day == day && tact_id_equal(&cell->id, id))
			return cell;
		if (cell->day != day)
			cell->count = 0;
		if (best == NULL || cell->count < best->count)
			best = cell;
	}
	*best = (struct cell){.id = *id, .day = day};
	return best;
}

int64_t volume_add(
    struct volume *volume, const char *sender, const char *subject, int64_t count, int64_t now_us)
{
	const char *fields[] = {"volume", sender, subject != NULL ? subject : ""};
	struct tact_id id = tact_digest_id(fields, 3);
	int64_t sum;

	pthread_mutex_lock(&volume->lock);
	struct cell *cell = find(volume, &id, now_us / DAY_US + 1); /* + 1: day 0 is a free cell */
	cell->count += count;
	sum = cell->count;
	pthread_mutex_unlock(&volume->lock);
	return sum;
}
