#include "pg_nae/pg/error_scope.hpp"

#include "pg_nae/pg/settings.hpp"

namespace nae::pg {
namespace {

std::uint64_t decryption_count = 0;
std::uint64_t query_count = 0;
std::uint64_t count_at_start = 0;  // of what the client sent last
TimestampTz started_at = 0;
// The last error that a scope has looked at and left as it was.
const char* judged_file = nullptr;  // kept_name()
int judged_line = 0;

// Of the text, when it is made; memory that outlives FlushErrorState().
MemoryContext room() {
  static MemoryContext context = nullptr;
  if (context == nullptr)
    context = AllocSetContextCreate(TopMemoryContext, "nae hidden errors", ALLOCSET_SMALL_SIZES);
  return context;
}

// Names of files, functions and domains are pointed to as long as an error lives, and those of a
// copy live as long as the copy. There are as many as places that raise.
struct Name {
  Name* next;
  char text[FLEXIBLE_ARRAY_MEMBER];
};
Name* kept_names = nullptr;

const char* kept_name(const char* text) {
  if (text == nullptr) return nullptr;
  for (const Name* name = kept_names; name != nullptr; name = name->next)
    if (std::strcmp(name->text, text) == 0) return name->text;
  std::size_t bytes = std::strlen(text) + 1;
  auto* name =
      static_cast<Name*>(MemoryContextAlloc(TopMemoryContext, offsetof(Name, text) + bytes));
  std::memcpy(name->text, text, bytes);
  name->next = kept_names;
  kept_names = name;
  return name->text;
}

// Digests of the texts of bound statements.
HTAB* bound_statements = nullptr;
constexpr long kMostBoundStatements = 10000;

std::uint64_t digest_of(const char* text) {
  return hash_bytes_extended(reinterpret_cast<const unsigned char*>(text),
                             static_cast<int>(std::strlen(text)), 0);
}

bool is_bound_statement(const char* text) {
  if (text == nullptr || bound_statements == nullptr) return false;
  std::uint64_t digest = digest_of(text);
  return hash_search(bound_statements, &digest, HASH_FIND, nullptr) != nullptr;
}

ValuesAtHand values_of(const ErrorScope& scope) {
  bool decrypted = decryption_count != count_at_start;
  bool planned = scope.plans && query_count != scope.queries;
  return {scope.at_hand || planned || decrypted, decrypted};
}

// errmsg() and its like set the fields of the report that is being made. A field that was there
// cannot be taken back, and says so.
void change_report(const ErrorData& changed, bool had_detail) {
  errmsg_internal("%s", changed.message);
  if (changed.hint != nullptr) errhint("%s", changed.hint);
  if (had_detail && changed.detail == nullptr) errdetail_internal("Not shown.");
}

void look_at_error(void* state);

const ErrorScope* innermost() {
  for (ErrorContextCallback* one = error_context_stack; one != nullptr; one = one->previous)
    if (one->callback == look_at_error) return static_cast<const ErrorScope*>(one->arg);
  return nullptr;
}

// Raises the error anew, as it is now; the contexts outside of this scope are still to come.
[[noreturn]] void raise_instead(const ErrorScope& scope, ErrorData* error) {
  error_context_stack = scope.callback.previous;
  error->filename = kept_name(error->filename);
  error->funcname = kept_name(error->funcname);
  error->domain = kept_name(error->domain);
  FlushErrorState();
  ThrowErrorData(error);
  pg_unreachable();
}

void look_at_error(void* state) {
  const auto& scope = *static_cast<const ErrorScope*>(state);
  ValuesAtHand at_hand = values_of(scope);
  // Without memory there is nothing to make a text of, and nothing that quotes.
  if (!settings.hide_values || geterrcode() == ERRCODE_OUT_OF_MEMORY) return;
  MemoryContext before = MemoryContextSwitchTo(room());
  MemoryContextReset(CurrentMemoryContext);
  ErrorData* error = CopyErrorData();
  bool had_detail = error->detail != nullptr;
  const int level = error->elevel;
  bool looked_at = level == NOTICE || level == WARNING || level == ERROR;
  bool changed = looked_at && hide_values(*error, at_hand);
  MemoryContextSwitchTo(before);
  if (level == ERROR) {
    judged_file = kept_name(error->filename);
    judged_line = error->lineno;
    if (changed) raise_instead(scope, error);
  } else if (changed) {
    change_report(*error, had_detail);
  }
}

void push(ErrorScope& scope) {
  // The outermost scope is no measure: in a trigger that was deferred to COMMIT each statement is
  // one.
  if (started_at != GetCurrentStatementStartTimestamp()) {
    started_at = GetCurrentStatementStartTimestamp();
    count_at_start = decryption_count;
  }
  if (innermost() == nullptr) judged_file = nullptr;
  scope.callback = {error_context_stack, look_at_error, &scope};
  error_context_stack = &scope.callback;
}

ValuesAtHand values_outside() {
  bool decrypted =
      started_at == GetCurrentStatementStartTimestamp() && decryption_count != count_at_start;
  return {decrypted || is_bound_statement(debug_query_string), decrypted};
}

// A statement of the client's that cannot be analyzed, also where one before it in the same message
// has decrypted: what is quoted are the client's own words.
bool is_of_own_words(const ErrorData& error) {
  return innermost() == nullptr && error.context == nullptr && error.internalquery == nullptr &&
         ERRCODE_TO_CATEGORY(error.sqlerrcode) == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION;
}

// What was raised outside of every scope, by a trigger that was deferred to COMMIT or a parameter
// that cannot be read; and the context of notices, to which a callback can only add.
void look_at_log(ErrorData* error) {
  const int level = error->elevel;
  const bool judged = judged_file != nullptr && error->filename != nullptr &&
                      error->lineno == judged_line &&
                      std::strcmp(error->filename, judged_file) == 0;
  if (settings.hide_values && (level == NOTICE || level == WARNING || level == ERROR) &&
      error->sqlerrcode != ERRCODE_OUT_OF_MEMORY && !(level == ERROR && judged) &&
      !is_of_own_words(*error)) {
    const ErrorScope* scope = innermost();
    MemoryContext before = MemoryContextSwitchTo(error->assoc_context);
    hide_values(*error, scope != nullptr ? values_of(*scope) : values_outside());
    MemoryContextSwitchTo(before);
  }
  if (level == ERROR) judged_file = nullptr;
  log_hook.next(error);
}

}  // namespace

void enter(ErrorScope& scope, bool at_hand, const PlannedStmt* statement) {
  scope = {{}, at_hand, false, 0, statement};
  push(scope);
}

void enter_planning(ErrorScope& scope) {
  scope = {{}, false, true, query_count, nullptr};
  push(scope);
}

void leave(const ErrorScope& scope) {
  error_context_stack = scope.callback.previous;
  // What was caught meanwhile is over.
  if (innermost() == nullptr) judged_file = nullptr;
}

void note_decryption() {
  ++decryption_count;
}

std::uint64_t decryptions() {
  return decryption_count;
}

void note_encrypted_query() {
  ++query_count;
}

bool uses_foreign_table() {
  const ErrorScope* scope = innermost();
  if (scope == nullptr || scope->statement == nullptr) return false;
  ListCell* cell;
  foreach (cell, scope->statement->rtable)
    if (lfirst_node(RangeTblEntry, cell)->relkind == RELKIND_FOREIGN_TABLE) return true;
  return false;
}

void note_bound_statement(const char* text) {
  if (bound_statements != nullptr &&
      hash_get_num_entries(bound_statements) >= kMostBoundStatements) {
    hash_destroy(bound_statements);
    bound_statements = nullptr;
  }
  if (bound_statements == nullptr) {
    HASHCTL control{};
    control.keysize = control.entrysize = sizeof(std::uint64_t);
    bound_statements = hash_create("nae bound statements", 64, &control, HASH_ELEM | HASH_BLOBS);
  }
  std::uint64_t digest = digest_of(text);
  hash_search(bound_statements, &digest, HASH_ENTER, nullptr);
}

Hook<emit_log_hook_type> log_hook{look_at_log, nullptr};

}  // namespace nae::pg
