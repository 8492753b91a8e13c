// The cost kernel over many machines at once.

#ifndef ANALYZER_COST_SWEEP_KERNEL_H_
#define ANALYZER_COST_SWEEP_KERNEL_H_

#include <cstddef>
#include <vector>

#include "analyzer/cost/kernel.h"
#include "analyzer/cost/pack.h"
#include "analyzer/machine/machine.h"

namespace tokenjoule {

// A lowered step in packs, every lane the same.
LoweredStep<Pack> Broadcast(const LoweredStep<double>& step);

// A number of the machine that varies along a run of points: a place in a
// Machine<Pack> and its values one after the other, readable up to the next
// multiple of Pack::kLanes.
struct VaryingSlot {
  Pack* place;
  const double* values;
};

// What the kernel says of one pack of points.
struct PackCost {
  Pack step_time_s;
  // Joules of a step inside each boundary, from the inside out.
  Pack energy_j[6];
  // Usable bytes of one chip's backing store.
  Pack usable_bytes;
};

// Evaluates points 0 ... count - 1 of a run, a pack at a time into `costs`
// (which has room for them all). `machine` holds everything that does not vary
// along the run. Compiled for several instruction sets and chosen at run time;
// without fused multiply-adds, so that all give the same bits as one number at
// a time.
void EvaluateRun(const LoweredStep<Pack>& step,
                 const std::vector<VaryingSlot>& slots, size_t count,
                 Machine<Pack>* machine, PackCost* costs);

}  // namespace tokenjoule

#endif  // ANALYZER_COST_SWEEP_KERNEL_H_
