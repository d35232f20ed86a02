"""A small Flask application whose models keep history the way Python chrononaut does.

Started by the tests with the database's URL; prints the port that it serves on
loopback. Every POST /run is one request with one session: a JSON list of steps,
answered by the list of their results. Formats and rules are those that
docs/python.md names.
"""

import datetime
import decimal
import enum
import sys

import flask
import werkzeug.serving
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event, inspect, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

app = flask.Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = sys.argv[1].replace("postgres://", "postgresql://", 1)
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"options": "-c search_path=public,chrononaut"}}
db = SQLAlchemy(app)


class Activity(db.Model):
    __tablename__ = "chrononaut_activity"
    id = db.Column(db.BigInteger, primary_key=True)
    table_name = db.Column(db.Text, nullable=False)
    changed = db.Column(db.DateTime(timezone=True), nullable=False)
    version = db.Column(db.Integer, nullable=False, default=0)
    key = db.Column(JSONB, nullable=False)
    data = db.Column(JSONB, nullable=False)
    user_info = db.Column(JSONB, nullable=False)
    extra_info = db.Column(JSONB, nullable=False)


class Priority(enum.Enum):
    LOW = "low"
    HIGH = "high"


def written(value):
    if isinstance(value, enum.Enum):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)


class Versioned:
    version = db.Column(db.Integer, default=0)
    hidden = []
    untracked = []

    def history_key(self):
        return {a.key: getattr(self, a.key) for a in self.__mapper__.column_attrs if a.columns[0].primary_key}

    def tracked(self):
        return [a.key for a in self.__mapper__.column_attrs if a.key != "version" and a.key not in self.untracked]

    def changed_attributes(self):
        state = inspect(self)
        return [a for a in self.tracked() if state.attrs[a].history.has_changes()]

    def versions(self, before=None, after=None):
        q = Activity.query.filter_by(table_name=self.__table__.name, key=self.history_key())
        if before is not None:
            q = q.filter(Activity.changed <= before)
        if after is not None:
            q = q.filter(Activity.changed >= after)
        return q.order_by(Activity.changed).all()

    def version_at(self, when):
        found = self.versions(before=when)
        return found[-1] if found else None

    def previous_version(self):
        if not self.version:
            return None
        q = Activity.query.filter_by(table_name=self.__table__.name, key=self.history_key())
        return q.filter(Activity.version < self.version).order_by(Activity.version.desc()).first()

    def diff(self, start, end):
        if start is not None and start.changed == end.changed:
            return {}
        a, b = start.data if start else {}, end.data
        names = (a.keys() | b.keys()) - set(self.hidden) - {"version"}
        return {n: [a.get(n), b.get(n)] for n in sorted(names) if a.get(n) != b.get(n)}

    def diff_versions(self, a, b):
        by_version = {v.version: v for v in self.versions()}
        return self.diff(by_version[a], by_version[b])

    def diff_timestamps(self, a, b=None):
        return self.diff(self.version_at(a), self.version_at(b or datetime.datetime.now(datetime.timezone.utc)))

    def has_changed_since(self, when):
        return len(self.diff_timestamps(when)) != 0


class Todo(db.Model, Versioned):
    __tablename__ = "todos"
    hidden = ["secret"]
    untracked = ["visits"]
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.Text)
    price = db.Column(db.Numeric(10, 4))
    priority = db.Column(db.Enum(Priority, name="priority", native_enum=True, values_callable=lambda c: [m.value for m in c]))
    due = db.Column(db.DateTime(timezone=True))
    secret = db.Column(db.Text)
    visits = db.Column(db.Integer)


class Renamed(db.Model, Versioned):
    """Maps an attribute to a column of another name."""

    __tablename__ = "renamed"
    id = db.Column(db.Integer, primary_key=True)
    label = db.Column("title", db.Text)


