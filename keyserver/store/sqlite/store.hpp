// The store in one SQLite file.
#pragma once

#include <filesystem>
#include <memory>

#include "keyserver/store/sql/store.hpp"

namespace nae::store::sqlite {

class Store final : public sql::Store {
 public:
  // Makes a new store, mode 0600. Code::already_initialised when the file exists.
  static Result<std::unique_ptr<Store>> create(const std::filesystem::path& path);
  // Opens, checks and migrates. Code::not_initialised when the file does not exist,
  // Code::store_corrupt when it is damaged or no store, Code::store_version when a newer server
  // wrote it.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& path);

  using sql::Store::Store;
};

}  // namespace nae::store::sqlite
