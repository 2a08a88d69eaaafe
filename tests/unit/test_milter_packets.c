/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Packets as libmilter is handed them, however they came through the socket.
 */
#include <config.h>

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../../src/milter/private.h"

#if defined(HAVE_MI_START_SESSION) && defined(HAVE_MI_RD_CMD)

#define ALL_BYTES (256 * 1024)

char *mi_rd_cmd(int fd, struct timeval *timeout, char *ret_command, size_t *ret_bytes, char *name);

static int ours, theirs;
static char all[ALL_BYTES];
static size_t all_bytes;

static void setup(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	all_bytes = 0;
	packets_begin();
}

static void teardown(void)
{
	close(ours);
	if (theirs >= 0)
		close(theirs);
}

static void add_head(uint32_t length, char command)
{
	length = htonl(length);
	memcpy(all + all_bytes, &length, 4);
	all[all_bytes + 4] = command;
	all_bytes += 5;
}

static void add(char command, size_t bytes)
{
	add_head((uint32_t)bytes + 1, command);
	memset(all + all_bytes, command, bytes);
	all_bytes += bytes;
}

static void send_bytes(size_t from, size_t to)
{
	while (from < to) {
		ssize_t n = write(theirs, all + from, to - from);

		if (n <= 0)
			abort();
		from += (size_t)n;
	}
}

static void hang_up(void)
{
	close(theirs);
	theirs = -1;
}

static bool readable(void)
{
	struct pollfd polled = {.fd = ours, .events = POLLIN};

	return poll(&polled, 1, 0) == 1;
}

static char *next(char *ret_command, size_t *ret_bytes, int patience_s)
{
	struct timeval timeout = {.tv_sec = patience_s};
	char name[] = "test";

	*ret_command = '?';
	return mi_rd_cmd(ours, &timeout, ret_command, ret_bytes, name);
}

static void expect(char command, size_t bytes)
{
	char got, *data;
	size_t got_bytes;

	data = next(&got, &got_bytes, 10);
	ck_assert_msg(got == command, "command: got %d, want '%c'", got, command);
	ck_assert_uint_eq(got_bytes, bytes);
	ck_assert_msg((data == NULL) == (bytes == 0), "data: got %p for %zu bytes", (void *)data, bytes);
	for (size_t i = 0; i < bytes; i++)
		ck_assert_msg(data[i] == command, "byte %zu: got %d, want %d", i, data[i], command);
	free(data);
}

static void expect_failure(int patience_s)
{
	char got, *data;
	size_t bytes;

	data = next(&got, &bytes, patience_s);
	ck_assert_msg(data == NULL && got < ' ', "got command %d and %p, want a failure", got, (void *)data);
}

/* libmilter asks only while the socket can be read. */
START_TEST(what_came_together_is_readable_to_its_last)
{
	add('D', 80);
	add('M', 40);
	add('D', 100);
	add('T', 0);
	send_bytes(0, all_bytes);
	ck_assert(readable());
	expect('D', 80);
	ck_assert(readable());
	expect('M', 40);
	ck_assert(readable());
	expect('D', 100);
	ck_assert(readable());
	expect('T', 0);
	ck_assert_msg(!readable(), "something is left in the socket");
}
END_TEST

/* What is looked at ends inside the second one. */
START_TEST(the_rest_of_a_packet_may_come_later)
{
	size_t first;

	add('L', 30);
	first = all_bytes;
	add('L', 50);
	add('E', 0);
	send_bytes(0, first + (size_t)_i);
	expect('L', 30);
	ck_assert(readable() == (_i > 0));
	send_bytes(first + (size_t)_i, all_bytes);
	expect('L', 50);
	expect('E', 0);
	ck_assert(!readable());
}
END_TEST

static void *send_slowly(void *context)
{
	(void)context;
	for (size_t i = 0; i < all_bytes; i++)
		send_bytes(i, i + 1);
	return NULL;
}

START_TEST(each_byte_by_itself)
{
	pthread_t thread;

	for (int i = 0; i < 300; i++)
		add((char)('A' + i % 26), (size_t)i);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_slowly, NULL), 0);
	for (int i = 0; i < 300; i++)
		expect((char)('A' + i % 26), (size_t)i);
	pthread_join(thread, NULL);
}
END_TEST

static const size_t sizes[] = {0, 1, 8186, 8187, 8188, 8192, 20000, 65534, 65535};

START_TEST(large_ones_come_whole)
{
	add('L', 10);
	add('B', sizes[_i]);
	add('E', 0);
	send_bytes(0, all_bytes);
	expect('L', 10);
	expect('B', sizes[_i]);
	expect('E', 0);
	ck_assert(!readable());
}
END_TEST

static const uint32_t impossible[] = {0, 65537, 0x7fffffff, 0x80000000, 0xffffffff};

START_TEST(impossible_lengths_end_the_connection)
{
	add('L', 10);
	add_head(impossible[_i], 'L');
	add('L', 10);
	send_bytes(0, all_bytes);
	expect('L', 10);
	expect_failure(10);
}
END_TEST

START_TEST(an_end_is_told)
{
	add('L', 10);
	send_bytes(0, (size_t)_i);
	hang_up();
	if (_i == 15)
		expect('L', 10);
	expect_failure(10);
}
END_TEST

START_TEST(patience_ends)
{
	add('L', 10);
	send_bytes(0, (size_t)_i);
	expect_failure(0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("milter_packets");
	TCase *tcase = tcase_create("packets");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_came_together_is_readable_to_its_last);
	tcase_add_loop_test(tcase, the_rest_of_a_packet_may_come_later, 0, 55);
	tcase_add_test(tcase, each_byte_by_itself);
	tcase_add_loop_test(tcase, large_ones_come_whole, 0, sizeof sizes / sizeof *sizes);
	tcase_add_loop_test(
	    tcase, impossible_lengths_end_the_connection, 0, sizeof impossible / sizeof *impossible);
	tcase_add_loop_test(tcase, an_end_is_told, 0, 16);
	tcase_add_loop_test(tcase, patience_ends, 0, 15);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#else

int main(void)
{
	return 77; /* skipped: libmilter reads for itself here */
}

#endif
