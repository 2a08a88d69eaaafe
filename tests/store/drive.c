/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One process that uses a store as a test tells it to: `drive URL`, then a command on each line of standard
 * input, an answer on each line of standard output. Records are decimal numbers; key N has N's low byte
 *first.
 *
 *	count N MS		adds one, within MS: RESULT TOOK_MS
 *	due PART | scan PART	what wakes, or the dossiers, of one part: RESULT TOOK_MS COUNT
 *	both PART		two threads ask at once for what wakes: RESULT RESULT
 *	look N MS		an update that changes nothing: RESULT TOOK_MS
 *	read N MS		RESULT TOOK_MS NUMBER
 *	many THREADS ROUNDS N SPREAD MS	each thread adds one, ROUNDS times, to key N + (its number × 7 +
 *round) % SPREAD: ok=A unavailable=B uncertain=C slowest_ms=D commits | error | now | parts
 *	several N COUNT MS	adds one to each of COUNT keys from N on, in one call: RESULT of each
 *	keyless			takes the recovery key out of the store's identity: RESULT
 *	rename TEXT		makes the store's identity TEXT, whatever it was: RESULT
 */
#include <config.h>

#include <tact/store.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t tact_store_commits(struct tact_store *store);

static struct tact_store *store;

static struct tact_store_key key_of(unsigned long long n)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER};

	for (size_t i = 0; i < 8; i++)
		key.id.b[i] = (uint8_t)(n >> (8 * i));
	return key;
}

static long number_of(const struct tact_record *record)
{
	char text[32] = "0";

	if (record->size > 0 && record->size < sizeof text)
		memcpy(text, record->bytes, record->size);
	return strtol(text, NULL, 10);
}

static bool add_one(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	char(*texts)[32] = context; /* one for each key */

	(void)now_us;
	ret->size = (size_t)snprintf(texts[index], sizeof *texts, "%ld", number_of(now) + 1);
	ret->bytes = texts[index];
	return true;
}

static bool change_nothing(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	(void)context, (void)index, (void)now, (void)now_us, (void)ret;
	return false;
}

static int update(unsigned long long n, int64_t ms, tact_store_change_fn fn, int64_t *ret_took_ms)
{
	struct tact_store_key key = key_of(n);
	struct tact_store_answer answer;
	char text[32];
	int64_t began_ms = tact_clock_monotonic_ms();
	int result = tact_store_update(store, &key, 1, fn, &text, &answer, ms > 0 ? began_ms + ms : 0);

	*ret_took_ms = tact_clock_monotonic_ms() - began_ms;
	return result;
}

static void do_update(unsigned long long n, int64_t ms, tact_store_change_fn fn)
{
	int64_t took_ms;
	int result = update(n, ms, fn, &took_ms);

	printf("%s %lld\n", tact_result_name(result), (long long)took_ms);
}

static void do_several(unsigned long long first, size_t count, int64_t ms)
{
	struct tact_store_key *keys = tact_calloc(count, sizeof *keys);
	struct tact_store_answer *answers = tact_calloc(count, sizeof *answers);
	char(*texts)[32] = tact_calloc(count, sizeof *texts);

	for (size_t i = 0; i < count; i++)
		keys[i] = key_of(first + i);
	(void)tact_store_update(store, keys, count, add_one, texts, answers, tact_clock_monotonic_ms() + ms);
	for (size_t i = 0; i < count; i++)
		printf("%s%s", i > 0 ? " " : "", tact_result_name(answers[i].result));
	printf("\n");
	free(keys);
	free(answers);
	free(texts);
}

static void do_read(unsigned long long n, int64_t ms)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_store_key key = key_of(n);
	struct tact_store_answer answer;
	struct tact_record record;
	int64_t began_ms = tact_clock_monotonic_ms();
	int result = tact_store_read(store, &key, 1, arena, &record, &answer, began_ms + ms);

	printf("%s %lld %ld\n", tact_result_name(result), (long long)(tact_clock_monotonic_ms() - began_ms),
	    result == TACT_OK ? number_of(&record) : -1);
	tact_arena_free(&arena);
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct tact_store_key));
}

