/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Goes over the text before libconfuse does. libconfuse 3.3 counts a comment as two lines more and refuses
 * one inside a list, takes values from the environment, drops backslashes and stray characters, lets a string
 * run over lines, and takes the end of the file for a closing brace. So comments are blanked here and the
 * rest is reported, with the right line. It looks at characters only: options and values are not its
 * business.
 */
#include <config.h>

#include <string.h>

#include "private.h"

#define DEEPEST 8

struct scan {
	struct reading *reading;
	char *in;  /* what cannot be read is blanked here too */
	char *out; /* begins as a copy of in; what libconfuse must not see is blanked */
	size_t at;
	int line;
	int swallowed_line;    /* where a character that is not read was last reported */
	int comma_line;	       /* where a comma outside a list was */
	char before, before_2; /* the last two characters that are not blank, 'a' for any of a value */
	int opened[DEEPEST];   /* lines of the braces that stand open */
	bool is_list[DEEPEST]; /* which of them are lists */
	int depth;
	bool broken; /* a setting was left out, that another may rest on */
};

static void note(struct scan *scan, char c)
{
	scan->before_2 = scan->before;
	scan->before = c;
}

static void blank(struct scan *scan)
{
	if (scan->in[scan->at] != '\n')
		scan->out[scan->at] = ' ';
	else
		scan->line++;
	scan->at++;
}

static void blank_line_comment(struct scan *scan)
{
	while (scan->in[scan->at] != '\0' && scan->in[scan->at] != '\n')
		blank(scan);
}

static void blank_block_comment(struct scan *scan)
{
	int opened = scan->line;
	while (scan->in[scan->at] != '\0' && strncmp(scan->in + scan->at, "*/", 2) != 0)
		blank(scan);
	if (scan->in[scan->at] == '\0') {
		tact_config_mistake(scan->reading, opened, "this comment has no end; close it with */");
		scan->broken = true;
		return;
	}
	blank(scan);
	blank(scan);
}

/* Reports ${NAME} and makes harmless letters of it. */
static void refuse_environment(struct scan *scan)
{
	tact_config_mistake(scan->reading, scan->line,
	    "${ would take a value from the environment, which is not read here; write the value itself, or "
	    "put it between ' and '");
	size_t length = strcspn(scan->in + scan->at, "}\"'\n");
	length += scan->in[scan->at + length] == '}';
	memset(scan->out + scan->at, 'x', length);
	scan->at += length - 1;
	note(scan, 'a');
}

/* Takes the name before an = at END out, so that what follows is not taken for the value. */
static void blank_name(struct scan *scan, size_t end)
{
	while (end > 0 && strchr(" \t=+", scan->out[end - 1]) != NULL)
		scan->out[--end] = ' ';
	while (end > 0 && strchr(" \t\n={}(),", scan->out[end - 1]) == NULL)
		scan->out[--end] = ' ';
	note(scan, 'a');
}

static void refuse_no_value(struct scan *scan)
{
	tact_config_mistake(
	    scan->reading, scan->line, "there is nothing after =; write the value on the same line");
	blank_name(scan, scan->at);
}

/* libconfuse drops most backslashes between double quotes, and a pattern would silently be another one. */
static void backslash(struct scan *scan, char quote)
{
	char next = scan->in[scan->at + 1];
	if (quote == '"' && next != '"' && next != '\\') {
		tact_config_mistake(scan->reading, scan->line,
		    "between double quotes a backslash must be written \\\\; or put the value between ' and "
		    "'");
		return;
	}
	if (next == '"' || next == '\'' || next == '\\')
		scan->at++;
}

static bool in_list(const struct scan *scan)
{
	return scan->depth > DEEPEST || (scan->depth > 0 && scan->is_list[scan->depth - 1]);
}

/* Blanks the rest of the line, but for the braces that what stands around it needs. */
static void blank_rest(struct scan *scan, size_t at)
{
	int depth = 0;
	for (; scan->in[at] != '\n' && scan->in[at] != '\0'; at++) {
		char c = scan->in[at];
		if (c == '}' && depth == 0)
			continue;
		depth += (c == '{') - (c == '}');
		scan->in[at] = scan->out[at] = ' ';
	}
}

/* A value is left out with its name. A title is taken to end with its first word, so that its section can be
 * read. */
static void refuse_unclosed(struct scan *scan, size_t opened, char quote)
{
	bool value = scan->before == '=' || in_list(scan);
	size_t after = opened + 1;
	tact_config_mistake(
	    scan->reading, scan->line, "this %c has no closing %c on the same line; close it", quote, quote);
	scan->in[opened] = scan->out[opened] = ' ';
	if (!value)
		after += strcspn(scan->in + after, " \t\r\n{}(),=\"'");
	if (value || scan->in[after + strspn(scan->in + after, " \t")] != '{')
		blank_rest(scan, after);
	if (scan->before == '=')
		blank_name(scan, opened);
	note(scan, 'a');
	scan->at = opened + 1;
	scan->broken = true;
}

static void quoted(struct scan *scan, char quote)
{
	size_t opened = scan->at++;
	for (; scan->in[scan->at] != quote; scan->at++) {
		char c = scan->in[scan->at];
		if (c == '\n' || c == '\0') {
			refuse_unclosed(scan, opened, quote);
			return;
		}
		if (quote == '"' && c == '$' && scan->in[scan->at + 1] == '{')
			refuse_environment(scan);
		if (c == '\\')
			backslash(scan, quote);
	}
	scan->at++;
	note(scan, 'a');
}

