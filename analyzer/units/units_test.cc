#include "analyzer/units/units.h"

#include <type_traits>
#include <utility>

#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

// Whether A + B compiles.
template <typename A, typename B, typename = void>
struct CanAdd : std::false_type {};
template <typename A, typename B>
struct CanAdd<A, B,
              std::void_t<decltype(std::declval<A>() + std::declval<B>())>>
    : std::true_type {};

TEST(UnitsTest, DataOverDurationIsDataRate) {
  static_assert(std::is_same_v<decltype(Data<>() / Duration<>()), DataRate<>>);
  static_assert(std::is_same_v<decltype(Power<>() * Duration<>()), Energy<>>);
  static_assert(
      std::is_same_v<decltype(EnergyPerData<>() * Data<>()), Energy<>>);
  static_assert(
      std::is_same_v<decltype(WorkRate<>() / DataRate<>()), Intensity<>>);
}

TEST(UnitsTest, UnitsThatCancelLeaveAPlainNumber) {
  static_assert(std::is_same_v<decltype(Data<>() / Data<>()), double>);
  EXPECT_EQ(Gigabytes(3.0) / Megabytes(1500.0), 2.0);
}

TEST(UnitsTest, MixedUnitsDoNotAdd) {
  static_assert(CanAdd<Data<>, Data<>>::value);
  static_assert(!CanAdd<Data<>, Work<>>::value);
  static_assert(!CanAdd<Energy<>, Power<>>::value);
  static_assert(!CanAdd<Duration<>, double>::value);
}

TEST(UnitsTest, PicojoulesPerBitCountsEightBitsAByte) {
  // 1 GB at 1 pJ/bit: 8e9 bits * 1e-12 J = 8 mJ.
  EXPECT_DOUBLE_EQ(InJoules(Gigabytes(1.0) * PicojoulesPerBit(1.0)), 8e-3);
}

TEST(UnitsTest, GigabytesAreDecimal) {
  EXPECT_EQ(InBytes(Gigabytes(1.0)), 1e9);
  EXPECT_DOUBLE_EQ(InSeconds(Gigabytes(3350.0) / GigabytesPerSecond(3350.0)),
                   1.0);
}

TEST(UnitsTest, QuantityIsAsLargeAsItsRepresentation) {
  static_assert(sizeof(Data<>) == sizeof(double));
  static_assert(sizeof(Energy<float>) == sizeof(float));
}

}  // namespace
}  // namespace tokenjoule
