#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

constexpr int kRows = 30, kCauses = 10;

std::string Percents(double elasticity) {
  return Signed(elasticity, 3);
}

std::string ElasticityRows(const SensitivityStudy& study) {
  // Of a machine without DRAM: that of the memory it has.
  const bool has_dram = study.elasticities_size() == 0 ||
                        study.elasticities(0).has_dram_share();
  TextTable table({"", "value", "energy", "step time",
                   has_dram ? "DRAM share" : "memory share"});
  TextTable ranges({"over its range", "", absl::StrCat("J/", Work(study.base()))});
  int rows = 0;
  for (const Elasticity& e : study.elasticities()) {
    if (++rows > kRows) break;
    table.AddRow({e.path(), absl::StrFormat("%.6g", e.value()),
                  Percents(e.energy()), Percents(e.step_time()),
                  Percents(has_dram ? e.dram_share() : e.memory_share())});
    if (!(e.low() < e.high())) continue;
    ranges.AddRow({e.path(), absl::StrFormat("%.4g to %.4g", e.low(), e.high()),
                   Between(e.energy_at_low_j(), e.energy_at_high_j(), "J")});
  }
  std::string out = table.ToString(2);
  if (rows > kRows) {
    absl::StrAppendFormat(&out,
                          "  and %d that move less; csv and json have "
                          "them\n",
                          study.elasticities_size() - kRows);
  }
  if (!ranges.empty()) absl::StrAppend(&out, "\n", ranges.ToString(2));
  return out;
}

std::string UncertaintyRows(const SampledRanges& uncertainty) {
  const bool has_dram = uncertainty.percentiles_size() == 0 ||
                        uncertainty.percentiles(0).has_dram_energy_share();
  TextTable percentiles({"percentile", "J/token", "step time",
                         has_dram ? "DRAM alone" : "memory alone",
                         "with path"});
  for (const Percentile& row : uncertainty.percentiles()) {
    percentiles.AddRow({absl::StrFormat("%g", row.percentile()),
                        WithUnit(row.energy_per_token_j(), "J"),
                        WithUnit(row.step_time_s(), "s"),
                        Percent(has_dram ? row.stack_energy_share()
                                         : row.memory_energy_share()),
                        Percent(has_dram ? row.dram_energy_share()
                                         : row.memory_share_with_path())});
  }
  TextTable causes({"", "of the variance of ln J/token"});
  for (int i = 0; i < std::min(kCauses, uncertainty.causes_size()); ++i) {
    causes.AddRow({uncertainty.causes(i).path(),
                   Percent(uncertainty.causes(i).share_of_variance())});
  }
  return absl::StrFormat(
      "\n%d draws over all ranges, seed %d\n%s\nWhere the "
      "spread comes from\n%s",
      uncertainty.samples(), uncertainty.seed(), percentiles.ToString(2),
      causes.ToString(2));
}

// Elasticities, largest first; percentiles if they were requested.
std::string SensitivityTable(const SensitivityStudy& study,
                             const TableOptions&) {
  const Report& base = study.base();
  std::string out =
      absl::StrCat(SetupLines(base), "\n", MisfitLines(base),
                   WithUnit(base.energy_per_token_j(), "J"), "/", Work(base),
                   "\n\nElasticities: percent of change for one percent more\n",
                   ElasticityRows(study));
  if (study.has_uncertainty()) {
    absl::StrAppend(&out, UncertaintyRows(study.uncertainty()));
  }
  absl::StrAppend(&out, "\n", Wrapped(study.summary()), WarningLines(base));
  return out;
}

std::string SensitivityCsv(const SensitivityStudy& study) {
  return EntriesCsv(study.elasticities());
}

}  // namespace

template <>
Writers<SensitivityStudy> WritersOf() {
  return {SensitivityTable, SensitivityCsv, FigureOf};
}

}  // namespace tokenjoule
