/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * See trail.h. A record's version is the time at which it was written: the one that it has, or that the
 * person's first entry saw, lies within the time of the import that made it. Where no version is left of
 * those days, each import of the kind is named.
 */
#include <config.h>

#include <string.h>

#include "trail.h"

#define DAY_US (86400 * INT64_C(1000000))

/* A wish of the record. */
struct wish {
	bool consent;
	const char *scope, *reason, *source;
	int64_t time_us;
};

/* ---- the imports ---- */

/* Where what an import's entry says of its course begins, or NULL: no such entry. */
static const char *find_course(const char *action)
{
	static const char *const courses[] = {": begun", ": gone on behind row ", ": done, "};
	const char *found = NULL;

	if (strncmp(action, "import of ", 10) != 0)
		return NULL;
	for (const char *at = strstr(action, ": "); at != NULL; at = strstr(at + 1, ": "))
		for (size_t i = 0; i < sizeof courses / sizeof *courses; i++)
			if (strncmp(at, courses[i], strlen(courses[i])) == 0)
				found = at;
	return found;
}

/* The latest of that host and these words, or NULL. */
static struct cli_import_run *find_run(struct cli_origins *origins, const char *host, const char *what)
{
	for (size_t i = origins->runs_count; i-- > 0;)
		if (tact_text_equal(origins->runs[i].host, host) &&
		    tact_text_equal(origins->runs[i].what, what))
			return &origins->runs[i];
	return NULL;
}

static void take_course(
    struct cli_origins *origins, const char *host, uint64_t seq, const char *action, int64_t time_us)
{
	struct tact_arena *arena = origins->cli->arena;
	const char *course = find_course(action), *what;
	struct cli_import_run *run;

	if (course == NULL)
		return;
	what = tact_arena_strndup(arena, action, (size_t)(course - action));
	run = find_run(origins, host, what);
	if (run == NULL || strcmp(course, ": begun") == 0)
		*TACT_PUSH(arena, origins->runs, origins->runs_count) =
		    (struct cli_import_run){.host = tact_arena_strdup(arena, host),
			.what = what,
			.seq = seq,
			.begun_us = time_us,
			.done_us = INT64_MAX};
	else if (strncmp(course, ": done", 6) == 0)
		run->done_us = time_us;
}

void cli_origins_look(struct cli_origins *origins, const char *host, uint64_t seq, const char *json)
{
	json_t *entry;

	if (strstr(json, "\"action\":\"import of ") == NULL)
		return;
	entry = json_loads(json, 0, NULL);
	take_course(origins, host, seq, json_string_value(json_object_get(entry, "action")),
	    json_integer_value(json_object_get(entry, "time_us")));
	json_decref(entry);
}

/* ---- the person ---- */

void cli_origins_take_version(struct cli_origins *origins, uint64_t version)
{
	if (version != 0)
		*TACT_PUSH(origins->cli->arena, origins->versions, origins->versions_count) =
		    (int64_t)version;
}

static const char *copy_of(struct cli_origins *origins, json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return tact_arena_strdup(origins->cli->arena, text != NULL ? text : "");
}

void cli_origins_take(struct cli_origins *origins, json_t *entry)
{
	const char *kind = json_string_value(json_object_get(entry, "kind"));
	size_t i;
	json_t *one;

	cli_origins_take_version(
	    origins, (uint64_t)json_integer_value(json_object_get(entry, "version_seen")));
	if (kind == NULL || strcmp(kind, "change") != 0)
		return;
	json_array_foreach(json_object_get(entry, "weighed"), i, one)
	{
		*TACT_PUSH(origins->cli->arena, origins->told, origins->told_count) =
		    (struct cli_told_wish){.scope = copy_of(origins, one, "scope"),
			.reason = copy_of(origins, one, "reason"),
			.time = copy_of(origins, one, "time")};
	}
}

/* ---- which of them ---- */

static bool is_told(const struct cli_origins *origins, const struct wish *wish)
{
	const char *time = cli_when(origins->cli->arena, wish->time_us, "");

	for (size_t i = 0; i < origins->told_count; i++) {
		const struct cli_told_wish *told = &origins->told[i];

		if (tact_text_equal(told->time, time) && tact_text_equal(told->scope, wish->scope) &&
		    tact_text_equal(told->reason, wish->reason))
			return true;
	}
	return false;
}

/* What it brought, and no later than it did? The clock of who wrote the file may differ. */
static bool can_be_of(const struct cli_import_run *run, const struct wish *wish)
{
	const char *what = wish->consent ? " rows of consents by " : " rows of suppressions by ";

	return strstr(run->what, what) != NULL && wish->time_us - DAY_US <= run->done_us;
}

/* What says that an import can have made the record, the best first: its time is that of the earliest version
 * known, since a load makes records where none was; or, where the person has several, of another version. */
enum likeness { EARLIEST, ANY_VERSION, ANYHOW, LIKENESSES };

