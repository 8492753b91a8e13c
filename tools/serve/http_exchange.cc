#include "tools/serve/http_exchange.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace tokenjoule {
namespace {

namespace http = boost::beast::http;

// Of every response. The page loads nothing from elsewhere, and no other page
// may hold it or read it.
constexpr char kFields[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src "
    "'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cache-Control: no-store\r\n"
    // One request per connection: none is held idle, and what is left of a
    // refused request cannot be taken for the next.
    "Connection: close\r\n";

const char* ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
  }
  return "Unknown";
}

template <typename View>
std::string Text(const View& view) {
  return std::string(view.data(), view.size());
}

}  // namespace

const char kHttpContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";

// Beast's parser, for the request line and the header fields alone.
class HttpExchange::HeadParser {
 public:
  explicit HeadParser(size_t limit) : limit_(limit) {
    parser_.header_limit(static_cast<uint32_t>(
        std::min<size_t>(limit, std::numeric_limits<uint32_t>::max())));
    // Lengths are checked by the handler, after the host and the origin.
    parser_.body_limit(std::numeric_limits<uint64_t>::max());
  }

  enum class Result { kMore, kDone, kTooLong, kWrong };

  Result Read(absl::string_view bytes) {
    pending_.append(bytes.data(), bytes.size());
    // Beast limits the request line and the fields each by itself, and fields
    // that arrive one by one not at all.
    const size_t readable = std::min(pending_.size(), limit_ - taken_);
    boost::beast::error_code error;
    const size_t taken =
        parser_.put(boost::asio::buffer(pending_.data(), readable), error);
    taken_ += taken;
    pending_.erase(0, taken);
    if (error == http::error::header_limit) return Result::kTooLong;
    if (error && error != http::error::need_more) {
      what_ = error.message();
      return Result::kWrong;
    }
    if (parser_.is_header_done()) return Result::kDone;
    return taken_ + pending_.size() >= limit_ ? Result::kTooLong
                                              : Result::kMore;
  }

  bool IsEmpty() const { return taken_ == 0 && pending_.empty(); }
  const std::string& what() const { return what_; }
  // Bytes after the header fields.
  absl::string_view rest() const { return pending_; }

  HttpHead Head() const {
    const auto& message = parser_.get();
    HttpHead head;
    head.method = Text(message.method_string());
    head.target = Text(message.target());
    for (const auto& field : message) {
      head.fields.emplace_back(absl::AsciiStrToLower(Text(field.name_string())),
                               Text(field.value()));
    }
    return head;
  }
  bool IsHttp11() const { return parser_.get().version() == 11; }

 private:
  const size_t limit_;
  http::request_parser<http::empty_body> parser_;
  // Bytes that the parser has not taken.
  std::string pending_;
  size_t taken_ = 0;
  std::string what_;
};

HttpExchange::HttpExchange(const HttpHandler& handler)
    : handler_(handler),
      parser_(new HeadParser(handler.options().header_bytes)) {}

HttpExchange::~HttpExchange() = default;

HttpExchange::State HttpExchange::Read(absl::string_view bytes) {
  if (state_ != State::kReading || bytes.empty()) return state_;
  return parser_ != nullptr ? ReadHead(bytes) : ReadBody(bytes);
}

HttpExchange::State HttpExchange::ReadHead(absl::string_view bytes) {
  switch (parser_->Read(bytes)) {
    case HeadParser::Result::kMore:
      return state_;
    case HeadParser::Result::kTooLong:
      return Refuse(431,
                    absl::StrCat("the request line and the header fields "
                                 "have more than ",
                                 handler_.options().header_bytes, " bytes"));
    case HeadParser::Result::kWrong:
      return Refuse(
          400, absl::StrCat("this is not an HTTP request: ", parser_->what()));
    case HeadParser::Result::kDone:
      break;
  }
  const std::unique_ptr<HeadParser> parser = std::move(parser_);
  request_ = parser->Head();
  absl::optional<HttpAnswer> answer = handler_.AnswerHead(request_);
  if (answer.has_value()) return Settle(*std::move(answer));
  body_length_ = HttpHandler::BodyLength(request_);
  ReadBody(parser->rest());
  is_expecting_ =
      state_ == State::kReading && parser->IsHttp11() &&
      absl::EqualsIgnoreCase(request_.Get("expect"), "100-continue");
  return state_;
}

HttpExchange::State HttpExchange::ReadBody(absl::string_view bytes) {
  bytes = bytes.substr(0, body_length_ - body_.size());
  body_.append(bytes.data(), bytes.size());
  if (body_.size() == body_length_) state_ = State::kWhole;
  return state_;
}

HttpExchange::State HttpExchange::End() {
  if (state_ != State::kReading) return state_;
  if (parser_ != nullptr && parser_->IsEmpty()) {
    return state_ = State::kAnswered;
  }
  return Refuse(400, "the request ends before its time");
}

HttpExchange::State HttpExchange::Refuse(int status, absl::string_view fault) {
  return state_ == State::kAnswered ? state_
                                    : Settle(FaultAnswer(status, fault));
}

HttpExchange::State HttpExchange::Compute() {
  return Settle(handler_.Compute(request_, body_));
}

// Makes an answer the response.
HttpExchange::State HttpExchange::Settle(HttpAnswer answer) {
  parser_.reset();
  std::string().swap(body_);
  answer_ = std::move(answer);
  head_ = absl::StrCat(
      "HTTP/1.1 ", answer_.status, " ", ReasonOf(answer_.status), "\r\n",
      kFields, "Content-Type: ", answer_.type, "\r\nContent-Length: ",
      answer_.text.empty() ? answer_.file.size() : answer_.text.size(), "\r\n",
      answer_.status == 503 ? "Retry-After: 1\r\n" : "",
      answer_.status == 405 ? "Allow: GET, HEAD, POST\r\n" : "", "\r\n");
  if (request_.method == "HEAD") {
    answer_.text.clear();
    answer_.file = "";
  }
  return state_ = State::kAnswered;
}

bool HttpExchange::TakeExpectation() {
  const bool is_expecting = is_expecting_ && state_ == State::kReading;
  is_expecting_ = false;
  return is_expecting;
}

absl::string_view HttpExchange::body() const {
  return answer_.text.empty() ? answer_.file : answer_.text;
}

size_t HttpExchange::HeldBytes() const {
  return body_.capacity() + answer_.text.capacity();
}

void HttpExchange::Clear() {
  answer_ = HttpAnswer();
  std::string().swap(head_);
}

std::string AnswerHttp(const Answerer& answerer, const HttpOptions& options,
                       absl::string_view request) {
  const HttpHandler handler(answerer, options);
  HttpExchange exchange(handler);
  exchange.Read(request);
  exchange.End();
  if (exchange.state() == HttpExchange::State::kWhole) exchange.Compute();
  return absl::StrCat(exchange.head(), exchange.body());
}

}  // namespace tokenjoule
