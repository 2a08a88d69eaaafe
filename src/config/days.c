/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How the values that only some kinds of rules have are read and written: bases and lengths of permissions,
 * hours, days, dates and the file of holidays.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"
#include "values.h"

#define DATES_MOST 10000
#define DAY_MINUTES 1440

static size_t *count_of(const struct row *row, void *target)
{
	return (size_t *)((char *)target - row->offset + row->count_offset);
}

static size_t fetch_count(const struct row *row, const void *target)
{
	return *(const size_t *)((const char *)target - row->offset + row->count_offset);
}

/* {a, b}, of parts that are written as they must stand. */
static const char *add_part(struct tact_arena *arena, const char *list, const char *part)
{
	if (list == NULL)
		return tact_arena_printf(arena, "{%s}", part);
	return tact_arena_printf(arena, "%.*s, %s}", (int)strlen(list) - 1, list, part);
}

/* ---- permissions ----------------------------------------------------------------------------------------
 */

static void parse_bases(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	enum tact_basis basis;
	for (size_t i = 0; i < entry->count; i++)
		if (tact_dossier_parse_basis(entry->values[i], &basis) != TACT_OK)
			tact_config_refuse(build, row, entry, entry->values[i], "not a basis");
		else
			*(unsigned *)target |= 1U << (unsigned)basis;
}

static const char *print_bases(struct tact_arena *arena, const struct row *row, const void *target)
{
	const char *list = NULL;
	(void)row;
	for (unsigned i = 0; i < TACT_BASES; i++)
		if (*(const unsigned *)target >> i & 1)
			list = add_part(arena, list, tact_dossier_basis_name((enum tact_basis)i));
	return list;
}

static bool has_expiry(const struct tact_expiry *items, size_t count, const struct tact_expiry *other)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].basis == other->basis &&
		    (items[i].source == NULL || other->source == NULL
			    ? items[i].source == other->source
			    : tact_text_equal_nocase(items[i].source, other->source)))
			return true;
	return false;
}

static void parse_expiries(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_arena *arena = build->reading->arena;
	struct tact_expiry *items = NULL, item;
	struct tact_error err;
	size_t count = 0;
	for (size_t i = 0; i < entry->count; i++)
		if (tact_policy_parse_expiry(arena, entry->values[i], &item, &err) != TACT_OK)
			tact_config_refuse(build, row, entry, entry->values[i], err.text);
		else if (has_expiry(items, count, &item))
			tact_config_refuse(
			    build, row, entry, entry->values[i], "a second length for the same");
		else
			*TACT_PUSH(arena, items, count) = item;
	*(struct tact_expiry **)target = items;
	*count_of(row, target) = count;
}

static const char *print_expiries(struct tact_arena *arena, const struct row *row, const void *target)
{
	const struct tact_expiry *items = *(const struct tact_expiry *const *)target;
	const char *list = NULL;
	for (size_t i = 0; i < fetch_count(row, target); i++)
		list = add_part(
		    arena, list, tact_config_quote(arena, tact_policy_format_expiry(arena, &items[i])));
	return list;
}

/* ---- hours and days --------------------------------------------------------------------------------------
 */

static void parse_hours(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_arena *arena = build->reading->arena;
	const char **items = NULL;
	size_t count = 0, spans_count = 0;
	struct tact_span *spans = NULL;
	struct tact_error err;
	for (size_t i = 0; i < entry->count; i++)
		if (tact_policy_parse_hours(arena, entry->values[i], &spans, &spans_count, &err) != TACT_OK)
			tact_config_refuse(build, row, entry, entry->values[i], err.text);
		else
			*TACT_PUSH(arena, items, count) = tact_arena_strdup(arena, entry->values[i]);
	*(const char ***)target = items;
	*count_of(row, target) = count;
}

static const char *print_hours(struct tact_arena *arena, const struct row *row, const void *target)
{
	const char *const *items = *(const char *const *const *)target, *list = NULL;
	for (size_t i = 0; i < fetch_count(row, target); i++)
		list = add_part(arena, list, tact_config_quote(arena, items[i]));
	return list;
}

static void parse_weekdays(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_error err;
	for (size_t i = 0; i < entry->count; i++)
		if (tact_policy_parse_weekdays(entry->values[i], target, &err) != TACT_OK)
			tact_config_refuse(build, row, entry, entry->values[i], err.text);
}

