#include "analyzer/cost/kernel.h"

#include <cmath>

#include "analyzer/cost/limits.h"
#include "analyzer/cost/lower.h"
#include "analyzer/cost/pack.h"
#include "analyzer/cost/pack_kernel.h"
#include "analyzer/cost/stream.h"
#include "analyzer/machine/machine.h"
#include "analyzer/machine/slots.h"
#include "analyzer/units/units.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

constexpr double kTiny = 1e-15;

// One level of DRAM at 1 GB/s and one engine at 1 GFLOP/s, nothing else.
Machine<> PlainMachine() {
  Machine<> machine;
  machine.structure.num_levels = 1;
  machine.structure.levels[0].is_dram = true;
  machine.costs.levels[0].peak_bandwidth = GigabytesPerSecond(1.0);
  machine.costs.levels[0].activation_capacity = Gigabytes(1.0);
  machine.structure.num_rates = 1;
  machine.costs.rates[0].peak = TeraflopPerSecond(0.001);
  machine.costs.vector.peak = TeraflopPerSecond(0.001);
  machine.structure.num_networks = 1;
  machine.costs.networks[0].bandwidth = GigabytesPerSecond(1.0);
  return machine;
}

// The same with a core clock: voltage in proportion to the clock down to 0.8.
Machine<> ClockedMachine() {
  Machine<> machine = PlainMachine();
  machine.structure.has_core_clock = true;
  machine.costs.clock.lowest = 0.1;
  machine.costs.clock.voltage_floor = 0.8;
  machine.costs.clock.voltage_slope = 1;
  machine.costs.clock.steep_voltage_slope = 1;
  machine.costs.levels[0].read.path = PicojoulesPerBit(1e6);
  machine.costs.levels[0].read.column = PicojoulesPerBit(1e6);
  machine.costs.static_power = Watts(10.0);
  machine.costs.clock.power = Watts(20.0);
  return machine;
}

LoweredOperator<> Reads(double bytes, double flop) {
  LoweredOperator<> op;
  op.count = 1;
  op.origin_read[0] = Bytes(bytes);
  op.matmul_flop = Flop(flop);
  op.reads_backing = true;
  op.is_kernel = true;
  return op;
}

// Time per run, s.
double TimeOf(const LoweredOperator<>& op, const Machine<>& machine) {
  return InSeconds(TimesOf(op, machine, UnitTimes<>(machine)).total);
}

LoweredStep<> StepOf(std::vector<LoweredOperator<>> operators) {
  LoweredStep<> step;
  step.operators = std::move(operators);
  step.tokens = 1;
  return step;
}

TEST(KernelTest, TimeIsTheLongerOfBytesAndFlop) {
  const Machine<> machine = PlainMachine();
  EXPECT_NEAR(TimeOf(Reads(5, 3), machine), 5e-9, kTiny);
  EXPECT_NEAR(TimeOf(Reads(5, 7), machine), 7e-9, kTiny);
}

// Shares of kernels are relative to other kernels: together with the efficiency of a
// machine they may promise more than there is.
TEST(KernelTest, NothingIsFasterThanItsPeak) {
  Machine<> machine = PlainMachine();
  machine.costs.levels[0].bandwidth_efficiency = 0.8;
  LoweredOperator<> op = Reads(10, 0);
  op.extra_read = Bytes(-1.0);
  EXPECT_NEAR(TimeOf(op, machine), 9e-9 / 0.8, kTiny);
  op.extra_read = Bytes(-5.0);
  EXPECT_NEAR(TimeOf(op, machine), 10e-9, kTiny);
  op = Reads(0, 10);
  machine.costs.rates[0].compute_efficiency = 0.5;
  op.extra_flop = Flop(-3.0);
  EXPECT_NEAR(TimeOf(op, machine), 14e-9, kTiny);
  op.extra_flop = Flop(-6.0);
  EXPECT_NEAR(TimeOf(op, machine), 10e-9, kTiny);
}

