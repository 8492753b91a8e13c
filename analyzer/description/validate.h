// What a description must satisfy before anything is computed from it.

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
  // Places of the fields; nullptr where the message is not as parsed.
  const FieldLocations* locations = nullptr;
  // Whether a required field that is missing is a fault. Not so for a file that
  // a base fills in, or one that did not parse as a whole.
  bool complete = true;
};

// Checks every field against the schema's options: ranges, required fields,
// names of formats, sources and blocks, NaN and infinity; every Constant has
// value, low, high (low <= value <= high) and a source.
void ValidateFields(const google::protobuf::Message& message,
                    const ValidateOptions& options, std::vector<Fault>* faults);

// What no single field shows: heads that divide, blocks that are used, ...
void ValidateModel(const Model& model, const ValidateOptions& options,
                   std::vector<Fault>* faults);

// The same for a machine with its bases filled in.
void ValidateHardware(const Hardware& hardware, const ValidateOptions& options,
                      std::vector<Fault>* faults);

// Whether the model can be run on the machine this way: parallelism that
// divides, chips that can be joined, formats that can be multiplied.
void ValidateScenario(const Scenario& scenario, const Model& model,
                      const Hardware& hardware, std::vector<Fault>* faults);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_VALIDATE_H_
