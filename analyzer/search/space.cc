#include "analyzer/search/space.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "analyzer/base/shell.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/counts.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/textproto.h"
#include "analyzer/description/validate.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/quality/scaling_laws.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "proto/report.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

constexpr int kMostChoices = 1'000'000;

// A step's value: digits beyond these are of the arithmetic, not of the step.
std::string Number(double value) { return absl::StrFormat("%.12g", value); }

// The nearest multiple, halves up; the value itself where `multiple` is 0.
double Rounded(double value, double multiple) {
  if (multiple == 0) return value;
  return multiple * std::floor(value / multiple + 0.5);
}

// Value `i` of steps, with ends that are exact.
double StepAt(const Steps& steps, bool logarithmic, size_t i) {
  const size_t last = steps.count() - 1;
  if (i == 0) return steps.from();
  if (i == last) return steps.to();
  const double share = static_cast<double>(i) / static_cast<double>(last);
  return logarithmic ? steps.from() * std::pow(steps.to() / steps.from(), share)
                     : steps.from() + (steps.to() - steps.from()) * share;
}

// A field of the runtime as the field of the machine that it is.
std::string CanonicalPath(const std::string& path) {
  const bool of_runtime =
      path == kRuntimePath ||
      absl::StartsWith(path, absl::StrCat(kRuntimePath, "."));
  return of_runtime ? absl::StrCat("hardware.", path) : path;
}

// The steps of an axis that has them.
const Steps& StepsOf(const Axis& axis) {
  return axis.has_linear() ? axis.linear() : axis.logarithmic();
}

bool HasSteps(const Axis& axis) {
  return axis.has_linear() || axis.has_logarithmic();
}

// Whether the axis' steps have ends and no count.
bool IsContinuous(const Axis& axis) {
  return HasSteps(axis) && StepsOf(axis).count() == 0;
}

// What a fault is about: the path of a field and where that stands in the file,
// 1-based; 0 where it is not known.
struct Place {
  std::string path;
  int line = 0;
  int column = 0;
};

// "axis[scenario.batch]": an axis is called by the field that it sets, since
// its number tells a reader of the file little; by its number where it sets
// none. A tied field likewise.
std::string CalledBy(absl::string_view list, absl::string_view path,
                     int index) {
  return absl::StrCat(
      list, "[", path.empty() ? absl::StrCat(index) : Printable(path), "]");
}

// The places of a space's fields.
class Places {
 public:
  // Both must outlive this.
  Places(const DesignSpace& space, const FieldLocations& root)
      : space_(space), root_(root) {}

  // A field of the space; entry `index` of a list.
  Place Of(const char* name, int index = -1) const {
    return At(
        &root_, space_, name, index,
        index < 0 ? std::string(name) : absl::StrCat(name, "[", index, "]"));
  }

  // A field of such an entry, or of a group where `index` is -1.
  Place Below(const char* name, int index, const char* field) const {
    Place place = Of(name, index);
    absl::StrAppend(&place.path, ".", field);
    const FieldLocations* tree = Nested(&root_, space_, name, index);
    const FieldDescriptor* group =
        space_.GetDescriptor()->FindFieldByName(name);
    Locate(tree, group->message_type()->FindFieldByName(field), -1, &place);
    return place;
  }

  Place OfAxis(int axis) const {
    return At(&root_, space_, "axis", axis,
              CalledBy("axis", space_.axis(axis).path(), axis));
  }

  // A value of an axis that lists them, else the axis.
  Place OfValue(int axis, int value) const {
    Place place = OfAxis(axis);
    Locate(Nested(&root_, space_, "axis", axis),
           Axis::descriptor()->FindFieldByName("value"), value, &place);
    return place;
  }

  // A field of an axis: its own is 0, tied ones follow.
  Place OfField(int axis, int field) const {
    if (field == 0) return OfAxis(axis);
    const Axis& owner = space_.axis(axis);
    return At(Nested(&root_, space_, "axis", axis), owner, "tied", field - 1,
              absl::StrCat(
                  OfAxis(axis).path, ".",
                  CalledBy("tied", owner.tied(field - 1).path(), field - 1)));
  }

