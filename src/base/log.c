/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One line to the mail log or to standard error; decides nothing about what is worth a line.
 */
#include <config.h>

#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include <tact/base.h>

/* Nothing here allocates, so that being out of memory can still be said. */
#define TEXT_BYTES 2048
#define LINE_BYTES (4 * TEXT_BYTES)

static char log_ident[64] = "tact";
static bool log_to_syslog;
static atomic_int log_least = TACT_LOG_INFO;

static const struct {
	const char *name;
	int priority;
} levels[] = {
    [TACT_LOG_DEBUG] = {"debug", LOG_DEBUG},
    [TACT_LOG_INFO] = {"info", LOG_INFO},
    [TACT_LOG_WARNING] = {"warning", LOG_WARNING},
    [TACT_LOG_ERROR] = {"error", LOG_ERR},
};

void tact_log_open(const char *ident, bool to_syslog, enum tact_log_level least)
{
	(void)snprintf(log_ident, sizeof log_ident, "%s", ident);
	if (log_to_syslog)
		closelog();
	log_to_syslog = to_syslog;
	if (to_syslog)
		openlog(log_ident, LOG_PID | LOG_NDELAY, LOG_MAIL);
	tact_log_set_level(least);
}

void tact_log_set_level(enum tact_log_level least)
{
	atomic_store_explicit(&log_least, (int)least, memory_order_relaxed);
}

bool tact_log_writes(enum tact_log_level level)
{
	return (int)level >= atomic_load_explicit(&log_least, memory_order_relaxed);
}

/* Every byte that is not printable ASCII becomes \xNN: a log is read on terminals, and split into lines. */
static void write_harmless(char line[LINE_BYTES + 1], const char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c < 0x7f) {
			*line++ = (char)c;
		} else {
			*line++ = '\\';
			*line++ = 'x';
			*line++ = digits[c >> 4];
			*line++ = digits[c & 15];
		}
	}
	*line = '\0';
}

/* One write, so that lines of threads and processes do not mix. */
static void write_stderr(const char *level, const char *line)
{
	char out[LINE_BYTES + 128];
	int n = snprintf(out, sizeof out, "%s[%d]: %s: %s\n", log_ident, (int)getpid(), level, line);

	if (n > 0 && write(STDERR_FILENO, out, (size_t)n) < 0)
		return; /* there is nowhere left to say so */
}

void tact_log(enum tact_log_level level, const char *format, ...)
{
	char text[TEXT_BYTES], line[LINE_BYTES + 1];
	va_list args;

	if (!tact_log_writes(level))
		return;
	va_start(args, format);
	if (vsnprintf(text, sizeof text, format, args) < 0)
		text[0] = '\0';
	va_end(args);
	write_harmless(line, text);
	if (log_to_syslog)
		syslog(levels[level].priority, "%s", line);
	else
		write_stderr(levels[level].name, line);
}
