/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The words of scopes, reasons, bases and claim states, and what a scope and a reason take in. Not whether a
 * suppression holds at a time: that is a rule.
 */
#include <config.h>

#include <string.h>

#include "record.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const scope_words[] = {
    [TACT_SCOPE_GLOBAL] = "global",
    [TACT_SCOPE_BRAND] = "brand",
    [TACT_SCOPE_OWNER] = "owner",
    [TACT_SCOPE_LIST] = "list",
    [TACT_SCOPE_STREAM] = "stream",
    [TACT_SCOPE_PURPOSE] = "purpose",
    [TACT_SCOPE_CHANNEL] = "channel",
    [TACT_SCOPE_CAMPAIGN] = "campaign",
    [TACT_SCOPE_OFFER] = "offer",
};

static const char *const reason_words[TACT_REASONS] = {
    [TACT_UNSUBSCRIBE] = "unsubscribe",
    [TACT_COMPLAINT] = "complaint",
    [TACT_HARD_BOUNCE] = "hard_bounce",
    [TACT_MANUAL] = "manual",
    [TACT_ERASURE] = "erasure",
    [TACT_PAUSE] = "pause",
    [TACT_TOPIC] = "topic",
};

static const char *const basis_words[TACT_BASES] = {
    [TACT_EXPRESS] = "express",
    [TACT_IMPLIED] = "implied",
    [TACT_SOFT_OPT_IN] = "soft-opt-in",
};

static const char *const claim_state_words[TACT_CLAIM_STATES] = {
    [TACT_CLAIM_WAITING] = "waiting",
    [TACT_CLAIM_REVIEW] = "review",
    [TACT_CLAIM_REFUSED] = "refused",
    [TACT_CLAIM_PASSING] = "passing",
    [TACT_CLAIM_PASSED] = "passed",
    [TACT_CLAIM_WITHDRAWN] = "withdrawn",
    [TACT_CLAIM_BOUNCED] = "bounced",
};

/* Place of the word, or COUNT when it is none of them. */
static size_t find_word(const char *const *words, size_t count, const char *text)
{
	size_t i = 0;

	while (i < count && !tact_text_equal(words[i], text))
		i++;
	return i;
}

const char *tact_dossier_reason_name(enum tact_reason reason)
{
	return (size_t)reason < TACT_REASONS ? reason_words[reason] : "unknown";
}

int tact_dossier_parse_reason(const char *text, enum tact_reason *ret)
{
	size_t i = find_word(reason_words, TACT_REASONS, text);

	if (i == TACT_REASONS)
		return TACT_INVALID;
	*ret = (enum tact_reason)i;
	return TACT_OK;
}

/* DESIGN §6 "Wishes": who unsubscribes, complains, pauses or leaves a topic still wants his password reset.
 */
unsigned tact_dossier_reason_purposes(enum tact_reason reason)
{
	switch (reason) {
	case TACT_UNSUBSCRIBE:
	case TACT_COMPLAINT:
	case TACT_PAUSE:
	case TACT_TOPIC:
		return 1U << TACT_PROMOTIONAL | 1U << TACT_NEWSLETTER | 1U << TACT_APPRECIATION |
		       1U << TACT_OCCASION;
	default:
		return (1U << TACT_PURPOSES) - 1;
	}
}

const char *tact_dossier_basis_name(enum tact_basis basis)
{
	return (size_t)basis < TACT_BASES ? basis_words[basis] : "unknown";
}

int tact_dossier_parse_basis(const char *text, enum tact_basis *ret)
{
	size_t which = find_word(basis_words, TACT_BASES, text);

	if (which == TACT_BASES)
		return TACT_INVALID;
	*ret = (enum tact_basis)which;
	return TACT_OK;
}

const char *tact_dossier_claim_state_name(enum tact_claim_state state)
{
	return (size_t)state < TACT_CLAIM_STATES ? claim_state_words[state] : "unknown";
}

bool dossier_scope_is_possible(const struct tact_scope *scope)
{
	enum tact_purpose purpose;
	enum tact_channel channel;

	if (scope->kind == TACT_SCOPE_PURPOSE)
		return tact_facts_parse_purpose(scope->value, &purpose) == TACT_OK;
	if (scope->kind == TACT_SCOPE_CHANNEL)
		return tact_facts_parse_channel(scope->value, &channel) == TACT_OK;
	return (size_t)scope->kind < COUNT(scope_words);
}

