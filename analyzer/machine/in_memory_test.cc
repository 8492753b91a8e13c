#include "analyzer/machine/in_memory.h"

#include <algorithm>
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
}

TEST(InMemoryTest, LosslessBitsCountTheLevelsOfTheSum) {
  // Sums of single bits are 0 to N: 257 levels of 256, 1025 of 1024.
  EXPECT_DOUBLE_EQ(LosslessBits(256.0, 1.0, 1.0), std::log2(257));
  EXPECT_DOUBLE_EQ(LosslessBits(1024.0, 1.0, 1.0), std::log2(1025));
  // Products of 4 bits are 0 to 225: 256 x 225 + 1 levels.
  EXPECT_DOUBLE_EQ(LosslessBits(256.0, 4.0, 4.0), std::log2(57601));
  AnalogNumbers<> a = Reference();
  a.rule = AnalogCircuit::LOSSLESS;
  EXPECT_DOUBLE_EQ(ConversionBits(a, 40.0, 4.0, 4.0), std::log2(57601));
}

// A multiply-add of 4 x 4 bits in 16 slices of single bits over 1024 rows, with
// a typical converter (170 dB, 1.5 pJ). log2(1025) = 10.0 bits take
//   1.5 pJ + 0.5 10^((6.02 x 10.0 + 1.76 - 170) / 10) J = 1.5 + 7.87 pJ,
// 16 conversions over 1024 rows 146.4 fJ, and 16 cells of 1 fF at 0.7 V, half of
// them charged, 16 x 0.5 x 0.49 = 3.9 fJ: 150.3 fJ. With the two bits that b_x +
// b_w + log2 N would add, it were 1990 fJ.
TEST(InMemoryTest, LosslessSlicesOf1024RowsTakeAHundredAndFiftyFemtojoules) {
  AnalogNumbers<> a = Reference();
  a.rule = AnalogCircuit::LOSSLESS;
  a.cell = AnalogCircuit::ONE_BIT;
  a.converter = AnalogCircuit::SCHREIER;
  a.converter_floor_pj = 1.5;
  a.rows = a.columns = 1024;
  a.cell_bits = a.dac_bits = 1;
  const MacEnergy<> mac = AnalogMac(a, 4.0, 4.0);
  EXPECT_NEAR(Femtojoules(mac.total()), 150.3, 0.1);
  EXPECT_NEAR(Femtojoules(mac.array), 3.92, 0.01);
  const Energy<> two_bits_more = ConversionEnergy(a, 12.0) * (16.0 / 1024);
  EXPECT_NEAR(Femtojoules(two_bits_more + mac.array), 1990, 10);
}

// Error of a uniform quantiser of 2^bits levels of a standard Gaussian, by
// exact integrals over its intervals: the least over all steps, in dB.
double LeastQuantiserErrorDb(int bits) {
  const auto density = [](double x) {
    return std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
  };
  const auto tail = [](double x) { return std::erfc(x / std::sqrt(2)) / 2; };
  const int half = 1 << (bits - 1);
  double least = 1;
  for (double range = 1; range < 8; range += 0.002) {
    const double step = range / half;
    double error = 0;
    for (int i = 0; i < half; ++i) {
      const double from = i * step, level = (i + 0.5) * step;
      const bool last = i == half - 1;
      const double to = from + step;
      const double mass = tail(from) - (last ? 0 : tail(to));
      const double first = density(from) - (last ? 0 : density(to));
      const double second =
          mass + from * density(from) - (last ? 0 : to * density(to));
      error += 2 * (second - 2 * level * first + level * level * mass);
    }
    least = std::min(least, error);
  }
  return -10 * std::log10(least);
}

TEST(InMemoryTest, OptimalQuantisersHaveTheBitsOfMax) {
  // Max, 1960, table II: mean square errors of 0.3634, 0.1188, 0.01154 and
  // 0.001041 of 2, 4, 16 and 64 levels.
  EXPECT_NEAR(LeastQuantiserErrorDb(1), -10 * std::log10(0.3634), 0.01);
  EXPECT_NEAR(LeastQuantiserErrorDb(2), -10 * std::log10(0.1188), 0.01);
  EXPECT_NEAR(LeastQuantiserErrorDb(4), -10 * std::log10(0.01154), 0.01);
  for (int bits = 1; bits <= 12; ++bits) {
    EXPECT_NEAR(OptimalQuantiserBits(LeastQuantiserErrorDb(bits)), bits, 0.02);
  }
  // Bits far beyond: SQNR = 6.02 B - 10 log10(4/3 B ln 2).
  for (double bits = 13; bits <= 19; ++bits) {
    const double sqnr_db =
        6.0206 * bits - 10 * std::log10(4 * bits * std::log(2) / 3);
    EXPECT_NEAR(OptimalQuantiserBits(sqnr_db), bits, 0.2) << bits;
  }
}

