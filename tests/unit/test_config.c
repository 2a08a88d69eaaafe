/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What becomes of a right configuration: defaults, values, order, inheritance; what is printed loads to the
 * same; what a reload may change.
 */
#include <config.h>

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tact/config.h>

#define LISTENER "listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }\n"
#define DAY 86400

#define want_int(what, got, want)                                                                            \
	do {                                                                                                 \
		int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                                      \
		ck_assert_msg(got_ == want_, "%s: got %" PRId64 ", want %" PRId64, (what), got_, want_);     \
	} while (0)
#define want_text(what, got, want)                                                                           \
	do {                                                                                                 \
		const char *got_ = (got), *want_ = (want);                                                   \
		ck_assert_msg(got_ != NULL && strcmp(got_, want_) == 0, "%s: got \"%s\", want \"%s\"",       \
		    (what), got_ != NULL ? got_ : "(null)", want_);                                          \
	} while (0)
#define want_null(what, got) ck_assert_msg((got) == NULL, "%s: got something, want NULL", (what))

static struct tact_arena *arena;

static void setup(void)
{
	arena = tact_arena_new();
}

static void teardown(void)
{
	tact_arena_free(&arena);
}

static struct tact_config *load(const char *text)
{
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *config = NULL;
	int result = tact_config_load("f", text, &config, &mistakes);
	ck_assert_msg(result == TACT_OK, "of\n%.500s\ngot %s: %s", text, tact_result_name(result),
	    mistakes.count > 0 ? mistakes.texts[0] : "no mistake");
	return config;
}

static const struct tact_stream *stream_of(const struct tact_config *config, const char *name)
{
	for (size_t i = 0; i < config->rules.streams.streams_count; i++)
		if (strcmp(config->rules.streams.streams[i].name, name) == 0)
			return &config->rules.streams.streams[i];
	ck_abort_msg("there is no stream %s", name);
	return NULL;
}

static const struct tact_rule *rule_of(const struct tact_config *config, const char *name)
{
	for (size_t i = 0; i < config->rules.rules_count; i++)
		if (strcmp(config->rules.rules[i].name, name) == 0)
			return &config->rules.rules[i];
	ck_abort_msg("there is no rule %s", name);
	return NULL;
}

/* The first line that differs: whole files are too long for a message of Check. */
static void want_same_lines(const char *got, const char *want)
{
	while (*got != '\0' || *want != '\0') {
		size_t got_length = strcspn(got, "\n"), want_length = strcspn(want, "\n");
		ck_assert_msg(got_length == want_length && memcmp(got, want, got_length) == 0,
		    "got  %.*s\nwant %.*s", (int)got_length, got, (int)want_length, want);
		got += got_length + (got[got_length] == '\n');
		want += want_length + (want[want_length] == '\n');
	}
}

/* ---- values ----------------------------------------------------------------------------------------------
 */

START_TEST(test_defaults_of_the_daemon)
{
	struct tact_config *config = load(LISTENER);
	char host[256] = "";
	gethostname(host, sizeof host - 1);
	want_text("path", config->path, "f");
	want_text("store", config->store, "lmdb:/var/lib/tact/db");
	want_text("audit", config->audit, "/var/lib/tact/audit");
	want_text("key_file", config->key_file, "/etc/tact/key");
	want_text("host", config->host, host);
	want_int("log", config->log_syslog, true);
	want_int("log_level", config->log_level, TACT_LOG_INFO);
	want_text("user", config->user, "tact");
	want_text("socket_group", config->socket_group, "postfix");
	want_text("gate_socket", config->gate_socket, "/run/tact/gate");
	want_text("pass_socket", config->pass_socket, "/var/spool/postfix/public/tact-pass");
	want_text("refuse_socket", config->refuse_socket, "/var/spool/postfix/public/tact-refuse");
	want_text("gate_domain", config->gate_domain, "later.tact.invalid");
	want_text("review_domain", config->review_domain, "review.tact.invalid");
	want_int("rcpt_timeout", config->rcpt_timeout_s, 5);
	want_int("message_timeout", config->message_timeout_s, 20);
	want_int("gate_timeout", config->gate_timeout_s, 2);
	want_int("max_skew", config->max_skew_s, 5);
	want_int("fold_case", config->profile.fold_local_case, true);
	want_int("plus_domains", config->profile.plus_domains_count, 0);
	want_int("listeners", config->listeners_count, 1);
	want_text("listener", config->listeners[0].name, "smtp");
	want_text("socket", config->listeners[0].socket, "inet:8891@127.0.0.1");
	want_int("kind", config->listeners[0].smtp, true);
	tact_config_free(&config);
	want_null("freed configuration", config);
}
END_TEST

