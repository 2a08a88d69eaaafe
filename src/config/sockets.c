/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Sockets that cannot be had together: listeners, and the three between tactd and its Postfix, however each
 * of them is spelled.
 */
#include <config.h>

#include <string.h>

#include "private.h"

/* One place to listen on, as it is once all spellings of it are the same. path NULL: a port. */
struct place {
	const char *path;
	bool six;
	int64_t port;
	const char *host; /* "" for all of this machine */
};

/* ---- spelling -------------------------------------------------------------------------------------------
 */

/* Without what leads nowhere else: //, /./ and a / at the end. Links and .. may lead anywhere and stay. */
static const char *plain_path(struct tact_arena *arena, const char *path)
{
	char *plain = tact_arena_alloc(arena, strlen(path) + 2), *to = plain;
	while (*path != '\0') {
		size_t slashes = strspn(path, "/"), length = strcspn(path + slashes, "/");
		const char *part = path + slashes;
		path = part + length;
		if (length == 0 || (length == 1 && *part == '.'))
			continue;
		*to++ = '/';
		memcpy(to, part, length);
		to += length;
	}
	*to = '\0';
	return plain;
}

static const char *plain_host(struct tact_arena *arena, const char *host, bool six)
{
	size_t length = strlen(host);
	if (length > 1 && host[0] == '[' && host[length - 1] == ']')
		host = tact_arena_strndup(arena, host + 1, length - 2);
	if (tact_text_equal(host, six ? "::" : "0.0.0.0"))
		return "";
	return tact_text_equal_nocase(host, "localhost") ? six ? "::1" : "127.0.0.1" : host;
}

/* False: it is not written or was refused already. */
static bool place_of(struct tact_arena *arena, const char *socket, struct place *ret)
{
	if (socket == NULL || *socket == '\0')
		return false;
	*ret = (struct place){.host = ""};
	const char *rest = strchr(socket, ':') + 1, *at = strchr(rest, '@');
	ret->six = strncmp(socket, "inet6:", 6) == 0;
	if (!ret->six && strncmp(socket, "inet:", 5) != 0) {
		ret->path = plain_path(arena, rest);
		return true;
	}
	if (at != NULL)
		ret->host = plain_host(arena, at + 1, ret->six);
	const char *port = at != NULL ? tact_arena_strndup(arena, rest, (size_t)(at - rest)) : rest;
	return tact_text_parse_int(port, 1, 65535, &ret->port, NULL) == TACT_OK;
}

/* All of IPv6 has IPv4's port too unless net.ipv6.bindv6only is set, which is the machine's matter and may
 * change after a check: such a pair is refused on any. */
static bool takes_both(const struct place *place)
{
	return place->six && *place->host == '\0';
}

/* Whether the second of them would be refused by the system. */
static bool collide(const struct place *a, const struct place *b)
{
	if (a->path != NULL || b->path != NULL)
		return a->path != NULL && b->path != NULL && strcmp(a->path, b->path) == 0;
	if (a->port != b->port)
		return false;
	if (a->six != b->six)
		return takes_both(a) || takes_both(b);
	return *a->host == '\0' || *b->host == '\0' || tact_text_equal_nocase(a->host, b->host);
}

/* ---- listeners ------------------------------------------------------------------------------------------
 */

static const struct section *nth_listener(const struct build *build, size_t n)
{
	for (size_t i = 0; i < build->reading->sections_count; i++)
		if (strcmp(build->reading->sections[i].kind, "listener") == 0 && n-- == 0)
			return &build->reading->sections[i];
	return NULL;
}

static void report_listeners(const struct build *build, size_t n, size_t earlier, bool families)
{
	struct reading *reading = build->reading;
	const struct tact_listener *other = &build->whole->config.listeners[earlier];
	tact_config_mistake(reading, tact_config_line(nth_listener(build, n), "socket"),
	    families
		? "socket: listener \"%s\" stands on %s already, and all of inet6 takes the port of inet "
		  "too; write an address, as in inet6:PORT@::1, or another port"
		: "socket: listener \"%s\" stands on %s already; give this one another",
	    other->name, tact_config_show(reading, other->socket));
}

static void check_listener(const struct build *build, size_t n)
{
	struct tact_arena *arena = build->reading->arena;
	const struct tact_listener *listeners = build->whole->config.listeners;
	struct place place, other;
	if (!place_of(arena, listeners[n].socket, &place))
		return;
	for (size_t i = 0; i < n; i++)
		if (place_of(arena, listeners[i].socket, &other) && collide(&place, &other)) {
			report_listeners(build, n, i, place.six != other.six);
			return;
		}
}

/* ---- the three, and all together ------------------------------------------------------------------------
 */

struct named {
	const char *option, *path;
};

static void check_pair(const struct build *build, const struct named *first, const struct named *second)
{
	const struct section *top = &build->reading->sections[0];
	const char *written = tact_config_entry(top, second->option) != NULL ? second->option : first->option;
	tact_config_mistake(build->reading, tact_config_line(top, written),
	    "%s and %s are the same socket; write another path", first->option, second->option);
}

static void check_beside_listeners(const struct build *build, const struct named *named, const char *path)
{
	struct reading *reading = build->reading;
	const struct tact_config *config = &build->whole->config;
	struct place place;
	for (size_t i = 0; i < config->listeners_count; i++)
		if (place_of(reading->arena, config->listeners[i].socket, &place) && place.path != NULL &&
		    strcmp(place.path, path) == 0)
			tact_config_mistake(reading, tact_config_line(nth_listener(build, i), "socket"),
			    "socket: %s stands on %s already; give this listener another", named->option,
			    tact_config_show(reading, named->path));
}

void tact_config_check_sockets(const struct build *build)
{
	const struct tact_config *config = &build->whole->config;
	const struct named all[] = {{"gate_socket", config->gate_socket},
	    {"pass_socket", config->pass_socket}, {"refuse_socket", config->refuse_socket}};
	const char *paths[3];
	for (size_t i = 0; i < config->listeners_count; i++)
		check_listener(build, i);
	for (size_t i = 0; i < 3; i++) {
		paths[i] = all[i].path != NULL ? plain_path(build->reading->arena, all[i].path) : NULL;
		for (size_t j = 0; j < i; j++)
			if (paths[i] != NULL && tact_text_equal(paths[i], paths[j]))
				check_pair(build, &all[j], &all[i]);
		if (paths[i] != NULL)
			check_beside_listeners(build, &all[i], paths[i]);
	}
}
