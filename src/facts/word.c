/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The words for purposes and channels, as configuration and evidence write them. Nothing else has a spelling
 * here.
 */
#include <config.h>

#include <tact/facts.h>

#include <string.h>

static const char *const purposes[TACT_PURPOSES] = {
    [TACT_PROMOTIONAL] = "promotional",
    [TACT_NEWSLETTER] = "newsletter",
    [TACT_APPRECIATION] = "appreciation",
    [TACT_OCCASION] = "occasion",
    [TACT_TRANSACTIONAL] = "transactional",
    [TACT_PERSONAL] = "personal",
};

static const char *const channels[TACT_CHANNELS] = {
    [TACT_EMAIL] = "email",
    [TACT_PHONE] = "phone",
    [TACT_SMS] = "sms",
    [TACT_POST] = "post",
    [TACT_FAX] = "fax",
    [TACT_VISIT] = "visit",
    [TACT_WEB] = "web",
};

/* Values come from stored records too, so an unknown one has a name instead of a crash. */
static const char *name_of(const char *const *names, size_t count, size_t index)
{
	return index < count ? names[index] : "unknown";
}

static int index_of(const char *const *names, size_t count, const char *text, size_t *ret)
{
	for (size_t i = 0; text != NULL && i < count; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret = i;
			return TACT_OK;
		}
	}
	return TACT_INVALID;
}

const char *tact_facts_purpose_name(enum tact_purpose purpose)
{
	return name_of(purposes, TACT_PURPOSES, (size_t)purpose);
}

int tact_facts_parse_purpose(const char *text, enum tact_purpose *ret)
{
	size_t index;
	int result = index_of(purposes, TACT_PURPOSES, text, &index);
	if (result == TACT_OK)
		*ret = (enum tact_purpose)index;
	return result;
}

const char *tact_facts_channel_name(enum tact_channel channel)
{
	return name_of(channels, TACT_CHANNELS, (size_t)channel);
}

int tact_facts_parse_channel(const char *text, enum tact_channel *ret)
{
	size_t index;
	int result = index_of(channels, TACT_CHANNELS, text, &index);
	if (result == TACT_OK)
		*ret = (enum tact_channel)index;
	return result;
}
