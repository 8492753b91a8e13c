#include "analyzer/report/answers/analyze.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "analyzer/description/boundary.h"
#include "analyzer/machine/terms.h"
#include "analyzer/report/answers/costs.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

// One line each for speculation and mixed serving; empty if the scenario has
// neither.
std::string Serving(const Report& report) {
  const Scenario& s = report.scenario();
  std::string out;
  if (s.has_speculation()) {
    const Speculation& speculation = s.speculation();
    absl::StrAppendFormat(
        &out, "speculation: %d tokens drafted by %s, %.3g tokens per step\n",
        speculation.draft_tokens(),
        speculation.draft_model().empty() ? "a free lookup"
                                          : speculation.draft_model(),
        report.tokens_per_sequence_step());
  }
  if (s.prompt() > 0) {
    absl::StrAppendFormat(&out,
                          "mixed serving: prompts of %g, outputs of %g "
                          "tokens; figures are means over steps\n",
                          s.prompt(), s.output());
  }
  return out.empty() ? out : Wrapped(absl::StripSuffix(out, "\n"));
}

bool IsNetwork(const Report& report) { return Work(report) == "inference"; }

// Whether the backing store is DRAM; if not, the memory has its own share.
bool HasDram(const Report& report) { return !report.has_memory_share(); }

std::string BoundWords(const Report& report) {
  std::vector<std::string> parts;
  for (const BoundTime& part : report.time_by_bound()) {
    const double share = part.time_s() / report.step_time_s();
    if (share < 0.005) continue;
    parts.push_back(
        absl::StrFormat("%s %.0f %%", BoundLabel(part.bound()), 100 * share));
  }
  return absl::StrCat(BoundLabel(report.bound()), " binds (",
                      absl::StrJoin(parts, ", "), ")");
}

// Time and speed of a step, which an answer that does not fit does not have.
void AddSpeed(const Report& report, TextTable* table) {
  table->AddRow(
      {FigureLabel(kStepTimeFigure), WithUnit(report.step_time_s(), "s"),
       absl::StrCat(
           Between(report.step_time_s_low(), report.step_time_s_high(), "s"),
           "; ", BoundWords(report))});
  std::vector<std::string> parts;
  if (!IsNetwork(report) && report.scenario().batch() > 1) {
    parts.push_back(absl::StrCat(
        Plain(report.tokens_per_s() / report.scenario().batch()),
        " per user"));
  }
  if (report.num_chips() > 1) {
    parts.push_back(absl::StrCat(
        Plain(report.tokens_per_s() / report.num_chips()), " per chip"));
  }
  parts.push_back(absl::StrCat(WithUnit(report.power_w(), "W"), " drawn"));
  table->AddRow({FigureLabel(kTokensPerSecond),
                 absl::StrCat(Plain(report.tokens_per_s()), " ",
                              Work(report), "s/s"),
                 absl::StrJoin(parts, ", ")});
  if (report.admitting_share() > 0) {
    table->AddRow({"inter-token", WithUnit(report.pure_step_time_s(), "s"),
                  absl::StrFormat(
                      "without prompts; %s in the %s of steps that admit some",
                      WithUnit(report.admitting_step_time_s(), "s"),
                      Percent(report.admitting_share()))});
    table->AddRow({"first token", WithUnit(report.time_to_first_token_s(), "s"),
                  "after a prompt is admitted"});
  }
}

