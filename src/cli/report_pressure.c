/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact report pressure: how much people hear from us, on all channels together, and from which desk.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define WINDOW_S (30 * INT64_C(86400))
#define MANY 20 /* contacts; more are one line */
#define TOP_MOST 1000

static const struct cli_option options[] = {
    {"window", "DURATION", "contacts of this long until now (default: 30d)", false},
    {"top", "N", "how many of the most pressed people are named (default: 10)", false},
    {NULL, NULL, NULL, false}};

/* What one desk, or one channel, did. */
struct desk {
	const char *name;
	uint64_t contacts, people, most; /* most: to one person */
	uint64_t now;			 /* to the person being looked at */
};
struct desks {
	struct desk *list;
	size_t count;
};

struct person {
	const char *name; /* the address where it is kept, else the key */
	uint64_t contacts;
	size_t owners;
};

struct pressure {
	struct cli *cli;
	struct tact_arena *arena; /* of one record */
	int64_t window_s, top, from_us;
	uint64_t known, reached, contacts,
	    people[MANY + 1]; /* people[n]: who had n contacts; the last: n and more */
	struct desks owners, channels;
	struct person *top_list; /* most first */
	size_t top_count;
	uint64_t unreadable;
};

/* ---- counting ---- */

static struct desk *desk_of(struct pressure *pressure, struct desks *desks, const char *name)
{
	struct desk *desk;

	for (size_t i = 0; i < desks->count; i++)
		if (strcmp(desks->list[i].name, name) == 0)
			return &desks->list[i];
	desk = TACT_PUSH(pressure->cli->arena, desks->list, desks->count);
	desk->name = tact_arena_strdup(pressure->cli->arena, name);
	return desk;
}

/* The person is done with: what each desk did goes into its sums. Answers how many did something. */
static size_t settle(struct desks *desks)
{
	size_t active = 0;

	for (size_t i = 0; i < desks->count; i++) {
		struct desk *desk = &desks->list[i];

		desk->contacts += desk->now;
		desk->people += desk->now > 0;
		active += desk->now > 0;
		desk->most = desk->now > desk->most ? desk->now : desk->most;
		desk->now = 0;
	}
	return active;
}

static void keep_if_pressed(struct pressure *pressure, const struct person *person)
{
	size_t at = pressure->top_count;

	while (at > 0 && pressure->top_list[at - 1].contacts < person->contacts)
		at--;
	if (at == (size_t)pressure->top)
		return;
	pressure->top_count += pressure->top_count < (size_t)pressure->top;
	memmove(&pressure->top_list[at + 1], &pressure->top_list[at],
	    (pressure->top_count - at - 1) * sizeof *pressure->top_list);
	pressure->top_list[at] = *person;
	pressure->top_list[at].name = tact_arena_strdup(pressure->cli->arena, person->name);
}

static void count_person(
    struct pressure *pressure, const struct tact_id *key, const struct tact_dossier *dossier)
{
	struct person person = {
	    .name = *dossier->address != '\0' ? dossier->address : tact_id_format(pressure->arena, key)};

	for (size_t i = 0; i < dossier->contacts_count; i++) {
		const struct tact_contact *contact = &dossier->contacts[i];

		if (contact->direction != TACT_OUT || contact->time_us + contact->span_us < pressure->from_us)
			continue;
		person.contacts += contact->count;
		desk_of(pressure, &pressure->owners, contact->owner)->now += contact->count;
		desk_of(pressure, &pressure->channels, tact_facts_channel_name(contact->channel))->now +=
		    contact->count;
	}
	pressure->known++;
	pressure->contacts += person.contacts;
	pressure->reached += person.contacts > 0;
	pressure->people[person.contacts < MANY ? person.contacts : MANY]++;
	settle(&pressure->channels);
	person.owners = settle(&pressure->owners);
	if (person.contacts > 0)
		keep_if_pressed(pressure, &person);
}

static bool look_at(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct pressure *pressure = context;
	struct tact_dossier dossier;

	tact_arena_reset(pressure->arena);
	if (record->size == 0)
		return true;
	if (tact_dossier_decode(pressure->arena, record->bytes, record->size, &dossier, NULL) == TACT_OK)
		count_person(pressure, &key->id, &dossier);
	else
		pressure->unreadable++;
	return true;
}

/* ---- telling ---- */

static void put_desks(struct cli_json *in, const char *name, const char *heading, const struct desks *desks)
{
	struct cli_json *list = cli_json_put_list(in, name);

	for (size_t i = 0; i < desks->count; i++) {
		struct cli_json *object = cli_json_put_object(list, NULL);

		cli_json_put_text(object, heading, desks->list[i].name);
		cli_json_put_integer(object, "contacts", (int64_t)desks->list[i].contacts);
		cli_json_put_integer(object, "people", (int64_t)desks->list[i].people);
		cli_json_put_integer(object, "most", (int64_t)desks->list[i].most);
	}
}

