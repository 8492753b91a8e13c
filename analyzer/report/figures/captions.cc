#include "analyzer/report/figures/captions.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "analyzer/report/axis.h"
#include "analyzer/report/labels.h"

namespace tokenjoule {
namespace {

// What is said of a setup, in order.
enum Field {
  kModel,
  kHardware,
  kChips,
  kRuntime,
  kBatch,
  kContext,
  kWeights,
  kExperts,
  kHead,
  kCache,
  kActivations,
  kOffload,
  kBoundaryOf,
  kSet,
  kNumFields,
};
using Fields = std::array<std::string, kNumFields>;

Fields FieldsOf(const Report& report, bool with_batch) {
  const Scenario& s = report.scenario();
  Fields fields;
  fields[kModel] = report.model();
  fields[kHardware] = report.hardware();
  fields[kChips] = Chips(report);
  if (!report.runtime().empty()) {
    fields[kRuntime] = absl::StrCat("served by ", report.runtime());
  }
  if (with_batch) fields[kBatch] = absl::StrFormat("batch %g", s.batch());
  if (s.has_context()) {
    fields[kContext] = absl::StrFormat("context %g", s.context());
  }
  if (s.prompt() > 0) {
    fields[kContext] = absl::StrFormat("prompts of %g tokens, outputs of %g",
                                       s.prompt(), s.output());
  }
  const auto format = [](const std::string& name, const char* what) {
    return name.empty() ? "" : absl::StrCat(name, " ", what);
  };
  fields[kWeights] = format(s.weights(), "weights");
  if (s.experts() != s.weights()) {
    fields[kExperts] = format(s.experts(), "experts");
  }
  if (s.lm_head() != s.weights()) {
    fields[kHead] = format(s.lm_head(), "LM head");
  }
  fields[kCache] = format(s.kv(), "KV cache");
  fields[kActivations] = format(s.activations(), "activations");
  if (!s.offload().empty()) {
    fields[kOffload] = absl::StrCat("offloaded: ", s.offload());
  }
  fields[kBoundaryOf] =
      absl::StrCat("energy at the ", BoundaryLabel(s.boundary()));
  if (s.set_size() > 0) {
    fields[kSet] = absl::StrCat("with ", absl::StrJoin(s.set(), ", "));
  }
  return fields;
}

// "3 models" if the values differ.
std::string OneOrCount(const std::vector<Fields>& all, Field field,
                       const char* plural) {
  std::set<std::string> values;
  for (const Fields& fields : all) values.insert(fields[field]);
  return values.size() == 1 ? *values.begin()
                            : absl::StrCat(values.size(), " ", plural);
}

}  // namespace

Captions CaptionsOf(const std::vector<const Report*>& reports, bool with_batch,
                    bool in_full) {
  Captions captions;
  std::vector<Fields> all;
  for (const Report* report : reports) {
    all.push_back(FieldsOf(*report, with_batch));
  }
  if (all.empty()) return captions;
  captions.subject = absl::StrCat(OneOrCount(all, kModel, "models"), " on ",
                                  OneOrCount(all, kHardware, "machines"));
  std::array<bool, kNumFields> common;
  for (int field = 0; field < kNumFields; ++field) {
    common[field] = std::all_of(all.begin(), all.end(), [&](const Fields& f) {
      return f[field] == all[0][field];
    });
  }
  // As many of the fields that differ as tell all answers apart.
  std::array<bool, kNumFields> named = {};
  captions.names.assign(all.size(), "");
  for (int field = 0; field < kNumFields; ++field) {
    if (common[field]) continue;
    const std::set<std::string> names(captions.names.begin(),
                                      captions.names.end());
    if (!in_full && names.size() == all.size() && field > kHardware) break;
    named[field] = true;
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i][field].empty()) continue;
      absl::StrAppend(&captions.names[i], captions.names[i].empty() ? "" : ", ",
                      all[i][field]);
    }
  }
  for (std::string& name : captions.names) {
    if (name.empty()) name = all[0][kModel];
  }
  // The others are said of all, with each of their values.
  const auto line = [&](Field first, Field last) {
    std::vector<std::string> parts;
    for (int field = first; field <= last; ++field) {
      if (named[field]) continue;
      std::vector<std::string> values;
      for (const Fields& fields : all) {
        if (!fields[field].empty() &&
            std::find(values.begin(), values.end(), fields[field]) ==
                values.end()) {
          values.push_back(fields[field]);
        }
      }
      if (values.empty()) continue;
      std::vector<std::string> having;
      for (size_t i = 0; i < all.size(); ++i) {
        if (!all[i][field].empty()) having.push_back(captions.names[i]);
      }
      std::string said = absl::StrJoin(values, " or ");
      if (having.size() < all.size()) {
        absl::StrAppend(&said, " (",
                        having.size() <= 2 ? absl::StrJoin(having, "; ")
                                           : std::string("of some"),
                        ")");
      }
      parts.push_back(said);
    }
    if (!parts.empty()) captions.subtitle.push_back(absl::StrJoin(parts, ", "));
  };
  line(kChips, kContext);
  line(kWeights, kSet);
  return captions;
}

FigureAxis EnergyAxis(const Report& report) {
  return {absl::StrCat("energy per ", Work(report)), "J"};
}

