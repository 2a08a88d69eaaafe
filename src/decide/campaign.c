/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What becomes of a campaign's record: what people do with it, and what its own course makes of it. Each step
 * is taken once, whoever is first, and has an entry of evidence.
 */
#include <config.h>

#include <string.h>

#include "campaigns.h"

#define HOUR_US INT64_C(3600000000)
#define TEND_TIMEOUT_MS 10000
#define RESUME_GRACE_US                                                                                      \
	INT64_C(5000000) /* what was judged before a resume was known is not held against it */

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* ---- evidence ----------------------------------------------------------------------------------- */

/* In the clear: there is no person whose key could seal it. */
const char *campaign_action(struct tact_arena *arena, const char *what, const char *by, const char *why)
{
	return tact_arena_printf(arena, "campaign-%s by %s%s%s", what, or_empty(by),
	    *or_empty(why) != '\0' ? ": " : "", or_empty(why));
}

static const char *or_absent(const char *text)
{
	return *or_empty(text) != '\0' ? text : NULL;
}

int campaign_append(struct tact_decider *decider, const struct tact_campaign *campaign, const char *action,
    const struct tact_audit_rule *rule, uint64_t version, int64_t now_us, struct tact_error *err)
{
	const struct tact_rule_set *rules = tact_decider_take_rules(decider);
	struct tact_audit_entry entry = {0};
	int result;

	evidence_common(rules, TACT_AUDIT_CHANGE, "command", &entry);
	entry.action = action;
	entry.campaign = campaign->name;
	entry.stream = or_absent(campaign->stream);
	entry.owner = or_absent(campaign->owner);
	entry.brand = or_absent(campaign->brand);
	entry.version_written = version;
	entry.rules = rule;
	entry.rules_count = rule != NULL;
	result = evidence_append(decider, &entry, 1, now_us, err);
	tact_decider_put_rules(decider, rules);
	return result;
}

/* ---- one record changed ------------------------------------------------------------------------- */

struct changing_campaign {
	struct tact_arena *arena;
	const char *name; /* for one that is new */
	/* Changes the record; false: it stays as it is. result and err say why when that is no success. */
	bool (*change)(struct changing_campaign *changing, struct tact_campaign *campaign, bool is_new);
	const void *terms;
	int64_t now_us;
	struct tact_campaign campaign; /* as it is now */
	bool changed;
	int result;
	struct tact_error *err;
};

static bool change_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct changing_campaign *changing = context;
	struct tact_campaign_record record = {.campaign = {.name = changing->name,
						  .state = TACT_CAMPAIGN_RUNNING,
						  .stream = "",
						  .owner = "",
						  .brand = "",
						  .offer = "",
						  .by = "",
						  .why = "",
						  .tripped_by = "",
						  .tripped_why = ""}};
	bool is_new = now->size == 0;

	(void)index;
	(void)store_now_us;
	changing->changed = false;
	changing->result = TACT_OK;
	if (!is_new)
		changing->result = tact_dossier_decode_campaign(changing->arena,
		    tact_arena_copy(changing->arena, now->bytes, now->size), now->size, &record,
		    changing->err);
	if (changing->result == TACT_OK && record.counts)
		changing->result =
		    tact_error_set(changing->err, TACT_CORRUPT, "not the record of a campaign");
	if (changing->result != TACT_OK)
		return false;
	changing->changed = changing->change(changing, &record.campaign, is_new);
	if (changing->changed && is_new)
		record.campaign.made_us = changing->now_us;
	changing->campaign = record.campaign;
	if (changing->changed)
		tact_dossier_encode_campaign(changing->arena, &record, &ret->bytes, &ret->size);
	return changing->changed;
}

static int change_campaign(struct tact_decider *decider, struct changing_campaign *changing,
    uint64_t *ret_version, struct tact_error *err)
{
	struct tact_store_key key = {
	    .kind = TACT_STORE_CAMPAIGN, .id = tact_dossier_campaign_id(changing->name)};
	struct tact_store_answer answer;
	int result;

	changing->err = err;
	result = tact_store_update(decider->parts.store, &key, 1, change_one, changing, &answer,
	    tact_clock_monotonic_ms() + TEND_TIMEOUT_MS);
	if (result != TACT_OK && changing->result == TACT_OK)
		tact_store_last_error(decider->parts.store, err);
	*ret_version = answer.version;
	return worst(result, changing->result);
}

/* ---- what people do ----------------------------------------------------------------------------- */

struct deed_terms {
	enum tact_campaign_deed deed;
	const char *by, *why;
	struct tact_campaign_health this_hour; /* counted by now */
	bool counted;			       /* that is known */
	int64_t known_since_us;
};

