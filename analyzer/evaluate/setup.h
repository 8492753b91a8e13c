// The subject of a study: a model, a machine and a way of running it.

#ifndef ANALYZER_EVALUATE_SETUP_H_
#define ANALYZER_EVALUATE_SETUP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "analyzer/description/offload.h"
#include "analyzer/ledger/ledger.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/runtime.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

struct Setup {
  Model model;
  Hardware hardware;
  Scenario scenario;
  // The draft model, if the scenario names one.
  absl::optional<Model> draft;
  // The expectations for the answer, if a scenario file has any.
  Expectations expect{};

  const Model* draft_or_null() const {
    return draft.has_value() ? &*draft : nullptr;
  }
};

// Loads the draft model, if a scenario names one; nothing if it drafts with the
// model's own module, with a free lookup or not at all. Fails like LoadModel.
absl::StatusOr<absl::optional<Model>> LoadDraft(const Scenario& scenario);

// The default scenario: one sequence on one chip, energy at the board boundary,
// with no context set (see WithContext).
Scenario DefaultScenario();

// Sets the context of a scenario that has none: the mean in flight, prompt +
// output / 2, if prompt and output lengths are given; otherwise 2048 tokens.
Scenario WithContext(Scenario scenario);

// Fills in the formats that a machine with in-memory arrays takes where a scenario
// does not say and the checkpoint's are others: the widest inputs that its arrays
// take with the weights, and the widest weights if they take none of the
// checkpoint's. Other machines, and formats that the scenario gives, stay.
Scenario InServedFormats(const Hardware& hardware, const Model& model,
                         Scenario scenario);

// Fails (InvalidArgument) if a machine has in-memory arrays that run none of the
// products in the scenario's formats, and says what they take: nothing runs on
// another engine unasked.
absl::Status CheckServedFormats(const Hardware& hardware, const Model& model,
                                const Scenario& scenario);

// Fills in what the machine and its runtime decide where a scenario does not say:
// the formats of InServedFormats, how experts are chosen, the operands of experts,
// pages of the KV cache and the number of tokens that a step carries. Of the runtime
// an ideal scenario takes the choice of experts alone.
Scenario ServedBy(const Hardware& hardware, const Model& model,
                  Scenario scenario);

// The placement of a setup that offloads something or runs on several unlike
// machines; nothing otherwise, and for `auto`, which ResolveOffload has to
// replace first. The setup is valid.
absl::optional<LayerPlacement> LayerPlacementOf(const Setup& setup);

// The layers of each stage of a pipeline of unlike machines: those of
// Scenario.split, else in proportion to usable memory. Empty for one machine.
std::vector<int64_t> SplitOf(const Setup& setup);

// A setup with all defaults filled in and all names resolved once: context,
// formats, parallelism, boundary. Lower layers use the results without
// resolving again.
class ResolvedSetup {
 public:
  // Takes over `setup` without validating it.
  explicit ResolvedSetup(Setup setup);

  const Model& model() const { return setup_.model; }
  const Hardware& hardware() const { return setup_.hardware; }
  // The scenario as given, with a context; the ledger reads this.
  const Scenario& scenario() const { return setup_.scenario; }
  const Model* draft_or_null() const { return setup_.draft_or_null(); }
  const TensorFormats& formats() const { return formats_; }
  const Parallelism& parallel() const { return parallel_; }
  // The machines that share the step; nullptr if there is only one.
  const LayerPlacement* placement() const {
    return placement_.has_value() ? &*placement_ : nullptr;
  }
  // Index of the boundary of the answer's energy.
  int boundary() const { return boundary_; }

  // The scenario with formats and boundary filled in, for reports.
  Scenario Described() const;

  // What a reader must know of formats that the machine decided; empty: nothing.
  const std::string& formats_note() const { return formats_note_; }

  // The step to be counted; it points into this object.
  StepSetup step() const { return StepOf(setup_.scenario); }
  // The same step with another scenario that resolves alike; it points to that.
  StepSetup StepOf(const Scenario& scenario) const {
    return {setup_.model, scenario,       draft_or_null(), formats_,
            draft_formats_, parallel_, placement(), equal_quality_};
  }

  // Scenarios at the ends of the ranges of what the runtime decided: how
  // experts are chosen, and how many tokens a step carries.
  const std::vector<Scenario>& variants() const { return variants_; }

  // Changes sizes that none of the resolved values depends on.
  void set_batch(double batch) {
    setup_.scenario.set_batch(batch);
    for (Scenario& variant : variants_) variant.set_batch(batch);
  }
  void set_context(double context) {
    setup_.scenario.set_context(context);
    for (Scenario& variant : variants_) variant.set_context(context);
  }

 private:
  Setup setup_;
  std::vector<Scenario> variants_;
  std::string formats_note_;
  TensorFormats formats_, draft_formats_;
  Parallelism parallel_;
  absl::optional<LayerPlacement> placement_;
  absl::optional<EqualQuality> equal_quality_;
  int boundary_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_SETUP_H_
