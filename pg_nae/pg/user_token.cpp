#include "pg_nae/pg/user_token.hpp"

#include "libnae/wire/limits.hpp"
#include "pg_nae/pg/postgres.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::pg {
namespace {

// The setting's own text, whatever the token: SHOW, current_setting() and what PostgreSQL hands to
// parallel workers have this.
constexpr char kShown[] = "set";

// What PostgreSQL keeps beside the text and brings back with it at the end of SET LOCAL, of a
// function with settings of its own, and when a transaction is rolled back.
struct UserToken {
  const char* unusable;  // why it cannot be used, else nullptr
  std::array<Byte, 32> digest;
  std::size_t bytes;
  char text[1];  // `bytes` of them
};

const UserToken kNone{};
const UserToken* current = &kNone;
char* shown_text = nullptr;

constexpr char kSessionOnly[] = "parameter \"nae.user_token\" can only be set within a session";
constexpr char kMalformed[] = "parameter \"nae.user_token\" takes a JSON Web Token in compact form";
constexpr char kTooLong[] = "parameter \"nae.user_token\" takes at most 65535 bytes";
static_assert(wire::kMaxUserTokenBytes == 65'535);

// While PostgreSQL hands over what was set before the library was loaded.
bool being_defined = false;

void* setting_memory(std::size_t bytes) {
#if PG_VERSION_NUM >= 160000
  return guc_malloc(LOG, bytes);
#else
  return malloc(bytes);
#endif
}

void free_setting(char* text) {
#if PG_VERSION_NUM >= 160000
  guc_free(text);
#else
  free(text);
#endif
}

// Always with a message of our own: PostgreSQL's would quote the value, into its log too.
bool refuse(const char* message) {
  GUC_check_errmsg("%s", message);
  return false;
}

bool is_token_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Three parts of base64url. All that is looked at here, so that other texts do not travel.
bool looks_like_token(std::string_view text) {
  int dots = 0;
  for (char c : text) {
    if (c == '.')
      ++dots;
    else if (!is_token_character(c))
      return false;
  }
  return dots == 2;
}

bool digest_of(std::string_view text, std::array<Byte, 32>& digest) {
  pg_cryptohash_ctx* hash = pg_cryptohash_create(PG_SHA256);
  if (hash == nullptr) return false;
  bool done =
      pg_cryptohash_init(hash) >= 0 &&
      pg_cryptohash_update(hash, reinterpret_cast<const uint8*>(text.data()), text.size()) >= 0 &&
      pg_cryptohash_final(hash, digest.data(), digest.size()) >= 0;
  pg_cryptohash_free(hash);
  return done;
}

UserToken* make_token(std::string_view text, const char* unusable) {
  auto* token = static_cast<UserToken*>(setting_memory(offsetof(UserToken, text) + text.size()));
  if (token == nullptr) return nullptr;
  token->unusable = unusable;
  token->bytes = text.size();
  std::memcpy(token->text, text.data(), text.size());
  if (digest_of(text, token->digest)) return token;
  free_setting(reinterpret_cast<char*>(token));
  return nullptr;
}

// What PostgreSQL only warns of when it is refused, so that the session would act for nobody: what
// a role or database has, and what was set before the library was loaded.
bool is_only_warned_of(GucSource source) {
  return being_defined || source == PGC_S_GLOBAL || source == PGC_S_DATABASE ||
         source == PGC_S_USER || source == PGC_S_DATABASE_USER;
}

// From a file, a role, a database, a function or a client's start options it would be there for
// whoever comes next, and written down in a catalog.
const char* fault_of(std::string_view text, GucSource source) {
  if (source != PGC_S_SESSION) return kSessionOnly;
  if (text.size() > wire::kMaxUserTokenBytes) return kTooLong;
  return looks_like_token(text) ? nullptr : kMalformed;
}

bool check_user_token(char** value, void** extra, GucSource source) {
  if (**value == '\0') return true;
  // A worker gets the leader's text without its token: the functions that use it run in the leader.
  if (InitializingParallelWorker) return true;
  const std::string_view text(*value);
  const char* fault = fault_of(text, source);
  if (fault != nullptr && !is_only_warned_of(source)) return refuse(fault);
  char* shown = static_cast<char*>(setting_memory(sizeof kShown));
  UserToken* token =
      shown == nullptr ? nullptr : make_token(fault == nullptr ? text : "unusable", fault);
  if (token == nullptr) {
    if (shown != nullptr) free_setting(shown);
    return refuse("out of memory");
  }
  std::memcpy(shown, kShown, sizeof kShown);
  explicit_bzero(*value, text.size());
  free_setting(*value);
  *value = shown;
  *extra = token;
  return true;
}

void assign_user_token(const char*, void* extra) {
  current = extra == nullptr ? &kNone : static_cast<const UserToken*>(extra);
}

}  // namespace

void define_user_token() {
  being_defined = true;
  DefineCustomStringVariable(
      "nae.user_token", "JSON Web Token of the end user on whose behalf the session works.",
      "Shown as \"set\". Rules of the key server's policy can ask for its claims.", &shown_text, "",
      PGC_USERSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, check_user_token,
      assign_user_token, nullptr);
  being_defined = false;
}

void require_usable_user_token() {
  if (current->unusable != nullptr)
    raise(
        Code::user_token_rejected, current->unusable,
        "Set nae.user_token in the session, or to nothing; take it away with ALTER ROLE ... RESET "
        "nae.user_token where a role or database has it.");
}

std::string_view current_user_token() {
  return {current->text, current->bytes};
}

const std::array<Byte, 32>& current_user_digest() {
  return current->digest;
}

}  // namespace nae::pg
