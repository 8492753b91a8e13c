// Steps that several machines share: what is offloaded to a host, and pipelines of
// unlike machines.

#include <cmath>
#include <string>

#include "analyzer/description/catalog.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/fit_offload.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/evaluate.h"
#include "analyzer/testing/status.h"
#include "ceres/jet.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

constexpr char kModel[] = "mixtral-8x7b";
constexpr char kChip[] = "rtx-3090";
constexpr char kHost[] = "desktop-host";

tokenjoule::Setup Offloading(const std::string& offload, const char* model = kModel,
                 const char* chip = kChip, double batch = 1) {
  tokenjoule::Setup setup = SetupOrDie(model, chip, DefaultPoint(batch));
  setup.scenario.set_weights("q4_k");
  if (offload.empty()) return setup;
  setup.scenario.set_offload(offload);
  setup.hardware = LoadHardwareOrDie(chip, {{"host", ""}});
  return setup;
}

Report Answer(const tokenjoule::Setup& setup) {
  return OrDie(Analyze(setup, kWithOperators));
}

const MachineShare& Share(const Report& report, const std::string& role) {
  for (const MachineShare& share : report.machines()) {
    if (share.role() == role) return share;
  }
  ADD_FAILURE() << "no " << role;
  return MachineShare::default_instance();
}

double HeldIn(const Report& report, const std::string& machine,
              const std::string& data) {
  double held = 0;
  for (const Placed& placed : report.placement()) {
    if (placed.machine() == machine && placed.data() == data) {
      held += placed.held_bytes();
    }
  }
  return held;
}

TEST(OffloadTest, NothingOffloadedIsTheChipAlone) {
  const Report alone = Answer(Offloading(""));
  const Report none = Answer(Offloading("layers:0"));
  EXPECT_EQ(alone.step_time_s(), none.step_time_s());
  EXPECT_EQ(alone.energy_per_token_j(), none.energy_per_token_j());
  EXPECT_EQ(alone.energy_per_token_j_high(), none.energy_per_token_j_high());
  EXPECT_EQ(none.machines_size(), 0);
}

TEST(OffloadTest, AllLayersAreTheHostAloneBesideAWaitingChip) {
  const Report all = Answer(Offloading("layers:32"));
  tokenjoule::Setup host = SetupOrDie(kModel, kHost, DefaultPoint(1));
  host.scenario.set_weights("q4_k");
  const Report alone = Answer(host);
  EXPECT_NEAR(all.step_time_s() / alone.step_time_s(), 1, 1e-12);
  EXPECT_EQ(Share(all, "device").time_s(), 0);
  EXPECT_NEAR(
      Share(all, "host").energy_per_token_j() / alone.energy_per_token_j(), 1,
      1e-12);
  // Standing power of an RTX 3090 is some 110 to 180 W.
  const double waiting_w =
      Share(all, "device").energy_per_token_j() / all.step_time_s();
  EXPECT_GT(waiting_w, 100);
  EXPECT_LT(waiting_w, 190);
}

TEST(OffloadTest, NglCountsTheLayersThatStay) {
  EXPECT_EQ(Answer(Offloading("ngl:28")).step_time_s(),
            Answer(Offloading("layers:4")).step_time_s());
}

TEST(OffloadTest, EachLayerMoreTakesLonger) {
  double before = 0;
  for (int layers = 0; layers <= 32; layers += 4) {
    const double time =
        Answer(Offloading("layers:" + std::to_string(layers))).step_time_s();
    EXPECT_GT(time, before) << layers;
    before = time;
  }
}

