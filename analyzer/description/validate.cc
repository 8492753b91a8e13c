#include "analyzer/description/validate.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/size_limits.h"
#include "analyzer/description/architecture.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/core_clock.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/formats.h"
#include "analyzer/description/network_shapes.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/offload.h"
#include "google/protobuf/descriptor.h"
#include "proto/constant.pb.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

constexpr int64_t kMostLayers = 100'000;

// Formats a number for messages.
std::string Number(double value) { return absl::StrCat(value); }

// Walks one message together with the locations of its fields.
class FieldValidator {
 public:
  FieldValidator(const ValidateOptions& options, std::vector<Fault>* faults)
      : options_(options), faults_(faults) {}

  void ValidateRoot(const Message& root) {
    CollectNames(root, "sources", &sources_);
    CollectNames(root, "block", &blocks_);
    Validate(root, nullptr, options_.locations, "");
  }

 private:
  static void CollectNames(const Message& root, const char* field_name,
                           std::vector<std::string>* names) {
    const FieldDescriptor* field =
        root.GetDescriptor()->FindFieldByName(field_name);
    if (field == nullptr || !field->is_repeated() ||
        field->message_type() == nullptr) {
      return;
    }
    const Reflection& reflection = *root.GetReflection();
    for (int i = 0; i < reflection.FieldSize(root, field); ++i) {
      names->push_back(
          EntryName(reflection.GetRepeatedMessage(root, field, i)));
    }
  }

  void AddFault(const FieldLocations* tree, const FieldDescriptor* field,
                int index, absl::string_view path, std::string message) {
    Fault fault;
    fault.file = std::string(options_.file);
    if (tree != nullptr && field != nullptr) {
      const auto location = tree->GetLocation(field, index);
      fault.line = location.line + 1;
      fault.column = location.column + 1;
    }
    fault.path = std::string(path);
    fault.message = std::move(message);
    faults_->push_back(std::move(fault));
  }

  // Whether a required field stands for itself: no other is there instead.
  static bool IsRequired(const Range& limits, const Message& message,
                         const Message* around) {
    if (!limits.required()) return false;
    if (limits.unless().empty()) return true;
    for (const Message* with : {&message, around}) {
      if (with == nullptr) continue;
      const FieldDescriptor* other =
          with->GetDescriptor()->FindFieldByName(limits.unless());
      if (other != nullptr && with->GetReflection()->HasField(*with, other)) {
        return false;
      }
    }
    return true;
  }

  // `around` is the message that it is part of, or nullptr.
  void Validate(const Message& message, const Message* around,
                const FieldLocations* tree, const std::string& prefix) {
    const Descriptor& type = *message.GetDescriptor();
    const Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* field = type.field(i);
      const Range& limits = field->options().GetExtension(range);
      const std::string path = absl::StrCat(prefix, field->name());
      if (field->is_repeated()) {
        const int size = reflection.FieldSize(message, field);
        if (size == 0 && IsRequired(limits, message, around) &&
            options_.complete) {
          AddFault(nullptr, nullptr, 0, path, "is missing");
        }
        for (int k = 0; k < size; ++k) {
          if (field->message_type() == nullptr) continue;
          const Message& entry =
              reflection.GetRepeatedMessage(message, field, k);
          Validate(entry, &message, Nested(tree, field, k),
                   EntryPath(path, entry, k) + ".");
        }
        continue;
      }
      ValidateSingular(message, around, *field, limits, tree, path);
    }
  }

  static const FieldLocations* Nested(const FieldLocations* tree,
                                      const FieldDescriptor* field, int index) {
    return tree == nullptr ? nullptr : tree->GetTreeForNested(field, index);
  }

  void ValidateSingular(const Message& message, const Message* around,
                        const FieldDescriptor& field,
                        const Range& limits, const FieldLocations* tree,
                        const std::string& path) {
    const Reflection& reflection = *message.GetReflection();
    // A proto3 number given as 0 is not "present", but it has a location.
    const bool present =
        reflection.HasField(message, &field) ||
        (tree != nullptr && tree->GetLocation(&field, -1).line >= 0);
    if (!present) {
      if (IsRequired(limits, message, around) && options_.complete) {
        AddFault(nullptr, nullptr, 0, path,
                 absl::StrCat("is missing", Expected(limits)));
      }
      return;
    }
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const Message& child = reflection.GetMessage(message, &field);
        const FieldLocations* nested = Nested(tree, &field, -1);
        if (const auto* constant =
                google::protobuf::DynamicCastToGenerated<Constant>(&child)) {
          ValidateConstant(*constant, limits, nested, path);
        } else {
          Validate(child, &message, nested, path + ".");
        }
        break;
      }
      case FieldDescriptor::CPPTYPE_STRING:
        ValidateName(reflection.GetString(message, &field), field, tree, path);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        ValidateNumber(reflection.GetDouble(message, &field), limits, tree,
                       &field, path);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        ValidateNumber(reflection.GetInt32(message, &field), limits, tree,
                       &field, path);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        ValidateNumber(
            static_cast<double>(reflection.GetInt64(message, &field)), limits,
            tree, &field, path);
        break;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number = reflection.GetEnumValue(message, &field);
        if (field.enum_type()->FindValueByNumber(number) == nullptr ||
            (number == 0 && limits.required())) {
          AddFault(tree, &field, -1, path,
                   absl::StrCat("has no meaning as ", number));
        }
        break;
      }
      default:
        break;
    }
  }

  static std::string Expected(const Range& limits) {
    if (limits.min() == 0 && limits.max() == 0) return "";
    return absl::StrCat("; expected ", Number(limits.min()), " to ",
                        Number(limits.max()));
  }

  void ValidateNumber(double value, const Range& limits,
                      const FieldLocations* tree, const FieldDescriptor* field,
                      const std::string& path) {
    if (limits.min() == 0 && limits.max() == 0) {
      // Whatever a number is of, arithmetic with it needs one.
      if (!std::isfinite(value)) {
        AddFault(tree, field, -1, path,
                 absl::StrCat(Number(value), "; expected a finite number"));
      }
      return;
    }
    if (std::isnan(value)) {
      AddFault(tree, field, -1, path,
               absl::StrCat("nan is no number: fill it in", Expected(limits)));
      return;
    }
    if (!(value >= limits.min() && value <= limits.max())) {
      AddFault(
          tree, field, -1, path,
          absl::StrCat(Number(value), " is out of range", Expected(limits)));
    }
  }

  void ValidateName(const std::string& name, const FieldDescriptor& field,
                    const FieldLocations* tree, const std::string& path) {
    const auto check = [&](absl::string_view kind,
                           const std::vector<std::string>& names,
                           absl::string_view hint) {
      for (const std::string& known : names) {
        if (known == name) return;
      }
      AddFault(tree, &field, -1, path,
               UnknownNameMessage(kind, name, names, hint));
    };
    switch (field.options().GetExtension(name_of)) {
      case NUMBER_FORMAT:
        // Families and mixes have no line of their own in the list.
        if (name.empty() || FindFormat(name) != nullptr) break;
        check("number format", FormatNames(),
              "(`tokenjoule list formats` shows all)");
        break;
      case BOUNDARY:
        if (name.empty() || BoundaryIndex(name) >= 0) break;
        check("boundary", BoundaryNames(), "");
        break;
      case BLOCK:
        check("block", blocks_, "");
        break;
      default:
        break;
    }
    // A colon qualifies the ids of merged files ("hbm3:micro17").
    const bool is_id = field.name() == "id";
    if ((is_id || field.name() == "name") &&
        name.find_first_not_of(
            is_id ? "abcdefghijklmnopqrstuvwxyz0123456789-_.:"
                  : "abcdefghijklmnopqrstuvwxyz0123456789-_.") !=
            std::string::npos) {
      AddFault(tree, &field, -1, path,
               absl::StrCat("\"", Printable(name),
                            "\" has letters other than a-z, 0-9, - _ and ."));
    }
  }

  void ValidateConstant(const Constant& constant, const Range& limits,
                        const FieldLocations* tree, const std::string& path) {
    const Descriptor& type = *Constant::descriptor();
    struct Part {
      const char* name;
      bool present;
      double value;
    };
    const Part parts[] = {
        {"value", constant.has_value(), constant.value()},
        {"low", constant.has_low(), constant.low()},
        {"high", constant.has_high(), constant.high()},
    };
    bool whole = true;
    for (const Part& part : parts) {
      const std::string part_path = absl::StrCat(path, ".", part.name);
      // A range that the reader filled in is at fault only with its value.
      const bool filled_in =
          tree != nullptr &&
          tree->GetLocation(type.FindFieldByName(part.name), -1).line < 0;
      if (part.present && filled_in) continue;
      if (part.present) {
        ValidateNumber(part.value, limits, tree,
                       type.FindFieldByName(part.name), part_path);
      } else {
        whole = false;
        AddFault(nullptr, nullptr, 0, part_path,
                 "is missing; a constant has value, low, high and source");
      }
    }
    if (whole && !std::isnan(constant.value()) &&
        !(constant.low() <= constant.value() &&
          constant.value() <= constant.high())) {
      AddFault(tree, type.FindFieldByName("value"), -1, path,
               absl::StrCat("value ", Number(constant.value()),
                            " is not between low ", Number(constant.low()),
                            " and high ", Number(constant.high())));
    }
    const FieldDescriptor* source = type.FindFieldByName("source");
    for (const std::string& known : sources_) {
      if (known == constant.source()) return;
    }
    if (constant.source().empty()) {
      AddFault(nullptr, nullptr, 0, path + ".source",
               "is missing; name an entry of `sources`");
    } else {
      AddFault(tree, source, -1, path + ".source",
               UnknownNameMessage("source", constant.source(), sources_, ""));
    }
  }

  const ValidateOptions& options_;
  std::vector<Fault>* faults_;
  std::vector<std::string> sources_;
  std::vector<std::string> blocks_;
};

