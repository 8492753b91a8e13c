#include "analyzer/machine/in_memory.h"

#include <cmath>

#include "absl/status/statusor.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/units/units.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

double Femtojoules(const Energy<>& energy) { return InJoules(energy) * 1e15; }

// The shipped circuit in a full 256 x 256 array: 0.7 V, C-2C cells of 1 fF, a
// column converter and the minimum precision rule.
AnalogNumbers<> Reference() {
  const absl::StatusOr<AnalogCircuit> circuit =
      LoadCircuitTechnology("charge-domain");
  EXPECT_TRUE(circuit.ok()) << circuit.status();
  InMemoryArray array;
  array.mutable_rows()->set_value(256);
  array.mutable_columns()->set_value(256);
  array.mutable_utilization()->set_value(1);
  return ReadAnalog<double>(*circuit, array, ValueReader());
}

TEST(InMemoryTest, ThermalLimitIsTwelveKtFourToTheBits) {
  // kT = 4.142e-21 J: 0.0127, 0.204, 3.26, 52.1, 834 fJ.
  EXPECT_NEAR(Femtojoules(ThermalLimit(4.0)), 0.0127, 0.0001);
  EXPECT_NEAR(Femtojoules(ThermalLimit(6.0)), 0.204, 0.001);
  EXPECT_NEAR(Femtojoules(ThermalLimit(8.0)), 3.26, 0.01);
  EXPECT_NEAR(Femtojoules(ThermalLimit(10.0)), 52.1, 0.1);
  EXPECT_NEAR(Femtojoules(ThermalLimit(12.0)), 834, 1);
  // One more bit takes four times the energy.
  EXPECT_DOUBLE_EQ(ThermalLimit(9.0) / ThermalLimit(8.0), 4);
}

TEST(InMemoryTest, BitSerialLanesAddWhatAccumulatorsTake) {
  const Energy<> adder = Picojoules(1e-3);
  // 8 x (1.15 x 8 + 1) = 81.6 adders a product; 8 additions of 24 bits at twice
  // an adder, shared by 32 inputs, are 12.
  const BitSerialEnergy<> mac = BitSerialMac(adder, 8.0, 8.0, 32.0, 24.0, 2.0);
  EXPECT_NEAR(Femtojoules(mac.products), 81.6, 1e-9);
  EXPECT_NEAR(Femtojoules(mac.accumulators), 12, 1e-9);
  EXPECT_NEAR(Femtojoules(mac.total()), 93.6, 1e-9);
  // Half the input bits take half the cycles and half the energy.
  EXPECT_NEAR(mac.total() / BitSerialMac(adder, 4.0, 8.0, 32.0, 24.0, 2.0).total(),
              2, 1e-12);
}

TEST(InMemoryTest, CellsAreAsSmallAsTheyCanBeMadeUpToSevenBits) {
  const AnalogNumbers<> a = Reference();
  // Noise requires 0.058, 0.93, 15, 239 fF; a C-2C ladder of b bits is 3 b fF.
  AnalogNumbers<> no_geometry = a;
  no_geometry.unit_capacitance_ff = 1e-9;
  EXPECT_NEAR(CellCapacitanceFf(no_geometry, SnrDbOfBits(4.0), 4.0), 0.058,
              0.001);
  EXPECT_NEAR(CellCapacitanceFf(no_geometry, SnrDbOfBits(6.0), 6.0), 0.93,
              0.01);
  EXPECT_NEAR(CellCapacitanceFf(no_geometry, SnrDbOfBits(8.0), 8.0), 15, 0.2);
  EXPECT_NEAR(CellCapacitanceFf(no_geometry, SnrDbOfBits(10.0), 10.0), 239, 3);
  EXPECT_DOUBLE_EQ(CellCapacitanceFf(a, SnrDbOfBits(4.0), 4.0), 12);
  EXPECT_NEAR(CellCapacitanceFf(a, SnrDbOfBits(10.0), 10.0), 239, 3);
}

