#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/report/answers/analyze.h"
#include "analyzer/report/answers/costs.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

// The setup that the rows of a series have in common.
std::string BatchHeading(const Report& first) {
  return absl::StrFormat("%s on %s, %s\n%s%s, energy per %s at the %s\n",
                         first.model(), first.hardware(), Chips(first),
                         ContextWords(first.scenario()),
                         Formats(first.scenario()),
                         Work(first),
                         BoundaryLabel(first.scenario().boundary()));
}

// One series, with one row per batch.
template <typename Reports>
std::string BatchRows(const Reports& reports) {
  const std::string work = reports.empty() ? "token" : Work(*reports.begin());
  const bool has_dram = reports.empty() || !reports[0].has_memory_share();
  TextTable rows({"batch", "J/" + work, "range",
                  has_dram ? std::string("DRAM alone")
                           : reports[0].memory_share().memory() + " alone",
                  "FLOP/byte", "step time", work + "s/s", "power", "bound",
                  "fits"});
  for (const Report& row : reports) {
    rows.AddRow(
        {absl::StrFormat("%g", row.scenario().batch()),
         WithUnit(row.energy_per_token_j(), "J"),
         Between(row.energy_per_token_j_low(), row.energy_per_token_j_high(),
                 "J"),
         has_dram ? PercentBetween(row.stack_energy_share_low(),
                                   row.stack_energy_share_high())
                  : PercentBetween(row.memory_share().energy_share_low(),
                                   row.memory_share().energy_share_high()),
         absl::StrFormat("%.3g", row.arithmetic_intensity_flop_per_byte()),
         WithUnit(row.step_time_s(), "s"),
         absl::StrFormat("%.4g", row.tokens_per_s()),
         WithUnit(row.power_w(), "W"),
         std::string(Bound::Value_Name(row.bound())),
         row.fits() ? "yes" : "no"});
  }
  return rows.ToString(2);
}

// "544 mJ/token, x 7.295, 0.86 orders of magnitude".
std::string GainWords(double energy_j, double gain, double orders) {
  return absl::StrFormat("%s/token, x %.4g, %.2f orders of magnitude",
                         WithUnit(energy_j, "J"), gain, orders);
}

// The batches that the capacity and the time limit, if there is one, allow.
void AddBatchLimits(const BatchLimits& limits, TextTable* table) {
  table->AddRow({"fits", absl::StrCat("batch ", limits.max_batch()),
                 limits.max_batch() > 0
                     ? GainWords(limits.max_batch_energy_per_token_j(),
                                 limits.gain_at_max_batch(),
                                 limits.gain_at_max_batch_orders_of_magnitude())
                     : "the weights and one sequence are too large"});
  if (limits.max_time_per_token_ms() == 0) return;
  table->AddRow(
      {absl::StrFormat("%g ms a token", limits.max_time_per_token_ms()),
       absl::StrCat("batch ", limits.latency_batch()),
       limits.feasible_batch() > 0
           ? absl::StrCat(
                 "and fits at ", limits.feasible_batch(), ": ",
                 GainWords(limits.feasible_batch_energy_per_token_j(),
                           limits.gain_at_feasible_batch(),
                           limits.gain_at_feasible_batch_orders_of_magnitude()))
           : "no batch meets it and fits"});
}

// The limits of one series, one per line.
std::string LimitsTable(const BatchLimits& limits) {
  TextTable table({"", "", ""});
  table.AddRow({"smallest batch",
                WithUnit(limits.batch_1_energy_per_token_j(), "J") + "/token",
                ""});
  table.AddRow({"floor",
                WithUnit(limits.floor_energy_per_token_j(), "J") + "/token",
                absl::StrFormat("as the batch grows without end; %.0f %% of it "
                                "is the KV cache",
                                100 * limits.floor_kv_share())});
  table.AddRow({"whole gain", absl::StrFormat("x %.4g", limits.gain()),
                absl::StrFormat("%.2f orders of magnitude",
                                limits.gain_orders_of_magnitude())});
  table.AddRow({"half of the gain",
                limits.half_gain_batch() > 0
                    ? absl::StrFormat("batch %.4g", limits.half_gain_batch())
                    : "at once",
                "where J/token is twice the floor"});
  AddBatchLimits(limits, &table);
  return table.ToString(2);
}

