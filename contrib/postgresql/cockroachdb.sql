-- SPDX-License-Identifier: BSD-2-Clause
-- Copyright (c) 2026 The tact authors
--
-- The schema for CockroachDB 25.1 or later, version 1. NOT RUN HERE: written after its manual. The test suite holds the functions to the contract of
-- every engine on PostgreSQL. Try it with tests/store/contract and TACT_STORE_URL before mail depends on it; the first thing to look at is
-- whether LIMIT takes the argument of a function in your version (tact_scan, tact_due).
--
-- Run it by hand, as the owner of a database of tact's own; not with tact store init. It differs from schema.sql in this:
--
--	functions	in SQL, or in that part of PL/pgSQL that is there: no FOR, FOUND, PERFORM, RETURN NEXT nor RETURN QUERY, and no SET beside
--			a function. tact_commit_each works through the changes and answers an array, tact_commit makes rows of it
--	tact_commit	writes nothing for its own sake: an answer is an acknowledgement because reads and writes go through the leaseholder of a
--			range whose replicas have agreed on them, and transactions are serializable
--	tact_origin	there is no timeline: a node that was cut off from the others can answer nothing
--	tact_size	the sum of the records, for which all are read; the database tells a function nothing better
--
-- Every node takes writes: name them all in host=. A conflict is SQLSTATE 40001, which tact answers by asking again; 40003 is uncertain.

CREATE ROLE IF NOT EXISTS tact_relay;
CREATE ROLE IF NOT EXISTS tact_web;
CREATE ROLE IF NOT EXISTS tact_reader;

CREATE SCHEMA IF NOT EXISTS tact;

