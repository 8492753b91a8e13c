// The inputs that fuzzing begins with, and the words that it tries in them.

#ifndef TESTS_ATTACK_SEEDS_H_
#define TESTS_ATTACK_SEEDS_H_

#include <string>
#include <vector>

#include "tests/attack/targets.h"

namespace tokenjoule {

struct Seed {
  // Below the root of the repository.
  std::string path;
  std::string bytes;
};

// The shipped files of a target and its corpus, tests/attack/corpus/NAME/, by
// path, then the seeds that the code makes. The working directory is the root
// of the repository, or of a test's files; elsewhere there are no files.
std::vector<Seed> SeedsOf(const Target& target);

// Words of the target's inputs, sorted: fields, enumerators and the names of
// formats and boundaries by its messages, the words that it names, and those of its
// seeds. None is longer than libFuzzer takes.
std::vector<std::string> WordsOf(const Target& target,
                                 const std::vector<Seed>& seeds);

// Words as a dictionary of libFuzzer.
std::string DictionaryOf(const std::vector<std::string>& words);

}  // namespace tokenjoule

#endif  // TESTS_ATTACK_SEEDS_H_
