/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * policy: the rules, and the one that asks them all. Pure: facts, dossier, rules and now in; an opinion out.
 *
 * Thread rule: rule sets are immutable and shared by all threads; everything else lives in the caller's
 * arena. Instants in µs (…_us), lengths of time in seconds (…_s).
 */
#ifndef TACT_POLICY_H
#define TACT_POLICY_H

#include <tact/dossier.h>

/* In order of strictness. */
enum tact_verdict { TACT_ACCEPT, TACT_DELAY, TACT_QUARANTINE, TACT_REJECT };
const char *tact_policy_verdict_name(enum tact_verdict verdict);

enum tact_rule_kind {
	TACT_RULE_SUPPRESSION,
	TACT_RULE_LIMIT,
	TACT_RULE_BREAKER,
	TACT_RULE_CONSENT,
	TACT_RULE_QUIET_HOURS,
	TACT_RULE_OCCASION,
	TACT_RULE_TERRITORY,
	TACT_RULE_CONTENT,
	TACT_RULE_KINDS
};
const char *tact_policy_rule_kind_name(enum tact_rule_kind kind);
/* By the name its sections have in the configuration. TACT_OK or TACT_INVALID. */
int tact_policy_parse_rule_kind(const char *text, enum tact_rule_kind *ret);
/* Does it say who may be written to at all, whatever the message says? */
bool tact_policy_is_about_people(enum tact_rule_kind kind);

/* A list of names; empty means "any". Compared without ASCII case. */
struct tact_names {
	const char *const *names;
	size_t count;
};

/* Which contacts a limit counts, relative to the mail in question. */
enum tact_by { TACT_BY_ANY, TACT_BY_SAME_OWNER, TACT_BY_OTHER_OWNER };
enum tact_same {
	TACT_SAME_NONE,
	TACT_SAME_STREAM,
	TACT_SAME_OWNER,
	TACT_SAME_BRAND,
	TACT_SAME_CAMPAIGN,
	TACT_SAME_OFFER,
	TACT_SAME_LIST
};

/* What a limit says of the number of contacts. */
enum tact_limit_form {
	TACT_LIMIT_AT_MOST, /* N/W (any window of length W, sliding, half open: a contact at s leaves at s + W
			       exactly), or N per calendar period */
	TACT_LIMIT_SINCE,   /* N since the latest positive contact: no window, and time frees nothing */
	TACT_LIMIT_RECIPIENT, /* what the profile's own_limit says; without one it abstains */
	/* N or more in the window before the mail: it fires when there are fewer, and abstains until the
	 * history is long enough to know */
	TACT_LIMIT_AT_LEAST
};

struct tact_limit {
	enum tact_limit_form form;
	int64_t at_most_milli; /* 0: none allowed; of AT_LEAST, the N */
	int64_t window_s;      /* sliding; 0: calendar */
	enum tact_period period;
	const struct tact_zone *zone; /* of the calendar; never NULL when window_s is 0 */
	const char *window;	      /* as written: "7d", "calendar-year" */
	/* What counts. */
	unsigned purposes;   /* bits 1 << purpose; 0: any */
	unsigned sentiments; /* bits 1 << sentiment; 0: any */
	/* bits 1 << direction; 0: those that go out, and when sentiments are named, those of any direction */
	unsigned directions;
	unsigned channels; /* bits 1 << channel; 0: any */
	struct tact_names streams, owners, brands;
	enum tact_by by;
	enum tact_same same; /* SAME_CAMPAIGN, OFFER, LIST abstain when the mail has none */
	/* what one contact of a channel counts; 1000 unless told */
	int64_t weight_milli[TACT_CHANNELS];
	/* Once at_most stands in one window, nothing for so long after the contact that filled it, whether or
	 * not the mail itself counts. 0: none. */
	int64_t rest_s;
	/* What claims that go before the mail will bring within so long after it counts as if it were there
	 * already, wherever the window ends. 0: claims ahead are seen as far as one window reaches, and by
	 * mail that counts. */
	int64_t look_ahead_s;
};

/* "4/7d", "0/5d", "2 per calendar-year" (day week month quarter year); N may have up to three decimals, below
 * a million. Sets at_most_milli, window_s, period and window (which may point into TEXT) and leaves the rest
 * alone; TACT_INVALID touches nothing. */
