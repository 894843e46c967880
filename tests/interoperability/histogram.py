"""Reads and writes histograms with HdrHistogram's Python package, which shares no code with ours.

histogram.json is what it said once:  pip install hdrhistogram && python histogram.py > histogram.json
tests/histogram_independent.rs holds our reader and writer to it, and runs this again where the
package is installed.
"""

import json
import pathlib
import random
import sys

from hdrh.histogram import HdrHistogram

HERE = pathlib.Path(__file__).parent
HOUR_US = 3_600_000_000


def buckets(histogram):
    """The highest value of each bucket that holds anything, and its count."""
    return [[item.value_iterated_to, item.count_at_value_iterated_to] for item in histogram.get_recorded_iterator()]


def decoded(line):
    """What each histogram of a journal line says."""
    latency = json.loads(line)["latency"]
    return {phase: buckets(HdrHistogram.decode(histogram["hdr"])) for phase, histogram in sorted(latency.items())}


def encoded():
    """Times as they are on the internet, and some that are not."""
    random.seed(20250310)
    values = [0, 1, 2047, 2048, 2049, HOUR_US] + [int(random.lognormvariate(11.3, 1.2)) for _ in range(2000)]
    histogram = HdrHistogram(1, HOUR_US, 3)
    for value in values:
        histogram.record_value(value)
    return {"values": values, "text": histogram.encode().decode(), "buckets": buckets(histogram)}


line = (HERE.parent / "golden" / "journal" / "window-many.jsonl").read_text()
json.dump({"decoded": decoded(line), "encoded": encoded()}, sys.stdout)
sys.stdout.write("\n")
