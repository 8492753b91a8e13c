// The binary with hostile texts (analyzer/testing/hostile.h) wherever a text
// can enter: names of files and folders, descriptions, citations, flags,
// baselines, measurements. Every sub-command answers in every format, and each
// output is read by a parser of its language.

#include "analyzer/testing/hostile.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "analyzer/base/utf8.h"
#include "analyzer/base/visible.h"
#include "analyzer/description/textproto.h"
#include "analyzer/report/svg_check.h"
#include "analyzer/testing/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/run_tool.h"

namespace tokenjoule {
namespace {

namespace fs = std::filesystem;
using ::nlohmann::json;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Words = std::vector<std::string>;

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Runs a program with these arguments, without a shell, in `folder`.
Outcome RunIn(const std::string& folder, const std::string& program,
              const Words& arguments) {
  const std::string out = TempPath("hostile.out"),
                    err = TempPath("hostile.err");
  const pid_t child = fork();
  if (child == 0) {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    if (chdir(folder.c_str()) != 0 ||
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO) < 0 ||
        dup2(open(out.c_str(), flags, 0600), STDOUT_FILENO) < 0 ||
        dup2(open(err.c_str(), flags, 0600), STDERR_FILENO) < 0) {
      _exit(126);
    }
    std::vector<char*> words = {const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) {
      words.push_back(const_cast<char*>(argument.c_str()));
    }
    words.push_back(nullptr);
    execv(program.c_str(), words.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Read(out), Read(err)};
}

// A folder in which everything has a hostile name and holds hostile texts.
class Place {
 public:
  // `number` makes the folder's name different from that of others.
  Place(const HostileText& hostile, size_t number)
      : text(hostile.text),
        // What cannot be a name is a text of the files alone. A comma separates
        // the names of machines, in paths too.
        name(hostile.CanBeFile()
                 ? absl::StrReplaceAll(hostile.text, {{",", "."}})
                 : "plain"),
        folder(absl::StrCat(TempPath("hostile"), number, "/", name)) {
    std::error_code error;
    fs::create_directories(folder, error);
    fs::create_directories(Empty(), error);
    is_made = !error;
    if (!is_made) return;
    // A text that a textproto can hold, whatever it is.
    const std::string quoted = QuotedText(text);
    const std::string cited = text.empty() ? "\"-\"" : quoted;
    // Text of a comment ends with its line.
    const std::string source = absl::StrCat(
        "# ", VisibleText(text), "\ndescription: ", quoted,
        "\nsources { id: \"me\" kind: ASSUMPTION citation: ", cited,
        " date: ", cited, " }\n");
    Write(
        Model(),
        absl::StrCat(
            "name: \"tiny\"\n", source,
            "d_model: 1024 vocab_size: 32000 max_context: 8192 norm: RMS_NORM\n"
            "block { name: \"full\" norms: 2\n"
            "  attention { heads: 16 kv_heads: 4 head_dim: 64 }\n"
            "  mlp { d_ff: 4096 gated: true } }\n"
            "layers { run { block: \"full\" count: 16 } }\n"));
    Write(
        Hardware(),
        absl::StrCat("name: \"mine\" base: \"h100-sxm\"\n", source,
                     "memory { name: \"hbm\" bandwidth_gb_per_s { value: 3000 "
                     "low: 2900 high: 3100 source: \"me\" } }\n"));
    Write(Scenario(), "batch: 4\ncontext: 1024\n");
    Write(Space(),
          absl::StrCat(
              "name: \"space\"\nscenario { model: ", QuotedText(Model()),
              " hardware: ", QuotedText(Hardware()), " }\n",
              "axis { path: \"scenario.batch\" value: \"1\" value: \"8\" }\n"
              "objective { metric: \"energy_per_token_j\" }\n"
              "objective { metric: \"time_per_token_s\" }\n"));
    Write(Measurements(),
          absl::StrCat(
              "row { source: ", cited, " model: \"llama-3.1-8b\" device: ",
              "\"h100-sxm\" software: ", quoted, " note: ", quoted,
              " batch: 8 mean_context_tokens: 1024 itl_ms: 9\n"
              "  weight_dtype: \"bf16\" }\n"
              "row { source: ",
              cited, " model: ", QuotedText("m" + text),
              " device: ", QuotedText("d" + text), " batch: 8 itl_ms: 9 }\n"));
  }

