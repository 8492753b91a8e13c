#include "tools/serve/html_report.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/base/version.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/notices.h"
#include "analyzer/evaluate/figures.h"
#include "analyzer/machine/terms.h"
#include "nlohmann/json.hpp"
#include "tools/output.h"
#include "tools/serve/answerer.h"
#include "tools/serve/page_files.h"

namespace tokenjoule {
namespace {

using ::nlohmann::json;

// A report is on disk and asks nobody; it may run what it holds and nothing else.
constexpr char kPolicy[] =
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'\">";

const Command* Find(absl::Span<const Command> commands,
                    absl::string_view name) {
  for (const Command& command : commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

bool Takes(const Command& command, const std::string& flag) {
  return std::any_of(command.flags.begin(), command.flags.end(),
                     [&](const FlagSpec& spec) { return spec.name == flag; });
}

// Flags that say how an answer is written.
bool IsOfOutput(const std::string& flag) {
  return flag == "format" || flag == "out" || flag == "markdown" ||
         flag == "junit";
}

// The flags of a report for one of its sub-commands: those that it takes, and of
// lists, which only the report's own sub-command reads, the first value.
ParsedFlags FlagsFor(const Command& command, const std::string& subcommand,
                     const ParsedFlags& flags) {
  ParsedFlags own;
  for (const auto& [name, values] : flags.values) {
    if (IsOfOutput(name) || !Takes(command, name)) continue;
    own.values[name] = values;
  }
  if (command.name == subcommand) {
    own.positional = flags.positional;
    return own;
  }
  if (subcommand == "batch") {
    // A batch is asked for as a curve, and a token of one batch is another
    // question.
    own.values.erase("batch");
    for (const char* list : {"model", "hardware", "context"}) {
      if (!own.Has(list)) continue;
      const std::vector<std::string> first =
          absl::StrSplit(own.Get(list, ""), absl::MaxSplits(',', 1));
      own.values[list] = {first[0]};
    }
  }
  if (subcommand == "compare" && !flags.positional.empty()) {
    own.values["scenario"] = {flags.positional[0]};
  }
  return own;
}

// The boundary of an answer where the flags do not say it.
std::string BoundaryOf(absl::Span<const Command> commands,
                       const std::string& subcommand,
                       const ParsedFlags& flags) {
  if (flags.Has("boundary")) return flags.Get("boundary", "");
  const Command* analyze = Find(commands, "analyze");
  if (analyze != nullptr && analyze->respond != nullptr) {
    ParsedFlags own = FlagsFor(*analyze, subcommand, flags);
    own.values["format"] = {"json"};
    int exit_code = kExitOk;
    const absl::StatusOr<std::string> text = analyze->respond(own, &exit_code);
    if (text.ok()) {
      const json report = json::parse(*text, nullptr, false);
      const json boundary =
          report.value("/scenario/boundary"_json_pointer, json());
      if (boundary.is_string()) return boundary.get<std::string>();
    }
  }
  return "board";
}

// A request and its reply as the page reads them.
std::string Recorded(const std::string& subcommand, const ParsedFlags& flags,
                     absl::string_view envelope) {
  json values = json::object();
  for (const auto& [name, texts] : flags.values) {
    if (IsOfOutput(name)) continue;
    if (texts.size() == 1) {
      values[name] = texts[0];
    } else {
      values[name] = texts;
    }
  }
  const json request = {{"subcommand", subcommand},
                        {"flags", std::move(values)},
                        {"positional", flags.positional}};
  std::string text =
      request.dump(-1, ' ', false, json::error_handler_t::replace);
  text.pop_back();
  return absl::StrCat(text, ",\"envelope\":", envelope, "}");
}

// The attribute of an element that a line of the page holds; empty if there is
// none.
absl::string_view Attribute(absl::string_view line, absl::string_view begin) {
  const size_t at = line.find(begin);
  if (at == absl::string_view::npos) return "";
  line.remove_prefix(at + begin.size());
  return line.substr(0, line.find('"'));
}

// The text of a file that a script or style element will hold.
absl::StatusOr<absl::string_view> TextFor(
    absl::string_view element, absl::string_view path,
    absl::Span<const EmbeddedFile> files) {
  for (const EmbeddedFile& file : files) {
    if (file.path != path) continue;
    const std::string lower = absl::AsciiStrToLower(file.content);
    if (absl::StrContains(lower, absl::StrCat("</", element)) ||
        absl::StrContains(lower, "<!--")) {
      return absl::InternalError(absl::StrCat(
          path, " of the page holds text that ends a ", element, " element"));
    }
    return file.content;
  }
  return absl::InternalError(
      absl::StrCat("the page has no file \"", path, "\""));
}

// Asks the questions that a page about one of them will ask, and keeps the
// answers.
class Recorder {
 public:
  Recorder(absl::Span<const Command> commands, const std::string& subcommand,
           const ParsedFlags& flags)
      : commands_(commands), subcommand_(subcommand), flags_(flags) {}

  // Keeps the answer itself alone.
  absl::Status RecordKnown(const std::string& answer) {
    const Command* command = Find(commands_, subcommand_);
    if (command == nullptr) return absl::InternalError("no such sub-command");
    Keep(*command, FlagsFor(*command, subcommand_, flags_), answer, {});
    return absl::OkStatus();
  }

  // Fails if there is no answer at the report's own boundary. What has none
  // beside it or elsewhere, because a machine lacks a boundary, is left out.
  absl::Status RecordAll(int* exit_code) {
    const std::string own = BoundaryOf(commands_, subcommand_, flags_);
    RETURN_IF_ERROR(Ask(subcommand_, own, "", exit_code).status());
    std::vector<std::string> beside = RecordedBeside(subcommand_);
    for (const std::string& name : beside) {
      if (name == "explain") {
        Explain(own);
      } else {
        Ask(name, own, "", nullptr).IgnoreError();
      }
    }
    // Where two scenarios have boundaries of their own, there is no other.
    if (flags_.Has("to.boundary")) return absl::OkStatus();
    beside.insert(beside.begin(), subcommand_);
    for (const std::string& boundary : BoundaryNames()) {
      if (boundary == own) continue;
      for (const std::string& name : beside) {
        // What a number is made of is the same at each.
        if (name != "explain") Ask(name, boundary, "", nullptr).IgnoreError();
      }
    }
    return absl::OkStatus();
  }

  const std::vector<std::string>& requests() const { return requests_; }

 private:
  absl::StatusOr<std::string> Ask(const std::string& name,
                                  const std::string& boundary,
                                  const std::string& positional,
                                  int* exit_code) {
    const Command* command = Find(commands_, name);
    if (command == nullptr || command->respond == nullptr) {
      return absl::NotFoundError(name);
    }
    ParsedFlags asked = FlagsFor(*command, subcommand_, flags_);
    if (!boundary.empty()) asked.values["boundary"] = {boundary};
    if (!positional.empty()) asked.positional = {positional};
    ParsedFlags as_json = asked;
    as_json.values["format"] = {"json"};
    std::vector<std::string> notices;
    int code = kExitOk;
    absl::StatusOr<std::string> answer = [&] {
      const NoticeScope scope(
          [&](absl::string_view notice) { notices.emplace_back(notice); });
      return command->respond(as_json, &code);
    }();
    // The one who asked for the report is told, too, but once.
    for (const std::string& notice : notices) GiveNotice(notice);
    if (answer.ok()) Keep(*command, asked, *answer, notices);
    if (!answer.ok() && exit_code != nullptr) {
      *exit_code = code == kExitOk ? kExitBadData : code;
    }
    return answer;
  }

  void Keep(const Command& command, const ParsedFlags& asked,
            absl::string_view answer, const std::vector<std::string>& notices) {
    requests_.push_back(Recorded(
        command.name, asked,
        EnvelopeOf(answer, notices, CommandLine(command, asked))));
  }

  // Records what every number that the page shows is made of: terms, figures,
  // and the constants of the tornado.
  void Explain(const std::string& boundary) {
    std::vector<std::string> names;
    for (const FigureOfAnswerRow& figure : kFiguresOfAnswer) {
      names.emplace_back(figure.name);
    }
    for (const EnergyTermRow& term : kEnergyTerms) {
      names.emplace_back(term.name);
    }
    for (const std::string& name : names) {
      Ask("explain", boundary, name, nullptr).IgnoreError();
    }
  }

  const absl::Span<const Command> commands_;
  const std::string subcommand_;
  const ParsedFlags& flags_;
  std::vector<std::string> requests_;
};

absl::StatusOr<std::string> WritePage(const std::string& subcommand,
                                      const ParsedFlags& flags,
                                      const std::string& answer,
                                      int* exit_code) {
  return HtmlReport(RegisteredCommands(), subcommand, flags, answer, exit_code);
}

const PageRegistration kRegistration(WritePage);

}  // namespace

std::vector<std::string> RecordedBeside(absl::string_view subcommand) {
  if (subcommand == "analyze") {
    return {"ceiling", "sensitivity", "tricks", "explain"};
  }
  if (subcommand == "batch" || subcommand == "ceiling" ||
      subcommand == "tricks") {
    return {"analyze", "explain"};
  }
  if (subcommand == "compare") return {"explain"};
  return {};
}

std::string JsonInScript(absl::string_view json) {
  // These characters stand only inside strings, where JSON takes an escape.
  return absl::StrReplaceAll(json, {{"<", "\\u003c"},
                                    {">", "\\u003e"},
                                    {"&", "\\u0026"},
                                    {"\xE2\x80\xA8", "\\u2028"},
                                    {"\xE2\x80\xA9", "\\u2029"}});
}

absl::StatusOr<std::string> InlinedPage(absl::Span<const EmbeddedFile> files,
                                        absl::string_view recorded) {
  ASSIGN_OR_RETURN(const absl::string_view page,
                   TextFor("noelement", "index.html", files));
  std::string out;
  bool has_records = false;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    const absl::string_view style =
        Attribute(line, "<link rel=\"stylesheet\" href=\"");
    const absl::string_view script = Attribute(line, "<script src=\"");
    if (!style.empty()) {
      ASSIGN_OR_RETURN(const absl::string_view text,
                       TextFor("style", style, files));
      absl::StrAppend(&out, "<style>\n", text, "</style>\n");
    } else if (!script.empty()) {
      ASSIGN_OR_RETURN(const absl::string_view text,
                       TextFor("script", script, files));
      if (!has_records) {
        absl::StrAppend(&out,
                        "<script type=\"application/json\" id=\"recorded\">",
                        recorded, "</script>\n");
        has_records = true;
      }
      absl::StrAppend(&out, "<script>\n", text, "</script>\n");
    } else {
      absl::StrAppend(&out, line, "\n");
      if (absl::StrContains(line, "<head>")) {
        absl::StrAppend(&out, kPolicy, "\n");
      }
    }
  }
  if (has_records) return out;
  return absl::InternalError("the page has no script");
}

absl::StatusOr<std::string> HtmlReport(absl::Span<const Command> commands,
                                       const std::string& subcommand,
                                       const ParsedFlags& flags,
                                       const std::string& answer,
                                       int* exit_code) {
  Recorder recorder(commands, subcommand, flags);
  *exit_code = kExitOk;
  RETURN_IF_ERROR(answer.empty() ? recorder.RecordAll(exit_code)
                                 : recorder.RecordKnown(answer));
  const std::string recorded = absl::StrCat(
      "{\"version\":", json(kVersion).dump(), ",\"view\":",
      json(subcommand).dump(),
      ",\"requests\":[", absl::StrJoin(recorder.requests(), ",\n"), "]}");
  return InlinedPage(PageFiles(), JsonInScript(recorded));
}

}  // namespace tokenjoule