TEST(InMemoryTest, ConversionBitsFollowTheRules) {
  AnalogNumbers<> a = Reference();
  // Minimum precision: 20, 30, 40 dB need 6.0, 7.7, 9.4 bits.
  EXPECT_NEAR(ConversionBits(a, 20.0, 4.0, 4.0), 6.0, 0.06);
  EXPECT_NEAR(ConversionBits(a, 30.0, 4.0, 4.0), 7.7, 0.06);
  EXPECT_NEAR(ConversionBits(a, 40.0, 4.0, 4.0), 9.4, 0.06);
  a.rule = AnalogCircuit::OPTIMAL_CLIPPING;
  EXPECT_NEAR(ConversionBits(a, 40.0, 4.0, 4.0), 6.4, 0.06);
  a.rule = AnalogCircuit::LOSSLESS;
  EXPECT_DOUBLE_EQ(ConversionBits(a, 40.0, 4.0, 4.0), 4 + 4 + 8);
}

TEST(InMemoryTest, ConvertersMatchTheirPublishedPoints) {
  AnalogNumbers<> a = Reference();
  // ZigZag column converter at 0.9 V: 0.324, 0.489, 0.701, 1.66 pJ.
  a.supply_v = 0.9;
  EXPECT_NEAR(Femtojoules(ConversionEnergy(a, 4.0)), 324, 2);
  EXPECT_NEAR(Femtojoules(ConversionEnergy(a, 6.0)), 489, 2);
  EXPECT_NEAR(Femtojoules(ConversionEnergy(a, 8.0)), 701, 2);
  EXPECT_NEAR(Femtojoules(ConversionEnergy(a, 10.0)), 1660, 5);
  // Survey: the floor at few bits, 2.9 times the thermal limit at many.
  a.converter = AnalogCircuit::SURVEY_ENVELOPE;
  EXPECT_NEAR(Femtojoules(ConversionEnergy(a, 2.0)), 267, 1);
  EXPECT_NEAR(ConversionEnergy(a, 20.0) / ThermalLimit(20.0), 2.9, 0.05);
  // Schreier at 191.8 dB is the limit 8 kT SNR.
  a.converter = AnalogCircuit::SCHREIER;
  a.converter_floor_pj = 0;
  a.schreier_fom_db = 191.8;
  EXPECT_NEAR(ConversionEnergy(a, 10.0) / ThermalLimit(10.0), 1, 0.01);
  a.converter = AnalogCircuit::WALDEN;
  EXPECT_DOUBLE_EQ(Femtojoules(ConversionEnergy(a, 8.0)), 2 * 256);
}

TEST(InMemoryTest, AnalogMacAtTheReferencePoint) {
  // fJ per multiply-add: array, converter, input converter, total.
  const struct {
    double bits, array, adc, dac, total;
  } cases[] = {
      {2, 1.47, 0.96, 0.19, 2.6}, {4, 2.94, 1.38, 0.38, 4.7},
      {6, 4.41, 2.24, 0.57, 7.2}, {8, 5.88, 10.3, 0.77, 17.0},
      {9, 14.7, 35, 0.86, 50.7},  {10, 58.6, 134, 0.96, 194},
      {12, 938, 2110, 1.1, 3050},
  };
  for (const auto& c : cases) {
    const MacEnergy<> mac = AnalogMac(Reference(), c.bits, c.bits);
    EXPECT_NEAR(Femtojoules(mac.array) / c.array, 1, 0.02) << c.bits;
    EXPECT_NEAR(Femtojoules(mac.adc) / c.adc, 1, 0.02) << c.bits;
    EXPECT_NEAR(Femtojoules(mac.dac) / c.dac, 1, 0.05) << c.bits;
    EXPECT_NEAR(Femtojoules(mac.total()) / c.total, 1, 0.02) << c.bits;
  }
}

TEST(InMemoryTest, BeyondTheKneeABitIsFourTimesTheEnergy) {
  for (const double bits : {11.0, 12.0, 13.0}) {
    const double factor = AnalogMac(Reference(), bits + 1, bits + 1).total() /
                          AnalogMac(Reference(), bits, bits).total();
    EXPECT_NEAR(factor, 4, 0.05) << bits;
  }
}

TEST(InMemoryTest, DigitalMacMatchesPublishedMacros) {
  // fJ per multiply-add from TOPS/W (two operations): Chih ISSCC 2021, 22 nm,
  // 4x4 bits, 89 TOPS/W: 22.5; Fujiwara ISSCC 2022, 5 nm, 254: 7.9; Mori ISSCC
  // 2023, 4 nm, 6163 TOPS/W/b: 5.2; ISSCC 2024 34.4, 3 nm, 12x12 bits, 32.5:
  // 61.5.
  const struct {
    double full_adder_fj, bits, mac_fj;
  } cases[] = {
      {1.0, 4, 22.5}, {0.35, 4, 7.9}, {0.23, 4, 5.2}, {0.35, 12, 61.5}};
  for (const auto& c : cases) {
    const Energy<> mac =
        DigitalInMemoryMac(Picojoules(c.full_adder_fj * 1e-3), c.bits, c.bits);
    EXPECT_NEAR(Femtojoules(mac) / c.mac_fj, 1, 0.05) << c.mac_fj;
  }
}

