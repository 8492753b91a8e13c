// `tokenjoule serve` and --format=html as programs and mails meet them: the binary
// itself, over HTTP, line by line, and as files.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "analyzer/testing/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/run_tool.h"
#include "tests/served.h"
#include "tools/serve/http_client.h"

namespace tokenjoule {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;

constexpr char kSetup[] = "--model=llama-3.1-8b --hardware=h100-sxm";

json SetupFlags() {
  return {{"model", "llama-3.1-8b"}, {"hardware", "h100-sxm"}};
}

// A server that is asked in JSON.
class Asked : public Served {
 public:
  Asked() : Served(*binary) {}

  // The reply, with its status.
  json Ask(const std::string& subcommand, const json& request,
           int status = 200) const {
    const HttpResult result = PostJson(port(), subcommand, request.dump());
    EXPECT_EQ(result.status, status) << result.body.substr(0, 500);
    if (result.status == 0) return json();
    return json::parse(result.body);
  }
};

json Flags(std::initializer_list<json> more) {
  json flags = SetupFlags();
  for (const json& one : more) flags.update(one);
  return {{"flags", flags}};
}

TEST(ServeTest, AnswersAreThoseOfTheCommandLine) {
  const Asked served;
  EXPECT_THAT(served.address(), HasSubstr("http://127.0.0.1:"));
  const struct {
    const char* subcommand;
    const char* words;
    json request;
  } kCases[] = {
      {"analyze", "--batch=8 --weights=fp8",
       Flags({{{"batch", "8"}}, {{"weights", "fp8"}}})},
      {"batch", "--batch=1,4 --ranges=false",
       Flags({{{"batch", "1,4"}}, {{"ranges", false}}})},
      {"ceiling", "--boundary=chip", Flags({{{"boundary", "chip"}}})},
      {"tricks", "", Flags({})},
      {"sensitivity", "", Flags({})},
      {"compare", "--to.batch=32", Flags({{{"to.batch", 32}}})},
  };
  for (const auto& one : kCases) {
    for (const char* format : {"json", "table", "csv"}) {
      json request = one.request;
      request["flags"]["format"] = format;
      const json reply = served.Ask(one.subcommand, request);
      const std::string line = absl::StrCat(one.subcommand, " ", kSetup, " ",
                                            one.words, " --format=", format);
      const Outcome expected = RunTool(line);
      ASSERT_EQ(expected.exit_code, 0) << expected.err;
      if (std::string(format) == "json") {
        EXPECT_EQ(reply["answer"], json::parse(expected.out)) << line;
      } else {
        EXPECT_EQ(reply["answer"], expected.out) << line;
      }
      // Its command line repeats it.
      const std::string command = reply["command"];
      EXPECT_EQ(RunTool(command.substr(command.find(' ') + 1)).out, expected.out)
          << command;
    }
  }
  const json explained = served.Ask(
      "explain", {{"flags", {{"hardware", "h100-sxm"}}}, {"positional", {"devices"}}});
  EXPECT_EQ(explained["answer"],
            json::parse(
                RunTool("explain --hardware=h100-sxm devices --format=json").out));
}

TEST(ServeTest, FaultsAreThoseOfTheCommandLine) {
  const Asked served;
  const json reply = served.Ask("analyze",
                                {{"flags",
                                  {{"model", "llama-3.1-8b"},
                                   {"hardware", "h100"},
                                   {"batch", "x"},
                                   {"tp", "x"},
                                   {"kv", "fp7"}}}},
                                422);
  const Outcome expected = RunTool(
      "analyze --model=llama-3.1-8b --hardware=h100 --batch=x --tp=x --kv=fp7");
  EXPECT_EQ(reply["error"]["exit_code"], expected.exit_code);
  std::string lines;
  for (const json& fault : reply["error"]["faults"]) {
    absl::StrAppend(&lines, "tokenjoule: ", fault.get<std::string>(), "\n");
  }
  EXPECT_THAT(expected.err, HasSubstr(lines));
  EXPECT_GE(reply["error"]["faults"].size(), 2);
}

TEST(ServeTest, NoticesBelongToTheirRequest) {
  const Asked served;
  for (int i = 0; i < 2; ++i) {
    const json reply =
        served.Ask("analyze", {{"flags", {{"model", "llama-3.1-8b"},
                                          {"hardware", "h100"}}}});
    ASSERT_EQ(reply["notices"].size(), 1);
    EXPECT_THAT(reply["notices"][0].get<std::string>(),
                HasSubstr("\"h100\" taken as"));
  }
  EXPECT_EQ(served.Ask("analyze", Flags({}))["notices"].size(), 0);
}

TEST(ServeTest, NoRequestReachesAFile) {
  const Asked served;
  const std::string mine = TempPath("mine.textproto");
  Write(mine, "name: \"mine\" base: \"h100-sxm\"");
  Write(TempPath("config.json"), "{}");
  Write(TempPath("model.gguf"), "GGUF");
  // Every flag that names a file on the command line.
  const std::vector<json> all = {
      {{"model", TempPath("config.json")}, {"hardware", "h100-sxm"}},
      {{"model", TempPath("model.gguf")}, {"hardware", "h100-sxm"}},
      {{"model", ::testing::TempDir()}, {"hardware", "h100-sxm"}},
      {{"model", "llama-3.1-8b"}, {"hardware", mine}},
      {{"model", "llama-3.1-8b"}, {"hardware", absl::StrCat("h100-sxm,", mine)}},
      {{"model", "llama-3.1-8b"}, {"hardware", "h100-sxm"}, {"runtime", mine}},
      {{"model", "llama-3.1-8b"},
       {"hardware", "rtx-4090"},
       {"host", mine},
       {"offload", "layers:1"}},
      {{"model", "llama-3.1-8b"},
       {"hardware", "h100-sxm"},
       {"draft_tokens", "2"},
       {"accepted_fraction", "0.5"},
       {"draft", mine}},
      {{"scenario", mine}},
      {{"model", "llama-3.1-8b"}, {"hardware", "h100-sxm"}, {"scenario", mine}},
  };
  for (const json& flags : all) {
    const json reply = served.Ask("analyze", {{"flags", flags}}, 422);
    EXPECT_THAT(reply["error"]["faults"].dump(),
                ::testing::AnyOf(
                    HasSubstr("not among the documents of the request"),
                    HasSubstr("is not read from a request")))
        << flags;
  }
  EXPECT_THAT(served
                  .Ask("compare", {{"positional", {mine, mine}}}, 422)["error"]
                      ["faults"]
                  .dump(),
              HasSubstr("not among the documents of the request"));
  const std::string out = TempPath("written.json");
  for (const char* flag : {"out", "markdown", "junit"}) {
    served.Ask("analyze", Flags({{{flag, out}}}), 422);
    EXPECT_NE(access(out.c_str(), F_OK), 0);
  }
}

TEST(ServeTest, DocumentsAreDescriptions) {
  const Asked served;
  json request = {{"flags", {{"model", "llama-3.1-8b"}, {"hardware", "a.textproto"}}},
                  {"documents",
                   {{"a.textproto", "name: \"a\" base: \"b.textproto\""},
                    {"b.textproto",
                     "name: \"b\" base: \"h100-sxm\" board { static_power_w { "
                     "value: 50 } }"}}}};
  EXPECT_EQ(served.Ask("analyze", request)["answer"]["hardware"], "a");
  request["documents"].erase("b.textproto");
  EXPECT_THAT(
      served.Ask("analyze", request, 422)["error"]["faults"][0].get<std::string>(),
      HasSubstr("b.textproto: is not among the documents"));
  const json config = {{"architectures", {"LlamaForCausalLM"}},
                       {"model_type", "llama"},
                       {"hidden_size", 1024},
                       {"intermediate_size", 2816},
                       {"num_hidden_layers", 8},
                       {"num_attention_heads", 16},
                       {"num_key_value_heads", 4},
                       {"vocab_size", 32000},
                       {"max_position_embeddings", 4096},
                       {"rms_norm_eps", 1e-5},
                       {"tie_word_embeddings", false},
                       {"torch_dtype", "bfloat16"},
                       {"hidden_act", "silu"}};
  const json imported = served.Ask(
      "analyze", {{"flags", {{"model", "config.json"}, {"hardware", "h100-sxm"}}},
                  {"documents", {{"config.json", config.dump()}}}});
  EXPECT_GT(imported["answer"]["energy_per_token_j"], 0);
  // One checkpoint as several files.
  const json cached = served.Ask(
      "analyze",
      {{"flags", {{"model", "config.json"}, {"hardware", "h100-sxm"}}},
       {"documents",
        {{"config.json", config.dump()},
         {"generation_config.json", "{\"cache_implementation\": \"quantized\"}"}}}});
  EXPECT_THAT(cached["notices"].dump(), HasSubstr("quantised cache"));
}

TEST(ServeTest, ClientsAtOnceGetTheirOwnAnswers) {
  const Asked served;
  std::vector<std::thread> clients;
  for (int batch = 1; batch <= 16; ++batch) {
    clients.emplace_back([&served, batch] {
      const json reply = served.Ask("analyze", Flags({{{"batch", batch}}}));
      EXPECT_EQ(reply["answer"]["scenario"]["batch"], batch);
    });
  }
  for (std::thread& client : clients) client.join();
}

// What a slider asks for, each as a whole request. The limit is for shared
// machines; the times are in the log.
TEST(ServeTest, AnswersWhileSlidersMove) {
  const Asked served;
  const struct {
    const char* subcommand;
    json request;
  } kCases[] = {
      {"analyze", Flags({})},
      {"batch", Flags({{{"batch", "1:1024:x2"}}})},
      {"ceiling", Flags({})},
      {"tricks", Flags({})},
      {"sensitivity", Flags({})},
      {"compare", Flags({{{"to.batch", "32"}}})},
      {"explain", Flags({})},
      {"list", json::object()},
  };
  for (const auto& one : kCases) {
    double best_ms = 1e9;
    size_t bytes = 0;
    for (int i = 0; i < 10; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      bytes = served.Ask(one.subcommand, one.request).dump().size();
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - begin;
      best_ms = std::min(best_ms, took.count());
    }
    absl::PrintF("%-12s %7.1f ms %8d bytes\n", one.subcommand, best_ms, bytes);
    EXPECT_LT(best_ms, 500) << one.subcommand;
  }
}

// As Ctrl-C ends it, also while a client is connected.
TEST(ServeTest, SignalsEndIt) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Asked served;
    const int idle = ConnectTo(served.port());
    served.Ask("analyze", Flags({}));
    const auto begin = std::chrono::steady_clock::now();
    const int status = served.End(signal);
    const std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - begin;
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
    EXPECT_LT(took.count(), 10);
    EXPECT_EQ(ConnectTo(served.port()), -1);
    close(idle);
  }
}

