/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Which stream carries a message: a row of small matchers. What cannot be told falls to the strictest stream,
 * never to a kinder one.
 */
#include <config.h>

#include "internal.h"

#include <string.h>

#define NAME_MAX_BYTES 255
#define NAME_START_BYTES 200

/* ---- submitters ---------------------------------------------------------------------------------------- */

static bool is_listed(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; word != NULL && i < count; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

static bool is_trusted(const struct tact_stream_set *set, const struct tact_envelope *envelope)
{
	return is_listed(set->trusted_sasl_users, set->trusted_sasl_users_count, envelope->sasl_user) ||
	       is_listed(set->trusted_listeners, set->trusted_listeners_count, envelope->listener) ||
	       tact_facts_network_has(
		   set->trusted_networks, set->trusted_networks_count, envelope->client_ip);
}

/* ---- conditions on the envelope ------------------------------------------------------------------------ */

static bool sender_matches(const struct tact_stream *stream, const struct tact_message *message)
{
	for (size_t i = 0; i < stream->senders_count; i++) {
		const char *wanted = stream->senders[i];
		bool whole = wanted[0] != '@';
		if (*message->sender != '\0' && tact_text_equal_nocase(whole ? wanted : wanted + 1,
						    whole ? message->sender : message->sender_domain))
			return true;
	}
	return false;
}

static bool has_header_conditions(const struct tact_stream *stream)
{
	return stream->from_domains_count > 0 || stream->headers_count > 0;
}

static bool has_conditions(const struct tact_stream *stream)
{
	return stream->sasl_users_count > 0 || stream->networks_count > 0 || stream->listeners_count > 0 ||
	       stream->senders_count > 0 || has_header_conditions(stream);
}

static bool envelope_matches(const struct tact_stream *stream, const struct tact_message *message)
{
	const struct tact_envelope *envelope = &message->envelope;
	if (stream->sasl_users_count > 0 &&
	    !is_listed(stream->sasl_users, stream->sasl_users_count, envelope->sasl_user))
		return false;
	if (stream->listeners_count > 0 &&
	    !is_listed(stream->listeners, stream->listeners_count, envelope->listener))
		return false;
	if (stream->networks_count > 0 &&
	    !tact_facts_network_has(stream->networks, stream->networks_count, envelope->client_ip))
		return false;
	return stream->senders_count == 0 || sender_matches(stream, message);
}

/* ---- conditions on headers ----------------------------------------------------------------------------- */

static bool from_domain_matches(const struct tact_stream *stream, const struct tact_message *message)
{
	for (size_t i = 0; message->from_domain != NULL && i < stream->from_domains_count; i++) {
		if (tact_text_equal_nocase(stream->from_domains[i], message->from_domain))
			return true;
	}
	return false;
}

/* One pattern over all fields of its name. */
static enum tact_answer fields_match(
    const struct tact_header_match *match, const struct tact_message *message)
{
	enum tact_answer answer = TACT_NO;
	bool subject = tact_text_equal_nocase(match->name, "Subject");
	for (size_t i = 0; answer != TACT_YES && i < message->headers_count; i++) {
		const struct tact_header *header = &message->headers[i];
		if (!tact_text_equal_nocase(header->name, match->name))
			continue;
		enum tact_answer one =
		    tact_facts_match_pattern(match->pattern, subject ? message->subject : header->value);
		answer = one == TACT_NO ? answer : one;
	}
	return answer;
}

static enum tact_answer headers_match(const struct tact_stream *stream, const struct tact_message *message)
{
	enum tact_answer answer = stream->headers_count == 0 ? TACT_YES : TACT_NO;
	if (stream->from_domains_count > 0 && !from_domain_matches(stream, message))
		return TACT_NO;
	for (size_t i = 0; answer != TACT_YES && i < stream->headers_count; i++) {
		enum tact_answer one = fields_match(&stream->headers[i], message);
		answer = one == TACT_NO ? answer : one;
	}
	return answer;
}

/* ---- the match ----------------------------------------------------------------------------------------- */

const struct tact_stream *tact_facts_find_stream(const struct tact_stream_set *set, const char *name)
{
	for (size_t i = 0; i < set->streams_count; i++)
		if (tact_text_equal_nocase(set->streams[i].name, name))
			return &set->streams[i];
	return NULL;
}

static struct tact_match fall_to_strictest(const struct tact_stream_set *set, const char *why)
{
	return (struct tact_match){.stream = set->strictest, .certain = true, .strictest = true, .why = why};
}

static struct tact_match uncertain(const struct tact_stream *stream, const char *why)
{
	return (struct tact_match){.stream = stream, .why = why};
}

static bool is_repeated(const struct tact_message *message, const char *name)
{
	return name != NULL && *name != '\0' && facts_count_header(message, name) > 1;
}

/* What only the whole message can say of the stream whose conditions hold. */
static struct tact_match judge(const struct tact_stream_set *set, const struct tact_stream *stream,
    const struct tact_message *message, bool trusted)
{
	if (stream->purpose == TACT_PERSONAL && message->platform) {
		struct tact_match match =
		    fall_to_strictest(set, "calls itself personal and has list or platform headers");
		match.bulk = true;
		return match;
	}
	if (trusted &&
	    (is_repeated(message, stream->campaign_header) || is_repeated(message, stream->offer_header)))
		return fall_to_strictest(
		    set, "the header that names campaign or offer stands more than once");
	return (struct tact_match){.stream = stream,
	    .certain = true,
	    .why = has_header_conditions(stream) ? "envelope and headers match" : "the envelope matches"};
}

/* The first whose conditions hold, as far as the envelope tells. */
static const struct tact_stream *first_by_envelope(
    const struct tact_stream_set *set, const struct tact_message *message, bool trusted)
{
	for (size_t i = 0; i < set->streams_count; i++) {
		const struct tact_stream *stream = &set->streams[i];
		if (has_conditions(stream) && envelope_matches(stream, message) &&
		    (trusted || !has_header_conditions(stream)))
			return stream;
	}
	return NULL;
}

/* Who writes to us may write as he likes: nothing of the message is believed but who brought it. */
static struct tact_match comes_in(const struct tact_stream *stream)
{
	return (struct tact_match){
	    .stream = stream, .certain = true, .why = "the envelope says that it comes in"};
}

static struct tact_match judge_ambiguous(
    const struct tact_stream_set *set, const struct tact_message *message, bool trusted)
{
	const struct tact_stream *stream = first_by_envelope(set, message, trusted);
	return stream != NULL && stream->direction == TACT_IN ? comes_in(stream)
							      : fall_to_strictest(set, message->ambiguous);
}

static struct tact_match match_complete(
    const struct tact_stream_set *set, const struct tact_message *message, bool trusted)
{
	if (message->ambiguous != NULL)
		return judge_ambiguous(set, message, trusted);
	for (size_t i = 0; i < set->streams_count; i++) {
		const struct tact_stream *stream = &set->streams[i];
		if (!has_conditions(stream) || !envelope_matches(stream, message))
			continue;
		if (stream->direction == TACT_IN)
			return comes_in(stream);
		enum tact_answer answer = TACT_YES;
		if (has_header_conditions(stream))
			answer = trusted ? headers_match(stream, message) : TACT_NO;
		if (answer == TACT_CANNOT_TELL)
			return fall_to_strictest(set, "a header pattern came to no answer within its limits");
		if (answer == TACT_YES)
			return judge(set, stream, message, trusted);
	}
	return fall_to_strictest(set, "no stream matches");
}

static struct tact_match match_envelope(
    const struct tact_stream_set *set, const struct tact_message *message, bool trusted)
{
	const struct tact_stream *stream = first_by_envelope(set, message, trusted);
	if (stream == NULL)
		return fall_to_strictest(set, "no stream matches");
	if (stream->direction == TACT_IN)
		return comes_in(stream);
	if (has_header_conditions(stream))
		return uncertain(stream, "its headers are not known yet");
	if (stream->purpose == TACT_PERSONAL)
		return uncertain(stream, "its headers may show that it is not personal");
	return (struct tact_match){.stream = stream, .certain = true, .why = "the envelope matches"};
}

void tact_facts_match_stream(const struct tact_stream_set *set, const struct tact_message *message,
    bool complete, struct tact_match *ret)
{
	bool trusted = is_trusted(set, &message->envelope);
	*ret = complete ? match_complete(set, message, trusted) : match_envelope(set, message, trusted);
}

/* ---- facts --------------------------------------------------------------------------------------------- */

/* A name that is not ASCII comes as encoded words (RFC 2047), spelled as each platform likes; what people
 * type is the name itself. */
static const char *decode_name(struct tact_arena *arena, const char *value)
{
	if (strstr(value, "=?") == NULL)
		return value;
	return tact_text_trim(arena, facts_decode_text(arena, value));
}

/* Names from headers go into records and evidence: short, and clean text. Cutting alone would make two
 * campaigns one. */
static const char *name_from(struct tact_arena *arena, const char *value)
{
	if (value == NULL)
		return "";
	value = decode_name(arena, value);
	if (strlen(value) <= NAME_MAX_BYTES && facts_is_clean(value))
		return value;
	struct tact_id id = tact_digest_id(&value, 1);
	return tact_arena_printf(
	    arena, "%s~%s", tact_text_printable(arena, value, NAME_START_BYTES), tact_id_format(arena, &id));
}

static const char *text_or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

static const char *header_or_null(const struct tact_message *message, const char *name)
{
	return name == NULL || *name == '\0' ? NULL : tact_facts_header(message, name);
}

void tact_facts_of_stream(const struct tact_stream *stream, const char *campaign, const char *offer,
    const char *list, struct tact_facts *ret)
{
	*ret = (struct tact_facts){
	    .stream = stream->name,
	    .owner = text_or_empty(stream->owner),
	    .brand = text_or_empty(stream->brand),
	    .campaign = campaign,
	    .offer = offer,
	    .list = list,
	    .occasion = text_or_empty(stream->occasion),
	    .purpose = stream->purpose,
	    .channel = TACT_EMAIL,
	    .priority = stream->priority,
	    .exempt = stream->exempt,
	    .counts = stream->counts,
	};
}

void tact_facts_gather(struct tact_arena *arena, const struct tact_stream_set *set,
    const struct tact_message *message, const struct tact_match *match, struct tact_facts *ret)
{
	const struct tact_stream *stream = match->stream;
	bool trusted = is_trusted(set, &message->envelope);
	bool named = stream->campaign_header != NULL && *stream->campaign_header != '\0';
	const char *campaign =
	    named ? header_or_null(message, stream->campaign_header) : message->feedback_id[0];
	tact_facts_of_stream(stream, name_from(arena, trusted ? campaign : NULL),
	    name_from(arena, trusted ? header_or_null(message, stream->offer_header) : NULL),
	    name_from(arena, message->list_id), ret);
}
