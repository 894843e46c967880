-- Views over the tables of `uptick export --parquet DIR`, for Spark 4. In the folder DIR:
--
--   spark-sql --conf spark.sql.session.timeZone=UTC --conf spark.sql.sources.partitionColumnTypeInference.enabled=false -i views.spark.sql
--   SELECT * FROM availability;
--
-- All leave out control targets and checks within maintenance, as a report does. Without the second setting Spark
-- takes a vantage named 07 for a number.

-- Spark decodes the bytes of a name in a path one by one; what is not ASCII is put together again here.
CREATE OR REPLACE TEMPORARY FUNCTION path_name(name STRING) RETURNS STRING RETURN decode(encode(name, 'ISO-8859-1'), 'UTF-8');

CREATE OR REPLACE TEMPORARY VIEW windows_files USING parquet OPTIONS (path 'windows', mergeSchema 'true');
CREATE OR REPLACE TEMPORARY VIEW buckets_files USING parquet OPTIONS (path 'buckets', mergeSchema 'true');
CREATE OR REPLACE TEMPORARY VIEW runs_files USING parquet OPTIONS (path 'runs', mergeSchema 'true');
CREATE OR REPLACE TEMPORARY VIEW failures_files USING parquet OPTIONS (path 'failures', mergeSchema 'true');

CREATE OR REPLACE TEMPORARY VIEW windows AS
SELECT * EXCEPT (day, vantage), CAST(day AS DATE) AS day, path_name(vantage) AS vantage FROM windows_files;
CREATE OR REPLACE TEMPORARY VIEW buckets AS
SELECT * EXCEPT (day, vantage), CAST(day AS DATE) AS day, path_name(vantage) AS vantage FROM buckets_files;
CREATE OR REPLACE TEMPORARY VIEW runs AS
SELECT * EXCEPT (day, vantage), CAST(day AS DATE) AS day, path_name(vantage) AS vantage FROM runs_files;
CREATE OR REPLACE TEMPORARY VIEW failures AS
SELECT * EXCEPT (day, vantage), CAST(day AS DATE) AS day, path_name(vantage) AS vantage FROM failures_files;

-- Wilson's 95 % score interval of k among n. It is never 0 ± 0.
CREATE OR REPLACE TEMPORARY FUNCTION wilson_centre(k DOUBLE, n DOUBLE) RETURNS DOUBLE
RETURN (k / n + power(1.959963984540054D, 2) / (2 * n)) / (1 + power(1.959963984540054D, 2) / n);
CREATE OR REPLACE TEMPORARY FUNCTION wilson_spread(k DOUBLE, n DOUBLE) RETURNS DOUBLE
RETURN 1.959963984540054D * sqrt(k / n * (1 - k / n) / n + power(1.959963984540054D, 2) / (4 * n * n)) / (1 + power(1.959963984540054D, 2) / n);
CREATE OR REPLACE TEMPORARY FUNCTION wilson_low(k DOUBLE, n DOUBLE) RETURNS DOUBLE
RETURN CASE WHEN n = 0 THEN NULL WHEN k = 0 THEN 0D ELSE greatest(wilson_centre(k, n) - wilson_spread(k, n), 0D) END;
CREATE OR REPLACE TEMPORARY FUNCTION wilson_high(k DOUBLE, n DOUBLE) RETURNS DOUBLE
RETURN CASE WHEN n = 0 THEN NULL WHEN k = n THEN 1D ELSE least(wilson_centre(k, n) + wilson_spread(k, n), 1D) END;

-- Counts add up over anything: this is the finest sum that is of use.
CREATE OR REPLACE TEMPORARY VIEW checks AS
SELECT day, vantage, surface, probe, sum(scheduled) AS scheduled, sum(up) AS up, sum(down) AS down,
       sum(unknown) AS unknown, sum(missed) AS missed, sum(flaky) AS flaky, sum(warnings) AS warnings
FROM windows WHERE NOT control AND NOT maintenance GROUP BY day, vantage, surface, probe;

CREATE OR REPLACE TEMPORARY VIEW availability AS
SELECT surface, sum(scheduled) AS checks, sum(up) AS up, sum(down) AS down, sum(unknown) AS unknown, sum(missed) AS missed,
       sum(down) / nullif(sum(up) + sum(down), 0) AS failed_ratio,
       wilson_low(sum(down), sum(up) + sum(down)) AS failed_low, wilson_high(sum(down), sum(up) + sum(down)) AS failed_high
FROM checks GROUP BY surface ORDER BY surface;

