// The range of an answer: what comes out where each constant of the machine is
// at either end of its own range, the others staying.

#ifndef ANALYZER_EVALUATE_RANGES_H_
#define ANALYZER_EVALUATE_RANGES_H_

#include <array>
#include <cmath>
#include <memory>

#include "analyzer/cost/kernel.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"

namespace tokenjoule {

// A number with its range: the changes that single constants cause, added in
// quadrature, since errors of different constants are taken as independent.
// Changes of positive numbers are factors, added as logarithms, so that a range
// never reaches below zero; where a number is or becomes zero they are
// differences.
class Spread {
 public:
  double value = 0;

  // One constant moved the value to `moved`.
  void Add(double moved) {
    if (moved == value) return;
    const bool factor = value > 0 && moved > 0;
    const double change = factor ? std::log(moved / value) : moved - value;
    Sums& sums = factor ? factors_ : differences_;
    (change < 0 ? sums.below : sums.above) += change * change;
  }
  double low() const;
  double high() const;

 private:
  struct Sums {
    double below = 0;
    double above = 0;
  };
  Sums factors_;
  Sums differences_;
};

// The numbers of an answer that have a range.
struct Spreads {
  // s; J per token at the setup's boundary; US$ of all chips.
  Spread step_time;
  Spread energy_per_token;
  Spread cost;
  // J per token.
  std::array<Spread, kNumEnergyTerms> terms;
};

// The ranges of answers on one machine that differ in batch and context alone.
// Machines with a constant at an end of its range are built once, eight to a
// pack; constants that no number of the answer depends on are left out, which
// is told exactly, by a pass of the kernel over numbers that remember what they
// were made from (machine/traced.h).
class Ranges {
 public:
  // `ledger` is one that the answers' ledgers are like: it has not grown.
  // `setup` must outlive this.
  Ranges(const ResolvedSetup& setup, const Ledger<>& ledger);
  ~Ranges();

  // The spreads of one answer, whose values they hold already, from its ledger
  // that has not grown. Terms are left out where `with_terms` is false.
  void Fill(const Ledger<>& ledger, bool with_terms, Spreads* spreads);

 private:
  struct Packs;

  const ResolvedSetup& setup_;
  std::unique_ptr<Packs> packs_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_RANGES_H_
