/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Ends the process at a named point, for tests of what a crash leaves behind; nothing in a release build.
 */
#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tact/base.h>

#ifdef TACT_EDGES

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char wanted[64];
static atomic_llong left;

/* A wish that cannot be read must not look like an edge that was never passed. */
static void read_wish(void)
{
	const char *wish = getenv("TACT_KILL_AT");
	int64_t nth = 1;
	size_t length;

	if (wish == NULL)
		return;
	length = strcspn(wish, ":");
	if (length >= sizeof wanted || (wish[length] == ':' && tact_text_parse_int(wish + length + 1, 1,
								   INT32_MAX, &nth, NULL) != TACT_OK)) {
		tact_log(TACT_LOG_ERROR, "TACT_KILL_AT=%s is not NAME or NAME:N", wish);
		abort();
	}
	memcpy(wanted, wish, length);
	atomic_store(&left, nth);
}

void tact_edge(const char *name)
{
	(void)pthread_once(&once, read_wish);
	if (strcmp(name, wanted) == 0 && atomic_fetch_sub(&left, 1) == 1)
		(void)kill(getpid(), SIGKILL);
}

#endif
