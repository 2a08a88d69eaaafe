/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * HTML as the text that a reader sees: the only file that knows libxml2, whose parser tells elements and
 * characters apart. No document is built.
 */
#include <config.h>

#include "internal.h"

#include <libxml/HTMLparser.h>
#include <pthread.h>
#include <string.h>

/* libxml2's own bound for documents. Its time for a stray end tag grows with the depth. */
#define DEPTH_MAX 256

struct page {
	struct facts_text *text;
	htmlParserCtxtPtr parser;
	size_t hidden; /* elements open whose text is not shown */
	size_t depth;
	bool line, space; /* to be put before the next character */
	bool begun;
	bool deep;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
	xmlInitParser();
}

/* ---- elements ------------------------------------------------------------------------------------------ */

static bool is_one_of(const xmlChar *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if ((char)*name == **names && strcmp((const char *)name, *names) == 0)
			return true;
	return false;
}

static bool is_hidden(const xmlChar *name)
{
	static const char *const names[] = {"script", "style", "title", "template", NULL};
	return is_one_of(name, names);
}

/* Beginning and end of these begin a line. */
static bool is_block(const xmlChar *name)
{
	static const char *const names[] = {"p", "div", "br", "tr", "table", "li", "ul", "ol", "h1", "h2",
	    "h3", "h4", "h5", "h6", "hr", "blockquote", "center", "pre", "dl", "dt", "dd", "address",
	    "section", "article", "header", "footer", "main", "form", "body", "html", "fieldset", "option",
	    NULL};
	return is_one_of(name, names);
}

static bool is_cell(const xmlChar *name)
{
	static const char *const names[] = {"td", "th", NULL};
	return is_one_of(name, names);
}

/* Shown as code, which plain text writes in back-quotes. */
static bool is_code(const xmlChar *name)
{
	static const char *const names[] = {"code", "pre", "kbd", "samp", "tt", NULL};
	return is_one_of(name, names);
}

static void part_from_before(struct page *page, const xmlChar *name)
{
	page->line = page->line || is_block(name);
	page->space = page->space || is_cell(name);
}

/* ---- text ---------------------------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void put_word(struct page *page, const char *word, size_t length)
{
	if (page->begun && page->line)
		facts_text_put(page->text, "\n", 1);
	else if (page->begun && page->space)
		facts_text_put(page->text, " ", 1);
	page->line = page->space = false;
	page->begun = true;
	facts_text_put(page->text, word, length);
}

static void put(struct page *page, const char *text, size_t length)
{
	const char *end = text + length;
	while (text < end && page->hidden == 0) {
		const char *word = text;
		while (text < end && !is_space(*text))
			text++;
		if (text > word)
			put_word(page, word, (size_t)(text - word));
		page->space = page->space || text < end;
		while (text < end && is_space(*text))
			text++;
	}
}

/* ---- what libxml2 calls -------------------------------------------------------------------------------- */

static void put_alternative(struct page *page, const xmlChar **attributes)
{
	for (; attributes != NULL && attributes[0] != NULL; attributes += 2) {
		if (strcmp((const char *)attributes[0], "alt") != 0 || attributes[1] == NULL)
			continue;
		page->space = true;
		put(page, (const char *)attributes[1], strlen((const char *)attributes[1]));
		page->space = true;
	}
}

static void on_start(void *context, const xmlChar *name, const xmlChar **attributes)
{
	struct page *page = context;
	if (++page->depth > DEPTH_MAX) {
		page->deep = true;
		xmlStopParser(page->parser);
		return;
	}
	page->hidden += is_hidden(name);
	part_from_before(page, name);
	if (is_code(name))
		put(page, "`", 1);
	if (strcmp((const char *)name, "img") == 0)
		put_alternative(page, attributes);
}

static void on_end(void *context, const xmlChar *name)
{
	struct page *page = context;
	page->depth -= page->depth > 0;
	page->hidden -= page->hidden > 0 && is_hidden(name);
	if (is_code(name))
		put(page, "`", 1);
	part_from_before(page, name);
}

static void on_text(void *context, const xmlChar *text, int length)
{
	put(context, (const char *)text, (size_t)length);
}

const char *facts_html_to_text(const char *html, size_t size, struct facts_text *ret)
{
	static const xmlSAXHandler handler = {.startElement = on_start,
	    .endElement = on_end,
	    .characters = on_text,
	    .cdataBlock = on_text,
	    .ignorableWhitespace = on_text};
	struct page page = {.text = ret};
	bool whole;
	pthread_once(&once, start);
	page.parser = htmlNewParserCtxt();
	if (page.parser == NULL)
		return "HTML of a part cannot be parsed";
	*page.parser->sax = handler;
	page.parser->userData = &page;
	/* An empty document has no characters, and libxml2 would say so. */
	htmlDocPtr document = htmlCtxtReadMemory(page.parser, html, (int)size, NULL, "UTF-8",
	    HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
		HTML_PARSE_IGNORE_ENC);
	whole =
	    size == 0 || (page.parser->input != NULL && page.parser->input->cur == page.parser->input->end);
	xmlFreeDoc(document);
	htmlFreeParserCtxt(page.parser);
	if (page.deep)
		return "HTML of a part is nested too deep";
	return whole ? NULL : "HTML of a part cannot be parsed";
}
