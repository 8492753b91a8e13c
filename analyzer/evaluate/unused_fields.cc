#include "analyzer/evaluate/unused_fields.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/validate.h"
#include "analyzer/evaluate/analyze.h"
#include "google/protobuf/message.h"
#include "proto/constant.pb.h"
#include "proto/options.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// Descriptions that are larger were not written by hand, and would take long.
constexpr size_t kMostBytes = 64 * 1024;

// What the reason why there is no answer begins with.
constexpr char kNoAnswer[] = "no answer: ";

// A use before its model is loaded, which takes time.
struct UseSpec {
  const char* model;
  double batch;
  // May be null.
  void (*change)(Scenario*);
};

// See UsesOfMachines().
constexpr UseSpec kUsesOfMachines[] = {
    {"llama-3.1-8b", 1, nullptr},
    {"llama-3.1-8b", 64,
     [](Scenario* s) {
       s->set_weights("fp8");
       s->set_context(8192);
     }},
    {"llama-3.1-8b", 8,
     [](Scenario* s) {
       s->set_weights("int8");
       s->set_activations("int8");
     }},
    {"llama-3.1-8b", 4,
     [](Scenario* s) {
       s->set_weights("int4");
       s->set_tp(2);
     }},
    {"llama-3.1-8b", 1, [](Scenario* s) { s->set_weights("q4_k"); }},
    {"llama-3.1-8b", 4, [](Scenario* s) { s->set_tp(16); }},
    {"qwen3-30b-a3b", 16,
     [](Scenario* s) {
       s->set_prompt(512);
       s->set_output(512);
     }},
    {"deepseek-v2-lite", 8, [](Scenario* s) { s->set_weights("fp8"); }},
    {"nemotron-h-8b", 32,
     [](Scenario* s) {
       s->set_prompt(512);
       s->set_output(512);
     }},
    // A network of explicit layers, on lanes that its shapes do not fill.
    {"resnet-8", 3, nullptr},
};

Use UseOf(const UseSpec& spec) {
  Use use = {*LoadModel(spec.model), WithContext(DefaultScenario())};
  use.scenario.set_batch(spec.batch);
  if (spec.change != nullptr) spec.change(&use.scenario);
  return use;
}

// A field that a description sets: its path, and other values for it.
struct Setting {
  std::string path;
  std::vector<std::string> others;
  bool required = false;
};

// Text that some answer may depend on.
bool IsNumberFormat(const FieldDescriptor& field) {
  return field.options().GetExtension(name_of) == NUMBER_FORMAT;
}

// Fields that tell readers something, name entries, describe other machines, are of
// questions that are not asked here (`tune`, wear, offloading, chips beyond one
// domain), or bound what may never reach them.
bool IsPassedOver(const FieldDescriptor& field) {
  static const auto& names = *new std::set<std::string>{
      "sources", "published", "correlations", "host", "stage", "on", "place",
      "format", "lowest_mhz", "highest_mhz", "reference_clock_mhz",
      "endurance_writes", "host_link", "beyond", "power_cap_w",
      // A batch norm becomes a bias when it is folded: either of the two suffices.
      "batch_norm"};
  return names.count(std::string(field.name())) > 0 ||
         (field.name() == "bias" &&
          field.containing_type()->FindFieldByName("batch_norm") != nullptr);
}

std::vector<std::string> OtherTexts(const Message& message,
                                    const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<std::string> others;
  const auto number = [&](double value, bool is_integer) {
    std::vector<double> numbers = OtherValues(field, value);
    if (is_integer) numbers.push_back(value + 1);
    for (const double other : numbers) {
      if (is_integer && std::floor(other) == value) continue;
      others.push_back(is_integer ? absl::StrCat(static_cast<int64_t>(other))
                                  : absl::StrCat(other));
    }
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return {reflection.GetBool(message, &field) ? "false" : "true"};
    case FieldDescriptor::CPPTYPE_INT32:
      number(reflection.GetInt32(message, &field), true);
      return others;
    case FieldDescriptor::CPPTYPE_INT64:
      number(static_cast<double>(reflection.GetInt64(message, &field)), true);
      return others;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      number(reflection.GetDouble(message, &field), false);
      return others;
    case FieldDescriptor::CPPTYPE_ENUM:
      for (int i = 0; i < field.enum_type()->value_count(); ++i) {
        const auto* value = field.enum_type()->value(i);
        if (value->number() != 0 &&
            value->number() != reflection.GetEnumValue(message, &field)) {
          others.push_back(std::string(value->name()));
        }
      }
      return others;
    case FieldDescriptor::CPPTYPE_STRING:
      if (IsNumberFormat(field)) return {"fp8", "bf16", "q4_k", "fp32"};
      return {};
    default:
      return {};
  }
}

