// Requests to the sub-commands that answer, as `serve --stdio` reads them.

#ifndef TESTS_ATTACK_REQUESTS_H_
#define TESTS_ATTACK_REQUESTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/scenario.pb.h"
#include "tools/serve/answerer.h"

namespace tokenjoule {

// The sub-commands, with limits that keep a request to milliseconds and without
// files of this machine.
const Answerer& SmallAnswerer();

// The examples of each sub-command's help.
std::vector<std::string> ExampleRequests();

// One of those examples, which `draw` chooses, asked about the model, the machine
// and the scenario of a question. The example's own flags win over the scenario, as
// on the command line, and `draw` may choose another format and an absurd number
// for one of the flags.
std::string StudyRequest(const Scenario& question, uint64_t draw);

// What is wrong with a reply, one sentence each: JSON that is none or has both
// an answer and an error, characters that JSON must not hold, exit codes that
// the answer does not have, and in the answer numbers that are infinite or
// none, ranges without their value, shares outside of 0 to 1.
std::vector<std::string> BrokenByReply(const Reply& reply);

}  // namespace tokenjoule

#endif  // TESTS_ATTACK_REQUESTS_H_
