#include <cmath>

#include "bind.h"
#include "kernels.h"

namespace {

// In double where 1 − β is small, then rounded once.
AdamRates rates_of(double lr, double beta1, double beta2, double eps) {
  return {.lr = float(lr),
          .beta1 = float(beta1),
          .one_minus_beta1 = float(1 - beta1),
          .log_beta1 = float(-std::log(beta1)),
          .beta2 = float(beta2),
          .one_minus_beta2 = float(1 - beta2),
          .log_beta2 = float(-std::log(beta2)),
          .eps = float(eps)};
}

class Rates {
 public:
  Rates(double lr, double beta1, double beta2, double eps) : rates_(rates_of(lr, beta1, beta2, eps)) {}
  const AdamRates& get() const { return rates_; }

 private:
  AdamRates rates_;
};

void step(const Rates& rates, Out<2> parameter, Out<2> gradient, Out<2> first_moment, Out<2> second_moment,
          Array<int32_t, 1> steps) {
  const auto like_parameter = [&](const char* name, const auto& other) {
    require(other.shape(0) == parameter.shape(0) && other.shape(1) == parameter.shape(1),
            std::string("adam_step: ") + name + " must have the shape of the parameter.");
  };
  like_parameter("gradient", gradient);
  like_parameter("first_moment", first_moment);
  like_parameter("second_moment", second_moment);
  require_rows("adam_step", "parameter", parameter, "steps", steps);
  nb::gil_scoped_release release;
  kernels().adam_step(rates.get(), {.rows = int64_t(parameter.shape(0)),
                                    .features = int64_t(parameter.shape(1)),
                                    .parameter = parameter.data(),
                                    .gradient = gradient.data(),
                                    .first_moment = first_moment.data(),
                                    .second_moment = second_moment.data(),
                                    .steps = steps.data()});
}

bool no_value_is_wrong(In<1> values) {
  nb::gil_scoped_release release;
  return kernels().all_finite(values.data(), values.shape(0));
}

}  // namespace

void export_adam(nb::module_& m) {
  nb::class_<Rates>(m, "AdamRates")
      .def(nb::init<double, double, double, double>(), "lr"_a, "beta1"_a, "beta2"_a, "eps"_a);
  m.def("all_finite", &no_value_is_wrong, "values"_exact);
  m.def("adam_step", &step, "rates"_a, "parameter"_exact, "gradient"_exact, "first_moment"_exact,
        "second_moment"_exact, "steps"_exact);
}
