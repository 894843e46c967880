"""Reads OTLP JSON with OpenTelemetry's own messages and Protocol Buffers' own parser, which takes no
unknown field, and says what is in it as JSON, one element for each point:
[line, service, metric, unit, kind, temporality, attributes, start, time, value], in nanoseconds. The
value of a histogram is [count, sum, min, max, the bounds of the bucket with its median].

Run by tests/export_files.rs:  python otlp_json.py FILE
"""

import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


def value(kind, point):
    if kind != "exponential_histogram":
        return getattr(point, point.WhichOneof("value"))
    seen, index, base = point.zero_count, point.positive.offset, 2 ** 2**-point.scale
    median = None
    for count in point.positive.bucket_counts:
        seen += count
        if median is None and seen * 2 >= point.count > 0:
            median = [base**index, base ** (index + 1)]
        index += 1
    assert seen == point.count, point
    return [point.count, point.sum, point.min, point.max, median]


points = []
for number, line in enumerate(open(sys.argv[1], encoding="utf-8")):
    request = json_format.Parse(line, ExportMetricsServiceRequest())
    for of_resource in request.resource_metrics:
        resource = {pair.key: pair.value.string_value for pair in of_resource.resource.attributes}
        for metric in (metric for of_scope in of_resource.scope_metrics for metric in of_scope.metrics):
            kind = metric.WhichOneof("data")
            data = getattr(metric, kind)
            for point in data.data_points:
                attributes = {pair.key: pair.value.string_value for pair in point.attributes}
                points.append(
                    [number, resource["service.name"], metric.name, metric.unit, kind]
                    + [getattr(data, "aggregation_temporality", 0), attributes]
                    + [point.start_time_unix_nano, point.time_unix_nano, value(kind, point)]
                )
json.dump(points, sys.stdout)
