// Coding: what a blind index or a search index is of, as the trigger that keeps its codes says
// (install/0.2.0/blind_index.sql, search.sql).
#pragma once

#include <array>

#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// Of format 2. Texts are those of the trigger, in the database's encoding.
struct Coding {
  AttrNumber column;
  AttrNumber code_column;
  const char *column_name, *code_column_name;
  Oid function;         // of the trigger
  PlainType type;       // of the column
  Oid decrypt;          // what the function decrypts by
  const ColumnKey* of;  // the column's key
  std::string_view key;
  bool is_search;                  // codes are an int4[]
  std::string_view normalization;  // of a search index: its declaration
  std::string_view version;
  std::string_view context;
  std::string_view purpose;

  // What codes are of, in the order of the trigger's arguments.
  std::array<std::string_view, 5> words() const {
    return {key, normalization, version, context, purpose};
  }
  bool same_as(const Coding& other) const {
    return function == other.function && of == other.of && words() == other.words();
  }
  // Whether the trigger makes the same codes, in the name of the same role.
  bool is_of(const Trigger& trigger) const;
};

// The trigger that keeps the codes of the column's blind index, of either format; nullptr: it has
// none.
const Trigger* find_coding_trigger(Relation relation, AttrNumber column);

// All codings of format 2 whose triggers fire in this session, with one before them that takes
// codes which are known, in the order of the columns; memory,
// also of the texts, is the current context's. Pointers to Coding.
List* codings_of(Relation relation);
// The coding of a column's search index; false: it has none.
bool find_search(Relation relation, AttrNumber column, Coding& coding);
// The same as codings_of() without reading them.
bool has_codings(Relation relation);
// The trigger that fires and keeps the codes of the two columns that this one is on, or nullptr.
const Trigger* find_coding_trigger_beside(Relation relation, const Trigger& trigger);

}  // namespace nae::columns
