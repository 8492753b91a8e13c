#include "tests/attack/questions.h"

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/formats.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/fit_offload.h"
#include "google/protobuf/descriptor.h"
#include "proto/constant.pb.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

class Dice {
 public:
  Dice(uint64_t seed, uint64_t number)
      : engine_(seed * 0x9e3779b97f4a7c15u + number) {}

  // A number from 0 to count - 1.
  size_t Of(size_t count) { return count == 0 ? 0 : engine_() % count; }
  bool Chance(double share) { return Between(0, 1) < share; }
  double Between(double low, double high) {
    return low +
           (high - low) * (static_cast<double>(engine_() >> 11) * 0x1p-53);
  }
  // Evenly spread over the orders of magnitude.
  double Logarithmic(double low, double high) {
    return std::exp(Between(std::log(low), std::log(high)));
  }
  const std::string& Of(const std::vector<std::string>& names) {
    return names[Of(names.size())];
  }

 private:
  std::mt19937_64 engine_;
};

// A constant of a message, by its path.
struct Changeable {
  std::string path;
  double value = 0, min = 0, max = 0;
};

std::vector<Changeable> ChangeableOf(const Hardware& hardware) {
  std::vector<Changeable> places;
  ForEachConstant(hardware, [&](const std::string& path,
                                const Constant& constant,
                                const google::protobuf::FieldDescriptor&
                                    field) {
    const Range& accepted = field.options().GetExtension(range);
    places.push_back({path, constant.value(), accepted.min(), accepted.max()});
  });
  return places;
}

// A value for a constant: near it, at an end of what is accepted, or beyond.
std::string ValueFor(const Changeable& place, Dice* dice) {
  switch (dice->Of(8)) {
    case 0:
      return absl::StrFormat("%.17g", place.min);
    case 1:
      return absl::StrFormat("%.17g", place.max);
    case 2: {
      static const auto& beyond = *new std::vector<std::string>{
          "nan", "inf", "-1", "-inf", "1e308", "1e-308", "0", "-0", "4e9", "x"};
      return dice->Of(beyond);
    }
    default: {
      const double value = place.value > 0 ? place.value : 1;
      return absl::StrFormat("%.17g", value * dice->Logarithmic(0.01, 100));
    }
  }
}

// A count: mostly small, seldom as large as it may be.
double Count(double most, Dice* dice) {
  return dice->Chance(0.05) ? most : std::floor(dice->Logarithmic(1, most));
}

