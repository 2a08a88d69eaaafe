/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact store recover: after a restore, the wishes, aliases and campaigns that the backup has forgotten, from
 * the evidence. Without --yes it only tells what it would do.
 */
#include <config.h>

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

static const struct cli_option options[] = {
    {"from-log", NULL, "from the evidence: required, there is nothing else to recover from", false},
    {"yes", NULL, "do it; without it nothing is written", false},
    {"since", "TIME", "only what the evidence tells since then (default: all of it)", false},
    {"by", "NAME", "who asks (default: who is logged in)", false}, {NULL, NULL, NULL, false}};

/* The latest that somebody did to a campaign. */
struct deed {
	const char *campaign;
	enum tact_campaign_deed deed;
	int64_t time_us;
};

struct recovering {
	struct cli *cli;
	struct tact_recovery *recovery;
	int64_t since_us;
	uint64_t entries, campaigns, damaged;
	struct deed *deeds;
	size_t deeds_count;
	const char **imports; /* that began since then */
	size_t imports_count;
	struct tact_audit_damage damage;
	struct tact_recovered sum;
};

/* ---- reading the evidence ---- */

static void show_progress(const char *what, uint64_t done, bool end)
{
	if (isatty(STDERR_FILENO) && (end || done % 1024 == 0))
		fprintf(stderr, "\r%s %llu%s", what, (unsigned long long)done, end ? "\n" : "");
}

static const char *text_in(json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text != NULL ? text : "";
}

static bool read_deed(const char *action, enum tact_campaign_deed *ret)
{
	static const struct {
		const char *begins;
		enum tact_campaign_deed deed;
	} deeds[] = {{"campaign-pause ", TACT_CAMPAIGN_PAUSE}, {"campaign-stop ", TACT_CAMPAIGN_PAUSE},
	    {"campaign-resume ", TACT_CAMPAIGN_RESUME}, {"campaign-cancel ", TACT_CAMPAIGN_CANCEL},
	    {"campaign-done ", TACT_CAMPAIGN_FINISH}};

	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
		if (strncmp(action, deeds[i].begins, strlen(deeds[i].begins)) != 0)
			continue;
		*ret = deeds[i].deed;
		return true;
	}
	return false;
}

static void take_deed(
    struct recovering *recovering, const char *campaign, enum tact_campaign_deed deed, int64_t time_us)
{
	struct tact_arena *arena = recovering->cli->arena;
	size_t i = 0;

	while (i < recovering->deeds_count &&
	       tact_policy_compare_campaigns(recovering->deeds[i].campaign, campaign) != 0)
		i++;
	if (i == recovering->deeds_count)
		*TACT_PUSH(arena, recovering->deeds, recovering->deeds_count) =
		    (struct deed){.campaign = tact_arena_strdup(arena, campaign)};
	if (time_us < recovering->deeds[i].time_us)
		return;
	recovering->deeds[i].deed = deed;
	recovering->deeds[i].time_us = time_us;
}

static void take_entry(struct recovering *recovering, json_t *entry)
{
	struct tact_arena *arena = recovering->cli->arena;
	const char *recover = text_in(entry, "recover"), *action = text_in(entry, "action"),
		   *campaign = text_in(entry, "campaign");
	int64_t time_us = json_integer_value(json_object_get(entry, "time_us"));
	enum tact_campaign_deed deed;

	if (time_us < recovering->since_us || strcmp(text_in(entry, "kind"), "change") != 0)
		return;
	recovering->entries++;
	if (*recover != '\0')
		(void)tact_decide_recovery_take(recovering->recovery, recover);
	else if (*campaign != '\0' && read_deed(action, &deed))
		take_deed(recovering, campaign, deed, time_us);
	else if (strncmp(action, "import of ", 10) == 0 && strstr(action, ": begun") != NULL)
		*TACT_PUSH(arena, recovering->imports, recovering->imports_count) =
		    tact_arena_printf(arena, "%s %s", cli_when(arena, time_us, ""), action);
}

static bool look_at(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	struct recovering *recovering = context;
	json_t *entry;

	(void)host;
	if (strstr(json, "\"kind\":\"change\"") == NULL)
		return true; /* most are decisions: not worth parsing */
	entry = json_loadb(json, length, 0, NULL);
	if (entry != NULL)
		take_entry(recovering, entry);
	else
		recovering->damaged++;
	json_decref(entry);
	show_progress("read", seq, false);
	return true;
}

/* ---- campaigns ---- */

