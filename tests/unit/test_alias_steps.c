/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Two who act at the same time, one of whom makes, ends or leads on an alias: stopped before each call of
 * the store in turn while the other does what he does, whole or up to a call of his own. What has come of
 * it, as seen under every address, is what comes of it when one acts after the other; and a wish that was
 * acknowledged is obeyed from then on.
 */
#include <config.h>

#include <check.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide_help.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define NOW INT64_C(1767603600000000) /* 2026-01-05T09:00:00Z, a Monday */
#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)

static const char configuration[] =
    "listener smtp { socket = \"inet:8891@127.0.0.1\" }\n"
    "trusted { listeners = {\"smtp\"} }\n"
    "owner leeds {}\n"
    "stream branch { owner = leeds purpose = promotional senders = {\"@leeds.example\"} }\n"
    "suppression unsubscribed { action = reject }\n"
    "limit often { at_most = 9/20h count = {promotional} action = delay }\n"
    "limit asked { at_most = recipient action = delay }\n";

enum address { OTHER, MAIN, THIRD, LED, ADDRESSES };
static const char *const domains[ADDRESSES] = {"other", "main", "third", "led"};
static int person; /* each run has people of its own */

static const char *const scopes[] = {
    "global", "owner:leeds", "stream:branch", "purpose:promotional", "channel:email", "campaign:autumn"};
#define SCOPES COUNT(scopes)
static size_t scope;

/* ---- what they do ---- */

enum deed { ALIAS, END, WISH, PAUSE, UNWISH, CONSENT, END_CONSENT, LIMIT, CLEAR, CALL, MAIL };
static const char *const deeds[] = {
    "alias", "end", "wish", "pause", "unwish", "consent", "end-consent", "limit", "clear", "call", "mail"};

struct act {
	enum deed deed;
	enum address address, of;
};

static const char *address_of(enum address address)
{
	return tact_arena_printf(b.arena, "p%d@%s.example", person, domains[address]);
}

static struct tact_scope the_scope(void)
{
	struct tact_scope ret;

	ck_assert_int_eq(tact_dossier_parse_scope(b.arena, scopes[scope], &ret, NULL), TACT_OK);
	return ret;
}

static struct tact_message *message_of(const char *id)
{
	const char *sender = "a@leeds.example";
	struct tact_envelope envelope = {
	    .listener = "smtp", .smtp = true, .client_ip = "192.0.2.1", .sender = sender};
	struct tact_message *message = tact_facts_new_message(b.arena, &envelope);

	tact_facts_add_header(b.arena, message, "From", sender);
	tact_facts_add_header(
	    b.arena, message, "Message-ID", tact_arena_printf(b.arena, "<%s%d@x.example>", id, person));
	tact_facts_add_header(b.arena, message, "Feedback-ID", "autumn:x:y:z");
	tact_facts_finish_message(b.arena, message, &b.config->profile);
	return message;
}

static struct tact_ruling send_to(enum address address, const char *id, int64_t now_us, bool ask)
{
	struct tact_asked asked = {.given = address_of(address)};
	struct tact_decide_request request = {
	    .message = message_of(id), .asked = &asked, .asked_count = 1, .now_us = now_us};
	struct tact_ruling ruling = {0};

	(ask ? tact_decide_explain : tact_decide_message)(b.decider, b.arena, &request, &ruling, NULL);
	return ruling;
}

static struct tact_suppression wish_of(enum deed deed, bool before, int64_t now_us)
{
	return (struct tact_suppression){.scope = the_scope(),
	    .reason = deed == PAUSE ? TACT_PAUSE : TACT_UNSUBSCRIBE,
	    .until_us = deed == PAUSE ? NOW + (before ? 1 : 2) * HOUR : 0,
	    .source = "",
	    .note = "",
	    .time_us = now_us,
	    .ended_by = "",
	    .ended_why = ""};
}

static struct tact_consent consent_of(int64_t now_us)
{
	return (struct tact_consent){.scope = the_scope(),
	    .source = "form",
	    .proof = "",
	    .time_us = now_us,
	    .ended_by = "",
	    .ended_why = ""};
}

