/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The pipeline over a real store (memory and lmdb) and a real evidence log: what is decided, what is written,
 * what is found again.
 */
#include <config.h>

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tact/config.h>
#include <tact/decide.h>

#define NOW INT64_C(1767603600000000) /* 2026-01-05T09:00:00Z, a Monday */
#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

static const char configuration[] =
    "listener smtp { socket = \"inet:8891@127.0.0.1\" }\n"
    "listener local { socket = \"inet:8892@127.0.0.1\" kind = non-smtp }\n"
    "owner head {}\nowner leeds {}\nowner sales {}\n"
    "slot_length = 60s\nmax_delay = 3d\n"
    "stream launch { owner = head purpose = promotional priority = 800 senders = {\"@head.example\"} }\n"
    "stream branch { owner = leeds purpose = promotional priority = 300 firm_after = 2 senders = "
    "{\"@leeds.example\"} }\n"
    "stream cards { owner = leeds purpose = occasion senders = {\"@cards.example\"} delay_by = tempfail }\n"
    "stream desk { owner = sales purpose = personal senders = {\"@sales.example\"} personal_max = 5 }\n"
    "stream till { owner = head purpose = transactional senders = {\"@till.example\"} }\n"
    "stream look { owner = head purpose = newsletter senders = {\"@look.example\"} }\n"
    "suppression unsubscribed { streams = {launch, branch, cards, desk, till, unmatched} action = reject }\n"
    "suppression askfirst { streams = {look} action = quarantine }\n"
    "limit thanked { at_most = 0/5d count = appreciation streams = {look} action = quarantine }\n"
    "limit weekly { at_most = 1/20h count = {promotional, occasion} action = delay }\n"
    "limit odd { at_most = 0/5d count = appreciation streams = {launch} action = quarantine }\n";

struct bench {
	char dir[64];
	struct tact_arena *arena;
	struct tact_config *config;
	struct tact_keyring *keyring;
	struct tact_store *store;
	struct tact_audit *audit;
	struct tact_identity identity;
	struct tact_ledger *ledger;
	struct tact_decider *decider;
};

static struct bench b;

static const char *below(const char *name)
{
	return tact_arena_printf(b.arena, "%s/%s", b.dir, name);
}

static void load_rules(const char *text)
{
	struct tact_config_mistakes mistakes = {.arena = b.arena};
	int result = tact_config_load("test.conf", text, &b.config, &mistakes);

	ck_assert_msg(
	    result == TACT_OK, "configuration: got %s", mistakes.count > 0 ? mistakes.texts[0] : "?");
}

static void open_with(const char *url, const char *text)
{
	struct tact_error err = {""};

	memset(&b, 0, sizeof b);
	snprintf(b.dir, sizeof b.dir, "/tmp/tact-decide-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(b.dir));
	b.arena = tact_arena_new();
	load_rules(text);
	ck_assert_int_eq(tact_facts_create_key_file(below("key"), false, &err), TACT_OK);
	ck_assert_int_eq(tact_facts_load_keyring(below("key"), &b.keyring, &err), TACT_OK);
	ck_assert_msg(tact_store_open(
			  url != NULL ? url : tact_arena_printf(b.arena, "lmdb:%s?map_size=64M", below("db")),
			  &b.store, &err) == TACT_OK,
	    "store: got %s", err.text);
	ck_assert_msg(tact_decide_open_identity(b.store, b.keyring, &b.config->profile, TACT_OPEN_CHANGE,
			  b.arena, &b.identity, &err) == TACT_OK,
	    "identity: got %s", err.text);
	ck_assert_msg(tact_audit_open(below("audit"), "relay", &b.audit, NULL, &err) == TACT_OK,
	    "audit: got %s", err.text);
	b.ledger = tact_ledger_new();
	b.decider = tact_decider_new(&(struct tact_decider_parts){.store = b.store,
	    .audit = b.audit,
	    .identity = &b.identity,
	    .host = "relay",
	    .ledger = b.ledger});
	tact_decider_set_rules(b.decider, &b.config->rules, NULL, NULL);
}

static void setup(void)
{
	open_with(NULL, configuration);
}

static void teardown(void)
{
	char command_free_dir[64];

	tact_decider_free(&b.decider);
	tact_audit_close(&b.audit);
	tact_store_close(&b.store);
	tact_facts_free_keyring(&b.keyring);
	tact_ledger_free(&b.ledger);
	tact_config_free(&b.config);
	tact_arena_free(&b.arena);
	snprintf(command_free_dir, sizeof command_free_dir, "%s", b.dir);
	const char *const files[] = {"key", "db/data.mdb", "db/lock.mdb", "db", "audit/relay/lock",
	    "audit/relay/entries/000000000000", "audit/relay/entries", "audit/relay", "audit", ""};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[160];
		snprintf(path, sizeof path, "%s/%s", command_free_dir, files[i]);
		(void)remove(path);
	}
}

/* ---- asking ---- */

static struct tact_message *message_of(const char *sender, const char *id)
{
	struct tact_envelope envelope = {
	    .listener = "smtp", .smtp = true, .client_ip = "192.0.2.1", .sender = sender};
	const char *text = tact_arena_printf(b.arena,
	    "From: Somebody <%s>\r\nTo: you\r\nSubject: news %s\r\nMessage-ID: <%s@x.example>\r\nDate: Mon, "
	    "5 Jan 2026 09:00:00 +0000\r\n\r\nhello\r\n",
	    sender[0] != '\0' ? sender : "mailer@head.example", id, id);
	struct tact_message *message;
	size_t body;
	struct tact_error err = {""};

	ck_assert_msg(tact_facts_read_message(b.arena, &envelope, text, strlen(text), &b.config->profile,
			  &message, &body, &err) == TACT_OK,
	    "message: got %s", err.text);
	return message;
}

static struct tact_ruling *decide_many(
    const char *sender, const char *id, int64_t now_us, const char *const *recipients, size_t count)
{
	struct tact_asked *asked = tact_arena_alloc(b.arena, count * sizeof *asked);
	struct tact_ruling *rulings = tact_arena_alloc(b.arena, count * sizeof *rulings);
	struct tact_error err = {""};

	for (size_t i = 0; i < count; i++)
		asked[i].given = recipients[i];
	tact_decide_message(b.decider, b.arena,
	    &(struct tact_decide_request){.message = message_of(sender, id),
		.asked = asked,
		.asked_count = count,
		.excerpt = "hello",
		.now_us = now_us},
	    rulings, &err);
	return rulings;
}

static struct tact_ruling decide_one(
    const char *sender, const char *id, int64_t now_us, const char *recipient)
{
	return decide_many(sender, id, now_us, &recipient, 1)[0];
}

static void expect_fate(const char *what, const struct tact_ruling *ruling, enum tact_fate want)
{
	ck_assert_msg(ruling->fate == want, "%s: got fate %d (%s %s), want %d", what, ruling->fate,
	    ruling->code, ruling->text, want);
}

static size_t count_contacts(const char *address)
{
	struct tact_recipient recipient;
	struct tact_dossier dossier;
	struct tact_id key;
	uint64_t version;

	ck_assert_int_eq(tact_facts_recipient(b.arena, &b.identity, address, &recipient, NULL), TACT_OK);
	ck_assert_int_eq(
	    tact_decide_view(b.decider, b.arena, &recipient, &dossier, &key, &version, NULL), TACT_OK);
	return dossier.contacts_count;
}

static void suppress_with(const char *address, enum tact_reason reason, int64_t now_us, int64_t until_us)
{
	struct tact_recipient recipient;
	struct tact_change change = {.kind = TACT_CHANGE_SUPPRESS,
	    .suppression = {.scope = {TACT_SCOPE_GLOBAL, ""},
		.reason = reason,
		.source = "test",
		.note = "",
		.time_us = now_us,
		.until_us = until_us,
		.ended_by = "",
		.ended_why = ""},
	    .by = "test",
	    .why = "test"};
	struct tact_changed changed;

	ck_assert_int_eq(tact_facts_recipient(b.arena, &b.identity, address, &recipient, NULL), TACT_OK);
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &recipient, &change, 1, now_us, 0, &changed, NULL),
	    TACT_OK);
}

static struct tact_waiting look(const struct tact_id *claim, const char *given, int64_t now_us)
{
	struct tact_waiting waiting = {.claim = *claim, .given = given};

	tact_decide_look(b.decider, b.arena, &waiting, now_us, 0, NULL);
	return waiting;
}

static void take(struct tact_waiting *waiting, const char *sender, const char *id, int64_t now_us)
{
	struct tact_error err = {""};

	tact_decide_take(
	    b.decider, b.arena, message_of(sender, id), NULL, "hello", waiting, 1, now_us, 0, &err);
}

static void suppress(const char *address, enum tact_reason reason, int64_t now_us)
{
	suppress_with(address, reason, now_us, 0);
}

static void suppress_until(const char *address, int64_t until_us)
{
	suppress_with(address, TACT_PAUSE, NOW, until_us);
}

struct counted {
	size_t entries, decisions;
	const char *needle;
	size_t hits;
};
static bool count_entry(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	struct counted *counted = context;

	(void)host;
	(void)seq;
	(void)length;
	counted->entries++;
	counted->decisions += strstr(json, "\"kind\":\"decision\"") != NULL;
	counted->hits += counted->needle != NULL && strstr(json, counted->needle) != NULL;
	return true;
}
static struct counted evidence(const char *needle)
{
	struct counted counted = {.needle = needle};

	ck_assert_int_eq(tact_audit_scan(below("audit"), NULL, count_entry, &counted, NULL), TACT_OK);
	return counted;
}

/* ---- at the milter ---- */

START_TEST(accept_counts_and_leaves_evidence)
{
	struct tact_ruling ruling = decide_one("news@head.example", "a", NOW, "ann@example.com");

	expect_fate("first mail", &ruling, TACT_FATE_PASS);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 1);
	ck_assert_uint_eq(evidence(NULL).decisions, 1);
	ck_assert_uint_eq(evidence("ann@").hits, 0);
}
END_TEST

START_TEST(retry_is_counted_once)
{
	struct tact_ruling ruling;

	(void)decide_one("news@head.example", "a", NOW, "ann@example.com");
	ruling = decide_one("news@head.example", "a", NOW + 59 * 60 * SECOND, "Ann@Example.com");
	expect_fate("retry within the hour", &ruling, TACT_FATE_PASS);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 1);
	ruling = decide_one("news@head.example", "a", NOW + 2 * HOUR, "ann@example.com");
	expect_fate("same Message-ID two hours after our 250", &ruling, TACT_FATE_GATE);
}
END_TEST

/* What passed earlier under the same Message-ID counts against the later one, also at the gate. */
START_TEST(constant_message_id_evades_nothing)
{
	struct tact_ruling ruling;
	struct tact_waiting waiting;

	(void)decide_one("news@head.example", "a", NOW, "ann@example.com");
	ruling = decide_one("news@head.example", "a", NOW + 2 * HOUR, "ann@example.com");
	expect_fate("the same again", &ruling, TACT_FATE_GATE);
	ck_assert_int_ge(ruling.opinion.until_us, NOW + 20 * HOUR);
	waiting = look(&ruling.claim, "ann@example.com", NOW + 3 * HOUR);
	ck_assert_int_eq(waiting.look, TACT_LOOK_WAIT);
	ck_assert_int_ge(waiting.until_us, NOW + 20 * HOUR);
	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW + 4 * HOUR);
	waiting = look(&ruling.claim, "ann@example.com", ruling.opinion.until_us);
	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	take(&waiting, "news@head.example", "a", ruling.opinion.until_us);
	ck_assert_int_eq(waiting.fate, TACT_FATE_REFUSE);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 1);
}
END_TEST

