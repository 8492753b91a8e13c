// How the page is served; apart from the server, so that binaries without one can
// read it.

#ifndef TOOLS_SERVE_HTTP_OPTIONS_H_
#define TOOLS_SERVE_HTTP_OPTIONS_H_

#include <cstddef>
#include <string>

namespace tokenjoule {

struct HttpOptions {
  // Name or address to listen on.
  std::string host = "127.0.0.1";
  // 0 is any free port.
  int port = 8765;
  // Connections that are read at once; further ones wait. A connection waits
  // for its client without using a processor, so that slow clients harm no
  // other until they are this many.
  int connections = 64;
  // Requests that are computed at once; 0 is one for each processor, and at
  // least two, so that a long one does not hold up the others.
  int computations = 0;
  // Longest body of a request, bytes. A description has up to 4 MB, and may
  // refer to others.
  size_t body_bytes = 16'000'000;
  // Seconds without a byte after which a client is given up.
  int timeout_s = 5;
};

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_HTTP_OPTIONS_H_
