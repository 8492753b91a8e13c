// The energy per token as a sum of products of a quantity and its unit cost.
// Comparisons, checks and the factorisation use these products.

#ifndef ANALYZER_EVALUATE_ACCOUNT_H_
#define ANALYZER_EVALUATE_ACCOUNT_H_

#include "absl/types/optional.h"
#include "analyzer/cost/kernel.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/units/units.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// Fills in Report.energy_causes and Report.factorization for the terms inside
// `boundary`. `ledger` is the grown ledger that was lowered. The causes of a
// term sum to that term: dynamic energy is linear in the actions, so the kernel
// computes it for each class of tensor separately; standing terms are power
// times time, plus losses on the rest. `whole_step` is the time of the step where
// other machines share it, whose causes further calls add; `cost` then includes
// what the machine draws while it waits.
void FillAccount(const Ledger<>& ledger, const LoweredStep<>& step,
                 const Machine<>& machine, const StepCost<>& cost, int boundary,
                 Report* report,
                 absl::optional<Duration<>> whole_step = absl::nullopt);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_ACCOUNT_H_
