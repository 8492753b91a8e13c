// Words that several answers share.

#ifndef ANALYZER_REPORT_LABELS_H_
#define ANALYZER_REPORT_LABELS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "analyzer/evaluate/figures.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// A term for people: "DRAM PHY and controller (host)".
std::string TermLabel(Term::Value term);

// What binds, for people: "memory".
std::string BoundLabel(Bound::Value bound);

// A figure for people: "intensity".
std::string FigureLabel(FigureOfAnswer figure);

// A boundary for people: "memory path".
std::string BoundaryLabel(absl::string_view boundary);

// "2 chips (tp 2)".
std::string Chips(const Report& report);

// "bf16 weights, fp8 KV cache, bf16 activations".
std::string Formats(const Scenario& scenario);

// Two lines: model, machine and chips; batch, context and formats. A third
// where fields were set.
std::string SetupLines(const Report& report);

// What a reader must know about an answer, a line each; empty where nothing.
std::string WarningLines(const Report& report);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_LABELS_H_
