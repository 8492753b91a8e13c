#include "analyzer/description/offload.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/faults.h"

namespace tokenjoule {
namespace {

bool HasExperts(const Model& model) {
  return std::any_of(model.block().begin(), model.block().end(),
                     [](const Block& block) { return block.has_moe(); });
}

// The indices of the blocks of all layers, from the first to the last.
std::vector<int> BlocksOfLayers(const Model& model) {
  std::map<std::string, int> index;
  for (int i = 0; i < model.block_size(); ++i) index[model.block(i).name()] = i;
  std::vector<int> layers;
  for (const LayerPattern& pattern : model.layers()) {
    const int64_t periods = std::max<int64_t>(pattern.repeat(), 1);
    for (int64_t k = 0; k < periods; ++k) {
      for (const LayerPattern::Run& run : pattern.run()) {
        layers.insert(layers.end(), run.count(), index[run.block()]);
      }
    }
  }
  return layers;
}

// Collects the faults of one text.
class OffloadReader {
 public:
  OffloadReader(const Model& model, Offload* offload)
      : model_(model), layers_(TotalLayers(model)), offload_(offload) {}

  void Read(absl::string_view item) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(item, absl::MaxSplits(':', 1));
    const absl::string_view what = absl::StripAsciiWhitespace(halves.first);
    const absl::string_view how = absl::StripAsciiWhitespace(halves.second);
    if (what == "layers" || what == "ngl") {
      const int64_t count = ReadLayers(item, how);
      // llama.cpp counts the LM head as one layer more.
      offload_->layers =
          what == "ngl" ? std::max<int64_t>(0, layers_ - count) : count;
      if (what == "layers" && count > layers_) {
        Fault(absl::StrCat("expected a number of layers, 0 to ", layers_,
                           ", in \"", Printable(item), "\""));
        offload_->layers = layers_;
      }
    } else if (what == "experts") {
      if (!HasExperts(model_)) {
        Fault(absl::StrCat(model_.name(), " has no experts to offload"));
      }
      offload_->experts =
          how == "fetch" ? Offloaded::kFetched : Offloaded::kComputed;
      offload_->expert_layers = how.empty() || how == "fetch"
                                    ? layers_
                                    : std::min(ReadLayers(item, how), layers_);
    } else if (what == "kv") {
      if (!HasKvCache(model_)) {
        Fault(absl::StrCat(model_.name(), " has no KV cache to offload"));
      }
      if (!how.empty() && how != "fetch") {
        Fault(absl::StrCat("expected kv or kv:fetch, found \"",
                           Printable(item), "\""));
      }
      offload_->kv =
          how == "fetch" ? Offloaded::kFetched : Offloaded::kComputed;
    } else if (what == "auto" && how.empty()) {
      offload_->automatic = true;
    } else {
      Fault(absl::StrCat("expected layers:N, ngl:N, experts, experts:N, "
                         "experts:fetch, kv, kv:fetch or auto, found \"",
                         Printable(item), "\""));
    }
  }

  absl::Status status() const {
    if (faults_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(faults_, "; "));
  }
  void Fault(std::string message) { faults_.push_back(std::move(message)); }

 private:
  int64_t ReadLayers(absl::string_view item, absl::string_view text) {
    int64_t count = 0;
    if (absl::SimpleAtoi(text, &count) && count >= 0) return count;
    Fault(absl::StrCat("expected a number of layers, 0 to ", layers_,
                       ", in \"", Printable(item), "\""));
    return 0;
  }

  const Model& model_;
  const int64_t layers_;
  Offload* const offload_;
  std::vector<std::string> faults_;
};

}  // namespace

absl::StatusOr<Offload> ParseOffload(absl::string_view text,
                                     const Model& model) {
  Offload offload;
  if (text.empty()) return offload;
  OffloadReader reader(model, &offload);
  const std::vector<absl::string_view> items = absl::StrSplit(text, ',');
  for (const absl::string_view item : items) {
    reader.Read(absl::StripAsciiWhitespace(item));
  }
  if (offload.automatic && items.size() > 1) {
    reader.Fault("auto stands alone; it chooses what is offloaded");
  }
  const absl::Status status = reader.status();
  if (!status.ok()) return status;
  return offload;
}

absl::StatusOr<std::vector<int64_t>> ParseSplit(absl::string_view text,
                                                int machines,
                                                const Model& model) {
  std::vector<int64_t> split;
  int64_t sum = 0;
  bool good = true;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    int64_t layers = 0;
    good = good && absl::SimpleAtoi(item, &layers) && layers > 0;
    split.push_back(layers);
    sum += layers;
  }
  if (good && sum == TotalLayers(model) &&
      static_cast<int>(split.size()) == machines) {
    return split;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "expected ", machines, " positive numbers of layers that add up to the ",
      TotalLayers(model), " of ", model.name(), ", found \"", Printable(text),
      "\""));
}

LayerPlacement LayerPlacementOf(const Model& model, const Offload& offload,
                      const std::vector<int64_t>& split) {
  LayerPlacement placement;
  placement.stages = std::max<int>(1, static_cast<int>(split.size()));
  placement.has_host = offload.Any();
  placement.kv = offload.kv;
  const std::vector<int> layers = BlocksOfLayers(model);
  std::vector<int64_t> in_block(model.block_size());
  for (const int block : layers) ++in_block[block];
  const auto stage_of = [&](int64_t layer) {
    int stage = 0;
    for (int64_t end = split.empty() ? 0 : split[0];
         stage + 1 < placement.stages && layer >= end; end += split[stage]) {
      ++stage;
    }
    return stage;
  };
  for (int64_t i = 0; i < static_cast<int64_t>(layers.size()); ++i) {
    const bool on_host = i < offload.layers;
    const int place = on_host ? placement.host() : stage_of(i);
    const Offloaded experts = !on_host && i < offload.expert_layers
                                  ? offload.experts
                                  : Offloaded::kNothing;
    if (placement.segments.empty() || placement.segments.back().place != place ||
        placement.segments.back().experts != experts) {
      Segment segment;
      segment.place = place;
      segment.experts = experts;
      segment.of_block.assign(model.block_size(), 0);
      placement.segments.push_back(std::move(segment));
    }
    ++placement.segments.back().layers;
    ++placement.segments.back().of_block[layers[i]];
  }
  for (Segment& segment : placement.segments) {
    for (int b = 0; b < model.block_size(); ++b) {
      segment.share_of_block.push_back(
          in_block[b] == 0 ? 0
                           : static_cast<double>(segment.of_block[b]) /
                                 static_cast<double>(in_block[b]));
    }
  }
  return placement;
}

}  // namespace tokenjoule
