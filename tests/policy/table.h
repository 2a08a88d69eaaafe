/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Reading of policy tables: one line into words, and words into rules, facts and records. What a table may
 * say is told in README beside it.
 */
#ifndef TESTS_POLICY_TABLE_H
#define TESTS_POLICY_TABLE_H

#include <tact/policy.h>

#define WORDS_MAX 48

/* One line: bare words first, then key=value. Every value is taken once; what nobody took is a mistake. */
struct line {
	const char *file;
	int number;
	struct tact_arena *arena;
	const char *words[WORDS_MAX];
	bool taken[WORDS_MAX];
	size_t count;
};

/* False for an empty line or a comment. */
bool line_read(struct line *line, struct tact_arena *arena, const char *text);
/* Ends the program, naming the line. */
void line_fail(const struct line *line, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
const char *line_bare(struct line *line, const char *what); /* the next bare word; fails without one */
const char *line_value(struct line *line, const char *key); /* NULL when it is not there */
int64_t line_time(struct line *line, const char *key, int64_t otherwise);
int64_t line_int(struct line *line, const char *key, int64_t otherwise);
int64_t line_duration_s(struct line *line, const char *key, int64_t otherwise);
bool line_yes(struct line *line, const char *key, bool otherwise);
void line_end(struct line *line); /* fails when something was not taken */

int64_t line_parse_time(const struct line *line, const char *text);
enum tact_purpose line_purpose(const struct line *line, const char *word);
/* An id made of a name: the same name, the same id; "" is none. */
struct tact_id id_of_name(const char *name);

void line_limit(struct line *line, struct tact_rule *ret);	       /* limit NAME at_most=4/7d … */
void line_suppression(struct line *line, struct tact_rule *ret);       /* suppression NAME … */
void line_breaker(struct line *line, struct tact_rule *ret);	       /* breaker NAME … */
void line_campaign(struct line *line, struct tact_campaign_view *ret); /* campaign NAME … */
/* Answers the campaign's name. */
const char *line_counted(struct line *line, int64_t *ret_hour, struct tact_campaign_health *ret);
void line_need_consent(struct line *line, struct tact_rule *ret);    /* need-consent NAME … */
void line_quiet_hours(struct line *line, struct tact_rule *ret);     /* quiet_hours NAME … */
void line_on_occasion(struct line *line, struct tact_rule *ret);     /* on-occasion NAME … */
void line_territory(struct line *line, struct tact_rule *ret);	     /* territory NAME … */
void line_owner(struct line *line, struct tact_owner *ret);	     /* owner NAME local= sensitive= */
void line_profile(struct line *line, struct tact_profile *ret);	     /* profile zone= home= */
void line_date(struct line *line, struct tact_occasion *ret);	     /* date NAME YYYY-MM-DD or MM-DD */
void line_facts(struct line *line, struct tact_facts *ret);	     /* PURPOSE stream= owner= … */
void line_contact(struct line *line, struct tact_contact *ret);	     /* contact TIME PURPOSE … */
void line_claim(struct line *line, struct tact_claim *ret);	     /* claim NAME PURPOSE made= … */
void line_suppress(struct line *line, struct tact_suppression *ret); /* suppress SCOPE REASON at= … */
void line_consent(struct line *line, struct tact_consent *ret);	     /* consent BASIS SCOPE at= … */

void line_names(struct line *line, const char *key, struct tact_names *ret); /* words between commas */

/* ---- table_content.c ---- */

void line_content(struct line *line, struct tact_rule *ret); /* content NAME must_not= must= … */
void line_pattern(struct line *line);			    /* pattern NAME match= : for the rules after it */
void line_brand(struct line *line, struct tact_brand *ret); /* brand NAME domains= */
/* message from= subject= text= header= unreadable= … : the message of the mails after it. */
void line_message(struct line *line, struct tact_message **ret_message, struct tact_content **ret_content);
/* NAME: VALUE of each field, and each name, as "edits" compares them. */
char *table_show_edits(struct tact_arena *arena, const struct tact_header_edits *edits);
void table_free_patterns(void);

/* What every rule may have. */
void line_rule(struct line *line, enum tact_verdict action, struct tact_rule *ret);

void table_close_zones(void);

/* "4", "1.5" as thousandths. */
int64_t line_milli(const struct line *line, const char *text);
int line_verdict(const struct line *line, const char *word);

#endif