  std::string File(absl::string_view end) const {
    return absl::StrCat(folder, "/", name, end);
  }
  std::string Model() const { return File("-model.textproto"); }
  std::string Hardware() const { return File("-machine.textproto"); }
  std::string Scenario() const { return File("-scenario.textproto"); }
  std::string Space() const { return File("-space.textproto"); }
  std::string Measurements() const { return File("-rows.textproto"); }
  std::string Baseline() const { return File("-baseline.textproto"); }
  // Where programs run, and where nothing is to appear.
  std::string Empty() const { return absl::StrCat(folder, "/empty"); }

  Words Point() const {
    return {"--model=" + Model(), "--hardware=" + Hardware()};
  }

  std::string text, name, folder;
  bool is_made = false;
};

// The XML documents that were seen, for a strict parser at the end.
std::vector<std::string>& XmlFiles() {
  static auto* const files = new std::vector<std::string>;
  return *files;
}

void KeepXml(const std::string& text) {
  const std::string path = TempPath(absl::StrCat("xml", XmlFiles().size()));
  Write(path, text);
  XmlFiles().push_back(path);
}

// What a person reads.
void ExpectReadable(const std::string& text) {
  EXPECT_FALSE(HasControls(text)) << VisibleLines(text);
  EXPECT_EQ(VisibleLines(text), text);
  EXPECT_TRUE(IsUtf8(text));
}

void ExpectMessages(const std::string& err) {
  ExpectReadable(err);
  for (const absl::string_view line : absl::StrSplit(err, '\n')) {
    EXPECT_TRUE(line.empty() || absl::StartsWith(line, "tokenjoule: ")) << err;
    // A line of its own in a name would begin with the word.
    EXPECT_FALSE(absl::StartsWith(line, "tokenjoule: PWNED")) << err;
  }
}

// The cells of each row of RFC 4180.
std::vector<Words> RowsOfCsv(const std::string& text) {
  std::vector<Words> rows;
  Words row;
  std::string cell;
  bool in_quotes = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_quotes) {
      if (c != '"') {
        cell += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        cell += text[++i];
      } else {
        in_quotes = false;
      }
    } else if (c == '"' && cell.empty()) {
      in_quotes = true;
    } else if (c == ',' || c == '\n') {
      row.push_back(std::move(cell));
      cell.clear();
      if (c == '\n') rows.push_back(std::exchange(row, {}));
    } else {
      EXPECT_NE(c, '"') << text;
      cell += c;
    }
  }
  EXPECT_FALSE(in_quotes) << text;
  EXPECT_THAT(row, IsEmpty()) << text;
  return rows;
}

void ExpectPage(const std::string& html) {
  constexpr absl::string_view kBegin =
      "<script type=\"application/json\" id=\"recorded\">";
  const size_t at = html.find(kBegin.data(), 0, kBegin.size());
  ASSERT_NE(at, std::string::npos);
  const size_t begin = at + kBegin.size();
  const std::string recorded =
      html.substr(begin, html.find("</script>", begin) - begin);
  const json parsed = json::parse(recorded, nullptr, false);
  EXPECT_TRUE(parsed.is_object() && parsed.contains("requests"));
  // The text is nowhere else, so that the rest is the page as it is shipped.
  EXPECT_EQ(CountOf(html, "PWNED"), CountOf(recorded, "PWNED"));
  EXPECT_EQ(recorded.find('<'), std::string::npos);
  EXPECT_TRUE(IsUtf8(html));
}

