"""Rules that keep energy and time of decoding under version control.

    load("@tokenjoule//tools:energy.bzl", "energy_regression_test")

    energy_regression_test(
        name = "chat",
        baseline = "chat_baseline.textproto",
        hardware = "h100-sxm",
        model = "llama-3.1-8b",
        scenario = "chat.textproto",
    )

docs/build_rules.md describes every rule and attribute with examples.

In every rule `model` and `hardware` are a name from the catalogue ("h100-sxm")
or, if they contain a colon or begin with "//" or "@", the label of a `model_spec`
or `hardware_spec` (":my_model").
"""

ModelSpecInfo = provider(
    doc = "A model's textproto without faults.",
    fields = {
        "file": "File: the textproto.",
        "inputs": "depset of File: what is read with it, itself included.",
        "lint": "File: exists once the tool has found no fault.",
    },
)

HardwareSpecInfo = provider(
    doc = "A machine's textproto without faults.",
    fields = {
        "file": "File: the textproto.",
        "inputs": "depset of File: what is read with it, itself included.",
        "lint": "File: exists once the tool has found no fault.",
    },
)

_EXTENSIONS = {
    "csv": "csv",
    "html": "html",
    "json": "json",
    "sqlite": "sqlite",
    "svg": "svg",
    "table": "txt",
    "vega": "vl.json",
}

# The tool for build actions.
_BUILD_TOOL = attr.label(
    cfg = "exec",
    default = Label("//tools:tokenjoule"),
    executable = True,
)

# The tool for searches, linked statically, so that an action can run on a
# machine that has none of the libraries.
_SEARCH_TOOL = attr.label(
    cfg = "exec",
    default = Label("//tools:tokenjoule_search"),
    executable = True,
)

# The tool of tests, which may be that of the build actions (`_tool`), so that a
# workspace with reports and tests compiles it once, or one built as the tests are
# (`tool`).
_TEST_TOOLS = {
    "tool": attr.label(
        doc = "A tokenjoule to run instead, built in the configuration of the test.",
        cfg = "target",
        executable = True,
    ),
    "_tool": _BUILD_TOOL,
}

# Specs: files that are validated.

def _lint(ctx, kind, inputs):
    """Validates ctx.file.src; returns a file that exists only if it has no faults."""
    lint = ctx.actions.declare_file(ctx.label.name + ".lint.txt")
    ctx.actions.run(
        arguments = ["lint", "--as=" + kind, "--out=" + lint.path, ctx.file.src.path],
        executable = ctx.executable._tool,
        inputs = inputs,
        mnemonic = "TokenjouleLint",
        outputs = [lint],
        progress_message = "Validating " + ctx.file.src.short_path,
    )
    return lint

def _model_spec_impl(ctx):
    inputs = depset([ctx.file.src])
    lint = _lint(ctx, "model", inputs)
    return [
        DefaultInfo(files = depset([lint]), runfiles = ctx.runfiles([ctx.file.src])),
        ModelSpecInfo(file = ctx.file.src, inputs = inputs, lint = lint),
    ]

model_spec = rule(
    implementation = _model_spec_impl,
    doc = "A model's description, validated when it is built.",
    attrs = {
        "src": attr.label(
            doc = "Textproto of the message Model.",
            allow_single_file = [".textproto"],
            mandatory = True,
        ),
        "_tool": _BUILD_TOOL,
    },
)

def _hardware_spec_impl(ctx):
    inputs = depset(
        [ctx.file.src] + ctx.files.deps,
        transitive = [
            dep[HardwareSpecInfo].inputs
            for dep in ctx.attr.deps
            if HardwareSpecInfo in dep
        ],
    )
    lint = _lint(ctx, "hardware", inputs)
    return [
        DefaultInfo(files = depset([lint]), runfiles = ctx.runfiles(transitive_files = inputs)),
        HardwareSpecInfo(file = ctx.file.src, inputs = inputs, lint = lint),
    ]

hardware_spec = rule(
    implementation = _hardware_spec_impl,
    doc = "A machine's description, validated when it is built.",
    attrs = {
        "src": attr.label(
            doc = "Textproto of the message Hardware.",
            allow_single_file = [".textproto"],
            mandatory = True,
        ),
        "deps": attr.label_list(
            doc = "The files that `base` fields name by path, relative to the file " +
                  "with the field: textprotos, or other hardware_specs. Names from " +
                  "the catalogue need no deps.",
            allow_files = [".textproto"],
        ),
        "_tool": _BUILD_TOOL,
    },
)

