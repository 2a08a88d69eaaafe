/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The bytes of an alias's record.
 */
#ifndef TACT_DECIDE_ALIAS_RECORD_H
#define TACT_DECIDE_ALIAS_RECORD_H

#include "private.h"

struct alias_record {
	struct tact_id target;	   /* whom it stands for; none: for itself */
	struct tact_id made_under; /* a secret's fingerprint; none: not known */
};
#define ALIAS_RECORD_BYTES (2 * TACT_ID_BYTES)

/* The target; none when it stands for itself. TACT_OK, TACT_CORRUPT. */
int alias_record_read(const struct tact_record *record, struct tact_id *ret);
/* None where it is not known. */
struct tact_id alias_record_made_under(const struct tact_record *record);
/* Answers how many bytes it takes: 0 for itself. */
size_t alias_record_print(const struct alias_record *alias, uint8_t ret[ALIAS_RECORD_BYTES]);

#endif