TEST(KernelTest, OverlapIsBetweenMaximumAndSum) {
  Machine<> machine = PlainMachine();
  machine.costs.overlap_fraction = 0;
  EXPECT_NEAR(TimeOf(Reads(5, 3), machine), 8e-9, kTiny);
  machine.costs.overlap_fraction = 0.5;
  // Half of 5 and half of 5 + 3.
  EXPECT_NEAR(TimeOf(Reads(5, 3), machine), 6.5e-9, kTiny);
}

TEST(KernelTest, ShortTransfersReachLessBandwidth) {
  Machine<> machine = PlainMachine();
  machine.costs.levels[0].half_transfer = Bytes(10.0);
  // 10 bytes reach half of the rate: 20 ns. A million bytes reach all of it.
  EXPECT_NEAR(TimeOf(Reads(10, 0), machine), 20e-9, kTiny);
  EXPECT_NEAR(TimeOf(Reads(1e6, 0), machine), 1e-3, 2e-8);
}

TEST(KernelTest, ActivationsSpillBeyondTheirRoom) {
  Machine<> machine = PlainMachine();
  machine.structure.num_levels = 2;
  machine.costs.levels[1].peak_bandwidth = GigabytesPerSecond(1.0);
  machine.costs.levels[1].activation_capacity = Bytes(30.0);
  LoweredOperator<> op = Reads(5, 0);
  op.has_activations = true;
  op.activation_in = Bytes(30.0);
  op.activation_out = Bytes(10.0);
  op.activation_in_share = 0.75;
  // 40 bytes, of which 30 fit: a quarter of each direction spills.
  EXPECT_EQ(InBytes(TrafficOf(op, machine, 0).read), 5 + 7.5);
  EXPECT_EQ(InBytes(TrafficOf(op, machine, 0).write), 2.5);
  // The near level carries everything.
  EXPECT_EQ(InBytes(TrafficOf(op, machine, 1).read), 35);
  EXPECT_EQ(InBytes(TrafficOf(op, machine, 1).write), 10);
}

// A byte costs 1 J to read and 10 J to write in the near level.
Machine<> MachineWithNearLevel() {
  Machine<> machine = PlainMachine();
  machine.structure.num_levels = 2;
  machine.costs.levels[1].peak_bandwidth = GigabytesPerSecond(1e9);
  machine.costs.levels[1].read.column = Joules(1.0) / Bytes(1.0);
  machine.costs.levels[1].write.column = Joules(10.0) / Bytes(1.0);
  return machine;
}

TEST(KernelTest, WhatStreamsThroughALevelIsWrittenBeforeItIsRead) {
  const Machine<> machine = MachineWithNearLevel();
  // 3 bytes from DRAM: 3 x (10 + 1).
  const LoweredStep<> reads = StepOf({Reads(3, 0)});
  EXPECT_DOUBLE_EQ(InJoules(CostOfStep(reads, machine).terms[kSram]), 33);
  // 2 bytes to DRAM: written here and read from here.
  LoweredOperator<> op = Reads(0, 0);
  op.origin_write[0] = Bytes(2.0);
  EXPECT_DOUBLE_EQ(InJoules(CostOfStep(StepOf({op}), machine).terms[kSram]), 22);
  // What the level holds is read only.
  op = Reads(0, 0);
  op.origin_read[1] = Bytes(5.0);
  EXPECT_DOUBLE_EQ(InJoules(CostOfStep(StepOf({op}), machine).terms[kSram]), 5);
}

TEST(KernelTest, APathThatWasMeasuredWithItsFillsHasThem) {
  Machine<> machine = MachineWithNearLevel();
  machine.structure.levels[1].fills_included = true;
  EXPECT_DOUBLE_EQ(
      InJoules(CostOfStep(StepOf({Reads(3, 0)}), machine).terms[kSram]), 3);
}

