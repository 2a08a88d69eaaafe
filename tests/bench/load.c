/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Plays Postfix's side of the milter protocol (version 6) on many connections at once and measures the
 * milter: messages a second, time from MAIL to the last answer, and CPU time of the milter's processes. One
 * thread, so that it takes little from what it measures.
 *
 * As in Postfix, steps that the milter negotiated away are not sent, steps without a reply are not waited
 * for, and what needs no reply goes out together with the next step that does. It speaks to milters that we
 * trust: anything unexpected ends it.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench.h"

#define HEADERS 11
#define BODY_BYTES 4096
#define OUT_BYTES 16384
#define IN_BYTES 8192
#define CONNECTIONS_MOST 1024
#define PIDS_MOST 64

/* libmilter's names are not used: this is the other side, and it needs no more than these. */
enum {
	NO_CONNECT = 0x1,
	NO_HELO = 0x2,
	NO_MAIL = 0x4,
	NO_RCPT = 0x8,
	NO_BODY = 0x10,
	NO_HEADERS = 0x20,
	NO_EOH = 0x40,
	NR_HEADER = 0x80,
	NO_DATA = 0x200,
	NR_CONNECT = 0x1000,
	NR_HELO = 0x2000,
	NR_MAIL = 0x4000,
	NR_RCPT = 0x8000,
	NR_DATA = 0x10000,
	NR_EOH = 0x40000,
	NR_BODY = 0x80000,
	OFFERED_STEPS = 0x1fffff, /* what Postfix 3.7 offers */
	OFFERED_ACTIONS = 0x1ff,
};

struct connection {
	int fd;
	size_t step;   /* the one whose reply is awaited */
	size_t header; /* headers sent */
	uint32_t negotiated;
	uint64_t message;
	int64_t began_us;
	char to[64];
	size_t out_bytes, in_bytes;
	char out[OUT_BYTES], in[IN_BYTES];
};

static struct {
	const char *socket;
	size_t connections;
	double warm_s, seconds;
	uint64_t people;
	uint64_t first; /* messages of earlier runs: other people are written to now */
	bool rejecting, probe;
	pid_t pids[PIDS_MOST];
	size_t pids_count;
} options = {.connections = 1, .warm_s = 0.5, .seconds = 5, .people = 1000000};

static uint64_t messages_begun;
static double *latencies;
static size_t latencies_count, latencies_room;
static bool measuring;
static char run_id[32], body[BODY_BYTES];

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "load: %s%s%s\n", what, detail != NULL ? ": " : "", detail != NULL ? detail : "");
	exit(EX_PROTOCOL);
}

/* ---- packets ---- */

static void put(struct connection *c, const void *bytes, size_t size)
{
	if (c->out_bytes + size > sizeof c->out)
		die("a message is larger than the buffer", NULL);
	memcpy(c->out + c->out_bytes, bytes, size);
	c->out_bytes += size;
}

static void put_text(struct connection *c, const char *text)
{
	put(c, text, strlen(text) + 1);
}

/* Begins a packet; its length is filled in by end_packet. */
static size_t begin_packet(struct connection *c, char command)
{
	size_t start = c->out_bytes;

	put(c, "\0\0\0", 4);
	put(c, &command, 1);
	return start;
}

static void end_packet(struct connection *c, size_t start)
{
	uint32_t length = htonl((uint32_t)(c->out_bytes - start - 4));

	memcpy(c->out + start, &length, 4);
}

static void put_macros(struct connection *c, char command, const char *const *pairs)
{
	size_t start = begin_packet(c, 'D');

	put(c, &command, 1);
	for (; *pairs != NULL; pairs++)
		put_text(c, *pairs);
	end_packet(c, start);
}

/* ---- what is said at each step ---- */

static void say_connect(struct connection *c)
{
	static const char *const macros[] = {"j", "relay.example.com", "{daemon_name}", "smtpd",
	    "{daemon_addr}", "127.0.0.1", "{daemon_port}", "25", "v", "Postfix 3.7.11", "_",
	    "desk.example.com [192.0.2.25]", NULL};
	uint16_t port = htons(40000);

	put_macros(c, 'C', macros);
	size_t start = begin_packet(c, 'C');
	put_text(c, "desk.example.com");
	put(c, "4", 1);
	put(c, &port, sizeof port);
	put_text(c, "192.0.2.25");
	end_packet(c, start);
}