// Adds faults about a path of the root message.
class CrossChecker {
 public:
  CrossChecker(absl::string_view file, std::vector<Fault>* faults)
      : file_(file), faults_(faults) {}

  void Require(bool holds, absl::string_view path, std::string message) {
    if (holds) return;
    faults_->push_back(
        {std::string(file_), 0, 0, std::string(path), std::move(message)});
  }

  // Requires that the names of a repeated field differ.
  template <typename Entries>
  void RequireDistinct(const Entries& entries, absl::string_view path) {
    std::set<std::string> seen;
    for (const auto& entry : entries) {
      const std::string name = EntryName(entry);
      Require(seen.insert(name).second, path,
              absl::StrCat("\"", Printable(name), "\" is there twice"));
    }
  }

 private:
  absl::string_view file_;
  std::vector<Fault>* faults_;
};

bool Divides(int64_t divisor, int64_t number) {
  return divisor > 0 && number % divisor == 0;
}

void CheckMemoryLevel(const MemoryLevel& level, CrossChecker* check) {
  const std::string level_path =
      absl::StrCat("memory.", Printable(level.name()));
  const std::string path = level_path + ".technology";
  const MemoryTechnology& technology = level.technology();
  check->Require(
      level.has_capacity_gb() ||
          (level.has_devices() && technology.has_capacity_gb_per_device()),
      level_path + ".capacity_gb",
      "is missing; give it, or devices of a technology that has "
      "capacity_gb_per_device");
  check->Require(level.has_bandwidth_gb_per_s() ||
                     (level.has_devices() &&
                      technology.has_bandwidth_gb_per_s_per_device()),
                 level_path + ".bandwidth_gb_per_s",
                 "is missing; give it, or devices of a technology that has "
                 "bandwidth_gb_per_s_per_device");
  const bool derived = technology.has_currents() ||
                       technology.has_sram_fit() ||
                       technology.has_capacitor_cells();
  check->Require(derived || technology.has_read_energy_pj_per_bit(),
                 path + ".read_energy_pj_per_bit",
                 "is missing; give it, currents, sram_fit or capacitor_cells");
  check->Require(derived || technology.has_write_energy_pj_per_bit(),
                 path + ".write_energy_pj_per_bit",
                 "is missing; give it, currents, sram_fit or capacitor_cells");
  check->Require((technology.kind() == MemoryTechnology::ANALOG_CELLS) ==
                     technology.has_capacitor_cells(),
                 path + ".capacitor_cells",
                 "are given for ANALOG_CELLS, and only for them");
  check->Require(!technology.capacitor_cells().has_refresh_interval_ms() ||
                     technology.capacitor_cells().has_refresh_bits(),
                 path + ".capacitor_cells.refresh_bits",
                 "is missing; a refresh restores levels of so many bits");
  if (technology.has_currents()) {
    const DataSheetCurrents& sheet = technology.currents();
    check->Require(sheet.tras_ns().high() <= sheet.trc_ns().low(),
                   path + ".currents.tras_ns", "is longer than trc_ns");
    check->Require(sheet.idd3n_ma().high() <= sheet.idd4r_ma().low() &&
                       sheet.idd3n_ma().high() <= sheet.idd4w_ma().low(),
                   path + ".currents.idd3n_ma",
                   "is larger than a burst current");
    check->Require(sheet.idd2n_ma().high() <= sheet.idd5b_ma().low(),
                   path + ".currents.idd2n_ma",
                   "is larger than the refresh current");
    // IDD0, averaged over tRC, includes the standby currents of both parts of
    // the cycle.
    const double tras = sheet.tras_ns().high(), trc = sheet.trc_ns().high();
    const double standby =
        sheet.idd3n_ma().high() * tras + sheet.idd2n_ma().high() * (trc - tras);
    check->Require(standby <= sheet.idd0_ma().low() * trc,
                   path + ".currents.idd0_ma",
                   "is smaller than the standby currents it contains");
  }
  check->Require(!level.activations_only() || level.pins() == NOTHING,
                 level_path + ".pins",
                 "keeps other data in a level of activations_only");
  if (level.has_toggle_rate() && technology.has_toggle_slope_pj_per_bit()) {
    // Access energies must not become negative.
    const double least =
        std::min(technology.read_energy_pj_per_bit().low(),
                 technology.write_energy_pj_per_bit().low()) +
        (level.toggle_rate().low() - technology.toggle_reference().high()) *
            technology.toggle_slope_pj_per_bit().high();
    check->Require(least >= 0, path + ".toggle_slope_pj_per_bit",
                   "takes more from an access than it costs");
  }
}

