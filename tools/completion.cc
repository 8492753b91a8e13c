#include "tools/completion.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "analyzer/study/explain.h"
#include "proto/report.pb.h"
#include "tools/flags.h"

namespace tokenjoule {
namespace {

// The kind of `tokenjoule list` of the names that a flag takes.
std::string KindOf(absl::string_view flag) {
  static const auto* kinds = new std::map<std::string, std::string>{
      {"activations", "formats"},
      {"analog", "hardware"},
      {"base", "classes"},
      {"boundary", "boundaries"},
      {"draft", "models"},
      {"experts", "formats"},
      {"hardware", "hardware"},
      {"host", "hardware"},
      {"kv", "formats"},
      {"kv_values", "formats"},
      {"lm_head", "formats"},
      {"model", "models"},
      {"prefill_hardware", "hardware"},
      {"runtime", "runtimes"},
      {"space", "spaces"},
      {"weights", "formats"},
  };
  const auto found = kinds->find(std::string(flag));
  return found == kinds->end() ? "" : found->second;
}

// The entries of a kind of the catalogue.
std::vector<std::string> NamesOf(const std::string& kind) {
  std::vector<std::string> names;
  const absl::StatusOr<Listing> listing = List(kind);
  if (!listing.ok()) return names;
  for (const Listing::Entry& entry : listing->entries()) {
    names.push_back(entry.name());
  }
  return names;
}

// Whether a text is one word of an enumeration.
bool IsWord(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '-';
         });
}

// The words of a help text that begins with them: "table, json or csv (default
// table)", "coverage, balanced or power-law: ...". Empty if it does not.
std::vector<std::string> WordsOfHelp(absl::string_view help) {
  help = help.substr(0, help.find_first_of("(:;"));
  const std::string list =
      absl::StrReplaceAll(absl::StripAsciiWhitespace(help), {{" or ", ", "}});
  const std::vector<std::string> words = absl::StrSplit(list, ", ");
  if (words.size() < 2 || !std::all_of(words.begin(), words.end(), IsWord)) {
    return {};
  }
  return words;
}

std::vector<std::string> ValuesOf(const FlagSpec& flag) {
  if (flag.IsBoolean()) return {"true", "false"};
  absl::string_view name = flag.name;
  absl::ConsumePrefix(&name, "to.");
  const std::string kind = KindOf(name);
  if (kind.empty()) return WordsOfHelp(flag.help);
  std::vector<std::string> names = NamesOf(kind);
  if (kind == "models") {
    // Networks of explicit layers are models too.
    const std::vector<std::string> networks = NamesOf("networks");
    names.insert(names.end(), networks.begin(), networks.end());
  }
  return names;
}

std::string Dashed(const std::string& name) {
  return absl::StrCat("--", absl::StrReplaceAll(name, {{"_", "-"}}));
}

const FlagSpec* FindFlag(const Command& command, absl::string_view dashed) {
  for (const FlagSpec& flag : command.flags) {
    if (Dashed(flag.name) == absl::StrReplaceAll(dashed, {{"_", "-"}})) {
      return &flag;
    }
  }
  return nullptr;
}

// Flags that may be given (once more).
std::vector<std::string> FlagsFor(const Command& command,
                                  const std::set<std::string>& given,
                                  absl::string_view word) {
  std::vector<std::string> found = {"--help"};
  for (const FlagSpec& flag : command.flags) {
    const std::string dashed = Dashed(flag.name);
    if (!flag.repeatable && given.count(dashed) > 0) continue;
    // The second scenario's flags are as many again: only on request.
    if (flag.hidden && !absl::StartsWith(word, "--to")) continue;
    found.push_back(absl::StrCat(dashed, flag.value.empty() ? "" : "="));
  }
  return found;
}

// What positional arguments of a sub-command may be, as far as they are names.
std::vector<std::string> ArgumentsOf(const Command& command) {
  if (command.name == "completion") return CompletionShells();
  if (command.name != "list") return {};
  std::set<std::string> kinds;
  const absl::StatusOr<Listing> listing = List("");
  if (!listing.ok()) return {};
  for (const Listing::Entry& entry : listing->entries()) {
    kinds.insert(entry.kind());
  }
  return {kinds.begin(), kinds.end()};
}

// `prefix` before those of `values` that begin with `begin`.
std::vector<std::string> Matching(absl::string_view prefix,
                                  std::vector<std::string> values,
                                  absl::string_view begin) {
  std::sort(values.begin(), values.end());
  std::vector<std::string> found;
  for (const std::string& value : values) {
    if (absl::StartsWith(value, begin)) {
      found.push_back(absl::StrCat(prefix, value));
    }
  }
  return found;
}

