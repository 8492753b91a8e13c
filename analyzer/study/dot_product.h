// Analog or digital: energy of a multiply-add as a function of bits, as bands
// over the ranges of the uncertain parameters.

#ifndef ANALYZER_STUDY_DOT_PRODUCT_H_
#define ANALYZER_STUDY_DOT_PRODUCT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "analyzer/quality/precision_law.h"
#include "proto/report.pb.h"

namespace tokenjoule {

struct DotProductOptions {
  // Memory energy of a weight and its inputs per multiply-add, fJ, 0 to 1e9. It
  // determines the growth that analog can afford. If absent, the value in
  // hw_specs/studies/dot-product.textproto is used.
  absl::optional<double> memory_fj_per_mac;
  // Years and process nodes, nm, of the generations of silicon to compare:
  // those in hw_specs/studies/dot-product.textproto that have one of the years,
  // if any are given, and one of the nodes, if any are given. If neither is
  // given, one sweep over the stated ranges, which belong to no single
  // generation.
  std::vector<double> years, nodes_nm;
};

// Returns a panel per generation, in the order of the file, each with one row
// per number of bits, 1 to 16. The bands sweep supply voltage, noise factor,
// rows, converter, conversion rule, full-adder energy and system overhead, and
// in a generation the smallest capacitor too, over their ranges; every point of
// the sweep has the same weight, so that the bands are not probabilities. Fails
// (InvalidArgument) if bits or memory energy are out of range, or if a year or
// a node is not that of a generation.
absl::StatusOr<DotProductStudy> StudyDotProduct(
    absl::Span<const double> bits, const DotProductOptions& options = {});

// Bits of weights whose rounding noise is as large as that of weights of `bits`
// together with the noise that an analog array adds to a sum, relative to its
// signal (AnalogNoise of in_memory.h). At most `bits`.
double EffectiveBits(double bits, double analog_noise);

// Factor by which the growth that the effective bits of an analog array require
// is above what a digital array of the same bits requires: GrowthForPrecision
// of weights of one over that of the other (analyzer/quality/precision_law.h).
// At least 1.
double RelativeGrowth(const PrecisionLaw<>& law, double bits,
                      double effective_bits);

// Largest growth at which analog still takes no more energy than digital, with
// memory energy m per multiply-add: (E_digital + m) / (E_analog + m).
double BreakEvenGrowth(double digital_fj, double analog_fj, double memory_fj);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_DOT_PRODUCT_H_
