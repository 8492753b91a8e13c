// What holds for every answer, whatever was asked.

#ifndef TESTS_ATTACK_INVARIANTS_H_
#define TESTS_ATTACK_INVARIANTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "analyzer/evaluate/setup.h"
#include "google/protobuf/message.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// The relations that an answer breaks, one sentence each; empty if it keeps all:
// every number is finite, none is negative but those that may be (a signal-to-noise
// ratio in dB, a temperature), low <= value <= high, the terms sum to the energy, each
// boundary holds the one before it, shares lie within 0 and 1, the batch fits if and
// only if it is not above the largest batch, JSON reads back as the same message.
std::vector<std::string> BrokenBy(const Report& report);

// The same of answers to setups that differ from `setup`, whose answer is `report`,
// in one respect: an ideal machine is never slower, and the same question has the
// same answer.
std::vector<std::string> BrokenByVariants(const Setup& setup,
                                          const Report& report);

// The same with one constant of the machine's energies or powers made larger, of
// which no energy becomes smaller. `draw` chooses the constant.
std::vector<std::string> BrokenByDearer(const Setup& setup,
                                        const Report& report,
                                        unsigned long long draw);

// The same of one machine without a limit of power whose bandwidth, peak or capacity
// is made larger: no step takes longer, and no batch ceases to fit.
std::vector<std::string> BrokenByFaster(const Setup& setup,
                                        unsigned long long draw);

// The numbers of a message, and of those below it, that are infinite or none.
std::vector<std::string> BrokenByNumbers(
    const google::protobuf::Message& message);

// What is wrong with a refusal: it is to be InvalidArgument with a sentence. It
// may repeat any character of the input, because what prints it replaces those.
std::vector<std::string> BrokenByRefusal(const absl::Status& status);

// Who reads a text.
enum class Reader { kPerson, kProgram };

// What is wrong with a text, which messages call `what`: bytes that are not
// UTF-8, control characters other than line breaks. Programs take those from
// DEL on, which JSON need not escape.
std::vector<std::string> BrokenByCharacters(absl::string_view what,
                                            absl::string_view text,
                                            Reader reader = Reader::kPerson);

// The words of a text, which messages call `what`, that are numbers that are none,
// or -0.
std::vector<std::string> BrokenByWords(absl::string_view what,
                                       absl::string_view text);

// What is wrong with the table, the CSV and the charts of an answer: numbers
// that are none, characters as above, XML that is not well-formed. The cells of
// a CSV may hold any character.
std::vector<std::string> BrokenByTexts(const Report& report);

}  // namespace tokenjoule

#endif  // TESTS_ATTACK_INVARIANTS_H_
