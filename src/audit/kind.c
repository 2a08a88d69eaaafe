/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The words for the kinds of entry, as they stand in the log.
 */
#include <config.h>

#include <tact/audit.h>

const char *tact_audit_kind_name(enum tact_audit_kind kind)
{
	switch (kind) {
	case TACT_AUDIT_DECISION:
		return "decision";
	case TACT_AUDIT_CHANGE:
		return "change";
	case TACT_AUDIT_OUTCOME:
		return "outcome";
	case TACT_AUDIT_POLICY:
		return "policy";
	case TACT_AUDIT_START:
		return "start";
	case TACT_AUDIT_STOP:
		return "stop";
	}
	return "unknown";
}
