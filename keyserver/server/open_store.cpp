#include "keyserver/server/open_store.hpp"

#include "keyserver/store/sqlite/store.hpp"

namespace nae::server {

Result<std::unique_ptr<store::Store>> open_store(const config::Config& config) {
  return store::sqlite::Store::open(config.store.path);
}

}  // namespace nae::server
