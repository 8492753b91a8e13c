#include "tools/serve/http_handler.h"

#include <algorithm>
#include <cstdint>
#include <exception>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "analyzer/description/faults.h"
#include "nlohmann/json.hpp"
#include "tools/command.h"
#include "tools/serve/page_files.h"

namespace tokenjoule {
namespace {

constexpr char kJsonType[] = "application/json";

// The host of "host:port" or "[::1]:port", in lower case.
std::string HostOf(absl::string_view authority) {
  const size_t colon = authority.rfind(':');
  const size_t bracket = authority.rfind(']');
  if (colon != absl::string_view::npos &&
      (bracket == absl::string_view::npos || colon > bracket)) {
    authority = authority.substr(0, colon);
  }
  return absl::AsciiStrToLower(authority);
}

// Whether a host is a numeric address. A name can be made to mean this machine
// by whoever owns it, an address cannot.
bool IsAddress(absl::string_view host) {
  if (host.empty()) return false;
  if (host.front() == '[') {
    return host.back() == ']' &&
           host.find_first_not_of("0123456789abcdef:.", 1) == host.size() - 1;
  }
  return host.find_first_not_of("0123456789.") == absl::string_view::npos;
}

const char* ContentType(absl::string_view path) {
  for (const auto& [ending, type] :
       {std::make_pair(".html", "text/html; charset=utf-8"),
        std::make_pair(".css", "text/css; charset=utf-8"),
        std::make_pair(".js", "text/javascript; charset=utf-8"),
        std::make_pair(".json", kJsonType),
        std::make_pair(".svg", "image/svg+xml")}) {
    if (absl::EndsWith(path, ending)) return type;
  }
  return "text/plain; charset=utf-8";
}

HttpAnswer NothingHere() { return FaultAnswer(404, "there is nothing here"); }

// The page's file of that path; it is looked up among the embedded ones.
HttpAnswer FileAnswer(absl::string_view path) {
  if (!absl::ConsumePrefix(&path, "/")) return NothingHere();
  if (path.empty()) path = "index.html";
  for (const EmbeddedFile& file : PageFiles()) {
    if (file.path != path) continue;
    HttpAnswer answer;
    answer.type = ContentType(path);
    answer.file = file.content;
    return answer;
  }
  return NothingHere();
}

// The path of a target, without its query. It is not decoded: no path of this
// server needs it.
absl::string_view PathOf(const HttpHead& head) {
  const absl::string_view target = head.target;
  return target.substr(0, target.find('?'));
}

// The sub-command of "/api/SUBCOMMAND"; empty for other paths.
absl::string_view SubcommandOf(absl::string_view path) {
  if (!absl::ConsumePrefix(&path, "/api/")) return "";
  const bool is_name =
      path.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
      absl::string_view::npos;
  return is_name ? path : "";
}

// Reads "0" to "18446744073709551615": digits alone, unlike SimpleAtoi, which
// takes blanks and signs.
bool ReadLength(absl::string_view text, uint64_t* length) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, length);
}

}  // namespace

size_t HttpHead::Count(absl::string_view name) const {
  return std::count_if(fields.begin(), fields.end(), [name](const auto& field) {
    return field.first == name;
  });
}

absl::string_view HttpHead::Get(absl::string_view name) const {
  for (const auto& field : fields) {
    if (field.first == name) return field.second;
  }
  return "";
}

HttpAnswer FaultAnswer(int status, absl::string_view fault) {
  const nlohmann::json error = {
      {"error", {{"exit_code", kExitUsage}, {"faults", {std::string(fault)}}}}};
  HttpAnswer answer;
  answer.status = status;
  answer.text =
      error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return answer;
}

HttpHandler::HttpHandler(const Answerer& answerer, const HttpOptions& options)
    : answerer_(answerer), options_(options) {}

