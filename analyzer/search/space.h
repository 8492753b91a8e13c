// Design spaces: axes, and the points that are choices of each.

#ifndef ANALYZER_SEARCH_SPACE_H_
#define ANALYZER_SEARCH_SPACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/evaluate/setup.h"
#include "proto/space.pb.h"

namespace tokenjoule {

// Points are numbered below this: exact as doubles.
inline constexpr uint64_t kMostPoints = 1'000'000'000'000'000;

// Choices of an axis that is continuous: a millionth of its range apart.
inline constexpr int kContinuousChoices = 1'000'001;

// A field and its value at each choice of an axis: a list, or numbers from one
// end to the other, written out as they are asked for.
class FieldValues {
 public:
  FieldValues(const std::string& path, std::vector<std::string> values);
  // `steps` with at least one step, above 0 where they are logarithmic; each
  // times `factor`, rounded to a multiple of `multiple` unless that is 0.
  FieldValues(const std::string& path, const Steps& steps, bool logarithmic,
              double factor, double multiple = 0);

  const std::string& path() const { return path_; }
  size_t size() const { return size_; }
  // The value of a choice, as --set takes it.
  std::string At(size_t choice) const;
  // Whether every value is a number, and the number.
  bool IsNumeric() const;
  double NumberAt(size_t choice) const;

 private:
  std::string path_;
  size_t size_;
  std::vector<std::string> values_;
  // Without `values_`:
  Steps steps_;
  bool logarithmic_ = false;
  double factor_ = 1;
  double multiple_ = 0;
};

// An axis; `fields[0]` is its own, the others are tied to it.
struct SpaceAxis {
  std::vector<FieldValues> fields;

  size_t size() const { return fields[0].size(); }
  const std::string& path() const { return fields[0].path(); }
};

// A design space that was read and checked.
struct Space {
  DesignSpace description;
  std::vector<SpaceAxis> axes;
  // Points of the grid; 0: more than can be numbered, as a space that is
  // searched by evolution may have.
  uint64_t points = 0;
};

// A choice of each axis.
using Choices = std::vector<uint32_t>;

// Reads a space. `file` is its name for messages. Fails with every fault:
// syntax, fields, axes without values or with two kinds of them, values that
// their field does not take, metrics that there are not, more points than can
// be numbered. A fault of an axis names it by the field that it sets,
// "axis[scenario.batch]", with its place in the file.
//
// `changes` replace what its points share: "model=NAME", "hardware=NAME",
// "runtime=NAME" or ROOT.PATH=VALUE of a field that no axis sets. Their faults
// have no place.
absl::StatusOr<Space> ParseSpace(absl::string_view text, absl::string_view file,
                                 absl::Span<const std::string> changes = {});

// The space of that name, or in that file, with such changes.
absl::StatusOr<Space> LoadSpace(absl::string_view name,
                                absl::Span<const std::string> changes = {});

// The choices of a point, the first axis varying slowest, and back. Of a space
// whose points are numbered.
Choices ChoicesOf(const Space& space, uint64_t id);
uint64_t IdOf(const Space& space, const Choices& choices);

// Model, machine and scenario of a choice, loaded and with every field set, not
// yet checked against one another. Fail with what is wrong.
absl::StatusOr<Model> ModelAt(const Space& space, const Choices& choices);
absl::StatusOr<Hardware> HardwareAt(const Space& space, const Choices& choices);
absl::StatusOr<Scenario> ScenarioAt(const Space& space, const Choices& choices);
// All of them, with the model that drafts where there is one.
absl::StatusOr<Setup> SetupAt(const Space& space, const Choices& choices);

// The `tokenjoule analyze` command that answers the same.
std::string CommandFor(const Space& space, const Choices& choices);

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_SPACE_H_
