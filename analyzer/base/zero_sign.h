// Numbers that round to zero.

#ifndef ANALYZER_BASE_ZERO_SIGN_H_
#define ANALYZER_BASE_ZERO_SIGN_H_

#include <cstddef>
#include <string>

namespace tokenjoule {

// The text of a number, with what may follow it, without its sign if all of its
// digits are zeros: "-0.0" becomes "0.0", and "+0 %" becomes "0 %".
inline std::string WithoutSignOfZero(std::string number) {
  if (number.empty() || (number[0] != '-' && number[0] != '+')) return number;
  const size_t digit = number.find_first_not_of("0.", 1);
  const bool is_zero =
      number.size() > 1 && (number[1] == '0' || number[1] == '.') &&
      (digit == std::string::npos ||
       (number[digit] != 'e' && (number[digit] < '1' || number[digit] > '9')));
  if (is_zero) number.erase(0, 1);
  return number;
}

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_ZERO_SIGN_H_
