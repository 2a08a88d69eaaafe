-- SPDX-License-Identifier: BSD-2-Clause
-- Copyright (c) 2026 The tact authors
--
-- What to watch of tact's database; README says what each figure means. Changes nothing. Wants the role pg_monitor (or a superuser):
--
--	psql -X -d tact -f watch.sql

\pset null -

\echo standbys
SELECT application_name, state, sync_state, replay_lag FROM pg_stat_replication ORDER BY application_name;

\echo connections
SELECT usename, client_addr, count(*), max(count(*)) OVER () AS most, current_setting('max_connections') AS bound
FROM pg_stat_activity WHERE application_name = 'tact' GROUP BY usename, client_addr ORDER BY usename, client_addr;

\echo waiting
SELECT pid, coalesce(wait_event, 'none') AS wait_event, now() - state_change AS since, pg_blocking_pids(pid) AS behind
FROM pg_stat_activity WHERE application_name = 'tact' AND state = 'active' AND (wait_event = 'SyncRep' OR wait_event_type = 'Lock')
ORDER BY state_change;

\echo commits
SELECT xact_commit, xact_rollback, deadlocks, stats_reset FROM pg_stat_database WHERE datname = current_database();

\echo table
SELECT pg_size_pretty(pg_table_size(relid)) AS records, pg_size_pretty(pg_indexes_size(relid)) AS indexes, n_live_tup, n_dead_tup,
	n_tup_upd, n_tup_hot_upd, last_autovacuum
FROM pg_stat_user_tables WHERE schemaname = 'tact' AND relname = 'tact_record';

\echo reads
SELECT heap_blks_read, heap_blks_hit, idx_blks_read, idx_blks_hit FROM pg_statio_user_tables WHERE schemaname = 'tact' AND relname = 'tact_record';

\echo oldest
SELECT max(now() - xact_start) AS transaction, max(age(backend_xmin)) AS horizon FROM pg_stat_activity WHERE pid <> pg_backend_pid();

\echo archive
SELECT archived_count, last_archived_wal, last_archived_time, failed_count, last_failed_wal, last_failed_time FROM pg_stat_archiver;

\echo slots
SELECT slot_name, active, wal_status, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) AS held FROM pg_replication_slots
ORDER BY slot_name;
