#include "analyzer/report/answers/machines.h"

#include <map>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/answers/analyze.h"
#include "analyzer/report/answers/costs.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

std::string MemoryShareWords(const Report& report) {
  return report.has_memory_share()
             ? PercentBetween(report.memory_share().energy_share_low(),
                              report.memory_share().energy_share_high())
             : PercentBetween(report.stack_energy_share_low(),
                              report.stack_energy_share_high());
}

// What all rows have in common. Machines may decide about formats, which then are
// those of the first.
std::string Heading(const Report& first) {
  const Scenario& scenario = first.scenario();
  return Wrapped(absl::StrFormat(
      "%s on several machines, %s\nbatch %g, %s%s, energy at the %s\n",
      first.model(), Chips(first), scenario.batch(), ContextWords(scenario),
      Formats(scenario), BoundaryLabel(scenario.boundary())));
}

std::string Rows(const MachinesStudy& study) {
  const std::string work = Work(study.rows(0));
  TextTable table({"machine", "J/" + work, "range", "step", work + "s/s",
                   "memory", "holds", "evidence"});
  for (const Report& row : study.rows()) {
    table.AddRow({row.hardware(), WithUnit(row.energy_per_token_j(), "J"),
                  Between(row.energy_per_token_j_low(),
                          row.energy_per_token_j_high(), "J"),
                  WithUnit(row.step_time_s(), "s"),
                  Plain(row.tokens_per_s()),
                  MemoryShareWords(row),
                  work == "token" ? absl::StrCat(row.max_batch()) : "yes",
                  EvidenceWord(row.evidence())});
  }
  return table.ToString(2);
}

std::string MachinesTable(const MachinesStudy& study, const TableOptions&) {
  std::string out = absl::StrCat(
      Heading(study.rows(0)), Rows(study),
      "  memory: share of its devices alone in the energy of the board; holds: "
      "largest batch that fits\n",
      MachineCostTables(study.rows()));
  if (study.left_out_size() > 0) {
    absl::StrAppend(&out, "\nLeft out\n");
    for (const LeftOutMachine& machine : study.left_out()) {
      absl::StrAppend(&out, Wrapped(absl::StrCat(machine.hardware(), ": ",
                                                 machine.reason())));
    }
  }
  return absl::StrCat(out, "\n", Wrapped(study.summary()));
}

// One row per machine; those left out have only their name and the reason.
// Machines whose memory is not DRAM have columns of their own, so that the columns
// are those of all rows together.
std::string MachinesCsv(const MachinesStudy& study) {
  std::vector<std::string> columns;
  std::vector<std::map<std::string, std::string>> rows;
  for (const Report& row : study.rows()) {
    rows.emplace_back();
    for (const CsvCell& cell : ReportCells(row)) {
      if (!absl::c_linear_search(columns, cell.column)) {
        columns.push_back(cell.column);
      }
      rows.back()[cell.column] = cell.text;
    }
  }
  columns.push_back("left_out");
  for (const LeftOutMachine& machine : study.left_out()) {
    rows.push_back(
        {{"hardware", machine.hardware()}, {"left_out", machine.reason()}});
  }
  CsvWriter writer;
  for (const auto& row : rows) {
    std::vector<CsvCell> cells;
    for (const std::string& column : columns) {
      const auto found = row.find(column);
      cells.push_back({column, found == row.end() ? "" : found->second});
    }
    writer.AddRow(cells);
  }
  return writer.text();
}

}  // namespace

std::string EvidenceWord(absl::string_view evidence) {
  const size_t space = evidence.rfind(' ');
  return std::string(space == absl::string_view::npos
                         ? evidence
                         : evidence.substr(space + 1));
}

template <>
Writers<MachinesStudy> WritersOf() {
  return {MachinesTable, MachinesCsv, FigureOf};
}

}  // namespace tokenjoule
