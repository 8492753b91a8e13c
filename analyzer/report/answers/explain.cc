#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/base/zero_sign.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

std::string ExplanationTable(const Explanation& explanation,
                             const TableOptions&) {
  std::string out;
  if (!explanation.formula().empty()) {
    absl::StrAppend(&out, Wrapped(explanation.formula()));
    absl::StrAppend(
        &out, "\n",
        Wrapped(absl::StrCat("One percent more of a constant changes it, for ",
                             explanation.setup(), ":\n")));
  }
  for (const Explanation::Entry& entry : explanation.entries()) {
    absl::StrAppendFormat(&out, "%s = %g", entry.path(), entry.value());
    if (!explanation.formula().empty()) {
      absl::StrAppend(&out, "  (",
                      WithoutSignOfZero(
                          absl::StrFormat("%+.3g", entry.elasticity())),
                      " %)");
    }
    absl::StrAppend(&out, "\n");
    absl::StrAppendFormat(&out, "    range %g to %g, accepted %g to %g\n",
                          entry.low(), entry.high(), entry.accepted_min(),
                          entry.accepted_max());
    absl::StrAppend(
        &out, Wrapped(absl::StrFormat("%s, %s (%s): %s", entry.source(),
                                      absl::AsciiStrToLower(entry.kind()),
                                      entry.date(), entry.citation()),
                      4, 2));
  }
  return out;
}

std::string ExplanationCsv(const Explanation& explanation) {
  return EntriesCsv(explanation.entries());
}

}  // namespace

template <>
Writers<Explanation> WritersOf() {
  return {ExplanationTable, ExplanationCsv};
}

}  // namespace tokenjoule
