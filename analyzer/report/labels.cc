#include "analyzer/report/labels.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/boundary.h"
#include "analyzer/machine/terms.h"

namespace tokenjoule {

std::string TermLabel(Term::Value term) {
  const int index = static_cast<int>(term) - 1;
  return index < 0 || index >= kNumEnergyTerms
             ? "?"
             : std::string(kEnergyTerms[index].label);
}

std::string BoundLabel(Bound::Value bound) {
  const int index = static_cast<int>(bound) - 1;
  return index < 0 || index >= kNumTimeBounds
             ? "?"
             : std::string(kTimeBounds[index].label);
}

std::string BoundaryLabel(absl::string_view boundary) {
  const int index = BoundaryIndex(boundary);
  return std::string(index < 0 ? boundary : kBoundaries[index].label);
}

std::string FactorLabel(CauseChange::Factor factor) {
  switch (factor) {
    case CauseChange::BYTES:
      return "bytes";
    case CauseChange::FLOP:
      return "FLOP";
    case CauseChange::ENERGY_PER_BYTE:
      return "pJ/bit";
    case CauseChange::ENERGY_PER_FLOP:
      return "pJ/FLOP";
    case CauseChange::TIME:
      return "longer or shorter";
    case CauseChange::POWER:
      return "power";
    case CauseChange::CARRIED:
      return "on energy that changed";
    case CauseChange::LOSS:
      return "share that is lost";
    default:
      return "?";
  }
}

std::string FigureLabel(FigureOfAnswer figure) {
  return std::string(kFiguresOfAnswer[figure].label);
}

std::string Chips(const Report& report) {
  const Scenario& s = report.scenario();
  std::string out = absl::StrCat(report.num_chips(),
                                 report.num_chips() == 1 ? " chip" : " chips");
  std::vector<std::string> ways;
  if (s.tp() > 1) ways.push_back(absl::StrCat("tp ", s.tp()));
  if (s.pp() > 1) ways.push_back(absl::StrCat("pp ", s.pp()));
  if (s.ep() > 1) ways.push_back(absl::StrCat("ep ", s.ep()));
  if (s.dp() > 1) ways.push_back(absl::StrCat("dp ", s.dp()));
  if (!ways.empty())
    absl::StrAppend(&out, " (", absl::StrJoin(ways, ", "), ")");
  return out;
}

std::string Work(const Report& report) {
  return report.work_unit().empty() ? "token" : report.work_unit();
}

std::string ContextWords(const Scenario& s) {
  return s.has_context() ? absl::StrFormat("context %g, ", s.context()) : "";
}

std::string Formats(const Scenario& s) {
  std::string out = absl::StrCat(s.weights(), " weights, ");
  // A network of explicit layers.
  if (s.kv().empty()) return absl::StrCat(out, s.activations(), " activations");
  if (s.experts() != s.weights()) {
    absl::StrAppend(&out, s.experts(), " experts, ");
  }
  if (s.lm_head() != s.weights()) {
    absl::StrAppend(&out, s.lm_head(), " LM head, ");
  }
  absl::StrAppend(&out, s.kv(), " KV cache, ", s.activations(), " activations");
  return out;
}

std::string SetupLines(const Report& report) {
  const Scenario& s = report.scenario();
  std::string lines = absl::StrFormat(
      "%s on %s, %s%s\nbatch %g, %s%s\n", report.model(),
      report.hardware(), Chips(report),
      report.runtime().empty() ? ""
                               : absl::StrCat(", served by ", report.runtime()),
      s.batch(), ContextWords(s), Formats(s));
  if (s.set_size() > 0) {
    absl::StrAppend(&lines, "with ", absl::StrJoin(s.set(), ", "), "\n");
  }
  return lines;
}

std::string WarningLines(const Report& report) {
  std::string out;
  for (const std::string& warning : report.warnings()) {
    absl::StrAppend(&out, "\nwarning: ", warning, "\n");
  }
  return out;
}

}  // namespace tokenjoule
