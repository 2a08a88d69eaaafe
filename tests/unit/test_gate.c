/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The whole gate over a real decider: Postfix's side of LMTP on one end, listeners that keep what they are
 * given on the other.
 */
#include <config.h>

#include <check.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <tact/config.h>
#include <tact/gate.h>

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define LATER "later.tact.invalid"
#define REVIEW "review.tact.invalid"
#define WAIT_S 20 /* for what comes at once */

static const char configuration[] =
    "listener smtp { socket = \"inet:8891@127.0.0.1\" }\n"
    "owner head {}\nowner leeds {}\n"
    "slot_length = 60s\nmax_delay = 3d\n"
    "stream launch { owner = head purpose = promotional priority = 800 senders = {\"@head.example\"} }\n"
    "stream branch { owner = leeds purpose = promotional priority = 300 senders = {\"@leeds.example\"} }\n"
    "suppression unsubscribed { action = reject }\n"
    "limit weekly { at_most = 1/20h count = {promotional, occasion} action = delay }\n"
    "limit odd { at_most = 0/5d count = appreciation streams = {launch} action = quarantine }\n";

/* ---- a listener of Postfix ---- */

enum mood { FINE, HANGS_UP, MAIL_LATER, RCPT_NO, END_LATER, END_NO, END_HANGS_UP, HOLDS };

struct sink {
	char path[96];
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	atomic_int mood;
	char said[65536]; /* XFORWARD, MAIL, RCPT lines, each with '|' */
	char rung[4096];  /* ETRN arguments, each with '|' */
	char *body;	  /* of the last message, without its dots */
	size_t body_size;
	int messages, held;
};
static struct sink pass, refuse;

struct call {
	struct sink *sink;
	int fd;
};

static void note(struct sink *sink, char *to, size_t size, const char *line)
{
	(void)pthread_mutex_lock(&sink->lock);
	strncat(to, line, size - strlen(to) - 1);
	strncat(to, "|", size - strlen(to) - 1);
	(void)pthread_cond_broadcast(&sink->news);
	(void)pthread_mutex_unlock(&sink->lock);
}

static bool take_body(struct sink *sink, FILE *in)
{
	char *line = NULL, *body = NULL;
	size_t room = 0, size = 0, body_room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, in)) > 0 && !(n == 3 && memcmp(line, ".\r\n", 3) == 0)) {
		size_t skip = line[0] == '.';

		if (body_room - size < (size_t)n) {
			body_room = 2 * body_room + (size_t)n;
			body = tact_realloc(body, body_room);
		}
		memcpy(body + size, line + skip, (size_t)n - skip);
		size += (size_t)n - skip;
	}
	free(line);
	(void)pthread_mutex_lock(&sink->lock);
	free(sink->body);
	sink->body = body;
	sink->body_size = size;
	sink->messages++;
	(void)pthread_cond_broadcast(&sink->news);
	(void)pthread_mutex_unlock(&sink->lock);
	return n > 0;
}

/* What the sink got before its answer may be looked at without its lock from here on. */
static struct sink *settled(struct sink *sink)
{
	(void)pthread_mutex_lock(&sink->lock);
	(void)pthread_mutex_unlock(&sink->lock);
	return sink;
}

static void hold(struct sink *sink)
{
	(void)pthread_mutex_lock(&sink->lock);
	sink->held++;
	(void)pthread_cond_broadcast(&sink->news);
	while (atomic_load(&sink->mood) == HOLDS)
		(void)pthread_cond_wait(&sink->news, &sink->lock);
	(void)pthread_mutex_unlock(&sink->lock);
}

static void put(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return;
}

/* NULL: hang up. */
static const char *reply_to(struct sink *sink, const char *line, FILE *in, int fd)
{
	int mood = atomic_load(&sink->mood);

	if (strncmp(line, "EHLO", 4) == 0)
		return "250-sink\r\n250-XFORWARD NAME ADDR IDENT\r\n250 DSN\r\n";
	if (strncmp(line, "ETRN ", 5) == 0) {
		note(sink, sink->rung, sizeof sink->rung, line + 5);
		return "250 Queuing started\r\n";
	}
	if (strncmp(line, "QUIT", 4) == 0)
		return NULL;
	if (strncmp(line, "DATA", 4) != 0)
		note(sink, sink->said, sizeof sink->said, line);
	if (strncmp(line, "MAIL", 4) == 0 && mood == MAIL_LATER)
		return "451 4.3.0 not now\r\n";
	if (strncmp(line, "RCPT", 4) == 0 && mood == RCPT_NO)
		return "550 5.7.1 go away\r\n";
	if (strncmp(line, "DATA", 4) != 0)
		return "250 2.0.0 Ok\r\n";
	put(fd, "354 go on\r\n");
	if (!take_body(sink, in) || mood == END_HANGS_UP)
		return NULL;
	if (mood == HOLDS)
		hold(sink);
	if (mood == END_LATER)
		return "451 4.3.0 queue file write error\r\n";
	return mood == END_NO ? "554 5.7.1 no\r\n" : "250 2.0.0 Ok: queued as 9ABCDEF\r\n";
}

