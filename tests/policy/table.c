/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Reading of policy tables. A mistake in a table ends the run: it is ours, never the policy's.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define FAR_US (INT64_C(3650) * 86400 * 1000000)

/* ---- words -------------------------------------------------------------------------------------- */

void line_fail(const struct line *line, const char *format, ...)
{
	va_list args;

	(void)fprintf(stderr, "%s:%d: ", line->file, line->number);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
	exit(99);
}

/* Quotes keep blanks in a value: text="not so often". */
bool line_read(struct line *line, struct tact_arena *arena, const char *text)
{
	line->arena = arena;
	line->count = 0;
	memset(line->taken, 0, sizeof line->taken);
	for (;;) {
		char *word;
		size_t n = 0;
		bool quoted = false;

		text += strspn(text, " \t\n");
		if (*text == '\0' || *text == '#')
			return line->count > 0;
		if (line->count == WORDS_MAX)
			line_fail(line, "too many words");
		word = tact_arena_alloc(arena, strlen(text) + 1);
		for (; *text != '\0' && (quoted || strchr(" \t\n", *text) == NULL); text++) {
			if (*text == '"')
				quoted = !quoted;
			else
				word[n++] = *text;
		}
		line->words[line->count++] = word;
	}
}

const char *line_bare(struct line *line, const char *what)
{
	for (size_t i = 0; i < line->count; i++) {
		if (line->taken[i])
			continue;
		line->taken[i] = true;
		return line->words[i];
	}
	line_fail(line, "%s is missing", what);
}

const char *line_value(struct line *line, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = 0; i < line->count; i++) {
		if (line->taken[i] || strncmp(line->words[i], key, length) != 0 ||
		    line->words[i][length] != '=')
			continue;
		line->taken[i] = true;
		return line->words[i] + length + 1;
	}
	return NULL;
}

void line_end(struct line *line)
{
	for (size_t i = 0; i < line->count; i++)
		if (!line->taken[i])
			line_fail(line, "\"%s\" is not understood", line->words[i]);
}

int64_t line_parse_time(const struct line *line, const char *text)
{
	struct tact_error err;
	int64_t time_us;

	if (strcmp(text, "never") == 0)
		return INT64_MAX;
	if (strcmp(text, "none") == 0)
		return 0;
	if (tact_text_parse_time(text, &time_us, &err) != TACT_OK)
		line_fail(line, "%s", err.text);
	return time_us;
}

int64_t line_time(struct line *line, const char *key, int64_t otherwise)
{
	const char *value = line_value(line, key);

	return value == NULL ? otherwise : line_parse_time(line, value);
}

int64_t line_int(struct line *line, const char *key, int64_t otherwise)
{
	const char *value = line_value(line, key);
	struct tact_error err;
	int64_t number;

	if (value == NULL)
		return otherwise;
	if (tact_text_parse_int(value, INT64_MIN, INT64_MAX, &number, &err) != TACT_OK)
		line_fail(line, "%s", err.text);
	return number;
}

int64_t line_duration_s(struct line *line, const char *key, int64_t otherwise)
{
	const char *value = line_value(line, key);
	struct tact_error err;
	int64_t seconds;

	if (value == NULL)
		return otherwise;
	if (tact_text_parse_duration(value, &seconds, &err) != TACT_OK)
		line_fail(line, "%s", err.text);
	return seconds;
}

bool line_yes(struct line *line, const char *key, bool otherwise)
{
	const char *value = line_value(line, key);

	if (value == NULL)
		return otherwise;
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		line_fail(line, "%s=%s: yes or no is wanted", key, value);
	return *value == 'y';
}

static const char *value_or_empty(struct line *line, const char *key)
{
	const char *value = line_value(line, key);

	return value == NULL ? "" : value;
}

/* ---- words with a meaning ----------------------------------------------------------------------- */

static size_t pick(const struct line *line, const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	line_fail(line, "\"%s\" is not a word for this", word);
}
#define PICK(line, words, word) pick((line), (words), sizeof(words) / sizeof(words)[0], (word))

enum tact_purpose line_purpose(const struct line *line, const char *word)
{
	static const char *const words[] = {
	    "promotional", "newsletter", "appreciation", "occasion", "transactional", "personal"};

	return (enum tact_purpose)PICK(line, words, word);
}

static enum tact_channel channel_of(const struct line *line, const char *word)
{
	static const char *const words[] = {"email", "phone", "sms", "post", "fax", "visit", "web"};

