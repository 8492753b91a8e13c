#include "tests/attack/mutate.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <random>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tokenjoule {
namespace {

constexpr absl::string_view kOddNumbers[] = {"0",
                                             "-0",
                                             "-1",
                                             "1",
                                             "nan",
                                             "-nan",
                                             "inf",
                                             "-inf",
                                             "0.5",
                                             "1e308",
                                             "1e-308",
                                             "1e400",
                                             "4e9",
                                             "2147483647",
                                             "2147483648",
                                             "-2147483649",
                                             "9223372036854775807",
                                             "18446744073709551616",
                                             "0x10",
                                             "1.",
                                             ".",
                                             "1e",
                                             "01",
                                             "1e15",
                                             "999999999",
                                             "0.999999999"};

// Longer inputs only take longer.
constexpr size_t kLongest = 1 << 20;

// A part of a text.
struct Span {
  size_t begin = 0, size = 0;
};

class Mutator {
 public:
  Mutator(absl::string_view input, absl::string_view other,
          const std::vector<std::string>& words, uint64_t seed)
      : text_(input), other_(other), words_(words), engine_(seed) {}

  std::string Run() {
    size_t changes = 1;
    while (changes < 4 && Of(3) == 0) ++changes;
    for (; changes > 0; --changes) Change();
    if (text_.size() > kLongest) text_.resize(kLongest);
    return std::move(text_);
  }

 private:
  // A number from 0 to count - 1; 0 if there is none.
  size_t Of(size_t count) { return count == 0 ? 0 : engine_() % count; }

  absl::string_view Word() {
    if (words_.empty() || Of(8) == 0) {
      return kOddNumbers[Of(std::size(kOddNumbers))];
    }
    return words_[Of(words_.size())];
  }

  // The line of a text that a place drawn at random is in, with its break.
  Span Line(absl::string_view text) {
    const size_t place = Of(text.size());
    const size_t before =
        place == 0 ? absl::string_view::npos : text.rfind('\n', place - 1);
    const size_t begin = before == absl::string_view::npos ? 0 : before + 1;
    const size_t after = text.find('\n', place);
    const size_t end =
        after == absl::string_view::npos ? text.size() : after + 1;
    return {begin, end - begin};
  }

  // A few bytes, more often near than far apart.
  Span Range() {
    const size_t begin = Of(text_.size() + 1);
    const size_t most = Of(4) == 0 ? text_.size() : 16;
    return {begin, std::min(Of(most) + 1, text_.size() - begin)};
  }

  // The first run of such characters from a place drawn at random.
  template <typename Is>
  Span Token(Is is) {
    size_t begin = Of(text_.size());
    while (begin > 0 && begin < text_.size() && is(text_[begin - 1])) --begin;
    while (begin < text_.size() && !is(text_[begin])) ++begin;
    size_t end = begin;
    while (end < text_.size() && is(text_[end])) ++end;
    return {begin, end - begin};
  }

  void Replace(Span span, absl::string_view by) {
    text_.replace(span.begin, span.size, by.data(), by.size());
  }

  // Little-endian integers at the ends of their types.
  void Overwrite() {
    constexpr uint64_t kEnds[] = {0,
                                  1,
                                  0x7f,
                                  0xff,
                                  0x7fff,
                                  0xffff,
                                  0x7fffffff,
                                  0x80000000,
                                  0xffffffff,
                                  0x7fffffffffffffff,
                                  0x8000000000000000,
                                  ~uint64_t{0}};
    const uint64_t value = kEnds[Of(std::size(kEnds))];
    const size_t width = size_t{1} << Of(4), begin = Of(text_.size());
    for (size_t i = 0; i < width && begin + i < text_.size(); ++i) {
      text_[begin + i] = static_cast<char>(value >> (8 * i) & 0xff);
    }
  }

  void Change() {
    const auto is_number = [](char c) {
      return absl::ascii_isdigit(c) || c == '.' || c == '-';
    };
    const auto is_word = [](char c) {
      return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
    };
    switch (Of(15)) {
      case 0:
        return Replace(Line(text_), "");
      case 1: {
        const Span line = Line(text_);
        const std::string copy = text_.substr(line.begin, line.size);
        return Replace({line.begin, 0}, copy);
      }
      case 2: {
        const Span line = Line(text_);
        const std::string moved = text_.substr(line.begin, line.size);
        Replace(line, "");
        return Replace({Line(text_).begin, 0}, moved);
      }
      case 3: {
        const Span line = Line(other_);
        return Replace({Line(text_).begin, 0},
                       other_.substr(line.begin, line.size));
      }
      case 4:
      case 5:
        return Replace(Token(is_number),
                       kOddNumbers[Of(std::size(kOddNumbers))]);
      case 6: {
        const Span number = Token(is_number);
        const std::string copy = text_.substr(number.begin, number.size);
        return Replace(Token(is_number), copy);
      }
      case 7:
        return Replace(Token(is_word), Word());
      case 8:
        return Replace({Of(text_.size() + 1), 0}, absl::StrCat(Word(), " "));
      case 9:
        if (!text_.empty()) text_[Of(text_.size())] ^= 1 << Of(8);
        return;
      case 10:
        return Replace({Of(text_.size() + 1), 0},
                       std::string(1, static_cast<char>(Of(256))));
      case 11:
        return Overwrite();
      case 12:
        return Replace(Range(), "");
      case 13: {
        const Span range = Range();
        const std::string copy = text_.substr(range.begin, range.size);
        return Replace({Of(text_.size() + 1), 0}, copy);
      }
      default:
        // A cut at a line is the likelier one to be read.
        return text_.resize(Of(2) == 0 ? Of(text_.size() + 1)
                                       : Line(text_).begin);
    }
  }

  std::string text_;
  const absl::string_view other_;
  const std::vector<std::string>& words_;
  std::mt19937_64 engine_;
};

}  // namespace

std::string Mutated(absl::string_view input, absl::string_view other,
                    const std::vector<std::string>& words, uint64_t seed) {
  return Mutator(input, other, words, seed).Run();
}

}  // namespace tokenjoule
