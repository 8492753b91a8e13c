#include "analyzer/evaluate/evidence.h"

#include <set>

#include "absl/strings/str_cat.h"

namespace tokenjoule {

namespace {

// Numbers of rows that support an answer.
struct Rows {
  int here = 0;        // this runtime, machine and family
  int of_runtime = 0;  // this runtime
};

SupportedBy::Status StatusOf(const Rows& rows) {
  return rows.here > 0         ? SupportedBy::FITTED
         : rows.of_runtime > 0 ? SupportedBy::RUNTIME_FITTED_ELSEWHERE
                               : SupportedBy::ASSUMED;
}

const UnseenSpread* SpreadOf(const Evidence& evidence,
                             SupportedBy::Status status,
                             const std::string& family) {
  for (const UnseenSpread& spread : evidence.spread()) {
    if (spread.status() == status && spread.family() == family) return &spread;
  }
  return nullptr;
}

}  // namespace

Support SupportOf(const Evidence& evidence, const Hardware& hardware,
                  Family family) {
  Support support;
  const std::string& runtime = hardware.runtime().base();
  if (runtime.empty() || runtime == "ideal") return support;
  const std::string name(FamilyName(family));
  Rows times, energies;
  std::set<std::string> machines;
  for (const SeenRows& seen : evidence.seen()) {
    if (seen.runtime() != runtime) continue;
    times.of_runtime += seen.rows();
    energies.of_runtime += seen.energies();
    machines.insert(seen.machine());
    if (seen.machine() != hardware.name() || seen.family() != name) continue;
    times.here += seen.rows();
    energies.here += seen.energies();
  }
  support.status = StatusOf(times);
  support.of_step_time = SpreadOf(evidence, support.status, name);
  support.of_energy = SpreadOf(evidence, StatusOf(energies), name);
  switch (support.status) {
    case SupportedBy::FITTED:
      support.note = absl::StrCat(
          "fitted to ", times.here, " rows (",
          energies.here == 0            ? "none"
          : energies.here == times.here ? "all"
                                        : absl::StrCat(energies.here),
          " with energies) of ", name, " models served by ", runtime, " on ",
          hardware.name());
      break;
    case SupportedBy::RUNTIME_FITTED_ELSEWHERE:
      support.note = absl::StrCat(
          runtime, " was fitted ",
          machines.count(hardware.name()) > 0
              ? absl::StrCat("on ", hardware.name(), " to other families")
          : machines.size() == 1
              ? std::string("on another machine")
              : absl::StrCat("on ", machines.size(), " other machines"),
          "; there are no rows of ", name, " models on ", hardware.name());
      break;
    default:
      support.note = absl::StrCat("no rows of ", runtime,
                                  " were fitted; its constants are assumed");
  }
  return support;
}

std::string SupportName(SupportedBy::Status status) {
  switch (status) {
    case SupportedBy::FITTED:
      return "fitted";
    case SupportedBy::RUNTIME_FITTED_ELSEWHERE:
      return "runtime fitted elsewhere";
    case SupportedBy::ASSUMED:
      return "assumed";
    default:
      return "design";
  }
}

}  // namespace tokenjoule
