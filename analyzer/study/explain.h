// Lists the catalogue, and explains where each number comes from.

#ifndef ANALYZER_STUDY_EXPLAIN_H_
#define ANALYZER_STUDY_EXPLAIN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/evaluate/setup.h"
#include "proto/hardware.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The catalogue's entries of a kind: "models", "hardware", "technologies",
// "classes", "formats", "boundaries", or "" for all.
absl::StatusOr<Listing> List(absl::string_view kind);

// How a constant enters a term or a figure.
struct ConstantEffect {
  // Path within the machine, without "hardware.".
  std::string path;
  // Derivative of the term (J per token) or of the figure with respect to the
  // constant, in the constant's unit.
  double derivative;
  // Percentage by which it changes when the constant grows by one percent.
  double elasticity;
};

// The constants that a term or a figure depends on at a valid setup, i.e. those
// with a non-zero derivative, in order of decreasing elasticity. `name` is the
// name of a term (STATIC) or of a figure, or the label that reports print; for
// any other name the result is empty.
std::vector<ConstantEffect> EffectsOn(const ResolvedSetup& setup,
                                      absl::string_view name);

// If `what` names a term of the report ("STATIC", "on-chip SRAM") or a figure
// ("arithmetic_intensity_flop_per_byte", "intensity"), returns its formula and
// the constants that enter it at this setup (EffectsOn). Otherwise returns the
// constants whose path contains `what` ("" for all). Each constant has its
// value, range and source. Fails with the nearest names if nothing matches, and
// if the setup cannot be run.
absl::StatusOr<Explanation> Explain(const Setup& setup, absl::string_view what);

// If the machine has an in-memory engine, sets those formats that the scenario
// leaves open to the ones that the first such engine takes.
void UseFormatsOfArrays(const Hardware& hardware, Scenario* scenario);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_EXPLAIN_H_
