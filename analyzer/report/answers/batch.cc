#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
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

// One series: the energy of each batch, then its speed. A batch that does not fit
// has the energy that it would have, and no speed.
template <typename Reports>
std::string BatchRows(const Reports& reports) {
  const std::string work = reports.empty() ? "token" : Work(*reports.begin());
  const bool is_network = work != "token";
  bool ranges = false, fits = true, share = false, chips = false;
  for (const Report& row : reports) {
    ranges |= row.energy_per_token_j_low() < row.energy_per_token_j_high();
    fits &= row.fits();
    share |= !SharesOfMemory(row).empty();
    chips |= row.num_chips() > 1;
  }
  std::vector<std::string> header = {"batch", "J/" + work};
  if (ranges) header.push_back("range");
  if (share) {
    header.push_back(absl::StrCat(SharesOfMemory(reports[0])[0].label));
    if (ranges) header.push_back("range");
  }
  header.insert(header.end(), {"FLOP/byte", "fits"});
  TextTable energy(header);
  header = {"batch", "step time"};
  if (ranges) header.push_back("range");
  header.push_back(work + "s/s");
  if (!is_network) header.push_back("per user");
  if (chips) header.push_back("per chip");
  header.insert(header.end(), {"power", "bound"});
  TextTable speed(header);
  for (const Report& row : reports) {
    const std::string batch = absl::StrFormat("%g", row.scenario().batch());
    std::vector<std::string> cells = {batch,
                                      WithUnit(row.energy_per_token_j(), "J")};
    if (ranges) {
      cells.push_back(Between(row.energy_per_token_j_low(),
                              row.energy_per_token_j_high(), "J"));
    }
    if (share) {
      const std::vector<ShareOfMemory> shares = SharesOfMemory(row);
      cells.push_back(shares.empty() ? "" : Percent(shares[0].share));
      if (ranges) {
        cells.push_back(shares.empty() || !shares[0].has_range
                            ? ""
                            : PercentBetween(shares[0].low, shares[0].high));
      }
    }
    cells.push_back(
        row.arithmetic_intensity_flop_per_byte() > 0
            ? Plain(row.arithmetic_intensity_flop_per_byte(), 3)
            : "");
    cells.push_back(row.fits() ? "yes" : "NO");
    energy.AddRow(cells);
    if (!row.fits()) continue;
    cells = {batch, WithUnit(row.step_time_s(), "s")};
    if (ranges) {
      cells.push_back(
          Between(row.step_time_s_low(), row.step_time_s_high(), "s"));
    }
    cells.push_back(Plain(row.tokens_per_s()));
    if (!is_network) {
      cells.push_back(Plain(row.tokens_per_s() / row.scenario().batch()));
    }
    if (chips) {
      cells.push_back(Plain(row.tokens_per_s() / row.num_chips()));
    }
    cells.insert(cells.end(),
                 {WithUnit(row.power_w(), "W"), BoundLabel(row.bound())});
    speed.AddRow(cells);
  }
  std::string out = absl::StrCat("Energy\n", energy.ToString(2));
  if (!fits) {
    absl::StrAppend(&out,
                    "  NO: does not fit; its energy is what it would be if it "
                    "did\n");
  }
  if (speed.empty()) return out;
  return absl::StrCat(out, "\nSpeed\n", speed.ToString(2));
}

// "544 mJ/token, x 7.295, 0.86 orders of magnitude".
std::string GainWords(double energy_j, double gain, double orders) {
  return absl::StrFormat("%s/token, x %.4g, %.2f orders of magnitude",
                         WithUnit(energy_j, "J"), gain, orders);
}

