/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * RCPT at the gate, a read: is it due, or what does Postfix hear until then.
 */
#include <config.h>

#include <string.h>

#include "pass.h"

void say_look(struct tact_waiting *waiting, enum tact_look look, const char *code, const char *text)
{
	waiting->look = look;
	waiting->code = code;
	waiting->text = text;
}

void say_failure(struct tact_waiting *waiting, int result)
{
	waiting->look = TACT_LOOK_FAIL;
	waiting->fate = TACT_FATE_UNDECIDED;
	undecided_words(result, &waiting->code, &waiting->text);
}

/* "2026-11-24 09:00 UTC": what an admin reads in postqueue -p. */
static const char *clock_text(struct tact_arena *arena, int64_t time_us)
{
	char *text = tact_text_format_time(arena, time_us - time_us % 1000000);
	size_t length = strlen(text);

	if (length >= 20 && text[10] == 'T') {
		text[10] = ' ';
		text[strncmp(text + 16, ":00", 3) == 0 ? 16 : 19] = '\0';
	}
	return tact_arena_printf(arena, "%s UTC", text);
}

/* The rule's words end with the place they were said with, and the place may have moved since: an admin must
 * not read two of them. */
static const char *without_place(struct tact_arena *arena, const char *why)
{
	static const char place[] = "next place ";
	const char *at = NULL;

	for (const char *next = strstr(why, place); next != NULL; next = strstr(next + 1, place))
		at = next;
	if (at == NULL)
		return why;
	if (at - why >= 2 && at[-2] == ',' && at[-1] == ' ')
		at -= 2;
	return tact_arena_strndup(arena, why, (size_t)(at - why));
}

void say_place(struct tact_arena *arena, struct tact_waiting *waiting, const char *why, int64_t place_us)
{
	const char *words = without_place(arena, why);

	waiting->until_us = place_us;
	say_look(waiting, TACT_LOOK_WAIT, "4.7.1",
	    tact_arena_printf(arena, "<%s> waits%s%s; next place %s",
		tact_text_printable(arena, waiting->given, 100), *words == '\0' ? "" : ": ", words,
		clock_text(arena, place_us)));
}

int read_person(struct tact_decider *decider, struct tact_arena *arena, const char *given, struct whom *whom,
    int64_t deadline_ms)
{
	int result = tact_facts_recipient(arena, decider->parts.identity, given, &whom->recipient, NULL);

	if (result != TACT_OK)
		return result;
	whom_resolve(decider, arena, whom, 1, deadline_ms);
	return whom->result;
}

static void look_at_review(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_claim *claim, struct tact_waiting *waiting, int64_t deadline_ms)
{
	struct tact_review review;
	bool exists;
	int result = review_read(decider, arena, &claim->review, &review, &exists, deadline_ms);

	if (result != TACT_OK) {
		say_failure(waiting, result);
		return;
	}
	/* One that could not be written when the gate held the mail: nobody could end it, so it is held anew.
	 */
	if (!exists || review.state != TACT_REVIEW_HELD || review_cleared_us(&review, claim) != 0) {
		waiting->look = TACT_LOOK_TAKE;
		return;
	}
	say_look(waiting, TACT_LOOK_WAIT, "4.7.1", claim->text);
}

static void look_at_place(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_campaigns *campaigns, const struct tact_dossier *view, const struct tact_claim *claim,
    struct tact_waiting *waiting, int64_t now_us)
{
	int64_t *places = tact_arena_alloc(arena, (view->claims_count + 1) * sizeof *places), place = 0;

	tact_policy_places(arena, rules, campaigns, view, now_us, places);
	for (size_t i = 0; i < view->claims_count; i++)
		if (tact_id_equal(&view->claims[i].id, &claim->id))
			place = places[i];
	/* No place at all, or lapsed: the whole question is asked again. So it is when nothing is to be done
	 * any more. */
	if (place == INT64_MAX || place <= now_us || rules->monitor)
		waiting->look = TACT_LOOK_TAKE;
	else
		say_place(arena, waiting, claim->text, place);
}