// Levels on the logic, and levels beside the path.
void CheckPlacesOfLevels(const Hardware& hardware, CrossChecker* check) {
  int stacks = 0;
  for (int i = 0; i < hardware.memory_size(); ++i) {
    const MemoryLevel& level = hardware.memory(i);
    const std::string path = absl::StrCat("memory.", Printable(level.name()));
    if (level.beside_path()) {
      check->Require(i > 0 && i + 1 < hardware.memory_size(),
                     path + ".beside_path",
                     "is of the first or the last level, which everything "
                     "passes through");
      check->Require(level.pins() != NOTHING, path + ".pins",
                     "is missing; a level beside the path holds WEIGHTS or "
                     "SEQUENCES");
    }
    if (!level.has_stack()) continue;
    check->Require(++stacks == 1, path + ".stack",
                   "is the second one; one level lies on the logic");
    check->Require(hardware.has_silicon(), "silicon",
                   absl::StrCat("is missing; ", path,
                                ".stack covers its area"));
    check->Require(level.technology().has_density_gb_per_mm2(),
                   path + ".technology.density_gb_per_mm2",
                   "is missing; the layers of a stack follow from it");
    check->Require(level.technology().kind() != MemoryTechnology::SRAM &&
                       level.technology().kind() !=
                           MemoryTechnology::ANALOG_CELLS,
                   path + ".stack",
                   "is of memory in the logic itself; expected DRAM or "
                   "NON_VOLATILE");
  }
}

// A nearer level serves a farther one: where it is both larger and slower, the
// two stand in the wrong order.
void CheckOrder(const Hardware& hardware, CrossChecker* check) {
  check->Require(
      hardware.memory_size() == 0 || !hardware.memory(0).activations_only(),
      "memory",
      "begins with a level of activations_only; the farthest level holds the "
      "weights");
  const auto capacity = [](const MemoryLevel& level) {
    return level.has_capacity_gb()
               ? level.capacity_gb().value()
               : level.devices().value() *
                     level.technology().capacity_gb_per_device().value();
  };
  const auto bandwidth = [](const MemoryLevel& level) {
    return level.has_bandwidth_gb_per_s()
               ? level.bandwidth_gb_per_s().value()
               : level.devices().value() *
                     level.technology().bandwidth_gb_per_s_per_device().value();
  };
  for (int near = 1; near < hardware.memory_size(); ++near) {
    const MemoryLevel& nearer = hardware.memory(near);
    const MemoryLevel& farther = hardware.memory(near - 1);
    // A level beside the others serves none of them.
    check->Require(
        nearer.activations_only() || farther.activations_only() ||
            capacity(nearer) <= capacity(farther) ||
            bandwidth(nearer) >= bandwidth(farther),
        absl::StrCat("memory.", Printable(nearer.name())),
        absl::StrCat("is nearer than ", Printable(farther.name()),
                     ", but larger (", Number(capacity(nearer)), " and ",
                     Number(capacity(farther)), " GB) and slower (",
                     Number(bandwidth(nearer)), " and ",
                     Number(bandwidth(farther)),
                     " GB/s); levels stand from far to near: write it before ",
                     Printable(farther.name()),
                     ", or in a machine with a base give "
                     "place { before: \"",
                     Printable(farther.name()), "\" }"));
  }
}

// The networks of an interconnect: each joins more chips than those inside it.
void CheckNetworks(const Interconnect& link, CrossChecker* check) {
  check->Require((link.topology() == Interconnect::TORUS) ==
                     (link.torus_dimensions() > 0),
                 "interconnect.torus_dimensions",
                 "is given for a TORUS, and only for it");
  check->Require(link.beyond_size() < kMaxNetworks, "interconnect.beyond",
                 absl::StrCat("has ", link.beyond_size(),
                              " networks; expected at most ",
                              kMaxNetworks - 1));
  double inside = link.max_chips().value();
  for (const OuterNetwork& outer : link.beyond()) {
    const std::string path = absl::StrCat("interconnect.beyond.", outer.name());
    check->Require(outer.topology() == Interconnect::SWITCHED ||
                       outer.topology() == Interconnect::RING,
                   path + ".topology", "is neither SWITCHED nor RING");
    check->Require(outer.max_chips().value() > inside, path + ".max_chips",
                   absl::StrCat("is ", Number(outer.max_chips().value()),
                                "; the network inside it joins ",
                                Number(inside)));
    inside = outer.max_chips().value();
  }
}

// Both constants of a correlation are there.
void CheckCorrelations(const Hardware& hardware, CrossChecker* check) {
  if (hardware.correlations().empty()) return;
  std::set<std::string> paths;
  ForEachConstant(hardware, [&](const std::string& path, const Constant&,
                                const auto&) { paths.insert(path); });
  for (int i = 0; i < hardware.correlations_size(); ++i) {
    const CorrelatedConstants& pair = hardware.correlations(i);
    for (const std::string& path : {pair.path(), pair.other()}) {
      check->Require(paths.count(path) > 0, absl::StrCat("correlations.", i),
                     absl::StrCat("\"", path, "\" is no constant of this "
                                  "machine"));
    }
    check->Require(pair.path() != pair.other(),
                   absl::StrCat("correlations.", i), "is of one constant");
  }
}

// Clocks of the core and of memory.
void CheckClocks(const Hardware& hardware, CrossChecker* check) {
  for (const MemoryLevel& level : hardware.memory()) {
    check->Require(!level.has_clock_mhz() || level.has_reference_clock_mhz(),
                   absl::StrCat("memory.", level.name(), ".reference_clock_mhz"),
                   "is missing; clock_mhz needs the clock of the bandwidth");
  }
  if (!hardware.has_core_clock()) return;
  const CoreClock& clock = hardware.core_clock();
  const auto [reference, lowest, highest, set] = CoreClocksOf(clock);
  check->Require(lowest <= reference && reference <= highest,
                 "core_clock.reference_mhz",
                 absl::StrCat("is ", Number(reference), "; expected between ",
                              Number(lowest), " and ", Number(highest)));
  check->Require(set >= lowest && set <= highest, "core_clock.set_mhz",
                 absl::StrCat("is ", Number(set), "; expected between ",
                              Number(lowest), " and ", Number(highest)));
  check->Require(
      clock.has_steep_voltage_slope() == clock.has_steep_from(),
      "core_clock.steep_from",
      "and steep_voltage_slope are given together or not at all");
}

