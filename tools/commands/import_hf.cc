// tokenjoule import-hf: a checkpoint's config.json or a GGUF file into a model
// textproto.

#include "analyzer/import/import_hf.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/notices.h"
#include "analyzer/import/checkpoint.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"

namespace tokenjoule {
namespace {

constexpr char kNameLetters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

// Whether `text` is YYYY-MM-DD with a month and a day that can exist.
bool IsDate(const std::string& text) {
  constexpr char kShape[] = "0000-00-00";
  if (text.size() != sizeof kShape - 1) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (kShape[i] == '0' ? !absl::ascii_isdigit(text[i]) : text[i] != '-') {
      return false;
    }
  }
  int month = 0, day = 0;
  return absl::SimpleAtoi(text.substr(5, 2), &month) && month >= 1 &&
         month <= 12 && absl::SimpleAtoi(text.substr(8, 2), &day) && day >= 1 &&
         day <= 31;
}

// Checks the command line; the error lists every fault at once.
absl::Status CheckUsage(const ParsedFlags& flags, const std::string& date) {
  std::vector<std::string> faults;
  if (flags.positional.size() != 1) {
    faults.push_back(absl::StrCat("expected one config.json or folder, found ",
                                  flags.positional.size(), " arguments"));
  }
  const std::string name = flags.Get("name", "");
  if (flags.Has("name") &&
      (name.empty() ||
       name.find_first_not_of(kNameLetters) != std::string::npos)) {
    faults.push_back(absl::StrCat("--name: found \"", Printable(name),
                                  "\"; expected letters a-z, 0-9, - _ and ."));
  }
  if (!IsDate(date)) {
    faults.push_back(absl::StrCat("--date: found \"", Printable(date),
                                  "\"; expected YYYY-MM-DD"));
  }
  if (faults.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

int Run(const ParsedFlags& flags) {
  const std::string date = flags.Get("date", Today());
  const absl::Status usage = CheckUsage(flags, date);
  if (!usage.ok()) return Fail(usage, kExitUsage);
  const std::string& file = flags.positional[0];
  absl::StatusOr<ImportedModel> imported =
      ImportCheckpoint(file, flags.Get("name", ""), date);
  if (!imported.ok()) return Fail(imported.status(), kExitBadData);
  for (const std::string& note : imported->notes) {
    GiveNotice(absl::StrCat(PrintablePath(file), ": ", note));
  }
  return WriteOutput(flags, ImportedModelText(imported->model));
}

Command ImportHfCommand() {
  Command command;
  command.name = "import-hf";
  command.summary = "a checkpoint (config.json, GGUF) into a model textproto";
  command.description =
      "Reads the architecture and the checkpoint's number formats from a\n"
      "config.json, from the folder that holds it with the files of a quantiser,\n"
      "or from the header of a GGUF file, and prints a textproto that --model\n"
      "takes. --model takes the checkpoint itself, too; the textproto is for\n"
      "reading, changing and keeping. Fields that are absent have the defaults of\n"
      "the family's configuration class; the source that the textproto cites\n"
      "lists them. What the schema cannot express is refused, not guessed.";
  command.examples =
      "  tokenjoule import-hf config.json --name=my-model "
      "--out=my-model.textproto\n"
      "  tokenjoule import-hf model-Q4_K_M.gguf\n"
      "  tokenjoule analyze --model=./my-model.textproto --hardware=h100-sxm\n";
  command.flags = {
      {"name", "NAME",
       "name of the model (default: from _name_or_path, or the directory)"},
      {"date", "YYYY-MM-DD", "date of the source (default: today, UTC)"},
      FileFlag("out", "write there instead of to stdout"),
  };
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(ImportHfCommand);

}  // namespace

}  // namespace tokenjoule
