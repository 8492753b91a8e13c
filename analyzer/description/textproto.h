// Reading textprotos with every fault at once.

#ifndef ANALYZER_DESCRIPTION_TEXTPROTO_H_
#define ANALYZER_DESCRIPTION_TEXTPROTO_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "analyzer/description/faults.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"

namespace tokenjoule {

// The location of each field of a parsed message in its file.
using FieldLocations = google::protobuf::TextFormat::ParseInfoTree;

// Parses `text` into `message` and the locations of its fields into
// `locations`. Appends every syntax fault that can be distinguished, with its
// location and, for unknown fields and enum values, the nearest name. If there
// are faults, the message holds whatever could still be read. Returns whether
// there were no faults. Rejects input that is not UTF-8 or is longer than 4 MB;
// never crashes.
//
// Fields that have another name or place since are faults that say where they
// are now. If `moved` is given, those that have exactly one meaning there are
// read as that, unless the new field is given too, and are appended to `moved`
// instead.
bool ParseTextproto(absl::string_view text, absl::string_view file,
                    google::protobuf::Message* message,
                    std::unique_ptr<FieldLocations>* locations,
                    std::vector<Fault>* faults,
                    std::vector<Fault>* moved = nullptr);

// `message` as textproto, fields in schema order. It reads back as the same message,
// whatever its texts hold.
std::string PrintTextproto(const google::protobuf::Message& message);

// `text` as a string of a textproto, with its quotation marks, which reads back as
// the same bytes. In comments text stands as VisibleText (analyzer/base/visible.h)
// makes it, so that it ends no line.
std::string QuotedText(absl::string_view text);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_TEXTPROTO_H_