// Whether the engine's rate has an energy, either given or derived.
bool HasEnergy(const ComputeEngine& engine,
               const ComputeEngine::FormatRate& rate) {
  if (rate.has_energy_pj_per_flop()) return true;
  if (engine.kind() == ComputeEngine::ANALOG_IMC) return engine.has_analog();
  if (engine.kind() == ComputeEngine::DIGITAL_IMC ||
      engine.kind() == ComputeEngine::BIT_SERIAL) {
    return engine.logic().has_full_adder_energy_fj();
  }
  for (const LogicTechnology::MacEnergy& mac : engine.logic().mac()) {
    if (mac.format() == rate.format()) return true;
  }
  return false;
}

bool IsInMemory(const ComputeEngine& engine) {
  return engine.kind() == ComputeEngine::DIGITAL_IMC ||
         engine.kind() == ComputeEngine::ANALOG_IMC;
}

// A bit-serial engine's rate and energy follow from its lanes and its logic.
void CheckLaneRate(const ComputeEngine& engine,
                   const ComputeEngine::FormatRate& rate,
                   const std::string& path, CrossChecker* check) {
  for (const std::string& name : {rate.format(), rate.activations()}) {
    const NumberFormat* format = FindFormat(name);
    check->Require(
        format == nullptr || format->operand == NumberFormat::Operand::kInteger,
        path, "is no integer; bit-serial lanes multiply integers");
  }
  check->Require(!rate.has_peak_tflops(), path + ".peak_tflops",
                 "follows from the lanes and their clock; leave it out");
  check->Require(!rate.has_energy_pj_per_flop(), path + ".energy_pj_per_flop",
                 "follows from the lanes and full_adder_energy_fj; leave it out");
  check->Require(engine.logic().has_full_adder_energy_fj(),
                 path + ".energy_pj_per_flop",
                 "needs a logic node that has full_adder_energy_fj");
}

void CheckRate(const ComputeEngine& engine,
               const ComputeEngine::FormatRate& rate, const std::string& path,
               CrossChecker* check) {
  for (const std::string& name : {rate.format(), rate.activations()}) {
    const NumberFormat* format = FindFormat(name);
    check->Require(format == nullptr ||
                       format->operand != NumberFormat::Operand::kStorageOnly,
                   path, "is a storage format; no engine multiplies it");
    check->Require(
        format == nullptr || !IsInMemory(engine) || format->operand_bits <= 16,
        path, "is wider than 16 bits; arrays take narrower ones");
  }
  if (engine.kind() == ComputeEngine::BIT_SERIAL) {
    CheckLaneRate(engine, rate, path, check);
    return;
  }
  check->Require(HasEnergy(engine, rate), path + ".energy_pj_per_flop",
                 "is missing; give it, or a logic node or array that has it");
}

// `prefix` is empty or ends in a dot.
void CheckCircuit(const AnalogCircuit& circuit, const std::string& prefix,
                  CrossChecker* check) {
  const bool conducts = circuit.cell() == AnalogCircuit::RESISTIVE;
  check->Require(conducts == circuit.has_resistive(), prefix + "resistive",
                 conducts ? "is missing; cells of kind RESISTIVE have one"
                          : "belongs to cells of kind RESISTIVE");
  check->Require(conducts || circuit.has_unit_capacitance_ff(),
                 prefix + "unit_capacitance_ff",
                 "is missing; cells of capacitors have one");
  check->Require(!conducts || (!circuit.has_unit_capacitance_ff() &&
                               !circuit.has_capacitor_density_ff_per_um2()),
                 prefix + "unit_capacitance_ff",
                 "and capacitor_density_ff_per_um2 belong to cells of "
                 "capacitors; cells of kind RESISTIVE have none");
  const ResistiveCell& cell = circuit.resistive();
  const std::string path = prefix + "resistive.";
  const bool drifts = cell.has_drift_exponent() || cell.has_drift_spread();
  check->Require(drifts == cell.has_drift_reference_s(),
                 path + "drift_reference_s",
                 drifts ? "is missing; drift counts from it"
                        : "needs drift_exponent or drift_spread");
  check->Require(!(drifts || cell.has_read_noise()) || cell.has_age_s(),
                 path + "age_s",
                 "is missing; drift and read noise grow with it");
}

void CheckEngine(const ComputeEngine& engine, CrossChecker* check) {
  const std::string path = absl::StrCat("engine.", Printable(engine.name()));
  // Every other format can be converted to a wide float.
  bool has_wide = false;
  for (const auto& rate : engine.rate()) {
    CheckRate(engine, rate,
              absl::StrCat(path, ".rate.", Printable(rate.format())), check);
    const NumberFormat* format = FindFormat(rate.format());
    has_wide |= format != nullptr && format->operand_bits >= 16;
  }
  const bool has_lanes = engine.kind() == ComputeEngine::BIT_SERIAL;
  check->Require(engine.has_lanes() == has_lanes, path + ".lanes",
                 has_lanes ? "is missing; a bit-serial engine has them"
                           : "belongs to engines of kind BIT_SERIAL");
  if (has_lanes) return;
  if (!IsInMemory(engine)) {
    check->RequireDistinct(engine.rate(), path + ".rate");
    check->Require(has_wide, path + ".rate",
                   "has no 16- or 32-bit float; give bf16, fp16 or fp32");
    return;
  }
  check->Require(engine.has_array(), path + ".array",
                 "is missing; an in-memory engine has one");
  check->Require(
      engine.kind() != ComputeEngine::ANALOG_IMC || engine.has_analog(),
      path + ".analog", "is missing; an analog engine has one");
  if (engine.has_analog()) {
    CheckCircuit(engine.analog(), path + ".analog.", check);
  }
  check->Require(
      !engine.array().resident() || engine.array().has_weight_capacity_gb(),
      path + ".array.weight_capacity_gb",
      "is missing; resident weights need a place");
}

