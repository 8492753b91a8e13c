// The smallest offload with which a model fits in the memory of its chip.

#ifndef ANALYZER_EVALUATE_FIT_OFFLOAD_H_
#define ANALYZER_EVALUATE_FIT_OFFLOAD_H_

#include <string>

#include "analyzer/evaluate/setup.h"

namespace tokenjoule {

// The Scenario.offload of fewest layers of experts or, where the experts of all
// layers are not enough or there are none, of fewest layers, with which every
// stage of the setup fits at its batch and context; empty if everything fits
// without, or if nothing helps. Does not look at the host's capacity.
std::string SmallestOffload(const Setup& setup);

// The setup with SmallestOffload in place of an `auto` offload.
Setup ResolveOffload(Setup setup);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_FIT_OFFLOAD_H_
