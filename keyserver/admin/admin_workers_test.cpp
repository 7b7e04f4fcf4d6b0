#include "keyserver/admin/admin_workers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>

#include "libnae/base/test_eventually.hpp"

namespace nae::admin {
namespace {

TEST(AdminWorkers, TakeNoMoreThanMayWait) {
  std::promise<void> running, go;
  AdminWorkers workers(1, 1);
  ASSERT_TRUE(workers.submit([&] {
    running.set_value();
    go.get_future().wait();
  }));
  running.get_future().wait();
  EXPECT_TRUE(workers.submit([] {}));
  EXPECT_FALSE(workers.submit([] {}));
  go.set_value();
}

int run_of_three_that_wait(AdminWorkers::AtEnd at_end) {
  std::promise<void> go;
  std::atomic<int> ran = 0;
  auto workers = std::make_unique<AdminWorkers>(1, SIZE_MAX, at_end);
  AdminWorkers* const ending = workers.get();
  EXPECT_TRUE(workers->submit([&] { go.get_future().wait(); }));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(workers->submit([&] { ++ran; }));
  auto ended = std::async(std::launch::async, [&] { workers.reset(); });
  // It has begun to end, and cannot before the first job does.
  EXPECT_TRUE(eventually([&] { return !ending->submit([] {}); }));
  go.set_value();
  ended.get();
  return ran;
}

TEST(AdminWorkers, RunWhatWaitsAtTheEndWhenTheyAreToldTo) {
  EXPECT_EQ(run_of_three_that_wait(AdminWorkers::AtEnd::run), 3);
}

TEST(AdminWorkers, ElseDropIt) {
  EXPECT_EQ(run_of_three_that_wait(AdminWorkers::AtEnd::drop), 0);
}

}  // namespace
}  // namespace nae::admin
