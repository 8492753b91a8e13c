#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/report.h"

namespace tokenjoule {
namespace {

// Text in lines of at most 100 columns, later lines of a paragraph indented.
std::string Wrapped(absl::string_view text) {
  constexpr size_t kColumns = 100;
  std::string out;
  for (const absl::string_view paragraph : absl::StrSplit(text, '\n')) {
    size_t column = 0;
    for (const absl::string_view word : absl::StrSplit(paragraph, ' ')) {
      if (column > 0 && column + 1 + word.size() > kColumns) {
        absl::StrAppend(&out, "\n    ");
        column = 4;
      } else if (column > 0) {
        absl::StrAppend(&out, " ");
        ++column;
      }
      absl::StrAppend(&out, word);
      column += word.size();
    }
    absl::StrAppend(&out, "\n");
  }
  return out;
}

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
