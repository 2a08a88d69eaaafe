/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The record: what is written is read again, what a newer tact wrote is carried along, what cannot be is
 * refused.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dossier_help.h"

static struct tact_arena *arena;

static void setup(void)
{
	arena = tact_arena_new();
}

static void teardown(void)
{
	tact_arena_free(&arena);
}

static struct tact_dossier decode(const void *bytes, size_t size)
{
	struct tact_dossier dossier;
	struct tact_error err = {""};
	int got = tact_dossier_decode(arena, bytes, size, &dossier, &err);

	ck_assert_msg(got == TACT_OK, "decode: got %s (%s), want ok", tact_result_name(got), err.text);
	return dossier;
}

/* Through the record and back, and nothing lost on the way. */
static struct tact_dossier again(const struct tact_dossier *dossier, const char *what)
{
	struct tact_dossier got;
	const char *found;
	const void *bytes;
	size_t size;

	tact_dossier_encode(arena, dossier, &bytes, &size);
	got = decode(bytes, size);
	found = difference(arena, &got, dossier);
	ck_assert_msg(found == NULL, "%s: differs after a round trip in %s", what, found);
	return got;
}

START_TEST(test_round_trips)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct tact_dossier dossier;

		random_dossier(arena, seed, &dossier);
		(void)again(&dossier, tact_arena_printf(arena, "seed %d", (int)seed));
		tact_arena_reset(arena);
	}
}
END_TEST

/* An array that was read must have the room that tact_arena_push expects, whatever its length. */
START_TEST(test_read_then_grow)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct tact_contact contact = contact_at(NOW_US, 7);
		struct tact_suppression suppression = suppression_of(7);
		struct tact_claim claim = claim_of(7, TACT_CLAIM_PASSED);
		struct tact_dossier dossier, copy;

		random_dossier(arena, seed, &dossier);
		dossier = again(&dossier, "before");
		tact_dossier_copy(arena, &dossier, &copy);
		tact_dossier_add_contact(arena, &dossier, &contact);
		tact_dossier_add_suppression(arena, &dossier, &suppression);
		ck_assert(tact_dossier_add_claim(arena, &dossier, &claim));
		ck_assert_ptr_nonnull(tact_dossier_find_contact(&dossier, &contact.id));
		(void)again(&dossier, "grown");
		(void)again(&copy, "copy");
		ck_assert_ptr_null(tact_dossier_find_contact(&copy, &contact.id));
		tact_arena_reset(arena);
	}
}
END_TEST

START_TEST(test_empty_is_nothing)
{
	struct tact_dossier dossier, got;
	const void *bytes = NULL;
	size_t size = 1;
	const char *found;

	tact_dossier_init(&dossier);
	tact_dossier_encode(arena, &dossier, &bytes, &size);
	ck_assert_msg(size == 0 && bytes != NULL, "empty dossier: got %zu bytes, want 0", size);
	got = decode(NULL, 0);
	found = difference(arena, &got, &dossier);
	ck_assert_msg(found == NULL, "record of size 0: got a %s, want an empty dossier", found);
	/* A record with nothing but the schema is as empty. */
	got = decode("\x08\x01", 2);
	ck_assert_ptr_null(difference(arena, &got, &dossier));
}
END_TEST

/* The millions of an imported list: these bytes stand in stores for years. */
START_TEST(test_imported_suppression)
{
	static const char want[] = "\x08\x01"
				   "\x12\x06import"
				   "\x22\x1d"
				   "\x0a\x10\x1d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05"
				   "\x30\x01"
				   "\x40\xc0\xc4\x85\x8b\xb0\x91\x98\x03";
	struct tact_suppression suppression = suppression_of(5);
	struct tact_dossier dossier;
	const void *bytes;
	size_t size;

	tact_dossier_init(&dossier);
	suppression.time_us = INT64_C(1795000000143936);
	tact_dossier_add_suppression(arena, &dossier, &suppression);
	tact_dossier_encode(arena, &dossier, &bytes, &size);
	ck_assert_msg(size <= 45, "got %zu bytes, want at most 45", size);
	ck_assert_msg(size == sizeof want - 1 && memcmp(bytes, want, size) == 0, "got %s, want %s",
	    tact_hex_encode(arena, bytes, size), tact_hex_encode(arena, want, sizeof want - 1));
}
END_TEST

