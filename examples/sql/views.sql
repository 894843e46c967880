-- Views over the tables of `uptick export --parquet DIR`, for DuckDB. In the folder DIR:
--
--   duckdb -init views.sql
--   SELECT * FROM availability;
--
-- All leave out control targets and checks within maintenance, as a report does. Instants are UTC.
SET TimeZone = 'UTC';

CREATE OR REPLACE VIEW windows AS SELECT * FROM read_parquet(
    'windows/*/*/*.parquet', hive_partitioning = true, hive_types = {'day': DATE, 'vantage': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW buckets AS SELECT * FROM read_parquet(
    'buckets/*/*/*.parquet', hive_partitioning = true, hive_types = {'day': DATE, 'vantage': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW runs AS SELECT * FROM read_parquet(
    'runs/*/*/*.parquet', hive_partitioning = true, hive_types = {'day': DATE, 'vantage': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW failures AS SELECT * FROM read_parquet(
    'failures/*/*/*.parquet', hive_partitioning = true, hive_types = {'day': DATE, 'vantage': VARCHAR}, union_by_name = true);

-- Wilson's 95 % score interval of k among n. It is never 0 ± 0.
CREATE OR REPLACE MACRO wilson_centre(k, n) AS (k / n + 1.959963984540054 ^ 2 / (2 * n)) / (1 + 1.959963984540054 ^ 2 / n);
CREATE OR REPLACE MACRO wilson_spread(k, n) AS
    1.959963984540054 * sqrt(k / n * (1 - k / n) / n + 1.959963984540054 ^ 2 / (4 * n ^ 2)) / (1 + 1.959963984540054 ^ 2 / n);
CREATE OR REPLACE MACRO wilson_low(k, n) AS
    CASE WHEN n = 0 THEN NULL WHEN k = 0 THEN 0.0 ELSE greatest(wilson_centre(k, n) - wilson_spread(k, n), 0.0) END;
CREATE OR REPLACE MACRO wilson_high(k, n) AS
    CASE WHEN n = 0 THEN NULL WHEN k = n THEN 1.0 ELSE least(wilson_centre(k, n) + wilson_spread(k, n), 1.0) END;

-- Counts add up over anything: this is the finest sum that is of use.
CREATE OR REPLACE VIEW checks AS
SELECT day, vantage, surface, probe,
       sum(scheduled)::BIGINT AS scheduled, sum(up)::BIGINT AS up, sum(down)::BIGINT AS down,
       sum(unknown)::BIGINT AS unknown, sum(missed)::BIGINT AS missed, sum(flaky)::BIGINT AS flaky,
       sum(warnings)::BIGINT AS warnings
FROM windows WHERE NOT control AND NOT maintenance GROUP BY ALL;

CREATE OR REPLACE VIEW availability AS
SELECT surface, sum(scheduled)::BIGINT AS checks, sum(up)::BIGINT AS up, sum(down)::BIGINT AS down,
       sum(unknown)::BIGINT AS unknown, sum(missed)::BIGINT AS missed,
       sum(down) / nullif(sum(up) + sum(down), 0) AS failed_ratio,
       wilson_low(sum(down), sum(up) + sum(down)) AS failed_low, wilson_high(sum(down), sum(up) + sum(down)) AS failed_high
FROM checks GROUP BY surface ORDER BY surface;

CREATE OR REPLACE VIEW availability_by_day AS
SELECT day, surface, vantage, sum(up)::BIGINT AS up, sum(down)::BIGINT AS down,
       sum(down) / nullif(sum(up) + sum(down), 0) AS failed_ratio,
       wilson_low(sum(down), sum(up) + sum(down)) AS failed_low, wilson_high(sum(down), sum(up) + sum(down)) AS failed_high
FROM checks GROUP BY ALL ORDER BY ALL;

-- The failures by class and code. A class of an `unknown` check is the prober's own.
CREATE OR REPLACE VIEW classes AS
SELECT surface, verdict, class, code, sum(count)::BIGINT AS checks
FROM runs WHERE NOT control AND NOT maintenance AND class IS NOT NULL GROUP BY ALL ORDER BY surface, checks DESC, class, code;

-- Each check by itself, with the instant at which it was due.
CREATE OR REPLACE VIEW each_check AS
WITH numbered AS (SELECT *, unnest(range(count)) AS n FROM runs)
SELECT vantage, surface, probe, control, maintenance, verdict, class, code,
       make_timestamp(1000 * (epoch_ms(first_at) + n * (epoch_ms(last_at) - epoch_ms(first_at)) // greatest(count - 1, 1))) AS due_at
FROM numbered;

-- Histograms merge by adding the counts of equal bounds; percentiles of what is added up are exact to a bucket, the
-- thousandth part. Never average percentiles. One that too few checks bound is NULL, as in a report.
CREATE OR REPLACE MACRO samples_needed(q) AS ceil(ln(0.05) / ln(q));

CREATE OR REPLACE VIEW extremes AS
SELECT surface, phase, min(min_us) AS min_us, max(max_us) AS max_us, sum(sum_us)::BIGINT AS sum_us FROM (
    SELECT surface, control, maintenance, unnest([
        {'phase': 'total', 'min_us': total_min_us, 'max_us': total_max_us, 'sum_us': total_sum_us},
        {'phase': 'resolve', 'min_us': resolve_min_us, 'max_us': resolve_max_us, 'sum_us': resolve_sum_us},
        {'phase': 'connect', 'min_us': connect_min_us, 'max_us': connect_max_us, 'sum_us': connect_sum_us},
        {'phase': 'tls', 'min_us': tls_min_us, 'max_us': tls_max_us, 'sum_us': tls_sum_us},
        {'phase': 'processing', 'min_us': processing_min_us, 'max_us': processing_max_us, 'sum_us': processing_sum_us},
        {'phase': 'transfer', 'min_us': transfer_min_us, 'max_us': transfer_max_us, 'sum_us': transfer_sum_us},
        {'phase': 'failed', 'min_us': failed_min_us, 'max_us': failed_max_us, 'sum_us': failed_sum_us},
        {'phase': 'lag', 'min_us': lag_min_us, 'max_us': lag_max_us, 'sum_us': lag_sum_us}], recursive := true)
    FROM windows)
WHERE NOT control AND NOT maintenance AND max_us IS NOT NULL GROUP BY ALL;

CREATE OR REPLACE VIEW percentiles AS
WITH merged AS (
    SELECT surface, phase, upper_us, sum(count) AS n FROM buckets WHERE NOT control AND NOT maintenance GROUP BY ALL),
ranked AS (
    SELECT *, sum(n) OVER (PARTITION BY surface, phase ORDER BY upper_us) AS seen, sum(n) OVER (PARTITION BY surface, phase) AS total
    FROM merged),
bounds AS (
    SELECT surface, phase, any_value(total)::BIGINT AS checks,
           min(upper_us) FILTER (WHERE seen >= 0.50 * total - 1e-9) AS p50,
           min(upper_us) FILTER (WHERE seen >= 0.90 * total - 1e-9) AS p90,
           min(upper_us) FILTER (WHERE seen >= 0.95 * total - 1e-9) AS p95,
           min(upper_us) FILTER (WHERE seen >= 0.99 * total - 1e-9) AS p99
    FROM ranked GROUP BY ALL)
SELECT surface, phase, checks, min_us,
       CASE WHEN checks >= samples_needed(0.50) THEN least(p50, max_us) END AS p50_us,
       CASE WHEN checks >= samples_needed(0.90) THEN least(p90, max_us) END AS p90_us,
       CASE WHEN checks >= samples_needed(0.95) THEN least(p95, max_us) END AS p95_us,
       CASE WHEN checks >= samples_needed(0.99) THEN least(p99, max_us) END AS p99_us,
       max_us, sum_us
FROM bounds JOIN extremes USING (surface, phase) ORDER BY surface, phase;

-- How much of an error budget the days at hand have used: SELECT * FROM budgets(0.999) WHERE used > 1.
CREATE OR REPLACE MACRO budgets(objective) AS TABLE
SELECT surface, sum(up + down)::BIGINT AS judged, sum(down)::BIGINT AS failed, (1 - objective) * sum(up + down) AS allowed,
       sum(down) / nullif((1 - objective) * sum(up + down), 0) AS used
FROM checks GROUP BY surface ORDER BY used DESC;
