#include "pg_nae/pg/hidden_text.hpp"

namespace nae::pg {
namespace {

constexpr char kHint[] =
    "The text could quote a value of an encrypted column. A superuser may SET nae.hide_values = "
    "off to see it.";
constexpr char kNoText[] = "the statement failed over values of encrypted columns";

bool is(const char* text, const char* expected) {
  return text != nullptr && std::strcmp(text, expected) == 0;
}

bool begins(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix);
}

bool is_of_class(const ErrorData& error, const char* sqlstate_class) {
  return std::strncmp(unpack_sql_state(error.sqlerrcode), sqlstate_class, 2) == 0;
}

// Raised by this library, whose own messages hold no value.
bool is_ours(const ErrorData& error) {
  return is_of_class(error, "NE") || is(error.domain, TEXTDOMAIN);
}

// RAISE and ASSERT of PL/pgSQL: the text is what a person wrote it to be.
bool is_raised_by_user(const ErrorData& error) {
  return is(error.filename, "pl_exec.c") &&
         (is(error.funcname, "exec_stmt_raise") || is(error.funcname, "exec_stmt_assert"));
}

// Cancelled, deadlocked, out of room, read-only: about the server's state, not about values.
bool is_about_the_server(const ErrorData& error) {
  for (const char* sqlstate_class : {"08", "25", "40", "53", "57"})
    if (is_of_class(error, sqlstate_class)) return true;
  return error.sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
         error.sqlerrcode == ERRCODE_OBJECT_IN_USE ||
         error.sqlerrcode == ERRCODE_STATEMENT_TOO_COMPLEX;
}

// Types of columns that do not fit each other: such messages and details name types and columns.
bool is_about_types(const ErrorData& error) {
  return error.sqlerrcode == ERRCODE_DATATYPE_MISMATCH;
}

// Messages that name a table, a column and a constraint; the row is in their details.
bool names_objects_only(const ErrorData& error) {
  return is_of_class(error, "23") || (error.sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE &&
                                      is(error.funcname, "aclcheck_error"));
}

bool keeps_text(const ErrorData& error, ValuesAtHand at_hand) {
  if (is(error.hint, kHint)) return true;  // taken out already
  if (is_ours(error) || is_raised_by_user(error)) return true;
  if (is_about_the_server(error) || is_about_types(error)) return true;
  // Without decryption, what a row holds of an encrypted column is ciphertext.
  return names_objects_only(error) && !at_hand.decrypted;
}

// The format that the message was made from, "..." in the place of each value. Formats are
// constants of a program; PostgreSQL's build and that of extensions warn of others.
char* format_alone(const char* format) {
  if (format == nullptr || std::strcmp(format, "%s") == 0) return pstrdup(kNoText);
  StringInfoData text;
  initStringInfo(&text);
  for (const char* c = format; *c != '\0'; ++c) {
    if (*c != '%') {
      appendStringInfoChar(&text, *c);
      continue;
    }
    ++c;
    c += std::strspn(c, "0123456789$#-+ '.*hlqjzt");
    if (*c == '\0') break;
    appendStringInfoString(&text, *c == '%' ? "%" : "...");
  }
  return text.data;
}

// One line of context without what it quotes; empty when it is not known what it says.
std::string_view known_line(std::string_view line) {
  for (std::string_view prefix :
       {"PL/pgSQL function ", "SQL function \"", "PL/Perl function \"", "PL/Python function \"",
        "while ", "parallel worker", "encrypted column "})
    if (begins(line, prefix)) return line;
  for (std::string_view what :
       {"SQL statement", "SQL expression", "PL/pgSQL expression", "PL/pgSQL assignment"})
    if (begins(line, what)) return what;
  // "COPY t, line 1, column c: "value"", "JSON data, line 1: ..."
  if (begins(line, "COPY ") || begins(line, "JSON data, line ")) {
    std::size_t number = line.find(", line ");
    return number == line.npos ? "" : line.substr(0, line.find(": ", number));
  }
  return "";
}

std::string_view take_line(std::string_view& rest) {
  std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

char* known_context(const char* context) {
  StringInfoData text;
  initStringInfo(&text);
  for (std::string_view rest = context; !rest.empty();) {
    std::string_view line = take_line(rest);
    std::string_view known = known_line(line);
    // What is quoted may have lines of its own, which say anything.
    const bool quotes = known != line && line.find('"') != line.npos && !begins(line, "JSON");
    for (bool open = quotes && !line.ends_with('"'); open && !rest.empty();)
      open = !take_line(rest).ends_with('"');
    if (known.empty()) continue;
    if (text.len > 0) appendStringInfoChar(&text, '\n');
    appendBinaryStringInfo(&text, known.data(), static_cast<int>(known.size()));
  }
  return text.data;
}

bool hide_context(ErrorData& error) {
  if (error.context == nullptr) return false;
  char* known = known_context(error.context);
  if (std::strcmp(known, error.context) == 0) return false;
  error.context = known[0] == '\0' ? nullptr : known;
  return true;
}

}  // namespace

bool hide_values(ErrorData& error, ValuesAtHand at_hand) {
  // An inner statement had values, and the outer ones quote that statement.
  if (!at_hand.any && !is(error.hint, kHint)) return false;
  bool changed = hide_context(error);
  if (error.internalquery != nullptr) {
    error.internalquery = nullptr;
    error.internalpos = 0;
    changed = true;
  }
  if (keeps_text(error, at_hand)) return changed;
  if (!names_objects_only(error)) error.message = format_alone(error.message_id);
  error.detail = nullptr;
  error.detail_log = nullptr;
  error.hint = pstrdup(kHint);
  return true;
}

}  // namespace nae::pg
