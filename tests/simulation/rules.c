/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Random houses, and the text that says them to tact.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

const char *const purpose_words[PURPOSES] = {
    "promotional", "newsletter", "appreciation", "occasion", "transactional", "personal"};
const char *const channel_words[CHANNELS] = {"email", "phone", "sms", "post", "fax", "visit", "web"};
const char *const zone_words[ZONES] = {
    "UTC", "Europe/London", "America/New_York", "Asia/Tokyo", "Asia/Kolkata", "Australia/Lord_Howe"};

const char *rules_breakage_name(enum breakage breakage)
{
	static const char *const names[BREAKAGES] = {"nothing", "more", "less", "short", "long", "zone",
	    "wishes", "priority", "late", "quiet", "consent", "territory", "rest", "occasion", "alias",
	    "firm", "ahead", "plan", "pause", "hold", "breaker", "content", "null", "race"};

	return names[breakage];
}

static unsigned random_set(struct chance *chance, int in, int of, int count)
{
	unsigned set = 0;

	if (!chance_of(chance, in, of))
		return 0;
	for (int i = 0; i < count; i++)
		if (chance_of(chance, 1, 2))
			set |= 1U << i;
	return set;
}

/* ---- streams ------------------------------------------------------------------------------------ */

static int random_purpose(struct chance *chance)
{
	static const int often[] = {PROMOTIONAL, PROMOTIONAL, PROMOTIONAL, NEWSLETTER, NEWSLETTER,
	    APPRECIATION, OCCASION, TRANSACTIONAL, PERSONAL};

	return often[chance_below(chance, sizeof often / sizeof *often)];
}

static void random_stream(struct chance *chance, int number, struct stream_spec *ret)
{
	*ret = (struct stream_spec){.owner = (int)chance_below(chance, OWNERS),
	    .brand = (int)chance_below(chance, BRANDS),
	    .purpose = random_purpose(chance),
	    .priority = 100 * (int)chance_below(chance, 6),
	    .max_delay_s = 3600 * chance_between(chance, 2, 100),
	    .max_waiting = chance_of(chance, 1, 20) ? chance_below(chance, 5) : 1000000,
	    .tempfail = chance_of(chance, 1, 6),
	    .hold = chance_of(chance, 1, 8),
	    .firm_after = chance_of(chance, 1, 3) ? (int)chance_between(chance, 1, 2) : 0};
	snprintf(ret->name, sizeof ret->name, "s%d", number);
	ret->exempt = ret->purpose == TRANSACTIONAL || ret->purpose == PERSONAL;
	ret->counts = ret->purpose != TRANSACTIONAL;
	if (chance_of(chance, 1, 10))
		ret->counts = !ret->counts;
	if (chance_of(chance, 1, 12))
		ret->exempt = !ret->exempt;
	if (ret->exempt) /* never delayed: what tact.conf(5) says of everybody */
		ret->max_delay_s = 3 * 86400;
}

/* What waits long, and is moved. */
static void crowd(struct chance *chance, struct stream_spec *stream)
{
	if (stream->purpose == TRANSACTIONAL || stream->purpose == PERSONAL)
		stream->purpose = PROMOTIONAL;
	stream->exempt = stream->tempfail = false;
	stream->counts = true;
	stream->max_waiting = 1000000;
	stream->max_delay_s = 3600 * chance_between(chance, 48, 200);
	stream->firm_after = chance_of(chance, 1, 5) ? 1 : 0;
}

void rules_random_streams(struct chance *chance, struct house_spec *house)
{
	house->crowded = chance_of(chance, 1, 4);
	house->breaks = !house->crowded && chance_of(chance, 1, 4);
	house->local_owners = random_set(chance, 2, 3, OWNERS);
	house->sensitive_owners = chance_of(chance, 1, 4) ? 1U << chance_below(chance, OWNERS) : 0;
	house->streams_count = (int)chance_between(chance, 3, STREAMS_MAX);
	for (int i = 0; i < house->streams_count; i++) {
		random_stream(chance, i, &house->streams[i]);
		if (house->crowded)
			crowd(chance, &house->streams[i]);
	}
	/* The strictest, which may be neither. */
	house->streams[0].exempt = false;
	house->streams[0].counts = true;
	house->slot_length_s = chance_of(chance, 1, 3) ? 3600 : 60;
}

/* ---- rules -------------------------------------------------------------------------------------- */