/* A deed whose entry could not be written is repaired by doing it again. */
static bool is_told_again(const struct deed_terms *terms, const struct tact_campaign *campaign)
{
	return campaign->changed_us > terms->known_since_us &&
	       tact_text_equal(campaign->by, or_empty(terms->by)) &&
	       tact_text_equal(campaign->why, or_empty(terms->why));
}

static bool fail(struct changing_campaign *changing, int result, const char *text)
{
	changing->result = tact_error_set(changing->err, result, "%s: %s", changing->name, text);
	return false;
}

static bool was_resumed_so(const struct deed_terms *terms, const struct tact_campaign *campaign)
{
	return campaign->resumed_us != 0 && campaign->resumed_us == campaign->changed_us &&
	       is_told_again(terms, campaign);
}

static bool resume(struct changing_campaign *changing, struct tact_campaign *campaign)
{
	const struct deed_terms *terms = changing->terms;
	bool was_planned = campaign->planned_us > changing->now_us;

	if (campaign->state != TACT_CAMPAIGN_PAUSED && campaign->tripped_us == 0)
		return !was_resumed_so(terms, campaign) &&
		       fail(changing, TACT_REFUSED, "is neither paused nor stopped");
	if (campaign->tripped_us != 0 && *or_empty(terms->why) == '\0')
		return fail(changing, TACT_REFUSED,
		    "was stopped by a breaker: to let it go on needs a reason (--reason TEXT)");
	if (campaign->tripped_us != 0 && !terms->counted)
		return fail(changing, TACT_UNAVAILABLE,
		    "was stopped by a breaker, and what was counted since cannot be read now");
	if (campaign->state == TACT_CAMPAIGN_PAUSED)
		campaign->state = was_planned ? TACT_CAMPAIGN_PLANNED : TACT_CAMPAIGN_RUNNING;
	campaign->tripped_us = 0;
	campaign->tripped_by = campaign->tripped_why = "";
	campaign->resumed_us = changing->now_us;
	campaign->resumed_at = terms->this_hour;
	return true;
}

static bool set_state(
    struct changing_campaign *changing, struct tact_campaign *campaign, enum tact_campaign_state state)
{
	(void)changing;
	if (campaign->state == state)
		return false;
	campaign->state = state;
	return true;
}

static bool apply_deed(struct changing_campaign *changing, struct tact_campaign *campaign)
{
	const struct deed_terms *terms = changing->terms;

	switch (terms->deed) {
	case TACT_CAMPAIGN_PAUSE:
		return set_state(changing, campaign, TACT_CAMPAIGN_PAUSED);
	case TACT_CAMPAIGN_RESUME:
		return resume(changing, campaign);
	case TACT_CAMPAIGN_CANCEL:
		return set_state(changing, campaign, TACT_CAMPAIGN_CANCELLED);
	case TACT_CAMPAIGN_FINISH:
		return set_state(changing, campaign, TACT_CAMPAIGN_DONE);
	}
	return false;
}

static bool do_deed(struct changing_campaign *changing, struct tact_campaign *campaign, bool is_new)
{
	const struct deed_terms *terms = changing->terms;
	bool makes = terms->deed == TACT_CAMPAIGN_PAUSE || terms->deed == TACT_CAMPAIGN_CANCEL;

	if (is_new && !makes)
		return fail(changing, TACT_ABSENT, "there is no such campaign");
	if (campaign->state == TACT_CAMPAIGN_CANCELLED && terms->deed != TACT_CAMPAIGN_CANCEL)
		return fail(changing, TACT_REFUSED, "was cancelled, which is for good; plan another");
	if (!apply_deed(changing, campaign))
		return false;
	campaign->changed_us = changing->now_us;
	campaign->by = or_empty(terms->by);
	campaign->why = or_empty(terms->why);
	return true;
}

/* What all writers had counted of the hour. Where that cannot be read, whatever the hour brings counts: who
 * was stopped by counts waits until they are there, who was paused need not. */
static void read_this_hour(
    struct tact_decider *decider, const char *name, int64_t now_us, struct deed_terms *terms)
{
	const struct tact_campaigns *campaigns;
	const struct tact_campaign_view *view;

	if (campaigns_read(decider, NULL) != TACT_OK)
		return;
	campaigns = tact_decider_take_campaigns(decider, NULL);
	terms->counted = campaigns != NULL && campaigns_are_counted(campaigns);
	view = tact_policy_find_campaign(campaigns, name);
	for (size_t i = 0; terms->counted && view != NULL && i < view->hours_count; i++)
		if (view->hours[i].hour == now_us / HOUR_US)
			terms->this_hour = view->hours[i].health;
	tact_decider_put_campaigns(decider, campaigns);
}

