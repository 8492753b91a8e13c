#include "analyzer/import/gguf_keys.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace tokenjoule {

void GgufLog::Add(std::string path, absl::string_view message) {
  constexpr size_t kMostFaults = 100;
  if (faults_.size() < kMostFaults) {
    faults_.push_back({file_, 0, 0, std::move(path), std::string(message)});
  } else if (faults_.size() == kMostFaults) {
    faults_.push_back({file_, 0, 0, "", "has further faults"});
  }
}

void GgufLog::AddFault(absl::string_view path, absl::string_view message) {
  if (!known_.insert(absl::StrCat(path, ": ", message)).second) return;
  Add(Printable(path), message);
}

void GgufLog::AddLayerFault(int64_t layer, absl::string_view tensor,
                            absl::string_view message) {
  if (!known_.insert(absl::StrCat(tensor, ": ", message)).second) return;
  Add(absl::StrCat("blk.", layer, ".", Printable(tensor)), message);
}

std::string GgufKeys::FullKey(absl::string_view key) const {
  return absl::StrCat(architecture_, ".", key);
}

const GgufValue* GgufKeys::Find(absl::string_view key) const {
  const auto found = metadata_.find(FullKey(key));
  return found == metadata_.end() ? nullptr : &found->second;
}

absl::optional<int64_t> GgufKeys::At(absl::string_view key, int64_t layer,
                                     int64_t low, int64_t high) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return absl::nullopt;
  int64_t number = value->integer;
  if (value->kind == GgufValue::Kind::kIntegers) {
    if (layer >= static_cast<int64_t>(value->integers.size())) {
      log_->AddFault(FullKey(key),
                     absl::StrCat("has ", value->integers.size(),
                                  " numbers; expected one for each layer"));
      return absl::nullopt;
    }
    number = value->integers[layer];
  } else if (value->kind != GgufValue::Kind::kInteger) {
    log_->AddFault(FullKey(key),
                   "expected a whole number, or one for each layer");
    return absl::nullopt;
  }
  if (number < low || number > high) {
    log_->AddFault(FullKey(key), absl::StrCat("found ", number, "; expected ",
                                              low, " to ", high));
    return absl::nullopt;
  }
  return number;
}

int64_t GgufKeys::Required(absl::string_view key, int64_t layer, int64_t low,
                           int64_t high) const {
  if (!Has(key)) {
    log_->AddFault(FullKey(key),
                   absl::StrCat("is missing; expected ", low, " to ", high));
    return 0;
  }
  return At(key, layer, low, high).value_or(0);
}

const std::vector<int64_t>* GgufKeys::Integers(absl::string_view key) const {
  const GgufValue* value = Find(key);
  return value != nullptr && value->kind == GgufValue::Kind::kIntegers
             ? &value->integers
             : nullptr;
}

}  // namespace tokenjoule
