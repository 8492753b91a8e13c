// What programs and pages send.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "tests/attack/examine.h"
#include "tests/attack/target_lists.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/serve/answerer.h"

namespace tokenjoule {
namespace {

// The sub-commands, with limits that keep a request to milliseconds.
const Answerer& SmallAnswerer() {
  static const Answerer* const answerer = [] {
    AnswerLimits limits;
    limits.rows = 4;
    limits.samples = 50;
    return new Answerer(RegisteredCommands(), limits);
  }();
  return *answerer;
}

Verdict RunRequest(absl::string_view bytes) {
  const Reply reply = SmallAnswerer().Answer(bytes);
  Verdict verdict;
  verdict.accepted = reply.exit_code == kExitOk;
  Append(BrokenByCharacters("the reply", reply.json), &verdict);
  const auto json =
      nlohmann::json::parse(reply.json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() ||
      json.contains("answer") != (reply.exit_code == kExitOk) ||
      json.contains("error") != (reply.exit_code != kExitOk)) {
    verdict.broken.push_back(absl::StrCat("exit code ", reply.exit_code,
                                          " with the reply ",
                                          reply.json.substr(0, 200)));
  }
  if (reply.exit_code != kExitOk && reply.exit_code != kExitUsage &&
      reply.exit_code != kExitBadData) {
    verdict.broken.push_back(absl::StrCat("exit code ", reply.exit_code));
  }
  return verdict;
}

// Sub-commands and their flags.
std::vector<std::string> WordsOfRequests() {
  std::vector<std::string> words = {"flags", "positional", "documents", "id",
                                    "subcommand"};
  for (const Command& command : RegisteredCommands()) {
    words.push_back(command.name);
    for (const FlagSpec& flag : command.flags) words.push_back(flag.name);
  }
  return words;
}

// A word of a command line as its flag and value; "true" if it has no value.
void AddFlag(absl::string_view word, nlohmann::json* flags) {
  const std::vector<std::string> parts =
      absl::StrSplit(word.substr(2), absl::MaxSplits('=', 1));
  const std::string name = absl::StrReplaceAll(parts[0], {{"-", "_"}});
  if (name == "out" || name == "markdown" || name == "junit") return;
  (*flags)[name] = parts.size() > 1 ? parts[1] : "true";
}

// The examples of each sub-command's help as requests.
std::vector<std::string> MakeRequests() {
  std::vector<std::string> requests;
  for (const Command& command : RegisteredCommands()) {
    const std::string examples =
        absl::StrReplaceAll(command.examples, {{"\\\n", ""}});
    for (const absl::string_view line :
         absl::StrSplit(examples, '\n', absl::SkipEmpty())) {
      const std::vector<std::string> words =
          absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (words.size() < 2 || words[1] != command.name) continue;
      nlohmann::json request = {{"subcommand", command.name},
                                {"flags", nlohmann::json::object()},
                                {"positional", nlohmann::json::array()}};
      for (size_t i = 2; i < words.size(); ++i) {
        if (absl::StartsWith(words[i], "--")) {
          AddFlag(words[i], &request["flags"]);
        } else {
          request["positional"].push_back(words[i]);
        }
      }
      requests.push_back(request.dump());
    }
  }
  return requests;
}

}  // namespace

std::vector<Target> RequestTargets() {
  return {
      {"request",
       "a request, as `serve --stdio` reads it",
       RunRequest,
       {},
       {},
       WordsOfRequests(),
       MakeRequests},
  };
}

}  // namespace tokenjoule