static struct tact_contact call_of(enum address address, int64_t now_us)
{
	return (struct tact_contact){.id = {{0xca, (uint8_t)address}},
	    .time_us = now_us,
	    .count = 1,
	    .channel = TACT_PHONE,
	    .purpose = TACT_PROMOTIONAL,
	    .stream = "",
	    .owner = "leeds",
	    .brand = "",
	    .campaign = "",
	    .offer = "",
	    .list = "",
	    .counts = true};
}

static struct tact_change change_of(const struct act *act, bool before, int64_t now_us)
{
	static const enum tact_change_kind kinds[] = {[ALIAS] = TACT_CHANGE_ALIAS,
	    [END] = TACT_CHANGE_ALIAS,
	    [WISH] = TACT_CHANGE_SUPPRESS,
	    [PAUSE] = TACT_CHANGE_SUPPRESS,
	    [UNWISH] = TACT_CHANGE_UNSUPPRESS,
	    [CONSENT] = TACT_CHANGE_CONSENT,
	    [END_CONSENT] = TACT_CHANGE_END_CONSENT,
	    [LIMIT] = TACT_CHANGE_PROFILE,
	    [CLEAR] = TACT_CHANGE_PROFILE,
	    [CALL] = TACT_CHANGE_CONTACT};
	struct tact_change change = {.kind = kinds[act->deed], .by = "eve", .why = "asked"};

	if (act->deed == ALIAS)
		change.alias_of = bench_person(address_of(act->of)).key;
	if (change.kind == TACT_CHANGE_SUPPRESS || change.kind == TACT_CHANGE_UNSUPPRESS)
		change.suppression = wish_of(act->deed, before, now_us);
	if (change.kind == TACT_CHANGE_CONSENT || change.kind == TACT_CHANGE_END_CONSENT)
		change.consent = consent_of(now_us);
	if (change.kind == TACT_CHANGE_PROFILE)
		change.profile.own_limit = act->deed == CLEAR ? "" : before ? "1/60h" : "1/30h";
	if (change.kind == TACT_CHANGE_CONTACT)
		change.contact = call_of(act->address, now_us);
	return change;
}

static int perform(const struct act *act, const char *id, int64_t now_us)
{
	struct tact_change change;
	struct tact_changed changed;
	struct tact_recipient recipient;

	if (act->deed == MAIL)
		return send_to(act->address, id, now_us, false).fate == TACT_FATE_UNDECIDED ? TACT_UNAVAILABLE
											    : TACT_OK;
	change = change_of(act, strcmp(id, "before") == 0, now_us);
	recipient = bench_person(address_of(act->address));
	return tact_decide_change(b.decider, b.arena, &recipient, &change, 1, now_us, 0, &changed, NULL);
}

static const char *words_of(const struct act *act)
{
	return tact_arena_printf(b.arena, "%s %s%s%s", deeds[act->deed], domains[act->address],
	    act->deed == ALIAS ? " of " : "", act->deed == ALIAS ? domains[act->of] : "");
}

/* ---- one at a time, each for so many calls of the store ---- */

struct actor {
	struct act act;
	const char *id;
	int64_t now_us;
	pthread_t thread;
	int left; /* calls he may still make before he is stopped */
	bool over;
	int result;
	bool lost;  /* told to try again */
	bool twice; /* does it once more when both are done */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static struct actor *turn;		  /* NULL: the test's own */
static _Thread_local struct actor *actor; /* who I am; NULL: the test itself */

static void wait_for_turn(struct actor *whose)
{
	while (turn != whose)
		pthread_cond_wait(&moved, &lock);
}

static void give_turn(struct actor *whose)
{
	turn = whose;
	pthread_cond_broadcast(&moved);
}

static void before_call(enum tact_store_kind kind)
{
	if (actor == NULL || kind == TACT_STORE_CAMPAIGN)
		return;
	pthread_mutex_lock(&lock);
	while (actor->left == 0) {
		give_turn(NULL);
		wait_for_turn(actor);
	}
	if (actor->left != INT_MAX)
		actor->left--;
	pthread_mutex_unlock(&lock);
}

static void *act(void *context)
{
	actor = context;
	pthread_mutex_lock(&lock);
	wait_for_turn(actor);
	pthread_mutex_unlock(&lock);
	actor->result = perform(&actor->act, actor->id, actor->now_us);
	pthread_mutex_lock(&lock);
	actor->over = true;
	give_turn(NULL);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void let_act(struct actor *whose, int calls)
{
	if (whose->over)
		return;
	pthread_mutex_lock(&lock);
	whose->left = calls;
	give_turn(whose);
	wait_for_turn(NULL);
	pthread_mutex_unlock(&lock);
}

/* The linker puts them before the store's own. */
int __real_tact_store_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
int __wrap_tact_store_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
int __real_tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms);
int __wrap_tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms);
int __real_tact_store_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
int __wrap_tact_store_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
int __real_tact_store_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err);
int __wrap_tact_store_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err);

