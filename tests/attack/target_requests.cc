// What programs and pages send.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tests/attack/examine.h"
#include "tests/attack/requests.h"
#include "tests/attack/target_lists.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/serve/answerer.h"
#include "tools/serve/http_exchange.h"
#include "tools/serve/http_handler.h"
#include "tools/serve/http_options.h"

namespace tokenjoule {
namespace {

Verdict RunRequest(absl::string_view bytes) {
  const Reply reply = SmallAnswerer().Answer(bytes);
  return {/*accepted=*/reply.exit_code == kExitOk, BrokenByReply(reply)};
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

// What a client reads that sends the bytes in two pieces.
std::string AnswerInPieces(absl::string_view bytes, size_t first) {
  static const HttpHandler* const handler =
      new HttpHandler(SmallAnswerer(), HttpOptions());
  HttpExchange exchange(*handler);
  exchange.Read(bytes.substr(0, first));
  if (exchange.state() == HttpExchange::State::kReading) {
    exchange.Read(bytes.substr(first));
  }
  exchange.End();
  if (exchange.state() == HttpExchange::State::kWhole) exchange.Compute();
  return absl::StrCat(exchange.head(), exchange.body());
}

// "HTTP/1.1 200", or nothing.
absl::string_view StatusOf(absl::string_view response) {
  return response.substr(0, 12);
}

// What is wrong with the bytes of a response, as its client reads them. The
// response to HEAD has the length of a body, and none.
std::vector<std::string> BrokenByResponse(absl::string_view response,
                                          bool may_be_to_head) {
  const size_t end = response.find("\r\n\r\n");
  if (end == absl::string_view::npos)
    return {"the response has no end of head"};
  const absl::string_view body = response.substr(end + 4);
  std::vector<std::string> lines =
      absl::StrSplit(response.substr(0, end), "\r\n");
  std::vector<std::string> broken;
  int status = 0;
  if (!absl::StartsWith(lines[0], "HTTP/1.1 ") ||
      !absl::SimpleAtoi(lines[0].substr(9, 3), &status) || status < 200 ||
      status > 599) {
    broken.push_back(absl::StrCat("the status line is \"", lines[0], "\""));
  }
  int lengths = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::vector<std::string> problems =
        BrokenByCharacters(absl::StrCat("line ", i, " of the head"), lines[i]);
    broken.insert(broken.end(), problems.begin(), problems.end());
    if (i > 0 && !absl::StrContains(lines[i], ": ")) {
      broken.push_back(absl::StrCat("the header field \"", lines[i], "\""));
    }
    if (!absl::StartsWith(absl::AsciiStrToLower(lines[i]),
                          "content-length: ")) {
      continue;
    }
    ++lengths;
    size_t length = 0;
    if (!absl::SimpleAtoi(lines[i].substr(16), &length) ||
        (length != body.size() && !(may_be_to_head && body.empty()))) {
      broken.push_back(
          absl::StrCat(lines[i], " with a body of ", body.size(), " bytes"));
    }
  }
  if (lengths != 1) {
    broken.push_back(absl::StrCat(lengths, " fields Content-Length"));
  }
  return broken;
}

Verdict RunHttp(absl::string_view bytes) {
  const std::string response =
      AnswerHttp(SmallAnswerer(), HttpOptions(), bytes);
  Verdict verdict;
  verdict.accepted = StatusOf(response) == "HTTP/1.1 200";
  // A client that sends nothing is told nothing.
  if (!response.empty()) {
    Append(BrokenByResponse(response, absl::StrContains(bytes, "HEAD")),
           &verdict);
  }
  if (response.empty() && !bytes.empty()) {
    verdict.broken.push_back("a request has no response");
  }
  // A network may divide a request anywhere. Its body takes time to answer.
  if (bytes.size() % 4 == 0 && !bytes.empty()) {
    const std::string pieces =
        AnswerInPieces(bytes, bytes.size() * 2654435761u % bytes.size());
    if (StatusOf(pieces) != StatusOf(response)) {
      verdict.broken.push_back(
          absl::StrCat("in two pieces the request is answered with ",
                       StatusOf(pieces), " instead of ", StatusOf(response)));
    }
  }
  return verdict;
}

// Parts of requests.
std::vector<std::string> WordsOfHttp() {
  return {"GET ",
          "POST ",
          "HEAD ",
          "OPTIONS ",
          "/api/analyze",
          "/api/batch",
          " HTTP/1.1",
          " HTTP/1.0",
          "\r\n",
          "\r\n\r\n",
          "Host: ",
          "127.0.0.1:8765",
          "localhost:8765",
          "[::1]:8765",
          "Origin: ",
          "http://127.0.0.1:8765",
          "Content-Type: ",
          "application/json",
          "Content-Length: ",
          "18446744073709551615",
          "Transfer-Encoding: chunked",
          "Expect: 100-continue",
          "Connection: keep-alive",
          "Upgrade: websocket",
          "%2e%2e/",
          "../",
          "//",
          "?",
          "%00"};
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
       ExampleRequests},
      {"http",
       "the bytes of a connection to the page's server",
       RunHttp,
       {},
       {},
       WordsOfHttp()},
  };
}

}  // namespace tokenjoule
