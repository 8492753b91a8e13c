// Short names of texts, to see whether two are the same.

#ifndef ANALYZER_BASE_FINGERPRINT_H_
#define ANALYZER_BASE_FINGERPRINT_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {

// FNV-1a, 64 bits: the same on every machine and in every version. It detects
// accidents, not forgeries.
class Fingerprint {
 public:
  // Adds a text to those before it; only their concatenation matters.
  void Add(absl::string_view text) {
    for (const unsigned char c : text) hash_ = (hash_ ^ c) * 0x100000001b3u;
  }

  // 16 hexadecimal digits.
  std::string ToString() const { return absl::StrFormat("%016x", hash_); }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_FINGERPRINT_H_
