"""Reads an interval log with HdrHistogram's Python package and says what is in it, as JSON:
one [tag, start in seconds, end in seconds, count, buckets] for each line.

Run by tests/export_files.rs:  python hlog.py FILE
"""

import json
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3_600_000_000, 3))
lines = []
while histogram := reader.get_next_interval_histogram():
    buckets = [[item.value_iterated_to, item.count_at_value_iterated_to] for item in histogram.get_recorded_iterator()]
    start, end = histogram.get_start_time_stamp() / 1000, histogram.get_end_time_stamp() / 1000
    lines.append([histogram.get_tag(), start, end, histogram.get_total_count(), buckets])
json.dump(lines, sys.stdout)