void ExpectFormat(const std::string& format, const std::string& out) {
  if (format == "table") {
    ExpectReadable(out);
    for (const absl::string_view line : absl::StrSplit(out, '\n')) {
      EXPECT_FALSE(absl::StartsWith(line, "PWNED")) << out;
    }
  } else if (format == "json" || format == "vega") {
    EXPECT_TRUE(json::parse(out, nullptr, false).is_object()) << out;
    EXPECT_FALSE(HasControls(out)) << out;
  } else if (format == "csv") {
    const std::vector<Words> rows = RowsOfCsv(out);
    ASSERT_GE(rows.size(), 2u) << out;
    for (const Words& row : rows) EXPECT_EQ(row.size(), rows[0].size()) << out;
  } else if (format == "svg") {
    EXPECT_THAT(FaultsOfSvg(out), IsEmpty()) << out;
    KeepXml(out);
  } else if (format == "sqlite") {
    EXPECT_TRUE(absl::StartsWith(out, "SQLite format 3"));
  } else {
    ExpectPage(out);
  }
}

void ExpectMarkdown(const std::string& markdown) {
  ExpectReadable(markdown);
  EXPECT_EQ(CountOf(absl::StrCat("\n", markdown), "\n#"), 1) << markdown;
  EXPECT_EQ(CountOf(markdown, "<"), 0) << markdown;
  size_t cells = 0;
  for (const absl::string_view line : absl::StrSplit(markdown, '\n')) {
    const size_t bars = CountOf(line, "|") - CountOf(line, "\\|");
    if (!absl::StartsWith(line, "|")) {
      EXPECT_EQ(bars, 0) << markdown;
      cells = 0;
      continue;
    }
    if (cells == 0) cells = bars;
    EXPECT_EQ(bars, cells) << markdown;
  }
}

// The sub-commands that answer, with arguments that need little time, and their
// formats.
struct Question {
  const char* subcommand;
  Words (*arguments)(const Place& place);
  std::vector<const char*> formats;
};

const std::vector<Question>& Questions() {
  static const auto* const kQuestions = new std::vector<Question>{
      {"analyze",
       [](const Place& p) {
         return p.Point() + Words{"--scenario=" + p.Scenario(), "--operators"};
       },
       {"table", "json", "csv", "svg", "vega"}},
      {"analyze",
       [](const Place& p) {
         return Words{"--model=" + p.Model(), "--hardware=h100-sxm,b200"};
       },
       {"table", "json", "csv", "svg"}},
      {"batch",
       [](const Place& p) { return p.Point() + Words{"--batch=1,8"}; },
       {"table", "json", "csv", "svg", "vega", "html"}},
      {"ceiling",
       [](const Place& p) { return p.Point(); },
       {"table", "json", "csv", "svg", "vega"}},
      {"compare",
       [](const Place& p) { return p.Point() + Words{"--to.hardware=b200"}; },
       {"table", "json", "csv", "svg", "vega"}},
      {"disaggregate",
       [](const Place& p) {
         return p.Point() + Words{"--prompt=512", "--output=64",
                                  "--prefill-hardware=" + p.Hardware()};
       },
       {"table", "json", "csv"}},
      {"explain",
       [](const Place& p) {
         return Words{"--hardware=" + p.Hardware(), "bandwidth_gb_per_s"};
       },
       {"table", "json", "csv"}},
      {"lint",
       [](const Place& p) {
         return Words{"--as=hardware", p.Hardware()};
       },
       {"table", "json", "csv"}},
      {"plan",
       [](const Place& p) {
         return p.Point() + Words{"--requests-per-s=1", "--prompt=256",
                                  "--output=64", "--max-chips=1"};
       },
       {"table", "json", "csv", "svg", "vega"}},
      {"sensitivity",
       [](const Place& p) { return p.Point(); },
       {"table", "json", "csv", "svg", "vega"}},
      {"tricks",
       [](const Place& p) { return p.Point(); },
       {"table", "json", "csv", "svg", "vega"}},
      {"tune",
       [](const Place& p) { return p.Point() + Words{"--batches=1,8"}; },
       {"table", "json", "csv", "svg"}},
      {"validate",
       [](const Place& p) {
         return Words{"--measurements=" + p.Measurements()};
       },
       {"table", "json", "csv", "svg"}},
      {"sweep",
       [](const Place& p) {
         return Words{"--space=" + p.Space(), "--threads=1"};
       },
       {"table", "json", "csv", "svg", "vega", "sqlite"}},
      {"sweep",
       [](const Place& p) {
         return Words{"--space=" + p.Space(), "--point=1"};
       },
       {"table", "json", "csv", "svg"}},
      {"check",
       [](const Place& p) {
         return p.Point() +
                Words{"--name=" + p.text.substr(0, p.text.find('\0')),
                      "--max-step-time-ms=100"};
       },
       {"table", "json", "csv"}},
  };
  return *kQuestions;
}

