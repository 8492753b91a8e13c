#include "analyzer/study/space.h"

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
#include "analyzer/spec/catalog.h"
#include "analyzer/spec/faults.h"
#include "analyzer/spec/field_path.h"
#include "analyzer/spec/textproto.h"
#include "analyzer/spec/validate.h"
#include "analyzer/study/analyze.h"
#include "google/protobuf/text_format.h"
#include "proto/report.pb.h"

namespace tokenjoule {
namespace {

constexpr size_t kMostChoices = 1'000'000;

// A step's value: digits beyond these are of the arithmetic, not of the step.
std::string Number(double value) { return absl::StrFormat("%.12g", value); }

std::vector<std::string> StepValues(const Steps& steps, bool logarithmic) {
  std::vector<std::string> values;
  for (int i = 0; i < steps.count(); ++i) {
    const double share =
        steps.count() > 1 ? static_cast<double>(i) / (steps.count() - 1) : 0;
    const double value =
        logarithmic ? steps.from() * std::pow(steps.to() / steps.from(), share)
                    : steps.from() + (steps.to() - steps.from()) * share;
    values.push_back(
        Number(i > 0 && i + 1 == steps.count() ? steps.to() : value));
  }
  return values;
}

// Appends faults of a space, each with the path of what it is about.
class SpaceReader {
 public:
  SpaceReader(absl::string_view file, std::vector<Fault>* faults)
      : file_(file), faults_(faults) {}

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
    out.fields.push_back({axis.path(), ValuesOf(axis, path)});
    if (out.size() > kMostChoices) {
      AddFault(path, absl::StrCat("has ", out.size(), " values; at most ",
                                  kMostChoices));
    }
    for (int i = 0; i < axis.tied_size(); ++i) {
      out.fields.push_back(
          ReadTied(axis.tied(i), out, absl::StrCat(path, ".tied[", i, "]")));
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
  std::vector<std::string> ValuesOf(const Axis& axis, const std::string& path) {
    const int kinds =
        (axis.value_size() > 0) + axis.has_linear() + axis.has_logarithmic();
    if (kinds != 1) {
      AddFault(path, kinds == 0
                         ? "has no values; give `value`s, `linear` or "
                           "`logarithmic`"
                         : "has values of two kinds; give one of `value`, "
                           "`linear`, `logarithmic`");
      return {};
    }
    if (axis.value_size() == 0 &&
        (axis.has_linear() ? axis.linear() : axis.logarithmic()).count() < 1) {
      AddFault(path, "its steps have no count");
      return {};
    }
    if (axis.has_linear()) return StepValues(axis.linear(), false);
    if (axis.has_logarithmic()) {
      const Steps& steps = axis.logarithmic();
      if (!(steps.from() > 0 && steps.to() > 0)) {
        AddFault(path + ".logarithmic", "equal factors need ends above 0");
        return {};
      }
      return StepValues(steps, true);
    }
    return {axis.value().begin(), axis.value().end()};
  }

  FieldValues ReadTied(const Tied& tied, const SpaceAxis& axis,
                       const std::string& path) {
    FieldValues out = {tied.path(), {tied.value().begin(), tied.value().end()}};
    if (tied.factor() == 0) {
      if (out.values.size() != axis.size()) {
        AddFault(path, absl::StrCat("has ", out.values.size(),
                                    " values for the axis' ", axis.size()));
      }
      return out;
    }
    for (const std::string& text : axis.fields[0].values) {
      double value = 0;
      if (!absl::SimpleAtod(text, &value)) {
        AddFault(path, absl::StrCat("a factor of \"", Printable(text),
                                    "\", which is no number"));
        return out;
      }
      out.values.push_back(Number(value * tied.factor()));
    }
    return out;
  }

  const absl::string_view file_;
  std::vector<Fault>* const faults_;
};

// Each field has one writer; what answers are counted in is the same for all.
void CheckPaths(const Space& space, SpaceReader* reader) {
  std::set<std::string> seen;
  for (size_t i = 0; i < space.axes.size(); ++i) {
    const std::string axis = absl::StrCat("axis[", i, "]");
    for (const FieldValues& field : space.axes[i].fields) {
      if (!seen.insert(field.path).second) {
        reader->AddFault(axis, absl::StrCat(Printable(field.path),
                                            " is set twice at a point"));
      }
      for (const char* fixed :
           {"scenario.boundary", "scenario.ideal", "scenario.model",
            "scenario.hardware", "scenario.set", "scenario.expect"}) {
        if (absl::StartsWith(field.path, fixed)) {
          reader->AddFault(
              axis, absl::StrCat(Printable(field.path),
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
      const std::string& value = field.values[choices[i]];
      if (!value.empty()) status.Update(settings.Set(field.path, value));
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
// or a misspelt field is found before the search. Of steps the ends do.
void CheckValues(const Space& space, SpaceReader* reader) {
  const PricedFigure priced = FirstPriced(space.description);
  bool first_at_fault = false;
  for (size_t i = 0; i < space.axes.size(); ++i) {
    const Axis& axis = space.description.axis(static_cast<int>(i));
    Choices choices(space.axes.size(), 0);
    const size_t size = space.axes[i].size();
    for (size_t k = 0; k < size; ++k) {
      if (axis.value_size() == 0 && k > 0 && k + 1 < size) continue;
      choices[i] = static_cast<uint32_t>(k);
      const absl::StatusOr<Setup> setup = SetupAt(space, choices);
      const absl::Status status =
          setup.ok() ? CheckPriced(priced, setup->hardware) : setup.status();
      if (status.ok()) continue;
      reader->AddFault(
          absl::StrCat("axis[", i, "]"),
          absl::StrCat("\"", Printable(space.axes[i].fields[0].values[k]),
                       "\": ", status.message()));
      first_at_fault = i == 0 && k == 0;
      break;
    }
    // The first values are at fault everywhere: once is enough.
    if (first_at_fault) return;
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

}  // namespace

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

  SpaceReader reader(file, &faults);
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
  if (points > static_cast<double>(kMostPoints)) {
    reader.AddFault("axis", absl::StrFormat("%.3g points; at most %d", points,
                                            kMostPoints));
  }
  if (faults.empty()) CheckValues(space, &reader);
  if (!faults.empty()) return FaultsToStatus(faults);
  space.points = static_cast<uint64_t>(points);
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
