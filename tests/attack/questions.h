// Random questions: model, machine, runtime and scenario, with constants
// changed within and beyond what they accept.

#ifndef TESTS_ATTACK_QUESTIONS_H_
#define TESTS_ATTACK_QUESTIONS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "analyzer/evaluate/setup.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// A question, as a setup or as the reason why it is none, and as a scenario
// that asks it again: `tokenjoule analyze --scenario=FILE`.
struct Question {
  absl::StatusOr<Setup> setup = absl::UnknownError("");
  Scenario scenario;
};

// The question of that number in the sequence of that seed: always the same
// one.
Question QuestionOf(uint64_t seed, uint64_t number);

}  // namespace tokenjoule

#endif  // TESTS_ATTACK_QUESTIONS_H_