TEST(OffloadTest, PartsAreTheWhole) {
  const Report alone = Answer(Offloading(""));
  for (const char* offload :
       {"layers:4", "experts", "experts:7", "experts:fetch", "kv", "kv:fetch",
        "experts,kv", "layers:3,experts:9,kv:fetch"}) {
    for (const char* boundary : {"stack", "chip", "board", "facility"}) {
      tokenjoule::Setup setup = Offloading(offload, kModel, kChip, 3);
      setup.scenario.set_boundary(boundary);
      const Report report = Answer(setup);
      double time = 0, energy = 0, terms = 0, causes = 0, by_bound = 0;
      for (const MachineShare& share : report.machines()) {
        time += share.time_s();
        energy += share.energy_per_token_j();
      }
      for (const EnergyTerm& term : report.energy_terms()) {
        terms += term.energy_per_token_j();
      }
      for (const EnergyCause& cause : report.energy_causes()) {
        causes += cause.energy_per_token_j();
      }
      for (const BoundTime& part : report.time_by_bound()) {
        by_bound += part.time_s();
      }
      const double whole = report.energy_per_token_j();
      EXPECT_NEAR(time / report.step_time_s(), 1, 1e-9) << offload;
      EXPECT_NEAR(by_bound / report.step_time_s(), 1, 1e-9) << offload;
      EXPECT_NEAR(energy / whole, 1, 1e-9) << offload << " " << boundary;
      EXPECT_NEAR(terms / whole, 1, 1e-9) << offload << " " << boundary;
      EXPECT_NEAR(causes / whole, 1, 1e-9) << offload << " " << boundary;
      EXPECT_LT(report.step_time_s_low(), report.step_time_s());
      EXPECT_GT(report.step_time_s_high(), report.step_time_s());
    }
    const Report report = Answer(Offloading(offload));
    // The same weights are held and read, wherever they lie.
    for (const PartBytes& part : alone.parts()) {
      double held = 0, read = 0;
      for (const Placed& placed : report.placement()) {
        if (placed.data() != part.part()) continue;
        held += placed.held_bytes();
        read += placed.read_bytes_per_step();
      }
      EXPECT_NEAR(held, part.held_bytes(), 1e-9 * part.held_bytes() + 1)
          << offload << " " << part.part();
      EXPECT_NEAR(read, part.read_bytes_per_step(),
                  1e-9 * part.read_bytes_per_step() + 1)
          << offload << " " << part.part();
    }
    double kv = 0, kv_read = 0;
    for (const Placed& placed : report.placement()) {
      if (placed.data() != "KV cache") continue;
      kv += placed.held_bytes();
      kv_read += placed.read_bytes_per_step();
    }
    EXPECT_NEAR(kv / alone.kv_bytes_per_sequence(), 1, 1e-9) << offload;
    EXPECT_NEAR(kv_read / alone.kv_read_bytes_per_step(), 1, 1e-9) << offload;
    EXPECT_EQ(alone.flop_per_token(), report.flop_per_token()) << offload;
    EXPECT_NEAR(report.weight_bytes_per_step() / alone.weight_bytes_per_step(),
                1, 1e-9)
        << offload;
  }
}

// At peak rates and without overheads, each machine takes its bytes over its
// bandwidth.
TEST(OffloadTest, IdealTimesAreBytesOverRates) {
  tokenjoule::Setup setup = Offloading("layers:8", "llama-2-7b");
  setup.scenario.set_weights("bf16");
  setup.scenario.set_ideal(true);
  const Report report = Answer(setup);
  // Eight of 32 layers: 12 d^2 + 3 x 11008 d less what is not square, and 2048
  // tokens of keys and values, in two bytes each.
  const double d = 4096, ff = 11008, context = 2048;
  const double layer =
      2 * (4 * d * d + 3 * d * ff) + 2 * 2 * d * context;
  EXPECT_NEAR(Share(report, "host").time_s() / (8 * layer / 64e9), 1, 0.01);
  const double head = 2 * 32000 * d;
  EXPECT_NEAR(
      Share(report, "device").time_s() / ((24 * layer + head) / 936e9), 1,
      0.02);
  EXPECT_LT(Share(report, "link").time_s(), 1e-12);
}

