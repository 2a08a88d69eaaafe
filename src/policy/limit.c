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
    const struct shelf *shelf, unsigned purpose, unsigned way, unsigned channel, const uint32_t names[NAMES])
{
	if (!(shelf->purposes >> purpose & 1) || !(shelf->ways >> way & 1) ||
	    !(shelf->channels >> channel & 1))
		return false;
	return !shelf->lists ||
	       (is_listed(shelf, NAME_STREAM, names) && is_listed(shelf, NAME_OWNER, names) &&
		   is_listed(shelf, NAME_BRAND, names));
}

static bool has_weight(const struct shelf *shelf, const struct entry *entry)
{
	return is_counted(shelf, entry->purpose, entry->way, entry->channel, entry->names);
}

static unsigned list_ways(const struct tact_limit *limit)
{
	unsigned directions = limit->directions, sentiments = limit->sentiments, ways = 0;

	if (directions == 0)
		directions = sentiments == 0 ? 1U << TACT_OUT : 1U << TACT_OUT | 1U << TACT_IN;
	if (sentiments == 0)
		sentiments = ~0U;
	for (unsigned direction = TACT_OUT; direction <= TACT_IN; direction++)
		for (unsigned sentiment = TACT_NEUTRAL; sentiment <= TACT_NEGATIVE; sentiment++)
			if ((directions >> direction & 1) && (sentiments >> sentiment & 1))
				ways |= 1U << policy_way(direction, sentiment);
	return ways;
}

static void set_filter(struct book *book, const struct tact_limit *limit, struct shelf *shelf)
{
	shelf->purposes = limit->purposes == 0 ? ~0U : limit->purposes;
	shelf->ways = list_ways(limit);
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

/* What the recipient asked for takes the place of a number of our own. What cannot be read is no leave to
 * send. */
static void read_own_limit(struct book *book, struct shelf *shelf)
{
	const char *wish = book->dossier->profile.own_limit;
	struct tact_limit *own;

	if (*wish == '\0') {
		shelf->abstains = "recipient asked for no limit";
		return;
	}
	own = tact_arena_alloc(book->arena, sizeof *own);
	*own = *shelf->limit;
	shelf->unreadable = tact_policy_parse_at_most(wish, own, NULL) != TACT_OK;
	shelf->limit = own;
}

static void fill_shelf(struct book *book, const struct tact_limit *limit, struct shelf *shelf)
{
	size_t first;

	shelf->ready = true;
	shelf->limit = limit;
	if (limit->form == TACT_LIMIT_RECIPIENT)
		read_own_limit(book, shelf);
	if (shelf->abstains != NULL || shelf->unreadable)
		return;
	limit = shelf->limit;
	set_filter(book, limit, shelf);
	first = first_after(book, policy_window_horizon(book, limit, book->from_us));
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
	/* Another one of that id, earlier or later, is of a mail that only looks the same. */
	return asker->contact == NULL || entry->claim || !tact_id_equal(entry->id, asker->contact) ||
	       entry->first_us < asker->contact_from_us ||
	       (asker->contact_from_us > 0 && entry->first_us > asker->contact_from_us);
}

/* Fills the window from the latest item back to the horizon. */
static void gather(const struct asker *asker, struct shelf *shelf, struct window *window)
{
	struct book *book = asker->book;
	int64_t horizon_us = policy_window_horizon(book, window->limit, window->from_us);
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

	if (window->limit->form == TACT_LIMIT_AT_LEAST)
		return false;
	if (window->limit->rest_s > 0 && window->limit->form != TACT_LIMIT_SINCE)
		room_milli--; /* to reach it is enough */

	for (size_t c = 0; c < book->claims_count; c++)
		if (has_weight(shelf, book->claims[c]))
			room_milli -= policy_window_weight(window->limit, book->claims[c]);
	if (shelf->sum_milli <= room_milli)
		return true;
	horizon_us = policy_window_horizon(book, window->limit, window->from_us);
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
	    !is_counted(shelf, (unsigned)facts->purpose, 0, (unsigned)facts->channel, asker->names))
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
	seat->abstains = shelf->abstains;
	seat->unreadable = shelf->unreadable;
	if (seat->abstains != NULL || seat->unreadable)
		return;
	limit = shelf->limit;
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

	if (seat->abstains != NULL)
		return t_us;
	if (seat->unreadable)
		return POLICY_NEVER;
	if (seat->window.limit->form == TACT_LIMIT_AT_LEAST)
		return policy_least_earliest(&seat->window, t_us);
	return policy_window_earliest(&seat->window, t_us);
}

