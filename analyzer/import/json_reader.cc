#include "analyzer/import/json_reader.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/base/json_keys.h"
#include "analyzer/base/size_limits.h"
#include "nlohmann/json.hpp"

namespace tokenjoule {
namespace {

using ::nlohmann::json;

// The object that readers of an invalid document read.
const json& EmptyObject() {
  static const json* const kEmpty = new json(json::object());
  return *kEmpty;
}

// Describes a value in a message.
std::string Describe(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return absl::StrCat("a list of ", value.size());
    case json::value_t::string:
      return absl::StrCat("\"", Printable(*value.get_ptr<const std::string*>()),
                          "\"");
    default:
      return value.dump();
  }
}

std::string Describe(Limits limits) {
  return absl::StrCat("a whole number from ", limits.min, " to ", limits.max);
}

// JSON in which the three non-standard words written by Python are quoted, with
// the positions of the added quotes.
class QuotedText {
 public:
  explicit QuotedText(absl::string_view text) {
    bool in_string = false;
    size_t i = 0;
    while (i < text.size()) {
      if (in_string && text[i] == '\\') {
        out_.append(text.data() + i, std::min<size_t>(2, text.size() - i));
        i += 2;
        continue;
      }
      if (text[i] == '"') in_string = !in_string;
      const size_t word = in_string ? 0 : WordLength(text.substr(i));
      if (word > 0) {
        AddQuote();
        out_.append(text.data() + i, word);
        AddQuote();
        i += word;
      } else {
        out_ += text[i++];
      }
    }
  }

  const std::string& text() const { return out_; }

  // Maps a position in text() to the original text.
  size_t Original(size_t place) const {
    return place - (std::lower_bound(quotes_.begin(), quotes_.end(), place) -
                    quotes_.begin());
  }

 private:
  static size_t WordLength(absl::string_view rest) {
    for (const absl::string_view word : {"NaN", "Infinity", "-Infinity"}) {
      if (absl::StartsWith(rest, word)) return word.size();
    }
    return 0;
  }

  void AddQuote() {
    quotes_.push_back(out_.size());
    out_ += '"';
  }

  std::string out_;
  std::vector<size_t> quotes_;
};

// Hash of a path of which `path` has the hash `before`: FNV-1a.
constexpr uint64_t kRootHash = 0xcbf29ce484222325;
uint64_t HashOfPath(uint64_t before, absl::string_view path) {
  for (const char c : path) {
    before = (before ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return before;
}

// Records the first fault of a text, and the order of fields, without building
// values and without exceptions.
class SyntaxChecker : public nlohmann::json_sax<json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t& name) override {
    if (!places_.back().is_known) return true;
    places_.back().next =
        HashOfPath(HashOfPath(places_.back().hash, name), ".");
    order[places_.back().hash].push_back(name);
    return true;
  }
  bool start_object(std::size_t) override {
    Place place;
    if (places_.empty()) {
      place = {kRootHash, 0, true};
    } else if (places_.back().is_known) {
      place = {places_.back().next, 0, true};
    }
    places_.push_back(place);
    return Enter();
  }
  bool start_array(std::size_t) override {
    places_.emplace_back();
    return Enter();
  }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    place = position;
    // "[json.exception...] parse error at line 1, column 2: syntax error ...":
    // the position is recomputed for the original file.
    message = error.what();
    const size_t column = message.find("column");
    const size_t colon = message.find(
        ": ", column == std::string::npos ? message.find(']') : column);
    if (colon != std::string::npos) message.erase(0, colon + 2);
    for (char& c : message) {
      const unsigned char byte = c;
      if (byte < 0x20 || byte > 0x7E) c = '?';
    }
    return false;
  }

  // Offset just after the last value read.
  size_t place = 0;
  std::string message;
  // JsonLog::order.
  absl::flat_hash_map<uint64_t, std::vector<std::string>> order;

 private:
  // An object or list that is open.
  struct Place {
    // Of an object: hashes of its path and of that of the field being read.
    uint64_t hash = 0;
    uint64_t next = 0;
    // Not a list, nor within one.
    bool is_known = false;
  };

