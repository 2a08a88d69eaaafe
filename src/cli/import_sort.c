/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Sorting more records than fit into memory: each thread gathers and sorts some megabytes at a time and puts
 * them as a run into one file; reading merges the runs. Keys are as good as random, so most of the sorting is
 * counting their first bits. Knows nothing of what a record says.
 */
#include <config.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

#define WRITE_BYTES ((size_t)256 << 10)
#define MERGE_BYTES ((size_t)32 << 20) /* of all runs together, while they are merged */
#define MERGE_MOST ((size_t)256 << 10) /* of one run */
#define RECORD_MOST ((size_t)1 << 20)
#define PAGE 4096 /* of the system's memory of a file, at least */
/* Of a file that is complete; another one wherever the fields of a row are others. */
#define MAGIC UINT64_C(0x3273776f72746361)
#define DIGIT_BITS 11
#define DIGITS 3
#define CACHE_LINE 64
#define AHEAD 8	       /* records to be copied are asked for so far ahead */
#define NEXT_BYTES 128 /* most records, and the head behind them */

/* Before the bytes of each record, in memory and in the file, which no other machine reads. */
struct head {
	struct tact_id key;
	uint64_t order;
	uint64_t size;
};

struct run {
	uint64_t at, end; /* in the file */
};

/* Behind the runs: a struct run for each, then this. */
struct tail {
	uint64_t runs, records, magic;
};

struct cli_runs {
	char *path, *unfinished;
	int fd;
	pthread_mutex_t lock; /* of all that follows, and of the file's end */
	struct run *runs;
	size_t runs_count;
	uint64_t size, records;
	int failed; /* errno of the first write that did */
};

/* The first bits of a key, and where its record stands. */
struct place {
	uint64_t prefix;
	uint64_t at;
};

struct cli_sorter {
	struct cli_runs *runs;
	uint8_t *records;
	size_t used, most;
	struct place *places, *other;
	size_t count, room;
	uint8_t *out;
	char apart[CACHE_LINE]; /* from what another thread's allocation brings behind it */
};

static uint64_t prefix_of(const struct tact_id *key)
{
	uint64_t prefix;

	memcpy(&prefix, key->b, sizeof prefix);
	return be64toh(prefix);
}

