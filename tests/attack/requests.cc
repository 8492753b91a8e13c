#include "tests/attack/requests.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/textproto.h"
#include "nlohmann/json.hpp"
#include "tests/attack/invariants.h"
#include "tools/command.h"

namespace tokenjoule {
namespace {

using ::nlohmann::json;

constexpr char kQuestionFile[] = "question.textproto";

// A word of a command line as its flag and value; "true" if it has no value.
void AddFlag(absl::string_view word, json* flags) {
  const std::vector<std::string> parts =
      absl::StrSplit(word.substr(2), absl::MaxSplits('=', 1));
  const std::string name = absl::StrReplaceAll(parts[0], {{"-", "_"}});
  if (name == "out" || name == "markdown" || name == "junit") return;
  (*flags)[name] = parts.size() > 1 ? parts[1] : "true";
}

// The example on a line of help; null if there is none.
json ExampleOn(absl::string_view line, const Command& command) {
  const std::vector<std::string> words =
      absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words.size() < 2 || words[1] != command.name) return nullptr;
  json request = {{"subcommand", command.name},
                  {"flags", json::object()},
                  {"positional", json::array()}};
  for (size_t i = 2; i < words.size(); ++i) {
    if (absl::StartsWith(words[i], "--")) {
      AddFlag(words[i], &request["flags"]);
    } else {
      request["positional"].push_back(words[i]);
    }
  }
  return request;
}

std::vector<json> ExamplesOf(const std::vector<Command>& commands) {
  std::vector<json> examples;
  for (const Command& command : commands) {
    const std::string lines =
        absl::StrReplaceAll(command.examples, {{"\\\n", ""}});
    for (const absl::string_view line :
         absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
      json example = ExampleOn(line, command);
      if (!example.is_null()) examples.push_back(std::move(example));
    }
  }
  return examples;
}

bool HasFlag(const Command& command, absl::string_view name) {
  return std::any_of(command.flags.begin(), command.flags.end(),
                     [&](const FlagSpec& flag) { return flag.name == name; });
}

// The examples of sub-commands that take a scenario and are answered.
std::vector<json> ExamplesWithScenario() {
  const std::vector<std::string> answered = SmallAnswerer().Subcommands();
  std::vector<Command> commands;
  for (const Command& command : RegisteredCommands()) {
    if (HasFlag(command, "scenario") &&
        std::find(answered.begin(), answered.end(), command.name) !=
            answered.end()) {
      commands.push_back(command);
    }
  }
  return ExamplesOf(commands);
}

// Whether a text of JSON is a number that is none, as protobuf writes it.
bool IsNoNumber(absl::string_view text) {
  return text == "NaN" || text == "Infinity" || text == "-Infinity";
}

// Appends what is wrong with a JSON value and those below it.
void CheckJson(const json& value, const std::string& path,
               std::vector<std::string>* broken) {
  if (value.is_string() && IsNoNumber(value.get_ref<const std::string&>())) {
    broken->push_back(
        absl::StrCat(path, " is ", value.get_ref<const std::string&>()));
  }
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      CheckJson(value[i], absl::StrCat(path, "[", i, "]"), broken);
    }
  }
  if (!value.is_object()) return;
  const auto number = [&](const std::string& key, double* into) {
    const auto found = value.find(key);
    if (found == value.end() || !found->is_number()) return false;
    *into = found->get<double>();
    return true;
  };
  // Sums of a hundred terms in double precision.
  constexpr double kRounding = 1e-9;
  for (const auto& [key, below] : value.items()) {
    CheckJson(below, absl::StrCat(path, ".", key), broken);
    double middle = 0, low = 0, high = 0;
    if (!number(key, &middle)) continue;
    // The change of a share, of which an elasticity is, may be anything.
    if (absl::EndsWith(key, "share") &&
        !absl::StrContains(path, "elasticities") &&
        (middle < 0 || middle > 1 + kRounding)) {
      broken->push_back(
          absl::StrCat(path, ".", key, " is a share of ", middle));
    }
    // Answers without ranges have 0 at both ends.
    if (number(absl::StrCat(key, "_low"), &low) &&
        number(absl::StrCat(key, "_high"), &high) && (low != 0 || high != 0) &&
        !(low <= middle + kRounding * std::abs(middle) &&
          middle <= high + kRounding * std::abs(high))) {
      broken->push_back(absl::StrCat(path, ".", key, " is ", middle,
                                     ", outside of ", low, " to ", high));
    }
  }
}

}  // namespace

