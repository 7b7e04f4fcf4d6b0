#include "net/vm_generation.hpp"

#include <gtest/gtest.h>

namespace nae::net {
namespace {

using namespace std::string_view_literals;

TEST(VmGeneration, IsToldByOneEventOfTheKernelAndNoOther) {
  constexpr auto kEvent =
      "change@/devices/platform/QEMUVGID:00\0ACTION=change\0DEVPATH=/devices/platform/QEMUVGID:00\0"
      "SUBSYSTEM=platform\0NEW_VMGENID=1\0DRIVER=vmgenid\0SEQNUM=2044\0"sv;
  EXPECT_TRUE(is_new_vm_generation(kEvent));
  EXPECT_TRUE(is_new_vm_generation(kEvent.substr(0, kEvent.find("\0DRIVER"sv)))) << "the last one";
  for (auto other :
       {""sv, "\0"sv, "\0\0"sv, "change@/devices/x\0ACTION=change\0"sv, "change@/NEW_VMGENID=1\0"sv,
        "x\0NEW_VMGENID=10\0"sv, "x\0SYNTH_ARG_NEW_VMGENID=1\0"sv, "x\0NEW_VMGENID=0\0"sv,
        "x\0ANEW_VMGENID=1"sv, "x\0NEW_VMGENID"sv})
    EXPECT_FALSE(is_new_vm_generation(other)) << other;
}

TEST(VmGeneration, ListensToTheKernelAndEndsWithItsOwner) {
  boost::asio::io_context loop;
  int changes = 0;
  auto watch = VmGeneration::watch(loop, [&] { ++changes; });
  ASSERT_TRUE(watch) << watch.error().message;
  loop.poll();
  EXPECT_EQ(changes, 0);
  watch->reset();
  loop.restart();
  loop.run();  // returns: nothing is left to wait for
}

}  // namespace
}  // namespace nae::net
