/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The rule "limit": which contacts it counts for which mail, and what it says. How much stands in a window is
 * window.c's matter.
 */
#include <config.h>

#include <string.h>

#include "engine.h"

/* ---- what a limit counts, whoever asks ---------------------------------------------------------- */

static const bool *list_numbers(struct book *book, enum policy_name name, const struct tact_names *list)
{
	const struct name_table *table = &book->names[name];
	bool *listed;

	if (list->count == 0)
		return NULL;
	listed = tact_arena_alloc(book->arena, table->count * sizeof *listed);
	for (size_t i = 0; i < table->count; i++)
		listed[i] = policy_names_have(list, table->known[i].text);
	return listed;
}

static bool is_listed(const struct shelf *shelf, enum policy_name name, const uint32_t names[NAMES])
{
	return shelf->listed[name] == NULL || shelf->listed[name][names[name]];
}

static bool is_counted(
    const struct shelf *shelf, unsigned purpose, unsigned channel, const uint32_t names[NAMES])
{
	if (!(shelf->purposes >> purpose & 1) || !(shelf->channels >> channel & 1))
		return false;
	return !shelf->lists ||
	       (is_listed(shelf, NAME_STREAM, names) && is_listed(shelf, NAME_OWNER, names) &&
		   is_listed(shelf, NAME_BRAND, names));
}

static bool has_weight(const struct shelf *shelf, const struct entry *entry)
{
	return is_counted(shelf, entry->purpose, entry->channel, entry->names);
}

static void set_filter(struct book *book, const struct tact_limit *limit, struct shelf *shelf)
{
	shelf->purposes = limit->purposes == 0 ? ~0U : limit->purposes;
	for (unsigned i = 0; i < TACT_CHANNELS; i++)
		if ((limit->channels == 0 || (limit->channels >> i & 1)) && limit->weight_milli[i] > 0)
			shelf->channels |= 1U << i;
	shelf->listed[NAME_STREAM] = list_numbers(book, NAME_STREAM, &limit->streams);
	shelf->listed[NAME_OWNER] = list_numbers(book, NAME_OWNER, &limit->owners);
	shelf->listed[NAME_BRAND] = list_numbers(book, NAME_BRAND, &limit->brands);
	shelf->lists = limit->streams.count > 0 || limit->owners.count > 0 || limit->brands.count > 0;
}

