#include "tools/serve/http_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <list>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/faults.h"
#include "tools/serve/http_exchange.h"
#include "tools/serve/http_handler.h"

namespace tokenjoule {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;
using Tcp = asio::ip::tcp;

// Bytes that the kernel may hold for each client in each direction; the rest
// waits here, where it is counted, or with the client.
constexpr int kKernelBuffer = 65'536;
// After its answer a client has so long to close the connection. Closed at
// once, the connection would be reset if the client still sends, and the answer
// lost.
constexpr double kLeaveS = 1;
// Without descriptors or memory for another connection, the next is tried after
// this.
constexpr double kAcceptAgainS = 0.1;
// Stop() waits so long for the answers under way.
constexpr double kStopS = 0.8;
// Descriptors that are no connections.
constexpr rlim_t kOtherFiles = 64;

// What a connection waits for. Those before kClosed have a list each.
enum Phase { kReading, kComputing, kWriting, kLeaving, kClosed };

struct Connection;
using Shared = std::shared_ptr<Connection>;

struct Connection {
  Connection(Tcp::socket accepted, asio::io_context* io,
             const HttpHandler& handler)
      : socket(std::move(accepted)), deadline(*io), exchange(handler) {}

  Tcp::socket socket;
  // Of the phase.
  asio::steady_timer deadline;
  HttpExchange exchange;
  std::array<char, 16'384> buffer;
  Phase phase = kReading;
  // In the list of its phase.
  std::list<Shared>::iterator place;
  // Its part of the bytes that all connections hold.
  size_t held = 0;
};

std::chrono::steady_clock::duration Seconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds));
}

asio::const_buffer BufferOf(absl::string_view bytes) {
  return asio::const_buffer(bytes.data(), bytes.size());
}

// The connections that the options allow and the process can have.
size_t MostConnections(const HttpOptions& options) {
  const size_t wanted = std::max(1, options.connections);
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const rlim_t most = limit.rlim_cur > 2 * kOtherFiles
                          ? limit.rlim_cur - kOtherFiles
                          : std::max<rlim_t>(1, limit.rlim_cur / 2);
  return std::min<rlim_t>(wanted, most);
}

}  // namespace

// All members but Stop(), and what the workers run, belong to the thread of
// Run().
class HttpServer::Implementation {
 public:
  Implementation(const Answerer& answerer, const HttpOptions& options)
      : handler_(answerer, options),
        options_(handler_.options()),
        computations_(
            options.computations > 0
                ? options.computations
                : std::max<int>(2, std::thread::hardware_concurrency())),
        most_connections_(MostConnections(options)),
        acceptor_(io_),
        timer_(io_),
        jobs_guard_(asio::make_work_guard(jobs_)) {}

  ~Implementation() {
    jobs_.stop();
    for (std::thread& worker : workers_) worker.join();
  }