static const char *print_weekdays(struct tact_arena *arena, const struct row *row, const void *target)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	const char *list = NULL;
	(void)row;
	for (unsigned i = 0; i < 7; i++)
		if (*(const unsigned *)target >> i & 1)
			list = add_part(arena, list, names[i]);
	return list;
}

/* ---- dates -----------------------------------------------------------------------------------------------
 */

static void parse_dates(struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	struct tact_date *items = NULL, item;
	size_t count = 0;
	for (size_t i = 0; i < entry->count; i++)
		if (tact_policy_parse_date(entry->values[i], &item) != TACT_OK)
			tact_config_refuse(build, row, entry, entry->values[i], "not a date");
		else
			*TACT_PUSH(build->reading->arena, items, count) = item;
	*(struct tact_date **)target = items;
	*count_of(row, target) = count;
}

/* Those of the file too, by then: what is in effect must not hang on a file that changes. */
static const char *print_dates(struct tact_arena *arena, const struct row *row, const void *target)
{
	const struct tact_date *items = *(const struct tact_date *const *)target;
	size_t count = fetch_count(row, target);
	char *list = tact_arena_alloc(arena, count * sizeof "\"2026-12-25\", " + 3), *to = list;
	for (size_t i = 0; i < count; i++) {
		char date[16] = "";
		if (items[i].year == 0)
			(void)snprintf(date, sizeof date, "%02d-%02d", items[i].month, items[i].day);
		else
			(void)snprintf(
			    date, sizeof date, "%04d-%02d-%02d", items[i].year, items[i].month, items[i].day);
		to = stpcpy(stpcpy(stpcpy(to, i > 0 ? ", \"" : "{\""), date), "\"");
	}
	(void)stpcpy(to, "}");
	return count == 0 ? NULL : list;
}

static void parse_dates_file(
    struct build *build, const struct row *row, const struct entry *entry, void *target)
{
	if (*entry->values[0] != '\0')
		tact_config_type_path.parse(build, row, entry, target);
}

static const char *print_dates_file(struct tact_arena *arena, const struct row *row, const void *target)
{
	(void)arena;
	(void)row;
	(void)target;
	return NULL;
}

/* ---- the file of holidays --------------------------------------------------------------------------------
 */

struct holidays {
	struct reading *reading;
	int line; /* of the option */
	const char *path;
	struct tact_date *dates;
	size_t count;
};

/* A date, and what anybody likes to write behind a blank: the holiday's name. */
static void add_line(struct holidays *holidays, char *line, int number)
{
	struct tact_arena *arena = holidays->reading->arena;
	struct tact_date date;
	char *text = tact_text_trim(arena, line);
	if (*text == '\0' || *text == '#')
		return;
	text[strcspn(text, " \t")] = '\0';
	if (tact_policy_parse_date(text, &date) != TACT_OK)
		tact_config_mistake_in(holidays->reading, holidays->line, holidays->path, number,
		    "\"%s\" is not a date; write MM-DD for every year or YYYY-MM-DD for one",
		    tact_config_show(holidays->reading, text));
	else if (holidays->count < DATES_MOST)
		*TACT_PUSH(arena, holidays->dates, holidays->count) = date;
	else
		tact_config_mistake_in(holidays->reading, holidays->line, holidays->path, number,
		    "more than %d dates; is this the right file?", DATES_MOST);
}

struct line {
	char text[512]; /* the beginning of one that is longer than any date and name */
	bool has_nul;
};

/* False at the end of the file. What stands behind a NUL is not read: it is no text that anybody wrote. */
static bool read_line(FILE *file, struct line *ret)
{
	size_t length = 0;
	int c = getc(file);
	bool any = c != EOF;
	for (; c != EOF && c != '\n' && c != '\0'; c = getc(file))
		if (length < sizeof ret->text - 1)
			ret->text[length++] = (char)c;
	ret->text[length] = '\0';
	ret->has_nul = c == '\0';
	return any;
}

static void take_line(struct holidays *holidays, struct line *line, int number)
{
	bool marked = number == 1 && strncmp(line->text, "\xef\xbb\xbf", 3) == 0;
	if (line->has_nul)
		tact_config_mistake_in(holidays->reading, holidays->line, holidays->path, number,
		    "there is a NUL byte here; write the file in UTF-8, without control characters");
	else
		add_line(holidays, line->text + (marked ? 3 : 0), number);
}

/* Whether it does not pass by itself, as a shortage or a disk that stumbles may. */
static bool is_for_good(int error)
{
	return error == ENOENT || error == EACCES || error == EISDIR || error == ENOTDIR || error == ELOOP ||
	       error == ENAMETOOLONG;
}

