/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the verbs of tact share: their table, their options, what they hold open, and how they speak.
 */
#ifndef TACT_CLI_PRIVATE_H
#define TACT_CLI_PRIVATE_H

#include <stdio.h>
#include <sysexits.h>

#include <tact/cli.h>
#include <tact/config.h>
#include <tact/decide.h>

/* One option of a verb; a row with a NULL name ends a table. argument NULL: a switch. */
struct cli_option {
	const char *name, *argument, *help;
	bool many; /* may be given more than once */
};

struct cli;

/* One verb, of one word or two ("key new"). */
struct cli_verb {
	const char *name;
	const char *operands; /* as the usage line shows them; "" takes none */
	const char *help;     /* one sentence */
	const struct cli_option *options;
	/* answers the exit code; what went wrong is told on standard error */
	int (*run)(struct cli *cli);
};

struct cli_json;

extern const struct cli_verb cli_audit_trail;
extern const struct cli_verb cli_campaign_cancel;
extern const struct cli_verb cli_campaign_done;
extern const struct cli_verb cli_campaign_list;
extern const struct cli_verb cli_campaign_pause;
extern const struct cli_verb cli_campaign_plan;
extern const struct cli_verb cli_campaign_resume;
extern const struct cli_verb cli_campaign_show;
extern const struct cli_verb cli_canonical;
extern const struct cli_verb cli_check;
extern const struct cli_verb cli_consent;
extern const struct cli_verb cli_contact;
extern const struct cli_verb cli_explain;
extern const struct cli_verb cli_export;
extern const struct cli_verb cli_import;
extern const struct cli_verb cli_key_new;
extern const struct cli_verb cli_key_show;
extern const struct cli_verb cli_preflight;
extern const struct cli_verb cli_profile;
extern const struct cli_verb cli_quarantine_discard;
extern const struct cli_verb cli_quarantine_list;
extern const struct cli_verb cli_quarantine_release;
extern const struct cli_verb cli_quarantine_show;
extern const struct cli_verb cli_replay;
extern const struct cli_verb cli_report_monitor;
extern const struct cli_verb cli_report_pressure;
extern const struct cli_verb cli_show;
extern const struct cli_verb cli_store_adopt;
extern const struct cli_verb cli_store_check;
extern const struct cli_verb cli_store_copy;
extern const struct cli_verb cli_store_init;
extern const struct cli_verb cli_store_recover;
extern const struct cli_verb cli_store_stats;
extern const struct cli_verb cli_store_sweep;
extern const struct cli_verb cli_store_upgrade;
extern const struct cli_verb cli_suppress;
extern const struct cli_verb cli_unsuppress;
extern const struct cli_verb cli_alias;

struct cli_given {
	const char *name, *value;
};

/* One run of tact: what was asked for, and what is held open for it. */
struct cli {
	const struct cli_verb *verb;
	const char *config_path;
	bool json;
	struct cli_given *given; /* options, in order */
	size_t given_count;
	char **operands;
	size_t operands_count;
	struct tact_arena *arena; /* dies with the run */
	int64_t now_us;
	const char *by; /* who asked */

	struct tact_config *config;
	struct tact_keyring *keyring;
	struct tact_store *store;
	struct tact_identity identity;
	struct tact_audit *audit;
	struct tact_decider *decider;
};

/* ---- store.c ---- */

/* "dossiers" */
const char *cli_store_kind(enum tact_store_kind kind);

/* ---- arguments.c ---- */