// Machines with in-memory engines need the area of the arrays.
void CheckSilicon(const Hardware& hardware, CrossChecker* check) {
  if (!hardware.has_silicon()) return;
  const Silicon& silicon = hardware.silicon();
  for (const ComputeEngine& engine : hardware.engine()) {
    if (!IsInMemory(engine)) continue;
    const bool resident = engine.array().resident();
    check->Require(
        resident ? silicon.has_array_mm2_per_mb()
                 : silicon.has_array_mm2_per_tflops(),
        resident ? "silicon.array_mm2_per_mb" : "silicon.array_mm2_per_tflops",
        absl::StrCat("is missing; engine \"", Printable(engine.name()),
                     "\" takes area by it"));
  }
}

}  // namespace

void ValidateFields(const Message& message, const ValidateOptions& options,
                    std::vector<Fault>* faults) {
  FieldValidator(options, faults).ValidateRoot(message);
}

namespace {

// Formats of caches: recipes store weights alone, FlashMLA's format latent
// vectors alone.
void CheckCacheFormats(const std::string& kv, const std::string& kv_values,
                       const std::string& prefix, const Model& model,
                       CrossChecker* check) {
  const auto has = [&](auto has_mixer) {
    return std::any_of(model.block().begin(), model.block().end(), has_mixer);
  };
  const std::pair<const char*, const std::string*> caches[] = {
      {"kv", &kv}, {"kv_values", &kv_values}};
  for (const auto& [field, name] : caches) {
    const NumberFormat* format = FindFormat(*name);
    if (format == nullptr) continue;
    check->Require(!format->is_recipe, prefix + field,
                   absl::StrCat("\"", format->name,
                                "\" is a recipe for weights; a cache has one "
                                "format, such as q8_0"));
    check->Require(format->name != "fp8-ds-mla" ||
                       has([](const Block& block) {
                         return block.has_latent_attention();
                       }),
                   prefix + field,
                   absl::StrCat("\"fp8-ds-mla\" stores latent vectors; ",
                                model.name(),
                                " has no latent attention: expected fp8"));
  }
  check->Require(kv_values.empty() || has([](const Block& block) {
                   return block.has_attention();
                 }),
                 prefix + "kv_values",
                 absl::StrCat(model.name(),
                              " caches no values apart from keys; expected kv "
                              "alone"));
}

// Whether a field is in the file: a number that is given as 0 has a location
// alone.
bool IsGiven(const Message& message, absl::string_view name,
             const FieldLocations* locations) {
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(std::string(name));
  const Reflection& reflection = *message.GetReflection();
  if (field->is_repeated()) return reflection.FieldSize(message, field) > 0;
  return reflection.HasField(message, field) ||
         (locations != nullptr && locations->GetLocation(field, -1).line >= 0);
}

// What a network must not have.
void CheckNetworkFields(const Model& model, const ValidateOptions& options,
                        CrossChecker* check) {
  constexpr absl::string_view kOfNetworks[] = {"name",    "description",
                                               "sources", "aliases",
                                               "hf_ids",  "network"};
  const Descriptor& type = *Model::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string& name = type.field(i)->name();
    const bool allowed =
        std::find(std::begin(kOfNetworks), std::end(kOfNetworks), name) !=
        std::end(kOfNetworks);
    check->Require(allowed || !IsGiven(model, name, options.locations), name,
                   "is of language models; a network has its layers alone");
  }
}

// Formats and storage of a layer's weights.
void CheckLayerFormats(const Network& network, const NetworkLayer& layer,
                       const std::string& path, CrossChecker* check) {
  const bool has_weights = layer.has_convolution() || layer.has_depthwise() ||
                           layer.has_fully_connected();
  check->Require(has_weights || layer.weights().empty(), path + ".weights",
                 "is of layers with weights");
  check->Require(has_weights || layer.stored_bits_per_weight() == 0,
                 path + ".stored_bits_per_weight", "is of layers with weights");
  const std::string& weights = !layer.weights().empty() ? layer.weights()
                               : !network.weights().empty()
                                   ? network.weights()
                                   : "int8";
  const NumberFormat* format = FindFormat(weights);
  if (format == nullptr) return;
  check->Require(
      layer.stored_bits_per_weight() <= format->bits_per_element,
      path + ".stored_bits_per_weight",
      absl::StrCat(Number(layer.stored_bits_per_weight()),
                   " is more than the ", Number(format->bits_per_element),
                   " bits of ", format->name));
}

// A format that products take, and not one of storage or a mix of formats.
void CheckOperandFormat(const std::string& name, const std::string& path,
                        CrossChecker* check) {
  const NumberFormat* format = FindFormat(name);
  check->Require(format == nullptr ||
                     format->operand != NumberFormat::Operand::kStorageOnly,
                 path,
                 absl::StrCat("\"", name,
                              "\" is a storage format or a mix; a network "
                              "takes one that engines multiply, such as int8"));
}

// The layer that a layer reads, by name.
void CheckLayerRead(const Network& network, int index, const std::string& name,
                    const std::string& path, CrossChecker* check) {
  if (LayerRead(network, index, name) != -2) return;
  std::vector<std::string> earlier = {std::string(kNetworkInput)};
  for (int i = 0; i < index; ++i) earlier.push_back(network.layer(i).name());
  check->Require(false, path,
                 UnknownNameMessage("earlier layer", name, earlier, ""));
}

const Window* WindowOf(const NetworkLayer& layer) {
  if (layer.has_convolution()) return &layer.convolution().window();
  if (layer.has_depthwise()) return &layer.depthwise().window();
  return layer.pooling().has_window() ? &layer.pooling().window() : nullptr;
}

std::string Shape(const TensorShape<>& shape) {
  return absl::StrCat(shape.channels, " x ", shape.height, " x ", shape.width);
}

