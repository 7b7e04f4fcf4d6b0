// Rows of the tables about keys, read and written.
#pragma once

#include <optional>
#include <vector>

#include "keyserver/keys/key.hpp"
#include "keyserver/store/sql/database.hpp"

namespace nae::store::sql {

inline std::int64_t number_of(auto value) {
  return static_cast<std::int64_t>(value);
}

// Keys by id, whole. Code::store_corrupt for what no server wrote.
Result<std::vector<keys::Key>> read_keys(Database& database);

// One key without its versions; one version with its schedule. Nothing when there is none.
Result<std::optional<keys::Key>> read_key_row(Database& database, ByteView id);
Result<std::optional<keys::Version>> read_version_row(Database& database, const KeyVersionId& id);
// Of keys::Version::certificates, which read_version_row() leaves empty.
Result<std::optional<Bytes>> read_certificates_row(Database& database, const KeyVersionId& id);

// In the caller's transaction.
Result<void> insert_key_row(Database& database, const keys::Key& key);
Result<void> insert_version_row(Database& database, const KeyId& key, const keys::Version& version);
// Puts `schedule` in the place of what was scheduled for the version.
Result<void> write_schedule(Database& database, const KeyVersionId& version,
                            const std::vector<keys::Step>& schedule);
// An empty chain takes the row away.
Result<void> write_certificates(Database& database, const KeyVersionId& version, ByteView chain);
Result<void> write_usage(Database& database, const keys::UsageCount& count);
// Puts `attributes` into the key's row and in the place of its labels.
Result<void> write_attributes(Database& database, const KeyId& key,
                              const keys::Attributes& attributes);

}  // namespace nae::store::sql
