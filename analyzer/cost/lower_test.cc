#include "analyzer/cost/lower.h"

#include <cmath>
#include <string>

#include "analyzer/description/catalog.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/testing/catalog.h"
#include "analyzer/testing/scenario.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

Ledger<> UnitLedger(double batch, double context) {
  return BuildLedger(LoadModelOrDie("unit"), Point(batch, context));
}

Machine<> UnitMachine() { return BuildMachine(LoadHardwareOrDie("unit")); }

// Bytes per step through a level.
double Through(const LoweredStep<>& step, const Machine<>& machine, int level) {
  double bytes = 0;
  for (const LoweredOperator<>& op : step.operators) {
    const Traffic<> traffic = TrafficOf(op, machine, level);
    bytes += op.count * step.passes * InBytes(traffic.read + traffic.write);
  }
  return bytes;
}

TEST(LowerTest, PinnedWeightsLeaveTheBackingStoreAsFarAsTheyFit) {
  // The unit model holds 9 bytes of weights (8 and a row of the embedding
  // table) and reads 8 of them.
  Machine<> machine = UnitMachine();
  const Ledger<> ledger = UnitLedger(1, 1);
  const double all = Through(Lower(ledger, machine), machine, 0);
  const double near = Through(Lower(ledger, machine), machine, 1);
  machine.structure.levels[1].pins = WEIGHTS;
  machine.placement.levels[1].pinned_capacity = Bytes(4.5);
  EXPECT_NEAR(Through(Lower(ledger, machine), machine, 0), all - 4, 1e-12);
  machine.placement.levels[1].pinned_capacity = Bytes(100.0);
  EXPECT_NEAR(Through(Lower(ledger, machine), machine, 0), all - 8, 1e-12);
  // Pinned data still passes through the near level.
  EXPECT_NEAR(Through(Lower(ledger, machine), machine, 1), near, 1e-12);
}

TEST(LowerTest, PinnedCacheLeavesTheBackingStoreAsFarAsItFits) {
  // Two sequences of 10 tokens: 40 bytes of cache, read once, 4 written.
  Machine<> machine = UnitMachine();
  const Ledger<> ledger = UnitLedger(2, 10);
  const double all = Through(Lower(ledger, machine), machine, 0);
  machine.structure.levels[1].pins = SEQUENCES;
  machine.placement.levels[1].pinned_capacity = Bytes(20.0);
  EXPECT_NEAR(Through(Lower(ledger, machine), machine, 0), all - 22, 1e-12);
}

TEST(LowerTest, ReuseFollowsTheShapeOfTheArray) {
  Operator<> op;
  op.activation_format = &GetFormat("int8");
  op.shapes.push_back({/*tokens=*/3, /*in=*/8, /*out=*/16});
  RatePlacement<> engine;
  engine.rows = 4;
  engine.columns = 4;
  engine.partial_sum = Bytes(4.0);
  LoweredOperator<> lowered;
  AddReuse(op, engine, &lowered);
  // 16 outputs in 4 strips: inputs (24 bytes) 3 more times. 8 inputs in 2
  // folds: 48 partial sums of 4 bytes out and back once.
  EXPECT_EQ(InBytes(lowered.reuse_read), 3 * 24 + 192);
  EXPECT_EQ(InBytes(lowered.reuse_write), 192);
  // An array that holds the whole matrix moves everything once.
  engine.rows = 100;
  engine.columns = 100;
  lowered = {};
  AddReuse(op, engine, &lowered);
  EXPECT_EQ(InBytes(lowered.reuse_read + lowered.reuse_write), 0);
}

// A convolution of 5 inputs (in * taps) into 6 output channels at 7 pixels, in
// 8 bits, and a machine that runs it on 4 x 2 x 3 lanes.
Operator<> SmallConvolution() {
  Operator<> op;
  op.count = 1;
  op.weight_format = op.activation_format = &GetFormat("int8");
  op.shapes.push_back({/*tokens=*/7, /*in=*/5, /*out=*/6});
  op.tokens_per_matrix = 7;
  op.matmul_flop = Flop(2.0 * 7 * 5 * 6);
  op.weight_read = Bytes(30.0);
  op.activation_in = Bytes(20.0);
  op.activation_out = Bytes(42.0);
  return op;
}

Machine<> LaneMachine() {
  Machine<> machine;
  machine.structure.num_levels = 2;
  machine.structure.levels[1].activations_only = true;
  machine.structure.has_side_levels = true;
  machine.structure.num_rates = 1;
  RateStructure& rate = machine.structure.rates[0];
  rate.format = rate.inputs = &GetFormat("int8");
  rate.runs = ~0u;
  rate.has_lanes = true;
  RatePlacement<>& lanes = machine.placement.rates[0];
  lanes.lane_outputs = 4;
  lanes.lane_pixels = 2;
  lanes.lane_inputs = 3;
  lanes.accumulate = PicojoulesPerFlop(1.0);
  machine.costs.levels[1].activation_capacity = Bytes(1000.0);
  return machine;
}

