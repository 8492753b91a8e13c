// Residuals whose derivatives the cost kernel itself gives, for Ceres.

#ifndef ANALYZER_FIT_AUTO_DIFF_H_
#define ANALYZER_FIT_AUTO_DIFF_H_

#include <vector>

#include "ceres/ceres.h"

namespace tokenjoule {

// The cost function of a functor, which it takes over, on parameter blocks of
// these sizes.
template <typename Functor>
ceres::CostFunction* AutoDiff(Functor* functor, const std::vector<int>& sizes,
                              int residuals) {
  auto* cost = new ceres::DynamicAutoDiffCostFunction<Functor, 8>(functor);
  for (const int size : sizes) cost->AddParameterBlock(size);
  cost->SetNumResiduals(residuals);
  return cost;
}

}  // namespace tokenjoule

#endif  // ANALYZER_FIT_AUTO_DIFF_H_