START_TEST(test_defaults_of_the_rules)
{
	struct tact_config *config = load(LISTENER);
	const struct tact_rule_set *rules = &config->rules;
	want_int("mode", rules->monitor, false);
	want_int("release_spread", rules->release_spread_s, 0);
	want_int("retry_window", rules->retry_window_s, 5 * DAY);
	want_int("history", rules->history_s, 400 * DAY);
	want_int("slot_length", rules->slot_length_s, 60);
	want_int("slot_size", rules->slot_size, 5000);
	want_int("keep_addresses", rules->keep_addresses, false);
	want_int("rules", rules->rules_count, 3);
	want_int("kind", rules->rules[0].kind, TACT_RULE_SUPPRESSION);
	want_text("name", rules->rules[0].name, "suppression");
	want_int("action", rules->rules[0].action, TACT_REJECT);
	want_int("monitor", rules->rules[0].monitor, false);
	want_int("streams", rules->rules[0].applies.streams.count, 0);
	want_null("text", rules->rules[0].text);
	want_text("name", rules->rules[1].name, "paused-campaign");
	want_int("kind", rules->rules[1].kind, TACT_RULE_BREAKER);
	want_int("action", rules->rules[1].action, TACT_DELAY);
	want_int("about", rules->rules[1].breaker.about, TACT_BREAKER_PAUSED);
	want_int("at_most", rules->rules[1].breaker.complaints_milli, -1);
	want_text("name", rules->rules[2].name, "cancelled-campaign");
	want_int("action", rules->rules[2].action, TACT_REJECT);
	want_int("about", rules->rules[2].breaker.about, TACT_BREAKER_CANCELLED);
	want_int("digest", strlen(rules->digest), 64);
	want_same_lines(rules->text, tact_config_print(arena, config));
	tact_config_free(&config);
}
END_TEST

START_TEST(test_the_built_in_stream)
{
	struct tact_config *config = load(LISTENER "stream \"a\" { sasl_users = x }\n");
	const struct tact_stream *stream = config->rules.streams.strictest;
	want_int("streams", config->rules.streams.streams_count, 2);
	ck_assert_msg(stream == &config->rules.streams.streams[1], "the strictest stream is not the last");
	want_text("name", stream->name, "unmatched");
	want_text("owner", stream->owner, "");
	want_text("brand", stream->brand, "");
	want_int("purpose", stream->purpose, TACT_PROMOTIONAL);
	want_int("priority", stream->priority, 0);
	want_int("exempt", stream->exempt, false);
	want_int("counts", stream->counts, true);
	want_int("max_delay", stream->max_delay_s, 3 * DAY);
	want_int("max_waiting", stream->max_waiting, 1000000);
	want_int("personal_max", stream->personal_max, 50);
	tact_config_free(&config);

	config = load(LISTENER "stream \"b\" { }\nstream \"a\" { }\nstrictest_stream = B\n");
	want_int("streams", config->rules.streams.streams_count, 2);
	want_text("strictest", config->rules.streams.strictest->name, "b");
	tact_config_free(&config);

	config = load(LISTENER "stream \"unmatched\" { priority = 7 }\nstream \"a\" { }\n");
	want_int("streams", config->rules.streams.streams_count, 2);
	want_int("priority", config->rules.streams.strictest->priority, 7);
	tact_config_free(&config);
}
END_TEST