bool policy_limit_holds(const struct asker *asker, size_t rule, int64_t since_us, int64_t t_us)
{
	const struct seat *seat = &asker->seats[rule];

	return seat->abstains == NULL && !seat->unreadable &&
	       policy_window_holds(&seat->window, since_us, t_us);
}

static const char *count_words(struct tact_arena *arena, const struct tact_finding *finding)
{
	const struct tact_limit *limit = &finding->rule->limit;

	return JOIN(arena, policy_format_milli(arena, finding->count_milli),
	    limit->form == TACT_LIMIT_AT_LEAST ? " of at least " : " of ",
	    policy_format_milli(arena, finding->at_most_milli),
	    limit->form == TACT_LIMIT_SINCE ? " " : " in ", finding->window);
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

static const char *explain(struct tact_arena *arena, const struct tact_finding *finding)
{
	const char *room = "; never room for this mail";

	if (finding->rule->limit.form == TACT_LIMIT_SINCE)
		room = "; no room before the next answer";
	if (finding->frees_at_us != 0)
		room = "; room from ";
	return JOIN(arena, count_words(arena, finding),
	    *finding->held_by != '\0'  ? ", place held by "
	    : *finding->holder != '\0' ? ", the latest of "
				       : "",
	    *finding->held_by != '\0' ? finding->held_by : finding->holder, room,
	    finding->frees_at_us == 0 ? "" : tact_text_format_time(arena, finding->frees_at_us));
}

static void judge_least(
    const struct asker *asker, const struct window *window, int64_t t_us, struct tact_finding *ret)
{
	struct tact_arena *arena = asker->book->arena;
	int64_t history_since_us = asker->book->dossier->history_since_us;
	struct least least;

	policy_least_tally(window, t_us, &least);
	ret->count_milli = least.count_milli;
	ret->why = "enough came before this mail";
	if (least.satisfied)
		return;
	ret->why = history_since_us == 0
		       ? "history of the recipient is not known, too short to tell"
		       : JOIN(arena, "history begins ", tact_text_format_time(arena, history_since_us),
			     ", too short to tell");
	if (least.unknown)
		return;
	ret->fired = true;
	ret->until_us = policy_least_earliest(window, t_us);
	ret->why = JOIN(arena, count_words(arena, ret), " before this mail");
}

static void judge_most(
    const struct asker *asker, const struct window *window, int64_t t_us, struct tact_finding *ret)
{
	struct tally tally;

	policy_window_tally(window, t_us, &tally);
	ret->count_milli = tally.count_milli;
	ret->holder = tally.holder;
	ret->held_by = name_holder(asker->book->arena, tally.held_by);
	ret->why = "within the limit";
	if (tally.satisfied)
		return;
	ret->fired = true;
	ret->until_us = policy_window_earliest(window, tally.next_us);
	/* An answer cannot be foreseen. */
	if (ret->until_us != POLICY_NEVER &&
	    (window->limit->form != TACT_LIMIT_SINCE || window->limit->rest_s > 0))
		ret->frees_at_us = ret->until_us;
	ret->why = explain(asker->book->arena, ret);
}

void policy_limit_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret)
{
	struct seat *seat = &asker->seats[rule];
	const struct tact_limit *limit = seat->window.limit;

	if (seat->abstains != NULL) {
		ret->why = seat->abstains;
		return;
	}
	if (seat->unreadable) {
		ret->fired = true;
		ret->until_us = POLICY_NEVER;
		ret->why = "the limit that the recipient asked for cannot be read";
		return;
	}
	if (!seat->window.gathered)
		gather(asker, &asker->book->shelves[rule], &seat->window);
	ret->has_numbers = true;
	ret->at_most_milli = limit->at_most_milli;
	ret->window = limit->window;
	if (limit->form == TACT_LIMIT_AT_LEAST)
		judge_least(asker, &seat->window, t_us, ret);
	else
		judge_most(asker, &seat->window, t_us, ret);
}

const char *policy_limit_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us)
{
	struct tact_arena *arena = asker->book->arena;

	(void)t_us;
	if (!finding->has_numbers)
		return JOIN(arena, finding->rule->name, ": what the recipient asked for cannot be read");
	return JOIN(arena, finding->rule->name, ": ", count_words(arena, finding),
	    *finding->held_by == '\0' ? "" : ", place held by ", finding->held_by);
}
