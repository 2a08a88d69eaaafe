/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact check: is everything in place for tactd, here and in Postfix; what is not, and how to mend it.
 */
#include <config.h>

#include <string.h>
#include <unistd.h>

#include "private.h"

static const struct cli_option options[] = {
    {"postfix", "DIR", "Postfix's configuration folder (default: /etc/postfix, where there is a Postfix)",
	false},
    {"no-postfix", NULL, "leave Postfix alone", false}, {NULL, NULL, NULL, false}};

#define POSTFIX_FOLDER "/etc/postfix"

/* ---- findings ---- */

void cli_find(
    struct cli_findings *findings, enum cli_severity severity, const char *mend, const char *format, ...)
{
	const char *word = severity == CLI_ERROR ? "error" : "warning";
	struct tact_error what; /* a text of bounded length */
	struct cli_json *object;
	va_list args;

	va_start(args, format);
	vsnprintf(what.text, sizeof what.text, format, args);
	va_end(args);
	findings->errors += severity == CLI_ERROR;
	findings->warnings += severity == CLI_WARNING;
	if (!findings->cli->json) {
		printf("%s: %s%s%s\n", word, cli_safe(findings->cli->arena, what.text),
		    *mend != '\0' ? "; " : "", mend);
		return;
	}
	object = cli_json_object();
	cli_json_put_text(object, "severity", word);
	cli_json_put_text(object, "what", what.text);
	cli_json_put_text(object, "mend", mend);
	cli_json_print(object);
}

/* ---- our own side ---- */

static void check_key(struct cli_findings *findings)
{
	struct cli *cli = findings->cli;
	struct tact_error err;

	if (tact_facts_load_keyring(cli->config->key_file, &cli->keyring, &err) != TACT_OK)
		cli_find(findings, CLI_ERROR, "", "%s", err.text);
}

static void check_store(struct cli_findings *findings)
{
	struct cli *cli = findings->cli;
	struct tact_error err;

	if (tact_store_warns_of_url(cli->config->store, &err))
		cli_find(findings, CLI_WARNING, "", "%s:%d: store: %s", cli->config->path,
		    cli->config->store_line, err.text);
	if (cli->keyring != NULL && cli_open_store(cli, TACT_OPEN_READ, &err) != TACT_OK)
		cli_find(findings, CLI_ERROR, "", "%s", err.text);
}

static void check_aliases(struct cli_findings *findings)
{
	struct cli *cli = findings->cli;
	struct tact_error err;
	uint64_t earlier;

	if (cli->identity.keyring == NULL) /* the store could not be opened */
		return;
	if (tact_decide_count_earlier_aliases(cli->store, &cli->identity, &earlier, &err) != TACT_OK)
		cli_find(findings, CLI_ERROR, "", "%s", err.text);
	else if (earlier > 0)
		cli_find(findings, CLI_WARNING,
		    "make each of them again with `tact alias ADDRESS OTHER...`, or what is told under it "
		    "is known under it alone",
		    "%llu alias%s made under an earlier key", (unsigned long long)earlier,
		    earlier == 1 ? " was" : "es were");
}

static bool read_on(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	(void)context, (void)host, (void)seq, (void)json, (void)length;
	return true;
}

static void check_audit(struct cli_findings *findings)
{
	struct cli *cli = findings->cli;
	const struct tact_config *config = cli->config;
	struct tact_error err;
	uint64_t torn_bytes = 0;

	if (tact_audit_open(config->audit, config->host, &cli->audit, &torn_bytes, &err) != TACT_OK) {
		cli_find(findings, CLI_ERROR, "", "%s", err.text);
		return;
	}
	if (torn_bytes > 0)
		cli_find(findings, CLI_WARNING, "nothing is to be done",
		    "the evidence ended in an incomplete entry, which was set aside (%llu bytes)",
		    (unsigned long long)torn_bytes);
	if (tact_audit_scan(config->audit, config->host, read_on, NULL, &err) != TACT_OK)
		cli_find(findings, CLI_ERROR,
		    "restore it from a copy; entries behind the damage are read all the same, and new ones "
		    "go into another segment",
		    "%s", err.text);
	else if (*tact_audit_damaged(cli->audit) != '\0')
		cli_find(findings, CLI_ERROR, "", "%s", tact_audit_damaged(cli->audit));
}

