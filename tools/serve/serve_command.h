// tokenjoule serve: the page, and answers for programs.

#ifndef TOOLS_SERVE_SERVE_COMMAND_H_
#define TOOLS_SERVE_SERVE_COMMAND_H_

#include "tools/command.h"
#include "tools/serve/answerer.h"
#include "tools/serve/http_options.h"

namespace tokenjoule {

// Serves over HTTP until the process ends; returns an exit code.
using HttpServe = int (*)(const Answerer&, const HttpOptions&);

// The sub-command, which answers with the registered ones.
Command ServeCommand(HttpServe serve_http);

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_SERVE_COMMAND_H_