// Noise of clipping a sum of `rows` products of two fair bits, a binomial count
// with probability 1/4, to 2^bits neighbouring levels around its mean, over its
// variance, in dB. Within the range there is no error: levels are integers.
double ClippedBinomialDb(int rows, int bits) {
  const int mean = rows / 4, levels = 1 << bits;
  const int lowest = std::max(0, mean - levels / 2);
  const int highest = lowest + levels - 1;
  double error = 0;
  for (int k = 0; k <= rows; ++k) {
    const double log_mass = std::lgamma(rows + 1) - std::lgamma(k + 1) -
                            std::lgamma(rows - k + 1) + k * std::log(0.25) +
                            (rows - k) * std::log(0.75);
    const double miss = k < lowest ? lowest - k : k > highest ? k - highest : 0;
    error += std::exp(log_mass) * miss * miss;
  }
  return -10 * std::log10(error / (rows * 3 / 16.0));
}

TEST(InMemoryTest, OptimalClippingSavesThreeBitsOf256BinaryProducts) {
  AnalogNumbers<> a = Reference();
  a.rule = AnalogCircuit::OPTIMAL_CLIPPING;
  a.rows = 256;
  // All of the levels need 9 whole bits, 52 dB after clipping 6.
  const double snr_db = 52 - kHalfADbMarginDb;
  EXPECT_EQ(std::ceil(LosslessBits(256.0, 1.0, 1.0)), 9);
  EXPECT_EQ(std::ceil(ConversionBits(a, snr_db, 1.0, 1.0)), 6);
  EXPECT_GT(ClippedBinomialDb(256, 6), 45);
  // Five bits would clip at 2.3 standard deviations: no 25 dB are left.
  EXPECT_LT(ClippedBinomialDb(256, 5), 25);
  // Other widths save otherwise: one bit of 64, 3.2 of 1024, not whole bits.
  a.rows = 64;
  EXPECT_NEAR(
      LosslessBits(64.0, 1.0, 1.0) - ConversionBits(a, snr_db, 1.0, 1.0), 1.2,
      0.1);
  a.rows = 1024;
  EXPECT_NEAR(
      LosslessBits(1024.0, 1.0, 1.0) - ConversionBits(a, snr_db, 1.0, 1.0), 3.2,
      0.1);
}

