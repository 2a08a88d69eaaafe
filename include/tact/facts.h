/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * facts: what is being sent, by whom, to whom. Immutable once made.
 *
 * Thread rule: functions are pure but for the key file; a message under construction belongs to one thread,
 * finished values to all.
 */
#ifndef TACT_FACTS_H
#define TACT_FACTS_H

#include <tact/base.h>

/* ---- words --------------------------------------------------------------------------------------------- */

enum tact_purpose {
	TACT_PROMOTIONAL,
	TACT_NEWSLETTER,
	TACT_APPRECIATION,
	TACT_OCCASION,
	TACT_TRANSACTIONAL,
	TACT_PERSONAL,
	TACT_PURPOSES
};
enum tact_channel {
	TACT_EMAIL,
	TACT_PHONE,
	TACT_SMS,
	TACT_POST,
	TACT_FAX,
	TACT_VISIT,
	TACT_WEB,
	TACT_CHANNELS
};
enum tact_direction { TACT_OUT, TACT_IN }; /* to the person, or from the person to us */
/* Names as written in configuration and evidence; parse answers TACT_OK or TACT_INVALID. */
const char *tact_facts_purpose_name(enum tact_purpose purpose);
int tact_facts_parse_purpose(const char *text, enum tact_purpose *ret);
const char *tact_facts_channel_name(enum tact_channel channel);
int tact_facts_parse_channel(const char *text, enum tact_channel *ret);

/* ---- addresses ----------------------------------------------------------------------------------------- */

/* How addresses are made canonical. Part of the store's identity: changing it makes other keys of the same
 * people. */
struct tact_canonical_profile {
	bool fold_local_case;		 /* default yes */
	const char *const *plus_domains; /* A-label domains whose local part ends at the first '+' */
	size_t plus_domains_count;
	const char *const *dot_domains; /* A-label domains whose local part ignores '.' */
	size_t dot_domains_count;
};
/* One line, stable (domains sorted, each once; an empty list is left out), e.g. "case=fold
 * plus=example.org,gmail.com dots=gmail.com"; parse is its inverse and refuses any other spelling. */
char *tact_facts_format_profile(struct tact_arena *arena, const struct tact_canonical_profile *profile);
int tact_facts_parse_profile(
    struct tact_arena *arena, const char *text, struct tact_canonical_profile *ret, struct tact_error *err);

struct tact_address {
	const char *given; /* without <>, byte for byte as it came */
	/* local@domain; quoted only when it must be, domain as A-labels in lower case */
	const char *canonical;
	/* given, trimmed and lower-cased as list exports do: what a foreign sha256 list hashed */
	const char *plain;
	const char *local;  /* local part of the canonical form */
	const char *domain; /* domain of the canonical form, or the literal "[192.0.2.1]" */
};
/* RFC 5321/5322 mailbox with or without <>, quoted local parts, RFC 6531 UTF-8 (NFC), IDNA2008 domains,
 * address literals. A domain in ASCII whose A-labels stand for what IDNA2008 disallows (emoji, say) passes as
 * it stands; the literal of a v4-mapped IPv6 address is that of the IPv4 one. Refused with TACT_INVALID and a
 * text: empty, no '@', comments, source routes and other obsolete forms, control characters, bad UTF-8, bad
 * dots, bad or over-long labels; in the local part, quoted or not, what nobody sees: RFC 6531 would let it
 * pass, but it makes another person of an address that looks the same, whose wishes are then not found. That
 * is formats such as U+200B and U+FEFF, all that is ignored by default, and blanks such as U+00A0, named by
 * their code point; not U+200C and U+200D where they show (RFC 5892 A.1, A.2, as in PRECIS, RFC 8264), nor
 * U+FE0F behind a picture and U+200D between two, nor formats that are drawn, such as U+0600. Lengths beyond
 * RFC 5321's (64, 254) pass, as Postfix passes them; above 4096 octets is refused. */