// Cells for a batch and its gain; only a 0 if there is no such batch.
std::vector<std::string> GainCells(int32_t batch, double energy_j, double gain,
                                   double kv_read_share) {
  if (batch == 0) return {"0", "", "", "", ""};
  return {absl::StrCat(batch), WithUnit(energy_j, "J"),
          absl::StrFormat("x %.3g", gain),
          absl::StrFormat("%.2f", std::log10(gain)), Percent(kv_read_share)};
}

// Several series, one per line.
std::string SeriesTable(const BatchStudy& study) {
  const std::vector<std::string> gain = {"J/token there", "gain", "orders",
                                         "KV of reads"};
  std::vector<std::string> header = {"model",      "hardware", "context",
                                     "alone",      "floor",    "whole gain",
                                     "half of it", "fits"};
  header.insert(header.end(), gain.begin(), gain.end());
  const double limit_ms = study.series(0).limits().max_time_per_token_ms();
  if (limit_ms > 0) {
    header.push_back(absl::StrFormat("%g ms", limit_ms));
    header.push_back("and fits");
    header.insert(header.end(), gain.begin(), gain.end());
  }
  TextTable table(header);
  for (const BatchSeries& series : study.series()) {
    const BatchLimits& l = series.limits();
    std::vector<std::string> row = {
        series.model(),
        series.hardware(),
        series.context() > 0 ? absl::StrFormat("%g", series.context()) : "",
        WithUnit(l.batch_1_energy_per_token_j(), "J"),
        WithUnit(l.floor_energy_per_token_j(), "J"),
        absl::StrFormat("x %.3g", l.gain()),
        l.half_gain_batch() > 0 ? absl::StrFormat("%.3g", l.half_gain_batch())
                                : "at once"};
    const auto add = [&row](const std::vector<std::string>& cells) {
      row.insert(row.end(), cells.begin(), cells.end());
    };
    add(GainCells(l.max_batch(), l.max_batch_energy_per_token_j(),
                  l.gain_at_max_batch(), l.max_batch_kv_read_share()));
    if (limit_ms > 0) {
      row.push_back(absl::StrCat(l.latency_batch()));
      add(GainCells(l.feasible_batch(), l.feasible_batch_energy_per_token_j(),
                    l.gain_at_feasible_batch(),
                    l.feasible_batch_kv_read_share()));
    }
    table.AddRow(row);
  }
  return table.ToString(2);
}

// For one series: one row per batch, then the limits in words and figures. For
// several series: one line each with its limits; their rows and the limits in
// words only if `options` ask for the answer in full.
std::string BatchTable(const BatchStudy& study, const TableOptions& options) {
  std::string out;
  if (study.series_size() > 1) {
    out = SeriesTable(study);
    for (const BatchSeries& series : study.series()) {
      if (!options.in_full || series.rows_size() == 0) continue;
      absl::StrAppend(&out, "\n", BatchHeading(series.rows(0)), "\n",
                      BatchRows(series.rows()), BatchCostTables(series.rows()),
                      "\n", series.summary(), "\n");
    }
    return out;
  }
  if (study.rows_size() > 0) {
    out = absl::StrCat(BatchHeading(study.rows(0)), "\n");
  }
  absl::StrAppend(&out, BatchRows(study.rows()), BatchCostTables(study.rows()));
  // Inferences of a network have no cache that could fill a memory.
  if (study.rows_size() > 0 && Work(study.rows(0)) != "token") {
    return absl::StrCat(out, "\n", study.summary(), "\n");
  }
  absl::StrAppend(&out, "\nLimits\n",
                  LimitsTable(study.limits()), "\n", study.summary(), "\n");
  return out;
}

// One row per batch.
std::string BatchCsv(const BatchStudy& study) {
  CsvWriter writer;
  for (const Report& row : study.rows()) writer.AddRow(ReportCells(row));
  return writer.text();
}

}  // namespace

template <>
Writers<BatchStudy> WritersOf() {
  return {BatchTable, BatchCsv, FigureOf};
}

}  // namespace tokenjoule
