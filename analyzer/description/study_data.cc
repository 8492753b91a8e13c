#include "analyzer/description/study_data.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/textproto.h"
#include "analyzer/description/validate.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Message;

// Checks across fields, with locations.
class StudyChecker {
 public:
  StudyChecker(absl::string_view file, std::vector<Fault>* faults)
      : file_(file), faults_(faults) {}

  void Check(const StudyData& data, const FieldLocations* root) {
    switch (data.study_case()) {
      case StudyData::kDotProduct:
        CheckSweep(data.dot_product(), Nested(root, data, "dot_product", -1));
        break;
      case StudyData::kTricks:
        CheckTricks(data.tricks(), Nested(root, data, "tricks", -1));
        break;
      case StudyData::kScalingLaws:
        CheckLaws(data.scaling_laws(), Nested(root, data, "scaling_laws", -1));
        break;
      case StudyData::kAnalogDepth:
        break;
      case StudyData::STUDY_NOT_SET:
        Add(nullptr, data, "name", -1, "",
            "has neither dot_product nor tricks nor scaling_laws nor "
            "analog_depth");
        break;
    }
  }

 private:
  static const FieldLocations* Nested(const FieldLocations* tree,
                                      const Message& message,
                                      const char* field_name, int index) {
    return tree == nullptr
               ? nullptr
               : tree->GetTreeForNested(
                     message.GetDescriptor()->FindFieldByName(field_name),
                     index);
  }

  void Add(const FieldLocations* tree, const Message& message,
           const char* field_name, int index, std::string path,
           std::string text) {
    Fault fault;
    fault.file = std::string(file_);
    if (tree != nullptr) {
      const auto place = tree->GetLocation(
          message.GetDescriptor()->FindFieldByName(field_name), index);
      fault.line = place.line + 1;
      fault.column = place.column + 1;
    }
    fault.path = std::move(path);
    fault.message = std::move(text);
    faults_->push_back(std::move(fault));
  }

  // Requires that the catalogue has the name in `message`'s field.
  void CheckName(SpecKind kind, const char* noun, const std::string& name,
                 const FieldLocations* tree, const Message& message,
                 const char* field_name, int index, const std::string& path) {
    const std::vector<std::string> names = CatalogNames(kind);
    if (std::binary_search(names.begin(), names.end(), name)) return;
    Add(tree, message, field_name, index, path,
        UnknownNameMessage(noun, name, names, "(`tokenjoule list` shows all)"));
  }

  void CheckSweep(const DotProductSweep& sweep, const FieldLocations* tree) {
    CheckName(SpecKind::kCircuitTechnology, "analog circuit", sweep.circuit(),
              tree, sweep, "circuit", -1, "dot_product.circuit");
    CheckFullAdders(sweep, tree, "dot_product");
    for (int i = 0; i < sweep.generation_size(); ++i) {
      const DotProductSweep::Generation& generation = sweep.generation(i);
      const FieldLocations* place = Nested(tree, sweep, "generation", i);
      const std::string path = absl::StrCat("dot_product.generation[", i, "]");
      CheckName(SpecKind::kCircuitTechnology, "analog circuit",
                generation.circuit(), place, generation, "circuit", -1,
                path + ".circuit");
      CheckFullAdders(generation, place, path);
      if (i > 0 && !(generation.year().value() >
                     sweep.generation(i - 1).year().value())) {
        Add(place, generation, "year", -1, path + ".year",
            "is not after that of the generation before");
      }
    }
  }

  // Requires that `message`'s full_adders_of are logic technologies with a full
  // adder.
  template <typename Adders>
  void CheckFullAdders(const Adders& message, const FieldLocations* tree,
                       const std::string& above) {
    for (int i = 0; i < message.full_adders_of_size(); ++i) {
      const std::string& name = message.full_adders_of(i);
      const std::string path = absl::StrCat(above, ".full_adders_of[", i, "]");
      CheckName(SpecKind::kLogicTechnology, "logic technology", name, tree,
                message, "full_adders_of", i, path);
      const absl::StatusOr<LogicTechnology> logic = LoadLogicTechnology(name);
      if (logic.ok() && !logic->has_full_adder_energy_fj()) {
        Add(tree, message, "full_adders_of", i, path,
            absl::StrCat("\"", Printable(name),
                         "\" has no full_adder_energy_fj"));
      }
    }
  }

  // Requires that counts are whole numbers.
  void CheckCounts(const Message& change, const std::string& path) {
    ForEachConstant(change, [&](const std::string& below,
                                const Constant& constant, const auto& field) {
      const bool is_share = field.name() == "acceptance_rate" ||
                            field.name() == "energy_factor" ||
                            field.name() == "factor";
      if (is_share || constant.value() == std::floor(constant.value())) return;
      Add(nullptr, change, "name", -1, absl::StrCat(path, ".", below),
          absl::StrCat(constant.value(), " is not a whole number"));
    });
  }