const Answerer& SmallAnswerer() {
  static const Answerer* const answerer = [] {
    AnswerLimits limits;
    limits.rows = 4;
    limits.samples = 50;
    return new Answerer(RegisteredCommands(), limits);
  }();
  return *answerer;
}

std::vector<std::string> ExampleRequests() {
  std::vector<std::string> requests;
  for (const json& example : ExamplesOf(RegisteredCommands())) {
    requests.push_back(example.dump());
  }
  return requests;
}

std::string StudyRequest(const Scenario& question, uint64_t draw) {
  static const auto& examples = *new std::vector<json>(ExamplesWithScenario());
  json request = examples[draw % examples.size()];
  json& flags = request["flags"];
  for (const char* replaced : {"model", "hardware", "pipeline", "set"}) {
    flags.erase(replaced);
  }
  flags["scenario"] = kQuestionFile;
  // Half of the time the scenario's own.
  for (const char* list : {"batch", "context"}) {
    if (flags.contains(list) && (draw / 64) % 2 == 0) flags.erase(list);
  }
  if (flags.contains("samples")) flags["samples"] = "20";
  // One flag of a number has an absurd one, in half of the requests.
  if (draw / 1024 % 2 == 0) {
    std::vector<std::string> numbers;
    for (const auto& [name, value] : flags.items()) {
      double number = 0;
      if (name != "samples" &&
          absl::SimpleAtod(value.get_ref<const std::string&>(), &number)) {
        numbers.push_back(name);
      }
    }
    static constexpr const char* kAbsurd[] = {
        "0", "-0", "-1", "1e-308", "1e-9", "1e9", "1e12", "1e308", "nan", "inf"};
    if (!numbers.empty()) {
      flags[numbers[draw / 2048 % numbers.size()]] =
          kAbsurd[draw / 4096 % std::size(kAbsurd)];
    }
  }
  static constexpr const char* kFormats[] = {"json", "table", "csv", "json"};
  if (!flags.contains("format")) flags["format"] = kFormats[draw / 16 % 4];
  request["documents"] = {{kQuestionFile, PrintTextproto(question)}};
  return request.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<std::string> BrokenByReply(const Reply& reply) {
  std::vector<std::string> broken =
      BrokenByCharacters("the reply", reply.json, Reader::kProgram);
  const bool is_answer = reply.exit_code == kExitOk;
  const json read =
      json::parse(reply.json, nullptr, /*allow_exceptions=*/false);
  if (!read.is_object() || read.contains("answer") != is_answer ||
      read.contains("error") == is_answer) {
    broken.push_back(absl::StrCat("exit code ", reply.exit_code,
                                  " with the reply ",
                                  reply.json.substr(0, 200)));
    return broken;
  }
  if (!is_answer && reply.exit_code != kExitUsage &&
      reply.exit_code != kExitBadData) {
    broken.push_back(absl::StrCat("exit code ", reply.exit_code));
  }
  if (!is_answer) return broken;
  const json& answer = read["answer"];
  if (answer.is_string()) {
    for (std::string& line :
         BrokenByWords("the answer", answer.get_ref<const std::string&>())) {
      broken.push_back(std::move(line));
    }
  } else {
    CheckJson(answer, "answer", &broken);
  }
  return broken;
}

}  // namespace tokenjoule
