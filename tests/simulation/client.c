/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Clients hand mail in: a new one, the same again because they heard 451 or nothing at all, or an old one as
 * if it were new.
 */
#include <config.h>

#include "world.h"

/* ---- mails -------------------------------------------------------------------------------------- */

/* Bounces and other answers of machines; or somebody who would go round the rules so: then it is asked as the
 * strictest stream, the first. */
static void lose_sender(struct world *world, struct facts_spec *ret)
{
	const struct stream_spec *strictest = &world->house->streams[0];

	ret->null = chance_of(&world->chance, 1, 2) ? NULL_AUTOMATIC : NULL_OTHER;
	ret->stream = 0;
	ret->owner = strictest->owner;
	ret->brand = strictest->brand;
	ret->purpose = ret->null == NULL_AUTOMATIC ? TRANSACTIONAL : strictest->purpose;
	ret->priority = strictest->priority;
	ret->counts = ret->null == NULL_OTHER && strictest->counts;
	ret->exempt = ret->null == NULL_AUTOMATIC || strictest->exempt;
	ret->birthday = strictest->purpose == OCCASION;
}

void client_random_facts(struct world *world, struct facts_spec *ret)
{
	struct chance *chance = &world->chance;
	int number = (int)chance_below(chance, world->house->streams_count);
	const struct stream_spec *stream = &world->house->streams[number];

	*ret = (struct facts_spec){.stream = number,
	    .owner = stream->owner,
	    .brand = stream->brand,
	    .purpose = stream->purpose,
	    .channel = EMAIL,
	    .campaign = chance_of(chance, 1, 2) ? (int)chance_below(chance, CAMPAIGNS) : -1,
	    .offer = chance_of(chance, 1, 3) ? (int)chance_below(chance, OFFERS) : -1,
	    .list = -1,
	    .priority = stream->priority,
	    .counts = stream->counts,
	    .exempt = stream->exempt,
	    .birthday = stream->purpose == OCCASION};
	if (chance_of(chance, 1, 3))
		ret->list = (int)chance_below(chance, LISTS);
	ret->bare = chance_of(chance, 1, 5);
	if (chance_of(chance, 1, 20))
		lose_sender(world, ret);
	/* What calls itself personal and has the marks of a mailing is not. */
	if (ret->purpose == PERSONAL || stream->purpose == PERSONAL)
		ret->campaign = ret->list = -1;
}

static void random_recipients(struct world *world, struct mail *mail)
{
	struct chance *chance = &world->chance;

	mail->count = chance_of(chance, 3, 4) ? 1 : (int)chance_between(chance, 2, RECIPIENTS_MAX);
	for (int i = 0; i < mail->count; i++) {
		mail->people[i] = world_random_person(world);
		if (i > 0 && chance_of(chance, 1, 5)) /* the same person once more */
			mail->people[i] = mail->people[i - 1];
		mail->given[i] = world_any_address(world, mail->people[i]);
	}
}

static struct mail *pick_mail(struct world *world)
{
	struct mail *mail;

	/* A sender whose mails all look the same sends another one. */
	if (world->mails_count > 0 && chance_of(&world->chance, 1, 15))
		return world->mails[chance_below(&world->chance, (int64_t)world->mails_count)];
	mail = tact_arena_alloc(world->arena, sizeof *mail);
	mail->number = (int)world->mails_count;
	client_random_facts(world, &mail->facts);
	random_recipients(world, mail);
	*TACT_PUSH(world->arena, world->mails, world->mails_count) = mail;
	world->figures.mails++;
	return mail;
}

void client_invent(struct world *world)
{
	struct job *job = tact_arena_alloc(world->arena, sizeof *job);

	job->mail = pick_mail(world);
	job->relay = (int)chance_below(&world->chance, world->relays_count);
	job->give_up_us = world->faults.now_us + HOUR_US * chance_between(&world->chance, 1, 120);
	for (int i = 0; i < job->mail->count; i++)
		job->left[i] = true;
	client_submit(world, job);
}

