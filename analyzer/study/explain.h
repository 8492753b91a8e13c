// What is known, and where each number comes from.

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
  // Below the machine, without "hardware.".
  std::string path;
  // Of the term (J per token) or the figure by the constant, in its unit.
  double derivative;
  // Per cent by which it changes where the constant grows by one per cent.
  double elasticity;
};

// The constants that a term or a figure depends on at a valid setup: those with
// a derivative that is not zero, by falling elasticity. `name` is that of a
// term (STATIC) or a figure, or the label that reports print; empty for others.
std::vector<ConstantEffect> EffectsOn(const ResolvedSetup& setup,
                                      absl::string_view name);

// Where `what` names a term of the report ("STATIC", "on-chip SRAM") or a
// figure
// ("arithmetic_intensity_flop_per_byte", "intensity"): its formula and the
// constants that enter it at this setup (EffectsOn). Else the constants whose
// path contains `what` ("" for all). Each with value, range and source. Fails
// where nothing matches, with the nearest names, and where the setup cannot be
// run.
absl::StatusOr<Explanation> Explain(const Setup& setup, absl::string_view what);

// Sets the formats that the first in-memory engine of a machine takes, where it
// has one and the scenario leaves formats open.
void UseFormatsOfArrays(const Hardware& hardware, Scenario* scenario);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_EXPLAIN_H_
