#include "pkcs11/return_value.hpp"

namespace nae::pkcs11 {

CK_RV return_value(Code code) {
  switch (code) {
    case Code::denied:
    case Code::limit_exceeded:
    case Code::key_attribute:
    case Code::key_state:
      return CKR_KEY_FUNCTION_NOT_PERMITTED;
    case Code::key_unknown:
      return CKR_KEY_HANDLE_INVALID;
    case Code::key_type:
      return CKR_KEY_TYPE_INCONSISTENT;
    case Code::unsupported:
      return CKR_MECHANISM_INVALID;
    case Code::user_token_rejected:
      return CKR_USER_NOT_LOGGED_IN;  // it ended meanwhile
    case Code::invalid_argument:
    case Code::signature_malformed:
      return CKR_DATA_INVALID;
    case Code::value_too_large:
    case Code::frame_too_large:
    case Code::too_many_items:
      return CKR_DATA_LEN_RANGE;
    case Code::not_initialised:
      return CKR_CRYPTOKI_NOT_INITIALIZED;  // C_Finalize in another thread
    case Code::program_unknown:
    case Code::device_unknown:
    case Code::role_undetermined:
    case Code::certificate_rejected:
      return CKR_TOKEN_NOT_RECOGNIZED;
    case Code::agent_unavailable:
    case Code::server_unavailable:
    case Code::shutting_down:
      return CKR_TOKEN_NOT_PRESENT;
    case Code::config_invalid:
      return CKR_ARGUMENTS_BAD;
    default:
      return CKR_DEVICE_ERROR;
  }
}

}  // namespace nae::pkcs11
