/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How long a record takes to read and to write: 50 contacts of four streams, 2 suppressions, 3 claims.
 * Prints, judges nothing.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tact/dossier.h>

#define ROUNDS 2000
#define BATCHES 51
#define NOW_US INT64_C(1795000000000000)

struct sample {
	const struct tact_dossier *dossier;
	const void *bytes;
	size_t size;
};

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void add_contact(struct tact_arena *arena, struct tact_dossier *dossier, int i)
{
	static const char *const streams[] = {"weekly-offers", "branch-leeds", "sales", "birthday-robot"};
	static const char *const owners[] = {"corporate", "leeds-branch", "sales", "corporate"};
	struct tact_contact contact = {
	    .id = tact_id_random(),
	    .time_us = NOW_US - i * INT64_C(50000123457),
	    .count = 1,
	    .purpose = (enum tact_purpose)(i % 4),
	    .stream = streams[i % 4],
	    .owner = owners[i % 4],
	    .brand = "alpha",
	    .campaign = tact_arena_printf(arena, "autumn-%d", i % 8),
	    .offer = "",
	    .list = "customers.example.com",
	    .counts = true,
	};

	tact_dossier_add_contact(arena, dossier, &contact);
}

static void add_claim(struct tact_arena *arena, struct tact_dossier *dossier)
{
	struct tact_claim claim = {
	    .id = tact_id_random(),
	    .contact_id = tact_id_random(),
	    .priority = 500,
	    .made_us = NOW_US,
	    .not_after_us = NOW_US + INT64_C(259200000000),
	    .facts = {.stream = "sales",
		.owner = "sales",
		.brand = "alpha",
		.campaign = "winter",
		.offer = "",
		.list = "",
		.priority = 500,
		.counts = true},
	    .relay = "relay1.example.com",
	    .ring = "s29921760",
	    .decision = tact_id_random(),
	    .text = "",
	    .code = "4.7.1",
	};

	(void)tact_dossier_add_claim(arena, dossier, &claim);
}

static void make(struct tact_arena *arena, struct tact_dossier *ret)
{
	struct tact_suppression suppression = {
	    .scope = {TACT_SCOPE_BRAND, "beta"},
	    .source = "import",
	    .note = "",
	    .time_us = NOW_US,
	    .ended_by = "",
	    .ended_why = "",
	};

	tact_dossier_init(ret);
	ret->has_person_key = true;
	for (int i = 0; i < 50; i++)
		add_contact(arena, ret, i);
	for (int i = 0; i < 2; i++) {
		suppression.id = tact_id_random();
		tact_dossier_add_suppression(arena, ret, &suppression);
	}
	for (int i = 0; i < 3; i++)
		add_claim(arena, ret);
}

static void decode_often(struct tact_arena *arena, const struct sample *record)
{
	struct tact_dossier dossier;

	for (int i = 0; i < ROUNDS; i++) {
		tact_arena_reset(arena);
		if (tact_dossier_decode(arena, record->bytes, record->size, &dossier, NULL) != TACT_OK)
			abort();
	}
}

static void encode_often(struct tact_arena *arena, const struct sample *record)
{
	const void *bytes;
	size_t size;

	for (int i = 0; i < ROUNDS; i++) {
		tact_arena_reset(arena);
		tact_dossier_encode(arena, record->dossier, &bytes, &size);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The least of many batches is what it takes, the median what it takes here and now beside everything else.
 */
static void report(
    const char *what, void (*work)(struct tact_arena *, const struct sample *), const struct sample *record)
{
	struct tact_arena *arena = tact_arena_new();
	double batch[BATCHES];

	for (int i = 0; i < BATCHES; i++) {
		double start = now_us();

		work(arena, record);
		batch[i] = (now_us() - start) / ROUNDS;
	}
	qsort(batch, BATCHES, sizeof batch[0], compare);
	(void)printf("%s: least %.2f us, median %.2f us, %zu bytes of arena\n", what, batch[0],
	    batch[BATCHES / 2], tact_arena_used_bytes(arena));
	tact_arena_free(&arena);
}

int main(void)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_dossier dossier, decoded;
	struct sample record = {.dossier = &decoded};

	make(arena, &dossier);
	tact_dossier_encode(arena, &dossier, &record.bytes, &record.size);
	if (tact_dossier_decode(arena, record.bytes, record.size, &decoded, NULL) != TACT_OK)
		return 1;
	(void)printf("record of 50 contacts, 2 suppressions, 3 claims: %zu bytes\n", record.size);
	report("decode", decode_often, &record);
	report("encode", encode_often, &record);
	tact_arena_free(&arena);
	return 0;
}
