# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# Tests that belong to no room. Those in Python run against processes; they are given both folders, and leave nothing in either.

TEST_EXTENSIONS = .py
PY_LOG_COMPILER = $(PYTHON3)
AM_PY_LOG_FLAGS = -B
AM_TESTS_ENVIRONMENT = TACT_SOURCE='$(abs_srcdir)'; TACT_BUILD='$(abs_builddir)'; export TACT_SOURCE TACT_BUILD;

POSTFIX_TESTS = \
	tests/postfix/test_bad_input.py \
	tests/postfix/test_bell.py \
	tests/postfix/test_campaigns.py \
	tests/postfix/test_content.py \
	tests/postfix/test_envelope.py \
	tests/postfix/test_faults.py \
	tests/postfix/test_gate.py \
	tests/postfix/test_gate_protocol.py \
	tests/postfix/test_harness.py \
	tests/postfix/test_people.py \
	tests/postfix/test_postfix_itself.py \
	tests/postfix/test_postgres.py \
	tests/postfix/test_seen.py \
	tests/postfix/test_reload.py \
	tests/postfix/test_setup.py \
	tests/postfix/test_sendmail.py \
	tests/postfix/test_kills.py \
	tests/postfix/test_stories.py \
	tests/postfix/test_stories_consent.py \
	tests/postfix/test_stories_desks.py \
	tests/postfix/test_stories_host.py \
	tests/postfix/test_stories_platform.py \
	tests/postfix/test_verdicts.py
POSTFIX_TESTS += tests/time/test_relay_weeks.py

TESTS += $(POSTFIX_TESTS)
EXTRA_DIST += $(POSTFIX_TESTS) \
	tests/postfix/client.py \
	tests/postfix/daemon.py \
	tests/postfix/demo.py \
	tests/postfix/edges \
	tests/postfix/evidence.py \
	tests/postfix/gated.py \
	tests/postfix/harness.py \
	tests/postfix/mails \
	tests/postfix/meddle.py \
	tests/postfix/relay.py \
	tests/postfix/room.py \
	tests/postfix/sinks.py \
	tests/postfix/story.py

# Two relays on a cluster of servers to which everything happens that can.
CLUSTER_TESTS = tests/store/cluster/test_checker.py tests/store/cluster/test_cluster.py tests/store/cluster/test_partitions.py \
	tests/store/cluster/test_proxy.py
TESTS += $(CLUSTER_TESTS)
EXTRA_DIST += $(CLUSTER_TESTS) \
	tests/store/cluster/checker.py \
	tests/store/cluster/cluster.py \
	tests/store/cluster/forward.py \
	tests/store/cluster/history.py \
	tests/store/cluster/load.py \
	tests/store/cluster/network.py \
	tests/store/cluster/run.py