/* ---- one session with smtpd --------------------------------------------------------------------- */

struct session {
	struct world *world;
	struct job *job;
	struct mail *mail;
	struct relay *relay;
	struct tact_arena *arena;
	const struct house_spec *house;
	struct tact_message *message;
	int which[RECIPIENTS_MAX], count; /* of the mail's recipients, those that reach the end of message */
	struct tact_asked asked[RECIPIENTS_MAX];
	struct tact_ruling rulings[RECIPIENTS_MAX];
	int begun[RECIPIENTS_MAX], who[RECIPIENTS_MAX];
	uint64_t sequence;
	int64_t now_us;
	struct releases released;
};

static struct asked ask(const struct session *session, int i)
{
	const struct mail *mail = session->mail;

	return (struct asked){.person = world_whose(session->world, mail->people[session->which[i]]),
	    .mail = mail->number,
	    .sequence = session->sequence,
	    .now_us = session->now_us,
	    .not_after_us =
		session->now_us + session->house->streams[mail->facts.stream].max_delay_s * SECOND_US,
	    .facts = &mail->facts,
	    .house = session->house,
	    .released = session->released,
	    .stale_us = plans_stale_us(session->world),
	    .deaf = plans_deaf(session->world)};
}

static void come_again(struct world *world, struct job *job)
{
	static const int64_t waits_us[] = {
	    MINUTE_US, 5 * MINUTE_US, 10 * MINUTE_US, 30 * MINUTE_US, HOUR_US, 2 * HOUR_US, 4 * HOUR_US};
	int64_t wait_us = waits_us[job->tries < 6 ? job->tries : 6];
	int64_t at_us = world->faults.now_us + wait_us + chance_below(&world->chance, MINUTE_US);

	job->tries++;
	if (at_us > job->give_up_us) {
		world->figures.bounced++;
		world_trace(world, "client gives mail %d up", job->mail->number);
		return;
	}
	world->figures.retries++;
	world_plan(world, at_us, EVENT_JOB, job, 0);
}

/* Refused at RCPT: the client is told at once. The campaign is not known yet. */
static void refused_at_rcpt(struct session *session, int recipient)
{
	struct facts_spec facts = session->mail->facts;
	struct asked asked;

	session->which[session->count] = recipient;
	asked = ask(session, session->count);
	facts.campaign = facts.offer = facts.list = -1;
	asked.facts = &facts;
	asked.sequence = session->world->faults.sequence + 1;
	session->job->left[recipient] = false;
	session->world->figures.refused++;
	oracle_held(session->world->oracle, &asked, FATE_REJECT, 0, (const unsigned char[16]){1});
	world_trace(session->world, "mail %d to %d refused at RCPT", session->mail->number,
	    session->mail->people[recipient]);
}

static bool ask_rcpt(struct session *session, int recipient)
{
	struct world *world = session->world;
	struct tact_asked asked = {.given = session->mail->given[recipient]};
	struct tact_decide_request request = {.message = world_envelope(session->arena, session->mail),
	    .asked = &asked,
	    .asked_count = 1,
	    .now_us = session->now_us,
	    .deadline_ms = 0};
	struct tact_ruling ruling;
	struct entry entry;

	world_enter(world, session->relay, &entry);
	tact_decide_rcpt(session->relay->decider, session->arena, &request, &ruling, NULL);
	if (world_leave(world, session->relay, &entry) || ruling.fate == TACT_FATE_UNDECIDED)
		return false;
	if (ruling.fate != TACT_FATE_REFUSE)
		return true;
	refused_at_rcpt(session, recipient);
	return false;
}

static void name_recipients(struct session *session)
{
	bool early = chance_of(&session->world->chance, 1, 2);

	for (int i = 0; i < session->mail->count; i++) {
		if (!session->job->left[i] || (early && !ask_rcpt(session, i)))
			continue;
		session->which[session->count] = i;
		session->asked[session->count++] = (struct tact_asked){.given = session->mail->given[i]};
	}
}

/* ---- what came of it ---------------------------------------------------------------------------- */

