// What an HTTP request is answered with, apart from how its bytes arrive.

#ifndef TOOLS_SERVE_HTTP_HANDLER_H_
#define TOOLS_SERVE_HTTP_HANDLER_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "tools/serve/answerer.h"
#include "tools/serve/http_options.h"

namespace tokenjoule {

// The request line and the header fields of a request.
struct HttpHead {
  std::string method;
  // The path with its query, as the client wrote it.
  std::string target;
  // Names in lower case, and values, in the order of the request.
  std::vector<std::pair<std::string, std::string>> fields;

  // How many fields have that name (in lower case).
  size_t Count(absl::string_view name) const;
  // The value of the first field of that name; empty if there is none.
  absl::string_view Get(absl::string_view name) const;
};

// The status and body of a response.
struct HttpAnswer {
  int status = 200;
  // The media type of the body.
  const char* type = "application/json";
  std::string text;
  // The body instead of `text`, if that is empty: a file of this binary.
  absl::string_view file;
};

// Decides on requests. Keeps nothing between them, and may be used by several
// threads at once.
class HttpHandler {
 public:
  // `answerer` must outlive the handler.
  HttpHandler(const Answerer& answerer, const HttpOptions& options);

  // The answer to a request that needs no body: a file of the page, the list of
  // sub-commands, or why the request is refused. None if the answer takes the
  // body and Compute(). The order of the checks is: host, origin, method,
  // header fields, type, path, length.
  absl::optional<HttpAnswer> AnswerHead(const HttpHead& head) const;

  // The length that a request for which AnswerHead() returned none gives for
  // its body: 0 to HttpOptions::body_bytes.
  static size_t BodyLength(const HttpHead& head);

  // The answer to such a request with its body.
  HttpAnswer Compute(const HttpHead& head, absl::string_view body) const;

  const HttpOptions& options() const { return options_; }

 private:
  absl::optional<HttpAnswer> Refusal(const HttpHead& head) const;

  const Answerer& answerer_;
  const HttpOptions options_;
};

// An answer that says what is wrong with a request, as the "error" of a reply.
HttpAnswer FaultAnswer(int status, absl::string_view fault);

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_HTTP_HANDLER_H_
