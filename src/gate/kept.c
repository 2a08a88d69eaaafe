/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A tree to find a message by its queue id, a list to go through them.
 */
#include <config.h>

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "kept.h"

#define SECOND_US 1000000LL
#define FORGET_US (2 * 3600 * SECOND_US) /* longer than any delivery attempt, and than Postfix's back-off */
#define OFTEN 6				 /* so many times at the shorter interval */

struct kept_message {
	struct kept_id id;
	int64_t met_us, next_us;
	int times; /* named since it was met */
	struct kept_message *next, **back;
};

static int compare(const void *a, const void *b)
{
	const struct kept_message *x = a, *y = b;

	return strcmp(x->id.text, y->id.text);
}

/* It comes from a record and goes into a request. */
static bool read_id(const char *text, struct kept_message *ret)
{
	size_t length = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (length == 0 || length >= sizeof ret->id.text || text[length] != '\0')
		return false;
	memset(ret, 0, sizeof *ret);
	memcpy(ret->id.text, text, length);
	return true;
}

static struct kept_message *find(const struct kept *kept, const struct kept_message *wanted)
{
	void *slot = tfind(wanted, &kept->tree, compare);

	return slot == NULL ? NULL : *(void **)slot;
}

static struct kept_message *add(struct kept *kept, const struct kept_message *wanted, int64_t steady_us)
{
	struct kept_message *message = tact_malloc(sizeof *message);

	*message = *wanted;
	message->met_us = steady_us;
	message->next = kept->first;
	message->back = &kept->first;
	if (message->next != NULL)
		message->next->back = &message->next;
	kept->first = message;
	if (tsearch(message, &kept->tree, compare) == NULL)
		(void)tact_malloc(SIZE_MAX); /* ends the process as all want of memory does */
	return message;
}

static void take_away(struct kept *kept, struct kept_message *message)
{
	(void)tdelete(message, &kept->tree, compare);
	*message->back = message->next;
	if (message->next != NULL)
		message->next->back = message->back;
	free(message);
}

void kept_clear(struct kept *kept)
{
	while (kept->first != NULL)
		take_away(kept, kept->first);
}

void kept_expect(struct kept *kept, const char *queue_id, int64_t steady_us)
{
	struct kept_message wanted;

	if (read_id(queue_id, &wanted) && find(kept, &wanted) == NULL)
		(void)add(kept, &wanted, steady_us);
}

void kept_met(struct kept *kept, const char *queue_id, int64_t steady_us)
{
	struct kept_message wanted, *message;

	if (!read_id(queue_id, &wanted))
		return;
	message = find(kept, &wanted);
	if (message == NULL)
		message = add(kept, &wanted, steady_us);
	message->met_us = steady_us;
	message->next_us = 0;
	message->times = 0;
}

void kept_left(struct kept *kept, const char *queue_id)
{
	struct kept_message wanted, *message;

	if (!read_id(queue_id, &wanted))
		return;
	message = find(kept, &wanted);
	if (message != NULL)
		take_away(kept, message);
}

void kept_forget(struct kept *kept, int64_t steady_us)
{
	struct kept_message *next;

	for (struct kept_message *message = kept->first; message != NULL; message = next) {
		next = message->next;
		if (steady_us - message->met_us > FORGET_US)
			take_away(kept, message);
	}
}

size_t kept_missing(struct kept *kept, int64_t rung_us, int64_t steady_us, struct kept_id *ret, size_t max)
{
	size_t count = 0;

	for (struct kept_message *message = kept->first; message != NULL && count < max;
	     message = message->next) {
		if (message->met_us > rung_us || message->next_us > steady_us)
			continue;
		message->next_us = steady_us + (message->times++ < OFTEN ? 10 : 60) * SECOND_US;
		ret[count++] = message->id;
	}
	return count;
}
