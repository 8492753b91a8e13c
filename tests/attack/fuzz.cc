// The targets under libFuzzer, with coverage and AddressSanitizer:
//
//   ./tools/bazel run --config=fuzz //tests/attack:fuzz -- --target=model
//       -max_total_time=600 [/ABSOLUTE/CORPUS]
//   bazel-bin/tests/attack/fuzz --target=model crash-1234     one input again
//
// The shipped files of the target are its first inputs, and the words of its
// dictionary come from them and from the schema; they are found in the root of the
// repository and below `bazel run`. Every flag of libFuzzer works. Inputs at fault
// are written into the working directory of the user.

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/attack/mutate.h"
#include "tests/attack/seeds.h"
#include "tests/attack/targets.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace tokenjoule {
namespace {

// Where libFuzzer's own processes find what the first one has written.
constexpr char kFolder[] = "TOKENJOULE_FUZZ_FOLDER";

const Target* target = nullptr;
std::vector<std::string>* words = nullptr;
std::vector<Seed>* seeds = nullptr;

void WriteFile(const std::string& path, absl::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

// The folder with `seeds`, `found` and `words.dict`; made if this is the first
// process.
std::string Folder() {
  if (const char* made = std::getenv(kFolder)) return made;
  const std::string folder =
      absl::StrCat(std::filesystem::temp_directory_path().string(),
                   "/tokenjoule-fuzz-", target->name, "-", getpid());
  std::filesystem::create_directories(folder + "/seeds");
  std::filesystem::create_directories(folder + "/found");
  int number = 0;
  for (const Seed& seed : *seeds) {
    WriteFile(absl::StrCat(folder, "/seeds/", number++), seed.bytes);
  }
  WriteFile(folder + "/words.dict", DictionaryOf(*words));
  setenv(kFolder, folder.c_str(), /*overwrite=*/1);
  return folder;
}

}  // namespace
}  // namespace tokenjoule

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace tokenjoule;  // NOLINT
  static std::vector<std::string> arguments(*argv, *argv + *argc);
  bool has_file = false, has_folder = false, has_dictionary = false,
       has_prefix = false;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    // libFuzzer itself passes over flags with two dashes.
    if (absl::StartsWith(argument, "--target=")) {
      target = FindTarget(absl::string_view(argument).substr(9));
    }
    has_dictionary |= absl::StartsWith(argument, "-dict=");
    has_prefix |= absl::StartsWith(argument, "-artifact_prefix=");
    if (absl::StartsWith(argument, "-")) continue;
    has_file |= std::filesystem::is_regular_file(argument);
    has_folder |= std::filesystem::is_directory(argument);
  }
  if (target == nullptr) {
    std::cerr << "usage: fuzz --target=NAME [FLAGS OF LIBFUZZER] [CORPUS]\n";
    for (const Target& one : Targets()) {
      std::cerr << "  " << one.name << ": " << one.input << "\n";
    }
    std::exit(2);
  }
  seeds = new std::vector<Seed>(SeedsOf(*target));
  words = new std::vector<std::string>(WordsOf(*target, *seeds));
  const std::string folder = Folder();
  if (!has_dictionary) arguments.push_back("-dict=" + folder + "/words.dict");
  // `bazel run` starts in a folder of its own.
  const char* user = std::getenv("BUILD_WORKING_DIRECTORY");
  if (user != nullptr && !has_prefix) {
    arguments.push_back(absl::StrCat("-artifact_prefix=", user, "/"));
  }
  // libFuzzer writes what it finds into the first folder.
  if (!has_file && !has_folder) arguments.push_back(folder + "/found");
  if (!has_file) arguments.push_back(folder + "/seeds");
  static std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  *argc = static_cast<int>(arguments.size());
  *argv = pointers.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokenjoule;  // NOLINT
  const Verdict verdict =
      target->run({reinterpret_cast<const char*>(data), size});
  if (verdict.broken.empty()) return 0;
  for (const std::string& broken : verdict.broken) std::cerr << broken << "\n";
  std::abort();
}

// Half of the changes are those of mutate.h, which know lines and numbers.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
                                          size_t most, unsigned int seed) {
  using namespace tokenjoule;  // NOLINT
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  const absl::string_view other =
      seeds->empty() ? absl::string_view()
                     : (*seeds)[seed / 2 % seeds->size()].bytes;
  std::string mutated =
      Mutated({reinterpret_cast<const char*>(data), size}, other, *words, seed);
  if (mutated.size() > most) mutated.resize(most);
  std::copy(mutated.begin(), mutated.end(), data);
  return mutated.size();
}
