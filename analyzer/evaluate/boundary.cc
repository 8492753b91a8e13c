#include "analyzer/evaluate/boundary.h"

#include <algorithm>
#include <string>
#include <vector>

#include "analyzer/description/validate.h"

namespace tokenjoule {

int BoundaryIndex(absl::string_view name) {
  const std::vector<std::string> names = BoundaryNames();
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

}  // namespace tokenjoule
