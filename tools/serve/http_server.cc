#include "tools/serve/http_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/faults.h"
#include "httplib.h"
#include "nlohmann/json.hpp"
#include "tools/serve/page_files.h"

namespace tokenjoule {
namespace {

// Lets at most so many threads in at once.
class Gate {
 public:
  explicit Gate(int free) : free_(free) {}

  void Enter() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return free_ > 0; });
    --free_;
  }
  void Leave() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++free_;
    }
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int free_;
};

class Entry {
 public:
  explicit Entry(Gate* gate) : gate_(*gate) { gate_.Enter(); }
  ~Entry() { gate_.Leave(); }

  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  Gate& gate_;
};

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
        std::make_pair(".json", "application/json"),
        std::make_pair(".svg", "image/svg+xml")}) {
    if (absl::EndsWith(path, ending)) return type;
  }
  return "text/plain; charset=utf-8";
}

constexpr char kJsonType[] = "application/json";

// Sends a text that outlives the response, or that `owned` keeps. A provider
// instead of set_content, because httplib would otherwise compress: over
// loopback that takes many times longer than sending.
void Send(absl::string_view text, const char* type,
          std::shared_ptr<const std::string> owned, httplib::Response* response) {
  if (text.empty()) {
    response->set_content("", type);
    return;
  }
  response->set_content_provider(
      text.size(), type,
      [text, owned](size_t offset, size_t length, httplib::DataSink& sink) {
        return sink.write(text.data() + offset, length);
      });
}

void SendJson(int status, std::string json, httplib::Response* response) {
  response->status = status;
  auto owned = std::make_shared<const std::string>(std::move(json));
  Send(*owned, kJsonType, owned, response);
}

void SendFault(int status, const std::string& fault,
               httplib::Response* response) {
  const nlohmann::json error = {
      {"error", {{"exit_code", kExitUsage}, {"faults", {fault}}}}};
  SendJson(status,
           error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
           response);
}

}  // namespace

class HttpServer::Implementation {
 public:
  Implementation(const Answerer& answerer, const HttpOptions& options)
      : answerer_(answerer),
        options_(options),
        computations_(options.computations > 0
                          ? options.computations
                          : std::max<int>(
                                2, std::thread::hardware_concurrency())) {
    const size_t connections = options.connections;
    server_.new_task_queue = [connections] {
      return new httplib::ThreadPool(connections);
    };
    server_.set_read_timeout(options.timeout_s);
    server_.set_write_timeout(options.timeout_s);
    server_.set_payload_max_length(options.body_bytes);
    // One request for each connection: none is held idle, and what is left of
    // a refused request cannot be taken for the next.
    server_.set_keep_alive_max_count(1);
    server_.set_tcp_nodelay(true);
    // Unlike httplib's own options without SO_REUSEPORT, by which a second
    // server would share the port unnoticed.
    server_.set_socket_options([this](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      socket_ = socket;
    });
    server_.set_default_headers({
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; "
         "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; "
         "form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    });
    server_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          return IsRefused(request, &response)
                     ? httplib::Server::HandlerResponse::Handled
                     : httplib::Server::HandlerResponse::Unhandled;
        });
    server_.Get("/api/", [this](const httplib::Request&,
                                httplib::Response& response) {
      SendJson(200, answerer_.SubcommandsJson(), &response);
    });
    server_.Post(R"(/api/([a-z0-9-]+))",
                 [this](const httplib::Request& request,
                        httplib::Response& response,
                        const httplib::ContentReader& content) {
                   Answer(request, content, &response);
                 });
    server_.Get("/.*", [](const httplib::Request& request,
                          httplib::Response& response) {
      SendFile(request.path, &response);
    });
    server_.set_error_handler(httplib::Server::Handler(
        [](const httplib::Request&, httplib::Response& response) {
          // Others than those that httplib itself refuses have an answer.
          if (response.has_header("Content-Type")) return;
          SendFault(response.status,
                    response.status == 404
                        ? "there is nothing here"
                        : absl::StrCat("HTTP status ", response.status),
                    &response);
        }));
  }

