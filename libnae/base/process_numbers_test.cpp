#include "libnae/base/process_numbers.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <ctime>
#include <map>
#include <string>

namespace nae {
namespace {

std::map<std::string, double> numbers() {
  std::map<std::string, double> found;
  for (const ProcessNumber& number : process_numbers())
    found[std::string(number.name)] = number.value;
  return found;
}

TEST(ProcessNumbers, SayWhatTheKernelSays) {
  auto found = numbers();
  EXPECT_EQ(found.size(), 7u);
  EXPECT_GE(found["process_threads"], 1);
  EXPECT_GT(found["process_resident_memory_bytes"], 1 << 20);
  EXPECT_GT(found["process_virtual_memory_bytes"], found["process_resident_memory_bytes"]);
  EXPECT_EQ(found["process_max_fds"], static_cast<double>(::sysconf(_SC_OPEN_MAX)));
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(found["process_start_time_seconds"], now + 2);
  EXPECT_GE(found["process_start_time_seconds"], now - 600) << "a test runs shorter than that";
}

TEST(ProcessNumbers, CountDescriptors) {
  const double before = numbers()["process_open_fds"];
  const int one = ::open("/dev/null", O_RDONLY), another = ::dup(one);
  EXPECT_EQ(numbers()["process_open_fds"], before + 2);
  ::close(one);
  ::close(another);
  EXPECT_EQ(numbers()["process_open_fds"], before);
}

TEST(ProcessNumbers, AreReadByAProcessThatForbidsDumps) {
  ASSERT_EQ(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
  EXPECT_EQ(numbers().size(), 7u);
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

}  // namespace
}  // namespace nae
