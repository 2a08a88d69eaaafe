/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A dossier as a busy company's recipients have it.
 */
#ifndef TACT_BENCH_SAMPLE_H
#define TACT_BENCH_SAMPLE_H

#include <tact/dossier.h>

/* CONTACTS of them over the last weeks before NOW_US, by four streams, none of the last minute; with
 * suppressed, a global unsubscribe. */
void sample_dossier(
    struct tact_arena *arena, size_t contacts, bool suppressed, int64_t now_us, struct tact_dossier *ret);

#endif