std::string Headline(const Report& report) {
  TextTable table({"", "", ""});
  table.AddRow(
      {FigureLabel(kEnergyPerToken),
       absl::StrCat(WithUnit(report.energy_per_token_j(), "J"), "/",
                    Work(report)),
       absl::StrCat(Between(report.energy_per_token_j_low(),
                            report.energy_per_token_j_high(), "J"),
                    report.fits() ? "" : ", if it did fit")});
  for (const ShareOfMemory& share : SharesOfMemory(report)) {
    table.AddRow(
        {share.label, Percent(share.share),
         absl::StrCat(share.has_range ? PercentBetween(share.low, share.high) + " "
                                      : "",
                      "of the ", BoundaryLabel(report.scenario().boundary()),
                      "; ", share.counted)});
  }
  if (report.fits()) AddSpeed(report, &table);
  if (report.core_clock_mhz() > 0) {
    const double set = report.set_core_clock_mhz();
    table.AddRow({"core clock",
                  absl::StrFormat("%.0f MHz", report.core_clock_mhz()),
                  report.core_clock_mhz() < set * (1 - 1e-6)
                      ? absl::StrFormat("of %.0f MHz: the power cap binds", set)
                      : "as set"});
  }
  const double intensity = report.arithmetic_intensity_flop_per_byte();
  const double ridge = report.ridge_point_flop_per_byte();
  // Where nothing crosses the interface of the backing store there is none.
  if (intensity > 0) {
    table.AddRow(
        {FigureLabel(kArithmeticIntensity),
         absl::StrCat(Plain(intensity, 3), " FLOP/byte"),
         absl::StrCat(intensity < ridge ? "below" : "above",
                      " the ridge point of ", Plain(ridge, 3),
                      " at peak rates")});
  }
  table.AddRow(
      {"memory", WithUnit(report.memory_used_bytes(), "B"),
       absl::StrCat("of ", WithUnit(report.memory_usable_bytes(), "B"),
                    " usable: ", report.fits() ? "fits" : "does not fit",
                    IsNetwork(report)
                        ? std::string("; weights, without activations")
                    : report.max_batch() == 0
                        ? std::string("; no batch does at this context")
                        : absl::StrCat("; largest batch at this context: ",
                                       report.max_batch()))});
  if (report.model_growth() > 1) {
    table.AddRow(
        {"growth", absl::StrFormat("%.4g", report.model_growth()),
         absl::StrCat("times the parameters of layers",
                      report.model_growth_high() > 0
                          ? absl::StrFormat(", for equal quality; range %.4g "
                                            "to %.4g",
                                            report.model_growth_low(),
                                            report.model_growth_high())
                          : ", as the arrays require")});
  }
  if (report.area_mm2() > 0) {
    table.AddRow(
        {FigureLabel(kAreaFigure),
         absl::StrCat(Plain(report.area_mm2()), " mm2"),
         absl::StrCat(
             "logic; ", WithUnit(report.cost_usd(), "$"),
             " to make with memory and board, ",
             Between(report.cost_usd_low(), report.cost_usd_high(), "$"))});
  }
  if (report.has_stack()) {
    const StackReport& stack = report.stack();
    table.AddRow({absl::StrCat(stack.level(), " on logic"),
                  absl::StrFormat("%.1f layers", stack.layers()),
                  absl::StrFormat(
                      "of at most %.3g; %.0f W/cm2 of %.0f, %.0f C%s",
                      stack.max_layers(), stack.power_w_per_cm2(),
                      stack.max_power_w_per_cm2(), stack.temperature_c(),
                      stack.refresh_factor() > 1 ? ": refresh doubled" : "")});
  }
  return table.ToString(2);
}

std::string Terms(const Report& report) {
  TextTable table({"", "J/" + Work(report), "share", "range"});
  for (const EnergyTerm& term : report.energy_terms()) {
    if (term.energy_per_token_j() == 0 && term.high() == 0) continue;
    table.AddRow(
        {TermLabel(term.term()), WithUnit(term.energy_per_token_j(), "J"),
         Percent(term.energy_per_token_j() / report.energy_per_token_j()),
         Between(term.low(), term.high(), "J")});
  }
  table.AddRow({"total", WithUnit(report.energy_per_token_j(), "J"), Percent(1),
                Between(report.energy_per_token_j_low(),
                        report.energy_per_token_j_high(), "J")});
  return table.ToString(2);
}

// Energy per operation of the in-memory arrays, at each boundary that people
// quote.
std::string Arrays(const Report& report) {
  TextTable table({"", "macro", "", "in this step", "", "filled"});
  for (const ArrayEfficiency& array : report.arrays()) {
    table.AddRow({absl::StrCat(array.engine(), ", ", array.weights(), " x ",
                               array.activations()),
                  WithUnit(array.macro_fj_per_op() * 1e-15, "J/op"),
                  absl::StrFormat("%.3g TOPS/W", array.macro_tops_per_w()),
                  WithUnit(array.engine_fj_per_op() * 1e-15, "J/op"),
                  absl::StrFormat("%.3g TOPS/W", array.engine_tops_per_w()),
                  Percent(array.filled())});
  }
  const double whole = report.energy_per_token_j() / report.flop_per_token();
  table.AddRow({absl::StrCat("everything, at the ",
                             BoundaryLabel(report.scenario().boundary())),
                "", "", WithUnit(whole, "J/op"),
                absl::StrFormat("%.3g TOPS/W", 1e-12 / whole), ""});
  return table.ToString(2);
}