	return (enum tact_channel)PICK(line, words, word);
}

int line_verdict(const struct line *line, const char *word)
{
	static const char *const words[] = {"accept", "delay", "quarantine", "reject"};

	return (int)PICK(line, words, word);
}

struct tact_id id_of_name(const char *name)
{
	struct tact_id id = {{0}};

	if (strlen(name) == 2 * TACT_ID_BYTES && tact_hex_decode(name, id.b, sizeof id.b) == TACT_OK)
		return id;
	for (size_t i = 0; i < sizeof id.b && name[i] != '\0'; i++)
		id.b[i] = (uint8_t)name[i];
	return id;
}

int64_t line_milli(const struct line *line, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0')
		line_fail(line, "\"%s\" is not a number", text);
	return (int64_t)(value * 1000 + (value < 0 ? -0.5 : 0.5));
}

/* ---- lists -------------------------------------------------------------------------------------- */

/* Calls fn for every word between commas. */
static void each(
    struct line *line, const char *key, void (*fn)(struct line *, void *, const char *), void *to)
{
	const char *value = line_value(line, key);

	while (value != NULL && *value != '\0') {
		size_t length = strcspn(value, ",");

		fn(line, to, tact_arena_strndup(line->arena, value, length));
		value += length + (value[length] == ',');
	}
}

static void add_name(struct line *line, void *to, const char *word)
{
	struct tact_names *names = to;
	const char **array = (const char **)(uintptr_t)names->names;

	*TACT_PUSH(line->arena, array, names->count) = word;
	names->names = array;
}

void line_names(struct line *line, const char *key, struct tact_names *ret)
{
	each(line, key, add_name, ret);
}

static void add_purpose(struct line *line, void *to, const char *word)
{
	*(unsigned *)to |= 1U << line_purpose(line, word);
}

static bool add_sentiment(struct tact_limit *limit, const char *word)
{
	static const char *const words[] = {"neutral", "positive", "negative"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i], word) == 0) {
			limit->sentiments |= 1U << i;
			return true;
		}
	return false;
}

static void add_counted(struct line *line, void *to, const char *word)
{
	struct tact_limit *limit = to;

	if (!add_sentiment(limit, word))
		limit->purposes |= 1U << line_purpose(line, word);
}

static void add_channel(struct line *line, void *to, const char *word)
{
	*(unsigned *)to |= 1U << channel_of(line, word);
}

static void add_weight(struct line *line, void *to, const char *word)
{
	const char *colon = strchr(word, ':');

	if (colon == NULL)
		line_fail(line, "weight=%s: CHANNEL:NUMBER is wanted", word);
	((int64_t *)to)[channel_of(line, tact_arena_strndup(line->arena, word, (size_t)(colon - word)))] =
	    line_milli(line, colon + 1);
}

/* ---- rules -------------------------------------------------------------------------------------- */

void line_rule(struct line *line, enum tact_verdict action, struct tact_rule *ret)
{
	const char *word = line_value(line, "action");

	ret->name = line_bare(line, "the rule's name");
	ret->action = word == NULL ? action : (enum tact_verdict)line_verdict(line, word);
	ret->monitor = line_yes(line, "monitor", false);
	ret->text = line_value(line, "text");
	each(line, "for", add_purpose, &ret->applies.purposes);
	each(line, "for_streams", add_name, &ret->applies.streams);
	each(line, "for_owners", add_name, &ret->applies.owners);
	each(line, "for_brands", add_name, &ret->applies.brands);
}

/* Every zone is opened once, and closed at the end. */
static struct tact_zone *zones[32];
static size_t zones_count;

static const struct tact_zone *open_zone(const struct line *line, const char *name)
{
	for (size_t i = 0; i < zones_count; i++)
		if (strcmp(tact_zone_name(zones[i]), name) == 0)
			return zones[i];
	if (zones_count == sizeof zones / sizeof zones[0])
		line_fail(line, "too many zones");
	zones[zones_count] = tact_zone_open(name);
	if (zones[zones_count] == NULL)
		line_fail(line, "zone=%s is not known to this machine", name);
	return zones[zones_count++];
}

void table_close_zones(void)
{
	while (zones_count > 0)
		tact_zone_free(&zones[--zones_count]);
}