static bool is_so(enum tact_campaign_deed deed, enum tact_campaign_state state)
{
	static const enum tact_campaign_state states[] = {[TACT_CAMPAIGN_PAUSE] = TACT_CAMPAIGN_PAUSED,
	    [TACT_CAMPAIGN_RESUME] = TACT_CAMPAIGN_RUNNING,
	    [TACT_CAMPAIGN_CANCEL] = TACT_CAMPAIGN_CANCELLED,
	    [TACT_CAMPAIGN_FINISH] = TACT_CAMPAIGN_DONE};

	return state == states[deed] || (deed == TACT_CAMPAIGN_RESUME && state == TACT_CAMPAIGN_PLANNED);
}

/* Did the store forget it? What was done to the campaign later it knows better. */
static bool is_forgotten(const struct tact_campaigns *campaigns, const struct deed *deed)
{
	const struct tact_campaign_view *view = tact_policy_find_campaign(campaigns, deed->campaign);
	bool makes = deed->deed == TACT_CAMPAIGN_PAUSE || deed->deed == TACT_CAMPAIGN_CANCEL;

	if (view == NULL || view->record.made_us == 0)
		return makes;
	return view->record.changed_us < deed->time_us && !is_so(deed->deed, view->record.state);
}

static int recover_campaign(struct recovering *recovering, const struct deed *deed, struct tact_error *err)
{
	struct cli *cli = recovering->cli;
	struct tact_campaign campaign;
	bool changed;

	recovering->campaigns++;
	if (!cli_has(cli, "yes"))
		return TACT_OK;
	return tact_decide_campaign(cli->decider, cli->arena, deed->campaign, deed->deed, cli->by,
	    "a restored store had forgotten it", cli->now_us, &campaign, &changed, err);
}

static int recover_campaigns(struct recovering *recovering, struct tact_error *err)
{
	struct tact_decider *decider = recovering->cli->decider;
	const struct tact_campaigns *campaigns;
	int result = TACT_OK;

	if (recovering->deeds_count == 0)
		return TACT_OK;
	campaigns = tact_decider_take_campaigns(decider, err);
	if (campaigns == NULL)
		return TACT_UNAVAILABLE;
	for (size_t i = 0; i < recovering->deeds_count && result == TACT_OK; i++)
		if (is_forgotten(campaigns, &recovering->deeds[i]))
			result = recover_campaign(recovering, &recovering->deeds[i], err);
	tact_decider_put_campaigns(decider, campaigns);
	return result;
}

/* ---- telling ---- */

static const char *day_of(const struct cli *cli, int64_t time_us)
{
	return tact_arena_printf(cli->arena, "%.10s", cli_when(cli->arena, time_us, ""));
}

/* A store that was restored from a backup of before it had a recovery key cannot be given that key again. */
static void tell_before(const struct recovering *recovering)
{
	const struct tact_recovered *sum = &recovering->sum;
	const struct cli *cli = recovering->cli;
	unsigned long long before = sum->before;

	if (sum->other_key)
		printf(
		    "%llu entries with wishes cannot be opened: the first was sealed on %s, with a key that "
		    "the backup does not hold; this store %s%s. What they tell is forgotten, unless a backup "
		    "made after that is restored and recovered\n",
		    before, day_of(cli, sum->before_us),
		    cli->identity.recovery_day == 0 ? "has none" : "got its own on ",
		    day_of(cli, cli->identity.recovery_day * 86400 * INT64_C(1000000)));
	else if (before > 0)
		printf("%llu entries are of a day before this store's recovery key: no matter if the backup "
		       "was made after them\n",
		    before);
	else if (cli->identity.recovery_day == 0)
		printf("this store has no recovery key, and the evidence holds no wishes sealed with one: an "
		       "older tact wrote them\n");
}

/* Entries that do not parse, and places where none stands. */
static void tell_damage(const struct recovering *recovering)
{
	if (recovering->sum.unreadable > 0)
		printf("%llu entries cannot be opened: of another store, or damaged\n",
		    (unsigned long long)recovering->sum.unreadable);
	if (recovering->damaged > 0)
		printf("%llu entries are damaged: what they tell is not known\n",
		    (unsigned long long)recovering->damaged);
	if (recovering->sum.lost > 0)
		printf("%llu people are left as they are, for their records in the store are damaged: see "
		       "\"tact "
		       "store check\"\n",
		    (unsigned long long)recovering->sum.lost);
	if (recovering->damage.places > 0)
		printf(
		    "the evidence is torn or damaged in %llu places, and what stood there is not known; the "
		    "first: %s\n",
		    (unsigned long long)recovering->damage.places, recovering->damage.first.text);
}