static void random_scope(struct chance *chance, const struct house_spec *house, struct rule_spec *ret)
{
	ret->monitor = chance_of(chance, 1, 15);
	ret->for_streams = random_set(chance, 1, 10, house->streams_count);
	ret->for_purposes = random_set(chance, 1, 6, PURPOSES);
	ret->for_owners = random_set(chance, 1, 10, OWNERS);
	ret->for_brands = random_set(chance, 1, 10, BRANDS);
}

static void random_window(struct chance *chance, bool short_ones, struct rule_spec *ret)
{
	static const int64_t windows_s[] = {3600, 7200, 20 * 3600, 86400, 2 * 86400, 5 * 86400, 7 * 86400,
	    14 * 86400, 30 * 86400, 60 * 86400};

	if (chance_of(chance, 2, 3)) {
		ret->window_s =
		    windows_s[chance_below(chance, short_ones ? 6 : sizeof windows_s / sizeof *windows_s)];
		return;
	}
	ret->period = (enum period)chance_below(chance, 5);
	ret->zone = (int)chance_below(chance, ZONES);
}

/* What the plain window does not say. */
static void random_form(struct chance *chance, struct rule_spec *ret)
{
	if (chance_of(chance, 1, 6))
		ret->directions = (unsigned)chance_between(chance, 1, 3);
	ret->sentiments = random_set(chance, 1, 8, 3);
	if (ret->at_most_milli > 0 && chance_of(chance, 1, 8))
		ret->rest_s = 3600 * chance_between(chance, 1, 24 * 10);
	if (chance_of(chance, 1, 6))
		ret->look_ahead_s = 3600 * chance_between(chance, 1, 24 * 5);
	switch (chance_below(chance, 16)) {
	case 0:
		ret->form = SINCE_POSITIVE;
		ret->at_most_milli = 1000 * chance_between(chance, 2, 9);
		ret->window_s = ret->rest_s = 0;
		break;
	case 1:
		ret->form = AS_RECIPIENT_ASKED;
		ret->rest_s = 0;
		break;
	case 2:
		ret->form = AT_LEAST;
		ret->action = chance_of(chance, 1, 2) ? REJECT : QUARANTINE;
		ret->at_most_milli = 1000 * chance_between(chance, 1, 2);
		ret->rest_s = ret->look_ahead_s = 0;
		break;
	default:
		break;
	}
}

static void random_limit(struct chance *chance, const struct house_spec *house, struct rule_spec *ret)
{
	ret->kind = RULE_LIMIT;
	ret->action = house->crowded || chance_of(chance, 3, 4) ? DELAY
		      : chance_of(chance, 2, 3)			? REJECT
								: QUARANTINE;
	random_window(chance, house->crowded, ret);
	ret->at_most_milli = 1000 * chance_between(chance, chance_of(chance, 1, 12) ? 0 : 1, 4);
	if (chance_of(chance, 1, 12))
		ret->at_most_milli += 500;
	ret->count = random_set(chance, 2, 3, PURPOSES);
	ret->count_streams = random_set(chance, 1, 12, house->streams_count);
	ret->count_owners = random_set(chance, 1, 12, OWNERS);
	ret->count_brands = random_set(chance, 1, 12, BRANDS);
	ret->channels = random_set(chance, 1, 8, CHANNELS);
	if (chance_of(chance, 1, 4))
		ret->by = (enum by)chance_below(chance, 3);
	if (chance_of(chance, 1, 4))
		ret->same = (enum same)chance_below(chance, 7);
	for (int i = 0; i < CHANNELS; i++)
		ret->weight_milli[i] = chance_of(chance, 1, 8) ? 500 * chance_below(chance, 5) : 1000;
	if (!house->crowded)
		random_form(chance, ret);
	else if (chance_of(chance, 1, 3))
		ret->look_ahead_s = 3600 * chance_between(chance, 1, 24 * 5);
}

static void random_consent(struct chance *chance, struct rule_spec *ret)
{
	ret->kind = RULE_CONSENT;
	ret->action = chance_of(chance, 3, 4) ? REJECT : QUARANTINE;
	ret->bases = random_set(chance, 1, 2, BASES);
	for (int i = 0; i < BASES; i++) {
		if (ret->bases != 0 && !(ret->bases >> i & 1))
			continue;
		if (chance_of(chance, 1, 3))
			ret->expires_s[i] = 3600 * chance_between(chance, 1, 24 * 20);
		else if (chance_of(chance, 1, 3))
			ret->expires_days[i] = (int)chance_between(chance, 1, 20);
	}
}

