// Quantities that follow directly from the descriptions of a model and a
// scenario: number of layers, degrees of parallelism.

#ifndef ANALYZER_DESCRIPTION_ARCHITECTURE_H_
#define ANALYZER_DESCRIPTION_ARCHITECTURE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// Context of a scenario that gives none, tokens.
inline constexpr double kDefaultContext = 2048;

// Number of layers of the model.
int64_t TotalLayers(const Model& model);

// Width of the residual stream over number of layers.
double AspectRatio(const Model& model);

// Whether a kind of block, or any of a model, has a KV cache.
bool HasKvCache(const Block& block);
bool HasKvCache(const Model& model);

// Families of models, whose steps have different kernels.
enum class Family {
  kDense,
  kMoe,     // routed experts, no recurrent state
  kHybrid,  // recurrent state
  kNumFamilies,
};
Family FamilyOf(const Model& model);
// "dense", "moe", "hybrid".
absl::string_view FamilyName(Family family);

// How the chips of a pipeline stage share the work.
struct Parallelism {
  int64_t tp;         // chips that split a matrix
  int64_t replicas;   // groups of tp chips with sequences of their own
  int64_t pp;         // pipeline stages
  int64_t ep;         // chips that whole experts are spread over; 1: tp splits
  int64_t expert_tp;  // chips that split one expert
  int64_t stage_chips;  // chips of a stage: the larger of tp x dp and ep

  int64_t chips() const { return stage_chips * pp; }
};

// The degrees of parallelism of a scenario, each of which must be at least 1.
Parallelism ParallelismOf(const Scenario& scenario);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_ARCHITECTURE_H_
