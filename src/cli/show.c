/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact show: all that is known of one person, merged over every key he may stand under.
 */
#include <config.h>

#include <string.h>

#include "private.h"

static const struct cli_option options[] = {
    {"sha256", NULL, "the operand is the hex SHA-256 of an address", false},
    {"key", NULL, "the operand is a key, as canonical and export print it", false},
    {NULL, NULL, NULL, false}};

struct person {
	struct cli *cli;
	const char *name;
	struct tact_dossier dossier;
	struct tact_id key;
	uint64_t version;
	int64_t *places; /* of the claims */
};

static unsigned purposes_covered(const struct tact_suppression *suppression)
{
	return suppression->purposes != 0 ? suppression->purposes
					  : tact_dossier_reason_purposes(suppression->reason);
}

/* ---- for people ---- */

/* " name=value", or nothing. */
static void print_pair(struct cli *cli, const char *name, const char *value)
{
	if (value != NULL && *value != '\0')
		printf(" %s=%s", name, cli_safe(cli->arena, value));
}

static void print_suppression(struct person *person, const struct tact_suppression *one)
{
	struct cli *cli = person->cli;

	printf("  %s %s %s", cli_when(cli->arena, one->time_us, "-"),
	    cli_safe(cli->arena, tact_dossier_format_scope(cli->arena, &one->scope)),
	    tact_dossier_reason_name(one->reason));
	print_pair(cli, "purposes", cli_purposes(cli->arena, purposes_covered(one)));
	print_pair(cli, "until", cli_when(cli->arena, one->until_us, ""));
	print_pair(cli, "source", one->source);
	print_pair(cli, "note", one->note);
	print_pair(cli, "ended", cli_when(cli->arena, one->ended_us, ""));
	print_pair(cli, "by", one->ended_by);
	print_pair(cli, "why", one->ended_why);
	printf(" id=%s\n", tact_id_format(cli->arena, &one->id));
}

static void print_consent(struct person *person, const struct tact_consent *one)
{
	struct cli *cli = person->cli;

	printf("  %s %s %s", cli_when(cli->arena, one->time_us, "-"),
	    cli_safe(cli->arena, tact_dossier_format_scope(cli->arena, &one->scope)),
	    tact_dossier_basis_name(one->basis));
	print_pair(cli, "until", cli_when(cli->arena, one->until_us, ""));
	print_pair(cli, "source", one->source);
	print_pair(cli, "proof", one->proof);
	print_pair(cli, "imported", one->imported ? "yes" : "");
	print_pair(cli, "ended", cli_when(cli->arena, one->ended_us, ""));
	print_pair(cli, "by", one->ended_by);
	print_pair(cli, "why", one->ended_why);
	printf("\n");
}

static void print_contact(struct person *person, const struct tact_contact *one)
{
	struct cli *cli = person->cli;

	printf("  %s %s %s %s", cli_when(cli->arena, one->time_us, "-"),
	    tact_facts_channel_name(one->channel), cli_direction_name(one->direction),
	    tact_facts_purpose_name(one->purpose));
	if (one->count > 1)
		printf(" times=%u", (unsigned)one->count);
	if (one->sentiment != TACT_NEUTRAL)
		print_pair(cli, "sentiment", cli_sentiment_name(one->sentiment));
	print_pair(cli, "stream", one->stream);
	print_pair(cli, "owner", one->owner);
	print_pair(cli, "brand", one->brand);
	print_pair(cli, "campaign", one->campaign);
	print_pair(cli, "offer", one->offer);
	print_pair(cli, "list", one->list);
	printf("%s\n", one->counts ? "" : " (does not count)");
}

static void print_claim(struct person *person, size_t i)
{
	struct cli *cli = person->cli;
	const struct tact_claim *one = &person->dossier.claims[i];

	printf("  %s %s", cli_when(cli->arena, one->made_us, "-"), tact_dossier_claim_state_name(one->state));
	print_pair(cli, "place", cli_when(cli->arena, person->places[i], ""));
	print_pair(cli, "not_after", cli_when(cli->arena, one->not_after_us, ""));
	print_pair(cli, "stream", one->facts.stream);
	print_pair(cli, "owner", one->facts.owner);
	print_pair(cli, "campaign", one->facts.campaign);
	printf(" priority=%d", one->priority);
	print_pair(cli, "ring", one->ring);
	print_pair(cli, "queue_id", one->queue_id);
	print_pair(cli, "relay", one->relay);
	print_pair(cli, "text", one->text);
	printf(" id=%s\n", tact_id_format(cli->arena, &one->id));
}

