/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the parent and the processes of one tactd share.
 */
#ifndef TACT_DAEMON_PRIVATE_H
#define TACT_DAEMON_PRIVATE_H

#include <tact/daemon.h>
#include <tact/decide.h>

/* One process: a milter listener, or (listener NULL) the gate and the bell. */
struct service {
	const struct tact_listener *listener;
	const char *name;
	int pid;
};

/* Made by the parent before the first fork. */
struct family {
	const struct tact_daemon_options *options;
	struct tact_config *config;
	struct tact_ledger *ledger;
	int text_fd; /* memory file with the text of the configuration in force: what a reload loads, the same
			for all */
	int ready_fd[2]; /* a byte from each process that serves */
	uint64_t torn_bytes;
	bool damaged; /* the evidence, as found at the start */
	struct service *services;
	size_t count;
};

/* The process's life; answers its exit code. */
int service_run(struct family *family, const struct service *service);
/* Of a start that did not come about, and of a store that is over: 78 for what does not pass by itself and
 * systemd is not to try again, 75 for what another machine must answer or a start mends, 71 for the rest,
 * such as a shortage. */
int exit_code(int result);

/* ---- owed.c: the entries start and policy, however long the evidence cannot be written ---- */

struct owed;
/* NULL: no thread can be made. Serves the thread that reloads and the one that serves. */
struct owed *owed_open(struct tact_decider *decider);
/* Writes the entry START or POLICY now or, when it answers TACT_UNAVAILABLE, as soon as that can be done; a
 * POLICY owed is about the rules in force then. detail "" for none. */
int owed_record(struct owed *owed, enum tact_audit_kind kind, const char *detail, struct tact_error *err);
/* Tries what is owed once more. */
void owed_close(struct owed **owed);

/* Locks (F_RDLCK, F_WRLCK) and unlocks (F_UNLCK) the memory file between processes. TACT_OK or TACT_SYSTEM.
 */
int lock_text(int fd, short type);
/* Loads the configuration from the family's memory file. */
int load_shared(const struct family *family, struct tact_config **ret, struct tact_config_mistakes *mistakes);
void log_as_configured(
    const struct tact_daemon_options *options, const struct tact_config *config, const char *name);

/* ---- tender.c: campaigns, and whether the store is over, once a second ---- */

struct tender;
/* All borrowed. NULL when no thread can be made. A store that is over ends the process as SIGTERM does. */
struct tender *tender_open(struct tact_decider *decider, struct tact_store *store, const char *name);
/* Writes what is left to be written. */
void tender_close(struct tender **tender);

#endif
