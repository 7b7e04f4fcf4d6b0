// KnownCodes: the codes of values that are about to be written. They are asked for together, as the
// trigger of the blind index would ask for each, in the name of its function's owner; when a value
// is written its code is there (take_code.cpp). What could not be had is not there, and the trigger
// asks for it, or says why not.
//
// Where the statement has the plaintexts they are not decrypted again, once the owner was seen to
// read whole values in this statement: what he may do is the policy's to say, for each batch anew
// when that has changed.
//
// Found by the whole of a ciphertext, and gone with the statement. A code is that of its value for
// good; but for longer than kMostAgeMs nobody goes by who may have asked for it.
#pragma once

#include "pg_nae/columns/coding.hpp"
#include "pg_nae/columns/decrypted_values.hpp"
#include "pg_nae/pg/exchange.hpp"

namespace nae::columns {

// A stored value that is not NULL, and its canonical form where the statement has that.
struct WrittenValue {
  Datum stored;
  bool has_plaintext;
  ByteView plaintext;
};

// Zeroed memory of the statement, used for one batch after the other.
class KnownCodes {
 public:
  // Memory of the current context, which is the statement's; `coding` lives as long. `writer`:
  // who began it.
  void create(const Coding& coding, const pg::StatementRoles& writer);

  // Asks for the codes of values; those before are gone. Raises what no request survives; all other
  // failures are the trigger's to find again.
  void ask(std::span<const WrittenValue> values, pg::Traffic& traffic);
  // Whether asking is of any use: codes are kept, and not by a change of the column.
  bool may_ask();

  // Those that are asked for in the place of the trigger, or nullptr.
  static const KnownCodes* of(const Trigger& trigger);
  // The same by what codes are of: key, normalization, version, context and purpose.
  static const KnownCodes* of(std::span<const std::string_view> words);
  // The code of a stored value, a bytea, or an int4[] of a search index; nullptr: it is not known.
  // It lives until the next asking.
  const varlena* find(ByteView stored) const;

  // The one test that every other row pays.
  static bool are_any() { return all_ != nullptr; }

 private:
  struct Asked {
    ByteView envelope, aad;
    ValueTable::Entry* entry;
  };

  bool may_take_plaintexts() const;
  const ValueTable::Entry* look_up(ByteView stored) const;
  void gather(std::span<const WrittenValue> values);
  void open(pg::Traffic& traffic);
  char* room_for(ValueTable::Entry* entry, std::size_t bytes);
  void add_tokens(ValueTable::Entry* entry, ByteView canonical);
  void add_input(ValueTable::Entry* entry, ByteView canonical);
  void keep(ValueTable::Entry* entry, ByteView code);
  void code(pg::Traffic& traffic);

  static KnownCodes* all_;

  const Coding* coding_;
  std::string_view reference_;          // key and version
  std::string_view context_, purpose_;  // in UTF-8
  std::string_view declaration_;        // of a search index, in UTF-8
  std::uint32_t mark_;                  // of its codes
  bool is_refused_, is_settled_;        // settled: may_ask() knows
  pg::StatementRoles owner_;
  pg::Standing seen_reading_;  // of the owner, when he was
  pg::Arena arena_;
  ValueTable table_;
  pg::Exchange exchange_;
  MemoryContext memory_;  // of one asking
  std::int64_t opened_ms_, coded_ms_;
  KnownCodes* next_;
  MemoryContextCallback at_end_;

  // In the order of one asking, which is that of writing: the triggers of a row look twice for the
  // same, and those of the next one for the one after it.
  ValueTable::Entry *first_, *newest_;
  mutable ValueTable::Entry* last_found_;

  // Of one asking.
  Asked* asked_;
  std::size_t asked_count_, decrypted_count_;
  ByteView* inputs_;
  ValueTable::Entry** entries_;  // whose inputs
  std::size_t input_count_;
};

}  // namespace nae::columns