// The settings below a message, in schema order; `groups` receives the path of
// each message with the number of settings in it.
void FindSettings(const Message& message, const std::string& prefix,
                  std::vector<Setting>* settings,
                  std::vector<std::pair<std::string, size_t>>* groups) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (IsPassedOver(*field)) continue;
    const std::string path = absl::StrCat(prefix, field->name());
    if (field->message_type() == nullptr) {
      if (field->is_repeated()) continue;
      std::vector<std::string> others = OtherTexts(message, *field);
      if (!others.empty()) {
        settings->push_back({path, std::move(others),
                             field->options().GetExtension(range).required()});
      }
      continue;
    }
    if (field->message_type() == Constant::descriptor()) {
      const auto& constant = static_cast<const Constant&>(
          reflection.GetMessage(message, field));
      Setting setting{path, {}, field->options().GetExtension(range).required()};
      for (const double other : OtherValues(*field, constant.value())) {
        setting.others.push_back(absl::StrCat(other));
      }
      settings->push_back(std::move(setting));
      continue;
    }
    const auto below = [&](const Message& child, const std::string& at) {
      const size_t before = settings->size(), group = groups->size();
      groups->push_back({at, 0});
      FindSettings(child, absl::StrCat(at, "."), settings, groups);
      (*groups)[group].second = settings->size() - before;
    };
    if (!field->is_repeated()) {
      below(reflection.GetMessage(message, field), path);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, field, i);
      below(entry, EntryPath(path, entry, i));
    }
  }
}

// The answer of a description to the use of that number.
using Ask = absl::FunctionRef<std::string(const Message& description, size_t use)>;

// Whether a description with a change is still one that can be asked about.
using IsValid = absl::FunctionRef<bool(const Message& description)>;

// A description that is asked for one use after the other; its answers are made when
// they are wanted.
class Asked {
 public:
  // `ask` answers for that description or another one that is valid; all must
  // outlive this.
  Asked(const Message& description, size_t uses, IsValid is_valid, Ask ask)
      : description_(description),
        is_valid_(is_valid),
        ask_(ask),
        answers_(uses) {}

  // Whether some answer differs where the field has another value. True also where
  // it cannot be said: nothing is answered, or the field cannot be set.
  bool Uses(const Setting& setting) {
    std::vector<std::unique_ptr<Message>> changed;
    for (const std::string& other : setting.others) {
      std::unique_ptr<Message> with(description_.New());
      with->CopyFrom(description_);
      // Entries that inheritance took out, or whose place cannot be named.
      if (SetField(with.get(), setting.path, other, "changed").ok() &&
          is_valid_(*with)) {
        changed.push_back(std::move(with));
      }
    }
    if (changed.empty()) return true;
    bool any_answer = false;
    for (size_t use = 0; use < answers_.size(); ++use) {
      absl::optional<std::string>& answer = answers_[use];
      if (!answer.has_value()) answer = ask_(description_, use);
      any_answer = any_answer || !absl::StartsWith(*answer, kNoAnswer);
      for (const auto& with : changed) {
        if (ask_(*with, use) != *answer) return true;
      }
    }
    return !any_answer;
  }

 private:
  const Message& description_;
  const IsValid is_valid_;
  const Ask ask_;
  std::vector<absl::optional<std::string>> answers_;
};

std::vector<std::string> UnusedBelow(const Message& own, Asked* asked) {
  std::vector<Setting> settings;
  std::vector<std::pair<std::string, size_t>> groups;
  FindSettings(own, "", &settings, &groups);
  std::vector<std::string> unused;
  std::set<std::string> required;
  for (const Setting& setting : settings) {
    if (setting.required) required.insert(setting.path);
    if (!asked->Uses(setting)) unused.push_back(setting.path);
  }
  // A message instead of all that is in it. Groups come before those below them.
  for (const auto& [path, size] : groups) {
    const std::string prefix = absl::StrCat(path, ".");
    const auto in_group = [&](const std::string& field) {
      return absl::StartsWith(field, prefix);
    };
    const auto first = std::find_if(unused.begin(), unused.end(), in_group);
    const auto last = std::find_if_not(first, unused.end(), in_group);
    // A few are clearer by name.
    if (size < 4 || static_cast<size_t>(last - first) < size) continue;
    *first = path;
    unused.erase(first + 1, last);
  }
  // What has to be given in a message that is used is not given in vain.
  unused.erase(std::remove_if(unused.begin(), unused.end(),
                              [&](const std::string& path) {
                                return required.count(path) > 0;
                              }),
               unused.end());
  return unused;
}

