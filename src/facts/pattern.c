/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Patterns: the only file that knows PCRE2. The pattern comes from the admin, the text from outside: so
 * limits stand on the search.
 */
#include <config.h>

#include "internal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#define TEXT_MAX 16384
#define MATCH_LIMIT 100000
#define HEAP_LIMIT_KIB 1024
/* PCRE2's own limits begin anew at every character of the text. A search is over after this many steps, too:
 * about a tenth of a second. */
#define STEPS_MAX 5000000
/* And this many comparisons from one character on: a long line of prose takes some. */
#define SEARCH_LIMIT 20000000
#define SEARCHED (PCRE2_UTF | PCRE2_UCP)

struct step {
	pcre2_code *code;
	struct facts_heads *heads; /* NULL: it may match anywhere */
	size_t over;		   /* a gate: so many steps are passed over unless it is found */
};

struct tact_pattern {
	pcre2_general_context *memory;
	pcre2_match_context *limits;
	struct step *steps; /* one, or those of a set */
	size_t count;
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

/* Adds a step. HOW and JIT: options of PCRE2 besides those of every pattern. */
static int compile(
    struct tact_pattern *pattern, const char *text, uint32_t how, uint32_t jit, struct tact_error *err)
{
	int code;
	PCRE2_SIZE offset;
	pcre2_compile_context *context = pcre2_compile_context_create(pattern->memory);
	struct step step = {.code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
				PCRE2_NEVER_BACKSLASH_C | how, &code, &offset, context)};
	pcre2_compile_context_free(context);
	if (step.code == NULL) {
		PCRE2_UCHAR words[256];
		pcre2_get_error_message(code, words, sizeof words);
		return tact_error_set(
		    err, TACT_INVALID, "pattern: %s at character %zu", (const char *)words, offset + 1);
	}
	/* Without JIT (a hardened system, an odd processor) the same answers come, slower. */
	(void)pcre2_jit_compile(step.code, PCRE2_JIT_COMPLETE | jit);
	pattern->steps = tact_realloc(pattern->steps, (pattern->count + 1) * sizeof step);
	pattern->steps[pattern->count++] = step;
	return TACT_OK;
}

static struct tact_pattern *new_pattern(void)
{
	struct tact_pattern *pattern = tact_calloc(1, sizeof *pattern);
	pattern->memory = pcre2_general_context_create(take, give, NULL);
	pattern->limits = pcre2_match_context_create(pattern->memory);
	pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT_KIB);
	return pattern;
}

static int finish(int result, struct tact_pattern *pattern, struct tact_pattern **ret)
{
	if (result == TACT_OK)
		*ret = pattern;
	else
		tact_facts_free_pattern(&pattern);
	return result;
}

int tact_facts_compile_pattern(const char *text, struct tact_pattern **ret, struct tact_error *err)
{
	struct tact_pattern *pattern = new_pattern();
	return finish(compile(pattern, text, 0, 0, err), pattern, ret);
}

/* Every step calls out, so that steps can be counted. */
int tact_facts_compile_search(const char *text, struct tact_pattern **ret, struct tact_error *err)
{
	struct tact_pattern *pattern = new_pattern();
	return finish(compile(pattern, text, SEARCHED | PCRE2_AUTO_CALLOUT, 0, err), pattern, ret);
}

void tact_facts_free_pattern(struct tact_pattern **pattern)
{
	if (pattern == NULL || *pattern == NULL)
		return;
	for (size_t i = 0; i < (*pattern)->count; i++) {
		pcre2_code_free((*pattern)->steps[i].code);
		free((*pattern)->steps[i].heads);
	}
	free((*pattern)->steps);
	pcre2_match_context_free((*pattern)->limits);
	pcre2_general_context_free((*pattern)->memory);
	free(*pattern);
	*pattern = NULL;
}

/* ---- sets ---------------------------------------------------------------------------------------------- */

struct trial {
	const struct tact_pattern *pattern;
	const pcre2_code *code;
	pcre2_match_data *data;
};

/* A hard partial match is one that was about to look past the end: any other answer holds whatever comes
 * there. */
static bool may_begin(const void *context, const char *head, size_t length)
{
	const struct trial *trial = context;
	return pcre2_match(trial->code, (PCRE2_SPTR)head, length, 0, PCRE2_PARTIAL_HARD | PCRE2_NO_UTF_CHECK,
		   trial->data, trial->pattern->limits) != PCRE2_ERROR_NOMATCH;
}

static struct facts_heads *make_heads(const struct tact_pattern *pattern, const pcre2_code *code)
{
	struct facts_heads *heads = tact_calloc(1, sizeof *heads);
	struct trial trial = {pattern, code, pcre2_match_data_create(1, pattern->memory)};
	facts_heads_make(heads, may_begin, &trial);
	pcre2_match_data_free(trial.data);
	return heads;
}

