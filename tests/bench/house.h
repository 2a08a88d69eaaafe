/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What a program of `make bench` has open that works on tactd's own store and evidence.
 */
#ifndef TACT_BENCH_HOUSE_H
#define TACT_BENCH_HOUSE_H

#include <tact/config.h>
#include <tact/decide.h>

struct house {
	struct tact_arena *arena;
	struct tact_config *config;
	struct tact_keyring *keyring;
	struct tact_store *store;
	struct tact_identity identity;
	struct tact_audit *audit; /* NULL unless asked for */
};

/* Ends the program with a text when anything cannot be opened. */
void house_open(const char *config_path, bool with_audit, struct house *ret);
void house_close(struct house *house);
/* The key of person NUMBER, in ARENA what it took. */
struct tact_id house_key(const struct house *house, struct tact_arena *arena, uint64_t number);
/* Ends the program unless RESULT is TACT_OK. */
void house_need(int result, const char *what, const struct tact_error *err);

#endif
