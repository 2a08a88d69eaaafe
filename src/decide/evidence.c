/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Decisions as entries of the evidence: which field of an entry comes from where. Appending is the audit
 * room's.
 */
#include <config.h>

#include <string.h>

#include "private.h"

static void fill_rule(const struct tact_finding *finding, struct tact_audit_rule *ret)
{
	*ret = (struct tact_audit_rule){
	    .name = finding->rule->name,
	    .kind = tact_policy_rule_kind_name(finding->rule->kind),
	    .verdict = tact_policy_verdict_name(finding->verdict),
	    .mode = finding->rule->monitor ? "monitor" : "enforce",
	    .until_us = finding->until_us == INT64_MAX ? 0 : finding->until_us,
	    .numbers =
		{
		    .present = finding->has_numbers,
		    .count_milli = finding->count_milli,
		    .at_most_milli = finding->at_most_milli,
		    .window = finding->window,
		    .frees_at_us = finding->frees_at_us == INT64_MAX ? 0 : finding->frees_at_us,
		},
	};
}

void evidence_rules(
    struct tact_arena *arena, const struct tact_opinion *opinion, struct tact_audit_entry *entry)
{
	struct tact_audit_rule *rules =
	    tact_arena_alloc(arena, (opinion->findings_count + 1) * sizeof *rules);
	struct tact_audit_weighed *weighed =
	    tact_arena_alloc(arena, (opinion->weighed_count + 1) * sizeof *weighed);

	for (size_t i = 0; i < opinion->findings_count; i++)
		fill_rule(&opinion->findings[i], &rules[i]);
	for (size_t i = 0; i < opinion->weighed_count; i++) {
		const struct tact_suppression *one = opinion->weighed[i];

		weighed[i] = (struct tact_audit_weighed){
		    .id = tact_id_format(arena, &one->id),
		    .scope = tact_dossier_format_scope(arena, &one->scope),
		    .reason = tact_dossier_reason_name(one->reason),
		    .time_us = one->time_us,
		};
	}
	entry->rules = rules;
	entry->rules_count = opinion->findings_count;
	entry->weighed = weighed;
	entry->weighed_count = opinion->weighed_count;
	entry->verdict = tact_policy_verdict_name(opinion->verdict);
	entry->until_us = opinion->verdict == TACT_DELAY ? opinion->until_us : 0;
	entry->code = opinion->code;
	entry->text = opinion->text;
}

static bool was_let_go(const struct tact_opinion *opinion)
{
	for (size_t i = 0; i < opinion->findings_count; i++) {
		const struct tact_finding *finding = &opinion->findings[i];

		if (finding->fired && !finding->rule->monitor && finding->verdict == TACT_QUARANTINE)
			return opinion->verdict == TACT_ACCEPT;
	}
	return false;
}

void evidence_released(struct tact_arena *arena, const struct tact_opinion *opinion, const char *words,
    struct tact_audit_entry *entry)
{
	if (words != NULL && was_let_go(opinion))
		entry->text = tact_arena_printf(arena, "%s; %s", opinion->text, words);
}

/* An entry leaves out what there is none of. */
static const char *or_absent(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

void evidence_facts(const struct tact_facts *facts, struct tact_audit_entry *entry)
{
	entry->stream = facts->stream;
	entry->purpose = tact_facts_purpose_name(facts->purpose);
	entry->owner = or_absent(facts->owner);
	entry->brand = or_absent(facts->brand);
	entry->campaign = or_absent(facts->campaign);
	entry->priority = facts->priority;
	entry->has_priority = true;
}

void evidence_message(const struct tact_message *message, struct tact_audit_entry *entry)
{
	entry->queue_id = message->queue_id;
	entry->message_id = message->message_id;
	entry->sender = message->envelope.sender;
	entry->from = message->from;
	entry->sasl_user = message->envelope.sasl_user;
	entry->subject = message->subject;
}

void evidence_person(struct tact_arena *arena, const uint8_t *person_key, const struct tact_id *key,
    const char *domain, struct tact_audit_entry *entry)
{
	entry->person_key = tact_arena_copy(arena, person_key, TACT_SEAL_KEY_BYTES);
	entry->pseudonym = tact_audit_pseudonym(arena, person_key, key);
	entry->recipient_domain = domain != NULL && *domain != '\0' ? domain : NULL; /* a phone has none */
}

void evidence_common(const struct tact_rule_set *rules, enum tact_audit_kind kind, const char *phase,
    struct tact_audit_entry *entry)
{
	entry->kind = kind;
	entry->phase = phase;
	entry->policy = rules->digest;
	entry->software = "tact " PACKAGE_VERSION;
	entry->mode = rules->monitor ? "monitor" : "enforce";
}

int evidence_append(struct tact_decider *decider, const struct tact_audit_entry *entries, size_t count,
    int64_t now_us, struct tact_error *err)
{
	if (count == 0)
		return TACT_OK;
	if (decider->parts.audit == NULL)
		return tact_error_set(
		    err, TACT_REFUSED, "no evidence log is open, so nothing may be decided");
	return tact_audit_append(decider->parts.audit, entries, count, now_us, NULL, err);
}

int tact_decide_record(struct tact_decider *decider, enum tact_audit_kind kind, const char *detail,
    int64_t now_us, struct tact_error *err)
{
	const struct tact_rule_set *rules = tact_decider_take_rules(decider);
	struct tact_audit_entry entry = {0};
	int result;

	evidence_common(
	    rules, kind, kind == TACT_AUDIT_CHANGE ? "command" : tact_audit_kind_name(kind), &entry);
	entry.action = detail;
	if (kind == TACT_AUDIT_POLICY)
		entry.policy_text = rules->text;
	result = evidence_append(decider, &entry, 1, now_us, err);
	tact_decider_put_rules(decider, rules);
	return result;
}