static const char full[] =
    "mode = monitor log = stderr log_level = debug user = \"\" host = relay1 # four in a line\n"
    "delay_by = tempfail quarantine_by = hold max_delay = 1d max_waiting = 9 personal_max = 8 zone = "
    "\"Europe/London\"\n"
    "canonical { fold_case = no plus_domains = {\"GMail.com\", \"b\303\274cher.example\"} dot_domains = "
    "gmail.com }\n"
    "trusted { sasl_users = {platform} networks = {\"192.0.2.0/24\", \"2001:db8::/32\"} listeners = {lan} }\n"
    "listener \"lan\" { socket = \"unix:/run/tact/lan\" }\n"
    "listener \"local\" { socket = \"inet6:8892@::1\" kind = non-smtp }\n"
    "owner \"leeds\" { sensitive = yes }\n"
    "brand \"acme\" { domains = {acme.example} }\n"
    "limit \"first\" { at_most = 4/7d count = {promotional, newsletter} }\n"
    "stream \"offers\" {\n"
    "	owner = leeds brand = acme purpose = newsletter priority = 1 counts = no delay_by = queue "
    "quarantine_by = review\n"
    "	max_delay = 2d max_waiting = 7 personal_max = 6 campaign_header = X-Campaign offer_header = "
    "\"X-Offer\"\n"
    "	sasl_users = {\"leeds\", \"o'hara\"} networks = 10.0.0.0/8 listeners = {lan}\n"
    "	senders = {\"News@ACME.example\", \"@Shop.example\"} from_domains = {\"Acme.example\"}\n"
    "	headers = {'X-Mailer: ^Mail\\d+ \"x\"$', 'Subject:a:b'}\n"
    "}\n"
    "stream \"letters\" { purpose = personal }\n"
    "stream \"receipts\" { purpose = transactional counts = yes exempt = no max_delay = 5h }\n"
    "suppression \"wishes\" { mode = monitor action = quarantine streams = {offers} purposes = {promotional, "
    "personal} brands = acme\n"
    "	owners = {LEEDS} text = \"No \\\"more\\\" of this\" }\n"
    "limit \"calendar\" { at_most = \"2 per calendar-year\" action = reject mode = monitor streams = "
    "{offers, unmatched} text = \"Enough\"\n"
    "	count_streams = {letters} count_owners = {leeds} count_brands = {acme} channels = {email, phone} by "
    "= other-owner\n"
    "	same = offer weights = {\"phone=3\", \"sms=0.25\"} zone = \"America/New_York\" purposes = occasion "
    "brands = acme owners = leeds }\n"
    "limit \"none\" { at_most = 0/36h }\n";

/* The lines of DESIGN §6. */
static const char design[] =
    LISTENER "limit \"weekly\" { at_most = 4/7d count = {promotional, newsletter} }\n"
	     "limit \"calendar\" { at_most = \"2 per calendar-year\" count = appreciation action = reject }\n"
	     "limit \"breathing\" { at_most = 1/20h by = other-owner }\n"
	     "limit \"same-offer\" { at_most = 1/90d same = offer action = reject }\n"
	     "limit \"conversation\" { at_most = 0/5d count = personal direction = any }\n"
	     "limit \"cool-off\" { at_most = 2/30d count = negative rest = 60d }\n"
	     "limit \"silence\" { at_most = \"12 since positive\" action = reject look_ahead = 2d }\n"
	     "limit \"own-wish\" { at_most = recipient direction = out }\n"
	     "limit \"not-only\" { at_least = 1/365d count = {promotional, newsletter, personal, positive, "
	     "neutral} action = reject direction = in }\n";

START_TEST(test_values_of_the_top)
{
	struct tact_config *config = load(full);
	const struct tact_stream_set *set = &config->rules.streams;
	want_int("mode", config->rules.monitor, true);
	want_int("log", config->log_syslog, false);
	want_int("log_level", config->log_level, TACT_LOG_DEBUG);
	want_text("user", config->user, "");
	want_text("host", config->host, "relay1");
	want_int("fold_case", config->profile.fold_local_case, false);
	want_int("plus_domains", config->profile.plus_domains_count, 2);
	want_text("plus_domains", config->profile.plus_domains[0], "gmail.com");
	want_text("plus_domains", config->profile.plus_domains[1], "xn--bcher-kva.example");
	want_text("dot_domains", config->profile.dot_domains[0], "gmail.com");
	want_text("trusted sasl_users", set->trusted_sasl_users[0], "platform");
	want_int("trusted networks", set->trusted_networks_count, 2);
	want_int("trusted networks", set->trusted_networks[0].bits, 120);
	want_int("trusted networks", set->trusted_networks[1].bits, 32);
	want_text("trusted listeners", set->trusted_listeners[0], "lan");
	want_int("listeners", config->listeners_count, 2);
	want_text("listeners", config->listeners[1].name, "local");
	want_int("kind", config->listeners[0].smtp, true);
	want_int("kind", config->listeners[1].smtp, false);
	tact_config_free(&config);
}
END_TEST

