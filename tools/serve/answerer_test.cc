#include "tools/serve/answerer.h"

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/documents.h"
#include "analyzer/description/notices.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/serve/stdio.h"

namespace tokenjoule {
namespace {

using ::nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// An `analyze` that answers with its flags, or with the file that --model names.
Command FakeAnalyze() {
  Command command;
  command.name = "analyze";
  command.summary = "a fake";
  command.flags = {{"model", "NAME", "a file"},
                   {"batch", "N", "batches"},
                   {"hardware", "NAME", "machines"},
                   {"power_cap_w", "W", "a number"},
                   {"set", "PATH=VALUE", "changes", true},
                   {"ideal", "", "a switch"},
                   {"samples", "N", "draws"},
                   {"format", "FORMAT", "format"},
                   {"out", "FILE", "a file"}};
  command.respond = [](const ParsedFlags& flags,
                       int* exit_code) -> absl::StatusOr<std::string> {
    if (flags.Get("model", "") == "wrong") {
      *exit_code = kExitUsage;
      return absl::InvalidArgumentError("one\ntwo \xff");
    }
    GiveNotice("noticed");
    std::string words;
    for (const auto& [name, values] : flags.values) {
      absl::StrAppend(&words, name, "=", absl::StrJoin(values, "|"), ";");
    }
    for (const std::string& word : flags.positional) {
      absl::StrAppend(&words, word, ";");
    }
    if (flags.Has("model")) {
      absl::StatusOr<std::string> text = ReadTextFile(flags.Get("model", ""));
      if (!text.ok()) return text.status();
      absl::StrAppend(&words, *text);
    }
    if (flags.Get("format", "table") != "json") return "a table\n \"é\"\n";
    return absl::StrCat("{\n  \"words\": ", json(words).dump(),
                        ",\n  \"spaces  inside\": 0.10\n}\n");
  };
  return command;
}

Command Unanswering() {
  Command command = FakeAnalyze();
  command.name = "batch";
  command.respond = nullptr;
  return command;
}

Command NotServed() {
  Command command = FakeAnalyze();
  command.name = "calibrate";
  return command;
}

class AnswererTest : public ::testing::Test {
 protected:
  AnswererTest()
      : answerer_({FakeAnalyze(), Unanswering(), NotServed()}, {}) {}

  json Ask(const std::string& request) {
    const Reply reply = answerer_.Answer("analyze", request);
    EXPECT_EQ(reply.json.find('\n'), std::string::npos);
    const json read = json::parse(reply.json);
    EXPECT_EQ(read.contains("error"), reply.exit_code != kExitOk);
    return read;
  }
  std::vector<std::string> FaultsOf(const std::string& request) {
    const json reply = Ask(request);
    if (!reply.contains("error")) return {};
    return reply["error"]["faults"].get<std::vector<std::string>>();
  }

  const Answerer answerer_;
};

TEST_F(AnswererTest, ReadsFlagsAsTheCommandLineDoes) {
  const json reply = Ask(
      R"({"flags": {"ideal": true, "power-cap-w": 300.5, "set": ["a=1", "b=2"],
                    "batch": 8, "hardware": null},
          "positional": ["first", "--second"]})");
  EXPECT_EQ(reply["answer"]["words"],
            "batch=8;format=json;ideal=true;power_cap_w=300.5;set=a=1|b=2;"
            "first;--second;");
  EXPECT_EQ(reply["answer"]["spaces  inside"], 0.1);
  EXPECT_EQ(reply["notices"], json({"noticed"}));
  EXPECT_EQ(reply["command"],
            "tokenjoule analyze first --second --batch=8 --power-cap-w=300.5 "
            "--set=a=1 --set=b=2 --ideal");
  EXPECT_GE(reply["elapsed_ms"], 0);
}

TEST_F(AnswererTest, AKeyThatIsThereTwiceIsRefused) {
  EXPECT_THAT(FaultsOf(R"({"flags": {"batch": 1, "ideal": true, "batch": 2}})"),
              ElementsAre("the key \"flags.batch\" is there twice; remove one"));
}

TEST_F(AnswererTest, KeepsTheDigitsOfAnswers) {
  // Read and written again, 0.10 would be 0.1.
  EXPECT_THAT(answerer_.Answer("analyze", "{}").json,
              HasSubstr("\"spaces  inside\": 0.10}"));
}

TEST_F(AnswererTest, OtherFormatsAreStrings) {
  EXPECT_EQ(Ask(R"({"flags": {"format": "table"}})")["answer"],
            "a table\n \"é\"\n");
}

