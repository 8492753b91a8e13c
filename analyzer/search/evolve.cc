#include "analyzer/search/evolve.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/validate.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/quality/scaling_laws.h"
#include "analyzer/search/figures.h"
#include "analyzer/search/findings.h"
#include "analyzer/search/forecast.h"
#include "analyzer/search/front.h"
#include "analyzer/search/plan.h"
#include "pagmo/algorithm.hpp"
#include "pagmo/algorithms/moead.hpp"
#include "pagmo/algorithms/nsga2.hpp"
#include "pagmo/population.hpp"
#include "pagmo/problem.hpp"
#include "pagmo/types.hpp"
#include "pagmo/utils/hypervolume.hpp"

namespace tokenjoule {
namespace {

// Structures that are kept: a search comes back to the good ones.
constexpr size_t kMostStructures = 4096;
// What a point outside limits scores at least, above the logarithm of anything.
constexpr double kPenalty = 1e6;
// Share of a point that cannot be described at all.
constexpr double kInvalidExcess = 1e6;

// Logarithms of objectives; of one that is maximised, and so below 0, the
// negative.
pagmo::vector_double Levels(const ObjectiveValues& values, int objectives) {
  pagmo::vector_double levels;
  for (int i = 0; i < objectives; ++i) {
    const double level = std::log(std::max(std::abs(values[i]), 1e-300));
    levels.push_back(values[i] < 0 ? -level : level);
  }
  return levels;
}

// A machine with the axes that the kernel reads.
struct LoadedHardware {
  Hardware hardware;
  std::vector<KernelAxis> axes;
};

// What the structural axes decide.
struct Structure {
  // Why there is none; empty where there is.
  std::string reason;
  std::shared_ptr<const Model> model;
  std::shared_ptr<const LoadedHardware> hardware;
  Scenario scenario;
  Ledger<> ledger;
};

// Structures by their choices. Descriptions that several share are loaded once.
class Structures {
 public:
  Structures(const Space& space, const Plan& plan)
      : space_(space), plan_(plan) {}

  const Structure& At(const Choices& choices) {
    Choices structural;
    for (const int axis : plan_.structural) structural.push_back(choices[axis]);
    const auto known = structures_.find(structural);
    if (known != structures_.end()) return *known->second;
    if (structures_.size() >= kMostStructures) structures_.clear();
    auto structure = std::make_unique<Structure>();
    const absl::Status status = Fill(choices, structure.get());
    if (!status.ok()) structure->reason = std::string(status.message());
    return *(structures_[std::move(structural)] = std::move(structure));
  }

 private:
  absl::Status Fill(const Choices& choices, Structure* out) {
    absl::StatusOr<Scenario> scenario = ScenarioAt(space_, choices);
    if (!scenario.ok()) return scenario.status();
    out->scenario = *std::move(scenario);
    absl::Status status = FindModel(choices, &out->model);
    if (!status.ok()) return status;
    status = FindHardware(choices, &out->hardware);
    if (!status.ok()) return status;
    std::vector<Fault> faults;
    ValidateScenario(out->scenario, *out->model, out->hardware->hardware,
                     &faults);
    if (!faults.empty()) return FaultsToStatus(faults);
    status = CheckQuality(out->scenario);
    if (!status.ok()) return status;
    out->scenario = ServedBy(out->hardware->hardware, *out->model,
                             std::move(out->scenario));
    status = CheckServedFormats(out->hardware->hardware, *out->model,
                                out->scenario);
    if (!status.ok()) return status;
    const absl::StatusOr<absl::optional<Model>> draft =
        LoadDraft(out->scenario);
    if (!draft.ok()) return draft.status();
    out->ledger = BuildLedger(*out->model, out->scenario,
                              draft->has_value() ? &**draft : nullptr);
    return absl::OkStatus();
  }

