// Batchable: which functions of the extension can be answered for many rows by one request, and how
// a call of each becomes an item of that request. The table has a row for each C symbol; a new
// function joins by a row, with its own `read` and `make` where its arguments are not plain.
#pragma once

#include "libnae/base/action.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/envelope/column_value.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "pg_nae/functions/crypto_call.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::batch {

struct Batchable;

// What one call asks for one row; views of the arguments or of the current memory context.
struct Item {
  std::string_view key;
  std::uint8_t algorithm = 0;
  ByteView value;
  ByteView second;    // signature or code
  ByteView aad;       // empty: none
  Oid result_type{};  // of the call; given
  ByteView stored;    // of a column's value: all of it
  Datum ready{};
};

enum class Reading : std::uint8_t {
  ask,    // the item is to be sent
  ready,  // nothing to ask: the result is Item::ready
  // The arguments are refused before anything is sent. The call itself is made when its row is
  // emitted, and raises what it always raises.
  defer,
};

// Reads the arguments of one row, none of them NULL. Must not raise for what the user passed.
using ReadItem = Reading (*)(const Batchable& how, std::span<const Datum> arguments, Item& item);
// What succeeded of one call.
struct Answer {
  wire::ItemResult result;
  ByteView bytes;
  std::span<const Datum> arguments;  // of the call
  char* memory;                      // room for a varlena of `bytes` and kSpareBytes more
};
constexpr std::size_t kSpareBytes = 16;
// Makes the result, in the memory given or the current memory context.
using MakeResult = Datum (*)(const Batchable& how, const Answer& answer);

constexpr int kNone = -1;

struct Batchable {
  std::string_view symbol;  // pg_proc.prosrc
  Action action;
  std::uint8_t algorithm = 0;
  // Positions of arguments; kNone where there is none. aad and scheme count when they were passed.
  int key = kNone;
  int item = 0;
  int second = kNone;
  int aad = kNone;
  int scheme = kNone;
  bool text_item = false;
  bool versioned = false;  // the key may be named with its version
  functions::ResultKind result = functions::ResultKind::bytes;
  ReadItem read = nullptr;     // nullptr: read_item() by the positions above
  MakeResult make = nullptr;   // nullptr: by `result`, as are whole texts
  PlainType plain{};           // of encrypted columns
  bool opens = false;          // shows a value of an encrypted column: columns/decrypted_values.hpp
  bool answers_fault = false;  // the result is what is wrong with the value, or NULL
};

// How calls of the function are batched, or nullptr. A function's catalog row is read once, until
// functions of this database change.
const Batchable* find_batchable(Oid function);

// Whether the function shows values of encrypted columns.
bool opens_column(Oid function);

// Whether a plan may mention such a function: the one test that every other statement pays. It
// answers yes for functions that nobody has looked at yet.
bool may_mention_batchable(const PlannedStmt* statement);

// After a yes for a plan in which nothing was found: learns of what is left of its functions, by
// reading all of pg_proc once, which takes some milliseconds.
void learn_mentioned(const PlannedStmt* statement);

// Whether a plan mentions such a function: the same, and what is not known yet is learnt.
bool mentions_batchable(const PlannedStmt* statement);

}  // namespace nae::batch
