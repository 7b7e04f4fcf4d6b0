// The settings under nae. (docs/sql.md, "Settings").
#pragma once

#include <cstddef>

namespace nae::pg {

enum AgentMode : int { agent_embedded = 0, agent_external = 1 };

struct Settings {
  bool preloaded;      // by shared_preload_libraries: only then an embedded agent is supervised
  int agent;           // AgentMode
  char* agent_socket;  // absolute path
  char* agent_program;
  char* agent_config;
  int request_timeout_ms;  // 0: none
  int connect_timeout_ms;
  int max_value_size_kb;
  bool batch;              // read when a statement is planned
  int batch_size;          // rows; read when a batch is filled
  bool transparent;        // clients see plaintexts; read when a statement is parsed
  bool accept_ciphertext;  // of roles that may not encrypt
  bool hide_values;        // errors do not quote values; read when one is made

  std::size_t max_value_bytes() const { return static_cast<std::size_t>(max_value_size_kb) * 1024; }
};
extern Settings settings;

// Called once, from _PG_init.
void define_settings();

}  // namespace nae::pg
