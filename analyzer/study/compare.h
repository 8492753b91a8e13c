// Why two answers differ: term by term and cause by cause, exactly.

#ifndef ANALYZER_STUDY_COMPARE_H_
#define ANALYZER_STUDY_COMPARE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The difference of two answers of Analyze, b less a. Fails where they were
// counted at different boundaries: then there is no one sum to attribute.
absl::StatusOr<Comparison> Compare(const Report& a, const Report& b);

// Fields in which two answers were asked for differently: model, machine, each
// field of the resolved scenario, e.g. "batch: 1 -> 32".
std::vector<std::string> ScenarioDifferences(const Report& a, const Report& b);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_COMPARE_H_