int __wrap_tact_store_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	before_call(keys->kind);
	return __real_tact_store_read(store, keys, count, arena, ret_records, ret_answers, deadline_ms);
}

/* As an engine does whose write met another's: the change is asked first about what then is no more. */
static void try_in_vain(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context)
{
	struct tact_record *records = tact_arena_alloc(b.arena, count * sizeof *records);
	struct tact_store_answer *answers = tact_arena_alloc(b.arena, count * sizeof *answers);
	struct tact_store_put unused;

	if (actor == NULL || keys->kind == TACT_STORE_CAMPAIGN ||
	    __real_tact_store_read(store, keys, count, b.arena, records, answers, 0) != TACT_OK)
		return;
	for (size_t i = 0; i < count; i++)
		(void)fn(context, i, &records[i], tact_store_now_us(store), &unused);
}

int __wrap_tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	try_in_vain(store, keys, count, fn, context);
	before_call(keys->kind);
	return __real_tact_store_update(store, keys, count, fn, context, ret_answers, deadline_ms);
}

int __wrap_tact_store_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	try_in_vain(store, keys, count, fn, context);
	before_call(keys->kind);
	return __real_tact_store_update_then(
	    store, keys, count, fn, after, context, ret_answers, deadline_ms);
}

int __wrap_tact_store_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err)
{
	before_call(kind);
	return __real_tact_store_scan(store, kind, fn, context, err);
}

/* Nothing dies here. */
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* ---- what has come of it ---- */

static bool is_refused(enum address address)
{
	return send_to(address, "asks", NOW + 60 * SECOND, true).fate == TACT_FATE_REFUSE;
}

static const char *seen_under(enum address address)
{
	struct tact_dossier view = bench_view(address_of(address));
	unsigned contacts = 0, wishes = 0, consents = 0;
	int64_t until_us = NOW;

	for (size_t i = 0; i < view.contacts_count; i++)
		contacts += view.contacts[i].count;
	for (size_t i = 0; i < view.suppressions_count; i++) {
		wishes |= view.suppressions[i].ended_us == 0;
		if (view.suppressions[i].ended_us == 0 && view.suppressions[i].until_us > until_us)
			until_us = view.suppressions[i].until_us;
	}
	for (size_t i = 0; i < view.consents_count; i++)
		consents |= view.consents[i].ended_us == 0;
	return tact_arena_printf(b.arena, "%s: %s%s%s until %lld, %u contacts, limit \"%s\"",
	    domains[address], is_refused(address) ? "refused" : "open", wishes > 0 ? ", wish" : "",
	    consents > 0 ? ", permission" : "", (long long)((until_us - NOW) / SECOND), contacts,
	    view.profile.own_limit);
}

static const char *outcome(void)
{
	const char *text = "";

	for (enum address i = 0; i < ADDRESSES; i++)
		text = tact_arena_printf(b.arena, "%s%s\n", text, seen_under(i));
	return text;
}

/* ---- one run ---- */

#define BEFORE_MAX 3
struct state {
	struct act before[BEFORE_MAX];
	size_t count;
};

static bool is_lost(int result)
{
	return result == TACT_UNAVAILABLE || result == TACT_UNCERTAIN;
}

static void try_again(struct actor *whose)
{
	whose->lost = is_lost(whose->result);
	if (whose->twice)
		(void)perform(&whose->act, whose->id, whose->now_us);
	for (int i = 0; i < 3 && is_lost(whose->result); i++)
		whose->result = perform(&whose->act, whose->id, whose->now_us);
	ck_assert_msg(!is_lost(whose->result), "%s: got %s again and again", words_of(&whose->act),
	    tact_result_name(whose->result));
}

static bool lifts(enum deed deed)
{
	return deed == UNWISH || deed == CONSENT;
}

static const char *broken; /* NULL: all is well */