static void *answer_call(void *context)
{
	struct call call = *(struct call *)context;
	FILE *in = fdopen(dup(call.fd), "r");
	char *line = NULL;
	size_t room = 0;

	free(context);
	if (atomic_load(&call.sink->mood) != HANGS_UP) {
		put(call.fd, "220 sink\r\n");
		while (getline(&line, &room, in) > 0) {
			const char *reply;

			line[strcspn(line, "\r\n")] = '\0';
			reply = reply_to(call.sink, line, in, call.fd);
			if (reply == NULL)
				break;
			put(call.fd, reply);
		}
	}
	free(line);
	(void)fclose(in);
	(void)close(call.fd);
	return NULL;
}

static void *listen_on(void *context)
{
	struct sink *sink = context;
	int fd;

	while ((fd = accept(sink->fd, NULL, NULL)) >= 0) {
		struct call *call = malloc(sizeof *call);
		pthread_t thread;

		*call = (struct call){.sink = sink, .fd = fd};
		if (pthread_create(&thread, NULL, answer_call, call) == 0)
			(void)pthread_detach(thread);
	}
	return NULL;
}

static void open_sink(struct sink *sink, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(sink, 0, sizeof *sink);
	snprintf(sink->path, sizeof sink->path, "%s", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	(void)pthread_mutex_init(&sink->lock, NULL);
	(void)pthread_cond_init(&sink->news, NULL);
	sink->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(sink->fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(sink->fd, 50), 0);
	ck_assert_int_eq(pthread_create(&sink->thread, NULL, listen_on, sink), 0);
}

static void close_sink(struct sink *sink)
{
	(void)shutdown(sink->fd, SHUT_RDWR);
	(void)pthread_join(sink->thread, NULL);
	(void)close(sink->fd);
	free(sink->body);
	sink->body = NULL;
}

/* Waits until COUNT rings were heard, or held messages. */
static void wait_for_news(struct sink *sink, bool (*come)(const struct sink *sink))
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	(void)pthread_mutex_lock(&sink->lock);
	while (!come(sink))
		if (pthread_cond_timedwait(&sink->news, &sink->lock, &until) != 0)
			break;
	ck_assert_msg(come(sink), "nothing came in time; rung: %s said: %s", sink->rung, sink->said);
	(void)pthread_mutex_unlock(&sink->lock);
}

/* ---- the house around the gate ---- */

struct bench {
	char dir[64];
	int64_t now_us;
	struct tact_arena *arena;
	struct tact_config *config;
	struct tact_keyring *keyring;
	struct tact_store *store, *fail;
	struct tact_audit *audit;
	struct tact_identity identity;
	struct tact_ledger *ledger;
	struct tact_decider *decider;
	struct tact_gate_parts parts;
	struct tact_gate *gate;
	pthread_t thread;
	bool running;
	int ended;
};
static struct bench b;

static const char *below(const char *name)
{
	return tact_arena_printf(b.arena, "%s/%s", b.dir, name);
}

static void open_decider(struct tact_store *store)
{
	b.decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = store, .audit = b.audit, .identity = &b.identity, .host = "relay", .ledger = b.ledger});
	tact_decider_set_rules(b.decider, &b.config->rules, NULL, NULL);
	b.parts.decider = b.decider;
}

