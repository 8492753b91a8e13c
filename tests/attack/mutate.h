// Changes of inputs, as people's and programs' mistakes make them.

#ifndef TESTS_ATTACK_MUTATE_H_
#define TESTS_ATTACK_MUTATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// `input` with one to four changes: lines deleted, repeated, exchanged or taken
// from `other`; numbers and words replaced; words inserted; bytes flipped,
// inserted and overwritten; ranges deleted and repeated; the end cut off. One
// binary makes the same changes of the same seed.
std::string Mutated(absl::string_view input, absl::string_view other,
                    const std::vector<std::string>& words, uint64_t seed);

}  // namespace tokenjoule

#endif  // TESTS_ATTACK_MUTATE_H_
