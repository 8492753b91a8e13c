// Numbers held as charge on capacitors, for every number type: energy, and how
// precisely a number is still known after a time.
//
//   write    E_w = C V_FS V_DD + e_write       (charging C to V_FS from V_DD)
//   read     E_r = e_read
//   noise    n_w = 8 gamma kT / (C V_FS^2)     of a write, relative to a
//   full-scale
//            sine, V_FS^2 / 8; kT at 300 K
//   droop    d = 1 - exp(-t / tau), tau = C V_FS / I_leak: the share of a
//   number
//            that leaks away in a time t; the part s d of it differs from cell
//            to cell and cannot be undone
//   error    n = m n_w + (m s d)^2             after m updates a time t apart
//   whose
//            numbers are still part of the state: noise of writes adds in
//            power, droop of the same cell in amplitude
//   refresh  converts to the nearest of 2^R levels each T and writes again. It
//   knows
//            the level as long as half a step between levels is three times the
//            error of one interval, n_T = n_w + (s d(T))^2 <= q / 3, where q is
//            the quantisation noise of R bits. Then only that of each update
//            adds: n = m q + n_T. Otherwise it does nothing for the error
//   bits     B = (SNR - 1.76 dB) / 6.02 dB, SNR = 1 / n
//   power    P = cells (E_r + e_refresh + E_w) / T
//
// Without leakage and with an endless C, bits are unlimited: the numbers are
// then as precise as those that are written.

#ifndef ANALYZER_MACHINE_CAPACITOR_CELLS_H_
#define ANALYZER_MACHINE_CAPACITOR_CELLS_H_

#include <cmath>

#include "analyzer/machine/in_memory.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// Numbers of CapacitorCells; units are those of the proto fields.
template <typename N = double>
struct CellNumbers {
  N capacitance_ff = N(1.0), full_scale_v = N(1.0), supply_v = N(1.0);
  N leakage_fa = N(0.0), leakage_spread = N(0.0), noise_factor = N(1.0);
  N bits_per_cell = N(1.0), read_pj = N(0.0), write_pj = N(0.0);
  // Time between refreshes, s, if there is one.
  bool is_refreshed = false;
  N refresh_s = N(1.0), refresh_bits = N(1.0), refresh_pj = N(0.0);
};

template <typename N, typename Reader>
CellNumbers<N> ReadCells(const CapacitorCells& cells, const Reader& read) {
  CellNumbers<N> c;
  c.capacitance_ff = N(read(cells.capacitance_ff()));
  c.full_scale_v = N(read(cells.full_scale_v()));
  c.supply_v = N(read(cells.supply_v()));
  c.leakage_fa = N(read(cells.leakage_fa()));
  c.leakage_spread = N(read(cells.leakage_spread()));
  c.noise_factor = N(read(cells.noise_factor()));
  c.bits_per_cell = N(read(cells.bits_per_cell()));
  c.read_pj = N(read(cells.read_pj_per_cell()));
  c.write_pj = N(read(cells.write_pj_per_cell()));
  c.is_refreshed = cells.has_refresh_interval_ms();
  if (c.is_refreshed) {
    c.refresh_s = N(read(cells.refresh_interval_ms())) * N(1e-3);
    c.refresh_bits = N(read(cells.refresh_bits()));
    c.refresh_pj = N(read(cells.refresh_pj_per_cell()));
  }
  return c;
}

// Energy of writing and of reading one cell.
template <typename N>
Energy<N> CellWrite(const CellNumbers<N>& c) {
  // fF V^2 = fJ.
  return Picojoules<N>(
      c.capacitance_ff * c.full_scale_v * c.supply_v * N(1e-3) + c.write_pj);
}
template <typename N>
Energy<N> CellRead(const CellNumbers<N>& c) {
  return Picojoules<N>(c.read_pj);
}

// Power of refreshing cells that take the place of `bits`.
template <typename N>
Power<N> CellRefresh(const CellNumbers<N>& c, const N& bits) {
  if (!c.is_refreshed) return Power<N>();
  return (CellRead(c) + Picojoules<N>(c.refresh_pj) + CellWrite(c)) *
         (bits / c.bits_per_cell) / Seconds<N>(c.refresh_s);
}

// Share of a number that leaks away in `seconds`.
template <typename N>
N CellDroop(const CellNumbers<N>& c, const N& seconds) {
  using std::exp;
  // fA s / (fF V) has no unit.
  return N(1.0) -
         exp(-(c.leakage_fa * seconds) / (c.capacitance_ff * c.full_scale_v));
}

// Noise power of what cells hold, relative to the signal, after `updates`
// updates each `seconds` after the last one.
template <typename N>
N CellNoise(const CellNumbers<N>& c, const N& seconds, const N& updates) {
  const N write = c.noise_factor * N(8 * kThermalEnergyJ * 1e15) /
                  (c.capacitance_ff * c.full_scale_v * c.full_scale_v);
  const N droop = updates * c.leakage_spread * CellDroop(c, seconds);
  return updates * write + droop * droop;
}

// Effective bits of numbers with this noise power; 0: nothing is left of them.
inline double BitsOfNoise(double noise) {
  return std::fmax(0, (SnrDb(noise) - 1.76) / 6.02);
}

// Bits that cells hold after `updates` updates, one a step of `step_s`.
inline double BitsHeld(const CellNumbers<>& c, double step_s, double updates) {
  const double left = CellNoise(c, step_s, updates);
  if (!c.is_refreshed || step_s <= c.refresh_s) return BitsOfNoise(left);
  const double quantisation = NoiseOfSnrDb(SnrDbOfBits(c.refresh_bits));
  const double interval = CellNoise(c, c.refresh_s, 1.0);
  constexpr double kStepsKnown = 3;
  if (interval > quantisation / kStepsKnown) return BitsOfNoise(left);
  return BitsOfNoise(updates * quantisation + interval);
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_CAPACITOR_CELLS_H_
