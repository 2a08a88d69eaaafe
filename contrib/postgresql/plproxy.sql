-- SPDX-License-Identifier: BSD-2-Clause
-- Copyright (c) 2026 The tact authors
--
-- A partitioned cluster: this text goes into a database of its own, beside or apart from the partitions, each of which has schema.sql. tactd
-- speaks to this database as to any other. Needs the package postgresql-15-plproxy and a superuser. Run it with
--
--	psql -v servers="host=db1 dbname=tact,host=db2 dbname=tact,host=db3 dbname=tact" -v login=tact_proxy -f plproxy.sql tact
--
-- servers: where partitions stand, parted by commas, or by semicolons where one has several hosts; login: who the proxy is there (GRANT tact_relay TO tact_proxy on each). A server that
-- vanishes without a word is given up after 20 s, unless servers says otherwise.
--
-- A key belongs to one of 256 logical partitions, by the first byte of its id, and a logical partition to a server. Logical ones are moved
-- from server to server, one at a time; their number never changes. Run again, the text takes the partitions as they stand, whatever servers
-- says, and makes only the functions anew.

BEGIN;

CREATE EXTENSION IF NOT EXISTS plproxy;

DO $$
DECLARE
	wanted text;
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace('tact') AND relname = 'tact_record') THEN
		RAISE EXCEPTION 'this database holds records itself: the proxy is a database of its own';
	END IF;
	FOREACH wanted IN ARRAY ARRAY['tact_relay', 'tact_web', 'tact_reader'] LOOP
		IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
		END IF;
	END LOOP;
END $$;

SELECT set_config('tact.servers', :'servers', true), set_config('tact.login', :'login', true) \g /dev/null

DO $$
DECLARE
	listed text := current_setting('tact.servers');
	servers text[] := array_remove(string_to_array(listed, CASE WHEN listed LIKE '%;%' THEN ';' ELSE ',' END), '');
	patience text := 'connect_timeout=5 keepalives_idle=10 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=20000 ';
	options text := 'modular_mapping ''1''';
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_foreign_server WHERE srvname = 'tact') THEN
		RETURN;
	END IF;
	FOR part IN 0 .. 255 LOOP
		options := options || format(', p%s %L', part, patience || servers[part % cardinality(servers) + 1]);
	END LOOP;
	EXECUTE 'CREATE SERVER tact FOREIGN DATA WRAPPER plproxy OPTIONS (' || options || ')';
	EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER tact OPTIONS (user %L)', current_setting('tact.login'));
	GRANT USAGE ON FOREIGN SERVER tact TO tact_relay, tact_web, tact_reader;
END $$;

CREATE SCHEMA IF NOT EXISTS tact;

CREATE OR REPLACE FUNCTION tact.tact_schema() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 1';

CREATE OR REPLACE FUNCTION tact.tact_now() RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint';

-- Which database the proxy is, the same on a primary and its standbys, and its timeline, which each promotion raises: a primary that was
-- replaced and comes back is known by it.
CREATE OR REPLACE FUNCTION tact.tact_origin(OUT origin_database bigint, OUT origin_timeline bigint)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
	FROM pg_control_system() AS c;
$$;

-- The latest timeline of each server's database that was heard of. A partition's server that was the primary once, and comes back, takes
-- writes as before and knows nothing of what was written elsewhere since: what it says is not passed on. If it is to be used all the same,
-- take its row away. Only what relays hear is kept: nobody gets behind it, so whoever may write here could stop all mail.
CREATE TABLE IF NOT EXISTS tact.tact_known (database bigint PRIMARY KEY, timeline bigint NOT NULL);