std::string Boundaries(const Report& report) {
  if (!HasDram(report)) {
    TextTable energies({"boundary", "J/" + Work(report)});
    for (const BoundaryEnergy& energy : report.energy_by_boundary()) {
      if (energy.energy_per_token_j() == 0) continue;
      energies.AddRow({BoundaryLabel(energy.boundary()),
                       WithUnit(energy.energy_per_token_j(), "J")});
    }
    return absl::StrCat("\nEnergy by boundary\n", energies.ToString(2));
  }
  TextTable table({"boundary", "J/" + Work(report), "DRAM alone", "range",
                   "with memory path", "range"});
  const auto range = [](double value, double low, double high) {
    return value > 0 && value < 1 ? PercentBetween(low, high) : std::string();
  };
  for (int i = 0; i < report.energy_by_boundary_size(); ++i) {
    const BoundaryEnergy& energy = report.energy_by_boundary(i);
    const DramShare& share = report.dram_share_by_boundary(i);
    table.AddRow(
        {BoundaryLabel(energy.boundary()),
         WithUnit(energy.energy_per_token_j(), "J"),
         Percent(share.stack_energy_share()),
         range(share.stack_energy_share(), share.stack_energy_share_low(),
               share.stack_energy_share_high()),
         share.dram_energy_share() > 0 ? Percent(share.dram_energy_share())
                                       : "",
         range(share.dram_energy_share(), share.dram_energy_share_low(),
               share.dram_energy_share_high())});
  }
  return absl::StrCat("\nDRAM share by boundary\n", table.ToString(2));
}

std::string Bytes(const Report& report) {
  TextTable table({"bytes", "read per step", "held", ""});
  for (const PartBytes& part : report.parts()) {
    table.AddRow({part.part(), WithUnit(part.read_bytes_per_step(), "B"),
                  WithUnit(part.held_bytes(), "B"),
                  part.part() == "experts"
                      ? absl::StrFormat("%.4g distinct experts a layer",
                                        report.experts_read_per_layer())
                      : ""});
  }
  // The bytes in memory that are not weights, including copies for parallelism.
  double held = report.memory_used_bytes() - report.idle_array_bytes();
  for (const PartBytes& part : report.parts()) held -= part.held_bytes();
  const double kv = report.kv_bytes_per_sequence();
  const double state = report.state_bytes_per_sequence();
  const double kv_share = kv + state > 0 ? kv / (kv + state) : 0;
  if (!IsNetwork(report)) {
    table.AddRow({"KV cache", WithUnit(report.kv_read_bytes_per_step(), "B"),
                  WithUnit(held * kv_share, "B"),
                  absl::StrCat(WithUnit(kv, "B"), " per sequence")});
  }
  if (state > 0) {
    table.AddRow({"recurrent state",
                  WithUnit(report.state_bytes_per_step(), "B"),
                  WithUnit(held * (1 - kv_share), "B"), "read and written"});
  }
  table.AddRow({"activations",
                WithUnit(report.activation_bytes_per_step(), "B"), "",
                "in and out of operators; most stay on chip"});
  // On-chip memory has no interface to count traffic across.
  if (report.dram_bytes_per_step() > 0) {
    table.AddRow({report.has_memory_share()
                      ? report.memory_share().memory() + " traffic"
                      : "DRAM traffic",
                  WithUnit(report.dram_bytes_per_step(), "B"), "",
                  IsNetwork(report) ? "with spills"
                                    : "with KV writes and spills"});
  }
  return absl::StrCat(
      table.ToString(2),
      absl::StrFormat("  %s per %s in matrix products; %s parameters",
                      WithUnit(report.flop_per_token(), "FLOP"), Work(report),
                      WithUnit(report.total_parameters(), "")),
      report.active_parameters() < report.total_parameters()
          ? absl::StrFormat(", %s act on a token",
                            WithUnit(report.active_parameters(), ""))
          : "",
      report.model_growth() > 1 ? ", before growth\n" : "\n");
}

std::string Operators(const Report& report) {
  // A network has no cache and runs on one chip.
  const bool whole = !IsNetwork(report);
  const auto row = [&](std::vector<std::string> cells, const std::string& kv,
                       const std::string& links,
                       const std::vector<std::string>& rest) {
    if (whole) cells.insert(cells.end() - 1, kv);
    if (whole) cells.push_back(links);
    cells.insert(cells.end(), rest.begin(), rest.end());
    return cells;
  };
  TextTable table(
      row({"operator", "runs", "FLOP", "weights", "activations"}, "KV", "links",
          {"time", "bound", "energy", "share of time"}));
  for (const OperatorReport& op : report.operators()) {
    table.AddRow(row(
        {op.name(), absl::StrFormat("%g", op.count()), WithUnit(op.flop(), ""),
         WithUnit(op.weight_bytes(), "B"),
         WithUnit(op.activation_bytes(), "B")},
        WithUnit(op.kv_bytes(), "B"), WithUnit(op.link_bytes(), "B"),
        {WithUnit(op.time_s(), "s"), BoundLabel(op.bound()),
         WithUnit(op.energy_j(), "J"),
         Percent(op.time_s() / report.step_time_s())}));
  }
  return table.ToString(2);
}

