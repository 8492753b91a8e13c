#include "tests/attack/seeds.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "analyzer/description/boundary.h"
#include "analyzer/description/formats.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;

// Longest word that libFuzzer takes.
constexpr size_t kLongestWord = 64;

std::string Contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Adds the files below a folder whose names end like this.
void Find(const std::string& folder, absl::string_view ending,
          std::set<std::string>* paths) {
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator file(
           folder, std::filesystem::directory_options::follow_directory_symlink,
           error),
       end;
       !error && file != end; file.increment(error)) {
    if (file->is_regular_file(error) &&
        absl::EndsWith(file->path().string(), ending)) {
      paths->insert(file->path().string());
    }
  }
}

void AddWord(absl::string_view word, std::set<std::string>* words) {
  if (!word.empty() && word.size() <= kLongestWord) words->emplace(word);
}

// The fields of a message and of those in it.
void AddFields(const Descriptor& message, std::set<const Descriptor*>* seen,
               std::set<std::string>* words) {
  if (!seen->insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    AddWord(field.name(), words);
    if (field.enum_type() != nullptr) {
      for (int k = 0; k < field.enum_type()->value_count(); ++k) {
        AddWord(field.enum_type()->value(k)->name(), words);
      }
    }
    if (field.message_type() != nullptr) {
      AddFields(*field.message_type(), seen, words);
    }
  }
}

// The words of a text: names, numbers and paths.
void AddWordsOf(absl::string_view text, std::set<std::string>* words) {
  // More would only dilute them.
  constexpr size_t kMost = 3000;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size() && words->size() < kMost; ++i) {
    if (i < text.size() && (absl::ascii_isalnum(text[i]) || text[i] == '_' ||
                            text[i] == '-' || text[i] == '.')) {
      continue;
    }
    AddWord(text.substr(begin, i - begin), words);
    begin = i + 1;
  }
}

}  // namespace

std::vector<Seed> SeedsOf(const Target& target) {
  std::set<std::string> paths;
  for (const SeedFiles& files : target.seeds) {
    Find(files.folder, files.ending, &paths);
  }
  Find(absl::StrCat("tests/attack/corpus/", target.name), "", &paths);
  std::vector<Seed> seeds;
  for (const std::string& path : paths) {
    seeds.push_back({path, Contents(path)});
  }
  if (target.make != nullptr) {
    for (std::string& bytes : target.make()) {
      seeds.push_back(
          {absl::StrCat("made seed ", seeds.size()), std::move(bytes)});
    }
  }
  return seeds;
}

std::vector<std::string> WordsOf(const Target& target,
                                 const std::vector<Seed>& seeds) {
  std::set<std::string> words;
  std::set<const Descriptor*> seen;
  for (const Descriptor* message : target.messages) {
    AddFields(*message, &seen, &words);
  }
  if (!target.messages.empty()) {
    for (const std::string& name : FormatNames()) AddWord(name, &words);
    for (const std::string& name : BoundaryNames()) AddWord(name, &words);
  }
  for (const std::string& word : target.words) AddWord(word, &words);
  for (const Seed& seed : seeds) AddWordsOf(seed.bytes, &words);
  return {words.begin(), words.end()};
}

std::string DictionaryOf(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    absl::StrAppend(&out, "\"");
    for (const char c : word) {
      if (absl::ascii_isprint(c) && c != '"' && c != '\\') {
        out += c;
      } else {
        absl::StrAppend(&out, "\\x", absl::BytesToHexString({&c, 1}));
      }
    }
    absl::StrAppend(&out, "\"\n");
  }
  return out;
}

}  // namespace tokenjoule
