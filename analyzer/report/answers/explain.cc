#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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
    absl::StrAppend(&out, "\nOne percent more of a constant changes it, for ",
                    explanation.setup(), ":\n\n");
  }
  for (const Explanation::Entry& entry : explanation.entries()) {
    absl::StrAppendFormat(&out, "%s = %g", entry.path(), entry.value());
    if (!explanation.formula().empty()) {
      absl::StrAppendFormat(&out, "  (%+.3g %%)", entry.elasticity());
    }
    absl::StrAppend(&out, "\n");
    absl::StrAppendFormat(&out, "    range %g to %g, accepted %g to %g\n",
                          entry.low(), entry.high(), entry.accepted_min(),
                          entry.accepted_max());
    absl::StrAppendFormat(&out, "    %s, %s (%s): %s\n", entry.source(),
                          absl::AsciiStrToLower(entry.kind()), entry.date(),
                          entry.citation());
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