START_TEST(suppressed_is_refused_unless_transactional)
{
	struct tact_ruling ruling;

	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW);
	ruling = decide_one("news@head.example", "a", NOW, "ANN@example.com");
	expect_fate("promotional", &ruling, TACT_FATE_REFUSE);
	ck_assert_str_eq(ruling.code, "5.7.1");
	ruling = decide_one("receipt@till.example", "b", NOW, "ann@example.com");
	expect_fate("transactional", &ruling, TACT_FATE_PASS);
	suppress("ann@example.com", TACT_ERASURE, NOW);
	ruling = decide_one("receipt@till.example", "c", NOW, "ann@example.com");
	expect_fate("transactional after erasure", &ruling, TACT_FATE_REFUSE);
}
END_TEST

START_TEST(refused_at_rcpt_only_by_suppression)
{
	struct tact_asked asked = {.given = "ann@example.com"};
	struct tact_envelope envelope = {
	    .listener = "smtp", .smtp = true, .client_ip = "192.0.2.1", .sender = "x@leeds.example"};
	struct tact_decide_request request = {.message = tact_facts_new_message(b.arena, &envelope),
	    .asked = &asked,
	    .asked_count = 1,
	    .now_us = NOW};
	struct tact_ruling ruling;

	(void)decide_one("news@head.example", "a", NOW, "ann@example.com");
	tact_decide_rcpt(b.decider, b.arena, &request, &ruling, NULL);
	expect_fate("over the limit", &ruling, TACT_FATE_PASS);
	suppress("ann@example.com", TACT_COMPLAINT, NOW);
	tact_decide_rcpt(b.decider, b.arena, &request, &ruling, NULL);
	expect_fate("suppressed", &ruling, TACT_FATE_REFUSE);
	ck_assert_uint_eq(evidence("\"phase\":\"rcpt\"").hits, 1);
}
END_TEST

START_TEST(mixed_gives_the_refused_a_claim)
{
	const char *const recipients[] = {
	    "ann@example.com", "bob@example.com", "bad@@example", "<Bob@example.com>"};
	struct tact_ruling *rulings;

	suppress("bob@example.com", TACT_UNSUBSCRIBE, NOW);
	rulings = decide_many("news@head.example", "a", NOW, recipients, 4);
	expect_fate("ann", &rulings[0], TACT_FATE_PASS);
	expect_fate("bob", &rulings[1], TACT_FATE_REFUSE);
	expect_fate("no address", &rulings[2], TACT_FATE_REFUSE);
	ck_assert_str_eq(rulings[2].code, "5.1.3");
	ck_assert_str_ne(rulings[2].ring, "");
	ck_assert_uint_eq(rulings[3].first, 1);
	ck_assert_int_eq(tact_decide_sum(rulings, 4), TACT_SUM_EDIT);
	struct tact_waiting waiting = look(&rulings[1].claim, "bob@example.com", NOW);
	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	take(&waiting, "news@head.example", "a", NOW);
	ck_assert_int_eq(waiting.fate, TACT_FATE_REFUSE);
	ck_assert_int_eq(
	    tact_decide_passed(b.decider, b.arena, &waiting, 1, "Q1", NULL, NOW, 0, NULL), TACT_OK);
	ck_assert_int_eq(look(&rulings[1].claim, "bob@example.com", NOW).look, TACT_LOOK_DROP);
}
END_TEST

/* It would be somebody else, of whose wishes nothing is known. */
START_TEST(an_address_that_only_looks_like_one_is_refused)
{
	const char *const recipients[] = {"bob@example.com", "b\xe2\x80\x8bob@example.com"};
	struct tact_ruling *rulings;

	suppress("bob@example.com", TACT_UNSUBSCRIBE, NOW);
	rulings = decide_many("news@head.example", "a", NOW, recipients, 2);
	expect_fate("bob", &rulings[0], TACT_FATE_REFUSE);
	expect_fate("b\\u200bob", &rulings[1], TACT_FATE_REFUSE);
	ck_assert_str_eq(rulings[1].code, "5.1.3");
	ck_assert_msg(
	    strstr(rulings[1].text, "U+200B") != NULL, "got \"%s\", want the code point", rulings[1].text);
}
END_TEST

START_TEST(null_sender)
{
	struct tact_ruling ruling = decide_one("", "a", NOW, "ann@example.com");

	expect_fate("first", &ruling, TACT_FATE_PASS);
	ruling = decide_one("", "b", NOW + SECOND, "ann@example.com");
	expect_fate("over the limit it is refused, never delayed", &ruling, TACT_FATE_REFUSE);
}
END_TEST

START_TEST(the_same_mail_again_is_no_more_mail)
{
	struct tact_ruling ruling;

	for (int i = 1; i <= 5; i++)
		for (int again = 0; again < 4; again++) {
			ruling = decide_one("sam@sales.example", "same", NOW + again * 60 * SECOND,
			    tact_arena_printf(b.arena, "p%d@example.com", i));
			ck_assert_msg(!ruling.match.bulk, "offer %d of recipient %d is bulk", again, i);
		}
	ruling = decide_one("sam@sales.example", "same", NOW + DAY, "p6@example.com");
	ck_assert_msg(!ruling.match.bulk, "another day");
}
END_TEST

START_TEST(personal_to_many_is_bulk)
{
	struct tact_ruling ruling;

	for (int i = 0; i < 5; i++) {
		ruling = decide_one(
		    "sam@sales.example", "same", NOW, tact_arena_printf(b.arena, "p%d@example.com", i));
		ck_assert_str_eq(ruling.facts.stream, "desk");
	}
	ruling = decide_one("sam@sales.example", "same", NOW, "p6@example.com");
	ck_assert_msg(ruling.match.bulk && ruling.match.strictest, "got stream %s", ruling.facts.stream);
}
END_TEST

START_TEST(personal_to_many_by_return_paths_of_their_own_is_bulk)
{
	struct tact_asked asked = {0};
	struct tact_ruling ruling;

	for (int i = 0; i < 6; i++) {
		struct tact_message *message = message_of("sam@sales.example", "same");

		message->envelope.sender = tact_arena_printf(b.arena, "bounce-%d@sales.example", i);
		asked.given = tact_arena_printf(b.arena, "p%d@example.com", i);
		tact_decide_message(b.decider, b.arena,
		    &(struct tact_decide_request){
			.message = message, .asked = &asked, .asked_count = 1, .now_us = NOW},
		    &ruling, NULL);
		ck_assert_msg(
		    ruling.match.bulk == (i == 5), "mail %d: got stream %s", i, ruling.facts.stream);
	}
}
END_TEST

START_TEST(monitor_records_and_passes)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_ruling ruling;

	teardown();
	open_with(NULL, tact_arena_printf(arena, "mode = monitor\n%s", configuration));
	tact_arena_free(&arena);
	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW);
	ruling = decide_one("news@head.example", "a", NOW, "ann@example.com");
	expect_fate("monitored", &ruling, TACT_FATE_PASS);
	ck_assert_int_eq(ruling.opinion.verdict, TACT_REJECT);
	ck_assert_uint_eq(evidence("\"verdict\":\"reject\"").hits, 1);
}
END_TEST

/* Of a mail that is asked about, its own contact is left out, and no other that only looks the same, earlier
 * or later. */
START_TEST(only_its_own_contact_is_left_out)
{
	const struct tact_id id = {{7}};
	const int64_t others_us[] = {NOW + HOUR, NOW - HOUR};
	struct tact_facts facts;
	struct tact_dossier dossier;
	struct tact_opinion opinion;

	tact_facts_of_stream(tact_facts_find_stream(&b.config->rules.streams, "branch"), "", "", "", &facts);
	for (size_t i = 0; i < 3; i++) {
		struct tact_question question = {.rules = &b.config->rules,
		    .facts = &facts,
		    .dossier = &dossier,
		    .now_us = NOW + 2 * HOUR,
		    .made_us = NOW + 2 * HOUR,
		    .not_after_us = NOW + 3 * DAY,
		    .contact = id,
		    .contact_from_us = NOW};
		struct tact_contact contact = {.id = id,
		    .time_us = NOW,
		    .channel = TACT_EMAIL,
		    .purpose = TACT_PROMOTIONAL,
		    .stream = "branch",
		    .owner = "leeds",
		    .brand = "",
		    .campaign = "",
		    .offer = "",
		    .list = "",
		    .counts = true};

		tact_dossier_init(&dossier);
		tact_dossier_add_contact(b.arena, &dossier, &contact);
		contact.time_us = i > 0 ? others_us[i - 1] : 0;
		if (i > 0)
			tact_dossier_add_contact(b.arena, &dossier, &contact);
		tact_policy_ask(b.arena, &question, &opinion);
		ck_assert_msg(opinion.verdict == (i == 0 ? TACT_ACCEPT : TACT_DELAY), "case %zu: got %s", i,
		    tact_policy_verdict_name(opinion.verdict));
	}
}
END_TEST

static void count_release(void *owner)
{
	++*(int *)owner;
}

/* Two deciders of one process may decide under the same rules: each gives back its own hold. */
START_TEST(rules_are_held_for_each_decider)
{
	static int released[2]; /* the bench's own decider outlives the test */
	struct tact_decider *other = tact_decider_new(&(struct tact_decider_parts){
	    .store = b.store, .audit = b.audit, .identity = &b.identity, .host = "other"});
	const struct tact_rule_set *rules;

	released[0] = released[1] = 0;
	tact_decider_set_rules(b.decider, &b.config->rules, count_release, &released[0]);
	tact_decider_set_rules(other, &b.config->rules, count_release, &released[1]);
	for (int i = 0; i < 3; i++) {
		rules = tact_decider_take_rules(b.decider);
		ck_assert_ptr_eq(rules, &b.config->rules);
		tact_decider_put_rules(b.decider, rules);
	}
	ck_assert_msg(
	    released[0] == 0 && released[1] == 0, "got %d and %d releases", released[0], released[1]);
	tact_decider_free(&other);
	ck_assert_msg(
	    released[0] == 0 && released[1] == 1, "got %d and %d releases", released[0], released[1]);
}
END_TEST

/* ---- waiting ---- */

static struct tact_ruling delay_ann(void)
{
	struct tact_ruling ruling;

	(void)decide_one("news@head.example", "a", NOW, "ann@example.com");
	ruling = decide_one("news@leeds.example", "b", NOW + HOUR, "ann@example.com");
	expect_fate("second mail", &ruling, TACT_FATE_GATE);
	ck_assert_int_eq(ruling.opinion.until_us, NOW + 20 * HOUR);
	return ruling;
}

/* What waits when the whole is told to monitor is let go at the next attempt, before its place. */
START_TEST(monitor_lets_go_what_waits)
{
	struct tact_ruling ruling = delay_ann();
	struct tact_config *enforcing = b.config;
	struct tact_waiting waiting;

	load_rules(tact_arena_printf(b.arena, "mode = monitor\n%s", configuration));
	tact_decider_set_rules(b.decider, &b.config->rules, NULL, NULL);
	tact_config_free(&enforcing);
	waiting = look(&ruling.claim, "ann@example.com", NOW + 2 * HOUR);
	ck_assert_msg(waiting.look == TACT_LOOK_TAKE, "got %d %s", (int)waiting.look, waiting.text);
	take(&waiting, "news@leeds.example", "b", NOW + 2 * HOUR);
	ck_assert_int_eq(waiting.fate, TACT_FATE_PASS);
}
END_TEST