CREATE OR REPLACE TEMPORARY VIEW availability_by_day AS
SELECT day, surface, vantage, sum(up) AS up, sum(down) AS down, sum(down) / nullif(sum(up) + sum(down), 0) AS failed_ratio,
       wilson_low(sum(down), sum(up) + sum(down)) AS failed_low, wilson_high(sum(down), sum(up) + sum(down)) AS failed_high
FROM checks GROUP BY day, surface, vantage ORDER BY day, surface, vantage;

-- The failures by class and code. A class of an `unknown` check is the prober's own.
CREATE OR REPLACE TEMPORARY VIEW classes AS
SELECT surface, verdict, class, code, sum(count) AS checks
FROM runs WHERE NOT control AND NOT maintenance AND class IS NOT NULL
GROUP BY surface, verdict, class, code ORDER BY surface, checks DESC, class, code;

-- Each check by itself, with the instant at which it was due.
CREATE OR REPLACE TEMPORARY VIEW each_check AS
SELECT vantage, surface, probe, control, maintenance, verdict, class, code,
       timestamp_millis(unix_millis(first_at) + n * (unix_millis(last_at) - unix_millis(first_at)) DIV greatest(count - 1, 1)) AS due_at
FROM runs LATERAL VIEW explode(sequence(0L, count - 1)) numbers AS n;

-- Histograms merge by adding the counts of equal bounds; percentiles of what is added up are exact to a bucket, the
-- thousandth part. Never average percentiles. One that too few checks bound is NULL, as in a report.
CREATE OR REPLACE TEMPORARY FUNCTION samples_needed(q DOUBLE) RETURNS DOUBLE RETURN ceil(ln(0.05D) / ln(q));

CREATE OR REPLACE TEMPORARY VIEW extremes AS
SELECT surface, phase, min(min_us) AS min_us, max(max_us) AS max_us, sum(sum_us) AS sum_us
FROM windows LATERAL VIEW stack(8,
    'total', total_min_us, total_max_us, total_sum_us,
    'resolve', resolve_min_us, resolve_max_us, resolve_sum_us,
    'connect', connect_min_us, connect_max_us, connect_sum_us,
    'tls', tls_min_us, tls_max_us, tls_sum_us,
    'processing', processing_min_us, processing_max_us, processing_sum_us,
    'transfer', transfer_min_us, transfer_max_us, transfer_sum_us,
    'failed', failed_min_us, failed_max_us, failed_sum_us,
    'lag', lag_min_us, lag_max_us, lag_sum_us) phases AS phase, min_us, max_us, sum_us
WHERE NOT control AND NOT maintenance AND max_us IS NOT NULL GROUP BY surface, phase;

CREATE OR REPLACE TEMPORARY VIEW percentiles AS
WITH merged AS (
    SELECT surface, phase, upper_us, sum(count) AS n FROM buckets
    WHERE NOT control AND NOT maintenance GROUP BY surface, phase, upper_us),
ranked AS (
    SELECT *, sum(n) OVER (PARTITION BY surface, phase ORDER BY upper_us) AS seen, sum(n) OVER (PARTITION BY surface, phase) AS total
    FROM merged),
bounds AS (
    SELECT surface, phase, any_value(total) AS checks,
           min(upper_us) FILTER (WHERE seen >= 0.50D * total - 1e-9) AS p50,
           min(upper_us) FILTER (WHERE seen >= 0.90D * total - 1e-9) AS p90,
           min(upper_us) FILTER (WHERE seen >= 0.95D * total - 1e-9) AS p95,
           min(upper_us) FILTER (WHERE seen >= 0.99D * total - 1e-9) AS p99
    FROM ranked GROUP BY surface, phase)
SELECT surface, phase, checks, min_us,
       CASE WHEN checks >= samples_needed(0.50D) THEN least(p50, max_us) END AS p50_us,
       CASE WHEN checks >= samples_needed(0.90D) THEN least(p90, max_us) END AS p90_us,
       CASE WHEN checks >= samples_needed(0.95D) THEN least(p95, max_us) END AS p95_us,
       CASE WHEN checks >= samples_needed(0.99D) THEN least(p99, max_us) END AS p99_us,
       max_us, sum_us
FROM bounds JOIN extremes USING (surface, phase) ORDER BY surface, phase;

-- How much of an error budget of 99.9 % the days at hand have used.
CREATE OR REPLACE TEMPORARY VIEW budgets AS
SELECT surface, sum(up + down) AS judged, sum(down) AS failed, (1 - 0.999D) * sum(up + down) AS allowed,
       sum(down) / nullif((1 - 0.999D) * sum(up + down), 0) AS used
FROM checks GROUP BY surface ORDER BY used DESC;
