// Checks that a description must pass before anything is computed from it.

#ifndef ANALYZER_DESCRIPTION_VALIDATE_H_
#define ANALYZER_DESCRIPTION_VALIDATE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/textproto.h"
#include "google/protobuf/message.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

struct ValidateOptions {
  // File to name in faults.
  absl::string_view file;
  // Locations of the fields; nullptr if the message has changed since parsing.
  const FieldLocations* locations = nullptr;
  // Whether a missing required field is a fault. False for a file that a base
  // completes, and for one that did not parse completely.
  bool complete = true;
};

// Checks every field against the schema's options: ranges, required fields,
// names of formats, sources and blocks, NaN and infinity. Every Constant must
// have value, low, high (low <= value <= high) and a source.
void ValidateFields(const google::protobuf::Message& message,
                    const ValidateOptions& options, std::vector<Fault>* faults);

// Checks across fields of a model: divisibility of heads, unused blocks, ...
void ValidateModel(const Model& model, const ValidateOptions& options,
                   std::vector<Fault>* faults);

// Checks across fields of a machine with its bases filled in.
void ValidateHardware(const Hardware& hardware, const ValidateOptions& options,
                      std::vector<Fault>* faults);

// Checks across fields of an analog circuit with its bases filled in: what its
// kind of cell needs, and what belongs to another kind.
void ValidateCircuit(const AnalogCircuit& circuit,
                     const ValidateOptions& options,
                     std::vector<Fault>* faults);

// Checks that the model can be run on the machine this way: divisibility by
// degrees of parallelism, number of connected chips, supported formats.
void ValidateScenario(const Scenario& scenario, const Model& model,
                      const Hardware& hardware, std::vector<Fault>* faults);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_VALIDATE_H_
