// For tests: a store in a directory of its own, and keys to put into it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "keyserver/store/sqlite/schema.hpp"
#include "keyserver/store/sqlite/store.hpp"

namespace nae::store::sqlite {

namespace fs = std::filesystem;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    char name[] = "/tmp/nae-store-XXXXXX";
    directory_ = ::mkdtemp(name);
    path_ = directory_ / "store.db";
  }
  ~StoreTest() override { fs::remove_all(directory_); }

  std::unique_ptr<Store> create() {
    auto store = Store::create(path_);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  std::unique_ptr<Store> reopen() {
    auto store = Store::open(path_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  Code open_failure() {
    auto store = Store::open(path_);
    return store ? Code::internal : store.error().code;
  }
  // A file of an older server, with an active version of two keys and a destroyed one.
  void create_of_schema(std::int64_t schema) {
    std::ofstream{path_};
    auto database = Database::open(path_);
    ASSERT_TRUE(database);
    ASSERT_TRUE(migrate(**database, schema));
    auto run = (*database)->run_script(R"(
INSERT INTO keys VALUES (x'010203040506', 'old', 2, 1700000000000000, 1, 'crm', '', '', '', 90, 0);
INSERT INTO keys VALUES (x'020304050607', 'other', 24, 1700000000000000, 1, '', '', '', '', 0, 0);
INSERT INTO versions (key_id, number, state, created_at_us, changed_at_us, wrapped, token_object,
                      public_key)
  VALUES (x'010203040506', 1, 5, 1, 2, x'', '', x''),
         (x'010203040506', 2, 2, 3, 0, x'77617070656432', '', x''),
         (x'020304050607', 1, 2, 3, 0, x'77617070656433', '', x'707562');
INSERT INTO usage (key_id, number, uses, reserved_uses, reads, last_use_at_us, last_read_at_us)
  VALUES (x'010203040506', 2, 5, 9, 7, 1, 2);
INSERT INTO meta VALUES ('server_id', 'one');
)");
    ASSERT_TRUE(run) << run.error().message;
  }
  // Runs SQL past the store, as a hand in the file would.
  void tamper(const char* sql) {
    auto database = Database::open(path_);
    ASSERT_TRUE(database);
    auto run = (*database)->run_script(sql);
    ASSERT_TRUE(run) << run.error().message;
  }
  bool files_contain(std::string_view text) {
    for (const auto& entry : fs::directory_iterator(directory_)) {
      std::ifstream in(entry.path(), std::ios::binary);
      std::string all((std::istreambuf_iterator<char>(in)), {});
      if (all.find(text) != std::string::npos) return true;
    }
    return false;
  }

  fs::path directory_;
  fs::path path_;
};

inline Bytes bytes_of(std::string_view text) {
  return Bytes(text.begin(), text.end());
}

inline keys::Version make_version(std::uint16_t number,
                                  std::string_view material = "wrapped-material") {
  return {number, keys::State::active, 1'700'000'000'000'000, {bytes_of(material), "", {}}};
}

inline keys::Key make_key(std::string name, Byte id = 1) {
  return {{{id, 2, 3, 4, 5, 6}},
          std::move(name),
          KeyType::aes_256_gcm,
          1'700'000'000'000'000,
          {make_version(1)}};
}

}  // namespace nae::store::sqlite
