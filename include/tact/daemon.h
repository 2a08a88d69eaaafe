/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * daemon: tactd as a family of processes. libmilter serves one listening socket a process, so each listener
 * has a process of its own, the gate and the bell have one, and a parent watches over them: it loads and
 * reloads, tells systemd, and ends them all when one ends unasked (whoever started tactd starts it again;
 * Postfix answers 451 meanwhile).
 *
 * Thread rule: called once, from main.
 */
#ifndef TACT_DAEMON_H
#define TACT_DAEMON_H

#include <tact/config.h>

struct tact_daemon_options {
	const char *config_path;
	bool foreground; /* log to standard error, whatever the configuration says */
};

/* Loads, checks and prints every mistake on standard error. Exit code: 0, 78 (configuration), 66 (it, or
 * just now a file that it names, cannot be read). */
int tact_daemon_check(const char *config_path);
/* Prints the effective configuration; whether it arrives is for the caller to ask of stdout. The exit codes
 * are those of a check. */
int tact_daemon_print(const char *config_path);
/* Runs until SIGTERM or SIGINT. SIGUSR1 reloads, whole or not at all. Answers the exit code: 0, 78
 * (configuration, key or store identity), 75 (store or evidence cannot be opened now, or the store can be
 * used no longer: tact_store_is_over), 71 (system), 70 (a process ended unasked), 66 (the
 * configuration, or just now a file that it names, cannot be read). */
int tact_daemon_run(const struct tact_daemon_options *options);

#endif
