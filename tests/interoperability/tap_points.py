"""Reads TAP with tap.py: of each point whether it is ok, skipped and to be done, its description and its YAML, as JSON."""

import json
import sys

from tap.parser import Parser

points = [
    (line.ok, line.skip, line.todo, line.description, line.yaml_block)
    for line in Parser().parse_file(sys.argv[1])
    if line.category == "test"
]
print(json.dumps(points, default=str))
