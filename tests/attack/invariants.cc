#include "tests/attack/invariants.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "analyzer/base/utf8.h"
#include "analyzer/evaluate/analyze.h"
#include "analyzer/report/report.h"
#include "analyzer/report/svg_check.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// Sums of a hundred terms in double precision.
constexpr double kRounding = 1e-9;

// Numbers that may be below 0.
bool MayBeNegative(const FieldDescriptor& field) {
  return field.name() == "snr_db" || field.name() == "change_j" ||
         field.name() == "temperature_c";
}

// Calls `visit(path, field, value)` for each number of a message and of those
// below it.
template <typename Visit>
void ForEachNumber(const Message& message, const std::string& prefix,
                   Visit&& visit) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string path = absl::StrCat(prefix, field->name());
    if (field->message_type() != nullptr) {
      if (!field->is_repeated()) {
        ForEachNumber(reflection.GetMessage(message, field),
                      absl::StrCat(path, "."), visit);
        continue;
      }
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        ForEachNumber(reflection.GetRepeatedMessage(message, field, i),
                      absl::StrCat(path, "[", i, "]."), visit);
      }
      continue;
    }
    if (field->is_repeated()) continue;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      visit(path, *field, reflection.GetDouble(message, field));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
      visit(path, *field, reflection.GetInt32(message, field));
    }
  }
}

void CheckNumbers(const Report& report, std::vector<std::string>* broken) {
  ForEachNumber(report, "",
                [&](const std::string& path, const FieldDescriptor& field,
                    double value) {
                  if (!std::isfinite(value) ||
                      (value < 0 && !MayBeNegative(field)) ||
                      (value == 0 && std::signbit(value))) {
                    broken->push_back(absl::StrCat(path, " is ", value));
                  } else if (absl::EndsWith(field.name(), "share") &&
                             value > 1 + kRounding) {
                    broken->push_back(
                        absl::StrCat(path, " is a share of ", value));
                  }
                });
}

// A number with fields for the ends of its range.
void CheckRanges(const Message& message, const std::string& prefix,
                 std::vector<std::string>* broken) {
  const Reflection& reflection = *message.GetReflection();
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->message_type() != nullptr) {
      for (int k = 0;
           field->is_repeated() && k < reflection.FieldSize(message, field);
           ++k) {
        CheckRanges(reflection.GetRepeatedMessage(message, field, k),
                    absl::StrCat(prefix, field->name(), "[", k, "]."), broken);
      }
      if (!field->is_repeated() && reflection.HasField(message, field)) {
        CheckRanges(reflection.GetMessage(message, field),
                    absl::StrCat(prefix, field->name(), "."), broken);
      }
      continue;
    }
    const auto* low = type.FindFieldByName(absl::StrCat(field->name(), "_low"));
    const auto* high =
        type.FindFieldByName(absl::StrCat(field->name(), "_high"));
    if (low == nullptr || high == nullptr ||
        field->cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE) {
      continue;
    }
    const double value = reflection.GetDouble(message, field);
    const double from = reflection.GetDouble(message, low);
    const double to = reflection.GetDouble(message, high);
    // Answers without ranges have 0 at both ends.
    if (from == 0 && to == 0) continue;
    if (from <= value * (1 + kRounding) && value <= to * (1 + kRounding)) {
      continue;
    }
    broken->push_back(absl::StrFormat("%s%s is %g, outside of %g to %g", prefix,
                                      std::string(field->name()), value, from,
                                      to));
  }
}

void CheckSums(const Report& report, std::vector<std::string>* broken) {
  const double total = report.energy_per_token_j();
  double terms = 0, causes = 0;
  for (const EnergyTerm& term : report.energy_terms()) {
    terms += term.energy_per_token_j();
  }
  for (const EnergyCause& cause : report.energy_causes()) {
    causes += cause.energy_per_token_j();
  }
  for (const auto& [name, sum] :
       {std::make_pair("terms", terms), std::make_pair("causes", causes)}) {
    if (std::abs(sum - total) <= kRounding * total) continue;
    broken->push_back(
        absl::StrFormat("%s sum to %.17g, not to %.17g", name, sum, total));
  }
  double inner = 0;
  for (const BoundaryEnergy& boundary : report.energy_by_boundary()) {
    if (boundary.energy_per_token_j() < inner * (1 - kRounding)) {
      broken->push_back(absl::StrCat("the boundary ", boundary.boundary(),
                                     " holds less than the one inside it"));
    }
    inner = boundary.energy_per_token_j();
    if (boundary.boundary() == report.scenario().boundary() &&
        std::abs(inner - total) > kRounding * total) {
      broken->push_back("the energy is not that of its boundary");
    }
  }
}

