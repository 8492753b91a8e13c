// What a study is about: a model, a machine and a way of running it.

#ifndef ANALYZER_STUDY_SETUP_H_
#define ANALYZER_STUDY_SETUP_H_

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

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_SETUP_H_
