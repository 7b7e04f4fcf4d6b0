#include "keyserver/setup/move_store.hpp"

#include <vector>

#include "keyserver/store/postgresql/schema.hpp"
#include "keyserver/store/postgresql/tables.hpp"
#include "keyserver/store/sql/ledger_rows.hpp"
#include "keyserver/store/sqlite/schema.hpp"

namespace nae::setup {
namespace {

using store::Item;
using store::sql::Database;
using store::sql::Statement;
using store::sql::Value;

// Every table that both engines have, those first that others refer to. A column's first letter
// says what it holds: a number, a text or bytes.
struct Table {
  std::string_view name;
  std::vector<std::string_view> columns;
};
const Table kTables[] = {
    {"meta", {"t name", "t value"}},
    {"keys",
     {"b id", "t name", "n type", "n created_at_us", "n protection", "t owner", "t description",
      "t actions", "t algorithms", "n rotate_after_days", "n rotate_after_uses"}},
    {"key_labels", {"b key_id", "t name", "t value"}},
    {"versions",
     {"b key_id", "n number", "n state", "n created_at_us", "n changed_at_us", "b wrapped",
      "t token_object", "b public_key", "n origin", "b check_value", "b binding"}},
    {"schedule", {"b key_id", "n number", "n state", "n at_us", "n steady_us"}},
    {"usage",
     {"b key_id", "n number", "n uses", "n reserved_uses", "n reads", "n last_use_at_us",
      "n last_read_at_us", "n salts"}},
    {"usage_closed", {"n closed"}},
    {"policies",
     {"n number", "t text", "t author", "t comment", "n created_at_us", "n pruned_at_us",
      "t text_sha256"}},
    {"audit_head", {"n one", "n seq", "b hash"}},
    {"admins", {"t name", "n created_at_us", "t key_sha256"}},
    {"admin_roles", {"t admin", "t role"}},
    {"admin_certificates",
     {"t fingerprint", "t admin", "t serial", "n issued_at_us", "n expires_at_us"}},
    {"approvals",
     {"t id", "t operation", "t action", "t method", "t target", "t content_type", "t body",
      "t base", "t digest", "t requested_by", "t fingerprint", "n requested_at_us",
      "n expires_at_us", "n state", "n status", "t answer"}},
    {"approval_decisions", {"t approval", "n number", "t who", "n verdict", "t digest", "n at_us"}},
    {"devices",
     {"t fingerprint", "t name", "t serial", "n issued_at_us", "n expires_at_us", "t key_sha256",
      "n removed_at_us"}},
    {"limit_counts",
     {"t counter", "t device", "n invented", "n window_seconds", "b counts", "n expires_at_us"}},
    {"trusted_time",
     {"n one", "n steady_us", "n trusted_us", "n boot_us", "t boot_id", "n doubted"}},
    {"ledger", {"n epoch", "b bytes", "b mac"}},
    {"ledger_snapshots", {"n epoch", "b bytes", "b mac"}},
};

Result<void> copy(Database& from, Database& to, const Table& table) {
  std::string columns, places;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    columns += (i > 0 ? ", " : "") + std::string(table.columns[i].substr(2));
    places += (i > 0 ? ", ?" : "?") + std::to_string(i + 1);
  }
  const std::string name(table.name);
  const std::string insert = "INSERT INTO " + name + " (" + columns + ") VALUES (" + places + ")";
  NAE_ASSIGN(Statement rows, from.query("SELECT " + columns + " FROM " + name));
  while (true) {
    NAE_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    std::vector<std::string> texts(table.columns.size());
    std::vector<Bytes> blobs(table.columns.size());
    std::vector<Value> values;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const int column = static_cast<int>(i);
      switch (table.columns[i].front()) {
        case 'n':
          values.emplace_back(rows.integer(column));
          break;
        case 't':
          values.emplace_back(std::string_view(texts[i] = rows.text(column)));
          break;
        default:
          values.emplace_back(ByteView(blobs[i] = rows.blob(column)));
      }
    }
    NAE_TRY(to.execute_with(insert, values));
  }
}

struct Whole {
  std::vector<Item> items;
  std::uint64_t changes = 0;
  store::LedgerHash chained{};  // over all changes and their codes
  store::LedgerHash newest{};
};

Result<Whole> read_whole(Database& database) {
  Whole whole;
  NAE_TRY(store::sql::for_each_item(database, [&](Item item) -> Result<void> {
    whole.items.push_back(std::move(item));
    return {};
  }));
  NAE_ASSIGN(Statement rows, database.query("SELECT bytes, mac FROM ledger ORDER BY epoch"));
  while (true) {
    NAE_ASSIGN(const bool row, rows.step());
    if (!row) return whole;
    Bytes chained(whole.chained.begin(), whole.chained.end());
    const Bytes bytes = rows.blob(0), mac = rows.blob(1);
    chained.insert(chained.end(), bytes.begin(), bytes.end());
    chained.insert(chained.end(), mac.begin(), mac.end());
    whole.chained = crypto::sha256(chained);
    whole.newest = store::hash_of(bytes);
    ++whole.changes;
  }
}

bool same(const Item& one, const Item& other) {
  return one.noun == other.noun && one.identity == other.identity && one.content == other.content;
}

}  // namespace

Result<MovedStore> move_store(const std::filesystem::path& file,
                              const store::postgresql::Target& target, const std::string& node) {
  NAE_ASSIGN(const auto from, store::sqlite::Database::open(file));
  NAE_TRY(store::sqlite::check_soundness(*from));
  NAE_ASSIGN(const std::int64_t schema, from->schema());
  if (schema != from->newest_schema())
    return fail(Code::store_version, "the store is of an older release",
                "Start the key server once with it: it brings it to this release.");
  NAE_ASSIGN(const auto to, store::postgresql::Database::open(target));
  to->write_unfenced();
  NAE_TRY(store::postgresql::begin_schema(*to));
  // Rolled back by the end of the connection, whatever happens before the commit.
  NAE_TRY(to->execute("INSERT INTO nodes (number, name) VALUES (1, ?1)", std::string_view(node)));
  NAE_TRY(to->execute("DELETE FROM usage_closed"));
  for (const Table& table : kTables) NAE_TRY(copy(*from, *to, table));
  NAE_ASSIGN(const Whole before, read_whole(*from));
  NAE_ASSIGN(const Whole after, read_whole(*to));
  if (!std::ranges::equal(before.items, after.items, same) || before.changes != after.changes ||
      before.chained != after.chained)
    return fail(Code::store_corrupt, "the copy of the store is not the store");
  NAE_TRY(store::postgresql::finish_schema(*to));
  return MovedStore{after.items.size(), after.changes, after.newest};
}

}  // namespace nae::setup
