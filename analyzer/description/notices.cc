#include "analyzer/description/notices.h"

#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace tokenjoule {
namespace {

struct Notices {
  std::mutex mutex;
  NoticeSink sink;
  std::set<std::string> given;
};

Notices& Instance() {
  static auto* notices = new Notices;
  return *notices;
}

// The innermost scope of this thread.
thread_local NoticeScope* innermost = nullptr;

}  // namespace

NoticeScope::NoticeScope(NoticeSink sink)
    : outer_(innermost), sink_(std::move(sink)) {
  innermost = this;
}

NoticeScope::~NoticeScope() { innermost = outer_; }

void SetNoticeSink(NoticeSink sink) {
  Notices& notices = Instance();
  const std::lock_guard<std::mutex> lock(notices.mutex);
  notices.sink = std::move(sink);
  notices.given.clear();
}

void GiveNotice(absl::string_view notice) {
  if (innermost != nullptr) {
    if (innermost->given_.emplace(notice).second) innermost->sink_(notice);
    return;
  }
  Notices& notices = Instance();
  const std::lock_guard<std::mutex> lock(notices.mutex);
  if (notices.sink == nullptr || !notices.given.emplace(notice).second) return;
  notices.sink(notice);
}

}  // namespace tokenjoule