TEST(ServeTest, LinesAreAnsweredInOrder) {
  const std::string requests = TempPath("requests");
  const std::string mine = TempPath("line.textproto");
  Write(mine, "name: \"line\" base: \"h100-sxm\"");
  Write(requests,
        absl::StrCat(
            "{\"id\": 1, \"subcommand\": \"analyze\", \"flags\": ",
            SetupFlags().dump(), "}\n\n{\"id\": 2, \"subcommand\": \"nothing\"}\n",
            "{\"id\": 3, \"subcommand\": \"analyze\", \"flags\": {\"model\": "
            "\"llama-3.1-8b\", \"hardware\": \"",
            mine, "\"}}\n"));
  const auto replies = [&](const std::string& flags) {
    const Outcome outcome =
        RunTool(absl::StrCat("serve --stdio ", flags, " <", requests));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    std::vector<json> all;
    for (const absl::string_view line :
         absl::StrSplit(outcome.out, '\n', absl::SkipEmpty())) {
      all.push_back(json::parse(line));
    }
    return all;
  };
  const std::vector<json> closed = replies("");
  ASSERT_EQ(closed.size(), 3);
  EXPECT_EQ(closed[0]["id"], 1);
  EXPECT_EQ(closed[0]["answer"],
            json::parse(
                RunTool(absl::StrCat("analyze ", kSetup, " --format=json")).out));
  EXPECT_EQ(closed[1]["error"]["exit_code"], 2);
  EXPECT_THAT(closed[2]["error"]["faults"].dump(),
              HasSubstr("not among the documents of the request"));
  // With --files the process reads what its parent may read.
  EXPECT_EQ(replies("--files")[2]["answer"]["hardware"], "line");
}

