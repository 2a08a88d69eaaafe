/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The way of mail of sendmail(1): marked by tact in a cleanup of its own, and by that mark handed to smtpd,
 * where it is decided. Or else what Postfix must not do with it.
 */
#include <config.h>

#include <string.h>

#include "private.h"

#define MACRO "tact_undecided"
#define RULE "/^Tact-Undecided:/ "

struct checking {
	struct cli_findings *findings;
	const struct cli_postfix *postfix;
	struct tact_arena *arena;
};

/* What hands mail over must change nothing, and what takes it must refuse nothing and do all else once. */
static const struct cli_override transport_overrides[] = {
    {"smtp_header_checks", "regexp:{{" RULE "IGNORE}}", CLI_WARNING},
    {"smtp_mime_header_checks", "", CLI_WARNING}, {"smtp_nested_header_checks", "", CLI_WARNING},
    {"smtp_body_checks", "", CLI_WARNING}, {"smtp_generic_maps", "", CLI_WARNING},
    {"disable_mime_output_conversion", "yes", CLI_WARNING}, {"smtp_line_length_limit", "0", CLI_WARNING},
    {"smtp_discard_ehlo_keywords", "", CLI_WARNING},
    {"smtp_discard_ehlo_keyword_address_maps", "", CLI_WARNING},
    {"smtp_tls_security_level", "none", CLI_WARNING}, {"smtp_tls_policy_maps", "", CLI_WARNING},
    {"smtp_sasl_auth_enable", "no", CLI_WARNING}, {"smtp_fallback_relay", "", CLI_ERROR},
    {"smtp_bind_address", "127.0.0.1", CLI_WARNING}, {"smtp_connection_cache_on_demand", "no", CLI_WARNING},
    {"smtp_connection_cache_destinations", "", CLI_WARNING}, {"smtp_always_send_ehlo", "yes", CLI_WARNING},
    {"smtp_never_send_ehlo", "no", CLI_WARNING}, {"smtp_send_xforward_command", "yes", CLI_WARNING},
    {"smtp_reply_filter", "", CLI_WARNING}, {"smtp_delivery_status_filter", "", CLI_WARNING},
    {"default_delivery_status_filter", "", CLI_WARNING}, {"smtp_tls_per_site", "", CLI_WARNING},
    {"smtp_tls_wrappermode", "no", CLI_ERROR}, {"smtp_sender_dependent_authentication", "no", CLI_WARNING},
    {NULL, NULL, CLI_WARNING}};

static const struct cli_override cleanup_overrides[] = {{"always_bcc", "", CLI_WARNING},
    {"sender_bcc_maps", "", CLI_WARNING}, {"recipient_bcc_maps", "", CLI_WARNING},
    {"virtual_alias_maps", "", CLI_ERROR}, {"message_size_limit", "0", CLI_WARNING},
    {"milter_default_action", "tempfail", CLI_ERROR}, {"mime_header_checks", "", CLI_WARNING},
    {"nested_header_checks", "", CLI_WARNING}, {"body_checks", "", CLI_WARNING}, {NULL, NULL, CLI_WARNING}};

static const struct cli_override decided_overrides[] = {{"canonical_maps", "", CLI_WARNING},
    {"sender_canonical_maps", "", CLI_WARNING}, {"recipient_canonical_maps", "", CLI_WARNING},
    {"masquerade_domains", "", CLI_WARNING}, {"message_size_limit", "0", CLI_WARNING},
    {NULL, NULL, CLI_WARNING}};

