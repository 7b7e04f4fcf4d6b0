#include "keyserver/store/postgresql/schema.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "keyserver/store/postgresql/tables.hpp"

namespace nae::store::postgresql {
namespace {

// All that can act on rows of a schema, or be taken for one of its tables: kind, name, meaning.
// Texts that the server makes name the schema in some places.
constexpr std::string_view kInventory = R"(
SELECT 'table', c.relname, concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity)
  FROM pg_class c WHERE c.relnamespace = ?1::text::regnamespace AND c.relkind NOT IN ('i', 'c')
UNION ALL
SELECT 'column', c.relname || '.' || a.attname,
    concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation,
      a.attgenerated, a.attidentity, a.attisdropped, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = ?1::text::regnamespace AND c.relkind <> 'i'
UNION ALL
SELECT 'constraint', c.relname || '.' || o.conname, replace(pg_get_constraintdef(o.oid), ?1 || '.', '')
  FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
  WHERE o.connamespace = ?1::text::regnamespace
UNION ALL
SELECT 'index', c.relname, concat_ws(' ', i.indisvalid, replace(pg_get_indexdef(c.oid), ?1 || '.', ''))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE c.relnamespace = ?1::text::regnamespace
UNION ALL
SELECT 'trigger', t.tgname, concat_ws(' ', c.relname, t.tgenabled, t.tgtype, p.proname,
    p.pronamespace = c.relnamespace, pg_get_expr(t.tgqual, t.tgrelid))
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE c.relnamespace = ?1::text::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'function', p.proname, concat_ws(' ', l.lanname, p.prosecdef, p.proargtypes, p.proconfig, p.prosrc)
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
  WHERE p.pronamespace = ?1::text::regnamespace
UNION ALL
SELECT 'rule', r.rulename, pg_get_ruledef(r.oid)
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
  WHERE c.relnamespace = ?1::text::regnamespace
UNION ALL
SELECT 'policy', p.polname, c.relname
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
  WHERE c.relnamespace = ?1::text::regnamespace
UNION ALL
SELECT 'child', i.inhrelid::regclass::text, c.relname
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
  WHERE c.relnamespace = ?1::text::regnamespace
UNION ALL
SELECT 'operator', o.oprname, o.oprleft || ' ' || o.oprright
  FROM pg_operator o WHERE o.oprnamespace = ?1::text::regnamespace
)";

using Entry = std::array<std::string, 3>;

Result<std::vector<Entry>> read_inventory(Database& database, std::string_view schema) {
  NAE_ASSIGN(sql::Statement rows, database.query(kInventory, schema));
  std::vector<Entry> entries;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) break;
    entries.push_back({rows.text(0), rows.text(1), rows.text(2)});
  }
  std::ranges::sort(entries);
  return entries;
}

// Of a new store, made beside the other one and taken back: what this server's PostgreSQL says of
// the tables, in the words of its own release.
Result<std::vector<Entry>> own_inventory(Database& database) {
  NAE_TRY(
      database.run_script("SAVEPOINT made; CREATE SCHEMA nae_store_as_made; SET LOCAL search_path "
                          "= nae_store_as_made;" +
                          tables() + guards()));
  NAE_ASSIGN(std::vector<Entry> made, read_inventory(database, "nae_store_as_made"));
  NAE_TRY(database.run_script("ROLLBACK TO SAVEPOINT made"));
  return made;
}

}  // namespace

std::int64_t newest_schema() {
  return kOldestSchema + static_cast<std::int64_t>(schema_steps().size());
}

Result<bool> has_store(Database& database) {
  NAE_ASSIGN(const std::int64_t there,
             database.integer("SELECT count(*) FROM pg_namespace WHERE nspname = 'nae_store'"));
  return there > 0;
}

Result<void> check_no_store(Database& database) {
  NAE_ASSIGN(const bool there, has_store(database));
  if (there)
    return fail(Code::already_initialised, "the database has a store, in its schema nae_store",
                "Give the key server a database of its own. If an init was interrupted that made "
                "this one, and nothing uses it: DROP SCHEMA nae_store CASCADE.");
  return {};
}

Result<void> begin_schema(Database& database) {
  NAE_TRY(check_no_store(database));
  NAE_TRY(database.begin_unlocked());
  return database.run_script("CREATE SCHEMA nae_store;" + tables());
}

