// tokenjoule batch: how far batching goes.

#include "analyzer/study/batch.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "analyzer/report/report.h"
#include "tools/command.h"

namespace tokenjoule {
namespace {

int Run(const ParsedFlags& flags) {
  absl::StatusOr<OutputFormat> format = ReadOutputFormat(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  std::vector<double> batches;
  absl::Status status =
      ParseNumberList(flags.Get("batch", "1:1024:x2"), &batches);
  if (!status.ok()) {
    return Fail(
        absl::InvalidArgumentError(absl::StrCat("--batch: ", status.message())),
        kExitUsage);
  }
  int exit_code = kExitOk;
  absl::StatusOr<Setup> setup =
      LoadSetup(flags, /*with_batch=*/false, &exit_code);
  if (!setup.ok()) return Fail(setup.status(), exit_code);
  absl::StatusOr<BatchStudy> study =
      StudyBatch(setup->model, setup->hardware, setup->scenario, batches,
                 setup->draft_or_null());
  if (!study.ok()) return Fail(study.status(), kExitBadData);
  return WriteAnswer(flags, *format, *study, BatchTable, BatchCsv);
}

}  // namespace

Command BatchCommand() {
  Command command;
  command.name = "batch";
  command.summary = "how far batching goes: a row a batch, then the limits";
  command.description =
      "Energy, DRAM share, intensity, step time and what binds for each "
      "batch,\n"
      "then the limits: the floor that the KV cache sets as the batch grows, "
      "the\n"
      "batch at which half of the gain is reached, the batch that fits, and "
      "the\n"
      "whole gain as a factor and in orders of magnitude.";
  command.examples =
      "  tokenjoule batch --model=llama-3.1-8b --hardware=h100-sxm \\\n"
      "      --context=8192 --batch=1:1024:x2\n"
      "  tokenjoule batch --model=llama-2-7b --hardware=a100-sxm-80gb \\\n"
      "      --batch=1,4,16,64 --kv=fp8 --format=csv\n";
  command.flags = Concat(
      SetupFlags(
          "batches: 1,2,8 or 1:1024:x2 or 10:100:10 (default 1:1024:x2)"),
      OutputFlags());
  command.run = Run;
  return command;
}

}  // namespace tokenjoule
