/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files of the audit room share. Not for other rooms; the room's own tests look in here too.
 */
#ifndef TACT_AUDIT_PRIVATE_H
#define TACT_AUDIT_PRIVATE_H

#include <pthread.h>
#include <semaphore.h>
#include <sys/types.h>
#include <tact/audit.h>

/* tlog-tiles gives an entry's length two bytes. */
#define AUDIT_ENTRY_MAX_BYTES 65535
#define AUDIT_SALT_BYTES 16
/* One write is never longer than this, so a tear never reaches further back from the end of the last segment.
 * A bad frame before that is not a tear but damage to what somebody was told is safe. */
#define AUDIT_WRITE_MAX_BYTES (1024u * 1024u)
#define AUDIT_TEAR_MAX_BYTES (AUDIT_WRITE_MAX_BYTES + AUDIT_ENTRY_MAX_BYTES + 2u)
#define AUDIT_SEGMENT_BYTES (64u * 1024u * 1024u)

/* ---- writer.c: JSON text into a growing buffer --------------------------------------------------------- */

struct audit_writer {
	char *data;
	size_t length, capacity;
	size_t string_max; /* bytes of one string as escaped; longer ones are cut and CUT is set */
	bool cut;
	int64_t time_us; /* the time written last, and as what */
	char time_text[40];
};
void audit_writer_clear(struct audit_writer *w);
void audit_put(struct audit_writer *w, const char *bytes, size_t length);
/* A comma where one is due, then "name": (nothing but the comma when name is NULL, as in arrays). */
void audit_put_name(struct audit_writer *w, const char *name);
/* Leaves the whole field out when value is NULL. */
void audit_put_string(struct audit_writer *w, const char *name, const char *value);
void audit_put_integer(struct audit_writer *w, const char *name, int64_t value);
/* 1500 is written 1.5 */
void audit_put_milli(struct audit_writer *w, const char *name, int64_t milli);
/* RFC 3339 in UTC; leaves the field out when time_us is 0. */
void audit_put_time(struct audit_writer *w, struct tact_arena *arena, const char *name, int64_t time_us);
/* Copies TEXT to OUT (room for 3 × min(strlen, max) + 1 bytes) with each byte that is not UTF-8 replaced by
 * U+FFFD, no further than max bytes as JSON would escape it. Answers how many bytes of TEXT that covers. */
size_t audit_clean(const char *text, size_t max_escaped_bytes, char *out, size_t *ret_length);

/* ---- entry.c, sealed.c --------------------------------------------------------------------------------- */

/* One encoded entry in a writer's buffer: seq is not known yet and belongs at seq_at. */
struct audit_encoded {
	size_t start, seq_at, end;
};
/* Encodes one entry behind what W holds. Never longer than AUDIT_ENTRY_MAX_BYTES with any seq. Answers the
 * bytes of policy_text that found room; where that is not all of it, MORE is written and the rest belongs in
 * the next entry. */
size_t audit_encode(struct audit_writer *w, struct tact_arena *arena, const char *host,
    const struct tact_audit_entry *entry, int64_t now_us, const uint8_t salt[AUDIT_SALT_BYTES],
    struct audit_encoded *ret);
/* The sealed fields as base64, or NULL when there is nothing to seal. Sets *cut when a text was too long. */
char *audit_seal(struct tact_arena *arena, const char *host, const char *salt, const char *pseudonym,
    const struct tact_audit_entry *entry, size_t string_max, bool *cut);

/* ---- frames.c: length ‖ entry, one after the other in a file ------------------------------------------- */

enum audit_frame {
	AUDIT_FRAME,	   /* here is one */
	AUDIT_FRAME_END,   /* the file ends where a frame ends */
	AUDIT_FRAME_SHORT, /* the file ends inside a frame */
	AUDIT_FRAME_ERROR, /* it cannot be read; see errno */
};
struct audit_frames {
	int fd;
	uint64_t offset; /* in the file, of the frame that comes next */
	char *buffer;
	size_t start, end;
	char *mended_at; /* where the terminating NUL stands, and what it hides */
	char hidden;

