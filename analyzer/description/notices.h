// Notices: what a reader of an answer should know about its inputs, although
// nothing is wrong with them, e.g. which of several machines a short name was
// taken for.

#ifndef ANALYZER_DESCRIPTION_NOTICES_H_
#define ANALYZER_DESCRIPTION_NOTICES_H_

#include <functional>
#include <set>
#include <string>

#include "absl/strings/string_view.h"

namespace tokenjoule {

// Receives notices, without line breaks.
using NoticeSink = std::function<void(absl::string_view notice)>;

// Sets where notices go, and forgets those given before. The tool prints them
// to stderr; without a sink they are dropped, as tests and libraries want.
void SetNoticeSink(NoticeSink sink);

// While it lives, notices of this thread go to `sink` instead, whatever was given
// before. Scopes nest; only the innermost counts.
class NoticeScope {
 public:
  explicit NoticeScope(NoticeSink sink);
  ~NoticeScope();

  NoticeScope(const NoticeScope&) = delete;
  NoticeScope& operator=(const NoticeScope&) = delete;

 private:
  NoticeScope* const outer_;
  const NoticeSink sink_;
  std::set<std::string> given_;

  friend void GiveNotice(absl::string_view notice);
};

// Gives a notice to the sink, unless the same one has been given before. May be
// called from several threads.
void GiveNotice(absl::string_view notice);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_NOTICES_H_
