// What a log says of the server's store: by its signed heads, and by the records behind the newest
// of them. docs/spec/ledger.md, "Against the audit log".
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {

// The event of a record that says how far the store had come, and its detail: "17 <hash>".
inline constexpr std::string_view kStoreEvent = "store-change";
std::string store_detail(const StorePoint& point);

struct KnownStore {
  StorePoint point;              // the furthest one; epoch 0: nothing is said
  std::string file;              // within the directory, that says so
  std::uint64_t newest_seq = 0;  // of the log's records; 0: there is none
  bool has_head = false;         // head.json is there and says how far the store had come
};

// Heads count when `public_key_pem` has signed them; the newest one by its record is the one that
// is taken, be it head.json or that of a closed segment, for an accepted rollback is a way back.
// Of the records behind it the furthest counts: whoever can write the log can add some, or take
// them away, but then has changed the log. Code::audit_broken when head.json is unreadable or was
// not signed by the key.
Result<KnownStore> known_store(const std::filesystem::path& directory,
                               std::string_view public_key_pem);

}  // namespace nae::audit