static void random_quiet_hours(struct chance *chance, struct rule_spec *ret)
{
	ret->kind = RULE_QUIET_HOURS;
	ret->action = chance_of(chance, 4, 5) ? DELAY : REJECT;
	ret->from_minute = 30 * (int)chance_below(chance, 48);
	do
		ret->to_minute = 30 * (int)chance_below(chance, 48);
	while (ret->to_minute == ret->from_minute);
	ret->hours_days = chance_of(chance, 1, 2) ? 0x7f : 0x1f;
	ret->quiet_days = chance_of(chance, 1, 3) ? 1U << chance_between(chance, 5, 6) : 0;
	if (chance_of(chance, 1, 3)) {
		ret->holiday_month = (int)chance_between(chance, 1, 12);
		ret->holiday_day = (int)chance_between(chance, 1, 28);
	}
}

static void random_occasion(struct chance *chance, struct rule_spec *ret)
{
	ret->kind = RULE_OCCASION;
	ret->action = chance_of(chance, 2, 3) ? DELAY : REJECT;
	ret->leap_day_after = chance_of(chance, 1, 2);
	ret->accept_unknown = chance_of(chance, 1, 3);
}

static void random_territory(struct chance *chance, struct rule_spec *ret)
{
	ret->kind = RULE_TERRITORY;
	ret->action = chance_of(chance, 3, 4) ? REJECT : QUARANTINE;
	ret->reject_unknown = chance_of(chance, 1, 4);
}

static void random_breaker(struct chance *chance, struct rule_spec *ret)
{
	ret->kind = RULE_BREAKER;
	ret->action = chance_of(chance, 2, 3) ? REJECT : chance_of(chance, 1, 2) ? DELAY : QUARANTINE;
	for (int i = 0; i < BACKS; i++)
		ret->rates_milli[i] = chance_of(chance, 2, 3) ? 500 * chance_between(chance, 0, 40) : -1;
	if (ret->rates_milli[COMPLAINED] < 0 && ret->rates_milli[LEFT] < 0)
		ret->rates_milli[BOUNCED_BACK] = 5000;
	ret->at_least = chance_between(chance, 1, 6);
	ret->window_s = chance_of(chance, 1, 3) ? 3600 * chance_between(chance, 1, 24 * 7) : 0;
}

static void random_content(struct chance *chance, struct rule_spec *ret)
{
	ret->kind = RULE_CONTENT;
	ret->action = chance_of(chance, 2, 3) ? REJECT : QUARANTINE;
}

static void add_people_rule(struct chance *chance, struct house_spec *house, int in, int of,
    void (*make)(struct chance *chance, struct rule_spec *ret))
{
	struct rule_spec *rule = &house->rules[house->rules_count];

	if (!chance_of(chance, in, of))
		return;
	house->rules_count++;
	make(chance, rule);
	random_scope(chance, house, rule);
	rule->zone = (int)chance_below(chance, ZONES);
	if (rule->kind == RULE_OCCASION)
		rule->for_purposes = 1U << OCCASION;
	else if (rule->kind != RULE_BREAKER && rule->kind != RULE_CONTENT &&
		 rule->for_purposes == 0) /* what nobody asked for */
		rule->for_purposes =
		    1U << PROMOTIONAL | 1U << NEWSLETTER | 1U << APPRECIATION | 1U << OCCASION;
}

void rules_random_rules(struct chance *chance, struct house_spec *house)
{
	memset(house->rules, 0, sizeof house->rules);
	house->rules_count = 0;
	struct rule_spec *rule = &house->rules[house->rules_count++];

	rule->kind = RULE_SUPPRESSION;
	rule->action = REJECT;
	rule->unsaid = chance_of(chance, 1, 20); /* wishes are honoured without a word */
	if (!rule->unsaid) {
		rule->action = chance_of(chance, 5, 6) ? REJECT : QUARANTINE;
		if (chance_of(chance, 1, 6))
			random_scope(chance, house, rule);
	}
	for (int limits = (int)chance_between(chance, 1, 5); limits > 0; limits--) {
		rule = &house->rules[house->rules_count++];
		random_limit(chance, house, rule);
		random_scope(chance, house, rule);
	}
	if (!house->crowded) {
		if (house->breaks)
			add_people_rule(chance, house, 2, 3, random_breaker);
		add_people_rule(chance, house, 1, 6, random_content);
		add_people_rule(chance, house, 1, 6, random_consent);
		add_people_rule(chance, house, 1, 4, random_quiet_hours);
		add_people_rule(chance, house, 1, 5, random_occasion);
		add_people_rule(chance, house, 1, 5, random_territory);
	}
	house->release_spread_s = chance_of(chance, 1, 4) ? 60 * chance_between(chance, 1, 30) : 0;
	house->slot_size = chance_of(chance, 1, 5) ? 2 : 5000;
	house->monitor = chance_of(chance, 1, 60);
}