void CheckFits(const Report& report, std::vector<std::string>* broken) {
  if (report.fits() == (report.scenario().batch() <= report.max_batch())) {
    return;
  }
  broken->push_back(absl::StrFormat(
      "batch %g %s, but the largest that fits is %d", report.scenario().batch(),
      report.fits() ? "fits" : "does not fit", report.max_batch()));
}

void CheckJson(const Report& report, std::vector<std::string>* broken) {
  Report read;
  const absl::Status status = FromJson(ToJson(report), &read);
  if (!status.ok()) {
    broken->push_back(absl::StrCat("JSON: ", status.message()));
  } else if (ToJson(read) != ToJson(report)) {
    broken->push_back("JSON reads back as another message");
  }
}

// The constants of a machine with such names.
void FindConstants(bool (*is_wanted)(absl::string_view name), Message* message,
                   std::vector<Constant*>* found) {
  const Reflection& reflection = *message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->message_type() == nullptr) continue;
    if (field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
        FindConstants(is_wanted,
                      reflection.MutableRepeatedMessage(message, field, i),
                      found);
      }
      continue;
    }
    Message* below = reflection.MutableMessage(message, field);
    if (field->message_type() != Constant::descriptor()) {
      FindConstants(is_wanted, below, found);
      continue;
    }
    if (is_wanted(field->name())) found->push_back(static_cast<Constant*>(below));
  }
}

// What costs energy by itself: per access, per operation, or all the time.
bool IsCost(absl::string_view name) {
  return absl::StartsWith(name, "energy_pj") ||
         absl::StrContains(name, "_energy_pj") ||
         name == "host_power_w_per_chip" ||
         absl::StartsWith(name, "background_power_w") ||
         absl::StartsWith(name, "refresh_power_w");
}

// What there may be more of without any step taking longer.
bool IsSpeed(absl::string_view name) {
  return name == "bandwidth_gb_per_s" || name == "peak_tflops" ||
         name == "capacity_gb";
}

// Sets a constant to 1.5 times its value.
void Raise(Constant* constant) {
  constant->set_value(constant->value() * 1.5);
  if (constant->high() < constant->value()) constant->set_high(constant->value());
}

}  // namespace

std::vector<std::string> BrokenBy(const Report& report) {
  std::vector<std::string> broken;
  CheckNumbers(report, &broken);
  CheckRanges(report, "", &broken);
  CheckSums(report, &broken);
  CheckFits(report, &broken);
  CheckJson(report, &broken);
  return broken;
}

std::vector<std::string> BrokenByVariants(const Setup& setup,
                                          const Report& report) {
  std::vector<std::string> broken;
  const absl::StatusOr<Report> again = Analyze(setup, kWithOperators);
  if (!again.ok() || ToJson(*again) != ToJson(report)) {
    broken.push_back("the same question has another answer");
  }
  Setup ideal = setup;
  ideal.scenario.set_ideal(true);
  const absl::StatusOr<Report> bound = Analyze(ideal, kFiguresOnly);
  if (bound.ok() && report.step_time_s() > 0 &&
      bound->step_time_s() > report.step_time_s() * (1 + kRounding)) {
    broken.push_back(absl::StrFormat("the ideal step takes %g s, the real one %g",
                                     bound->step_time_s(),
                                     report.step_time_s()));
  }
  return broken;
}

std::vector<std::string> BrokenByDearer(const Setup& setup,
                                        const Report& report,
                                        unsigned long long draw) {
  Setup dearer = setup;
  std::vector<Constant*> costs;
  FindConstants(IsCost, &dearer.hardware, &costs);
  if (costs.empty()) return {};
  Constant& cost = *costs[draw % costs.size()];
  Raise(&cost);
  const absl::StatusOr<Report> now = Analyze(dearer, kFiguresOnly);
  // At a power limit a dearer access lowers the clock, and with it the voltage. Of
  // several machines the report has the clock of the first alone.
  if (setup.hardware.stage_size() > 0 || setup.hardware.has_host()) return {};
  if (!now.ok() || now->core_clock_mhz() != report.core_clock_mhz()) return {};
  if (now->energy_per_token_j() >=
      report.energy_per_token_j() * (1 - kRounding)) {
    return {};
  }
  return {absl::StrFormat(
      "a cost of %g instead of %g (%s) lowers the energy from %g to %g J",
      cost.value(), cost.value() / 1.5, cost.source(),
      report.energy_per_token_j(), now->energy_per_token_j())};
}

