/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * dossier: all that tact knows of one recipient, as values, and their encoding. No I/O, no clock, no rules.
 *
 * Thread rule: pure; a dossier belongs to whoever owns its arena.
 * Times are microseconds since 1970 UTC. Strings are never NULL ("" = none) and live in the arena.
 */
#ifndef TACT_DOSSIER_H
#define TACT_DOSSIER_H

#include <tact/facts.h>

enum tact_sentiment { TACT_NEUTRAL, TACT_POSITIVE, TACT_NEGATIVE };

/* Fields that a newer tact wrote and this one does not know: carried along unread. */
struct tact_unknown {
	const void *bytes;
	size_t size;
};

struct tact_contact {
	/* tact_facts_contact_id; none when folded or typed in without one. Of what was folded in another
	 * record and came over with an alias: one made of that record's key and of what it says. */
	struct tact_id id;
	int64_t time_us;
	/* 0: exact. A day: folded, happened somewhere in [time_us, time_us + span_us) */
	int64_t span_us;
	uint32_t count; /* 1, or how many were folded */
	enum tact_channel channel;
	enum tact_direction direction;
	enum tact_sentiment sentiment;
	enum tact_purpose purpose;
	const char *stream, *owner, *brand, *campaign, *offer, *list;
	bool counts; /* toward limits, as the stream said then */
	bool open;   /* the client was not told 250: found again by id for all of retry_window */
	struct tact_unknown unknown;
};

enum tact_scope_kind {
	TACT_SCOPE_GLOBAL,
	TACT_SCOPE_BRAND,
	TACT_SCOPE_OWNER,
	TACT_SCOPE_LIST,
	TACT_SCOPE_STREAM,
	TACT_SCOPE_PURPOSE,
	TACT_SCOPE_CHANNEL,
	TACT_SCOPE_CAMPAIGN,
	TACT_SCOPE_OFFER
};
struct tact_scope {
	enum tact_scope_kind kind;
	const char *value; /* "" for global */
};
/* "global", "brand:X" …; purposes and channels must be known words. TACT_OK or TACT_INVALID. */
int tact_dossier_parse_scope(
    struct tact_arena *arena, const char *text, struct tact_scope *ret, struct tact_error *err);
char *tact_dossier_format_scope(struct tact_arena *arena, const struct tact_scope *scope);
/* Does SCOPE take in mail of these facts? Names compare without ASCII case. */
bool tact_dossier_scope_covers(const struct tact_scope *scope, const struct tact_facts *facts);

enum tact_reason {
	TACT_UNSUBSCRIBE,
	TACT_COMPLAINT,
	TACT_HARD_BOUNCE,
	TACT_MANUAL,
	TACT_ERASURE,
	TACT_PAUSE,
	TACT_TOPIC,
	TACT_REASONS
};
const char *tact_dossier_reason_name(enum tact_reason reason);
int tact_dossier_parse_reason(const char *text, enum tact_reason *ret);
/* Purposes a suppression of this reason covers when it does not state its own: bit 1 << purpose (DESIGN §6
 * Wishes). */
unsigned tact_dossier_reason_purposes(enum tact_reason reason);

struct tact_suppression {
	/* none only before it is written; written without one, it is read back with one made of scope, reason
	 * and time */
	struct tact_id id;
	struct tact_scope scope;
	enum tact_reason reason;
	unsigned purposes; /* bits; 0: as the reason says */
	const char *source, *note;
	int64_t time_us;
	int64_t until_us; /* 0: no end; else it covers times < until_us */
	int64_t ended_us; /* 0, or when an authorised person ended it: covers nothing from then on */
	const char *ended_by, *ended_why;
	struct tact_unknown unknown;
};

enum tact_basis { TACT_EXPRESS, TACT_IMPLIED, TACT_SOFT_OPT_IN, TACT_BASES };
/* "express", "implied", "soft-opt-in"; parse answers TACT_OK or TACT_INVALID. */
const char *tact_dossier_basis_name(enum tact_basis basis);
int tact_dossier_parse_basis(const char *text, enum tact_basis *ret);
struct tact_consent {
	struct tact_id id;
	enum tact_basis basis;
	struct tact_scope scope;
	const char *source, *proof;
	int64_t time_us, until_us, ended_us;
	const char *ended_by, *ended_why;
	bool imported; /* came in a file, not from the person: lifts no suppression (DESIGN §6 Wishes) */
	struct tact_unknown unknown;
};

