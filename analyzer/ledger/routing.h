// The experts that a batch of tokens visits.

#ifndef ANALYZER_LEDGER_ROUTING_H_
#define ANALYZER_LEDGER_ROUTING_H_

#include <cmath>
#include <vector>

#include "analyzer/units/units.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// Probability that a token, which visits k of E experts, visits the i-th most
// popular one: proportional to i^-exponent, at most 1, summing to k.
std::vector<double> PowerLawChances(int experts, int per_token,
                                    double exponent);

// Expected maximum of n independent normal values of mean 0 and variance 1
// (Blom's approximation, 1958): 0 for one value, 1.42 for eight.
double ExpectedNormalMaximum(int n);

namespace ledger_internal {

// (1 - p)^t, with a probability p below one.
template <typename N>
N Missed(const N& chance, const N& tokens) {
  using std::exp;
  using std::log;
  return exp(tokens * log(N(1.0) - chance));
}

// Mean number of distinct experts, out of E, visited by T tokens that visit k
// each.
//   coverage    E (1 - (1 - k / E)^T), independent uniform choices;
//   balanced    min(E, k T);
//   power law   sum over experts of 1 - (1 - p_i)^T.
template <typename N>
N DistinctExperts(const N& experts, const N& per_token, const N& tokens,
                  const Scenario& scenario) {
  if (!Holds(per_token < experts)) return experts;
  switch (scenario.routing()) {
    case BALANCED:
      return Min(experts, per_token * tokens);
    case POWER_LAW: {
      const double exponent =
          scenario.routing_exponent() > 0 ? scenario.routing_exponent() : 1.0;
      N distinct(0.0);
      // Convert to whole numbers, for any number type.
      int count = 0, k = 0;
      while (Holds(N(static_cast<double>(count)) < experts)) ++count;
      while (Holds(N(static_cast<double>(k)) < per_token)) ++k;
      for (const double chance : PowerLawChances(count, k, exponent)) {
        distinct += chance < 1 ? N(1.0) - Missed(N(chance), tokens) : N(1.0);
      }
      return distinct;
    }
    default:
      return experts * (N(1.0) - Missed(per_token / experts, tokens));
  }
}

// Ratio of the expected maximum of n loads to their mean.
template <typename N>
N ExpectedMaximumOverMean(const N& mean, const N& variance, int n) {
  using std::sqrt;
  // Avoid sqrt(0), which has no derivative.
  return Select(N(0.0) < variance,
                1.0 + N(ExpectedNormalMaximum(n)) * sqrt(variance) / mean,
                N(1.0));
}

}  // namespace ledger_internal
}  // namespace tokenjoule

#endif  // ANALYZER_LEDGER_ROUTING_H_
