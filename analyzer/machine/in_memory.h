// Energy, noise and time of a multiply-add in digital and analog in-memory
// arrays.
//
// Symbols: B_x, B_w bits of input and weight; N rows summed in a column, M
// columns that share an input, u utilisation; kT at 300 K. Of conductances: G
// the largest of one sign, g the mean of both signs over G, T the time of a
// read, t the age, nu the exponent of drift.

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

// Energy of a multiply-add on bit-serial lanes, by part.
template <typename N = double>
struct BitSerialEnergy {
  Energy<N> products;      // of bits, and the adder tree over the inputs
  Energy<N> accumulators;  // where each addition is of a full row of inputs

  Energy<N> total() const { return products + accumulators; }
};

// Bit-serial lanes: products and adder tree are those of digital in-memory
// compute. Each input bit of a row of `inputs` is one addition to an accumulator of
// B_acc bits, each of which costs `accumulator_adders` full adders (the adder and
// the register): e_FA B_x r B_acc / inputs per multiply-add.
template <typename N>
BitSerialEnergy<N> BitSerialMac(const Energy<N>& full_adder,
                                const N& input_bits, const N& weight_bits,
                                const N& inputs, const N& accumulator_bits,
                                const N& accumulator_adders) {
  return {DigitalInMemoryMac(full_adder, input_bits, weight_bits),
          full_adder *
              (input_bits * accumulator_adders * accumulator_bits / inputs)};
}

// Numbers of a ResistiveCell; units and ranges are those of the proto fields of
// the same name.
template <typename N = double>
struct ResistiveNumbers {
  N full_conductance_us = N(0.0), mean_conductance = N(0.0);
  N weight_variance = N(0.0), programming_error = N(0.0);
  N read_time_ns = N(0.0), conversion_time_ns = N(0.0);
  N phases = N(1.0), columns_per_converter = N(1.0);
  bool drifts = false, drift_compensated = false;
  N drift_exponent = N(0.0), drift_spread = N(0.0);
  N drift_reference_s = N(0.0), age_s = N(0.0), read_noise = N(0.0);
};

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
  // Of cells of kind RESISTIVE.
  ResistiveNumbers<N> resistive;
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

// Charge over voltage of the largest weight at full-scale input, fF: G T, since
// uS ns = fF.
template <typename N>
N ReadCapacitanceFf(const ResistiveNumbers<N>& r) {
  return r.full_conductance_us * r.read_time_ns;
}

// Noise power of programmed conductances relative to the signal of a column.
// Errors of weights are independent, so that N of them add to the column what
// one adds to a weight:
//   programming  sigma^2 / E[w^2], sigma and w relative to G;
//   drift        (sigma_nu ln(t / t_0))^2, the spread of (t / t_0)^-nu, and
//                unless compensated (1 - (t / t_0)^-nu)^2;
//   read         Q_s^2 ln((t + T) / (2 T)), 1/f noise from T to t.
// The form is that of Nandakumar et al., ICECS 2019, as aihwkit has it
// (IBM/aihwkit at 2073296, inference/noise/hermes.py), averaged over weights.
template <typename N>
N ConductanceNoise(const ResistiveNumbers<N>& r) {
  using std::log;
  using std::pow;
  N noise = r.programming_error * r.programming_error / r.weight_variance;
  const N age_s = r.age_s + r.drift_reference_s;
  if (r.drifts) {
    const N ages = age_s / r.drift_reference_s;
    const N spread = r.drift_spread * log(ages);
    noise += spread * spread;
    if (!r.drift_compensated) {
      const N loss = N(1.0) - pow(ages, N(0.0) - r.drift_exponent);
      noise += loss * loss;
    }
  }
  const N read_s = r.phases * r.read_time_ns * N(1e-9);
  // An array that was written just now has not fluctuated yet.
  const N band = Max(N(1.0), (age_s + read_s) / (N(2.0) * read_s));
  return noise + r.read_noise * r.read_noise * log(band);
}

// Time of a product of a whole array with B_x-bit inputs in S_x slices: S_x
// phases columns_per_converter (T + T_conversion). A converter that serves
// several columns reads the array for each of them.
template <typename N>
Duration<N> ResistiveReadTime(const AnalogNumbers<N>& a, const N& input_bits) {
  const N input_slices =
      Select(N(0.0) < a.dac_bits, Max(N(1.0), input_bits / a.dac_bits), N(1.0));
  const ResistiveNumbers<N>& r = a.resistive;
  return Seconds<N>(input_slices * r.phases * r.columns_per_converter *
                    (r.read_time_ns + r.conversion_time_ns) * N(1e-9));
}

