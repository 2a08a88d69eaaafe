/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Patterns: the only file that knows PCRE2. The pattern comes from the admin, the text from outside: so
 * limits stand on the search.
 */
#include <config.h>

#include <tact/facts.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 16384
#define MATCH_LIMIT 100000
#define HEAP_LIMIT_KIB 1024
/* PCRE2's own limits begin anew at every character of the text. A search is over after this many steps, too:
 * about a tenth of a second. */
#define STEPS_MAX 5000000
/* And this many comparisons from one character on: a long line of prose takes some. */
#define SEARCH_LIMIT 20000000

struct tact_pattern {
	pcre2_general_context *memory;
	pcre2_match_context *limits;
	pcre2_code *code;
};

static void *take(PCRE2_SIZE size_bytes, void *unused)
{
	(void)unused;
	return tact_malloc(size_bytes);
}

static void give(void *memory, void *unused)
{
	(void)unused;
	free(memory);
}

static int compile(struct tact_pattern *pattern, const char *text, uint32_t how, struct tact_error *err)
{
	int code;
	PCRE2_SIZE offset;
	pcre2_compile_context *context = pcre2_compile_context_create(pattern->memory);
	pattern->code = pcre2_compile(
	    (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_BACKSLASH_C | how, &code, &offset, context);
	pcre2_compile_context_free(context);
	if (pattern->code == NULL) {
		PCRE2_UCHAR words[256];
		pcre2_get_error_message(code, words, sizeof words);
		return tact_error_set(
		    err, TACT_INVALID, "pattern: %s at character %zu", (const char *)words, offset + 1);
	}
	/* Without JIT (a hardened system, an odd processor) the same answers come, slower. */
	(void)pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
	return TACT_OK;
}

static int make(const char *text, uint32_t how, struct tact_pattern **ret, struct tact_error *err)
{
	struct tact_pattern *pattern = tact_calloc(1, sizeof *pattern);
	pattern->memory = pcre2_general_context_create(take, give, NULL);
	pattern->limits = pcre2_match_context_create(pattern->memory);
	pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT_KIB);
	int result = compile(pattern, text, how, err);
	if (result == TACT_OK)
		*ret = pattern;
	else
		tact_facts_free_pattern(&pattern);
	return result;
}

int tact_facts_compile_pattern(const char *text, struct tact_pattern **ret, struct tact_error *err)
{
	return make(text, 0, ret, err);
}

/* Every step calls out, so that steps can be counted. */
int tact_facts_compile_search(const char *text, bool ours, struct tact_pattern **ret, struct tact_error *err)
{
	return make(text, PCRE2_UTF | PCRE2_UCP | (ours ? 0 : PCRE2_AUTO_CALLOUT), ret, err);
}

void tact_facts_free_pattern(struct tact_pattern **pattern)
{
	if (pattern == NULL || *pattern == NULL)
		return;
	pcre2_code_free((*pattern)->code);
	pcre2_match_context_free((*pattern)->limits);
	pcre2_general_context_free((*pattern)->memory);
	free(*pattern);
	*pattern = NULL;
}

enum tact_answer tact_facts_match_pattern(const struct tact_pattern *pattern, const char *text)
{
	size_t length = strlen(text);
	if (length > TEXT_MAX)
		return TACT_CANNOT_TELL;
	/* One per search: match data is written to, and a pattern belongs to all threads. */
	pcre2_match_data *data = pcre2_match_data_create(1, pattern->memory);
	int code = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, 0, 0, data, pattern->limits);
	pcre2_match_data_free(data);
	if (code == PCRE2_ERROR_NOMATCH)
		return TACT_NO;
	return code >= 0 ? TACT_YES : TACT_CANNOT_TELL;
}

static int count_step(pcre2_callout_block *unused, void *steps)
{
	(void)unused;
	return ++*(size_t *)steps > STEPS_MAX ? PCRE2_ERROR_MATCHLIMIT : 0;
}

enum tact_answer tact_facts_search(
    const struct tact_pattern *pattern, const char *text, size_t length, size_t *ret_at, size_t *ret_length)
{
	size_t steps = 0;
	pcre2_match_data *data = pcre2_match_data_create(1, pattern->memory);
	pcre2_match_context *limits = pcre2_match_context_copy(pattern->limits);
	pcre2_set_match_limit(limits, SEARCH_LIMIT);
	pcre2_set_callout(limits, count_step, &steps);
	int code = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, 0, 0, data, limits);
	const PCRE2_SIZE *where = pcre2_get_ovector_pointer(data);
	if (code >= 0) {
		*ret_at = where[0];
		*ret_length = where[1] > where[0] ? where[1] - where[0] : 0; /* \K may turn them round */
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(data);
	if (code == PCRE2_ERROR_NOMATCH)
		return TACT_NO;
	return code >= 0 ? TACT_YES : TACT_CANNOT_TELL;
}
