#include "analyzer/description/new_hardware.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/base/visible.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/textproto.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/constant.pb.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

// Fewer machines of a base do not say what is usual.
constexpr int kFewestOfBase = 2;

// Whether a number must be given where the base does not give it.
enum class Need { kRequired, kOptional };

// A number of a group, in the order in which it is written.
struct Line {
  absl::string_view field;
  Need need;
  absl::string_view meaning;
};

constexpr Line kFarLevel[] = {
    {"devices", Need::kRequired,
     "stacks, packages or channels on one chip; standing power counts for "
     "each"},
    {"capacity_gb", Need::kRequired, "capacity on one chip, GB of 1e9 bytes"},
    {"bandwidth_gb_per_s", Need::kRequired,
     "peak bandwidth on one chip, GB/s of 1e9 bytes"},
    {"bandwidth_efficiency", Need::kRequired,
     "fraction of the peak that very long transfers reach"},
    {"half_transfer_mb", Need::kOptional,
     "bytes that reach half of that fraction, MB; absent: 0"},
    {"phy_energy_pj_per_bit", Need::kOptional,
     "host side of the interface, pJ/bit; absent: 0"},
    {"path_energy_pj_per_bit", Need::kOptional,
     "controller and fabric up to the nearer level, pJ/bit; absent: 0"},
};
constexpr Line kNearLevel[] = {
    {"capacity_gb", Need::kRequired, "capacity on one chip, GB of 1e9 bytes"},
    {"bandwidth_gb_per_s", Need::kRequired,
     "peak bandwidth on one chip, GB/s of 1e9 bytes"},
    {"bandwidth_efficiency", Need::kRequired,
     "fraction of the peak that very long transfers reach"},
    {"activation_capacity_fraction", Need::kOptional,
     "fraction that activations may occupy before they spill"},
    {"network_energy_pj_per_bit", Need::kOptional,
     "from this level to the engines, pJ/bit; absent: 0"},
    {"wire_length_mm", Need::kOptional,
     "or length of that wire, mm, with the wire energy of the node"},
};
constexpr Line kEngine[] = {
    {"compute_efficiency", Need::kRequired,
     "fraction of the peak that large operators reach"},
};
constexpr Line kRate[] = {
    {"peak_tflops", Need::kRequired,
     "dense peak of one chip, TFLOP/s (a multiply-add is two FLOP)"},
    {"energy_pj_per_flop", Need::kRequired,
     "one FLOP with its operands and registers, pJ"},
};
constexpr Line kCoreClock[] = {
    {"reference_mhz", Need::kRequired,
     "clock at which the machine decodes and its numbers hold, MHz"},
    {"lowest_mhz", Need::kOptional, "lowest clock that can be set, MHz"},
    {"highest_mhz", Need::kOptional, "highest clock that can be set, MHz"},
    {"voltage_floor", Need::kRequired,
     "lowest voltage relative to that at the reference"},
    {"voltage_slope", Need::kRequired,
     "relative change of voltage per relative change of clock"},
    {"clocked_share", Need::kRequired,
     "share of static power that scales with clock and voltage"},
};
constexpr Line kInterconnect[] = {
    {"bandwidth_gb_per_s", Need::kRequired,
     "one chip in one direction, GB/s of 1e9 bytes"},
    {"bandwidth_efficiency", Need::kRequired,
     "fraction of it that collectives reach"},
    {"latency_us", Need::kRequired, "time of an empty message, microseconds"},
    {"energy_pj_per_bit", Need::kRequired,
     "a bit from one chip to another, pJ/bit"},
    {"max_chips", Need::kRequired, "most chips that it joins"},
};
constexpr Line kBoard[] = {
    {"power_cap_w", Need::kOptional, "limit that the board is sold with, W"},
    {"static_power_w", Need::kOptional,
     "a chip that is on but moves no data, W, without its memory"},
    {"static_power_fraction", Need::kOptional,
     "or that as a fraction of power_cap_w"},
    {"regulator_efficiency", Need::kRequired,
     "of the board's regulators; 1 if other numbers include the loss"},
};
constexpr Line kNode[] = {
    {"host_power_w_per_chip", Need::kOptional,
     "processors, memory, cards and fans of the host per chip, W"},
    {"supply_efficiency", Need::kOptional, "of the power supplies"},
    {"power_usage_effectiveness", Need::kOptional,
     "facility power over IT power; 1 without a machine room"},
};
constexpr Line kSilicon[] = {
    {"phy_mm2_per_device", Need::kRequired,
     "PHY and controller per device of memory, mm2"},
    {"memory_usd_per_gb", Need::kRequired, "price of memory, US$ per GB"},
    {"package_usd", Need::kRequired, "package of one chip, US$"},
    {"package_usd_per_device", Need::kRequired,
     "package per device of memory, US$"},
    {"board_usd", Need::kRequired, "board and cooling per chip, US$"},
};

