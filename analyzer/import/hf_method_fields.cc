#include "analyzer/import/hf_method_fields.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/hf_matching.h"
#include "analyzer/import/hf_methods.h"

namespace tokenjoule {
namespace {

constexpr Limits kGroupLimits = {1, 1 << 20};

// fp8 with an fp32 scale for each block of rows x columns.
std::string Fp8Block(int64_t rows, int64_t columns) {
  return rows == columns ? absl::StrCat("fp8-block", rows)
                         : absl::StrCat("fp8-g", rows * columns);
}

}  // namespace

std::string Bits(double bits) { return absl::StrFormat("bits%.9g", bits); }

std::string Integer(int64_t bits, int64_t group, absl::string_view suffix) {
  if (group > 0) return absl::StrCat("int", bits, "-g", group, suffix);
  return bits == 8 ? "int8-w8a16" : absl::StrCat("int", bits);
}

absl::optional<int64_t> ReadGroup(const JsonReader& reader,
                                  absl::string_view field, int64_t otherwise) {
  if (!reader.Has(field)) return otherwise;
  if (reader.IsNumber(field, -1)) return 0;
  const int64_t group = reader.Int(field, kGroupLimits);
  if (group == 0) return absl::nullopt;
  return group;
}

bool Flag(const JsonReader& reader, absl::string_view field, bool otherwise) {
  return reader.Has(field) ? reader.BoolOr(field, otherwise) : otherwise;
}

std::string Word(const JsonReader& reader, absl::string_view field) {
  return reader.Has(field) ? reader.String(field) : "";
}

void NoteParents(const JsonReader& reader, absl::string_view field) {
  for (const std::string& entry :
       reader.Strings(field).value_or(std::vector<std::string>())) {
    const absl::string_view last =
        absl::string_view(entry).substr(entry.rfind('.') + 1);
    if (!absl::StrContains(entry, '.') || absl::StartsWith(entry, "re:")) {
      continue;
    }
    if (absl::c_all_of(last, absl::ascii_isdigit) ||
        absl::c_linear_search(
            std::vector<absl::string_view>{"self_attn", "linear_attn", "mlp",
                                           "mixer", "experts", "shared_experts",
                                           "shared_expert"},
            last)) {
      reader.AddNote(absl::StrCat(
          "The entry \"", Printable(entry), "\" of ", field,
          " keeps the modules below it, as SGLang reads it; vLLM keeps only a "
          "module of exactly this name, and transformers all modules whose "
          "names begin so."));
      return;
    }
  }
}

Format ReadKvScheme(const JsonReader& reader, absl::string_view field) {
  if (!reader.Has(field)) return "";
  if (reader.IsText(field)) {
    const std::string name = absl::AsciiStrToUpper(reader.String(field));
    if (name == "FP8") return "fp8";
    if (name == "INT8") return "int8";
    if (name == "NVFP4") return "nvfp4";
    if (name == "NVFP4_AFFINE") return "nvfp4";
    if (name == "NONE" || name == "AUTO") return "";
    reader.AddFault(field, absl::StrCat("found \"", Printable(name),
                                        "\"; expected FP8, INT8 or NVFP4"));
    return absl::nullopt;
  }
  const JsonReader scheme = reader.Object(field);
  const int64_t bits =
      scheme.Has("num_bits") ? scheme.Int("num_bits", {1, 16}) : 8;
  const bool is_float = scheme.IsString("type", "float");
  if (bits == 8) return is_float ? "fp8" : "int8";
  if (bits == 4 && is_float) return "nvfp4";
  if (bits != 0) {
    scheme.AddFault(
        "num_bits",
        absl::StrCat("found ", bits, " bits; expected 8, or 4 of type float"));
  }
  return absl::nullopt;
}

Format ReadFp8Block(const JsonReader& reader, absl::string_view field) {
  absl::optional<std::vector<int64_t>> sizes;
  if (reader.IsText(field)) {
    // "128x128"
    std::vector<int64_t> read;
    for (const absl::string_view part :
         absl::StrSplit(reader.String(field), 'x')) {
      int64_t size = 0;
      if (absl::SimpleAtoi(part, &size)) read.push_back(size);
    }
    sizes = read;
  } else {
    sizes = reader.Ints(field, {-1, 1 << 20});
    if (!sizes.has_value() && reader.Has(field)) return absl::nullopt;
  }
  if (sizes.has_value() && sizes->size() == 2 &&
      absl::c_all_of(*sizes,
                     [](int64_t size) { return size >= 1 && size <= 1024; })) {
    return Fp8Block((*sizes)[0], (*sizes)[1]);
  }
  reader.AddFault(field, "expected the two sizes of a block, as [128, 128]");
  return absl::nullopt;
}

Rules ReadSimple(const JsonReader& reader, const std::string& format,
                 absl::string_view field) {
  Rules rules;
  auto kept = std::make_shared<ModuleList>();
  kept->AddField(reader, field, EntryStyle::kParent);
  NoteParents(reader, field);
  rules.mentions = kept->mentions();
  rules.format_of = [format, kept](const HfModule& module) {
    const bool stays =
        IsHead(module) || IsEmbedding(module) || kept->Has(module);
    return stays ? "" : format;
  };
  return rules;
}

}  // namespace tokenjoule
