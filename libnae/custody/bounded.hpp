// What a card's module is asked, with an end: readers hang, and their modules with them.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include "libnae/base/result.hpp"

namespace nae::custody {

// Runs `job` in a thread of its own. Code::timeout when it has not ended after `patience`: the
// thread is left behind, for no module can be made to return, so `job` owns all that it touches.
template <class T>
Result<T> bounded(std::chrono::milliseconds patience, std::function<Result<T>()> job) {
  std::promise<Result<T>> told;
  std::future<Result<T>> answer = told.get_future();
  std::thread([job = std::move(job), told = std::move(told)]() mutable {
    Result<T> result = job();
    job = nullptr;  // before the answer: what it owned may be the last of a session or a module
    told.set_value(std::move(result));
  }).detach();
  if (answer.wait_for(patience) == std::future_status::ready) return answer.get();
  return fail(Code::timeout,
              "no answer within " + std::to_string(patience.count() / 1000) +
                  " s: its reader, or the reader's module, hangs",
              "Take the card out and put it in again, or use another reader.");
}

}  // namespace nae::custody