static void setup(void)
{
	struct tact_config_mistakes mistakes = {.count = 0};

	memset(&b, 0, sizeof b);
	b.now_us = tact_clock_now_us();
	snprintf(b.dir, sizeof b.dir, "/tmp/tact-gate-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(b.dir));
	b.arena = mistakes.arena = tact_arena_new();
	ck_assert_msg(tact_config_load("t", configuration, &b.config, &mistakes) == TACT_OK, "%s",
	    mistakes.count > 0 ? mistakes.texts[0] : "?");
	ck_assert_int_eq(tact_facts_create_key_file(below("key"), false, NULL), TACT_OK);
	ck_assert_int_eq(tact_facts_load_keyring(below("key"), &b.keyring, NULL), TACT_OK);
	ck_assert_int_eq(tact_store_open("memory:", &b.store, NULL), TACT_OK);
	ck_assert_int_eq(tact_store_open("fail:", &b.fail, NULL), TACT_OK);
	ck_assert_int_eq(tact_decide_open_identity(b.store, b.keyring, &b.config->profile, TACT_OPEN_CHANGE,
			     b.arena, &b.identity, NULL),
	    TACT_OK);
	ck_assert_int_eq(tact_audit_open(below("audit"), "relay", &b.audit, NULL, NULL), TACT_OK);
	b.ledger = tact_ledger_new();
	b.parts = (struct tact_gate_parts){.host = "relay.test",
	    .gate_socket = below("gate"),
	    .pass_socket = below("pass"),
	    .refuse_socket = below("refuse"),
	    .socket_group = "",
	    .gate_domain = LATER,
	    .review_domain = REVIEW,
	    .gate_timeout_s = 2,
	    .message_timeout_s = 10,
	    .profile = &b.config->profile};
	open_decider(b.store);
	open_sink(&pass, b.parts.pass_socket);
	open_sink(&refuse, b.parts.refuse_socket);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void *run_gate(void *context)
{
	b.ended = tact_gate_run(b.gate, context);
	return NULL;
}

static void start_gate(void)
{
	struct tact_error err = {""};

	ck_assert_msg(tact_gate_open(&b.parts, &b.gate, &err) == TACT_OK, "%s", err.text);
	ck_assert_int_eq(pthread_create(&b.thread, NULL, run_gate, NULL), 0);
	b.running = true;
}

static void stop_gate(void)
{
	if (!b.running)
		return;
	tact_gate_stop(b.gate);
	ck_assert_int_eq(pthread_join(b.thread, NULL), 0);
	ck_assert_int_eq(b.ended, TACT_OK);
	tact_gate_close(&b.gate);
	b.running = false;
}

static void teardown(void)
{
	stop_gate();
	close_sink(&pass);
	close_sink(&refuse);
	tact_decider_free(&b.decider);
	tact_audit_close(&b.audit);
	tact_store_close(&b.store);
	tact_store_close(&b.fail);
	tact_facts_free_keyring(&b.keyring);
	tact_ledger_free(&b.ledger);
	tact_config_free(&b.config);
	(void)nftw(b.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	tact_arena_free(&b.arena);
}

/* ---- mail that waits ---- */

static struct tact_message *message_of(const char *sender, const char *id)
{
	struct tact_envelope envelope = {
	    .listener = "smtp", .smtp = true, .client_ip = "192.0.2.1", .sender = sender};
	const char *text = tact_arena_printf(b.arena,
	    "From: S <%s>\r\nTo: you\r\nSubject: news %s\r\nMessage-ID: <%s@x.example>\r\nDate: Mon, 5 Jan "
	    "2026 09:00:00 +0000\r\n\r\nhi\r\n",
	    sender, id, id);
	struct tact_message *message;
	size_t body;

	ck_assert_int_eq(tact_facts_read_message(b.arena, &envelope, text, strlen(text), &b.config->profile,
			     &message, &body, NULL),
	    TACT_OK);
	return message;
}

static struct tact_ruling decide(
    const char *sender, const char *id, const char *given, const char *notify, int64_t now_us)
{
	struct tact_asked asked = {.given = given, .notify = notify};
	struct tact_decide_request request = {
	    .message = message_of(sender, id), .asked = &asked, .asked_count = 1, .now_us = now_us};
	struct tact_ruling ruling;
	struct tact_error err = {""};

	tact_decide_message(b.decider, b.arena, &request, &ruling, &err);
	return ruling;
}

/* The address at the gate of a mail to GIVEN whose place is (PLACE) from now. */
static const char *waiting_address(const char *given, const char *notify, int64_t place)
{
	int64_t made_us = b.now_us + place - 20 * HOUR;
	struct tact_ruling ruling;

	ck_assert_int_eq(decide("news@head.example", given, given, NULL, made_us).fate, TACT_FATE_PASS);
	ruling = decide("news@leeds.example", given, given, notify, made_us + SECOND);
	ck_assert_msg(ruling.fate == TACT_FATE_GATE, "%s: got fate %d", given, ruling.fate);
	return tact_decide_gate_address(b.arena, &ruling.claim, ruling.given, ruling.ring, LATER);
}

static void suppress(const char *given)
{
	struct tact_recipient recipient;
	struct tact_change change = {.kind = TACT_CHANGE_SUPPRESS,
	    .suppression = {.scope = {.kind = TACT_SCOPE_GLOBAL, .value = ""},
		.reason = TACT_UNSUBSCRIBE,
		.source = "t",
		.note = "",
		.time_us = b.now_us,
		.ended_by = "",
		.ended_why = ""},
	    .by = "t",
	    .why = ""};
	struct tact_changed changed;

	ck_assert_int_eq(tact_facts_recipient(b.arena, &b.identity, given, &recipient, NULL), TACT_OK);
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &recipient, &change, 1, b.now_us, 0, &changed, NULL),
	    TACT_OK);
}

/* ---- Postfix's side ---- */

struct client {
	int fd;
	FILE *in;
};

static struct client dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct client client;

	memcpy(address.sun_path, b.parts.gate_socket, strlen(b.parts.gate_socket) + 1);
	client.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(client.fd, (struct sockaddr *)&address, sizeof address), 0);
	client.in = fdopen(dup(client.fd), "r");
	return client;
}