int tact_policy_parse_at_most(const char *text, struct tact_limit *ret, struct tact_error *err);
/* "2", "0.5" of LENGTH bytes: at most three decimals, below a million. TACT_OK or TACT_INVALID. */
int tact_policy_parse_milli(const char *text, size_t length, int64_t *ret_milli);

/* What a breaker looks at. Two of them are in every rule set: a campaign that somebody paused or cancelled
 * needs no configuration. */
enum tact_breaker_about {
	TACT_BREAKER_RATES,
	TACT_BREAKER_PAUSED,
	/* also one that was stopped by a breaker that is no longer configured */
	TACT_BREAKER_CANCELLED
};
/* Thresholds in thousandths of a percent of what was sent: 300 is "0.3%". Negative: not looked at. */
struct tact_breaker {
	enum tact_breaker_about about;
	int64_t complaints_milli, unsubscribes_milli, bounces_milli;
	int64_t at_least; /* sent before a rate tells anything */
	int64_t window_s; /* the latest hours that count; 0: since the campaign began */
};

/* How long a permission of one basis lasts, or of one basis and source. */
struct tact_expiry {
	enum tact_basis basis;
	const char *source;	 /* NULL: any; one that names the source goes before one that does not */
	int64_t length_s;	 /* to the second; 0: in calendar periods */
	enum tact_period period; /* as many of them as periods say, in the rule's zone, */
	int periods;		 /* and gone with the first second of that day */
};
/* "implied = 2 calendar-years", "implied:inquiry = 180d". TACT_OK or TACT_INVALID. */
int tact_policy_parse_expiry(
    struct tact_arena *arena, const char *text, struct tact_expiry *ret, struct tact_error *err);
char *tact_policy_format_expiry(struct tact_arena *arena, const struct tact_expiry *expiry);

/* A permission is needed. */
struct tact_consent_rule {
	unsigned bases; /* bits 1 << basis: those that will do; 0: any */
	const struct tact_expiry *expiries;
	size_t expiries_count;
	const struct tact_zone *zone; /* of calendar periods; never NULL where there are any */
};

/* A date, or with year 0 that day of every year. */
struct tact_date {
	int year, month, day;
};
/* "2026-12-25", "12-25". TACT_OK or TACT_INVALID. */
int tact_policy_parse_date(const char *text, struct tact_date *ret);
/* For sorting, as qsort wants it. */
int tact_policy_compare_dates(const void *a, const void *b);

/* [from, to) in minutes since Monday 00:00, at most 10080. */
struct tact_span {
	int from_minute, to_minute;
};
/* "21:00-08:00", "fri 18:00-24:00", "mon-fri 20:00-07:30"; past midnight when it ends before it begins. Adds
 * to the spans. TACT_OK or TACT_INVALID. */
int tact_policy_parse_hours(struct tact_arena *arena, const char *text, struct tact_span **spans,
    size_t *spans_count, struct tact_error *err);
/* "sat", or "mon-fri". Adds bits 1 << weekday, Monday 0. */
int tact_policy_parse_weekdays(const char *text, unsigned *days, struct tact_error *err);

/* When nothing is sent, by the clocks where the recipient is. */
struct tact_quiet_hours {
	struct tact_names hours;       /* as written */
	unsigned days;		       /* bits, Monday 0: quiet all day */
	const struct tact_span *spans; /* hours and days together, sorted, apart from each other */
	size_t spans_count;
	const struct tact_date *holidays; /* quiet all day; sorted */
	size_t holidays_count;
	const char *holidays_file;
	const struct tact_zone *zone; /* of whoever's own is not known; never NULL */
};
/* Sorts and joins spans that touch. Answers how many are left. */
size_t tact_policy_join_spans(struct tact_span *spans, size_t count);
/* Is there a year of which every minute is quiet? */
bool tact_policy_is_always_quiet(const struct tact_quiet_hours *quiet);

