/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Runs policy tables: facts + dossier + now → verdict + rule + numbers. The tables stand beside it, as
 * *.table; README there says what a line may say. Without arguments every table of the source folder is run.
 * With --first the first failure ends it.
 */
#include <config.h>

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fence.h"
#include "table.h"
#include "wake.h"

/* What stands before the first case is given to all of them. */
struct setting {
	struct tact_rule *rules;
	size_t rules_count;
	struct tact_owner *owners;
	size_t owners_count;
	struct tact_brand *brands;
	size_t brands_count;
	struct tact_message *message;
	struct tact_content *content; /* as it was read; NULL: it was not */
	struct tact_dossier dossier;
	int64_t release_spread_s;
	struct tact_campaign_view *campaigns;
	size_t campaigns_count;
	bool unknown_campaigns, unknown_counts, monitor;
};

struct run {
	struct tact_arena *arena;
	struct line line;
	struct setting given, here;
	bool in_case;
	const char *name;
	struct tact_opinion opinion; /* of the latest mail */
	const struct tact_facts *facts;
	bool asked;
	size_t cases, checks, failures;
	bool only_first;
};

/* ---- got and want ------------------------------------------------------------------------------- */

static void complain(struct run *run, const char *what, const char *got, const char *want)
{
	printf("%s:%d: %s\n\t%s: got %s, want %s\n", run->line.file, run->line.number, run->name, what, got,
	    want);
	run->failures++;
	if (run->only_first)
		exit(1);
}

static void check_text(struct run *run, const char *what, const char *got, const char *want)
{
	run->checks++;
	if (strcmp(got, want) != 0)
		complain(run, what, got, want);
}

static const char *show_time(struct run *run, int64_t time_us)
{
	if (time_us == INT64_MAX)
		return "never";
	return time_us == 0 ? "none" : tact_text_format_time(run->arena, time_us);
}

static void check_time(struct run *run, const char *what, int64_t got_us)
{
	const char *value = line_value(&run->line, what);

	if (value != NULL)
		check_text(
		    run, what, show_time(run, got_us), show_time(run, line_parse_time(&run->line, value)));
}

static void check_number(struct run *run, const char *what, int64_t got, int64_t want)
{
	check_text(run, what, tact_arena_printf(run->arena, "%" PRId64, got),
	    tact_arena_printf(run->arena, "%" PRId64, want));
}

static void check_milli(struct run *run, const char *what, int64_t got_milli)
{
	const char *value = line_value(&run->line, what);

	if (value != NULL)
		check_number(run, what, got_milli, line_milli(&run->line, value));
}

static void check_word(struct run *run, const char *what, const char *got)
{
	const char *value = line_value(&run->line, what);

	if (value != NULL)
		check_text(run, what, got, value);
}

/* ---- what is expected --------------------------------------------------------------------------- */

static const struct tact_finding *find(const struct run *run, const char *name)
{
	for (size_t i = 0; i < run->opinion.findings_count; i++)
		if (strcmp(run->opinion.findings[i].rule->name, name) == 0)
			return &run->opinion.findings[i];
	return NULL;
}

static void check_finding(struct run *run, const struct tact_finding *finding)
{
	static const struct tact_finding none = {.why = "", .holder = "", .held_by = ""};

	if (finding == NULL)
		finding = &none;
	check_milli(run, "count", finding->count_milli);
	check_milli(run, "at_most", finding->at_most_milli);
	check_time(run, "frees_at", finding->frees_at_us);
	check_word(run, "holder", finding->holder);
	check_word(run, "held_by", finding->held_by);
	check_word(run, "window", finding->window == NULL ? "" : finding->window);
	check_word(run, "why", finding->why);
}

