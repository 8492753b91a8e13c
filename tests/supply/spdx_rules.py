"""The rules of SPDX 2.3 that a document of tools/supply/sbom.py has to keep.

From the specification (https://spdx.github.io/spdx-spec/v2.3): required fields,
their forms, references that lead somewhere, licence expressions, and codes that
follow from the files. The schema of the project (spdx-schema.json) has required
fields and forms only, and a fresh machine without network does not have it.
"""

import hashlib
import re

# Identifiers that documents use, of the SPDX licence list 3.19.
LICENCES = {
    "Apache-2.0", "BSD-3-Clause", "BSD-3-Clause-Open-MPI", "BSL-1.0",
    "GPL-2.0-or-later", "GPL-3.0-or-later", "ISC", "LGPL-2.1-or-later",
    "LGPL-3.0-or-later", "MIT", "MPL-2.0", "Zlib", "blessing"}
EXCEPTIONS = {"GCC-exception-3.1", "LLVM-exception"}
RELATIONSHIPS = {"DESCRIBES", "CONTAINS", "STATIC_LINK", "DYNAMIC_LINK",
                 "BUILD_TOOL_OF"}
PURPOSES = {"APPLICATION", "LIBRARY", "SOURCE"}
HEX_DIGITS = {"SHA1": 40, "SHA256": 64}

ID = re.compile(r"SPDXRef-[A-Za-z0-9.-]+$")
PURL = re.compile(r"pkg:deb/[a-z]+/[a-z0-9.+-]+@[^?@]+\?arch=[a-z0-9]+"
                  r"&distro=[a-z0-9.-]+$")


def licence_faults(expression, references):
    """The faults of a licence expression: terms, then AND or OR, and so on."""
    words = expression.split(" ")
    faults = []
    expects_term = True
    at = 0
    while at < len(words):
        word = words[at]
        if expects_term:
            if word not in LICENCES and word not in references:
                faults.append(f'"{word}" of "{expression}" is no known licence')
            if words[at + 1:at + 2] == ["WITH"]:
                exception = (words[at + 2:at + 3] or [""])[0]
                if exception not in EXCEPTIONS:
                    faults.append(f'"{exception}" of "{expression}" is no known '
                                  "exception")
                at += 2
        elif word not in ("AND", "OR"):
            faults.append(f'"{expression}": expected AND or OR, found "{word}"')
        expects_term = not expects_term
        at += 1
    if expects_term:
        faults.append(f'"{expression}" ends in an operator')
    return faults


def checksum_faults(owner, checksums, required):
    faults = []
    for checksum in checksums:
        digits = HEX_DIGITS.get(checksum.get("algorithm"))
        if not digits or not re.fullmatch("[0-9a-f]{%d}" % digits,
                                          checksum.get("checksumValue", "")):
            faults.append(f"{owner}: bad checksum {checksum}")
    if required not in [checksum.get("algorithm") for checksum in checksums]:
        faults.append(f"{owner}: no {required}")
    return faults


def missing(owner, entry, fields):
    return [f"{owner}: no {field}" for field in fields
            if entry.get(field) in (None, "")]


def package_faults(package, references):
    owner = f"package {package.get('name')}"
    faults = missing(owner, package, [
        "SPDXID", "name", "versionInfo", "supplier", "downloadLocation",
        "licenseConcluded", "licenseDeclared", "copyrightText"])
    if not isinstance(package.get("filesAnalyzed"), bool):
        faults.append(f"{owner}: filesAnalyzed is no boolean")
    elif package["filesAnalyzed"] != ("packageVerificationCode" in package):
        faults.append(f"{owner}: a verification code is for analysed files")
    for field in ("licenseConcluded", "licenseDeclared"):
        licence = package.get(field, "")
        if licence not in ("NOASSERTION", "NONE"):
            faults += licence_faults(licence, references)
    supplier = package.get("supplier", "")
    if supplier != "NOASSERTION" and not re.match(
            "(Organization|Person): .", supplier):
        faults.append(f'{owner}: bad supplier "{supplier}"')
    if package.get("primaryPackagePurpose") not in PURPOSES:
        faults.append(f"{owner}: bad purpose")
    for reference in package.get("externalRefs", []):
        if (reference.get("referenceCategory") != "PACKAGE-MANAGER"
                or reference.get("referenceType") != "purl"
                or not PURL.match(reference.get("referenceLocator", ""))):
            faults.append(f"{owner}: bad reference {reference}")
    return faults


