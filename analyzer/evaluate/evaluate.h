// The evaluation of a scenario for every number type: ledger and machine,
// lowering, and the kernel's answer. Include this only to instantiate it for
// another number type or reader.

#ifndef ANALYZER_EVALUATE_EVALUATE_H_
#define ANALYZER_EVALUATE_EVALUATE_H_

#include <utility>

#include "analyzer/cost/kernel.h"
#include "analyzer/cost/lower.h"
#include "analyzer/description/number_reader.h"
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

// Evaluates a validated setup, with its numbers read by `read`.
template <typename N, typename Reader>
Evaluation<N> Evaluate(const ResolvedSetup& setup, const Reader& read) {
  return EvaluateOn(BuildLedger<N>(setup.step(), read),
                    MachineFor<N>(setup, read));
}

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_EVALUATE_H_