static void print_heading(const char *name, size_t count)
{
	printf("%s: %zu\n", name, count);
}

static void print_person(struct person *person)
{
	const struct tact_dossier *dossier = &person->dossier;
	struct cli *cli = person->cli;

	printf("%s key=%s", person->name, tact_id_format(cli->arena, &person->key));
	print_pair(cli, "history_since", cli_when(cli->arena, dossier->history_since_us, ""));
	print_pair(cli, "address", dossier->address);
	cli_print_profile(cli, &dossier->profile);
	printf("\n");
	print_heading("suppressions", dossier->suppressions_count);
	for (size_t i = 0; i < dossier->suppressions_count; i++)
		print_suppression(person, &dossier->suppressions[i]);
	print_heading("consents", dossier->consents_count);
	for (size_t i = 0; i < dossier->consents_count; i++)
		print_consent(person, &dossier->consents[i]);
	print_heading("contacts", dossier->contacts_count);
	for (size_t i = 0; i < dossier->contacts_count; i++)
		print_contact(person, &dossier->contacts[i]);
	print_heading("claims", dossier->claims_count);
	for (size_t i = 0; i < dossier->claims_count; i++)
		print_claim(person, i);
}

/* ---- for programs ---- */

static void put_id(struct person *person, struct cli_json *in, const char *name, const struct tact_id *id)
{
	cli_json_put_text(in, name, tact_id_is_none(id) ? NULL : tact_id_format(person->cli->arena, id));
}

static void put_suppression(struct person *person, struct cli_json *list, const struct tact_suppression *one)
{
	struct tact_arena *arena = person->cli->arena;
	struct cli_json *in = cli_json_put_object(list, NULL), *purposes;

	put_id(person, in, "id", &one->id);
	cli_json_put_text(in, "scope", tact_dossier_format_scope(arena, &one->scope));
	cli_json_put_text(in, "reason", tact_dossier_reason_name(one->reason));
	purposes = cli_json_put_list(in, "purposes");
	for (unsigned i = 0; i < TACT_PURPOSES; i++)
		if (purposes_covered(one) & (1u << i))
			cli_json_put_text(purposes, NULL, tact_facts_purpose_name(i));
	cli_json_put_text(in, "source", one->source);
	cli_json_put_text(in, "note", one->note);
	cli_json_put_time(in, "time", one->time_us);
	cli_json_put_time(in, "until", one->until_us);
	cli_json_put_time(in, "ended", one->ended_us);
	cli_json_put_text(in, "ended_by", one->ended_by);
	cli_json_put_text(in, "ended_why", one->ended_why);
}

static void put_consent(struct person *person, struct cli_json *list, const struct tact_consent *one)
{
	struct cli_json *in = cli_json_put_object(list, NULL);

	put_id(person, in, "id", &one->id);
	cli_json_put_text(in, "basis", tact_dossier_basis_name(one->basis));
	cli_json_put_text(in, "scope", tact_dossier_format_scope(person->cli->arena, &one->scope));
	cli_json_put_text(in, "source", one->source);
	cli_json_put_text(in, "proof", one->proof);
	cli_json_put_time(in, "time", one->time_us);
	cli_json_put_time(in, "until", one->until_us);
	cli_json_put_time(in, "ended", one->ended_us);
	cli_json_put_text(in, "ended_by", one->ended_by);
	cli_json_put_text(in, "ended_why", one->ended_why);
	cli_json_put_bool(in, "imported", one->imported);
}

static void put_contact(struct person *person, struct cli_json *list, const struct tact_contact *one)
{
	struct cli_json *in = cli_json_put_object(list, NULL);

	put_id(person, in, "id", &one->id);
	cli_json_put_time(in, "time", one->time_us);
	cli_json_put_integer(in, "span_s", one->span_us / 1000000);
	cli_json_put_integer(in, "count", one->count);
	cli_json_put_text(in, "channel", tact_facts_channel_name(one->channel));
	cli_json_put_text(in, "direction", cli_direction_name(one->direction));
	cli_json_put_text(in, "sentiment", cli_sentiment_name(one->sentiment));
	cli_json_put_text(in, "purpose", tact_facts_purpose_name(one->purpose));
	cli_json_put_text(in, "stream", one->stream);
	cli_json_put_text(in, "owner", one->owner);
	cli_json_put_text(in, "brand", one->brand);
	cli_json_put_text(in, "campaign", one->campaign);
	cli_json_put_text(in, "offer", one->offer);
	cli_json_put_text(in, "list", one->list);
	cli_json_put_bool(in, "counts", one->counts);
}