/* ---- text --------------------------------------------------------------------------------------- */

static void print_set(
    FILE *file, const char *option, unsigned set, int count, const char *prefix, const char *const *words)
{
	const char *comma = "";

	if (set == 0)
		return;
	fprintf(file, "\t%s = {", option);
	for (int i = 0; i < count; i++) {
		if (!(set >> i & 1))
			continue;
		if (words != NULL)
			fprintf(file, "%s%s", comma, words[i]);
		else
			fprintf(file, "%s%s%d", comma, prefix, i);
		comma = ", ";
	}
	fprintf(file, "}\n");
}

static void print_stream(FILE *file, const struct stream_spec *stream, int number, enum breakage breakage)
{
	fprintf(file,
	    "stream %s {\n\towner = o%d\n\tbrand = b%d\n\tpurpose = %s\n\tpriority = %d\n\texempt = %s\n"
	    "\tcounts = %s\n\tpersonal_max = 1000000\n\tcampaign_header = X-Campaign\n"
	    "\toffer_header = X-Offer\n\tsenders = {\"@s%d.example\"}\n",
	    stream->name, stream->owner, stream->brand, purpose_words[stream->purpose],
	    breakage == BREAK_PRIORITY ? 1000 - stream->priority : stream->priority,
	    stream->exempt ? "yes" : "no", stream->counts ? "yes" : "no", number);
	if (stream->purpose == OCCASION)
		fprintf(file, "\toccasion = birthday\n");
	if (!stream->exempt)
		fprintf(file, "\tdelay_by = %s\n\tmax_delay = %" PRId64 "s\n\tmax_waiting = %" PRId64 "\n",
		    stream->tempfail ? "tempfail" : "queue",
		    stream->max_delay_s + (breakage == BREAK_LATE ? 36 * 3600 : 0), stream->max_waiting);
	if (stream->hold)
		fprintf(file, "\tquarantine_by = hold\n");
	if (stream->firm_after > 0 && breakage != BREAK_FIRM)
		fprintf(file, "\tfirm_after = %d\n", stream->firm_after);
	fprintf(file, "}\n");
}

static void print_common(FILE *file, const struct rule_spec *rule, int streams)
{
	static const char *const actions[] = {"delay", "quarantine", "reject"};

	fprintf(file, "\taction = %s\n\tmode = %s\n", actions[rule->action],
	    rule->monitor ? "monitor" : "enforce");
	print_set(file, "streams", rule->for_streams, streams, "s", NULL);
	print_set(file, "purposes", rule->for_purposes, PURPOSES, NULL, purpose_words);
	print_set(file, "owners", rule->for_owners, OWNERS, "o", NULL);
	print_set(file, "brands", rule->for_brands, BRANDS, "b", NULL);
}

static void print_at_most(FILE *file, const struct rule_spec *rule, enum breakage breakage)
{
	static const char *const periods[] = {"day", "week", "month", "quarter", "year"};
	int64_t milli = rule->at_most_milli, window_s = rule->window_s;
	int zone = rule->zone;

	milli += breakage == BREAK_MORE ? 1000 : 0;
	milli -= breakage == BREAK_LESS && milli >= (rule->form == AT_LEAST ? 2000 : 1000) ? 1000 : 0;
	window_s += breakage == BREAK_LONG ? 1 : breakage == BREAK_SHORT ? -1 : 0;
	if (breakage == BREAK_ZONE)
		zone = (zone + 2) % ZONES;
	if (rule->form == AS_RECIPIENT_ASKED) {
		fprintf(file, "\tat_most = recipient\n");
		return;
	}
	fprintf(file, "\t%s = \"%" PRId64 ".%03" PRId64, rule->form == AT_LEAST ? "at_least" : "at_most",
	    milli / 1000, milli % 1000);
	if (rule->form == SINCE_POSITIVE)
		fprintf(file, " since positive\"\n");
	else if (rule->window_s > 0)
		fprintf(file, "/%" PRId64 "s\"\n", window_s);
	else
		fprintf(
		    file, " per calendar-%s\"\n\tzone = \"%s\"\n", periods[rule->period], zone_words[zone]);
}

