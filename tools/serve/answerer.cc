#include "tools/serve/answerer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "analyzer/base/json_keys.h"
#include "analyzer/base/shell.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/notices.h"
#include "nlohmann/json.hpp"

namespace tokenjoule {
namespace {

using ::nlohmann::json;

// Those whose answers take well below a second. Others (sweep, tune, calibrate,
// validate) search or read files for long, and belong on the command line.
constexpr absl::string_view kServed[] = {
    "analyze",     "batch",        "break-even", "ceiling", "compare",
    "disaggregate", "dot-product", "explain",    "list",    "plan",
    "sensitivity", "tricks"};

// Flags that name a file to be written.
constexpr absl::string_view kWritten[] = {"out", "markdown", "junit"};

// Requests have few levels; the limit keeps deep ones from being built.
constexpr int kDeepest = 8;

// The levels of a JSON text, whether or not it is valid.
int Depth(absl::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '{' || c == '[')) {
      deepest = std::max(deepest, ++depth);
    } else if (!in_string && (c == '}' || c == ']')) {
      --depth;
    }
  }
  return deepest;
}

// JSON of a text that may not be UTF-8.
std::string Quoted(absl::string_view text) {
  return json(std::string(text))
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string Quoted(const std::vector<std::string>& texts) {
  return absl::StrCat("[",
                      absl::StrJoin(texts, ",",
                                    [](std::string* out, const std::string& t) {
                                      out->append(Quoted(t));
                                    }),
                      "]");
}

// JSON on one line. Line breaks inside strings are escaped, so every one here
// is layout, and so is the indentation after it.
std::string OnOneLine(absl::string_view text) {
  std::string line;
  line.reserve(text.size());
  bool indents = false;
  for (const char c : text) {
    if (c == '\n' || (indents && c == ' ')) {
      indents = true;
      continue;
    }
    indents = false;
    line += c;
  }
  return line;
}

// Reads requests and collects their faults.
class RequestReader {
 public:
  explicit RequestReader(std::vector<std::string>* faults) : faults_(*faults) {}

  // The object of a text; an empty one if there is none.
  json Object(absl::string_view text) {
    if (Depth(text) > kDeepest) {
      Add(absl::StrCat("the request has more than ", kDeepest,
                       " levels of lists and objects"));
      return json::object();
    }
    if (const auto repeated = RepeatedJsonKey(text)) {
      Add(absl::StrCat("the key \"", Printable(*repeated),
                       "\" is there twice; remove one"));
      return json::object();
    }
    json object = json::parse(text.begin(), text.end(), nullptr,
                              /*allow_exceptions=*/false);
    if (object.is_object()) return object;
    Add("the request is not a JSON object; expected {\"flags\": {\"model\": "
        "\"llama-3.1-8b\", \"hardware\": \"h100-sxm\"}}");
    return json::object();
  }

  // The parts of a request other than its sub-command.
  AnswerRequest Request(const json& object, const Command* command) {
    AnswerRequest request;
    for (const auto& [key, value] : object.items()) {
      if (key == "flags") {
        Flags(value, command, &request.flags);
      } else if (key == "positional") {
        Texts("positional", value, &request.flags.positional);
      } else if (key == "documents") {
        ReadDocuments(value, &request.documents);
      } else if (key != "id" && key != "subcommand") {
        Add(UnknownNameMessage("part of a request", key,
                               {"flags", "positional", "documents"}, ""));
      }
    }
    return request;
  }

  void Add(std::string fault) { faults_.push_back(std::move(fault)); }

 private:
  // A text that flags take.
  bool Text(absl::string_view where, const json& value, std::string* text) {
    if (value.is_string()) {
      *text = *value.get_ptr<const std::string*>();
      if (text->find('\0') == std::string::npos) return true;
      Add(absl::StrCat(where, ": holds a NUL character"));
      return false;
    }
    if (value.is_boolean() || value.is_number()) {
      *text = value.dump();
      return true;
    }
    Add(absl::StrCat(where, ": expected a string, a number, true, false or a "
                            "list of these, found ",
                     value.type_name()));
    return false;
  }

  void Texts(absl::string_view where, const json& value,
             std::vector<std::string>* texts) {
    const json list = value.is_array() ? value : json::array({value});
    for (const json& one : list) {
      std::string text;
      if (Text(where, one, &text)) texts->push_back(std::move(text));
    }
  }

  // Reads flags as the command line would be read.
  void Flags(const json& flags, const Command* command, ParsedFlags* parsed) {
    if (!flags.is_object()) {
      Add(absl::StrCat("flags: expected an object, found ", flags.type_name()));
      return;
    }
    std::vector<std::string> words;
    for (const auto& [name, value] : flags.items()) {
      const std::string shown = absl::StrCat("--", Printable(name));
      if (name.empty() || name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyz0123456789_-.") !=
                              std::string::npos) {
        Add(absl::StrCat("unknown flag \"", Printable(name), "\""));
        continue;
      }
      // An unset value, as programs write it.
      if (value.is_null()) continue;
      if (std::find(std::begin(kWritten), std::end(kWritten), name) !=
          std::end(kWritten)) {
        Add(absl::StrCat(shown,
                         ": a request writes no files; its answer is in the "
                         "reply, in the format that \"format\" names"));
        continue;
      }
      std::vector<std::string> texts;
      Texts(shown, value, &texts);
      for (const std::string& text : texts) {
        words.push_back(absl::StrCat("--", name, "=", text));
      }
    }
    if (command == nullptr) return;
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    const absl::Status status = ParseFlags(arguments, command->flags, parsed);
    if (!status.ok()) AddLines(status.message());
  }

  void ReadDocuments(const json& documents, Documents* read) {
    if (!documents.is_object()) {
      Add(absl::StrCat("documents: expected an object, found ",
                       documents.type_name()));
      return;
    }
    for (const auto& [name, text] : documents.items()) {
      const std::string where = absl::StrCat("document ", PrintablePath(name));
      if (!absl::EndsWith(name, ".textproto") &&
          !absl::EndsWith(name, ".json")) {
        Add(absl::StrCat(where,
                         ": expected a name that ends in .textproto or .json"));
      } else if (!text.is_string()) {
        Add(absl::StrCat(where, ": expected a string, found ",
                         text.type_name()));
      } else {
        read->emplace(name, *text.get_ptr<const std::string*>());
      }
    }
  }

  void AddLines(absl::string_view lines) {
    for (const absl::string_view line : absl::StrSplit(lines, '\n')) {
      faults_.emplace_back(line);
    }
  }

  std::vector<std::string>& faults_;
};

// The number of values that a flag lists; 1 where it lists none or cannot be
// read, because the sub-command then says so.
double CountOf(const ParsedFlags& flags, const std::string& name) {
  if (!flags.Has(name)) return 1;
  const std::string text = flags.Get(name, "");
  if (name == "model" || name == "hardware") {
    return 1 + std::count(text.begin(), text.end(), ',');
  }
  std::vector<double> numbers;
  return ParseCountList(text, &numbers).ok()
             ? std::max<double>(numbers.size(), 1)
             : 1;
}

// Appends a fault for each limit that a request exceeds.
void CheckLimits(const ParsedFlags& flags, const AnswerLimits& limits,
                 std::vector<std::string>* faults) {
  double rows = 1;
  for (const char* name : {"model", "hardware", "batch", "context"}) {
    rows *= CountOf(flags, name);
  }
  if (rows > limits.rows) {
    faults->push_back(absl::StrFormat(
        "%.0f combinations of models, machines, batches and contexts; a request "
        "has at most %d, the command line takes more",
        rows, limits.rows));
  }
  double samples = 0;
  if (absl::SimpleAtod(flags.Get("samples", "0"), &samples) &&
      samples > limits.samples) {
    faults->push_back(absl::StrFormat(
        "--samples: a request has at most %.0f, the command line takes more",
        limits.samples));
  }
  if (flags.Get("format", "") == "sqlite") {
    faults->push_back(
        "--format=sqlite: a database is not text; use the command line");
  }
}

std::string ErrorJson(int exit_code, const std::vector<std::string>& faults) {
  return absl::StrCat("\"error\":{\"exit_code\":", exit_code,
                      ",\"faults\":", Quoted(faults), "}");
}

Reply UsageReply(const std::vector<std::string>& faults,
                 absl::string_view id = "") {
  return {kExitUsage,
          absl::StrCat("{", id, ErrorJson(kExitUsage, faults), "}")};
}

}  // namespace

