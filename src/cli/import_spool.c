/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Rows of an import on the disk, in the order of their keys, however many there are: a line each, whose
 * beginning is what it is sorted by, the key and the place in the file. sort(1) does that in a bounded
 * memory; it is started by a fixed path, by an admin's tact import, never on the way of a mail.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "private.h"

#define SORT "/usr/bin/sort"
#define SORT_MEMORY "128M"
#define PARTS "\x1f" /* between the parts of a line: in no text that is let in */
#define KEY_DIGITS (2 * TACT_ID_BYTES)
#define ORDER_DIGITS 12
#define BY_AT (KEY_DIGITS + ORDER_DIGITS)
#define ALSO_AT (BY_AT + 1)
#define HEAD (ALSO_AT + 1)

static const char by_letters[] = {[CLI_BY_ADDRESS] = 'a', [CLI_BY_SHA256] = 's', [CLI_BY_KEY] = 'k'};

struct cli_spool {
	FILE *lines;
	pid_t sort;
	char *path, *unfinished;
	struct tact_arena *arena; /* of a line */
};

/* ---- sort ---- */

static int spawn_sort(struct cli_spool *spool, const char *folder, int from, struct tact_error *err)
{
	static char language[] = "LC_ALL=C";
	static char *const environment[] = {language, NULL};
	char *const argv[] = {(char *)"sort", (char *)"-S", (char *)SORT_MEMORY, (char *)"-T", (char *)folder,
	    (char *)"-o", spool->unfinished, NULL};
	posix_spawn_file_actions_t actions;
	int failed;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO);
	failed = posix_spawn(&spool->sort, SORT, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	if (failed == 0)
		return TACT_OK;
	spool->sort = -1;
	return tact_error_set(err, TACT_SYSTEM, "%s cannot be started: %s", SORT, strerror(failed));
}

int cli_spool_new(const char *folder, const char *path, struct cli_spool **ret, struct tact_error *err)
{
	struct cli_spool *spool = tact_calloc(1, sizeof *spool);
	struct tact_arena *arena = spool->arena = tact_arena_new();
	int ends[2], result;

	spool->sort = -1;
	spool->path = tact_strdup(path);
	spool->unfinished = tact_strdup(tact_arena_printf(arena, "%s.unfinished", path));
	if (pipe2(ends, O_CLOEXEC) != 0) {
		result = tact_error_set(err, TACT_SYSTEM, "pipe: %s", strerror(errno));
		cli_spool_free(&spool);
		return result;
	}
	signal(SIGPIPE, SIG_IGN);
	spool->lines = fdopen(ends[1], "w");
	result = spawn_sort(spool, folder, ends[0], err);
	close(ends[0]);
	if (result == TACT_OK)
		*ret = spool;
	else
		cli_spool_free(&spool);
	return result;
}

static int wait_for_sort(struct cli_spool *spool)
{
	int status = -1;

	if (spool->lines != NULL && fclose(spool->lines) != 0)
		kill(spool->sort, SIGTERM); /* it ended already, or its disk is full */
	spool->lines = NULL;
	while (spool->sort > 0 && waitpid(spool->sort, &status, 0) < 0 && errno == EINTR)
		continue;
	spool->sort = -1;
	return status;
}

void cli_spool_free(struct cli_spool **spool)
{
	if (*spool == NULL)
		return;
	if ((*spool)->sort > 0)
		kill((*spool)->sort, SIGTERM);
	(void)wait_for_sort(*spool);
	unlink((*spool)->unfinished);
	tact_arena_free(&(*spool)->arena);
	free((*spool)->path);
	free((*spool)->unfinished);
	free(*spool);
	*spool = NULL;
}

int cli_spool_end(struct cli_spool **spool, struct tact_error *err)
{
	int result = TACT_OK, status = wait_for_sort(*spool);

	if (status != 0)
		result = tact_error_set(err, TACT_SYSTEM,
		    "the rows could not be sorted (sort ended with %d): is there room for them, twice, below "
		    "%s?",
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1, (*spool)->path);
	else if (rename((*spool)->unfinished, (*spool)->path) != 0)
		result = tact_error_set(err, TACT_SYSTEM, "%s: %s", (*spool)->path, strerror(errno));
	cli_spool_free(spool);
	return result;
}

/* ---- a line ---- */

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* "=VALUE", or nothing where the row says nothing. */
static void put_profile(FILE *to, const struct tact_profile_change *profile)
{
	struct tact_profile_change *said = (struct tact_profile_change *)profile;

	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++) {
		const char *value = *cli_profile_set(said, &cli_profile_fields[i]);

		fprintf(to, PARTS "%s%s", value != NULL ? "=" : "", or_empty(value));
	}
	for (size_t i = 0; i < profile->occasions_count; i++) {
		const struct tact_occasion *occasion = &profile->occasions[i];

		fprintf(to, PARTS "%s" PARTS "%d" PARTS "%d" PARTS "%d", occasion->name, occasion->year,
		    occasion->month, occasion->day);
	}
}

