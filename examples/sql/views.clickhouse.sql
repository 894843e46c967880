-- Views over the tables of `uptick export --parquet DIR`, for ClickHouse. In the folder DIR:
--
--   clickhouse local --queries-file views.clickhouse.sql --interactive
--   SELECT * FROM availability;
--
-- On a server DIR is below its user_files; for a bucket, file('windows/…') is s3('https://BUCKET…/windows/…'). All leave
-- out control targets and checks within maintenance, as a report does. Instants are UTC.

CREATE OR REPLACE VIEW windows AS
SELECT *, decodeURLComponent(extract(_path, 'vantage=([^/]+)/')) AS vantage, toDate(extract(_path, 'day=([^/]+)/')) AS day
FROM file('windows/*/*/*.parquet', Parquet) SETTINGS use_hive_partitioning = 0;
CREATE OR REPLACE VIEW buckets AS
SELECT *, decodeURLComponent(extract(_path, 'vantage=([^/]+)/')) AS vantage, toDate(extract(_path, 'day=([^/]+)/')) AS day
FROM file('buckets/*/*/*.parquet', Parquet) SETTINGS use_hive_partitioning = 0;
CREATE OR REPLACE VIEW runs AS
SELECT *, decodeURLComponent(extract(_path, 'vantage=([^/]+)/')) AS vantage, toDate(extract(_path, 'day=([^/]+)/')) AS day
FROM file('runs/*/*/*.parquet', Parquet) SETTINGS use_hive_partitioning = 0;
CREATE OR REPLACE VIEW failures AS
SELECT *, decodeURLComponent(extract(_path, 'vantage=([^/]+)/')) AS vantage, toDate(extract(_path, 'day=([^/]+)/')) AS day
FROM file('failures/*/*/*.parquet', Parquet) SETTINGS use_hive_partitioning = 0;

-- Wilson's 95 % score interval of k among n. It is never 0 ± 0.
CREATE OR REPLACE FUNCTION wilson_centre AS (k, n) -> (k / n + pow(1.959963984540054, 2) / (2 * n)) / (1 + pow(1.959963984540054, 2) / n);
CREATE OR REPLACE FUNCTION wilson_spread AS (k, n) ->
    1.959963984540054 * sqrt(k / n * (1 - k / n) / n + pow(1.959963984540054, 2) / (4 * n * n)) / (1 + pow(1.959963984540054, 2) / n);
CREATE OR REPLACE FUNCTION wilson_low AS (k, n) ->
    multiIf(n = 0, NULL, k = 0, 0., greatest(wilson_centre(k, n) - wilson_spread(k, n), 0.));
CREATE OR REPLACE FUNCTION wilson_high AS (k, n) ->
    multiIf(n = 0, NULL, k = n, 1., least(wilson_centre(k, n) + wilson_spread(k, n), 1.));

-- Counts add up over anything: this is the finest sum that is of use.
CREATE OR REPLACE VIEW checks AS
SELECT w.day AS day, w.vantage AS vantage, w.surface AS surface, w.probe AS probe, sum(w.scheduled) AS scheduled, sum(w.up) AS up,
       sum(w.down) AS down, sum(w.unknown) AS unknown, sum(w.missed) AS missed, sum(w.flaky) AS flaky, sum(w.warnings) AS warnings
FROM windows AS w WHERE NOT w.control AND NOT w.maintenance GROUP BY day, vantage, surface, probe;

CREATE OR REPLACE VIEW availability AS
SELECT c.surface AS surface, sum(c.scheduled) AS checks, sum(c.up) AS up, sum(c.down) AS down, sum(c.unknown) AS unknown,
       sum(c.missed) AS missed, sum(c.down) / nullIf(sum(c.up) + sum(c.down), 0) AS failed_ratio,
       wilson_low(sum(c.down), sum(c.up) + sum(c.down)) AS failed_low,
       wilson_high(sum(c.down), sum(c.up) + sum(c.down)) AS failed_high
FROM checks AS c GROUP BY surface ORDER BY surface;

CREATE OR REPLACE VIEW availability_by_day AS
SELECT c.day AS day, c.surface AS surface, c.vantage AS vantage, sum(c.up) AS up, sum(c.down) AS down,
       sum(c.down) / nullIf(sum(c.up) + sum(c.down), 0) AS failed_ratio,
       wilson_low(sum(c.down), sum(c.up) + sum(c.down)) AS failed_low,
       wilson_high(sum(c.down), sum(c.up) + sum(c.down)) AS failed_high
