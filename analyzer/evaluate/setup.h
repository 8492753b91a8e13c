// What a study is about: a model, a machine and a way of running it.

#ifndef ANALYZER_EVALUATE_SETUP_H_
#define ANALYZER_EVALUATE_SETUP_H_

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "analyzer/ledger/ledger.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

struct Setup {
  Model model;
  Hardware hardware;
  Scenario scenario;
  // The model that drafts, where the scenario names one.
  absl::optional<Model> draft;
  // What the answer is held to, where a scenario's file says so.
  Expectations expect{};

  const Model* draft_or_null() const {
    return draft.has_value() ? &*draft : nullptr;
  }
};

// The model that drafts, where a scenario names one; nothing where it drafts
// with the model's own module, with a free lookup or not at all. Fails as
// LoadModel does.
absl::StatusOr<absl::optional<Model>> LoadDraft(const Scenario& scenario);

// The scenario that is meant where nothing is said: one sequence on one chip,
// counted at the board, its context left open (WithContext).
Scenario DefaultScenario();

// The scenario with a context where it has none: with prompt and output lengths
// the mean in flight, prompt + output / 2; otherwise 2048 tokens.
Scenario WithContext(Scenario scenario);

// A setup with everything that its scenario leaves open filled in and
// everything that it names looked up, once: context, formats, parallelism,
// boundary. What is below takes these and does not look again.
class ResolvedSetup {
 public:
  // Keeps `setup`; validates nothing.
  explicit ResolvedSetup(Setup setup);

  const Model& model() const { return setup_.model; }
  const Hardware& hardware() const { return setup_.hardware; }
  // As given, with a context: what the ledger reads.
  const Scenario& scenario() const { return setup_.scenario; }
  const Model* draft_or_null() const { return setup_.draft_or_null(); }
  const TensorFormats& formats() const { return formats_; }
  const Parallelism& parallel() const { return parallel_; }
  // Index of the boundary that the answer counts inside of.
  int boundary() const { return boundary_; }

  // The scenario with formats and boundary filled in, for reports.
  Scenario Described() const;

  // The step to be counted; points into this.
  StepSetup step() const {
    return {setup_.model, setup_.scenario, draft_or_null(),
            formats_,     draft_formats_,  parallel_};
  }

  // Other sizes of the same setup: nothing that was looked up depends on them.
  void set_batch(double batch) { setup_.scenario.set_batch(batch); }
  void set_context(double context) { setup_.scenario.set_context(context); }

 private:
  Setup setup_;
  TensorFormats formats_, draft_formats_;
  Parallelism parallel_;
  int boundary_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_SETUP_H_
