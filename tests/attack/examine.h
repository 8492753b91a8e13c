// What every target does with what it has read.

#ifndef TESTS_ATTACK_EXAMINE_H_
#define TESTS_ATTACK_EXAMINE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/evaluate/setup.h"
#include "analyzer/report/report.h"
#include "analyzer/report/texts.h"
#include "proto/hardware.pb.h"
#include "proto/model.pb.h"
#include "tests/attack/invariants.h"
#include "tests/attack/targets.h"

namespace tokenjoule {

// The name under which a target hands its bytes over as a document.
inline constexpr char kFuzzedFile[] = "fuzz.textproto";

// Appends the relations of `more`.
void Append(const std::vector<std::string>& more, Verdict* verdict);

// The verdict of an input that was refused.
Verdict Refused(const absl::Status& status);

// Analyses a setup and holds the answer to every relation of invariants.h.
Verdict Examined(const absl::StatusOr<Setup>& setup);

// The same of a model on a machine, with all else as by default.
Verdict Examined(const Model& model, const Hardware& hardware);

// A machine of the catalogue with kernels, classes and a runtime, and a small
// model; loaded once.
const Hardware& SomeHardware();
const Model& SomeModel();

// Writes an answer other than a Report in every format and appends what is
// wrong with it: numbers that are none, characters that no terminal should get.
// The cells of a CSV may hold any.
template <typename Answer>
void ExamineAnswer(const Answer& answer, Verdict* verdict) {
  Append(BrokenByNumbers(answer), verdict);
  for (const OutputFormat format : FormatsOf<Answer>()) {
    const absl::StatusOr<std::string> text = Written(answer, format);
    if (!text.ok()) {
      Append(BrokenByRefusal(text.status()), verdict);
    } else if (format != OutputFormat::kSqlite &&
               format != OutputFormat::kCsv) {
      const bool is_for_people = format == OutputFormat::kTable;
      Append(BrokenByCharacters(
                 FormatName(format), *text,
                 is_for_people ? Reader::kPerson : Reader::kProgram),
             verdict);
    }
  }
  const Writers<Answer> writers = WritersOf<Answer>();
  if (writers.markdown != nullptr) {
    Append(
        BrokenByCharacters("Markdown", WithEscapedTexts(kMarkdownTexts, answer,
                                                        writers.markdown)),
        verdict);
  }
  if (writers.junit != nullptr) {
    Append(BrokenByCharacters("JUnit", writers.junit(answer)), verdict);
  }
}

}  // namespace tokenjoule

#endif  // TESTS_ATTACK_EXAMINE_H_
