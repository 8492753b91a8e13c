#include "tools/serve/http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/serve/answerer.h"
#include "tools/serve/http_client.h"
#include "tools/serve/http_options.h"
#include "tools/serve/page_files.h"

namespace tokenjoule {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kJsonType[] = "application/json";

// The most requests that were computed at once.
std::atomic<int> computing{0}, most_computing{0};

// An `analyze` that takes as long as its --batch says, ms.
Command SlowAnalyze() {
  Command command;
  command.name = "analyze";
  command.flags = {{"batch", "N", ""}, {"format", "FORMAT", ""}};
  command.respond = [](const ParsedFlags& flags,
                       int*) -> absl::StatusOr<std::string> {
    const int now = ++computing;
    int most = most_computing;
    while (now > most && !most_computing.compare_exchange_weak(most, now)) {
    }
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::stoi(flags.Get("batch", "0"))));
    --computing;
    return "{}";
  };
  return command;
}

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() : answerer_({SlowAnalyze()}, {}) {
    HttpOptions options;
    options.port = 0;
    options.connections = 64;
    options.computations = 2;
    options.body_bytes = 100'000;
    options.request_s = 2;
    server_ = std::make_unique<HttpServer>(answerer_, options);
    port_ = OrDie(server_->Bind());
    thread_ = std::thread([this] { server_->Run(); });
  }
  ~HttpServerTest() override {
    server_->Stop();
    thread_.join();
  }

  HttpResult Get(const std::string& target,
                 const HttpFields& fields = {}) const {
    return Fetch(port_, "GET", target, fields);
  }

  int StatusOfPost(HttpFields fields, const std::string& body = "{}",
                   const char* type = kJsonType,
                   const char* path = "/api/analyze") const {
    fields.push_back({"Content-Type", type});
    return Fetch(port_, "POST", path, fields, body).status;
  }

  // A connection, with a text sent on it.
  int Connect(const std::string& text) const {
    const int connection = ConnectTo(port_);
    EXPECT_GE(connection, 0);
    EXPECT_TRUE(SendTo(connection, text));
    return connection;
  }

  std::string Raw(const std::string& request) const {
    return Exchange(port_, request);
  }

  const Answerer answerer_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersWithJsonAndStrictHeaders) {
  HttpResult result = PostJson(port_, "analyze", "{}");
  ASSERT_EQ(result.status, 200);
  EXPECT_EQ(json::parse(result.body)["command"], "tokenjoule analyze");
  EXPECT_EQ(result.fields["content-type"], kJsonType);
  EXPECT_THAT(result.fields["content-security-policy"],
              HasSubstr("default-src 'none'; script-src 'self';"));
  EXPECT_EQ(result.fields["x-content-type-options"], "nosniff");
  EXPECT_EQ(result.fields["x-frame-options"], "DENY");
  EXPECT_EQ(result.fields["cross-origin-resource-policy"], "same-origin");
  EXPECT_EQ(result.fields["connection"], "close");
  EXPECT_EQ(result.fields.count("access-control-allow-origin"), 0);
  // No compression: it would take longer than the answer.
  const HttpResult asked = Get("/d3.min.js", {{"Accept-Encoding", "br, gzip"}});
  EXPECT_EQ(asked.status, 200);
  EXPECT_EQ(asked.fields.count("content-encoding"), 0);
}

