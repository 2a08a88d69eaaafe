/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Connections for what is long or rare, made when one is needed. A call that is late is not given up: behind
 * a proxy its backend would stay in its wait for the server that stands still, and the next call would add
 * one more. It is kept until it is answered, and meanwhile nobody asks for the same again but one, over a new
 * connection, and one more each ten minutes: where a pooler or a firewall has lost the way, no answer comes
 * and nobody hangs up. When that one is answered, the old connections lead nowhere.
 */
#include <config.h>

#include "engine.h"
#include "postgres.h"

#include <stdlib.h>

#define FREE_MOST 2
#define LATE_MOST 16
#define AGAIN_AFTER_MS 10000
#define NOT_BEFORE_MS 600000 /* where that one was late as well */

struct late {
	struct pg_link *link;
	int part;
	int64_t again_at_ms; /* then one may ask for the same */
};

struct pg_aside {
	struct tact_store *store;
	const struct pg_url *url;
	struct pg_origins *origins;
	pthread_mutex_t lock;
	struct pg_link *free[FREE_MOST];
	size_t free_count;
	struct late late[LATE_MOST];
	size_t late_count;
};

struct pg_aside *pg_aside_new(struct tact_store *store, const struct pg_url *url, struct pg_origins *origins)
{
	struct pg_aside *aside = tact_calloc(1, sizeof *aside);

	aside->store = store;
	aside->url = url;
	aside->origins = origins;
	pthread_mutex_init(&aside->lock, NULL);
	return aside;
}

/* Under the lock, or alone. */
static void close_free(struct pg_aside *aside)
{
	while (aside->free_count > 0)
		pg_link_close(&aside->free[--aside->free_count]);
}

void pg_aside_free(struct pg_aside **aside)
{
	struct pg_aside *a = *aside;

	if (!a)
		return;
	close_free(a);
	while (a->late_count > 0)
		pg_link_close(&a->late[--a->late_count].link);
	pthread_mutex_destroy(&a->lock);
	free(a);
	*aside = NULL;
}

/* Under the lock. */
static void keep(struct pg_aside *aside, struct pg_link *link)
{
	if (aside->free_count < FREE_MOST)
		aside->free[aside->free_count++] = link;
	else
		pg_link_close(&link);
}

static bool is_of(const struct late *late, int part)
{
	return part == PG_ALL_PARTS || part == late->part;
}

/* Under the lock. */
static void set_again(struct pg_aside *aside, int part, int64_t at_ms)
{
	for (size_t i = 0; i < aside->late_count; i++)
		if (is_of(&aside->late[i], part))
			aside->late[i].again_at_ms = at_ms;
}

/* Under the lock: those that have been answered meanwhile are free, those whose server is gone are closed,
 * and the same may be asked again. */
static void look_at_late(struct pg_aside *aside)
{
	size_t kept = 0;

	for (size_t i = 0; i < aside->late_count; i++) {
		struct late late = aside->late[i];
		enum pg_outcome outcome =
		    pg_link_deposed(late.link) ? PG_LOST : pg_link_wait(late.link, tact_clock_monotonic_ms());
		if (outcome == PG_LATE) {
			aside->late[kept++] = late;
			continue;
		}
		set_again(aside, late.part, tact_clock_monotonic_ms());
		if (outcome == PG_LOST)
			pg_link_close(&late.link);
		else
			keep(aside, late.link);
	}
	aside->late_count = kept;
}

/* Under the lock. */
static bool is_late(const struct pg_aside *aside, int part)
{
	for (size_t i = 0; i < aside->late_count; i++)
		if (is_of(&aside->late[i], part))
			return true;
	return false;
}

/* Who was to ask again did not come to it. */
static void let_again(struct pg_aside *aside, int part)
{
	pthread_mutex_lock(&aside->lock);
	set_again(aside, part, tact_clock_monotonic_ms() + AGAIN_AFTER_MS);
	pthread_mutex_unlock(&aside->lock);
}

/* Under the lock. True: the caller is the one who asks again. */
static bool take_again(struct pg_aside *aside, int part)
{
	int64_t now_ms = tact_clock_monotonic_ms();

	for (size_t i = 0; i < aside->late_count; i++)
		if (is_of(&aside->late[i], part) && aside->late[i].again_at_ms > now_ms)
			return false;
	set_again(aside, part, now_ms + NOT_BEFORE_MS);
	return true;
}

/* Under the lock: somebody asked the same later and was answered. Whoever is free may have lost the way as
 * well. */
