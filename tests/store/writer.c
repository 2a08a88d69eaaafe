/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The writer's queue against an engine that does what the test says at the moment the test says it: what each
 * caller is answered.
 */
#include <config.h>

#include "src/store/writer.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

enum gate { GATE_BEGIN, GATE_STEP, GATE_END, GATES };

/* An engine whose doors the test opens and closes. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool closed[GATES];
	int waiting[GATES];
	int begins, ends, wrote, aborts, steps, orphans, end_result, priority;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static void pass(enum gate gate)
{
	pthread_mutex_lock(&fake.lock);
	fake.waiting[gate]++;
	pthread_cond_broadcast(&fake.moved);
	while (fake.closed[gate])
		pthread_cond_wait(&fake.moved, &fake.lock);
	fake.waiting[gate]--;
	pthread_mutex_unlock(&fake.lock);
}

static void set_gate(enum gate gate, bool closed)
{
	pthread_mutex_lock(&fake.lock);
	fake.closed[gate] = closed;
	pthread_cond_broadcast(&fake.moved);
	pthread_mutex_unlock(&fake.lock);
}

static void wait_at(enum gate gate)
{
	pthread_mutex_lock(&fake.lock);
	while (fake.waiting[gate] == 0)
		pthread_cond_wait(&fake.moved, &fake.lock);
	pthread_mutex_unlock(&fake.lock);
}

static int fake_begin(void *engine)
{
	(void)engine;
	fake.begins++;
	fake.priority = getpriority(PRIO_PROCESS, 0);
	pass(GATE_BEGIN);
	return TACT_OK;
}

static int fake_end(void *engine, bool wrote)
{
	(void)engine;
	pass(GATE_END);
	fake.ends++;
	fake.wrote += wrote;
	return wrote ? fake.end_result : TACT_OK;
}

static void fake_abort(void *engine)
{
	(void)engine;
	fake.aborts++;
}

static void fake_idle(void *engine)
{
	(void)engine;
}

static void fake_orphaned(void *engine)
{
	(void)engine;
	pthread_mutex_lock(&fake.lock);
	fake.orphans++;
	pthread_cond_broadcast(&fake.moved);
	pthread_mutex_unlock(&fake.lock);
}

static const struct tact_store_writer_calls calls = {
    fake_begin, fake_end, fake_abort, fake_idle, fake_orphaned};
static const struct tact_store_writer_limits limits = {
    .queue = 3, .batch_steps = 4, .batch_bytes = 1000, .batch_ms = 1000, .idle_ms = 600000};

struct job {
	struct tact_store_work work;
	struct tact_store_writer *writer;
	size_t count, lose_at, corrupt_at; /* steps, from 1 */
	bool declines;
	struct tact_store_answer answers[16];
	int64_t deadline_ms;
	enum tact_store_outcome outcome;
	pthread_t thread;
};

static int job_step(
    void *engine, const struct tact_store_work *work, size_t index, struct tact_store_step *ret)
{
	const struct job *job = (const struct job *)work;
	(void)engine;
	pass(GATE_STEP);
	fake.steps++;
	if (job->lose_at == index + 1)
		return TACT_UNAVAILABLE;
	ret->answer =
	    (struct tact_store_answer){job->corrupt_at == index + 1 ? TACT_CORRUPT : TACT_OK, 1 + index};
	ret->changed = !job->declines;
	ret->bytes = 1;
	return TACT_OK;
}

static void *job_main(void *context)
{
	struct job *job = context;
	job->outcome =
	    tact_store_writer_do(job->writer, &job->work, job->count, job->answers, job->deadline_ms);
	return NULL;
}

static void start(struct job *job, struct tact_store_writer *writer)
{
	job->work.step = job_step;
	job->writer = writer;
	ck_assert_int_eq(pthread_create(&job->thread, NULL, job_main, job), 0);
}

static void finish(struct job *job)
{
	pthread_join(job->thread, NULL);
}

static struct tact_store_writer *open_writer(void)
{
	struct tact_store_writer *writer = tact_store_writer_new(&calls, &limits, NULL);
	ck_assert_ptr_nonnull(writer);
	return writer;
}

static void expect(const struct job *job, enum tact_store_outcome outcome, const int *results)
{
	ck_assert_int_eq(job->outcome, outcome);
	for (size_t i = 0; i < job->count; i++)
		ck_assert_msg(job->answers[i].result == results[i], "step %zu: got %s, want %s", i,
		    tact_result_name(job->answers[i].result), tact_result_name(results[i]));
}