static void say_helo(struct connection *c)
{
	size_t start = begin_packet(c, 'H');

	put_text(c, "desk.example.com");
	end_packet(c, start);
}

static void say_mail(struct connection *c)
{
	static const char *const macros[] = {"{auth_type}", "PLAIN", "{auth_authen}", "desk", "{mail_addr}",
	    "news@brand.example", "{mail_host}", "brand.example", "{mail_mailer}", "smtp", NULL};

	put_macros(c, 'M', macros);
	size_t start = begin_packet(c, 'M');
	put_text(c, "<news@brand.example>");
	put_text(c, "SIZE=5000");
	put_text(c, "BODY=8BITMIME");
	end_packet(c, start);
}

static void say_rcpt(struct connection *c)
{
	const char *const macros[] = {
	    "{rcpt_addr}", c->to, "{rcpt_host}", "customers.example", "{rcpt_mailer}", "smtp", NULL};
	char to[80];

	put_macros(c, 'R', macros);
	size_t start = begin_packet(c, 'R');
	snprintf(to, sizeof to, "<%s>", c->to);
	put_text(c, to);
	end_packet(c, start);
}

static void say_queue_id(struct connection *c, char command)
{
	char id[24];
	const char *const macros[] = {"i", id, NULL};

	snprintf(id, sizeof id, "4Xy%011llX", (unsigned long long)c->message);
	put_macros(c, command, macros);
}

static void say_data(struct connection *c)
{
	say_queue_id(c, 'T');
	end_packet(c, begin_packet(c, 'T'));
}

static void say_header(struct connection *c)
{
	char from_count[96], message_id[96], received[256];
	const struct {
		const char *name, *value;
	} headers[HEADERS] = {
	    {"Received", received},
	    {"Date", "Tue, 24 Nov 2026 09:00:00 +0000"},
	    {"From", "\"The Brand\" <news@brand.example>"},
	    {"To", c->to},
	    {"Message-ID", message_id},
	    {"Subject", "=?UTF-8?Q?Autumn=E2=80=99s_best_offers?= for our dear customers"},
	    {"MIME-Version", "1.0"},
	    {"Content-Type", "text/plain; charset=utf-8"},
	    {"List-Id", "Offers <offers.brand.example>"},
	    {"List-Unsubscribe", from_count},
	    {"Feedback-ID", "autumn-7:customer-3:newsletter:brand"},
	};

	snprintf(from_count, sizeof from_count,
	    "<https://brand.example/u/%llu>, <mailto:unsubscribe@brand.example>",
	    (unsigned long long)c->message);
	snprintf(message_id, sizeof message_id, "<%llu.%s@desk.example.com>", (unsigned long long)c->message,
	    run_id);
	snprintf(received, sizeof received,
	    "from desk.example.com (desk.example.com [192.0.2.25])\n\tby relay.example.com (Postfix) with "
	    "ESMTPSA id 4Xy%011llX\n\tfor "
	    "<%s>; Tue, 24 Nov 2026 09:00:00 +0000 (UTC)",
	    (unsigned long long)c->message, c->to);
	size_t start = begin_packet(c, 'L');
	put_text(c, headers[c->header].name);
	put_text(c, headers[c->header].value);
	end_packet(c, start);
}

static void say_end_of_header(struct connection *c)
{
	say_queue_id(c, 'N');
	end_packet(c, begin_packet(c, 'N'));
}

static void say_body(struct connection *c)
{
	size_t start = begin_packet(c, 'B');

	put(c, body, sizeof body);
	end_packet(c, start);
}

static void say_end_of_message(struct connection *c)
{
	say_queue_id(c, 'E');
	end_packet(c, begin_packet(c, 'E'));
}

/* ---- the steps of a session ---- */

enum { CONNECT, HELO, MAIL, RCPT, DATA, HEADER, END_OF_HEADER, BODY, END_OF_MESSAGE, STEPS, NEGOTIATE };

static const struct {
	uint32_t skip, no_reply;
	void (*say)(struct connection *c);
} steps[STEPS] = {
    [CONNECT] = {NO_CONNECT, NR_CONNECT, say_connect},
    [HELO] = {NO_HELO, NR_HELO, say_helo},
    [MAIL] = {NO_MAIL, NR_MAIL, say_mail},
    [RCPT] = {NO_RCPT, NR_RCPT, say_rcpt},
    [DATA] = {NO_DATA, NR_DATA, say_data},
    [HEADER] = {NO_HEADERS, NR_HEADER, say_header},
    [END_OF_HEADER] = {NO_EOH, NR_EOH, say_end_of_header},
    [BODY] = {NO_BODY, NR_BODY, say_body},
    [END_OF_MESSAGE] = {0, 0, say_end_of_message},
};

