/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The services that tact has in Postfix's master.cf, held against what each must be told so that released
 * mail is not refused, filtered or copied a second time.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "private.h"

struct checking {
	struct cli_findings *findings;
	const struct cli_postfix *postfix;
	const struct tact_config *config;
	struct tact_arena *arena;
};

/* Without each of these released mail was refused, bounced, filtered twice or held up by some main.cf. */
static const struct cli_override pass_overrides[] = {{"smtpd_milters", "", CLI_ERROR},
    {"smtpd_milter_maps", "", CLI_ERROR}, {"smtpd_proxy_filter", "", CLI_ERROR},
    {"smtpd_command_filter", "", CLI_ERROR},
    {"receive_override_options", "no_header_body_checks,no_unknown_recipient_checks", CLI_WARNING},
    {"local_header_rewrite_clients", "", CLI_WARNING}, {"mynetworks", "127.0.0.0/8", CLI_ERROR},
    {"smtpd_delay_reject", "yes", CLI_WARNING}, {"smtpd_helo_required", "no", CLI_WARNING},
    {"smtpd_helo_restrictions", "", CLI_ERROR},
    {"smtpd_client_restrictions", "permit_mynetworks,reject", CLI_ERROR},
    {"smtpd_relay_restrictions", "permit_mynetworks,reject", CLI_ERROR},
    {"smtpd_recipient_restrictions", "permit_mynetworks,reject", CLI_ERROR},
    {"smtpd_etrn_restrictions", "permit_mynetworks,reject", CLI_WARNING},
    {"smtpd_sender_restrictions", "", CLI_ERROR}, {"smtpd_data_restrictions", "", CLI_ERROR},
    {"smtpd_end_of_data_restrictions", "", CLI_ERROR}, {"smtpd_reject_unlisted_sender", "no", CLI_ERROR},
    {"smtpd_reject_unlisted_recipient", "no", CLI_ERROR}, {"smtpd_tls_security_level", "none", CLI_WARNING},
    {"smtpd_tls_wrappermode", "no", CLI_ERROR}, {"smtpd_sasl_auth_enable", "no", CLI_WARNING},
    {"smtpd_discard_ehlo_keywords", "", CLI_WARNING},
    {"smtpd_discard_ehlo_keyword_address_maps", "", CLI_WARNING},
    {"smtpd_upstream_proxy_protocol", "", CLI_ERROR},
    {"smtpd_client_event_limit_exceptions", "127.0.0.0/8", CLI_WARNING},
    {"smtpd_junk_command_limit", "10000", CLI_WARNING},
    {"smtpd_authorized_xforward_hosts", "127.0.0.0/8", CLI_WARNING},
    {"smtpd_authorized_xclient_hosts", "", CLI_WARNING}, {"smtpd_recipient_limit", "1000000", CLI_WARNING},
    {"message_size_limit", "0", CLI_WARNING}, {NULL, NULL, CLI_WARNING}};

static const struct cli_override cleanup_overrides[] = {{"message_size_limit", "0", CLI_WARNING},
    {"always_bcc", "", CLI_WARNING}, {"sender_bcc_maps", "", CLI_WARNING},
    {"recipient_bcc_maps", "", CLI_WARNING}, {"sender_canonical_maps", "", CLI_WARNING},
    {"masquerade_domains", "", CLI_WARNING}, {NULL, NULL, CLI_WARNING}};

static const struct cli_override gate_overrides[] = {{"lmtp_send_xforward_command", "yes", CLI_WARNING},
    {"lmtp_discard_lhlo_keywords", "", CLI_ERROR}, {"lmtp_discard_lhlo_keyword_address_maps", "", CLI_ERROR},
    {"lmtp_line_length_limit", "0", CLI_WARNING}, {"lmtp_tls_security_level", "none", CLI_WARNING},
    {"lmtp_fallback_relay", "", CLI_ERROR}, {"lmtp_generic_maps", "", CLI_ERROR},
    {"lmtp_header_checks", "", CLI_WARNING}, {"lmtp_mime_header_checks", "", CLI_WARNING},
    {"lmtp_nested_header_checks", "", CLI_WARNING}, {"lmtp_body_checks", "", CLI_WARNING},
    {"lmtp_tls_policy_maps", "", CLI_ERROR}, {"lmtp_tls_per_site", "", CLI_ERROR},
    {"lmtp_tls_wrappermode", "no", CLI_ERROR}, {"lmtp_reply_filter", "", CLI_ERROR},
    {"lmtp_delivery_status_filter", "", CLI_ERROR}, {NULL, NULL, CLI_WARNING}};

