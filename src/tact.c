/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact: the verbs for people and scripts. They stand in src/cli.
 */
#include <config.h>

#include <tact/cli.h>

int main(int argc, char **argv)
{
	return tact_cli_run(argc, argv);
}
