// DecryptedValues: what one run of a query has decrypted, by what is stored. Expressions that are
// evaluated again and again over the same values, in a sub-select or a nested loop, ask the key
// server once for each.
//
// What was decided for one role is not gone by for another, nor under another policy, nor for
// longer than kMostAgeMs: then all is forgotten, and wiped. The memory is the query's, and is wiped
// with it.
#pragma once

#include "libnae/wire/crypto_message.hpp"
#include "pg_nae/pg/agent_link.hpp"
#include "pg_nae/pg/arena.hpp"
#include "pg_nae/pg/identity.hpp"

namespace nae::columns {

// How a stored value was read, and found to belong to what asks: by the same function with the same
// key it need not be read again. Left empty it is as no other.
struct ReadAs {
  const void* how = nullptr;  // only compared
  Datum second = 0;           // the function's second argument, 0 without one

  bool is_same(const ReadAs& other) const {
    return how != nullptr && how == other.how && second == other.second;
  }
};

struct DecryptedValue {
  wire::ItemResult result;
  ByteView bytes;
  ReadAs read_as = {};
  bool is_text = false;  // known to be text of the database as it is
};

// Values by what they are found by: bytes that nobody can choose freely, as ciphertexts are.
class ValueTable {
 public:
  struct Entry {
    std::uint32_t hash;
    ByteView key;
    DecryptedValue value;
    std::uint64_t number;  // for whoever has added it
    Entry* follower;       // likewise: what was found after this one
  };

  // Memory of `context`, but for the entries: they are the arena's.
  void create(MemoryContext context, pg::Arena& arena);
  static std::uint32_t hash_of(ByteView key);
  Entry* find(std::uint32_t hash, ByteView key) const;
  // The key is not there yet; its bytes live as long as the arena's.
  Entry& add(std::uint32_t hash, ByteView key);
  bool holds_any() const { return count_ != 0; }
  // The arena has been reset.
  void clear();

 private:
  void grow();

  MemoryContext context_;
  pg::Arena* arena_;
  Entry** slots_;
  std::size_t capacity_;  // a power of two
  std::size_t count_;
};

class DecryptedValues {
 public:
  // Those of the query whose memory `query` is; nullptr when nothing may be kept for it: it is not
  // being run, or nae.batch is off.
  static DecryptedValues* of(MemoryContext query);

  // To be called before find(), in the name of who asks. Raises what keeps these roles from asking.
  void ask_as(const pg::StatementRoles& roles);
  bool find(ByteView stored, DecryptedValue& value);
  // What was kept with the same `read_as`.
  bool find_read(ByteView stored, const ReadAs& read_as, DecryptedValue& value);
  // What was asked for since ask_as().
  void keep(ByteView stored, const DecryptedValue& value);
  bool holds_any() const { return generations_[newer_].table.holds_any(); }
  // Another number once what was found before must not be gone by any more.
  std::uint64_t serial() const { return serial_; }
  // Values beyond this are not kept.
  std::size_t max_value_bytes() const;

  // Longest time, in which a policy's hours may end.
  static constexpr std::int64_t kMostAgeMs = 10'000;

 private:
  // When the newer one is full it takes the older one's place, which is forgotten.
  struct Generation {
    pg::Arena arena;
    ValueTable table;
    ValueTable::Entry* last;  // that was found

    void reset();
    ValueTable::Entry* find_next(ByteView stored);
    ValueTable::Entry* find(std::uint32_t hash, ByteView stored);
  };
  void create(MemoryContext query);
  void forget();
  // Of whichever generation has it; nullptr when none has.
  const DecryptedValue* look_up(ByteView stored);
  void keep_in(Generation& generation, std::uint32_t hash, ByteView stored,
               const DecryptedValue& value);

  DecryptedValues* next_;
  MemoryContext query_;
  MemoryContextCallback at_end_;
  Generation generations_[2];
  int newer_;
  pg::StatementRoles roles_;
  pg::Standing standing_;
  std::int64_t began_ms_;
  std::uint64_t serial_;
};

// A query is run, or not any more: nullptr.
MemoryContext running_query();
void set_running_query(MemoryContext query);

}  // namespace nae::columns
