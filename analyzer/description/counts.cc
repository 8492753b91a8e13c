#include "analyzer/description/counts.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/faults.h"

namespace tokenjoule {

bool ParseNumber(absl::string_view text, double* number) {
  if (!absl::SimpleAtod(text, number) || !std::isfinite(*number)) {
    *number = 0;
    return false;
  }
  if (*number == 0) *number = 0;
  return true;
}

absl::Status ParseCount(absl::string_view text, double* count) {
  double factor = 1;
  absl::string_view digits = text;
  if (!digits.empty()) {
    const char last = digits.back();
    if (last == 'k' || last == 'K') factor = 1024;
    if (last == 'm' || last == 'M') factor = 1024 * 1024;
    if (factor != 1) digits.remove_suffix(1);
  }
  if (!ParseNumber(digits, count)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected a number, which may end in k (1024) or M (1048576), found \"",
        Printable(text), "\""));
  }
  *count *= factor;
  return absl::OkStatus();
}

}  // namespace tokenjoule
