/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The gate as a whole: its socket, a thread a connection, and the way to an end.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "private.h"

#define CONNECTIONS_MAX 200
#define GRACE_MS (30 * 1000)
#define BREATHE_MS 100 /* when no descriptor is to be had */
#define STEP_MS (60 * 1000)
#define FINAL_MS (600 * 1000) /* RFC 5321 §4.5.3.2.6: who gives up sooner has mail sent twice */

struct tact_gate {
	struct gate shared;
	struct tact_arena *arena;
	int listen_fd;
	dev_t device; /* of our socket file, so that nobody else's is taken away */
	ino_t inode;
	pthread_mutex_t lock;
	pthread_cond_t left;
	size_t connections;
};

/* ---- the socket ---- */

static int system_error(struct tact_error *err, const char *path, const char *what)
{
	char words[128];

	return tact_error_set(
	    err, TACT_SYSTEM, "%s: %s: %s", path, what, strerror_r(errno, words, sizeof words));
}

static int fill_address(const char *path, struct sockaddr_un *ret, struct tact_error *err)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) == 0 || strlen(path) >= sizeof ret->sun_path)
		return tact_error_set(err, TACT_SYSTEM,
		    "gate_socket \"%s\": must be 1 to %zu characters long", path, sizeof ret->sun_path - 1);
	memcpy(ret->sun_path, path, strlen(path));
	return TACT_OK;
}

/* Does somebody listen there? */
static bool is_live(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool live = fd >= 0 &&
		    (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);

	if (fd >= 0)
		(void)close(fd);
	return live;
}

static int set_owner(const char *path, const char *group, struct tact_error *err)
{
	char buffer[65536];
	struct group entry, *found = NULL;

	if (*group == '\0')
		return TACT_OK;
	if (getgrnam_r(group, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
		return tact_error_set(err, TACT_SYSTEM, "socket_group \"%s\": no such group", group);
	if (chown(path, (uid_t)-1, found->gr_gid) != 0)
		return system_error(
		    err, path, "cannot give it to socket_group; tactd's user must be a member");
	return TACT_OK;
}

/* Bound under a name of its own and moved there once mode and group are right: nobody connects to a half-made
 * gate. */
static int bind_aside(struct tact_gate *gate, const char *path, struct tact_error *err)
{
	const char *aside = tact_arena_printf(gate->arena, "%s.%ld", path, (long)getpid());
	struct sockaddr_un address;
	struct stat made;
	int result = fill_address(aside, &address, err);

	if (result != TACT_OK)
		return result;
	(void)unlink(aside);
	if (bind(gate->listen_fd, (const struct sockaddr *)&address, sizeof address) != 0)
		return system_error(err, aside, "cannot bind");
	result = set_owner(aside, gate->shared.parts.socket_group, err);
	if (result == TACT_OK && (chmod(aside, 0660) != 0 || listen(gate->listen_fd, SOMAXCONN) != 0 ||
				     stat(aside, &made) != 0 || rename(aside, path) != 0))
		result = system_error(err, path, "cannot listen");
	if (result != TACT_OK) {
		(void)unlink(aside);
		return result;
	}
	gate->device = made.st_dev;
	gate->inode = made.st_ino;
	return TACT_OK;
}

static int open_socket(struct tact_gate *gate, struct tact_error *err)
{
	const char *path = gate->shared.parts.gate_socket;
	struct sockaddr_un address;
	struct stat there;
	int result = fill_address(path, &address, err);

	if (result != TACT_OK)
		return result;
	if (lstat(path, &there) == 0 && !S_ISSOCK(there.st_mode))
		return tact_error_set(err, TACT_SYSTEM, "%s: is there and is no socket", path);
	if (is_live(&address))
		return tact_error_set(err, TACT_SYSTEM, "%s: another process listens there", path);
	gate->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (gate->listen_fd < 0)
		return system_error(err, path, "cannot make a socket");
	return bind_aside(gate, path, err);
}

/* ---- opening and closing ---- */

static void copy_parts(struct tact_gate *gate, const struct tact_gate_parts *parts)
{
	struct tact_gate_parts *own = &gate->shared.parts;
	struct tact_arena *arena = gate->arena;

	*own = *parts;
	own->host = tact_arena_strdup(arena, parts->host);
	own->gate_socket = tact_arena_strdup(arena, parts->gate_socket);
	own->pass_socket = tact_arena_strdup(arena, parts->pass_socket);
	own->refuse_socket = tact_arena_strdup(arena, parts->refuse_socket);
	own->socket_group = tact_arena_strdup(arena, parts->socket_group == NULL ? "" : parts->socket_group);
	own->gate_domain = tact_arena_strdup(arena, parts->gate_domain);
	own->review_domain = tact_arena_strdup(arena, parts->review_domain);
	gate->shared.terms = (struct smtp_terms){
	    .host = own->host, .end_ms = &gate->shared.end_ms, .step_ms = STEP_MS, .final_ms = FINAL_MS};
}

int tact_gate_open(const struct tact_gate_parts *parts, struct tact_gate **ret, struct tact_error *err)
{
	struct tact_gate *gate = tact_calloc(1, sizeof *gate);
	int result;

	gate->arena = tact_arena_new();
	gate->listen_fd = -1;
	(void)pthread_mutex_init(&gate->lock, NULL);
	(void)pthread_cond_init(&gate->left, NULL);
	copy_parts(gate, parts);
	result = tact_facts_parse_profile(
	    gate->arena, tact_facts_format_profile(gate->arena, parts->profile), &gate->shared.profile, err);
	gate->shared.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (result == TACT_OK && gate->shared.stop_fd < 0)
		result = system_error(err, "eventfd", "cannot make one");
	if (result == TACT_OK)
		result = open_socket(gate, err);
	if (result != TACT_OK)
		tact_gate_close(&gate);
	else
		*ret = gate;
	return result;
}

/* A signal handler may call this: one write, and the descriptor stays readable for all who look. */
void tact_gate_stop(struct tact_gate *gate)
{
	const uint64_t one = 1;
	int saved = errno;

	if (write(gate->shared.stop_fd, &one, sizeof one) < 0) {
		/* Full means that it was told often enough. */
	}
	errno = saved;
}

static void close_socket(struct tact_gate *gate)
{
	struct stat there;

	if (gate->listen_fd < 0)
		return;
	if (gate->inode != 0 && lstat(gate->shared.parts.gate_socket, &there) == 0 &&
	    there.st_dev == gate->device && there.st_ino == gate->inode)
		(void)unlink(gate->shared.parts.gate_socket);
	(void)close(gate->listen_fd);
	gate->listen_fd = -1;
}

void tact_gate_close(struct tact_gate **gate)
{
	if (*gate == NULL)
		return;
	close_socket(*gate);
	if ((*gate)->shared.stop_fd >= 0)
		(void)close((*gate)->shared.stop_fd);
	(void)pthread_cond_destroy(&(*gate)->left);
	(void)pthread_mutex_destroy(&(*gate)->lock);
	tact_arena_free(&(*gate)->arena);
	free(*gate);
	*gate = NULL;
}

/* ---- connections ---- */

struct visit {
	struct tact_gate *gate;
	int fd;
};

static void leave(struct tact_gate *gate)
{
	(void)pthread_mutex_lock(&gate->lock);
	gate->connections--;
	(void)pthread_cond_signal(&gate->left);
	(void)pthread_mutex_unlock(&gate->lock);
}

static void *serve(void *context)
{
	struct visit visit = *(struct visit *)context;

	free(context);
	lmtp_serve(&visit.gate->shared, visit.fd);
	tact_digest_leave();
	leave(visit.gate);
	return NULL;
}

static bool enter(struct tact_gate *gate)
{
	bool room;

	(void)pthread_mutex_lock(&gate->lock);
	room = gate->connections < CONNECTIONS_MAX;
	if (room)
		gate->connections++;
	(void)pthread_mutex_unlock(&gate->lock);
	return room;
}

/* Signals are the main thread's. */
static bool start_visit(struct visit *visit)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int result;

	(void)sigfillset(&all);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread, &attributes, serve, visit);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return result == 0;
}

