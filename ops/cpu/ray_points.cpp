// Positions, directions, footprints and times of packed samples, in one pass.
#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {

bool ray_points(const float* rays, int64_t ray_count, const float* t, const int64_t* ray, int64_t n,
                const RayPoints& out) {
  constexpr int64_t kPiece = 4096;
  bool outside = false;
  share_ranges(n, kPiece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (ray[i] < 0 || ray[i] >= ray_count) {
        __atomic_store_n(&outside, true, __ATOMIC_RELAXED);
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
  });
  return !outside;
}

}  // namespace OMNIFIELD_ISA
