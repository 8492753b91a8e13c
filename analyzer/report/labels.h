// Words that several answers share.

#ifndef ANALYZER_REPORT_LABELS_H_
#define ANALYZER_REPORT_LABELS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "analyzer/evaluate/figures.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// A term as people read it: "DRAM PHY and controller (host)".
std::string TermLabel(Term::Value term);

// The binding resource as people read it: "memory".
std::string BoundLabel(Bound::Value bound);

// The factor of a change as people read it: "longer or shorter" for time.
std::string FactorLabel(CauseChange::Factor factor);

// A figure as people read it: "intensity".
std::string FigureLabel(FigureOfAnswer figure);

// A boundary as people read it: "memory path".
std::string BoundaryLabel(absl::string_view boundary);

// "2 chips (tp 2)".
std::string Chips(const Report& report);

// What the answer counts energy per: "token", or "inference" for a network of
// explicit layers.
std::string Work(const Report& report);

// "context 2048, "; empty for a network, which has none.
std::string ContextWords(const Scenario& scenario);

// "bf16 weights, fp8 KV cache, bf16 activations".
std::string Formats(const Scenario& scenario);

// What all figures of an answer have in common: a line with model, machine, chips
// and runtime; one with batch, context, formats and boundary; one with the fields
// that were set, if there are any. Each goes on in further lines if it is too
// long. `indent` as in Wrapped.
std::string SetupLines(const Report& report, int indent = 0);

// The same without the batch, for tables of several batches.
std::string SetupLinesWithoutBatch(const Report& report);

// "DOES NOT FIT: ..." and what would; empty if the answer fits.
std::string MisfitLines(const Report& report);

// The other warnings that a reader must see with an answer, a paragraph each;
// empty if there are none.
std::string WarningLines(const Report& report);

// Share of the memory in the energy inside the boundary of an answer.
struct ShareOfMemory {
  // "DRAM share", and what is counted: "the devices alone".
  std::string label, counted;
  double share, low, high;
  // Whether the range is known.
  bool has_range;
};

// That of the devices alone and of the devices with their path, without those that
// are all that the boundary encloses; empty where the answer has none.
std::vector<ShareOfMemory> SharesOfMemory(const Report& report);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_LABELS_H_
