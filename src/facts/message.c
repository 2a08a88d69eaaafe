/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A message: its envelope, its header fields, and what is read from them. Decoding single values is
 * header.c's.
 */
#include <config.h>

#include "internal.h"

#include <string.h>

#define FIELDS_MAX 2000
#define BYTES_MAX (1024 * 1024)

/* RFC 5322 §3.6 lets these stand once; so do we those that decide what a message is. The first of several is
 * never trusted. */
static const char *const single[] = {
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Message-ID",
    "Date",
    "Subject",
    "In-Reply-To",
    "References",
    "Content-Type",
    "MIME-Version",
    "List-Id",
    "List-Unsubscribe",
    "Feedback-ID",
    "Auto-Submitted",
};

/* Lists and sending platforms write these; a person's mail program does not. */
static const char *const platform[] = {
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "X-MC-User",	/* Mailchimp, Mandrill */
    "X-SG-EID",		/* SendGrid */
    "X-Mailgun-Sid",	/* Mailgun */
    "X-SES-Outgoing",	/* Amazon SES */
    "X-PM-Message-Id",	/* Postmark */
    "X-MSFBL",		/* SparkPost */
    "X-Mailer-LID",	/* Interspire and kin */
    "X-Mailer-RecptId", /* the same */
    "X-CampaignID",
    "X-Campaign-ID",
    "X-Campaign",
};

/* ---- envelope ------------------------------------------------------------------------------------------ */

static const char *copy_or_null(struct tact_arena *arena, const char *text)
{
	return text == NULL ? NULL : tact_arena_strdup(arena, text);
}

/* A sender that is no address of ours (Postfix lets some pass) is still compared as it stands. */
static void set_sender(struct tact_arena *arena, struct tact_message *message)
{
	static const struct tact_canonical_profile profile = {.fold_local_case = true};
	const char *given = message->envelope.sender;
	struct tact_address address;
	if (tact_facts_parse_address(arena, given, &profile, &address, NULL) == TACT_OK) {
		message->sender = address.canonical;
		message->sender_domain = address.domain;
		return;
	}
	const char *at = strrchr(given, '@');
	message->sender = given;
	message->sender_domain = at == NULL ? "" : at + 1;
}

struct tact_message *tact_facts_new_message(struct tact_arena *arena, const struct tact_envelope *envelope)
{
	struct tact_message *message = tact_arena_alloc(arena, sizeof *message);
	message->envelope = (struct tact_envelope){
	    .listener = copy_or_null(arena, envelope->listener),
	    .smtp = envelope->smtp,
	    .sasl_user = copy_or_null(arena, envelope->sasl_user),
	    .client_ip = copy_or_null(arena, envelope->client_ip),
	    .client_name = copy_or_null(arena, envelope->client_name),
	    .sender = tact_arena_strdup(arena, envelope->sender == NULL ? "" : envelope->sender),
	};
	set_sender(arena, message);
	return message;
}

/* ---- collecting ---------------------------------------------------------------------------------------- */

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

/* RFC 5322 §2.2.3, in place. A line end that folds nothing would split a line elsewhere: it becomes a space.
 */
static void unfold(char *value)
{
	char *to = value;
	for (const char *from = value; *from != '\0';) {
		if (!is_line_end(*from)) {
			*to++ = *from++;
			continue;
		}
		while (is_line_end(*from))
			from++;
		if (*from != ' ' && *from != '\t')
			*to++ = ' ';
	}
	*to = '\0';
}

void tact_facts_add_header(
    struct tact_arena *arena, struct tact_message *message, const char *name, const char *value)
{
	size_t bytes = strlen(name) + strlen(value);
	if (message->headers_count >= FIELDS_MAX || bytes > BYTES_MAX - message->headers_bytes) {
		message->ambiguous = "too many header fields";
		return;
	}
	char *copy = tact_arena_strdup(arena, value);
	unfold(copy);
	struct tact_header *headers = (struct tact_header *)message->headers;
	struct tact_header *header = TACT_PUSH(arena, headers, message->headers_count);
	header->name = tact_text_trim(arena, name);
	header->value = tact_text_trim(arena, copy);
	message->headers = headers;
	message->headers_bytes += bytes;
}

const char *tact_facts_header(const struct tact_message *message, const char *name)
{
	for (size_t i = 0; i < message->headers_count; i++) {
		if (tact_text_equal_nocase(message->headers[i].name, name))
			return message->headers[i].value;
	}
	return NULL;
}