/* Whoever was told that it is done gets no more mail. */
static void check_obeyed(const struct actor *whose, const struct actor *beside)
{
	if (whose->over && (whose->act.deed == WISH || whose->act.deed == PAUSE) &&
	    whose->result == TACT_OK && !lifts(beside->act.deed) && !is_refused(whose->act.address))
		broken = "an acknowledged wish was not obeyed";
}

/* The first makes so many calls, then the second so many, then the first ends, then the second. Answers
 * whether either was stopped at all. */
static const char *run(const struct state *state, struct actor pair[2], int first_calls, int second_calls,
    bool *ret_first_stopped, bool *ret_second_stopped)
{
	person++;
	for (size_t i = 0; i < state->count; i++)
		ck_assert_int_eq(perform(&state->before[i], "before", NOW - 60 * SECOND), TACT_OK);
	for (int i = 0; i < 2; i++) {
		pair[i].over = false;
		pair[i].result = TACT_OK;
		ck_assert_int_eq(pthread_create(&pair[i].thread, NULL, act, &pair[i]), 0);
	}
	let_act(&pair[0], first_calls);
	*ret_first_stopped = !pair[0].over;
	let_act(&pair[1], second_calls);
	*ret_second_stopped = !pair[1].over;
	check_obeyed(&pair[1], &pair[0]);
	let_act(&pair[0], INT_MAX);
	check_obeyed(&pair[0], &pair[1]);
	let_act(&pair[1], INT_MAX);
	for (int i = 0; i < 2; i++)
		pthread_join(pair[i].thread, NULL);
	try_again(&pair[0]);
	try_again(&pair[1]);
	check_obeyed(&pair[0], &pair[1]);
	check_obeyed(&pair[1], &pair[0]);
	return outcome();
}

/* What was lost may have been done all the same, and was done again. */
static bool is_serial(const struct state *state, struct actor pair[2], const char *got)
{
	struct actor turned[2] = {pair[1], pair[0]};
	bool lost[2] = {pair[0].lost, pair[1].lost}, unused, found = false;

	for (int i = 0; i < 2; i++) {
		pair[i].twice = lost[i];
		turned[i].twice = lost[1 - i];
	}
	if (lost[0] || lost[1])
		found = strcmp(got, run(state, pair, INT_MAX, INT_MAX, &unused, &unused)) == 0 ||
			strcmp(got, run(state, turned, INT_MAX, INT_MAX, &unused, &unused)) == 0;
	pair[0].twice = pair[1].twice = false;
	return found;
}

#define SECOND_CALLS 5
static int runs, wrong;

static void complain(const struct state *state, struct actor pair[2], int i, int j, const char *got,
    const char *one, const char *two)
{
	const char *before = "";

	for (size_t k = 0; k < state->count; k++)
		before = tact_arena_printf(b.arena, "%s%s; ", before, words_of(&state->before[k]));
	wrong++;
	fprintf(stderr,
	    "%s%s x %s (%+lld s), scope %s, stopped after %d and %d calls: %s\ngot\n%swant\n%sor\n%s\n",
	    before, words_of(&pair[0].act), words_of(&pair[1].act),
	    (long long)((pair[1].now_us - pair[0].now_us) / SECOND), scopes[scope], i, j,
	    broken != NULL ? broken : "no serial order", got, one,
	    strcmp(one, two) != 0 ? two : "the same\n");
}

/* Answers false when it was wrong. */
static bool try_one(const struct state *state, struct actor pair[2], int first_calls, int second_calls,
    const char *const serial[2], bool *ret_stopped)
{
	bool unused;
	const char *got;

	broken = NULL;
	got = run(state, pair, first_calls, second_calls, ret_stopped, &unused);
	runs++;
	if (broken == NULL &&
	    (strcmp(got, serial[0]) == 0 || strcmp(got, serial[1]) == 0 || is_serial(state, pair, got)))
		return true;
	complain(state, pair, first_calls, second_calls, got, serial[0], serial[1]);
	return false;
}

/* At each call of the first the second does all of it, and then some of it. */
static void try_all(const struct state *state, struct actor pair[2])
{
	struct actor turned[2] = {pair[1], pair[0]};
	bool stopped = true, unused;
	const char *const serial[] = {run(state, pair, INT_MAX, INT_MAX, &unused, &unused),
	    run(state, turned, INT_MAX, INT_MAX, &unused, &unused)};

	for (int i = 1; stopped; i++)
		if (!try_one(state, pair, i, INT_MAX, serial, &stopped) ||
		    (stopped && !try_one(state, pair, i, 1 + i % SECOND_CALLS, serial, &unused)))
			return;
}

