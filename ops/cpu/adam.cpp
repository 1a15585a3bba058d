// Adam over the rows that received a gradient: one pass that reads the gradient, and the rest only where it is not zero.
#include "decay.h"
#include "kernels.h"
#include "simd.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kBlock = 64;  // rows that are looked at, and then updated, together

// The rows of a block that received a gradient, and what their own counts of steps make of the rates.
struct Touched {
  int count = 0;
  int row[kBlock];
  alignas(64) float rate[kBlock];           // lr / (1 − β₁^t)
  alignas(64) float second_scale[kBlock];   // 1 / √(1 − β₂^t)
};

inline bool all_zero(const float* values, int64_t count) {
  bool some = false;
  for (int64_t i = 0; i < count; ++i) some |= values[i] != 0;  // true for NaN: it must not be swallowed
  return !some;
}

void find_touched(const float* gradient, int64_t features, int rows, Touched& touched) {
  touched.count = 0;
  for (int row = 0; row < rows; ++row)
    if (!all_zero(gradient + row * features, features)) touched.row[touched.count++] = row;
}

void correct_bias(const AdamRates& rates, int32_t* steps, Touched& touched) {
  alignas(64) float step[kBlock];
  for (int i = 0; i < touched.count; ++i) step[i] = float(++steps[touched.row[i]]);
  for (int i = 0; i < touched.count; ++i) {
    touched.rate[i] = rates.lr / decay(step[i] * rates.log_beta1).taken;
    touched.second_scale[i] = 1 / __builtin_sqrtf(decay(step[i] * rates.log_beta2).taken);
  }
}

// F is the number of features, or 0 where it is only known at run time.
template <int F>
inline void update_row(const AdamRates& rates, float rate, float second_scale, int64_t features, const float* gradient,
                       float* parameter, float* first, float* second) {
  for (int64_t f = 0; f < (F ? F : features); ++f) {
    const float g = gradient[f];
    const float m = rates.beta1 * first[f] + rates.one_minus_beta1 * g;
    const float v = rates.beta2 * second[f] + rates.one_minus_beta2 * (g * g);
    first[f] = m, second[f] = v;
    parameter[f] -= rate * m / (__builtin_sqrtf(v) * second_scale + rates.eps);
  }
}

template <int F>
void step(const AdamRates& rates, const AdamRows& table) {
  const int64_t features = F ? F : table.features;
#pragma omp parallel for schedule(dynamic, 64)
  for (int64_t begin = 0; begin < table.rows; begin += kBlock) {
    const int rows = table.rows - begin < kBlock ? int(table.rows - begin) : kBlock;
    const float* gradient = table.gradient + begin * features;
    if (all_zero(gradient, rows * features)) continue;  // most of a large table, most of the time
    Touched touched;
    find_touched(gradient, features, rows, touched);
    correct_bias(rates, table.steps + begin, touched);
    for (int i = 0; i < touched.count; ++i) {
      const int64_t at = (begin + touched.row[i]) * features;
      update_row<F>(rates, touched.rate[i], touched.second_scale[i], features, table.gradient + at,
                    table.parameter + at, table.first_moment + at, table.second_moment + at);
    }
  }
}

}  // namespace

void adam_step(const AdamRates& rates, const AdamRows& table) {
  switch (table.features) {
    case 1: return step<1>(rates, table);
    case 2: return step<2>(rates, table);
    case 4: return step<4>(rates, table);
    case 8: return step<8>(rates, table);
    default: return step<0>(rates, table);
  }
}

}  // namespace OMNIFIELD_ISA