static void receive(struct tact_gate *gate, int fd)
{
	struct visit *visit;

	if (!enter(gate)) {
		lmtp_turn_away(&gate->shared, fd);
		return;
	}
	visit = tact_malloc(sizeof *visit);
	*visit = (struct visit){.gate = gate, .fd = fd};
	if (start_visit(visit))
		return;
	free(visit);
	lmtp_turn_away(&gate->shared, fd);
	leave(gate);
}

static void accept_all(struct tact_gate *gate)
{
	struct pollfd fds[2] = {
	    {.fd = gate->listen_fd, .events = POLLIN}, {.fd = gate->shared.stop_fd, .events = POLLIN}};

	for (;;) {
		int fd;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents != 0)
			return;
		fd = accept4(gate->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			receive(gate, fd);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			(void)poll(&fds[1], 1, BREATHE_MS);
	}
}

/* From the time of grace on every wait for the network ends by itself; those for the store have their own
 * deadlines. */
static void wait_for_connections(struct tact_gate *gate)
{
	(void)pthread_mutex_lock(&gate->lock);
	while (gate->connections > 0)
		(void)pthread_cond_wait(&gate->left, &gate->lock);
	(void)pthread_mutex_unlock(&gate->lock);
}

/* ---- running ---- */

static void store_is_back(void *context)
{
	struct gate *gate = context;

	bell_ring_all(gate->bell);
}

static int start_helpers(struct gate *gate, struct tact_error *err)
{
	const struct bell_parts bell = {.decider = gate->parts.decider,
	    .pass_socket = gate->parts.pass_socket,
	    .gate_domain = gate->parts.gate_domain,
	    .review_domain = gate->parts.review_domain,
	    .terms = gate->terms,
	    .store_timeout_s = gate->parts.message_timeout_s};
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	gate->hands = hands_new();
	gate->bell = bell_start(&bell);
	if (gate->bell != NULL)
		gate->health =
		    health_start(gate->parts.decider, gate->parts.gate_timeout_s, store_is_back, gate);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (gate->health != NULL)
		return TACT_OK;
	bell_free(&gate->bell);
	hands_free(&gate->hands);
	return tact_error_set(err, TACT_SYSTEM, "cannot start the gate's threads");
}

int tact_gate_run(struct tact_gate *gate, struct tact_error *err)
{
	struct gate *shared = &gate->shared;
	int result = start_helpers(shared, err);

	if (result != TACT_OK)
		return result;
	if (shared->parts.ready != NULL)
		shared->parts.ready(shared->parts.context);
	accept_all(gate);
	close_socket(gate);
	atomic_store(&shared->end_ms, tact_clock_monotonic_ms() + GRACE_MS);
	bell_silence(shared->bell); /* nobody is to come any more */
	wait_for_connections(gate);
	health_stop(&shared->health);
	bell_free(&shared->bell);
	hands_free(&shared->hands);
	return TACT_OK;
}
