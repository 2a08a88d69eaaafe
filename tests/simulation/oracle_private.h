/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the oracle keeps of a person, and its arithmetic of windows.
 */
#ifndef SIMULATION_ORACLE_PRIVATE_H
#define SIMULATION_ORACLE_PRIVATE_H

#include "oracle.h"

#define LAPSE_US HOUR_US
/* until everybody knows of a deed */
#define KNOWN_LATE_US (33 * SECOND_US)
#define FOLDED_US (34 * DAY_US) /* older contacts may be known by their day only */

/* Who goes first: what is firm, then the higher priority, then the earlier made. */
struct rank {
	bool firm;
	int priority;
	int64_t made_us;
};

/* Something that counts, or may. A mail and its retry are one. */
struct touch {
	int mail; /* −1: typed in */
	int64_t time_us;
	uint64_t sequence;
	struct facts_spec facts;
	bool delivered, gone; /* neither: only possible */
	bool open;	      /* tact is being asked at this moment */
	/* Not 0: tact may count it from here on, had it known that nobody heard the answer before. */
	int64_t late_us;
	unsigned char claim[16];
	bool by_claim;
	struct rank best; /* it may have had when it was let pass */
};

struct waiting {
	unsigned char id[16];
	int mail;
	struct facts_spec facts;
	int64_t made_us, not_after_us, until_us;
	int begun;	    /* 1 + the touch of a question that is open */
	int64_t renewed_us; /* it may have been refused and be made anew since; 0: no */
	bool sure, over, refused, lost;
	bool stale; /* what it was told need not hold any more */
	/* a campaign's, for mail that is still to come; tried for the last time then */
	bool planned;
	int64_t planned_us, made_last_us;
	/* of mail that took such a claim, perhaps or surely: it ranks as that one */
	enum took { TOOK_NOTHING, TOOK_PERHAPS, TOOK_SURELY } took;
	int took_priority;
	int64_t took_made_us, took_made_last_us;
	int64_t held_us;	   /* its client was told last that it waits */
	int64_t took_not_after_us; /* it ends with that one, if that is sooner; 0: it took none */
	int decisions;		   /* of the person, when it was made */
	int firm_after;
	/* Since it was told its place: how often mail of higher priority came; did anything else happen? */
	int stirs;
	bool stirred, pushed; /* pushed: by mail that no limit makes give way */
	int bumps;	      /* it was surely moved so often */
};

struct deed {
	enum course course;
	int64_t begun_us, ended_us, sure_us; /* 0: not yet */
	uint64_t sequence;
	bool nothing;
};
/* One that is counted: sent, or come back. */
struct mark {
	int what; /* enum back, or BACKS: sent */
	int64_t time_us;
	bool sure, nothing;
};
struct campaign {
	struct deed *deeds;
	int deeds_count;
	struct mark *marks;
	int marks_count;
	bool stopped; /* a breaker may have stopped it, and nobody let it go on since */
};

struct wish {
	struct wish_spec spec;
	uint64_t sequence, over_sequence;
	bool sure, over, perhaps_over;
	int64_t over_us;
};

struct permission {
	struct consent_spec spec;
	uint64_t sequence, over_sequence;
	bool sure, over, perhaps_over;
	int64_t over_us;
};

struct profile {
	struct profile_spec spec;
	uint64_t sequence, until_sequence; /* in force between; 0: nobody knows whether it was written */
	bool sure;
};

struct person {
	/* He is somebody else as well: what was kept here was added to what was kept there, after so many. */
	bool joined;
	int whose, touches_before, wishes_before, permissions_before;
	uint64_t joined_sequence;
	bool blurred;		/* tact may take others' contacts and claims for his */
	bool unclear;		/* and others' profile and permissions */
	bool known;		/* tact surely wrote something of him */
	int64_t known_since_us; /* the latest time of what it may have written first */
	int decisions;		/* that tact was asked for */
	struct touch *touches;
	int touches_count;
	struct waiting *claims;
	int claims_count;
	struct wish *wishes;
	int wishes_count;
	struct permission *permissions;
	int permissions_count;
	struct profile *profiles;
	int profiles_count;
};

struct oracle {
	struct person *people;
	int people_count;
	struct campaign campaigns[CAMPAIGNS];
	int64_t deed_us; /* the latest deed */
	char *complaint;
	struct oracle_figures figures;
};

/* ---- oracle.c ---- */