static int64_t known_since_us(struct tact_decider *decider, int64_t now_us)
{
	const struct tact_rule_set *rules = tact_decider_take_rules(decider);
	int64_t since_us = now_us - rules->retry_window_s * 1000000;

	tact_decider_put_rules(decider, rules);
	return since_us;
}

int tact_decide_campaign(struct tact_decider *decider, struct tact_arena *arena, const char *name,
    enum tact_campaign_deed deed, const char *by, const char *why, int64_t now_us, struct tact_campaign *ret,
    bool *ret_changed, struct tact_error *err)
{
	static const char *const words[] = {[TACT_CAMPAIGN_PAUSE] = "pause",
	    [TACT_CAMPAIGN_RESUME] = "resume",
	    [TACT_CAMPAIGN_CANCEL] = "cancel",
	    [TACT_CAMPAIGN_FINISH] = "done"};
	struct deed_terms terms = {
	    .deed = deed, .by = by, .why = why, .known_since_us = known_since_us(decider, now_us)};
	struct changing_campaign changing = {
	    .arena = arena, .name = name, .change = do_deed, .terms = &terms, .now_us = now_us};
	const char *action;
	uint64_t version;
	int result;

	if (deed == TACT_CAMPAIGN_RESUME)
		read_this_hour(decider, name, now_us, &terms);
	result = change_campaign(decider, &changing, &version, err);
	if (result != TACT_OK)
		return result;
	*ret = changing.campaign;
	*ret_changed = changing.changed;
	action = campaign_action(arena, words[deed], by, why);
	if (!changing.changed && !is_told_again(&terms, &changing.campaign))
		return TACT_OK;
	if (!changing.changed)
		action = tact_arena_printf(arena, "%s (known already)", action);
	return campaign_append(decider, &changing.campaign, action, NULL, version, now_us, err);
}

/* ---- planning: the record ----------------------------------------------------------------------- */

static bool is_over(const struct tact_campaign *campaign)
{
	return campaign->state != TACT_CAMPAIGN_PLANNED && campaign->state != TACT_CAMPAIGN_RUNNING;
}

static bool plan_record(struct changing_campaign *changing, struct tact_campaign *campaign, bool is_new)
{
	const struct tact_campaign *plan = changing->terms;
	int64_t recipients =
	    plan->recipients > campaign->recipients ? plan->recipients : campaign->recipients;

	if (!is_new && is_over(campaign))
		return fail(changing, TACT_REFUSED,
		    tact_arena_printf(changing->arena, "is %s; %s",
			tact_dossier_campaign_state_name(campaign->state),
			campaign->state == TACT_CAMPAIGN_PAUSED ? "resume it, or plan another"
								: "plan another"));
	if (!is_new && *campaign->stream != '\0' && !tact_text_equal_nocase(campaign->stream, plan->stream))
		return fail(changing, TACT_REFUSED,
		    tact_arena_printf(changing->arena, "was planned for the stream %s", campaign->stream));
	campaign->state = is_new ? TACT_CAMPAIGN_PLANNED : campaign->state;
	campaign->stream = plan->stream;
	campaign->owner = plan->owner;
	campaign->brand = plan->brand;
	campaign->offer = plan->offer;
	campaign->priority = plan->priority;
	campaign->planned_us = plan->planned_us;
	campaign->not_after_us = plan->not_after_us;
	campaign->recipients = recipients;
	campaign->changed_us = changing->now_us;
	campaign->by = or_empty(plan->by);
	campaign->why = or_empty(plan->why);
	return true;
}

int campaign_write_plan(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_campaign *plan, int64_t now_us, uint64_t *ret_version, struct tact_error *err)
{
	struct changing_campaign changing = {
	    .arena = arena, .name = plan->name, .change = plan_record, .terms = plan, .now_us = now_us};

	return change_campaign(decider, &changing, ret_version, err);
}

/* ---- its own course ----------------------------------------------------------------------------- */

static bool trip(struct changing_campaign *changing, struct tact_campaign *campaign, bool is_new)
{
	const struct campaign_stop *stop = changing->terms;

	(void)is_new;
	if (campaign->tripped_us != 0 || campaign->state == TACT_CAMPAIGN_CANCELLED ||
	    (campaign->resumed_us != 0 && campaign->resumed_us > stop->now_us - RESUME_GRACE_US))
		return false;
	campaign->tripped_us = changing->now_us;
	campaign->tripped_by = stop->rule;
	campaign->tripped_why = stop->why;
	return true;
}

