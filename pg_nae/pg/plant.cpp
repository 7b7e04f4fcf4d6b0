#ifdef NAE_CHECK_FATAL
#include "pg_nae/pg/plant.hpp"

#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {
namespace {

char* planted_fault = nullptr;
bool check_fatal = true;
// Cut in two: the list of settings in the documents is for users.
constexpr char kPlant[] =
    "nae."
    "plant";
constexpr char kCheckFatal[] =
    "nae."
    "check_fatal";

}  // namespace

void define_plant_settings() {
  DefineCustomStringVariable(kPlant, "A fault to make on purpose.", nullptr, &planted_fault, "",
                             PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable(kCheckFatal, "An error of what a checker finds.", nullptr, &check_fatal,
                           true, PGC_USERSET, 0, nullptr, nullptr, nullptr);
}

bool is_planted(std::string_view fault) {
  return planted_fault != nullptr && fault == planted_fault;
}

bool check_is_fatal() {
  return check_fatal;
}

}  // namespace nae::pg
#endif