/* What every opinion must be, whatever the table asks for. */
static void check_form(struct run *run)
{
	const struct tact_opinion *opinion = &run->opinion;
	static const char *const codes[] = {"2.0.0", "4.7.1", "4.7.1", "5.7.1"};

	check_text(run, "code", opinion->code, codes[opinion->verdict]);
	check_number(run, "length of the text above 200", strlen(opinion->text) > 200, 0);
	check_number(run, "text is ASCII", tact_text_is_ascii(opinion->text), 1);
	check_number(run, "text names an address", strchr(opinion->text, '@') != NULL, 0);
	check_number(run, "text is empty", *opinion->text == '\0', 0);
	if (opinion->verdict != TACT_DELAY)
		check_text(run, "until of no delay", show_time(run, opinion->until_us), "none");
	for (size_t i = 0; i < opinion->findings_count; i++) {
		const struct tact_finding *finding = &opinion->findings[i];

		check_text(run, "verdict of a finding", tact_policy_verdict_name(finding->verdict),
		    tact_policy_verdict_name(!finding->fired ? TACT_ACCEPT
					     : finding->rule->kind == TACT_RULE_CONTENT &&
						     finding->verdict != TACT_ACCEPT &&
						     finding->verdict == finding->rule->content.on_unreadable
						 ? finding->verdict
						 : finding->rule->action));
		check_number(run, "why is empty", *finding->why == '\0', 0);
	}
}

static void need_opinion(const struct run *run)
{
	if (!run->asked)
		line_fail(&run->line, "no mail was asked about yet");
}

static void do_expect(struct run *run)
{
	struct line *line = &run->line;
	const char *says, *rule = run->opinion.rule == NULL ? "none" : run->opinion.rule->name, *wanted;
	const struct tact_finding *finding;

	need_opinion(run);
	check_text(
	    run, "verdict", tact_policy_verdict_name(run->opinion.verdict), line_bare(line, "the verdict"));
	check_time(run, "until", run->opinion.until_us);
	wanted = line_value(line, "rule");
	if (wanted != NULL)
		check_text(run, "rule", rule, wanted);
	check_word(run, "text", run->opinion.text);
	says = line_value(line, "says");
	if (says != NULL && strstr(run->opinion.text, says) == NULL)
		complain(run, "text", run->opinion.text, says);
	check_number(run, "weighed", (int64_t)run->opinion.weighed_count,
	    line_int(line, "weighed", (int64_t)run->opinion.weighed_count));
	check_number(run, "findings", (int64_t)run->opinion.findings_count,
	    line_int(line, "findings", (int64_t)run->opinion.findings_count));
	finding = find(run, rule);
	check_finding(run, finding);
	line_end(line);
	check_form(run);
}

static const char *why_not_asked(struct run *run, const struct tact_rule *rule)
{
	const char *why = tact_policy_why_not_asked(run->arena, rule, run->facts);

	return why != NULL ? why : "asked";
}

/* finding RULE absent=yes why="is not for stream letter": it must not be asked at all. */
static void check_absent(struct run *run, const char *name)
{
	const char *why = line_value(&run->line, "why");

	check_number(run, "finding is there", find(run, name) != NULL, 0);
	for (size_t i = 0; i < run->here.rules_count && why != NULL; i++)
		if (strcmp(run->here.rules[i].name, name) == 0)
			check_text(run, "why", why_not_asked(run, &run->here.rules[i]), why);
	line_end(&run->line);
}

/* finding RULE fired=yes verdict=delay until= count= … ; "finding RULE absent" when the rule must not be
 * asked at all. */
static void do_finding(struct run *run)
{
	struct line *line = &run->line;
	const char *name = line_bare(line, "the rule's name"), *why;
	const struct tact_finding *finding = find(run, name);

	need_opinion(run);
	if (line_value(line, "absent") != NULL) {
		check_absent(run, name);
		return;
	}
	if (finding == NULL) {
		complain(run, "finding", "none", name);
		return;
	}
	check_word(run, "fired", finding->fired ? "yes" : "no");
	check_word(run, "verdict", tact_policy_verdict_name(finding->verdict));
	check_word(run, "numbers", finding->has_numbers ? "yes" : "no");
	check_time(run, "until", finding->until_us);
	why = line_value(line, "says");
	if (why != NULL && strstr(finding->why, why) == NULL)
		complain(run, "why", finding->why, why);
	check_finding(run, finding);
	line_end(line);
}