LoweredOperator<> LoweredOn(const Machine<>& machine, const Operator<>& op) {
  StepShares<double> shares;
  shares.weights.fill(0);
  shares.sequences.fill(0);
  shares.weights[0] = shares.sequences[0] = 1;
  return LowerOperator(op, machine, shares);
}

TEST(LowerTest, LanesReadWeightsOnceAGroupOfPixels) {
  const Machine<> machine = LaneMachine();
  const LoweredOperator<> lowered = LoweredOn(machine, SmallConvolution());
  // 7 pixels two at a time are 4 groups: 4 x 30 bytes, beside the activations.
  const Traffic<> weights = TrafficOf(lowered, machine, 0);
  EXPECT_EQ(InBytes(weights.read), 120);
  EXPECT_EQ(InBytes(weights.write), 0);
  // 6 outputs four at a time are 2 strips of 7 x 5 inputs. Weights do not pass
  // through the level of activations.
  const Traffic<> activations = TrafficOf(lowered, machine, 1);
  EXPECT_EQ(InBytes(activations.read), 2 * 35);
  EXPECT_EQ(InBytes(activations.write), 42);
}

TEST(LowerTest, ALineBufferReadsEachInputOnceAStrip) {
  Machine<> machine = LaneMachine();
  machine.structure.rates[0].line_buffer = true;
  const LoweredOperator<> lowered = LoweredOn(machine, SmallConvolution());
  EXPECT_EQ(InBytes(TrafficOf(lowered, machine, 1).read), 2 * 20);
}

TEST(LowerTest, LanesThatAShapeDoesNotFillTakeTime) {
  const Machine<> machine = LaneMachine();
  const LoweredOperator<> lowered = LoweredOn(machine, SmallConvolution());
  // ceil(6 / 4) ceil(7 / 2) ceil(5 / 3) = 16 cycles of 24 lanes, each of two
  // FLOP, for 420 FLOP.
  EXPECT_NEAR(InFlop(lowered.matmul_flop + lowered.extra_flop), 16 * 48, 1e-9);
  EXPECT_EQ(InFlop(lowered.matmul_flop), 420);
  // Two additions for 5 inputs instead of 5 / 3.
  EXPECT_NEAR(InJoules(lowered.instructions), 420e-12 * (6.0 / 5 - 1), 1e-18);
}

// One input channel feeds each output of a depthwise convolution.
TEST(LowerTest, ADepthwiseConvolutionFillsOnlyLanesWithInputsOfTheirOwn) {
  Operator<> op = SmallConvolution();
  op.shapes[0] = {/*tokens=*/7, /*in=*/3, /*out=*/1, /*groups=*/8};
  op.matmul_flop = Flop(2.0 * 7 * 3 * 8);
  Machine<> machine = LaneMachine();
  const auto cycles = [&] {
    const LoweredOperator<> lowered = LoweredOn(machine, op);
    return InFlop(lowered.matmul_flop + lowered.extra_flop) / 48;
  };
  // One lane in four works: 8 channels x 4 groups of pixels.
  EXPECT_NEAR(cycles(), 32, 1e-9);
  machine.structure.rates[0].separate_inputs = true;
  EXPECT_NEAR(cycles(), 8, 1e-9);
}

// Bytes that count towards the time of a step only.
double ExtraRead(const LoweredStep<>& step) {
  double bytes = 0;
  for (const LoweredOperator<>& op : step.operators) {
    bytes += op.count * InBytes(op.extra_read);
  }
  return bytes;
}

TEST(LowerTest, WeightsStreamAtTheBandwidthOfTheKernelsOfTheirFormat) {
  Machine<> machine = UnitMachine();
  RuntimePlacement<>& runtime = machine.placement.runtime;
  const Ledger<> ledger = UnitLedger(1, 1);
  EXPECT_EQ(ExtraRead(Lower(ledger, machine)), 0);
  machine.structure.num_kernels = 1;
  machine.structure.kernels[0] = &GetFormat("mxfp4");
  runtime.kernels[0].bandwidth_factor = 0.5;
  EXPECT_EQ(ExtraRead(Lower(ledger, machine)), 0);
  // 8 bytes of weights in fp8 take as long as 16.
  machine.structure.kernels[0] = &GetFormat("fp8");
  EXPECT_DOUBLE_EQ(ExtraRead(Lower(ledger, machine)), 8);
  // As long as 8 / (0.8 x 0.5) = 20.
  runtime.bandwidth_share = 0.8;
  EXPECT_DOUBLE_EQ(ExtraRead(Lower(ledger, machine)), 12);
}