enum tact_claim_state {
	TACT_CLAIM_WAITING, /* for its place; holds it */
	TACT_CLAIM_REVIEW,  /* for a reviewer; holds no place */
	TACT_CLAIM_REFUSED, /* queued only so that Postfix sends a proper bounce */
	TACT_CLAIM_PASSING, /* handed to the next hop, answer not yet known; its contact is written */
	TACT_CLAIM_PASSED,  /* next hop said 250: come again, it is answered 250 and dropped */
	/* never queued, or lapsed: holds no place; come all the same, it is decided again */
	TACT_CLAIM_WITHDRAWN,
	TACT_CLAIM_BOUNCED, /* refused at the gate and handed to the refusing listener with 250 */
	TACT_CLAIM_STATES
};
const char *tact_dossier_claim_state_name(enum tact_claim_state state);

struct tact_claim {
	struct tact_id id;
	struct tact_id contact_id; /* none for a planned campaign's */
	enum tact_claim_state state;
	bool planned; /* by a campaign, not by a message */
	/* as in facts.priority, kept beside for sorting; the record holds this one for both */
	int priority;
	int64_t made_us, not_after_us;
	/* when the gate asked last and was told to wait: its place is sought from here; 0: from made_us. A
	 * planned claim's is the time it is planned for. */
	int64_t asked_us;
	/* when the planned claim was made that this mail took: it ranks from then; 0: from made_us */
	int64_t rank_us;
	/* when the contact happened that this mail itself left: handed on, or passed before it was told to
	 * wait; 0: none */
	int64_t contact_us;
	struct tact_facts facts; /* what the rules read, as it was */
	const char *relay;	 /* host whose Postfix keeps the mail */
	/* "s29921760": label under the gate's domain it was queued under; "" if none */
	const char *ring;
	/* under which that Postfix took it in; "" when not known. Never a key: postsuper -r gives it another
	 */
	const char *queue_id;
	bool tempfail;		 /* delay_by = tempfail: nothing is queued */
	bool notify_added;	 /* the client gave no NOTIFY: take ours off again */
	bool open;		 /* the client was not told 250 */
	int bumps;		 /* times mail of higher priority moved it to a later place */
	bool firm;		 /* it was moved often enough: it goes before all that are not */
	int64_t firm_us;	 /* the place it had when it became firm, and keeps */
	struct tact_id review;	 /* review record, or none */
	int64_t held_us;	 /* since when that one holds it, or held it */
	struct tact_id decision; /* evidence id of the latest decision */
	const char *text;	 /* reply given, for refused ones */
	const char *code;	 /* enhanced status code, "5.7.1" */
	int64_t done_us;	 /* when it became passed, bounced or withdrawn */
	struct tact_unknown unknown;
};

struct tact_occasion {
	const char *name;     /* "birthday" */
	int year, month, day; /* year 0: not known */
	struct tact_unknown unknown;
};
/* "1980-05-17", or without a year "--05-17" (ISO 8601, RFC 6350) or "05-17". A day that exists: 29 February
 * in leap years and without a year. Sets year, month and day and leaves the rest alone; TACT_OK, or
 * TACT_INVALID and nothing set. format writes the first two. */
int tact_dossier_parse_date(const char *text, struct tact_occasion *ret, struct tact_error *err);
char *tact_dossier_format_date(struct tact_arena *arena, const struct tact_occasion *occasion);
struct tact_profile {
	const char *zone, *home_owner, *language;
	const char *own_limit; /* "4/7d" as the recipient asked, or "" */
	struct tact_occasion *occasions;
	size_t occasions_count;
	struct tact_unknown unknown;
};

/* Of a contact that somebody told of under an id: known again by it when folding took the id away. Goes with
 * the day the contact was folded into. */
struct tact_told {
	uint64_t mark; /* of the id */
	uint32_t day;  /* since 1970 UTC, when the contact happened */
};

struct tact_dossier {
	bool has_person_key;
	uint8_t person_key[TACT_SEAL_KEY_BYTES]; /* DESIGN §7 */
	/* contacts before this were never seen by this store; 0 when unknown */
	int64_t history_since_us;
	const char *address; /* only with keep_addresses */
	/* Key of whom this one became an alias of: what counts, or waits, was moved there, and so is whatever
	 * would be written here. None: its own. */
	struct tact_id stands_for;
	struct tact_contact *contacts;
	size_t contacts_count;
	struct tact_told *told; /* each mark once */
	size_t told_count;
	struct tact_suppression *suppressions;
	size_t suppressions_count;
	struct tact_consent *consents;
	size_t consents_count;
	struct tact_claim *claims;
	size_t claims_count;
	struct tact_profile profile;
	struct tact_unknown unknown;
};

#define TACT_DOSSIER_CLAIMS_MAX 64 /* waiting and in review together */

/* An empty dossier: what an absent or emptied record means. */
void tact_dossier_init(struct tact_dossier *ret);
/* TACT_OK or TACT_CORRUPT (does not parse, newer major schema, impossible value). size 0 gives an empty
 * dossier. Strings and unknown fields point into the arena's copy. */
