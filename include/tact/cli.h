/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * cli: the verbs of tact, one file each. Exit codes follow sysexits.
 *
 * Thread rule: single-threaded.
 */
#ifndef TACT_CLI_H
#define TACT_CLI_H

#include <tact/base.h>

/* Runs `tact ARGUMENTS` and answers the exit code. */
int tact_cli_run(int argc, char **argv);

#endif
