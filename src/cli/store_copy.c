/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact store copy: all records and the identity of one store into another, whatever their engines. Until all
 * is there the new store has an identity that no program takes; run again, only what differs is written.
 * Records keep their bytes and wake times and get new versions, which are later ones.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

#define CHUNK 4096
#define CHUNK_BYTES ((size_t)4 << 20)
#define UNDER_WAY "tact-copy 1\n"

static const struct cli_option options[] = {
    {"leave-damaged", NULL, "copy all but the records that cannot be read", false},
    {NULL, NULL, NULL, false}};

struct copying {
	struct tact_store *from, *to;
	struct tact_arena *arena; /* of the chunk */
	struct tact_store_key keys[CHUNK];
	struct tact_record records[CHUNK];
	struct tact_store_put puts[CHUNK];
	struct tact_store_answer answers[CHUNK];
	size_t known[CHUNK]; /* of these: what stands in the new store already */
	size_t count, bytes;
	struct tact_store_pace pace;
	uint64_t read, verified;
	bool verify;		      /* compare and do not write */
	bool leaves_damaged, damaged; /* may records be left out that cannot be read; were any */
	int result;
	struct tact_error err;
};

static bool is_same(const struct tact_record *a, const struct tact_record *b)
{
	return b->version != 0 && a->size == b->size && a->wake_us == b->wake_us &&
	       (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

static bool put_record(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	const struct copying *copying = context;
	const struct tact_record *record = &copying->records[copying->known[index]];

	(void)now_us;
	if (is_same(record, now))
		return false;
	*ret =
	    (struct tact_store_put){.bytes = record->bytes, .size = record->size, .wake_us = record->wake_us};
	return true;
}

static void show_progress(const struct copying *copying, bool end)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s %llu%s", copying->verify ? "verified" : "copied",
		    (unsigned long long)(copying->verify ? copying->verified : copying->read),
		    end ? "\n" : "");
}

/* Of an earlier run: it is written again where it differs. */
static int update_known(struct copying *copying)
{
	size_t count = 0;
	int result;

	for (size_t i = 0; i < copying->count; i++)
		if (copying->answers[i].result == TACT_REFUSED) {
			copying->keys[count] = copying->keys[i];
			copying->known[count++] = i;
		}
	result =
	    tact_store_update(copying->to, copying->keys, count, put_record, copying, copying->answers, 0);
	if (result != TACT_OK)
		tact_store_last_error(copying->to, &copying->err);
	return result;
}

static int write_chunk(struct copying *copying)
{
	int result;

	for (size_t i = 0; i < copying->count; i++) {
		const struct tact_record *record = &copying->records[i];

		copying->puts[i] = (struct tact_store_put){
		    .bytes = record->bytes, .size = record->size, .wake_us = record->wake_us};
	}
	result = tact_store_fill(copying->to, &copying->pace, copying->keys, copying->puts, copying->count,
	    copying->answers, &copying->err);
	return result == TACT_OK ? update_known(copying) : result;
}

static int compare_chunk(struct copying *copying)
{
	struct tact_record there[CHUNK];
	int result = tact_store_read(
	    copying->to, copying->keys, copying->count, copying->arena, there, copying->answers, 0);

	if (result != TACT_OK) {
		tact_store_last_error(copying->to, &copying->err);
		return result;
	}
	for (size_t i = 0; i < copying->count; i++)
		if (!is_same(&copying->records[i], &there[i]))
			return tact_error_set(&copying->err, TACT_CORRUPT,
			    "record %s is not the same in both stores: one of them was written to meanwhile; "
			    "stop "
			    "tactd on every relay and copy again",
			    tact_id_format(copying->arena, &copying->keys[i].id));
	copying->verified += copying->count;
	return TACT_OK;
}

