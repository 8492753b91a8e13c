// `tokenjoule serve`, for tests of the page as a program meets it.

#ifndef TESTS_SERVED_H_
#define TESTS_SERVED_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace tokenjoule {

// A server on any free port, for as long as the object lives.
class Served {
 public:
  // `path` is the binary.
  explicit Served(const std::string& path) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    child_ = fork();
    if (child_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      execl(path.c_str(), path.c_str(), "serve", "--port=0", nullptr);
      _exit(127);
    }
    close(ends[1]);
    out_ = fdopen(ends[0], "r");
    char line[200] = "";
    EXPECT_NE(std::fgets(line, sizeof line, out_), nullptr);
    address_ = std::string(absl::StripAsciiWhitespace(line));
    const std::vector<std::string> parts = absl::StrSplit(address_, ':');
    EXPECT_TRUE(absl::SimpleAtoi(absl::StripSuffix(parts.back(), "/"), &port_))
        << address_;
  }
  ~Served() {
    End(SIGTERM);
    std::fclose(out_);
  }

  // Ends the server with a signal, and returns the status of waitpid().
  int End(int signal) {
    int status = 0;
    if (child_ > 0) {
      kill(child_, signal);
      waitpid(child_, &status, 0);
    }
    child_ = 0;
    return status;
  }

  int port() const { return port_; }
  // The first line that it printed.
  const std::string& address() const { return address_; }

 private:
  pid_t child_ = 0;
  FILE* out_ = nullptr;
  std::string address_;
  int port_ = 0;
};

}  // namespace tokenjoule

#endif  // TESTS_SERVED_H_
