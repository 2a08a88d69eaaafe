/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The SMTP client against a server that follows a script: what it says, and what it makes of each answer.
 */
#include <config.h>

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../src/gate/byid.h"
#include "../../src/gate/etrn.h"
#include "../../src/gate/smtp.h"

/* A script: each row is what the server waits for (a line starting so; NULL: nothing) and then says (NULL:
 * hangs up; "": says nothing). */
struct row {
	const char *hears, *says;
};

struct server {
	char dir[64], path[96];
	int listen_fd;
	pthread_t thread;
	const struct row *rows;
	char heard[65536]; /* every line but the message's, each with '|' after it */
	char body[65536];  /* as it was on the wire, without the final dot line */
};
static struct server server;
static struct tact_arena *arena;
static atomic_llong end_ms;
static struct smtp_terms terms;

static bool read_line(FILE *in, char *line, size_t size)
{
	size_t at = 0;
	int c;

	while ((c = getc(in)) != EOF && at + 1 < size) {
		line[at++] = (char)c;
		if (c == '\n')
			break;
	}
	line[at] = '\0';
	return at > 0;
}

static void read_message(FILE *in)
{
	char line[4096];

	while (read_line(in, line, sizeof line) && strcmp(line, ".\r\n") != 0)
		strncat(server.body, line, sizeof server.body - strlen(server.body) - 1);
}

static bool play(FILE *in, int fd, const struct row *row)
{
	char line[4096];

	if (row->hears != NULL) {
		if (strcmp(row->hears, "(message)") == 0) {
			read_message(in);
		} else {
			if (!read_line(in, line, sizeof line))
				return false;
			line[strcspn(line, "\r\n")] = '|';
			line[strcspn(line, "\r\n")] = '\0';
			strncat(server.heard, line, sizeof server.heard - strlen(server.heard) - 1);
			if (strncmp(line, row->hears, strlen(row->hears)) != 0)
				return false;
		}
	}
	return row->says != NULL && (row->says[0] == '\0' || write(fd, row->says, strlen(row->says)) > 0);
}

static void *run(void *context)
{
	int fd = accept(server.listen_fd, NULL, NULL);
	FILE *in = fdopen(dup(fd), "r");
	const struct row *row = server.rows;

	(void)context;
	while ((row->hears != NULL || row->says != NULL) && play(in, fd, row))
		row++;
	/* The end of the script: whatever else is said is written down. */
	if (row->hears == NULL && row->says == NULL) {
		char line[4096];
		while (read_line(in, line, sizeof line)) {
			line[strcspn(line, "\r\n")] = '\0';
			strncat(server.heard, line, sizeof server.heard - strlen(server.heard) - 1);
		}
	}
	(void)fclose(in);
	(void)close(fd);
	return NULL;
}

static void start(const struct row *rows)
{
	server.rows = rows;
	ck_assert_int_eq(pthread_create(&server.thread, NULL, run, NULL), 0);
}

static void finish(struct smtp **smtp)
{
	smtp_close(smtp);
	ck_assert_int_eq(pthread_join(server.thread, NULL), 0);
}

