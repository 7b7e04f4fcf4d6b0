// /v1/backups: the whole store, for who was granted it by the custodians' cards.
#include "keyserver/admin/backups.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "libnae/crypto/base64.hpp"

namespace nae::admin {
namespace {

Result<Backups*> backups_of(const AdminCall& call) {
  if (call.parts.store.backups) return call.parts.store.backups;
  return fail(Code::unsupported, "this server makes no backups by itself",
              "A PostgreSQL backs itself up: see docs/operations.md, \"Back up\".");
}

}  // namespace

// Never without cards, whatever the configuration says: a backup is everything that the group has.
Result<void> may_back_up(const AdminCall& call) {
  if (call.parts.approval.rules.by_cards.contains(kBackupClass))
    return backups_of(call).map([](Backups*) {});
  return fail(Code::approval_required,
              "a backup is granted by custodians' cards, and none are named",
              "In the key server's [approval]: \"backup\" in required and by_cards, and custody.");
}

Result<Reply> make_backup(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(Backups* const backups, backups_of(call));
  NAE_ASSIGN(const MadeBackup made, backups->make(call.admin));
  call.audit_target = made.id;
  call.audit_digest = "backup:" + made.sha256;
  call.audit_detail = std::to_string(made.keys) + " keys, " + std::to_string(made.versions) +
                      " versions, " + std::to_string(made.bytes) + " bytes, opened again";
  return Reply{{{"backup", made.id},
                {"bytes", made.bytes},
                {"part_bytes", kBackupPartBytes},
                {"sha256", made.sha256},
                {"keys", made.keys},
                {"versions", made.versions}}};
}

Result<Reply> send_backup_part(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(Backups* const backups, backups_of(call));
  NAE_ASSIGN(const std::uint64_t number,
             whole_number(call.names.at(1), "the part's number", 0, UINT32_MAX));
  NAE_ASSIGN(const Bytes part, backups->part(call.names.at(0), call.admin, number));
  call.audit_detail = "part " + std::to_string(number);
  return Reply{{{"part", number}, {"data", crypto::to_base64(part)}}};
}

Result<Reply> forget_backup(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(Backups* const backups, backups_of(call));
  NAE_TRY(backups->forget(call.names.at(0), call.admin));
  return Reply{{{"backup", call.names.at(0)}}};
}

}  // namespace nae::admin
