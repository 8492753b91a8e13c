#include "analyzer/machine/capacitor_cells.h"

#include <cmath>

#include "analyzer/description/catalog.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/units/units.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

// 10 fF, 1 V, no leakage, noise of kT/C.
CellNumbers<> Plain() {
  CellNumbers<> cells;
  cells.capacitance_ff = 10;
  return cells;
}

TEST(CapacitorCellsTest, AWriteChargesTheCapacitorFromTheSupply) {
  CellNumbers<> cells = Plain();
  cells.full_scale_v = 0.5;
  cells.supply_v = 0.8;
  cells.write_pj = 0.001;
  // 10 fF x 0.5 V x 0.8 V = 4 fJ, and 1 fJ of the driver.
  EXPECT_NEAR(InJoules(CellWrite(cells)), 5e-15, 1e-24);
}

TEST(CapacitorCellsTest, NoiseOfAWriteIsThatOfKtOverC) {
  // kT/C = 4.142e-21 / 1e-14 V^2 over 1/8 V^2.
  EXPECT_NEAR(CellNoise(Plain(), 1.0, 1.0), 8 * 4.14195e-7, 1e-11);
  // A full-scale sine of 54.8 dB: 8.8 bits.
  EXPECT_NEAR(BitsHeld(Plain(), 1, 1), 8.81, 0.01);
}

TEST(CapacitorCellsTest, FourTimesTheCapacitorIsOneBit) {
  CellNumbers<> larger = Plain();
  larger.capacitance_ff = 40;
  EXPECT_NEAR(BitsHeld(larger, 1, 1) - BitsHeld(Plain(), 1, 1), 1, 1e-3);
}

TEST(CapacitorCellsTest,
     WithoutLeakageAndWithAnEndlessCapacitorBitsHaveNoLimit) {
  CellNumbers<> cells = Plain();
  double before = 0;
  for (double ff = 1e6; ff < 1e19; ff *= 1e3) {
    cells.capacitance_ff = ff;
    const double bits = BitsHeld(cells, 100, 1e6);
    // A thousand times the capacitor is five bits, 10 log10(1000) / 6.02.
    if (before != 0) {
      EXPECT_NEAR(bits - before, 30 / 6.02, 1e-9);
    }
    before = bits;
  }
  // More than the numbers themselves have.
  EXPECT_GT(before, 16);
}

TEST(CapacitorCellsTest, DroopIsOneMinusExpOfTimeOverTau) {
  CellNumbers<> cells = Plain();
  cells.leakage_fa = 10;
  // tau = 10 fF x 1 V / 10 fA = 1 s.
  EXPECT_NEAR(CellDroop(cells, 1.0), 1 - std::exp(-1), 1e-12);
  EXPECT_NEAR(CellDroop(cells, 1e-3), 1e-3, 1e-6);
}

TEST(CapacitorCellsTest, BitsFallWithTheTimeOfAStep) {
  CellNumbers<> cells = Plain();
  cells.leakage_fa = 10;
  cells.leakage_spread = 1;
  // 100 ms: an error of 9.5 %: 20.4 dB, 3.1 bits.
  EXPECT_NEAR(BitsHeld(cells, 0.1, 1), 3.10, 0.02);
  // Ten times shorter: nearly ten times less error, 3.3 bits more.
  EXPECT_NEAR(BitsHeld(cells, 0.01, 1), 6.34, 0.02);
  EXPECT_LT(BitsHeld(cells, 1e-3, 1), BitsHeld(Plain(), 1e-3, 1));
}

TEST(CapacitorCellsTest, NoiseOfUpdatesAddsInPower) {
  EXPECT_NEAR(BitsHeld(Plain(), 1, 1) - BitsHeld(Plain(), 1, 64),
              10 * std::log10(64) / 6.02, 1e-9);
}

TEST(CapacitorCellsTest, RefreshHoldsItsLevelsHoweverLongAStep) {
  CellNumbers<> cells = Plain();
  cells.capacitance_ff = 100;
  cells.leakage_fa = 10;
  cells.leakage_spread = 1;
  const double without = BitsHeld(cells, 1, 1);
  EXPECT_LT(without, 5);
  cells.is_refreshed = true;
  cells.refresh_s = 0.01;
  cells.refresh_bits = 6;
  // 10 ms of tau = 10 s: an error of 0.1 %, 60 dB; six levels' bits have 37.9
  // dB.
  EXPECT_NEAR(BitsHeld(cells, 1, 1), 6, 0.03);
  EXPECT_EQ(BitsHeld(cells, 100, 1), BitsHeld(cells, 1, 1));
  // Steps that are shorter need none.
  EXPECT_GT(BitsHeld(cells, 1e-3, 1), 8);
}

TEST(CapacitorCellsTest, LevelsFinerThanTheErrorAreLost) {
  CellNumbers<> cells = Plain();
  cells.leakage_fa = 10;
  cells.leakage_spread = 1;
  const double without = BitsHeld(cells, 1, 1);
  cells.is_refreshed = true;
  cells.refresh_s = 0.1;
  cells.refresh_bits = 6;
  // 9.5 % of droop is more than a level of 1 / 64.
  EXPECT_EQ(BitsHeld(cells, 1, 1), without);
}

TEST(CapacitorCellsTest, RefreshPowerIsThatOfEachCellOncePerInterval) {
  CellNumbers<> cells = Plain();
  EXPECT_EQ(InWatts(CellRefresh(cells, 80.0)), 0);
  cells.read_pj = 0.005;
  cells.refresh_pj = 0.1;
  cells.is_refreshed = true;
  cells.refresh_s = 0.01;
  // 80 bits are 80 cells of one bit: 80 x (5 + 100 + 10 fJ) / 10 ms.
  EXPECT_NEAR(InWatts(CellRefresh(cells, 80.0)), 80 * 115e-15 / 0.01, 1e-18);
  cells.bits_per_cell = 8;
  EXPECT_NEAR(InWatts(CellRefresh(cells, 80.0)), 10 * 115e-15 / 0.01, 1e-18);
}

TEST(CapacitorCellsTest, ShippedCellsHoldEightBitsForAMillisecond) {
  const auto technology = LoadMemoryTechnology("state-capacitor");
  ASSERT_TRUE(technology.ok());
  const CellNumbers<> cells =
      ReadCells<double>(technology->capacitor_cells(), ValueReader());
  EXPECT_NEAR(BitsHeld(cells, 1e-3, 1), 7.9, 0.2);
  EXPECT_LT(BitsHeld(cells, 0.1, 1), 6);
}

}  // namespace
}  // namespace tokenjoule