  absl::StatusOr<int> Bind() {
    errno = 0;
    const int port =
        options_.port == 0 ? server_.bind_to_any_port(options_.host)
        : server_.bind_to_port(options_.host, options_.port) ? options_.port
                                                             : -1;
    if (port > 0) {
      // httplib lets 5 connections wait to be accepted; the next one is tried
      // again by its client a second later, and a page asks for 20 files.
      listen(socket_, SOMAXCONN);
      return port;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot listen on ", Printable(options_.host), ":", options_.port,
        errno != 0 ? absl::StrCat(": ", std::strerror(errno)) : "",
        "; --port=0 takes any free port"));
  }

  bool Run() { return server_.listen_after_bind(); }

  void Stop() { server_.stop(); }

 private:
  // Whether a request is refused whatever it asks for; if so, `response` says
  // why.
  bool IsRefused(const httplib::Request& request,
                 httplib::Response* response) const {
    const std::string host = request.get_header_value("Host");
    const std::string name = HostOf(host);
    if (request.get_header_value_count("Host") != 1 ||
        (name != "localhost" && name != absl::AsciiStrToLower(options_.host) &&
         !IsAddress(name))) {
      SendFault(403,
                absl::StrCat("the request is for host \"", Printable(host),
                             "\"; this server answers as localhost, as a "
                             "numeric address or as what --host names"),
                response);
      return true;
    }
    const std::string site = request.get_header_value("Sec-Fetch-Site");
    if (request.method == "POST" &&
        ((request.has_header("Origin") &&
          request.get_header_value("Origin") != absl::StrCat("http://", host)) ||
         (!site.empty() && site != "same-origin" && site != "none"))) {
      SendFault(403, "the request comes from another page", response);
      return true;
    }
    if (request.method != "GET" && request.method != "HEAD" &&
        request.method != "POST") {
      SendFault(405, "expected GET or POST", response);
      return true;
    }
    // A request has its whole body, of a stated length, and gets a whole
    // answer.
    for (const char* header :
         {"Transfer-Encoding", "Content-Encoding", "Range"}) {
      if (!request.has_header(header)) continue;
      SendFault(400, absl::StrCat("the header ", header, " is not taken here"),
                response);
      return true;
    }
    if (request.method == "POST" &&
        !absl::StartsWith(request.get_header_value("Content-Type"),
                          kJsonType)) {
      // A page elsewhere cannot send this type without asking first.
      SendFault(415, absl::StrCat("expected Content-Type: ", kJsonType),
                response);
      return true;
    }
    return false;
  }

  void Answer(const httplib::Request& request,
              const httplib::ContentReader& content,
              httplib::Response* response) {
    std::string body;
    const bool is_whole = content([&](const char* data, size_t length) {
      if (body.size() + length > options_.body_bytes) return false;
      body.append(data, length);
      return true;
    });
    if (!is_whole) {
      if (response->status == -1 || response->status == 200) {
        response->status = 400;
      }
      SendFault(response->status,
                response->status == 413
                    ? absl::StrCat("the request is longer than ",
                                   options_.body_bytes, " bytes")
                    : "the request ends before its time",
                response);
      return;
    }
    const std::string subcommand = request.matches[1];
    const std::vector<std::string> known = answerer_.Subcommands();
    if (!std::binary_search(known.begin(), known.end(), subcommand)) {
      SendFault(404,
                UnknownNameMessage("sub-command for requests", subcommand, known,
                                   ""),
                response);
      return;
    }
    Reply reply;
    {
      const Entry entry(&computations_);
      reply = answerer_.Answer(subcommand, body);
    }
    SendJson(reply.exit_code == kExitOk ? 200 : 422, std::move(reply.json),
             response);
  }

  // Sends the page's file of that path; it is looked up among the embedded
  // ones.
  static void SendFile(absl::string_view path, httplib::Response* response) {
    path.remove_prefix(1);
    if (path.empty()) path = "index.html";
    for (const EmbeddedFile& file : PageFiles()) {
      if (file.path != path) continue;
      response->status = 200;
      Send(file.content, ContentType(path), nullptr, response);
      return;
    }
    SendFault(404, "there is nothing here", response);
  }

  const Answerer& answerer_;
  const HttpOptions options_;
  Gate computations_;
  httplib::Server server_;
  // The socket that it listens on.
  socket_t socket_ = INVALID_SOCKET;
};

HttpServer::HttpServer(const Answerer& answerer, const HttpOptions& options)
    : implementation_(new Implementation(answerer, options)) {}

HttpServer::~HttpServer() = default;

absl::StatusOr<int> HttpServer::Bind() { return implementation_->Bind(); }

bool HttpServer::Run() { return implementation_->Run(); }

void HttpServer::Stop() { implementation_->Stop(); }

}  // namespace tokenjoule