static void hang_up(struct client *client)
{
	(void)fclose(client->in);
	(void)close(client->fd);
}

/* The last line of the next answer; "" when the gate hung up. */
static const char *hear(struct client *client)
{
	static char line[70000];

	do {
		if (fgets(line, sizeof line, client->in) == NULL)
			return "";
	} while (strlen(line) > 3 && line[3] == '-');
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

static void tell(struct client *client, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = send(client->fd, text, size, MSG_NOSIGNAL);

		ck_assert_int_gt(n, 0);
		text += n;
		size -= (size_t)n;
	}
}

static const char *ask(struct client *client, const char *command)
{
	tell(client, command, strlen(command));
	tell(client, "\r\n", 2);
	return hear(client);
}

static void want(const char *got, const char *start)
{
	ck_assert_msg(strncmp(got, start, strlen(start)) == 0, "got \"%s\", want \"%s…\"", got, start);
}

static struct client begin(const char *sender, const char *args)
{
	struct client client = dial();

	want(hear(&client), "220 relay.test ");
	want(ask(&client, "LHLO postfix.test"), "250 XFORWARD");
	want(ask(&client, "XFORWARD NAME=c.example ADDR=192.0.2.1 PORT=99"), "250 ");
	want(ask(&client, "XFORWARD PROTO=ESMTP HELO=c IDENT=4B2C SOURCE=REMOTE"), "250 ");
	want(ask(&client, tact_arena_printf(b.arena, "MAIL FROM:<%s> %s", sender, args)), "250 ");
	return client;
}

static const char *rcpt(struct client *client, const char *address, const char *args)
{
	return ask(client, tact_arena_printf(b.arena, "RCPT TO:<%s> %s", address, args));
}

static const char text[] = "Received: x\r\nSubject: a\r\n\r\nbare\rcr\r\n..dots\r\n\xff\r\nend\r\n";
static const char text_in[] = "Received: x\r\nSubject: a\r\n\r\nbare\rcr\r\n.dots\r\n\xff\r\nend\r\n";

static const char *deliver(struct client *client)
{
	want(ask(client, "DATA"), "354 ");
	tell(client, text, sizeof text - 1);
	return ask(client, ".");
}

/* ---- tests ---- */

START_TEST(not_due_waits)
{
	const char *address = waiting_address("ann@example.com", NULL, 5 * HOUR);
	struct client client;

	start_gate();
	client = begin("news@leeds.example", "");
	want(rcpt(&client, address, ""), "451 4.7.1 <ann@example.com> waits: ");
	want(ask(&client, "DATA"), "503 5.5.1");
	want(ask(&client, "RSET"), "250 ");
	want(ask(&client, "QUIT"), "221 ");
	hang_up(&client);
	ck_assert_int_eq(settled(&pass)->messages, 0);
}
END_TEST

START_TEST(due_passes_once)
{
	const char *address = waiting_address("ann@example.com", NULL, -600 * SECOND);
	struct client client;

	start_gate();
	for (int i = 0; i < 2; i++) {
		client = begin("news@leeds.example", "SIZE=99 RET=HDRS ENVID=e+3D");
		want(rcpt(&client, address, "NOTIFY=FAILURE ORCPT=rfc822;ann@example.com"), "250 2.1.5");
		want(deliver(&client),
		    i == 0 ? "250 2.0.0 Ok: passed on as 9ABCDEF" : "250 2.0.0 Ok: passed before");
		want(ask(&client, "QUIT"), "221 ");
		hang_up(&client);
	}
	ck_assert_int_eq(settled(&pass)->messages, 1);
	ck_assert_str_eq(settled(&pass)->said, "XFORWARD NAME=c.example ADDR=192.0.2.1 IDENT=4B2C|MAIL "
					       "FROM:<news@leeds.example> SIZE=99 RET=HDRS ENVID=e+3D|"
					       "RCPT TO:<ann@example.com> ORCPT=rfc822;ann@example.com|");
	ck_assert_uint_eq(settled(&pass)->body_size, sizeof text_in - 1);
	ck_assert(memcmp(settled(&pass)->body, text_in, sizeof text_in - 1) == 0);
}
END_TEST

