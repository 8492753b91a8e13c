// Requests as bytes, proper and hostile, without a socket.

#include "tools/serve/http_exchange.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/serve/answerer.h"
#include "tools/serve/http_client.h"
#include "tools/serve/http_handler.h"
#include "tools/serve/http_options.h"
#include "tools/serve/page_files.h"

namespace tokenjoule {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;

constexpr char kPost[] =
    "POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
    "application/json\r\n";

class HttpExchangeTest : public ::testing::Test {
 protected:
  HttpExchangeTest() : answerer_({Echo()}, {}) {
    options_.header_bytes = 1000;
    options_.body_bytes = 5000;
  }

  // An `analyze` whose answer is its --batch.
  static Command Echo() {
    Command command;
    command.name = "analyze";
    command.flags = {{"batch", "N", ""}, {"format", "FORMAT", ""}};
    command.respond = [](const ParsedFlags& flags,
                         int*) -> absl::StatusOr<std::string> {
      return flags.Get("batch", "0");
    };
    return command;
  }

  HttpResult Result(absl::string_view request) const {
    const std::string response = AnswerHttp(answerer_, options_, request);
    const HttpResult result =
        ParseResponse(response, !absl::StartsWith(request, "HEAD "));
    // Every response is whole and has the fields that protect the page.
    EXPECT_NE(result.status, 0) << response.substr(0, 500);
    for (const char* field :
         {"content-security-policy", "x-content-type-options",
          "x-frame-options", "cross-origin-resource-policy"}) {
      EXPECT_EQ(result.fields.count(field), 1) << field;
    }
    EXPECT_EQ(result.fields.count("access-control-allow-origin"), 0);
    if (result.status >= 400) {
      EXPECT_TRUE(json::parse(result.body).contains("error")) << result.body;
    }
    return result;
  }
  int Status(absl::string_view request) const { return Result(request).status; }

