/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The dialog of Postfix's flush(8) service, one request a connection: attributes as NUL-terminated names and
 * values, an empty name at the end. From Postfix 3.6 on the server names its protocol first. The same request
 * can be made with postqueue(1), which would need a process and a set-group-id bit; this needs neither.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "byid.h"

#define ANSWER_BYTES 256

char *byid_socket(struct tact_arena *arena, const char *pass_socket)
{
	const char *slash = strrchr(pass_socket, '/');

	return tact_arena_printf(
	    arena, "%.*sflush", slash == NULL ? 0 : (int)(slash + 1 - pass_socket), pass_socket);
}

/* Where in a list of attributes the reader stands. */
struct list {
	char bytes[ANSWER_BYTES];
	size_t size, token; /* all of it; of the name or value being read */
	bool in_value, whole;
};

static void take_byte(struct list *list, char byte)
{
	list->bytes[list->size++] = byte;
	if (byte != '\0') {
		list->token++;
		return;
	}
	list->whole = !list->in_value && list->token == 0;
	list->in_value = !list->in_value;
	list->token = 0;
}

static int read_list(struct wire *wire, int64_t timeout_ms, struct list *list)
{
	*list = (struct list){.size = 0};
	while (!list->whole) {
		const char *data;
		size_t available, used = 0;
		int result = wire_read_some(wire, timeout_ms, &data, &available);

		if (result != WIRE_OK)
			return result;
		while (used < available && list->size < sizeof list->bytes && !list->whole)
			take_byte(list, data[used++]);
		wire_used(wire, used);
		if (list->size == sizeof list->bytes && !list->whole)
			return WIRE_LONG;
	}
	return WIRE_OK;
}

/* The answer's status, or NULL: Postfix announced itself, the answer is still to come. */
static const char *status_of(const struct list *list)
{
	static const char name[] = "status";

	return list->size > sizeof name && memcmp(list->bytes, name, sizeof name) == 0
		   ? list->bytes + sizeof name
		   : NULL;
}

static int ask(struct wire *wire, int64_t timeout_ms, const struct kept_id *id, struct tact_error *err)
{
	static const char request[] = "request\0send_file\0queue_id";
	struct list list;
	const char *status = NULL;

	wire_write(wire, request, sizeof request, timeout_ms);
	wire_write(wire, id->text, strlen(id->text) + 1, timeout_ms);
	wire_write(wire, "", 1, timeout_ms);
	(void)wire_flush(wire, timeout_ms);
	for (int lists = 0; lists < 2 && status == NULL; lists++) {
		if (read_list(wire, timeout_ms, &list) != WIRE_OK)
			return tact_error_set(
			    err, TACT_UNAVAILABLE, "Postfix's flush service does not answer");
		status = status_of(&list);
	}
	if (status == NULL || strcmp(status, "0") != 0)
		return tact_error_set(err, TACT_UNAVAILABLE, "Postfix's flush service answers %s",
		    status == NULL ? "something else" : status);
	return TACT_OK;
}

int byid_ring(const char *socket, const atomic_llong *end_ms, int64_t timeout_ms, const struct kept_id *ids,
    size_t count, struct tact_error *err)
{
	int result = TACT_OK;

	for (size_t i = 0; i < count && result == TACT_OK; i++) {
		struct wire wire;
		char words[128];
		int fd = wire_connect(socket);

		if (fd < 0)
			return tact_error_set(
			    err, TACT_UNAVAILABLE, "%s: %s", socket, strerror_r(errno, words, sizeof words));
		wire_init(&wire, fd, -1, end_ms);
		result = ask(&wire, timeout_ms, &ids[i], err);
		wire_clear(&wire);
	}
	return result;
}
