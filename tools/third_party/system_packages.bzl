"""Repositories over the libraries that the Linux distribution has installed.

`system_packages()` in WORKSPACE makes every external repository that the build
needs, also in a workspace that has this one as a repository. Libraries are asked of pkg-config; a missing one names the apt package
that brings it. Bazel's own rule repositories (rules_java,
bazel_skylib, platforms) are the copies that Debian ships beside bazel-bootstrap.
Labels equal those of the upstream projects, so that the same BUILD files work
with upstream's own repositories.
"""

# Bazel package -> {target: pkg-config module}. There is one target per Abseil
# library: pkg-config gives its transitive closure, and a missing dependency is
# found at link time.
_ABSL = {
    "absl/algorithm": {"container": "absl_algorithm_container"},
    "absl/base": {"core_headers": "absl_core_headers"},
    "absl/container": {
        "flat_hash_map": "absl_flat_hash_map",
        "flat_hash_set": "absl_flat_hash_set",
        "inlined_vector": "absl_inlined_vector",
    },
    "absl/functional": {"function_ref": "absl_function_ref"},
    "absl/status": {
        "status": "absl_status",
        "statusor": "absl_statusor",
    },
    "absl/strings": {
        "str_format": "absl_str_format",
        "strings": "absl_strings",
    },
    "absl/synchronization": {"synchronization": "absl_synchronization"},
    "absl/time": {"time": "absl_time"},
    "absl/types": {
        "optional": "absl_optional",
        "span": "absl_span",
    },
}

_HEADER = "package(default_visibility = [\"//visibility:public\"])\n"

def _pkg_config(ctx, option, module, apt_package):
    pkg_config = ctx.which("pkg-config")
    if not pkg_config:
        fail("pkg-config is not installed. Install it with: sudo apt-get install pkg-config")
    result = ctx.execute([pkg_config, option, module])
    if result.return_code != 0:
        fail(("pkg-config does not know %s. Install it with: sudo apt-get install %s\n%s") %
             (module, apt_package, result.stderr))
    return result.stdout

def _linkopts(ctx, module, apt_package):
    # split() of Bazel 4.2.3's Starlark requires a separator.
    flags = _pkg_config(ctx, "--libs", module, apt_package).replace("\n", " ").split(" ")
    return [flag for flag in flags if flag]

def _version(ctx, module, apt_package):
    return _pkg_config(ctx, "--modversion", module, apt_package).strip()

def _cc_library(name, linkopts, deps = []):
    return """
cc_library(
    name = "{name}",
    linkopts = {linkopts},
    deps = {deps},
)
""".format(name = name, linkopts = repr(linkopts), deps = repr(deps))

def _absl_impl(ctx):
    for package, targets in _ABSL.items():
        content = _HEADER
        for target, module in targets.items():
            content += _cc_library(target, _linkopts(ctx, module, "libabsl-dev"))
        ctx.file(package + "/BUILD", content)

_absl = repository_rule(implementation = _absl_impl, local = True)

def _protobuf_impl(ctx):
    protoc = ctx.which("protoc")
    if not protoc:
        fail("protoc is not installed. Install it with: sudo apt-get install protobuf-compiler")
    ctx.symlink(protoc, "protoc_binary")

    # Custom field options extend descriptor.proto. Its C++ code is in
    # libprotobuf, so the toolchain is told not to generate it again.
    include = "/usr/include/google/protobuf/descriptor.proto"
    if not ctx.path(include).exists:
        fail("%s is missing. Install it with: sudo apt-get install libprotobuf-dev" % include)
    ctx.symlink(include, "src/google/protobuf/descriptor.proto")
    linkopts = _linkopts(ctx, "protobuf", "libprotobuf-dev")
    ctx.file("BUILD", _HEADER + _cc_library("protobuf", linkopts) + """
sh_binary(
    name = "protoc",
    srcs = ["protoc_binary"],
)

proto_library(
    name = "descriptor_proto",
    srcs = ["src/google/protobuf/descriptor.proto"],
    strip_import_prefix = "src",
)

proto_lang_toolchain(
    name = "cc_toolchain",
    blacklisted_protos = [":descriptor_proto"],
    command_line = "--cpp_out=$(OUT)",
    runtime = ":protobuf",
)
""")

_protobuf = repository_rule(implementation = _protobuf_impl, local = True)

def _googletest_impl(ctx):
    ctx.file("BUILD", _HEADER +
                      _cc_library("gtest", _linkopts(ctx, "gmock", "libgmock-dev")) +
                      _cc_library("gtest_main", _linkopts(ctx, "gmock_main", "libgmock-dev"), [":gtest"]))

_googletest = repository_rule(implementation = _googletest_impl, local = True)

def _benchmark_impl(ctx):
    linkopts = _linkopts(ctx, "benchmark", "libbenchmark-dev")
    ctx.file("BUILD", _HEADER +
                      _cc_library("benchmark", linkopts) +
                      _cc_library("benchmark_main", ["-lbenchmark_main"] + linkopts, [":benchmark"]))

_benchmark = repository_rule(implementation = _benchmark_impl, local = True)

def _nlohmann_json_impl(ctx):
    # This library has only headers and needs no linking.
    ctx.file("BUILD", _HEADER +
                      _cc_library("json", _linkopts(ctx, "nlohmann_json", "nlohmann-json3-dev")))