size_t facts_count_header(const struct tact_message *message, const char *name)
{
	size_t count = 0;
	for (size_t i = 0; i < message->headers_count; i++)
		count += tact_text_equal_nocase(message->headers[i].name, name);
	return count;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* The first reason stays. */
static void set_ambiguous(struct tact_message *message, const char *why)
{
	if (message->ambiguous == NULL)
		message->ambiguous = why;
}

static void check_repeated(struct tact_arena *arena, struct tact_message *message)
{
	for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
		if (facts_count_header(message, single[i]) > 1)
			set_ambiguous(
			    message, tact_arena_printf(arena, "header %s stands more than once", single[i]));
	}
}

static void read_from(
    struct tact_arena *arena, struct tact_message *message, const struct tact_canonical_profile *profile)
{
	const char *raw = tact_facts_header(message, "From");
	const char *mailbox;
	struct tact_address address;
	if (raw == NULL) {
		set_ambiguous(message, "header From is missing");
		return;
	}
	size_t count = facts_parse_mailboxes(arena, raw, &mailbox);
	if (count != 1 || tact_facts_parse_address(arena, mailbox, profile, &address, NULL) != TACT_OK) {
		set_ambiguous(message,
		    count > 1 ? "header From names several mailboxes" : "header From names no mailbox");
		return;
	}
	message->from = address.canonical;
	message->from_domain = address.domain;
}

/* "Name <id>" (RFC 2919 §3); without brackets the whole value, since many write it so. */
static const char *read_list_id(struct tact_arena *arena, const char *raw)
{
	if (raw == NULL)
		return NULL;
	const char *open = strrchr(raw, '<');
	const char *start = open == NULL ? raw : open + 1;
	size_t length = open == NULL ? strlen(raw) : strcspn(start, ">");
	const char *id = tact_text_trim(arena, tact_arena_strndup(arena, start, length));
	return facts_is_utf8(id) ? facts_lower(arena, id, strlen(id), true) : id;
}

/* Up to three words of the sender's own, then the sender: "a:b:c:sender", "a:sender". More than four mean
 * nothing known. */
static void read_feedback_id(struct tact_arena *arena, const char *raw, const char *ret[4])
{
	const char *fields[4] = {NULL};
	size_t count = 0;
	char *rest = raw == NULL ? NULL : tact_arena_strdup(arena, raw);
	while (rest != NULL) {
		const char *field = tact_text_trim(arena, strsep(&rest, ":"));
		if (count == 4)
			return;
		fields[count++] = *field == '\0' ? NULL : field;
	}
	for (size_t i = 0; i < count; i++)
		ret[i + 1 == count ? 3 : i] = fields[i];
}

/* RFC 3834 §5: a keyword, then perhaps parameters or a comment. */
static bool is_automatic(struct tact_arena *arena, const struct tact_message *message)
{
	const char *type = tact_facts_header(message, "Content-Type");
	const char *submitted = message->auto_submitted;
	if (type != NULL && facts_is_report(arena, type))
		return true;
	if (submitted == NULL || *submitted == '\0')
		return false;
	size_t length = strcspn(submitted, ";( \t");
	return length != 2 || !tact_text_starts_nocase(submitted, "no");
}

static bool is_platform_field(const struct tact_header *header)
{
	if (tact_text_equal_nocase(header->name, "Precedence"))
		return tact_text_equal_nocase(header->value, "bulk") ||
		       tact_text_equal_nocase(header->value, "list") ||
		       tact_text_equal_nocase(header->value, "junk");
	for (size_t i = 0; i < sizeof platform / sizeof *platform; i++) {
		if (tact_text_equal_nocase(header->name, platform[i]))
			return true;
	}
	return false;
}

static bool is_platform(const struct tact_message *message)
{
	for (size_t i = 0; i < message->headers_count; i++) {
		if (is_platform_field(&message->headers[i]))
			return true;
	}
	return false;
}

void tact_facts_finish_message(
    struct tact_arena *arena, struct tact_message *message, const struct tact_canonical_profile *profile)
{
	const char *subject = tact_facts_header(message, "Subject");
	message->message_id = tact_facts_header(message, "Message-ID");
	message->date = tact_facts_header(message, "Date");
	message->list_unsubscribe = tact_facts_header(message, "List-Unsubscribe");
	message->auto_submitted = tact_facts_header(message, "Auto-Submitted");
	message->precedence = tact_facts_header(message, "Precedence");
	message->subject = subject == NULL ? NULL : facts_decode_text(arena, subject);
	message->list_id = read_list_id(arena, tact_facts_header(message, "List-Id"));
	read_feedback_id(arena, tact_facts_header(message, "Feedback-ID"), message->feedback_id);
	check_repeated(arena, message);
	read_from(arena, message, profile);
	/* Being automatic spares a message rules, so it is never granted to one that cannot be read. */
	message->automatic = message->ambiguous == NULL && is_automatic(arena, message);
	message->platform = is_platform(message);
}
