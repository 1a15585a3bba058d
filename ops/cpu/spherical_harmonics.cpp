// Spherical harmonics: the polynomials of spherical_harmonics.py, and their derivatives.
#include "harmonics.h"
#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int64_t kPiece = 1024;  // directions of a task

template <int D>
void forward(const float* directions, int64_t n, float* harmonics) {
  share_ranges(n, kPiece, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) harmonics_of<D>(directions + 3 * s, harmonics + s * D * D);
  });
}

template <int D>
void backward(const float* directions, int64_t n, const float* grad_harmonics, float* grad_directions) {
  share_ranges(n, kPiece, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      const float x = directions[3 * s], y = directions[3 * s + 1], z = directions[3 * s + 2];
      const float* g = grad_harmonics + s * D * D;
      float gx = 0, gy = 0, gz = 0;
      if constexpr (D > 1) {
        gx = -k1 * g[3], gy = -k1 * g[1], gz = k1 * g[2];
      }
      if constexpr (D > 2) {
        gx += k2 * (y * g[4] - z * g[7]) + 2 * k22 * x * g[8];
        gy += k2 * (x * g[4] - z * g[5]) - 2 * k22 * y * g[8];
        gz += 6 * k20 * z * g[6] - k2 * (y * g[5] + x * g[7]);
      }
      if constexpr (D > 3) {
        const float xx = x * x, yy = y * y, zz = z * z, xy = x * y, yz = y * z, xz = x * z;
        const float ring = k31 * (1 - 5 * zz), petals = 3 * k33 * (yy - xx);
        gx += -6 * k33 * xy * g[9] + k3xyz * yz * g[10] + ring * g[13] + 2 * k32 * xz * g[14] + petals * g[15];
        gy += petals * g[9] + k3xyz * xz * g[10] + ring * g[11] - 2 * k32 * yz * g[14] + 6 * k33 * xy * g[15];
        gz += k3xyz * xy * g[10] - 10 * k31 * (yz * g[11] + xz * g[13]) + k30 * (15 * zz - 3) * g[12] +
              k32 * (xx - yy) * g[14];
      }
      grad_directions[3 * s] = gx, grad_directions[3 * s + 1] = gy, grad_directions[3 * s + 2] = gz;
    }
  });
}

}  // namespace

#define FOR_DEGREE(function, ...)              \
  switch (degree) {                            \
    case 1: return function<1>(__VA_ARGS__);   \
    case 2: return function<2>(__VA_ARGS__);   \
    case 3: return function<3>(__VA_ARGS__);   \
    case 4: return function<4>(__VA_ARGS__);   \
  }

void spherical_harmonics_forward(int degree, const float* directions, int64_t n, float* harmonics) {
  FOR_DEGREE(forward, directions, n, harmonics)
}

void spherical_harmonics_backward(int degree, const float* directions, int64_t n, const float* grad_harmonics,
                                  float* grad_directions) {
  FOR_DEGREE(backward, directions, n, grad_harmonics, grad_directions)
}

}  // namespace OMNIFIELD_ISA
