// Requests and replies line by line, for programs that start the tool as a
// process of their own.

#ifndef TOOLS_SERVE_STDIO_H_
#define TOOLS_SERVE_STDIO_H_

#include <istream>
#include <ostream>

#include "tools/serve/answerer.h"

namespace tokenjoule {

// Answers each line of `in`, a request as Answerer::Answer(json) takes it, with
// one line on `out`, in the same order, until the end of `in` or until `out`
// cannot be written. Empty lines are passed over.
void ServeLines(const Answerer& answerer, std::istream& in, std::ostream& out);

}  // namespace tokenjoule

#endif  // TOOLS_SERVE_STDIO_H_