  // A path that begins with "axis[2]", with the axis called by its field.
  std::string Called(absl::string_view path) const {
    for (int i = 0; i < space_.axis_size(); ++i) {
      absl::string_view rest = path;
      if (absl::ConsumePrefix(&rest, absl::StrCat("axis[", i, "]"))) {
        return absl::StrCat(OfAxis(i).path, rest);
      }
    }
    return std::string(path);
  }

 private:
  static void Locate(const FieldLocations* tree, const FieldDescriptor* field,
                     int index, Place* place) {
    if (tree == nullptr || field == nullptr) return;
    // A list as a whole is where its first entry is.
    if (field->is_repeated() && index < 0) index = 0;
    const auto location = tree->GetLocation(field, index);
    if (location.line < 0) return;
    place->line = location.line + 1;
    place->column = location.column + 1;
  }

  static Place At(const FieldLocations* tree, const Message& message,
                  const char* name, int index, std::string path) {
    Place place;
    place.path = std::move(path);
    Locate(tree, message.GetDescriptor()->FindFieldByName(name), index, &place);
    return place;
  }

  static const FieldLocations* Nested(const FieldLocations* tree,
                                      const Message& message, const char* name,
                                      int index) {
    return tree->GetTreeForNested(
        message.GetDescriptor()->FindFieldByName(name), index);
  }

  const DesignSpace& space_;
  const FieldLocations& root_;
};

// Appends faults of a space, each with the place of what it is about.
class SpaceReader {
 public:
  // `evolves` is whether axes may be continuous.
  SpaceReader(absl::string_view file, const Places& places, bool evolves,
              std::vector<Fault>* faults)
      : file_(file), places_(places), evolves_(evolves), faults_(faults) {}

  const Places& places() const { return places_; }

  void AddFault(const Place& place, std::string message) {
    faults_->push_back({std::string(file_), place.line, place.column,
                        place.path, std::move(message)});
  }

  // A fault of a flag.
  void AddSetFault(std::string message) {
    faults_->push_back({"--set", 0, 0, "", std::move(message)});
  }

  SpaceAxis ReadAxis(const Axis& axis, int index) {
    const Place place = places_.OfAxis(index);
    SpaceAxis out;
    out.fields.push_back(ReadValues(axis, place));
    if (axis.value_size() > kMostChoices) {
      AddFault(place, absl::StrCat("has ", out.size(), " values; at most ",
                                   kMostChoices));
    }
    for (int i = 0; i < axis.tied_size(); ++i) {
      out.fields.push_back(
          ReadTied(axis, axis.tied(i), out, places_.OfField(index, i + 1)));
    }
    return out;
  }

  void CheckMetric(const std::string& metric, const Place& place) {
    std::vector<std::string> names;
    for (int i = 0; i < SweepFigures::descriptor()->field_count(); ++i) {
      names.emplace_back(SweepFigures::descriptor()->field(i)->name());
    }
    for (const std::string& name : names) {
      if (name == metric) return;
    }
    AddFault(place, UnknownNameMessage("metric", metric, names, ""));
  }

 private:
  // The axis' own values; none where they cannot be read.
  FieldValues ReadValues(const Axis& axis, const Place& place) {
    const int kinds =
        (axis.value_size() > 0) + axis.has_linear() + axis.has_logarithmic();
    if (kinds != 1) {
      AddFault(place, kinds == 0
                          ? "has no values; give `value`s, `linear` or "
                            "`logarithmic`"
                          : "has values of two kinds; give one of `value`, "
                            "`linear`, `logarithmic`");
      return {axis.path(), {}};
    }
    if (axis.value_size() > 0) {
      return {axis.path(), {axis.value().begin(), axis.value().end()}};
    }
    const Steps& steps = StepsOf(axis);
    if (IsContinuous(axis) && !evolves_) {
      AddFault(
          place,
          "its steps have no count; give one, or let the space be searched "
          "by `evolution`, which takes continuous axes");
      return {axis.path(), {}};
    }
    if (axis.has_logarithmic() && !(steps.from() > 0 && steps.to() > 0)) {
      AddFault(place, "logarithmic: equal factors need ends above 0");
      return {axis.path(), {}};
    }
    return {axis.path(), Counted(steps), axis.has_logarithmic(), 1, 0};
  }

  static Steps Counted(Steps steps) {
    if (steps.count() == 0) steps.set_count(kContinuousChoices);
    return steps;
  }

