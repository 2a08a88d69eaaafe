/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The parent process: loads, forks a process for each listener and one for the gate, reloads on SIGUSR1, and
 * ends them all together.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "private.h"

#define STOP_PATIENCE_S 40 /* the gate finishes deliveries under way for 30 s */

/* ---- loading ---- */

/* TEXT becomes what every process loads from now on: none of them reads the file anew, which may have changed
 * meanwhile, or gone. Whole: nobody reads while it is written. */
static int share_text(int fd, const char *text)
{
	size_t length = strlen(text);
	int result = TACT_SYSTEM;

	if (lock_text(fd, F_WRLCK) != TACT_OK)
		return TACT_SYSTEM;
	if (pwrite(fd, text, length, 0) == (ssize_t)length && ftruncate(fd, (off_t)length) == 0)
		result = TACT_OK;
	(void)lock_text(fd, F_UNLCK);
	return result;
}

static void print_mistakes(const struct tact_config_mistakes *mistakes)
{
	for (size_t i = 0; i < mistakes->count; i++)
		fprintf(stderr, "%s\n", mistakes->texts[i]);
}

static int load_and_tell(const char *path, struct tact_config **ret)
{
	struct tact_config_mistakes mistakes = {.arena = tact_arena_new()};
	int result = tact_config_load(path, NULL, ret, &mistakes);

	print_mistakes(&mistakes);
	tact_arena_free(&mistakes.arena);
	return result == TACT_OK ? EX_OK : result == TACT_SYSTEM ? EX_NOINPUT : EX_CONFIG;
}

int tact_daemon_check(const char *config_path)
{
	struct tact_config *config = NULL;
	int code = load_and_tell(config_path, &config);

	tact_config_free(&config);
	return code;
}

int tact_daemon_print(const char *config_path)
{
	struct tact_config *config = NULL;
	int code = load_and_tell(config_path, &config);

	if (code == EX_OK) {
		struct tact_arena *arena = tact_arena_new();
		fputs(tact_config_print(arena, config), stdout);
		tact_arena_free(&arena);
	}
	tact_config_free(&config);
	return code;
}

/* ---- what the children get ---- */

/* Before there are threads and children, which then share it. */
static void know_zones(const struct tact_config *config)
{
	if (tact_policy_reads_zones(&config->rules))
		tact_zone_make_table();
}

/* ---- reload ---- */

static void tell_children(const struct family *family, int signal_number)
{
	for (size_t i = 0; i < family->count; i++)
		if (family->services[i].pid > 0)
			kill(family->services[i].pid, signal_number);
}

static void log_mistakes(const struct tact_config_mistakes *mistakes)
{
	for (size_t i = 0; i < mistakes->count; i++)
		tact_log(TACT_LOG_ERROR, "reload refused: %s", mistakes->texts[i]);
}

/* The parent judges the new text; only a text without a mistake reaches the others. */
static void reload(struct family *family)
{
	struct tact_config_mistakes mistakes = {.arena = tact_arena_new()};
	struct tact_config *fresh = NULL;

	if (tact_config_load(family->options->config_path, NULL, &fresh, &mistakes) == TACT_OK)
		tact_config_compare(family->config, fresh, &mistakes);
	log_mistakes(&mistakes);
	if (fresh != NULL && mistakes.count == 0) {
		know_zones(fresh);
		if (share_text(family->text_fd, fresh->text) == TACT_OK)
			tell_children(family, SIGUSR1);
		else
			tact_log(
			    TACT_LOG_ERROR, "reload refused: the text cannot be shared: %s", strerror(errno));
	}
	tact_config_free(&fresh);
	tact_arena_free(&mistakes.arena);
}

/* ---- processes ---- */

static void list_services(struct family *family)
{
	const struct tact_config *config = family->config;

	family->count = config->listeners_count + 1;
	family->services = tact_calloc(family->count, sizeof *family->services);
	family->services[0] = (struct service){.name = "gate"};
	for (size_t i = 0; i < config->listeners_count; i++)
		family->services[i + 1] =
		    (struct service){.listener = &config->listeners[i], .name = config->listeners[i].name};
}

/* TACT_OK or TACT_SYSTEM. */
static int start_service(struct family *family, struct service *service, struct tact_error *err)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return tact_error_set(
		    err, TACT_SYSTEM, "service=%s cannot be started: %s", service->name, strerror(errno));
	service->pid = pid;
	if (pid != 0)
		return TACT_OK;
	/* A parent killed with -9 takes the family along: half a tactd would answer for mail that nobody
	 * wakes. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_SOFTWARE);
	close(family->ready_fd[0]);
	exit(service_run(family, service));
}

static int start_all(struct family *family, struct tact_error *err)
{
	int result = TACT_OK;

	list_services(family);
	for (size_t i = 0; i < family->count && result == TACT_OK; i++)
		result = start_service(family, &family->services[i], err);
	close(family->ready_fd[1]);
	return result;
}

/* Reaps whoever ended; answers the first exit code worth passing on, or -1 when nobody ended. */
static int reap(struct family *family)
{
	int status, code = -1;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < family->count; i++) {
			struct service *service = &family->services[i];

			if (service->pid != pid)
				continue;
			service->pid = 0;
			if (WIFSIGNALED(status))
				tact_log(TACT_LOG_ERROR, "service=%s was killed by signal %d", service->name,
				    WTERMSIG(status));
			if (code <= 0)
				code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
		}
	}
	return code;
}