// The lowered product of `tokens` rows with `matrices` matrices in fp8, 100
// FLOP and 60 bytes of weights.
LoweredOperator<> LoweredProduct(const Machine<>& machine, ProductKind kind,
                                 double tokens, double matrices = 1) {
  Ledger<> ledger;
  ledger.operators.emplace_back();
  Operator<>& op = ledger.operators.back();
  op.product_kind = kind;
  op.matmul_flop = Flop(100.0);
  op.weight_format = &GetFormat("fp8");
  op.activation_format = &GetFormat("fp8");
  op.tokens_per_matrix = tokens / matrices;
  if (kind == ProductKind::kAttention) {
    op.kv_read = Bytes(60.0);
  } else {
    op.weight_read = Bytes(60.0);
    op.shapes.push_back({tokens, 1, 1});
  }
  return Lower(ledger, machine).operators[0];
}

// FLOP that count towards its time only.
double ExtraFlop(const Machine<>& machine, ProductKind kind, double tokens,
                 double matrices = 1) {
  return InFlop(LoweredProduct(machine, kind, tokens, matrices).extra_flop);
}

// FLOP of padded rows, which take time and energy.
double PaddedFlop(const Machine<>& machine, ProductKind kind, double tokens,
                  double matrices = 1) {
  const LoweredOperator<> op = LoweredProduct(machine, kind, tokens, matrices);
  EXPECT_DOUBLE_EQ(InFlop(op.extra_flop), 0);
  return InFlop(op.matmul_flop) - 100;
}

TEST(LowerTest, ProductsRunAtTheShareOfTheRateOfTheirKernels) {
  Machine<> machine = UnitMachine();
  RuntimePlacement<>& runtime = machine.placement.runtime;
  const auto extra = [&](ProductKind kind) {
    return ExtraFlop(machine, kind, 4);
  };
  EXPECT_EQ(extra(ProductKind::kLinear), 0);
  // 100 (1 / 0.5 - 1).
  runtime.compute_share = 0.5;
  EXPECT_DOUBLE_EQ(extra(ProductKind::kLinear), 100);
  EXPECT_DOUBLE_EQ(extra(ProductKind::kExperts), 100);
  EXPECT_DOUBLE_EQ(extra(ProductKind::kAttention), 100);
  runtime.expert_compute_factor = 0.25;
  runtime.attention_compute_factor = 0.4;
  EXPECT_DOUBLE_EQ(extra(ProductKind::kLinear), 100);
  EXPECT_DOUBLE_EQ(extra(ProductKind::kExperts), 700);
  EXPECT_DOUBLE_EQ(extra(ProductKind::kAttention), 400);
  // Kernels for fp8 have a share of their own, which products with the cache do
  // not follow.
  machine.structure.num_kernels = 1;
  machine.structure.kernels[0] = &GetFormat("fp8");
  runtime.kernels[0].compute_share = 0.8;
  EXPECT_DOUBLE_EQ(extra(ProductKind::kLinear), 25);
  EXPECT_DOUBLE_EQ(extra(ProductKind::kExperts), 400);
  EXPECT_DOUBLE_EQ(extra(ProductKind::kAttention), 400);
}

TEST(LowerTest, ProductsOfFewTokensComputeATile) {
  Machine<> machine = UnitMachine();
  RuntimePlacement<>& runtime = machine.placement.runtime;
  runtime.tile_rows = 16;
  // 4 tokens compute 16 rows, 32 compute 32.
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kLinear, 4), 300);
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kLinear, 32), 0);
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kExperts, 4), 0);
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kAttention, 4), 0);
  // Products of few vectors have no tiles.
  runtime.vector_rows = 4;
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kLinear, 4), 0);
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kLinear, 5), 220);
}

TEST(LowerTest, TheLastTileOfEachExpertIsHalfFullInTheMean) {
  Machine<> machine = UnitMachine();
  RuntimePlacement<>& runtime = machine.placement.runtime;
  runtime.expert_tile_rows = 16;
  // 8 visits of 2 experts: each computes 16 rows for 4.
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kExperts, 8, 2), 300);
  // 64 visits: 32 + 15 / 2 rows for 32.
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kExperts, 64, 2),
                   100 * 7.5 / 32);
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kLinear, 4), 0);
  // 4 rows on each of 2 experts are few vectors; on one expert, 8 are not.
  runtime.vector_rows = 4;
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kExperts, 8, 2), 0);
  EXPECT_DOUBLE_EQ(PaddedFlop(machine, ProductKind::kExperts, 8, 1), 100);
}

