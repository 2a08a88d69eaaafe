/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The key file and the keys made from it: the only place that sees a secret. Who is keyed is recipient.c's.
 */
#include <config.h>

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES 32
#define SECRET_LINE (2 * SECRET_BYTES + 1)
#define SECRETS_MAX 64
#define FILE_MAX 65536

struct tact_keyring {
	size_t count;
	uint8_t secrets[SECRETS_MAX][SECRET_BYTES];
	struct tact_hmac *hmacs[SECRETS_MAX]; /* under each of them */
};

static int system_error(struct tact_error *err, const char *path, const char *doing)
{
	return tact_error_set(err, TACT_SYSTEM, "key file %s: %s: %s", path, doing, strerror(errno));
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static int check_file(int fd, const char *path, struct stat *st, struct tact_error *err)
{
	if (fstat(fd, st) != 0)
		return system_error(err, path, "fstat");
	if (!S_ISREG(st->st_mode))
		return tact_error_set(err, TACT_REFUSED, "key file %s: not a regular file", path);
	if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return tact_error_set(err, TACT_REFUSED,
		    "key file %s: mode %04o lets others at it; chmod 0600 and, if others could read it, make "
		    "a new secret",
		    path, (unsigned)(st->st_mode & 07777));
	if (st->st_size > FILE_MAX)
		return tact_error_set(err, TACT_INVALID, "key file %s: longer than %d bytes", path, FILE_MAX);
	return TACT_OK;
}

/* O_NONBLOCK so that a FIFO put in its place cannot hold us. */
static int open_file(const char *path, int *ret_fd, struct stat *st, struct tact_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP)
		return tact_error_set(
		    err, TACT_REFUSED, "key file %s: a symbolic link; name the file itself", path);
	if (fd < 0 && (errno == ENOENT || errno == EACCES))
		return tact_error_set(err, TACT_REFUSED, "key file %s: open%s: %s", path,
		    errno == ENOENT ? " (tact key new makes one)" : "", strerror(errno));
	if (fd < 0)
		return system_error(err, path, "open");
	int result = check_file(fd, path, st, err);
	if (result == TACT_OK)
		*ret_fd = fd;
	else
		close(fd);
	return result;
}

