#include "analyzer/search/dominated.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(DominatedSampleTest, TheFirstInTheOrderOfVanDerCorput) {
  DominatedSample sample(4, 8);
  for (uint64_t id = 0; id < 8; ++id) sample.Offer(id);
  EXPECT_THAT(sample.Ids(), ElementsAre(0, 2, 4, 6));
  DominatedSample all(100, 8);
  for (uint64_t id = 0; id < 8; ++id) all.Offer(id);
  EXPECT_EQ(all.Ids().size(), 8u);
}

TEST(DominatedSampleTest, WithoutANumberThereIsNone) {
  DominatedSample sample(0, 8);
  EXPECT_FALSE(sample.wanted());
  EXPECT_THAT(sample.Ids(), IsEmpty());
}

TEST(DominatedSampleTest, SpacesOfOnePointAndOfAllNumbers) {
  DominatedSample one(3, 1);
  one.Offer(0);
  EXPECT_THAT(one.Ids(), ElementsAre(0));
  DominatedSample all(1, UINT64_MAX);
  all.Offer(UINT64_MAX - 1);
  all.Offer(uint64_t{1} << 63);
  EXPECT_THAT(all.Ids(), ElementsAre(uint64_t{1} << 63));
}

// Parts in any order and of any size make the sample of the whole.
TEST(DominatedSampleTest, PartsPutTogetherAreTheWhole) {
  std::mt19937_64 random(18);
  for (int trial = 0; trial < 50; ++trial) {
    const uint64_t points = 1 + random() % 5000;
    const size_t most = random() % 60;
    std::vector<uint64_t> ids;
    for (uint64_t id = 0; id < points; ++id) {
      if (random() % 3 != 0) ids.push_back(id);
    }
    DominatedSample whole(most, points);
    if (most == 0) continue;
    for (const uint64_t id : ids) whole.Offer(id);
    std::shuffle(ids.begin(), ids.end(), random);
    std::vector<DominatedSample> parts(4, DominatedSample(most, points));
    for (const uint64_t id : ids) parts[random() % 4].Offer(id);
    DominatedSample merged(most, points);
    for (const DominatedSample& part : parts) merged.Merge(part);
    EXPECT_EQ(merged.Ids(), whole.Ids());
    EXPECT_EQ(whole.Ids().size(), std::min<size_t>(most, ids.size()));
    // Spread: no gap of more than a few times the mean between neighbours.
    if (whole.Ids().size() < 8) continue;
    uint64_t last = 0, gap = 0;
    for (const uint64_t id : whole.Ids()) {
      gap = std::max(gap, id - last);
      last = id;
    }
    EXPECT_LT(gap, 6 * points / whole.Ids().size() + 6);
  }
}

}  // namespace
}  // namespace tokenjoule
