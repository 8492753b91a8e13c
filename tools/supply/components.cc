#include "tools/supply/components.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tokenjoule {
namespace {

// Sorted by name, whatever the case. tests/supply_test.py compares it with what
// the binaries are linked with, and versions with those of the packages.
constexpr Software kSoftware[] = {
    {"Abseil", SoftwareUse::kLibrary, "Apache-2.0",
     "Copyright 2000-2021 Google Inc. and The Abseil Authors", "abseil",
     "https://abseil.io", "Apache-2.0.txt"},
    {"ATLAS", SoftwareUse::kLoaded, "BSD-3-Clause",
     "Copyright 1995-2016 R. Clint Whaley", "atlas",
     "https://math-atlas.sourceforge.net", ""},
    {"Boost", SoftwareUse::kLibrary, "BSL-1.0",
     "Copyright the authors of the Boost libraries", "boost",
     "https://www.boost.org", "BSL-1.0.txt"},
    {"Ceres", SoftwareUse::kLibrary, "BSD-3-Clause",
     "Copyright 2005-2022 Google Inc.", "ceres-solver",
     "http://ceres-solver.org", "ceres.txt Apache-2.0.txt",
     "Debian's Ceres loads SuiteSparse, parts of which are under the GPL: "
     "whoever passes on a binary with calibrate together with these libraries "
     "passes on the whole under the GPL, version 3 or later."},
    {"d3", SoftwareUse::kScript, "BSD-3-Clause AND ISC AND MIT",
     "Copyright 2010-2022 Mike Bostock, 2001 Robert Penner, 2002 Cynthia "
     "Brewer, Mark Harrower and The Pennsylvania State University, 2010-2013 "
     "Raymond Hill",
     "node-d3", "https://d3js.org", "d3.txt Apache-2.0.txt"},
    {"d3-sankey", SoftwareUse::kScript, "BSD-3-Clause",
     "Copyright 2010-2022 Mike Bostock", "node-d3",
     "https://github.com/d3/d3-sankey", "d3.txt"},
    {"Eigen", SoftwareUse::kHeaders, "MPL-2.0",
     "Copyright 2006-2021 the authors of Eigen", "eigen",
     "https://eigen.tuxfamily.org", "MPL-2.0.txt",
     "The source code of Eigen is at https://gitlab.com/libeigen/eigen; it is "
     "used unchanged."},
    {"GCC runtime", SoftwareUse::kLibrary,
     "GPL-3.0-or-later WITH GCC-exception-3.1",
     "Copyright 1997-2022 Free Software Foundation, Inc.", "gcc-",
     "https://gcc.gnu.org", "GCC-exception-3.1.txt GPL-3.0.txt",
     "The exception lets binaries with libstdc++ and libgcc be passed on under "
     "terms of one's own."},
    {"gflags", SoftwareUse::kLoaded, "BSD-3-Clause",
     "Copyright 2006 Google Inc.", "gflags", "https://github.com/gflags/gflags",
     ""},
    {"glibc", SoftwareUse::kLibrary, "LGPL-2.1-or-later",
     "Copyright 1991-2022 Free Software Foundation, Inc.", "glibc",
     "https://www.gnu.org/software/libc", "glibc.txt LGPL-2.1.txt",
     "Whoever passes on a static binary has to let its users link it anew with "
     "another glibc (section 6): the sources of tokenjoule, which build it "
     "with "
     "one command, do."},
    {"glog", SoftwareUse::kLibrary, "BSD-3-Clause",
     "Copyright 2008 Google Inc.", "google-glog",
     "https://github.com/google/glog", "glog.txt"},
    {"LAPACK", SoftwareUse::kLoaded, "BSD-3-Clause-Open-MPI",
     "Copyright 1992-2021 The University of Tennessee and others", "lapack",
     "https://www.netlib.org/lapack", ""},
    {"libunwind", SoftwareUse::kLoaded, "MIT",
     "Copyright 2002-2020 the authors of libunwind", "libunwind",
     "https://www.nongnu.org/libunwind", ""},
    {"METIS", SoftwareUse::kLoaded, "Apache-2.0",
     "Copyright 1995-2013 Regents of the University of Minnesota", "metis",
     "https://github.com/KarypisLab/METIS", ""},
    {"nlohmann-json", SoftwareUse::kHeaders, "MIT",
     "Copyright 2013-2022 Niels Lohmann, 2009 Florian Loitsch, 2008-2009 "
     "Bjoern Hoehrmann",
     "nlohmann-json", "https://json.nlohmann.me", "nlohmann-json.txt"},
    {"OpenBLAS", SoftwareUse::kLoaded, "BSD-3-Clause",
     "Copyright 2011-2022 The OpenBLAS Project", "openblas",
     "https://www.openblas.net", ""},
    {"pagmo", SoftwareUse::kLibrary, "LGPL-3.0-or-later OR GPL-3.0-or-later",
     "Copyright 2017-2021 PaGMO development team", "pagmo",
     "https://esa.github.io/pagmo2", "pagmo.txt LGPL-3.0.txt GPL-3.0.txt",
     "It is a shared library, which users may replace by their own; no binary "
     "that is linked statically holds it."},
    {"protobuf", SoftwareUse::kLibrary, "BSD-3-Clause",
     "Copyright 2008 Google Inc.", "protobuf", "https://protobuf.dev",
     "protobuf.txt"},
    {"SQLite", SoftwareUse::kLibrary, "blessing",
     "The authors disclaim copyright", "sqlite", "https://www.sqlite.org",
     "sqlite.txt"},
    {"SuiteSparse", SoftwareUse::kLoaded,
     "GPL-2.0-or-later AND LGPL-2.1-or-later AND BSD-3-Clause",
     "Copyright 1990-2022 Timothy A. Davis and others", "suitesparse",
     "https://people.engr.tamu.edu/davis/suitesparse.html", ""},
    {"TBB", SoftwareUse::kLibrary, "Apache-2.0",
     "Copyright 2005-2022 Intel Corporation", "onetbb",
     "https://github.com/oneapi-src/oneTBB", "Apache-2.0.txt"},
    {"XZ Utils", SoftwareUse::kLoaded, "LicenseRef-public-domain",
     "In the public domain (liblzma)", "xz-utils", "https://tukaani.org/xz",
     ""},
    {"zlib", SoftwareUse::kLoaded, "Zlib",
     "Copyright 1995-2022 Jean-loup Gailly and Mark Adler", "zlib",
     "https://zlib.net", ""},
};

}  // namespace

absl::Span<const Software> AllSoftware() { return kSoftware; }

const Software* FindSoftware(absl::string_view name) {
  for (const Software& component : kSoftware) {
    if (component.name == name) return &component;
  }
  return nullptr;
}

absl::string_view SoftwareUseName(SoftwareUse use) {
  switch (use) {
    case SoftwareUse::kLibrary:
      return "library";
    case SoftwareUse::kHeaders:
      return "headers";
    case SoftwareUse::kScript:
      return "script";
    case SoftwareUse::kLoaded:
      return "loaded";
  }
  return "";
}

absl::StatusOr<absl::string_view> LicenceText(absl::string_view file) {
  for (const EmbeddedFile& known : LicenceFiles()) {
    if (known.path == file) return known.content;
  }
  return absl::InternalError(
      absl::StrCat("the binary has no text of the licence ", file));
}

}  // namespace tokenjoule
