#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/report/chart.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

std::string Femtojoules(double fj) {
  return fj > 0 ? Plain(fj, 3) : std::string("never");
}

// The batches of the map as columns, standing power and growth as rows.
std::string Map(const BreakEvenStudy& study) {
  std::set<double> batches;
  for (const BreakEvenRow& row : study.rows()) batches.insert(row.batch());
  std::vector<std::string> heading = {"standing power", "growth"};
  for (const double batch : batches) {
    heading.push_back(absl::StrFormat("batch %g", batch));
  }
  TextTable table(heading);
  std::vector<std::string> cells;
  for (int i = 0; i < study.rows_size(); ++i) {
    const BreakEvenRow& row = study.rows(i);
    if (cells.empty()) {
      cells = {WithUnit(row.standing_w(), "W"),
               absl::StrFormat("x %.4g", row.growth())};
    }
    cells.push_back(Femtojoules(row.break_even_fj_per_op()));
    const bool last = i + 1 == study.rows_size() ||
                      study.rows(i + 1).standing_w() != row.standing_w() ||
                      study.rows(i + 1).growth() != row.growth();
    if (!last) continue;
    table.AddRow(cells);
    cells.clear();
  }
  return table.ToString(2);
}

std::string Chips(const BreakEvenStudy& study) {
  TextTable table({"published analog arrays", "node", "bits", "published",
                   "here, fJ/op", "wins", "from batch"});
  for (const BreakEvenChip& chip : study.chips()) {
    table.AddRow(
        {chip.name(), absl::StrFormat("%g nm", chip.node_nm()),
         absl::StrFormat("%g x %g", chip.input_bits(), chip.weight_bits()),
         absl::StrFormat("%.3g, %s", chip.published_fj_per_op(),
                         chip.counted()),
         absl::StrFormat("%.3g", chip.fj_per_op()),
         absl::StrFormat("%d of %d", chip.wins(), study.rows_size()),
         chip.smallest_batch() > 0
             ? absl::StrFormat("%g", chip.smallest_batch())
             : std::string("none")});
  }
  return table.ToString(2);
}

std::string BreakEvenTable(const BreakEvenStudy& study, const TableOptions&) {
  const ArrayEfficiency& array = study.analog().arrays(0);
  return absl::StrCat(
      SetupLines(study.analog()), "\n",
      Wrapped(absl::StrFormat(
          "Energy per operation at which %s takes as much per token as %s, fJ\n"
          "(%s x %s, a multiply-add is two operations; its own arrays take %.3g; "
          "never: more even if free)\n",
          study.analog().hardware(), study.digital().hardware(),
          array.weights(), array.activations(), array.engine_fj_per_op())),
      Map(study), "\n", Chips(study),
      "\n",
      Wrapped("here: at these formats, by the product of the bits, and of macros "
              "with the system around them\nfrom batch: with its own standing "
              "power, at equal quality\n"),
      Wrapped(study.summary()));
}

std::string BreakEvenCsv(const BreakEvenStudy& study) {
  return EntriesCsv(study.rows());
}

// Break-even over the batch: a line for each standing power without growth and at
// equal quality (dashed), and the published arrays; hollow where a whole chip was
// counted.
std::string BreakEvenSvg(const BreakEvenStudy& study) {
  Chart chart;
  chart.title = absl::StrCat(
      study.analog().model(), ": ", study.analog().hardware(), " against ",
      study.digital().hardware(), " by standing power and growth");
  chart.x.title = "sequences in a step";
  chart.x.logarithmic = true;
  chart.y.title = "break-even, fJ per operation";
  chart.y.logarithmic = true;
  double last_batch = 0, highest = 0;
  for (const BreakEvenRow& row : study.rows()) {
    last_batch = std::max(last_batch, row.batch());
    highest = std::max(highest, row.break_even_fj_per_op());
    // A logarithmic axis cannot show that analog never wins.
    if (row.break_even_fj_per_op() <= 0) continue;
    const std::string name = absl::StrFormat(
        "%s, x %.4g", WithUnit(row.standing_w(), "W"), row.growth());
    ChartLine* line = nullptr;
    for (ChartLine& known : chart.lines) {
      if (known.name == name) line = &known;
    }
    if (line == nullptr) {
      if (row.growth() != 1 && row.growth() != study.relative_growth()) continue;
      chart.lines.push_back({name, "", {}, row.growth() != 1});
      line = &chart.lines.back();
    }
    line->points.emplace_back(row.batch(), row.break_even_fj_per_op());
  }
  std::vector<std::string> powers;
  for (ChartLine& line : chart.lines) {
    const std::string power = line.name.substr(0, line.name.find(','));
    const auto found = std::find(powers.begin(), powers.end(), power);
    const int index = static_cast<int>(found - powers.begin());
    if (found == powers.end()) powers.push_back(power);
    line.color = ChartColor(index);
  }
  for (const BreakEvenChip& chip : study.chips()) {
    // Far above every line there is nothing to compare.
    if (chip.fj_per_op() > highest) continue;
    ChartMark mark = {last_batch, chip.fj_per_op(), "#555", chip.name()};
    mark.text = chip.name();
    mark.hollow = chip.counted() != "macro";
    chart.marks.push_back(mark);
  }
  return ToSvg(chart);
}

}  // namespace

template <>
Writers<BreakEvenStudy> WritersOf() {
  return {BreakEvenTable, BreakEvenCsv, BreakEvenSvg};
}

}  // namespace tokenjoule