void SetScenario(Dice* dice, Scenario* scenario) {
  static const auto& formats = *new std::vector<std::string>(FormatNames());
  static const auto& boundaries =
      *new std::vector<std::string>(BoundaryNames());
  scenario->set_batch(Count(dice->Chance(0.8) ? 2048 : 1e9, dice));
  if (dice->Chance(0.8)) {
    scenario->set_context(Count(dice->Chance(0.9) ? 200'000 : 1e10, dice));
  }
  const auto chips = [&](double share) {
    return dice->Chance(share) ? 1 << dice->Of(5) : 1;
  };
  scenario->set_tp(chips(0.4));
  scenario->set_pp(chips(0.1));
  scenario->set_ep(chips(0.1));
  scenario->set_dp(dice->Chance(0.2) ? static_cast<int>(1 + dice->Of(9)) : 1);
  if (dice->Chance(0.4)) scenario->set_weights(dice->Of(formats));
  if (dice->Chance(0.2)) scenario->set_kv(dice->Of(formats));
  if (dice->Chance(0.1)) scenario->set_activations(dice->Of(formats));
  if (dice->Chance(0.1)) scenario->set_lm_head(dice->Of(formats));
  if (dice->Chance(0.1)) scenario->set_experts(dice->Of(formats));
  if (dice->Chance(0.5)) scenario->set_boundary(dice->Of(boundaries));
  scenario->set_ideal(dice->Chance(0.1));
  scenario->set_equal_quality(dice->Chance(0.1));
  if (dice->Chance(0.2)) {
    scenario->set_prompt(Count(100'000, dice));
    scenario->set_output(Count(10'000, dice));
    scenario->set_static_batch(dice->Chance(0.3));
    if (dice->Chance(0.3)) scenario->set_step_token_budget(Count(1e6, dice));
  }
  if (dice->Chance(0.15)) {
    Speculation* speculation = scenario->mutable_speculation();
    speculation->set_draft_tokens(static_cast<int>(Count(64, dice)));
    speculation->set_acceptance_rate(dice->Between(0, 1));
    if (dice->Chance(0.5)) {
      speculation->set_draft_model(dice->Chance(0.3) ? "mtp" : "llama-3.2-1b");
    }
  }
  if (dice->Chance(0.1)) {
    scenario->set_kv_page_tokens(static_cast<int>(Count(1e6, dice)));
  }
  if (dice->Chance(0.1)) {
    scenario->set_shared_prefix_tokens(Count(100'000, dice));
    scenario->set_shared_prefix_read_once(dice->Chance(0.5));
  }
  if (dice->Chance(0.1)) scenario->mutable_quality()->set_training_tokens(1e13);
}

}  // namespace

Question QuestionOf(uint64_t seed, uint64_t number) {
  static const auto& models =
      *new std::vector<std::string>(CatalogNames(SpecKind::kModel));
  static const auto& machines =
      *new std::vector<std::string>(CatalogNames(SpecKind::kSystem));
  static const auto& runtimes =
      *new std::vector<std::string>(CatalogNames(SpecKind::kRuntime));
  static const auto& offloads = *new std::vector<std::string>{
      "layers:1",      "ngl:8", "experts",  "experts:4",
      "experts:fetch", "kv",    "kv:fetch", "auto"};
  Dice dice(seed, number);
  Question question;
  Setup setup;
  setup.scenario = DefaultScenario();
  const std::string model = dice.Of(models), machine = dice.Of(machines);
  SetScenario(&dice, &setup.scenario);
  Scenario& asked = question.scenario;
  asked = setup.scenario;
  asked.set_model(model);
  asked.set_hardware(machine);
  std::vector<FieldOverride> changes;
  if (dice.Chance(0.2)) {
    asked.set_runtime(dice.Of(runtimes));
    changes.push_back({std::string(kRuntimePath), asked.runtime()});
  }
  if (dice.Chance(0.1)) {
    setup.scenario.set_offload(dice.Of(offloads));
    asked.set_offload(setup.scenario.offload());
    changes.insert(changes.begin(), {std::string(kHostPath), ""});
  } else if (dice.Chance(0.05)) {
    changes.push_back({std::string(kStagePath), dice.Of(machines)});
    absl::StrAppend(asked.mutable_hardware(), ",", changes.back().value);
  }
  absl::StatusOr<Hardware> hardware = LoadHardware(machine, changes);
  if (hardware.ok() && dice.Chance(0.6)) {
    const std::vector<Changeable> places = ChangeableOf(*hardware);
    for (size_t changed = 1 + dice.Of(3); changed > 0 && !places.empty();
         --changed) {
      const Changeable& place = places[dice.Of(places.size())];
      changes.push_back({place.path, ValueFor(place, &dice)});
      asked.add_set(
          absl::StrCat("hardware.", place.path, "=", changes.back().value));
    }
    hardware = LoadHardware(machine, changes);
  }
  absl::StatusOr<Model> loaded = LoadModel(model);
  absl::StatusOr<absl::optional<Model>> draft = LoadDraft(setup.scenario);
  for (const absl::Status& status :
       {hardware.status(), loaded.status(), draft.status()}) {
    if (status.ok()) continue;
    question.setup = status;
    return question;
  }
  setup.model = *std::move(loaded);
  setup.hardware = *std::move(hardware);
  setup.draft = *std::move(draft);
  if (!setup.scenario.offload().empty() && Validate(setup).ok()) {
    setup = ResolveOffload(std::move(setup));
  }
  question.setup = std::move(setup);
  return question;
}

}  // namespace tokenjoule