static void report_unread(const struct holidays *holidays, int error)
{
	struct reading *reading = holidays->reading;
	reading->passing_count += !is_for_good(error);
	tact_config_mistake(reading, holidays->line, "holidays_file: %s cannot be read: %s%s",
	    tact_config_show(reading, holidays->path), strerror(error),
	    is_for_good(error) ? "; name another, or leave the option out" : "");
}

static void read_holidays(struct holidays *holidays)
{
	FILE *file = fopen(holidays->path, "re");
	struct line line = {.has_nul = false};
	int number = 0;
	size_t mistakes = holidays->reading->mistakes_count;
	if (file == NULL) {
		report_unread(holidays, errno);
		return;
	}
	/* A hundred mistakes tell enough. */
	while (!line.has_nul && holidays->reading->mistakes_count < mistakes + 100 && read_line(file, &line))
		take_line(holidays, &line, ++number);
	if (ferror(file))
		report_unread(holidays, errno);
	fclose(file);
}

static void sort_holidays(struct tact_date *dates, size_t *count)
{
	size_t kept = 0;
	if (*count > 0)
		qsort(dates, *count, sizeof *dates, tact_policy_compare_dates);
	for (size_t i = 0; i < *count; i++)
		if (kept == 0 || tact_policy_compare_dates(&dates[kept - 1], &dates[i]) != 0)
			dates[kept++] = dates[i];
	*count = kept;
}

static void gather_holidays(
    struct build *build, const struct section *section, struct tact_quiet_hours *quiet)
{
	struct holidays holidays = {.reading = build->reading,
	    .line = tact_config_line(section, "holidays_file"),
	    .path = quiet->holidays_file};
	for (size_t i = 0; i < quiet->holidays_count; i++)
		*TACT_PUSH(build->reading->arena, holidays.dates, holidays.count) = quiet->holidays[i];
	if (holidays.path != NULL) {
		build->whole->config.reads_files = true;
		read_holidays(&holidays);
	}
	sort_holidays(holidays.dates, &holidays.count);
	quiet->holidays = holidays.dates;
	quiet->holidays_count = holidays.count;
}

/* ---- all together ----------------------------------------------------------------------------------------
 */

static void put_spans_together(struct tact_arena *arena, struct tact_quiet_hours *quiet)
{
	struct tact_span *spans = NULL;
	size_t count = 0;
	for (size_t i = 0; i < quiet->hours.count; i++)
		(void)tact_policy_parse_hours(arena, quiet->hours.names[i], &spans, &count, NULL);
	for (int day = 0; day < 7; day++)
		if (quiet->days >> day & 1)
			*TACT_PUSH(arena, spans, count) =
			    (struct tact_span){day * DAY_MINUTES, (day + 1) * DAY_MINUTES};
	quiet->spans_count = tact_policy_join_spans(spans, count);
	quiet->spans = spans;
}

static bool says_when(const struct section *section)
{
	return tact_config_entry(section, "hours") != NULL || tact_config_entry(section, "days") != NULL ||
	       tact_config_entry(section, "holidays") != NULL ||
	       tact_config_entry(section, "holidays_file") != NULL;
}

void tact_config_finish_quiet_hours(
    struct build *build, const struct section *section, struct tact_quiet_hours *quiet)
{
	gather_holidays(build, section, quiet);
	put_spans_together(build->reading->arena, quiet);
	bool nothing = quiet->spans_count == 0 && quiet->holidays_count == 0;
	/* What is written and wrong is told already. */
	if (nothing && !build->reading->stopped &&
	    (!says_when(section) || build->reading->mistakes_count == 0))
		tact_config_mistake(build->reading, section->line,
		    "quiet_hours \"%s\" is never quiet; write hours, days, holidays or holidays_file",
		    section->title);
	else if (tact_policy_is_always_quiet(quiet))
		tact_config_mistake(build->reading, section->line,
		    "quiet_hours \"%s\" is quiet all year long; leave some time to send in", section->title);
}

const struct value_type tact_config_type_bases = {true, parse_bases, print_bases};
const struct value_type tact_config_type_expiries = {true, parse_expiries, print_expiries};
const struct value_type tact_config_type_hours = {true, parse_hours, print_hours};
const struct value_type tact_config_type_weekdays = {true, parse_weekdays, print_weekdays};
const struct value_type tact_config_type_dates = {true, parse_dates, print_dates};
const struct value_type tact_config_type_dates_file = {false, parse_dates_file, print_dates_file};
