/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What Postfix must be told for tact to work, held against what it was told.
 */
#include <config.h>

#include <string.h>

#include "private.h"

#define DAY (24 * 3600)
#define RECIPIENTS_MOST 2000

struct checking {
	struct cli_findings *findings;
	const struct cli_postfix *postfix;
	const struct tact_config *config;
	struct tact_arena *arena;
};

static const char *main_of(const struct checking *c, const char *name)
{
	return cli_postfix_main(c->postfix, name);
}

/* ---- times and numbers ---- */

/* Postfix's own units are ours; a bare number has the setting's. -1 when it cannot be read. */
static int64_t seconds_of(const struct checking *c, const char *name, char unit)
{
	const char *text = main_of(c, name);
	size_t length = strlen(text);
	int64_t seconds;

	if (length > 0 && text[length - 1] >= '0' && text[length - 1] <= '9')
		text = tact_arena_printf(c->arena, "%s%c", text, unit);
	return tact_text_parse_duration(text, &seconds, NULL) == TACT_OK ? seconds : -1;
}

static int64_t number_of(const struct checking *c, const char *name)
{
	int64_t number;

	return tact_text_parse_int(main_of(c, name), 0, INT32_MAX, &number, NULL) == TACT_OK ? number : -1;
}

static int64_t longest_delay_s(const struct tact_config *config)
{
	const struct tact_stream_set *set = &config->rules.streams;
	int64_t longest_s = set->strictest->max_delay_s;

	for (size_t i = 0; i < set->streams_count; i++)
		if (!set->streams[i].exempt && set->streams[i].max_delay_s > longest_s)
			longest_s = set->streams[i].max_delay_s;
	return longest_s;
}

static void check_times(const struct checking *c)
{
	int64_t delay_s = longest_delay_s(c->config);
	const char *delay = tact_text_format_duration(c->arena, delay_s);

	if (seconds_of(c, "maximal_queue_lifetime", 'd') <= delay_s)
		cli_find(c->findings, CLI_ERROR,
		    tact_arena_printf(c->arena, "postconf -e maximal_queue_lifetime=%s, or shorten max_delay",
			tact_text_format_duration(c->arena, delay_s + 2 * DAY)),
		    "maximal_queue_lifetime (%s) is not longer than max_delay (%s): delayed mail would "
		    "bounce",
		    main_of(c, "maximal_queue_lifetime"), delay);
	if (seconds_of(c, "milter_content_timeout", 's') <= c->config->message_timeout_s)
		cli_find(c->findings, CLI_ERROR,
		    "postconf -e milter_content_timeout=300s, or shorten message_timeout",
		    "milter_content_timeout (%s) is not longer than message_timeout (%s): Postfix would give "
		    "up first",
		    main_of(c, "milter_content_timeout"),
		    tact_text_format_duration(c->arena, c->config->message_timeout_s));
	if (seconds_of(c, "bounce_queue_lifetime", 'd') < DAY)
		cli_find(c->findings, CLI_WARNING, "postconf -e bounce_queue_lifetime=5d",
		    "bounce_queue_lifetime (%s) is short: a bounce that cannot be delivered at once is gone, "
		    "and nobody "
		    "learns of the refusal",
		    main_of(c, "bounce_queue_lifetime"));
}