@event.listens_for(Session, "before_flush")
def count(session, context, instances):
    pending = []
    if not flask.g.get("suppressed"):
        for obj in session.new:
            if isinstance(obj, Versioned):
                obj.version = 0
                pending.append((obj, [a for a in obj.changed_attributes() if getattr(obj, a) is not None]))
    for obj in session.dirty:
        if isinstance(obj, Versioned) and obj.changed_attributes():
            pending.append((obj, obj.changed_attributes()))
            obj.version = (obj.version or 0) + 1
    for obj in session.deleted:
        if isinstance(obj, Versioned):
            obj.tracked_state = {a: getattr(obj, a) for a in obj.tracked()}
            pending.append((obj, []))
    session.info["pending"] = [] if flask.g.get("suppressed") else pending


@event.listens_for(Session, "after_flush")
def record(session, context):
    for obj, attributes in session.info.pop("pending", []):
        version = obj.version or 0
        if obj in session.deleted:
            version += 1
        extra = dict(flask.g.get("extra", {}))
        hidden = [a for a in attributes if a in obj.hidden]
        if hidden:
            extra["hidden_cols_changed"] = hidden
        data = {a: written(getattr(obj, a)) for a in obj.tracked() if a not in obj.hidden}
        session.add(Activity(
            table_name=obj.__table__.name, changed=datetime.datetime.now(datetime.timezone.utc), version=version,
            key=obj.history_key(), data={**data, "version": version},
            user_info={"user_id": flask.g.get("user"), "remote_addr": flask.request.remote_addr}, extra_info=extra))


def attributes(values):
    values = dict(values)
    if values.get("price") is not None:
        values["price"] = decimal.Decimal(values["price"])
    if values.get("priority") is not None:
        values["priority"] = Priority[values["priority"]]
    if values.get("due") is not None:
        values["due"] = datetime.datetime.fromisoformat(values["due"])
    return values


def shown(v):
    return v and {"id": v.id, "version": v.version, "changed": v.changed.isoformat(), "data": v.data, "user_info": v.user_info, "extra_info": v.extra_info}


def step(models, s):
    what, args = s["do"], s.get("args", {})
    model = {"todos": Todo, "renamed": Renamed}[s.get("model", "todos")]
    session = db.session

    def obj():
        key = s["id"]
        if (model, key) not in models:
            models[model, key] = session.get(model, key) or model(id=key)
        return models[model, key]

    def when():
        return datetime.datetime.fromisoformat(s["at"])

    if what == "user":
        flask.g.user, flask.g.extra = args.get("user"), args.get("extra") or {}
    elif what == "add":
        models[model, args["id"]] = model(**attributes(args))
        session.add(models[model, args["id"]])
    elif what == "set":
        for name, value in attributes(args).items():
            setattr(obj(), name, value)
    elif what == "touch":  # A change that Python sees and the database does not.
        from sqlalchemy.orm.attributes import set_committed_value
        value = obj().title
        set_committed_value(obj(), "title", None)
        obj().title = value
    elif what == "delete":
        session.delete(obj())
    elif what == "load":
        return obj().title
    elif what == "flush":
        session.flush()
    elif what == "commit":
        session.commit()
    elif what == "rollback":
        session.rollback()
    elif what == "nested":
        models["savepoint"] = session.begin_nested()
    elif what == "rollback nested":
        models["savepoint"].rollback()
    elif what == "sql":
        session.execute(text(s["sql"]))
    elif what == "suppress":
        flask.g.suppressed = args["on"]
    elif what == "version":
        return obj().version
    elif what == "versions":
        return [shown(v) for v in obj().versions()]
    elif what == "version_at":
        return shown(obj().version_at(when()))
    elif what == "previous_version":
        return shown(obj().previous_version())
    elif what == "diff_versions":
        return obj().diff_versions(*s["versions"])
    elif what == "diff_timestamps":
        return obj().diff_timestamps(when())
    elif what == "has_changed_since":
        return obj().has_changed_since(when())
    elif what == "erase":  # The deletion of history in the unsafe block.
        for v in obj().versions():
            session.delete(v)
    else:
        raise ValueError(what)


@app.post("/run")
def run():
    models = {}
    try:
        return flask.jsonify(results=[step(models, s) for s in flask.request.json])
    except Exception as e:
        db.session.rollback()
        return flask.jsonify(error=str(e)), 409


server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
