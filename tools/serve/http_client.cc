#include "tools/serve/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tokenjoule {

int ConnectTo(int port, int receive_buffer) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0) return -1;
  if (receive_buffer > 0) {
    setsockopt(connection, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
               sizeof receive_buffer);
  }
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection, reinterpret_cast<sockaddr*>(&address),
              sizeof address) == 0) {
    return connection;
  }
  close(connection);
  return -1;
}

bool SendTo(int connection, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent =
        send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(sent);
  }
  return true;
}

std::string ReadToEnd(int connection) {
  std::string all;
  char buffer[65536];
  ssize_t got;
  while ((got = recv(connection, buffer, sizeof buffer, 0)) > 0) {
    all.append(buffer, got);
  }
  return all;
}

std::string Exchange(int port, absl::string_view bytes) {
  const int connection = ConnectTo(port);
  if (connection < 0) return "";
  // A server that refuses a request may end the connection before it has read
  // everything, and has answered all the same.
  SendTo(connection, bytes);
  std::string response = ReadToEnd(connection);
  close(connection);
  return response;
}

HttpResult ParseResponse(absl::string_view response, bool has_body) {
  HttpResult result;
  constexpr absl::string_view kVersion = "HTTP/1.1 ";
  const size_t end = response.find("\r\n\r\n");
  if (end == absl::string_view::npos || !absl::StartsWith(response, kVersion)) {
    return result;
  }
  const std::vector<absl::string_view> lines =
      absl::StrSplit(response.substr(0, end), "\r\n");
  for (const absl::string_view line : lines) {
    const std::vector<absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    if (parts.size() == 2) {
      result.fields[absl::AsciiStrToLower(parts[0])] = std::string(parts[1]);
    }
  }
  size_t length = 0;
  int status = 0;
  const absl::string_view body = response.substr(end + 4);
  if (!absl::SimpleAtoi(result.fields["content-length"], &length) ||
      !absl::SimpleAtoi(response.substr(kVersion.size(), 3), &status) ||
      body.size() != (has_body ? length : 0)) {
    return result;
  }
  result.status = status;
  result.body = std::string(body);
  return result;
}

HttpResult Fetch(int port, const std::string& method, const std::string& target,
                 const HttpFields& fields, absl::string_view body) {
  HttpFields all = {{"Host", absl::StrCat("127.0.0.1:", port)}};
  if (!body.empty() || method == "POST") {
    all.push_back({"Content-Length", absl::StrCat(body.size())});
  }
  for (const auto& field : fields) {
    const auto same = std::find_if(
        all.begin(), all.end(),
        [&field](const auto& one) { return one.first == field.first; });
    if (same != all.end()) {
      same->second = field.second;
    } else {
      all.push_back(field);
    }
  }
  std::string request = absl::StrCat(method, " ", target, " HTTP/1.1\r\n");
  for (const auto& [name, value] : all) {
    absl::StrAppend(&request, name, ": ", value, "\r\n");
  }
  absl::StrAppend(&request, "\r\n", body);
  return ParseResponse(Exchange(port, request), method != "HEAD");
}

HttpResult PostJson(int port, const std::string& subcommand,
                    absl::string_view json) {
  return Fetch(port, "POST", absl::StrCat("/api/", subcommand),
               {{"Content-Type", "application/json"}}, json);
}

}  // namespace tokenjoule
