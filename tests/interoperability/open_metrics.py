"""Reads OpenMetrics text with Prometheus' own library: type, name, labels and value of every sample, as JSON."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

with open(sys.argv[1], encoding="utf-8") as file:
    families = list(text_string_to_metric_families(file.read()))
samples = [
    (family.type, sample.name, sample.labels, sample.value)
    for family in families
    for sample in family.samples
    if sample.value != float("inf")
]
print(json.dumps(samples))
