// A sample of the points of a search that are not on the front.

#ifndef ANALYZER_SEARCH_DOMINATED_H_
#define ANALYZER_SEARCH_DOMINATED_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace tokenjoule {

// At most `most` of the points that are offered: those whose numbers, as fractions
// of the number of all points, come first in the order of van der Corput (0, 1/2,
// 1/4, 3/4, 1/8, ...), so that they are evenly spread. Which they are depends neither
// on the order in which points are offered nor on how they were shared out: the
// samples of parts, put together, are the sample of the whole.
class DominatedSample {
 public:
  // `points` is the number of all points of the space, at least 1.
  DominatedSample(size_t most, uint64_t points) : most_(most) {
    while (shift_ > 0 && ((points - 1) >> (64 - shift_)) != 0) --shift_;
  }

  // Whether there is anything to offer points to.
  bool wanted() const { return most_ > 0; }

  void Offer(uint64_t id) {
    const std::pair<uint64_t, uint64_t> entry(OrderOf(id), id);
    if (sample_.size() >= most_ && *sample_.rbegin() < entry) return;
    sample_.insert(entry);
    if (sample_.size() > most_) sample_.erase(--sample_.end());
  }
  void Merge(const DominatedSample& other) {
    for (const auto& [order, id] : other.sample_) Offer(id);
  }

  // The numbers of the sample, ascending.
  std::vector<uint64_t> Ids() const {
    std::set<uint64_t> ids;
    for (const auto& [order, id] : sample_) ids.insert(id);
    return {ids.begin(), ids.end()};
  }

 private:
  // The bits of the fraction in reverse.
  uint64_t OrderOf(uint64_t id) const {
    uint64_t fraction = shift_ < 64 ? id << shift_ : 0, order = 0;
    for (int i = 0; i < 64; ++i) {
      order = order << 1 | (fraction & 1);
      fraction >>= 1;
    }
    return order;
  }

  const size_t most_;
  // From a number to a fraction of 2^64.
  int shift_ = 64;
  std::set<std::pair<uint64_t, uint64_t>> sample_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_DOMINATED_H_
