-- The warehouse's book-keeping: every table of the schema `control`, created here and nowhere else.
-- Who writes which, and what it holds: docs/architecture.md. Times are UTC.
create schema if not exists control;

-- Written by the orchestration between dbt's runs.
create table if not exists control.batches (
    source varchar, vendor varchar, stream varchar, batch_id varchar, path varchar, rows bigint, verdict varchar,
    reason varchar, held_since timestamp
);
create table if not exists control.published (
    mart varchar, version varchar, as_of timestamp, path varchar, declared varchar, cause varchar
);
create table if not exists control.unpublished_batches (batch_id varchar);
create table if not exists control.source_status (
    source varchar, vendor varchar, stream varchar, is_on boolean, is_stale boolean, last_fetched_at timestamp,
    received bigint, landed bigint, duplicates bigint, unchanged bigint, tombstones bigint, build_id varchar
);
create table if not exists control.lagging (source varchar, problem varchar);
create table if not exists control.held_rows (
    source varchar, stream varchar, batch_id varchar, record_id varchar, reason varchar
);
create table if not exists control.judged_batches (model varchar, batch_id varchar);
create table if not exists control.judged_marts (model varchar, version varchar, suite varchar, build_id varchar);
create table if not exists control.fingerprints (model varchar, fingerprint varchar);
create table if not exists control.model_inputs (model varchar, inputs varchar, next_at timestamp);

-- Written by the models, each row in the transaction of the model that causes it.
create table if not exists control.parsed_batches (model varchar, batch_id varchar, rows bigint, rejected bigint);
create table if not exists control.applied_batches (model varchar, batch_id varchar);
create table if not exists control.staged_rows (model varchar, source varchar, rows bigint);
create table if not exists control.superseded_rows (model varchar, source varchar, build_id varchar, rows bigint);
create table if not exists control.rejected_rows (
    model varchar, source varchar, batch_id varchar, record_id varchar, fetched_at timestamp, reason varchar
);
create table if not exists control.rejected_values (
    model varchar, source varchar, batch_id varchar, record_id varchar, fetched_at timestamp, field varchar,
    value_shape varchar, reason varchar
);
create table if not exists control.model_builds (model varchar, build_id varchar, as_of timestamp, built_at timestamp);
create table if not exists control.contents (
    model varchar, rows bigint, sum_1 hugeint, sum_2 hugeint, counted_1 hugeint, counted_2 hugeint
);
create table if not exists control.published_sql (place integer, name varchar, sql varchar);

-- Written as a run of dbt begins and ends.
create table if not exists control.started_builds (build_id varchar);
create table if not exists control.completed_builds (build_id varchar, as_of timestamp);
create table if not exists control.built_batches (batch_id varchar);