// Values in a list with commas: the last of them is being typed.
std::vector<std::string> ListMatching(absl::string_view prefix,
                                      std::vector<std::string> values,
                                      absl::string_view text) {
  const size_t comma = text.rfind(',');
  if (comma == absl::string_view::npos) {
    return Matching(prefix, std::move(values), text);
  }
  return Matching(absl::StrCat(prefix, text.substr(0, comma + 1)),
                  std::move(values), text.substr(comma + 1));
}

constexpr char kBash[] = R"SHELL(# tokenjoule completion bash
_tokenjoule() {
  local line=${COMP_LINE:0:COMP_POINT} words prefix
  read -ra words <<< "$line"
  [[ $line != *[[:space:]] ]] || words+=("")
  local IFS=$'\n'
  COMPREPLY=($("$1" completion --words -- "${words[@]:1}" 2> /dev/null))
  # Bash replaces only what is behind the last of these characters.
  prefix=${words[-1]}
  if [[ $prefix == *[=:]* ]]; then
    prefix=${prefix%"${prefix##*[=:]}"}
    COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
  fi
  if [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace 2> /dev/null; fi
}
complete -o default -F _tokenjoule tokenjoule
)SHELL";

constexpr char kZsh[] = R"SHELL(#compdef tokenjoule
# tokenjoule completion zsh
_tokenjoule() {
  local -a found open
  found=(${(f)"$(${words[1]} completion --words -- "${(@)words[2,CURRENT]}" 2> /dev/null)"})
  open=(${(M)found:#*=})
  found=(${found:#*=})
  if (( $#found + $#open == 0 )); then
    compset -P '*='
    _files
    return
  fi
  (( $#open == 0 )) || compadd -S '' -- $open
  (( $#found == 0 )) || compadd -- $found
}
if [[ $funcstack[1] == _tokenjoule ]]; then
  _tokenjoule "$@"
elif (( $+functions[compdef] )); then
  compdef _tokenjoule tokenjoule
fi
)SHELL";

constexpr char kFish[] = R"SHELL(# tokenjoule completion fish
function __tokenjoule_words
  set -l words (commandline -opc)
  $words[1] completion --words -- $words[2..-1] (commandline -ct) 2> /dev/null
end
complete -c tokenjoule -a '(__tokenjoule_words)'
)SHELL";

}  // namespace

std::vector<std::string> Completions(const std::vector<Command>& commands,
                                     const std::vector<std::string>& words) {
  const std::string word = words.empty() ? "" : words.back();
  if (words.size() <= 1) {
    std::vector<std::string> names = {"--help", "--version"};
    for (const Command& command : commands) {
      if (command.absent.empty()) names.push_back(command.name);
    }
    return Matching("", names, word);
  }
  const auto command = std::find_if(
      commands.begin(), commands.end(),
      [&](const Command& candidate) { return candidate.name == words[0]; });
  if (command == commands.end()) return {};
  // "--model=x"
  if (absl::StartsWith(word, "--") && absl::StrContains(word, '=')) {
    const size_t equals = word.find('=');
    const FlagSpec* flag = FindFlag(*command, word.substr(0, equals));
    if (flag == nullptr) return {};
    return ListMatching(word.substr(0, equals + 1), ValuesOf(*flag),
                        absl::string_view(word).substr(equals + 1));
  }
  // "--model x"
  if (words.size() > 2 && !absl::StrContains(words[words.size() - 2], '=')) {
    const FlagSpec* flag = FindFlag(*command, words[words.size() - 2]);
    if (flag != nullptr && !flag->value.empty()) {
      return ListMatching("", ValuesOf(*flag), word);
    }
  }
  if (absl::StartsWith(word, "-")) {
    std::set<std::string> given;
    for (const std::string& other : words) {
      given.insert(
          absl::StrReplaceAll(other.substr(0, other.find('=')), {{"_", "-"}}));
    }
    given.erase(word);
    return Matching("", FlagsFor(*command, given, word), word);
  }
  const std::vector<std::string> arguments = ArgumentsOf(*command);
  if (!arguments.empty() || !word.empty()) return Matching("", arguments, word);
  return Matching("", FlagsFor(*command, {}, word), word);
}

std::vector<std::string> CompletionShells() { return {"bash", "fish", "zsh"}; }

std::string CompletionScript(const std::string& shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  return kFish;
}

}  // namespace tokenjoule