static void open_brace(struct scan *scan)
{
	if (scan->depth < DEEPEST) {
		scan->opened[scan->depth] = scan->line;
		scan->is_list[scan->depth] = scan->before == '=';
	}
	scan->depth++;
	note(scan, '{');
}

static void close_brace(struct scan *scan)
{
	if (scan->before == '{' && scan->before_2 == '=')
		tact_config_mistake(
		    scan->reading, scan->line, "this list is empty; name something, or leave the option out");
	if (scan->depth > 0) {
		scan->depth--;
	} else {
		tact_config_mistake(scan->reading, scan->line, "this } closes nothing; take it out");
		scan->out[scan->at] = ' ';
	}
	note(scan, '}');
}

static void swallowed(struct scan *scan, char c)
{
	if (scan->swallowed_line != scan->line)
		tact_config_mistake(
		    scan->reading, scan->line, "%c is not read outside quotes; put the value in quotes", c);
	scan->swallowed_line = scan->line;
	scan->out[scan->at] = ' ';
}

/* Takes the comma out and the value behind it, which would be taken for an option. */
static void refuse_comma(struct scan *scan)
{
	if (scan->comma_line != scan->line)
		tact_config_mistake(scan->reading, scan->line,
		    "did not expect , here; a list is written {a, b}, other values of more than a word in "
		    "quotes");
	scan->comma_line = scan->line;
	size_t comma = scan->at++;
	scan->at += strspn(scan->in + scan->at, " \t");
	size_t value = scan->at;
	char first = scan->in[value];
	if (first == '"' || first == '\'')
		quoted(scan, first);
	/* A word, or what is left of a quote without an end. */
	if (scan->at == value || scan->in[value] == ' ')
		scan->at += strcspn(scan->in + scan->at, " \t\r\n={}(),\"'#");
	memset(scan->out + comma, ' ', scan->at - comma);
}

/* Comments begin where a word could. */
static bool at_word_start(const struct scan *scan)
{
	return scan->at == 0 || strchr(" \t\r\n={}(),\"'", scan->in[scan->at - 1]) != NULL;
}

static void end_line(struct scan *scan)
{
	if (scan->before == '=')
		refuse_no_value(scan);
	scan->line++;
}

static void bare(struct scan *scan)
{
	char c = scan->in[scan->at], next = scan->in[scan->at + 1];
	if (c == '{')
		open_brace(scan);
	else if (c == '}')
		close_brace(scan);
	else if (c == '*' || c == '|' || (c == '+' && next != '='))
		swallowed(scan, c);
	else if (c == '$' && next == '{')
		refuse_environment(scan);
	else if (c == '\n')
		end_line(scan);
	else if (c != ' ' && c != '\t' && c != '\r')
		note(scan, c == '=' || c == ',' ? c : 'a');
	scan->at++;
}

static void step(struct scan *scan)
{
	const char *here = scan->in + scan->at;
	bool start = at_word_start(scan);
	if (*here == '#' || (start && strncmp(here, "//", 2) == 0))
		blank_line_comment(scan);
	else if (start && strncmp(here, "/*", 2) == 0)
		blank_block_comment(scan);
	else if (*here == '"' || *here == '\'')
		quoted(scan, *here);
	else if (*here == ',' && !in_list(scan))
		refuse_comma(scan);
	else
		bare(scan);
}

/* Length of the UTF-8 character at p, 0 when it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *p)
{
	size_t length = p[0] < 0x80		      ? 1
			: p[0] >= 0xc2 && p[0] < 0xe0 ? 2
			: (p[0] & 0xf0) == 0xe0	      ? 3
			: (p[0] & 0xf8) == 0xf0	      ? 4
						      : 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
	bool surrogate = p[0] == 0xed && p[1] > 0x9f;
	bool beyond = p[0] > 0xf4 || (p[0] == 0xf4 && p[1] > 0x8f);
	return length > 1 && (overlong || surrogate || beyond) ? 0 : length;
}

/* Values end in replies, log lines and evidence: one mistake for each line that has what does not belong
 * there. */
static void refuse_odd_bytes(struct reading *reading, char *text)
{
	int line = 1, reported = 0;
	for (unsigned char *p = (unsigned char *)text; *p != '\0';) {
		size_t length = utf8_length(p);
		bool control =
		    (*p < ' ' && *p != '\n' && *p != '\t' && !(*p == '\r' && p[1] == '\n')) || *p == 0x7f;
		bool bad = length == 0 || control;
		if (bad && reported != line) {
			tact_config_mistake(reading, line,
			    "%s; write the file in UTF-8, without control characters",
			    length == 0 ? "these bytes are not UTF-8" : "there is a control character here");
			reported = line;
		}
		if (bad || *p == '\r') {
			*p = ' ';
			length = 1;
		}
		line += *p == '\n';
		p += length;
	}
}

char *tact_config_scan(struct reading *reading, const char *text)
{
	char *clean = tact_arena_strdup(reading->arena, text);
	refuse_odd_bytes(reading, clean);
	struct scan scan = {
	    .reading = reading, .in = clean, .out = tact_arena_strdup(reading->arena, clean), .line = 1};
	while (scan.in[scan.at] != '\0')
		step(&scan);
	reading->last_line =
	    scan.at > 0 && scan.line > 1 && scan.in[scan.at - 1] == '\n' ? scan.line - 1 : scan.line;
	reading->stopped = scan.broken;
	if (scan.depth > 0 && !scan.broken) {
		int open = scan.depth < DEEPEST ? scan.depth : DEEPEST;
		tact_config_mistake(
		    reading, scan.opened[open - 1], "this { is never closed; close it with }");
		reading->stopped = true;
	}
	return scan.out;
}
