-- SPDX-License-Identifier: BSD-2-Clause
-- Copyright (c) 2026 The tact authors
--
-- The schema of the postgres engine, version 1. `tact store init` and `tact store upgrade` run this text, which is built into the program;
-- it may be run by hand as well, and again. Programs see functions, and may add records by COPY:
--
--	tact_relay	the relays: all of them
--	tact_web	the web front: records by key, never a list of them
--	tact_reader	reports: reads only, and no reviews, which hold subjects and excerpts of mail
--
-- Give a login one of these roles (GRANT tact_relay TO relay1). A record is a frame of bytes that the database does not look into; version
-- and wake stand beside it, so that a change can be tied to what was read and what is due can be found. Times are microseconds since 1970.

BEGIN;

DO $$
DECLARE
	wanted text;
BEGIN
	-- Two at once would meet in the same rows of the catalogue; and where a lock is waited for, relays wait behind it.
	PERFORM pg_advisory_xact_lock(1952539508), set_config('lock_timeout', '2s', true);
	-- Its functions must not become those of an empty table: everybody would be unknown.
	IF EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = to_regnamespace('tact') AND proname = 'tact_part') THEN
		RAISE EXCEPTION 'this database passes everything on to partitions: run "tact store upgrade" on each of them, and plproxy.sql here';
	END IF;
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
	PRIMARY KEY (kind, id)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
DO $$
BEGIN
	-- IF NOT EXISTS would lock the table before it looks.
	IF to_regclass('tact.tact_due') IS NULL THEN
		CREATE INDEX tact_due ON tact.tact_record (wake, kind, id) WHERE wake > 0;
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
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	origin_database := (pg_catalog.pg_control_system()).system_identifier;
	origin_timeline := ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8))::pg_catalog.bit(32)::pg_catalog.int8;
END $$;

-- Which keys may share a call: for each first byte of an id the number of its group. One server: one group.
CREATE OR REPLACE FUNCTION tact.tact_groups() RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT pg_catalog.decode(pg_catalog.repeat('00', 256), 'hex') $$;

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