  FieldValues ReadTied(const Axis& axis, const Tied& tied, const SpaceAxis& own,
                       const Place& place) {
    if (tied.factor() == 0) {
      if (tied.multiple_of() != 0) {
        AddFault(place, "multiple_of rounds a product; give a factor");
      }
      if (static_cast<size_t>(tied.value_size()) != own.size()) {
        AddFault(place,
                 IsContinuous(axis)
                     ? std::string("has values, and the axis is continuous; "
                                   "give a factor")
                     : absl::StrCat("has ", tied.value_size(),
                                    " values for the axis' ", own.size()));
      }
      return {tied.path(), {tied.value().begin(), tied.value().end()}};
    }
    if (own.size() > 0 && HasSteps(axis)) {
      return {tied.path(), Counted(StepsOf(axis)), axis.has_logarithmic(),
              tied.factor(), tied.multiple_of()};
    }
    std::vector<std::string> values;
    for (size_t i = 0; i < own.size(); ++i) {
      double value = 0;
      const std::string text = own.fields[0].At(i);
      if (!ParseNumber(text, &value)) {
        AddFault(place, absl::StrCat("a factor of \"", Printable(text),
                                     "\", which is not a number"));
        break;
      }
      values.push_back(
          Number(Rounded(value * tied.factor(), tied.multiple_of())));
    }
    return {tied.path(), std::move(values)};
  }

  const absl::string_view file_;
  const Places& places_;
  const bool evolves_;
  std::vector<Fault>* const faults_;
};

// The fields of model, machine and scenario at the first values of a space, by which
// spellings of one field are known as such.
class Spellings {
 public:
  explicit Spellings(const Space& space) : scenario_(DefaultScenario()) {
    const Choices first(space.axes.size(), 0);
    for (const SpaceAxis& axis : space.axes) {
      // What has no value has faults of its own.
      if (axis.size() == 0) return;
    }
    absl::StatusOr<Model> model = ModelAt(space, first);
    if (model.ok()) model_ = *std::move(model);
    absl::StatusOr<Hardware> hardware = HardwareAt(space, first);
    if (hardware.ok()) hardware_ = *std::move(hardware);
  }

  // The path itself where it leads to no field that is known.
  std::string Of(const std::string& path) const {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(path, absl::MaxSplits('.', 1));
    const auto& [root, below] = halves;
    const Message* const message =
        root == "model"      ? static_cast<const Message*>(&model_)
        : root == "hardware" ? static_cast<const Message*>(&hardware_)
        : root == "scenario" ? static_cast<const Message*>(&scenario_)
                             : nullptr;
    if (message == nullptr) return path;
    const std::string canonical = CanonicalFieldPath(*message, below);
    return canonical.empty() ? path : absl::StrCat(root, ".", canonical);
  }

 private:
  Model model_;
  Hardware hardware_;
  Scenario scenario_;
};

// Each field has one writer, however it is spelt; what answers are counted in is the
// same for all.
void CheckPaths(const Space& space, absl::Span<const std::string> changes,
                SpaceReader* reader) {
  const Spellings spellings(space);
  // The first spelling of each field.
  std::map<std::string, std::string> seen;
  for (size_t i = 0; i < space.axes.size(); ++i) {
    for (size_t f = 0; f < space.axes[i].fields.size(); ++f) {
      const FieldValues& field = space.axes[i].fields[f];
      const Place place =
          reader->places().OfField(static_cast<int>(i), static_cast<int>(f));
      const auto [first, is_new] =
          seen.emplace(spellings.Of(field.path()), field.path());
      if (!is_new) {
        reader->AddFault(
            place,
            absl::StrCat(Printable(field.path()), " is set twice at a point",
                         first->second == field.path()
                             ? ""
                             : absl::StrCat(": it is ",
                                            Printable(first->second))));
      }
      for (const char* fixed :
           {"scenario.boundary", "scenario.ideal", "scenario.model",
            "scenario.hardware", "scenario.runtime", "scenario.set",
            "scenario.expect"}) {
        if (absl::StartsWith(field.path(), fixed)) {
          reader->AddFault(
              place, absl::StrCat(Printable(field.path()),
                                  " cannot vary: points are compared in it"));
        }
      }
    }
  }
  for (const std::string& change : changes) {
    const std::string path =
        CanonicalPath(change.substr(0, change.find('=')));
    const auto found = seen.find(spellings.Of(path));
    if (found == seen.end()) continue;
    reader->AddSetFault(absl::StrCat(Printable(path), " is set by the axis ",
                                     Printable(found->second)));
  }
}

