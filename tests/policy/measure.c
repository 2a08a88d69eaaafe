/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How long one question takes: 50 contacts, 10 rules or 14 of all kinds that need no more, 3 claims. Prints
 * the least of ten runs, as the machine has other work too; judges only what no machine can excuse.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tact/policy.h>

#define HOUR_US INT64_C(3600000000)
#define DAY_US (24 * HOUR_US)
#define NOW_US (INT64_C(1767600000) * 1000000)
#define CONTACTS 50
#define CLAIMS 3
#define LIMITS 10
#define RULES 14

static const char *const owners[] = {"leeds", "corporate", "sales", "york"};
static const char *const campaigns[] = {"spring", "summer", "autumn", "winter", ""};

static void fill_limit(struct tact_rule *rule, const char *name, int64_t most, int64_t days)
{
	*rule = (struct tact_rule){.name = name, .kind = TACT_RULE_LIMIT, .action = TACT_DELAY};
	rule->limit.at_most_milli = most * 1000;
	rule->limit.window_s = days * 86400;
	rule->limit.window = "window";
	for (int i = 0; i < TACT_CHANNELS; i++)
		rule->limit.weight_milli[i] = 1000;
}

static void fill_calendar(struct tact_rule *rule, const char *name, int64_t most, enum tact_period period,
    const struct tact_zone *zone)
{
	fill_limit(rule, name, most, 0);
	rule->action = TACT_REJECT;
	rule->limit.period = period;
	rule->limit.zone = zone;
}

/* Who the recipient is and when: one rule of each kind. */
static void fill_people(struct tact_rule rules[4], const struct tact_zone *zone)
{
	static const struct tact_expiry lengths[] = {
	    {.basis = TACT_IMPLIED, .source = "purchase", .period = TACT_YEAR, .periods = 2},
	    {.basis = TACT_IMPLIED, .source = "inquiry", .period = TACT_MONTH, .periods = 6}};
	static const struct tact_span nights[] = {
	    {0, 480}, {1260, 1920}, {2700, 3360}, {4140, 4800}, {5580, 6240}, {7020, 7680}, {8460, 10080}};
	static const struct tact_date holidays[] = {{0, 1, 1}, {0, 12, 25}, {0, 12, 26}};
	static const enum tact_rule_kind kinds[] = {
	    TACT_RULE_CONSENT, TACT_RULE_QUIET_HOURS, TACT_RULE_OCCASION, TACT_RULE_TERRITORY};

	for (int i = 0; i < 4; i++)
		rules[i] = (struct tact_rule){.name = "people", .kind = kinds[i], .action = TACT_REJECT};
	rules[0].consent = (struct tact_consent_rule){.expiries = lengths, .expiries_count = 2, .zone = zone};
	rules[1].action = rules[2].action = TACT_DELAY;
	rules[1].quiet_hours = (struct tact_quiet_hours){
	    .spans = nights, .spans_count = 7, .holidays = holidays, .holidays_count = 3, .zone = zone};
	rules[2].occasion.zone = zone;
}

static void fill_profile(struct tact_profile *profile, struct tact_occasion *birthday)
{
	struct tact_local_time now;

	profile->zone = "Europe/Berlin";
	profile->home_owner = "corporate";
	tact_zone_local(tact_zone_find(profile->zone), NOW_US / 1000000, &now);
	*birthday = (struct tact_occasion){.name = "birthday", .month = now.month, .day = now.day};
	profile->occasions = birthday;
	profile->occasions_count = 1;
}

/* What a company of some size would write. at_most of the first decides whether the mail waits. */
static void fill_rules(struct tact_rule rules[RULES], int64_t weekly, const struct tact_zone *zone)
{
	static const char *const listed[] = {"leeds", "york"};

	rules[0] = (struct tact_rule){.name = "wishes", .kind = TACT_RULE_SUPPRESSION, .action = TACT_REJECT};
	fill_limit(&rules[1], "weekly", weekly, 7);
	rules[1].limit.purposes = 1U << TACT_PROMOTIONAL | 1U << TACT_NEWSLETTER;
	fill_limit(&rules[2], "daily", 3, 1);
	fill_limit(&rules[3], "monthly", 30, 30);
	fill_limit(&rules[4], "breathing", 2, 1);
	rules[4].limit.by = TACT_BY_OTHER_OWNER;
	fill_limit(&rules[5], "campaign", 20, 90);
	rules[5].limit.same = TACT_SAME_CAMPAIGN;
	fill_limit(&rules[6], "conversation", 0, 5);
	rules[6].limit.purposes = 1U << TACT_PERSONAL;
	fill_limit(&rules[7], "branches", 40, 60);
	rules[7].limit.owners = (struct tact_names){listed, 2};
	fill_calendar(&rules[8], "year", 60, TACT_YEAR, zone);
	fill_calendar(&rules[9], "thanks", 2, TACT_YEAR, zone);
	rules[9].limit.purposes = 1U << TACT_APPRECIATION;
	fill_people(&rules[LIMITS], zone);
}

