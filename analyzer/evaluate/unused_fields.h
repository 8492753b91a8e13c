// Fields that a description sets and that no answer depends on: those that another
// field overrides, or that the block or level that has them ignores.

#ifndef ANALYZER_EVALUATE_UNUSED_FIELDS_H_
#define ANALYZER_EVALUATE_UNUSED_FIELDS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/evaluate/setup.h"
#include "google/protobuf/descriptor.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "proto/scenario.pb.h"

namespace tokenjoule {

// A model and a way of running it.
struct Use {
  Model model;
  Scenario scenario;
};

// A few uses that together exercise every part of a machine: one chip, two and
// two boards, weights in several formats, experts, latent attention, recurrent state,
// prompts of new requests, networks of explicit layers.
const std::vector<Use>& UsesOfMachines();

// The answer to a question as bytes, or the reason why there is none. Ranges are
// left out, because every constant has one, and the scenario, because what a
// runtime decides is repeated there.
std::string AnswerOf(const Setup& setup);
std::string AnswerOf(const Hardware& hardware, const Use& use);

// Other values of a number, larger and smaller, inside its accepted range.
std::vector<double> OtherValues(const google::protobuf::FieldDescriptor& field,
                                double value);

// Paths of the fields that `own`, a machine's file as it stands, sets and that no
// answer of `hardware`, the machine that it describes, depends on. Found by
// changing one field at a time and asking again: for the use at hand, for
// UsesOfMachines, and for others in the formats of the machine's engines. A message
// of which nothing is used is named itself. Passed over: text for readers, sources,
// hosts, further stages, and what only other sub-commands ask about. Empty if the
// machine answers none of the uses, and for descriptions of more than 64 KiB.
std::vector<std::string> UnusedFields(const Hardware& own,
                                      const Hardware& hardware,
                                      const Use& at_hand);

// The same of a model, asked on one machine. `published` figures and names are
// passed over.
std::vector<std::string> UnusedFields(const Model& model);

// Which of these paths, as --set takes them, no answer of the machine or model
// depends on. Paths at which no field is set are passed over.
std::vector<std::string> UnusedPaths(const Hardware& hardware,
                                     absl::Span<const std::string> paths,
                                     const Use& at_hand);
std::vector<std::string> UnusedPaths(const Model& model,
                                     absl::Span<const std::string> paths);

// Which of these paths below the scenario the answer to this question does not
// depend on, because the model or the machine has no use for them.
std::vector<std::string> UnusedPaths(const Setup& setup,
                                     absl::Span<const std::string> paths);

}  // namespace tokenjoule

#endif  // ANALYZER_EVALUATE_UNUSED_FIELDS_H_
