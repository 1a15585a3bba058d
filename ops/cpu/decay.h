// e^{-x} and 1 − e^{-x} at once, both to a few units in the last place: light left and light taken by a depth x.
#pragma once
#include <cstdint>

namespace OMNIFIELD_ISA {

struct Decay {
  float left, taken;
};

// Written so that a loop over it becomes vectors: no branch, no call. NaN stays NaN, +inf gives {0, 1}.
[[gnu::always_inline]] inline Decay decay(float x) {
  constexpr float kRounder = 12582912.f;  // 1.5 · 2^23: adding it leaves the nearest integer in the last bits
  constexpr float kLog2e = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  const float capped = x > 88.f ? 88.f : x;
  const float y = -(capped < -88.f ? -88.f : capped);
  const float rounded = y * kLog2e + kRounder;
  const float n = rounded - kRounder;
  const float r = (y - n * kLn2High) - n * kLn2Low;  // |r| <= ln(2) / 2
  const float tail = 1.f / 6 + r * (1.f / 24 + r * (1.f / 120 + r * (1.f / 720 + r * (1.f / 5040))));
  const float e = r + r * r * (0.5f + r * tail);  // e^r − 1
  const uint32_t exponent = __builtin_bit_cast(uint32_t, rounded) - __builtin_bit_cast(uint32_t, kRounder) + 127;
  const float scale = __builtin_bit_cast(float, exponent << 23);  // 2^n, and 0 at the cap
  return {scale + scale * e, (1.f - scale) - scale * e};
}

}  // namespace OMNIFIELD_ISA