int tact_facts_parse_address(struct tact_arena *arena, const char *text,
    const struct tact_canonical_profile *profile, struct tact_address *ret, struct tact_error *err);

/* The domain alone, as it stands in a canonical address: A-labels in lower case, also such as IDNA2008
 * disallows. For what configuration lists. */
int tact_facts_parse_domain(struct tact_arena *arena, const char *text, char **ret, struct tact_error *err);

/* ---- keys ---------------------------------------------------------------------------------------------- */

/* The secrets of a key file: the current one and the earlier ones. Opaque; wiped when freed. Immutable, any
 * thread. File: one secret a line as 64 hex digits, the current first, at most 64; '#' starts a comment line.
 * A regular file, not a symbolic link; mode must not let group or others read. */
struct tact_keyring;
/* TACT_OK, TACT_REFUSED (readable by others, a link, no file), TACT_INVALID (line named), TACT_SYSTEM. */
int tact_facts_load_keyring(const char *path, struct tact_keyring **ret, struct tact_error *err);
void tact_facts_free_keyring(struct tact_keyring **keyring);
/* Makes the file with mode 0600 and one random secret; refuses to overwrite. With rotate, puts a new secret
 * before the old ones of an existing file (owner and mode stay), replacing it atomically. Durable before it
 * answers. TACT_OK, TACT_REFUSED, TACT_INVALID, TACT_SYSTEM. */
int tact_facts_create_key_file(const char *path, bool rotate, struct tact_error *err);
size_t tact_facts_keyring_count(const struct tact_keyring *keyring);
/* A name of secret WHICH that tells nothing of it: goes into the store's identity. */
struct tact_id tact_facts_keyring_fingerprint(const struct tact_keyring *keyring, size_t which);
/* DESIGN §2: HMAC-SHA-256(secret, SHA-256(address)), first 16 bytes. */
struct tact_id tact_facts_key(
    const struct tact_keyring *keyring, size_t which, const uint8_t sha256[TACT_SHA256_BYTES]);

/* Whom the store's records are named by: the keyring and every canonical profile ever used with this store,
 * the current first. */
struct tact_identity {
	const struct tact_keyring *keyring;
	const struct tact_canonical_profile *profiles;
	size_t profiles_count; /* ≥ 1 */
	/* The store's recovery key as of a day since 1970, from which that of every later day follows; day 0:
	 * none. Wishes in the evidence are sealed under it for a store that is restored and forgot them. */
	int64_t recovery_day;
	uint8_t recovery_key[TACT_SHA256_BYTES];
};

struct tact_recipient {
	struct tact_address address;
	struct tact_id key; /* current secret over the current canonical form: what is written */
	/* Every other key this person may stand under, such as that of a literal's former, v4-mapped
	 * spelling: asked, never written. Distinct, without key. */
	const struct tact_id *also;
	size_t also_count;
};
/* Parses and keys one recipient. Results as tact_facts_parse_address. */
int tact_facts_recipient(struct tact_arena *arena, const struct tact_identity *identity, const char *text,
    struct tact_recipient *ret, struct tact_error *err);
/* The same for a hex SHA-256 from a list (of a plain lower-cased address): key from the current secret, also
 * from earlier ones. Its address.given is the hex in lower case, the rest of address is "". */
int tact_facts_recipient_of_sha256(struct tact_arena *arena, const struct tact_identity *identity,
    const char *hex, struct tact_recipient *ret, struct tact_error *err);

/* The same for a phone number with its country code: "+44 113 496-0000" or "tel:+441134960000". Its
 * address.canonical is the latter, local and domain are "". */
int tact_facts_recipient_of_phone(struct tact_arena *arena, const struct tact_identity *identity,
    const char *text, struct tact_recipient *ret, struct tact_error *err);
/* Does it begin like one? No address does. */
bool tact_facts_is_phone(const char *text);

/* ---- patterns and networks (made by config, asked by stream matching) ---------------------------------- */