// Whether points have what a figure of quality is computed from.
bool HasQuality(const DesignSpace& description, const std::string& metric) {
  const auto is_set = [&](absl::string_view path) {
    for (const Axis& axis : description.axis()) {
      if (absl::StartsWith(axis.path(), path)) return true;
      for (const Tied& tied : axis.tied()) {
        if (absl::StartsWith(tied.path(), path)) return true;
      }
    }
    for (const std::string& set : description.scenario().set()) {
      if (absl::StartsWith(set, path)) return true;
    }
    return false;
  };
  const Scenario& scenario = description.scenario();
  if (metric == "loss") {
    return scenario.quality().training_tokens() > 0 ||
           is_set("scenario.quality.training_tokens");
  }
  if (metric == "effective_parameters") {
    return scenario.has_quality() || is_set("scenario.quality.");
  }
  return true;
}

// A figure that there is, and that these points have.
void CheckFigure(const DesignSpace& description, const std::string& metric,
                 const Place& place, SpaceReader* reader) {
  reader->CheckMetric(metric, place);
  if (HasQuality(description, metric)) return;
  reader->AddFault(
      place,
      absl::StrCat(metric, metric == "loss"
                               ? " needs scenario.quality.training_tokens"
                               : " needs scenario.quality"));
}

void CheckObjectives(const DesignSpace& description, SpaceReader* reader) {
  const Places& places = reader->places();
  for (int i = 0; i < description.objective_size(); ++i) {
    const Place place = places.Below("objective", i, "metric");
    CheckFigure(description, description.objective(i).metric(), place, reader);
    if (description.objective(i).metric() == "snr_db") {
      reader->AddFault(place, "snr_db is for limits alone");
    }
  }
  if (description.objective_size() > 5) {
    reader->AddFault(
        places.Of("objective"),
        absl::StrCat(description.objective_size(), " objectives; at most 5"));
  }
  for (int i = 0; i < description.limit_size(); ++i) {
    const Limit& limit = description.limit(i);
    CheckFigure(description, limit.metric(), places.Below("limit", i, "metric"),
                reader);
    if (!limit.has_min() && !limit.has_max()) {
      reader->AddFault(places.Of("limit", i),
                       "limits nothing; give `min` or `max`");
    }
  }
}

// Everything that is set at a choice.
struct Settings {
  std::string model, hardware;
  Overrides changes;

  absl::Status Set(const std::string& path, const std::string& value) {
    if (path == "model") {
      model = value;
    } else if (path == "hardware") {
      hardware = value;
    } else {
      const absl::Status status = changes.Add(path, value);
      if (!status.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat(Printable(path), ": ", status.message()));
      }
    }
    return absl::OkStatus();
  }
};

absl::StatusOr<Settings> SettingsAt(const Space& space,
                                    const Choices& choices) {
  const Scenario& scenario = space.description.scenario();
  Settings settings;
  settings.model = scenario.model();
  settings.hardware = scenario.hardware();
  if (!scenario.runtime().empty()) {
    settings.changes.hardware.push_back(
        {std::string(kRuntimePath), scenario.runtime()});
  }
  absl::Status status;
  for (const std::string& set : scenario.set()) {
    const absl::Status added = settings.changes.AddAssignment(set);
    if (!added.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("set: ", added.message()));
    }
  }
  for (size_t i = 0; i < space.axes.size(); ++i) {
    for (const FieldValues& field : space.axes[i].fields) {
      const std::string value = field.At(choices[i]);
      if (!value.empty()) status.Update(settings.Set(field.path(), value));
    }
  }
  if (!status.ok()) return status;
  return settings;
}

// How a model is run, without what a scenario's file says besides.
Scenario OperatingPoint(Scenario scenario) {
  scenario.clear_model();
  scenario.clear_hardware();
  scenario.clear_runtime();
  scenario.clear_set();
  scenario.clear_expect();
  return scenario;
}

// The scenario of a space with changes of its fields.
absl::StatusOr<Scenario> ChangedScenario(
    const Scenario& described, const std::vector<FieldOverride>& changes) {
  Scenario scenario = DefaultScenario();
  scenario.MergeFrom(OperatingPoint(described));
  for (const FieldOverride& change : changes) {
    const absl::Status status =
        SetField(&scenario, change.path, change.value, "");
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "scenario.", Printable(change.path), ": ", status.message()));
    }
  }
  return WithContext(scenario);
}

