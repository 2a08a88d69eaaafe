/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files of the decide room share with each other and with nobody else.
 */
#ifndef TACT_DECIDE_PRIVATE_H
#define TACT_DECIDE_PRIVATE_H

#include <tact/decide.h>

struct campaigns; /* what is known of campaigns: campaigns.c */
struct health;	  /* what came of them, counted: health.c */
struct volume;	  /* personal mail per sender and subject today: volume.c */

struct tact_decider {
	struct tact_decider_parts parts;
	struct rules_hold *current;
	struct volume *volume;
	struct campaigns *campaigns;
	struct health *health;
};

/* ---- whom.c: which records make up a person ---- */

struct whom {
	struct tact_recipient recipient;
	struct tact_id key;    /* where the dossier is written, aliases followed */
	struct tact_id *asked; /* the person's other keys: earlier ones, and both ends of aliases */
	size_t asked_count;
	struct tact_dossier others; /* what stands under them, merged */
	bool has_others;
	bool wants_own,
	    has_own; /* asked for: what stands under key is read along, unless an alias leads there */
	struct tact_record own;
	int result; /* TACT_OK, or why this person cannot be looked up */
};
/* Follows aliases and reads the other keys' dossiers of every whom whose result is TACT_OK. */
void whom_resolve(struct tact_decider *decider, struct tact_arena *arena, struct whom *whoms, size_t count,
    int64_t deadline_ms);
/* Was the recipient found to stand for another? */
bool whom_is_alias(const struct whom *whom);
/* Looks once more whom those stand for who were found to stand for another: result is TACT_UNAVAILABLE where
 * it is not the same any more, or as the store answered. */
void whom_check(struct tact_decider *decider, struct tact_arena *arena, struct whom *whoms, size_t count,
    int64_t deadline_ms);
/* One record, whoever it is about. TACT_OK or as the store answered. */
int whom_read(struct tact_decider *decider, struct tact_arena *arena, const struct tact_id *key,
    struct tact_dossier *ret, int64_t deadline_ms);
/* Under which of the person's other keys a claim stands that their own record does not have: it was made
 * before the key file was rotated, or before the address became an alias. TACT_OK, TACT_ABSENT, or as the
 * store answered. */
int whom_find_claim(struct tact_decider *decider, struct tact_arena *arena, const struct whom *whom,
    const struct tact_id *claim, int64_t deadline_ms, struct tact_id *ret);
/* KEY, one of the other keys, becomes the one that is written; the own one is only read then. */
void whom_write_to(struct tact_decider *decider, struct tact_arena *arena, struct whom *whom,
    const struct tact_id *key, int64_t deadline_ms);
/* The person as one: own dossier plus others. Returns own itself when there are no others. */
const struct tact_dossier *whom_view(
    struct tact_arena *arena, const struct whom *whom, const struct tact_dossier *own);

/* ---- record.c: a dossier on its way into the store ---- */

/* What every written dossier gets: a person key, a beginning of history, tidying, its wake time; then its
 * bytes. whom may be NULL. */
struct record_terms {
	const struct tact_rule_set *rules;
	const struct tact_campaigns *campaigns; /* NULL: not known */
	const char *host;
	int64_t now_us;
};
void record_finish(struct tact_arena *arena, const struct record_terms *terms, const struct whom *whom,
    struct tact_dossier *dossier, struct tact_store_put *ret);
/* Where the waiting claims stand before a change, and afterwards: what is moved to a later place by mail of
 * higher priority than its own was bumped, and becomes firm when its stream says so. */
struct record_places {
	struct tact_id *claims;
	int64_t *places;
	size_t count;
};
void record_note_places(struct tact_arena *arena, const struct record_terms *terms,
    const struct tact_dossier *dossier, struct record_places *ret);
void record_count_bumps(struct tact_arena *arena, const struct record_terms *terms,
    const struct record_places *before, int priority, struct tact_dossier *dossier);
/* Claims that wait at the client and lapsed become withdrawn: nobody rings for them, and nobody else would.
 */
void record_withdraw_lapsed(
    struct tact_arena *arena, const struct record_terms *terms, struct tact_dossier *dossier);
/* Planned claims of campaigns that were cancelled or are done become withdrawn, as of then. Answers whether
 * there were any. */
bool record_withdraw_given_up(const struct record_terms *terms, struct tact_dossier *dossier);
/* When the bell should look at the dossier: the least place of a claim on a ring; 0 for never. */
int64_t record_wake_us(
    struct tact_arena *arena, const struct record_terms *terms, const struct tact_dossier *dossier);

/* ---- question.c: one person, one message, asked ---- */