static void end_chunk(struct copying *copying)
{
	if (copying->count > 0 && copying->result == TACT_OK)
		copying->result = copying->verify ? compare_chunk(copying) : write_chunk(copying);
	copying->count = copying->bytes = 0;
	tact_arena_reset(copying->arena);
	show_progress(copying, false);
}

static bool take_record(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct copying *copying = context;
	struct tact_record *mine = &copying->records[copying->count];

	copying->keys[copying->count++] = *key;
	*mine = *record;
	if (record->size > 0)
		mine->bytes = tact_arena_copy(copying->arena, record->bytes, record->size);
	copying->bytes += record->size;
	copying->read += !copying->verify;
	if (copying->count == CHUNK || copying->bytes > CHUNK_BYTES)
		end_chunk(copying);
	return copying->result == TACT_OK;
}

static int walk(struct copying *copying)
{
	for (int kind = TACT_STORE_DOSSIER; kind <= TACT_STORE_ALIAS && copying->result == TACT_OK; kind++) {
		int result = tact_store_scan(
		    copying->from, (enum tact_store_kind)kind, take_record, copying, &copying->err);
		end_chunk(copying);
		copying->damaged |= result == TACT_CORRUPT;
		if (copying->result == TACT_OK && !(result == TACT_CORRUPT && copying->leaves_damaged))
			copying->result = result;
	}
	show_progress(copying, true);
	return copying->result;
}

static bool count_record(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	(void)key, (void)record;
	++*(uint64_t *)context;
	return true;
}

/* What is there and was not here: it would be taken for a wish of somebody. */
static int check_extra(struct copying *copying)
{
	uint64_t there = 0;
	int result = TACT_OK;

	for (int kind = TACT_STORE_DOSSIER; kind <= TACT_STORE_ALIAS && result == TACT_OK; kind++)
		result = tact_store_scan(
		    copying->to, (enum tact_store_kind)kind, count_record, &there, &copying->err);
	if (result == TACT_OK && there != copying->verified)
		result = tact_error_set(&copying->err, TACT_CORRUPT,
		    "the new store holds %llu records and the old one %llu: it was not empty, or "
		    "some are gone from the old one since a copy that was not finished; begin with an "
		    "empty one",
		    (unsigned long long)there, (unsigned long long)copying->verified);
	return result;
}

/* ---- identity ---- */

static int begin(struct copying *copying, struct tact_arena *arena, char **ret_old, const char **ret_marked)
{
	char *fresh;
	int result = tact_store_identity(copying->from, arena, ret_old, &copying->err);

	if (result == TACT_OK)
		result = tact_store_identity(copying->to, arena, &fresh, &copying->err);
	if (result != TACT_OK)
		return result;
	*ret_marked = tact_arena_printf(arena, UNDER_WAY "%s", *ret_old);
	if ((*ret_old)[0] == '\0')
		return tact_error_set(&copying->err, TACT_REFUSED,
		    "nobody has used the old store yet: is it the one that is meant?");
	if (strncmp(*ret_old, UNDER_WAY, strlen(UNDER_WAY)) == 0)
		return tact_error_set(
		    &copying->err, TACT_REFUSED, "the old store is itself a copy that was not finished");
	if (fresh[0] == '\0')
		return tact_store_set_identity(copying->to, "", *ret_marked, &copying->err);
	if (!tact_text_equal(fresh, *ret_marked))
		return tact_error_set(&copying->err, TACT_REFUSED,
		    "the new store is in use already, or is the copy of another one: begin with an empty "
		    "one");
	return TACT_OK;
}

/* What was uncertain is looked at, and made certain by being written again. */
static int finish(struct copying *copying, struct tact_arena *arena, const char *marked, const char *identity)
{
	char *there;
	int result = tact_store_set_identity(copying->to, marked, identity, &copying->err);

	if (result == TACT_UNCERTAIN && tact_store_identity(copying->to, arena, &there, NULL) == TACT_OK &&
	    (tact_text_equal(there, marked) || tact_text_equal(there, identity)))
		result = tact_store_set_identity(copying->to, there, identity, &copying->err);
	return result;
}

