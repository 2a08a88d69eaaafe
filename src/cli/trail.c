/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact audit trail: one person's entries of the evidence, in order of time, sealed fields opened with the
 * person key from his dossier; before them the wishes that a long import brought, which has one entry for
 * many.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "trail.h"

static const struct cli_option options[] = {
    {"sha256", NULL, "the operand is the hex SHA-256 of an address", false},
    {"key", NULL, "the operand is a key, as canonical and export print it", false},
    {NULL, NULL, NULL, false}};

/* One name of the person in the log: each record he stands under has a person key of its own. */
struct alias {
	char *pseudonym;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
};

struct found {
	int64_t time_us;
	size_t order;
	json_t *entry;
	const char *text;
};

struct trail {
	struct cli *cli;
	struct alias *aliases;
	size_t aliases_count;
	struct found *found;
	size_t found_count;
	struct tact_dossier dossier; /* all that is known of him */
	struct cli_origins origins;
	bool damaged;	/* an entry with his name */
	bool all_names; /* he has no other than those */
};

/* ---- whose ---- */

static int view_all(struct trail *trail, const struct tact_recipient *recipient)
{
	struct cli *cli = trail->cli;
	struct tact_error err = {""};
	struct tact_id written;
	uint64_t version;
	int result =
	    tact_decide_view(cli->decider, cli->arena, recipient, &trail->dossier, &written, &version, &err);

	if (result != TACT_OK)
		return cli_fail(
		    cli_exit_code(result), "%s: %s", cli_name_of(recipient, cli->arena), err.text);
	cli_origins_take_version(&trail->origins, version);
	return EX_OK;
}

/* The merged view has one person key only. */
static int list_aliases(struct trail *trail, const struct tact_recipient *recipient)
{
	struct cli *cli = trail->cli;
	struct tact_name *names;
	struct tact_error err = {""};
	size_t count;
	int result =
	    tact_decide_names(cli->decider, cli->arena, recipient, &names, &count, &trail->all_names, &err);

	if (result != TACT_OK)
		return cli_fail(
		    cli_exit_code(result), "%s: %s", cli_name_of(recipient, cli->arena), err.text);
	for (size_t i = 0; i < count; i++) {
		struct alias *alias;

		cli_origins_take_version(&trail->origins, names[i].version);
		if (!names[i].has_person_key)
			continue;
		alias = TACT_PUSH(cli->arena, trail->aliases, trail->aliases_count);
		alias->pseudonym = tact_audit_pseudonym(cli->arena, names[i].person_key, &names[i].key);
		memcpy(alias->person_key, names[i].person_key, sizeof alias->person_key);
	}
	return EX_OK;
}

/* ---- finding ---- */

static int64_t time_of(json_t *entry)
{
	return json_integer_value(json_object_get(entry, "time_us"));
}

static void keep(
    struct trail *trail, const struct alias *alias, const char *host, uint64_t seq, const char *json)
{
	struct cli *cli = trail->cli;
	struct tact_error err;
	char *text;

	if (tact_audit_open_entry(cli->arena, json, alias->person_key, &text, &err) != TACT_OK) {
		cli_fail(EX_DATAERR, "entry %s#%llu cannot be opened: %s", host, (unsigned long long)seq,
		    err.text);
		trail->damaged = true;
		text = tact_arena_strdup(cli->arena, json);
	}
	json_t *entry = json_loads(text, 0, NULL);
	const char *pseudonym = json_string_value(json_object_get(entry, "pseudonym"));
	if (pseudonym == NULL || strcmp(pseudonym, alias->pseudonym) != 0) {
		json_decref(entry); /* the name stands elsewhere in it */
		return;
	}
	struct found *found = TACT_PUSH(cli->arena, trail->found, trail->found_count);
	*found = (struct found){
	    .time_us = time_of(entry), .order = trail->found_count, .entry = entry, .text = text};
	cli_origins_take(&trail->origins, entry);
}

static bool look_at(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	struct trail *trail = context;

	(void)length;
	cli_origins_look(&trail->origins, host, seq, json);
	for (size_t i = 0; i < trail->aliases_count; i++)
		if (strstr(json, trail->aliases[i].pseudonym) != NULL)
			keep(trail, &trail->aliases[i], host, seq, json);
	return true;
}

static int compare_found(const void *a, const void *b)
{
	const struct found *left = a, *right = b;

	if (left->time_us != right->time_us)
		return left->time_us < right->time_us ? -1 : 1;
	return (left->order > right->order) - (left->order < right->order);
}

/* ---- telling ---- */

static const char *text_in(struct trail *trail, json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? cli_safe(trail->cli->arena, text) : "";
}

/* " name VALUE", separated by commas. */
static void print_members(struct trail *trail, const char *label, json_t *object, const char *const *names)
{
	bool any = false;

	for (; *names != NULL; names++) {
		const char *value = text_in(trail, object, *names);

		if (*value == '\0')
			continue;
		printf("%s%s %s", any ? ", " : label, *names, value);
		any = true;
	}
	if (any)
		printf("\n");
}