TEST(KernelTest, ActivationsAreNotFilledFromAnywhere) {
  Machine<> machine = MachineWithNearLevel();
  machine.costs.levels[1].activation_capacity = Bytes(30.0);
  LoweredOperator<> op = Reads(0, 0);
  op.has_activations = true;
  op.activation_in = Bytes(10.0);
  op.activation_out = Bytes(10.0);
  op.activation_in_share = 0.5;
  // In and out: 10 x 1 + 10 x 10.
  EXPECT_DOUBLE_EQ(InJoules(CostOfStep(StepOf({op}), machine).terms[kSram]),
                   110);
  // Of which 10 spill, half of them inputs: 5 are filled, 5 drained.
  machine.costs.levels[1].activation_capacity = Bytes(10.0);
  EXPECT_DOUBLE_EQ(InJoules(CostOfStep(StepOf({op}), machine).terms[kSram]),
                   110 + 5 * 10 + 5 * 1);
}

TEST(KernelTest, FillsWearTheCellsOfANearLevel) {
  Machine<> machine = MachineWithNearLevel();
  machine.costs.levels[1].capacity = Bytes(100.0);
  machine.costs.levels[1].wear_per_write = 1e-3;
  const LoweredStep<> step = StepOf({Reads(20, 0)});
  EXPECT_NEAR(WearOf<double>(step, machine, ActionsOf<double>(step, machine)),
              0.2 * 1e-3, 1e-15);
}

TEST(KernelTest, OnlyWhatItHoldsMovesThroughALevelBesideThePath) {
  // DRAM, a level beside the path, the near level.
  Machine<> machine = MachineWithNearLevel();
  machine.structure.num_levels = 3;
  machine.costs.levels[2] = machine.costs.levels[1];
  machine.costs.levels[1].read.column = Joules(100.0) / Bytes(1.0);
  machine.costs.levels[1].write.column = Joules(1000.0) / Bytes(1.0);
  machine.structure.levels[1].beside_path = true;
  machine.structure.has_side_levels = true;
  LoweredOperator<> op = Reads(3, 0);
  op.origin_read[1] = Bytes(2.0);
  op.origin_write[1] = Bytes(1.0);
  // Of DRAM as if it were not there; of its own 2 x 100 + 1000, and nothing on the
  // way.
  EXPECT_DOUBLE_EQ(InJoules(CostOfStep(StepOf({op}), machine).terms[kSram]),
                   33 + 1200);
  EXPECT_EQ(InBytes(TrafficOf(op, machine, 1).read), 2);
  EXPECT_EQ(InBytes(TrafficOf(op, machine, 2).read), 3);
  machine.structure.levels[1].beside_path = false;
  EXPECT_EQ(InBytes(TrafficOf(op, machine, 2).read), 5);
}

TEST(KernelTest, WarmMemoryOnTheLogicIsRefreshedTwiceAsOften) {
  Machine<> machine = PlainMachine();
  machine.structure.stack_level = 0;
  machine.costs.levels[0].background = Watts(3.0);
  machine.costs.stack.refresh = Watts(2.0);
  machine.costs.stack.area_cm2 = 1;
  machine.costs.stack.coolant_c = 45;
  machine.costs.static_power = Watts(36.0);
  machine.costs.stack.resistance_k_cm2_per_w = 1;
  // One second at 3 + 36 W: 84 C.
  const LoweredStep<> step = StepOf({Reads(1e9, 0)});
  StepCost<> cost = CostOfStep(step, machine);
  EXPECT_DOUBLE_EQ(cost.heat.temperature_c, 84);
  EXPECT_DOUBLE_EQ(InJoules(cost.terms[kDramBackground]), 3);
  // At 3 + 38 W: 86 C, and 2 W more.
  machine.costs.static_power = Watts(38.0);
  cost = CostOfStep(step, machine);
  EXPECT_DOUBLE_EQ(cost.heat.temperature_c, 86);
  EXPECT_DOUBLE_EQ(InJoules(cost.terms[kDramBackground]), 5);
}

