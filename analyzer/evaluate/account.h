// Where a token's energy comes from, as products: how much happens times what
// it costs. Comparisons, checks and the factorisation are made from it.

#ifndef ANALYZER_EVALUATE_ACCOUNT_H_
#define ANALYZER_EVALUATE_ACCOUNT_H_

#include "analyzer/cost/kernel.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// Fills in Report.energy_causes and Report.factorization for the terms inside
// `boundary`. The ledger is the one that was lowered (Grow). Causes of a term
// sum to that term: dynamic energy is linear in what happens, so that it is
// computed by the kernel for each class of tensor alone; standing terms are
// power times time and what is lost on the rest.
void FillAccount(const Ledger<>& ledger, const LoweredStep<>& step,
                 const Machine<>& machine, const StepCost<>& cost, int boundary,
                 Report* report);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_ACCOUNT_H_