class HostileToolTest : public ::testing::Test {
 protected:
  // Each text has a folder of its own.
  static void SetUpTestSuite() {
    for (const HostileText& hostile : HostileTexts()) {
      auto* place = new Place(hostile, places_->size());
      // A file system may refuse names that are not UTF-8.
      if (place->is_made) places_->push_back(place);
    }
    ASSERT_GE(places_->size(), 35u);
  }

  static const std::vector<Place*>& Places() { return *places_; }

  // Runs the tool and expects messages that can be read and no other file than
  // those that --out and the like name.
  static Outcome Run(const Place& place, const Words& arguments) {
    const Outcome outcome =
        RunIn(place.Empty(), fs::absolute(*binary).string(), arguments);
    ExpectMessages(outcome.err);
    EXPECT_NE(outcome.exit_code, -1);
    EXPECT_TRUE(fs::is_empty(place.Empty()))
        << VisibleText(absl::StrJoin(arguments, " "));
    return outcome;
  }

 private:
  static std::vector<Place*>* places_;
};

std::vector<Place*>* HostileToolTest::places_ = new std::vector<Place*>;

// Each sub-command in each format with one text, each with the next.
TEST_F(HostileToolTest, EverySubcommandIsValidInEveryFormat) {
  size_t next = 0;
  for (const Question& question : Questions()) {
    for (const std::string format : question.formats) {
      const Place& place = *Places()[next++ % Places().size()];
      SCOPED_TRACE(absl::StrCat(question.subcommand, " ", format, " with ",
                                VisibleText(place.text).substr(0, 60)));
      Words arguments = Words{question.subcommand} + question.arguments(place) +
                        Words{"--format=" + format};
      const std::string file = place.File(absl::StrCat("-out.", format));
      if (format == "sqlite") arguments.push_back("--out=" + file);
      const Outcome outcome = Run(place, arguments);
      EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
      ExpectFormat(format, format == "sqlite" ? Read(file) : outcome.out);
    }
  }
}