std::vector<std::string> UnusedAmong(const Message& description,
                                     absl::Span<const std::string> paths,
                                     Asked* asked) {
  std::vector<std::string> unused;
  if (paths.empty()) return unused;
  std::vector<Setting> settings;
  std::vector<std::pair<std::string, size_t>> groups;
  FindSettings(description, "", &settings, &groups);
  std::map<std::string, const Setting*> by_path;
  for (const Setting& setting : settings) {
    by_path[CanonicalFieldPath(description, setting.path)] = &setting;
  }
  for (const std::string& path : paths) {
    const auto found = by_path.find(CanonicalFieldPath(description, path));
    if (found != by_path.end() && !asked->Uses(*found->second)) {
      unused.push_back(path);
    }
  }
  return unused;
}

// A network of explicit layers, with depthwise ones among them.
const Use& NetworkUse() {
  static const auto& use = *new Use(UseOf({"mobilenet-v1-0.25-vww", 1, nullptr}));
  return use;
}

// Pairs of formats that the engines of a machine take: weights, activations.
std::vector<std::pair<std::string, std::string>> FormatsOf(
    const Hardware& hardware) {
  std::set<std::pair<std::string, std::string>> formats;
  for (const ComputeEngine& engine : hardware.engine()) {
    for (const ComputeEngine::FormatRate& rate : engine.rate()) {
      formats.insert({rate.format(), rate.activations().empty()
                                         ? rate.format()
                                         : rate.activations()});
    }
  }
  return {formats.begin(), formats.end()};
}

// The machine with a core that is slower than its reference.
Hardware Slowed(Hardware hardware) {
  if (!hardware.has_core_clock()) return hardware;
  CoreClock& clock = *hardware.mutable_core_clock();
  Constant& set = *clock.mutable_set_mhz();
  set.set_value(0.8 * clock.reference_mhz().value());
  set.set_low(set.value());
  set.set_high(set.value());
  set.set_source(clock.reference_mhz().source());
  return hardware;
}

// What machines are asked: the use at hand, those that exercise every part, in the
// formats of its engines at one sequence and bound by compute, a network, and both
// kinds of model on a slower core. Made one by one, because the first ones mostly
// suffice and models take time to load.
class MachineUses {
 public:
  MachineUses(const Use& at_hand, const Hardware& hardware)
      : at_hand_(at_hand), formats_(FormatsOf(hardware)) {}

  size_t size() const { return kBefore + 2 * formats_.size() + kAfter; }

  std::string Answer(const Message& changed, size_t use) const {
    const auto& machine = static_cast<const Hardware&>(changed);
    if (use == 0) return AnswerOf(machine, at_hand_);
    const std::vector<Use>& uses = UsesOfMachines();
    if (use < kBefore) return AnswerOf(machine, uses[use - 1]);
    use -= kBefore;
    if (use < 2 * formats_.size()) {
      Use in_format = uses.front();
      Scenario& scenario = in_format.scenario;
      scenario.set_weights(formats_[use / 2].first);
      scenario.set_activations(formats_[use / 2].second);
      if (use % 2 == 1) {
        scenario.set_batch(8192);
        scenario.set_context(1);
      }
      return AnswerOf(machine, in_format);
    }
    use -= 2 * formats_.size();
    if (use == 0) return AnswerOf(machine, NetworkUse());
    return AnswerOf(Slowed(machine), use == 1 ? uses.front() : NetworkUse());
  }

 private:
  static constexpr size_t kBefore = 1 + std::size(kUsesOfMachines),
                          kAfter = 3;

  const Use& at_hand_;
  const std::vector<std::pair<std::string, std::string>> formats_;
};

// Ways of running a model that together exercise every part of it.
std::vector<Scenario> ScenariosOf(const Model& model) {
  const Scenario plain = WithContext(DefaultScenario());
  std::vector<Scenario> scenarios(6, plain);
  scenarios[1].set_batch(64);
  scenarios[1].set_prompt(512);
  scenarios[1].set_output(512);
  // Beyond every window.
  scenarios[2].set_context(
      std::max(1e6, 2 * static_cast<double>(model.max_context())));
  scenarios[3].set_tp(8);
  scenarios[3].set_batch(16);
  scenarios[4].mutable_speculation()->set_draft_tokens(3);
  scenarios[4].mutable_speculation()->set_acceptance_rate(0.7);
  scenarios[4].mutable_speculation()->set_draft_model("mtp");
  scenarios[5].set_batch(1024);
  scenarios[5].set_ep(8);
  return scenarios;
}