static void check_numbers(const struct checking *c)
{
	int64_t active = number_of(c, "qmgr_message_active_limit"), slot = c->config->rules.slot_size,
		recipients = number_of(c, "smtpd_recipient_limit");

	if (active >= 0 && active < 4 * slot)
		cli_find(c->findings, CLI_ERROR,
		    tact_arena_printf(c->arena,
			"postconf -e qmgr_message_active_limit=%lld, or lower slot_size",
			(long long)(4 * slot)),
		    "qmgr_message_active_limit (%lld) is less than four times slot_size (%lld): fresh mail "
		    "would wait "
		    "behind a slot that falls due",
		    (long long)active, (long long)slot);
	if (recipients > RECIPIENTS_MOST)
		cli_find(c->findings, CLI_WARNING, "postconf -e smtpd_recipient_limit=1000",
		    "smtpd_recipient_limit (%lld) is above %d: a message to so many takes a minute to "
		    "rewrite",
		    (long long)recipients, RECIPIENTS_MOST);
	if (strcmp(main_of(c, "soft_bounce"), "yes") == 0)
		cli_find(c->findings, CLI_ERROR, "postconf -e soft_bounce=no",
		    "soft_bounce is on: what tact refuses would stay in the queue and be tried again");
	if (*main_of(c, "content_filter") != '\0')
		cli_find(c->findings, CLI_WARNING,
		    "its re-injection must not ask tact again, and must not undo the gate's addresses",
		    "content_filter (%s) overrides transport_maps: delayed mail goes through it first",
		    main_of(c, "content_filter"));
}

static bool goes_by_user(const struct tact_config *config)
{
	const struct tact_stream_set *set = &config->rules.streams;
	bool goes = set->trusted_sasl_users_count > 0;

	for (size_t i = 0; i < set->streams_count; i++)
		goes = goes || set->streams[i].sasl_users_count > 0;
	return goes;
}

static void check_user_macro(const struct checking *c)
{
	const char *macros = main_of(c, "milter_mail_macros");

	if (goes_by_user(c->config) && !cli_postfix_has(c->postfix, macros, "{auth_authen}") &&
	    !cli_postfix_has(c->postfix, macros, "auth_authen"))
		cli_find(c->findings, CLI_ERROR, "postconf -X milter_mail_macros, or add {auth_authen} to it",
		    "milter_mail_macros (%s) lacks {auth_authen}: sasl_users match nobody", macros);
}

static void check_macros(const struct checking *c)
{
	const char *macros = main_of(c, "milter_rcpt_macros");

	if (!cli_postfix_has(c->postfix, macros, "{rcpt_addr}") &&
	    !cli_postfix_has(c->postfix, macros, "rcpt_addr"))
		cli_find(c->findings, CLI_WARNING, "postconf -X milter_rcpt_macros, or add {rcpt_addr} to it",
		    "milter_rcpt_macros (%s) lacks {rcpt_addr}: whom Postfix takes an address of another "
		    "spelling to is not known, nor are his wishes",
		    macros);
	check_user_macro(c);
}

/* ---- milters ---- */

/* An item of a milter list: SOCKET, or { SOCKET, name=value ... }. */
static const char *item_socket(const struct checking *c, const char *item)
{
	const char *from = item + strspn(item, "{ \t");

	return tact_arena_strndup(c->arena, from, strcspn(from, " \t,}"));
}

static const char *item_action(const struct checking *c, const char *item)
{
	const char *at = *item == '{' ? strstr(item, "default_action") : NULL;

	if (at == NULL)
		return main_of(c, "milter_default_action");
	at += strlen("default_action");
	at += strspn(at, " \t=");
	return tact_arena_strndup(c->arena, at, strcspn(at, " \t,}"));
}