namespace {

// A path in words, and the unit at its end.
struct PathParts {
  std::string words, unit;
};

// If `brief`, only the last name and what it needs to be understood.
PathParts PartsOf(const std::string& path, bool brief) {
  // Words of paths that say nothing to a reader who sees the rest.
  static constexpr std::array<absl::string_view, 6> kSilent = {
      "hardware", "model", "scenario", "memory", "engine", "rate"};
  // Units at the ends of names, longer ones first.
  static constexpr std::array<std::pair<absl::string_view, absl::string_view>,
                              33>
      kUnits = {{{"_pj_per_bit_mm", "pJ/bit mm"},
                 {"_pj_per_weight", "pJ/weight"},
                 {"_w_per_device", "W/device"},
                 {"_j_per_device", "J/device"},
                 {"_g_per_kwh", "g/kWh"},
                 {"_pj_per_flop", "pJ/FLOP"},
                 {"_pj_per_byte", "pJ/byte"},
                 {"_pj_per_bit", "pJ/bit"},
                 {"_w_per_chip", "W/chip"},
                 {"_w_per_mm2", "W/mm\xc2\xb2"},
                 {"_w_per_mb", "W/MB"},
                 {"_gb_per_s", "GB/s"},
                 {"_per_cm2", "1/cm\xc2\xb2"},
                 {"_tflops", "TFLOP/s"},
                 {"_bytes", "bytes"},
                 {"_usd", "US$"},
                 {"_mhz", "MHz"},
                 {"_mm2", "mm\xc2\xb2"},
                 {"_kib", "KiB"},
                 {"_gb", "GB"},
                 {"_mb", "MB"},
                 {"_kb", "kB"},
                 {"_us", "\xc2\xb5s"},
                 {"_ns", "ns"},
                 {"_ms", "ms"},
                 {"_mm", "mm"},
                 {"_nm", "nm"},
                 {"_pj", "pJ"},
                 {"_fj", "fJ"},
                 {"_mj", "mJ"},
                 {"_mw", "mW"},
                 {"_w", "W"},
                 {"_v", "V"}}};
  std::vector<std::string> parts = absl::StrSplit(path, '.');
  PathParts out;
  std::string name = parts.back();
  parts.pop_back();
  for (const auto& [suffix, words] : kUnits) {
    if (!absl::EndsWith(name, suffix)) continue;
    name.resize(name.size() - suffix.size());
    out.unit = std::string(words);
    break;
  }
  std::vector<std::string> said;
  for (std::string& part : parts) {
    part = part.substr(0, part.find('['));
    if (std::find(kSilent.begin(), kSilent.end(), part) == kSilent.end() &&
        (said.empty() || said.back() != part)) {
      said.push_back(part);
    }
  }
  // The length of a run of layers.
  if (name == "count" && !said.empty() && said.back() == "run") {
    said.clear();
    name = "layers";
  }
  // A name of one word needs what it is of.
  if (brief) {
    const size_t kept = absl::StrContains(name, "_") ? 0 : 1;
    if (said.size() > kept) said.erase(said.begin(), said.end() - kept);
  }
  said.push_back(name);
  // Names of parts keep their hyphens; those of fields have underscores.
  out.words = absl::StrReplaceAll(absl::StrJoin(said, " "), {{"_", " "}});
  return out;
}

}  // namespace

std::string PathWords(const std::string& path) {
  const PathParts parts = PartsOf(path, /*brief=*/false);
  return parts.unit.empty() ? parts.words
                            : absl::StrCat(parts.words, ", ", parts.unit);
}

std::string ValueWords(const std::string& path, const std::string& value) {
  const PathParts parts = PartsOf(path, /*brief=*/true);
  return absl::StrCat(parts.words, " ", value, parts.unit.empty() ? "" : " ",
                      parts.unit);
}

Row EnergyRow(const Report& report, const std::string& label) {
  // Smaller terms are not in the key.
  constexpr double kNamed = 0.02;
  Row row;
  row.label = label;
  row.strong = true;
  const double whole = report.energy_per_token_j();
  double stacked = 0;
  for (const EnergyTerm& term : report.energy_terms()) {
    const double energy = term.energy_per_token_j();
    if (!(energy > 0)) continue;
    const std::string name = TermLabel(term.term());
    row.segments.push_back(
        {stacked, stacked + energy, TermColor(term.term()),
         energy >= kNamed * whole ? name : "",
         absl::StrCat(name, ": ", Quantity(energy, "J"))});
    stacked += energy;
  }
  if (report.energy_per_token_j_low() < report.energy_per_token_j_high()) {
    row.range = {report.energy_per_token_j_low(),
                 report.energy_per_token_j_high()};
  }
  row.text = Quantity(whole, "J");
  return row;
}

const char* TermColor(Term::Value term) {
  // A hue of Okabe and Ito per group of terms, a tint per term: as on the page
  // (tools/page/charts/charts.css), to which //tests/page:charts_test holds them.
  switch (term) {
    case Term::DRAM_ACTIVATE:
      return "#00466e";
    case Term::DRAM_COLUMN:
      return "#0072b2";
    case Term::DRAM_INTERFACE:
      return "#3f8fc0";
    case Term::DRAM_BACKGROUND:
      return "#7d93b5";
    case Term::DRAM_PHY:
      return "#56b4e9";
    case Term::MEMORY_PATH:
      return "#9fd3f2";
    case Term::SRAM:
      return "#009e73";
    case Term::ON_CHIP_NETWORK:
      return "#66c2a5";
    case Term::LINK:
      return "#00664a";
    case Term::COMPUTE:
      return "#d55e00";
    case Term::ADC:
      return "#9c4400";
    case Term::DAC:
      return "#e8926a";
    case Term::ARRAY_WRITE:
      return "#6e3b1e";
    case Term::STATIC:
      return "#e69f00";
    case Term::HOST:
      return "#cc79a7";
    case Term::FACILITY:
      return "#8f4f76";
    default:
      return "#000000";
  }
}

}  // namespace tokenjoule
