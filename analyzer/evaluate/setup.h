// What a study is about: a model, a machine and a way of running it.

#ifndef ANALYZER_EVALUATE_SETUP_H_
#define ANALYZER_EVALUATE_SETUP_H_

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
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

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_SETUP_H_
