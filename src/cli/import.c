/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact import: files of suppressions, consents or profiles. Everything is read and checked first, then
 * counted, then written in chunks that leave the store free for mail. A file with a mistake changes nothing;
 * what is known already is never undone or shortened.
 */
#include <config.h>

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "private.h"

#define CHUNK_LEAST 16
#define CHUNK_MOST 1000
#define CHUNK_BUSY_MS 20

static const struct cli_option options[] = {{"dry-run", NULL, "check and count, write nothing", false},
    {"profile", NULL, "the files are of profiles: zone, home_owner, language, own_limit, birthday ...",
	false},
    {"consent", NULL, "the files are of consents: basis, scope, source, proof, created_at, expires_at",
	false},
    {"history", NULL, "the files are of contacts: at, channel, direction, purpose, stream, owner ...", false},
    {"plain", NULL, "the file is one address a line, without a header", false},
    {"reason", "REASON", "where a row says nothing (default: manual)", false},
    {"basis", "WORD", "of consents, where a row says nothing: express, implied or soft-opt-in", false},
    {"scope", "SCOPE", "where a row says nothing (default: global, and of consents none)", false},
    {"source", "TEXT", "where a row says nothing (default: import and the file's name)", false},
    {"bulk", NULL, "for millions of rows: sorted on the disk, one entry of evidence for all new people",
	false},
    {"work", "DIR",
	"of --bulk: where rows and the mark of how far it came are kept (default: beside the "
	"evidence)",
	false},
    {"anew", NULL, "of --bulk: begin again, whatever was begun before", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

struct job {
	struct cli *cli;
	struct cli_import import;
	FILE **files;
	size_t first, expired; /* rows before FIRST have expired and are left out */
	uint64_t fresh, known, written;
};

/* ---- opening and reading ---- */

/* Before root becomes somebody who may not read them. */
static int open_files(struct job *job)
{
	struct cli *cli = job->cli;

	job->files = tact_arena_alloc(cli->arena, cli->operands_count * sizeof *job->files);
	for (size_t i = 0; i < cli->operands_count; i++) {
		const char *name = cli->operands[i];

		job->files[i] = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
		if (job->files[i] == NULL)
			return cli_fail(EX_NOINPUT, "%s: %s", name, strerror(errno));
	}
	return EX_OK;
}

static void close_files(struct job *job)
{
	for (size_t i = 0; job->files != NULL && i < job->cli->operands_count; i++)
		if (job->files[i] != NULL && job->files[i] != stdin)
			fclose(job->files[i]);
}

static int read_words(struct job *job)
{
	const char *reason = cli_value(job->cli, "reason"), *basis = cli_value(job->cli, "basis");

	job->import.reason = TACT_MANUAL;
	job->import.reason_given = reason != NULL;
	job->import.basis_given = basis != NULL;
	if (reason != NULL && tact_dossier_parse_reason(reason, &job->import.reason) != TACT_OK)
		return cli_fail(EX_USAGE, "--reason: there is no reason \"%.40s\"", reason);
	if (basis != NULL && tact_dossier_parse_basis(basis, &job->import.basis) != TACT_OK)
		return cli_fail(EX_USAGE,
		    "--basis: there is no basis \"%.40s\"; express, implied and soft-opt-in are known",
		    basis);
	return EX_OK;
}

/* Options that say nothing of files of this kind. */
static int read_kind(struct job *job)
{
	static const char *const no_sense[][6] = {[CLI_SUPPRESSIONS] = {"basis"},
	    [CLI_PROFILES] = {"basis", "reason", "scope", "plain"},
	    [CLI_CONSENTS] = {"reason", "plain"},
	    [CLI_CONTACTS] = {"basis", "reason", "scope", "plain", "source"}};
	static const char *const names[] = {[CLI_SUPPRESSIONS] = "suppressions",
	    [CLI_PROFILES] = "profiles",
	    [CLI_CONSENTS] = "consents",
	    [CLI_CONTACTS] = "contacts"};
	struct cli *cli = job->cli;
	bool profile = cli_has(cli, "profile"), consent = cli_has(cli, "consent"),
	     history = cli_has(cli, "history");

	if (profile + consent + history > 1)
		return cli_fail(EX_USAGE, "--profile, --consent and --history exclude each other");
	job->import.kind = profile   ? CLI_PROFILES
			   : consent ? CLI_CONSENTS
			   : history ? CLI_CONTACTS
				     : CLI_SUPPRESSIONS;
	for (const char *const *name = no_sense[job->import.kind]; *name != NULL; name++)
		if (cli_has(cli, *name))
			return cli_fail(EX_USAGE, "--%s says nothing of %s", *name, names[job->import.kind]);
	if (!cli_has(cli, "bulk") && (cli_has(cli, "work") || cli_has(cli, "anew")))
		return cli_fail(EX_USAGE, "--work and --anew are options of --bulk");
	return EX_OK;
}

static int read_options(struct job *job)
{
	struct cli *cli = job->cli;
	const char *scope = cli_value(cli, "scope"), *source;
	struct tact_scope parsed;
	int code = cli_text(cli, "by", cli->by, &cli->by);

	if (code == EX_OK)
		code = read_kind(job);
	if (code == EX_OK)
		code = read_words(job);
	if (code == EX_OK)
		code = cli_scope(cli, "scope", "global", &parsed);
	if (code == EX_OK)
		code = cli_text(cli, "source", NULL, &source);
	job->import.scope = scope == NULL && job->import.kind == CLI_SUPPRESSIONS ? "global" : scope;
	job->import.plain = cli_has(cli, "plain");
	job->import.now_us = cli->now_us;
	return code;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

int cli_import_read_files(struct cli *cli, struct cli_import *import, FILE *const *files)
{
	const char *source = cli_value(cli, "source");
	int code = EX_OK;

	import->rules = &cli->config->rules;
	for (size_t i = 0; i < cli->operands_count && code == EX_OK; i++) {
		import->source = source != NULL ? source
						: tact_arena_printf(cli->arena, "import %s",
						      cli_safe(cli->arena, base_name(cli->operands[i])));
		code = cli_import_read(import, cli->operands[i], files[i]);
	}
	if (code == EX_OK && import->mistakes > 0)
		code = cli_fail(EX_DATAERR, "%zu mistake%s; nothing was changed", import->mistakes,
		    import->mistakes == 1 ? "" : "s");
	return code;
}

/* ---- order ---- */

bool cli_import_expired(const struct cli_import *import, const struct cli_import_row *row)
{
	return import->kind == CLI_SUPPRESSIONS && row->until_us != 0 && row->until_us <= import->now_us;
}

/* What has expired first, then by key: one person's rows stand together, and the store is walked in its own
 * order. */
static int compare_rows(const void *a, const void *b, void *context)
{
	const struct cli_import_row *left = a, *right = b;
	const struct cli_import *import = context;
	bool left_gone = cli_import_expired(import, left), right_gone = cli_import_expired(import, right);
	int order = left_gone != right_gone ? right_gone - left_gone
					    : memcmp(left->key.b, right->key.b, TACT_ID_BYTES);

	return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

static void sort_rows(struct job *job)
{
	struct cli_import *import = &job->import;

	if (import->rows_count > 1)
		qsort_r(import->rows, import->rows_count, sizeof *import->rows, compare_rows, import);
	while (job->first < import->rows_count && cli_import_expired(import, &import->rows[job->first]))
		job->first++;
	job->expired = job->first;
}

/* Never between two rows of one person, so that what is counted as new is new. */
static size_t chunk_at(const struct job *job, size_t first, size_t most)
{
	const struct cli_import *import = &job->import;
	size_t end = first + most;

	if (end >= import->rows_count)
		return import->rows_count - first;
	while (end < import->rows_count && tact_id_equal(&import->rows[end].key, &import->rows[end - 1].key))
		end++;
	return end - first;
}

/* ---- a chunk ---- */

static void suppress(const struct cli_import_row *row, struct tact_suppression *ret)
{
	*ret = (struct tact_suppression){.scope = row->scope->scope,
	    .reason = row->reason,
	    .purposes = row->purposes,
	    .source = row->source,
	    .note = "",
	    .time_us = row->time_us,
	    .until_us = row->until_us,
	    .ended_by = "",
	    .ended_why = ""};
}

/* A file is nobody's own word, so it lifts no suppression, whatever its time. */
static struct tact_consent consent_of(const struct cli_import_row *row)
{
	return (struct tact_consent){.basis = row->basis,
	    .scope = row->scope->scope,
	    .source = row->source,
	    .proof = row->proof,
	    .time_us = row->time_us,
	    .until_us = row->until_us,
	    .ended_by = "",
	    .ended_why = "",
	    .imported = true};
}

/* In place, since it is large and made for each of millions. */
void cli_import_change(const struct cli_import *import, const char *by, const struct cli_import_row *row,
    struct tact_change *ret)
{
	*ret = (struct tact_change){.by = by, .why = row->source};
	switch (import->kind) {
	case CLI_SUPPRESSIONS:
		ret->kind = TACT_CHANGE_SUPPRESS;
		suppress(row, &ret->suppression);
		/* Without a time nobody knows which mail brought it: not, of all, the latest. */
		if (!row->timed && row->scope->scope.kind != TACT_SCOPE_CAMPAIGN)
			ret->campaign = "";
		break;
	case CLI_PROFILES:
		ret->kind = TACT_CHANGE_PROFILE;
		ret->profile = *row->profile;
		break;
	case CLI_CONSENTS:
		ret->kind = TACT_CHANGE_CONSENT;
		ret->consent = consent_of(row);
		break;
	case CLI_CONTACTS:
		ret->kind = TACT_CHANGE_CONTACT;
		ret->contact = *row->contact;
		break;
	}
}

int cli_import_person(const struct cli_import *import, struct tact_arena *arena,
    const struct cli_import_row *row, struct tact_recipient *ret, struct tact_error *err)
{
	const struct tact_identity *identity = import->identity;

	switch (row->by) {
	case CLI_BY_SHA256:
		return tact_facts_recipient_of_sha256(arena, identity, row->person, ret, err);
	case CLI_BY_KEY:
		return cli_recipient_of_key(arena, row->person, ret, err);
	case CLI_BY_ADDRESS:
		break;
	}
	return tact_facts_recipient(arena, identity, row->person, ret, err);
}

static int run_chunk(struct job *job, struct tact_arena *arena, size_t first, size_t count, bool apply,
    struct tact_changed *changed, struct tact_error *err)
{
	struct tact_recipient *recipients = tact_arena_alloc(arena, count * sizeof *recipients);
	struct tact_change *changes = tact_arena_alloc(arena, count * sizeof *changes);

	for (size_t i = 0; i < count; i++) {
		const struct cli_import_row *row = &job->import.rows[first + i];
		int result = cli_import_person(&job->import, arena, row, &recipients[i], err);

		if (result != TACT_OK)
			return result; /* it was read a moment ago */
		cli_import_change(&job->import, job->cli->by, row, &changes[i]);
	}
	return apply ? tact_decide_change(job->cli->decider, arena, recipients, changes, count,
			   job->import.now_us, 0, changed, err)
		     : tact_decide_change_preview(job->cli->decider, arena, recipients, changes, count,
			   job->import.now_us, changed, err);
}

static int failed(const struct job *job, int result, const struct tact_error *err)
{
	return cli_fail(cli_exit_code(result), "%s: %s; %llu rows were written; import again to go on",
	    tact_result_name(result), err->text, (unsigned long long)job->written);
}

/* ---- counting ---- */

/* The word that rows of one scope are counted by. */
static unsigned word_of(const struct job *job, const struct cli_import_row *row)
{
	return job->import.kind == CLI_CONSENTS ? (unsigned)row->basis : (unsigned)row->reason;
}

static int preview(struct job *job)
{
	struct cli_import *import = &job->import;
	struct tact_arena *arena = tact_arena_new();
	struct tact_error err = {""};
	int result = TACT_OK;

	for (size_t at = job->first, count; at < import->rows_count && result == TACT_OK; at += count) {
		tact_arena_reset(arena);
		count = chunk_at(job, at, CHUNK_MOST);
		struct tact_changed *changed = tact_arena_alloc(arena, count * sizeof *changed);
		result = run_chunk(job, arena, at, count, false, changed, &err);
		for (size_t i = 0; i < count && result == TACT_OK; i++) {
			struct cli_import_row *row = &import->rows[at + i];

			if (row->scope != NULL) {
				row->scope->rows[word_of(job, row)]++;
				row->scope->fresh[word_of(job, row)] += changed[i].changed;
			}
			job->fresh += changed[i].changed;
			job->known += !changed[i].changed;
		}
	}
	tact_arena_free(&arena);
	return result == TACT_OK ? EX_OK : failed(job, result, &err);
}

/* ---- writing ---- */

static void rest(int64_t ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

static void show_progress(const struct job *job, bool end)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%llu of %zu%s", (unsigned long long)job->written,
		    job->import.rows_count - job->first, end ? "\n" : "");
}

static int write_rows(struct job *job)
{
	struct cli_import *import = &job->import;
	struct tact_arena *arena = tact_arena_new();
	struct tact_error err = {""};
	size_t size = CHUNK_LEAST;
	int result = TACT_OK;

	for (size_t at = job->first, count; at < import->rows_count && result == TACT_OK; at += count) {
		int64_t began_ms = tact_clock_monotonic_ms(), took_ms;

		tact_arena_reset(arena);
		count = chunk_at(job, at, size);
		struct tact_changed *changed = tact_arena_alloc(arena, count * sizeof *changed);
		result = run_chunk(job, arena, at, count, true, changed, &err);
		took_ms = tact_clock_monotonic_ms() - began_ms;
		if (took_ms > CHUNK_BUSY_MS && size > CHUNK_LEAST)
			size /= 2;
		else if (took_ms < CHUNK_BUSY_MS / 2 && size < CHUNK_MOST)
			size *= 2;
		job->written += result == TACT_OK ? count : 0;
		show_progress(job, false);
		if (at + count < import->rows_count)
			rest(took_ms);
	}
	show_progress(job, true);
	tact_arena_free(&arena);
	return result == TACT_OK ? EX_OK : failed(job, result, &err);
}

/* ---- telling ---- */

struct telling {
	struct cli_json *list; /* NULL: print */
	bool consents;
};

static const char *word_name(const struct telling *telling, unsigned word)
{
	return telling->consents ? tact_dossier_basis_name(word) : tact_dossier_reason_name(word);
}

static void tell_scope(const void *node, VISIT visit, void *context)
{
	const struct cli_scope_count *scope = *(struct cli_scope_count *const *)node;
	const struct telling *telling = context;

	if (visit != postorder && visit != leaf)
		return;
	for (unsigned i = 0; i < TACT_REASONS; i++) {
		if (scope->rows[i] == 0)
			continue;
		if (telling->list == NULL) {
			printf("  %-12s %-24s %8llu rows %8llu new\n", word_name(telling, i), scope->text,
			    (unsigned long long)scope->rows[i], (unsigned long long)scope->fresh[i]);
			continue;
		}
		struct cli_json *object = cli_json_put_object(telling->list, NULL);
		cli_json_put_text(object, telling->consents ? "basis" : "reason", word_name(telling, i));
		cli_json_put_text(object, "scope", scope->text);
		cli_json_put_integer(object, "rows", (int64_t)scope->rows[i]);
		cli_json_put_integer(object, "new", (int64_t)scope->fresh[i]);
	}
}

static void tell_field(struct cli_json *list, const char *name, uint64_t rows)
{
	struct cli_json *object;

	if (rows == 0)
		return;
	if (list == NULL) {
		printf("  %-12s %8llu rows\n", name, (unsigned long long)rows);
		return;
	}
	object = cli_json_put_object(list, NULL);
	cli_json_put_text(object, "field", name);
	cli_json_put_integer(object, "rows", (int64_t)rows);
}

/* By reason or basis and scope, or by field. */
static void tell_sums(const struct job *job, struct cli_json *list)
{
	struct telling telling = {.list = list, .consents = job->import.kind == CLI_CONSENTS};

	twalk_r(job->import.scopes, tell_scope, &telling);
	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++)
		tell_field(list, cli_profile_fields[i].name, job->import.fields[i]);
	tell_field(list, "occasions", job->import.fields[CLI_PROFILE_FIELDS]);
}

static void tell_ignored(const struct job *job)
{
	for (size_t i = 0; i < job->import.ignored_count; i++)
		printf("%s%s", i == 0 ? "columns not read: " : ", ", job->import.ignored[i]);
	if (job->import.ignored_count > 0)
		printf("\n");
}

static void tell_preview(const struct job *job)
{
	printf("%zu rows: %llu new, %llu known already, %zu expired\n",
	    job->import.rows_count + job->import.blank, (unsigned long long)job->fresh,
	    (unsigned long long)job->known, job->expired);
	tell_sums(job, NULL);
	tell_ignored(job);
	fflush(stdout);
}

static void tell_json(const struct job *job, bool applied)
{
	struct cli_json *object = cli_json_object(), *ignored;

	cli_json_put_integer(object, "rows", (int64_t)(job->import.rows_count + job->import.blank));
	cli_json_put_integer(object, "new", (int64_t)job->fresh);
	cli_json_put_integer(object, "known", (int64_t)job->known);
	cli_json_put_integer(object, "expired", (int64_t)job->expired);
	tell_sums(job, cli_json_put_list(object, "by"));
	ignored = cli_json_put_list(object, "not_read");
	for (size_t i = 0; i < job->import.ignored_count; i++)
		cli_json_put_text(ignored, NULL, job->import.ignored[i]);
	cli_json_put_bool(object, "applied", applied);
	cli_json_print(object);
}

static int apply(struct job *job)
{
	bool dry = cli_has(job->cli, "dry-run");
	int code;

	sort_rows(job);
	job->known = job->import.blank; /* what says nothing is nothing new */
	code = preview(job);
	if (code == EX_OK && !job->cli->json)
		tell_preview(job);
	if (code == EX_OK && !dry)
		code = write_rows(job);
	if (code == EX_OK && job->cli->json)
		tell_json(job, !dry);
	else if (code == EX_OK)
		printf(dry ? "nothing was written (--dry-run)\n" : "written\n");
	return code;
}

static void warn_of_scope(const void *node, VISIT visit, void *context)
{
	const struct cli_scope_count *scope = *(struct cli_scope_count *const *)node;
	struct cli *cli = context;

	if (visit == postorder || visit == leaf)
		cli_warn_of_scope(cli->arena, cli->config_path, &cli->config->rules, &scope->scope);
}

static int import(struct job *job)
{
	int code = cli_import_read_files(job->cli, &job->import, job->files);

	if (code != EX_OK)
		return code;
	twalk_r(job->import.scopes, warn_of_scope, job->cli);
	return apply(job);
}

static int run(struct cli *cli)
{
	struct job job = {
	    .cli = cli, .import = {.arena = cli->arena, .lasting = cli->arena, .identity = &cli->identity}};
	int code = cli_need_operands(cli, 1, SIZE_MAX);

	if (code == EX_OK)
		code = read_options(&job);
	if (code == EX_OK)
		code = open_files(&job);
	if (code == EX_OK)
		code = cli_open(cli, cli_has(cli, "dry-run") ? CLI_READ : CLI_CHANGE);
	if (code == EX_OK && cli_has(cli, "bulk"))
		code = cli_import_bulk(cli, &job.import, job.files);
	else if (code == EX_OK)
		code = import(&job);
	close_files(&job);
	cli_import_clear(&job.import);
	return code;
}

const struct cli_verb cli_import = {"import", "FILE...",
    "Read suppressions, consents or profiles from CSV files: all checked first, then written.", options, run};
