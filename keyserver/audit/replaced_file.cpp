#include "keyserver/audit/replaced_file.hpp"

#include <fcntl.h>

#include "keyserver/audit/file.hpp"

namespace nae::audit {

Result<void> replace_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path beside = path.string() + ".new";
  {
    NAE_ASSIGN(SharedFile file, open_file(beside, O_CREAT | O_TRUNC | O_WRONLY));
    NAE_TRY(write_all(*file, text, beside));
    NAE_TRY(sync_data(*file, beside));
  }
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  if (error) return system_failure("replace", path, error.value());
  return sync_directory(path.parent_path());
}

}  // namespace nae::audit
