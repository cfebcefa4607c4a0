/** The pool behind `parallelFor`. */
#include "parallel.h"

namespace annulus {

thread_local Pool* Pool::current = nullptr;

Pool::Pool(int threads) {
  for (int i = 1; i < threads; i++) helpers_.emplace_back([this] { help(); });
}

Pool::~Pool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  for (auto& helper : helpers_) helper.join();
}

void Pool::run(long pieces, void (*body)(void*, long), void* context) {
  const Job job{body, context, pieces};
  if (helpers_.empty()) {
    for (long piece = 0; piece < pieces; piece++) body(context, piece);
    return;
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    job_ = job;
    next_ = 0;
    number_++;
    open_ = true;
  }
  wake_.notify_all();
  work(job);
  // A helper that still sleeps finds the job closed: only those inside are waited for.
  std::unique_lock<std::mutex> lock(mutex_);
  open_ = false;
  left_.wait(lock, [this] { return inside_ == 0; });
}

void Pool::work(const Job& job) {
  for (long piece; (piece = next_++) < job.pieces;) job.body(job.context, piece);
}

void Pool::help() {
  long last = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return ending_ || (open_ && number_ != last); });
    if (ending_) return;
    last = number_;
    inside_++;
    const Job job = job_;
    lock.unlock();
    work(job);
    lock.lock();
    if (--inside_ == 0) left_.notify_one();
  }
}

}  // namespace annulus
