// Spherical harmonics: the polynomials of spherical_harmonics.py, and their derivatives.
#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr float k00 = 0.28209479177387814f;                                            // √(1/π)/2
constexpr float k1 = 0.48860251190291992f;                                             // √(3/π)/2
constexpr float k2 = 1.0925484305920792f, k20 = 0.31539156525252005f;                  // √(15/π)/2, √(5/π)/4
constexpr float k22 = 0.54627421529603959f;                                            // √(15/π)/4
constexpr float k33 = 0.59004358992664352f, k3xyz = 2.8906114426405538f;               // √(35/2π)/4, √(105/π)/2
constexpr float k31 = 0.45704579946446577f, k30 = 0.3731763325901154f;                 // √(21/2π)/4, √(7/π)/4
constexpr float k32 = 1.4453057213202769f;                                             // √(105/π)/4

constexpr int64_t kPiece = 1024;  // directions of a task

template <int D>
void forward(const float* directions, int64_t n, float* harmonics) {
  share_ranges(n, kPiece, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      const float x = directions[3 * s], y = directions[3 * s + 1], z = directions[3 * s + 2];
      const float xx = x * x, yy = y * y, zz = z * z;
      float* h = harmonics + s * D * D;
      h[0] = k00;
      if constexpr (D > 1) {
        h[1] = -k1 * y, h[2] = k1 * z, h[3] = -k1 * x;
      }
      if constexpr (D > 2) {
        h[4] = k2 * x * y, h[5] = -k2 * y * z, h[6] = k20 * (3 * zz - 1), h[7] = -k2 * x * z, h[8] = k22 * (xx - yy);
      }
      if constexpr (D > 3) {
        h[9] = k33 * y * (yy - 3 * xx), h[10] = k3xyz * x * y * z, h[11] = k31 * y * (1 - 5 * zz);
        h[12] = k30 * z * (5 * zz - 3);
        h[13] = k31 * x * (1 - 5 * zz), h[14] = k32 * z * (xx - yy), h[15] = k33 * x * (3 * yy - xx);
      }
    }
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
