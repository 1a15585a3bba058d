#include "bind.h"
#include "kernels.h"

namespace {

using Indices = Array<const int64_t, 1>;

// Offsets say where a kernel reads and writes: never taken on trust.
int64_t count_rays(const char* op, const Indices& offsets, int64_t samples) {
  const int64_t* at = offsets.data();
  const int64_t rays = int64_t(offsets.shape(0)) - 1;
  bool rise = rays >= 0 && at[0] == 0 && at[rays] == samples;
  for (int64_t i = 0; i < rays; ++i) rise &= at[i] <= at[i + 1];
  require(rise, std::string(op) + ": offsets must rise from 0 to the number of samples, " + std::to_string(samples) +
                    ".");
  return rays;
}

void check_rows(const Indices& rows, int64_t values) {
  const int64_t* row = rows.data();
  const int64_t m = rows.shape(0);
  bool ascend = m == 0 || (row[0] >= 0 && row[m - 1] < values);
  for (int64_t i = 1; i < m; ++i) ascend &= row[i - 1] < row[i];
  require(ascend, "take_rows: rows must ascend strictly, from 0 to at most " + std::to_string(values - 1) + ".");
}

template <typename A, typename B>
void require_channels(const char* op, const A& a, const B& b) {
  require(a.shape(1) == b.shape(1), std::string(op) + ": values have " + std::to_string(a.shape(1)) +
                                        " channels, but their counterpart has " + std::to_string(b.shape(1)) + ".");
}

int64_t check_sums(const Indices& offsets, int64_t samples, int64_t sums) {
  const int64_t rays = count_rays("accumulate", offsets, samples);
  require(rays == sums, "accumulate: there is one sum per ray.");
  return rays;
}

void ray_weights_forward(In<1> density, In<1> dt, Indices offsets, float stop, Out<1> weights, Out<1> after) {
  require_rows("ray_weights", "density", density, "dt", dt);
  require_rows("ray_weights", "density", density, "weights", weights);
  require_rows("ray_weights", "density", density, "after", after);
  nb::gil_scoped_release release;
  const int64_t rays = count_rays("ray_weights", offsets, density.shape(0));
  kernels().ray_weights_forward(density.data(), dt.data(), offsets.data(), rays, stop, weights.data(), after.data());
}

void ray_weights_backward(In<1> dt, Indices offsets, In<1> weights, In<1> after, In<1> grad_weights,
                          Out<1> grad_density) {
  require_rows("ray_weights", "dt", dt, "weights", weights);
  require_rows("ray_weights", "dt", dt, "after", after);
  require_rows("ray_weights", "dt", dt, "grad_weights", grad_weights);
  require_rows("ray_weights", "dt", dt, "grad_density", grad_density);
  nb::gil_scoped_release release;
  const int64_t rays = count_rays("ray_weights", offsets, dt.shape(0));
  kernels().ray_weights_backward(dt.data(), offsets.data(), rays, weights.data(), after.data(), grad_weights.data(),
                                 grad_density.data());
}

void pass_through(In<1> density, In<1> t, In<1> dt, Indices offsets, float visible, float stop, Out<1> light,
                  Out<2> sums, Out<1> weight, Array<int64_t, 1> ends, Array<int64_t, 1> rows, Out<1> weight_of_row) {
  for (size_t size : {t.size(), dt.size(), weight.size(), rows.size(), weight_of_row.size()})
    require(size == density.size(), "pass_through: every sample has a density, a t, a dt and room for its weight.");
  nb::gil_scoped_release release;
  const int64_t rays = count_rays("pass_through", offsets, density.shape(0));
  require(int64_t(light.size()) == rays && int64_t(sums.size()) == 3 * rays && int64_t(ends.size()) == rays + 1,
          "pass_through: every ray has its light, three sums and an end.");
  kernels().pass_through({density.data(), t.data(), dt.data(), visible, stop, light.data(), sums.data(), weight.data(),
                          ends.data(), rows.data(), weight_of_row.data()},
                         offsets.data(), rays);
}

void find_visible(In<1> weights, In<1> t, Indices offsets, float visible, Out<2> sums, Array<int64_t, 1> ends,
                  Array<int64_t, 1> rows, Out<1> weight_of_row) {
  for (size_t size : {t.size(), rows.size(), weight_of_row.size()})
    require(size == weights.size(), "visible_weights: every sample has a weight, a t and room among the visible ones.");
  nb::gil_scoped_release release;
  const int64_t rays = count_rays("visible_weights", offsets, weights.shape(0));
  require(int64_t(sums.size()) == 3 * rays && int64_t(ends.size()) == rays + 1,
          "visible_weights: every ray has three sums and an end.");
  kernels().find_visible(weights.data(), t.data(), offsets.data(), rays, visible, sums.data(),
                         {ends.data(), rows.data(), weight_of_row.data()});
}

void visible_weights_backward(In<1> t, In<1> dt, Indices offsets, In<1> weights, In<1> after, Indices rows, Indices ends,
                              std::optional<In<1>> grad_weights, std::optional<In<1>> grad_of_row,
                              std::optional<In<2>> grad_sums, Out<1> grad_density) {
  for (size_t size : {t.size(), weights.size(), after.size(), grad_density.size()})
    require(size == dt.size(), "visible_weights: every sample has a t, a dt, a weight and a gradient.");
  nb::gil_scoped_release release;
  const int64_t rays = count_rays("visible_weights", offsets, dt.shape(0));
  require(count_rays("visible_weights", ends, rows.shape(0)) == rays &&
              (!grad_weights || grad_weights->size() == dt.size()) &&
              (!grad_of_row || grad_of_row->size() == rows.size()) &&
              (!grad_sums || int64_t(grad_sums->size()) == 3 * rays),
          "visible_weights: every sample, row and ray has a gradient.");
  kernels().visible_weights_backward({ends.data(), rows.data(), grad_weights ? grad_weights->data() : nullptr,
                                      grad_of_row ? grad_of_row->data() : nullptr,
                                      grad_sums ? grad_sums->data() : nullptr},
                                     t.data(), dt.data(), offsets.data(), rays, weights.data(), after.data(),
                                     grad_density.data());
}

void accumulate_forward(In<2> values, In<1> weights, Indices offsets, Out<2> sums) {
  require_rows("accumulate", "values", values, "weights", weights);
  require_channels("accumulate", values, sums);
  nb::gil_scoped_release release;
  const int64_t rays = check_sums(offsets, values.shape(0), sums.shape(0));
  kernels().accumulate_forward(values.data(), weights.data(), offsets.data(), rays, int(values.shape(1)), sums.data());
}

void accumulate_backward_values(In<1> weights, Indices offsets, In<2> grad_sums, Out<2> grad_values) {
  require_rows("accumulate", "weights", weights, "grad_values", grad_values);
  require_channels("accumulate", grad_values, grad_sums);
  nb::gil_scoped_release release;
  const int64_t rays = check_sums(offsets, weights.shape(0), grad_sums.shape(0));
  kernels().accumulate_backward_values(weights.data(), offsets.data(), rays, int(grad_sums.shape(1)),
                                       grad_sums.data(), grad_values.data());
}

void accumulate_backward_weights(In<2> values, Indices offsets, In<2> grad_sums, Out<1> grad_weights) {
  require_rows("accumulate", "values", values, "grad_weights", grad_weights);
  require_channels("accumulate", values, grad_sums);
  nb::gil_scoped_release release;
  const int64_t rays = check_sums(offsets, values.shape(0), grad_sums.shape(0));
  kernels().accumulate_backward_weights(values.data(), offsets.data(), rays, int(values.shape(1)), grad_sums.data(),
                                        grad_weights.data());
}

void take_rows_forward(In<2> values, Indices rows, Out<2> taken) {
  require_rows("take_rows", "rows", rows, "taken", taken);
  require_channels("take_rows", values, taken);
  nb::gil_scoped_release release;
  check_rows(rows, values.shape(0));
  kernels().take_rows_forward(values.data(), values.shape(1), rows.data(), rows.shape(0), taken.data());
}

void take_rows_backward(In<2> grad_taken, Indices rows, Out<2> grad_values) {
  require_rows("take_rows", "rows", rows, "grad_taken", grad_taken);
  require_channels("take_rows", grad_values, grad_taken);
  nb::gil_scoped_release release;
  check_rows(rows, grad_values.shape(0));
  kernels().take_rows_backward(grad_taken.data(), grad_taken.shape(1), rows.data(), rows.shape(0),
                               grad_values.shape(0), grad_values.data());
}

}  // namespace