static const struct cli_override listener_overrides[] = {{"smtpd_milter_maps", "", CLI_ERROR},
    {"smtpd_proxy_filter", "", CLI_ERROR}, {"smtpd_command_filter", "", CLI_ERROR},
    {"mynetworks", "127.0.0.0/8", CLI_ERROR}, {"smtpd_delay_reject", "yes", CLI_WARNING},
    {"smtpd_helo_required", "no", CLI_WARNING}, {"smtpd_helo_restrictions", "", CLI_ERROR},
    {"smtpd_client_restrictions", "permit_mynetworks,reject", CLI_ERROR},
    {"smtpd_relay_restrictions", "permit_mynetworks,reject", CLI_ERROR},
    {"smtpd_recipient_restrictions", "permit_mynetworks,reject", CLI_ERROR},
    {"smtpd_sender_restrictions", "", CLI_ERROR}, {"smtpd_data_restrictions", "", CLI_ERROR},
    {"smtpd_end_of_data_restrictions", "", CLI_ERROR}, {"smtpd_reject_unlisted_sender", "no", CLI_ERROR},
    {"smtpd_reject_unlisted_recipient", "no", CLI_ERROR}, {"smtpd_tls_security_level", "none", CLI_WARNING},
    {"smtpd_discard_ehlo_keywords", "", CLI_WARNING},
    {"smtpd_discard_ehlo_keyword_address_maps", "", CLI_WARNING},
    {"smtpd_upstream_proxy_protocol", "", CLI_ERROR}, {"strict_rfc821_envelopes", "no", CLI_WARNING},
    {"smtpd_recipient_limit", "1000000", CLI_WARNING}, {"message_size_limit", "0", CLI_WARNING},
    {"smtpd_tls_wrappermode", "no", CLI_ERROR}, {"smtpd_hard_error_limit", "1000000", CLI_WARNING},
    {"smtpd_soft_error_limit", "1000000", CLI_WARNING}, {"smtpd_error_sleep_time", "0", CLI_WARNING},
    {"smtpd_client_connection_count_limit", "0", CLI_WARNING},
    {"smtpd_client_event_limit_exceptions", "127.0.0.0/8", CLI_WARNING},
    {"smtpd_authorized_xforward_hosts", "127.0.0.0/8", CLI_WARNING},
    {"smtpd_authorized_xclient_hosts", "", CLI_WARNING}, {"smtpd_sasl_auth_enable", "no", CLI_WARNING},
    {"local_header_rewrite_clients", "", CLI_WARNING}, {NULL, NULL, CLI_WARNING}};

/* What Postfix's cleanup does to addresses, which is done before mail is decided. */
static const char *const rewriting[] = {"canonical_maps", "canonical_classes", "sender_canonical_maps",
    "sender_canonical_classes", "recipient_canonical_maps", "recipient_canonical_classes",
    "masquerade_domains", "masquerade_classes", "masquerade_exceptions", "propagate_unmatched_extensions"};

/* ---- who is who ---- */

static const struct cli_service *find_pickup(const struct cli_postfix *postfix)
{
	const struct cli_service *pickup = cli_postfix_service(postfix, "pickup", "unix");

	return pickup != NULL ? pickup : cli_postfix_service(postfix, "pickup", "fifo");
}

static bool marks(const struct cli_postfix *postfix, const struct cli_service *service)
{
	return strcmp(service->command, "cleanup") == 0 &&
	       strstr(cli_postfix_of(postfix, service, "milter_macro_defaults"), MACRO) != NULL &&
	       strstr(cli_postfix_of(postfix, service, "milter_end_of_data_macros"), MACRO) != NULL;
}

/* The cleanup that has mail marked, whoever hands it any; or NULL. */
static const struct cli_service *find_marking(const struct cli_postfix *postfix)
{
	for (size_t i = 0; i < postfix->services_count; i++)
		if (marks(postfix, &postfix->services[i]))
			return &postfix->services[i];
	return NULL;
}

/* That of mail of sendmail(1), or NULL. */
static const struct cli_service *find_pickups(const struct cli_postfix *postfix)
{
	const struct cli_service *pickup = find_pickup(postfix), *cleanup = NULL;

	if (pickup != NULL)
		cleanup = cli_postfix_service(
		    postfix, cli_postfix_of(postfix, pickup, "cleanup_service_name"), "unix");
	return cleanup != NULL && marks(postfix, cleanup) ? cleanup : NULL;
}

/* TRANSPORT:[ADDRESS]:PORT, where marked mail is sent; "" when it is not. */
static const char *filter_of(
    const struct cli_postfix *postfix, const struct cli_service *cleanup, const char *setting)
{
	const char *from = strstr(cli_postfix_of(postfix, cleanup, setting), RULE "FILTER ");

	if (from == NULL)
		return "";
	from += strlen(RULE "FILTER ");
	return tact_arena_strndup(postfix->arena, from, strcspn(from, " \t,}"));
}

/* ADDRESS:PORT, as master.cf names a service. */
static const char *service_name(const struct cli_postfix *postfix, const char *filter)
{
	const char *from = strchr(filter, '['), *to = strrchr(filter, ']');

	if (from == NULL || to == NULL || to < from)
		return "";
	return tact_arena_printf(postfix->arena, "%.*s%s", (int)(to - from - 1), from + 1, to + 1);
}

const struct cli_service *cli_check_sendmail_listener(const struct cli_postfix *postfix)
{
	const struct cli_service *cleanup = find_marking(postfix);
	const char *filter = cleanup != NULL ? filter_of(postfix, cleanup, "milter_header_checks") : "";

	if (cleanup != NULL && *filter == '\0')
		filter = filter_of(postfix, cleanup, "header_checks");
	return cli_postfix_service(postfix, service_name(postfix, filter), "inet");
}