static void tell_json(const struct pressure *pressure)
{
	struct cli_json *object = cli_json_object(), *list;

	cli_json_put_time(object, "from", pressure->from_us);
	cli_json_put_integer(object, "known", (int64_t)pressure->known);
	cli_json_put_integer(object, "reached", (int64_t)pressure->reached);
	cli_json_put_integer(object, "contacts", (int64_t)pressure->contacts);
	list = cli_json_put_list(object, "people");
	for (size_t i = 0; i <= MANY; i++)
		cli_json_put_integer(list, NULL, (int64_t)pressure->people[i]);
	put_desks(object, "owners", "owner", &pressure->owners);
	put_desks(object, "channels", "channel", &pressure->channels);
	list = cli_json_put_list(object, "most_pressed");
	for (size_t i = 0; i < pressure->top_count; i++) {
		struct cli_json *person = cli_json_put_object(list, NULL);

		cli_json_put_text(person, "who", pressure->top_list[i].name);
		cli_json_put_integer(person, "contacts", (int64_t)pressure->top_list[i].contacts);
		cli_json_put_integer(person, "owners", (int64_t)pressure->top_list[i].owners);
	}
	cli_json_print(object);
}

static void print_desks(const struct pressure *pressure, const char *heading, const struct desks *desks)
{
	printf("\n%-30s %10s %10s %12s\n", heading, "contacts", "people", "most to one");
	for (size_t i = 0; i < desks->count; i++)
		printf("  %-28s %10" PRIu64 " %10" PRIu64 " %12" PRIu64 "\n",
		    *desks->list[i].name != '\0' ? cli_safe(pressure->cli->arena, desks->list[i].name)
						 : "(none)",
		    desks->list[i].contacts, desks->list[i].people, desks->list[i].most);
}

static void tell_text(const struct pressure *pressure)
{
	printf("%" PRIu64 " contacts since %s, to %" PRIu64 " of %" PRIu64 " people\n", pressure->contacts,
	    tact_text_format_time(pressure->cli->arena, pressure->from_us), pressure->reached,
	    pressure->known);
	printf("\n%-30s %10s\n", "contacts a person", "people");
	for (size_t i = 0; i <= MANY; i++)
		if (pressure->people[i] > 0)
			printf("  %2zu%-26s %10" PRIu64 "\n", i, i == MANY ? " and more" : "",
			    pressure->people[i]);
	print_desks(pressure, "by owner", &pressure->owners);
	print_desks(pressure, "by channel", &pressure->channels);
	if (pressure->top_count > 0)
		printf("\n%-46s %10s %10s\n", "the most pressed", "contacts", "owners");
	for (size_t i = 0; i < pressure->top_count; i++)
		printf("  %-44s %10" PRIu64 " %10zu\n",
		    cli_safe(pressure->cli->arena, pressure->top_list[i].name),
		    pressure->top_list[i].contacts, pressure->top_list[i].owners);
}

static int compare_desks(const void *a, const void *b)
{
	const struct desk *left = a, *right = b;

	return left->contacts != right->contacts
		   ? (left->contacts < right->contacts) - (left->contacts > right->contacts)
		   : strcmp(left->name, right->name);
}

static void sort(struct desks *desks)
{
	if (desks->count > 1)
		qsort(desks->list, desks->count, sizeof *desks->list, compare_desks);
}

/* ---- the run ---- */

static int read_options(struct pressure *pressure)
{
	struct cli *cli = pressure->cli;
	const char *window = cli_value(cli, "window"), *top = cli_value(cli, "top");
	struct tact_error err;

	pressure->window_s = WINDOW_S;
	pressure->top = 10;
	if (window != NULL && (tact_text_parse_duration(window, &pressure->window_s, &err) != TACT_OK ||
				  pressure->window_s == 0))
		return cli_fail(EX_USAGE, "--window: \"%.40s\" is no duration such as 30d", window);
	if (top != NULL && tact_text_parse_int(top, 0, TOP_MOST, &pressure->top, &err) != TACT_OK)
		return cli_fail(EX_USAGE, "--top: %s", err.text);
	pressure->from_us = cli->now_us - pressure->window_s * 1000000;
	pressure->top_list =
	    tact_arena_alloc(cli->arena, (size_t)(pressure->top + 1) * sizeof *pressure->top_list);
	return EX_OK;
}

static int sum_up(struct pressure *pressure)
{
	struct tact_error err = {""};
	int result;

	pressure->arena = tact_arena_new();
	result = tact_store_scan(pressure->cli->store, TACT_STORE_DOSSIER, look_at, pressure, &err);
	tact_arena_free(&pressure->arena);
	if (result != TACT_OK && result != TACT_CORRUPT)
		return cli_fail(cli_exit_code(result), "%s", err.text);
	sort(&pressure->owners);
	sort(&pressure->channels);
	if (pressure->cli->json)
		tell_json(pressure);
	else
		tell_text(pressure);
	if (result == TACT_CORRUPT || pressure->unreadable > 0)
		return cli_fail(
		    EX_DATAERR, "records were left out because they cannot be read; see tact store check");
	return EX_OK;
}

static int run(struct cli *cli)
{
	struct pressure pressure = {.cli = cli};
	int code = cli_need_operands(cli, 0, 0);

	if (code == EX_OK)
		code = read_options(&pressure);
	if (code == EX_OK)
		code = cli_open(cli, CLI_READ);
	return code == EX_OK ? sum_up(&pressure) : code;
}

const struct cli_verb cli_report_pressure = {
    "report pressure", "", "Sum up how much people hear from us, and from which desk.", options, run};