TEST(KernelTest, StaticEnergyIsPowerTimesTime) {
  Machine<> machine = PlainMachine();
  machine.costs.static_power = Watts(2.0);
  const StepCost<> cost = CostOfStep(StepOf({Reads(1e9, 0)}), machine);
  EXPECT_DOUBLE_EQ(InSeconds(cost.step_time), 1);
  EXPECT_DOUBLE_EQ(InJoules(cost.terms[kStatic]), 2);
}

TEST(KernelTest, RegulatorsLoseOnEverythingBehindThem) {
  Machine<> machine = PlainMachine();
  machine.costs.static_power = Watts(2.0);
  machine.costs.rates[0].energy = PicojoulesPerFlop(1e3);
  machine.costs.regulator_efficiency = 0.8;
  // 1 s: 2 J static and 1e9 x 1 nJ = 1 J of compute; 3 / 0.8 = 3.75 J.
  const StepCost<> cost = CostOfStep(StepOf({Reads(0, 1e9)}), machine);
  EXPECT_DOUBLE_EQ(InJoules(cost.terms[kCompute]), 1);
  EXPECT_DOUBLE_EQ(InJoules(cost.terms[kStatic]), 2 + 0.75);
}

TEST(KernelTest, PowerCapStretchesTheStep) {
  Machine<> machine = PlainMachine();
  machine.costs.static_power = Watts(1.0);
  machine.costs.levels[0].background = Watts(1.0);
  machine.costs.rates[0].energy = PicojoulesPerFlop(6e3);
  machine.structure.has_power_cap = true;
  machine.costs.power_cap = Watts(5.0);
  // 6 J of compute in 1 s would draw 8 W; 3 W are left above standing power:
  // 2 s.
  const StepCost<> cost = CostOfStep(StepOf({Reads(0, 1e9)}), machine);
  EXPECT_DOUBLE_EQ(InSeconds(cost.step_time), 2);
  EXPECT_DOUBLE_EQ(InSeconds(cost.stretch), 1);
  EXPECT_DOUBLE_EQ(InJoules(Sum(cost.terms)), 10);
  // A cap that does not bind changes nothing.
  machine.costs.power_cap = Watts(50.0);
  EXPECT_DOUBLE_EQ(
      InSeconds(CostOfStep(StepOf({Reads(0, 1e9)}), machine).step_time), 1);
}

TEST(KernelTest, NodeAndFacilityMultiplyWhatIsInside) {
  Machine<> machine = PlainMachine();
  machine.costs.static_power = Watts(3.0);
  machine.costs.host_power = Watts(1.0);
  machine.costs.supply_efficiency = 0.8;
  machine.costs.power_usage_effectiveness = 1.5;
  // Board 3 J, host 1 J, supplies 4 / 0.8 = 5 J, facility 7.5 J.
  const StepCost<> cost = CostOfStep(StepOf({Reads(1e9, 0)}), machine);
  EXPECT_DOUBLE_EQ(InJoules(cost.terms[kStatic]), 3);
  EXPECT_DOUBLE_EQ(InJoules(cost.terms[kHost]), 2);
  EXPECT_DOUBLE_EQ(InJoules(cost.terms[kFacility]), 2.5);
}

TEST(KernelTest, OverheadsCountStepsLayersKernelsAndSequences) {
  Machine<> machine = PlainMachine();
  machine.costs.time_per_step = Seconds(1000.0);
  machine.costs.time_per_layer = Seconds(100.0);
  machine.costs.time_per_kernel = Seconds(10.0);
  machine.costs.time_per_sequence = Seconds(1.0);
  LoweredStep<> step = StepOf({Reads(0, 0), Reads(0, 0)});
  step.operators[0].count = 3;
  step.layers = 2;
  step.samples_per_replica = 5;
  // 1000 + 2 x 100 + (3 + 1) x 10 + 5.
  EXPECT_DOUBLE_EQ(InSeconds(CostOfStep(step, machine).step_time), 1245);
}