START_TEST(test_values_of_a_stream)
{
	struct tact_config *config = load(full);
	const struct tact_stream *s = stream_of(config, "offers");
	want_text("owner", s->owner, "leeds");
	want_text("brand", s->brand, "acme");
	want_int("purpose", s->purpose, TACT_NEWSLETTER);
	want_int("priority", s->priority, 1);
	want_int("exempt", s->exempt, false);
	want_int("counts", s->counts, false);
	want_int("delay_by", s->delay_by, TACT_DELAY_QUEUE);
	want_int("quarantine_by", s->quarantine_by, TACT_QUARANTINE_REVIEW);
	want_int("max_delay", s->max_delay_s, 2 * DAY);
	want_int("max_waiting", s->max_waiting, 7);
	want_int("personal_max", s->personal_max, 6);
	want_text("campaign_header", s->campaign_header, "X-Campaign");
	want_text("offer_header", s->offer_header, "X-Offer");
	want_text("sasl_users", s->sasl_users[1], "o'hara");
	want_int("networks", s->networks[0].bits, 104);
	want_text("listeners", s->listeners[0], "lan");
	want_text("senders", s->senders[0], "News@acme.example");
	want_text("senders", s->senders[1], "@shop.example");
	want_text("from_domains", s->from_domains[0], "acme.example");
	want_int("headers", s->headers_count, 2);
	want_text("header", s->headers[0].name, "X-Mailer");
	want_text("header", s->headers[0].text, "^Mail\\d+ \"x\"$");
	want_text("header", s->headers[1].text, "a:b");
	want_int("pattern", tact_facts_match_pattern(s->headers[0].pattern, "Mail22 \"x\""), TACT_YES);
	want_int("pattern", tact_facts_match_pattern(s->headers[0].pattern, "Maild \"x\""), TACT_NO);
	tact_config_free(&config);
}
END_TEST

START_TEST(test_what_a_stream_inherits)
{
	struct tact_config *config = load(full);
	const struct tact_stream *letters = stream_of(config, "letters"),
				 *receipts = stream_of(config, "receipts");
	want_int("purpose", letters->purpose, TACT_PERSONAL);
	want_int("priority", letters->priority, 500);
	want_int("exempt", letters->exempt, true);
	want_int("counts", letters->counts, true);
	want_int("delay_by", letters->delay_by, TACT_DELAY_TEMPFAIL);
	want_int("quarantine_by", letters->quarantine_by, TACT_QUARANTINE_HOLD);
	want_int("max_delay", letters->max_delay_s, DAY);
	want_int("max_waiting", letters->max_waiting, 9);
	want_int("personal_max", letters->personal_max, 8);
	want_null("campaign_header", letters->campaign_header);
	want_text("owner", letters->owner, "");
	want_int("exempt", receipts->exempt, false);
	want_int("counts", receipts->counts, true);
	tact_config_free(&config);

	config =
	    load(LISTENER "stream \"a\" { direction = in listeners = {smtp} }\n"
			  "stream \"b\" { direction = in networks = 192.0.2.1 purpose = transactional }\n"
			  "stream \"c\" { direction = out }\n");
	want_int("direction", stream_of(config, "a")->direction, TACT_IN);
	want_int("purpose", stream_of(config, "a")->purpose, TACT_PERSONAL);
	want_int("exempt", stream_of(config, "a")->exempt, true);
	want_int("purpose", stream_of(config, "b")->purpose, TACT_TRANSACTIONAL);
	want_int("direction", stream_of(config, "c")->direction, TACT_OUT);
	want_int("purpose", stream_of(config, "c")->purpose, TACT_PROMOTIONAL);
	tact_config_free(&config);

	config = load(LISTENER "stream \"r\" { purpose = transactional }\n");
	want_int("exempt", stream_of(config, "r")->exempt, true);
	want_int("counts", stream_of(config, "r")->counts, false);
	tact_config_free(&config);
}
END_TEST

