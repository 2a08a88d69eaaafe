/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * store: records of four kinds under 16-byte keys, each with a version. Knows no rule and not what stands in
 * a record.
 *
 * Thread rule: one open store serves any number of threads. Never use a store across fork().
 * Deadlines are tact_clock_monotonic_ms() values; 0 means none.
 */
#ifndef TACT_STORE_H
#define TACT_STORE_H

#include <tact/base.h>

enum tact_store_kind {
	TACT_STORE_DOSSIER = 1,
	TACT_STORE_CAMPAIGN = 2,
	TACT_STORE_REVIEW = 3,
	TACT_STORE_ALIAS = 4
};

struct tact_store_key {
	enum tact_store_kind kind;
	struct tact_id id;
};

/* What stands under a key. Absent: version 0, size 0. Emptied: version > 0, size 0. */
struct tact_record {
	const void *bytes;
	size_t size;
	uint64_t version; /* max(previous + 1, store's clock in µs), set by the engine */
	/* when somebody should look at it again; 0 = never. Indexed: tact_store_due finds it */
	int64_t wake_us;
};

/* Answer for one key: TACT_OK, TACT_UNAVAILABLE (did not happen), TACT_UNCERTAIN (may have happened),
 * TACT_CORRUPT (record cannot be read; nothing was changed). version: what was read, or what was written. */
struct tact_store_answer {
	int result;
	uint64_t version;
};

struct tact_store;

/* "memory:", "lmdb:/folder" ("?map_size=64G" for tests and small hosts; K M G T), "postgres:CONNINFO"
 * (libpq's KEYWORD=VALUE words, without password; besides "connections=N" that commit, and "prepared=no"
 * behind a pooler that hands out transactions), "fail:". The lmdb folder is made (0700) if absent; its parent
 * must exist. A process opens a folder once; opening ignores SIGXFSZ from then on, so that a file size limit
 * is an answer. TACT_OK, TACT_INVALID (url), TACT_UNAVAILABLE (locked, full …), TACT_CORRUPT, TACT_SYSTEM
 * (text says what to do). */
int tact_store_open(const char *url, struct tact_store **ret, struct tact_error *err);
/* Makes what the store needs before it can be opened (postgres: the schema; a login that may), or brings it
 * to this program's version; what stands in it stays. Results as for open. */
int tact_store_create(const char *url, struct tact_error *err);
/* TACT_OK or TACT_INVALID with a text: what config asks before it accepts a url. */
int tact_store_check_url(const char *url, struct tact_error *err);
/* True with words when what is asked for in a good url protects less than it could (postgres: an sslmode
 * weaker than verify-full to another machine, be it from the url, a service file or the environment). Opens
 * no connection. */
bool tact_store_warns_of_url(const char *url, struct tact_error *ret);
void tact_store_close(struct tact_store **store);
/* For a process that serves mail: where one thread writes for all its callers it goes ten steps before them
 * from now on (setpriority(2)), if the system allows that. */
void tact_store_go_first(struct tact_store *store);
/* Words for the log about the latest failure and what to do ("disk full: free space below /var/lib/tact");
 * copied out. */
void tact_store_last_error(struct tact_store *store, struct tact_error *ret);
/* True: a write failed in such a way (lmdb: at the root, or nobody knows how) that nothing is read or written
 * any more by this process, until it is started anew and opens the store again. */
bool tact_store_is_over(struct tact_store *store);

/* Reads count records into the arena. Answers TACT_OK when every key was answered TACT_OK, else the worst
 * answer: the least number of enum tact_result. */
int tact_store_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);

/* What the change function wants written. bytes must stay valid until tact_store_update answers. size 0
 * empties the record. */
struct tact_store_put {
	const void *bytes;
	size_t size;
	uint32_t sum; /* of fill: tact_store_sum of the bytes, or 0: it is still to be made */
	int64_t wake_us;
	/* take the record away altogether: only for the sweep, and only what has long been emptied */
	bool remove;
};
/* Looks at record INDEX of the call and answers true to write *ret. Pure: may be called again for the same
 * index with a newer record (only the last call counts), from another thread while the caller waits, never
 * after tact_store_update answered. No I/O, no lock. now and its bytes are valid during the call; *ret may
 * point to them. */
typedef bool (*tact_store_change_fn)(void *context, size_t index, const struct tact_record *now,
    int64_t store_now_us, struct tact_store_put *ret);

/* The heart: hands each record to FN and makes its changes durable before answering TACT_OK. Keys must be
 * distinct. Concurrent calls share one transaction and one flush. Nothing relies on several keys being atomic
 * together. Answers the worst answer. A key that FN did not change is answered TACT_OK with the version read,
 * and only after everything read with it is durable. */
int tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms);

/* The same with something to follow a commit that others can do (the evidence) while the caller goes on
 * waiting, which spares one wake-up for every message. AFTER is called once ret_answers are those of
 * tact_store_update, whatever they say, unless the deadline came before them; from another thread or from
 * this one. It must not wait for anything nor call the store. What it began ends with one
 * tact_store_resume(turn), by any thread: only then the call answers, and what was written before that the
 * caller may read. The deadline bounds the update, not what follows. */
struct tact_store_turn;
typedef void (*tact_store_after_fn)(void *context, struct tact_store_turn *turn);
int tact_store_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
void tact_store_resume(struct tact_store_turn *turn);

/* Every record of a kind in key order, including emptied ones, over renewed snapshots (a record that changes
 * meanwhile is seen once, old or new). Stops when fn answers false. fn may call the store. TACT_CORRUPT when
 * records were left out because they cannot be read. */
