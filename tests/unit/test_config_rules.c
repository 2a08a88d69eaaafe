/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The kinds of rules that ask who the recipient is and when: consent, quiet_hours, occasion, territory. Their
 * values, their mistakes, the file of holidays.
 */
#include <config.h>

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <tact/config.h>

#define LISTENER "listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }\n"

#define want_int(what, got, want)                                                                            \
	do {                                                                                                 \
		int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                                      \
		ck_assert_msg(got_ == want_, "%s: got %" PRId64 ", want %" PRId64, (what), got_, want_);     \
	} while (0)
#define want_text(what, got, want)                                                                           \
	do {                                                                                                 \
		const char *got_ = (got), *want_ = (want);                                                   \
		ck_assert_msg(got_ != NULL && strcmp(got_, want_) == 0, "%s: got \"%s\", want \"%s\"",       \
		    (what), got_ != NULL ? got_ : "(null)", want_);                                          \
	} while (0)

static struct tact_arena *arena;
static char folder[] = "/tmp/test_config_rules.XXXXXX";

static void setup(void)
{
	arena = tact_arena_new();
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
	(void)unlink(tact_arena_printf(arena, "%s/holidays", folder));
	(void)rmdir(folder);
	tact_arena_free(&arena);
}

static struct tact_config *load(const char *text)
{
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *config = NULL;
	int result = tact_config_load("f", text, &config, &mistakes);
	ck_assert_msg(result == TACT_OK, "of\n%.500s\ngot %s: %s", text, tact_result_name(result),
	    mistakes.count > 0 ? mistakes.texts[0] : "no mistake");
	return config;
}

/* The rule of the configuration that was written, the built-in suppression being the first, two
 * breakers the last. */
static const struct tact_rule *written(const struct tact_config *config)
{
	want_int("rules", config->rules.rules_count, 4);
	return &config->rules.rules[1];
}

static char *mistakes_of(const char *text)
{
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *config = NULL;
	int result = tact_config_load("f", text, &config, &mistakes);
	char *all = tact_arena_strdup(arena, "");
	ck_assert_msg((result == TACT_OK) == (mistakes.count == 0), "%s: got %s with %zu mistakes", text,
	    tact_result_name(result), mistakes.count);
	for (size_t i = 0; i < mistakes.count; i++)
		all = tact_arena_printf(arena, "%s%s%s", all, i > 0 ? "\n" : "", mistakes.texts[i]);
	tact_config_free(&config);
	return all;
}

#define UNASKED (1 << TACT_PROMOTIONAL | 1 << TACT_NEWSLETTER | 1 << TACT_APPRECIATION | 1 << TACT_OCCASION)

/* ---- values ----------------------------------------------------------------------------------------------
 */

START_TEST(defaults)
{
	struct tact_config *config = load(LISTENER "zone = \"Europe/London\"\nconsent \"c\" { }\n");
	const struct tact_rule *rule = written(config);
	want_int("kind", rule->kind, TACT_RULE_CONSENT);
	want_int("action", rule->action, TACT_REJECT);
	want_int("purposes", rule->applies.purposes, UNASKED);
	want_int("bases", rule->consent.bases, 7);
	want_int("expires_after", rule->consent.expiries_count, 0);
	want_text("zone", tact_zone_name(rule->consent.zone), "Europe/London");
	tact_config_free(&config);

	config = load(LISTENER "zone = \"Europe/London\"\nquiet_hours \"q\" { days = sun }\n");
	rule = written(config);
	want_int("kind", rule->kind, TACT_RULE_QUIET_HOURS);
	want_int("action", rule->action, TACT_DELAY);
	want_int("purposes", rule->applies.purposes, UNASKED);
	want_int("holidays", rule->quiet_hours.holidays_count, 0);
	want_text("zone", tact_zone_name(rule->quiet_hours.zone), "Europe/London");
	tact_config_free(&config);

	config = load(LISTENER "zone = \"Europe/London\"\noccasion \"o\" { }\n");
	rule = written(config);
	want_int("kind", rule->kind, TACT_RULE_OCCASION);
	want_int("action", rule->action, TACT_DELAY);
	want_int("purposes", rule->applies.purposes, 1 << TACT_OCCASION);
	want_int("occasions", rule->occasion.occasions.count, 0);
	want_int("leap_day", rule->occasion.leap_day_after, false);
	want_int("unknown", rule->occasion.accept_unknown, false);
	want_text("zone", tact_zone_name(rule->occasion.zone), "Europe/London");
	tact_config_free(&config);

	config = load(LISTENER "territory \"t\" { }\nowner \"a\" { }\n");
	rule = written(config);
	want_int("kind", rule->kind, TACT_RULE_TERRITORY);
	want_int("action", rule->action, TACT_REJECT);
	want_int("purposes", rule->applies.purposes, UNASKED);
	want_int("unknown", rule->territory.reject_unknown, false);
	want_int("local", config->rules.owners[0].local, false);
	want_int("sensitive", config->rules.owners[0].sensitive, false);
	tact_config_free(&config);
}
END_TEST