static void read_number(struct line *line, const char *value, struct tact_limit *limit)
{
	static const char *const periods[] = {"day", "week", "month", "quarter", "year"};
	const char *rest = strpbrk(value, "/ ");
	struct tact_error err;

	if (rest == NULL)
		line_fail(line, "\"%s\": N/LENGTH or \"N per calendar-PERIOD\" is wanted", value);
	limit->at_most_milli =
	    line_milli(line, tact_arena_strndup(line->arena, value, (size_t)(rest - value)));
	if (*rest == '/') {
		limit->window = rest + 1;
		if (tact_text_parse_duration(limit->window, &limit->window_s, &err) != TACT_OK)
			line_fail(line, "%s", err.text);
		return;
	}
	if (strcmp(rest, " since positive") == 0) {
		limit->form = TACT_LIMIT_SINCE;
		limit->window = rest + 1;
		return;
	}
	if (strncmp(rest, " per calendar-", 14) != 0)
		line_fail(line, "\"%s\": \"N per calendar-PERIOD\" is wanted", value);
	limit->window = rest + 5;
	limit->period = (enum tact_period)PICK(line, periods, rest + 14);
}

static void read_form(struct line *line, struct tact_limit *limit)
{
	const char *most = line_value(line, "at_most"), *least = line_value(line, "at_least"),
		   *zone = line_value(line, "zone");

	if ((most == NULL) == (least == NULL))
		line_fail(line, "either at_most or at_least is wanted");
	limit->zone = open_zone(line, zone == NULL ? "UTC" : zone);
	if (least != NULL) {
		limit->form = TACT_LIMIT_AT_LEAST;
		read_number(line, least, limit);
	} else if (strcmp(most, "recipient") == 0) {
		limit->form = TACT_LIMIT_RECIPIENT;
		limit->window = "";
	} else {
		read_number(line, most, limit);
	}
}

static void read_direction(struct line *line, struct tact_limit *limit)
{
	static const char *const words[] = {"", "out", "in", "any"};
	const char *word = line_value(line, "direction");

	if (word != NULL)
		limit->directions = (unsigned)PICK(line, words, word);
}

void line_limit(struct line *line, struct tact_rule *ret)
{
	static const char *const bys[] = {"any", "same-owner", "other-owner"};
	static const char *const sames[] = {"none", "stream", "owner", "brand", "campaign", "offer", "list"};
	struct tact_limit *limit = &ret->limit;
	const char *word;

	*ret = (struct tact_rule){.kind = TACT_RULE_LIMIT};
	for (size_t i = 0; i < TACT_CHANNELS; i++)
		limit->weight_milli[i] = 1000;
	line_rule(line, TACT_DELAY, ret);
	read_form(line, limit);
	read_direction(line, limit);
	limit->rest_s = line_duration_s(line, "rest", 0);
	limit->look_ahead_s = line_duration_s(line, "look_ahead", 0);
	each(line, "count", add_counted, limit);
	each(line, "channels", add_channel, &limit->channels);
	each(line, "streams", add_name, &limit->streams);
	each(line, "owners", add_name, &limit->owners);
	each(line, "brands", add_name, &limit->brands);
	each(line, "weight", add_weight, limit->weight_milli);
	word = line_value(line, "by");
	limit->by = word == NULL ? TACT_BY_ANY : (enum tact_by)PICK(line, bys, word);
	word = line_value(line, "same");
	limit->same = word == NULL ? TACT_SAME_NONE : (enum tact_same)PICK(line, sames, word);
	line_end(line);
}

static const struct tact_zone *zone_value(struct line *line)
{
	const char *zone = line_value(line, "zone");

	return open_zone(line, zone == NULL ? "UTC" : zone);
}

static void add_basis(struct line *line, void *to, const char *word)
{
	static const char *const bases[] = {"express", "implied", "soft-opt-in"};

	*(unsigned *)to |= 1U << PICK(line, bases, word);
}

static void add_expiry(struct line *line, void *to, const char *word)
{
	struct tact_consent_rule *consent = to;
	struct tact_expiry *array = (struct tact_expiry *)(uintptr_t)consent->expiries, item;
	struct tact_error err;

	if (tact_policy_parse_expiry(line->arena, word, &item, &err) != TACT_OK)
		line_fail(line, "%s: %s", word, err.text);
	*TACT_PUSH(line->arena, array, consent->expiries_count) = item;
	consent->expiries = array;
}

