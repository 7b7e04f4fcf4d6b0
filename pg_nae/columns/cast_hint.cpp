#include "pg_nae/columns/cast_hint.hpp"

#include "pg_nae/columns/plaintext.hpp"

namespace nae::columns {
namespace {

emit_log_hook_type previous_hook = nullptr;

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
      return true;
    default:
      return false;
  }
}

// PostgreSQL's analysis raised it: our own errors have hints of their own.
bool is_of_analysis(const ErrorData& error) {
  return error.filename != nullptr && std::strncmp(error.filename, "parse_", 6) == 0;
}

bool is_word(char c) {
  return c == '_' || std::isalnum(static_cast<unsigned char>(c));
}

// The encrypted type that the text names, as in "nae.enc_det_int4 <@ int4range". Without the
// catalogs: after an error they are not read.
const PlainTypeRow* named_type(const char* text) {
  constexpr std::string_view kPrefix = "enc_", kDeterministic = "det_";
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
      if (name == row.name) return &row;
  }
  return nullptr;
}

// text_array is text[] in SQL.
char* sql_name(const PlainTypeRow& row) {
  constexpr std::string_view kArray = "_array";
  std::string_view name = row.name;
  bool array = name.size() > kArray.size() && name.substr(name.size() - kArray.size()) == kArray;
  if (array) name.remove_suffix(kArray.size());
  return psprintf("%.*s%s", static_cast<int>(name.size()), name.data(), array ? "[]" : "");
}

char* hint_for(const ErrorData& error, const char* type) {
  if (error.sqlerrcode == ERRCODE_AMBIGUOUS_PARAMETER)
    return psprintf("Cast the parameter where it stands for the encrypted column, as in $1::%s.",
                    type);
  return psprintf("Cast the encrypted column to its plaintext type, as in name::%s.", type);
}

void look_at_error(ErrorData* error) {
  if (error->elevel == ERROR && is_of_types(error->sqlerrcode) && is_of_analysis(*error)) {
    const PlainTypeRow* row = named_type(error->message);
    if (row == nullptr) row = named_type(error->detail);
    if (row != nullptr) {
      MemoryContext before = MemoryContextSwitchTo(error->assoc_context);
      error->hint = hint_for(*error, sql_name(*row));
      MemoryContextSwitchTo(before);
    }
  }
  if (previous_hook != nullptr) previous_hook(error);
}

}  // namespace

void install_cast_hint() {
  previous_hook = emit_log_hook;
  emit_log_hook = look_at_error;
}

}  // namespace nae::columns
