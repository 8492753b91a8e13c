#include "analyzer/machine/slots.h"

#include <set>

#include "analyzer/description/catalog.h"
#include "analyzer/machine/build_machine.h"
#include "analyzer/machine/free.h"
#include "analyzer/machine/machine.h"
#include "analyzer/machine/traced.h"
#include "analyzer/testing/catalog.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

TEST(SlotsTest, EveryNumberHasAPlaceOfItsOwn) {
  Machine<> machine = BuildMachine(LoadHardwareOrDie("aimc-hbm3e"));
  std::set<double*> places;
  size_t listed = 0;
  for (double* place : CostSlots(&machine))
    listed += places.insert(place).second;
  for (double* place : PlacementSlots(&machine)) {
    listed += places.insert(place).second;
  }
  EXPECT_EQ(listed,
            CostSlots(&machine).size() + PlacementSlots(&machine).size());
}

TEST(SlotsTest, ConversionKeepsStructureAndEveryNumber) {
  for (const char* name : {"h100-sxm", "aimc-hbm3e", "sram-rack"}) {
    Machine<> machine = BuildMachine(LoadHardwareOrDie(name));
    Machine<Traced> traced = Converted<Traced>(machine);
    EXPECT_EQ(traced.structure.num_rates, machine.structure.num_rates);
    const auto numbers = CostSlots(&machine);
    const auto copies = CostSlots(&traced);
    ASSERT_EQ(numbers.size(), copies.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
      EXPECT_EQ(*numbers[i], copies[i]->value) << name << " " << i;
    }
  }
}

TEST(FreeTest, WithoutAnyComponentAMachineCostsNothingButItsCapacities) {
  Machine<> machine = BuildMachine(LoadHardwareOrDie("h100-sxm"));
  for (const ComponentRow& row : Components()) {
    MakeEnergyFree(row.component, &machine);
    MakeTimeFree(row.component, &machine);
  }
  ForEachCost(
      machine.structure,
      [](const Field& field, auto& number) {
        if (!field.is_energy && !field.is_time) return;
        auto free = number;
        MakeFree(field, free);
        EXPECT_TRUE(free == number) << field.name;
      },
      machine.costs);
}

TEST(FreeTest, TermsAreFreedByTheNumbersThatFeedThem) {
  Machine<> machine = BuildMachine(LoadHardwareOrDie("h100-sxm"));
  MakeTermFree(kDramColumn, &machine);
  EXPECT_EQ(machine.costs.levels[0].read.column, EnergyPerData<>());
  // The near level's array is SRAM.
  EXPECT_GT(machine.costs.levels[1].read.column, EnergyPerData<>());
  MakeTermFree(kStatic, &machine);
  EXPECT_EQ(machine.costs.static_power, Power<>());
  EXPECT_EQ(machine.costs.regulator_efficiency, 1);
}

TEST(TracedTest, ConditionsAreRememberedAsInputs) {
  const Traced a(1, 1), b(2, 2), c(3, 4), d(4, 8);
  const Traced chosen = Select(a < b, c, d);
  EXPECT_EQ(chosen.value, 3);
  EXPECT_EQ(chosen.inputs, 1u | 2u | 4u | 8u);
  EXPECT_EQ(Max(a, b).value, 2);
  EXPECT_EQ((a * b + c).inputs, 1u | 2u | 4u);
}

}  // namespace
}  // namespace tokenjoule