static void look_at_claim(struct tact_decider *decider, struct tact_arena *arena, const struct whom *whom,
    struct tact_dossier *dossier, struct tact_waiting *waiting, int64_t now_us, int64_t deadline_ms)
{
	const struct tact_claim *claim = tact_dossier_find_claim(dossier, &waiting->claim);
	const struct tact_campaigns *campaigns;
	const struct tact_rule_set *rules;

	if (claim == NULL) {
		say_look(waiting, TACT_LOOK_UNKNOWN, "4.7.1",
		    "not known here as waiting; ask the operator of this relay");
		return;
	}
	waiting->notify_added = claim->notify_added;
	waiting->queue_id = claim->queue_id;
	switch (claim->state) {
	case TACT_CLAIM_PASSED:
	case TACT_CLAIM_BOUNCED:
		waiting->look = TACT_LOOK_DROP;
		return;
	case TACT_CLAIM_REVIEW:
		look_at_review(decider, arena, claim, waiting, deadline_ms);
		return;
	case TACT_CLAIM_WAITING:
		rules = tact_decider_take_rules(decider);
		campaigns = campaigns_take(decider, deadline_ms, NULL);
		look_at_place(
		    arena, rules, campaigns, whom_view(arena, whom, dossier), claim, waiting, now_us);
		tact_decider_put_campaigns(decider, campaigns);
		tact_decider_put_rules(decider, rules);
		return;
	default:
		waiting->look = TACT_LOOK_TAKE;
	}
}

/* What the milter refused among others, because it is nobody's address, has no claim: its ring says so. */
static void look_at_no_address(struct tact_arena *arena, struct tact_waiting *waiting)
{
	if (waiting->ring != NULL && tact_text_equal(waiting->ring, RING_NO_ADDRESS))
		say_look(waiting, TACT_LOOK_REFUSE, "5.1.3",
		    tact_arena_printf(arena, "<%s> is not an address that mail can be decided for",
			tact_text_printable(arena, waiting->given, 100)));
	else
		say_look(waiting, TACT_LOOK_UNKNOWN, "4.1.3", "not an address of ours");
}

/* The record that holds the claim: the person's own, as a rule. */
static int read_home(struct tact_decider *decider, struct tact_arena *arena, struct whom *whom,
    const struct tact_id *claim, struct tact_dossier *ret, int64_t deadline_ms)
{
	struct tact_id home;
	int result = whom_read(decider, arena, &whom->key, ret, deadline_ms);

	if (result != TACT_OK || tact_dossier_find_claim(ret, claim) != NULL)
		return result;
	result = whom_find_claim(decider, arena, whom, claim, deadline_ms, &home);
	if (result != TACT_OK)
		return result == TACT_ABSENT ? TACT_OK : result;
	whom_write_to(decider, arena, whom, &home, deadline_ms);
	return whom->result != TACT_OK ? whom->result : whom_read(decider, arena, &home, ret, deadline_ms);
}

void tact_decide_look(struct tact_decider *decider, struct tact_arena *arena, struct tact_waiting *waiting,
    int64_t now_us, int64_t deadline_ms, struct tact_error *err)
{
	struct whom whom = {0};
	struct tact_dossier dossier;
	int result = read_person(decider, arena, waiting->given, &whom, deadline_ms);

	waiting->code = waiting->text = waiting->queue_id = "";
	waiting->fate = TACT_FATE_UNDECIDED;
	if (result == TACT_INVALID) {
		look_at_no_address(arena, waiting);
		return;
	}
	if (result == TACT_OK)
		result = read_home(decider, arena, &whom, &waiting->claim, &dossier, deadline_ms);
	waiting->key = whom.key;
	if (result != TACT_OK)
		say_failure(waiting, result);
	else
		look_at_claim(decider, arena, &whom, &dossier, waiting, now_us, deadline_ms);
	if (waiting->look == TACT_LOOK_FAIL)
		tact_store_last_error(decider->parts.store, err);
}
