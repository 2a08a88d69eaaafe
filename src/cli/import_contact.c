/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A row of a file of contacts: the history that another platform kept. What it may say is what tact contact
 * may; a stream of the configuration says what the row leaves out.
 */
#include <config.h>

#include <string.h>

#include "private.h"

enum field {
	AT,
	CHANNEL,
	DIRECTION,
	SENTIMENT,
	PURPOSE,
	STREAM,
	OWNER,
	BRAND,
	CAMPAIGN,
	OFFER,
	LIST,
	ID,
	FIELDS
};
static const char *const names[FIELDS] = {[AT] = "at",
    [CHANNEL] = "channel",
    [DIRECTION] = "direction",
    [SENTIMENT] = "sentiment",
    [PURPOSE] = "purpose",
    [STREAM] = "stream",
    [OWNER] = "owner",
    [BRAND] = "brand",
    [CAMPAIGN] = "campaign",
    [OFFER] = "offer",
    [LIST] = "list",
    [ID] = "id"};

#define TEXT_MAX 255

struct reading {
	struct cli_import *import;
	struct cli_csv *csv;
	const struct tact_stream *stream; /* or NULL */
	struct tact_contact contact;
};

int cli_import_contact_field(int first, const char *column)
{
	for (int i = 0; i < FIELDS; i++)
		if (tact_text_equal_nocase(column, names[i]))
			return first + i;
	return -1;
}

static const char *cell(const struct reading *reading, enum field field)
{
	return cli_csv_cell(reading->csv, CLI_CSV_OWN + (int)field);
}

static void mistake(const struct reading *reading, enum field field, const char *what)
{
	cli_csv_mistake(reading->csv, "%s: \"%s\": %s", names[field],
	    cli_csv_shown(reading->csv, cell(reading, field)), what);
}

static void read_time(struct reading *reading)
{
	struct tact_contact *contact = &reading->contact;

	if (*cell(reading, AT) == '\0')
		cli_csv_mistake(reading->csv, "at: a contact needs the time at which it happened");
	else if (cli_csv_time(reading->csv, CLI_CSV_OWN + AT, names[AT], &contact->time_us) &&
		 contact->time_us > reading->import->now_us)
		mistake(reading, AT, "lies in the future");
}

static void read_words(struct reading *reading)
{
	struct tact_contact *contact = &reading->contact;

	if (*cell(reading, CHANNEL) != '\0' &&
	    tact_facts_parse_channel(cell(reading, CHANNEL), &contact->channel) != TACT_OK)
		mistake(reading, CHANNEL, "email, phone, sms, post, fax, visit and web are known");
	if (*cell(reading, DIRECTION) != '\0' &&
	    cli_parse_direction(cell(reading, DIRECTION), &contact->direction) != TACT_OK)
		mistake(reading, DIRECTION, "out and in are known");
	if (*cell(reading, SENTIMENT) != '\0' &&
	    cli_parse_sentiment(cell(reading, SENTIMENT), &contact->sentiment) != TACT_OK)
		mistake(reading, SENTIMENT, "neutral, positive and negative are known");
}

static void read_stream(struct reading *reading)
{
	const char *text = cell(reading, STREAM);

	if (*text == '\0')
		return;
	reading->stream = tact_facts_find_stream(&reading->import->rules->streams, text);
	if (reading->stream == NULL)
		mistake(reading, STREAM, "there is no such stream in the configuration");
}

static void read_purpose(struct reading *reading)
{
	struct tact_contact *contact = &reading->contact;
	const char *text = cell(reading, PURPOSE);

	contact->purpose = reading->stream != NULL ? reading->stream->purpose : TACT_PERSONAL;
	if (*text != '\0' && tact_facts_parse_purpose(text, &contact->purpose) != TACT_OK)
		mistake(reading, PURPOSE,
		    "promotional, newsletter, appreciation, occasion, transactional and personal are known");
	else if (*text == '\0' && reading->stream == NULL && contact->direction == TACT_OUT)
		cli_csv_mistake(reading->csv, "purpose: say it, or a stream that has one");
	contact->counts =
	    reading->stream != NULL ? reading->stream->counts : contact->purpose != TACT_TRANSACTIONAL;
}

static const char *read_text(struct reading *reading, enum field field, const char *preset)
{
	const char *text = cell(reading, field);

	if (!cli_is_clean(text) || strlen(text) > TEXT_MAX)
		mistake(reading, field, "write UTF-8 without control characters, at most 255 bytes");
	return tact_arena_strdup(reading->import->arena, *text != '\0' ? text : preset);
}

/* As the configuration writes it: a name that it does not know would be counted for nobody. */
static const char *read_owner(struct reading *reading)
{
	const struct tact_rule_set *rules = reading->import->rules;
	const char *text = cell(reading, OWNER);

	if (*text == '\0')
		return reading->stream != NULL ? reading->stream->owner : "";
	for (size_t i = 0; i < rules->owners_count; i++)
		if (tact_text_equal_nocase(rules->owners[i].name, text))
			return rules->owners[i].name;
	mistake(reading, OWNER, "there is no such owner in the configuration");
	return "";
}

static const char *read_brand(struct reading *reading)
{
	const struct tact_rule_set *rules = reading->import->rules;
	const char *text = cell(reading, BRAND);

	if (*text == '\0')
		return reading->stream != NULL ? reading->stream->brand : "";
	for (size_t i = 0; i < rules->brands_count; i++)
		if (tact_text_equal_nocase(rules->brands[i].name, text))
			return rules->brands[i].name;
	mistake(reading, BRAND, "there is no such brand in the configuration");
	return "";
}

static void read_names(struct reading *reading)
{
	struct tact_contact *contact = &reading->contact;

	contact->stream = reading->stream != NULL ? reading->stream->name : "";
	contact->owner = read_owner(reading);
	contact->brand = read_brand(reading);
	contact->campaign = read_text(reading, CAMPAIGN, "");
	contact->offer = read_text(reading, OFFER, "");
	contact->list = read_text(reading, LIST, "");
}

/* Told again, it counts once: by its own name, which is that of tact contact --id, or by all that it says. */
static struct tact_id id_of(struct reading *reading)
{
	const char *own[] = {"tact contact", cell(reading, ID)}, *all[1 + FIELDS] = {"tact import"};

	for (size_t i = 0; i < FIELDS; i++)
		all[1 + i] = cell(reading, (enum field)i);
	return *own[1] != '\0' ? tact_digest_id(own, 2) : tact_digest_id(all, 1 + FIELDS);
}

const struct tact_contact *cli_import_contact(struct cli_import *import, struct cli_csv *csv)
{
	struct reading reading = {.import = import, .csv = csv, .contact = {.count = 1}};
	size_t before = import->mistakes;

	read_time(&reading);
	read_words(&reading);
	read_stream(&reading);
	read_purpose(&reading);
	read_names(&reading);
	reading.contact.id = id_of(&reading);
	return import->mistakes > before
		   ? NULL
		   : tact_arena_copy(import->arena, &reading.contact, sizeof reading.contact);
}