START_TEST(values)
{
	struct tact_config *config = load(LISTENER
	    "consent \"c\" { bases = {implied, express} zone = \"America/Toronto\" purposes = personal "
	    "expires_after = {\"implied:purchase = 2 calendar-years\", \" implied : an inquiry=180d\", "
	    "\"express = 1 calendar-quarter\"} }\n");
	const struct tact_consent_rule *consent = &written(config)->consent;
	want_int("purposes", written(config)->applies.purposes, 1 << TACT_PERSONAL);
	want_int("bases", consent->bases, 1 << TACT_EXPRESS | 1 << TACT_IMPLIED);
	want_text("zone", tact_zone_name(consent->zone), "America/Toronto");
	want_int("expires_after", consent->expiries_count, 3);
	want_int("basis", consent->expiries[0].basis, TACT_IMPLIED);
	want_text("source", consent->expiries[0].source, "purchase");
	want_int("period", consent->expiries[0].period, TACT_YEAR);
	want_int("periods", consent->expiries[0].periods, 2);
	want_int("length", consent->expiries[0].length_s, 0);
	want_int("length", consent->expiries[1].length_s, 180 * 86400);
	want_int("periods", consent->expiries[1].periods, 0);
	want_int("basis", consent->expiries[2].basis, TACT_EXPRESS);
	ck_assert_ptr_null(consent->expiries[2].source);
	want_int("period", consent->expiries[2].period, TACT_QUARTER);
	tact_config_free(&config);

	config = load(
	    LISTENER "occasion \"o\" { occasions = {birthday, name-day} leap_day = after unknown = accept "
		     "zone = \"Asia/Tokyo\" action = quarantine }\n"
		     "stream \"s\" { purpose = occasion occasion = birthday }\n"
		     "owner \"clinic\" { sensitive = yes }\nowner \"leeds\" { local = yes }\n");
	const struct tact_rule *rule = written(config);
	want_int("action", rule->action, TACT_QUARANTINE);
	want_text("occasions", rule->occasion.occasions.names[1], "name-day");
	want_int("leap_day", rule->occasion.leap_day_after, true);
	want_int("unknown", rule->occasion.accept_unknown, true);
	want_text("zone", tact_zone_name(rule->occasion.zone), "Asia/Tokyo");
	want_text("stream", config->rules.streams.streams[0].occasion, "birthday");
	want_int("owners", config->rules.owners_count, 2);
	want_text("owner", config->rules.owners[0].name, "clinic");
	want_int("sensitive", config->rules.owners[0].sensitive, true);
	want_int("local", config->rules.owners[1].local, true);
	tact_config_free(&config);

	config = load(LISTENER "territory \"t\" { unknown = reject action = quarantine }\n");
	want_int("unknown", written(config)->territory.reject_unknown, true);
	want_int("action", written(config)->action, TACT_QUARANTINE);
	tact_config_free(&config);
}
END_TEST

