#include "tools/flags.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/counts.h"
#include "analyzer/description/faults.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

constexpr size_t kMostNumbers = 10'000;

const FlagSpec* FindSpec(absl::Span<const FlagSpec> specs,
                         const std::string& name) {
  for (const FlagSpec& spec : specs) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

// "true" for true, 1 and yes, "false" for false, 0 and no; empty for others.
absl::string_view BooleanText(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  for (const char* yes : {"true", "1", "yes"}) {
    if (lower == yes) return "true";
  }
  for (const char* no : {"false", "0", "no"}) {
    if (lower == no) return "false";
  }
  return "";
}

absl::Status ReadNumber(absl::string_view text, bool counts, double* number) {
  if (counts) return ParseCount(text, number);
  if (!ParseNumber(text, number)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a number, found \"", Printable(text), "\""));
  }
  return absl::OkStatus();
}

absl::Status ParseRange(absl::string_view text, bool counts,
                        std::vector<double>* numbers) {
  std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (parts.size() == 2) parts.push_back("1");
  if (parts.size() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected FROM:TO:xFACTOR or FROM:TO:STEP, found \"",
                     Printable(text), "\""));
  }
  const bool geometric = absl::StartsWith(parts[2], "x");
  double from = 0, to = 0, step = 0;
  absl::Status status = ReadNumber(parts[0], counts, &from);
  status.Update(ReadNumber(parts[1], counts, &to));
  status.Update(ReadNumber(parts[2].substr(geometric ? 1 : 0),
                           counts && !geometric, &step));
  if (!status.ok()) return status;
  if (from > to) {
    return absl::InvalidArgumentError(
        absl::StrCat("the range \"", Printable(text), "\" is empty"));
  }
  if (geometric ? !(step > 1 && from > 0) : !(step > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", Printable(text), "\" never reaches its end; expected ",
        geometric ? "a factor above 1 and a start above 0" : "a step above 0"));
  }
  // Slightly beyond the end, so that 1:1024:x2 includes 1024.
  const double end = to * (1 + 1e-12);
  double x = from;
  while (x <= end) {
    if (numbers->size() >= kMostNumbers) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", Printable(text), "\" is more than ", kMostNumbers, " numbers"));
    }
    numbers->push_back(x);
    // With a step too small to change x the loop would never end.
    const double next = geometric ? x * step : x + step;
    if (next == x) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", Printable(text), "\" never arrives"));
    }
    x = next;
  }
  return absl::OkStatus();
}

}  // namespace

std::string FlagText(absl::string_view name) {
  return absl::StrCat("--", absl::StrReplaceAll(name, {{"_", "-"}}));
}

FlagSpec FileFlag(absl::string_view name, absl::string_view help) {
  FlagSpec flag = {std::string(name), "FILE", std::string(help)};
  flag.written = true;
  return flag;
}

std::string ParsedFlags::Get(const std::string& name,
                             absl::string_view otherwise) const {
  const auto found = values.find(name);
  return found == values.end() ? std::string(otherwise) : found->second.back();
}

std::vector<std::string> ParsedFlags::GetAll(const std::string& name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::vector<std::string>() : found->second;
}

bool ParsedFlags::GetBool(const std::string& name, bool otherwise) const {
  return Get(name, otherwise ? "true" : "false") == "true";
}

absl::Status ParseFlags(absl::Span<const char* const> args,
                        absl::Span<const FlagSpec> specs, ParsedFlags* parsed) {
  std::vector<std::string> faults, names = {"help"};
  for (const FlagSpec& spec : specs) {
    names.push_back(absl::StrReplaceAll(spec.name, {{"_", "-"}}));
  }
  for (size_t i = 0; i < args.size(); ++i) {
    const absl::string_view arg = args[i];
    if (arg == "--") {
      parsed->positional.insert(parsed->positional.end(), args.begin() + i + 1,
                                args.end());
      break;
    }
    if (arg == "-h" || arg == "--help" || arg == "-help") {
      parsed->help = true;
      continue;
    }
    if (!absl::StartsWith(arg, "--")) {
      if (absl::StartsWith(arg, "-") && arg.size() > 1) {
        faults.push_back(absl::StrCat("flags begin with two dashes, found \"",
                                      Printable(arg), "\""));
      } else {
        parsed->positional.emplace_back(arg);
      }
      continue;
    }
    const std::vector<absl::string_view> halves =
        absl::StrSplit(arg.substr(2), absl::MaxSplits('=', 1));
    const std::string name = absl::StrReplaceAll(halves[0], {{"-", "_"}});
    const FlagSpec* spec = FindSpec(specs, name);
    if (spec == nullptr) {
      faults.push_back(
          UnknownNameMessage("flag", absl::StrReplaceAll(name, {{"_", "-"}}),
                             names, "(--help shows all)"));
      continue;
    }
    std::string value;
    if (halves.size() == 2) {
      value = std::string(halves[1]);
    } else if (spec->value.empty()) {
      value = "true";
    } else if (i + 1 < args.size() && !absl::StartsWith(args[i + 1], "--")) {
      value = args[++i];
    } else {
      faults.push_back(absl::StrCat(FlagText(name), " needs a value: ",
                                    FlagText(name), "=", spec->value));
      continue;
    }
    if (spec->IsBoolean()) {
      const absl::string_view boolean = BooleanText(value);
      if (boolean.empty()) {
        faults.push_back(absl::StrCat(
            FlagText(name), ": expected true, false, 1, 0, yes or no, found \"",
            Printable(value), "\""));
        continue;
      }
      value = std::string(boolean);
    }
    std::vector<std::string>& all = parsed->values[name];
    if (!all.empty() && !spec->repeatable) {
      faults.push_back(absl::StrCat(FlagText(name), " is given twice"));
    }
    all.push_back(std::move(value));
  }
  if (faults.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
}

std::string FlagsHelp(absl::Span<const FlagSpec> specs) {
  TextTable table({"", ""});
  for (const FlagSpec& spec : specs) {
    if (spec.hidden) continue;
    table.AddRow(
        {absl::StrCat(FlagText(spec.name), spec.value.empty() ? "" : "=", spec.value),
         spec.help});
  }
  return table.ToString(2);
}

std::vector<FlagSpec> Concat(std::vector<FlagSpec> a,
                             const std::vector<FlagSpec>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

namespace {

absl::Status ParseList(absl::string_view text, bool counts,
                       std::vector<double>* numbers) {
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    absl::Status status;
    if (absl::StrContains(part, ':')) {
      status = ParseRange(part, counts, numbers);
    } else {
      double number = 0;
      status = ReadNumber(part, counts, &number);
      numbers->push_back(number);
    }
    if (!status.ok()) return status;
    if (numbers->size() > kMostNumbers) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kMostNumbers, " numbers"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseNumberList(absl::string_view text,
                             std::vector<double>* numbers) {
  return ParseList(text, /*counts=*/false, numbers);
}

absl::Status ParseCountList(absl::string_view text,
                            std::vector<double>* numbers) {
  return ParseList(text, /*counts=*/true, numbers);
}

}  // namespace tokenjoule
