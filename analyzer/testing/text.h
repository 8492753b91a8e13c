// Helpers to build and corrupt the text of descriptions.

#ifndef ANALYZER_TESTING_TEXT_H_
#define ANALYZER_TESTING_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace tokenjoule {

// `text` with the first `from` replaced. Fails the test if `from` is absent,
// because the test would otherwise not test what it claims.
inline std::string Replaced(std::string text, absl::string_view from,
                            absl::string_view to) {
  const size_t at = text.find(from.data(), 0, from.size());
  if (at == std::string::npos) {
    ADD_FAILURE() << "\"" << from << "\" is not in\n" << text;
    return text;
  }
  return text.replace(at, from.size(), to.data(), to.size());
}

// A Constant without a range, whose source is "s".
inline std::string Exactly(absl::string_view field, double value) {
  return absl::StrCat(field, " { value: ", value, " low: ", value,
                      " high: ", value, " source: \"s\" }\n");
}

}  // namespace tokenjoule

#endif  // ANALYZER_TESTING_TEXT_H_
