// Explains why two answers differ: exactly, by term and by cause.

#ifndef ANALYZER_STUDY_COMPARE_H_
#define ANALYZER_STUDY_COMPARE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The difference between two answers of Analyze, b minus a. Fails if they were
// counted at different boundaries, because then there is no single total to
// attribute.
absl::StatusOr<Comparison> Compare(const Report& a, const Report& b);

// The inputs that differ between two answers: model, machine, each field of the
// resolved scenario, e.g. "batch: 1 -> 32".
std::vector<std::string> ScenarioDifferences(const Report& a, const Report& b);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_COMPARE_H_
