// Answers of the tool, for tests.

#ifndef ANALYZER_TESTING_EVALUATE_H_
#define ANALYZER_TESTING_EVALUATE_H_

#include "absl/strings/string_view.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/status.h"

namespace tokenjoule {

// The default scenario at a batch and a context, on `tp` chips.
inline Scenario DefaultPoint(double batch, double context = 2048, int tp = 1) {
  Scenario scenario = DefaultScenario();
  scenario.set_batch(batch);
  scenario.set_context(context);
  scenario.set_tp(tp);
  return scenario;
}

// Calls Analyze; an error fails and ends the test, at the line of the call.
inline Report AnalyzeOrDie(const Model& model, const Hardware& hardware,
                           const Scenario& scenario,
                           const AnalyzeOptions& options = kWithOperators,
                           const char* file = __builtin_FILE(),
                           int line = __builtin_LINE()) {
  return OrDie(Analyze(model, hardware, scenario, options), file, line);
}

// The same for a model and a machine of the catalogue.
inline Report AnalyzeOrDie(absl::string_view model, absl::string_view hardware,
                           const Scenario& scenario,
                           const char* file = __builtin_FILE(),
                           int line = __builtin_LINE()) {
  return AnalyzeOrDie(LoadModelOrDie(model, {}, file, line),
                      LoadHardwareOrDie(hardware, {}, file, line), scenario,
                      kWithOperators, file, line);
}

// A model and a machine of the catalogue in a scenario, without a draft model.
inline Setup SetupOrDie(absl::string_view model, absl::string_view hardware,
                        const Scenario& scenario,
                        const char* file = __builtin_FILE(),
                        int line = __builtin_LINE()) {
  return {LoadModelOrDie(model, {}, file, line),
          LoadHardwareOrDie(hardware, {}, file, line),
          scenario,
          {}};
}

// Energy of a term, J per token; 0 if the report has no such term.
inline double TermOf(const Report& report, Term::Value term) {
  for (const EnergyTerm& entry : report.energy_terms()) {
    if (entry.term() == term) return entry.energy_per_token_j();
  }
  return 0;
}

}  // namespace tokenjoule

#endif  // ANALYZER_TESTING_EVALUATE_H_