/* Mail for a day of the recipient's. */
struct tact_occasion_rule {
	struct tact_names occasions;  /* it concerns; empty: any */
	bool leap_day_after;	      /* 29 February is 1 March in other years, not 28 February */
	bool accept_unknown;	      /* when no date is known */
	const struct tact_zone *zone; /* of whoever's own is not known; never NULL */
};

struct tact_territory {
	bool reject_unknown; /* also when it is not known whose the recipient is */
};

/* Where a content rule looks. */
enum tact_where { TACT_WHERE_BOTH, TACT_WHERE_SUBJECT, TACT_WHERE_TEXT };

/* Patterns under one name: it is found when any of them is. */
struct tact_pattern_set {
	const char *name;
	const struct tact_pattern *const *patterns;
	size_t count;
};

/* What must and must not stand in a message. */
struct tact_content_rule {
	struct tact_names must_not, must;			  /* names of pattern sets */
	const struct tact_pattern_set *must_not_sets, *must_sets; /* the same, one for each name */
	enum tact_where where;
	/* names of header fields; one that ends with '*' means all that begin so */
	struct tact_names headers_must, headers_must_not;
	bool from_brand;		 /* the From domain must be one of the brand's */
	enum tact_verdict on_unreadable; /* ACCEPT, QUARANTINE or REJECT */
	struct tact_names add_headers;	 /* "Name: value", added where none of that name is */
	struct tact_names strip_headers; /* names as above: every field of them is taken off */
};

/* The mail a rule applies to; empty lists and 0 mean any. */
struct tact_applies {
	struct tact_names streams, brands, owners;
	unsigned purposes;
};

struct tact_rule {
	const char *name;
	enum tact_rule_kind kind;
	enum tact_verdict action; /* never ACCEPT */
	bool monitor;		  /* asked and recorded, never acts */
	struct tact_applies applies;
	const char *text; /* reply; NULL: the kind's own words */
	struct tact_limit limit;
	struct tact_breaker breaker;
	struct tact_consent_rule consent;
	struct tact_quiet_hours quiet_hours;
	struct tact_occasion_rule occasion;
	struct tact_territory territory;
	struct tact_content_rule content;
};

struct tact_owner {
	const char *name;
	bool sensitive; /* its mail tells something delicate of those who get it */
	bool local;	/* a branch: has a territory, and stays out of others' */
};

struct tact_brand {
	const char *name;
	struct tact_names domains; /* A-labels; empty: any */
};

/* All that decides, as configured: made by config, never changed, counted references. */
struct tact_rule_set {
	struct tact_stream_set streams;
	const struct tact_rule *rules;
	size_t rules_count;
	bool monitor; /* the whole daemon decides and records but does not act */
	const struct tact_owner *owners;
	size_t owners_count;
	const struct tact_brand *brands;
	size_t brands_count;
	int64_t content_max; /* bytes of a body that are read for content rules */
	int64_t release_spread_s;
	int64_t retry_window_s;
	int64_t history_s;
	int64_t slot_length_s;
	int64_t slot_size; /* most recipients in one slot */
	bool keep_addresses;
	const char *text;   /* effective configuration, for the policy entry */
	const char *digest; /* hex SHA-256 of text: names this policy in evidence */
};

/* What one rule said. numbers as in DESIGN §6: count, at_most, window, frees_at. */
struct tact_finding {
	const struct tact_rule *rule;
	bool fired;
	/* rule->action when fired (content: or on_unreadable), else ACCEPT */
	enum tact_verdict verdict;
	/* for a delay: when this rule alone is satisfied; INT64_MAX: never; 0 for other verdicts */
	int64_t until_us;
	bool has_numbers;
	int64_t count_milli;   /* counted without this mail, in the fullest window it would stand in */
	int64_t at_most_milli; /* of at_least, the least */
	const char *window;    /* "7d", "calendar-year", "since positive" …; never NULL with has_numbers */
	int64_t frees_at_us;   /* when this mail would fit; 0: fits now, or never, or nobody can tell */
	const char *why;       /* one line for explain; never NULL */
	const char *holder;    /* owner or campaign that holds the place, or "" */
	/* when it is a claim that holds it: "autumn-launch of corporate"; else "" */
	const char *held_by;
};