static void count_answers(
    const struct tact_store_answer *answers, size_t count, size_t *ret_made, size_t *ret_known)
{
	for (size_t i = 0; i < count; i++) {
		*ret_made += answers[i].result == TACT_OK;
		*ret_known += answers[i].result == TACT_REFUSED;
	}
}

static void do_fill(unsigned long long first, size_t count, unsigned long long step)
{
	struct tact_store_key *keys = tact_calloc(count, sizeof *keys);
	struct tact_store_put *puts = tact_calloc(count, sizeof *puts);
	struct tact_store_answer *answers = tact_calloc(count, sizeof *answers);
	struct tact_store_pace pace = {.chunk = count};
	struct tact_error err;
	int64_t began_ms = tact_clock_monotonic_ms();
	size_t made = 0, known = 0;

	for (size_t i = 0; i < count; i++) {
		keys[i] = key_of(first + i * step);
		puts[i] = (struct tact_store_put){.bytes = "0", .size = 1, .wake_us = i % 3 == 0 ? 1000 : 0};
	}
	qsort(keys, count, sizeof *keys, compare_keys);
	int result = tact_store_fill(store, &pace, keys, puts, count, answers, &err);
	count_answers(answers, count, &made, &known);
	printf("%s %lld made=%zu known=%zu\n", tact_result_name(result),
	    (long long)(tact_clock_monotonic_ms() - began_ms), made, known);
	free(keys);
	free(puts);
	free(answers);
}

struct many {
	unsigned long long first, spread;
	int64_t ms;
	int rounds;
	atomic_int next, ok, unavailable, uncertain;
	atomic_llong slowest_ms;
};

static void *run_many(void *context)
{
	struct many *many = context;
	unsigned me = (unsigned)atomic_fetch_add(&many->next, 1);

	for (int i = 0; i < many->rounds; i++) {
		int64_t took_ms;
		int result =
		    update(many->first + (me * 7u + (unsigned)i) % many->spread, many->ms, add_one, &took_ms);

		atomic_fetch_add(result == TACT_OK	    ? &many->ok
				 : result == TACT_UNCERTAIN ? &many->uncertain
							    : &many->unavailable,
		    1);
		if (took_ms > atomic_load(&many->slowest_ms))
			atomic_store(&many->slowest_ms, took_ms);
	}
	return NULL;
}

static void do_many(int threads, struct many *many)
{
	pthread_t ids[256];

	for (int i = 0; i < threads && i < 256; i++)
		if (pthread_create(&ids[i], NULL, run_many, many) != 0)
			abort();
	for (int i = 0; i < threads && i < 256; i++)
		pthread_join(ids[i], NULL);
	printf("ok=%d unavailable=%d uncertain=%d slowest_ms=%lld\n", many->ok, many->unavailable,
	    many->uncertain, many->slowest_ms);
}

static bool see(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	(void)key, (void)record;
	++*(int *)context;
	return true;
}

static int ask_part(unsigned long long part, bool due, int *ret_seen)
{
	struct tact_store_layout layout;
	struct tact_error err;
	int result = tact_store_layout(store, &layout, &err);

	*ret_seen = 0;
	if (result != TACT_OK)
		return result;
	if (due)
		return tact_store_due_part(store, &layout, part, 0, INT64_MAX, 1000000, see, ret_seen, &err);
	return tact_store_scan_part(store, &layout, part, TACT_STORE_DOSSIER, see, ret_seen, &err);
}

struct asking {
	pthread_t thread;
	unsigned long long part;
	int result;
};

static void *ask_main(void *context)
{
	struct asking *asking = context;
	int seen;

	asking->result = ask_part(asking->part, true, &seen);
	return NULL;
}