START_TEST(test_values_of_rules)
{
	struct tact_config *config = load(full);
	const struct tact_rule *wishes = rule_of(config, "wishes"), *calendar = rule_of(config, "calendar");
	want_int("kind", wishes->kind, TACT_RULE_SUPPRESSION);
	want_int("action", wishes->action, TACT_QUARANTINE);
	want_int("mode", wishes->monitor, true);
	want_text("streams", wishes->applies.streams.names[0], "offers");
	want_int("purposes", wishes->applies.purposes, 1 << TACT_PROMOTIONAL | 1 << TACT_PERSONAL);
	want_text("brands", wishes->applies.brands.names[0], "acme");
	want_text("owners", wishes->applies.owners.names[0], "LEEDS");
	want_text("text", wishes->text, "No \"more\" of this");
	want_int("kind", calendar->kind, TACT_RULE_LIMIT);
	want_int("action", calendar->action, TACT_REJECT);
	want_int("at_most", calendar->limit.at_most_milli, 2000);
	want_int("window", calendar->limit.window_s, 0);
	want_int("period", calendar->limit.period, TACT_YEAR);
	want_text("window", calendar->limit.window, "calendar-year");
	want_text("zone", tact_zone_name(calendar->limit.zone), "America/New_York");
	want_int("count", calendar->limit.purposes, 0);
	want_int("channels", calendar->limit.channels, 1 << TACT_EMAIL | 1 << TACT_PHONE);
	want_text("count_streams", calendar->limit.streams.names[0], "letters");
	want_text("count_owners", calendar->limit.owners.names[0], "leeds");
	want_text("count_brands", calendar->limit.brands.names[0], "acme");
	want_int("by", calendar->limit.by, TACT_BY_OTHER_OWNER);
	want_int("same", calendar->limit.same, TACT_SAME_OFFER);
	want_int("weight", calendar->limit.weight_milli[TACT_PHONE], 3000);
	want_int("weight", calendar->limit.weight_milli[TACT_SMS], 250);
	want_int("weight", calendar->limit.weight_milli[TACT_EMAIL], 1000);
	tact_config_free(&config);
}
END_TEST

START_TEST(test_breakers)
{
	struct tact_config *config =
	    load(LISTENER "breaker \"stop\" { complaints = \"0.3%\" unsubscribes = \"0%\" window = 24h }\n"
			  "breaker \"hold\" { bounces = \"12.345%\" at_least = 5 action = delay }\n");
	const struct tact_breaker *stop = &config->rules.rules[1].breaker,
				  *hold = &config->rules.rules[2].breaker;
	want_int("rules", config->rules.rules_count, 5);
	want_int("about", stop->about, TACT_BREAKER_RATES);
	want_int("complaints", stop->complaints_milli, 300);
	want_int("unsubscribes", stop->unsubscribes_milli, 0);
	want_int("bounces", stop->bounces_milli, -1);
	want_int("at_least", stop->at_least, 100);
	want_int("window", stop->window_s, DAY);
	want_int("action", config->rules.rules[1].action, TACT_REJECT);
	want_int("bounces", hold->bounces_milli, 12345);
	want_int("complaints", hold->complaints_milli, -1);
	want_int("at_least", hold->at_least, 5);
	want_int("window", hold->window_s, 0);
	want_int("action", config->rules.rules[2].action, TACT_DELAY);
	tact_config_free(&config);
}
END_TEST

/* A suppression section that is there is the only one; kinds are mixed as in the file. */
START_TEST(test_order_of_rules)
{
	struct tact_config *config = load(full);
	static const char *const want[] = {
	    "first", "wishes", "calendar", "none", "paused-campaign", "cancelled-campaign"};
	want_int("rules", config->rules.rules_count, 6);
	for (size_t i = 0; i < 6; i++)
		want_text("rule", config->rules.rules[i].name, want[i]);
	const struct tact_limit *first = &config->rules.rules[0].limit, *none = &config->rules.rules[3].limit;
	want_int("at_most", first->at_most_milli, 4000);
	want_int("window", first->window_s, 7 * DAY);
	want_text("window", first->window, "7d");
	want_int("action", config->rules.rules[0].action, TACT_DELAY);
	want_int("count", first->purposes, 1 << TACT_PROMOTIONAL | 1 << TACT_NEWSLETTER);
	want_text("zone", tact_zone_name(first->zone), "Europe/London");
	want_int("at_most", none->at_most_milli, 0);
	want_int("window", none->window_s, 36 * 3600);
	tact_config_free(&config);
}
END_TEST

START_TEST(test_lists)
{
	struct tact_config *config =
	    load(LISTENER "brand \"a\" { domains = {a.example,\n # a comment inside\n b.example /* and one "
			  "*/, } domains += c.example }\n"
			  "limit \"l\" { at_most = 1/1d brands = a }\n");
	ck_assert_msg(
	    strstr(config->rules.text, "domains = {\"a.example\", \"b.example\", \"c.example\"}") != NULL,
	    "got %s", config->rules.text);
	tact_config_free(&config);
}
END_TEST

/* Patterns keep their backslashes, and nothing is taken from the environment. */
START_TEST(test_quotes)
{
	setenv("HOME", "/elsewhere", 1);
	struct tact_config *config =
	    load(LISTENER "stream \"a\" { headers = {'A: \\d\\'\\\\ ${HOME} # /* //', \"B: \\\\w{2}$\"} }\n");
	const struct tact_stream *s = stream_of(config, "a");
	want_text("pattern", s->headers[0].text, "\\d'\\ ${HOME} # /* //");
	want_text("pattern", s->headers[1].text, "\\w{2}$");
	tact_config_free(&config);
}
END_TEST

