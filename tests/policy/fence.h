/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Memory that ends where what is in it ends: who looks beyond is killed, and so found.
 */
#ifndef TESTS_POLICY_FENCE_H
#define TESTS_POLICY_FENCE_H

#include <stddef.h>

enum fence {
	FENCE_RULES,
	FENCE_OWNERS,
	FENCE_BRANDS,
	FENCE_CAMPAIGNS,
	FENCE_CONTACTS,
	FENCE_CLAIMS,
	FENCE_SUPPRESSIONS,
	FENCE_CONSENTS,
	FENCE_OCCASIONS,
	FENCE_PLACES,
	FENCE_TEXT,
	FENCES
};
/* A copy of the bytes, good until the next one at the same fence. At most 256 KiB; ends the program beyond.
 */
void *fence_copy(enum fence fence, const void *bytes, size_t size_bytes);
void fence_remove_all(void);

#endif