/* Options every verb has. */
extern const struct cli_option cli_common_options[];
/* Reads options and operands of the verb. EX_OK, EX_USAGE (told), or -1 when help was asked for. */
int cli_read_arguments(struct cli *cli, int argc, char **argv);
const char *cli_value(const struct cli *cli, const char *name); /* NULL when not given */
bool cli_has(const struct cli *cli, const char *name);
/* The option's text, or PRESET. EX_OK or EX_USAGE (told), as those below. */
int cli_text(const struct cli *cli, const char *name, const char *preset, const char **ret);
int cli_scope(struct cli *cli, const char *name, const char *preset, struct tact_scope *ret);
int cli_parse_scope(struct cli *cli, const char *name, const char *text, struct tact_scope *ret);
/* The stream that --stream, which was given, names in the open configuration; EX_OK or EX_USAGE (told). */
int cli_stream(const struct cli *cli, const struct tact_stream **ret);
/* The name of an owner as the configuration writes it, or NULL. */
const char *cli_find_owner(const struct tact_rule_set *rules, const char *name);
/* Says so when the scope names a brand, an owner or a stream that the configuration does not have. */
void cli_warn_of_scope(struct tact_arena *arena, const char *config_path, const struct tact_rule_set *rules,
    const struct tact_scope *scope);
/* As tact_text_parse_time, of the years 1970 to 9999. TACT_OK or TACT_INVALID. */
int cli_parse_time(const char *text, int64_t *ret_us, struct tact_error *err);
/* EX_OK or EX_USAGE (told). Untouched when the option was not given. */
int cli_time(const struct cli *cli, const char *name, int64_t *ret_us);
/* The same for a time at which something happened: not later than now. */
int cli_past_time(const struct cli *cli, const char *name, int64_t *ret_us);
int cli_need_operands(const struct cli *cli, size_t least, size_t most);

/* ---- campaign.c ---- */

/* Can it be one? EX_OK or EX_USAGE (told). */
int cli_campaign_name(const struct cli *cli, const char *name);

/* ---- context.c ---- */

enum cli_need {
	CLI_CONFIG, /* configuration */
	CLI_KEY,    /* and key file, with the identity these two make */
	CLI_READ,   /* and store, its identity, a decider for readers */
	/* and evidence; a store without a recovery key is left without one */
	CLI_RECOVER,
	CLI_CHANGE /* and evidence, and a recovery key */
};
/* EX_OK, or the exit code with everything told. */
int cli_open(struct cli *cli, enum cli_need need);
void cli_close(struct cli *cli);
/* Loads the configuration, telling every mistake. */
int cli_open_config(struct cli *cli);
/* root becomes the configured user, so that what is made belongs to it. */
int cli_become_user(struct cli *cli);
/* Store and its identity; a store that always fails has none and is taken as it is. */
int cli_open_store(struct cli *cli, enum tact_opening opening, struct tact_error *err);
/* Exit code for an answer of a room. */
int cli_exit_code(int result);

/* ---- run.c ---- */

/* The exit code, or EX_IOERR (told) when what was printed did not arrive. */
int cli_finish_output(int code);

/* ---- people.c ---- */

const char *cli_who(struct tact_arena *arena);
/* The recipients that the operands name: addresses, or with --sha256 digests, with --key keys. All are read
 * before anything is done; EX_OK, or EX_DATAERR with every refused one told. */
int cli_recipients(struct cli *cli, struct tact_recipient **ret);
/* The recipient of a key. TACT_OK or TACT_INVALID. */
int cli_recipient_of_key(
    struct tact_arena *arena, const char *text, struct tact_recipient *ret, struct tact_error *err);
/* One person by whatever name: an address, a phone number, a hex SHA-256, a key. TACT_OK, or TACT_INVALID. */
int cli_read_person(struct cli *cli, const char *text, struct tact_recipient *ret, struct tact_error *err);
/* How a recipient is called in what we print. */
const char *cli_name_of(const struct tact_recipient *recipient, struct tact_arena *arena);
const char *cli_direction_name(enum tact_direction direction);
int cli_parse_direction(const char *text, enum tact_direction *ret);
const char *cli_sentiment_name(enum tact_sentiment sentiment);
int cli_parse_sentiment(const char *text, enum tact_sentiment *ret);
/* Bit 1 << purpose each: the words with commas between, "" for none. */
const char *cli_purposes(struct tact_arena *arena, unsigned purposes);
/* TACT_OK, or TACT_INVALID and words about the first that is none; blanks around a word are nothing. */
int cli_parse_purposes(struct tact_arena *arena, const char *text, unsigned *ret, struct tact_error *err);

