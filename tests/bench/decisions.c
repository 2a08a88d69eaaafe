/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How many decisions a store allows: whole ones, recorded and with evidence, of one mail each to people of
 * their own, by so many callers as a milter would have connections, without the milter.
 *
 *     decisions [-s] TACT.CONF CALLERS SECONDS PEOPLE FIRST
 *
 * -s: the store's share of them alone: the dossier is read, decoded, asked, changed, encoded and committed,
 * and no alias is looked for and no evidence appended, which other tables and another disk would do. Prints
 * one JSON object for run.py. An answer other than "accepted" ends the program.
 */
#include <config.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench.h"
#include "house.h"

#define WARM_US 1000000

/* Private to the store: how many commits all of this made. */
uint64_t tact_store_commits(struct tact_store *store);

struct run {
	struct house house;
	struct tact_decider *decider;
	bool share;
	struct tact_facts facts; /* of every mail, with -s */
	uint64_t people;
	int64_t from_us, until_us;
	atomic_uint_fast64_t next;
};

struct caller {
	struct run *run;
	pthread_t thread;
	double *latencies;
	size_t count, room;
};

static struct tact_message *message_of(struct run *run, struct tact_arena *arena, uint64_t number)
{
	static const struct tact_envelope envelope = {.listener = "smtp",
	    .smtp = true,
	    .client_ip = "192.0.2.1",
	    .sasl_user = "desk",
	    .sender = "news@brand.example"};
	const char *text = tact_arena_printf(arena,
	    "From: Brand <news@brand.example>\r\nTo: you\r\nSubject: Autumn's best offers\r\n"
	    "Message-ID: <%llu.%lld@desk.example>\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\n\r\nhello\r\n",
	    (unsigned long long)number, (long long)run->from_us);
	struct tact_message *message = NULL;
	struct tact_error err = {""};
	size_t body;

	house_need(tact_facts_read_message(arena, &envelope, text, strlen(text), &run->house.config->profile,
		       &message, &body, &err),
	    "message", &err);
	return message;
}

static void decide(struct run *run, struct tact_arena *arena)
{
	uint64_t number = atomic_fetch_add(&run->next, 1);
	struct tact_asked asked = {.given = tact_arena_printf(arena, BENCH_ADDRESS,
				       (unsigned long long)bench_person(number, run->people, false))};
	struct tact_ruling ruling;
	struct tact_error err = {""};

	tact_decide_message(run->decider, arena,
	    &(struct tact_decide_request){.message = message_of(run, arena, number),
		.asked = &asked,
		.asked_count = 1,
		.now_us = tact_clock_now_us()},
	    &ruling, &err);
	if (ruling.fate == TACT_FATE_PASS && ruling.match.stream != NULL)
		return;
	fprintf(stderr, "%s: got %d %s %s (%s), want it accepted\n", asked.given, ruling.fate, ruling.code,
	    ruling.text, err.text);
	exit(EX_SOFTWARE);
}

/* ---- the store's share ---- */

struct change {
	struct run *run;
	struct tact_arena *arena;
	struct tact_opinion opinion;
};

static bool decide_in_store(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	static const struct tact_campaigns none = {0};
	struct change *change = context;
	const struct tact_rule_set *rules = &change->run->house.config->rules;
	struct tact_dossier dossier = {0};

	(void)index;
	if (now->size > 0)
		house_need(tact_dossier_decode(change->arena, now->bytes, now->size, &dossier, NULL),
		    "decode", NULL);
	tact_policy_ask(change->arena,
	    &(struct tact_question){.rules = rules,
		.campaigns = &none,
		.facts = &change->run->facts,
		.dossier = &dossier,
		.now_us = store_now_us,
		.made_us = store_now_us,
		.not_after_us = store_now_us + INT64_C(4) * 86400 * 1000000},
	    &change->opinion);
	tact_dossier_add_contact(change->arena, &dossier,
	    &(struct tact_contact){.id = tact_id_random(),
		.time_us = store_now_us,
		.stream = "offers",
		.owner = "corporate",
		.brand = "brand",
		.purpose = TACT_NEWSLETTER});
	(void)tact_dossier_tidy(change->arena, &dossier, store_now_us, rules->history_s);
	tact_dossier_encode(change->arena, &dossier, &ret->bytes, &ret->size);
	return true;
}

static void do_share(struct run *run, struct tact_arena *arena)
{
	struct change change = {.run = run, .arena = arena};
	uint64_t person = bench_person(atomic_fetch_add(&run->next, 1), run->people, false);
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = house_key(&run->house, arena, person)};
	struct tact_store_answer answer;

	house_need(tact_store_update(run->house.store, &key, 1, decide_in_store, &change, &answer,
		       tact_clock_monotonic_ms() + 20000),
	    "update", NULL);
	if (change.opinion.verdict != TACT_ACCEPT)
		house_need(TACT_REFUSED, "decision", NULL);
}

