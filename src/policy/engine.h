/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files of this room share: the book of what counts, one asker's seats at the rules, the table of
 * kinds. Nothing here is for other rooms; tact/policy.h is.
 *
 * Everything lives in the caller's arena for the length of one question. Instants in µs.
 */
#ifndef POLICY_ENGINE_H
#define POLICY_ENGINE_H

#include <tact/policy.h>

#define POLICY_SECOND_US INT64_C(1000000)
#define POLICY_NEVER INT64_MAX

/* Never wraps: times and lengths may come from a damaged or a malicious record. */
static inline int64_t policy_add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

/* Rounds down, also below 0. */
static inline int64_t policy_floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static inline int64_t policy_seconds(int64_t seconds)
{
	return seconds > INT64_MAX / POLICY_SECOND_US ? INT64_MAX : seconds * POLICY_SECOND_US;
}

/* ---- the book: what counts, sorted, with its names made numbers --------------------------------- */

enum policy_name { NAME_STREAM, NAME_OWNER, NAME_BRAND, NAME_CAMPAIGN, NAME_OFFER, NAME_LIST, NAMES };

/* One contact, or one claim in its place. */
struct entry {
	int64_t time_us;  /* the last moment at which it may have happened: it leaves a sliding window late */
	int64_t first_us; /* the first */
	int64_t count;
	const struct tact_id *id;
	const char *holder;
	const struct tact_facts *facts; /* of a claim; NULL of a contact */
	uint8_t purpose, channel;
	uint8_t way; /* its direction and sentiment as one number: policy_way */
	bool claim;
	uint32_t names[NAMES]; /* equal numbers, equal names; 0 where no rule reads them */
};

/* Three sentiments to a direction; 0 is what every mail of ours is: out, and neutral. */
static inline unsigned policy_way(unsigned direction, unsigned sentiment)
{
	return direction * 3 + sentiment;
}

/* A positive contact: an answer. */
struct response {
	int64_t first_us, time_us; /* as of struct entry */
};

/* The names met under one heading. */
struct name_table {
	struct known_name {
		const char *text;
		uint32_t digest;
	} * known;
	size_t count;
};

/* What one limit counts, whoever asks. */
struct shelf {
	bool ready;
	const struct tact_limit *limit; /* the rule's, or what the recipient asked for */
	const char *abstains;		/* why it has nothing to say to anybody, or NULL */
	bool unreadable;		/* what the recipient asked for cannot be read */
	const struct entry *
	    *contacts; /* sorted by time; those that are long past anybody's question are left out */
	size_t contacts_count;
	int64_t sum_milli;		   /* what all weigh together */
	unsigned purposes, ways, channels; /* bits of those that count and weigh something */
	bool lists;			   /* any of listed is there */
	const bool *listed[NAMES];	   /* by name number: in the limit's list; NULL when it has none */
	const struct entry **items;	   /* room for one asker's window, filled from the end */
	size_t items_room;
};

/* A calendar period found earlier in the same question. */
struct period {
	const struct tact_zone *zone;
	enum tact_period length;
	int64_t start_us;
	int64_t end_us;	  /* 0: not yet looked up */
	int64_t known_us; /* the latest time known to be in it */
};
#define POLICY_PERIODS 8

struct book {
	struct tact_arena *arena;
	const struct tact_rule_set *rules;
	const struct tact_dossier *dossier;
	const struct tact_campaigns *campaigns; /* NULL: not known */
	int64_t from_us;			/* nobody asks about an earlier time */
	struct entry *contacts;
	size_t contacts_count;
	bool wants_in, wants_answers; /* some limit counts what comes in; since an answer */
	struct response *answers;
	size_t answers_count;
	struct entry **claims; /* placed so far, sorted by place */
	size_t claims_count, claims_room;
	int64_t freed_us; /* when a claim that goes before whoever asks gave up its place last */
	struct name_table names[NAMES];
	uint8_t wanted[NAMES]; /* the names that some limit reads */
	size_t wanted_count;
	struct shelf *shelves; /* one for each rule */
	struct seat *seats;    /* of whoever asks at the moment */
	struct period periods[POLICY_PERIODS];
	size_t periods_next;
};

