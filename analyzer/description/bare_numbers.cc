#include "analyzer/description/bare_numbers.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/notices.h"
#include "google/protobuf/descriptor.h"
#include "proto/constant.pb.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// Id of the source of numbers that a file gives without one.
constexpr absl::string_view kNoSource = "no-source";

// Calls `visit` with every Constant below `message` that is set.
void ForEachMutableConstant(
    Message* message, const std::string& prefix,
    const std::function<void(const std::string& path, const Range& limits,
                             Constant* constant)>& visit) {
  const Reflection& reflection = *message->GetReflection();
  const Descriptor& type = *message->GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->message_type() == nullptr) continue;
    const std::string path = absl::StrCat(prefix, field->name());
    if (field->is_repeated()) {
      for (int k = 0; k < reflection.FieldSize(*message, field); ++k) {
        Message* entry = reflection.MutableRepeatedMessage(message, field, k);
        ForEachMutableConstant(
            entry, absl::StrCat(EntryPath(path, *entry, k), "."), visit);
      }
    } else if (reflection.HasField(*message, field)) {
      Message* child = reflection.MutableMessage(message, field);
      if (auto* constant =
              google::protobuf::DynamicCastToGenerated<Constant>(child)) {
        visit(path, field->options().GetExtension(range), constant);
      } else {
        ForEachMutableConstant(child, path + ".", visit);
      }
    }
  }
}

}  // namespace

BareNumbers FillBareNumbers(absl::string_view file, Message* message) {
  BareNumbers bare;
  bool lacks_source = false;
  ForEachMutableConstant(
      message, "",
      [&](const std::string& path, const Range&, Constant* constant) {
        // A placeholder that is not filled in yet is a fault of its own.
        if (!constant->has_value()) return;
        const bool is_told = !std::isnan(constant->value());
        if (!constant->has_low() && !constant->has_high()) {
          constant->set_low(constant->value());
          constant->set_high(constant->value());
          if (is_told) bare.without_range.push_back(path);
        }
        if (constant->source().empty()) {
          constant->set_source(std::string(kNoSource));
          if (is_told) bare.without_source.push_back(path);
          lacks_source = true;
        }
      });
  // A model must have sources; one without any cites the user's file.
  const Descriptor& type = *message->GetDescriptor();
  const FieldDescriptor* sources = type.FindFieldByName("sources");
  if (sources == nullptr || sources->message_type() != Source::descriptor()) {
    return bare;
  }
  const Reflection& reflection = *message->GetReflection();
  const FieldDescriptor* base = type.FindFieldByName("base");
  const bool needs_source =
      sources->options().GetExtension(range).required() &&
      reflection.FieldSize(*message, sources) == 0 &&
      (base == nullptr || reflection.GetString(*message, base).empty());
  if (!lacks_source && !needs_source) return bare;
  if (!lacks_source) bare.without_source.push_back("sources");
  auto* source = google::protobuf::DynamicCastToGenerated<Source>(
      reflection.AddMessage(message, sources));
  source->set_id(std::string(kNoSource));
  source->set_kind(Source::ASSUMPTION);
  source->set_citation(
      absl::StrCat("given without a source in ", PrintablePath(file)));
  source->set_date("now");
  return bare;
}

void FinishBareNumbers(absl::string_view file, const BareNumbers& bare,
                       const Message& base, Message* message) {
  if (bare.without_range.empty() && bare.without_source.empty()) return;
  std::map<std::string, Constant> of_base;
  ForEachConstant(base, [&](const std::string& path, const Constant& constant,
                            const auto&) { of_base[path] = constant; });
  std::vector<std::string> by_base, unknown, both, source_only;
  const std::set<std::string> ranges(bare.without_range.begin(),
                                     bare.without_range.end());
  const std::set<std::string> without_source(bare.without_source.begin(),
                                             bare.without_source.end());
  ForEachMutableConstant(
      message, "",
      [&](const std::string& path, const Range& limits, Constant* constant) {
        if (ranges.count(path) == 0) return;
        const auto found = of_base.find(path);
        const double value = constant->value();
        if (found == of_base.end() || !(found->second.value() > 0)) {
          unknown.push_back(path);
          return;
        }
        const Constant& known = found->second;
        by_base.push_back(path);
        constant->set_low(std::min(
            value,
            std::max(limits.min(), value * known.low() / known.value())));
        constant->set_high(std::max(
            value,
            std::min(limits.max(), value * known.high() / known.value())));
      });
  std::vector<std::string> lacks;
  std::vector<std::string> range_only;
  for (const std::string& path : bare.without_range) {
    (without_source.count(path) > 0 ? both : range_only).push_back(path);
  }
  for (const std::string& path : bare.without_source) {
    if (ranges.count(path) == 0) source_only.push_back(path);
  }
  const auto list = [&](absl::string_view what,
                        const std::vector<std::string>& paths) {
    if (paths.empty()) return;
    lacks.push_back(absl::StrCat(what, ": ", absl::StrJoin(paths, ", ")));
  };
  list("no range, no source", both);
  list("no range", range_only);
  list("no source", source_only);
  if (!by_base.empty()) {
    lacks.push_back(absl::StrCat("ranges as wide as the base's: ",
                                 absl::StrJoin(by_base, ", ")));
  }
  if (!unknown.empty()) {
    lacks.push_back(absl::StrCat("ranges of answers leave out ",
                                 unknown.size() == bare.without_range.size()
                                     ? std::string("these numbers")
                                     : absl::StrJoin(unknown, ", ")));
  }
  GiveNotice(
      absl::StrCat(PrintablePath(file), ": ", absl::StrJoin(lacks, "; ")));
}

}  // namespace tokenjoule