TEST(LowerTest, ExpertsStreamAndLaunchAtCostsOfTheirOwn) {
  Machine<> machine = UnitMachine();
  RuntimePlacement<>& runtime = machine.placement.runtime;
  runtime.expert_bandwidth_factor = 0.75;
  machine.structure.num_kernels = 1;
  machine.structure.kernels[0] = &GetFormat("fp8");
  runtime.kernels[0].time_per_expert_product = Seconds(3.0);
  const LoweredOperator<> linear =
      LoweredProduct(machine, ProductKind::kLinear, 4);
  EXPECT_EQ(InBytes(linear.extra_read), 0);
  EXPECT_EQ(InSeconds(linear.launch), 0);
  // 60 (1 / 0.75 - 1).
  const LoweredOperator<> experts =
      LoweredProduct(machine, ProductKind::kExperts, 4);
  EXPECT_DOUBLE_EQ(InBytes(experts.extra_read), 20);
  EXPECT_EQ(InSeconds(experts.launch), 3);
  machine.structure.kernels[0] = &GetFormat("mxfp4");
  EXPECT_EQ(InSeconds(LoweredProduct(machine, ProductKind::kExperts, 4).launch),
            0);
}

TEST(LowerTest, AttentionKernelsHaveAHalfTransferOfTheirOwn) {
  Machine<> machine = UnitMachine();
  machine.costs.levels[0].half_transfer = Bytes(3.0);
  machine.costs.levels[0].cache_half_transfer = Bytes(3.0);
  const LoweredStep<> step = Lower(UnitLedger(1, 1), machine);
  const auto time = [&] { return CostOfStep(step, machine).step_time; };
  const Duration<> before = time();
  // One attention core in the one layer.
  machine.costs.levels[0].cache_half_transfer = Bytes(10.0);
  const Duration<> more = Bytes(7.0) / machine.costs.levels[0].LongBandwidth();
  EXPECT_NEAR(InSeconds(time() - before), InSeconds(more),
              1e-9 * InSeconds(more));
}

TEST(LowerTest, StateStreamsAtABandwidthOfItsOwn) {
  Ledger<> ledger;
  ledger.operators.emplace_back();
  Operator<>& op = ledger.operators.back();
  op.state_read = Bytes(30.0);
  op.state_write = Bytes(50.0);
  op.kv_read = Bytes(8.0);
  Machine<> machine = UnitMachine();
  const auto extra = [&] {
    return InBytes(Lower(ledger, machine).operators[0].extra_read);
  };
  EXPECT_NEAR(extra(), 0, 1e-12);
  // (30 + 50) (1 / 0.5 - 1) + 8 (1 / 0.8 - 1).
  machine.placement.runtime.state_bandwidth_share = 0.5;
  machine.placement.runtime.cache_bandwidth_share = 0.8;
  EXPECT_NEAR(extra(), 80 + 2, 1e-12);
}

TEST(LowerTest, SamplesOfTheSystemAreThoseOfAllReplicas) {
  const Model model = LoadModelOrDie("unit");
  Scenario scenario = Point(6, 10);
  scenario.set_dp(2);
  const auto step = [&] {
    return Lower(BuildLedger(model, scenario), UnitMachine());
  };
  EXPECT_EQ(step().samples_per_replica, 3);
  EXPECT_EQ(step().samples, 6);
  EXPECT_EQ(step().prompts_per_replica, 0);
  // Each sequence verifies a drafted token and samples one.
  scenario.mutable_speculation()->set_draft_tokens(1);
  scenario.mutable_speculation()->set_acceptance_rate(0.5);
  EXPECT_EQ(step().samples_per_replica, 6);
  EXPECT_EQ(step().samples, 12);
  // 3 sequences gain 1.5 tokens of 90 per step.
  scenario.set_prompt(20);
  scenario.set_output(90);
  EXPECT_DOUBLE_EQ(step().prompts_per_replica, 0.05);
}

// The unit machine with an in-memory engine for the unit model's fp8.
Machine<> WithArrays(bool resident) {
  Machine<> machine = UnitMachine();
  RateStructure& rate = machine.structure.rates[0];
  EXPECT_EQ(rate.format->name, "fp8");
  rate.in_memory = true;
  rate.resident = resident;
  rate.runs &= ~(1u << ComputeEngine::ATTENTION);
  machine.costs.rates[0].array_write = PicojoulesPerBit(1.0);
  return machine;
}

TEST(LowerTest, ResidentWeightsAreNeitherReadNorWritten) {
  const Machine<> plain = UnitMachine();
  const Ledger<> ledger = UnitLedger(1, 1);
  const double all = Through(Lower(ledger, plain), plain, 0);
  const Machine<> machine = WithArrays(true);
  const LoweredStep<> step = Lower(ledger, machine);
  EXPECT_EQ(Through(step, machine, 0), all - 8);
  EXPECT_EQ(InJoules(CostOfStep(step, machine).terms[kArrayWrite]), 0);
}

