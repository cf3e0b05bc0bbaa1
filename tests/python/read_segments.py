"""Reads every segment of a data folder with two foreign readers and compares each row and column
with what the API answered.

usage: read_segments.py SEGMENTS_FOLDER EVENTS_FILE

EVENTS_FILE has one event of the API per line. Prints one line when everything is equal.
"""

import calendar
import json
import re
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

MOMENT = pa.timestamp("ns", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("session_id", pa.string()),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("time", MOMENT, nullable=False),
        pa.field("observed_time", MOMENT, nullable=False),
        pa.field("severity_number", pa.int8(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("category", pa.string()),
        pa.field("message", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("user_name", pa.string()),
        pa.field("reference_id", pa.string()),
        pa.field("exception", pa.string()),
        pa.field("attributes", pa.string()),
    ]
)
COLUMNS = SCHEMA.names
RFC_3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")


def nanos(text):
    """Nanoseconds since the epoch."""
    *parts, fraction = RFC_3339.fullmatch(text).groups()
    seconds = calendar.timegm(tuple(int(part) for part in parts))
    return seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def from_api(event):
    """A line of the API as a row."""
    user = event["user"] or {"id": None, "name": None}
    return {
        "session_id": event["session_id"],
        "sequence": event["sequence"],
        "time": nanos(event["time"]),
        "observed_time": nanos(event["observed_time"]),
        "severity_number": event["severity_number"],
        "kind": event["kind"],
        "category": event["category"],
        "message": event["message"],
        "user_id": user["id"],
        "user_name": user["name"],
        "reference_id": event["reference_id"],
        "exception": event["exception"],
        # Empty ones are not stored.
        "attributes": event["attributes"] or None,
    }


def from_column_file(values):
    """A row of a reader: JSON columns are parsed, the rest is taken as it is."""
    row = dict(zip(COLUMNS, values, strict=True))
    for column in ("exception", "attributes"):
        if row[column] is not None:
            row[column] = json.loads(row[column])
    return row


def read_with_arrow(files):
    for file in files:
        table = pq.read_table(file)
        assert table.schema.equals(SCHEMA), f"{file.name}: {table.schema}"
        # As numbers: Python's own dates end at microseconds.
        columns = [
            column.cast(pa.int64()) if column.type == MOMENT else column for column in table.columns
        ]
        rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
        order = [(session or "", sequence) for session, sequence, *_ in rows]
        assert order == sorted(order), f"{file.name} is not sorted"
        for values in rows:
            yield from_column_file(values)


def read_with_duckdb(files):
    times = {"time", "observed_time"}
    columns = ", ".join(f"epoch_ns({name})" if name in times else name for name in COLUMNS)
    database = duckdb.connect()
    query = f"SELECT {columns} FROM read_parquet(?)"
    for values in database.execute(query, [[str(file) for file in files]]).fetchall():
        yield from_column_file(values)


def keyed(rows):
    found = {}
    for row in rows:
        key = (row["session_id"], row["sequence"])
        assert key not in found, f"{key} is there twice"
        found[key] = row
    return found


def main(segments, events):
    files = sorted(Path(segments).glob("*.parquet"))
    with open(events, encoding="utf-8") as lines:
        expected = keyed(from_api(json.loads(line)) for line in lines)
    for reader in (read_with_arrow, read_with_duckdb):
        found = keyed(reader(files))
        assert found.keys() == expected.keys(), f"{reader.__name__}: {len(found)} of {len(expected)} rows"
        for key, row in expected.items():
            for column in COLUMNS:
                wanted, got = row[column], found[key][column]
                # 1 and True are equal in Python, and 1 and 1.0.
                same = json.dumps(got, sort_keys=True) == json.dumps(wanted, sort_keys=True)
                assert same, f"{reader.__name__}: {key} {column}: {got!r}, expected {wanted!r}"
    print(f"{len(expected)} rows in {len(files)} segments are equal")


if __name__ == "__main__":
    main(*sys.argv[1:])
