#include "keyserver/server/store_and_log.hpp"

#include "libnae/base/text.hpp"

namespace nae::server {

audit::StorePoint store_point(store::Ledger& ledger) {
  const store::LedgerPoint head = ledger.ledger_head();
  return {head.epoch, head.hash};
}

Result<std::optional<std::string>> behind_the_log(store::Ledger& ledger,
                                                  const std::filesystem::path& directory) {
  NAE_ASSIGN(const std::optional<audit::Head> head, audit::read_head(directory));
  if (!head || head->store.epoch == 0) return std::nullopt;
  const std::string known =
      "change " + std::to_string(head->store.epoch) + " (" + to_hex(head->store.hash) + ")";
  const std::uint64_t epoch = ledger.ledger_head().epoch;
  if (epoch < head->store.epoch)
    return "the store ends at change " + std::to_string(epoch) +
           " of its ledger, and the audit log's newest head knows " + known;
  NAE_ASSIGN(const std::optional<store::LedgerHash> hash, ledger.change_hash(head->store.epoch));
  if (hash && *hash == head->store.hash) return std::nullopt;
  return "the store has another change there than the audit log's newest head, which knows " +
         known;
}

Result<void> check_store_and_log(store::Ledger& ledger, const std::filesystem::path& directory) {
  NAE_ASSIGN(const std::optional<std::string> wrong, behind_the_log(ledger, directory));
  if (!wrong) return {};
  return fail(Code::store_rolled_back, *wrong,
              "An older copy of the store was put in its place. Bring back its newest one; if that "
              "is lost, see 'nae-keyserver accept-store-rollback'.");
}

}  // namespace nae::server