static int compare_heads(const struct head *a, const struct head *b)
{
	int order = memcmp(a->key.b, b->key.b, TACT_ID_BYTES);

	return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* ---- the file ---------------------------------------------------------------------------------------- */

int cli_runs_new(const char *path, struct cli_runs **ret, struct tact_error *err)
{
	struct cli_runs *runs = tact_calloc(1, sizeof *runs);
	size_t room = strlen(path) + sizeof ".unfinished";

	pthread_mutex_init(&runs->lock, NULL);
	runs->path = tact_strdup(path);
	runs->unfinished = tact_malloc(room);
	snprintf(runs->unfinished, room, "%s.unfinished", path);
	runs->fd = open(runs->unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	*ret = runs;
	if (runs->fd >= 0)
		return TACT_OK;
	tact_error_set(err, TACT_SYSTEM, "%s: %s", runs->unfinished, strerror(errno));
	cli_runs_free(ret);
	return TACT_SYSTEM;
}

void cli_runs_free(struct cli_runs **runs)
{
	if (*runs == NULL)
		return;
	if ((*runs)->fd >= 0)
		close((*runs)->fd);
	unlink((*runs)->unfinished);
	pthread_mutex_destroy(&(*runs)->lock);
	free((*runs)->runs);
	free((*runs)->path);
	free((*runs)->unfinished);
	free(*runs);
	*runs = NULL;
}

/* Under the lock. Once a write has failed there is nothing to be added any more. */
static void append(struct cli_runs *runs, const void *bytes, size_t size)
{
	while (size > 0 && runs->failed == 0) {
		ssize_t done = write(runs->fd, bytes, size);

		if (done < 0) {
			runs->failed = errno == EINTR ? 0 : errno;
			continue;
		}
		bytes = (const char *)bytes + done;
		size -= (size_t)done;
		runs->size += (size_t)done;
	}
}

/* On the disk before it has its name, and its name too: the mark of how far an import came outlives a loss of
 * power, and what it counts must stand there then. */
static void put_in_place(struct cli_runs *r)
{
	if (r->failed == 0 && fdatasync(r->fd) != 0)
		r->failed = errno;
	if (close(r->fd) != 0 && r->failed == 0)
		r->failed = errno;
	r->fd = -1;
	if (r->failed == 0 && rename(r->unfinished, r->path) != 0)
		r->failed = errno;
	if (r->failed == 0)
		r->failed = cli_sync_name(r->path);
}

int cli_runs_end(struct cli_runs **runs, struct tact_error *err)
{
	struct cli_runs *r = *runs;
	struct tail tail = {.runs = r->runs_count, .records = r->records, .magic = MAGIC};
	int result = TACT_OK;

	append(r, r->runs, r->runs_count * sizeof *r->runs);
	append(r, &tail, sizeof tail);
	put_in_place(r);
	if (r->failed != 0)
		result = tact_error_set(err, TACT_SYSTEM,
		    "the rows could not be kept in %s: %s: is there room for them, some 100 bytes beside the "
		    "text of each?",
		    r->path, strerror(r->failed));
	cli_runs_free(runs);
	return result;
}

/* ---- sorting ----------------------------------------------------------------------------------------- */

struct cli_sorter *cli_sorter_new(struct cli_runs *runs, size_t gather_bytes)
{
	struct cli_sorter *sorter = tact_calloc(1, sizeof *sorter);

	sorter->runs = runs;
	sorter->most = gather_bytes > 2 * RECORD_MOST ? gather_bytes : 2 * RECORD_MOST;
	sorter->records = tact_malloc(sorter->most);
	sorter->out = tact_malloc(WRITE_BYTES);
	return sorter;
}

/* By the digit that stands SHIFT bits from the right, into the other array. Stable. */
static void sort_by_digit(struct cli_sorter *sorter, unsigned shift)
{
	size_t starts[1 << DIGIT_BITS] = {0}, sum = 0;
	const uint64_t mask = (1 << DIGIT_BITS) - 1;
	struct place *from = sorter->places;

	for (size_t i = 0; i < sorter->count; i++)
		starts[from[i].prefix >> shift & mask]++;
	for (size_t i = 0; i <= mask; i++) {
		size_t count = starts[i];

		starts[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < sorter->count; i++)
		sorter->other[starts[from[i].prefix >> shift & mask]++] = from[i];
	sorter->places = sorter->other;
	sorter->other = from;
}

static const struct head *head_at(const struct cli_sorter *sorter, const struct place *place)
{
	return (const struct head *)(sorter->records + place->at);
}

static int compare_places(const void *a, const void *b, void *context)
{
	const struct place *left = a, *right = b;

	if (left->prefix != right->prefix)
		return left->prefix < right->prefix ? -1 : 1;
	return compare_heads(head_at(context, left), head_at(context, right));
}

/* Few keys share the bits that were counted, unless it is one person again and again. */
static void sort_alike(struct cli_sorter *sorter)
{
	const unsigned rest = 64 - DIGITS * DIGIT_BITS;
	struct place *places = sorter->places;

	for (size_t at = 0, end; at < sorter->count; at = end) {
		for (end = at + 1; end < sorter->count; end++)
			if (places[end].prefix >> rest != places[at].prefix >> rest)
				break;
		if (end - at > 1)
			qsort_r(places + at, end - at, sizeof *places, compare_places, sorter);
	}
}

/* Under the lock of the file. */
static void write_records(struct cli_sorter *sorter)
{
	size_t used = 0;

	for (size_t i = 0; i < sorter->count; i++) {
		const struct head *head = head_at(sorter, &sorter->places[i]);
		size_t bytes = sizeof *head + head->size;

		if (i + AHEAD < sorter->count)
			__builtin_prefetch(head_at(sorter, &sorter->places[i + AHEAD]));
		if (used + bytes > WRITE_BYTES) {
			append(sorter->runs, sorter->out, used);
			used = 0;
		}
		if (bytes > WRITE_BYTES) {
			append(sorter->runs, head, bytes);
			continue;
		}
		memcpy(sorter->out + used, head, bytes);
		used += bytes;
	}
	append(sorter->runs, sorter->out, used);
}

static void write_run(struct cli_sorter *sorter)
{
	struct cli_runs *runs = sorter->runs;
	struct run run;

	if (sorter->count == 0)
		return;
	for (unsigned i = 0; i < DIGITS; i++)
		sort_by_digit(sorter, 64 - (DIGITS - i) * DIGIT_BITS);
	sort_alike(sorter);
	pthread_mutex_lock(&runs->lock);
	run.at = runs->size;
	write_records(sorter);
	run.end = runs->size;
	runs->runs = tact_realloc(runs->runs, (runs->runs_count + 1) * sizeof *runs->runs);
	runs->runs[runs->runs_count++] = run;
	runs->records += sorter->count;
	pthread_mutex_unlock(&runs->lock);
	/* On its way to the disk while more is read, so that little is left to be waited for at the end. */
	(void)sync_file_range(runs->fd, (off64_t)run.at, (off64_t)(run.end - run.at), SYNC_FILE_RANGE_WRITE);
	sorter->used = sorter->count = 0;
}

static size_t aligned(size_t size)
{
	return (size + 7) / 8 * 8;
}

static struct place *next_place(struct cli_sorter *sorter)
{
	if (sorter->count == sorter->room) {
		sorter->room = sorter->room == 0 ? 1024 : 2 * sorter->room;
		sorter->places = tact_realloc(sorter->places, sorter->room * sizeof *sorter->places);
		sorter->other = tact_realloc(sorter->other, sorter->room * sizeof *sorter->other);
	}
	return &sorter->places[sorter->count++];
}

void cli_sorter_add(
    struct cli_sorter *sorter, const struct tact_id *key, uint64_t order, const void *bytes, size_t size)
{
	struct head head = {.key = *key, .order = order, .size = aligned(size)};

	if (head.size > RECORD_MOST)
		abort(); /* our own bug: a row of a file is shorter */
	if (sorter->used + sizeof head + head.size > sorter->most)
		write_run(sorter);
	*next_place(sorter) = (struct place){.prefix = prefix_of(key), .at = sorter->used};
	memcpy(sorter->records + sorter->used, &head, sizeof head);
	memcpy(sorter->records + sorter->used + sizeof head, bytes, size);
	memset(sorter->records + sorter->used + sizeof head + size, 0, head.size - size);
	sorter->used += sizeof head + head.size;
}

void cli_sorter_end(struct cli_sorter **sorter)
{
	if (*sorter == NULL)
		return;
	write_run(*sorter);
	free((*sorter)->records);
	free((*sorter)->places);
	free((*sorter)->other);
	free((*sorter)->out);
	free(*sorter);
	*sorter = NULL;
}

/* ---- merging ----------------------------------------------------------------------------------------- */

/* A run being read: BYTES holds what stands in the file before AT and was not taken yet. */
struct source {
	uint64_t at, end;
	uint64_t let_go; /* in the file: what stands before it is not read again */
	uint8_t *bytes;
	size_t first, filled;
	const struct head *head; /* of its next record */
	uint64_t prefix;
};

struct cli_merge {
	int fd;
	char *path;
	size_t room; /* of each source */
	struct source *sources;
	size_t sources_count;
	struct source **heap; /* the least on top */
	size_t heap_count;
	bool taken; /* the top one's record was answered */
};

static int damaged(const struct cli_merge *merge, struct tact_error *err)
{
	return tact_error_set(
	    err, TACT_CORRUPT, "%s is not as it was written; begin again with --anew", merge->path);
}

static bool read_at(int fd, void *to, size_t size, uint64_t at)
{
	while (size > 0) {
		ssize_t got = pread(fd, to, size, (off_t)at);

		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		if (got < 0)
			continue;
		to = (char *)to + got;
		at += (size_t)got;
		size -= (size_t)got;
	}
	return true;
}

/* What was read need not stay in the system's memory: giving it back at the end, all at once, would keep
 * everybody waiting. */
static void let_go_of_read(const struct cli_merge *merge, struct source *source)
{
	(void)posix_fadvise(
	    merge->fd, (off_t)source->let_go, (off_t)(source->at - source->let_go), POSIX_FADV_DONTNEED);
	source->let_go = source->at - source->at % PAGE; /* of which the next bytes are a part */
}

/* At least WANTED bytes from FIRST on, in one piece. */
static bool need(struct cli_merge *merge, struct source *source, size_t wanted)
{
	size_t left = source->filled - source->first, room = merge->room > wanted ? merge->room : wanted,
	       more;

	if (left >= wanted)
		return true;
	if (source->end - source->at < wanted - left)
		return false;
	if (room > merge->room)
		source->bytes = tact_realloc(source->bytes, room); /* one that is longer than most */
	memmove(source->bytes, source->bytes + source->first, left);
	more = source->end - source->at < room - left ? (size_t)(source->end - source->at) : room - left;
	if (!read_at(merge->fd, source->bytes + left, more, source->at))
		return false;
	source->at += more;
	let_go_of_read(merge, source);
	source->first = 0;
	source->filled = left + more;
	return true;
}

/* It comes when all other runs have had their turn: by then it is to be in the processor's cache. */
static void ask_for_next(const struct source *source)
{
	const uint8_t *next = (const uint8_t *)(source->head + 1) + source->head->size;

	for (size_t i = 0; i < NEXT_BYTES; i += CACHE_LINE)
		__builtin_prefetch(next + i);
}

/* TACT_OK, TACT_ABSENT at the end, TACT_CORRUPT. A run that does not ascend is none. */
static int next_of(struct cli_merge *merge, struct source *source)
{
	struct head before = {0};
	uint64_t prefix = source->prefix;
	bool first = source->head == NULL;

	if (!first) {
		before = *source->head;
		source->first += sizeof before + before.size;
	}
	if (source->first == source->filled && source->at == source->end)
		return TACT_ABSENT;
	if (!need(merge, source, sizeof before))
		return TACT_CORRUPT;
	source->head = (const struct head *)(source->bytes + source->first);
	if (source->head->size > RECORD_MOST || source->head->size % 8 != 0 ||
	    !need(merge, source, sizeof before + source->head->size))
		return TACT_CORRUPT;
	source->head = (const struct head *)(source->bytes + source->first);
	source->prefix = prefix_of(&source->head->key);
	ask_for_next(source);
	return first || prefix < source->prefix || compare_heads(&before, source->head) < 0 ? TACT_OK
											    : TACT_CORRUPT;
}

static bool is_less(const struct source *a, const struct source *b)
{
	return a->prefix != b->prefix ? a->prefix < b->prefix : compare_heads(a->head, b->head) < 0;
}

static void sift_down(struct cli_merge *merge, size_t at)
{
	struct source *moved = merge->heap[at];

	for (size_t child; (child = 2 * at + 1) < merge->heap_count; at = child) {
		if (child + 1 < merge->heap_count && is_less(merge->heap[child + 1], merge->heap[child]))
			child++;
		if (!is_less(merge->heap[child], moved))
			break;
		merge->heap[at] = merge->heap[child];
	}
	merge->heap[at] = moved;
}

static int open_sources(struct cli_merge *merge, const struct run *runs, struct tact_error *err)
{
	size_t n = merge->sources_count;

	merge->sources = tact_calloc(n + 1, sizeof *merge->sources);
	merge->heap = tact_calloc(n + 1, sizeof(struct source *));
	merge->room =
	    n == 0 || MERGE_BYTES / n > MERGE_MOST ? MERGE_MOST : MERGE_BYTES / n / 4096 * 4096 + 4096;
	for (size_t i = 0; i < n; i++) {
		struct source *source = &merge->sources[i];

		*source = (struct source){.at = runs[i].at,
		    .end = runs[i].end,
		    .let_go = runs[i].at - runs[i].at % PAGE,
		    .bytes = tact_malloc(merge->room)};
		if (runs[i].end <= runs[i].at || next_of(merge, source) != TACT_OK)
			return damaged(merge, err);
		merge->heap[merge->heap_count++] = source;
	}
	for (size_t i = merge->heap_count; i-- > 0;)
		sift_down(merge, i);
	return TACT_OK;
}

static int read_tail(struct cli_merge *merge, uint64_t *ret_records, struct tact_error *err)
{
	off_t size = lseek(merge->fd, 0, SEEK_END);
	struct tail tail;
	struct run *runs;
	int result;

	if (size < (off_t)sizeof tail ||
	    !read_at(merge->fd, &tail, sizeof tail, (uint64_t)size - sizeof tail) || tail.magic != MAGIC ||
	    tail.runs > ((uint64_t)size - sizeof tail) / sizeof *runs)
		return damaged(merge, err);
	merge->sources_count = tail.runs;
	runs = tact_calloc(tail.runs + 1, sizeof *runs);
	result = read_at(merge->fd, runs, tail.runs * sizeof *runs,
		     (uint64_t)size - sizeof tail - tail.runs * sizeof *runs)
		     ? open_sources(merge, runs, err)
		     : damaged(merge, err);
	free(runs);
	*ret_records = tail.records;
	return result;
}

int cli_merge_open(const char *path, struct cli_merge **ret, uint64_t *ret_records, struct tact_error *err)
{
	struct cli_merge *merge = tact_calloc(1, sizeof *merge);
	int result;

	merge->path = tact_strdup(path);
	merge->fd = open(path, O_RDONLY | O_CLOEXEC);
	*ret = merge;
	result = merge->fd >= 0 ? read_tail(merge, ret_records, err)
				: tact_error_set(err, TACT_SYSTEM, "%s: %s; begin again with --anew", path,
				      strerror(errno));
	if (result != TACT_OK)
		cli_merge_close(ret);
	return result;
}

/* The record that was answered last is the top one's still. */
static int drop_top(struct cli_merge *merge)
{
	int result = next_of(merge, merge->heap[0]);

	if (result == TACT_ABSENT) {
		merge->heap[0] = merge->heap[--merge->heap_count];
		result = TACT_OK;
	}
	if (merge->heap_count > 0)
		sift_down(merge, 0);
	return result;
}

int cli_merge_next(struct cli_merge *merge, struct tact_id *ret_key, const void **ret_bytes, size_t *ret_size,
    struct tact_error *err)
{
	const struct head *head;

	if (merge->taken && drop_top(merge) != TACT_OK)
		return damaged(merge, err);
	merge->taken = merge->heap_count > 0;
	if (!merge->taken)
		return TACT_ABSENT;
	head = merge->heap[0]->head;
	*ret_key = head->key;
	*ret_bytes = head + 1;
	*ret_size = head->size;
	return TACT_OK;
}

void cli_merge_close(struct cli_merge **merge)
{
	if (*merge == NULL)
		return;
	if ((*merge)->fd >= 0)
		close((*merge)->fd);
	for (size_t i = 0; (*merge)->sources != NULL && i < (*merge)->sources_count; i++)
		free((*merge)->sources[i].bytes);
	free((*merge)->sources);
	free((*merge)->heap);
	free((*merge)->path);
	free(*merge);
	*merge = NULL;
}
