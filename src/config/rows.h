/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How a row of the table is written. The table is table.c's (the daemon, its desks and streams) and
 * table_rules.c's (the kinds of rules).
 */
#ifndef TACT_CONFIG_ROWS_H
#define TACT_CONFIG_ROWS_H

#include "private.h"

struct rows {
	const struct row *rows;
	size_t count;
};
extern const struct rows tact_config_rule_rows;

/* Words that both speak. */
extern const struct word tact_config_yes_no[], tact_config_modes[], tact_config_purposes[];

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define PURPOSES "promotional, newsletter, appreciation, occasion, transactional or personal"
#define COUNTED                                                                                              \
	"promotional, newsletter, appreciation, occasion, transactional, personal, positive, negative or "   \
	"neutral"
#define CHANNELS "email, phone, sms, post, fax, visit or web"

#define HOST_NAME "at most 253 letters, digits, dots, hyphens and underscores, no dot first"
#define SETS                                                                                                 \
	"generic-salutation, unfilled-merge-tag, offer-language, postal-address or names of pattern "        \
	"sections"
#define FIELD_NAMES "names of header fields; X-INTERNAL-* means all that begin so"

#define TYPE_text "text"
#define TYPE_path "path"
#define TYPE_url "url"
#define TYPE_socket "socket"
#define TYPE_host "text"
#define TYPE_domain "domain"
#define TYPE_zone "zone"
#define TYPE_reply "text"
#define TYPE_header_name "text"
#define TYPE_duration "duration"
#define TYPE_integer "integer"
#define TYPE_word "word"
#define TYPE_yes_no "yes/no"
#define TYPE_at_most "limit"
#define TYPE_at_least "limit"
#define TYPE_purposes "list"
#define TYPE_counted "list"
#define TYPE_channels "list"
#define TYPE_names "list"
#define TYPE_domains "list"
#define TYPE_networks "list"
#define TYPE_senders "list"
#define TYPE_headers "list"
#define TYPE_weights "list"
#define TYPE_field_names "list"
#define TYPE_fields "list"
#define TYPE_searches "list"
#define TYPE_percent "percent"
#define TYPE_bases "list"
#define TYPE_expiries "list"
#define TYPE_hours "list"
#define TYPE_weekdays "list"
#define TYPE_dates "list"
#define TYPE_dates_file "path"

#define OPTION(section, name, kind, unit, range, preset, required, reloadable, help, ...)                    \
	{                                                                                                    \
		.doc = {section, name, TYPE_##kind, unit, range, preset, required, reloadable, help},        \
		.type = &tact_config_type_##kind, __VA_ARGS__                                                \
	}
#define AT(owner, member) .offset = offsetof(struct owner, member), .size = sizeof((struct owner *)0)->member
#define LIST_AT(owner, member, count) AT(owner, member), .count_offset = offsetof(struct owner, count)
#define BETWEEN(low, high) .least = (low), .most = (high)

#endif