/* All delayed mail has one destination; what waits there for its turn takes fresh mail's place. */
static const struct cli_pace gate_paces[] = {
    {"destination_rate_delay", "0s", "all delayed mail is paced as if it had one destination", 0, 0},
    {"transport_rate_delay", "0s", "all delayed mail is paced as if it had one destination", 0, 0},
    {"destination_concurrency_limit", "20", "all delayed mail queues as if it had one destination", 20, 0},
    {"destination_recipient_limit", "50",
	"delayed mail to many is offered in parts, each with its body; beyond 1000 at once the gate hears "
	"nobody",
	50, 1000},
    {NULL, NULL, NULL, 0, 0}};

/* Lists compare item by item. */
static bool same_value(const struct checking *c, const char *a, const char *b)
{
	size_t a_count, b_count;
	const char **left = cli_postfix_split(c->postfix, a, &a_count),
		   **right = cli_postfix_split(c->postfix, b, &b_count);

	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (strcmp(left[i], right[i]) != 0)
			return false;
	return true;
}

static bool satisfied(
    const struct checking *c, const struct cli_service *service, const struct cli_override *wanted)
{
	const char *value = cli_postfix_of(c->postfix, service, wanted->name);

	if (same_value(c, value, wanted->value))
		return true;
	if (strcmp(wanted->value, "none") == 0)
		return *value == '\0';
	/* A list of networks may hold more. */
	return strcmp(wanted->value, "127.0.0.0/8") == 0 && cli_postfix_has(c->postfix, value, wanted->value);
}

static void check_overrides(
    const struct checking *c, const struct cli_service *service, const struct cli_override *overrides)
{
	for (; overrides->name != NULL; overrides++) {
		if (satisfied(c, service, overrides))
			continue;
		cli_find(c->findings, overrides->severity,
		    tact_arena_printf(c->arena, "postconf -Pe '%s/%s/%s=%s' (contrib/postfix/setup does)",
			service->name, service->type, overrides->name, overrides->value),
		    "master.cf: %s/%s has %s=%s, and needs \"%s\"", service->name, service->type,
		    overrides->name, cli_postfix_of(c->postfix, service, overrides->name), overrides->value);
	}
}

static const struct cli_service *find_service(
    const struct checking *c, const char *name, const char *command, const char *what)
{
	const struct cli_service *service = cli_postfix_service(c->postfix, name, "unix");

	if (service == NULL)
		cli_find(c->findings, CLI_ERROR, cli_check_setup(c->findings, "writes it"),
		    "master.cf has no service %s/unix: %s", name, what);
	else if (strcmp(service->command, command) != 0)
		cli_find(c->findings, CLI_ERROR, cli_check_setup(c->findings, "writes it"),
		    "master.cf: %s/unix runs %s, not %s", name, service->command, command);
	else
		return service;
	return NULL;
}

/* The service behind a socket of ours; Postfix makes public ones in its public folder. */
static const struct cli_service *check_socket(
    const struct checking *c, const char *option, const char *path, const char *what)
{
	const char *slash = strrchr(path, '/'), *folder = cli_postfix_main(c->postfix, "queue_directory");
	const struct cli_service *service = find_service(c, slash != NULL ? slash + 1 : path, "smtpd", what);
	const char *made;

	if (service == NULL)
		return NULL;
	made = tact_arena_printf(c->arena, "%s/%s/%s", folder,
	    strcmp(service->private_, "n") == 0 ? "public" : "private", service->name);
	if (strcmp(made, path) != 0)
		cli_find(c->findings, CLI_ERROR,
		    tact_arena_printf(c->arena,
			"write %s = \"%s/public/%s\", and n as third word of the service", option, folder,
			service->name),
		    "%s is %s, and Postfix makes that socket at %s", option, path, made);
	return service;
}