static void print_counted(FILE *file, const struct rule_spec *rule)
{
	static const char *const words[] = {"promotional", "newsletter", "appreciation", "occasion",
	    "transactional", "personal", "neutral", "positive", "negative"};
	static const char *const directions[] = {NULL, "out", "in", "any"};

	print_set(file, "count", rule->count | rule->sentiments << PURPOSES, PURPOSES + 3, NULL, words);
	if (rule->directions != 0)
		fprintf(file, "\tdirection = %s\n", directions[rule->directions]);
}

static void print_limit(FILE *file, const struct house_spec *house, const struct rule_spec *rule, int number,
    enum breakage breakage)
{
	static const char *const bys[] = {"any", "same-owner", "other-owner"};
	static const char *const sames[] = {"none", "stream", "owner", "brand", "campaign", "offer", "list"};
	const char *comma = "";

	fprintf(file, "limit l%d {\n", number);
	print_at_most(file, rule, breakage);
	print_counted(file, rule);
	if (rule->rest_s > 0)
		fprintf(file, "\trest = %" PRId64 "s\n", rule->rest_s / (breakage == BREAK_REST ? 2 : 1));
	if (rule->look_ahead_s > 0 && breakage != BREAK_AHEAD)
		fprintf(file, "\tlook_ahead = %" PRId64 "s\n", rule->look_ahead_s);
	print_set(file, "count_streams", rule->count_streams, house->streams_count, "s", NULL);
	print_set(file, "count_owners", rule->count_owners, OWNERS, "o", NULL);
	print_set(file, "count_brands", rule->count_brands, BRANDS, "b", NULL);
	print_set(file, "channels", rule->channels, CHANNELS, NULL, channel_words);
	fprintf(file, "\tby = %s\n\tsame = %s\n\tweights = {", bys[rule->by], sames[rule->same]);
	for (int i = 0; i < CHANNELS; i++, comma = ", ")
		fprintf(file, "%s\"%s=%" PRId64 ".%03" PRId64 "\"", comma, channel_words[i],
		    rule->weight_milli[i] / 1000, rule->weight_milli[i] % 1000);
	fprintf(file, "}\n");
	print_common(file, rule, house->streams_count);
	fprintf(file, "}\n");
}

static void print_clock(FILE *file, int minute)
{
	fprintf(file, "%02d:%02d", minute / 60, minute % 60);
}

static void print_quiet_hours(FILE *file, const struct rule_spec *rule, enum breakage breakage)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

	fprintf(file, "\thours = \"%s", rule->hours_days == 0x1f ? "mon-fri " : "");
	print_clock(file, rule->from_minute);
	fprintf(file, "-");
	print_clock(file, (rule->to_minute + (breakage == BREAK_QUIET ? 1439 : 0)) % 1440);
	fprintf(file, "\"\n");
	print_set(file, "days", rule->quiet_days, 7, NULL, days);
	if (rule->holiday_month > 0)
		fprintf(file, "\tholidays = \"%02d-%02d\"\n", rule->holiday_month, rule->holiday_day);
}

static void print_consent(FILE *file, const struct rule_spec *rule, enum breakage breakage)
{
	static const char *const bases[] = {"express", "implied", "soft-opt-in"};
	const char *comma = "";

	print_set(file, "bases", rule->bases, BASES, NULL, bases);
	for (int i = 0; i < BASES; i++) {
		if (rule->expires_s[i] > 0 || rule->expires_days[i] > 0)
			fprintf(file, "%s", *comma == '\0' ? "\texpires_after = {" : "");
		if (rule->expires_s[i] > 0)
			fprintf(file, "%s\"%s = %" PRId64 "s\"", comma, bases[i],
			    rule->expires_s[i] * (breakage == BREAK_CONSENT ? 100 : 1));
		else if (rule->expires_days[i] > 0)
			fprintf(file, "%s\"%s = %d calendar-day%s\"", comma, bases[i], rule->expires_days[i],
			    rule->expires_days[i] == 1 ? "" : "s");
		else
			continue;
		comma = ", ";
	}
	fprintf(file, "%s", *comma == '\0' ? "" : "}\n");
}

