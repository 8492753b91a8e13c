// Axes of a space along which nothing changes.

#ifndef ANALYZER_SEARCH_UNUSED_AXES_H_
#define ANALYZER_SEARCH_UNUSED_AXES_H_

#include <string>
#include <vector>

#include "analyzer/search/space.h"

namespace tokenjoule {

// The paths of the axes that no answer depends on, because another field takes the
// place of theirs or nothing uses it. Found by asking at a few points of the space,
// with the first, a middle and the last value of each axis: an axis that matters only
// elsewhere may be named, so that this says "of the points that were tried". An axis
// of one value, and one at whose points nothing is answered, is not named.
std::vector<std::string> UnusedAxes(const Space& space);

}  // namespace tokenjoule

#endif  // ANALYZER_SEARCH_UNUSED_AXES_H_
