// The roofline of a step: the rates that bound its time and the unit energies that
// bound its energy.

#ifndef ANALYZER_EVALUATE_ROOFLINE_H_
#define ANALYZER_EVALUATE_ROOFLINE_H_

#include <vector>

#include "analyzer/cost/kernel.h"
#include "analyzer/machine/machine.h"
#include "proto/hardware.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// What one machine has of a step.
struct RooflinePart {
  const Hardware& hardware;
  const Machine<>& machine;
  const LoweredStep<>& step;
};

// The roofline of a step over all chips. `report` has the throughput and the
// factorization of the step, whose unit energies are those of the roofline.
//
// The bandwidth is that of long transfers from the backing store, to which
// arithmetic intensity refers; the peak is at the clock that is set. Thus peak /
// bandwidth is Report.ridge_point_flop_per_byte / bandwidth_efficiency, times the
// set clock over the reference clock: the ridge point is of both data-sheet peaks.
// Some kernels of a runtime reach a few percent more than other long transfers
// (cache_bandwidth_share), so that their operators lie above the roof by as much.
//
// Where several machines share the step, each works while the others wait. The
// rates are then those of all of them in turn: the bytes of the step over the time
// that they take, and the same for FLOP.
Roofline RooflineOf(const std::vector<RooflinePart>& parts,
                    const Report& report);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_ROOFLINE_H_
