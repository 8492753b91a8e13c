// Every number in the description of a machine and its runtime has an effect:
// each Constant of the schemas of hardware and runtimes moves some figure of
// some answer.

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/field_path.h"
#include "analyzer/evaluate/unused_fields.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "proto/constant.pb.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;

std::vector<std::string> AnswersOf(const Hardware& hardware) {
  std::vector<std::string> answers;
  for (const Use& use : UsesOfMachines()) {
    answers.push_back(AnswerOf(hardware, use));
  }
  return answers;
}

// A machine with its answers.
struct Answered {
  Hardware hardware;
  std::vector<std::string> answers;
};

Answered Answer(Hardware hardware) {
  std::vector<std::string> answers = AnswersOf(hardware);
  return {std::move(hardware), std::move(answers)};
}

const std::vector<Answered>& ShippedMachines() {
  static const auto* const machines = [] {
    auto* machines = new std::vector<Answered>;
    for (const std::string& name : CatalogNames(SpecKind::kSystem)) {
      machines->push_back(Answer(*LoadHardware(name)));
    }
    return machines;
  }();
  return *machines;
}

// Whether some answer changes when the constant at `path` changes.
bool Moves(const Answered& machine, const std::string& path,
           const FieldDescriptor& field, double value) {
  for (const double other : OtherValues(field, value)) {
    Hardware changed = machine.hardware;
    const absl::Status status =
        SetField(&changed, path, absl::StrCat(other), "test");
    EXPECT_TRUE(status.ok()) << path << ": " << status;
    for (size_t i = 0; i < UsesOfMachines().size(); ++i) {
      if (AnswerOf(changed, UsesOfMachines()[i]) != machine.answers[i]) return true;
    }
  }
  return false;
}

// "MemoryLevel.devices".
std::string NameOf(const FieldDescriptor& field) {
  return absl::StrCat(field.containing_type()->name(), ".", field.name());
}

// Every field of type Constant below a message; types that are in `seen` are
// left out, because a runtime holds runtimes.
void CollectConstantFields(const Descriptor& type,
                           std::set<const Descriptor*>* seen,
                           std::map<std::string, const FieldDescriptor*>* out) {
  if (!seen->insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->message_type() == nullptr) continue;
    if (field->message_type() == Constant::descriptor()) {
      (*out)[NameOf(*field)] = field;
    } else {
      CollectConstantFields(*field->message_type(), seen, out);
    }
  }
}

std::map<std::string, const FieldDescriptor*> ConstantFields() {
  std::map<std::string, const FieldDescriptor*> fields;
  std::set<const Descriptor*> seen;
  CollectConstantFields(*Hardware::descriptor(), &seen, &fields);
  return fields;
}

// Fields that move an answer of an unmodified shipped machine.
std::set<std::string> FieldsThatMoveShippedMachines() {
  std::set<std::string> moving;
  for (const Answered& machine : ShippedMachines()) {
    ForEachConstant(machine.hardware,
                    [&](const std::string& path, const Constant& constant,
                        const FieldDescriptor& field) {
                      const std::string name = NameOf(field);
                      if (moving.count(name) > 0) return;
                      if (Moves(machine, path, field, constant.value())) {
                        moving.insert(name);
                      }
                    });
  }
  return moving;
}

// A field that moves no answer of an unmodified shipped machine, and the
// changes to a machine that make it do so.
struct Needed {
  std::string field;
  std::string hardware;
  // Path of the field and its initial value.
  std::string path;
  double value;
  // Further fields to set: path and value.
  std::vector<std::pair<std::string, std::string>> settings = {};
  // Change to the machine before fields are set: removes or replaces parts.
  void (*change)(Hardware*) = nullptr;
};

// Replaces the backing store by LPDDR5 described by the currents of its data
// sheet.
void TakeCurrents(Hardware* hardware) {
  *hardware->mutable_memory(0)->mutable_technology() =
      *LoadMemoryTechnology("lpddr5-idd");
}