static const struct state states[] = {
    {.count = 0},
    {{{WISH, OTHER, OTHER}}, 1},
    {{{WISH, MAIN, MAIN}}, 1},
    {{{LIMIT, OTHER, OTHER}}, 1},
    {{{PAUSE, OTHER, OTHER}}, 1},
    {{{CONSENT, OTHER, OTHER}}, 1},
    {{{ALIAS, LED, OTHER}, {WISH, LED, LED}}, 2},
    {{{ALIAS, OTHER, MAIN}}, 1},
    {{{WISH, OTHER, OTHER}, {ALIAS, OTHER, MAIN}}, 2},
    {{{ALIAS, OTHER, MAIN}, {WISH, OTHER, OTHER}}, 2},
    {{{ALIAS, OTHER, MAIN}, {LIMIT, OTHER, OTHER}}, 2},
    {{{ALIAS, OTHER, MAIN}, {PAUSE, OTHER, OTHER}}, 2},
    {{{WISH, OTHER, OTHER}, {ALIAS, OTHER, MAIN}, {END, OTHER, OTHER}}, 3},
    {{{ALIAS, OTHER, MAIN}, {CONSENT, OTHER, OTHER}}, 2},
    {{{ALIAS, OTHER, MAIN}, {MAIL, OTHER, OTHER}}, 2},
};
static const struct act firsts[] = {{ALIAS, OTHER, MAIN}, {END, OTHER, OTHER}, {ALIAS, OTHER, THIRD},
    {ALIAS, MAIN, THIRD}, {ALIAS, MAIN, OTHER}};
static const struct act seconds[] = {{WISH, OTHER, OTHER}, {WISH, MAIN, MAIN}, {WISH, LED, LED},
    {UNWISH, OTHER, OTHER}, {UNWISH, MAIN, MAIN}, {UNWISH, LED, LED}, {CONSENT, OTHER, OTHER},
    {CONSENT, MAIN, MAIN}, {END_CONSENT, OTHER, OTHER}, {END_CONSENT, MAIN, MAIN}, {LIMIT, OTHER, OTHER},
    {LIMIT, MAIN, MAIN}, {PAUSE, OTHER, OTHER}, {PAUSE, MAIN, MAIN}, {CLEAR, OTHER, OTHER},
    {CLEAR, MAIN, MAIN}, {CALL, OTHER, OTHER}, {MAIL, OTHER, OTHER}, {MAIL, MAIN, MAIN}};

static void try_pair(
    const struct state *state, const struct act *first, const struct act *second, int64_t skew_us)
{
	struct actor pair[2] = {{.act = *first, .id = "first", .now_us = NOW},
	    {.act = *second, .id = "second", .now_us = NOW + skew_us}};
	struct tact_arena *kept = b.arena;

	b.arena = tact_arena_new();
	try_all(state, pair);
	tact_arena_free(&b.arena);
	b.arena = kept;
}

static void try_both(const struct state *state, const struct act *one, const struct act *two)
{
	static const int64_t skews[] = {0, 5 * SECOND, -5 * SECOND};
	static size_t skew;

	scope = (scope + 1) % SCOPES;
	skew = (skew + 1) % COUNT(skews);
	try_pair(state, one, two, skews[skew]);
	try_pair(state, two, one, skews[skew]);
}

START_TEST(two_at_the_same_time_are_one_after_the_other)
{
	runs = wrong = 0;
	for (size_t i = 0; i < COUNT(firsts); i++) {
		bench_open("memory:", configuration);
		for (size_t j = 0; j < COUNT(seconds); j++)
			try_both(&states[_i], &firsts[i], &seconds[j]);
		bench_close();
	}
	printf("state %d: %d runs, %d wrong\n", _i, runs, wrong);
	ck_assert_int_gt(runs, 0);
	ck_assert_msg(wrong == 0, "got %d wrong pairs, want 0", wrong);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("alias_steps");
	TCase *c = tcase_create("all");

	tcase_set_timeout(c, 150);
	tcase_add_loop_test(c, two_at_the_same_time_are_one_after_the_other, 0, (int)COUNT(states));
	suite_add_tcase(suite, c);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
