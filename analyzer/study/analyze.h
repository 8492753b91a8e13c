// One scenario: model x machine x operating point -> report.

#ifndef ANALYZER_STUDY_ANALYZE_H_
#define ANALYZER_STUDY_ANALYZE_H_

#include <array>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/cost/kernel.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/report.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// Position of a boundary from the inside out (stack 0 ... facility 5); -1 for
// an unknown name.
int BoundaryIndex(absl::string_view name);

// Innermost boundary of each term, by their indices.
inline constexpr std::array<int, kNumEnergyTerms> kTermBoundary = {
    0,  // kDramActivate
    0,  // kDramColumn
    0,  // kDramInterface
    1,  // kDramPhyController
    0,  // kDramBackground
    2,  // kSram
    2,  // kOnChipNetwork
    2,  // kCompute
    2,  // kAdc
    2,  // kDac
    2,  // kArrayWrite
    2,  // kLink
    3,  // kStatic
    4,  // kHost
    5,  // kFacility
};

// Energy of the terms inside a boundary, by its index.
template <typename N>
Energy<N> EnergyInside(const EnergyTerms<N>& terms, int boundary) {
  Energy<N> sum;
  for (int i = 0; i < kNumEnergyTerms; ++i) {
    if (kTermBoundary[i] <= boundary) sum += terms[i];
  }
  return sum;
}

// The machine a scenario runs on: made ideal where it asks for that.
Machine<> MachineFor(const Hardware& hardware, const Scenario& scenario);

// The scenario that is meant where nothing is said: one sequence on one chip,
// counted at the board, its context left open (WithContext).
Scenario DefaultScenario();

// The scenario with a context where it has none: with prompt and output lengths
// the mean in flight, prompt + output / 2; otherwise 2048 tokens.
Scenario WithContext(Scenario scenario);

struct AnalyzeOptions {
  // Whether to fill in Report.operators.
  bool operators = true;
  // Whether to fill in ranges (one kernel evaluation for each end of each
  // constant).
  bool ranges = true;
  // The model that drafts, where the scenario speculates with one.
  const Model* draft = nullptr;
};

// The answer to one scenario. Fails with every fault where the model cannot be
// run on the machine this way.
absl::StatusOr<Report> Analyze(const Model& model, const Hardware& hardware,
                               const Scenario& scenario,
                               const AnalyzeOptions& options = {});

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_ANALYZE_H_
