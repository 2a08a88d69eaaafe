/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What a reader sees of a message. GMime tells its parts apart; here it is chosen which of them are shown,
 * and whatever another program might read differently is unreadable. How a part becomes text is decode.c's
 * and html.c's.
 */
#include <config.h>

#include "internal.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

#define BODY_MAX (64u << 20)
#define FIELD_MAX 16384 /* of a header field that says what the body is */
#define LINES_MAX 2000	/* that begin like a boundary: parts, more or less */
#define NESTS_MAX 100	/* fields that name a multipart or a message: GMime looks at all that are open */
#define CHARSET_MAX 40	/* of a name that GMime may remember */

struct reader {
	const char *data; /* what the parser reads: a small header, then the body */
	struct facts_text text;
	struct tact_content *content;
};

/* The first reason stays. */
static void set_unreadable(struct tact_content *content, const char *why)
{
	if (content->unreadable == NULL)
		content->unreadable = why;
}

/* ---- before GMime ----------------------------------------------------------------------------------------
 */

/* One line, without its end. */
struct line {
	char *at;
	size_t length;
};

static bool is_field_line(const struct line *line)
{
	size_t name = 0;
	if (line->length > 0 && (line->at[0] == ' ' || line->at[0] == '\t'))
		return true;
	while (name < line->length && line->at[name] > 32 && line->at[name] < 127 && line->at[name] != ':')
		name++;
	size_t colon = name;
	while (colon < line->length && (line->at[colon] == ' ' || line->at[colon] == '\t'))
		colon++;
	return name > 0 && colon < line->length && line->at[colon] == ':';
}

/* Makes a name of a character set that is not known one that GMime has met before. MARK is cut when it is too
 * long for that. */
static void mask_charset(char *name, size_t length, char *mark)
{
	if (length == 0 || facts_is_known_charset(name, strcspn(name, "*?' \t\r\n")))
		return;
	if (length > CHARSET_MAX)
		*mark = '_';
	else
		memset(name, 'x', length);
}

/* GMime remembers every name of a character set it ever met (see header.c): "=?name?…" and "x*=name'…". */
static void mask_charsets(struct line *line)
{
	for (size_t i = 0; i + 1 < line->length; i++) {
		char *at = line->at + i;
		bool word = at[0] == '=' && at[1] == '?', parameter = at[0] == '*' && at[1] == '=';
		if (!word && !parameter)
			continue;
		char *name = at + 2, *end = line->at + line->length;
		name += parameter && name < end && *name == '"';
		char *close = name < end ? memchr(name, word ? '?' : '\'', (size_t)(end - name)) : NULL;
		if (close != NULL)
			mask_charset(name, (size_t)(close - name), at + (word ? 1 : 0));
	}
}

static bool names_nest(const struct line *line)
{
	static const char *const nests[] = {"multipart/", "message/"};
	for (size_t i = 0; i < line->length; i++)
		for (size_t n = 0; n < 2; n++)
			if (line->length - i >= strlen(nests[n]) &&
			    g_ascii_strncasecmp(line->at + i, nests[n], strlen(nests[n])) == 0)
				return true;
	return false;
}

/* Goes over the lines once: what could be a part's header is made harmless. False when there is more of
 * structure than anybody sends. */
static bool tame(char *data, size_t size)
{
	size_t boundaries = 0, nests = 0;
	bool header = true;
	for (char *at = data, *end = data + size; at < end;) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		struct line line = {at, (size_t)((newline == NULL ? end : newline) - at)};
		bool empty = line.length == 0 || (line.length == 1 && at[0] == '\r');
		bool boundary = line.length >= 2 && at[0] == '-' && at[1] == '-';
		boundaries += boundary;
		header = empty || boundary || (header && is_field_line(&line));
		if (header && !empty && !boundary) {
			mask_charsets(&line);
			nests += names_nest(&line);
		}
		at = newline == NULL ? end : newline + 1;
	}
	return boundaries <= LINES_MAX && nests <= NESTS_MAX;
}

/* The fields that say what the body is. Everything else of the header is read already. */
static void put_fields(const struct tact_message *message, GByteArray *to, struct tact_content *content)
{
	static const char *const wanted[] = {
	    "Content-Type", "Content-Transfer-Encoding", "Content-Disposition"};
	for (size_t i = 0; i < message->headers_count; i++) {
		const struct tact_header *header = &message->headers[i];
		bool take = false;
		for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++)
			take = take || tact_text_equal_nocase(header->name, wanted[w]);
		if (!take)
			continue;
		if (strlen(header->value) > FIELD_MAX) {
			set_unreadable(content, "a header field that says what the body is, is too long");
			continue;
		}
		g_byte_array_append(to, (const guint8 *)header->name, (guint)strlen(header->name));
		g_byte_array_append(to, (const guint8 *)": ", 2);
		g_byte_array_append(to, (const guint8 *)header->value, (guint)strlen(header->value));
		g_byte_array_append(to, (const guint8 *)"\n", 1);
	}
	g_byte_array_append(to, (const guint8 *)"\n", 1);
}

