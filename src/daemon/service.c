/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One process of tactd: opens store, evidence and identity for itself, serves its listener or the gate, takes
 * reloads.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <tact/gate.h>
#include <tact/milter.h>

#include "private.h"

/* What a process holds open; ended in reverse. */
struct holdings {
	struct family *family;
	const struct service *service;
	struct tact_arena *arena;
	struct tact_keyring *keyring;
	struct tact_store *store;
	struct tact_audit *audit;
	struct tact_identity identity;
	struct tact_decider *decider;
	struct tender *tender;
	struct tact_gate *gate;
	struct owed *owed; /* the gate's process tells the evidence of start, policy and stop */
	pthread_t sweeper;
	bool sweeping;
	atomic_bool stop_sweeping;
	pthread_t watcher;
	atomic_bool ending;
};

/* ---- reload ---- */

static void free_config(void *owner)
{
	struct tact_config *config = owner;

	tact_config_free(&config);
}

static void reload(struct holdings *holdings)
{
	struct tact_config_mistakes mistakes = {.arena = tact_arena_new()};
	struct tact_config *fresh = NULL;
	struct tact_error err;

	if (load_shared(holdings->family, &fresh, &mistakes) != TACT_OK) {
		tact_log(TACT_LOG_ERROR, "service=%s reload failed, the earlier configuration stays: %s",
		    holdings->service->name, mistakes.count > 0 ? mistakes.texts[0] : "");
	} else {
		tact_log_set_level(fresh->log_level);
		if (tact_policy_reads_zones(&fresh->rules))
			tact_zone_make_table();
		tact_decider_set_rules(holdings->decider, &fresh->rules, free_config, fresh);
		tact_log(TACT_LOG_INFO, "service=%s reloaded policy=%s", holdings->service->name,
		    fresh->rules.digest);
		if (holdings->owed != NULL &&
		    owed_record(holdings->owed, TACT_AUDIT_POLICY, "reload", &err) != TACT_OK)
			tact_log(TACT_LOG_ERROR,
			    "service=%s the new policy cannot be written to the evidence yet: %s",
			    holdings->service->name, err.text);
	}
	tact_arena_free(&mistakes.arena);
}

/* The gate ends on SIGTERM and SIGINT here; libmilter takes those two for itself in the other processes. */
static void *watch_signals(void *context)
{
	struct holdings *holdings = context;
	sigset_t set;
	int signal_number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (holdings->gate != NULL) {
		sigaddset(&set, SIGTERM);
		sigaddset(&set, SIGINT);
	}
	while (!holdings->ending) {
		if (sigwait(&set, &signal_number) != 0 || holdings->ending)
			continue;
		if (signal_number == SIGUSR1)
			reload(holdings);
		else
			tact_gate_stop(holdings->gate);
	}
	return NULL;
}

/* Before anything is closed that a reload or a stop might still want. */
static void stop_watcher(struct holdings *holdings)
{
	holdings->ending = true;
	pthread_kill(holdings->watcher, SIGUSR1);
	pthread_join(holdings->watcher, NULL);
}

/* ---- opening ---- */

int exit_code(int result)
{
	switch (result) {
	case TACT_INVALID:
	case TACT_REFUSED:
		return EX_CONFIG;
	case TACT_UNAVAILABLE:
	case TACT_UNCERTAIN:
		return EX_TEMPFAIL;
	default:
		return EX_OSERR;
	}
}

/* A store that always fails knows no identity, and never answers with anything that could be misread for
 * another key. */
static bool always_fails(const struct tact_config *config)
{
	return strncmp(config->store, "fail:", 5) == 0;
}

/* New at every start, as whoever chose it knows. */
static bool is_memory(const struct tact_config *config)
{
	return strncmp(config->store, "memory:", 7) == 0;
}

static int open_identity(struct holdings *holdings, struct tact_error *err)
{
	const struct tact_config *config = holdings->family->config;
	int result =
	    is_memory(config) ? TACT_OK : tact_decide_check_new_store(holdings->store, config->audit, err);

	if (result == TACT_OK)
		result = tact_decide_open_identity(holdings->store, holdings->keyring, &config->profile,
		    TACT_OPEN_CHANGE, holdings->arena, &holdings->identity, err);

	if (result != TACT_UNAVAILABLE || !always_fails(config))
		return result;
	holdings->identity = (struct tact_identity){
	    .keyring = holdings->keyring, .profiles = &config->profile, .profiles_count = 1};
	return TACT_OK;
}

