#include "analyzer/search/front.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "analyzer/base/vector_clones.h"
#include "analyzer/cost/pack.h"

namespace tokenjoule {
namespace {

constexpr size_t kLanes = Pack::kLanes;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A block of so many points is divided. Shorter ones mean more blocks to
// compare with, longer ones more points in those that are not passed over.
constexpr size_t kFullBlock = 512;

using Vector = Pack::Vector;
using Mask = Pack::Mask;
using Columns = std::array<std::vector<double>, kMaxObjectives>;

inline Vector Load(const std::vector<double>& column, size_t begin) {
  Vector v;
  std::memcpy(&v, column.data() + begin, sizeof(v));
  return v;
}

inline bool Any(const Mask& mask) {
  int64_t any = 0;
  for (size_t i = 0; i < kLanes; ++i) any |= mask[i];
  return any != 0;
}

// The first row of `size`, from row `first` on, that `holds` says of with a
// mask of eight rows; `size` if there is none.
template <typename Holds>
inline size_t FindRow(size_t first, size_t size, const Holds& holds) {
  for (size_t begin = first / kLanes * kLanes; begin < size; begin += kLanes) {
    const Mask mask = holds(begin);
    if (!Any(mask)) continue;
    for (size_t row = std::max(begin, first); row < begin + kLanes; ++row) {
      if (mask[row - begin] != 0) return std::min(row, size);
    }
  }
  return size;
}

// Rows that are no worse than `key` in any objective. Compiled for several
// instruction sets and chosen at run time.
VECTOR_CLONES size_t FindNoWorse(const Columns& rows, size_t first, size_t size,
                                 int objectives, const ObjectiveValues& key) {
  return FindRow(first, size, [&](size_t begin) {
    Mask no_worse = Load(rows[0], begin) <= Vector{} + key[0];
    for (int k = 1; k < objectives; ++k) {
      no_worse &= Load(rows[k], begin) <= Vector{} + key[k];
    }
    return no_worse;
  });
}

// Rows that `key` is no worse than.
VECTOR_CLONES size_t FindNoBetter(const Columns& rows, size_t first,
                                  size_t size, int objectives,
                                  const ObjectiveValues& key) {
  return FindRow(first, size, [&](size_t begin) {
    Mask no_better = Load(rows[0], begin) >= Vector{} + key[0];
    for (int k = 1; k < objectives; ++k) {
      no_better &= Load(rows[k], begin) >= Vector{} + key[k];
    }
    return no_better;
  });
}

// The cell of a key.
VECTOR_CLONES size_t FindCell(const Columns& from, const Columns& to,
                              size_t size, int objectives,
                              const ObjectiveValues& key) {
  return FindRow(0, size, [&](size_t begin) {
    Mask inside = Mask{} - 1;
    for (int k = 0; k < objectives; ++k) {
      // The last cell has no end.
      inside &= (Load(from[k], begin) <= Vector{} + key[k]) &
                ((Load(to[k], begin) > Vector{} + key[k]) |
                 (Load(to[k], begin) == Vector{} + kInfinity));
    }
    return inside;
  });
}

bool Before(const FrontPoint& a, const FrontPoint& b) {
  return a.values != b.values ? a.values < b.values : a.id < b.id;
}

// Where to divide values: a value that some, and not all, are below; NaN if all
// are the same.
double Divider(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  const double median = *middle;
  if (*std::min_element(values.begin(), middle + 1) < median) return median;
  double above = std::numeric_limits<double>::quiet_NaN();
  for (const double value : values) {
    if (value > median && !(value >= above)) above = value;
  }
  return above;
}

}  // namespace

ObjectiveValues ParetoFront::BoxOf(const ObjectiveValues& values) const {
  if (!(epsilon_ > 0)) return values;
  // Objectives that are maximised come below 0: their boxes run the other way.
  const double side = std::log1p(epsilon_);
  ObjectiveValues box = {};
  for (int i = 0; i < objectives_; ++i) {
    const double level = std::log(std::abs(values[i])) / side;
    box[i] = std::floor(values[i] < 0 ? -level : level);
  }
  return box;
}

ObjectiveValues ParetoFront::At(const Columns& columns, size_t i) const {
  ObjectiveValues key = {};
  for (int k = 0; k < objectives_; ++k) key[k] = columns[k][i];
  return key;
}

void ParetoFront::Put(const ObjectiveValues& key, size_t i,
                      Columns* columns) const {
  for (int k = 0; k < objectives_; ++k) {
    std::vector<double>& column = (*columns)[k];
    if (column.size() <= i) column.resize(i + kLanes, kInfinity);
    column[i] = key[k];
  }
}

void ParetoFront::SwapPoints(size_t i, size_t j, Block* block) const {
  std::swap(block->points[i], block->points[j]);
  for (int k = 0; k < objectives_; ++k) {
    std::swap(block->keys[k][i], block->keys[k][j]);
  }
}

void ParetoFront::SwapBlocks(size_t i, size_t j) {
  std::swap(blocks_[i], blocks_[j]);
  for (Columns* columns : {&from_, &to_, &lowest_, &highest_}) {
    for (int k = 0; k < objectives_; ++k) {
      std::swap((*columns)[k][i], (*columns)[k][j]);
    }
  }
}

ParetoFront::Place ParetoFront::NoWorse(const ObjectiveValues& key) const {
  const auto next = [&](size_t first) {
    return FindNoWorse(lowest_, first, blocks_.size(), objectives_, key);
  };
  for (size_t b = next(0); b < blocks_.size(); b = next(b + 1)) {
    const Block& block = blocks_[b];
    const size_t i =
        FindNoWorse(block.keys, 0, block.points.size(), objectives_, key);
    if (i < block.points.size()) return {b, i};
  }
  return {blocks_.size(), 0};
}

void ParetoFront::RemoveDominated(const ObjectiveValues& key,
                                  std::vector<uint64_t>* beaten) {
  const auto next = [&](size_t first) {
    return FindNoBetter(highest_, first, blocks_.size(), objectives_, key);
  };
  for (size_t b = next(0); b < blocks_.size(); b = next(b + 1)) {
    Block& block = blocks_[b];
    const size_t before = block.points.size();
    size_t i = 0;
    while (true) {
      i = FindNoBetter(block.keys, i, block.points.size(), objectives_, key);
      if (i == block.points.size()) break;
      if (beaten != nullptr) beaten->push_back(block.points[i].id);
      // The last one takes its place, and is looked at next.
      const size_t last = block.points.size() - 1;
      SwapPoints(i, last, &block);
      block.points.pop_back();
      for (int k = 0; k < objectives_; ++k) block.keys[k][last] = kInfinity;
    }
    size_ -= before - block.points.size();
    if (block.points.size() < before) FindCorners(b);
  }
}

void ParetoFront::FindCorners(size_t b) {
  const Block& block = blocks_[b];
  for (int k = 0; k < objectives_; ++k) {
    double lowest = kInfinity, highest = -kInfinity;
    for (size_t i = 0; i < block.points.size(); ++i) {
      lowest = std::min(lowest, block.keys[k][i]);
      highest = std::max(highest, block.keys[k][i]);
    }
    lowest_[k][b] = lowest;
    highest_[k][b] = highest;
  }
}

void ParetoFront::AppendBlock(const ObjectiveValues& from,
                              const ObjectiveValues& to) {
  const size_t b = blocks_.size();
  blocks_.emplace_back();
  Put(from, b, &from_);
  Put(to, b, &to_);
  // Corners of no point, which no key passes.
  ObjectiveValues end;
  end.fill(kInfinity);
  Put(end, b, &lowest_);
  end.fill(-kInfinity);
  Put(end, b, &highest_);
}

void ParetoFront::AppendTo(size_t b, const ObjectiveValues& key,
                           const FrontPoint& point) {
  Block& block = blocks_[b];
  Put(key, block.points.size(), &block.keys);
  block.points.push_back(point);
  for (int k = 0; k < objectives_; ++k) {
    lowest_[k][b] = std::min(lowest_[k][b], key[k]);
    highest_[k][b] = std::max(highest_[k][b], key[k]);
  }
}

void ParetoFront::Divide(size_t b) {
  // Objectives in turn, so that blocks are short in all of them.
  int k = blocks_[b].divided;
  double divider = 0;
  for (int tried = 0; tried < objectives_; ++tried) {
    k = (k + 1) % objectives_;
    std::vector<double> values = blocks_[b].keys[k];
    values.resize(blocks_[b].points.size());
    divider = Divider(std::move(values));
    // Keys on a front differ from each other.
    if (!std::isnan(divider)) break;
  }
  Block whole = std::move(blocks_[b]);
  blocks_[b] = Block();
  ObjectiveValues from = At(from_, b), to = At(to_, b);
  from[k] = divider;
  AppendBlock(from, to);
  to_[k][b] = divider;
  const size_t upper = blocks_.size() - 1;
  for (size_t i = 0; i < whole.points.size(); ++i) {
    const ObjectiveValues key = At(whole.keys, i);
    AppendTo(key[k] < divider ? b : upper, key, whole.points[i]);
  }
  for (const size_t part : {b, upper}) {
    blocks_[part].divided = k;
    FindCorners(part);
  }
}

void ParetoFront::Append(const ObjectiveValues& key, const FrontPoint& point) {
  if (blocks_.empty()) {
    ObjectiveValues from, to;
    from.fill(-kInfinity);
    to.fill(kInfinity);
    AppendBlock(from, to);
  }
  const size_t b = FindCell(from_, to_, blocks_.size(), objectives_, key);
  AppendTo(b, key, point);
  ++size_;
  if (blocks_[b].points.size() >= kFullBlock) Divide(b);
}

bool ParetoFront::Add(const ObjectiveValues& values, uint64_t id,
                      std::vector<uint64_t>* beaten) {
  const ObjectiveValues key = BoxOf(values);
  const auto [b, i] = NoWorse(key);
  if (b == blocks_.size()) {
    RemoveDominated(key, beaten);
    Append(key, {values, id});
    return true;
  }
  Block& block = blocks_[b];
  if (std::equal(key.begin(), key.begin() + objectives_,
                 At(block.keys, i).begin())) {
    FrontPoint& equal = block.points[i];
    const bool stays = Before({values, id}, equal);
    // A point that is drawn twice does not beat itself.
    if (beaten != nullptr && equal.id != id) {
      beaten->push_back(stays ? equal.id : id);
    }
    if (stays) equal = {values, id};
    return stays;
  }
  if (beaten != nullptr) beaten->push_back(id);
  // What rejects once rejects again: towards the front with it.
  if (i > 0) SwapPoints(i, i / 2, &block);
  if (b > 0) SwapBlocks(b, b / 2);
  return false;
}

void ParetoFront::Merge(const ParetoFront& other,
                        std::vector<uint64_t>* beaten) {
  if (size_ == 0 && epsilon_ == other.epsilon_) {
    size_ = other.size_;
    blocks_ = other.blocks_;
    from_ = other.from_;
    to_ = other.to_;
    lowest_ = other.lowest_;
    highest_ = other.highest_;
    return;
  }
  for (const Block& block : other.blocks_) {
    for (const FrontPoint& point : block.points) {
      Add(point.values, point.id, beaten);
    }
  }
}

std::vector<ObjectiveValues> ParetoFront::Champions() const {
  constexpr size_t kChampions = 4;
  std::vector<ObjectiveValues> champions;
  for (const Block& block : blocks_) {
    for (const FrontPoint& point : block.points) {
      if (champions.size() == kChampions) return champions;
      champions.push_back(point.values);
    }
  }
  return champions;
}

std::vector<FrontPoint> ParetoFront::Sorted() const {
  std::vector<FrontPoint> sorted;
  for (const Block& block : blocks_) {
    sorted.insert(sorted.end(), block.points.begin(), block.points.end());
  }
  std::sort(sorted.begin(), sorted.end(), Before);
  return sorted;
}

}  // namespace tokenjoule