/* ---- structure -------------------------------------------------------------------------------------------
 */

/* What GMime says of what another program might read differently. */
static void on_warning(gint64 offset, GMimeParserWarning warning, const gchar *item, gpointer context)
{
	(void)offset;
	(void)item;
	struct tact_content *content = context;
	switch (warning) {
	case GMIME_WARN_DUPLICATED_HEADER:
	case GMIME_CRIT_CONFLICTING_HEADER:
		set_unreadable(content, "a part has a header field more than once");
		break;
	case GMIME_WARN_DUPLICATED_PARAMETER:
	case GMIME_CRIT_CONFLICTING_PARAMETER:
		set_unreadable(content, "a part has a parameter more than once");
		break;
	case GMIME_WARN_INVALID_CONTENT_TYPE:
		set_unreadable(content, "a part has a Content-Type that cannot be read");
		break;
	case GMIME_CRIT_MULTIPART_WITHOUT_BOUNDARY:
		set_unreadable(content, "a multipart has no boundary");
		break;
	case GMIME_CRIT_NESTING_OVERFLOW:
		set_unreadable(content, "parts are nested too deep");
		break;
	case GMIME_WARN_TRUNCATED_MESSAGE:
		set_unreadable(content, "a multipart has no end");
		break;
	case GMIME_WARN_MALFORMED_MULTIPART:
	case GMIME_WARN_MALFORMED_MESSAGE:
	case GMIME_CRIT_INVALID_HEADER_NAME:
	case GMIME_CRIT_PART_WITHOUT_HEADERS_OR_CONTENT:
		set_unreadable(content, "a part is malformed");
		break;
	case GMIME_WARN_UNENCODED_8BIT_HEADER:
	case GMIME_WARN_INVALID_RFC2047_HEADER_VALUE:
	case GMIME_WARN_INVALID_PARAMETER:
	case GMIME_WARN_INVALID_ADDRESS_LIST:
	case GMIME_WARN_PART_WITHOUT_CONTENT:
		break; /* names of files and people: not what is read here */
	}
}

static size_t count_fields(GMimeObject *object, const char *name)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(object);
	size_t count = 0;
	for (int i = 0; i < g_mime_header_list_get_count(list); i++)
		count += tact_text_equal_nocase(
		    g_mime_header_get_name(g_mime_header_list_get_header_at(list, i)), name);
	return count;
}

static void check_fields(struct tact_content *content, GMimeObject *object)
{
	if (count_fields(object, "Content-Type") > 1 ||
	    count_fields(object, "Content-Transfer-Encoding") > 1 ||
	    count_fields(object, "Content-Disposition") > 1)
		set_unreadable(content, "a part has a header field more than once");
}

/* The transfer encoding as written, without comment, or NULL. */
static const char *encoding_of(GMimeObject *object, char ret[64])
{
	const char *value = g_mime_object_get_header(object, "Content-Transfer-Encoding");
	if (value == NULL)
		return NULL;
	value += strspn(value, " \t");
	size_t length = strcspn(value, " \t;(");
	g_strlcpy(ret, value, length < 63 ? length + 1 : 64);
	return ret;
}

static bool is_encoded(GMimeObject *object)
{
	char buffer[64];
	const char *encoding = encoding_of(object, buffer);
	if (encoding == NULL)
		return false;
	GMimeContentEncoding kind = g_mime_content_encoding_from_string(encoding);
	return kind != GMIME_CONTENT_ENCODING_7BIT && kind != GMIME_CONTENT_ENCODING_8BIT &&
	       kind != GMIME_CONTENT_ENCODING_BINARY;
}

static bool is_attached(GMimeObject *object)
{
	const char *disposition = g_mime_object_get_disposition(object);
	return disposition != NULL && tact_text_equal_nocase(disposition, GMIME_DISPOSITION_ATTACHMENT);
}

static bool has_type(GMimeObject *object, const char *type, const char *subtype)
{
	return g_mime_content_type_is_type(g_mime_object_get_content_type(object), type, subtype);
}

/* ---- parts of text ---------------------------------------------------------------------------------------
 */

