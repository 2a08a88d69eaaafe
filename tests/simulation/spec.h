/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What both sides of the simulation are told: streams, rules, mails and wishes as plain numbers. tact gets
 * the rules as the text of a configuration; the oracle reads these and includes nothing of tact.
 *
 * Instants in µs since 1970 UTC; names are numbers, -1 is none; sets are bits, 0 is any.
 */
#ifndef SIMULATION_SPEC_H
#define SIMULATION_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
#define NEVER_US INT64_MAX

enum {
	OWNERS = 5,
	BRANDS = 3,
	CAMPAIGNS = 6,
	OFFERS = 3,
	LISTS = 3,
	STREAMS_MAX = 24,
	RULES_MAX = 12,
	ZONES = 6
};

/* In the order of the words in the configuration. */
enum purpose { PROMOTIONAL, NEWSLETTER, APPRECIATION, OCCASION, TRANSACTIONAL, PERSONAL, PURPOSES };
enum channel { EMAIL, PHONE, SMS, POST, FAX, VISIT, WEB, CHANNELS };
enum action { DELAY, QUARANTINE, REJECT };
enum by { BY_ANY, BY_SAME_OWNER, BY_OTHER_OWNER };
enum same { SAME_NONE, SAME_STREAM, SAME_OWNER, SAME_BRAND, SAME_CAMPAIGN, SAME_OFFER, SAME_LIST };
enum period { DAY, WEEK, MONTH, QUARTER, YEAR };
enum scope {
	FOR_ALL,
	FOR_BRAND,
	FOR_OWNER,
	FOR_LIST,
	FOR_STREAM,
	FOR_PURPOSE,
	FOR_CHANNEL,
	FOR_CAMPAIGN,
	FOR_OFFER,
	SCOPES
};
enum reason { UNSUBSCRIBE, COMPLAINT, HARD_BOUNCE, MANUAL, ERASURE, PAUSE, TOPIC, REASONS };

extern const char *const purpose_words[PURPOSES], *const channel_words[CHANNELS], *const zone_words[ZONES];

struct stream_spec {
	char name[16];
	int owner, brand, purpose, priority;
	bool exempt, counts, tempfail, hold;
	int64_t max_delay_s, max_waiting;
	int firm_after; /* 0: never */
};

enum direction { OUT, IN };
enum sentiment { NEUTRAL, POSITIVE, NEGATIVE };
/* at_most = N/W, N since positive, recipient; at_least = N/W */
enum form { AT_MOST, SINCE_POSITIVE, AS_RECIPIENT_ASKED, AT_LEAST };
/* What comes back from those who got a campaign. */
enum back { COMPLAINED, LEFT, BOUNCED_BACK, BACKS };
enum basis { EXPRESS, IMPLIED, SOFT_OPT_IN, BASES };

enum rule_kind {
	RULE_SUPPRESSION,
	RULE_LIMIT,
	RULE_CONSENT,
	RULE_QUIET_HOURS,
	RULE_OCCASION,
	RULE_TERRITORY,
	RULE_BREAKER,
	RULE_CONTENT
};
struct rule_spec {
	enum rule_kind kind;
	enum action action;
	bool monitor, unsaid;
	unsigned for_streams, for_purposes, for_owners, for_brands;
	int zone; /* of a calendar window; else that of whoever has none of his own */
	/* of quiet hours: minutes of the day, days as bits from Monday on */
	int from_minute, to_minute, holiday_month, holiday_day;
	unsigned hours_days, quiet_days;
	/* of a consent, by basis: 0 for ever */
	unsigned bases;
	int64_t expires_s[BASES];
	int expires_days[BASES]; /* calendar days in the rule's zone */
	bool leap_day_after, accept_unknown, reject_unknown;
	/* of a breaker: thousandths of a percent, by what comes back; negative: not looked at */
	int64_t rates_milli[BACKS], at_least;
	/* of a limit */
	enum form form;
	int64_t at_most_milli, window_s; /* window_s 0: calendar */
	int64_t rest_s, look_ahead_s;
	unsigned directions, sentiments;
	enum period period;
	unsigned count, count_streams, count_owners, count_brands, channels;
	enum by by;
	enum same same;
	int64_t weight_milli[CHANNELS];
};

/* Everything in force at a time. */
struct house_spec {
	struct stream_spec streams[STREAMS_MAX];
	int streams_count;
	struct rule_spec rules[RULES_MAX];
	int rules_count;
	unsigned local_owners, sensitive_owners;
	int64_t release_spread_s, slot_length_s, slot_size;
	bool monitor;
	bool crowded; /* much mail for few, which waits */
	bool breaks;  /* campaigns that many complain about */
};

/* What rules read of a mail or another contact. */
struct facts_spec {
	int stream, owner, brand, purpose, channel, campaign, offer, list, priority;
	bool birthday; /* the occasion it is for */
	bool bare;     /* without the field that a rule wants */
	/* from the null sender: the answer of a machine, or anything else */
	enum null { SENDER_NAMED, NULL_AUTOMATIC, NULL_OTHER } null;
	enum direction direction;
	enum sentiment sentiment;
	bool counts, exempt;
};

/* A campaign's claims, for mail that is still to come. */
struct plan_spec {
	int campaign;
	struct facts_spec facts; /* of that mail, with the priority of the plan */
	int64_t planned_us, not_after_us;
	int firm_after; /* of its stream */
};

/* What people make of a campaign. */
enum course { GOES, PAUSED, CANCELLED, DONE, COURSES };

/* What is known of a person. −1, 0: nothing. */
struct profile_spec {
	int zone, home;
	int birth_month, birth_day;
	int64_t own_at_most_milli, own_window_s; /* window 0: no limit of his own */
};

struct consent_spec {
	enum basis basis;
	enum scope scope;
	int value;
	int64_t time_us, until_us;
};

struct wish_spec {
	enum scope scope;
	int value;
	enum reason reason;
	unsigned purposes;	   /* 0: as the reason says */
	int64_t time_us, until_us; /* until 0: no end */
};

#endif