static void check_cleanup(const struct checking *c, const struct cli_service *listener)
{
	const char *name = cli_postfix_of(c->postfix, listener, "cleanup_service_name");
	const struct cli_service *service;

	if (strcmp(name, "cleanup") == 0) {
		cli_find(c->findings, CLI_WARNING,
		    cli_check_setup(c->findings, "gives it a cleanup of its own"),
		    "master.cf: %s/unix shares Postfix's cleanup: bcc maps and rewriting are done a second "
		    "time",
		    listener->name);
		return;
	}
	service = find_service(c, name, "cleanup", "released mail has no cleanup");
	if (service != NULL)
		check_overrides(c, service, cleanup_overrides);
}

static void check_pass(const struct checking *c)
{
	const struct cli_service *service =
	    check_socket(c, "pass_socket", c->config->pass_socket, "released mail has no way back");

	if (service == NULL)
		return;
	check_overrides(c, service, pass_overrides);
	if (*cli_postfix_of(c->postfix, service, "content_filter") != '\0')
		cli_find(c->findings, CLI_ERROR,
		    tact_arena_printf(c->arena, "postconf -Pe '%s/unix/content_filter='", service->name),
		    "master.cf: %s/unix has a content_filter (%s): released mail is filtered a second time",
		    service->name, cli_postfix_of(c->postfix, service, "content_filter"));
	check_cleanup(c, service);
}

static void check_refuse(const struct checking *c)
{
	const struct cli_service *service =
	    check_socket(c, "refuse_socket", c->config->refuse_socket, "refused mail cannot be bounced");

	if (service == NULL)
		return;
	check_overrides(c, service, pass_overrides);
	if (strncmp(cli_postfix_of(c->postfix, service, "content_filter"), "error:5", 7) != 0)
		cli_find(c->findings, CLI_ERROR,
		    "contrib/postfix/setup writes content_filter=error:5.7.1 ...",
		    "master.cf: %s/unix has content_filter=%s and would deliver what tact refused",
		    service->name, cli_postfix_of(c->postfix, service, "content_filter"));
	check_cleanup(c, service);
}

void cli_check_overrides(struct cli_findings *findings, const struct cli_postfix *postfix,
    const struct cli_service *service, const struct cli_override *overrides)
{
	const struct checking c = {.findings = findings,
	    .postfix = postfix,
	    .config = findings->cli->config,
	    .arena = findings->cli->arena};

	check_overrides(&c, service, overrides);
}

void cli_check_paces(struct cli_findings *findings, const struct cli_postfix *postfix, const char *transport,
    const struct cli_pace *paces)
{
	struct tact_arena *arena = findings->cli->arena;

	for (const struct cli_pace *pace = paces; pace->name != NULL; pace++) {
		const char *name = tact_arena_printf(arena, "%s_%s", transport, pace->name),
			   *value = cli_postfix_main(postfix, name);
		long number = strtol(value, NULL, 10);

		bool low = number > 0 && (pace->least == 0 || number < pace->least),
		     high = pace->most > 0 && *value != '\0' && (number == 0 || number > pace->most);

		if (low || high)
			cli_find(findings, CLI_WARNING,
			    tact_arena_printf(
				arena, "postconf -e %s=%s (contrib/postfix/setup does)", name, pace->value),
			    "%s is %s: %s", name, value, pace->what);
	}
}

void cli_check_services(
    struct cli_findings *findings, const struct cli_postfix *postfix, const char *transport)
{
	const struct checking c = {.findings = findings,
	    .postfix = postfix,
	    .config = findings->cli->config,
	    .arena = findings->cli->arena};
	const struct cli_service *gate = NULL;

	if (transport != NULL)
		gate = find_service(&c, transport, "lmtp", "transport_maps sends delayed mail there");
	if (gate != NULL) {
		check_overrides(&c, gate, gate_overrides);
		cli_check_paces(findings, postfix, transport, gate_paces);
	}
	check_pass(&c);
	check_refuse(&c);
}