static void print_breaker(FILE *file, const struct rule_spec *rule)
{
	static const char *const names[BACKS] = {"complaints", "unsubscribes", "bounces"};

	for (int i = 0; i < BACKS; i++)
		if (rule->rates_milli[i] >= 0)
			fprintf(file, "\t%s = \"%" PRId64 ".%03" PRId64 "%%\"\n", names[i],
			    rule->rates_milli[i] / 1000, rule->rates_milli[i] % 1000);
	fprintf(file, "\tat_least = %" PRId64 "\n", rule->at_least);
	if (rule->window_s > 0)
		fprintf(file, "\twindow = %" PRId64 "s\n", rule->window_s);
}

static void print_people_rule(FILE *file, const struct house_spec *house, const struct rule_spec *rule,
    int number, enum breakage breakage)
{
	static const char *const names[] = {[RULE_CONSENT] = "consent",
	    [RULE_QUIET_HOURS] = "quiet_hours",
	    [RULE_OCCASION] = "occasion",
	    [RULE_TERRITORY] = "territory",
	    [RULE_BREAKER] = "breaker",
	    [RULE_CONTENT] = "content"};
	struct rule_spec said = *rule;

	said.monitor = said.monitor || (breakage == BREAK_TERRITORY && rule->kind == RULE_TERRITORY) ||
		       (breakage == BREAK_OCCASION && rule->kind == RULE_OCCASION) ||
		       (breakage == BREAK_BREAKER && rule->kind == RULE_BREAKER) ||
		       (breakage == BREAK_CONTENT && rule->kind == RULE_CONTENT);
	fprintf(file, "%s k%d {\n", names[rule->kind], number);
	if (rule->kind == RULE_CONSENT)
		print_consent(file, rule, breakage);
	if (rule->kind == RULE_QUIET_HOURS)
		print_quiet_hours(file, rule, breakage);
	if (rule->kind == RULE_OCCASION)
		fprintf(file, "\tleap_day = %s\n\tunknown = %s\n", rule->leap_day_after ? "after" : "before",
		    rule->accept_unknown ? "accept" : "reject");
	if (rule->kind == RULE_BREAKER)
		print_breaker(file, rule);
	else if (rule->kind == RULE_CONTENT)
		fprintf(file, "\theaders_must = {\"X-Postal-Address\"}\n");
	else if (rule->kind == RULE_TERRITORY)
		fprintf(file, "\tunknown = %s\n", rule->reject_unknown ? "reject" : "accept");
	else
		fprintf(file, "\tzone = \"%s\"\n", zone_words[rule->zone]);
	print_common(file, &said, house->streams_count);
	fprintf(file, "}\n");
}

char *rules_text(const struct house_spec *house, enum breakage breakage)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	fprintf(file,
	    "listener smtp { socket = \"inet:8891@127.0.0.1\" }\ntrusted { listeners = smtp }\n"
	    "mode = %s\nslot_length = %" PRId64 "s\nslot_size = %" PRId64 "\nrelease_spread = %" PRId64 "s\n"
	    "canonical { plus_domains = {\"plus.example\"} }\nstrictest_stream = s0\n",
	    house->monitor ? "monitor" : "enforce", house->slot_length_s, house->slot_size,
	    house->release_spread_s);
	for (int i = 0; i < OWNERS; i++)
		fprintf(file, "owner o%d {\n\tlocal = %s\n\tsensitive = %s\n}\n", i,
		    house->local_owners >> i & 1 ? "yes" : "no",
		    house->sensitive_owners >> i & 1 ? "yes" : "no");
	for (int i = 0; i < BRANDS; i++)
		fprintf(file, "brand b%d {}\n", i);
	for (int i = 0; i < house->streams_count; i++)
		print_stream(file, &house->streams[i], i, breakage);
	for (int i = 0; i < house->rules_count; i++) {
		const struct rule_spec *rule = &house->rules[i];

		if (rule->kind == RULE_LIMIT) {
			print_limit(file, house, rule, i, breakage);
		} else if (rule->kind != RULE_SUPPRESSION) {
			print_people_rule(file, house, rule, i, breakage);
		} else if (!rule->unsaid || breakage == BREAK_WISHES) {
			struct rule_spec said = *rule;

			said.monitor = said.monitor || breakage == BREAK_WISHES;
			fprintf(file, "suppression r%d {\n", i);
			print_common(file, &said, house->streams_count);
			fprintf(file, "}\n");
		}
	}
	(void)fclose(file);
	return text;
}
