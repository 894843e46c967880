"""What Spark or ClickHouse find in the tables of `uptick export --parquet`, by their views of examples/sql, as JSON."""

import json
import os
import sys

engine, folder, views = sys.argv[1], sys.argv[2], os.path.abspath(sys.argv[3])
os.chdir(folder)
with open(views, encoding="utf-8") as file:
    lines = [line for line in file if not line.startswith("--")]
statements = [statement.strip() for statement in "".join(lines).split(";\n") if statement.strip()]

if engine == "spark":
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for statement in statements:
        spark.sql(statement)

    def rows(query):
        return [row.asDict() for row in spark.sql(query).collect()]

    text, milliseconds = "STRING", "unix_millis({})"
else:
    from chdb import session

    clickhouse = session.Session()
    for statement in statements:
        clickhouse.query(statement)

    def rows(query):
        found = clickhouse.query(query + " SETTINGS output_format_json_quote_64bit_integers = 0", "JSON")
        return json.loads(str(found))["data"]

    text, milliseconds = "String", "toUnixTimestamp64Milli({})"

due = milliseconds.format("due_at")
answer = {
    "availability": rows("SELECT * FROM availability"),
    "by_day": rows(f"SELECT CAST(day AS {text}) AS day, surface, vantage, up, down FROM availability_by_day"),
    "classes": rows("SELECT * FROM classes"),
    "percentiles": rows("SELECT * FROM percentiles"),
    "budgets": rows("SELECT * FROM budgets"),
    "each": rows(f"SELECT count(*) AS checks, min({due}) AS first, max({due}) AS last FROM each_check"),
    "failures": rows(
        f"SELECT probe, vantage, class, code, message, url, address, {due} AS due FROM failures ORDER BY due, vantage, probe"
    ),
}
json.dump(answer, sys.stdout, default=float)