START_TEST(what_waits_shares_one_transaction)
{
	struct tact_store_writer *writer = open_writer();
	struct job first = {.count = 1}, second = {.count = 2}, third = {.count = 1};
	static const int ok[] = {TACT_OK, TACT_OK};

	set_gate(GATE_END, true);
	start(&first, writer);
	wait_at(GATE_END);
	start(&second, writer);
	start(&third, writer);
	while (tact_store_writer_queued(writer) < 2)
		sched_yield();
	set_gate(GATE_END, false);
	finish(&first);
	finish(&second);
	finish(&third);
	expect(&first, TACT_STORE_ANSWERED, ok);
	expect(&second, TACT_STORE_ANSWERED, ok);
	ck_assert_uint_eq(second.answers[1].version, 2);
	ck_assert_int_eq(fake.steps, 4);
	ck_assert_int_eq(fake.ends, 2);
	ck_assert(tact_store_writer_stop(&writer, 10000));
	ck_assert_int_eq(fake.orphans, 0);
}
END_TEST

/* What a thread gets that asks for it here: nothing changes where it may not. */
static void *ask_for_priority(void *context)
{
	int *priority = context;

	(void)setpriority(PRIO_PROCESS, 0, *priority - 10);
	*priority = getpriority(PRIO_PROCESS, 0);
	return NULL;
}

START_TEST(it_goes_before_its_callers_where_it_is_told_and_may)
{
	struct tact_store_writer *writer = open_writer();
	struct job early = {.count = 1}, job = {.count = 1};
	int mine = getpriority(PRIO_PROCESS, 0), allowed = mine;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, ask_for_priority, &allowed), 0);
	pthread_join(thread, NULL);
	start(&early, writer);
	finish(&early);
	ck_assert_int_eq(fake.priority, mine);
	tact_store_writer_go_first(writer);
	start(&job, writer);
	finish(&job);
	ck_assert(tact_store_writer_stop(&writer, 10000));
	ck_assert_int_eq(fake.priority, allowed);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), mine);
}
END_TEST

START_TEST(large_work_is_split_into_transactions)
{
	struct tact_store_writer *writer = open_writer();
	struct job job = {.count = 10};
	static const int ok[10] = {TACT_OK};

	start(&job, writer);
	finish(&job);
	expect(&job, TACT_STORE_ANSWERED, ok);
	ck_assert_int_eq(fake.wrote, 3); /* 4 + 4 + 2 */
	ck_assert(tact_store_writer_stop(&writer, 10000));
}
END_TEST

START_TEST(a_late_one_in_the_queue_did_not_happen)
{
	struct tact_store_writer *writer = open_writer();
	struct job stuck = {.count = 1}, late = {.count = 2};
	static const int ok[] = {TACT_OK}, unavailable[] = {TACT_UNAVAILABLE, TACT_UNAVAILABLE};

	set_gate(GATE_BEGIN, true);
	start(&stuck, writer);
	wait_at(GATE_BEGIN);
	late.deadline_ms = tact_clock_monotonic_ms() + 20;
	start(&late, writer);
	finish(&late);
	expect(&late, TACT_STORE_LATE, unavailable);
	set_gate(GATE_BEGIN, false);
	finish(&stuck);
	expect(&stuck, TACT_STORE_ANSWERED, ok);
	ck_assert_int_eq(fake.steps, 1);
	ck_assert(tact_store_writer_stop(&writer, 10000));
}
END_TEST

START_TEST(a_late_one_in_its_steps_waits_for_them)
{
	struct tact_store_writer *writer = open_writer();
	struct job late = {.count = 2, .deadline_ms = tact_clock_monotonic_ms() + 300};
	static const int ok[] = {TACT_OK, TACT_OK}, uncertain[] = {TACT_UNCERTAIN, TACT_UNCERTAIN};

	set_gate(GATE_STEP, true);
	start(&late, writer);
	wait_at(GATE_STEP);
	while (tact_clock_monotonic_ms() <= late.deadline_ms)
		sched_yield();
	set_gate(GATE_STEP, false);
	finish(&late);
	/* The commit may be there before the caller wakes. */
	if (late.outcome == TACT_STORE_ANSWERED)
		expect(&late, TACT_STORE_ANSWERED, ok);
	else
		expect(&late, TACT_STORE_LATE_COMMIT, uncertain);
	ck_assert_int_eq(fake.steps, 2);
	ck_assert(tact_store_writer_stop(&writer, 10000));
}
END_TEST

