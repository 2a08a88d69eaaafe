/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * For the documentation checks: without an argument prints the table of options, one a line, fields apart by
 * tabs; with a file loads it and prints the effective configuration, or the mistakes and ends with 78. No
 * program of the product.
 */
#include <config.h>

#include <stdio.h>
#include <sysexits.h>

#include <tact/config.h>

static int print_table(void)
{
	for (size_t i = 0; i < tact_config_option_count(); i++) {
		const struct tact_option *o = tact_config_option_at(i);
		printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", o->section, o->name, o->type, o->unit,
		    o->range, o->preset, o->required ? "required" : "", o->reloadable ? "reloadable" : "",
		    o->help);
	}
	return EX_OK;
}

static int print_file(const char *path)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_config *config = NULL;
	struct tact_config_mistakes mistakes = {.arena = arena};
	int status = tact_config_load(path, NULL, &config, &mistakes) == TACT_OK ? EX_OK : EX_CONFIG;
	for (size_t i = 0; i < mistakes.count; i++)
		fprintf(stderr, "%s\n", mistakes.texts[i]);
	if (status == EX_OK)
		fputs(tact_config_print(arena, config), stdout);
	tact_config_free(&config);
	tact_arena_free(&arena);
	return status;
}

int main(int argc, char **argv)
{
	return argc > 1 ? print_file(argv[1]) : print_table();
}
