// How an answer changes with each number that it depends on.

#ifndef ANALYZER_STUDY_SENSITIVITY_H_
#define ANALYZER_STUDY_SENSITIVITY_H_

#include "absl/status/statusor.h"
#include "analyzer/evaluate/setup.h"
#include "proto/report.pb.h"

namespace tokenjoule {

struct SensitivityOptions {
  // Number of random draws over the ranges of all constants; 0: none.
  int samples = 0;
  // Seed of the random number generator.
  int seed = 1;
};

// Elasticities of energy per token, step time and DRAM share with respect to
// each constant of the machine and each number of the model and the scenario,
// computed by running dual numbers through ledger and cost kernel. Numbers
// without an effect are left out, and so are numbers that decide structure and
// have no derivative (tp, pp, ep, dp, draft_tokens). At the maximum of two
// resources the derivative is that of the one that binds. Fails as Analyze
// does.
absl::StatusOr<SensitivityStudy> StudySensitivity(
    const Setup& given, const SensitivityOptions& options = {});

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_SENSITIVITY_H_
