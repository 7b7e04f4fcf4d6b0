#include "pg_nae/columns/declared_key.hpp"

#include "pg_nae/columns/modifiers.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

struct Entry {
  ContextTag tag;
  std::string_view key;
};
// Declarations are never changed: what was found stays true.
HTAB* found_keys = nullptr;

Entry* entry_of(const ContextTag& tag, HASHACTION action) {
  if (found_keys == nullptr) {
    HASHCTL control{};
    control.keysize = sizeof(ContextTag);
    control.entrysize = sizeof(Entry);
    found_keys = hash_create("nae keys of tags", 64, &control, HASH_ELEM | HASH_BLOBS);
  }
  return static_cast<Entry*>(hash_search(found_keys, &tag, action, nullptr));
}

[[noreturn]] void raise_shared_tag() {
  pg::raise(Code::conflict, "columns of two keys have the same context tag",
            "Add or change the context of the one you declare now.");
}

struct Search {
  const ContextTag& tag;
  const char* key;
};

void compare(const Modifiers& declared, void* state) {
  auto& search = *static_cast<Search*>(state);
  if (tag_of(declared) != search.tag) return;
  if (search.key != nullptr && std::strcmp(search.key, declared.key) != 0) raise_shared_tag();
  search.key = declared.key;
}

// The last tag that has no columns. A statement that declares one is another command.
struct Missing {
  ContextTag tag;
  TimestampTz statement;
  CommandId command;
};
Missing missing;

bool is_missing(const ContextTag& tag) {
  return missing.statement == GetCurrentStatementStartTimestamp() &&
         missing.command == GetCurrentCommandId(false) && missing.tag == tag;
}

}  // namespace

std::string_view declared_key(const ContextTag& tag) {
  if (const Entry* entry = entry_of(tag, HASH_FIND)) return entry->key;
  if (is_missing(tag)) return {};
  Search search{tag, nullptr};
  each_declaration(compare, &search);
  if (search.key == nullptr) {
    missing = {tag, GetCurrentStatementStartTimestamp(), GetCurrentCommandId(false)};
    return {};
  }
  std::string_view key = MemoryContextStrdup(TopMemoryContext, search.key);
  entry_of(tag, HASH_ENTER)->key = key;
  return key;
}

void expect_tag_to_be_free(const ContextTag& tag, const char* key) {
  Search search{tag, key};
  each_declaration(compare, &search);
}

}  // namespace nae::columns
