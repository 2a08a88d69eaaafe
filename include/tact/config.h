/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * config: the one table of options; load, check, print. Opens nothing but the configuration file.
 *
 * Thread rule: a loaded configuration is immutable and may be shared; load is called from one thread at a
 * time.
 */
#ifndef TACT_CONFIG_H
#define TACT_CONFIG_H

#include <stdio.h>

#include <tact/policy.h>

/* A loaded configuration. Everything in it lives as long as it does. */
struct tact_listener {
	const char *name;
	const char *socket; /* libmilter's form: "inet:8891@127.0.0.1", "unix:/run/tact/milter.sock" */
	bool smtp;	    /* kind = smtp (default) or non-smtp */
};

struct tact_config {
	const char *path;
	const char *store; /* url */
	int store_line;	   /* where it is written; 0: it is the preset */
	const char *audit; /* folder */
	const char *key_file;
	const char *host; /* name in evidence and claims; default: this machine's */
	bool log_syslog;
	enum tact_log_level log_level;
	const char *user;	  /* tactd changes to it when started as root; "" stays */
	const char *socket_group; /* group of unix sockets, mode 0660; "" leaves it */
	const struct tact_listener *listeners;
	size_t listeners_count;
	const char *gate_socket;   /* unix path of the LMTP listener */
	const char *pass_socket;   /* unix path of the re-injection listener (and where ETRN is said) */
	const char *refuse_socket; /* unix path of the refusing listener */
	const char *gate_domain;   /* "later.tact.invalid" */
	const char *review_domain; /* "review.tact.invalid" */
	int64_t rcpt_timeout_s, message_timeout_s, gate_timeout_s;
	int64_t max_skew_s;
	const struct tact_zone *zone; /* of calendars that name none; days in reports */
	struct tact_canonical_profile profile;
	struct tact_rule_set rules;
	bool reads_files; /* it names others that were read; rules.text holds what stood in them */
	/* Loads to the same, whatever became meanwhile of the file and of those it names: what was read, or,
	 * when it names others, rules.text. */
	const char *text;
	struct tact_arena *arena; /* owns all of the above */
};

/* Every mistake found, in file order. */
struct tact_config_mistakes {
	struct tact_arena *arena; /* given by the caller */
	char **texts;		  /* "FILE:LINE: what is wrong; what would be right" */
	size_t count;
};

/* Loads PATH to its end, which may be a pipe, and of at most 1 MiB (or, when text is not NULL, TEXT of any
 * length, naming PATH in mistakes). TACT_OK; TACT_INVALID with at least one mistake (all of them in one run);
 * TACT_SYSTEM when the file cannot be read (one mistake says so, without a line), or nothing is wrong but
 * that a file it names cannot be read just now, as for want of descriptors. Unknown, repeated and
 * contradictory settings are mistakes. A byte order mark of UTF-8 at the beginning is passed over. */
int tact_config_load(
    const char *path, const char *text, struct tact_config **ret, struct tact_config_mistakes *mistakes);
void tact_config_free(struct tact_config **config);

/* Settings that a reload may not change and that differ: one line each ("store: needs a restart"). A reload
 * with any is refused whole. */
void tact_config_compare(
    const struct tact_config *running, const struct tact_config *fresh, struct tact_config_mistakes *ret);

/* The effective configuration, every option with its value, as a file that loads to the same. Secrets are
 * never in it. */
char *tact_config_print(struct tact_arena *arena, const struct tact_config *config);

/* "4/7d", "0/5d", "2 per calendar-year" (day week month quarter year); N may have up to three decimals, below
 * a million. Sets at_most_milli, window_s, period and window (which may point into TEXT) and leaves the rest
 * alone; TACT_INVALID touches nothing. */
int tact_config_parse_at_most(const char *text, struct tact_limit *ret, struct tact_error *err);

/* The table, for documentation checks. One row per option; section "" is the top level. */
struct tact_option {
	/* "", "listener", "canonical", "trusted", "stream", "brand", "owner", or a kind of rule */
	const char *section;
	const char *name;
	const char *type;   /* "text", "duration", "integer", "yes/no", "list", "word" … */
	const char *unit;   /* "" when none */
	const char *range;  /* "1 … 1000", "promotional, newsletter, …" */
	const char *preset; /* default, as written in a file; "" when required or empty */
	bool required;
	bool reloadable;
	const char *help; /* one sentence */
};
size_t tact_config_option_count(void);
const struct tact_option *tact_config_option_at(size_t index);

#endif