  absl::Status FindModel(const Choices& choices,
                         std::shared_ptr<const Model>* out) {
    std::shared_ptr<const Model>& known =
        models_[ChoicesFor("model", space_, plan_, choices)];
    if (known == nullptr) {
      absl::StatusOr<Model> model = ModelAt(space_, choices);
      if (!model.ok()) return model.status();
      known = std::make_shared<const Model>(*std::move(model));
    }
    *out = known;
    if (models_.size() > kMostStructures) models_.clear();
    return absl::OkStatus();
  }

  absl::Status FindHardware(const Choices& choices,
                            std::shared_ptr<const LoadedHardware>* out) {
    std::shared_ptr<const LoadedHardware>& known =
        machines_[ChoicesFor("hardware", space_, plan_, choices)];
    if (known == nullptr) {
      absl::StatusOr<Hardware> hardware = HardwareAt(space_, choices);
      if (!hardware.ok()) return hardware.status();
      auto loaded = std::make_shared<LoadedHardware>();
      loaded->hardware = *std::move(hardware);
      absl::StatusOr<std::vector<KernelAxis>> axes =
          KernelAxesOf(space_, plan_, loaded->hardware);
      if (!axes.ok()) return axes.status();
      loaded->axes = *std::move(axes);
      known = std::move(loaded);
    }
    *out = known;
    if (machines_.size() > kMostStructures) machines_.clear();
    return absl::OkStatus();
  }

  const Space& space_;
  const Plan& plan_;
  std::map<Choices, std::unique_ptr<Structure>> structures_;
  std::map<Choices, std::shared_ptr<const Model>> models_;
  std::map<Choices, std::shared_ptr<const LoadedHardware>> machines_;
};

// A point, evaluated.
struct Evaluated {
  // Why it cannot be; empty where it can.
  std::string reason;
  FigureValues<double> figures;
  bool fits = false;
  // How far it is outside limits, 0 inside.
  double excess = kInvalidExcess;
};

// Evaluates points one at a time and keeps the best of them.
class Archive {
 public:
  Archive(const Space& space, const Plan& plan)
      : space_(space),
        plan_(plan),
        judge_(space.description),
        structures_(space, plan),
        // Exact, to be compared with the exact front; thinned in the answer.
        findings_(space.description.objective_size(), /*epsilon=*/0) {}

  // What the algorithm minimises at a decision vector: logarithms, so that
  // objectives of any size weigh alike, and outside limits how far.
  pagmo::vector_double Fitness(const pagmo::vector_double& decision) {
    const Choices choices = ChoicesFrom(decision);
    const Evaluated point = Evaluate(choices);
    Count(point);
    if (point.excess > 0) {
      const int objectives = space_.description.objective_size();
      return pagmo::vector_double(std::max(2, objectives),
                                  kPenalty * (1 + point.excess));
    }
    const ObjectiveValues values = judge_.ObjectivesOf(point.figures);
    Keep(choices, values);
    pagmo::vector_double fitness =
        Levels(values, space_.description.objective_size());
    // The algorithms want two objectives: of one, twice the same.
    if (fitness.size() == 1) fitness.push_back(fitness[0]);
    return fitness;
  }

  Evaluated Evaluate(const Choices& choices) {
    Evaluated out;
    const Structure& structure = structures_.At(choices);
    out.reason = structure.reason;
    if (!out.reason.empty()) return out;
    std::vector<uint32_t> kernel_choices;
    for (const int axis : plan_.kernel) kernel_choices.push_back(choices[axis]);
    const LoadedHardware& hardware = *structure.hardware;
    const Machine<> machine =
        MachineAt(hardware.hardware, structure.scenario.ideal(), hardware.axes,
                  kernel_choices);
    const Evaluation<> evaluation = LoweredOn(structure.ledger, machine);
    const SweepCost<double> cost = SweepCostOf(
        evaluation.step, machine, ActionsOf(evaluation.step, machine));
    if (!std::isfinite(cost.step_time_s) ||
        !std::isfinite(cost.energy_j[kFacilityBoundary])) {
      out.reason = "the step is too large to count";
      return out;
    }
    const StepFacts<> facts =
        FactsOf(*structure.model, structure.scenario, evaluation, machine);
    out.figures = FiguresFrom(facts, cost);
    out.fits = Fits(facts, cost.usable_bytes);
    out.excess = judge_.Excess(facts, cost.usable_bytes, out.figures);
    return out;
  }