TEST_F(HttpServerTest, ServesEveryFileOfThePageAndNoOther) {
  ASSERT_GE(PageFiles().size(), 2);
  for (const EmbeddedFile& file : PageFiles()) {
    const HttpResult result = Get(absl::StrCat("/", file.path));
    EXPECT_EQ(result.status, 200) << file.path;
    EXPECT_EQ(result.body, file.content) << file.path;
  }
  EXPECT_EQ(Get("/d3.min.js").fields["content-type"],
            "text/javascript; charset=utf-8");
  for (const char* path :
       {"/etc/passwd", "/../d3.min.js/x", "/%2e%2e/%2e%2e/etc/passwd", "//etc",
        "/api", "/api/analyze", "/api/../d3.min.js", "/D3.MIN.JS",
        "/d3.min.js%00", "/..%2f..%2fetc%2fpasswd", "/.git/config"}) {
    const std::string response = Raw(absl::StrCat(
        "GET ", path, " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
    EXPECT_THAT(response, StartsWith("HTTP/1.1 404")) << path;
    EXPECT_THAT(response, HasSubstr("there is nothing here")) << path;
  }
}

TEST_F(HttpServerTest, RefusesOtherHostsAndOtherPages) {
  const std::string self = absl::StrCat("127.0.0.1:", port_);
  for (const std::string& host :
       {self, std::string("localhost"), std::string("LOCALHOST:1"),
        std::string("[::1]:8765"), std::string("10.1.2.3:80")}) {
    EXPECT_EQ(StatusOfPost({{"Host", host}}), 200) << host;
  }
  for (const char* host :
       {"evil.example", "evil.example:8765", "localhost.evil.example",
        "127.0.0.1.evil.example", "evil.example@127.0.0.1", "[evil]", "[",
        "[::1].evil.example", "127.0.0.1 evil", ":"}) {
    EXPECT_EQ(StatusOfPost({{"Host", host}}), 403) << host;
  }
  EXPECT_THAT(Raw("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Raw("GET /api/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
              StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Raw("GET /api/ HTTP/1.1\r\nHost: localhost\r\nHost: "
                  "evil.example\r\n\r\n"),
              StartsWith("HTTP/1.1 403"));

  EXPECT_EQ(StatusOfPost({{"Host", self}, {"Origin", "http://" + self}}), 200);
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:1",
                             "https://127.0.0.1", "http://localhost"}) {
    EXPECT_EQ(StatusOfPost({{"Host", self}, {"Origin", origin}}), 403)
        << origin;
  }
  EXPECT_EQ(StatusOfPost({{"Host", self}, {"Sec-Fetch-Site", "cross-site"}}),
            403);
  EXPECT_EQ(StatusOfPost({{"Host", self}, {"Sec-Fetch-Site", "same-origin"}}),
            200);
}

TEST_F(HttpServerTest, RefusesHostileRequests) {
  EXPECT_EQ(StatusOfPost({}, "{}", "text/plain"), 415);
  EXPECT_EQ(StatusOfPost({}, "a=b", "application/x-www-form-urlencoded"), 415);
  EXPECT_EQ(StatusOfPost({}, "{", kJsonType), 422);
  EXPECT_EQ(StatusOfPost({}, "{}", kJsonType, "/api/serve"), 404);
  EXPECT_EQ(StatusOfPost({}, "{}", kJsonType, "/api/../analyze"), 404);
  EXPECT_EQ(StatusOfPost({}, "{}", kJsonType, "/"), 404);
  EXPECT_EQ(StatusOfPost({{"Content-Encoding", "gzip"}}, "{}", kJsonType), 400);
  EXPECT_EQ(Fetch(port_, "PUT", "/api/analyze", {}, "{}").status, 405);
  EXPECT_EQ(Get("/d3.min.js", {{"Range", "bytes=0-1,0-1,0-1"}}).status, 400);
  const std::string post =
      "POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/json\r\n";
  EXPECT_THAT(Raw(post + "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Raw(post + "Content-Length: 99999999999\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Raw(post + "Content-Length: -1\r\n\r\n"),
              Not(HasSubstr("HTTP/1.1 200")));
  // The body of a refused request is not read as the next one.
  EXPECT_THAT(Raw("POST /x HTTP/1.1\r\nHost: evil\r\nContent-Length: 60\r\n\r\n"
                  "GET /api/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              Not(HasSubstr("HTTP/1.1 200")));
  EXPECT_THAT(Raw(absl::StrCat("GET /", std::string(20'000, 'a'),
                               " HTTP/1.1\r\nHost: localhost\r\n\r\n")),
              Not(HasSubstr("HTTP/1.1 200")));
  EXPECT_THAT(Raw(absl::StrCat("GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
                               std::string(20'000, 'a'), "\r\n\r\n")),
              Not(HasSubstr("HTTP/1.1 200")));
  Raw(std::string("\0\xff\r\n\r\n", 6));
  // It goes on all the same.
  EXPECT_EQ(StatusOfPost({}), 200);
}

TEST_F(HttpServerTest, ComputesAtMostSoManyAtOnceAndAnswersAll) {
  most_computing = 0;
  std::vector<std::thread> clients;
  std::atomic<int> answered{0};
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&] {
      if (StatusOfPost({}, R"({"flags": {"batch": "50"}})") == 200) ++answered;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 12);
  EXPECT_EQ(most_computing, 2);
}

TEST_F(HttpServerTest, SlowClientsHoldUpNoOther) {
  std::vector<int> slow;
  for (int i = 0; i < 6; ++i) {
    slow.push_back(Connect(
        "POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "application/json\r\nContent-Length: 1000\r\n\r\n{"));
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(StatusOfPost({}), 200);
  const std::chrono::duration<double> waited =
      std::chrono::steady_clock::now() - begin;
  // Less than the time after which slow clients are given up.
  EXPECT_LT(waited.count(), 1.9);
  // They are told that it took too long, or are cut off.
  char byte;
  for (const int connection : slow) {
    std::string response;
    while (recv(connection, &byte, 1, 0) > 0) response += byte;
    EXPECT_THAT(response, Not(HasSubstr("HTTP/1.1 200")));
    close(connection);
  }
}

// More than are accepted while the server does something else.
TEST_F(HttpServerTest, ManyConnectionsAtOnceAreNotTurnedAway) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<int> connections;
  for (int i = 0; i < 40; ++i) connections.push_back(Connect("G"));
  const std::chrono::duration<double> waited =
      std::chrono::steady_clock::now() - begin;
  // A connection that is turned away is tried again after a second.
  EXPECT_LT(waited.count(), 0.9);
  for (const int connection : connections) close(connection);
}

TEST_F(HttpServerTest, APortIsTakenOnce) {
  HttpOptions options;
  options.port = port_;
  HttpServer second(answerer_, options);
  EXPECT_THAT(ErrorOf(second.Bind()),
              HasSubstr(absl::StrCat("cannot listen on 127.0.0.1:", port_)));
}

}  // namespace
}  // namespace tokenjoule
