#include "analyzer/study/check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/base/version.h"
#include "analyzer/base/zero_sign.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/textproto.h"
#include "analyzer/description/validate.h"
#include "analyzer/study/compare.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

// Figures of a baseline are rounded to 9 digits, so that half a unit of the
// last digit is not a change.
constexpr double kRounding = 5e-9;
// The verdict names the parts of a change that are at least this share of the
// figure, and at most so many of them.
constexpr double kNamedShare = 5e-4;
constexpr size_t kNamedParts = 4;

// Rounds every double of a message to 9 significant digits.
void Round(Message* message) {
  const auto* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!field->is_repeated()) {
        Round(reflection->MutableMessage(message, field));
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        Round(reflection->MutableRepeatedMessage(message, field, i));
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE &&
               !field->is_repeated()) {
      double rounded = 0;
      const double value = reflection->GetDouble(*message, field);
      if (absl::SimpleAtod(absl::StrFormat("%.9g", value), &rounded)) {
        reflection->SetDouble(message, field, rounded);
      }
    }
  }
}

// A figure that is checked.
struct Metric {
  const char* name;
  double (*value)(const Report& report);
  double (*low)(const Report& report);
  double (*high)(const Report& report);
  double budget;     // 0: none
  double tolerance;  // of the baseline
  // Not the share of the devices alone, which rises wherever another part gets
  // better.
  bool against_baseline = true;
};

double OrDefault(bool given, double tolerance) {
  return given ? tolerance : kDefaultTolerance;
}

// Budgets and tolerances of the DRAM share hold for the share of whatever memory the
// machine has, which has its own name.
std::vector<Metric> MetricsOf(const Expectations& expect, const Report& report) {
  const bool has_dram = !report.has_memory_share();
  return {
      {"energy_per_token_j",
       [](const Report& r) { return r.energy_per_token_j(); },
       [](const Report& r) { return r.energy_per_token_j_low(); },
       [](const Report& r) { return r.energy_per_token_j_high(); },
       expect.max_energy_per_token_j(),
       OrDefault(expect.has_energy_tolerance(), expect.energy_tolerance())},
      {"step_time_s", [](const Report& r) { return r.step_time_s(); },
       [](const Report& r) { return r.step_time_s_low(); },
       [](const Report& r) { return r.step_time_s_high(); },
       expect.max_step_time_ms() * 1e-3,
       OrDefault(expect.has_step_time_tolerance(),
                 expect.step_time_tolerance())},
      {has_dram ? "dram_energy_share" : "memory_share.with_path",
       [](const Report& r) {
         return r.has_memory_share() ? r.memory_share().with_path()
                                     : r.dram_energy_share();
       },
       [](const Report& r) {
         return r.has_memory_share() ? r.memory_share().with_path_low()
                                     : r.dram_energy_share_low();
       },
       [](const Report& r) {
         return r.has_memory_share() ? r.memory_share().with_path_high()
                                     : r.dram_energy_share_high();
       },
       expect.max_dram_share(),
       OrDefault(expect.has_dram_share_tolerance(),
                 expect.dram_share_tolerance())},
      {has_dram ? "stack_energy_share" : "memory_share.energy_share",
       [](const Report& r) {
         return r.has_memory_share() ? r.memory_share().energy_share()
                                     : r.stack_energy_share();
       },
       [](const Report& r) {
         return r.has_memory_share() ? r.memory_share().energy_share_low()
                                     : r.stack_energy_share_low();
       },
       [](const Report& r) {
         return r.has_memory_share() ? r.memory_share().energy_share_high()
                                     : r.stack_energy_share_high();
       },
       expect.max_stack_share(),
       0,
       false},
  };
}

void CheckBudget(const Metric& metric, const Report& report,
                 CheckResult* result) {
  if (metric.budget == 0) return;
  CheckedMetric* checked = result->add_metrics();
  checked->set_metric(metric.name);
  checked->set_value(metric.value(report));
  checked->set_low(metric.low(report));
  checked->set_high(metric.high(report));
  checked->set_limit(metric.budget);
  checked->set_rule("budget");
  checked->set_passed(checked->value() <= metric.budget);
}

