/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * See the header. Not a test.
 */
#include <config.h>

#include <string.h>

#include "dossier_help.h"

/* splitmix64. */
uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return random_next(state) % limit;
}

struct tact_id id_of(uint8_t n)
{
	struct tact_id id = {{0x1d}};

	id.b[TACT_ID_BYTES - 1] = n;
	return id;
}

static struct tact_id random_id(uint64_t *state)
{
	struct tact_id id = {{0}};

	if (random_below(state, 4) > 0)
		for (size_t i = 0; i < sizeof id.b; i++)
			id.b[i] = (uint8_t)random_next(state);
	return id;
}

static const char *random_text(struct tact_arena *arena, uint64_t *state)
{
	static const char *const texts[] = {
	    "", "", "alpha", "corporate", "leeds-branch", "O\xc3\xa4tes & S\xc3\xb6hne"};
	uint64_t which = random_below(state, 9);

	if (which < 6)
		return texts[which];
	/* The same words at another address, too. */
	return tact_arena_printf(arena, "name-%d", (int)random_below(state, 200));
}

static int64_t random_time(uint64_t *state)
{
	switch (random_below(state, 8)) {
	case 0:
		return 0;
	case 1:
		return INT64_MAX;
	default:
		return NOW_US - (int64_t)random_below(state, (uint64_t)(400 * DAY_US));
	}
}

/* Fields 100, 101 and 4096: a number, a text, eight bytes. */
static struct tact_unknown random_unknown(uint64_t *state)
{
	static const char bytes[] = "\xa0\x06\x2a\xaa\x06\x03new\x81\x80\x02\x01\x02\x03\x04\x05\x06\x07\x08";
	static const size_t ends[] = {0, 0, 0, 3, 9, 20};

	return (struct tact_unknown){.bytes = bytes, .size = ends[random_below(state, 6)]};
}

struct tact_contact contact_at(int64_t time_us, uint8_t id)
{
	return (struct tact_contact){
	    .id = id > 0 ? id_of(id) : (struct tact_id){{0}},
	    .time_us = time_us,
	    .count = 1,
	    .stream = "weekly",
	    .owner = "corporate",
	    .brand = "alpha",
	    .campaign = "",
	    .offer = "",
	    .list = "",
	    .counts = true,
	};
}

struct tact_claim claim_of(uint8_t id, enum tact_claim_state state)
{
	return (struct tact_claim){
	    .id = id_of(id),
	    .state = state,
	    .made_us = NOW_US,
	    .not_after_us = NOW_US + 3 * DAY_US,
	    .facts = {.stream = "weekly",
		.owner = "",
		.brand = "",
		.campaign = "",
		.offer = "",
		.list = "",
		.occasion = ""},
	    .relay = "",
	    .ring = "",
	    .queue_id = "",
	    .text = "",
	    .code = "",
	};
}

struct tact_suppression suppression_of(uint8_t id)
{
	return (struct tact_suppression){
	    .id = id_of(id),
	    .scope = {TACT_SCOPE_GLOBAL, ""},
	    .source = "import",
	    .note = "",
	    .time_us = NOW_US,
	    .ended_by = "",
	    .ended_why = "",
	};
}

static struct tact_scope random_scope(struct tact_arena *arena, uint64_t *state)
{
	struct tact_scope scope = {(enum tact_scope_kind)random_below(state, TACT_SCOPE_OFFER + 1), ""};

	if (scope.kind == TACT_SCOPE_PURPOSE)
		scope.value = "occasion";
	else if (scope.kind == TACT_SCOPE_CHANNEL)
		scope.value = "sms";
	else
		scope.value = random_text(arena, state);
	return scope;
}