void export_composite(nb::module_& m) {
  m.def("ray_weights_forward", &ray_weights_forward, "density"_exact, "dt"_exact, "offsets"_exact, "stop"_a,
        "weights"_exact, "after"_exact);
  m.def("ray_weights_backward", &ray_weights_backward, "dt"_exact, "offsets"_exact, "weights"_exact, "after"_exact,
        "grad_weights"_exact, "grad_density"_exact);
  m.def("find_visible", &find_visible, "weights"_exact, "t"_exact, "offsets"_exact, "visible"_a, "sums"_exact,
        "ends"_exact, "rows"_exact, "weight_of_row"_exact);
  m.def("visible_weights_backward", &visible_weights_backward, "t"_exact, "dt"_exact, "offsets"_exact, "weights"_exact,
        "after"_exact, "rows"_exact, "ends"_exact, "grad_weights"_exact.none(), "grad_of_row"_exact.none(),
        "grad_sums"_exact.none(), "grad_density"_exact);
  m.def("pass_through", &pass_through, "density"_exact, "t"_exact, "dt"_exact, "offsets"_exact, "visible"_a, "stop"_a,
        "light"_exact, "sums"_exact, "weight"_exact, "ends"_exact, "rows"_exact, "weight_of_row"_exact);
  m.def("accumulate_forward", &accumulate_forward, "values"_exact, "weights"_exact, "offsets"_exact, "sums"_exact);
  m.def("accumulate_backward_values", &accumulate_backward_values, "weights"_exact, "offsets"_exact,
        "grad_sums"_exact, "grad_values"_exact);
  m.def("accumulate_backward_weights", &accumulate_backward_weights, "values"_exact, "offsets"_exact,
        "grad_sums"_exact, "grad_weights"_exact);
  m.def("take_rows_forward", &take_rows_forward, "values"_exact, "rows"_exact, "taken"_exact);
  m.def("take_rows_backward", &take_rows_backward, "grad_taken"_exact, "rows"_exact, "grad_values"_exact);
}
