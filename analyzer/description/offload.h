// What a scenario offloads to the host, and how the layers of a model are spread
// over several machines. Contains no physics.

#ifndef ANALYZER_DESCRIPTION_OFFLOAD_H_
#define ANALYZER_DESCRIPTION_OFFLOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/model.pb.h"

namespace tokenjoule {

// How offloaded data is used.
enum class Offloaded {
  kNothing,   // it is not offloaded
  kComputed,  // the host computes with it, where it lies
  kFetched,   // the chip fetches it over the link in each step, and computes
};

// A parsed Scenario.offload.
struct Offload {
  // Layers from the first on that the host holds and computes.
  int64_t layers = 0;
  Offloaded experts = Offloaded::kNothing;
  // Layers from the first on whose experts are offloaded.
  int64_t expert_layers = 0;
  Offloaded kv = Offloaded::kNothing;
  // The fewest layers (of experts, if there are any) that make everything fit.
  bool automatic = false;

  bool Any() const {
    return layers > 0 || automatic || kv != Offloaded::kNothing ||
           (experts != Offloaded::kNothing && expert_layers > 0);
  }
};

// Parses Scenario.offload for a model. Fails with what was found and what was
// expected.
absl::StatusOr<Offload> ParseOffload(absl::string_view text,
                                     const Model& model);

// Parses Scenario.split: one positive number of layers per machine, which add up
// to the layers of the model.
absl::StatusOr<std::vector<int64_t>> ParseSplit(absl::string_view text,
                                                int machines,
                                                const Model& model);

// Consecutive layers that are treated alike.
struct Segment {
  // The machine that computes them and holds their data.
  int place = 0;
  // What becomes of their experts.
  Offloaded experts = Offloaded::kNothing;
  int64_t layers = 0;
  // By block of the model: how many of them are of this block, and as a share of
  // all layers of the block.
  std::vector<int64_t> of_block;
  std::vector<double> share_of_block;
};

// The machines that share a step and what each has of the model. Machines are
// numbered: the stages of a pipeline from 0 (the chip alone is stage 0), then the
// host, then the link to it.
struct LayerPlacement {
  int stages = 1;
  bool has_host = false;
  Offloaded kv = Offloaded::kNothing;
  // From the first layer to the last.
  std::vector<Segment> segments;

  int host() const { return stages; }
  int link() const { return stages + 1; }
  int machines() const { return has_host ? stages + 2 : stages; }
  // Whether there is more than one machine.
  bool IsSpread() const { return machines() > 1; }
  // Whether a machine works layer by layer in turn with another, which is within
  // milliseconds: experts or the KV cache lie elsewhere. Otherwise it works in
  // one stretch per step.
  bool Alternates(int place) const {
    for (const Segment& segment : segments) {
      const bool takes_part =
          segment.place == place || (has_host && place >= host());
      if (takes_part && !(has_host && segment.place == host()) &&
          (segment.experts != Offloaded::kNothing ||
           kv != Offloaded::kNothing)) {
        return true;
      }
    }
    return false;
  }
  // The machine of the embedding: that of the first layer.
  int embedding() const { return segments.front().place; }
  // The machine of the LM head and of drafting: the last stage, unless the host
  // has all layers.
  int head() const {
    return segments.back().place == host() && has_host ? host() : stages - 1;
  }
};

// The placement of a model. `split` has the layers of each stage; those that the
// host takes are taken from the front. Layers of experts count from the front,
// too.
LayerPlacement LayerPlacementOf(const Model& model, const Offload& offload,
                      const std::vector<int64_t>& split);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_OFFLOAD_H_