static void begin_message(struct connection *c)
{
	c->message = options.first + messages_begun++;
	c->header = 0;
	c->began_us = bench_now_us();
	snprintf(c->to, sizeof c->to, BENCH_ADDRESS,
	    (unsigned long long)bench_person(c->message, options.people, options.rejecting));
}

static void next_step(struct connection *c)
{
	if (c->step == HEADER && ++c->header < HEADERS)
		return;
	if (++c->step == STEPS)
		c->step = MAIL;
}

static void flush_out(struct connection *c)
{
	size_t done = 0;

	while (done < c->out_bytes) {
		ssize_t wrote = write(c->fd, c->out + done, c->out_bytes - done);

		if (wrote < 0 && errno != EINTR)
			die("cannot write to the milter", strerror(errno));
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	c->out_bytes = 0;
}

/* Says everything up to and including the next step that is answered. */
static void advance(struct connection *c)
{
	for (;; next_step(c)) {
		if (c->step == MAIL)
			begin_message(c);
		if ((c->negotiated & steps[c->step].skip) != 0)
			continue;
		steps[c->step].say(c);
		if ((c->negotiated & steps[c->step].no_reply) == 0)
			break;
	}
	flush_out(c);
}

/* ---- answers ---- */

static void record(const struct connection *c)
{
	if (!measuring)
		return;
	if (latencies_count == latencies_room) {
		latencies_room = latencies_room > 0 ? 2 * latencies_room : 1 << 16;
		latencies = realloc(latencies, latencies_room * sizeof *latencies);
		if (latencies == NULL)
			die("out of memory", NULL);
	}
	latencies[latencies_count++] = (double)(bench_now_us() - c->began_us);
}

static void take_negotiation(struct connection *c, const char *data, size_t size)
{
	uint32_t words[3];

	if (size < 13 || data[0] != 'O')
		die("no negotiation came back", NULL);
	memcpy(words, data + 1, sizeof words);
	c->negotiated = ntohl(words[2]);
	if (options.probe) {
		printf("%x\n", (unsigned)c->negotiated);
		exit(EX_OK);
	}
	c->step = CONNECT;
	advance(c);
}

static void abort_message(struct connection *c)
{
	end_packet(c, begin_packet(c, 'A'));
	c->step = MAIL;
}

static void take_answer(struct connection *c, const char *data, size_t size)
{
	char kind = data[0];
	bool refused = kind == 'r' || (kind == 'y' && size > 3 && data[1] == '5');
	bool last = options.rejecting ? c->step == RCPT : c->step == END_OF_MESSAGE;

	if (kind == 'p')
		return; /* progress */
	if (options.rejecting && last ? !refused : kind != 'c' && kind != 'a') {
		fprintf(stderr, "load: unexpected answer '%c' \"%.*s\" to %s at step %zu\n", kind,
		    (int)size - 1, data + 1, c->to, c->step);
		exit(EX_PROTOCOL);
	}
	if (last)
		record(c);
	if (last && options.rejecting)
		abort_message(c);
	else
		next_step(c);
	advance(c);
}

static void take_packets(struct connection *c)
{
	size_t at = 0;

	while (c->in_bytes - at >= 5) {
		uint32_t length;

		memcpy(&length, c->in + at, 4);
		length = ntohl(length);
		if (length < 1 || length > sizeof c->in - 4)
			die("a packet of impossible length came", NULL);
		if (c->in_bytes - at < 4 + (size_t)length)
			break;
		if (c->step == NEGOTIATE)
			take_negotiation(c, c->in + at + 4, length);
		else
			take_answer(c, c->in + at + 4, length);
		at += 4 + (size_t)length;
	}
	memmove(c->in, c->in + at, c->in_bytes - at);
	c->in_bytes -= at;
}

static void receive(struct connection *c)
{
	ssize_t got = read(c->fd, c->in + c->in_bytes, sizeof c->in - c->in_bytes);

	if (got <= 0)
		die("the milter closed a connection", got < 0 ? strerror(errno) : NULL);
	c->in_bytes += (size_t)got;
	take_packets(c);
}

/* ---- the run ---- */

static void negotiate(struct connection *c)
{
	const uint32_t words[3] = {htonl(6), htonl(OFFERED_ACTIONS), htonl(OFFERED_STEPS)};
	size_t start = begin_packet(c, 'O');

	put(c, words, sizeof words);
	end_packet(c, start);
	c->step = NEGOTIATE;
	flush_out(c);
}

static void open_connection(struct connection *c, int epoll)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strlen(options.socket) >= sizeof address.sun_path)
		die("the socket's path is too long", options.socket);
	memcpy(address.sun_path, options.socket, strlen(options.socket));
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0)
		die("cannot connect to the milter", strerror(errno));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
		die("epoll", strerror(errno));
	negotiate(c);
}

