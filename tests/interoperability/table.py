"""Reads a table with Python's csv module, strictly, and says its rows as JSON.

Run by tests/export_files.rs:  python table.py FILE
"""

import csv
import json
import sys

with open(sys.argv[1], newline="", encoding="utf-8") as file:
    json.dump(list(csv.DictReader(file, strict=True)), sys.stdout)
