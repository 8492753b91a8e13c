// tokenjoule sweep: the Pareto front of a design space.

#include "analyzer/search/sweep.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/notices.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/report/report.h"
#include "analyzer/search/forecast.h"
#include "analyzer/search/space.h"
#include "analyzer/search/unused_axes.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"
#include "tools/sweep.h"
#include "tools/whole_file.h"

namespace tokenjoule {
namespace {

// Set by the first interrupt; a second interrupt ends the process.
std::atomic<bool> interrupted{false};

void Interrupt(int signal) {
  interrupted = true;
  std::signal(signal, SIG_DFL);
}

// Prints rate and time left, only on a terminal and at most a few times per
// second.
class Progress {
 public:
  void operator()(double done, double all) {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> since_last = now - last_;
    if (since_last.count() < 0.25) return;
    last_ = now;
    const std::chrono::duration<double> elapsed = now - start_;
    const double rate = done / elapsed.count();
    std::cerr
        << absl::StreamFormat(
               "\r%.1f %% of %.3g points, %.3g per second, %.0f s left   ",
               100 * done / all, all, rate, (all - done) / rate)
        << std::flush;
    shown_ = true;
  }
  ~Progress() {
    if (shown_) std::cerr << "\n";
  }

 private:
  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = start_;
  bool shown_ = false;
};

// "40 s", "12 min", "5 hours", "3 days", "2 years".
std::string DurationWords(double seconds) {
  constexpr double kHour = 3600, kDay = 24 * kHour, kYear = 365.25 * kDay;
  if (seconds < 100) return absl::StrFormat("%.0f s", seconds);
  if (seconds < 100 * 60) return absl::StrFormat("%.0f min", seconds / 60);
  if (seconds < 2 * kDay) return absl::StrFormat("%.0f hours", seconds / kHour);
  if (seconds < 2 * kYear) return absl::StrFormat("%.0f days", seconds / kDay);
  return absl::StrFormat("%.3g years", seconds / kYear);
}

// Says how long a search takes if that is long, and stops one that takes more than
// an hour, which may be a mistake in an axis, unless it is a shard or wanted.
ForecastFunction ForecastFor(const ParsedFlags& flags,
                             const SweepOptions& options) {
  const bool wanted = flags.GetBool("yes") || options.shards > 0;
  return [wanted](double seconds) {
    constexpr double kWorthSaying = 60, kMostUnasked = 3600;
    if (seconds < kWorthSaying) return absl::OkStatus();
    const std::string about =
        absl::StrCat("at the rate of its first second this search takes ",
                     DurationWords(seconds));
    if (wanted || seconds <= kMostUnasked) {
      Say(absl::StrCat(about,
                       "; Ctrl-C ends it with the points evaluated by then"));
      return absl::OkStatus();
    }
    return absl::ResourceExhaustedError(absl::StrCat(
        about,
        ". Nothing is written. --yes lets it run; --shard=I/N divides it among "
        "machines (docs/scale.md); `evolution` in the space finds most of the "
        "front from some ten thousand points"));
  };
}

absl::Status ReadShard(const std::string& text, SweepOptions* options) {
  if (text.empty()) return absl::OkStatus();
  const std::vector<std::string> halves = absl::StrSplit(text, '/');
  if (halves.size() == 2 && absl::SimpleAtoi(halves[0], &options->shard) &&
      absl::SimpleAtoi(halves[1], &options->shards) && options->shard >= 0 &&
      options->shard < options->shards && options->shards <= kMostShards) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--shard: expected I/N with I from 0 to N - 1, e.g. 0/8, found \"",
      Printable(text), "\""));
}

absl::StatusOr<SweepOptions> ReadOptions(const ParsedFlags& flags) {
  SweepOptions options;
  const absl::Status status = ReadShard(flags.Get("shard", ""), &options);
  if (!status.ok()) return status;
  const std::string threads = flags.Get("threads", "");
  if (!threads.empty() && (!absl::SimpleAtoi(threads, &options.threads) ||
                           options.threads < 1 || options.threads > 4096)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--threads: expected 1 to 4096, found \"", Printable(threads), "\""));
  }
  absl::StatusOr<int> dominated = ReadDominated(flags);
  if (!dominated.ok()) return dominated.status();
  options.dominated = *dominated;
  options.interrupted = &interrupted;
  options.forecast = ForecastFor(flags, options);
  return options;
}

using Search = absl::StatusOr<SweepStudy> (*)(const Space&,
                                              const SweepOptions&);

