// What fitted rows support an answer, and how far answers with such support
// have been off.

#ifndef ANALYZER_EVALUATE_EVIDENCE_H_
#define ANALYZER_EVALUATE_EVIDENCE_H_

#include <string>

#include "analyzer/description/architecture.h"
#include "proto/hardware.pb.h"
#include "proto/runtime.pb.h"

namespace tokenjoule {

// The support of an answer by the rows of a fit.
struct Support {
  SupportedBy::Status status = SupportedBy::NO_RUNTIME;
  // Human-readable: which rows there are, and which not.
  std::string note;
  // How far step times and energies with such support were off; nullptr if that
  // is not known. A machine may have rows of step times and none of energies.
  const UnseenSpread* of_step_time = nullptr;
  const UnseenSpread* of_energy = nullptr;
};

// The support of answers about models of `family` on `hardware` with its
// runtime. The result points into `evidence`.
Support SupportOf(const Evidence& evidence, const Hardware& hardware,
                  Family family);

// "fitted", "runtime fitted elsewhere", "assumed" or "design".
std::string SupportName(SupportedBy::Status status);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_EVIDENCE_H_