static int open_all(struct holdings *holdings, struct tact_error *err)
{
	struct tact_config *config = holdings->family->config;
	int result;

	holdings->arena = tact_arena_new();
	result = tact_facts_load_keyring(config->key_file, &holdings->keyring, err);
	if (result == TACT_OK)
		result = tact_store_open(config->store, &holdings->store, err);
	if (result == TACT_OK)
		result = open_identity(holdings, err);
	if (result == TACT_OK)
		result = tact_audit_open(config->audit, config->host, &holdings->audit, NULL, err);
	if (result != TACT_OK)
		return result;
	tact_store_go_first(holdings->store);
	holdings->decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = holdings->store,
	    .audit = holdings->audit,
	    .identity = &holdings->identity,
	    .host = config->host,
	    .ledger = holdings->family->ledger,
	    .max_skew_us = config->max_skew_s * 1000000,
	    .writer = holdings->service->listener == NULL
			  ? "gate"
			  : tact_arena_printf(holdings->arena, "milter:%s", holdings->service->name),
	});
	tact_decider_set_rules(holdings->decider, &config->rules, NULL, NULL);
	return TACT_OK;
}

static void close_all(struct holdings *holdings)
{
	tact_decider_free(&holdings->decider);
	tact_audit_close(&holdings->audit);
	tact_store_close(&holdings->store);
	tact_facts_free_keyring(&holdings->keyring);
	tact_arena_free(&holdings->arena);
}

static void say_ready(void *context)
{
	struct family *family = context;

	(void)!write(family->ready_fd[1], "r", 1);
}

/* ---- serving ---- */

static int serve_milter(struct holdings *holdings, struct tact_error *err)
{
	const struct tact_config *config = holdings->family->config;
	struct tact_milter_parts parts = {
	    .decider = holdings->decider,
	    .listener = holdings->service->listener->name,
	    .socket = holdings->service->listener->socket,
	    .smtp = holdings->service->listener->smtp,
	    .socket_group = config->socket_group,
	    .gate_domain = config->gate_domain,
	    .review_domain = config->review_domain,
	    .rcpt_timeout_s = config->rcpt_timeout_s,
	    .message_timeout_s = config->message_timeout_s,
	    .profile = &config->profile,
	    .ready = say_ready,
	    .context = holdings->family,
	};

	return tact_milter_run(&parts, err);
}

static int open_gate(struct holdings *holdings, struct tact_error *err)
{
	const struct tact_config *config = holdings->family->config;
	struct tact_gate_parts parts = {
	    .decider = holdings->decider,
	    .host = config->host,
	    .gate_socket = config->gate_socket,
	    .pass_socket = config->pass_socket,
	    .refuse_socket = config->refuse_socket,
	    .socket_group = config->socket_group,
	    .gate_domain = config->gate_domain,
	    .review_domain = config->review_domain,
	    .gate_timeout_s = config->gate_timeout_s,
	    .message_timeout_s = config->message_timeout_s,
	    .profile = &config->profile,
	    .ready = say_ready,
	    .context = holdings->family,
	};

	return tact_gate_open(&parts, &holdings->gate, err);
}

/* ---- the nightly sweep ---- */

#define DAY_S 86400
#define SWEEP_AT_S (3 * 3600 + 17 * 60) /* of the UTC day: not on the hour, when everything else starts */

static bool wait_until(const struct holdings *holdings, int64_t time_s)
{
	const struct timespec tick = {.tv_nsec = 500000000};

	while (!holdings->stop_sweeping && tact_clock_now_us() / 1000000 < time_s)
		(void)nanosleep(&tick, NULL);
	return !holdings->stop_sweeping;
}

static void sweep_once(struct holdings *holdings)
{
	struct tact_swept swept;
	struct tact_error err = {""};
	int result = tact_decide_sweep(
	    holdings->decider, tact_clock_now_us(), &holdings->stop_sweeping, NULL, NULL, &swept, &err);

	tact_log(result == TACT_OK ? TACT_LOG_INFO : TACT_LOG_WARNING,
	    "sweep: records=%llu trimmed=%llu removed=%llu%s%s", (unsigned long long)swept.records,
	    (unsigned long long)swept.trimmed, (unsigned long long)swept.removed,
	    result == TACT_OK ? "" : " error=", result == TACT_OK ? "" : err.text);
}

static void *sweep_nightly(void *context)
{
	struct holdings *holdings = context;

	for (;;) {
		int64_t now_s = tact_clock_now_us() / 1000000, next_s = now_s - now_s % DAY_S + SWEEP_AT_S;

		if (!wait_until(holdings, next_s > now_s ? next_s : next_s + DAY_S))
			return NULL;
		sweep_once(holdings);
	}
}

static void start_sweeper(struct holdings *holdings)
{
	holdings->sweeping = pthread_create(&holdings->sweeper, NULL, sweep_nightly, holdings) == 0;
	if (!holdings->sweeping)
		tact_log(TACT_LOG_WARNING,
		    "service=gate no thread for the nightly sweep: run \"tact store sweep\"");
}

static void stop_sweeper(struct holdings *holdings)
{
	holdings->stop_sweeping = true;
	if (holdings->sweeping)
		pthread_join(holdings->sweeper, NULL);
}

