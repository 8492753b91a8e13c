// A number that records which inputs it was computed from. A machine built with
// this type shows which of its numbers depend on which constants of the
// description, exactly and without trying values. Conditions passed to Select
// (units.h) are recorded as well; any other branch on a value does not compile.

#ifndef ANALYZER_MACHINE_TRACED_H_
#define ANALYZER_MACHINE_TRACED_H_

#include <cmath>
#include <cstdint>

#include "analyzer/units/units.h"

namespace tokenjoule {

struct Traced {
  Traced() = default;
  // A number that depends on none of the inputs.
  Traced(double v) : value(v) {}  // NOLINT: formulas say 2.0 * x
  Traced(double v, uint64_t bits) : value(v), inputs(bits) {}

  double value = 0;
  // The inputs that it depends on, one bit each.
  uint64_t inputs = 0;

  // Result of a comparison. It is not a bool, so that no formula can branch on
  // a value without being recorded.
  struct Condition {
    bool holds;
    uint64_t inputs;

    Condition operator!() const { return {!holds, inputs}; }
  };

  Traced& operator+=(const Traced& other) { return *this = *this + other; }
  Traced& operator-=(const Traced& other) { return *this = *this - other; }
  friend Traced operator+(const Traced& a, const Traced& b) {
    return {a.value + b.value, a.inputs | b.inputs};
  }
  friend Traced operator-(const Traced& a, const Traced& b) {
    return {a.value - b.value, a.inputs | b.inputs};
  }
  friend Traced operator*(const Traced& a, const Traced& b) {
    return {a.value * b.value, a.inputs | b.inputs};
  }
  friend Traced operator/(const Traced& a, const Traced& b) {
    return {a.value / b.value, a.inputs | b.inputs};
  }
  friend Traced operator-(const Traced& a) { return {-a.value, a.inputs}; }
  friend Condition operator<(const Traced& a, const Traced& b) {
    return {a.value < b.value, a.inputs | b.inputs};
  }
};

inline Traced SelectNumber(const Traced::Condition& condition,
                           const Traced& yes, const Traced& no) {
  return {condition.holds ? yes.value : no.value,
          condition.inputs | yes.inputs | no.inputs};
}

// Dependence of structure on an input shows in the numbers that result from it.
inline Agreement Agree(const Traced::Condition& condition) {
  return {condition.holds, true};
}

// Work is never left out, so that what it would read is recorded.
inline bool MayHold(const Traced::Condition&) { return true; }

inline Traced exp(const Traced& a) { return {std::exp(a.value), a.inputs}; }
inline Traced floor(const Traced& a) { return {std::floor(a.value), a.inputs}; }
inline Traced ceil(const Traced& a) { return {std::ceil(a.value), a.inputs}; }
inline Traced sqrt(const Traced& a) { return {std::sqrt(a.value), a.inputs}; }
inline Traced log(const Traced& a) { return {std::log(a.value), a.inputs}; }
inline Traced pow(const Traced& a, const Traced& b) {
  return {std::pow(a.value, b.value), a.inputs | b.inputs};
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_TRACED_H_
