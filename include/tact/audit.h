/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * audit: the evidence. Entries are appended and never changed; version 1 of DESIGN §7, to the letter.
 *
 * A folder of one log per host: DIR/HOST/entries/NNNNNNNNNNNN (first seq of the segment), each a sequence of
 * u16 big-endian length ‖ entry, as tlog-tiles writes entry bundles. Several processes of one host may append
 * to one log at the same time (tactd's and the verbs of tact).
 *
 * Thread rule: one open audit serves any number of threads. Never use one across fork().
 */
#ifndef TACT_AUDIT_H
#define TACT_AUDIT_H

#include <tact/base.h>

enum tact_audit_kind {
	TACT_AUDIT_DECISION,
	TACT_AUDIT_CHANGE,
	TACT_AUDIT_OUTCOME,
	TACT_AUDIT_POLICY,
	TACT_AUDIT_START,
	TACT_AUDIT_STOP
};
const char *tact_audit_kind_name(enum tact_audit_kind kind);

/* The numbers a rule rested on; milli-units, so that weights may be fractions. */
struct tact_audit_numbers {
	bool present;
	int64_t count_milli, at_most_milli;
	const char *window;  /* "7d", "calendar-year" */
	int64_t frees_at_us; /* 0: never or not known */
};
struct tact_audit_rule {
	const char *name, *kind, *verdict; /* verdict "accept" when it did not fire */
	const char *mode;		   /* "enforce" or "monitor" */
	int64_t until_us;
	struct tact_audit_numbers numbers;
};
struct tact_audit_weighed {
	const char *id, *scope, *reason;
	int64_t time_us;
};

/* One entry. NULL strings and zero times are left out of the JSON. v, host, seq, time and salt are set by
 * append. */
struct tact_audit_entry {
	enum tact_audit_kind kind;
	/* "rcpt", "end-of-message", "gate", "release", "command", "bell", "start" … */
	const char *phase;
	const char *pseudonym; /* tact_audit_pseudonym */
	const char *decision, *previous;
	uint64_t version_seen, version_written;
	/* digest of the configuration in force; in a policy entry policy_text is the configuration itself */
	const char *policy;
	const char *policy_text;
	const char *software; /* "tact 0.1.0" */
	const char *mode, *verdict, *action, *code;
	int64_t until_us, not_after_us;
	const char *stream, *purpose, *owner, *brand, *campaign;
	int priority;
	bool has_priority;
	const char *queue_id, *reinjected_id;
	const struct tact_audit_rule *rules;
	size_t rules_count;
	const struct tact_audit_weighed *weighed;
	size_t weighed_count;
	const char *recover; /* wishes for a store that forgot them, sealed by the caller */
	/* Sealed under the person key (left out when person_key is NULL). */
	const uint8_t *person_key; /* TACT_SEAL_KEY_BYTES */
	const char *recipient_domain, *message_id, *sender, *from, *sasl_user, *subject, *text;
};

/* HMAC-SHA-256 under the person key of the recipient's key, first 16 bytes in hex. */
char *tact_audit_pseudonym(struct tact_arena *arena, const uint8_t person_key[TACT_SEAL_KEY_BYTES],
    const struct tact_id *recipient_key);

struct tact_audit;
/* Opens (making folders 0750 as needed) the log of HOST below DIR for appending. A torn tail, which nobody
 * was ever told about, is set aside in DIR/HOST/torn-SEQ and cut off; ret_torn_bytes (may be NULL) says how
 * much. What is damaged and has whole entries behind it is no tear: it stays as it is, and what is appended
 * goes into a new segment (tact_audit_damaged). TACT_OK, TACT_SYSTEM, TACT_UNAVAILABLE (another program has
 * held the lock for some seconds), TACT_CORRUPT (no entry can be read at the end, and that is too long for a
 * tear; nothing is touched), TACT_INVALID (HOST is not letters, digits, '.', '-', '_'). Has the process
 * ignore SIGXFSZ, unless it is handled, so that a file size limit is an error like others; the signal
 * SIGRTMIN is this room's from then on: it ends the wait of a thread for the lock. */
int tact_audit_open(const char *dir, const char *host, struct tact_audit **ret, uint64_t *ret_torn_bytes,
    struct tact_error *err);
void tact_audit_close(struct tact_audit **audit);
/* What opening found damaged in the last segment: file, offset and what to do; "" when it is whole. Earlier
 * segments are not looked at: tact_audit_scan does. The text lives as long as the log is open; ask before
 * others append. */
const char *tact_audit_damaged(const struct tact_audit *audit);

/* Appends entries and answers TACT_OK when all of them are on disk (fdatasync); concurrent callers share one.
 * Anything else: none of them may be relied on and the caller must temp-fail: TACT_UNAVAILABLE (disk full,
 * read-only, I/O error, or another program has held the log's lock for some seconds; err says what to do).
 * After a failed write the tail is cut back, and the next append tries again. ret_first_seq may be NULL; the
 * entries' numbers follow each other. Size never fails: what is too long is cut and marked "cut", and a long
 * policy_text goes on in further entries ("more"). */
int tact_audit_append(struct tact_audit *audit, const struct tact_audit_entry *entries, size_t count,
    int64_t now_us, uint64_t *ret_first_seq, struct tact_error *err);

/* An append that nobody waits in: answers at once. Both functions are called by a thread of the log's or of
 * another caller, first MAKE, then DONE; neither may wait for anything nor append. */
struct tact_audit_later {
	/* Answers how many entries and which; all of it must stay valid until done. */
	size_t (*make)(void *context, const struct tact_audit_entry **ret_entries);
	/* As tact_audit_append would have answered. */
	void (*done)(void *context, int result);
	void *context;
	int64_t now_us;
	struct tact_error *err; /* may be NULL */
};
void tact_audit_append_later(struct tact_audit *audit, const struct tact_audit_later *later);

/* One entry as read: its JSON text (NUL-terminated), and where it stands. Stops when fn answers false. */
typedef bool (*tact_audit_scan_fn)(
    void *context, const char *host, uint64_t seq, const char *json, size_t length);
/* All logs below DIR (HOST NULL) or one, each in order of seq, while others may append. Goes on behind damage
 * with the next whole entry; what is incomplete at the very end is not damage. TACT_OK, TACT_SYSTEM,
 * TACT_CORRUPT (read to the end all the same: file and offset of the first damage, and of how many). */
int tact_audit_scan(
    const char *dir, const char *host, tact_audit_scan_fn fn, void *context, struct tact_error *err);
/* The same after a disaster, for all logs: what was set aside as torn is read too, after the log that it was
 * taken from. ret counts the places where an entry should stand and none does, a true tear among them;
 * whoever appends meanwhile may look like one. TACT_OK, TACT_SYSTEM. */
struct tact_audit_damage {
	uint64_t places;
	struct tact_error first; /* in words */
};
int tact_audit_salvage(const char *dir, tact_audit_scan_fn fn, void *context, struct tact_audit_damage *ret,
    struct tact_error *err);

/* The entry again with its sealed fields opened into a "sealed" object; person_key may be NULL. As JSON text
 * in the arena. */
int tact_audit_open_entry(struct tact_arena *arena, const char *json, const uint8_t *person_key, char **ret,
    struct tact_error *err);

#endif
