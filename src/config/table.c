/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The one table of options (the kinds of rules in table_rules.c). The parser, the printed configuration, the
 * sample file and the manual page are all held to it; nothing about an option stands anywhere else.
 */
#include <config.h>

#include <string.h>

#include "rows.h"

const struct word tact_config_yes_no[] = {{"yes", true}, {"no", false}, {NULL, 0}};
const struct word tact_config_modes[] = {{"enforce", false}, {"monitor", true}, {NULL, 0}};
static const struct word logs[] = {{"syslog", true}, {"stderr", false}, {NULL, 0}};
static const struct word levels[] = {{"debug", TACT_LOG_DEBUG}, {"info", TACT_LOG_INFO},
    {"warning", TACT_LOG_WARNING}, {"error", TACT_LOG_ERROR}, {NULL, 0}};
static const struct word delays[] = {
    {"queue", TACT_DELAY_QUEUE}, {"tempfail", TACT_DELAY_TEMPFAIL}, {NULL, 0}};
static const struct word quarantines[] = {
    {"review", TACT_QUARANTINE_REVIEW}, {"hold", TACT_QUARANTINE_HOLD}, {NULL, 0}};
static const struct word directions[] = {{"out", TACT_OUT}, {"in", TACT_IN}, {NULL, 0}};
static const struct word failures[] = {{"tempfail", 0}, {NULL, 0}};
static const struct word kinds[] = {{"smtp", true}, {"non-smtp", false}, {NULL, 0}};
const struct word tact_config_purposes[] = {{"promotional", TACT_PROMOTIONAL},
    {"newsletter", TACT_NEWSLETTER}, {"appreciation", TACT_APPRECIATION}, {"occasion", TACT_OCCASION},
    {"transactional", TACT_TRANSACTIONAL}, {"personal", TACT_PERSONAL}, {NULL, 0}};

