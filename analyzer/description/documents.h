// Where the text of descriptions may come from besides the catalogue: the file
// system, as on the command line, or texts that somebody else handed over with a
// request, who must not reach the file system.

#ifndef ANALYZER_DESCRIPTION_DOCUMENTS_H_
#define ANALYZER_DESCRIPTION_DOCUMENTS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tokenjoule {

// Texts by the names under which requests refer to them, e.g. "config.json".
using Documents = std::map<std::string, std::string>;

// While it lives, this thread finds these documents under their names, before
// any file of the same name. Scopes nest; only the innermost counts.
class DocumentScope {
 public:
  // Whether files are read where no document has the name.
  enum class Files { kClosed, kOpen };

  // `documents` must outlive the scope.
  DocumentScope(const Documents& documents, Files files);
  ~DocumentScope();

  DocumentScope(const DocumentScope&) = delete;
  DocumentScope& operator=(const DocumentScope&) = delete;

 private:
  const DocumentScope* const outer_;
  const Documents& documents_;
  const Files files_;

  friend const std::string* FindDocument(absl::string_view name);
  friend bool FilesAreOpen();
};

// From now on no thread of this process reads files, whatever scope it is in.
// For servers: work that a request hands to another thread stays bound by it.
void CloseFilesForGood();

// The document of that name in this thread's scope, or nullptr.
const std::string* FindDocument(absl::string_view name);

// Whether this thread may look at the file system. Everything that opens, lists
// or stats a file whose name comes from outside asks this first.
bool FilesAreOpen();

// The error for a path that is not looked up because files are closed.
absl::Status ClosedFilesError(absl::string_view path);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_DOCUMENTS_H_
