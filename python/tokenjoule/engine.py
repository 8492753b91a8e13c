"""The program behind the answers: one process that is asked line by line."""

import atexit
import json
import os
import pathlib
import shutil
import subprocess
import threading

from .answers import Answer


class EngineError(RuntimeError):
    """The program is not found, cannot be started, or ended unexpectedly."""


class Fault(ValueError):
    """A request has no answer.

    faults: every fault, one str each.
    exit_code: what the command line would return: 2 where the flags cannot be
      read, 3 where a description, a value or a file is wrong.
    """

    def __init__(self, faults, exit_code):
        super().__init__("\n".join(faults))
        self.faults = faults
        self.exit_code = exit_code


# Sub-commands that the background process does not answer, because they take
# long; each call runs the program anew.
_ALONE = frozenset(["sweep", "tune", "calibrate", "validate"])

# Flags that may be given several times; lists of others are joined by commas.
_REPEATABLE = frozenset(["set", "to.set", "measurements"])

# Flags that may name a file.
_NAMES = frozenset([
    "model", "hardware", "runtime", "host", "draft", "scenario", "space",
    "measurements"
])


def find_program(program=None):
    """The path of the program: `program`, $TOKENJOULE, `tokenjoule` on PATH, or
    bazel-bin/tools/tokenjoule in the current folder or one above it or this
    file."""
    if program is not None:
        found = shutil.which(os.fspath(program))
        if found is None:
            raise EngineError("%s is not a program" % program)
        return os.path.abspath(found)
    named = os.environ.get("TOKENJOULE")
    if named:
        found = shutil.which(named)
        if found is None:
            raise EngineError("TOKENJOULE=%s is not a program" % named)
        return os.path.abspath(found)
    found = shutil.which("tokenjoule")
    if found:
        return os.path.abspath(found)
    here = pathlib.Path(__file__).resolve().parent
    for folder in [pathlib.Path.cwd(), *pathlib.Path.cwd().parents, *here.parents]:
        built = folder / "bazel-bin" / "tools" / "tokenjoule"
        if built.is_file() and os.access(built, os.X_OK):
            return str(built)
    raise EngineError(
        "the program tokenjoule is not found; build it with `./tools/bazel build "
        "//tools:tokenjoule`, put it on PATH, name it in $TOKENJOULE, or call "
        "tokenjoule.use(path)")


def _text(flag, value):
    """A value as the command line takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    # The background process may have been started in another folder.
    name = flag[3:] if flag.startswith("to.") else flag
    if name in _NAMES and "," not in text and os.path.exists(text) and (
            isinstance(value, os.PathLike) or os.sep in text
            or text.endswith((".textproto", ".json", ".gguf", ".csv"))):
        return os.path.abspath(text)
    return text


def _flags(flags):
    """Flags as a request takes them: names with underscores, values as text."""
    read = {}
    for name, value in flags.items():
        name = name.replace("-", "_")
        if value is None:
            continue
        if isinstance(value, dict):
            value = ["%s=%s" % pair for pair in value.items()]
        if isinstance(value, (str, bytes, os.PathLike)) or not hasattr(value, "__iter__"):
            read[name] = _text(name, value)
            continue
        texts = [_text(name, one) for one in value]
        read[name] = texts if name in _REPEATABLE else ",".join(texts)
    return read


class Engine:
    """Asks a program. The functions of the package share one; further ones, e.g.
    of another version of the program, stand beside it."""

    def __init__(self, program=None):
        """program: the path of the program; None looks for it at the first
        question (find_program)."""
        self._wanted = program
        self._program = None
        self._process = None
        self._owner = None
        self._last_id = 0
        self._lock = threading.Lock()

    @property
    def program(self):
        """The path of the program."""
        if self._program is None:
            self._program = find_program(self._wanted)
        return self._program

    def version(self):
        """The version of the program, e.g. "0.1.0"."""
        done = subprocess.run([self.program, "--version"], stdout=subprocess.PIPE,
                              check=True)
        return done.stdout.decode().split()[-1]

    def ask(self, subcommand, *positional, **flags):
        """See tokenjoule.ask."""
        request = {
            "subcommand": subcommand,
            "flags": _flags(flags),
            "positional": [os.fspath(word) for word in positional],
        }
        if subcommand in _ALONE:
            return self._run(request)
        reply = self._exchange(request)
        if "error" in reply:
            raise Fault(reply["error"]["faults"], reply["error"]["exit_code"])
        if isinstance(reply["answer"], str):
            return reply["answer"]
        return Answer(reply["answer"], reply, self, request)

    def close(self):
        """Ends the background process; the next question starts another."""
        with self._lock:
            self._end()

    def _end(self):
        process, self._process = self._process, None
        # A child after a fork has the parent's process, and leaves it alone.
        if process is None or self._owner != os.getpid():
            return
        for stream in (process.stdin, process.stdout):
            try:
                stream.close()
            except OSError:
                pass
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self):
        try:
            # A session of its own, so that an interrupt of the notebook does not
            # end it.
            self._process = subprocess.Popen(
                [self.program, "serve", "--stdio", "--files"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True)
        except OSError as error:
            raise EngineError("%s cannot be started: %s" %
                              (self.program, error)) from error
        self._owner = os.getpid()
        atexit.register(self.close)

    def _exchange(self, request):
        """The reply to a request."""
        with self._lock:
            if self._process is None or self._owner != os.getpid():
                self._start()
            self._last_id += 1
            line = json.dumps(dict(request, id=self._last_id)) + "\n"
            whole = False
            try:
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()
                answer = self._process.stdout.readline()
                if not answer.endswith(b"\n"):
                    raise EngineError(
                        "%s ended unexpectedly (exit code %s)" %
                        (self.program, self._process.wait()))
                reply = json.loads(answer)
                if reply.get("id") != self._last_id:
                    raise EngineError("%s gave another answer: %s" %
                                      (self.program, answer[:200]))
                whole = True
                return reply
            except BrokenPipeError as error:
                raise EngineError("%s ended unexpectedly (exit code %s)" %
                                  (self.program, self._process.wait())) from error
            finally:
                # After an interrupt a late answer could be taken for the next.
                if not whole:
                    self._kill()

    def _kill(self):
        process = self._process
        if process is not None:
            process.kill()
        self._end()

    def _run(self, request):
        """The answer of a process of its own."""
        flags = dict(request["flags"])
        wanted = flags.setdefault("format", "json")
        command = [self.program, request["subcommand"], *request["positional"]]
        for name, value in flags.items():
            for text in value if isinstance(value, list) else [value]:
                command.append("--%s=%s" % (name, text))
        done = subprocess.run(command,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE,
                              check=False)
        messages = [
            line[len("tokenjoule: "):]
            for line in done.stderr.decode(errors="replace").splitlines()
            if line.startswith("tokenjoule: ")
        ]
        if done.returncode != 0:
            raise Fault(messages or ["%s failed" % command[0]], done.returncode)
        text = done.stdout.decode()
        if wanted != "json":
            return text
        notices = [line[len("note: "):] for line in messages
                   if line.startswith("note: ")]
        reply = {"command": " ".join(command), "notices": notices}
        return Answer(json.loads(text), reply, self, request)
