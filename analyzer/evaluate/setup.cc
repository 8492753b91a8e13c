#include "analyzer/evaluate/setup.h"

#include <string>
#include <utility>

#include "analyzer/description/catalog.h"

namespace tokenjoule {

absl::StatusOr<absl::optional<Model>> LoadDraft(const Scenario& scenario) {
  const std::string& name = scenario.speculation().draft_model();
  absl::optional<Model> draft;
  if (name.empty() || name == "mtp") return draft;
  absl::StatusOr<Model> loaded = LoadModel(name);
  if (!loaded.ok()) return loaded.status();
  draft = *std::move(loaded);
  return draft;
}

}  // namespace tokenjoule
