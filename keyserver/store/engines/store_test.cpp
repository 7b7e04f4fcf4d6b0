// Facts, devices and policy revisions, and threads that share a store.
#include <gtest/gtest.h>

#include <thread>

#include "keyserver/store/engines/test_engine.hpp"

namespace nae::store {
namespace {

TEST_P(EngineTest, AKeyOfAnUnknownTypeIsCorrupt) {
  auto store = create();
  ASSERT_TRUE(store->insert_key(make_key("k")));
  tamper("UPDATE keys SET type = 99");
  EXPECT_EQ(store->load_keys().error().code, Code::store_corrupt);
  tamper("UPDATE keys SET type = 257");  // 1 in its low byte
  EXPECT_EQ(store->load_keys().error().code, Code::store_corrupt);
}

TEST_P(EngineTest, DevicesHaveCertificates) {
  auto store = create();
  const std::string key(64, 'c');
  DeviceCertificate first{"db1", std::string(64, 'a'), "01", 1, 2, key, 0};
  DeviceCertificate second{"db1", std::string(64, 'b'), "02", 3, 4, key, 0};
  ASSERT_TRUE(store->insert_device(second));
  ASSERT_TRUE(store->insert_device(first));
  EXPECT_EQ(store->insert_device(first).error().code, Code::conflict);
  EXPECT_EQ(store->insert_device({"db2", "short", "03", 1, 2, key, 0}).error().code,
            Code::conflict);
  EXPECT_EQ(*store->list_devices(), (std::vector{first, second}));
}

TEST_P(EngineTest, ADevicesNameBelongsToItsKey) {
  auto store = create();
  const std::string key(64, 'c'), other(64, 'd');
  auto certificate = [](char mark, std::int64_t issued, const std::string& of_key) {
    return DeviceCertificate{"db1", std::string(64, mark), "01", issued, issued + 10, of_key, 0};
  };
  ASSERT_TRUE(store->insert_device(certificate('1', 100, key)));
  auto refused = store->insert_device(certificate('2', 105, other));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_NE(refused.error().hint.find("remove the device"), std::string::npos);
  EXPECT_TRUE(store->insert_device(certificate('3', 105, key))) << "renewal by the same key";
  EXPECT_FALSE(store->insert_device(certificate('4', 114, other))) << "the renewed one is good yet";
  EXPECT_TRUE(store->insert_device(certificate('5', 115, other))) << "all have expired";
  EXPECT_FALSE(store->insert_device(certificate('6', 116, key))) << "an expired one claims nothing";
}

TEST_P(EngineTest, ADeviceChangesItsKeyBesideTheFirst) {
  auto store = create();
  const std::string key(64, 'c'), next(64, 'd'), third(64, 'e');
  auto certificate = [](char mark, std::int64_t issued, const std::string& of_key) {
    return DeviceCertificate{"db1", std::string(64, mark), "01", issued, issued + 10, of_key, 0};
  };
  EXPECT_FALSE(store->insert_device_key(certificate('0', 100, next))) << "beside none";
  ASSERT_TRUE(store->insert_device(certificate('1', 100, key)));
  EXPECT_FALSE(store->insert_device_key(certificate('2', 101, key))) << "that is no second key";
  ASSERT_TRUE(store->insert_device_key(certificate('3', 101, next)));
  EXPECT_FALSE(store->insert_device_key(certificate('4', 102, third))) << "a third one";
  EXPECT_TRUE(store->insert_device(certificate('5', 102, key))) << "both are renewed";
  EXPECT_TRUE(store->insert_device(certificate('6', 102, next)));
  EXPECT_EQ(store->confirm_device_key("db1", third, 103).error().code, Code::conflict);
  EXPECT_EQ(store->confirm_device_key("db2", next, 103).error().code, Code::conflict);
  ASSERT_TRUE(store->confirm_device_key("db1", next, 103));
  const std::vector<DeviceCertificate> listed = *store->list_devices();
  for (const DeviceCertificate& each : listed)
    EXPECT_EQ(each.removed_at_us, each.key_sha256 == key ? 103 : 0) << each.fingerprint;
  EXPECT_EQ(store->confirm_device_key("db1", next, 104).error().code, Code::conflict) << "again";
  EXPECT_FALSE(store->insert_device_key(certificate('7', 104, key))) << "given up for good";
  ASSERT_TRUE(store->insert_device_key(certificate('8', 104, third)));
  ASSERT_TRUE(store->confirm_device_key("db1", next, 105)) << "a change may be taken back";
  EXPECT_FALSE(store->insert_device_key(certificate('9', 120, key))) << "all have expired";
}

TEST_P(EngineTest, ARemovedDeviceStaysRemoved) {
  auto store = create();
  const std::string key(64, 'c'), other(64, 'd');
  DeviceCertificate first{"db1", std::string(64, 'a'), "01", 1, 90, key, 0};
  ASSERT_TRUE(store->insert_device(first));
  ASSERT_TRUE(store->insert_device({"db2", std::string(64, 'b'), "02", 1, 90, key, 0}));
  EXPECT_EQ(store->remove_device("db3", 5).error().code, Code::not_found);
  ASSERT_TRUE(store->remove_device("db1", 5));
  EXPECT_EQ(store->remove_device("db1", 6).error().code, Code::not_found);
  EXPECT_EQ(store->list_devices()->at(0).removed_at_us, 5);
  EXPECT_EQ(store->list_devices()->at(1).removed_at_us, 0);
  EXPECT_EQ(store->insert_device(first).error().code, Code::conflict) << "this one never again";
  EXPECT_TRUE(store->insert_device({"db1", std::string(64, 'e'), "03", 7, 90, other, 0}));
  EXPECT_EQ(store->list_devices()->size(), 3u);
}

TEST_P(EngineTest, FactsAreWrittenOnce) {
  auto store = create();
  EXPECT_EQ(*store->meta("server_id"), std::nullopt);
  ASSERT_TRUE(store->set_meta("server_id", "one"));
  ASSERT_TRUE(store->set_meta("server_id", "one"));
  EXPECT_EQ(store->set_meta("server_id", "two").error().code, Code::conflict);
  EXPECT_EQ(*store->meta("server_id"), "one");
}

TEST_P(EngineTest, AFactChangesForWhoHasReadIt) {
  auto store = create();
  EXPECT_EQ(store->change_meta("custody", "1", "2").error().code, Code::conflict);
  ASSERT_TRUE(store->change_meta("custody", std::nullopt, "2"));
  EXPECT_EQ(store->change_meta("custody", std::nullopt, "3").error().code, Code::conflict);
  EXPECT_EQ(store->change_meta("custody", "1", "3").error().code, Code::conflict);
  EXPECT_EQ(*store->meta("custody"), "2");
  ASSERT_TRUE(store->change_meta("custody", "2", "3"));
  EXPECT_EQ(*store->meta("custody"), "3");
}

TEST_P(EngineTest, ThreadsShareIt) {
  auto store = create();
  std::vector<std::thread> threads;
  for (Byte t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (Byte i = 0; i < 10; ++i) {
        Byte id = static_cast<Byte>(t * 10 + i);
        EXPECT_TRUE(store->insert_key(make_key("key-" + std::to_string(id), id)));
        EXPECT_TRUE(store->load_keys());
        EXPECT_TRUE(store->insert({0, "text", "author", "", 0}));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store->load_keys()->size(), 40u);
  EXPECT_EQ((*store->latest())->number, 40u);
  EXPECT_TRUE(store->check());
}

NAE_IN_EVERY_ENGINE(EngineTest);

}  // namespace
}  // namespace nae::store
