#include "analyzer/base/json_keys.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"

namespace tokenjoule {
namespace {

using ::nlohmann::json;

// Deeper text is refused by those who read it.
constexpr size_t kDeepest = 1000;

// Reads keys and builds no values.
class KeyReader : public nlohmann::json_sax<json> {
 public:
  explicit KeyReader(bool of_messages) : of_messages_(of_messages) {}

  bool null() override { return Value(); }
  bool boolean(bool) override { return Value(); }
  bool number_integer(number_integer_t) override { return Value(); }
  bool number_unsigned(number_unsigned_t) override { return Value(); }
  bool number_float(number_float_t, const string_t&) override {
    return Value();
  }
  bool string(string_t&) override { return Value(); }
  bool binary(binary_t&) override { return Value(); }
  bool start_object(std::size_t) override { return Open(/*is_list=*/false); }
  bool start_array(std::size_t) override { return Open(/*is_list=*/true); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(string_t& name) override {
    Level& level = levels_[depth_ - 1];
    level.key = name;
    if (of_messages_) {
      name = absl::AsciiStrToLower(absl::StrReplaceAll(name, {{"_", ""}}));
    }
    if (level.keys.insert(name).second) return true;
    std::string path;
    for (size_t i = 0; i < depth_; ++i) {
      if (levels_[i].is_list) {
        absl::StrAppend(&path, "[", levels_[i].index, "]");
      } else {
        absl::StrAppend(&path, path.empty() ? "" : ".", levels_[i].key);
      }
    }
    repeated = std::move(path);
    return false;
  }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception&) override {
    return false;
  }

  absl::optional<std::string> repeated;

 private:
  // An object or a list that is open.
  struct Level {
    bool is_list = false;
    size_t index = 0;
    std::string key;
    absl::flat_hash_set<std::string> keys;
  };

  bool Value() {
    if (depth_ > 0) ++levels_[depth_ - 1].index;
    return true;
  }
  bool Open(bool is_list) {
    if (depth_ == kDeepest) return false;
    // Closed levels keep their memory for the next object of as many keys.
    if (depth_ == levels_.size()) levels_.emplace_back();
    Level& level = levels_[depth_++];
    level.is_list = is_list;
    level.index = 0;
    level.keys.clear();
    return true;
  }
  bool Close() {
    --depth_;
    return Value();
  }

  const bool of_messages_;
  std::vector<Level> levels_;
  size_t depth_ = 0;
};

}  // namespace

absl::optional<std::string> RepeatedJsonKey(absl::string_view text,
                                            bool of_messages) {
  KeyReader reader(of_messages);
  (void)json::sax_parse(text.begin(), text.end(), &reader,
                        json::input_format_t::json, /*strict=*/false);
  return reader.repeated;
}

}  // namespace tokenjoule
