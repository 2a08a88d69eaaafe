/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the columns of a file of suppressions, consents or profiles mean. Changes nothing.
 */
#include <config.h>

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* Of suppressions and consents; a file of profiles has fields of its own. */
enum field { REASON = CLI_CSV_OWN, PURPOSES, BASIS, SCOPE, SOURCE, PROOF, CREATED, EXPIRES, FIELDS };
static const char *const field_names[FIELDS] = {[REASON] = "reason",
    [PURPOSES] = "purposes",
    [BASIS] = "basis",
    [SCOPE] = "scope",
    [SOURCE] = "source",
    [PROOF] = "proof",
    [CREATED] = "created_at",
    [EXPIRES] = "expires_at"};

#define ROWS_MOST 2000000 /* in memory, some 150 bytes each */

/* ---- scopes and sources, each once ---- */

static int compare_scopes(const void *a, const void *b)
{
	return strcmp(((const struct cli_scope_count *)a)->text, ((const struct cli_scope_count *)b)->text);
}

static struct cli_scope_count *keep_scope(struct cli_import *import, const char *text, struct tact_error *err)
{
	struct cli_scope_count *fresh = tact_arena_alloc(import->lasting, sizeof *fresh);

	*fresh = (struct cli_scope_count){.text = tact_arena_strdup(import->lasting, text)};
	if (tact_dossier_parse_scope(import->lasting, text, &fresh->scope, err) != TACT_OK)
		return NULL;
	if (tsearch(fresh, &import->scopes, compare_scopes) == NULL)
		abort(); /* out of memory */
	return fresh;
}

struct cli_scope_count *cli_import_scope(
    struct cli_import *import, struct tact_arena *arena, const char *text, struct tact_error *err)
{
	struct cli_scope_count wanted = {.text = text}, **found;

	/* Rows of one scope follow one another in most files. */
	if (import->latest_scope != NULL && strcmp(import->latest_scope->text, text) == 0)
		return import->latest_scope;
	found = tfind(&wanted, &import->scopes, compare_scopes);
	if (found != NULL)
		return import->latest_scope = *found;
	if (tact_dossier_parse_scope(arena, text, &wanted.scope, err) != TACT_OK)
		return NULL;
	/* Two spellings of one scope are one. */
	wanted.text = tact_dossier_format_scope(arena, &wanted.scope);
	found = tfind(&wanted, &import->scopes, compare_scopes);
	return import->latest_scope = found != NULL ? *found : keep_scope(import, wanted.text, err);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

static const char *keep_source(struct cli_import *import, const char *text)
{
	char **found;

	if (import->take != NULL)
		return text; /* lives until it is taken; there may be as many as rows */
	found = tfind(text, &import->sources, compare_texts);
	if (found == NULL)
		found = tsearch(tact_arena_strdup(import->lasting, text), &import->sources, compare_texts);
	if (found == NULL)
		abort(); /* out of memory */
	return *found;
}

static void keep_nothing(void *node)
{
	(void)node; /* the arena owns it */
}

void cli_import_clear(struct cli_import *import)
{
	tdestroy(import->scopes, keep_nothing);
	tdestroy(import->sources, keep_nothing);
	tdestroy(import->checked, keep_nothing);
	free(import->rows);
	*import = (struct cli_import){0};
}

/* ---- a row ---- */

static struct cli_import_row *push_row(struct cli_import *import)
{
	struct cli_import_row *row;

