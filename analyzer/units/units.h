// Physical quantities as types, so that Bytes / Duration is a DataRate and a
// wrong mix does not compile.
//
// A quantity has four exponents (bytes, FLOP, seconds, joules) and a
// representation: double for an answer, a dual number for an exact derivative,
// a SIMD pack for a sweep. It is as large and as fast as its representation.
//
//   Data<> weights = Gigabytes(16.06);
//   Duration<> t = weights / GigabytesPerSecond(3350);
//   double ms = InSeconds(t) * 1e3;
//
// Decimal prefixes throughout: a gigabyte is 1e9 bytes.

#ifndef ANALYZER_UNITS_UNITS_H_
#define ANALYZER_UNITS_UNITS_H_

#include <type_traits>

namespace tokenjoule {

template <int kBytes, int kFlop, int kSeconds, int kJoules,
          typename Rep = double>
class Quantity {
 public:
  // Zero.
  constexpr Quantity() : value_(0.0) {}

  // The value in the base unit (bytes^a FLOP^b s^c J^d). Prefer the named
  // factories and accessors below; generic code uses these two.
  static constexpr Quantity FromBase(Rep value) { return Quantity(value); }
  constexpr const Rep& base() const { return value_; }
  // Mutable access, for code that fills machines number by number.
  constexpr Rep& mutable_base() { return value_; }

  constexpr Quantity& operator+=(const Quantity& other) {
    value_ += other.value_;
    return *this;
  }
  constexpr Quantity& operator-=(const Quantity& other) {
    value_ -= other.value_;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, const Quantity& b) {
    return a += b;
  }
  friend constexpr Quantity operator-(Quantity a, const Quantity& b) {
    return a -= b;
  }
  friend constexpr Quantity operator*(const Quantity& a, const Rep& scale) {
    return Quantity(a.value_ * scale);
  }
  friend constexpr Quantity operator*(const Rep& scale, const Quantity& a) {
    return Quantity(scale * a.value_);
  }
  friend constexpr Quantity operator/(const Quantity& a, const Rep& scale) {
    return Quantity(a.value_ / scale);
  }
  // Return whatever the representation's comparison returns: a bool or a lane
  // mask.
  friend constexpr auto operator<(const Quantity& a, const Quantity& b) {
    return a.value_ < b.value_;
  }
  friend constexpr auto operator>(const Quantity& a, const Quantity& b) {
    return b < a;
  }
  friend constexpr auto operator<=(const Quantity& a, const Quantity& b) {
    return !(b < a);
  }
  friend constexpr auto operator>=(const Quantity& a, const Quantity& b) {
    return !(a < b);
  }
  friend constexpr auto operator==(const Quantity& a, const Quantity& b) {
    return a.value_ == b.value_;
  }

