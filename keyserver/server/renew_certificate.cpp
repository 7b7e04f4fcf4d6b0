#include "keyserver/server/renew_certificate.hpp"

#include <string.h>  // explicit_bzero

#include <ctime>

#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/setup/authority.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "libnae/base/file.hpp"

namespace nae::server {
namespace {

Result<Bytes> own_public_key(const std::filesystem::path& file) {
  NAE_ASSIGN(std::string pem, read_file(file, kMostPemBytes));
  auto key = crypto::public_key_of(as_bytes(pem));
  ::explicit_bzero(pem.data(), pem.size());
  return key;
}

}  // namespace

Result<Renewed> renew_certificate(const config::Config& config) {
  NAE_ASSIGN(std::string present, read_file(config.tls.certificate, kMostPemBytes));
  NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(present));
  NAE_ASSIGN(Bytes spki, own_public_key(config.tls.key));
  if (spki != info.spki)
    return fail(Code::tls_failed, config.tls.certificate.string() + " and " +
                                      config.tls.key.string() + " do not belong together");
  NAE_ASSIGN(std::string authority, read_file(config.tls.client_authority, kMostPemBytes));

  if (!config.hsm.softhsm_configuration.empty())
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  NAE_ASSIGN(auto hsm, hsm::Pkcs11Hsm::open(hsm_options(config)));
  NAE_ASSIGN(auto store, open_store(config));
  NAE_TRY(setup::check_token(*store, *hsm));
  std::vector<std::string> names = info.dns_names;
  names.insert(names.end(), info.ip_names.begin(), info.ip_names.end());
  NAE_ASSIGN(NewFile answer, NewFile::reserve(config.tls.certificate, 0644, kMostPemBytes));
  NAE_ASSIGN(std::string renewed,
             setup::issue_server(*hsm, authority, names, spki, std::time(nullptr)));
  NAE_ASSIGN(crypto::CertificateInfo issued, crypto::read_certificate(renewed));
  NAE_TRY(answer.replace(as_bytes(renewed)));
  return Renewed{issued.serial, issued.not_after_s};
}

}  // namespace nae::server