/* claims_room: how many claims may be placed. from_us: nobody will ask about an earlier time. */
void policy_book_open(struct book *book, struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_dossier *dossier, size_t claims_room, int64_t from_us);
/* Numbers of the names in FACTS. All askers and claims are named before the first window is gathered. */
void policy_book_name(struct book *book, const struct tact_facts *facts, uint32_t names[NAMES]);
/* Puts a claim into its place. */
void policy_book_place(struct book *book, const struct tact_facts *facts, const uint32_t names[NAMES],
    const struct tact_id *id, int64_t place_us);
/* The moment after which contacts count "since positive" at t_us: the latest answer there is then, at the
 * earliest it may have come; INT64_MIN without one. And the first answer later than t_us, or NEVER. */
int64_t policy_book_answered(const struct book *book, int64_t t_us);
int64_t policy_book_next_answer(const struct book *book, int64_t t_us);
bool policy_names_have(const struct tact_names *list, const char *name);

/* ---- the window engine -------------------------------------------------------------------------- */

/* One limit as one mail sees it. */
struct window {
	const struct tact_limit *limit;
	struct book *book;
	const struct entry *const *items; /* what counts for this mail, sorted by time */
	size_t count;
	int64_t own_milli; /* what the mail itself weighs; 0: it does not count */
	bool easy;	   /* everything together fits: satisfied at every time that was asked for */
	bool gathered;	   /* items are filled in */
	int64_t from_us;   /* they are those that matter to times from here on */
};

struct tally {
	int64_t count_milli; /* in the fullest window that the mail would stand in */
	bool satisfied;
	int64_t next_us; /* when not satisfied: no time before this one can be */
	const char *holder;
	const struct tact_facts *held_by; /* of the claim that is the holder, or NULL */
};

#define POLICY_WEIGHT_MAX INT64_C(1000000000)
/* Entries are of a known channel. */
static inline int64_t policy_window_weight(const struct tact_limit *limit, const struct entry *entry)
{
	int64_t weight = limit->weight_milli[entry->channel];

	return (weight > POLICY_WEIGHT_MAX ? POLICY_WEIGHT_MAX : weight) * entry->count;
}

/* The window must be gathered. */
void policy_window_tally(const struct window *window, int64_t t_us, struct tally *ret);
int64_t policy_window_earliest(const struct window *window, int64_t t_us);
/* Is what was satisfied at since_us satisfied at t_us, whatever was placed further ahead meanwhile? */
bool policy_window_holds(const struct window *window, int64_t since_us, int64_t t_us);
/* No item that ended before this can matter to a mail at t_us or later. */
int64_t policy_window_horizon(const struct book *book, const struct tact_limit *limit, int64_t t_us);
int64_t policy_window_length(const struct tact_limit *limit); /* of a sliding one, in µs */
/* Takes in another condition: satisfied only where both are. */
void policy_window_join(struct tally *tally, const struct tally *other);
/* The calendar's period that t_us is in, and its end. */
struct period *policy_window_period(const struct window *window, int64_t t_us);
int64_t policy_window_period_end(struct period *period);
/* May what an item stands for have happened in the period? T_US is in it. */
bool policy_window_is_in(const struct entry *entry, struct period *period, int64_t t_us);

/* rest.c: as policy_window_tally, of the rest alone. */
void policy_rest_tally(const struct window *window, int64_t t_us, struct tally *ret);
/* Did a contact later than since_us begin a rest that lasts at t_us? */
bool policy_rest_began(const struct window *window, int64_t since_us, int64_t t_us);