Result<void> finish_schema(Database& database) {
  NAE_TRY(database.run_script(guards()));
  NAE_TRY(database.execute("INSERT INTO migrations (version) VALUES (?1)", newest_schema()));
  NAE_ASSIGN(const sql::Outcome outcome, database.commit());
  if (outcome == sql::Outcome::committed) return {};
  return fail(Code::store_unavailable, "store: whether it was made is not known",
              "Look whether the database has a schema nae_store before you try again.");
}

Result<void> upgrade_schema(Database& database) {
  NAE_ASSIGN(std::int64_t schema, database.schema());
  for (; schema < newest_schema(); ++schema) {
    NAE_TRY(database.run_script(schema_steps()[static_cast<std::size_t>(schema - kOldestSchema)]));
    NAE_TRY(database.execute("INSERT INTO migrations (version) VALUES (?1)", schema + 1));
  }
  return {};
}

Result<void> forget_ledger(Database& database) {
  // Dropping a table asks no trigger; making it anew keeps the triggers' promise for the next one.
  NAE_TRY(database.run_script(drop_ledger_tables()));
  return database.run_script(ledger_tables());
}

Result<std::int64_t> check_schema(Database& database) {
  NAE_ASSIGN(const std::vector<Entry> own, own_inventory(database));
  NAE_ASSIGN(const std::vector<Entry> found, read_inventory(database, "nae_store"));
  std::vector<Entry> wrong;
  std::ranges::set_symmetric_difference(own, found, std::back_inserter(wrong));
  if (wrong.empty()) return schema_mark(database);
  return fail(Code::store_corrupt,
              "the store's " + wrong.front()[0] + " " + wrong.front()[1] +
                  " is not as the key server makes it, or missing",
              "The store was changed past the key server. Bring back its last good backup, and "
              "find out who can write the database.");
}

// What a hand writes when it plants or changes what acts on rows, and VACUUM FULL, REINDEX and
// CLUSTER leave alone. The xmin of a row moves with each change, also one that was taken back, as a
// trigger's that was disabled for a while. REINDEX CONCURRENTLY writes the rows of constraints and
// of their triggers anew, for the index that has taken the place of the old one: of those the
// content alone counts, so what was taken back between two changes leaves no mark there. The
// ledger, which every row is compared with, is for that.
Result<std::int64_t> schema_mark(Database& database) {
  return database.integer(R"(
SELECT hashtextextended(string_agg(mark, ',' ORDER BY mark), 0) FROM (
  SELECT 't' || concat_ws('/', t.oid, t.tgrelid, t.tgname, t.tgfoid, t.tgtype, t.tgenabled, t.tgisinternal,
      t.tgconstrrelid, t.tgconstraint, t.tgdeferrable, t.tginitdeferred, t.tgattr, encode(t.tgargs, 'hex'),
      t.tgqual::text, t.tgoldtable, t.tgnewtable, CASE WHEN NOT t.tgisinternal THEN t.xmin END)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'nae_store'::regnamespace
  UNION ALL
  SELECT 'r' || concat_ws('/', r.oid, r.xmin) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = 'nae_store'::regnamespace
  UNION ALL
  SELECT 'p' || concat_ws('/', p.oid, p.xmin) FROM pg_proc p
    WHERE p.pronamespace = 'nae_store'::regnamespace
  UNION ALL
  SELECT 'c' || concat_ws('/', o.oid, o.conrelid, o.conname, o.contype, o.condeferrable, o.condeferred,
      o.convalidated, o.confrelid, o.confupdtype, o.confdeltype, o.confmatchtype, o.conkey, o.confkey,
      o.conpfeqop, o.conppeqop, o.conffeqop, o.conexclop, o.conbin::text)
    FROM pg_constraint o
    WHERE o.connamespace = 'nae_store'::regnamespace
  UNION ALL
  SELECT 'd' || concat_ws('/', d.oid, d.xmin) FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
    WHERE c.relnamespace = 'nae_store'::regnamespace
  UNION ALL
  SELECT 'i' || concat_ws('/', c.relname, c.relkind, c.relrowsecurity) FROM pg_class c
    WHERE c.relnamespace = 'nae_store'::regnamespace
) AS marks (mark))");
}

}  // namespace nae::store::postgresql
