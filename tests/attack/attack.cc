// Random questions for a time, with what holds for every answer checked on
// each.
//
//   bazel-bin/tests/attack/attack --seconds=600 --seed=7
//   bazel-bin/tests/attack/attack --seed=7 --case=1234      one question again
//
// Prints what it asked and found, and exits with 1 if an answer broke a
// relation.

#include <chrono>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/evaluate/analyze.h"
#include "tests/attack/invariants.h"
#include "tests/attack/questions.h"
#include "tests/attack/requests.h"

namespace tokenjoule {
namespace {

struct Tally {
  uint64_t asked = 0, refused = 0, answered = 0, studies = 0, broken = 0;
};

// Asks one question; returns the relations that its answer breaks.
std::vector<std::string> Ask(const Question& question, uint64_t number,
                             Tally* tally) {
  ++tally->asked;
  if (!question.setup.ok()) {
    ++tally->refused;
    return BrokenByRefusal(question.setup.status());
  }
  const absl::StatusOr<Report> report =
      Analyze(*question.setup, kWithOperators);
  if (!report.ok()) {
    ++tally->refused;
    return BrokenByRefusal(report.status());
  }
  ++tally->answered;
  std::vector<std::string> broken = BrokenBy(*report);
  const auto append = [&](const std::vector<std::string>& more) {
    broken.insert(broken.end(), more.begin(), more.end());
  };
  append(BrokenByVariants(*question.setup, *report));
  append(BrokenByDearer(*question.setup, *report, number * 31));
  append(BrokenByFaster(*question.setup, number * 17));
  append(BrokenByTexts(*report));
  return broken;
}

// Asks for a study of one question in four; returns what is wrong with the
// reply.
std::vector<std::string> Study(const Question& question, uint64_t number,
                               Tally* tally) {
  if (number % 4 != 0) return {};
  ++tally->studies;
  const uint64_t draw = (number + 1) * 0x9e3779b97f4a7c15u >> 16;
  const std::string request = StudyRequest(question.scenario, draw);
  std::vector<std::string> broken =
      BrokenByReply(SmallAnswerer().Answer(request));
  if (!broken.empty()) broken.push_back(absl::StrCat("request: ", request));
  return broken;
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  using namespace tokenjoule;  // NOLINT
  double seconds = 10;
  uint64_t seed = 1, one = 0, most = ~uint64_t{0};
  bool has_one = false;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    const auto value = argument.substr(argument.find('=') + 1);
    bool read = false;
    if (absl::StartsWith(argument, "--seconds=")) {
      read = absl::SimpleAtod(value, &seconds);
    } else if (absl::StartsWith(argument, "--seed=")) {
      read = absl::SimpleAtoi(value, &seed);
    } else if (absl::StartsWith(argument, "--questions=")) {
      read = absl::SimpleAtoi(value, &most);
    } else if (absl::StartsWith(argument, "--case=")) {
      read = has_one = absl::SimpleAtoi(value, &one);
    }
    if (!read) {
      std::cerr << "usage: attack [--seconds=S] [--questions=N] [--seed=N] "
                   "[--case=N]\n";
      return 2;
    }
  }
  Tally tally;
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
        .count();
  };
  for (uint64_t number = has_one ? one : 0;
       has_one ? number == one : elapsed() < seconds && number < most;
       ++number) {
    const Question question = QuestionOf(seed, number);
    if (has_one) std::cout << question.scenario.ShortDebugString() << "\n";
    std::vector<std::string> broken = Ask(question, number, &tally);
    for (std::string& line : Study(question, number, &tally)) {
      broken.push_back(std::move(line));
    }
    if (broken.empty()) continue;
    ++tally.broken;
    std::cout << "case " << number << " of seed " << seed << ": "
              << question.scenario.ShortDebugString() << "\n";
    for (const std::string& line : broken) std::cout << "  " << line << "\n";
  }
  std::cout << "seed " << seed << ": " << tally.asked << " questions, "
            << tally.answered << " answered, " << tally.refused << " refused, "
            << tally.studies << " studies, " << tally.broken << " broken, in "
            << std::round(elapsed()) << " s\n";
  return tally.broken > 0 ? 1 : 0;
}
