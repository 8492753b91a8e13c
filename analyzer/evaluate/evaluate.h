// The evaluation of a scenario for every number type: ledger and machine,
// lowering, and the kernel's answer. Include this only to instantiate it for
// another number type or reader.

#ifndef ANALYZER_EVALUATE_EVALUATE_H_
#define ANALYZER_EVALUATE_EVALUATE_H_

#include <utility>
#include <vector>

#include "analyzer/cost/kernel.h"
#include "analyzer/cost/lower.h"
#include "analyzer/cost/shared.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/description/offload.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/ledger/build_ledger.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/build_machine.h"
#include "analyzer/machine/free.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

template <typename N = double>
struct Evaluation {
  // After Grow, which applies each engine's model_growth.
  Ledger<N> ledger;
  LoweredStep<N> step;
  StepCost<N> cost;
  // What each machine has, where several share the step. `step` then has no
  // operators.
  std::vector<StepPart<N>> parts;

  Energy<N> PerToken(const Energy<N>& energy) const {
    return energy / step.tokens;
  }
};

// The machine in number type N, made ideal if requested.
template <typename N, typename Reader>
Machine<N> MachineWith(const Hardware& hardware, bool ideal,
                       const Reader& read) {
  Machine<N> machine = BuildMachine<N>(hardware, read);
  if (ideal) MakeIdeal(&machine);
  return machine;
}

// The machine in number type N that a setup runs on.
template <typename N, typename Reader>
Machine<N> MachineFor(const ResolvedSetup& setup, const Reader& read) {
  return MachineWith<N>(setup.hardware(), setup.scenario().ideal(), read);
}
inline Machine<> MachineFor(const ResolvedSetup& setup) {
  return MachineFor<double>(setup, ValueReader());
}

// Where machines of a pipeline have different networks, the slower one joins
// them.
inline const Interconnect& SlowerOf(const Interconnect& a,
                                    const Interconnect& b) {
  const auto rate = [](const Interconnect& link) {
    return link.bandwidth_gb_per_s().value() *
           link.bandwidth_efficiency().value();
  };
  return rate(b) < rate(a) ? b : a;
}

// The machines that share the step of a setup that has a placement, as LayerPlacement
// numbers them. What a step pays once is paid where the LM head is. Power of the
// computer around the chips is that of the host, if there is one.
template <typename N, typename Reader>
std::vector<Machine<N>> MachinesFor(const ResolvedSetup& setup,
                                    const Reader& read) {
  const LayerPlacement& placement = *setup.placement();
  const bool ideal = setup.scenario().ideal();
  const Hardware& first = setup.hardware();
  const auto hardware_of = [&](int stage) -> const Hardware& {
    return stage == 0 ? first : first.stage(stage - 1);
  };
  std::vector<Machine<N>> machines;
  for (int i = 0; i < placement.stages; ++i) {
    machines.push_back(BuildMachine<N>(hardware_of(i), read));
    if (placement.stages == 1) break;
    SetNetwork(SlowerOf(hardware_of(i).interconnect(),
                        hardware_of((i + 1) % placement.stages).interconnect()),
               read, &machines.back());
  }
  if (placement.has_host) {
    for (Machine<N>& machine : machines) machine.costs.host_power = {};
    machines.push_back(BuildMachine<N>(first.host(), read));
    machines.push_back(LinkMachine(machines.back(), first.host_link(), read));
  }
  for (size_t i = 0; i < machines.size(); ++i) {
    if (static_cast<int>(i) != placement.head()) {
      machines[i].costs.time_per_step = {};
    }
    if (ideal) MakeIdeal(&machines[i]);
  }
  return machines;
}

// Evaluates a ledger on the machines that share it.
template <typename N>
Evaluation<N> EvaluateShared(Ledger<N> ledger, const LayerPlacement& placement,
                             const std::vector<Machine<N>>& machines) {
  Evaluation<N> evaluation;
  evaluation.ledger = std::move(ledger);
  GrowShared(machines, &evaluation.ledger);
  evaluation.parts = LowerShared(evaluation.ledger, placement, machines);
  evaluation.cost = CostOfShared(placement, machines, &evaluation.parts);
  evaluation.step.tokens = evaluation.ledger.tokens;
  evaluation.step.chips = N(static_cast<double>(placement.stages));
  return evaluation;
}

// Lowers a ledger on a machine, without computing its cost.
template <typename N>
Evaluation<N> LoweredOn(Ledger<N> ledger, const Machine<N>& machine) {
  Evaluation<N> evaluation;
  evaluation.ledger = std::move(ledger);
  GrowInPlace(machine, &evaluation.ledger);
  evaluation.step = Lower(evaluation.ledger, machine);
  return evaluation;
}

// Evaluates the ledger that `evaluation` already holds; memory is reused.
template <typename N>
void EvaluateLedger(const Machine<N>& machine, Evaluation<N>* evaluation) {
  GrowInPlace(machine, &evaluation->ledger);
  LowerInto<N>(evaluation->ledger, machine, &evaluation->step);
  evaluation->cost = CostOfStep(evaluation->step, machine);
}

// Evaluates a ledger on a machine.
template <typename N>
Evaluation<N> EvaluateOn(Ledger<N> ledger, const Machine<N>& machine) {
  Evaluation<N> evaluation = LoweredOn(std::move(ledger), machine);
  evaluation.cost = CostOfStep(evaluation.step, machine);
  return evaluation;
}

// Evaluates a ledger of a setup on its machine or machines, with their constants
// read by `read`.
template <typename N, typename Reader>
Evaluation<N> EvaluateWith(const ResolvedSetup& setup, Ledger<N> ledger,
                           const Reader& read) {
  if (setup.placement() == nullptr) {
    return EvaluateOn(std::move(ledger), MachineFor<N>(setup, read));
  }
  return EvaluateShared(std::move(ledger), *setup.placement(),
                        MachinesFor<N>(setup, read));
}

// Evaluates a validated setup, with its numbers read by `read`.
template <typename N, typename Reader>
Evaluation<N> Evaluate(const ResolvedSetup& setup, const Reader& read) {
  return EvaluateWith(setup, BuildLedger<N>(setup.step(), read), read);
}

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_EVALUATE_H_
