"""Reads delimited MetricFamily messages by the fields of Prometheus' metrics.proto: of each metric its family's name, its
value or count, and the second since when it counts (0 where it does not say), as JSON."""

import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.internal import decoder

FIELD = descriptor_pb2.FieldDescriptorProto
TIMESTAMP = ".google.protobuf.Timestamp"
MESSAGES = {
    "MetricFamily": [("name", 1, FIELD.TYPE_STRING, None), ("metric", 4, FIELD.TYPE_MESSAGE, ".t.Metric")],
    "Metric": [
        ("gauge", 2, FIELD.TYPE_MESSAGE, ".t.Gauge"),
        ("counter", 3, FIELD.TYPE_MESSAGE, ".t.Counter"),
        ("histogram", 7, FIELD.TYPE_MESSAGE, ".t.Histogram"),
    ],
    "Gauge": [("value", 1, FIELD.TYPE_DOUBLE, None)],
    "Counter": [("value", 1, FIELD.TYPE_DOUBLE, None), ("created_timestamp", 3, FIELD.TYPE_MESSAGE, TIMESTAMP)],
    "Histogram": [
        ("sample_count", 1, FIELD.TYPE_UINT64, None),
        ("created_timestamp", 15, FIELD.TYPE_MESSAGE, TIMESTAMP),
    ],
}

file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t", syntax="proto2")
file.dependency.append("google/protobuf/timestamp.proto")
for name, fields in MESSAGES.items():
    message = file.message_type.add(name=name)
    for field, number, kind, of in fields:
        label = FIELD.LABEL_REPEATED if field == "metric" else FIELD.LABEL_OPTIONAL
        message.field.add(name=field, number=number, type=kind, label=label, type_name=of)
pool = descriptor_pool.DescriptorPool()
pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
pool.Add(file)
family_type = message_factory.GetMessageClass(pool.FindMessageTypeByName("t.MetricFamily"))

found = []
with open(sys.argv[1], "rb") as answer:
    data = answer.read()
at = 0
while at < len(data):
    size, at = decoder._DecodeVarint(data, at)
    family = family_type.FromString(data[at : at + size])
    at += size
    for metric in family.metric:
        if metric.HasField("counter"):
            found.append((family.name, metric.counter.value, metric.counter.created_timestamp.seconds))
        elif metric.HasField("histogram"):
            found.append((family.name, metric.histogram.sample_count, metric.histogram.created_timestamp.seconds))
        else:
            found.append((family.name, metric.gauge.value, 0))
print(json.dumps(found))
