"""Prints python/tokenjoule/fields.py from the schema of answers.

    python3 python/fields.py proto/report.proto proto/scenario.proto ... \
        > python/tokenjoule/fields.py

Protobuf's JSON leaves out fields that are unset, so that objects cannot tell
them from misspelt ones without this list.
"""

import re
import sys

_SCALARS = {"double", "float", "bool", "string", "bytes", "int32", "int64",
            "uint32", "uint64"}


def names_of(texts):
    """The names of fields that may be absent, and of 64-bit whole numbers, which
    JSON has as strings."""
    text = re.sub(r"//[^\n]*", "", "\n".join(texts))
    enums = set(re.findall(r"\benum\s+(\w+)", text))
    optional, whole = set(), set()
    for label, kind, name in re.findall(
            r"(?<![\w.])(?:(optional|repeated)\s+)?([\w.]+)\s+(\w+)\s*=\s*\d+", text):
        if label == "optional":
            optional.add(name)
        elif label != "repeated" and kind not in _SCALARS and kind.split(".")[-1] not in enums:
            optional.add(name)
        if kind in ("int64", "uint64"):
            whole.add(name)
    return sorted(optional), sorted(whole)


def module_text(texts):
    optional, whole = names_of(texts)
    lines = [
        '"""Names of fields of answers. Written by python/fields.py from proto/."""',
        "", "# Those that an answer may leave out.", "OPTIONAL = frozenset(["
    ]
    lines += ['    "%s",' % name for name in optional]
    lines += ["])", "", "# 64-bit whole numbers, which JSON has as strings.",
              "WHOLE = frozenset(["]
    lines += ['    "%s",' % name for name in whole]
    lines += ["])", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(module_text([open(path, encoding="utf-8").read()
                                  for path in sys.argv[1:]]))