// Smallest and largest value of a number among machines.
struct Usual {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  int machines = 0;

  void Add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
    ++machines;
  }
};
using UsualValues = std::map<std::string, Usual>;

const Constant* ConstantOf(const Message& message, absl::string_view name) {
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(std::string(name));
  if (field == nullptr || field->is_repeated() ||
      field->message_type() != Constant::descriptor() ||
      !message.GetReflection()->HasField(message, field)) {
    return nullptr;
  }
  return google::protobuf::DynamicCastToGenerated<Constant>(
      &message.GetReflection()->GetMessage(message, field));
}

void AddGroup(const std::string& group, const Message& message,
              UsualValues* usual) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const std::string name(message.GetDescriptor()->field(i)->name());
    const Constant* constant = ConstantOf(message, name);
    if (constant == nullptr) continue;
    (*usual)[absl::StrCat(group, ".", name)].Add(constant->value());
  }
}

bool IsSram(const MemoryLevel& level) {
  return level.technology().kind() == MemoryTechnology::SRAM;
}

std::string EngineGroup(const ComputeEngine& engine) {
  return engine.kind() == ComputeEngine::VECTOR ? "vector" : "tensor";
}

void AddMachine(const Hardware& hardware, UsualValues* usual) {
  for (const MemoryLevel& level : hardware.memory()) {
    AddGroup(IsSram(level) ? "near" : "far", level, usual);
  }
  for (const ComputeEngine& engine : hardware.engine()) {
    const std::string group = EngineGroup(engine);
    AddGroup(group, engine, usual);
    for (const ComputeEngine::FormatRate& rate : engine.rate()) {
      AddGroup(absl::StrCat(group, ".", rate.format()), rate, usual);
    }
  }
  AddGroup("core_clock", hardware.core_clock(), usual);
  AddGroup("interconnect", hardware.interconnect(), usual);
  AddGroup("board", hardware.board(), usual);
  AddGroup("node", hardware.node(), usual);
  AddGroup("silicon", hardware.silicon(), usual);
}

// The values of numbers in the catalogue: of all machines, and of those that
// are based on `base`.
struct Catalogue {
  UsualValues all, of_base;
};

// A machine of the catalogue, and the names of its file and bases.
struct Machine {
  Hardware hardware;
  std::vector<std::string> files;
};

absl::StatusOr<std::vector<Machine>> ReadMachines() {
  std::vector<Machine> machines;
  for (const std::string& name : CatalogNames(SpecKind::kSystem)) {
    // Its numbers are ones.
    if (name == "unit") continue;
    Machine machine;
    ASSIGN_OR_RETURN(machine.hardware, LoadHardware(name));
    ASSIGN_OR_RETURN(const std::vector<HardwareFile> files,
                     LoadHardwareFiles(name));
    for (const HardwareFile& file : files) machine.files.push_back(file.name);
    machines.push_back(std::move(machine));
  }
  return machines;
}

absl::StatusOr<Catalogue> ReadCatalogue(const std::string& base) {
  // They are read once.
  static const auto* const machines =
      new absl::StatusOr<std::vector<Machine>>(ReadMachines());
  if (!machines->ok()) return machines->status();
  Catalogue catalogue;
  for (const Machine& machine : **machines) {
    AddMachine(machine.hardware, &catalogue.all);
    if (std::find(machine.files.begin(), machine.files.end(), base) !=
        machine.files.end()) {
      AddMachine(machine.hardware, &catalogue.of_base);
    }
  }
  return catalogue;
}

// Lines of a group, each either part of the file or a comment that a user may
// make a part.
class Group {
 public:
  void Active(absl::string_view line) { lines_.emplace_back(true, line); }
  void Comment(absl::string_view line) { lines_.emplace_back(false, line); }

  // Adds `inner` between `header` and a brace. If all its lines are comments,
  // so are these two, unless the group must be there.
  void Add(absl::string_view header, const Group& inner, bool keep = false) {
    const bool active =
        keep || std::any_of(inner.lines_.begin(), inner.lines_.end(),
                            [](const auto& line) { return line.first; });
    lines_.emplace_back(active, header);
    for (const auto& [is_active, text] : inner.lines_) {
      lines_.emplace_back(active && is_active, absl::StrCat("  ", text));
    }
    lines_.emplace_back(active, "}");
  }