FROM checks AS c GROUP BY day, surface, vantage ORDER BY day, surface, vantage;

-- The failures by class and code. A class of an `unknown` check is the prober's own.
CREATE OR REPLACE VIEW classes AS
SELECT surface, verdict, class, code, sum(count) AS checks
FROM runs WHERE NOT control AND NOT maintenance AND class IS NOT NULL
GROUP BY surface, verdict, class, code ORDER BY surface, checks DESC, class, code;

-- Each check by itself, with the instant at which it was due.
CREATE OR REPLACE VIEW each_check AS
SELECT vantage, surface, probe, control, maintenance, verdict, class, code,
       fromUnixTimestamp64Milli(toUnixTimestamp64Milli(first_at)
           + intDiv(n * (toUnixTimestamp64Milli(last_at) - toUnixTimestamp64Milli(first_at)), greatest(count - 1, 1)), 'UTC') AS due_at
FROM runs ARRAY JOIN range(toUInt64(count)) AS n;

-- Histograms merge by adding the counts of equal bounds; percentiles of what is added up are exact to a bucket, the
-- thousandth part. Never average percentiles. One that too few checks bound is NULL, as in a report.
CREATE OR REPLACE FUNCTION samples_needed AS q -> ceil(log(0.05) / log(q));

CREATE OR REPLACE VIEW extremes AS
SELECT surface, times.1 AS phase, min(times.2) AS min_us, max(times.3) AS max_us, sum(times.4) AS sum_us
FROM windows ARRAY JOIN [
    ('total', total_min_us, total_max_us, total_sum_us),
    ('resolve', resolve_min_us, resolve_max_us, resolve_sum_us),
    ('connect', connect_min_us, connect_max_us, connect_sum_us),
    ('tls', tls_min_us, tls_max_us, tls_sum_us),
    ('processing', processing_min_us, processing_max_us, processing_sum_us),
    ('transfer', transfer_min_us, transfer_max_us, transfer_sum_us),
    ('failed', failed_min_us, failed_max_us, failed_sum_us),
    ('lag', lag_min_us, lag_max_us, lag_sum_us)] AS times
WHERE NOT control AND NOT maintenance AND times.3 IS NOT NULL GROUP BY surface, phase;

CREATE OR REPLACE VIEW percentiles AS
WITH merged AS (
    SELECT surface, phase, upper_us, sum(count) AS n FROM buckets
    WHERE NOT control AND NOT maintenance GROUP BY surface, phase, upper_us),
ranked AS (
    SELECT *, sum(n) OVER (PARTITION BY surface, phase ORDER BY upper_us) AS seen, sum(n) OVER (PARTITION BY surface, phase) AS total
    FROM merged),
bounds AS (
    SELECT surface, phase, any(total) AS checks,
           minIf(upper_us, seen >= 0.50 * total - 1e-9) AS p50, minIf(upper_us, seen >= 0.90 * total - 1e-9) AS p90,
           minIf(upper_us, seen >= 0.95 * total - 1e-9) AS p95, minIf(upper_us, seen >= 0.99 * total - 1e-9) AS p99
    FROM ranked GROUP BY surface, phase)
SELECT surface, phase, checks, min_us,
       if(checks >= samples_needed(0.50), least(p50, max_us), NULL) AS p50_us,
       if(checks >= samples_needed(0.90), least(p90, max_us), NULL) AS p90_us,
       if(checks >= samples_needed(0.95), least(p95, max_us), NULL) AS p95_us,
       if(checks >= samples_needed(0.99), least(p99, max_us), NULL) AS p99_us,
       max_us, sum_us
FROM bounds JOIN extremes USING (surface, phase) ORDER BY surface, phase;

-- How much of an error budget of 99.9 % the days at hand have used.
CREATE OR REPLACE VIEW budgets AS
SELECT c.surface AS surface, sum(c.up + c.down) AS judged, sum(c.down) AS failed, (1 - 0.999) * sum(c.up + c.down) AS allowed,
       sum(c.down) / nullIf((1 - 0.999) * sum(c.up + c.down), 0) AS used
FROM checks AS c GROUP BY surface ORDER BY used DESC;
