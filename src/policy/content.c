/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What must and must not stand in a message. The message is put to the rules once, whoever its recipients
 * are; for each of them only its brand is looked at again. What cannot be read is never taken for harmless.
 */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "engine.h"

#define EXCERPT_MAX 60

/* ---- words -------------------------------------------------------------------------------------- */

/* The sets that tact brings along are named by what they find: "unfilled merge tag". */
static const char *set_words(struct tact_arena *arena, const char *name)
{
	char *words = tact_arena_strdup(arena, name);

	for (char *c = words; *c != '\0'; c++)
		if (*c == '-' || *c == '_')
			*c = ' ';
	return words;
}

/* What matched, for an SMTP reply: ASCII, one line, no blanks and marks at its ends; "" for what names an
 * address. */
static const char *excerpt(struct tact_arena *arena, const char *text, size_t length)
{
	char out[EXCERPT_MAX];
	size_t count = 0;

	for (size_t i = 0; i < length && count < sizeof out; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '@')
			return "";
		if ((c & 0xC0) == 0x80) /* the rest of a character that has its mark already */
			continue;
		if (c <= ' ' && (count == 0 || out[count - 1] == ' '))
			continue;
		out[count++] = (char)(c <= ' ' ? ' ' : c < 0x7F ? c : '?');
	}
	while (count > 0 && strchr(" ,:;!", out[count - 1]) != NULL)
		count--;
	return tact_arena_strndup(arena, out, count);
}

/* ---- header fields ------------------------------------------------------------------------------ */

static bool is_named(const char *field, const char *name)
{
	size_t length = strlen(name);

	if (length > 0 && name[length - 1] == '*')
		return strncasecmp(field, name, length - 1) == 0;
	return tact_text_equal_nocase(field, name);
}

static const struct tact_header *find_header(const struct tact_message *message, const char *name)
{
	for (size_t i = 0; i < message->headers_count; i++)
		if (is_named(message->headers[i].name, name))
			return &message->headers[i];
	return NULL;
}

/* ---- one rule and the message ------------------------------------------------------------------- */

/* A set and where it was looked for: each is asked once a message, whichever rules read it. */
struct asked {
	const struct tact_pattern *const *patterns;
	const char *text;
	enum tact_answer answer;
	size_t at, length;
};

struct asks {
	struct asked *list;
	size_t count;
};

/* The rule as it goes over the message. */
struct reader {
	struct tact_arena *arena;
	const struct tact_content_rule *rule;
	const struct tact_message *message;
	const struct tact_content *content;
	struct tact_content_answer *answer;
	struct asks *asks;
};

static void fire(const struct reader *reader, const char *words)
{
	*reader->answer = (struct tact_content_answer){.fires = TACT_YES, .words = words, .why = words};
}

/* A rule that was broken stays broken, whatever else cannot be told. */
static void doubt(const struct reader *reader, const char *why)
{
	if (reader->answer->fires == TACT_NO)
		*reader->answer =
		    (struct tact_content_answer){.fires = TACT_CANNOT_TELL, .words = why, .why = why};
}

static enum tact_answer search(
    const struct tact_pattern_set *set, const char *text, size_t length, size_t *ret_at, size_t *ret_length)
{
	enum tact_answer sum = TACT_NO;

	for (size_t i = 0; i < set->count; i++) {
		enum tact_answer answer =
		    tact_facts_search(set->patterns[i], text, length, ret_at, ret_length);

		if (answer == TACT_YES)
			return answer;
		if (answer == TACT_CANNOT_TELL)
			sum = answer;
	}
	return sum;
}

/* ret_found: what matched, for words. */
static enum tact_answer find_in(const struct reader *reader, const struct tact_pattern_set *set,
    const char *text, size_t length, const char **ret_found)
{
	struct asks *asks = reader->asks;
	struct asked *asked = asks->list;
	const struct asked *end = asked + asks->count;

	while (asked < end && (asked->patterns != set->patterns || asked->text != text))
		asked++;
	if (asked == end) {
		asked = TACT_PUSH(reader->arena, asks->list, asks->count);
		*asked = (struct asked){.patterns = set->patterns, .text = text};
		asked->answer = search(set, text, length, &asked->at, &asked->length);
	}
	if (asked->answer == TACT_YES)
		*ret_found = excerpt(reader->arena, text + asked->at, asked->length);
	return asked->answer;
}