  const Findings& findings() const { return findings_; }
  const ParetoFront& best() const { return findings_.front; }
  const Choices& ChoicesOfBest(uint64_t id) const { return choices_.at(id); }

 private:
  // The choice of each axis: the whole part of its coordinate.
  Choices ChoicesFrom(const pagmo::vector_double& decision) const {
    Choices choices(space_.axes.size());
    for (size_t i = 0; i < choices.size(); ++i) {
      const double last = static_cast<double>(space_.axes[i].size() - 1);
      choices[i] = static_cast<uint32_t>(
          std::min(last, std::max(0.0, std::floor(decision[i]))));
    }
    return choices;
  }

  void Count(const Evaluated& point) {
    ++findings_.points;
    if (!point.reason.empty()) {
      ++findings_.invalid;
      ++findings_.reasons[point.reason];
    } else if (!point.fits && !space_.description.may_not_fit()) {
      ++findings_.does_not_fit;
    } else if (point.excess > 0) {
      ++findings_.outside_limits;
    } else {
      ++findings_.feasible;
    }
  }

  void Keep(const Choices& choices, const ObjectiveValues& values) {
    const uint64_t id =
        space_.points > 0 ? IdOf(space_, choices) : findings_.points;
    if (findings_.front.Add(values, id)) choices_[id] = choices;
    if (choices_.size() <= 2 * best().size() + 1000) return;
    std::map<uint64_t, Choices> kept;
    for (const FrontPoint& point : best().Sorted()) {
      kept[point.id] = std::move(choices_[point.id]);
    }
    choices_ = std::move(kept);
  }

  const Space& space_;
  const Plan& plan_;
  Judge judge_;
  Structures structures_;
  Findings findings_;
  // Choices of the best points, and of some that were.
  std::map<uint64_t, Choices> choices_;
};

// The space as pagmo sees it: a coordinate an axis, its whole part the choice.
struct Problem {
  pagmo::vector_double fitness(const pagmo::vector_double& decision) const {
    return archive->Fitness(decision);
  }
  std::pair<pagmo::vector_double, pagmo::vector_double> get_bounds() const {
    pagmo::vector_double low(space->axes.size(), 0.0), high;
    for (const SpaceAxis& axis : space->axes) {
      high.push_back(static_cast<double>(axis.size()));
    }
    return {low, high};
  }
  pagmo::vector_double::size_type get_nobj() const {
    return std::max(2, space->description.objective_size());
  }

