// What a server looks at right before bytes leave: nothing that was said before leaves after it.
#include <stdexcept>

#include "net/test_echo_server.hpp"

namespace nae::net {
namespace {

using namespace testing;

TEST_F(ListenerTest, NothingLeavesOnceItMayNot) {
  std::atomic<bool> may = true;
  std::atomic<int> asked = 0;
  TlsListenerOptions options;
  options.limits.before_write = [&] {
    ++asked;
    if (!may) throw std::runtime_error("not any more");
  };
  const std::uint16_t port = listen(options);
  auto client = must(BlockingClient::connect_tls(device_context(), port));
  ASSERT_TRUE(client.write(as_bytes("first")));
  EXPECT_EQ(as_text(must(client.read(5))), "first");
  EXPECT_EQ(asked, 1) << "once for all that leave together";

  // An answer that was decided while it might, and is to leave afterwards.
  ASSERT_TRUE(client.write(as_bytes("W")));
  const auto connection = controls_.waiting.get_future().get();
  may = false;
  connection->post([this](Connection&) { echo_.load()->answer(); });
  EXPECT_EQ(client.read(1).error().code, Code::connection_lost);
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace nae::net
