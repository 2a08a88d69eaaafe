/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files of the engine share that stand above pool, fill and aside: postgres.c the engine, and
 * postgres_walk.c what goes over many records.
 */
#ifndef TACT_STORE_POSTGRES_ENGINE_H
#define TACT_STORE_POSTGRES_ENGINE_H

#include "engine.h"
#include "postgres.h"

#define POSTGRES_PART_WAIT_MS 5000 /* mail waits for what is asked of one part */

struct postgres {
	struct tact_store store;
	struct pg_url url;
	struct pg_origins *origins;
	struct pg_pool *pool;
	struct pg_aside *aside;
	struct pg_fill *fill;
};

/* ---- postgres.c ---- */

/* One call to all parts. TACT_OK: *ret_link holds the rows and is to be given back. */
int postgres_ask(struct postgres *p, enum pg_statement statement, const struct pg_param *params, size_t count,
    struct pg_link **ret_link, struct tact_error *err);

/* ---- postgres_walk.c ---- */

int postgres_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn, void *context,
    struct tact_error *err);
int postgres_scan_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    enum tact_store_kind kind, tact_store_scan_fn fn, void *context, struct tact_error *err);
int postgres_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err);
int postgres_due_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    int64_t after_us, int64_t until_us, size_t limit, tact_store_scan_fn fn, void *context,
    struct tact_error *err);
int postgres_check(struct tact_store *store, struct tact_store_figures *ret,
    void (*report)(void *context, const struct tact_store_key *key, const char *why), void *context,
    struct tact_error *err);

#endif