static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static bool is_any(const char *host)
{
	return *host == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static const char *without_brackets(const struct checking *c, const char *host, size_t length)
{
	if (length >= 2 && host[0] == '[' && host[length - 1] == ']')
		return tact_arena_strndup(c->arena, host + 1, length - 2);
	return tact_arena_strndup(c->arena, host, length);
}

/* OURS as libmilter writes it (inet:PORT@HOST), THEIRS as Postfix does (inet:HOST:PORT). */
static bool same_inet(const struct checking *c, const char *ours, const char *theirs)
{
	const char *port = strchr(ours, ':') + 1, *at = strchr(port, '@'), *colon = strrchr(theirs, ':');
	size_t port_length = at != NULL ? (size_t)(at - port) : strlen(port);
	const char *host, *their_host;

	if (colon == theirs + strlen("inet"))
		return false; /* no host */
	host = at != NULL ? without_brackets(c, at + 1, strlen(at + 1)) : "";
	their_host =
	    without_brackets(c, theirs + strlen("inet:"), (size_t)(colon - theirs) - strlen("inet:"));
	if (strlen(colon + 1) != port_length || strncmp(colon + 1, port, port_length) != 0)
		return false;
	return is_any(host) || tact_text_equal_nocase(host, their_host) ||
	       (is_loopback(host) && is_loopback(their_host));
}

static bool same_socket(const struct checking *c, const char *ours, const char *theirs)
{
	const char *path = strchr(ours, ':') + 1, *their_path;

	if (strncmp(ours, "inet", 4) == 0)
		return strncmp(theirs, "inet:", 5) == 0 && same_inet(c, ours, theirs);
	if (strncmp(theirs, "unix:", 5) != 0)
		return false;
	their_path = theirs + strlen("unix:");
	if (*their_path != '/')
		their_path = tact_arena_printf(c->arena, "%s/%s", main_of(c, "queue_directory"), their_path);
	return strcmp(path, their_path) == 0;
}

static const struct tact_listener *ours_among(const struct checking *c, const char *item)
{
	const char *socket = item_socket(c, item);

	for (size_t i = 0; i < c->config->listeners_count; i++)
		if (strchr(c->config->listeners[i].socket, ':') != NULL &&
		    same_socket(c, c->config->listeners[i].socket, socket))
			return &c->config->listeners[i];
	return NULL;
}

/* As Postfix would write it, for the mend. */
static const char *postfix_socket(const struct checking *c, const struct tact_listener *listener)
{
	const char *port = strchr(listener->socket, ':') + 1, *at = strchr(port, '@');

	if (strncmp(listener->socket, "inet", 4) != 0)
		return listener->socket;
	return tact_arena_printf(c->arena, "inet:%s:%.*s",
	    at == NULL || is_any(at + 1) ? "127.0.0.1" : at + 1,
	    at != NULL ? (int)(at - port) : (int)strlen(port), port);
}

static const char *wanted_socket(const struct checking *c, bool smtp)
{
	for (size_t i = 0; i < c->config->listeners_count; i++)
		if (c->config->listeners[i].smtp == smtp &&
		    strchr(c->config->listeners[i].socket, ':') != NULL)
			return postfix_socket(c, &c->config->listeners[i]);
	return NULL;
}

static void check_action(const struct checking *c, const char *setting, const char *item)
{
	const char *action = item_action(c, item);

	if (strcmp(action, "accept") == 0)
		cli_find(c->findings, CLI_ERROR, "postconf -e milter_default_action=tempfail",
		    "%s: the default action of tact's milter is accept: mail would go out undecided while "
		    "tactd is down",
		    setting);
	else if (strcmp(action, "tempfail") != 0 && strcmp(action, "shutdown") != 0)
		cli_find(c->findings, CLI_WARNING, "postconf -e milter_default_action=tempfail",
		    "%s: the default action of tact's milter is %s: a short absence of tactd would lose or "
		    "hold mail",
		    setting, action);
}

static bool contains_any(const char *item, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcasestr(item, *words) != NULL)
			return true;
	return false;
}

/* What cannot be told from its name is left alone. */
static void check_order(
    const struct checking *c, const char *setting, const char **items, size_t count, size_t ours)
{
	static const char *const signs[] = {"dkim", "openarc", "arcseal", NULL};
	static const char *const rejects[] = {"rspamd", ":11332", "clamav", "clmilter", "spamass", "dmarc",
	    "amavis", "greylist", "postgrey", NULL};

	for (size_t i = 0; i < count; i++) {
		bool signer = contains_any(items[i], signs) && !contains_any(items[i], rejects);

		if (i < ours && signer)
			cli_find(c->findings, CLI_WARNING,
			    "put tact before it: tact rewrites recipients and may refuse",
			    "%s: %s seems to sign and stands before tact", setting, item_socket(c, items[i]));
		if (i > ours && contains_any(items[i], rejects))
			cli_find(c->findings, CLI_WARNING,
			    "put tact behind it: what it rejects would count as a contact",
			    "%s: %s seems to reject and stands behind tact", setting,
			    item_socket(c, items[i]));
	}
}

