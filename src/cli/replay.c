/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact replay: another configuration over a period that is past. Which mails there were and what became of
 * them is read from the evidence; what was known of each person, from the store. Nothing is written.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decisions.h"

#define PROGRESS_EVERY 20000

static const struct cli_option options[] = {
    {"with", "FILE", "the configuration to try (default: the one in force)", false}, CLI_DECISIONS_OPTIONS,
    {NULL, NULL, NULL, false}};

/* One mail as the evidence tells of it. Names are kept once for all mails. */
struct mail {
	struct tact_id pseudonym;
	int64_t time_us;
	const char *stream, *campaign, *rule; /* rule: what made the verdict, "" when none did */
	enum tact_verdict verdict;	      /* what was done: monitored mail was accepted */
	struct tact_names content;	      /* content rules that fired, also those on monitor */
	bool unasked;			      /* an answer of a mail system: no rule is asked about those */
	bool met;			      /* its person stands in the store */
};

struct replaying {
	struct cli *cli;
	struct tact_config *other; /* NULL: the one in force */
	const struct tact_config *with;
	struct cli_decisions decisions;
	struct mail *mails;
	size_t count, room;
	struct cli_tallies names; /* only to keep each name once */
	struct tact_arena *arena; /* of one person */
	uint64_t people, asked, alike, unknown_stream, unreadable, matrix[TACT_REJECT + 1][TACT_REJECT + 1];
	uint64_t ends[TACT_REJECT + 1]; /* of those that would have been delayed */
	struct cli_tallies by_rule, by_owner, by_stream, no_longer;
};

/* ---- reading the evidence ---- */

/* Which rule made the verdict: the first that says so, or, where a delay became a reject for want of a place
 * in time, the first that fired. */
static const char *rule_of(struct replaying *replaying, json_t *entry)
{
	json_t *rules = json_object_get(entry, "rules"), *rule;
	const char *name = "";
	size_t i;

	json_array_foreach(rules, i, rule)
	{
		if (!cli_decision_is(rule, "mode", "enforce") || cli_decision_is(rule, "verdict", "accept"))
			continue;
		if (*name == '\0' || cli_decision_is(rule, "verdict", cli_decision_text(entry, "verdict")))
			name = cli_decision_text(rule, "name");
		if (cli_decision_is(rule, "verdict", cli_decision_text(entry, "verdict")))
			break;
	}
	return cli_decision_is(entry, "verdict", "accept") ? "" : cli_tally(&replaying->names, name)->name;
}

static struct tact_names content_of(struct replaying *replaying, json_t *entry)
{
	json_t *rules = json_object_get(entry, "rules"), *rule;
	const char **names = NULL;
	size_t count = 0, i;

	json_array_foreach(rules, i, rule)
	{
		if (cli_decision_is(rule, "kind", "content") && !cli_decision_is(rule, "verdict", "accept"))
			*TACT_PUSH(replaying->cli->arena, names, count) =
			    cli_tally(&replaying->names, cli_decision_text(rule, "name"))->name;
	}
	return (struct tact_names){.names = names, .count = count};
}

static struct mail *push(struct replaying *replaying)
{
	if (replaying->count == replaying->room) {
		replaying->room = replaying->room == 0 ? 4096 : 2 * replaying->room;
		replaying->mails = tact_realloc(replaying->mails, replaying->room * sizeof *replaying->mails);
	}
	return &replaying->mails[replaying->count++];
}

static void keep(void *context, json_t *entry, int64_t time_us)
{
	struct replaying *replaying = context;
	struct mail mail = {.time_us = time_us};

	if (tact_id_parse(cli_decision_text(entry, "pseudonym"), &mail.pseudonym) != TACT_OK ||
	    cli_decision_verdict(entry, &mail.verdict) != TACT_OK)
		return; /* an address that could be nobody's */
	mail.rule = rule_of(replaying, entry);
	mail.content = content_of(replaying, entry);
	if (cli_decision_is(entry, "mode", "monitor"))
		mail.verdict = TACT_ACCEPT;
	mail.stream = cli_tally(&replaying->names, cli_decision_text(entry, "stream"))->name;
	mail.campaign = cli_tally(&replaying->names, cli_decision_text(entry, "campaign"))->name;
	mail.unasked =
	    json_object_get(entry, "rules") == NULL && cli_decision_is(entry, "purpose", "transactional");
	*push(replaying) = mail;
}