struct candidate {
	const struct tact_rule_set *rules;
	const struct tact_stream *stream;
	const struct tact_facts *facts;
	const struct tact_dossier *view;
	struct tact_id contact_id, claim_id;
	int64_t contact_from_us, now_us, made_us, not_after_us;
	int64_t rank_us; /* of the planned claim that the mail took; 0: none */
	const struct tact_campaigns *campaigns;
	int64_t cleared_us; /* when a reviewer let it go to this person; 0: none did */
	bool released, no_waiting, automatic;
	const struct tact_contents *contents;
	bool no_message;
};
void candidate_ask(struct tact_arena *arena, const struct candidate *candidate, struct tact_opinion *ret);
/* PASS, GATE, REVIEW or REFUSE for an opinion under these rules. */
enum tact_fate fate_of(const struct tact_rule_set *rules, const struct tact_opinion *opinion);
/* What a waiting claim says it waits for: the rule, without the time, which may change. */
const char *waiting_for(struct tact_arena *arena, const struct tact_opinion *opinion);
struct tact_contact contact_of(const struct tact_facts *facts, const struct tact_id *id, int64_t now_us);

/* ---- ring.c ---- */

#define RINGS_MAX 8 /* most slots one message is spread over: DESIGN §3 */
struct rings {
	int64_t slots[RINGS_MAX];
	size_t count;
};
/* The label for a claim whose place is place_us. */
const char *ring_choose(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_ledger *ledger, struct rings *rings, int64_t place_us);
int64_t ring_slot(const char *label); /* -1: no slot */
/* The label of those whose address is nobody's: no claim is kept, and the gate refuses them at once. */
#define RING_NO_ADDRESS "no-address"

/* ---- evidence.c ---- */

void evidence_rules(
    struct tact_arena *arena, const struct tact_opinion *opinion, struct tact_audit_entry *entry);
/* Adds who let go what a rule would have held, which the rules alone do not explain. WORDS are those of
 * review_words, or NULL. */
void evidence_released(struct tact_arena *arena, const struct tact_opinion *opinion, const char *words,
    struct tact_audit_entry *entry);
void evidence_facts(const struct tact_facts *facts, struct tact_audit_entry *entry);
void evidence_message(const struct tact_message *message, struct tact_audit_entry *entry);
/* pseudonym, person key and recipient domain, copied into the arena. */
void evidence_person(struct tact_arena *arena, const uint8_t *person_key, const struct tact_id *key,
    const char *domain, struct tact_audit_entry *entry);
void evidence_common(const struct tact_rule_set *rules, enum tact_audit_kind kind, const char *phase,
    struct tact_audit_entry *entry);
int evidence_append(struct tact_decider *decider, const struct tact_audit_entry *entries, size_t count,
    int64_t now_us, struct tact_error *err);

/* ---- recovery.c: wishes sealed for a store that forgot them ---- */

/* A backup must be restored and recovered within so many days of its making by what follows: the store keeps
 * the key as it was so long ago, and what was sealed before that nobody opens any more. */
#define RECOVERY_KEPT_DAYS 35
int64_t recovery_day(int64_t time_us);
int64_t recovery_time_us(int64_t day); /* at which the day begins */
int recovery_parse(const char *text, struct tact_identity *ret, struct tact_error *err);
const char *recovery_print(struct tact_arena *arena, const struct tact_identity *identity);
/* Makes the key that of a later day; there is no way back. */
void recovery_age(struct tact_identity *identity, int64_t day);
struct recovery_part {
	const void *dossier; /* encoded: suppressions, consents and profile alone */
	size_t size;
};
/* What a change left of a person's wishes, and where it stands. */
struct recovery_wishes {
	struct tact_id key;   /* of the dossier */
	struct tact_id alias; /* which stands for key since; with ends, for itself again; none: no alias */
	bool ends;
	uint64_t version; /* of the record that was written */
	/* more than one where they are too long for an entry; none has them all then */
	struct recovery_part *parts;
	size_t parts_count;
};
/* Encodes what of DOSSIER are wishes. */
void recovery_encode(
    struct tact_arena *arena, const struct tact_dossier *dossier, struct recovery_wishes *ret);
/* Into the recover field of the last of ENTRIES, which is else complete; what finds no room there into
 * further entries behind it. Without a key nothing is sealed. */
void recovery_seal(struct tact_arena *arena, const struct tact_identity *identity,
    const struct recovery_wishes *wishes, int64_t now_us, struct tact_audit_entry **entries, size_t *count);
/* TACT_OK, TACT_ABSENT (of a day before the store's key), TACT_CORRUPT (another store's, or damaged). */
int recovery_open(struct tact_arena *arena, const struct tact_identity *identity, const char *sealed,
    struct recovery_wishes *ret, struct recovery_part *ret_part);

