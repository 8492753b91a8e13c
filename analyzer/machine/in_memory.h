// Energy of a multiply-add in digital and analog in-memory arrays.
//
// Symbols: B_x, B_w bits of input and weight; N rows summed in a column, M
// columns that share an input, u utilisation; kT at 300 K.

#ifndef ANALYZER_MACHINE_IN_MEMORY_H_
#define ANALYZER_MACHINE_IN_MEMORY_H_

#include <cmath>

#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// Boltzmann's constant (exact, SI 2019) x 300 K, J.
inline constexpr double kThermalEnergyJ = 1.380649e-23 * 300;

// Energy per multiply-add, by part.
template <typename N = double>
struct MacEnergy {
  Energy<N> array;  // cells, adder trees, shift and add, control
  Energy<N> adc;
  Energy<N> dac;
  N conversion_bits = N(0.0);

  Energy<N> total() const { return array + adc + dac; }
};

// Signal-to-noise ratio of B bits at a full-scale sine: 6.02 B + 1.76 dB.
template <typename N>
N SnrDbOfBits(const N& bits) {
  return N(6.02) * bits + N(1.76);
}

// Bits whose full-scale sine has that signal-to-noise ratio.
inline double BitsOfSnrDb(double snr_db) { return (snr_db - 1.76) / 6.02; }

// Conversions between noise power relative to the signal and signal-to-noise
// ratio in dB.
inline double SnrDb(double noise) { return -10 * std::log10(noise); }
template <typename N>
N NoiseOfSnrDb(const N& snr_db) {
  using std::pow;
  return pow(N(10.0), snr_db / N(-10.0));
}

// Minimum energy of a sample at a given signal-to-noise ratio: 8 kT SNR
// (Vittoz, ISCAS 1990); with SNR = 1.5 4^B this is 12 kT 4^B.
template <typename N>
Energy<N> ThermalLimit(const N& bits) {
  using std::pow;
  return Joules<N>(N(12 * kThermalEnergyJ) * pow(N(4.0), bits));
}

// Digital in-memory compute: inputs enter bit by bit. An adder tree over the
// rows takes about B_w + 1 full adders per row and input bit; a product of two
// bits costs 0.15 of a full adder: e_FA B_x (1.15 B_w + 1).
template <typename N>
Energy<N> DigitalInMemoryMac(const Energy<N>& full_adder, const N& input_bits,
                             const N& weight_bits) {
  return full_adder * (input_bits * (N(1.15) * weight_bits + N(1.0)));
}

// Numbers of an AnalogCircuit and its array, read by ReadAnalog; units and
// ranges are those of the proto fields of the same name. Zero until read;
// hw_specs/technologies/charge-domain.textproto has typical values.
template <typename N = double>
struct AnalogNumbers {
  AnalogCircuit::Cell cell = AnalogCircuit::CELL_UNSPECIFIED;
  AnalogCircuit::ConversionRule rule = AnalogCircuit::RULE_UNSPECIFIED;
  AnalogCircuit::ConverterModel converter = AnalogCircuit::MODEL_UNSPECIFIED;
  N rows = N(0.0), columns = N(0.0), utilization = N(0.0);
  N supply_v = N(0.0), full_scale_v = N(0.0);
  N unit_capacitance_ff = N(0.0), noise_factor = N(0.0), activity = N(0.0);
  N product_variance = N(0.0);
  bool has_required_snr = false;
  N required_snr_db = N(0.0);
  // Bits per cell and per conversion input; 0: as wide as the operand.
  N cell_bits = N(0.0), dac_bits = N(0.0);
  N column_linear_ff = N(0.0), column_matched_ff = N(0.0);
  N converter_floor_pj = N(0.0), survey_slope_aj = N(0.0);
  N schreier_fom_db = N(0.0), walden_fom_fj = N(0.0);
  N dac_capacitance_ff = N(0.0), shift_add_pj = N(0.0), control_fj = N(0.0);
};

// Required signal-to-noise ratio of a column's sum, dB.
template <typename N>
N RequiredSnrDb(const AnalogNumbers<N>& a, const N& input_bits,
                const N& weight_bits) {
  if (a.has_required_snr) return a.required_snr_db;
  // The operand with fewer bits limits the precision of the sum.
  return SnrDbOfBits(Min(input_bits, weight_bits));
}

