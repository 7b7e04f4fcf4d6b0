#include "pg_nae/pg/report.hpp"

#include "pg_nae/pg/encoding.hpp"

namespace nae::pg {

int sqlstate_of(Code code) noexcept {
  const char* s = row(code).sqlstate;
  return MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4]);
}

void raise(const backend::Failure& failure, std::uint64_t item) {
  raise(failure.code, failure.message, failure.hint, item);
}

void raise(Code code, const char* message, const char* hint, std::uint64_t item) {
  if (hint == nullptr) hint = row(code).hint.data();  // the table holds literals
  // Texts come as UTF-8 from another process; an error about an error message would hide the first.
  char* text = shown_from_utf8(message);
  char* advice = shown_from_utf8(hint);
  if (item != 0)
    ereport(ERROR, (errcode(sqlstate_of(code)),
                    errmsg("item %llu: %s", static_cast<unsigned long long>(item), text),
                    advice[0] != '\0' ? errhint("%s", advice) : 0));
  ereport(ERROR, (errcode(sqlstate_of(code)), errmsg("%s", text),
                  advice[0] != '\0' ? errhint("%s", advice) : 0));
  pg_unreachable();
}

void raise_at(Code code, const char* message, const char* hint, const char* text, int location) {
  bool known =
      text != nullptr && location >= 0 && static_cast<std::size_t>(location) < std::strlen(text);
  ereport(ERROR, (errcode(sqlstate_of(code)), errmsg("%s", message), errhint("%s", hint),
                  known ? errposition(pg_mbstrlen_with_len(text, location) + 1) : 0));
  pg_unreachable();
}

}  // namespace nae::pg
