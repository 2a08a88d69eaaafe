/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What an import rests on, each by itself; bulk.py puts them beside `tact import --bulk` and COPY.
 *
 *     bulk key TACT.CONF ROWS     keying alone: by plain calls of the library, by tact, from the text on
 *     bulk fill URL ROWS          ready records into an empty store
 *     bulk size URL ROWS          what each of them takes there
 *     bulk floor FOLDER ROWS      the same by mdb_put with MDB_APPEND, as often flushed, never resting
 *     bulk copy ROWS              the same records as COPY's binary format, on standard output
 *
 * Prints one JSON object, but for copy.
 */
#include <config.h>

#include <lmdb.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "bench.h"
#include "house.h"

#define CALL 65536 /* rows of one call, as an import has them */
#define FLUSH_US 15000
#define FRAME_BYTES 13 /* of a record that never wakes */

/* ---- keying ----------------------------------------------------------------------------------------------
 */

static void need_crypto(bool good)
{
	if (good)
		return;
	fprintf(stderr, "bulk: libcrypto failed\n");
	exit(EX_SOFTWARE);
}

struct hmac {
	EVP_MD *sha256;
	EVP_MAC *mac;
	EVP_MD_CTX *digest;
	EVP_MAC_CTX *context;
	uint8_t secret[TACT_SHA256_BYTES];
};

static void hmac_begin(struct hmac *ret)
{
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};

	ret->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ret->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	need_crypto(ret->sha256 != NULL && ret->mac != NULL);
	ret->digest = EVP_MD_CTX_new();
	ret->context = EVP_MAC_CTX_new(ret->mac);
	need_crypto(
	    ret->digest != NULL && ret->context != NULL && EVP_MAC_CTX_set_params(ret->context, params) == 1);
	tact_random_bytes(ret->secret, sizeof ret->secret);
}

static void hmac_end(struct hmac *hmac)
{
	EVP_MD_CTX_free(hmac->digest);
	EVP_MAC_CTX_free(hmac->context);
	EVP_MD_free(hmac->sha256);
	EVP_MAC_free(hmac->mac);
}

/* The yardstick that imports are held against, "HMAC alone", is this and stays this, however tact itself
 * comes to its keys: no call of tact's own, and the secret handed over at each. */
static struct tact_id hmac_key(const struct hmac *hmac, const char *address, size_t length)
{
	uint8_t digest[TACT_SHA256_BYTES], whole[TACT_SHA256_BYTES];
	struct tact_id id;
	size_t whole_length;

	need_crypto(EVP_DigestInit_ex2(hmac->digest, hmac->sha256, NULL) == 1 &&
		    EVP_DigestUpdate(hmac->digest, address, length) == 1 &&
		    EVP_DigestFinal_ex(hmac->digest, digest, NULL) == 1);
	need_crypto(EVP_MAC_init(hmac->context, hmac->secret, sizeof hmac->secret, NULL) == 1 &&
		    EVP_MAC_update(hmac->context, digest, sizeof digest) == 1 &&
		    EVP_MAC_final(hmac->context, whole, &whole_length, sizeof whole) == 1);
	memcpy(id.b, whole, sizeof id.b);
	return id;
}

static double hmac_alone_us(uint64_t rows, unsigned *used)
{
	struct hmac hmac;
	char address[64];
	double took_us;

	hmac_begin(&hmac);
	took_us = bench_cpu_us();
	for (uint64_t i = 0; i < rows; i++) {
		int length = snprintf(address, sizeof address, BENCH_ADDRESS, (unsigned long long)i);

		*used += hmac_key(&hmac, address, (size_t)length).b[0];
	}
	took_us = bench_cpu_us() - took_us;
	hmac_end(&hmac);
	return took_us / (double)rows;
}

/* The same by tact's own calls. */
static double own_us(const struct house *house, uint64_t rows, unsigned *used)
{
	char address[64];
	double began = bench_cpu_us();

	for (uint64_t i = 0; i < rows; i++) {
		uint8_t digest[TACT_SHA256_BYTES];
		int length = snprintf(address, sizeof address, BENCH_ADDRESS, (unsigned long long)i);

		tact_digest_sha256(address, (size_t)length, digest);
		*used += tact_facts_key(house->keyring, 0, digest).b[0];
	}
	return (bench_cpu_us() - began) / (double)rows;
}