// The energy as the number of operations times the cost of each, in one line.
std::string Factored(const Report& report) {
  const Factorization& f = report.factorization();
  return Wrapped(absl::StrCat(
      "Factored: ", WithUnit(f.operations_per_token(), "FLOP"), " x (",
      WithUnit(f.energy_per_operation_j(), "J"), "/FLOP + ",
      absl::StrFormat("%.3g", f.memory_accesses_per_operation()),
      " byte/FLOP x ", WithUnit(f.energy_per_access_j(), "J"),
      "/byte) = ", WithUnit(f.product_j(), "J"), "; standing ",
      WithUnit(f.standing_j(), "J")));
}

// The machines that share the step, and which data lies where; empty if there
// is one machine.
std::string Machines(const Report& report) {
  if (report.machines_size() == 0) return "";
  TextTable shares({"machine", "", "layers", "time", "share of time", "J/token",
                    "held", "usable", "memory traffic", "links"});
  for (const MachineShare& share : report.machines()) {
    const bool is_link = share.role() == "link";
    shares.AddRow({share.machine(), share.role(),
                   is_link ? "" : absl::StrFormat("%g", share.layers()),
                   WithUnit(share.time_s(), "s"),
                   Percent(share.time_s() / report.step_time_s()),
                   WithUnit(share.energy_per_token_j(), "J"),
                   is_link ? "" : WithUnit(share.held_bytes(), "B"),
                   is_link ? "" : WithUnit(share.usable_bytes(), "B"),
                   WithUnit(share.traffic_bytes_per_step(), "B"),
                   WithUnit(share.link_bytes_per_step(), "B")});
  }
  TextTable placed({"data", "lies in", "held", "read per step"});
  for (const Placed& data : report.placement()) {
    placed.AddRow({data.data(), absl::StrCat(data.machine(), " ", data.level()),
                   WithUnit(data.held_bytes(), "B"),
                   WithUnit(data.read_bytes_per_step(), "B")});
  }
  return absl::StrCat("\nMachines that share the step, one after another\n",
                      shares.ToString(2), "\nWhat lies where\n",
                      placed.ToString(2));
}

// "8.03 G, 4.50 G to 18.0 G".
std::string WithRange(double value, double low, double high) {
  if (!(low < high)) return WithUnit(value, "");
  return absl::StrCat(WithUnit(value, ""), ", ", Between(low, high, ""));
}

// What scaling laws say of the model; empty where they were not asked.
std::string QualityLines(const Report& report) {
  if (!report.has_quality()) return "";
  const QualityEstimate& quality = report.quality();
  std::string out = absl::StrCat(
      "\nQuality by scaling laws\n  effective parameters ",
      WithRange(quality.effective_parameters(),
                quality.effective_parameters_low(),
                quality.effective_parameters_high()),
      absl::StrFormat("\n    experts x %.3g; precision / %.3g, %.3g to %.3g "
                      "(%.3g-bit weights, %.3g-bit activations",
                      quality.expert_gain(), quality.precision_growth(),
                      quality.precision_growth_low(),
                      quality.precision_growth_high(), quality.weight_bits(),
                      quality.activation_bits()),
      quality.kv_bits() > 0
          ? absl::StrFormat(", %.3g-bit KV cache)\n", quality.kv_bits())
          : ")\n");
  if (quality.loss() > 0) {
    absl::StrAppendFormat(
        &out, "  loss %.4f nats per token, %.4f to %.4f, after %s tokens\n",
        quality.loss(), quality.loss_low(), quality.loss_high(),
        WithUnit(quality.training_tokens(), ""));
    absl::StrAppendFormat(
        &out,
        "    shapes of equal parameters differ by up to %.3g %%: smaller "
        "differences are undetermined\n",
        100 * quality.shape_spread());
  }
  if (quality.rounding_loss() > 0) {
    absl::StrAppendFormat(&out, "    of it %.4f by rounding after training\n",
                          quality.rounding_loss());
  }
  for (const std::string& law : quality.laws()) {
    absl::StrAppend(&out, Wrapped(absl::StrCat("law: ", law), 2));
  }
  for (const std::string& caveat : quality.caveats()) {
    absl::StrAppend(&out, Wrapped(absl::StrCat("caveat: ", caveat), 2));
  }
  return out;
}