// Prints the report of one point and the command that repeats it.
int ShowPoint(const ParsedFlags& flags, OutputFormat format,
              const Space& space) {
  const std::string text = flags.Get("point", "");
  uint64_t id = 0;
  if (space.points == 0) {
    return Fail(absl::InvalidArgumentError(
                    "--point: the space has more points than can be numbered; "
                    "the answer's JSON has the command of each on the front"),
                kExitUsage);
  }
  if (!absl::SimpleAtoi(text, &id) || id >= space.points) {
    return Fail(absl::InvalidArgumentError(absl::StrCat(
                    "--point: expected a number below ", space.points,
                    ", found \"", Printable(text), "\"")),
                kExitUsage);
  }
  const Choices choices = ChoicesOf(space, id);
  absl::StatusOr<Setup> setup = SetupAt(space, choices);
  if (!setup.ok()) return Fail(setup.status(), kExitBadData);
  absl::StatusOr<Report> report = Analyze(*setup, kWithOperators);
  if (!report.ok()) return Fail(report.status(), kExitBadData);
  report->add_notes(absl::StrCat("the same: ", CommandFor(space, choices)));
  return WriteAnswer(flags, format, *report);
}

// Writes the page about a front. The search is not repeated.
int WritePage(const ParsedFlags& flags, const SweepStudy& study) {
  int exit_code = kExitOk;
  const absl::StatusOr<std::string> page =
      RegisteredPageWriter()("sweep", flags, ToJson(study), &exit_code);
  if (!page.ok()) return Fail(page.status(), exit_code);
  return WriteOutput(flags, page);
}

// Makes --out name FILE.partial instead of FILE, which an earlier search may have
// written completely. Returns words that say so.
std::string PutAside(ParsedFlags* flags) {
  const std::string out = flags->Get("out", "");
  if (out.empty() || !IsReplaced(out)) return "";
  const std::string partial = absl::StrCat(out, ".partial");
  flags->values["out"] = {partial};
  return absl::StrCat("; it is in ", PrintablePath(partial), ", and ",
                      PrintablePath(out), " is left as it was");
}

int Run(const ParsedFlags& flags, Search evolve) {
  const bool one_point = flags.Has("point");
  if (one_point && AsksForPage<SweepStudy>(flags)) {
    return Fail(absl::InvalidArgumentError(
                    "--format=html: a page is about a front; the page about one "
                    "point is written by the `analyze` command that a front's "
                    "JSON gives for it"),
                kExitUsage);
  }
  absl::StatusOr<OutputFormat> format =
      one_point ? ReadOutputFormat<Report>(flags)
                : ReadOutputFormat<SweepStudy>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  absl::StatusOr<SweepOptions> options = ReadOptions(flags);
  if (!options.ok()) return Fail(options.status(), kExitUsage);
  int exit_code = kExitOk;
  absl::StatusOr<Space> space = ReadSpace(flags, &exit_code);
  if (!space.ok()) return Fail(space.status(), exit_code);
  if (one_point) return ShowPoint(flags, *format, *space);
  for (const std::string& path : UnusedAxes(*space)) {
    GiveNotice(absl::StrCat("axis[", path,
                            "]: of the points that were tried no answer depends "
                            "on it: another field takes its place, or nothing "
                            "uses it"));
  }

  std::signal(SIGINT, Interrupt);
  Progress progress;
  if (isatty(STDERR_FILENO)) options->progress = std::ref(progress);
  const bool evolves = space->description.has_evolution();
  if (evolves && evolve == nullptr) {
    return Fail(
        absl::InvalidArgumentError(
            "the space asks for evolution, which this binary does not "
            "have: it needs pagmo, whose TBB has no static library. Use "
            "`tokenjoule sweep` of the binary that `./tools/bazel build "
            "//tools:tokenjoule` makes"),
        kExitBadData);
  }
  absl::StatusOr<SweepStudy> study =
      evolves ? evolve(*space, *options) : Sweep(*space, *options);
  if (absl::IsResourceExhausted(study.status())) {
    return Fail(study.status(), kExitUsage);
  }
  if (!study.ok()) return Fail(study.status(), kExitBadData);
  if (study->points() > 0 && study->invalid() == study->points()) {
    return Fail(
        absl::InvalidArgumentError(absl::StrCat(
            "every point is invalid: ", study->invalid_reasons(0).reason())),
        kExitBadData);
  }
  ParsedFlags where = flags;
  std::string aside;
  if (study->interrupted()) aside = PutAside(&where);
  exit_code = *format == OutputFormat::kHtml
                  ? WritePage(where, *study)
                  : WriteAnswer(where, *format, *study);
  if (!study->interrupted() || exit_code != kExitOk) return exit_code;
  Say(absl::StrCat(
      "interrupted: the answer is of the points evaluated by then", aside));
  return kExitInterrupted;
}

}  // namespace

