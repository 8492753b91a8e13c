#include "analyzer/study/explain.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/formats.h"
#include "analyzer/description/study_data.h"
#include "analyzer/description/validate.h"
#include "google/protobuf/descriptor.h"
#include "proto/constant.pb.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

// Formulas in words, by the name of a term or of a field of the report. The
// code they describe is analyzer/cost/kernel.h.
struct Formula {
  absl::string_view name;
  absl::string_view text;
  // Constants that enter it directly: what their paths contain.
  std::vector<absl::string_view> constants;
};

const std::vector<Formula>& Formulas() {
  static const auto* formulas = new std::vector<Formula>{
      {"DRAM_ACTIVATE",
       "DRAM bytes x row_activation_energy_pj / (row_bytes x row_utilization)",
       {"row_activation_energy", "row_bytes", "row_utilization"}},
      {"DRAM_COLUMN",
       "DRAM bits read x read_energy_pj_per_bit + bits written x "
       "write_energy_pj_per_bit",
       {"technology.read_energy", "technology.write_energy"}},
      {"DRAM_INTERFACE",
       "DRAM bits x interface_energy_pj_per_bit",
       {"interface_energy"}},
      {"DRAM_PHY_CONTROLLER",
       "DRAM bits x phy_controller_energy_pj_per_bit",
       {"phy_controller_energy"}},
      {"DRAM_BACKGROUND",
       "chips x devices x (background_power_w + refresh_power_w) x step time / "
       "tokens",
       {"devices", "background_power", "refresh_power"}},
      {"SRAM",
       "bits through the near levels x read or write energy; all DRAM traffic "
       "and all activations pass them",
       {"technology.read_energy", "technology.write_energy"}},
      {"ON_CHIP_NETWORK",
       "bits through a level x network_energy_pj_per_bit",
       {"network_energy"}},
      {"COMPUTE",
       "FLOP x energy_pj_per_flop of the engine and format that runs them",
       {"energy_pj_per_flop"}},
      {"ADC", "analog engines only", {}},
      {"DAC", "analog engines only", {}},
      {"ARRAY_WRITE", "in-memory engines only", {}},
      {"LINK",
       "bytes sent between chips x interconnect.energy_pj_per_bit",
       {"interconnect.energy"}},
      {"STATIC",
       "chips x static_power_w x step time, and what the regulators lose: "
       "(dynamic + background + static) x (1 / regulator_efficiency - 1)",
       {"static_power", "regulator_efficiency"}},
      {"HOST",
       "(board + chips x host_power_w_per_chip x step time) / "
       "supply_efficiency - board",
       {"host_power", "supply_efficiency"}},
      {"FACILITY",
       "node x (power_usage_effectiveness - 1)",
       {"power_usage_effectiveness"}},
      {"step_time_s",
       "sum over operators of count x (w max(t_i) + (1 - w) sum(t_i)), t_i = "
       "(bytes + half_transfer) / (bandwidth x efficiency), FLOP / (peak x "
       "efficiency), latencies + bytes / link bandwidth; plus the overheads; "
       "stretched where the power cap asks for it",
       {"bandwidth", "efficiency", "half_transfer", "overheads", "peak_tflops",
        "latency", "overlap", "power_cap"}},
      {"energy_per_token_j",
       "the sum of the terms inside the boundary, over the tokens of a step",
       {}},
      {"dram_energy_share",
       "energy inside memory_path over energy inside board",
       {}},
      {"arithmetic_intensity_flop_per_byte",
       "matrix FLOP of the step over DRAM bytes of the step",
       {}},
      {"ridge_point_flop_per_byte",
       "peak FLOP/s in the format of the linear layers over peak bandwidth of "
       "the backing store",
       {"peak_tflops", "bandwidth_gb_per_s"}},
      {"area_mm2",
       "floorplan_factor x (MB of SRAM x sram_mm2_per_mb + engines' TFLOP/s in "
       "16 bits x mm2_per_tflops + resident MB x array_mm2_per_mb + memory "
       "devices x phy_mm2_per_device + other_mm2) x chips",
       {"_mm2", "floorplan", "peak_tflops", "capacity_gb", "devices"}},
      {"cost_usd",
       "(dies x wafer_cost / (gross dies x yield) + GB x memory_usd_per_gb + "
       "package_usd + devices x package_usd_per_device + board_usd) x chips; "
       "dies = max(1, area / max_die), each of A = area / dies; gross dies = "
       "pi d^2 / (4 A) - pi d / sqrt(2 A); yield = (1 + A defects / "
       "clustering)^-clustering",
       {"silicon.", "peak_tflops", "capacity_gb", "devices"}},
      {"max_batch",
       "(usable capacity - weights) / (KV cache of a sequence, with the copies "
       "of tensor parallelism), whole sequences on each replica",
       {"capacity_gb", "usable_capacity_fraction"}},
      {"energy_per_token_j_low",
       "each constant moved to the ends of its range by itself, the factors "
       "added in quadrature of their logarithms",
       {}},
  };
  return *formulas;
}