// Calls `with(asked)` for a machine, or for a model on one machine.
template <typename With>
std::vector<std::string> AskAbout(const Hardware& hardware, const Use& at_hand,
                                  const With& with) {
  const MachineUses uses(at_hand, hardware);
  const auto ask = [&](const Message& changed, size_t use) {
    return uses.Answer(changed, use);
  };
  const auto is_valid = [](const Message& changed) {
    std::vector<Fault> faults;
    ValidateHardware(static_cast<const Hardware&>(changed), {}, &faults);
    return faults.empty();
  };
  Asked asked(hardware, uses.size(), is_valid, ask);
  return with(&asked);
}

template <typename With>
std::vector<std::string> AskAbout(const Model& model, const With& with) {
  static const auto& machine = *new Hardware(*LoadHardware("h100-sxm"));
  const std::vector<Scenario> scenarios = ScenariosOf(model);
  const auto ask = [&](const Message& changed, size_t use) {
    return AnswerOf(machine,
                    {static_cast<const Model&>(changed), scenarios[use]});
  };
  const auto is_valid = [](const Message& changed) {
    std::vector<Fault> faults;
    ValidateModel(static_cast<const Model&>(changed), {}, &faults);
    return faults.empty();
  };
  Asked asked(model, scenarios.size(), is_valid, ask);
  return with(&asked);
}

}  // namespace

const std::vector<Use>& UsesOfMachines() {
  static const auto& uses = *[] {
    auto* uses = new std::vector<Use>;
    for (const UseSpec& spec : kUsesOfMachines) uses->push_back(UseOf(spec));
    return uses;
  }();
  return uses;
}

std::string AnswerOf(const Setup& setup) {
  absl::StatusOr<Report> report = Analyze(setup, kWithDetails);
  if (!report.ok()) return absl::StrCat(kNoAnswer, report.status().message());
  report->clear_scenario();
  return report->SerializeAsString();
}

std::string AnswerOf(const Hardware& hardware, const Use& use) {
  Setup setup;
  setup.model = use.model;
  setup.hardware = hardware;
  setup.scenario = use.scenario;
  return AnswerOf(setup);
}

std::vector<double> OtherValues(const FieldDescriptor& field, double value) {
  const Range& limits = field.options().GetExtension(range);
  const double most = limits.max() > limits.min()
                          ? limits.max()
                          : std::numeric_limits<double>::max();
  const double few[] = {value * 1.5, value / 2, value == 0 ? 1.0 : 0.0,
                        limits.min(), limits.max()};
  std::vector<double> others;
  for (double other : few) {
    other = std::min(std::max(other, limits.min()), most);
    if (other != value) others.push_back(other);
  }
  return others;
}

std::vector<std::string> UnusedFields(const Hardware& own,
                                      const Hardware& hardware,
                                      const Use& at_hand) {
  if (own.ByteSizeLong() > kMostBytes) return {};
  Hardware asked_about = own;
  for (MemoryLevel& level : *asked_about.mutable_memory()) {
    // Lint compares the figures of a device with those of the level.
    if (!level.has_devices()) continue;
    level.mutable_technology()->clear_bandwidth_gb_per_s_per_device();
    level.mutable_technology()->clear_capacity_gb_per_device();
  }
  return AskAbout(hardware, at_hand, [&](Asked* asked) {
    return UnusedBelow(asked_about, asked);
  });
}

std::vector<std::string> UnusedFields(const Model& model) {
  if (model.ByteSizeLong() > kMostBytes) return {};
  return AskAbout(model,
                  [&](Asked* asked) { return UnusedBelow(model, asked); });
}

std::vector<std::string> UnusedPaths(const Hardware& hardware,
                                     absl::Span<const std::string> paths,
                                     const Use& at_hand) {
  return AskAbout(hardware, at_hand, [&](Asked* asked) {
    return UnusedAmong(hardware, paths, asked);
  });
}

std::vector<std::string> UnusedPaths(const Model& model,
                                     absl::Span<const std::string> paths) {
  if (paths.empty() || model.ByteSizeLong() > kMostBytes) return {};
  return AskAbout(model, [&](Asked* asked) {
    return UnusedAmong(model, paths, asked);
  });
}

std::vector<std::string> UnusedPaths(const Setup& setup,
                                     absl::Span<const std::string> paths) {
  const auto with = [&](const Message& scenario) {
    Setup changed = setup;
    changed.scenario = static_cast<const Scenario&>(scenario);
    return changed;
  };
  const auto ask = [&](const Message& scenario, size_t) {
    return AnswerOf(with(scenario));
  };
  const auto is_valid = [&](const Message& scenario) {
    return Validate(with(scenario)).ok();
  };
  Asked asked(setup.scenario, 1, is_valid, ask);
  return UnusedAmong(setup.scenario, paths, &asked);
}

}  // namespace tokenjoule