/* ---- what is done ------------------------------------------------------------------------------- */

/* Whatever is given to the policy ends at a fence. */
#define FENCED(fence, array, count) fence_copy((fence), (array), (count) * sizeof *(array))

static struct tact_rule_set rules_of(const struct run *run)
{
	const struct setting *here = &run->here;

	return (struct tact_rule_set){.rules = FENCED(FENCE_RULES, here->rules, here->rules_count),
	    .rules_count = here->rules_count,
	    .owners = FENCED(FENCE_OWNERS, here->owners, here->owners_count),
	    .owners_count = here->owners_count,
	    .brands = FENCED(FENCE_BRANDS, here->brands, here->brands_count),
	    .brands_count = here->brands_count,
	    .release_spread_s = here->release_spread_s,
	    .monitor = here->monitor};
}

static struct tact_dossier dossier_of(const struct run *run)
{
	struct tact_dossier dossier = run->here.dossier;
	struct tact_profile *profile = &dossier.profile;

	dossier.contacts = FENCED(FENCE_CONTACTS, dossier.contacts, dossier.contacts_count);
	dossier.claims = FENCED(FENCE_CLAIMS, dossier.claims, dossier.claims_count);
	dossier.suppressions = FENCED(FENCE_SUPPRESSIONS, dossier.suppressions, dossier.suppressions_count);
	dossier.consents = FENCED(FENCE_CONSENTS, dossier.consents, dossier.consents_count);
	profile->occasions = FENCED(FENCE_OCCASIONS, profile->occasions, profile->occasions_count);
	return dossier;
}

static int by_name(const void *a, const void *b)
{
	const struct tact_campaign_view *left = a, *right = b;

	return tact_policy_compare_campaigns(left->record.name, right->record.name);
}

static struct tact_campaigns campaigns_of(const struct run *run)
{
	struct tact_campaigns campaigns = {
	    .count = run->here.campaigns_count, .uncounted = run->here.unknown_counts};
	struct tact_campaign_view *views = FENCED(FENCE_CAMPAIGNS, run->here.campaigns, campaigns.count);

	qsort(views, campaigns.count, sizeof *views, by_name);
	campaigns.views = views;
	return campaigns;
}

static void do_counted(struct run *run, struct setting *to)
{
	struct tact_campaign_health health;
	int64_t hour;
	const char *name = line_counted(&run->line, &hour, &health);

	for (size_t i = 0; i < to->campaigns_count; i++) {
		struct tact_campaign_view *view = &to->campaigns[i];
		struct tact_campaign_hour *hours = (struct tact_campaign_hour *)(uintptr_t)view->hours;

		if (strcmp(view->record.name, name) != 0)
			continue;
		tact_dossier_add_hour(run->arena, &hours, &view->hours_count, hour, &health);
		view->hours = hours;
		return;
	}
	line_fail(&run->line, "there is no campaign \"%s\"", name);
}

static void remember_contact(struct run *run, const struct tact_facts *facts, int64_t time_us)
{
	struct tact_dossier *dossier = &run->here.dossier;

	*TACT_PUSH(run->arena, dossier->contacts, dossier->contacts_count) =
	    (struct tact_contact){.time_us = time_us,
		.count = 1,
		.channel = facts->channel,
		.purpose = facts->purpose,
		.stream = facts->stream,
		.owner = facts->owner,
		.brand = facts->brand,
		.campaign = facts->campaign,
		.offer = facts->offer,
		.list = facts->list,
		.counts = facts->counts};
}