# The setup: a model, a machine and a scenario.

_POINT_ATTRS = {
    "flags": attr.string_list(doc = "Flags of the sub-command, as on a command line."),
    "hardware": attr.string(doc = "A name from the catalogue."),
    "hardware_spec": attr.label(
        doc = "Or your own machine.",
        providers = [HardwareSpecInfo],
    ),
    "model": attr.string(doc = "A name from the catalogue."),
    "model_spec": attr.label(doc = "Or your own model.", providers = [ModelSpecInfo]),
    "scenario": attr.label(
        doc = "Textproto of the message Scenario.",
        allow_single_file = [".textproto"],
    ),
}

def _is_label(name):
    return ":" in name or name.startswith("//") or name.startswith("@")

def _point(model, hardware, scenario, flags):
    """Arguments of a macro as attributes of a rule with _POINT_ATTRS."""
    attributes = {"flags": flags, "scenario": scenario}
    for key, value in [("model", model), ("hardware", hardware)]:
        if value != None:
            attributes[key + "_spec" if _is_label(value) else key] = value
    return attributes

def _specs(ctx):
    specs = []
    if ctx.attr.model_spec:
        specs.append(ctx.attr.model_spec[ModelSpecInfo])
    if ctx.attr.hardware_spec:
        specs.append(ctx.attr.hardware_spec[HardwareSpecInfo])
    return specs

def _point_inputs(ctx):
    return depset(
        [ctx.file.scenario] if ctx.file.scenario else [],
        transitive = [spec.inputs for spec in _specs(ctx)],
    )

def _point_arguments(ctx, path_of):
    """The flags; `path_of` returns the path of a File when the tool runs."""
    arguments = []
    if ctx.attr.model:
        arguments.append("--model=" + ctx.attr.model)
    if ctx.attr.model_spec:
        arguments.append("--model=" + path_of(ctx.attr.model_spec[ModelSpecInfo].file))
    if ctx.attr.hardware:
        arguments.append("--hardware=" + ctx.attr.hardware)
    if ctx.attr.hardware_spec:
        arguments.append("--hardware=" + path_of(ctx.attr.hardware_spec[HardwareSpecInfo].file))
    if ctx.file.scenario:
        arguments.append("--scenario=" + path_of(ctx.file.scenario))
    return arguments + ctx.attr.flags

def _exec_path(file):
    return file.path

def _runfiles_path(file):
    return file.short_path

# Studies: answers as files.

def _declare_answer(ctx):
    """The file that holds an answer in ctx.attr.format."""
    if ctx.attr.format not in _EXTENSIONS:
        fail("expected one of %s, found \"%s\"" %
             (", ".join(sorted(_EXTENSIONS)), ctx.attr.format), "format")
    return ctx.actions.declare_file(ctx.label.name + "." + _EXTENSIONS[ctx.attr.format])

