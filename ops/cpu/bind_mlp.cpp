#include "bind.h"
#include "kernels.h"

namespace {

// A chain of weight matrices whose shapes fit, and the input's width.
struct Chain {
  std::vector<int64_t> widths;
  std::vector<const float*> weights, biases;

  Chain(int64_t in, const std::vector<In<2>>& matrices, const std::vector<In<1>>& vectors) : widths{in} {
    require(!matrices.empty() && matrices.size() <= kMaxMlpLayers,
            "mlp: takes 1 to " + std::to_string(kMaxMlpLayers) + " weight matrices.");
    for (const auto& matrix : matrices) {
      require(int64_t(matrix.shape(1)) == widths.back(), "mlp: a weight matrix is " + std::to_string(matrix.shape(1)) +
                                                             " columns wide, but its input " +
                                                             std::to_string(widths.back()) + ".");
      widths.push_back(matrix.shape(0));
      weights.push_back(matrix.data());
    }
    require(vectors.empty() || vectors.size() == matrices.size(), "mlp: as many biases as weights are needed, or none.");
    for (const auto& vector : vectors) {
      require(int64_t(vector.shape(0)) == widths[biases.size() + 1], "mlp: the biases do not fit their weights.");
      biases.push_back(vector.data());
    }
  }
  Mlp net() const { return {int(weights.size()), widths.data(), weights.data(), biases.empty() ? nullptr : biases.data()}; }
};

using Rows = TensorArgument<const float, nb::ndim<2>, nb::device::cpu>;  // may be columns of a wider array
using Directions = std::optional<TensorArgument<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>>;

MlpInputs inputs_of(const Rows& rows, const Directions& directions) {
  require(rows.shape(1) < 2 || rows.stride(1) == 1, "mlp: the columns of the inputs do not lie side by side.");
  if (directions) require_rows("mlp", "inputs", rows, "directions", *directions);
  return {rows.data(), rows.stride(0), directions ? directions->data() : nullptr};
}

int64_t width_of(const Rows& rows, const Directions& directions) {
  return int64_t(rows.shape(1)) + (directions ? kHarmonics : 0);
}

void forward(Rows inputs, Directions directions, const std::vector<In<2>>& weights, const std::vector<In<1>>& biases, Out<2> outputs,
             std::optional<Out<1>> density, float side) {
  const Chain chain(width_of(inputs, directions), weights, biases);
  const MlpInputs rows = inputs_of(inputs, directions);
  require(int64_t(outputs.shape(1)) == chain.widths.back(), "mlp: the outputs do not fit the last weight matrix.");
  require_rows("mlp", "inputs", inputs, "outputs", outputs);
  if (density) require_rows("mlp", "inputs", inputs, "density", *density);
  nb::gil_scoped_release release;
  kernels().mlp_forward(chain.net(), rows, inputs.shape(0), outputs.data(), {side, density ? density->data() : nullptr});
}

// grad_weights and grad_biases are added to; grad_inputs may be None. `colors` are the outputs where directions are given.
void backward(Rows inputs, Directions directions, const std::vector<In<2>>& weights, const std::vector<In<1>>& biases,
              std::optional<In<2>> colors, In<2> grad_outputs, std::optional<Out<2>> grad_inputs, const std::vector<Out<2>>& grad_weights,
              const std::vector<Out<1>>& grad_biases, std::optional<In<1>> density, std::optional<In<1>> grad_density) {
  const Chain chain(width_of(inputs, directions), weights, biases);
  const MlpInputs rows = inputs_of(inputs, directions);
  require(int64_t(grad_outputs.shape(1)) == chain.widths.back(), "mlp: grad_outputs do not fit the last matrix.");
  require_rows("mlp", "inputs", inputs, "grad_outputs", grad_outputs);
  require(colors.has_value() == directions.has_value(), "mlp: colors are needed with directions, and only there.");
  if (colors) {
    require_rows("mlp", "inputs", inputs, "colors", *colors);
    require(colors->shape(1) == grad_outputs.shape(1), "mlp: the colors are not as wide as their gradient.");
  }
  require(density.has_value() == grad_density.has_value(), "mlp: a density has a gradient, and none without.");
  if (density) {
    require_rows("mlp", "inputs", inputs, "density", *density);
    require_rows("mlp", "inputs", inputs, "grad_density", *grad_density);
  }
  require(grad_weights.size() == weights.size(), "mlp: as many grad_weights as weights are needed.");
  require(grad_biases.size() == biases.size(), "mlp: as many grad_biases as biases are needed.");
  std::vector<float*> sums, bias_sums;
  for (size_t l = 0; l < weights.size(); ++l) {
    require(grad_weights[l].shape(0) == weights[l].shape(0) && grad_weights[l].shape(1) == weights[l].shape(1),
            "mlp: a matrix of grad_weights does not have its weight's shape.");
    sums.push_back(grad_weights[l].data());
  }
  for (size_t l = 0; l < biases.size(); ++l) {
    require(grad_biases[l].shape(0) == biases[l].shape(0), "mlp: grad_biases do not have their biases' shape.");
    bias_sums.push_back(grad_biases[l].data());
  }
  if (grad_inputs) {
    require_rows("mlp", "inputs", inputs, "grad_inputs", *grad_inputs);
    require(grad_inputs->shape(1) == inputs.shape(1), "mlp: grad_inputs is not as wide as the inputs.");
  }
  nb::gil_scoped_release release;
  kernels().mlp_backward(chain.net(), rows, inputs.shape(0),
                         {grad_outputs.data(), colors ? colors->data() : nullptr, density ? density->data() : nullptr,
                          grad_density ? grad_density->data() : nullptr},
                         grad_inputs ? grad_inputs->data() : nullptr, sums.data(), bias_sums.data());
}

}  // namespace

void export_mlp(nb::module_& m) {
  m.def("mlp_forward", &forward, "inputs"_a, "directions"_a.none(), "weights"_a, "biases"_a, "outputs"_exact,
        "density"_exact.none() = nb::none(), "side"_a = 1.f);
  m.def("mlp_backward", &backward, "inputs"_a, "directions"_a.none(), "weights"_a, "biases"_a, "colors"_a.none(),
        "grad_outputs"_a, "grad_inputs"_a.none(), "grad_weights"_a, "grad_biases"_a, "density"_a.none() = nb::none(),
        "grad_density"_a.none() = nb::none());
}
