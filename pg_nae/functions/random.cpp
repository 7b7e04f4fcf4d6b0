// nae_random(bytes)
#include "libnae/base/action_form.hpp"
#include "pg_nae/functions/crypto_call.hpp"
#include "pg_nae/pg/report.hpp"

using namespace nae;

NAE_FUNCTION(nae_random) {
  int32 bytes = PG_GETARG_INT32(0);
  if (bytes < 1 || static_cast<std::uint32_t>(bytes) > kMaxRandomBytes)
    pg::raise(Code::invalid_argument,
              psprintf("the number of random bytes must be 1 to %u", kMaxRandomBytes), "");
  Byte item[4];
  store_big_endian(item, static_cast<std::uint32_t>(bytes));
  functions::CryptoCall call;
  call.action = Action::random;
  call.items = pg::one_element(pg::make_bytea(item), false);
  return functions::answer(fcinfo, call);
}
