/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How far a long import has come: a small file that is replaced, never written over, so that whatever ends
 * the import leaves one that is true.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

#define FORMAT                                                                                               \
	"tact-import 3\ndigest %s\nrows %" PRIu64 "\nexpired %" PRIu64 "\ndone %" PRIu64 "\nnew %" PRIu64    \
	"\nknown %" PRIu64 "\nbegun %" PRId64 "\n"
#define DIGEST_DIGITS (2 * TACT_SHA256_BYTES)

int cli_mark_read(struct tact_arena *arena, const char *path, struct cli_mark *ret, struct tact_error *err)
{
	char digest[DIGEST_DIGITS + 1];
	FILE *file = fopen(path, "re");
	struct cli_mark mark;
	int read;

	if (file == NULL)
		return errno == ENOENT ? TACT_ABSENT
				       : tact_error_set(err, TACT_SYSTEM, "%s: %s", path, strerror(errno));
	read = fscanf(file,
	    "tact-import 3 digest %64[0-9a-f] rows %" SCNu64 " expired %" SCNu64 " done %" SCNu64
	    " new %" SCNu64 " known %" SCNu64 " begun %" SCNd64,
	    digest, &mark.rows, &mark.expired, &mark.done, &mark.fresh, &mark.known, &mark.begun_us);
	fclose(file);
	if (read != 7)
		return tact_error_set(err, TACT_CORRUPT,
		    "%s is no mark of an import: remove it, or begin again with --anew", path);
	*ret = mark;
	ret->digest = tact_arena_strdup(arena, digest);
	return TACT_OK;
}

static bool write_all(int fd, const char *text)
{
	size_t length = strlen(text);

	return write(fd, text, length) == (ssize_t)length && fdatasync(fd) == 0;
}

int cli_sync_name(const char *path)
{
	char *copy = tact_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	    error = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return error;
}

int cli_mark_write(
    struct tact_arena *arena, const char *path, const struct cli_mark *mark, struct tact_error *err)
{
	const char *fresh = tact_arena_printf(arena, "%s.new", path),
		   *text = tact_arena_printf(arena, FORMAT, mark->digest, mark->rows, mark->expired,
		       mark->done, mark->fresh, mark->known, mark->begun_us);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool done = fd >= 0 && write_all(fd, text);

	if (fd >= 0)
		done = close(fd) == 0 && done;
	if (done && rename(fresh, path) == 0 && (errno = cli_sync_name(path)) == 0)
		return TACT_OK;
	return tact_error_set(err, TACT_SYSTEM, "%s: %s", path, strerror(errno));
}
