#include "tools/command.h"

#include <iostream>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tokenjoule {

std::string Today() {
  return absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone());
}

int Fail(const absl::Status& status, int exit_code) {
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    std::cerr << "tokenjoule: " << line << "\n";
  }
  return exit_code;
}

}  // namespace tokenjoule
