#include "pg_nae/columns/cast_hint.hpp"

#include <algorithm>

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/plaintext.hpp"

namespace nae::columns {
namespace {

bool is_of_types(int sqlstate) {
  switch (sqlstate) {
    case ERRCODE_UNDEFINED_FUNCTION:
    case ERRCODE_AMBIGUOUS_FUNCTION:
    case ERRCODE_DATATYPE_MISMATCH:
    case ERRCODE_CANNOT_COERCE:
    case ERRCODE_WRONG_OBJECT_TYPE:
    case ERRCODE_INDETERMINATE_DATATYPE:
    case ERRCODE_INDETERMINATE_COLLATION:
    case ERRCODE_AMBIGUOUS_PARAMETER:
    case ERRCODE_UNDEFINED_OBJECT:  // an array's type: of encrypted arrays there is none
      return true;
    default:
      return false;
  }
}

// PostgreSQL's analysis raised it: our own errors have hints of their own. Not of a type's name
// that means none.
bool is_of_analysis(const ErrorData& error) {
  return error.filename != nullptr && std::strncmp(error.filename, "parse_", 6) == 0 &&
         std::strcmp(error.filename, "parse_type.c") != 0;
}

// These want an array, and do not name the encrypted one, which is none to PostgreSQL.
bool wants_array(const ErrorData& error) {
  constexpr const char* kMessages[] = {"op ANY/ALL (array) requires array on right side",
                                       "VARIADIC argument must be an array",
                                       "could not find array type for data type %s"};
  return error.message_id != nullptr &&
         std::any_of(std::begin(kMessages), std::end(kMessages), [&error](const char* message) {
           return std::strcmp(error.message_id, message) == 0;
         });
}

bool is_word(char c) {
  return c == '_' || std::isalnum(static_cast<unsigned char>(c));
}

constexpr std::string_view kArray = "_array";

bool is_array(const PlainTypeRow& row) {
  return std::string_view(row.name).ends_with(kArray);
}

// The encrypted type that the text names, as in "nae.enc_det_int4 <@ int4range"; an array before
// an element, which needs no cast beside a plaintext array. Without the catalogs: after an error
// they are not read.
const PlainTypeRow* named_type(const char* text) {
  constexpr std::string_view kPrefix = "enc_", kDeterministic = "det_";
  const PlainTypeRow* found = nullptr;
  if (text == nullptr) return nullptr;
  for (const char* at = std::strstr(text, kPrefix.data()); at != nullptr;
       at = std::strstr(at + 1, kPrefix.data())) {
    if (at != text && is_word(at[-1])) continue;
    std::string_view name(at + kPrefix.size());
    name = name.substr(0, static_cast<std::size_t>(
                              std::find_if_not(name.begin(), name.end(), is_word) - name.begin()));
    if (name.substr(0, kDeterministic.size()) == kDeterministic)
      name.remove_prefix(kDeterministic.size());
    for (const PlainTypeRow& row : kPlainTypes)
      if (name == row.name && (found == nullptr || is_array(row))) found = &row;
  }
  return found;
}

// text_array is text[] in SQL.
char* sql_name(const PlainTypeRow& row) {
  std::string_view name = row.name;
  if (is_array(row)) name.remove_suffix(kArray.size());
  return psprintf("%.*s%s", static_cast<int>(name.size()), name.data(), is_array(row) ? "[]" : "");
}

// nullptr where an encrypted type has no part in the error.
char* hint_for(const ErrorData& error) {
  if (wants_array(error))  // it names no type
    return knows_column_types() ? pstrdup(
                                      "An encrypted array takes a cast to its plaintext type "
                                      "here, as in name::text[].")
                                : nullptr;
  const PlainTypeRow* row = named_type(error.message);
  if (row == nullptr) row = named_type(error.detail);
  if (row == nullptr || !may_have_column_types()) return nullptr;
  if (error.sqlerrcode == ERRCODE_AMBIGUOUS_PARAMETER)
    return psprintf("Cast the parameter where it stands for the encrypted column, as in $1::%s.",
                    sql_name(*row));
  return psprintf("Cast the encrypted column to its plaintext type, as in name::%s.",
                  sql_name(*row));
}

// Schema nae is named in a database where it is not. "nae" stands in quotes of whatever language.
bool misses_schema(const ErrorData& error) {
  return error.sqlerrcode == ERRCODE_UNDEFINED_SCHEMA && error.hint == nullptr &&
         error.message != nullptr && std::strstr(error.message, "\"nae\"") != nullptr;
}

void look_at_error(ErrorData* error) {
  if (error->elevel == ERROR && misses_schema(*error))
    error->hint = MemoryContextStrdup(
        error->assoc_context,
        "Encrypted columns come with release 0.2.0 of the extension: ALTER EXTENSION pg_nae "
        "UPDATE; or CREATE EXTENSION pg_nae, where it is not in this database.");
  if (error->elevel == ERROR && is_of_types(error->sqlerrcode) && is_of_analysis(*error)) {
    MemoryContext before = MemoryContextSwitchTo(error->assoc_context);
    if (char* hint = hint_for(*error)) error->hint = hint;
    MemoryContextSwitchTo(before);
  }
  cast_hint_hook.next(error);
}

}  // namespace

pg::Hook<emit_log_hook_type> cast_hint_hook{look_at_error, nullptr};

}  // namespace nae::columns