struct tact_pattern; /* PCRE2, with match limits; immutable, any thread */
int tact_facts_compile_pattern(const char *text, struct tact_pattern **ret, struct tact_error *err);
void tact_facts_free_pattern(struct tact_pattern **pattern);
enum tact_answer { TACT_NO, TACT_YES, TACT_CANNOT_TELL };
/* Bytes, not characters, and letters of their own case unless the pattern says otherwise, as in (?i) or
 * (*UTF). TACT_CANNOT_TELL when a limit ended the search or the text is longer than 16 KiB: never "no match".
 */
enum tact_answer tact_facts_match_pattern(const struct tact_pattern *pattern, const char *text);

/* A pattern to be searched for in the text of a message: characters of UTF-8, letters of their own case
 * unless the pattern says otherwise. The steps of a search are counted, since it may be any. */
int tact_facts_compile_search(const char *text, struct tact_pattern **ret, struct tact_error *err);
/* One of the sets below, all of its patterns as one: the first of them that is found anywhere. It finds what
 * each alone would, many times sooner. TACT_INVALID for a name that is none. */
int tact_facts_compile_set(const char *name, struct tact_pattern **ret, struct tact_error *err);
/* LENGTH bytes of UTF-8. On TACT_YES, ret_at and ret_length tell what matched. The work of one search is
 * bounded whatever pattern and text are: TACT_CANNOT_TELL when the bound ended it, or for bytes that are not
 * UTF-8: never "no match". */
enum tact_answer tact_facts_search(
    const struct tact_pattern *pattern, const char *text, size_t length, size_t *ret_at, size_t *ret_length);

/* What tact brings along to look for: named sets of such patterns, for English, German, French and Spanish.
 * The pattern at INDEX, NULL past the end or for a name that is none; the name at INDEX, NULL past the end.
 */
const char *tact_facts_pattern_set_text(const char *name, size_t index);
const char *tact_facts_pattern_set_name(size_t index);

struct tact_network {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t bits;	     /* 0 … 128 */
};
/* "192.0.2.0/24", "2001:db8::/32", or one address. TACT_INVALID when bits of the host are set, too. */
int tact_facts_parse_network(const char *text, struct tact_network *ret, struct tact_error *err);
bool tact_facts_network_has(const struct tact_network *networks, size_t count, const char *ip);

/* ---- the message --------------------------------------------------------------------------------------- */

struct tact_header {
	const char *name;  /* as written */
	const char *value; /* unfolded, trimmed, not decoded */
};

struct tact_envelope {
	const char *listener;  /* name of the listener section */
	bool smtp;	       /* false: the non-SMTP listener (sendmail(1)): no refusal at RCPT */
	const char *sasl_user; /* NULL when not authenticated */
	const char *client_ip; /* NULL when there is none */
	const char *client_name;
	const char *sender; /* without <>; "" is the null sender */
};

struct tact_message {
	struct tact_envelope envelope;
	/* the envelope's, canonical with case folded and no tags cut; "" for the null sender */
	const char *sender;
	const char *sender_domain; /* A-labels; "" for the null sender */
	const char *queue_id;	   /* NULL until end of message */
	const struct tact_header *headers;
	size_t headers_count;
	size_t headers_bytes; /* as they came, kept ones only */
	/* From here on: filled by tact_facts_finish_message, NULL when absent. */
	const char *message_id, *date, *list_unsubscribe, *auto_submitted, *precedence;
	/* message_id to precedence: the first value, as written. */
	const char *from;	 /* canonical address of the one From mailbox */
	const char *from_domain; /* its domain, A-labels */
	const char *subject;	 /* decoded (unless longer than 16 KiB), UTF-8 */
	const char *list_id;	 /* what stands between < and >, lower case */
	/* RFC 9477's neighbour: campaign, customer, mail type, sender; the last written is the sender */
	const char *feedback_id[4];
	/* why this message is ambiguous (repeated or unreadable single headers, too many headers), or NULL */
	const char *ambiguous;
	/* multipart/report, or Auto-Submitted other than "no": answers of machines. Never when ambiguous. */
	bool automatic;
	bool platform; /* list or platform headers: nobody types these */
};

