// A plain HTTP client for tests: one request per connection to 127.0.0.1, and
// connections for bytes that no proper client sends.

#ifndef TOOLS_SERVE_HTTP_CLIENT_H_
#define TOOLS_SERVE_HTTP_CLIENT_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenjoule {

struct HttpResult {
  // 0 if there was no response, or not a whole one.
  int status = 0;
  // Names in lower case.
  std::map<std::string, std::string> fields;
  std::string body;
};

using HttpFields = std::vector<std::pair<std::string, std::string>>;

// Connects to 127.0.0.1 and returns the descriptor, -1 without success. With
// `receive_buffer` above 0 the kernel takes about so many bytes that nobody
// reads.
int ConnectTo(int port, int receive_buffer = 0);

// Sends bytes; returns whether the server took them all.
bool SendTo(int connection, absl::string_view bytes);

// Reads until the server ends the connection.
std::string ReadToEnd(int connection);

// Connects, sends bytes, and returns everything that comes back.
std::string Exchange(int port, absl::string_view bytes);

// Reads a response: its status, its fields, and as many bytes of body as
// Content-Length says. `has_body` is false for HEAD.
HttpResult ParseResponse(absl::string_view response, bool has_body = true);

// Sends a request with Host, and Content-Length if it has a body or is a POST,
// and returns the response. `fields` replace or follow these.
HttpResult Fetch(int port, const std::string& method, const std::string& target,
                 const HttpFields& fields = {}, absl::string_view body = "");

// Posts JSON to /api/SUBCOMMAND.
HttpResult PostJson(int port, const std::string& subcommand,
                    absl::string_view json);

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_HTTP_CLIENT_H_