/* ---- what is printed -------------------------------------------------------------------------------------
 */

static void check_round_trip(const char *text)
{
	struct tact_config *first = load(text);
	char *printed = tact_config_print(arena, first);
	struct tact_config *second = load(printed);
	want_same_lines(tact_config_print(arena, second), printed);
	want_same_lines(second->rules.text, first->rules.text);
	want_text("digest", second->rules.digest, first->rules.digest);
	want_int("rules", second->rules.rules_count, first->rules.rules_count);
	want_int("streams", second->rules.streams.streams_count, first->rules.streams.streams_count);
	want_text("strictest", second->rules.streams.strictest->name, first->rules.streams.strictest->name);
	struct tact_config_mistakes differences = {.arena = arena};
	tact_config_compare(first, second, &differences);
	want_int("differences", differences.count, 0);
	tact_config_free(&first);
	tact_config_free(&second);
}

START_TEST(test_forms_of_limits)
{
	static const struct {
		const char *name, *window;
		enum tact_limit_form form;
		int64_t milli, window_s, rest_s, look_ahead_s;
		unsigned purposes, sentiments, directions;
	} rows[] = {
	    {"conversation", "5d", TACT_LIMIT_AT_MOST, 0, 5 * DAY, 0, 0, 1U << TACT_PERSONAL, 0, 3},
	    {"cool-off", "30d", TACT_LIMIT_AT_MOST, 2000, 30 * DAY, 60 * DAY, 0, 0, 1U << TACT_NEGATIVE, 0},
	    {"silence", "since positive", TACT_LIMIT_SINCE, 12000, 0, 0, 2 * DAY, 0, 0, 0},
	    {"own-wish", "", TACT_LIMIT_RECIPIENT, 0, 0, 0, 0, 0, 0, 1},
	    {"not-only", "365d", TACT_LIMIT_AT_LEAST, 1000, 365 * DAY, 0, 0,
		1U << TACT_PROMOTIONAL | 1U << TACT_NEWSLETTER | 1U << TACT_PERSONAL,
		1U << TACT_POSITIVE | 1U << TACT_NEUTRAL, 2},
	};
	struct tact_config *config = load(design);
	want_int("rules and the three that are always there", (int64_t)config->rules.rules_count, 12);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct tact_rule *rule = &config->rules.rules[5 + i];
		want_text("name", rule->name, rows[i].name);
		want_text(rows[i].name, rule->limit.window, rows[i].window);
		want_int(rows[i].name, rule->limit.form, rows[i].form);
		want_int(rows[i].name, rule->limit.at_most_milli, rows[i].milli);
		want_int(rows[i].name, rule->limit.window_s, rows[i].window_s);
		want_int(rows[i].name, rule->limit.rest_s, rows[i].rest_s);
		want_int(rows[i].name, rule->limit.look_ahead_s, rows[i].look_ahead_s);
		want_int(rows[i].name, rule->limit.purposes, rows[i].purposes);
		want_int(rows[i].name, rule->limit.sentiments, rows[i].sentiments);
		want_int(rows[i].name, rule->limit.directions, rows[i].directions);
	}
	tact_config_free(&config);
}
END_TEST