void line_need_consent(struct line *line, struct tact_rule *ret)
{
	*ret = (struct tact_rule){.kind = TACT_RULE_CONSENT};
	line_rule(line, TACT_REJECT, ret);
	ret->consent.zone = zone_value(line);
	each(line, "bases", add_basis, &ret->consent.bases);
	each(line, "expires_after", add_expiry, &ret->consent);
	line_end(line);
}

struct quiet_list {
	struct tact_span *spans;
	size_t spans_count;
	struct tact_date *dates;
	size_t dates_count;
};

static void add_hours(struct line *line, void *to, const char *word)
{
	struct quiet_list *list = to;
	struct tact_error err;

	if (tact_policy_parse_hours(line->arena, word, &list->spans, &list->spans_count, &err) != TACT_OK)
		line_fail(line, "%s: %s", word, err.text);
}

static void add_weekday(struct line *line, void *to, const char *word)
{
	struct quiet_list *list = to;
	struct tact_error err;
	unsigned days = 0;

	if (tact_policy_parse_weekdays(word, &days, &err) != TACT_OK)
		line_fail(line, "%s: %s", word, err.text);
	for (int i = 0; i < 7; i++)
		if (days >> i & 1)
			*TACT_PUSH(line->arena, list->spans, list->spans_count) =
			    (struct tact_span){i * 1440, (i + 1) * 1440};
}

static void add_holiday(struct line *line, void *to, const char *word)
{
	struct quiet_list *list = to;

	if (tact_policy_parse_date(word, TACT_PUSH(line->arena, list->dates, list->dates_count)) != TACT_OK)
		line_fail(line, "%s is no date", word);
}

void line_quiet_hours(struct line *line, struct tact_rule *ret)
{
	struct quiet_list list = {NULL, 0, NULL, 0};

	*ret = (struct tact_rule){.kind = TACT_RULE_QUIET_HOURS};
	line_rule(line, TACT_DELAY, ret);
	ret->quiet_hours.zone = zone_value(line);
	each(line, "hours", add_hours, &list);
	each(line, "days", add_weekday, &list);
	each(line, "holidays", add_holiday, &list);
	if (list.dates_count > 0)
		qsort(list.dates, list.dates_count, sizeof *list.dates, tact_policy_compare_dates);
	ret->quiet_hours.spans_count = tact_policy_join_spans(list.spans, list.spans_count);
	ret->quiet_hours.spans = list.spans;
	ret->quiet_hours.holidays = list.dates;
	ret->quiet_hours.holidays_count = list.dates_count;
	line_end(line);
}

void line_on_occasion(struct line *line, struct tact_rule *ret)
{
	static const char *const leaps[] = {"before", "after"}, *const unknowns[] = {"reject", "accept"};
	const char *word;

	*ret = (struct tact_rule){.kind = TACT_RULE_OCCASION};
	line_rule(line, TACT_DELAY, ret);
	ret->occasion.zone = zone_value(line);
	each(line, "occasions", add_name, &ret->occasion.occasions);
	word = line_value(line, "leap_day");
	ret->occasion.leap_day_after = word != NULL && PICK(line, leaps, word) == 1;
	word = line_value(line, "unknown");
	ret->occasion.accept_unknown = word != NULL && PICK(line, unknowns, word) == 1;
	line_end(line);
}

void line_territory(struct line *line, struct tact_rule *ret)
{
	static const char *const unknowns[] = {"accept", "reject"};
	const char *word;

	*ret = (struct tact_rule){.kind = TACT_RULE_TERRITORY};
	line_rule(line, TACT_REJECT, ret);
	word = line_value(line, "unknown");
	ret->territory.reject_unknown = word != NULL && PICK(line, unknowns, word) == 1;
	line_end(line);
}

void line_owner(struct line *line, struct tact_owner *ret)
{
	ret->name = line_bare(line, "the owner's name");
	ret->local = line_yes(line, "local", false);
	ret->sensitive = line_yes(line, "sensitive", false);
	line_end(line);
}

void line_profile(struct line *line, struct tact_profile *ret)
{
	ret->zone = value_or_empty(line, "zone");
	ret->home_owner = value_or_empty(line, "home");
	ret->own_limit = value_or_empty(line, "own_limit");
	line_end(line);
}

/* With or without the year. */
void line_date(struct line *line, struct tact_occasion *ret)
{
	struct tact_date date;
	const char *text;

	ret->name = line_bare(line, "the occasion's name");
	text = line_bare(line, "the date");
	if (tact_policy_parse_date(text, &date) != TACT_OK &&
	    sscanf(text, "%d-%d-%d", &date.year, &date.month, &date.day) != 3)
		line_fail(line, "%s is no date", text);
	ret->year = date.year;
	ret->month = date.month;
	ret->day = date.day;
	line_end(line);
}