START_TEST(a_notify_of_the_clients_own_is_kept)
{
	const char *address = waiting_address("<\"a b\"@example.com>", "NEVER", -600 * SECOND);
	struct client client;

	start_gate();
	client = begin("", "");
	want(rcpt(&client, address, "NOTIFY=NEVER"), "250 ");
	want(deliver(&client), "250 ");
	hang_up(&client);
	ck_assert_ptr_nonnull(
	    strstr(settled(&pass)->said, "MAIL FROM:<>|RCPT TO:<\"a b\"@example.com> NOTIFY=NEVER|"));
}
END_TEST

START_TEST(unsubscribed_since_is_refused)
{
	const char *ann = waiting_address("ann@example.com", NULL, -600 * SECOND);
	const char *bob = waiting_address("bob@example.com", NULL, -600 * SECOND);
	struct client client;

	suppress("ann@example.com");
	start_gate();
	client = begin("news@leeds.example", "");
	want(rcpt(&client, ann, ""), "250 ");
	want(rcpt(&client, bob, ""), "250 ");
	want(deliver(&client), "250 2.0.0 Ok: bounced as 9ABCDEF");
	want(hear(&client), "250 2.0.0 Ok: passed on as 9ABCDEF");
	hang_up(&client);
	ck_assert_ptr_nonnull(strstr(settled(&refuse)->said, "RCPT TO:<ann@example.com>|"));
	ck_assert_ptr_null(strstr(settled(&refuse)->said, "bob"));
	ck_assert_ptr_nonnull(strstr(settled(&pass)->said, "RCPT TO:<bob@example.com>|"));
	ck_assert_ptr_null(strstr(settled(&pass)->said, "ann"));
}
END_TEST

START_TEST(each_recipient_has_its_own_answer)
{
	const char *due = waiting_address("ann@example.com", NULL, -600 * SECOND);
	const char *later = waiting_address("bob@example.com", NULL, HOUR);
	struct tact_id none = tact_id_random();
	struct client client;

	start_gate();
	client = begin("news@leeds.example", "");
	want(rcpt(&client, "ann@example.com", ""), "451 4.7.1 not an address of this gate");
	want(rcpt(&client, later, ""), "451 4.7.1 <bob@example.com>");
	want(rcpt(&client, tact_decide_gate_address(b.arena, &none, "eve@example.com", "s1", LATER), ""),
	    "451 4.7.1 not known here");
	want(rcpt(&client, tact_decide_gate_address(b.arena, &none, "eve@example.com", "s1", REVIEW), ""),
	    "451 4.7.1 not known here");
	want(rcpt(&client, due, ""), "250 ");
	want(rcpt(&client, tact_arena_printf(b.arena, "f%s", due), ""), "451 4.7.1");
	want(deliver(&client), "250 2.0.0 Ok: passed on");
	want(ask(&client, "NOOP"), "250 ");
	hang_up(&client);
}
END_TEST

/* A next hop that fails costs nobody his mail: 451, and the next attempt passes. */
static const struct {
	int mood;
	const char *want;
} failures[] = {
    {HANGS_UP, "451 4.4.1 re-injection listener: 0 connection lost"},
    {MAIL_LATER, "451 4.3.0 re-injection listener: 451 4.3.0 not now"},
    {RCPT_NO, "451 4.3.0 re-injection listener: 550 5.7.1 go away"},
    {END_LATER, "451 4.3.0 re-injection listener: 451 4.3.0 queue"},
    {END_NO, "451 4.3.0 re-injection listener: 554 5.7.1 no"},
    {END_HANGS_UP, "451 4.4.1 re-injection listener: 0 connection lost"},
};