// The other way round: every text in what people read most, and in a flag.
TEST_F(HostileToolTest, EveryTextIsReadableInTablesAndMessages) {
  constexpr const char* kFlags[] = {
      "--model=",  "--hardware=", "--runtime=", "--set=",
      "--format=", "--scenario=", "--batch=",   "--"};
  size_t next = 0;
  for (const Place* place : Places()) {
    SCOPED_TRACE(VisibleText(place->text).substr(0, 60));
    const Words explain = {"explain", "--hardware=" + place->Hardware(),
                           "bandwidth_gb_per_s"};
    const Outcome table = Run(*place, explain);
    EXPECT_EQ(table.exit_code, 0) << table.err;
    ExpectFormat("table", table.out);
    if (next++ % 2 == 0) {
      const Outcome origin = Run(*place, explain + Words{"--format=csv"});
      // The citation is there byte by byte.
      const std::vector<Words> rows = RowsOfCsv(origin.out);
      ASSERT_GE(rows.size(), 2u) << origin.err;
      bool found = place->text.empty();
      for (const Words& row : rows) {
        for (const std::string& cell : row) found |= cell == place->text;
      }
      EXPECT_TRUE(found) << VisibleLines(origin.out);
    }
    if (place->text.find('\0') != std::string::npos) continue;
    // Names of nothing.
    const char* const flag = kFlags[next % std::size(kFlags)];
    const Outcome wrong =
        Run(*place, Words{"analyze"} + place->Point() +
                        Words{absl::StrCat(flag, place->text)});
    if (!place->text.empty()) {
      EXPECT_NE(wrong.exit_code, 0) << flag;
    }
    const Words names = next % 2 == 0
                            ? Words{"x" + place->text}
                            : Words{"lint", place->text, "./x/" + place->text};
    EXPECT_NE(Run(*place, names).exit_code, 0);
  }
}

TEST_F(HostileToolTest, ChecksAreMarkdownAndXmlWithoutPartsOfOthers) {
  std::string written;
  for (size_t i = 0; i < Places().size(); ++i) {
    const Place* place = Places()[i];
    if (place->text.find('\0') != std::string::npos) continue;
    SCOPED_TRACE(VisibleText(place->text).substr(0, 60));
    const Words check = Words{"check"} + place->Point();
    const std::string baseline = "--baseline=" + place->Baseline();
    if (i % 3 == 0) {
      const Outcome wrote = Run(*place, check + Words{baseline, "--update"});
      EXPECT_EQ(wrote.exit_code, 0) << wrote.err;
      ExpectReadable(wrote.out);
      EXPECT_EQ(CountOf(wrote.out, "\n"), 1) << wrote.out;
      written = Read(place->Baseline());
    }
    // A baseline of another model, whose name is hostile.
    std::string text = written;
    const std::string name = "model: \"tiny\"";
    ASSERT_NE(text.find(name), std::string::npos) << text;
    text.replace(text.find(name), name.size(),
                 absl::StrCat("model: ", QuotedText("m" + place->text)));
    Write(place->Baseline(), text);
    const std::string markdown = place->File(".md"),
                      junit = place->File(".xml");
    const Outcome failed = Run(
        *place, check + Words{baseline, "--name=" + place->text,
                              "--update-command=" + place->text,
                              "--markdown=" + markdown, "--junit=" + junit});
    EXPECT_EQ(failed.exit_code, 3) << failed.err;
    ExpectFormat("table", failed.out);
    ExpectMarkdown(Read(markdown));
    EXPECT_GT(CountOf(Read(junit), "<testcase "), 0);
    KeepXml(Read(junit));
  }
}

TEST_F(HostileToolTest, FilesThatAreWrittenReadBack) {
  // A new machine reads all of the catalogue, which takes a tenth of a second.
  for (size_t i = 0; i < Places().size(); i += 6) {
    const Place* place = Places()[i];
    SCOPED_TRACE(VisibleText(place->text).substr(0, 60));
    // A machine on a base whose path is hostile.
    const std::string machine = place->File("-new.textproto");
    const Outcome begun = Run(
        *place,
        {"new-hardware", "--base=" + place->Hardware(), "--out=" + machine});
    EXPECT_EQ(begun.exit_code, 0) << begun.err;
    const Outcome used = Run(
        *place, {"analyze", "--model=llama-3.1-8b", "--hardware=" + machine});
    // Nothing is wrong with it but numbers that are to be filled in.
    for (const absl::string_view line : absl::StrSplit(used.err, '\n')) {
      EXPECT_TRUE(line.empty() || absl::StrContains(line, "fill it in") ||
                  absl::StrContains(line, "note: "))
          << used.err;
    }
    // A model whose own name is hostile.
    const std::string config = place->File("-config.json");
    json object = json::parse(
        Read("analyzer/import/testdata/hf/llama-3.1-8b.json"), nullptr, false);
    ASSERT_TRUE(object.is_object());
    object["_name_or_path"] = ValidUtf8("x/" + place->text);
    Write(config, object.dump());
    const std::string model = place->File("-imported.textproto");
    const Outcome imported =
        Run(*place, {"import-hf", config, "--name=mine", "--out=" + model});
    EXPECT_EQ(imported.exit_code, 0) << imported.err;
    EXPECT_EQ(Run(*place, {"lint", "--as=model", model}).exit_code, 0);
    EXPECT_EQ(CountOf(Read(model), "\nPWNED"), 0);
  }
}