static int refuse_scope(struct tact_error *err, const char *text)
{
	return tact_error_set(err, TACT_INVALID,
	    "\"%s\" is not a scope: write global, or one of brand, owner, list, stream, purpose, channel, "
	    "campaign, offer with "
	    ":NAME, as in brand:alpha",
	    text);
}

static int refuse_word(struct tact_error *err, const struct tact_scope *scope)
{
	return tact_error_set(err, TACT_INVALID, "\"%s\" is not a %s: write %s", scope->value,
	    scope_words[scope->kind],
	    scope->kind == TACT_SCOPE_PURPOSE
		? "promotional, newsletter, appreciation, occasion, transactional or personal"
		: "email, phone, sms, post, fax, visit or web");
}

/* "News <news.shop.example>", as a header has it: the mail's list is what stands between the brackets. */
static const char *bare_list(struct tact_arena *arena, const char *value)
{
	const char *open = strrchr(value, '<');
	size_t length = open == NULL ? 0 : strcspn(open + 1, ">");

	if (length == 0 || !tact_text_equal(open + 1 + length, ">"))
		return value;
	return tact_text_trim(arena, tact_arena_strndup(arena, open + 1, length));
}

int tact_dossier_parse_scope(
    struct tact_arena *arena, const char *text, struct tact_scope *ret, struct tact_error *err)
{
	const char *trimmed = tact_text_trim(arena, text), *colon = strchr(trimmed, ':');
	struct tact_scope scope = {.kind = TACT_SCOPE_GLOBAL, .value = ""};
	const char *word = trimmed;

	if (colon != NULL) {
		word = tact_text_trim(arena, tact_arena_strndup(arena, trimmed, (size_t)(colon - trimmed)));
		scope.value = tact_text_trim(arena, colon + 1);
	}
	scope.kind = (enum tact_scope_kind)find_word(scope_words, COUNT(scope_words), word);
	if (scope.kind == TACT_SCOPE_LIST)
		scope.value = bare_list(arena, scope.value);
	/* Only global has no name, and each other one has: "brand:" would mean all mail without a brand. */
	if ((size_t)scope.kind == COUNT(scope_words) ||
	    (colon == NULL) != (scope.kind == TACT_SCOPE_GLOBAL) || (colon != NULL && *scope.value == '\0'))
		return refuse_scope(err, text);
	if (!dossier_scope_is_possible(&scope))
		return refuse_word(err, &scope);
	*ret = scope;
	return TACT_OK;
}

char *tact_dossier_format_scope(struct tact_arena *arena, const struct tact_scope *scope)
{
	if (scope->kind == TACT_SCOPE_GLOBAL || (size_t)scope->kind >= COUNT(scope_words))
		return tact_arena_strdup(arena, scope_words[TACT_SCOPE_GLOBAL]);
	return tact_arena_printf(arena, "%s:%s", scope_words[scope->kind], scope->value);
}

/* What the scope's value is compared with. */
static const char *name_of(enum tact_scope_kind kind, const struct tact_facts *facts)
{
	switch (kind) {
	case TACT_SCOPE_BRAND:
		return facts->brand;
	case TACT_SCOPE_OWNER:
		return facts->owner;
	case TACT_SCOPE_LIST:
		return facts->list;
	case TACT_SCOPE_STREAM:
		return facts->stream;
	case TACT_SCOPE_PURPOSE:
		return tact_facts_purpose_name(facts->purpose);
	case TACT_SCOPE_CHANNEL:
		return tact_facts_channel_name(facts->channel);
	case TACT_SCOPE_CAMPAIGN:
		return facts->campaign;
	case TACT_SCOPE_OFFER:
		return facts->offer;
	default:
		return NULL;
	}
}

bool tact_dossier_scope_covers(const struct tact_scope *scope, const struct tact_facts *facts)
{
	const char *name = name_of(scope->kind, facts);

	/* Global, or nothing we know: then it covers, for unknown never means allow. */
	return name == NULL || tact_text_equal_nocase(scope->value, name);
}