static int compile_gate(struct tact_pattern *pattern, const struct facts_group *group, struct tact_error *err)
{
	int result = group->heads ? compile(pattern, group->gate, SEARCHED | PCRE2_ANCHORED,
					PCRE2_JIT_PARTIAL_HARD, err)
				  : compile(pattern, group->gate, SEARCHED, 0, err);
	if (result != TACT_OK)
		return result;
	struct step *gate = &pattern->steps[pattern->count - 1];
	gate->over = group->count;
	if (group->heads)
		gate->heads = make_heads(pattern, gate->code);
	return TACT_OK;
}

static int compile_group(
    struct tact_pattern *pattern, const struct facts_group *group, struct tact_error *err)
{
	int result = group->gate == NULL ? TACT_OK : compile_gate(pattern, group, err);
	for (size_t i = 0; result == TACT_OK && i < group->count; i++)
		result = compile(pattern, group->patterns[i], SEARCHED, 0, err);
	return result;
}

int tact_facts_compile_set(const char *name, struct tact_pattern **ret, struct tact_error *err)
{
	const struct facts_set *set = facts_find_set(name);
	int result = TACT_OK;
	if (set == NULL)
		return tact_error_set(err, TACT_INVALID, "there is no set of patterns of that name");
	struct tact_pattern *pattern = new_pattern();
	for (size_t i = 0; result == TACT_OK && i < FACTS_GROUPS_MAX; i++)
		result = compile_group(pattern, &set->groups[i], err);
	return finish(result, pattern, ret);
}

/* ---- matching ------------------------------------------------------------------------------------------ */

static enum tact_answer answer_of(int code)
{
	if (code == PCRE2_ERROR_NOMATCH)
		return TACT_NO;
	return code >= 0 ? TACT_YES : TACT_CANNOT_TELL;
}

enum tact_answer tact_facts_match_pattern(const struct tact_pattern *pattern, const char *text)
{
	size_t length = strlen(text);
	if (length > TEXT_MAX)
		return TACT_CANNOT_TELL;
	/* One per search: match data is written to, and a pattern belongs to all threads. */
	pcre2_match_data *data = pcre2_match_data_create(1, pattern->memory);
	int code = pcre2_match(pattern->steps->code, (PCRE2_SPTR)text, length, 0, 0, data, pattern->limits);
	pcre2_match_data_free(data);
	return answer_of(code);
}

static int count_step(pcre2_callout_block *unused, void *steps)
{
	(void)unused;
	return ++*(size_t *)steps > STEPS_MAX ? PCRE2_ERROR_MATCHLIMIT : 0;
}

/* PCRE2 would look anew at each step. */
static bool is_utf8(const char *text, size_t length)
{
	uint64_t eight = 0;
	size_t at = 0;
	for (; at + sizeof eight <= length && (eight & UINT64_C(0x8080808080808080)) == 0; at += sizeof eight)
		memcpy(&eight, text + at, sizeof eight);
	at -= at > 0 ? sizeof eight : 0;
	return u8_check((const uint8_t *)text + at, length - at) == NULL;
}

/* One search: the text is valid. */
struct search {
	const char *text;
	size_t length;
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

static enum tact_answer run_at(const struct search *search, const struct step *step, size_t from)
{
	return answer_of(pcre2_match(step->code, (PCRE2_SPTR)search->text, search->length, from,
	    PCRE2_NO_UTF_CHECK, search->data, search->limits));
}

static enum tact_answer run(const struct search *search, const struct step *step)
{
	if (step->heads == NULL)
		return run_at(search, step, 0);
	enum tact_answer answer = TACT_NO;
	size_t at = facts_heads_next(step->heads, search->text, search->length, 0);
	while (at < search->length && (answer = run_at(search, step, at)) == TACT_NO)
		at = facts_heads_next(step->heads, search->text, search->length, at + 1);
	return answer;
}

/* A gate that cannot tell is open. */
static enum tact_answer run_all(const struct search *search, const struct tact_pattern *pattern)
{
	enum tact_answer sum = TACT_NO;
	for (size_t i = 0; i < pattern->count; i++) {
		const struct step *step = &pattern->steps[i];
		enum tact_answer answer = run(search, step);
		if (step->over > 0)
			i += answer == TACT_NO ? step->over : 0;
		else if (answer == TACT_YES)
			return answer;
		else if (answer == TACT_CANNOT_TELL)
			sum = answer;
	}
	return sum;
}

enum tact_answer tact_facts_search(
    const struct tact_pattern *pattern, const char *text, size_t length, size_t *ret_at, size_t *ret_length)
{
	size_t steps = 0;
	if (!is_utf8(text, length))
		return TACT_CANNOT_TELL;
	struct search search = {text, length, pcre2_match_data_create(1, pattern->memory),
	    pcre2_match_context_copy(pattern->limits)};
	pcre2_set_match_limit(search.limits, SEARCH_LIMIT);
	pcre2_set_callout(search.limits, count_step, &steps);
	enum tact_answer answer = run_all(&search, pattern);
	const PCRE2_SIZE *where = pcre2_get_ovector_pointer(search.data);
	if (answer == TACT_YES) {
		*ret_at = where[0];
		*ret_length = where[1] > where[0] ? where[1] - where[0] : 0; /* \K may turn them round */
	}
	pcre2_match_context_free(search.limits);
	pcre2_match_data_free(search.data);
	return answer;
}
