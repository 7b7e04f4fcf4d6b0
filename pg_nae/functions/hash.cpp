// nae_hash(algorithm, data)
#include "libnae/base/algorithm.hpp"
#include "pg_nae/functions/crypto_call.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::functions {
namespace {

Datum hash(FunctionCallInfo fcinfo, const pg::Elements& data) {
  auto algorithm = hash_from_name(pg::text_view(PG_GETARG_DATUM(0)));
  if (!algorithm)
    pg::raise(Code::unsupported, "unknown hash algorithm",
              "Algorithms: sha224, sha256, sha384, sha512, sha1 (for old digests only).");
  CryptoCall call;
  call.action = Action::hash;
  call.algorithm = static_cast<std::uint8_t>(*algorithm);
  call.items = data;
  return answer(fcinfo, call);
}

}  // namespace
}  // namespace nae::functions

using namespace nae;

NAE_FUNCTION(nae_hash_bytea) {
  return functions::hash(fcinfo, pg::one_element(PG_GETARG_DATUM(1), false));
}
NAE_FUNCTION(nae_hash_text) {
  return functions::hash(fcinfo, pg::one_element(PG_GETARG_DATUM(1), true));
}
NAE_FUNCTION(nae_hash_array) {
  return functions::hash(fcinfo, pg::array_elements(PG_GETARG_DATUM(1)));
}