/* ---- callers ---- */

static void keep(struct caller *caller, double took_us)
{
	if (caller->count == caller->room) {
		caller->room = caller->room > 0 ? 2 * caller->room : 4096;
		caller->latencies = tact_realloc(caller->latencies, caller->room * sizeof *caller->latencies);
	}
	caller->latencies[caller->count++] = took_us;
}

static void *work(void *context)
{
	struct caller *caller = context;
	struct tact_arena *arena = tact_arena_new();
	int64_t began_us, now_us = bench_now_us();

	while (now_us < caller->run->until_us) {
		began_us = now_us;
		tact_arena_reset(arena);
		(caller->run->share ? do_share : decide)(caller->run, arena);
		now_us = bench_now_us();
		if (began_us >= caller->run->from_us)
			keep(caller, (double)(now_us - began_us));
	}
	tact_arena_free(&arena);
	return NULL;
}

static double *gather(struct caller *callers, size_t count, size_t *ret_sum)
{
	size_t sum = 0, at = 0;
	double *all;

	for (size_t i = 0; i < count; i++)
		sum += callers[i].count;
	all = tact_calloc(sum + 1, sizeof *all);
	for (size_t i = 0; i < count; i++) {
		if (callers[i].count > 0)
			memcpy(all + at, callers[i].latencies, callers[i].count * sizeof *all);
		at += callers[i].count;
		free(callers[i].latencies);
	}
	*ret_sum = sum;
	return all;
}

static void report(
    double *latencies_us, size_t count, double seconds, int64_t cpu_us, uint64_t commits, uint64_t used)
{
	printf("{\"decisions\": %zu, \"per_second\": %.1f, \"p50_us\": %.0f, \"p99_us\": %.0f, "
	       "\"cpu_us\": %.2f, \"commits_per_second\": %.1f, \"batch\": %.1f, \"used\": %llu}\n",
	    count, (double)count / seconds, bench_quantile(latencies_us, count, 0.5),
	    bench_quantile(latencies_us, count, 0.99), (double)cpu_us / (double)(count + (count == 0)),
	    (double)commits / seconds, (double)count / (double)(commits + (commits == 0)),
	    (unsigned long long)used);
}

static void measure(struct run *run, size_t count, double seconds)
{
	struct caller *callers = tact_calloc(count, sizeof *callers);
	uint64_t first = run->next, commits;
	int64_t cpu_us;
	size_t sum;
	double *all;

	run->from_us = bench_now_us() + WARM_US;
	run->until_us = run->from_us + (int64_t)(seconds * 1e6);
	for (size_t i = 0; i < count; i++) {
		callers[i].run = run;
		if (pthread_create(&callers[i].thread, NULL, work, &callers[i]) != 0)
			exit(EX_OSERR);
	}
	usleep(WARM_US);
	cpu_us = bench_own_cpu_us();
	commits = tact_store_commits(run->house.store);
	for (size_t i = 0; i < count; i++)
		pthread_join(callers[i].thread, NULL);
	cpu_us = bench_own_cpu_us() - cpu_us;
	commits = tact_store_commits(run->house.store) - commits;
	all = gather(callers, count, &sum);
	report(all, sum, seconds, cpu_us, commits, run->next - first);
	free(all);
	free(callers);
}

int main(int argc, char **argv)
{
	struct run run = {.share = argc > 1 && strcmp(argv[1], "-s") == 0};
	char **args = argv + 1 + run.share;

	if (argc != 6 + run.share) {
		fprintf(stderr, "usage: decisions [-s] TACT.CONF CALLERS SECONDS PEOPLE FIRST\n");
		return EX_USAGE;
	}
	house_open(args[0], true, &run.house);
	run.people = strtoull(args[3], NULL, 10);
	run.next = strtoull(args[4], NULL, 10);
	run.facts = (struct tact_facts){.stream = "offers",
	    .owner = "corporate",
	    .brand = "brand",
	    .campaign = "",
	    .offer = "",
	    .list = "",
	    .purpose = TACT_NEWSLETTER,
	    .priority = 500,
	    .counts = true};
	run.decider = tact_decider_new(&(struct tact_decider_parts){.store = run.house.store,
	    .audit = run.house.audit,
	    .identity = &run.house.identity,
	    .host = run.house.config->host,
	    .writer = "bench",
	    .max_skew_us = run.house.config->max_skew_s * 1000000});
	tact_decider_set_rules(run.decider, &run.house.config->rules, NULL, NULL);
	measure(&run, strtoul(args[1], NULL, 10), strtod(args[2], NULL));
	tact_decider_free(&run.decider);
	house_close(&run.house);
	return EX_OK;
}