TEST(OffloadTest, FetchingTakesTheBytesOverTheLink) {
  const Report report = Answer(Offloading("experts:fetch"));
  const MachineShare& link = Share(report, "link");
  // Two of eight experts of 32 layers: three matrices of 4096 x 14336.
  double read = 0;
  for (const Placed& placed : report.placement()) {
    if (placed.data() == "experts" && placed.machine() == kHost) {
      read = placed.read_bytes_per_step();
    }
  }
  EXPECT_NEAR(read / (32.0 * 2 * 3 * 4096 * 14336 * 4.5 / 8), 1, 0.2);
  EXPECT_NEAR(link.link_bytes_per_step() / read, 1, 1e-9);
  EXPECT_NEAR(link.traffic_bytes_per_step() / read, 1, 1e-9);
  // 64 messages of 12 us over 31.5 GB/s x 0.8.
  EXPECT_NEAR(link.time_s() / (read / (31.5e9 * 0.8) + 64 * 12e-6), 1, 1e-9);
  // The chip writes the copy and reads it.
  const Report computed = Answer(Offloading("experts"));
  EXPECT_NEAR((Share(report, "device").traffic_bytes_per_step() -
               Share(computed, "device").traffic_bytes_per_step()) /
                  (2 * read),
              1, 0.01);
}

TEST(OffloadTest, ExpertsCrossTheLinkTwicePerLayer) {
  const Report report = Answer(Offloading("experts:10"));
  // The residual stream in 16 bits.
  EXPECT_DOUBLE_EQ(Share(report, "link").link_bytes_per_step(),
                   10 * 2 * 4096 * 2);
  EXPECT_NEAR(Share(report, "link").time_s(),
              20 * (12e-6 + 4096 * 2 / (31.5e9 * 0.8)), 1e-9);
  EXPECT_EQ(Share(report, "device").layers(), 32);
  EXPECT_GT(HeldIn(report, kHost, "experts"), 0);
  EXPECT_EQ(HeldIn(report, kHost, "attention"), 0);
}

TEST(OffloadTest, CacheLiesWithTheHost) {
  const Report alone = Answer(Offloading("", "llama-2-7b"));
  const Report report = Answer(Offloading("kv", "llama-2-7b"));
  EXPECT_EQ(HeldIn(report, kChip, "KV cache"), 0);
  EXPECT_NEAR(HeldIn(report, kHost, "KV cache") / alone.kv_bytes_per_sequence(),
              1, 1e-12);
  // Larger batches fit.
  EXPECT_GT(report.max_batch(), alone.max_batch());
}

TEST(OffloadTest, RecurrentStateStaysWithTheChip) {
  const Report report =
      Answer(Offloading("kv", "qwen3-next-80b-a3b", "rtx-pro-6000"));
  EXPECT_EQ(HeldIn(report, kHost, "recurrent state"), 0);
  EXPECT_GT(HeldIn(report, "rtx-pro-6000", "recurrent state"), 0);
  EXPECT_GT(HeldIn(report, kHost, "KV cache"), 0);
}

TEST(OffloadTest, AutomaticIsTheSmallestThatFits) {
  tokenjoule::Setup setup = Offloading("auto");
  const tokenjoule::Setup resolved = ResolveOffload(setup);
  const std::string offload = resolved.scenario.offload();
  ASSERT_EQ(offload.substr(0, 8), "experts:");
  const int layers = std::stoi(offload.substr(8));
  const auto device_fits = [](const std::string& offloaded) {
    const Report report = Answer(Offloading(offloaded));
    return Share(report, "device").held_bytes() <=
           Share(report, "device").usable_bytes();
  };
  EXPECT_TRUE(device_fits(offload));
  EXPECT_FALSE(device_fits("experts:" + std::to_string(layers - 1)));
  // The chip alone says so.
  const Report alone = Answer(Offloading(""));
  EXPECT_FALSE(alone.fits());
  EXPECT_THAT(alone.warnings(),
              testing::Contains(HasSubstr("--offload=" + offload)));
  // Nothing is offloaded that need not be.
  EXPECT_EQ(ResolveOffload(Offloading("auto", "llama-2-7b")).scenario.offload(),
            "");
}