/* identity.c: moves the store's key on, as the sweep does each night. TACT_OK, or as the store answered. */
int identity_age_recovery(struct tact_store *store, int64_t now_us, struct tact_error *err);

/* ---- content.c ---- */

struct content_reading {
	const struct tact_contents *contents; /* NULL: no rule looks into messages */
	const char *excerpt;		      /* decoded, UTF-8; NULL: nothing was read */
};
/* For the rules that concern mail of these facts (NULL: all of them). body may be longer than content_max. */
void content_read(struct tact_arena *arena, const struct tact_rule_set *rules, const struct tact_facts *facts,
    const struct tact_message *message, const struct tact_body *body, struct content_reading *ret);

/* ---- reviews.c ---- */

/* Of the message or campaign; about_people: of those whom rules about people hold of it. */
struct tact_id review_id(
    const struct tact_facts *facts, const struct tact_message *message, bool about_people);
/* Which of the two holds what this opinion quarantines? */
bool review_is_about_people(const struct tact_opinion *opinion);
/* HELD for one that does not exist yet. TACT_OK or as the store answered. */
int review_read(struct tact_decider *decider, struct tact_arena *arena, const struct tact_id *id,
    struct tact_review *ret, bool *ret_exists, int64_t deadline_ms);
/* When did the review of those whom rules about people hold let this claim go? 0: not since it holds it. */
int64_t review_cleared_us(const struct tact_review *review, const struct tact_claim *claim);
/* From now on this review holds the claim, if it does not already. CLEARED_US: it had let it go then, or 0.
 */
void review_bind(struct tact_claim *claim, struct tact_id review, int64_t cleared_us, int64_t now_us);
/* Makes the review or adds RINGS to it; writes only when something is new. One about people that was released
 * is held again, for those who come after. */
struct review_ask {
	struct tact_id id;
	bool about_people;
	const struct tact_facts *facts;
	const struct tact_message *message;
	const char *excerpt, *why;
	const char *rings[RINGS_MAX];
	size_t rings_count;
	int64_t now_us, deadline_ms;
};
/* Who let it go or did not, and why: "released by eve: fine". For sealed text, as the note may name people.
 * NULL while it is held. */
const char *review_words(struct tact_arena *arena, const struct tact_review *review);
int review_hold(struct tact_decider *decider, struct tact_arena *arena, const struct review_ask *ask);

/* ---- campaigns.c ---- */

struct campaigns *campaigns_new(void);
void campaigns_free(struct campaigns **campaigns);
/* As tact_decider_take_campaigns, but a store that stalls is waited for neither beyond the deadline nor
 * longer than a second. */
const struct tact_campaigns *campaigns_take(
    struct tact_decider *decider, int64_t deadline_ms, struct tact_error *err);
/* Why it is not known whether mail of these facts may go on as far as its campaign is concerned: it is
 * undecided then. NULL: it is known, or there is no campaign. And the words of it for the log. */
const char *campaigns_doubt(const struct tact_rule_set *rules, const struct tact_campaigns *campaigns,
    const struct tact_facts *facts);
void campaigns_say_doubt(
    struct tact_arena *arena, const char *campaign, const char *doubt, struct tact_error *err);
/* Remembers campaigns that this opinion stopped, to be written down. */
void campaigns_note(struct tact_decider *decider, const struct tact_rule_set *rules,
    const struct tact_campaigns *known, const struct tact_facts *facts, const struct tact_opinion *opinion,
    int64_t now_us);

/* ---- health.c ---- */

struct health *health_new(void);
void health_free(struct health **health);
enum health_count { HEALTH_SENT, HEALTH_COMPLAINT, HEALTH_UNSUBSCRIBE, HEALTH_BOUNCE };
/* One more for the campaign ("" and NULL: none). */
void health_count(struct tact_decider *decider, const char *campaign, enum health_count what, int64_t now_us);
/* False for reasons that tell nothing of a campaign. */
bool health_of_reason(enum tact_reason reason, enum health_count *ret);

/* ---- volume.c ---- */

struct volume *volume_new(void);
void volume_free(struct volume **volume);
/* How many recipients mail of this sender (by envelope or by From, whichever has more) and subject has on the
 * UTC day of now_us, these ones included; what was offered before counts once. Remembers them when NOTE. */
int64_t volume_of(struct volume *volume, const struct tact_message *message, const struct tact_asked *asked,
    size_t count, bool note, int64_t now_us);

/* ---- shared words ---- */

bool can_quarantine(const struct tact_rule_set *rules);
bool can_hold_people(const struct tact_rule_set *rules); /* one of the rules about people */
/* Code and text for a recipient that could not be decided. */
#define CLOCK_WORDS "this relay's clock differs from the policy store's, try again later"
void undecided_words(int result, const char **ret_code, const char **ret_text);
int worst(int a, int b);

#endif
