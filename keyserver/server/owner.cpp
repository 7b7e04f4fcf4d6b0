#include "keyserver/server/owner.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nae::server {
namespace {

std::string name_of(uid_t user) {
  passwd entry{}, *found = nullptr;
  char room[4096];
  if (::getpwuid_r(user, &entry, room, sizeof room, &found) == 0 && found) return found->pw_name;
  return std::to_string(user);
}

}  // namespace

Result<void> check_owner(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return {};
  const std::string owner = name_of(status.st_uid);
  return fail(
      Code::config_invalid,
      path.string() + " belongs to user " + owner + ", and this is user " + name_of(::geteuid()),
      "Run it as that user: runuser -u " + owner + " -- nae-keyserver ...");
}

Result<void> check_owner(const config::Config& config) {
  if (!config.store.path.empty()) NAE_TRY(check_owner(config.store.path));
  return check_owner(config.audit.directory);
}

}  // namespace nae::server
