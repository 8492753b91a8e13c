#!/usr/bin/env python3
"""Runs the code of a notebook, cell by cell, in one interpreter, and prints what
each would show. Needs no Jupyter:

    python3 python/run_notebook.py python/studies.ipynb

The last expression of a cell is shown as a notebook does, as text. Ends with an
error at the first cell that fails, and names it.
"""

import ast
import json
import sys


def cells(path):
    """The code of each cell."""
    with open(path, encoding="utf-8") as file:
        notebook = json.load(file)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def run(path, show=print):
    """Runs the cells and returns the names that they define."""
    names = {"__name__": "__main__"}
    for number, source in enumerate(cells(path), 1):
        tree = ast.parse(source, "%s, cell %d" % (path, number))
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        file = "%s, cell %d" % (path, number)
        exec(compile(tree, file, "exec"), names)  # pylint: disable=exec-used
        if last is not None:
            value = eval(compile(last, file, "eval"), names)  # pylint: disable=eval-used
            if value is not None:
                show(value)
    return names


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: run_notebook.py NOTEBOOK")
    run(sys.argv[1])
