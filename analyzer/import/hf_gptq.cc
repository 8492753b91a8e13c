#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "analyzer/description/faults.h"
#include "analyzer/import/hf_matching.h"
#include "analyzer/import/hf_method_fields.h"
#include "analyzer/import/hf_methods.h"

namespace tokenjoule {
namespace {

// A rule of GPTQ's `dynamic` or AutoRound's `extra_config`.
struct Override {
  absl::optional<Pattern> pattern;
  // Empty: keeps the module.
  std::string format;
  bool names_head = false;
};

// What AutoRound stores; missing fields of `own` are those of `all`.
Format ReadAutoRoundFormat(const JsonReader& own, const JsonReader& all) {
  const JsonReader& bits_of = own.Has("bits") ? own : all;
  const int64_t bits = bits_of.Int("bits", {1, 32});
  if (bits == 0) return absl::nullopt;
  if (bits >= 16) return "";
  const JsonReader& type_of = own.Has("data_type") ? own : all;
  const std::string type =
      type_of.Has("data_type") ? type_of.String("data_type") : "int";
  if (absl::StartsWith(type, "mx_fp") && (bits == 4 || bits == 8)) {
    return bits == 4 ? "mxfp4" : "mxfp8";
  }
  if (absl::StartsWith(type, "nv_fp") && bits == 4) return "nvfp4";
  if (absl::StartsWith(type, "fp8") && bits == 8) return "fp8";
  if (absl::StartsWith(type, "fp") && bits == 8) return "fp8";
  if (!absl::StartsWith(type, "int") || bits > 8) {
    type_of.AddFault(
        "data_type",
        absl::StrCat("found \"", Printable(type), "\" of ", bits,
                     " bits; expected int of 1 to 8 bits, mx_fp of "
                     "4 or 8, nv_fp of 4, fp8 of 8",
                     kQuantisationAdvice));
    return absl::nullopt;
  }
  const JsonReader& group_of = own.Has("group_size") ? own : all;
  const absl::optional<int64_t> group = ReadGroup(group_of, "group_size", 128);
  if (!group.has_value()) return absl::nullopt;
  return Integer(bits, *group, "");
}

}  // namespace

Rules ReadGptq(const JsonReader& reader) {
  Rules rules;
  const int64_t bits = reader.Int("bits", kBitLimits);
  const absl::optional<int64_t> group = ReadGroup(reader, "group_size", 128);
  if (bits == 0 || !group.has_value()) return rules;
  // Zero points are stored even if they are all equal (sym), but not in the
  // layout of Marlin.
  const bool marlin = reader.IsString("checkpoint_format", "marlin") ||
                      Flag(reader, "is_marlin_format", false);
  const std::string suffix = marlin ? "-sym" : "";
  const std::string format = Integer(bits, *group, suffix);
  auto overrides = std::make_shared<std::vector<Override>>();
  if (reader.IsObject("dynamic")) {
    const JsonReader dynamic = reader.Object("dynamic");
    for (const std::string& name : dynamic.NamesInOrder()) {
      absl::string_view text = name;
      const bool keeps = absl::ConsumePrefix(&text, "-:");
      if (!keeps) absl::ConsumePrefix(&text, "+:");
      Override rule;
      rule.pattern = Pattern::Make(reader, "dynamic", text);
      if (!rule.pattern.has_value()) continue;
      rule.names_head = absl::StrContains(text, "lm_head");
      absl::StrAppend(&rules.mentions, text, "\n");
      if (!keeps) {
        const JsonReader changed = dynamic.Object(name);
        const int64_t own_bits =
            changed.Has("bits") ? changed.Int("bits", kBitLimits) : bits;
        const absl::optional<int64_t> own_group =
            ReadGroup(changed, "group_size", *group);
        if (own_bits == 0 || !own_group.has_value()) continue;
        rule.format = Integer(own_bits, *own_group, suffix);
      }
      overrides->push_back(std::move(rule));
    }
  } else if (reader.Has("dynamic") && !reader.IsFalse("dynamic")) {
    reader.AddFault("dynamic", "expected an object of rules by expression");
  }
  auto inside = std::make_shared<ModuleList>();
  for (const std::string& name :
       reader.NestedStrings("modules_in_block_to_quantize")
           .value_or(std::vector<std::string>())) {
    inside->Add(reader, "modules_in_block_to_quantize", name,
                EntryStyle::kPart);
  }
  const bool has_head = Flag(reader, "lm_head", false);
  absl::StrAppend(&rules.mentions, inside->mentions());
  rules.format_of = [=](const HfModule& module) -> std::string {
    if (IsEmbedding(module)) return "";
    const bool is_head = IsHead(module);
    if (!is_head && !inside->empty() && !inside->Has(module)) return "";
    for (const Override& rule : *overrides) {
      if (!rule.pattern->MatchesBegin(module)) continue;
      return is_head && !has_head && !rule.names_head ? "" : rule.format;
    }
    return is_head && !has_head ? "" : format;
  };
  return rules;
}

Rules ReadAwq(const JsonReader& reader) {
  Rules rules;
  const char* const bits_field = reader.Has("w_bit") ? "w_bit" : "bits";
  const char* const group_field =
      reader.Has("q_group_size") ? "q_group_size" : "group_size";
  const int64_t bits = reader.Int(bits_field, kBitLimits);
  const absl::optional<int64_t> group = ReadGroup(reader, group_field, 128);
  if (bits == 0 || !group.has_value()) return rules;
  const std::string format = Integer(bits, *group, "");
  auto kept = std::make_shared<ModuleList>();
  constexpr char kList[] = "modules_to_not_convert";
  for (const std::string& entry :
       reader.Strings(kList).value_or(std::vector<std::string>())) {
    // Entries are parts of names. Those that name a layer, or a router beside a
    // gate_proj, mean whole parts.
    const bool is_router = entry == "gate" || absl::EndsWith(entry, ".gate");
    const bool has_number = absl::c_any_of(entry, absl::ascii_isdigit) &&
                            absl::StrContains(entry, '.');
    kept->Add(
        reader, kList, entry,
        is_router || has_number ? EntryStyle::kParent : EntryStyle::kPart);
    if (is_router) {
      reader.AddNote(absl::StrCat(
          "The entry \"", Printable(entry),
          "\" of modules_to_not_convert is read as the router; vLLM would also "
          "keep a module whose name goes on after it, such as gate_proj."));
    }
  }
  const bool has_head = Flag(reader, "lm_head", false);
  rules.mentions = kept->mentions();
  rules.format_of = [=](const HfModule& module) -> std::string {
    const bool stays = IsEmbedding(module) || (IsHead(module) && !has_head) ||
                       kept->Has(module);
    return stays ? "" : format;
  };
  return rules;
}

Rules ReadSymmetric(const JsonReader& reader, absl::string_view bits_field) {
  Rules rules;
  const int64_t bits =
      reader.Has(bits_field) ? reader.Int(bits_field, kBitLimits) : 4;
  const absl::optional<int64_t> group = ReadGroup(reader, "group_size", 128);
  if (bits == 0 || !group.has_value()) return rules;
  const std::string format = Integer(bits, *group, "-sym");
  const bool has_head = Flag(reader, "lm_head", false);
  rules.format_of = [=](const HfModule& module) -> std::string {
    const bool stays = IsEmbedding(module) || (IsHead(module) && !has_head);
    return stays ? "" : format;
  };
  return rules;
}

Rules ReadAutoRound(const JsonReader& reader) {
  Rules rules;
  const Format format = ReadAutoRoundFormat(reader, reader);
  if (!format.has_value()) return rules;
  auto exact =
      std::make_shared<absl::flat_hash_map<std::string, std::string>>();
  auto overrides = std::make_shared<std::vector<Override>>();
  if (reader.Has("extra_config")) {
    const JsonReader extra = reader.Object("extra_config");
    for (const std::string& name : extra.NamesInOrder()) {
      const Format own = ReadAutoRoundFormat(extra.Object(name), reader);
      if (!own.has_value()) continue;
      absl::StrAppend(&rules.mentions, name, "\n");
      (*exact)[name] = *own;
      // A name with characters of expressions is also tried as one.
      if (name.find_first_of("*+?^$()[]{}|\\") == std::string::npos) continue;
      Override rule;
      rule.pattern = Pattern::Make(reader, "extra_config", name);
      rule.format = *own;
      if (rule.pattern.has_value()) overrides->push_back(std::move(rule));
    }
  }
  auto blocks = std::make_shared<std::vector<std::string>>();
  for (const char* field : {"block_name_to_quantize", "to_quant_block_names"}) {
    if (!reader.Has(field) || !blocks->empty()) continue;
    if (reader.IsText(field)) {
      for (const absl::string_view name :
           absl::StrSplit(reader.String(field), ',', absl::SkipWhitespace())) {
        blocks->emplace_back(absl::StripAsciiWhitespace(name));
      }
    } else {
      *blocks =
          reader.NestedStrings(field).value_or(std::vector<std::string>());
    }
  }
  for (const std::string& name : *blocks) {
    absl::StrAppend(&rules.mentions, name, "\n");
  }
  rules.format_of = [=](const HfModule& module) -> std::string {
    for (const std::string& path : module.paths) {
      const auto found = exact->find(path);
      if (found != exact->end()) return found->second;
    }
    for (const Override& rule : *overrides) {
      for (const std::string& path : module.paths) {
        if (rule.pattern->MatchesPart(path)) return rule.format;
      }
    }
    if (IsEmbedding(module)) return "";
    if (blocks->empty()) return IsHead(module) ? "" : *format;
    for (const std::string& path : module.paths) {
      for (const std::string& block : *blocks) {
        if (absl::StartsWith(path, block)) return *format;
      }
    }
    return "";
  };
  return rules;
}

}  // namespace tokenjoule