std::string EnvelopeOf(absl::string_view answer,
                       const std::vector<std::string>& notices,
                       const std::string& command_line) {
  return absl::StrCat("{\"answer\":", OnOneLine(answer),
                      ",\"notices\":", Quoted(notices),
                      ",\"command\":", Quoted(command_line), "}");
}

std::string CommandLine(const Command& command, const ParsedFlags& flags) {
  std::string line = absl::StrCat("tokenjoule ", command.name);
  for (const std::string& text : flags.positional) {
    absl::StrAppend(&line, " ", ShellQuoted(text));
  }
  for (const FlagSpec& flag : command.flags) {
    const std::string name = absl::StrReplaceAll(flag.name, {{"_", "-"}});
    for (const std::string& value : flags.GetAll(flag.name)) {
      absl::StrAppend(&line, " --", name);
      if (!flag.value.empty() || value != "true") {
        absl::StrAppend(&line, "=", ShellQuoted(value));
      }
    }
  }
  return line;
}

Answerer::Answerer(const std::vector<Command>& commands,
                   const AnswerLimits& limits)
    : limits_(limits) {
  for (const Command& command : commands) {
    if (command.respond != nullptr &&
        std::find(std::begin(kServed), std::end(kServed), command.name) !=
            std::end(kServed)) {
      commands_.push_back(command);
    }
  }
}