/* A unix socket outside the queue folder is not there for a service in a chroot. */
static void check_reach(const struct checking *c, const char *setting, const char *item, const char *command)
{
	const char *socket = item_socket(c, item), *queue = main_of(c, "queue_directory");
	size_t length = strlen(queue);

	if (strncmp(socket, "unix:/", 6) != 0 ||
	    (strncmp(socket + 5, queue, length) == 0 && socket[5 + length] == '/'))
		return;
	for (size_t i = 0; i < c->postfix->services_count; i++) {
		const struct cli_service *service = &c->postfix->services[i];

		if (strcmp(service->command, command) != 0 || strcmp(service->chroot, "y") != 0)
			continue;
		cli_find(c->findings, CLI_ERROR,
		    "give the listener an inet: socket, or the service no chroot",
		    "%s: %s is out of reach of %s/%s, which master.cf puts in a chroot", setting, socket,
		    service->name, service->type);
		return;
	}
}

/* Does the list name a listener of ours of this kind? What is wrong with how it does is told. */
static bool check_list(const struct checking *c, const char *setting, const char *list, bool smtp)
{
	size_t count;
	const char **items = cli_postfix_split(c->postfix, list, &count);
	bool named = false;

	for (size_t i = 0; i < count; i++) {
		const struct tact_listener *listener = ours_among(c, items[i]);

		if (listener == NULL)
			continue;
		if (listener->smtp != smtp) {
			cli_find(c->findings, CLI_ERROR,
			    tact_arena_printf(
				c->arena, "name a listener of kind %s there", smtp ? "smtp" : "non-smtp"),
			    "%s names listener \"%s\", which is of kind %s%s", setting, listener->name,
			    smtp ? "non-smtp" : "smtp",
			    smtp
				? ""
				: ": a refusal at RCPT would leave mail of sendmail(1) in maildrop for ever");
			named = true;
			continue;
		}
		named = true;
		check_action(c, setting, items[i]);
		check_order(c, setting, items, count, i);
		check_reach(c, setting, items[i], smtp ? "smtpd" : "cleanup");
	}
	return named;
}

const char *cli_check_setup(struct cli_findings *findings, const char *does)
{
	const struct checking c = {
	    .findings = findings, .config = findings->cli->config, .arena = findings->cli->arena};
	const char *smtp = wanted_socket(&c, true), *local = wanted_socket(&c, false);

	if (local == NULL)
		local = "none";
	bool other_smtp = smtp != NULL && strcmp(smtp, "inet:127.0.0.1:8891") != 0,
	     other_local = strcmp(local, "inet:127.0.0.1:8892") != 0;

	return tact_arena_printf(c.arena, "contrib/postfix/setup --apply%s%s%s%s %s",
	    other_smtp ? " --smtp-milter " : "", other_smtp ? smtp : "",
	    other_local ? " --local-milter " : "", other_local ? local : "", does);
}

static void check_main_lists(const struct checking *c)
{
	const char *smtp = wanted_socket(c, true), *local = wanted_socket(c, false);

	if (!check_list(c, "smtpd_milters", main_of(c, "smtpd_milters"), true) && smtp != NULL)
		cli_find(c->findings, CLI_ERROR,
		    tact_arena_printf(
			c->arena, "add %s to smtpd_milters (%s)", smtp, cli_check_setup(c->findings, "does")),
		    "smtpd_milters does not name tact: no mail is asked about");
	if (check_list(c, "non_smtpd_milters", main_of(c, "non_smtpd_milters"), false))
		return;
	if (local != NULL)
		cli_find(c->findings, CLI_ERROR,
		    tact_arena_printf(c->arena, "add %s to non_smtpd_milters (%s)", local,
			cli_check_setup(c->findings, "does")),
		    "non_smtpd_milters does not name tact: mail of sendmail(1) is not asked about");
	else
		cli_find(c->findings, CLI_WARNING,
		    "write a listener with kind = non-smtp and name it in non_smtpd_milters",
		    "there is no listener of kind non-smtp: mail of sendmail(1) is not asked about");
}