std::vector<std::string> BrokenByFaster(const Setup& setup,
                                        unsigned long long draw) {
  // A pipeline divides its layers anew, by capacity.
  if (setup.hardware.stage_size() > 0 || setup.hardware.has_host()) return {};
  // What takes less time takes more power, which a limit stretches the step for.
  Setup before = setup;
  before.hardware.mutable_board()->clear_power_cap_w();
  before.hardware.mutable_board()->clear_set_power_cap_w();
  Setup after = before;
  std::vector<Constant*> speeds;
  FindConstants(IsSpeed, &after.hardware, &speeds);
  if (speeds.empty()) return {};
  Constant& speed = *speeds[draw % speeds.size()];
  Raise(&speed);
  const absl::StatusOr<Report> was = Analyze(before, kFiguresOnly);
  const absl::StatusOr<Report> is = Analyze(after, kFiguresOnly);
  if (!was.ok() || !is.ok()) return {};
  const std::string raised = absl::StrFormat(
      "%g instead of %g (%s)", speed.value(), speed.value() / 1.5, speed.source());
  std::vector<std::string> broken;
  if (is->step_time_s() > was->step_time_s() * (1 + kRounding)) {
    broken.push_back(absl::StrFormat("%s lengthens the step from %g to %g s",
                                     raised, was->step_time_s(),
                                     is->step_time_s()));
  }
  if (is->max_batch() < was->max_batch()) {
    broken.push_back(absl::StrFormat("%s lowers the largest batch from %d to %d",
                                     raised, was->max_batch(), is->max_batch()));
  }
  return broken;
}

std::vector<std::string> BrokenByNumbers(const Message& message) {
  std::vector<std::string> broken;
  ForEachNumber(
      message, "",
      [&](const std::string& path, const FieldDescriptor&, double value) {
        if (std::isfinite(value)) return;
        broken.push_back(absl::StrCat(path, " is ", value));
      });
  return broken;
}

std::vector<std::string> BrokenByRefusal(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kInvalidArgument) {
    return {absl::StrCat("is refused as ", status.ToString())};
  }
  if (status.message().size() < 10) {
    return {absl::StrCat("is refused with \"", status.message(), "\"")};
  }
  return {};
}

std::vector<std::string> BrokenByCharacters(absl::string_view what,
                                            absl::string_view text,
                                            Reader reader) {
  const absl::string_view whole = text;
  while (!text.empty()) {
    const size_t place = whole.size() - text.size();
    const uint32_t character = TakeCharacter(&text);
    if (character == kNoCharacter) {
      return {absl::StrCat(what, " is not UTF-8 at byte ", place)};
    }
    if ((character < 0x20 && character != '\n') ||
        (reader == Reader::kPerson && character >= 0x7f && character < 0xa0)) {
      return {absl::StrFormat("%s has the control character %#x at byte %d",
                              what, character, place)};
    }
  }
  return {};
}

std::vector<std::string> BrokenByWords(absl::string_view what,
                                       absl::string_view text) {
  std::vector<std::string> broken;
  for (const absl::string_view word : absl::StrSplit(
           text, absl::ByAnyChar(" \n\"(),;:"), absl::SkipEmpty())) {
    for (const char* none : {"nan", "-nan", "inf", "-inf", "-0"}) {
      if (word != none) continue;
      broken.push_back(absl::StrCat(what, " has \"", word, "\""));
    }
  }
  return broken;
}

std::vector<std::string> BrokenByTexts(const Report& report) {
  const Writers<Report> writers = WritersOf<Report>();
  const std::string table =
      *Written(report, OutputFormat::kTable, {/*in_full=*/true});
  std::vector<std::string> broken = BrokenByCharacters("the table", table);
  const auto append = [&](const std::vector<std::string>& more) {
    broken.insert(broken.end(), more.begin(), more.end());
  };
  const std::string csv = writers.csv(report);
  append(BrokenByWords("the table", table));
  append(BrokenByWords("the CSV", csv));
  const Figure figure = writers.figure(report);
  append(FaultsOfSvg(ToSvg(figure)));
  append(BrokenByCharacters("the Vega-Lite chart", ToVega(figure),
                            Reader::kProgram));
  return broken;
}

}  // namespace tokenjoule
