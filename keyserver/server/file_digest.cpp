#include "keyserver/server/file_digest.hpp"

#include <fstream>

#include "libnae/base/text.hpp"
#include "libnae/crypto/running_hash.hpp"

namespace nae::server {
namespace {

constexpr std::size_t kPieceBytes = 1u << 20;

}  // namespace

Result<std::string> digest_of_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  crypto::RunningHash hash;
  Bytes piece(kPieceBytes);
  while (in) {
    in.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    hash.add(ByteView(piece).first(static_cast<std::size_t>(in.gcount())));
  }
  if (!in.eof() || in.bad()) return fail(Code::file_failed, "cannot read " + file.string());
  return to_hex(hash.finish());
}

}  // namespace nae::server