// A power cap holds for the mean where chip and host alternate layer by layer, but
// not where the chip works in one stretch.
// There are no layers of a language model to move, and so no advice.
TEST(OffloadTest, ANetworkThatDoesNotFitIsNotOffloaded) {
  Model model = LoadModelOrDie("fc-autoencoder");
  for (NetworkLayer& layer : *model.mutable_network()->mutable_layer()) {
    layer.mutable_fully_connected()->set_outputs(1'000'000);
  }
  const Report report = OrDie(
      Analyze(model, LoadHardwareOrDie(kChip), DefaultScenario()));
  EXPECT_FALSE(report.fits());
  EXPECT_THAT(report.notes(), ::testing::Not(::testing::Contains(HasSubstr("offload"))));
}

TEST(OffloadTest, CapHoldsForTheMeanOfAlternatingMachines) {
  const Report alone = Answer(Offloading(""));
  EXPECT_LT(alone.core_clock_mhz(), alone.set_core_clock_mhz());
  const Report alternating = Answer(Offloading("experts"));
  EXPECT_EQ(alternating.core_clock_mhz(), alternating.set_core_clock_mhz());
  const Report stretch = Answer(Offloading("layers:16"));
  EXPECT_NEAR(stretch.core_clock_mhz() / alone.core_clock_mhz(), 1, 0.05);
}

TEST(OffloadTest, DerivativesAreThoseOfSmallChanges) {
  const ResolvedSetup setup(Offloading("layers:5,experts:9"));
  using Dual = ceres::Jet<double, 1>;
  const Constant& constant =
      setup.hardware().host().memory(0).bandwidth_gb_per_s();
  ReplacingReader<Dual> read;
  read.Replace(constant, Dual(constant.value(), 0));
  const Evaluation<Dual> at = Evaluate<Dual>(setup, read);
  const auto moved = [&](double value) {
    return Evaluate<double>(setup, MovedReader{&constant, value});
  };
  const double step = 1e-4 * constant.value();
  const Evaluation<> more = moved(constant.value() + step),
                     less = moved(constant.value() - step);
  const double slope = (InSeconds(more.cost.step_time) -
                        InSeconds(less.cost.step_time)) /
                       (2 * step);
  EXPECT_LT(slope, 0);
  EXPECT_NEAR(InSeconds(at.cost.step_time).v[0] / slope, 1, 1e-5);
  const auto energy = [](const auto& evaluation) {
    return InJoules(EnergyInside(evaluation.cost.terms, kBoardBoundary));
  };
  EXPECT_NEAR(energy(at).v[0] / ((energy(more) - energy(less)) / (2 * step)), 1,
              1e-5);
}

TEST(OffloadTest, MixedServingAndDraftsShareSteps) {
  tokenjoule::Setup setup = Offloading("layers:6", kModel, kChip, 4);
  setup.scenario.set_prompt(512);
  setup.scenario.set_output(256);
  setup.scenario.clear_context();
  const Report report = Answer(setup);
  EXPECT_GT(report.admitting_step_time_s(), report.pure_step_time_s());
  tokenjoule::Setup drafting = Offloading("layers:6");
  drafting.scenario.mutable_speculation()->set_draft_tokens(3);
  drafting.scenario.mutable_speculation()->set_acceptance_rate(0.7);
  drafting.scenario.mutable_speculation()->set_draft_model("llama-3.2-1b");
  drafting.draft = LoadModelOrDie("llama-3.2-1b");
  const Report drafted = Answer(drafting);
  EXPECT_GT(HeldIn(drafted, kChip, "draft"), 0);
  EXPECT_EQ(HeldIn(drafted, kHost, "draft"), 0);
}

