/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One reading of the campaigns: made in campaigns_reading.c, kept and lent out by campaigns.c. Nothing here
 * locks; a reading is not changed any more once it is made, but for HELD, which is campaigns.c's.
 */
#ifndef TACT_DECIDE_CAMPAIGNS_READING_H
#define TACT_DECIDE_CAMPAIGNS_READING_H

#include "private.h"

#define RETRY_MS 1000 /* a store that did not answer is not asked again sooner, nor waited for longer */
#define BYTES 256     /* values of the first byte of an id, by which records stand in parts of the store */

/* A record as it was read. */
struct kept {
	struct tact_id id;
	const void *bytes;
	size_t size;
};

/* One reading, and how many stand on it. Its first member is what is lent out. */
struct reading {
	struct tact_campaigns campaigns;
	struct tact_arena *arena;
	size_t held;
	int64_t began_ms;
	int64_t read_ms[BYTES]; /* when; 0: not known */
	int64_t rest_ms[BYTES]; /* until when the part is not asked again; 0: it may be */
	int64_t counted_ms;	/* when the counts were read; 0: they are not whole */
	int64_t oldest_ms;	/* of all these that are known */
	size_t parts;		/* of the store */
	bool partial;		/* some of them did not answer now */
	bool missing[BYTES];	/* nor lately */
	struct kept *records, *counts;
	size_t records_count, counts_count;
	uint64_t marks[BYTES];
	size_t unread; /* counts that were left out */
};

/* Was it read, and less than TACT_CAMPAIGNS_STALE_MS ago? Both are times of the monotonic clock; read_ms 0:
 * it was not. */
bool is_usable(int64_t read_ms, int64_t now_ms);

/* Reads them now. Of what does not answer, what BEFORE has goes on as long as it may be used (borrowed; NULL:
 * there is none). SETTLED: parts of the store have not been missing for a while. Answers TACT_OK also when
 * only some of several parts answered: *ret is partial then, and err says why. *ret is held once, and freed
 * by whoever drops it last. TACT_CORRUPT when a record other than a count cannot be read, TACT_UNAVAILABLE
 * when records are being moved all the while, or as the store answered: *ret is untouched. */
int make_reading(struct tact_decider *decider, const struct reading *before, bool settled,
    struct reading **ret, struct tact_error *err);

/* What may still be used of BEFORE, borrowed, as a reading of its own, held once. The store is not asked. */
struct reading *make_aged(const struct reading *before);

/* One that nobody holds any more; or NULL. */
void free_reading(struct reading *reading);

#endif