static void give_up_late(struct pg_aside *aside, int part)
{
	size_t kept = 0;

	for (size_t i = 0; i < aside->late_count; i++) {
		struct late late = aside->late[i];
		if (is_of(&late, part))
			pg_link_close(&late.link);
		else
			aside->late[kept++] = late;
	}
	if (kept < aside->late_count)
		close_free(aside);
	aside->late_count = kept;
}

static int open_link(struct pg_aside *aside, struct pg_link **ret, struct tact_error *err)
{
	struct pg_link *link = NULL;
	int result = pg_link_open(aside->url, aside->origins, &link, err);

	if (result == TACT_OK)
		result = pg_link_greet(link, err);
	if (result == TACT_OK)
		*ret = link;
	else
		pg_link_close(&link);
	return result;
}

int pg_aside_take(struct pg_aside *aside, int part, struct pg_link **ret, struct tact_error *err)
{
	struct pg_link *link = NULL;
	struct tact_error words = {""};
	int result = TACT_OK;
	bool late, again;

	pthread_mutex_lock(&aside->lock);
	look_at_late(aside);
	late = is_late(aside, part);
	again = late && take_again(aside, part);
	if (!late && aside->free_count > 0)
		link = aside->free[--aside->free_count];
	pthread_mutex_unlock(&aside->lock);
	if (late && !again)
		return tact_store_report(aside->store, TACT_UNAVAILABLE, err,
		    "the database still owes the answer to an earlier question");
	if (link && (!pg_link_alive(link) || pg_link_deposed(link)))
		pg_link_close(&link);
	if (!link)
		result = open_link(aside, &link, &words);
	if (result != TACT_OK && again)
		let_again(aside, part);
	if (result != TACT_OK)
		return tact_store_report(aside->store, result, err, "%s", words.text);
	*ret = link;
	return TACT_OK;
}

void pg_aside_return(struct pg_aside *aside, int part, struct pg_link *link)
{
	pthread_mutex_lock(&aside->lock);
	give_up_late(aside, part);
	keep(aside, link);
	pthread_mutex_unlock(&aside->lock);
}

/* Under the lock: after they were late already. */
static bool was_asked_again(const struct pg_aside *aside, int part, int64_t now_ms)
{
	for (size_t i = 0; i < aside->late_count; i++)
		if (is_of(&aside->late[i], part) && aside->late[i].again_at_ms > now_ms + AGAIN_AFTER_MS)
			return true;
	return false;
}

/* Who asked again and is late as well asked in vain: the database itself owes the answer. Two who asked at
 * once have not: the way of both may be lost. */
static void put_by(struct pg_aside *aside, int part, struct pg_link *link)
{
	int64_t now_ms = tact_clock_monotonic_ms(), again_at_ms;

	pthread_mutex_lock(&aside->lock);
	again_at_ms = now_ms + (was_asked_again(aside, part, now_ms) ? NOT_BEFORE_MS : AGAIN_AFTER_MS);
	if (aside->late_count < LATE_MOST) {
		aside->late[aside->late_count++] = (struct late){link, part, again_at_ms};
		link = NULL;
	}
	pthread_mutex_unlock(&aside->lock);
	pg_link_close(&link);
}

int pg_aside_fail(
    struct pg_aside *aside, int part, struct pg_link *link, enum pg_outcome outcome, struct tact_error *err)
{
	const char *advice = outcome == PG_REFUSED ? pg_state_advice(pg_link_state(link)) : NULL;
	int result = tact_store_report(aside->store, TACT_UNAVAILABLE, err, "the database %s%s%s%s",
	    outcome == PG_LATE ? "gives no answer" : "says ", outcome == PG_LATE ? "" : pg_link_words(link),
	    advice ? ": " : "", advice ? advice : "");

	if (outcome == PG_LATE) {
		put_by(aside, part, link);
	} else {
		let_again(aside, part);
		pg_link_close(&link);
	}
	return result;
}

int pg_aside_ask(struct pg_aside *aside, int part, enum pg_statement statement, const struct pg_param *params,
    size_t count, int64_t wait_ms, struct pg_link **ret_link, struct tact_error *err)
{
	struct pg_link *link;
	enum pg_outcome outcome;
	int result = pg_aside_take(aside, part, &link, err);

	if (result != TACT_OK)
		return result;
	outcome = pg_link_call(link, statement, params, count, tact_clock_monotonic_ms() + wait_ms);
	if (outcome != PG_DONE)
		return pg_aside_fail(aside, part, link, outcome, err);
	*ret_link = link;
	return TACT_OK;
}
