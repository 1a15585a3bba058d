// Picks, once, the widest build of the kernels that this processor runs.
#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace baseline { extern const Kernels table; }
#ifdef OMNIFIELD_HAS_AVX2
namespace avx2 { extern const Kernels table; }
namespace avx512 { extern const Kernels table; }
#endif

// OMNIFIELD_ISA in the environment asks for a narrower build than the processor could run: for tests and benchmarks.
static const Kernels& choose() {
  const char* asked = std::getenv("OMNIFIELD_ISA");
  const auto wanted = [asked](const Kernels& build) { return !asked || !std::strcmp(asked, build.isa); };
#ifdef OMNIFIELD_HAS_AVX2
  if (__builtin_cpu_supports("x86-64-v4") && wanted(avx512::table)) return avx512::table;
  if (__builtin_cpu_supports("x86-64-v3") && wanted(avx2::table)) return avx2::table;
#endif
  return baseline::table;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}