static int compare_mails(const void *a, const void *b)
{
	const struct mail *left = a, *right = b;
	int order = memcmp(left->pseudonym.b, right->pseudonym.b, TACT_ID_BYTES);

	return order != 0 ? order : (left->time_us > right->time_us) - (left->time_us < right->time_us);
}

static int read_evidence(struct replaying *replaying)
{
	int code = cli_decisions_scan(replaying->cli, &replaying->decisions);

	if (replaying->count > 1)
		qsort(replaying->mails, replaying->count, sizeof *replaying->mails, compare_mails);
	return code;
}

/* ---- one person ---- */

/* Offer and list do not stand in the evidence; where the mail left a contact or a claim, they stand there. */
static void recall_names(
    const struct tact_dossier *dossier, const struct mail *mail, struct tact_facts *facts)
{
	for (size_t i = 0; i < dossier->contacts_count; i++) {
		const struct tact_contact *contact = &dossier->contacts[i];

		if (contact->time_us == mail->time_us && contact->span_us == 0 &&
		    tact_text_equal_nocase(contact->stream, mail->stream)) {
			facts->offer = contact->offer;
			facts->list = contact->list;
			return;
		}
	}
	for (size_t i = 0; i < dossier->claims_count; i++)
		if (dossier->claims[i].made_us == mail->time_us) {
			facts->offer = dossier->claims[i].facts.offer;
			facts->list = dossier->claims[i].facts.list;
			return;
		}
}

static void compare(struct replaying *replaying, const struct mail *mail, const struct tact_past *past)
{
	replaying->asked++;
	replaying->matrix[mail->verdict][past->verdict]++;
	if (past->verdict == TACT_DELAY)
		replaying->ends[past->end]++;
	if (mail->verdict == past->verdict) {
		replaying->alike++;
		return;
	}
	if (past->verdict != TACT_ACCEPT)
		cli_tally(&replaying->by_rule, *past->rule != '\0' ? past->rule : "no place in time")
		    ->verdicts[past->verdict]++;
	if (mail->verdict != TACT_ACCEPT)
		cli_tally(&replaying->no_longer, *mail->rule != '\0' ? mail->rule : "no place in time")
		    ->verdicts[past->verdict]++;
	cli_tally(&replaying->by_owner, past->facts.owner)->verdicts[past->verdict]++;
	cli_tally(&replaying->by_stream, past->facts.stream)->verdicts[past->verdict]++;
}

static void replay_person(
    struct replaying *replaying, const struct tact_dossier *dossier, struct mail *mails, size_t count)
{
	struct tact_past *past = tact_arena_alloc(replaying->arena, count * sizeof *past);
	const struct mail **of = tact_arena_alloc(replaying->arena, count * sizeof(const struct mail *));
	size_t asked = 0;

	for (size_t i = 0; i < count; i++) {
		const struct tact_stream *stream =
		    tact_facts_find_stream(&replaying->with->rules.streams, mails[i].stream);

		mails[i].met = true;
		replaying->unknown_stream += stream == NULL;
		if (stream == NULL || (mails[i].unasked && stream->purpose != TACT_TRANSACTIONAL))
			continue;
		past[asked] = (struct tact_past){
		    .at_us = mails[i].time_us, .stream = stream, .content = mails[i].content};
		tact_facts_of_stream(stream, mails[i].campaign, "", "", &past[asked].facts);
		recall_names(dossier, &mails[i], &past[asked].facts);
		of[asked++] = &mails[i];
	}
	tact_decide_replay(replaying->arena, &replaying->with->rules, dossier, replaying->decisions.from_us,
	    replaying->decisions.to_us, past, asked);
	for (size_t i = 0; i < asked; i++)
		compare(replaying, of[i], &past[i]);
}