/* Where the rule looks: subject, text, or one after the other. ret_found: what matched, for words. */
static enum tact_answer find(
    const struct reader *reader, const struct tact_pattern_set *set, const char **ret_found)
{
	const struct tact_content *content = reader->content;
	enum tact_answer subject = TACT_NO, text = TACT_NO;

	if (reader->rule->where != TACT_WHERE_TEXT)
		subject = find_in(reader, set, content->subject, strlen(content->subject), ret_found);
	if (subject != TACT_YES && reader->rule->where != TACT_WHERE_SUBJECT)
		text = find_in(reader, set, content->text, content->text_bytes, ret_found);
	if (subject == TACT_YES || text == TACT_YES)
		return TACT_YES;
	return subject == TACT_CANNOT_TELL || text == TACT_CANNOT_TELL ? TACT_CANNOT_TELL : TACT_NO;
}

/* Why not all that the rule looks at could be read, or NULL. */
static const char *unreadable(const struct reader *reader)
{
	const struct tact_content *content = reader->content;

	if (content->subject_unreadable != NULL && reader->rule->where != TACT_WHERE_TEXT)
		return content->subject_unreadable;
	return reader->rule->where == TACT_WHERE_SUBJECT ? NULL : content->unreadable;
}

static void look_for_forbidden(const struct reader *reader)
{
	const struct tact_content_rule *rule = reader->rule;

	for (size_t i = 0; i < rule->must_not.count && reader->answer->fires != TACT_YES; i++) {
		const char *found = "", *name = set_words(reader->arena, rule->must_not.names[i]);
		enum tact_answer answer = find(reader, &rule->must_not_sets[i], &found);

		if (answer == TACT_YES)
			fire(reader, JOIN(reader->arena, name, *found == '\0' ? "" : " ", found));
		else if (answer == TACT_CANNOT_TELL)
			doubt(reader, JOIN(reader->arena, "search for ", name, " took too long"));
	}
}

/* What was not found may stand in what could not be read. */
static void look_for_needed(const struct reader *reader)
{
	const struct tact_content_rule *rule = reader->rule;

	for (size_t i = 0; i < rule->must.count && reader->answer->fires != TACT_YES; i++) {
		const char *found, *name = set_words(reader->arena, rule->must.names[i]);
		enum tact_answer answer = find(reader, &rule->must_sets[i], &found);

		if (answer == TACT_NO && unreadable(reader) == NULL)
			fire(reader, JOIN(reader->arena, name, " is missing"));
		else if (answer == TACT_CANNOT_TELL)
			doubt(reader, JOIN(reader->arena, "search for ", name, " took too long"));
	}
}

static void look_at_headers(const struct reader *reader)
{
	const struct tact_content_rule *rule = reader->rule;
	const struct tact_header *header;

	for (size_t i = 0; i < rule->headers_must_not.count && reader->answer->fires != TACT_YES; i++) {
		header = find_header(reader->message, rule->headers_must_not.names[i]);
		if (header != NULL)
			fire(reader, JOIN(reader->arena, "header ",
					 tact_text_printable(reader->arena, header->name, EXCERPT_MAX),
					 " must not be there"));
	}
	for (size_t i = 0; i < rule->headers_must.count && reader->answer->fires != TACT_YES; i++)
		if (find_header(reader->message, rule->headers_must.names[i]) == NULL)
			fire(reader,
			    JOIN(reader->arena, "header ", rule->headers_must.names[i], " is missing"));
}

static bool searches(const struct tact_content_rule *rule)
{
	return rule->must.count > 0 || rule->must_not.count > 0;
}

/* Does the rule ask for anything, or does it only edit? */
static bool looks(const struct tact_content_rule *rule)
{
	return searches(rule) || rule->headers_must.count > 0 || rule->headers_must_not.count > 0;
}

