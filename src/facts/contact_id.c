/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The id by which the same message to the same person is known again. Queue ids change and are no part of it.
 */
#include <config.h>

#include "internal.h"

static const char *text_or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

struct tact_id tact_facts_contact_id(const struct tact_message *message, const struct tact_id *recipient_key)
{
	char key[2 * TACT_ID_BYTES + 1];
	const struct tact_envelope *envelope = &message->envelope;
	facts_format_hex(recipient_key->b, sizeof recipient_key->b, key);
	const char *const fields[] = {
	    text_or_empty(envelope->sasl_user != NULL ? envelope->sasl_user : envelope->client_ip),
	    text_or_empty(tact_facts_header(message, "Message-ID")),
	    text_or_empty(tact_facts_header(message, "Date")),
	    text_or_empty(tact_facts_header(message, "From")),
	    text_or_empty(tact_facts_header(message, "Subject")),
	    key,
	};
	return tact_digest_id(fields, sizeof fields / sizeof *fields);
}
