// Where analog in-memory arrays take less energy than digital ones: a map over
// standing power, batch and growth of the model, with published arrays in it.

#ifndef ANALYZER_STUDY_BREAK_EVEN_H_
#define ANALYZER_STUDY_BREAK_EVEN_H_

#include <vector>

#include "absl/status/statusor.h"
#include "analyzer/evaluate/setup.h"
#include "proto/hardware.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

struct BreakEvenOptions {
  // Static power of one chip of the analog machine, W, 0 to 1e9. Empty: 0, 1/4,
  // 1/2, 1 and 2 of its own.
  std::vector<double> standing_w;
  // Sequences of a step, 1 to 1e9. Empty: 1, 4, 16, 64 and 256.
  std::vector<double> batches;
  // Growth of the model on the analog machine relative to the digital one, 1 to
  // 10; both have what the precision of digital products asks for besides. Empty:
  // 1, what equal quality asks for, and 1.1.
  std::vector<double> growths;
};

// The map of a model on two machines with in-memory arrays: `digital` has
// DIGITAL_IMC engines, `analog` has ANALOG_IMC engines and runs the same scenario.
// The energy per token of the analog machine is linear in the energy e of its
// products, E(e) = E(0) + k e, so that both take the same at
//   e* = (E_digital - E(0)) / k,
// where E(0) contains the grown model's memory, its standing power over the time
// that the step takes, and everything else. Fails (InvalidArgument) if an option
// is out of its range or a machine has no such arrays, and as Analyze does.
absl::StatusOr<BreakEvenStudy> StudyBreakEven(const Setup& digital,
                                              const Hardware& analog,
                                              const BreakEvenOptions& options);

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_BREAK_EVEN_H_
