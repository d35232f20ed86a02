"""Writes rows of every type through SQLAlchemy and psycopg2, and history of them
as Python chrononaut 0.3 to 0.5 does it.

    TZ=America/New_York python3 testdata/python/write.py URL > testdata/python/rows.sql
    pg_dump --inserts --no-owner --no-comments --no-privileges -n public URL, without its settings, is testdata/python/things.sql

The database at URL is empty. The output creates nothing: it is the rows of
history, which the tests insert beside a table that they create themselves. Rows
are written twice: from the values that the program assigned, and from those
that the driver reads back.
"""
import datetime
import decimal
import enum
import json
import sys
import uuid

import sqlalchemy as sa
from psycopg2.extras import DateRange, DateTimeTZRange, NumericRange
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Session, declarative_base

UTC = datetime.timezone.utc


class Priority(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Mood(enum.Enum):
    GOOD = 1
    BAD = 2


Base = declarative_base()


class Thing(Base):
    __tablename__ = "things"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.Text)
    short = sa.Column(sa.String(10))
    flag = sa.Column(sa.Boolean)
    small = sa.Column(sa.SmallInteger)
    big = sa.Column(sa.BigInteger)
    price = sa.Column(sa.Numeric(12, 4))
    ratio = sa.Column(sa.Float)
    at = sa.Column(sa.DateTime(timezone=True))
    local_at = sa.Column(sa.DateTime)
    day = sa.Column(sa.Date)
    clock = sa.Column(sa.Time)
    span = sa.Column(sa.Interval)
    uid = sa.Column(pg.UUID(as_uuid=True))
    doc = sa.Column(pg.JSONB)
    raw = sa.Column(sa.JSON)
    numbers = sa.Column(pg.ARRAY(sa.Integer))
    grid = sa.Column(pg.ARRAY(sa.Integer, dimensions=2))
    prices = sa.Column(pg.ARRAY(sa.Numeric))
    tags = sa.Column(pg.ARRAY(sa.Text))
    moments = sa.Column(pg.ARRAY(sa.DateTime(timezone=True)))
    blob = sa.Column(sa.LargeBinary)
    addr = sa.Column(pg.INET)
    span4 = sa.Column(pg.INT4RANGE)
    days = sa.Column(pg.DATERANGE)
    hours = sa.Column(pg.TSTZRANGE)
    priority = sa.Column(sa.Enum(Priority, name="priority", values_callable=lambda e: [m.value for m in e]))
    mood = sa.Column(sa.Enum(Mood, name="mood"))
    mood_text = sa.Column(sa.Enum(Mood, native_enum=False))
    due_at = sa.Column("due", sa.Date)
    version = sa.Column(sa.Integer, default=0)


def serialize(value):
    """How chrononaut turns an attribute into JSON."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


def history(thing, version):
    mapper = sa.inspect(Thing)
    data = {p.key: serialize(getattr(thing, p.key)) for p in mapper.column_attrs}
    data["version"] = version
    row = ("things", version, json.dumps({"id": thing.id}), json.dumps(data))
    quoted = ", ".join(str(v) if isinstance(v, int) else "'" + v.replace("'", "''") + "'" for v in row)
    print("INSERT INTO chrononaut_activity (table_name, changed, version, key, data, user_info, extra_info) VALUES (%s, %s, '{}');" % (
        quoted.replace("'things', ", "'things', clock_timestamp(), ", 1), "'{\"user_id\": null, \"remote_addr\": null}'"))


def things():
    yield Thing(id=1)
    yield Thing(
        id=2, title="plain", short="ab", flag=True, small=-2, big=2**62, price=decimal.Decimal("10.5"), ratio=0.1,
        at=datetime.datetime(2020, 6, 1, 7, 0, 0, 100000, UTC), local_at=datetime.datetime(2020, 6, 1, 12, 0),
        day=datetime.date(2020, 2, 29), clock=datetime.time(1, 2, 3), span=datetime.timedelta(days=1, seconds=5),
        uid=uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"), doc={"a": [1, None, True]}, raw={"b": 1, "a": {"x": "y"}},
        numbers=[1, 2], grid=[[1, 2], [3, 4]], prices=[decimal.Decimal("1.50"), None], tags=["a", "it's", 'q"q', "b\\c"],
        moments=[datetime.datetime(2020, 1, 1, tzinfo=UTC)], blob=b"\x00\xff'\"\\n", addr="10.0.0.1",
        span4=NumericRange(1, 5), days=DateRange(datetime.date(2020, 1, 1), None),
        hours=DateTimeTZRange(datetime.datetime(2020, 1, 1, tzinfo=UTC), datetime.datetime(2020, 1, 2, 3, 4, 5, 6, UTC), "(]"),
        priority=Priority.HIGH, mood=Mood.BAD, mood_text=Mood.GOOD, due_at=datetime.date(2021, 1, 1))
    yield Thing(
        id=3, title="\u00e9\U0001f600 \"x\" 'y' \\ \n\t", short="", flag=False, small=0, big=-(2**63), price=decimal.Decimal("-0.0001"), ratio=1e-300,
        at=datetime.datetime(1999, 12, 31, 23, 59, 59, tzinfo=datetime.timezone(datetime.timedelta(hours=-5))),
        local_at=datetime.datetime(2020, 1, 1, 0, 0, 0, 1), day=datetime.date(1, 1, 1), clock=datetime.time(23, 59, 59, 999999),
        span=datetime.timedelta(days=-1, seconds=3, microseconds=5), uid=uuid.UUID(int=0),
        doc=["it's", 'q"q', "both ' and \"", "\x7f\u00e9\U0001f600\u2028\\", {"k": 1.5, "": [], "n": {}}, 10**30, 1e20, -0.5, False],
        raw=["\u00e9\U0001f600", "\x08\x0c\n", 1.0, {"z": None, "a": ()}], numbers=[], grid=[[1, None]], prices=[], tags=["", "NULL", "{}", None, ", ", "a\nb"],
        moments=[None, datetime.datetime(2020, 7, 1, 1, 2, 3, 4, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30)))],
        blob=b"", addr="::1", span4=NumericRange(empty=True), days=DateRange(None, datetime.date(2020, 1, 1)), hours=DateTimeTZRange(None, None),
        priority=Priority.LOW, mood=Mood.GOOD, mood_text=Mood.BAD)
    yield Thing(id=4, doc="text", raw="text", blob=b"it's", span=datetime.timedelta(0), price=decimal.Decimal("NaN"), numbers=[5])
    yield Thing(id=5, doc="[draft]", raw="it's \u00e9 \"q\"\n", blob=bytes(range(256)), span=datetime.timedelta(days=400, hours=3, microseconds=1))
    yield Thing(id=6, doc=5, raw=False, span=datetime.timedelta(seconds=-1), clock=datetime.time(0, 0))
    yield Thing(id=7, doc={"nested": {"list": [[], [[1]], {"deep": ["x", {"y": "{'not': 'a dict'}"}]}]}}, raw=[], short="0123456789")


def main():
    engine = sa.create_engine(sys.argv[1])
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for thing in things():
            session.add(thing)
            session.flush()
            history(thing, 0)
            session.expire(thing)
            history(thing, 1)
        session.commit()


main()
