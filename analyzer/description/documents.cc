#include "analyzer/description/documents.h"

#include <atomic>

#include "absl/strings/str_cat.h"
#include "analyzer/description/faults.h"

namespace tokenjoule {
namespace {

// The innermost scope of this thread.
thread_local const DocumentScope* innermost = nullptr;

std::atomic<bool> closed_for_good{false};

}  // namespace

DocumentScope::DocumentScope(const Documents& documents, Files files)
    : outer_(innermost), documents_(documents), files_(files) {
  innermost = this;
}

DocumentScope::~DocumentScope() { innermost = outer_; }

void CloseFilesForGood() { closed_for_good = true; }

const std::string* FindDocument(absl::string_view name) {
  if (innermost == nullptr) return nullptr;
  const auto found = innermost->documents_.find(std::string(name));
  return found == innermost->documents_.end() ? nullptr : &found->second;
}

bool FilesAreOpen() {
  if (closed_for_good) return false;
  return innermost == nullptr ||
         innermost->files_ == DocumentScope::Files::kOpen;
}

absl::Status ClosedFilesError(absl::string_view path) {
  return absl::InvalidArgumentError(absl::StrCat(
      PrintablePath(path),
      ": is not among the documents of the request; its files are not read "
      "here, so send the text with the request, or use the command line"));
}

}  // namespace tokenjoule