/* Its bytes as they came. They are the parser's own, which reads from our memory. */
static const char *raw_of(const struct reader *reader, GMimePart *part, size_t *ret_size)
{
	GMimeDataWrapper *wrapper = g_mime_part_get_content(part);
	GMimeStream *stream = wrapper == NULL ? NULL : g_mime_data_wrapper_get_stream(wrapper);
	*ret_size = 0;
	if (stream == NULL || stream->bound_end < stream->bound_start)
		return "";
	*ret_size = (size_t)(stream->bound_end - stream->bound_start);
	return reader->data + stream->bound_start;
}

static bool is_html(GMimeObject *object)
{
	return has_type(object, "text", "html") || has_type(object, "text", "x-amp-html") ||
	       has_type(object, "text", "watch-html");
}

static void put_part(struct reader *reader, const struct facts_text *decoded, bool html)
{
	struct facts_text seen = {NULL, 0, 0};
	if (html)
		set_unreadable(reader->content, facts_html_to_text(decoded->data, decoded->size, &seen));
	const struct facts_text *from = html ? &seen : decoded;
	if (reader->content->parts++ > 0)
		facts_text_put(&reader->text, "\n\n", 2);
	facts_put_visible(&reader->text, from->size > 0 ? from->data : "", from->size);
	facts_text_free(&seen);
}

static void read_text(struct reader *reader, GMimePart *part)
{
	GMimeObject *object = GMIME_OBJECT(part);
	const char *charset =
	    g_mime_content_type_get_parameter(g_mime_object_get_content_type(object), "charset");
	struct facts_text decoded = {NULL, 0, 0};
	char buffer[64];
	size_t size;
	const char *raw = raw_of(reader, part, &size);
	set_unreadable(
	    reader->content, facts_decode_part(raw, size, encoding_of(object, buffer), charset, &decoded));
	if (decoded.size > 0 && strstr(decoded.data, "-----BEGIN PGP MESSAGE-----") != NULL)
		set_unreadable(reader->content, "encrypted");
	if (decoded.size > 0)
		put_part(reader, &decoded, is_html(object));
	facts_text_free(&decoded);
}

/* Text that programs read, not people. */
static bool is_for_programs(GMimeObject *object)
{
	static const char *const subtypes[] = {
	    "calendar", "css", "csv", "vcard", "x-vcard", "directory", "javascript", "xml"};
	for (size_t i = 0; i < sizeof subtypes / sizeof *subtypes; i++)
		if (has_type(object, "text", subtypes[i]))
			return true;
	return false;
}

static void read_leaf(struct reader *reader, GMimePart *part)
{
	GMimeObject *object = GMIME_OBJECT(part);
	struct tact_content *content = reader->content;
	if (has_type(object, "application", "pkcs7-mime") || has_type(object, "application", "x-pkcs7-mime"))
		set_unreadable(content, "encrypted");
	else if (has_type(object, "message", "partial"))
		set_unreadable(content, "one piece of a message");
	else if (is_attached(object))
		content->attachment = true;
	else if (has_type(object, "text", "*") && !is_for_programs(object))
		read_text(reader, part);
	else if (!has_type(object, "image", "*") && !has_type(object, "application", "pgp-signature") &&
		 !has_type(object, "application", "pkcs7-signature") &&
		 !has_type(object, "application", "x-pkcs7-signature"))
		content->attachment = true;
}

/* ---- the tree --------------------------------------------------------------------------------------------
 */

static void read_object(struct reader *reader, GMimeObject *object);

static void read_multipart(struct reader *reader, GMimeMultipart *multipart)
{
	GMimeObject *object = GMIME_OBJECT(multipart);
	if (has_type(object, "multipart", "encrypted"))
		set_unreadable(reader->content, "encrypted");
	if (is_encoded(object))
		set_unreadable(reader->content, "a multipart is encoded");
	for (int i = 0; i < g_mime_multipart_get_count(multipart); i++)
		read_object(reader, g_mime_multipart_get_part(multipart, i));
}

static void read_forwarded(struct reader *reader, GMimeMessagePart *part)
{
	GMimeMessage *message = g_mime_message_part_get_message(part);
	if (is_encoded(GMIME_OBJECT(part)))
		set_unreadable(reader->content, "a forwarded message is encoded");
	if (is_attached(GMIME_OBJECT(part)))
		reader->content->attachment = true;
	else if (message != NULL && g_mime_message_get_mime_part(message) != NULL)
		read_object(reader, g_mime_message_get_mime_part(message));
}

/* As deep as the fields that nest: tame has counted them. */
static void read_object(struct reader *reader, GMimeObject *object)
{
	check_fields(reader->content, object);
	if (GMIME_IS_MULTIPART(object))
		read_multipart(reader, GMIME_MULTIPART(object));
	else if (GMIME_IS_MESSAGE_PART(object))
		read_forwarded(reader, GMIME_MESSAGE_PART(object));
	else if (GMIME_IS_PART(object))
		read_leaf(reader, GMIME_PART(object));
}