static double recipient_us(const struct house *house, uint64_t rows, unsigned *used)
{
	struct tact_arena *arena = tact_arena_new();
	double took_us = bench_cpu_us();

	for (uint64_t i = 0; i < rows; i++) {
		tact_arena_reset(arena);
		*used += house_key(house, arena, i).b[0];
	}
	took_us = bench_cpu_us() - took_us;
	tact_arena_free(&arena);
	return took_us / (double)rows;
}

static void say_key(const char *config_path, uint64_t rows)
{
	struct house house;
	double alone, own, recipient;
	unsigned used = 0;

	house_open(config_path, false, &house);
	alone = hmac_alone_us(rows, &used);
	own = own_us(&house, rows, &used);
	recipient = recipient_us(&house, rows, &used);
	printf("{\"hmac_us\": %.3f, \"own_us\": %.3f, \"recipient_us\": %.3f, \"used\": %u}\n", alone, own,
	    recipient, used);
	house_close(&house);
}

/* ---- ready records ---------------------------------------------------------------------------------------
 */

struct ready {
	struct tact_id *keys; /* ascending */
	size_t count;
	const void *bytes; /* of every record: a suppressed recipient as an import leaves him */
	size_t size;
};

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, TACT_ID_BYTES);
}

static void make_ready(struct tact_arena *arena, size_t count, struct ready *ret)
{
	struct tact_suppression wish = {.reason = TACT_MANUAL,
	    .scope.value = "",
	    .source = "import blocklist.csv",
	    .note = "",
	    .time_us = INT64_C(1795510800123456),
	    .ended_by = "",
	    .ended_why = ""};
	struct tact_dossier dossier;

	ret->count = count;
	ret->keys = tact_calloc(count, sizeof *ret->keys);
	tact_random_bytes(ret->keys, count * sizeof *ret->keys);
	qsort(ret->keys, count, sizeof *ret->keys, compare_ids);
	tact_dossier_init(&dossier);
	dossier.history_since_us = INT64_C(1795510800123456);
	tact_dossier_add_suppression(arena, &dossier, &wish);
	tact_dossier_encode(arena, &dossier, &ret->bytes, &ret->size);
}

static void report(size_t count, int64_t took_us, int64_t cpu_us)
{
	printf("{\"rows\": %zu, \"per_second\": %.0f, \"cpu_us\": %.3f}\n", count,
	    (double)count * 1e6 / (double)took_us, (double)cpu_us / (double)count);
}

/* ---- into a store ----------------------------------------------------------------------------------------
 */

struct call {
	struct tact_store_key keys[CALL];
	struct tact_store_put puts[CALL];
	struct tact_store_answer answers[CALL];
};

static void fill(struct tact_store *store, const struct ready *ready)
{
	struct call *call = tact_calloc(1, sizeof *call);
	struct tact_store_pace pace = {0};
	struct tact_error err = {""};

	for (size_t at = 0, n; at < ready->count; at += n) {
		n = ready->count - at < CALL ? ready->count - at : CALL;
		for (size_t i = 0; i < n; i++) {
			call->keys[i] =
			    (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = ready->keys[at + i]};
			call->puts[i] = (struct tact_store_put){.bytes = ready->bytes, .size = ready->size};
		}
		house_need(tact_store_fill(store, &pace, call->keys, call->puts, n, call->answers, &err),
		    "fill", &err);
	}
	free(call);
}

static void say_fill(const char *url, size_t rows)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_store *store;
	struct tact_error err = {""};
	struct ready ready;
	int64_t began_us, took_us, cpu_us;

	make_ready(arena, rows, &ready);
	house_need(tact_store_open(url, &store, &err), "open", &err);
	cpu_us = bench_own_cpu_us();
	began_us = bench_now_us();
	fill(store, &ready);
	took_us = bench_now_us() - began_us;
	report(rows, took_us, bench_own_cpu_us() - cpu_us);
	tact_store_close(&store);
	free(ready.keys);
	tact_arena_free(&arena);
}

/* By itself: looking reads all of it, which is no part of the loading. */
static void say_size(const char *url, size_t rows)
{
	struct tact_store_figures figures;
	struct tact_store *store;
	struct tact_error err = {""};

	house_need(tact_store_open(url, &store, &err), "open", &err);
	house_need(tact_store_check(store, &figures, NULL, NULL, &err), "check", &err);
	printf("{\"bytes_per_record\": %.2f}\n", (double)figures.size_bytes / (double)rows);
	tact_store_close(&store);
}

/* ---- the floors ------------------------------------------------------------------------------------------
 */