struct tact_opinion {
	enum tact_verdict verdict;
	int64_t until_us;	       /* the place, for DELAY */
	const char *code;	       /* "5.7.1", "4.7.1", "2.0.0" */
	const char *text;	       /* for the reply: short, ASCII, one line, no code */
	const struct tact_rule *rule;  /* the first that made the verdict, or NULL */
	struct tact_finding *findings; /* every rule that applies, in file order */
	size_t findings_count;
	/* suppressions that were looked at because their scope covers the mail */
	const struct tact_suppression **weighed;
	size_t weighed_count;
};

/* ---- campaigns, as somebody read them lately ----------------------------------------------------------- */

struct tact_campaign_view {
	/* made_us 0: no record, its mail was only counted; then it is RUNNING and has a name */
	struct tact_campaign record;
	const struct tact_campaign_hour *hours; /* of all writers together, ascending */
	size_t hours_count;
};
struct tact_campaigns {
	const struct tact_campaign_view *views; /* sorted by tact_policy_compare_campaigns, each once */
	size_t count;
	/* By the first byte of tact_dossier_campaign_id: those that could not be read. NULL: all were */
	const bool *unread;
	/* Some of what was counted could not be read, of whichever campaign: hours tell nothing */
	bool uncounted;
};
/* Is it known what stands of the campaign, if only that nothing does? campaigns may be NULL: no. */
bool tact_policy_knows_campaign(const struct tact_campaigns *campaigns, const char *name);
/* Does a breaker that acts on mail of these facts want to know what came of their campaign, which is not
 * known? Not one that has stopped it already, and none on monitor. */
bool tact_policy_lacks_counts(const struct tact_rule_set *rules, const struct tact_campaigns *campaigns,
    const struct tact_facts *facts);
/* Order of names without ASCII case: <0, 0, >0. */
int tact_policy_compare_campaigns(const char *a, const char *b);
/* NULL when nothing is known of it; campaigns may be NULL. */
const struct tact_campaign_view *tact_policy_find_campaign(
    const struct tact_campaigns *campaigns, const char *name);
/* Do its planned claims hold their places? */
bool tact_policy_campaign_holds(const struct tact_campaign_view *view);
/* What counts for a breaker that looks at the last window_s seconds (0: all) before now_us. */
void tact_policy_campaign_health(const struct tact_campaign_view *view, int64_t window_s, int64_t now_us,
    struct tact_campaign_health *ret);

/* Why a rule has nothing to say of mail of these facts, as in "is not for purpose newsletter"; NULL when it
 * is asked. For explain. */
const char *tact_policy_why_not_asked(
    struct tact_arena *arena, const struct tact_rule *rule, const struct tact_facts *facts);

/* ---- content: read once for a message, whoever its recipients are ---- */

/* What one content rule makes of the message. */
struct tact_content_answer {
	/* YES: the rule fires; CANNOT_TELL: what could be read breaks no rule, but not all could be */
	enum tact_answer fires;
	const char
	    *words;	 /* first part of the reply, ASCII: what is to be mended; "" when it does not fire */
	const char *why; /* for explain */
};
struct tact_contents {
	const struct tact_content_answer
	    *answers;		 /* one for each rule of the set; those of content are filled */
	const char *from_domain; /* NULL: cannot be told */
};
/* Does any content rule look into mail of these facts (NULL: into any mail)? Then its body is wanted. */
bool tact_policy_wants_content(const struct tact_rule_set *rules, const struct tact_facts *facts);
/* Puts the content to every content rule that applies to these facts (NULL: to every one). */
const struct tact_contents *tact_policy_read_content(struct tact_arena *arena,
    const struct tact_rule_set *rules, const struct tact_facts *facts, const struct tact_message *message,
    const struct tact_content *content);
/* What the content rules in force change in the header of mail of these facts that is let on: fields to add,
 * and the names of fields of which every one is to be taken off (each once, as written in the message). */
struct tact_header_edits {
	const struct tact_header *add;
	size_t add_count;
	const char *const *strip;
	size_t strip_count;
};
void tact_policy_edit_headers(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_facts *facts, const struct tact_message *message, struct tact_header_edits *ret);