static void random_contact(struct tact_arena *arena, uint64_t *state, struct tact_dossier *ret)
{
	struct tact_contact contact = {
	    .id = random_id(state),
	    .time_us = random_time(state),
	    .count = random_below(state, 4) == 0 ? (uint32_t)random_next(state) | 1 : 1,
	    .channel = (enum tact_channel)random_below(state, TACT_CHANNELS),
	    .direction = (enum tact_direction)random_below(state, TACT_IN + 1),
	    .sentiment = (enum tact_sentiment)random_below(state, TACT_NEGATIVE + 1),
	    .purpose = (enum tact_purpose)random_below(state, TACT_PURPOSES),
	    .stream = random_text(arena, state),
	    .owner = random_text(arena, state),
	    .brand = random_text(arena, state),
	    .campaign = random_text(arena, state),
	    .offer = random_text(arena, state),
	    .list = random_text(arena, state),
	    .counts = random_below(state, 2) > 0,
	    .open = random_below(state, 8) == 0,
	    .unknown = random_unknown(state),
	};

	if (random_below(state, 3) == 0 && contact.time_us < INT64_MAX - DAY_US)
		contact.span_us = DAY_US;
	tact_dossier_add_contact(arena, ret, &contact);
}

static void random_suppression(struct tact_arena *arena, uint64_t *state, struct tact_dossier *ret)
{
	struct tact_suppression suppression = {
	    .id = random_id(state),
	    .scope = random_scope(arena, state),
	    .reason = (enum tact_reason)random_below(state, TACT_REASONS),
	    .purposes = (unsigned)random_below(state, 1 << TACT_PURPOSES),
	    .source = random_text(arena, state),
	    .note = random_text(arena, state),
	    .time_us = random_time(state),
	    .until_us = random_time(state),
	    .ended_us = random_time(state),
	    .ended_by = random_text(arena, state),
	    .ended_why = random_text(arena, state),
	    .unknown = random_unknown(state),
	};

	suppression.id.b[0] |= 1; /* none would be read back as one */
	tact_dossier_add_suppression(arena, ret, &suppression);
}

static void random_consent(struct tact_arena *arena, uint64_t *state, struct tact_dossier *ret)
{
	struct tact_consent consent = {
	    .id = random_id(state),
	    .basis = (enum tact_basis)random_below(state, TACT_SOFT_OPT_IN + 1),
	    .scope = random_scope(arena, state),
	    .source = random_text(arena, state),
	    .proof = random_text(arena, state),
	    .time_us = random_time(state),
	    .until_us = random_time(state),
	    .ended_us = random_time(state),
	    .ended_by = random_text(arena, state),
	    .ended_why = random_text(arena, state),
	    .imported = random_below(state, 2),
	    .unknown = random_unknown(state),
	};

	tact_dossier_add_consent(arena, ret, &consent);
}

static struct tact_facts random_facts(struct tact_arena *arena, uint64_t *state)
{
	return (struct tact_facts){
	    .stream = random_text(arena, state),
	    .owner = random_text(arena, state),
	    .brand = random_text(arena, state),
	    .campaign = random_text(arena, state),
	    .offer = random_text(arena, state),
	    .list = random_text(arena, state),
	    .occasion = random_text(arena, state),
	    .purpose = (enum tact_purpose)random_below(state, TACT_PURPOSES),
	    .channel = (enum tact_channel)random_below(state, TACT_CHANNELS),
	    .priority = (int)random_below(state, 1001),
	    .exempt = random_below(state, 2) > 0,
	    .counts = random_below(state, 2) > 0,
	};
}