static void remember_claim(struct run *run, const struct tact_question *question)
{
	struct tact_dossier *dossier = &run->here.dossier;

	*TACT_PUSH(run->arena, dossier->claims, dossier->claims_count) =
	    (struct tact_claim){.id = question->claim,
		.priority = question->facts->priority,
		.made_us = question->made_us,
		.not_after_us = question->not_after_us,
		.facts = *question->facts,
		.relay = "",
		.ring = "s1",
		.text = "",
		.code = ""};
}

static void drop_claim(struct run *run, const struct tact_id *id)
{
	struct tact_dossier *dossier = &run->here.dossier;

	for (size_t i = 0; i < dossier->claims_count; i++)
		if (tact_id_equal(&dossier->claims[i].id, id))
			dossier->claims[i].state = TACT_CLAIM_PASSED;
}

/* mail: asks. send: asks and records what came of it, as the house does. */
static void do_mail(struct run *run, bool sends)
{
	struct line *line = &run->line;
	struct tact_rule_set rules = rules_of(run);
	struct tact_facts *facts = tact_arena_alloc(run->arena, sizeof *facts);
	struct tact_campaigns campaigns = campaigns_of(run);
	struct tact_dossier dossier = dossier_of(run);
	struct tact_question question = {.rules = &rules,
	    .facts = facts,
	    .dossier = &dossier,
	    .campaigns = run->here.unknown_campaigns ? NULL : &campaigns};
	const char *claim = line_value(line, "claim"), *contact = line_value(line, "contact");

	line_facts(line, facts);
	question.now_us = line_time(line, "now", 0);
	question.made_us = line_time(line, "made", question.now_us);
	question.rank_us = line_time(line, "rank", 0);
	question.not_after_us =
	    line_time(line, "not_after", question.made_us + INT64_C(3650) * 86400 * 1000000);
	question.claim = id_of_name(claim == NULL ? "" : claim);
	question.contact = id_of_name(contact == NULL ? "" : contact);
	question.released = line_yes(line, "released", false);
	question.cleared = line_yes(line, "cleared", false);
	question.no_waiting = line_yes(line, "no_waiting", false);
	question.no_message = line_yes(line, "no_message", false);
	line_end(line);
	if (run->here.content != NULL)
		question.contents =
		    tact_policy_read_content(run->arena, &rules, facts, run->here.message, run->here.content);
	tact_policy_ask(run->arena, &question, &run->opinion);
	run->asked = true;
	run->facts = facts;
	for (size_t i = 0; i < rules.rules_count; i++)
		check_number(run, "rule says that it is not asked",
		    strcmp(why_not_asked(run, &rules.rules[i]), "asked") != 0,
		    find(run, rules.rules[i].name) == NULL);
	if (sends && run->opinion.verdict == TACT_ACCEPT) {
		drop_claim(run, &question.claim);
		remember_contact(run, facts, question.now_us);
	} else if (sends && run->opinion.verdict == TACT_DELAY &&
		   tact_dossier_find_claim(&run->here.dossier, &question.claim) == NULL) {
		remember_claim(run, &question);
	}
}

/* edits PURPOSE add="Name: value" strip=NAMES: what is done to the header of the message. */
static void do_edits(struct run *run)
{
	struct line *line = &run->line;
	struct tact_rule_set rules = rules_of(run);
	struct tact_facts facts;
	struct tact_header_edits edits;
	struct tact_names added = {0}, stripped = {0};
	char *want = tact_arena_strdup(run->arena, "");

	line_names(line, "add", &added);
	line_names(line, "strip", &stripped);
	line_facts(line, &facts);
	line_end(line);
	for (size_t i = 0; i < added.count; i++)
		want = tact_arena_printf(run->arena, "%s+%s ", want, added.names[i]);
	for (size_t i = 0; i < stripped.count; i++)
		want = tact_arena_printf(run->arena, "%s-%s ", want, stripped.names[i]);
	tact_policy_edit_headers(run->arena, &rules, &facts, run->here.message, &edits);
	check_text(run, "edits", table_show_edits(run->arena, &edits), want);
}

