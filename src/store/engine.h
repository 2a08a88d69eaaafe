/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What a store engine must be able to do. Private to the room: store.c turns the public calls into these, a
 * new engine is one file and one row in store.c. Not here: rules, and what stands in a record.
 */
#ifndef TACT_STORE_ENGINE_H
#define TACT_STORE_ENGINE_H

#include <tact/store.h>

#include <pthread.h>

#define TACT_STORE_KINDS 5 /* kind is the index; 0 is none */

struct tact_store_engine {
	const char *scheme; /* with its colon: "lmdb:" */
	/* Both are given what follows the scheme. */
	int (*check_url)(const char *rest, struct tact_error *err);
	/* tact_store_warns_of_url; NULL: there is nothing to warn of. */
	bool (*warns_of_url)(const char *rest, struct tact_error *ret);
	int (*open)(const char *rest, struct tact_store **ret, struct tact_error *err);
	/* tact_store_create; NULL: opening makes what is missing. */
	int (*create)(const char *rest, struct tact_error *err);
	void (*close)(struct tact_store *store);
	/* tact_store_go_first; NULL: no thread writes for all. */
	void (*go_first)(struct tact_store *store);
	/* Every answer was set to TACT_UNAVAILABLE, every record to absent before the call. Keys may repeat
	 * (bulk does not look). */
	void (*read)(struct tact_store *store, const struct tact_store_key *keys, size_t count,
	    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
	    int64_t deadline_ms);
	void (*update)(struct tact_store *store, const struct tact_store_key *keys, size_t count,
	    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers,
	    int64_t deadline_ms);
	/* tact_store_update_then, where the engine has a thread of its own that can call AFTER; may be NULL.
	 */
	void (*update_then)(struct tact_store *store, const struct tact_store_key *keys, size_t count,
	    tact_store_change_fn fn, tact_store_after_fn after, void *context,
	    struct tact_store_answer *ret_answers, int64_t deadline_ms);
	/* One chunk of tact_store_fill; NULL: it is made of update. */
	void (*fill)(struct tact_store *store, const struct tact_store_key *keys,
	    const struct tact_store_put *puts, size_t count, struct tact_store_answer *ret_answers,
	    int64_t deadline_ms);
	/* Such a chunk keeps nobody waiting: it may be a long one, and needs no rest behind it, unless others
	 * write, who share the processors. */
	bool fill_is_aside;
	/* A number that moves when others commit than those who fill; NULL: nobody knows, and nobody waits
	 * for a chunk to end. */
	uint64_t (*others)(struct tact_store *store);
	int (*scan)(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn, void *context,
	    struct tact_error *err);
	int (*due)(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
	    tact_store_scan_fn fn, void *context, struct tact_error *err);
	/* tact_store_layout and what belongs to it; all NULL: one part. Of several parts, the last two. */
	int (*layout)(struct tact_store *store, struct tact_store_layout *ret, struct tact_error *err);
	int (*scan_part)(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
	    enum tact_store_kind kind, tact_store_scan_fn fn, void *context, struct tact_error *err);
	int (*due_part)(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
	    int64_t after_us, int64_t until_us, size_t limit, tact_store_scan_fn fn, void *context,
	    struct tact_error *err);
	int (*identity)(
	    struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err);
	int (*set_identity)(
	    struct tact_store *store, const char *expected, const char *text, struct tact_error *err);
	int64_t (*now_us)(struct tact_store *store);
	/* The store's clock − ours, both read now; NULL: they are the same. */
	int64_t (*skew_us)(struct tact_store *store);
	int (*check)(struct tact_store *store, struct tact_store_figures *ret,
	    void (*report)(void *context, const struct tact_store_key *key, const char *why), void *context,
	    struct tact_error *err);
	/* Durable commits since open, so that a test can see them being shared. */
	uint64_t (*commits)(struct tact_store *store);
	/* NULL: never */
	bool (*is_over)(struct tact_store *store);
};

/* What a caller waits for beyond its answers; how it is told is its engine's. */
struct tact_store_turn {
	void (*resume)(struct tact_store_turn *turn);
};

/* The first member of every engine's own struct. */
struct tact_store {
	const struct tact_store_engine *engine;
	pthread_mutex_t error_lock;
	struct tact_error last_error;
};

extern const struct tact_store_engine tact_store_memory;
extern const struct tact_store_engine tact_store_lmdb;
extern const struct tact_store_engine tact_store_postgres;
extern const struct tact_store_engine tact_store_fail;

void tact_store_init(struct tact_store *store, const struct tact_store_engine *engine);
void tact_store_clear(struct tact_store *store);

/* Keeps the words for tact_store_last_error, copies them to err (may be NULL) and returns RESULT. Any thread.
 */
int tact_store_report(struct tact_store *store, int result, struct tact_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

const char *tact_store_kind_name(enum tact_store_kind kind);
uint64_t tact_store_commits(struct tact_store *store);

/* The version a write gets: it rises even when the clock goes back. */
static inline uint64_t tact_store_next_version(uint64_t previous, int64_t now_us)
{
	return now_us > 0 && (uint64_t)now_us > previous ? (uint64_t)now_us : previous + 1;
}

/* 0 is never. A time before 1970 can only be a mistake: due at once is the safe reading of it. */
static inline int64_t tact_store_wake(int64_t wake_us)
{
	return wake_us < 0 ? 1 : wake_us;
}

/* The same order in every engine: kind, then the bytes of the id. */
int tact_store_key_compare(const struct tact_store_key *a, const struct tact_store_key *b);

#endif
