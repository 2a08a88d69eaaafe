/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * splitmix64.
 */
#include <config.h>

#include "chance.h"

uint64_t chance_next(struct chance *chance)
{
	uint64_t z = (chance->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int64_t chance_below(struct chance *chance, int64_t limit)
{
	return (int64_t)(chance_next(chance) % (uint64_t)limit);
}

int64_t chance_between(struct chance *chance, int64_t least, int64_t most)
{
	return least + chance_below(chance, most - least + 1);
}

bool chance_of(struct chance *chance, int in, int of)
{
	return chance_below(chance, of) < in;
}