START_TEST(delayed_passes_when_due)
{
	struct tact_ruling ruling = delay_ann();
	struct tact_waiting waiting = look(&ruling.claim, "ann@example.com", NOW + 20 * HOUR - 1);

	ck_assert_int_eq(waiting.look, TACT_LOOK_WAIT);
	ck_assert_msg(
	    strstr(waiting.text, "next place 2026-01-06 05:00 UTC") != NULL, "got %s", waiting.text);
	ck_assert_msg(strstr(strstr(waiting.text, "next place") + 1, "next place") == NULL,
	    "want one place, got %s", waiting.text);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "branch"), 1);
	waiting = look(&ruling.claim, "ann@example.com", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	ck_assert(waiting.notify_added);
	take(&waiting, "news@leeds.example", "b", NOW + 20 * HOUR);
	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "got %d %s", waiting.fate, waiting.text);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "branch"), 0);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 2);
	ck_assert_int_eq(tact_decide_passed(
			     b.decider, b.arena, &waiting, 1, "Q1", "Q2", NOW + 20 * HOUR + SECOND, 0, NULL),
	    TACT_OK);
	ck_assert_int_eq(
	    look(&ruling.claim, "ann@example.com", NOW + 20 * HOUR + SECOND).look, TACT_LOOK_DROP);
	ck_assert_uint_eq(evidence("\"reinjected_id\":\"Q2\"").hits, 1);
}
END_TEST

START_TEST(retry_of_a_delayed_mail_takes_the_same_claim)
{
	struct tact_ruling first = delay_ann(), again = decide_one("news@leeds.example", "b",
						    NOW + HOUR + 60 * SECOND, "ann@example.com");

	expect_fate("again", &again, TACT_FATE_GATE);
	ck_assert(tact_id_equal(&first.claim, &again.claim));
	ck_assert_str_eq(first.ring, again.ring);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "branch"), 1);
}
END_TEST

/* A sender whose mails all look the same: each has a claim and a contact of its own. */
START_TEST(mails_that_look_the_same_wait_one_after_the_other)
{
	struct tact_ruling first = delay_ann(),
			   second = decide_one("news@leeds.example", "b", NOW + 3 * HOUR, "ann@example.com");
	struct tact_waiting waiting;

	expect_fate("the same two hours later", &second, TACT_FATE_GATE);
	ck_assert(!tact_id_equal(&first.claim, &second.claim));
	waiting = look(&first.claim, "ann@example.com", NOW + 20 * HOUR);
	take(&waiting, "news@leeds.example", "b", NOW + 20 * HOUR);
	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "got %d %s", waiting.fate, waiting.text);
	waiting = look(&second.claim, "ann@example.com", NOW + 20 * HOUR + SECOND);
	ck_assert_int_eq(waiting.look, TACT_LOOK_WAIT);
	ck_assert_int_eq(waiting.until_us, NOW + 40 * HOUR);
	waiting = look(&second.claim, "ann@example.com", NOW + 40 * HOUR);
	take(&waiting, "news@leeds.example", "b", NOW + 40 * HOUR);
	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "got %d %s", waiting.fate, waiting.text);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 3);
}
END_TEST

/* The client was told 451 and comes again when the refusal is over and so would be the longest delay. */
START_TEST(what_was_refused_did_not_wait)
{
	const char *both[] = {"ann@example.com", "bob@example.com"};
	struct tact_ruling *rulings;

	suppress_until("ann@example.com", NOW + DAY);
	rulings = decide_many("news@head.example", "m", NOW, both, 2);
	expect_fate("paused", &rulings[0], TACT_FATE_REFUSE);
	tact_decide_reopen(b.decider, b.arena, rulings, 2, NOW, 0);
	rulings = decide_many("news@head.example", "m", NOW + 4 * DAY, both, 2);
	expect_fate("no longer paused", &rulings[0], TACT_FATE_PASS);
	expect_fate("the other one", &rulings[1], TACT_FATE_PASS);
}
END_TEST

/* It was told 250 and may have been delivered; then nobody heard that its retry is held back. */
START_TEST(what_passed_once_is_remembered_through_a_held_retry)
{
	const char *both[] = {"ann@example.com", "bob@example.com"};
	struct tact_ruling *rulings = decide_many("news@head.example", "m", NOW, both, 2);

	expect_fate("at first", &rulings[0], TACT_FATE_PASS);
	suppress("ann@example.com", TACT_COMPLAINT, NOW);
	for (int64_t minute = 10; minute <= 30; minute += 10) {
		int64_t now_us = NOW + minute * 60 * SECOND;

		rulings = decide_many("news@head.example", "m", now_us, both, 2);
		expect_fate("retried", &rulings[0], TACT_FATE_REFUSE);
		tact_decide_reopen(b.decider, b.arena, rulings, 2, now_us, 0);
		ck_assert_uint_eq(count_contacts("ann@example.com"), 1);
	}
}
END_TEST

START_TEST(higher_claim_bumps)
{
	struct tact_ruling low = delay_ann(),
			   high = decide_one("news@head.example", "c", NOW + 2 * HOUR, "ann@example.com");

	expect_fate("higher priority", &high, TACT_FATE_GATE);
	ck_assert_int_eq(high.opinion.until_us, NOW + 20 * HOUR);
	struct tact_waiting waiting = look(&low.claim, "ann@example.com", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.look, TACT_LOOK_WAIT);
	ck_assert_int_eq(waiting.until_us, NOW + 40 * HOUR);
	ck_assert_int_eq(look(&high.claim, "ann@example.com", NOW + 20 * HOUR).look, TACT_LOOK_TAKE);
}
END_TEST

static struct tact_dossier read_dossier(const char *address)
{
	struct tact_recipient recipient;
	struct tact_dossier dossier;
	struct tact_id key;
	uint64_t version;

	ck_assert_int_eq(tact_facts_recipient(b.arena, &b.identity, address, &recipient, NULL), TACT_OK);
	ck_assert_int_eq(
	    tact_decide_view(b.decider, b.arena, &recipient, &dossier, &key, &version, NULL), TACT_OK);
	return dossier;
}

static const struct tact_claim *claim_of(const char *address, const struct tact_id *id)
{
	struct tact_dossier *dossier = tact_arena_alloc(b.arena, sizeof *dossier);

	*dossier = read_dossier(address);
	return tact_dossier_find_claim(dossier, id);
}

static int64_t place_of(const char *address, const struct tact_id *id)
{
	struct tact_dossier dossier = read_dossier(address);
	int64_t *places = tact_arena_alloc(b.arena, (dossier.claims_count + 1) * sizeof *places);

	tact_policy_places(b.arena, &b.config->rules, NULL, &dossier, NOW + 3 * HOUR, places);
	for (size_t i = 0; i < dossier.claims_count; i++)
		if (tact_id_equal(&dossier.claims[i].id, id))
			return places[i];
	return 0;
}

static void expect_bumps(const struct tact_id *id, int bumps, bool firm, int64_t place_us)
{
	const struct tact_claim *claim = claim_of("ann@example.com", id);

	ck_assert_ptr_nonnull(claim);
	ck_assert_int_eq(claim->bumps, bumps);
	ck_assert_int_eq(claim->firm, firm);
	ck_assert_int_eq(place_of("ann@example.com", id), place_us);
}

/* firm_after = 2: two launches go before it, and then none, though there is no end of them. */
START_TEST(a_claim_that_was_moved_twice_is_firm)
{
	struct tact_ruling low = delay_ann(), high;

	expect_bumps(&low.claim, 0, false, NOW + 20 * HOUR);
	(void)decide_one("news@head.example", "c", NOW + 2 * HOUR, "ann@example.com");
	expect_bumps(&low.claim, 1, false, NOW + 40 * HOUR);
	(void)decide_one("news@head.example", "d", NOW + 2 * HOUR + 1, "ann@example.com");
	expect_bumps(&low.claim, 2, true, NOW + 60 * HOUR);
	for (int i = 0; i < 5; i++) {
		high = decide_one("news@head.example", tact_arena_printf(b.arena, "e%d", i),
		    NOW + 2 * HOUR + 2 + i, "ann@example.com");
		ck_assert(high.fate != TACT_FATE_PASS);
		ck_assert_int_ne(high.opinion.until_us, NOW + 60 * HOUR);
		expect_bumps(&low.claim, 2, true, NOW + 60 * HOUR);
	}
	ck_assert_int_eq(look(&low.claim, "ann@example.com", NOW + 60 * HOUR).look, TACT_LOOK_TAKE);
}
END_TEST

START_TEST(what_is_no_higher_bumps_nobody)
{
	struct tact_ruling low = delay_ann();

	(void)decide_one("news@leeds.example", "c", NOW + 2 * HOUR, "ann@example.com");
	expect_bumps(&low.claim, 0, false, NOW + 20 * HOUR);
	/* A retry of the higher one is no second bump. */
	(void)decide_one("news@head.example", "d", NOW + 2 * HOUR + 1, "ann@example.com");
	(void)decide_one("news@head.example", "d", NOW + 2 * HOUR + 2, "ann@example.com");
	expect_bumps(&low.claim, 1, false, NOW + 40 * HOUR);
}
END_TEST

START_TEST(unsubscribed_while_waiting_is_refused)
{
	struct tact_ruling ruling = delay_ann();

	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW + 3 * HOUR);
	struct tact_waiting waiting = look(&ruling.claim, "ann@example.com", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	take(&waiting, "news@leeds.example", "b", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.fate, TACT_FATE_REFUSE);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 1);
}
END_TEST

START_TEST(unknown_claims_are_unknown)
{
	struct tact_ruling ruling = delay_ann();
	struct tact_id other = tact_id_random();

	ck_assert_int_eq(look(&other, "ann@example.com", NOW).look, TACT_LOOK_UNKNOWN);
	ck_assert_int_eq(look(&ruling.claim, "bob@example.com", NOW).look, TACT_LOOK_UNKNOWN);
	ck_assert_int_eq(look(&ruling.claim, "no address", NOW).look, TACT_LOOK_UNKNOWN);
}
END_TEST

static int due(int64_t until_us, int64_t now_us, struct tact_bell_claim **ret, size_t *ret_count)
{
	int64_t next_us;

	return tact_decide_due_page(
	    b.decider, b.arena, 0, until_us, 100, now_us, ret, ret_count, &next_us, NULL);
}

START_TEST(the_bell_finds_what_is_due)
{
	struct tact_ruling ruling = delay_ann();
	struct tact_bell_claim *claims;
	size_t count;

	ck_assert_int_eq(due(NOW + 20 * HOUR - 1, NOW + 19 * HOUR, &claims, &count), TACT_OK);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(due(NOW + 20 * HOUR, NOW + 20 * HOUR, &claims, &count), TACT_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert(tact_id_equal(&claims[0].claim, &ruling.claim));
	ck_assert_str_eq(claims[0].ring, ruling.ring);
	ck_assert(!claims[0].lapsed);
	ck_assert_int_eq(due(NOW + 22 * HOUR, NOW + 22 * HOUR, &claims, &count), TACT_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert(claims[0].lapsed);
	ck_assert_int_eq(
	    tact_decide_refresh(b.decider, b.arena, &claims[0].key, NULL, 0, NOW + 22 * HOUR, 0, NULL),
	    TACT_OK);
	ck_assert_int_eq(due(NOW + 22 * HOUR, NOW + 22 * HOUR, &claims, &count), TACT_OK);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(look(&ruling.claim, "ann@example.com", NOW + 22 * HOUR).look, TACT_LOOK_TAKE);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "branch"), 0);
}
END_TEST