std::vector<FlagSpec> SpaceFlags() {
  return {
      {"space", "NAME", "a name of `list spaces`, or a path to a textproto"},
      {"model", "NAME", "replaces the model of the space"},
      {"hardware", "NAME", "replaces the machine of the space"},
      {"set", "ROOT.PATH=VALUE",
       "replaces a field that all points share, e.g. scenario.batch=64; "
       "repeatable",
       true},
  };
}

absl::StatusOr<Space> ReadSpace(const ParsedFlags& flags, int* exit_code) {
  *exit_code = kExitUsage;
  if (flags.Get("space", "").empty()) {
    return absl::InvalidArgumentError(
        "--space is missing; `tokenjoule list spaces` shows the names; you may "
        "give a path instead of a name");
  }
  std::vector<std::string> changes;
  for (const char* name : {"model", "hardware"}) {
    if (flags.Has(name)) {
      changes.push_back(absl::StrCat(name, "=", flags.Get(name, "")));
    }
  }
  for (std::string& set : flags.GetAll("set")) {
    changes.push_back(std::move(set));
  }
  *exit_code = kExitBadData;
  return LoadSpace(flags.Get("space", ""), changes);
}

FlagSpec DominatedFlag() {
  return {"dominated", "N",
          "also report at most N dominated points, evenly spread (default 0)"};
}

absl::StatusOr<int> ReadDominated(const ParsedFlags& flags) {
  constexpr int kMost = 100'000;
  int dominated = 0;
  const std::string text = flags.Get("dominated", "0");
  if (absl::SimpleAtoi(text, &dominated) && dominated >= 0 &&
      dominated <= kMost) {
    return dominated;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--dominated: expected 0 to ", kMost, ", found \"",
                   Printable(text), "\""));
}

Command SweepCommand(Search evolve) {
  Command command;
  command.name = "sweep";
  command.summary = "the Pareto front of a design space";
  command.description =
      "Evaluates every point of a space (hw_specs/spaces/, or a file of your\n"
      "own; the schema is proto/space.proto) and prints the Pareto front: "
      "every\n"
      "non-dominated point.\n"
      "Figures: energy_per_token_j, step_time_s, time_per_token_s,\n"
      "tokens_per_s, power_w, energy_delay_j_s, dram_energy_share, "
      "stack_energy_share,\n"
      "memory_energy_share (whatever the memory is), stack_layers,\n"
      "power_density_w_per_cm2, stack_temperature_c (of memory on the logic),\n"
      "engine_tops_per_w,\n"
      "memory_used_bytes, memory_left_bytes, chips, area_mm2, cost_usd (of\n"
      "machines that describe their `silicon`), wear_per_year; snr_db for\n"
      "limits only. Of the model: parameters, active_parameters, "
      "aspect_ratio,\n"
      "and by scaling laws, where the scenario has `quality`, loss and\n"
      "effective_parameters (docs/studies/co-evolution.md).\n"
      "A space with `evolution` is searched by a seeded evolutionary "
      "algorithm\n"
      "instead: its axes may be continuous, and it finds most, not "
      "necessarily\n"
      "all, of the front.\n"
      "--format=sqlite writes a database with the tables study, axes,\n"
      "objectives, front, dominated, baseline and invalid_reasons; see\n"
      "docs/sweep.md.\n"
      "An interrupt (Ctrl-C) ends the search with the front of the points "
      "that\n"
      "were evaluated; the answer says so, --out=FILE becomes FILE.partial, and\n"
      "the exit code is 130. A search that would take more than an hour needs "
      "--yes\n"
      "or --shard.";
  command.examples =
      "  tokenjoule sweep --space=hbm-accelerator\n"
      "  tokenjoule sweep --space=hbm-accelerator --format=csv "
      "--out=front.csv\n"
      "  tokenjoule sweep --space=hbm-accelerator --format=sqlite "
      "--out=front.sqlite\n"
      "  tokenjoule sweep --space=hbm-accelerator --dominated=500 --format=svg "
      "--out=front.svg\n"
      "  tokenjoule sweep --space=hbm-accelerator --point=1234\n"
      "  tokenjoule sweep --space=co-evolution --hardware=lpddr5x-edge "
      "--set=scenario.batch=1\n"
      "  tokenjoule sweep --space=big.textproto --shard=3/8 --format=json "
      "--out=3.json\n"
      "  tokenjoule merge --space=big.textproto [0-7].json\n";
  command.flags = Concat(
      Concat(SpaceFlags(),
             {{"point", "ID", "report on one point of the space instead"},
              {"shard", "I/N",
               "search part I of N, from 0; `merge` combines the parts"},
              {"threads", "N", "threads (default: all processors)"},
              {"yes", "", "let a search run that takes more than an hour"},
              DominatedFlag()}),
      OutputFlags<SweepStudy>());
  command.run = [evolve](const ParsedFlags& flags) {
    return Run(flags, evolve);
  };
  return command;
}

}  // namespace tokenjoule