absl::optional<HttpAnswer> HttpHandler::AnswerHead(const HttpHead& head) const {
  absl::optional<HttpAnswer> refusal = Refusal(head);
  if (refusal.has_value()) return refusal;
  const absl::string_view path = PathOf(head);
  if (head.method != "POST") {
    if (path != "/api/") return FileAnswer(path);
    HttpAnswer answer;
    answer.text = answerer_.SubcommandsJson();
    return answer;
  }
  const std::string subcommand(SubcommandOf(path));
  if (subcommand.empty()) return NothingHere();
  const std::vector<std::string> known = answerer_.Subcommands();
  if (std::find(known.begin(), known.end(), subcommand) == known.end()) {
    return FaultAnswer(404, UnknownNameMessage("sub-command for requests",
                                               subcommand, known, ""));
  }
  uint64_t length = 0;
  if (ReadLength(head.Get("content-length"), &length) &&
      length > options_.body_bytes) {
    return FaultAnswer(413, absl::StrCat("the request is longer than ",
                                         options_.body_bytes, " bytes"));
  }
  return absl::nullopt;
}

// Why a request is refused whatever path it is for.
absl::optional<HttpAnswer> HttpHandler::Refusal(const HttpHead& head) const {
  const std::string host(head.Get("host"));
  const std::string name = HostOf(host);
  if (head.Count("host") != 1 ||
      (name != "localhost" && name != absl::AsciiStrToLower(options_.host) &&
       !IsAddress(name))) {
    return FaultAnswer(
        403, absl::StrCat("the request is for host \"", Printable(host),
                          "\"; this server answers as localhost, as a numeric "
                          "address or as what --host names"));
  }
  // Of fields that are there twice, each must be right.
  const std::string self = absl::StrCat("http://", host);
  for (const auto& [field, value] : head.fields) {
    if (head.method == "POST" &&
        ((field == "origin" && value != self) ||
         (field == "sec-fetch-site" && !value.empty() &&
          value != "same-origin" && value != "none"))) {
      return FaultAnswer(403, "the request comes from another page");
    }
  }
  if (head.method != "GET" && head.method != "HEAD" && head.method != "POST") {
    return FaultAnswer(405, "expected GET or POST");
  }
  // A request has its whole body, of a stated length, and gets a whole answer.
  for (const char* header :
       {"Transfer-Encoding", "Content-Encoding", "Range"}) {
    if (head.Count(absl::AsciiStrToLower(header)) == 0) continue;
    return FaultAnswer(
        400, absl::StrCat("the header ", header, " is not taken here"));
  }
  // Two lengths, or a list of them, may mean different bodies to others on the
  // way.
  uint64_t length;
  if (head.Count("content-length") > 1 ||
      (head.Count("content-length") == 1 &&
       !ReadLength(head.Get("content-length"), &length))) {
    return FaultAnswer(400, "expected one Content-Length, a whole number");
  }
  if (!absl::StartsWith(head.target, "/")) {
    return FaultAnswer(400, "expected a path that begins with /");
  }
  if (head.method == "POST" &&
      !absl::StartsWith(head.Get("content-type"), kJsonType)) {
    // A page elsewhere cannot send this type without asking first.
    return FaultAnswer(415, absl::StrCat("expected Content-Type: ", kJsonType));
  }
  return absl::nullopt;
}

size_t HttpHandler::BodyLength(const HttpHead& head) {
  uint64_t length = 0;
  return ReadLength(head.Get("content-length"), &length) ? length : 0;
}

HttpAnswer HttpHandler::Compute(const HttpHead& head,
                                absl::string_view body) const {
  // Every fault of a request is a reply. What is caught here is memory that
  // cannot be had, and must not end the answers to others.
  try {
    Reply reply = answerer_.Answer(SubcommandOf(PathOf(head)), body);
    HttpAnswer answer;
    answer.status = reply.exit_code == kExitOk ? 200 : 422;
    answer.text = std::move(reply.json);
    return answer;
  } catch (const std::exception& fault) {
    return FaultAnswer(500,
                       absl::StrCat("no answer was computed: ", fault.what()));
  }
}

}  // namespace tokenjoule
