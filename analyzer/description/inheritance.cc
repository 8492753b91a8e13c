#include "analyzer/description/inheritance.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/field_path.h"
#include "proto/constant.pb.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {
namespace {

constexpr size_t kMostListed = 6;
// A host of this power is a server's.
constexpr double kServerHostW = 40;
// A host that draws this many times the limit of the board is another's.
constexpr double kMostOfLimit = 1.5;

// A constant of the machine, and the base that gives it.
struct Inherited {
  std::string path;
  const Constant* constant;
  std::string base;
};

// The group of a constant as a reader thinks of it, and what is left of its
// path.
std::pair<std::string, std::string> GroupOf(absl::string_view path) {
  if (absl::EndsWith(path, ".phy_energy_pj_per_bit")) {
    return {"PHY energy", std::string(path)};
  }
  absl::string_view rest = path;
  if (absl::ConsumePrefix(&rest, "silicon.")) {
    if (absl::StartsWith(rest, "phy_")) return {"PHY area", std::string(path)};
    const bool is_price = absl::StrContains(rest, "usd");
    return {is_price ? "prices" : "silicon", std::string(rest)};
  }
  const std::vector<absl::string_view> steps = absl::StrSplit(path, '.');
  size_t length = 1;
  if (steps[0] == "memory" || steps[0] == "engine") {
    length = steps.size() > 3 && steps[2] == "technology" ? 3 : 2;
  }
  length = std::min(length, steps.size() - 1);
  return {absl::StrJoin(steps.begin(), steps.begin() + length, "."),
          absl::StrJoin(steps.begin() + length, steps.end(), ".")};
}

// The part of a qualified id before the colon: the file of the source.
absl::string_view FileOf(const Constant& constant) {
  const absl::string_view id = constant.source();
  return id.substr(0, id.find(':'));
}

// The families of memory that a text names.
std::set<std::string> FamiliesIn(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  std::set<std::string> families;
  if (absl::StrContains(lower, "hbm") || absl::StrContains(lower, "stack")) {
    families.insert("hbm");
  }
  for (size_t at = lower.find("ddr"); at != std::string::npos;
       at = lower.find("ddr", at + 1)) {
    const absl::string_view before = absl::string_view(lower).substr(0, at);
    families.insert(absl::EndsWith(before, "lp")  ? "lpddr"
                    : absl::EndsWith(before, "g") ? "gddr"
                                                  : "ddr");
  }
  return families;
}

// The memory technologies that the machine's own file names, other than SRAM.
struct NamedMemory {
  std::string level, technology;
};
std::vector<NamedMemory> NamedMemories(const Hardware& own,
                                       const Hardware& whole) {
  std::vector<NamedMemory> named;
  for (const MemoryLevel& level : own.memory()) {
    const std::string& technology = level.technology().base();
    if (technology.empty()) continue;
    for (const MemoryLevel& resolved : whole.memory()) {
      if (resolved.name() == level.name() &&
          resolved.technology().kind() != MemoryTechnology::SRAM) {
        named.push_back({level.name(), technology});
      }
    }
  }
  return named;
}

// Whether the constant is stated for a kind of memory, and which.
bool DependsOnMemory(absl::string_view path) {
  return absl::EndsWith(path, ".phy_energy_pj_per_bit") ||
         absl::EndsWith(path, ".path_energy_pj_per_bit") ||
         path == "silicon.phy_mm2_per_device" ||
         path == "silicon.memory_usd_per_gb" ||
         path == "silicon.package_usd_per_device";
}

// Whether the constant is of this level, or of the machine.
bool Concerns(absl::string_view path, const NamedMemory& memory) {
  return !absl::StartsWith(path, "memory.") ||
         absl::StartsWith(path, absl::StrCat("memory.", memory.level, "."));
}

void WarnOfOtherMemory(const std::vector<Inherited>& inherited,
                       const std::map<std::string, std::string>& citations,
                       const std::vector<NamedMemory>& named,
                       std::vector<std::string>* warnings) {
  for (const Inherited& one : inherited) {
    if (!DependsOnMemory(one.path)) continue;
    const auto citation = citations.find(one.constant->source());
    if (citation == citations.end()) continue;
    const std::set<std::string> stated = FamiliesIn(citation->second);
    for (const NamedMemory& memory : named) {
      const std::set<std::string> own = FamiliesIn(memory.technology);
      if (stated.empty() || own.empty() || !Concerns(one.path, memory) ||
          stated.count(*own.begin()) > 0) {
        continue;
      }
      warnings->push_back(absl::StrCat(
          "memory.", memory.level, " is ", memory.technology, ", but ",
          one.path, " = ", one.constant->value(), " of base ", one.base,
          " is of ", absl::StrJoin(stated, " and "), ": give it"));
      break;
    }
  }
}

void WarnOfHost(const std::vector<Inherited>& inherited, const Hardware& own,
                const std::vector<NamedMemory>& named,
                std::vector<std::string>* warnings) {
  const bool is_mobile =
      std::any_of(named.begin(), named.end(), [](const NamedMemory& memory) {
        return FamiliesIn(memory.technology).count("lpddr") > 0;
      });
  for (const Inherited& one : inherited) {
    if (one.path != "node.host_power_w_per_chip") continue;
    const double host = one.constant->value();
    const double cap = own.board().power_cap_w().value();
    const bool exceeds = cap > 0 && host > kMostOfLimit * cap;
    if (!exceeds && !(cap == 0 && is_mobile && host >= kServerHostW)) continue;
    warnings->push_back(absl::StrCat(
        "node.host_power_w_per_chip = ", host, " W of base ", one.base,
        exceeds
            ? absl::StrCat(" is more than the board's own limit of ", cap, " W")
            : std::string(" is that of a server, but the memory is that of "
                          "a device"),
        ": give the power of this machine's host, or 0"));
  }
}

// The first base that gives what `has` looks for; empty if the machine's own
// file does, or none.
template <typename Has>
std::string GivenBy(const std::vector<HardwareFile>& files, const Has& has) {
  for (size_t i = 0; i < files.size(); ++i) {
    if (has(files[i].hardware)) return i == 0 ? "" : files[i].name;
  }
  return "";
}

}  // namespace