std::vector<std::string> Answerer::Subcommands() const {
  std::vector<std::string> names;
  for (const Command& command : commands_) names.push_back(command.name);
  return names;
}

std::string Answerer::SubcommandsJson() const {
  json all = json::array();
  for (const Command& command : commands_) {
    json flags = json::array();
    for (const FlagSpec& flag : command.flags) {
      if (flag.hidden) continue;
      if (std::find(std::begin(kWritten), std::end(kWritten), flag.name) !=
          std::end(kWritten)) {
        continue;
      }
      flags.push_back({{"name", flag.name},
                       {"value", flag.value},
                       {"help", flag.help},
                       {"repeatable", flag.repeatable}});
    }
    all.push_back({{"name", command.name},
                   {"summary", command.summary},
                   {"flags", std::move(flags)}});
  }
  return all.dump();
}

const Command* Answerer::Find(absl::string_view subcommand) const {
  for (const Command& command : commands_) {
    if (command.name == subcommand) return &command;
  }
  return nullptr;
}

Reply Answerer::Answer(absl::string_view subcommand,
                       absl::string_view text) const {
  std::vector<std::string> faults;
  RequestReader reader(&faults);
  const Command* command = Find(subcommand);
  if (command == nullptr) {
    faults.push_back(UnknownNameMessage("sub-command for requests", subcommand,
                                        Subcommands(), ""));
  }
  AnswerRequest request = reader.Request(reader.Object(text), command);
  if (!faults.empty()) return UsageReply(faults);
  request.subcommand = std::string(subcommand);
  return Answer(request);
}

Reply Answerer::Answer(absl::string_view text) const {
  std::vector<std::string> faults;
  RequestReader reader(&faults);
  const json object = reader.Object(text);
  std::string id;
  if (object.contains("id")) {
    id = absl::StrCat(
        "\"id\":",
        object["id"].dump(-1, ' ', false, json::error_handler_t::replace), ",");
  }
  std::string subcommand;
  if (object.contains("subcommand") && object["subcommand"].is_string()) {
    subcommand = object["subcommand"].get<std::string>();
  } else if (faults.empty()) {
    faults.push_back("subcommand: expected a string, e.g. \"analyze\"");
  }
  const Command* command = Find(subcommand);
  if (command == nullptr && faults.empty()) {
    faults.push_back(UnknownNameMessage("sub-command for requests", subcommand,
                                        Subcommands(), ""));
  }
  AnswerRequest request = reader.Request(object, command);
  if (!faults.empty()) return UsageReply(faults, id);
  request.subcommand = std::move(subcommand);
  Reply reply = Answer(request);
  if (!id.empty()) reply.json.insert(1, id);
  return reply;
}

Reply Answerer::Answer(const AnswerRequest& request) const {
  const auto begin = std::chrono::steady_clock::now();
  const Command* command = Find(request.subcommand);
  std::vector<std::string> faults;
  if (command == nullptr) {
    return UsageReply({UnknownNameMessage("sub-command for requests",
                                          request.subcommand, Subcommands(),
                                          "")});
  }
  CheckLimits(request.flags, limits_, &faults);
  if (!faults.empty()) return UsageReply(faults);
  ParsedFlags flags = request.flags;
  const bool is_json = flags.Get("format", "json") == "json";
  if (is_json) flags.values["format"] = {"json"};

  std::vector<std::string> notices;
  int exit_code = kExitOk;
  absl::StatusOr<std::string> answer = [&] {
    const DocumentScope documents(request.documents, limits_.files);
    const NoticeScope scope(
        [&](absl::string_view notice) { notices.emplace_back(notice); });
    return command->respond(flags, &exit_code);
  }();
  Reply reply;
  std::string body;
  if (answer.ok()) {
    body = absl::StrCat("\"answer\":",
                        is_json ? OnOneLine(*answer) : Quoted(*answer));
  } else {
    reply.exit_code = exit_code == kExitOk ? kExitBadData : exit_code;
    body = ErrorJson(reply.exit_code,
                     absl::StrSplit(answer.status().message(), '\n'));
  }
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - begin;
  reply.json = absl::StrCat(
      "{", body, ",\"notices\":", Quoted(notices), ",\"command\":",
      Quoted(CommandLine(*command, request.flags)), ",\"elapsed_ms\":",
      absl::StrFormat("%.3f", elapsed.count()), "}");
  return reply;
}

}  // namespace tokenjoule