// Checks the layers of a network whose fields are in range.
void CheckNetwork(const Network& network, CrossChecker* check) {
  check->RequireDistinct(network.layer(), "network.layer");
  check->Require(
      network.layer_size() <= kMostLayers, "network.layer",
      absl::StrCat(network.layer_size(), " layers; expected at most ",
                   kMostLayers));
  CheckOperandFormat(network.weights(), "network.weights", check);
  CheckOperandFormat(network.activations(), "network.activations", check);
  const std::vector<LayerShape<>> shapes =
      ShapesOf<double>(network, ValueReader());
  for (int i = 0; i < network.layer_size(); ++i) {
    const NetworkLayer& layer = network.layer(i);
    const LayerShape<>& shape = shapes[i];
    const std::string path =
        absl::StrCat("network.layer.", Printable(layer.name()));
    check->Require(!layer.name().empty(), absl::StrCat("network.layer[", i, "]"),
                   "has no name");
    check->Require(layer.name() != kNetworkInput, path,
                   "is the name of the network's input");
    // Less than a tenth of a bit per weight is a slip, not a compression.
    const double stored_bits = layer.stored_bits_per_weight();
    check->Require(stored_bits == 0 || stored_bits >= 0.1,
                   path + ".stored_bits_per_weight",
                   absl::StrCat("is ", Number(stored_bits),
                                "; expected at least 0.1 bits, or none"));
    check->Require(layer.kind_case() != NetworkLayer::KIND_NOT_SET, path,
                   "has no kind; expected convolution, depthwise, pooling, "
                   "fully_connected or residual_add");
    CheckLayerRead(network, i, layer.input(), path + ".input", check);
    CheckLayerFormats(network, layer, path, check);
    CheckOperandFormat(layer.weights(), path + ".weights", check);
    CheckOperandFormat(layer.activations(), path + ".activations", check);
    const Window* window = WindowOf(layer);
    check->Require(
        window == nullptr || window->padding() != Window::VALID ||
            (shape.window.height <= shape.in.height &&
             shape.window.width <= shape.in.width),
        path,
        absl::StrCat("has a kernel of ", shape.window.height, " x ",
                     shape.window.width, ", larger than its input of ",
                     Shape(shape.in), "; give padding SAME, or a smaller one"));
    check->Require(window == nullptr ||
                       (window->stride() <= shape.in.height &&
                        window->stride_width() <= shape.in.width),
                   path,
                   absl::StrCat("moves further than its input of ",
                                Shape(shape.in), " is long"));
    if (!layer.has_residual_add()) continue;
    const std::string& other = layer.residual_add().other();
    CheckLayerRead(network, i, other, path + ".residual_add.other", check);
    const int from = LayerRead(network, i, other);
    if (from < 0) continue;
    const TensorShape<>& added = shapes[from].out;
    check->Require(added.channels == shape.in.channels &&
                       added.height == shape.in.height &&
                       added.width == shape.in.width,
                   path,
                   absl::StrCat("adds ", Shape(added), " of ", Printable(other),
                                " to ", Shape(shape.in)));
  }
}

}  // namespace

void ValidateCircuit(const AnalogCircuit& circuit,
                     const ValidateOptions& options,
                     std::vector<Fault>* faults) {
  CrossChecker check(options.file, faults);
  CheckCircuit(circuit, "", &check);
}

void ValidateModel(const Model& model, const ValidateOptions& options,
                   std::vector<Fault>* faults) {
  CrossChecker check(options.file, faults);
  if (model.has_network()) {
    CheckNetworkFields(model, options, &check);
    CheckNetwork(model.network(), &check);
    return;
  }
  check.RequireDistinct(model.block(), "block");
  std::set<std::string> used;
  // Use doubles, so that absurd repetitions cannot overflow.
  double layers = 0;
  for (const LayerPattern& pattern : model.layers()) {
    for (const LayerPattern::Run& run : pattern.run()) {
      used.insert(run.block());
      layers += static_cast<double>(run.count()) *
                std::max<int64_t>(pattern.repeat(), 1);
    }
  }
  check.Require(
      layers <= kMostLayers, "layers",
      absl::StrCat(layers, " layers in all; expected at most ", kMostLayers));
  used.insert(model.mtp_block().begin(), model.mtp_block().end());
  CheckCacheFormats(model.formats().kv(), model.formats().kv_values(),
                    "formats.", model, &check);
  for (const Block& block : model.block()) {
    const std::string path = absl::StrCat("block.", Printable(block.name()));
    check.Require(used.count(block.name()) > 0, path,
                  "is in no run of `layers` and no MTP module");
    check.Require(block.mixer_case() != Block::MIXER_NOT_SET ||
                      block.channel_case() != Block::CHANNEL_NOT_SET ||
                      block.extra_size() > 0,
                  path, "has neither a mixer nor a channel part");
    if (block.has_attention()) {
      const Attention& attention = block.attention();
      check.Require(Divides(attention.kv_heads(), attention.heads()),
                    path + ".attention.kv_heads",
                    absl::StrCat(attention.kv_heads(), " does not divide the ",
                                 attention.heads(), " query heads"));
    }
    if (block.has_linear_attention()) {
      const LinearAttention& linear = block.linear_attention();
      check.Require(Divides(linear.key_heads(), linear.value_heads()),
                    path + ".linear_attention.key_heads",
                    absl::StrCat(linear.key_heads(), " does not divide the ",
                                 linear.value_heads(), " value heads"));
    }
    if (block.has_moe()) {
      check.Require(
          block.moe().experts_per_token() <=
              block.moe().experts() + block.moe().identity_experts(),
          path + ".moe.experts_per_token",
          absl::StrCat(block.moe().experts_per_token(), " is more than the ",
                       block.moe().experts(), " experts"));
    }
  }
}

void ValidateHardware(const Hardware& hardware, const ValidateOptions& options,
                      std::vector<Fault>* faults) {
  CrossChecker check(options.file, faults);
  check.RequireDistinct(hardware.memory(), "memory");
  check.RequireDistinct(hardware.engine(), "engine");
  check.Require(hardware.memory_size() <= kMaxMemoryLevels, "memory",
                absl::StrCat("has ", hardware.memory_size(),
                             " levels; expected at most ", kMaxMemoryLevels));
  for (const MemoryLevel& level : hardware.memory()) {
    CheckMemoryLevel(level, &check);
  }
  CheckPlacesOfLevels(hardware, &check);
  CheckOrder(hardware, &check);
  const int kernels = hardware.runtime().kernels_size();
  check.Require(kernels <= kMaxKernelFormats, "runtime.kernels",
                absl::StrCat("has ", kernels, " formats; expected at most ",
                             kMaxKernelFormats));
  int tensor_engines = 0, lane_engines = 0, vector_engines = 0, rates = 0;
  for (const ComputeEngine& engine : hardware.engine()) {
    tensor_engines += engine.kind() == ComputeEngine::TENSOR;
    lane_engines += engine.kind() == ComputeEngine::BIT_SERIAL;
    vector_engines += engine.kind() == ComputeEngine::VECTOR;
    rates += engine.rate_size();
    CheckEngine(engine, &check);
  }
  check.Require(rates <= kMaxFormatRates, "engine",
                absl::StrCat("have ", rates, " rates in all; expected at most ",
                             kMaxFormatRates));
  check.Require(tensor_engines + lane_engines >= 1, "engine",
                "has no engine of kind TENSOR, which products with the KV cache "
                "need, nor of kind BIT_SERIAL");
  check.Require(vector_engines == 1, "engine",
                absl::StrCat("has ", vector_engines,
                             " engines of kind VECTOR; expected one"));
  if (hardware.has_interconnect()) {
    const Interconnect& link = hardware.interconnect();
    check.Require(link.has_energy_pj_per_bit() ||
                      link.technology().has_energy_pj_per_bit(),
                  "interconnect.energy_pj_per_bit",
                  "is missing; give it or a technology");
    CheckNetworks(link, &check);
  }
  CheckClocks(hardware, &check);
  CheckCorrelations(hardware, &check);
  CheckSilicon(hardware, &check);
  const BoardPower& board = hardware.board();
  const auto with_logic = std::find_if(
      hardware.engine().begin(), hardware.engine().end(),
      [](const ComputeEngine& engine) { return engine.has_logic(); });
  const bool leaks = with_logic != hardware.engine().end() &&
                     with_logic->logic().has_leakage_w_per_mm2();
  const bool by_class =
      board.has_static_power_fraction() && board.has_power_cap_w();
  check.Require(board.has_static_power_w() || by_class ||
                    (leaks && hardware.has_silicon()),
                "board.static_power_w",
                "is missing; give it, or static_power_fraction and "
                "power_cap_w, or silicon and a first engine with logic that "
                "has leakage_w_per_mm2");
  if (board.has_power_cap_w()) {
    double standing =
        board.has_static_power_w() || !by_class
            ? board.static_power_w().high()
            : board.static_power_fraction().high() * board.power_cap_w().low();
    for (const MemoryLevel& level : hardware.memory()) {
      standing += level.devices().high() *
                  (level.technology().background_power_w_per_device().high() +
                   level.technology().refresh_power_w_per_device().high());
    }
    standing /= std::max(board.regulator_efficiency().low(), 1e-3);
    check.Require(
        standing < board.power_cap_w().low(), "board.power_cap_w",
        absl::StrFormat("%g W leaves nothing above the %g W that the chip and "
                        "its memory draw when idle, at the high end of their "
                        "ranges",
                        board.power_cap_w().low(), standing));
  }
  const auto check_part = [&](const Hardware& part) {
    ValidateOptions of_part = options;
    of_part.file = part.name();
    ValidateHardware(part, of_part, faults);
  };
  if (hardware.has_host()) check_part(hardware.host());
  for (const Hardware& stage : hardware.stage()) check_part(stage);
}