  absl::StatusOr<int> Bind() {
    int port = 0;
    Error error;
    for (const Tcp::endpoint& endpoint : Endpoints(&error)) {
      error = Listen(endpoint, &port);
      if (!error) break;
    }
    if (error) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot listen on ", Printable(options_.host), ":", options_.port,
          ": ", error.message(), "; --port=0 takes any free port"));
    }
    if (!StartWorkers()) {
      return absl::InvalidArgumentError(
          "cannot start a thread; the limit of processes (ulimit -u) is "
          "reached");
    }
    return port;
  }

  bool Run() {
    Accept();
    while (true) {
      try {
        io_.run();
        break;
      } catch (const std::bad_alloc&) {
        // The deadline of its connection ends what could not go on.
      }
    }
    Error ignored;
    acceptor_.close(ignored);
    CloseAll({kReading, kComputing, kWriting, kLeaving});
    return is_stopping_;
  }

  void Stop() {
    asio::post(io_, [this] {
      Error ignored;
      is_stopping_ = true;
      acceptor_.close(ignored);
      CloseAll({kReading, kLeaving});
      timer_.expires_after(Seconds(kStopS));
      timer_.async_wait([this](Error error) {
        if (!error) io_.stop();
      });
      StopIfIdle();
    });
  }

 private:
  // The addresses of the host, in order of preference.
  std::vector<Tcp::endpoint> Endpoints(Error* error) {
    const std::string host =
        options_.host == "localhost" ? "127.0.0.1" : options_.host;
    const asio::ip::address address = asio::ip::make_address(host, *error);
    if (!*error) {
      return {Tcp::endpoint(address, static_cast<uint16_t>(options_.port))};
    }
    std::vector<Tcp::endpoint> endpoints;
    Tcp::resolver resolver(io_);
    for (const auto& entry : resolver.resolve(host, absl::StrCat(options_.port),
                                              Tcp::resolver::passive, *error)) {
      endpoints.push_back(entry.endpoint());
    }
    return endpoints;
  }

  Error Listen(const Tcp::endpoint& endpoint, int* port) {
    Error error, ignored;
    acceptor_.close(ignored);
    acceptor_.open(endpoint.protocol(), error);
    if (error) return error;
    if (endpoint.protocol() == Tcp::v6()) {
      acceptor_.set_option(asio::ip::v6_only(false), ignored);
    }
    // Not SO_REUSEPORT, by which a second server would share the port
    // unnoticed.
    acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
    if (error) return error;
    acceptor_.bind(endpoint, error);
    if (error) return error;
    // A page asks for 20 files at once, and a client that finds no place in
    // this queue tries again a second later.
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return error;
    *port = acceptor_.local_endpoint(error).port();
    return error;
  }

  // Fewer workers than wanted are enough; returns whether there is one.
  bool StartWorkers() {
    while (workers_.size() < computations_) {
      try {
        workers_.emplace_back([this] { jobs_.run(); });
      } catch (const std::system_error&) {
        break;
      }
    }
    return !workers_.empty();
  }

  void Accept() {
    acceptor_.async_accept([this](Error error, Tcp::socket socket) {
      if (is_stopping_) return;
      if (error) {
        CloseOldest();
        timer_.expires_after(Seconds(kAcceptAgainS));
        timer_.async_wait([this](Error stopped) {
          if (!stopped && !is_stopping_) Accept();
        });
        return;
      }
      // The next client is taken even if there is no memory for this one.
      Accept();
      while (Count() >= most_connections_ && CloseOldest()) {
      }
      if (Count() < most_connections_) Begin(std::move(socket));
    });
  }

  size_t Count() const {
    size_t count = 0;
    for (const std::list<Shared>& list : connections_) count += list.size();
    return count;
  }

  void Begin(Tcp::socket socket) {
    Error ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::send_buffer_size(kKernelBuffer),
                      ignored);
    socket.set_option(asio::socket_base::receive_buffer_size(kKernelBuffer),
                      ignored);
    const auto client =
        std::make_shared<Connection>(std::move(socket), &io_, handler_);
    client->place =
        connections_[kReading].insert(connections_[kReading].end(), client);
    SetDeadline(client, options_.request_s);
    ReadSome(client);
  }

  // Lists are in the order in which connections came to their phase.
  void Move(const Shared& client, Phase phase) {
    connections_[phase].splice(connections_[phase].end(),
                               connections_[client->phase], client->place);
    client->phase = phase;
  }

  // Ends the phase of a connection after so many seconds.
  void SetDeadline(const Shared& client, double seconds) {
    client->deadline.expires_after(Seconds(seconds));
    client->deadline.async_wait(
        [this, client, phase = client->phase](Error error) {
          if (error || client->phase != phase) return;
          if (phase != kReading) {
            Close(client);
            return;
          }
          Error ignored;
          client->socket.cancel(ignored);
          client->exchange.Refuse(
              408, absl::StrCat("the request was not whole within ",
                                options_.request_s, " s"));
          Write(client);
        });
  }

  void ReadSome(const Shared& client) {
    client->socket.async_read_some(
        asio::buffer(client->buffer), [this, client](Error error, size_t size) {
          if (client->phase != kReading) return;
          if (error && error != asio::error::eof) {
            Close(client);
            return;
          }
          if (error) {
            client->exchange.End();
          } else {
            client->exchange.Read(
                absl::string_view(client->buffer.data(), size));
          }
          UpdateHeld(client);
          if (client->phase == kReading) GoOn(client);
        });
  }

  void GoOn(const Shared& client) {
    switch (client->exchange.state()) {
      case HttpExchange::State::kWhole:
        Compute(client);
        return;
      case HttpExchange::State::kAnswered:
        Write(client);
        return;
      case HttpExchange::State::kReading:
        break;
    }
    if (!client->exchange.TakeExpectation()) {
      ReadSome(client);
      return;
    }
    asio::async_write(client->socket, BufferOf(kHttpContinue),
                      [this, client](Error error, size_t) {
                        if (client->phase != kReading) return;
                        if (error) {
                          Close(client);
                        } else {
                          ReadSome(client);
                        }
                      });
  }

  void Compute(const Shared& client) {
    const size_t taken = computations_ + std::max(0, options_.waiting);
    if (connections_[kComputing].size() >= taken ||
        held_ > options_.held_bytes) {
      client->exchange.Refuse(
          503, absl::StrCat("there are ", connections_[kComputing].size(),
                            " requests under way; try again in a second"));
      Write(client);
      return;
    }
    Move(client, kComputing);
    client->deadline.cancel();
    asio::post(jobs_, [this, client] {
      client->exchange.Compute();
      asio::post(io_, [this, client] {
        if (client->phase != kComputing) return;
        Write(client);
        UpdateHeld(client);
      });
    });
  }

  void Write(const Shared& client) {
    Move(client, kWriting);
    SetDeadline(client, options_.answer_s);
    const std::array<asio::const_buffer, 2> response = {
        BufferOf(client->exchange.head()), BufferOf(client->exchange.body())};
    asio::async_write(client->socket, response,
                      [this, client](Error error, size_t) {
                        if (client->phase != kWriting) return;
                        if (error) {
                          Close(client);
                        } else {
                          Leave(client);
                        }
                      });
  }

  // Says that the answer is over, and waits for the client to close.
  void Leave(const Shared& client) {
    Error error;
    client->socket.shutdown(Tcp::socket::shutdown_send, error);
    client->exchange.Clear();
    UpdateHeld(client);
    if (error || is_stopping_) {
      Close(client);
      return;
    }
    Move(client, kLeaving);
    SetDeadline(client, kLeaveS);
    Discard(client);
  }

  void Discard(const Shared& client) {
    client->socket.async_read_some(asio::buffer(client->buffer),
                                   [this, client](Error error, size_t) {
                                     if (client->phase != kLeaving) return;
                                     if (error) {
                                       Close(client);
                                     } else {
                                       Discard(client);
                                     }
                                   });
  }

  // A copy, because the list may hold the last one but this.
  void Close(Shared client) {
    if (client->phase == kClosed) return;
    connections_[client->phase].erase(client->place);
    client->phase = kClosed;
    held_ -= client->held;
    client->held = 0;
    Error ignored;
    client->deadline.cancel();
    client->socket.close(ignored);
    StopIfIdle();
  }

  void CloseAll(std::initializer_list<Phase> phases) {
    for (const Phase phase : phases) {
      while (!connections_[phase].empty()) Close(connections_[phase].front());
    }
  }

  void StopIfIdle() {
    if (is_stopping_ && Count() == 0) io_.stop();
  }

  // Makes room: closes the connection that has waited longest for its client,
  // if possible one that has its answer, or else one that has sent no whole
  // request. One that reads its answer comes last.
  bool CloseOldest() {
    for (const Phase phase : {kLeaving, kReading, kWriting}) {
      if (connections_[phase].empty()) continue;
      Close(connections_[phase].front());
      return true;
    }
    return false;
  }

  // Counts what a connection holds, and makes room if all hold too much.
  void UpdateHeld(const Shared& client) {
    const size_t held = client->exchange.HeldBytes();
    held_ += held - client->held;
    client->held = held;
    while (held_ > options_.held_bytes && CloseOldestHolder()) {
    }
  }

  bool CloseOldestHolder() {
    for (const Phase phase : {kReading, kWriting}) {
      for (const Shared& client : connections_[phase]) {
        if (client->held == 0) continue;
        Close(client);
        return true;
      }
    }
    return false;
  }

  const HttpHandler handler_;
  const HttpOptions& options_;
  const size_t computations_;
  const size_t most_connections_;

  // Before everything that has a place in it.
  asio::io_context io_{1};
  Tcp::acceptor acceptor_;
  // Of the next Accept(), or of the end.
  asio::steady_timer timer_;
  std::array<std::list<Shared>, kClosed> connections_;
  size_t held_ = 0;
  bool is_stopping_ = false;

  // What the workers run.
  asio::io_context jobs_;
  asio::executor_work_guard<asio::io_context::executor_type> jobs_guard_;
  std::vector<std::thread> workers_;
};

HttpServer::HttpServer(const Answerer& answerer, const HttpOptions& options)
    : implementation_(new Implementation(answerer, options)) {}

HttpServer::~HttpServer() = default;

absl::StatusOr<int> HttpServer::Bind() { return implementation_->Bind(); }

bool HttpServer::Run() { return implementation_->Run(); }

void HttpServer::Stop() { implementation_->Stop(); }

}  // namespace tokenjoule
