/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A decider over a real store and a real evidence log, in a folder of its own.
 */
#ifndef TESTS_UNIT_DECIDE_HELP_H
#define TESTS_UNIT_DECIDE_HELP_H

#include <tact/config.h>
#include <tact/decide.h>

struct bench {
	char dir[64];
	struct tact_arena *arena;
	struct tact_config *config;
	struct tact_keyring *keyring;
	struct tact_store *store;
	struct tact_audit *audit;
	struct tact_identity identity;
	struct tact_decider *decider;
};
extern struct bench b;

/* Opens everything below a new folder; url NULL: lmdb there. A mistake fails the test. */
void bench_open(const char *url, const char *configuration);
/* Closes everything and takes the folder away. */
void bench_close(void);
/* Another log, or none, for the same store. */
void bench_use_audit(struct tact_audit *audit);
const char *bench_below(const char *name);
struct tact_recipient bench_person(const char *address);
struct tact_dossier bench_view(const char *address);

#endif