// Faults of a scenario's fields by themselves. What does not go together at a
// point makes that point invalid and no more; a field by itself is a slip.
absl::Status CheckScenarioFields(const Scenario& scenario) {
  std::vector<Fault> own;
  ValidateFields(scenario, {"scenario", nullptr, true}, &own);
  return own.empty() ? CheckQuality(scenario) : FaultsToStatus(own);
}

// Where a space names a figure that only machines with `silicon` have, and the
// figure; empty where it names none.
struct PricedFigure {
  const char* list = "";
  int index = 0;
  std::string path, metric;
};

PricedFigure FirstPriced(const DesignSpace& description) {
  const auto priced = [](const std::string& metric) {
    return metric == "area_mm2" || metric == "cost_usd";
  };
  for (int i = 0; i < description.objective_size(); ++i) {
    const std::string& metric = description.objective(i).metric();
    if (priced(metric)) {
      return {"objective", i, absl::StrCat("objective[", i, "]"), metric};
    }
  }
  for (int i = 0; i < description.limit_size(); ++i) {
    const std::string& metric = description.limit(i).metric();
    if (priced(metric)) {
      return {"limit", i, absl::StrCat("limit[", i, "]"), metric};
    }
  }
  return {};
}

// The machine's figures may be compared: one without `silicon` is not free.
absl::Status CheckPriced(const PricedFigure& figure, const Hardware& hardware) {
  if (figure.path.empty() || hardware.has_silicon()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      Printable(hardware.name()), " has no `silicon`, which ", figure.path,
      " needs for ", figure.metric,
      "; describe it, or take a machine that has it (`tokenjoule explain "
      "cost_usd --hardware=hbm4-asic`)"));
}

// Whether all that is wrong with the model at a choice is that its fields do
// not go together (heads that KV heads do not divide): with other choices they
// may.
bool OnlyDoesNotGoTogether(const Space& space, const Choices& choices) {
  const absl::StatusOr<Settings> settings = SettingsAt(space, choices);
  return settings.ok() &&
         !LoadModel(settings->model, settings->changes.model).ok() &&
         CheckModelFields(settings->model, settings->changes.model).ok();
}

// What is wrong with model, machine and scenario at a choice.
absl::Status StatusAt(const Space& space, const Choices& choices,
                      const PricedFigure& priced) {
  const absl::StatusOr<Setup> setup = SetupAt(space, choices);
  if (!setup.ok()) return setup.status();
  const absl::Status status = CheckPriced(priced, setup->hardware);
  return status.ok() ? CheckScenarioFields(setup->scenario) : status;
}

// Appends what is wrong with a value of a field, a fault a line. A message that
// names the field again is rid of that, and the value is said where the message
// does not.
void AddValueFaults(const Place& place, const std::string& path,
                    const std::string& value, const absl::Status& status,
                    SpaceReader* reader) {
  for (absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    absl::ConsumePrefix(&line, "--set: ");
    absl::ConsumePrefix(&line, absl::StrCat(Printable(path), ": "));
    reader->AddFault(place,
                     absl::StartsWith(line, "unknown ")
                         ? std::string(line)
                         : absl::StrCat("\"", Printable(value), "\": ", line));
  }
}