TEST(ServeTest, RefusesFlagsThatDoNotGoTogether) {
  EXPECT_EQ(RunTool("serve --files").exit_code, 2);
  EXPECT_EQ(RunTool("serve --stdio --port=1").exit_code, 2);
  EXPECT_EQ(RunTool("serve --port=70000").exit_code, 2);
  EXPECT_EQ(RunTool("serve 8080").exit_code, 2);
  const Outcome taken = RunTool("serve --host=192.0.2.1 --port=0");
  EXPECT_EQ(taken.exit_code, 3);
  EXPECT_THAT(taken.err, HasSubstr("cannot listen on 192.0.2.1"));
  const Outcome unknown = RunTool("serve --host=nothing.invalid --port=0");
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("cannot listen on nothing.invalid"));
}

// The recorded answers of a page.
json RecordedIn(const std::string& page) {
  const std::string begin = "<script type=\"application/json\" id=\"recorded\">";
  const size_t at = page.find(begin);
  EXPECT_NE(at, std::string::npos);
  if (at == std::string::npos) return json();
  const size_t from = at + begin.size();
  return json::parse(page.substr(from, page.find("</script>", from) - from));
}

TEST(ServeTest, PagesHoldTheAnswersOfTheCommandLine) {
  const std::string file = TempPath("report.html");
  for (const std::string& command :
       {absl::StrCat("analyze ", kSetup),
        absl::StrCat("batch --batch=1,8 ", kSetup),
        absl::StrCat("ceiling --boundary=node ", kSetup),
        absl::StrCat("tricks ", kSetup),
        absl::StrCat("compare --to.batch=32 ", kSetup)}) {
    const Outcome written =
        RunTool(absl::StrCat(command, " --format=html --out=", file));
    ASSERT_EQ(written.exit_code, 0) << command << written.err;
    const std::string page = Read(file);
    // Nothing is fetched: every script and style is inside.
    EXPECT_EQ(page.find("<script src"), std::string::npos);
    EXPECT_EQ(page.find("<link rel=\"stylesheet\""), std::string::npos);
    const json recorded = RecordedIn(page);
    const json& first = recorded["requests"][0];
    EXPECT_EQ(absl::StrCat(first["subcommand"].get<std::string>(), " "),
              command.substr(0, command.find(' ') + 1));
    EXPECT_EQ(first["envelope"]["answer"],
              json::parse(RunTool(command + " --format=json").out));
    std::vector<std::string> boundaries;
    for (const json& request : recorded["requests"]) {
      if (request["subcommand"] == first["subcommand"]) {
        boundaries.push_back(request["flags"]["boundary"]);
        const std::string line = request["envelope"]["command"];
        EXPECT_EQ(request["envelope"]["answer"],
                  json::parse(RunTool(absl::StrCat(line.substr(line.find(' ') + 1),
                                                   " --format=json"))
                                  .out));
      }
    }
    EXPECT_EQ(boundaries.size(), 6) << command;
    // The same input gives the same bytes, for caches of builds.
    RunTool(absl::StrCat(command, " --format=html --out=", file, ".2"));
    EXPECT_EQ(Read(absl::StrCat(file, ".2")), page);
  }
  const Outcome searched = RunTool(absl::StrCat(
      "sweep --space=hbm-accelerator --format=html --out=", file));
  ASSERT_EQ(searched.exit_code, 0) << searched.err;
  const json recorded =
      RecordedIn(Read(file))["requests"][0]["envelope"]["answer"];
  const json expected = json::parse(
      RunTool("sweep --space=hbm-accelerator --format=json").out);
  // How fast it went differs.
  EXPECT_EQ(recorded["front"], expected["front"]);
  EXPECT_EQ(recorded["feasible"], expected["feasible"]);
}