static void put_claim(struct person *person, struct cli_json *list, size_t i)
{
	const struct tact_claim *one = &person->dossier.claims[i];
	struct cli_json *in = cli_json_put_object(list, NULL);

	put_id(person, in, "id", &one->id);
	cli_json_put_text(in, "state", tact_dossier_claim_state_name(one->state));
	cli_json_put_integer(in, "priority", one->priority);
	cli_json_put_time(in, "made", one->made_us);
	cli_json_put_time(in, "place", person->places[i]);
	cli_json_put_time(in, "not_after", one->not_after_us);
	cli_json_put_text(in, "stream", one->facts.stream);
	cli_json_put_text(in, "purpose", tact_facts_purpose_name(one->facts.purpose));
	cli_json_put_text(in, "owner", one->facts.owner);
	cli_json_put_text(in, "campaign", one->facts.campaign);
	cli_json_put_text(in, "relay", one->relay);
	cli_json_put_text(in, "ring", one->ring);
	cli_json_put_text(in, "queue_id", one->queue_id);
	cli_json_put_integer(in, "bumps", one->bumps);
	cli_json_put_bool(in, "firm", one->firm);
	put_id(person, in, "review", &one->review);
	put_id(person, in, "decision", &one->decision);
	cli_json_put_text(in, "code", one->code);
	cli_json_put_text(in, "text", one->text);
	cli_json_put_time(in, "done", one->done_us);
}

static void put_person(struct person *person)
{
	const struct tact_dossier *dossier = &person->dossier;
	struct cli_json *object = cli_json_object(), *list;

	cli_json_put_text(object, "recipient", person->name);
	put_id(person, object, "key", &person->key);
	cli_json_put_integer(object, "version", (int64_t)person->version);
	cli_json_put_time(object, "history_since", dossier->history_since_us);
	cli_json_put_text(object, "address", dossier->address[0] != '\0' ? dossier->address : NULL);
	list = cli_json_put_list(object, "suppressions");
	for (size_t i = 0; i < dossier->suppressions_count; i++)
		put_suppression(person, list, &dossier->suppressions[i]);
	list = cli_json_put_list(object, "consents");
	for (size_t i = 0; i < dossier->consents_count; i++)
		put_consent(person, list, &dossier->consents[i]);
	list = cli_json_put_list(object, "contacts");
	for (size_t i = 0; i < dossier->contacts_count; i++)
		put_contact(person, list, &dossier->contacts[i]);
	list = cli_json_put_list(object, "claims");
	for (size_t i = 0; i < dossier->claims_count; i++)
		put_claim(person, list, i);
	cli_put_profile(person->cli, cli_json_put_object(object, "profile"), &dossier->profile);
	cli_json_print(object);
}

static int show(struct cli *cli, const struct tact_recipient *recipient)
{
	struct person person = {.cli = cli, .name = cli_name_of(recipient, cli->arena)};
	const struct tact_campaigns *campaigns;
	struct tact_error err = {""};
	int result = tact_decide_view(
	    cli->decider, cli->arena, recipient, &person.dossier, &person.key, &person.version, &err);

	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s: %s", person.name, err.text);
	person.places =
	    tact_arena_alloc(cli->arena, (person.dossier.claims_count + 1) * sizeof *person.places);
	campaigns = tact_decider_take_campaigns(cli->decider, NULL);
	tact_policy_places(
	    cli->arena, &cli->config->rules, campaigns, &person.dossier, cli->now_us, person.places);
	tact_decider_put_campaigns(cli->decider, campaigns);
	if (cli->json)
		put_person(&person);
	else
		print_person(&person);
	return EX_OK;
}

static int run(struct cli *cli)
{
	struct tact_recipient *recipients;
	int code = cli_need_operands(cli, 1, SIZE_MAX);

	if (code == EX_OK)
		code = cli_open(cli, CLI_READ);
	if (code == EX_OK)
		code = cli_recipients(cli, &recipients);
	for (size_t i = 0; i < cli->operands_count && code == EX_OK; i++)
		code = show(cli, &recipients[i]);
	return code;
}

const struct cli_verb cli_show = {"show", "ADDRESS...",
    "Print all that is known of a person: wishes, permissions, contacts, claims.", options, run};
