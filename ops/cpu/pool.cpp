// The threads, and the jobs whose tasks they take: see pool.h.
#include "pool.h"

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace {

constexpr int kJobs = 8;         // that can be under way at once: one of each thread that calls
constexpr int kMostThreads = 64;
constexpr int kLooks = 2000;     // at what there is to do before a thread goes to sleep: some 30 µs

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Always on: a job of a training takes some 100 µs, and three looks at the clock 0.1 µs.
struct Counts {
  std::atomic<int64_t> jobs{0}, tasks{0}, shared{0}, busy{0}, waited{0};
};

void add(std::atomic<int64_t>& sum, int64_t what) { sum.fetch_add(what, std::memory_order_relaxed); }

// Tasks are claimed by counting up. A job's memory is never given back: a thread that comes late finds nothing left.
struct alignas(64) Job {
  void (*task)(const void* of, int64_t i) = nullptr;
  const void* of = nullptr;
  int64_t count = 0;
  std::atomic<int64_t> next{0};
  alignas(64) std::atomic<int64_t> done{0};
  std::atomic<bool> open{false};
  int helpers = 0;   // inside; with the pool's lock only
  bool taken = false;

  void work() {
    int64_t finished = 0;
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count; ++finished) task(of, i);
    if (finished && done.fetch_add(finished, std::memory_order_acq_rel) + finished == count) done.notify_all();
  }
  bool has_tasks() const { return next.load(std::memory_order_relaxed) < count; }
};

class Pool {
 public:
  void run(int64_t count, void (*task)(const void*, int64_t), const void* of) {
    add(counts_.jobs, 1), add(counts_.tasks, count);
    if (count == 1) return task(of, 0);
    if (count < 1) return;
    const int64_t began = now();
    Job* job = most_ > 1 ? take() : nullptr;
    if (!job) {
      for (int64_t i = 0; i < count; ++i) task(of, i);
      const int64_t took = now() - began;
      add(counts_.shared, took), add(counts_.busy, took);
      return;
    }
    publish(*job, count, task, of);
    job->work();
    const int64_t worked = now();
    job->open.store(false, std::memory_order_relaxed);
    // Only tasks that somebody is at are waited for; asleep, so that they can have this processor.
    for (int look = 0; look < kLooks / 4 && job->done.load(std::memory_order_acquire) < count; ++look) pause();
    for (int64_t done; (done = job->done.load(std::memory_order_acquire)) < count;) job->done.wait(done);
    const int64_t ended = now();
    add(counts_.shared, ended - began), add(counts_.busy, worked - began), add(counts_.waited, ended - worked);
    const std::lock_guard guard(lock_);
    job->taken = false;
  }

  PoolCounts counts() const { return {counts_.jobs, counts_.tasks, counts_.shared, counts_.busy, counts_.waited}; }
  int most() const { return most_; }
  void set_most(int most) {
    const std::lock_guard guard(lock_);
    most_ = most < 1 ? 1 : most < kMostThreads ? most : kMostThreads;
  }

 private:
  // A job that nobody is in any more; none, and the caller works alone, where all are under way.
  Job* take() {
    const std::lock_guard guard(lock_);
    for (Job& job : jobs_)
      if (!job.taken && job.helpers == 0) {
        job.taken = true;
        while (started_ + 1 < most_) std::thread([this, me = ++started_] { help(me); }).detach();
        return &job;
      }
    return nullptr;
  }

  void publish(Job& job, int64_t count, void (*task)(const void*, int64_t), const void* of) {
    job.task = task, job.of = of, job.count = count;
    job.done.store(0, std::memory_order_relaxed);
    job.next.store(0, std::memory_order_relaxed);
    job.open.store(true, std::memory_order_release);
    news_.fetch_add(1);
    if (asleep_.load() == 0) return;
    count > 2 ? news_.notify_all() : news_.notify_one();
  }

  [[noreturn]] void help(int me) {
#if defined(__linux__)
    pthread_setname_np(pthread_self(), "omnifield");
#endif
    for (;;) {
      const uint32_t news = news_.load(std::memory_order_acquire);
      if (me < most_)
        while (Job* job = enter()) {
          const int64_t began = now();
          job->work();
          add(counts_.busy, now() - began);
          const std::lock_guard guard(lock_);
          --job->helpers;
        }
      for (int look = 0; look < kLooks && news_.load(std::memory_order_relaxed) == news; ++look) pause();
      asleep_.fetch_add(1);
      news_.wait(news);
      asleep_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  Job* enter() {
    for (Job& job : jobs_) {
      if (!job.open.load(std::memory_order_acquire) || !job.has_tasks()) continue;
      const std::lock_guard guard(lock_);
      if (!job.open.load(std::memory_order_acquire) || !job.has_tasks()) continue;
      ++job.helpers;
      return &job;
    }
    return nullptr;
  }

  // OMP_NUM_THREADS bounds the threads, as it does those of torch; else there is one for each processor.
  static int usual() {
    if (const char* text = std::getenv("OMP_NUM_THREADS"))
      if (const int asked = std::atoi(text); asked > 0) return asked < kMostThreads ? asked : kMostThreads;
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::min(CPU_COUNT(&allowed), kMostThreads);
#endif
    return std::min(std::max(int(std::thread::hardware_concurrency()), 1), kMostThreads);
  }

  std::mutex lock_;
  alignas(64) Counts counts_;
  Job jobs_[kJobs];
  std::atomic<uint32_t> news_{0};  // goes up with every job
  std::atomic<int> asleep_{0}, most_{usual()};
  int started_ = 0;
};

// Never destroyed: its threads may still be asleep in it when the program ends. A forked child, which has none of its
// parent's threads, makes one of its own.
Pool& pool() {
  static std::atomic<Pool*> mine{nullptr};
  static std::atomic<pid_t> owner{0};
  static std::mutex making;
  if (owner.load(std::memory_order_acquire) == getpid()) return *mine.load(std::memory_order_acquire);
  const std::lock_guard guard(making);
  if (owner.load() != getpid()) mine = new Pool, owner = getpid();
  return *mine;
}

}  // namespace

void share_tasks(int64_t count, void (*task)(const void* of, int64_t i), const void* of) { pool().run(count, task, of); }
PoolCounts pool_counts() { return pool().counts(); }
int threads() { return pool().most(); }
void set_threads(int most) { pool().set_most(most); }