void CheckAgainst(const Metric& metric, const Report& report,
                  const Report& baseline, bool both_ways, CheckResult* result) {
  CheckedMetric* checked = result->add_metrics();
  const double before = metric.value(baseline), now = metric.value(report);
  const double room = std::abs(before) * (metric.tolerance + kRounding);
  checked->set_metric(metric.name);
  checked->set_value(now);
  checked->set_low(metric.low(report));
  checked->set_high(metric.high(report));
  checked->set_baseline(before);
  if (before > 0 && std::abs(now - before) > kRounding * before) {
    checked->set_change(now / before - 1);
  }
  checked->set_limit(before * (1 + metric.tolerance));
  checked->set_rule(absl::StrFormat(
      "baseline %s %.3g %%", both_ways ? "+-" : "+", 100 * metric.tolerance));
  checked->set_passed(now - before <= room &&
                      (!both_ways || before - now <= room));
}

// "KV read +3.4 %, time -0.3 %": changes by cause, relative to the figure.
std::string MovedCauses(const Comparison& comparison) {
  std::map<std::string, double> by_cause;
  for (const CauseChange& cause : comparison.causes()) {
    by_cause[cause.cause()] += cause.change_j();
  }
  std::vector<std::pair<std::string, double>> sorted(by_cause.begin(),
                                                     by_cause.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& x, const auto& y) {
                     return std::abs(x.second) > std::abs(y.second);
                   });
  const double whole = comparison.a().energy_per_token_j();
  std::vector<std::string> parts;
  for (const auto& [cause, change] : sorted) {
    if (parts.size() == kNamedParts) break;
    if (std::abs(change) < kNamedShare * whole) break;
    // Static power that is drawn for a longer time is static energy.
    parts.push_back(absl::StrCat(
        cause == "time" ? "static" : cause, " ",
        WithoutSignOfZero(absl::StrFormat("%+.1f %%", 100 * change / whole))));
  }
  return absl::StrJoin(parts, ", ");
}

std::string Verdict(const CheckResult& result, bool both_ways) {
  std::string out;
  if (result.has_comparison()) {
    const double ratio = result.comparison().energy_ratio();
    const std::string moved = MovedCauses(result.comparison());
    out = std::abs(ratio - 1) <= kRounding
              ? "J/token as in the baseline"
              : absl::StrFormat("J/token %+.2g %%", 100 * (ratio - 1));
    if (!moved.empty()) absl::StrAppend(&out, ": ", moved);
  }
  std::vector<std::string> failed;
  bool better = false;
  for (const CheckedMetric& metric : result.metrics()) {
    if (!metric.passed()) {
      failed.push_back(absl::StrFormat("%s is %.6g, %s allows %.6g",
                                       metric.metric(), metric.value(),
                                       metric.rule(), metric.limit()));
    }
    better |= !both_ways && metric.change() < -kDefaultTolerance;
  }
  if (!out.empty()) absl::StrAppend(&out, ". ");
  if (failed.empty()) {
    absl::StrAppend(&out, "Everything holds.");
    if (better) {
      absl::StrAppend(&out,
                      " A figure is better than its baseline by more than ",
                      100 * kDefaultTolerance,
                      " %: update the baseline, so that the gain cannot be "
                      "lost unnoticed.");
    }
  } else {
    absl::StrAppend(&out, absl::StrJoin(failed, "; "), ".");
  }
  return out;
}

bool HasDramEnergy(const Report& report) {
  for (const EnergyTerm& term : report.energy_terms()) {
    if (term.term() >= Term::DRAM_ACTIVATE &&
        term.term() <= Term::DRAM_BACKGROUND && term.energy_per_token_j() > 0) {
      return true;
    }
  }
  return false;
}

// Adds a figure that fails if the answer does not fit in memory.
void CheckFits(const Report& report, CheckResult* result) {
  if (report.fits()) return;
  CheckedMetric* checked = result->add_metrics();
  checked->set_metric("memory_used_bytes");
  checked->set_value(report.memory_used_bytes());
  checked->set_limit(report.memory_usable_bytes());
  checked->set_rule("fits");
  checked->set_passed(false);
}

// Adds a figure that fails if the baseline answers another question.
void CheckQuestion(const Report& report, const Report& baseline,
                   CheckResult* result) {
  const std::vector<std::string> differences =
      BaselineDifferences(report, baseline);
  if (differences.empty()) return;
  CheckedMetric* checked = result->add_metrics();
  checked->set_metric("scenario_differences");
  checked->set_value(static_cast<double>(differences.size()));
  checked->set_rule("baseline");
  checked->set_passed(false);
}

}  // namespace