// A value of one field, alone on what the points share. OK where what they
// share is at fault itself.
absl::Status TryAlone(const Space& space, const Settings& shared,
                      const std::string& path, const std::string& value) {
  if (path == "model") return LoadModel(value).status();
  if (path == "hardware") return LoadHardware(value).status();
  Settings alone = shared;
  const absl::Status status = alone.Set(path, value);
  if (!status.ok()) return status;
  if (absl::StartsWith(path, "model.")) {
    return LoadModel(shared.model, shared.changes.model).ok()
               ? LoadModel(alone.model, alone.changes.model).status()
               : absl::OkStatus();
  }
  if (absl::StartsWith(path, "hardware.")) {
    return LoadHardware(shared.hardware, shared.changes.hardware).ok()
               ? LoadHardware(alone.hardware, alone.changes.hardware).status()
               : absl::OkStatus();
  }
  const Scenario& described = space.description.scenario();
  if (!ChangedScenario(described, shared.changes.scenario).ok()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<Scenario> scenario =
      ChangedScenario(described, alone.changes.scenario);
  if (!scenario.ok()) return scenario.status();
  const absl::Status fields = CheckScenarioFields(*scenario);
  return fields.ok() ? LoadDraft(*scenario).status() : fields;
}

// Says which axes are at fault where the first values of all of them fail, each
// tried alone; where each is fine alone, that they do not go together.
void BlameFirstValues(const Space& space, const absl::Status& together,
                      const PricedFigure& priced, SpaceReader* reader) {
  const Places& places = reader->places();
  // The space without its axes, but for the model and the machine they name.
  Space bare;
  bare.description = space.description;
  absl::StatusOr<Settings> shared = SettingsAt(bare, {});
  if (!shared.ok()) {
    reader->AddFault(places.Below("scenario", -1, "set"),
                     std::string(shared.status().message()));
    return;
  }
  for (const SpaceAxis& axis : space.axes) {
    for (const FieldValues& field : axis.fields) {
      if (field.path() == "model") shared->model = field.At(0);
      if (field.path() == "hardware") shared->hardware = field.At(0);
    }
  }
  bool found = false;
  for (size_t i = 0; i < space.axes.size(); ++i) {
    for (size_t f = 0; f < space.axes[i].fields.size(); ++f) {
      const FieldValues& field = space.axes[i].fields[f];
      const std::string value = field.At(0);
      if (value.empty()) continue;
      const absl::Status status = TryAlone(space, *shared, field.path(), value);
      if (status.ok()) continue;
      found = true;
      AddValueFaults(places.OfField(static_cast<int>(i), static_cast<int>(f)),
                     field.path(), value, status, reader);
    }
  }
  if (found) return;
  const absl::StatusOr<Setup> setup =
      SetupAt(space, Choices(space.axes.size()));
  if (setup.ok() && !CheckPriced(priced, setup->hardware).ok()) {
    reader->AddFault(places.Of(priced.list, priced.index),
                     std::string(together.message()));
    return;
  }
  // The names may stand in the scenario, which axes change nothing of.
  const bool named =
      LoadModel(shared->model, shared->changes.model).ok() &&
      LoadHardware(shared->hardware, shared->changes.hardware).ok();
  for (const absl::string_view line :
       absl::StrSplit(together.message(), '\n')) {
    reader->AddFault(
        places.Of(named ? "axis" : "scenario"),
        named ? absl::StrCat("the first values do not go together: ", line)
              : std::string(line));
  }
}

// Each value of each axis by itself, the others at their first: a slip of unit
// or a misspelt field is found before the search. Of steps the ends do; a
// continuous axis must take what is between as well.
void CheckValues(const Space& space, SpaceReader* reader) {
  const PricedFigure priced = FirstPriced(space.description);
  const Choices first(space.axes.size(), 0);
  // The first values are at fault everywhere: once is enough.
  const absl::Status together = StatusAt(space, first, priced);
  if (!together.ok()) {
    BlameFirstValues(space, together, priced, reader);
    return;
  }
  for (size_t i = 0; i < space.axes.size(); ++i) {
    const Axis& axis = space.description.axis(static_cast<int>(i));
    Choices choices = first;
    const size_t size = space.axes[i].size();
    for (size_t k = 1; k < size; ++k) {
      if (HasSteps(axis) && k + 1 < size && !(IsContinuous(axis) && k == 1)) {
        continue;
      }
      choices[i] = static_cast<uint32_t>(k);
      const absl::Status status = StatusAt(space, choices, priced);
      if (status.ok() || OnlyDoesNotGoTogether(space, choices)) continue;
      AddValueFaults(
          reader->places().OfValue(static_cast<int>(i), static_cast<int>(k)),
          space.axes[i].path(), space.axes[i].fields[0].At(k), status, reader);
    }
  }
}

// --set flags for every field that is given.
void AddFields(const google::protobuf::Message& message,
               const std::string& prefix, std::string* command) {
  const auto* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->message_type() != nullptr) {
      AddFields(reflection->GetMessage(message, field),
                absl::StrCat(prefix, field->name(), "."), command);
      continue;
    }
    std::string value;
    if (field->cpp_type() ==
        google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      value = reflection->GetString(message, field);
    } else {
      google::protobuf::TextFormat::PrintFieldValueToString(message, field, -1,
                                                            &value);
    }
    absl::StrAppend(command, " ",
                    ShellQuoted(absl::StrCat("--set=", prefix, field->name(),
                                             "=", value)));
  }
}

