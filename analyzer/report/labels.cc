#include "analyzer/report/labels.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace tokenjoule {

std::string TermLabel(Term::Value term) {
  switch (term) {
    case Term::DRAM_ACTIVATE:
      return "DRAM row activation";
    case Term::DRAM_COLUMN:
      return "DRAM column and data movement";
    case Term::DRAM_INTERFACE:
      return "DRAM interface";
    case Term::DRAM_PHY_CONTROLLER:
      return "DRAM PHY and controller (host)";
    case Term::DRAM_BACKGROUND:
      return "DRAM background and refresh";
    case Term::SRAM:
      return "on-chip SRAM";
    case Term::ON_CHIP_NETWORK:
      return "on-chip network";
    case Term::COMPUTE:
      return "compute";
    case Term::ADC:
      return "analog-to-digital conversion";
    case Term::DAC:
      return "digital-to-analog conversion";
    case Term::ARRAY_WRITE:
      return "array writes";
    case Term::LINK:
      return "links between chips";
    case Term::STATIC:
      return "static power and regulators";
    case Term::HOST:
      return "host, NIC, fans, supplies";
    case Term::FACILITY:
      return "facility (PUE)";
    default:
      return "?";
  }
}

std::string BoundaryLabel(absl::string_view boundary) {
  return absl::StrReplaceAll(boundary, {{"_", " "}});
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

std::string Formats(const Scenario& s) {
  std::string out = absl::StrCat(s.weights(), " weights, ");
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
      "%s on %s, %s\nbatch %g, context %g, %s\n", report.model(),
      report.hardware(), Chips(report), s.batch(), s.context(), Formats(s));
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
