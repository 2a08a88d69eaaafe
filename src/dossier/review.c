/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The record of a review, read and written. Not who may end one, nor what follows.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "record.h"
#include "src/dossier/review.pb-c.h"

#define REVIEW_SCHEMA 1

_Static_assert((int)TACT__REVIEW_STATE__REVIEW_DISCARDED + 1 == (int)TACT_REVIEW_STATES, "review states");

static const char *const state_words[TACT_REVIEW_STATES] = {
    [TACT_REVIEW_HELD] = "held",
    [TACT_REVIEW_RELEASED] = "released",
    [TACT_REVIEW_DISCARDED] = "discarded",
};

const char *tact_dossier_review_state_name(enum tact_review_state state)
{
	return (size_t)state < TACT_REVIEW_STATES ? state_words[state] : "unknown";
}

static int check_review(const Tact__Review *review, size_t size, struct tact_error *err)
{
	if (review == NULL)
		return tact_error_set(err, TACT_CORRUPT,
		    "review: %zu bytes that do not parse: damaged, or of a newer tact", size);
	if (review->schema != REVIEW_SCHEMA)
		return tact_error_set(err, TACT_CORRUPT, "review: schema %" PRIu32 ", this tact knows %d%s",
		    review->schema, REVIEW_SCHEMA,
		    review->schema > REVIEW_SCHEMA ? ": written by a newer tact" : "");
	if (review->id.len != TACT_ID_BYTES && review->id.len != 0)
		return tact_error_set(
		    err, TACT_CORRUPT, "review: impossible length of an id %zu", review->id.len);
	if ((unsigned)review->state >= TACT_REVIEW_STATES)
		return tact_error_set(
		    err, TACT_CORRUPT, "review: impossible state %u", (unsigned)review->state);
	if (review->made_us < 0 || review->done_us < 0)
		return tact_error_set(err, TACT_CORRUPT, "review: impossible time %" PRId64,
		    review->made_us < 0 ? review->made_us : review->done_us);
	return TACT_OK;
}

static void read_rings(struct tact_arena *arena, const Tact__Review *from, struct tact_review *ret)
{
	ret->rings_count = from->n_rings;
	ret->rings = dossier_new_array(arena, from->n_rings, sizeof *ret->rings);
	for (size_t i = 0; i < from->n_rings; i++)
		ret->rings[i] = from->rings[i];
}

static void read_review(struct tact_arena *arena, const Tact__Review *from, struct tact_review *ret)
{
	*ret = (struct tact_review){
	    .state = (enum tact_review_state)from->state,
	    .stream = from->stream,
	    .owner = from->owner,
	    .campaign = from->campaign,
	    .sender = from->sender,
	    .subject = from->subject,
	    .excerpt = from->excerpt,
	    .why = from->why,
	    .relay = from->relay,
	    .made_us = from->made_us,
	    .done_us = from->done_us,
	    .by = from->by,
	    .note = from->note,
	    .about_people = from->about_people,
	};
	if (from->id.len == sizeof ret->id.b)
		memcpy(ret->id.b, from->id.data, sizeof ret->id.b);
	read_rings(arena, from, ret);
}

int tact_dossier_decode_review(
    struct tact_arena *arena, const void *bytes, size_t size, struct tact_review *ret, struct tact_error *err)
{
	ProtobufCAllocator allocator = dossier_allocator(arena);
	struct tact_unknown unknown;
	const Tact__Review *review;
	int result;

	if (size == 0)
		return tact_error_set(err, TACT_ABSENT, "review: there is none");
	review = tact__review__unpack(&allocator, size, bytes);
	result = check_review(review, size, err);
	if (result != TACT_OK)
		return result;
	if (!dossier_read_unknown(arena, &review->base, &unknown))
		return tact_error_set(err, TACT_CORRUPT, "review: impossible field");
	read_review(arena, review, ret);
	ret->unknown = unknown;
	return TACT_OK;
}

/* What was kept for the reviewer alone ends with the review, whoever forgets to take it out. */
static void write_excerpt(const struct tact_review *from, Tact__Review *to)
{
	if (from->state != TACT_REVIEW_HELD)
		return;
	to->sender = (char *)from->sender;
	to->subject = (char *)from->subject;
	to->excerpt = (char *)from->excerpt;
}

static void write_review(const struct tact_review *from, Tact__Review *to)
{
	to->schema = REVIEW_SCHEMA;
	if (!tact_id_is_none(&from->id))
		to->id = (ProtobufCBinaryData){.len = sizeof from->id.b, .data = (uint8_t *)from->id.b};
	to->state = (Tact__ReviewState)from->state;
	to->stream = (char *)from->stream;
	to->owner = (char *)from->owner;
	to->campaign = (char *)from->campaign;
	write_excerpt(from, to);
	to->why = (char *)from->why;
	to->relay = (char *)from->relay;
	to->rings = (char **)from->rings;
	to->n_rings = from->rings_count;
	to->made_us = from->made_us;
	to->done_us = from->done_us;
	to->by = (char *)from->by;
	to->note = (char *)from->note;
	to->about_people = from->about_people;
}

void tact_dossier_encode_review(
    struct tact_arena *arena, const struct tact_review *review, const void **ret_bytes, size_t *ret_size)
{
	Tact__Review message = TACT__REVIEW__INIT;
	uint8_t *bytes;

	write_review(review, &message);
	dossier_write_unknown(arena, &review->unknown, &message.base);
	bytes = tact_arena_alloc(arena, tact__review__get_packed_size(&message));
	*ret_size = tact__review__pack(&message, bytes);
	*ret_bytes = bytes;
}