static void parse(struct reader *reader, GByteArray *bytes)
{
	GMimeParserOptions *options = g_mime_parser_options_new();
	GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_options_set_warning_callback(options, on_warning, reader->content);
	GMimeObject *object = g_mime_parser_construct_part(parser, options);
	if (object == NULL)
		set_unreadable(reader->content, "a part is malformed");
	else
		read_object(reader, object);
	g_clear_object(&object);
	g_object_unref(parser);
	g_object_unref(stream);
	g_mime_parser_options_free(options);
}

/* ---- the door --------------------------------------------------------------------------------------------
 */

/* Encoded words that stand together (RFC 2047 §2): some programs break characters over them. */
struct words {
	struct facts_text bytes;
	char charset[CHARSET_MAX + 1];
	bool good;
};

static void end_words(struct words *words)
{
	struct facts_text text = {NULL, 0, 0};
	if (words->bytes.size > 0 &&
	    facts_decode_part(words->bytes.data, words->bytes.size, NULL, words->charset, &text) != NULL)
		words->good = false;
	facts_text_free(&text);
	words->bytes.size = 0;
}

/* One at WORD. Answers what comes after it, or NULL when there is none here. */
static const char *take_word(struct words *words, const char *word)
{
	size_t charset = strcspn(word + 2, "? \t");
	const char *kind = word + 2 + charset;
	if (*kind != '?' || kind[1] == '\0' || kind[2] != '?')
		return NULL;
	size_t length = strcspn(kind + 3, "? \t");
	if (kind[3 + length] != '?' || kind[4 + length] != '=')
		return NULL;
	char name[CHARSET_MAX + 1] = "";
	snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "*?"), word + 2);
	if (!tact_text_equal_nocase(name, words->charset))
		end_words(words);
	memcpy(words->charset, name, sizeof name);
	bool base64 = kind[1] == 'B' || kind[1] == 'b', quoted = kind[1] == 'Q' || kind[1] == 'q';
	words->good = words->good && (base64 || quoted) &&
		      facts_take_off_encoding(
			  kind + 3, length, base64 ? "base64" : "quoted-printable", &words->bytes) == NULL;
	return kind + 5 + length;
}

/* Decoding passes over what it cannot decode, or guesses. */
static bool is_decodable(const char *raw)
{
	struct words words = {.good = true};
	while (words.good && *raw != '\0') {
		const char *after = raw[0] == '=' && raw[1] == '?' ? take_word(&words, raw) : NULL;
		if (after == NULL && *raw != ' ' && *raw != '\t')
			end_words(&words);
		raw = after == NULL ? raw + 1 : after;
	}
	end_words(&words);
	facts_text_free(&words.bytes);
	return words.good;
}

static void read_subject(const struct tact_message *message, struct tact_content *content)
{
	const char *raw = tact_facts_header(message, "Subject");
	content->subject = message->subject == NULL ? "" : message->subject;
	if (raw != NULL && (strlen(raw) > FIELD_MAX || !facts_is_utf8(raw) || !is_decodable(raw)))
		content->subject_unreadable = "the subject cannot be decoded";
}

static void read_body(const struct tact_message *message, const struct tact_body *body, struct reader *reader)
{
	GByteArray *bytes = g_byte_array_sized_new((guint)body->size_bytes + 512);
	put_fields(message, bytes, reader->content);
	g_byte_array_append(bytes, (const guint8 *)body->bytes, (guint)body->size_bytes);
	reader->data = (const char *)bytes->data;
	if (tame((char *)bytes->data, bytes->len))
		parse(reader, bytes);
	else
		set_unreadable(reader->content, "too many parts");
	g_byte_array_unref(bytes);
}

void tact_facts_read_content(struct tact_arena *arena, const struct tact_message *message,
    const struct tact_body *body, struct tact_content *ret)
{
	struct reader reader = {.content = ret};
	*ret = (struct tact_content){.subject = "",
	    .text = "",
	    .unreadable = message->ambiguous,
	    .subject_unreadable = message->ambiguous};
	read_subject(message, ret);
	if (body == NULL || body->size_bytes > BODY_MAX) {
		set_unreadable(ret, body == NULL ? "the body was not kept" : "the body is too large");
		return;
	}
	if (!body->whole)
		set_unreadable(ret, "the body is too large");
	facts_start_gmime();
	read_body(message, body, &reader);
	ret->text_bytes = reader.text.size;
	ret->text = tact_arena_strndup(arena, reader.text.size > 0 ? reader.text.data : "", reader.text.size);
	facts_text_free(&reader.text);
}