static const char *spans_of(const char *options)
{
	struct tact_config *config =
	    load(tact_arena_printf(arena, LISTENER "quiet_hours \"q\" { %s }\n", options));
	const struct tact_quiet_hours *quiet = &written(config)->quiet_hours;
	char *text = tact_arena_strdup(arena, "");
	for (size_t i = 0; i < quiet->spans_count; i++)
		text = tact_arena_printf(arena, "%s%s%d-%d", text, i > 0 ? " " : "",
		    quiet->spans[i].from_minute, quiet->spans[i].to_minute);
	tact_config_free(&config);
	return text;
}

/* Minutes since Monday 00:00. */
START_TEST(hours_and_days)
{
	static const struct {
		const char *options, *want;
	} rows[] = {
	    {"hours = {\"mon 08:00-09:00\"}", "480-540"},
	    {"hours = {\"mon 23:00-01:00\"}", "1380-1500"},
	    {"hours = {\"sun 23:00-01:00\"}", "0-60 10020-10080"},
	    {"hours = {\"mon 00:00-24:00\"}", "0-1440"},
	    {"hours = {\"mon 23:00-00:00\"}", "1380-1440"},
	    {"hours = {\"mon 23:00-24:00\"}", "1380-1440"},
	    {"hours = {\"mon 08:00-10:00\", \"mon 09:00-11:00\", \"mon 11:00-12:00\", \"mon 13:00-14:00\"}",
		"480-720 780-840"},
	    {"days = sat", "7200-8640"},
	    {"days = {sat, sun}", "7200-10080"},
	    {"days = sun-mon", "0-1440 8640-10080"},
	    {"days = {sat, sun} hours = {\"fri 18:00-24:00\"}", "6840-10080"},
	    {"hours = {\"sat-sun 12:00-13:00\"}", "7920-7980 9360-9420"},
	    {"hours = \"00:00-00:01\"", "0-1 1440-1441 2880-2881 4320-4321 5760-5761 7200-7201 8640-8641"},
	    {"days = mon-sat hours = \"sun 00:00-23:59\"", "0-10079"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		want_text(rows[i].options, spans_of(rows[i].options), rows[i].want);
}
END_TEST

/* ---- mistakes --------------------------------------------------------------------------------------------
 */

/* clang-format off */
#define HOURS "write \"HH:MM-HH:MM\", if need be behind days: \"mon-fri 20:00-07:30\""
#define DAYS "write mon, tue, wed, thu, fri, sat or sun"
#define DATES "write \"MM-DD\" for every year or \"YYYY-MM-DD\" for one"
#define LENGTHS "write \"BASIS = LENGTH\" or \"BASIS:SOURCE = LENGTH\", a duration or \"N calendar-days\", weeks, months, quarters or years"
static const struct {
	const char *text, *want;
} mistakes[] = {
    {"quiet_hours \"q\" { }\n", "f:1: quiet_hours \"q\" is never quiet; write hours, days, holidays or holidays_file"},
    {"quiet_hours \"q\" { holidays_file = \"\" }\n", "f:1: quiet_hours \"q\" is never quiet; write hours, days, holidays or holidays_file"},
    {"quiet_hours \"q\" { holidays_file = \"/dev/null\" }\n", "f:1: quiet_hours \"q\" is never quiet; write hours, days, holidays or holidays_file"},
    {"quiet_hours \"q\" { days = mon-sun }\n", "f:1: quiet_hours \"q\" is quiet all year long; leave some time to send in"},
    {"quiet_hours \"q\" { days = wed-tue }\n", "f:1: quiet_hours \"q\" is quiet all year long; leave some time to send in"},
    {"quiet_hours \"q\" { hours = {\"00:00-12:00\", \"12:00-24:00\"} }\n", "f:1: quiet_hours \"q\" is quiet all year long; leave some time to send in"},
    {"quiet_hours \"q\" { hours = \"9-17\" }\n", "f:1: hours: \"9-17\" is without hours such as 21:00-08:00; " HOURS},
    {"quiet_hours \"q\" { hours = \"25:00-08:00\" }\n", "f:1: hours: \"25:00-08:00\" is without hours such as 21:00-08:00; " HOURS},
    {"quiet_hours \"q\" { hours = \"24:00-08:00\" }\n", "f:1: hours: \"24:00-08:00\" is without hours such as 21:00-08:00; " HOURS},
    {"quiet_hours \"q\" { hours = \"21:00-24:01\" }\n", "f:1: hours: \"21:00-24:01\" is without hours such as 21:00-08:00; " HOURS},
    {"quiet_hours \"q\" { hours = \"21:60-08:00\" }\n", "f:1: hours: \"21:60-08:00\" is without hours such as 21:00-08:00; " HOURS},
    {"quiet_hours \"q\" { hours = \"21:00-08:000\" }\n", "f:1: hours: \"21:00-08:000\" is without hours such as 21:00-08:00; " HOURS},
    {"quiet_hours \"q\" { hours = \"+1:00-08:00\" }\n", "f:1: hours: \"+1:00-08:00\" is without hours such as 21:00-08:00; " HOURS},
    {"quiet_hours \"q\" { hours = \"08:00-08:00\" }\n", "f:1: hours: \"08:00-08:00\" is no time, or all day: it begins when it ends; " HOURS},
    {"quiet_hours \"q\" { hours = \"day 08:00-09:00\" }\n", "f:1: hours: \"day 08:00-09:00\" is not a day of the week such as sat or mon-fri; " HOURS},
    {"quiet_hours \"q\" { hours = \"mon,tue 08:00-09:00\" }\n", "f:1: hours: \"mon,tue 08:00-09:00\" is not a day of the week such as sat or mon-fri; " HOURS},
    {"quiet_hours \"q\" { hours = \"mon  08:00-09:00\" }\n", "f:1: hours: \"mon  08:00-09:00\" is without hours such as 21:00-08:00; " HOURS},
    {"quiet_hours \"q\" { days = {sat, saturday, sat-, Mon} }\n",
	"f:1: days: \"saturday\" is not a day of the week such as sat or mon-fri; " DAYS "\n"
	"f:1: days: \"sat-\" is not a day of the week such as sat or mon-fri; " DAYS "\n"
	"f:1: days: \"Mon\" is not a day of the week such as sat or mon-fri; " DAYS},
    {"quiet_hours \"q\" { holidays = {\"12-25\", \"12-32\", \"13-01\", \"2027-02-29\", \"1-1\", \"12-25x\", \"1969-01-01\", \"0000-01-01\"} }\n",
	"f:1: holidays: \"12-32\" is not a date; " DATES "\n"
	"f:1: holidays: \"13-01\" is not a date; " DATES "\n"
	"f:1: holidays: \"2027-02-29\" is not a date; " DATES "\n"
	"f:1: holidays: \"1-1\" is not a date; " DATES "\n"
	"f:1: holidays: \"12-25x\" is not a date; " DATES "\n"
	"f:1: holidays: \"1969-01-01\" is not a date; " DATES "\n"
	"f:1: holidays: \"0000-01-01\" is not a date; " DATES},
    {"quiet_hours \"q\" { holidays = {\"02-29\", \"2028-02-29\"} }\n", ""},
    {"\nquiet_hours \"q\" {\n holidays_file = \"/nonexistent/file\" days = sun }\n",
	"f:3: holidays_file: /nonexistent/file cannot be read: No such file or directory; name another, or leave the option out"},
    {"quiet_hours \"q\" { holidays_file = \"holidays\" days = sun }\n",
	"f:1: holidays_file: \"holidays\" is not an absolute path; write an absolute path of at most 1000 characters"},
    {"quiet_hours \"q\" { holidays_file = \"/\" days = sun }\n",
	"f:1: holidays_file: / cannot be read: Is a directory; name another, or leave the option out"},
    {"quiet_hours \"q\" { days = sun zone = \"Europe/Lodon\" }\n",
	"f:1: zone: \"Europe/Lodon\" is no time zone this machine knows; write a name of the time zone database"},
    {"quiet_hours \"q\" { days = sun action = accept }\n", "f:1: action: \"accept\" is not known here; write delay, quarantine or reject"},
    {"consent \"c\" { action = delay }\n", "f:1: action: \"delay\" is not known here; write quarantine or reject"},
    {"consent \"c\" { bases = {express, oral} }\n", "f:1: bases: \"oral\" is not a basis; write express, implied or soft-opt-in"},
    {"consent \"c\" { expires_after = {\"implied\", \"oral = 1d\", \"implied = 1\", \"implied = 0\", \"implied: = 1d\", \"implied = 1 calendar-years\", \"implied = 2 calendar-year\", \"implied = 0 calendar-years\", \"implied = 2 calendar-decades\", \"implied = two calendar-years\"} }\n",
	"f:1: expires_after: \"implied\" is without a =; " LENGTHS "\n"
	"f:1: expires_after: \"oral = 1d\" is without a basis: express, implied or soft-opt-in; " LENGTHS "\n"
	"f:1: expires_after: \"implied = 1\" is without a length such as 180d or 2 calendar-years; " LENGTHS "\n"
	"f:1: expires_after: \"implied = 0\" is without a length such as 180d or 2 calendar-years; " LENGTHS "\n"
	"f:1: expires_after: \"implied: = 1d\" is without a source after the colon; " LENGTHS "\n"
	"f:1: expires_after: \"implied = 1 calendar-years\" is without a length such as 180d or 2 calendar-years; " LENGTHS "\n"
	"f:1: expires_after: \"implied = 2 calendar-year\" is without a length such as 180d or 2 calendar-years; " LENGTHS "\n"
	"f:1: expires_after: \"implied = 0 calendar-years\" is without a length such as 180d or 2 calendar-years; " LENGTHS "\n"
	"f:1: expires_after: \"implied = 2 calendar-decades\" is without a length such as 180d or 2 calendar-years; " LENGTHS "\n"
	"f:1: expires_after: \"implied = two calendar-years\" is without a length such as 180d or 2 calendar-years; " LENGTHS},
    {"consent \"c\" { expires_after = {\"implied = 1d\", \"implied = 2d\", \"implied:a = 1d\", \"implied:A = 1d\"} }\n",
	"f:1: expires_after: \"implied = 2d\" is a second length for the same; " LENGTHS "\n"
	"f:1: expires_after: \"implied:A = 1d\" is a second length for the same; " LENGTHS},
    {"consent \"c\" { bases = express\n expires_after = \"implied = 1d\" }\n",
	"f:2: expires_after: \"implied = 1d\" is for a basis that is not among bases; add it there, or leave this out"},
    {"occasion \"o\" { leap_day = never unknown = maybe }\n",
	"f:1: leap_day: \"never\" is not known here; write before or after\n"
	"f:1: unknown: \"maybe\" is not known here; write reject or accept"},
    {"territory \"t\" { action = delay unknown = no }\n",
	"f:1: action: \"delay\" is not known here; write quarantine or reject\n"
	"f:1: unknown: \"no\" is not known here; write accept or reject"},
    {"owner \"a\" { local = perhaps }\n", "f:1: local: \"perhaps\" is not known here; write yes or no"},
    {"territory \"t\" { owners = leeds }\n", "f:1: owners: there is no owner \"leeds\"; add the section owner \"leeds\" { }"},
    {"territory \"t\" { }\nterritory \"T\" { }\n", "f:2: territory \"T\" is given a second time, first in line 1; give it another name"},
    {"quiet_hour \"q\" { }\n", "f:1: there is no section quiet_hour; did you mean quiet_hours?"},
};
/* clang-format on */

START_TEST(every_mistake)
{
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
		want_text(mistakes[i].text,
		    mistakes_of(tact_arena_printf(arena, "%s" LISTENER, mistakes[i].text)), mistakes[i].want);
}
END_TEST

/* ---- printing --------------------------------------------------------------------------------------------
 */

START_TEST(round_trips)
{
	static const char *const texts[] = {
	    "consent \"c\" { bases = soft-opt-in expires_after = {\"soft-opt-in=2w\", \"soft-opt-in:it's "
	    "\\\"it\\\" = "
	    "1 calendar-day\", \"soft-opt-in:a = 3 calendar-weeks\"} }\n",
	    "quiet_hours \"q\" { hours = {\"21:00-08:00\", \"fri 18:00-24:00\"} days = {sun, fri-sat} "
	    "holidays = "
	    "{\"2026-12-25\", \"01-01\", \"2026-12-25\"} zone = \"Asia/Tokyo\" }\n",
	    "occasion \"o\" { occasions = {a, b_c} leap_day = after unknown = accept purposes = "
	    "{occasion, "
	    "personal} }\n",
	    "territory \"t\" { unknown = reject }\nowner \"a\" { local = yes sensitive = yes }\nstream \"s\" "
	    "{ "
	    "occasion = \"x\" }\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct tact_config *first = load(tact_arena_printf(arena, "%s" LISTENER, texts[i])), *second;
		second = load(first->rules.text);
		want_text(texts[i], second->rules.text, first->rules.text);
		tact_config_free(&first);
		tact_config_free(&second);
	}
}
END_TEST

/* ---- the file of holidays --------------------------------------------------------------------------------
 */

static const char *write_holidays(const char *text)
{
	const char *path = tact_arena_printf(arena, "%s/holidays", folder);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	return path;
}

static const char *with_file(const char *path, const char *more)
{
	return tact_arena_printf(
	    arena, LISTENER "quiet_hours \"q\" {\n holidays_file = \"%s\" %s }\n", path, more);
}

START_TEST(a_file_of_holidays)
{
	const char *path = write_holidays("# ours\n\n12-25 Christmas\n  2027-03-26\tGood Friday\r\n01-01");
	struct tact_config *config = load(with_file(path, "holidays = {\"12-26\", \"12-25\"}"));
	const struct tact_quiet_hours *quiet = &written(config)->quiet_hours;
	want_int("holidays", quiet->holidays_count, 4);
	want_int("first", quiet->holidays[0].month, 1);
	want_int("third", quiet->holidays[2].day, 26);
	want_int("last", quiet->holidays[3].year, 2027);
	want_int("reads_files", config->reads_files, true);
	want_text("text", config->text, config->rules.text);

	/* What is in effect stands without the file, and is another policy when the file is another. */
	ck_assert_ptr_nonnull(
	    strstr(config->rules.text, "holidays = {\"01-01\", \"12-25\", \"12-26\", \"2027-03-26\"}"));
	const char *digest = tact_arena_strdup(arena, config->rules.digest);
	struct tact_config *again = load(config->rules.text);
	want_text("digest", again->rules.digest, digest);
	want_int("reads_files", again->reads_files, false);
	tact_config_free(&again);
	tact_config_free(&config);
	config = load(with_file(write_holidays("12-24\n"), ""));
	ck_assert_str_ne(config->rules.digest, digest);
	tact_config_free(&config);
}
END_TEST

#define FILE_DATES "write MM-DD for every year or YYYY-MM-DD for one"

START_TEST(mistakes_of_a_file_of_holidays)
{
	char long_line[2000];
	memset(long_line, '1', sizeof long_line - 1);
	long_line[sizeof long_line - 1] = '\0';
	const char *path =
	    write_holidays(tact_arena_printf(arena, "12-25\nChristmas\n%s\n2026-02-30\n", long_line));
	want_text("mistakes", mistakes_of(with_file(path, "days = sun")),
	    tact_arena_printf(arena,
		"%s:2: \"Christmas\" is not a date; " FILE_DATES "\n"
		"%s:3: \"%.80s\" is not a date; " FILE_DATES "\n"
		"%s:4: \"2026-02-30\" is not a date; " FILE_DATES,
		path, path, long_line, path));
}
END_TEST

/* Such a start is tried again, where a mistake of the text ends it for good. */
START_TEST(a_file_of_holidays_that_cannot_be_read_just_now)
{
	const char *path = write_holidays("12-25\n");
	static const char *const mores[] = {"days = sun", "", "days = sun hours = \"x\""};
	struct rlimit was, none;
	getrlimit(RLIMIT_NOFILE, &was);
	for (size_t i = 0; i < sizeof mores / sizeof *mores; i++) {
		struct tact_config_mistakes found = {.arena = arena};
		struct tact_config *config = NULL;
		none = (struct rlimit){.rlim_cur = 0, .rlim_max = was.rlim_max};
		setrlimit(RLIMIT_NOFILE, &none);
		int result = tact_config_load("f", with_file(path, mores[i]), &config, &found);
		setrlimit(RLIMIT_NOFILE, &was);
		const char *want = i == 2 ? "invalid" : "system";
		want_text(mores[i], tact_result_name(result), want);
		want_int("mistakes", found.count, i == 2 ? 2 : 1);
		ck_assert_msg(strstr(found.texts[i == 2], "cannot be read: Too many open files") != NULL,
		    "got %s", found.texts[i == 2]);
	}
}
END_TEST

/* A date behind it would be lost without a word. */
START_TEST(a_nul_in_a_file_of_holidays)
{
	static const char *const befores[] = {"", "12-2", "12-25", "12-25\n01-01\n", "# "};
	for (size_t i = 0; i < sizeof befores / sizeof *befores; i++) {
		const char *path = write_holidays(befores[i]);
		FILE *file = fopen(path, "a");
		fwrite("\0\n12-26\n", 1, 8, file);
		fclose(file);
		want_text("mistakes", mistakes_of(with_file(path, "days = sun")),
		    tact_arena_printf(arena,
			"%s:%d: there is a NUL byte here; write the file in UTF-8, without control "
			"characters",
			path, i == 3 ? 3 : 1));
	}
	want_text("of endless ones", mistakes_of(with_file("/dev/zero", "days = sun")),
	    "/dev/zero:1: there is a NUL byte here; write the file in UTF-8, without control characters");
	struct tact_config *config = load(with_file(write_holidays("\xef\xbb\xbf"
								   "12-25\n"),
	    ""));
	want_int("behind a byte order mark", written(config)->quiet_hours.holidays_count, 1);
	tact_config_free(&config);
}
END_TEST

START_TEST(a_holiday_every_day)
{
	char *text = tact_arena_strdup(arena, "");
	for (int month = 1; month <= 12; month++)
		for (int day = 1; day <= tact_date_days_in_month(2000, month); day++)
			text = tact_arena_printf(arena, "%s%02d-%02d\n", text, month, day);
	want_text("mistakes", mistakes_of(with_file(write_holidays(text), "")),
	    "f:2: quiet_hours \"q\" is quiet all year long; leave some time to send in");
	/* But 29 February is not every year's. */
	char *rest = strstr(text, "06-15\n");
	memcpy(rest, "# \n   ", 6);
	want_text("mistakes", mistakes_of(with_file(write_holidays(text), "")), "");
	/* 15 June is no Sunday in six years of seven, and in one it is. */
	want_text("mistakes", mistakes_of(with_file(write_holidays(text), "days = sun")),
	    "f:2: quiet_hours \"q\" is quiet all year long; leave some time to send in");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config: rules about people");
	TCase *tcase = tcase_create("rules");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, values);
	tcase_add_test(tcase, hours_and_days);
	tcase_add_test(tcase, every_mistake);
	tcase_add_test(tcase, round_trips);
	tcase_add_test(tcase, a_file_of_holidays);
	tcase_add_test(tcase, mistakes_of_a_file_of_holidays);
	tcase_add_test(tcase, a_nul_in_a_file_of_holidays);
	tcase_add_test(tcase, a_file_of_holidays_that_cannot_be_read_just_now);
	tcase_add_test(tcase, a_holiday_every_day);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
