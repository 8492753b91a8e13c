// Words that several answers share.

#ifndef ANALYZER_REPORT_LABELS_H_
#define ANALYZER_REPORT_LABELS_H_

#include <string>

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

// Two lines: model, machine and chips; batch, context and formats. A third line
// if fields were set.
std::string SetupLines(const Report& report);

// The warnings that a reader must see with an answer, one per line; empty if
// there are none.
std::string WarningLines(const Report& report);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_LABELS_H_