static struct tact_recipient person_of(const char *address)
{
	struct tact_recipient ret;
	struct tact_error err = {""};
	int result = tact_facts_is_phone(address)
			 ? tact_facts_recipient_of_phone(b.arena, &b.identity, address, &ret, &err)
			 : tact_facts_recipient(b.arena, &b.identity, address, &ret, &err);

	ck_assert_msg(result == TACT_OK, "%s: got %s", address, err.text);
	return ret;
}

static void decide_as(struct tact_decider **decider, const char *host)
{
	*decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = b.store, .audit = b.audit, .identity = &b.identity, .host = host, .ledger = b.ledger});
	tact_decider_set_rules(
	    *decider, tact_arena_copy(b.arena, &b.config->rules, sizeof b.config->rules), NULL, NULL);
}

static uint64_t version_of(const char *address)
{
	struct tact_recipient person = person_of(address);
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = person.key};
	struct tact_record record;
	struct tact_store_answer answer;

	ck_assert_int_eq(tact_store_read(b.store, &key, 1, b.arena, &record, &answer, 0), TACT_OK);
	return record.version;
}

/* Another relay's claim, due and taken, whose next hop never answered, keeps the record awake: that is no
 * reason for this one's bell to write it every second. */
START_TEST(a_record_that_wakes_for_another_relay_is_left_as_it_is)
{
	struct tact_ruling ours, theirs;
	struct tact_bell_claim *claims;
	struct tact_waiting waiting;
	size_t count;
	uint64_t version;
	struct tact_decider *here = b.decider, *other;

	decide_as(&other, "other");
	b.decider = other;
	theirs = delay_ann();
	b.decider = here;
	ours = decide_one("news@leeds.example", "c", NOW + 2 * HOUR, "ann@example.com");
	expect_fate("ours", &ours, TACT_FATE_GATE);
	b.decider = other;
	waiting = look(&theirs.claim, "ann@example.com", NOW + 20 * HOUR);
	take(&waiting, "news@leeds.example", "b", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.fate, TACT_FATE_PASS);
	b.decider = here;
	version = version_of("ann@example.com");
	for (int i = 1; i < 4; i++) {
		int64_t now_us = NOW + 20 * HOUR + i * SECOND;

		ck_assert_int_eq(due(now_us, now_us, &claims, &count), TACT_OK);
		ck_assert_uint_eq(count, 1);
		ck_assert(tact_id_equal(&claims[0].claim, &ours.claim));
		ck_assert_int_gt(claims[0].place_us, now_us);
		ck_assert(claims[0].shared);
		ck_assert_int_eq(
		    tact_decide_refresh(b.decider, b.arena, &claims[0].key, NULL, 0, now_us, 0, NULL),
		    TACT_OK);
	}
	ck_assert_uint_eq(version_of("ann@example.com"), version);
	b.decider = other;
	ck_assert_int_eq(
	    due(NOW + 20 * HOUR + 9 * SECOND, NOW + 20 * HOUR + 9 * SECOND, &claims, &count), TACT_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert(tact_id_equal(&claims[0].claim, &theirs.claim));
	ck_assert(!claims[0].shared);
	b.decider = here;
	tact_decider_free(&other);
}
END_TEST

/* Its own bell rings for it as long as Postfix may have it. */
START_TEST(what_lapsed_at_another_relay_is_its_own_matter)
{
	struct tact_bell_claim *claims;
	struct tact_ruling theirs;
	size_t count;
	struct tact_decider *here = b.decider, *other;

	decide_as(&other, "other");
	b.decider = other;
	theirs = delay_ann();
	ck_assert_int_eq(due(NOW + 22 * HOUR, NOW + 22 * HOUR, &claims, &count), TACT_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(
	    tact_decide_refresh(here, b.arena, &claims[0].key, NULL, 0, NOW + 22 * HOUR, 0, NULL), TACT_OK);
	ck_assert_int_eq(claim_of("ann@example.com", &theirs.claim)->state, TACT_CLAIM_WAITING);
	ck_assert_int_eq(
	    tact_decide_refresh(other, b.arena, &claims[0].key, NULL, 0, NOW + 22 * HOUR, 0, NULL), TACT_OK);
	ck_assert_int_eq(claim_of("ann@example.com", &theirs.claim)->state, TACT_CLAIM_WITHDRAWN);
	b.decider = here;
	tact_decider_free(&other);
}
END_TEST

START_TEST(recount_after_restart)
{
	struct tact_store_layout layout;
	int64_t at_us = 0;

	(void)delay_ann();
	tact_decide_forget_counts(b.decider);
	ck_assert_int_eq(tact_decide_layout(b.decider, &layout, NULL), TACT_OK);
	ck_assert_int_eq(tact_decide_recount(b.decider, &layout, 0, &at_us, NOW + 2 * HOUR, NULL), TACT_OK);
	ck_assert_int_eq(at_us, INT64_MAX);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "branch"), 1);
}
END_TEST

/* What is passing waits no longer: were it counted, nothing would ever take it off again. */
START_TEST(recount_while_the_next_hop_is_down)
{
	struct tact_ruling ruling = delay_ann();
	struct tact_store_layout layout;
	struct tact_waiting waiting;
	int64_t at_us = 0;

	waiting = look(&ruling.claim, "ann@example.com", NOW + 20 * HOUR);
	take(&waiting, "news@leeds.example", "b", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.fate, TACT_FATE_PASS);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "branch"), 0);
	tact_decide_forget_counts(b.decider);
	ck_assert_int_eq(tact_decide_layout(b.decider, &layout, NULL), TACT_OK);
	ck_assert_int_eq(tact_decide_recount(b.decider, &layout, 0, &at_us, NOW + 21 * HOUR, NULL), TACT_OK);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "branch"), 0);
}
END_TEST

/* What waits at the client is not in the queue, and is not counted as if it were. */
START_TEST(tempfail_leaves_no_count_behind)
{
	const char *const both[] = {"ann@example.com", "bob@example.com"};
	struct tact_ruling *rulings;

	(void)decide_many("news@head.example", "a", NOW, both, 2);
	rulings = decide_many("card@cards.example", "b", NOW + HOUR, both, 2);
	ck_assert_int_eq(tact_decide_sum(rulings, 2), TACT_SUM_TEMPFAIL);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "cards"), 0);
	rulings = decide_many("card@cards.example", "b", NOW + 2 * HOUR, both, 2);
	ck_assert_int_eq(tact_decide_sum(rulings, 2), TACT_SUM_TEMPFAIL);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "cards"), 0);
	rulings = decide_many("card@cards.example", "b", NOW + 20 * HOUR, both, 2);
	ck_assert_int_eq(tact_decide_sum(rulings, 2), TACT_SUM_CONTINUE);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "cards"), 0);
}
END_TEST

START_TEST(tempfail_stream_queues_nothing)
{
	struct tact_ruling ruling;

	(void)decide_one("news@head.example", "a", NOW, "ann@example.com");
	ruling = decide_one("card@cards.example", "b", NOW + HOUR, "ann@example.com");
	expect_fate("tempfail", &ruling, TACT_FATE_GATE);
	ck_assert_int_eq(tact_decide_sum(&ruling, 1), TACT_SUM_TEMPFAIL);
	ck_assert_str_eq(ruling.ring, "");
	struct tact_ruling again = decide_one("card@cards.example", "b", NOW + 20 * HOUR, "ann@example.com");
	expect_fate("retry at its place", &again, TACT_FATE_PASS);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 2);
}
END_TEST

/* Then Postfix takes the message, and whoever is to wait does so in its queue. */
START_TEST(tempfail_beside_what_is_no_address_waits_on_a_ring)
{
	const char *const both[] = {"ann@example.com", "bad@@example"};
	struct tact_ruling *rulings;

	(void)decide_one("news@head.example", "a", NOW, "ann@example.com");
	rulings = decide_many("card@cards.example", "b", NOW + HOUR, both, 2);
	expect_fate("ann", &rulings[0], TACT_FATE_GATE);
	expect_fate("no address", &rulings[1], TACT_FATE_REFUSE);
	ck_assert_int_eq(tact_decide_sum(rulings, 2), TACT_SUM_EDIT);
	ck_assert_msg(rulings[0].ring[0] == 's', "got ring \"%s\", want a slot's", rulings[0].ring);
	ck_assert_int_eq(tact_ledger_waiting(b.ledger, "cards"), 1);
	struct tact_waiting waiting = look(&rulings[0].claim, "ann@example.com", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	take(&waiting, "card@cards.example", "b", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.fate, TACT_FATE_PASS);
}
END_TEST

/* ---- reviews ---- */

static void thank(const char *address, int64_t time_us)
{
	struct tact_recipient recipient;
	struct tact_change change = {.kind = TACT_CHANGE_CONTACT,
	    .contact = {.time_us = time_us,
		.count = 1,
		.purpose = TACT_APPRECIATION,
		.counts = true,
		.stream = "",
		.owner = "",
		.brand = "",
		.campaign = "",
		.offer = "",
		.list = ""}};
	struct tact_changed changed;

	ck_assert_int_eq(tact_facts_recipient(b.arena, &b.identity, address, &recipient, NULL), TACT_OK);
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &recipient, &change, 1, NOW, 0, &changed, NULL), TACT_OK);
}

static struct tact_ruling quarantine_ann(void)
{
	struct tact_ruling ruling;

	thank("ann@example.com", NOW - DAY);
	ruling = decide_one("news@head.example", "a", NOW, "ann@example.com");
	expect_fate("quarantined", &ruling, TACT_FATE_REVIEW);
	return ruling;
}

static bool take_review(void *context, const struct tact_review *review)
{
	*(struct tact_review *)context = *review;
	return true;
}

START_TEST(released_review_passes)
{
	struct tact_ruling ruling = quarantine_ann();
	struct tact_review review = {.stream = NULL};
	struct tact_bell_claim *claims;
	size_t count;

	ck_assert_int_eq(look(&ruling.claim, "ann@example.com", NOW).look, TACT_LOOK_WAIT);
	ck_assert_str_eq(look(&ruling.claim, "ann@example.com", NOW).text, ruling.text);
	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_review, &review, NULL), TACT_OK);
	ck_assert_str_eq(review.stream, "launch");
	ck_assert_str_eq(review.excerpt, "hello");
	ck_assert_int_eq(tact_decide_end_review(
			     b.decider, b.arena, &review.id, TACT_REVIEW_RELEASED, "eve", "fine", NOW, NULL),
	    TACT_OK);
	ck_assert_int_eq(tact_decide_end_review(
			     b.decider, b.arena, &review.id, TACT_REVIEW_DISCARDED, "eve", "", NOW, NULL),
	    TACT_REFUSED);
	ck_assert_int_eq(due(NOW, NOW, &claims, &count), TACT_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert(claims[0].review);
	ck_assert_str_eq(claims[0].ring, ruling.ring);
	struct tact_waiting waiting = look(&ruling.claim, "ann@example.com", NOW + SECOND);
	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	take(&waiting, "news@head.example", "a", NOW + SECOND);
	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "got %d %s", waiting.fate, waiting.text);
}
END_TEST

