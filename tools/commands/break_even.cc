// tokenjoule break-even: where analog arrays take less energy than digital ones.

#include "analyzer/study/break_even.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "analyzer/description/catalog.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/setup_flags.h"

namespace tokenjoule {
namespace {

absl::StatusOr<BreakEvenStudy> Answer(const ParsedFlags& flags,
                                      int* exit_code) {
  BreakEvenOptions options;
  for (const auto& [name, values] :
       {std::make_pair("standing_w", &options.standing_w),
        std::make_pair("batches", &options.batches),
        std::make_pair("growths", &options.growths)}) {
    if (!flags.Has(name)) continue;
    const absl::Status status = ParseNumberList(flags.Get(name, ""), values);
    if (status.ok()) continue;
    return UsageFault(absl::InvalidArgumentError(
                          absl::StrCat(FlagText(name), ": ", status.message())),
                      exit_code);
  }
  absl::StatusOr<Setup> setup = LoadSetup(flags, exit_code);
  if (!setup.ok()) return setup.status();
  absl::StatusOr<Hardware> analog =
      LoadHardware(flags.Get("analog", "aimc-resident"));
  if (!analog.ok()) return analog.status();
  return StudyBreakEven(*setup, *analog, options);
}

Command BreakEvenCommand() {
  Command command;
  command.name = "break-even";
  command.summary =
      "a map of where analog in-memory arrays take less energy than digital ones";
  command.description =
      "The energy per operation of analog arrays at which a machine with them\n"
      "takes as much per token as one with digital arrays, over standing power,\n"
      "batch and the growth that the model needs for equal quality; and where in\n"
      "that map published arrays lie.";
  command.examples =
      "  tokenjoule break-even --model=llama-3.2-1b --hardware=dimc-resident \\\n"
      "      --analog=aimc-resident\n"
      "  tokenjoule break-even --model=llama-3.1-8b --hardware=dimc-hbm3e \\\n"
      "      --analog=aimc-hbm3e --growths=1,1.011,1.05 --batches=1,16,256\n"
      "  tokenjoule break-even --model=llama-3.2-1b --hardware=dimc-resident \\\n"
      "      --format=svg --out=break_even.svg\n";
  command.flags =
      Concat({{"analog", "NAME",
               "the machine with analog arrays, a name of `list hardware` or a "
               "path (default aimc-resident)"},
              {"standing_w", "W,...",
               "static power of a chip of that machine (default: 0, 1/4, 1/2, 1 "
               "and 2 of its own)"},
              {"batches", "N,...", "sequences in a step (default 1,4,16,64,256)"},
              {"growths", "X,...",
               "growth of the model relative to the digital machine (default: 1, "
               "what equal quality asks for, and 1.1)"}},
             Concat(SetupFlags("sequences in a step of the two answers that are "
                               "compared (default 1)"),
                    OutputFlags<BreakEvenStudy>()));
  SetAnswer<BreakEvenStudy>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(BreakEvenCommand);

}  // namespace

}  // namespace tokenjoule
