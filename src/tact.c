/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact: the verbs for people and scripts. They stand in src/cli.
 */
#include <config.h>

#include <sysexits.h>

#include <tact/base.h>
#include <tact/cli.h>

int main(int argc, char **argv)
{
	if (tact_streams_hold() != TACT_OK)
		return EX_OSERR;
	return tact_cli_run(argc, argv);
}
