/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * config, inside the room: the row of the table with its hands, what the file said, and what is being made of
 * it.
 */
#ifndef TACT_CONFIG_PRIVATE_H
#define TACT_CONFIG_PRIVATE_H

#include <tact/config.h>

/* ---- what the file said ----------------------------------------------------------------------------------
 */

/* One setting as written. */
struct entry {
	const char *name;
	int line; /* of the first value */
	const char **values;
	size_t count;
};

/* One section as written; kind "" is the file itself. In file order, kinds mixed: the order of rules is
 * theirs. */
struct section {
	const char *kind, *title;
	int line;
	struct entry *entries;
	size_t entries_count;
};

struct mistake {
	int line, order;
	const char *text;
};

struct reading {
	struct tact_arena *arena;
	const char *path;
	struct section *sections;
	size_t sections_count;
	int last_line;
	bool stopped; /* the rest of the file was not read */
	struct mistake *mistakes;
	size_t mistakes_count;
	size_t passing_count; /* of the mistakes: files that cannot be read just now */
};

void tact_config_mistake(struct reading *reading, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of another file, which an option in LINE of ours names. */
void tact_config_mistake_in(struct reading *reading, int line, const char *path, int path_line,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
/* VALUE made fit for a message: printable and not too long. */
const char *tact_config_show(struct reading *reading, const char *value);
/* The candidate next to NAME, or NULL when none is near. */
const char *tact_config_nearest(const char *name, const char *const *candidates, size_t count);

/* Takes comments out and reports what libconfuse would read differently from what was meant. Answers a copy
 * as long as TEXT. */
char *tact_config_scan(struct reading *reading, const char *text);
/* Reads TEXT through libconfuse into sections. Mistakes of names and syntax are reported, values are not
 * looked at. A word too many is blanked in TEXT. */
void tact_config_read(struct reading *reading, char *text);

/* ---- the table -------------------------------------------------------------------------------------------
 */

struct build;
struct row;

/* How values of one type are read and written. parse reports its mistakes itself and leaves the target alone
 * then. */
struct value_type {
	bool list; /* takes {a, b} */
	void (*parse)(struct build *build, const struct row *row, const struct entry *entry, void *target);
	/* The value as written in a file; NULL when there is none to write. */
	const char *(*print)(struct tact_arena *arena, const struct row *row, const void *target);
};

struct word {
	const char *text;
	int value;
};

struct row {
	struct tact_option doc;
	const struct value_type *type;
	size_t offset, size; /* of the member in the section's struct */
	size_t count_offset; /* lists: of the count beside it */
	int64_t least, most; /* numbers, durations, lengths of text */
	const struct word *words;
	bool blank; /* "" may be written and means none */
};

const struct row *tact_config_row_at(size_t index); /* NULL past the end */
const struct row *tact_config_row_find(const char *section, const char *name);
bool tact_config_is_section(const char *kind);
bool tact_config_has_title(const char *kind);

extern const struct value_type tact_config_type_text, tact_config_type_path, tact_config_type_url,
    tact_config_type_socket, tact_config_type_host, tact_config_type_domain, tact_config_type_zone,
    tact_config_type_reply, tact_config_type_header_name, tact_config_type_duration, tact_config_type_integer,
    tact_config_type_word, tact_config_type_yes_no, tact_config_type_at_most, tact_config_type_at_least,
    tact_config_type_purposes, tact_config_type_counted, tact_config_type_channels, tact_config_type_names,
    tact_config_type_domains, tact_config_type_networks, tact_config_type_senders, tact_config_type_headers,
    tact_config_type_field_names, tact_config_type_fields, tact_config_type_searches,
    tact_config_type_weights, tact_config_type_percent, tact_config_type_bases, tact_config_type_expiries,
    tact_config_type_hours, tact_config_type_weekdays, tact_config_type_dates, tact_config_type_dates_file;

/* ---- what is made of it ----------------------------------------------------------------------------------
 */

/* A pattern section: its patterns as written, and compiled beside them. */
struct search {
	const char *name;
	struct tact_names match;
	const struct tact_pattern **compiled; /* as many as match */
};

/* The whole: what the contract shows, and what only printing and comparing need. The contract's part comes
 * first. */
struct whole {
	struct tact_config config;
	enum tact_delay_by delay_by;
	enum tact_quarantine_by quarantine_by;
	int64_t max_delay_s, max_waiting, personal_max;
	int on_store_failure;
	const char *strictest;
	struct tact_listener *listeners;
	struct tact_owner *owners;
	size_t owners_count;
	struct tact_brand *brands;
	size_t brands_count;
	struct search *searches;
	size_t searches_count;
	struct tact_stream *streams;
	size_t streams_count;
	struct tact_rule *rules;
	size_t rules_count;
	/* What the arena does not own. */
	struct tact_zone **zones;
	size_t zones_count;
	struct tact_pattern **patterns;
	size_t patterns_count;
	struct tact_pattern_set *sets; /* of those that tact brings along, what is asked for */
	size_t sets_count;
};

struct build {
	struct reading *reading;
	struct whole *whole;
	const struct section **streams; /* the section of streams[i], NULL for the built-in one */
	const struct section **rules;
};

static inline struct whole *tact_config_whole(const struct tact_config *config)
{
	return (struct whole *)config; /* its first member */
}

const struct entry *tact_config_entry(const struct section *section, const char *name);
/* The line of an entry, or of the section when it is not written. */
int tact_config_line(const struct section *section, const char *name);
/* Applies every row of the section to TARGET: what is written, else the preset. */
void tact_config_apply(struct build *build, const struct section *section, void *target);
/* Finds the patterns behind the names in a content rule; a name that is none is check's matter. */
void tact_config_find_sets(struct build *build, struct tact_content_rule *rule);
/* Makes the configuration of what was read. */
void tact_config_build(struct build *build);
/* When all options of a quiet_hours section are read: reads its file of holidays, puts days and hours
 * together. */
void tact_config_finish_quiet_hours(
    struct build *build, const struct section *section, struct tact_quiet_hours *quiet);
/* Finds sockets that cannot be had together. */
void tact_config_check_sockets(const struct build *build);
/* Finds what contradicts: names without a section, windows beyond the history … */
void tact_config_check(struct build *build);

#define STREAM_UNMATCHED "unmatched"

#endif