/* Loaded without an id, the same wish always has the same one, and another has another. */
START_TEST(test_suppression_without_id_is_named)
{
	struct tact_suppression suppression = suppression_of(5);
	struct tact_dossier dossier, first, second;
	const void *bytes;
	size_t size;

	tact_dossier_init(&dossier);
	suppression.id = (struct tact_id){{0}};
	suppression.time_us = INT64_C(1795000000143936);
	tact_dossier_add_suppression(arena, &dossier, &suppression);
	suppression.reason = TACT_HARD_BOUNCE;
	tact_dossier_add_suppression(arena, &dossier, &suppression);
	tact_dossier_encode(arena, &dossier, &bytes, &size);
	first = decode(bytes, size);
	second = decode(bytes, size);
	ck_assert(!tact_id_is_none(&first.suppressions[0].id));
	ck_assert(tact_id_equal(&first.suppressions[0].id, &second.suppressions[0].id));
	ck_assert(!tact_id_equal(&first.suppressions[0].id, &first.suppressions[1].id));
	/* Written again, it keeps it. */
	(void)again(&first, "named");
}
END_TEST

/* Whoever makes many makes the same bytes as whoever makes one, whatever came before. */
static void check_alike(
    struct tact_dossier_forms *forms, const struct tact_dossier *dossier, const char *what)
{
	const void *got, *want;
	size_t got_size, want_size;

	tact_dossier_encode(arena, dossier, &want, &want_size);
	tact_dossier_encode_alike(arena, forms, dossier, &got, &got_size);
	ck_assert_msg(got_size == want_size && memcmp(got, want, want_size) == 0, "%s: got %s, want %s", what,
	    tact_hex_encode(arena, got, got_size), tact_hex_encode(arena, want, want_size));
}

static struct tact_dossier wish_at(int64_t time_us, const struct tact_suppression *like)
{
	struct tact_suppression wish = *like;
	struct tact_dossier dossier;

	wish.time_us = time_us;
	tact_dossier_init(&dossier);
	dossier.history_since_us = NOW_US;
	tact_dossier_add_suppression(arena, &dossier, &wish);
	return dossier;
}

START_TEST(test_alike_is_the_same)
{
	static const int64_t times[] = {NOW_US, NOW_US, NOW_US + 1, NOW_US - 1, 0, 1, 2, 127, 128, 16383,
	    16384, NOW_US - INT64_C(86400000000), INT64_C(72057594037927935), INT64_C(72057594037927936),
	    INT64_MAX, INT64_MIN, -1, 0, 5, NOW_US / 2, NOW_US};
	struct tact_dossier_forms *forms = tact_dossier_forms_new(arena);
	const size_t count = sizeof times / sizeof *times;
	struct tact_suppression wish = suppression_of(0);

	wish.id = (struct tact_id){{0}};
	for (size_t i = 0; i < count * count; i++) {
		struct tact_dossier first = wish_at(times[i / count], &wish),
				    second = wish_at(times[i % count], &wish);

		check_alike(forms, &first, "first");
		check_alike(forms, &second, "second");
	}
}
END_TEST

/* The bytes of a time may stand elsewhere, too: "\x05" as a name's length, as the end of another time. */
START_TEST(test_alike_finds_its_time)
{
	struct tact_dossier_forms *forms = tact_dossier_forms_new(arena);
	struct tact_suppression wish = suppression_of(0);

	wish.id = (struct tact_id){{0}};
	wish.source = "a\x05z\x07";
	for (int64_t time_us = 0; time_us < 300; time_us++) {
		struct tact_dossier dossier = wish_at(time_us, &wish);

		wish.until_us = time_us % 3 == 0 ? 7 : 0;
		check_alike(forms, &dossier, "a short time");
	}
}
END_TEST