def _boost_impl(ctx):
    # Boost ships no pkg-config file. Beast and Asio have only headers and need no
    # linking.
    if not ctx.path("/usr/include/boost/beast/version.hpp").exists:
        fail("Boost is not installed. Install it with: sudo apt-get install libboost-dev")
    ctx.file("BUILD", _HEADER +
                      _cc_library("asio", ["-pthread"]) +
                      _cc_library("beast", [], [":asio"]))

_boost = repository_rule(implementation = _boost_impl, local = True)

# Scripts of the page, minified as the distribution ships them, and their
# licence.
_D3_FILES = {
    "d3.min.js": "/usr/share/nodejs/d3/dist/d3.min.js",
    "d3-sankey.min.js": "/usr/share/nodejs/d3-sankey/dist/d3-sankey.min.js",
    "LICENSE": "/usr/share/doc/node-d3/copyright",
}

def _d3_impl(ctx):
    for name, path in _D3_FILES.items():
        if not ctx.path(path).exists:
            fail("%s is missing. Install it with: sudo apt-get install node-d3" % path)
        ctx.symlink(path, name)
    ctx.file("BUILD", _HEADER + """
filegroup(
    name = "d3",
    srcs = [
        "d3.min.js",
        "d3-sankey.min.js",
    ],
)

exports_files(["LICENSE"])
""")

_d3 = repository_rule(implementation = _d3_impl, local = True)

def _sqlite3_impl(ctx):
    ctx.file("BUILD", _HEADER +
                      _cc_library("sqlite3", _linkopts(ctx, "sqlite3", "libsqlite3-dev")))

_sqlite3 = repository_rule(implementation = _sqlite3_impl, local = True)

def _ceres_impl(ctx):
    # Ceres ships no pkg-config file; Eigen's headers are in a folder of their own.
    if not ctx.path("/usr/include/ceres/ceres.h").exists:
        fail("Ceres is not installed. Install it with: sudo apt-get install libceres-dev")
    ctx.file("BUILD", _HEADER + """
cc_library(
    name = "ceres",
    copts = ["-isystem/usr/include/eigen3"],
    linkopts = ["-lceres", "-lglog"],
)

# glog's headers do not say which version they are.
cc_library(
    name = "glog",
    defines = ["TOKENJOULE_GLOG_VERSION={glog}"],
)
""".format(glog = _version(ctx, "libglog", "libgoogle-glog-dev")))

_ceres = repository_rule(implementation = _ceres_impl, local = True)

def _pagmo_impl(ctx):
    # pagmo ships no pkg-config file; its headers serialize with Boost and want
    # Eigen's folder.
    if not ctx.path("/usr/include/pagmo/pagmo.hpp").exists:
        fail("pagmo is not installed. Install it with: sudo apt-get install libpagmo-dev")
    ctx.file("BUILD", _HEADER + """
cc_library(
    name = "pagmo",
    linkopts = ["-lpagmo", "-lboost_serialization", "-ltbb"],
)
""")

_pagmo = repository_rule(implementation = _pagmo_impl, local = True)

_nlohmann_json = repository_rule(implementation = _nlohmann_json_impl, local = True)

def _distribution_rules_impl(ctx):
    for candidate in ctx.attr.candidates:
        source = ctx.path(candidate)
        if source.exists:
            for entry in source.readdir():
                ctx.symlink(entry, entry.basename)
            return
    fail("none of %s exists. Install it with: sudo apt-get install %s" %
         (", ".join(ctx.attr.candidates), ctx.attr.apt_package))

_distribution_rules = repository_rule(
    implementation = _distribution_rules_impl,
    attrs = {
        "apt_package": attr.string(mandatory = True),
        "candidates": attr.string_list(mandatory = True),
    },
    local = True,
)

def _stand_in_impl(ctx):
    # The repository that contains this file, which may not be the main one; the
    # path of local_repository would be relative to the main one.
    for entry in ctx.path(ctx.attr.workspace_file).dirname.readdir():
        ctx.symlink(entry, entry.basename)

_stand_in = repository_rule(
    implementation = _stand_in_impl,
    attrs = {"workspace_file": attr.label(mandatory = True)},
    local = True,
)

def system_packages():
    """Declares every external repository of this workspace."""
    _absl(name = "com_google_absl")
    _protobuf(name = "com_google_protobuf")
    _googletest(name = "com_google_googletest")
    _benchmark(name = "com_github_google_benchmark")
    _boost(name = "boost")
    _ceres(name = "ceres_solver")
    _d3(name = "d3")
    _nlohmann_json(name = "nlohmann_json")
    _pagmo(name = "pagmo2")
    _sqlite3(name = "sqlite3")

    # Rules that Bazel would otherwise download.
    _distribution_rules(
        name = "rules_java",
        apt_package = "bazel-rules-java",
        candidates = ["/usr/share/bazel/rules/java"],
    )
    _distribution_rules(
        name = "bazel_skylib",
        apt_package = "bazel-skylib",
        candidates = [
            "/usr/share/bazel/tools/skylib",
            "/usr/share/bazel/skylib",
        ],
    )
    _distribution_rules(
        name = "platforms",
        apt_package = "bazel-platforms",
        candidates = [
            "/usr/share/bazel/tools/platforms",
            "/usr/share/bazel/platforms",
        ],
    )
    _stand_in(
        name = "rules_cc",
        workspace_file = Label("//tools/third_party/rules_cc:WORKSPACE"),
    )
    _stand_in(
        name = "rules_proto",
        workspace_file = Label("//tools/third_party/rules_proto:WORKSPACE"),
    )
    _stand_in(
        name = "remote_coverage_tools",
        workspace_file = Label("//tools/third_party/coverage:WORKSPACE"),
    )
