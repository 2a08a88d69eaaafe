/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact key new, tact key show: the key file. A secret is never printed.
 */
#include <config.h>

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

static const struct cli_option new_options[] = {
    {"rotate", NULL, "put a new secret before those of an existing file", false}, {NULL, NULL, NULL, false}};
static const struct cli_option show_options[] = {{NULL, NULL, NULL, false}};

/* With a FILE the configuration only tells the user, and need not be there. */
static int find_path(struct cli *cli, const char **ret)
{
	int code = cli_need_operands(cli, 0, 1);

	if (code != EX_OK)
		return code;
	if (cli->operands_count == 0 || access(cli->config_path, R_OK) == 0)
		code = cli_open_config(cli);
	if (code != EX_OK && cli->operands_count == 0)
		return code;
	*ret = cli->operands_count > 0 ? cli->operands[0] : cli->config->key_file;
	return EX_OK;
}

/* root makes the file for tactd to read, and tactd is not root. */
static int give_away(const struct cli *cli, const char *path)
{
	const struct passwd *entry;

	if (geteuid() != 0 || cli->config == NULL || cli->config->user[0] == '\0')
		return EX_OK;
	entry = getpwnam(cli->config->user);
	if (entry == NULL)
		return cli_fail(
		    EX_OK, "%s belongs to root: there is no user %s to give it to", path, cli->config->user);
	if (lchown(path, entry->pw_uid, entry->pw_gid) != 0)
		return cli_fail(
		    EX_OSERR, "%s cannot be given to %s: %s", path, cli->config->user, strerror(errno));
	return EX_OK;
}

static int print_fingerprints(struct cli *cli, const char *path)
{
	struct cli_json *object = cli->json ? cli_json_object() : NULL, *list = NULL;
	size_t count = tact_facts_keyring_count(cli->keyring);

	if (cli->json) {
		cli_json_put_text(object, "file", path);
		list = cli_json_put_list(object, "fingerprints");
	}
	for (size_t i = 0; i < count; i++) {
		struct tact_id id = tact_facts_keyring_fingerprint(cli->keyring, i);
		const char *text = tact_id_format(cli->arena, &id);

		if (cli->json)
			cli_json_put_text(list, NULL, text);
		else
			printf("%s\t%s\n", text, i == 0 ? "current" : "earlier");
	}
	if (cli->json)
		cli_json_print(object);
	return EX_OK;
}

static int load_and_print(struct cli *cli, const char *path)
{
	struct tact_error err;

	if (tact_facts_load_keyring(path, &cli->keyring, &err) != TACT_OK)
		return cli_fail(EX_CONFIG, "%s", err.text);
	return print_fingerprints(cli, path);
}

static int run_new(struct cli *cli)
{
	bool rotate = cli_has(cli, "rotate");
	const char *path;
	struct tact_error err;
	int code = find_path(cli, &path), result;

	if (code != EX_OK)
		return code;
	result = tact_facts_create_key_file(path, rotate, &err);
	if (result != TACT_OK)
		return cli_fail(result == TACT_INVALID ? EX_CONFIG : EX_CANTCREAT, "%s", err.text);
	code = rotate ? EX_OK : give_away(cli, path);
	if (code == EX_OK)
		code = load_and_print(cli, path);
	if (code == EX_OK && rotate)
		fprintf(stderr,
		    "tact: stop tactd and run `tact store adopt --yes` to go over to the new secret\n");
	return code;
}

static int run_show(struct cli *cli)
{
	const char *path;
	int code = find_path(cli, &path);

	return code == EX_OK ? load_and_print(cli, path) : code;
}

const struct cli_verb cli_key_new = {
    "key new", "[FILE]", "Make the key file (mode 0600), or rotate its secret.", new_options, run_new};
const struct cli_verb cli_key_show = {
    "key show", "[FILE]", "Print the fingerprints of the secrets in the key file.", show_options, run_show};
