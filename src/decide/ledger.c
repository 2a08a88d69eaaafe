/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What waits on this relay, counted by stream and by slot in memory that the processes of one tactd share.
 * Bounds, not facts: a collision of two names or a kill between two counts makes a bound a little wrong, and
 * the bell counts anew at start.
 */
#include <config.h>

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include <tact/decide.h>

#define STREAM_CELLS 4096
#define SLOT_CELLS 65536

struct tact_ledger {
	_Atomic int64_t streams[STREAM_CELLS];
	_Atomic int64_t slots[SLOT_CELLS];
};

struct tact_ledger *tact_ledger_new(void)
{
	void *memory =
	    mmap(NULL, sizeof(struct tact_ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void tact_ledger_free(struct tact_ledger **ledger)
{
	if (*ledger != NULL)
		munmap(*ledger, sizeof **ledger);
	*ledger = NULL;
}

static size_t stream_cell(const char *stream)
{
	return tact_digest_crc32(stream, strlen(stream)) % STREAM_CELLS;
}

static size_t slot_cell(int64_t slot)
{
	return (uint64_t)slot % SLOT_CELLS;
}

void tact_ledger_add(struct tact_ledger *ledger, const char *stream, int64_t slot, int64_t count)
{
	if (ledger == NULL)
		return;
	atomic_fetch_add(&ledger->streams[stream_cell(stream)], count);
	if (slot >= 0)
		atomic_fetch_add(&ledger->slots[slot_cell(slot)], count);
}

static int64_t at_least_none(int64_t count)
{
	return count > 0 ? count : 0;
}

int64_t tact_ledger_waiting(const struct tact_ledger *ledger, const char *stream)
{
	return ledger == NULL ? 0 : at_least_none(atomic_load(&ledger->streams[stream_cell(stream)]));
}

int64_t tact_ledger_slot(const struct tact_ledger *ledger, int64_t slot)
{
	return ledger == NULL || slot < 0 ? 0 : at_least_none(atomic_load(&ledger->slots[slot_cell(slot)]));
}

void tact_ledger_clear(struct tact_ledger *ledger)
{
	for (size_t i = 0; i < STREAM_CELLS; i++)
		atomic_store(&ledger->streams[i], 0);
	for (size_t i = 0; i < SLOT_CELLS; i++)
		atomic_store(&ledger->slots[i], 0);
}
