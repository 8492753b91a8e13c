#include "analyzer/search/front.h"

#include <algorithm>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

bool Dominates(const FrontPoint& a, const FrontPoint& b, int n) {
  bool better = false;
  for (int i = 0; i < n; ++i) {
    if (a.values[i] > b.values[i]) return false;
    better |= a.values[i] < b.values[i];
  }
  // Of equal points the lower number stays.
  return better || a.id < b.id;
}

std::vector<uint64_t> BruteForce(const std::vector<FrontPoint>& points, int n) {
  std::vector<uint64_t> ids;
  for (const FrontPoint& point : points) {
    if (std::none_of(points.begin(), points.end(), [&](const FrontPoint& p) {
          return Dominates(p, point, n);
        })) {
      ids.push_back(point.id);
    }
  }
  return ids;
}

// Coarse values, so that there are many ties.
std::vector<FrontPoint> RandomPoints(int count, int n, int levels, int seed) {
  std::mt19937 bits(seed);
  std::vector<FrontPoint> points;
  for (int i = 0; i < count; ++i) {
    FrontPoint point = {{}, static_cast<uint64_t>(i)};
    for (int k = 0; k < n; ++k) point.values[k] = 1 + bits() % levels;
    points.push_back(point);
  }
  return points;
}

std::vector<uint64_t> Ids(const std::vector<FrontPoint>& points) {
  std::vector<uint64_t> ids;
  for (const FrontPoint& point : points) ids.push_back(point.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(ParetoTest, EqualsBruteForceWhateverTheOrder) {
  for (int n = 1; n <= kMaxObjectives; ++n) {
    for (const int levels : {3, 20, 1000000}) {
      std::vector<FrontPoint> points = RandomPoints(300, n, levels, n + levels);
      const std::vector<uint64_t> expected = BruteForce(points, n);
      std::mt19937 bits(7);
      for (int order = 0; order < 3; ++order) {
        ParetoFront front(n);
        for (const FrontPoint& p : points) front.Add(p.values, p.id);
        EXPECT_EQ(Ids(front.Sorted()), expected) << n << " " << levels;
        std::shuffle(points.begin(), points.end(), bits);
      }
    }
  }
}

// Fronts that are long enough to be kept in a tree, with values that are often equal.
TEST(ParetoTest, LongFrontsInTwoObjectivesEqualASkyline) {
  std::mt19937_64 random(3);
  std::vector<FrontPoint> points;
  for (uint64_t id = 0; id < 20'000; ++id) {
    const double x = static_cast<double>(random() % 4000);
    // Mostly on one falling line, some behind it.
    points.push_back({{x, 4000 - x + static_cast<double>(random() % 3)}, id});
  }
  // Sorted by the first objective, a point is on the front if its second is below
  // all before it.
  std::vector<FrontPoint> sorted = points;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.values != b.values ? a.values < b.values : a.id < b.id;
  });
  std::vector<uint64_t> expected;
  double best = 1e300;
  for (const FrontPoint& point : sorted) {
    if (point.values[1] >= best) continue;
    best = point.values[1];
    expected.push_back(point.id);
  }
  ASSERT_GT(expected.size(), 1000u);
  ParetoFront front(2), half(2);
  std::vector<uint64_t> beaten;
  for (size_t i = 0; i < points.size(); ++i) {
    (i % 2 == 0 ? front : half).Add(points[i].values, points[i].id, &beaten);
  }
  front.Merge(half, &beaten);
  std::vector<uint64_t> ids;
  for (const FrontPoint& point : front.Sorted()) ids.push_back(point.id);
  EXPECT_EQ(ids, expected);
  // Every point is on the front or was beaten, once.
  EXPECT_EQ(beaten.size() + ids.size(), points.size());
}

TEST(ParetoTest, MergedPartsAreTheWhole) {
  const std::vector<FrontPoint> points = RandomPoints(500, 3, 8, 1);
  ParetoFront whole(3), merged(3);
  std::vector<ParetoFront> parts(7, ParetoFront(3));
  for (const FrontPoint& p : points) {
    whole.Add(p.values, p.id);
    parts[p.id % 7].Add(p.values, p.id);
  }
  for (const ParetoFront& part : parts) merged.Merge(part);
  EXPECT_EQ(Ids(merged.Sorted()), Ids(whole.Sorted()));
}

// Along a surface of equal products, so that nearly all are on the front.
std::vector<FrontPoint> Trade(int objectives, int count) {
  std::vector<FrontPoint> points = RandomPoints(count, objectives, 100000, 5);
  for (FrontPoint& p : points) {
    double product = 1;
    for (int i = 0; i + 1 < objectives; ++i) product *= (p.values[i] += 1);
    p.values[objectives - 1] = 1e10 / product;
  }
  return points;
}

ParetoFront FrontOf(const std::vector<FrontPoint>& points, int objectives,
                    double epsilon) {
  ParetoFront front(objectives, epsilon);
  for (const FrontPoint& p : points) front.Add(p.values, p.id);
  return front;
}

TEST(ParetoTest, AThinnedFrontIsNeverFartherThanEpsilon) {
  for (const int objectives : {2, 3}) {
    const std::vector<FrontPoint> points = Trade(objectives, 4000);
    const size_t exact = FrontOf(points, objectives, 0).size();
    for (const double epsilon : {0.01, 0.1, 0.5}) {
      const std::vector<FrontPoint> thinned =
          FrontOf(points, objectives, epsilon).Sorted();
      EXPECT_LT(thinned.size(), exact);
      for (const FrontPoint& point : points) {
        EXPECT_TRUE(std::any_of(
            thinned.begin(), thinned.end(), [&](const FrontPoint& t) {
              for (int i = 0; i < objectives; ++i) {
                if (t.values[i] > point.values[i] * (1 + epsilon)) return false;
              }
              return true;
            }));
      }
    }
  }
}

TEST(ParetoTest, AThinnedFrontDependsOnNoOrderAndNoSharing) {
  std::vector<FrontPoint> points = Trade(3, 4000);
  // Maximised objectives come below 0.
  for (FrontPoint& p : points) p.values[1] = -p.values[1];
  const std::vector<uint64_t> ids = Ids(FrontOf(points, 3, 0.1).Sorted());
  EXPECT_LT(ids.size(), 1000u);
  ParetoFront merged(3, 0.1);
  for (int part = 0; part < 4; ++part) {
    std::vector<FrontPoint> share;
    for (size_t i = part; i < points.size(); i += 4) share.push_back(points[i]);
    merged.Merge(FrontOf(share, 3, 0.1));
  }
  EXPECT_EQ(Ids(merged.Sorted()), ids);
  std::reverse(points.begin(), points.end());
  EXPECT_EQ(Ids(FrontOf(points, 3, 0.1).Sorted()), ids);
}

}  // namespace
}  // namespace tokenjoule
