# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# decide: the pipeline. Stands on base, facts, dossier, policy, store, audit.
DECIDE = src/decide/libdecide.a  $(POLICY) src/store/libstore.a $(STORE_LIBS) src/audit/libaudit.a $(JANSSON_LIBS) $(BASE)
noinst_LIBRARIES += src/decide/libdecide.a
src_decide_libdecide_a_CFLAGS = $(AM_CFLAGS) 
src_decide_libdecide_a_SOURCES = include/tact/decide.h src/decide/alias.h src/decide/alias_record.h src/decide/aliasing.h src/decide/campaigns.h src/decide/campaigns_reading.h src/decide/change.h src/decide/pass.h src/decide/private.h src/decide/recover.h src/decide/work.h \
	src/decide/alias.c \
	src/decide/alias_carry.c \
	src/decide/alias_check.c \
	src/decide/alias_lead.c \
	src/decide/alias_record.c \
	src/decide/apply.c \
	src/decide/bell.c \
	src/decide/campaign.c \
	src/decide/campaigns.c \
	src/decide/campaigns_reading.c \
	src/decide/change.c \
	src/decide/change_consent.c \
	src/decide/change_profile.c \
	src/decide/change_wish.c \
	src/decide/content.c \
	src/decide/decider.c \
	src/decide/evidence.c \
	src/decide/foresight.c \
	src/decide/health.c \
	src/decide/identity.c \
	src/decide/inbound.c \
	src/decide/ledger.c \
	src/decide/load.c \
	src/decide/look.c \
	src/decide/message.c \
	src/decide/names.c \
	src/decide/pass.c \
	src/decide/passed.c \
	src/decide/plan.c \
	src/decide/prepare.c \
	src/decide/question.c \
	src/decide/record.c \
	src/decide/recover.c \
	src/decide/recover_merge.c \
	src/decide/recovery.c \
	src/decide/reopen.c \
	src/decide/replay.c \
	src/decide/reviews.c \
	src/decide/ring.c \
	src/decide/sweep.c \
	src/decide/take.c \
	src/decide/volume.c \
	src/decide/whom.c

check_PROGRAMS += tests/unit/test_alias tests/unit/test_alias_steps tests/unit/test_campaigns tests/unit/test_campaign_parts tests/unit/test_change tests/unit/test_decide tests/unit/test_hot_keys tests/unit/test_identity tests/unit/test_inbound
TESTS += tests/unit/test_alias tests/unit/test_alias_steps tests/unit/test_campaigns tests/unit/test_campaign_parts tests/unit/test_change tests/unit/test_decide tests/unit/test_hot_keys tests/unit/test_identity tests/unit/test_inbound
decide_help = tests/unit/decide_help.c tests/unit/decide_help.h
tests_unit_test_alias_SOURCES = tests/unit/test_alias.c $(decide_help)
tests_unit_test_alias_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_alias_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=tact_store_update -Wl,--wrap=tact_store_update_then
tests_unit_test_alias_LDADD = $(DECIDE) $(CONFIG) $(CHECK_LIBS)
tests_unit_test_alias_steps_SOURCES = tests/unit/test_alias_steps.c $(decide_help)
tests_unit_test_alias_steps_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_alias_steps_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=tact_store_read -Wl,--wrap=tact_store_update -Wl,--wrap=tact_store_update_then -Wl,--wrap=tact_store_scan -Wl,--wrap=fdatasync
tests_unit_test_alias_steps_LDADD = $(DECIDE) $(CONFIG) $(CHECK_LIBS)
tests_unit_test_campaigns_SOURCES = tests/unit/test_campaigns.c $(decide_help)
tests_unit_test_campaigns_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_campaigns_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=tact_store_scan
tests_unit_test_campaigns_LDADD = $(DECIDE) $(CONFIG) $(CHECK_LIBS)
tests_unit_test_campaign_parts_SOURCES = tests/unit/test_campaign_parts.c $(decide_help)
tests_unit_test_campaign_parts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_campaign_parts_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=tact_store_layout,--wrap=tact_store_scan_part,--wrap=tact_store_due_part \
	-Wl,--wrap=tact_store_update,--wrap=tact_clock_monotonic_ms
tests_unit_test_campaign_parts_LDADD = $(DECIDE) $(CONFIG) $(CHECK_LIBS)
tests_unit_test_change_SOURCES = tests/unit/test_change.c $(decide_help)
tests_unit_test_change_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_change_LDADD = $(DECIDE) $(CONFIG) $(CHECK_LIBS)
tests_unit_test_decide_SOURCES = tests/unit/test_decide.c
tests_unit_test_decide_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_decide_LDADD = $(DECIDE) $(CONFIG) $(CHECK_LIBS)
tests_unit_test_hot_keys_SOURCES = tests/unit/test_hot_keys.c $(decide_help)
tests_unit_test_hot_keys_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_hot_keys_LDADD = $(DECIDE) $(CONFIG) $(CHECK_LIBS)
tests_unit_test_identity_SOURCES = tests/unit/test_identity.c $(decide_help)
tests_unit_test_identity_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_identity_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=tact_store_set_identity
tests_unit_test_identity_LDADD = $(DECIDE) $(CONFIG) $(CHECK_LIBS)
tests_unit_test_inbound_SOURCES = tests/unit/test_inbound.c $(decide_help)
tests_unit_test_inbound_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_inbound_LDADD = $(DECIDE) $(CONFIG) $(CHECK_LIBS)