// Shells run the commands that answers print, with `tokenjoule` as a function
// that prints its arguments.
Words ArgumentsOf(const Place& place, const std::string& command) {
  const Outcome outcome = RunIn(
      place.Empty(), "/bin/sh",
      {"-c",
       absl::StrCat("tokenjoule() { printf '%s\\0' \"$@\"; }\n", command)});
  EXPECT_EQ(outcome.exit_code, 0) << command << "\n" << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(fs::is_empty(place.Empty())) << command;
  Words words = absl::StrSplit(outcome.out, '\0');
  if (!words.empty()) words.pop_back();
  return words;
}

TEST_F(HostileToolTest, CommandsOfAnswersAreReadBackByAShell) {
  for (size_t i = 0; i < Places().size(); ++i) {
    const Place* place = Places()[i];
    SCOPED_TRACE(VisibleText(place->text).substr(0, 60));
    // A point of a search, as it is copied from the screen and from the JSON,
    // which holds no bytes that are not UTF-8: the command spells them.
    const std::string format = i % 2 == 0 ? "table" : "json";
    const Outcome point = Run(*place, {"sweep", "--space=" + place->Space(),
                                       "--point=0", "--format=" + format});
    const std::string before = format == "table" ? "the same:\n" : "the same: ";
    std::string text = point.out;
    if (format == "json") {
      text.clear();
      const json report = json::parse(point.out, nullptr, false);
      ASSERT_TRUE(report.is_object()) << point.err;
      for (const std::string note : report["notes"]) {
        if (absl::StartsWith(note, before)) text = note;
      }
    }
    const size_t at = text.find(before);
    ASSERT_NE(at, std::string::npos) << point.out << point.err;
    const Words words = ArgumentsOf(*place, text.substr(at + before.size()));
    ASSERT_GE(words.size(), 3u);
    EXPECT_EQ(words[0], "analyze");
    EXPECT_EQ(words[1], "--model=" + place->Model());
    EXPECT_EQ(words[2], "--hardware=" + place->Hardware());
    if (i % 3 != 0) continue;
    const Outcome plan =
        Run(*place, Words{"plan"} + place->Point() +
                        Words{"--requests-per-s=1", "--prompt=256",
                              "--output=64", "--max-chips=1", "--format=json"});
    const json ways = json::parse(plan.out, nullptr, false);
    ASSERT_TRUE(ways.is_object() && !ways["rows"].empty()) << plan.err;
    const Words replica = ArgumentsOf(*place, ways["rows"][0]["command"]);
    ASSERT_GE(replica.size(), 3u);
    EXPECT_EQ(replica[1], "--model=" + place->Model());
    EXPECT_EQ(replica[2], "--hardware=" + place->Hardware());
  }
}