std::vector<std::string> BaselineDifferences(const Report& report,
                                             const Report& baseline) {
  // Compares with the baseline as it would be written now. Fields that --set
  // sets are not compared, because a change may consist of them.
  Report then = baseline, now = BaselineOf(report);
  then.mutable_scenario()->clear_set();
  now.mutable_scenario()->clear_set();
  return ScenarioDifferences(then, now);
}

Report BaselineOf(const Report& report) {
  Report baseline;
  baseline.set_model(report.model());
  baseline.set_hardware(report.hardware());
  baseline.set_num_chips(report.num_chips());
  *baseline.mutable_scenario() = report.scenario();
  baseline.set_energy_per_token_j(report.energy_per_token_j());
  baseline.set_step_time_s(report.step_time_s());
  if (report.has_memory_share()) {
    MemoryShare* share = baseline.mutable_memory_share();
    share->set_memory(report.memory_share().memory());
    share->set_with_path(report.memory_share().with_path());
  } else {
    baseline.set_dram_energy_share(report.dram_energy_share());
  }
  *baseline.mutable_time_by_bound() = report.time_by_bound();
  for (const EnergyTerm& term : report.energy_terms()) {
    if (term.energy_per_token_j() == 0) continue;
    EnergyTerm* kept = baseline.add_energy_terms();
    kept->set_term(term.term());
    kept->set_energy_per_token_j(term.energy_per_token_j());
  }
  for (const EnergyCause& cause : report.energy_causes()) {
    if (cause.energy_per_token_j() != 0) *baseline.add_energy_causes() = cause;
  }
  Round(&baseline);
  return baseline;
}

namespace {

constexpr char kBaselineOf[] =
    "# A baseline of `tokenjoule check`; written by ";
constexpr char kWithUpdate[] = " with --update.\n";

// The version that wrote a baseline; empty if its head does not say.
absl::string_view WriterOf(absl::string_view text) {
  const std::string begin = absl::StrCat(kBaselineOf, "tokenjoule ");
  const size_t at = text.find(begin);
  if (at == absl::string_view::npos) return "";
  text.remove_prefix(at + begin.size());
  return text.substr(0, text.find_first_of(" \n"));
}

// How far sums and products of a baseline's numbers, which have a few digits, may be
// from what they add up to.
constexpr double kAgrees = 1e-6;

// A fault at a field of an entry of a list of the baseline.
Fault FaultAt(absl::string_view file, const FieldLocations& locations,
              const FieldDescriptor* list, int i, const FieldDescriptor* field,
              std::string message) {
  Fault fault;
  fault.file = std::string(file);
  const FieldLocations* tree = locations.GetTreeForNested(list, i);
  if (tree != nullptr) {
    const auto place = tree->GetLocation(field, -1);
    fault.line = place.line + 1;
    fault.column = place.column + 1;
  }
  fault.path = absl::StrCat(list->name(), "[", i, "].", field->name());
  fault.message = std::move(message);
  return fault;
}

// Adds a fault for each number below 0 of the entries of a list, none of which can
// be: quantities, energies and times.
void CheckNotNegative(const Report& baseline, const char* list,
                      absl::string_view file, const FieldLocations& locations,
                      std::vector<Fault>* faults) {
  const FieldDescriptor* entries = Report::descriptor()->FindFieldByName(list);
  const auto* reflection = baseline.GetReflection();
  for (int i = 0; i < reflection->FieldSize(baseline, entries); ++i) {
    const Message& entry = reflection->GetRepeatedMessage(baseline, entries, i);
    std::vector<const FieldDescriptor*> fields;
    entry.GetReflection()->ListFields(entry, &fields);
    for (const FieldDescriptor* field : fields) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE) continue;
      const double value = entry.GetReflection()->GetDouble(entry, field);
      if (value >= 0 || std::isnan(value)) continue;
      faults->push_back(FaultAt(file, locations, entries, i, field,
                                absl::StrCat(value, "; expected 0 or more")));
    }
  }
}