def _study_impl(ctx):
    out = _declare_answer(ctx)
    ctx.actions.run(
        arguments = [ctx.attr.command, "--format=" + ctx.attr.format, "--out=" + out.path] +
                    _point_arguments(ctx, _exec_path),
        executable = ctx.executable._tool,
        # A faulty spec fails in its own action, with every fault, before it is
        # used here.
        inputs = depset(
            [spec.lint for spec in _specs(ctx)],
            transitive = [_point_inputs(ctx)],
        ),
        mnemonic = "TokenjouleStudy",
        outputs = [out],
        progress_message = "Predicting " + str(ctx.label),
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

_study = rule(
    implementation = _study_impl,
    attrs = dict(
        _POINT_ATTRS,
        command = attr.string(doc = "The sub-command.", mandatory = True),
        format = attr.string(doc = "Format of the answer.", mandatory = True),
        _tool = _BUILD_TOOL,
    ),
)

def energy_report(
        name,
        model = None,
        hardware = None,
        scenario = None,
        flags = [],
        format = "table",
        **kwargs):
    """The answer of `tokenjoule analyze` as a file.

    Args:
      name: the target; its file is name.txt, name.json, name.csv, name.svg,
        name.vl.json or name.html.
      model: a name of the catalogue or the label of a model_spec; may be left to
        the scenario.
      hardware: a name of the catalogue or the label of a hardware_spec; likewise.
      scenario: label of a Scenario textproto.
      flags: flags of `analyze`, e.g. ["--batch=64"]; they win over the scenario.
      format: "table", "json", "csv", "svg", "vega", or "html" for a page that needs no
        network and no program.
      **kwargs: visibility, tags and what else every rule takes.
    """
    kwargs.update(_point(model, hardware, scenario, flags))
    _study(name = name, command = "analyze", format = format, **kwargs)

def _list(values):
    if type(values) in ["list", "tuple"]:
        return ",".join([str(value) for value in values])
    return str(values)

def batch_study(
        name,
        model = None,
        hardware = None,
        scenario = None,
        batches = None,
        contexts = None,
        flags = [],
        format = "table",
        **kwargs):
    """The answer of `tokenjoule batch` as a file.

    Args:
      name: the target; its file is name.txt, name.json, name.csv, name.svg,
        name.vl.json or name.html.
      model: a name of the catalogue or the label of a model_spec; may be left to
        the scenario.
      hardware: a name of the catalogue or the label of a hardware_spec; likewise.
      scenario: label of a Scenario textproto.
      batches: batches to study: a list of numbers, or text as --batch takes it
        ("1:1024:x2"); the default of `batch` if left out.
      contexts: context or contexts: a number, a list of numbers, or text as
        --context takes it.
      flags: further flags of `batch`.
      format: "table", "json", "csv", "svg", "vega", or "html" for a page.
      **kwargs: visibility, tags and what else every rule takes.
    """
    lists = []
    if batches != None:
        lists.append("--batch=" + _list(batches))
    if contexts != None:
        lists.append("--context=" + _list(contexts))
    kwargs.update(_point(model, hardware, scenario, lists + flags))
    _study(name = name, command = "batch", format = format, **kwargs)

# Sweeps: searches of design spaces; each shard is an action of its own.

def _sweep_impl(ctx):
    if ctx.attr.shards < 1:
        fail("expected at least 1, found %d" % ctx.attr.shards, "shards")
    if ctx.attr.format == "html":
        fail("the parts of a search are merged without pages; expected table, json, csv, svg or sqlite", "format")
    inputs = depset([ctx.file.space] + ctx.files.data)
    parts = []
    for i in range(ctx.attr.shards):
        part = ctx.actions.declare_file("%s.shard-%d.json" % (ctx.label.name, i))
        ctx.actions.run(
            arguments = [
                "sweep",
                "--space=" + ctx.file.space.path,
                "--shard=%d/%d" % (i, ctx.attr.shards),
                # One thread per shard, because Bazel runs as many shards as
                # there are processors.
                "--threads=1",
                "--format=json",
                "--out=" + part.path,
            ],
            executable = ctx.executable._tool,
            inputs = inputs,
            mnemonic = "TokenjouleSweep",
            outputs = [part],
            progress_message = "Searching %s, shard %d" % (ctx.label, i),
        )
        parts.append(part)
    out = _declare_answer(ctx)
    ctx.actions.run(
        arguments = [
            "merge",
            "--space=" + ctx.file.space.path,
            "--format=" + ctx.attr.format,
            "--out=" + out.path,
        ] + [part.path for part in parts],
        executable = ctx.executable._tool,
        inputs = depset(parts, transitive = [inputs]),
        mnemonic = "TokenjouleMerge",
        outputs = [out],
        progress_message = "Merging %s" % ctx.label,
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

energy_sweep = rule(
    implementation = _sweep_impl,
    doc = "The Pareto front of a design space as a file. Each shard is a separate " +
          "action, which is cached, repeated separately, and run on other machines " +
          "if Bazel has remote execution. The file does not depend on `shards`.",
    attrs = {
        "data": attr.label_list(
            doc = "Textprotos that the space names by path, from the workspace's root.",
            allow_files = [".textproto"],
        ),
        "format": attr.string(
            doc = "table, json, csv, svg, vega or sqlite.",
            default = "table",
        ),
        "shards": attr.int(
            doc = "Number of actions that share the points.",
            default = 1,
        ),
        "space": attr.label(
            doc = "Textproto of the message DesignSpace.",
            allow_single_file = [".textproto"],
            mandatory = True,
        ),
        "_tool": _SEARCH_TOOL,
    },
)

# Gates: answers checked against budgets and baselines.

_CHECK_ATTRS = dict(
    dict(_POINT_ATTRS, **_TEST_TOOLS),
    baseline = attr.label(
        doc = "The baseline; absent if the file does not exist yet.",
        allow_single_file = [".textproto"],
    ),
    baseline_path = attr.string(doc = "Its path from the package; empty: only budgets."),
    expectations = attr.string_list(doc = "Flags of budgets and tolerances."),
)

def _test_tool(ctx):
    """The tool that a test runs, with its runfiles."""
    return (ctx.attr.tool or ctx.attr._tool)[DefaultInfo]

def _quote(text):
    """`text` as one word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"

_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+,"

def _word(text):
    """The same for a command that people read: without quotation marks if it needs none."""
    for letter in text.elems():
        if letter not in _PLAIN:
            return _quote(text)
    return text

def _label_text(label):
    """The label as a command line takes it, the same in every Bazel."""
    repository = "@" + label.workspace_name if label.workspace_name else ""
    return "%s//%s:%s" % (repository, label.package, label.name)

def _baseline_from_workspace(ctx):
    package = ctx.label.package
    return (package + "/" if package else "") + ctx.attr.baseline_path

def _check_command(ctx):
    """The words of `tokenjoule check` without its baseline."""
    words = [_test_tool(ctx).files_to_run.executable.short_path, "check"]
    words += _point_arguments(ctx, _runfiles_path) + ctx.attr.expectations
    return " ".join([_quote(word) for word in words])

def _executable(ctx, script, files):
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        executable,
        "#!/bin/sh\n# Runs in its runfiles, as bazel test and bazel run do: paths are of there\n" +
        "# and not of the caller's folder.\nunset BUILD_WORKING_DIRECTORY\n" + script,
        is_executable = True,
    )
    runfiles = ctx.runfiles(files = files, transitive_files = _point_inputs(ctx))
    runfiles = runfiles.merge(_test_tool(ctx).default_runfiles)
    return [DefaultInfo(executable = executable, runfiles = runfiles)]

def _check_test_impl(ctx):
    words = ["--name=" + _label_text(ctx.label)]
    if ctx.attr.baseline_path:
        baseline = ctx.file.baseline
        words += [
            "--baseline=" + (baseline.short_path if baseline else _baseline_from_workspace(ctx)),
            "--update-command=bazel run " + _word(_label_text(ctx.label) + "_update"),
        ]

    # The summary for a pull request and the cases for a CI system's pages.
    script = """exec {check} {words} \\
  ${{XML_OUTPUT_FILE:+"--junit=$XML_OUTPUT_FILE"}} \\
  ${{TEST_UNDECLARED_OUTPUTS_DIR:+"--markdown=$TEST_UNDECLARED_OUTPUTS_DIR/summary.md"}} \\
  "$@"
""".format(check = _check_command(ctx), words = " ".join([_quote(word) for word in words]))
    files = [_test_tool(ctx).files_to_run.executable]
    if ctx.file.baseline:
        files.append(ctx.file.baseline)
    return _executable(ctx, script, files)

_energy_check_test = rule(
    implementation = _check_test_impl,
    attrs = _CHECK_ATTRS,
    test = True,
)

def _update_impl(ctx):
    script = """if [ -z "${{BUILD_WORKSPACE_DIRECTORY:-}}" ]; then
  printf '%s\\n' {advice} >&2
  exit 2
fi
baseline=$BUILD_WORKSPACE_DIRECTORY/{path}
mkdir -p "$(dirname "$baseline")" || exit 3
exec {check} --update "--baseline=$baseline" "$@"
""".format(
        check = _check_command(ctx),
        advice = _quote("run it with: bazel run " + _word(_label_text(ctx.label))),
        path = _quote(_baseline_from_workspace(ctx)),
    )
    return _executable(ctx, script, [_test_tool(ctx).files_to_run.executable])

_energy_baseline_update = rule(
    implementation = _update_impl,
    attrs = _CHECK_ATTRS,
    executable = True,
)

def _is_path_in_package(path):
    """Whether `path` names one textproto below a package: no label, no pattern of glob."""
    if not path.endswith(".textproto") or _is_label(path) or "*" in path:
        return False
    for part in path.split("/"):
        if part in ["", ".", ".."]:
            return False
    return True

def _expectations(budgets, tolerance, tolerances, both_ways):
    flags = ["--%s=%s" % (name, value) for name, value in budgets if value != None]
    for name, value in tolerances:
        if value == None:
            value = tolerance
        if value != None:
            flags.append("--%s=%s" % (name, value))
    return flags + (["--both-ways"] if both_ways else [])

def energy_regression_test(
        name,
        model = None,
        hardware = None,
        scenario = None,
        baseline = None,
        flags = [],
        max_energy_per_token_j = None,
        max_step_time_ms = None,
        max_dram_share = None,
        max_stack_share = None,
        tolerance = None,
        energy_tolerance = None,
        step_time_tolerance = None,
        dram_share_tolerance = None,
        both_ways = False,
        size = "small",
        tool = None,
        visibility = None,
        **kwargs):
    """A test that fails if energy, step time or DRAM share get worse.

    Makes two targets: the test, and name_update, which writes the baseline:
    `bazel run :name_update`, even if there is none yet.

    Args:
      name: the test.
      model: a name of the catalogue or the label of a model_spec; may be left to
        the scenario.
      hardware: a name of the catalogue or the label of a hardware_spec; likewise.
      scenario: label of a Scenario textproto; its `expect` counts too.
      baseline: path of the baseline's textproto, from this package and inside it;
        without one only budgets count.
      flags: flags of a scenario, e.g. ["--batch=64"]; they win over its file.
      max_energy_per_token_j: budget of energy per token at the scenario's
        boundary, J.
      max_step_time_ms: budget of step time, ms.
      max_dram_share: budget of the share of DRAM with the memory path, 0 to 1.
      max_stack_share: budget of the share of the DRAM devices alone, 0 to 1.
      tolerance: how much worse than the baseline each figure may get, as a share;
        0.01 if neither this nor the tolerance of the figure is given.
      energy_tolerance: the same for energy per token only.
      step_time_tolerance: the same for step time only.
      dram_share_tolerance: the same for the DRAM share only.
      both_ways: whether a figure that is better by more than its tolerance fails
        too.
      size: the test's size.
      tool: label of a tokenjoule to run, built in the configuration of the test.
        By default the test runs the one that build actions run, which is built
        for the machine that builds.
      visibility: of the test and its update.
      **kwargs: tags and what else every test takes.
    """
    if baseline != None and not _is_path_in_package(baseline):
        fail(("expected the path of one textproto in this package, " +
              "e.g. \"%s_baseline.textproto\", found \"%s\"") % (name, baseline), "baseline")
    attributes = _point(model, hardware, scenario, flags)
    attributes["tool"] = tool
    attributes["expectations"] = _expectations(
        [
            ("max_energy_per_token_j", max_energy_per_token_j),
            ("max_step_time_ms", max_step_time_ms),
            ("max_dram_share", max_dram_share),
            ("max_stack_share", max_stack_share),
        ],
        tolerance,
        [
            ("energy_tolerance", energy_tolerance),
            ("step_time_tolerance", step_time_tolerance),
            ("dram_share_tolerance", dram_share_tolerance),
        ],
        both_ways,
    )
    if baseline != None:
        attributes["baseline_path"] = baseline
        _energy_baseline_update(
            name = name + "_update",
            testonly = True,
            visibility = visibility,
            **attributes
        )

        # A label of a missing file would not load, and name_update could then
        # not write it.
        if native.glob([baseline], allow_empty = True) == [baseline]:
            attributes["baseline"] = baseline
    attributes.update(kwargs)
    _energy_check_test(name = name, size = size, visibility = visibility, **attributes)

def _update_all_impl(ctx):
    executable = ctx.actions.declare_file(ctx.label.name)
    runfiles = ctx.runfiles()
    script = "#!/bin/sh\n# Runs each update in turn; stops at the first that fails.\nset -e\n"
    for update in ctx.attr.updates:
        program = update[DefaultInfo].files_to_run.executable
        script += _quote("./" + program.short_path) + "\n"
        runfiles = runfiles.merge(update[DefaultInfo].default_runfiles)
    ctx.actions.write(executable, script, is_executable = True)
    return [DefaultInfo(executable = executable, runfiles = runfiles)]

_energy_update_all = rule(
    implementation = _update_all_impl,
    attrs = {
        "updates": attr.label_list(doc = "Update targets.", cfg = "target"),
    },
    executable = True,
)

def energy_update_all(name, tests, **kwargs):
    """Rewrites the baselines of many tests: `bazel run :name`.

    Args:
      name: the target.
      tests: labels of energy_regression_tests that have baselines.
      **kwargs: visibility, tags and what else every rule takes.
    """
    _energy_update_all(
        name = name,
        testonly = True,
        updates = [test + "_update" for test in tests],
        **kwargs
    )