static void read_rule(const struct reader *reader)
{
	const char *why = NULL;

	*reader->answer = (struct tact_content_answer){.fires = TACT_NO,
	    .words = "",
	    .why = "nothing is there that must not be, and nothing is missing"};
	look_at_headers(reader);
	look_for_forbidden(reader);
	look_for_needed(reader);
	if (searches(reader->rule))
		why = unreadable(reader);
	if (why == NULL && looks(reader->rule))
		why = reader->message->ambiguous;
	if (why != NULL)
		doubt(reader, JOIN(reader->arena, "message cannot be read: ", why));
}

/* ---- before the recipients ---------------------------------------------------------------------- */

static bool concerns(const struct tact_rule *rule, const struct tact_facts *facts)
{
	return rule->kind == TACT_RULE_CONTENT && (facts == NULL || policy_applies(&rule->applies, facts));
}

bool tact_policy_wants_content(const struct tact_rule_set *rules, const struct tact_facts *facts)
{
	for (size_t i = 0; i < rules->rules_count; i++) {
		const struct tact_rule *rule = &rules->rules[i];

		if (concerns(rule, facts) && searches(&rule->content) &&
		    rule->content.where != TACT_WHERE_SUBJECT)
			return true;
	}
	return false;
}

const struct tact_contents *tact_policy_read_content(struct tact_arena *arena,
    const struct tact_rule_set *rules, const struct tact_facts *facts, const struct tact_message *message,
    const struct tact_content *content)
{
	struct tact_contents *contents = tact_arena_alloc(arena, sizeof *contents);
	struct tact_content_answer *answers = tact_arena_alloc(arena, rules->rules_count * sizeof *answers);
	struct asks asks = {.count = 0};

	for (size_t i = 0; i < rules->rules_count; i++) {
		const struct reader reader = {.arena = arena,
		    .rule = &rules->rules[i].content,
		    .message = message,
		    .content = content,
		    .answer = &answers[i],
		    .asks = &asks};

		if (concerns(&rules->rules[i], facts))
			read_rule(&reader);
	}
	contents->answers = answers;
	contents->from_domain = message->from_domain;
	return contents;
}

/* ---- header edits ------------------------------------------------------------------------------- */

static bool has_name(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (tact_text_equal_nocase(names[i], name))
			return true;
	return false;
}

static void strip(struct tact_arena *arena, const struct tact_names *wanted,
    const struct tact_message *message, struct tact_header_edits *edits)
{
	const char **names = (const char **)(uintptr_t)edits->strip;

	for (size_t i = 0; i < message->headers_count; i++)
		for (size_t w = 0; w < wanted->count; w++)
			if (is_named(message->headers[i].name, wanted->names[w]) &&
			    !has_name(names, edits->strip_count, message->headers[i].name))
				*TACT_PUSH(arena, names, edits->strip_count) = message->headers[i].name;
	edits->strip = names;
}

/* "Name: value", as the configuration made sure. */
static struct tact_header parse_field(struct tact_arena *arena, const char *field)
{
	size_t name = strcspn(field, ":");

	return (struct tact_header){.name = tact_arena_strndup(arena, field, name),
	    .value = tact_text_trim(arena, field + name + (field[name] == ':'))};
}

static bool is_added(const struct tact_header_edits *edits, const char *name)
{
	for (size_t i = 0; i < edits->add_count; i++)
		if (tact_text_equal_nocase(edits->add[i].name, name))
			return true;
	return false;
}

/* Missing, too, is what is taken off. */
static void add(struct tact_arena *arena, const struct tact_names *wanted, const struct tact_message *message,
    struct tact_header_edits *edits)
{
	struct tact_header *fields = (struct tact_header *)(uintptr_t)edits->add;

	for (size_t i = 0; i < wanted->count; i++) {
		struct tact_header field = parse_field(arena, wanted->names[i]);

		if (is_added(edits, field.name) ||
		    (tact_facts_header(message, field.name) != NULL &&
			!has_name(edits->strip, edits->strip_count, field.name)))
			continue;
		*TACT_PUSH(arena, fields, edits->add_count) = field;
		edits->add = fields;
	}
}