int tact_dossier_decode(struct tact_arena *arena, const void *bytes, size_t size, struct tact_dossier *ret,
    struct tact_error *err);
/* The record: protobuf message of src/dossier/dossier.proto; names that repeat are stored once. An empty
 * dossier encodes to size 0. */
void tact_dossier_encode(
    struct tact_arena *arena, const struct tact_dossier *dossier, const void **ret_bytes, size_t *ret_size);

/* The same bytes for a fraction of the work where many dossiers, one after the other, say one suppression
 * without an id in the same words and nothing else: FORMS keeps records of some such words. Texts of every
 * dossier that was given are read again as long as FORMS is used. One thread. */
struct tact_dossier_forms;
struct tact_dossier_forms *tact_dossier_forms_new(struct tact_arena *arena);
void tact_dossier_encode_alike(struct tact_arena *arena, struct tact_dossier_forms *forms,
    const struct tact_dossier *dossier, const void **ret_bytes, size_t *ret_size);

/* Deep copy of the arrays (strings shared): for trying something out. */
void tact_dossier_copy(struct tact_arena *arena, const struct tact_dossier *from, struct tact_dossier *ret);
/* Adds what OTHER knows (suppressions, consents, contacts, waiting claims by id; marks of contacts; the
 * earlier beginning of the history; profile and person key only where missing) into VIEW: for asking about a
 * person who stands under several keys. The strictest counts because everything counts. */
void tact_dossier_merge(
    struct tact_arena *arena, struct tact_dossier *view, const struct tact_dossier *other);

/* The latest: a sender whose mails all look the same leaves several of one id. */
struct tact_contact *tact_dossier_find_contact(struct tact_dossier *dossier, const struct tact_id *id);
struct tact_claim *tact_dossier_find_claim(struct tact_dossier *dossier, const struct tact_id *id);
/* The contact that the claim's own mail left: written when it was handed on, or taken along when a mail that
 * had passed was told to wait after all. Not one of a mail that only looks the same. NULL: none. */
const struct tact_contact *tact_dossier_own_contact(
    const struct tact_dossier *dossier, const struct tact_claim *claim);
/* The latest: a message that is decided again after its claim was withdrawn has a newer one. */
struct tact_claim *tact_dossier_find_claim_of_contact(
    struct tact_dossier *dossier, const struct tact_id *contact_id);
struct tact_suppression *tact_dossier_find_suppression(
    struct tact_dossier *dossier, const struct tact_id *id);
/* A count of 0 becomes 1. */
void tact_dossier_add_contact(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_contact *contact);
void tact_dossier_add_suppression(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_suppression *suppression);
void tact_dossier_add_consent(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_consent *consent);
/* False when TACT_DOSSIER_CLAIMS_MAX are waiting already; a claim that neither waits nor is in review always
 * finds room. */
bool tact_dossier_add_claim(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_claim *claim);
void tact_dossier_remove_contact(struct tact_dossier *dossier, const struct tact_id *id);
/* Was the contact of this id told of, and is part of the history still? Also once it is folded. Never of
 * none, nor of mail that was decided here: its retries end long before. */
bool tact_dossier_was_told(const struct tact_dossier *dossier, const struct tact_id *id);
/* Beside adding it. Nothing happens for a contact without an id. */
void tact_dossier_note_told(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_contact *contact);
/* Adds OTHER's marks; answers whether any was new. */
bool tact_dossier_merge_told(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_dossier *other);
/* The earlier of the two beginnings that are known; answers whether it is OTHER's now. */
bool tact_dossier_merge_history(struct tact_dossier *dossier, const struct tact_dossier *other);

/* Housekeeping, done at each write and by the sweep: contacts older than 35 days of the same day (UTC) and
 * the same facts fold into one with span a day; contacts older than history_s go, with their marks; claims
 * that are done go a week after done_us or not_after_us, whichever is later, planned ones that nobody took a
 * day after not_after_us, all others 30 days after it, when no queue holds their mail any more; suppressions
 * never go (ended ones a history after their end), nor do consents, not even ended ones: an import must find
 * that they were. Answers whether anything changed. */
bool tact_dossier_tidy(
    struct tact_arena *arena, struct tact_dossier *dossier, int64_t now_us, int64_t history_s);

/* ---- reviews: what a reviewer is shown of a quarantined message or campaign; ends with the review ------ */

