/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Root becomes the user to whom store and evidence belong.
 */
#include <config.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tact/base.h>

/* Absent is not failed: that the list could not be asked just now says nothing of who is in it. */
static int find_user(const char *user, struct passwd **ret, struct tact_error *err)
{
	errno = 0;
	*ret = getpwnam(user);
	if (*ret != NULL)
		return TACT_OK;
	if (errno == 0 || errno == ENOENT || errno == ESRCH)
		return tact_error_set(err, TACT_INVALID, "user %s: no such user; make it, or set user", user);
	return tact_error_set(err, TACT_SYSTEM, "user %s: cannot be looked up: %s", user, strerror(errno));
}

int tact_user_become(const char *user, struct tact_error *err)
{
	struct passwd *entry;
	int result;

	if (geteuid() != 0 || user[0] == '\0')
		return TACT_OK;
	result = find_user(user, &entry, err);
	if (result != TACT_OK)
		return result;
	if (initgroups(user, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 || setuid(entry->pw_uid) != 0)
		return tact_error_set(err, TACT_SYSTEM, "cannot become %s: %s", user, strerror(errno));
	/* Files that libraries look for at home, as libpq does, must be those of the user. */
	setenv("HOME", entry->pw_dir, 1);
	return TACT_OK;
}