static const struct row rows[] = {
    /* ---- the daemon ---- */
    OPTION("", "mode", word, "", "enforce or monitor", "enforce", false, true,
	"With monitor everything is decided and recorded, and nothing is done.",
	AT(whole, config.rules.monitor), .words = tact_config_modes),
    OPTION("", "store", url, "", "lmdb:/FOLDER, postgres:CONNINFO, memory: or fail:", "lmdb:/var/lib/tact/db", false, false,
	"Where the dossiers are kept.", AT(whole, config.store), .most = 1000),
    OPTION("", "audit", path, "", "an absolute path of at most 1000 characters", "/var/lib/tact/audit", false,
	false, "The folder of the evidence.", AT(whole, config.audit), .most = 1000),
    OPTION("", "key_file", path, "", "an absolute path of at most 1000 characters", "/etc/tact/key", false,
	false, "The secret by which recipients are named in the store; made by tact key new.",
	AT(whole, config.key_file), .most = 1000),
    OPTION("", "host", host, "", HOST_NAME, "", false, false,
	"The name of this relay in evidence and claims; blank, what this machine calls itself.",
	AT(whole, config.host), .blank = true),
    OPTION("", "user", text, "", "a user name of at most 64 characters", "tact", false, false,
	"Whom tactd becomes when started by root; blank, nobody else.", AT(whole, config.user), .most = 64,
	.blank = true),
    OPTION("", "socket_group", text, "", "a group name of at most 64 characters", "postfix", false, false,
	"The group that may use our unix sockets; blank, the group of the user.",
	AT(whole, config.socket_group), .most = 64, .blank = true),
    OPTION("", "log", word, "", "syslog or stderr", "syslog", false, false, "Where log lines go.",
	AT(whole, config.log_syslog), .words = logs),
    OPTION("", "log_level", word, "", "debug, info, warning or error", "info", false, true,
	"The least important line that is logged.", AT(whole, config.log_level), .words = levels),
    OPTION("", "zone", zone, "", "a name of the time zone database", "UTC", false, true,
	"The zone of calendar windows, unless a rule names its own.", AT(whole, config.zone)),

    /* ---- the gate ---- */
    OPTION("", "gate_socket", path, "", "an absolute path of at most 107 characters", "/run/tact/gate", false,
	false, "The unix socket on which tactd takes delayed mail back from Postfix (LMTP).",
	AT(whole, config.gate_socket), .most = 107),
    OPTION("", "pass_socket", path, "", "an absolute path of at most 107 characters",
	"/var/spool/postfix/public/tact-pass", false, false,
	"The unix socket of Postfix's re-injection listener, to which released mail is passed on.",
	AT(whole, config.pass_socket), .most = 107),
    OPTION("", "refuse_socket", path, "", "an absolute path of at most 107 characters",
	"/var/spool/postfix/public/tact-refuse", false, false,
	"The unix socket of Postfix's refusing listener, which makes bounces that name the real person.",
	AT(whole, config.refuse_socket), .most = 107),
    OPTION("", "gate_domain", domain, "", "a domain that exists nowhere", "later.tact.invalid", false, false,
	"The domain below which delayed recipients wait in Postfix's queue.", AT(whole, config.gate_domain)),
    OPTION("", "review_domain", domain, "", "a domain that exists nowhere", "review.tact.invalid", false,
	false, "The domain below which quarantined recipients wait in Postfix's queue.",
	AT(whole, config.review_domain)),

    /* ---- delays ---- */
    OPTION("", "delay_by", word, "", "queue or tempfail", "queue", false, true,
	"How mail is delayed, unless a stream says otherwise: kept in our Postfix's queue, or the client "
	"told to come again.",
	AT(whole, delay_by), .words = delays),
    OPTION("", "quarantine_by", word, "", "review or hold", "review", false, true,
	"How mail is quarantined, unless a stream says otherwise: for tact quarantine, or in Postfix's hold "
	"queue.",
	AT(whole, quarantine_by), .words = quarantines),
    OPTION("", "max_delay", duration, "s m h d w", "1s to 30d", "3d", false, true,
	"The longest delay, unless a stream says otherwise; less than Postfix's maximal_queue_lifetime.",
	AT(whole, max_delay_s), BETWEEN(1, 30 * DAY)),
    OPTION("", "max_waiting", integer, "recipients", "0 to 1000000000", "1000000", false, true,
	"How many recipients of one stream may wait at a time, unless the stream says otherwise.",
	AT(whole, max_waiting), BETWEEN(0, 1000000000)),
    OPTION("", "slot_length", duration, "s m h d w", "1s to 1d", "60s", false, false,
	"The length of a slot, which is woken as a whole.", AT(whole, config.rules.slot_length_s),
	BETWEEN(1, DAY)),
    OPTION("", "slot_size", integer, "recipients", "1 to 1000000", "5000", false, true,
	"How many recipients one slot may hold; at most a quarter of Postfix's qmgr_message_active_limit.",
	AT(whole, config.rules.slot_size), BETWEEN(1, 1000000)),
    OPTION("", "release_spread", duration, "s m h d w", "0 to 1d", "0", false, true,
	"Over how long mails that fall due together are spread.", AT(whole, config.rules.release_spread_s),
	BETWEEN(0, DAY)),

    /* ---- memory ---- */
    OPTION("", "history", duration, "s m h d w", "1d to 3660d", "400d", false, true,
	"How long contacts are remembered; no less than the longest window.",
	AT(whole, config.rules.history_s), BETWEEN(DAY, 3660 * (int64_t)DAY)),
    OPTION("", "retry_window", duration, "s m h d w", "1h to 30d", "5d", false, true,
	"How long the same mail to the same person counts as one contact.",
	AT(whole, config.rules.retry_window_s), BETWEEN(HOUR, 30 * DAY)),
    OPTION("", "keep_addresses", yes_no, "", "yes or no", "no", false, true,
	"Whether plain addresses are stored beside the keys.", AT(whole, config.rules.keep_addresses),
	.words = tact_config_yes_no),

    OPTION("", "content_max", integer, "bytes", "4096 to 1048576", "1048576", false, true,
	"How much of a message content rules read; what is larger they cannot read.",
	AT(whole, config.rules.content_max), BETWEEN(4096, 1048576)),

    /* ---- trouble ---- */
    OPTION("", "on_store_failure", word, "", "tempfail", "tempfail", false, false,
	"What the client is told while the store cannot be asked.", AT(whole, on_store_failure),
	.words = failures),
    OPTION("", "rcpt_timeout", duration, "s m h d w", "1s to 60s", "5s", false, false,
	"The longest an answer to RCPT may take.", AT(whole, config.rcpt_timeout_s), BETWEEN(1, MINUTE)),
    OPTION("", "message_timeout", duration, "s m h d w", "1s to 4m", "20s", false, false,
	"The longest an answer at end of message may take; less than Postfix's milter_content_timeout.",
	AT(whole, config.message_timeout_s), BETWEEN(1, 4 * MINUTE)),
    OPTION("", "gate_timeout", duration, "s m h d w", "1s to 30s", "2s", false, false,
	"The longest an answer of the gate may take.", AT(whole, config.gate_timeout_s), BETWEEN(1, 30)),
    OPTION("", "max_skew", duration, "s m h d w", "1s to 1h", "5s", false, false,
	"By how much our clock may differ from the store's before mail is refused for now.",
	AT(whole, config.max_skew_s), BETWEEN(1, HOUR)),

    /* ---- streams in general ---- */
    OPTION("", "strictest_stream", text, "", "the name of a stream section, or unmatched", STREAM_UNMATCHED,
	false, true,
	"The stream of mail that matches none, is ambiguous, or is not the personal mail it calls itself. It "
	"must not be exempt and must count.",
	AT(whole, strictest), .most = 64),
    OPTION("", "personal_max", integer, "recipients a day", "1 to 1000000", "50", false, true,
	"How many recipients a day one sender may write one subject to and still be personal, unless a "
	"stream says otherwise.",
	AT(whole, personal_max), BETWEEN(1, 1000000)),

    OPTION("canonical", "fold_case", yes_no, "", "yes or no", "yes", false, false,
	"Whether Ann@example.com and ann@example.com are one person.",
	AT(whole, config.profile.fold_local_case), .words = tact_config_yes_no),
    OPTION("canonical", "plus_domains", domains, "", "domains", "", false, false,
	"Domains where ann+shop is ann.",
	LIST_AT(whole, config.profile.plus_domains, config.profile.plus_domains_count)),
    OPTION("canonical", "dot_domains", domains, "", "domains", "", false, false,
	"Domains where a.n.n is ann.",
	LIST_AT(whole, config.profile.dot_domains, config.profile.dot_domains_count)),

    OPTION("trusted", "sasl_users", names, "", "SASL login names", "", false, true,
	"Submitters whose header fields are believed.",
	LIST_AT(
	    whole, config.rules.streams.trusted_sasl_users, config.rules.streams.trusted_sasl_users_count)),
    OPTION("trusted", "networks", networks, "", "addresses or networks such as 192.0.2.0/24 or 2001:db8::/32",
	"", false, true, "Clients whose header fields are believed.",
	LIST_AT(whole, config.rules.streams.trusted_networks, config.rules.streams.trusted_networks_count)),
    OPTION("trusted", "listeners", names, "", "names of listener sections", "", false, true,
	"Listeners on which every header field is believed.",
	LIST_AT(whole, config.rules.streams.trusted_listeners, config.rules.streams.trusted_listeners_count)),

    OPTION("listener", "socket", socket, "", "inet:PORT@HOST, inet6:PORT@HOST or unix:/PATH", "", true, false,
	"Where Postfix reaches this milter.", AT(tact_listener, socket)),
    OPTION("listener", "kind", word, "", "smtp or non-smtp", "smtp", false, false,
	"Whether smtpd asks here, or cleanup for mail of sendmail(1).", AT(tact_listener, smtp),
	.words = kinds),

    OPTION("owner", "sensitive", yes_no, "", "yes or no", "no", false, true,
	"Whether this desk's mail tells something delicate of those who get it.", AT(tact_owner, sensitive),
	.words = tact_config_yes_no),
    OPTION("owner", "local", yes_no, "", "yes or no", "no", false, true,
	"Whether this desk is a branch, to which recipients belong.", AT(tact_owner, local),
	.words = tact_config_yes_no),

    OPTION("brand", "domains", domains, "", "domains", "", false, true, "The domains this brand writes From.",
	LIST_AT(tact_brand, domains.names, domains.count)),

    OPTION("pattern", "match", searches, "", "patterns as in pcre2pattern(3)", "", true, true,
	"What is looked for: any of these, in characters of UTF-8.",
	LIST_AT(search, match.names, match.count)),

    /* ---- a stream: what it is ---- */
    OPTION("stream", "owner", text, "", "the name of an owner section", "", false, true,
	"The desk that sends.", AT(tact_stream, owner), .most = 64, .blank = true),
    OPTION("stream", "brand", text, "", "the name of a brand section", "", false, true,
	"The brand it is sent under.", AT(tact_stream, brand), .most = 64, .blank = true),
    OPTION("stream", "direction", word, "", "out or in", "out", false, true,
	"Whether the mail goes out to the people it is about, or comes in from them.",
	AT(tact_stream, direction), .words = directions),
    OPTION("stream", "purpose", word, "", PURPOSES, "promotional", false, true, "What the mail is for.",
	AT(tact_stream, purpose), .words = tact_config_purposes),
    OPTION("stream", "priority", integer, "", "0 to 1000", "500", false, true,
	"Who gets the place when two want it: the higher.", AT(tact_stream, priority), BETWEEN(0, 1000)),
    OPTION("stream", "exempt", yes_no, "", "yes or no", "", false, true,
	"Whether limits do not hold this mail back; by default yes for personal and transactional mail, else "
	"no.",
	AT(tact_stream, exempt), .words = tact_config_yes_no),
    OPTION("stream", "counts", yes_no, "", "yes or no", "", false, true,
	"Whether this mail counts toward limits; by default no for transactional mail, else yes.",
	AT(tact_stream, counts), .words = tact_config_yes_no),
    OPTION("stream", "delay_by", word, "", "queue or tempfail", "", false, true,
	"As at the top level, for this stream.", AT(tact_stream, delay_by), .words = delays),
    OPTION("stream", "quarantine_by", word, "", "review or hold", "", false, true,
	"As at the top level, for this stream.", AT(tact_stream, quarantine_by), .words = quarantines),
    OPTION("stream", "max_delay", duration, "s m h d w", "1s to 30d", "", false, true,
	"As at the top level, for this stream.", AT(tact_stream, max_delay_s), BETWEEN(1, 30 * DAY)),
    OPTION("stream", "max_waiting", integer, "recipients", "0 to 1000000000", "", false, true,
	"As at the top level, for this stream.", AT(tact_stream, max_waiting), BETWEEN(0, 1000000000)),
    OPTION("stream", "firm_after", integer, "", "1 to 1000", "", false, true,
	"How often mail of higher priority may move a waiting one of this stream.",
	AT(tact_stream, firm_after), BETWEEN(1, 1000)),
    OPTION("stream", "personal_max", integer, "recipients a day", "1 to 1000000", "", false, true,
	"As at the top level, for this stream.", AT(tact_stream, personal_max), BETWEEN(1, 1000000)),
    OPTION("stream", "campaign_header", header_name, "", "the name of a header field", "", false, true,
	"The field that names the campaign; without it, the first part of Feedback-ID.",
	AT(tact_stream, campaign_header), .blank = true),
    OPTION("stream", "offer_header", header_name, "", "the name of a header field", "", false, true,
	"The field that names the offer; without it, mail has none.", AT(tact_stream, offer_header),
	.blank = true),
    OPTION("stream", "occasion", text, "", "the name of an occasion, such as birthday", "", false, true,
	"The day of the recipient's that the mail is for.", AT(tact_stream, occasion), .most = 64,
	.blank = true),

    /* ---- a stream: what belongs to it ---- */
    OPTION("stream", "sasl_users", names, "", "SASL login names", "", false, true,
	"Mail of these submitters.", LIST_AT(tact_stream, sasl_users, sasl_users_count)),
    OPTION("stream", "networks", networks, "", "addresses or networks such as 192.0.2.0/24 or 2001:db8::/32",
	"", false, true, "Mail from these clients.", LIST_AT(tact_stream, networks, networks_count)),
    OPTION("stream", "listeners", names, "", "names of listener sections", "", false, true,
	"Mail that came in on these listeners.", LIST_AT(tact_stream, listeners, listeners_count)),
    OPTION("stream", "senders", senders, "", "addresses, or @DOMAIN for all of a domain", "", false, true,
	"Mail with these envelope senders.", LIST_AT(tact_stream, senders, senders_count)),
    OPTION("stream", "from_domains", domains, "", "domains", "", false, true,
	"Mail of trusted submitters with a From address in these domains.",
	LIST_AT(tact_stream, from_domains, from_domains_count)),
    OPTION("stream", "headers", headers, "", "'NAME: PATTERN', the pattern as in pcre2pattern(3)", "", false,
	true, "Mail of trusted submitters with a header field that matches.",
	LIST_AT(tact_stream, headers, headers_count)),
};