TEST(LowerTest, ArraysHaveNoKernels) {
  Machine<> machine = WithArrays(false);
  machine.placement.runtime.compute_share = 0.5;
  machine.placement.runtime.tile_rows = 16;
  EXPECT_EQ(ExtraFlop(machine, ProductKind::kLinear, 4), 0);
  EXPECT_DOUBLE_EQ(ExtraFlop(machine, ProductKind::kAttention, 4), 100);
}

TEST(LowerTest, OtherWeightsAreWrittenEachStepWhateverTheBatch) {
  const Machine<> machine = WithArrays(false);
  for (const double batch : {1.0, 100.0}) {
    const StepCost<> cost =
        CostOfStep(Lower(UnitLedger(batch, 1), machine), machine);
    // 8 bytes of weights of 8 bits at 1 pJ.
    EXPECT_NEAR(InJoules(cost.terms[kArrayWrite]), 64e-12, 1e-24) << batch;
  }
}

TEST(LowerTest, AModelGrowsInDepthAndWidth) {
  const Model model = LoadModelOrDie("llama-3.2-1b");
  const Machine<> plain = BuildMachine(LoadHardwareOrDie("h100-sxm"));
  Machine<> machine = plain;
  for (int i = 0; i < machine.structure.num_rates; ++i) {
    machine.structure.rates[i].has_model_growth = true;
    machine.placement.rates[i].model_growth = 1.5;
  }
  for (const double depth : {0.0, 1.0 / 3, 1.0}) {
    Ledger<> ledger = BuildLedger(model, Point(1, 1024));
    ledger.growth_depth_share = depth;
    const Ledger<> grown = Grow(ledger, machine);
    const double layers = std::pow(1.5, depth);
    const double width = std::pow(1.5, (1 - depth) / 2);
    EXPECT_DOUBLE_EQ(grown.model_growth, 1.5);
    EXPECT_DOUBLE_EQ(grown.layers, ledger.layers * layers);
    EXPECT_DOUBLE_EQ(InBytes(grown.kv_per_sequence),
                     InBytes(ledger.kv_per_sequence) * layers * width);
    const auto held = [](const Ledger<>& of, Part part) {
      return InBytes(of.weight_footprint[static_cast<int>(part)]);
    };
    // The parameters of layers grow as asked, the vocabulary stays.
    EXPECT_NEAR(held(grown, Part::kMlp) / held(ledger, Part::kMlp), 1.5, 1e-12);
    EXPECT_NEAR(held(grown, Part::kLmHead) / held(ledger, Part::kLmHead), width,
                1e-12);
    ASSERT_EQ(grown.operators.size(), ledger.operators.size());
    for (size_t i = 0; i < ledger.operators.size(); ++i) {
      const Operator<>& op = ledger.operators[i];
      const Operator<>& more = grown.operators[i];
      const auto growth = [&](double before, double after) {
        return before == 0 ? 1 : more.count * after / (op.count * before);
      };
      if (InBytes(op.kv_read) > 0) {
        EXPECT_NEAR(growth(InBytes(op.kv_read), InBytes(more.kv_read)),
                    layers * width, 1e-12)
            << op.name;
      }
      if (op.part == Part::kMlp || op.part == Part::kAttention) {
        if (op.shapes.empty()) continue;
        EXPECT_NEAR(growth(InFlop(op.matmul_flop), InFlop(more.matmul_flop)),
                    1.5, 1e-12)
            << op.name;
        EXPECT_NEAR(growth(InBytes(op.weight_read), InBytes(more.weight_read)),
                    1.5, 1e-12)
            << op.name;
      }
    }
  }
}

TEST(LowerTest, TheGrowthOfAModelIsTheHarmonicMeanOverItsProducts) {
  Machine<> machine = UnitMachine();
  machine.structure.rates[0].has_model_growth = true;
  machine.structure.rates[1] = machine.structure.rates[0];
  machine.structure.num_rates = 2;
  // The LM head on an engine of its own that asks for nothing.
  machine.structure.rates[0].runs = 1u << ComputeEngine::LINEAR;
  machine.structure.rates[1].runs = ~machine.structure.rates[0].runs;
  machine.placement.rates[0].model_growth = 1.5;
  const Ledger<> ledger = UnitLedger(1, 1);
  double linear = 0, head = 0;
  for (const Operator<>& op : ledger.operators) {
    if (op.shapes.empty()) continue;
    (op.product_kind == ProductKind::kLmHead ? head : linear) += op.parameters;
  }
  ASSERT_GT(linear, 0);
  ASSERT_GT(head, 0);
  EXPECT_DOUBLE_EQ(Grow(ledger, machine).model_growth,
                   (linear + head) / (linear / 1.5 + head));
}