static void random_claim(struct tact_arena *arena, uint64_t *state, struct tact_dossier *ret)
{
	struct tact_claim claim = {
	    .id = random_id(state),
	    .contact_id = random_id(state),
	    .state = (enum tact_claim_state)random_below(state, TACT_CLAIM_STATES),
	    .planned = random_below(state, 2) > 0,
	    .made_us = random_time(state),
	    .not_after_us = random_time(state),
	    .facts = random_facts(arena, state),
	    .relay = random_text(arena, state),
	    .ring = random_text(arena, state),
	    .queue_id = random_text(arena, state),
	    .tempfail = random_below(state, 2) > 0,
	    .notify_added = random_below(state, 2) > 0,
	    .open = random_below(state, 2) > 0,
	    .bumps = (int)random_below(state, 5),
	    .firm = random_below(state, 2) > 0,
	    .review = random_id(state),
	    .decision = random_id(state),
	    .text = random_text(arena, state),
	    .code = random_text(arena, state),
	    .done_us = random_time(state),
	    .asked_us = random_time(state),
	    .rank_us = random_time(state),
	    .held_us = random_time(state),
	    .firm_us = random_time(state),
	    .contact_us = random_time(state),
	    .unknown = random_unknown(state),
	};

	claim.priority = claim.facts.priority;
	(void)tact_dossier_add_claim(arena, ret, &claim);
}

static void random_profile(struct tact_arena *arena, uint64_t *state, struct tact_profile *ret)
{
	ret->zone = random_text(arena, state);
	ret->home_owner = random_text(arena, state);
	ret->language = random_text(arena, state);
	ret->own_limit = random_text(arena, state);
	ret->unknown = random_unknown(state);
	for (uint64_t n = random_below(state, 3); n > 0; n--)
		*TACT_PUSH(arena, ret->occasions, ret->occasions_count) = (struct tact_occasion){
		    .name = random_text(arena, state),
		    .year = (int)random_below(state, 10000),
		    .month = 1 + (int)random_below(state, 12),
		    .day = 1 + (int)random_below(state, 31),
		    .unknown = random_unknown(state),
		};
}

void random_dossier(struct tact_arena *arena, uint64_t seed, struct tact_dossier *ret)
{
	uint64_t state = seed;

	tact_dossier_init(ret);
	for (uint64_t n = random_below(&state, 40); n > 0; n--)
		random_contact(arena, &state, ret);
	for (uint64_t n = random_below(&state, 4); n > 0; n--)
		*TACT_PUSH(arena, ret->told, ret->told_count) =
		    (struct tact_told){.mark = random_next(&state), .day = (uint32_t)random_next(&state)};
	for (uint64_t n = random_below(&state, 4); n > 0; n--)
		random_suppression(arena, &state, ret);
	for (uint64_t n = random_below(&state, 4); n > 0; n--)
		random_consent(arena, &state, ret);
	for (uint64_t n = random_below(&state, 6); n > 0; n--)
		random_claim(arena, &state, ret);
	if (random_below(&state, 2) > 0)
		random_profile(arena, &state, &ret->profile);
	ret->history_since_us = random_time(&state);
	ret->address = random_text(arena, &state);
	ret->unknown = random_unknown(&state);
	ret->has_person_key = random_below(&state, 2) > 0;
	for (size_t i = 0; ret->has_person_key && i < sizeof ret->person_key; i++)
		ret->person_key[i] = (uint8_t)random_next(&state);
	if (random_below(&state, 4) == 0)
		ret->stands_for = random_id(&state);
}

/* ---- differences ------------------------------------------------------------------------------------- */

struct comparison {
	struct tact_arena *arena;
	const char *part;
	size_t which;
	const char *found;
};

static void differ(struct comparison *c, const char *what)
{
	if (c->found == NULL)
		c->found = tact_arena_printf(c->arena, "%s %zu: %s", c->part, c->which, what);
}

/* The first argument of each is the comparison in hand. */
#define SAME_NUMBER(c, a, b, field) ((a)->field == (b)->field ? (void)0 : differ((c), #field))
#define SAME_TEXT(c, a, b, field) (tact_text_equal((a)->field, (b)->field) ? (void)0 : differ((c), #field))
#define SAME_ID(c, a, b, field) (tact_id_equal(&(a)->field, &(b)->field) ? (void)0 : differ((c), #field))

static void compare_unknown(struct comparison *c, const struct tact_unknown *a, const struct tact_unknown *b)
{
	if (a->size != b->size || (a->size > 0 && memcmp(a->bytes, b->bytes, a->size) != 0))
		differ(c, "unknown");
}