START_TEST(test_round_trips)
{
	static const char *const texts[] = {
	    LISTENER,
	    full,
	    design,
	    LISTENER "stream \"a\" { headers = {'X: ${HOME} it\\'s', 'Y: #'} }\n",
	    LISTENER "stream \"a\" { networks = {\"0.0.0.0/0\", \"::/0\", \"::1\", \"192.0.2.7\", "
		     "\"::ffff:192.0.2.0/120\"} }\n",
	    LISTENER "limit \"a\" { at_most = 0.5/90s weights = {\"email=0\", \"phone=0.125\", "
		     "\"fax=999999.999\", \"web=10.01\"} }\n",
	    LISTENER "limit \"d\" { at_most = \"1 per calendar-day\" }\nlimit \"w\" { at_most = \"1.5 per "
		     "calendar-week\" }\n"
		     "limit \"m\" { at_most = \"0 per calendar-month\" }\nlimit \"q\" { at_most = \"9 per "
		     "calendar-quarter\" }\n",
	    LISTENER "limit \"z\" { at_most = 1/1d }\nsuppression \"s\" { text = \"it's 'so' \\\\ $\" "
		     "}\nlimit \"a\" { at_most = 1/2w }\n",
	    LISTENER "stream \"x\" { purpose = personal }\nstream \"y\" { }\nstrictest_stream = y\n",
	    LISTENER "stream \"unmatched\" { purpose = newsletter sasl_users = {\"a b\", \"#\", \"{\", "
		     "'${X'} }\nstream \"b\" { }\n",
	    LISTENER "max_delay = 30d history = 3660d release_spread = 1d slot_length = 86399s retry_window "
		     "= 1h user = \"\"\n",
	    LISTENER
	    "gate_domain = \"b\303\274cher.example\" host = \"x\" socket_group = \"\" store = \"memory:\"\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		check_round_trip(texts[i]);
}
END_TEST

/* Two files that mean the same have one digest; one letter's difference in meaning has another. */
START_TEST(test_digest)
{
	struct tact_config *a = load(LISTENER "host = h max_delay = 72h\n"),
			   *b = load("# c\nmax_delay = 3d\n" LISTENER "host = 'h'\n"),
			   *c = load(LISTENER "host = h max_delay = 71h\n");
	want_text("digest", a->rules.digest, b->rules.digest);
	ck_assert_msg(
	    strcmp(a->rules.digest, c->rules.digest) != 0, "got the same digest for another max_delay");
	tact_config_free(&a);
	tact_config_free(&b);
	tact_config_free(&c);
}
END_TEST

/* ---- reload ----------------------------------------------------------------------------------------------
 */

static char *differences(const char *running_text, const char *fresh_text)
{
	struct tact_config *running = load(running_text), *fresh = load(fresh_text);
	struct tact_config_mistakes found = {.arena = arena};
	char *all = tact_arena_strdup(arena, "");
	tact_config_compare(running, fresh, &found);
	for (size_t i = 0; i < found.count; i++)
		all = tact_arena_printf(arena, "%s%s\n", all, found.texts[i]);
	tact_config_free(&running);
	tact_config_free(&fresh);
	return all;
}

/* Windows' editors begin a file with it; lines stay what they are, and elsewhere it is no letter of a name.
 */
START_TEST(test_byte_order_mark)
{
	struct tact_config *plain = load(LISTENER), *marked = load("\xef\xbb\xbf" LISTENER);
	want_text("digest", marked->rules.digest, plain->rules.digest);
	want_text("text", marked->text, LISTENER);
	tact_config_free(&plain);
	tact_config_free(&marked);
	struct tact_config_mistakes mistakes = {.arena = arena};
	want_int("of one in the middle",
	    tact_config_load("f", LISTENER "\xef\xbb\xbfmode = monitor\n", &plain, &mistakes), TACT_INVALID);
	want_int("mistakes", mistakes.count, 1);
}
END_TEST

START_TEST(test_what_a_reload_may_change)
{
	want_text("nothing", differences(LISTENER, LISTENER), "");
	want_text("reloadable",
	    differences(LISTENER, LISTENER
		"mode = monitor log_level = debug max_delay = 1d history = 90d strictest_stream = a\n"
		"stream \"a\" { }\nlimit \"b\" { at_most = 1/1d }\ntrusted { sasl_users = x }\n"
		"zone = \"Europe/London\" keep_addresses = yes release_spread = 5m slot_size = 7\n"),
	    "");
	want_text("settings",
	    differences(LISTENER, LISTENER "store = \"memory:\" slot_length = 30s gate_domain = x.invalid\n"),
	    "store: needs a restart\ngate_domain: needs a restart\nslot_length: needs a restart\n");
	want_text("canonical",
	    differences(LISTENER, LISTENER "canonical { fold_case = no dot_domains = gmail.com }\n"),
	    "canonical fold_case: needs a restart\ncanonical dot_domains: needs a restart\n");
	want_text("a listener more",
	    differences(LISTENER, LISTENER "listener \"b\" { socket = \"inet:2\" }\n"),
	    "listener: needs a restart\n");
	want_text("another socket", differences(LISTENER, "listener \"smtp\" { socket = \"inet:2\" }\n"),
	    "listener: needs a restart\n");
}
END_TEST

/* ---- limits and the table --------------------------------------------------------------------------------
 */

START_TEST(test_at_most)
{
	static const struct {
		const char *text;
		int result;
		int64_t milli, window_s;
		enum tact_period period;
		const char *window;
	} rows[] = {
	    {"4/7d", TACT_OK, 4000, 7 * DAY, TACT_DAY, "7d"},
	    {"0/5d", TACT_OK, 0, 5 * DAY, TACT_DAY, "5d"},
	    {"0.5/90s", TACT_OK, 500, 90, TACT_DAY, "90s"},
	    {"999999/1s", TACT_OK, 999999000, 1, TACT_DAY, "1s"},
	    {"2 per calendar-day", TACT_OK, 2000, 0, TACT_DAY, "calendar-day"},
	    {"2 per calendar-week", TACT_OK, 2000, 0, TACT_WEEK, "calendar-week"},
	    {"2 per calendar-month", TACT_OK, 2000, 0, TACT_MONTH, "calendar-month"},
	    {"2 per calendar-quarter", TACT_OK, 2000, 0, TACT_QUARTER, "calendar-quarter"},
	    {"2.125 per calendar-year", TACT_OK, 2125, 0, TACT_YEAR, "calendar-year"},
	    {"", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"4", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"4/", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"/7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"4/0", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"4/7", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"4/7d ", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {" 4/7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"+4/7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"-4/7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {".5/7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"5./7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"1.2345/7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"1000000/7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"99999999999999999999/7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"4/7d/7d", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"2 per year", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {"2 per calendar-year ", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	    {" per calendar-year", TACT_INVALID, 0, 0, TACT_DAY, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_limit limit = {.window = "untouched"};
		struct tact_error err = {""};
		int result = tact_config_parse_at_most(rows[i].text, &limit, &err);
		want_int(rows[i].text, result, rows[i].result);
		want_text(rows[i].text, limit.window, rows[i].window != NULL ? rows[i].window : "untouched");
		want_int(rows[i].text, limit.at_most_milli, rows[i].milli);
		want_int(rows[i].text, limit.window_s, rows[i].window_s);
		want_int(rows[i].text, limit.period, rows[i].period);
		want_int("text of the error", err.text[0] == '\0', result == TACT_OK);
	}
}
END_TEST

START_TEST(test_table)
{
	for (size_t i = 0; i < tact_config_option_count(); i++) {
		const struct tact_option *option = tact_config_option_at(i);
		ck_assert_msg(*option->name != '\0' && *option->type != '\0' && *option->range != '\0',
		    "row %zu is not filled", i);
		ck_assert_msg(option->help[strlen(option->help) - 1] == '.', "%s: help is no sentence: %s",
		    option->name, option->help);
		ck_assert_msg(!option->required || *option->preset == '\0', "%s: required and with a default",
		    option->name);
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(strcmp(tact_config_option_at(j)->section, option->section) != 0 ||
					  strcmp(tact_config_option_at(j)->name, option->name) != 0,
			    "%s %s stands twice", option->section, option->name);
	}
	want_null("past the end", tact_config_option_at(tact_config_option_count()));
}
END_TEST

/* Every default, written out, is accepted and changes nothing. */
START_TEST(test_every_default_written_out)
{
	struct tact_config *config = load(LISTENER);
	char *text = tact_arena_strdup(arena, LISTENER);
	for (size_t i = 0; i < tact_config_option_count(); i++) {
		const struct tact_option *option = tact_config_option_at(i);
		if (*option->section == '\0' && *option->preset != '\0')
			text =
			    tact_arena_printf(arena, "%s%s = \"%s\"\n", text, option->name, option->preset);
	}
	struct tact_config *written = load(text);
	want_same_lines(written->rules.text, config->rules.text);
	tact_config_free(&config);
	tact_config_free(&written);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_defaults_of_the_daemon);
	tcase_add_test(tcase, test_defaults_of_the_rules);
	tcase_add_test(tcase, test_the_built_in_stream);
	tcase_add_test(tcase, test_values_of_the_top);
	tcase_add_test(tcase, test_values_of_a_stream);
	tcase_add_test(tcase, test_what_a_stream_inherits);
	tcase_add_test(tcase, test_values_of_rules);
	tcase_add_test(tcase, test_breakers);
	tcase_add_test(tcase, test_order_of_rules);
	tcase_add_test(tcase, test_lists);
	tcase_add_test(tcase, test_quotes);
	tcase_add_test(tcase, test_forms_of_limits);
	tcase_add_test(tcase, test_round_trips);
	tcase_add_test(tcase, test_digest);
	tcase_add_test(tcase, test_byte_order_mark);
	tcase_add_test(tcase, test_what_a_reload_may_change);
	tcase_add_test(tcase, test_at_most);
	tcase_add_test(tcase, test_table);
	tcase_add_test(tcase, test_every_default_written_out);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
