// `nae-keyserver init`: everything a key server needs before its first start, in one directory:
// HSM token and group key, authority and certificates, store, audit key, configuration.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "keyserver/setup/custody.hpp"
#include "libnae/base/result.hpp"

namespace nae::setup {

struct Choices {
  std::filesystem::path directory;
  std::string host = "127.0.0.1";
  std::uint16_t port = 7443;       // 0: one that is free now
  std::vector<std::string> names;  // DNS names and addresses that clients call the server by
  std::string admin = "admin";     // name of the first admin, who gets every role
  std::filesystem::path module = "/usr/lib/softhsm/libsofthsm2.so";
  std::string module_parameters;  // for its C_Initialize; most take none
  std::string token_label = "nae";
  // Empty: SoftHSM2 with a token of its own below `directory`, its PINs made here. Otherwise an
  // HSM whose token exists, with the file that holds its user PIN.
  std::filesystem::path pin_file;
  // Empty: SQLite's file keys.db in `directory`. Otherwise "postgresql://..." of a database whose
  // role may create a schema, and the name of this key server among those that will use it.
  std::string store_url;
  std::string node;
  CustodyChoice custody;  // to whom the group's keys belong
};

// "127.0.0.1:7443" or "[::1]:7443"; false when it is neither.
bool set_listen(const std::string& listen, Choices& choices);

// Whose cards the group's keys are given to. Without any option: a software card.
Result<void> choose_custody(const std::string& quorum, const std::vector<std::string>& cards,
                            const std::vector<std::string>& sha1_cards, CustodyChoice& choice);

struct Made {
  std::filesystem::path configuration;
  std::filesystem::path admin_profile;
  std::string address;  // "127.0.0.1:7443"
  std::string server_id;
  std::filesystem::path custody_file;
  std::vector<std::string> holders;     // of cards
  std::size_t k = 1;                    // of them are needed
  std::filesystem::path software_card;  // its directory; empty: others hold the cards
  std::string taken_back;               // what an interrupted run had come to; empty: none was
};

// Code::already_initialised when `directory` exists and is not empty, or when the token holds keys
// of ours; nothing is changed then. What was made before a failure is removed again, on a token
// that existed before, too. What a run left that was interrupted is taken back first.
// Code::conflict while another run, or a restore, works in `directory` or on the token.
Result<Made> initialise(const Choices& choices);

// For who ran it: lines.
std::string report_of(const Choices& choices, const Made& made);

// Points SoftHSM2 at its configuration, before the module is loaded. Other modules ignore it.
void use_softhsm_configuration(const std::filesystem::path& file);

}  // namespace nae::setup