static int64_t earliest(const struct cli_origins *origins)
{
	int64_t version = INT64_MAX;

	for (size_t i = 0; i < origins->versions_count; i++)
		version = origins->versions[i] < version ? origins->versions[i] : version;
	return version;
}

/* The store's clock may differ. */
static bool ran_at(const struct cli_origins *origins, const struct cli_import_run *run, int64_t version)
{
	int64_t skew_us = origins->cli->config->max_skew_s * 1000000;

	return version >= run->begun_us - skew_us && version - skew_us <= run->done_us;
}

static bool is_like(
    const struct cli_origins *origins, const struct cli_import_run *run, enum likeness likeness)
{
	if (likeness == ANYHOW)
		return true;
	if (likeness == EARLIEST)
		return ran_at(origins, run, earliest(origins));
	for (size_t i = 0; i < origins->versions_count; i++)
		if (ran_at(origins, run, origins->versions[i]))
			return true;
	return false;
}

static const struct cli_import_run **find_runs(
    struct cli_origins *origins, const struct wish *wish, enum likeness likeness, size_t *ret_count)
{
	const struct cli_import_run **found = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < origins->runs_count; i++)
		if (can_be_of(&origins->runs[i], wish) && is_like(origins, &origins->runs[i], likeness))
			*TACT_PUSH(origins->cli->arena, found, *ret_count) = &origins->runs[i];
	return found;
}

/* ---- telling ---- */

static void print_json(
    const struct wish *wish, const struct cli_import_run **runs, size_t count, bool certain)
{
	struct cli_json *object = cli_json_object(), *imports, *one;

	cli_json_put_text(object, "kind", "record");
	cli_json_put_text(object, "action", wish->consent ? "consent" : "suppress");
	cli_json_put_text(object, "scope", wish->scope);
	cli_json_put_text(object, wish->consent ? "basis" : "reason", wish->reason);
	cli_json_put_time(object, "time", wish->time_us);
	cli_json_put_text(object, "source", wish->source);
	cli_json_put_bool(object, "certain", certain);
	imports = cli_json_put_list(object, "imports");
	for (size_t i = 0; i < count; i++) {
		one = cli_json_put_object(imports, NULL);
		cli_json_put_text(one, "import", runs[i]->what);
		cli_json_put_text(one, "host", runs[i]->host);
		cli_json_put_integer(one, "seq", (int64_t)runs[i]->seq);
		cli_json_put_time(one, "begun", runs[i]->begun_us);
		cli_json_put_time(one, "done", runs[i]->done_us);
	}
	cli_json_print(object);
}

static void print_wish(struct cli_origins *origins, const struct wish *wish,
    const struct cli_import_run **runs, size_t count, bool certain)
{
	struct tact_arena *arena = origins->cli->arena;

	printf("%s record\n", cli_when(arena, wish->time_us, "-"));
	printf("  %s: scope %s, %s %s, source %s\n", wish->consent ? "consent" : "wish",
	    cli_safe(arena, wish->scope), wish->consent ? "basis" : "reason", wish->reason,
	    *wish->source != '\0' ? cli_safe(arena, wish->source) : "-");
	for (size_t i = 0; i < count; i++)
		printf("  %s%s, %s to %s, %s#%llu\n",
		    certain ? "" : "perhaps: ", cli_safe(arena, runs[i]->what),
		    cli_when(arena, runs[i]->begun_us, "-"),
		    cli_when(arena, runs[i]->done_us, "an end that it did not come to"), runs[i]->host,
		    (unsigned long long)runs[i]->seq);
	printf("\n");
}

static bool tell(struct cli_origins *origins, const struct wish *wish)
{
	const struct cli_import_run **runs = NULL;
	size_t count = 0;
	bool certain = true;

	if (is_told(origins, wish))
		return false;
	for (enum likeness likeness = EARLIEST; count == 0 && likeness < LIKENESSES; likeness++) {
		runs = find_runs(origins, wish, likeness, &count);
		certain = likeness != ANYHOW && count == 1;
	}
	if (count == 0)
		return false;
	if (origins->cli->json)
		print_json(wish, runs, count, certain);
	else
		print_wish(origins, wish, runs, count, certain);
	return true;
}

size_t cli_origins_tell(struct cli_origins *origins, const struct tact_dossier *dossier)
{
	struct tact_arena *arena = origins->cli->arena;
	size_t told = 0;

	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		const struct tact_suppression *one = &dossier->suppressions[i];

		told += tell(origins, &(struct wish){.scope = tact_dossier_format_scope(arena, &one->scope),
					  .reason = tact_dossier_reason_name(one->reason),
					  .source = one->source,
					  .time_us = one->time_us});
	}
	for (size_t i = 0; i < dossier->consents_count; i++) {
		const struct tact_consent *one = &dossier->consents[i];

		told += tell(origins, &(struct wish){.consent = true,
					  .scope = tact_dossier_format_scope(arena, &one->scope),
					  .reason = tact_dossier_basis_name(one->basis),
					  .source = one->source,
					  .time_us = one->time_us});
	}
	return told;
}