  void CheckTricks(const TrickSet& set, const FieldLocations* tree) {
    std::set<std::string> names;
    for (int i = 0; i < set.trick_size(); ++i) {
      const TrickDescription& trick = set.trick(i);
      const FieldLocations* place = Nested(tree, set, "trick", i);
      const std::string path =
          absl::StrCat("tricks.", EntryPath("trick", trick, i));
      if (!names.insert(trick.name()).second) {
        Add(place, trick, "name", -1, path, "is there twice");
      }
      if (trick.change_case() == TrickDescription::CHANGE_NOT_SET) {
        Add(place, trick, "name", -1, path, "changes nothing");
      }
      if (trick.has_memory_of()) {
        CheckName(SpecKind::kSystem, "hardware", trick.memory_of(), place,
                  trick, "memory_of", -1, path + ".memory_of");
      }
      if (trick.has_arithmetic_of()) {
        CheckName(SpecKind::kSystem, "hardware", trick.arithmetic_of(), place,
                  trick, "arithmetic_of", -1, path + ".arithmetic_of");
      }
      const auto& experts = trick.split_experts();
      if (trick.has_split_experts() &&
          experts.fewest().value() < experts.experts_per_active().value()) {
        Add(place, trick, "split_experts", -1, path + ".split_experts",
            "fewest is less than experts_per_active: no expert would be "
            "active");
      }
      CheckCounts(trick, path);
    }
  }

  // Requires that laws of a list have names of their own.
  template <typename Laws>
  void CheckLawNames(const Laws& laws, const char* list,
                     const FieldLocations* tree, const Message& parent) {
    std::set<std::string> names;
    for (int i = 0; i < laws.size(); ++i) {
      if (names.insert(laws.Get(i).name()).second) continue;
      Add(Nested(tree, parent, list, i), laws.Get(i), "name", -1,
          absl::StrCat("scaling_laws.", EntryPath(list, laws.Get(i), i)),
          "is there twice");
    }
  }

  void CheckLaws(const ScalingLaws& laws, const FieldLocations* tree) {
    CheckLawNames(laws.dense(), "dense", tree, laws);
    CheckLawNames(laws.experts(), "experts", tree, laws);
    for (int i = 0; i < laws.experts_size(); ++i) {
      const ScalingLaws::Experts& law = laws.experts(i);
      const std::string path =
          absl::StrCat("scaling_laws.", EntryPath("experts", law, i));
      const FieldLocations* place = Nested(tree, laws, "experts", i);
      if (law.form_case() == ScalingLaws::Experts::FORM_NOT_SET) {
        Add(place, law, "name", -1, path, "has neither routed nor sparse");
      }
      if (law.has_routed() && law.routed().expert_start().value() >=
                                  law.routed().expert_max().value()) {
        Add(place, law, "name", -1, path + ".routed",
            "expert_start is not less than expert_max");
      }
    }
  }

  const absl::string_view file_;
  std::vector<Fault>* const faults_;
};

absl::Status OtherStudy(absl::string_view name) {
  return absl::NotFoundError(
      absl::StrCat("hw_specs/studies/", name,
                   ".textproto holds the numbers of another study"));
}

}  // namespace

absl::StatusOr<StudyData> ParseStudyData(absl::string_view text,
                                         absl::string_view file) {
  StudyData data;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  const bool whole = ParseTextproto(text, file, &data, &locations, &faults);
  ValidateFields(data, {file, locations.get(), whole}, &faults);
  // If parsing failed, names that could not be read would be reported as
  // unknown.
  if (whole) StudyChecker(file, &faults).Check(data, locations.get());
  if (!faults.empty()) return FaultsToStatus(faults);
  return data;
}

absl::StatusOr<StudyData> LoadStudyData(absl::string_view name) {
  absl::StatusOr<NamedText> text = ReadStudyText(name);
  if (!text.ok()) return text.status();
  return ParseStudyData(text->text, text->file);
}

absl::StatusOr<DotProductSweep> LoadDotProductSweep() {
  constexpr absl::string_view kName = "dot-product";
  absl::StatusOr<StudyData> data = LoadStudyData(kName);
  if (!data.ok()) return data.status();
  if (!data->has_dot_product()) return OtherStudy(kName);
  return std::move(*data->mutable_dot_product());
}

absl::StatusOr<TrickSet> LoadTrickSet() {
  constexpr absl::string_view kName = "tricks";
  absl::StatusOr<StudyData> data = LoadStudyData(kName);
  if (!data.ok()) return data.status();
  if (!data->has_tricks()) return OtherStudy(kName);
  return std::move(*data->mutable_tricks());
}

absl::StatusOr<ScalingLaws> LoadScalingLaws() {
  constexpr absl::string_view kName = "scaling-laws";
  absl::StatusOr<StudyData> data = LoadStudyData(kName);
  if (!data.ok()) return data.status();
  if (!data->has_scaling_laws()) return OtherStudy(kName);
  return std::move(*data->mutable_scaling_laws());
}

absl::StatusOr<AnalogDepth> LoadAnalogDepth() {
  constexpr absl::string_view kName = "analog-depth";
  absl::StatusOr<StudyData> data = LoadStudyData(kName);
  if (!data.ok()) return data.status();
  if (!data->has_analog_depth()) return OtherStudy(kName);
  return std::move(*data->mutable_analog_depth());
}

}  // namespace tokenjoule
