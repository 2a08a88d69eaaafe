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

#include "private.h"

/* As in libmilter's own header, which is not installed. */
#define MI_CONTINUE 1

static pthread_attr_t attributes;

void sessions_begin(void)
{
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
}

#ifdef HAVE_MI_START_SESSION

int mi_start_session(SMFICTX *ctx);
int mi_engine(SMFICTX *ctx);
void mi_clr_ctx(SMFICTX *ctx);

static void *serve(void *context)
{
	SMFICTX *ctx = context;

	packets_begin();
	while (mi_engine(ctx) == MI_CONTINUE)
		;
	mi_clr_ctx(ctx);
	return NULL;
}

/* 0, or -1: libmilter then closes the connection. */
int mi_start_session(SMFICTX *ctx)
{
	pthread_t thread;

	return pthread_create(&thread, &attributes, serve, ctx) == 0 ? 0 : -1;
}

#endif