static void tell(const struct recovering *recovering, bool applied)
{
	const struct tact_recovered *sum = &recovering->sum;

	printf("%llu entries with wishes of %llu people: %llu people have forgotten ones\n",
	    (unsigned long long)sum->read, (unsigned long long)sum->people, (unsigned long long)sum->changed);
	printf("  %llu suppressions, %llu ends of wishes, %llu consents, %llu profiles, %llu aliases, %llu "
	       "campaigns\n",
	    (unsigned long long)sum->suppressions, (unsigned long long)sum->ended,
	    (unsigned long long)sum->consents, (unsigned long long)sum->profiles,
	    (unsigned long long)sum->aliases, (unsigned long long)recovering->campaigns);
	tell_before(recovering);
	tell_damage(recovering);
	for (size_t i = 0; i < recovering->imports_count; i++)
		printf("import again what the backup does not hold: %s\n",
		    cli_safe(recovering->cli->arena, recovering->imports[i]));
	printf(applied ? "written\n" : "nothing was written; say --yes\n");
}

static void tell_json(const struct recovering *recovering, bool applied)
{
	const struct tact_recovered *sum = &recovering->sum;
	struct cli_json *object = cli_json_object(), *imports;

	cli_json_put_integer(object, "entries", (int64_t)sum->read);
	cli_json_put_integer(object, "before", (int64_t)sum->before);
	cli_json_put_time(object, "before_first", sum->before_us);
	cli_json_put_bool(object, "other_key", sum->other_key);
	cli_json_put_integer(object, "unreadable", (int64_t)sum->unreadable);
	cli_json_put_integer(object, "damaged", (int64_t)(recovering->damaged + recovering->damage.places));
	cli_json_put_text(object, "damaged_first", recovering->damage.first.text);
	cli_json_put_integer(object, "people", (int64_t)sum->people);
	cli_json_put_integer(object, "changed", (int64_t)sum->changed);
	cli_json_put_integer(object, "lost", (int64_t)sum->lost);
	cli_json_put_integer(object, "suppressions", (int64_t)sum->suppressions);
	cli_json_put_integer(object, "ended", (int64_t)sum->ended);
	cli_json_put_integer(object, "consents", (int64_t)sum->consents);
	cli_json_put_integer(object, "profiles", (int64_t)sum->profiles);
	cli_json_put_integer(object, "aliases", (int64_t)sum->aliases);
	cli_json_put_integer(object, "campaigns", (int64_t)recovering->campaigns);
	imports = cli_json_put_list(object, "imports");
	for (size_t i = 0; i < recovering->imports_count; i++)
		cli_json_put_text(imports, NULL, recovering->imports[i]);
	cli_json_put_bool(object, "applied", applied);
	cli_json_print(object);
}

/* ---- the verb ---- */

static void show_people(void *context, const struct tact_recovered *so_far)
{
	(void)context;
	show_progress("people", so_far->people, false);
}

static int recover(struct recovering *recovering, struct tact_error *err)
{
	struct cli *cli = recovering->cli;
	int result = tact_audit_salvage(cli->config->audit, look_at, recovering, &recovering->damage, err);

	show_progress("read", recovering->entries, true);
	if (result == TACT_OK)
		result = tact_decide_recover(recovering->recovery, cli->by, cli_has(cli, "yes"), cli->now_us,
		    show_people, NULL, &recovering->sum, err);
	show_progress("people", recovering->sum.people, true);
	return result == TACT_OK ? recover_campaigns(recovering, err) : result;
}

/* Was all of the evidence read, and everybody's record? */
static bool is_whole(const struct recovering *recovering)
{
	return recovering->sum.unreadable == 0 && recovering->sum.lost == 0 && !recovering->sum.other_key &&
	       recovering->damaged == 0 && recovering->damage.places == 0;
}

static int run_recover(struct cli *cli)
{
	struct recovering recovering = {.cli = cli};
	struct tact_error err = {""};
	bool apply = cli_has(cli, "yes");
	int code = cli_time(cli, "since", &recovering.since_us), result;

	if (code == EX_OK && !cli_has(cli, "from-log"))
		code = cli_fail(EX_USAGE, "store recover wants --from-log");
	if (code == EX_OK)
		code = cli_text(cli, "by", cli->by, &cli->by);
	if (code == EX_OK)
		code = cli_open(cli, apply ? CLI_RECOVER : CLI_READ);
	if (code != EX_OK)
		return code;
	recovering.recovery = tact_decide_recovery_new(cli->decider);
	result = recover(&recovering, &err);
	tact_decide_recovery_free(&recovering.recovery);
	if (result != TACT_OK)
		return cli_fail(cli_exit_code(result), "%s; run it again: what is done stays", err.text);
	if (cli->json)
		tell_json(&recovering, apply);
	else
		tell(&recovering, apply);
	return is_whole(&recovering) ? EX_OK : EX_DATAERR;
}

const struct cli_verb cli_store_recover = {"store recover", "",
    "After a restore, write again the wishes that the backup has forgotten.", options, run_recover};
