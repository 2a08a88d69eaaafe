-- SPDX-License-Identifier: BSD-2-Clause
-- Copyright (c) 2026 The tact authors
--
-- The schema for Citus 11.2 or later, version 1. NOT RUN HERE: written after Citus's manual. The test suite runs this text on one PostgreSQL with
-- stand-ins for Citus's own functions, and holds it to the contract of every engine; that its statements suit several workers nobody has seen
-- yet. Try it with tests/store/contract and TACT_STORE_URL before mail depends on it.
--
-- Run it by hand on the coordinator, as a superuser of the database where CREATE EXTENSION citus has been and the workers were added; not with
-- tact store init. It differs from schema.sql in this:
--
--	part		the first byte of the id stands beside it and says on which shard a record is, so that tact_groups() can tell which keys
--			share a worker: one that is down costs the mail of its own keys only
--	tact_load	reads what the workers have before it is joined with what was asked for
--	tact_commit	goes from key to key as ever; each statement names the part, so that it concerns one shard. A batch is of one worker and
--			needs no two-phase commit. A WARNING during it means uncertain, as it does with a cancelled wait for a standby
--	tact_origin	the coordinator's: it is what relays speak to, and what a standby of its own would replace
--
-- Workers are PostgreSQL servers: give each its synchronous standbys. Shards are moved with citus_rebalance_start(), while mail flows; tactd
-- learns of new groups within a minute.

BEGIN;

DO $$
DECLARE
	wanted text;
BEGIN
	-- Two at once would meet in the same rows of the catalogue; and where a lock is waited for, relays wait behind it.
	PERFORM pg_advisory_xact_lock(1952539508), set_config('lock_timeout', '2s', true);
	FOREACH wanted IN ARRAY ARRAY['tact_relay', 'tact_web', 'tact_reader'] LOOP
		IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
		END IF;
	END LOOP;
END $$;

CREATE SCHEMA IF NOT EXISTS tact;

CREATE TABLE IF NOT EXISTS tact.tact_record (
	kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
	id bytea NOT NULL CHECK (octet_length(id) = 16),
	version bigint NOT NULL CHECK (version > 0),
	wake bigint NOT NULL CHECK (wake >= 0),
	bytes bytea NOT NULL,
	part smallint NOT NULL CHECK (part = get_byte(id, 0)),
	PRIMARY KEY (part, kind, id)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
DO $$
BEGIN
	-- IF NOT EXISTS would lock the table before it looks.
	IF to_regclass('tact.tact_due') IS NULL THEN
		CREATE INDEX tact_due ON tact.tact_record (wake, kind, id) WHERE wake > 0;
	END IF;
END $$;

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'tact.tact_record'::regclass) THEN
		PERFORM create_distributed_table('tact.tact_record', 'part', shard_count => 64);
	END IF;
END $$;

CREATE TABLE IF NOT EXISTS tact.tact_meta (name text PRIMARY KEY, value text NOT NULL);
INSERT INTO tact.tact_meta VALUES ('identity', '') ON CONFLICT (name) DO NOTHING;

CREATE OR REPLACE FUNCTION tact.tact_schema() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 1';

CREATE OR REPLACE FUNCTION tact.tact_now() RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint';

-- Which database it is, the same on a primary and its standbys, and its timeline, which each promotion raises: a primary that was
-- replaced and comes back is known by it.
CREATE OR REPLACE FUNCTION tact.tact_origin(OUT origin_database bigint, OUT origin_timeline bigint)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
	FROM pg_control_system() AS c;
$$;

-- Which keys may share a call: for each first byte of an id the number of its worker.
CREATE OR REPLACE FUNCTION tact.tact_groups() RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(set_byte(decode('00', 'hex'), 0, number), ''::bytea ORDER BY part)
	FROM (
		SELECT part, (dense_rank() OVER (ORDER BY p.groupid) - 1)::integer AS number
		FROM generate_series(0, 255) AS part
		JOIN pg_dist_placement AS p ON p.shardid = get_shard_id_for_distribution_column('tact.tact_record', part::smallint)
	) AS parts;
$$;