/* Does the rule act on the mail, as far as kinds and lists go? */
bool oracle_is_asked(const struct rule_spec *rule, const struct asked *asked);
bool oracle_has_occasion(const struct asked *asked);
/* Where the mail would stand with nobody else waiting. */
int64_t oracle_expected_place_us(const struct person *person, const struct asked *asked);
/* The person, and where what stood at *INDEX of his stands by now. */
struct person *oracle_find_person(struct oracle *oracle, int number, int *index, size_t before);
#define FIND_PERSON(oracle, number, index, kind)                                                             \
	oracle_find_person((oracle), (number), (index), offsetof(struct person, kind##_before))
/* Room for one more at the end. */
void *oracle_grow(void *items, int *count, size_t size);

/* ---- people.c ---- */

const struct wish *oracle_covering(const struct person *person, const struct asked *asked, bool surely);
bool oracle_profile_may_be(const struct profile *profile, const struct asked *asked);
/* Does a rule about people (consent, quiet hours, occasion, territory) hold the mail back? */
bool oracle_people_rule(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, bool surely);
/* The first time from T on that is not quiet, as far as anybody may ask. */
int64_t oracle_quiet_until(
    const struct person *person, const struct rule_spec *rule, struct asked asked, int64_t t_us);

/* ---- limits.c ---- */

/* Is it against the limit that the mail goes? surely: counting what was handed over and known by then,
 * whatever else may have been; skip: its own contact, or -1. */
bool oracle_limit_surely(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, int skip);
bool oracle_limit_perhaps(
    const struct oracle *oracle, const struct rule_spec *rule, const struct asked *asked);
/* The sum in the window that ends then, of what was handed over. */
int64_t oracle_sum(const struct person *person, const struct rule_spec *rule, const struct facts_spec *facts,
    uint64_t sequence, int64_t end_us, int skip);
/* Least time from T on at which there is room, nothing happening after now; NEVER_US. */
int64_t oracle_limit_room(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, int64_t t_us);
struct waiting *oracle_find_claim(const struct person *person, const unsigned char id[16]);
bool oracle_becomes_claims(const struct touch *touch, const struct asked *asked, int64_t made_us);
/* tact wrote something of the person: perhaps, or surely. In the order of the store. */
void oracle_perhaps_wrote(struct person *person, int64_t now_us);
void oracle_wrote(struct person *person, int64_t now_us);

/* ---- ranks.c ---- */

/* When the claim that is asked about was made, or its client came for the last time; now for one that is new.
 */
int64_t oracle_made_us(const struct person *person, const struct asked *asked);
/* The best or worst rank that it may have. */
struct rank oracle_claim_rank(const struct person *person, const struct waiting *claim, bool best);
struct rank oracle_asked_rank(const struct oracle *oracle, const struct asked *asked, bool best);
bool oracle_may_be_firm(const struct oracle *oracle, const struct asked *asked);
bool oracle_is_firm(const struct waiting *claim);
/* ties: also when nothing tells them apart. */
bool oracle_goes_before(struct rank a, struct rank b, bool ties);
/* The claim that a campaign made for the person and that this mail takes, or NULL; surely? */
struct waiting *oracle_find_planned(const struct oracle *oracle, const struct asked *asked, bool *ret_surely);

/* ---- courses.c ---- */

/* May tact think so of the campaign (-1: none), whose knowledge may be stale? */
bool oracle_course_may_be(
    const struct oracle *oracle, int campaign, enum course course, const struct asked *asked);
bool oracle_course_is(
    const struct oracle *oracle, int campaign, enum course course, const struct asked *asked);
/* Mail of the campaign was sent. */
void oracle_sent(struct oracle *oracle, int campaign, int64_t now_us, bool sure);
/* Asked about now, it may stop its campaign. */
void oracle_judge_rates(struct oracle *oracle, const struct asked *asked);
bool oracle_is_alive(const struct waiting *claim, int64_t now_us);
/* Does a campaign's claim surely stand and hold its place? */
bool oracle_surely_holds(const struct oracle *oracle, const struct waiting *claim, const struct asked *asked);
/* What was let pass, as CONTACT: was its campaign stopped, did it take a place that was planned? */
void oracle_check_course(struct oracle *oracle, const struct asked *asked);
void oracle_check_plans(struct oracle *oracle, const struct asked *asked, int contact);
/* The mail was decided: what its campaign claimed is its own now, or may be. known: it was asked about
 * before. */
void oracle_take_planned(struct oracle *oracle, const struct asked *asked, bool known);
/* May its claims have been given up for good by now? */
bool oracle_was_given_up(const struct oracle *oracle, int campaign, int64_t now_us);

/* ---- windows.c ---- */

/* What the clocks and calendars there say: weekday 0 is Monday, minute is of the day. */
struct clock {
	int year, month, day, weekday, minute;
};
void zone_clock(int zone, int64_t time_us, struct clock *ret);

bool rule_applies(const struct rule_spec *rule, const struct facts_spec *facts);
bool rule_abstains(const struct rule_spec *rule, const struct facts_spec *facts);
/* What one of these weighs in the rule, whoever asks; 0: it does not count. */
int64_t rule_weight(const struct rule_spec *rule, const struct facts_spec *facts);
/* Does OTHER count for a mail of MINE, as far as by and same go? */
bool rule_concerns(
    const struct rule_spec *rule, const struct facts_spec *mine, const struct facts_spec *other);
/* The calendar period that holds the time, as a number. */
int64_t period_number(enum period period, int zone, int64_t time_us);
/* The first instant of the next one. */
int64_t period_end_us(enum period period, int zone, int64_t time_us);
/* Is what happened at HAPPENED in the window that ends with a mail at TIME? perhaps: may tact think so, who
 * knows old contacts by their day only? */
bool rule_sees(const struct rule_spec *rule, int64_t happened_us, int64_t time_us, bool perhaps);

#endif