START_TEST(a_failing_next_hop_costs_nothing)
{
	const char *address = waiting_address("ann@example.com", NULL, -600 * SECOND);
	struct client client;

	start_gate();
	atomic_store(&pass.mood, failures[_i].mood);
	client = begin("news@leeds.example", "");
	want(rcpt(&client, address, ""), "250 ");
	want(deliver(&client), failures[_i].want);
	atomic_store(&pass.mood, FINE);
	want(ask(&client, "MAIL FROM:<news@leeds.example>"), "250 ");
	want(rcpt(&client, address, ""), "250 ");
	want(deliver(&client), "250 2.0.0 Ok: passed on");
	hang_up(&client);
}
END_TEST

START_TEST(no_next_hop_at_all)
{
	const char *address = waiting_address("ann@example.com", NULL, -600 * SECOND);
	struct client client;

	b.parts.pass_socket = below("nobody");
	start_gate();
	client = begin("news@leeds.example", "");
	want(rcpt(&client, address, ""), "250 ");
	want(deliver(&client), "451 4.4.1 re-injection listener: 0 ");
	hang_up(&client);
}
END_TEST

START_TEST(verp_senders_are_restored)
{
	const char *address = waiting_address("ann@example.com", NULL, -600 * SECOND);
	char *verp = tact_arena_printf(b.arena, "owner+%s@leeds.example", address);
	struct client client;

	*strchr(verp, '@') = '=';
	start_gate();
	client = begin(verp, "");
	want(rcpt(&client, address, ""), "250 ");
	want(deliver(&client), "250 ");
	hang_up(&client);
	ck_assert_ptr_nonnull(
	    strstr(settled(&pass)->said, "MAIL FROM:<owner+ann=example.com@leeds.example>|"));
}
END_TEST

START_TEST(large_bodies_pass_byte_for_byte)
{
	const char *address = waiting_address("ann@example.com", NULL, -600 * SECOND);
	size_t size = 0, lines = 60000;
	char *sent = tact_arena_alloc(b.arena, lines * 100), *kept = tact_arena_alloc(b.arena, lines * 100);
	size_t kept_size = 0;
	struct client client;

	for (size_t i = 0; i < lines; i++) {
		char line[100];
		int n = snprintf(line, sizeof line,
		    "%s%zu line of a message that does not fit into memory, and %c\r\n",
		    i % 3 == 0 ? "." : "", i, (char)(128 + i % 100));

		memcpy(kept + kept_size, line, (size_t)n);
		kept_size += (size_t)n;
		if (line[0] == '.')
			sent[size++] = '.';
		memcpy(sent + size, line, (size_t)n);
		size += (size_t)n;
	}
	start_gate();
	client = begin("news@leeds.example", "");
	want(rcpt(&client, address, ""), "250 ");
	want(ask(&client, "DATA"), "354 ");
	tell(&client, sent, size);
	want(ask(&client, "."), "250 ");
	hang_up(&client);
	ck_assert_uint_eq(settled(&pass)->body_size, kept_size);
	ck_assert(memcmp(settled(&pass)->body, kept, kept_size) == 0);
}
END_TEST

static bool is_held(const struct sink *sink)
{
	return sink->held > 0;
}

START_TEST(a_slow_next_hop_holds_nobody_else_up)
{
	const char *ann = waiting_address("ann@example.com", NULL, -600 * SECOND);
	const char *bob = waiting_address("bob@example.com", NULL, HOUR);
	struct client slow, other;

	start_gate();
	atomic_store(&pass.mood, HOLDS);
	slow = begin("news@leeds.example", "");
	want(rcpt(&slow, ann, ""), "250 ");
	want(ask(&slow, "DATA"), "354 ");
	tell(&slow, "x: y\r\n\r\n.\r\n", 11);
	wait_for_news(&pass, is_held);
	other = begin("news@leeds.example", "");
	want(rcpt(&other, bob, ""), "451 4.7.1");
	hang_up(&other);
	(void)pthread_mutex_lock(&pass.lock);
	atomic_store(&pass.mood, FINE);
	(void)pthread_cond_broadcast(&pass.news);
	(void)pthread_mutex_unlock(&pass.lock);
	want(hear(&slow), "250 2.0.0");
	hang_up(&slow);
}
END_TEST

