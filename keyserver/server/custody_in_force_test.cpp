#include "keyserver/server/custody_in_force.hpp"

#include <gmock/gmock.h>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/test_installation.hpp"
#include "libnae/base/file.hpp"

namespace nae::server {
namespace {

using testing::HasSubstr;

const std::string kDigest(64, 'a');

TEST(CustodyFact, IsWrittenInOneWay) {
  const auto known = parse_custody_fact("2 " + kDigest);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->generation, 2u);
  EXPECT_EQ(known->sha256, kDigest);
  EXPECT_TRUE(parse_custody_fact("4294967295 " + kDigest));
  for (const std::string& other :
       {std::string(), std::string(" "), std::string("2"), "2" + kDigest, "2  " + kDigest,
        " 2 " + kDigest, "1 " + kDigest, "0 " + kDigest, "-2 " + kDigest, "+2 " + kDigest,
        "02 " + kDigest, "4294967296 " + kDigest, "2 " + kDigest + " ", "2 " + kDigest + "aa",
        "2 " + std::string(62, 'a'), "2 " + std::string(64, 'A'), "2 " + std::string(64, 'g'),
        "2\n" + kDigest})
    EXPECT_EQ(parse_custody_fact(other).error().code, Code::store_corrupt) << other;
}

// Sets are as they are parsed; who signed them the callers have looked at.
class CustodyInForceTest : public InstallationTest {
 protected:
  CustodyInForceTest() {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    const auto hsm = hsm::Pkcs11Hsm::open(hsm_options(config_)).value();
    store_ = open_store(config_).value();
    if (!take_up_ledger_if_there(*store_, *hsm)) throw std::runtime_error("no ledger");
    set_ = custody::parse_custody_set(as_bytes(read_file(file_, 1u << 16).value())).value();
  }
  custody::CustodySet of_generation(std::uint32_t generation) const {
    custody::CustodySet set = set_;
    set.generation = generation;
    return set;
  }

  const std::filesystem::path file_ = directory_ / "server/custody.nae";
  std::unique_ptr<store::Store> store_;
  custody::CustodySet set_;
};

TEST_F(CustodyInForceTest, OfInitThereIsNoFact) {
  EXPECT_FALSE(take_up_custody(*store_, set_, file_).value());
  EXPECT_FALSE(custody_in_force(*store_).value());
  EXPECT_TRUE(refuse_superseded(*store_, set_, file_));
}

TEST_F(CustodyInForceTest, GoesForwardAlone) {
  EXPECT_TRUE(take_up_custody(*store_, of_generation(3), file_).value());
  EXPECT_FALSE(take_up_custody(*store_, of_generation(3), file_).value()) << "it is known";
  EXPECT_EQ(custody_in_force(*store_).value()->generation, 3u);
  for (const std::uint32_t former : {1u, 2u}) {
    const auto refused = take_up_custody(*store_, of_generation(former), file_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::conflict);
    EXPECT_THAT(refused.error().message,
                HasSubstr("is of generation " + std::to_string(former) +
                          ", and the ledger of the store knows that generation 3 is in force"));
  }
  custody::CustodySet another = of_generation(3);
  ++another.made_at_s;
  EXPECT_THAT(refuse_superseded(*store_, another, file_).error().message,
              HasSubstr("of generation 3, but another one"));
  EXPECT_TRUE(take_up_custody(*store_, of_generation(5), file_).value());
  EXPECT_EQ(custody_in_force(*store_).value()->generation, 5u);
}

}  // namespace
}  // namespace nae::server