TEST(KernelTest, LayersOfEachKindAndPromptsTakeTimeOfTheirOwn) {
  Machine<> machine = PlainMachine();
  machine.costs.time_per_layer = Seconds(10000.0);
  machine.costs.time_per_expert_layer = Seconds(1000.0);
  machine.costs.time_per_recurrent_layer = Seconds(100.0);
  machine.costs.time_per_latent_layer = Seconds(10.0);
  machine.costs.time_per_prompt = Seconds(1.0);
  LoweredStep<> step = StepOf({Reads(0, 0)});
  step.layers = 5;
  step.expert_layers = 4;
  step.recurrent_layers = 3;
  step.latent_layers = 2;
  step.prompts_per_replica = 0.5;
  EXPECT_DOUBLE_EQ(InSeconds(CostOfStep(step, machine).step_time), 54320.5);
}

TEST(KernelTest, KernelsMayTakeLongerToLaunchThanOthers) {
  Machine<> machine = PlainMachine();
  machine.costs.time_per_kernel = Seconds(10.0);
  machine.costs.time_per_collective = Seconds(1.0);
  LoweredOperator<> op = Reads(0, 0);
  op.count = 3;
  op.launch = Seconds(7.0);
  const auto time = [&] {
    return InSeconds(CostOfStep(StepOf({op}), machine).step_time);
  };
  EXPECT_DOUBLE_EQ(time(), 3 * (10 + 7));
  // A collective is no kernel.
  op.is_kernel = false;
  EXPECT_DOUBLE_EQ(time(), 3);
}

TEST(KernelTest, StepsThatAdmitPromptsLaunchTheirLayersOneByOne) {
  Machine<> machine = PlainMachine();
  machine.costs.time_per_layer = Seconds(100.0);
  machine.costs.time_per_layer_admitting = Seconds(40.0);
  LoweredStep<> step = StepOf({Reads(0, 0)});
  step.layers = 2;
  EXPECT_DOUBLE_EQ(InSeconds(CostOfStep(step, machine).step_time), 200);
  // A quarter of the steps: 2 x (100 + 40 / 4).
  step.admitting = 0.25;
  EXPECT_DOUBLE_EQ(InSeconds(CostOfStep(step, machine).step_time), 220);
}

TEST(KernelTest, RecurrentLayersTakeLongerToAdmitPrompts) {
  Machine<> machine = PlainMachine();
  machine.costs.time_per_layer_admitting = Seconds(40.0);
  machine.costs.time_per_recurrent_layer_admitting = Seconds(100.0);
  LoweredStep<> step = StepOf({Reads(0, 0)});
  step.layers = 3;
  step.recurrent_layers = 2;
  EXPECT_DOUBLE_EQ(InSeconds(CostOfStep(step, machine).step_time), 0);
  // A quarter of the steps: (3 x 40 + 2 x 100) / 4.
  step.admitting = 0.25;
  EXPECT_DOUBLE_EQ(InSeconds(CostOfStep(step, machine).step_time), 80);
}

TEST(KernelTest, SequencesCostEnergyOnceEachHoweverManyChips) {
  Machine<> machine = PlainMachine();
  const LoweredStep<> none = StepOf({Reads(1e9, 0)});
  const double before = InJoules(CostOfStep(none, machine).terms[kStatic]);
  machine.costs.energy_per_sequence = Millijoules(2.0);
  LoweredStep<> step = none;
  step.samples = 5;
  step.chips = 4;
  EXPECT_DOUBLE_EQ(InJoules(CostOfStep(step, machine).terms[kStatic]),
                   before + 0.01);
}