// A machine of which every product runs in analog arrays for 4-bit weights.
Machine<> ArrayMachine(double rows, double columns) {
  Machine<> machine;
  machine.structure.num_levels = 1;
  machine.structure.num_rates = 1;
  RateStructure& rate = machine.structure.rates[0];
  rate.format = &GetFormat("int4");
  rate.inputs = &GetFormat("int8");
  rate.runs = ~0u;
  rate.in_memory = rate.is_analog = true;
  machine.placement.rates[0].array_rows = rows;
  machine.placement.rates[0].array_columns = columns;
  return machine;
}

Operator<> ArrayProduct(const char* format, double tokens, double in,
                        double out) {
  Operator<> op;
  op.count = 1;
  op.weight_format = &GetFormat(format);
  op.activation_format = &GetFormat("int8");
  op.shapes.push_back({tokens, in, out});
  op.tokens_per_matrix = tokens;
  op.matmul_flop = Flop(2 * tokens * in * out);
  op.weight_read = Bytes(in * out / 2);
  return op;
}

TEST(LowerTest, MatricesThatAreSmallerThanAnArrayLeaveItIdle) {
  // 2048 inputs and 1024 outputs in an array of 4096 x 4096: half the rows and
  // three quarters of the columns are idle.
  const LoweredOperator<> small = LoweredOn(
      ArrayMachine(4096, 4096), ArrayProduct("int4", 3, 2048, 1024));
  const double flop = 2.0 * 3 * 2048 * 1024;
  EXPECT_DOUBLE_EQ(InFlop(small.adc_flop), 2 * flop);
  EXPECT_DOUBLE_EQ(InFlop(small.dac_flop), 4 * flop);
  EXPECT_DOUBLE_EQ(InFlop(small.matmul_flop + small.extra_flop), 8 * flop);
  // One that fills arrays costs no more than its FLOP.
  const LoweredOperator<> full =
      LoweredOn(ArrayMachine(256, 256), ArrayProduct("int4", 3, 2048, 1024));
  EXPECT_DOUBLE_EQ(InFlop(full.adc_flop), flop);
  EXPECT_DOUBLE_EQ(InFlop(full.dac_flop), flop);
  EXPECT_DOUBLE_EQ(InFlop(full.extra_flop), 0);
  EXPECT_DOUBLE_EQ(InFlop(full.vector_flop), 0);
}

TEST(LowerTest, GroupsThatShareAScaleAreConvertedApart) {
  // Two groups of 128 in 256 rows: twice the conversions and the time, and a
  // product with the scale for each of the 2048 / 128 sums of an output.
  const LoweredOperator<> op = LoweredOn(
      ArrayMachine(256, 256), ArrayProduct("int4-g128", 3, 2048, 1024));
  const double flop = 2.0 * 3 * 2048 * 1024;
  EXPECT_DOUBLE_EQ(InFlop(op.adc_flop), 2 * flop);
  EXPECT_DOUBLE_EQ(InFlop(op.dac_flop), flop);
  EXPECT_DOUBLE_EQ(InFlop(op.matmul_flop + op.extra_flop), 2 * flop);
  EXPECT_DOUBLE_EQ(InFlop(op.vector_flop), 2.0 * 3 * 1024 * 16);
}

TEST(LowerTest, ResidentMatricesFormAPipelineOverTheSequences) {
  // S matrices of all sizes and n tokens take t (S + n - 1), where an input
  // takes t = 2 weights / peak on any array.
  Machine<> machine = ArrayMachine(256, 256);
  RateStructure& rate = machine.structure.rates[0];
  rate.resident = rate.has_weight_capacity = true;
  const double capacity_bytes = 1e9, peak = 1e15;
  machine.placement.rates[0].weight_capacity = Bytes(capacity_bytes);
  const double t_s = 2 * (2 * capacity_bytes) / peak;
  for (const double n : {1.0, 4.0, 1000.0}) {
    Ledger<> ledger;
    ledger.operators = {ArrayProduct("int4", n, 2048, 1024),
                        ArrayProduct("int4", n, 8192, 2048)};
    ledger.operators[0].count = 16;
    ledger.operators[1].count = 48;
    double time_s = 0;
    for (const LoweredOperator<>& op : Lower(ledger, machine).operators) {
      time_s += op.count * InFlop(op.matmul_flop + op.extra_flop) / peak;
      EXPECT_EQ(InBytes(op.array_written), 0);
    }
    EXPECT_NEAR(time_s, t_s * (64 + n - 1), 1e-9 * time_s) << n;
    // The matrix with the most inputs is the slowest stage, and scales beside
    // the arrays take no time.
    for (Operator<>& op : ledger.operators) {
      op.step_inputs = 3 * n;
      op.weight_format = &GetFormat("int4-g128");
      op.weight_read = op.weight_read * (4.15625 / 4);
    }
    time_s = 0;
    for (const LoweredOperator<>& op : Lower(ledger, machine).operators) {
      time_s += op.count * InFlop(op.matmul_flop + op.extra_flop) / peak;
    }
    // Two groups in 256 rows.
    EXPECT_NEAR(time_s, 2 * t_s * (64 + 3 * n - 1), 1e-9 * time_s) << n;
  }
}

