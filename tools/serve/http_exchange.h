// One request and its response as bytes, without a socket.

#ifndef TOOLS_SERVE_HTTP_EXCHANGE_H_
#define TOOLS_SERVE_HTTP_EXCHANGE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "tools/serve/answerer.h"
#include "tools/serve/http_handler.h"
#include "tools/serve/http_options.h"

namespace tokenjoule {

// Reads one request in pieces as they arrive, and has the bytes of its
// response. There is one request per connection: bytes after its end are never
// read as another one.
class HttpExchange {
 public:
  enum class State {
    // More bytes of the request are to come.
    kReading,
    // The request is whole; next is Compute().
    kWhole,
    // The response is there.
    kAnswered,
  };

  // `handler` must outlive the exchange.
  explicit HttpExchange(const HttpHandler& handler);
  ~HttpExchange();

  State state() const { return state_; }

  // Takes the next bytes of the client. What a request is refused for is known
  // after its header fields; its body is then not waited for.
  State Read(absl::string_view bytes);

  // The client sends no more: a request that is not whole is answered with 400,
  // and nothing with nothing.
  State End();

  // Answers with a fault instead, in any state but kAnswered.
  State Refuse(int status, absl::string_view fault);

  // Answers a whole request. May run on another thread than the rest, but not
  // at the same time.
  State Compute();

  // Whether the client waits to be told, with kHttpContinue, that it shall send
  // the body. True once.
  bool TakeExpectation();

  // The response: its head, and its body. Valid until the next call of another
  // method than state().
  absl::string_view head() const { return head_; }
  absl::string_view body() const;

  // Bytes in memory that depend on the length of the body or of the answer.
  size_t HeldBytes() const;

  // Frees the response.
  void Clear();

 private:
  class HeadParser;

  State ReadHead(absl::string_view bytes);
  State ReadBody(absl::string_view bytes);
  State Settle(HttpAnswer answer);

  const HttpHandler& handler_;
  State state_ = State::kReading;
  // Until the header fields are whole.
  std::unique_ptr<HeadParser> parser_;
  HttpHead request_;
  bool is_expecting_ = false;
  std::string body_;
  size_t body_length_ = 0;
  HttpAnswer answer_;
  std::string head_;
};

// An interim response: the client shall send the body.
extern const char kHttpContinue[];

// Answers the bytes of one connection: from the raw bytes of a request to those
// of its response, by the same code as for a socket. The end of `request` is
// the end of what the client sends. Without interim responses; empty if the
// client sends nothing.
std::string AnswerHttp(const Answerer& answerer, const HttpOptions& options,
                       absl::string_view request);

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_HTTP_EXCHANGE_H_
