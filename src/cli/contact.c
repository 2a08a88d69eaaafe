/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact contact: a touch on any channel told to tact, or asked of it beforehand ("may we?").
 */
#include <config.h>

#include <string.h>

#include "private.h"

static const struct cli_option options[] = {
    {"channel", "NAME", "email, phone, sms, post, fax, visit or web (required)", false},
    {"purpose", "NAME", "promotional, newsletter ... (required, unless --stream or --direction in)", false},
    {"direction", "WORD", "out (default) or in", false},
    {"sentiment", "WORD", "neutral (default), positive or negative", false},
    {"stream", "NAME", "stream of the configuration that it belongs to", false},
    {"owner", "NAME", "desk that it came from (default: the stream's)", false},
    {"brand", "NAME", "brand (default: the stream's)", false},
    {"campaign", "NAME", "campaign it was part of", false}, {"offer", "NAME", "offer that was made", false},
    {"list", "NAME", "list it was part of", false},
    {"at", "TIME", "when it happened (default: now); with --may, when it would", false},
    {"id", "TEXT", "a name of yours for it: told again, it counts once", false},
    {"may", NULL, "record nothing, tell whether it would be allowed: exit 0 yes, 1 no", false},
    {"sha256", NULL, "the operand is the hex SHA-256 of an address", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

#define DENIED 1

struct touch {
	struct tact_contact contact;
	const struct tact_stream *stream; /* or NULL */
	const char *id;			  /* the name it was told under, or one made up */
};

/* ---- reading it ---- */

/* A name of ours, or what the stream says, or nothing. */
static const char *text_of(const struct cli *cli, const char *name, const char *preset)
{
	const char *text = cli_value(cli, name);

	return text != NULL ? text : preset;
}

static int find_stream(struct cli *cli, struct touch *touch)
{
	return cli_has(cli, "stream") ? cli_stream(cli, &touch->stream) : EX_OK;
}

static int read_purpose(struct cli *cli, struct touch *touch)
{
	const char *text = cli_value(cli, "purpose");

	touch->contact.purpose = touch->stream != NULL ? touch->stream->purpose : TACT_PERSONAL;
	if (text != NULL && tact_facts_parse_purpose(text, &touch->contact.purpose) != TACT_OK)
		return cli_fail(EX_USAGE,
		    "--purpose: there is no purpose \"%.40s\"; promotional, newsletter, appreciation, "
		    "occasion, "
		    "transactional and personal are known",
		    text);
	if (text == NULL && touch->stream == NULL && touch->contact.direction == TACT_OUT)
		return cli_fail(EX_USAGE, "contact wants --purpose, or a --stream that has one");
	return EX_OK;
}

static int read_words(struct cli *cli, struct tact_contact *contact)
{
	const char *channel = cli_value(cli, "channel"), *direction = text_of(cli, "direction", "out"),
		   *sentiment = text_of(cli, "sentiment", "neutral");

	if (channel == NULL)
		return cli_fail(EX_USAGE, "contact wants --channel");
	if (tact_facts_parse_channel(channel, &contact->channel) != TACT_OK)
		return cli_fail(EX_USAGE,
		    "--channel: there is no channel \"%.40s\"; email, phone, sms, post, fax, visit and web "
		    "are known",
		    channel);
	if (cli_parse_direction(direction, &contact->direction) != TACT_OK)
		return cli_fail(EX_USAGE, "--direction: \"%.40s\" is neither out nor in", direction);
	if (cli_parse_sentiment(sentiment, &contact->sentiment) != TACT_OK)
		return cli_fail(
		    EX_USAGE, "--sentiment: \"%.40s\" is not neutral, positive or negative", sentiment);
	return EX_OK;
}

static int check_texts(struct cli *cli)
{
	for (size_t i = 0; i < cli->given_count; i++)
		if (!cli_is_clean(cli->given[i].value) || strlen(cli->given[i].value) > 255)
			return cli_fail(EX_USAGE,
			    "--%s: write UTF-8 without control characters, at most 255 bytes",
			    cli->given[i].name);
	return EX_OK;
}

static const char *find_brand(const struct tact_rule_set *rules, const char *name)
{
	for (size_t i = 0; i < rules->brands_count; i++)
		if (tact_text_equal_nocase(rules->brands[i].name, name))
			return rules->brands[i].name;
	return NULL;
}

/* As the configuration writes it: a name that it does not know would be counted for nobody. */
static int read_declared(const struct cli *cli, const char *what,
    const char *(*find)(const struct tact_rule_set *rules, const char *name), const char **ret)
{
	const char *name = text_of(cli, what, *ret), *known = find(&cli->config->rules, name);

	if (known == NULL && *name != '\0')
		return cli_fail(EX_USAGE, "--%s: there is no %s \"%.64s\" in %s", what, what,
		    cli_safe(cli->arena, name), cli->config_path);
	*ret = known != NULL ? known : "";
	return EX_OK;
}

static int read_names(struct cli *cli, struct touch *touch)
{
	const struct tact_stream *stream = touch->stream;
	struct tact_contact *contact = &touch->contact;
	const char *id[] = {"tact contact", touch->id};
	int code;

	contact->stream = stream != NULL ? stream->name : "";
	contact->owner = stream != NULL ? stream->owner : "";
	contact->brand = stream != NULL ? stream->brand : "";
	code = read_declared(cli, "owner", cli_find_owner, &contact->owner);
	if (code == EX_OK)
		code = read_declared(cli, "brand", find_brand, &contact->brand);
	contact->campaign = text_of(cli, "campaign", "");
	contact->offer = text_of(cli, "offer", "");
	contact->list = text_of(cli, "list", "");
	contact->counts = stream != NULL ? stream->counts : contact->purpose != TACT_TRANSACTIONAL;
	contact->id = tact_digest_id(id, 2);
	return code;
}

/* Each has one, so that what went wrong half-way can be told again and counts once. */
static void read_id(struct cli *cli, struct touch *touch)
{
	const struct tact_id random = tact_id_random();

	touch->id = text_of(cli, "id", tact_id_format(cli->arena, &random));
}

static int read_touch(struct cli *cli, struct touch *ret)
{
	int code = check_texts(cli);

	*ret = (struct touch){.contact = {.count = 1, .time_us = cli->now_us}};
	read_id(cli, ret);
	if (code == EX_OK)
		code = read_words(cli, &ret->contact);
	if (code == EX_OK)
		code = cli_has(cli, "may") ? cli_time(cli, "at", &ret->contact.time_us)
					   : cli_past_time(cli, "at", &ret->contact.time_us);
	if (code == EX_OK)
		code = find_stream(cli, ret);
	if (code == EX_OK)
		code = read_purpose(cli, ret);
	if (code == EX_OK)
		code = read_names(cli, ret);
	return code;
}

/* ---- recording it ---- */

static void print_recorded(
    struct cli *cli, const struct tact_recipient *recipient, const struct tact_changed *changed)
{
	struct cli_json *object;

	if (!cli->json) {
		printf("%s: %s\n", cli_name_of(recipient, cli->arena),
		    changed->changed ? "recorded" : "known already");
		return;
	}
	object = cli_json_object();
	cli_json_put_text(object, "recipient", cli_name_of(recipient, cli->arena));
	cli_json_put_text(object, "key", tact_id_format(cli->arena, &recipient->key));
	cli_json_put_bool(object, "changed", changed->changed);
	cli_json_print(object);
}

static int record(struct cli *cli, const struct tact_recipient *recipient, const struct touch *touch)
{
	struct tact_change change = {.kind = TACT_CHANGE_CONTACT, .contact = touch->contact, .by = cli->by};
	struct tact_changed changed;
	int code = cli_change(cli, recipient, &change, 1, &changed);

	if (code != EX_OK)
		return cli_fail(code, "told again, it counts once under this name: --id %s",
		    cli_safe(cli->arena, touch->id));
	print_recorded(cli, recipient, &changed);
	return EX_OK;
}

/* ---- asking beforehand ---- */

static struct tact_facts facts_of(const struct touch *touch)
{
	const struct tact_contact *contact = &touch->contact;
	bool free_of_limits = contact->purpose == TACT_PERSONAL || contact->purpose == TACT_TRANSACTIONAL;

	return (struct tact_facts){
	    .stream = contact->stream,
	    .owner = contact->owner,
	    .brand = contact->brand,
	    .campaign = contact->campaign,
	    .offer = contact->offer,
	    .list = contact->list,
	    .purpose = contact->purpose,
	    .channel = contact->channel,
	    .priority = touch->stream != NULL ? touch->stream->priority : 500,
	    .exempt = touch->stream != NULL ? touch->stream->exempt : free_of_limits,
	    .counts = contact->counts,
	};
}

static void print_answer(struct cli *cli, const struct tact_recipient *recipient,
    const struct tact_facts *facts, const struct tact_opinion *opinion)
{
	bool allowed = opinion->verdict == TACT_ACCEPT;
	int64_t until_us = opinion->verdict == TACT_DELAY ? opinion->until_us : 0;
	struct cli_json *object;

	if (!cli->json) {
		printf("%s: %s%s%s%s%s\n", cli_name_of(recipient, cli->arena), allowed ? "yes" : "no",
		    until_us != 0 ? ", not before " : "", cli_when(cli->arena, until_us, ""),
		    allowed ? "" : ": ", allowed ? "" : cli_safe(cli->arena, opinion->text));
		cli_print_rules(cli, opinion, facts);
		return;
	}
	object = cli_json_object();
	cli_json_put_text(object, "recipient", cli_name_of(recipient, cli->arena));
	cli_json_put_bool(object, "allowed", allowed);
	cli_json_put_text(object, "verdict", tact_policy_verdict_name(opinion->verdict));
	cli_json_put_time(object, "until", until_us);
	cli_json_put_text(object, "text", opinion->text);
	cli_put_rules(cli, object, opinion, facts);
	cli_json_print(object);
}

static int ask(struct cli *cli, const struct tact_recipient *recipient, const struct touch *touch)
{
	struct tact_facts facts = facts_of(touch);
	const struct tact_campaigns *campaigns;
	struct tact_dossier dossier;
	struct tact_opinion opinion;
	struct tact_error err = {""};
	struct tact_id key;
	uint64_t version;
	int64_t now_us = touch->contact.time_us;
	int result = tact_decide_view(cli->decider, cli->arena, recipient, &dossier, &key, &version, &err);

	if (result != TACT_OK)
		return cli_fail(
		    cli_exit_code(result), "%s: %s", cli_name_of(recipient, cli->arena), err.text);
	campaigns = tact_decider_take_campaigns(cli->decider, NULL);
	tact_policy_ask(cli->arena,
	    &(struct tact_question){
		.rules = &cli->config->rules,
		.facts = &facts,
		.dossier = &dossier,
		.now_us = now_us,
		.made_us = now_us,
		.not_after_us =
		    now_us + cli->config->rules.history_s * 1000000, /* to say when, however late */
		.contact = touch->contact.id,
		.no_message = true,
		.campaigns = campaigns,
	    },
	    &opinion);
	tact_decider_put_campaigns(cli->decider, campaigns);
	print_answer(cli, recipient, &facts, &opinion);
	return opinion.verdict == TACT_ACCEPT ? EX_OK : DENIED;
}

static int run(struct cli *cli)
{
	bool may = cli_has(cli, "may");
	struct tact_recipient *recipient;
	struct touch touch;
	int code = cli_need_operands(cli, 1, 1);

	if (cli_has(cli, "by"))
		cli->by = cli_value(cli, "by");
	if (code == EX_OK)
		code = cli_open(cli, may ? CLI_READ : CLI_CHANGE);
	if (code == EX_OK)
		code = read_touch(cli, &touch);
	if (code == EX_OK)
		code = cli_recipients(cli, &recipient);
	if (code != EX_OK)
		return code;
	return may ? ask(cli, recipient, &touch) : record(cli, recipient, &touch);
}

const struct cli_verb cli_contact = {"contact", "ADDRESS",
    "Record a contact on any channel, or ask beforehand whether it may be.", options, run};
