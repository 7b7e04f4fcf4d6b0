// Plant: faults that were mended, made again on purpose, to see that the checkers refuse what comes
// of them. Only in builds for tests (make NAE_CHECK_FATAL=1); in all others nothing is planted.
#pragma once

#include <string_view>

namespace nae::pg {

#ifdef NAE_CHECK_FATAL
// nae.plant names the fault, nae.check_fatal (on) makes an error of what a checker finds. Called
// once, from _PG_init, before the settings are: their prefix is reserved then.
void define_plant_settings();
bool is_planted(std::string_view fault);
bool check_is_fatal();
#else
constexpr bool is_planted(std::string_view) {
  return false;
}
constexpr bool check_is_fatal() {
  return false;
}
#endif

}  // namespace nae::pg