// Applies one change of what the points share.
absl::Status ChangeShared(const std::string& change, DesignSpace* space) {
  const std::pair<std::string, std::string> halves =
      absl::StrSplit(change, absl::MaxSplits('=', 1));
  const std::string& path = halves.first;
  for (const Axis& axis : space->axis()) {
    bool is_set = axis.path() == path;
    for (const Tied& tied : axis.tied()) is_set |= tied.path() == path;
    if (is_set) {
      return absl::InvalidArgumentError(
          absl::StrCat(Printable(path), " is set by an axis"));
    }
  }
  Scenario* scenario = space->mutable_scenario();
  if (path == "model" || path == "hardware" || path == kRuntimePath) {
    return SetField(scenario, path, halves.second, "");
  }
  absl::string_view field = path;
  if (absl::ConsumePrefix(&field, "scenario.")) {
    return SetField(scenario, field, halves.second, "");
  }
  Overrides known;
  const absl::Status status = known.AddAssignment(change);
  if (status.ok()) scenario->add_set(change);
  return status;
}

// Faults of how the space is searched.
void CheckEvolution(const DesignSpace& description, SpaceReader* reader) {
  if (!description.has_evolution()) return;
  if (description.has_sample()) {
    reader->AddFault(reader->places().Of("evolution"),
                     "stands beside a `sample`; give one of them");
  }
  if (description.evolution().population() % 4 != 0) {
    reader->AddFault(reader->places().Below("evolution", -1, "population"),
                     absl::StrCat(description.evolution().population(),
                                  " is not a multiple of 4"));
  }
}

}  // namespace

FieldValues::FieldValues(const std::string& path,
                         std::vector<std::string> values)
    : path_(CanonicalPath(path)),
      size_(values.size()),
      values_(std::move(values)) {}

FieldValues::FieldValues(const std::string& path, const Steps& steps,
                         bool logarithmic, double factor, double multiple)
    : path_(CanonicalPath(path)),
      size_(steps.count()),
      steps_(steps),
      logarithmic_(logarithmic),
      factor_(factor),
      multiple_(multiple) {}

std::string FieldValues::At(size_t choice) const {
  if (!values_.empty()) return values_[choice];
  // A tied field follows what the axis is set to, rounding included.
  const std::string step = Number(
      Rounded(StepAt(steps_, logarithmic_, choice), steps_.multiple_of()));
  if (factor_ == 1 && multiple_ == 0) return step;
  double value = 0;
  (void)ParseNumber(step, &value);
  return Number(Rounded(value * factor_, multiple_));
}

bool FieldValues::IsNumeric() const {
  double value;
  return std::all_of(
      values_.begin(), values_.end(),
      [&](const std::string& text) { return ParseNumber(text, &value); });
}

double FieldValues::NumberAt(size_t choice) const {
  double value = 0;
  (void)ParseNumber(At(choice), &value);
  return value;
}

absl::StatusOr<Space> ParseSpace(absl::string_view text, absl::string_view file,
                                 absl::Span<const std::string> changes) {
  Space space;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  ParseTextproto(text, file, &space.description, &locations, &faults);
  // A scenario is not whole before its axes are set; the rest is asked for
  // below.
  ValidateFields(space.description, {file, locations.get(), /*complete=*/false},
                 &faults);
  const Places places(space.description, *locations);
  for (Fault& fault : faults) fault.path = places.Called(fault.path);
  for (const std::string& change : changes) {
    const absl::Status status = ChangeShared(change, &space.description);
    if (status.ok()) continue;
    faults.push_back({"--set", 0, 0, "", std::string(status.message())});
  }
  if (!faults.empty()) return FaultsToStatus(faults);

  const bool evolves = space.description.has_evolution();
  SpaceReader reader(file, places, evolves, &faults);
  if (space.description.axis().empty()) {
    reader.AddFault({"axis"}, "is missing: a space needs something that varies");
  }
  if (space.description.objective().empty()) {
    reader.AddFault({"objective"}, "is missing: a search needs an objective");
  }
  double points = 1;
  for (int i = 0; i < space.description.axis_size(); ++i) {
    space.axes.push_back(reader.ReadAxis(space.description.axis(i), i));
    points *= static_cast<double>(space.axes.back().size());
  }
  CheckObjectives(space.description, &reader);
  CheckPaths(space, changes, &reader);
  CheckEvolution(space.description, &reader);
  const bool numbered = points <= static_cast<double>(kMostPoints);
  if (!numbered && !evolves) {
    reader.AddFault({"axis"},
                    absl::StrFormat("%.3g points; at most %d, or let the space "
                                    "be searched by `evolution`",
                                    points, kMostPoints));
  }
  if (faults.empty()) CheckValues(space, &reader);
  if (!faults.empty()) return FaultsToStatus(faults);
  space.points = numbered ? static_cast<uint64_t>(points) : 0;
  return space;
}