/* As root, opening a store would make one that the user could not open later. */
static void check_what_is_the_users(struct cli_findings *findings)
{
	struct tact_error err;

	if (tact_user_become(findings->cli->config->user, &err) != TACT_OK) {
		cli_find(findings, CLI_ERROR, "", "%s", err.text);
		return;
	}
	check_store(findings);
	check_aliases(findings);
	check_audit(findings);
}

static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	       strcmp(host, "[::1]") == 0;
}

static void check_listeners(struct cli_findings *findings)
{
	const struct tact_config *config = findings->cli->config;
	bool smtp = false;

	for (size_t i = 0; i < config->listeners_count; i++) {
		const struct tact_listener *listener = &config->listeners[i];
		const char *at = strchr(listener->socket, '@');

		smtp |= listener->smtp;
		if (strncmp(listener->socket, "inet", 4) == 0 && (at == NULL || !is_loopback(at + 1)))
			cli_find(findings, CLI_WARNING,
			    "let it listen on 127.0.0.1 or a unix socket, or keep others out",
			    "listener \"%s\" (%s) can be reached from other machines", listener->name,
			    listener->socket);
	}
	if (!smtp)
		cli_find(findings, CLI_ERROR, "write listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }",
		    "there is no listener of kind smtp");
}

/* ---- Postfix's side ---- */

/* Before root becomes somebody else: main.cf may be readable by root only. */
static bool read_postfix(struct cli_findings *findings, struct cli_postfix *ret)
{
	struct cli *cli = findings->cli;
	const char *folder = cli_value(cli, "postfix");
	struct tact_error err;
	int result;

	if (cli_has(cli, "no-postfix"))
		return false;
	if (folder == NULL && access(POSTFIX_FOLDER "/main.cf", F_OK) != 0) {
		cli_find(findings, CLI_WARNING,
		    "name the folder of main.cf with --postfix, or say --no-postfix",
		    "Postfix is not looked at: there is no " POSTFIX_FOLDER "/main.cf");
		return false;
	}
	result = cli_postfix_read(cli->arena, folder != NULL ? folder : POSTFIX_FOLDER, ret, &err);
	if (result == TACT_ABSENT && folder == NULL)
		return false;
	if (result != TACT_OK)
		cli_find(findings, CLI_ERROR,
		    "name the folder of main.cf with --postfix, or say --no-postfix", "%s", err.text);
	return result == TACT_OK;
}

static int sum_up(const struct cli_findings *findings)
{
	if (!findings->cli->json)
		printf("%zu error%s, %zu warning%s\n", findings->errors, findings->errors == 1 ? "" : "s",
		    findings->warnings, findings->warnings == 1 ? "" : "s");
	return findings->errors > 0 ? EX_CONFIG : EX_OK;
}

static int run(struct cli *cli)
{
	struct cli_findings findings = {.cli = cli};
	struct cli_postfix postfix;
	bool has_postfix;
	int code = EX_OK;

	if (cli_has(cli, "postfix") && cli_has(cli, "no-postfix"))
		code = cli_fail(EX_USAGE, "--postfix and --no-postfix exclude each other");
	if (code == EX_OK)
		code = cli_open_config(cli);
	if (code != EX_OK)
		return code;
	check_key(&findings);
	has_postfix = read_postfix(&findings, &postfix);
	if (has_postfix)
		cli_check_postfix(&findings, &postfix);
	check_what_is_the_users(&findings);
	check_listeners(&findings);
	return sum_up(&findings);
}

const struct cli_verb cli_check = {
    "check", "", "Check configuration, key, store, evidence and Postfix's settings.", options, run};
