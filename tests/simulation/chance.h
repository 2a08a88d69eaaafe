/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Chance that replays: one state, one sequence.
 */
#ifndef SIMULATION_CHANCE_H
#define SIMULATION_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};
uint64_t chance_next(struct chance *chance);
int64_t chance_below(struct chance *chance, int64_t limit); /* 0 … limit − 1 */
int64_t chance_between(struct chance *chance, int64_t least, int64_t most);
bool chance_of(struct chance *chance, int in, int of); /* IN times of OF */

#endif