static void compare_contact(struct comparison *c, const struct tact_contact *a, const struct tact_contact *b)
{
	SAME_ID(c, a, b, id);
	SAME_NUMBER(c, a, b, time_us);
	SAME_NUMBER(c, a, b, span_us);
	SAME_NUMBER(c, a, b, count);
	SAME_NUMBER(c, a, b, channel);
	SAME_NUMBER(c, a, b, direction);
	SAME_NUMBER(c, a, b, sentiment);
	SAME_NUMBER(c, a, b, purpose);
	SAME_TEXT(c, a, b, stream);
	SAME_TEXT(c, a, b, owner);
	SAME_TEXT(c, a, b, brand);
	SAME_TEXT(c, a, b, campaign);
	SAME_TEXT(c, a, b, offer);
	SAME_TEXT(c, a, b, list);
	SAME_NUMBER(c, a, b, counts);
	SAME_NUMBER(c, a, b, open);
	compare_unknown(c, &a->unknown, &b->unknown);
}

static void compare_told(struct comparison *c, const struct tact_told *a, const struct tact_told *b)
{
	SAME_NUMBER(c, a, b, mark);
	SAME_NUMBER(c, a, b, day);
}

static void compare_suppression(
    struct comparison *c, const struct tact_suppression *a, const struct tact_suppression *b)
{
	SAME_ID(c, a, b, id);
	SAME_NUMBER(c, a, b, scope.kind);
	SAME_TEXT(c, a, b, scope.value);
	SAME_NUMBER(c, a, b, reason);
	SAME_NUMBER(c, a, b, purposes);
	SAME_TEXT(c, a, b, source);
	SAME_TEXT(c, a, b, note);
	SAME_NUMBER(c, a, b, time_us);
	SAME_NUMBER(c, a, b, until_us);
	SAME_NUMBER(c, a, b, ended_us);
	SAME_TEXT(c, a, b, ended_by);
	SAME_TEXT(c, a, b, ended_why);
	compare_unknown(c, &a->unknown, &b->unknown);
}

static void compare_consent(struct comparison *c, const struct tact_consent *a, const struct tact_consent *b)
{
	SAME_ID(c, a, b, id);
	SAME_NUMBER(c, a, b, basis);
	SAME_NUMBER(c, a, b, scope.kind);
	SAME_TEXT(c, a, b, scope.value);
	SAME_TEXT(c, a, b, source);
	SAME_TEXT(c, a, b, proof);
	SAME_NUMBER(c, a, b, time_us);
	SAME_NUMBER(c, a, b, until_us);
	SAME_NUMBER(c, a, b, ended_us);
	SAME_TEXT(c, a, b, ended_by);
	SAME_TEXT(c, a, b, ended_why);
	SAME_NUMBER(c, a, b, imported);
	compare_unknown(c, &a->unknown, &b->unknown);
}

static void compare_facts(struct comparison *c, const struct tact_facts *a, const struct tact_facts *b)
{
	SAME_TEXT(c, a, b, stream);
	SAME_TEXT(c, a, b, owner);
	SAME_TEXT(c, a, b, brand);
	SAME_TEXT(c, a, b, campaign);
	SAME_TEXT(c, a, b, offer);
	SAME_TEXT(c, a, b, list);
	SAME_TEXT(c, a, b, occasion);
	SAME_NUMBER(c, a, b, purpose);
	SAME_NUMBER(c, a, b, channel);
	SAME_NUMBER(c, a, b, priority);
	SAME_NUMBER(c, a, b, exempt);
	SAME_NUMBER(c, a, b, counts);
}

