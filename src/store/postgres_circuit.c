/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A batch that is late opens the circuit of its group: what waits or comes is unavailable at once. The late
 * connection is not given up, for its backend would stay in its wait for the standby and hold its rows, and
 * another would take its place: it goes on waiting, at most one more asks for the group, and the first answer
 * that comes closes the circuit.
 */
#include <config.h>

#include "postgres_pool.h"

#define PROBE_FIRST_MS 100
#define PROBE_MOST_MS 5000

void pg_circuit_open(struct pg_lane *lane, uint8_t group, struct pg_request_list *woken)
{
	struct pg_circuit *circuit = &lane->circuits[group];
	unsigned jitter;

	tact_random_bytes(&jitter, sizeof jitter);
	if (!circuit->open)
		lane->open_circuits++;
	circuit->open = true;
	circuit->back_off_ms *= 2;
	if (circuit->back_off_ms < PROBE_FIRST_MS)
		circuit->back_off_ms = PROBE_FIRST_MS;
	if (circuit->back_off_ms > PROBE_MOST_MS)
		circuit->back_off_ms = PROBE_MOST_MS;
	circuit->probe_at_ms = tact_clock_monotonic_ms() + circuit->back_off_ms / 2 +
			       (int64_t)(jitter % (unsigned)(circuit->back_off_ms / 2 + 1));
	pg_queue_fail(lane, group, woken);
}

void pg_circuit_close(struct pg_lane *lane, uint8_t group)
{
	struct pg_circuit *circuit = &lane->circuits[group];

	if (circuit->open)
		lane->open_circuits--;
	circuit->open = false;
	circuit->back_off_ms = 0;
}

void pg_circuit_settle(struct pg_worker *me, bool answered)
{
	struct pg_lane *lane = me->lane;
	struct pg_request_list woken = TAILQ_HEAD_INITIALIZER(woken);

	pthread_mutex_lock(&lane->pool->lock);
	if (answered)
		pg_circuit_close(lane, me->group);
	else
		pg_circuit_open(lane, me->group, &woken);
	pthread_mutex_unlock(&lane->pool->lock);
	pg_request_wake(&woken);
}

bool pg_circuit_take_probe(struct pg_worker *me, int64_t *ret_at_ms)
{
	struct pg_lane *lane = me->lane;
	int64_t now_ms = tact_clock_monotonic_ms();

	for (size_t group = 0; lane->open_circuits > 0 && group < PG_GROUPS; group++) {
		struct pg_circuit *circuit = &lane->circuits[group];
		if (!circuit->open || circuit->probing || circuit->busy >= lane->share)
			continue;
		if (circuit->probe_at_ms <= now_ms) {
			circuit->probing = true;
			circuit->busy++;
			me->group = (uint8_t)group;
			return true;
		}
		*ret_at_ms =
		    *ret_at_ms == 0 || circuit->probe_at_ms < *ret_at_ms ? circuit->probe_at_ms : *ret_at_ms;
	}
	return false;
}
