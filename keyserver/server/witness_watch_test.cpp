#include "keyserver/server/witness_watch.hpp"

#include "keyserver/audit/test_log.hpp"
#include "keyserver/audit/witness.hpp"
#include "keyserver/server/test_nodes.hpp"

namespace nae::server {
namespace {

class WitnessWatchTest : public audit::LogTest {
 protected:
  WitnessWatchTest() {
    config_.store.node = "ks1";
    config_.store.url = "postgresql:///store";
    log_ = open_log();
    watch_.emplace(loop_, config_, rows_, *log_);
  }
  std::vector<std::string> recorded() const {
    std::vector<std::string> details;
    for (const audit::StoredRecord& record : records(std::string(audit::kWitnessEvent)))
      details.push_back(record.detail);
    return details;
  }
  static std::string said(const std::string& node, std::uint64_t seq, Byte byte = 1) {
    audit::Witness witness{node, {seq, {}}};
    witness.point.hash.fill(byte);
    return audit::witness_details({witness}).front();
  }

  boost::asio::io_context loop_;
  config::Config config_;
  TestNodes rows_;
  std::unique_ptr<audit::Log> log_;
  std::optional<WitnessWatch> watch_;
};

TEST_F(WitnessWatchTest, HeadsOfTheOthersAreRecordedOnce) {
  rows_.set("ks1", 50);  // its own
  rows_.set("ks2", 7);
  rows_.set("ks3", 0);  // has kept none
  ASSERT_TRUE(watch_->look());
  ASSERT_TRUE(watch_->look());
  EXPECT_EQ(recorded(), std::vector<std::string>{said("ks2", 7)});
  rows_.set("ks2", 8);
  rows_.set("ks3", 1);
  ASSERT_TRUE(watch_->look());
  ASSERT_EQ(recorded().size(), 2u) << "several in one record";
  EXPECT_EQ(audit::parse_witnesses(recorded()[1])->size(), 2u);
}

TEST_F(WitnessWatchTest, AHeadThatWentBackIsRecordedAsWell) {
  rows_.set("ks2", 7);
  ASSERT_TRUE(watch_->look());
  rows_.set("ks2", 3, 2);
  ASSERT_TRUE(watch_->look());
  rows_.set("ks2", 3, 9);
  ASSERT_TRUE(watch_->look());
  EXPECT_EQ(recorded(),
            (std::vector<std::string>{said("ks2", 7), said("ks2", 3, 2), said("ks2", 3, 9)}));
}

TEST_F(WitnessWatchTest, WhatIsNoNameOfANodeIsNotRecorded) {
  for (const char* name : {"", "k s", "ks2 9", "ks/2", "ks2; ks3"}) rows_.set(name, 7);
  rows_.set("ks4", UINT64_MAX);
  rows_.set("ks5", 7);
  ASSERT_TRUE(watch_->look());
  EXPECT_EQ(recorded(), std::vector<std::string>{said("ks5", 7)});
}

TEST_F(WitnessWatchTest, WhatCouldNotBeReadOrWrittenIsLookedAtAgain) {
  rows_.set("ks2", 7);
  rows_.away = true;
  EXPECT_FALSE(watch_->look());
  rows_.away = false;
  std::filesystem::rename(segment(), directory_ / "elsewhere");
  EXPECT_FALSE(watch_->look());
  std::filesystem::rename(directory_ / "elsewhere", directory_ / audit::segment_name(1));
  ASSERT_TRUE(watch_->look());
  EXPECT_EQ(recorded(), std::vector<std::string>{said("ks2", 7)});
}

TEST_F(WitnessWatchTest, ItLooksAtOnce) {
  rows_.set("ks2", 7);
  watch_->start();
  ASSERT_EQ(loop_.poll(), 1u);
  EXPECT_EQ(recorded().size(), 1u);
}

}  // namespace
}  // namespace nae::server