/* A question. */
struct tact_question {
	const struct tact_rule_set *rules;
	const struct tact_facts *facts;
	const struct tact_dossier *dossier; /* merged view */
	int64_t now_us;
	int64_t made_us; /* when this mail first claimed; now_us for a new one */
	int64_t rank_us; /* when the planned claim that it took was made: it ranks from then; 0: made_us */
	int64_t not_after_us; /* latest place */
	/* Borrowed. NULL: not known; mail of a campaign waits then, and planned claims hold their places. */
	const struct tact_campaigns *campaigns;
	/* this mail's own claim: not counted against it; also seeds release_spread */
	struct tact_id claim;
	struct tact_id contact; /* this mail's own contact (a retry): not counted against it */
	/* an earlier contact of that id is another mail's, which looked the same, and counts */
	int64_t contact_from_us;
	bool released;	 /* a reviewer let the message go: quarantine is recorded and does not act */
	bool cleared;	 /* the same of this person, for rules about people: released says nothing of those */
	bool no_waiting; /* the null sender: reject in place of delay and quarantine */
	/* what the content rules made of the message; NULL: it was not read, and they do what their
	 * on_unreadable says */
	const struct tact_contents *contents;
	/* at RCPT, or before a campaign goes: there is none yet, and rules that read it have nothing to say
	 */
	bool no_message;
};

/* Asks every rule. Strictest verdict wins: reject > quarantine > delay > accept. Suppression is asked now and
 * at the place; limits that delay give the place (their maximum, taken again until it stands still); limits
 * that reject or quarantine are asked at the place, and now where a stopped campaign leaves it open. No place
 * by not_after_us is a reject with that reason.
 * Outranking claims (higher priority, then the earlier made, then the smaller id) hold their places. A
 * waiting claim (made_us before now_us) that is due and has not lapsed keeps what its place was given for:
 * claims placed behind its windows give way, and its place, not now, is held against not_after_us. One that
 * lapsed is asked anew from now_us; give it a new made_us when it waits again. Rules and the daemon in
 * monitor mode: findings say what would be, the opinion is what is done (the daemon's monitor is decide's
 * matter). */
void tact_policy_ask(
    struct tact_arena *arena, const struct tact_question *question, struct tact_opinion *ret);

/* Least time ≥ t_us at which RULE is satisfied for mail of these facts given contacts and, if not
 * NULL, placed claims; INT64_MAX: never. Idempotent, monotone in t_us but for an occasion, whose day is the
 * one next to t_us. Exposed for tests and preflight. */
struct tact_placed {
	const struct tact_facts *facts;
	int64_t place_us;
	struct tact_id claim;
};
int64_t tact_policy_earliest(const struct tact_rule *rule, const struct tact_facts *facts,
    const struct tact_dossier *dossier, const struct tact_id *own_contact, const struct tact_placed *placed,
    size_t placed_count, int64_t t_us);

/* The place of every waiting claim, in order of arbitration: a pure function of contacts, claims and rules.
 * Sought from when the claim was made or, later, was asked about at the gate and told to wait. places[i]
 * belongs to dossier->claims[i]; INT64_MAX for one without a place by its not_after, 0 for claims that hold
 * none (not waiting, or lapsed: an hour past their place, a day when tempfail; who waited behind a claim that
 * lapsed, or is WITHDRAWN, REFUSED or BOUNCED, has that hour from its lapse or done_us). A planned claim's is
 * sought from the time it is planned for, and lapses at its not_after; it holds none unless its campaign is
 * planned or running. Mail of a paused campaign stands at its not_after and holds no place against others;
 * of a cancelled one it has no place. campaigns as in a question. */
void tact_policy_places(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_campaigns *campaigns, const struct tact_dossier *dossier, int64_t now_us,
    int64_t *ret_places);
/* Does a rule ask what time it is where the recipient is? Then tact_zone_make_table comes before threads. */
bool tact_policy_reads_zones(const struct tact_rule_set *rules);

/* Does the suppression hold back mail of these facts at t_us (scope, purposes, end)? And has the person's own
 * later express consent lifted it? */
bool tact_policy_suppression_covers(const struct tact_suppression *suppression,
    const struct tact_dossier *dossier, const struct tact_facts *facts, int64_t t_us);

#endif
