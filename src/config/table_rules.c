/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The table's rows for the kinds of rules, a block for each. Where they stand in a rule is policy.h's matter.
 */
#include <config.h>

#include "rows.h"

static const struct word actions[] = {
    {"delay", TACT_DELAY}, {"quarantine", TACT_QUARANTINE}, {"reject", TACT_REJECT}, {NULL, 0}};
static const struct word now_actions[] = {
    {"quarantine", TACT_QUARANTINE}, {"reject", TACT_REJECT}, {NULL, 0}};
static const struct word bys[] = {{"any", TACT_BY_ANY}, {"same-owner", TACT_BY_SAME_OWNER},
    {"other-owner", TACT_BY_OTHER_OWNER}, {NULL, 0}};
static const struct word sames[] = {{"none", TACT_SAME_NONE}, {"stream", TACT_SAME_STREAM},
    {"owner", TACT_SAME_OWNER}, {"brand", TACT_SAME_BRAND}, {"campaign", TACT_SAME_CAMPAIGN},
    {"offer", TACT_SAME_OFFER}, {"list", TACT_SAME_LIST}, {NULL, 0}};

/* What nobody asked for, in so many words. */
#define UNASKED "{promotional, newsletter, appreciation, occasion}"

static const struct word leaps[] = {{"before", false}, {"after", true}, {NULL, 0}};
static const struct word unknown_dates[] = {{"reject", false}, {"accept", true}, {NULL, 0}};
static const struct word unknown_homes[] = {{"accept", false}, {"reject", true}, {NULL, 0}};

#define ZONE "a name of the time zone database"
static const struct word wheres[] = {
    {"both", TACT_WHERE_BOTH}, {"subject", TACT_WHERE_SUBJECT}, {"text", TACT_WHERE_TEXT}, {NULL, 0}};
static const struct word froms[] = {{"any", false}, {"brand", true}, {NULL, 0}};
static const struct word unreadables[] = {
    {"quarantine", TACT_QUARANTINE}, {"reject", TACT_REJECT}, {"accept", TACT_ACCEPT}, {NULL, 0}};
static const struct word directions[] = {
    {"out", 1 << TACT_OUT}, {"in", 1 << TACT_IN}, {"any", 1 << TACT_OUT | 1 << TACT_IN}, {NULL, 0}};

/* What every rule has. */
#define RULE(section, preset_action, words_of_action, range_of_action)                                       \
	RULE_FOR("", section, preset_action, words_of_action, range_of_action)

#define RULE_FOR(preset_purposes, section, preset_action, words_of_action, range_of_action)                  \
	OPTION(section, "action", word, "", range_of_action, preset_action, false, true,                     \
	    "What happens when the rule fires.", AT(tact_rule, action), .words = (words_of_action)),         \
	    OPTION(section, "mode", word, "", "enforce or monitor", "enforce", false, true,                  \
		"With monitor the rule is asked and recorded but never acts.", AT(tact_rule, monitor),       \
		.words = tact_config_modes),                                                                 \
	    OPTION(section, "streams", names, "", "names of stream sections", "", false, true,               \
		"Applies only to mail of these streams.",                                                    \
		LIST_AT(tact_rule, applies.streams.names, applies.streams.count)),                           \
	    OPTION(section, "purposes", purposes, "", PURPOSES, preset_purposes, false, true,                \
		"Applies only to mail of these purposes.", AT(tact_rule, applies.purposes)),                 \
	    OPTION(section, "brands", names, "", "names of brand sections", "", false, true,                 \
		"Applies only to mail of these brands.",                                                     \
		LIST_AT(tact_rule, applies.brands.names, applies.brands.count)),                             \
	    OPTION(section, "owners", names, "", "names of owner sections", "", false, true,                 \
		"Applies only to mail of these owners.",                                                     \
		LIST_AT(tact_rule, applies.owners.names, applies.owners.count)),                             \
	    OPTION(section, "text", reply, "", "at most 200 plain ASCII characters", "", false, true,        \
		"What the sender is told; without it, the rule's own words.", AT(tact_rule, text),           \
		.most = 200, .blank = true)

