#include "tests/attack/targets.h"

#include <utility>

#include "analyzer/import/checkpoint.h"
#include "tests/attack/target_lists.h"

namespace tokenjoule {

const std::vector<Target>& Targets() {
  static const auto* const targets = [] {
    // As the binary does before it reads anything.
    AcceptCheckpointsAsModels();
    auto* all = new std::vector<Target>;
    for (std::vector<Target> list : {DescriptionTargets(), ImportTargets(),
                                     StudyTargets(), RequestTargets()}) {
      for (Target& target : list) all->push_back(std::move(target));
    }
    return all;
  }();
  return *targets;
}

const Target* FindTarget(absl::string_view name) {
  for (const Target& target : Targets()) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

}  // namespace tokenjoule
