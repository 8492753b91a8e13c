#include "tools/serve/html_report.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/serve/page_files.h"

namespace tokenjoule {
namespace {

using ::nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A name as a hostile description could hold it.
constexpr char kHostile[] =
    "</script><script>alert(1)</script><!-- \xE2\x80\xA8\xE2\x80\xA9 & \"'\\";

// A sub-command that answers with its flags and has no answer at the node.
Command Fake(const std::string& name) {
  Command command;
  command.name = name;
  command.flags = {{"model", "NAME", ""},
                   {"batch", "N", ""},
                   {"boundary", "NAME", ""},
                   {"format", "FORMAT", ""},
                   {"out", "FILE", ""}};
  command.respond = [name](const ParsedFlags& flags,
                           int* exit_code) -> absl::StatusOr<std::string> {
    EXPECT_EQ(flags.Get("format", ""), "json");
    if (flags.Get("boundary", "") == "node") {
      *exit_code = kExitUsage;
      return absl::InvalidArgumentError("no node");
    }
    json answer = {{"of", name}, {"model", flags.Get("model", "")}};
    answer["scenario"]["boundary"] = flags.Get("boundary", "chip");
    return answer.dump(1);
  };
  return command;
}

const std::vector<Command>& Commands() {
  static const auto* const kCommands = new std::vector<Command>{
      Fake("analyze"), Fake("batch"), Fake("ceiling"), Fake("sweep")};
  return *kCommands;
}

// What a page has recorded.
json RecordedIn(const std::string& page) {
  const std::string begin = "<script type=\"application/json\" id=\"recorded\">";
  const size_t at = page.find(begin);
  EXPECT_NE(at, std::string::npos);
  const size_t from = at + begin.size();
  return json::parse(page.substr(from, page.find("</script>", from) - from));
}

TEST(HtmlReportTest, ScriptsHoldNoTextThatEndsThem) {
  const std::string text = json({{"name", kHostile}}).dump();
  const std::string escaped = JsonInScript(text);
  for (const char* bad : {"<", ">", "&", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    EXPECT_FALSE(absl::StrContains(escaped, bad)) << bad;
  }
  EXPECT_EQ(json::parse(escaped)["name"], kHostile);
}

TEST(HtmlReportTest, PagesAreOneFile) {
  const std::vector<EmbeddedFile> files = {
      {"a/b.css", "p {}\n"},
      {"index.html",
       "<html>\n<head>\n<link rel=\"stylesheet\" href=\"a/b.css\">\n</head>\n"
       "<script src=\"one.js\"></script>\n<script src=\"two.js\"></script>\n"},
      {"one.js", "one();\n"},
      {"two.js", "two();\n"}};
  EXPECT_EQ(OrDie(InlinedPage(files, "{}")),
            "<html>\n<head>\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
            "'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
            "img-src data: blob:; base-uri 'none'; form-action 'none'\">\n"
            "<style>\np {}\n</style>\n</head>\n"
            "<script type=\"application/json\" id=\"recorded\">{}</script>\n"
            "<script>\none();\n</script>\n<script>\ntwo();\n</script>\n\n");
}

TEST(HtmlReportTest, PagesWithoutTheirFilesAreRefused) {
  const EmbeddedFile page = {"index.html", "<script src=\"one.js\"></script>"};
  EXPECT_THAT(ErrorOf(InlinedPage({page}, "{}")), HasSubstr("no file \"one.js\""));
  for (const char* text : {"'</script>'", "'</SCRIPT'", "'<!--'"}) {
    EXPECT_THAT(ErrorOf(InlinedPage({page, {"one.js", text}}, "{}")),
                HasSubstr("ends a script"));
  }
  EXPECT_THAT(ErrorOf(InlinedPage({{"index.html", "<html>"}}, "{}")),
              HasSubstr("no script"));
  EXPECT_FALSE(InlinedPage({}, "{}").ok());
}

// The page as it is.
TEST(HtmlReportTest, ThePageItselfCanBeOneFile) {
  const std::string page = OrDie(InlinedPage(PageFiles(), "{}"));
  EXPECT_EQ(page.find("<script src"), std::string::npos);
  EXPECT_EQ(page.find("rel=\"stylesheet\""), std::string::npos);
  EXPECT_EQ(page.find("http://"), page.find("http://www.w3.org"));
  EXPECT_GT(page.size(), 250'000);
}

TEST(HtmlReportTest, RecordsEveryBoundaryThatThereIs) {
  ParsedFlags flags;
  flags.values = {{"model", {kHostile}}, {"format", {"html"}}, {"out", {"x"}}};
  int exit_code = kExitUsage;
  const std::string page =
      OrDie(HtmlReport(Commands(), "analyze", flags, "", &exit_code));
  EXPECT_EQ(exit_code, kExitOk);
  const json recorded = RecordedIn(page);
  EXPECT_EQ(recorded["view"], "analyze");
  std::vector<std::string> asked;
  for (const json& request : recorded["requests"]) {
    asked.push_back(absl::StrCat(
        request["subcommand"].get<std::string>(), " ",
        request["flags"]["boundary"].get<std::string>()));
    EXPECT_FALSE(request["flags"].contains("format"));
    EXPECT_FALSE(request["flags"].contains("out"));
    const json& envelope = request["envelope"];
    EXPECT_EQ(envelope["answer"]["of"], request["subcommand"]);
    EXPECT_EQ(envelope["answer"]["model"], kHostile);
    EXPECT_THAT(envelope["command"].get<std::string>(),
                HasSubstr("--boundary="));
  }
  // The boundary of the answer itself comes first; the node has none.
  EXPECT_THAT(asked,
              ElementsAre("analyze chip", "ceiling chip", "analyze stack",
                          "ceiling stack", "analyze memory_path",
                          "ceiling memory_path", "analyze board",
                          "ceiling board", "analyze facility",
                          "ceiling facility"));
}

TEST(HtmlReportTest, ListsAreForTheSubcommandThatTakesThem) {
  ParsedFlags flags;
  flags.values = {{"model", {"a,b"}}, {"batch", {"1,2,4"}}};
  int exit_code = kExitOk;
  const json recorded = RecordedIn(
      OrDie(HtmlReport(Commands(), "batch", flags, "", &exit_code)));
  EXPECT_EQ(recorded["requests"][0]["flags"]["model"], "a,b");
  EXPECT_EQ(recorded["requests"][0]["flags"]["batch"], "1,2,4");
  EXPECT_EQ(recorded["requests"][1]["subcommand"], "analyze");
  EXPECT_EQ(recorded["requests"][1]["flags"]["model"], "a");
  EXPECT_FALSE(recorded["requests"][1]["flags"].contains("batch"));
}

TEST(HtmlReportTest, AnswersThatAreKnownAreNotComputedAgain) {
  int exit_code = kExitOk;
  const json recorded = RecordedIn(OrDie(HtmlReport(
      Commands(), "sweep", ParsedFlags(), "{\"front\": []}", &exit_code)));
  ASSERT_EQ(recorded["requests"].size(), 1);
  EXPECT_EQ(recorded["requests"][0]["envelope"]["answer"],
            json::parse("{\"front\": []}"));
}

TEST(HtmlReportTest, FailsAsTheSubcommandDoes) {
  ParsedFlags flags;
  flags.values = {{"boundary", {"node"}}};
  int exit_code = kExitOk;
  EXPECT_EQ(ErrorOf(HtmlReport(Commands(), "analyze", flags, "", &exit_code)),
            "no node");
  EXPECT_EQ(exit_code, kExitUsage);
}

}  // namespace
}  // namespace tokenjoule
