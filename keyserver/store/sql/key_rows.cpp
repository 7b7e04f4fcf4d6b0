#include "keyserver/store/sql/key_rows.hpp"

#include <algorithm>
#include <functional>

#include "libnae/base/text.hpp"

namespace nae::store::sql {
namespace {

tl::unexpected<Error> damaged(const Bytes& id) {
  return fail(Code::store_corrupt, "the store has a key of no known kind, id " + to_hex(id));
}

// Names with blanks between them: a hand that reads the file sees what is allowed.
std::string joined(const auto& values) {
  std::string text;
  for (auto value : values) text += (text.empty() ? "" : " ") + std::string(nae::name(value));
  return text;
}

// False when the text names something that this build does not know: dropping it in silence could
// widen what the key may do.
template <class T>
bool split(std::string_view text, std::optional<T> (*named)(std::string_view),
           std::vector<T>& into) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const auto value = named(text.substr(0, end));
    if (!value) return false;
    into.push_back(*value);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

constexpr std::string_view kKeyColumns =
    "id, name, type, k.created_at_us, protection, owner, description, actions, algorithms,"
    " rotate_after_days, rotate_after_uses";
constexpr int kKeyColumnCount = 11;
constexpr std::string_view kVersionColumns =
    "number, state, v.created_at_us, changed_at_us, wrapped, token_object, public_key, origin,"
    " check_value, binding";

// The columns of kKeyColumns.
Result<keys::Key> read_key(const Statement& row) {
  keys::Key key;
  Bytes id = row.blob(0);
  auto type = key_type_from_number(static_cast<std::uint8_t>(row.integer(2)));
  auto protection = keys::protection_from_number(row.integer(4));
  if (id.size() != kKeyIdBytes || !type || number_of(*type) != row.integer(2) || !protection)
    return damaged(id);
  std::copy(id.begin(), id.end(), key.id.bytes.begin());
  key.name = row.text(1);
  key.type = *type;
  key.created_at_us = row.integer(3);
  key.protection = *protection;
  key.attributes.owner = row.text(5);
  key.attributes.description = row.text(6);
  if (!split(row.text(7), action_from_name, key.attributes.actions) ||
      !(takes_cipher_mode(key.type) ? split(row.text(8), cipher_from_name, key.attributes.modes)
        : takes_decryption_scheme(key.type)
            ? split(row.text(8), decryption_from_name, key.attributes.decryptions)
            : split(row.text(8), scheme_from_name, key.attributes.algorithms)))
    return damaged(id);
  key.attributes.rotate_after_days = static_cast<std::uint32_t>(row.integer(9));
  key.attributes.rotate_after_uses = row.integer(10);
  return key;
}

// The columns from `first` on, as kVersionColumns has them; the ranges are constraints of the
// schema.
keys::Version read_version(const Statement& row, int first) {
  keys::Version version;
  version.number = static_cast<std::uint16_t>(row.integer(first));
  version.state = static_cast<keys::State>(row.integer(first + 1));
  version.created_at_us = row.integer(first + 2);
  version.changed_at_us = row.integer(first + 3);
  version.material = {row.blob(first + 4), row.text(first + 5), row.blob(first + 6)};
  version.binding = {static_cast<keys::Origin>(row.integer(first + 7)), row.blob(first + 8),
                     row.blob(first + 9)};
  return version;
}

keys::Key* key_of(std::vector<keys::Key>& keys, const Bytes& id) {
  const auto found =
      std::ranges::lower_bound(keys, ByteView(id), std::ranges::lexicographical_compare,
                               [](const keys::Key& key) { return ByteView(key.id.bytes); });
  return found != keys.end() && std::ranges::equal(found->id.bytes, id) ? &*found : nullptr;
}

Result<void> read_labels(Database& database, std::vector<keys::Key>& keys) {
  NAE_ASSIGN(Statement rows, database.query("SELECT key_id, name, value FROM key_labels"));
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return {};
    if (keys::Key* key = key_of(keys, rows.blob(0)))
      key->attributes.labels.emplace(rows.text(1), rows.text(2));
  }
}

// Changes the version of a row that begins with key_id and number; nothing where there is none.
void change_version(std::vector<keys::Key>& keys, const Statement& row,
                    const std::function<void(keys::Version&)>& change) {
  keys::Key* key = key_of(keys, row.blob(0));
  const keys::Version* found =
      key ? key->version(static_cast<std::uint16_t>(row.integer(1))) : nullptr;
  if (!found) return;
  keys::Version version = *found;
  change(version);
  const auto index = static_cast<std::size_t>(
      std::ranges::lower_bound(key->versions, version.number, {}, &keys::Version::number) -
      key->versions.begin());
  key->versions.replace(index, std::move(version));
}

Result<void> read_certificates(Database& database, std::vector<keys::Key>& keys) {
  NAE_ASSIGN(Statement rows, database.query("SELECT key_id, number, chain FROM key_certificates"));
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return {};
    change_version(keys, rows,
                   [&](keys::Version& version) { version.certificates = rows.blob(2); });
  }
}