TEST(OffloadTest, SaysWhatIsMissing) {
  tokenjoule::Setup setup = Offloading("layers:4");
  setup.hardware.clear_host();
  EXPECT_THAT(std::string(Validate(setup).message()), HasSubstr("--host"));
  setup = Offloading("layers:4");
  setup.scenario.set_tp(2);
  EXPECT_THAT(std::string(Validate(setup).message()),
              HasSubstr("one chip of each machine"));
  EXPECT_THAT(std::string(RequireOneMachine(setup, "tune").message()),
              HasSubstr("--offload=layers:4"));
  const absl::StatusOr<Hardware> lone =
      LoadHardware("apple-m4-max", {{"host", ""}});
  EXPECT_THAT(std::string(lone.status().message()),
              HasSubstr("has no usual host"));
}

// A farther level behind a link: what is not pinned streams through both.
TEST(OffloadTest, LevelBehindALinkIsBoundedAndCostedByIt) {
  const Hardware chip = LoadHardwareOrDie(kChip);
  Hardware hardware = LoadHardwareOrDie(kChip, {{"host", ""}});
  hardware.clear_memory();
  *hardware.add_memory() = hardware.host().memory(0);
  for (const MemoryLevel& level : chip.memory()) *hardware.add_memory() = level;
  hardware.clear_host();
  const auto exactly = [&](double value) {
    Constant constant;
    constant.set_value(value);
    constant.set_low(value);
    constant.set_high(value);
    constant.set_source(hardware.sources(0).id());
    return constant;
  };
  MemoryLevel* near = hardware.mutable_memory(1);
  near->set_pins(WEIGHTS);
  *near->mutable_pinned_capacity_fraction() = exactly(0.85);
  Scenario scenario = DefaultPoint(1);
  scenario.set_weights("q4_k");
  const Model model = LoadModelOrDie(kModel);
  const Report direct = AnalyzeOrDie(model, hardware, scenario);
  LevelLink* link = hardware.mutable_memory(0)->mutable_link();
  link->set_name("slot");
  *link->mutable_bandwidth_gb_per_s() = exactly(31.5);
  *link->mutable_bandwidth_efficiency() = exactly(0.8);
  *link->mutable_energy_pj_per_bit() = exactly(6);
  const Report linked = AnalyzeOrDie(model, hardware, scenario);
  // Weights beyond 0.85 x 25.77 GB, and the KV cache, which is not pinned.
  double weights = 0;
  for (const PartBytes& part : direct.parts()) weights += part.held_bytes();
  const double streamed =
      direct.weight_bytes_per_step() * (1 - 0.85 * 25.77e9 / weights) +
      direct.kv_read_bytes_per_step();
  EXPECT_NEAR(TermOf(linked, Term::LINK) / (streamed * 8 * 6e-12), 1, 0.01);
  EXPECT_EQ(TermOf(direct, Term::LINK), 0);
  EXPECT_GT(linked.step_time_s(), streamed / (31.5e9 * 0.8));
  EXPECT_GT(linked.step_time_s(), direct.step_time_s() * 1.3);
  double causes = 0;
  for (const EnergyCause& cause : linked.energy_causes()) {
    causes += cause.energy_per_token_j();
  }
  EXPECT_NEAR(causes / linked.energy_per_token_j(), 1, 1e-9);
}

// A pipeline of unlike machines.
tokenjoule::Setup Pipeline(const char* first, const char* second, const std::string& split,
               const char* model = "llama-3.1-8b") {
  tokenjoule::Setup setup = SetupOrDie(model, first, DefaultPoint(1));
  setup.hardware = LoadHardwareOrDie(first, {{"stage", second}});
  setup.scenario.set_weights("q4_k");
  setup.scenario.set_split(split);
  return setup;
}

