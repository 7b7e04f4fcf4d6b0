#include "pg_nae/pg/own_settings.hpp"

// Here alone: the tables behind the settings.
extern "C" {
#include "utils/guc_tables.h"
}

namespace nae::pg {
namespace {

// What PostgreSQL counts among the settings that choose a plan, and is left as it is.
constexpr const char* kLeft[] = {
    "search_path",   // each function of ours names its own
    "temp_buffers",  // cannot change once temporary tables have been read
};

struct Fixed {
  const char* name;
  const char* value;
};
// What changes how a function's text is read, which rows it sees and what it writes into catalogs.
constexpr Fixed kFixed[] = {
    {"standard_conforming_strings", "on"},
    {"transform_null_equals", "off"},
    {"quote_all_identifiers", "off"},
    {"array_nulls", "on"},
    {"row_security", "on"},
    {"default_tablespace", ""},
    {"extra_float_digits", "1"},
    {"jit", "off"},
    {"max_parallel_workers_per_gather", "0"},
    {"plpgsql.variable_conflict", "error"},
    {"plpgsql.extra_errors", "none"},
    {"plpgsql.extra_warnings", "none"},
};

bool is_left(const char* name) {
  for (const char* left : kLeft)
    if (std::strcmp(name, left) == 0) return true;
  return false;
}

void set(const char* name, const char* value) {
  const char* now = GetConfigOption(name, true, false);
  if (now == nullptr || std::strcmp(now, value) == 0) return;
  // What cannot be set, as within a parallel worker, costs time and nothing else.
  set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, DEBUG1, false);
}

// A setting's part of one type: until 18 it begins with what is common to all, from 19 on it is
// within that.
#if PG_VERSION_NUM >= 190000
#define NAE_PART(setting, type) (setting)->_##type
#else
#define NAE_PART(setting, type) (*reinterpret_cast<config_##type*>(setting))
#endif

// The value that PostgreSQL is built with, in words.
const char* built_in(config_generic* setting) {
  switch (setting->vartype) {
    case PGC_BOOL:
      return NAE_PART(setting, bool).boot_val ? "on" : "off";
    case PGC_INT:
      return psprintf("%d", NAE_PART(setting, int).boot_val);
    case PGC_REAL:
      return psprintf("%.17g", NAE_PART(setting, real).boot_val);
    case PGC_STRING:
      return NAE_PART(setting, string).boot_val;
    case PGC_ENUM:
#if PG_VERSION_NUM >= 190000
      return config_enum_lookup_by_value(setting, NAE_PART(setting, enum).boot_val);
#else
      return config_enum_lookup_by_value(&NAE_PART(setting, enum),
                                         NAE_PART(setting, enum).boot_val);
#endif
  }
  return nullptr;
}

}  // namespace

void use_own_settings() {
  int count;
  // PostgreSQL's own list of what chooses a plan and differs from what is built in.
  config_generic** changed = get_explain_guc_options(&count);
  for (int i = 0; i < count; ++i) {
    const char* value = built_in(changed[i]);
    bool settable = changed[i]->context == PGC_USERSET || changed[i]->context == PGC_SUSET;
    if (settable && value != nullptr && !is_left(changed[i]->name)) set(changed[i]->name, value);
  }
  pfree(changed);
  for (const Fixed& fixed : kFixed) set(fixed.name, fixed.value);
}

}  // namespace nae::pg

NAE_FUNCTION(nae_use_own_settings) {
  nae::pg::use_own_settings();
  PG_RETURN_VOID();
}