/* ---- asked before smtpd sees it ---- */

/* Postfix tells the milter where it takes a recipient in a macro, but of mail of sendmail(1) only what was
 * written: what it would take elsewhere must not be an address of somebody else at all. */
static void check_ways(const struct checking *c)
{
	static const char *const names[] = {
	    "allow_percent_hack", "swap_bangpath", "resolve_dequoted_address"};
	static const char *const ways[] = {"ann%person.example@localhost", "person.example!ann@localhost",
	    "\"ann@person.example\"@localhost"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(cli_postfix_main(c->postfix, names[i]), "yes") == 0)
			cli_find(c->findings, CLI_WARNING,
			    tact_arena_printf(c->arena, "postconf -e %s=no", names[i]),
			    "%s is on: mail of sendmail(1) to %s reaches ann@person.example, and neither her "
			    "wishes nor her limits are asked",
			    names[i], ways[i]);
}

/* Postfix takes a recipient off by what was written, and of mail of sendmail(1) it tells the milter what
 * canonical maps made of that. */
static void check_canonical(const struct checking *c)
{
	static const char *const maps[] = {"canonical_maps", "recipient_canonical_maps"};

	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
		if (*cli_postfix_main(c->postfix, maps[i]) != '\0')
			cli_find(c->findings, CLI_WARNING,
			    "map recipients in virtual_alias_maps, and senders in sender_canonical_maps",
			    "%s is in use: mail of sendmail(1) to an address in it that is to wait, or to be "
			    "refused beside others, goes at once as well",
			    maps[i]);
}

static void check_asked_early(const struct checking *c)
{
	if (*cli_postfix_main(c->postfix, "non_smtpd_milters") == '\0')
		return; /* which is told where lists are looked at */
	cli_find(c->findings, CLI_WARNING, cli_check_setup(c->findings, "hands it to smtpd first"),
	    "mail of sendmail(1) is decided before smtpd sees it: not everybody can be told by what is "
	    "written, or taken off again (see tactd(8))");
	check_ways(c);
	check_canonical(c);
}

/* ---- handed to smtpd first ---- */

static void check_pickup(const struct checking *c)
{
	const struct cli_service *pickup = find_pickup(c->postfix);
	const char *options = cli_postfix_of(c->postfix, pickup, "receive_override_options"),
		   *mend = tact_arena_printf(c->arena,
		       "postconf -Pe '%s/%s/receive_override_options=' (contrib/postfix/setup does)",
		       pickup->name, pickup->type);

	if (cli_postfix_has(c->postfix, options, "no_milters") ||
	    cli_postfix_has(c->postfix, options, "no_header_body_checks"))
		cli_find(c->findings, CLI_ERROR, mend,
		    "master.cf: %s/%s has receive_override_options=%s: mail of sendmail(1) goes out "
		    "undecided",
		    pickup->name, pickup->type, options);
}

/* What master.cf alone tells Postfix's cleanup is not known to another. */
static void check_rewriting(const struct checking *c, const struct cli_service *cleanup)
{
	const struct cli_service *usual =
	    cli_postfix_service(c->postfix, cli_postfix_main(c->postfix, "cleanup_service_name"), "unix");

	for (size_t i = 0; usual != NULL && i < sizeof rewriting / sizeof *rewriting; i++) {
		const char *want = cli_postfix_of(c->postfix, usual, rewriting[i]),
			   *have = cli_postfix_of(c->postfix, cleanup, rewriting[i]);

		if (cli_postfix_overrides(c->postfix, usual, rewriting[i]) && strcmp(have, want) != 0)
			cli_find(c->findings, CLI_WARNING, cli_check_setup(c->findings, "writes it"),
			    "master.cf: %s/unix has %s=%s, and %s/unix has not: addresses of mail of "
			    "sendmail(1) are not rewritten so",
			    usual->name, rewriting[i], want, cleanup->name);
	}
}