TEST(InMemoryTest, OptimalClippingNeverTakesMoreBitsThanEveryLevel) {
  AnalogNumbers<> a = Reference();
  a.rule = AnalogCircuit::OPTIMAL_CLIPPING;
  for (const double rows : {64.0, 256.0, 1024.0}) {
    a.rows = rows;
    for (const double bits : {1.0, 2.0, 4.0, 8.0}) {
      for (double snr_db = 8; snr_db <= 98; snr_db += 5) {
        const double needed = ConversionBits(a, snr_db, bits, bits);
        EXPECT_GE(needed, 1);
        EXPECT_LE(needed, LosslessBits(rows, bits, bits));
        EXPECT_LE(needed, OptimalQuantiserBits(snr_db + kHalfADbMarginDb));
        EXPECT_LE(needed, ConversionBits(a, snr_db + 1, bits, bits));
      }
    }
  }
  // Of sums of many levels the optimum saves little over four standard
  // deviations, 0.07 bits of 7, and so it is no other rule in disguise.
  AnalogNumbers<> four = Reference();
  EXPECT_NEAR(ConversionBits(four, 25.84, 4.0, 4.0) -
                  ConversionBits(a, 25.84, 4.0, 4.0),
              0.07, 0.03);
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

// A circuit of the catalogue in a full array.
AnalogNumbers<> Shipped(const char* name, double rows, double columns) {
  const absl::StatusOr<AnalogCircuit> circuit = LoadCircuitTechnology(name);
  EXPECT_TRUE(circuit.ok()) << circuit.status();
  InMemoryArray array;
  array.mutable_rows()->set_value(rows);
  array.mutable_columns()->set_value(columns);
  array.mutable_utilization()->set_value(1);
  return ReadAnalog<double>(*circuit, array, ValueReader());
}

// A cell whose numbers are easy to check by hand: it conducts 10 uS for 100 ns
// and adds no noise.
AnalogNumbers<> UnitConductance() {
  AnalogNumbers<> a;
  a.cell = AnalogCircuit::RESISTIVE;
  a.rule = AnalogCircuit::LOSSLESS;
  a.converter = AnalogCircuit::WALDEN;
  a.walden_fom_fj = 1;
  a.rows = a.columns = 100;
  a.utilization = 1;
  a.supply_v = 1;
  a.full_scale_v = 0.5;
  a.activity = 0.5;
  a.product_variance = 0.1;
  a.noise_factor = 2;
  a.cell_bits = 4;
  a.resistive.full_conductance_us = 10;
  a.resistive.mean_conductance = 0.4;
  a.resistive.weight_variance = 0.1;
  a.resistive.read_time_ns = 100;
  return a;
}

TEST(ResistiveTest, CellTakesTheChargeThatItConducts) {
  // 10 uS x 100 ns = 1000 fF at full scale; on average 0.4 of it for half of
  // the time, at 0.5 V from a supply of 1 V: 100 fJ.
  AnalogNumbers<> a = UnitConductance();
  EXPECT_DOUBLE_EQ(ReadCapacitanceFf(a.resistive), 1000);
  EXPECT_NEAR(Femtojoules(AnalogMac(a, 8.0, 4.0).array), 100, 1e-9);
  // 8-bit weights take two cells of four bits.
  EXPECT_NEAR(Femtojoules(AnalogMac(a, 8.0, 8.0).array), 200, 1e-9);
  // Four phases convert four times, but each cell conducts in one of them.
  const MacEnergy<> one = AnalogMac(a, 8.0, 4.0);
  a.resistive.phases = 4;
  const MacEnergy<> four = AnalogMac(a, 8.0, 4.0);
  EXPECT_DOUBLE_EQ(four.array / one.array, 1);
  EXPECT_DOUBLE_EQ(four.adc / one.adc, 4);
}

TEST(ResistiveTest, TimeIsThatOfReadsConversionsAndTurns) {
  AnalogNumbers<> a = UnitConductance();
  EXPECT_NEAR(InSeconds(ResistiveReadTime(a, 8.0)), 100e-9, 1e-18);
  a.resistive.conversion_time_ns = 50;
  a.resistive.columns_per_converter = 8;
  a.resistive.phases = 2;
  EXPECT_NEAR(InSeconds(ResistiveReadTime(a, 8.0)), 2 * 8 * 150e-9, 1e-18);
  a.dac_bits = 2;
  EXPECT_NEAR(InSeconds(ResistiveReadTime(a, 8.0)), 4 * 2 * 8 * 150e-9, 1e-18);
}

TEST(ResistiveTest, NoisePowersAddUp) {
  ResistiveNumbers<> r = UnitConductance().resistive;
  EXPECT_EQ(ConductanceNoise(r), 0);
  // 5 % of full scale against weights of 0.1: 0.0025 / 0.1.
  r.programming_error = 0.05;
  EXPECT_NEAR(ConductanceNoise(r), 0.025, 1e-12);
  // A decade after t_0 a spread of 0.01 makes 0.01 ln 10 = 2.3 %.
  r.drifts = r.drift_compensated = true;
  r.drift_reference_s = 10;
  r.age_s = 90;
  r.drift_exponent = 0.05;
  r.drift_spread = 0.01;
  const double spread = 0.01 * std::log(10.0);
  EXPECT_NEAR(ConductanceNoise(r), 0.025 + spread * spread, 1e-12);
  // Without a common factor the mean is an error too: 1 - 10^-0.05 = 10.9 %.
  r.drift_compensated = false;
  EXPECT_NEAR(ConductanceNoise(r), 0.025 + spread * spread + 0.109 * 0.109,
              1e-4);
  // 1/f noise from T = 100 ns to 100 s: 0.01^2 ln(5e8).
  r.drift_compensated = true;
  r.read_noise = 0.01;
  EXPECT_NEAR(ConductanceNoise(r),
              0.025 + spread * spread + 1e-4 * std::log(5e8), 1e-9);
}

TEST(ResistiveTest, ThermalNoiseOfAConductance) {
  // Noise charge 2 kT g G T activity against sigma_p^2 (V G T)^2:
  // 2 x 4.142e-21 x 0.4 x 0.5 / (0.1 x 0.25 x 1e-12) = 6.63e-8.
  EXPECT_NEAR(AnalogNoise(UnitConductance(), 8.0, 4.0), 6.63e-8, 1e-10);
}

// Weight bits of an ideal quantiser with the same error: a step of 2^(1 - B) of
// full scale has the error 4^-B / 3.
double WeightBits(const ResistiveNumbers<>& r) {
  return std::log(1 / (3 * ConductanceNoise(r) * r.weight_variance)) /
         std::log(4.0);
}

TEST(ResistiveTest, PhaseChangeMemoryIsAsPreciseAsMeasured) {
  // Le Gallo et al., Nature Electronics 2023: products on the chip are as
  // precise as with weights of 3 to 4 bits with two devices a sign, of nearly 3
  // with one. The noise model was fitted to devices, not to these products.
  ResistiveNumbers<> pcm = Shipped("pcm-analog", 256, 256).resistive;
  pcm.age_s = 0;
  EXPECT_GT(WeightBits(pcm), 3);
  EXPECT_LT(WeightBits(pcm), 4);
  pcm.programming_error = 0.062;
  pcm.drift_spread = 0.0182;
  pcm.read_noise = 0.0204;
  EXPECT_NEAR(WeightBits(pcm), 3, 0.25);
}

TEST(ResistiveTest, DriftCostsPhaseChangeMemoryHalfABitInAMonth) {
  ResistiveNumbers<> pcm = Shipped("pcm-analog", 256, 256).resistive;
  pcm.age_s = 0;
  const double fresh = WeightBits(pcm);
  pcm.age_s = 30 * 86400;
  EXPECT_NEAR(fresh - WeightBits(pcm), 0.6, 0.15);
  pcm.drift_compensated = false;
  EXPECT_LT(WeightBits(pcm), 2);
}

TEST(ResistiveTest, RelaxedResistiveMemoryHoldsThreeBits) {
  // Wan et al., Nature 2022: comparable to software with weights of 4 bits
  // after training with noise.
  EXPECT_NEAR(WeightBits(Shipped("rram-analog", 128, 256).resistive), 3, 0.5);
}

// Published efficiencies, TOPS/W, two operations a multiply-add. The circuits
// were not fitted to them; converters and read voltages are known within a
// factor of two or three.
TEST(ResistiveTest, PublishedEfficienciesComeOutWithinTheirFactors) {
  AnalogNumbers<> one_phase = Shipped("pcm-analog", 256, 256);
  one_phase.resistive.phases = 1;
  const struct {
    const char* chip;
    AnalogNumbers<> a;
    double input_bits, weight_bits, overhead, tops_per_w, factor;
  } kChips[] = {
      // Le Gallo et al. 2023: array, converters and pulse generators of all
      // cores.
      {"HERMES, one phase", one_phase, 8, 4, 1, 9.76, 2.5},
      {"HERMES, four phases", Shipped("pcm-analog", 256, 256), 8, 4, 1, 2.48,
       2.5},
      // Wan et al. 2022, 6-bit inputs, 8-bit outputs: the array's core.
      {"NeuRRAM", Shipped("rram-analog", 128, 256), 6, 4, 1, 8.26, 2.5},
      // Mythic M1076: a whole chip, 25 TOPS at 3 to 4 W, with the
      // macro-to-system
      // loss of other chips.
      {"M1076", Shipped("flash-analog", 1024, 1024), 8, 8, 3, 7.1, 3},
  };
  for (const auto& chip : kChips) {
    const double tops_per_w =
        2e3 /
        (chip.overhead *
         Femtojoules(
             AnalogMac(chip.a, chip.input_bits, chip.weight_bits).total()));
    EXPECT_LT(tops_per_w / chip.tops_per_w, chip.factor)
        << chip.chip << ": " << tops_per_w;
    EXPECT_GT(tops_per_w / chip.tops_per_w, 1 / chip.factor)
        << chip.chip << ": " << tops_per_w;
  }
}

TEST(ResistiveTest, PublishedRatesFollowFromReadTimes) {
  // TOPS of whole chips: 64 cores of 256 x 256, 48 of 256 x 128, 76 tiles.
  const auto tops = [](const char* name, double weights, double input_bits) {
    const AnalogNumbers<> a = Shipped(name, 256, 256);
    return 2 * weights / InSeconds(ResistiveReadTime(a, input_bits)) / 1e12;
  };
  EXPECT_NEAR(tops("pcm-analog", 64 * 65536, 8) / 16.1, 1, 0.01);
  EXPECT_NEAR(tops("rram-analog", 48 * 32768, 6) / 0.418, 1, 0.01);
  EXPECT_NEAR(tops("flash-analog", 80e6, 8) / 25, 1, 0.01);
}

}  // namespace
}  // namespace tokenjoule
