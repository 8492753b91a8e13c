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

// The distinct kinds of block.
class Kinds {
 public:
  // The number of a block's kind, which is added if it is new.
  int IndexOf(const Block& block) {
    // Serialised blocks, so that a comparison covers every field.
    const auto inserted =
        known_.emplace(block.SerializeAsString(), blocks_.size());
    if (inserted.second) {
      blocks_.push_back(block);
      const int uses = ++uses_of_name_[block.name()];
      if (uses > 1) {
        blocks_.back().set_name(absl::StrCat(block.name(), "-", uses));
      }
    }
    return inserted.first->second;
  }
  const std::vector<Block>& blocks() const { return blocks_; }

 private:
  std::vector<Block> blocks_;
  absl::flat_hash_map<std::string, int> known_;
  absl::flat_hash_map<std::string, int> uses_of_name_;
};

std::vector<Run> RunsOf(const std::vector<LayerStack::Layer>& layers,
                        Kinds* kinds) {
  std::vector<Run> runs;
  for (const LayerStack::Layer& layer : layers) {
    const int kind = kinds->IndexOf(layer.block);
    if (!runs.empty() && runs.back().block == kind) {
      ++runs.back().count;
    } else {
      runs.push_back({kind, 1});
    }
  }
  return runs;
}

}  // namespace

void LayerStack::Add(const Block& block) {
  layers_.push_back({block, numbers_++});
}

void LayerStack::AddToLast(const Block& block) {
  layers_.push_back({block, layers_.empty() ? 0 : layers_.back().number});
}

void LayerStack::WriteTo(Model* model) const {
  Kinds kinds;
  const std::vector<Run> runs = RunsOf(layers_, &kinds);
  std::vector<int> mtp;
  for (const Block& block : mtp_) mtp.push_back(kinds.IndexOf(block));
  const std::vector<Block>& blocks = kinds.blocks();
  for (const Block& block : blocks) *model->add_block() = block;
  for (const int kind : mtp) model->add_mtp_block(blocks[kind].name());
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
