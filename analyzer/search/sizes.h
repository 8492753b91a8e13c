// Steps of several batches and contexts at once: the ledger is built, and
// lowered, in packs whose lanes are the sizes of one scenario.

#ifndef ANALYZER_SEARCH_SIZES_H_
#define ANALYZER_SEARCH_SIZES_H_

#include <cstddef>
#include <vector>

#include "analyzer/cost/kernel.h"
#include "analyzer/cost/pack.h"
#include "analyzer/evaluate/evaluate.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/machine/machine.h"
#include "analyzer/search/figures.h"
#include "google/protobuf/message.h"
#include "proto/constant.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// Steps of one pack of sizes, ready for the kernel.
struct SizedStep {
  LoweredStep<Pack> step;
  StepFacts<Pack> facts;
};

// Reads a scenario's batch and context from packs, all else as described. A
// ledger reads the same fields in the same order each time: they are looked up
// once and remembered.
class SizesReader {
 public:
  // Keeps `scenario`, whose address tells its fields from those of others.
  explicit SizesReader(const Scenario& scenario) : scenario_(&scenario) {}

  // Starts a ledger of other sizes.
  void Restart(const Pack& batch, const Pack& context) {
    batch_ = batch;
    context_ = context;
    next_ = 0;
  }

  Pack operator()(const google::protobuf::Message& message,
                  int field_number) const {
    if (&message == scenario_) {
      if (field_number == Scenario::kBatchFieldNumber) return batch_;
      if (field_number == Scenario::kContextFieldNumber) return context_;
    }
    if (next_ == remembered_.size() || remembered_[next_].message != &message ||
        remembered_[next_].field_number != field_number) {
      // The first time, or another way through the ledger than last time.
      Remember(message, field_number);
    }
    return Pack(remembered_[next_++].value);
  }
  Pack operator()(const Constant& constant) const {
    return Pack(constant.value());
  }

 private:
  struct Remembered {
    const google::protobuf::Message* message;
    int field_number;
    double value;
  };

  // Reads a field anew, as the next of what is remembered. Apart, so that it is
  // not copied to wherever a ledger reads.
  void Remember(const google::protobuf::Message& message,
                int field_number) const;

  const Scenario* const scenario_;
  Pack batch_, context_;
  // What was read, in order, and which of it is read next.
  mutable std::vector<Remembered> remembered_;
  mutable size_t next_ = 0;
};

// Builds the steps of one scenario at many sizes, for machines that differ in
// nothing that lowering reads.
class StepsOfSizes {
 public:
  // Keeps a copy of the setup; its scenario is valid but for its sizes.
  explicit StepsOfSizes(Setup setup);
  StepsOfSizes(const StepsOfSizes&) = delete;
  StepsOfSizes& operator=(const StepsOfSizes&) = delete;

  // The steps of a pack of sizes on a machine of the same numbers in all lanes.
  // False where lanes differ in structure, so that the pack means nothing.
  bool Build(const Pack& batch, const Pack& context,
             const Machine<Pack>& machine, SizedStep* out);

  // The same of one size on one machine, in plain numbers.
  Evaluation<> EvaluateAt(double batch, double context,
                          const Machine<>& machine);

 private:
  ResolvedSetup setup_;
  SizesReader reader_;
  ModelFacts model_facts_;
  // Used again from pack to pack.
  Ledger<Pack> ledger_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_SIZES_H_
