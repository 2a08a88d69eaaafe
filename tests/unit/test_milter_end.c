/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The end of a milter: when it has ended, nobody who was connected is served any more.
 */
#include <config.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../src/milter/private.h"
#include "decide_help.h"

#ifdef HAVE_MI_START_SESSION

#define CLIENTS 8

static const char configuration[] =
    "listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }\n"
    "owner \"corporate\" { }\n"
    "stream \"shop\" { owner = \"corporate\" senders = {\"@shop.example\"} }\n";

static sem_t listening;

static void say_listening(void *context)
{
	(void)context;
	sem_post(&listening);
}

static void *run(void *socket)
{
	struct tact_milter_parts parts = {.decider = b.decider,
	    .listener = "smtp",
	    .socket = socket,
	    .smtp = true,
	    .socket_group = "",
	    .gate_domain = "later.tact.invalid",
	    .review_domain = "review.tact.invalid",
	    .rcpt_timeout_s = 5,
	    .message_timeout_s = 20,
	    .profile = &b.config->profile,
	    .ready = say_listening};
	struct tact_error err = {""};

	return tact_arena_strdup(b.arena, tact_milter_run(&parts, &err) == TACT_OK ? "ended" : err.text);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	ck_assert_msg(
	    connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect: %s", strerror(errno));
	return fd;
}

/* What Postfix says first: the protocol's version, and all that it can do. */
static void negotiate_as_postfix(int fd)
{
	const uint32_t words[] = {htonl(13), htonl(6), htonl(SMFI_CURR_ACTS), htonl(SMFI_CURR_PROT)};
	char packet[17], answer[17];

	memcpy(packet, &words[0], 4);
	packet[4] = 'O';
	memcpy(packet + 5, &words[1], 12);
	ck_assert_int_eq(write(fd, packet, sizeof packet), (ssize_t)sizeof packet);
	ck_assert_int_eq(recv(fd, answer, sizeof answer, MSG_WAITALL), (ssize_t)sizeof answer);
	ck_assert_int_eq(answer[4], 'O');
}

START_TEST(when_it_has_ended_all_connections_have)
{
	static char place[128];
	const char *path;
	int clients[CLIENTS];
	pthread_t thread;
	void *said;

	bench_open("memory:", configuration);
	path = bench_below("milter");
	snprintf(place, sizeof place, "unix:%s", path);
	ck_assert_int_eq(sem_init(&listening, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, run, place), 0);
	while (sem_wait(&listening) != 0)
		continue;
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = connect_to(path);
		negotiate_as_postfix(clients[i]);
	}
	ck_assert_int_eq(smfi_stop(), MI_SUCCESS);
	ck_assert_int_eq(pthread_join(thread, &said), 0);
	ck_assert_str_eq(said, "ended");
	for (int i = 0; i < CLIENTS; i++) {
		char byte;
		ssize_t got = recv(clients[i], &byte, 1, MSG_DONTWAIT);

		ck_assert_msg(got == 0, "client %d: got %zd (%s), want the end", i, got,
		    got < 0 ? strerror(errno) : "a byte");
		close(clients[i]);
	}
	bench_close();
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("all");
	Suite *suite = suite_create("milter end");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60); /* libmilter looks every five seconds whether it is to end */
	tcase_add_test(tcase, when_it_has_ended_all_connections_have);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#else

int main(void)
{
	return 77; /* libmilter's own threads, of which nothing is known */
}

#endif
