/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What one decision costs without disk, socket or lock: 50 contacts, 10 rules. Prints one JSON object for
 * run.py: CPU time in µs, the least of many batches, since everything else on the machine only adds to it.
 */
#include <config.h>

#include <sysexits.h>

#include <tact/config.h>

#include "bench.h"
#include "house.h"
#include "sample.h"

#define CONTACTS 50
#define ROUNDS 2000
#define BATCHES 41
#define NOW_US INT64_C(1795510800000000) /* 2026-11-24 09:00 UTC */

/* The last rule makes the mail wait when at_most is 1. */
#define RULES 12 /* ten, and the two that stand there unasked */
static const char rules_text[] =
    "listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }\n"
    "owner \"corporate\" { }\n"
    "owner \"leeds-branch\" { }\n"
    "brand \"brand\" { }\n"
    "stream \"offers\" { owner = \"corporate\" brand = \"brand\" purpose = newsletter sasl_users = "
    "{\"desk\"} }\n"
    "suppression \"wishes\" { }\n"
    "limit \"daily\" { at_most = 20/1d }\n"
    "limit \"monthly\" { at_most = 60/30d }\n"
    "limit \"quarterly\" { at_most = 200/90d count = {promotional, newsletter} }\n"
    "limit \"yearly\" { at_most = \"300 per calendar-year\" zone = \"Europe/London\" action = reject }\n"
    "limit \"breathing\" { at_most = 9/20h by = other-owner }\n"
    "limit \"same-campaign\" { at_most = 20/90d same = campaign action = reject }\n"
    "limit \"branches\" { at_most = 80/60d count_owners = {\"leeds-branch\"} }\n"
    "limit \"channels\" { at_most = 90/60d weights = {\"phone=3\"} }\n"
    "limit \"weekly\" { at_most = %d/7d }\n";

/* Every other kind of rule, and every other form of a limit. */
#define KINDS 10
static const char kinds_text[] =
    "consent \"permission\" { bases = {express, implied} expires_after = {\"implied = 2 calendar-years\"} }\n"
    "quiet_hours \"nights\" { hours = {\"21:00-08:00\"} holidays = {\"12-25\"} zone = \"Europe/London\" }\n"
    "occasion \"birthday\" { unknown = accept }\n"
    "territory \"home\" { }\n"
    "limit \"silence\" { at_most = \"500 since positive\" action = reject }\n"
    "limit \"cool-off\" { at_most = 20/30d count = negative rest = 60d action = reject }\n"
    "limit \"own-wish\" { at_most = recipient }\n"
    "limit \"not-only\" { at_least = 1/30d count = {promotional, newsletter, personal} action = reject }\n"
    "limit \"conversation\" { at_most = 100/5d count = personal direction = any }\n"
    "breaker \"health\" { complaints = \"50%\" }\n";

struct sample {
	struct tact_question question;
	struct tact_dossier *dossier;
	struct tact_contact contact; /* of the mail */
	const void *bytes;
	size_t size;
	enum tact_verdict verdict;
};

typedef void (*work_fn)(struct tact_arena *arena, struct sample *sample);

static void ask(struct tact_arena *arena, struct sample *sample)
{
	struct tact_opinion opinion;

	tact_policy_ask(arena, &sample->question, &opinion);
	sample->verdict = opinion.verdict;
}

static void decode_and_ask(struct tact_arena *arena, struct sample *sample)
{
	struct tact_dossier dossier;
	struct tact_opinion opinion;
	struct tact_question question = sample->question;

	house_need(tact_dossier_decode(arena, sample->bytes, sample->size, &dossier, NULL), "decode", NULL);
	question.dossier = &dossier;
	tact_policy_ask(arena, &question, &opinion);
	sample->verdict = opinion.verdict;
}

/* All that happens to a record between being read and being written. */
static void decode_ask_and_encode(struct tact_arena *arena, struct sample *sample)
{
	struct tact_dossier dossier;
	struct tact_opinion opinion;
	struct tact_question question = sample->question;
	const void *bytes;
	size_t size;

	house_need(tact_dossier_decode(arena, sample->bytes, sample->size, &dossier, NULL), "decode", NULL);
	question.dossier = &dossier;
	tact_policy_ask(arena, &question, &opinion);
	tact_dossier_add_contact(arena, &dossier, &sample->contact);
	(void)tact_dossier_tidy(arena, &dossier, NOW_US, question.rules->history_s);
	tact_dossier_encode(arena, &dossier, &bytes, &size);
}

