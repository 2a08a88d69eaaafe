/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * config, inside the room: what single values and lists share.
 */
#ifndef TACT_CONFIG_VALUES_H
#define TACT_CONFIG_VALUES_H

#include "private.h"

/* "NAME: VALUE is WHY; write RANGE". */
void tact_config_refuse(struct build *build, const struct row *row, const struct entry *entry,
    const char *value, const char *why);
/* As it must stand in a file to be read back the same. */
const char *tact_config_quote(struct tact_arena *arena, const char *text);
/* As A-labels in lower case, or NULL. */
const char *tact_config_domain(struct build *build, const char *text);
const char *tact_config_print_milli(struct tact_arena *arena, int64_t milli);

#endif