static void tell_start(struct holdings *holdings)
{
	const char *damaged = holdings->family->damaged ? "earlier entries are damaged" : "";
	char detail[96];
	struct tact_error err;
	int start, policy;

	snprintf(detail, sizeof detail, "%s", damaged);
	if (holdings->family->torn_bytes > 0)
		snprintf(detail, sizeof detail, "torn tail of %llu bytes set aside%s%s",
		    (unsigned long long)holdings->family->torn_bytes, *damaged != '\0' ? ", " : "", damaged);
	start = owed_record(holdings->owed, TACT_AUDIT_START, detail, &err);
	policy = owed_record(holdings->owed, TACT_AUDIT_POLICY, "start", &err);
	/* Mail is answered 451 until the evidence can be written again; tactd stays up to say so. */
	if (start != TACT_OK || policy != TACT_OK)
		tact_log(TACT_LOG_ERROR, "service=gate the evidence cannot be written: %s", err.text);
}

/* After what is owed, so that the log reads in order. */
static void tell_stop(struct holdings *holdings)
{
	owed_close(&holdings->owed);
	(void)tact_decide_record(holdings->decider, TACT_AUDIT_STOP, NULL, tact_clock_now_us(), NULL);
}

static int serve_gate(struct holdings *holdings, struct tact_error *err)
{
	int result;

	tell_start(holdings);
	start_sweeper(holdings);
	result = tact_gate_run(holdings->gate, err);
	stop_sweeper(holdings);
	return result;
}

/* Never without a mask in between: SIGUSR1 may come before anybody waits for it. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
}

/* Ended because of the store, it has not done what it was to do. */
static int result_of(const struct holdings *holdings, int result)
{
	bool over = holdings->store != NULL && tact_store_is_over(holdings->store);

	return result == TACT_OK && over ? TACT_UNAVAILABLE : result;
}

int service_run(struct family *family, const struct service *service)
{
	struct holdings holdings = {.family = family, .service = service};
	struct tact_error err = {""};
	int result;

	block_signals();
	signal(SIGPIPE, SIG_IGN);
	result = open_all(&holdings, &err);
	if (result == TACT_OK && service->listener == NULL)
		result = open_gate(&holdings, &err);
	if (result == TACT_OK && service->listener == NULL) {
		holdings.owed = owed_open(holdings.decider);
		if (holdings.owed == NULL)
			result = tact_error_set(&err, TACT_SYSTEM, "no thread can be made");
	}
	if (result == TACT_OK) {
		holdings.tender = tender_open(holdings.decider, holdings.store, service->name);
		if (holdings.tender == NULL)
			result = tact_error_set(&err, TACT_SYSTEM, "no thread can be made");
	}
	if (result == TACT_OK && pthread_create(&holdings.watcher, NULL, watch_signals, &holdings) != 0)
		result = tact_error_set(&err, TACT_SYSTEM, "no thread can be made");
	if (result == TACT_OK) {
		result =
		    service->listener != NULL ? serve_milter(&holdings, &err) : serve_gate(&holdings, &err);
		stop_watcher(&holdings);
		if (holdings.owed != NULL)
			tell_stop(&holdings);
	}
	tender_close(&holdings.tender);
	owed_close(&holdings.owed);
	if (result != TACT_OK)
		tact_log(TACT_LOG_ERROR, "service=%s %s", service->name, err.text);
	tact_gate_close(&holdings.gate);
	result = result_of(&holdings, result);
	close_all(&holdings);
	return result == TACT_OK ? EX_OK : exit_code(result);
}

/* ---- the shared text ---- */

int lock_text(int fd, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET};

	while (fcntl(fd, F_SETLKW, &lock) != 0)
		if (errno != EINTR)
			return TACT_SYSTEM;
	return TACT_OK;
}

static char *read_shared(int fd)
{
	struct stat status;
	char *text = NULL;

	if (lock_text(fd, F_RDLCK) != TACT_OK)
		return NULL;
	if (fstat(fd, &status) == 0) {
		text = tact_calloc(1, (size_t)status.st_size + 1);
		if (pread(fd, text, (size_t)status.st_size, 0) != status.st_size)
			free(text), text = NULL;
	}
	(void)lock_text(fd, F_UNLCK);
	return text;
}

int load_shared(const struct family *family, struct tact_config **ret, struct tact_config_mistakes *mistakes)
{
	char *text = read_shared(family->text_fd);
	int result = TACT_SYSTEM;

	if (text != NULL)
		result = tact_config_load(family->options->config_path, text, ret, mistakes);
	free(text);
	return result;
}

void log_as_configured(
    const struct tact_daemon_options *options, const struct tact_config *config, const char *name)
{
	(void)name;
	tact_log_open("tactd", config->log_syslog && !options->foreground, config->log_level);
}
