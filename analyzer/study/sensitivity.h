// How an answer moves with every number it is made from.

#ifndef ANALYZER_STUDY_SENSITIVITY_H_
#define ANALYZER_STUDY_SENSITIVITY_H_

#include "absl/status/statusor.h"
#include "analyzer/evaluate/setup.h"
#include "proto/report.pb.h"

namespace tokenjoule {

struct SensitivityOptions {
  // Draws over the ranges of all constants; 0: none.
  int samples = 0;
  // Seed of their generator.
  int seed = 1;
};

// Elasticities of energy per token, step time and DRAM share to each constant
// of the machine and each number of the model and the scenario, with dual
// numbers through ledger and cost kernel. Numbers that move nothing are left
// out, and so are those that decide structure and have no derivative (tp, pp,
// ep, dp, draft_tokens). At a maximum of two resources the derivative is that
// of the one that binds. Fails as Analyze does.
absl::StatusOr<SensitivityStudy> StudySensitivity(
    const Setup& setup, const SensitivityOptions& options = {});

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_SENSITIVITY_H_