static void fill_facts(struct tact_facts *facts, int i)
{
	*facts = (struct tact_facts){.stream = "offers",
	    .owner = owners[i % 4],
	    .brand = "alpha",
	    .campaign = campaigns[i % 5],
	    .offer = "",
	    .list = "news.example",
	    .occasion = "birthday",
	    .purpose = i % 3 == 0 ? TACT_NEWSLETTER : TACT_PROMOTIONAL,
	    .priority = 100 + i,
	    .counts = true};
}

static void fill_contacts(struct tact_contact contacts[CONTACTS])
{
	for (int i = 0; i < CONTACTS; i++) {
		struct tact_facts facts;

		fill_facts(&facts, i);
		contacts[i] = (struct tact_contact){.time_us = NOW_US - (CONTACTS - i) * 40 * HOUR_US,
		    .count = 1,
		    .stream = facts.stream,
		    .owner = facts.owner,
		    .brand = facts.brand,
		    .campaign = facts.campaign,
		    .offer = facts.offer,
		    .list = facts.list,
		    .purpose = facts.purpose,
		    .counts = true};
		contacts[i].id.b[0] = (uint8_t)(i + 1);
	}
}

static void fill_claims(struct tact_claim claims[CLAIMS])
{
	for (int i = 0; i < CLAIMS; i++) {
		claims[i] = (struct tact_claim){.made_us = NOW_US - (i + 1) * HOUR_US,
		    .not_after_us = NOW_US + 90 * DAY_US,
		    .relay = "",
		    .ring = "",
		    .text = "",
		    .code = ""};
		claims[i].id.b[0] = (uint8_t)(200 + i);
		fill_facts(&claims[i].facts, 3 * i);
		claims[i].priority = claims[i].facts.priority = 500;
	}
}

static double measure(
    const struct tact_rule_set *rules, const struct tact_dossier *dossier, int rounds, enum tact_verdict *ret)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_question question = {
	    .rules = rules, .dossier = dossier, .now_us = NOW_US, .made_us = NOW_US};
	struct tact_facts facts;
	struct timespec start, end;

	fill_facts(&facts, 1);
	question.facts = &facts;
	question.not_after_us = NOW_US + 90 * DAY_US;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (int i = 0; i < rounds; i++) {
		struct tact_opinion opinion;

		tact_policy_ask(arena, &question, &opinion);
		*ret = opinion.verdict;
		tact_arena_reset(arena);
	}
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	tact_arena_free(&arena);
	return ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / rounds;
}

/* measure [ROUNDS [CASE]] */
int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 20000;
	struct tact_contact contacts[CONTACTS];
	struct tact_claim claims[CLAIMS];
	struct tact_zone *zone = tact_zone_open("Europe/London");
	struct tact_rule rules[RULES];
	struct tact_owner listed[] = {{.name = "corporate"}, {.name = "leeds", .local = true}};
	struct tact_rule_set set = {.rules = rules, .owners = listed, .owners_count = 2};
	struct tact_consent consent = {.source = "purchase", .proof = "", .ended_by = "", .ended_why = ""};
	struct tact_occasion birthday;
	struct tact_dossier dossier;
	bool slow = false;

	tact_dossier_init(&dossier);
	fill_contacts(contacts);
	fill_claims(claims);
	dossier.contacts = contacts;
	dossier.contacts_count = CONTACTS;
	consent.basis = TACT_IMPLIED;
	consent.scope = (struct tact_scope){TACT_SCOPE_BRAND, "alpha"};
	consent.time_us = NOW_US - 100 * DAY_US;
	dossier.consents = &consent;
	dossier.consents_count = 1;
	fill_profile(&dossier.profile, &birthday);
	for (int i = argc > 2 ? atoi(argv[2]) : 0; i < (argc > 2 ? atoi(argv[2]) + 1 : 8); i++) {
		enum tact_verdict verdict = TACT_ACCEPT;
		double ns = 0;

		dossier.claims = claims;
		dossier.claims_count = i & 2 ? CLAIMS : 0;
		fill_rules(rules, i & 1 ? 2 : 20, zone);
		set.rules_count = i & 4 ? RULES : LIMITS;
		for (int run = 0; run < 10; run++) {
			double again_ns = measure(&set, &dossier, rounds, &verdict);

			ns = run == 0 || again_ns < ns ? again_ns : ns;
		}
		printf("%d contacts, %zu rules, %zu claims, %s: %.0f ns\n", CONTACTS, set.rules_count,
		    dossier.claims_count, tact_policy_verdict_name(verdict), ns);
		slow = slow || ns > 1e6;
	}
	tact_zone_free(&zone);
	return slow;
}
