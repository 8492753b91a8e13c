#include "tools/serve/stdio.h"

#include <string>

#include "absl/strings/ascii.h"

namespace tokenjoule {

void ServeLines(const Answerer& answerer, std::istream& in, std::ostream& out) {
  std::string line;
  while (std::getline(in, line)) {
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    out << answerer.Answer(line).json << '\n' << std::flush;
    if (!out) return;
  }
}

}  // namespace tokenjoule
