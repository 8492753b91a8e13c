// Notices: what a reader of an answer should know about its inputs, although
// nothing is wrong with them, e.g. which of several machines a short name was
// taken for.

#ifndef ANALYZER_DESCRIPTION_NOTICES_H_
#define ANALYZER_DESCRIPTION_NOTICES_H_

#include <functional>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// Receives notices, without line breaks.
using NoticeSink = std::function<void(absl::string_view notice)>;

// Sets where notices go, and forgets those given before. The tool prints them
// to stderr; without a sink they are dropped, as tests and libraries want.
void SetNoticeSink(NoticeSink sink);

// Gives a notice to the sink, unless the same one has been given before. May be
// called from several threads.
void GiveNotice(absl::string_view notice);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_NOTICES_H_
