#include "keyserver/setup/move_store.hpp"

#include <algorithm>
#include <string_view>
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

struct Column {
  std::string name, type;
};

// As the new tables have them: a column that is added needs no word here.
Result<std::vector<Column>> columns_of(Database& to, std::string_view table) {
  NAE_ASSIGN(Statement rows,
             to.query("SELECT column_name, data_type FROM information_schema.columns"
                      " WHERE table_schema = 'nae_store' AND table_name = ?1"
                      " ORDER BY ordinal_position",
                      table));
  std::vector<Column> columns;
  while (true) {
    NAE_ASSIGN(const bool row, rows.step());
    if (!row) return columns;
    columns.push_back({rows.text(0), rows.text(1)});
  }
}

// Every table that both engines have, those first that others refer to. What SQLite has and this
// one has not would show in the comparison.
Result<std::vector<std::string>> tables_of(Database& to) {
  NAE_ASSIGN(Statement rows, to.query(R"(
WITH RECURSIVE referring (oid, depth) AS (
  SELECT oid, 0 FROM pg_class WHERE relnamespace = 'nae_store'::regnamespace AND relkind = 'r'
  UNION
  SELECT o.conrelid, r.depth + 1 FROM referring r JOIN pg_constraint o
    ON o.confrelid = r.oid AND o.contype = 'f')
SELECT c.relname FROM referring r JOIN pg_class c ON c.oid = r.oid
  WHERE c.relname NOT IN ('migrations', 'writer', 'nodes', 'lease')
  GROUP BY c.relname ORDER BY max(r.depth), c.relname)"));
  std::vector<std::string> tables;
  while (true) {
    NAE_ASSIGN(const bool row, rows.step());
    if (!row) return tables;
    tables.push_back(rows.text(0));
  }
}

Result<void> copy(Database& from, Database& to, std::string_view table) {
  NAE_ASSIGN(const std::vector<Column> columns, columns_of(to, table));
  std::string names, places;
  for (const Column& column : columns) {
    names += (names.empty() ? "" : ", ") + column.name;
    places += places.empty() ? "?1" : ", ?" + std::to_string(std::ranges::count(places, '?') + 1);
  }
  const std::string name(table);
  const std::string insert = "INSERT INTO " + name + " (" + names + ") VALUES (" + places + ")";
  NAE_ASSIGN(Statement rows, from.query("SELECT " + names + " FROM " + name));
  while (true) {
    NAE_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    std::vector<std::string> texts(columns.size());
    std::vector<Bytes> blobs(columns.size());
    std::vector<Value> values;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const int column = static_cast<int>(i);
      if (columns[i].type == "bigint")
        values.emplace_back(rows.integer(column));
      else if (columns[i].type == "text")
        values.emplace_back(std::string_view(texts[i] = rows.text(column)));
      else
        values.emplace_back(ByteView(blobs[i] = rows.blob(column)));
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
  NAE_ASSIGN(const std::vector<std::string> tables, tables_of(*to));
  for (const std::string& table : tables) NAE_TRY(copy(*from, *to, table));
  NAE_ASSIGN(const Whole before, read_whole(*from));
  NAE_ASSIGN(const Whole after, read_whole(*to));
  if (!std::ranges::equal(before.items, after.items, same) || before.changes != after.changes ||
      before.chained != after.chained)
    return fail(Code::store_corrupt, "the copy of the store is not the store");
  NAE_TRY(store::postgresql::finish_schema(*to));
  return MovedStore{after.items.size(), after.changes, after.newest};
}

}  // namespace nae::setup
