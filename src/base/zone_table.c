/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The table of all zones, so that a decision reads no file to know what time it is where a person lives.
 * GLib's own form of them all would take 9 MB in each process; the changes of the clocks of a hundred years
 * take less than one.
 */
#include <config.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "zone.h"

#define FIRST_S INT64_C(946684800) /* 2000-01-01 */
#define LAST_S INT64_C(4102444800) /* 2100-01-01 */
#define STEP_S (26 * 7 * INT64_C(86400))
#define FOLDERS_DEEP 3

/* Many names are of one zone, in files that are the same to the byte. */
struct known_file {
	uint8_t digest[TACT_SHA256_BYTES];
	const struct zone_change *changes;
	size_t changes_count;
};

static struct {
	struct tact_arena *arena; /* lives as long as the process */
	struct tact_zone *zones;  /* sorted by name */
	size_t zones_count;
	struct known_file *files;
	size_t files_count;
} table;

/* ---- the changes of one zone ------------------------------------------------------------------------- */

static void list_changes(const struct tact_zone *zone, struct known_file *ret)
{
	struct tact_arena *scratch = tact_arena_new();
	struct zone_change *changes = NULL;
	int64_t time_s = FIRST_S, next_s;
	int last = zone_interval_at(zone, LAST_S);

	*TACT_PUSH(scratch, changes, ret->changes_count) =
	    (struct zone_change){INT64_MIN, tact_zone_offset(zone, time_s, time_s, &next_s)};
	while (time_s < LAST_S && zone_interval_at(zone, time_s) != last) {
		next_s = time_s + STEP_S;
		if (zone_interval_at(zone, next_s) == zone_interval_at(zone, time_s)) {
			time_s = next_s;
			continue;
		}
		time_s = zone_interval_end(zone, time_s, next_s);
		*TACT_PUSH(scratch, changes, ret->changes_count) =
		    (struct zone_change){time_s, tact_zone_offset(zone, time_s, time_s, &next_s)};
	}
	ret->changes = tact_arena_copy(table.arena, changes, ret->changes_count * sizeof *changes);
	tact_arena_free(&scratch);
}

static void digest_file(const char *name, uint8_t ret[TACT_SHA256_BYTES])
{
	char path[4096], bytes[65536];
	FILE *file;
	size_t size = 0;

	(void)snprintf(path, sizeof path, "%s/%s", zone_folder(), name);
	file = fopen(path, "re");
	if (file != NULL) {
		size = fread(bytes, 1, sizeof bytes, file);
		(void)fclose(file);
	}
	tact_digest_sha256(bytes, size, ret);
}

static const struct known_file *know_file(const char *name)
{
	struct known_file fresh = {.changes = NULL}, *file;
	struct tact_zone *zone;

	digest_file(name, fresh.digest);
	for (size_t i = 0; i < table.files_count; i++)
		if (memcmp(table.files[i].digest, fresh.digest, sizeof fresh.digest) == 0)
			return &table.files[i];
	zone = tact_zone_open(name);
	if (zone == NULL)
		return NULL;
	list_changes(zone, &fresh);
	tact_zone_free(&zone);
	file = TACT_PUSH(table.arena, table.files, table.files_count);
	*file = fresh;
	return file;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

static void add_zone(const char *name)
{
	const struct known_file *file = know_file(name);

	if (file != NULL)
		*TACT_PUSH(table.arena, table.zones, table.zones_count) =
		    (struct tact_zone){.name = tact_arena_strdup(table.arena, name),
			.changes = file->changes,
			.changes_count = file->changes_count};
}

static bool is_folder(const char *below)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/%s", zone_folder(), below);
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* right/ counts leap seconds, posix/ holds the same once more. */
static bool is_left_out(const char *below)
{
	return strcmp(below, "right") == 0 || strcmp(below, "posix") == 0;
}

static void add_folder(const char *below, int deep)
{
	char path[4096], name[512];
	DIR *folder;
	const struct dirent *entry;

	(void)snprintf(path, sizeof path, "%s/%s", zone_folder(), below);
	folder = opendir(path);
	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof name, "%s%s%s", below, *below == '\0' ? "" : "/", entry->d_name);
		if (!is_folder(name) && zone_is_file(zone_folder(), name))
			add_zone(name);
		else if (is_folder(name) && !is_left_out(name) && deep > 0)
			add_folder(name, deep - 1);
	}
	(void)closedir(folder);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct tact_zone *)a)->name, ((const struct tact_zone *)b)->name);
}

static void make_table(void)
{
	table.arena = tact_arena_new();
	add_folder("", FOLDERS_DEEP);
	if (table.zones_count > 0)
		qsort(table.zones, table.zones_count, sizeof *table.zones, compare);
}

void tact_zone_make_table(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, make_table);
}

const struct tact_zone *tact_zone_find(const char *name)
{
	const struct tact_zone wanted = {.name = name};

	if (name == NULL || *name == '\0')
		return NULL;
	tact_zone_make_table();
	return bsearch(&wanted, table.zones, table.zones_count, sizeof *table.zones, compare);
}