  const Space* space = nullptr;
  Archive* archive = nullptr;
};

// The evolution that is asked for, with what it leaves out.
Evolution WithDefaults(Evolution evolution) {
  if (evolution.algorithm() == Evolution::ALGORITHM_UNSPECIFIED) {
    evolution.set_algorithm(Evolution::NSGA2);
  }
  if (evolution.population() == 0) evolution.set_population(200);
  if (evolution.generations() == 0) evolution.set_generations(250);
  return evolution;
}

// One generation of the algorithm; its generator goes on from call to call.
pagmo::algorithm AlgorithmOf(const Evolution& evolution, size_t axes) {
  const auto seed = static_cast<unsigned>(evolution.seed());
  if (evolution.algorithm() == Evolution::MOEAD) {
    return pagmo::algorithm(pagmo::moead(1, "low discrepancy", "tchebycheff",
                                         /*neighbours=*/20, /*CR=*/1.0,
                                         /*F=*/0.5, /*eta_m=*/20, /*realb=*/0.9,
                                         /*limit=*/2, true, seed));
  }
  return pagmo::algorithm(pagmo::nsga2(1, /*cr=*/0.95, /*eta_c=*/10,
                                       /*m=*/1.0 / static_cast<double>(axes),
                                       /*eta_m=*/20, seed));
}

// Runs the generations; returns whether it was interrupted. Fails where the forecast
// does.
absl::StatusOr<bool> Run(const Space& space, const Evolution& evolution,
         const SweepOptions& options, Archive* archive) {
  const auto seed = static_cast<unsigned>(evolution.seed());
  Forecast forecast(options.forecast);
  Problem problem;
  problem.space = &space;
  problem.archive = archive;
  pagmo::population population(problem, evolution.population(), seed);
  const pagmo::algorithm algorithm = AlgorithmOf(evolution, space.axes.size());
  const double all = static_cast<double>(evolution.population()) *
                     (evolution.generations() + 1.0);
  for (int i = 0; i < evolution.generations(); ++i) {
    if (options.IsInterrupted()) return true;
    population = algorithm.evolve(population);
    if (options.progress) {
      options.progress(static_cast<double>(archive->findings().points), all);
    }
    // The first population counts as a generation.
    const absl::Status status =
        forecast.Take((i + 2.0) / (evolution.generations() + 1.0));
    if (!status.ok()) return status;
  }
  return false;
}

// The volume that a front dominates, of levels, up to `reference`.
double HypervolumeOf(const std::vector<FrontPoint>& front, int objectives,
                     const pagmo::vector_double& reference) {
  std::vector<pagmo::vector_double> points;
  for (const FrontPoint& point : front) {
    pagmo::vector_double levels = Levels(point.values, objectives);
    bool inside = true;
    for (int i = 0; i < objectives; ++i) inside &= levels[i] < reference[i];
    if (inside) points.push_back(std::move(levels));
  }
  return points.empty() ? 0 : pagmo::hypervolume(points).compute(reference);
}

// A tenth beyond the worst levels of a front, so that its ends count.
pagmo::vector_double ReferenceOf(const std::vector<FrontPoint>& front,
                                 int objectives) {
  pagmo::vector_double reference(objectives, -1e300);
  for (const FrontPoint& point : front) {
    const pagmo::vector_double levels = Levels(point.values, objectives);
    for (int i = 0; i < objectives; ++i) {
      reference[i] = std::max(reference[i], levels[i] + 0.1);
    }
  }
  return reference;
}

// How much of the exact front the evolution found.
absl::Status FillComparison(const Space& space, const SweepOptions& options,
                            const ParetoFront& found,
                            EvolutionSummary* summary) {
  Space whole = space;
  whole.description.clear_evolution();
  whole.description.clear_epsilon();
  SweepOptions exact_options;
  exact_options.threads = options.threads;
  exact_options.interrupted = options.interrupted;
  // The comparison is a service: a space of many structures goes without it.
  exact_options.forecast = [](double seconds) {
    return seconds > kMostSecondsCompared
               ? absl::DeadlineExceededError("the exact front takes too long")
               : absl::OkStatus();
  };
  absl::StatusOr<SweepStudy> exact = Sweep(whole, exact_options);
  if (absl::IsDeadlineExceeded(exact.status())) return absl::OkStatus();
  if (!exact.ok()) return exact.status();
  if (exact->interrupted() || exact->front().empty()) return absl::OkStatus();
  const int objectives = space.description.objective_size();
  std::vector<FrontPoint> exact_front;
  std::set<uint64_t> exact_ids;
  for (const SweepPoint& point : exact->front()) {
    FrontPoint out;
    out.id = static_cast<uint64_t>(point.id());
    out.values = ObjectivesOf(space.description, point.figures());
    exact_ids.insert(out.id);
    exact_front.push_back(out);
  }
  int hits = 0;
  for (const FrontPoint& point : found.Sorted()) {
    hits += static_cast<int>(exact_ids.count(point.id));
  }
  summary->set_exact_front_points(exact->front_size());
  summary->set_exact_front_share(static_cast<double>(hits) /
                                 exact->front_size());
  if (objectives < 2) return absl::OkStatus();
  const pagmo::vector_double reference = ReferenceOf(exact_front, objectives);
  summary->set_hypervolume_share(
      HypervolumeOf(found.Sorted(), objectives, reference) /
      HypervolumeOf(exact_front, objectives, reference));
  return absl::OkStatus();
}

// A point's figures are those of `tokenjoule analyze`.
absl::Status Confirm(const Space& space, const Choices& choices,
                     const SweepFigures& figures) {
  const absl::StatusOr<SweepFigures> exact = FiguresOf(space, choices);
  if (!exact.ok()) return exact.status();
  const ObjectiveValues found = ObjectivesOf(space.description, figures);
  const ObjectiveValues expected = ObjectivesOf(space.description, *exact);
  for (int i = 0; i < space.description.objective_size(); ++i) {
    if (std::abs(found[i] - expected[i]) > 1e-12 * std::abs(expected[i])) {
      return absl::InternalError(
          absl::StrCat("evolution and analysis disagree in ",
                       space.description.objective(i).metric(), ": ", found[i],
                       " and ", expected[i]));
    }
  }
  return absl::OkStatus();
}

// The points that were found; some of them are confirmed the long way.
absl::Status FillFront(const Space& space, Archive* archive,
                       SweepStudy* study) {
  ParetoFront thinned(space.description.objective_size(),
                      space.description.epsilon());
  thinned.Merge(archive->best());
  const size_t every = thinned.size() / 16 + 1;
  std::vector<Choices> front;
  for (const FrontPoint& point : thinned.Sorted()) {
    front.push_back(archive->ChoicesOfBest(point.id));
    const Choices& choices = front.back();
    const SweepFigures figures = ToProto(archive->Evaluate(choices).figures);
    if (study->front_size() % every == 0) {
      const absl::Status confirmed = Confirm(space, choices, figures);
      if (!confirmed.ok()) return confirmed;
    }
    SweepPoint* out = study->add_front();
    *out = PointOf(space, choices, figures);
    out->set_command(CommandFor(space, choices));
  }
  return FillQuality(
      space, [&](int i) { return front[i]; }, study);
}

}  // namespace

absl::StatusOr<SweepStudy> Evolve(const Space& space,
                                  const SweepOptions& options) {
  if (!space.description.has_evolution()) {
    return absl::InvalidArgumentError("the space has no `evolution`");
  }
  if (options.shards > 0) {
    return absl::InvalidArgumentError(
        "a search by evolution has no shards; run it with other seeds "
        "instead");
  }
  if (options.dominated > 0) {
    return absl::InvalidArgumentError(
        "a search by evolution keeps no dominated points: those that it comes "
        "across say nothing about the space");
  }
  absl::StatusOr<Plan> plan = MakePlan(space, EachPoint::kLoweringAndKernel);
  if (!plan.ok()) return plan.status();
  const Evolution evolution = WithDefaults(space.description.evolution());
  Archive archive(space, *plan);
  SweepStudy study;
  try {
    const absl::StatusOr<bool> interrupted =
        Run(space, evolution, options, &archive);
    if (!interrupted.ok()) return interrupted.status();
    study.set_interrupted(*interrupted);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("evolution: ", error.what()));
  }
  FillHead(space, &study);
  FillCounts(archive.findings(), &study);
  KeepMostReasons(&study);
  EvolutionSummary* summary = study.mutable_evolution();
  summary->set_algorithm(Evolution::Algorithm_Name(evolution.algorithm()));
  summary->set_population(evolution.population());
  summary->set_generations(evolution.generations());
  summary->set_seed(evolution.seed());
  if (space.points > 0 && space.points <= kMostCompared &&
      !study.interrupted()) {
    const absl::Status compared =
        FillComparison(space, options, archive.best(), summary);
    if (!compared.ok()) return compared;
  }
  const absl::Status filled = FillFront(space, &archive, &study);
  if (!filled.ok()) return filled;
  return study;
}

}  // namespace tokenjoule