// The batches that the capacity and the time limit, if there is one, allow.
void AddBatchLimits(const BatchLimits& limits, TextTable* table) {
  table->AddRow({"fits",
                 limits.max_batch() > 0
                     ? absl::StrCat("batch ", limits.max_batch())
                     : "no batch",
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

// Which names of the series of a study differ.
struct Differences {
  bool models = false, machines = false, contexts = false;

  explicit Differences(const BatchStudy& study) {
    const BatchSeries& first = study.series(0);
    for (const BatchSeries& other : study.series()) {
      models |= other.model() != first.model();
      machines |= other.hardware() != first.hardware();
      contexts |= other.context() != first.context();
    }
  }
  int count() const { return models + machines + contexts; }
};

// A table whose rows are series, by what distinguishes them.
class SeriesRows {
 public:
  SeriesRows(const BatchStudy& study, std::vector<std::string> header)
      : differs_(study), table_({}) {
    std::vector<std::string> keys;
    if (differs_.models) keys.push_back("model");
    if (differs_.machines) keys.push_back("hardware");
    if (differs_.contexts) keys.push_back("context");
    header.insert(header.begin(), keys.begin(), keys.end());
    table_ = TextTable(std::move(header), differs_.count());
  }

  void Add(const BatchSeries& series, std::vector<std::string> cells) {
    std::vector<std::string> keys;
    if (differs_.models) keys.push_back(series.model());
    if (differs_.machines) keys.push_back(series.hardware());
    if (differs_.contexts) {
      keys.push_back(absl::StrFormat("%g", series.context()));
    }
    cells.insert(cells.begin(), keys.begin(), keys.end());
    table_.AddRow(std::move(cells));
  }

  std::string ToString() const { return table_.ToString(2); }

 private:
  Differences differs_;
  TextTable table_;
};

// Whether a setup line of a series is that of all.
bool AllChipsAreEqual(const BatchStudy& study) {
  for (const Report& row : study.rows()) {
    if (Chips(row) != Chips(study.rows(0)) ||
        row.runtime() != study.rows(0).runtime()) {
      return false;
    }
  }
  return study.rows_size() > 0;
}

// What all series have in common.
std::string CommonHeading(const BatchStudy& study) {
  if (study.rows_size() == 0) return "";
  const Differences differs(study);
  const Report& first = study.rows(0);
  std::vector<std::string> parts;
  if (!differs.models) parts.push_back(first.model());
  if (!differs.machines) parts.push_back(absl::StrCat("on ", first.hardware()));
  std::string who = absl::StrJoin(parts, " ");
  if (AllChipsAreEqual(study)) {
    absl::StrAppend(&who, who.empty() ? "" : ", ", Chips(first));
    if (!first.runtime().empty()) {
      absl::StrAppend(&who, ", served by ", first.runtime());
    }
  }
  bool formats = true;
  for (const Report& row : study.rows()) {
    formats &= Formats(row.scenario()) == Formats(first.scenario());
  }
  const Scenario& s = first.scenario();
  return Wrapped(absl::StrCat(
      who, who.empty() ? "" : "\n",
      differs.contexts ? "" : ContextWords(s),
      formats ? Formats(s) : "each in the formats of its checkpoint",
      ", energy at the ", BoundaryLabel(s.boundary())));
}

double ChipsOf(const BatchSeries& series) {
  return series.rows_size() > 0 ? series.rows(0).num_chips() : 1;
}

// Time per token, then tokens/s of one user, of all, and, if so wanted, of a chip.
std::vector<std::string> SpeedCells(const BatchSeries& series, double batch,
                                    double time_per_token_ms, bool per_chip) {
  const double per_user = 1e3 / time_per_token_ms;
  std::vector<std::string> cells = {
      WithUnit(time_per_token_ms * 1e-3, "s"), Plain(per_user),
      Plain(batch * per_user)};
  if (per_chip) cells.push_back(Plain(batch * per_user / ChipsOf(series)));
  return cells;
}

// Several series, one per line: how far batching goes, then the batches that the
// memory and the limit on the time allow.
std::string SeriesTable(const BatchStudy& study) {
  bool per_chip = false;
  for (const BatchSeries& series : study.series()) {
    per_chip |= ChipsOf(series) > 1;
  }
  SeriesRows limits(study, {"from batch", "J/token", "floor", "whole gain",
                            "orders", "half of it at batch"});
  std::vector<std::string> of_largest = {
      "batch", "J/token", "gain", "KV of reads", "per token", "per user", "all"};
  if (per_chip) of_largest.push_back("per chip");
  SeriesRows fits(study, of_largest);
  const double limit_ms = study.series(0).limits().max_time_per_token_ms();
  SeriesRows within(study, {"batch", "and fits", "J/token", "gain",
                            "KV of reads"});
  for (const BatchSeries& series : study.series()) {
    const BatchLimits& l = series.limits();
    limits.Add(series,
               {absl::StrFormat("%g", l.smallest_batch()),
                WithUnit(l.batch_1_energy_per_token_j(), "J"),
                WithUnit(l.floor_energy_per_token_j(), "J"),
                absl::StrFormat("x %.3g", l.gain()),
                absl::StrFormat("%.2f", l.gain_orders_of_magnitude()),
                l.half_gain_batch() > 0
                    ? absl::StrFormat("%.3g", l.half_gain_batch())
                    : "at once"});
    if (l.max_batch() > 0) {
      std::vector<std::string> cells = {
          absl::StrCat(l.max_batch()),
          WithUnit(l.max_batch_energy_per_token_j(), "J"),
          absl::StrFormat("x %.3g", l.gain_at_max_batch()),
          Percent(l.max_batch_kv_read_share())};
      for (std::string& cell :
           SpeedCells(series, l.max_batch(), l.max_batch_time_per_token_ms(),
                      per_chip)) {
        cells.push_back(std::move(cell));
      }
      fits.Add(series, std::move(cells));
    } else {
      fits.Add(series, {"NONE"});
    }
    if (!(limit_ms > 0)) continue;
    if (l.feasible_batch() > 0) {
      within.Add(series,
                 {absl::StrCat(l.latency_batch()),
                  absl::StrCat(l.feasible_batch()),
                  WithUnit(l.feasible_batch_energy_per_token_j(), "J"),
                  absl::StrFormat("x %.3g", l.gain_at_feasible_batch()),
                  Percent(l.feasible_batch_kv_read_share())});
    } else {
      within.Add(series, {l.latency_batch() > 0 ? absl::StrCat(l.latency_batch())
                                                : "NONE",
                          "NONE"});
    }
  }
  std::string out = absl::StrCat(
      CommonHeading(study), "\nHow far batching goes\n", limits.ToString(),
      "\nThe largest batch that fits; speed in tokens/s\n", fits.ToString());
  if (limit_ms > 0) {
    absl::StrAppendFormat(&out, "\nThe largest batch within %g ms a token\n%s",
                          limit_ms, within.ToString());
  }
  return out;
}

// What a reader must know of some batch, but that it does not fit: of warnings that
// differ in their numbers the first.
std::string BatchWarnings(const BatchStudy& study) {
  std::string out;
  std::set<std::string> given;
  for (const Report& row : study.rows()) {
    const std::string text = WarningLines(row);
    if (given.insert(text.substr(0, text.find_first_of("0123456789"))).second) {
      out += text;
    }
  }
  return out;
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
      absl::StrAppend(&out, "\n", SetupLinesWithoutBatch(series.rows(0)), "\n",
                      BatchRows(series.rows()), BatchCostTables(series.rows()),
                      "\n", Wrapped(series.summary()));
    }
    return absl::StrCat(out, BatchWarnings(study));
  }
  if (study.rows_size() > 0) {
    out = absl::StrCat(SetupLinesWithoutBatch(study.rows(0)), "\n");
  }
  absl::StrAppend(&out, BatchRows(study.rows()), BatchCostTables(study.rows()));
  // Inferences of a network have no cache that could fill a memory.
  if (study.rows_size() > 0 && Work(study.rows(0)) != "token") {
    return absl::StrCat(out, "\n", Wrapped(study.summary()),
                        BatchWarnings(study));
  }
  absl::StrAppend(&out, "\nLimits\n", LimitsTable(study.limits()), "\n",
                  Wrapped(study.summary()), BatchWarnings(study));
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