static void check_cleanup(const struct checking *c, const struct cli_service *cleanup)
{
	static const char *const settings[] = {"milter_header_checks", "header_checks"};

	if (!cli_check_asks(
		c->findings, c->postfix, cli_postfix_of(c->postfix, cleanup, "non_smtpd_milters")))
		cli_find(c->findings, CLI_ERROR, cli_check_setup(c->findings, "writes it"),
		    "master.cf: %s/unix has non_smtpd_milters=%s without tact: mail of sendmail(1) goes out "
		    "undecided",
		    cleanup->name, cli_postfix_of(c->postfix, cleanup, "non_smtpd_milters"));
	cli_check_overrides(c->findings, c->postfix, cleanup, cleanup_overrides);
	check_rewriting(c, cleanup);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		if (*filter_of(c->postfix, cleanup, settings[i]) == '\0')
			cli_find(c->findings, CLI_ERROR, cli_check_setup(c->findings, "writes it"),
			    "master.cf: %s/unix has %s=%s, which sends nothing to smtpd: %s", cleanup->name,
			    settings[i], cli_postfix_of(c->postfix, cleanup, settings[i]),
			    i == 0 ? "mail of sendmail(1) goes out undecided"
				   : "undecided mail that postsuper -r puts back goes out");
}

/* All of it has one destination. */
static const struct cli_pace paces[] = {
    {"destination_rate_delay", "0s", "all mail of sendmail(1) is paced as if it had one destination", 0, 0},
    {"transport_rate_delay", "0s", "all mail of sendmail(1) is paced as if it had one destination", 0, 0},
    {"destination_concurrency_limit", "20", "all mail of sendmail(1) queues as if it had one destination", 20,
	0},
    {"destination_recipient_limit", "20000",
	"mail of sendmail(1) to more is handed over in parts, each with its copies, and asks about whom it "
	"names",
	20000, 0},
    {NULL, NULL, NULL, 0, 0}};

static void check_transport(const struct checking *c, const char *filter)
{
	const char *name = tact_arena_strndup(c->arena, filter, strcspn(filter, ":"));
	const struct cli_service *service = cli_postfix_service(c->postfix, name, "unix");

	if (service == NULL || strcmp(service->command, "smtp") != 0)
		cli_find(c->findings, CLI_ERROR, cli_check_setup(c->findings, "writes it"),
		    "master.cf has no smtp client %s/unix: mail of sendmail(1) stays in the queue", name);
	else
		cli_check_overrides(c->findings, c->postfix, service, transport_overrides);
	cli_check_paces(c->findings, c->postfix, name, paces);
}

static void check_milters(const struct checking *c, const struct cli_service *listener)
{
	const char *milters = cli_postfix_of(c->postfix, listener, "smtpd_milters"),
		   *options = cli_postfix_of(c->postfix, listener, "receive_override_options");

	if (!cli_check_asks(c->findings, c->postfix, milters))
		cli_find(c->findings, CLI_ERROR, cli_check_setup(c->findings, "writes it"),
		    "master.cf: %s/%s has smtpd_milters=%s without tact: mail of sendmail(1) goes out "
		    "undecided",
		    listener->name, listener->type, milters);
	if (cli_postfix_has(c->postfix, options, "no_milters"))
		cli_find(c->findings, CLI_ERROR, "take no_milters out",
		    "master.cf: %s/%s has receive_override_options=%s: mail of sendmail(1) goes out "
		    "undecided",
		    listener->name, listener->type, options);
}

/* SOCKET of an item SOCKET or { SOCKET, … }. */
static const char *socket_of(const struct checking *c, const char *item)
{
	item += strspn(item, "{ \t");
	return tact_arena_strndup(c->arena, item, strcspn(item, ", \t}"));
}

static bool has_socket(const struct checking *c, const char *list, const char *socket)
{
	size_t count;
	const char **items = cli_postfix_split(c->postfix, list, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(socket_of(c, items[i]), socket) == 0)
			return true;
	return false;
}

/* Each milter of LIST is to be in OTHER; ours are looked for elsewhere. */
static void check_same_milters(
    const struct checking *c, const char *whose, const char *list, const char *other_whose, const char *other)
{
	size_t count;
	const char **items = cli_postfix_split(c->postfix, list, &count);

	for (size_t i = 0; i < count; i++) {
		const char *socket = socket_of(c, items[i]);

		if (!cli_check_asks(c->findings, c->postfix, items[i]) && !has_socket(c, other, socket))
			cli_find(c->findings, CLI_WARNING, cli_check_setup(c->findings, "carries it over"),
			    "%s names %s, and %s does not: mail of sendmail(1) is handed to those of the "
			    "listener alone",
			    whose, socket, other_whose);
	}
}

