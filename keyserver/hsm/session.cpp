#include "keyserver/hsm/session.hpp"

#include "keyserver/hsm/mechanisms.hpp"

namespace nae::hsm {

Result<std::unique_ptr<Session>> open_session(const Module& module, const std::string& token_label,
                                              const crypto::SecretBytes& pin) {
  NAE_ASSIGN(const CK_SLOT_ID slot, find_token(module, token_label));
  NAE_TRY(require_mechanisms(module.calls(), slot));
  return Session::open(module, slot, pin);
}

}  // namespace nae::hsm