	if (import->rows_count == import->rows_room) {
		import->rows_room = import->rows_room == 0 ? 1024 : 2 * import->rows_room;
		import->rows = tact_realloc(import->rows, import->rows_room * sizeof *import->rows);
	}
	row = &import->rows[import->rows_count];
	*row = (struct cli_import_row){.order = import->rows_count++};
	return row;
}

static void read_person(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	struct tact_recipient recipient;
	bool sha256;
	const char *text = cli_csv_person(csv, import->identity, &recipient, &sha256);

	if (text == NULL)
		return;
	row->key = recipient.key;
	row->also = recipient.also_count > 0;
	row->by = cli_csv_is_keyed(csv) ? CLI_BY_KEY : sha256 ? CLI_BY_SHA256 : CLI_BY_ADDRESS;
	row->person = import->take != NULL ? text : tact_arena_strdup(import->arena, text);
}

static void read_reason(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	const char *text = cli_csv_cell(csv, REASON);

	row->reason = import->reason;
	if (*text != '\0' && tact_dossier_parse_reason(text, &row->reason) != TACT_OK)
		cli_csv_mistake(csv,
		    "reason: there is no reason \"%s\"; unsubscribe, complaint, hard_bounce, manual, "
		    "erasure, pause and topic are known",
		    cli_csv_shown(csv, text));
}

static void read_purposes(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	const char *text = cli_csv_cell(csv, PURPOSES);
	unsigned purposes = 0;
	struct tact_error err;

	_Static_assert(1U << TACT_PURPOSES <= UINT8_MAX + 1U, "they fit into a row");
	(void)import;
	if (*text != '\0' && cli_parse_purposes(cli_csv_arena(csv), text, &purposes, &err) != TACT_OK)
		cli_csv_mistake(csv, "purposes: %s", cli_safe(cli_csv_arena(csv), err.text));
	row->purposes = (uint8_t)purposes;
}

static void read_basis(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	const char *text = cli_csv_cell(csv, BASIS);

	row->basis = import->basis;
	if (*text == '\0' && !import->basis_given)
		cli_csv_mistake(csv, "basis: say on what grounds, here or with --basis");
	else if (*text != '\0' && tact_dossier_parse_basis(text, &row->basis) != TACT_OK)
		cli_csv_mistake(csv,
		    "basis: there is no basis \"%s\"; express, implied and soft-opt-in are known",
		    cli_csv_shown(csv, text));
}

static void read_proof(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	const char *text = cli_csv_cell(csv, PROOF);

	if (!cli_is_clean(text))
		cli_csv_mistake(csv, "proof: write UTF-8 without control characters");
	else
		row->proof = tact_arena_strdup(import->arena, text);
}

static void read_scope(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	const char *text = cli_csv_cell(csv, SCOPE);
	struct tact_error err;

	if (!cli_is_clean(text)) {
		cli_csv_mistake(csv, "scope: write UTF-8 without control characters");
		return;
	}
	if (*text == '\0' && import->scope == NULL) {
		cli_csv_mistake(csv, "scope: say what is permitted, here or with --scope");
		return;
	}
	row->scope = cli_import_scope(import, import->arena, *text != '\0' ? text : import->scope, &err);
	if (row->scope == NULL)
		cli_csv_mistake(csv, "scope: %s", err.text);
}

static void read_source(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	const char *text = cli_csv_cell(csv, SOURCE);

	row->source = import->source;
	if (!cli_is_clean(text))
		cli_csv_mistake(csv, "source: write UTF-8 without control characters");
	else if (*text != '\0')
		row->source = keep_source(import, text);
}

/* Where no beginning is told, an end that has passed is no mistake: the row has expired. */
static void read_times(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	bool told = *cli_csv_cell(csv, CREATED) != '\0';

	row->timed = told;
	row->time_us = import->now_us;
	cli_csv_time(csv, CREATED, field_names[CREATED], &row->time_us);
	cli_csv_time(csv, EXPIRES, field_names[EXPIRES], &row->until_us);
	if (row->time_us > import->now_us)
		cli_csv_mistake(csv, "created_at: \"%s\" lies in the future",
		    cli_csv_shown(csv, cli_csv_cell(csv, CREATED)));
	if (told && row->until_us != 0 && row->until_us <= row->time_us)
		cli_csv_mistake(csv, "expires_at: \"%s\" is not later than created_at",
		    cli_csv_shown(csv, cli_csv_cell(csv, EXPIRES)));
}

/* One with a time was made before pauses had to end, as an older store exports it: it is taken as it is. */
static void read_suppression(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	read_reason(import, csv, row);
	read_purposes(import, csv, row);
	read_scope(import, csv, row);
	read_source(import, csv, row);
	read_times(import, csv, row);
	if (row->reason == TACT_PAUSE && !row->timed && *cli_csv_cell(csv, EXPIRES) == '\0')
		cli_csv_mistake(csv, "expires_at: a pause needs an end; one for good is an unsubscribe");
}

/* The newest of a scope counts, so one without a time cannot be weighed. */
static void read_consent(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	read_basis(import, csv, row);
	read_scope(import, csv, row);
	read_source(import, csv, row);
	read_proof(import, csv, row);
	read_times(import, csv, row);
	if (*cli_csv_cell(csv, CREATED) == '\0')
		cli_csv_mistake(csv, "created_at: a consent needs the time at which it was given");
}

static void read_profile(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	row->source = import->source;
	row->profile = cli_import_profile(import, csv, CLI_CSV_OWN);
}

/* All cells but the person's are empty. */
static bool is_blank(const struct cli_import *import, const struct cli_import_row *row)
{
	return import->kind == CLI_PROFILES && row->profile == NULL;
}

static bool is_clean_profile(const struct tact_profile_change *profile)
{
	for (size_t i = 0; profile != NULL && i < CLI_PROFILE_FIELDS; i++) {
		const char *value =
		    *cli_profile_set((struct tact_profile_change *)profile, &cli_profile_fields[i]);

		if (value != NULL && !cli_is_clean(value))
			return false;
	}
	return true;
}

/* Taken by somebody else: it is not kept. */
static void hand_over(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	row->order = import->files << 40 | cli_csv_order(csv);
	import->rows_count = 0;
	if (is_clean_profile(row->profile))
		import->take(import->taker, row);
	else
		cli_csv_mistake(csv, "write UTF-8 without control characters");
}

static void read_history(struct cli_import *import, struct cli_csv *csv, struct cli_import_row *row)
{
	row->source = import->source;
	row->contact = cli_import_contact(import, csv);
}

static void read_row(void *context, struct cli_csv *csv)
{
	static void (*const readers[])(struct cli_import *, struct cli_csv *, struct cli_import_row *) = {
	    [CLI_SUPPRESSIONS] = read_suppression,
	    [CLI_PROFILES] = read_profile,
	    [CLI_CONSENTS] = read_consent,
	    [CLI_CONTACTS] = read_history};
	struct cli_import *import = context;
	size_t before = import->mistakes;
	struct cli_import_row *row = push_row(import);

	if (import->rows_count > ROWS_MOST)
		cli_csv_mistake(
		    csv, "this is row %d: say --bulk, which keeps rows on the disk", ROWS_MOST + 1);
	read_person(import, csv, row);
	readers[import->kind](import, csv, row);
	if (import->mistakes > before) {
		import->rows_count--; /* told; nothing will be applied */
	} else if (is_blank(import, row)) {
		import->rows_count--;
		import->blank++;
	} else if (import->take != NULL) {
		hand_over(import, csv, row);
	}
	if (import->take != NULL)
		tact_arena_reset(import->arena);
}

/* ---- the file ---- */

static bool is_of_kind(enum cli_import_kind kind, enum field field)
{
	if (field == REASON || field == PURPOSES)
		return kind == CLI_SUPPRESSIONS;
	return (field != BASIS && field != PROOF) || kind == CLI_CONSENTS;
}

static int field_of(void *context, const char *name)
{
	struct cli_import *import = context;

	if (import->kind == CLI_PROFILES)
		return cli_import_profile_field(import, CLI_CSV_OWN, name);
	if (import->kind == CLI_CONTACTS)
		return cli_import_contact_field(CLI_CSV_OWN, name);
	import->says_reason |= tact_text_equal_nocase(name, field_names[REASON]);
	import->says_basis |= tact_text_equal_nocase(name, field_names[BASIS]);
	for (int i = REASON; i < FIELDS; i++)
		if (tact_text_equal_nocase(name, field_names[i]) && is_of_kind(import->kind, (enum field)i))
			return i;
	return -1;
}

static void ignore(void *context, const char *column)
{
	struct cli_import *import = context;

	*TACT_PUSH(import->lasting, import->ignored, import->ignored_count) =
	    tact_arena_strdup(import->lasting, column);
}

/* Who permits something would be refused all mail. */
static void refuse_consents(struct cli_import *import, const char *name)
{
	if (import->kind != CLI_SUPPRESSIONS || !import->says_basis || import->says_reason ||
	    import->reason_given)
		return;
	import->mistakes++;
	fprintf(stderr,
	    "%s:1: basis: these look like consents, not suppressions; say --consent, or --reason\n", name);
}

static void see_bytes(void *context, const void *bytes, size_t size_bytes)
{
	struct cli_import *import = context;

	if (import->digest != NULL)
		tact_digest_sha256_more(import->digest, bytes, size_bytes);
}

/* ---- several threads ---- */

/* All but what is found and counted on the way is shared and stays as it is. */
static void *make_helper(void *context, size_t which, size_t **ret_mistakes)
{
	struct cli_import *import = context, *helper = &import->helpers[which];

	*helper = *import;
	helper->arena = tact_arena_new();
	helper->lasting = tact_arena_new();
	helper->taker = import->takers[which];
	helper->scopes = helper->sources = helper->checked = NULL;
	helper->latest_scope = NULL;
	helper->rows = NULL;
	helper->rows_count = helper->rows_room = 0;
	helper->blank = helper->mistakes = 0;
	memset(helper->fields, 0, sizeof helper->fields);
	*ret_mistakes = &helper->mistakes;
	return helper;
}

static void gather_helpers(struct cli_import *import)
{
	for (size_t i = 0; i < import->threads; i++) {
		struct cli_import *helper = &import->helpers[i];

		import->blank += helper->blank;
		for (size_t f = 0; f <= CLI_PROFILE_FIELDS; f++)
			import->fields[f] += helper->fields[f];
		tact_arena_free(&helper->arena);
		tact_arena_free(&helper->lasting);
		if (helper->taker != NULL)
			cli_import_clear(helper);
	}
	free(import->helpers);
	import->helpers = NULL;
}

static int read_digesting(struct cli_import *import, const struct cli_csv_file *csv, FILE *file)
{
	int code;

	if (import->digests == NULL)
		return cli_csv_read(csv, file);
	import->digest = tact_digest_sha256_begin();
	code = cli_csv_read(csv, file);
	tact_digest_sha256_end(&import->digest, import->digests + (import->files - 1) * TACT_SHA256_BYTES);
	return code;
}

int cli_import_read(struct cli_import *import, const char *name, FILE *file)
{
	const struct cli_csv_file csv = {.name = name,
	    .plain = import->plain,
	    .keys = true,
	    .field_of = field_of,
	    .ignored = ignore,
	    .row = read_row,
	    .context = import,
	    .mistakes = &import->mistakes,
	    .seen = see_bytes,
	    .threads = import->threads,
	    .helper = make_helper};
	int code;

	import->files++;
	import->says_reason = import->says_basis = false;
	import->helpers = tact_calloc(import->threads + 1, sizeof *import->helpers);
	code = read_digesting(import, &csv, file);
	gather_helpers(import);
	refuse_consents(import, name);
	return code;
}
