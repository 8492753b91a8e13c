// Reduces a description to some of its constants, for files of fitted
// constants.

#ifndef ANALYZER_FIT_KEEP_CONSTANTS_H_
#define ANALYZER_FIT_KEEP_CONSTANTS_H_

#include <set>
#include <string>

#include "google/protobuf/message.h"

namespace tokenjoule {

// Removes every constant whose path `keep` does not contain, every other field
// except the names and formats of entries that stay, and every group that
// becomes empty.
void KeepConstants(const std::set<std::string>& keep,
                   google::protobuf::Message* message);

// A value with the four digits that files of fitted constants have.
double Rounded(double value);

}  // namespace tokenjoule

#endif  // ANALYZER_FIT_KEEP_CONSTANTS_H_