static size_t first_after(const struct book *book, int64_t t_us)
{
	size_t low = 0, high = book->contacts_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (book->contacts[middle].time_us <= t_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void fill_shelf(struct book *book, const struct tact_limit *limit, struct shelf *shelf)
{
	size_t first;

	shelf->ready = true;
	set_filter(book, limit, shelf);
	first = first_after(book, policy_window_horizon(limit, book->from_us));
	shelf->contacts =
	    tact_arena_alloc(book->arena, (book->contacts_count - first) * sizeof(const struct entry *));
	for (size_t i = first; i < book->contacts_count; i++) {
		const struct entry *entry = &book->contacts[i];

		if (!has_weight(shelf, entry))
			continue;
		shelf->contacts[shelf->contacts_count++] = entry;
		shelf->sum_milli += policy_window_weight(limit, entry);
	}
}

/* ---- what it counts for this mail --------------------------------------------------------------- */

static enum policy_name same_name(enum tact_same same)
{
	static const enum policy_name names[] = {
	    [TACT_SAME_STREAM] = NAME_STREAM,
	    [TACT_SAME_OWNER] = NAME_OWNER,
	    [TACT_SAME_BRAND] = NAME_BRAND,
	    [TACT_SAME_CAMPAIGN] = NAME_CAMPAIGN,
	    [TACT_SAME_OFFER] = NAME_OFFER,
	    [TACT_SAME_LIST] = NAME_LIST,
	};

	return names[same];
}

static bool concerns(const struct tact_limit *limit, const struct asker *asker, const struct entry *entry)
{
	if (limit->by != TACT_BY_ANY &&
	    (entry->names[NAME_OWNER] == asker->names[NAME_OWNER]) != (limit->by == TACT_BY_SAME_OWNER))
		return false;
	if (limit->same != TACT_SAME_NONE) {
		enum policy_name name = same_name(limit->same);

		if (entry->names[name] != asker->names[name])
			return false;
	}
	return asker->contact == NULL || entry->claim || entry->first_us < asker->contact_from_us ||
	       !tact_id_equal(entry->id, asker->contact);
}

/* Fills the window from the latest item back to the horizon. */
static void gather(const struct asker *asker, struct shelf *shelf, struct window *window)
{
	struct book *book = asker->book;
	int64_t horizon_us = policy_window_horizon(window->limit, window->from_us);
	size_t contact = shelf->contacts_count, claim = book->claims_count, first;

	if (shelf->items == NULL) {
		shelf->items_room = shelf->contacts_count + book->claims_room;
		shelf->items =
		    tact_arena_alloc(book->arena, shelf->items_room * sizeof(const struct entry *));
	}
	first = shelf->items_room;
	while (contact > 0 || claim > 0) {
		bool takes_claim = contact == 0 || (claim > 0 && book->claims[claim - 1]->time_us >
								     shelf->contacts[contact - 1]->time_us);
		const struct entry *entry = takes_claim ? book->claims[--claim] : shelf->contacts[--contact];

		if (entry->time_us <= horizon_us)
			break;
		if ((!takes_claim || has_weight(shelf, entry)) && concerns(window->limit, asker, entry))
			shelf->items[--first] = entry;
	}
	window->items = shelf->items + first;
	window->count = shelf->items_room - first;
	window->gathered = true;
}

/* No less than what the window can hold, looking at contacts only as long as they may be too many: nearly
 * every mail is far from nearly every limit. */
static bool is_easy(const struct book *book, const struct shelf *shelf, const struct window *window)
{
	int64_t horizon_us, room_milli = window->limit->at_most_milli - window->own_milli;
	size_t i = shelf->contacts_count;

	for (size_t c = 0; c < book->claims_count; c++)
		if (has_weight(shelf, book->claims[c]))
			room_milli -= policy_window_weight(window->limit, book->claims[c]);
	if (shelf->sum_milli <= room_milli)
		return true;
	horizon_us = policy_window_horizon(window->limit, window->from_us);
	while (i > 0 && room_milli >= 0 && shelf->contacts[i - 1]->time_us > horizon_us)
		room_milli -= policy_window_weight(window->limit, shelf->contacts[--i]);
	return room_milli >= 0;
}

/* by and same tell other mails apart; the mail itself counts whenever the rest of the filter takes it in. */
static int64_t own_weight(
    const struct asker *asker, const struct tact_limit *limit, const struct shelf *shelf)
{
	const struct tact_facts *facts = asker->facts;
	struct entry own = {.count = 1, .channel = (uint8_t)facts->channel};

	if (!facts->counts || (unsigned)facts->channel >= TACT_CHANNELS ||
	    !is_counted(shelf, (unsigned)facts->purpose, (unsigned)facts->channel, asker->names))
		return 0;
	return policy_window_weight(limit, &own);
}

static const char *why_abstain(const struct tact_limit *limit, const struct tact_facts *facts)
{
	if (facts->exempt)
		return "stream is exempt";
	if (limit->same == TACT_SAME_CAMPAIGN && *facts->campaign == '\0')
		return "mail has no campaign";
	if (limit->same == TACT_SAME_OFFER && *facts->offer == '\0')
		return "mail has no offer";
	if (limit->same == TACT_SAME_LIST && *facts->list == '\0')
		return "mail has no list";
	return NULL;
}

void policy_limit_prepare(struct asker *asker, size_t rule, int64_t from_us)
{
	struct book *book = asker->book;
	const struct tact_limit *limit = &book->rules->rules[rule].limit;
	struct shelf *shelf = &book->shelves[rule];
	struct seat *seat = &asker->seats[rule];

	seat->abstains = why_abstain(limit, asker->facts);
	if (seat->abstains != NULL)
		return;
	if (!shelf->ready)
		fill_shelf(book, limit, shelf);
	seat->window = (struct window){.limit = limit, .book = book, .from_us = from_us};
	seat->window.own_milli = own_weight(asker, limit, shelf);
	seat->window.easy = is_easy(book, shelf, &seat->window);
	if (!seat->window.easy)
		gather(asker, shelf, &seat->window);
}

/* ---- what it says ------------------------------------------------------------------------------- */

int64_t policy_limit_earliest(const struct asker *asker, size_t rule, int64_t t_us)
{
	const struct seat *seat = &asker->seats[rule];

	return seat->abstains != NULL ? t_us : policy_window_earliest(&seat->window, t_us);
}

bool policy_limit_holds(const struct asker *asker, size_t rule, int64_t since_us, int64_t t_us)
{
	const struct seat *seat = &asker->seats[rule];

	return seat->abstains != NULL || policy_window_holds(&seat->window, since_us, t_us);
}

static const char *count_words(struct tact_arena *arena, const struct tact_limit *limit, int64_t count_milli)
{
	return JOIN(arena, policy_format_milli(arena, count_milli), " of ",
	    policy_format_milli(arena, limit->at_most_milli), " in ", limit->window);
}

#define HOLDER_MAX 40 /* a reply has other things to say, too */

/* "autumn-launch of corporate": what the desk that lost may ask about. A name that looks like an address is
 * not repeated. */
static const char *name_holder(struct tact_arena *arena, const struct tact_facts *facts)
{
	const char *campaign, *owner;

	if (facts == NULL)
		return "";
	campaign = strchr(facts->campaign, '@') == NULL ? facts->campaign : "";
	campaign = tact_text_printable(arena, campaign, HOLDER_MAX);
	owner = tact_text_printable(arena, facts->owner, HOLDER_MAX);
	return JOIN(arena, campaign, *campaign != '\0' && *owner != '\0' ? " of " : "", owner);
}

static const char *explain(struct tact_arena *arena, const struct tact_limit *limit,
    const struct tally *tally, const char *held_by, int64_t frees_at_us)
{
	return JOIN(arena, count_words(arena, limit, tally->count_milli),
	    *held_by != '\0'	     ? ", place held by "
	    : *tally->holder != '\0' ? ", the latest of "
				     : "",
	    *held_by != '\0' ? held_by : tally->holder,
	    frees_at_us == 0 ? "; never room for this mail" : "; room from ",
	    frees_at_us == 0 ? "" : tact_text_format_time(arena, frees_at_us));
}

void policy_limit_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret)
{
	struct seat *seat = &asker->seats[rule];
	const struct tact_limit *limit = seat->window.limit;
	struct tally tally;

	if (seat->abstains != NULL) {
		ret->why = seat->abstains;
		return;
	}
	if (!seat->window.gathered)
		gather(asker, &asker->book->shelves[rule], &seat->window);
	policy_window_tally(&seat->window, t_us, &tally);
	ret->has_numbers = true;
	ret->count_milli = tally.count_milli;
	ret->at_most_milli = limit->at_most_milli;
	ret->window = limit->window;
	ret->holder = tally.holder;
	ret->held_by = name_holder(asker->book->arena, tally.held_by);
	ret->why = "within the limit";
	if (tally.satisfied)
		return;
	ret->fired = true;
	ret->until_us = policy_window_earliest(&seat->window, tally.next_us);
	ret->frees_at_us = ret->until_us == POLICY_NEVER ? 0 : ret->until_us;
	ret->why = explain(asker->book->arena, limit, &tally, ret->held_by, ret->frees_at_us);
}

const char *policy_limit_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us)
{
	struct tact_arena *arena = asker->book->arena;

	(void)t_us;
	return JOIN(arena, finding->rule->name, ": ",
	    count_words(arena, &finding->rule->limit, finding->count_milli),
	    *finding->held_by == '\0' ? "" : ", place held by ", finding->held_by);
}