def file_faults(file):
    owner = f"file {file.get('fileName')}"
    faults = missing(owner, file, ["SPDXID", "fileName", "licenseConcluded",
                                   "copyrightText"])
    return faults + checksum_faults(owner, file.get("checksums", []), "SHA1")


def spdx_faults(document):
    """The faults of a document, one line each; none if it is good."""
    faults = missing("document", document, [
        "spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace",
        "creationInfo"])
    if faults:
        return faults
    for field, form in (("spdxVersion", "SPDX-2[.]3"),
                        ("dataLicense", "CC0-1[.]0"),
                        ("SPDXID", "SPDXRef-DOCUMENT"),
                        ("documentNamespace", r"https://[^#\s]+")):
        if not re.fullmatch(form, document[field]):
            faults.append(f'{field}: "{document[field]}"')
    creation = document["creationInfo"]
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                        creation.get("created", "")):
        faults.append(f"created: {creation.get('created')}")
    creators = creation.get("creators", [])
    if not creators or not all(re.match("(Tool|Organization|Person): .", creator)
                               for creator in creators):
        faults.append(f"creators: {creators}")

    packages = document.get("packages", [])
    files = document.get("files", [])
    references = set()
    for info in document.get("hasExtractedLicensingInfos", []):
        faults += missing("licence", info, ["licenseId", "extractedText"])
        if not re.fullmatch("LicenseRef-[A-Za-z0-9.-]+",
                            info.get("licenseId", "")):
            faults.append(f"licenseId: {info.get('licenseId')}")
        references.add(info.get("licenseId"))
    for package in packages:
        faults += package_faults(package, references)
        if "checksums" in package:
            faults += checksum_faults(package["name"], package["checksums"],
                                      "SHA256")
    for file in files:
        faults += file_faults(file)

    ids = [entry["SPDXID"] for entry in packages + files] + ["SPDXRef-DOCUMENT"]
    faults += [f"{name} is no identifier" for name in ids if not ID.match(name)]
    if len(set(ids)) != len(ids):
        faults.append("identifiers repeat")
    sha1 = {file["SPDXID"]: checksum["checksumValue"] for file in files
            for checksum in file["checksums"]
            if checksum["algorithm"] == "SHA1"}
    contained = {}
    describes = []
    related = set()
    for relationship in document.get("relationships", []):
        a = relationship.get("spdxElementId")
        kind = relationship.get("relationshipType")
        b = relationship.get("relatedSpdxElement")
        if kind not in RELATIONSHIPS:
            faults.append(f"relationship {kind}")
        faults += [f"{name} is not in the document" for name in (a, b)
                   if name not in ids]
        related |= {a, b}
        if kind == "DESCRIBES":
            describes.append(b)
        elif kind == "CONTAINS" and b in sha1:
            contained.setdefault(a, []).append(sha1[b])
    if len(describes) != 1:
        faults.append(f"describes {describes}")
    faults += [f"{name} is related to nothing" for name in ids
               if name not in related]
    for package in packages:
        sha1s = contained.get(package["SPDXID"])
        if not sha1s:
            continue
        if not package.get("filesAnalyzed"):
            faults.append(f"{package['name']} contains files")
            continue
        code = hashlib.sha1("".join(sorted(sha1s)).encode()).hexdigest()
        if package["packageVerificationCode"].get(
                "packageVerificationCodeValue") != code:
            faults.append(f"{package['name']}: the verification code does not "
                          "follow from the files")
    return faults
