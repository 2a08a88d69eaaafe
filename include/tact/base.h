/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * base: what every room stands on. Knows nothing of mail.
 *
 * Thread rule: every function here may be called from any thread; an arena belongs to one thread at a time.
 * Running out of memory ends the process with EX_OSERR (71): Postfix then answers 451, so nothing is lost.
 */
#ifndef TACT_BASE_H
#define TACT_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- errors -------------------------------------------------------------------------------------------- */

/* What a function that can fail answers. 0 is done; outputs (ret_…) are written on 0 only. */
enum tact_result {
	TACT_OK = 0,
	TACT_INVALID = -1,     /* the input is wrong; the text says where and what would be right */
	TACT_ABSENT = -2,      /* what was asked for is not there (never used for an absent dossier) */
	TACT_UNAVAILABLE = -3, /* did not happen; may be asked again */
	TACT_UNCERTAIN = -4,   /* may or may not have happened; ask again with the same ids */
	TACT_CORRUPT = -5,     /* what was read cannot be trusted */
	TACT_REFUSED = -6,     /* understood, and not done: identity, permission, or a rule of ours */
	TACT_SYSTEM = -7,      /* the operating system said no; the text has its words */
};

/* "unavailable", "uncertain" …; never NULL. */
const char *tact_result_name(int result);

/* Text of one error, for a person. Set by the callee, printed by whoever decides to print it. */
struct tact_error {
	char text[1024];
};

/* Writes the text (cut at the buffer's end) and returns RESULT, so that `return tact_error_set(…)` reads
 * well. err may be NULL. */