/* Makes changes for one recipient: EX_OK, or the exit code with what went wrong told. What is not there to be
 * ended is no failure here: ret says so, change by change. */
int cli_change(struct cli *cli, const struct tact_recipient *recipient, const struct tact_change *changes,
    size_t count, struct tact_changed *ret);

/* ---- profile_fields.c: what a profile may say ---- */

struct cli_profile_field {
	const char *name, *option;
	/* TACT_OK, or TACT_INVALID and words */
	int (*check)(const struct tact_rule_set *rules, const char *text, struct tact_error *err);
	size_t from, to; /* in tact_profile_change, in tact_profile */
};
#define CLI_PROFILE_FIELDS 4
extern const struct cli_profile_field cli_profile_fields[CLI_PROFILE_FIELDS];
const char **cli_profile_set(struct tact_profile_change *change, const struct cli_profile_field *field);
const char *cli_profile_get(const struct tact_profile *profile, const struct cli_profile_field *field);
/* " zone=Europe/London birthday=--05-17": what there is of it. */
void cli_print_profile(struct cli *cli, const struct tact_profile *profile);
/* zone, home_owner, language, own_limit, occasions (an object, by name). */
void cli_put_profile(struct cli *cli, struct cli_json *in, const struct tact_profile *profile);
/* Letters, digits, hyphens and underscores, at most 64, made lower-case. */
int cli_occasion_name(struct tact_arena *arena, const char *text, const char **ret, struct tact_error *err);

/* ---- output.c: what is printed; the only file that writes JSON ---- */

/* "tact: …" on standard error; returns code. */
int cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* UTF-8 as it is, control characters made visible: for a terminal. */
const char *cli_safe(struct tact_arena *arena, const char *text);
/* "2" or "1.5" */
const char *cli_milli(struct tact_arena *arena, int64_t milli);
/* RFC 3339, or OTHER for 0 and INT64_MAX. */
const char *cli_when(struct tact_arena *arena, int64_t time_us, const char *other);

/* A JSON object or list under construction; members come out in the order they were put. name NULL appends to
 * a list. */
struct cli_json;
struct cli_json *cli_json_object(void);
struct cli_json *cli_json_put_object(struct cli_json *in, const char *name);
struct cli_json *cli_json_put_list(struct cli_json *in, const char *name);
void cli_json_put_text(struct cli_json *in, const char *name, const char *value); /* NULL: null */
void cli_json_put_time(struct cli_json *in, const char *name, int64_t time_us);	  /* 0, INT64_MAX: null */
void cli_json_put_integer(struct cli_json *in, const char *name, int64_t value);
void cli_json_put_milli(struct cli_json *in, const char *name, int64_t milli);
void cli_json_put_bool(struct cli_json *in, const char *name, bool value);
/* One line on standard output; frees. */
void cli_json_print(struct cli_json *object);
/* Is it clean UTF-8 without control characters, as JSON and terminals want it? */
bool cli_is_clean(const char *text);
/* Bytes of a text in a column, and on the command line: what is exported can be imported. */
#define CLI_TEXT_MOST 4096

/* ---- findings of the policy, shared by explain and contact --may ---- */

/* "rules", those that were asked, and "not_asked", the others with why; facts NULL: nothing could be asked.
 */
void cli_put_rules(
    struct cli *cli, struct cli_json *in, const struct tact_opinion *opinion, const struct tact_facts *facts);
void cli_print_rules(struct cli *cli, const struct tact_opinion *opinion, const struct tact_facts *facts);

/* ---- csv.c: a CSV file with named columns ---- */