TEST(KernelTest, ASlowerClockSavesTheSquareOfTheVoltageInTheCoreAlone) {
  Machine<> machine = ClockedMachine();
  LoweredOperator<> op = Reads(1e6, 0);
  const StepCost<> fast = CostOfStep(StepOf({op}), machine);
  machine.costs.clock.set = 0.9;
  const StepCost<> slow = CostOfStep(StepOf({op}), machine);
  // The stream does not need the core.
  EXPECT_DOUBLE_EQ(InSeconds(slow.step_time), InSeconds(fast.step_time));
  EXPECT_DOUBLE_EQ(InJoules(slow.terms[kMemoryPath]),
                   0.81 * InJoules(fast.terms[kMemoryPath]));
  EXPECT_EQ(slow.terms[kDramColumn], fast.terms[kDramColumn]);
  // 10 W and 20 W x 0.81 x 0.9 for the same millisecond.
  EXPECT_DOUBLE_EQ(InJoules(slow.terms[kStatic]), 1e-3 * (10 + 20 * 0.729));
  // Below the knee the voltage stays.
  machine.costs.clock.set = 0.5;
  EXPECT_DOUBLE_EQ(
      InJoules(CostOfStep(StepOf({op}), machine).terms[kMemoryPath]),
      0.64 * InJoules(fast.terms[kMemoryPath]));
}

TEST(KernelTest, AboveASteepPointTheVoltageRisesFaster) {
  ClockCosts<> costs = ClockedMachine().costs.clock;
  costs.steep_from = 1.1;
  costs.steep_voltage_slope = 3;
  EXPECT_DOUBLE_EQ(CoreAt(1.1, costs).voltage_squared, 1.21);
  EXPECT_DOUBLE_EQ(CoreAt(1.2, costs).voltage_squared, 1.4 * 1.4);
}

TEST(KernelTest, StreamsAndProductsSlowDownWithTheClock) {
  Machine<> machine = ClockedMachine();
  LoweredOperator<> stream = Reads(1e6, 0), product = Reads(0, 1e6);
  stream.core_time_ratio = 0.75;
  machine.costs.clock.set = 0.5;
  // sqrt((1 + 1.5^2) / (1 + 0.75^2)) of a millisecond; twice a millisecond.
  EXPECT_DOUBLE_EQ(InSeconds(CostOfStep(StepOf({stream}), machine).step_time),
                   1e-3 * std::sqrt(3.25 / 1.5625));
  EXPECT_DOUBLE_EQ(InSeconds(CostOfStep(StepOf({product}), machine).step_time),
                   2e-3);
}

TEST(KernelTest, ACapChoosesTheClockThatDrawsIt) {
  Machine<> machine = ClockedMachine();
  machine.structure.has_power_cap = true;
  LoweredOperator<> op = Reads(1e6, 0);
  op.core_time_ratio = 0.75;
  LoweredStep<> step = StepOf({op});
  machine.costs.power_cap = Watts(1e9);
  const StepCost<> free = CostOfStep(step, machine);
  const auto board = [](const StepCost<>& cost) {
    return InWatts(EnergyInside(cost.terms, kBoardBoundary) / cost.step_time);
  };
  EXPECT_NEAR(InWatts(free.uncapped_power), board(free), 1e-6);
  double before_j = 1e9, before_s = 0;
  for (const double share : {0.99, 0.9, 0.8, 0.7}) {
    machine.costs.power_cap = Watts(board(free) * share);
    const StepCost<> capped = CostOfStep(step, machine);
    // The cap is met from below, to a part in a thousand.
    EXPECT_LE(board(capped), board(free) * share * (1 + 1e-12));
    EXPECT_GE(board(capped), board(free) * share * (1 - 1e-3)) << share;
    EXPECT_LT(capped.clock, 1);
    EXPECT_GT(InSeconds(capped.step_time), before_s);
    EXPECT_LT(InJoules(EnergyInside(capped.terms, kBoardBoundary)), before_j);
    before_s = InSeconds(capped.step_time);
    before_j = InJoules(EnergyInside(capped.terms, kBoardBoundary));
    // The same as setting that clock.
    Machine<> set = machine;
    set.costs.clock.set = capped.clock;
    set.structure.has_power_cap = false;
    EXPECT_NEAR(InSeconds(CostOfStep(step, set).step_time),
                InSeconds(capped.step_time), 1e-3 * before_s);
  }
}