// Adds a fault for each cause whose energy is not its quantity times what that costs:
// differences between answers are attributed by these.
void CheckCauses(const Report& baseline, absl::string_view file,
                 const FieldLocations& locations, std::vector<Fault>* faults) {
  const FieldDescriptor* list =
      Report::descriptor()->FindFieldByName("energy_causes");
  for (int i = 0; i < baseline.energy_causes_size(); ++i) {
    const EnergyCause& cause = baseline.energy_causes(i);
    const double energy = cause.energy_per_token_j();
    const double product = cause.quantity_per_token() * cause.cost_j_per_unit();
    if (std::abs(product - energy) <= kAgrees * energy) continue;
    faults->push_back(FaultAt(
        file, locations, list, i,
        EnergyCause::descriptor()->FindFieldByName("energy_per_token_j"),
        absl::StrFormat("%g; expected quantity_per_token times "
                        "cost_j_per_unit, %g",
                        energy, product)));
  }
}

}  // namespace

absl::StatusOr<Report> ParseBaseline(absl::string_view text,
                                     absl::string_view file) {
  Report baseline;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  ParseTextproto(text, file, &baseline, &locations, &faults);
  ValidateFields(baseline, {file, locations.get(), /*complete=*/false},
                 &faults);
  if (faults.empty()) {
    for (const char* list : {"energy_terms", "energy_causes", "time_by_bound"}) {
      CheckNotNegative(baseline, list, file, *locations, &faults);
    }
    CheckCauses(baseline, file, *locations, &faults);
  }
  const auto needs = [&](bool there, const char* field) {
    if (there || !faults.empty()) return;
    Fault fault;
    fault.file = std::string(file);
    fault.path = field;
    fault.message =
        "is missing or not as `check --update` writes it; expected a baseline";
    faults.push_back(std::move(fault));
  };
  const double energy = baseline.energy_per_token_j();
  double terms = 0, causes = 0;
  for (const EnergyTerm& term : baseline.energy_terms()) {
    terms += term.energy_per_token_j();
  }
  for (const EnergyCause& cause : baseline.energy_causes()) {
    causes += cause.energy_per_token_j();
  }
  needs(!baseline.model().empty(), "model");
  needs(std::isfinite(energy) && energy > 0, "energy_per_token_j");
  needs(std::isfinite(baseline.step_time_s()) && baseline.step_time_s() > 0,
        "step_time_s");
  needs(baseline.dram_energy_share() >= 0 && baseline.dram_energy_share() <= 1,
        "dram_energy_share");
  needs(std::abs(terms - energy) <= kAgrees * energy, "energy_terms");
  needs(std::abs(causes - energy) <= kAgrees * energy, "energy_causes");
  needs(baseline.has_memory_share() ||
            (baseline.dram_energy_share() > 0) == HasDramEnergy(baseline),
        "dram_energy_share");
  const std::string newer = NewerVersionNote(WriterOf(text));
  if (!faults.empty() && !newer.empty()) {
    Fault fault;
    fault.file = std::string(file);
    fault.message = newer;
    faults.push_back(std::move(fault));
  }
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return baseline;
}

std::string BaselineText(const Report& baseline) {
  return absl::StrCat(
      "# proto-file: proto/report.proto\n# proto-message: Report\n#\n",
      kBaselineOf, "tokenjoule ", kVersion, kWithUpdate, "\n",
      PrintTextproto(baseline));
}

absl::StatusOr<CheckResult> Check(const Report& report,
                                  const Expectations& expect,
                                  const Report* baseline) {
  CheckResult result;
  if (baseline != nullptr) {
    CheckQuestion(report, *baseline, &result);
    ASSIGN_OR_RETURN(*result.mutable_comparison(), Compare(*baseline, report));
  }
  for (const Metric& metric : MetricsOf(expect, report)) {
    CheckBudget(metric, report, &result);
    if (baseline != nullptr && metric.against_baseline) {
      CheckAgainst(metric, report, *baseline, expect.both_ways(), &result);
    }
  }
  if (result.metrics().empty()) {
    return absl::InvalidArgumentError(
        "nothing to check the answer against: give a baseline or a budget "
        "(max_energy_per_token_j, max_dram_share, max_stack_share, "
        "max_step_time_ms)");
  }
  if (!expect.may_not_fit()) CheckFits(report, &result);
  result.set_passed(
      std::all_of(result.metrics().begin(), result.metrics().end(),
                  [](const CheckedMetric& metric) { return metric.passed(); }));
  result.set_verdict(Verdict(result, expect.both_ways()));
  return result;
}

}  // namespace tokenjoule