static struct tact_waiting release_ann(const struct tact_ruling *ruling, int64_t time_us)
{
	struct tact_review review = {.stream = NULL};
	struct tact_waiting waiting;

	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_review, &review, NULL), TACT_OK);
	ck_assert_int_eq(tact_decide_end_review(b.decider, b.arena, &review.id, TACT_REVIEW_RELEASED, "eve",
			     "fine", time_us, NULL),
	    TACT_OK);
	waiting = look(&ruling->claim, "ann@example.com", time_us + SECOND);
	take(&waiting, "news@head.example", "a", time_us + SECOND);
	return waiting;
}

/* The weekend lay between. The next hop does not take it at once. */
START_TEST(released_review_passes_after_the_longest_delay)
{
	struct tact_ruling ruling = quarantine_ann();
	struct tact_waiting waiting = release_ann(&ruling, NOW + 4 * DAY);

	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "got %d %s", waiting.fate, waiting.text);
	waiting = look(&ruling.claim, "ann@example.com", NOW + 4 * DAY + 600 * SECOND);
	take(&waiting, "news@head.example", "a", NOW + 4 * DAY + 600 * SECOND);
	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "got %d %s", waiting.fate, waiting.text);
}
END_TEST

/* It is asked like any other, and no longer has the time to wait. */
START_TEST(released_review_does_not_wait_after_the_longest_delay)
{
	struct tact_ruling ruling = quarantine_ann();
	struct tact_ruling other =
	    decide_one("news@leeds.example", "b", NOW + 4 * DAY - HOUR, "ann@example.com");

	expect_fate("another's", &other, TACT_FATE_PASS);
	struct tact_waiting waiting = release_ann(&ruling, NOW + 4 * DAY);
	ck_assert_msg(waiting.fate == TACT_FATE_REFUSE, "got %d %s", waiting.fate, waiting.text);
}
END_TEST

static bool overwrite(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const char *text = context;

	(void)index;
	(void)now;
	(void)store_now_us;
	*ret = (struct tact_store_put){.bytes = text, .size = strlen(text)};
	return true;
}

static void write_record(enum tact_store_kind kind, const struct tact_id *id, const char *text)
{
	struct tact_store_key key = {.kind = kind, .id = *id};
	struct tact_store_answer answer;

	ck_assert_int_eq(
	    tact_store_update(b.store, &key, 1, overwrite, (void *)(uintptr_t)text, &answer, 0), TACT_OK);
}

/* The gate's process ended, or the store did, between the claim and the review: nobody could release it. */
START_TEST(held_mail_without_a_review_is_held_anew)
{
	struct tact_ruling ruling = quarantine_ann();
	struct tact_review review = {.stream = NULL}, anew = {.stream = NULL};
	struct tact_waiting waiting;

	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_review, &review, NULL), TACT_OK);
	write_record(TACT_STORE_REVIEW, &review.id, "");
	waiting = look(&ruling.claim, "ann@example.com", NOW + SECOND);
	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	take(&waiting, "news@head.example", "a", NOW + SECOND);
	ck_assert_msg(waiting.fate == TACT_FATE_REVIEW, "got %d %s", waiting.fate, waiting.text);
	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_review, &anew, NULL), TACT_OK);
	ck_assert_ptr_nonnull(anew.stream);
	ck_assert_int_eq(look(&ruling.claim, "ann@example.com", NOW + 2 * SECOND).look, TACT_LOOK_WAIT);
}
END_TEST

/* Delayed, not held: but the message was released meanwhile, and is not held a second time at the gate. */
START_TEST(released_message_is_not_held_again_at_the_gate)
{
	const char *both[] = {"ann@example.com", "bob@example.com"};
	struct tact_review review = {.stream = NULL};
	struct tact_ruling *rulings;
	struct tact_waiting waiting;

	thank("bob@example.com", NOW - DAY);
	(void)decide_one("news@leeds.example", "z", NOW, "ann@example.com");
	rulings = decide_many("news@head.example", "a", NOW + HOUR, both, 2);
	expect_fate("over the limit", &rulings[0], TACT_FATE_GATE);
	expect_fate("thanked", &rulings[1], TACT_FATE_REVIEW);
	thank("ann@example.com", NOW);
	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_review, &review, NULL), TACT_OK);
	ck_assert_int_eq(tact_decide_end_review(
			     b.decider, b.arena, &review.id, TACT_REVIEW_RELEASED, "eve", "fine", NOW, NULL),
	    TACT_OK);
	waiting = look(&rulings[0].claim, "ann@example.com", NOW + 20 * HOUR);
	take(&waiting, "news@head.example", "a", NOW + 20 * HOUR);
	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "got %d %s", waiting.fate, waiting.text);
}
END_TEST

/* ---- rules about people ---- */

struct ended {
	bool about_people;
	struct tact_review review;
	size_t held;
};

static bool take_held(void *context, const struct tact_review *review)
{
	struct ended *ended = context;

	if (review->state != TACT_REVIEW_HELD || review->about_people != ended->about_people)
		return true;
	ended->review = *review;
	ended->held++;
	return true;
}

static int64_t release_us;

static void release_the(const char *what, bool about_people)
{
	struct ended ended = {.about_people = about_people};

	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_held, &ended, NULL), TACT_OK);
	ck_assert_msg(ended.held == 1, "%s: got %zu reviews that are held, want 1", what, ended.held);
	ck_assert_int_eq(tact_decide_end_review(b.decider, b.arena, &ended.review.id, TACT_REVIEW_RELEASED,
			     "eve", "fine", release_us += SECOND / 100, NULL),
	    TACT_OK);
}

static void expect_at_gate(
    const char *address, const struct tact_ruling *ruling, enum tact_look look_want, enum tact_fate fate_want)
{
	struct tact_waiting waiting = look(&ruling->claim, address, NOW + SECOND);

	ck_assert_msg(
	    waiting.look == look_want, "%s: got look %d, want %d", address, waiting.look, look_want);
	if (look_want != TACT_LOOK_TAKE)
		return;
	take(&waiting, "news@look.example", "a", NOW + SECOND);
	ck_assert_msg(waiting.fate == fate_want, "%s: got %d %s, want %d", address, waiting.fate,
	    waiting.text, fate_want);
}

/* Who let the message go looked at the message: somebody who had unsubscribed, or did so afterwards, got it
 * without anybody having looked. */
START_TEST(release_of_a_message_lets_nobody_go_who_unsubscribed)
{
	const char *both[] = {"bob@example.com", "ann@example.com"};
	struct tact_ruling *rulings, carl, dora;

	release_us = NOW;
	thank("bob@example.com", NOW - DAY);
	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW - DAY);
	rulings = decide_many("news@look.example", "a", NOW, both, 2);
	expect_fate("thanked", &rulings[0], TACT_FATE_REVIEW);
	expect_fate("unsubscribed", &rulings[1], TACT_FATE_REVIEW);
	release_the("the message", false);
	expect_at_gate("bob@example.com", &rulings[0], TACT_LOOK_TAKE, TACT_FATE_PASS);
	expect_at_gate("ann@example.com", &rulings[1], TACT_LOOK_WAIT, TACT_FATE_REVIEW);
	suppress("carl@example.com", TACT_UNSUBSCRIBE, NOW);
	carl = decide_one("news@look.example", "a", release_us, "carl@example.com");
	expect_fate("unsubscribed after the release", &carl, TACT_FATE_REVIEW);
	release_the("those it goes to", true);
	expect_at_gate("ann@example.com", &rulings[1], TACT_LOOK_TAKE, TACT_FATE_PASS);
	expect_at_gate("carl@example.com", &carl, TACT_LOOK_TAKE, TACT_FATE_PASS);
	suppress("dora@example.com", TACT_UNSUBSCRIBE, NOW);
	dora = decide_one("news@look.example", "a", release_us, "dora@example.com");
	expect_fate("of whom nobody has looked at yet", &dora, TACT_FATE_REVIEW);
	expect_at_gate("dora@example.com", &dora, TACT_LOOK_WAIT, TACT_FATE_REVIEW);
	release_the("who came after", true);
	expect_at_gate("dora@example.com", &dora, TACT_LOOK_TAKE, TACT_FATE_PASS);
}
END_TEST

static bool put_back(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct tact_record *was = context;

	(void)index;
	(void)now;
	(void)store_now_us;
	*ret = (struct tact_store_put){.bytes = was->bytes, .size = was->size};
	return true;
}

static void hold_ann_and_release(struct tact_ruling *ret_ann, struct tact_id *ret_review)
{
	struct ended ended = {.about_people = true};

	release_us = NOW;
	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW - DAY);
	*ret_ann = decide_one("news@look.example", "a", NOW, "ann@example.com");
	expect_fate("ann", ret_ann, TACT_FATE_REVIEW);
	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_held, &ended, NULL), TACT_OK);
	*ret_review = ended.review.id;
	release_the("ann", true);
}

static struct tact_ruling hold_dora_and_die(void)
{
	struct tact_ruling ann, dora;
	struct tact_id review;
	struct tact_record was;
	struct tact_store_answer answer;

	hold_ann_and_release(&ann, &review);
	struct tact_store_key key = {.kind = TACT_STORE_REVIEW, .id = review};
	ck_assert_int_eq(tact_store_read(b.store, &key, 1, b.arena, &was, &answer, 0), TACT_OK);
	suppress("dora@example.com", TACT_UNSUBSCRIBE, NOW);
	dora = decide_one("news@look.example", "a", NOW + SECOND, "dora@example.com");
	expect_fate("dora", &dora, TACT_FATE_REVIEW);
	/* killed between the claim and the review */
	ck_assert_int_eq(tact_store_update(b.store, &key, 1, put_back, &was, &answer, 0), TACT_OK);
	return dora;
}

START_TEST(held_and_killed_before_the_review_was_is_held_at_the_gate)
{
	struct tact_ruling dora = hold_dora_and_die();
	struct tact_waiting waiting = look(&dora.claim, "dora@example.com", NOW + 2 * SECOND);

	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	take(&waiting, "news@look.example", "a", NOW + 2 * SECOND);
	ck_assert_msg(waiting.fate == TACT_FATE_REVIEW, "got %d %s", waiting.fate, waiting.text);
}
END_TEST

START_TEST(held_and_killed_before_the_review_was_is_held_again)
{
	(void)hold_dora_and_die();
	struct tact_ruling again = decide_one("news@look.example", "a", NOW + 2 * SECOND, "dora@example.com");
	expect_fate("dora again", &again, TACT_FATE_REVIEW);
}
END_TEST

START_TEST(unsubscribed_after_the_release_is_held_anew)
{
	struct tact_ruling ann;

	release_us = NOW;
	suppress_until("ann@example.com", NOW + 10 * DAY);
	ann = decide_one("news@look.example", "a", NOW, "ann@example.com");
	expect_fate("paused", &ann, TACT_FATE_REVIEW);
	release_the("ann", true);
	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW + SECOND);
	struct tact_waiting waiting = look(&ann.claim, "ann@example.com", NOW + 2 * SECOND);
	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	take(&waiting, "news@look.example", "a", NOW + 2 * SECOND);
	ck_assert_msg(waiting.fate == TACT_FATE_REVIEW, "got %d %s", waiting.fate, waiting.text);
	ck_assert_int_eq(look(&ann.claim, "ann@example.com", NOW + 3 * SECOND).look, TACT_LOOK_WAIT);
	release_us = NOW + 4 * SECOND;
	release_the("ann again", true);
	waiting = look(&ann.claim, "ann@example.com", NOW + 5 * SECOND);
	take(&waiting, "news@look.example", "a", NOW + 5 * SECOND);
	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "got %d %s", waiting.fate, waiting.text);
}
END_TEST

