// Work shared among threads that never wait for one that is not working.
//
// A kernel is cut into many more tasks than there are threads. Whoever calls takes tasks itself, and returns when all
// are done: threads that the system has no processor for take none, and nobody asks whether they have arrived.
#pragma once
#include <cstdint>

// Calls task(of, i) once for every i below `count`, in any order, on any thread.
void share_tasks(int64_t count, void (*task)(const void* of, int64_t i), const void* of);

// What jobs took since the program began, in ns. Jobs of one task are counted, but no time of theirs: they are as serial
// as what is no job at all.
struct PoolCounts {
  int64_t jobs, tasks;
  int64_t shared;  // from beginning to end of jobs of several tasks, as their callers see it
  int64_t busy;    // of all threads in tasks of these: at most `shared` times the threads
  int64_t waited;  // of callers at their ends, for tasks that others were at
};
PoolCounts pool_counts();

int threads();              // that work at most, the caller among them
void set_threads(int most);

#ifdef OMNIFIELD_ISA
namespace OMNIFIELD_ISA {

// task(i) for every i below `count`. What a task writes must not depend on which thread runs it.
template <typename Task>
[[gnu::always_inline]] inline void share(int64_t count, const Task& task) {
  share_tasks(count, [](const void* of, int64_t i) { (*static_cast<const Task*>(of))(i); }, &task);
}

// range(begin, end) for pieces of `piece` that make up 0 to n.
template <typename Range>
[[gnu::always_inline]] inline void share_ranges(int64_t n, int64_t piece, const Range& range) {
  share((n + piece - 1) / piece, [&](int64_t i) {
    const int64_t begin = i * piece, end = begin + piece;
    range(begin, end < n ? end : n);
  });
}

}  // namespace OMNIFIELD_ISA
#endif
