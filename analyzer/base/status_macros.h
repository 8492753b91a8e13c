// Macros for error propagation, in the form that is usual with Abseil:
//
//   RETURN_IF_ERROR(CheckOptions(options));
//   ASSIGN_OR_RETURN(const Model model, LoadModel(name));
//
// Both return the unchanged status to the caller; the enclosing function must
// return absl::Status or absl::StatusOr. The Abseil releases that this project
// builds with have no such macros.

#ifndef ANALYZER_BASE_STATUS_MACROS_H_
#define ANALYZER_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Evaluates an expression of type absl::Status once; returns the status from
// the enclosing function if it is an error.
#define RETURN_IF_ERROR(...)                            \
  do {                                                  \
    if (absl::Status tokenjoule_status = (__VA_ARGS__); \
        !tokenjoule_status.ok()) {                      \
      return tokenjoule_status;                         \
    }                                                   \
  } while (false)

// Evaluates an expression of type absl::StatusOr<T> once. If it is an error,
// returns its status from the enclosing function; otherwise moves the value to
// `lhs`, which is an existing variable or the declaration of a new one with the
// usual scope. The macro expands to several statements, so it needs braces
// below an `if` or a loop. A type with a comma in `lhs` needs `auto` or an
// alias.
#define ASSIGN_OR_RETURN(lhs, ...)                                         \
  TOKENJOULE_ASSIGN_OR_RETURN_(TOKENJOULE_JOIN_(tokenjoule_or_, __LINE__), \
                               lhs, __VA_ARGS__)

// Not for use outside of this header.
#define TOKENJOULE_ASSIGN_OR_RETURN_(status_or, lhs, ...)    \
  auto status_or = (__VA_ARGS__);                            \
  if (!status_or.ok()) return std::move(status_or).status(); \
  lhs = *std::move(status_or)

// __LINE__ must be expanded before it is pasted.
#define TOKENJOULE_JOIN_(a, b) TOKENJOULE_JOIN_EXPANDED_(a, b)
#define TOKENJOULE_JOIN_EXPANDED_(a, b) a##b

#endif  // ANALYZER_BASE_STATUS_MACROS_H_