CREATE TABLE IF NOT EXISTS tact.tact_record (
	kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
	id bytea NOT NULL CHECK (octet_length(id) = 16),
	version bigint NOT NULL CHECK (version > 0),
	wake bigint NOT NULL CHECK (wake >= 0),
	bytes bytea NOT NULL,
	PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS tact_due ON tact.tact_record (wake, kind, id) WHERE wake > 0;

CREATE TABLE IF NOT EXISTS tact.tact_meta (name text PRIMARY KEY, value text NOT NULL);
INSERT INTO tact.tact_meta VALUES ('identity', '') ON CONFLICT (name) DO NOTHING;

CREATE OR REPLACE FUNCTION tact.tact_schema() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';

CREATE OR REPLACE FUNCTION tact.tact_now() RETURNS bigint LANGUAGE sql VOLATILE
AS 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint';

CREATE OR REPLACE FUNCTION tact.tact_origin(OUT origin_database bigint, OUT origin_timeline bigint) LANGUAGE sql IMMUTABLE
AS 'SELECT 1::bigint, 1::bigint';

CREATE OR REPLACE FUNCTION tact.tact_groups() RETURNS bytea LANGUAGE sql STABLE AS $$ SELECT decode(repeat('00', 256), 'hex') $$;

-- Kind 3 are the reviews.
CREATE OR REPLACE FUNCTION tact.tact_may_read(kinds smallint[]) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF 3 = ANY (kinds) AND NOT pg_has_role(session_user, 'tact_relay', 'usage') AND NOT pg_has_role(session_user, 'tact_web', 'usage') THEN
		RAISE EXCEPTION 'tact_reader reads no reviews' USING ERRCODE = '42501';
	END IF;
	RETURN true;
END $$;

-- A row for each key, in any order; absent: version 0.
CREATE OR REPLACE FUNCTION tact.tact_load(kinds smallint[], ids bytea[])
RETURNS TABLE (found_kind smallint, found_id bytea, found_version bigint, found_bytes bytea, now_us bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
	SELECT k.kind, k.id, coalesce(r.version, 0), coalesce(r.bytes, ''::bytea), tact.tact_now()
	FROM unnest(kinds, ids) AS k (kind, id)
	LEFT JOIN tact.tact_record AS r ON r.kind = k.kind AND r.id = k.id
	WHERE tact.tact_may_read(kinds);
$$;

-- Each change is tied to the version that was read (0: absent) and answered by itself: done, or somebody was there before. versions: above 0
-- writes wakes and frames; 0 writes nothing and asks whether the record still is what was read; -1 removes it. Keys come in ascending order.
CREATE OR REPLACE FUNCTION tact.tact_commit_each(
	kinds smallint[], ids bytea[], expected bigint[], versions bigint[], wakes bigint[], frames bytea[]) RETURNS boolean[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
	done boolean[] := ARRAY[]::boolean[];
	n bigint;
	i bigint := 1;
BEGIN
	WHILE i <= coalesce(array_length(kinds, 1), 0) LOOP
		IF versions[i] = 0 AND expected[i] = 0 THEN
			SELECT 1 - count(*) INTO n FROM tact.tact_record AS r WHERE r.kind = kinds[i] AND r.id = ids[i];
		ELSIF versions[i] = 0 THEN
			SELECT count(*) INTO n FROM tact.tact_record AS r WHERE r.kind = kinds[i] AND r.id = ids[i] AND r.version = expected[i];
		ELSIF versions[i] > 0 AND expected[i] = 0 THEN
			INSERT INTO tact.tact_record VALUES (kinds[i], ids[i], versions[i], wakes[i], frames[i])
			ON CONFLICT (kind, id) DO NOTHING RETURNING 1 INTO n;
		ELSIF versions[i] > 0 THEN
			UPDATE tact.tact_record AS r SET version = versions[i], wake = wakes[i], bytes = frames[i]
			WHERE r.kind = kinds[i] AND r.id = ids[i] AND r.version = expected[i] RETURNING 1 INTO n;
		ELSIF pg_has_role(session_user, 'tact_relay', 'usage') THEN
			DELETE FROM tact.tact_record AS r
			WHERE r.kind = kinds[i] AND r.id = ids[i] AND r.version = expected[i] RETURNING 1 INTO n;
		ELSE
			RAISE EXCEPTION 'only tact_relay may remove records' USING ERRCODE = '42501';
		END IF;
		done := array_append(done, coalesce(n, 0) = 1);
		i := i + 1;
	END LOOP;
	RETURN done;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_commit(kinds smallint[], ids bytea[], expected bigint[], versions bigint[], wakes bigint[], frames bytea[])
RETURNS TABLE (changed_kind smallint, changed_id bytea, done boolean)
LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
	SELECT c.kind, c.id, c.done
	FROM unnest(kinds, ids, tact.tact_commit_each(kinds, ids, expected, versions, wakes, frames)) AS c (kind, id, done);
$$;

-- Makes a record of each key under which nothing stands, and answers the keys under which something does; those are left as they are, and
-- are acknowledged by nobody. Keys come in ascending order.
CREATE OR REPLACE FUNCTION tact.tact_fill(kinds smallint[], ids bytea[], versions bigint[], wakes bigint[], frames bytea[])
RETURNS TABLE (known_kind smallint, known_id bytea)
LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
	WITH made AS (
		INSERT INTO tact.tact_record
		SELECT u.kind, u.id, u.version, u.wake, u.bytes FROM unnest(kinds, ids, versions, wakes, frames) AS u (kind, id, version, wake, bytes)
		ON CONFLICT (kind, id) DO NOTHING RETURNING kind, id
	)
	SELECT k.kind, k.id FROM unnest(kinds, ids) AS k (kind, id)
	LEFT JOIN made AS m ON m.kind = k.kind AND m.id = k.id
	WHERE m.id IS NULL;
$$;

CREATE OR REPLACE FUNCTION tact.tact_scan(wanted smallint, after bytea, most integer)
RETURNS TABLE (found_id bytea, found_version bigint, found_wake bigint, found_bytes bytea)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
	SELECT r.id, r.version, r.wake, r.bytes FROM tact.tact_record AS r
	WHERE r.kind = wanted AND r.id > after AND tact.tact_may_read(ARRAY[wanted]) ORDER BY r.id LIMIT most;
$$;

CREATE OR REPLACE FUNCTION tact.tact_due(after_us bigint, after_kind smallint, after_id bytea, until_us bigint, most integer)
RETURNS TABLE (due_us bigint, due_kind smallint, due_id bytea)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
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
LANGUAGE sql STABLE SECURITY DEFINER AS $$
	SELECT m.value FROM tact.tact_meta AS m WHERE m.name = 'identity';
$$;

CREATE OR REPLACE FUNCTION tact.tact_set_identity(expected text, fresh text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
	n bigint;
BEGIN
	UPDATE tact.tact_meta AS m SET value = fresh WHERE m.name = 'identity' AND m.value = expected RETURNING 1 INTO n;
	RETURN coalesce(n, 0) = 1;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_size() RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
	SELECT coalesce(sum(octet_length(r.bytes) + 34), 0)::bigint FROM tact.tact_record AS r;
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
