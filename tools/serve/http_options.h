// How the page is served.

#ifndef TOOLS_SERVE_HTTP_OPTIONS_H_
#define TOOLS_SERVE_HTTP_OPTIONS_H_

#include <cstddef>
#include <string>

namespace tokenjoule {

struct HttpOptions {
  // Name or address to listen on. "localhost" is 127.0.0.1; other names are
  // looked up.
  std::string host = "127.0.0.1";
  // 0 is any free port.
  int port = 8765;
  // Connections at once, at least 1. A connection that waits for its client
  // takes a file descriptor, 20 KB and no thread. If another client comes, the
  // server closes the connection that has waited longest for its request to be
  // whole: an honest client sends its request in milliseconds. Fewer if the
  // process may not open so many files.
  int connections = 1024;
  // Requests that are computed at once; 0 is one for each processor, and at
  // least two, so that a long one does not hold up the others.
  int computations = 0;
  // Whole requests that wait to be computed, at least 0. Further ones are told
  // to try again in a second (status 503).
  int waiting = 256;
  // Longest request line with all header fields, bytes, at least 64.
  size_t header_bytes = 16'384;
  // Longest body of a request, bytes. A description has up to 4 MB, and may
  // refer to others.
  size_t body_bytes = 16'000'000;
  // Bytes of bodies and answers in memory at once, at least twice body_bytes.
  // Beyond that the server closes the connections that have waited longest for
  // their clients, and then refuses requests (status 503).
  size_t held_bytes = 256'000'000;
  // Seconds from the connection to the last byte of the request; above 0. A
  // client that takes longer is told so (status 408) and given up, however
  // steadily it sends.
  double request_s = 15;
  // Seconds in which a client must have read the answer; above 0.
  double answer_s = 60;
};

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_HTTP_OPTIONS_H_
