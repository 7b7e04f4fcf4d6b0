#include "keyserver/server/offline_ledger.hpp"

#include "keyserver/setup/take_up_ledger.hpp"

namespace nae::server {

Result<void> take_up_ledger_if_there(store::Store& store, keys::Hsm& hsm) {
  NAE_ASSIGN(const bool exists, store.has_ledger());
  NAE_ASSIGN(const bool held, hsm.has_ledger());
  if (!exists && !held) return {};
  return setup::take_up_ledger(store, hsm).map([](const auto&) {});
}

}  // namespace nae::server