static void deliver(struct session *session, int i, int contact)
{
	struct asked asked = ask(session, i);

	session->mail->handed[asked.person] = true;
	session->world->figures.delivered++;
	oracle_delivered(session->world->oracle, &asked, contact);
}

static struct copy *new_copy(struct session *session)
{
	struct world *world = session->world;
	struct copy *copy = tact_arena_alloc(world->arena, sizeof *copy);

	copy->mail = session->mail;
	copy->relay = (int)(session->relay - world->relays);
	copy->queued_us = world->faults.now_us;
	return copy;
}

static void queue(struct session *session, struct copy *copy, int i)
{
	struct world *world = session->world;
	const struct tact_ruling *ruling = &session->rulings[i];
	struct leg *leg = &copy->legs[copy->count++];

	*leg = (struct leg){.person = session->mail->people[session->which[i]],
	    .given = ruling->given,
	    .ring = tact_arena_strdup(world->arena, ruling->ring),
	    .claim = ruling->claim,
	    .next_us = world->faults.now_us + SECOND_US,
	    .review = ruling->fate == TACT_FATE_REVIEW,
	    .not_after_us = ask(session, i).not_after_us};
}

/* What tact said of one person, told to the oracle. Answers the contact when it passes, else −1. */
static int report(struct session *session, int i)
{
	struct world *world = session->world;
	const struct tact_ruling *ruling = &session->rulings[i];
	struct asked asked = ask(session, i);
	const unsigned char *claim = ruling->claim.b;

	switch (ruling->fate) {
	case TACT_FATE_PASS:
		return oracle_passed(world->oracle, &asked);
	case TACT_FATE_GATE:
		world->figures.delayed++;
		oracle_held(world->oracle, &asked, FATE_DELAY, ruling->opinion.until_us, claim);
		break;
	case TACT_FATE_REVIEW:
		world->figures.quarantined++;
		oracle_held(world->oracle, &asked, FATE_QUARANTINE, 0, claim);
		break;
	default:
		world->figures.refused++;
		oracle_held(world->oracle, &asked, FATE_REJECT, 0, claim);
	}
	return -1;
}

static void check_ruling(struct session *session, int i)
{
	const struct tact_ruling *ruling = &session->rulings[i];
	const char *want = session->house->streams[session->mail->facts.stream].name;

	if (!tact_text_equal(ruling->facts.stream, want))
		oracle_complain(session->world->oracle, "mail %d went to stream %s, not %s",
		    session->mail->number, ruling->facts.stream, want);
	if ((ruling->fate == TACT_FATE_REVIEW || ruling->fate == TACT_FATE_REFUSE) && ruling->code[0] == '2')
		oracle_complain(session->world->oracle, "mail %d is held with code %s", session->mail->number,
		    ruling->code);
}

/* The message is Postfix's now. */
static void accept(struct session *session, enum tact_sum sum, const int *contacts)
{
	struct world *world = session->world;
	struct copy *copy = new_copy(session);

	for (int i = 0; i < session->count; i++) {
		if (sum == TACT_SUM_CONTINUE || session->rulings[i].fate == TACT_FATE_PASS) {
			if (contacts[i] >= 0)
				deliver(session, i, contacts[i]);
		} else if (session->rulings[i].first == (size_t)i) {
			queue(session, copy, i);
		}
	}
	if (copy->count == 0)
		return;
	*TACT_PUSH(world->arena, world->copies, world->copies_count) = copy;
	world_plan(world, world->faults.now_us + SECOND_US, EVENT_QUEUE, copy, copy->relay);
}

