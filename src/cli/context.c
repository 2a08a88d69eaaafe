/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What a verb needs held open: configuration, key, store with its identity, evidence, decider.
 */
#include <config.h>

#include <string.h>

#include "private.h"

int cli_exit_code(int result)
{
	switch (result) {
	case TACT_OK:
		return EX_OK;
	case TACT_UNAVAILABLE:
	case TACT_UNCERTAIN:
		return EX_TEMPFAIL;
	case TACT_SYSTEM:
		return EX_OSERR;
	case TACT_REFUSED:
		return EX_CONFIG;
	default: /* INVALID, ABSENT, CORRUPT */
		return EX_DATAERR;
	}
}

int cli_open_config(struct cli *cli)
{
	struct tact_config_mistakes mistakes = {.arena = cli->arena};
	int result = tact_config_load(cli->config_path, NULL, &cli->config, &mistakes);

	for (size_t i = 0; i < mistakes.count; i++)
		fprintf(stderr, "%s\n", mistakes.texts[i]);
	return result == TACT_OK ? EX_OK : result == TACT_SYSTEM ? EX_NOINPUT : EX_CONFIG;
}

int cli_become_user(struct cli *cli)
{
	struct tact_error err;
	int result = tact_user_become(cli->config->user, &err);

	if (result == TACT_OK)
		return EX_OK;
	return cli_fail(result == TACT_INVALID ? EX_CONFIG : cli_exit_code(result), "%s", err.text);
}

static int open_key(struct cli *cli)
{
	struct tact_error err;

	if (tact_facts_load_keyring(cli->config->key_file, &cli->keyring, &err) != TACT_OK)
		return cli_fail(EX_CONFIG, "%s", err.text);
	cli->identity = (struct tact_identity){
	    .keyring = cli->keyring, .profiles = &cli->config->profile, .profiles_count = 1};
	return EX_OK;
}

/* A store that always fails has no identity to ask for, and answers nothing that could be misread. */
static bool always_fails(const struct cli *cli)
{
	return strncmp(cli->config->store, "fail:", 5) == 0;
}

/* New at every start, as whoever chose it knows. */
static bool is_memory(const struct cli *cli)
{
	return strncmp(cli->config->store, "memory:", 7) == 0;
}

int cli_open_store(struct cli *cli, enum tact_opening opening, struct tact_error *err)
{
	int result = tact_store_open(cli->config->store, &cli->store, err);

	if (result == TACT_OK && !always_fails(cli) && opening != TACT_OPEN_ADOPT && !is_memory(cli))
		result = tact_decide_check_new_store(cli->store, cli->config->audit, err);
	if (result == TACT_OK && !always_fails(cli))
		result = tact_decide_open_identity(cli->store, cli->keyring, &cli->config->profile, opening,
		    cli->arena, &cli->identity, err);
	return result;
}

static int open_audit(struct cli *cli)
{
	struct tact_error err;
	int result = tact_audit_open(cli->config->audit, cli->config->host, &cli->audit, NULL, &err);

	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	/* No reason to leave the change undone. */
	if (*tact_audit_damaged(cli->audit) != '\0')
		fprintf(stderr, "tact: the evidence is damaged: %s\n", tact_audit_damaged(cli->audit));
	return EX_OK;
}

static void make_decider(struct cli *cli)
{
	cli->decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = cli->store,
	    .audit = cli->audit,
	    .identity = &cli->identity,
	    .host = cli->config->host,
	});
	tact_decider_set_rules(cli->decider, &cli->config->rules, NULL, NULL);
}

int cli_open(struct cli *cli, enum cli_need need)
{
	struct tact_error err = {""};
	int code = cli_open_config(cli), result;

	if (code == EX_OK && need >= CLI_KEY)
		code = open_key(cli);
	if (code != EX_OK || need < CLI_READ)
		return code;
	code = cli_become_user(cli);
	if (code != EX_OK)
		return code;
	result = cli_open_store(cli, need == CLI_CHANGE ? TACT_OPEN_CHANGE : TACT_OPEN_READ, &err);
	if (result != TACT_OK)
		return cli_fail(result == TACT_INVALID ? EX_CONFIG : cli_exit_code(result), "%s", err.text);
	if (need >= CLI_RECOVER)
		code = open_audit(cli);
	if (code == EX_OK)
		make_decider(cli);
	return code;
}

void cli_close(struct cli *cli)
{
	tact_decider_free(&cli->decider);
	tact_audit_close(&cli->audit);
	tact_store_close(&cli->store);
	tact_facts_free_keyring(&cli->keyring);
	tact_config_free(&cli->config);
}
