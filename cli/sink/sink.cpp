#include "cli/sink/sink.hpp"

#include <algorithm>

#include "cli/sink/schema.hpp"
#include "keyserver/audit/archive.hpp"
#include "keyserver/audit/encode.hpp"
#include "keyserver/audit/query.hpp"
#include "libnae/base/text.hpp"

namespace nae::sink {
namespace {

constexpr std::size_t kCopyBytes = 64u << 10;

// As append_row() writes them: tables that were made by older programs have them in another order.
constexpr char kCopyRecords[] =
    "COPY nae_audit.record (source, seq, \"time\", event, device, program, database, role,"
    " session_role, login_role, client_address, application_name, user_issuer, \"user\", action, "
    "key,"
    " key_version, items, failed_items, verdict, reason, rule, query_id, repeated, admin, target,"
    " detail, hash, membership, digest) FROM STDIN";

void append_column(std::string& row, std::string_view text) {
  append_copy_text(row, text);
  row += '\t';
}
// A member that this kind of record does not have is null.
void append_column(std::string& row, std::string_view text, bool present) {
  if (present)
    append_column(row, text);
  else
    row += "\\N\t";
}

void append_row(std::string& rows, const std::string& source, const audit::StoredRecord& record,
                const audit::Hash& hash) {
  const bool request = record.event == "request", admin = record.event == "admin";
  append_column(rows, source);
  append_column(rows, std::to_string(record.seq));
  std::string time;
  audit::append_time(time, record.time_us);
  append_column(rows, time);
  append_column(rows, record.event);
  append_column(rows, record.device, request);
  append_column(rows, record.program, request);
  append_column(rows, record.database, request);
  append_column(rows, record.role, request);
  append_column(rows, record.session_role, request);
  append_column(rows, record.login_role, request);
  append_column(rows, record.client_address, request || admin);
  append_column(rows, record.application_name, request);
  append_column(rows, record.user_issuer, !record.user_issuer.empty());
  append_column(rows, record.user, !record.user_issuer.empty());
  append_column(rows, record.action, request || admin);
  append_column(rows, record.key, request);
  append_column(rows, std::to_string(record.key_version), request);
  append_column(rows, std::to_string(record.items), request);
  append_column(rows, std::to_string(record.failed_items), request);
  append_column(rows, record.verdict, request || admin);
  append_column(rows, record.reason, request || admin);
  append_column(rows, record.rule, request);
  append_column(rows, std::to_string(record.query_id), request);
  append_column(rows, std::to_string(record.repeated), request);
  append_column(rows, record.admin, admin);
  append_column(rows, record.target, admin);
  append_column(rows, record.detail, !request && record.event != "segment");
  append_column(rows, to_hex(hash));
  append_column(rows, record.membership, !record.membership.empty());
  append_column(rows, record.digest, !record.digest.empty());
  rows.back() = '\n';
}

}  // namespace

Result<void> Sink::create() {
  NAE_ASSIGN(auto database, Database::open(options_.conninfo));
  return database->run(kSchema);
}

Result<void> Sink::connect() {
  if (database_) return {};
  NAE_ASSIGN(auto database, Database::open(options_.conninfo));
  // Commits wait for the disk whatever the server's default is: the position must not run ahead.
  NAE_TRY(database->run("SET synchronous_commit = on"));
  NAE_TRY(
      database->query("INSERT INTO nae_audit.position (source, seq, hash) "
                      "VALUES ($1, 0, repeat('0', 64)) ON CONFLICT DO NOTHING",
                      {options_.source}));
  NAE_ASSIGN(auto rows, database->query("SELECT seq, hash FROM nae_audit.position "
                                        "WHERE source = $1",
                                        {options_.source}));
  audit::ChainPoint point;
  NAE_ASSIGN(Bytes hash, from_hex(rows.at(0).at(1)));
  if (hash.size() != point.hash.size())
    return fail(Code::conflict, "the position in nae_audit.position has no hash");
  point.seq = std::stoull(rows.at(0).at(0));
  std::ranges::copy(hash, point.hash.begin());
  if (point.seq == 0) {
    NAE_ASSIGN(point, beginning());
    NAE_TRY(
        database->query("UPDATE nae_audit.position SET seq = $2, hash = $3 WHERE source = $1 "
                        "AND seq = 0",
                        {options_.source, std::to_string(point.seq), to_hex(point.hash)}));
  }
  reader_ = std::make_unique<audit::ChainReader>(options_.directory, point);
  database_ = std::move(database);
  return {};
}

// Of a log whose oldest segments were archived: where the audit key says that they end.
Result<audit::ChainPoint> Sink::beginning() const {
  NAE_ASSIGN(const auto mark, audit::read_archive_mark(options_.directory));
  if (!mark) return audit::ChainPoint{};
  NAE_ASSIGN(const bool good, audit::is_signed_by(*mark, options_.public_key_pem));
  if (!good)
    return fail(Code::audit_broken, "audit log: the archive mark was not signed by its audit key");
  return mark->point;
}

// What was read but not committed is read again, from where the database says.
void Sink::disconnect() {
  reader_.reset();
  database_.reset();
}

Result<std::uint64_t> Sink::ship() {
  auto ship_all = [this]() -> Result<std::uint64_t> {
    NAE_TRY(connect());
    NAE_ASSIGN(std::vector<audit::Head> heads, reader_->heads(options_.public_key_pem));
    std::uint64_t records = 0;
    for (const audit::Head& head : heads) {
      NAE_ASSIGN(std::uint64_t shipped, ship_to(head));
      records += shipped;
    }
    return records;
  };
  auto shipped = ship_all();
  if (!shipped) disconnect();
  return shipped;
}

// One transaction for what one head signs: at most a segment.
Result<std::uint64_t> Sink::ship_to(const audit::Head& head) {
  const std::uint64_t before = reader_->point().seq;
  NAE_TRY(database_->run("BEGIN"));
  NAE_ASSIGN(auto position, database_->query("SELECT seq FROM nae_audit.position "
                                             "WHERE source = $1 FOR UPDATE",
                                             {options_.source}));
  if (position.size() != 1 || position[0][0] != std::to_string(before))
    return fail(Code::server_unavailable, "another sink has shipped records of " + options_.source,
                "run one sink for each log");
  NAE_TRY(copy_records(head));
  NAE_TRY(
      database_->query("UPDATE nae_audit.position SET seq = $2, hash = $3, shipped_at = now() "
                       "WHERE source = $1",
                       {options_.source, std::to_string(head.point.seq), to_hex(head.point.hash)}));
  NAE_TRY(database_->run("COMMIT"));
  return head.point.seq - before;
}

Result<void> Sink::copy_records(const audit::Head& head) {
  NAE_TRY(database_->begin_copy(kCopyRecords));
  std::string rows;
  auto add = [&](std::string_view line, const audit::Hash& hash) -> Result<void> {
    NAE_ASSIGN(audit::StoredRecord record, audit::parse_record(line));
    append_row(rows, options_.source, record, hash);
    if (rows.size() < kCopyBytes) return {};
    NAE_TRY(database_->copy(rows));
    rows.clear();
    return {};
  };
  NAE_TRY(reader_->read_to(head, add));
  if (!rows.empty()) NAE_TRY(database_->copy(rows));
  return database_->end_copy();
}

}  // namespace nae::sink
