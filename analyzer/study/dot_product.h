// Analog or digital: energy of a multiply-add as a function of bits, as bands
// over the ranges of the uncertain parameters.

#ifndef ANALYZER_STUDY_DOT_PRODUCT_H_
#define ANALYZER_STUDY_DOT_PRODUCT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "proto/report.pb.h"

namespace tokenjoule {

struct DotProductOptions {
  // Memory energy of a weight and its inputs per multiply-add, fJ, 0 to 1e9. It
  // determines the growth that analog can afford. If absent, the value in
  // hw_specs/studies/dot-product.textproto is used.
  absl::optional<double> memory_fj_per_mac;
};

// Returns one row per number of bits, 1 to 16. The bands sweep supply voltage,
// noise factor, rows, converter, conversion rule, full-adder energy and system
// overhead over their stated ranges (hw_specs/studies/dot-product.textproto);
// every point of the sweep has the same weight, so that the bands are not
// probabilities. Fails (InvalidArgument) if bits or memory energy are out of
// range.
absl::StatusOr<DotProductStudy> StudyDotProduct(
    absl::Span<const double> bits, const DotProductOptions& options = {});

// Factor by which a model must grow to keep its accuracy when its weights have
// `bits`, from the effective parameter count N (1 - exp(-bits / law_bits))
// (Kumar et al., Scaling laws for precision, arXiv:2411.04330).
double PrecisionLawGrowth(double bits, double law_bits);

// Largest growth at which analog still takes no more energy than digital, with
// memory energy m per multiply-add: (E_digital + m) / (E_analog + m).
double BreakEvenGrowth(double digital_fj, double analog_fj, double memory_fj);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_DOT_PRODUCT_H_
