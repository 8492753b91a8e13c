// Values and errors of absl::StatusOr, for tests.

#ifndef ANALYZER_TESTING_STATUS_H_
#define ANALYZER_TESTING_STATUS_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace tokenjoule {

// Returns the value. An error fails and ends the test, at the line of the call:
// GoogleTest catches the exception of value() and continues with the next test.
template <typename T>
T OrDie(absl::StatusOr<T> value, const char* file = __builtin_FILE(),
        int line = __builtin_LINE()) {
  if (!value.ok()) ADD_FAILURE_AT(file, line) << value.status();
  return std::move(value).value();
}

// Returns the message of an error. If there is none, the test fails at the line
// of the call.
inline std::string ErrorOf(const absl::Status& status,
                           const char* file = __builtin_FILE(),
                           int line = __builtin_LINE()) {
  if (status.ok()) ADD_FAILURE_AT(file, line) << "expected an error";
  return std::string(status.message());
}
template <typename T>
std::string ErrorOf(const absl::StatusOr<T>& value,
                    const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
  return ErrorOf(value.status(), file, line);
}

}  // namespace tokenjoule

#endif  // ANALYZER_TESTING_STATUS_H_