/* Each differs from the one before in one thing that the record says. */
START_TEST(test_alike_in_all_but_time)
{
	struct tact_suppression other[12];
	struct tact_dossier_forms *forms = tact_dossier_forms_new(arena);

	for (size_t i = 0; i < 12; i++) {
		other[i] = suppression_of(0);
		other[i].id = (struct tact_id){{0}};
	}
	other[1].source = "export";
	other[2].scope = (struct tact_scope){TACT_SCOPE_BRAND, "alpha"};
	other[3].scope = (struct tact_scope){TACT_SCOPE_BRAND, "bravo"};
	other[4].reason = TACT_COMPLAINT;
	other[5].purposes = 6;
	other[6].until_us = NOW_US + 5;
	other[7].note = "said so";
	other[8].ended_us = NOW_US + 7;
	other[9].ended_by = "ann";
	other[10].ended_why = "asked";
	other[11].id = id_of(9);
	for (size_t i = 0; i < 12 * 12; i++) {
		struct tact_dossier first = wish_at(NOW_US + 100, &other[i / 12]),
				    second = wish_at(NOW_US + 200, &other[i % 12]);

		check_alike(forms, &first, "first");
		check_alike(
		    forms, &second, tact_arena_printf(arena, "%d after %d", (int)i % 12, (int)i / 12));
	}
}
END_TEST

/* And who has more than one wish, or anything else beside it. */
START_TEST(test_alike_of_any_dossier)
{
	struct tact_dossier_forms *forms = tact_dossier_forms_new(arena);
	struct tact_suppression wish = suppression_of(0);

	wish.id = (struct tact_id){{0}};
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct tact_dossier dossier = wish_at(NOW_US + (int64_t)seed, &wish), any;

		check_alike(forms, &dossier, "one wish");
		random_dossier(arena, seed, &any);
		check_alike(forms, &any, tact_arena_printf(arena, "seed %d", (int)seed));
		any.suppressions = dossier.suppressions;
		any.suppressions_count = 1;
		any.history_since_us = NOW_US;
		check_alike(forms, &any, tact_arena_printf(arena, "seed %d with that wish", (int)seed));
		any = wish_at(NOW_US, &wish);
		any.address = seed % 2 == 0 ? "ann@example.com" : "";
		any.stands_for = seed % 3 == 0 ? id_of(9) : (struct tact_id){{0}};
		any.has_person_key = seed % 5 == 0;
		any.profile.language = seed % 7 == 0 ? "de" : "";
		any.history_since_us = NOW_US + (int64_t)(seed % 11);
		check_alike(forms, &any, tact_arena_printf(arena, "something beside, %d", (int)seed));
	}
}
END_TEST

static size_t count_text(const void *bytes, size_t size, const char *text)
{
	size_t found = 0, length = strlen(text);

	for (size_t i = 0; i + length <= size; i++)
		found += memcmp((const char *)bytes + i, text, length) == 0;
	return found;
}

START_TEST(test_names_stand_once)
{
	struct tact_dossier dossier;
	const void *bytes;
	size_t size, got;

	tact_dossier_init(&dossier);
	for (uint8_t i = 1; i <= 50; i++) {
		struct tact_contact contact = contact_at(NOW_US + i * SECOND_US, i);

		/* The same words, each time at another address. */
		contact.campaign = tact_arena_strdup(arena, "autumn-campaign");
		contact.owner = i % 2 ? "leeds-branch" : "corporate";
		tact_dossier_add_contact(arena, &dossier, &contact);
	}
	tact_dossier_encode(arena, &dossier, &bytes, &size);
	got = count_text(bytes, size, "autumn-campaign");
	ck_assert_msg(got == 1, "campaign: got %zu times, want once", got);
	got = count_text(bytes, size, "leeds-branch");
	ck_assert_msg(got == 1, "owner: got %zu times, want once", got);
	ck_assert_msg(
	    size < 50 * 24 + 100, "50 contacts: got %zu bytes, want fewer than %d", size, 50 * 24 + 100);
	(void)again(&dossier, "names");
}
END_TEST