/* places now=TIME NAME=TIME|never|none … */
static void do_places(struct run *run)
{
	struct line *line = &run->line;
	struct tact_rule_set rules = rules_of(run);
	struct tact_dossier dossier = dossier_of(run);
	int64_t now_us = line_time(line, "now", 0);
	int64_t *places = tact_arena_alloc(run->arena, dossier.claims_count * sizeof *places);
	struct tact_campaigns all = campaigns_of(run);
	const struct tact_campaigns *campaigns = run->here.unknown_campaigns ? NULL : &all;

	memset(places, 7, dossier.claims_count * sizeof *places);
	places = FENCED(FENCE_PLACES, places, dossier.claims_count);
	tact_policy_places(run->arena, &rules, campaigns, &dossier, now_us, places);
	for (size_t i = 0; i < dossier.claims_count; i++) {
		char name[TACT_ID_BYTES + 1] = "";

		memcpy(name, dossier.claims[i].id.b, TACT_ID_BYTES);
		check_time(run, name, places[i]);
	}
	check_time(run, "wake", wake_of(run->arena, &rules, campaigns, &dossier, now_us));
	line_end(line);
}

static void do_set(struct run *run, struct setting *setting)
{
	setting->unknown_campaigns = line_yes(&run->line, "unknown_campaigns", setting->unknown_campaigns);
	setting->unknown_counts = line_yes(&run->line, "unknown_counts", setting->unknown_counts);
	setting->monitor = line_yes(&run->line, "monitor", setting->monitor);
	setting->dossier.history_since_us =
	    line_time(&run->line, "history_since", setting->dossier.history_since_us);
	setting->release_spread_s = line_duration_s(&run->line, "release_spread", setting->release_spread_s);
	line_end(&run->line);
}

/* ---- lines -------------------------------------------------------------------------------------- */

static void do_case(struct run *run)
{
	size_t n = run->given.rules_count;

	run->name = line_bare(&run->line, "the case's name");
	line_end(&run->line);
	run->cases++;
	run->asked = false;
	run->in_case = true;
	run->here = run->given;
	tact_dossier_copy(run->arena, &run->given.dossier, &run->here.dossier);
	/* Room for what the case adds must be its own. */
	run->here.rules = NULL;
	run->here.rules_count = 0;
	for (size_t i = 0; i < n; i++)
		*TACT_PUSH(run->arena, run->here.rules, run->here.rules_count) = run->given.rules[i];
	run->here.campaigns = NULL;
	run->here.campaigns_count = 0;
	for (size_t i = 0; i < run->given.campaigns_count; i++)
		*TACT_PUSH(run->arena, run->here.campaigns, run->here.campaigns_count) =
		    run->given.campaigns[i];
}

static bool do_given_rule(struct run *run, struct setting *to, const char *verb)
{
	static const struct {
		const char *verb;
		void (*read)(struct line *line, struct tact_rule *ret);
	} kinds[] = {
	    {"limit", line_limit},
	    {"suppression", line_suppression},
	    {"breaker", line_breaker},
	    {"need-consent", line_need_consent},
	    {"quiet_hours", line_quiet_hours},
	    {"on-occasion", line_on_occasion},
	    {"territory", line_territory},
	    {"content", line_content},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(verb, kinds[i].verb) == 0) {
			kinds[i].read(&run->line, TACT_PUSH(run->arena, to->rules, to->rules_count));
			return true;
		}
	return false;
}

