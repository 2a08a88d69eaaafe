/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The streams are those of run.py's configuration and decision.c's rules.
 */
#include <config.h>

#include "sample.h"

#define EVERY_US INT64_C(50000123457) /* about 14 hours */

static void add_contact(struct tact_arena *arena, struct tact_dossier *dossier, size_t i, int64_t now_us)
{
	static const char *const streams[] = {"offers", "leeds", "sales", "birthday"};
	static const char *const owners[] = {"corporate", "leeds-branch", "sales", "corporate"};
	static const enum tact_purpose purposes[] = {
	    TACT_NEWSLETTER, TACT_PROMOTIONAL, TACT_PERSONAL, TACT_OCCASION};
	struct tact_contact contact = {
	    .id = tact_id_random(),
	    .time_us = now_us - (int64_t)(i + 1) * EVERY_US,
	    .count = 1,
	    .purpose = purposes[i % 4],
	    .stream = streams[i % 4],
	    .owner = owners[i % 4],
	    .brand = "brand",
	    .campaign = tact_arena_printf(arena, "autumn-%zu", i % 8),
	    .offer = "",
	    .list = "offers.brand.example",
	    .counts = true,
	};

	tact_dossier_add_contact(arena, dossier, &contact);
}

void sample_dossier(
    struct tact_arena *arena, size_t contacts, bool suppressed, int64_t now_us, struct tact_dossier *ret)
{
	struct tact_suppression suppression = {
	    .id = tact_id_random(),
	    .scope = {TACT_SCOPE_GLOBAL, ""},
	    .reason = TACT_UNSUBSCRIBE,
	    .source = "import",
	    .note = "",
	    .time_us = now_us,
	    .ended_by = "",
	    .ended_why = "",
	};

	struct tact_consent consent = {
	    .id = tact_id_random(),
	    .basis = TACT_EXPRESS,
	    .scope = {TACT_SCOPE_GLOBAL, ""},
	    .source = "web-form",
	    .proof = "form 17",
	    .time_us = now_us - EVERY_US,
	};

	tact_dossier_init(ret);
	ret->has_person_key = true;
	tact_random_bytes(ret->person_key, sizeof ret->person_key);
	ret->history_since_us = now_us - (int64_t)contacts * EVERY_US;
	for (size_t i = contacts; i-- > 0;)
		add_contact(arena, ret, i, now_us);
	tact_dossier_add_consent(arena, ret, &consent);
	if (suppressed)
		tact_dossier_add_suppression(arena, ret, &suppression);
}