void tact_policy_edit_headers(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_facts *facts, const struct tact_message *message, struct tact_header_edits *ret)
{
	*ret = (struct tact_header_edits){.add_count = 0};
	if (rules->monitor)
		return;
	for (size_t i = 0; i < rules->rules_count; i++)
		if (concerns(&rules->rules[i], facts) && !rules->rules[i].monitor)
			strip(arena, &rules->rules[i].content.strip_headers, message, ret);
	for (size_t i = 0; i < rules->rules_count; i++)
		if (concerns(&rules->rules[i], facts) && !rules->rules[i].monitor)
			add(arena, &rules->rules[i].content.add_headers, message, ret);
}

/* ---- the rule and one recipient ----------------------------------------------------------------- */

static const struct tact_brand *find_brand(const struct tact_rule_set *rules, const char *name)
{
	for (size_t i = 0; i < rules->brands_count; i++)
		if (tact_text_equal_nocase(rules->brands[i].name, name))
			return &rules->brands[i];
	return NULL;
}

/* Does the From domain belong to the brand? Mail without a brand, and a brand without domains, may have any.
 */
static enum tact_answer is_foreign(const struct asker *asker, const char *from_domain)
{
	const struct tact_brand *brand = find_brand(asker->book->rules, asker->facts->brand);

	if (brand == NULL || brand->domains.count == 0)
		return TACT_NO;
	if (from_domain == NULL)
		return TACT_CANNOT_TELL;
	return policy_names_have(&brand->domains, from_domain) ? TACT_NO : TACT_YES;
}

static struct tact_content_answer answer_of(const struct asker *asker, size_t rule)
{
	const struct tact_contents *contents = asker->question == NULL ? NULL : asker->question->contents;
	struct tact_content_answer answer;
	enum tact_answer foreign;

	if (contents == NULL)
		return (struct tact_content_answer){.fires = TACT_CANNOT_TELL,
		    .words = "message was not read",
		    .why = "the message was not read"};
	answer = contents->answers[rule];
	if (answer.fires == TACT_YES || !asker->book->rules->rules[rule].content.from_brand)
		return answer;
	foreign = is_foreign(asker, contents->from_domain);
	if (foreign == TACT_NO)
		return answer;
	answer.fires = foreign;
	answer.words = answer.why =
	    foreign == TACT_CANNOT_TELL
		? "From domain cannot be told"
		: JOIN(asker->book->arena, "From domain ", contents->from_domain, " is not the brand's");
	return answer;
}

static bool is_early(const struct asker *asker)
{
	return asker->question != NULL && asker->question->no_message;
}

/* Words of a message do not change with time. */
int64_t policy_content_earliest(const struct asker *asker, size_t rule, int64_t t_us)
{
	const struct tact_content_rule *content = &asker->book->rules->rules[rule].content;
	enum tact_answer fires;

	if (asker->question == NULL || is_early(asker))
		return t_us;
	fires = answer_of(asker, rule).fires;
	return fires == TACT_NO || (fires == TACT_CANNOT_TELL && content->on_unreadable == TACT_ACCEPT)
		   ? t_us
		   : POLICY_NEVER;
}

void policy_content_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret)
{
	struct tact_content_answer answer;

	(void)t_us;
	if (is_early(asker)) {
		ret->why = "asked when the message is there";
		return;
	}
	answer = answer_of(asker, rule);
	ret->why = answer.why;
	ret->fired = answer.fires == TACT_YES;
	if (answer.fires != TACT_CANNOT_TELL)
		return;
	ret->verdict = ret->rule->content.on_unreadable;
	ret->fired = ret->verdict != TACT_ACCEPT;
	if (!ret->fired)
		ret->why = JOIN(asker->book->arena, answer.why, "; let on by on_unreadable");
}

const char *policy_content_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us)
{
	(void)t_us;
	return answer_of(asker, (size_t)(finding->rule - asker->book->rules->rules)).words;
}