typedef bool (*tact_store_scan_fn)(
    void *context, const struct tact_store_key *key, const struct tact_record *record);
int tact_store_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn, void *context,
    struct tact_error *err);
/* Keys whose wake_us lies in (after_us, until_us], earliest first, at most LIMIT; record->bytes is NULL, only
 * wake_us is set. A key whose wake time moves meanwhile may be seen twice. */
int tact_store_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err);

/* A store may stand on several servers, each of which can be missing by itself: its parts, numbered from 0.
 * One for most; no more than TACT_STORE_PARTS_MOST. Servers are added and records moved to them: who goes
 * from part to part asks first where records stand, keeps to that throughout, and asks again at the end, for
 * what was moved meanwhile may have been met nowhere. */
#define TACT_STORE_PARTS_MOST 256
struct tact_store_layout {
	size_t parts;
	uint8_t part_of[256];		     /* by the first byte of an id */
	uint8_t name[TACT_STORE_PARTS_MOST]; /* of each part, for the engine */
};
/* As it is now, asked anew: TACT_OK; TACT_UNAVAILABLE within a few seconds, and ret untouched. */
int tact_store_layout(struct tact_store *store, struct tact_store_layout *ret, struct tact_error *err);
bool tact_store_same_layout(const struct tact_store_layout *a, const struct tact_store_layout *b);
/* scan and due of one part, which need no other; a part that does not answer keeps nobody for longer than a
 * few seconds, and while it owes an answer it is TACT_UNAVAILABLE at once. */
int tact_store_scan_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    enum tact_store_kind kind, tact_store_scan_fn fn, void *context, struct tact_error *err);
int tact_store_due_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    int64_t after_us, int64_t until_us, size_t limit, tact_store_scan_fn fn, void *context,
    struct tact_error *err);

/* Long work: like update for a long list, in chunks that hold the writer at most 20 ms and rest as long.
 * next() fills the next key and answers false at the end; fn is called with the running index. progress may
 * be NULL. ret_done counts keys answered TACT_OK, whatever the result. Stops at the first answer other than
 * TACT_OK or TACT_CORRUPT; TACT_CORRUPT when only unreadable records were left as they are. */
typedef bool (*tact_store_next_fn)(void *context, struct tact_store_key *ret);
typedef void (*tact_store_progress_fn)(void *context, uint64_t done);
int tact_store_bulk(struct tact_store *store, tact_store_next_fn next, tact_store_change_fn fn,
    tact_store_progress_fn progress, void *context, uint64_t *ret_done, struct tact_error *err);

/* The gait of long work, zero to begin with: chunks that hold the store for at most 20 ms, each followed by a
 * rest (time that the caller spends otherwise counts): a sixteenth as long where nobody else writes, as long
 * as the chunk and with much shorter chunks where somebody does. begin rests and answers how many of MOST the
 * next chunk may have, end says that it is over. */
struct tact_store_pace {
	size_t chunk;
	int64_t began_us, held_us, rest_us;
	uint64_t others;
};
size_t tact_store_pace_begin(struct tact_store *store, struct tact_store_pace *pace, size_t most);
void tact_store_pace_end(struct tact_store *store, struct tact_store_pace *pace, size_t done);

/* The sum of a record's bytes, which is part of what its engine keeps of it: where many are filled, all wait
 * for the one thread that stores them, and whoever makes the records may make this as well. Any thread. */
uint32_t tact_store_sum(const void *bytes, size_t size);

/* Long work for records that mostly are not there yet, at that gait, or where a chunk of it keeps nobody
 * waiting and nobody else writes with chunks of 100 ms and no rest: makes puts[i] the record of keys[i]
 * where nothing stands. Where something does, an emptied record included, nothing is written and the
 * answer is TACT_REFUSED: such a one is for tact_store_update. Keys are distinct; in ascending order they
 * go fastest, and into a store without later ones they take the least room. Answers the worst answer but
 * TACT_REFUSED; stops there, with the keys that were not tried TACT_UNAVAILABLE. */
int tact_store_fill(struct tact_store *store, struct tact_store_pace *pace, const struct tact_store_key *keys,
    const struct tact_store_put *puts, size_t count, struct tact_store_answer *ret_answers,
    struct tact_error *err);

/* The store's identity: one text, opaque here, kept beside the records. "" when never set. set is
 * compare-and-set, and durable when it answers TACT_OK, also where TEXT is EXPECTED: TACT_REFUSED when
 * EXPECTED is not what stands there, TACT_SYSTEM when one may read here and not set it, TACT_UNAVAILABLE (did
 * not happen), TACT_UNCERTAIN (may have happened: read what stands there). */
int tact_store_identity(
    struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err);
int tact_store_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err);

/* The store's clock; and figures for `tact store check`. */
int64_t tact_store_now_us(struct tact_store *store);
/* TACT_OK, or TACT_REFUSED with words (also for tact_store_last_error) when it and this machine's differ by
 * more than MOST_US; 0 asks nothing. A store that lives by this machine's clock never differs. */
int tact_store_check_clock(struct tact_store *store, int64_t most_us, struct tact_error *err);
struct tact_store_figures {
	uint64_t records[5]; /* by kind */
	uint64_t emptied[5];
	uint64_t corrupt;
	uint64_t waking; /* records with a wake time */
	uint64_t size_bytes, limit_bytes;
};
/* Reads every record and checks it; report is called for each corrupt one. */
int tact_store_check(struct tact_store *store, struct tact_store_figures *ret,
    void (*report)(void *context, const struct tact_store_key *key, const char *why), void *context,
    struct tact_error *err);

#endif