static int write_stop(struct tact_decider *decider, struct tact_arena *arena,
    const struct campaign_stop *stop, int64_t now_us, tact_campaign_fn changed, void *context,
    struct tact_error *err)
{
	struct changing_campaign changing = {
	    .arena = arena, .name = stop->campaign, .change = trip, .terms = stop, .now_us = now_us};
	struct tact_audit_rule rule = {.name = stop->rule,
	    .kind = tact_policy_rule_kind_name(TACT_RULE_BREAKER),
	    .verdict = tact_policy_verdict_name(TACT_REJECT),
	    .mode = "enforce",
	    .numbers = {.present = true,
		.count_milli = stop->count_milli,
		.at_most_milli = stop->at_most_milli,
		.window = stop->window}};
	uint64_t version;
	int result = change_campaign(decider, &changing, &version, err);

	if (result != TACT_OK || !changing.changed)
		return result;
	if (changed != NULL)
		changed(context, &changing.campaign);
	return campaign_append(decider, &changing.campaign,
	    campaign_action(arena, "stop", stop->rule, stop->why), &rule, version, now_us, err);
}

static int write_stops(struct tact_decider *decider, struct tact_arena *arena, int64_t now_us,
    tact_campaign_fn changed, void *context, struct tact_error *err)
{
	struct campaign_stop *stops = tact_arena_alloc(arena, CAMPAIGN_STOPS_MAX * sizeof *stops);
	size_t count = campaigns_take_stops(decider, stops);
	int result = TACT_OK;

	/* One that cannot be written now is noted again by the next mail that it stops. */
	for (size_t i = 0; i < count; i++)
		result = worst(result, write_stop(decider, arena, &stops[i], now_us, changed, context, err));
	return result;
}

/* Where a campaign has come to by itself; its own state when nowhere. */
static enum tact_campaign_state next_state(const struct tact_campaign *campaign, int64_t sent, int64_t now_us)
{
	if (is_over(campaign) || campaign->planned_us == 0)
		return campaign->state;
	if (campaign->not_after_us != 0 && now_us >= campaign->not_after_us)
		return TACT_CAMPAIGN_DONE;
	return sent > 0 && campaign->state == TACT_CAMPAIGN_PLANNED ? TACT_CAMPAIGN_RUNNING : campaign->state;
}

static bool move_on(struct changing_campaign *changing, struct tact_campaign *campaign, bool is_new)
{
	const int64_t *sent = changing->terms;
	enum tact_campaign_state state = next_state(campaign, *sent, changing->now_us);

	if (is_new || state == campaign->state)
		return false;
	campaign->state = state;
	campaign->changed_us = changing->now_us;
	campaign->by = "tactd";
	campaign->why = state == TACT_CAMPAIGN_DONE ? "its time is over" : "its mail passes";
	return true;
}

static int64_t sum_sent(const struct tact_campaign_view *view)
{
	int64_t sent = 0;

	for (size_t i = 0; i < view->hours_count; i++)
		sent += view->hours[i].health.sent;
	return sent;
}

static int move_one(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_campaign_view *view, int64_t now_us, tact_campaign_fn changed, void *context,
    struct tact_error *err)
{
	int64_t sent = sum_sent(view);
	struct changing_campaign changing = {
	    .arena = arena, .name = view->record.name, .change = move_on, .terms = &sent, .now_us = now_us};
	uint64_t version;
	int result;

	if (view->record.made_us == 0 || next_state(&view->record, sent, now_us) == view->record.state)
		return TACT_OK;
	result = change_campaign(decider, &changing, &version, err);
	if (result != TACT_OK || !changing.changed)
		return result;
	if (changed != NULL)
		changed(context, &changing.campaign);
	return campaign_append(decider, &changing.campaign,
	    campaign_action(arena, tact_dossier_campaign_state_name(changing.campaign.state), "tactd",
		changing.campaign.why),
	    NULL, version, now_us, err);
}

static int move_all(struct tact_decider *decider, struct tact_arena *arena, int64_t now_us,
    tact_campaign_fn changed, void *context, struct tact_error *err)
{
	const struct tact_campaigns *campaigns = tact_decider_take_campaigns(decider, err);
	int result = TACT_OK;

	for (size_t i = 0; campaigns != NULL && i < campaigns->count; i++)
		result = worst(
		    result, move_one(decider, arena, &campaigns->views[i], now_us, changed, context, err));
	tact_decider_put_campaigns(decider, campaigns);
	return result;
}

int tact_decide_tend_campaigns(struct tact_decider *decider, int64_t now_us, tact_campaign_fn changed,
    void *context, struct tact_error *err)
{
	struct tact_arena *arena = tact_arena_new();
	int result = health_flush(decider, now_us, err), read;

	result = worst(result, write_stops(decider, arena, now_us, changed, context, err));
	read = campaigns_read(decider, err);
	if (read == TACT_OK && (result == TACT_OK || result == TACT_CORRUPT))
		read = worst(move_all(decider, arena, now_us, changed, context, err),
		    campaigns_tell_unread(decider, err));
	result = worst(result, read);
	tact_arena_free(&arena);
	return result;
}