static const struct row rows[] = {
    RULE("suppression", "reject", now_actions, "quarantine or reject"),

    OPTION("limit", "at_most", at_most, "contacts",
	"N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", "
	"or "
	"recipient",
	"", false, true, "How many contacts are allowed in a window; 0 is none.", AT(tact_rule, limit)),
    OPTION("limit", "at_least", at_least, "contacts",
	"N/WINDOW such as 1/365d, or \"N per calendar-day\", week, month, quarter or year", "", false, true,
	"How many contacts must stand in the window before the mail.", AT(tact_rule, limit)),
    RULE("limit", "delay", actions, "delay, quarantine or reject"),
    OPTION("limit", "count", counted, "", COUNTED, "", false, true,
	"Only contacts of these purposes and sentiments count.", AT(tact_rule, limit)),
    OPTION("limit", "direction", word, "", "out, in or any", "", false, true,
	"Which way contacts must go to count.", AT(tact_rule, limit.directions), .words = directions),
    OPTION("limit", "count_streams", names, "", "names of stream sections", "", false, true,
	"Only contacts of these streams count.",
	LIST_AT(tact_rule, limit.streams.names, limit.streams.count)),
    OPTION("limit", "count_owners", names, "", "names of owner sections", "", false, true,
	"Only contacts of these owners count.", LIST_AT(tact_rule, limit.owners.names, limit.owners.count)),
    OPTION("limit", "count_brands", names, "", "names of brand sections", "", false, true,
	"Only contacts of these brands count.", LIST_AT(tact_rule, limit.brands.names, limit.brands.count)),
    OPTION("limit", "channels", channels, "", CHANNELS, "", false, true,
	"Only contacts on these channels count.", AT(tact_rule, limit.channels)),
    OPTION("limit", "by", word, "", "any, same-owner or other-owner", "any", false, true,
	"Whose contacts count, seen from the owner of the mail.", AT(tact_rule, limit.by), .words = bys),
    OPTION("limit", "same", word, "", "none, stream, owner, brand, campaign, offer or list", "none", false,
	true, "What a contact must share with the mail to count.", AT(tact_rule, limit.same), .words = sames),
    OPTION("limit", "weights", weights, "", "\"CHANNEL=N\", N from 0 and below 1000000, up to three decimals",
	"", false, true, "What one contact of a channel counts; 1 unless told.",
	AT(tact_rule, limit.weight_milli)),
    OPTION("limit", "rest", duration, "s m h d w", "0 to 3660d", "0", false, true,
	"How long nothing more goes once the limit was reached.", AT(tact_rule, limit.rest_s),
	BETWEEN(0, 3660 * (int64_t)DAY)),
    OPTION("limit", "look_ahead", duration, "s m h d w", "0 to 366d", "0", false, true,
	"How far ahead mail that goes first is counted as if it had come already.",
	AT(tact_rule, limit.look_ahead_s), BETWEEN(0, 366 * DAY)),
    OPTION("limit", "zone", zone, "", "a name of the time zone database", "", false, true,
	"The zone of a calendar window; without it, the zone of the top level.", AT(tact_rule, limit.zone)),

    RULE("breaker", "reject", actions, "delay, quarantine or reject"),
    OPTION("breaker", "complaints", percent, "percent", "a percentage from 0% to 100%, up to three decimals",
	"", false, true, "A campaign is stopped when more of its mail than this was complained about.",
	AT(tact_rule, breaker.complaints_milli)),
    OPTION("breaker", "unsubscribes", percent, "percent",
	"a percentage from 0% to 100%, up to three decimals", "", false, true,
	"A campaign is stopped when more of its recipients than this unsubscribed.",
	AT(tact_rule, breaker.unsubscribes_milli)),
    OPTION("breaker", "bounces", percent, "percent", "a percentage from 0% to 100%, up to three decimals", "",
	false, true, "A campaign is stopped when more of its mail than this bounced for good.",
	AT(tact_rule, breaker.bounces_milli)),
    OPTION("breaker", "at_least", integer, "mails", "1 to 1000000000", "100", false, true,
	"How much must have been sent before a rate tells anything.", AT(tact_rule, breaker.at_least),
	BETWEEN(1, 1000000000)),
    OPTION("breaker", "window", duration, "s m h d w", "1h to 90d; without it, the whole campaign", "", false,
	true, "Only what happened so lately counts, in whole hours.", AT(tact_rule, breaker.window_s),
	BETWEEN(HOUR, 90 * DAY)),

    RULE_FOR(UNASKED, "consent", "reject", now_actions, "quarantine or reject"),
    OPTION("consent", "bases", bases, "", "express, implied or soft-opt-in",
	"{express, implied, soft-opt-in}", false, true, "The permissions that will do.",
	AT(tact_rule, consent.bases)),
    OPTION("consent", "expires_after", expiries, "",
	"\"BASIS = LENGTH\" or \"BASIS:SOURCE = LENGTH\", a duration or \"N calendar-days\", weeks, months, "
	"quarters or years",
	"", false, true, "How long a permission lasts; without it, until it is ended.",
	LIST_AT(tact_rule, consent.expiries, consent.expiries_count)),
    OPTION("consent", "zone", zone, "", ZONE, "", false, true,
	"The zone of calendar lengths; without it, the zone of the top level.", AT(tact_rule, consent.zone)),

    RULE_FOR(UNASKED, "quiet_hours", "delay", actions, "delay, quarantine or reject"),
    OPTION("quiet_hours", "hours", hours, "",
	"\"HH:MM-HH:MM\", if need be behind days: \"mon-fri 20:00-07:30\"", "", false, true,
	"When nothing is sent; past midnight when the end is before the beginning.",
	LIST_AT(tact_rule, quiet_hours.hours.names, quiet_hours.hours.count)),
    OPTION("quiet_hours", "days", weekdays, "", "mon, tue, wed, thu, fri, sat or sun", "", false, true,
	"Days that are quiet from midnight to midnight.", AT(tact_rule, quiet_hours.days)),
    OPTION("quiet_hours", "holidays", dates, "", "\"MM-DD\" for every year or \"YYYY-MM-DD\" for one", "",
	false, true, "Dates that are quiet from midnight to midnight.",
	LIST_AT(tact_rule, quiet_hours.holidays, quiet_hours.holidays_count)),
    OPTION("quiet_hours", "holidays_file", dates_file, "", "an absolute path of at most 1000 characters", "",
	false, true, "A file of more such dates, one a line; blank, none.",
	AT(tact_rule, quiet_hours.holidays_file), .blank = true, .most = 1000),
    OPTION("quiet_hours", "zone", zone, "", ZONE, "", false, true,
	"The zone of recipients whose own is not known; without it, the zone of the top level.",
	AT(tact_rule, quiet_hours.zone)),

    RULE_FOR("{occasion}", "occasion", "delay", actions, "delay, quarantine or reject"),
    OPTION("occasion", "occasions", names, "", "names of occasions, such as birthday", "", false, true,
	"The occasions it is about; without it, any that a stream names.",
	LIST_AT(tact_rule, occasion.occasions.names, occasion.occasions.count)),
    OPTION("occasion", "leap_day", word, "", "before or after", "before", false, true,
	"When 29 February is in other years: the day before 1 March, or the day after 28 February.",
	AT(tact_rule, occasion.leap_day_after), .words = leaps),
    OPTION("occasion", "unknown", word, "", "reject or accept", "reject", false, true,
	"What becomes of mail for a date that is not known.", AT(tact_rule, occasion.accept_unknown),
	.words = unknown_dates),
    OPTION("occasion", "zone", zone, "", ZONE, "", false, true,
	"The zone of recipients whose own is not known; without it, the zone of the top level.",
	AT(tact_rule, occasion.zone)),

    RULE_FOR(UNASKED, "territory", "reject", now_actions, "quarantine or reject"),
    OPTION("territory", "unknown", word, "", "accept or reject", "accept", false, true,
	"What becomes of a branch's mail to somebody who belongs to nobody that is known.",
	AT(tact_rule, territory.reject_unknown), .words = unknown_homes),

    RULE("content", "quarantine", now_actions, "quarantine or reject"),
    OPTION("content", "must_not", names, "", SETS, "", false, true,
	"The rule fires when anything of these is found.",
	LIST_AT(tact_rule, content.must_not.names, content.must_not.count)),
    OPTION("content", "must", names, "", SETS, "", false, true,
	"The rule fires when nothing of one of these is found.",
	LIST_AT(tact_rule, content.must.names, content.must.count)),
    OPTION("content", "where", word, "", "both, subject or text", "both", false, true,
	"Where must and must_not look.", AT(tact_rule, content.where), .words = wheres),
    OPTION("content", "headers_must", field_names, "", FIELD_NAMES, "", false, true,
	"The rule fires when one of these fields is missing.",
	LIST_AT(tact_rule, content.headers_must.names, content.headers_must.count)),
    OPTION("content", "headers_must_not", field_names, "", FIELD_NAMES, "", false, true,
	"The rule fires when one of these fields is there.",
	LIST_AT(tact_rule, content.headers_must_not.names, content.headers_must_not.count)),
    OPTION("content", "from_domains", word, "", "any or brand", "any", false, true,
	"With brand the rule fires when the From domain is none of the brand's.",
	AT(tact_rule, content.from_brand), .words = froms),
    OPTION("content", "on_unreadable", word, "", "quarantine, reject or accept", "", false, true,
	"What happens to a message that cannot be read; by default the action.",
	AT(tact_rule, content.on_unreadable), .words = unreadables),
    OPTION("content", "add_headers", fields, "", "'NAME: VALUE'", "", false, true,
	"Fields that are added to mail that has none of that name.",
	LIST_AT(tact_rule, content.add_headers.names, content.add_headers.count)),
    OPTION("content", "strip_headers", field_names, "", FIELD_NAMES, "", false, true,
	"Fields that are taken off.",
	LIST_AT(tact_rule, content.strip_headers.names, content.strip_headers.count)),
};

const struct rows tact_config_rule_rows = {rows, sizeof rows / sizeof *rows};