absl::StatusOr<Space> LoadSpace(absl::string_view name,
                                absl::Span<const std::string> changes) {
  absl::StatusOr<NamedText> found = ReadSpaceText(name);
  if (!found.ok()) return found.status();
  return ParseSpace(found->text, found->file, changes);
}

Choices ChoicesOf(const Space& space, uint64_t id) {
  Choices choices(space.axes.size());
  for (size_t i = space.axes.size(); i-- > 0;) {
    choices[i] = static_cast<uint32_t>(id % space.axes[i].size());
    id /= space.axes[i].size();
  }
  return choices;
}

uint64_t IdOf(const Space& space, const Choices& choices) {
  uint64_t id = 0;
  for (size_t i = 0; i < space.axes.size(); ++i) {
    id = id * space.axes[i].size() + choices[i];
  }
  return id;
}

absl::StatusOr<Model> ModelAt(const Space& space, const Choices& choices) {
  absl::StatusOr<Settings> settings = SettingsAt(space, choices);
  if (!settings.ok()) return settings.status();
  return LoadModel(settings->model, settings->changes.model);
}

absl::StatusOr<Hardware> HardwareAt(const Space& space,
                                    const Choices& choices) {
  absl::StatusOr<Settings> settings = SettingsAt(space, choices);
  if (!settings.ok()) return settings.status();
  return LoadHardware(settings->hardware, settings->changes.hardware);
}

absl::StatusOr<Scenario> ScenarioAt(const Space& space,
                                    const Choices& choices) {
  absl::StatusOr<Settings> settings = SettingsAt(space, choices);
  if (!settings.ok()) return settings.status();
  return ChangedScenario(space.description.scenario(),
                         settings->changes.scenario);
}

absl::StatusOr<Setup> SetupAt(const Space& space, const Choices& choices) {
  absl::StatusOr<Model> model = ModelAt(space, choices);
  if (!model.ok()) return model.status();
  absl::StatusOr<Hardware> hardware = HardwareAt(space, choices);
  if (!hardware.ok()) return hardware.status();
  absl::StatusOr<Scenario> scenario = ScenarioAt(space, choices);
  if (!scenario.ok()) return scenario.status();
  Setup setup;
  setup.model = *std::move(model);
  setup.hardware = *std::move(hardware);
  setup.scenario = *std::move(scenario);
  absl::StatusOr<absl::optional<Model>> draft = LoadDraft(setup.scenario);
  if (!draft.ok()) return draft.status();
  setup.draft = *std::move(draft);
  return setup;
}

std::string CommandFor(const Space& space, const Choices& choices) {
  absl::StatusOr<Settings> settings = SettingsAt(space, choices);
  if (!settings.ok()) return "";
  std::string command =
      absl::StrCat("tokenjoule analyze ",
                   ShellQuoted(absl::StrCat("--model=", settings->model)), " ",
                   ShellQuoted(absl::StrCat("--hardware=", settings->hardware)));
  AddFields(OperatingPoint(space.description.scenario()), "scenario.",
            &command);
  const auto add = [&](const char* root,
                       const std::vector<FieldOverride>& changes) {
    for (const FieldOverride& change : changes) {
      absl::StrAppend(&command, " ",
                      ShellQuoted(absl::StrCat("--set=", root, ".", change.path,
                                               "=", change.value)));
    }
  };
  add("model", settings->changes.model);
  add("hardware", settings->changes.hardware);
  add("scenario", settings->changes.scenario);
  return command;
}

}  // namespace tokenjoule