enum tact_review_state { TACT_REVIEW_HELD, TACT_REVIEW_RELEASED, TACT_REVIEW_DISCARDED, TACT_REVIEW_STATES };
const char *tact_dossier_review_state_name(enum tact_review_state state);
struct tact_review {
	struct tact_id id;
	enum tact_review_state state;
	/* the last three empty once the review ended */
	const char *stream, *owner, *campaign, *sender, *subject, *excerpt;
	const char *why;   /* the rule's words */
	const char *relay; /* whose Postfix keeps the mail */
	const char **rings;
	size_t rings_count;
	int64_t made_us, done_us;
	const char *by, *note; /* who ended it, and why */
	/* of those whom a rule of who may be written to at all holds, whatever the message says: a review of
	 * its own, that lets go whom it held and nobody who comes after. Held again for those, it keeps who
	 * released it last, and when. */
	bool about_people;
	struct tact_unknown unknown;
};
/* As tact_dossier_decode and tact_dossier_encode; src/dossier/review.proto. size 0 is TACT_ABSENT. Of a
 * review that ended, sender, subject and excerpt are not written. */
int tact_dossier_decode_review(struct tact_arena *arena, const void *bytes, size_t size,
    struct tact_review *ret, struct tact_error *err);
void tact_dossier_encode_review(
    struct tact_arena *arena, const struct tact_review *review, const void **ret_bytes, size_t *ret_size);

/* ---- campaigns: what is known of one, and how it fares ------------------------------------------------- */

enum tact_campaign_state {
	TACT_CAMPAIGN_PLANNED, /* its claims hold their places; none of its mail has passed */
	TACT_CAMPAIGN_RUNNING, /* the same, once its mail passes */
	TACT_CAMPAIGN_PAUSED,  /* its mail waits, its claims hold nothing */
	TACT_CAMPAIGN_CANCELLED,
	TACT_CAMPAIGN_DONE, /* its claims hold nothing; what still comes of it is mail like any other */
	TACT_CAMPAIGN_STATES
};
const char *tact_dossier_campaign_state_name(enum tact_campaign_state state);

/* What came of a campaign's mail. */
struct tact_campaign_health {
	int64_t sent; /* contacts written */
	int64_t complaints, unsubscribes, bounces;
};

struct tact_campaign {
	const char *name; /* as first written; compared without ASCII case everywhere */
	enum tact_campaign_state state;
	/* of the plan; "" and 0 for a campaign that was never planned */
	const char *stream, *owner, *brand, *offer;
	int priority;
	int64_t planned_us, not_after_us;
	int64_t recipients; /* claims made */
	int64_t made_us, changed_us;
	const char *by, *why; /* who changed it last, and what for */
	/* Stopped by this breaker, and the words it said; "" and 0 when not. */
	const char *tripped_by, *tripped_why;
	int64_t tripped_us;
	/* When it was let go on, 0 for never. Hours that began before that hour do not count for a breaker,
	 * and of that hour itself not what had been counted by then. */
	int64_t resumed_us;
	struct tact_campaign_health resumed_at;
	struct tact_unknown unknown;
};

/* One hour of one writer. */
struct tact_campaign_hour {
	int64_t hour; /* since 1970: time_us / 3600 000 000 */
	struct tact_campaign_health health;
};
/* What one process of one relay counted: a record of its own, so that nobody overwrites another's. */
struct tact_campaign_count {
	const char *name;		  /* of the campaign */
	const char *writer;		  /* "relay1/gate" */
	struct tact_campaign_hour *hours; /* ascending, each once */
	size_t hours_count;
	struct tact_unknown unknown;
};
#define TACT_CAMPAIGN_HOURS_MAX 2160 /* 90 days; earlier ones are folded into the first */

/* A record of the kind is one of the two. */
struct tact_campaign_record {
	bool counts;
	struct tact_campaign campaign;	  /* unless counts */
	struct tact_campaign_count count; /* with counts */
};
/* The id under which a campaign's record stands, and one writer's counts. */
struct tact_id tact_dossier_campaign_id(const char *name);
struct tact_id tact_dossier_campaign_count_id(const char *name, const char *writer);
/* The id of the claim by which a campaign waits for the person under KEY. */
struct tact_id tact_dossier_planned_id(const char *name, const struct tact_id *key);
/* As tact_dossier_decode and tact_dossier_encode; src/dossier/campaign.proto. size 0 is TACT_ABSENT. */
int tact_dossier_decode_campaign(struct tact_arena *arena, const void *bytes, size_t size,
    struct tact_campaign_record *ret, struct tact_error *err);
void tact_dossier_encode_campaign(struct tact_arena *arena, const struct tact_campaign_record *record,
    const void **ret_bytes, size_t *ret_size);
/* Adds what HEALTH says to the hour; the array stays sorted, and no longer than TACT_CAMPAIGN_HOURS_MAX. */
void tact_dossier_add_hour(struct tact_arena *arena, struct tact_campaign_hour **hours, size_t *count,
    int64_t hour, const struct tact_campaign_health *health);

#endif
