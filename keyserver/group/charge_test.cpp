#include "keyserver/group/charge.hpp"

#include <gmock/gmock.h>

#include <future>

namespace nae::group {
namespace {

using std::chrono::milliseconds;

// A store whose answer to a renewal is on its way for as long as the test wants.
class SlowLease final : public store::Lease {
 public:
  Result<store::LeaseState> read() override { return store::LeaseState{}; }
  Result<std::optional<store::Holding>> take(const store::LeaseState&, const std::string& node,
                                             const std::string& holder, milliseconds) override {
    return store::Holding{1, 1, node, holder};
  }
  Result<store::StoreSight> look(const store::LedgerPoint&) override { return store::StoreSight{}; }
  Result<store::Renewed> renew(const store::Holding&, const store::LedgerPoint&) override {
    asked.set_value();
    answer.get_future().wait();
    return store::Renewed{store::Renewal::mine, {}};
  }
  Result<void> release(const store::Holding&) override {
    ADD_FAILURE() << "it was forfeited";
    return {};
  }
  std::promise<void> asked, answer;
};

TEST(ChargeTest, ARenewalThatComesBackAfterItWasForfeitedBeginsNothing) {
  auto lease = std::make_unique<SlowLease>();
  SlowLease& store = *lease;
  Candidate candidate;
  std::promise<Error> lost;
  auto charge =
      Charge::take(std::move(lease), candidate,
                   {"ks1", milliseconds(300), [&](const Error& why) { lost.set_value(why); }});
  ASSERT_TRUE(charge) << charge.error().message;
  store.asked.get_future().wait();
  (*charge)->forfeit();
  EXPECT_FALSE((*charge)->tenure().holds());
  store.answer.set_value();
  EXPECT_THAT(lost.get_future().get().message, ::testing::HasSubstr("was given up"));
  EXPECT_FALSE((*charge)->tenure().holds());
}

}  // namespace
}  // namespace nae::group