int tact_error_set(struct tact_error *err, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- memory -------------------------------------------------------------------------------------------- */

/* malloc and friends that never return NULL (see the top of this file). */
void *tact_malloc(size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *tact_calloc(size_t count, size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *tact_realloc(void *old, size_t size_bytes) __attribute__((returns_nonnull));
char *tact_strdup(const char *text) __attribute__((malloc, returns_nonnull));

/* All that belongs to one message (or one call) lives in one arena and dies with it. Memory is zeroed and
 * aligned for any type. */
struct tact_arena;
struct tact_arena *tact_arena_new(void);
void tact_arena_free(struct tact_arena **arena);
void tact_arena_reset(struct tact_arena *arena); /* keeps one chunk for the next message */
size_t tact_arena_used_bytes(const struct tact_arena *arena);
void *tact_arena_alloc(struct tact_arena *arena, size_t size_bytes) __attribute__((returns_nonnull));
void *tact_arena_copy(struct tact_arena *arena, const void *from, size_t size_bytes)
    __attribute__((returns_nonnull));
char *tact_arena_strdup(struct tact_arena *arena, const char *text) __attribute__((returns_nonnull));
char *tact_arena_strndup(struct tact_arena *arena, const char *text, size_t length)
    __attribute__((returns_nonnull));
char *tact_arena_printf(struct tact_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

/* Grows an arena array by one: returns a pointer to the new zeroed last element, *items and *count updated.
 * Capacity is the next power of two of count, so no capacity field is needed. */
void *tact_arena_push(struct tact_arena *arena, void **items, size_t *count, size_t item_bytes)
    __attribute__((returns_nonnull));
#define TACT_PUSH(arena, array, count)                                                                       \
	((__typeof__(array))tact_arena_push((arena), (void **)&(array), &(count), sizeof *(array)))

/* ---- text ---------------------------------------------------------------------------------------------- */

bool tact_text_equal(const char *a, const char *b);	   /* both NULL is equal */
bool tact_text_equal_nocase(const char *a, const char *b); /* ASCII case only */
bool tact_text_starts_nocase(const char *text, const char *start);
bool tact_text_is_ascii(const char *text);
/* Whether a relay can be called so: 1 to 253 letters, digits, dots, hyphens and underscores, no dot first,
 * which can be a folder's name and needs no escaping anywhere. */
bool tact_text_is_host(const char *text);
/* Trims ASCII white space at both ends, in the arena. */
char *tact_text_trim(struct tact_arena *arena, const char *text);
/* Copy with every control character, quote and non-ASCII byte made harmless (\xNN), cut at max bytes: for log
 * lines and SMTP replies. */
char *tact_text_printable(struct tact_arena *arena, const char *text, size_t max);
/* The same of an address that is to stand between < and >: neither these nor a blank is left in it, so that
 * it ends where it seems to. */
char *tact_text_path(struct tact_arena *arena, const char *text, size_t max);

/* "20h" "7d" "90s" "15m" "2w" "0"; whole numbers, units s m h d w; a bare number other than 0 is refused.
 * TACT_OK or TACT_INVALID; range 0 … 400 d × 100. */
int tact_text_parse_duration(const char *text, int64_t *ret_seconds, struct tact_error *err);
/* "7d", "20h", "90s": the largest unit that divides. */
char *tact_text_format_duration(struct tact_arena *arena, int64_t seconds);
/* Decimal integer, whole text, within [least, most]. */
int tact_text_parse_int(const char *text, int64_t least, int64_t most, int64_t *ret, struct tact_error *err);
/* RFC 3339 "2026-11-24T09:00:00Z", with fraction or offset; also "2026-11-24 09:00:00" (UTC), "2026-11-24"
 * (UTC midnight), "@SECONDS". */
int tact_text_parse_time(const char *text, int64_t *ret_us, struct tact_error *err);
/* RFC 3339 in UTC; with microseconds only when they are not zero. */
char *tact_text_format_time(struct tact_arena *arena, int64_t time_us);

/* ---- time ---------------------------------------------------------------------------------------------- */

/* Time is an argument everywhere below the ends; only the ends read a clock. Unit: microseconds since 1970
 * UTC (…_us) or seconds (…_s). With --enable-test-clock and TACT_TEST_CLOCK=FILE set, the file's text is the
 * time: "@SECONDS[.FRACTION]" stands still, "+SECONDS" or
 * "-SECONDS" is an offset to the real clock. It is read at each call. A release build has no such door. */
int64_t tact_clock_now_us(void);
/* Monotonic, for deadlines only; never tested-clock. */
int64_t tact_clock_monotonic_ms(void);

/* A zone of the tz database ("Europe/London", "UTC"). Immutable, reference counted, any thread. */
struct tact_zone;
/* NULL when the name is not known to the machine. "UTC" is always known. */
struct tact_zone *tact_zone_open(const char *name);
void tact_zone_free(struct tact_zone **zone);
const char *tact_zone_name(const struct tact_zone *zone);
/* A zone of the table of all zones, which is made at the first call and belongs to nobody: do not free. NULL
 * when the name is not known to the machine or is "". It knows the changes of the clocks from 2000 to 2099;
 * before and after, the offset stays. Where no file may be read at the first call (threads that decide), the
 * table is made beforehand. */
const struct tact_zone *tact_zone_find(const char *name);
void tact_zone_make_table(void);

/* weeks start on Monday (ISO 8601) */
enum tact_period { TACT_DAY, TACT_WEEK, TACT_MONTH, TACT_QUARTER, TACT_YEAR };
/* First second of the period that holds time_s, and of the one OFFSET periods later (0 = this one). Where
 * local midnight does not exist (DST gap), the first second that does; where it exists twice, the first. */
int64_t tact_zone_period_start(
    const struct tact_zone *zone, enum tact_period period, int64_t time_s, int offset);

struct tact_local_time {
	int year, month, day;	  /* 1970…, 1…12, 1…31 */
	int hour, minute, second; /* 0…23, 0…59, 0…59 */
	int weekday;		  /* 1 = Monday … 7 = Sunday */
	int offset_s;		  /* east of UTC */
};
void tact_zone_local(const struct tact_zone *zone, int64_t time_s, struct tact_local_time *ret);
/* The first second at which the zone's clocks show this local time or, in a gap, have passed it; in an
 * overlap the first of the two. */
int64_t tact_zone_from_local(
    const struct tact_zone *zone, int year, int month, int day, int hour, int minute, int second);

/* Seconds east of UTC at time_s, and how long that stays: the first second at which the clocks are changed,
 * or until_s when that comes first. */
int tact_zone_offset(const struct tact_zone *zone, int64_t time_s, int64_t until_s, int64_t *ret_end_s);

/* Dates of the years 1 … 9999 as days since 1970-01-01; days past the end of a month run on into the next. */
int64_t tact_date_day(int year, int month, int day);
void tact_date_of_day(int64_t day, int *ret_year, int *ret_month, int *ret_day);
/* 28 … 31; 0 for a month there is not. */
int tact_date_days_in_month(int year, int month);

/* ---- digests, secrets, encodings ----------------------------------------------------------------------- */

#define TACT_SHA256_BYTES 32
#define TACT_ID_BYTES 16

/* A 16-byte name: a key (who), a contact, a claim, a review, a decision. All zero means none. */
struct tact_id {
	uint8_t b[TACT_ID_BYTES];
};
bool tact_id_equal(const struct tact_id *a, const struct tact_id *b);
bool tact_id_is_none(const struct tact_id *id);
struct tact_id tact_id_random(void);
/* 32 lower-case hex digits. */
char *tact_id_format(struct tact_arena *arena, const struct tact_id *id);
int tact_id_parse(const char *text, struct tact_id *ret); /* TACT_OK or TACT_INVALID */

void tact_digest_sha256(const void *data, size_t size_bytes, uint8_t ret[TACT_SHA256_BYTES]);
/* Of all that can still be read from the file. TACT_OK, or TACT_SYSTEM with errno. */
int tact_digest_sha256_file(int fd, uint8_t ret[TACT_SHA256_BYTES]);
/* Of bytes that come one after the other; end frees, too (ret NULL: only that). */
struct tact_sha256;
struct tact_sha256 *tact_digest_sha256_begin(void);
void tact_digest_sha256_more(struct tact_sha256 *digest, const void *data, size_t size_bytes);
void tact_digest_sha256_end(struct tact_sha256 **digest, uint8_t ret[TACT_SHA256_BYTES]);
/* HMAC-SHA-256 (RFC 2104) under a secret that is used but once. A secret of no bytes may be NULL. */
void tact_digest_hmac(const void *secret, size_t secret_bytes, const void *data, size_t size_bytes,
    uint8_t ret[TACT_SHA256_BYTES]);
/* The same under a secret that repeats, for half the time: what HMAC makes of the secret alone is made once.
 * A copy of the secret and all that was made of it belong to this and are wiped when it is freed, which
 * nobody may use then; who has it has this secret and no other. Any thread, several at once, none waits for
 * another; a child after a fork, too. */
struct tact_hmac;
struct tact_hmac *tact_digest_hmac_new(const void *secret, size_t secret_bytes);
void tact_digest_hmac_free(struct tact_hmac **hmac);
void tact_digest_hmac_by(
    struct tact_hmac *hmac, const void *data, size_t size_bytes, uint8_t ret[TACT_SHA256_BYTES]);
/* What digests and seals keep for the calling thread is let go at once, and made anew should it go on. For a
 * thread that nobody joins, as its last deed before it says that it is done: by itself the thread would let
 * go of it some time after. */
void tact_digest_leave(void);
/* SHA-256 over count fields, each preceded by its length (u64 little endian), first 16 bytes: no two lists of
 * fields collide by shifting. */
struct tact_id tact_digest_id(const char *const *fields, size_t count);
uint32_t tact_digest_crc32(const void *data, size_t size_bytes);
/* Of what came to BEFORE (0: nothing) and this behind it. */
uint32_t tact_digest_crc32_more(uint32_t before, const void *data, size_t size_bytes);
void tact_random_bytes(void *ret, size_t size_bytes);

/* AES-256-GCM, 12-byte random nonce; sealed = nonce ‖ ciphertext ‖ 16-byte tag. The associated text is
 * authenticated, not hidden. */
#define TACT_SEAL_KEY_BYTES 32
void *tact_seal(struct tact_arena *arena, const uint8_t key[TACT_SEAL_KEY_BYTES], const void *plain,
    size_t plain_bytes, const void *associated, size_t associated_bytes, size_t *ret_bytes)
    __attribute__((returns_nonnull));
/* TACT_OK, or TACT_CORRUPT when key, text or tag do not belong together. */
int tact_unseal(struct tact_arena *arena, const uint8_t key[TACT_SEAL_KEY_BYTES], const void *sealed,
    size_t sealed_bytes, const void *associated, size_t associated_bytes, void **ret_plain,
    size_t *ret_bytes);

char *tact_hex_encode(struct tact_arena *arena, const void *data, size_t size_bytes);
/* Exactly size_bytes from exactly 2 × size_bytes digits of either case. TACT_OK or TACT_INVALID. */
int tact_hex_decode(const char *text, void *ret, size_t size_bytes);
/* RFC 4648 base32, lower case, no padding: survives mail addresses and case folding. */
char *tact_base32_encode(struct tact_arena *arena, const void *data, size_t size_bytes);
/* TACT_OK or TACT_INVALID (foreign character, impossible length, bits left over). The result is
 * NUL-terminated past its end. */
int tact_base32_decode(
    struct tact_arena *arena, const char *text, size_t length, void **ret, size_t *ret_bytes);
/* RFC 4648, padded */
char *tact_base64_encode(struct tact_arena *arena, const void *data, size_t size_bytes);
int tact_base64_decode(struct tact_arena *arena, const char *text, void **ret, size_t *ret_bytes);

/* ---- streams ------------------------------------------------------------------------------------------- */

/* First of all in a main: makes sure that descriptors 0, 1 and 2 are taken, so that no file opened later can
 * be one of them. A stream that was closed can be neither read nor written (EBADF). TACT_OK; TACT_SYSTEM when
 * /dev/null cannot be opened: then nothing else may be. */
int tact_streams_hold(void);

/* ---- the user ------------------------------------------------------------------------------------------ */

/* Root becomes USER, with his groups and his HOME; whoever is not root, or USER "", stays. Before there are
 * threads. TACT_OK; TACT_INVALID: there is no such user; TACT_SYSTEM: it cannot be done now. After a failure
 * nothing may be made that belongs to the user. */
int tact_user_become(const char *user, struct tact_error *err);

/* ---- log ----------------------------------------------------------------------------------------------- */

enum tact_log_level { TACT_LOG_DEBUG, TACT_LOG_INFO, TACT_LOG_WARNING, TACT_LOG_ERROR };

/* Where log lines go: to syslog (facility mail) as IDENT[pid], or to standard error. Called once per process,
 * before threads. */
void tact_log_open(const char *ident, bool to_syslog, enum tact_log_level least);
void tact_log_set_level(enum tact_log_level least);
/* Would a line of LEVEL be written? To be asked before words are made that nobody would read. */
bool tact_log_writes(enum tact_log_level level);
/* One line; "QUEUEID: key=value key=value". Only ends call this; library rooms return errors. Control
 * characters are made harmless. */
void tact_log(enum tact_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- edges --------------------------------------------------------------------------------------------- */

/* A named point between two durable steps. In a build with --enable-edges, TACT_KILL_AT=NAME[:N] kills the
 * process with SIGKILL at the N-th passing (1 = first); elsewhere it is nothing. Names are listed in
 * tests/postfix/edges. */
#ifdef TACT_EDGES
void tact_edge(const char *name);
#else
#define tact_edge(name) ((void)0)
#endif

#endif
