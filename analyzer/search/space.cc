#include "analyzer/search/space.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/textproto.h"
#include "analyzer/description/validate.h"
#include "analyzer/evaluate/analyze.h"
#include "google/protobuf/text_format.h"
#include "proto/report.pb.h"

namespace tokenjoule {
namespace {

constexpr int kMostChoices = 1'000'000;

// A step's value: digits beyond these are of the arithmetic, not of the step.
std::string Number(double value) { return absl::StrFormat("%.12g", value); }

// Value `i` of steps, with ends that are exact.
double StepAt(const Steps& steps, bool logarithmic, size_t i) {
  const size_t last = steps.count() - 1;
  if (i == 0) return steps.from();
  if (i == last) return steps.to();
  const double share = static_cast<double>(i) / static_cast<double>(last);
  return logarithmic ? steps.from() * std::pow(steps.to() / steps.from(), share)
                     : steps.from() + (steps.to() - steps.from()) * share;
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

// Appends faults of a space, each with the path of what it is about.
class SpaceReader {
 public:
  // `evolves` is whether axes may be continuous.
  SpaceReader(absl::string_view file, bool evolves, std::vector<Fault>* faults)
      : file_(file), evolves_(evolves), faults_(faults) {}

  void AddFault(std::string path, std::string message) {
    Fault fault;
    fault.file = std::string(file_);
    fault.path = std::move(path);
    fault.message = std::move(message);
    faults_->push_back(std::move(fault));
  }

  SpaceAxis ReadAxis(const Axis& axis, int index) {
    const std::string path = absl::StrCat("axis[", index, "]");
    SpaceAxis out;
    out.fields.push_back(ReadValues(axis, path));
    if (axis.value_size() > kMostChoices) {
      AddFault(path, absl::StrCat("has ", out.size(), " values; at most ",
                                  kMostChoices));
    }
    for (int i = 0; i < axis.tied_size(); ++i) {
      out.fields.push_back(ReadTied(axis, axis.tied(i), out,
                                    absl::StrCat(path, ".tied[", i, "]")));
    }
    return out;
  }

  void CheckMetric(const std::string& metric, const std::string& path) {
    std::vector<std::string> names;
    for (int i = 0; i < SweepFigures::descriptor()->field_count(); ++i) {
      names.emplace_back(SweepFigures::descriptor()->field(i)->name());
    }
    for (const std::string& name : names) {
      if (name == metric) return;
    }
    AddFault(path, UnknownNameMessage("metric", metric, names, ""));
  }

 private:
  // The axis' own values; none where they cannot be read.
  FieldValues ReadValues(const Axis& axis, const std::string& path) {
    const int kinds =
        (axis.value_size() > 0) + axis.has_linear() + axis.has_logarithmic();
    if (kinds != 1) {
      AddFault(path, kinds == 0
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
          path,
          "its steps have no count; give one, or let the space be searched "
          "by `evolution`, which takes continuous axes");
      return {axis.path(), {}};
    }
    if (axis.has_logarithmic() && !(steps.from() > 0 && steps.to() > 0)) {
      AddFault(path + ".logarithmic", "equal factors need ends above 0");
      return {axis.path(), {}};
    }
    return {axis.path(), Counted(steps), axis.has_logarithmic(), 1};
  }

  static Steps Counted(Steps steps) {
    if (steps.count() == 0) steps.set_count(kContinuousChoices);
    return steps;
  }

  FieldValues ReadTied(const Axis& axis, const Tied& tied, const SpaceAxis& own,
                       const std::string& path) {
    if (tied.factor() == 0) {
      if (static_cast<size_t>(tied.value_size()) != own.size()) {
        AddFault(path,
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
              tied.factor()};
    }
    std::vector<std::string> values;
    for (size_t i = 0; i < own.size(); ++i) {
      double value = 0;
      const std::string text = own.fields[0].At(i);
      if (!absl::SimpleAtod(text, &value)) {
        AddFault(path, absl::StrCat("a factor of \"", Printable(text),
                                    "\", which is no number"));
        break;
      }
      values.push_back(Number(value * tied.factor()));
    }
    return {tied.path(), std::move(values)};
  }

  const absl::string_view file_;
  const bool evolves_;
  std::vector<Fault>* const faults_;
};

// Each field has one writer; what answers are counted in is the same for all.
void CheckPaths(const Space& space, SpaceReader* reader) {
  std::set<std::string> seen;
  for (size_t i = 0; i < space.axes.size(); ++i) {
    const std::string axis = absl::StrCat("axis[", i, "]");
    for (const FieldValues& field : space.axes[i].fields) {
      if (!seen.insert(field.path()).second) {
        reader->AddFault(axis, absl::StrCat(Printable(field.path()),
                                            " is set twice at a point"));
      }
      for (const char* fixed :
           {"scenario.boundary", "scenario.ideal", "scenario.model",
            "scenario.hardware", "scenario.set", "scenario.expect"}) {
        if (absl::StartsWith(field.path(), fixed)) {
          reader->AddFault(
              axis, absl::StrCat(Printable(field.path()),
                                 " cannot vary: points are compared in it"));
        }
      }
    }
  }
}

void CheckObjectives(const DesignSpace& description, SpaceReader* reader) {
  for (int i = 0; i < description.objective_size(); ++i) {
    reader->CheckMetric(description.objective(i).metric(),
                        absl::StrCat("objective[", i, "].metric"));
  }
  for (int i = 0; i < description.objective_size(); ++i) {
    if (description.objective(i).metric() == "snr_db") {
      reader->AddFault(absl::StrCat("objective[", i, "].metric"),
                       "snr_db is for limits alone");
    }
  }
  if (description.objective_size() > 5) {
    reader->AddFault("objective", absl::StrCat(description.objective_size(),
                                               " objectives; at most 5"));
  }
  for (int i = 0; i < description.limit_size(); ++i) {
    const Limit& limit = description.limit(i);
    const std::string path = absl::StrCat("limit[", i, "]");
    reader->CheckMetric(limit.metric(), path + ".metric");
    if (!limit.has_min() && !limit.has_max()) {
      reader->AddFault(path, "limits nothing; give `min` or `max`");
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
  scenario.clear_set();
  scenario.clear_expect();
  return scenario;
}

// Where a space names a figure that only machines with `silicon` have, and the
// figure; empty where it names none.
struct PricedFigure {
  std::string path, metric;
};

PricedFigure FirstPriced(const DesignSpace& description) {
  const auto priced = [](const std::string& metric) {
    return metric == "area_mm2" || metric == "cost_usd";
  };
  for (int i = 0; i < description.objective_size(); ++i) {
    const std::string& metric = description.objective(i).metric();
    if (priced(metric)) return {absl::StrCat("objective[", i, "]"), metric};
  }
  for (int i = 0; i < description.limit_size(); ++i) {
    const std::string& metric = description.limit(i).metric();
    if (priced(metric)) return {absl::StrCat("limit[", i, "]"), metric};
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

// Each value of each axis by itself, the others at their first: a slip of unit
// or a misspelt field is found before the search. Of steps the ends do; a
// continuous axis must take what is between as well.
void CheckValues(const Space& space, SpaceReader* reader) {
  const PricedFigure priced = FirstPriced(space.description);
  for (size_t i = 0; i < space.axes.size(); ++i) {
    const Axis& axis = space.description.axis(static_cast<int>(i));
    Choices choices(space.axes.size(), 0);
    const size_t size = space.axes[i].size();
    for (size_t k = 0; k < size; ++k) {
      if (HasSteps(axis) && k > 0 && k + 1 < size &&
          !(IsContinuous(axis) && k == 1)) {
        continue;
      }
      choices[i] = static_cast<uint32_t>(k);
      const absl::StatusOr<Setup> setup = SetupAt(space, choices);
      absl::Status status = setup.status();
      if (status.ok()) status = CheckPriced(priced, setup->hardware);
      if (status.ok()) {
        // What does not go together at a point makes that point invalid and no
        // more; a field by itself is a slip.
        std::vector<Fault> own;
        ValidateFields(setup->scenario, {"scenario", nullptr, true}, &own);
        status = FaultsToStatus(own);
      }
      if (status.ok()) continue;
      reader->AddFault(
          absl::StrCat("axis[", i, "]"),
          absl::StrCat("\"", Printable(space.axes[i].fields[0].At(k)),
                       "\": ", status.message()));
      // The first values are at fault everywhere: once is enough.
      if (i == 0 && k == 0) return;
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
    google::protobuf::TextFormat::PrintFieldValueToString(message, field, -1,
                                                          &value);
    absl::StrAppend(command, " --set=", prefix, field->name(), "=",
                    absl::StrReplaceAll(value, {{"\"", ""}}));
  }
}

// Faults of how the space is searched.
void CheckEvolution(const DesignSpace& description, SpaceReader* reader) {
  if (!description.has_evolution()) return;
  if (description.has_sample()) {
    reader->AddFault("evolution", "stands beside a `sample`; give one of them");
  }
  if (description.evolution().population() % 4 != 0) {
    reader->AddFault("evolution.population",
                     absl::StrCat(description.evolution().population(),
                                  " is no multiple of 4"));
  }
}

}  // namespace

FieldValues::FieldValues(std::string path, std::vector<std::string> values)
    : path_(std::move(path)),
      size_(values.size()),
      values_(std::move(values)) {}

FieldValues::FieldValues(std::string path, const Steps& steps, bool logarithmic,
                         double factor)
    : path_(std::move(path)),
      size_(steps.count()),
      steps_(steps),
      logarithmic_(logarithmic),
      factor_(factor) {}

std::string FieldValues::At(size_t choice) const {
  if (!values_.empty()) return values_[choice];
  const std::string step = Number(StepAt(steps_, logarithmic_, choice));
  if (factor_ == 1) return step;
  double value = 0;
  (void)absl::SimpleAtod(step, &value);
  return Number(value * factor_);
}

bool FieldValues::IsNumeric() const {
  double value;
  return std::all_of(
      values_.begin(), values_.end(),
      [&](const std::string& text) { return absl::SimpleAtod(text, &value); });
}

double FieldValues::NumberAt(size_t choice) const {
  double value = 0;
  (void)absl::SimpleAtod(At(choice), &value);
  return value;
}

absl::StatusOr<Space> ParseSpace(absl::string_view text,
                                 absl::string_view file) {
  Space space;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  ParseTextproto(text, file, &space.description, &locations, &faults);
  // A scenario is not whole before its axes are set; the rest is asked for
  // below.
  ValidateFields(space.description, {file, locations.get(), /*complete=*/false},
                 &faults);
  if (!faults.empty()) return FaultsToStatus(faults);

  const bool evolves = space.description.has_evolution();
  SpaceReader reader(file, evolves, &faults);
  if (space.description.axis().empty()) {
    reader.AddFault("axis", "is missing: nothing varies");
  }
  if (space.description.objective().empty()) {
    reader.AddFault("objective", "is missing: nothing is wanted");
  }
  double points = 1;
  for (int i = 0; i < space.description.axis_size(); ++i) {
    space.axes.push_back(reader.ReadAxis(space.description.axis(i), i));
    points *= static_cast<double>(space.axes.back().size());
  }
  CheckObjectives(space.description, &reader);
  CheckPaths(space, &reader);
  CheckEvolution(space.description, &reader);
  const bool numbered = points <= static_cast<double>(kMostPoints);
  if (!numbered && !evolves) {
    reader.AddFault(
        "axis", absl::StrFormat("%.3g points; at most %d, or let the space be "
                                "searched by `evolution`",
                                points, kMostPoints));
  }
  if (faults.empty()) CheckValues(space, &reader);
  if (!faults.empty()) return FaultsToStatus(faults);
  space.points = numbered ? static_cast<uint64_t>(points) : 0;
  return space;
}

absl::StatusOr<Space> LoadSpace(absl::string_view name) {
  absl::StatusOr<NamedText> found = ReadSpaceText(name);
  if (!found.ok()) return found.status();
  return ParseSpace(found->text, found->file);
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
  Scenario scenario = DefaultScenario();
  scenario.MergeFrom(OperatingPoint(space.description.scenario()));
  for (const FieldOverride& change : settings->changes.scenario) {
    const absl::Status status =
        SetField(&scenario, change.path, change.value, "");
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "scenario.", Printable(change.path), ": ", status.message()));
    }
  }
  return WithContext(scenario);
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
      absl::StrCat("tokenjoule analyze --model=", settings->model,
                   " --hardware=", settings->hardware);
  AddFields(OperatingPoint(space.description.scenario()), "scenario.",
            &command);
  const auto add = [&](const char* root,
                       const std::vector<FieldOverride>& changes) {
    for (const FieldOverride& change : changes) {
      absl::StrAppend(&command, " --set=", root, ".", change.path, "=",
                      change.value);
    }
  };
  add("model", settings->changes.model);
  add("hardware", settings->changes.hardware);
  add("scenario", settings->changes.scenario);
  return command;
}

}  // namespace tokenjoule
