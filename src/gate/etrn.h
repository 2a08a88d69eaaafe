/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Says ETRN.
 */
#ifndef TACT_GATE_ETRN_H
#define TACT_GATE_ETRN_H

#include "plan.h"
#include "smtp.h"

#define ETRN_MAX                                                                                             \
	50 /* a connection: from 110 on Postfix takes a second for each, at 120 it hangs up (seen)           \
	    */

/* Rings COUNT ≤ ETRN_MAX rings over one connection, those of reviews under both domains: what was held at the
 * gate waits under the address of its slot. heard[i] says whether Postfix took ring i. TACT_OK when
 * all were, else TACT_UNAVAILABLE with the first refusal in err. */
int etrn_ring(const struct smtp_terms *terms, const char *socket, const char *gate_domain,
    const char *review_domain, const struct plan_ring *rings, size_t count, bool *heard,
    struct tact_error *err);

#endif
