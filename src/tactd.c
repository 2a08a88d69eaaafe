/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tactd: options, then the daemon.
 */
#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <tact/daemon.h>

#define DEFAULT_CONFIG SYSCONFDIR "/tact/tact.conf"

static int usage(FILE *to, int code)
{
	fprintf(to, "usage: tactd [-f] [-c FILE]     run (SIGUSR1 reloads, SIGTERM ends)\n"
		    "       tactd -n [-c FILE]      check the configuration and exit\n"
		    "       tactd -T [-c FILE]      print the effective configuration and exit\n"
		    "       tactd -h | -V           help, version\n"
		    "  -c FILE  configuration (default " DEFAULT_CONFIG ")\n"
		    "  -f       log to standard error instead of syslog\n");
	return code;
}

/* Output that did not arrive is a failure. */
static int finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "tactd: standard output: %s\n", strerror(errno));
	return EX_IOERR;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {{"config", required_argument, NULL, 'c'},
	    {"foreground", no_argument, NULL, 'f'}, {"check", no_argument, NULL, 'n'},
	    {"print", no_argument, NULL, 'T'}, {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
	struct tact_daemon_options options = {.config_path = DEFAULT_CONFIG};
	int what = 'r', c;

	if (tact_streams_hold() != TACT_OK)
		return EX_OSERR;
	while ((c = getopt_long(argc, argv, "c:fnThV", names, NULL)) != -1) {
		if (c == 'c')
			options.config_path = optarg;
		else if (c == 'f')
			options.foreground = true;
		else if (c == '?')
			return usage(stderr, EX_USAGE);
		else
			what = c;
	}
	if (optind < argc)
		return usage(stderr, EX_USAGE);
	if (what == 'h')
		return finish_output(usage(stdout, EX_OK));
	if (what == 'V')
		return finish_output(puts("tactd " PACKAGE_VERSION) < 0 ? EX_IOERR : EX_OK);
	if (what == 'n')
		return tact_daemon_check(options.config_path);
	if (what == 'T')
		return finish_output(tact_daemon_print(options.config_path));
	return tact_daemon_run(&options);
}