START_TEST(a_late_one_in_the_commit_is_uncertain)
{
	struct tact_store_writer *writer = open_writer();
	/* The first four steps stand in the commit, the others in the next transaction. */
	struct job late = {.count = 6, .corrupt_at = 2, .deadline_ms = tact_clock_monotonic_ms() + 300};
	static const int mixed[] = {
	    TACT_UNCERTAIN, TACT_CORRUPT, TACT_UNCERTAIN, TACT_UNCERTAIN, TACT_UNAVAILABLE, TACT_UNAVAILABLE};

	set_gate(GATE_END, true);
	start(&late, writer);
	wait_at(GATE_END);
	finish(&late);
	expect(&late, TACT_STORE_LATE_COMMIT, mixed);
	set_gate(GATE_END, false);
	ck_assert(tact_store_writer_stop(&writer, 10000));
	ck_assert_int_eq(fake.steps, 4);
	ck_assert_int_eq(fake.wrote, 1);
}
END_TEST

/* Both in one transaction: the writer is held in begin until both wait. */
static void start_together(struct tact_store_writer *writer, struct job *first, struct job *second)
{
	set_gate(GATE_BEGIN, true);
	start(first, writer);
	wait_at(GATE_BEGIN);
	start(second, writer);
	while (tact_store_writer_queued(writer) < 2)
		sched_yield();
	set_gate(GATE_BEGIN, false);
}

START_TEST(an_uncertain_commit_is_uncertain_for_changes_only)
{
	struct tact_store_writer *writer = open_writer();
	struct job changes = {.count = 2}, declines = {.count = 2, .declines = true};
	static const int uncertain[] = {TACT_UNCERTAIN, TACT_UNCERTAIN};
	static const int unavailable[] = {TACT_UNAVAILABLE, TACT_UNAVAILABLE};

	fake.end_result = TACT_UNCERTAIN;
	start_together(writer, &changes, &declines);
	finish(&changes);
	finish(&declines);
	expect(&changes, TACT_STORE_ANSWERED, uncertain);
	expect(&declines, TACT_STORE_ANSWERED, unavailable);
	ck_assert(tact_store_writer_stop(&writer, 10000));
}
END_TEST

START_TEST(a_lost_transaction_did_not_happen_for_anybody)
{
	struct tact_store_writer *writer = open_writer();
	struct job good = {.count = 2, .corrupt_at = 1}, bad = {.count = 3, .lose_at = 2};
	static const int good_results[] = {TACT_CORRUPT, TACT_UNAVAILABLE};
	static const int unavailable[] = {TACT_UNAVAILABLE, TACT_UNAVAILABLE, TACT_UNAVAILABLE};

	start_together(writer, &good, &bad);
	finish(&good);
	finish(&bad);
	expect(&good, TACT_STORE_ANSWERED, good_results);
	expect(&bad, TACT_STORE_ANSWERED, unavailable);
	ck_assert_uint_eq(good.answers[1].version, 0);
	ck_assert_int_eq(fake.aborts, 1);
	ck_assert_int_eq(fake.wrote, 0);
	ck_assert(tact_store_writer_stop(&writer, 10000));
}
END_TEST

START_TEST(after_a_loss_one_cannot_spoil_the_others)
{
	struct tact_store_writer *writer = open_writer();
	struct job first = {.count = 1, .lose_at = 1}, again = {.count = 1, .lose_at = 1},
		   good = {.count = 1};
	static const int ok[] = {TACT_OK}, unavailable[] = {TACT_UNAVAILABLE};

	start(&first, writer);
	finish(&first);
	start_together(writer, &good, &again);
	finish(&again);
	finish(&good);
	expect(&again, TACT_STORE_ANSWERED, unavailable);
	expect(&good, TACT_STORE_ANSWERED, ok);
	ck_assert(tact_store_writer_stop(&writer, 10000));
}
END_TEST

/* ---- what follows ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct tact_store_turn *turn;
} after = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static void keep_turn(void *context, struct tact_store_turn *turn)
{
	(void)context;
	pthread_mutex_lock(&after.lock);
	after.turn = turn;
	pthread_cond_broadcast(&after.moved);
	pthread_mutex_unlock(&after.lock);
}

static struct tact_store_turn *take_turn(void)
{
	struct tact_store_turn *turn;

	pthread_mutex_lock(&after.lock);
	while (!after.turn)
		pthread_cond_wait(&after.moved, &after.lock);
	turn = after.turn;
	after.turn = NULL;
	pthread_mutex_unlock(&after.lock);
	return turn;
}

START_TEST(what_follows_has_no_deadline)
{
	struct tact_store_writer *writer = open_writer();
	struct job job = {.work.after = keep_turn, .count = 6, .outcome = TACT_STORE_QUEUE_FULL};
	static const int ok[6] = {TACT_OK};

	job.deadline_ms = tact_clock_monotonic_ms() + 300;
	start(&job, writer);
	struct tact_store_turn *turn = take_turn();
	ck_assert_int_eq(fake.wrote, 2); /* 4 + 2: once for all of them */
	ck_assert_int_eq(job.answers[5].result, TACT_OK);
	while (tact_clock_monotonic_ms() <= job.deadline_ms + 20)
		sched_yield();
	ck_assert_int_eq(job.outcome, TACT_STORE_QUEUE_FULL); /* it has not answered */
	tact_store_resume(turn);
	finish(&job);
	expect(&job, TACT_STORE_ANSWERED, ok);
	ck_assert(tact_store_writer_stop(&writer, 10000));
	ck_assert_ptr_null(after.turn);
}
END_TEST

