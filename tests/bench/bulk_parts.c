/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What an import does to each row beside keying it, each by itself in one thread: bulk.py tells of them where
 * the rest of the time goes.
 *
 *     bulk_parts FILE FOLDER      a CSV file with email, reason, created_at; where rows may be sorted
 *
 * Prints one JSON object: microseconds of processor time a row.
 */
#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../src/cli/private.h"
#include "bench.h"

enum { REASON = CLI_CSV_OWN, CREATED };
#define CHUNK 65536 /* rows that an import makes ready at once */
#define GATHER_BYTES ((size_t)16 << 20)

struct parts {
	uint64_t rows, used;
	struct tact_arena *arena;
	struct cli_sorter *sorter; /* NULL: rows are only read */
	struct cli_bytes packed;
};

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bulk_parts: %s failed\n", what);
	exit(EX_SOFTWARE);
}

static int field_of(void *context, const char *column)
{
	(void)context;
	return strcmp(column, "reason") == 0 ? REASON : strcmp(column, "created_at") == 0 ? CREATED : -1;
}

static void take_row(void *context, struct cli_csv *csv)
{
	struct parts *parts = context;
	struct cli_import_row row = {
	    .person = cli_csv_cell(csv, CLI_CSV_EMAIL), .source = "import suppressed.csv"};
	uint64_t spread = ++parts->rows * UINT64_C(0x9e3779b97f4a7c15);

	need(tact_dossier_parse_reason(cli_csv_cell(csv, REASON), &row.reason) == TACT_OK, "reason");
	need(cli_csv_time(csv, CREATED, "created_at", &row.time_us), "created_at");
	parts->used += (uint64_t)row.time_us;
	if (parts->sorter == NULL)
		return;
	memcpy(row.key.b, &spread, sizeof spread); /* as good as random */
	cli_spool_pack(&row, &parts->packed);
	cli_sorter_add(parts->sorter, &row.key, parts->rows, parts->packed.data, parts->packed.size);
}

static double digest(const char *path)
{
	uint8_t ret[TACT_SHA256_BYTES];
	double began = bench_cpu_us();
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	need(fd >= 0 && tact_digest_sha256_file(fd, ret) == TACT_OK, path);
	close(fd);
	return bench_cpu_us() - began;
}

static double read_rows(struct parts *parts, const char *path)
{
	size_t mistakes = 0;
	struct cli_csv_file csv = {
	    .name = path, .field_of = field_of, .row = take_row, .context = parts, .mistakes = &mistakes};
	FILE *file = fopen(path, "re");
	double began = bench_cpu_us();

	parts->rows = 0;
	need(file != NULL && cli_csv_read(&csv, file) == EX_OK && mistakes == 0 && parts->rows > 0, path);
	fclose(file);
	return bench_cpu_us() - began;
}

static double sort_rows(struct parts *parts, const char *path, const char *sorted)
{
	struct cli_runs *runs;
	double began = bench_cpu_us();

	need(cli_runs_new(sorted, &runs, NULL) == TACT_OK, sorted);
	parts->sorter = cli_sorter_new(runs, GATHER_BYTES);
	(void)read_rows(parts, path);
	cli_sorter_end(&parts->sorter);
	need(cli_runs_end(&runs, NULL) == TACT_OK, sorted);
	return bench_cpu_us() - began;
}

static double merge_rows(struct parts *parts, const char *sorted)
{
	struct cli_import import = {.kind = CLI_SUPPRESSIONS};
	struct cli_import_row row;
	struct cli_merge *merge;
	const void *bytes;
	struct cli_spool_words words;
	uint64_t records, read = 0;
	size_t size;
	double began = bench_cpu_us();

	need(cli_merge_open(sorted, &merge, &records, NULL) == TACT_OK, sorted);
	for (; cli_merge_next(merge, &row.key, &bytes, &size, NULL) == TACT_OK; read++) {
		if (read % CHUNK == 0) {
			tact_arena_reset(parts->arena);
			words = (struct cli_spool_words){0};
		}
		need(cli_spool_unpack(bytes, size, &import, parts->arena, &words, &row), "unpacking");
	}
	need(read == records && read == parts->rows, "merging");
	cli_merge_close(&merge);
	return bench_cpu_us() - began;
}

int main(int argc, char **argv)
{
	struct parts parts = {.arena = tact_arena_new()};
	double digest_us, read_us, sort_us, merge_us, rows;
	char sorted[4096];

	if (argc != 3)
		return fprintf(stderr, "usage: bulk_parts FILE FOLDER\n"), EX_USAGE;
	snprintf(sorted, sizeof sorted, "%s/sorted", argv[2]);
	digest_us = digest(argv[1]);
	read_us = read_rows(&parts, argv[1]);
	sort_us = sort_rows(&parts, argv[1], sorted) - read_us;
	merge_us = merge_rows(&parts, sorted);
	rows = (double)parts.rows;
	printf("{\"digest_us\": %.3f, \"csv_us\": %.3f, \"sort_us\": %.3f, \"merge_us\": %.3f, \"used\": "
	       "%llu}\n",
	    digest_us / rows, read_us / rows, sort_us / rows, merge_us / rows,
	    (unsigned long long)parts.used);
	unlink(sorted);
	free(parts.packed.data);
	tact_arena_free(&parts.arena);
	return EX_OK;
}
