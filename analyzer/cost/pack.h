// A number type that holds several numbers: the cost kernel evaluates as many
// machines at once. Vector extensions of the compiler, which every target can
// lower, rather than intrinsics of one; a function that is cloned for newer
// targets (see sweep_kernel.cc) uses their registers.

#ifndef ANALYZER_COST_PACK_H_
#define ANALYZER_COST_PACK_H_

#include <cstdint>

#include "analyzer/units/units.h"

namespace tokenjoule {

// Aligned for the widest registers: a baseline target would align it for its
// own.
struct alignas(64) Pack {
  static constexpr int kLanes = 8;
  typedef double Vector __attribute__((vector_size(kLanes * sizeof(double))));
  // What comparing two gives: all bits of a lane, or none.
  typedef int64_t Mask __attribute__((vector_size(kLanes * sizeof(double))));

  Pack() = default;
  // Every lane the same.
  explicit Pack(double v) : value{v, v, v, v, v, v, v, v} {}
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

  Vector value;
};

// Lane by lane, as Max and Min of units.h are for one number.
inline Pack Max(const Pack& a, const Pack& b) {
  return Pack(a.value < b.value ? b.value : a.value);
}
inline Pack Min(const Pack& a, const Pack& b) {
  return Pack(b.value < a.value ? b.value : a.value);
}

template <int b, int f, int s, int j>
Quantity<b, f, s, j, Pack> Max(const Quantity<b, f, s, j, Pack>& x,
                               const Quantity<b, f, s, j, Pack>& y) {
  return Quantity<b, f, s, j, Pack>::FromBase(Max(x.base(), y.base()));
}
template <int b, int f, int s, int j>
Quantity<b, f, s, j, Pack> Min(const Quantity<b, f, s, j, Pack>& x,
                               const Quantity<b, f, s, j, Pack>& y) {
  return Quantity<b, f, s, j, Pack>::FromBase(Min(x.base(), y.base()));
}

}  // namespace tokenjoule

#endif  // ANALYZER_COST_PACK_H_