// Weight bits per cell.
template <typename N>
N CellBits(const AnalogNumbers<N>& a, const N& weight_bits) {
  return Select(N(0.0) < a.cell_bits, Min(a.cell_bits, weight_bits),
                weight_bits);
}

// Bits that tell all levels of a column's sum apart: N products of b_x by b_w
// bit unsigned operands take the values 0 to N (2^b_x - 1) (2^b_w - 1), so
//   log2(N (2^b_x - 1) (2^b_w - 1) + 1);
// log2(N + 1) in single bits.
template <typename N>
N LosslessBits(const N& rows, const N& input_bits, const N& weight_bits) {
  using std::log;
  using std::pow;
  const N largest_product =
      (pow(N(2.0), input_bits) - N(1.0)) * (pow(N(2.0), weight_bits) - N(1.0));
  return log(rows * largest_product + N(1.0)) * N(1 / std::log(2.0));
}

// Bits of the uniform quantiser of a Gaussian sum whose error, overload
// included, is `sqnr_db` below the sum, with the step of least error: 1
// bit 4.40 dB, 4 bits 19.38, 8 bits 40.57 (J. Max, Quantizing for minimum
// distortion, IRE Trans. Inf. Theory, 1960). The quadratic in the root is
// fitted to the exact distortions of 1 to 12 bits and within 0.02 bits of them;
// up to 110 dB it is within 0.1 bits of the asymptote, (SQNR + 10 log10(4/3 B
// ln 2)) / 6.02.
template <typename N>
N OptimalQuantiserBits(const N& sqnr_db) {
  using std::sqrt;
  return N(-0.2505) + N(0.1651) * sqnr_db + N(0.2416) * sqrt(sqnr_db);
}

// Standard deviations from the mean at which a Gaussian sum may be clipped so
// that overload, 2 ((1 + z^2) Q(z) - z phi(z)), is `sqnr_db` below the sum;
// fitted, within 0.05 from 15 to 100 dB. 4 stand for 52 dB.
template <typename N>
N ClippingDeviations(const N& sqnr_db) {
  using std::sqrt;
  return N(0.717) * sqrt(sqnr_db) - N(1.175);
}

// Bits that tell the levels of a column's sum apart as far as
// ClippingDeviations on either side of the mean. For uniform unsigned operands
// a product has the variance E[x^2] E[w^2] - (E[x] E[w])^2, with E[x] = m / 2
// and E[x^2] = m (2 m + 1) / 6 of m = 2^b - 1: 3/16 in single bits. 256
// products of single bits and 52 dB: 5.8 bits, where all levels need 8.0,
// rounded up 9. Three bits fewer is what arXiv:2507.09776 (abstract) finds at
// this width.
template <typename N>
N ClippedLevelsBits(const N& rows, const N& input_bits, const N& weight_bits,
                    const N& sqnr_db) {
  using std::log;
  using std::pow;
  using std::sqrt;
  const N x = pow(N(2.0), input_bits) - N(1.0);
  const N w = pow(N(2.0), weight_bits) - N(1.0);
  const N square =
      x * (N(2.0) * x + N(1.0)) * w * (N(2.0) * w + N(1.0)) * N(1.0 / 36);
  const N mean = x * w * N(0.25);
  const N deviation = sqrt(rows * (square - mean * mean));
  const N levels = N(2.0) * ClippingDeviations(sqnr_db) * deviation + N(1.0);
  return log(levels) * N(1 / std::log(2.0));
}

// How far the error of a converter that loses half a dB of a required
// signal-to-noise ratio lies below the noise that is there already, dB:
// -10 log10(10^0.05 - 1).
inline constexpr double kHalfADbMarginDb = 9.136;

