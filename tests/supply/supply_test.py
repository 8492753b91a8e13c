#!/usr/bin/env python3
"""What the binaries say about the software in them is true and complete.

    supply_test.py SBOM TOKENJOULE TOKENJOULE_STATIC

Compares versions with those of the packages, the list with what the binaries are
linked with and what the sources include, and the list of components with the
rules of SPDX. Needs dpkg; elsewhere it only checks the rules.
"""

import copy
import functools
import glob
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

# Nothing is written beside the sources.
sys.dont_write_bytecode = True
import spdx_rules

SBOM_PATH, FULL, STATIC = (os.path.abspath(path) for path in sys.argv[1:4])
del sys.argv[1:4]
# The workspace: this file is a link to it.
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
HAS_DPKG = shutil.which("dpkg-query") is not None

_spec = importlib.util.spec_from_file_location("sbom", SBOM_PATH)
sbom = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sbom)

# Packages that tools/bazel installs and of which no binary has anything: tools
# of the build and libraries of tests and benchmarks.
NOT_IN_BINARIES = {"libbenchmark-dev", "libgtest-dev", "libgmock-dev",
                   "pkg-config", "python3"}
# Libraries whose headers are used too, which leaves a binary without the library.
WITH_HEADERS = {"Boost"}
# The package g++ is of gcc-defaults; the compiler's own source is gcc-12.
# libboost-dev only points to the package of the current version.
ALSO_FROM = {"g++": "GCC runtime", "libboost-dev": "Boost"}


def output(*command, **environment):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          env=dict(os.environ, **environment)).stdout.decode()


@functools.lru_cache(maxsize=None)
def components(binary, *flags):
    return json.loads(output(binary, "licenses", "--format=json",
                             *flags))["components"]


def names(binary):
    return {component["name"] for component in components(binary)}


class SupplyTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.packages = sbom.Packages()
        cls.documents = {binary: json.loads(output(SBOM_PATH, binary))
                         for binary in (FULL, STATIC)}

    def component_of(self, package):
        for component in components(FULL, "--all"):
            if re.match(re.escape(component["debian_source"]) + r"[0-9.]*$",
                        package["source"]):
                return component
        return None

    def test_versions_of_the_list_are_those_of_version(self):
        for binary in (FULL, STATIC):
            said = output(binary, "version", "--verbose")
            for component in components(binary):
                self.assertRegex(said, rf"(?m)^ *{re.escape(component['name'])} "
                                 rf"+{re.escape(component['version'])}$")
        self.assertEqual(output(FULL, "licenses"), output(FULL, "--licenses"))

    @unittest.skipUnless(HAS_DPKG, "versions are compared with dpkg's")
    def test_versions_are_those_of_the_packages(self):
        for binary in (FULL, STATIC):
            for component in components(binary):
                name = component["name"]
                packages = self.packages.of_source(component["debian_source"])
                self.assertTrue(packages, name)
                versions = {sbom.upstream(package["version"])
                            for package in packages}
                if component["use"] == "script":
                    # The package brings several scripts.
                    with open(f"/usr/share/nodejs/{name}/package.json",
                              encoding="utf-8") as file:
                        versions = {json.load(file)["version"]}
                if name == "GCC runtime":
                    # A binary of Clang knows only the first number.
                    numbers = component["version"].count(".") + 1
                    versions = {".".join(version.split(".")[:numbers])
                                for version in versions}
                self.assertIn(component["version"], versions, name)

    @unittest.skipUnless(HAS_DPKG, "versions are compared with dpkg's")
    def test_the_compiler_is_the_installed_one(self):
        name, version = sbom.Sbom(FULL).compiler.split(" ")
        if name == "GCC":
            self.assertEqual(version, output("g++", "-dumpfullversion").strip())
        else:
            self.assertIn(f"version {version}", output("clang", "--version"))

    @unittest.skipUnless(HAS_DPKG, "dpkg says whose a library is")
    def test_every_shared_library_is_listed(self):
        paths = sbom.loaded(FULL)
        owners = self.packages.owners(sorted(set(paths.values())))
        self.assertEqual(set(owners), set(paths.values()))
        for path, package in owners.items():
            self.assertIsNotNone(self.component_of(package),
                                 f"{path} is of {package['source']}")
        needed = {self.component_of(owners[paths[name]])["name"]
                  for name in sbom.needed(FULL)}
        self.assertGreater(len(needed), 5)
        self.assertLessEqual(needed, names(FULL))
        # And nothing is listed as a library that is none of the binary's.
        loaded = {self.component_of(package)["name"]
                  for package in owners.values()}
        for component in components(FULL):
            if component["use"] == "library" and \
                    component["name"] not in WITH_HEADERS:
                self.assertIn(component["name"], loaded)

    @unittest.skipUnless(HAS_DPKG, "dpkg says whose an archive is")
    def test_every_archive_of_the_static_binary_is_listed(self):
        self.assertEqual(sbom.needed(STATIC), [])
        self.assertEqual(sbom.loaded(STATIC), {})
        triplet = output("gcc", "-print-multiarch").strip()
        archives = [path for folder in (f"/usr/lib/{triplet}",
                                        f"/usr/lib/gcc/{triplet}/*")
                    for path in sorted(glob.glob(folder + "/*.a"))
                    if not os.path.islink(path)]
        owners = self.packages.owners(archives)
        symbols = sbom.strong_symbols(STATIC) - {"main"}
        self.assertGreater(len(symbols), 5000)
        defined = {path: symbols & sbom.strong_symbols(path)
                   for path in owners}
        listed, explained = set(), set()
        for path, theirs in defined.items():
            component = self.component_of(owners[path])
            if component and component["name"] in names(STATIC):
                explained |= theirs
                if theirs:
                    listed.add(component["name"])
        for path, theirs in defined.items():
            # Names that a listed library has too are that one's.
            self.assertEqual(theirs - explained, set(),
                             f"{path} is in the binary and not listed")
        for component in components(STATIC):
            if component["use"] == "library" and \
                    component["name"] not in WITH_HEADERS:
                self.assertIn(component["name"], listed)

    @unittest.skipUnless(HAS_DPKG, "dpkg says whose a package is")
    def test_packages_of_the_build_are_listed(self):
        with open(os.path.join(ROOT, "tools", "bazel"), encoding="utf-8") as file:
            wanted = re.search(r"^libraries=\(([^)]*)\)", file.read(),
                               re.MULTILINE).group(1).split()
        self.assertGreater(len(wanted), 10)
        for name in wanted:
            if name in NOT_IN_BINARIES:
                continue
            self.assertIn(name, self.packages.by_name)
            component = self.component_of(self.packages.by_name[name])
            listed = component["name"] if component else ALSO_FROM.get(name)
            self.assertIn(listed, names(FULL), name)

    @unittest.skipUnless(HAS_DPKG, "dpkg says whose a header is")
    def test_included_headers_are_listed(self):
        headers = set()
        for folder in ("analyzer", "tools"):
            for path in glob.glob(os.path.join(ROOT, folder, "**"),
                                  recursive=True):
                if not path.endswith((".h", ".cc")) or "_test." in path or \
                        "/testing/" in path or "benchmark" in path:
                    continue
                with open(path, encoding="utf-8") as file:
                    headers |= set(re.findall(
                        r'^ *#include ["<]([^">]+)[">]', file.read(),
                        re.MULTILINE))
        paths = {}
        triplet = output("gcc", "-print-multiarch").strip()
        for header in headers:
            for folder in ("/usr/include", "/usr/include/eigen3",
                           "/usr/include/" + triplet):
                path = os.path.realpath(os.path.join(folder, header))
                if os.path.exists(path):
                    paths[path] = header
        self.assertGreater(len(paths), 30)
        owners = self.packages.owners(sorted(paths))
        # Kernel headers describe an interface and bring no code.
        allowed = names(FULL)
        for path, package in owners.items():
            if package["source"] in ("linux", "linux-signed-amd64"):
                continue
            component = self.component_of(package)
            self.assertIn(component["name"] if component else package["source"],
                          allowed, path)

    def test_documents_keep_the_rules(self):
        for binary, document in self.documents.items():
            self.assertEqual(spdx_rules.spdx_faults(document), [], binary)
            packages = {package["name"]: package
                        for package in document["packages"]}
            self.assertIn("tokenjoule", packages)
            self.assertGreater(len(packages), 8)
            if not HAS_DPKG:
                continue
            for package in packages.values():
                self.assertNotEqual(package["licenseDeclared"], "NOASSERTION",
                                    package["name"])
                self.assertNotEqual(package["versionInfo"], "NOASSERTION",
                                    package["name"])

    def test_documents_have_every_component(self):
        for binary, document in self.documents.items():
            text = json.dumps(document)
            for component in components(binary):
                self.assertIn(json.dumps(component["copyright"]), text)
        kinds = {binary: {relationship["relationshipType"]
                          for relationship in document["relationships"]}
                 for binary, document in self.documents.items()}
        if HAS_DPKG:
            self.assertIn("DYNAMIC_LINK", kinds[FULL])
            self.assertIn("STATIC_LINK", kinds[STATIC])
            self.assertNotIn("DYNAMIC_LINK", kinds[STATIC])
            archives = {os.path.basename(file["fileName"])
                        for file in self.documents[STATIC]["files"]}
            self.assertLessEqual({"libc.a", "libgcc_eh.a", "libprotobuf.a",
                                  "libsqlite3.a", "libstdc++.a"}, archives)
            # Allocators and parts of the same names.
            self.assertFalse({"libtsan.a", "libsupc++.a"} & archives)

    def test_the_rules_find_faults(self):
        def broken(change):
            document = copy.deepcopy(self.documents[FULL])
            change(document)
            return spdx_rules.spdx_faults(document)

        package = self.documents[FULL]["packages"].index(next(
            package for package in self.documents[FULL]["packages"]
            if package["filesAnalyzed"]))
        for change in (
                lambda d: d.pop("documentNamespace"),
                lambda d: d.update(spdxVersion="SPDX-2.2"),
                lambda d: d["creationInfo"].update(created="yesterday"),
                lambda d: d["packages"][package].pop("versionInfo"),
                lambda d: d["packages"][package].update(licenseDeclared="BSD"),
                lambda d: d["packages"][package].update(
                    licenseDeclared="MIT AND"),
                lambda d: d["packages"][package].update(supplier="Debian"),
                lambda d: d["packages"][package].update(SPDXID="x"),
                lambda d: d["packages"][package]["packageVerificationCode"]
                .update(packageVerificationCodeValue="0" * 40),
                lambda d: d["files"][0].update(checksums=[]),
                lambda d: d["files"].pop(0),
                lambda d: d["packages"].append(d["packages"][0]),
                lambda d: d["relationships"][0].update(
                    relationshipType="KNOWS"),
                lambda d: d["relationships"].append(d["relationships"][0])
                if d["relationships"][0]["relationshipType"] == "DESCRIBES"
                else d["relationships"].clear()):
            self.assertNotEqual(broken(change), [])

    def test_documents_are_the_same_bytes(self):
        first = output(SBOM_PATH, FULL)
        second = output(SBOM_PATH, FULL, TZ="Asia/Tokyo", LC_ALL="C.UTF-8",
                        PYTHONHASHSEED="7", HOME="/nonexistent")
        self.assertEqual(first, second)
        self.assertIn('"created": "1970-01-01T00:00:00Z"', first)
        dated = output(SBOM_PATH, FULL, SOURCE_DATE_EPOCH="1700000000")
        self.assertEqual(first.replace("1970-01-01T00:00:00Z",
                                       "2023-11-14T22:13:20Z"), dated)

    def test_faults_exit_with_three(self):
        for arguments, code in ((["/no/such/binary"], 3), ([], 2),
                                ([FULL, FULL], 2), (["/bin/ls"], 3)):
            run = subprocess.run([SBOM_PATH, *arguments], check=False,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(run.returncode, code, arguments)
            self.assertEqual(run.stdout, b"")
            self.assertNotIn(b"Traceback", run.stderr)

    def test_notices_are_in_the_binaries(self):
        fixed = output(STATIC, "licenses", "--text")
        for part in ("Apache License", "Copyright 2008 Google Inc.",
                     "Niels Lohmann", "Mike Bostock",
                     "GNU LESSER GENERAL PUBLIC LICENSE\n",
                     "GCC RUNTIME LIBRARY EXCEPTION",
                     "Regents of the University of California"):
            self.assertIn(part, fixed)
        for part in ("PaGMO", "Mozilla Public License"):
            self.assertNotIn(part, fixed)
            self.assertIn(part, output(FULL, "licenses", "--text"))

    # A page that someone writes and passes on has the notices of its scripts.
    def test_pages_have_the_notices_of_their_scripts(self):
        page = output(STATIC, "analyze", "--model=llama-3.1-8b",
                      "--hardware=h100-sxm", "--format=html")
        self.assertIn("Redistributions in binary form must reproduce the", page)
        self.assertIn("Copyright 2010-2022 Mike Bostock", page)
        self.assertEqual(page.count("d3js.org v"), 1)

    def test_texts_are_written_to_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "NOTICES.txt")
            output(STATIC, "licenses", "--text", "--out=" + path)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), output(STATIC, "licenses", "--text"))


if __name__ == "__main__":
    unittest.main()
