/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Records of many people who each have one wish of the same words: made once by the encoder, then copied with
 * another time in its place. Nothing of the encoding is known here but how an int64 stands in it.
 */
#include <config.h>

#include <string.h>

#include "record.h"

#define FORMS 32
#define FORM_BYTES 256
#define VARINT_MOST 10

/* A record that was made, and what it was made of. */
struct form {
	struct tact_suppression wish;
	int64_t history_since_us;
	size_t size;	   /* 0: nothing was made */
	size_t time_at;	   /* 0: it cannot be told which bytes are the time's */
	size_t time_bytes; /* as its time has, and all that are alike */
	uint8_t bytes[FORM_BYTES];
};

struct tact_dossier_forms {
	struct form forms[FORMS];
};

struct tact_dossier_forms *tact_dossier_forms_new(struct tact_arena *arena)
{
	return tact_arena_alloc(arena, sizeof(struct tact_dossier_forms));
}

/* Protocol Buffers, "Base 128 Varints". */
static size_t put_varint(uint8_t to[VARINT_MOST], int64_t value)
{
	uint64_t rest = (uint64_t)value;
	size_t size = 0;

	for (; rest >= 0x80; rest >>= 7)
		to[size++] = (uint8_t)(rest | 0x80);
	to[size++] = (uint8_t)rest;
	return size;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_blank(const char *text)
{
	return text == NULL || *text == '\0';
}

static bool says_no_more_than(const struct tact_suppression *wish)
{
	return tact_id_is_none(&wish->id) && is_blank(wish->note) && wish->ended_us == 0 &&
	       is_blank(wish->ended_by) && is_blank(wish->ended_why) && wish->unknown.size == 0;
}

static bool is_empty_profile(const struct tact_profile *profile)
{
	return is_blank(profile->zone) && is_blank(profile->home_owner) && is_blank(profile->language) &&
	       is_blank(profile->own_limit) && profile->occasions_count == 0 && profile->unknown.size == 0;
}

/* Is there one wish and nothing else? */
static bool is_one_wish(const struct tact_dossier *dossier)
{
	return dossier->suppressions_count == 1 && dossier->contacts_count == 0 && dossier->told_count == 0 &&
	       dossier->consents_count == 0 && dossier->claims_count == 0 && !dossier->has_person_key &&
	       is_blank(dossier->address) && tact_id_is_none(&dossier->stands_for) &&
	       dossier->unknown.size == 0 && is_empty_profile(&dossier->profile) &&
	       says_no_more_than(&dossier->suppressions[0]);
}

/* Where a form of such words is looked for. */
static struct form *form_of(struct tact_dossier_forms *forms, const struct tact_suppression *wish)
{
	size_t length = wish->source != NULL ? strlen(wish->source) : 0;

	return &forms->forms[((size_t)wish->reason + 8 * (size_t)wish->scope.kind + length) % FORMS];
}

static bool is_alike(const struct form *form, const struct tact_dossier *dossier)
{
	const struct tact_suppression *a = &form->wish, *b = &dossier->suppressions[0];

	return form->size > 0 && form->history_since_us == dossier->history_since_us &&
	       a->reason == b->reason && a->purposes == b->purposes && a->until_us == b->until_us &&
	       a->scope.kind == b->scope.kind && same_text(a->scope.value, b->scope.value) &&
	       same_text(a->source, b->source);
}

/* The place of the time, if there is no other that looks like it; 0 is not written. */
static void find_time(struct form *form)
{
	uint8_t time[VARINT_MOST];
	size_t size = put_varint(time, form->wish.time_us);
	const uint8_t *end = form->bytes + form->size, *at = memmem(form->bytes, form->size, time, size);
	bool known = form->wish.time_us != 0 && at != NULL &&
		     memmem(at + 1, (size_t)(end - at - 1), time, size) == NULL;

	form->time_bytes = size;
	form->time_at = known ? (size_t)(at - form->bytes) : 0;
}

static void remember(struct form *form, const struct tact_dossier *dossier, const uint8_t *bytes, size_t size)
{
	form->size = size <= sizeof form->bytes ? size : 0;
	if (form->size == 0)
		return;
	form->wish = dossier->suppressions[0];
	form->history_since_us = dossier->history_since_us;
	memcpy(form->bytes, bytes, size);
	find_time(form);
}

/* False when the form has no room for that time, or nobody knows where it stands. */
static bool copy_form(struct tact_arena *arena, const struct form *form, int64_t time_us,
    const void **ret_bytes, size_t *ret_size)
{
	uint8_t time[VARINT_MOST], *copy;
	bool same = time_us == form->wish.time_us;

	if (!same && (form->time_at == 0 || time_us == 0 || put_varint(time, time_us) != form->time_bytes))
		return false;
	copy = tact_arena_copy(arena, form->bytes, form->size);
	if (!same)
		memcpy(copy + form->time_at, time, form->time_bytes);
	*ret_bytes = copy;
	*ret_size = form->size;
	return true;
}

void tact_dossier_encode_alike(struct tact_arena *arena, struct tact_dossier_forms *forms,
    const struct tact_dossier *dossier, const void **ret_bytes, size_t *ret_size)
{
	struct form *form = is_one_wish(dossier) ? form_of(forms, &dossier->suppressions[0]) : NULL;

	if (form != NULL && is_alike(form, dossier) &&
	    copy_form(arena, form, dossier->suppressions[0].time_us, ret_bytes, ret_size))
		return;
	tact_dossier_encode(arena, dossier, ret_bytes, ret_size);
	if (form != NULL)
		remember(form, dossier, *ret_bytes, *ret_size);
}
