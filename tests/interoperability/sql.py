"""What DuckDB finds in the tables of `uptick export --parquet`, by the views of examples/sql, as JSON."""

import json
import os
import sys

import duckdb

folder, views = sys.argv[1], os.path.abspath(sys.argv[2])
os.chdir(folder)
with open(views, encoding="utf-8") as file:
    statements = file.read()
connection = duckdb.connect()
connection.execute(statements)


def rows(query):
    found = connection.execute(query)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row)) for row in found.fetchall()]


answer = {
    "availability": rows("FROM availability"),
    "by_day": rows("SELECT CAST(day AS VARCHAR) AS day, surface, vantage, up, down FROM availability_by_day"),
    "classes": rows("FROM classes"),
    "percentiles": rows("FROM percentiles"),
    "budgets": rows("FROM budgets(0.999)"),
    "each": rows("SELECT count(*) AS checks, min(epoch_ms(due_at)) AS first, max(epoch_ms(due_at)) AS last FROM each_check"),
    "failures": rows("SELECT probe, vantage, class, code, message, url, address, epoch_ms(due_at) AS due FROM failures ORDER BY ALL"),
    "lines": [] if len(sys.argv) < 4 else rows(
        f"SELECT surface, sum(up)::BIGINT AS up, sum(down)::BIGINT AS down "
        f"FROM read_json('{sys.argv[3]}/*.jsonl', format = 'newline_delimited', columns = {{kind: 'VARCHAR', surface: 'VARCHAR', "
        "control: 'BOOLEAN', maintenance: 'BOOLEAN', up: 'BIGINT', down: 'BIGINT'}) "
        "WHERE kind = 'window' AND control IS NOT true AND maintenance IS NOT true GROUP BY ALL ORDER BY ALL"
    ),
}
json.dump(answer, sys.stdout, default=float)