/* least.c: at_least. */
struct least {
	int64_t count_milli;
	bool satisfied;
	bool unknown; /* the history begins too late to tell */
};
void policy_least_tally(const struct window *window, int64_t t_us, struct least *ret);
int64_t policy_least_earliest(const struct window *window, int64_t t_us);

/* ---- one asker and the rules -------------------------------------------------------------------- */

/* One rule as one asker meets it. */
struct seat {
	bool applies;
	const char *abstains; /* why the rule has nothing to say, or NULL */
	bool unreadable;      /* what it is to say cannot be read: it is satisfied at no time */
	int64_t pushed_us;    /* the time from which this rule moved the place first; NEVER if it did not */
	struct window window; /* of a limit */
	bool stopped;	      /* of a breaker */
	const char *refuses;  /* why no time will ever do, or NULL */
	const struct tact_zone *zone; /* where the recipient is */
	int64_t day_us, day_end_us;   /* of an occasion: its day */
};

struct asker {
	struct book *book;
	const struct tact_facts *facts;
	const struct tact_id *contact;		   /* its own, or NULL */
	int64_t contact_from_us;		   /* but not one that is earlier */
	const struct tact_campaign_view *campaign; /* of the mail; NULL when nothing is known of one */
	bool asks;				   /* a mail; not a claim that is only put into its place */
	bool stopped; /* its campaign is stopped for now: it stands at its not_after */
	const struct tact_question *question; /* NULL: a waiting claim is asked about */
	uint32_t names[NAMES];
	struct seat *seats; /* one for each rule */
};

/* Adding a kind of rule is one file and one row. */
struct kind {
	const char *name;
	/* Is the mail asked about now also when it is asked about at its place? (Of those that know no time
	 * it makes no difference.) */
	bool now_too;
	/* The place that it gives is only the latest there is. */
	bool open_ended;
	/* Has the rule anything to do with such mail? May be NULL: it has. */
	bool (*concerns)(const struct tact_rule *rule, const struct tact_facts *facts);
	/* Does it say who may be written to at all, whatever the message says? */
	bool about_people;
	/* Would a time in the reply give away what is only the recipient's? */
	bool discreet;
	/* Makes the seat ready for questions at from_us and later. May be NULL. */
	void (*prepare)(struct asker *asker, size_t rule, int64_t from_us);
	/* Least time ≥ t_us at which the rule is satisfied, or NEVER. Idempotent, monotone. */
	int64_t (*earliest)(const struct asker *asker, size_t rule, int64_t t_us);
	/* Is it satisfied at t_us because it was at since_us, when the place was found? May be NULL: no. */
	bool (*holds)(const struct asker *asker, size_t rule, int64_t since_us, int64_t t_us);
	/* Fills fired, numbers, why and holder as things stand at t_us; the verdict too when it is not the
	 * rule's action. */
	void (*judge)(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret);
	/* First part of the reply. */
	const char *(*words)(const struct asker *asker, const struct tact_finding *finding, int64_t t_us);
};
extern const struct kind policy_kinds[TACT_RULE_KINDS];

/* Sits down at the rules: all of them, or only those that give places. The seats are the book's: one asker at
 * a time. */
void policy_sit(struct asker *asker, struct book *book, const struct tact_facts *facts,
    const struct tact_id *contact, int64_t contact_from_us, int64_t from_us, bool all);
bool policy_applies(const struct tact_applies *to, const struct tact_facts *facts);
/* A rule that moves places: it delays and is not on monitor. */
bool policy_delays(const struct tact_rule *rule);

void policy_limit_prepare(struct asker *asker, size_t rule, int64_t from_us);
int64_t policy_limit_earliest(const struct asker *asker, size_t rule, int64_t t_us);
bool policy_limit_holds(const struct asker *asker, size_t rule, int64_t since_us, int64_t t_us);
void policy_limit_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret);
const char *policy_limit_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us);

