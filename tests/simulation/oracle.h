/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The oracle: is told what was handed over to a person, what people wished and when they were told that it is
 * noted, and what tact answered; and says what was wrong with it. It includes nothing of tact, and knows of
 * calendars only what the C library knows.
 *
 * What it cannot know (an answer was lost, so tact may remember a contact that never was) it holds for
 * possible: never against tact when it lets a mail pass, always for tact when it holds one back.
 */
#ifndef SIMULATION_ORACLE_H
#define SIMULATION_ORACLE_H

#include "spec.h"

/* By a reviewer; perhaps, when nobody heard that it was noted. */
enum release { NOT_RELEASED, PERHAPS_RELEASED, RELEASED };
/* Of the message or campaign, and of those whom rules about people held of it. */
struct releases {
	enum release message, people;
};

/* One question that tact answered. */
struct asked {
	int person;
	int mail;	   /* the same for everything that looks the same to a retry */
	uint64_t sequence; /* of the update that decided; later ones it cannot know */
	int64_t now_us, not_after_us;
	const struct facts_spec *facts;
	const struct house_spec *house;
	const unsigned char *claim; /* 16 bytes at the gate; NULL at the milter */
	struct releases released;
	int64_t stale_us; /* what tact knows of campaigns may be so old */
	bool deaf;	  /* it may know nothing of them: then what was planned holds */
};

enum fate { FATE_DELAY, FATE_QUARANTINE, FATE_REJECT };

struct oracle;
struct oracle *oracle_new(int people);
void oracle_free(struct oracle **oracle);
/* NULL while nothing was wrong. */
const char *oracle_complaint(const struct oracle *oracle);
/* Something else was wrong. The first one stays. */
void oracle_complain(struct oracle *oracle, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* tact lets it pass: answers a number for oracle_delivered. */
int oracle_passed(struct oracle *oracle, const struct asked *asked);
/* It was handed over. */
void oracle_delivered(struct oracle *oracle, const struct asked *asked, int contact);
/* tact holds it back; a claim of this id waits when it delays (until_us is its place). */
void oracle_held(struct oracle *oracle, const struct asked *asked, enum fate fate, int64_t until_us,
    const unsigned char claim[16]);
/* Before tact is asked: from now on others may be told of this mail. Until oracle_settled the outcome is
 * open; for ever, when nobody learns it. */
int oracle_begun(struct oracle *oracle, const struct asked *asked);
void oracle_settled(struct oracle *oracle, int person, int begun);
void oracle_lost(struct oracle *oracle, int person, int begun); /* nobody will ever learn it */
/* Told at the gate, by a read, that it waits until then. */
void oracle_told(struct oracle *oracle, const struct asked *asked, int64_t until_us);
/* The claim is over, whatever came of it. */
void oracle_claim_over(struct oracle *oracle, int person, const unsigned char claim[16]);
/* The rules changed, or claims may have been given up: what was told before may be told otherwise now. */
void oracle_unsettle(struct oracle *oracle, int person); /* −1: everybody */

/* Two who were taken for two people turn out to be one: from now on tact may know it, then it surely does. Of
 * what was asked about before nothing is held against it. */
void oracle_joining(struct oracle *oracle, int person, int other);
void oracle_joined(
    struct oracle *oracle, int person, int other, int64_t now_us, uint64_t sequence, bool at_once);
/* Whose name is that by now? */
int oracle_whose(const struct oracle *oracle, int person);

/* What somebody tells tact: perhaps noted from here on, surely when it was acknowledged. */
int oracle_contact(struct oracle *oracle, int person, const struct facts_spec *facts, int64_t time_us);
void oracle_contact_sure(struct oracle *oracle, int person, int contact, int64_t now_us, uint64_t sequence);
int oracle_wish(struct oracle *oracle, int person, const struct wish_spec *wish);
void oracle_wish_sure(struct oracle *oracle, int person, int wish, uint64_t sequence);
/* All wishes of that scope end: perhaps, then surely. */
void oracle_wish_ends(struct oracle *oracle, int person, enum scope scope, int value);
void oracle_wish_over(
    struct oracle *oracle, int person, enum scope scope, int value, int64_t now_us, uint64_t sequence);

int oracle_consent(struct oracle *oracle, int person, const struct consent_spec *consent);
void oracle_consent_sure(struct oracle *oracle, int person, int which, uint64_t sequence);
void oracle_consent_ends(struct oracle *oracle, int person, enum scope scope, int value);
void oracle_consent_over(
    struct oracle *oracle, int person, enum scope scope, int value, int64_t now_us, uint64_t sequence);
int oracle_profile(struct oracle *oracle, int person, const struct profile_spec *profile);
void oracle_profile_sure(struct oracle *oracle, int person, int which, uint64_t sequence);

/* Somebody plans a campaign for the person: perhaps claimed from here on, surely when it was acknowledged.
 * Again is the same. */
void oracle_plan(struct oracle *oracle, int person, const struct plan_spec *plan, int64_t now_us);
void oracle_plan_sure(struct oracle *oracle, int person, int campaign);
/* Somebody pauses, resumes, cancels or ends a campaign: perhaps from here on. Then it is acknowledged (sure),
 * was refused (void), or nobody knows (ended). */
/* Somebody is counted against a campaign (-1: nobody knows which): perhaps from here on, then surely, or not
 * at all. */
int oracle_back(struct oracle *oracle, int campaign, enum back what, int64_t now_us);
void oracle_back_sure(struct oracle *oracle, int campaign, int back);
void oracle_back_void(struct oracle *oracle, int campaign, int back);
/* A relay died: what was counted since then may not have been written. */
void oracle_uncounted(struct oracle *oracle, int64_t since_us);
int oracle_deed(struct oracle *oracle, int campaign, enum course course, int64_t now_us);
void oracle_deed_sure(struct oracle *oracle, int campaign, int deed, int64_t now_us, uint64_t sequence);
void oracle_deed_void(struct oracle *oracle, int campaign, int deed);
void oracle_deed_ended(struct oracle *oracle, int campaign, int deed, int64_t now_us);

struct oracle_figures {
	uint64_t delivered, people, windows, exact, arbitrated, justified, planned, stopped, firm, ahead,
	    rates, joined;
};
struct oracle_figures oracle_figures(const struct oracle *oracle);

#endif
