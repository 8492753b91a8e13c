"""What one decoded LLM token costs in joules, where they go, and what could
change it: the answers of the program `tokenjoule` as Python objects.

    import tokenjoule as tj

    report = tj.analyze(model="llama-3.1-8b", hardware="h100-sxm", batch=64)
    report.energy_per_token_j                # a float, J
    report.energy_by_boundary[0].boundary    # fields are nested

    study = tj.batch(model="llama-3.1-8b", hardware="h100-sxm", batch="1:1024:x2")
    study.frame()                            # a pandas.DataFrame, if pandas is there

The functions are the sub-commands, their arguments the flags, and the fields of
what they return those of the JSON (proto/report.proto documents each with its
unit). A fault raises tokenjoule.Fault, which lists all faults at once.

The program is found in $TOKENJOULE, on PATH, or in bazel-bin of the folder or
one above it; tokenjoule.use(path) names another. It runs once in the background
and answers from then on; calls from several threads are answered in turn.
"""

from .answers import Answer, Record
from .engine import Engine, EngineError, Fault

__all__ = [
    "Answer", "Engine", "EngineError", "Fault", "Record", "analyze", "ask",
    "batch", "ceiling", "compare", "explain", "list", "plan", "sensitivity",
    "sweep", "tricks", "use", "version",
]

_engine = Engine()


def version():
    """The version of the program, e.g. "0.1.0"."""
    return _engine.version()


def use(program):
    """Names the program to ask: its path, or None to look for it again."""
    global _engine
    _engine.close()
    _engine = Engine(program)


def ask(subcommand, *positional, **flags):
    """The Answer of any sub-command; a str for format="table", "csv" or "svg".

    A value may be a str, a number, a bool, a path, a list or range (joined by
    commas, or repeated where a flag repeats), for `set` also a dict of paths and
    values. None leaves a flag out.
    """
    return _engine.ask(subcommand, *positional, **flags)


def analyze(**flags):
    """What one decoded token costs (`tokenjoule analyze`), a Report."""
    return ask("analyze", **flags)


def batch(**flags):
    """How far batching goes (`tokenjoule batch`), a BatchStudy: a row for each
    batch of each model, machine and context."""
    return ask("batch", **flags)


def ceiling(**flags):
    """What remains when a part is free (`tokenjoule ceiling`), a CeilingStudy."""
    return ask("ceiling", **flags)


def compare(to=None, **flags):
    """Why two scenarios differ (`tokenjoule compare`), a Comparison. `to` holds
    the flags of the second that differ: compare(model=..., to={"batch": 32})."""
    second = {"to." + name: value for name, value in (to or {}).items()}
    return ask("compare", **flags, **second)


def explain(name="", **flags):
    """Where a number comes from (`tokenjoule explain`), an Explanation: the
    constants whose path contains `name`, or the formula of a term or figure."""
    return ask("explain", *([name] if name else []), **flags)


def list(kind="", **flags):  # pylint: disable=redefined-builtin
    """The names that flags take (`tokenjoule list`), a Listing: of all kinds, or
    of "models", "hardware", "runtimes", "formats" and so on."""
    return ask("list", *([kind] if kind else []), **flags)


def plan(**flags):
    """What serves a traffic for least (`tokenjoule plan`)."""
    return ask("plan", **flags)


def sensitivity(**flags):
    """How the answer moves with each number (`tokenjoule sensitivity`), a
    SensitivityStudy."""
    return ask("sensitivity", **flags)


def sweep(**flags):
    """The Pareto front of a design space (`tokenjoule sweep`), a SweepStudy. It
    runs in a process of its own, because it may take long."""
    return ask("sweep", **flags)


def tricks(**flags):
    """Ways to save energy, ranked (`tokenjoule tricks`), a TrickStudy."""
    return ask("tricks", **flags)
