#include "pg_nae/pg/report.hpp"

namespace nae::pg {
namespace {

int sqlstate_of(Code code) {
  const char* s = row(code).sqlstate;
  return MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4]);
}

// Messages come as UTF-8 from another process. What this database cannot show becomes '?': an
// error about an error message would hide the first.
char* shown(const char* text) {
  char* copy = pstrdup(text);
  int length = static_cast<int>(std::strlen(copy));
  bool as_it_is = GetDatabaseEncoding() == PG_UTF8 && pg_verify_mbstr(PG_UTF8, copy, length, true);
  for (char* c = copy; !as_it_is && *c != '\0'; ++c)
    if (static_cast<unsigned char>(*c) >= 0x80) *c = '?';
  return copy;
}

}  // namespace

void raise(const backend::Failure& failure, std::uint64_t item) {
  raise(failure.code, failure.message, failure.hint, item);
}

void raise(Code code, const char* message, const char* hint, std::uint64_t item) {
  if (hint == nullptr) hint = row(code).hint.data();  // the table holds literals
  char* text = shown(message);
  char* advice = shown(hint);
  if (item != 0)
    ereport(ERROR, (errcode(sqlstate_of(code)),
                    errmsg("item %llu: %s", static_cast<unsigned long long>(item), text),
                    advice[0] != '\0' ? errhint("%s", advice) : 0));
  ereport(ERROR, (errcode(sqlstate_of(code)), errmsg("%s", text),
                  advice[0] != '\0' ? errhint("%s", advice) : 0));
  pg_unreachable();
}

}  // namespace nae::pg