void AddEntry(absl::string_view kind, absl::string_view name,
              absl::string_view description, Listing* listing) {
  Listing::Entry* entry = listing->add_entries();
  entry->set_kind(std::string(kind));
  entry->set_name(std::string(name));
  entry->set_description(std::string(description));
}

// Adds what `load` knows of every name of a kind.
template <typename Load>
absl::Status AddAll(SpecKind kind, absl::string_view label, Load load,
                    Listing* listing) {
  for (const std::string& name : CatalogNames(kind)) {
    auto spec = load(name);
    if (!spec.ok()) return spec.status();
    AddEntry(label, name, spec->description(), listing);
  }
  return absl::OkStatus();
}

const Source* FindSource(const Hardware& hardware, const std::string& id) {
  for (const Source& source : hardware.sources()) {
    if (source.id() == id) return &source;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Listing> List(absl::string_view kind) {
  const std::vector<std::string> kinds = {
      "models", "hardware", "technologies", "classes",
      "spaces", "studies",  "formats",      "boundaries"};
  bool known = kind.empty();
  for (const std::string& name : kinds) known |= name == kind;
  if (!known) {
    return absl::InvalidArgumentError(
        UnknownNameMessage("kind of entry", kind, kinds, ""));
  }
  const auto wanted = [&](absl::string_view name) {
    return kind.empty() || kind == name;
  };
  Listing listing;
  absl::Status status;
  if (wanted("models")) {
    status.Update(AddAll(
        SpecKind::kModel, "models",
        [](const std::string& name) { return LoadModel(name); }, &listing));
  }
  if (wanted("hardware")) {
    status.Update(AddAll(
        SpecKind::kSystem, "hardware",
        [](const std::string& name) { return LoadHardware(name); }, &listing));
  }
  if (wanted("technologies")) {
    status.Update(AddAll(SpecKind::kMemoryTechnology, "technologies",
                         LoadMemoryTechnology, &listing));
    status.Update(AddAll(SpecKind::kLogicTechnology, "technologies",
                         LoadLogicTechnology, &listing));
    status.Update(AddAll(SpecKind::kLinkTechnology, "technologies",
                         LoadLinkTechnology, &listing));
    status.Update(AddAll(SpecKind::kCircuitTechnology, "technologies",
                         LoadCircuitTechnology, &listing));
  }
  if (!status.ok()) return status;
  if (wanted("classes")) {
    for (const std::string& name : CatalogNames(SpecKind::kClass)) {
      AddEntry("classes", name, "constants that machines of this class share",
               &listing);
    }
  }
  if (wanted("spaces")) {
    for (const std::string& name : CatalogNames(SpecKind::kSpace)) {
      AddEntry("spaces", name, "a design space for `tokenjoule sweep`",
               &listing);
    }
  }
  if (wanted("studies")) {
    status = AddAll(SpecKind::kStudy, "studies", LoadStudyData, &listing);
    if (!status.ok()) return status;
  }
  if (wanted("formats")) {
    for (const NumberFormat& format : NumberFormats()) {
      AddEntry("formats", format.name,
               absl::StrFormat("%g bits an element; %s",
                               format.bits_per_element, format.description),
               &listing);
    }
  }
  if (wanted("boundaries")) {
    for (const BoundaryRow& row : kBoundaries) {
      AddEntry("boundaries", row.name, row.description, &listing);
    }
  }
  return listing;
}

absl::StatusOr<Explanation> Explain(const Hardware& hardware,
                                    absl::string_view what) {
  Explanation explanation;
  if (absl::StartsWith(what, "hardware.")) what.remove_prefix(9);
  const Formula* formula = nullptr;
  for (const Formula& candidate : Formulas()) {
    if (candidate.name == what) formula = &candidate;
  }
  if (formula != nullptr) {
    explanation.set_formula(absl::StrCat(formula->name, " = ", formula->text));
  }
  std::vector<std::string> names;
  ForEachConstant(
      hardware, [&](const std::string& path, const Constant& constant,
                    const google::protobuf::FieldDescriptor& field) {
        names.push_back(path);
        bool matches = formula == nullptr && absl::StrContains(path, what);
        if (formula != nullptr) {
          for (const absl::string_view part : formula->constants) {
            matches |= absl::StrContains(path, part);
          }
        }
        if (!matches) return;
        Explanation::Entry* entry = explanation.add_entries();
        entry->set_path(absl::StrCat("hardware.", path));
        entry->set_value(constant.value());
        entry->set_low(constant.low());
        entry->set_high(constant.high());
        entry->set_source(constant.source());
        const Range& limits = field.options().GetExtension(range);
        entry->set_accepted_min(limits.min());
        entry->set_accepted_max(limits.max());
        if (const Source* source = FindSource(hardware, constant.source())) {
          entry->set_kind(Source::Kind_Name(source->kind()));
          entry->set_citation(source->citation());
          entry->set_date(source->date());
        }
      });
  if (explanation.entries_size() == 0 && formula == nullptr) {
    for (const Formula& known : Formulas()) names.emplace_back(known.name);
    return absl::InvalidArgumentError(
        UnknownNameMessage("constant, term or figure", what, names,
                           "(`tokenjoule explain` without a name shows all)"));
  }
  return explanation;
}

}  // namespace tokenjoule
