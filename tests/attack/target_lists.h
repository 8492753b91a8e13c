// The targets by what they read; targets.h puts them together.

#ifndef TESTS_ATTACK_TARGET_LISTS_H_
#define TESTS_ATTACK_TARGET_LISTS_H_

#include <vector>

#include "tests/attack/targets.h"

namespace tokenjoule {

// Textprotos of the catalogue's kinds, scenarios, and changes by --set.
std::vector<Target> DescriptionTargets();

// Checkpoints of other projects: config.json, a quantiser's file, GGUF headers.
std::vector<Target> ImportTargets();

// Measurements, spaces, baselines and shards.
std::vector<Target> StudyTargets();

// What programs and pages send.
std::vector<Target> RequestTargets();

}  // namespace tokenjoule

#endif  // TESTS_ATTACK_TARGET_LISTS_H_
