// How many effective parameters a model has in low precision, and by how much
// it must grow to make up for that: the one home of the precision law.
//
// Kumar et al., Scaling laws for precision, arXiv:2411.04330, equation 4:
//   N_eff = N (1 - exp(-Pw / g_w)) (1 - exp(-Pa / g_a)) (1 - exp(-Pkv / g_kv))
// for models trained with Pw bits in weights, Pa in activations and Pkv in the
// KV cache. The published constants have offsets beside their scales, which the
// equation omits: exp(offset - P / g). The constants, with ranges, are in
// hw_specs/studies/scaling-laws.textproto.

#ifndef ANALYZER_QUALITY_PRECISION_LAW_H_
#define ANALYZER_QUALITY_PRECISION_LAW_H_

#include <cmath>

#include "analyzer/units/units.h"
#include "proto/constant.pb.h"
#include "proto/study.pb.h"

namespace tokenjoule {

// Bits of a number that has as many as the law can tell from exact: the part it
// stands for loses nothing.
inline constexpr double kExactBits = 1e6;

// Below this share of its parameters a model has none by the law: growth is at
// most its inverse for each of the three parts.
inline constexpr double kLeastPrecisionShare = 0.01;

// Bits of the three parts. The law leaves 0.9975 of the parameters at 16-bit
// weights, but takes bf16 models as exact: pass kExactBits for them.
template <typename N = double>
struct PrecisionBits {
  N weights = N(kExactBits);
  N activations = N(kExactBits);
  N kv_cache = N(kExactBits);
};

// One part of the law in numbers.
template <typename N = double>
struct PrecisionPart {
  N scale_bits = N(1.0);
  N offset = N(0.0);

  // Share of the parameters that is left at `bits`, kLeastPrecisionShare to 1.
  N ShareAt(const N& bits) const {
    using std::exp;
    return Max(N(1.0) - exp(offset - bits / scale_bits),
               N(kLeastPrecisionShare));
  }
};

// The law in numbers.
template <typename N = double>
struct PrecisionLaw {
  PrecisionPart<N> weights, activations, kv_cache;

  // Effective parameters over parameters.
  N ShareAt(const PrecisionBits<N>& bits) const {
    return weights.ShareAt(bits.weights) *
           activations.ShareAt(bits.activations) *
           kv_cache.ShareAt(bits.kv_cache);
  }
};

// An end of the constants' ranges: growth is least at kLow, most at kHigh.
enum class LawEnd { kLow, kValue, kHigh };

inline double AtEnd(const Constant& constant, LawEnd end) {
  switch (end) {
    case LawEnd::kLow:
      return constant.low();
    case LawEnd::kHigh:
      return constant.high();
    case LawEnd::kValue:
      break;
  }
  return constant.value();
}

// The law with its constants at one end of their ranges.
template <typename N = double>
PrecisionLaw<N> PrecisionLawAt(const ScalingLaws::Precision& data,
                               LawEnd end = LawEnd::kValue) {
  const auto part = [end](const ScalingLaws::Precision::Part& from) {
    return PrecisionPart<N>{N(AtEnd(from.scale_bits(), end)),
                            N(AtEnd(from.offset(), end))};
  };
  return {part(data.weights()), part(data.activations()),
          part(data.kv_cache())};
}

// Factor by which a model must grow so that its effective parameters are those
// of an exact model: 1.05 with 8-bit weights, 1.29 with 4-bit weights.
template <typename N>
N GrowthForPrecision(const PrecisionLaw<N>& law, const PrecisionBits<N>& bits) {
  return N(1.0) / law.ShareAt(bits);
}

// A growth with its range.
struct GrowthRange {
  double value = 1;
  double low = 1;
  double high = 1;
};

// The same with its range, by the law's constants in the catalogue. Bits are
// above 0; kExactBits for a part that is exact.
inline GrowthRange GrowthForPrecision(const ScalingLaws::Precision& data,
                                      double weight_bits,
                                      double activation_bits = kExactBits,
                                      double kv_bits = kExactBits) {
  const PrecisionBits<> bits = {weight_bits, activation_bits, kv_bits};
  return {GrowthForPrecision(PrecisionLawAt(data), bits),
          GrowthForPrecision(PrecisionLawAt(data, LawEnd::kLow), bits),
          GrowthForPrecision(PrecisionLawAt(data, LawEnd::kHigh), bits)};
}

// Bits of a uniform quantiser whose noise is `noise`, a noise power over the
// power of the signal: the inverse of 6.02 B + 1.76 dB. An analog array whose
// products have that noise is as precise as weights of so many bits.
template <typename N>
N BitsForNoise(const N& noise) {
  using std::log;
  return log(N(1.0) / (N(1.5) * noise)) / N(2 * std::log(2.0));
}

}  // namespace tokenjoule

#endif  // ANALYZER_QUALITY_PRECISION_LAW_H_