START_TEST(the_dialog_has_an_order)
{
	struct client client;

	start_gate();
	client = dial();
	want(hear(&client), "220 ");
	want(ask(&client, "EHLO x"), "500 5.5.1");
	want(ask(&client, "MAIL FROM:<>"), "503 5.5.1 say LHLO");
	want(ask(&client, "RCPT TO:<a@b>"), "503 5.5.1");
	want(ask(&client, "DATA"), "503 5.5.1");
	want(ask(&client, "LHLO x"), "250 ");
	want(ask(&client, "MAIL FROM:<>"), "250 ");
	want(ask(&client, "MAIL FROM:<>"), "503 5.5.1 nested");
	want(ask(&client, "XFORWARD NAME=x"), "503 5.5.1");
	want(ask(&client, "RCPT TO:nobody"), "501 5.5.4");
	want(ask(&client, "VRFY x"), "502 5.5.1");
	want(ask(&client, "FOO"), "500 5.5.2");
	want(ask(&client, ""), "500 5.5.2");
	want(ask(&client, "RSET"), "250 ");
	want(ask(&client, "XFORWARD COLOUR=red"), "501 5.5.4");
	want(ask(&client, "QUIT"), "221 ");
	ck_assert_str_eq(hear(&client), "");
	hang_up(&client);
}
END_TEST

START_TEST(long_lines_are_refused_and_read)
{
	static const size_t lengths[] = {1000, 65000, 65536, 70000, 1048576};
	char *line = tact_arena_alloc(b.arena, lengths[_i] + 16);
	struct client client;

	memset(line, 'x', lengths[_i]);
	memcpy(line, "NOOP ", 5);
	start_gate();
	client = dial();
	want(hear(&client), "220 ");
	want(ask(&client, line), lengths[_i] > 65536 ? "500 5.5.2 line too long" : "250 ");
	want(ask(&client, "NOOP"), "250 ");
	hang_up(&client);
}
END_TEST

START_TEST(errors_have_an_end)
{
	struct client client;

	start_gate();
	client = dial();
	want(hear(&client), "220 ");
	for (int i = 0; i < 100; i++)
		want(ask(&client, "FOO"), "500 ");
	want(ask(&client, "FOO"), "421 4.7.0");
	ck_assert_str_eq(hear(&client), "");
	hang_up(&client);
}
END_TEST

START_TEST(recipients_have_an_end)
{
	struct client client;

	start_gate();
	client = begin("", "");
	for (int i = 0; i < 1000; i++)
		want(rcpt(&client, "x@y.example", ""), "451 ");
	want(rcpt(&client, "x@y.example", ""), "452 4.5.3");
	hang_up(&client);
}
END_TEST

START_TEST(pipelined_commands_are_answered_in_order)
{
	const char *address = waiting_address("ann@example.com", NULL, HOUR);
	struct client client;
	const char *lot = tact_arena_printf(
	    b.arena, "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\nRSET\r\nQUIT\r\n", address);

	start_gate();
	client = dial();
	tell(&client, lot, strlen(lot));
	want(hear(&client), "220 ");
	want(hear(&client), "250 ");
	want(hear(&client), "250 2.1.0");
	want(hear(&client), "451 4.7.1");
	want(hear(&client), "503 ");
	want(hear(&client), "250 ");
	want(hear(&client), "221 ");
	hang_up(&client);
}
END_TEST

static void use_failing_store(void)
{
	tact_decider_free(&b.decider);
	open_decider(b.fail);
}

/* 451 at RCPT, and as soon as it is sure that the store is gone, 421 for a greeting. */
START_TEST(a_dead_store_is_told_at_the_greeting)
{
	const char *address = waiting_address("ann@example.com", NULL, -600 * SECOND);
	int64_t until_ms = tact_clock_monotonic_ms() + 1000 * WAIT_S;
	struct client client;
	char heard[8] = "";

	use_failing_store();
	start_gate();
	client = begin("", "");
	want(rcpt(&client, address, ""), "451 4.3.0");
	while (strcmp(heard, "421") != 0 && tact_clock_monotonic_ms() < until_ms) {
		struct client other = dial();

		snprintf(heard, sizeof heard, "%.3s", hear(&other));
		hang_up(&other);
	}
	ck_assert_str_eq(heard, "421");
	want(rcpt(&client, address, ""), "451 4.3.0");
	hang_up(&client);
}
END_TEST

static bool is_rung(const struct sink *sink)
{
	return sink->rung[0] != '\0';
}

START_TEST(the_bell_rings_what_is_due)
{
	const char *due = waiting_address("ann@example.com", NULL, -600 * SECOND);

	(void)waiting_address("bob@example.com", NULL, HOUR);
	start_gate();
	wait_for_news(&pass, is_rung);
	ck_assert_str_eq(settled(&pass)->rung, tact_arena_printf(b.arena, "%s|", strchr(due, '@') + 1));
}
END_TEST

START_TEST(the_bell_rings_a_lapsed_claim_too)
{
	const char *due = waiting_address("ann@example.com", NULL, -5 * HOUR);

	start_gate();
	wait_for_news(&pass, is_rung);
	ck_assert_str_eq(settled(&pass)->rung, tact_arena_printf(b.arena, "%s|", strchr(due, '@') + 1));
}
END_TEST

