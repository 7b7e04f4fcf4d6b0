#include "pg_nae/pg/identity.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include "libnae/wire/limits.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/user_token.hpp"

namespace nae::pg {
namespace {

// Counts the invalidations of roles and memberships that reached this backend.
std::uint64_t catalog_generation = 1;
bool watching_catalogs = false;

void count_change(Datum, SystemCache, uint32) {
  ++catalog_generation;
}

void watch_catalogs() {
  if (watching_catalogs) return;
  CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, count_change, Datum{0});
  CacheRegisterSyscacheCallback(AUTHOID, count_change, Datum{0});
  watching_catalogs = true;
}

std::string_view role_name(Oid role) {
  char* name = OidIsValid(role) ? GetUserNameFromId(role, true) : nullptr;
  if (name == nullptr) raise(Code::role_undetermined, "the database role has no name");
  return as_text(to_utf8(as_bytes(name)));
}

#if PG_VERSION_NUM < 160000
// Until 15 a role marked NOINHERIT inherits from none of its memberships.
bool inherits(Oid role) {
  HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
  if (!HeapTupleIsValid(tuple)) return false;
  bool result = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple))->rolinherit;
  ReleaseSysCache(tuple);
  return result;
}
#endif

// Adds the roles of which `member` is a direct member and whose privileges it inherits.
List* add_direct_memberships(List* roles, Oid member) {
#if PG_VERSION_NUM < 160000
  if (!inherits(member)) return roles;
#endif
  CatCList* memberships = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(member));
  for (int i = 0; i < memberships->n_members; ++i) {
    auto* membership =
        reinterpret_cast<Form_pg_auth_members>(GETSTRUCT(&memberships->members[i]->tuple));
#if PG_VERSION_NUM >= 160000
    if (!membership->inherit_option) continue;
#endif
    roles = list_append_unique_oid(roles, membership->roleid);
  }
  ReleaseSysCacheList(memberships);
  return roles;
}

// The transitive closure of `role`, itself first. A superuser is a member of nothing by that.
List* memberships_of(Oid role) {
  List* roles = list_make1_oid(role);
  for (int i = 0; i < list_length(roles); ++i) {
    roles = add_direct_memberships(roles, list_nth_oid(roles, i));
    if (static_cast<std::uint32_t>(list_length(roles)) > wire::kMaxMemberships + 1)
      raise(Code::role_undetermined, "the database role has too many memberships");
  }
  return roles;
}

std::span<const std::string_view> membership_names(Oid role) {
  List* roles = memberships_of(role);
  auto count = static_cast<std::size_t>(list_length(roles) - 1);
  auto* names = static_cast<std::string_view*>(palloc(sizeof(std::string_view) * (count + 1)));
  for (std::size_t i = 0; i < count; ++i)
    names[i] = role_name(list_nth_oid(roles, static_cast<int>(i) + 1));
  return {names, count};
}

// Numeric; empty for a Unix socket and for processes without a client. Read from the backend's
// status entry: Port's header drags in headers of GSSAPI.
std::string_view client_address() {
  if (MyBEEntry == nullptr) return {};
  const auto& client = MyBEEntry->st_clientaddr;
  if (client.addr.ss_family != AF_INET && client.addr.ss_family != AF_INET6) return {};
  auto* host = static_cast<char*>(palloc(NI_MAXHOST));
  int rc = ::getnameinfo(reinterpret_cast<const sockaddr*>(&client.addr), client.salen, host,
                         NI_MAXHOST, nullptr, 0, NI_NUMERICHOST);
  return rc == 0 ? std::string_view(host) : std::string_view{};
}

}  // namespace

void refuse_restricted_operation() {
  if (InSecurityRestrictedOperation())
    raise(Code::restricted_operation,
          "cryptographic function called inside a security-restricted operation");
}

StatementRoles current_roles() {
  return {GetUserId(), GetSessionUserId(), GetAuthenticatedUserId(), current_user_digest()};
}

backend::RoleKey current_role_key() {
  return role_key_of(current_roles());
}

backend::RoleKey role_key_of(const StatementRoles& roles) {
  if (roles.user_digest != current_user_digest())
    raise(Code::user_token_rejected, "nae.user_token was changed while the statement was open",
          "Open the cursor anew under the token that is to read it.");
  require_usable_user_token();
  watch_catalogs();
  return {roles.effective,
          roles.session,
          roles.login,
          catalog_generation,
          application_name == nullptr ? "" : application_name,
          current_user_digest()};
}

backend::RoleClaimsView current_role_claims(const backend::RoleKey& key) {
  const char* database = get_database_name(MyDatabaseId);
  if (database == nullptr) raise(Code::role_undetermined, "the database has no name");
  backend::RoleClaimsView claims;
  claims.database = as_text(to_utf8(as_bytes(database)));
  claims.effective_role = role_name(key.effective);
  claims.session_role = role_name(key.session);
  claims.login_role = role_name(key.login);
  claims.application_name = as_text(to_utf8(as_bytes(key.application_name)));
  claims.client_address = client_address();
  claims.memberships = membership_names(key.effective);
  claims.user_token = current_user_token();
  return claims;
}

}  // namespace nae::pg
