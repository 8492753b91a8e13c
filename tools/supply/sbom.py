#!/usr/bin/env python3
"""Lists the components of a tokenjoule binary as an SPDX 2.3 document (JSON).

    ./tools/bazel run //tools:sbom > tokenjoule.spdx.json
    ./tools/bazel run //tools:sbom_static > tokenjoule_static.spdx.json
    tools/supply/sbom.py BINARY [--out=FILE]

Names, versions and licences are those that the binary states (`tokenjoule
licenses`), so that there is no second list. Which packages of the distribution
they come from, with which version, and the files with their hashes are read from
this machine: the shared libraries that the loader finds, or the archives whose
symbols a static binary has. Run it where the binary was built.

The document is the same bytes for the same binary and packages. Its date is
SOURCE_DATE_EPOCH, or the first second of 1970. Exits with 3 if something cannot
be read. Needs binutils, and dpkg for packages; without dpkg no package is named.
"""

import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse

NO_ASSERTION = "NOASSERTION"
# Packages whose licence is not that of their source package.
LICENCE_OF_PACKAGE = {"libquadmath0": "LGPL-2.1-or-later"}
EXTRACTED = {
    "LicenseRef-public-domain":
        "The authors have put the software into the public domain.",
}


class Fault(Exception):
    """What could not be read, in words for a person."""


