/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A thread for each connection.
 *
 * Debian builds libmilter with a pool of workers that was made for callbacks which never wait. Its controller
 * looks at how many workers are idle, not at how many it has promised work to: of fifty commands that arrive
 * together, two go to the two idle workers and forty-eight lie until one of these is done. Ours wait for the
 * disk, all for the same flush, so their clients' next commands always arrive together: at 64 connections two
 * thirds of the throughput were lost and single messages lay for more than a second.
 *
 * libmilter calls mi_start_session by name for each connection it accepts, so ours stands in its place, and
 * does what libmilter does where it is built without the pool. Where it is, nobody calls this.
 */
#include <config.h>

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include "private.h"

/* As in libmilter's own header, which is not installed. */
#define MI_CONTINUE 1

#define PATIENCE_S 5

static pthread_attr_t attributes;

static pthread_cond_t fewer; /* sessions */

void sessions_begin(void)
{
	pthread_condattr_t monotonic;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&fewer, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

#ifdef HAVE_MI_START_SESSION

/* ---- their end ---- */

/* A connection from which something was read; before that its thread has nothing of ours. */
struct session {
	int fd; /* libmilter's; -1 once that may close it */
	struct session *next, **back;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session *all;
static bool over;
static _Thread_local struct session mine;
static _Thread_local bool listed; /* mine is; others change what stands in it */

bool sessions_may_read(int fd)
{
	if (listed)
		return true; /* until its end, which the kernel tells */
	pthread_mutex_lock(&lock);
	if (!over) {
		mine = (struct session){.fd = fd, .next = all, .back = &all};
		if (all != NULL)
			all->back = &mine.next;
		all = &mine;
		listed = true;
	}
	pthread_mutex_unlock(&lock);
	return listed;
}

/* From here on libmilter may close its socket, and somebody else have its number. */
static void keep_socket(void)
{
	pthread_mutex_lock(&lock);
	mine.fd = -1;
	pthread_mutex_unlock(&lock);
}

static void leave(void)
{
	if (!listed)
		return; /* the process may be ending beside it */
	tact_digest_leave();
	pthread_mutex_lock(&lock);
	*mine.back = mine.next;
	if (mine.next != NULL)
		mine.next->back = mine.back;
	pthread_cond_signal(&fewer);
	pthread_mutex_unlock(&lock);
}

static void shut(int how)
{
	for (const struct session *session = all; session != NULL; session = session->next)
		if (session->fd >= 0)
			(void)shutdown(session->fd, how);
}

/* False when some are left. */
static bool wait_for_all(void)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	while (all != NULL)
		if (pthread_cond_timedwait(&fewer, &lock, &until) != 0)
			return all == NULL;
	return true;
}

void sessions_end(void)
{
	pthread_mutex_lock(&lock);
	over = true;
	shut(SHUT_RD);
	if (!wait_for_all()) {
		shut(SHUT_RDWR); /* of whoever does not take what is written */
		(void)wait_for_all();
	}
	pthread_mutex_unlock(&lock);
}

/* ---- a thread for each ---- */

int mi_start_session(SMFICTX *ctx);
int mi_engine(SMFICTX *ctx);
void mi_clr_ctx(SMFICTX *ctx);

static void *serve(void *context)
{
	SMFICTX *ctx = context;

	packets_begin();
	while (mi_engine(ctx) == MI_CONTINUE)
		;
	keep_socket();
	mi_clr_ctx(ctx);
	leave();
	return NULL;
}

/* 0, or -1: libmilter then closes the connection. */
int mi_start_session(SMFICTX *ctx)
{
	pthread_t thread;

	return pthread_create(&thread, &attributes, serve, ctx) == 0 ? 0 : -1;
}

#else

/* libmilter's own threads, of which nothing is known. */
bool sessions_may_read(int fd)
{
	(void)fd;
	return true;
}

void sessions_end(void)
{
}

#endif