static void need_mdb(int code, const char *what)
{
	if (code == 0)
		return;
	fprintf(stderr, "bulk: %s: %s\n", what, mdb_strerror(code));
	exit(EX_IOERR);
}

/* One transaction's worth, from AT on. */
static size_t append_some(MDB_env *env, MDB_dbi dbi, const struct ready *ready, size_t at)
{
	int64_t until_us = bench_now_us() + FLUSH_US;
	MDB_cursor *cursor;
	MDB_txn *txn;

	need_mdb(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	need_mdb(mdb_cursor_open(txn, dbi, &cursor), "cursor");
	for (; at < ready->count && (at % 64 != 0 || bench_now_us() < until_us); at++) {
		MDB_val key = {TACT_ID_BYTES, ready->keys[at].b},
			value = {.mv_size = FRAME_BYTES + ready->size};

		need_mdb(mdb_cursor_put(cursor, &key, &value, MDB_APPEND | MDB_RESERVE), "put");
		memset(value.mv_data, 0, FRAME_BYTES);
		memcpy((char *)value.mv_data + FRAME_BYTES, ready->bytes, ready->size);
	}
	mdb_cursor_close(cursor);
	need_mdb(mdb_txn_commit(txn), "commit");
	return at;
}

static void say_floor(const char *folder, size_t rows)
{
	struct tact_arena *arena = tact_arena_new();
	struct ready ready;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	int64_t began_us, cpu_us;

	make_ready(arena, rows, &ready);
	(void)mkdir(folder, 0700);
	need_mdb(mdb_env_create(&env), "create");
	need_mdb(mdb_env_set_mapsize(env, (size_t)64 << 30), "map size");
	need_mdb(mdb_env_open(env, folder, 0, 0600), "open");
	need_mdb(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	need_mdb(mdb_dbi_open(txn, NULL, 0, &dbi), "database");
	need_mdb(mdb_txn_commit(txn), "commit");
	cpu_us = bench_own_cpu_us();
	began_us = bench_now_us();
	for (size_t at = 0; at < rows;)
		at = append_some(env, dbi, &ready, at);
	report(rows, bench_now_us() - began_us, bench_own_cpu_us() - cpu_us);
	mdb_env_close(env);
	free(ready.keys);
	tact_arena_free(&arena);
}

static void put_be(uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		putchar((int)(value >> (8 * (bytes - 1 - i)) & 255));
}

static void put_field(uint64_t value, size_t bytes)
{
	put_be(bytes, 4);
	put_be(value, bytes);
}

/* kind, id, version, wake, bytes: as tact_record has them. */
static void print_copy(size_t rows)
{
	static const char head[] = "PGCOPY\n\377\r\n";
	static const char frame[FRAME_BYTES];
	struct tact_arena *arena = tact_arena_new();
	struct ready ready;

	make_ready(arena, rows, &ready);
	fwrite(head, 1, sizeof head, stdout);
	put_be(0, 8);
	for (size_t i = 0; i < rows; i++) {
		put_be(5, 2);
		put_field(TACT_STORE_DOSSIER, 2);
		put_be(TACT_ID_BYTES, 4);
		fwrite(ready.keys[i].b, 1, TACT_ID_BYTES, stdout);
		put_field(UINT64_C(1795510800123456), 8);
		put_field(0, 8);
		put_be(FRAME_BYTES + ready.size, 4);
		fwrite(frame, 1, sizeof frame, stdout);
		fwrite(ready.bytes, 1, ready.size, stdout);
	}
	put_be(UINT16_MAX, 2);
	free(ready.keys);
	tact_arena_free(&arena);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	size_t rows = argc > 2 ? strtoull(argv[argc - 1], NULL, 10) : 0;

	if (strcmp(what, "key") == 0 && argc == 4)
		say_key(argv[2], rows);
	else if (strcmp(what, "fill") == 0 && argc == 4)
		say_fill(argv[2], rows);
	else if (strcmp(what, "size") == 0 && argc == 4)
		say_size(argv[2], rows);
	else if (strcmp(what, "floor") == 0 && argc == 4)
		say_floor(argv[2], rows);
	else if (strcmp(what, "copy") == 0 && argc == 3)
		print_copy(rows);
	else
		return fprintf(stderr, "usage: bulk key TACT.CONF ROWS | fill URL ROWS | size URL ROWS | "
				       "floor FOLDER ROWS | copy ROWS\n"),
		       EX_USAGE;
	return EX_OK;
}