absl::StatusOr<Inheritance> InheritanceOf(absl::string_view name) {
  Inheritance result;
  ASSIGN_OR_RETURN(const std::vector<HardwareFile> files,
                   LoadHardwareFiles(name));
  if (files.size() < 2) return result;
  ASSIGN_OR_RETURN(const Hardware whole, LoadHardware(name));
  std::map<std::string, std::string> citations;
  for (const Source& source : whole.sources()) {
    citations[source.id()] = source.citation();
  }
  std::set<std::string> bases;
  for (size_t i = 1; i < files.size(); ++i) bases.insert(files[i].name);
  std::vector<Inherited> inherited;
  // The paths of each group and base, in the order of the machine.
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  ForEachConstant(whole, [&](const std::string& path, const Constant& constant,
                             const auto&) {
    const std::string base(FileOf(constant));
    if (bases.count(base) == 0) return;
    inherited.push_back({path, &constant, base});
    const auto [group, rest] = GroupOf(path);
    const std::string title =
        absl::StrCat("inherits ", group, " from base ", base);
    const auto found =
        std::find_if(groups.begin(), groups.end(),
                     [&](const auto& known) { return known.first == title; });
    if (found == groups.end()) {
      groups.push_back({title, {rest}});
    } else {
      found->second.push_back(rest);
    }
  });
  for (auto& [title, paths] : groups) {
    const size_t all = paths.size();
    if (all > kMostListed) paths.resize(kMostListed);
    result.inherited.push_back(absl::StrCat(
        title, ": ", absl::StrJoin(paths, ", "),
        all > kMostListed ? absl::StrCat(" and ", all - kMostListed, " more")
                          : std::string()));
  }
  for (const MemoryLevel& level : whole.memory()) {
    const std::string base = GivenBy(files, [&](const Hardware& file) {
      return std::any_of(file.memory().begin(), file.memory().end(),
                         [&](const MemoryLevel& given) {
                           return given.name() == level.name() &&
                                  !given.technology().base().empty();
                         });
    });
    if (base.empty()) continue;
    result.inherited.push_back(
        absl::StrCat("inherits technology ", level.technology().base(),
                     " of memory.", level.name(), " from base ", base));
  }
  for (const ComputeEngine& engine : whole.engine()) {
    const std::string base = GivenBy(files, [&](const Hardware& file) {
      return std::any_of(file.engine().begin(), file.engine().end(),
                         [&](const ComputeEngine& given) {
                           return given.name() == engine.name() &&
                                  !given.logic().base().empty();
                         });
    });
    if (base.empty()) continue;
    result.inherited.push_back(
        absl::StrCat("inherits technology ", engine.logic().base(),
                     " of engine.", engine.name(), " from base ", base));
  }
  const std::string link_base = GivenBy(files, [](const Hardware& file) {
    return !file.interconnect().technology().base().empty();
  });
  if (!link_base.empty()) {
    result.inherited.push_back(absl::StrCat(
        "inherits technology ", whole.interconnect().technology().base(),
        " of the interconnect from base ", link_base));
  }
  const std::string runtime_base = GivenBy(files, [](const Hardware& file) {
    return !file.runtime().base().empty();
  });
  if (!runtime_base.empty()) {
    result.inherited.push_back(absl::StrCat("inherits runtime ",
                                            whole.runtime().base(),
                                            " from base ", runtime_base));
  }
  const Hardware& own = files[0].hardware;
  const std::vector<NamedMemory> named = NamedMemories(own, whole);
  WarnOfOtherMemory(inherited, citations, named, &result.warnings);
  WarnOfHost(inherited, own, named, &result.warnings);
  return result;
}

}  // namespace tokenjoule
