/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One message at the milter on its way through the pipeline: prepared in prepare.c, changed in
 * change_message.c, answered in message.c.
 */
#ifndef TACT_DECIDE_WORK_H
#define TACT_DECIDE_WORK_H

#include "private.h"

/* What the change function found out about one person, besides the ruling. */
struct person_result {
	int result;
	bool has_person_key;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
	struct tact_id previous; /* decision that made the claim found again */
	uint64_t version_seen, version_written;
	/* an own permission for a list, campaign or offer: only the header tells whether the mail is of it */
	bool header_may_lift;
	int waiting_change; /* of the recipients that wait on a ring: goes to the ledger */
	const char *ring;   /* the one it is about */
	bool took;	    /* the claim that a campaign had planned for this mail */
	bool sent;	    /* a contact was written that was not there before */
	int64_t contact_us; /* of a contact that its claim takes along; 0: none */
};

/* One message being decided. people[i] is a distinct person; ruling_of[i] the first ruling that is about
 * them. */
struct work {
	struct tact_decider *decider;
	struct tact_arena *arena;
	const struct tact_decide_request *request;
	const struct tact_rule_set *rules;
	struct record_terms terms;
	struct tact_match match;
	struct tact_facts facts;
	bool automatic, no_waiting, recording;
	bool no_message;   /* at RCPT */
	const char *doubt; /* why nothing is decided, as far as the campaign is concerned; or NULL */
	struct content_reading reading;
	bool released;			  /* the message's review was released: what it held passes */
	struct tact_review people_review; /* of those whom rules about people hold; HELD if there is none */
	const char *reviewed;		  /* who released it, and why; or NULL */
	struct tact_ruling *rulings;
	struct whom *people;
	size_t *ruling_of;
	size_t people_count;
	struct rings rings;
	struct person_result *results;
	/* What the threads of store and evidence leave for the message's own. */
	struct tact_store_answer *answers;
	bool answered;		      /* the answers were taken */
	struct tact_store_turn *turn; /* handed over to the evidence, which said APPENDED */
	int appended;
	struct tact_error *err;
};

/* ---- prepare.c: everything before the first question ---- */

/* Stream and facts of the complete message. */
void work_gather(struct work *work);
/* After that: rulings and people; whoever cannot be looked up is left undecided and off the list. */
void work_prepare(struct work *work);
/* The same for the one recipient known at RCPT, where the match is made already. */
void work_prepare_rcpt(struct work *work);

/* ---- apply.c: the question and the change, inside the store's update ---- */

/* Asks about one person; the ruling gets opinion, fate and words. */
void work_consider(struct work *work, size_t person, struct tact_dossier *dossier);
/* A tact_store_change_fn over struct work. */
bool work_change(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret);
/* Under which this message left a contact or claim before: it may have been asked about under another of the
 * person's keys. Else that of the key which is written. */
struct tact_id work_contact_id(
    const struct work *work, const struct whom *whom, struct tact_dossier *dossier);
/* The contact this message left before, if a retry is what it is; NULL when there is none. */
struct tact_contact *work_find_contact(
    const struct work *work, struct tact_dossier *dossier, const struct tact_id *id);
/* FRESH is added unless the contact is KNOWN already. */
void work_remember(const struct work *work, struct tact_dossier *dossier, struct tact_contact *known,
    const struct tact_contact *fresh);
void leave_undecided(struct tact_ruling *ruling, int result, const char *code, const char *text);

/* ---- inbound.c: mail that comes in ---- */

/* After work_gather, for a stream whose direction is in: fills the rulings, and when recording writes contact
 * and evidence. */
void inbound_decide(struct work *work, struct tact_error *err);

#endif
