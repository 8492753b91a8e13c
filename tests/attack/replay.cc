// Runs targets over every shipped file, every file of their corpora and
// mutations of each; needs no libFuzzer.
//
//   bazel-bin/tests/attack/replay --mutations=100000 --seed=7
//   bazel-bin/tests/attack/replay --target=model --seconds=600 --seed=7
//   bazel-bin/tests/attack/replay --target=model model-1234.input   files alone
//   bazel-bin/tests/attack/replay --target=model --dictionary
//
// Run it in the root of the repository. Prints a line for each target and exits
// with 1 if an input crashed, hung, or had an answer that broke a relation;
// such inputs are written into --out.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "tests/attack/isolated.h"
#include "tests/attack/mutate.h"
#include "tests/attack/seeds.h"
#include "tests/attack/targets.h"

namespace tokenjoule {
namespace {

struct Options {
  // Empty: all.
  std::string target;
  // Mutations of a target; each of its seeds is mutated at least once.
  uint64_t mutations = 0;
  // If above 0, seconds for a target's mutations instead of their number.
  double seconds = 0;
  uint64_t seed = 1;
  bool dictionary = false;
  // Instead of seeds and mutations.
  std::vector<std::string> files;
  IsolationOptions isolation;
};

// Reads the command line; false if it cannot be read.
bool ReadOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    const auto value = argument.substr(argument.find('=') + 1);
    bool read = true;
    if (!absl::StartsWith(argument, "--")) {
      options->files.emplace_back(argument);
    } else if (argument == "--dictionary") {
      options->dictionary = true;
    } else if (absl::StartsWith(argument, "--target=")) {
      options->target = std::string(value);
      read = FindTarget(value) != nullptr;
    } else if (absl::StartsWith(argument, "--mutations=")) {
      read = absl::SimpleAtoi(value, &options->mutations);
    } else if (absl::StartsWith(argument, "--seconds=")) {
      read = absl::SimpleAtod(value, &options->seconds);
    } else if (absl::StartsWith(argument, "--seed=")) {
      read = absl::SimpleAtoi(value, &options->seed);
    } else if (absl::StartsWith(argument, "--hang-seconds=")) {
      read = absl::SimpleAtoi(value, &options->isolation.hang_s);
    } else if (absl::StartsWith(argument, "--out=")) {
      options->isolation.out = std::string(value);
    } else {
      read = false;
    }
    if (!read) return false;
  }
  return (options->files.empty() && !options->dictionary) ||
         !options->target.empty();
}

Tally RunFiles(const Target& target, const Options& options) {
  return RunIsolated(
      target,
      [&](uint64_t number, Input* input) {
        if (number >= options.files.size()) return false;
        const std::string& path = options.files[number];
        std::ifstream in(path, std::ios::binary);
        input->origin = path;
        input->bytes.assign(std::istreambuf_iterator<char>(in), {});
        return true;
      },
      options.isolation);
}

// The seeds, then their mutations, one of each in turn.
Tally RunSeeds(const Target& target, const Options& options) {
  const std::vector<Seed> seeds = SeedsOf(target);
  const std::vector<std::string> words = WordsOf(target, seeds);
  if (seeds.empty()) {
    std::cout << target.name
              << ": no seeds; run this in the root of the "
                 "repository\n";
    Tally tally;
    tally.broken = 1;
    return tally;
  }
  // The same mutations as of a target alone.
  uint64_t base = options.seed;
  for (const char c : target.name) base = base * 131 + static_cast<uint8_t>(c);
  const uint64_t mutations = options.mutations == 0
                                 ? 0
                                 : (options.mutations + seeds.size() - 1) /
                                       seeds.size() * seeds.size();
  const auto start = std::chrono::steady_clock::now();
  return RunIsolated(
      target,
      [&](uint64_t number, Input* input) {
        const Seed& seed = seeds[number % seeds.size()];
        if (number < seeds.size()) {
          *input = {seed.bytes, seed.path};
          return true;
        }
        const double elapsed = std::chrono::duration<double>(
                                   std::chrono::steady_clock::now() - start)
                                   .count();
        if (options.seconds > 0 ? elapsed >= options.seconds
                                : number >= seeds.size() + mutations) {
          return false;
        }
        const uint64_t draw = base * 0x9e3779b97f4a7c15u + number;
        const Seed& other = seeds[draw % seeds.size()];
        *input = {Mutated(seed.bytes, other.bytes, words, draw),
                  absl::StrCat(seed.path, ", mutation ", number, " of seed ",
                               options.seed)};
        return true;
      },
      options.isolation);
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  using namespace tokenjoule;  // NOLINT
  Options options;
  if (const char* outputs = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR")) {
    options.isolation.out = outputs;
  }
  if (!ReadOptions(argc, argv, &options)) {
    std::cerr << "usage: replay [--target=NAME] [--mutations=N | --seconds=S] "
                 "[--seed=N] [--hang-seconds=S] [--out=DIR] [--dictionary] "
                 "[FILE...]\n";
    for (const Target& target : Targets()) {
      std::cerr << "  --target=" << target.name << ": " << target.input << "\n";
    }
    return 2;
  }
  if (options.dictionary) {
    const Target& target = *FindTarget(options.target);
    std::cout << DictionaryOf(WordsOf(target, SeedsOf(target)));
    return 0;
  }
  Tally all;
  std::cout << absl::StrFormat("%-18s %10s %10s %10s %7s %8s %8s\n", "target",
                               "executions", "accepted", "refused", "faults",
                               "seconds", "slowest");
  for (const Target& target : Targets()) {
    if (!options.target.empty() && target.name != options.target) continue;
    const Tally tally = options.files.empty() ? RunSeeds(target, options)
                                              : RunFiles(target, options);
    std::cout << absl::StrFormat("%-18s %10d %10d %10d %7d %8.1f %8.3f\n",
                                 target.name, tally.executions, tally.accepted,
                                 tally.refused, tally.faults(), tally.seconds,
                                 tally.slowest_s);
    all.executions += tally.executions;
    all.accepted += tally.accepted;
    all.refused += tally.refused;
    all.broken += tally.faults();
    all.seconds += tally.seconds;
  }
  std::cout << absl::StrFormat("%-18s %10d %10d %10d %7d %8.1f\n", "all",
                               all.executions, all.accepted, all.refused,
                               all.faults(), all.seconds);
  return all.faults() > 0 ? 1 : 0;
}
