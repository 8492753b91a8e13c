#include "analyzer/import/layer_stack.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

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

}  // namespace

void LayerStack::Add(const Block& block) {
  int index = 0;
  while (index < static_cast<int>(blocks_.size()) &&
         blocks_[index].name() != block.name()) {
    ++index;
  }
  if (index == static_cast<int>(blocks_.size())) blocks_.push_back(block);
  assert(blocks_[index].SerializeAsString() == block.SerializeAsString());
  if (!runs_.empty() && runs_.back().block == index) {
    ++runs_.back().count;
  } else {
    runs_.push_back({index, 1});
  }
}

int LayerStack::Repeats(int begin, int period) const {
  const int size = runs_.size();
  int end = begin + period;
  while (end < size && runs_[end] == runs_[end - period]) ++end;
  return (end - begin) / period;
}

void LayerStack::WriteTo(Model* model) const {
  for (const Block& block : blocks_) *model->add_block() = block;
  const int size = runs_.size();
  // best[i] covers the first i runs.
  std::vector<Step> best(size + 1);
  best[0].runs = 0;
  for (int i = 0; i < size; ++i) {
    for (int period = 1; period <= std::min(kLongestPeriod, size - i);
         ++period) {
      const Step step = {best[i].runs + period, best[i].patterns + 1, i,
                         period};
      for (int repeat = Repeats(i, period); repeat > 0; --repeat) {
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
      run->set_block(blocks_[runs_[i].block].name());
      run->set_count(runs_[i].count);
    }
    const int repeat = (span.second - span.first) / period;
    if (repeat > 1) pattern->set_repeat(repeat);
  }
}

}  // namespace tokenjoule