  bool Enter() {
    if (++depth_ <= kMaxNesting) return true;
    message = absl::StrCat("is nested more than ", kMaxNesting, " levels deep");
    return false;
  }
  bool Leave() {
    --depth_;
    places_.pop_back();
    return true;
  }

  int depth_ = 0;
  std::vector<Place> places_;
};

// A fault at the last character before `place` of `text`, or about the whole
// text if `place` is 0.
Fault FaultAt(absl::string_view text, size_t place, std::string message) {
  Fault fault;
  fault.message = std::move(message);
  if (place == 0) return fault;
  const absl::string_view before =
      text.substr(0, std::min(place - 1, text.size()));
  fault.line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  fault.column = 1 + before.size() -
                 (newline == absl::string_view::npos ? 0 : newline + 1);
  return fault;
}

}  // namespace

JsonReader::JsonReader(const json* object, std::string path, JsonLog* log)
    : object_(object), path_(std::move(path)), log_(log) {}

const json* JsonReader::Find(absl::string_view name) const {
  log_->asked.insert(absl::StrCat(path_, name));
  const auto found = object_->find(std::string(name));
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonReader::Has(absl::string_view name) const {
  return Find(name) != nullptr;
}

bool JsonReader::Contains(absl::string_view name) const {
  log_->asked.insert(absl::StrCat(path_, name));
  return object_->contains(std::string(name));
}

void JsonReader::AddFault(absl::string_view name, std::string message) const {
  log_->faults.push_back(
      {log_->file, 0, 0, absl::StrCat(path_, name), std::move(message)});
}

void JsonReader::NoteDefault(absl::string_view name,
                             absl::string_view value) const {
  log_->defaults.push_back(absl::StrCat(path_, name, " = ", value));
}

void JsonReader::AddUnexpected(absl::string_view name, const json* found,
                               absl::string_view expected) const {
  AddFault(name, absl::StrCat(found == nullptr
                                  ? "is missing"
                                  : absl::StrCat("found ", Describe(*found)),
                              "; expected ", expected));
}

absl::optional<int64_t> JsonReader::ToInt(absl::string_view name,
                                          const json& value,
                                          Limits limits) const {
  // Every limit is far below 2^53, so that a double is exact where it matters.
  const double number = value.is_number() ? value.get<double>() : NAN;
  // This form also rejects NaN.
  if (number >= limits.min && number <= limits.max &&
      number == std::floor(number)) {
    return static_cast<int64_t>(number);
  }
  AddUnexpected(name, &value, Describe(limits));
  return absl::nullopt;
}

int64_t JsonReader::Int(absl::string_view name, Limits limits) const {
  const json* found = Find(name);
  if (found != nullptr) return ToInt(name, *found, limits).value_or(0);
  AddUnexpected(name, nullptr, Describe(limits));
  return 0;
}

int64_t JsonReader::IntOr(absl::string_view name, int64_t otherwise,
                          Limits limits) const {
  const json* found = Find(name);
  if (found != nullptr) return ToInt(name, *found, limits).value_or(0);
  NoteDefault(name, absl::StrCat(otherwise));
  return otherwise;
}

bool JsonReader::BoolOr(absl::string_view name, bool otherwise) const {
  const json* found = Find(name);
  if (found == nullptr) {
    if (otherwise) NoteDefault(name, "true");
    return otherwise;
  }
  if (found->is_boolean()) return found->get<bool>();
  AddUnexpected(name, found, "true or false");
  return false;
}

std::string JsonReader::String(absl::string_view name) const {
  const json* found = Find(name);
  if (found != nullptr && found->is_string()) return found->get<std::string>();
  AddUnexpected(name, found, "a string");
  return "";
}

bool JsonReader::IsString(absl::string_view name,
                          absl::string_view value) const {
  const json* found = Find(name);
  return found != nullptr && found->is_string() &&
         *found->get_ptr<const std::string*>() == value;
}

absl::optional<std::vector<std::string>> JsonReader::Strings(
    absl::string_view name) const {
  const json* found = Find(name);
  if (found == nullptr) return absl::nullopt;
  std::vector<std::string> strings;
  bool good = found->is_array();
  for (size_t i = 0; good && i < found->size(); ++i) {
    good = (*found)[i].is_string();
    if (good) strings.push_back((*found)[i].get<std::string>());
  }
  if (good) return strings;
  AddUnexpected(name, found, "a list of strings");
  return absl::nullopt;
}

absl::optional<std::vector<int64_t>> JsonReader::Ints(absl::string_view name,
                                                      Limits limits) const {
  const json* found = Find(name);
  if (found == nullptr) return absl::nullopt;
  if (!found->is_array()) {
    AddUnexpected(name, found, "a list of whole numbers");
    return absl::nullopt;
  }
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < found->size(); ++i) {
    const absl::optional<int64_t> number =
        ToInt(absl::StrCat(name, "[", i, "]"), (*found)[i], limits);
    if (!number.has_value()) return absl::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

JsonReader JsonReader::Object(absl::string_view name) const {
  const json* found = Find(name);
  if (found == nullptr || !found->is_object()) {
    AddUnexpected(name, found, "an object");
    found = &EmptyObject();
  }
  return JsonReader(found, absl::StrCat(path_, name, "."), log_);
}

std::vector<bool> JsonReader::Flags(absl::string_view name) const {
  const json* found = Find(name);
  std::vector<bool> flags;
  if (found == nullptr) return flags;
  bool good = found->is_array();
  for (size_t i = 0; good && i < found->size(); ++i) {
    const json& value = (*found)[i];
    if (value.is_boolean()) {
      flags.push_back(value.get<bool>());
    } else {
      const double number = value.is_number() ? value.get<double>() : NAN;
      good = number == 0 || number == 1;
      flags.push_back(number == 1);
    }
  }
  if (good) return flags;
  AddUnexpected(name, found, "a list of true and false, or of 1 and 0");
  return {};
}

std::vector<double> JsonReader::Numbers(absl::string_view name,
                                        Limits limits) const {
  const json* found = Find(name);
  std::vector<double> numbers;
  if (found == nullptr) return numbers;
  bool good = found->is_array();
  for (size_t i = 0; good && i < found->size(); ++i) {
    const json& value = (*found)[i];
    const double number = value.is_number() ? value.get<double>() : NAN;
    good = number >= limits.min && number <= limits.max;
    numbers.push_back(number);
  }
  if (good) return numbers;
  AddUnexpected(
      name, found,
      absl::StrCat("a list of numbers from ", limits.min, " to ", limits.max));
  return {};
}

bool JsonReader::IsSize(absl::string_view name) const {
  const auto found = object_->find(std::string(name));
  return found != object_->end() && found->is_number() &&
         found->get<double>() != 0;
}

void JsonReader::AddNote(std::string sentence) const {
  std::vector<std::string>& notes = log_->notes;
  if (std::find(notes.begin(), notes.end(), sentence) == notes.end()) {
    notes.push_back(std::move(sentence));
  }
}

std::vector<std::string> JsonReader::Unasked() const {
  std::vector<std::string> names;
  for (const auto& item : object_->items()) {
    if (item.value().is_null()) continue;
    if (log_->asked.count(absl::StrCat(path_, item.key())) == 0) {
      names.push_back(item.key());
    }
  }
  return names;
}

std::vector<std::string> JsonReader::Names() const {
  std::vector<std::string> names;
  for (const auto& item : object_->items()) names.push_back(item.key());
  return names;
}

std::vector<std::string> JsonReader::NamesInOrder() const {
  const auto found = log_->order.find(HashOfPath(kRootHash, path_));
  if (found == log_->order.end()) return Names();
  absl::flat_hash_set<absl::string_view> seen;
  std::vector<std::string> names;
  for (const std::string& name : found->second) {
    if (seen.insert(name).second && Contains(name)) names.push_back(name);
  }
  // Two paths may be written alike, as "a.b" in the root and "b" in "a".
  return names.size() == object_->size() ? names : Names();
}

bool JsonReader::IsObject(absl::string_view name) const {
  const json* found = Find(name);
  return found != nullptr && found->is_object();
}

bool JsonReader::IsList(absl::string_view name) const {
  const json* found = Find(name);
  return found != nullptr && found->is_array();
}

bool JsonReader::IsText(absl::string_view name) const {
  const json* found = Find(name);
  return found != nullptr && found->is_string();
}

bool JsonReader::IsNumber(absl::string_view name, double value) const {
  const json* found = Find(name);
  return found != nullptr && found->is_number() &&
         found->get<double>() == value;
}

bool JsonReader::IsFalse(absl::string_view name) const {
  const json* found = Find(name);
  return found != nullptr && found->is_boolean() && !found->get<bool>();
}

double JsonReader::Number(absl::string_view name, double min,
                          double max) const {
  const json* found = Find(name);
  const double number =
      found != nullptr && found->is_number() ? found->get<double>() : NAN;
  if (number >= min && number <= max) return number;  // false for NaN
  AddUnexpected(name, found, absl::StrCat("a number from ", min, " to ", max));
  return 0;
}

absl::optional<std::vector<std::string>> JsonReader::NestedStrings(
    absl::string_view name) const {
  const json* found = Find(name);
  if (found == nullptr) return absl::nullopt;
  std::vector<std::string> strings;
  bool good = found->is_array();
  const auto add = [&](const json& value) {
    good = good && value.is_string();
    if (good) strings.push_back(value.get<std::string>());
  };
  if (good) {
    for (const json& value : *found) {
      if (value.is_array()) {
        for (const json& inner : value) add(inner);
      } else {
        add(value);
      }
    }
  }
  if (good) return strings;
  AddUnexpected(name, found, "a list of strings, or of lists of strings");
  return absl::nullopt;
}

std::vector<JsonReader> JsonReader::Objects(absl::string_view name) const {
  const json* found = Find(name);
  if (found == nullptr) return {};
  std::vector<JsonReader> readers;
  bool good = found->is_array();
  for (size_t i = 0; good && i < found->size(); ++i) {
    good = (*found)[i].is_object();
    readers.push_back(JsonReader(
        &(*found)[i], absl::StrCat(path_, name, "[", i, "]."), log_));
  }
  if (good) return readers;
  AddUnexpected(name, found, "a list of objects");
  return {};
}

JsonDocument::JsonDocument(absl::string_view text, absl::string_view file) {
  log_.file = std::string(file);
  const auto add = [this](Fault fault) {
    fault.file = log_.file;
    log_.faults.push_back(std::move(fault));
  };
  if (text.size() > kMaxFileBytes) {
    add(FaultAt(text, 0,
                absl::StrCat("is ", text.size(),
                             " bytes long; a configuration has at most ",
                             kMaxFileBytes)));
    return;
  }
  const QuotedText quoted(text);
  SyntaxChecker checker;
  if (!json::sax_parse(quoted.text(), &checker)) {
    add(FaultAt(text, quoted.Original(checker.place), checker.message));
    return;
  }
  // The libraries that read these files keep the last one, too.
  if (const auto repeated = RepeatedJsonKey(quoted.text())) {
    log_.notes.push_back(
        absl::StrCat("The key \"", Printable(*repeated),
                     "\" is there twice; the last one counts."));
  }
  log_.order = std::move(checker.order);
  json_ = std::make_unique<json>(
      json::parse(quoted.text(), nullptr, /*allow_exceptions=*/false));
  if (!json_->is_object()) {
    add(FaultAt(text, 0,
                absl::StrCat("is ", Describe(*json_),
                             "; expected a JSON object in braces")));
  }
}

JsonDocument::~JsonDocument() = default;

JsonReader JsonDocument::Root() {
  const bool good = json_ != nullptr && json_->is_object();
  return JsonReader(good ? json_.get() : &EmptyObject(), "", &log_);
}

}  // namespace tokenjoule