static void do_both(unsigned long long part)
{
	struct asking two[2] = {{.part = part}, {.part = part}};

	for (int i = 0; i < 2; i++)
		if (pthread_create(&two[i].thread, NULL, ask_main, &two[i]) != 0)
			abort();
	for (int i = 0; i < 2; i++)
		(void)pthread_join(two[i].thread, NULL);
	printf("%s %s\n", tact_result_name(two[0].result), tact_result_name(two[1].result));
}

static void do_part(unsigned long long part, bool due)
{
	int64_t began_ms = tact_clock_monotonic_ms();
	int seen, result = ask_part(part, due, &seen);

	printf("%s %lld %d\n", tact_result_name(result), (long long)(tact_clock_monotonic_ms() - began_ms),
	    seen);
}

/* Sets the identity to TEXT; NULL: to itself without its last line, the recovery key. */
static void do_identity(const char *text)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_error err;
	char *stored, *line;
	int result = tact_store_identity(store, arena, &stored, &err);

	if (result == TACT_OK && text == NULL) {
		text = tact_arena_strdup(arena, stored);
		line = strstr(text, "recovery ");
		if (line != NULL)
			*line = '\0';
	}
	if (result == TACT_OK)
		result = tact_store_set_identity(store, stored, text, &err);
	puts(tact_result_name(result));
	tact_arena_free(&arena);
}

/* How many parts, and in which of them the ids stand that begin with 0, 1, 2 ... */
static void do_layout(void)
{
	struct tact_store_layout layout;
	struct tact_error err;

	if (tact_store_layout(store, &layout, &err) != TACT_OK) {
		printf("%s\n", err.text);
		return;
	}
	printf("%zu", layout.parts);
	for (size_t i = 0; i < sizeof layout.part_of; i++)
		printf(" %d", layout.part_of[i]);
	printf("\n");
}

static void obey(const char *line)
{
	struct tact_error err;
	struct many many = {.first = 0};
	unsigned long long n, step;
	size_t count;
	long long ms;
	int threads;

	if (sscanf(line, "count %llu %lld", &n, &ms) == 2)
		do_update(n, ms, add_one);
	else if (sscanf(line, "fill %llu %zu %llu", &n, &count, &step) == 3)
		do_fill(n, count, step);
	else if (sscanf(line, "look %llu %lld", &n, &ms) == 2)
		do_update(n, ms, change_nothing);
	else if (sscanf(line, "read %llu %lld", &n, &ms) == 2)
		do_read(n, ms);
	else if (sscanf(line, "many %d %d %llu %llu %lld", &threads, &many.rounds, &many.first, &many.spread,
		     &ms) == 5)
		many.ms = ms, do_many(threads, &many);
	else if (sscanf(line, "several %llu %zu %lld", &n, &count, &ms) == 3)
		do_several(n, count, ms);
	else if (sscanf(line, "due %llu", &n) == 1)
		do_part(n, true);
	else if (sscanf(line, "both %llu", &n) == 1)
		do_both(n);
	else if (sscanf(line, "scan %llu", &n) == 1)
		do_part(n, false);
	else if (strcmp(line, "parts\n") == 0)
		do_layout();
	else if (strcmp(line, "commits\n") == 0)
		printf("%llu\n", (unsigned long long)tact_store_commits(store));
	else if (strcmp(line, "now\n") == 0)
		printf("%lld\n", (long long)tact_store_now_us(store));
	else if (strcmp(line, "keyless\n") == 0)
		do_identity(NULL);
	else if (strncmp(line, "rename ", 7) == 0)
		do_identity(line + 7);
	else if (strcmp(line, "error\n") == 0)
		tact_store_last_error(store, &err), printf("%s\n", err.text);
	else
		printf("what is %s", line);
}

int main(int argc, char **argv)
{
	struct tact_error err;
	char line[200];

	if (argc != 2)
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (tact_store_open(argv[1], &store, &err) != TACT_OK) {
		printf("closed: %s\n", err.text);
		return EXIT_FAILURE;
	}
	puts("open");
	while (fgets(line, sizeof line, stdin))
		obey(line);
	tact_store_close(&store);
	return EXIT_SUCCESS;
}
