// From the world into the unit cube: see unit_positions.py.
#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int64_t kPoints = 2048;  // of a task

// 1 where all is within the box; the comparisons pass over NaN, and what is NaN stays NaN.
inline float contraction(const float (&x)[3]) {
  float norm = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const float size = x[axis] < 0 ? -x[axis] : x[axis];
    norm = size > norm ? size : norm;
  }
  return (2 - 1 / norm) / norm;
}

}  // namespace

void unit_positions(const WorldBox& box, const float* position, int64_t n, float* unit) {
  share_ranges(n, kPoints, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      float x[3];
      for (int axis = 0; axis < 3; ++axis) x[axis] = (position[3 * i + axis] - box.lo[axis]) * box.inverse_size[axis];
      if (box.contracted) {
        for (float& each : x) each = each * 2 - 1;
        const float scale = contraction(x);
        for (float& each : x) each = (each * scale + 2) * 0.25f;
      }
      for (int axis = 0; axis < 3; ++axis) unit[3 * i + axis] = x[axis];
    }
  });
}

}  // namespace OMNIFIELD_ISA