namespace {

// Heads that tensor parallelism splits, and heads that it may replicate
// instead.
struct SplitHeads {
  absl::string_view kind;
  int64_t split = 0;
  int64_t copied = 0;
};

SplitHeads HeadsOf(const Block& block) {
  switch (block.mixer_case()) {
    case Block::kAttention:
      return {"query", block.attention().heads(), block.attention().kv_heads()};
    case Block::kLatentAttention:
      return {"query", block.latent_attention().heads(), 0};
    case Block::kCompressedAttention:
      return {"query", block.compressed_attention().heads(), 0};
    case Block::kMamba2:
      return {"state-space", block.mamba2().heads(), 0};
    case Block::kLinearAttention:
      return {"key", block.linear_attention().key_heads(), 0};
    default:
      return {};
  }
}

void CheckParallelism(const Scenario& scenario, const Model& model,
                      const Hardware& hardware, CrossChecker* check) {
  const Parallelism parallel = ParallelismOf(scenario);
  const int64_t tp = parallel.tp, ep = parallel.ep;
  const int64_t attention_chips = tp * scenario.dp();
  check->Require(parallel.pp <= TotalLayers(model), "pp",
                 absl::StrCat(parallel.pp, " stages are more than the ",
                              TotalLayers(model), " layers of ", model.name()));
  bool has_experts = false;
  for (const Block& block : model.block()) {
    const SplitHeads heads = HeadsOf(block);
    check->Require(heads.split % tp == 0, "tp",
                   absl::StrCat(tp, " does not divide the ", heads.split, " ",
                                heads.kind, " heads of ", model.name()));
    check->Require(
        heads.copied == 0 || heads.copied % tp == 0 || tp % heads.copied == 0,
        "tp",
        absl::StrCat(tp, " and the ", heads.copied, " KV heads of ",
                     model.name(), " do not divide one another"));
    if (!block.has_moe()) continue;
    has_experts = true;
    check->Require(
        block.moe().experts() % ep == 0, "ep",
        absl::StrCat(ep, " does not divide the ", block.moe().experts(),
                     " experts of ", model.name()));
  }
  check->Require(ep == 1 || has_experts, "ep",
                 absl::StrCat(model.name(), " has no experts to spread"));
  check->Require(ep % attention_chips == 0 || attention_chips % ep == 0, "ep",
                 absl::StrCat("ep = ", ep, " and tp x dp = ", attention_chips,
                              " do not divide one another"));
  check->Require(
      scenario.batch() >= static_cast<double>(parallel.replicas), "batch",
      absl::StrCat(Number(scenario.batch()), " leaves some of the ",
                   parallel.replicas,
                   " data-parallel replicas without a sequence; expected at "
                   "least ",
                   parallel.replicas));
  if (parallel.chips() == 1) return;
  if (!hardware.has_interconnect()) {
    check->Require(
        false, "tp",
        absl::StrCat(parallel.chips(), " chips need an interconnect; ",
                     hardware.name(), " has none"));
    return;
  }
  const Interconnect& link = hardware.interconnect();
  const double most = link.beyond_size() > 0
                          ? link.beyond(link.beyond_size() - 1).max_chips().value()
                          : link.max_chips().value();
  check->Require(parallel.chips() <= most, "tp",
                 absl::StrCat(parallel.chips(), " chips; ", hardware.name(),
                              " joins at most ", most));
}

// Offloads and pipelines of unlike machines.
void CheckSharing(const Scenario& scenario, const Model& model,
                  const Hardware& hardware, CrossChecker* check) {
  const absl::StatusOr<Offload> offload =
      ParseOffload(scenario.offload(), model);
  check->Require(offload.ok(), "offload",
                 std::string(offload.status().message()));
  const int machines = 1 + hardware.stage_size();
  if (!scenario.split().empty()) {
    check->Require(machines > 1, "split",
                   "needs several machines, as in --pipeline=A,B");
    if (machines > 1) {
      const auto split = ParseSplit(scenario.split(), machines, model);
      check->Require(split.ok(), "split",
                     std::string(split.status().message()));
    }
  }
  const bool offloads = offload.ok() && offload->Any();
  if (!offloads && machines == 1) return;
  check->Require(machines <= TotalLayers(model), "split",
                 absl::StrCat(machines, " machines are more than the ",
                              TotalLayers(model), " layers of ", model.name()));
  const Parallelism parallel = ParallelismOf(scenario);
  check->Require(parallel.chips() == 1, offloads ? "offload" : "split",
                 absl::StrCat("takes one chip of each machine; expected tp, pp, "
                              "dp and ep of 1, found ",
                              parallel.chips(), " chips"));
  if (offloads) {
    check->Require(hardware.has_host(), "offload",
                   absl::StrCat(hardware.name(),
                                " has no host; name one with --host"));
    check->Require(hardware.has_host_link(), "offload",
                   absl::StrCat(hardware.name(),
                                " has no host_link; its file has to describe "
                                "the link to the host"));
  }
  if (machines == 1) return;
  const auto require_network = [&](const Hardware& stage) {
    check->Require(stage.has_interconnect(), "hardware",
                   absl::StrCat(stage.name(),
                                " has no interconnect, over which the stages of "
                                "a pipeline send"));
  };
  require_network(hardware);
  for (const Hardware& stage : hardware.stage()) require_network(stage);
}

// Requires exactly one of the fields that say how many tokens a step gains.
void CheckGainedTokens(const Speculation& speculation, CrossChecker* check) {
  std::vector<absl::string_view> given;
  if (speculation.has_acceptance_rate()) given.push_back("acceptance_rate");
  if (speculation.accepted_length() != 0) given.push_back("accepted_length");
  if (speculation.has_accepted_fraction()) given.push_back("accepted_fraction");
  check->Require(
      given.size() == 1, "speculation",
      absl::StrCat(
          "found ", given.empty() ? "none" : absl::StrJoin(given, " and "),
          "; expected exactly one of acceptance_rate (chance of each drafted "
          "token, given that those before it were accepted), accepted_length "
          "(tokens per step) and accepted_fraction (accepted / drafted tokens, "
          "as engines log)"));
}

void CheckSpeculation(const Scenario& scenario, const Model& model,
                      CrossChecker* check) {
  if (!scenario.has_speculation()) return;
  const Speculation& speculation = scenario.speculation();
  check->Require(
      speculation.accepted_length() == 0 ||
          (speculation.accepted_length() >= 1 &&
           speculation.accepted_length() <= speculation.draft_tokens() + 1),
      "speculation.accepted_length",
      absl::StrCat(Number(speculation.accepted_length()),
                   " is out of range; a step yields 1 to draft_tokens + 1 = ",
                   speculation.draft_tokens() + 1, " tokens"));
  CheckGainedTokens(speculation, check);
  check->Require(
      speculation.draft_model() != "mtp" || model.mtp_modules() > 0,
      "speculation.draft_model",
      absl::StrCat(model.name(), " has no multi-token-prediction module"));
}

// The prefix must end before the decoded token, and before a newcomer's last
// prompt token.
void CheckSharedPrefix(const Scenario& scenario, CrossChecker* check) {
  const double prefix = scenario.shared_prefix_tokens();
  const auto require_shorter = [&](double length, absl::string_view of) {
    check->Require(prefix <= length - 1, "shared_prefix_tokens",
                   absl::StrCat(Number(prefix), " is too long; ", of, " of ",
                                Number(length), " tokens leaves at most ",
                                Number(length - 1)));
  };
  // This form also skips NaN, which has already been reported as out of range.
  if (!(prefix > 0)) return;
  require_shorter(scenario.context(), "a context");
  if (scenario.prompt() > 0) require_shorter(scenario.prompt(), "a prompt");
}

// What a scenario may say of a network of explicit layers: the rest is about
// language models or about several chips.
void CheckNetworkScenario(const Scenario& scenario, const Model& model,
                          CrossChecker* check) {
  const std::string of_language_models = absl::StrCat(
      "has no meaning for ", model.name(),
      ", a network of explicit layers: it is about language models");
  constexpr absl::string_view kOfNetworks[] = {
      "batch", "weights", "activations", "boundary", "ideal", "model",
      "hardware", "set", "expect", "runtime", "tp", "pp", "dp", "ep", "context"};
  const Descriptor& type = *Scenario::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string& name = type.field(i)->name();
    const bool allowed =
        std::find(std::begin(kOfNetworks), std::end(kOfNetworks), name) !=
        std::end(kOfNetworks);
    check->Require(allowed || !IsGiven(scenario, name, nullptr), name,
                   of_language_models);
  }
  // Scenarios carry the default everywhere.
  check->Require(!scenario.has_context() ||
                     scenario.context() == kDefaultContext,
                 "context", of_language_models);
  check->Require(
      ParallelismOf(scenario).chips() == 1, "tp",
      absl::StrCat(model.name(),
                   ", a network of explicit layers, runs on one chip; expected "
                   "tp, pp, dp and ep of 1"));
  const std::pair<const char*, const std::string*> operands[] = {
      {"weights", &scenario.weights()},
      {"activations", &scenario.activations()}};
  for (const auto& [field, name] : operands) {
    CheckOperandFormat(*name, field, check);
  }
}

}  // namespace