  std::string ToString() const {
    std::string out;
    for (const auto& [active, text] : lines_) {
      const size_t indent = text.find_first_not_of(' ');
      if (indent == std::string::npos) {
        out += "\n";
        continue;
      }
      absl::StrAppend(&out, text.substr(0, indent), active ? "" : "# ",
                      text.substr(indent), "\n");
    }
    return out;
  }

 private:
  std::vector<std::pair<bool, std::string>> lines_;
};

// What all groups are written from.
struct Context {
  // The name of the base, for comments.
  std::string base;
  Catalogue catalogue;

  // "; usually 1 to 2".
  std::string UsualText(const std::string& key) const {
    const auto of_base = catalogue.of_base.find(key);
    const auto all = catalogue.all.find(key);
    const bool by_base = of_base != catalogue.of_base.end() &&
                         of_base->second.machines >= kFewestOfBase;
    if (!by_base && all == catalogue.all.end()) return "";
    const Usual& usual = by_base ? of_base->second : all->second;
    if (usual.low == usual.high) return absl::StrCat("; usually ", usual.low);
    return absl::StrCat("; usually ", usual.low, " to ", usual.high);
  }

  // One number. `of_base` is its group in the base, which `name` names in the
  // catalogue.
  void Number(const Line& line, const Message& of_base, const std::string& name,
              Group* group) const {
    const Constant* known = ConstantOf(of_base, line.field);
    const std::string meaning = absl::StrCat(
        "  # ", line.meaning, UsualText(absl::StrCat(name, ".", line.field)));
    if (known != nullptr) {
      group->Comment(absl::StrCat(
          line.field, " { value: ", known->value(), " low: ", known->low(),
          " high: ", known->high(), " }", meaning, "; inherited from ", base));
    } else if (line.need == Need::kRequired) {
      group->Active(absl::StrCat(line.field, " { value: nan }", meaning));
    } else {
      group->Comment(absl::StrCat(line.field, " { value: nan }", meaning));
    }
  }

  template <size_t n>
  void Numbers(const Line (&lines)[n], const Message& of_base,
               const std::string& name, Group* group) const {
    for (const Line& line : lines) Number(line, of_base, name, group);
  }
};

// The technology that a level of this name is probably made of.
absl::string_view LikelyTechnology(absl::string_view level) {
  constexpr std::pair<absl::string_view, absl::string_view> kLikely[] = {
      {"hbm", "hbm3"}, {"gddr", "gddr6x"},   {"lpddr", "lpddr5x"},
      {"ddr", "ddr5"}, {"backing", "hbm3e"}, {"dram", "lpddr5x"},
  };
  for (const auto& [part, technology] : kLikely) {
    if (absl::StrContains(level, part)) return technology;
  }
  return "sram-5nm";
}

void AddLevel(const Context& context, const MemoryLevel& level, Group* file) {
  const MemoryTechnology& technology = level.technology();
  const bool has_technology =
      technology.kind() != MemoryTechnology::KIND_UNSPECIFIED;
  const std::string name(has_technology ? absl::string_view(technology.base())
                                        : LikelyTechnology(level.name()));
  const bool near =
      has_technology ? IsSram(level) : absl::StartsWith(name, "sram");
  Group group;
  group.Active(absl::StrCat("name: ", QuotedText(level.name())));
  const std::string line = absl::StrCat(
      "technology { base: ", QuotedText(name),
      " }  # what it is made of; `tokenjoule list technologies` shows all");
  if (has_technology) {
    group.Comment(absl::StrCat(line, "; inherited from ", context.base));
  } else {
    group.Active(line);
  }
  if (near) {
    context.Numbers(kNearLevel, level, "near", &group);
  } else {
    for (Line line : kFarLevel) {
      // A base may give the whole level instead of its devices.
      if (line.field == "devices" && level.has_capacity_gb() &&
          level.has_bandwidth_gb_per_s()) {
        line.need = Need::kOptional;
      }
      context.Number(line, level, "far", &group);
    }
  }
  file->Add("memory {", group, /*keep=*/true);
}