START_TEST(nothing_follows_for_who_was_late)
{
	struct tact_store_writer *writer = open_writer();
	struct job late = {.work.after = keep_turn, .count = 1};
	static const int uncertain[] = {TACT_UNCERTAIN};

	late.deadline_ms = tact_clock_monotonic_ms() + 300;
	set_gate(GATE_END, true);
	start(&late, writer);
	wait_at(GATE_END);
	finish(&late);
	expect(&late, TACT_STORE_LATE_COMMIT, uncertain);
	set_gate(GATE_END, false);
	ck_assert(tact_store_writer_stop(&writer, 10000));
	ck_assert_ptr_null(after.turn);
}
END_TEST

START_TEST(something_follows_a_loss_too)
{
	struct tact_store_writer *writer = open_writer();
	struct job job = {.work.after = keep_turn, .count = 1, .lose_at = 1};
	static const int unavailable[] = {TACT_UNAVAILABLE};

	start(&job, writer);
	tact_store_resume(take_turn());
	finish(&job);
	expect(&job, TACT_STORE_ANSWERED, unavailable);
	ck_assert(tact_store_writer_stop(&writer, 10000));
}
END_TEST

START_TEST(the_queue_is_bounded)
{
	struct tact_store_writer *writer = open_writer();
	struct job waiting[3] = {{.count = 1}, {.count = 1}, {.count = 1}}, beyond = {.count = 1};
	static const int ok[] = {TACT_OK}, unavailable[] = {TACT_UNAVAILABLE};

	set_gate(GATE_BEGIN, true);
	for (size_t i = 0; i < 3; i++)
		start(&waiting[i], writer);
	while (tact_store_writer_queued(writer) < 3)
		sched_yield();
	start(&beyond, writer);
	finish(&beyond);
	expect(&beyond, TACT_STORE_QUEUE_FULL, unavailable);
	set_gate(GATE_BEGIN, false);
	for (size_t i = 0; i < 3; i++) {
		finish(&waiting[i]);
		expect(&waiting[i], TACT_STORE_ANSWERED, ok);
	}
	ck_assert(tact_store_writer_stop(&writer, 10000));
}
END_TEST

START_TEST(a_stuck_thread_frees_itself_later)
{
	struct tact_store_writer *writer = open_writer();
	struct job late = {.count = 1, .deadline_ms = tact_clock_monotonic_ms() + 20};

	set_gate(GATE_BEGIN, true);
	start(&late, writer);
	wait_at(GATE_BEGIN);
	finish(&late);
	ck_assert(!tact_store_writer_stop(&writer, 20));
	ck_assert_ptr_null(writer);
	set_gate(GATE_BEGIN, false);
	pthread_mutex_lock(&fake.lock);
	while (fake.orphans == 0)
		pthread_cond_wait(&fake.moved, &fake.lock);
	pthread_mutex_unlock(&fake.lock);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store writer");
	TCase *tc = tcase_create("writer");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_waits_shares_one_transaction);
	tcase_add_test(tc, it_goes_before_its_callers_where_it_is_told_and_may);
	tcase_add_test(tc, large_work_is_split_into_transactions);
	tcase_add_test(tc, a_late_one_in_the_queue_did_not_happen);
	tcase_add_test(tc, a_late_one_in_its_steps_waits_for_them);
	tcase_add_test(tc, a_late_one_in_the_commit_is_uncertain);
	tcase_add_test(tc, an_uncertain_commit_is_uncertain_for_changes_only);
	tcase_add_test(tc, a_lost_transaction_did_not_happen_for_anybody);
	tcase_add_test(tc, after_a_loss_one_cannot_spoil_the_others);
	tcase_add_test(tc, what_follows_has_no_deadline);
	tcase_add_test(tc, nothing_follows_for_who_was_late);
	tcase_add_test(tc, something_follows_a_loss_too);
	tcase_add_test(tc, the_queue_is_bounded);
	tcase_add_test(tc, a_stuck_thread_frees_itself_later);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