static void compare_claim(struct comparison *c, const struct tact_claim *a, const struct tact_claim *b)
{
	SAME_ID(c, a, b, id);
	SAME_ID(c, a, b, contact_id);
	SAME_NUMBER(c, a, b, state);
	SAME_NUMBER(c, a, b, planned);
	SAME_NUMBER(c, a, b, asked_us);
	SAME_NUMBER(c, a, b, rank_us);
	SAME_NUMBER(c, a, b, held_us);
	SAME_NUMBER(c, a, b, firm_us);
	SAME_NUMBER(c, a, b, contact_us);
	SAME_NUMBER(c, a, b, priority);
	SAME_NUMBER(c, a, b, made_us);
	SAME_NUMBER(c, a, b, not_after_us);
	compare_facts(c, &a->facts, &b->facts);
	SAME_TEXT(c, a, b, relay);
	SAME_TEXT(c, a, b, ring);
	SAME_TEXT(c, a, b, queue_id);
	SAME_NUMBER(c, a, b, tempfail);
	SAME_NUMBER(c, a, b, notify_added);
	SAME_NUMBER(c, a, b, open);
	SAME_NUMBER(c, a, b, bumps);
	SAME_NUMBER(c, a, b, firm);
	SAME_ID(c, a, b, review);
	SAME_ID(c, a, b, decision);
	SAME_TEXT(c, a, b, text);
	SAME_TEXT(c, a, b, code);
	SAME_NUMBER(c, a, b, done_us);
	compare_unknown(c, &a->unknown, &b->unknown);
}

static void compare_occasion(
    struct comparison *c, const struct tact_occasion *a, const struct tact_occasion *b)
{
	SAME_TEXT(c, a, b, name);
	SAME_NUMBER(c, a, b, year);
	SAME_NUMBER(c, a, b, month);
	SAME_NUMBER(c, a, b, day);
	compare_unknown(c, &a->unknown, &b->unknown);
}

static void compare_person(struct comparison *c, const struct tact_dossier *a, const struct tact_dossier *b)
{
	SAME_NUMBER(c, a, b, has_person_key);
	if (a->has_person_key && memcmp(a->person_key, b->person_key, sizeof a->person_key) != 0)
		differ(c, "person_key");
	SAME_NUMBER(c, a, b, history_since_us);
	SAME_TEXT(c, a, b, address);
	SAME_ID(c, a, b, stands_for);
	SAME_TEXT(c, a, b, profile.zone);
	SAME_TEXT(c, a, b, profile.home_owner);
	SAME_TEXT(c, a, b, profile.language);
	SAME_TEXT(c, a, b, profile.own_limit);
	compare_unknown(c, &a->profile.unknown, &b->profile.unknown);
	compare_unknown(c, &a->unknown, &b->unknown);
	SAME_NUMBER(c, a, b, contacts_count);
	SAME_NUMBER(c, a, b, told_count);
	SAME_NUMBER(c, a, b, suppressions_count);
	SAME_NUMBER(c, a, b, consents_count);
	SAME_NUMBER(c, a, b, claims_count);
	SAME_NUMBER(c, a, b, profile.occasions_count);
}

#define EACH(c, a, b, name, array, count, compare)                                                           \
	for ((c)->part = (name), (c)->which = 0; (c)->which < (a)->count; (c)->which++)                      \
	compare((c), &(a)->array[(c)->which], &(b)->array[(c)->which])

const char *difference(struct tact_arena *arena, const struct tact_dossier *a, const struct tact_dossier *b)
{
	struct comparison c = {.arena = arena, .part = "person"};

	compare_person(&c, a, b);
	if (c.found != NULL)
		return c.found;
	EACH(&c, a, b, "contact", contacts, contacts_count, compare_contact);
	EACH(&c, a, b, "told", told, told_count, compare_told);
	EACH(&c, a, b, "suppression", suppressions, suppressions_count, compare_suppression);
	EACH(&c, a, b, "consent", consents, consents_count, compare_consent);
	EACH(&c, a, b, "claim", claims, claims_count, compare_claim);
	EACH(&c, a, b, "occasion", profile.occasions, profile.occasions_count, compare_occasion);
	return c.found;
}