CREATE OR REPLACE FUNCTION tact.tact_hear(told_database bigint, told_timeline bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	latest bigint;
BEGIN
	SELECT k.timeline INTO latest FROM tact.tact_known AS k WHERE k.database = told_database;
	IF latest > told_timeline THEN
		RAISE EXCEPTION USING ERRCODE = 'TA001',
			MESSAGE = format('a partition is asked of a server that was deposed: it is on timeline %s, %s was promoted since', told_timeline, latest);
	ELSIF (latest IS NULL OR latest < told_timeline) AND pg_has_role(session_user, 'tact_relay', 'usage') THEN
		INSERT INTO tact.tact_known AS k VALUES (told_database, told_timeline)
		ON CONFLICT (database) DO UPDATE SET timeline = greatest(k.timeline, EXCLUDED.timeline);
	END IF;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_part(id bytea) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT pg_catalog.get_byte(id, 0)';

-- Keys on one server may share a call: what fails there fails for no other, and what was committed there was committed alone.
CREATE OR REPLACE FUNCTION tact.tact_groups() RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(set_byte(decode('00', 'hex'), 0, number), ''::bytea ORDER BY part)
	FROM (
		SELECT substr(o.option_name, 2)::integer AS part, (dense_rank() OVER (ORDER BY o.option_value) - 1)::integer AS number
		FROM pg_foreign_server AS s, LATERAL pg_options_to_table(s.srvoptions) AS o
		WHERE s.srvname = 'tact' AND o.option_name ~ '^p[0-9]+$'
	) AS parts;
$$;

-- What is loaded comes with the origin of its server, in the one call. So does what is written: the connection may be another one than that
-- of the load before, if there was one. What a deposed server wrote by then counts for nothing, so it was not done.
CREATE OR REPLACE FUNCTION tact.tact_load_told(kinds smallint[], ids bytea[])
RETURNS TABLE (found_kind smallint, found_id bytea, found_version bigint, found_bytes bytea, now_us bigint, origin_database bigint, origin_timeline bigint)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	SPLIT kinds, ids;
	RUN ON tact.tact_part(ids);
	SELECT r.found_kind, r.found_id, r.found_version, r.found_bytes, r.now_us, o.origin_database, o.origin_timeline
	FROM tact.tact_load(kinds, ids) AS r, tact.tact_origin() AS o;
$$;

CREATE OR REPLACE FUNCTION tact.tact_load(kinds smallint[], ids bytea[])
RETURNS TABLE (found_kind smallint, found_id bytea, found_version bigint, found_bytes bytea, now_us bigint)
LANGUAGE plpgsql VOLATILE ROWS 100 AS $$
DECLARE
	told_database bigint;
	told_timeline bigint;
	heard_database bigint;
	heard_timeline bigint;
BEGIN
	FOR found_kind, found_id, found_version, found_bytes, now_us, told_database, told_timeline IN
		SELECT t.found_kind, t.found_id, t.found_version, t.found_bytes, t.now_us, t.origin_database, t.origin_timeline
		FROM tact.tact_load_told(kinds, ids) AS t
	LOOP
		IF heard_database IS DISTINCT FROM told_database OR heard_timeline IS DISTINCT FROM told_timeline THEN
			PERFORM tact.tact_hear(told_database, told_timeline);
			heard_database := told_database;
			heard_timeline := told_timeline;
		END IF;
		RETURN NEXT;
	END LOOP;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_commit_told(
	kinds smallint[], ids bytea[], expected bigint[], versions bigint[], wakes bigint[], frames bytea[])
RETURNS TABLE (changed_kind smallint, changed_id bytea, done boolean, origin_database bigint, origin_timeline bigint)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	SPLIT kinds, ids, expected, versions, wakes, frames;
	RUN ON tact.tact_part(ids);
	SELECT r.changed_kind, r.changed_id, r.done, o.origin_database, o.origin_timeline
	FROM tact.tact_commit(kinds, ids, expected, versions, wakes, frames) AS r, tact.tact_origin() AS o;
$$;

CREATE OR REPLACE FUNCTION tact.tact_commit(kinds smallint[], ids bytea[], expected bigint[], versions bigint[], wakes bigint[], frames bytea[])
RETURNS TABLE (changed_kind smallint, changed_id bytea, done boolean)
LANGUAGE plpgsql VOLATILE ROWS 100 AS $$
DECLARE
	told_database bigint;
	told_timeline bigint;
	heard_database bigint;
	heard_timeline bigint;
BEGIN
	FOR changed_kind, changed_id, done, told_database, told_timeline IN
		SELECT t.changed_kind, t.changed_id, t.done, t.origin_database, t.origin_timeline
		FROM tact.tact_commit_told(kinds, ids, expected, versions, wakes, frames) AS t
	LOOP
		IF heard_database IS DISTINCT FROM told_database OR heard_timeline IS DISTINCT FROM told_timeline THEN
			PERFORM tact.tact_hear(told_database, told_timeline);
			heard_database := told_database;
			heard_timeline := told_timeline;
		END IF;
		RETURN NEXT;
	END LOOP;
END $$;

-- Where nothing was known, the origin comes alone.
CREATE OR REPLACE FUNCTION tact.tact_fill_told(kinds smallint[], ids bytea[], versions bigint[], wakes bigint[], frames bytea[])
RETURNS TABLE (known_kind smallint, known_id bytea, origin_database bigint, origin_timeline bigint)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	SPLIT kinds, ids, versions, wakes, frames;
	RUN ON tact.tact_part(ids);
	SELECT r.known_kind, r.known_id, o.origin_database, o.origin_timeline
	FROM tact.tact_origin() AS o LEFT JOIN tact.tact_fill(kinds, ids, versions, wakes, frames) AS r ON true;
$$;

CREATE OR REPLACE FUNCTION tact.tact_fill(kinds smallint[], ids bytea[], versions bigint[], wakes bigint[], frames bytea[])
RETURNS TABLE (known_kind smallint, known_id bytea)
LANGUAGE plpgsql VOLATILE ROWS 100 AS $$
DECLARE
	told_database bigint;
	told_timeline bigint;
	heard_database bigint;
	heard_timeline bigint;
BEGIN
	FOR known_kind, known_id, told_database, told_timeline IN
		SELECT t.known_kind, t.known_id, t.origin_database, t.origin_timeline
		FROM tact.tact_fill_told(kinds, ids, versions, wakes, frames) AS t
	LOOP
		IF heard_database IS DISTINCT FROM told_database OR heard_timeline IS DISTINCT FROM told_timeline THEN
			PERFORM tact.tact_hear(told_database, told_timeline);
			heard_database := told_database;
			heard_timeline := told_timeline;
		END IF;
		IF known_id IS NOT NULL THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;

-- What is long is asked over the same connections right after the origins.
CREATE OR REPLACE FUNCTION tact.tact_origins() RETURNS TABLE (origin_database bigint, origin_timeline bigint)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	RUN ON ALL;
	TARGET tact.tact_origin;
$$;

CREATE OR REPLACE FUNCTION tact.tact_origin_part(part integer) RETURNS TABLE (origin_database bigint, origin_timeline bigint)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	RUN ON part;
	SELECT o.origin_database, o.origin_timeline FROM tact.tact_origin() AS o;
$$;

CREATE OR REPLACE FUNCTION tact.tact_hear_all() RETURNS void
LANGUAGE sql VOLATILE AS 'SELECT tact.tact_hear(o.origin_database, o.origin_timeline) FROM tact.tact_origins() AS o';

CREATE OR REPLACE FUNCTION tact.tact_hear_part(part integer) RETURNS void
LANGUAGE sql VOLATILE AS 'SELECT tact.tact_hear(o.origin_database, o.origin_timeline) FROM tact.tact_origin_part(part) AS o';

-- Each server answers the first of its own; the first of all are among them.
CREATE OR REPLACE FUNCTION tact.tact_scan_all(wanted smallint, after bytea, most integer)
RETURNS TABLE (found_id bytea, found_version bigint, found_wake bigint, found_bytes bytea)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	RUN ON ALL;
	TARGET tact.tact_scan;
$$;

CREATE OR REPLACE FUNCTION tact.tact_scan(wanted smallint, after bytea, most integer)
RETURNS TABLE (found_id bytea, found_version bigint, found_wake bigint, found_bytes bytea)
LANGUAGE sql VOLATILE AS $$
	SELECT tact.tact_hear_all();
	SELECT * FROM tact.tact_scan_all(wanted, after, most) AS r ORDER BY r.found_id LIMIT most;
$$;

CREATE OR REPLACE FUNCTION tact.tact_due_all(after_us bigint, after_kind smallint, after_id bytea, until_us bigint, most integer)
RETURNS TABLE (due_us bigint, due_kind smallint, due_id bytea)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	RUN ON ALL;
	TARGET tact.tact_due;
$$;

CREATE OR REPLACE FUNCTION tact.tact_due(after_us bigint, after_kind smallint, after_id bytea, until_us bigint, most integer)
RETURNS TABLE (due_us bigint, due_kind smallint, due_id bytea)
LANGUAGE sql VOLATILE AS $$
	SELECT tact.tact_hear_all();
	SELECT * FROM tact.tact_due_all(after_us, after_kind, after_id, until_us, most) AS r
	ORDER BY r.due_us, r.due_kind, r.due_id LIMIT most;
$$;

-- The same of the server that the logical partition PART stands on: the others need not be there.
CREATE OR REPLACE FUNCTION tact.tact_scan_one(wanted smallint, after bytea, most integer, part integer)
RETURNS TABLE (found_id bytea, found_version bigint, found_wake bigint, found_bytes bytea)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	RUN ON part;
	SELECT r.found_id, r.found_version, r.found_wake, r.found_bytes FROM tact.tact_scan(wanted, after, most) AS r;
$$;

CREATE OR REPLACE FUNCTION tact.tact_scan_part(wanted smallint, after bytea, most integer, part integer)
RETURNS TABLE (found_id bytea, found_version bigint, found_wake bigint, found_bytes bytea)
LANGUAGE sql VOLATILE AS $$
	SELECT tact.tact_hear_part(part);
	SELECT r.found_id, r.found_version, r.found_wake, r.found_bytes FROM tact.tact_scan_one(wanted, after, most, part) AS r;
$$;

CREATE OR REPLACE FUNCTION tact.tact_due_one(after_us bigint, after_kind smallint, after_id bytea, until_us bigint, most integer, part integer)
RETURNS TABLE (due_us bigint, due_kind smallint, due_id bytea)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	RUN ON part;
	SELECT r.due_us, r.due_kind, r.due_id FROM tact.tact_due(after_us, after_kind, after_id, until_us, most) AS r;
$$;

CREATE OR REPLACE FUNCTION tact.tact_due_part(after_us bigint, after_kind smallint, after_id bytea, until_us bigint, most integer, part integer)
RETURNS TABLE (due_us bigint, due_kind smallint, due_id bytea)
LANGUAGE sql VOLATILE AS $$
	SELECT tact.tact_hear_part(part);
	SELECT r.due_us, r.due_kind, r.due_id FROM tact.tact_due_one(after_us, after_kind, after_id, until_us, most, part) AS r;
$$;

CREATE OR REPLACE FUNCTION tact.tact_identity_told(OUT identity text, OUT origin_database bigint, OUT origin_timeline bigint)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	RUN ON 0;
	SELECT r.identity, o.origin_database, o.origin_timeline FROM tact.tact_identity() AS r (identity), tact.tact_origin() AS o;
$$;

CREATE OR REPLACE FUNCTION tact.tact_identity() RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	told record;
BEGIN
	SELECT * INTO told FROM tact.tact_identity_told();
	PERFORM tact.tact_hear(told.origin_database, told.origin_timeline);
	RETURN told.identity;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_set_identity_told(
	expected text, fresh text, OUT done boolean, OUT origin_database bigint, OUT origin_timeline bigint)
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	RUN ON 0;
	SELECT r.done, o.origin_database, o.origin_timeline FROM tact.tact_set_identity(expected, fresh) AS r (done), tact.tact_origin() AS o;
$$;

CREATE OR REPLACE FUNCTION tact.tact_set_identity(expected text, fresh text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	told record;
BEGIN
	SELECT * INTO told FROM tact.tact_set_identity_told(expected, fresh);
	PERFORM tact.tact_hear(told.origin_database, told.origin_timeline);
	RETURN told.done;
END $$;

CREATE OR REPLACE FUNCTION tact.tact_size_all() RETURNS SETOF bigint
LANGUAGE plproxy AS $$
	CLUSTER 'tact';
	RUN ON ALL;
	TARGET tact.tact_size;
$$;

CREATE OR REPLACE FUNCTION tact.tact_size() RETURNS bigint
LANGUAGE sql VOLATILE AS 'SELECT tact.tact_hear_all(); SELECT sum(size)::bigint FROM tact.tact_size_all() AS size';

REVOKE ALL ON SCHEMA tact FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tact FROM PUBLIC;
GRANT USAGE ON SCHEMA tact TO tact_relay, tact_web, tact_reader;
GRANT EXECUTE ON FUNCTION tact.tact_schema(), tact.tact_now(), tact.tact_origin(), tact.tact_groups(), tact.tact_part(bytea), tact.tact_identity(),
	tact.tact_identity_told(), tact.tact_load(smallint[], bytea[]), tact.tact_load_told(smallint[], bytea[]), tact.tact_hear(bigint, bigint) TO tact_relay, tact_web, tact_reader;
GRANT EXECUTE ON FUNCTION tact.tact_commit(smallint[], bytea[], bigint[], bigint[], bigint[], bytea[]),
	tact.tact_commit_told(smallint[], bytea[], bigint[], bigint[], bigint[], bytea[]) TO tact_relay, tact_web;
GRANT EXECUTE ON FUNCTION tact.tact_scan(smallint, bytea, integer), tact.tact_scan_all(smallint, bytea, integer),
	tact.tact_size(), tact.tact_size_all(), tact.tact_due(bigint, smallint, bytea, bigint, integer),
	tact.tact_due_all(bigint, smallint, bytea, bigint, integer), tact.tact_scan_part(smallint, bytea, integer, integer),
	tact.tact_due_part(bigint, smallint, bytea, bigint, integer, integer), tact.tact_scan_one(smallint, bytea, integer, integer),
	tact.tact_due_one(bigint, smallint, bytea, bigint, integer, integer), tact.tact_origins(), tact.tact_origin_part(integer), tact.tact_hear_all(),
	tact.tact_hear_part(integer) TO tact_relay, tact_reader;
GRANT EXECUTE ON FUNCTION tact.tact_set_identity(text, text), tact.tact_set_identity_told(text, text),
	tact.tact_fill(smallint[], bytea[], bigint[], bigint[], bytea[]), tact.tact_fill_told(smallint[], bytea[], bigint[], bigint[], bytea[])
	TO tact_relay;

COMMIT;
