/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What a profile may say, checked the same for tact profile and for a file.
 */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "private.h"

/* ---- the checks ---- */

static int check_zone(const struct tact_rule_set *rules, const char *text, struct tact_error *err)
{
	struct tact_zone *zone = tact_zone_open(text);

	(void)rules;
	if (zone == NULL)
		return tact_error_set(err, TACT_INVALID,
		    "\"%.64s\" is no zone of this machine's time zone database; write one as "
		    "Europe/London",
		    text);
	tact_zone_free(&zone);
	return TACT_OK;
}

static int check_home(const struct tact_rule_set *rules, const char *text, struct tact_error *err)
{
	return cli_find_owner(rules, text) != NULL
		   ? TACT_OK
		   : tact_error_set(
			 err, TACT_INVALID, "there is no owner \"%.64s\" in the configuration", text);
}

/* The shape of a language tag (RFC 5646): parts of letters and digits, the first of letters. */
static int check_language(const struct tact_rule_set *rules, const char *text, struct tact_error *err)
{
	size_t first = strcspn(text, "-"), length = strlen(text);
	bool good = first >= 2 && first <= 8 && length <= 35;

	(void)rules;
	for (size_t i = 0; i < length && good; i++)
		good = text[i] == '-' ? text[i + 1] != '-' && text[i + 1] != '\0'
		       : i < first    ? isalpha((unsigned char)text[i])
				      : isalnum((unsigned char)text[i]);
	return good ? TACT_OK
		    : tact_error_set(err, TACT_INVALID,
			  "\"%.64s\" is no language tag; write one as en, de or pt-BR", text);
}

static int64_t days_of(const struct tact_limit *limit)
{
	static const int64_t days[] = {
	    [TACT_DAY] = 1, [TACT_WEEK] = 7, [TACT_MONTH] = 31, [TACT_QUARTER] = 92, [TACT_YEAR] = 366};

	return limit->window_s > 0 ? (limit->window_s + 86399) / 86400 : days[limit->period];
}

/* A window that is longer than what is remembered could not be held. */
static int check_own_limit(const struct tact_rule_set *rules, const char *text, struct tact_error *err)
{
	struct tact_limit limit = {.window = ""};
	int result = tact_config_parse_at_most(text, &limit, NULL);

	if (result != TACT_OK)
		return tact_error_set(
		    err, result, "\"%.64s\" is no limit; write one as 4/7d or 2 per calendar-month", text);
	if (days_of(&limit) * 86400 > rules->history_s)
		result = tact_error_set(err, TACT_INVALID,
		    "the window of \"%.64s\" is longer than the history that is kept", text);
	return result;
}

/* ---- the fields ---- */

#define FIELD(field, option, check)                                                                          \
	{                                                                                                    \
#field, option, check, offsetof(struct tact_profile_change, field),                          \
		    offsetof(struct tact_profile, field)                                                     \
	}
const struct cli_profile_field cli_profile_fields[CLI_PROFILE_FIELDS] = {
    FIELD(zone, "zone", check_zone),
    FIELD(home_owner, "home", check_home),
    FIELD(language, "language", check_language),
    FIELD(own_limit, "own-limit", check_own_limit),
};

const char **cli_profile_set(struct tact_profile_change *change, const struct cli_profile_field *field)
{
	return (const char **)((char *)change + field->from);
}

const char *cli_profile_get(const struct tact_profile *profile, const struct cli_profile_field *field)
{
	return *(const char *const *)((const char *)profile + field->to);
}

int cli_occasion_name(struct tact_arena *arena, const char *text, const char **ret, struct tact_error *err)
{
	size_t length = strlen(text);
	char *name = tact_arena_strdup(arena, text);
	bool good = length > 0 && length <= 64;

	for (size_t i = 0; i < length && good; i++) {
		unsigned char c = (unsigned char)name[i];

		good = c < 0x80 && (isalnum(c) || c == '-' || c == '_');
		name[i] = (char)tolower(c);
	}
	if (!good)
		return tact_error_set(err, TACT_INVALID,
		    "\"%.64s\" is no name of an occasion; write 1 to 64 letters, digits, hyphens and "
		    "underscores",
		    text);
	*ret = name;
	return TACT_OK;
}

/* ---- showing them ---- */

void cli_print_profile(struct cli *cli, const struct tact_profile *profile)
{
	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++) {
		const char *value = cli_profile_get(profile, &cli_profile_fields[i]);

		if (*value != '\0')
			printf(" %s=%s", cli_profile_fields[i].name, cli_safe(cli->arena, value));
	}
	for (size_t i = 0; i < profile->occasions_count; i++)
		printf(" %s=%s", cli_safe(cli->arena, profile->occasions[i].name),
		    tact_dossier_format_date(cli->arena, &profile->occasions[i]));
}

void cli_put_profile(struct cli *cli, struct cli_json *in, const struct tact_profile *profile)
{
	struct cli_json *occasions;

	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++)
		cli_json_put_text(
		    in, cli_profile_fields[i].name, cli_profile_get(profile, &cli_profile_fields[i]));
	occasions = cli_json_put_object(in, "occasions");
	for (size_t i = 0; i < profile->occasions_count; i++)
		cli_json_put_text(occasions, profile->occasions[i].name,
		    tact_dossier_format_date(cli->arena, &profile->occasions[i]));
}