TEST_F(AnswererTest, CommandLinesAreQuotedForTheShell) {
  const json reply = Ask(R"j({"flags": {"set": "it's $(x)", "ideal": "no"}})j");
  EXPECT_EQ(reply["command"],
            "tokenjoule analyze --set='it'\\''s $(x)' --ideal=false");
}

TEST_F(AnswererTest, DocumentsAreFilesAndFilesAreNot) {
  const json reply = Ask(
      R"({"flags": {"model": "a.textproto"}, "documents": {"a.textproto": "text"}})");
  EXPECT_EQ(reply["answer"]["words"], "format=json;model=a.textproto;text");
  for (const char* path : {"/etc/passwd", "../a.textproto", "a.textproto",
                           "./a.textproto", "", "/proc/self/environ"}) {
    EXPECT_THAT(FaultsOf(json({{"flags", {{"model", path}}}}).dump()),
                ElementsAre(HasSubstr("not among the documents of the request")))
        << path;
  }
}

TEST_F(AnswererTest, ReportsFaultsOfRequestsAllAtOnce) {
  EXPECT_THAT(
      FaultsOf(R"({"flags": {"modle": "a", "ideal": "perhaps", "out": "x",
                             "batch": {"a": 1}, "Rm -rf": "1"},
                   "documents": {"a.exe": "x", "b.json": 1}, "foo": 1})"),
      ElementsAre(HasSubstr("document a.exe: expected a name that ends in"),
                  HasSubstr("document b.json: expected a string, found number"),
                  HasSubstr("unknown flag \"Rm -rf\""),
                  HasSubstr("--batch: expected a string"),
                  HasSubstr("--out: a request writes no files"),
                  HasSubstr("--ideal: expected true"),
                  HasSubstr("did you mean \"model\""),
                  HasSubstr("unknown part of a request \"foo\"")));
}

TEST_F(AnswererTest, RefusesWhatIsNoRequest) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{"), std::string("1"),
        std::string("{\"flags\": \"\xff\"}"), std::string("nul"),
        std::string(100'000, '['), std::string(100'000, '{')}) {
    EXPECT_EQ(FaultsOf(text).size(), 1) << text.substr(0, 20);
  }
  EXPECT_THAT(FaultsOf(R"({"flags": {"batch": [[[[[[[[1]]]]]]]]}})"),
              ElementsAre(HasSubstr("more than 8 levels")));
  EXPECT_THAT(FaultsOf(R"({"flags": {"model": "a\u0000b"}})"),
              ElementsAre(HasSubstr("NUL")));
  EXPECT_THAT(FaultsOf(R"({"flags": []})"),
              ElementsAre(HasSubstr("expected an object, found array")));
}

TEST_F(AnswererTest, FaultsOfAnswersAreLines) {
  const json reply = Ask(R"({"flags": {"model": "wrong"}})");
  EXPECT_EQ(reply["error"]["exit_code"], kExitUsage);
  EXPECT_EQ(reply["error"]["faults"], json({"one", "two \xEF\xBF\xBD"}));
}

TEST_F(AnswererTest, AnswersOnlySubcommandsThatMayBeAsked) {
  EXPECT_THAT(answerer_.Subcommands(), ElementsAre("analyze"));
  for (const char* name : {"batch", "calibrate", "serve", "../analyze", ""}) {
    EXPECT_THAT(answerer_.Answer(name, "{}").json,
                HasSubstr("sub-command for requests"));
  }
  const json all = json::parse(answerer_.SubcommandsJson());
  EXPECT_EQ(all[0]["flags"][0]["name"], "model");
}

TEST_F(AnswererTest, BoundsWhatARequestComputes) {
  EXPECT_THAT(FaultsOf(R"({"flags": {"batch": "1:10000", "hardware": "a,b,c"}})"),
              ElementsAre(HasSubstr("30000 combinations")));
  EXPECT_THAT(FaultsOf(R"({"flags": {"samples": "1e9"}})"),
              ElementsAre(HasSubstr("--samples: a request has at most 100000")));
  EXPECT_THAT(FaultsOf(R"({"flags": {"format": "sqlite"}})"),
              ElementsAre(HasSubstr("not text")));
}

TEST_F(AnswererTest, LinesHaveIdsAndComeBackInOrder) {
  std::istringstream in(
      "{\"id\": 7, \"subcommand\": \"analyze\"}\n\n"
      "{\"id\": \"x\", \"subcommand\": \"analyse\"}\n"
      "nothing\n"
      "{\"subcommand\": \"analyze\", \"flags\": {\"batch\": \"2\"}}");
  std::ostringstream out;
  ServeLines(answerer_, in, out);
  std::istringstream lines(out.str());
  std::vector<json> replies;
  for (std::string line; std::getline(lines, line);) {
    replies.push_back(json::parse(line));
  }
  ASSERT_EQ(replies.size(), 4);
  EXPECT_EQ(replies[0]["id"], 7);
  EXPECT_EQ(replies[0]["answer"]["words"], "format=json;");
  EXPECT_EQ(replies[1]["id"], "x");
  EXPECT_THAT(replies[1]["error"]["faults"][0].get<std::string>(),
              HasSubstr("did you mean \"analyze\""));
  EXPECT_FALSE(replies[2].contains("id"));
  EXPECT_EQ(replies[3]["answer"]["words"], "batch=2;format=json;");
}

}  // namespace
}  // namespace tokenjoule
