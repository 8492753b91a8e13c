#include "analyzer/quality/shipped_precision.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "analyzer/description/study_data.h"

namespace tokenjoule {
namespace {

std::array<PrecisionLaw<>, 3> LoadEnds() {
  const absl::StatusOr<ScalingLaws> laws = LoadScalingLaws();
  if (!laws.ok()) {
    // Shipped files are checked by tests.
    std::fprintf(stderr, "%s\n", std::string(laws.status().message()).c_str());
    std::abort();
  }
  std::array<PrecisionLaw<>, 3> ends;
  for (const LawEnd end : {LawEnd::kLow, LawEnd::kValue, LawEnd::kHigh}) {
    ends[static_cast<int>(end)] = PrecisionLawAt(laws->precision(), end);
  }
  return ends;
}

}  // namespace

const PrecisionLaw<>& ShippedPrecisionLaw(LawEnd end) {
  static const auto& ends = *new std::array<PrecisionLaw<>, 3>(LoadEnds());
  return ends[static_cast<int>(end)];
}

}  // namespace tokenjoule
