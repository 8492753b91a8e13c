#include "analyzer/report/labels.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "analyzer/description/boundary.h"
#include "analyzer/machine/terms.h"
#include "analyzer/report/table.h"

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

namespace {

std::string SetupLines(const Report& report, bool with_batch, int indent) {
  const Scenario& s = report.scenario();
  std::vector<std::string> lines = {
      absl::StrCat(report.model(), " on ", report.hardware(), ", ",
                   Chips(report),
                   report.runtime().empty() ? "" : ", served by ",
                   report.runtime()),
      absl::StrCat(with_batch ? absl::StrFormat("batch %g, ", s.batch()) : "",
                   ContextWords(s), Formats(s), ", energy at the ",
                   BoundaryLabel(s.boundary()))};
  if (s.set_size() > 0) {
    lines.push_back(absl::StrCat("with ", absl::StrJoin(s.set(), ", ")));
  }
  return Wrapped(absl::StrJoin(lines, "\n"), indent);
}

// The warning that says why an answer does not fit begins with this.
constexpr absl::string_view kMisfit = "does not fit: ";

}  // namespace

std::string SetupLines(const Report& report, int indent) {
  return SetupLines(report, /*with_batch=*/true, indent);
}

std::string SetupLinesWithoutBatch(const Report& report) {
  return SetupLines(report, /*with_batch=*/false, /*indent=*/0);
}

std::string MisfitLines(const Report& report) {
  if (report.fits()) return "";
  std::string out;
  for (absl::string_view warning : report.warnings()) {
    if (!absl::ConsumePrefix(&warning, kMisfit)) continue;
    absl::StrAppend(&out, Wrapped(absl::StrCat("DOES NOT FIT: ", warning)));
  }
  return out.empty() ? "DOES NOT FIT\n" : out;
}

std::string WarningLines(const Report& report) {
  std::string out;
  for (const std::string& warning : report.warnings()) {
    if (!report.fits() && absl::StartsWith(warning, kMisfit)) continue;
    absl::StrAppend(&out, "\n", Wrapped(absl::StrCat("warning: ", warning)));
  }
  return out;
}

std::vector<ShareOfMemory> SharesOfMemory(const Report& report) {
  const std::string& boundary = report.scenario().boundary();
  std::vector<ShareOfMemory> shares;
  const auto add = [&](const std::string& label, const char* counted,
                       double share, double low, double high, bool has_range) {
    if (share > 0 && share < 1 - 1e-9) {
      shares.push_back({label, counted, share, low, high, has_range});
    }
  };
  constexpr char kWithPath[] = "with PHY, controller, fabric";
  for (const DramShare& share : report.dram_share_by_boundary()) {
    if (share.boundary() != boundary) continue;
    add(FigureLabel(kStackEnergyShare), "the devices alone",
        share.stack_energy_share(), share.stack_energy_share_low(),
        share.stack_energy_share_high(), true);
    add(FigureLabel(kDramEnergyShare), kWithPath, share.dram_energy_share(),
        share.dram_energy_share_low(), share.dram_energy_share_high(), true);
  }
  if (!report.has_memory_share()) return shares;
  // The share is that of the board; inside another boundary it is as much energy
  // of another whole.
  double board = 0, whole = 0;
  for (const BoundaryEnergy& energy : report.energy_by_boundary()) {
    if (energy.boundary() == "board") board = energy.energy_per_token_j();
    if (energy.boundary() == boundary) whole = energy.energy_per_token_j();
  }
  const bool at_board = boundary == "board";
  const double factor = at_board || !(whole > 0) ? 1 : board / whole;
  const MemoryShare& memory = report.memory_share();
  add(absl::StrCat(memory.memory(), " share"), "its accesses alone",
      memory.energy_share() * factor, memory.energy_share_low(),
      memory.energy_share_high(), at_board);
  if (memory.with_path() > memory.energy_share()) {
    add(absl::StrCat(memory.memory(), " and path share"), kWithPath,
        memory.with_path() * factor, memory.with_path_low(),
        memory.with_path_high(), at_board);
  }
  return shares;
}

}  // namespace tokenjoule
