#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "analyzer/report/answers/machines.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

std::string Heading(const PlanStudy& study) {
  std::vector<std::string> limits;
  if (study.max_time_per_token_ms() > 0) {
    limits.push_back(absl::StrFormat("%g ms per token",
                                     study.max_time_per_token_ms()));
  }
  if (study.max_time_to_first_token_ms() > 0) {
    limits.push_back(absl::StrFormat("%g ms to the first token",
                                     study.max_time_to_first_token_ms()));
  }
  return absl::StrFormat(
      "%s, %g requests/s with prompts of %g and outputs of %g tokens\n"
      "least %s per request %s; energy at the %s\n\n",
      study.model(), study.requests_per_s(), study.prompt(), study.output(),
      study.objective(),
      limits.empty() ? std::string("without limits")
                     : absl::StrCat("within ", absl::StrJoin(limits, " and ")),
      BoundaryLabel(study.boundary()));
}

// "fp8*" for "fp8 from bf16".
std::string ShortWeights(const PlanRow& row) {
  const std::string first =
      std::vector<std::string>(absl::StrSplit(row.weights(), ' '))[0];
  return first == row.weights() ? first : absl::StrCat(first, "*");
}

std::string Split(const PlanRow& row) {
  std::vector<std::string> parts;
  if (row.tp() > 1) parts.push_back(absl::StrCat("tp ", row.tp()));
  if (row.pp() > 1) parts.push_back(absl::StrCat("pp ", row.pp()));
  if (row.ep() > 1) parts.push_back(absl::StrCat("ep ", row.ep()));
  return parts.empty() ? "1 chip" : absl::StrJoin(parts, " ");
}

// The machine, with its runtime if there is a way of the same machine with another.
std::string MachineWords(const PlanStudy& study, const PlanRow& row) {
  for (const PlanRow& other : study.rows()) {
    if (other.hardware() == row.hardware() && other.runtime() != row.runtime()) {
      return absl::StrCat(row.hardware(), ", ", row.runtime());
    }
  }
  return row.hardware();
}

// Three digits, and no exponent where people read a number of ms.
std::string Milliseconds(double ms) {
  return ms < 1000 ? absl::StrFormat("%.3g", ms) : absl::StrFormat("%.0f", ms);
}

// What is chosen, and how fast it serves.
std::string Ways(const PlanStudy& study) {
  TextTable table({"", "machine", "weights", "split", "replicas", "batch",
                   "busy", "ms/token", "first ms", "evidence"});
  int number = 0;
  for (const PlanRow& row : study.rows()) {
    table.AddRow({absl::StrCat(++number), MachineWords(study, row),
                  ShortWeights(row), Split(row),
                  absl::StrFormat("%g", row.replicas()),
                  absl::StrFormat("%.4g", row.batch()),
                  Percent(row.busy_share()),
                  Milliseconds(row.time_per_token_ms()),
                  Milliseconds(row.time_to_first_token_ms()),
                  EvidenceWord(row.evidence())});
  }
  return table.ToString(2);
}

// What a request takes, and what a thousand of them cost.
std::string Costs(const PlanStudy& study) {
  // Requests are counted in thousands, so that their money can be read.
  constexpr double kRequests = 1000;
  const bool money = study.rows(0).per_request().has_price();
  const bool carbon = study.rows(0).per_request().has_co2e_g();
  std::vector<std::string> header = {"",      "J/request", "range", "idle",
                                     "chips", "power",     "kWh"};
  if (carbon) header.push_back("CO2e");
  if (money) header.insert(header.end(), {"money", "range"});
  TextTable table(header);
  int number = 0;
  for (const PlanRow& row : study.rows()) {
    const RunningCost& cost = row.per_request();
    std::vector<std::string> cells = {
        absl::StrCat(++number), WithUnit(row.energy_per_request_j(), "J"),
        Between(row.energy_per_request_j_low(), row.energy_per_request_j_high(),
                "J"),
        Percent(row.idle_energy_share()), absl::StrFormat("%g", row.chips()),
        WithUnit(row.power_w(), "W"),
        absl::StrFormat("%.3g", cost.electricity_kwh() * 1e3 * kRequests)};
    if (carbon) cells.push_back(WithUnit(cost.co2e_g() * kRequests, "g"));
    if (money) {
      cells.push_back(absl::StrFormat("%.3g", cost.price() * kRequests));
      cells.push_back(absl::StrFormat("%.3g to %.3g",
                                      cost.price_low() * kRequests,
                                      cost.price_high() * kRequests));
    }
    table.AddRow(cells);
  }
  return absl::StrCat(
      "\nEnergy of a request, ", money || carbon ? "electricity and costs" : "electricity",
      " of 1000 at the facility, idle time included\n", table.ToString(2));
}

// How many ways there were, and the most frequent reasons against others.
std::string LeftOut(const PlanStudy& study) {
  constexpr int kMost = 5;
  std::string out = absl::StrFormat("\n%g ways were evaluated\n",
                                    study.candidates());
  double others = 0;
  for (int i = 0; i < study.left_out_size(); ++i) {
    const InvalidReason& reason = study.left_out(i);
    if (i >= kMost) {
      others += reason.points();
      continue;
    }
    absl::StrAppend(&out, Wrapped(absl::StrFormat(
                              "%g left out: %s", reason.points(),
                              absl::StripPrefix(reason.reason(), "scenario: "))));
  }
  if (others > 0) {
    absl::StrAppendFormat(&out, "%g left out for other reasons\n", others);
  }
  return out;
}

std::string PlanTable(const PlanStudy& study, const TableOptions&) {
  std::string out = Heading(study);
  absl::StrAppend(&out, Wrapped(study.summary()));
  if (!study.rows().empty()) {
    absl::StrAppend(&out, "\n");
    absl::StrAppend(&out, Ways(study));
    for (const PlanRow& row : study.rows()) {
      if (!absl::StrContains(row.weights(), ' ')) continue;
      absl::StrAppend(&out,
                      "  * converted from the checkpoint's own format, which "
                      "loses precision\n");
      break;
    }
    absl::StrAppend(&out, Costs(study), "\nOne replica of the first\n",
                    WrappedCommand(study.rows(0).command(), 2));
  }
  return absl::StrCat(out, LeftOut(study));
}

// One row per way.
std::string PlanCsv(const PlanStudy& study) { return EntriesCsv(study.rows()); }

}  // namespace

template <>
Writers<PlanStudy> WritersOf() {
  return {PlanTable, PlanCsv, FigureOf};
}

}  // namespace tokenjoule
