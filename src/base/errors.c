/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The words of results and the text of errors; prints nothing.
 */
#include <config.h>

#include <stdio.h>

#include <tact/base.h>

const char *tact_result_name(int result)
{
	static const char *const names[] = {
	    "ok", "invalid", "absent", "unavailable", "uncertain", "corrupt", "refused", "system"};

	if (result > 0 || result < TACT_SYSTEM)
		return "unknown";
	return names[-result];
}

int tact_error_set(struct tact_error *err, int result, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return result;
	va_start(args, format);
	if (vsnprintf(err->text, sizeof err->text, format, args) < 0)
		err->text[0] = '\0';
	va_end(args);
	return result;
}