/* A message under construction, in the arena. */
struct tact_message *tact_facts_new_message(struct tact_arena *arena, const struct tact_envelope *envelope);
/* One header field; value may be folded and carry any byte but NUL. Kept up to 2,000 fields and 1 MiB
 * together; beyond, the message is ambiguous and the field is not kept. */
void tact_facts_add_header(
    struct tact_arena *arena, struct tact_message *message, const char *name, const char *value);
/* Reads what is read from headers. Always succeeds: what cannot be read makes the message ambiguous. Called
 * once. */
void tact_facts_finish_message(
    struct tact_arena *arena, struct tact_message *message, const struct tact_canonical_profile *profile);
/* First value of a header by name, any case, or NULL. */
const char *tact_facts_header(const struct tact_message *message, const char *name);
/* Reads an RFC 5322 file (header fields up to the empty line; a leading "From " line is passed over; LF or
 * CRLF) into a finished message, and reports where the body starts. A line that is no header field ends the
 * header and starts the body, as in Postfix, and makes the message ambiguous. For explain and the gate.
 * TACT_OK, or TACT_INVALID for a NUL byte in the header. */
int tact_facts_read_message(struct tact_arena *arena, const struct tact_envelope *envelope, const char *data,
    size_t size_bytes, const struct tact_canonical_profile *profile, struct tact_message **ret,
    size_t *ret_body_offset, struct tact_error *err);
/* The id by which a retry of the same message to the same person is known (DESIGN §5 "Idempotent counting").
 */
struct tact_id tact_facts_contact_id(const struct tact_message *message, const struct tact_id *recipient_key);

/* ---- content ------------------------------------------------------------------------------------------- */

/* The bytes behind the header, line ends LF or CRLF. */
struct tact_body {
	const char *bytes;
	size_t size_bytes;
	bool whole; /* false: there was more */
};

/* What a reader sees of a message. */
struct tact_content {
	const char *subject; /* decoded, UTF-8; "" when there is none */
	/* Every part of text that is shown: both of alternatives, forwarded messages, not attachments;
	 * decoded UTF-8, HTML as text (entities decoded, tags, scripts, styles and titles gone, pictures as
	 * their alt text), an empty line between two parts. No carriage returns; a no-break space is a space.
	 */
	const char *text;
	size_t text_bytes;
	size_t parts;	 /* of text that were read */
	bool attachment; /* something is attached */
	/* Why not all of it could be read (broken or unknown encoding, unknown character set, encrypted,
	 * ambiguous structure, cut, too deep …), or NULL. What could be read is there all the same. */
	const char *unreadable;
	const char *subject_unreadable; /* the same of the subject alone */
};
/* Reads MIME (RFC 2045 to 2047, 2231, 2387). Any bytes will do; time and memory are bounded by a multiple of
 * size_bytes. body NULL: it was not kept, which is unreadable too. message must be finished. */
void tact_facts_read_content(struct tact_arena *arena, const struct tact_message *message,
    const struct tact_body *body, struct tact_content *ret);

/* ---- streams ------------------------------------------------------------------------------------------- */

enum tact_delay_by { TACT_DELAY_QUEUE, TACT_DELAY_TEMPFAIL };
enum tact_quarantine_by { TACT_QUARANTINE_REVIEW, TACT_QUARANTINE_HOLD };

struct tact_header_match {
	const char *name;
	const char *text; /* of the pattern, for people */
	const struct tact_pattern *pattern;
};

/* One stream section. Lists are alternatives; several kinds of condition must all hold; a stream without any
 * condition matches nothing (it can still be named as strictest). SASL names and listeners are compared as
 * written, senders and domains in any case. A header condition holds when any field of that name matches;
 * Subject is asked decoded. */
