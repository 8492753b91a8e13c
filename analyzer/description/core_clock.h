// The clocks that a core may run at.

#ifndef ANALYZER_DESCRIPTION_CORE_CLOCK_H_
#define ANALYZER_DESCRIPTION_CORE_CLOCK_H_

#include "proto/constant.pb.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// MHz; a clock that the description leaves out is the reference.
struct CoreClocks {
  double reference_mhz = 0;
  double lowest_mhz = 0;
  double highest_mhz = 0;
  double set_mhz = 0;
};

inline CoreClocks CoreClocksOf(const CoreClock& clock) {
  const double reference = clock.reference_mhz().value();
  const auto or_reference = [&](bool given, const Constant& mhz) {
    return given ? mhz.value() : reference;
  };
  return {reference, or_reference(clock.has_lowest_mhz(), clock.lowest_mhz()),
          or_reference(clock.has_highest_mhz(), clock.highest_mhz()),
          or_reference(clock.has_set_mhz(), clock.set_mhz())};
}

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_CORE_CLOCK_H_
