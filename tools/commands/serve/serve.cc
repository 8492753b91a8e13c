// tokenjoule serve with its HTTP server.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/command.h"
#include "tools/serve/answerer.h"
#include "tools/serve/http_options.h"
#include "tools/serve/http_server.h"
#include "tools/serve/serve_command.h"

namespace tokenjoule {
namespace {

// Serves and prints the address to open.
int ServeHttp(const Answerer& answerer, const HttpOptions& options) {
  HttpServer server(answerer, options);
  const absl::StatusOr<int> port = server.Bind();
  if (!port.ok()) return Fail(port.status(), kExitBadData);
  const std::string host = absl::StrContains(options.host, ":")
                               ? absl::StrCat("[", options.host, "]")
                               : options.host;
  const int printed =
      Print(absl::StrCat("http://", host, ":", *port,
                         "/\nopen this address in a browser; Ctrl-C ends it\n"));
  if (printed != kExitOk) return printed;
  if (server.Run()) return kExitOk;
  return Fail(absl::InvalidArgumentError("the server ended unexpectedly"),
              kExitBadData);
}

const CommandRegistration kRegistration([] { return ServeCommand(ServeHttp); });

}  // namespace
}  // namespace tokenjoule
