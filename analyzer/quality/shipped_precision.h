// The precision law of the catalogue, for answers at equal quality.

#ifndef ANALYZER_QUALITY_SHIPPED_PRECISION_H_
#define ANALYZER_QUALITY_SHIPPED_PRECISION_H_

#include "analyzer/quality/precision_law.h"

namespace tokenjoule {

// The law of hw_specs/studies/scaling-laws.textproto at an end of its constants'
// ranges, read once.
const PrecisionLaw<>& ShippedPrecisionLaw(LawEnd end);

// Bits that the law is asked for where a format has `bits`: formats of 16 bits
// and more count as exact.
inline double LawBits(double bits) { return bits >= 16 ? kExactBits : bits; }

// Bits of an operand that has the noise of `bits` bits and half of `noise`, the
// noise power of a product relative to its signal: the other operand has the
// other half.
template <typename N>
N BitsWithNoise(double bits, const N& noise) {
  // 10^-((6.02 B + 1.76) / 10) = 4^-B / 1.5.
  const N own(std::pow(0.25, bits) / 1.5);
  return Select(N(0.0) < noise, BitsForNoise(own + noise * N(0.5)), N(bits));
}

}  // namespace tokenjoule

#endif  // ANALYZER_QUALITY_SHIPPED_PRECISION_H_