static double measure(work_fn work, struct sample *sample)
{
	struct tact_arena *arena = tact_arena_new();
	double batches[BATCHES];

	for (int i = 0; i < BATCHES; i++) {
		double began_us = bench_cpu_us();

		for (int j = 0; j < ROUNDS; j++) {
			work(arena, sample);
			tact_arena_reset(arena);
		}
		batches[i] = (bench_cpu_us() - began_us) / ROUNDS;
	}
	tact_arena_free(&arena);
	return bench_quantile(batches, BATCHES, 0);
}

static struct tact_config *load(struct tact_arena *arena, int weekly, bool kinds)
{
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *config = NULL;

	char *text = tact_arena_printf(arena, rules_text, weekly);

	if (kinds)
		text = tact_arena_printf(arena, "%s%s", text, kinds_text);
	if (tact_config_load("decision", text, &config, &mistakes) == TACT_OK)
		return config;
	for (size_t i = 0; i < mistakes.count; i++)
		fprintf(stderr, "%s\n", mistakes.texts[i]);
	exit(EX_CONFIG);
}

static void prepare(struct tact_arena *arena, const struct tact_config *config, struct sample *ret)
{
	struct tact_dossier made;
	struct tact_facts *facts = tact_arena_alloc(arena, sizeof *facts);

	*facts = (struct tact_facts){.stream = "offers",
	    .owner = "corporate",
	    .brand = "brand",
	    .campaign = "autumn-7",
	    .offer = "",
	    .list = "offers.brand.example",
	    .purpose = TACT_NEWSLETTER,
	    .priority = 500,
	    .counts = true};
	sample_dossier(arena, CONTACTS, false, NOW_US, &made);
	*ret = (struct sample){
	    .dossier = tact_arena_alloc(arena, sizeof made), .contact = made.contacts[CONTACTS - 1]};
	ret->contact.id = tact_id_random();
	ret->contact.time_us = NOW_US;
	tact_dossier_encode(arena, &made, &ret->bytes, &ret->size);
	house_need(tact_dossier_decode(arena, ret->bytes, ret->size, ret->dossier, NULL), "decode", NULL);
	static const struct tact_campaigns none = {0};
	ret->question = (struct tact_question){.rules = &config->rules,
	    .campaigns = &none,
	    .facts = facts,
	    .dossier = ret->dossier,
	    .now_us = NOW_US,
	    .made_us = NOW_US,
	    .not_after_us = NOW_US + INT64_C(14) * 86400 * 1000000};
}

static void report(const char *name, int weekly, bool kinds, enum tact_verdict want)
{
	size_t rules = kinds ? RULES + KINDS : RULES;
	struct tact_arena *arena = tact_arena_new();
	struct tact_config *config = load(arena, weekly, kinds);
	struct sample sample;

	prepare(arena, config, &sample);
	double asked = measure(ask, &sample), decoded = measure(decode_and_ask, &sample);
	double written = measure(decode_ask_and_encode, &sample);
	if (sample.verdict != want || config->rules.rules_count < rules) {
		fprintf(stderr, "%s: got %s by %zu rules, want %s by %zu\n", name,
		    tact_policy_verdict_name(sample.verdict), config->rules.rules_count,
		    tact_policy_verdict_name(want), rules);
		exit(EX_SOFTWARE);
	}
	printf(
	    "\"%s\": {\"asked_us\": %.2f, \"decoded_us\": %.2f, \"written_us\": %.2f, \"record_bytes\": %zu}",
	    name, asked, decoded, written, sample.size);
	tact_config_free(&config);
	tact_arena_free(&arena);
}

int main(void)
{
	printf("{");
	report("accept", 70, false, TACT_ACCEPT);
	printf(", ");
	report("delay", 1, false, TACT_DELAY);
	printf(", ");
	report("kinds", 70, true, TACT_ACCEPT);
	printf("}\n");
	return EX_OK;
}
