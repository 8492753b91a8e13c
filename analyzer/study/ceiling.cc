#include "analyzer/study/ceiling.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/free.h"

namespace tokenjoule {
namespace {

// A change that makes a term free, or the energy of a component and optionally
// its time.
struct Change {
  std::string name;
  TermIndex term = kNumEnergyTerms;
  Component component = Component::kNone;
  bool with_time = false;

  void Apply(Machine<>* machine) const {
    if (term != kNumEnergyTerms) MakeTermFree(term, machine);
    if (component != Component::kNone) MakeEnergyFree(component, machine);
    if (with_time) MakeTimeFree(component, machine);
  }
};

class Ceilings {
 public:
  Ceilings(const ResolvedSetup& setup, CeilingStudy* study)
      : setup_(setup),
        ledger_(BuildLedger(setup.step())),
        machine_(MachineFor(setup)),
        boundary_(setup.boundary()),
        study_(study) {}

  // Each change alone, then all pairs.
  void AddAll(Ceiling::Kind kind, absl::Span<const Change> changes) {
    std::vector<double> gains;
    for (const Change& change : changes) {
      gains.push_back(Add(kind, {&change}, 0));
    }
    for (size_t i = 0; i < changes.size(); ++i) {
      for (size_t k = i + 1; k < changes.size(); ++k) {
        Add(kind, {&changes[i], &changes[k]}, gains[i] * gains[k]);
      }
    }
  }

 private:
  // Returns the gain.
  double Add(Ceiling::Kind kind, std::vector<const Change*> changes,
             double product_of_gains) {
    Machine<> machine = machine_;
    Ceiling* out = study_->add_ceilings();
    out->set_kind(kind);
    for (const Change* change : changes) {
      change->Apply(&machine);
      out->add_free(change->name);
    }
    if (kind == Ceiling::COMPONENT && changes.size() == 1) {
      AddNextLimit(*changes[0], out);
    }
    const Evaluation<> free = EvaluateOn(ledger_, machine);
    const double energy =
        InJoules(free.PerToken(EnergyInside(free.cost.terms, boundary_)));
    const double time = InSeconds(free.cost.step_time);
    out->set_energy_per_token_j(energy);
    out->set_step_time_s(time);
    if (energy > 0) {
      out->set_gain(study_->base().energy_per_token_j() / energy);
      out->set_gain_orders_of_magnitude(std::log10(out->gain()));
    }
    if (time > 0) out->set_speedup(study_->base().step_time_s() / time);
    out->set_product_of_gains(product_of_gains);
    return out->gain();
  }

  // Names the constant that the time left depends on most.
  void AddNextLimit(const Change& change, Ceiling* out) {
    constexpr double kStep = 1e-3;
    const auto time_with = [&](const Constant* moved, double value) {
      Machine<> machine = MachineFor<double>(setup_, MovedReader{moved, value});
      change.Apply(&machine);
      return InSeconds(EvaluateOn(ledger_, machine).cost.step_time);
    };
    const double now = time_with(nullptr, 0);
    double most = 0;
    const Constant* limit = nullptr;
    ForEachConstant(
        setup_.hardware(),
        [&](const std::string& path, const Constant& constant, const auto&) {
          const double value = constant.value();
          if (value == 0) return;
          const double effect =
              std::abs(time_with(&constant, value * (1 + kStep)) / now - 1);
          if (effect <= most) return;
          most = effect;
          limit = &constant;
          out->set_next_limit(path);
        });
    if (limit == nullptr) return;
    for (const Source& source : setup_.hardware().sources()) {
      if (source.id() != limit->source()) continue;
      out->set_next_limit_source(Source::Kind_Name(source.kind()));
    }
  }

  const ResolvedSetup& setup_;
  const Ledger<> ledger_;
  const Machine<> machine_;
  const int boundary_;
  CeilingStudy* const study_;
};

std::vector<Change> TermChanges(const Report& base) {
  std::vector<Change> changes;
  for (const EnergyTerm& term : base.energy_terms()) {
    if (term.energy_per_token_j() == 0) continue;
    Change change;
    change.name = Term::Value_Name(term.term());
    change.term = static_cast<TermIndex>(term.term() - 1);
    changes.push_back(std::move(change));
  }
  return changes;
}

// Components inside the boundary; with `time`, also those that take time only.
std::vector<Change> ComponentChanges(const Report& base, bool with_time) {
  const int boundary = BoundaryIndex(base.scenario().boundary());
  std::vector<Change> changes;
  const auto counts = [&](Component component) {
    switch (component) {
      case Component::kLinks:
        return base.num_chips() > 1;
      case Component::kHost:
        return boundary >= kNodeBoundary;
      case Component::kFacility:
        return boundary >= kFacilityBoundary;
      case Component::kOverheads:
        return with_time;
      default:
        return true;
    }
  };
  for (const ComponentRow& row : Components()) {
    if (!counts(row.component)) continue;
    Change change;
    change.name = std::string(row.name);
    change.component = row.component;
    change.with_time = with_time;
    changes.push_back(std::move(change));
  }
  return changes;
}

const Ceiling* FindCeiling(const CeilingStudy& study, absl::string_view name) {
  for (const Ceiling& ceiling : study.ceilings()) {
    if (ceiling.kind() == Ceiling::COMPONENT && ceiling.free_size() == 1 &&
        ceiling.free(0) == name) {
      return &ceiling;
    }
  }
  return nullptr;
}

std::string Summarize(const CeilingStudy& study) {
  const auto gain = [&](absl::string_view name) {
    const Ceiling* found = FindCeiling(study, name);
    return found == nullptr || found->gain() == 0
               ? std::string("everything")
               : absl::StrFormat("x %.4g", found->gain());
  };
  return absl::StrFormat(
      "%s on %s at batch %g: %.3g J/token. A perfect multiplier, free and "
      "instant, would bring %s; a perfect memory %s; no static power %s; no "
      "overheads %s.",
      study.base().model(), study.base().hardware(),
      study.base().scenario().batch(), study.base().energy_per_token_j(),
      gain("compute"), gain("memory"), gain("static power"), gain("overheads"));
}

}  // namespace

absl::StatusOr<CeilingStudy> StudyCeiling(const Setup& setup) {
  CeilingStudy study;
  RETURN_IF_ERROR(RequireLanguageModel(setup, "ceiling"));
  RETURN_IF_ERROR(RequireOneMachine(setup, "ceiling"));
  ASSIGN_OR_RETURN(*study.mutable_base(), Analyze(setup, kWithRanges));
  const ResolvedSetup resolved(setup);
  Ceilings ceilings(resolved, &study);
  ceilings.AddAll(Ceiling::TERM, TermChanges(study.base()));
  ceilings.AddAll(Ceiling::COMPONENT_ENERGY,
                  ComponentChanges(study.base(), /*with_time=*/false));
  ceilings.AddAll(Ceiling::COMPONENT,
                  ComponentChanges(study.base(), /*with_time=*/true));
  study.set_summary(Summarize(study));
  return study;
}

}  // namespace tokenjoule
