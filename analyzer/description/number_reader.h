// How the engine reads numbers from descriptions: as plain doubles for an
// answer, with one number moved for a range, or as dual numbers seeded in one
// number for a derivative. Ledger and machine use this interface, so that every
// number of a description can vary without a second formula.
//
// A reader for number type N has two calls:
//   N operator()(const google::protobuf::Message& m, int field_number) const;
//     a double, int32 or int64 field;
//   N operator()(const Constant& c) const;
//     a physical constant; one that is not set reads as 0.

#ifndef ANALYZER_DESCRIPTION_NUMBER_READER_H_
#define ANALYZER_DESCRIPTION_NUMBER_READER_H_

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/constant.pb.h"

namespace tokenjoule {

// The value of a numeric field.
inline double FieldValue(const google::protobuf::Message& message,
                         int field_number) {
  using ::google::protobuf::FieldDescriptor;
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByNumber(field_number);
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(message, field);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(reflection->GetInt64(message, field));
    default:
      return reflection->GetDouble(message, field);
  }
}

// Reads every number as described.
struct ValueReader {
  double operator()(const google::protobuf::Message& message,
                    int field_number) const {
    return FieldValue(message, field_number);
  }
  double operator()(const Constant& constant) const { return constant.value(); }
};

// Reads every number as described, except one constant.
struct MovedReader {
  const Constant* moved;
  double value;

  double operator()(const google::protobuf::Message& message,
                    int field_number) const {
    return FieldValue(message, field_number);
  }
  double operator()(const Constant& constant) const {
    return &constant == moved ? value : constant.value();
  }
};

// Replaces some numbers by values of number type T and reads all others as
// described.
template <typename T>
class ReplacingReader {
 public:
  void Replace(const Constant& constant, const T& value) {
    replaced_[{&constant, 0}] = value;
  }
  void Replace(const google::protobuf::Message& message, int field_number,
               const T& value) {
    replaced_[{&message, field_number}] = value;
  }

  T operator()(const google::protobuf::Message& message,
               int field_number) const {
    const auto found = replaced_.find({&message, field_number});
    return found == replaced_.end() ? T(FieldValue(message, field_number))
                                    : found->second;
  }
  T operator()(const Constant& constant) const {
    const auto found = replaced_.find({&constant, 0});
    return found == replaced_.end() ? T(constant.value()) : found->second;
  }

 private:
  // Keyed by message and field; a Constant is a message of its own.
  absl::flat_hash_map<std::pair<const void*, int>, T> replaced_;
};

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_NUMBER_READER_H_