START_TEST(released_goes_though_another_is_held_meanwhile)
{
	struct tact_ruling ann, dora;
	struct tact_id review;
	struct tact_bell_claim *claims;
	size_t count;

	hold_ann_and_release(&ann, &review);
	suppress("dora@example.com", TACT_UNSUBSCRIBE, NOW);
	dora = decide_one("news@look.example", "a", NOW + SECOND, "dora@example.com");
	expect_fate("dora", &dora, TACT_FATE_REVIEW);
	ck_assert_int_eq(due(NOW + 2 * SECOND, NOW + 2 * SECOND, &claims, &count), TACT_OK);
	ck_assert_msg(count > 0, "got no ring for who was released");
	struct tact_waiting waiting = look(&ann.claim, "ann@example.com", NOW + 2 * SECOND);
	ck_assert_msg(waiting.look == TACT_LOOK_TAKE, "got %d %s", waiting.look, waiting.text);
}
END_TEST

START_TEST(unsubscribed_under_review_is_refused_after_release)
{
	struct tact_ruling ruling = quarantine_ann();
	struct tact_review review = {.stream = NULL};

	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW);
	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_review, &review, NULL), TACT_OK);
	ck_assert_int_eq(tact_decide_end_review(
			     b.decider, b.arena, &review.id, TACT_REVIEW_RELEASED, "eve", "fine", NOW, NULL),
	    TACT_OK);
	struct tact_waiting waiting = look(&ruling.claim, "ann@example.com", NOW + SECOND);
	take(&waiting, "news@head.example", "a", NOW + SECOND);
	ck_assert_int_eq(waiting.fate, TACT_FATE_REFUSE);
}
END_TEST

static const struct {
	const char *body, *excerpt;
} excerpts[] = {
    {"", ""},
    {"Hello,\r\n\r\nthis is a test.\r\n", "Hello, this is a test. "},
    {"\r\n\t a\x1b[1mb\\", "a\\x1b[1mb\\x5c"},
    {"Gr\xc3\xbc\xff", "Gr\\xc3\\xbc\\xff"},
};

START_TEST(excerpt_is_read_to_its_end)
{
	char body[2 * TACT_EXCERPT_BYTES];
	const char *got = tact_decide_excerpt(b.arena, excerpts[_i].body, strlen(excerpts[_i].body));

	ck_assert_str_eq(got, excerpts[_i].excerpt);
	memset(body, 'x', sizeof body);
	ck_assert_uint_eq(
	    strlen(tact_decide_excerpt(b.arena, body, TACT_EXCERPT_BYTES - 1)), TACT_EXCERPT_BYTES - 1);
	ck_assert_uint_eq(strlen(tact_decide_excerpt(b.arena, body, sizeof body)), TACT_EXCERPT_BYTES);
	ck_assert_str_eq(tact_decide_excerpt(b.arena, "a\0b", 3), "a b");
}
END_TEST

START_TEST(discarded_review_is_refused)
{
	struct tact_ruling ruling = quarantine_ann();
	struct tact_review review = {.stream = NULL};

	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_review, &review, NULL), TACT_OK);
	ck_assert_int_eq(tact_decide_end_review(
			     b.decider, b.arena, &review.id, TACT_REVIEW_DISCARDED, "eve", "", NOW, NULL),
	    TACT_OK);
	struct tact_waiting waiting = look(&ruling.claim, "ann@example.com", NOW + SECOND);
	take(&waiting, "news@head.example", "a", NOW + SECOND);
	ck_assert_int_eq(waiting.fate, TACT_FATE_REFUSE);
	ck_assert_str_eq(waiting.text, "discarded by a reviewer");
}
END_TEST

/* ---- faults ---- */

START_TEST(failing_store_leaves_undecided)
{
	struct tact_error err = {""};
	struct tact_store *good = b.store, *bad;
	struct tact_ruling ruling;

	ck_assert_int_eq(tact_store_open("fail:", &bad, &err), TACT_OK);
	tact_decider_free(&b.decider);
	b.decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = bad, .audit = b.audit, .identity = &b.identity, .host = "relay", .ledger = b.ledger});
	tact_decider_set_rules(b.decider, &b.config->rules, NULL, NULL);
	ruling = decide_one("receipt@till.example", "a", NOW, "ann@example.com");
	expect_fate("transactional too", &ruling, TACT_FATE_UNDECIDED);
	ck_assert_str_eq(ruling.code, "4.3.0");
	ck_assert_int_eq(tact_decide_sum(&ruling, 1), TACT_SUM_TEMPFAIL);
	tact_store_close(&bad);
	b.store = good;
}
END_TEST

/* A decider over the same store, with another evidence log or none. */
static void decide_with(struct tact_audit *audit)
{
	tact_decider_free(&b.decider);
	b.decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = b.store, .audit = audit, .identity = &b.identity, .host = "relay", .ledger = b.ledger});
	tact_decider_set_rules(b.decider, &b.config->rules, NULL, NULL);
}

static bool count_releases(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	size_t *count = context;

	(void)host;
	(void)seq;
	(void)length;
	*count += strstr(json, "\"action\":\"release by eve (known already)\"") != NULL;
	return true;
}

START_TEST(release_without_evidence_is_told_when_it_is_done_again)
{
	struct tact_review review = {.stream = NULL};
	size_t got = 0;

	(void)quarantine_ann();
	ck_assert_int_eq(tact_decide_list_reviews(b.decider, b.arena, take_review, &review, NULL), TACT_OK);
	decide_with(NULL);
	ck_assert_int_ne(tact_decide_end_review(
			     b.decider, b.arena, &review.id, TACT_REVIEW_RELEASED, "eve", "fine", NOW, NULL),
	    TACT_OK);
	decide_with(b.audit);
	ck_assert_int_eq(tact_decide_end_review(b.decider, b.arena, &review.id, TACT_REVIEW_RELEASED, "bob",
			     "fine", NOW + SECOND, NULL),
	    TACT_REFUSED);
	ck_assert_int_eq(tact_decide_end_review(b.decider, b.arena, &review.id, TACT_REVIEW_RELEASED, "eve",
			     "fine", NOW + SECOND, NULL),
	    TACT_OK);
	ck_assert_int_eq(tact_audit_scan(below("audit"), NULL, count_releases, &got, NULL), TACT_OK);
	ck_assert_uint_eq(got, 1);
}
END_TEST

START_TEST(a_change_without_evidence_is_repaired_by_repeating_it)
{
	struct tact_recipient ann;
	struct tact_changed changed;
	struct tact_change wish = {.kind = TACT_CHANGE_SUPPRESS,
	    .suppression = {.scope = {TACT_SCOPE_GLOBAL, ""},
		.reason = TACT_MANUAL,
		.source = "",
		.note = "",
		.ended_by = "",
		.ended_why = ""},
	    .by = "eve",
	    .why = "asked"};
	struct tact_change ending = {.kind = TACT_CHANGE_UNSUPPRESS,
	    .suppression = {.scope = {TACT_SCOPE_GLOBAL, ""}},
	    .by = "eve",
	    .why = "asked back"};
	struct tact_change call = {.kind = TACT_CHANGE_CONTACT,
	    .contact = {.id = tact_id_random(),
		.time_us = NOW,
		.count = 1,
		.stream = "",
		.owner = "",
		.brand = "",
		.campaign = "",
		.offer = "",
		.list = ""},
	    .by = "eve",
	    .why = "called"};
	const struct {
		const struct tact_change *change;
		const char *needle;
		int again;
	} rows[] = {{&wish, "\"action\":\"suppress\"", TACT_OK},
	    {&ending, "\"action\":\"unsuppress\"", TACT_ABSENT}, {&call, "\"action\":\"contact\"", TACT_OK}};

	ck_assert_int_eq(tact_facts_recipient(b.arena, &b.identity, "ann@example.com", &ann, NULL), TACT_OK);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		decide_with(NULL);
		ck_assert_int_ne(
		    tact_decide_change(b.decider, b.arena, &ann, rows[i].change, 1, NOW, 0, &changed, NULL),
		    TACT_OK);
		ck_assert_uint_eq(evidence(rows[i].needle).hits, 0);
		decide_with(b.audit);
		ck_assert_int_eq(
		    tact_decide_change(b.decider, b.arena, &ann, rows[i].change, 1, NOW, 0, &changed, NULL),
		    rows[i].again);
		ck_assert(!changed.changed);
		ck_assert_uint_eq(evidence(rows[i].needle).hits, 1);
	}
}
END_TEST

START_TEST(without_evidence_nothing_is_decided_and_the_retry_is_found)
{
	struct tact_ruling ruling;

	decide_with(NULL);
	ruling = decide_one("news@head.example", "a", NOW, "ann@example.com");
	expect_fate("no evidence log", &ruling, TACT_FATE_UNDECIDED);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 1);
	decide_with(b.audit);
	ruling = decide_one("news@head.example", "a", NOW + 4 * DAY, "ann@example.com");
	expect_fate("retry four days later", &ruling, TACT_FATE_PASS);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 1);
}
END_TEST

#define OPENERS 6

struct opener {
	struct tact_store *store;
	pthread_barrier_t *begin;
	struct tact_identity identity;
	struct tact_error err;
	int result;
};

static void *open_a_new_store(void *context)
{
	struct opener *opener = context;
	struct tact_arena *arena = tact_arena_new();

	pthread_barrier_wait(opener->begin);
	opener->result = tact_decide_open_identity(opener->store, b.keyring, &b.config->profile,
	    TACT_OPEN_CHANGE, arena, &opener->identity, &opener->err);
	tact_arena_free(&arena);
	return NULL;
}

static void open_a_new_store_at_once(struct opener openers[OPENERS])
{
	pthread_t threads[OPENERS];
	pthread_barrier_t begin;
	struct tact_error err;
	struct tact_store *store;

	pthread_barrier_init(&begin, NULL, OPENERS);
	ck_assert_int_eq(tact_store_open("memory:", &store, &err), TACT_OK);
	for (size_t i = 0; i < OPENERS; i++) {
		openers[i] = (struct opener){.store = store, .begin = &begin};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, open_a_new_store, &openers[i]), 0);
	}
	for (size_t i = 0; i < OPENERS; i++)
		pthread_join(threads[i], NULL);
	tact_store_close(&store);
	pthread_barrier_destroy(&begin);
}

/* As the processes of one tactd do that is started for the first time: there are the key and the recovery key
 * to be written. */
START_TEST(a_new_store_is_found_by_many_at_the_same_time)
{
	struct opener openers[OPENERS];

	for (int round = 0; round < 300; round++) {
		open_a_new_store_at_once(openers);
		for (size_t i = 0; i < OPENERS; i++) {
			ck_assert_msg(openers[i].result == TACT_OK, "round %d, opener %zu: got %s (%s)",
			    round, i, tact_result_name(openers[i].result), openers[i].err.text);
			ck_assert_mem_eq(openers[i].identity.recovery_key, openers[0].identity.recovery_key,
			    sizeof openers[0].identity.recovery_key);
		}
	}
}
END_TEST

