/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What follows the '@' of a mail address: a name as the wire has it (IDNA2008, A-labels), or the literal of
 * an IP address. Whether anybody answers there is not asked.
 */
#include <config.h>

#include "internal.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define IDN_FLAGS (IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT)

static int refuse(struct tact_error *err, const char *text)
{
	return tact_error_set(err, TACT_INVALID, "%s", text);
}

/* ---- names --------------------------------------------------------------------------------------------- */

bool facts_is_label_character(char c)
{
	/* '_' is no host name, but names with it get mail, and Postfix lets it pass. */
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static int check_label(const char *label, size_t length, struct tact_error *err)
{
	if (length == 0)
		return refuse(err, "the domain has an empty label (a dot too many)");
	if (length > FACTS_LABEL_MAX)
		return refuse(err, "a label of the domain is longer than 63 octets");
	if (label[0] == '-' || label[length - 1] == '-')
		return refuse(err, "a label of the domain starts or ends with '-'");
	for (size_t i = 0; i < length; i++) {
		if (!facts_is_label_character(label[i]))
			return refuse(err, "the domain has a character that no domain can have");
	}
	return TACT_OK;
}

static int check_labels(const char *domain, struct tact_error *err)
{
	if (strpbrk(domain, "()") != NULL)
		return refuse(err, "comments are not accepted in an address");
	if (strlen(domain) > FACTS_DOMAIN_MAX)
		return refuse(err, "the domain is longer than 253 octets");
	for (;;) {
		size_t length = strcspn(domain, ".");
		int result = check_label(domain, length, err);
		if (result != TACT_OK || domain[length] == '\0')
			return result;
		domain += length + 1;
	}
}

static int to_a_labels(struct tact_arena *arena, const char *domain, char **ret, struct tact_error *err)
{
	char *made = NULL;
	int code = idn2_to_ascii_8z(domain, &made, IDN_FLAGS);
	if (code == IDN2_MALLOC)
		_exit(EX_OSERR); /* as tact_malloc does */
	/* IDNA2008 has no emoji, some registries do: what is written as the wire has it is a name all the
	 * same. */
	if (code == IDN2_DISALLOWED && tact_text_is_ascii(domain)) {
		*ret = tact_arena_strdup(arena, domain);
		return TACT_OK;
	}
	if (code != IDN2_OK)
		return tact_error_set(
		    err, TACT_INVALID, "the domain is not one by IDNA2008: %s", idn2_strerror(code));
	*ret = tact_arena_strdup(arena, made);
	idn2_free(made);
	return TACT_OK;
}

/* Twice, since an A-label that does not survive being read again would be another person the second time. */
static int to_stable_a_labels(
    struct tact_arena *arena, const char *domain, char **ret, struct tact_error *err)
{
	char *once = NULL, *twice = NULL;
	int result = to_a_labels(arena, domain, &once, err);
	if (result == TACT_OK)
		result = to_a_labels(arena, once, &twice, err);
	if (result != TACT_OK)
		return result;
	if (strcmp(once, twice) != 0)
		return refuse(err, "the domain is not one by IDNA2008: its A-labels are not stable");
	*ret = once;
	return TACT_OK;
}

int tact_facts_parse_domain(struct tact_arena *arena, const char *text, char **ret, struct tact_error *err)
{
	if (*text == '\0')
		return refuse(err, "nothing stands after the '@'");
	if (!facts_is_utf8(text))
		return refuse(err, "the domain is not valid UTF-8");
	if (facts_check_domain_has_no_blank(text, err) != TACT_OK)
		return TACT_INVALID;
	size_t length = strlen(text);
	char *domain = facts_lower(arena, text, length, true);
	if (domain == NULL)
		return refuse(err, "the domain cannot be lower-cased");
	if (!tact_text_is_ascii(text) || strstr(domain, "xn--") != NULL) {
		int result = to_stable_a_labels(arena, domain, &domain, err);
		if (result != TACT_OK)
			return result;
	}
	int result = check_labels(domain, err);
	if (result == TACT_OK)
		*ret = domain;
	return result;
}

char *facts_displayed_domain(struct tact_arena *arena, const char *domain)
{
	char *made = NULL, *displayed = NULL;
	if (strstr(domain, "xn--") == NULL)
		return NULL;
	int code = idn2_to_unicode_8z8z(domain, &made, IDN_FLAGS);
	if (code == IDN2_MALLOC)
		_exit(EX_OSERR); /* as tact_malloc does */
	if (code == IDN2_OK && strcmp(made, domain) != 0)
		displayed = tact_arena_strdup(arena, made);
	if (made != NULL)
		idn2_free(made);
	return displayed;
}

/* ---- literals ------------------------------------------------------------------------------------------ */

static bool is_mapped(const uint8_t six[16])
{
	static const uint8_t prefix[12] = {[10] = 0xFF, [11] = 0xFF};
	return memcmp(six, prefix, sizeof prefix) == 0;
}

/* What is an IPv4 address in the clothes of the other kind is the same host, and the same mailbox. */
int facts_canonical_literal(struct tact_arena *arena, const char *text, char **ret, struct tact_error *err)
{
	size_t length = strlen(text);
	if (length < 2 || text[length - 1] != ']')
		return refuse(err, "the address literal does not end with ']'");
	const char *inner = tact_arena_strndup(arena, text + 1, length - 2);
	bool six = tact_text_starts_nocase(inner, "IPv6:");
	uint8_t binary[16];
	char words[INET6_ADDRSTRLEN];
	int family = six ? AF_INET6 : AF_INET;
	if (inet_pton(family, six ? inner + 5 : inner, binary) != 1)
		return refuse(err, "the address literal is neither [IPv4] nor [IPv6:…]");
	bool mapped = six && is_mapped(binary);
	six = six && !mapped;
	(void)inet_ntop(six ? AF_INET6 : AF_INET, mapped ? binary + 12 : binary, words, sizeof words);
	*ret = tact_arena_printf(arena, six ? "[IPv6:%s]" : "[%s]", words);
	return TACT_OK;
}
