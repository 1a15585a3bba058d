// The real harmonics of one direction, up to a degree D: D² polynomials.
#pragma once

namespace OMNIFIELD_ISA {
namespace {

constexpr float k00 = 0.28209479177387814f;                                            // √(1/π)/2
constexpr float k1 = 0.48860251190291992f;                                             // √(3/π)/2
constexpr float k2 = 1.0925484305920792f, k20 = 0.31539156525252005f;                  // √(15/π)/2, √(5/π)/4
constexpr float k22 = 0.54627421529603959f;                                            // √(15/π)/4
constexpr float k33 = 0.59004358992664352f, k3xyz = 2.8906114426405538f;               // √(35/2π)/4, √(105/π)/2
constexpr float k31 = 0.45704579946446577f, k30 = 0.3731763325901154f;                 // √(21/2π)/4, √(7/π)/4
constexpr float k32 = 1.4453057213202769f;                                             // √(105/π)/4

template <int D>
[[gnu::always_inline]] inline void harmonics_of(const float* direction, float* h) {
  const float x = direction[0], y = direction[1], z = direction[2];
  const float xx = x * x, yy = y * y, zz = z * z;
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

}  // namespace
}  // namespace OMNIFIELD_ISA
