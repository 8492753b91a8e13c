#include "analyzer/evaluate/fit_offload.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/cost/occupancy.h"
#include "analyzer/cost/shared.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/offload.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace {

// Whether all stages fit with an offload.
class FitsWith {
 public:
  explicit FitsWith(const Setup& setup)
      : setup_(setup), split_(SplitOf(setup)), resolved_(WithoutOffload(setup)) {
    machines_.push_back(BuildMachine(setup.hardware));
    for (const Hardware& stage : setup.hardware.stage()) {
      machines_.push_back(BuildMachine(stage));
    }
    // The host comes last. Where none is named yet the machine itself stands for
    // it: a model grows by its formats and arrays, and hosts have no arrays.
    growing_ = machines_;
    growing_.push_back(setup.hardware.has_host()
                           ? BuildMachine(setup.hardware.host())
                           : machines_[0]);
  }

  bool operator()(const Offload& offload) const {
    LayerPlacement placement = LayerPlacementOf(setup_.model, offload, split_);
    placement.has_host = true;
    StepSetup step = resolved_.step();
    step.placement = &placement;
    Ledger<> ledger = BuildLedger(step);
    GrowShared(growing_, &ledger);
    for (size_t i = 0; i < machines_.size(); ++i) {
      const int place = static_cast<int>(i);
      const Ledger<> part = LedgerOn(ledger, placement, place);
      if (!OccupancyOf(part, machines_[i])
               .Fits(machines_[i].costs.levels[0].usable_capacity)) {
        return false;
      }
    }
    return true;
  }

 private:
  static Setup WithoutOffload(Setup setup) {
    setup.scenario.clear_offload();
    return setup;
  }

  const Setup& setup_;
  const std::vector<int64_t> split_;
  const ResolvedSetup resolved_;
  // Those that have to hold their part, and all that run one.
  std::vector<Machine<>> machines_, growing_;
};

// The smallest count from 1 to `most` with which `fits`, which stays true above;
// 0 if there is none.
template <typename Fits>
int64_t Smallest(int64_t most, const Fits& fits) {
  if (!fits(most)) return 0;
  int64_t too_few = 0, enough = most;
  while (enough - too_few > 1) {
    const int64_t middle = too_few + (enough - too_few) / 2;
    (fits(middle) ? enough : too_few) = middle;
  }
  return enough;
}

}  // namespace

std::string SmallestOffload(const Setup& setup) {
  // Offloading moves layers of language models.
  if (setup.model.has_network()) return "";
  const FitsWith fits(setup);
  if (fits(Offload())) return "";
  const int64_t layers = TotalLayers(setup.model);
  bool has_experts = false;
  for (const Block& block : setup.model.block()) has_experts |= block.has_moe();
  if (has_experts) {
    const int64_t experts = Smallest(layers, [&](int64_t count) {
      Offload offload;
      offload.experts = Offloaded::kComputed;
      offload.expert_layers = count;
      return fits(offload);
    });
    if (experts > 0) return absl::StrCat("experts:", experts);
  }
  const int64_t whole = Smallest(layers, [&](int64_t count) {
    Offload offload;
    offload.layers = count;
    return fits(offload);
  });
  return whole > 0 ? absl::StrCat("layers:", whole) : "";
}

Setup ResolveOffload(Setup setup) {
  const absl::StatusOr<Offload> offload =
      ParseOffload(setup.scenario.offload(), setup.model);
  if (!offload.ok() || !offload->automatic) return setup;
  setup.scenario.set_offload(SmallestOffload(setup));
  return setup;
}

}  // namespace tokenjoule