TEST(ServeTest, TextOfDescriptionsStaysTextInPages) {
  const std::string mine = TempPath("hostile.textproto");
  const std::string citation =
      "</script><script>alert(1)</script><!-- \xE2\x80\xA8 & '";
  Write(mine, absl::StrCat(
                  "name: \"mine\" base: \"h100-sxm\" memory { name: \"hbm\" "
                  "devices { value: 5 low: 5 high: 5 source: \"x\" } } sources { "
                  "id: \"x\" kind: DATASHEET date: \"2024\" citation: \"",
                  citation, "\" }"));
  const Outcome page = RunTool(absl::StrCat(
      "analyze --model=llama-3.1-8b --format=html --hardware=", mine));
  ASSERT_EQ(page.exit_code, 0) << page.err;
  EXPECT_EQ(page.out.find("<script>alert"), std::string::npos);
  // It is in the page all the same.
  bool is_cited = false;
  const json recorded = RecordedIn(page.out);
  for (const json& request : recorded["requests"]) {
    if (request["subcommand"] != "explain") continue;
    for (const json& entry : request["envelope"]["answer"]["entries"]) {
      is_cited |= entry["citation"] == citation;
    }
  }
  EXPECT_TRUE(is_cited);
}

TEST(ServeTest, OtherAnswersHaveNoPage) {
  const Outcome outcome =
      RunTool("list --format=html");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--format: unknown format \"html\""));
  EXPECT_EQ(RunTool("sweep --space=hbm-accelerator --point=1 --format=html")
                .exit_code,
            2);
}

}  // namespace
}  // namespace tokenjoule

int main(int argc, char** argv) {
  return tokenjoule::RunToolTests(argc, argv);
}