TEST(KernelTest, BelowTheLowestClockACapStretches) {
  Machine<> machine = ClockedMachine();
  machine.structure.has_power_cap = true;
  machine.costs.clock.lowest = 0.9;
  machine.costs.power_cap = Watts(31.0);
  const StepCost<> cost = CostOfStep(StepOf({Reads(1e6, 0)}), machine);
  EXPECT_DOUBLE_EQ(cost.clock, 0.9);
  EXPECT_NEAR(InWatts(EnergyInside(cost.terms, kBoardBoundary) / cost.step_time),
              31, 1e-9);
}

TEST(KernelTest, CappedPacksAreCappedLaneByLane) {
  Machine<> machine = ClockedMachine();
  machine.structure.has_power_cap = true;
  LoweredOperator<> op = Reads(1e6, 0);
  op.core_time_ratio = 0.75;
  const LoweredStep<> step = StepOf({op});
  Machine<Pack> packs = Converted<Pack>(machine);
  for (int lane = 0; lane < Pack::kLanes; ++lane) {
    packs.costs.power_cap.mutable_base().value[lane] = 8000 + 2500.0 * lane;
  }
  const StepCost<Pack> all = CostOfStep(ConvertedStep<Pack>(step), packs);
  for (int lane = 0; lane < Pack::kLanes; ++lane) {
    machine.costs.power_cap = Watts(8000 + 2500.0 * lane);
    const StepCost<> one = CostOfStep(step, machine);
    EXPECT_NEAR(InSeconds(all.step_time)[lane] / InSeconds(one.step_time), 1,
                1e-12);
  }
}

TEST(KernelTest, DataThatTogglesHalfAsMuchCostsHalfOfWhatToggles) {
  Machine<> machine = PlainMachine();
  machine.costs.levels[0].read.column = PicojoulesPerBit(2.0);
  machine.costs.levels[0].read.column_toggling = PicojoulesPerBit(1.0);
  machine.costs.levels[0].read.path_toggling = PicojoulesPerBit(4.0);
  LoweredOperator<> op = Reads(1e9, 0);
  const auto picojoules = [&](double toggling, TermIndex term) {
    op.toggling = toggling;
    const StepCost<> cost = CostOfStep(StepOf({op}), machine);
    return InJoules(cost.terms[term]) * 1e12 / 8e9;
  };
  EXPECT_DOUBLE_EQ(picojoules(1, kDramColumn), 3);
  EXPECT_DOUBLE_EQ(picojoules(0.5, kDramColumn), 2.5);
  EXPECT_DOUBLE_EQ(picojoules(0, kDramColumn), 2);
  EXPECT_DOUBLE_EQ(picojoules(0.5, kMemoryPath), 2);
}

TEST(KernelTest, TheBoardSuppliesTheStackWithoutItsRegulators) {
  Machine<> machine = PlainMachine();
  machine.costs.regulator_efficiency = 0.8;
  machine.costs.levels[0].read.column = PicojoulesPerBit(1.0);
  machine.costs.levels[0].read.phy = PicojoulesPerBit(1.0);
  const StepCost<> cost = CostOfStep(StepOf({Reads(1e9, 0)}), machine);
  // 8 mJ of stack, 8 mJ / 0.8 of the rest.
  EXPECT_DOUBLE_EQ(InJoules(EnergyInside(cost.terms, kBoardBoundary)), 0.018);
}

TEST(KernelTest, AStreamInsideTheCacheMovesNothingInMemory) {
  Machine<> machine = ClockedMachine();
  machine.structure.num_levels = 2;
  machine.costs.levels[0].background = Watts(5.0);
  machine.costs.levels[0].read.column = PicojoulesPerBit(5.0);
  machine.costs.levels[0].read.path = PicojoulesPerBit(2.0);
  machine.costs.levels[1].read.path = PicojoulesPerBit(3.0);
  const DataRate<> rate = GigabytesPerSecond(1000.0);
  const StreamPower<> cached =
      PowerOfStream<double>({{}, {}, rate, 1.0}, machine);
  EXPECT_DOUBLE_EQ(InWatts(cached.memory), 5);
  EXPECT_DOUBLE_EQ(InWatts(cached.board), 5 + 24 + 30);
  // Bytes from memory pass the cache as well.
  const StreamPower<> read = PowerOfStream<double>({rate, {}, {}, 1.0}, machine);
  EXPECT_DOUBLE_EQ(InWatts(read.board), 5 + 40 + 16 + 24 + 30);
}

