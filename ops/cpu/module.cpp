// omnifield.ops._cpu: the table of contents. Every function writes into arrays the caller has made.
#if defined(__linux__)
#include <malloc.h>
#endif

#include <nanobind/stl/tuple.h>

#include "bind.h"
#include "kernels.h"
#include "pool.h"

#define DECLARATION(op) void export_##op(nb::module_&);
OPS(DECLARATION)
#undef DECLARATION

// glibc hands a freed large block back to the system and faults every page in again when it is next asked for:
// half the time of a training step. Keeping the memory costs nothing but the peak, which was reached anyway.
static void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest value glibc takes
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

NB_MODULE(_cpu, m) {
  m.def("instruction_set", [] { return kernels().isa; }, "The build of the kernels in use: baseline, avx2 or avx512.");
  m.def("keep_freed_memory", &keep_freed_memory, "Make this process reuse large blocks instead of returning them.");
  m.def("threads", &threads, "How many threads a kernel uses at most.");
  m.def("set_threads", &set_threads, "most"_a, "Let kernels use so many threads at most; results do not depend on it.");
  m.def(
      "pool_counts",
      [] {
        const PoolCounts c = pool_counts();
        return std::make_tuple(c.jobs, c.tasks, c.shared, c.busy, c.waited);
      },
      "Jobs and tasks since the program began, and ns: in shared jobs, of all threads busy in them, of callers waiting.");
#define EXPORT(op) export_##op(m);
  OPS(EXPORT)
#undef EXPORT
}
