"""Reads an interval log with HdrHistogram's Python package, merges what has the tag's end given, and
says as JSON what stands behind the percentiles of a distribution: for each the first time in
milliseconds that enough samples do not exceed, and how many those are; then mean, deviation and count.

Run by tests/export_files.rs:  python hgrm.py LOG DISTRIBUTION /total
"""

import json
import sys
from fractions import Fraction

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

log, distribution, tag = sys.argv[1:]
merged = HdrHistogram(1, 3_600_000_000, 3)
reader = HistogramLogReader(log, HdrHistogram(1, 3_600_000_000, 3))
while histogram := reader.get_next_interval_histogram():
    if histogram.get_tag().endswith(tag):
        merged.add(histogram)
recorded = [
    (item.value_iterated_to / 1000, item.total_count_to_this_value) for item in merged.get_recorded_iterator()
]
rows = []
for line in open(distribution):
    fields = line.split()
    if len(fields) == 4 and fields[0][0].isdigit():
        needed = Fraction(fields[1]) * merged.get_total_count()
        rows.append(next(pair for pair in recorded if pair[1] >= needed))
json.dump([rows, merged.get_mean_value() / 1000, merged.get_stddev() / 1000, merged.get_total_count()], sys.stdout)