static int copy_all(struct copying *copying, struct tact_arena *arena)
{
	const char *marked;
	char *identity;
	int result = begin(copying, arena, &identity, &marked);

	if (result == TACT_OK)
		result = walk(copying);
	copying->verify = true;
	if (result == TACT_OK)
		result = walk(copying);
	if (result == TACT_OK)
		result = check_extra(copying);
	if (result == TACT_OK)
		result = finish(copying, arena, marked, identity);
	return result;
}

/* ---- what cannot be read ---- */

static void name_one(void *context, const struct tact_store_key *key, const char *why)
{
	const struct copying *copying = context;

	cli_fail(EX_DATAERR, "damaged: %s %s: %s", cli_store_kind(key->kind),
	    tact_id_format(copying->arena, &key->id), why);
}

/* Answers the exit code. */
static int tell_damaged(struct copying *copying, int result)
{
	struct tact_store_figures figures;
	struct tact_error err = {""};

	if (tact_store_check(copying->from, &figures, name_one, copying, &err) != TACT_OK)
		cli_fail(EX_DATAERR, "%s", err.text);
	if (result != TACT_OK && copying->leaves_damaged)
		return EX_DATAERR; /* why it ended was told */
	if (result == TACT_OK)
		return cli_fail(EX_DATAERR,
		    "these were left out, and with them what the people wish whose they are: before tactd is "
		    "started with the new store, run \"tact store recover --from-log\" there");
	return cli_fail(EX_DATAERR,
	    "no program takes the new store: restore the old one from a backup, or let --leave-damaged copy "
	    "the others");
}

/* ---- the verb ---- */

static void say_copied(struct cli *cli, const struct copying *copying)
{
	if (cli->json) {
		struct cli_json *object = cli_json_object();
		cli_json_put_text(object, "from", cli->operands[0]);
		cli_json_put_text(object, "to", cli->operands[1]);
		cli_json_put_integer(object, "records", (int64_t)copying->read);
		cli_json_put_integer(object, "verified", (int64_t)copying->verified);
		cli_json_put_bool(object, "whole", !copying->damaged);
		cli_json_print(object);
	} else {
		printf("%llu records copied and compared", (unsigned long long)copying->verified);
		if (copying->damaged)
			printf(", and some not copied\n");
		else
			printf("; now let store name %s\n", cli->operands[1]);
	}
}

static int open_both(struct cli *cli, struct copying *copying)
{
	int result = tact_store_open(cli->operands[0], &copying->from, &copying->err);

	if (result == TACT_OK)
		result = tact_store_open(cli->operands[1], &copying->to, &copying->err);
	return result;
}

static int run_copy(struct cli *cli)
{
	struct copying *copying;
	int code = cli_need_operands(cli, 2, 2), result;

	if (code == EX_OK)
		code = cli_open_config(cli);
	if (code == EX_OK)
		code = cli_become_user(cli);
	if (code != EX_OK)
		return code;
	copying = tact_calloc(1, sizeof *copying);
	copying->arena = tact_arena_new();
	copying->leaves_damaged = cli_has(cli, "leave-damaged");
	result = open_both(cli, copying);
	if (result == TACT_OK)
		result = copy_all(copying, cli->arena);
	if (result == TACT_OK)
		say_copied(cli, copying);
	else
		code = cli_fail(cli_exit_code(result), "%s", copying->err.text);
	if (copying->damaged && (result == TACT_OK || result == TACT_CORRUPT))
		code = tell_damaged(copying, result);
	tact_store_close(&copying->from);
	tact_store_close(&copying->to);
	tact_arena_free(&copying->arena);
	free(copying);
	return code;
}

const struct cli_verb cli_store_copy = {
    "store copy", "FROM TO", "Copy a store into an empty one, and compare the two.", options, run_copy};
