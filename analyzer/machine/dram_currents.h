// DRAM energy from a data sheet's currents: the standard current-based method
// of Micron technical note TN-41-01, in the form DRAMPower and DRAMsim3 use.

#ifndef ANALYZER_MACHINE_DRAM_CURRENTS_H_
#define ANALYZER_MACHINE_DRAM_CURRENTS_H_

#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// Energies and powers of one device, derived from its currents.
template <typename N = double>
struct CurrentCosts {
  Energy<N> activation;   // one row opened and closed
  EnergyPerData<N> read;  // column access of a read
  EnergyPerData<N> write;
  Power<N> background;  // active standby
  Power<N> refresh;
};

// mA x V x ns = pJ, mA x V = mW. With k the ratios of typical currents to
// data-sheet maxima,
//   activation  V (IDD0 tRC - (IDD3N tRAS + IDD2N (tRC - tRAS))) k_act
//   read        V (IDD4R - IDD3N) / rate k_burst
//   background  V IDD3N k_standby
//   refresh     V (IDD5B - IDD2N) tRFC / tREFI k_refresh
template <typename N, typename Reader>
CurrentCosts<N> CostsOfCurrents(const DataSheetCurrents& sheet,
                                const Reader& read) {
  const auto fraction = [&](bool given, const Constant& constant) {
    return given ? N(read(constant)) : N(1.0);
  };
  const N vdd = read(sheet.vdd_v());
  const N idd0 = read(sheet.idd0_ma()), idd2n = read(sheet.idd2n_ma());
  const N idd3n = read(sheet.idd3n_ma());
  const N trc = read(sheet.trc_ns()), tras = read(sheet.tras_ns());
  const N burst = fraction(sheet.has_typical_burst(), sheet.typical_burst());
  const DataRate<N> rate = GigabytesPerSecond<N>(read(sheet.rate_gb_per_s()));
  const auto milliwatts = [](const N& mw) { return Watts<N>(mw * N(1e-3)); };

  CurrentCosts<N> costs;
  costs.activation = Picojoules<N>(
      vdd * (idd0 * trc - (idd3n * tras + idd2n * (trc - tras))) *
      fraction(sheet.has_typical_activation(), sheet.typical_activation()));
  costs.read =
      milliwatts(vdd * (N(read(sheet.idd4r_ma())) - idd3n) * burst) / rate;
  costs.write =
      milliwatts(vdd * (N(read(sheet.idd4w_ma())) - idd3n) * burst) / rate;
  costs.background = milliwatts(
      vdd * idd3n *
      fraction(sheet.has_typical_standby(), sheet.typical_standby()));
  costs.refresh = milliwatts(
      vdd * (N(read(sheet.idd5b_ma())) - idd2n) * N(read(sheet.trfc_ns())) /
      N(read(sheet.trefi_ns())) *
      fraction(sheet.has_typical_refresh(), sheet.typical_refresh()));
  return costs;
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_DRAM_CURRENTS_H_