// Bits per conversion.
//   minimum precision  (SNR + 16.4 dB) / 6.02, which loses 0.5 dB with a range
//     of four standard deviations on either side (Gonugondla et al.,
//     arXiv:2012.13645, re-derived). Overload is left out: it adds 0.1 bits to
//     conversions of 9 bits and 0.3 to those of 11;
//   optimal clipping   loses 0.5 dB too: OptimalQuantiserBits or, where it is
//     less, ClippedLevelsBits or LosslessBits. A sum of 64 terms or more is
//     Gaussian enough;
//   lossless           LosslessBits.
template <typename N>
N ConversionBits(const AnalogNumbers<N>& a, const N& snr_db, const N& dac_bits,
                 const N& cell_bits) {
  if (a.rule == AnalogCircuit::LOSSLESS) {
    return LosslessBits(a.rows, dac_bits, cell_bits);
  }
  if (a.rule == AnalogCircuit::OPTIMAL_CLIPPING) {
    const N sqnr_db = snr_db + N(kHalfADbMarginDb);
    return Min(OptimalQuantiserBits(sqnr_db),
               Min(ClippedLevelsBits(a.rows, dac_bits, cell_bits, sqnr_db),
                   LosslessBits(a.rows, dac_bits, cell_bits)));
  }
  return (snr_db + N(16.4)) / N(6.02);
}

// Energy of one conversion of B bits.
//   column     (C_lin B + C_m 4^B) V^2 (ZigZag, validated on three chips);
//   survey     floor + slope 4^B (best of Murmann's ADC survey 1997-2025);
//   Schreier   floor + 0.5 10^((SNDR - FoM) / 10), from FoM = SNDR + 10 log10(
//              f_nyquist / (2 P));
//   Walden     FoM 2^B.
template <typename N>
Energy<N> ConversionEnergy(const AnalogNumbers<N>& a, const N& bits) {
  using std::pow;
  const N four = pow(N(4.0), bits);
  switch (a.converter) {
    case AnalogCircuit::SURVEY_ENVELOPE:
      return Picojoules<N>(a.converter_floor_pj +
                           a.survey_slope_aj * N(1e-6) * four);
    case AnalogCircuit::SCHREIER:
      return Picojoules<N>(a.converter_floor_pj) +
             Joules<N>(N(0.5) *
                       pow(N(10.0),
                           (SnrDbOfBits(bits) - a.schreier_fom_db) / N(10.0)));
    case AnalogCircuit::WALDEN:
      return Picojoules<N>(a.walden_fom_fj * N(1e-3) * pow(N(2.0), bits));
    default:
      return Picojoules<N>(
          (a.column_linear_ff * bits + a.column_matched_ff * four) * N(1e-3) *
          a.supply_v * a.supply_v);
  }
}

// Capacitance per cell, fF: the larger of the value required by noise,
//   C_th = gamma kT SNR / (sigma_p^2 V_FS^2),
// and the smallest value that can be made.
template <typename N>
N CellCapacitanceFf(const AnalogNumbers<N>& a, const N& snr_db,
                    const N& cell_bits) {
  using std::pow;
  const N snr = pow(N(10.0), snr_db / N(10.0));
  const N thermal = a.noise_factor * N(kThermalEnergyJ * 1e15) * snr /
                    (a.product_variance * a.full_scale_v * a.full_scale_v);
  N geometric = a.unit_capacitance_ff;
  if (a.cell == AnalogCircuit::C2C_LADDER) {
    geometric = geometric * N(3.0) * cell_bits;
  } else if (a.cell == AnalogCircuit::BINARY_WEIGHTED) {
    geometric = geometric * (pow(N(2.0), cell_bits) - N(1.0));
  }
  return Max(thermal, geometric);
}

// Noise power that the array adds to a column's sum, relative to the signal: 0
// to 1.
//   thermal    gamma kT / (sigma_p^2 V_FS^2 C), with the actual capacitance;
//   mismatch   sigma_C^2 = 1e-4 fF / C: 1 % at 1 fF, falling with area
//              (Pelgrom), independent from cell to cell;
//   converter  half a dB of the required ratio, unless the rule is lossless.
// This is the noise of the widest slice, which carries most of the sum.
template <typename N>
N AnalogNoise(const AnalogNumbers<N>& a, const N& input_bits,
              const N& weight_bits) {
  const N snr_db = RequiredSnrDb(a, input_bits, weight_bits);
  const N capacitance_ff =
      CellCapacitanceFf(a, snr_db, CellBits(a, weight_bits));
  const N thermal =
      a.noise_factor * N(kThermalEnergyJ * 1e15) /
      (a.product_variance * a.full_scale_v * a.full_scale_v * capacitance_ff);
  const N mismatch = N(1e-4) / capacitance_ff;
  if (a.rule == AnalogCircuit::LOSSLESS) return thermal + mismatch;
  const N half_a_db(std::pow(10.0, 0.05) - 1);
  return thermal + mismatch + half_a_db * NoiseOfSnrDb(snr_db);
}