/* ---- listeners of Postfix that ask others, or nobody ---- */

static bool on_loopback(const char *service)
{
	return strncmp(service, "127.", 4) == 0 || strncmp(service, "localhost:", 10) == 0 ||
	       strncmp(service, "[::1]:", 6) == 0 || strncmp(service, "::1:", 4) == 0;
}

static void check_listener(const struct checking *c, const struct cli_service *service)
{
	const char *milters = cli_postfix_of(c->postfix, service, "smtpd_milters"),
		   *setting = tact_arena_printf(c->arena, "master.cf: %s/%s", service->name, service->type);
	bool skips = cli_postfix_has(
	    c->postfix, cli_postfix_of(c->postfix, service, "receive_override_options"), "no_milters");
	enum cli_severity severity = on_loopback(service->name) ? CLI_WARNING : CLI_ERROR;

	if (*cli_postfix_of(c->postfix, service, "smtpd_milter_maps") != '\0')
		cli_find(c->findings, CLI_WARNING, "see that its answers name tact, and name nobody else",
		    "%s has smtpd_milter_maps=%s: for some clients it is asked in place of smtpd_milters",
		    setting, cli_postfix_of(c->postfix, service, "smtpd_milter_maps"));
	if (skips)
		cli_find(c->findings, severity, "take no_milters out, or see that nobody else can send there",
		    "%s has receive_override_options=no_milters: mail that comes in there bypasses tact",
		    setting);
	else if (cli_postfix_overrides(c->postfix, service, "smtpd_milters") &&
		 !check_list(c, setting, milters, true))
		cli_find(c->findings, severity,
		    "name tact there, too, or see that nobody else can send there",
		    "%s has smtpd_milters=%s without tact: mail that comes in there bypasses tact", setting,
		    milters);
}

static void check_listeners(const struct checking *c)
{
	const struct cli_service *of_sendmail = cli_check_sendmail_listener(c->postfix);

	for (size_t i = 0; i < c->postfix->services_count; i++) {
		const struct cli_service *service = &c->postfix->services[i];

		if ((strcmp(service->type, "inet") == 0 || strcmp(service->type, "pass") == 0) &&
		    strcmp(service->command, "smtpd") == 0 && service != of_sendmail)
			check_listener(c, service);
	}
}

/* ---- the way to the gate ---- */

/* A table that patterns are asked of: it sees whole addresses, which come before domains in the order of
 * look-ups. */
static bool is_pattern_table(const char *table)
{
	return strncmp(table, "regexp:", 7) == 0 || strncmp(table, "pcre:", 5) == 0 ||
	       strncmp(table, "proxy:regexp:", 13) == 0 || strncmp(table, "proxy:pcre:", 11) == 0;
}

struct route {
	const char *table, *answer;
	size_t index;
};

static bool find_route(
    const struct checking *c, const char **tables, size_t count, const char *key, struct route *ret)
{
	for (size_t i = 0; i < count; i++) {
		const char *answer = cli_postfix_look_up(c->postfix, tables[i], key);

		if (answer != NULL) {
			*ret = (struct route){.table = tables[i], .answer = answer, .index = i};
			return true;
		}
	}
	return false;
}

static const char *gate_nexthop(const struct checking *c)
{
	return tact_arena_printf(c->arena, ":unix:%s", c->config->gate_socket);
}

static bool leads_to_gate(const struct checking *c, const char *answer)
{
	const char *nexthop = gate_nexthop(c), *colon = strchr(answer, ':');

	return colon != NULL && strcmp(colon, nexthop) == 0;
}