static void put_contact(FILE *to, const struct tact_contact *contact)
{
	char id[2 * TACT_ID_BYTES + 1];

	for (size_t i = 0; i < TACT_ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", contact->id.b[i]);
	fprintf(to,
	    PARTS "%s" PARTS "%" PRId64 PARTS "%d" PARTS "%d" PARTS "%d" PARTS "%d" PARTS "%d" PARTS
		  "%s" PARTS "%s" PARTS "%s" PARTS "%s" PARTS "%s" PARTS "%s",
	    id, contact->time_us, (int)contact->channel, (int)contact->direction, (int)contact->sentiment,
	    (int)contact->purpose, contact->counts, contact->stream, contact->owner, contact->brand,
	    contact->campaign, contact->offer, contact->list);
}

void cli_spool_add(void *context, const struct cli_import_row *row)
{
	struct cli_spool *spool = context;
	char head[HEAD + 1];

	tact_arena_reset(spool->arena);
	memcpy(head, tact_hex_encode(spool->arena, row->key.b, TACT_ID_BYTES), KEY_DIGITS);
	snprintf(head + KEY_DIGITS, ORDER_DIGITS + 1, "%012" PRIx64, row->order);
	head[BY_AT] = by_letters[row->by];
	head[ALSO_AT] = row->also ? '+' : '-';
	head[HEAD] = '\0';
	fprintf(spool->lines,
	    "%s%s" PARTS "%d" PARTS "%d" PARTS "%s" PARTS "%s" PARTS "%s" PARTS "%" PRId64 PARTS "%" PRId64,
	    head, row->person, (int)row->reason, (int)row->basis, row->scope != NULL ? row->scope->text : "",
	    or_empty(row->source), or_empty(row->proof), row->time_us, row->until_us);
	if (row->profile != NULL)
		put_profile(spool->lines, row->profile);
	if (row->contact != NULL)
		put_contact(spool->lines, row->contact);
	fputc('\n', spool->lines);
}

/* ---- and back ---- */

static const char *next_part(char **rest)
{
	char *part = strsep(rest, PARTS);

	return part != NULL ? part : "";
}

static int64_t next_number(char **rest)
{
	return strtoll(next_part(rest), NULL, 10);
}

static const struct tact_profile_change *read_profile(char *rest, struct tact_arena *arena)
{
	struct tact_profile_change *profile = tact_arena_alloc(arena, sizeof *profile);
	struct tact_occasion *occasions = NULL;

	*profile = (struct tact_profile_change){0};
	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++) {
		const char *part = next_part(&rest);

		if (*part == '=')
			*cli_profile_set(profile, &cli_profile_fields[i]) = part + 1;
	}
	while (rest != NULL) {
		struct tact_occasion *occasion = TACT_PUSH(arena, occasions, profile->occasions_count);

		*occasion = (struct tact_occasion){.name = next_part(&rest)};
		occasion->year = (int)next_number(&rest);
		occasion->month = (int)next_number(&rest);
		occasion->day = (int)next_number(&rest);
	}
	profile->occasions = occasions;
	return profile;
}

static const struct tact_contact *read_contact(char *rest, struct tact_arena *arena)
{
	struct tact_contact *contact = tact_arena_alloc(arena, sizeof *contact);

	*contact = (struct tact_contact){.count = 1};
	(void)tact_id_parse(next_part(&rest), &contact->id);
	contact->time_us = next_number(&rest);
	contact->channel = (enum tact_channel)next_number(&rest);
	contact->direction = (enum tact_direction)next_number(&rest);
	contact->sentiment = (enum tact_sentiment)next_number(&rest);
	contact->purpose = (enum tact_purpose)next_number(&rest);
	contact->counts = next_number(&rest) != 0;
	contact->stream = next_part(&rest);
	contact->owner = next_part(&rest);
	contact->brand = next_part(&rest);
	contact->campaign = next_part(&rest);
	contact->offer = next_part(&rest);
	contact->list = next_part(&rest);
	return contact;
}

/* We wrote it: what is not as it was written is damage, and ends the file. */
static bool read_line(
    char *line, struct cli_import *import, struct tact_arena *arena, struct cli_import_row *ret)
{
	char digits[KEY_DIGITS + 1];
	char *rest = line + HEAD;
	const char *scope;
	struct tact_error err;

	*ret = (struct cli_import_row){.also = line[ALSO_AT] == '+'};
	memcpy(digits, line, KEY_DIGITS);
	digits[KEY_DIGITS] = '\0';
	if (tact_id_parse(digits, &ret->key) != TACT_OK)
		return false;
	for (size_t i = 0; i < sizeof by_letters; i++)
		if (by_letters[i] == line[BY_AT])
			ret->by = (enum cli_import_by)i;
	ret->person = next_part(&rest);
	ret->reason = (enum tact_reason)next_number(&rest);
	ret->basis = (enum tact_basis)next_number(&rest);
	scope = next_part(&rest);
	ret->scope = *scope != '\0' ? cli_import_scope(import, scope, &err) : NULL;
	ret->source = next_part(&rest);
	ret->proof = next_part(&rest);
	ret->time_us = next_number(&rest);
	ret->until_us = next_number(&rest);
	if (rest != NULL && import->kind == CLI_CONTACTS)
		ret->contact = read_contact(rest, arena);
	else if (rest != NULL)
		ret->profile = read_profile(rest, arena);
	return *scope == '\0' || ret->scope != NULL;
}

bool cli_spool_read(struct cli_spool_file *from, struct cli_import *import, struct tact_arena *arena,
    struct cli_import_row *ret)
{
	ssize_t length = getline(&from->line, &from->room, from->file);

	if (length <= HEAD || from->line[length - 1] != '\n')
		return false;
	from->at += (uint64_t)length;
	return read_line(tact_arena_strndup(arena, from->line, (size_t)length - 1), import, arena, ret);
}

void cli_spool_close(struct cli_spool_file *from)
{
	if (from->file != NULL)
		fclose(from->file);
	free(from->line);
	*from = (struct cli_spool_file){0};
}