std::vector<Needed> NeededElsewhere() {
  const std::string analog = "engine.aimc.analog.";
  const std::string hbm = "memory.hbm.technology.";
  std::vector<Needed> needed = {
      // Launches that times per layer cover on shipped machines, and a step too
      // short for a prompt.
      {"Runtime.time_per_kernel_us", "h100-sxm", "runtime.time_per_kernel_us",
       1},
      {"Runtime.step_token_budget", "h100-sxm", "runtime.step_token_budget",
       300},
      // Figures of one device, where the level does not say its own.
      {"MemoryTechnology.capacity_gb_per_device",
       "h100-sxm",
       hbm + "capacity_gb_per_device",
       16,
       {},
       [](Hardware* h) { h->mutable_memory(0)->clear_capacity_gb(); }},
      {"MemoryTechnology.bandwidth_gb_per_s_per_device",
       "h100-sxm",
       hbm + "bandwidth_gb_per_s_per_device",
       819,
       {},
       [](Hardware* h) { h->mutable_memory(0)->clear_bandwidth_gb_per_s(); }},
      // Wire energy of the node, used if a level gives only the length of
      // wires.
      {"LogicTechnology.wire_energy_pj_per_bit_mm",
       "lean-hbm3e-asic",
       "engine.tensor.logic.wire_energy_pj_per_bit_mm",
       0.06,
       {},
       [](Hardware* h) {
         for (MemoryLevel& level : *h->mutable_memory()) {
           level.clear_wire_energy_pj_per_bit_mm();
         }
       }},
      // Settings, and wear that no shipped machine describes.
      {"MemoryLevel.toggle_rate", "h100-sxm", "memory.hbm.toggle_rate", 0.3},
      {"BoardPower.set_power_cap_w", "h100-sxm", "board.set_power_cap_w", 300},
      {"MemoryLevel.clock_mhz",
       "h100-sxm",
       "memory.hbm.clock_mhz",
       2000,
       {{"memory.hbm.reference_clock_mhz", "2619"}}},
      {"MemoryLevel.reference_clock_mhz",
       "h100-sxm",
       "memory.hbm.reference_clock_mhz",
       2619,
       {{"memory.hbm.clock_mhz", "2000"}}},
      {"MemoryTechnology.endurance_writes", "h100-sxm",
       hbm + "endurance_writes", 1e9},
      {"InMemoryArray.endurance_writes", "aimc-hbm3e",
       "engine.aimc.array.endurance_writes", 1e9},
      // A link in front of a farther level, which no shipped machine has.
      {"LevelLink.bandwidth_gb_per_s",
       "h100-sxm",
       "memory.hbm.link.bandwidth_gb_per_s",
       1000,
       {{"memory.hbm.link.bandwidth_efficiency", "0.8"}}},
      {"LevelLink.bandwidth_efficiency",
       "h100-sxm",
       "memory.hbm.link.bandwidth_efficiency",
       0.8,
       {{"memory.hbm.link.bandwidth_gb_per_s", "1000"}}},
      {"LevelLink.energy_pj_per_bit",
       "h100-sxm",
       "memory.hbm.link.energy_pj_per_bit",
       6,
       {{"memory.hbm.link.bandwidth_gb_per_s", "1000"},
        {"memory.hbm.link.bandwidth_efficiency", "0.8"}}},
      // Converters other than those of the shipped arrays.
      {"AnalogCircuit.converter_floor_pj",
       "aimc-hbm3e",
       analog + "converter_floor_pj",
       1,
       {{analog + "converter", "SURVEY_ENVELOPE"}}},
      {"AnalogCircuit.survey_slope_aj",
       "aimc-hbm3e",
       analog + "survey_slope_aj",
       1,
       {{analog + "converter", "SURVEY_ENVELOPE"}}},
      {"AnalogCircuit.schreier_fom_db",
       "aimc-hbm3e",
       analog + "schreier_fom_db",
       170,
       {{analog + "converter", "SCHREIER"}}},
      // Converters that are shared, and drift that nothing corrects.
      {"ResistiveCell.columns_per_converter", "aimc-nvm-resident",
       analog + "resistive.columns_per_converter", 8},
      {"ResistiveCell.drift_exponent",
       "aimc-nvm-resident",
       analog + "resistive.drift_exponent",
       0.05,
       {{analog + "resistive.drift_compensated", "false"}}},
      // Properties of the user's site and host.
      {"Node.carbon_intensity_g_per_kwh", "h100-sxm",
       "node.carbon_intensity_g_per_kwh", 400},
      {"Node.price_per_kwh", "h100-sxm", "node.price_per_kwh", 0.1},
      {"Node.price_per_chip_hour", "h100-sxm", "node.price_per_chip_hour", 2},
  };
  ForEachConstant(LoadMemoryTechnology("lpddr5-idd")->currents(),
                  [&](const std::string& path, const Constant& constant,
                      const FieldDescriptor& field) {
                    needed.push_back({NameOf(field),
                                      "h100-sxm",
                                      hbm + "currents." + path,
                                      constant.value(),
                                      {},
                                      TakeCurrents});
                  });
  return needed;
}

Answered Prepared(const Needed& needed) {
  Hardware hardware = *LoadHardware(needed.hardware);
  if (needed.change != nullptr) needed.change(&hardware);
  auto settings = needed.settings;
  settings.emplace_back(needed.path, absl::StrCat(needed.value));
  for (const auto& [path, value] : settings) {
    const absl::Status status = SetField(&hardware, path, value, "test");
    EXPECT_TRUE(status.ok()) << needed.field << " " << path << ": " << status;
  }
  return Answer(std::move(hardware));
}

TEST(ConstantFieldsTest, EveryNumberOfTheSchemaMovesSomeAnswer) {
  const std::map<std::string, const FieldDescriptor*> fields = ConstantFields();
  EXPECT_GT(fields.size(), 100u);
  std::set<std::string> moving = FieldsThatMoveShippedMachines();
  for (const Needed& needed : NeededElsewhere()) {
    const auto field = fields.find(needed.field);
    ASSERT_NE(field, fields.end()) << needed.field << " is not in the schema";
    EXPECT_EQ(moving.count(needed.field), 0u)
        << needed.field << " moves a shipped machine as it is";
    if (Moves(Prepared(needed), needed.path, *field->second, needed.value)) {
      moving.insert(needed.field);
    }
  }
  // The end of the clocks that `tokenjoule tune` tries.
  moving.insert("CoreClock.highest_mhz");
  for (const auto& [name, field] : fields) {
    EXPECT_EQ(moving.count(name), 1u)
        << name << " moves no answer: read it, or take it out of the schema";
  }
}

TEST(ConstantFieldsTest, WhatIsNotANumberOfTheMachineMovesNothing) {
  // Changes that the test above could mistake for a movement.
  for (const char* name : {"h100-sxm", "aimc-hbm3e"}) {
    const Answered machine = Answer(*LoadHardware(name));
    Hardware changed = machine.hardware;
    ForEachConstant(
        changed, [](const std::string&, const Constant& constant, const auto&) {
          auto* other = const_cast<Constant*>(&constant);
          other->set_low(0);
          other->set_high(1e9);
          other->set_source("other");
        });
    EXPECT_EQ(AnswersOf(changed), machine.answers) << name;
  }
}

}  // namespace
}  // namespace tokenjoule