// Bytes per second that a collective of a system moves between chips, over the
// links' efficiency; `bytes` is what its busiest chip sends or receives.
double GigabytesPerSecondOf(const std::string& hardware, Collective collective,
                            int group, double bytes) {
  const Machine<> machine = BuildMachine(
      LoadHardwareOrDie(hardware, {{"runtime.link_bandwidth_share", "1"}}));
  Operator<> op;
  op.collective = collective;
  op.group = group;
  op.payload = Bytes(1e9);
  LoweredOperator<> lowered;
  LowerCollective(op, machine.structure, &lowered);
  const double seconds =
      InSeconds(lowered.link_critical[0] / machine.costs.networks[0].bandwidth);
  const double efficiency =
      LoadHardwareOrDie(hardware).interconnect().bandwidth_efficiency().value();
  return bytes / seconds / efficiency / 1e9;
}

TEST(LowerTest, AGroupOnAMeshUsesTheBundlesBetweenItsChips) {
  // Seven bundles of 64 GB/s each way. In an all-reduce of n chips each one
  // sends 2 (n - 1) / n of the payload of 1 GB.
  for (const char* name : {"mi300x", "mi325x"}) {
    for (const int n : {2, 4, 8}) {
      EXPECT_NEAR(GigabytesPerSecondOf(name, Collective::kAllReduce, n,
                                       2e9 * (n - 1) / n),
                  64 * (n - 1), 1e-9)
          << name << " " << n;
    }
    EXPECT_NEAR(GigabytesPerSecondOf(name, Collective::kGather, 4, 0.75e9),
                3 * 64, 1e-9);
    EXPECT_NEAR(GigabytesPerSecondOf(name, Collective::kAllToAll, 8, 1e9), 448,
                1e-9);
    // A stage of a pipeline sends to one chip.
    EXPECT_NEAR(GigabytesPerSecondOf(name, Collective::kSend, 2, 1e9), 64,
                1e-9);
  }
  // Three ports of 25 GB/s to each of seven peers.
  EXPECT_NEAR(GigabytesPerSecondOf("gaudi3", Collective::kAllReduce, 2, 1e9),
              75, 1e-9);
  EXPECT_NEAR(GigabytesPerSecondOf("gaudi3", Collective::kAllReduce, 8, 1.75e9),
              525, 1e-9);
  // Through a switch a pair has the chip's whole bandwidth.
  EXPECT_NEAR(GigabytesPerSecondOf("h100-sxm", Collective::kAllReduce, 2, 1e9),
              450, 1e-9);
}

// A machine of which only the networks matter: a domain, and boards of it behind
// a switch.
MachineStructure Domain(Interconnect::Topology topology, int chips,
                        int dimensions = 0) {
  MachineStructure structure;
  structure.num_networks = 1;
  structure.networks[0] = {topology, dimensions, chips};
  return structure;
}
MachineStructure Boards(int chips, int most) {
  MachineStructure structure = Domain(Interconnect::SWITCHED, chips);
  structure.num_networks = 2;
  structure.networks[1] = {Interconnect::SWITCHED, 0, most};
  return structure;
}

LoweredOperator<> Lowered(Collective collective, int group, double bytes,
                          const MachineStructure& structure) {
  Operator<> op;
  op.collective = collective;
  op.group = group;
  op.payload = Bytes(bytes);
  LoweredOperator<> lowered;
  LowerCollective(op, structure, &lowered);
  return lowered;
}

TEST(LowerTest, AnAllReduceOverBoardsIsHierarchical) {
  // Two boards of eight: each chip scatters and gathers 2 x 7/8 of 800 bytes
  // inside, and reduces its eighth, 100 bytes, with its counterpart.
  const LoweredOperator<> two =
      Lowered(Collective::kAllReduce, 16, 800, Boards(8, 64));
  EXPECT_EQ(InBytes(two.link_critical[0]), 1400);
  EXPECT_EQ(two.link_messages[0], 2);
  EXPECT_EQ(InBytes(two.link_critical[1]), 100);
  EXPECT_EQ(two.link_messages[1], 2);
  // Eight boards: 2 x 7/8 x 100 bytes up and down a tree of three levels.
  const LoweredOperator<> eight =
      Lowered(Collective::kAllReduce, 64, 800, Boards(8, 64));
  EXPECT_EQ(InBytes(eight.link_critical[1]), 175);
  EXPECT_EQ(eight.link_messages[1], 6);
  // A group inside one board never leaves it.
  const LoweredOperator<> one =
      Lowered(Collective::kAllReduce, 8, 800, Boards(8, 64));
  EXPECT_EQ(one.link_messages[1], 0);
  EXPECT_EQ(InBytes(one.link_sent[1]), 0);
}