/* The whole file into text[FILE_MAX + 1]. */
static int read_file(int fd, const char *path, char *text, size_t *ret_length, struct tact_error *err)
{
	size_t length = 0;
	for (;;) {
		ssize_t got = read(fd, text + length, FILE_MAX - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return system_error(err, path, "read");
		if (got == 0)
			break;
		length += (size_t)got;
	}
	text[length] = '\0';
	*ret_length = length;
	return TACT_OK;
}

static int add_secret(
    struct tact_keyring *keyring, const char *path, size_t number, const char *line, struct tact_error *err)
{
	if (keyring->count == SECRETS_MAX)
		return tact_error_set(
		    err, TACT_INVALID, "key file %s: more than %d secrets", path, SECRETS_MAX);
	uint8_t *secret = keyring->secrets[keyring->count];
	if (tact_hex_decode(line, secret, SECRET_BYTES) != TACT_OK)
		return tact_error_set(err, TACT_INVALID, "key file %s: line %zu: not %d hex digits", path,
		    number, 2 * SECRET_BYTES);
	for (size_t i = 0; i < keyring->count; i++) {
		if (memcmp(keyring->secrets[i], secret, SECRET_BYTES) == 0)
			return tact_error_set(
			    err, TACT_INVALID, "key file %s: line %zu: the same secret twice", path, number);
	}
	keyring->hmacs[keyring->count++] = tact_digest_hmac_new(secret, SECRET_BYTES);
	return TACT_OK;
}

static int parse_file(
    struct tact_keyring *keyring, const char *path, char *text, size_t length, struct tact_error *err)
{
	if (strlen(text) != length)
		return tact_error_set(err, TACT_INVALID, "key file %s: has a NUL byte", path);
	size_t number = 0;
	while (text != NULL) {
		char *line = strsep(&text, "\n");
		number++;
		line[strcspn(line, "\r")] = '\0';
		int result = line[0] == '\0' || line[0] == '#' ? TACT_OK
							       : add_secret(keyring, path, number, line, err);
		if (result != TACT_OK)
			return result;
	}
	if (keyring->count == 0)
		return tact_error_set(err, TACT_INVALID, "key file %s: holds no secret", path);
	return TACT_OK;
}

/* TEXT is written over while it is parsed. */
static int make_keyring(
    const char *path, char *text, size_t length, struct tact_keyring **ret, struct tact_error *err)
{
	struct tact_keyring *keyring = tact_calloc(1, sizeof *keyring);
	int result = parse_file(keyring, path, text, length, err);
	if (result == TACT_OK)
		*ret = keyring;
	else
		tact_facts_free_keyring(&keyring);
	return result;
}

int tact_facts_load_keyring(const char *path, struct tact_keyring **ret, struct tact_error *err)
{
	struct stat st;
	size_t length;
	int fd;
	int result = open_file(path, &fd, &st, err);
	if (result != TACT_OK)
		return result;
	char *text = tact_malloc(FILE_MAX + 1);
	result = read_file(fd, path, text, &length, err);
	if (result == TACT_OK)
		result = make_keyring(path, text, length, ret, err);
	explicit_bzero(text, FILE_MAX + 1);
	free(text);
	close(fd);
	return result;
}

void tact_facts_free_keyring(struct tact_keyring **keyring)
{
	if (keyring == NULL || *keyring == NULL)
		return;
	for (size_t i = 0; i < (*keyring)->count; i++)
		tact_digest_hmac_free(&(*keyring)->hmacs[i]);
	explicit_bzero(*keyring, sizeof **keyring);
	free(*keyring);
	*keyring = NULL;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t done = write(fd, data, length);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		data += done;
		length -= (size_t)done;
	}
	return 0;
}

void facts_format_hex(const uint8_t *data, size_t size_bytes, char *ret)
{
	for (size_t i = 0; i < size_bytes; i++)
		snprintf(ret + 2 * i, 3, "%02x", data[i]);
}

/* A random secret, then what the file held before. */
static int write_secrets(int fd, const char *before, size_t before_length)
{
	uint8_t secret[SECRET_BYTES];
	char line[SECRET_LINE + 1];
	tact_random_bytes(secret, sizeof secret);
	facts_format_hex(secret, sizeof secret, line);
	line[SECRET_LINE - 1] = '\n';
	int failed = write_all(fd, line, SECRET_LINE);
	if (failed == 0)
		failed = write_all(fd, before, before_length);
	if (failed == 0)
		failed = fsync(fd);
	explicit_bzero(secret, sizeof secret);
	explicit_bzero(line, sizeof line);
	return failed;
}

/* The name of a new file is durable only when its folder is. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
	snprintf(folder, sizeof folder, "%.*s", length, slash == NULL ? "." : path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int failed = fsync(fd);
	close(fd);
	return failed;
}

static int create_file(const char *path, struct tact_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0 && errno == EEXIST)
		return tact_error_set(
		    err, TACT_REFUSED, "key file %s: exists already and is not overwritten", path);
	if (fd < 0)
		return system_error(err, path, "create");
	int result = TACT_OK;
	static const char note[] = "# The first secret is the current one; earlier ones stay below. Losing "
				   "this file loses every wish.\n";
	if (fchmod(fd, S_IRUSR | S_IWUSR) != 0 || write_secrets(fd, note, sizeof note - 1) != 0 ||
	    sync_folder(path) != 0)
		result = system_error(err, path, "write");
	close(fd);
	if (result != TACT_OK)
		unlink(path); /* half a key file is worse than none */
	return result;
}

/* The copy belongs to whom the original did: root may rotate what the daemon reads. */
static int take_owner(int fd, const struct stat *st)
{
	if ((st->st_uid != geteuid() || st->st_gid != getegid()) && fchown(fd, st->st_uid, st->st_gid) != 0)
		return -1;
	return fchmod(fd, st->st_mode & (S_IRUSR | S_IWUSR));
}