static bool anybody_left(const struct family *family)
{
	for (size_t i = 0; i < family->count; i++)
		if (family->services[i].pid > 0)
			return true;
	return false;
}

static void stop_all(struct family *family)
{
	struct timespec tick = {.tv_nsec = 20000000};
	int64_t until_ms = tact_clock_monotonic_ms() + STOP_PATIENCE_S * 1000;

	tell_children(family, SIGTERM);
	while (anybody_left(family) && tact_clock_monotonic_ms() < until_ms) {
		(void)reap(family);
		nanosleep(&tick, NULL);
	}
	for (size_t i = 0; i < family->count; i++)
		if (family->services[i].pid > 0)
			tact_log(TACT_LOG_ERROR, "service=%s does not end: it is killed",
			    family->services[i].name);
	tell_children(family, SIGKILL);
	while (anybody_left(family) && waitpid(-1, NULL, 0) > 0)
		(void)reap(family);
}

/* ---- the parent's life ---- */

static void tell_systemd(const char *state)
{
#ifdef HAVE_SYSTEMD
	(void)sd_notify(0, state);
#else
	(void)state;
#endif
}

static size_t count_ready(const struct family *family)
{
	char bytes[64];
	ssize_t got = read(family->ready_fd[0], bytes, sizeof bytes);

	return got > 0 ? (size_t)got : 0;
}

/* Waits for signals, with a look at readiness in between. Answers the exit code. */
static int watch(struct family *family, const sigset_t *set)
{
	const struct timespec tick = {.tv_nsec = 50000000}, forever = {.tv_sec = 3600};
	size_t ready = 0;

	for (;;) {
		int signal_number = sigtimedwait(set, NULL, ready < family->count ? &tick : &forever);

		if (signal_number == SIGTERM || signal_number == SIGINT)
			return EX_OK;
		if (signal_number == SIGUSR1)
			reload(family);
		int code = reap(family);
		if (code >= 0) {
			tact_log(
			    TACT_LOG_ERROR, "a process of tactd ended unasked (exit code %d): all end", code);
			return code > 0 ? code : EX_SOFTWARE;
		}
		if (ready < family->count && (ready += count_ready(family)) == family->count) {
			tact_log(TACT_LOG_INFO, "tactd %s ready host=%s policy=%s", PACKAGE_VERSION,
			    family->config->host, family->config->rules.digest);
			tell_systemd("READY=1");
		}
	}
}

static int prepare(struct family *family, struct tact_error *err)
{
	struct tact_audit *audit = NULL;
	struct tact_error words;
	int result = tact_user_become(family->config->user, err);

	if (result != TACT_OK)
		return result;
	if (tact_store_warns_of_url(family->config->store, &words))
		tact_log(TACT_LOG_WARNING, "store: %s", words.text);
	/* A torn tail is set aside once, before anybody appends; the processes open the log for themselves.
	 */
	if (tact_audit_open(family->config->audit, family->config->host, &audit, &family->torn_bytes, err) !=
	    TACT_OK)
		tact_log(TACT_LOG_ERROR, "the evidence cannot be opened: %s", err->text);
	else if (*tact_audit_damaged(audit) != '\0') {
		tact_log(TACT_LOG_ERROR, "the evidence is damaged: %s", tact_audit_damaged(audit));
		family->damaged = true;
	}
	tact_audit_close(&audit);
	family->ledger = tact_ledger_new();
	if (family->ledger == NULL || pipe2(family->ready_fd, O_CLOEXEC) != 0 ||
	    fcntl(family->ready_fd[0], F_SETFL, O_NONBLOCK) != 0)
		return tact_error_set(err, TACT_SYSTEM, "cannot share memory or a pipe: %s", strerror(errno));
	return TACT_OK;
}

static int run_family(struct family *family)
{
	struct tact_error err = {""};
	sigset_t set;
	int code, result;

	/* Before anything else: a reload asked for while we start must wait, not end us. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	result = prepare(family, &err);
	if (result == TACT_OK)
		result = start_all(family, &err);
	if (result == TACT_OK) {
		code = watch(family, &set);
	} else {
		tact_log(TACT_LOG_ERROR, "%s", err.text);
		code = exit_code(result);
	}
	tell_systemd("STOPPING=1");
	stop_all(family);
	return code;
}

int tact_daemon_run(const struct tact_daemon_options *options)
{
	struct family family = {.options = options, .ready_fd = {-1, -1}};
	int code = load_and_tell(options->config_path, &family.config);

	if (code == EX_OK) {
		log_as_configured(options, family.config, "tactd");
		know_zones(family.config);
		family.text_fd = memfd_create("tact.conf", MFD_CLOEXEC);
		if (family.text_fd >= 0 && share_text(family.text_fd, family.config->text) == TACT_OK) {
			code = run_family(&family);
		} else {
			tact_log(TACT_LOG_ERROR, "the configuration cannot be shared: %s", strerror(errno));
			code = EX_OSERR;
		}
	}
	free(family.services);
	tact_ledger_free(&family.ledger);
	tact_config_free(&family.config);
	return code;
}
