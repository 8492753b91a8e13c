// One scenario: model x machine x operating point -> report.

#ifndef ANALYZER_EVALUATE_ANALYZE_H_
#define ANALYZER_EVALUATE_ANALYZE_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/evaluate/evidence.h"
#include "analyzer/evaluate/ranges.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/machine/machine.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The parts of a report that are filled in besides its figures.
struct AnalyzeOptions {
  // Report.operators.
  bool operators = false;
  // Ranges of the figures, over the ranges of all constants of the machine.
  bool ranges = true;
  // Lists: energy by boundary, term and cause, time by bound, parts of the
  // model, notes; and Report.factorization.
  bool details = true;
};

// Everything.
inline constexpr AnalyzeOptions kWithOperators = {true, true, true};
// Figures and details, with their ranges.
inline constexpr AnalyzeOptions kWithRanges = {false, true, true};
// Figures and details, without ranges.
inline constexpr AnalyzeOptions kWithDetails = {false, false, true};
// The figures only, at the central values of all constants.
inline constexpr AnalyzeOptions kFiguresOnly = {false, false, false};

// Fails, listing every fault, if the model cannot be run on the machine this
// way.
absl::Status Validate(const Setup& setup);

// Fails if no engine of a machine runs a product of a step: in-memory and
// bit-serial engines take only the formats that their description names.
// `machine` is its name.
absl::Status CheckProducts(const Ledger<>& ledger,
                           const MachineStructure& structure,
                           absl::string_view machine);

// Fails if the setup offloads something or is a pipeline of unlike machines, for
// studies of a single machine; `study` is their name.
absl::Status RequireOneMachine(const Setup& setup, absl::string_view study);

// Fails if the model is a network of explicit layers, for studies of what
// language models do; `study` is their name.
absl::Status RequireLanguageModel(const Setup& setup, absl::string_view study);

// Computes answers for one setup at several batches and contexts. The machine,
// and the machines at the ends of its ranges, are built once.
class Analysis {
 public:
  // `setup` must be valid and must outlive this; its batch and context may
  // change between answers.
  Analysis(const ResolvedSetup& setup, const AnalyzeOptions& options);

  // Returns the answer. Fails if counts are too large for a double.
  absl::StatusOr<Report> Answer();

 private:
  const ResolvedSetup& setup_;
  const AnalyzeOptions options_;
  const Machine<> machine_;
  // The machines that share the step, `machine_` among them; empty if it is
  // alone.
  const std::vector<Machine<>> machines_;
  // The scenario as shown in reports, except for batch and context.
  Scenario described_;
  const Support support_;
  absl::optional<Ranges> ranges_;
  // Memory that is reused from answer to answer.
  Ledger<> not_grown_;
  Evaluation<> evaluation_;
};

// The answer to one scenario. Fails as Validate and Analysis::Answer do.
absl::StatusOr<Report> Analyze(const Setup& setup,
                               const AnalyzeOptions& options = kWithRanges);

// The same for a model, a machine and a scenario without a separate draft
// model.
absl::StatusOr<Report> Analyze(const Model& model, const Hardware& hardware,
                               const Scenario& scenario,
                               const AnalyzeOptions& options = kWithOperators);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_ANALYZE_H_