void AddRate(const Context& context, const ComputeEngine& engine,
             const ComputeEngine::FormatRate& rate, Group* group) {
  const std::string name =
      absl::StrCat(EngineGroup(engine), ".", rate.format());
  // The node gives the energy of its formats.
  const bool by_node = std::any_of(
      engine.logic().mac().begin(), engine.logic().mac().end(),
      [&](const auto& mac) { return mac.format() == rate.format(); });
  Group inner;
  for (Line line : kRate) {
    if (by_node && line.field == "energy_pj_per_flop") {
      line.need = Need::kOptional;
    }
    context.Number(line, rate, name, &inner);
  }
  group->Add(absl::StrCat("rate { format: ", QuotedText(rate.format()),
                          "  # one rate for each format that it multiplies; "
                          "`tokenjoule list formats`"),
             inner);
}

void AddEngine(const Context& context, const ComputeEngine& engine,
               bool is_of_base, Group* file) {
  const bool is_vector = engine.kind() == ComputeEngine::VECTOR;
  Group group;
  group.Active(absl::StrCat("name: ", QuotedText(engine.name())));
  if (!is_of_base) {
    group.Active(is_vector ? "kind: VECTOR  # norms, softmax, activations"
                           : "kind: TENSOR  # products of matrices");
  }
  for (const ComputeEngine::FormatRate& rate : engine.rate()) {
    AddRate(context, engine, rate, &group);
  }
  if (engine.rate().empty()) {
    ComputeEngine::FormatRate rate;
    rate.set_format(is_vector ? "fp32" : "bf16");
    AddRate(context, engine, rate, &group);
  }
  context.Numbers(kEngine, engine, EngineGroup(engine), &group);
  if (!engine.has_logic()) {
    group.Comment(
        "logic { base: \"logic-5nm\" }  # or the node, which gives the "
        "energies "
        "that are absent");
  }
  file->Add("engine {", group, /*keep=*/true);
}

void AddEngines(const Context& context, const Hardware& base, Group* file) {
  bool has_tensor = false, has_vector = false;
  for (const ComputeEngine& engine : base.engine()) {
    const bool has_lanes = engine.kind() == ComputeEngine::BIT_SERIAL;
    has_tensor |= engine.kind() == ComputeEngine::TENSOR || has_lanes;
    has_vector |= engine.kind() == ComputeEngine::VECTOR;
    const bool in_memory = engine.kind() == ComputeEngine::DIGITAL_IMC ||
                           engine.kind() == ComputeEngine::ANALOG_IMC;
    if (in_memory || has_lanes) {
      file->Comment(absl::StrCat("engine ", engine.name(),
                                 " is inherited from ", context.base));
      continue;
    }
    AddEngine(context, engine, /*is_of_base=*/true, file);
  }
  ComputeEngine added;
  added.set_kind(ComputeEngine::TENSOR);
  added.set_name("tensor");
  if (!has_tensor) AddEngine(context, added, /*is_of_base=*/false, file);
  added.set_kind(ComputeEngine::VECTOR);
  added.set_name("vector");
  if (!has_vector) AddEngine(context, added, /*is_of_base=*/false, file);
}

void AddBoard(const Context& context, const Hardware& base, Group* file) {
  const BoardPower& board = base.board();
  // Static power may follow from a limit, or from the area of a base.
  const bool by_fraction = board.has_static_power_fraction();
  const bool leaks = std::any_of(
      base.engine().begin(), base.engine().end(),
      [](const ComputeEngine& engine) {
        return engine.logic().has_leakage_w_per_mm2();
      });
  const bool by_area = base.has_silicon() && leaks &&
                       !board.has_static_power_w() && !by_fraction;
  Group group;
  for (Line line : kBoard) {
    if ((line.field == "power_cap_w" && by_fraction &&
         !board.has_static_power_w()) ||
        (line.field == "static_power_w" && !by_fraction && !by_area)) {
      line.need = Need::kRequired;
    }
    if (line.field == "static_power_fraction" && !by_fraction) continue;
    context.Number(line, board, "board", &group);
  }
  file->Add("board {", group);
}