START_TEST(wrong_key_is_refused_and_a_rotated_one_adopted)
{
	struct tact_error err = {""};
	struct tact_keyring *other;
	struct tact_identity identity;

	ck_assert_int_eq(tact_facts_create_key_file(below("other"), false, &err), TACT_OK);
	ck_assert_int_eq(tact_facts_load_keyring(below("other"), &other, &err), TACT_OK);
	ck_assert_int_eq(tact_decide_open_identity(
			     b.store, other, &b.config->profile, TACT_OPEN_CHANGE, b.arena, &identity, &err),
	    TACT_REFUSED);
	ck_assert_msg(strstr(err.text, "wrong key") != NULL, "got %s", err.text);
	ck_assert_int_eq(tact_decide_open_identity(
			     b.store, other, &b.config->profile, TACT_OPEN_ADOPT, b.arena, &identity, &err),
	    TACT_REFUSED);
	tact_facts_free_keyring(&other);
	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW);
	ck_assert_int_eq(tact_facts_create_key_file(below("key"), true, &err), TACT_OK);
	ck_assert_int_eq(tact_facts_load_keyring(below("key"), &other, &err), TACT_OK);
	ck_assert_int_eq(tact_decide_open_identity(
			     b.store, other, &b.config->profile, TACT_OPEN_CHANGE, b.arena, &identity, &err),
	    TACT_REFUSED);
	ck_assert_int_eq(tact_decide_open_identity(
			     b.store, other, &b.config->profile, TACT_OPEN_ADOPT, b.arena, &b.identity, &err),
	    TACT_OK);
	struct tact_ruling ruling = decide_one("news@head.example", "a", NOW, "ann@example.com");
	expect_fate("unsubscribed under the earlier key", &ruling, TACT_FATE_REFUSE);
	(void)remove(below("other"));
	tact_facts_free_keyring(&b.keyring);
	b.keyring = other;
}
END_TEST

START_TEST(the_same_wish_twice_is_one_and_ends_by_a_person)
{
	struct tact_recipient recipient[2];
	struct tact_change change[2];
	struct tact_changed changed[2];
	struct tact_ruling ruling;

	suppress("ann@example.com", TACT_MANUAL, NOW);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
		    tact_facts_recipient(b.arena, &b.identity, "ann@example.com", &recipient[i], NULL),
		    TACT_OK);
		change[i] = (struct tact_change){.kind = TACT_CHANGE_SUPPRESS,
		    .suppression = {.scope = {TACT_SCOPE_GLOBAL, ""},
			.reason = TACT_MANUAL,
			.source = "",
			.note = "",
			.time_us = NOW,
			.ended_by = "",
			.ended_why = ""}};
	}
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, recipient, change, 2, NOW, 0, changed, NULL), TACT_OK);
	ck_assert(!changed[0].changed && !changed[1].changed);
	change[0] = (struct tact_change){.kind = TACT_CHANGE_UNSUPPRESS,
	    .suppression = {.scope = {TACT_SCOPE_GLOBAL, ""}},
	    .by = "eve",
	    .why = "asked"};
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, recipient, change, 1, NOW, 0, changed, NULL), TACT_OK);
	ck_assert(changed[0].changed);
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, recipient, change, 1, NOW, 0, changed, NULL), TACT_ABSENT);
	ruling = decide_one("news@head.example", "a", NOW, "ann@example.com");
	expect_fate("ended", &ruling, TACT_FATE_PASS);
}
END_TEST

START_TEST(an_alias_is_the_same_person)
{
	struct tact_recipient second, first;
	struct tact_change change = {.kind = TACT_CHANGE_ALIAS};
	struct tact_changed changed;
	struct tact_ruling ruling;

	ck_assert_int_eq(
	    tact_facts_recipient(b.arena, &b.identity, "ann@example.com", &first, NULL), TACT_OK);
	ck_assert_int_eq(
	    tact_facts_recipient(b.arena, &b.identity, "ann@home.example", &second, NULL), TACT_OK);
	change.alias_of = first.key;
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &second, &change, 1, NOW, 0, &changed, NULL), TACT_OK);
	suppress("ann@example.com", TACT_UNSUBSCRIBE, NOW);
	ruling = decide_one("news@head.example", "a", NOW, "ann@home.example");
	expect_fate("by her other address", &ruling, TACT_FATE_REFUSE);
}
END_TEST

/* A wish made before the address became an alias still holds. */
START_TEST(an_alias_forgets_no_earlier_wish)
{
	struct tact_recipient second, first;
	struct tact_change change = {.kind = TACT_CHANGE_ALIAS};
	struct tact_changed changed;
	struct tact_ruling ruling;

	suppress("ann@home.example", TACT_UNSUBSCRIBE, NOW);
	ck_assert_int_eq(
	    tact_facts_recipient(b.arena, &b.identity, "ann@example.com", &first, NULL), TACT_OK);
	ck_assert_int_eq(
	    tact_facts_recipient(b.arena, &b.identity, "ann@home.example", &second, NULL), TACT_OK);
	change.alias_of = first.key;
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &second, &change, 1, NOW, 0, &changed, NULL), TACT_OK);
	ruling = decide_one("news@head.example", "a", NOW, "ann@home.example");
	expect_fate("unsubscribed before", &ruling, TACT_FATE_REFUSE);
	change = (struct tact_change){.kind = TACT_CHANGE_UNSUPPRESS,
	    .suppression = {.scope = {TACT_SCOPE_GLOBAL, ""}},
	    .by = "eve",
	    .why = "asked"};
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &second, &change, 1, NOW, 0, &changed, NULL), TACT_OK);
	ruling = decide_one("news@head.example", "b", NOW, "ann@home.example");
	expect_fate("ended by a person", &ruling, TACT_FATE_PASS);
}
END_TEST

static int make_alias(const char *address, const char *of, struct tact_changed *ret)
{
	struct tact_recipient alias = person_of(address);
	struct tact_change change = {.kind = TACT_CHANGE_ALIAS, .by = "eve", .why = "same person"};

	if (of != NULL)
		change.alias_of = person_of(of).key;
	return tact_decide_change(b.decider, b.arena, &alias, &change, 1, NOW, 0, ret, NULL);
}

START_TEST(an_alias_carries_over_what_is_strict)
{
	struct tact_changed changed;
	struct tact_ruling ruling;

	decide_one("news@head.example", "a", NOW, "ann@home.example");
	suppress("ann@home.example", TACT_UNSUBSCRIBE, NOW);
	decide_one("news@head.example", "b", NOW, "ann@example.com");
	ck_assert_int_eq(make_alias("ann@home.example", "ann@example.com", &changed), TACT_OK);
	ck_assert(changed.changed);
	/* Both see both, and nothing twice. */
	ck_assert_uint_eq(count_contacts("ann@example.com"), 2);
	ck_assert_uint_eq(count_contacts("ann@home.example"), 2);
	ruling = decide_one("news@head.example", "c", NOW, "ann@example.com");
	expect_fate("unsubscribed by the other address", &ruling, TACT_FATE_REFUSE);
	ck_assert_uint_eq(evidence("\"action\":\"alias\"").hits, 1);
	/* For itself again, it is still unsubscribed. */
	ck_assert_int_eq(make_alias("ann@home.example", NULL, &changed), TACT_OK);
	ck_assert_uint_eq(evidence("\"action\":\"alias-ended\"").hits, 1);
	ruling = decide_one("news@head.example", "d", NOW, "ann@home.example");
	expect_fate("its own wish", &ruling, TACT_FATE_REFUSE);
	/* And what was sent to either still counts: nobody can tell them apart any more. */
	ck_assert_uint_eq(count_contacts("ann@home.example"), 2);
	ck_assert_int_eq(make_alias("ann@home.example", NULL, &changed), TACT_ABSENT);
}
END_TEST

START_TEST(aliases_are_one_hop)
{
	struct tact_changed changed;
	struct tact_ruling ruling;

	ck_assert_int_eq(make_alias("ann@c.example", "ann@b.example", &changed), TACT_OK);
	ck_assert_int_eq(make_alias("ann@b.example", "ann@a.example", &changed), TACT_OK); /* c is led on */
	ck_assert_int_eq(make_alias("+44 113 496 0000", "ann@c.example", &changed), TACT_OK); /* to a */
	ck_assert_int_eq(make_alias("ann@a.example", "ann@c.example", &changed), TACT_INVALID);
	ck_assert_int_eq(make_alias("ann@a.example", "ann@a.example", &changed), TACT_INVALID);
	struct tact_recipient phone = person_of("tel:+441134960000");
	struct tact_change wish = {.kind = TACT_CHANGE_SUPPRESS,
	    .suppression = {.scope = {TACT_SCOPE_GLOBAL, ""},
		.reason = TACT_UNSUBSCRIBE,
		.source = "",
		.note = "",
		.ended_by = "",
		.ended_why = ""}};
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &phone, &wish, 1, NOW, 0, &changed, NULL), TACT_OK);
	for (const char *const *address =
		 (const char *const[]){"ann@a.example", "ann@b.example", "ann@c.example", NULL};
	     *address != NULL; address++) {
		ruling = decide_one("news@head.example", *address, NOW, *address);
		expect_fate(*address, &ruling, TACT_FATE_REFUSE);
	}
	/* Known already, and told again as long as it is young. */
	ck_assert_int_eq(make_alias("ann@c.example", "ann@a.example", &changed), TACT_OK);
	ck_assert(!changed.changed);
	ck_assert_uint_eq(evidence("\"action\":\"alias\"").hits, 4);
}
END_TEST

START_TEST(nobody_becomes_an_alias_of_what_cannot_be_read)
{
	struct tact_id target = person_of("ann@example.com").key;
	struct tact_changed changed;
	int got;

	write_record(TACT_STORE_DOSSIER, &target, "\xff\xff\xff");
	got = make_alias("ann@home.example", "ann@example.com", &changed);
	ck_assert_msg(got == TACT_CORRUPT, "got %s", tact_result_name(got));
	ck_assert_uint_eq(evidence("\"action\":\"alias\"").hits, 0);
	struct tact_ruling ruling = decide_one("news@head.example", "a", NOW, "ann@home.example");
	expect_fate("still herself", &ruling, TACT_FATE_PASS);
}
END_TEST

/* What waited when its address became an alias, or the key was rotated, is found and passes. */
static void waits_and_passes(const struct tact_ruling *ruling)
{
	struct tact_waiting waiting = look(&ruling->claim, "ann@example.com", NOW + 2 * HOUR);

	ck_assert_msg(waiting.look == TACT_LOOK_WAIT, "got %d %s", waiting.look, waiting.text);
	waiting = look(&ruling->claim, "ann@example.com", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.look, TACT_LOOK_TAKE);
	take(&waiting, "news@leeds.example", "b", NOW + 20 * HOUR);
	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "got %d %s", waiting.fate, waiting.text);
	ck_assert_int_eq(
	    tact_decide_passed(b.decider, b.arena, &waiting, 1, "Q1", "Q2", NOW + 20 * HOUR, 0, NULL),
	    TACT_OK);
	ck_assert_int_eq(look(&ruling->claim, "ann@example.com", NOW + 20 * HOUR).look, TACT_LOOK_DROP);
	ck_assert_uint_eq(count_contacts("ann@example.com"), 2);
}

START_TEST(what_waits_is_found_after_its_address_became_an_alias)
{
	struct tact_ruling ruling = delay_ann();
	struct tact_changed changed;

	ck_assert_int_eq(make_alias("ann@example.com", "ann@home.example", &changed), TACT_OK);
	waits_and_passes(&ruling);
}
END_TEST

