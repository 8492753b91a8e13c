// Scenarios for tests of rooms below `evaluate`, which fills in defaults.

#ifndef ANALYZER_TESTING_SCENARIO_H_
#define ANALYZER_TESTING_SCENARIO_H_

#include "proto/scenario.pb.h"

namespace tokenjoule {

// One chip at a batch and a context, with the checkpoint's own formats.
inline Scenario Point(double batch, double context) {
  Scenario scenario;
  scenario.set_batch(batch);
  scenario.set_context(context);
  scenario.set_tp(1);
  scenario.set_pp(1);
  scenario.set_dp(1);
  scenario.set_ep(1);
  return scenario;
}

}  // namespace tokenjoule

#endif  // ANALYZER_TESTING_SCENARIO_H_
