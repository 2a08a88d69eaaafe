/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A batch that is late opens the circuit of its group: what waits or comes is unavailable at once. The late
 * connection is not given up, for its backend would stay in its wait for the standby and hold its rows, and
 * another would take its place: it goes on waiting, one more asks for the group, over a connection made for
 * that, and the first answer that comes closes the circuit. When it is the new connection's, the old ones
 * lead to a server that hangs or was deposed, or soon would: they are given up then.
 */
#include <config.h>

#include "postgres_pool.h"

#define PROBE_FIRST_MS 100
#define PROBE_MOST_MS 5000

/* Between half of it and all of it, so that relays do not come together. */
static void plan_probe(struct pg_circuit *circuit)
{
	unsigned jitter;

	tact_random_bytes(&jitter, sizeof jitter);
	circuit->probe_at_ms = tact_clock_monotonic_ms() + circuit->back_off_ms / 2 +
			       (int64_t)(jitter % (unsigned)(circuit->back_off_ms / 2 + 1));
}

void pg_circuit_open(struct pg_lane *lane, uint8_t group, struct pg_request_list *woken)
{
	struct pg_circuit *circuit = &lane->circuits[group];

	pg_queue_fail(lane, group, woken);
	if (circuit->open)
		return;
	circuit->open = true;
	circuit->back_off_ms = PROBE_FIRST_MS;
	lane->open_circuits++;
	plan_probe(circuit);
	pthread_cond_broadcast(&lane->trouble);
}

void pg_circuit_close(struct pg_lane *lane, uint8_t group)
{
	struct pg_circuit *circuit = &lane->circuits[group];

	if (circuit->open)
		lane->open_circuits--;
	circuit->open = false;
}

bool pg_circuit_take_probe(struct pg_worker *me, int64_t *ret_at_ms)
{
	struct pg_lane *lane = me->lane;
	int64_t now_ms = tact_clock_monotonic_ms();

	*ret_at_ms = 0;
	for (size_t group = 0; lane->open_circuits > 0 && group < PG_GROUPS; group++) {
		struct pg_circuit *circuit = &lane->circuits[group];
		if (!circuit->open || circuit->probing)
			continue;
		if (circuit->probe_at_ms <= now_ms) {
			circuit->probing = true;
			circuit->asked_ms = now_ms;
			me->group = (uint8_t)group;
			return true;
		}
		if (*ret_at_ms == 0 || circuit->probe_at_ms < *ret_at_ms)
			*ret_at_ms = circuit->probe_at_ms;
	}
	return false;
}

/* Under the lock: those who still wait for the group are given up, and nobody goes on with a connection that
 * is older than the question; but for those who wait for another group. */
static void renew_links(struct pg_lane *lane, uint8_t group, int64_t asked_ms)
{
	for (size_t i = 0; i < lane->workers_count; i++) {
		struct pg_worker *worker = &lane->workers[i];

		if (!worker->link || worker->opened_ms > asked_ms || (worker->late && worker->group != group))
			continue;
		worker->renew = true;
		if (worker->late)
			pg_link_stop(worker->link);
	}
	pthread_cond_broadcast(&lane->work);
}

void pg_circuit_settle_probe(struct pg_worker *me, bool answered)
{
	struct pg_lane *lane = me->lane;
	struct pg_circuit *circuit = &lane->circuits[me->group];

	pthread_mutex_lock(&lane->pool->lock);
	circuit->probing = false;
	if (answered) {
		pg_circuit_close(lane, me->group);
		renew_links(lane, me->group, circuit->asked_ms);
	} else {
		circuit->back_off_ms =
		    circuit->back_off_ms * 2 < PROBE_MOST_MS ? circuit->back_off_ms * 2 : PROBE_MOST_MS;
		plan_probe(circuit);
	}
	pthread_mutex_unlock(&lane->pool->lock);
}
