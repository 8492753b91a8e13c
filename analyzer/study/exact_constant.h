// Constants that a study sets on a machine.

#ifndef ANALYZER_STUDY_EXACT_CONSTANT_H_
#define ANALYZER_STUDY_EXACT_CONSTANT_H_

#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/string_view.h"
#include "proto/constant.pb.h"
#include "proto/hardware.pb.h"

namespace tokenjoule {

// What sets it: the id of a source, and its citation.
struct StudySource {
  absl::string_view id;
  absl::string_view citation;
};

// A constant without a range. Its source, an assumption, is added to `hardware`
// if it is not there.
inline Constant Exact(double value, const StudySource& by, Hardware* hardware) {
  Constant constant;
  constant.set_value(value);
  constant.set_low(value);
  constant.set_high(value);
  constant.set_source(std::string(by.id));
  if (absl::c_any_of(hardware->sources(), [&](const Source& source) {
        return source.id() == by.id;
      })) {
    return constant;
  }
  Source* source = hardware->add_sources();
  source->set_id(std::string(by.id));
  source->set_kind(Source::ASSUMPTION);
  source->set_citation(std::string(by.citation));
  source->set_date("2026");
  return constant;
}

}  // namespace tokenjoule

#endif  // ANALYZER_STUDY_EXACT_CONSTANT_H_
