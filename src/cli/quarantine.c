/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact quarantine: what waits for a reviewer, and the reviewer's word.
 */
#include <config.h>

#include <string.h>

#include "private.h"

static const struct cli_option list_options[] = {
    {"all", NULL, "also those that have ended", false}, {NULL, NULL, NULL, false}};
static const struct cli_option show_options[] = {{NULL, NULL, NULL, false}};
static const struct cli_option end_options[] = {{"note", "TEXT", "why, kept with the review", false},
    {"by", "NAME", "who decides (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

/* ---- printing ---- */

static void put_review(struct cli *cli, const struct tact_review *review)
{
	struct cli_json *object = cli_json_object();

	cli_json_put_text(object, "id", tact_id_format(cli->arena, &review->id));
	cli_json_put_text(object, "state", tact_dossier_review_state_name(review->state));
	cli_json_put_text(object, "stream", review->stream);
	cli_json_put_text(object, "owner", review->owner);
	cli_json_put_text(object, "campaign", review->campaign);
	cli_json_put_text(object, "sender", review->sender);
	cli_json_put_text(object, "subject", review->subject);
	cli_json_put_text(object, "excerpt", review->excerpt);
	cli_json_put_text(object, "why", review->why);
	cli_json_put_text(object, "relay", review->relay);
	cli_json_put_time(object, "made", review->made_us);
	cli_json_put_time(object, "done", review->done_us);
	cli_json_put_text(object, "by", review->by);
	cli_json_put_text(object, "note", review->note);
	cli_json_print(object);
}

static void print_line(const char *name, const char *value)
{
	if (*value != '\0')
		printf("  %-9s%s\n", name, value);
}

static void print_review(struct cli *cli, const struct tact_review *review)
{
	printf("%s %s since %s\n", tact_id_format(cli->arena, &review->id),
	    tact_dossier_review_state_name(review->state), cli_when(cli->arena, review->made_us, "-"));
	print_line("stream", cli_safe(cli->arena, review->stream));
	print_line("owner", cli_safe(cli->arena, review->owner));
	print_line("campaign", cli_safe(cli->arena, review->campaign));
	print_line("sender", cli_safe(cli->arena, review->sender));
	print_line("subject", cli_safe(cli->arena, review->subject));
	print_line("why", cli_safe(cli->arena, review->why));
	print_line("relay", cli_safe(cli->arena, review->relay));
}

static void print_whole(struct cli *cli, const struct tact_review *review)
{
	print_review(cli, review);
	print_line("excerpt", cli_safe(cli->arena, review->excerpt));
	print_line("ended", cli_when(cli->arena, review->done_us, ""));
	print_line("by", cli_safe(cli->arena, review->by));
	print_line("note", cli_safe(cli->arena, review->note));
}

/* ---- list ---- */

static bool list_one(void *context, const struct tact_review *review)
{
	struct cli *cli = context;

	if (review->state != TACT_REVIEW_HELD && !cli_has(cli, "all"))
		return true;
	if (cli->json)
		put_review(cli, review);
	else
		print_review(cli, review);
	return true;
}

static int run_list(struct cli *cli)
{
	struct tact_error err = {""};
	int code = cli_open(cli, CLI_READ), result;

	if (code != EX_OK)
		return code;
	result = tact_decide_list_reviews(cli->decider, cli->arena, list_one, cli, &err);
	return result == TACT_OK ? EX_OK : cli_fail(cli_exit_code(result), "%s", err.text);
}

/* ---- show ---- */

static int read_id(const char *text, struct tact_id *ret)
{
	if (tact_id_parse(text, ret) == TACT_OK)
		return EX_OK;
	return cli_fail(EX_USAGE, "\"%.40s\" is no id of a review; tact quarantine list prints them", text);
}

static int read_review(
    struct cli *cli, const struct tact_id *id, struct tact_review *ret, struct tact_error *err)
{
	struct tact_store_key key = {.kind = TACT_STORE_REVIEW, .id = *id};
	struct tact_record record;
	struct tact_store_answer answer;
	int result = tact_store_read(cli->store, &key, 1, cli->arena, &record, &answer, 0);

	if (result != TACT_OK) {
		tact_store_last_error(cli->store, err);
		return result;
	}
	if (record.size == 0)
		return tact_error_set(err, TACT_ABSENT, "no such review");
	return tact_dossier_decode_review(cli->arena, record.bytes, record.size, ret, err);
}

static int run_show(struct cli *cli)
{
	struct tact_review review;
	struct tact_error err = {""};
	struct tact_id id;
	int code = cli_need_operands(cli, 1, 1), result;

	if (code == EX_OK)
		code = read_id(cli->operands[0], &id);
	if (code == EX_OK)
		code = cli_open(cli, CLI_READ);
	if (code != EX_OK)
		return code;
	result = read_review(cli, &id, &review, &err);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s: %s", cli->operands[0], err.text);
	if (cli->json)
		put_review(cli, &review);
	else
		print_whole(cli, &review);
	return EX_OK;
}

/* ---- release, discard ---- */

static int end_one(struct cli *cli, const char *text, enum tact_review_state state)
{
	const char *note = cli_value(cli, "note");
	struct tact_error err = {""};
	struct tact_id id;
	int result;

	(void)tact_id_parse(text, &id); /* was read before */
	result = tact_decide_end_review(
	    cli->decider, cli->arena, &id, state, cli->by, note != NULL ? note : "", cli->now_us, &err);
	if (result != TACT_OK)
		return cli_fail(
		    result == TACT_REFUSED ? EX_DATAERR : cli_exit_code(result), "%s: %s", text, err.text);
	if (cli->json) {
		struct cli_json *object = cli_json_object();
		cli_json_put_text(object, "id", text);
		cli_json_put_text(object, "state", tact_dossier_review_state_name(state));
		cli_json_print(object);
	} else {
		printf("%s %s\n", text, tact_dossier_review_state_name(state));
	}
	return EX_OK;
}

static int end(struct cli *cli, enum tact_review_state state)
{
	struct tact_id id;
	int code = cli_need_operands(cli, 1, SIZE_MAX), ended = EX_OK;

	if (cli_has(cli, "by"))
		cli->by = cli_value(cli, "by");
	for (size_t i = 0; i < cli->operands_count && code == EX_OK; i++)
		code = read_id(cli->operands[i], &id);
	if (code == EX_OK &&
	    ((cli_has(cli, "note") && !cli_is_clean(cli_value(cli, "note"))) || !cli_is_clean(cli->by)))
		code = cli_fail(EX_USAGE, "--note and --by: write UTF-8 without control characters");
	if (code == EX_OK)
		code = cli_open(cli, CLI_CHANGE);
	for (size_t i = 0; i < cli->operands_count && code == EX_OK; i++) {
		int one = end_one(cli, cli->operands[i], state);

		ended = one != EX_OK ? one : ended;
	}
	return code != EX_OK ? code : ended;
}

static int run_release(struct cli *cli)
{
	return end(cli, TACT_REVIEW_RELEASED);
}

static int run_discard(struct cli *cli)
{
	return end(cli, TACT_REVIEW_DISCARDED);
}

const struct cli_verb cli_quarantine_list = {
    "quarantine list", "", "List what is held for review.", list_options, run_list};
const struct cli_verb cli_quarantine_show = {
    "quarantine show", "ID", "Print one review, with sender, subject and excerpt.", show_options, run_show};
const struct cli_verb cli_quarantine_release = {"quarantine release", "ID...",
    "Let held mail go on; it is decided again like any other.", end_options, run_release};
const struct cli_verb cli_quarantine_discard = {
    "quarantine discard", "ID...", "Refuse held mail; its sender gets a bounce.", end_options, run_discard};
