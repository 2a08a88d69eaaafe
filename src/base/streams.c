/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The three standard streams, kept where programs believe them to be.
 */
#include <config.h>

#include <fcntl.h>
#include <unistd.h>

#include <tact/base.h>

/* The first file opened by a program that was started without one of them would take its number, and a
 * store's pages would be written over by the next complaint. What fills the gap is open the wrong way round:
 * whoever reads or writes there is still told that nothing is there. */
int tact_streams_hold(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return TACT_SYSTEM;
	}
	return TACT_OK;
}