#define OWN_ROWS (sizeof rows / sizeof *rows)

const struct row *tact_config_row_at(size_t index)
{
	if (index < OWN_ROWS)
		return &rows[index];
	return index - OWN_ROWS < tact_config_rule_rows.count ? &tact_config_rule_rows.rows[index - OWN_ROWS]
							      : NULL;
}

const struct row *tact_config_row_find(const char *section, const char *name)
{
	const struct row *row;
	for (size_t i = 0; (row = tact_config_row_at(i)) != NULL; i++)
		if (strcmp(row->doc.name, name) == 0 && strcmp(row->doc.section, section) == 0)
			return row;
	return NULL;
}

bool tact_config_is_section(const char *kind)
{
	const struct row *row;
	for (size_t i = 0; (row = tact_config_row_at(i)) != NULL; i++)
		if (*kind != '\0' && strcmp(row->doc.section, kind) == 0)
			return true;
	return false;
}

bool tact_config_has_title(const char *kind)
{
	return strcmp(kind, "canonical") != 0 && strcmp(kind, "trusted") != 0;
}

size_t tact_config_option_count(void)
{
	return OWN_ROWS + tact_config_rule_rows.count;
}

const struct tact_option *tact_config_option_at(size_t index)
{
	const struct row *row = tact_config_row_at(index);
	return row != NULL ? &row->doc : NULL;
}
