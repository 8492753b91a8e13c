#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/figures/figures.h"
#include "analyzer/report/labels.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

std::string Gain(double gain) {
  return gain > 0 ? absl::StrFormat("x %.4g", gain) : "all of it";
}

const Ceiling* Find(const CeilingStudy& study, Ceiling::Kind kind,
                    const std::string& name) {
  for (const Ceiling& ceiling : study.ceilings()) {
    if (ceiling.kind() == kind && ceiling.free_size() == 1 &&
        ceiling.free(0) == name) {
      return &ceiling;
    }
  }
  return nullptr;
}

// "memory.l2.bandwidth_gb_per_s", with a mark where its source is an assumption.
std::string NextLimit(const Ceiling& ceiling) {
  return absl::StrCat(
      ceiling.next_limit(),
      ceiling.next_limit_source() == "ASSUMPTION" ? " (assumed)" : "");
}

std::string ComponentRows(const CeilingStudy& study) {
  TextTable table({"free", "energy alone", "energy and time", "J/token left",
                   "step left", "then the time depends most on"});
  for (const Ceiling& ceiling : study.ceilings()) {
    if (ceiling.kind() != Ceiling::COMPONENT || ceiling.free_size() != 1) {
      continue;
    }
    const Ceiling* energy =
        Find(study, Ceiling::COMPONENT_ENERGY, ceiling.free(0));
    table.AddRow(
        {ceiling.free(0), energy == nullptr ? "" : Gain(energy->gain()),
         Gain(ceiling.gain()), WithUnit(ceiling.energy_per_token_j(), "J"),
         WithUnit(ceiling.step_time_s(), "s"),
         NextLimit(ceiling)});
  }
  return table.ToString(2);
}

std::string PairRows(const CeilingStudy& study) {
  std::vector<const Ceiling*> pairs;
  for (const Ceiling& ceiling : study.ceilings()) {
    if (ceiling.kind() == Ceiling::COMPONENT && ceiling.free_size() == 2) {
      pairs.push_back(&ceiling);
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Ceiling* a, const Ceiling* b) {
                     return a->energy_per_token_j() < b->energy_per_token_j();
                   });
  TextTable table(
      {"free", "together", "one times the other", "J/token left", "step left"});
  for (const Ceiling* pair : pairs) {
    table.AddRow({absl::StrJoin(pair->free(), " + "), Gain(pair->gain()),
                  pair->product_of_gains() > 0
                      ? absl::StrFormat("x %.4g", pair->product_of_gains())
                      : "",
                  WithUnit(pair->energy_per_token_j(), "J"),
                  WithUnit(pair->step_time_s(), "s")});
  }
  return table.ToString(2);
}

std::string TermRows(const CeilingStudy& study) {
  TextTable table({"free", "gain", "J/token left"});
  for (const Ceiling& ceiling : study.ceilings()) {
    if (ceiling.kind() != Ceiling::TERM || ceiling.free_size() != 1) continue;
    Term::Value term = Term::UNSPECIFIED;
    Term::Value_Parse(ceiling.free(0), &term);
    table.AddRow({TermLabel(term), Gain(ceiling.gain()),
                  WithUnit(ceiling.energy_per_token_j(), "J")});
  }
  return table.ToString(2);
}

// Components alone and in pairs, terms.
std::string CeilingTable(const CeilingStudy& study, const TableOptions&) {
  const Report& base = study.base();
  return absl::StrCat(
      SetupLines(base), "\n", MisfitLines(base),
      WithUnit(base.energy_per_token_j(), "J"), "/token",
      base.fits() ? absl::StrCat(", step ", WithUnit(base.step_time_s(), "s"))
                  : ", if it did fit",
      "\n\nComponents\n",
      ComponentRows(study), "\nPairs of components, energy and time\n",
      PairRows(study), "\nTerms, energy alone\n", TermRows(study), "\n",
      Wrapped(study.summary()), WarningLines(study.base()));
}

std::string CeilingCsv(const CeilingStudy& study) {
  CsvWriter writer;
  for (const Ceiling& ceiling : study.ceilings()) {
    std::vector<CsvCell> cells = {
        {"free", absl::StrJoin(ceiling.free(), " + ")}};
    AddScalars(ceiling, "", &cells);
    writer.AddRow(cells);
  }
  return writer.text();
}

}  // namespace

template <>
Writers<CeilingStudy> WritersOf() {
  return {CeilingTable, CeilingCsv, FigureOf};
}

}  // namespace tokenjoule