static void check_others(const struct checking *c, const struct cli_service *listener)
{
	const char *of_main = cli_postfix_main(c->postfix, "non_smtpd_milters"),
		   *of_listener = cli_postfix_of(c->postfix, listener, "smtpd_milters"),
		   *where = tact_arena_printf(
		       c->arena, "master.cf: smtpd_milters of %s/%s", listener->name, listener->type);

	check_same_milters(c, "non_smtpd_milters", of_main, where, of_listener);
	check_same_milters(c, where, of_listener, "non_smtpd_milters", of_main);
}

/* What pickup is told of filters and aliases is done behind the listener, so that it must be told the same.
 */
static void check_as_pickup(const struct checking *c, const struct cli_service *listener)
{
	const struct cli_service *pickup = find_pickup(c->postfix);
	const char *want = cli_postfix_of(c->postfix, pickup, "content_filter"),
		   *have = cli_postfix_of(c->postfix, listener, "content_filter"),
		   *mappings = "no_address_mappings";

	if (strcmp(want, have) != 0)
		cli_find(c->findings, CLI_ERROR, cli_check_setup(c->findings, "carries it over"),
		    "master.cf: %s/%s has content_filter=%s, and %s/%s %s: mail of sendmail(1) is filtered "
		    "as that says, again and again where its filter hands it back so",
		    pickup->name, pickup->type, want, listener->name, listener->type,
		    *have != '\0' ? have : "none");
	want = cli_postfix_of(c->postfix, pickup, "receive_override_options");
	have = cli_postfix_of(c->postfix, listener, "receive_override_options");
	if (cli_postfix_has(c->postfix, want, mappings) != cli_postfix_has(c->postfix, have, mappings))
		cli_find(c->findings, CLI_WARNING, cli_check_setup(c->findings, "carries it over"),
		    "master.cf: %s/%s has receive_override_options=%s, and %s/%s %s: aliases and copies of "
		    "mail of sendmail(1) are made as that says",
		    pickup->name, pickup->type, want, listener->name, listener->type, have);
}

static void check_who_may_submit(const struct checking *c, const struct cli_service *listener)
{
	const char *users = cli_postfix_main(c->postfix, "authorized_submit_users");

	if (strcmp(users, "static:anyone") != 0)
		cli_find(c->findings, CLI_WARNING,
		    "let a packet filter keep other users from it, or contrib/postfix/setup --apply --submit "
		    "none",
		    "authorized_submit_users is %s, and %s/%s takes mail from every process of this machine",
		    users, listener->name, listener->type);
}

static void check_decided(const struct checking *c, const struct cli_service *listener)
{
	const char *name = cli_postfix_of(c->postfix, listener, "cleanup_service_name");
	const struct cli_service *cleanup = cli_postfix_service(c->postfix, name, "unix");

	if (cleanup == NULL || strcmp(cleanup->command, "cleanup") != 0)
		cli_find(c->findings, CLI_ERROR, cli_check_setup(c->findings, "writes it"),
		    "master.cf has no cleanup %s/unix: mail of sendmail(1) stays in the queue", name);
	else
		cli_check_overrides(c->findings, c->postfix, cleanup, decided_overrides);
}

static void check_listener(const struct checking *c, const char *filter)
{
	const char *name = service_name(c->postfix, filter);
	const struct cli_service *listener = cli_postfix_service(c->postfix, name, "inet");

	if (listener == NULL || strcmp(listener->command, "smtpd") != 0) {
		cli_find(c->findings, CLI_ERROR, cli_check_setup(c->findings, "writes it"),
		    "master.cf has no smtpd at %s/inet: mail of sendmail(1) stays in the queue",
		    *name != '\0' ? name : filter);
		return;
	}
	if (strncmp(name, "127.", 4) != 0)
		cli_find(c->findings, CLI_ERROR, "let it listen on 127.0.0.1",
		    "master.cf: %s/inet takes mail of sendmail(1), and can be reached from other machines",
		    name);
	check_milters(c, listener);
	check_others(c, listener);
	check_as_pickup(c, listener);
	check_who_may_submit(c, listener);
	cli_check_overrides(c->findings, c->postfix, listener, listener_overrides);
	check_decided(c, listener);
}

void cli_check_sendmail(struct cli_findings *findings, const struct cli_postfix *postfix)
{
	const struct checking c = {.findings = findings, .postfix = postfix, .arena = findings->cli->arena};
	const struct cli_service *cleanup = find_pickups(postfix);
	const char *filter;

	if (cleanup == NULL) {
		check_asked_early(&c);
		return;
	}
	check_pickup(&c);
	check_cleanup(&c, cleanup);
	filter = filter_of(postfix, cleanup, "milter_header_checks");
	if (*filter == '\0')
		return;
	check_transport(&c, filter);
	check_listener(&c, filter);
}
