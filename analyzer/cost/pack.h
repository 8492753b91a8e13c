// A number type that holds several numbers, so that the cost kernel evaluates
// several machines at once. It uses the compiler's vector extensions, which
// work on every target, instead of the intrinsics of one; functions cloned for
// newer targets (see pack_kernel.cc) use their wider registers.

#ifndef ANALYZER_COST_PACK_H_
#define ANALYZER_COST_PACK_H_

#include <cmath>
#include <cstdint>
#include <cstring>

#include "analyzer/units/units.h"

namespace tokenjoule {

// Aligned for the widest registers; a baseline target would align it only for
// its own.
struct alignas(64) Pack {
  static constexpr int kLanes = 8;
  typedef double Vector __attribute__((vector_size(kLanes * sizeof(double))));
  // Result of a comparison: all bits of a lane set, or none.
  typedef int64_t Mask __attribute__((vector_size(kLanes * sizeof(double))));

  Pack() = default;
  // Sets every lane to the same value. Implicit, so that formulas can say 2.0 *
  // x for every number type.
  Pack(double v)  // NOLINT
      : value{v, v, v, v, v, v, v, v} {}
  explicit Pack(const Vector& v) : value(v) {}

  double operator[](int lane) const { return value[lane]; }

  Pack& operator+=(const Pack& other) {
    value += other.value;
    return *this;
  }
  Pack& operator-=(const Pack& other) {
    value -= other.value;
    return *this;
  }
  friend Pack operator+(const Pack& a, const Pack& b) {
    return Pack(a.value + b.value);
  }
  friend Pack operator-(const Pack& a, const Pack& b) {
    return Pack(a.value - b.value);
  }
  friend Pack operator*(const Pack& a, const Pack& b) {
    return Pack(a.value * b.value);
  }
  friend Pack operator/(const Pack& a, const Pack& b) {
    return Pack(a.value / b.value);
  }
  friend Pack operator-(const Pack& a) { return Pack(-a.value); }
  // Result of comparing two packs; a separate type, so that Select and Agree
  // find it.
  struct Condition {
    Mask lanes;

    Condition operator!() const { return {~lanes}; }
  };
  friend Condition operator<(const Pack& a, const Pack& b) {
    return {a.value < b.value};
  }

  Vector value;
};

// See Select of units.h.
inline Pack SelectNumber(const Pack::Condition& condition, const Pack& yes,
                         const Pack& no) {
  return Pack(condition.lanes ? yes.value : no.value);
}

// See Agreement of units.h; `holds` is the value of the first lane.
inline Agreement Agree(const Pack::Condition& condition) {
  Agreement agreement = {condition.lanes[0] != 0, true};
  for (int lane = 1; lane < Pack::kLanes; ++lane) {
    agreement.uniform &= (condition.lanes[lane] != 0) == agreement.holds;
  }
  return agreement;
}

// See MayHold of units.h.
inline bool MayHold(const Pack::Condition& condition) {
  bool any = false;
  for (int lane = 0; lane < Pack::kLanes; ++lane) {
    any |= condition.lanes[lane] != 0;
  }
  return any;
}

namespace pack_internal {

// Whether all lanes have the same bits.
inline bool IsSame(const Pack& a) {
  const Pack first(a.value[0]);
  // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): doubles without padding.
  return std::memcmp(&a.value, &first.value, sizeof(a.value)) == 0;
}

// A function takes longer than to see that it has to be called once.
template <typename Function>
Pack EachLane(const Pack& a, const Function& function) {
  if (IsSame(a)) return Pack(function(a.value[0]));
  Pack out;
  for (int lane = 0; lane < Pack::kLanes; ++lane) {
    out.value[lane] = function(a.value[lane]);
  }
  return out;
}

}  // namespace pack_internal

// Functions of <cmath>, lane by lane, with the same bits as for single numbers.
inline Pack exp(const Pack& a) {
  return pack_internal::EachLane(a, [](double x) { return std::exp(x); });
}
inline Pack log(const Pack& a) {
  return pack_internal::EachLane(a, [](double x) { return std::log(x); });
}
inline Pack sqrt(const Pack& a) {
  return pack_internal::EachLane(a, [](double x) { return std::sqrt(x); });
}
inline Pack floor(const Pack& a) {
  return pack_internal::EachLane(a, [](double x) { return std::floor(x); });
}
inline Pack ceil(const Pack& a) {
  return pack_internal::EachLane(a, [](double x) { return std::ceil(x); });
}
inline Pack pow(const Pack& a, const Pack& b) {
  Pack out;
  for (int lane = 0; lane < Pack::kLanes; ++lane) {
    out.value[lane] = std::pow(a.value[lane], b.value[lane]);
  }
  return out;
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_PACK_H_
