/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Which of the url's hosts is the one: the first that answers soon, unless another was promoted after it.
 */
#include <config.h>

#include "postgres_link.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_WAIT_MS 10000  /* for the first words with a server that took the connection */
#define OTHERS_WAIT_MS 1000 /* for all other hosts together, and as long again for their first words */
#define OTHER_LEAST_MS 250  /* of it, whatever those before have taken */
#define HOSTS_MOST 16

/* ---- the other hosts ---- */

/* Word NUMBER of a list parted by commas, to be freed; the only one stands for all. NULL: there is none. */
static char *nth_word(const char *list, size_t number)
{
	const char *word = list;
	char *copy;
	size_t length;

	if (!list || list[0] == '\0')
		return NULL;
	while (number-- > 0 && strchr(word, ','))
		word = strchr(word, ',') + 1;
	length = strcspn(word, ",");
	copy = tact_calloc(1, length + 1);
	memcpy(copy, word, length);
	return copy;
}

static size_t count_words(const char *text)
{
	size_t count = text && *text;
	for (; text && *text; text++)
		count += *text == ',';
	return count;
}

static size_t count_hosts(const struct pg_url *url)
{
	size_t names = count_words(url->hosts), addresses = count_words(url->addresses);
	size_t count = names > addresses ? names : addresses;

	return count < HOSTS_MOST ? count : HOSTS_MOST;
}

/* All hosts at once: one that says nothing holds up no other. */
struct others {
	struct pg_link *links[HOSTS_MOST];
	PostgresPollingStatusType polling[HOSTS_MOST];
	size_t count;
};

static void start_other(struct others *others, const struct pg_link *link, size_t number)
{
	char *name = nth_word(link->url->hosts, number), *address = nth_word(link->url->addresses, number),
	     *port = nth_word(link->url->ports, number);
	const struct pg_host host = {.name = name, .address = address, .port = port};

	others->links[others->count] = pg_link_new(link->url, link->origins, &host);
	others->polling[others->count++] = PGRES_POLLING_WRITING;
	free(name);
	free(address);
	free(port);
}

static bool is_pending(const struct others *others, size_t i)
{
	return PQstatus(others->links[i]->conn) != CONNECTION_BAD &&
	       (others->polling[i] == PGRES_POLLING_READING || others->polling[i] == PGRES_POLLING_WRITING);
}

/* False when nothing is left to be waited for, or no time. */
static bool move_others(struct others *others, const struct pg_link *link, int64_t deadline_ms)
{
	struct pollfd fds[HOSTS_MOST + 1] = {{.fd = link->stop, .events = POLLIN}};
	int64_t left_ms = deadline_ms - tact_clock_monotonic_ms();
	bool pending = false;

	for (size_t i = 0; i < others->count; i++) {
		bool reads = others->polling[i] == PGRES_POLLING_READING;
		fds[i + 1] = (struct pollfd){.fd = -1, .events = reads ? POLLIN : POLLOUT};
		if (is_pending(others, i))
			fds[i + 1].fd = PQsocket(others->links[i]->conn);
		pending = pending || fds[i + 1].fd >= 0;
	}
	if (!pending || left_ms <= 0 || poll(fds, others->count + 1, (int)left_ms) <= 0 || fds[0].revents)
		return false;
	for (size_t i = 0; i < others->count; i++)
		if (fds[i + 1].revents)
			others->polling[i] = PQconnectPoll(others->links[i]->conn);
	return true;
}

/* Does another that has told its origin come after BEST? */
static bool is_later(struct others *others, size_t i, const struct pg_link *best, int64_t deadline_ms)
{
	struct pg_link *other = others->links[i];
	int64_t left_ms = deadline_ms - tact_clock_monotonic_ms();
	struct tact_error err;

	if (others->polling[i] != PGRES_POLLING_OK)
		return false;
	pg_link_begin(other);
	if (pg_link_check_hello(other, left_ms > OTHER_LEAST_MS ? left_ms : OTHER_LEAST_MS, &err) != TACT_OK)
		return false;
	return best->origin.database == 0 || (other->origin.database == best->origin.database &&
						 other->origin.timeline > best->origin.timeline);
}

/* Of all hosts, the link with the latest timeline above this one's, or with the latest of all where this
 * one's is not known; or NULL. Only what the url names is asked: this one's own words name itself alone. */
static struct pg_link *find_later(const struct pg_link *link)
{
	int64_t deadline_ms = tact_clock_monotonic_ms() + OTHERS_WAIT_MS;
	size_t hosts = count_hosts(link->url);
	struct others others = {.count = 0};
	struct pg_link *latest = NULL;

	for (size_t i = 0; hosts > 1 && i < hosts; i++)
		start_other(&others, link, i);
	while (move_others(&others, link, deadline_ms))
		;
	deadline_ms =
	    tact_clock_monotonic_ms() + OTHERS_WAIT_MS; /* who said nothing has taken nobody's time */
	for (size_t i = 0; i < others.count; i++) {
		if (is_later(&others, i, latest ? latest : link, deadline_ms)) {
			pg_link_close(&latest);
			latest = others.links[i];
		} else {
			pg_link_close(&others.links[i]);
		}
	}
	return latest;
}

/* ---- the one ---- */

/* libpq asks one after the other: each connection would wait for a host that is gone, and where a host takes
 * the connection and hangs up, as proxies do before a server that is gone, it asks no other. NULL: there is
 * one host only, or nobody has answered soon. */
static struct pg_link *open_latest(const struct pg_url *url, struct pg_origins *origins)
{
	const struct pg_link none = {.url = url, .origins = origins, .stop = -1};
	struct pg_link *latest = find_later(&none);

	if (latest && origins)
		pg_origins_hear(origins, &latest->origin);
	return latest;
}

int pg_link_open(
    const struct pg_url *url, struct pg_origins *origins, struct pg_link **ret, struct tact_error *err)
{
	struct pg_link *link = open_latest(url, origins);
	int result = TACT_OK;

	if (!link) {
		link = pg_link_new(url, origins, NULL);
		if (PQstatus(link->conn) == CONNECTION_OK)
			pg_link_begin(link);
		else
			result = pg_link_refuse(link, err);
	}
	if (result == TACT_OK)
		*ret = link;
	else
		pg_link_close(&link);
	return result;
}

static bool is_latest_known(const struct pg_link *link)
{
	return pg_origins_latest(link->origins, link->origin.database) == link->origin.timeline;
}

int pg_link_greet(struct pg_link *link, struct tact_error *err)
{
	struct pg_link *later;
	int result = pg_link_check_hello(link, OPEN_WAIT_MS, err);

	if (result != TACT_OK)
		return result;
	if (!is_latest_known(link) && (later = find_later(link)))
		pg_link_take_over(link, &later);
	if (!pg_origins_hear(link->origins, &link->origin))
		return tact_error_set(err, TACT_UNAVAILABLE,
		    "the server at %s port %s was deposed (it is on timeline %lld, %lld was promoted since): "
		    "end "
		    "it; start this program anew if it is to be used all the same",
		    PQhost(link->conn), PQport(link->conn), (long long)link->origin.timeline,
		    (long long)pg_origins_latest(link->origins, link->origin.database));
	return TACT_OK;
}

bool pg_link_deposed(const struct pg_link *link)
{
	return pg_origins_latest(link->origins, link->origin.database) > link->origin.timeline;
}

bool pg_link_ask_deposed(struct pg_link *link)
{
	struct pg_link *later = find_later(link);

	if (later)
		pg_origins_hear(link->origins, &later->origin);
	pg_link_close(&later);
	return pg_link_deposed(link);
}
