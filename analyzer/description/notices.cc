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

}  // namespace

void SetNoticeSink(NoticeSink sink) {
  Notices& notices = Instance();
  const std::lock_guard<std::mutex> lock(notices.mutex);
  notices.sink = std::move(sink);
  notices.given.clear();
}

void GiveNotice(absl::string_view notice) {
  Notices& notices = Instance();
  const std::lock_guard<std::mutex> lock(notices.mutex);
  if (notices.sink == nullptr || !notices.given.emplace(notice).second) return;
  notices.sink(notice);
}

}  // namespace tokenjoule
