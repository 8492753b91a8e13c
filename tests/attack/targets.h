// Targets of fuzzing: what the tool reads, each as a function of any bytes.

#ifndef TESTS_ATTACK_TARGETS_H_
#define TESTS_ATTACK_TARGETS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {

// What a target did with an input.
struct Verdict {
  // Whether it was accepted; otherwise it was refused.
  bool accepted = false;
  // The relations that the answer or the refusal breaks, one sentence each; to
  // be empty.
  std::vector<std::string> broken;
};

// Files of the repository below a folder, with all folders in it.
struct SeedFiles {
  std::string folder;
  // How their names end.
  std::string ending;
};

struct Target {
  // As --target takes it.
  std::string name;
  // What the bytes are, for people.
  std::string input;
  // Reads the bytes as that and, where they are accepted, goes on into the
  // engine and the writers. Touches no file. Never crashes.
  Verdict (*run)(absl::string_view bytes) = nullptr;
  // Shipped files that are valid inputs, besides tests/attack/corpus/NAME/.
  std::vector<SeedFiles> seeds = {};
  // Messages whose fields and values are words of the input.
  std::vector<const google::protobuf::Descriptor*> messages = {};
  // Further words that the code knows.
  std::vector<std::string> words = {};
  // Valid inputs that the code makes, because files of them would go stale or
  // are binary. May be null.
  std::vector<std::string> (*make)() = nullptr;
};

// All targets, in the order of the layers: descriptions, imports, studies,
// requests.
const std::vector<Target>& Targets();

// The target of that name, or nullptr.
const Target* FindTarget(absl::string_view name);

}  // namespace tokenjoule

#endif  // TESTS_ATTACK_TARGETS_H_