struct tact_stream {
	const char *name, *owner, *brand;
	/* TACT_IN: who wrote it is the person it is about, and every recipient gets it. Such a stream has
	 * conditions on the envelope only. */
	enum tact_direction direction;
	enum tact_purpose purpose;
	int priority; /* 0 … 1000, higher first */
	bool exempt;  /* limits do not hold it back */
	bool counts;  /* its contacts count toward limits */
	enum tact_delay_by delay_by;
	enum tact_quarantine_by quarantine_by;
	int64_t max_delay_s;
	int64_t max_waiting; /* most recipients that wait here at a time */
	int firm_after;	     /* a claim that was moved so often becomes firm; 0: never */
	/* for purpose personal: more recipients a day for one sender and subject is bulk */
	int64_t personal_max;
	const char *campaign_header, *offer_header; /* NULL: Feedback-ID's first field / no offer */
	const char *occasion; /* "birthday": the recipient's day the mail is for; NULL or "": none */

	const char *const *sasl_users;
	size_t sasl_users_count;
	const struct tact_network *networks;
	size_t networks_count;
	const char *const *listeners;
	size_t listeners_count;
	const char *const *senders; /* envelope sender: canonical address, or "@domain" */
	size_t senders_count;
	const char *const *from_domains; /* header: only from a trusted submitter */
	size_t from_domains_count;
	const struct tact_header_match *headers; /* header: only from a trusted submitter */
	size_t headers_count;
};

struct tact_stream_set {
	const struct tact_stream *streams; /* in file order */
	size_t streams_count;
	const struct tact_stream *strictest; /* never NULL */
	/* Whose headers may choose the stream, the campaign and the offer. */
	const char *const *trusted_sasl_users;
	size_t trusted_sasl_users_count;
	const struct tact_network *trusted_networks;
	size_t trusted_networks_count;
	const char *const *trusted_listeners;
	size_t trusted_listeners_count;
};

struct tact_match {
	const struct tact_stream *stream; /* never NULL */
	bool certain;			  /* headers cannot change it: a refusal may be given at RCPT */
	bool strictest;			  /* fell to the strictest stream; why says how */
	bool bulk;			  /* calls itself personal and has list or platform headers */
	const char *why;		  /* short, for explain and the log */
};
/* The stream of that name, whatever its case; NULL: there is none. */
const struct tact_stream *tact_facts_find_stream(const struct tact_stream_set *set, const char *name);
/* Which stream carries the message. complete = false while only the envelope is known: then certain tells
 * whether that suffices. Ambiguous messages and bulk ones fall to the strictest stream, unless the envelope
 * says that they come in. The null sender is decide's matter. */
void tact_facts_match_stream(const struct tact_stream_set *set, const struct tact_message *message,
    bool complete, struct tact_match *ret);

/* What the rules read of one message: all a claim needs to keep. Strings never NULL ("" = none). */
struct tact_facts {
	const char *stream, *owner, *brand, *campaign, *offer, *list;
	const char *occasion; /* the recipient's day it is for; NULL or "": none */
	enum tact_purpose purpose;
	enum tact_channel channel;
	int priority;
	bool exempt, counts;
};
/* Facts of mail that STREAM would carry: for what is asked before there is a message. Names as they would
 * come
 * ("" = none), borrowed. */
void tact_facts_of_stream(const struct tact_stream *stream, const char *campaign, const char *offer,
    const char *list, struct tact_facts *ret);
/* Campaign, offer: only from a trusted submitter; list: List-Id. Values that are longer than 255 bytes or not
 * clean UTF-8 are replaced by a printable start and a digest. */
void tact_facts_gather(struct tact_arena *arena, const struct tact_stream_set *set,
    const struct tact_message *message, const struct tact_match *match, struct tact_facts *ret);

#endif