START_TEST(test_count_none_is_one)
{
	struct tact_contact contact = contact_at(NOW_US, 1);
	struct tact_dossier dossier;
	const void *bytes;
	size_t size;

	tact_dossier_init(&dossier);
	contact.count = 0;
	tact_dossier_add_contact(arena, &dossier, &contact);
	ck_assert_msg(
	    dossier.contacts[0].count == 1, "added: got count %u, want 1", dossier.contacts[0].count);
	dossier.contacts[0].count = 0;
	tact_dossier_encode(arena, &dossier, &bytes, &size);
	dossier = decode(bytes, size);
	ck_assert_msg(
	    dossier.contacts[0].count == 1, "read: got count %u, want 1", dossier.contacts[0].count);
}
END_TEST

/* As a newer tact writes it: fields 100 … of the record and of every part that stands alone. */
static const char newer[] = "\x08\x01"					   /* schema */
			    "\xa0\x06\x2a"				   /* record: 100 */
			    "\x1a\x00"					   /* facts */
			    "\x22\x03\xa0\x06\x01"			   /* suppression: 100 */
			    "\x2a\x09\x1a\x01\x02\x22\x01\x01\xa0\x06\x02" /* contact: 100 */
			    "\x32\x05\x30\x01\xa0\x06\x03"		   /* claim: 100 */
			    "\x3a\x03\xa0\x06\x04"			   /* consent: 100 */
			    "\x5a\x0d\x2a\x07\x18\x02\x20\x1d\xa0\x06\x05" /* profile: occasion: 100 */
			    "\xaa\x06\x01n"				   /* profile: 101 */
			    "\xaa\x06\x03new";				   /* record: 101 */