static void rotate_key(void)
{
	struct tact_keyring *other;
	struct tact_error err = {""};

	ck_assert_int_eq(tact_facts_create_key_file(below("key"), true, &err), TACT_OK);
	ck_assert_int_eq(tact_facts_load_keyring(below("key"), &other, &err), TACT_OK);
	ck_assert_int_eq(tact_decide_open_identity(
			     b.store, other, &b.config->profile, TACT_OPEN_ADOPT, b.arena, &b.identity, &err),
	    TACT_OK);
	tact_facts_free_keyring(&b.keyring);
	b.keyring = other;
}

START_TEST(what_waits_is_found_after_a_rotation_of_the_key)
{
	struct tact_ruling ruling = delay_ann();

	rotate_key();
	waits_and_passes(&ruling);
}
END_TEST

/* The contact that it waits for stands under the earlier key. */
START_TEST(what_waits_for_an_earlier_key_s_contact_wakes_in_time)
{
	struct tact_bell_claim *claims;
	struct tact_ruling ruling;
	size_t count;

	decide_one("news@head.example", "a", NOW, "ann@example.com");
	rotate_key();
	ruling = decide_one("news@leeds.example", "b", NOW + HOUR, "ann@example.com");
	expect_fate("under the new key", &ruling, TACT_FATE_GATE);
	ck_assert_int_eq(ruling.opinion.until_us, NOW + 20 * HOUR);
	ck_assert_int_eq(due(NOW + 20 * HOUR - 1, NOW + 20 * HOUR - 1, &claims, &count), TACT_OK);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(due(NOW + 20 * HOUR, NOW + 20 * HOUR, &claims, &count), TACT_OK);
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(gate_addresses_come_back_byte_for_byte)
{
	const char *const given[] = {"ann@example.com", "\"a b\"@example.com", "Ann+x=y@Example.COM",
	    "j\xc3\xb6rg@b\xc3\xbc"
	    "cher.example",
	    "x@[192.0.2.1]", "\"quote\\\"d\"@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"};
	struct tact_id claim = tact_id_random(), back;
	const char *text, *ring;

	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		char *address =
		    tact_decide_gate_address(b.arena, &claim, given[i], "s29921760", "later.tact.invalid");
		ck_assert_int_eq(tact_decide_read_gate_address(
				     b.arena, address, "later.tact.invalid", &back, &text, &ring),
		    TACT_OK);
		ck_assert_str_eq(text, given[i]);
		ck_assert_str_eq(ring, "s29921760");
		ck_assert(tact_id_equal(&claim, &back));
		ck_assert_int_eq(tact_decide_read_gate_address(
				     b.arena, address, "review.tact.invalid", &back, &text, &ring),
		    TACT_INVALID);
	}
	ck_assert_int_eq(tact_decide_read_gate_address(
			     b.arena, "x@later.tact.invalid", "later.tact.invalid", &back, &text, &ring),
	    TACT_INVALID);
}
END_TEST

START_TEST(a_message_names_at_most_eight_slots)
{
	enum { PEOPLE = 20 };
	const char *recipients[PEOPLE];
	const char *rings[PEOPLE];
	size_t distinct = 0;

	for (int i = 0; i < PEOPLE; i++) {
		recipients[i] = tact_arena_printf(b.arena, "p%d@example.com", i);
		(void)decide_one("news@head.example", "a", NOW + i * 600 * SECOND, recipients[i]);
	}
	struct tact_ruling *rulings =
	    decide_many("news@leeds.example", "b", NOW + 4 * HOUR, recipients, PEOPLE);
	for (int i = 0; i < PEOPLE; i++) {
		bool known = false;
		expect_fate(recipients[i], &rulings[i], TACT_FATE_GATE);
		for (size_t j = 0; j < distinct; j++)
			known |= strcmp(rings[j], rulings[i].ring) == 0;
		if (!known)
			rings[distinct++] = rulings[i].ring;
	}
	ck_assert_uint_eq(distinct, 8);
}
END_TEST

START_TEST(the_sweep_trims_what_nobody_writes)
{
	struct tact_swept swept;
	struct tact_error err = {""};

	for (int i = 0; i < 100; i++)
		(void)decide_one("receipt@till.example", tact_arena_printf(b.arena, "s%d", i), NOW,
		    tact_arena_printf(b.arena, "p%d@example.com", i));
	suppress("p0@example.com", TACT_UNSUBSCRIBE, NOW);
	ck_assert_int_eq(tact_decide_sweep(b.decider, NOW + DAY, NULL, NULL, NULL, &swept, &err), TACT_OK);
	ck_assert_msg(swept.records == 100 && swept.trimmed == 0, "got %d records, %d trimmed",
	    (int)swept.records, (int)swept.trimmed);
	ck_assert_int_eq(
	    tact_decide_sweep(b.decider, NOW + 36 * DAY, NULL, NULL, NULL, &swept, &err), TACT_OK);
	ck_assert_msg(swept.trimmed == 100, "folding: got %d", (int)swept.trimmed);
	ck_assert_int_eq(
	    tact_decide_sweep(b.decider, NOW + 402 * DAY, NULL, NULL, NULL, &swept, &err), TACT_OK);
	ck_assert_msg(swept.trimmed == 100, "beyond the history: got %d", (int)swept.trimmed);
	ck_assert_uint_eq(count_contacts("p1@example.com"), 0);
	struct tact_ruling ruling = decide_one("news@head.example", "z", NOW + 402 * DAY, "p0@example.com");
	expect_fate("a suppression outlives every sweep", &ruling, TACT_FATE_REFUSE);
}
END_TEST

static bool empty_it(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	(void)context;
	(void)index;
	(void)now;
	(void)store_now_us;
	*ret = (struct tact_store_put){0};
	return true;
}

START_TEST(the_sweep_removes_long_emptied_records)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = tact_id_random()};
	struct tact_store_answer answer;
	struct tact_record record;
	struct tact_swept swept;
	int64_t now_us = tact_clock_now_us();

	ck_assert_int_eq(tact_store_update(b.store, &key, 1, empty_it, NULL, &answer, 0), TACT_OK);
	ck_assert_int_eq(
	    tact_decide_sweep(b.decider, now_us + 399 * DAY, NULL, NULL, NULL, &swept, NULL), TACT_OK);
	ck_assert_uint_eq(swept.removed, 0);
	ck_assert_int_eq(
	    tact_decide_sweep(b.decider, now_us + 401 * DAY, NULL, NULL, NULL, &swept, NULL), TACT_OK);
	ck_assert_uint_eq(swept.removed, 1);
	ck_assert_int_eq(tact_store_read(b.store, &key, 1, b.arena, &record, &answer, 0), TACT_OK);
	ck_assert_uint_eq(record.version, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("decide");
	TCase *c = tcase_create("decide");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, accept_counts_and_leaves_evidence);
	tcase_add_test(c, retry_is_counted_once);
	tcase_add_test(c, constant_message_id_evades_nothing);
	tcase_add_test(c, suppressed_is_refused_unless_transactional);
	tcase_add_test(c, refused_at_rcpt_only_by_suppression);
	tcase_add_test(c, mixed_gives_the_refused_a_claim);
	tcase_add_test(c, an_address_that_only_looks_like_one_is_refused);
	tcase_add_test(c, null_sender);
	tcase_add_test(c, personal_to_many_is_bulk);
	tcase_add_test(c, personal_to_many_by_return_paths_of_their_own_is_bulk);
	tcase_add_test(c, the_same_mail_again_is_no_more_mail);
	tcase_add_test(c, monitor_records_and_passes);
	tcase_add_test(c, only_its_own_contact_is_left_out);
	tcase_add_test(c, rules_are_held_for_each_decider);
	tcase_add_test(c, monitor_lets_go_what_waits);
	tcase_add_test(c, delayed_passes_when_due);
	tcase_add_test(c, retry_of_a_delayed_mail_takes_the_same_claim);
	tcase_add_test(c, mails_that_look_the_same_wait_one_after_the_other);
	tcase_add_test(c, what_was_refused_did_not_wait);
	tcase_add_test(c, released_message_is_not_held_again_at_the_gate);
	tcase_add_test(c, what_passed_once_is_remembered_through_a_held_retry);
	tcase_add_test(c, higher_claim_bumps);
	tcase_add_test(c, a_claim_that_was_moved_twice_is_firm);
	tcase_add_test(c, what_is_no_higher_bumps_nobody);
	tcase_add_test(c, unsubscribed_while_waiting_is_refused);
	tcase_add_test(c, unknown_claims_are_unknown);
	tcase_add_test(c, the_bell_finds_what_is_due);
	tcase_add_test(c, a_record_that_wakes_for_another_relay_is_left_as_it_is);
	tcase_add_test(c, what_lapsed_at_another_relay_is_its_own_matter);
	tcase_add_test(c, recount_after_restart);
	tcase_add_test(c, recount_while_the_next_hop_is_down);
	tcase_add_test(c, tempfail_stream_queues_nothing);
	tcase_add_test(c, tempfail_leaves_no_count_behind);
	tcase_add_test(c, tempfail_beside_what_is_no_address_waits_on_a_ring);
	tcase_add_test(c, release_of_a_message_lets_nobody_go_who_unsubscribed);
	tcase_add_test(c, released_review_passes);
	tcase_add_test(c, released_review_passes_after_the_longest_delay);
	tcase_add_test(c, released_review_does_not_wait_after_the_longest_delay);
	tcase_add_test(c, release_without_evidence_is_told_when_it_is_done_again);
	tcase_add_test(c, held_mail_without_a_review_is_held_anew);
	tcase_add_test(c, unsubscribed_under_review_is_refused_after_release);
	tcase_add_test(c, discarded_review_is_refused);
	tcase_add_test(c, held_and_killed_before_the_review_was_is_held_at_the_gate);
	tcase_add_test(c, held_and_killed_before_the_review_was_is_held_again);
	tcase_add_test(c, unsubscribed_after_the_release_is_held_anew);
	tcase_add_test(c, released_goes_though_another_is_held_meanwhile);
	tcase_add_loop_test(c, excerpt_is_read_to_its_end, 0, sizeof excerpts / sizeof *excerpts);
	tcase_add_test(c, failing_store_leaves_undecided);
	tcase_add_test(c, without_evidence_nothing_is_decided_and_the_retry_is_found);
	tcase_add_test(c, a_change_without_evidence_is_repaired_by_repeating_it);
	tcase_add_test(c, a_new_store_is_found_by_many_at_the_same_time);
	tcase_add_test(c, wrong_key_is_refused_and_a_rotated_one_adopted);
	tcase_add_test(c, the_same_wish_twice_is_one_and_ends_by_a_person);
	tcase_add_test(c, an_alias_is_the_same_person);
	tcase_add_test(c, an_alias_forgets_no_earlier_wish);
	tcase_add_test(c, an_alias_carries_over_what_is_strict);
	tcase_add_test(c, aliases_are_one_hop);
	tcase_add_test(c, nobody_becomes_an_alias_of_what_cannot_be_read);
	tcase_add_test(c, what_waits_is_found_after_its_address_became_an_alias);
	tcase_add_test(c, what_waits_is_found_after_a_rotation_of_the_key);
	tcase_add_test(c, what_waits_for_an_earlier_key_s_contact_wakes_in_time);
	tcase_add_test(c, gate_addresses_come_back_byte_for_byte);
	tcase_add_test(c, a_message_names_at_most_eight_slots);
	tcase_add_test(c, the_sweep_trims_what_nobody_writes);
	tcase_add_test(c, the_sweep_removes_long_emptied_records);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
