#include "analyzer/evaluate/roofline.h"

#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/units/units.h"

namespace tokenjoule {
namespace {

// Amounts that pass one after another, each at a rate of its own.
class InTurn {
 public:
  void Add(double amount, double rate) {
    if (!(amount > 0)) return;
    amount_ += amount;
    time_s_ += amount / rate;
  }
  // 0 if there was nothing.
  double Rate() const { return time_s_ > 0 ? amount_ / time_s_ : 0; }

 private:
  double amount_ = 0;
  double time_s_ = 0;
};

// The rate that runs most of the FLOP of a step; -1 if there are none.
int LargestRate(const Actions<>& actions, const MachineStructure& structure) {
  int largest = -1;
  double most = 0;
  for (int i = 0; i < structure.num_rates; ++i) {
    const double flop = InFlop(actions.matmul[i]);
    if (flop > most) {
      most = flop;
      largest = i;
    }
  }
  return largest;
}

}  // namespace

Roofline RooflineOf(const std::vector<RooflinePart>& parts,
                    const Report& report) {
  Roofline roofline;
  InTurn bytes, products;
  std::vector<std::string> memories;
  double most = 0;
  for (const RooflinePart& part : parts) {
    const Machine<>& machine = part.machine;
    const Actions<> actions = ActionsOf(part.step, machine);
    const double chips = part.step.chips;
    const double moved =
        InBytes(actions.traffic[0].read + actions.traffic[0].write);
    // A machine that is alone has its bandwidth even if nothing moves.
    bytes.Add(parts.size() == 1 ? 1 : moved,
              machine.costs.levels[0].LongBandwidth().base() * chips);
    const std::string& memory = part.hardware.memory(0).name();
    if ((moved > 0 || parts.size() == 1) &&
        !absl::c_linear_search(memories, memory)) {
      memories.push_back(memory);
    }
    const int rate = LargestRate(actions, machine.structure);
    if (rate < 0) continue;
    const double flop = InFlop(actions.matmul[rate]);
    products.Add(flop, machine.costs.rates[rate].peak.base() *
                           machine.costs.clock.set * chips);
    if (flop <= most) continue;
    most = flop;
    const RateStructure& structure = machine.structure.rates[rate];
    roofline.set_engine(part.hardware.engine(structure.engine).name());
    roofline.set_formats(
        absl::StrCat(structure.format->name, " x ", structure.inputs->name));
  }
  roofline.set_memory(absl::StrJoin(memories, ", "));
  roofline.set_bandwidth_bytes_per_s(bytes.Rate());
  roofline.set_peak_flop_per_s(products.Rate());

  const Factorization& factors = report.factorization();
  roofline.set_energy_per_byte_j(factors.energy_per_access_j());
  roofline.set_energy_per_flop_j(factors.energy_per_operation_j());
  roofline.set_standing_power_w(factors.standing_j() * report.tokens_per_s());
  if (factors.energy_per_operation_j() > 0) {
    roofline.set_balance_point_flop_per_byte(factors.energy_per_access_j() /
                                             factors.energy_per_operation_j());
  }
  return roofline;
}

}  // namespace tokenjoule
