/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Postfix's settings, as its own tools tell them. Programs are started here and nowhere else in tact: by a
 * fixed path, with fixed arguments, by an admin's tact check, never on the way of a mail.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "private.h"

#define OUTPUT_MAX (4u << 20)

/* ---- starting a program ---- */

static const char *find_program(struct tact_arena *arena, const char *name)
{
	static const char *const folders[] = {"/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"};

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		const char *path = tact_arena_printf(arena, "%s/%s", folders[i], name);

		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

static pid_t start(const char *path, char *const *argv, int *ret_fd)
{
	static char search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C";
	static char *const environment[] = {search, language, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], failed;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	failed = posix_spawn(&pid, path, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	*ret_fd = ends[0];
	if (failed == 0)
		return pid;
	close(ends[0]);
	return -1;
}

/* All it prints, up to a bound; what is beyond is read and dropped, so that it can end. */
static char *read_all(struct tact_arena *arena, int fd)
{
	char block[4096];
	char *text = tact_malloc(OUTPUT_MAX + 1), *kept;
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, block, sizeof block)) > 0 || (got < 0 && errno == EINTR)) {
		size_t room = OUTPUT_MAX - length, take = got > 0 && (size_t)got < room ? (size_t)got : room;

		if (got > 0) {
			memcpy(text + length, block, take);
			length += take;
		}
	}
	close(fd);
	kept = tact_arena_strndup(arena, text, length);
	free(text);
	return kept;
}

/* What the program printed, or NULL when it could not be started or did not end with 0. */
static char *ask(struct tact_arena *arena, const char *path, char *const *argv)
{
	int fd, status = -1;
	pid_t pid = start(path, argv, &fd);
	char *text;

	if (pid < 0)
		return NULL;
	text = read_all(arena, fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : NULL;
}

/* ---- reading what it says ---- */

/* "name = value" a line. */
static void read_settings(struct tact_arena *arena, char *text, struct cli_setting **ret, size_t *ret_count)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		char *equals = strstr(line, " =");

		if (equals == NULL)
			continue;
		*equals = '\0';
		*TACT_PUSH(arena, *ret, *ret_count) =
		    (struct cli_setting){.name = line, .value = tact_text_trim(arena, equals + 2)};
	}
}

static char *next_word(char **rest)
{
	char *word;

	do
		word = strsep(rest, " \t");
	while (word != NULL && *word == '\0');
	return word;
}

/* name type private unprivileged chroot wakeup processes command ... */
static void read_services(struct cli_postfix *postfix, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		struct cli_service service;

		if (*line == '\0' || *line == ' ' || *line == '\t' || *line == '#')
			continue;
		service.name = next_word(&line);
		service.type = next_word(&line);
		service.private_ = next_word(&line);
		(void)next_word(&line);
		service.chroot = next_word(&line);
		(void)next_word(&line);
		(void)next_word(&line);
		service.command = next_word(&line);
		if (service.command != NULL)
			*TACT_PUSH(postfix->arena, postfix->services, postfix->services_count) = service;
	}
}

static char *ask_postconf(struct cli_postfix *postfix, const char *path, const char *option)
{
	char *argv[] = {tact_arena_strdup(postfix->arena, "postconf"),
	    tact_arena_strdup(postfix->arena, "-c"), tact_arena_strdup(postfix->arena, postfix->folder),
	    tact_arena_strdup(postfix->arena, option), NULL};

	return ask(postfix->arena, path, argv);
}

int cli_postfix_read(
    struct tact_arena *arena, const char *folder, struct cli_postfix *ret, struct tact_error *err)
{
	const char *path = find_program(arena, "postconf");
	char *main, *services, *overrides;

	if (path == NULL)
		return tact_error_set(err, TACT_ABSENT, "there is no postconf on this machine");
	*ret = (struct cli_postfix){.arena = arena, .folder = folder};
	main = ask_postconf(ret, path, "-x");
	services = ask_postconf(ret, path, "-M");
	overrides = ask_postconf(ret, path, "-P");
	if (main == NULL || services == NULL || overrides == NULL)
		return tact_error_set(
		    err, TACT_SYSTEM, "\"%s -c %s\" fails; run it to see why", path, folder);
	read_settings(arena, main, &ret->main, &ret->main_count);
	read_services(ret, services);
	read_settings(arena, overrides, &ret->overrides, &ret->overrides_count);
	return TACT_OK;
}

const char *cli_postfix_main(const struct cli_postfix *postfix, const char *name)
{
	for (size_t i = 0; i < postfix->main_count; i++)
		if (strcmp(postfix->main[i].name, name) == 0)
			return postfix->main[i].value;
	return "";
}

static const char *override_of(
    const struct cli_postfix *postfix, const struct cli_service *service, const char *name)
{
	const char *whole = tact_arena_printf(postfix->arena, "%s/%s/%s", service->name, service->type, name);

	for (size_t i = 0; i < postfix->overrides_count; i++)
		if (strcmp(postfix->overrides[i].name, whole) == 0)
			return postfix->overrides[i].value;
	return NULL;
}

bool cli_postfix_overrides(
    const struct cli_postfix *postfix, const struct cli_service *service, const char *name)
{
	return override_of(postfix, service, name) != NULL;
}

const char *cli_postfix_of(
    const struct cli_postfix *postfix, const struct cli_service *service, const char *name)
{
	const char *own = override_of(postfix, service, name);

	return own != NULL ? own : cli_postfix_main(postfix, name);
}

const struct cli_service *cli_postfix_service(
    const struct cli_postfix *postfix, const char *name, const char *type)
{
	for (size_t i = 0; i < postfix->services_count; i++)
		if (strcmp(postfix->services[i].name, name) == 0 &&
		    strcmp(postfix->services[i].type, type) == 0)
			return &postfix->services[i];
	return NULL;
}

const char *cli_postfix_look_up(const struct cli_postfix *postfix, const char *table, const char *key)
{
	struct tact_arena *arena = postfix->arena;
	const char *path = find_program(arena, "postmap");
	char *argv[] = {tact_arena_strdup(arena, "postmap"), tact_arena_strdup(arena, "-c"),
	    tact_arena_strdup(arena, postfix->folder), tact_arena_strdup(arena, "-q"),
	    tact_arena_strdup(arena, key), tact_arena_strdup(arena, table), NULL};
	char *text = path != NULL ? ask(arena, path, argv) : NULL;

	return text != NULL && *text != '\0' ? tact_text_trim(arena, text) : NULL;
}

const char **cli_postfix_split(const struct cli_postfix *postfix, const char *list, size_t *ret_count)
{
	const char **items = NULL, *from = NULL;
	int depth = 0;

	*ret_count = 0;
	for (const char *at = list;; at++) {
		bool between = *at == '\0' || (depth == 0 && strchr(", \t\r\n", *at) != NULL);

		depth += (*at == '{') - (*at == '}');
		if (!between && from == NULL)
			from = at;
		if (between && from != NULL) {
			*TACT_PUSH(postfix->arena, items, *ret_count) =
			    tact_arena_strndup(postfix->arena, from, (size_t)(at - from));
			from = NULL;
		}
		if (*at == '\0')
			return items;
	}
}

bool cli_postfix_has(const struct cli_postfix *postfix, const char *list, const char *word)
{
	size_t count;
	const char **items = cli_postfix_split(postfix, list, &count);

	for (size_t i = 0; i < count; i++)
		if (tact_text_equal_nocase(items[i], word))
			return true;
	return false;
}
