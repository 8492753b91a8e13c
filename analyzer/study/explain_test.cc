#include "analyzer/study/explain.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/field_path.h"
#include "analyzer/evaluate/figures.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/machine/terms.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

Setup On(const std::string& model, const std::string& hardware) {
  Setup setup = {LoadModelOrDie(model), LoadHardwareOrDie(hardware),
                 DefaultScenario(), absl::nullopt};
  UseFormatsOfArrays(setup.hardware, &setup.scenario);
  return setup;
}

std::vector<std::string> PathsFor(const std::string& what,
                                  const std::string& hardware) {
  const Explanation explanation =
      OrDie(Explain(On("llama-3.1-8b", hardware), what));
  std::vector<std::string> paths;
  for (const Explanation::Entry& entry : explanation.entries()) {
    paths.push_back(entry.path());
  }
  return paths;
}

// The words of a formula that could be names.
std::set<std::string> WordsOf(absl::string_view formula) {
  std::set<std::string> words;
  std::string word;
  for (const char c : formula) {
    if (absl::ascii_isalnum(c) || c == '_') {
      word += c;
    } else {
      words.insert(word);
      word.clear();
    }
  }
  words.insert(word);
  return words;
}

// Formulas by the names under which other formulas use them.
const std::map<std::string, std::string>& Formulas() {
  static const auto* const formulas = [] {
    auto* all = new std::map<std::string, std::string>;
    for (const EnergyTermRow& row : kEnergyTerms) {
      (*all)[std::string(row.name)] = std::string(row.formula);
    }
    for (const FigureOfAnswerRow& row : kFiguresOfAnswer) {
      (*all)[std::string(row.name)] = std::string(row.formula);
    }
    for (const SymbolRow& row : kFormulaSymbols) {
      (*all)[std::string(row.name)] = std::string(row.formula);
    }
    return all;
  }();
  return *formulas;
}

// The words of a formula and of all formulas that it names.
std::set<std::string> Closure(const std::string& name) {
  std::set<std::string> words;
  std::vector<std::string> open = {name};
  std::set<std::string> done;
  while (!open.empty()) {
    const std::string next = open.back();
    open.pop_back();
    if (!done.insert(next).second) continue;
    for (const std::string& word : WordsOf(Formulas().at(next))) {
      words.insert(word);
      if (Formulas().count(word) > 0) open.push_back(word);
    }
  }
  return words;
}

// A group of constants that a formula may call by one name.
const std::set<std::string>& Groups() {
  static const auto* const groups =
      new std::set<std::string>{"currents", "mac", "array", "analog",
                                "lanes", "capacitor_cells"};
  return *groups;
}

// Whether the words name a constant or a group that contains it. A path is
// "memory.hbm.technology.read_energy_pj_per_bit".
bool Names(const std::set<std::string>& words, const std::string& path) {
  const std::vector<std::string> steps = absl::StrSplit(path, '.');
  if (words.count(steps.back()) > 0) return true;
  // Overheads are the times of the runtime.
  if (absl::StrContains(path, "runtime.") &&
      absl::StartsWith(steps.back(), "time_per_") &&
      words.count("overheads") > 0) {
    return true;
  }
  for (const std::string& step : steps) {
    if (Groups().count(step) > 0 && words.count(step) > 0) return true;
  }
  return false;
}

// Scenarios that together use every feature of machines.
std::vector<Setup> SetupsOf(const std::string& hardware) {
  std::vector<Setup> setups;
  setups.push_back(On("resnet-8", hardware));
  const std::vector<std::string> machines = LanguageMachineNames();
  if (std::find(machines.begin(), machines.end(), hardware) == machines.end()) {
    return setups;
  }
  for (const char* model :
       {"llama-3.1-8b", "qwen3-30b-a3b", "nemotron-nano-9b-v2"}) {
    Setup setup = On(model, hardware);
    setups.push_back(setup);
    setup.scenario = DefaultScenario();
    setup.scenario.set_weights("fp8");
    setup.scenario.set_batch(256);
    setup.scenario.set_prompt(512);
    setup.scenario.set_output(512);
    setup.scenario.set_boundary("facility");
    setups.push_back(setup);
    setup.scenario.set_tp(2);
    setup.scenario.clear_weights();
    if (setup.hardware.interconnect().max_chips().value() >= 2) {
      setups.push_back(setup);
    }
  }
  return setups;
}

// V100 with what no shipped machine has: a power cap that binds, a toggle rate
// and a memory clock.
tokenjoule::Setup CappedV100() {
  tokenjoule::Setup setup = On("llama-3.1-8b", "v100-sxm");
  setup.scenario.set_batch(64);
  for (const auto& [path, value] :
       {std::make_pair("board.power_cap_w", "150"),
        std::make_pair("memory.hbm.toggle_rate", "0.3"),
        std::make_pair("memory.hbm.clock_mhz", "800")}) {
    EXPECT_TRUE(SetField(&setup.hardware, path, value, "test").ok()) << path;
  }
  return setup;
}