namespace {

// The boundaries of the memory devices hold nothing on a machine whose memory is
// all on the chip: every quotient of energies there would be 0 / 0.
void CheckBoundary(const Scenario& scenario, const Hardware& hardware,
                   CrossChecker* check) {
  const int boundary = BoundaryIndex(scenario.boundary());
  if (boundary != kStackBoundary && boundary != kMemoryPathBoundary) return;
  bool has_devices = !scenario.offload().empty() || hardware.stage_size() > 0;
  for (const MemoryLevel& level : hardware.memory()) {
    const MemoryTechnology::Kind kind = level.technology().kind();
    has_devices |= kind != MemoryTechnology::SRAM &&
                   kind != MemoryTechnology::ANALOG_CELLS;
  }
  check->Require(has_devices || hardware.memory().empty(), "boundary",
                 absl::StrCat("\"", scenario.boundary(), "\" is empty on ",
                              hardware.name(),
                              ", whose memory is all on the chip; expected "
                              "chip or a boundary around it"));
}

}  // namespace

void ValidateScenario(const Scenario& scenario, const Model& model,
                      const Hardware& hardware, std::vector<Fault>* faults) {
  ValidateFields(scenario, {"scenario", nullptr, true}, faults);
  CrossChecker check("scenario", faults);
  CheckBoundary(scenario, hardware, &check);
  if (model.has_network()) {
    CheckNetworkScenario(scenario, model, &check);
    check.Require(hardware.stage_size() == 0, "hardware",
                  absl::StrCat(model.name(),
                               ", a network of explicit layers, runs on one "
                               "machine"));
    return;
  }
  const bool has_degrees = scenario.tp() >= 1 && scenario.pp() >= 1 &&
                           scenario.dp() >= 1 && scenario.ep() >= 1;
  if (has_degrees) CheckParallelism(scenario, model, hardware, &check);
  if (has_degrees) CheckSharing(scenario, model, hardware, &check);
  CheckSpeculation(scenario, model, &check);
  check.Require((scenario.prompt() > 0) == (scenario.output() > 0), "prompt",
                "mixed serving needs both prompt and output lengths");
  CheckSharedPrefix(scenario, &check);
  CheckCacheFormats(scenario.kv(), scenario.kv_values(), "", model, &check);
  if (const NumberFormat* format = FindFormat(scenario.activations())) {
    check.Require(format->operand != NumberFormat::Operand::kStorageOnly,
                  "activations",
                  absl::StrCat("\"", scenario.activations(),
                               "\" is a storage format; no engine multiplies "
                               "it"));
  }
}

}  // namespace tokenjoule