static int replace_file(
    const char *path, const struct stat *st, const char *text, size_t length, struct tact_error *err)
{
	char temporary[PATH_MAX];
	if ((size_t)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= sizeof temporary)
		return tact_error_set(err, TACT_INVALID, "key file: the path is too long");
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return system_error(err, path, "make a file beside it");
	int result = TACT_OK;
	if (take_owner(fd, st) != 0 || write_secrets(fd, text, length) != 0 || rename(temporary, path) != 0) {
		result = system_error(err, path, "replace");
		unlink(temporary);
	} else if (sync_folder(path) != 0) {
		result = system_error(err, path, "sync its folder");
	}
	close(fd);
	return result;
}

/* Two rotations at once would lose a secret; the loser of the lock, or who locked a file since replaced, is
 * sent away. */
static int lock_file(int fd, const char *path, const struct stat *st, struct tact_error *err)
{
	struct stat now;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || stat(path, &now) != 0 || now.st_ino != st->st_ino ||
	    now.st_dev != st->st_dev)
		return tact_error_set(err, TACT_REFUSED, "key file %s: another process is changing it", path);
	return TACT_OK;
}

static int rotate_open_file(
    int fd, const char *path, const struct stat *st, char *text, struct tact_error *err)
{
	struct tact_keyring *keyring = NULL;
	size_t length;
	int result = lock_file(fd, path, st, err);
	if (result == TACT_OK)
		result = read_file(fd, path, text, &length, err);
	if (result != TACT_OK)
		return result;
	char *copy = tact_malloc(length + 1);
	memcpy(copy, text, length + 1);
	result = make_keyring(path, copy, length, &keyring, err);
	if (result == TACT_OK && keyring->count == SECRETS_MAX)
		result = tact_error_set(
		    err, TACT_REFUSED, "key file %s: already holds %d secrets", path, SECRETS_MAX);
	if (result == TACT_OK)
		result = replace_file(path, st, text, length, err);
	tact_facts_free_keyring(&keyring);
	explicit_bzero(copy, length + 1);
	free(copy);
	return result;
}

static int rotate_file(const char *path, struct tact_error *err)
{
	struct stat st;
	int fd;
	int result = open_file(path, &fd, &st, err);
	if (result != TACT_OK)
		return result;
	char *text = tact_malloc(FILE_MAX + 1);
	result = rotate_open_file(fd, path, &st, text, err);
	explicit_bzero(text, FILE_MAX + 1);
	free(text);
	close(fd);
	return result;
}

int tact_facts_create_key_file(const char *path, bool rotate, struct tact_error *err)
{
	return rotate ? rotate_file(path, err) : create_file(path, err);
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

static struct tact_id hmac_id(
    const struct tact_keyring *keyring, size_t which, const void *data, size_t size_bytes)
{
	struct tact_id id;
	uint8_t whole[TACT_SHA256_BYTES];
	if (which >= keyring->count)
		abort(); /* our own bug, and a key of the wrong secret would read every wish as absent */
	tact_digest_hmac_by(keyring->hmacs[which], data, size_bytes, whole);
	memcpy(id.b, whole, sizeof id.b);
	return id;
}

size_t tact_facts_keyring_count(const struct tact_keyring *keyring)
{
	return keyring->count;
}

/* Not 32 bytes long, so it can never be anyone's key. */
struct tact_id tact_facts_keyring_fingerprint(const struct tact_keyring *keyring, size_t which)
{
	static const char text[] = "tact key fingerprint 1";
	return hmac_id(keyring, which, text, sizeof text - 1);
}

struct tact_id tact_facts_key(
    const struct tact_keyring *keyring, size_t which, const uint8_t sha256[TACT_SHA256_BYTES])
{
	return hmac_id(keyring, which, sha256, TACT_SHA256_BYTES);
}
