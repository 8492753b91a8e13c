#include "analyzer/study/compare.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "analyzer/base/zero_sign.h"
#include "google/protobuf/text_format.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

// The key of a product: its term and its cause.
using CauseKey = std::pair<Term::Value, std::string>;
using Causes = std::map<CauseKey, EnergyCause>;
// Changes by cause and factor.
using Changes = std::map<std::pair<std::string, CauseChange::Factor>, double>;

Causes CausesOf(const Report& report) {
  Causes causes;
  for (const EnergyCause& cause : report.energy_causes()) {
    causes[{cause.term(), cause.cause()}] = cause;
  }
  return causes;
}

// The names of a change of a quantity and of a change of its cost.
struct Factors {
  CauseChange::Factor quantity;
  CauseChange::Factor cost;
};

Factors FactorsOf(const std::string& unit) {
  if (unit == "byte") return {CauseChange::BYTES, CauseChange::ENERGY_PER_BYTE};
  if (unit == "FLOP") return {CauseChange::FLOP, CauseChange::ENERGY_PER_FLOP};
  if (unit == "s") return {CauseChange::TIME, CauseChange::POWER};
  return {CauseChange::CARRIED, CauseChange::LOSS};
}

// Numbers that differ by less than this share were rounded differently.
constexpr double kRounding = 1e-12;

// b - a, 0 if it is rounding alone.
double Difference(double a, double b) {
  return std::abs(b - a) <= kRounding * std::max(std::abs(a), std::abs(b))
             ? 0
             : b - a;
}

// If only one side has a product, its quantity on the other side is zero and
// its cost is the same on both.
void AddProduct(const EnergyCause* a, const EnergyCause* b, Changes* changes) {
  // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): one of them is there.
  const EnergyCause& some = a != nullptr ? *a : *b;
  const double cost_a = (a != nullptr ? a : b)->cost_j_per_unit();
  const double cost_b = (b != nullptr ? b : a)->cost_j_per_unit();
  const double quantity_a = a != nullptr ? a->quantity_per_token() : 0;
  const double quantity_b = b != nullptr ? b->quantity_per_token() : 0;
  const Factors factors = FactorsOf(some.unit());
  (*changes)[{some.cause(), factors.quantity}] +=
      Difference(quantity_a, quantity_b) * (cost_a + cost_b) / 2;
  (*changes)[{some.cause(), factors.cost}] +=
      Difference(cost_a, cost_b) * (quantity_a + quantity_b) / 2;
}

// Sorted by size, largest first; unchanged causes are left out.
template <typename Repeated>
void FillCauses(const Changes& changes, Repeated* out) {
  std::vector<std::pair<std::pair<std::string, CauseChange::Factor>, double>>
      sorted(changes.begin(), changes.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& x, const auto& y) {
                     return std::abs(x.second) > std::abs(y.second);
                   });
  for (const auto& [key, change] : sorted) {
    if (change == 0) continue;
    CauseChange* cause = out->Add();
    cause->set_cause(key.first);
    cause->set_factor(key.second);
    cause->set_change_j(change);
  }
}

double TermEnergy(const Report& report, Term::Value term) {
  for (const EnergyTerm& entry : report.energy_terms()) {
    if (entry.term() == term) return entry.energy_per_token_j();
  }
  return 0;
}

const EnergyCause* Find(const Causes& causes, const CauseKey& key) {
  const auto found = causes.find(key);
  return found == causes.end() ? nullptr : &found->second;
}

void FillTerms(const Report& a, const Report& b, Comparison* comparison) {
  const Causes causes_a = CausesOf(a), causes_b = CausesOf(b);
  std::set<CauseKey> keys;
  for (const auto& [key, cause] : causes_a) keys.insert(key);
  for (const auto& [key, cause] : causes_b) keys.insert(key);
  Changes total;
  for (const EnergyTerm& term : a.energy_terms()) {
    TermChange change;
    change.set_term(term.term());
    change.set_a_j(term.energy_per_token_j());
    change.set_b_j(TermEnergy(b, term.term()));
    change.set_change_j(Difference(change.a_j(), change.b_j()));
    if (change.a_j() == 0 && change.b_j() == 0) continue;
    Changes changes;
    for (const CauseKey& key : keys) {
      if (key.first != term.term()) continue;
      AddProduct(Find(causes_a, key), Find(causes_b, key), &changes);
    }
    for (const auto& [key, energy] : changes) total[key] += energy;
    FillCauses(changes, change.mutable_causes());
    *comparison->add_terms() = std::move(change);
  }
  FillCauses(total, comparison->mutable_causes());
}