TEST(KernelTest, AStreamDrawsWhatItsBytesAndTheStandingPartsDraw) {
  Machine<> machine = ClockedMachine();
  machine.costs.levels[0].background = Watts(5.0);
  machine.costs.levels[0].read.column = PicojoulesPerBit(5.0);
  machine.costs.levels[0].read.path = PicojoulesPerBit(2.0);
  machine.costs.levels[0].write.column = PicojoulesPerBit(4.0);
  // 8e12 bits a second.
  const Stream<> read = {GigabytesPerSecond(1000.0), {}, {}, 1.0};
  StreamPower<> power = PowerOfStream<double>(read, machine);
  EXPECT_DOUBLE_EQ(InWatts(power.memory), 5 + 40);
  EXPECT_DOUBLE_EQ(InWatts(power.board), 5 + 40 + 16 + 30);
  const Stream<> write = {{}, GigabytesPerSecond(1000.0), {}, 1.0};
  EXPECT_DOUBLE_EQ(InWatts(PowerOfStream<double>(write, machine).memory), 37);
  // At a cap the rate stays and the core's part falls to it.
  machine.structure.has_power_cap = true;
  machine.costs.power_cap = Watts(85.0);
  power = PowerOfStream<double>(read, machine);
  EXPECT_NEAR(InWatts(power.board), 85, 0.1);
  EXPECT_LT(power.clock, 1);
  EXPECT_DOUBLE_EQ(InWatts(power.memory), 45);
}

MachineStructure Domain(Interconnect::Topology topology) {
  MachineStructure structure;
  structure.num_networks = 1;
  structure.networks[0] = {topology, 0, 8};
  return structure;
}

TEST(KernelTest, AllReduceMovesTwiceThePayloadButOnePart) {
  Operator<> op;
  op.collective = Collective::kAllReduce;
  op.group = 4;
  op.payload = Bytes(8.0);
  LoweredOperator<> lowered;
  LowerCollective(op, Domain(Interconnect::SWITCHED), &lowered);
  // 2 x 3/4 x 8 = 12 bytes from each chip in two steps.
  EXPECT_EQ(InBytes(lowered.link_sent[0]), 12);
  EXPECT_EQ(lowered.link_messages[0], 2);
  LowerCollective(op, Domain(Interconnect::RING), &lowered);
  EXPECT_EQ(InBytes(lowered.link_sent[0]), 12);
  EXPECT_EQ(lowered.link_messages[0], 6);
}

TEST(KernelTest, GatherFillsTheRootsLink) {
  Operator<> op;
  op.collective = Collective::kGather;
  op.group = 4;
  op.payload = Bytes(8.0);
  LoweredOperator<> lowered;
  LowerCollective(op, Domain(Interconnect::SWITCHED), &lowered);
  EXPECT_EQ(InBytes(lowered.link_critical[0]), 6);
  // Three of four chips send 2 bytes: 1.5 in the mean.
  EXPECT_EQ(InBytes(lowered.link_sent[0]), 1.5);
}

TEST(KernelTest, LinkTimeIsLatencyAndBytes) {
  Machine<> machine = PlainMachine();
  machine.costs.networks[0].latency = Seconds(1.0);
  machine.costs.networks[0].energy = PicojoulesPerBit(1.0);
  LoweredOperator<> op;
  op.count = 1;
  op.link_messages[0] = 2;
  op.link_critical[0] = Gigabytes(3.0);
  op.link_sent[0] = Gigabytes(3.0);
  EXPECT_DOUBLE_EQ(TimeOf(op, machine), 5);
  const StepCost<> cost = CostOfStep(StepOf({op}), machine);
  EXPECT_DOUBLE_EQ(InJoules(cost.terms[kLink]), 0.024);
}

}  // namespace
}  // namespace tokenjoule