void AddInterconnect(const Context& context, const Hardware& base,
                     Group* file) {
  const Interconnect& link = base.interconnect();
  Group group;
  if (!base.has_interconnect()) {
    group.Comment("name: \"link\"");
    group.Comment(
        "topology: SWITCHED  # or RING, MESH, TORUS (docs/hardware.md, Links)");
    group.Comment(
        "technology { base: \"ucie\" }  # or energy_pj_per_bit below");
    for (Line line : kInterconnect) {
      line.need = Need::kOptional;
      context.Number(line, link, "interconnect", &group);
    }
  } else {
    for (Line line : kInterconnect) {
      if (line.field == "energy_pj_per_bit" &&
          link.technology().has_energy_pj_per_bit()) {
        line.need = Need::kOptional;
      }
      context.Number(line, link, "interconnect", &group);
    }
    if (link.topology() == Interconnect::TOPOLOGY_UNSPECIFIED) {
      group.Active("topology: SWITCHED  # or RING, MESH, TORUS");
    }
    if (link.topology() == Interconnect::TORUS &&
        link.torus_dimensions() == 0) {
      group.Active("torus_dimensions: 2  # closed rings through each chip");
    }
  }
  file->Add("interconnect {", group);
}

// A base without memory leaves its levels open.
std::vector<MemoryLevel> LevelsOf(const Hardware& base) {
  std::vector<MemoryLevel> levels(base.memory().begin(), base.memory().end());
  if (!levels.empty()) return levels;
  for (const char* name : {"dram", "sram"}) {
    levels.emplace_back();
    levels.back().set_name(name);
  }
  return levels;
}

}  // namespace

absl::StatusOr<std::string> NewHardwareText(absl::string_view base,
                                            absl::string_view name) {
  if (name.empty() ||
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") !=
          absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("name: found \"", Printable(name),
                     "\"; expected letters a-z, 0-9, - _ and ."));
  }
  ASSIGN_OR_RETURN(const Hardware hardware, LoadBase(base));
  Context context;
  ASSIGN_OR_RETURN(context.catalogue, ReadCatalogue(hardware.name()));
  // The catalogue's name of a base that was found under another one.
  const std::string base_name =
      absl::StrContains(base, '/') ? std::string(base) : hardware.name();
  context.base = VisibleText(base_name);

  Group file;
  file.Active(absl::StrCat("name: \"", name, "\""));
  file.Active(absl::StrCat("description: \"", name, "\"  # one sentence"));
  file.Active(absl::StrCat("base: ", QuotedText(base_name),
                           "  # gives every number that is not given here"));
  file.Comment(
      "sources { id: \"me\" kind: ASSUMPTION citation: \"where the numbers are "
      "from\" date: \"2026\" }");
  file.Active("");
  file.Comment("Memory levels, from far to near.");
  for (const MemoryLevel& level : LevelsOf(hardware)) {
    AddLevel(context, level, &file);
  }
  file.Active("");
  file.Comment("Compute engines.");
  AddEngines(context, hardware, &file);
  if (hardware.has_core_clock()) {
    file.Active("");
    file.Comment("Clock of the engines and near levels.");
    Group group;
    context.Numbers(kCoreClock, hardware.core_clock(), "core_clock", &group);
    file.Add("core_clock {", group);
  }
  file.Active("");
  file.Comment("Power of the board beside that of actions.");
  AddBoard(context, hardware, &file);
  file.Active("");
  file.Comment("The computer around the chip; absent: nothing is added.");
  Group node;
  context.Numbers(kNode, hardware.node(), "node", &node);
  file.Add("node {", node);
  file.Active("");
  file.Comment("Links between chips; absent: one chip alone.");
  AddInterconnect(context, hardware, &file);
  if (hardware.has_silicon()) {
    file.Active("");
    file.Comment("Area and cost of the chip.");
    Group silicon;
    context.Numbers(kSilicon, hardware.silicon(), "silicon", &silicon);
    file.Add("silicon {", silicon);
  }
  file.Active("");
  file.Comment(
      hardware.runtime().base().empty()
          ? std::string(
                "runtime { base: \"vllm\" }  # serving software, one of "
                "`tokenjoule list runtimes`; absent: free and perfect")
          : absl::StrCat("runtime { base: ",
                         QuotedText(hardware.runtime().base()),
                         " }  # serving software; inherited from ",
                         context.base));
  return absl::StrCat(
      "# proto-file: proto/hardware.proto\n"
      "# proto-message: Hardware\n"
      "#\n"
      "# A machine on base ",
      context.base,
      ", begun by `tokenjoule new-hardware`.\n"
      "# Fill in each nan; `tokenjoule lint FILE` says which are left. Lines "
      "after a # are\n"
      "# inherited or optional: remove the # to give another number. A number "
      "may say how\n"
      "# well it is known: { value: 68.3 low: 65 high: 70 source: \"me\" }, "
      "where \"me\" is the id\n"
      "# of an entry of sources.\n\n",
      file.ToString());
}

}  // namespace tokenjoule
