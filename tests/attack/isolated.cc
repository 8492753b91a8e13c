#include "tests/attack/isolated.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <new>

#include "absl/strings/str_cat.h"

namespace tokenjoule {
namespace {

// What both processes see. The input is there before it is run.
struct Shared {
  Tally tally;
  uint64_t number = 0;
  bool done = false;
  char origin[512] = {};
  size_t size = 0;
  char bytes[4 << 20] = {};
};

Shared* MakeShared() {
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::abort();
  }
  return new (memory) Shared;
}

// Prints a fault and writes its input.
void Tell(const Target& target, absl::string_view fault, const Shared& shared,
          const IsolationOptions& options) {
  const std::string path =
      absl::StrCat(options.out, "/", target.name, "-", shared.number, ".input");
  std::ofstream(path, std::ios::binary)
      .write(shared.bytes, static_cast<std::streamsize>(shared.size));
  std::cout << target.name << ": " << shared.origin << ": " << fault
            << "\n  again: replay --target=" << target.name << " " << path
            << std::endl;
}

// Runs inputs in this process until there are no more.
void RunHere(const Target& target,
             const std::function<bool(uint64_t, Input*)>& input_of,
             const IsolationOptions& options, Shared* shared) {
  Tally& tally = shared->tally;
  Input input;
  for (; input_of(shared->number, &input); ++shared->number) {
    shared->size = std::min(input.bytes.size(), sizeof shared->bytes);
    std::memcpy(shared->bytes, input.bytes.data(), shared->size);
    std::snprintf(shared->origin, sizeof shared->origin, "%s",
                  input.origin.c_str());
    ++tally.executions;
    alarm(options.hang_s);
    const auto start = std::chrono::steady_clock::now();
    const Verdict verdict = target.run(input.bytes);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    alarm(0);
    tally.seconds += seconds;
    tally.slowest_s = std::max(tally.slowest_s, seconds);
    ++(verdict.accepted ? tally.accepted : tally.refused);
    if (verdict.broken.empty()) continue;
    ++tally.broken;
    std::string faults;
    for (const std::string& broken : verdict.broken) {
      absl::StrAppend(&faults, "\n  ", broken);
    }
    Tell(target, faults, *shared, options);
    if (tally.faults() >= options.most_faults) break;
  }
  shared->done = true;
}

// Memory beyond this is a fault. Sanitizers reserve more than there is.
void LimitMemory() {
#if !defined(__SANITIZE_ADDRESS__)
  constexpr rlim_t kMost = rlim_t{8} << 30;
  const struct rlimit limit = {kMost, kMost};
  setrlimit(RLIMIT_AS, &limit);
#endif
}

}  // namespace

Tally RunIsolated(const Target& target,
                  const std::function<bool(uint64_t, Input*)>& input_of,
                  const IsolationOptions& options) {
  Shared* const shared = MakeShared();
  while (!shared->done) {
    std::cout.flush();
    const pid_t child = fork();
    if (child < 0) {
      std::perror("fork");
      std::abort();
    }
    if (child == 0) {
      LimitMemory();
      RunHere(target, input_of, options, shared);
      std::cout.flush();
      _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (shared->done) break;
    const bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    ++(hung ? shared->tally.hung : shared->tally.crashed);
    Tell(target,
         hung ? absl::StrCat("runs for over ", options.hang_s, " s")
         : WIFSIGNALED(status)
             ? absl::StrCat("ends the process: ", strsignal(WTERMSIG(status)))
             : absl::StrCat("ends the process with exit code ",
                            WEXITSTATUS(status)),
         *shared, options);
    if (shared->tally.faults() >= options.most_faults) break;
    ++shared->number;
  }
  const Tally tally = shared->tally;
  munmap(shared, sizeof *shared);
  return tally;
}

}  // namespace tokenjoule
