#include "tools/serve/serve_command.h"

#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/documents.h"
#include "analyzer/description/faults.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/serve/answerer.h"
#include "tools/serve/http_options.h"
#include "tools/serve/stdio.h"

namespace tokenjoule {
namespace {

constexpr char kLoopback[] = "127.0.0.1";
constexpr int kUsualPort = 8765;

bool IsLoopback(const std::string& host) {
  return host == kLoopback || host == "localhost" || host == "::1";
}

absl::StatusOr<HttpOptions> ReadOptions(const ParsedFlags& flags) {
  std::vector<std::string> faults;
  HttpOptions options;
  options.host = flags.Get("host", kLoopback);
  options.port = kUsualPort;
  if (options.host.empty()) {
    faults.push_back("--host: expected a name or an address of this machine");
  }
  const std::string port = flags.Get("port", "");
  if (flags.Has("port") && (!absl::SimpleAtoi(port, &options.port) ||
                            options.port < 0 || options.port > 65535)) {
    faults.push_back(absl::StrCat("--port: expected 0 to 65535, found \"",
                                  Printable(port), "\""));
  }
  for (const char* only_stdio : {"files"}) {
    if (flags.GetBool(only_stdio) && !flags.GetBool("stdio")) {
      faults.push_back(absl::StrCat(
          "--", only_stdio,
          " is for --stdio; requests over HTTP never reach the file system"));
    }
  }
  for (const char* only_http : {"port", "host"}) {
    if (flags.Has(only_http) && flags.GetBool("stdio")) {
      faults.push_back(
          absl::StrCat("--", only_http, " has no meaning with --stdio"));
    }
  }
  for (const std::string& extra : flags.positional) {
    faults.push_back(absl::StrCat("unexpected argument \"", Printable(extra),
                                  "\"; flags are written --name=value"));
  }
  if (faults.empty()) return options;
  return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

int ServeStdio(const ParsedFlags& flags) {
  AnswerLimits limits;
  // The process serves the one who started it.
  limits.rows = 1e9;
  limits.samples = 1e9;
  if (flags.GetBool("files")) {
    limits.files = DocumentScope::Files::kOpen;
  } else {
    CloseFilesForGood();
  }
  const Answerer answerer(RegisteredCommands(), limits);
  ServeLines(answerer, std::cin, std::cout);
  // Fails if an answer could not be written.
  return Print("");
}

int Run(const ParsedFlags& flags, HttpServe serve_http) {
  absl::StatusOr<HttpOptions> options = ReadOptions(flags);
  if (!options.ok()) return Fail(options.status(), kExitUsage);
  if (flags.GetBool("stdio")) return ServeStdio(flags);
  CloseFilesForGood();
  if (!IsLoopback(options->host)) {
    Say(absl::StrCat("note: --host=", Printable(options->host),
                     " lets other machines ask this one; there is no password "
                     "and no encryption"));
  }
  const Answerer answerer(RegisteredCommands(), AnswerLimits());
  return serve_http(answerer, *options);
}

}  // namespace

Command ServeCommand(HttpServe serve_http) {
  Command command;
  command.name = "serve";
  command.summary = "an interactive page, and answers for programs";
  command.description =
      "Serves a page in which everything can be changed and every number can be\n"
      "asked for its origin, at http://127.0.0.1:8765/. Only this machine reaches\n"
      "it unless --host says otherwise. There is no account and nothing is kept;\n"
      "requests reach no file, and documents are sent with them.\n"
      "With --stdio reads a request as JSON from each line of stdin and writes "
      "its\n"
      "answer as one line, for programs (docs/page.md).";
  command.examples =
      "  tokenjoule serve\n"
      "  tokenjoule serve --port=0\n"
      "  echo '{\"subcommand\": \"analyze\", \"flags\": {\"model\": "
      "\"llama-3.1-8b\", \\\n"
      "      \"hardware\": \"h100-sxm\"}}' | tokenjoule serve --stdio\n";
  command.flags = {
      {"port", "N", "port of the page, 0 for any free one (default 8765)"},
      {"host", "ADDRESS",
       "address to listen on (default 127.0.0.1, which only this machine "
       "reaches)"},
      {"stdio", "", "answer lines of stdin instead"},
      {"files", "",
       "with --stdio: flags may name files, as on the command line"},
  };
  command.run = [serve_http](const ParsedFlags& flags) {
    return Run(flags, serve_http);
  };
  return command;
}

}  // namespace tokenjoule
