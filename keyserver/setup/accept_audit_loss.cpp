#include "keyserver/setup/accept_audit_loss.hpp"

#include <unistd.h>

#include "keyserver/audit/archive.hpp"
#include "keyserver/audit/directory_lock.hpp"
#include "keyserver/audit/head.hpp"
#include "keyserver/audit/log.hpp"
#include "keyserver/audit/verify.hpp"
#include "keyserver/audit/witness.hpp"
#include "keyserver/setup/reason.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/text.hpp"

namespace nae::setup {
namespace {

using Path = std::filesystem::path;

// Of the log itself; the public key and the lock stay.
bool is_log_file(const Path& file) {
  const std::string name = file.filename().string();
  return name.starts_with(audit::kHeadFile) || name.starts_with(audit::kArchiveFile) ||
         (name.starts_with("audit-") && name.find(".jsonl") != std::string::npos) ||
         (name.starts_with("audit-") && name.find(audit::kHeadFile) != std::string::npos);
}

Result<Path> move_remains(const Path& directory, std::int64_t time_us) {
  std::error_code error;
  std::vector<Path> remains;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->is_regular_file() && is_log_file(entry->path())) remains.push_back(entry->path());
  if (error) return fail(Code::file_failed, "cannot read " + directory.string());
  if (remains.empty()) return Path();
  Path aside = directory / ("lost-" + std::to_string(time_us));
  std::filesystem::create_directory(aside, error);
  for (const Path& file : remains)
    if (!error) std::filesystem::rename(file, aside / file.filename(), error);
  if (error)
    return fail(Code::file_failed,
                "cannot move the log to " + aside.string() + ": " + error.message());
  return aside;
}

std::string describe(const std::optional<audit::ChainPoint>& kept, const audit::VerifyReport& found,
                     const std::string& reason) {
  std::string text = "accepted by uid " + std::to_string(::getuid()) + ": " + reason + "; ";
  if (kept)
    text += std::string(audit::kLostPoint) + std::to_string(kept->seq) + " (" + to_hex(kept->hash) +
            "), ";
  else
    text += "the store knew of no signed record, ";
  text += "of it " + std::to_string(found.records) + " records were found, the newest " +
          std::to_string(found.last.seq);
  if (!found.intact()) text += ", with " + std::to_string(found.findings_total) + " faults";
  return text;
}

Result<void> begin_chain(const Path& directory, const std::string& detail) {
  audit::LogOptions options;
  options.directory = directory;
  options.durability = audit::Durability::fsync;
  NAE_ASSIGN(auto log, audit::Log::open(std::move(options)));
  audit::Batch batch;
  batch.add(audit::EventRecord{unix_time_us(), audit::kLossEvent, detail});
  batch.add(audit::EventRecord{unix_time_us(), "stopped", "nae-keyserver accept-audit-loss"});
  return log->append(batch);
}

}  // namespace

Result<AcceptedLoss> accept_audit_loss(audit::HeadKeeper& store, const Path& directory,
                                       const std::string& reason) {
  NAE_TRY(check_reason(reason));
  AcceptedLoss accepted;
  {
    NAE_ASSIGN(audit::SharedFile lock, audit::lock_directory(directory));
    NAE_ASSIGN(std::optional<audit::ChainPoint> kept, store.kept_head());
    NAE_ASSIGN(audit::VerifyReport found, audit::verify(directory));
    if (found.intact() && (!kept || kept->seq <= found.last.seq))
      return fail(Code::conflict, "nothing of the audit log is lost",
                  "start the server; if it refuses the log, nae audit verify says why");
    accepted.detail = describe(kept, found, reason);
    NAE_ASSIGN(accepted.moved_to, move_remains(directory, unix_time_us()));
  }
  // The store last: until then a server refuses to start, so that no chain can begin without the
  // record of what was lost.
  NAE_TRY(begin_chain(directory, accepted.detail));
  NAE_TRY(store.forget_head());
  return accepted;
}

}  // namespace nae::setup
