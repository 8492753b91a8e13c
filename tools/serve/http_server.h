// An HTTP server of the page and of its requests.

#ifndef TOOLS_SERVE_HTTP_SERVER_H_
#define TOOLS_SERVE_HTTP_SERVER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tools/serve/answerer.h"
#include "tools/serve/http_options.h"

namespace tokenjoule {

// Serves the page's files at / and answers POST /api/SUBCOMMAND. Nothing that a
// request holds becomes the name of a file. Refuses what another web page sends
// through a browser: the Host must be this server's or a numeric address, and
// the Origin of a POST, if there is one, the same.
//
// One thread, that of Run(), talks to all clients and never waits for one;
// others compute. HttpOptions bounds connections, sizes, times and the queue.
class HttpServer {
 public:
  // `answerer` must outlive the server.
  HttpServer(const Answerer& answerer, const HttpOptions& options);
  // Waits for the computations under way.
  ~HttpServer();

  // Takes the port and returns its number. Fails with a description of why it
  // cannot be had, or if no thread can be started.
  absl::StatusOr<int> Bind();

  // Serves until Stop() is called from another thread. Returns whether it ended
  // because of that. To be called after Bind().
  bool Run();

  // Ends Run(), which answers the whole requests that it has until then, but
  // takes at most a second. May be called from any thread.
  void Stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_HTTP_SERVER_H_