void FillStepTime(const Report& a, const Report& b, Comparison* comparison) {
  for (const BoundTime& part : a.time_by_bound()) {
    BoundChange* change = comparison->add_step_time();
    change->set_bound(part.bound());
    change->set_a_s(part.time_s());
    for (const BoundTime& other : b.time_by_bound()) {
      if (other.bound() == part.bound()) change->set_b_s(other.time_s());
    }
  }
}

std::string TextOf(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  if (field->is_repeated()) {
    // --set's: all of them.
    std::vector<std::string> entries;
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      entries.push_back(reflection->GetRepeatedString(message, field, i));
    }
    return entries.empty() ? "none" : absl::StrJoin(entries, ", ");
  }
  if (field->has_presence() && !reflection->HasField(message, field)) {
    return "none";
  }
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.PrintFieldValueToString(message, field, -1, &text);
  return text;
}

// Baselines of older versions do not say that they are per token.
std::string WorkUnit(const Report& report) {
  return report.work_unit().empty() ? "token" : report.work_unit();
}

std::string Summarize(const Comparison& comparison) {
  const Report& a = comparison.a();
  const Report& b = comparison.b();
  const double ratio = comparison.energy_ratio();
  if (comparison.energy_change_j() == 0 &&
      Difference(a.step_time_s(), b.step_time_s()) == 0) {
    return absl::StrFormat("%.3g J/%s and %.3g s a step on both sides.",
                           a.energy_per_token_j(), WorkUnit(a),
                           a.step_time_s());
  }
  std::string out = absl::StrFormat(
      "%.3g J/%s becomes %.3g: x %.3g, %.2f orders of magnitude; the step "
      "takes x %.3g.",
      a.energy_per_token_j(), WorkUnit(a), b.energy_per_token_j(), ratio, std::log10(ratio),
      comparison.step_time_ratio());
  std::vector<std::string> parts;
  for (const CauseChange& cause : comparison.causes()) {
    if (parts.size() == 3) break;
    if (std::abs(cause.change_j()) <
        0.01 * std::abs(comparison.energy_change_j())) {
      break;
    }
    std::string part = absl::StrCat(
        cause.cause(), " ",
        WithoutSignOfZero(absl::StrFormat("%+.3g J", cause.change_j())));
    if (cause.factor() != CauseChange::TIME) {
      absl::StrAppend(
          &part, " (",
          absl::AsciiStrToLower(absl::StrReplaceAll(
              CauseChange::Factor_Name(cause.factor()), {{"_", " "}})),
          ")");
    }
    parts.push_back(std::move(part));
  }
  if (!parts.empty()) {
    absl::StrAppend(&out, " Most of it: ", absl::StrJoin(parts, ", "), ".");
  }
  return out;
}

Report WithoutOperators(Report report) {
  report.clear_operators();
  return report;
}

}  // namespace

std::vector<std::string> ScenarioDifferences(const Report& a, const Report& b) {
  std::vector<std::string> differences;
  const auto add = [&](const std::string& name, const std::string& from,
                       const std::string& to) {
    if (from == to) return;
    differences.push_back(absl::StrCat(name, ": ", from, " -> ", to));
  };
  add("model", a.model(), b.model());
  add("hardware", a.hardware(), b.hardware());
  for (int i = 0; i < Scenario::descriptor()->field_count(); ++i) {
    const FieldDescriptor* field = Scenario::descriptor()->field(i);
    add(std::string(field->name()), TextOf(a.scenario(), field),
        TextOf(b.scenario(), field));
  }
  return differences;
}

absl::StatusOr<Comparison> Compare(const Report& a, const Report& b) {
  if (a.scenario().boundary() != b.scenario().boundary()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "boundary: the first is counted at ", a.scenario().boundary(),
        ", the second at ", b.scenario().boundary(), "; give both the same"));
  }
  if (WorkUnit(a) != WorkUnit(b)) {
    return absl::InvalidArgumentError(
        absl::StrCat("model: the energy of ", a.model(), " is per ",
                     WorkUnit(a), ", that of ", b.model(), " per ", WorkUnit(b),
                     "; they cannot be compared"));
  }
  Comparison comparison;
  *comparison.mutable_a() = WithoutOperators(a);
  *comparison.mutable_b() = WithoutOperators(b);
  comparison.set_energy_change_j(
      Difference(a.energy_per_token_j(), b.energy_per_token_j()));
  comparison.set_energy_ratio(b.energy_per_token_j() / a.energy_per_token_j());
  comparison.set_step_time_ratio(b.step_time_s() / a.step_time_s());
  FillTerms(a, b, &comparison);
  FillStepTime(a, b, &comparison);
  for (const std::string& difference : ScenarioDifferences(a, b)) {
    comparison.add_differences(difference);
  }
  comparison.set_summary(Summarize(comparison));
  return comparison;
}

}  // namespace tokenjoule