Result<void> read_schedule(Database& database, std::vector<keys::Key>& keys) {
  NAE_ASSIGN(Statement rows,
             database.query("SELECT key_id, number, state, at_us, steady_us FROM schedule"
                            " ORDER BY at_us, state"));
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return {};
    change_version(keys, rows, [&](keys::Version& version) {
      version.schedule.push_back(
          {static_cast<keys::State>(rows.integer(2)), rows.integer(3), rows.integer(4)});
    });
  }
}

}  // namespace

Result<std::vector<keys::Key>> read_keys(Database& database) {
  NAE_ASSIGN(
      Statement rows,
      database.query("SELECT " + std::string(kKeyColumns) + ", " + std::string(kVersionColumns) +
                     " FROM keys k JOIN versions v ON v.key_id = k.id ORDER BY id, number"));
  std::vector<keys::Key> keys;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) break;
    if (keys.empty() || !std::ranges::equal(keys.back().id.bytes, rows.blob(0))) {
      NAE_ASSIGN(keys::Key key, read_key(rows));
      keys.push_back(std::move(key));
    }
    keys.back().versions.push_back(read_version(rows, kKeyColumnCount));
  }
  NAE_TRY(read_labels(database, keys));
  NAE_TRY(read_schedule(database, keys));
  NAE_TRY(read_certificates(database, keys));
  return keys;
}

Result<std::optional<keys::Key>> read_key_row(Database& database, ByteView id) {
  std::optional<keys::Key> key;
  {
    NAE_ASSIGN(
        Statement row,
        database.query("SELECT " + std::string(kKeyColumns) + " FROM keys k WHERE id = ?1", id));
    NAE_ASSIGN(bool found, row.step());
    if (!found) return std::nullopt;
    NAE_ASSIGN(key, read_key(row));
  }
  NAE_ASSIGN(Statement labels,
             database.query("SELECT name, value FROM key_labels WHERE key_id = ?1", id));
  while (true) {
    NAE_ASSIGN(bool row, labels.step());
    if (!row) return key;
    key->attributes.labels.emplace(labels.text(0), labels.text(1));
  }
}

Result<std::optional<keys::Version>> read_version_row(Database& database, const KeyVersionId& id) {
  std::optional<keys::Version> version;
  {
    NAE_ASSIGN(Statement row, database.query("SELECT " + std::string(kVersionColumns) +
                                                 " FROM versions v WHERE key_id = ?1"
                                                 " AND number = ?2",
                                             ByteView(id.key.bytes), number_of(id.version)));
    NAE_ASSIGN(bool found, row.step());
    if (!found) return std::nullopt;
    version = read_version(row, 0);
  }
  NAE_ASSIGN(Statement steps,
             database.query("SELECT state, at_us, steady_us FROM schedule"
                            " WHERE key_id = ?1 AND number = ?2 ORDER BY at_us, state",
                            ByteView(id.key.bytes), number_of(id.version)));
  while (true) {
    NAE_ASSIGN(bool row, steps.step());
    if (!row) return version;
    version->schedule.push_back(
        {static_cast<keys::State>(steps.integer(0)), steps.integer(1), steps.integer(2)});
  }
}

Result<std::optional<Bytes>> read_certificates_row(Database& database, const KeyVersionId& id) {
  NAE_ASSIGN(Statement row, database.query("SELECT chain FROM key_certificates"
                                           " WHERE key_id = ?1 AND number = ?2",
                                           ByteView(id.key.bytes), number_of(id.version)));
  NAE_ASSIGN(bool found, row.step());
  if (!found) return std::nullopt;
  return row.blob(0);
}