// Capacitance per cell, fF: the larger of the value required by noise,
//   C_th = gamma kT SNR / (sigma_p^2 V_FS^2),
// and the smallest value that can be made. Of conductances: G T.
template <typename N>
N CellCapacitanceFf(const AnalogNumbers<N>& a, const N& snr_db,
                    const N& cell_bits) {
  using std::pow;
  if (a.cell == AnalogCircuit::RESISTIVE) return ReadCapacitanceFf(a.resistive);
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
// Conductances have ConductanceNoise in place of mismatch, and a cell that
// conducts g G for a fraction `activity` of T has the thermal noise
//   gamma kT activity g / (sigma_p^2 V^2 G T).
// This is the noise of the widest slice, which carries most of the sum.
template <typename N>
N AnalogNoise(const AnalogNumbers<N>& a, const N& input_bits,
              const N& weight_bits) {
  const N snr_db = RequiredSnrDb(a, input_bits, weight_bits);
  const N capacitance_ff =
      CellCapacitanceFf(a, snr_db, CellBits(a, weight_bits));
  N noise =
      a.noise_factor * N(kThermalEnergyJ * 1e15) /
      (a.product_variance * a.full_scale_v * a.full_scale_v * capacitance_ff);
  if (a.cell == AnalogCircuit::RESISTIVE) {
    noise = noise * a.activity * a.resistive.mean_conductance +
            ConductanceNoise(a.resistive);
  } else {
    noise += N(1e-4) / capacitance_ff;
  }
  if (a.rule == AnalogCircuit::LOSSLESS) return noise;
  const N half_a_db(std::pow(10.0, 0.05) - 1);
  return noise + half_a_db * NoiseOfSnrDb(snr_db);
}

// A multiply-add of B_x by B_w bits in S_x x S_w slices:
//   S_x S_w (E_cell + (E_ADC + E_SA) / (N u)) + S_x E_DAC / (M u) + E_control,
//   E_cell = activity C V_FS V_DD, E_DAC = C_dac b V_DD^2 (none for one bit).
// A cell that conducts has C = g G T: the charge comes from the supply, of
// which activity g G T V_FS^2 is lost in the cell itself. Of several phases
// each cell conducts in one; conversions, shift and add, and inputs are
// repeated.
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
  const bool resistive = a.cell == AnalogCircuit::RESISTIVE;
  const N phases = resistive ? a.resistive.phases : N(1.0);

  MacEnergy<N> mac;
  mac.conversion_bits = ConversionBits(a, snr_db, dac_bits, cell_bits);
  // fF V^2 = fJ.
  N cell_fj = a.activity * CellCapacitanceFf(a, snr_db, cell_bits) *
              a.full_scale_v * a.supply_v;
  if (resistive) cell_fj = cell_fj * a.resistive.mean_conductance;
  mac.array = Picojoules<N>(
      slices * (cell_fj * N(1e-3) + phases * a.shift_add_pj / filled) +
      a.control_fj * N(1e-3));
  mac.adc =
      ConversionEnergy(a, mac.conversion_bits) * (phases * slices / filled);
  // A single bit needs no converter.
  const N dac_fj =
      Select(N(1.0) < dac_bits,
             a.dac_capacitance_ff * dac_bits * a.supply_v * a.supply_v, zero);
  mac.dac = Picojoules<N>(phases * input_slices * dac_fj * N(1e-3) /
                          (a.columns * a.utilization));
  return mac;
}

// Reads the numbers of a cell that conducts.
template <typename N, typename Reader>
ResistiveNumbers<N> ReadResistive(const ResistiveCell& cell,
                                  const Reader& read) {
  ResistiveNumbers<N> r;
  r.full_conductance_us = read(cell.full_conductance_us());
  r.mean_conductance = read(cell.mean_conductance());
  r.weight_variance = read(cell.weight_variance());
  r.programming_error = read(cell.programming_error());
  r.read_time_ns = read(cell.read_time_ns());
  r.conversion_time_ns = read(cell.conversion_time_ns());
  if (cell.has_phases()) r.phases = read(cell.phases());
  if (cell.has_columns_per_converter()) {
    r.columns_per_converter = read(cell.columns_per_converter());
  }
  r.drifts = cell.has_drift_reference_s();
  r.drift_compensated = cell.drift_compensated();
  r.drift_exponent = read(cell.drift_exponent());
  r.drift_spread = read(cell.drift_spread());
  r.drift_reference_s = read(cell.drift_reference_s());
  r.age_s = read(cell.age_s());
  r.read_noise = read(cell.read_noise());
  return r;
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
  if (circuit.has_resistive()) {
    a.resistive = ReadResistive<N>(circuit.resistive(), read);
  }
  return a;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_IN_MEMORY_H_
