// nae_sign(key, message [, scheme]), nae_verify(key, message, signature [, scheme])
#include "libnae/base/algorithm.hpp"
#include "pg_nae/functions/crypto_call.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::functions {
namespace {

constexpr char kSchemes[] =
    "Schemes: rsa-pss-sha256, rsa-pss-sha384, rsa-pss-sha512, rsa-pkcs1-sha256, rsa-pkcs1-sha384, "
    "rsa-pkcs1-sha512, rsa-pkcs1-sha1 (verify only), ecdsa-p256-sha256, ecdsa-p384-sha384, "
    "ed25519.";

SignatureScheme scheme_argument(FunctionCallInfo fcinfo, int position) {
  if (PG_NARGS() <= position) return SignatureScheme::key_default;
  auto scheme = scheme_from_name(pg::text_view(PG_GETARG_DATUM(position)));
  if (!scheme) pg::raise(Code::unsupported, "unknown signature scheme", kSchemes);
  return *scheme;
}

Datum sign(FunctionCallInfo fcinfo, const pg::Elements& messages) {
  SignatureScheme scheme = scheme_argument(fcinfo, 2);
  const SchemeRow* row = find_row(scheme);
  if (row != nullptr && !row->may_sign)
    pg::raise(Code::unsupported, "the scheme only verifies", kSchemes);
  CryptoCall call;
  call.action = Action::sign;
  call.algorithm = static_cast<std::uint8_t>(scheme);
  call.key = key_argument(fcinfo);
  call.items = messages;
  return answer(fcinfo, call);
}

Datum verify(FunctionCallInfo fcinfo, const pg::Elements& messages,
             const pg::Elements& signatures) {
  CryptoCall call;
  call.action = Action::verify;
  call.algorithm = static_cast<std::uint8_t>(scheme_argument(fcinfo, 3));
  call.key = key_argument(fcinfo);
  call.items = messages;
  call.seconds = &signatures;
  call.result = ResultKind::boolean;
  return answer(fcinfo, call);
}

}  // namespace
}  // namespace nae::functions

using namespace nae;

NAE_FUNCTION(nae_sign_bytea) {
  return functions::sign(fcinfo, pg::one_element(PG_GETARG_DATUM(1), false));
}
NAE_FUNCTION(nae_sign_text) {
  return functions::sign(fcinfo, pg::one_element(PG_GETARG_DATUM(1), true));
}
NAE_FUNCTION(nae_sign_array) {
  return functions::sign(fcinfo, pg::array_elements(PG_GETARG_DATUM(1)));
}
NAE_FUNCTION(nae_verify_bytea) {
  return functions::verify(fcinfo, pg::one_element(PG_GETARG_DATUM(1), false),
                           pg::one_element(PG_GETARG_DATUM(2), false));
}
NAE_FUNCTION(nae_verify_text) {
  return functions::verify(fcinfo, pg::one_element(PG_GETARG_DATUM(1), true),
                           pg::one_element(PG_GETARG_DATUM(2), false));
}
NAE_FUNCTION(nae_verify_array) {
  return functions::verify(fcinfo, pg::array_elements(PG_GETARG_DATUM(1)),
                           pg::array_elements(PG_GETARG_DATUM(2)));
}