bool policy_breaker_concerns(const struct tact_rule *rule, const struct tact_facts *facts);
void policy_breaker_prepare(struct asker *asker, size_t rule, int64_t from_us);
int64_t policy_breaker_earliest(const struct asker *asker, size_t rule, int64_t t_us);
void policy_breaker_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret);
const char *policy_breaker_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us);

int64_t policy_suppression_earliest(const struct asker *asker, size_t rule, int64_t t_us);
void policy_suppression_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret);
const char *policy_suppression_words(
    const struct asker *asker, const struct tact_finding *finding, int64_t t_us);

int64_t policy_content_earliest(const struct asker *asker, size_t rule, int64_t t_us);
void policy_content_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret);
const char *policy_content_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us);
void policy_quiet_prepare(struct asker *asker, size_t rule, int64_t from_us);
void policy_occasion_prepare(struct asker *asker, size_t rule, int64_t from_us);
int64_t policy_consent_earliest(const struct asker *asker, size_t rule, int64_t t_us);
void policy_consent_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret);
const char *policy_consent_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us);
int64_t policy_quiet_earliest(const struct asker *asker, size_t rule, int64_t t_us);
void policy_quiet_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret);
const char *policy_quiet_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us);
int64_t policy_occasion_earliest(const struct asker *asker, size_t rule, int64_t t_us);
void policy_occasion_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret);
const char *policy_occasion_words(
    const struct asker *asker, const struct tact_finding *finding, int64_t t_us);
int64_t policy_territory_earliest(const struct asker *asker, size_t rule, int64_t t_us);
void policy_territory_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret);
const char *policy_territory_words(
    const struct asker *asker, const struct tact_finding *finding, int64_t t_us);

/* The zone of the recipient's profile, when there is one that this machine knows. */
const struct tact_zone *policy_person_zone(const struct asker *asker, const struct tact_zone *otherwise);
/* NULL when no owner has this name. */
const struct tact_owner *policy_find_owner(const struct tact_rule_set *rules, const char *name);

/* ---- places ------------------------------------------------------------------------------------- */

/* Who goes first: what is firm, in the order of the places it keeps; then the higher priority, then the
 * earlier made, then the smaller id. */
struct rank {
	int priority;
	int64_t made_us;
	const struct tact_id *id;
	bool firm;
	int64_t firm_us;
};
bool policy_outranks(const struct rank *a, const struct rank *b);

/* The earliest time at which a waiting claim was made, if earlier than t_us. */
int64_t policy_first_made(const struct tact_dossier *dossier, int64_t t_us);
/* From when on a claim in PLACE that was not fetched holds it no longer. Who waited behind one that gave up
 * its place at freed_us has had his own only since then, unless his time was over. */
int64_t policy_lapse(int64_t place_us, int64_t freed_us, int64_t not_after_us, bool tempfail);
/* Least time ≥ from_us at which every rule that gives places is satisfied, spread by the claim's id when it
 * is later than from_us. What passes not_after_us is not looked into further. */
int64_t policy_place(struct asker *asker, const struct tact_id *claim, int64_t from_us, int64_t not_after_us);
/* Names and places the waiting claims that outrank LEAST (NULL: all), leaving out the one named by it.
 * places: one for each of the dossier's claims, or NULL. */
void policy_place_claims(struct book *book, const struct rank *least, int64_t now_us, int64_t *ret_places);

/* ---- words -------------------------------------------------------------------------------------- */

/* The parts one after the other: printf takes as long as several rules do. */
char *policy_join(struct tact_arena *arena, const char *const *parts, size_t count);
#define JOIN(arena, ...)                                                                                     \
	policy_join((arena), (const char *const[]){__VA_ARGS__},                                             \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))
/* "2026-11-24 09:00 UTC", rounded up to the minute. */
char *policy_format_minute(struct tact_arena *arena, int64_t time_us);
/* "4", "1.5". */
char *policy_format_milli(struct tact_arena *arena, int64_t milli);

#endif