-- Kind 3 are the reviews.
CREATE OR REPLACE FUNCTION tact.tact_may_read(kinds smallint[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF 3 = ANY (kinds) AND NOT pg_has_role(session_user, 'tact_relay', 'usage') AND NOT pg_has_role(session_user, 'tact_web', 'usage')
			AND NOT pg_has_role(session_user, current_user, 'usage') THEN
		RAISE insufficient_privilege USING MESSAGE = 'tact_reader reads no reviews';
	END IF;
	RETURN true;
END $$;

-- A row for each key, in any order; absent: version 0.
CREATE OR REPLACE FUNCTION tact.tact_load(kinds smallint[], ids bytea[])
RETURNS TABLE (found_kind smallint, found_id bytea, found_version bigint, found_bytes bytea, now_us bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts smallint[] := ARRAY(SELECT DISTINCT get_byte(asked, 0)::smallint FROM unnest(ids) AS asked);
BEGIN
	IF 3 = ANY (kinds) THEN
		PERFORM tact.tact_may_read(kinds);
	END IF;
	now_us := tact.tact_now();
	RETURN QUERY
		SELECT k.kind, k.id, coalesce(r.version, 0), coalesce(r.bytes, ''), now_us
		FROM unnest(kinds, ids) AS k (kind, id)
		LEFT JOIN (
			SELECT t.kind, t.id, t.version, t.bytes FROM tact.tact_record AS t
			WHERE t.part = ANY (parts) AND t.id = ANY (ids) OFFSET 0 -- by itself, then joined
		) AS r ON r.kind = k.kind AND r.id = k.id;
END $$;

-- What this transaction acknowledges, it acknowledges by the end of the wait for the standbys, and if that wait is broken off it says so:
-- whatever a login, a pooler or a proxy brought along.
CREATE OR REPLACE FUNCTION tact.tact_durable() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	IF pg_catalog.current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
		PERFORM pg_catalog.set_config('synchronous_commit', 'on', true);
	END IF;
	IF pg_catalog.current_setting('client_min_messages') = 'error' THEN
		PERFORM pg_catalog.set_config('client_min_messages', 'warning', true);
	END IF;
END $$;

-- Each change is tied to the version that was read (0: absent) and answered by itself: done, or somebody was there before. versions: above 0
-- writes wakes and frames; 0 writes nothing and asks whether the record still is what was read; -1 removes it. Keys come in ascending order,
-- so that two calls cannot wait for each other; a row that somebody else holds for long is given up, so that it does not hold up the others.
-- A call always writes something: its answer is an acknowledgement only because a commit that waited for the standbys stands behind it, and
-- with it behind all that was read before.
CREATE OR REPLACE FUNCTION tact.tact_commit(kinds smallint[], ids bytea[], expected bigint[], versions bigint[], wakes bigint[], frames bytea[])
RETURNS TABLE (changed_kind smallint, changed_id bytea, done boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
	wrote boolean := false;
	p smallint;
BEGIN
	PERFORM tact.tact_durable();
	FOR i IN 1 .. coalesce(cardinality(kinds), 0) LOOP
		p := get_byte(ids[i], 0);
		IF versions[i] = 0 AND expected[i] = 0 THEN
			done := NOT EXISTS (SELECT FROM tact.tact_record AS r WHERE r.part = p AND r.kind = kinds[i] AND r.id = ids[i]);
		ELSIF versions[i] = 0 THEN
			done := EXISTS (SELECT FROM tact.tact_record AS r
				WHERE r.part = p AND r.kind = kinds[i] AND r.id = ids[i] AND r.version = expected[i]);
		ELSE
			IF versions[i] > 0 AND expected[i] = 0 THEN
				INSERT INTO tact.tact_record VALUES (kinds[i], ids[i], versions[i], wakes[i], frames[i], p)
				ON CONFLICT (part, kind, id) DO NOTHING; -- answered as "somebody was there before", never as done
			ELSIF versions[i] > 0 THEN
				UPDATE tact.tact_record AS r SET version = versions[i], wake = wakes[i], bytes = frames[i]
				WHERE r.part = p AND r.kind = kinds[i] AND r.id = ids[i] AND r.version = expected[i];
			ELSIF pg_has_role(session_user, 'tact_relay', 'usage') OR pg_has_role(session_user, current_user, 'usage') THEN
				DELETE FROM tact.tact_record AS r
				WHERE r.part = p AND r.kind = kinds[i] AND r.id = ids[i] AND r.version = expected[i];
			ELSE
				RAISE insufficient_privilege USING MESSAGE = 'only tact_relay may remove records';
			END IF;
			done := FOUND;
			wrote := wrote OR done;
		END IF;
		changed_kind := kinds[i];
		changed_id := ids[i];
		RETURN NEXT;
	END LOOP;
	IF NOT wrote THEN
		PERFORM pg_logical_emit_message(true, 'tact', '');
	END IF;
END $$;

-- Makes a record of each key under which nothing stands, and answers the keys under which something does; those are left as they are, and
-- are acknowledged by nobody. Keys come in ascending order.
CREATE OR REPLACE FUNCTION tact.tact_fill(kinds smallint[], ids bytea[], versions bigint[], wakes bigint[], frames bytea[])
RETURNS TABLE (known_kind smallint, known_id bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	made_kinds smallint[] := '{}';
	made_ids bytea[] := '{}';
BEGIN
	PERFORM tact.tact_durable();
	FOR known_kind, known_id IN
		INSERT INTO tact.tact_record AS r
		SELECT u.*, get_byte(u.id, 0) FROM unnest(kinds, ids, versions, wakes, frames) AS u (kind, id, version, wake, bytes)
		ON CONFLICT (part, kind, id) DO NOTHING RETURNING r.kind, r.id
	LOOP
		made_kinds := made_kinds || known_kind;
		made_ids := made_ids || known_id;
	END LOOP;
	RETURN QUERY
		SELECT k.kind, k.id FROM unnest(kinds, ids) AS k (kind, id)
		LEFT JOIN unnest(made_kinds, made_ids) AS m (kind, id) ON m.kind = k.kind AND m.id = k.id
		WHERE m.id IS NULL;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_scan(wanted smallint, after bytea, most integer)
RETURNS TABLE (found_id bytea, found_version bigint, found_wake bigint, found_bytes bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT r.id, r.version, r.wake, r.bytes FROM tact.tact_record AS r
	WHERE r.kind = wanted AND r.id > after AND tact.tact_may_read(ARRAY[wanted]) ORDER BY r.id LIMIT most;
$$;

CREATE OR REPLACE FUNCTION tact.tact_due(after_us bigint, after_kind smallint, after_id bytea, until_us bigint, most integer)
RETURNS TABLE (due_us bigint, due_kind smallint, due_id bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT r.wake, r.kind, r.id FROM tact.tact_record AS r
	WHERE r.wake > 0 AND (r.wake, r.kind, r.id) > (after_us, after_kind, after_id) AND r.wake <= until_us
	ORDER BY r.wake, r.kind, r.id LIMIT most;
$$;

-- The logical partitions on the same worker.
CREATE OR REPLACE FUNCTION tact.tact_beside(one integer) RETURNS smallint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(part::smallint)
	FROM (SELECT tact.tact_groups() AS groups) AS g, generate_series(0, 255) AS part
	WHERE get_byte(g.groups, part) = get_byte(g.groups, one);
$$;

-- The same of what stands on the worker of the logical partition BESIDE: the others need not be there.
CREATE OR REPLACE FUNCTION tact.tact_scan_part(wanted smallint, after bytea, most integer, beside integer)
RETURNS TABLE (found_id bytea, found_version bigint, found_wake bigint, found_bytes bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts smallint[] := tact.tact_beside(beside);
BEGIN
	RETURN QUERY
		SELECT r.id, r.version, r.wake, r.bytes FROM tact.tact_record AS r
		WHERE r.part = ANY (parts) AND r.kind = wanted AND r.id > after AND tact.tact_may_read(ARRAY[wanted]) ORDER BY r.id LIMIT most;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_due_part(after_us bigint, after_kind smallint, after_id bytea, until_us bigint, most integer, beside integer)
RETURNS TABLE (due_us bigint, due_kind smallint, due_id bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts smallint[] := tact.tact_beside(beside);
BEGIN
	RETURN QUERY
		SELECT r.wake, r.kind, r.id FROM tact.tact_record AS r
		WHERE r.part = ANY (parts) AND r.wake > 0 AND (r.wake, r.kind, r.id) > (after_us, after_kind, after_id) AND r.wake <= until_us
		ORDER BY r.wake, r.kind, r.id LIMIT most;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_identity() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT m.value FROM tact.tact_meta AS m WHERE m.name = 'identity';
$$;

CREATE OR REPLACE FUNCTION tact.tact_set_identity(expected text, fresh text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM tact.tact_durable();
	UPDATE tact.tact_meta AS m SET value = fresh WHERE m.name = 'identity' AND m.value = expected;
	RETURN FOUND;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_size() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT citus_total_relation_size('tact.tact_record');
$$;

REVOKE ALL ON SCHEMA tact FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA tact FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tact FROM PUBLIC;
GRANT USAGE ON SCHEMA tact TO tact_relay, tact_web, tact_reader;
GRANT EXECUTE ON FUNCTION tact.tact_schema(), tact.tact_now(), tact.tact_origin(), tact.tact_groups(), tact.tact_identity(), tact.tact_load(smallint[], bytea[])
	TO tact_relay, tact_web, tact_reader;
GRANT EXECUTE ON FUNCTION tact.tact_commit(smallint[], bytea[], bigint[], bigint[], bigint[], bytea[]) TO tact_relay, tact_web;
GRANT EXECUTE ON FUNCTION tact.tact_scan(smallint, bytea, integer), tact.tact_size(),
	tact.tact_due(bigint, smallint, bytea, bigint, integer), tact.tact_scan_part(smallint, bytea, integer, integer),
	tact.tact_due_part(bigint, smallint, bytea, bigint, integer, integer) TO tact_relay, tact_reader;
GRANT EXECUTE ON FUNCTION tact.tact_fill(smallint[], bytea[], bigint[], bigint[], bytea[]) TO tact_relay;
GRANT EXECUTE ON FUNCTION tact.tact_set_identity(text, text) TO tact_relay;

COMMIT;
