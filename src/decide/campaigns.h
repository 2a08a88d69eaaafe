/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files about campaigns share: what is known of them (campaigns.c), what is counted (health.c), what
 * becomes of them (campaign.c, plan.c).
 */
#ifndef TACT_DECIDE_CAMPAIGNS_H
#define TACT_DECIDE_CAMPAIGNS_H

#include "private.h"

/* ---- campaigns.c ---- */

/* Reads them now, however fresh what there is. TACT_UNAVAILABLE also when only some parts of the store
 * answered: mail of campaigns that stand in those goes on (tact_policy_knows_campaign). */
int campaigns_read(struct tact_decider *decider, struct tact_error *err);
/* Are their counts of the same reading as the records, and not of an earlier one? */
bool campaigns_are_counted(const struct tact_campaigns *campaigns);
/* TACT_OK, or TACT_CORRUPT with words when the latest reading left out counts that cannot be read. */
int campaigns_tell_unread(struct tact_decider *decider, struct tact_error *err);

/* A campaign that a breaker stopped, as the mail that met it first said. */
struct campaign_stop {
	char campaign[256], rule[65], why[256], window[64];
	int64_t count_milli, at_most_milli, now_us;
};
#define CAMPAIGN_STOPS_MAX 64
/* Takes what was noted, at most CAMPAIGN_STOPS_MAX; answers how many. */
size_t campaigns_take_stops(struct tact_decider *decider, struct campaign_stop *ret);

/* ---- health.c ---- */

/* Who counts here: "relay/gate". */
const char *count_writer(struct tact_arena *arena, const struct tact_decider *decider);

/* Writes what was counted since the last time. TACT_OK, or as the store answered; it is kept then. */
int health_flush(struct tact_decider *decider, int64_t now_us, struct tact_error *err);

/* ---- campaign.c ---- */

int campaign_append(struct tact_decider *decider, const struct tact_campaign *campaign, const char *action,
    const struct tact_audit_rule *rule, uint64_t version, int64_t now_us, struct tact_error *err);
/* "campaign-pause by anna: wrong price" */
const char *campaign_action(struct tact_arena *arena, const char *what, const char *by, const char *why);
/* Makes or renews the record of a plan. TACT_OK, TACT_REFUSED with words, or as the store answered. */
int campaign_write_plan(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_campaign *plan, int64_t now_us, uint64_t *ret_version, struct tact_error *err);

#endif