/* utime + stime of the milter's processes. */
static int64_t milter_cpu_us(void)
{
	long ticks = sysconf(_SC_CLK_TCK);
	int64_t sum_us = 0;

	for (size_t i = 0; i < options.pids_count; i++) {
		char path[64], text[1024] = "";
		unsigned long long user, kernel;
		FILE *file;

		snprintf(path, sizeof path, "/proc/%ld/stat", (long)options.pids[i]);
		file = fopen(path, "re");
		if (file == NULL)
			die("a process of the milter is gone", path);
		if (fgets(text, sizeof text, file) == NULL || strrchr(text, ')') == NULL ||
		    sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			&user, &kernel) != 2)
			die("cannot be read", path);
		fclose(file);
		sum_us += (int64_t)(user + kernel) * 1000000 / ticks;
	}
	return sum_us;
}

static void serve_until(int epoll, int64_t until_us)
{
	struct epoll_event events[CONNECTIONS_MOST];

	while (bench_now_us() < until_us) {
		int ready = epoll_wait(epoll, events, CONNECTIONS_MOST, 100);

		if (ready < 0 && errno != EINTR)
			die("epoll", strerror(errno));
		for (int i = 0; i < ready; i++)
			receive(events[i].data.ptr);
	}
}

static void run(void)
{
	struct connection *all = calloc(options.connections, sizeof *all);
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (all == NULL || epoll < 0)
		die("cannot begin", strerror(errno));
	for (size_t i = 0; i < options.connections; i++)
		open_connection(&all[i], epoll);
	serve_until(epoll, bench_now_us() + (int64_t)(options.warm_s * 1e6));
	int64_t began_us = bench_now_us(), cpu_us = milter_cpu_us(), own_us = bench_own_cpu_us();
	measuring = true;
	serve_until(epoll, began_us + (int64_t)(options.seconds * 1e6));
	cpu_us = milter_cpu_us() - cpu_us;
	own_us = bench_own_cpu_us() - own_us;
	double seconds = (double)(bench_now_us() - began_us) / 1e6;
	bench_report(latencies, latencies_count, seconds, cpu_us, own_us);
	for (size_t i = 0; i < options.connections; i++)
		close(all[i].fd);
	free(all);
	free(latencies);
	close(epoll);
}

static void take_option(int option, const char *value)
{
	switch (option) {
	case 'c':
		options.connections = strtoul(value, NULL, 10);
		break;
	case 't':
		options.seconds = strtod(value, NULL);
		break;
	case 'w':
		options.warm_s = strtod(value, NULL);
		break;
	case 'n':
		options.people = strtoull(value, NULL, 10);
		break;
	case 'f':
		options.first = strtoull(value, NULL, 10);
		break;
	case 'p':
		if (options.pids_count < PIDS_MOST)
			options.pids[options.pids_count++] = (pid_t)strtol(value, NULL, 10);
		break;
	case 'r':
		options.rejecting = true;
		break;
	case 'q':
		options.probe = true;
		break;
	default:
		fprintf(stderr, "usage: load [-c CONNECTIONS] [-t SECONDS] [-w WARMUP] [-n PEOPLE] [-f "
				"FIRST] [-p PID]... [-r] [-q] SOCKET\n"
				"  -r  every recipient is expected to be refused at RCPT\n"
				"  -q  print the protocol flags the milter negotiates, and end\n");
		exit(EX_USAGE);
	}
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:t:w:n:f:p:rq")) != -1)
		take_option(option, optarg);
	if (optind != argc - 1 || options.connections < 1 || options.connections > CONNECTIONS_MOST ||
	    options.people < BENCH_SUPPRESSED)
		take_option('?', NULL);
	options.socket = argv[optind];
	snprintf(run_id, sizeof run_id, "%lld", (long long)time(NULL));
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : (char)('a' + i % 26);
	run();
	return EX_OK;
}
