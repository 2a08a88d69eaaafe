/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What zone.c and zone_table.c share: what a zone is.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <glib.h>

#include <tact/base.h>

/* The clocks are changed. */
struct zone_change {
	int64_t time_s;
	int32_t offset_s; /* from then on */
};

/* Opened zones have rules, those of the table their changes in order, the first at the beginning of time. */
struct tact_zone {
	GTimeZone *rules;
	const char *name;
	const struct zone_change *changes;
	size_t changes_count;
};

/* Is there a zone below FOLDER under this plain relative name? */
bool zone_is_file(const char *folder, const char *name);
const char *zone_folder(void);
/* An interval is a stretch of time over which the offset stays. */
int zone_interval_at(const struct tact_zone *zone, int64_t time_s);
/* First second after low that is no longer in low's interval; high is known to be outside. */
int64_t zone_interval_end(const struct tact_zone *zone, int64_t low_s, int64_t high_s);

#endif
