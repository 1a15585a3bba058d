// What every binding needs: the array types of the module's public edge, and checks in the caller's words.
#pragma once
#include <nanobind/nanobind.h>
#include "tensor_argument.h"
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>

namespace nb = nanobind;
using namespace nb::literals;

// float32, contiguous, in this machine's memory: anything else is refused before a kernel sees it.
template <typename Scalar, int Dimensions>
using Array = TensorArgument<Scalar, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
template <int Dimensions>
using In = Array<const float, Dimensions>;
template <int Dimensions>
using Out = Array<float, Dimensions>;

// Names an argument that is taken as it is. nanobind would otherwise convert an array of another type or layout into a
// copy in silence, and a result written there would be lost.
inline auto operator""_exact(const char* name, size_t) { return nb::arg(name).noconvert(); }

inline void require(bool holds, const std::string& otherwise) {
  if (!holds) throw std::invalid_argument(otherwise);
}

template <typename A, typename B>
void require_rows(const char* op, const char* a_name, const A& a, const char* b_name, const B& b) {
  require(a.shape(0) == b.shape(0), std::string(op) + ": " + a_name + " has " + std::to_string(a.shape(0)) +
                                        " rows, but " + b_name + " has " + std::to_string(b.shape(0)) + ".");
}