static bool do_given(struct run *run, const char *verb)
{
	struct setting *to = run->in_case ? &run->here : &run->given;
	struct tact_dossier *dossier = &to->dossier;
	struct line *line = &run->line;
	struct tact_arena *arena = run->arena;

	if (do_given_rule(run, to, verb))
		return true;
	if (strcmp(verb, "owner") == 0)
		line_owner(line, TACT_PUSH(arena, to->owners, to->owners_count));
	else if (strcmp(verb, "brand") == 0)
		line_brand(line, TACT_PUSH(arena, to->brands, to->brands_count));
	else if (strcmp(verb, "pattern") == 0)
		line_pattern(line);
	else if (strcmp(verb, "message") == 0)
		line_message(line, &to->message, &to->content);
	else if (strcmp(verb, "profile") == 0)
		line_profile(line, &dossier->profile);
	else if (strcmp(verb, "date") == 0)
		line_date(
		    line, TACT_PUSH(arena, dossier->profile.occasions, dossier->profile.occasions_count));
	else if (strcmp(verb, "campaign") == 0)
		line_campaign(line, TACT_PUSH(arena, to->campaigns, to->campaigns_count));
	else if (strcmp(verb, "counted") == 0)
		do_counted(run, to);
	else if (strcmp(verb, "contact") == 0)
		line_contact(line, TACT_PUSH(arena, dossier->contacts, dossier->contacts_count));
	else if (strcmp(verb, "claim") == 0)
		line_claim(line, TACT_PUSH(arena, dossier->claims, dossier->claims_count));
	else if (strcmp(verb, "suppress") == 0)
		line_suppress(line, TACT_PUSH(arena, dossier->suppressions, dossier->suppressions_count));
	else if (strcmp(verb, "consent") == 0)
		line_consent(line, TACT_PUSH(arena, dossier->consents, dossier->consents_count));
	else if (strcmp(verb, "set") == 0)
		do_set(run, to);
	else
		return false;
	return true;
}

static void do_line(struct run *run)
{
	const char *verb = line_bare(&run->line, "a word");

	if (strcmp(verb, "case") == 0)
		do_case(run);
	else if (do_given(run, verb))
		return;
	else if (strcmp(verb, "mail") == 0)
		do_mail(run, false);
	else if (strcmp(verb, "send") == 0)
		do_mail(run, true);
	else if (strcmp(verb, "expect") == 0)
		do_expect(run);
	else if (strcmp(verb, "finding") == 0)
		do_finding(run);
	else if (strcmp(verb, "edits") == 0)
		do_edits(run);
	else if (strcmp(verb, "places") == 0)
		do_places(run);
	else
		line_fail(&run->line, "\"%s\" is not understood", verb);
}

static void run_table(struct run *run, const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (file == NULL) {
		(void)fprintf(stderr, "%s cannot be read\n", path);
		exit(99);
	}
	run->arena = tact_arena_new();
	run->given = (struct setting){.rules = NULL};
	tact_dossier_init(&run->given.dossier);
	run->in_case = false;
	run->line = (struct line){.file = path};
	while (getline(&text, &size, file) > 0) {
		run->line.number++;
		if (line_read(&run->line, run->arena, text))
			do_line(run);
	}
	free(text);
	(void)fclose(file);
	tact_arena_free(&run->arena);
}

int main(int argc, char **argv)
{
	const char *source = getenv("srcdir");
	struct run run = {.name = ""};
	char pattern[4096];
	glob_t found = {0};
	int first = 1;

	(void)snprintf(pattern, sizeof pattern, "%s/tests/policy/*.table", source == NULL ? "." : source);
	if (argc > 1 && strcmp(argv[1], "--first") == 0)
		run.only_first = first++ > 0;
	if (argc == first && glob(pattern, 0, NULL, &found) != 0) {
		(void)fprintf(stderr, "no tables at %s\n", pattern);
		return 99;
	}
	for (int i = first; i < argc; i++)
		run_table(&run, argv[i]);
	for (size_t i = 0; argc == first && i < found.gl_pathc; i++)
		run_table(&run, found.gl_pathv[i]);
	globfree(&found);
	table_close_zones();
	table_free_patterns();
	fence_remove_all();
	printf("%zu cases, %zu checks, %zu failed\n", run.cases, run.checks, run.failures);
	return run.failures == 0 ? 0 : 1;
}