Result<void> insert_key_row(Database& database, const keys::Key& key) {
  NAE_TRY(
      database.execute("INSERT INTO keys (id, name, type, created_at_us, protection, owner,"
                       " description, actions, algorithms, rotate_after_days,"
                       " rotate_after_uses)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, '', '', '', '', 0, 0)",
                       ByteView(key.id.bytes), std::string_view(key.name), number_of(key.type),
                       key.created_at_us, number_of(key.protection)));
  if (key.attributes == keys::Attributes{}) return {};
  return write_attributes(database, key.id, key.attributes);
}

Result<void> insert_version_row(Database& database, const KeyId& key,
                                const keys::Version& version) {
  NAE_TRY(database.execute(
      "INSERT INTO versions (key_id, number, state, created_at_us, changed_at_us, wrapped,"
      " token_object, public_key, origin, check_value, binding)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
      ByteView(key.bytes), number_of(version.number), number_of(version.state),
      version.created_at_us, version.changed_at_us, ByteView(version.material.wrapped),
      std::string_view(version.material.token_object), ByteView(version.material.public_key),
      number_of(version.binding.origin), ByteView(version.binding.check_value),
      ByteView(version.binding.signature)));
  // From the beginning more is set aside than one tick can use unseen.
  NAE_TRY(write_usage(database,
                      {.id = {key, version.number}, .reserved_uses = keys::kLeastReservedUses}));
  if (version.schedule.empty()) return {};
  return write_schedule(database, {key, version.number}, version.schedule);
}

Result<void> write_schedule(Database& database, const KeyVersionId& version,
                            const std::vector<keys::Step>& schedule) {
  NAE_TRY(database.execute("DELETE FROM schedule WHERE key_id = ?1 AND number = ?2",
                           ByteView(version.key.bytes), number_of(version.version)));
  for (const keys::Step& step : schedule)
    NAE_TRY(
        database.execute("INSERT INTO schedule (key_id, number, state, at_us, steady_us)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)",
                         ByteView(version.key.bytes), number_of(version.version),
                         number_of(step.state), step.at_us, step.steady_us));
  return {};
}

Result<void> write_certificates(Database& database, const KeyVersionId& version, ByteView chain) {
  if (chain.empty())
    return database.execute("DELETE FROM key_certificates WHERE key_id = ?1 AND number = ?2",
                            ByteView(version.key.bytes), number_of(version.version));
  return database.execute(
      "INSERT INTO key_certificates (key_id, number, chain) VALUES (?1, ?2, ?3)"
      " ON CONFLICT (key_id, number) DO UPDATE SET chain = excluded.chain",
      ByteView(version.key.bytes), number_of(version.version), chain);
}

Result<void> write_usage(Database& database, const keys::UsageCount& count) {
  return database.execute(
      "INSERT INTO usage (key_id, number, uses, reserved_uses, reads, last_use_at_us,"
      " last_read_at_us, salts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
      " ON CONFLICT (key_id, number) DO UPDATE SET uses = excluded.uses,"
      " reserved_uses = excluded.reserved_uses, reads = excluded.reads,"
      " last_use_at_us = excluded.last_use_at_us, last_read_at_us = excluded.last_read_at_us,"
      " salts = excluded.salts",
      ByteView(count.id.key.bytes), number_of(count.id.version), count.uses, count.reserved_uses,
      count.reads, count.last_use_at_us, count.last_read_at_us, count.salts);
}

Result<void> write_attributes(Database& database, const KeyId& key,
                              const keys::Attributes& attributes) {
  NAE_TRY(database.execute(
      "UPDATE keys SET owner = ?2, description = ?3, actions = ?4, algorithms = ?5,"
      " rotate_after_days = ?6, rotate_after_uses = ?7 WHERE id = ?1",
      ByteView(key.bytes), std::string_view(attributes.owner),
      std::string_view(attributes.description), std::string_view(joined(attributes.actions)),
      std::string_view(!attributes.modes.empty()        ? joined(attributes.modes)
                       : attributes.decryptions.empty() ? joined(attributes.algorithms)
                                                        : joined(attributes.decryptions)),
      number_of(attributes.rotate_after_days), attributes.rotate_after_uses));
  if (database.changes() == 0) return fail(Code::not_found, "no such key in the store");
  NAE_TRY(database.execute("DELETE FROM key_labels WHERE key_id = ?1", ByteView(key.bytes)));
  for (const auto& [name, value] : attributes.labels)
    NAE_TRY(database.execute("INSERT INTO key_labels (key_id, name, value) VALUES (?1, ?2, ?3)",
                             ByteView(key.bytes), std::string_view(name), std::string_view(value)));
  return {};
}

}  // namespace nae::store::sql