// A few sequences on kernels with tiles, with weights that are unpacked.
tokenjoule::Setup FewerSequencesThanATile() {
  tokenjoule::Setup setup = On("llama-3.1-8b", "m2-ultra");
  setup.hardware = LoadHardwareOrDie(
      "m2-ultra", {{"runtime.tile_rows", "32"}, {"runtime.vector_rows", "8"}});
  setup.scenario.set_batch(16);
  setup.scenario.set_weights("q4_k");
  return setup;
}

TEST(ExplainTest, FormulasNameExactlyWhatTheKernelDependsOn) {
  std::map<std::string, std::set<std::string>> found;
  for (const tokenjoule::Setup& setup :
       {CappedV100(), FewerSequencesThanATile()}) {
    const ResolvedSetup special(setup);
    for (const auto& [name, formula] : Formulas()) {
      for (const ConstantEffect& effect : EffectsOn(special, name)) {
        EXPECT_TRUE(Names(Closure(name), effect.path))
            << name << " depends on " << effect.path
            << ", which its formula does not name";
        found[name].insert(effect.path.substr(effect.path.rfind('.') + 1));
      }
    }
  }
  for (const std::string& hardware : CatalogNames(SpecKind::kSystem)) {
    for (const tokenjoule::Setup& setup : SetupsOf(hardware)) {
      const ResolvedSetup resolved(setup);
      for (const auto& [name, formula] : Formulas()) {
        const std::set<std::string> words = Closure(name);
        for (const ConstantEffect& effect : EffectsOn(resolved, name)) {
          EXPECT_TRUE(Names(words, effect.path))
              << name << " on " << hardware << " depends on " << effect.path
              << ", which its formula does not name";
          found[name].insert(effect.path.substr(effect.path.rfind('.') + 1));
        }
      }
    }
  }
  // Names of constants of the schema, by the machines that have them.
  std::set<std::string> constants;
  for (const std::string& hardware : CatalogNames(SpecKind::kSystem)) {
    ForEachConstant(LoadHardwareOrDie(hardware),
                    [&](const std::string& path, const Constant&, const auto&) {
                      constants.insert(path.substr(path.rfind('.') + 1));
                    });
  }
  for (const auto& [name, formula] : Formulas()) {
    if (found.count(name) == 0) continue;
    for (const std::string& word : WordsOf(formula)) {
      if (constants.count(word) == 0 || Groups().count(word) > 0) continue;
      EXPECT_TRUE(found[name].count(word) > 0)
          << "the formula of " << name << " names " << word
          << ", on which it depends on no machine";
    }
  }
}

TEST(ExplainTest, TakesTheNamesAndTheLabelsOfReports) {
  for (const char* name :
       {"SRAM", "sram", "on-chip SRAM", "STATIC", "static power and regulators",
        "intensity", "step time", "step_time_s", "DRAM share"}) {
    EXPECT_THAT(OrDie(Explain(On("llama-3.1-8b", "h100-sxm"), name)).formula(),
                HasSubstr(" = "))
        << name;
  }
}

TEST(ExplainTest, StaticHasTheEnergyOfSequences) {
  EXPECT_THAT(PathsFor("STATIC", "h100-sxm"),
              Contains("hardware.runtime.energy_per_sequence_mj"));
}

TEST(ExplainTest, SramFollowsFromItsOwnFitAndNotFromTheDram) {
  const std::vector<std::string> paths = PathsFor("SRAM", "hbm4-asic");
  EXPECT_THAT(paths, Contains(HasSubstr("sram_fit.slope_pj_per_byte")));
  EXPECT_THAT(paths, Not(Contains(HasSubstr("memory.hbm.technology"))));
}

TEST(ExplainTest, ConversionFollowsFromTheAnalogCircuit) {
  const std::vector<std::string> paths = PathsFor("ADC", "aimc-hbm3e");
  EXPECT_THAT(paths, Contains(HasSubstr("analog.")));
  EXPECT_THAT(paths, Contains(HasSubstr("array.rows")));
  EXPECT_TRUE(PathsFor("ADC", "h100-sxm").empty());
}

TEST(ExplainTest, ElasticitiesFallAndThoseOfAProductAreOne) {
  const Explanation explanation =
      OrDie(Explain(On("llama-3.1-8b", "h100-sxm"), "DRAM_INTERFACE"));
  ASSERT_EQ(explanation.entries(0).path(),
            "hardware.memory.hbm.technology.interface_energy_pj_per_bit");
  EXPECT_DOUBLE_EQ(explanation.entries(0).elasticity(), 1);
  const Explanation time =
      OrDie(Explain(On("llama-3.1-8b", "h100-sxm"), "step_time_s"));
  for (int i = 1; i < time.entries_size(); ++i) {
    EXPECT_LE(std::abs(time.entries(i).elasticity()),
              std::abs(time.entries(i - 1).elasticity()));
  }
}

TEST(ExplainTest, UnknownNamesHaveTheNearest) {
  EXPECT_THAT(ErrorOf(Explain(On("llama-3.1-8b", "h100-sxm"), "STATIK")),
              HasSubstr("STATIC"));
}

}  // namespace
}  // namespace tokenjoule
