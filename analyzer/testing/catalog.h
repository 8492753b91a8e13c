// Descriptions of the catalogue, for tests.

#ifndef ANALYZER_TESTING_CATALOG_H_
#define ANALYZER_TESTING_CATALOG_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/description/catalog.h"
#include "analyzer/testing/status.h"

namespace tokenjoule {

// Calls LoadModel; an error fails and ends the test, at the line of the call.
inline Model LoadModelOrDie(absl::string_view name,
                            absl::Span<const FieldOverride> overrides = {},
                            const char* file = __builtin_FILE(),
                            int line = __builtin_LINE()) {
  return OrDie(LoadModel(name, overrides), file, line);
}

// Calls LoadHardware, in the same way.
inline Hardware LoadHardwareOrDie(
    absl::string_view name, absl::Span<const FieldOverride> overrides = {},
    const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return OrDie(LoadHardware(name, overrides), file, line);
}

}  // namespace tokenjoule

#endif  // ANALYZER_TESTING_CATALOG_H_