	/* Of audit_frames_entry. */
	uint64_t next_seq; /* of the entry that should come next; set before the first call */
	uint64_t seq;	   /* of the entry that came */
	bool damaged;	   /* something else stood at DAMAGED_AT, where entry DUE_SEQ should stand */
	uint64_t damaged_at, due_seq;
};
void audit_frames_start(struct audit_frames *frames, int fd, uint64_t offset);
void audit_frames_end(struct audit_frames *frames);
/* The text is NUL-terminated and lives until the next call. */
enum audit_frame audit_frames_next(struct audit_frames *frames, const char **ret_json, size_t *ret_length);
/* The next entry: where the one that is due stands none, the first whole one behind. PARSED: that each of
 * them parses is part of being whole; behind damage it always is. AUDIT_FRAME_END with DAMAGED: no entry
 * stands between DAMAGED_AT and the end of the file, as behind a torn write. */
enum audit_frame audit_frames_entry(
    struct audit_frames *frames, bool parsed, const char **ret_json, size_t *ret_length);
/* Whether this text can be what append wrote as entry SEQ: cheap, for every entry read. */
bool audit_frame_fits(const char *json, size_t length, uint64_t seq);
bool audit_frame_parses(const char *json, size_t length);

/* First seqs of the segments in a folder, in order; free() them. 0 or errno. */
int audit_segments_list(int entries_fd, uint64_t **ret, size_t *ret_count);
#define AUDIT_SEGMENT_NAME_BYTES 24
#define AUDIT_TORN "torn-" /* and the number of the entry that should have begun there */
void audit_segment_name(uint64_t first_seq, char ret[AUDIT_SEGMENT_NAME_BYTES]);

/* ---- log.c, queue.c, tail.c
 * ------------------------------------------------------------------------------------- */

/* The doors to the disk; tests put failing ones here. */
struct audit_disk {
	ssize_t (*write)(int fd, const void *bytes, size_t length, off_t offset);
	int (*sync)(int fd);
	int (*cut)(int fd, off_t length);
};

/* What one call wants written. */
struct audit_request {
	const char *bytes;
	const struct audit_encoded *entries;
	size_t count;
	uint64_t first_seq;
	int result;
	struct tact_error *err;
	struct tact_audit_later later; /* all NULL: the caller waits and has it on its stack until then */
	bool leads;
	sem_t wake; /* posted when it is done, or to lead */
	struct audit_request *next;
};

struct tact_audit {
	char *host;
	char *folder; /* DIR/HOST */
	int folder_fd, entries_fd, lock_fd;
	struct audit_disk disk;
	uint64_t segment_limit_bytes;
	int64_t patience_ms; /* with the folder's lock */

	/* The tail as last seen. Touched only by the leader while it holds the folder's lock. */
	int segment_fd;
	uint64_t segment_first;
	uint64_t size_bytes;
	uint64_t next_seq;
	bool damaged;  /* it holds damage: left as it is, and written on in a new segment */
	bool doubtful; /* what the kernel holds of the segment may differ from the disk: reopen and verify
			  first */
	char *batch;   /* AUDIT_WRITE_MAX_BYTES + one frame */
	uint64_t syncs;
	struct tact_error damage; /* as last found, in words */

	pthread_mutex_t mutex; /* guards what follows */
	struct audit_request *first, **last;
	bool led;
	/* The log's own thread, which leads where nobody waits. */
	pthread_t own;
	pthread_cond_t own_wake;
	bool own_runs, own_leads, ending;
};

void audit_queue_begin(struct tact_audit *audit);
void audit_queue_end(struct tact_audit *audit);

/* By who leads: writes the entries of a whole batch, or none that may be relied on. */
int audit_commit(struct tact_audit *audit, struct audit_request *batch, struct tact_error *err);

/* tail.c; all of them with the folder's lock held. */
/* Opens the last segment (making the first one), checks it and sets a torn tail aside; notes damage. */
int audit_tail_open(struct tact_audit *audit, uint64_t *ret_torn_bytes, struct tact_error *err);
/* Takes in what other processes have appended; opens anew what is doubtful or was changed by another hand. */
int audit_tail_catch_up(struct tact_audit *audit, struct tact_error *err);
/* Writes whole frames of COUNT entries behind the tail and makes them durable, or leaves the tail as it was.
 */
int audit_tail_write(
    struct tact_audit *audit, const char *frames, size_t length, size_t count, struct tact_error *err);
/* Sets the text for errno ERROR to what happened and what to do about it; answers TACT_SYSTEM. */
int audit_error(struct tact_error *err, const char *folder, const char *doing, int error);

#endif
