"""Answers as objects whose fields are those of the JSON."""

import csv
import difflib
import io
import warnings

from .fields import OPTIONAL, WHOLE


def _value(name, value):
    if isinstance(value, dict):
        return Record(value)
    if isinstance(value, list):
        return [_value(name, one) for one in value]
    if isinstance(value, str):
        # As protobuf writes numbers that JSON has no words for.
        if value in ("NaN", "Infinity", "-Infinity"):
            return float(value.replace("Infinity", "inf"))
        if name in WHOLE:
            return int(value)
    return value


class Record:
    """A part of an answer. Its fields are attributes, and those that it does not
    have are None: `report.memory.hbm`, `row["batch"]`, `"batch" in row`."""

    __slots__ = ("_fields",)

    def __init__(self, fields):
        self._fields = fields

    def __getattr__(self, name):
        fields = object.__getattribute__(self, "_fields")
        if name in fields:
            return _value(name, fields[name])
        if name in OPTIONAL:
            return None
        near = difflib.get_close_matches(name, fields, 1)
        raise AttributeError("there is no field %r%s" % (
            name, "; did you mean %r?" % near[0] if near else ""))

    def __getitem__(self, name):
        try:
            return getattr(self, name)
        except AttributeError as error:
            raise KeyError(str(error)) from None

    def __contains__(self, name):
        return name in self._fields

    def __iter__(self):
        return iter(self._fields)

    def __len__(self):
        return len(self._fields)

    def keys(self):
        """The names of the fields that it has."""
        return self._fields.keys()

    def __dir__(self):
        return [*super().__dir__(), *self._fields]

    def __eq__(self, other):
        return isinstance(other, Record) and self._fields == other._fields

    def to_dict(self):
        """The fields as dicts, lists, numbers and strings, as the JSON has
        them."""
        return self._fields

    def __repr__(self):
        shown = []
        for name, value in self._fields.items():
            if isinstance(value, dict):
                value = "{...}"
            elif isinstance(value, list):
                value = "[%d]" % len(value)
            else:
                value = repr(value)
            shown.append("%s=%s" % (name, value))
        return "%s(%s)" % (type(self).__name__, ", ".join(shown))

    # Copying and pickling look these up before there are fields.
    def __getstate__(self):
        return self._fields

    def __setstate__(self, fields):
        self._fields = fields


class Answer(Record):
    """A whole answer.

    command: the command line that gives the same.
    notices: what a reader should know about its inputs, a list of str.
    """

    __slots__ = ("command", "notices", "_engine", "_request")

    def __init__(self, fields, reply, engine, request):
        super().__init__(fields)
        self.command = reply["command"]
        self.notices = reply["notices"]
        self._engine = engine
        self._request = request

    def text(self, format="table"):  # pylint: disable=redefined-builtin
        """The same answer in another format of its sub-command: "table", "csv",
        "svg" or what else --format takes."""
        flags = dict(self._request["flags"], format=format)
        return self._engine.ask(self._request["subcommand"],
                                *self._request["positional"], **flags)

    def records(self):
        """The rows of the answer's CSV: a list of dicts with a number where there
        is one, True or False, None where the field is empty, and a str
        otherwise."""
        return [{name: _cell(text) for name, text in row.items()}
                for row in csv.DictReader(io.StringIO(self.text("csv")))]

    def frame(self):
        """The rows as a pandas.DataFrame. Without pandas the same as records(),
        with a warning that says so."""
        rows = self.records()
        try:
            import pandas  # pylint: disable=import-outside-toplevel
        except ImportError:
            warnings.warn("pandas is not installed; the rows are a list of dicts",
                          stacklevel=2)
            return rows
        return pandas.DataFrame(rows)

    def __getstate__(self):
        return {"fields": self._fields, "command": self.command,
                "notices": self.notices, "request": self._request}

    def __setstate__(self, state):
        from . import _engine  # pylint: disable=import-outside-toplevel
        Answer.__init__(self, state["fields"], state, _engine, state["request"])


_WORDS = {"": None, "true": True, "false": False}


def _cell(text):
    if text in _WORDS:
        return _WORDS[text]
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