/* Read, changed, written and read again: every unknown field is where it was. */
START_TEST(test_unknown_fields_live_on)
{
	struct tact_dossier dossier = decode(newer, sizeof newer - 1);
	struct tact_contact contact = contact_at(NOW_US, 9);
	const struct {
		const char *part;
		const struct tact_unknown *got;
		const char *want;
		size_t size;
	} rows[] = {
	    {"record", &dossier.unknown, "\xa0\x06\x2a\xaa\x06\x03new", 9},
	    {"suppression", &dossier.suppressions[0].unknown, "\xa0\x06\x01", 3},
	    {"contact", &dossier.contacts[0].unknown, "\xa0\x06\x02", 3},
	    {"claim", &dossier.claims[0].unknown, "\xa0\x06\x03", 3},
	    {"consent", &dossier.consents[0].unknown, "\xa0\x06\x04", 3},
	    {"occasion", &dossier.profile.occasions[0].unknown, "\xa0\x06\x05", 3},
	    {"profile", &dossier.profile.unknown, "\xaa\x06\x01n", 4},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_msg(rows[i].got->size == rows[i].size &&
				  memcmp(rows[i].got->bytes, rows[i].want, rows[i].size) == 0,
		    "%s: got %s, want %s", rows[i].part,
		    tact_hex_encode(arena, rows[i].got->bytes, rows[i].got->size),
		    tact_hex_encode(arena, rows[i].want, rows[i].size));
	/* A contact of our own before and after it, which must not get the field. */
	tact_dossier_add_contact(arena, &dossier, &contact);
	contact.id = id_of(10);
	tact_dossier_add_contact(arena, &dossier, &contact);
	dossier.claims[0].state = TACT_CLAIM_PASSED;
	dossier = again(&dossier, "newer");
	ck_assert_msg(dossier.contacts[0].unknown.size == 3 && dossier.contacts[1].unknown.size == 0,
	    "contacts: got unknown fields of %zu and %zu bytes, want 3 and 0",
	    dossier.contacts[0].unknown.size, dossier.contacts[1].unknown.size);
}
END_TEST

#define LEAST "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01" /* the least int64 */
#define MINUS "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" /* -1 */
#define MOST "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"	 /* the largest int64 */
#define BYTES(text) text, sizeof(text) - 1
#define RECORD(text) BYTES("\x08\x01" text)
/* One row of facts, one string "x", and a run of one contact at 1 us. */
#define TABLES "\x12\x01x\x1a\x00"

static const struct {
	const char *name;
	const char *bytes;
	size_t size;
	const char *text; /* stands in the error */
} corrupt[] = {
    {"cut in a tag", BYTES("\x08"), "do not parse"},
    {"cut in a number", BYTES("\x08\xff"), "do not parse"},
    {"cut in a string", RECORD("\x12\x05im"), "do not parse"},
    {"length beyond everything", RECORD("\x12\xff\xff\xff\xff\x0f"), "do not parse"},
    {"a group", RECORD("\x0b"), "do not parse"},
    {"schema as a text", BYTES("\x0a\x01\x01"), "do not parse"},
    {"no schema", BYTES("\x12\x01x"), "schema 0"},
    {"newer schema", BYTES("\x08\x02"), "newer tact"},
    {"newest schema", BYTES("\x08\xff\xff\xff\xff\x0f"), "newer tact"},
    {"facts: name beyond none", RECORD("\x1a\x02\x08\x01"), "row of facts 1: impossible name 1"},
    {"facts: name beyond one", RECORD("\x12\x01x\x1a\x02\x30\x02"), "impossible name 2"},
    {"facts: largest name", RECORD("\x1a\x06\x10\xff\xff\xff\xff\x0f"), "impossible name 4294967295"},
    {"facts: purpose", RECORD("\x1a\x02\x38\x06"), "impossible purpose 6"},
    {"facts: purpose below", RECORD("\x1a\x0b\x38" MINUS), "impossible purpose"},
    {"facts: channel", RECORD("\x1a\x02\x40\x07"), "impossible channel 7"},
    {"facts: direction", RECORD("\x1a\x02\x48\x02"), "impossible direction 2"},
    {"facts: sentiment", RECORD("\x1a\x02\x50\x03"), "impossible sentiment 3"},
    {"facts: a field we do not know", RECORD("\x1a\x03\xa0\x06\x01"), "impossible field 100"},
    {"contacts: facts 0", RECORD(TABLES "\x2a\x06\x1a\x01\x02\x22\x01\x00"), "impossible facts 0"},
    {"contacts: facts beyond", RECORD(TABLES "\x2a\x06\x1a\x01\x02\x22\x01\x02"), "impossible facts 2"},
    {"contacts: none", RECORD(TABLES "\x2a\x00"), "column"},
    {"contacts: time without facts", RECORD(TABLES "\x2a\x03\x1a\x01\x02"), "column"},
    {"contacts: two facts", RECORD(TABLES "\x2a\x07\x1a\x01\x02\x22\x02\x01\x01"), "column"},
    {"contacts: half an id", RECORD(TABLES "\x2a\x10\x12\x08idididid\x1a\x01\x02\x22\x01\x01"), "column"},
    {"contacts: two more", RECORD(TABLES "\x2a\x0a\x1a\x01\x02\x22\x01\x01\x2a\x02\x01\x01"), "column"},
    {"contacts: two open", RECORD(TABLES "\x2a\x0a\x1a\x01\x02\x22\x01\x01\x32\x02\x01\x01"), "column"},
    {"contacts: count 0", RECORD(TABLES "\x2a\x0d\x1a\x01\x02\x22\x01\x01\x2a\x05\xff\xff\xff\xff\x0f"),
	"count 0"},
    {"contacts: time below", RECORD(TABLES "\x2a\x06\x1a\x01\x01\x22\x01\x01"), "impossible time"},
    {"contacts: time back below", RECORD(TABLES "\x2a\x08\x1a\x02\x02\x03\x22\x02\x01\x01"),
	"impossible time"},
    {"contacts: time over",
	RECORD(TABLES "\x2a\x11\x1a\x0b\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x22\x02\x01\x01"),
	"impossible time"},
    {"contacts: span below", RECORD(TABLES "\x2a\x11\x08" MINUS "\x1a\x01\x02\x22\x01\x01"),
	"impossible time"},
    {"contacts: span over", RECORD(TABLES "\x2a\x10\x08" MOST "\x1a\x01\x02\x22\x01\x01"), "impossible time"},
    {"contacts: a field we do not know for two",
	RECORD(TABLES "\x2a\x0b\x1a\x02\x02\x02\x22\x02\x01\x01\xa0\x06\x01"), "impossible field 100"},
    {"told: a mark without a day", RECORD("\x6a\x08markmark"), "impossible length beside 1"},
    {"told: a day without a mark", RECORD("\x72\x01\x01"), "impossible length beside 0"},
    {"told: half a mark", RECORD("\x6a\x04mark\x72\x01\x01"), "do not parse"},
    {"suppression: scope", RECORD("\x22\x02\x10\x09"), "suppression 1: impossible scope 9"},
    {"suppression: second one's scope", RECORD("\x22\x00\x22\x02\x10\x09"),
	"suppression 2: impossible scope 9"},
    {"suppression: purpose nobody has", RECORD("\x12\x01x\x22\x04\x10\x05\x18\x01"), "impossible scope 5"},
    {"suppression: channel nobody has", RECORD("\x12\x01x\x22\x04\x10\x06\x18\x01"), "impossible scope 6"},
    {"suppression: scope's name", RECORD("\x22\x04\x10\x01\x18\x01"), "impossible name 1"},
    {"suppression: reason", RECORD("\x22\x02\x20\x07"), "impossible reason 7"},
    {"suppression: purposes", RECORD("\x22\x02\x28\x40"), "impossible purposes 64"},
    {"suppression: source", RECORD("\x22\x02\x30\x01"), "impossible name 1"},
    {"suppression: short id", RECORD("\x22\x05\x0a\x03idi"), "length of an id 3"},
    {"suppression: long id", RECORD("\x22\x13\x0a\x11ididididididididi"), "length of an id 17"},
    {"suppression: time", RECORD("\x22\x0b\x40" MINUS), "impossible time -1"},
    {"suppression: until", RECORD("\x22\x0b\x48" LEAST), "impossible time -9223372036854775808"},
    {"suppression: ended", RECORD("\x22\x0b\x50" MINUS), "impossible time -1"},
    {"suppression: ended by", RECORD("\x22\x02\x58\x01"), "impossible name 1"},
    {"claim: facts 0", RECORD(TABLES "\x32\x00"), "claim 1: impossible facts 0"},
    {"claim: state", RECORD(TABLES "\x32\x04\x30\x01\x18\x07"), "impossible state 7"},
    {"claim: made", RECORD(TABLES "\x32\x0d\x30\x01\x20" MINUS), "impossible time -1"},
    {"claim: not after", RECORD(TABLES "\x32\x0d\x30\x01\x28" MINUS), "impossible time -1"},
    {"claim: done", RECORD(TABLES "\x32\x0d\x30\x01\x70" MINUS), "impossible time -1"},
    {"claim: relay", RECORD(TABLES "\x32\x04\x30\x01\x40\x02"), "impossible name 2"},
    {"claim: ring", RECORD(TABLES "\x32\x04\x30\x01\x48\x02"), "impossible name 2"},
    {"claim: code", RECORD(TABLES "\x32\x04\x30\x01\x60\x02"), "impossible name 2"},
    {"claim: contact's id", RECORD(TABLES "\x32\x05\x30\x01\x12\x01i"), "length of an id 1"},
    {"claim: decision", RECORD(TABLES "\x32\x05\x30\x01\x52\x01i"), "length of an id 1"},
    {"claim: review", RECORD(TABLES "\x32\x05\x30\x01\x5a\x01i"), "length of an id 1"},
    {"claim: bumps", RECORD(TABLES "\x32\x08\x30\x01\x78\xff\xff\xff\xff\x0f"), "impossible bumps"},
    {"consent: basis", RECORD("\x3a\x02\x10\x03"), "consent 1: impossible basis 3"},
    {"consent: scope", RECORD("\x3a\x02\x18\x09"), "impossible scope 9"},
    {"consent: time", RECORD("\x3a\x0b\x38" MINUS), "impossible time -1"},
    {"person: short key", RECORD("\x42\x03key"), "length of a person key 3"},
    {"person: history", RECORD("\x48" MINUS), "impossible time -1"},
    {"occasion: no date", RECORD("\x5a\x02\x2a\x00"), "occasion 1: impossible date"},
    {"occasion: month", RECORD("\x5a\x06\x2a\x04\x18\x0d\x20\x01"), "impossible month 13"},
    {"occasion: day", RECORD("\x5a\x06\x2a\x04\x18\x01\x20\x20"), "impossible day 32"},
};

START_TEST(test_corrupt)
{
	struct tact_dossier dossier, untouched;
	struct tact_error err = {""};
	int got;

	memset(&dossier, 0x5a, sizeof dossier);
	memcpy(&untouched, &dossier, sizeof dossier);
	got = tact_dossier_decode(arena, corrupt[_i].bytes, corrupt[_i].size, &dossier, &err);
	ck_assert_msg(
	    got == TACT_CORRUPT, "%s: got %s, want corrupt", corrupt[_i].name, tact_result_name(got));
	ck_assert_msg(strstr(err.text, corrupt[_i].text) != NULL, "%s: got \"%s\", want \"%s\" in it",
	    corrupt[_i].name, err.text, corrupt[_i].text);
	ck_assert_msg(
	    memcmp(&dossier, &untouched, sizeof dossier) == 0, "%s: output touched", corrupt[_i].name);
	ck_assert_int_eq(
	    tact_dossier_decode(arena, corrupt[_i].bytes, corrupt[_i].size, &dossier, NULL), TACT_CORRUPT);
}
END_TEST

/* The records that the ones above are one step away from. */
START_TEST(test_possible)
{
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {
	    {RECORD(TABLES "\x2a\x06\x1a\x01\x02\x22\x01\x01")},
	    {RECORD(TABLES "\x2a\x08\x1a\x02\x02\x01\x22\x02\x01\x01")},
	    {RECORD(TABLES "\x2a\x0d\x1a\x01\x02\x22\x01\x01\x2a\x05\xfe\xff\xff\xff\x0f")},
	    {RECORD(TABLES "\x2a\x10\x08" MOST "\x1a\x01\x00\x22\x01\x01")},
	    {RECORD("\x12\x03sms\x22\x04\x10\x06\x18\x01")},
	    {RECORD("\x22\x08\x10\x08\x20\x06\x28\x3f\x48\x01")},
	    {RECORD(TABLES "\x32\x04\x30\x01\x18\x06")},
	    {RECORD("\x5a\x06\x2a\x04\x18\x0c\x20\x1f")},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct tact_dossier dossier = decode(rows[i].bytes, rows[i].size);

		(void)again(&dossier, tact_arena_printf(arena, "row %zu", i));
	}
}
END_TEST

/* Names and texts that a caller left NULL are none. */
START_TEST(test_null_is_none)
{
	struct tact_dossier dossier = {0};
	const void *bytes;
	size_t size;

	*TACT_PUSH(arena, dossier.contacts, dossier.contacts_count) = (struct tact_contact){.count = 1};
	*TACT_PUSH(arena, dossier.suppressions, dossier.suppressions_count) = (struct tact_suppression){0};
	*TACT_PUSH(arena, dossier.claims, dossier.claims_count) = (struct tact_claim){0};
	tact_dossier_encode(arena, &dossier, &bytes, &size);
	dossier = decode(bytes, size);
	ck_assert_str_eq(dossier.contacts[0].stream, "");
	ck_assert_str_eq(dossier.suppressions[0].note, "");
	ck_assert_str_eq(dossier.claims[0].facts.stream, "");
	ck_assert_str_eq(dossier.address, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dossier: record");
	TCase *tc = tcase_create("record");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_round_trips);
	tcase_add_test(tc, test_read_then_grow);
	tcase_add_test(tc, test_empty_is_nothing);
	tcase_add_test(tc, test_imported_suppression);
	tcase_add_test(tc, test_suppression_without_id_is_named);
	tcase_add_test(tc, test_alike_is_the_same);
	tcase_add_test(tc, test_alike_finds_its_time);
	tcase_add_test(tc, test_alike_in_all_but_time);
	tcase_add_test(tc, test_alike_of_any_dossier);
	tcase_add_test(tc, test_names_stand_once);
	tcase_add_test(tc, test_count_none_is_one);
	tcase_add_test(tc, test_unknown_fields_live_on);
	tcase_add_loop_test(tc, test_corrupt, 0, sizeof corrupt / sizeof corrupt[0]);
	tcase_add_test(tc, test_possible);
	tcase_add_test(tc, test_null_is_none);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
