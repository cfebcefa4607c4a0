/**
 * Work in pieces over a small pool of threads, one pool for each Node thread that opened the addon.
 *
 * Which thread runs which piece is left to chance, so a piece writes only what is its own, and what pieces add up is
 * added afterwards in their order: results then do not depend on the number of threads.
 */
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace annulus {

class Pool {
 public:
  /** As many threads as work at once: the caller and `threads - 1` sleeping helpers. */
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /** The pool of this thread, for as long as a kernel runs. */
  static thread_local Pool* current;

  /** Calls `body(context, piece)` once for each piece; `body` throws nothing. */
  void run(long pieces, void (*body)(void*, long), void* context);

 private:
  struct Job {
    void (*body)(void*, long) = nullptr;
    void* context = nullptr;
    long pieces = 0;
  };

  void help();
  void work(const Job& job);

  std::mutex mutex_;
  std::condition_variable wake_, left_;
  Job job_;
  std::atomic<long> next_{0};
  /** Counts jobs, so that a helper joins each at most once. */
  long number_ = 0;
  int inside_ = 0;
  bool open_ = false;
  bool ending_ = false;
  std::vector<std::thread> helpers_;
};

/** `body(piece)` for each piece from 0, in no order. The pieces must depend on sizes alone, not on the threads. */
template <class Body>
void parallelFor(long pieces, Body body) {
  Pool* pool = Pool::current;
  if (pool == nullptr || pieces < 2) {
    for (long piece = 0; piece < pieces; piece++) body(piece);
    return;
  }
  pool->run(
      pieces, [](void* context, long piece) { (*static_cast<Body*>(context))(piece); }, &body);
}

}  // namespace annulus