def output(*command, fails=False):
    """What a command prints; with `fails`, also if it exits with an error."""
    environment = dict(os.environ, LC_ALL="C", LANG="C")
    environment.pop("BUILD_WORKING_DIRECTORY", None)
    try:
        run = subprocess.run(command, env=environment, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise Fault(f"{command[0]}: {error.strerror}") from error
    if run.returncode != 0 and not fails:
        raise Fault(f"{' '.join(command[:3])}: exit code {run.returncode}: "
                    + run.stderr.decode(errors="replace").strip())
    return run.stdout.decode(errors="replace")


class Packages:
    """The packages of the distribution; empty on a machine without dpkg."""

    def __init__(self):
        self.by_name = {}
        self.distribution = {}
        if not shutil.which("dpkg-query"):
            return
        fields = ("${binary:Package}\t${Version}\t${Architecture}\t"
                  "${source:Package}\t${db:Status-Status}\n")
        for line in output("dpkg-query", "-W", "-f=" + fields).splitlines():
            name, version, architecture, source, status = line.split("\t")
            if status == "installed":
                self.by_name[name.split(":")[0]] = {
                    "package": name.split(":")[0], "version": version,
                    "architecture": architecture, "source": source}
        with open("/etc/os-release", encoding="utf-8") as release:
            for line in release:
                key, _, value = line.strip().partition("=")
                self.distribution[key] = value.strip('"')

    def of_source(self, source):
        """Packages of a source package, whose name may go on with a version."""
        pattern = re.compile(re.escape(source) + r"[0-9.]*$")
        return [package for _, package in sorted(self.by_name.items())
                if pattern.match(package["source"])]

    def owners(self, paths):
        """The package of each file that has one."""
        if not self.by_name or not paths:
            return {}
        # A merged /usr: the package may hold the file under either name.
        spelt = {}
        for path in paths:
            spelt[path] = path
            spelt[path[4:] if path.startswith("/usr/") else "/usr" + path] = path
        owners = {}
        for line in output("dpkg-query", "-S", *sorted(spelt),
                           fails=True).splitlines():
            names, _, path = line.rpartition(": ")
            name = names.split(",")[0].split(":")[0]
            if path in spelt and name in self.by_name:
                owners[spelt[path]] = self.by_name[name]
        return owners

    def files(self, package):
        """The regular files of a package, sorted."""
        listed = output("dpkg-query", "-L", package["package"]).splitlines()
        return sorted(path for path in listed
                      if os.path.isfile(path) and not os.path.islink(path))

    def url(self, package):
        """The package URL: which package of which distribution."""
        system = self.distribution.get("ID", "debian")
        version = urllib.parse.quote(package["version"], safe="~")
        distro = system + "-" + self.distribution.get("VERSION_ID", "")
        return (f"pkg:deb/{system}/{package['package']}@{version}"
                f"?arch={package['architecture']}&distro={distro.rstrip('-')}")


def upstream(version):
    """The version of upstream in a version of Debian: "1:1.2.13.dfsg-1"."""
    version = version.split(":", 1)[-1].rsplit("-", 1)[0]
    version = re.split(r"\+really", version)[-1]
    return re.split(r"[+~]|\.dfsg", version)[0]


def hashes(path):
    """SHA-1, which SPDX 2.3 asks for, and SHA-256 of a file."""
    sha1, sha256 = hashlib.sha1(), hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                sha1.update(block)
                sha256.update(block)
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from error
    return sha1.hexdigest(), sha256.hexdigest()


def verification_code(sha1s):
    """SPDX's code of a set of files."""
    return hashlib.sha1("".join(sorted(sha1s)).encode()).hexdigest()


def needed(path):
    """The libraries that an ELF file names."""
    return re.findall(r"\(NEEDED\)\s+Shared library: \[([^]]+)\]",
                      output("readelf", "-d", path))


def loaded(binary):
    """The path of each library that the loader finds for a binary."""
    paths = {}
    for line in output("ldd", binary, fails=True).splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        path = rest.split(" (")[0] if arrow else name.split(" (")[0]
        if not path.startswith("/"):
            if arrow:
                raise Fault(f"{binary}: {name} is not on this machine")
            continue
        paths[os.path.basename(name.split(" (")[0])] = os.path.realpath(path)
    return paths


def strong_symbols(path, local=False):
    """The symbols that a file defines for others, without those that several
    files may define alike; with `local` also those that it keeps to itself."""
    symbols = set()
    kinds = "TDBRtdbr" if local else "TDBR"
    for line in output("nm", "--defined-only", "-P", path,
                       fails=True).splitlines():
        parts = line.split(" ")
        if len(parts) > 1 and parts[1] and parts[1] in kinds:
            symbols.add(parts[0])
    return symbols


def linked(symbols, archives):
    """The archives that a binary with these symbols is linked with: those that
    have most of them first, then those that have others. A part of an archive
    that exists on its own, or another memory allocator, adds none."""
    defined = {path: symbols & strong_symbols(path) for path in archives}
    rest, found = set(symbols), []
    for path in sorted(archives, key=lambda path: (-len(defined[path]), path)):
        if defined[path] & rest:
            found.append(path)
            rest -= defined[path]
    return sorted(found)


def identifier(text):
    """`text` as a part of an SPDX identifier."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", text)


class Document:
    """An SPDX document in the making."""

    def __init__(self):
        self.packages = {}
        self.files = {}
        self.relationships = set()

    def relate(self, a, kind, b):
        if a != b:
            self.relationships.add((a, kind, b))

    def add_file(self, package_id, path, name=None):
        """A file of a package with its hashes."""
        name = name or path
        sha1, sha256 = hashes(path)
        file_id = "SPDXRef-File-" + identifier(name.lstrip("/"))
        self.files[file_id] = {
            "SPDXID": file_id,
            "fileName": name,
            "checksums": [
                {"algorithm": "SHA1", "checksumValue": sha1},
                {"algorithm": "SHA256", "checksumValue": sha256}],
            "licenseConcluded": NO_ASSERTION,
            "copyrightText": NO_ASSERTION,
        }
        self.relate(package_id, "CONTAINS", file_id)

    def finish(self, root_id, name):
        """The document as JSON. Packages with files get their codes."""
        contained = {}
        for a, kind, b in self.relationships:
            if kind == "CONTAINS" and b in self.files:
                contained.setdefault(a, []).append(
                    self.files[b]["checksums"][0]["checksumValue"])
        for package_id, sha1s in contained.items():
            self.packages[package_id]["filesAnalyzed"] = True
            self.packages[package_id]["packageVerificationCode"] = {
                "packageVerificationCodeValue": verification_code(sha1s)}
        epoch = os.environ.get("SOURCE_DATE_EPOCH", "0") or "0"
        if not epoch.isdigit():
            raise Fault("SOURCE_DATE_EPOCH: expected seconds since 1970, found "
                        + json.dumps(epoch))
        created = datetime.datetime.fromtimestamp(int(epoch),
                                                  datetime.timezone.utc)
        self.relate("SPDXRef-DOCUMENT", "DESCRIBES", root_id)
        text = json.dumps([self.packages, self.files], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        used = " ".join(package["licenseDeclared"]
                        for package in self.packages.values())
        document = {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": name,
            "documentNamespace":
                f"https://spdx.org/spdxdocs/{name}-{digest}",
            "creationInfo": {
                "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "creators": ["Tool: tokenjoule-sbom-1"],
            },
            "packages": [package for _, package in
                         sorted(self.packages.items())],
            "files": [file for _, file in sorted(self.files.items())],
            "relationships": [
                {"spdxElementId": a, "relationshipType": kind,
                 "relatedSpdxElement": b}
                for a, kind, b in sorted(self.relationships)],
        }
        extracted = [{"licenseId": ref, "extractedText": text, "name": ref}
                     for ref, text in sorted(EXTRACTED.items()) if ref in used]
        if extracted:
            document["hasExtractedLicensingInfos"] = extracted
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


class Sbom:
    """What is found about a binary."""

    def __init__(self, binary):
        self.binary = binary
        said = json.loads(output(binary, "licenses", "--all", "--format=json"))
        self.version = said["tokenjoule_version"]
        self.licence = said["licence"]
        self.components = said["components"]
        self.compiler = re.search(
            r"^ *compiler +(.*)$", output(binary, "version", "--verbose"),
            re.MULTILINE).group(1)
        self.packages = Packages()
        self.document = Document()
        self.root = "SPDXRef-tokenjoule"

    def component_of(self, package):
        """The component that a package belongs to, None if it is not listed."""
        for component in self.components:
            if re.match(re.escape(component["debian_source"]) + r"[0-9.]*$",
                        package["source"]):
                return component
        return None

    def add(self, name, component, package, purpose="LIBRARY"):
        """Adds a package, of which component or package may be None."""
        package_id = "SPDXRef-Package-" + identifier(name)
        licence = component["licence"] if component else NO_ASSERTION
        entry = {
            "SPDXID": package_id,
            "name": name,
            "versionInfo": NO_ASSERTION,
            "supplier": NO_ASSERTION,
            "downloadLocation": NO_ASSERTION,
            "filesAnalyzed": False,
            "licenseConcluded": NO_ASSERTION,
            "licenseDeclared": licence,
            "copyrightText":
                component["copyright"] if component else NO_ASSERTION,
            "primaryPackagePurpose": purpose,
        }
        if component:
            entry["homepage"] = component["homepage"]
            if component["version"]:
                entry["versionInfo"] = component["version"]
        if package:
            # The version of the package is also in its URL. Where the binary
            # does not say a version, upstream's is the part before the hyphen.
            if entry["versionInfo"] == NO_ASSERTION:
                entry["versionInfo"] = upstream(package["version"])
            system = self.packages.distribution.get("NAME", "Debian")
            entry["supplier"] = "Organization: " + system.split(" ")[0]
            entry["sourceInfo"] = (
                f"package {package['package']} {package['version']}, from the "
                f"source package {package['source']}")
            entry["licenseDeclared"] = LICENCE_OF_PACKAGE.get(
                package["package"], licence)
            entry["externalRefs"] = [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": self.packages.url(package)}]
            if not component:
                entry["licenseComments"] = (
                    f"see /usr/share/doc/{package['package']}/copyright")
        self.document.packages.setdefault(package_id, entry)
        return package_id

    def add_library(self, path, owners):
        """The package of a library's file, with the file."""
        package = owners.get(path)
        component = self.component_of(package) if package else None
        name = package["package"] if package else os.path.basename(path)
        package_id = self.add(name, component, package)
        self.document.add_file(package_id, path)
        return package_id, component

    def add_shared(self):
        """The libraries that the loader finds; returns their components."""
        paths = loaded(self.binary)
        owners = self.packages.owners(sorted(set(paths.values())))
        ids, found = {}, []
        for name, path in sorted(paths.items()):
            ids[name], component = self.add_library(path, owners)
            if component:
                found.append(component["name"])
        for name in needed(self.binary):
            self.document.relate(self.root, "DYNAMIC_LINK", ids[name])
        for name, path in paths.items():
            for other in needed(path):
                if other in ids:
                    self.document.relate(ids[name], "DYNAMIC_LINK", ids[other])
        return found

    def archives(self):
        """The static libraries of components that are linked."""
        paths = []
        for component in self.components:
            if component["use"] != "library":
                continue
            for package in self.packages.of_source(component["debian_source"]):
                if package["package"].endswith("-dev"):
                    paths += [path for path in self.packages.files(package)
                              if path.endswith(".a")]
        return paths

    def add_static(self):
        """The archives whose symbols the binary has; returns components."""
        # A library's hidden symbols are local to the binary.
        symbols = strong_symbols(self.binary, local=True)
        if not symbols:
            raise Fault(f"{self.binary}: has no symbols; give the binary as it "
                        "is before `strip`")
        paths = linked(symbols, self.archives())
        owners = self.packages.owners(paths)
        found = []
        for path in paths:
            package_id, component = self.add_library(path, owners)
            self.document.relate(self.root, "STATIC_LINK", package_id)
            found.append(component["name"])
        return found

    def add_sources(self, component):
        """A component whose code or text is in the binary itself."""
        script = component["use"] == "script"
        ending = ".js" if script else (".h", ".hpp")
        for package in self.packages.of_source(component["debian_source"]):
            files = [path for path in self.packages.files(package)
                     if path.endswith(ending)
                     and path.startswith(("/usr/include/", "/usr/share/nodejs/"))]
            if script:
                files = [path for path in files if os.path.basename(path) ==
                         component["name"] + ".min.js"]
            if not files:
                continue
            name = component["name"] if script else package["package"]
            package_id = self.add(name, component, package,
                                  "SOURCE" if script else "LIBRARY")
            self.document.relate(self.root, "CONTAINS", package_id)
            if script:
                for path in files:
                    self.document.add_file(package_id, path)
                continue
            entry = self.document.packages[package_id]
            if entry["filesAnalyzed"] or package_id in [
                    a for a, kind, _ in self.document.relationships
                    if kind == "CONTAINS" and a != self.root]:
                continue
            entry["filesAnalyzed"] = True
            entry["packageVerificationCode"] = {
                "packageVerificationCodeValue":
                    verification_code(hashes(path)[0] for path in files)}
            entry["comment"] = (
                f"The verification code covers the {len(files)} headers of the "
                "package, which are not listed one by one.")
        if not self.packages.by_name:
            package_id = self.add(component["name"], component, None)
            self.document.relate(self.root, "CONTAINS", package_id)

    def add_tools(self):
        """What the binary was made with: compiler and protoc."""
        name, _, version = self.compiler.partition(" ")
        driver = {"GCC": "g++", "Clang": "clang++"}.get(name)
        wanted = [(driver, {"licence": "GPL-3.0-or-later WITH GCC-exception-3.1"
                            if name == "GCC" else
                            "Apache-2.0 WITH LLVM-exception",
                            "copyright": NO_ASSERTION, "version": version,
                            "homepage": "https://gcc.gnu.org"
                            if name == "GCC" else "https://clang.llvm.org"})]
        protobuf = [component for component in self.components
                    if component["name"] == "protobuf"]
        wanted += [("protoc", component) for component in protobuf]
        for tool, component in wanted:
            path = shutil.which(tool) if tool else None
            path = os.path.realpath(path) if path else None
            package = self.packages.owners([path]).get(path) if path else None
            package_id = self.add(package["package"] if package else
                                  tool or name, component, package,
                                  "APPLICATION")
            self.document.relate(package_id, "BUILD_TOOL_OF", self.root)

    def make(self):
        """The document."""
        file_name = os.path.basename(self.binary)
        _, sha256 = hashes(self.binary)
        self.document.packages[self.root] = {
            "SPDXID": self.root,
            "name": "tokenjoule",
            "versionInfo": self.version,
            "packageFileName": file_name,
            "supplier": NO_ASSERTION,
            "downloadLocation": NO_ASSERTION,
            "filesAnalyzed": False,
            "checksums": [{"algorithm": "SHA256", "checksumValue": sha256}],
            "licenseConcluded": NO_ASSERTION,
            "licenseDeclared": self.licence,
            "copyrightText": "Copyright the tokenjoule contributors",
            "primaryPackagePurpose": "APPLICATION",
        }
        self.document.add_file(self.root, self.binary, "./" + file_name)
        found = self.add_shared() if needed(self.binary) else self.add_static()
        for component in self.components:
            if component["use"] == "loaded" or component["name"] in found:
                continue
            self.add_sources(component)
        self.add_tools()
        return self.document.finish(self.root,
                                    f"{file_name}-{self.version}")


def main(arguments):
    binary, out = None, None
    for argument in arguments:
        if argument.startswith("--out="):
            out = argument[len("--out="):]
        elif argument.startswith("-") or binary:
            sys.stderr.write(__doc__)
            return 2
        else:
            binary = argument
    if not binary:
        sys.stderr.write(__doc__)
        return 2
    try:
        text = Sbom(os.path.abspath(binary)).make()
        if out:
            # `bazel run` starts in the runfiles.
            out = os.path.join(os.environ.get("BUILD_WORKING_DIRECTORY", ""),
                               out)
            with open(out, "w", encoding="utf-8") as file:
                file.write(text)
        else:
            sys.stdout.write(text)
    except Fault as fault:
        sys.stderr.write(f"sbom: {fault}\n")
        return 3
    except OSError as error:
        sys.stderr.write(f"sbom: {error.filename}: {error.strerror}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