 private:
  explicit constexpr Quantity(Rep value) : value_(value) {}
  Rep value_;
};

namespace units_internal {

// A product or quotient of quantities; a plain number if all units cancel.
template <int kB, int kF, int kS, int kJ, typename Rep>
constexpr auto Make(Rep value) {
  if constexpr (kB == 0 && kF == 0 && kS == 0 && kJ == 0) {
    return value;
  } else {
    return Quantity<kB, kF, kS, kJ, Rep>::FromBase(value);
  }
}

}  // namespace units_internal

template <int b1, int f1, int s1, int j1, int b2, int f2, int s2, int j2,
          typename Rep>
constexpr auto operator*(const Quantity<b1, f1, s1, j1, Rep>& a,
                         const Quantity<b2, f2, s2, j2, Rep>& b) {
  return units_internal::Make<b1 + b2, f1 + f2, s1 + s2, j1 + j2, Rep>(
      a.base() * b.base());
}

template <int b1, int f1, int s1, int j1, int b2, int f2, int s2, int j2,
          typename Rep>
constexpr auto operator/(const Quantity<b1, f1, s1, j1, Rep>& a,
                         const Quantity<b2, f2, s2, j2, Rep>& b) {
  return units_internal::Make<b1 - b2, f1 - f2, s1 - s2, j1 - j2, Rep>(
      a.base() / b.base());
}

namespace units_internal {

template <typename T>
struct IsQuantity : std::false_type {};
template <int b, int f, int s, int j, typename Rep>
struct IsQuantity<Quantity<b, f, s, j, Rep>> : std::true_type {};

}  // namespace units_internal

// Returns `yes` where `condition` holds, `no` elsewhere. Formulas for every
// number type use this instead of `if`: a SIMD pack selects lane by lane, and a
// Traced number (machine/traced.h) also records the inputs of the condition.
// Such types overload SelectNumber for the result type of their comparison.
template <typename Condition, typename T>
constexpr T Select(const Condition& condition, const T& yes, const T& no) {
  if constexpr (std::is_same_v<Condition, bool>) {
    return condition ? yes : no;
  } else if constexpr (units_internal::IsQuantity<T>::value) {
    return T::FromBase(SelectNumber(condition, yes.base(), no.base()));
  } else {
    return SelectNumber(condition, yes, no);
  }
}

// The outcome of a condition that decides structure, which is the same for
// every number type: whether it holds, and whether all lanes of a SIMD pack
// agree on it. If they disagree, the caller must process the lanes one at a
// time.
struct Agreement {
  bool holds = false;
  bool uniform = true;
};
constexpr Agreement Agree(bool condition) { return {condition, true}; }

// Tests a condition on numbers that never vary from lane to lane.
template <typename Condition>
constexpr bool Holds(const Condition& condition) {
  return Agree(condition).holds;
}

// Whether a condition holds in any lane, for work that may be left out where it
// holds in none. Types overload it next to SelectNumber.
constexpr bool MayHold(bool condition) { return condition; }

// Copies a number or a quantity from one number type to another.
struct CopyNumber {
  template <typename From, typename To>
  void operator()(const From& from, To& to) const {
    if constexpr (units_internal::IsQuantity<From>::value) {
      using Rep = std::decay_t<decltype(to.base())>;
      to.mutable_base() = Rep(from.base());
    } else {
      to = To(from);
    }
  }
};

// The larger and the smaller of two values.
template <typename T>
constexpr T Max(const T& a, const T& b) {
  return Select(a < b, b, a);
}
template <typename T>
constexpr T Min(const T& a, const T& b) {
  return Select(b < a, b, a);
}

template <typename Rep = double>
using Data = Quantity<1, 0, 0, 0, Rep>;  // bytes
template <typename Rep = double>
using Work = Quantity<0, 1, 0, 0, Rep>;  // FLOP; a multiply-add is two
template <typename Rep = double>
using Duration = Quantity<0, 0, 1, 0, Rep>;  // seconds
template <typename Rep = double>
using Energy = Quantity<0, 0, 0, 1, Rep>;  // joules
template <typename Rep = double>
using Power = Quantity<0, 0, -1, 1, Rep>;  // watts
template <typename Rep = double>
using DataRate = Quantity<1, 0, -1, 0, Rep>;  // bytes/s
template <typename Rep = double>
using WorkRate = Quantity<0, 1, -1, 0, Rep>;  // FLOP/s
template <typename Rep = double>
using EnergyPerData = Quantity<-1, 0, 0, 1, Rep>;  // J/byte
template <typename Rep = double>
using EnergyPerWork = Quantity<0, -1, 0, 1, Rep>;  // J/FLOP
template <typename Rep = double>
using DurationPerData = Quantity<-1, 0, 1, 0, Rep>;  // s/byte
template <typename Rep = double>
using DurationPerWork = Quantity<0, -1, 1, 0, Rep>;  // s/FLOP
template <typename Rep = double>
using Intensity = Quantity<-1, 1, 0, 0, Rep>;  // FLOP/byte

// Factories, named after the unit of the argument.
template <typename Rep>
constexpr Data<Rep> Bytes(const Rep& v) {
  return Data<Rep>::FromBase(v);
}
template <typename Rep>
constexpr Data<Rep> Megabytes(const Rep& v) {
  return Data<Rep>::FromBase(v * Rep(1e6));
}
template <typename Rep>
constexpr Data<Rep> Gigabytes(const Rep& v) {
  return Data<Rep>::FromBase(v * Rep(1e9));
}
template <typename Rep>
constexpr Work<Rep> Flop(const Rep& v) {
  return Work<Rep>::FromBase(v);
}
template <typename Rep>
constexpr Duration<Rep> Seconds(const Rep& v) {
  return Duration<Rep>::FromBase(v);
}
template <typename Rep>
constexpr Duration<Rep> Microseconds(const Rep& v) {
  return Duration<Rep>::FromBase(v * Rep(1e-6));
}
template <typename Rep>
constexpr Energy<Rep> Joules(const Rep& v) {
  return Energy<Rep>::FromBase(v);
}
template <typename Rep>
constexpr Energy<Rep> Picojoules(const Rep& v) {
  return Energy<Rep>::FromBase(v * Rep(1e-12));
}
template <typename Rep>
constexpr Energy<Rep> Millijoules(const Rep& v) {
  return Energy<Rep>::FromBase(v * Rep(1e-3));
}
template <typename Rep>
constexpr Power<Rep> Watts(const Rep& v) {
  return Power<Rep>::FromBase(v);
}
template <typename Rep>
constexpr DataRate<Rep> GigabytesPerSecond(const Rep& v) {
  return DataRate<Rep>::FromBase(v * Rep(1e9));
}
template <typename Rep>
constexpr WorkRate<Rep> TeraflopPerSecond(const Rep& v) {
  return WorkRate<Rep>::FromBase(v * Rep(1e12));
}
template <typename Rep>
constexpr EnergyPerData<Rep> PicojoulesPerBit(const Rep& v) {
  return EnergyPerData<Rep>::FromBase(v * Rep(8e-12));
}
template <typename Rep>
constexpr EnergyPerWork<Rep> PicojoulesPerFlop(const Rep& v) {
  return EnergyPerWork<Rep>::FromBase(v * Rep(1e-12));
}

// Accessors, named after the unit of the result.
template <typename Rep>
constexpr const Rep& InBytes(const Data<Rep>& q) {
  return q.base();
}
template <typename Rep>
constexpr const Rep& InFlop(const Work<Rep>& q) {
  return q.base();
}
template <typename Rep>
constexpr const Rep& InSeconds(const Duration<Rep>& q) {
  return q.base();
}
template <typename Rep>
constexpr const Rep& InJoules(const Energy<Rep>& q) {
  return q.base();
}
template <typename Rep>
constexpr const Rep& InWatts(const Power<Rep>& q) {
  return q.base();
}
template <typename Rep>
constexpr const Rep& InFlopPerByte(const Intensity<Rep>& q) {
  return q.base();
}

}  // namespace tokenjoule

#endif  // ANALYZER_UNITS_UNITS_H_
