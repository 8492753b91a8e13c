#include "analyzer/import/layer_stack.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace tokenjoule {
namespace {

// Number of runs in the longest period that is searched for.
constexpr int kLongestPeriod = 64;

// The last pattern of the cheapest way to write the runs up to some index.
struct Step {
  int runs = std::numeric_limits<int>::max();
  int patterns = 0;
  int begin = 0;
  int period = 0;

  bool Beats(const Step& other) const {
    return std::make_pair(runs, patterns) <
           std::make_pair(other.runs, other.patterns);
  }
};

// Consecutive layers of the same kind.
struct Run {
  int block;
  int64_t count;

  bool operator==(const Run& other) const {
    return block == other.block && count == other.count;
  }
};

// Number of consecutive repetitions of runs[begin, begin + period).
int Repeats(const std::vector<Run>& runs, int begin, int period) {
  const int size = runs.size();
  int end = begin + period;
  while (end < size && runs[end] == runs[end - period]) ++end;
  return (end - begin) / period;
}

// The distinct kinds of block and the runs of layers of each kind.
struct Kinds {
  std::vector<Block> blocks;
  std::vector<Run> runs;
};

Kinds KindsOf(const std::vector<LayerStack::Layer>& layers) {
  Kinds kinds;
  // Serialised blocks, so that a comparison covers every field.
  absl::flat_hash_map<std::string, int> known;
  absl::flat_hash_map<std::string, int> uses_of_name;
  for (const LayerStack::Layer& layer : layers) {
    const auto inserted =
        known.emplace(layer.block.SerializeAsString(), kinds.blocks.size());
    if (inserted.second) {
      kinds.blocks.push_back(layer.block);
      const int uses = ++uses_of_name[layer.block.name()];
      if (uses > 1) {
        kinds.blocks.back().set_name(
            absl::StrCat(layer.block.name(), "-", uses));
      }
    }
    const int kind = inserted.first->second;
    if (!kinds.runs.empty() && kinds.runs.back().block == kind) {
      ++kinds.runs.back().count;
    } else {
      kinds.runs.push_back({kind, 1});
    }
  }
  return kinds;
}

}  // namespace

void LayerStack::Add(const Block& block) {
  layers_.push_back({block, numbers()});
}

void LayerStack::AddToLast(const Block& block) {
  layers_.push_back({block, layers_.empty() ? 0 : layers_.back().number});
}

int64_t LayerStack::numbers() const {
  return layers_.empty() ? 0 : layers_.back().number + 1;
}

void LayerStack::WriteTo(Model* model) const {
  const Kinds kinds = KindsOf(layers_);
  const std::vector<Block>& blocks = kinds.blocks;
  const std::vector<Run>& runs = kinds.runs;
  for (const Block& block : blocks) *model->add_block() = block;
  const int size = runs.size();
  // best[i] covers the first i runs.
  std::vector<Step> best(size + 1);
  best[0].runs = 0;
  for (int i = 0; i < size; ++i) {
    for (int period = 1; period <= std::min(kLongestPeriod, size - i);
         ++period) {
      const Step step = {best[i].runs + period, best[i].patterns + 1, i,
                         period};
      for (int repeat = Repeats(runs, i, period); repeat > 0; --repeat) {
        Step& end = best[i + repeat * period];
        if (step.Beats(end)) end = step;
      }
    }
  }
  std::vector<std::pair<int, int>> spans;  // begin and end, last first
  for (int end = size; end > 0; end = best[end].begin) {
    spans.emplace_back(best[end].begin, end);
  }
  std::reverse(spans.begin(), spans.end());
  for (const auto& span : spans) {
    LayerPattern* pattern = model->add_layers();
    const int period = best[span.second].period;
    for (int i = span.first; i < span.first + period; ++i) {
      LayerPattern::Run* run = pattern->add_run();
      run->set_block(blocks[runs[i].block].name());
      run->set_count(runs[i].count);
    }
    const int repeat = (span.second - span.first) / period;
    if (repeat > 1) pattern->set_repeat(repeat);
  }
}

}  // namespace tokenjoule
