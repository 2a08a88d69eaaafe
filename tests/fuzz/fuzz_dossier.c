/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Any bytes as a record: read or refused, never anything else; and what was read is written so that it is
 * read as the same again. For libFuzzer (clang -fsanitize=fuzzer,address,undefined);
 * tests/unit/test_dossier_seeds runs the seeds through it in `make check`.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tact/dossier.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const struct tact_error *err)
{
	(void)fprintf(stderr, "%s: %s\n", what, err->text);
	abort();
}

static void try_dossier(struct tact_arena *arena, const uint8_t *data, size_t size)
{
	struct tact_dossier dossier;
	struct tact_error err = {""};
	const void *first, *second;
	size_t first_size, second_size;

	if (tact_dossier_decode(arena, data, size, &dossier, &err) != TACT_OK)
		return;
	tact_dossier_encode(arena, &dossier, &first, &first_size);
	if (tact_dossier_decode(arena, first, first_size, &dossier, &err) != TACT_OK)
		fail("what was written is not read", &err);
	tact_dossier_encode(arena, &dossier, &second, &second_size);
	if (first_size != second_size || memcmp(first, second, first_size) != 0)
		fail("what was read is written otherwise", &err);
}

static void try_review(struct tact_arena *arena, const uint8_t *data, size_t size)
{
	struct tact_review review;
	struct tact_error err = {""};
	const void *bytes;
	size_t written;

	if (tact_dossier_decode_review(arena, data, size, &review, &err) != TACT_OK)
		return;
	tact_dossier_encode_review(arena, &review, &bytes, &written);
	if (tact_dossier_decode_review(arena, bytes, written, &review, &err) != TACT_OK)
		fail("the review that was written is not read", &err);
}

static void try_campaign(struct tact_arena *arena, const uint8_t *data, size_t size)
{
	struct tact_campaign_record record;
	struct tact_error err = {""};
	const void *first, *second;
	size_t first_size, second_size;

	if (tact_dossier_decode_campaign(arena, data, size, &record, &err) != TACT_OK)
		return;
	tact_dossier_encode_campaign(arena, &record, &first, &first_size);
	if (tact_dossier_decode_campaign(arena, first, first_size, &record, &err) != TACT_OK)
		fail("the campaign that was written is not read", &err);
	tact_dossier_encode_campaign(arena, &record, &second, &second_size);
	if (first_size != second_size || memcmp(first, second, first_size) != 0)
		fail("the campaign that was read is written otherwise", &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tact_arena *arena = tact_arena_new();

	try_dossier(arena, data, size);
	try_review(arena, data, size);
	try_campaign(arena, data, size);
	tact_arena_free(&arena);
	return 0;
}