-- A row for each key, in any order; absent: version 0. One plan fits all calls; where a kind has no records yet, each would make its own.
CREATE OR REPLACE FUNCTION tact.tact_load(kinds smallint[], ids bytea[])
RETURNS TABLE (found_kind smallint, found_id bytea, found_version bigint, found_bytes bytea, now_us bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	IF 3 = ANY (kinds) THEN
		PERFORM tact.tact_may_read(kinds);
	END IF;
	now_us := tact.tact_now();
	RETURN QUERY
		SELECT k.kind, k.id, coalesce(r.version, 0), coalesce(r.bytes, ''), now_us
		FROM unnest(kinds, ids) AS k (kind, id)
		LEFT JOIN tact.tact_record AS r ON r.kind = k.kind AND r.id = k.id;
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
SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off SET lock_timeout = '2s' AS $$
DECLARE
	wrote boolean := false;
BEGIN
	PERFORM tact.tact_durable();
	FOR i IN 1 .. coalesce(cardinality(kinds), 0) LOOP
		IF versions[i] = 0 AND expected[i] = 0 THEN
			done := NOT EXISTS (SELECT FROM tact.tact_record AS r WHERE r.kind = kinds[i] AND r.id = ids[i]);
		ELSIF versions[i] = 0 THEN
			done := EXISTS (SELECT FROM tact.tact_record AS r
				WHERE r.kind = kinds[i] AND r.id = ids[i] AND r.version = expected[i]);
		ELSE
			IF versions[i] > 0 AND expected[i] = 0 THEN
				INSERT INTO tact.tact_record VALUES (kinds[i], ids[i], versions[i], wakes[i], frames[i])
				ON CONFLICT (kind, id) DO NOTHING; -- answered as "somebody was there before", never as done
			ELSIF versions[i] > 0 THEN
				UPDATE tact.tact_record AS r SET version = versions[i], wake = wakes[i], bytes = frames[i]
				WHERE r.kind = kinds[i] AND r.id = ids[i] AND r.version = expected[i];
			ELSIF pg_has_role(session_user, 'tact_relay', 'usage') OR pg_has_role(session_user, current_user, 'usage') THEN
				DELETE FROM tact.tact_record AS r
				WHERE r.kind = kinds[i] AND r.id = ids[i] AND r.version = expected[i];
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
--
-- Looking first whether something stands takes as long again as writing. So a call writes as if nothing did; one that meets a record begins
-- again and looks, as do the next 16 of its session, for known people rarely come alone.
CREATE OR REPLACE FUNCTION tact.tact_fill(kinds smallint[], ids bytea[], versions bigint[], wakes bigint[], frames bytea[])
RETURNS TABLE (known_kind smallint, known_id bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	look integer := coalesce(nullif(current_setting('tact.look', true), ''), '0');
	made bigint;
BEGIN
	PERFORM tact.tact_durable();
	IF look <= 0 THEN
		BEGIN
			INSERT INTO tact.tact_record
			SELECT unnest(kinds), unnest(ids), unnest(versions), unnest(wakes), unnest(frames);
			RETURN;
		EXCEPTION WHEN unique_violation THEN
			look := 16;
		END;
	END IF;
	INSERT INTO tact.tact_record
	SELECT unnest(kinds), unnest(ids), unnest(versions), unnest(wakes), unnest(frames)
	ON CONFLICT (kind, id) DO NOTHING;
	GET DIAGNOSTICS made = ROW_COUNT;
	IF made < cardinality(kinds) THEN
		look := 17;
		RETURN QUERY
			SELECT r.kind, r.id FROM unnest(kinds, ids) AS k (kind, id)
			JOIN tact.tact_record AS r ON r.kind = k.kind AND r.id = k.id
			WHERE r.xmin <> pg_current_xact_id()::xid;
	END IF;
	PERFORM set_config('tact.look', (look - 1)::text, false);
END $$;

CREATE OR REPLACE FUNCTION tact.tact_scan(wanted smallint, after bytea, most integer)
RETURNS TABLE (found_id bytea, found_version bigint, found_wake bigint, found_bytes bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
	SELECT r.id, r.version, r.wake, r.bytes FROM tact.tact_record AS r
	WHERE r.kind = wanted AND r.id > after AND tact.tact_may_read(ARRAY[wanted]) ORDER BY r.id LIMIT most;
$$;

CREATE OR REPLACE FUNCTION tact.tact_due(after_us bigint, after_kind smallint, after_id bytea, until_us bigint, most integer)
RETURNS TABLE (due_us bigint, due_kind smallint, due_id bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
	SELECT r.wake, r.kind, r.id FROM tact.tact_record AS r
	WHERE r.wake > 0 AND (r.wake, r.kind, r.id) > (after_us, after_kind, after_id) AND r.wake <= until_us
	ORDER BY r.wake, r.kind, r.id LIMIT most;
$$;

-- The same of what stands on the server of the logical partition BESIDE, which is all here.
CREATE OR REPLACE FUNCTION tact.tact_scan_part(wanted smallint, after bytea, most integer, beside integer)
RETURNS TABLE (found_id bytea, found_version bigint, found_wake bigint, found_bytes bytea)
LANGUAGE sql STABLE AS $$ SELECT s.found_id, s.found_version, s.found_wake, s.found_bytes FROM tact.tact_scan(wanted, after, most) AS s $$;

CREATE OR REPLACE FUNCTION tact.tact_due_part(after_us bigint, after_kind smallint, after_id bytea, until_us bigint, most integer, beside integer)
RETURNS TABLE (due_us bigint, due_kind smallint, due_id bytea)
LANGUAGE sql STABLE AS $$ SELECT d.due_us, d.due_kind, d.due_id FROM tact.tact_due(after_us, after_kind, after_id, until_us, most) AS d $$;

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
	SELECT pg_total_relation_size('tact.tact_record');
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
-- For COPY, which costs less than tact_fill: rows may be added where none stand, as tact_fill does, too; none may be read or changed.
GRANT INSERT ON tact.tact_record TO tact_relay;
GRANT EXECUTE ON FUNCTION tact.tact_durable() TO tact_relay;
GRANT EXECUTE ON FUNCTION tact.tact_set_identity(text, text) TO tact_relay;

COMMIT;
