#include "keyserver/server/store_and_log.hpp"

#include "keyserver/audit/head.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::server {

audit::StorePoint store_point(store::Ledger& ledger) {
  const store::LedgerPoint head = ledger.ledger_head();
  return {head.epoch, head.hash};
}

Result<LogOfStore> log_of_store(const std::filesystem::path& directory, keys::Hsm& hsm) {
  LogOfStore log;
  log.directory = directory;
  NAE_ASSIGN(const Bytes spki, hsm.public_key_of(keys::ServerKey::audit));
  NAE_ASSIGN(log.public_key_pem, crypto::public_key_to_pem(spki));
  NAE_ASSIGN(log.ledger_held, hsm.has_ledger());
  return log;
}

Result<std::optional<std::string>> behind_the_log(store::Ledger& ledger, const LogOfStore& log) {
  NAE_ASSIGN(const audit::KnownStore known, audit::known_store(log.directory, log.public_key_pem));
  if (known.point.epoch != 0) {
    const std::string said = (log.directory / known.file).string() + " knows change " +
                             std::to_string(known.point.epoch) + " (" + to_hex(known.point.hash) +
                             ")";
    const std::uint64_t epoch = ledger.ledger_head().epoch;
    if (epoch < known.point.epoch)
      return "the store ends at change " + std::to_string(epoch) + " of its ledger, and " + said;
    NAE_ASSIGN(const auto hash, ledger.change_hash(known.point.epoch));
    if (!hash || *hash != known.point.hash)
      return "the store has another change there than the audit log: " + said;
  }
  if (!log.ledger_held || known.has_head || known.newest_seq <= kRecordsWithoutHead)
    return std::nullopt;
  return (log.directory / audit::kHeadFile).string() +
         " is missing or says nothing of the store, and the HSM knows that the store has a ledger: "
         "nothing tells whether this is the newest store";
}

Result<void> check_store_and_log(store::Ledger& ledger, const LogOfStore& log) {
  NAE_ASSIGN(const std::optional<std::string> wrong, behind_the_log(ledger, log));
  if (!wrong) return {};
  return fail(Code::store_rolled_back, *wrong,
              "An older copy of the store or of the log's head was put in its place, or the head "
              "was taken away. Bring back the newest of both; if that is lost, see "
              "'nae-keyserver accept-store-rollback'.");
}

}  // namespace nae::server
