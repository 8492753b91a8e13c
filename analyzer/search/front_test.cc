#include "analyzer/search/front.h"

#include <algorithm>
#include <limits>
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

// Fronts of many blocks, with values that are often equal.
TEST(ParetoTest, LongFrontsInTwoObjectivesEqualASkyline) {
  std::mt19937_64 random(3);
  std::vector<FrontPoint> points;
  for (uint64_t id = 0; id < 20'000; ++id) {
    const double x = static_cast<double>(random() % 4000);
    // Mostly on one falling line, some behind it.
    points.push_back({{x, 4000 - x + static_cast<double>(random() % 3)}, id});
  }
  // Sorted by the first objective, a point is on the front if its second is
  // below all before it.
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

// Points with these numbers of levels, most of them near one falling surface.
std::vector<FrontPoint> NearASurface(int n, int count, int levels, int seed) {
  std::vector<FrontPoint> points = RandomPoints(count, n, levels, seed);
  for (FrontPoint& point : points) {
    double sum = 0;
    for (int k = 0; k + 1 < n; ++k) sum += point.values[k];
    point.values[n - 1] = n * levels - sum + static_cast<double>(point.id % 2);
  }
  return points;
}

TEST(ParetoTest, LongFrontsInMoreObjectivesEqualBruteForceWhateverTheOrder) {
  for (const int n : {3, 4, 5}) {
    std::vector<FrontPoint> points = NearASurface(n, 6000, 100, n);
    const std::vector<uint64_t> expected = BruteForce(points, n);
    ASSERT_GT(expected.size(), 2000u) << n;
    const auto expect = [&](const char* order) {
      ParetoFront front(n);
      std::vector<uint64_t> beaten;
      for (const FrontPoint& p : points) front.Add(p.values, p.id, &beaten);
      EXPECT_EQ(Ids(front.Sorted()), expected) << n << " " << order;
      EXPECT_EQ(front.size(), expected.size());
      // Every point is on the front or was beaten, once.
      EXPECT_EQ(beaten.size() + front.size(), points.size());
    };
    expect("as drawn");
    // As grids come: along one objective.
    std::sort(points.begin(), points.end(),
              [](const auto& a, const auto& b) { return a.values < b.values; });
    expect("rising");
    std::reverse(points.begin(), points.end());
    expect("falling");
  }
}

// Better points empty whole blocks, which points may come back to.
TEST(ParetoTest, ALongFrontMayBeBeatenAsAWhole) {
  constexpr int kLayers = 5, kPoints = 3000;
  ParetoFront front(3);
  for (int layer = kLayers; layer > 0; --layer) {
    for (FrontPoint p : NearASurface(3, kPoints, 1000, layer)) {
      // The sum of the objectives falls by more than any two points of a layer
      // differ in it.
      for (int k = 0; k < 3; ++k) p.values[k] += 3000.0 * layer;
      front.Add(p.values, p.id + 10'000 * static_cast<uint64_t>(layer));
    }
  }
  std::vector<FrontPoint> last = NearASurface(3, kPoints, 1000, 1);
  EXPECT_GT(front.size(), 1000u);
  std::vector<uint64_t> expected = BruteForce(last, 3);
  for (uint64_t& id : expected) id += 10'000;
  EXPECT_EQ(Ids(front.Sorted()), expected);
  // One point beats all.
  front.Add({0, 0, 0}, 7);
  EXPECT_EQ(Ids(front.Sorted()), std::vector<uint64_t>{7});
  EXPECT_EQ(front.Champions().size(), 1u);
  front.Add({-1, 1, 1}, 8);
  EXPECT_EQ(Ids(front.Sorted()), (std::vector<uint64_t>{7, 8}));
}

TEST(ParetoTest, InfinityIsAValue) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  ParetoFront front(2);
  front.Add({kInfinity, -kInfinity}, 0);
  front.Add({-kInfinity, kInfinity}, 1);
  front.Add({kInfinity, kInfinity}, 2);
  EXPECT_EQ(Ids(front.Sorted()), (std::vector<uint64_t>{0, 1}));
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