// Includes the operators if `options` ask for the answer in full.
std::string ReportTable(const Report& report, const TableOptions& options) {
  std::string out = absl::StrCat(SetupLines(report), Serving(report));
  if (!report.evidence_note().empty()) {
    absl::StrAppend(&out, Wrapped(report.evidence_note()));
  }
  absl::StrAppend(&out, "\n", MisfitLines(report), report.fits() ? "" : "\n");
  absl::StrAppend(&out, Headline(report), "\nWhere the energy goes\n",
                  Terms(report), "\n", Factored(report),
                  Boundaries(report));
  if (report.arrays_size() > 0) {
    absl::StrAppend(&out,
                    "\nEnergy per operation; a multiply-add is two operations\n",
                    Arrays(report));
  }
  absl::StrAppend(&out, CostTables(report));
  absl::StrAppend(&out, "\nWhere the bytes are\n", Bytes(report),
                  Machines(report), QualityLines(report));
  if (options.in_full) {
    absl::StrAppend(&out, "\nOperators (whole system, one step)\n",
                    Operators(report));
  }
  if (report.notes_size() > 0) {
    absl::StrAppend(&out, "\n");
    for (const std::string& note : report.notes()) {
      // A command is to be copied whole.
      const size_t command = note.find(": tokenjoule ");
      if (command != std::string::npos) {
        absl::StrAppend(&out, "note: ", note.substr(0, command), ":\n",
                        WrappedCommand(note.substr(command + 2), 2));
        continue;
      }
      absl::StrAppend(&out, Wrapped(absl::StrCat("note: ", note)));
    }
  }
  absl::StrAppend(&out, WarningLines(report));
  return out;
}

// One row.
std::string ReportCsv(const Report& report) {
  CsvWriter writer;
  writer.AddRow(ReportCells(report));
  return writer.text();
}

}  // namespace

std::vector<CsvCell> ReportCells(const Report& report) {
  std::vector<CsvCell> cells;
  AddScalars(report, "", &cells);
  const auto add = [&](const std::string& column, bool exists, double value) {
    cells.push_back({column, exists ? CsvNumber(value) : ""});
  };
  // Without ranges both ends are the value, which they are of nothing that is known.
  const bool ranges =
      report.energy_per_token_j_low() < report.energy_per_token_j_high();
  for (CsvCell& cell : cells) {
    if (!ranges && (absl::EndsWith(cell.column, "_low") ||
                    absl::EndsWith(cell.column, "_high"))) {
      cell.text.clear();
    }
  }
  // A value and its range.
  const auto add_range = [&](const std::string& column, bool exists,
                             double value, double low, double high) {
    add(column, exists, value);
    add(column + ".low", exists && ranges, low);
    add(column + ".high", exists && ranges, high);
  };
  // Every boundary and every term, whichever the answer has.
  for (const BoundaryRow& row : kBoundaries) {
    double inside = 0;
    for (const BoundaryEnergy& energy : report.energy_by_boundary()) {
      if (energy.boundary() == row.name) inside = energy.energy_per_token_j();
    }
    add(absl::StrCat("energy_by_boundary.", row.name), inside > 0, inside);
  }
  for (const BoundaryRow& row : kBoundaries) {
    DramShare share;
    for (const DramShare& entry : report.dram_share_by_boundary()) {
      if (entry.boundary() == row.name) share = entry;
    }
    add_range(absl::StrCat("dram_share_by_boundary.", row.name),
              share.dram_energy_share() > 0, share.dram_energy_share(),
              share.dram_energy_share_low(), share.dram_energy_share_high());
    add_range(absl::StrCat("stack_share_by_boundary.", row.name),
              share.stack_energy_share() > 0, share.stack_energy_share(),
              share.stack_energy_share_low(), share.stack_energy_share_high());
  }
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    const auto value = static_cast<Term::Value>(i + 1);
    EnergyTerm term;
    bool exists = false;
    for (const EnergyTerm& entry : report.energy_terms()) {
      if (entry.term() != value) continue;
      term = entry;
      exists = true;
    }
    add_range(absl::StrCat("energy_terms.",
                           absl::AsciiStrToLower(Term::Value_Name(value))),
              exists, term.energy_per_token_j(), term.low(), term.high());
  }
  cells.push_back({"warnings", absl::StrJoin(report.warnings(), "; ")});
  return cells;
}

template <>
Writers<Report> WritersOf() {
  return {ReportTable, ReportCsv, FigureOf};
}

}  // namespace tokenjoule
