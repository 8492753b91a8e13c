// The range of an answer, obtained by moving each constant of the machine to
// either end of its own range while the others stay at their values.

#ifndef ANALYZER_EVALUATE_RANGES_H_
#define ANALYZER_EVALUATE_RANGES_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "analyzer/cost/kernel.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"

namespace tokenjoule {

// A number with its range: the changes caused by single constants, added in
// quadrature because errors of different constants are independent unless the
// machine states a correlation, which adds its cross term.
// Changes of positive numbers are factors, whose logarithms are added, so that
// a range never reaches below zero; if a number is or becomes zero they are
// differences. Cross terms scale both sides of the range alike, by the variance
// with them over the variance without: subtracted from a side, they could
// leave nothing of it where ends are asymmetric.
class Spread {
 public:
  double value = 0;

  // Adds the effect of one constant that moved the value to `moved`.
  void Add(double moved) {
    if (moved == value) return;
    const bool factor = value > 0 && moved > 0;
    const double change = factor ? std::log(moved / value) : moved - value;
    Sums& sums = factor ? factors_ : differences_;
    (change < 0 ? sums.below : sums.above) += change * change;
  }
  // Adds the cross term of two constants that moved the value to `low` and
  // `high`, and to `other_low` and `other_high`, and whose errors are correlated.
  void AddCorrelated(double low, double high, double other_low,
                     double other_high, double coefficient) {
    if (!(value > 0 && low > 0 && high > 0 && other_low > 0 &&
          other_high > 0)) {
      return;
    }
    cross_ += 2 * coefficient * (std::log(high / low) / 2) *
              (std::log(other_high / other_low) / 2);
  }
  // Widens the range to reach at least from `low` to `high`.
  void Reach(double low, double high) {
    least_ = std::min(least_, low);
    most_ = std::max(most_, high);
  }
  double low() const;
  double high() const;

 private:
  struct Sums {
    double below = 0;
    double above = 0;
  };
  // Variance with cross terms over variance without, 1 where there are none.
  // The mean of the squares of both sides is at least the square of half the
  // width, so that correlations that are possible never take all of it.
  double Correlated() const;

  Sums factors_;
  Sums differences_;
  double cross_ = 0;
  double least_ = std::numeric_limits<double>::infinity();
  double most_ = 0;
};

// Energy of the backing store's devices, and of these with the host's side of
// the channel (PHY and memory path), over the energy inside a boundary; 0 where
// there is none. If the backing store is on the chip, its devices are all of
// its SRAM, which is outside the innermost boundaries.
struct DramShares {
  double stack = 0;
  double path = 0;
};
DramShares DramSharesOf(const std::array<double, kNumEnergyTerms>& terms_j,
                        int boundary, bool on_chip);

// Ranges of DRAM shares.
struct DramSpreads {
  Spread stack;
  Spread path;
};

// The numbers of an answer that have a range.
struct Spreads {
  // Units: s; J per token at the setup's boundary; US$ to make all chips.
  Spread step_time;
  Spread energy_per_token;
  Spread cost;
  // Energy at the facility, J per token, and the money of a token: that energy
  // times the first and the time of a token times the second of these prices, per
  // J and per s of the system; 0 without prices.
  Spread facility_energy;
  Spread price;
  double price_per_j = 0;
  double price_per_s = 0;
  // J per token.
  std::array<Spread, kNumEnergyTerms> terms;
  // By boundary.
  std::array<DramSpreads, kNumBoundaries> dram;

  // Money of a token, from its energy at the facility and its time.
  double PriceOf(double facility_j, double time_s) const {
    return facility_j * price_per_j + time_s * price_per_s;
  }
};

// Computes the ranges of answers on one machine that differ only in batch and
// context. Machines with one constant at an end of its range are built once,
// eight per pack. Constants that no number of the answer depends on are left
// out; they are found exactly, by running the kernel once with traced numbers
// (machine/traced.h).
class Ranges {
 public:
  // `ledger` has the structure of the answers' ledgers, before growth. `setup`
  // must outlive this.
  Ranges(const ResolvedSetup& setup, const Ledger<>& ledger);
  ~Ranges();

  // Adds the ranges of one answer to `spreads`, which already holds the values.
  // `ledger` is that of the answer before growth, `step` the lowered one. Terms
  // are left out if `with_terms` is false.
  void Fill(const Ledger<>& ledger, const LoweredStep<>& step, bool with_terms,
            Spreads* spreads);

 private:
  struct Packs;

  const ResolvedSetup& setup_;
  std::unique_ptr<Packs> packs_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_RANGES_H_
