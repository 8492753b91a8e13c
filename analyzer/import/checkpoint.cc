#include "analyzer/import/checkpoint.h"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/documents.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/notices.h"
#include "analyzer/import/gguf.h"
#include "analyzer/import/import_hf.h"
#include "analyzer/import/json_reader.h"

namespace tokenjoule {
namespace {

constexpr char kConfig[] = "config.json";

bool Exists(const std::string& path) {
  if (FindDocument(path) != nullptr) return true;
  if (!FilesAreOpen()) return false;
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

bool IsGguf(absl::string_view path) { return absl::EndsWith(path, ".gguf"); }

// The path of the config.json or GGUF file that is meant.
std::string ConfigPath(absl::string_view path) {
  if (absl::EndsWith(path, ".json") || IsGguf(path)) return std::string(path);
  return (std::filesystem::path(std::string(path)) / kConfig).string();
}

bool IsFolder(absl::string_view path) {
  std::error_code error;
  return !path.empty() && FilesAreOpen() &&
         std::filesystem::is_directory(std::string(path), error);
}

// Notes what generation_config.json says of the cache; the rest of it, sampling
// and stop tokens, moves no number.
absl::Status ReadGeneration(const std::string& path,
                            std::vector<std::string>* notes) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  JsonDocument document(text, path);
  RETURN_IF_ERROR(FaultsToStatus(document.log().faults));
  const JsonReader root = document.Root();
  if (root.IsString("cache_implementation", "quantized")) {
    notes->push_back(absl::StrCat(
        Printable(path),
        " asks for a quantised cache of transformers, which the served formats "
        "do not have; --kv sets the cache's format."));
  }
  return absl::OkStatus();
}

// The day on which a file was last changed, UTC; of a document of a request, the
// day of the request.
std::string DateOf(const std::string& path) {
  if (FindDocument(path) != nullptr || !FilesAreOpen()) {
    return absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone());
  }
  struct stat status;
  if (stat(path.c_str(), &status) != 0) status.st_mtime = 0;
  return absl::FormatTime("%Y-%m-%d", absl::FromTimeT(status.st_mtime),
                          absl::UTCTimeZone());
}

absl::StatusOr<std::string> ReadAsModelText(absl::string_view path) {
  ASSIGN_OR_RETURN(const ImportedModel imported,
                   ImportCheckpoint(path, "", DateOf(ConfigPath(path))));
  for (const std::string& note : imported.notes) {
    GiveNotice(absl::StrCat(Printable(path), ": ", note));
  }
  return ImportedModelText(imported.model);
}

}  // namespace

bool IsCheckpoint(absl::string_view path) {
  return absl::EndsWith(path, ".json") || IsGguf(path) ||
         IsFolder(path);
}

absl::StatusOr<ImportedModel> ImportCheckpoint(absl::string_view path,
                                               absl::string_view name,
                                               absl::string_view date) {
  if (IsGguf(path)) return ImportGguf(path, name, date);
  HfFiles files;
  files.path = ConfigPath(path);
  ASSIGN_OR_RETURN(files.config, ReadTextFile(files.path));
  const std::filesystem::path folder =
      std::filesystem::path(files.path).parent_path();
  for (const char* beside :
       {"hf_quant_config.json", "quantize_config.json", "quant_config.json"}) {
    const std::string candidate = (folder / beside).string();
    if (!Exists(candidate)) continue;
    ASSIGN_OR_RETURN(files.quantization, ReadTextFile(candidate));
    files.quantization_path = candidate;
    break;
  }
  ASSIGN_OR_RETURN(ImportedModel imported,
                   ImportHuggingFace(files, name, date));
  const std::string generation = (folder / "generation_config.json").string();
  if (Exists(generation)) {
    RETURN_IF_ERROR(ReadGeneration(generation, &imported.notes));
  }
  return imported;
}

void AcceptCheckpointsAsModels() {
  SetModelImporter({IsCheckpoint, ReadAsModelText});
}

}  // namespace tokenjoule