void line_suppression(struct line *line, struct tact_rule *ret)
{
	*ret = (struct tact_rule){.kind = TACT_RULE_SUPPRESSION};
	line_rule(line, TACT_REJECT, ret);
	line_end(line);
}

/* "0.3%" in thousandths of a percent; -1 when it is not said. */
static int64_t read_percent(struct line *line, const char *key)
{
	const char *value = line_value(line, key);
	size_t length = value != NULL ? strlen(value) : 0;

	if (value == NULL)
		return -1;
	if (length < 2 || value[length - 1] != '%')
		line_fail(line, "%s=%s: a percentage is wanted", key, value);
	return line_milli(line, tact_arena_strndup(line->arena, value, length - 1));
}

void line_breaker(struct line *line, struct tact_rule *ret)
{
	static const char *const abouts[] = {"rates", "paused", "cancelled"};
	const char *about = line_value(line, "about");

	*ret = (struct tact_rule){.kind = TACT_RULE_BREAKER};
	line_rule(line, TACT_REJECT, ret);
	ret->breaker = (struct tact_breaker){
	    .about = about == NULL ? TACT_BREAKER_RATES : (enum tact_breaker_about)PICK(line, abouts, about),
	    .complaints_milli = read_percent(line, "complaints"),
	    .unsubscribes_milli = read_percent(line, "unsubscribes"),
	    .bounces_milli = read_percent(line, "bounces"),
	    .at_least = line_int(line, "at_least", 1),
	    .window_s = line_duration_s(line, "window", 0),
	};
	line_end(line);
}

/* ---- campaigns ---------------------------------------------------------------------------------- */

void line_campaign(struct line *line, struct tact_campaign_view *ret)
{
	static const char *const states[] = {"planned", "running", "paused", "cancelled", "done"};
	struct tact_campaign *record = &ret->record;
	const char *state = line_value(line, "state"), *tripped = line_value(line, "tripped_by");

	record->name = line_bare(line, "the campaign's name");
	record->state =
	    state == NULL ? TACT_CAMPAIGN_RUNNING : (enum tact_campaign_state)PICK(line, states, state);
	record->stream = record->owner = record->brand = record->offer = "";
	record->made_us = 1;
	record->by = value_or_empty(line, "by");
	record->why = value_or_empty(line, "why");
	record->changed_us = line_time(line, "changed", 1);
	record->tripped_by = tripped == NULL ? "" : tripped;
	record->tripped_us = line_time(line, "tripped", tripped == NULL ? 0 : 1);
	record->tripped_why = value_or_empty(line, "tripped_why");
	record->resumed_us = line_time(line, "resumed", 0);
	record->resumed_at = (struct tact_campaign_health){
	    .sent = line_int(line, "sent", 0), .complaints = line_int(line, "complaints", 0)};
	line_end(line);
}

/* counted NAME at=TIME sent= complaints= unsubscribes= bounces= */
const char *line_counted(struct line *line, int64_t *ret_hour, struct tact_campaign_health *ret)
{
	const char *name = line_bare(line, "the campaign's name");

	*ret_hour = line_time(line, "at", 0) / INT64_C(3600000000);
	*ret = (struct tact_campaign_health){.sent = line_int(line, "sent", 0),
	    .complaints = line_int(line, "complaints", 0),
	    .unsubscribes = line_int(line, "unsubscribes", 0),
	    .bounces = line_int(line, "bounces", 0)};
	line_end(line);
	return name;
}

/* ---- facts and records -------------------------------------------------------------------------- */

void line_facts(struct line *line, struct tact_facts *ret)
{
	const char *channel = line_value(line, "channel");

	ret->purpose = line_purpose(line, line_bare(line, "the purpose"));
	ret->stream = value_or_empty(line, "stream");
	ret->owner = value_or_empty(line, "owner");
	ret->brand = value_or_empty(line, "brand");
	ret->campaign = value_or_empty(line, "campaign");
	ret->offer = value_or_empty(line, "offer");
	ret->list = value_or_empty(line, "list");
	ret->occasion = value_or_empty(line, "occasion");
	ret->channel = channel == NULL ? TACT_EMAIL : channel_of(line, channel);
	ret->priority = (int)line_int(line, "priority", 100);
	ret->exempt = line_yes(line, "exempt", false);
	ret->counts = line_yes(line, "counts", true);
}