/* Answers whether the client has to come again. */
static bool conclude(struct session *session)
{
	struct world *world = session->world;
	enum tact_sum sum = tact_decide_sum(session->rulings, (size_t)session->count);
	int contacts[RECIPIENTS_MAX];
	struct entry entry;

	for (int i = 0; i < session->count; i++)
		(session->rulings[i].fate == TACT_FATE_UNDECIDED &&
			    session->rulings[i].result != TACT_REFUSED /* nothing was written */
			? oracle_lost
			: oracle_settled)(world->oracle, session->who[i], session->begun[i]);
	for (int i = 0; i < session->count; i++) {
		contacts[i] = -1;
		world_trace(world, "mail %d of stream %d, campaign %d to %d: fate %d until %lld sum %d %s",
		    session->mail->number, session->mail->facts.stream, session->mail->facts.campaign,
		    session->mail->people[session->which[i]], (int)session->rulings[i].fate,
		    (long long)session->rulings[i].opinion.until_us, (int)sum, session->rulings[i].text);
		if (session->rulings[i].first != (size_t)i)
			continue;
		if (session->rulings[i].fate == TACT_FATE_UNDECIDED) {
			world->figures.undecided++;
			continue; /* it may have been written */
		}
		check_ruling(session, i);
		contacts[i] = report(session, i);
	}
	if (sum == TACT_SUM_TEMPFAIL)
		return true;
	if (sum == TACT_SUM_REJECT)
		return false;
	if (sum == TACT_SUM_EDIT && !world->faults.off && chance_of(&world->chance, 1, 100)) {
		world_enter(world, session->relay, &entry); /* Postfix could not edit the recipients */
		tact_decide_reopen(session->relay->decider, session->arena, session->rulings,
		    (size_t)session->count, session->now_us, 0);
		(void)world_leave(world, session->relay, &entry);
		return true;
	}
	if (sum == TACT_SUM_HOLD) /* whole, by Postfix itself; nobody releases it there */
		return false;
	accept(session, sum, contacts);
	/* Now and then the client does not hear the 250. */
	return !world->faults.off && chance_of(&world->chance, 1, 60);
}

static bool decide(struct session *session)
{
	struct world *world = session->world;
	struct relay *relay = session->relay;
	const struct tact_rule_set *rules;
	struct entry entry;

	session->house = world->house;
	session->released = *world_release(world, session->mail);
	session->now_us = world->faults.now_us;
	session->sequence = 0;
	for (int i = 0; i < session->count; i++) {
		struct asked asked = ask(session, i);

		session->who[i] = asked.person;
		session->begun[i] = oracle_begun(world->oracle, &asked);
	}
	world_enter(world, relay, &entry);
	rules = tact_decider_take_rules(relay->decider);
	tact_decide_message(relay->decider, session->arena,
	    &(struct tact_decide_request){.message = session->message,
		.asked = session->asked,
		.asked_count = (size_t)session->count,
		.excerpt = "hello",
		.now_us = session->now_us,
		.rules = rules},
	    session->rulings, NULL);
	tact_decider_put_rules(relay->decider, rules);
	session->sequence = entry.sequence;
	if (world_leave(world, relay, &entry)) {
		for (int i = 0; i < session->count; i++)
			oracle_lost(world->oracle, session->who[i], session->begun[i]);
		return true;
	}
	return conclude(session);
}

static void forget_handed_in(struct session *session)
{
	for (int i = 0; i < session->count; i++)
		session->job->left[session->which[i]] = false;
}

static bool has_left(const struct job *job)
{
	for (int i = 0; i < job->mail->count; i++)
		if (job->left[i])
			return true;
	return false;
}

void client_submit(struct world *world, struct job *job)
{
	struct session session = {.world = world, .job = job};

	if (job == NULL) {
		client_invent(world);
		return;
	}
	plans_tend(world, &world->relays[job->relay]);
	session.mail = job->mail;
	session.relay = &world->relays[job->relay];
	session.house = world->house;
	session.now_us = world->faults.now_us;
	session.arena = tact_arena_new();
	session.message = world_message(world, session.arena, job->mail);
	world->figures.submissions++;
	name_recipients(&session);
	world->figures.recipients += (uint64_t)session.count;
	if (session.relay->machine.dead || (session.count > 0 && decide(&session))) {
		come_again(world, job);
	} else {
		forget_handed_in(&session);
		if (has_left(job))
			come_again(world, job);
	}
	tact_arena_free(&session.arena);
}
