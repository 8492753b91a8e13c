#include "analyzer/description/architecture.h"

#include <algorithm>

namespace tokenjoule {

int64_t TotalLayers(const Model& model) {
  int64_t layers = model.network().layer_size();
  for (const LayerPattern& pattern : model.layers()) {
    const int64_t periods = std::max<int64_t>(pattern.repeat(), 1);
    for (const LayerPattern::Run& run : pattern.run()) {
      layers += run.count() * periods;
    }
  }
  return layers;
}

double AspectRatio(const Model& model) {
  return static_cast<double>(model.d_model()) /
         static_cast<double>(TotalLayers(model));
}

bool HasKvCache(const Block& block) {
  return block.has_attention() || block.has_latent_attention() ||
         block.has_compressed_attention();
}

bool HasKvCache(const Model& model) {
  return std::any_of(model.block().begin(), model.block().end(),
                     [](const Block& block) { return HasKvCache(block); });
}

Family FamilyOf(const Model& model) {
  bool experts = false;
  for (const Block& block : model.block()) {
    if (block.has_mamba1() || block.has_mamba2() ||
        block.has_linear_attention() || block.has_rwkv()) {
      return Family::kHybrid;
    }
    experts |= block.has_moe();
  }
  return experts ? Family::kMoe : Family::kDense;
}

absl::string_view FamilyName(Family family) {
  switch (family) {
    case Family::kMoe:
      return "moe";
    case Family::kHybrid:
      return "hybrid";
    default:
      return "dense";
  }
}

Parallelism ParallelismOf(const Scenario& scenario) {
  Parallelism parallel;
  parallel.tp = scenario.tp();
  parallel.pp = scenario.pp();
  parallel.ep = scenario.ep();
  parallel.stage_chips = std::max(parallel.tp * scenario.dp(), parallel.ep);
  parallel.replicas = parallel.stage_chips / parallel.tp;
  parallel.expert_tp =
      parallel.ep > 1 ? parallel.stage_chips / parallel.ep : parallel.tp;
  return parallel;
}

}  // namespace tokenjoule