static void print_rules(struct trail *trail, json_t *rules)
{
	size_t i;
	json_t *rule;

	json_array_foreach(rules, i, rule)
	{
		json_t *numbers = json_object_get(rule, "numbers");

		printf("  rule %s \"%s\": %s%s%s%s", text_in(trail, rule, "kind"),
		    text_in(trail, rule, "name"), text_in(trail, rule, "verdict"),
		    *text_in(trail, rule, "until") != '\0' ? " until " : "", text_in(trail, rule, "until"),
		    strcmp(text_in(trail, rule, "mode"), "monitor") == 0 ? " (monitor)" : "");
		if (numbers != NULL)
			printf(", %g of at most %g in %s",
			    json_number_value(json_object_get(numbers, "count")),
			    json_number_value(json_object_get(numbers, "at_most")),
			    text_in(trail, numbers, "window"));
		printf("\n");
	}
}

static void print_weighed(struct trail *trail, json_t *entry)
{
	static const char *const names[] = {"scope", "reason", "time", "id", NULL};
	const char *action = text_in(trail, entry, "action");
	bool consent = strcmp(action, "consent") == 0 || strcmp(action, "end-consent") == 0;
	size_t i;
	json_t *one;

	json_array_foreach(json_object_get(entry, "weighed"), i, one)
	    print_members(trail, consent ? "  consent: " : "  wish: ", one, names);
}

static void print_entry(struct trail *trail, const struct found *found)
{
	static const char *const said[] = {"verdict", "action", "code", "until", "not_after", "mode", NULL};
	static const char *const mail[] = {
	    "stream", "purpose", "owner", "brand", "campaign", "queue_id", "reinjected_id", NULL};
	static const char *const sealed[] = {
	    "sender", "from", "sasl_user", "subject", "message_id", "recipient_domain", "text", NULL};
	static const char *const proof[] = {"decision", "previous", "policy", "software", NULL};
	json_t *entry = found->entry;

	printf("%s %s (%s) %s#%lld\n", cli_when(trail->cli->arena, found->time_us, "-"),
	    text_in(trail, entry, "kind"), text_in(trail, entry, "phase"), text_in(trail, entry, "host"),
	    (long long)json_integer_value(json_object_get(entry, "seq")));
	print_members(trail, "  ", entry, said);
	print_members(trail, "  ", entry, mail);
	print_rules(trail, json_object_get(entry, "rules"));
	print_weighed(trail, entry);
	print_members(trail, "  ", json_object_get(entry, "sealed"), sealed);
	print_members(trail, "  ", entry, proof);
	printf("\n");
}

/* Answers how many there are. */
static size_t print_all(struct trail *trail)
{
	size_t count = trail->found_count + cli_origins_tell(&trail->origins, &trail->dossier);

	if (trail->found_count > 1)
		qsort(trail->found, trail->found_count, sizeof *trail->found, compare_found);
	for (size_t i = 0; i < trail->found_count; i++) {
		if (trail->cli->json)
			printf("%s\n", trail->found[i].text);
		else
			print_entry(trail, &trail->found[i]);
		json_decref(trail->found[i].entry);
	}
	return count;
}

static int judge(const struct trail *trail, const struct tact_recipient *recipient)
{
	if (trail->all_names)
		return trail->damaged ? EX_DATAERR : EX_OK;
	return cli_fail(EX_DATAERR,
	    "%s: an alias cannot be read, and if it is this person's, what was written under it alone is "
	    "missing here: run \"tact store check\"",
	    cli_name_of(recipient, trail->cli->arena));
}

static int tell(struct cli *cli, const struct tact_recipient *recipient)
{
	struct trail trail = {.cli = cli, .origins.cli = cli};
	struct tact_error err = {""};
	int code = view_all(&trail, recipient), result = TACT_OK;

	if (code == EX_OK)
		code = list_aliases(&trail, recipient);
	if (code != EX_OK)
		return code;
	if (trail.aliases_count > 0 || trail.dossier.suppressions_count + trail.dossier.consents_count > 0)
		result = tact_audit_scan(cli->config->audit, NULL, look_at, &trail, &err);
	if (print_all(&trail) == 0 && result == TACT_OK)
		fprintf(stderr, "tact: %s: there are no entries\n", cli_name_of(recipient, cli->arena));
	if (result == TACT_OK)
		return judge(&trail, recipient);
	return cli_fail(cli_exit_code(result), "%s", err.text);
}

static int run(struct cli *cli)
{
	struct tact_recipient *recipient;
	int code = cli_need_operands(cli, 1, 1);

	if (code == EX_OK)
		code = cli_open(cli, CLI_READ);
	if (code == EX_OK)
		code = cli_recipients(cli, &recipient);
	return code == EX_OK ? tell(cli, recipient) : code;
}

const struct cli_verb cli_audit_trail = {
    "audit trail", "ADDRESS", "Print what the evidence holds of one person.", options, run};
