#include "analyzer/search/sizes.h"

#include <utility>

#include "analyzer/base/vector_clones.h"
#include "analyzer/cost/lower.h"
#include "analyzer/description/number_reader.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/ledger/build_ledger.h"

namespace tokenjoule {
namespace {

// Compiled for several instruction sets as the kernel is. The ledger is not:
// its formulas, inlined into one another, take minutes to compile.
VECTOR_CLONES void LowerSteps(const Ledger<Pack>& ledger,
                              const Machine<Pack>& machine,
                              LoweredStep<Pack>* step) {
  LowerInto<Pack>(ledger, machine, step);
}

}  // namespace

__attribute__((noinline)) void SizesReader::Remember(
    const google::protobuf::Message& message, int field_number) const {
  remembered_.resize(next_);
  remembered_.push_back(
      {&message, field_number, FieldValue(message, field_number)});
}

StepsOfSizes::StepsOfSizes(Setup setup)
    : setup_(std::move(setup)),
      reader_(setup_.scenario()),
      model_facts_(ModelFactsOf(setup_.model(), setup_.scenario(),
                                BuildLedger(setup_.step()))) {}

bool StepsOfSizes::Build(const Pack& batch, const Pack& context,
                         const Machine<Pack>& machine, SizedStep* out) {
  reader_.Restart(batch, context);
  BuildLedgerInto<Pack>(setup_.step(), reader_, &ledger_);
  if (!ledger_.uniform) return false;
  GrowInPlace<Pack>(machine, &ledger_);
  LowerSteps(ledger_, machine, &out->step);
  if (!out->step.uniform) return false;
  out->facts = FactsFrom<Pack>(ledger_, out->step, machine, setup_.boundary(),
                               model_facts_);
  return true;
}

Evaluation<> StepsOfSizes::EvaluateAt(double batch, double context,
                                      const Machine<>& machine) {
  setup_.set_batch(batch);
  setup_.set_context(context);
  return EvaluateOn(BuildLedger(setup_.step()), machine);
}

}  // namespace tokenjoule
