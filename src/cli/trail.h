/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Where the wishes in a person's record came from of which none of his entries tells: a long import, which
 * has one entry for all whom nobody knew.
 */
#ifndef TACT_CLI_TRAIL_H
#define TACT_CLI_TRAIL_H

#include <jansson.h>

#include "private.h"

/* A long import, from its first entry to its last. */
struct cli_import_run {
	const char *host, *what;   /* "import of 5 rows of suppressions by eve from FILE (sha256 …)" */
	uint64_t seq;		   /* of its first entry */
	int64_t begun_us, done_us; /* INT64_MAX: it was not ended */
};
struct cli_told_wish {
	const char *scope, *reason, *time;
};
/* Zero to begin with, but for cli; all of it lives in the arena of the run. */
struct cli_origins {
	struct cli *cli;
	struct cli_import_run *runs;
	size_t runs_count;
	struct cli_told_wish *told; /* by entries of the person */
	size_t told_count;
	int64_t *versions; /* that his records had */
	size_t versions_count;
};
/* Any entry of the evidence; logs one after the other, each in order. */
void cli_origins_look(struct cli_origins *origins, const char *host, uint64_t seq, const char *json);
/* An entry of the person, borrowed. */
void cli_origins_take(struct cli_origins *origins, json_t *entry);
void cli_origins_take_version(struct cli_origins *origins, uint64_t version);
/* Prints each wish of DOSSIER that came with an import, and that. Answers how many. */
size_t cli_origins_tell(struct cli_origins *origins, const struct tact_dossier *dossier);

#endif