TEST(PipelineTest, LikeStagesTakeTheTimeOfOneMachine) {
  tokenjoule::Setup alone = SetupOrDie("llama-3.1-8b", kChip, DefaultPoint(1));
  alone.scenario.set_weights("q4_k");
  tokenjoule::Setup stages = Pipeline(kChip, kChip, "16,16");
  const Report one = Answer(alone);
  const Report two = Answer(stages);
  EXPECT_EQ(two.num_chips(), 2);
  // Beside two messages.
  const double messages = two.step_time_s() - one.step_time_s();
  EXPECT_GT(messages, 2 * 15e-6);
  EXPECT_LT(messages, 2 * 15e-6 + 20e-6);
  // Twice the standing power.
  EXPECT_GT(two.energy_per_token_j(), one.energy_per_token_j() * 1.2);
  EXPECT_LT(two.energy_per_token_j(), one.energy_per_token_j() * 2);
}

TEST(PipelineTest, EachStageHasItsOwnTime) {
  const Report report = Answer(Pipeline("rtx-3090", "rtx-4090", "20,12"));
  ASSERT_EQ(report.machines_size(), 2);
  EXPECT_EQ(report.machines(0).layers(), 20);
  EXPECT_EQ(report.machines(1).layers(), 12);
  EXPECT_EQ(report.machines(1).role(), "stage");
  EXPECT_NEAR(
      (report.machines(0).time_s() + report.machines(1).time_s()) /
          report.step_time_s(),
      1, 1e-12);
  EXPECT_GT(report.machines(0).time_s(), report.machines(1).time_s());
}

TEST(PipelineTest, SplitsInProportionToMemory) {
  tokenjoule::Setup setup = Pipeline("rtx-5090", "rtx-3090", "");
  // 32 and 24 GB of 32 layers.
  const std::vector<int64_t> split = SplitOf(setup);
  ASSERT_EQ(split.size(), 2u);
  EXPECT_EQ(split[0] + split[1], 32);
  EXPECT_NEAR(static_cast<double>(split[0]), 32 * 34.0 / (34 + 25.8), 1.5);
}

// A stack that is warm while it works refreshes twice as often then, and not while it
// waits; area and cost are of machines that are alike.
TEST(PipelineTest, AWarmStackIsWarmForItsOwnPart) {
  tokenjoule::Setup setup =
      SetupOrDie("qwen3-14b", "hb-dram-asic", DefaultPoint(167));
  const Report alone = Answer(setup);
  ASSERT_GT(alone.stack().temperature_c(), 0);
  setup.hardware =
      LoadHardwareOrDie("hb-dram-asic", {{"stage", "dimc-resident"}});
  const Report report = Answer(setup);
  double causes = 0;
  for (const EnergyCause& cause : report.energy_causes()) {
    causes += cause.energy_per_token_j();
  }
  EXPECT_NEAR(causes / report.energy_per_token_j(), 1, 1e-9);
  EXPECT_GT(report.stack().temperature_c(), alone.stack().temperature_c() / 2);
  EXPECT_GT(alone.cost_usd(), 0);
  EXPECT_EQ(report.cost_usd(), 0);
  EXPECT_EQ(report.area_mm2(), 0);
}

TEST(PipelineTest, FullArraysHoldNoBatchAtAll) {
  tokenjoule::Setup setup = SetupOrDie("ministral-3-8b", "aimc-flash-resident",
                                       DefaultPoint(1));
  setup.hardware =
      LoadHardwareOrDie("aimc-flash-resident", {{"stage", "a100-sxm-80gb"}});
  const Report report = Answer(setup);
  EXPECT_EQ(report.fits(), report.max_batch() >= 1);
}

TEST(PipelineTest, StagesMayHaveAHost) {
  tokenjoule::Setup setup = Pipeline("rtx-3090", "rtx-4090", "14,18", kModel);
  setup.hardware =
      LoadHardwareOrDie("rtx-3090", {{"stage", "rtx-4090"}, {"host", ""}});
  setup.scenario.set_offload("layers:4");
  const Report report = Answer(setup);
  ASSERT_EQ(report.machines_size(), 4);
  EXPECT_EQ(report.machines(0).layers(), 10);
  EXPECT_EQ(report.machines(1).layers(), 18);
  EXPECT_EQ(report.machines(2).layers(), 4);
}

}  // namespace
}  // namespace tokenjoule
