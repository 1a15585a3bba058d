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

void forward(In<2> inputs, const std::vector<In<2>>& weights, const std::vector<In<1>>& biases, Out<2> outputs) {
  const Chain chain(inputs.shape(1), weights, biases);
  require(int64_t(outputs.shape(1)) == chain.widths.back(), "mlp: the outputs do not fit the last weight matrix.");
  require_rows("mlp", "inputs", inputs, "outputs", outputs);
  nb::gil_scoped_release release;
  kernels().mlp_forward(chain.net(), inputs.data(), inputs.shape(0), outputs.data());
}

// grad_weights and grad_biases are added to; grad_inputs may be None.
void backward(In<2> inputs, const std::vector<In<2>>& weights, const std::vector<In<1>>& biases, In<2> grad_outputs,
              std::optional<Out<2>> grad_inputs, const std::vector<Out<2>>& grad_weights,
              const std::vector<Out<1>>& grad_biases) {
  const Chain chain(inputs.shape(1), weights, biases);
  require(int64_t(grad_outputs.shape(1)) == chain.widths.back(), "mlp: grad_outputs do not fit the last matrix.");
  require_rows("mlp", "inputs", inputs, "grad_outputs", grad_outputs);
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
  kernels().mlp_backward(chain.net(), inputs.data(), inputs.shape(0), grad_outputs.data(),
                         grad_inputs ? grad_inputs->data() : nullptr, sums.data(), bias_sums.data());
}

}  // namespace

void export_mlp(nb::module_& m) {
  m.def("mlp_forward", &forward, "inputs"_a, "weights"_a, "biases"_a, "outputs"_a);
  m.def("mlp_backward", &backward, "inputs"_a, "weights"_a, "biases"_a, "grad_outputs"_a,
        "grad_inputs"_a.none(), "grad_weights"_a, "grad_biases"_a);
}