static void check_overtaking(
    const struct checking *c, const char **tables, size_t count, size_t index, const char *domain)
{
	const char *address = tact_arena_printf(c->arena, "0123456789abcdef.me@s1.%s", domain);
	struct route route;

	for (size_t i = 0; i < index; i++)
		if (is_pattern_table(tables[i]))
			cli_find(c->findings, CLI_WARNING, "put the row of the gate first in transport_maps",
			    "transport_maps: %s stands before the row of .%s; a pattern in it may win",
			    tables[i], domain);
	if (find_route(c, tables, count, address, &route) && !leads_to_gate(c, route.answer))
		cli_find(c->findings, CLI_ERROR,
		    "contrib/postfix/setup puts a pattern of ours before it; or keep its patterns away from "
		    "that domain",
		    "transport_maps: %s sends recipients below %s to %s, not to the gate", route.table,
		    domain, route.answer);
}

/* The transport's service in master.cf, or NULL when the row is missing or wrong. */
static const char *check_route(const struct checking *c, const char *option, const char *domain)
{
	size_t count;
	const char **tables = cli_postfix_split(c->postfix, main_of(c, "transport_maps"), &count);
	const char *key = tact_arena_printf(c->arena, ".%s", domain), *mend;
	struct route route;

	mend = tact_arena_printf(c->arena,
	    "begin transport_maps with inline:{%s=tact-gate%s} (contrib/postfix/setup does)", key,
	    gate_nexthop(c));
	if (!find_route(c, tables, count, key, &route)) {
		cli_find(c->findings, CLI_ERROR, mend, "transport_maps has no row for %s (%s)", key, option);
		return NULL;
	}
	if (!leads_to_gate(c, route.answer)) {
		cli_find(c->findings, CLI_ERROR, mend,
		    "transport_maps sends %s (%s) to %s; the gate is at unix:%s", key, option, route.answer,
		    c->config->gate_socket);
		return NULL;
	}
	check_overtaking(c, tables, count, route.index, domain);
	return tact_arena_strndup(c->arena, route.answer, strcspn(route.answer, ":"));
}

static void check_flush(const struct checking *c, const char *domain)
{
	const char *list = main_of(c, "fast_flush_domains");
	bool parents =
	    cli_postfix_has(c->postfix, main_of(c, "parent_domain_matches_subdomains"), "fast_flush_domains");

	if (cli_postfix_has(c->postfix, list, tact_arena_printf(c->arena, ".%s", domain)) ||
	    (parents && cli_postfix_has(c->postfix, list, domain)))
		return;
	cli_find(c->findings, CLI_ERROR,
	    tact_arena_printf(c->arena, "add %s and .%s to fast_flush_domains", domain, domain),
	    "fast_flush_domains does not hold .%s: tactd cannot wake delayed mail, which then comes late",
	    domain);
}

static void check_gate(const struct checking *c)
{
	const char *transport = check_route(c, "gate_domain", c->config->gate_domain),
		   *review = check_route(c, "review_domain", c->config->review_domain);

	cli_check_services(c->findings, c->postfix, transport != NULL ? transport : review);
	check_flush(c, c->config->gate_domain);
	check_flush(c, c->config->review_domain);
}

bool cli_check_asks(struct cli_findings *findings, const struct cli_postfix *postfix, const char *list)
{
	const struct checking c = {.findings = findings,
	    .postfix = postfix,
	    .config = findings->cli->config,
	    .arena = findings->cli->arena};
	size_t count;
	const char **items = cli_postfix_split(postfix, list, &count);

	for (size_t i = 0; i < count; i++)
		if (ours_among(&c, items[i]) != NULL)
			return true;
	return false;
}

void cli_check_postfix(struct cli_findings *findings, const struct cli_postfix *postfix)
{
	const struct checking c = {.findings = findings,
	    .postfix = postfix,
	    .config = findings->cli->config,
	    .arena = findings->cli->arena};

	check_main_lists(&c);
	check_listeners(&c);
	check_times(&c);
	check_numbers(&c);
	check_macros(&c);
	cli_check_sendmail(findings, postfix);
	check_gate(&c);
}
