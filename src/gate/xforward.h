/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Postfix's XFORWARD: who the client of the first pass was, and under which queue id. Taken in by LMTP,
 * passed on by SMTP.
 */
#ifndef TACT_GATE_XFORWARD_H
#define TACT_GATE_XFORWARD_H

#include <tact/base.h>

enum { XF_NAME, XF_ADDR, XF_PORT, XF_PROTO, XF_HELO, XF_IDENT, XF_SOURCE, XF_COUNT };
extern const char *const xforward_names[XF_COUNT];

struct xforward {
	const char *raw[XF_COUNT]; /* values as they came (xtext), or NULL */
};
/* "NAME=value ADDR=value …"; later ones replace earlier ones. False when anything in it is not an attribute
 * of ours. */
bool xforward_read(struct tact_arena *arena, const char *args, struct xforward *xforward);
/* Decoded, NULL when absent or "[UNAVAILABLE]". ADDR comes without its "IPV6:". */
const char *xforward_value(struct tact_arena *arena, const struct xforward *xforward, size_t which);

#endif