static size_t first_of(const struct replaying *replaying, const struct tact_id *pseudonym)
{
	size_t low = 0, high = replaying->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(replaying->mails[middle].pseudonym.b, pseudonym->b, TACT_ID_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void show_progress(const struct replaying *replaying)
{
	if (replaying->people % PROGRESS_EVERY == 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%" PRIu64 " people looked at", replaying->people);
}

static bool look_at(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct replaying *replaying = context;
	struct tact_dossier dossier;
	struct tact_id pseudonym;
	size_t first, end;

	tact_arena_reset(replaying->arena);
	replaying->people++;
	show_progress(replaying);
	if (tact_dossier_decode(replaying->arena, record->bytes, record->size, &dossier, NULL) != TACT_OK) {
		replaying->unreadable++;
		return true;
	}
	if (!dossier.has_person_key ||
	    tact_id_parse(tact_audit_pseudonym(replaying->arena, dossier.person_key, &key->id), &pseudonym) !=
		TACT_OK)
		return true;
	first = end = first_of(replaying, &pseudonym);
	while (end < replaying->count && tact_id_equal(&replaying->mails[end].pseudonym, &pseudonym))
		end++;
	if (end > first)
		replay_person(replaying, &dossier, &replaying->mails[first], end - first);
	return true;
}

/* ---- telling ---- */

static uint64_t forgotten(const struct replaying *replaying)
{
	uint64_t count = 0;

	for (size_t i = 0; i < replaying->count; i++)
		count += !replaying->mails[i].met;
	return count;
}

static void tell_json(const struct replaying *replaying)
{
	struct cli_json *object = cli_json_object(), *was, *ends;

	cli_json_put_time(object, "from", replaying->decisions.from_us);
	cli_json_put_time(object, "to", replaying->decisions.to_us);
	cli_json_put_text(object, "with", replaying->with->path);
	cli_json_put_integer(object, "mails", (int64_t)replaying->count);
	cli_json_put_integer(object, "asked", (int64_t)replaying->asked);
	cli_json_put_integer(object, "alike", (int64_t)replaying->alike);
	cli_json_put_integer(object, "different", (int64_t)(replaying->asked - replaying->alike));
	cli_json_put_integer(object, "forgotten", (int64_t)forgotten(replaying));
	cli_json_put_integer(object, "unknown_stream", (int64_t)replaying->unknown_stream);
	cli_json_put_integer(object, "unreadable", (int64_t)replaying->unreadable);
	was = cli_json_put_object(object, "was");
	for (int i = TACT_ACCEPT; i <= TACT_REJECT; i++) {
		struct cli_json *row =
		    cli_json_put_object(was, tact_policy_verdict_name((enum tact_verdict)i));

		for (int j = TACT_ACCEPT; j <= TACT_REJECT; j++)
			cli_json_put_integer(row, tact_policy_verdict_name((enum tact_verdict)j),
			    (int64_t)replaying->matrix[i][j]);
	}
	ends = cli_json_put_object(object, "delayed_ends");
	for (int i = TACT_ACCEPT; i <= TACT_REJECT; i++)
		cli_json_put_integer(
		    ends, tact_policy_verdict_name((enum tact_verdict)i), (int64_t)replaying->ends[i]);
	cli_tally_put(object, "rules", "rule", &replaying->by_rule);
	cli_tally_put(object, "no_longer", "rule", &replaying->no_longer);
	cli_tally_put(object, "owners", "owner", &replaying->by_owner);
	cli_tally_put(object, "streams", "stream", &replaying->by_stream);
	cli_json_print(object);
}

static void print_matrix(const struct replaying *replaying)
{
	printf("\n%-40s", "was, and would be:");
	for (int j = TACT_ACCEPT; j <= TACT_REJECT; j++)
		printf(" %10s", tact_policy_verdict_name((enum tact_verdict)j));
	putchar('\n');
	for (int i = TACT_ACCEPT; i <= TACT_REJECT; i++) {
		printf("  %-38s", tact_policy_verdict_name((enum tact_verdict)i));
		for (int j = TACT_ACCEPT; j <= TACT_REJECT; j++)
			printf(" %10" PRIu64, replaying->matrix[i][j]);
		putchar('\n');
	}
}

static void tell_text(const struct replaying *replaying)
{
	struct tact_arena *arena = replaying->cli->arena;
	uint64_t lost = forgotten(replaying);

	printf("%zu mails from %s to %s under %s\n", replaying->count,
	    tact_text_format_time(arena, replaying->decisions.from_us),
	    tact_text_format_time(arena, replaying->decisions.to_us), replaying->with->path);
	printf("  as it was    %10" PRIu64 "\n  different    %10" PRIu64 "\n", replaying->alike,
	    replaying->asked - replaying->alike);
	if (lost > 0)
		printf("  not asked    %10" PRIu64 "  their people are not in the store (forgotten)\n", lost);
	if (replaying->unknown_stream > 0)
		printf("  not asked    %10" PRIu64 "  their stream is not in that configuration\n",
		    replaying->unknown_stream);
	print_matrix(replaying);
	printf("\nof those that would be delayed, %" PRIu64 " would have gone at their place, %" PRIu64
	       " would have been refused or held then, %" PRIu64 " would still wait\n",
	    replaying->ends[TACT_ACCEPT], replaying->ends[TACT_REJECT] + replaying->ends[TACT_QUARANTINE],
	    replaying->ends[TACT_DELAY]);
	cli_tally_print(arena, "different by rule, would be", &replaying->by_rule);
	cli_tally_print(arena, "no longer by rule, would be", &replaying->no_longer);
	cli_tally_print(arena, "different by owner, would be", &replaying->by_owner);
	cli_tally_print(arena, "different by stream, would be", &replaying->by_stream);
}

/* ---- the run ---- */

/* Before root becomes somebody who may not read it. */
static int open_other(struct replaying *replaying)
{
	struct cli *cli = replaying->cli;
	const char *path = cli_value(cli, "with");
	struct tact_config_mistakes mistakes = {.arena = cli->arena};
	int result;

	if (path == NULL)
		return EX_OK;
	result = tact_config_load(path, NULL, &replaying->other, &mistakes);
	for (size_t i = 0; i < mistakes.count; i++)
		fprintf(stderr, "%s\n", mistakes.texts[i]);
	return result == TACT_OK ? EX_OK : result == TACT_SYSTEM ? EX_NOINPUT : EX_CONFIG;
}

static int replay(struct replaying *replaying)
{
	struct tact_error err = {""};
	int code = read_evidence(replaying), result;

	if (code != EX_OK && code != EX_DATAERR)
		return code;
	result = tact_store_scan(replaying->cli->store, TACT_STORE_DOSSIER, look_at, replaying, &err);
	if (result != TACT_OK && result != TACT_CORRUPT)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	if (replaying->people >= PROGRESS_EVERY && isatty(STDERR_FILENO))
		fputc('\n', stderr);
	cli_tally_sort(&replaying->by_rule);
	cli_tally_sort(&replaying->no_longer);
	cli_tally_sort(&replaying->by_owner);
	cli_tally_sort(&replaying->by_stream);
	if (replaying->cli->json)
		tell_json(replaying);
	else
		tell_text(replaying);
	if (result == TACT_CORRUPT || replaying->unreadable > 0)
		return cli_fail(
		    EX_DATAERR, "records were left out because they cannot be read; see tact store check");
	return code;
}

static int run(struct cli *cli)
{
	struct replaying replaying = {.cli = cli,
	    .names.arena = cli->arena,
	    .by_rule.arena = cli->arena,
	    .by_owner.arena = cli->arena,
	    .by_stream.arena = cli->arena,
	    .no_longer.arena = cli->arena};
	int code = cli_need_operands(cli, 0, 0);

	replaying.decisions = (struct cli_decisions){.entry = keep, .context = &replaying};
	if (code == EX_OK)
		code = cli_decisions_period(cli, &replaying.decisions);
	if (code == EX_OK)
		code = open_other(&replaying);
	if (code == EX_OK)
		code = cli_open(cli, CLI_READ);
	if (code == EX_OK) {
		replaying.with = replaying.other != NULL ? replaying.other : cli->config;
		replaying.arena = tact_arena_new();
		code = replay(&replaying);
	}
	tact_arena_free(&replaying.arena);
	free(replaying.mails);
	tact_config_free(&replaying.other);
	return code;
}

const struct cli_verb cli_replay = {
    "replay", "", "Try another configuration on mail of the past; nothing is written.", options, run};
