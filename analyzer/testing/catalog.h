// Descriptions of the catalogue, for tests.

#ifndef ANALYZER_TESTING_CATALOG_H_
#define ANALYZER_TESTING_CATALOG_H_

#include <string>
#include <vector>

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

// The language models of the catalogue: not the networks of explicit layers.
inline std::vector<std::string> LanguageModelNames() {
  std::vector<std::string> names;
  for (const std::string& name : CatalogNames(SpecKind::kModel)) {
    if (!LoadModelOrDie(name).has_network()) names.push_back(name);
  }
  return names;
}

// The machines of the catalogue that run language models: not those whose only
// matrix engines are bit-serial lanes, which have no attention, and not
// microcontrollers with a few megabytes of memory.
inline std::vector<std::string> LanguageMachineNames() {
  std::vector<std::string> names;
  for (const std::string& name : CatalogNames(SpecKind::kSystem)) {
    constexpr double kLeastGb = 0.1;
    const Hardware hardware = LoadHardwareOrDie(name);
    const MemoryLevel& store = hardware.memory(0);
    const bool holds = !store.has_capacity_gb() ||
                store.capacity_gb().value() >= kLeastGb;
    bool has_engine = false;
    for (const ComputeEngine& engine : hardware.engine()) {
      has_engine |= engine.kind() != ComputeEngine::VECTOR &&
                    engine.kind() != ComputeEngine::BIT_SERIAL;
    }
    if (holds && has_engine) names.push_back(name);
  }
  return names;
}

}  // namespace tokenjoule

#endif  // ANALYZER_TESTING_CATALOG_H_