  // The status of a GET of a path.
  int Get(absl::string_view target) const {
    return Status(
        absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  }

  // The status of a POST with some header fields and what follows them.
  int Post(absl::string_view fields, absl::string_view rest) const {
    return Status(absl::StrCat(kPost, fields, "\r\n", rest));
  }

  const Answerer answerer_;
  HttpOptions options_;
};

TEST_F(HttpExchangeTest, AnswersAProperRequest) {
  const HttpResult result =
      Result(absl::StrCat(kPost, "Content-Length: 29\r\n\r\n",
                          "{\"flags\": {\"batch\": \"1234\"}} "));
  EXPECT_EQ(result.status, 200) << result.body;
  EXPECT_EQ(json::parse(result.body)["answer"], 1234);
  EXPECT_EQ(Get("/"), 200);
  EXPECT_EQ(Get("/?a=b"), 200);
  EXPECT_EQ(Get("/api/"), 200);
  // Without a body, which is no JSON.
  EXPECT_EQ(Post("", ""), 422);
  EXPECT_EQ(AnswerHttp(answerer_, options_, ""), "");
}

TEST_F(HttpExchangeTest, HeadIsGetWithoutItsBody) {
  const HttpResult head =
      Result("HEAD /d3.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const HttpResult get =
      Result("GET /d3.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields, get.fields);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(
      AnswerHttp(answerer_, options_, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
              .find("\r\n\r\n") +
          4,
      AnswerHttp(answerer_, options_, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
          .size());
}

TEST_F(HttpExchangeTest, NoPathLeavesThePage) {
  for (const char* path : {"/etc/passwd",
                           "/../etc/passwd",
                           "/../../../../etc/passwd",
                           "/%2e%2e/%2e%2e/etc/passwd",
                           "/..%2f..%2fetc%2fpasswd",
                           "/..%5c..%5cetc%5cpasswd",
                           "/..\\..\\etc\\passwd",
                           "//etc/passwd",
                           "/./index.html",
                           "/index.html/",
                           "/index.html/..",
                           "/INDEX.HTML",
                           "/%69ndex.html",
                           "/index.html%00.js",
                           "/index.html%0d%0aX:%20y",
                           "/d3.min.js;x",
                           "/d3.min.js%3fx",
                           "/.git/config",
                           "/~root",
                           "/api",
                           "/api/analyze",
                           "/api/../d3.min.js",
                           "/api//",
                           "/proc/self/environ",
                           "/\xc0\xae\xc0\xae/etc/passwd",
                           "/%c0%ae%c0%ae/etc/passwd",
                           "/file:///etc/passwd"}) {
    EXPECT_EQ(Get(path), 404) << path;
  }
  // Another form than a path, or no target at all.
  for (const char* target :
       {"http://localhost/", "http://evil.example/", "file:///etc/passwd", "*",
        "localhost:80", "index.html", "?", "\\", "", "/a b", "/a\tb"}) {
    EXPECT_EQ(Get(target), 400) << target;
  }
  EXPECT_EQ(Get(absl::string_view("/index.html\0.js", 15)), 400);
  EXPECT_EQ(Get(absl::string_view("/\0", 2)), 400);
}

TEST_F(HttpExchangeTest, BodiesHaveOneLength) {
  const std::string body = "{\"flags\": {}}";
  const std::string right =
      absl::StrCat("Content-Length: ", body.size(), "\r\n");
  ASSERT_EQ(Post(right, body), 200);
  const std::vector<std::string> wrong = {
      absl::StrCat(right, right),
      absl::StrCat(right, "Content-Length: 0\r\n"),
      absl::StrCat("Content-Length: 0\r\n", right),
      "Content-Length: 13, 13\r\n",
      "Content-Length: 13,0\r\n",
      "Content-Length: +13\r\n",
      "Content-Length: -13\r\n",
      "Content-Length: 0x0d\r\n",
      "Content-Length: 1 3\r\n",
      "Content-Length: 13.0\r\n",
      "Content-Length: 1e1\r\n",
      "Content-Length:\r\n",
      "Content-Length: 99999999999999999999999\r\n",
      "Content-Length : 13\r\n",
      "Content-Length: 13\n\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: identity\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "transfer-encoding:\tchunked\r\n",
      "Transfer-Encoding:\r\n",
      "Transfer-Encoding : chunked\r\n",
      absl::StrCat(right, "Transfer-Encoding: chunked\r\n"),
      absl::StrCat("Transfer-Encoding: chunked\r\n", right),
      absl::StrCat("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"),
      "X: y\rContent-Length: 13\r\n",
      "X: y\nContent-Length: 13\r\n",
  };
  for (const std::string& fields : wrong) {
    EXPECT_EQ(Post(fields, body), 400) << fields;
    // Also if the bytes are those of a chunked body.
    EXPECT_EQ(Post(fields, absl::StrCat("d\r\n", body, "\r\n0\r\n\r\n")), 400)
        << fields;
  }
  // A line that begins with a blank belongs to the field before it.
  EXPECT_EQ(Post("X: y\r\n Content-Length: 13\r\n", body), 422);
}

TEST_F(HttpExchangeTest, BytesAfterARequestAreNoSecondOne) {
  const std::string second = "GET /api/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const std::string& first :
       {absl::StrCat(kPost, "Content-Length: 2\r\n\r\n{}"),
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        absl::StrCat("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ",
                     second.size(), "\r\n\r\n"),
        absl::StrCat("POST /x HTTP/1.1\r\nHost: evil\r\nContent-Length: ",
                     second.size(), "\r\n\r\n")}) {
    const std::string response =
        AnswerHttp(answerer_, options_, first + second);
    const auto without_time = [](const std::string& text) {
      return text.substr(0, text.find("\"elapsed_ms\""));
    };
    EXPECT_EQ(without_time(response),
              without_time(AnswerHttp(answerer_, options_, first)));
    EXPECT_EQ(response.find("HTTP/1.1 "), response.rfind("HTTP/1.1 "));
  }
}

TEST_F(HttpExchangeTest, SizesAreBoundedToTheByte) {
  const auto with_header = [](size_t size, const std::string& begin) {
    return begin + std::string(size - begin.size() - 4, 'a') + "\r\n\r\n";
  };
  const std::string field = "GET / HTTP/1.1\r\nHost: localhost\r\nX: ";
  EXPECT_EQ(Status(with_header(1000, field)), 200);
  EXPECT_EQ(Status(with_header(1001, field)), 431);
  EXPECT_EQ(Status(with_header(100'000, field)), 431);
  EXPECT_EQ(Status(absl::StrCat("GET /", std::string(2000, 'a'))), 431);
  EXPECT_EQ(Status(std::string(2000, 'a')), 431);
  // Many short fields, also one by one.
  std::string many = "GET / HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 400; ++i) absl::StrAppend(&many, "A: b\r\n");
  EXPECT_EQ(Status(many), 431);
  const HttpHandler handler(answerer_, options_);
  HttpExchange exchange(handler);
  size_t taken = 0;
  while (exchange.state() == HttpExchange::State::kReading &&
         taken < many.size()) {
    exchange.Read(many.substr(taken, 6));
    taken += 6;
  }
  EXPECT_LE(taken, 1000 + 6);
  EXPECT_THAT(std::string(exchange.head()), HasSubstr("HTTP/1.1 431"));

  const std::string body = "{\"flags\": {}}";
  const std::string longest = body + std::string(5000 - body.size(), ' ');
  EXPECT_EQ(Post("Content-Length: 5000\r\n", longest), 200);
  EXPECT_EQ(Post("Content-Length: 5001\r\n", longest + " "), 413);
  EXPECT_EQ(Post("Content-Length: 18446744073709551615\r\n", ""), 413);
  // A claim alone takes no memory.
  HttpExchange claim(handler);
  claim.Read(absl::StrCat(kPost, "Content-Length: 5000\r\n\r\n{"));
  EXPECT_LT(claim.HeldBytes(), 100);
}

TEST_F(HttpExchangeTest, RequestsThatEndEarlyAreRefused) {
  const std::string whole = absl::StrCat(kPost, "Content-Length: 2\r\n\r\n{}");
  for (size_t size = 1; size < whole.size(); ++size) {
    const HttpResult result = Result(whole.substr(0, size));
    EXPECT_EQ(result.status, 400) << size;
    EXPECT_THAT(result.body, HasSubstr("the request ends before its time"));
  }
  EXPECT_EQ(Status(whole), 200);
}

TEST_F(HttpExchangeTest, PiecesMakeNoDifference) {
  const std::vector<std::string> requests = {
      absl::StrCat(kPost, "Content-Length: 13\r\n\r\n{\"flags\": {}}"),
      absl::StrCat(kPost,
                   "X:  y \r\nContent-Length: 13\r\n\r\n{\"flags\": 12}!"),
      "GET /d3.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
      "PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
      absl::StrCat(kPost, "Content-Length: 1, 2\r\n\r\n{}"),
  };
  const HttpHandler handler(answerer_, options_);
  const auto status_line = [](absl::string_view head) {
    return std::string(head.substr(0, head.find("\r\n")));
  };
  for (const std::string& request : requests) {
    const std::string expected =
        status_line(AnswerHttp(answerer_, options_, request));
    for (const size_t piece : {1, 2, 3, 7, 50}) {
      HttpExchange exchange(handler);
      for (size_t at = 0; at < request.size(); at += piece) {
        exchange.Read(absl::string_view(request).substr(at, piece));
      }
      exchange.End();
      if (exchange.state() == HttpExchange::State::kWhole) exchange.Compute();
      EXPECT_EQ(status_line(exchange.head()), expected)
          << piece << " of " << request;
    }
  }
}

TEST_F(HttpExchangeTest, OldAndOddRequests) {
  // HTTP/1.0 may leave out the host; this server needs it.
  EXPECT_EQ(Status("GET / HTTP/1.0\r\n\r\n"), 403);
  EXPECT_EQ(Status("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"), 200);
  for (const char* line :
       {"GET /", "GET / HTTP/0.9", "GET / HTTP/2.0", "GET / HTTP/1.11",
        "GET / http/1.1", "GET / HTTP/1.1 x", "GET  / HTTP/1.1",
        "/ GET HTTP/1.1", "G@T / HTTP/1.1", " GET / HTTP/1.1", ""}) {
    EXPECT_EQ(Status(absl::StrCat(line, "\r\nHost: localhost\r\n\r\n")), 400)
        << line;
  }
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT",
                             "PATCH", "get", "GETT", "PROPFIND"}) {
    EXPECT_EQ(
        Status(absl::StrCat(method, " / HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        405)
        << method;
  }
  EXPECT_EQ(Status("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
  EXPECT_EQ(Status(absl::string_view("\0\xff\r\n\r\n", 6)), 400);
  EXPECT_EQ(Status("\x16\x03\x01\x02"), 400);
  EXPECT_EQ(Status("GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x01\r\n\r\n"),
            400);
  EXPECT_EQ(Status("GET / HTTP/1.1\r\nHost: localhost\r\nX\r\n\r\n"), 400);
  EXPECT_EQ(Status("GET / HTTP/1.1\nHost: localhost\n\n"), 400);
}

// Each of two equal fields must be right: which one counts is not left open.
TEST_F(HttpExchangeTest, FieldsTwice) {
  EXPECT_EQ(Post("Host: localhost\r\n", ""), 403);
  const std::string body = "Content-Length: 2\r\n";
  EXPECT_EQ(Post("Origin: http://localhost\r\n" + body, "{}"), 200);
  EXPECT_EQ(
      Post("Origin: http://localhost\r\nOrigin: http://evil.example\r\n" + body,
           "{}"),
      403);
  EXPECT_EQ(Post("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: "
                 "cross-site\r\n" +
                     body,
                 "{}"),
            403);
}

TEST_F(HttpExchangeTest, ExpectationsAreTakenOnce) {
  const HttpHandler handler(answerer_, options_);
  HttpExchange exchange(handler);
  exchange.Read(
      absl::StrCat(kPost, "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  EXPECT_TRUE(exchange.TakeExpectation());
  EXPECT_FALSE(exchange.TakeExpectation());
  EXPECT_EQ(exchange.Read("{}"), HttpExchange::State::kWhole);
  // Not after a refusal, and not if the body is there.
  HttpExchange refused(handler);
  refused.Read(absl::StrCat(
      kPost, "Expect: 100-continue\r\nContent-Length: 5001\r\n\r\n"));
  EXPECT_FALSE(refused.TakeExpectation());
  EXPECT_EQ(refused.state(), HttpExchange::State::kAnswered);
  HttpExchange whole(handler);
  whole.Read(absl::StrCat(
      kPost, "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"));
  EXPECT_FALSE(whole.TakeExpectation());
}

// A slice of what the fuzz target does at length.
TEST_F(HttpExchangeTest, MutatedRequestsHaveWholeResponses) {
  const std::vector<std::string> seeds = {
      absl::StrCat(kPost, "Content-Length: 13\r\n\r\n{\"flags\": {}}"),
      "GET /index.html HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
      absl::StrCat(kPost, "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"),
  };
  const std::vector<std::string> words = {"\r\n", "\r",      "\n",
                                          ":",    " ",       std::string(1, 0),
                                          "\xff", "Host: ",  "Content-Length: ",
                                          "9",    "chunked", "/../",
                                          "%2e",  "HTTP/1.", "\r\n\r\n",
                                          "\t",   ",",       "HEAD "};
  std::mt19937 random(19);
  int answered = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string request = seeds[random() % seeds.size()];
    for (int change = random() % 4; change > 0; --change) {
      const size_t at = random() % (request.size() + 1);
      const std::string& word = words[random() % words.size()];
      request.replace(at, random() % 2 == 0 ? 0 : random() % 9, word);
    }
    const std::string response = AnswerHttp(answerer_, options_, request);
    HttpResult result = ParseResponse(response);
    if (absl::StartsWith(request, "HEAD ") && result.status == 0) {
      result = ParseResponse(response, /*has_body=*/false);
    }
    ASSERT_NE(result.status, 0) << request << "\n---\n" << response;
    answered += result.status == 200;
  }
  // Both happen.
  EXPECT_GT(answered, 1000);
  EXPECT_LT(answered, 19'000);
}

}  // namespace
}  // namespace tokenjoule
