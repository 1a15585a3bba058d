// Positions, directions, footprints and times of packed samples, in one pass.
#include <cstring>

#include "kernels.h"

namespace OMNIFIELD_ISA {

bool ray_points(const float* rays, int64_t ray_count, const float* t, const int64_t* ray, int64_t n,
                const RayPoints& out) {
  bool inside = true;
#pragma omp parallel for schedule(static) reduction(&& : inside)
  for (int64_t i = 0; i < n; ++i) {
    if (ray[i] < 0 || ray[i] >= ray_count) {
      inside = false;
      continue;
    }
    const float* r = rays + 8 * ray[i];
    for (int axis = 0; axis < 3; ++axis) {
      out.position[3 * i + axis] = r[axis] + t[i] * r[3 + axis];
      out.direction[3 * i + axis] = r[3 + axis];
    }
    out.footprint[i] = r[6] * t[i];
    out.time[i] = r[7];
  }
  return inside;
}

}  // namespace OMNIFIELD_ISA