TEST(LowerTest, AnAllToAllSendsToEachChipOverItsOwnNetwork) {
  // Of 15 other chips seven are on the same board.
  const LoweredOperator<> lowered =
      Lowered(Collective::kAllToAll, 16, 1500, Boards(8, 64));
  EXPECT_DOUBLE_EQ(InBytes(lowered.link_critical[0]), 700);
  EXPECT_DOUBLE_EQ(InBytes(lowered.link_critical[1]), 800);
}

TEST(LowerTest, StagesOfAPipelineCrossBoardsWhereTheyMust) {
  // Four stages of four chips on boards of eight: of three boundaries one lies
  // between boards.
  Operator<> op;
  op.collective = Collective::kSend;
  op.group = 2;
  op.pipeline_chips = 16;
  op.pipeline_stages = 4;
  op.payload = Bytes(300.0);
  LoweredOperator<> lowered;
  LowerCollective(op, Boards(8, 64), &lowered);
  EXPECT_DOUBLE_EQ(InBytes(lowered.link_critical[0]), 200);
  EXPECT_DOUBLE_EQ(InBytes(lowered.link_critical[1]), 100);
}

TEST(LowerTest, ATorusTakesHalfARingAPassAndItsLinks) {
  // 16 chips as 4 x 4: 2 passes x 2 dimensions x 2 hops.
  const LoweredOperator<> square = Lowered(
      Collective::kAllReduce, 16, 16, Domain(Interconnect::TORUS, 256, 2));
  EXPECT_EQ(square.link_messages[0], 8);
  EXPECT_DOUBLE_EQ(InBytes(square.link_critical[0]), 30);
  // 2 x 2: a side of two uses one of a ring's two links.
  const LoweredOperator<> four = Lowered(Collective::kAllReduce, 4, 16,
                                         Domain(Interconnect::TORUS, 256, 2));
  EXPECT_DOUBLE_EQ(InBytes(four.link_critical[0]), 48);
}

TEST(LowerTest, AMeshTakesTheLatenciesAndTheEnergyOfASwitch) {
  for (const Collective collective :
       {Collective::kAllReduce, Collective::kGather, Collective::kAllToAll,
        Collective::kSend}) {
    Operator<> op;
    op.collective = collective;
    op.group = 2;
    op.payload = Bytes(8.0);
    LoweredOperator<> mesh, through_switch;
    LowerCollective(op, Domain(Interconnect::MESH, 8), &mesh);
    LowerCollective(op, Domain(Interconnect::SWITCHED, 8), &through_switch);
    EXPECT_EQ(mesh.link_messages, through_switch.link_messages);
    EXPECT_EQ(mesh.link_sent, through_switch.link_sent);
    EXPECT_EQ(InBytes(mesh.link_critical[0]),
              7 * InBytes(through_switch.link_critical[0]));
    // A mesh of two chips has one bundle, which is the whole bandwidth.
    LowerCollective(op, Domain(Interconnect::MESH, 2), &mesh);
    EXPECT_EQ(mesh.link_critical, through_switch.link_critical);
  }
}

TEST(LowerTest, StepsOnAMeshTakeTheBundlesOfTheirGroup) {
  // Two chips of eight: 7 times the time of the bytes of a whole board's links.
  Machine<> machine = BuildMachine(LoadHardwareOrDie("mi300x"));
  Scenario scenario = Point(4, 1000);
  scenario.set_tp(2);
  const Ledger<> ledger = BuildLedger(LoadModelOrDie("llama-3.1-8b"), scenario);
  const LoweredStep<> mesh = Lower(ledger, machine);
  machine.structure.networks[0].topology = Interconnect::SWITCHED;
  const LoweredStep<> through_switch = Lower(ledger, machine);
  int collectives = 0;
  for (size_t i = 0; i < mesh.operators.size(); ++i) {
    if (mesh.operators[i].is_kernel) continue;
    ++collectives;
    EXPECT_DOUBLE_EQ(
        InBytes(mesh.operators[i].link_critical[0]),
        7 * InBytes(through_switch.operators[i].link_critical[0]));
  }
  // After the embedding, the mixers and the MLPs, and the logits' gather.
  EXPECT_EQ(collectives, 4);
}

}  // namespace
}  // namespace tokenjoule
