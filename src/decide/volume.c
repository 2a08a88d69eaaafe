/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How many recipients one sender and subject reached today: what calls itself personal and is sent to
 * hundreds is bulk (DESIGN §6). The sender is who the envelope says or who From says, whichever reached more:
 * sales programs give each mail a return path of its own. A mail that is offered again is none more. Kept in
 * memory, by process: a restart forgets the day, which errs by one day's personal_max at most.
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
/* One recipient of one mail. */
struct offer {
	struct tact_id id;
	int64_t day;
};
struct volume {
	pthread_mutex_t lock;
	struct cell cells[CELLS];
	struct offer offers[CELLS];
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

/* Was this offered today? Remembers it when NOTE. When its place is crowded somebody else's offer is
 * forgotten, who would be counted twice then: the strict side. */
static bool was_offered(struct volume *volume, const struct tact_id *id, int64_t day, bool note)
{
	size_t start;
	struct offer *place = NULL;

	memcpy(&start, id->b, sizeof start);
	for (size_t i = 0; i < PROBES; i++) {
		struct offer *offer = &volume->offers[(start + i) % CELLS];

		if (offer->day == day && tact_id_equal(&offer->id, id))
			return true;
		if (place == NULL && offer->day != day)
			place = offer;
	}
	if (place == NULL)
		place = &volume->offers[start % CELLS];
	if (note)
		*place = (struct offer){.id = *id, .day = day};
	return false;
}

static struct tact_id offer_id(const struct tact_message *message, const char *given)
{
	const char *fields[] = {"offer", message->envelope.sender, message->message_id, message->date,
	    message->from, message->subject, given};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i] == NULL)
			fields[i] = "";
	return tact_digest_id(fields, sizeof fields / sizeof *fields);
}

/* With the lock held. */
static int64_t add(struct volume *volume, const char *whose, const char *sender, const char *subject,
    int64_t fresh, bool note, int64_t day)
{
	const char *fields[] = {whose, sender, subject != NULL ? subject : ""};
	struct tact_id id = tact_digest_id(fields, 3);
	struct cell *cell = find(volume, &id, day);
	int64_t sum = cell->count + fresh;

	if (note)
		cell->count = sum;
	return sum;
}

int64_t volume_of(struct volume *volume, const struct tact_message *message, const struct tact_asked *asked,
    size_t count, bool note, int64_t now_us)
{
	int64_t day = now_us / DAY_US + 1 /* day 0 is a free cell */, fresh = 0, sum, sum_from = 0;

	pthread_mutex_lock(&volume->lock);
	for (size_t i = 0; i < count; i++) {
		struct tact_id offer = offer_id(message, asked[i].given);

		fresh += !was_offered(volume, &offer, day, note);
	}
	sum = add(volume, "volume", message->envelope.sender, message->subject, fresh, note, day);
	if (message->from != NULL)
		sum_from = add(volume, "volume from", message->from, message->subject, fresh, note, day);
	pthread_mutex_unlock(&volume->lock);
	return sum_from > sum ? sum_from : sum;
}