void line_contact(struct line *line, struct tact_contact *ret)
{
	struct tact_facts facts;
	static const char *const sentiments[] = {"neutral", "positive", "negative"};
	const char *direction = line_value(line, "direction"), *sentiment = line_value(line, "sentiment");

	*ret = (struct tact_contact){.id = id_of_name(value_or_empty(line, "id"))};
	ret->direction = direction != NULL && strcmp(direction, "in") == 0 ? TACT_IN : TACT_OUT;
	if (sentiment != NULL)
		ret->sentiment = (enum tact_sentiment)PICK(line, sentiments, sentiment);
	ret->time_us = line_parse_time(line, line_bare(line, "the time"));
	ret->span_us = line_duration_s(line, "span", 0) * 1000000;
	ret->count = (uint32_t)line_int(line, "times", 1);
	line_facts(line, &facts);
	ret->channel = facts.channel;
	ret->purpose = facts.purpose;
	ret->stream = facts.stream;
	ret->owner = facts.owner;
	ret->brand = facts.brand;
	ret->campaign = facts.campaign;
	ret->offer = facts.offer;
	ret->list = facts.list;
	ret->counts = facts.counts;
	line_end(line);
}

void line_claim(struct line *line, struct tact_claim *ret)
{
	static const char *const states[] = {
	    "waiting", "review", "refused", "passing", "passed", "withdrawn", "bounced"};
	const char *state = line_value(line, "state");

	*ret = (struct tact_claim){.relay = "", .text = "", .code = ""};
	ret->id = id_of_name(line_bare(line, "the claim's name"));
	ret->contact_id = id_of_name(value_or_empty(line, "contact"));
	ret->state = state == NULL ? TACT_CLAIM_WAITING : (enum tact_claim_state)PICK(line, states, state);
	ret->planned = line_yes(line, "planned", false);
	ret->asked_us = line_time(line, "at", 0);
	ret->rank_us = line_time(line, "rank", 0);
	ret->tempfail = line_yes(line, "tempfail", false);
	ret->ring = value_or_empty(line, "ring");
	ret->made_us = line_time(line, "made", 0);
	ret->not_after_us = line_time(line, "not_after", ret->made_us + FAR_US);
	ret->done_us = line_time(line, "done", 0);
	ret->firm_us = line_time(line, "firm", 0);
	ret->contact_us = line_time(line, "left", 0);
	ret->firm = ret->firm_us != 0;
	line_facts(line, &ret->facts);
	ret->priority = ret->facts.priority;
	line_end(line);
}

void line_suppress(struct line *line, struct tact_suppression *ret)
{
	struct tact_error err;

	*ret = (struct tact_suppression){.id = id_of_name(value_or_empty(line, "id")),
	    .source = "",
	    .note = "",
	    .ended_by = "",
	    .ended_why = ""};
	if (tact_dossier_parse_scope(line->arena, line_bare(line, "the scope"), &ret->scope, &err) != TACT_OK)
		line_fail(line, "%s", err.text);
	if (tact_dossier_parse_reason(line_bare(line, "the reason"), &ret->reason) != TACT_OK)
		line_fail(line, "not a reason");
	ret->time_us = line_time(line, "at", 0);
	ret->until_us = line_time(line, "until", 0);
	ret->ended_us = line_time(line, "ended", 0);
	each(line, "purposes", add_purpose, &ret->purposes);
	line_end(line);
}

void line_consent(struct line *line, struct tact_consent *ret)
{
	static const char *const bases[] = {"express", "implied", "soft-opt-in"};
	struct tact_error err;

	*ret = (struct tact_consent){.id = id_of_name(value_or_empty(line, "id")),
	    .source = value_or_empty(line, "source"),
	    .proof = "",
	    .ended_by = "",
	    .ended_why = ""};
	ret->basis = (enum tact_basis)PICK(line, bases, line_bare(line, "the basis"));
	if (tact_dossier_parse_scope(line->arena, line_bare(line, "the scope"), &ret->scope, &err) != TACT_OK)
		line_fail(line, "%s", err.text);
	ret->time_us = line_time(line, "at", 0);
	ret->until_us = line_time(line, "until", 0);
	ret->ended_us = line_time(line, "ended", 0);
	ret->imported = line_yes(line, "imported", false);
	line_end(line);
}