// A multiply-add of B_x by B_w bits in S_x x S_w slices:
//   S_x S_w (E_cell + (E_ADC + E_SA) / (N u)) + S_x E_DAC / (M u) + E_control,
//   E_cell = activity C V_FS V_DD, E_DAC = C_dac b V_DD^2 (none for one bit).
template <typename N>
MacEnergy<N> AnalogMac(const AnalogNumbers<N>& a, const N& input_bits,
                       const N& weight_bits) {
  const N zero(0.0);
  const N dac_bits =
      Select(zero < a.dac_bits, Min(a.dac_bits, input_bits), input_bits);
  const N cell_bits = CellBits(a, weight_bits);
  const N input_slices = input_bits / dac_bits;
  const N slices = input_slices * weight_bits / cell_bits;
  const N snr_db = RequiredSnrDb(a, input_bits, weight_bits);
  const N filled = a.rows * a.utilization;

  MacEnergy<N> mac;
  mac.conversion_bits = ConversionBits(a, snr_db, dac_bits, cell_bits);
  // fF V^2 = fJ.
  const N cell_fj = a.activity * CellCapacitanceFf(a, snr_db, cell_bits) *
                    a.full_scale_v * a.supply_v;
  mac.array =
      Picojoules<N>(slices * (cell_fj * N(1e-3) + a.shift_add_pj / filled) +
                    a.control_fj * N(1e-3));
  mac.adc = ConversionEnergy(a, mac.conversion_bits) * (slices / filled);
  // A single bit needs no converter.
  const N dac_fj =
      Select(N(1.0) < dac_bits,
             a.dac_capacitance_ff * dac_bits * a.supply_v * a.supply_v, zero);
  mac.dac = Picojoules<N>(input_slices * dac_fj * N(1e-3) /
                          (a.columns * a.utilization));
  return mac;
}

// Reads the numbers of an engine's circuit and array.
template <typename N, typename Reader>
AnalogNumbers<N> ReadAnalog(const AnalogCircuit& circuit,
                            const InMemoryArray& array, const Reader& read) {
  AnalogNumbers<N> a;
  a.cell = circuit.cell();
  a.rule = circuit.rule();
  a.converter = circuit.converter();
  a.rows = read(array.rows());
  a.columns = read(array.columns());
  a.utilization = read(array.utilization());
  a.supply_v = read(circuit.supply_v());
  a.full_scale_v = read(circuit.full_scale_v());
  a.unit_capacitance_ff = read(circuit.unit_capacitance_ff());
  a.noise_factor = read(circuit.noise_factor());
  a.activity = read(circuit.activity());
  a.product_variance = read(circuit.product_variance());
  a.has_required_snr = circuit.has_required_snr_db();
  a.required_snr_db = read(circuit.required_snr_db());
  a.cell_bits = read(circuit.cell_bits());
  a.dac_bits = read(circuit.dac_bits());
  a.column_linear_ff = read(circuit.column_linear_ff());
  a.column_matched_ff = read(circuit.column_matched_ff());
  a.converter_floor_pj = read(circuit.converter_floor_pj());
  a.survey_slope_aj = read(circuit.survey_slope_aj());
  a.schreier_fom_db = read(circuit.schreier_fom_db());
  a.walden_fom_fj = read(circuit.walden_fom_fj());
  a.dac_capacitance_ff = read(circuit.dac_capacitance_ff());
  a.shift_add_pj = read(circuit.shift_add_pj());
  a.control_fj = read(circuit.control_fj());
  return a;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_IN_MEMORY_H_