TEST(InMemoryTest, NothingGetsCheaperWithMoreBitsOrSmallerArrays) {
  for (const auto converter :
       {AnalogCircuit::COLUMN, AnalogCircuit::SURVEY_ENVELOPE,
        AnalogCircuit::SCHREIER, AnalogCircuit::WALDEN}) {
    AnalogNumbers<> a = Reference();
    a.converter = converter;
    double previous = 0;
    for (double bits = 1; bits <= 16; ++bits) {
      const double energy = InJoules(ConversionEnergy(a, bits));
      EXPECT_GE(energy, previous);
      previous = energy;
    }
    for (double bits = 2; bits <= 12; ++bits) {
      AnalogNumbers<> small = a;
      small.rows = a.rows / 4;
      EXPECT_GE(AnalogMac(small, bits, bits).total(),
                AnalogMac(a, bits, bits).total());
      AnalogNumbers<> half_full = a;
      half_full.utilization = 0.5;
      EXPECT_GE(AnalogMac(half_full, bits, bits).total(),
                AnalogMac(a, bits, bits).total());
      EXPECT_GE(AnalogMac(a, bits + 1, bits + 1).total(),
                AnalogMac(a, bits, bits).total());
    }
  }
}

TEST(InMemoryTest, SlicesMultiplyTheWork) {
  AnalogNumbers<> a = Reference();
  a.has_required_snr = true;
  a.required_snr_db = 20;
  a.cell = AnalogCircuit::ONE_BIT;
  a.cell_bits = 1;
  a.dac_bits = 1;
  // 8 x 8 bits in single-bit slices: 64 products and conversions; one-bit
  // inputs need no converter.
  const MacEnergy<> one = AnalogMac(a, 1.0, 1.0);
  const MacEnergy<> many = AnalogMac(a, 8.0, 8.0);
  EXPECT_NEAR(many.array / one.array, 64, 1e-9);
  EXPECT_NEAR(many.adc / one.adc, 64, 1e-9);
  EXPECT_EQ(InJoules(many.dac), 0);
}

TEST(InMemoryTest, NoiseIsThermalMismatchAndConverter) {
  AnalogNumbers<> a = Reference();
  // 8 bits in a C-2C ladder: 24 fF. Thermal 2 x 4.142e-21 J over 1/9 x 0.49 V2
  // x 24 fF = 6.34e-6; mismatch 1e-4 / 24 = 4.17e-6; converter 0.122 of -49.92
  // dB = 1.243e-6.
  EXPECT_NEAR(AnalogNoise(a, 8.0, 8.0), 6.34e-6 + 4.17e-6 + 1.243e-6, 2e-8);
  a.rule = AnalogCircuit::LOSSLESS;
  EXPECT_NEAR(AnalogNoise(a, 8.0, 8.0), 6.34e-6 + 4.17e-6, 2e-8);
  // If noise sizes the cell, the thermal part equals the required noise.
  a.unit_capacitance_ff = 1e-9;
  a.has_required_snr = true;
  a.required_snr_db = 60;
  const double capacitance_ff = CellCapacitanceFf(a, 60.0, 8.0);
  EXPECT_NEAR(AnalogNoise(a, 8.0, 8.0), 1e-6 + 1e-4 / capacitance_ff, 1e-11);
  // Twice the swing gives a quarter of the thermal noise in cells of a given
  // size.
  AnalogNumbers<> wide = Reference(), narrow = Reference();
  wide.rule = narrow.rule = AnalogCircuit::LOSSLESS;
  wide.full_scale_v = 2 * narrow.full_scale_v;
  const double mismatch = 1e-4 / 24;
  EXPECT_NEAR(AnalogNoise(narrow, 8.0, 8.0) - mismatch,
              4 * (AnalogNoise(wide, 8.0, 8.0) - mismatch), 1e-12);
}

}  // namespace
}  // namespace tokenjoule
