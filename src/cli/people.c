/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Who is meant, and who asks; and the words for what stands in a dossier.
 */
#include <config.h>

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

/* ---- who asks ---- */

const char *cli_who(struct tact_arena *arena)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *entry = getpwuid(getuid());

	if (sudo != NULL && *sudo != '\0' && getuid() == 0)
		return tact_text_printable(arena, sudo, 64);
	if (entry != NULL)
		return tact_arena_strdup(arena, entry->pw_name);
	return tact_arena_printf(arena, "uid %u", (unsigned)getuid());
}

/* ---- who is meant ---- */

int cli_recipient_of_key(
    struct tact_arena *arena, const char *text, struct tact_recipient *ret, struct tact_error *err)
{
	*ret = (struct tact_recipient){.address = {.given = tact_arena_strdup(arena, text),
					   .canonical = "",
					   .plain = "",
					   .local = "",
					   .domain = ""}};
	return tact_id_parse(text, &ret->key) == TACT_OK
		   ? TACT_OK
		   : tact_error_set(err, TACT_INVALID, "not a key: %d hex digits are one", 2 * TACT_ID_BYTES);
}

int cli_read_person(struct cli *cli, const char *text, struct tact_recipient *ret, struct tact_error *err)
{
	size_t length = strlen(text);

	if (tact_facts_is_phone(text))
		return tact_facts_recipient_of_phone(cli->arena, &cli->identity, text, ret, err);
	if (strspn(text, "0123456789abcdefABCDEF") == length && length == 2 * TACT_SHA256_BYTES)
		return tact_facts_recipient_of_sha256(cli->arena, &cli->identity, text, ret, err);
	if (strspn(text, "0123456789abcdefABCDEF") == length && length == 2 * TACT_ID_BYTES)
		return cli_recipient_of_key(cli->arena, text, ret, err);
	return tact_facts_recipient(cli->arena, &cli->identity, text, ret, err);
}

static int read_one(struct cli *cli, const char *text, struct tact_recipient *ret, struct tact_error *err)
{
	if (cli_has(cli, "key"))
		return cli_recipient_of_key(cli->arena, text, ret, err);
	if (cli_has(cli, "sha256"))
		return tact_facts_recipient_of_sha256(cli->arena, &cli->identity, text, ret, err);
	if (tact_facts_is_phone(text))
		return tact_facts_recipient_of_phone(cli->arena, &cli->identity, text, ret, err);
	return tact_facts_recipient(cli->arena, &cli->identity, text, ret, err);
}

int cli_recipients(struct cli *cli, struct tact_recipient **ret)
{
	struct tact_recipient *list = tact_arena_alloc(cli->arena, (cli->operands_count + 1) * sizeof *list);
	struct tact_error err;
	int code = EX_OK;

	if (cli_has(cli, "key") && cli_has(cli, "sha256"))
		return cli_fail(EX_USAGE, "--key and --sha256 exclude each other");
	for (size_t i = 0; i < cli->operands_count; i++)
		if (read_one(cli, cli->operands[i], &list[i], &err) != TACT_OK)
			code =
			    cli_fail(EX_DATAERR, "%s: %s", cli_safe(cli->arena, cli->operands[i]), err.text);
	if (code == EX_OK)
		*ret = list;
	return code;
}

const char *cli_name_of(const struct tact_recipient *recipient, struct tact_arena *arena)
{
	const char *canonical = recipient->address.canonical;

	return cli_safe(arena, canonical[0] != '\0' ? canonical : recipient->address.given);
}

/* ---- what is done ---- */

static int worst_change(struct cli *cli, const struct tact_recipient *recipient,
    const struct tact_changed *changed, size_t count, const struct tact_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (changed[i].result != TACT_OK && changed[i].result != TACT_ABSENT)
			return cli_fail(cli_exit_code(changed[i].result), "%s: %s: %s",
			    cli_name_of(recipient, cli->arena), tact_result_name(changed[i].result),
			    err->text);
	return EX_OK;
}

int cli_change(struct cli *cli, const struct tact_recipient *recipient, const struct tact_change *changes,
    size_t count, struct tact_changed *ret)
{
	struct tact_recipient *recipients = tact_arena_alloc(cli->arena, count * sizeof *recipients);
	struct tact_error err = {""};
	int code, result;

	for (size_t i = 0; i < count; i++)
		recipients[i] = *recipient;
	result = tact_decide_change(
	    cli->decider, cli->arena, recipients, changes, count, cli->now_us, 0, ret, &err);
	code = worst_change(cli, recipient, ret, count, &err);
	if (code == EX_OK && result != TACT_OK && result != TACT_ABSENT) /* done, and without evidence */
		code = cli_fail(
		    cli_exit_code(result), "done, but the evidence could not be written: %s", err.text);
	return code;
}

/* ---- words ---- */

static const char *const directions[] = {[TACT_OUT] = "out", [TACT_IN] = "in"};
static const char *const sentiments[] = {
    [TACT_NEUTRAL] = "neutral", [TACT_POSITIVE] = "positive", [TACT_NEGATIVE] = "negative"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *word_at(const char *const *words, size_t count, unsigned which)
{
	return which < count ? words[which] : "unknown";
}

static int find_word(const char *const *words, size_t count, const char *text, unsigned *ret)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(words[i], text) == 0) {
			*ret = i;
			return TACT_OK;
		}
	return TACT_INVALID;
}

const char *cli_direction_name(enum tact_direction direction)
{
	return word_at(directions, COUNT(directions), direction);
}

int cli_parse_direction(const char *text, enum tact_direction *ret)
{
	unsigned which;
	int result = find_word(directions, COUNT(directions), text, &which);

	if (result == TACT_OK)
		*ret = (enum tact_direction)which;
	return result;
}

const char *cli_sentiment_name(enum tact_sentiment sentiment)
{
	return word_at(sentiments, COUNT(sentiments), sentiment);
}

int cli_parse_sentiment(const char *text, enum tact_sentiment *ret)
{
	unsigned which;
	int result = find_word(sentiments, COUNT(sentiments), text, &which);

	if (result == TACT_OK)
		*ret = (enum tact_sentiment)which;
	return result;
}

const char *cli_purposes(struct tact_arena *arena, unsigned purposes)
{
	const char *text = "";

	for (unsigned i = 0; i < TACT_PURPOSES; i++)
		if (purposes & 1U << i)
			text = tact_arena_printf(
			    arena, "%s%s%s", text, *text != '\0' ? "," : "", tact_facts_purpose_name(i));
	return text;
}

int cli_parse_purposes(struct tact_arena *arena, const char *text, unsigned *ret, struct tact_error *err)
{
	char *rest = tact_arena_strdup(arena, text), *word;
	unsigned purposes = 0;

	while ((word = strsep(&rest, ",")) != NULL) {
		enum tact_purpose purpose;

		if (tact_facts_parse_purpose(tact_text_trim(arena, word), &purpose) != TACT_OK)
			return tact_error_set(err, TACT_INVALID,
			    "there is no purpose \"%.40s\"; promotional, newsletter, appreciation, occasion, "
			    "transactional and personal are known",
			    word);
		purposes |= 1U << purpose;
	}
	*ret = purposes;
	return TACT_OK;
}