START_TEST(the_socket_is_ours_alone)
{
	struct tact_gate *other = NULL;
	struct tact_error err = {""};
	struct stat st;

	start_gate();
	ck_assert_int_eq(stat(b.parts.gate_socket, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	ck_assert_int_eq(tact_gate_open(&b.parts, &other, &err), TACT_SYSTEM);
	ck_assert_ptr_nonnull(strstr(err.text, "another process listens"));
	stop_gate();
	ck_assert_int_ne(stat(b.parts.gate_socket, &st), 0);
}
END_TEST

START_TEST(a_stale_socket_is_replaced)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct client client;

	memcpy(address.sun_path, b.parts.gate_socket, strlen(b.parts.gate_socket) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	(void)close(fd);
	start_gate();
	client = dial();
	want(hear(&client), "220 ");
	hang_up(&client);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	struct tact_gate *gate = NULL;
	struct tact_error err = {""};
	FILE *file = fopen(b.parts.gate_socket, "w");

	ck_assert_ptr_nonnull(file);
	(void)fclose(file);
	ck_assert_int_eq(tact_gate_open(&b.parts, &gate, &err), TACT_SYSTEM);
	ck_assert_ptr_nonnull(strstr(err.text, "no socket"));
	b.parts.gate_socket = below("other");
	b.parts.socket_group = "no-such-group";
	ck_assert_int_eq(tact_gate_open(&b.parts, &gate, &err), TACT_SYSTEM);
	ck_assert_ptr_nonnull(strstr(err.text, "no-such-group"));
	b.parts.gate_socket = tact_arena_printf(b.arena, "/tmp/%0200d", 1);
	ck_assert_int_eq(tact_gate_open(&b.parts, &gate, &err), TACT_SYSTEM);
}
END_TEST

START_TEST(stopping_ends_idle_connections)
{
	struct client idle, waiting;

	start_gate();
	idle = dial();
	want(hear(&idle), "220 ");
	waiting = begin("", "");
	tact_gate_stop(b.gate);
	want(hear(&idle), "421 4.3.2");
	want(ask(&waiting, "RSET"), "250 ");
	want(hear(&waiting), "421 4.3.2");
	hang_up(&idle);
	hang_up(&waiting);
	stop_gate();
}
END_TEST

START_TEST(connections_have_an_end)
{
	struct client clients[200], other;

	start_gate();
	for (size_t i = 0; i < 200; i++) {
		clients[i] = dial();
		want(hear(&clients[i]), "220 ");
	}
	other = dial();
	want(hear(&other), "421 4.3.2 too many");
	hang_up(&other);
	for (size_t i = 0; i < 200; i++)
		hang_up(&clients[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate");
	TCase *tcase = tcase_create("gate");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, not_due_waits);
	tcase_add_test(tcase, due_passes_once);
	tcase_add_test(tcase, a_notify_of_the_clients_own_is_kept);
	tcase_add_test(tcase, unsubscribed_since_is_refused);
	tcase_add_test(tcase, each_recipient_has_its_own_answer);
	tcase_add_loop_test(tcase, a_failing_next_hop_costs_nothing, 0, sizeof failures / sizeof *failures);
	tcase_add_test(tcase, no_next_hop_at_all);
	tcase_add_test(tcase, verp_senders_are_restored);
	tcase_add_test(tcase, large_bodies_pass_byte_for_byte);
	tcase_add_test(tcase, a_slow_next_hop_holds_nobody_else_up);
	tcase_add_test(tcase, the_dialog_has_an_order);
	tcase_add_loop_test(tcase, long_lines_are_refused_and_read, 0, 5);
	tcase_add_test(tcase, errors_have_an_end);
	tcase_add_test(tcase, recipients_have_an_end);
	tcase_add_test(tcase, pipelined_commands_are_answered_in_order);
	tcase_add_test(tcase, a_dead_store_is_told_at_the_greeting);
	tcase_add_test(tcase, the_bell_rings_what_is_due);
	tcase_add_test(tcase, the_bell_rings_a_lapsed_claim_too);
	tcase_add_test(tcase, the_socket_is_ours_alone);
	tcase_add_test(tcase, a_stale_socket_is_replaced);
	tcase_add_test(tcase, what_is_no_socket_is_left_alone);
	tcase_add_test(tcase, stopping_ends_idle_connections);
	tcase_add_test(tcase, connections_have_an_end);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