/* Fields that every file has; a file's own begin with CLI_CSV_OWN. */
enum { CLI_CSV_EMAIL, CLI_CSV_SHA256, CLI_CSV_KEY, CLI_CSV_OWN };
struct cli_csv; /* a record being read */
struct cli_csv_file {
	const char *name; /* in mistakes: NAME:LINE: FIELD: WHAT */
	bool plain;	  /* one address a line, no header */
	bool keys;	  /* a column "key" is read: it may stand for the person, too */
	/* Which field a column is, beside email (address, recipient) and sha256; -1: it is not read. May be
	 * NULL. */
	int (*field_of)(void *context, const char *column);
	void (*ignored)(void *context, const char *column); /* a column that is not read; may be NULL */
	void (*row)(void *context, struct cli_csv *csv);
	void *context;
	size_t *mistakes; /* counted; the first hundred are told on standard error */
	/* The bytes of the file as they are read, in their order, in the caller's thread; may be NULL. Where
	 * a mistake ends the reading those behind it do not come. */
	void (*seen)(void *context, const void *bytes, size_t size_bytes);
	/* So many threads read the rows, in no particular order, while mistakes are told in the file's. Once
	 * the header is read each gets a context of its own, and a counter that nobody need look at. 0: the
	 * caller's thread reads all. */
	size_t threads;
	void *(*helper)(void *context, size_t which, size_t **ret_mistakes);
};
/* Reads a whole file (UTF-8, with or without BOM; a header names the columns, one of them the person). EX_OK
 * also with mistakes; EX_IOERR. */
int cli_csv_read(const struct cli_csv_file *file, FILE *stream);
/* Bytes of a byte order mark at the beginning of a file. */
size_t cli_csv_skip_mark(const char *block, size_t length);
/* The cell of a field, trimmed; "" when there is no such column or nothing in it. Lives as long as the
 * record, as all that is put into cli_csv_arena. */
