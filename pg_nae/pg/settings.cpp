#include "pg_nae/pg/settings.hpp"

#include "pg_nae/connection/agent_socket.hpp"
#include "pg_nae/pg/postgres.hpp"
#include "pg_nae/pg/user_token.hpp"

namespace nae::pg {

Settings settings;

namespace {

const config_enum_entry kAgentModes[] = {
    {"embedded", agent_embedded, false}, {"external", agent_external, false}, {nullptr, 0, false}};

// A frame of the ceiling less headers and associated data still holds such a value.
constexpr int kMaxValueSizeKbCeiling = 61440;

bool check_absolute_path(char** value, void**, GucSource) {
  if (**value == '\0' || is_absolute_path(*value)) return true;
  GUC_check_errdetail("The path must be absolute.");
  return false;
}

bool check_socket_path(char** value, void** extra, GucSource source) {
  if (std::strlen(*value) > backend::kMaxSocketPathBytes) {
    GUC_check_errdetail("A path of a socket has at most %d bytes.",
                        static_cast<int>(backend::kMaxSocketPathBytes));
    return false;
  }
  return check_absolute_path(value, extra, source);
}

// Defaults live as long as the process: the GUC machinery keeps the pointer.
const char* in_data_directory(const char* name) {
  return DataDir == nullptr
             ? ""
             : MemoryContextStrdup(TopMemoryContext, psprintf("%s/%s", DataDir, name));
}

const char* default_socket() {
  const char* path = in_data_directory("nae-agent.sock");
  return std::strlen(path) <= backend::kMaxSocketPathBytes ? path : "";
}

const char* default_program() {
  char directory[MAXPGPATH];
  strlcpy(directory, my_exec_path, sizeof directory);
  get_parent_directory(directory);
  return MemoryContextStrdup(TopMemoryContext, psprintf("%s/nae-agent", directory));
}

// What only the start of the server settles. A library that is loaded later must not define such a
// setting (PostgreSQL would end the session), and has no agent to start: there the file decides.
GucContext start_context() {
  return settings.preloaded ? PGC_POSTMASTER : PGC_SIGHUP;
}

// What a statement puts out is settled when it is analyzed; those that are kept are analyzed again.
void forget_plans(bool value, void*) {
  if (value != settings.transparent) ResetPlanCache();
}

void define_agent_settings() {
  DefineCustomEnumVariable(
      "nae.agent", "Who starts nae-agent.",
      "\"embedded\": a background worker of this server starts and supervises it, provided that "
      "pg_nae is in shared_preload_libraries. \"external\": the operating system does.",
      &settings.agent, agent_embedded, kAgentModes, start_context(), 0, nullptr, nullptr, nullptr);
  DefineCustomStringVariable(
      "nae.agent_socket", "Path of the Unix socket that nae-agent listens on.",
      "Absolute, at most 107 bytes.", &settings.agent_socket, default_socket(), PGC_SIGHUP,
      GUC_SUPERUSER_ONLY, check_socket_path, nullptr, nullptr);
  DefineCustomStringVariable("nae.agent_program",
                             "Path of the nae-agent that is started when embedded.", nullptr,
                             &settings.agent_program, default_program(), start_context(),
                             GUC_SUPERUSER_ONLY, check_absolute_path, nullptr, nullptr);
  DefineCustomStringVariable(
      "nae.agent_config", "Path of the configuration of the embedded nae-agent.", nullptr,
      &settings.agent_config, in_data_directory("nae-agent.toml"), start_context(),
      GUC_SUPERUSER_ONLY, check_absolute_path, nullptr, nullptr);
}

}  // namespace

void define_settings() {
  settings.preloaded = process_shared_preload_libraries_in_progress;
  define_agent_settings();
  DefineCustomIntVariable(
      "nae.request_timeout", "Longest time that one cryptographic call waits for its answer.",
      "0 waits until the answer comes or the statement is cancelled.", &settings.request_timeout_ms,
      30000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "nae.connect_timeout", "Longest time that a call waits for nae-agent to accept a connection.",
      "While an embedded agent starts, calls wait for it this long.", &settings.connect_timeout_ms,
      2000, 1, 600000, PGC_USERSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("nae.max_value_size", "Largest value that is sent to the key server.",
                          "Larger values are refused before anything is sent.",
                          &settings.max_value_size_kb, 16384, 1, kMaxValueSizeKbCeiling,
                          PGC_USERSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("nae.batch", "Sends the values of many rows in one request.",
                           "Off: each row is a request of its own.", &settings.batch, true,
                           PGC_USERSET, GUC_EXPLAIN, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("nae.batch_size", "Most rows whose values are asked for together.",
                          "A batch also ends at work_mem.", &settings.batch_size, 2000, 1, 10000,
                          PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("nae.transparent", "Shows encrypted columns decrypted.",
                           "Off: clients see the ciphertext that is stored, as dumps do.",
                           &settings.transparent, true, PGC_USERSET, 0, nullptr, forget_plans,
                           nullptr);
  DefineCustomBoolVariable(
      "nae.accept_ciphertext", "Stores ciphertexts that roles give which may not encrypt.",
      "For roles that restore dumps. Superusers and logical replication need it not.",
      &settings.accept_ciphertext, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  // The log is not the role's that fills it.
  DefineCustomBoolVariable("nae.hide_values",
                           "Takes values out of errors of statements that decrypt or encrypt.",
                           "Off: PostgreSQL's own messages quote them, to clients and in the log.",
                           &settings.hide_values, true, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  define_user_token();
#if PG_VERSION_NUM >= 150000
  MarkGUCPrefixReserved("nae");
#else
  EmitWarningsOnPlaceholders("nae");
#endif
}

}  // namespace nae::pg
