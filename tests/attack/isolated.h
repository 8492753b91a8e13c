// Runs inputs in a process of their own, so that an input that crashes it,
// fills the memory or never ends is a result like others.

#ifndef TESTS_ATTACK_ISOLATED_H_
#define TESTS_ATTACK_ISOLATED_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/attack/targets.h"

namespace tokenjoule {

// An input, and where it comes from in words.
struct Input {
  std::string bytes;
  std::string origin;
};

// What became of the executions of a target.
struct Tally {
  uint64_t executions = 0, accepted = 0, refused = 0;
  // Inputs whose answer broke a relation, ended the process, or took too long.
  uint64_t broken = 0, crashed = 0, hung = 0;
  double seconds = 0, slowest_s = 0;

  uint64_t faults() const { return broken + crashed + hung; }
};

struct IsolationOptions {
  // Seconds after which an input has hung.
  unsigned hang_s = 60;
  // Faults after which a target is given up.
  uint64_t most_faults = 20;
  // Folder where the inputs at fault are written.
  std::string out = ".";
};

// Runs the inputs `input_of(0)`, `input_of(1)`, ... until it returns false.
// Prints each fault and the file that its input was written to.
Tally RunIsolated(const Target& target,
                  const std::function<bool(uint64_t number, Input*)>& input_of,
                  const IsolationOptions& options);

}  // namespace tokenjoule

#endif  // TESTS_ATTACK_ISOLATED_H_