const char *cli_csv_cell(struct cli_csv *csv, int field);
bool cli_csv_has(const struct cli_csv *csv, int field); /* is there such a column? */
uint64_t cli_csv_order(const struct cli_csv *csv);	/* rises with each record of the file, below 2^40 */
struct tact_arena *cli_csv_arena(struct cli_csv *csv);
const char *cli_csv_shown(struct cli_csv *csv, const char *text); /* fit for a mistake */
void cli_csv_mistake(struct cli_csv *csv, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An RFC 3339 time; *ret_us is left alone where the cell is empty. False, and told, when it is none. */
bool cli_csv_time(struct cli_csv *csv, int field, const char *name, int64_t *ret_us);
/* Is it by key? Only where there is no address: a key says less, and nobody can look at it and see that it is
 * wrong. */
bool cli_csv_is_keyed(struct cli_csv *csv);
/* Whom the record is about: the cell's text, or NULL, and told. ret lives as long as the record. */
const char *cli_csv_person(
    struct cli_csv *csv, const struct tact_identity *identity, struct tact_recipient *ret, bool *ret_sha256);

/* ---- tally.c: how many came to what, by name ---- */

struct cli_tally {
	const char *name;
	uint64_t verdicts[TACT_REJECT + 1];
};
struct cli_tallies {
	struct tact_arena *arena; /* owns names and rows */
	struct cli_tally **rows;  /* in the order they were met */
	size_t count;
	struct cli_tally **slots; /* the same, by digest of the name */
	size_t slots_count;
};
/* The row of NAME (copied), made when it is new. Lives as long as the arena. */
struct cli_tally *cli_tally(struct cli_tallies *tallies, const char *name);
/* Most first, then by name. */
void cli_tally_sort(struct cli_tallies *tallies);
uint64_t cli_tally_sum(const struct cli_tally *tally);
/* A list of objects under NAME, each with HEADING and its counts. */
void cli_tally_put(
    struct cli_json *in, const char *name, const char *heading, const struct cli_tallies *tallies);
/* A table under a heading line; nothing when it is empty. */
void cli_tally_print(struct tact_arena *arena, const char *heading, const struct cli_tallies *tallies);

/* ---- import_file.c: CSV into rows ---- */

enum cli_import_kind { CLI_SUPPRESSIONS, CLI_PROFILES, CLI_CONSENTS, CLI_CONTACTS };
/* How many rows say a word (a reason or a basis) of a scope, and how many of them are new. */
struct cli_scope_count {
	const char *text;
	struct tact_scope scope;
	uint64_t rows[TACT_REASONS], fresh[TACT_REASONS];
};
enum cli_import_by { CLI_BY_ADDRESS, CLI_BY_SHA256, CLI_BY_KEY };
struct cli_import_row {
	struct tact_id key;
	const char *person; /* address, digest or key: see by */
	struct cli_scope_count *scope;
	const char *source, *proof;
	const struct tact_profile_change *profile;
	const struct tact_contact *contact;
	int64_t time_us, until_us;
	uint64_t order;
	enum tact_reason reason;
	enum tact_basis basis;
	enum cli_import_by by;
	bool also;	  /* the person may stand under other keys, too */
	bool timed;	  /* the row says when it was */
	uint8_t purposes; /* bits; 0: as the reason says */
};
struct cli_import {
	struct tact_arena *arena;   /* of rows: when they are taken, of one row */
	struct tact_arena *lasting; /* of all else */
	/* Rows are taken one by one, once they are checked, instead of being kept; may be NULL. */
	void (*take)(void *taker, const struct cli_import_row *row);
	void *taker;
	/* By so many threads, each of which hands over to a taker of its own; 0: the caller's, to the one. */
	size_t threads;
	void *const *takers;
	struct cli_import *helpers; /* of the file being read, one for each thread */
	uint64_t files;		    /* read so far: a row is in order behind those of earlier files */
	uint8_t *digests;	    /* gets the SHA-256 of each file that was read whole; may be NULL */
	struct tact_sha256 *digest; /* of the file being read */
	const struct tact_identity *identity;
	const struct tact_rule_set *rules;
	int64_t now_us;
	enum cli_import_kind kind;
	/* where a row says nothing; reason_given, basis_given: by an option; scope NULL: a row must say it */
	enum tact_reason reason;
	enum tact_basis basis;
	bool reason_given, basis_given;
	const char *scope, *source;
	bool plain;		      /* one address a line, no header */
	bool says_reason, says_basis; /* columns of the file being read */
	struct cli_import_row *rows;
	size_t rows_count, rows_room;
	size_t blank; /* rows of profiles that say nothing; they are not among the others */
	void *scopes, *sources, *checked; /* trees of what was seen */
	struct cli_scope_count *latest_scope;
	const char **occasions; /* names that columns had */
	size_t occasions_count;
	uint64_t fields[CLI_PROFILE_FIELDS + 1]; /* rows that say the field; the last: an occasion */
	const char **ignored;			 /* columns that are not read */
	size_t ignored_count;
	size_t mistakes; /* told as they are found, the first hundred */
};
/* Reads and checks a whole file into rows, telling mistakes as FILE:LINE: FIELD: WHAT. EX_OK also with
 * mistakes; EX_IOERR. */
int cli_import_read(struct cli_import *import, const char *name, FILE *file);
void cli_import_clear(struct cli_import *import);
/* Each scope once, however it is spelt; arena is for what is looked at meanwhile. NULL and words in err when
 * it is none. */
struct cli_scope_count *cli_import_scope(
    struct cli_import *import, struct tact_arena *arena, const char *text, struct tact_error *err);

/* ---- import_sort.c: records in the order of their keys, however many ---- */

struct cli_runs;   /* a file of sorted runs, written by any number of threads */
struct cli_sorter; /* one thread's */
/* Begins a file that is at PATH once it ended well. TACT_OK or TACT_SYSTEM. */
int cli_runs_new(const char *path, struct cli_runs **ret, struct tact_error *err);
/* When all sorters have ended. Frees, whatever the result: TACT_OK, or TACT_SYSTEM when anything could not be
 * written. */
int cli_runs_end(struct cli_runs **runs, struct tact_error *err);
/* Ends it without a file. */
void cli_runs_free(struct cli_runs **runs);
/* Gathers about so many bytes before it writes. */
struct cli_sorter *cli_sorter_new(struct cli_runs *runs, size_t gather_bytes);
/* Copies; ORDER tells records of one key apart and puts them in order. */
void cli_sorter_add(
    struct cli_sorter *sorter, const struct tact_id *key, uint64_t order, const void *bytes, size_t size);
/* Writes what is left, and frees. */
void cli_sorter_end(struct cli_sorter **sorter);

struct cli_merge; /* such a file being read */
/* TACT_OK, TACT_SYSTEM, TACT_CORRUPT. */
int cli_merge_open(const char *path, struct cli_merge **ret, uint64_t *ret_records, struct tact_error *err);
/* The next record, which lives until the one after it; SIZE may be a few zero bytes more than was added.
 * TACT_OK, TACT_ABSENT at the end, TACT_CORRUPT. */
int cli_merge_next(struct cli_merge *merge, struct tact_id *ret_key, const void **ret_bytes, size_t *ret_size,
    struct tact_error *err);
void cli_merge_close(struct cli_merge **merge);

/* ---- import_spool.c: rows as bytes ---- */

struct cli_bytes {
	uint8_t *data; /* freed by its owner */
	size_t size, room;
};
/* All but key and order, in place of what was there. */
void cli_spool_pack(const struct cli_import_row *row, struct cli_bytes *to);
/* What the row before said; zeroed at first, and whenever the arena was reset. */
struct cli_spool_words {
	const char *text, *scope_text, *source, *proof;
	size_t size;
	struct cli_scope_count *scope;
};
/* Its texts live in the arena, scopes come from IMPORT. False when the bytes are not what pack made. */
bool cli_spool_unpack(const void *bytes, size_t size, struct cli_import *import, struct tact_arena *arena,
    struct cli_spool_words *words, struct cli_import_row *ret);

/* ---- import_mark.c: how far a long import has come ---- */

struct cli_mark {
	const char *digest; /* of files and options */
	uint64_t rows, expired;
	uint64_t done; /* of the rows, in their order */
	uint64_t fresh, known;
	int64_t begun_us;
};
/* TACT_OK, TACT_ABSENT, TACT_CORRUPT, TACT_SYSTEM. */
int cli_mark_read(struct tact_arena *arena, const char *path, struct cli_mark *ret, struct tact_error *err);
/* Makes the name of the file PATH durable, as its folder holds it. 0 or errno. */
int cli_sync_name(const char *path);
/* Durable. TACT_OK or TACT_SYSTEM. */
int cli_mark_write(
    struct tact_arena *arena, const char *path, const struct cli_mark *mark, struct tact_error *err);

/* ---- import.c, import_bulk.c ---- */

/* The change that a row asks for. */
void cli_import_change(const struct cli_import *import, const char *by, const struct cli_import_row *row,
    struct tact_change *ret);
/* Whom a row is about; TACT_OK, as it was when the row was read. */
int cli_import_person(const struct cli_import *import, struct tact_arena *arena,
    const struct cli_import_row *row, struct tact_recipient *ret, struct tact_error *err);
/* Of suppressions; a consent that has run out still is the newest word of its scope. */
bool cli_import_expired(const struct cli_import *import, const struct cli_import_row *row);
/* Reads the operands, told by NAMES in FILES, into IMPORT. EX_OK, or told. */
int cli_import_read_files(struct cli *cli, struct cli_import *import, FILE *const *files);
int cli_import_bulk(struct cli *cli, struct cli_import *import, FILE *const *files);

/* ---- import_contact.c: rows of contacts ---- */

/* Field of a file of contacts, from FIRST on; -1: none. */
int cli_import_contact_field(int first, const char *column);
/* NULL when the row says something that cannot be, which is told. */
const struct tact_contact *cli_import_contact(struct cli_import *import, struct cli_csv *csv);

/* ---- import_profile.c: rows of profiles ---- */

/* Fields of a file of profiles, from FIRST on: those of cli_profile_fields, then one for each occasion. -1:
 * none. */
int cli_import_profile_field(struct cli_import *import, int first, const char *column);
/* NULL when the row says nothing or something that cannot be, which is told. */
const struct tact_profile_change *cli_import_profile(
    struct cli_import *import, struct cli_csv *csv, int first);

/* ---- postconf.c: Postfix's settings as postconf prints them ---- */

struct cli_setting {
	const char *name, *value; /* of master.cf: "tact-pass/unix/smtpd_milters" */
};
struct cli_service {
	const char *name, *type, *private_, *chroot, *command;
};
struct cli_postfix {
	struct tact_arena *arena;
	const char *folder;
	struct cli_setting *main, *overrides;
	size_t main_count, overrides_count;
	struct cli_service *services;
	size_t services_count;
};
/* TACT_OK, TACT_ABSENT (no postconf here), TACT_SYSTEM. */
int cli_postfix_read(
    struct tact_arena *arena, const char *folder, struct cli_postfix *ret, struct tact_error *err);
const char *cli_postfix_main(const struct cli_postfix *postfix, const char *name); /* "" when unknown */
/* The service's own value, or main.cf's. */
const char *cli_postfix_of(
    const struct cli_postfix *postfix, const struct cli_service *service, const char *name);
bool cli_postfix_overrides(
    const struct cli_postfix *postfix, const struct cli_service *service, const char *name);
const struct cli_service *cli_postfix_service(
    const struct cli_postfix *postfix, const char *name, const char *type);
/* What the table answers for the key; NULL when nothing. */
const char *cli_postfix_look_up(const struct cli_postfix *postfix, const char *table, const char *key);
/* Splits at commas and blanks, braces kept together. */
const char **cli_postfix_split(const struct cli_postfix *postfix, const char *list, size_t *ret_count);

bool cli_postfix_has(const struct cli_postfix *postfix, const char *list, const char *word);

/* ---- check.c, check_postfix.c, check_services.c, check_sendmail.c ---- */

struct cli_findings {
	struct cli *cli;
	size_t errors, warnings;
};
enum cli_severity { CLI_WARNING, CLI_ERROR };
/* One finding: what is wrong, and how to mend it. */
void cli_find(struct cli_findings *findings, enum cli_severity severity, const char *mend, const char *format,
    ...) __attribute__((format(printf, 4, 5)));
/* "contrib/postfix/setup --apply writes it": with the sockets of the configuration that it would not name of
 * itself. */
const char *cli_check_setup(struct cli_findings *findings, const char *does);
void cli_check_postfix(struct cli_findings *findings, const struct cli_postfix *postfix);
/* Does a list of milters name a listener of ours? */
bool cli_check_asks(struct cli_findings *findings, const struct cli_postfix *postfix, const char *list);
/* transport: the service that transport_maps sends delayed mail to, or NULL. */
void cli_check_services(
    struct cli_findings *findings, const struct cli_postfix *postfix, const char *transport);
/* What a service must be told, up to one without a name. */
struct cli_override {
	const char *name, *value;
	enum cli_severity severity;
};
void cli_check_overrides(struct cli_findings *findings, const struct cli_postfix *postfix,
    const struct cli_service *service, const struct cli_override *overrides);
/* What main.cf says of other destinations, and must not for one transport's, up to one without a name. */
struct cli_pace {
	const char *name, *value, *what;
	long least; /* 0 is no limit; of a delay it is what is wanted */
	long most;  /* 0: as many as it likes */
};
void cli_check_paces(struct cli_findings *findings, const struct cli_postfix *postfix, const char *transport,
    const struct cli_pace *paces);
void cli_check_sendmail(struct cli_findings *findings, const struct cli_postfix *postfix);
/* The service that takes mail of sendmail(1) by SMTP, or NULL. */
const struct cli_service *cli_check_sendmail_listener(const struct cli_postfix *postfix);

#endif