static void setup(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(&server, 0, sizeof server);
	arena = tact_arena_new();
	atomic_store(&end_ms, 0);
	terms =
	    (struct smtp_terms){.host = "relay.test", .end_ms = &end_ms, .step_ms = 5000, .final_ms = 5000};
	snprintf(server.dir, sizeof server.dir, "/tmp/tact-smtp-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(server.dir));
	snprintf(server.path, sizeof server.path, "%s/pass", server.dir);
	server.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, server.path, strlen(server.path) + 1);
	ck_assert_int_eq(bind(server.listen_fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(server.listen_fd, 5), 0);
}

static void teardown(void)
{
	(void)close(server.listen_fd);
	(void)unlink(server.path);
	(void)rmdir(server.dir);
	tact_arena_free(&arena);
}

#define EHLO                                                                                                 \
	"250-pass.test\r\n250-PIPELINING\r\n250-SIZE\r\n250-XFORWARD NAME ADDR IDENT\r\n250-DSN\r\n250 "     \
	"SMTPUTF8\r\n"

static struct smtp_outcome deliver(struct smtp_recipient *recipients, size_t count, const char *text)
{
	struct xforward xforward = {0};
	struct smtp_outcome outcome = {0};
	struct smtp_job job = {.xforward = &xforward,
	    .sender = "a@b.example",
	    .mail_args = "SIZE=12 RET=HDRS ENVID=x",
	    .recipients = recipients,
	    .count = count};
	struct body body;
	struct smtp *smtp = smtp_open(arena, &terms, server.path, &outcome.reply);

	xforward_read(arena, "NAME=c.example ADDR=192.0.2.1 PORT=99 IDENT=4B2C", &xforward);
	body_init(&body);
	body_append(&body, text, strlen(text));
	job.body = &body;
	if (smtp != NULL)
		smtp_deliver(smtp, arena, &job, &outcome);
	finish(&smtp);
	body_clear(&body);
	return outcome;
}

START_TEST(a_message_goes_over)
{
	static const struct row rows[] = {{NULL, "220-pass.test\r\n220 ready\r\n"}, {"EHLO", EHLO},
	    {"XFORWARD", "250 ok\r\n"}, {"MAIL", "250 2.1.0 Ok\r\n"}, {"RCPT", "250 2.1.5 Ok\r\n"},
	    {"RCPT", "250 2.1.5 Ok\r\n"}, {"DATA", "354 go\r\n"},
	    {"(message)", "250 2.0.0 Ok: queued as 4C5x9Z2\r\n"}, {"QUIT", "221 bye\r\n"}, {NULL, NULL}};
	struct smtp_recipient recipients[] = {
	    {.address = "ann@x.example", .args = "NOTIFY=NEVER ORCPT=rfc822;ann@x.example"},
	    {.address = "\"b>c\"@x.example", .args = ""}};
	struct smtp_outcome outcome;

	start(rows);
	outcome = deliver(recipients, 2, "Subject: x\r\n\r\n.dot\r\nend\r\n");
	ck_assert_int_eq(outcome.reply.code, 250);
	ck_assert_str_eq(outcome.queue_id, "4C5x9Z2");
	ck_assert_str_eq(server.heard, "EHLO relay.test|XFORWARD NAME=c.example ADDR=192.0.2.1 "
				       "IDENT=4B2C|MAIL FROM:<a@b.example> SIZE=12 RET=HDRS ENVID=x|"
				       "RCPT TO:<ann@x.example> NOTIFY=NEVER ORCPT=rfc822;ann@x.example|RCPT "
				       "TO:<\"b>c\"@x.example>|DATA|QUIT|");
	ck_assert_str_eq(server.body, "Subject: x\r\n\r\n..dot\r\nend\r\n");
}
END_TEST

START_TEST(each_recipient_has_an_answer_of_its_own)
{
	static const struct row rows[] = {{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "250 x\r\n"},
	    {"RCPT", "450 4.2.0 later\r\n"}, {"RCPT", "250 x\r\n"},
	    {"RCPT", "550-5.1.1 no\r\n550 5.1.1 such\r\n"}, {"DATA", "354 x\r\n"}, {"(message)", "250 x\r\n"},
	    {"QUIT", "221 x\r\n"}, {NULL, NULL}};
	struct smtp_recipient recipients[] = {
	    {.address = "a@x", .args = ""}, {.address = "b@x", .args = ""}, {.address = "c@x", .args = ""}};
	struct smtp_outcome outcome;

	start(rows);
	outcome = deliver(recipients, 3, "x\r\n");
	ck_assert_int_eq(outcome.reply.code, 250);
	ck_assert_ptr_null(outcome.queue_id);
	ck_assert_int_eq(recipients[0].reply.code, 450);
	ck_assert_int_eq(recipients[1].reply.code, 250);
	ck_assert_int_eq(recipients[2].reply.code, 550);
	ck_assert_str_eq(recipients[2].reply.text, "5.1.1 such");
}
END_TEST

/* Each way to fail: the script, and the code that stands for all. */
static const struct {
	const char *name;
	struct row rows[10];
	int want;
} failures[] = {
    {"greeting 421", {{NULL, "421 4.3.2 busy\r\n"}}, 421},
    {"greeting 554", {{NULL, "554 no\r\n"}}, 554},
    {"greeting 250", {{NULL, "250 what\r\n"}}, 0},
    {"greeting cut", {{NULL, "22"}, {NULL, NULL}}, 0},
    {"not SMTP", {{NULL, "SSH-2.0-x\r\n"}}, 0},
    {"EHLO 502", {{NULL, "220 x\r\n"}, {"EHLO", "502 no\r\n"}}, 502},
    {"EHLO 354", {{NULL, "220 x\r\n"}, {"EHLO", "354 no\r\n"}}, 0},
    {"EHLO hangs up", {{NULL, "220 x\r\n"}, {"EHLO", NULL}}, 0},
    {"MAIL 451", {{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "451 4.3.0 x\r\n"}}, 451},
    {"MAIL 550", {{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "550 5.7.1 x\r\n"}}, 550},
    {"RCPT 421",
	{{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "250 x\r\n"}, {"RCPT", "421 4.3.2 x\r\n"}},
	421},
    {"RCPT 550", {{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "250 x\r\n"}, {"RCPT", "550 x\r\n"}},
	550},
    {"DATA 250",
	{{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "250 x\r\n"}, {"RCPT", "250 x\r\n"},
	    {"DATA", "250 x\r\n"}},
	0},
    {"DATA 554",
	{{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "250 x\r\n"}, {"RCPT", "250 x\r\n"},
	    {"DATA", "554 x\r\n"}},
	554},
    {"message 452",
	{{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "250 x\r\n"}, {"RCPT", "250 x\r\n"},
	    {"DATA", "354 x\r\n"}, {"(message)", "452 4.3.1 full\r\n"}},
	452},
    {"message 354",
	{{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "250 x\r\n"}, {"RCPT", "250 x\r\n"},
	    {"DATA", "354 x\r\n"}, {"(message)", "354 x\r\n"}},
	0},
    {"message hangs up",
	{{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "250 x\r\n"}, {"RCPT", "250 x\r\n"},
	    {"DATA", "354 x\r\n"}, {"(message)", NULL}},
	0},
    {"MAIL endless", {{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"MAIL", "250 2000 lines"}}, 0},
};

START_TEST(every_failure_is_told)
{
	struct smtp_recipient recipient = {.address = "a@x", .args = ""};
	struct smtp_outcome outcome;

	terms.step_ms = terms.final_ms = 300;
	start(failures[_i].rows);
	outcome = deliver(&recipient, 1, "x\r\n");
	ck_assert_msg(outcome.reply.code == failures[_i].want, "%s: got %d %s, want %d", failures[_i].name,
	    outcome.reply.code, outcome.reply.text, failures[_i].want);
	ck_assert_ptr_nonnull(outcome.reply.text);
}
END_TEST

START_TEST(nobody_listens)
{
	struct smtp_reply reply;

	ck_assert_ptr_null(smtp_open(arena, &terms, "/nonexistent/pass", &reply));
	ck_assert_int_eq(reply.code, 0);
	ck_assert_ptr_nonnull(strstr(reply.text, "/nonexistent/pass"));
	ck_assert_ptr_null(smtp_open(arena, &terms, tact_arena_printf(arena, "/%0200d", 1), &reply));
	ck_assert_int_eq(reply.code, 0);
}
END_TEST

START_TEST(a_silent_server_is_left_in_time)
{
	static const struct row rows[] = {{NULL, "220 x\r\n"}, {"EHLO", ""}, {"never", ""}, {NULL, NULL}};
	struct smtp_reply reply;
	struct smtp *smtp;

	terms.step_ms = 50;
	start(rows);
	smtp = smtp_open(arena, &terms, server.path, &reply);
	ck_assert_ptr_null(smtp);
	ck_assert_int_eq(reply.code, 0);
	ck_assert_str_eq(reply.text, "no answer in time");
	finish(&smtp);
}
END_TEST

START_TEST(the_end_of_the_daemon_ends_the_wait)
{
	static const struct row rows[] = {{NULL, "220 x\r\n"}, {"EHLO", ""}, {"never", ""}, {NULL, NULL}};
	struct smtp_reply reply;
	struct smtp *smtp;

	terms.step_ms = 600000;
	atomic_store(&end_ms, tact_clock_monotonic_ms() + 50);
	start(rows);
	smtp = smtp_open(arena, &terms, server.path, &reply);
	ck_assert_ptr_null(smtp);
	finish(&smtp);
}
END_TEST

START_TEST(a_line_break_is_never_sent)
{
	static const struct row rows[] = {
	    {NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"}, {"QUIT", "221 x\r\n"}, {NULL, NULL}};
	struct smtp_reply reply;
	struct smtp *smtp;

	start(rows);
	smtp = smtp_open(arena, &terms, server.path, &reply);
	ck_assert_ptr_nonnull(smtp);
	reply = smtp_say(smtp, arena, "RCPT TO:<a@b\r\nDATA>");
	ck_assert_int_eq(reply.code, 0);
	finish(&smtp);
	ck_assert_str_eq(server.heard, "EHLO relay.test|QUIT|");
}
END_TEST

START_TEST(rings_are_said_over_one_connection)
{
	static const struct row rows[] = {{NULL, "220 x\r\n"}, {"EHLO", "250 x\r\n"},
	    {"ETRN", "250 Queuing started\r\n"}, {"ETRN", "459 4.7.0 not flushed\r\n"}, {"ETRN", "250 x\r\n"},
	    {"ETRN", "250 x\r\n"}, {"QUIT", "221 x\r\n"}, {NULL, NULL}};
	static const struct plan_ring rings[] = {
	    {.label = "s1"}, {.label = "s2"}, {.label = "s3", .review = true}};
	bool heard[3];
	struct tact_error err = {""};

	start(rows);
	ck_assert_int_eq(
	    etrn_ring(&terms, server.path, "later.x", "review.x", rings, 3, heard, &err), TACT_UNAVAILABLE);
	ck_assert_int_eq(pthread_join(server.thread, NULL), 0);
	ck_assert_str_eq(server.heard,
	    "EHLO relay.test|ETRN s1.later.x|ETRN s2.later.x|ETRN s3.later.x|ETRN s3.review.x|QUIT|");
	ck_assert(heard[0] && !heard[1] && heard[2]);
	ck_assert_str_eq(err.text, "ETRN s2.later.x: 459 4.7.0 not flushed");
}
END_TEST

START_TEST(rings_that_nobody_hears)
{
	static const struct plan_ring rings[] = {{.label = "s1"}};
	bool heard[1] = {true};
	struct tact_error err = {""};

	ck_assert_int_eq(etrn_ring(&terms, "/nonexistent/x", "later.x", "review.x", rings, 1, heard, &err),
	    TACT_UNAVAILABLE);
	ck_assert(!heard[0]);
	ck_assert_ptr_nonnull(strstr(err.text, "no connection"));
}
END_TEST

/* ---- single messages, asked for at Postfix's flush service ---- */

struct flush {
	const char *says; /* SIZE bytes, byte by byte */
	size_t size;
	char heard[256];
	size_t heard_size;
};

static void *serve_flush(void *context)
{
	struct flush *flush = context;
	int fd = accept(server.listen_fd, NULL, NULL);

	/* Until it has heard enough. */
	for (size_t i = 0; i < flush->size && send(fd, flush->says + i, 1, MSG_NOSIGNAL) == 1; i++)
		;
	(void)shutdown(fd, SHUT_WR);
	for (ssize_t got;
	     (got = read(fd, flush->heard + flush->heard_size, sizeof flush->heard - flush->heard_size)) > 0;)
		flush->heard_size += (size_t)got;
	(void)close(fd);
	return NULL;
}

static int ask_flush(struct flush *flush, struct tact_error *err)
{
	const struct kept_id id = {"4gZ9xK3Qh8zW"};
	pthread_t thread;
	int result;

	ck_assert_int_eq(pthread_create(&thread, NULL, serve_flush, flush), 0);
	result = byid_ring(server.path, &end_ms, 5000, &id, 1, err);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	return result;
}

#define SAYS(text)                                                                                           \
	{                                                                                                    \
		.says = (text), .size = sizeof(text) - 1                                                     \
	}

START_TEST(a_message_is_asked_for_by_its_id)
{
	static const char wanted[] = "request\0send_file\0queue_id\0"
				     "4gZ9xK3Qh8zW\0";
	struct flush flushes[] = {
	    SAYS("protocol\0queue_flush_protocol\0\0status\0"
		 "0\0\0"), /* Postfix 3.6 and later */
	    SAYS("status\0"
		 "0\0\0"),
	};

	for (size_t i = 0; i < sizeof flushes / sizeof *flushes; i++) {
		struct tact_error err = {""};

		ck_assert_msg(ask_flush(&flushes[i], &err) == TACT_OK, "%zu: %s", i, err.text);
		ck_assert_uint_eq(flushes[i].heard_size, sizeof wanted);
		ck_assert_mem_eq(flushes[i].heard, wanted, sizeof wanted);
	}
}
END_TEST

START_TEST(what_a_flush_service_may_answer_instead)
{
	char endless[1000];
	struct flush flushes[] = {SAYS(""), SAYS("status\0"), SAYS("status\0-1\0\0"), SAYS("\0\0\0\0"),
	    SAYS("500 what?\r\n"), {.says = endless, .size = sizeof endless}};

	memset(endless, 'x', sizeof endless);
	for (size_t i = 0; i < sizeof flushes / sizeof *flushes; i++) {
		struct tact_error err = {""};

		ck_assert_int_eq(ask_flush(&flushes[i], &err), TACT_UNAVAILABLE);
		ck_assert_str_ne(err.text, "");
	}
}
END_TEST

START_TEST(the_flush_service_stands_beside_the_listener)
{
	const struct kept_id id = {"A1"};
	struct tact_error err = {""};

	ck_assert_str_eq(
	    byid_socket(arena, "/var/spool/postfix/public/tact-pass"), "/var/spool/postfix/public/flush");
	ck_assert_str_eq(byid_socket(arena, "tact-pass"), "flush");
	ck_assert_int_eq(byid_ring("/nonexistent/flush", &end_ms, 100, &id, 1, &err), TACT_UNAVAILABLE);
	ck_assert_msg(strstr(err.text, "/nonexistent/flush") != NULL, "%s", err.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate_smtp");
	TCase *tcase = tcase_create("smtp");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_message_goes_over);
	tcase_add_test(tcase, each_recipient_has_an_answer_of_its_own);
	tcase_add_loop_test(tcase, every_failure_is_told, 0, sizeof failures / sizeof *failures);
	tcase_add_test(tcase, nobody_listens);
	tcase_add_test(tcase, a_silent_server_is_left_in_time);
	tcase_add_test(tcase, the_end_of_the_daemon_ends_the_wait);
	tcase_add_test(tcase, a_line_break_is_never_sent);
	tcase_add_test(tcase, rings_are_said_over_one_connection);
	tcase_add_test(tcase, rings_that_nobody_hears);
	tcase_add_test(tcase, a_message_is_asked_for_by_its_id);
	tcase_add_test(tcase, what_a_flush_service_may_answer_instead);
	tcase_add_test(tcase, the_flush_service_stands_beside_the_listener);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