// Requests of programs: what is sent comes back as it was.
TEST_F(HostileToolTest, RepliesRepeatWhatWasAsked) {
  std::string requests;
  std::vector<Words> asked;
  for (const Place* place : Places()) {
    if (!IsUtf8(place->text) || place->text.find('\0') != std::string::npos) {
      continue;
    }
    const json request = {
        {"id", place->text},
        {"subcommand", "explain"},
        {"flags", {{"hardware", "x" + place->text}, {"set", {place->text}}}},
        {"positional", {"p" + place->text}}};
    absl::StrAppend(&requests, request.dump(), "\n");
    asked.push_back({"explain", "p" + place->text, "--hardware=x" + place->text,
                     "--set=" + place->text});
  }
  const std::string file = TempPath("requests"), replies = TempPath("replies");
  Write(file, requests);
  ASSERT_EQ(std::system(absl::StrCat(*binary, " serve --stdio < ", file, " > ",
                                     replies, " 2> ", TempPath("errors"))
                            .c_str()),
            0);
  const std::vector<std::string> lines = absl::StrSplit(Read(replies), '\n');
  ASSERT_EQ(lines.size(), asked.size() + 1);
  for (size_t i = 0; i < asked.size(); ++i) {
    const json reply = json::parse(lines[i], nullptr, false);
    ASSERT_TRUE(reply.is_object()) << lines[i];
    Words words = ArgumentsOf(*Places()[0], reply["command"]);
    EXPECT_THAT(words, ElementsAreArray(asked[i])) << lines[i];
  }
}

TEST_F(HostileToolTest, AnswersAreWrittenToTheFileThatIsNamed) {
  for (size_t i = 1; i < Places().size(); i += 2) {
    const Place* place = Places()[i];
    SCOPED_TRACE(VisibleText(place->text).substr(0, 60));
    const std::string file = place->File("-answer.json");
    const Outcome there =
        Run(*place, Words{"analyze"} + place->Point() +
                        Words{"--format=json", "--out=" + file});
    EXPECT_EQ(there.exit_code, 0) << there.err;
    EXPECT_EQ(there.out, "");
    ExpectFormat("json", Read(file));
    const Outcome nowhere = Run(
        *place, Words{"analyze"} + place->Point() +
                    Words{"--out=" + place->folder + "/none/" + place->name});
    EXPECT_EQ(nowhere.exit_code, 3);
    EXPECT_THAT(nowhere.err, HasSubstr("cannot be written"));
  }
}

// Formats for programs keep every byte, except where no program reads them.
TEST_F(HostileToolTest, OnATerminalNoFormatCommandsIt) {
  for (size_t i = 0; i < Places().size(); i += 2) {
    const Place* place = Places()[i];
    SCOPED_TRACE(VisibleText(place->text).substr(0, 60));
    Words words = {fs::absolute(*binary).string(), "explain",
                   "--hardware=" + place->Hardware(), "bandwidth_gb_per_s",
                   "--format=csv"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    ASSERT_GT(child, 0);
    std::string shown;
    char part[4096];
    // The end is an error.
    for (ssize_t size; (size = read(terminal, part, sizeof part)) > 0;) {
      shown.append(part, static_cast<size_t>(size));
    }
    close(terminal);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_THAT(shown, HasSubstr("bandwidth_gb_per_s"));
    // A terminal's own line ends.
    ExpectReadable(absl::StrReplaceAll(shown, {{"\r\n", "\n"}}));
  }
}

// The last test: all XML documents of the others, read by expat.
TEST_F(HostileToolTest, XmlIsWellFormedForAStrictParser) {
  ASSERT_GE(XmlFiles().size(), 20u);
  const std::string program = TempPath("parse.py");
  Write(program,
        "import sys\n"
        "from xml.etree import ElementTree\n"
        "for path in sys.argv[1:]:\n"
        "    for element in ElementTree.parse(path).iter():\n"
        "        name = element.tag.rpartition('}')[2]\n"
        "        assert name not in ('script', 'img', 'a', 'foreignObject'), "
        "name\n"
        "        assert not any(key.startswith('on') for key in "
        "element.keys())\n");
  const Outcome outcome =
      RunIn("/", "/usr/bin/env", Words{"python3", program} + XmlFiles());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) { return tokenjoule::RunToolTests(argc, argv); }
