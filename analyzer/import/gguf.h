// Converts the header of a GGUF file into a model description.

#ifndef ANALYZER_IMPORT_GGUF_H_
#define ANALYZER_IMPORT_GGUF_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "analyzer/import/gguf_header.h"
#include "analyzer/import/imported_model.h"

namespace tokenjoule {

// Returns the model that a GGUF file holds, with every matrix in the format in
// which the file stores it. Only the header is read. Of a file in parts
// ("-00001-of-00003.gguf") any part may be given; the others must lie beside
// it. The shapes of tensors decide widths; keys decide what no shape says: head
// counts, windows, experts per token, context. The model's name is `name` or,
// if that is empty, comes from the file's. `date` is the date of the source
// (YYYY-MM-DD).
//
// Fails with every fault at once (InvalidArgument, one line per fault): a file
// that cannot be read or is no GGUF file, an architecture that is not known,
// tensors that contradict one another or the keys, a matrix that the schema
// cannot express. Never crashes.
absl::StatusOr<ImportedModel> ImportGguf(absl::string_view path,
                                         absl::string_view name,
                                         absl::string_view date);

// The same of headers that were already read: the parts of the file at `path`,
// the first with the metadata.
absl::StatusOr<ImportedModel> ImportGgufHeaders(
    const std::vector<GgufHeader>& parts, absl::string_view path,
    absl::string_view name, absl::string_view date);

}  // namespace tokenjoule

#endif  // ANALYZER_IMPORT_GGUF_H_
